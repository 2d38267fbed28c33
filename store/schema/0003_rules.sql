-- Version 3: what the server enforces of the rules of private rooms.

CREATE TABLE room_rules (
    room    INTEGER NOT NULL REFERENCES rooms (no),
    what    INTEGER NOT NULL,               -- 0 slow mode, 1 free of it, 2 muted, 3 banned
    account INTEGER NOT NULL,               -- 0 for slow mode
    value   INTEGER NOT NULL,               -- the greater the stricter: seconds; -1 free; 1 muted or banned; 0 nothing
    next    INTEGER NOT NULL,               -- what it will be when somebody goes on from seq
    seq     INTEGER NOT NULL,               -- the Commit that says so; 0: none
    maker   INTEGER NOT NULL,               -- the account that made it
    PRIMARY KEY (room, what, account)
) WITHOUT ROWID, STRICT;

-- When somebody's newest text came in a room with slow mode.
CREATE TABLE texts (
    room    INTEGER NOT NULL REFERENCES rooms (no),
    account INTEGER NOT NULL REFERENCES accounts (no),
    at      INTEGER NOT NULL,
    PRIMARY KEY (room, account)
) WITHOUT ROWID, STRICT;
