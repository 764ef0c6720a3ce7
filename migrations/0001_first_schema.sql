-- What qualwatch remembers. Every instant is handed in by the process (SQL never asks for the time), every instant column
-- is timestamptz, every calendar day is a day in the configured zone. Raw answers are bytea: upstream text may hold NUL and
-- lone surrogates, which text and jsonb refuse.

CREATE TABLE companies (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    keyword text NOT NULL UNIQUE,
    name text NOT NULL,
    prefix text,
    prefix_is_pinned boolean NOT NULL DEFAULT false,
    check_line text NOT NULL,
    accepted_at timestamptz NOT NULL,
    watched_since timestamptz NOT NULL,
    left_at timestamptz,
    baseline_at timestamptz,
    last_asked_at timestamptz,
    last_verified_at timestamptz,
    owes_answer boolean NOT NULL DEFAULT false,
    last_outcome text,
    last_code bigint,
    last_reason text,
    failing_since timestamptz,
    failing_checks integer NOT NULL DEFAULT 0,
    disputed_since timestamptz,
    judged_on date,
    unverified_told_at timestamptz
);
COMMENT ON TABLE companies IS 'One entry of the watchlist, found upstream by its keyword';
COMMENT ON COLUMN companies.id IS 'Names the company in rows and in its advisory lock';
COMMENT ON COLUMN companies.keyword IS 'As the provider is asked';
COMMENT ON COLUMN companies.name IS 'What mails call it';
COMMENT ON COLUMN companies.prefix IS 'The part of businessId before the first "-": whose answer it is';
COMMENT ON COLUMN companies.prefix_is_pinned IS 'The prefix was given in the file, not learnt';
COMMENT ON COLUMN companies.check_line IS 'Its cron line and zone: occurrences are owed from the moment they were accepted';
COMMENT ON COLUMN companies.accepted_at IS 'Since when check_line is in force';
COMMENT ON COLUMN companies.watched_since IS 'When it came into the file';
COMMENT ON COLUMN companies.left_at IS 'When it was taken out of the file: not asked, not judged';
COMMENT ON COLUMN companies.baseline_at IS 'When the first complete observation with items came';
COMMENT ON COLUMN companies.last_asked_at IS 'The last check for which a call was made';
COMMENT ON COLUMN companies.last_verified_at IS 'The last complete observation; an empty one counts only while nothing is held';
COMMENT ON COLUMN companies.owes_answer IS 'Failed, incomplete, empty, in doubt or disputed: asked daily';
COMMENT ON COLUMN companies.last_outcome IS 'complete, empty, incomplete, disputed, or the class of the failure';
COMMENT ON COLUMN companies.last_code IS 'The provider''s code of the last check that failed, where it gave one';
COMMENT ON COLUMN companies.last_reason IS 'Why the last check failed, made inert';
COMMENT ON COLUMN companies.failing_since IS 'The first of the checks in a row that were not complete';
COMMENT ON COLUMN companies.failing_checks IS 'How many checks in a row were not complete';
COMMENT ON COLUMN companies.disputed_since IS 'Since when it cannot be said that the answers are this company''s';
COMMENT ON COLUMN companies.judged_on IS 'The last calendar day on which its ends were judged';
COMMENT ON COLUMN companies.unverified_told_at IS 'When readers were told that it is unverified; cleared by verified_again';

CREATE UNIQUE INDEX companies_prefix_is_one_company ON companies (prefix) WHERE prefix IS NOT NULL AND left_at IS NULL;

CREATE TABLE observations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES companies,
    outcome text NOT NULL,
    parser_version integer NOT NULL,
    digest bytea NOT NULL,
    pages bytea[] NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    times_seen integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE observations IS 'What the registry said, kept when it differs from the last one: an auditor asks what it said that day';
COMMENT ON COLUMN observations.id IS 'Row id';
COMMENT ON COLUMN observations.company_id IS 'Whose check it was';
COMMENT ON COLUMN observations.outcome IS 'As in companies.last_outcome';
COMMENT ON COLUMN observations.parser_version IS 'The version of our own reading, so that like is compared with like';
COMMENT ON COLUMN observations.digest IS 'SHA-256 over the pages';
COMMENT ON COLUMN observations.pages IS 'The answers as they came, page by page, the API key overwritten';
COMMENT ON COLUMN observations.first_seen_at IS 'When this answer came first';
COMMENT ON COLUMN observations.last_seen_at IS 'When the same answer came last';
COMMENT ON COLUMN observations.times_seen IS 'How often it came in a row';

CREATE INDEX observations_of_a_company ON observations (company_id, id DESC);

