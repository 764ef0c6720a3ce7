-- What a first sweep may cost.

-- A snapshot is stored by certificates, not by holdings: what the holdings of one certificate share is there once, and a first
-- sweep writes a third of the rows, with half the indexes.

-- What a process of an older version is about to store would be lost below; afterwards it finds no table to store it in.
LOCK TABLE holdings IN ACCESS EXCLUSIVE MODE;

CREATE TABLE certificates (
    company_id bigint NOT NULL REFERENCES companies,
    number_key text NOT NULL,
    place smallint NOT NULL,
    number text NOT NULL,
    last_day date,
    no_last_day text,
    end_text text NOT NULL,
    issued date,
    organ text NOT NULL,
    kind text NOT NULL,
    business_id text NOT NULL,
    qualifications jsonb NOT NULL,
    since timestamptz NOT NULL,
    unlisted_since timestamptz,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    CONSTRAINT certificates_no_last_day_is_known CHECK (no_last_day IN ('endless', 'unreadable', 'missing')),
    CONSTRAINT certificates_end_is_one CHECK ((last_day IS NULL) = (no_last_day IS NOT NULL))
);
COMMENT ON TABLE certificates IS 'Certificates as established, with their history, kept for ever. When anything of a certificate changes, all rows of it that are current end and new ones begin';
COMMENT ON COLUMN certificates.company_id IS 'Who holds it';
COMMENT ON COLUMN certificates.number_key IS 'The certificate number, normalised';
COMMENT ON COLUMN certificates.place IS '0, or which of several rows: qualifications that do not share all that follows';
COMMENT ON COLUMN certificates.number IS 'The certificate number as the registry wrote it';
COMMENT ON COLUMN certificates.last_day IS 'The last day of validity, where it could be read';
COMMENT ON COLUMN certificates.no_last_day IS 'Why there is no last day: endless, unreadable or missing';
COMMENT ON COLUMN certificates.end_text IS 'The registry''s own text of the end';
COMMENT ON COLUMN certificates.issued IS 'The issue date, where it could be read';
COMMENT ON COLUMN certificates.organ IS '发证机关';
COMMENT ON COLUMN certificates.kind IS '资质类别';
COMMENT ON COLUMN certificates.business_id IS '资格id';
COMMENT ON COLUMN certificates.qualifications IS 'Of each: the registry''s own text; the grade, where it states one; the name, where it is not the text without that grade at its end; the key that it is compared by, where it is not the name';
COMMENT ON COLUMN certificates.since IS 'When its qualifications were established';
COMMENT ON COLUMN certificates.unlisted_since IS 'Since when the registry no longer lists them, although they are still judged';
COMMENT ON COLUMN certificates.valid_from IS 'When this version was established';
COMMENT ON COLUMN certificates.valid_to IS 'When it was replaced by another version or established gone; null: it is current';

WITH held AS (
    SELECT holdings.*,
           holding ->> 'number' AS number,
           holding -> 'end' ->> 'end' AS end_is,
           holding ->> 'end_text' AS end_text,
           (holding ->> 'issued')::date AS issued,
           holding ->> 'organ' AS organ,
           holding ->> 'kind' AS kind,
           holding ->> 'business_id' AS business_id,
           holding #>> '{qualification,text}' AS text,
           holding #>> '{qualification,grade}' AS grade,
           holding #>> '{qualification,name}' AS name,
           holding #>> '{qualification,key}' AS key
    FROM holdings
),
grouped AS (
    SELECT company_id, number_key, number, last_day, end_is, end_text, issued, organ, kind, business_id, since,
           unlisted_since, valid_from, valid_to,
           jsonb_agg(
               CASE
                   WHEN key <> name THEN jsonb_build_array(text, grade, name, key)
                   WHEN text <> name || coalesce(grade, '')
                       THEN jsonb_build_array(text, grade, name)
                   WHEN grade IS NOT NULL THEN jsonb_build_array(text, grade)
                   ELSE jsonb_build_array(text)
               END
               ORDER BY qualification_key COLLATE "C"
           ) AS qualifications
    FROM held
    GROUP BY company_id, number_key, number, last_day, end_is, end_text, issued, organ, kind, business_id, since,
             unlisted_since, valid_from, valid_to
)
INSERT INTO certificates (company_id, number_key, place, number, last_day, no_last_day, end_text, issued, organ, kind,
                          business_id, qualifications, since, unlisted_since, valid_from, valid_to)
SELECT company_id, number_key, row_number() OVER (PARTITION BY company_id, number_key, valid_to ORDER BY valid_from) - 1,
       number, last_day, nullif(end_is, 'day'), end_text, issued, organ, kind, business_id, qualifications, since,
       unlisted_since, valid_from, valid_to
FROM grouped
ORDER BY company_id, number_key, valid_from;

CREATE UNIQUE INDEX certificates_current ON certificates (company_id, number_key, place) WHERE valid_to IS NULL;
-- Which companies hold something that ends soon is answered from the index alone. It holds past versions, too: one of all that is
-- current might be read from end to end for a few companies, as it suits every question about what is current.
CREATE INDEX certificates_ending ON certificates (last_day) INCLUDE (company_id, valid_to);
CREATE INDEX certificates_past ON certificates (company_id) WHERE valid_to IS NOT NULL;

DROP TABLE holdings;

CREATE VIEW holdings AS
SELECT certificates.company_id,
       certificates.number_key,
       coalesce(written ->> 3, named.name) AS qualification_key,
       certificates.number,
       written ->> 0 AS qualification,
       named.name,
       written ->> 1 AS grade,
       certificates.last_day,
       certificates.no_last_day,
       certificates.end_text,
       certificates.issued,
       certificates.organ,
       certificates.kind,
       certificates.business_id,
       certificates.since,
       certificates.unlisted_since,
       certificates.valid_from,
       certificates.valid_to
FROM certificates
CROSS JOIN LATERAL jsonb_array_elements(certificates.qualifications) AS written
CROSS JOIN LATERAL (
    SELECT coalesce(written ->> 2, left(written ->> 0, length(written ->> 0) - length(coalesce(written ->> 1, '')))) AS name
) AS named;
COMMENT ON VIEW holdings IS 'Certificates by their qualifications: a row for each holding of each version';

-- An event is written once and read as a whole: as a text it is neither taken apart nor put together again.
ALTER TABLE events ALTER COLUMN event TYPE json;

-- Each message that is taken asks for what was refused before: there is next to nothing of that.
CREATE INDEX deliveries_refused ON deliveries (address)
    WHERE refused_since IS NOT NULL AND sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
