-- Ends that somebody does not want to hear of for a while.

CREATE TABLE snoozes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES companies,
    number_key text NOT NULL,
    number text NOT NULL,
    last_day date NOT NULL,
    until date NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON TABLE snoozes IS 'Ends of certificates of which nothing is told until a day; kept for ever, as an auditor asks who was not told, and why';
COMMENT ON COLUMN snoozes.id IS 'Row id';
COMMENT ON COLUMN snoozes.company_id IS 'Whose';
COMMENT ON COLUMN snoozes.number_key IS 'The certificate number, normalised';
COMMENT ON COLUMN snoozes.number IS 'The certificate number as the registry wrote it';
COMMENT ON COLUMN snoozes.last_day IS 'The end it is about: another end is told of';
COMMENT ON COLUMN snoozes.until IS 'The first day on which it is told of again';
COMMENT ON COLUMN snoozes.reason IS 'Why, in the operator''s words';
COMMENT ON COLUMN snoozes.since IS 'When it was set';
COMMENT ON COLUMN snoozes.ended_at IS 'When it was ended before its day, or replaced by another';

CREATE UNIQUE INDEX snoozes_current ON snoozes (company_id, number_key, last_day) WHERE ended_at IS NULL;
