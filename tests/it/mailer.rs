//! From owed deliveries to messages that a server took, with real rows and real conversations.

use chrono::TimeDelta;
use qualwatch::clock::Clock as _;
use qualwatch::email::digest::{Around, TheRest, compose_around};
use qualwatch::email::message::{Envelope, build};
use qualwatch::email::{Mailed, Ripe, Sweeping};
use qualwatch::store::outbox::dead_letters::offer_again;
use qualwatch::store::steps::{NoSteps, Step};

use crate::support::mailroom::{
    HENAN, Mailroom, ONE, OPS, PASSWORD, TWO, WUHAN, header, password, watchlist,
};
use crate::support::smtp_sink::{Behaviour, SinkStage};

const DUE: Ripe = Ripe::Due(Sweeping::Idle);
const LOGIN: Option<(&str, &str)> = Some(("alerts@example.com", PASSWORD));

/// A daemon may hand the work to any thread.
fn spawnable<F: Future + Send>(work: F) -> F {
    work
}

fn is_clean(mailed: &Mailed) -> bool {
    (mailed.owed, mailed.failed) == (0, 0) && mailed.problems.is_empty() && mailed.stopped.is_none()
}

#[tokio::test]
async fn each_recipient_gets_one_digest_of_all_that_is_owed() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE, TWO]).await;
    room.owe(WUHAN, &["One@Example.com"]).await;
    room.owe_operators(&[OPS]).await;
    let mailed = room.send(DUE).await;
    assert!(is_clean(&mailed) && mailed.sent == 3, "{mailed:?}");
    let mut readers = room.readers();
    readers.sort();
    assert_eq!(readers, [ONE, OPS, TWO]);
    assert_eq!(room.readers().last().unwrap(), OPS, "operators last");
    assert_eq!((room.told(ONE).await, room.told(TWO).await), (vec![2], vec![1]), "two spellings, one reader");
    assert_eq!((room.sink.connections(), room.sink.violations()), (1, vec![]));

    let again = room.send(Ripe::Everything).await;
    assert!(is_clean(&again) && again.sent == 0, "nothing is owed twice: {again:?}");
    assert_eq!(room.sink.connections(), 1, "and nobody is bothered for nothing");
}

#[tokio::test]
async fn a_crash_at_any_step_loses_nothing_and_repeats_the_same_bytes() {
    for (step, arrives_twice, why) in [
        (Step::DigestBuilt, false, "no server has heard of it"),
        (Step::Offered, false, "its DATA has not begun"),
        (Step::Frozen, false, "stored, not yet sent"),
        (Step::HandedOver, true, "taken, and nobody could write that down"),
        (Step::MarkedSent, false, "written down"),
    ] {
        let room = Mailroom::open().await;
        room.owe(HENAN, &[ONE]).await;
        room.die_at(step).await;
        let before = room.sink.mails();
        room.pass(TimeDelta::minutes(7));
        room.owe(HENAN, &[ONE]).await;
        let mailed = room.send(DUE).await;
        assert!(is_clean(&mailed), "{step:?}: {mailed:?}");
        let told = room.told(ONE).await;
        assert_eq!(told.iter().sum::<i64>(), 2, "{step:?}: {why}");
        let mails = room.sink.mails();
        let rebuilt = matches!(step, Step::DigestBuilt | Step::Offered);
        assert_eq!(told.len(), if rebuilt { 1 } else { 2 }, "{step:?}: not offered: with what came since");
        assert_eq!(mails.len(), told.len() + usize::from(arrives_twice), "{step:?}: {why}");
        if arrives_twice {
            assert_eq!((&before[..], &mails[0]), (&mails[..1], &mails[1]), "{step:?}: byte by byte");
            assert_eq!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
        }
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_final_dot_is_followed_by_the_same_bytes() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE]).await;
    room.sink.behave(SinkStage::Dot, Behaviour::Drop);
    let mailed = room.send(Ripe::Everything).await;
    assert_eq!((mailed.owed, mailed.sent, mailed.failed), (1, 0, 1), "{mailed:?}");
    room.sink.heal();
    room.owe(WUHAN, &[ONE]).await;
    assert!(is_clean(&room.send(Ripe::Everything).await));
    assert_eq!(room.sink.mails()[0], room.sink.unanswered()[0], "what had begun comes first, as it was");
    assert_eq!(room.told(ONE).await, [1, 1], "what came since is another message");
}

