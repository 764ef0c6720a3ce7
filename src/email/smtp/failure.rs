//! Why a message did not leave, and whose fault that is: judged by what the server says it is about
//! ([`refusal_table`]), then by stage, then by digits (domain.md 7: reply codes do not
//! follow "4xx retry, 5xx that recipient").

use std::fmt;

pub use super::blame::{Blame, Stage};
use super::censor::Censor;
use super::refusal_table::{self, About};

/// "Closing transmission channel", at any stage (RFC 5321, 3.8): the server's own affair, whatever it was asked.
pub(crate) const CLOSING: u16 = 421;

/// Login wanted, refused, too weak or unencrypted (RFC 4954, 6; 526 is Aliyun's), and account blocked for spam (541): some
/// servers say so only at RCPT or DATA.
const LOGIN_OR_BLOCK: [u16; 7] = [525, 526, 530, 534, 535, 538, 541];

/// Judges a refusal by its `code` and what its text says it is `about`; `None` for the code when no reply came (connection lost,
/// time-out).
fn judge(stage: Stage, code: Option<u16>, about: Option<About>) -> Blame {
    let Some(code) = code else { return Blame::Server };
    match about.map(About::fault) {
        // Too many failed logins may be said with it: repeated quickly, they lock the account.
        _ if code == CLOSING && about != Some(About::Login) => Blame::Server,
        // "Try again later" alone does not say whose affair it is; with 5xx it keeps an address from being called gone.
        _ if about == Some(About::Later) && code < 500 => judge_by_code(stage, code),
        // Said with 4xx it may pass: an address that was not yet asked for, a name that DNS did not find.
        Some(Blame::RecipientForGood) if code < 500 => Blame::RecipientForNow,
        Some(Blame::Message) if code < 500 => Blame::Server,
        Some(fault) => fault,
        None => judge_by_code(stage, code),
    }
}

/// Where the text says nothing that is known.
fn judge_by_code(stage: Stage, code: u16) -> Blame {
    match stage {
        Stage::Connect | Stage::Tls => Blame::Server,
        _ if LOGIN_OR_BLOCK.contains(&code) => Blame::Sender,
        // 454 is also "too much fail authentication" (domain.md 7): repeated quickly, it locks the account.
        Stage::Auth if matches!(code, 454 | 500..) => Blame::Sender,
        // 440 is Aliyun's "mail from account doesn't conform with authentication": permanent, though it looks like 4xx.
        Stage::Mail if matches!(code, 440 | 500..) => Blame::Sender,
        Stage::Auth | Stage::Mail => Blame::Server,
        // Of what command or parameter the server makes nothing is never the recipient's fault.
        Stage::Rcpt | Stage::Data if matches!(code, 500 | 502..=505 | 521 | 555) => Blame::Server,
        Stage::Rcpt => match code {
            452 => Blame::Server,
            550 | 551 | 553 | 556 => Blame::RecipientForGood,
            // 552 is a full mailbox. 554 is anything from "doesn't exist" to a block list: it may yet pass, so it ages.
            _ => Blame::RecipientForNow,
        },
        Stage::Data => match code {
            552 => Blame::TooLarge,
            500.. => Blame::Message,
            _ => Blame::Server,
        },
    }
}

/// A message, or a whole connection, that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SendFailure {
    /// How far the conversation had come.
    pub stage: Stage,
    /// The server's reply code; `None` when the failure is not a reply.
    pub code: Option<u16>,
    /// The reply's text, or what went wrong: one line, inert, at most 200 characters, without the password.
    pub reply: String,
    /// Whose fault it is.
    pub fault: Blame,
    /// What a person can do, where more is known than stage and fault say.
    hint: Option<&'static str>,
    /// Whether the message may have been taken all the same.
    is_in_doubt: bool,
}

