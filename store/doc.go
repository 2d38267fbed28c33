// Package store keeps the server's data: hub.Store on SQLite.
//
// It guarantees: what a method has reported is on disk (WAL, synchronous=FULL) and survives a kill and a power
// cut; an error means that nothing was changed; the writes that meet share one commit; a data folder is used by one process at a
// time, is readable by its owner alone, and is never opened by an older program than the one that wrote it. Memory
// is the same code on a database in memory: nothing touches the disk.
//
// To back a running server up, copy the database with SQLite's online backup (sqlite3 huisclos.db ".backup copy.db"), or stop the
// server and copy the folder. After putting a copy back, call Restored (huisclos serve --restored) once: the store draws a new
// incarnation, by which clients notice that what they have seen acknowledged may be gone.
package store
