-- What an edit of a watchlist means for people: who becomes a reader of what is watched already, and which companies nobody
-- watches any more. Noted with the edit itself, told in a second step, so that a crash in between loses nothing.

ALTER TABLE listings ADD COLUMN readers text[];
COMMENT ON COLUMN listings.readers IS 'Who reads of the company by that watchlist, in small letters, in order; null: an older version wrote this';

CREATE TABLE edits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    watchlist text NOT NULL,
    company_id bigint NOT NULL REFERENCES companies,
    new_reader text,
    made_at timestamptz NOT NULL
);
COMMENT ON TABLE edits IS 'Edits of watchlists that are still to be told';
COMMENT ON COLUMN edits.id IS 'Row id';
COMMENT ON COLUMN edits.watchlist IS 'The watchlist that was edited, as in listings.watchlist';
COMMENT ON COLUMN edits.company_id IS 'The company';
COMMENT ON COLUMN edits.new_reader IS 'Who became its reader, in small letters; null: it left, no watchlist names it any more';
COMMENT ON COLUMN edits.made_at IS 'When the edit was accepted';

CREATE INDEX edits_of_a_watchlist ON edits (watchlist, id);

-- Where the news of an address went that no longer gets it.
ALTER TABLE deliveries ADD COLUMN readdressed_from text;
COMMENT ON COLUMN deliveries.readdressed_from IS 'The address that was owed this before, and no longer gets this company''s news; null: it was owed to this one from the start';
