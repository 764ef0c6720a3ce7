-- To accept a watchlist costs what changed in it: whether anything did is read from one row.

CREATE TABLE watchlists (
    watchlist text PRIMARY KEY,
    digest bytea,
    seen_at timestamptz NOT NULL
);
COMMENT ON TABLE watchlists IS 'The watchlists that processes obey';
COMMENT ON COLUMN watchlists.watchlist IS 'As in listings.watchlist';
COMMENT ON COLUMN watchlists.digest IS 'SHA-256 over its entries as they were accepted; null: what is stored may not be what they say, so they are compared again';
COMMENT ON COLUMN watchlists.seen_at IS 'When a process that obeys it said so last; after some days without, it counts as gone';

INSERT INTO watchlists (watchlist, seen_at)
SELECT watchlist, max(seen_at)
FROM listings
GROUP BY watchlist;

ALTER TABLE listings ADD COLUMN entry bytea;
COMMENT ON COLUMN listings.entry IS 'The first half of a SHA-256 over the entry as it was accepted; null: another watchlist has changed the company since, or an older version wrote this';
COMMENT ON COLUMN listings.seen_at IS 'Infinity: watchlists.seen_at counts. A day: an older version, which still runs, obeyed the watchlist then';

-- What older versions write, to find it without reading the whole table: nothing, once none of them runs.
CREATE INDEX listings_of_older_versions ON listings (seen_at) WHERE seen_at < 'infinity';

ALTER TABLE companies ADD COLUMN thresholds text NOT NULL DEFAULT '';
COMMENT ON COLUMN companies.thresholds IS 'The days before and after an end on which it is told, as its entry has them: only compared, to see that they changed';
