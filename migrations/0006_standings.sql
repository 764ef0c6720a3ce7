-- What a sweep may cost (design 9): an unchanged company is marked in a narrow row of its own, and bytes that came before
-- are not read again.

-- No index is on a column that changes, and half of each page is free: a mark is a heap-only update, 8 kB of WAL for 60 rows
-- after a checkpoint.
CREATE TABLE standings (
    company_id bigint PRIMARY KEY REFERENCES companies,
    last_asked_at timestamptz,
    last_verified_at timestamptz,
    times_again integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE standings IS 'What changes with every check of a company; one row each';
COMMENT ON COLUMN standings.company_id IS 'Whose';
COMMENT ON COLUMN standings.last_asked_at IS 'The last check that had its turn: answered, or failed for the last time of its sweep';
COMMENT ON COLUMN standings.last_verified_at IS 'The last complete observation; an empty one counts only while nothing is held';
COMMENT ON COLUMN standings.times_again IS 'How often the last stored answer came again, up to last_asked_at, since its row was written';

INSERT INTO standings (company_id, last_asked_at, last_verified_at)
SELECT id, last_asked_at, last_verified_at FROM companies ORDER BY id;

-- A process of an older version that still runs finds these columns gone: it stops asking, where it would else pay for
-- companies that were asked for already.
ALTER TABLE companies
    DROP COLUMN last_asked_at,
    DROP COLUMN last_verified_at,
    ADD COLUMN tried_at timestamptz,
    ADD COLUMN tell_on date DEFAULT DATE '2000-01-01',
    ADD COLUMN pages smallint NOT NULL DEFAULT 1,
    ADD COLUMN page_digests bytea,
    ADD COLUMN items_digest bytea,
    ADD COLUMN digested_by integer;
COMMENT ON COLUMN companies.judged_on IS 'The last calendar day on which its ends were read and judged';
COMMENT ON COLUMN companies.tried_at IS 'The last call that brought no answer: those that fail take turns by it';
COMMENT ON COLUMN companies.tell_on IS 'The first day on which one of its ends may be worth telling; null: none is foreseen';
COMMENT ON COLUMN companies.pages IS 'Calls that its whole answer takes, as far as known';
COMMENT ON COLUMN companies.page_digests IS 'SHA-256 of each page of its last complete answer, one behind the other, while the same answer would change nothing (nothing in doubt, owed, failing, disputed); null: the next answer is to be read';
COMMENT ON COLUMN companies.items_digest IS 'SHA-256 over the documented fields of the items of that answer, in any order';
COMMENT ON COLUMN companies.digested_by IS 'The version of our own reading that concluded that';

-- The day's judging reads only whom the day has reached.
CREATE INDEX companies_to_tell ON companies (tell_on) WHERE left_at IS NULL;

-- Observed in the last 24 hours is who was verified then, and who was empty.
CREATE INDEX observations_empty ON observations (last_seen_at) WHERE outcome = 'empty';

-- Who fails is asked about at the end of each sweep.
CREATE INDEX companies_failing ON companies (failing_since) WHERE failing_since IS NOT NULL;

-- Closed sets of values, each an enum in the program. Not valid first: no table is locked while its rows are read.
ALTER TABLE companies ADD CONSTRAINT companies_last_outcome_is_known
    CHECK (last_outcome IN ('complete', 'empty', 'incomplete', 'disputed', 'transient', 'quota', 'credential', 'unknown')) NOT VALID;
ALTER TABLE companies VALIDATE CONSTRAINT companies_last_outcome_is_known;
ALTER TABLE observations ADD CONSTRAINT observations_outcome_is_known
    CHECK (outcome IN ('complete', 'empty', 'incomplete', 'disputed', 'transient', 'quota', 'credential', 'unknown')) NOT VALID;
ALTER TABLE observations VALIDATE CONSTRAINT observations_outcome_is_known;
ALTER TABLE doubts ADD CONSTRAINT doubts_field_is_known
    CHECK (field IN ('presence', 'grade', 'end', 'issued', 'grade_overtaken', 'end_overtaken')) NOT VALID;
ALTER TABLE doubts VALIDATE CONSTRAINT doubts_field_is_known;
ALTER TABLE events ADD CONSTRAINT events_audience_is_known CHECK (audience IN ('reader', 'operator')) NOT VALID;
ALTER TABLE events VALIDATE CONSTRAINT events_audience_is_known;
ALTER TABLE stops ADD CONSTRAINT stops_what_is_known CHECK (what IN ('asking', 'breaker', 'mail', 'courier')) NOT VALID;
ALTER TABLE stops VALIDATE CONSTRAINT stops_what_is_known;

-- An answer with when it came last and how often: what came again unchanged is counted in standings.
CREATE VIEW answers AS
SELECT observations.id,
       observations.company_id,
       observations.outcome,
       observations.parser_version,
       observations.pages,
       observations.first_seen_at,
       CASE WHEN again.times_again > 0 THEN again.last_asked_at ELSE observations.last_seen_at END AS last_seen_at,
       observations.times_seen + coalesce(again.times_again, 0) AS times_seen
FROM observations
LEFT JOIN LATERAL (
    SELECT standings.times_again, standings.last_asked_at
    FROM standings
    WHERE standings.company_id = observations.company_id
      AND standings.times_again > 0
      AND observations.id = (SELECT max(last.id) FROM observations AS last WHERE last.company_id = observations.company_id)
) AS again ON true;
COMMENT ON VIEW answers IS 'Observations, with the marks of standings counted in';