impl SendFailure {
    /// The server's reply, or (without `code`) the loss of the connection. `reply` must already be inert.
    #[must_use]
    pub fn refused(stage: Stage, code: Option<u16>, reply: String) -> Self {
        let about = code.and_then(|_| refusal_table::about(stage, &reply));
        let fault = judge(stage, code, about);
        let hint = about.filter(|about| about.fault() == fault).and_then(About::advice);
        Self { stage, code, reply, fault, hint, is_in_doubt: false }
    }

    /// What we found out ourselves, no reply of the server: `fault` and what to do are known.
    #[must_use]
    pub fn found(stage: Stage, fault: Blame, reply: String, hint: &'static str) -> Self {
        Self { stage, code: None, reply, fault, hint: Some(hint), is_in_doubt: false }
    }

    /// The same failure, which turned out to be the sender's fault.
    #[must_use]
    pub fn of_the_sender(self, hint: &'static str) -> Self {
        Self { fault: Blame::Sender, hint: Some(hint), ..self }
    }

    /// Whether the server has said for good that it does not take this: 5xx.
    #[must_use]
    pub fn is_for_good(&self) -> bool {
        self.code.is_some_and(|code| code >= 500)
    }

    /// The same failure of a message that was handed over whole and may have been taken.
    #[must_use]
    pub(crate) fn in_doubt(self) -> Self {
        Self { is_in_doubt: true, ..self }
    }

    /// Whether it is certain that the message was not taken. Else every repeat must carry the same bytes.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        !self.is_in_doubt
    }

    /// The same with no more of the reply than is shown. It is judged by all of it.
    #[must_use]
    pub(super) fn capped(self, censor: &Censor) -> Self {
        Self { reply: censor.clean(&self.reply), ..self }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        self.hint.or(match (self.fault, self.stage) {
            (Blame::Sender, Stage::Auth) => Some(
                "check the login in [email].smtp, and put the mailbox's client password (授权码, 客户端专用密码) into the \
                 credential \"smtp-password\"; until then the login is tried once an hour only",
            ),
            (Blame::Sender, _) => Some(
                "let `from` in [email] be the very address that logs in; if it is, the account is blocked or over its quota: \
                 ask the mail provider",
            ),
            (Blame::Server, Stage::Connect) => Some(
                "check host and port in [email].smtp, and that this machine may reach them (many clouds block port 25: \
                 use 465 or 587)",
            ),
            (Blame::Server, Stage::Tls) => Some("check that the port in [email].smtp fits its scheme: smtps:// is 465, smtp:// is 587"),
            (Blame::Server, _) => None,
            (Blame::RecipientForNow, _) => Some("ask the recipient whether their mailbox is full or refuses this sender"),
            (Blame::RecipientForGood, _) => Some("correct the address in the watchlist, then run `qualwatch retry`"),
            (Blame::Message | Blame::TooLarge, _) => Some("ask the mail provider why it refuses this message"),
        })
    }
}

