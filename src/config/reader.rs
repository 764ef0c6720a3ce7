//! A table of the file, read key by key: every fault is noted and the reading goes on.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Complaint, Findings, quoted};
use super::keys::{RESERVED, keys_of, nearest};
use crate::domain::trouble_cause::{Slip, ValueKind};

/// A value with its place.
pub(super) type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

/// One table: the top of the file, a `[section]` or one `[[company]]`.
pub(super) struct TomlTable<'a, 'i> {
    name: &'static str,
    entries: Option<&'a DeTable<'i>>,
    span: Range<usize>,
    /// Unknown keys that are a slip for one that is not there: what is meant, and its value.
    misspelt: Vec<(&'static str, Value<'a, 'i>)>,
    header: Header,
}

/// Whether a table is where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Good,
    /// Something else stands in its place, which was told: what is then not in it is no further fault.
    AtFault,
}

impl<'a, 'i> TomlTable<'a, 'i> {
    /// Opens a table and notes its unknown keys.
    pub fn open(
        findings: &mut Findings<'_>,
        name: &'static str,
        entries: &'a DeTable<'i>,
        span: Range<usize>,
    ) -> Self {
        let mut table =
            Self { name, entries: Some(entries), span, misspelt: Vec::new(), header: Header::Good };
        let known = keys_of(name);
        for (key, value) in entries {
            if !known.contains(&key.get_ref().as_ref()) {
                let meant = nearest(key.get_ref(), known.iter().copied());
                table.misspelt.extend(meant.map(|meant| (meant, value)));
                findings.fault(
                    table.path(&shown_key(key.get_ref())),
                    key.span(),
                    table.unknown(key.get_ref(), value),
                );
            }
        }
        table
    }

    /// Opens the `[section]` of this name; an absent one is empty.
    pub fn section(&self, findings: &mut Findings<'_>, name: &'static str) -> Self {
        let absent = |span, header| Self { name, entries: None, span, misspelt: Vec::new(), header };
        match self.value(name).or_else(|| self.misspelt(name)) {
            None => absent(0..0, Header::Good),
            Some(value) => {
                let entries = value.get_ref().as_table();
                if entries.is_none() {
                    let wanted = format!("a table: write [{name}] on a line of its own");
                    let complaint = Complaint::kind(ValueKind::Table, &wanted, value.get_ref());
                    findings.fault(name.to_owned(), value.span(), complaint);
                }
                match entries {
                    Some(entries) => Self::open(findings, name, entries, value.span()),
                    None => absent(value.span(), Header::AtFault),
                }
            }
        }
    }

    /// Where the table begins: its header.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The key with its table, such as `api.url`.
    pub fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// The raw value of a key.
    pub fn value(&self, key: &str) -> Option<Value<'a, 'i>> {
        debug_assert!(keys_of(self.name).contains(&key), "the reader asks for the unlisted key {key}");
        self.entries.and_then(|entries| entries.get(key))
    }

    /// The value of an unknown key that is a slip for this one, which is not there itself.
    pub fn misspelt(&self, key: &str) -> Option<Value<'a, 'i>> {
        let found = self.misspelt.iter().find(|(meant, _)| *meant == key);
        found.map(|(_, value)| *value).filter(|_| self.value(key).is_none())
    }

    /// Whether a list is not there or empty, not merely at fault or misspelt.
    pub fn names_nobody(&self, key: &str) -> bool {
        match self.value(key) {
            Some(value) => value.get_ref().as_array().is_some_and(|entries| entries.is_empty()),
            None => self.misspelt(key).is_none() && self.header == Header::Good,
        }
    }

