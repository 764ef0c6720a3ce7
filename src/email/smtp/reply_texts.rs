//! Reply texts that overrule the code: what Chinese providers say with codes that mean something else by themselves
//! (domain.md 7: "stage first, code second, text third").

use super::failure::{Fault, Stage};

/// At these stages, a reply with this text means this. The first row that fits decides; texts are compared without regard
/// to case.
const TEXTS: &[(&[Stage], &str, Fault)] = &[
    // Too many wrong passwords: repeated quickly, the account is locked.
    (&[Stage::Auth], "too much fail", Fault::Sender),
    (&[Stage::Auth], "too many", Fault::Sender),
    // From ≠ login: Aliyun (440), QQ and exmail (501), 163 (553).
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "conform with authentication", Fault::Sender),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "same as authorization user", Fault::Sender),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "equal authorized user", Fault::Sender),
    // A passing block, said with 450, 451, 454 or 421: slower, nobody's fault who is written to.
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "transient reject", Fault::Server),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "HL:ICC", Fault::Server),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "HL:IFC", Fault::Server),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "MI:SFQ", Fault::Server),
    // The sender is blocked or over its quota: 541, 550, 554.
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "behaviour spam", Fault::Sender),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "behavior spam", Fault::Sender),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "sending quota", Fault::Sender),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "quota exceeded by", Fault::Sender),
    (&[Stage::Mail, Stage::Rcpt, Stage::Data], "HL:", Fault::Sender),
    // A full mailbox passes, though it comes with 5xx, also as 550 or 554.
    (&[Stage::Rcpt, Stage::Data], "mailbox is full", Fault::RecipientForNow),
    (&[Stage::Rcpt, Stage::Data], "mailbox full", Fault::RecipientForNow),
    (&[Stage::Rcpt, Stage::Data], "over quota", Fault::RecipientForNow),
    (&[Stage::Rcpt, Stage::Data], "quota exceeded", Fault::RecipientForNow),
    // An unknown user, also as 554, or only at DATA.
    (&[Stage::Rcpt, Stage::Data], "doesn't exist", Fault::RecipientForGood),
    (&[Stage::Rcpt, Stage::Data], "does not exist", Fault::RecipientForGood),
    (&[Stage::Rcpt, Stage::Data], "user not found", Fault::RecipientForGood),
    (&[Stage::Rcpt, Stage::Data], "user unknown", Fault::RecipientForGood),
    (&[Stage::Rcpt, Stage::Data], "no such user", Fault::RecipientForGood),
    (&[Stage::Rcpt, Stage::Data], "mailbox not found", Fault::RecipientForGood),
    // Grey-listed by content: the same bytes again after some minutes.
    (&[Stage::Data], "DT:SPM, please try again", Fault::Server),
];

/// What the text of a refusal says, where it says more than its code.
pub(super) fn fault_of(stage: Stage, reply: &str) -> Option<Fault> {
    let reply = reply.to_ascii_lowercase();
    TEXTS
        .iter()
        .find(|(stages, text, _)| stages.contains(&stage) && reply.contains(&text.to_ascii_lowercase()))
        .map(|(_, _, fault)| *fault)
}

#[cfg(test)]
mod tests {
    use super::super::failure::SendFailure;
    use super::*;

    #[test]
    fn what_a_reply_says_overrules_its_code() {
        for (stage, code, reply, fault, why) in [
            (
                Stage::Auth,
                451,
                "too much fail authentication",
                Fault::Sender,
                "Aliyun, before it locks the account",
            ),
            (
                Stage::Mail,
                440,
                "mail from account doesn't conform with authentication",
                Fault::Sender,
                "Aliyun",
            ),
            (
                Stage::Rcpt,
                501,
                "mail from address must be same as authorization user",
                Fault::Sender,
                "QQ, said late",
            ),
            (Stage::Data, 553, "Mail from must equal authorized user", Fault::Sender, "163, said late"),
            (
                Stage::Data,
                554,
                "Reject by behaviour spam at Rcpt State",
                Fault::Sender,
                "the sender is blocked",
            ),
            (Stage::Rcpt, 550, "sending quota exceeded", Fault::Sender, "not the recipient's fault"),
            (Stage::Rcpt, 554, "HL:ITC smtp11,…", Fault::Sender, "NetEase's block"),
            (Stage::Rcpt, 454, "Transient reject by behaviour spam at Rcpt State", Fault::Server, "rate"),
            (Stage::Rcpt, 450, "MI:SFQ too many in 15 minutes", Fault::Server, "rate"),
            (Stage::Rcpt, 550, "Mailbox is full", Fault::RecipientForNow, "passes, though 550"),
            (
                Stage::Rcpt,
                554,
                "RCPT (a@b.cn) doesn't exist",
                Fault::RecipientForGood,
                "554 for an unknown user",
            ),
            (Stage::Data, 451, "DT:SPM, please try again", Fault::Server, "the same bytes later"),
            (Stage::Data, 554, "DT:SPM 163 smtp7", Fault::Message, "content refused: the code decides"),
            (Stage::Rcpt, 550, "no", Fault::RecipientForGood, "the code decides"),
        ] {
            let failure = SendFailure::refused(stage, Some(code), reply.to_owned());
            assert_eq!(failure.fault, fault, "{code} {reply}: {why}");
        }
    }

    #[test]
    fn before_the_login_no_text_is_believed() {
        let failure = SendFailure::refused(Stage::Connect, Some(554), "HL:ICC user not found".to_owned());
        assert_eq!(failure.fault, Fault::Server);
    }
}
