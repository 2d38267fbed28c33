-- Version 5: since when an account is on a roster.

ALTER TABLE roster ADD COLUMN added INTEGER NOT NULL DEFAULT 0; -- the Commit that put it on, or took a removal back; 0: the maker, or not known
