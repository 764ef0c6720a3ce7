use proptest::prelude::*;

use super::super::failure::{Blame, SendFailure, Stage};
use super::*;

fn fault(stage: Stage, reply: &str) -> Blame {
    let (code, text) = reply.split_at(3);
    SendFailure::refused(stage, Some(code.parse().unwrap()), text.trim().to_owned()).fault
}

/// Refusals of the sender, and who says so.
const OF_THE_SENDER: &[(&str, &str)] = &[
    (
        "553 5.7.1 <alerts@example.com>: Sender address rejected: not owned by user svc",
        "Postfix, at RCPT by default",
    ),
    ("550 5.1.8 <alerts@example.com>: Sender address rejected: Domain not found", "Postfix"),
    (
        "550 5.1.0 <alerts@example.com>: Sender address rejected: User unknown in local recipient table",
        "not the recipient",
    ),
    ("550 relay not permitted", "Exim"),
    ("550-Verification failed for <alerts@example.com> Sender verify failed", "Exim"),
    ("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "Exchange"),
    ("550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using a list", "Exchange Online"),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "Postfix"),
    ("554 5.7.1 <one@example.com>: Relay access denied", "Postfix"),
    ("550 5.7.1 <one@example.com>... Relaying denied. Proper authentication required.", "Sendmail"),
    ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "qmail"),
    ("504 5.5.2 <qw1>: Helo command rejected: need fully-qualified hostname", "Postfix"),
    ("550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)", "cPanel"),
    ("550 Ip frequency limited", "QQ"),
    ("550 Domain frequency limited", "QQ"),
    ("553 authentication is required,163 smtp", "NetEase"),
    ("553 Mail from must equal authorized user", "NetEase"),
    ("501 mail from address must be same as authorization user", "QQ"),
    ("440 mail from account doesn't conform with authentication", "Aliyun"),
    ("554 Reject by behaviour spam at Rcpt State(Connection IP address:192.0.2.1)", "Aliyun"),
    ("541 This account isn't allowed to send email", "Aliyun"),
    ("550 sending quota exceeded", "Coremail"),
    ("554 HL:ITC smtp11,xyz", "NetEase's block"),
    ("550 Domain example.com has exceeded the max emails per hour (100/100 (100%)) allowed", "cPanel"),
    ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "Exchange Online"),
    ("554 5.2.252 SendAsDenied; a not allowed to send as b", "Exchange Online"),
    (
        "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to",
        "Gmail",
    ),
    ("550 5.7.26 This mail has been blocked because the sender is unauthenticated", "Gmail"),
    ("550 5.7.25 The IP address sending this message does not have a PTR record setup", "Gmail"),
    (
        "421 4.7.28 Our system has detected an unusual rate of unsolicited mail",
        "Gmail: 421 is the server's, and ages nothing",
    ),
    ("554 Message rejected: Email address is not verified", "SES"),
    ("454 Throttling failure: Daily message quota exceeded.", "SES"),
    ("550 The from address does not match a verified Sender Identity", "Sendgrid"),
    ("451 Authentication failed: Maximum credits exceeded", "Sendgrid"),
    ("550 5.1.8 Access denied, bad outbound sender", "Exchange Online"),
    ("550 5.7.705 Access denied, tenant has exceeded threshold", "Exchange Online"),
    (
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
        "Exchange Online",
    ),
    ("550 Administrative prohibition - envelope blocked", "Mimecast"),
    ("550 Rejected by header based Anti-Spoofing policy: alerts@example.com", "Mimecast"),
    ("554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "Proofpoint"),
    ("554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation", "Barracuda"),
    (
        "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.",
        "IronPort",
    ),
    ("553 5.7.1 Sender address rejected: not owned by auth user.", "Yandex"),
    (
        "553 5.1.8 <alerts@example.com>... Domain of sender address alerts@example.com does not exist",
        "Sendmail",
    ),
    ("555 helohost error.", "Sina"),
    ("553 Relaying disallowed as alerts@example.com", "Zoho"),
    ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", "Exchange Online"),
    (
        "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
        "Exchange Online",
    ),
    ("554 5.2.2 Submission quota exceeded", "Exchange Online"),
    ("550 5.7.506 Access Denied, Bad HELO", "Exchange Online"),
    ("551 Main account unavailable", "Aliyun DirectMail: the account is locked"),
    ("552 Daily sending quota exceeded", "Aliyun DirectMail"),
    ("556 The number of RCPTs is over size", "Aliyun DirectMail"),
    (
        "436 \"MAIL FROM\" doesn't conform with authentication [@sm060104] (Auth Account:a@example.com|Mail Account:b@example.com)",
        "Aliyun DirectMail",
    ),
    (
        "554 5.0.0 Error: transaction failed, blame it on the weather: ##SES-response-json:{\"Code\":\"FailedOperation.NotAuthenticatedSender\"}",
        "Tencent Cloud SES",
    ),
    ("550 Connection denied", "QQ"),
    ("550 Suspected spam ip", "QQ, although it speaks of spam"),
    ("550 Sender frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022", "QQ"),
    ("550-Requested action not taken: mailbox unavailable Sender address is not allowed.", "GMX"),
    ("550 unable to verify sender address", "Exim"),
    ("554 5.7.1 Reached address outgoing limits for", "Migadu"),
    ("550 send spam mail rejected: exceeded hour limit", "a relay, although it speaks of spam"),
    ("550 Domain example.com has an outgoing mail suspension. Message discarded.", "cPanel"),
    ("454 4.7.1 <one@example.com>: Relay access denied", "Postfix, where it defers"),
    ("530 5.7.0 Must issue a STARTTLS command first", "a matter of ours"),
];

