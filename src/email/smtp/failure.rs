//! Why a message did not leave, and whose fault that is: judged by stage first, code second (domain.md 7: reply codes of
//! Chinese providers do not follow "4xx retry, 5xx that recipient").

use std::fmt;

use super::reply_texts;

/// How far a conversation with the mail server had come. A [maildir](crate::email::maildir) knows `Connect` (the directory)
/// and `Data` (the file) only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Name, TCP connection, greeting and EHLO.
    Connect,
    /// STARTTLS or the handshake, the certificate, and the EHLO inside.
    Tls,
    /// The login.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// `DATA`, the message and the reply to its final dot.
    Data,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting to the mail server",
            Self::Tls => "starting TLS with the mail server",
            Self::Auth => "logging in at the mail server",
            Self::Mail => "naming the sender (MAIL FROM)",
            Self::Rcpt => "naming the recipient (RCPT TO)",
            Self::Data => "handing over the message (DATA)",
        })
    }
}

/// Whose fault a failure is, which decides what happens (design 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The sender's own (login, From ≠ login, quota, blocked): stops all mail, burns no recipient.
    Sender,
    /// The server's or the network's: tried again; nothing ages.
    Server,
    /// The recipient is refused for now: this delivery ages towards a dead letter.
    RecipientForNow,
    /// The recipient is unknown: a dead letter at once.
    RecipientForGood,
    /// The message itself was refused for good.
    Message,
}

/// "Closing transmission channel", at any stage (RFC 5321, 3.8): the server's own affair, whatever it was asked.
pub(crate) const CLOSING: u16 = 421;

/// Login wanted, refused, too weak or unencrypted (RFC 4954, 6; 526 is Aliyun's), and account blocked for spam (541): some
/// servers say so only at RCPT or DATA.
const LOGIN_OR_BLOCK: [u16; 6] = [526, 530, 534, 535, 538, 541];

/// Judges a refusal by `stage` and reply `code`; `None` when no reply came (connection lost, time-out).
///
/// The third judge, the reply's text, belongs where this is called ([`SendFailure::refused`]): some codes cannot be told
/// apart without it (454 at AUTH by "too much fail", 550 at RCPT by "quota exceeded", 554 at DATA by "HL:").
#[must_use]
pub fn judge(stage: Stage, code: Option<u16>) -> Fault {
    let Some(code) = code else { return Fault::Server };
    match stage {
        Stage::Connect | Stage::Tls => Fault::Server,
        _ if code == CLOSING => Fault::Server,
        _ if LOGIN_OR_BLOCK.contains(&code) => Fault::Sender,
        // 454 is also "too much fail authentication" (domain.md 7): repeated quickly, it locks the account.
        Stage::Auth => {
            if matches!(code, 454 | 500..) {
                Fault::Sender
            } else {
                Fault::Server
            }
        }
        // 440 is Aliyun's "mail from account doesn't conform with authentication": permanent, though it looks like 4xx.
        Stage::Mail => {
            if matches!(code, 440 | 500..) {
                Fault::Sender
            } else {
                Fault::Server
            }
        }
        Stage::Rcpt => match code {
            452 => Fault::Server,
            550 | 551 | 553 | 556 => Fault::RecipientForGood,
            // 552 is a full mailbox. 554 is anything from "doesn't exist" to a block list: it may yet pass, so it ages.
            _ => Fault::RecipientForNow,
        },
        Stage::Data => {
            if code >= 500 {
                Fault::Message
            } else {
                Fault::Server
            }
        }
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
    pub fault: Fault,
    /// What a person can do, where more is known than stage and fault say.
    hint: Option<&'static str>,
}

impl SendFailure {
    /// The server's reply, or (without `code`) the loss of the connection. `reply` must already be inert.
    #[must_use]
    pub fn refused(stage: Stage, code: Option<u16>, reply: String) -> Self {
        let said = code.and_then(|_| reply_texts::fault_of(stage, &reply));
        let fault = said.unwrap_or_else(|| judge(stage, code));
        Self { stage, code, reply, fault, hint: None }
    }

    /// What we found out ourselves, no reply of the server: `fault` and what to do are known.
    #[must_use]
    pub fn found(stage: Stage, fault: Fault, reply: String, hint: &'static str) -> Self {
        Self { stage, code: None, reply, fault, hint: Some(hint) }
    }

    /// The same failure with better advice than its stage alone gives.
    #[must_use]
    pub fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        self.hint.or(match (self.fault, self.stage) {
            (Fault::Sender, Stage::Auth) => Some(
                "check the login in [email].smtp, and put the mailbox's client password (授权码, 客户端专用密码) into the \
                 credential \"smtp-password\"; until then the login is tried once an hour only",
            ),
            (Fault::Sender, _) => Some(
                "let `from` in [email] be the very address that logs in; if it is, the account is blocked or over its quota: \
                 ask the mail provider",
            ),
            (Fault::Server, Stage::Connect) => Some(
                "check host and port in [email].smtp, and that this machine may reach them (many clouds block port 25: \
                 use 465 or 587)",
            ),
            (Fault::Server, Stage::Tls) => Some("check that the port in [email].smtp fits its scheme: smtps:// is 465, smtp:// is 587"),
            (Fault::Server, _) => None,
            (Fault::RecipientForNow, _) => Some("ask the recipient whether their mailbox is full or refuses this sender"),
            (Fault::RecipientForGood, _) => Some("correct the address in the watchlist, then run `qualwatch retry`"),
            (Fault::Message, _) => Some("ask the mail provider why it refuses this message"),
        })
    }
}

