-- Version 2: what an account comes back with after the loss of its devices, sealed by itself.

CREATE TABLE backups (
    account INTEGER PRIMARY KEY REFERENCES accounts (no),
    serial  INTEGER NOT NULL,               -- greater each time
    at      INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

-- The devices of an account as it says itself: a chain of signed statements, of which there are as many as the version says.
CREATE TABLE device_lists (
    account INTEGER PRIMARY KEY REFERENCES accounts (no),
    version INTEGER NOT NULL,
    list    BLOB NOT NULL
) STRICT;