impl fmt::Display for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) if self.reply.is_empty() => write!(f, "{}: the server answered {code}", self.stage),
            Some(code) => write!(f, "{}: the server answered {code} {}", self.stage, self.reply),
            None => write!(f, "{}: {}", self.stage, self.reply),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_a_recipient_is_named_only_sender_or_server_can_be_at_fault() {
        for (stage, code, fault, why) in [
            (Stage::Connect, Some(554), Blame::Server, "the server takes nobody's mail now"),
            (Stage::Connect, None, Blame::Server, "unreachable"),
            (Stage::Tls, Some(454), Blame::Server, "TLS not available for now"),
            (Stage::Tls, None, Blame::Server, "handshake failed"),
            (Stage::Auth, Some(535), Blame::Sender, "wrong password: must not burn a recipient"),
            (Stage::Auth, Some(534), Blame::Sender, "another mechanism or an application password is wanted"),
            (Stage::Auth, Some(526), Blame::Sender, "Aliyun's login refusal"),
            (Stage::Auth, Some(454), Blame::Sender, "too many failed logins: slow down to one an hour"),
            (Stage::Auth, Some(451), Blame::Server, "a passing fault of the server"),
            (Stage::Auth, Some(421), Blame::Server, "closing"),
            (Stage::Auth, None, Blame::Server, "connection lost during the login"),
            (
                Stage::Mail,
                Some(501),
                Blame::Sender,
                "QQ: mail from address must be same as authorization user",
            ),
            (Stage::Mail, Some(553), Blame::Sender, "163: mail from must equal authorized user"),
            (Stage::Mail, Some(550), Blame::Sender, "quota or block"),
            (Stage::Mail, Some(440), Blame::Sender, "Aliyun's From ≠ login"),
            (Stage::Mail, Some(530), Blame::Sender, "login wanted"),
            (Stage::Mail, Some(451), Blame::Server, "a passing fault"),
            (Stage::Mail, Some(421), Blame::Server, "closing"),
            (Stage::Mail, None, Blame::Server, "lost"),
        ] {
            assert_eq!(judge(stage, code, None), fault, "{stage:?} {code:?}: {why}");
        }
    }

    #[test]
    fn a_refusal_at_rcpt_is_the_recipients_and_one_at_data_the_messages() {
        for (stage, code, fault, why) in [
            (Stage::Rcpt, Some(550), Blame::RecipientForGood, "user not found"),
            (Stage::Rcpt, Some(551), Blame::RecipientForGood, "user not local"),
            (Stage::Rcpt, Some(553), Blame::RecipientForGood, "no such name"),
            (Stage::Rcpt, Some(556), Blame::RecipientForGood, "the domain takes no mail (RFC 7504)"),
            (Stage::Rcpt, Some(552), Blame::RecipientForNow, "mailbox full, though 5xx"),
            (Stage::Rcpt, Some(554), Blame::RecipientForNow, "may be unknown, may be a block list"),
            (Stage::Rcpt, Some(450), Blame::RecipientForNow, "mailbox busy"),
            (Stage::Rcpt, Some(451), Blame::RecipientForNow, "grey-listed"),
            (Stage::Rcpt, Some(452), Blame::Server, "the server's disk is full"),
            (Stage::Rcpt, Some(421), Blame::Server, "closing"),
            (Stage::Rcpt, Some(530), Blame::Sender, "login wanted, said late"),
            (Stage::Rcpt, None, Blame::Server, "lost"),
            (Stage::Data, Some(554), Blame::Message, "content refused"),
            (Stage::Data, Some(552), Blame::TooLarge, "split smaller"),
            (Stage::Rcpt, Some(504), Blame::Server, "a parameter of ours, not the recipient"),
            (Stage::Data, Some(541), Blame::Sender, "account blocked for spam, said late"),
            (Stage::Data, Some(451), Blame::Server, "content grey-listed: the same bytes again later"),
            (Stage::Data, Some(421), Blame::Server, "closing"),
            (Stage::Data, None, Blame::Server, "lost after the dot: the repeat carries the same bytes"),
        ] {
            assert_eq!(judge(stage, code, None), fault, "{stage:?} {code:?}: {why}");
        }
    }

    #[test]
    fn a_failure_says_where_and_what_and_apart_from_that_what_to_do() {
        let failure = SendFailure::refused(Stage::Auth, Some(535), "authentication failed".to_owned());
        assert_eq!(
            failure.to_string(),
            "logging in at the mail server: the server answered 535 authentication failed"
        );
        assert!(failure.advice().unwrap().contains("smtp-password"));
        let bare = SendFailure::refused(Stage::Connect, Some(467), String::new());
        assert_eq!(bare.to_string(), "connecting to the mail server: the server answered 467");
        let lost = SendFailure::refused(Stage::Data, None, "connection reset by peer".to_owned());
        assert_eq!(lost.to_string(), "handing over the message (DATA): connection reset by peer");
        assert_eq!(lost.advice(), None, "it is tried again by itself");
    }
}
