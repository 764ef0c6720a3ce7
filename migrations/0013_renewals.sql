-- Renewals that the operator said were filed (`qualwatch renewing`).

CREATE TABLE renewals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES companies,
    number_key text NOT NULL,
    number text NOT NULL,
    last_day date NOT NULL,
    filed_on date NOT NULL,
    reference text,
    since timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON TABLE renewals IS 'Renewals that were filed, by the end that they put off; kept for ever, as an auditor asks why nobody was reminded';
COMMENT ON COLUMN renewals.id IS 'Row id';
COMMENT ON COLUMN renewals.company_id IS 'Whose';
COMMENT ON COLUMN renewals.number_key IS 'The certificate number, normalised';
COMMENT ON COLUMN renewals.number IS 'The certificate number as the registry wrote it';
COMMENT ON COLUMN renewals.last_day IS 'The end that is put off: with another end the renewal is over';
COMMENT ON COLUMN renewals.filed_on IS 'The day on which it was filed';
COMMENT ON COLUMN renewals.reference IS 'The acceptance number (受理号), where the operator gave one';
COMMENT ON COLUMN renewals.since IS 'When the operator said so';
COMMENT ON COLUMN renewals.ended_at IS 'When it was taken back, or replaced by another';

CREATE UNIQUE INDEX renewals_current ON renewals (company_id, number_key, last_day) WHERE ended_at IS NULL;
