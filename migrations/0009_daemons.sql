-- Which daemons live on this database, for `status`. Nothing is decided by these rows: who does what is decided by locks.

CREATE TABLE daemons (
    id text PRIMARY KEY,
    since timestamptz NOT NULL,
    last_look timestamptz NOT NULL,
    version text NOT NULL
);
COMMENT ON TABLE daemons IS 'The daemons that work on this database; one that ended in good order takes its row with it';
COMMENT ON COLUMN daemons.id IS 'Random, made at each start';
COMMENT ON COLUMN daemons.since IS 'When it started';
COMMENT ON COLUMN daemons.last_look IS 'When it last looked how it stands: once a minute; one that has not for minutes was killed, or hangs';
COMMENT ON COLUMN daemons.version IS 'The version of the program';
