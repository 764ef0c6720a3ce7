//! Whose fault a refusal is, seen over recipients and days: nobody is burnt for the way in which a server phrases it.

use chrono::TimeDelta;
use proptest::prelude::*;
use qualwatch::email::{Ripe, Sweeping};

use crate::hostile_input::samples;
use crate::support::letter::Letter;
use crate::support::mailroom::{HENAN, Mailroom, ONE, OPS, TWO, WUHAN};
use crate::support::smtp_sink::{Behaviour, SinkStage};

const DUE: Ripe = Ripe::Due(Sweeping::Idle);
const UNKNOWN: &str = "550 5.1.1 The email account that you tried to reach does not exist";

fn say(room: &Mailroom, stage: SinkStage, reply: &str) {
    room.sink.behave(stage, Behaviour::Reply(reply.to_owned()));
}

async fn stops(room: &Mailroom) -> usize {
    room.heard_by_operators().await.iter().filter(|kind| *kind == "email_stopped").count()
}

#[tokio::test]
async fn a_sender_who_is_refused_late_burns_nobody_and_all_goes_when_it_is_mended() {
    for (stage, reply, why) in [
        (
            SinkStage::Rcpt,
            "553 5.7.1 <alerts@example.com>: Sender address rejected: not owned by user svc",
            "Postfix",
        ),
        (SinkStage::Rcpt, "550 relay not permitted", "Exim"),
        (SinkStage::Rcpt, "504 5.5.2 <qw1>: Helo command rejected: need fully-qualified hostname", "Postfix"),
        (SinkStage::Rcpt, "554 5.7.1 <one@example.com>: Relay access denied", "Postfix"),
        (SinkStage::Rcpt, "554 HL:ITC smtp11,xyz", "NetEase"),
        (
            SinkStage::Dot,
            "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            "Exchange",
        ),
        (SinkStage::Dot, "554 Message rejected: Email address is not verified", "SES"),
        (SinkStage::Dot, "550 5.4.5 Daily user sending limit exceeded", "Gmail"),
        (SinkStage::Dot, "550 what nobody has said before", "unknown words: all alike"),
    ] {
        let room = Mailroom::open().await;
        room.owe(HENAN, &[ONE, TWO]).await;
        say(&room, stage, reply);
        for _ in 0..7 {
            let mailed = room.send(DUE).await;
            assert!(mailed.sent == 0, "{why}: {mailed:?}");
            assert!(mailed.stopped.and_then(|stop| stop.advice).is_some(), "{why}: what to do stands there");
            room.pass(TimeDelta::days(1));
        }
        assert_eq!((room.dead().await, stops(&room).await), (vec![], 1), "{why}");
        room.sink.heal();
        room.send(DUE).await;
        let readers = room.readers();
        assert!(readers.contains(&ONE.to_owned()) && readers.contains(&TWO.to_owned()), "{why}: {readers:?}");
    }
}

#[tokio::test]
async fn what_is_said_to_all_alike_is_not_for_their_sake() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE, TWO]).await;
    say(&room, SinkStage::Rcpt, UNKNOWN);
    let mailed = room.send(DUE).await;
    assert!(mailed.stopped.is_some() && mailed.owed == 3, "both, and the operators: {mailed:?}");
    assert_eq!(room.dead().await, []);
    room.sink.heal();
    room.pass(TimeDelta::hours(1));
    let mailed = room.send(DUE).await;
    assert_eq!(
        (mailed.owed, room.told(ONE).await, room.told(TWO).await),
        (0, vec![1], vec![1]),
        "{mailed:?}"
    );
}

#[tokio::test]
async fn a_single_reader_is_given_up_only_when_the_operators_are_not_refused_alike() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE]).await;
    say(&room, SinkStage::Rcpt, UNKNOWN);
    let mailed = room.send(DUE).await;
    assert!(mailed.stopped.is_some(), "{mailed:?}");
    assert_eq!(room.dead().await, [], "the operators' mail, too, is refused");
    room.sink.heal();
    room.sink.refuse_recipient(ONE, UNKNOWN);
    room.pass(TimeDelta::hours(1));
    room.send(DUE).await;
    assert_eq!(room.dead().await, [(ONE.to_owned(), 1)], "the operators' was taken");
}

