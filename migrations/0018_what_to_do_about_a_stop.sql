-- While mail is stopped its operators hear of it by `status` alone: what to do has to be there, too.

ALTER TABLE stops ADD COLUMN advice text;
COMMENT ON COLUMN stops.advice IS 'What a person can do; null: nothing is known, or an older version stopped it';