#[tokio::test]
async fn a_wrong_password_stops_mail_with_one_login_an_hour_and_burns_nobody() {
    let mut room = Mailroom::with_login(LOGIN).await;
    room.password = Some(password("CANARY-old"));
    room.owe(HENAN, &[ONE, TWO]).await;
    let logins =
        |room: &Mailroom| room.sink.heard().iter().filter(|heard| heard.line.starts_with("AUTH")).count();
    let mailed = room.send(DUE).await;
    let stopped = mailed.stopped.clone().expect("mail is stopped");
    assert_eq!((stopped.class.as_str(), stopped.code), ("auth", Some(535)));
    assert_eq!((mailed.owed, mailed.sent, mailed.failed, logins(&room)), (3, 0, 0, 1), "{mailed:?}");
    assert!(mailed.problems[0].advice.as_ref().unwrap().contains("restart"), "{mailed:?}");
    for minutes in [1, 30, 28] {
        room.pass(TimeDelta::minutes(minutes));
        for ripe in [DUE, Ripe::Everything] {
            let mailed = room.send(ripe).await;
            assert!(mailed.stopped.is_some() && mailed.problems.len() == 1, "{mailed:?}");
        }
    }
    assert_eq!(logins(&room), 1, "whatever command");
    room.pass(TimeDelta::minutes(1));
    room.send(Ripe::Everything).await;
    room.send(Ripe::Everything).await;
    assert_eq!(logins(&room), 2, "an hour later one more");
    assert_eq!(room.heard_by_operators().await, ["email_stopped"], "told once");

    room.pass(TimeDelta::days(9));
    room.send(DUE).await;
    assert_eq!((logins(&room), room.dead().await), (3, vec![]), "nobody is burnt");
    room.password = Some(password(PASSWORD));
    let mailed = room.send(DUE).await;
    assert!(is_clean(&mailed), "a changed password is tried at once: {mailed:?}");
    assert_eq!((mailed.sent, logins(&room)), (3, 4));
    assert_eq!(room.heard_by_operators().await, ["email_stopped", "email_stopped_resolved"]);
    assert_eq!(room.told(OPS).await, [2]);
    let kept: Vec<String> =
        sqlx::query_scalar("SELECT reason FROM stops UNION SELECT last_reply FROM recipients")
            .fetch_all(room.store.pool())
            .await
            .unwrap();
    assert_eq!(kept, Vec::<String>::new());
}

#[tokio::test]
async fn a_login_without_a_password_asks_no_server() {
    let mut room = Mailroom::with_login(LOGIN).await;
    room.password = None;
    room.owe(HENAN, &[ONE]).await;
    let mailed = room.send(DUE).await;
    assert!(mailed.stopped.is_some() && mailed.problems[0].reason.contains("no password"), "{mailed:?}");
    assert_eq!(room.sink.connections(), 0);
    room.password = Some(password(PASSWORD));
    assert!(is_clean(&room.send(DUE).await));
}

#[tokio::test]
async fn a_refused_sender_stops_mail_until_the_server_takes_the_sender() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE]).await;
    room.sink.behave(SinkStage::Mail, Behaviour::Reply("553 Mail from must equal authorized user".into()));
    let mailed = room.send(DUE).await;
    assert_eq!(mailed.stopped.unwrap().class, "mail");
    room.pass(TimeDelta::hours(1));
    assert!(room.send(DUE).await.stopped.is_some(), "that the login works mends nothing");
    assert_eq!(room.heard_by_operators().await, ["email_stopped"]);
    room.sink.heal();
    room.pass(TimeDelta::hours(1));
    assert!(is_clean(&room.send(DUE).await));
    assert_eq!(room.heard_by_operators().await, ["email_stopped", "email_stopped_resolved"]);
}