#[tokio::test]
async fn two_addresses_that_are_gone_are_given_up_when_the_operators_are_reached() {
    let room = Mailroom::open().await;
    room.sink.refuse_recipient(ONE, UNKNOWN);
    room.sink.refuse_recipient(TWO, UNKNOWN);
    room.owe(HENAN, &[ONE, TWO]).await;
    assert!(room.send(DUE).await.stopped.is_some());
    assert_eq!(room.dead().await, []);
    room.pass(TimeDelta::hours(1));
    let mailed = room.send(DUE).await;
    assert!(mailed.stopped.is_none(), "{mailed:?}");
    let mut dead = room.dead().await;
    dead.sort();
    assert_eq!(dead, [(ONE.to_owned(), 1), (TWO.to_owned(), 1)]);
}

#[tokio::test]
async fn an_address_that_has_taken_mail_is_unknown_for_two_days_before_it_is_given_up() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE, TWO]).await;
    room.send(DUE).await;
    room.sink.refuse_recipient(ONE, UNKNOWN);
    room.owe(HENAN, &[ONE, TWO]).await;
    room.send(DUE).await;
    for hours in [1, 22, 24] {
        room.pass(TimeDelta::hours(hours));
        room.send(DUE).await;
        assert_eq!(room.dead().await, [], "not yet");
    }
    room.pass(TimeDelta::hours(1));
    room.send(Ripe::Everything).await;
    assert_eq!(room.dead().await, [(ONE.to_owned(), 1)]);

    room.pass(TimeDelta::minutes(1));
    room.owe(WUHAN, &[ONE]).await;
    room.send(Ripe::Everything).await;
    assert_eq!(room.dead().await.len(), 2, "what comes then goes the same way");
}

#[tokio::test]
async fn an_hour_in_which_all_are_unknown_costs_nothing_but_the_hour() {
    let room = Mailroom::open().await;
    room.owe(HENAN, &[ONE, TWO]).await;
    room.send(DUE).await;
    say(&room, SinkStage::Rcpt, UNKNOWN);
    room.owe(HENAN, &[ONE, TWO]).await;
    room.owe_operators(&[OPS]).await;
    room.send(DUE).await;
    room.sink.heal();
    room.pass(TimeDelta::minutes(90));
    room.send(DUE).await;
    assert_eq!((room.told(ONE).await, room.told(TWO).await), (vec![1, 1], vec![1, 1]));
    assert_eq!(room.dead().await, []);
}

#[tokio::test]
async fn one_message_that_is_refused_for_the_senders_sake_holds_back_nobody_else() {
    let room = Mailroom::open().await;
    room.sink.refuse_after_data(ONE, "554 sending quota exceeded");
    room.owe(WUHAN, &[ONE]).await;
    assert!(room.send(DUE).await.stopped.is_some(), "nobody else shows that it is this one alone");
    room.owe(HENAN, &[ONE, TWO]).await;
    room.pass(TimeDelta::hours(1));
    let mailed = room.send(DUE).await;
    assert!(mailed.stopped.is_none(), "another's turn, who is taken: {mailed:?}");
    assert_eq!(room.told(TWO).await, [1]);
    for _ in 0..96 {
        room.pass(TimeDelta::minutes(30));
        room.send(DUE).await;
    }
    assert_eq!((stops(&room).await, room.dead().await), (1, vec![]), "nor does it stop mail again and again");
    assert!(room.heard_by_operators().await.contains(&"email_late".to_owned()), "but it is told");
    room.sink.heal();
    room.pass(TimeDelta::hours(4));
    room.send(DUE).await;
    assert_eq!(room.told(ONE).await, [2]);
}

#[tokio::test]
async fn a_limit_that_is_reached_in_mid_run_stops_mail_after_a_second_refusal() {
    let room = Mailroom::open().await;
    room.sink.refuse_after_data(TWO, "550 5.4.5 Daily user sending limit exceeded");
    room.sink.refuse_after_data(OPS, "550 5.4.5 Daily user sending limit exceeded");
    room.owe(HENAN, &[ONE, TWO]).await;
    room.owe_operators(&[OPS]).await;
    let mailed = room.send(DUE).await;
    assert_eq!((mailed.sent, mailed.owed, mailed.stopped.is_some()), (1, 2, true), "{mailed:?}");
}

