-- Version 4: a backup was put back, and members give back what it lacks.

CREATE TABLE refill (
    no     INTEGER PRIMARY KEY CHECK (no = 1), -- one row while it goes on
    at     INTEGER NOT NULL,                   -- when the server was restored
    newest INTEGER NOT NULL,                   -- the time of the backup's newest entry, 0 for none
    until  INTEGER NOT NULL
) STRICT;

-- The rooms of the backup. A room to whose log something else was added than what came back (its head isn't this one) takes nothing any more.
CREATE TABLE refill_rooms (
    room INTEGER PRIMARY KEY REFERENCES rooms (no) ON DELETE CASCADE,
    base INTEGER NOT NULL,                     -- the head that the backup had
    head INTEGER NOT NULL                      -- with what came back since
) STRICT;
