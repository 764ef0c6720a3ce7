-- What a hundred thousand companies need: without these, two questions read whole tables.

-- At its first answer every company asks whether one that has left bore its id (design 5).
CREATE INDEX companies_left_by_prefix ON companies (prefix) WHERE prefix IS NOT NULL AND left_at IS NOT NULL;

-- `status` asks which companies hold something that ends soon: answered from the index alone.
CREATE INDEX holdings_ending_companies ON holdings (last_day) INCLUDE (company_id) WHERE valid_to IS NULL;
DROP INDEX holdings_ending;
