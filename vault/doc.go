// Package vault keeps a profile at rest: one folder with one encrypted,
// authenticated database, and the folders of all profiles under one home.
//
// What it guarantees:
//
//   - Nothing but the folder's name, the server's fingerprint and its address can be read
//     without the vault's key. The pages are encrypted (Adiantum, a wide-block cipher), and every
//     record is sealed again with AES-256-GCM, bound to its table, its key and its format.
//   - What was changed outside the program, down to one bit, is CodeVaultCorrupt when it is met, never
//     a wrong record: every page carries a check inside the encryption, every record its tag.
//   - An older copy of the database put in the place of the newer one is noticed by a counter that is mirrored
//     beside the key (RolledBack). The mirror in a key file can be put back together with the database; then the
//     server's log of this device tells (package client).
//   - One process has a vault open at a time; another gets CodeVaultInUse. A vault of a newer version is
//     CodeVaultNewer and stays untouched.
//
// Where the key is: in the system's keyring; else in a file of mode 0600 beside the database, which
// protects from other users of the machine but not from who can read one's files; or, after Lock, sealed by a passphrase (Argon2id).
//
// What it doesn't do: hide the sizes of the files or when they change, wipe memory, or
// notice that single records were deleted by somebody who has the key.
package vault