#[tokio::test]
async fn a_server_that_is_away_does_not_use_up_the_login_of_the_hour() {
    let mut room = Mailroom::with_login(LOGIN).await;
    room.password = Some(password("CANARY-old"));
    room.owe(HENAN, &[ONE]).await;
    room.send(DUE).await;
    room.password = Some(password(PASSWORD));
    room.sink.behave(SinkStage::Greeting, Behaviour::Drop);
    assert!(room.send(Ripe::Everything).await.stopped.is_some());
    room.sink.heal();
    assert!(is_clean(&room.send(Ripe::Everything).await), "no login was made, so one may be made");
}

#[tokio::test]
async fn an_unknown_user_is_a_dead_letter_at_once_and_touches_nobody_else() {
    let room = Mailroom::open().await;
    room.sink.refuse_recipient(ONE, "550 5.1.1 user not found");
    room.owe(HENAN, &[ONE, TWO]).await;
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.owed, mailed.sent, mailed.failed), (0, 2, 1), "{mailed:?}");
    let problem = &mailed.problems[0];
    assert_eq!((problem.recipient.as_deref(), problem.code), (Some(ONE), Some(550)));
    assert_eq!(room.readers(), [TWO, OPS], "the operators hear of it in the same run");
    assert_eq!(room.heard_by_operators().await, ["email_undeliverable"]);
    assert_eq!(room.dead().await, [(ONE.to_owned(), 1)]);

    room.pass(TimeDelta::minutes(1));
    room.owe(HENAN, &[ONE]).await;
    room.send(DUE).await;
    assert_eq!(room.heard_by_operators().await, ["email_undeliverable"], "told once");

    room.sink.heal();
    assert_eq!(offer_again(room.store.pool(), &room.watchlist.addresses()).await.unwrap(), 2, "both letters");
    assert!(is_clean(&room.send(DUE).await));
    assert_eq!((room.told(ONE).await, room.dead().await), (vec![2], vec![]));
    assert_eq!(room.heard_by_operators().await, ["email_undeliverable", "email_undeliverable_resolved"]);
}

#[tokio::test]
async fn nobody_is_told_that_the_only_operator_cannot_be_reached() {
    let mut room = Mailroom::open().await;
    room.sink.refuse_recipient(OPS, "550 5.1.1 user not found");
    room.owe_operators(&[OPS]).await;
    assert_eq!(room.send(DUE).await.failed, 1);
    assert_eq!(room.heard_by_operators().await, ["api_quota"], "there is nobody to tell");
    assert_eq!(room.dead().await, [], "nor anybody whose mail shows that it is this address alone");
    room.pass(TimeDelta::days(2));
    room.send(DUE).await;
    assert_eq!(room.dead().await, [(OPS.to_owned(), 1)], "after two days it is final");
    assert_eq!(room.heard_by_operators().await, ["api_quota"], "there is nobody to tell");

    room.edit(&format!("operators = [\"{OPS}\", \"second@example.com\"]\n"), "");
    room.owe_operators(&[OPS]).await;
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.owed, mailed.sent), (0, 1), "{mailed:?}");
    assert_eq!(room.readers(), ["second@example.com"], "the other operator is told");
}