#[tokio::test]
async fn what_a_server_has_refused_is_rebuilt_with_the_words_of_the_day_on_which_it_goes() {
    for (reply, why) in [
        ("451 4.3.0 try later", "for now"),
        ("554 5.7.1 Message content rejected", "for good, without anybody else whose mail was taken"),
        ("550 5.7.60 not allowed to send as this sender", "for the sender's sake"),
        ("421 4.7.0 closing", "with a goodbye"),
    ] {
        let room = Mailroom::open().await;
        room.owe(HENAN, &[ONE]).await;
        say(&room, SinkStage::Dot, reply);
        room.send(DUE).await;
        room.sink.heal();
        room.pass(TimeDelta::days(3));
        room.owe(HENAN, &[ONE]).await;
        room.send(Ripe::Everything).await;
        assert_eq!(room.told(ONE).await, [2], "{why}: one mail, with what came since");
        let mails = room.sink.mails();
        let date = Letter::of(&mails[0]).header("Date").to_owned();
        assert!(date.contains("27 Nov 2026"), "{why}: {date}");
    }
}

#[tokio::test]
async fn no_reply_whatsoever_burns_all_recipients_of_a_run() {
    let code = prop_oneof![Just(450), Just(550), Just(554), 400..600_u16];
    let text = prop_oneof![
        Just("5.1.1 user unknown".to_owned()),
        Just("5.7.1 no".to_owned()),
        "(5\\.[0-9]\\.[0-9] )?[a-z ]{0,30}",
    ];
    let stage = prop::sample::select(vec![SinkStage::Mail, SinkStage::Rcpt, SinkStage::Data, SinkStage::Dot]);
    let room = Mailroom::open().await;
    for (code, text, stage) in samples(30, &(code, text, stage)) {
        let reply = format!("{code} {text}");
        room.owe(HENAN, &[ONE, TWO]).await;
        say(&room, stage, &reply);
        for hours in [0, 1, 5, 20, 40, 80, 80] {
            room.pass(TimeDelta::hours(hours));
            room.send(Ripe::Everything).await;
        }
        assert_eq!(room.dead().await, [], "{reply} at {stage:?}");
        room.sink.heal();
        room.pass(TimeDelta::hours(2));
        room.send(Ripe::Everything).await;
        room.send(Ripe::Everything).await;
        let owed: i64 = sqlx::query_scalar("SELECT count(*) FROM deliveries WHERE sent_at IS NULL")
            .fetch_one(room.store.pool())
            .await
            .unwrap();
        assert_eq!(owed, 0, "{reply} at {stage:?}: all went when it was mended");
    }
}

#[tokio::test]
async fn no_replies_whatsoever_burn_all_recipients_of_a_run_at_once() {
    let reply = || {
        let code = prop_oneof![Just(550), Just(553), Just(554), Just(452), 400..600_u16];
        let text = prop_oneof![
            Just("5.1.1 user unknown"),
            Just("5.1.1 The email account that you tried to reach does not exist"),
            Just("Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1&&no=1000728"),
            Just("554 RCPT (one@example.com) dosn't exist"),
            Just("sending quota exceeded"),
            Just("5.7.1 Relay access denied"),
            Just("5.2.2 mailbox is full"),
            Just("4.7.1 Greylisted"),
            Just("\u{6536}\u{4ef6}\u{4eba}\u{4e0d}\u{5b58}\u{5728}"),
            Just(""),
        ];
        (code, text, "[a-z ]{0,20}")
    };
    let room = Mailroom::open().await;
    let late = prop::sample::select(vec![SinkStage::Rcpt, SinkStage::Dot]);
    for (replies, stage) in samples(40, &(prop::array::uniform3(reply()), late)) {
        room.owe(HENAN, &[ONE, TWO]).await;
        room.owe_operators(&[OPS]).await;
        for (who, (code, text, more)) in [ONE, TWO, OPS].into_iter().zip(&replies) {
            let reply = format!("{code} {text} {more}");
            match stage {
                SinkStage::Rcpt => room.sink.refuse_recipient(who, &reply),
                _ => room.sink.refuse_after_data(who, &reply),
            }
        }
        for hours in [0, 1, 5] {
            room.pass(TimeDelta::hours(hours));
            room.send(Ripe::Everything).await;
            assert_eq!(room.dead().await, [], "{replies:?} at {stage:?}");
        }
        room.sink.heal();
        room.pass(TimeDelta::hours(5));
        for _ in 0..3 {
            room.send(Ripe::Everything).await;
        }
        let owed: i64 = sqlx::query_scalar("SELECT count(*) FROM deliveries WHERE sent_at IS NULL")
            .fetch_one(room.store.pool())
            .await
            .unwrap();
        assert_eq!(owed, 0, "{replies:?} at {stage:?}: all went when it was mended");
    }
}