CREATE TABLE holdings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES companies,
    number_key text NOT NULL,
    qualification_key text NOT NULL,
    last_day date,
    holding jsonb NOT NULL,
    since timestamptz NOT NULL,
    unlisted_since timestamptz,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz
);
COMMENT ON TABLE holdings IS 'Holdings as established, with their history, kept for ever: a row is one version, current while valid_to is null';
COMMENT ON COLUMN holdings.id IS 'Row id';
COMMENT ON COLUMN holdings.company_id IS 'Who holds it';
COMMENT ON COLUMN holdings.number_key IS 'The certificate number, normalised';
COMMENT ON COLUMN holdings.qualification_key IS 'The qualification without its grade, normalised';
COMMENT ON COLUMN holdings.last_day IS 'The last day of validity, where it could be read';
COMMENT ON COLUMN holdings.holding IS 'The whole holding with the registry''s own texts';
COMMENT ON COLUMN holdings.since IS 'When the holding was established';
COMMENT ON COLUMN holdings.unlisted_since IS 'Since when the registry no longer lists it, although it is still judged';
COMMENT ON COLUMN holdings.valid_from IS 'When this version was established';
COMMENT ON COLUMN holdings.valid_to IS 'When it was replaced by another version or established gone';

CREATE UNIQUE INDEX holdings_current ON holdings (company_id, number_key, qualification_key) WHERE valid_to IS NULL;
CREATE INDEX holdings_of_a_company ON holdings (company_id, valid_from);
CREATE INDEX holdings_ending ON holdings (last_day) WHERE valid_to IS NULL;

CREATE TABLE doubts (
    company_id bigint NOT NULL REFERENCES companies,
    number_key text NOT NULL,
    qualification_key text NOT NULL,
    field text NOT NULL,
    number text NOT NULL,
    difference jsonb NOT NULL,
    is_loss boolean NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_look_at timestamptz NOT NULL,
    looks integer NOT NULL,
    looks_needed integer NOT NULL,
    mass boolean NOT NULL,
    told_as text,
    counter_looks integer NOT NULL,
    counter_looks_needed integer NOT NULL,
    retracted boolean NOT NULL,
    PRIMARY KEY (company_id, number_key, qualification_key, field)
);
COMMENT ON TABLE doubts IS 'Differences seen but not established by agreeing looks';
COMMENT ON COLUMN doubts.company_id IS 'Whose';
COMMENT ON COLUMN doubts.number_key IS 'The certificate number, normalised';
COMMENT ON COLUMN doubts.qualification_key IS 'The qualification without its grade, normalised';
COMMENT ON COLUMN doubts.field IS 'presence, grade, end or issued; grade_overtaken, end_overtaken: told at its first look, then another was seen in its place';
COMMENT ON COLUMN doubts.number IS 'The certificate number as the registry wrote it';
COMMENT ON COLUMN doubts.difference IS 'What was seen';
COMMENT ON COLUMN doubts.is_loss IS 'A holding that is not shown: counted for mass losses';
COMMENT ON COLUMN doubts.first_seen_at IS 'When this run of agreeing looks began';
COMMENT ON COLUMN doubts.last_look_at IS 'The last look that counted';
COMMENT ON COLUMN doubts.looks IS 'Agreeing looks counted';
COMMENT ON COLUMN doubts.looks_needed IS 'How many establish it';
COMMENT ON COLUMN doubts.mass IS 'Part of a loss of many companies at once';
COMMENT ON COLUMN doubts.told_as IS 'The kind of event readers were told at the first look';
COMMENT ON COLUMN doubts.counter_looks IS 'Looks in a row that no longer showed what was told';
COMMENT ON COLUMN doubts.counter_looks_needed IS 'How many of them take it back';
COMMENT ON COLUMN doubts.retracted IS 'It was taken back once: told again only when established';

CREATE INDEX doubts_losses ON doubts (first_seen_at) WHERE is_loss;

CREATE TABLE told (
    company_id bigint NOT NULL REFERENCES companies,
    number_key text NOT NULL,
    last_day date NOT NULL,
    kind text NOT NULL,
    threshold bigint NOT NULL,
    told_on date NOT NULL,
    number text NOT NULL,
    PRIMARY KEY (company_id, number_key, last_day, kind, threshold)
);
COMMENT ON TABLE told IS 'Thresholds that were told, kept for ever: each is told once for each end and kind';
COMMENT ON COLUMN told.company_id IS 'Whose';
COMMENT ON COLUMN told.number_key IS 'The certificate number, normalised';
COMMENT ON COLUMN told.last_day IS 'The end it was told of';
COMMENT ON COLUMN told.kind IS 'filing_due, expiring or expired';
COMMENT ON COLUMN told.threshold IS 'Days';
COMMENT ON COLUMN told.told_on IS 'The calendar day; a day that lies ahead does not count (a clock was wrong)';
COMMENT ON COLUMN told.number IS 'The certificate number as the registry wrote it';