impl fmt::Display for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
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
            (Stage::Connect, Some(554), Fault::Server, "the server takes nobody's mail now"),
            (Stage::Connect, None, Fault::Server, "unreachable"),
            (Stage::Tls, Some(454), Fault::Server, "TLS not available for now"),
            (Stage::Tls, None, Fault::Server, "handshake failed"),
            (Stage::Auth, Some(535), Fault::Sender, "wrong password: must not burn a recipient"),
            (Stage::Auth, Some(534), Fault::Sender, "another mechanism or an application password is wanted"),
            (Stage::Auth, Some(526), Fault::Sender, "Aliyun's login refusal"),
            (Stage::Auth, Some(454), Fault::Sender, "too many failed logins: slow down to one an hour"),
            (Stage::Auth, Some(451), Fault::Server, "a passing fault of the server"),
            (Stage::Auth, Some(421), Fault::Server, "closing"),
            (Stage::Auth, None, Fault::Server, "connection lost during the login"),
            (
                Stage::Mail,
                Some(501),
                Fault::Sender,
                "QQ: mail from address must be same as authorization user",
            ),
            (Stage::Mail, Some(553), Fault::Sender, "163: mail from must equal authorized user"),
            (Stage::Mail, Some(550), Fault::Sender, "quota or block"),
            (Stage::Mail, Some(440), Fault::Sender, "Aliyun's From ≠ login"),
            (Stage::Mail, Some(530), Fault::Sender, "login wanted"),
            (Stage::Mail, Some(451), Fault::Server, "a passing fault"),
            (Stage::Mail, Some(421), Fault::Server, "closing"),
            (Stage::Mail, None, Fault::Server, "lost"),
        ] {
            assert_eq!(judge(stage, code), fault, "{stage:?} {code:?}: {why}");
        }
    }

    #[test]
    fn a_refusal_at_rcpt_is_the_recipients_and_one_at_data_the_messages() {
        for (stage, code, fault, why) in [
            (Stage::Rcpt, Some(550), Fault::RecipientForGood, "user not found"),
            (Stage::Rcpt, Some(551), Fault::RecipientForGood, "user not local"),
            (Stage::Rcpt, Some(553), Fault::RecipientForGood, "no such name"),
            (Stage::Rcpt, Some(556), Fault::RecipientForGood, "the domain takes no mail (RFC 7504)"),
            (Stage::Rcpt, Some(552), Fault::RecipientForNow, "mailbox full, though 5xx"),
            (Stage::Rcpt, Some(554), Fault::RecipientForNow, "may be unknown, may be a block list"),
            (Stage::Rcpt, Some(450), Fault::RecipientForNow, "mailbox busy"),
            (Stage::Rcpt, Some(451), Fault::RecipientForNow, "grey-listed"),
            (Stage::Rcpt, Some(452), Fault::Server, "the server's disk is full"),
            (Stage::Rcpt, Some(421), Fault::Server, "closing"),
            (Stage::Rcpt, Some(530), Fault::Sender, "login wanted, said late"),
            (Stage::Rcpt, None, Fault::Server, "lost"),
            (Stage::Data, Some(554), Fault::Message, "content refused"),
            (Stage::Data, Some(552), Fault::Message, "too large"),
            (Stage::Data, Some(541), Fault::Sender, "account blocked for spam, said late"),
            (Stage::Data, Some(451), Fault::Server, "content grey-listed: the same bytes again later"),
            (Stage::Data, Some(421), Fault::Server, "closing"),
            (Stage::Data, None, Fault::Server, "lost after the dot: the repeat carries the same bytes"),
        ] {
            assert_eq!(judge(stage, code), fault, "{stage:?} {code:?}: {why}");
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
        let lost = SendFailure::refused(Stage::Data, None, "connection reset by peer".to_owned());
        assert_eq!(lost.to_string(), "handing over the message (DATA): connection reset by peer");
        assert_eq!(lost.advice(), None, "it is tried again by itself");
    }
}
