//! Looks for a secret in every form in which text may carry it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sqlx::{AssertSqlSafe, PgPool};

/// A secret, and all that must not be found.
pub struct Secrets(Vec<(String, String)>);

impl Secrets {
    pub fn new(secrets: &[&str]) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            let mut add =
                |form: &str, text: String| forms.push((format!("{secret} ({form})"), text.to_lowercase()));
            add("as it is", (*secret).to_owned());
            add("in a URL", percent(secret, |byte| !byte.is_ascii_alphanumeric()));
            add("percent-encoded", percent(secret, |_| true));
            add("backwards", secret.chars().rev().collect());
            add("escaped in JSON", secret.replace('/', "\\/"));
            add("escaped by \\u", each(secret, "\\u00"));
            add("in hexadecimal", each(secret, ""));
            for offset in 0..3 {
                for (alphabet, engine) in [("", STANDARD_NO_PAD), ("url-safe ", URL_SAFE_NO_PAD)] {
                    // Only the characters that no neighbour has a part in.
                    let text = engine.encode([&vec![0; offset], secret.as_bytes()].concat());
                    let whole = (offset * 8).div_ceil(6)..(offset + secret.len()) * 8 / 6;
                    add(&format!("{alphabet}base64 at {offset}"), text[whole].to_owned());
                }
            }
        }
        Self(forms)
    }

    /// Panics where one of them is in `text`.
    pub fn are_not_in(&self, text: &str, place: &str) {
        let lower = text.to_lowercase();
        for (name, form) in &self.0 {
            if let Some(at) = lower.find(form) {
                let from = lower[..at].char_indices().rev().nth(200).map_or(0, |(at, _)| at);
                panic!("{name} is in {place}, after: {}", &lower[from..at]);
            }
        }
    }

    /// The same of every row of every table, bytes in hexadecimal.
    pub async fn are_in_no_row(&self, pool: &PgPool) {
        let mut searched = 0;
        for (table, rows) in rows(pool).await {
            for row in rows {
                self.are_not_in(&row, &table);
                // Bytes are shown in hexadecimal: so are the forms of what is in them.
                for (name, form) in &self.0 {
                    assert!(!row.contains(&each(form, "")), "{name} is in the bytes of {table}: {row}");
                }
                searched += 1;
            }
        }
        assert!(searched > 10, "there was hardly anything to search");
    }

    /// The same of every file below a directory.
    pub fn are_in_no_file(&self, directory: &Path) {
        let mut grep = Command::new("grep");
        grep.args(["-r", "-a", "-i", "-l", "-F"]);
        for (_, form) in &self.0 {
            grep.args(["-e", form]);
        }
        let found = grep.arg(directory).output().unwrap();
        assert_eq!(found.status.code(), Some(1), "in {}", String::from_utf8_lossy(&found.stdout));
    }
}

/// Every row of every table as text.
pub async fn rows(pool: &PgPool) -> Vec<(String, Vec<String>)> {
    let tables =
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(pool).await.unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let all = AssertSqlSafe(format!("SELECT it::text FROM {table} AS it"));
        rows.push((table, sqlx::query_scalar(all).fetch_all(pool).await.unwrap()));
    }
    rows
}

fn percent(text: &str, is_coded: impl Fn(&u8) -> bool) -> String {
    text.bytes().fold(String::new(), |mut coded, byte| {
        if is_coded(&byte) {
            write!(coded, "%{byte:02x}").unwrap();
        } else {
            coded.push(char::from(byte));
        }
        coded
    })
}

fn each(text: &str, before: &str) -> String {
    text.bytes().fold(String::new(), |mut coded, byte| {
        write!(coded, "{before}{byte:02x}").unwrap();
        coded
    })
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secrets = Secrets::new(&["CANARY+key/1=="]);
    for text in [
        "xCANARY+key/1==y",
        "key=CANARY%2Bkey%2F1%3D%3D&page",
        "\"CANARY+key\\/1==\"",
        "\\u0043\\u0041\\u004e\\u0041\\u0052\\u0059\\u002B\\u006b\\u0065\\u0079\\u002f\\u0031\\u003d\\u003d",
        &STANDARD_NO_PAD.encode("user\0CANARY+key/1=="),
        &STANDARD_NO_PAD.encode("\0user\0CANARY+key/1==\0"),
        &STANDARD_NO_PAD.encode("CANARY+key/1=="),
        "\\x43414e4152592b6b65792f313d3d",
    ] {
        let found = std::panic::catch_unwind(|| secrets.are_not_in(text, "it"));
        assert!(found.is_err(), "{text}");
    }
    secrets.are_not_in("CANARY+kex/1==", "it");
}