#[tokio::test]
async fn a_full_mailbox_is_a_dead_letter_after_five_days_of_refusals() {
    let room = Mailroom::open().await;
    room.sink.refuse_recipient(ONE, "552 mailbox is full");
    room.owe(HENAN, &[ONE, TWO]).await;
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.owed, mailed.sent, room.readers()), (1, 1, vec![TWO.to_owned()]), "{mailed:?}");
    let tries = |room: &Mailroom| {
        room.sink.heard().iter().filter(|heard| heard.line.contains("RCPT TO:<one@")).count()
    };
    for (minutes, count, why) in
        [(4, 1, "five minutes first"), (1, 2, "now"), (9, 2, "then ten"), (1, 3, "now"), (20, 4, "twenty")]
    {
        room.pass(TimeDelta::minutes(minutes));
        room.send(DUE).await;
        assert_eq!(tries(&room), count, "{why}");
    }
    room.send(Ripe::Everything).await;
    assert_eq!(tries(&room), 5, "a check waits for nothing");

    room.at("2026-11-27T09:00:00+08:00");
    room.owe(WUHAN, &[ONE]).await;
    assert_eq!((room.send(DUE).await.owed, room.dead().await), (1, vec![]), "three days");
    room.at("2026-11-29T09:00:00+08:00");
    assert_eq!(room.send(DUE).await.owed, 1, "five days: what came on the third day goes on");
    assert_eq!(room.dead().await, [(ONE.to_owned(), 1)]);
    let heard = ["email_late", "email_undeliverable"];
    assert_eq!(room.heard_by_operators().await, heard, "first that it is owed for a day");

    room.sink.heal();
    room.pass(TimeDelta::hours(4));
    assert!(is_clean(&room.send(DUE).await));
    assert_eq!(room.told(ONE).await, [1]);
    let ended = ["email_undeliverable_resolved", "email_late_resolved"];
    assert_eq!(room.heard_by_operators().await, [heard, ended].concat());
}

#[tokio::test]
async fn while_the_server_is_away_no_refusal_ages() {
    let room = Mailroom::open().await;
    room.sink.refuse_recipient(ONE, "552 mailbox is full");
    room.owe(HENAN, &[ONE]).await;
    room.send(DUE).await;
    room.pass(TimeDelta::days(1));
    room.sink.behave(SinkStage::Greeting, Behaviour::Drop);
    room.send(DUE).await;
    room.pass(TimeDelta::days(9));
    room.sink.heal();
    room.sink.refuse_recipient(ONE, "552 mailbox is full");
    assert_eq!((room.send(DUE).await.owed, room.dead().await), (1, vec![]), "one day of refusals, not ten");
    room.pass(TimeDelta::days(4) - TimeDelta::minutes(1));
    room.send(Ripe::Everything).await;
    assert_eq!(room.dead().await, []);
    room.pass(TimeDelta::minutes(1));
    room.send(Ripe::Everything).await;
    assert_eq!(room.dead().await, [(ONE.to_owned(), 1)]);
}