#[test]
fn what_is_the_senders_fault_is_so_at_whatever_stage() {
    for (reply, why) in OF_THE_SENDER.iter().copied() {
        for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
            let found = fault(stage, reply);
            let expected = if reply.starts_with("421") { Blame::Server } else { Blame::Sender };
            assert_eq!(found, expected, "{why}, at {stage:?}: {reply}");
        }
    }
}

#[test]
fn what_is_the_servers_fault_ages_nothing_and_stops_nothing() {
    for (reply, why) in [
        ("454 Transient reject by behaviour spam at Rcpt State", "Aliyun: slower"),
        ("450 MI:SFQ too many in 15 minutes", "NetEase"),
        ("450 MI:DMC smtp7, too many mails on this connection", "NetEase"),
        ("451 DT:SPM,please try again", "NetEase: later"),
        (
            "450 4.2.0 <one@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/",
            "Postgrey",
        ),
        ("452 4.4.5 Maximum number of messages per session exceeded.", "Stalwart"),
        ("452 4.5.3 Too many messages", "by its code"),
        ("454 Throttling failure: Maximum sending rate exceeded.", "SES"),
        ("432 4.3.2 Concurrent connections limit exceeded.", "Exchange Online"),
        ("451 4.3.0 Temporary lookup failure", "Postfix"),
        ("451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS761)", "Exchange Online"),
        ("451 4.7.500 Access denied, please try again later. (AS112201)", "Exchange Online"),
        ("450 Mail rejected, please try again", "139.com"),
        ("452 4.4.5 Messages per second limit exceeded", "emailit"),
        (
            "451-The server has reached its limit for processing requests from your host. Please try again later.",
            "Exim",
        ),
        ("504 not implemented", "not the recipient's"),
        ("503 5.5.1 Bad sequence of commands", "client and server are at odds"),
    ] {
        for stage in [Stage::Rcpt, Stage::Data] {
            assert_eq!(fault(stage, reply), Blame::Server, "{why}, at {stage:?}: {reply}");
        }
    }
}

