//! A server's words, made fit to be stored, shown and logged: without the password, without anything that moves a
//! terminal, and short.

use std::error::Error as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use lettre::transport::smtp;
use lettre::transport::smtp::response::Response;

use super::Login;
use super::failure::{SendFailure, Stage};

/// The most characters of a reply that are kept.
const REPLY_CHARS_MAX: usize = 200;

/// Shorter pieces of a base64 text would also be found where no password is.
const PIECE_CHARS_MIN: usize = 8;

/// Makes replies inert, and knows what must not be in them: a server may quote the command that it refuses.
pub(crate) struct Censor {
    /// Every form in which the password leaves us, longest first.
    secrets: Vec<String>,
}

impl Censor {
    pub(crate) fn new(login: Option<&Login>) -> Self {
        let mut secrets = login.map(secret_forms).unwrap_or_default();
        secrets.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self { secrets }
    }

    /// The text on one line, inert, scrubbed, then capped: in this order, so that no cut leaves half a password.
    pub(crate) fn clean(&self, text: &str) -> String {
        let inert: String = self.scrub(text).chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
        // On one line a password with a blank may have come together.
        let line = self.scrub(&inert.split_whitespace().collect::<Vec<_>>().join(" "));
        match line.char_indices().nth(REPLY_CHARS_MAX) {
            Some((cut, _)) => line.get(..cut).unwrap_or_default().to_owned(),
            None => line,
        }
    }

    fn scrub(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), "***"))
    }

    /// A reply in one line, with its code.
    pub(crate) fn reply(&self, reply: &Response) -> String {
        let text: Vec<&str> = reply.message().collect();
        self.clean(&format!("{} {}", reply.code(), text.join(" ")))
    }

    /// What lettre met, as a failure at `stage`.
    pub(crate) fn failure(&self, stage: Stage, error: &smtp::Error) -> SendFailure {
        // Its innermost source is the reply's text, or what the system or the TLS library said; the layers around it
        // repeat it under names like "Connection error".
        let mut innermost = error.source();
        while let Some(deeper) = innermost.and_then(std::error::Error::source) {
            innermost = Some(deeper);
        }
        let text = innermost.map_or_else(|| error.to_string(), ToString::to_string);
        SendFailure::refused(stage, error.status().map(u16::from), self.clean(&text))
    }
}

/// The password raw, in base64, inside the base64 of `AUTH PLAIN` (RFC 4616), and the part of its base64 that does not
/// depend on what stands around it, for each of the three ways in which it can be aligned.
fn secret_forms(login: &Login) -> Vec<String> {
    let password = login.password.expose();
    let mut forms = vec![
        password.to_owned(),
        STANDARD.encode(password),
        STANDARD_NO_PAD.encode(password),
        STANDARD.encode(format!("\0{}\0{password}", login.user)),
    ];
    for ahead in 0..3_usize {
        let text = STANDARD_NO_PAD.encode([vec![0; ahead], password.as_bytes().to_vec()].concat());
        // 4 characters are 3 bytes: the first group is mixed with what stands ahead, the last with what follows.
        let from = if ahead == 0 { 0 } else { 4 };
        let piece = text.get(from..text.len() / 4 * 4).unwrap_or_default();
        if piece.len() >= PIECE_CHARS_MIN {
            forms.push(piece.to_owned());
        }
    }
    forms
}

/// Control characters (C0, C1), line and paragraph separators, and what reverses or hides text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::secret::Secret;

    proptest! {
        #[test]
        fn whatever_a_server_says_is_shown_inert_short_and_without_the_password(
            password in "[a-zA-Z0-9 /+=._-]{6,20}",
            before in any::<String>(),
            between in "[ \\t\\r\\n\\u{0}\\u{200b}]{0,3}",
            after in any::<String>(),
        ) {
            prop_assume!(password.trim() == password);
            let censor = Censor::new(Some(&Login {
                user: "alerts@example.com".to_owned(),
                password: Secret::parse(&password).unwrap(),
            }));
            let broken = password.replace(' ', &format!(" {between}"));
            for echo in [password.clone(), broken, STANDARD.encode(&password)] {
                let shown = censor.clean(&format!("{before}{echo}{after}"));
                prop_assert!(!shown.contains(&password), "{:?} in {:?}", password, shown);
                prop_assert!(!shown.contains(is_unsafe) && shown.chars().count() <= REPLY_CHARS_MAX, "{:?}", shown);
            }
        }
    }

    fn censor() -> Censor {
        let password = Secret::parse("CANARY-p4ssw0rd").unwrap();
        Censor::new(Some(&Login { user: "alerts@example.com".to_owned(), password }))
    }

    #[test]
    fn no_form_of_the_password_survives_in_a_reply() {
        let plain = STANDARD.encode("\0alerts@example.com\0CANARY-p4ssw0rd");
        for (echo, why) in [
            ("CANARY-p4ssw0rd".to_owned(), "raw"),
            (STANDARD.encode("CANARY-p4ssw0rd"), "AUTH LOGIN"),
            (plain.clone(), "AUTH PLAIN"),
            (STANDARD.encode("x\0CANARY-p4ssw0rd\r\n"), "aligned otherwise"),
            (STANDARD.encode("\0CANARY-p4ssw0rd\r\n"), "aligned otherwise again"),
            (plain.trim_end_matches('=').to_owned(), "without padding"),
        ] {
            let shown = censor().clean(&format!("500 unknown command AUTH {echo} sorry"));
            assert!(!shown.contains("CANARY") && shown.contains("***"), "{why}: {shown}");
            let middle = STANDARD.encode("NARY-p4ssw0");
            assert!(!shown.contains(middle.get(4..12).unwrap()), "{why}: {shown}");
        }
    }

    #[test]
    fn a_reply_is_one_inert_line_of_at_most_200_characters() {
        let shown = censor().clean("no\r\n\u{1b}[31m such\u{9b}2J \u{202e}user\u{2028}\0here");
        assert_eq!(shown, "no [31m such 2J user here");
        assert_eq!(censor().clean(&"邮".repeat(500)).chars().count(), 200);
        let late = format!("{}CANARY-p4ssw0rd", "x".repeat(195));
        assert!(!censor().clean(&late).contains("CAN"), "scrubbed before it is cut");
    }
}
