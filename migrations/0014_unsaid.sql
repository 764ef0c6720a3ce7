-- That something went without a word, because something else that is held covers it, is remembered beside the doubts: should its
-- cover go, too, both are told.

ALTER TABLE doubts DROP CONSTRAINT doubts_field_is_known;
ALTER TABLE doubts ADD CONSTRAINT doubts_field_is_known
    CHECK (field IN ('presence', 'grade', 'end', 'issued', 'grade_overtaken', 'end_overtaken', 'unsaid')) NOT VALID;
ALTER TABLE doubts VALIDATE CONSTRAINT doubts_field_is_known;
COMMENT ON COLUMN doubts.field IS 'presence, grade, end or issued; grade_overtaken, end_overtaken: told at its first look, then another was seen in its place; unsaid: it went without a word, because something else covers it';
COMMENT ON COLUMN doubts.place IS '0; older versions numbered several that were overtaken';