#[test]
fn to_be_tried_again_is_said_of_whatever_the_code_is_about() {
    let reply = |code: u16| format!("{code} 4.7.1 please try again later");
    for (stage, code, expected, why) in [
        (
            Stage::Rcpt,
            451,
            Blame::RecipientForNow,
            "of a recipient it ages: nobody is refused for ever and untold",
        ),
        (Stage::Rcpt, 421, Blame::Server, "closing"),
        (Stage::Rcpt, 550, Blame::Server, "nobody is called gone who may be tried again"),
        (Stage::Data, 451, Blame::Server, "the message goes again"),
        (Stage::Mail, 451, Blame::Server, "no recipient was named"),
        (Stage::Auth, 454, Blame::Sender, "too many logins lock an account"),
    ] {
        assert_eq!(fault(stage, &reply(code)), expected, "{why}: {stage:?} {code}");
    }
}

#[test]
fn what_is_about_a_recipient_is_theirs_alone() {
    use Blame::{RecipientForGood as Unknown, RecipientForNow as Later};
    for (reply, expected, why) in [
        (
            "550 5.1.1 <one@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
            Unknown,
            "Postfix",
        ),
        ("550-5.1.1 The email account that you tried to reach does not exist.", Unknown, "Gmail"),
        ("550 5.4.1 Recipient address rejected: Access denied.", Unknown, "Exchange Online at its edge"),
        ("554 RCPT (one@example.com) dosn't exist", Unknown, "Aliyun, so spelt"),
        ("550 User not found: one@example.com", Unknown, "NetEase"),
        ("550 Unrouteable address", Unknown, "Exim"),
        (
            "450 4.1.1 <one@example.com>: Recipient address rejected: unverified address",
            Later,
            "Postfix: not yet asked for",
        ),
        ("450 4.1.2 <one@example.com>: Recipient address rejected: Domain not found", Later, "DNS"),
        ("552 5.2.2 Over quota", Later, "Zimbra: passes, though 5xx"),
        ("552-5.2.2 The email account that you tried to reach is over quota", Later, "Gmail"),
        ("550 Mailbox is full", Later, "passes, though 550"),
        ("452 4.2.2 The recipient's inbox is out of storage space", Later, "Gmail"),
        (
            "550 5.2.1 The email account that you tried to reach is disabled.",
            Later,
            "Gmail: it may be opened again",
        ),
        (
            "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
            Later,
            "a closed group",
        ),
        ("554 5.7.1 <one@example.com>: Recipient address rejected: Access denied", Later, "Postfix"),
        ("559 Invalid rcptto", Unknown, "Aliyun DirectMail"),
        ("550 Mail is rejected by recipients", Later, "QQ: the recipient's own list"),
        ("550 Mailbox unavailable or access denied", Later, "QQ: too much mail at once"),
        (
            "450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.",
            Later,
            "Gmail",
        ),
        (
            "550 5.2.121 Recipient's per hour message receive limit from specific sender exceeded",
            Later,
            "Exchange Online",
        ),
        ("452 4.2.2 mailbox full, please try again later", Later, "what is said with it decides"),
        ("550 5.5.0 Requested action not taken: mailbox unavailable", Later, "Outlook.com says so of much"),
        (
            "550 <relay-access-denied@quota.example>: user unknown",
            Unknown,
            "what an address spells is not said",
        ),
    ] {
        for stage in [Stage::Rcpt, Stage::Data] {
            assert_eq!(fault(stage, reply), expected, "{why}, at {stage:?}: {reply}");
        }
        let at_mail = fault(Stage::Mail, reply);
        assert!(
            matches!(at_mail, Blame::Sender | Blame::Server),
            "nobody was named yet: {reply}: {at_mail:?}"
        );
    }
}

#[test]
fn what_is_about_a_message_is_its_own() {
    use Blame::{Message, TooLarge};
    for (reply, expected, why) in [
        ("554 5.7.1 Message content rejected", Message, "Postfix"),
        ("554 Reject by content spam at Data State", Message, "Aliyun"),
        ("550 Mail content denied", Message, "QQ"),
        ("554 DT:SPM 163 smtp7", Message, "NetEase"),
        ("552 5.3.4 Message size exceeds fixed limit", TooLarge, "Postfix"),
        ("552-5.2.3 Your message exceeded Google's message size limits.", TooLarge, "Gmail"),
        ("510 The length of DATA content is achieved the maximum threshold", TooLarge, "Aliyun"),
        ("523 the message-size is too big", TooLarge, "Exim"),
        ("552 too much mail data", TooLarge, "the code decides"),
        ("554 no", Message, "the code decides"),
    ] {
        assert_eq!(fault(Stage::Data, reply), expected, "{why}: {reply}");
    }
}

