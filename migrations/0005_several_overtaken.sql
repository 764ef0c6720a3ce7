-- Of one field several values may have been told, each at its only look, and none is to be forgotten before it was taken back.

ALTER TABLE doubts
    ADD COLUMN place smallint NOT NULL DEFAULT 0,
    DROP CONSTRAINT doubts_pkey,
    ADD PRIMARY KEY (company_id, number_key, qualification_key, field, place);
COMMENT ON COLUMN doubts.place IS 'Which of several that were overtaken, the oldest first; 0 for all other fields';
