//! Every key of the file. The reader refuses others, the JSON Schema and the example are tested against this.

/// The tables of the file and their keys; `""` is the top of the file.
pub(super) const KEYS: [(&str, &[&str]); 9] = [
    (
        "",
        &[
            "timezone",
            "language",
            "api",
            "database",
            "schedule",
            "alerts",
            "email",
            "heartbeat",
            "http",
            "company",
        ],
    ),
    (
        "api",
        &[
            "url",
            "key_file",
            "method",
            "timeout",
            "concurrency",
            "requests_per_second",
            "calls_per_day",
            "unreachable_after",
            "ip_backoff",
        ],
    ),
    ("database", &["url", "keep"]),
    ("schedule", &["check", "report"]),
    ("alerts", &["expiry_days", "expired_days", "filing_days", "confirm_after", "stale_after"]),
    (
        "email",
        &[
            "smtp",
            "password_file",
            "ca_file",
            "helo",
            "maildir",
            "from",
            "to",
            "operators",
            "contact",
            "digest",
        ],
    ),
    ("heartbeat", &["url"]),
    ("http", &["listen", "allow_remote"]),
    ("company", &["keyword", "name", "tags", "to", "expiry_days", "check", "id"]),
];

/// Tables of later versions: refused by name, so that nobody believes they work (design 6).
pub(super) const RESERVED: [&str; 5] = ["recipient", "channel", "bid", "decree", "report"];

/// The keys of a table; none for a table that is not ours.
pub(super) fn keys_of(table: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == table).map_or(&[], |(_, keys)| keys)
}

/// The known word that `word` most likely means: at most one mistake, and one more for every four letters.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let limit = 1 + word.chars().count() / 4;
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;