#[tokio::test]
async fn after_nine_days_without_a_server_all_arrives_once_with_the_words_of_that_day() {
    let room = Mailroom::open().await;
    room.sink.behave(SinkStage::Greeting, Behaviour::Drop);
    let mut events = Vec::new();
    for _ in 0..9 {
        events.push(room.owe(WUHAN, &[ONE]).await);
        for _ in 0..24 {
            let mailed = room.send(DUE).await;
            assert_eq!((mailed.sent, mailed.failed, mailed.stopped), (0, 0, None));
            room.pass(TimeDelta::hours(1));
        }
    }
    assert_eq!(room.heard_by_operators().await, ["email_late"], "once, though two are owed something");
    room.sink.heal();
    let mailed = room.send(DUE).await;
    assert!(is_clean(&mailed) && mailed.sent == 2, "and the operators, that it was late: {mailed:?}");
    assert!(is_clean(&room.send(DUE).await));
    assert_eq!(room.heard_by_operators().await, ["email_late", "email_late_resolved"]);
    assert_eq!(room.told(ONE).await, [9]);

    let mails = room.sink.mails();
    let message_id = header(&mails[0], "Message-ID").trim_matches(['<', '>']).to_owned();
    let now = room.clock.now();
    let today = now.with_timezone(&room.watchlist.timezone).date_naive();
    assert_eq!(today.to_string(), "2026-12-03");
    let to = ONE.parse().unwrap();
    let envelope = Envelope {
        from: &room.watchlist.email.from,
        to: &to,
        at: now,
        zone: room.watchlist.timezone,
        message_id: &message_id,
    };
    let operators = &room.watchlist.email.operators;
    let operators = operators.iter().map(|address| address.as_str().to_owned()).collect();
    // Nobody has asked for anything in this room.
    let unqueried = vec![(HENAN.to_owned(), None)];
    let rest = Some(TheRest { companies: 1, unqueried, ..TheRest::default() });
    let around = Around { operators, rest, ..Around::default() };
    let letter = &compose_around(&events, &around, room.watchlist.language, today)[0];
    let as_of_today = build(letter, &envelope).unwrap();
    assert!(mails[0].bytes == as_of_today, "as one would write it on that day");
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_with_growing_pauses_by_all_daemons() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE, TWO]).await;
    room.sink.behave(SinkStage::Greeting, Behaviour::Drop);
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.problems.len(), mailed.problems[0].recipient.as_ref()), (1, None), "{mailed:?}");
    for (minutes, connections) in
        [(0, 1), (1, 2), (1, 2), (1, 3), (5, 4), (10, 5), (20, 6), (30, 7), (59, 7), (1, 8)]
    {
        room.pass(TimeDelta::minutes(minutes));
        room.send(DUE).await;
        assert_eq!(room.sink.connections(), connections, "after {minutes} more minutes");
    }
    room.send(Ripe::Everything).await;
    assert_eq!(room.sink.connections(), 9, "a check waits for nothing");
    room.at("2020-01-01T00:00:00Z");
    room.send(DUE).await;
    assert_eq!(room.sink.connections(), 10, "a pause that a clock running ahead has stored is over");
}

#[tokio::test]
async fn after_a_refusal_for_now_at_any_stage_the_mail_arrives_later() {
    for (at, code) in [
        (SinkStage::Greeting, 421),
        (SinkStage::Ehlo, 451),
        (SinkStage::Mail, 451),
        (SinkStage::Mail, 421),
        (SinkStage::Rcpt, 450),
        (SinkStage::Rcpt, 452),
        (SinkStage::Rcpt, 421),
        (SinkStage::Data, 451),
        (SinkStage::Dot, 450),
        (SinkStage::Dot, 421),
    ] {
        let room = Mailroom::open().await;
        room.owe(HENAN, &[ONE, TWO]).await;
        room.sink.refuse(at, code);
        let mailed = room.send(DUE).await;
        assert_eq!((mailed.owed, mailed.sent), (2, 0), "{at:?} {code}: {mailed:?}");
        assert!(!mailed.problems.is_empty() && mailed.stopped.is_none(), "{at:?} {code}: {mailed:?}");
        room.sink.heal();
        room.pass(TimeDelta::minutes(5));
        let mailed = room.send(DUE).await;
        assert!(is_clean(&mailed) && mailed.sent == 2, "{at:?} {code}: {mailed:?}");
        assert_eq!(room.heard_by_operators().await, Vec::<String>::new(), "{at:?} {code}: it mended itself");
    }
}

#[tokio::test]
async fn a_content_that_is_grey_listed_is_offered_again_minutes_later() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE]).await;
    room.sink.behave(SinkStage::Dot, Behaviour::Reply("451 DT:SPM please try again".into()));
    room.send(DUE).await;
    room.sink.heal();
    room.pass(TimeDelta::minutes(2));
    assert!(is_clean(&room.send(DUE).await));
    assert_eq!((room.told(ONE).await, room.sink.unanswered().len()), (vec![1], 1));
}