CREATE TABLE troubles (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    cause text NOT NULL,
    company_id bigint REFERENCES companies,
    opened_at timestamptz NOT NULL,
    resolved_at timestamptz
);
COMMENT ON TABLE troubles IS 'What operators were told: each once per cause, then resolved once';
COMMENT ON COLUMN troubles.id IS 'Row id';
COMMENT ON COLUMN troubles.kind IS 'The name of the operator event';
COMMENT ON COLUMN troubles.cause IS 'Tells one cause from another: a code, a certificate number, an address';
COMMENT ON COLUMN troubles.company_id IS 'The company, where it is about one';
COMMENT ON COLUMN troubles.opened_at IS 'When it was told';
COMMENT ON COLUMN troubles.resolved_at IS 'When its end was told';

CREATE UNIQUE INDEX troubles_open ON troubles (kind, cause, coalesce(company_id, 0)) WHERE resolved_at IS NULL;

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint REFERENCES companies,
    kind text NOT NULL,
    audience text NOT NULL,
    at timestamptz NOT NULL,
    event jsonb NOT NULL
);
COMMENT ON TABLE events IS 'Things worth telling, each with all that its words need';
COMMENT ON COLUMN events.id IS 'The id in --json';
COMMENT ON COLUMN events.company_id IS 'The company, where it is about one';
COMMENT ON COLUMN events.kind IS 'The kind';
COMMENT ON COLUMN events.audience IS 'reader or operator';
COMMENT ON COLUMN events.at IS 'When it was found';
COMMENT ON COLUMN events.event IS 'The whole event';

CREATE INDEX events_of_a_company ON events (company_id, id DESC);
CREATE INDEX events_by_time ON events (at);

CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recipient text NOT NULL,
    -- Addresses are ASCII; a locale such as the Turkish one would lower them otherwise.
    address text NOT NULL GENERATED ALWAYS AS (lower(recipient COLLATE "C")) STORED,
    message_id text NOT NULL UNIQUE,
    subject text NOT NULL,
    content bytea NOT NULL,
    frozen_at timestamptz NOT NULL,
    sent_at timestamptz,
    dead_at timestamptz,
    reply text
);
COMMENT ON TABLE messages IS 'Messages whose DATA has begun: from then on every repeat carries the same bytes';
COMMENT ON COLUMN messages.id IS 'Row id';
COMMENT ON COLUMN messages.recipient IS 'The one address it goes to';
COMMENT ON COLUMN messages.address IS 'The same in small letters: what two spellings share';
COMMENT ON COLUMN messages.message_id IS 'Its Message-ID, without angle brackets';
COMMENT ON COLUMN messages.subject IS 'Its subject, for people';
COMMENT ON COLUMN messages.content IS 'Its bytes';
COMMENT ON COLUMN messages.frozen_at IS 'When its bytes were stored';
COMMENT ON COLUMN messages.sent_at IS 'When a server took it';
COMMENT ON COLUMN messages.dead_at IS 'When it was given up';
COMMENT ON COLUMN messages.reply IS 'What the server said last, made inert';

CREATE INDEX messages_unsent ON messages (address) WHERE sent_at IS NULL AND dead_at IS NULL;

CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES events,
    recipient text NOT NULL,
    address text NOT NULL GENERATED ALWAYS AS (lower(recipient COLLATE "C")) STORED,
    owed_since timestamptz NOT NULL,
    message_id bigint REFERENCES messages,
    refused_since timestamptz,
    sent_at timestamptz,
    cancelled_at timestamptz,
    dead_at timestamptz,
    reply text,
    UNIQUE (event_id, recipient)
);
COMMENT ON TABLE deliveries IS 'One event owed to one recipient each; pending while none of the three ends is set';
COMMENT ON COLUMN deliveries.id IS 'Row id';
COMMENT ON COLUMN deliveries.event_id IS 'What is owed';
COMMENT ON COLUMN deliveries.recipient IS 'The address';
COMMENT ON COLUMN deliveries.address IS 'The same in small letters: what two spellings share';
COMMENT ON COLUMN deliveries.owed_since IS 'When it became owed';
COMMENT ON COLUMN deliveries.message_id IS 'The message that carries it, once frozen';
COMMENT ON COLUMN deliveries.refused_since IS 'Since when its recipient is refused for now, moved on by the time that sender or server was at fault: at 5 days it is a dead letter';
COMMENT ON COLUMN deliveries.sent_at IS 'When a server took that message';
COMMENT ON COLUMN deliveries.cancelled_at IS 'When it was found that the address no longer gets this company''s news';
COMMENT ON COLUMN deliveries.dead_at IS 'When it was given up: a dead letter';
COMMENT ON COLUMN deliveries.reply IS 'Why it was given up, made inert';

