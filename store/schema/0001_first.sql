-- Version 1. Released migrations aren't changed any more; a new shape is a new file.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE rooms (
    no              INTEGER PRIMARY KEY AUTOINCREMENT, -- not used twice: retired outlives a room
    room            BLOB NOT NULL UNIQUE,
    name            TEXT UNIQUE,            -- NULL in a private room
    kind            INTEGER NOT NULL,
    floor           INTEGER NOT NULL,       -- the log begins after this one
    floor_hash      BLOB NOT NULL,
    head            INTEGER NOT NULL,
    head_hash       BLOB NOT NULL,
    last_commit_seq INTEGER NOT NULL,
    bytes           INTEGER NOT NULL,       -- of envelopes kept
    creator         BLOB,
    created         INTEGER NOT NULL,       -- all times in ms since 1970
    keep            INTEGER NOT NULL,       -- 1: the room has its own retention, in what follows
    keep_age        INTEGER NOT NULL,       -- ms, 0 for ever
    keep_bytes      INTEGER NOT NULL,
    keep_commits    INTEGER NOT NULL        -- ms: Commits outlive content
) STRICT;

-- The logs. place is room.no * 2^40 + seq, so that a room's log is one run of the table, and grows at its end.
CREATE TABLE entries (
    place    INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    pruned   INTEGER NOT NULL,              -- 1: envelope is the SHA-256 of what stood there
    seen     INTEGER NOT NULL,              -- the head that the sender vouches for
    device   INTEGER NOT NULL,              -- the sender's
    id       BLOB NOT NULL,                 -- which he gave it
    hash     BLOB NOT NULL,                 -- H_seq
    envelope BLOB NOT NULL
) STRICT;

-- What makes sending again harmless, and retired, which outlives retention: it has those that left entries.
CREATE UNIQUE INDEX entries_id ON entries (device, id);
CREATE TABLE retired (
    device   INTEGER NOT NULL,
    id       BLOB NOT NULL,
    place    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    hash     BLOB NOT NULL,                 -- H_seq
    envelope BLOB NOT NULL,                 -- SHA-256 of the envelope
    PRIMARY KEY (device, id)
) WITHOUT ROWID, STRICT;

CREATE TABLE accounts (
    no       INTEGER PRIMARY KEY,
    account  BLOB NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    folded   TEXT NOT NULL UNIQUE,
    skeleton TEXT NOT NULL UNIQUE,
    name_sig BLOB NOT NULL,
    enrolled INTEGER NOT NULL,              -- generation
    at       INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    no           INTEGER PRIMARY KEY,
    device       BLOB NOT NULL UNIQUE,
    account      INTEGER NOT NULL REFERENCES accounts (no),
    certificate  BLOB NOT NULL,
    list_version INTEGER NOT NULL,
    session_gen  INTEGER NOT NULL,
    proven       INTEGER NOT NULL,          -- newest generation whose access key signed a login
    revoked      INTEGER NOT NULL,
    last_login   INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_account ON devices (account);

-- What devices publish so that others can add them (RFC 9420 §10), oldest first.
CREATE TABLE key_packages (
    no     INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES devices (no),
    ref    BLOB NOT NULL,
    last   INTEGER NOT NULL,                -- 1: the last resort, which isn't used up
    data   BLOB NOT NULL,
    UNIQUE (device, ref)
) STRICT;

-- Who may read and append in a private room.
CREATE TABLE roster (
    room    INTEGER NOT NULL REFERENCES rooms (no),
    account INTEGER NOT NULL REFERENCES accounts (no),
    removed INTEGER NOT NULL,               -- the Commit that takes it off, until somebody goes on from that; 0: none
    remover INTEGER NOT NULL,               -- the account that made it
    PRIMARY KEY (room, account)
) WITHOUT ROWID, STRICT;
CREATE INDEX roster_account ON roster (account);
CREATE INDEX roster_removed ON roster (room) WHERE removed > 0;

-- Welcomes that wait for their devices.
CREATE TABLE welcomes (
    no      INTEGER PRIMARY KEY,
    room    INTEGER NOT NULL REFERENCES rooms (no),
    device  INTEGER NOT NULL REFERENCES devices (no),
    seq     INTEGER NOT NULL,               -- of the Commit
    hash    BLOB NOT NULL,                  -- H_seq
    sender  INTEGER NOT NULL REFERENCES devices (no),
    at      INTEGER NOT NULL,
    welcome BLOB NOT NULL,
    UNIQUE (device, room, seq)
) STRICT;
CREATE INDEX welcomes_room ON welcomes (room);

-- The newest GroupInfo and tree of each private room.
CREATE TABLE room_state (
    room INTEGER PRIMARY KEY REFERENCES rooms (no),
    seq  INTEGER NOT NULL,                  -- the Commit that it stands after
    info BLOB NOT NULL,
    tree BLOB NOT NULL
) STRICT;

CREATE TABLE bans (
    account INTEGER PRIMARY KEY REFERENCES accounts (no),
    reason  TEXT NOT NULL,
    by      TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

CREATE TABLE generations (
    number INTEGER PRIMARY KEY,
    access BLOB NOT NULL,
    key_id BLOB NOT NULL,
    link   BLOB,
    at     INTEGER NOT NULL,
    prove  INTEGER NOT NULL
) STRICT;

CREATE TABLE grants (
    generation INTEGER NOT NULL,
    device     INTEGER NOT NULL REFERENCES devices (no),
    sealed     BLOB NOT NULL,
    PRIMARY KEY (generation, device)
) WITHOUT ROWID, STRICT;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
