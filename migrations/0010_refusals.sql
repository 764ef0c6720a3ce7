-- Whose fault a refusal is shows in what happened to the others, and over days.
ALTER TABLE recipients
    ADD COLUMN unknown_since timestamptz,
    ADD COLUMN refused_apart boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN recipients.unknown_since IS 'Since when the server calls the address unknown, moved on by the time that sender or server was at fault: one that has taken mail before is given up after two days of it';
COMMENT ON COLUMN recipients.refused_apart IS 'Refused as if the sender were at fault while mail for others was taken: it is put off and stops nobody else''s mail';