    /// The value of a key as `parse` reads it; `None` when it is absent or at fault.
    pub fn read<T>(
        &self,
        findings: &mut Findings<'_>,
        key: &str,
        parse: impl FnOnce(&DeValue<'i>) -> Result<T, Complaint>,
    ) -> Option<T> {
        let value = self.value(key)?;
        match parse(value.get_ref()) {
            Ok(read) => Some(read),
            Err(complaint) => {
                findings.fault(self.path(key), value.span(), complaint);
                None
            }
        }
    }

    /// A list, each entry read by `parse` and noted at its own place.
    pub fn list<T>(
        &self,
        findings: &mut Findings<'_>,
        key: &str,
        parse: impl Fn(&DeValue<'i>) -> Result<T, Complaint>,
    ) -> Option<Vec<(T, Range<usize>)>> {
        let value = self.value(key)?;
        let Some(entries) = value.get_ref().as_array() else {
            let complaint = Complaint::kind(ValueKind::List, "a list, written […]", value.get_ref());
            findings.fault(self.path(key), value.span(), complaint);
            return None;
        };
        let mut read = Vec::new();
        for entry in entries {
            match parse(entry.get_ref()) {
                Ok(one) => read.push((one, entry.span())),
                Err(complaint) => findings.fault(self.path(key), entry.span(), complaint),
            }
        }
        Some(read)
    }

    /// Notes that a key must be there, unless it is there misspelt: one slip is one fault.
    pub fn require(&self, findings: &mut Findings<'_>, key: &str, slip: Slip, why: &str) {
        if self.header == Header::AtFault || self.misspelt(key).is_some() {
            return;
        }
        let message = match self.entries {
            Some(_) => format!("`{key}` is missing: {why}"),
            None => format!("`{key}` is missing, and so is its table [{}]: {why}", self.name),
        };
        findings.missing(self.path(key), self.span(), Complaint::new(slip, message));
    }

    fn unknown(&self, key: &str, value: Value<'_, '_>) -> Complaint {
        if self.name.is_empty() && RESERVED.contains(&key) {
            let form = if value.get_ref().is_array() { format!("[[{key}]]") } else { format!("[{key}]") };
            return Complaint::new(Slip::NotInThisVersion, format!("{form} is not in this version"));
        }
        if let Some(credential) = credential_for(self.name, key) {
            return Complaint::new(
                Slip::Secret,
                format!("a secret does not belong in this file: {credential}"),
            );
        }
        let known = keys_of(self.name);
        let message = match self.name {
            "" => format!("there is no key {}", quoted(key)),
            "company" => format!("a [[company]] has no key {}", quoted(key)),
            name => format!("[{name}] has no key {}", quoted(key)),
        };
        if let Some(near) = nearest(key, known.iter().copied()) {
            return Complaint::new(Slip::UnknownKey, message).perhaps(Some(near));
        }
        let elsewhere =
            super::keys::KEYS.iter().find(|(name, keys)| *name != self.name && keys.contains(&key));
        let Some((table, _)) = elsewhere else { return Complaint::new(Slip::UnknownKey, message) };
        let perhaps = match *table {
            "" => format!("`{key}` stands at the top of the file, before the first [table]"),
            "company" => format!("`{key}` belongs into a [[company]]"),
            table => format!("`{key}` belongs into [{table}]"),
        };
        Complaint::new(Slip::KeyElsewhere { table: (*table).to_owned() }, message).perhaps(Some(perhaps))
    }
}

/// What to use instead where somebody wrote a secret into the file.
fn credential_for(table: &str, key: &str) -> Option<&'static str> {
    match (table, key) {
        ("api", "key" | "api_key" | "apikey" | "appkey") => {
            Some("use the credential \"api-key\", QUALWATCH_API_KEY or `key_file`")
        }
        ("email", "password" | "smtp_password" | "pass") => {
            Some("use the credential \"smtp-password\", QUALWATCH_SMTP_PASSWORD or `password_file`")
        }
        ("database", "password") => Some("use the credential \"database-url\" or QUALWATCH_DATABASE_URL"),
        _ => None,
    }
}

fn shown_key(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if plain { key.chars().take(60).collect() } else { quoted(key) }
}

impl Complaint {
    /// A value of another kind than the `wanted` one, which is `described` in the operator's words.
    pub fn kind(wanted: ValueKind, described: &str, value: &DeValue<'_>) -> Self {
        let (found, shown) = match value {
            DeValue::String(_) => (ValueKind::Text, "text"),
            DeValue::Integer(_) => (ValueKind::Whole, "a whole number"),
            DeValue::Float(_) => (ValueKind::Number, "a number with a point"),
            DeValue::Boolean(_) => (ValueKind::Boolean, "true or false"),
            DeValue::Datetime(_) => (ValueKind::Date, "a date"),
            DeValue::Array(_) => (ValueKind::List, "a list"),
            DeValue::Table(_) => (ValueKind::Table, "a table"),
        };
        Self::new(Slip::Kind { wanted, found }, format!("is {described}, not {shown}"))
    }
}