CREATE INDEX deliveries_pending ON deliveries (address, id)
    WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL;
CREATE INDEX deliveries_of_a_message ON deliveries (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX deliveries_dead ON deliveries (address, dead_at) WHERE dead_at IS NOT NULL;

CREATE TABLE recipients (
    address text PRIMARY KEY,
    attempts integer NOT NULL,
    next_attempt_at timestamptz,
    last_reply text
);
COMMENT ON TABLE recipients IS 'Addresses whose last mail was not taken; gone with the first that is';
COMMENT ON COLUMN recipients.address IS 'The address in small letters';
COMMENT ON COLUMN recipients.attempts IS 'Attempts in a row that failed';
COMMENT ON COLUMN recipients.next_attempt_at IS 'The daemon does not try again before; null: at once';
COMMENT ON COLUMN recipients.last_reply IS 'What the server said, made inert';

CREATE TABLE stops (
    what text PRIMARY KEY,
    class text NOT NULL,
    code bigint,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    attempts integer NOT NULL,
    next_probe_at timestamptz,
    salt bytea NOT NULL,
    fingerprint text NOT NULL
);
COMMENT ON TABLE stops IS 'What stands still for all daemons: asking, the breaker''s pause, mail, the way to the mail server';
COMMENT ON COLUMN stops.what IS 'asking, breaker, mail (the sender''s own fault) or courier (the server is away: nobody tries before next_probe_at)';
COMMENT ON COLUMN stops.class IS 'quota, credential, transient, or how far a mail had come: connect, tls, auth, mail, rcpt, data';
COMMENT ON COLUMN stops.code IS 'The provider''s or the mail server''s code';
COMMENT ON COLUMN stops.reason IS 'Why, made inert';
COMMENT ON COLUMN stops.since IS 'Since when';
COMMENT ON COLUMN stops.attempts IS 'Probes made since';
COMMENT ON COLUMN stops.next_probe_at IS 'When one probe is allowed; null: none before the budget day ends';
COMMENT ON COLUMN stops.salt IS 'Salt of the fingerprint';
COMMENT ON COLUMN stops.fingerprint IS 'Salted hash of key and address, or of mail server, login, password and sender: when they change, a probe is allowed at once';

CREATE TABLE call_days (
    day date PRIMARY KEY,
    checks bigint NOT NULL DEFAULT 0,
    pages bigint NOT NULL DEFAULT 0,
    confirmations bigint NOT NULL DEFAULT 0,
    repeats bigint NOT NULL DEFAULT 0,
    probes bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE call_days IS 'Paid calls, counted before they are made, by cause; a budget day is a calendar day of Asia/Shanghai';
COMMENT ON COLUMN call_days.day IS 'The budget day';
COMMENT ON COLUMN call_days.checks IS 'First pages of ordinary checks';
COMMENT ON COLUMN call_days.pages IS 'Further pages';
COMMENT ON COLUMN call_days.confirmations IS 'First pages of checks of what was in doubt';
COMMENT ON COLUMN call_days.repeats IS 'Second tries at the end of a sweep';
COMMENT ON COLUMN call_days.probes IS 'Probes while asking was stopped';

CREATE TABLE sweeps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    asked integer NOT NULL DEFAULT 0,
    complete integer NOT NULL DEFAULT 0,
    incomplete integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    disputed integer NOT NULL DEFAULT 0,
    calls integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE sweeps IS 'Sweeps, for status';
COMMENT ON COLUMN sweeps.id IS 'Row id';
COMMENT ON COLUMN sweeps.started_at IS 'When it began';
COMMENT ON COLUMN sweeps.ended_at IS 'When it ended; null while it runs, or when its process died';
COMMENT ON COLUMN sweeps.asked IS 'Companies for which a call was made';
COMMENT ON COLUMN sweeps.complete IS 'Of these, complete or empty';
COMMENT ON COLUMN sweeps.incomplete IS 'Of these, incomplete';
COMMENT ON COLUMN sweeps.failed IS 'Of these, failed';
COMMENT ON COLUMN sweeps.disputed IS 'Of these, disputed';
COMMENT ON COLUMN sweeps.calls IS 'Requests sent';

CREATE TABLE reachability (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_success_at timestamptz,
    failing_since timestamptz,
    failed_attempts integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE reachability IS 'When a call last succeeded, for api_unreachable; one row';
COMMENT ON COLUMN reachability.only_row IS 'Keeps it at one row';
COMMENT ON COLUMN reachability.last_success_at IS 'The last call with a readable answer';
COMMENT ON COLUMN reachability.failing_since IS 'The first failure since';
COMMENT ON COLUMN reachability.failed_attempts IS 'Failures since';

INSERT INTO reachability (only_row) VALUES (true);
