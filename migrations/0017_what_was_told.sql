-- What was told, so that its end or its correction names the same thing.

ALTER TABLE troubles ADD COLUMN facts json;
COMMENT ON COLUMN troubles.facts IS 'What its event said of it, as in events; null: an older version opened it';

-- Those that are open now, where their event can be told from others: of two at one instant it cannot.
UPDATE troubles
SET facts = begun.facts
FROM (
    SELECT kind, company_id, at, min(event ->> 'trouble')::json AS facts
    FROM events
    WHERE audience = 'operator'
    GROUP BY kind, company_id, at
    HAVING count(*) = 1
) AS begun
WHERE troubles.resolved_at IS NULL
  AND begun.kind = troubles.kind
  AND begun.at = troubles.opened_at
  AND begun.company_id IS NOT DISTINCT FROM troubles.company_id;

ALTER TABLE doubts ADD COLUMN told_at timestamptz;
COMMENT ON COLUMN doubts.told_at IS 'When readers were told at the first look; null: they were not, or an older version told them';

-- What an edit means is said by the mail after it: who is no reader any more, and what it costs.
ALTER TABLE edits ADD COLUMN lost_reader text;
COMMENT ON COLUMN edits.new_reader IS 'Who became its reader, in small letters; null, as lost_reader: it left, no watchlist names it any more';
COMMENT ON COLUMN edits.lost_reader IS 'Who is its reader no more, in small letters';
ALTER TABLE watchlists ADD COLUMN calls_per_day bigint;
COMMENT ON COLUMN watchlists.calls_per_day IS 'The calls a day that the schedule of the file in force needs; null: an older version accepted it';