#[tokio::test]
async fn a_message_that_is_refused_is_a_dead_letter_and_the_next_one_goes() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE, TWO]).await;
    room.sink.refuse_after_data(ONE, "554 refused by the script");
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.owed, mailed.sent, mailed.failed), (0, 2, 1), "the operators hear of it: {mailed:?}");
    assert_eq!(room.dead().await, [(ONE.to_owned(), 1)]);
    assert_eq!(room.heard_by_operators().await, ["email_undeliverable"]);
    room.sink.heal();
    room.owe(HENAN, &[ONE]).await;
    room.send(DUE).await;
    assert_eq!(room.told(ONE).await, [1]);
    assert_eq!(
        room.heard_by_operators().await,
        ["email_undeliverable"],
        "another message does not mend this one"
    );
    assert_eq!(offer_again(room.store.pool(), &room.watchlist.addresses()).await.unwrap(), 1);
    room.send(DUE).await;
    assert_eq!(room.heard_by_operators().await, ["email_undeliverable", "email_undeliverable_resolved"]);
}

#[tokio::test]
async fn a_lost_connection_is_replaced_once_for_the_rest() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE, TWO]).await;
    room.sink.refuse_recipient(ONE, "421 too many messages on this connection");
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.sent, mailed.owed, room.sink.connections()), (0, 2, 2), "{mailed:?}");
    room.pass(TimeDelta::minutes(1));
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.sent, room.readers()), (1, vec![TWO.to_owned()]), "who failed comes last: {mailed:?}");
}