#[test]
fn before_the_login_only_this_machine_and_the_load_are_spoken_of() {
    for (reply, expected, why) in [
        ("554 5.7.1 Client host [192.0.2.1] blocked", Blame::Sender, "a block list"),
        (
            "504 5.5.2 <qw1>: Helo command rejected: need fully-qualified hostname",
            Blame::Sender,
            "said at once",
        ),
        ("554 HL:ICC user not found", Blame::Server, "too many connections"),
        ("554 user not found", Blame::Server, "nobody was named"),
        ("554 no", Blame::Server, "the server takes nobody's mail now"),
    ] {
        assert_eq!(fault(Stage::Connect, reply), expected, "{why}: {reply}");
    }
}

#[test]
fn a_refused_login_says_what_kind_of_login_is_wanted() {
    for (reply, advised, why) in [
        (
            "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
            "OAuth",
            "Exchange Online",
        ),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            "OAuth",
            "the same",
        ),
        ("534-5.7.9 Application-specific password required.", "client password", "Gmail"),
        ("535 Error: authentication failed", "client password", "163"),
        ("526 Authentication failure[0]", "client password", "Aliyun"),
        (
            "535 Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy.",
            "client password",
            "QQ",
        ),
        ("550 User has no permission", "client password", "163: SMTP is not opened"),
        ("535 Error: authentication failed, system busy", "client password", "Tencent exmail, Feishu"),
        (
            "451 Requested mail action not taken: too much fail authentication",
            "client password",
            "NetEase: locked",
        ),
    ] {
        let (code, text) = reply.split_at(3);
        let failure = SendFailure::refused(Stage::Auth, Some(code.parse().unwrap()), text.trim().to_owned());
        assert_eq!(failure.fault, Blame::Sender, "{why}: {reply}");
        assert!(failure.advice().unwrap().contains(advised), "{why}: {:?}", failure.advice());
    }
}

#[test]
fn every_row_says_where_it_was_seen_and_none_stands_in_the_shadow_of_another() {
    let all = [TELLING_CODES, WORDINGS, FIELD_CODES].concat();
    assert!(all.len() >= 40, "{}", all.len());
    for (code, wording, expected, seen) in all {
        assert!(seen.contains("RFC") || seen.bytes().any(|byte| byte.is_ascii_digit()), "{wording}: {seen}");
        let code = if code.is_empty() { String::new() } else { format!("5.{} ", code.replace('*', "9")) };
        let text = format!("{code}{}", wording.replace('*', "this"));
        let stage = if expected == About::OAuth { Stage::Auth } else { Stage::Data };
        assert_eq!(about(stage, &text), Some(expected), "{text}");
    }
}

proptest! {
    #[test]
    fn nobody_is_at_fault_before_they_are_named(code in 400..600_u16, text in "(5\\.[0-9]\\.[0-9]{1,3} )?[a-z 0-9.:]{0,60}", row in any::<prop::sample::Index>()) {
        let (_, wording, ..) = WORDINGS[row.index(WORDINGS.len())];
        for text in [text.clone(), format!("{text} {}", wording.replace('*', " "))] {
            for stage in [Stage::Connect, Stage::Tls, Stage::Auth, Stage::Mail] {
                let found = SendFailure::refused(stage, Some(code), text.clone()).fault;
                prop_assert!(
                    matches!(found, Blame::Sender | Blame::Server) || (found == Blame::TooLarge && stage == Stage::Mail),
                    "{:?} {} {}: {:?}", stage, code, text, found
                );
            }
        }
    }
}
