//! A server's words, made fit to be stored, shown and logged: without the password, without anything that moves a
//! terminal, and short.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::server::Login;
use crate::domain::secret::Secret;
use crate::domain::text::{Scrubber, is_steering};

/// The most characters of a reply that are kept.
const REPLY_CHARS_MAX: usize = 200;

/// Makes replies inert, and knows what must not be in them: a server may quote the command that it refuses, with the password in
/// it, as it is or in base64 (RFC 4616).
pub(crate) struct Censor {
    /// Of what the login sends, whole, before what it is made of.
    secrets: Vec<Scrubber>,
}

impl Censor {
    pub(crate) fn new(login: Option<&Login>) -> Self {
        Self { secrets: login.map(scrubbers).unwrap_or_default() }
    }

    /// The text on one line, inert, scrubbed, then capped: in this order, so that no cut leaves half a password.
    pub(crate) fn clean(&self, text: &str) -> String {
        let line = self.whole(text);
        line.chars().take(REPLY_CHARS_MAX).collect()
    }

    /// The same without a cap.
    pub(crate) fn whole(&self, text: &str) -> String {
        let inert: String = self.scrub(text).chars().map(|c| if is_steering(c) { ' ' } else { c }).collect();
        // On one line a password with a blank may have come together.
        self.scrub(&inert.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn scrub(&self, text: &str) -> String {
        let scrubbed = self.secrets.iter().fold(text.to_owned(), |text, secret| secret.scrub_text(&text));
        // Its length is not shown either.
        let mut shown = String::with_capacity(scrubbed.len());
        for character in scrubbed.chars() {
            // Nor is the padding of its base64.
            if !(shown.ends_with("***") && matches!(character, '*' | '=')) {
                shown.push(character);
            }
        }
        shown
    }
}

fn scrubbers(login: &Login) -> Vec<Scrubber> {
    let password = login.password.expose();
    let sent = [format!("\0{}\0{password}", login.user), password.to_owned()];
    let coded = sent.iter().filter_map(|sent| Secret::parse(&STANDARD_NO_PAD.encode(sent)));
    coded.chain([login.password.clone()]).map(|secret| Scrubber::new(&secret)).collect()
}

#[cfg(test)]
mod tests {
    use crate::domain::text::hex;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

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
                prop_assert!(!shown.contains(is_steering) && shown.chars().count() <= REPLY_CHARS_MAX, "{:?}", shown);
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
            ("CANARY%2Dp4ssw0rd".to_owned(), "percent-encoded"),
            (hex(b"CANARY-p4ssw0rd"), "in hexadecimal"),
            (hex(b"\0alerts@example.com\0CANARY-p4ssw0rd").to_uppercase(), "within more of it"),
            ("dr0wss4p-YRANAC".to_owned(), "backwards"),
        ] {
            let shown = censor().clean(&format!("500 unknown command AUTH {echo} sorry"));
            let is_left = ["CANARY", "YRANAC", &hex(b"CANARY")].iter().any(|part| shown.contains(part));
            assert!(!is_left && shown.contains("***"), "{why}: {shown}");
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
