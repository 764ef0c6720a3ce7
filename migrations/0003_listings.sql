-- Several daemons may share a database, each with a watchlist of its own (design 5): a company has left when none names it.

CREATE TABLE listings (
    watchlist text NOT NULL,
    company_id bigint NOT NULL REFERENCES companies,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (watchlist, company_id)
);
COMMENT ON TABLE listings IS 'Which watchlists name a company';
COMMENT ON COLUMN listings.watchlist IS 'The watchlist: an id that lies in the state directory, and a hash of the path of the file';
COMMENT ON COLUMN listings.company_id IS 'The company';
COMMENT ON COLUMN listings.seen_at IS 'When a process that obeys that file said so last; after some days without, the watchlist counts as gone';

CREATE INDEX listings_of_a_company ON listings (company_id);