#[tokio::test]
async fn mail_follows_the_file_as_it_is_when_it_is_sent() {
    let mut room = Mailroom::open().await;
    room.owe(HENAN, &[ONE, TWO]).await;
    room.owe(WUHAN, &[ONE]).await;
    room.owe_operators(&[OPS]).await;
    let new = format!("to = [\"new@example.com\"]\noperators = [\"{TWO}\"]\n");
    room.edit(&new, &format!("[[company]]\nkeyword = \"{HENAN}\"\nto = [\"TWO@example.com\"]\n"));
    let mailed = room.send(DUE).await;
    assert!(is_clean(&mailed) && mailed.sent == 3, "{mailed:?}");
    assert_eq!(room.readers().iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert_eq!(
        room.told("new@example.com").await,
        [1],
        "whoever else has it: they took the place of who left"
    );
    assert_eq!(room.told(TWO).await, [2], "a reader of 河南院 still, and the operator now");
    assert_eq!(
        room.told(ONE).await,
        [1],
        "only of the company that has left the file: that goes to whom it was owed"
    );

    room.owe(HENAN, &[ONE, "gone@example.com"]).await;
    assert!(is_clean(&room.send(DUE).await));
    assert_eq!(room.told("new@example.com").await, [1, 1], "the current readers get it");
    assert_eq!(room.told(TWO).await, [2, 1]);
    assert_eq!(room.told("gone@example.com").await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_reader_who_left_and_is_back_gets_what_nobody_else_got() {
    let mut room = Mailroom::open().await;
    room.owe(WUHAN, &[ONE]).await;
    room.edit(&format!("to = [\"{TWO}\"]\n"), "");
    room.sink.refuse(SinkStage::Rcpt, 450);
    room.send(DUE).await;
    room.edit("", &format!("[[company]]\nkeyword = \"{WUHAN}\"\n"));
    room.sink.heal();
    assert!(is_clean(&room.send(Ripe::Everything).await));
    assert_eq!(room.readers(), [ONE]);
}

#[tokio::test]
async fn messages_can_be_laid_into_a_directory() {
    let mut room = Mailroom::open().await;
    let directory = tempfile::tempdir().unwrap();
    room.watchlist = watchlist(&format!("maildir = \"{}\"", directory.path().join("mail").display()), "", "");
    room.owe(HENAN, &[ONE, TWO]).await;
    room.die_at(Step::HandedOver).await;
    assert!(is_clean(&room.send(DUE).await));
    let files = std::fs::read_dir(directory.path().join("mail")).unwrap().count();
    assert_eq!(files, 2, "a repeat replaces the file by the same bytes");
    assert_eq!(room.sink.connections(), 0);
}

#[tokio::test]
async fn with_a_digest_line_readers_wait_for_it_and_operators_do_not() {
    let mut room = Mailroom::open().await;
    room.edit("digest = \"0 18 * * *\"\n", "");
    room.owe(HENAN, &[ONE]).await;
    room.owe_operators(&[OPS, ONE]).await;
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.sent, mailed.owed), (1, 1), "{mailed:?}");
    assert!(mailed.problems.is_empty(), "waiting is no problem: {mailed:?}");
    assert_eq!(room.readers(), [OPS]);
    room.at("2026-11-24T17:59:59+08:00");
    assert_eq!(room.send(DUE).await.sent, 0);
    room.at("2026-11-24T18:00:00+08:00");
    assert_eq!(room.send(DUE).await.sent, 1);
    assert_eq!(room.told(ONE).await, [1]);

    room.owe(HENAN, &[ONE]).await;
    assert_eq!(room.send(Ripe::Everything).await.sent, 1, "a check sends all that is owed");
}

#[tokio::test]
async fn while_a_sweep_runs_news_waits_for_half_an_hour_at_most() {
    let room = Mailroom::open().await;
    let running = Ripe::Due(Sweeping::Running);
    room.owe(HENAN, &[ONE]).await;
    room.pass(TimeDelta::minutes(29));
    room.owe(HENAN, &[ONE]).await;
    assert_eq!(room.send(running).await.sent, 0);
    room.pass(TimeDelta::minutes(1));
    assert_eq!((room.send(running).await.sent, room.told(ONE).await), (1, vec![2]));
}

#[tokio::test]
async fn two_mailers_at_once_send_nothing_twice() {
    let room = Mailroom::open().await;
    let readers: Vec<String> = (0..10).map(|number| format!("reader{number}@example.com")).collect();
    let readers: Vec<&str> = readers.iter().map(String::as_str).collect();
    // Of a company that is not in the file, so that it goes to whom it is owed.
    room.owe("91410000415800000X", &readers).await;
    let (one, two) = (room.mailer(&NoSteps), room.mailer(&NoSteps));
    let (one, two) = tokio::join!(spawnable(one.send_owed(DUE)), spawnable(two.send_owed(DUE)));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.sent + two.sent, 10, "{one:?} {two:?}");
    assert!(one.problems.is_empty() && two.problems.is_empty());
    let mut got = room.readers();
    got.sort();
    assert_eq!(got, readers);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_no_other() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE]).await;
    room.owe(HENAN, &[ONE, TWO]).await;
    sqlx::query("UPDATE events SET event = '{\"kind\": \"of a later version\"}' WHERE id = 1")
        .execute(room.store.pool())
        .await
        .unwrap();
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.owed, mailed.sent), (1, 2), "{mailed:?}");
    assert_eq!(mailed.problems.len(), 1);
    assert!(mailed.problems[0].reason.contains("events.event of row 1"), "{mailed:?}");
}

#[tokio::test]
async fn who_waits_is_found_without_reading_all_that_was_ever_sent() {
    let room = Mailroom::open().await;
    let event = room.owe(HENAN, &[ONE]).await;
    sqlx::query(
        "WITH many AS (
             INSERT INTO events (kind, audience, at, event)
             SELECT 'watching', 'reader', $1, '{}' FROM generate_series(1, 20000)
             RETURNING id
         )
         INSERT INTO deliveries (event_id, recipient, owed_since, sent_at) SELECT id, 'old@example.com', $1, $1 FROM many",
    )
    .bind(event.at)
    .execute(room.store.pool())
    .await
    .unwrap();
    sqlx::query("ANALYZE").execute(room.store.pool()).await.unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT address, min(owed_since) FROM deliveries JOIN events ON events.id = event_id
         WHERE sent_at IS NULL AND cancelled_at IS NULL AND dead_at IS NULL GROUP BY address",
    )
    .fetch_all(room.store.pool())
    .await
    .unwrap();
    assert!(!plan.iter().any(|line| line.contains("Seq Scan")), "{plan:#?}");
}
