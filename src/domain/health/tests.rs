use super::*;

fn at(hour: u32) -> DateTime<Utc> {
    format!("2026-11-24T{hour:02}:00:00+08:00").parse().unwrap()
}

fn stopped(class: &str) -> Stopped {
    let (code, reason) = (Some(10_001), "a wrong key".to_owned());
    Stopped { class: class.to_owned(), code, reason, advice: None, since: at(8), next_probe_at: None }
}

fn open(trouble: Trouble) -> OpenTrouble {
    OpenTrouble { trouble, cause: "none".to_owned(), company: None, since: at(8) }
}

fn ailing(last_outcome: Outcome, is_disputed: bool) -> Ailing {
    Ailing {
        keyword: "河南院".parse().unwrap(),
        last_outcome: Some(last_outcome),
        last_code: None,
        last_reason: Some("busy".to_owned()),
        is_disputed,
    }
}

fn with(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = Facts::default();
    change(&mut facts);
    facts
}

/// The classes of the problems, those that fail first, with their weight.
fn classes(facts: &Facts) -> Vec<(String, Weight)> {
    let problems = problems(facts, at(12));
    problems.iter().map(|problem| (problem.class().to_owned(), problem.weight())).collect()
}

#[test]
fn each_fact_has_its_problem_and_its_weight() {
    use Weight::{Attention, Failing};
    let due = |hour| Some(Unasked { companies: 2, since: at(hour) });
    let dead_entry = || vec![ailing(Outcome::Transient, false)];
    for (facts, expected, why) in [
        (Facts::default(), None, "nothing is known to be wrong"),
        (
            with(|it| it.asking_stopped = Some(stopped("credential"))),
            Some(("credential", Failing)),
            "stopped",
        ),
        (with(|it| it.mail_stopped = Some(stopped("auth"))), Some(("mail", Failing)), "no mail leaves"),
        (with(|it| it.dead_letters = 1), Some(("mail", Failing)), "somebody was not told"),
        (
            with(|it| it.failing_work = vec!["sending mail fails: disk full".to_owned()]),
            Some(("database_unavailable", Failing)),
            "one piece of the work is enough",
        ),
        (with(|it| it.missed = due(11)), None, "an hour ago: it may be asking"),
        (with(|it| it.missed = due(10)), Some(("unknown", Failing)), "nobody asks"),
        (with(|it| (it.missed, it.last_asked_at) = (due(8), Some(at(11)))), None, "a long sweep"),
        (
            with(|it| (it.missed, it.troubles) = (due(8), vec![open(Trouble::ApiCredential)])),
            Some(("api_credential", Failing)),
            "no key is given: the cause, not its consequence",
        ),
        (with(|it| it.asked_today = 3), Some(("unknown", Failing)), "of three none"),
        (with(|it| (it.asked_today, it.verified_today) = (3, 1)), None, "one of three"),
        (with(|it| it.ailing = dead_entry()), Some(("transient", Attention)), "a dead entry"),
        (
            with(|it| it.ailing = vec![ailing(Outcome::Complete, true)]),
            Some(("disputed", Attention)),
            "whose answers are these?",
        ),
        (
            with(|it| it.file_refused = Some("a fault".to_owned())),
            Some(("watchlist_rejected", Attention)),
            "an earlier file is in force",
        ),
        (with(|it| it.troubles = vec![open(Trouble::EmailLate)]), Some(("email_late", Failing)), "late"),
        (
            with(|it| it.troubles = vec![open(Trouble::UnreadableDate)]),
            Some(("unreadable_date", Attention)),
            "somebody should look",
        ),
    ] {
        let expected: Vec<_> =
            expected.map(|(class, weight)| (class.to_owned(), weight)).into_iter().collect();
        assert_eq!(classes(&facts), expected, "{why}");
    }
}

#[test]
fn what_is_said_already_is_not_said_again_and_the_heaviest_comes_first() {
    let facts = with(|it| {
        it.troubles =
            vec![open(Trouble::EmailStopped), open(Trouble::MassChange), open(Trouble::EmailUndeliverable)];
        (it.mail_stopped, it.dead_letters) = (Some(stopped("auth")), 2);
    });
    let said: Vec<String> = classes(&facts).into_iter().map(|(class, _)| class).collect();
    assert_eq!(said, ["mail", "mail", "mass_change"]);
}

#[test]
fn a_problem_names_the_code_of_who_refused() {
    let failed = Ailing { last_code: Some(10_020), ..ailing(Outcome::Transient, false) };
    for (facts, code, why) in [
        (with(|it| it.asking_stopped = Some(stopped("credential"))), Some(10_001), "the provider's"),
        (with(|it| it.mail_stopped = Some(stopped("auth"))), Some(10_001), "the mail server's"),
        (with(|it| it.ailing = vec![failed]), Some(10_020), "of one company"),
        (with(|it| it.dead_letters = 1), None, "nobody's"),
    ] {
        assert_eq!(problems(&facts, at(12))[0].code(), code, "{why}");
    }
}

#[test]
fn every_open_trouble_has_words() {
    for trouble in Trouble::ALL {
        let facts = with(|it| it.troubles = vec![open(trouble)]);
        let problems = problems(&facts, at(12));
        let reason = problems[0].reason(|at| at.to_rfc3339());
        assert!(problems.len() == 1 && reason.contains("since 2026"), "{trouble:?}: {reason}");
    }
}

#[test]
fn mail_that_did_not_go_says_whose_it_is_and_since_when() {
    let late = |cause: &str| {
        with(|it| {
            let open = open(Trouble::EmailLate);
            it.troubles = vec![OpenTrouble { cause: cause.to_owned(), ..open }];
        })
    };
    let given_up = |to: &[&str]| {
        let to: Vec<String> = to.iter().map(ToString::to_string).collect();
        with(|it| (it.dead_letters, it.given_up) = (2, to.clone()))
    };
    for (facts, said, why) in [
        (late("a@example.com"), "mail has been owed for more than a day: a@example.com, since ", "one's"),
        (late(EVERYBODYS_MAIL), "the mail server has taken nothing for more than a day, since ", "all"),
        (
            given_up(&["a@example.com", "b@example.com"]),
            "2 messages were given up after refusals (to a@example.com, b@example.com): `qualwatch retry`",
            "whose",
        ),
        (given_up(&[]), "2 messages were given up after refusals: `qualwatch retry`", "nobody is known"),
    ] {
        let reason = problems(&facts, at(12))[0].reason(|at| at.to_rfc3339());
        assert!(reason.starts_with(said), "{why}: {reason}");
    }
}

#[test]
fn that_nobody_asks_says_whether_a_daemon_runs() {
    let looked = |minute: i64| KnownDaemon {
        since: at(8),
        last_look: at(12) - TimeDelta::minutes(minute),
        version: "0.1.0".to_owned(),
    };
    for (daemons, said, why) in [
        (vec![], "no daemon runs", "none is known"),
        (vec![looked(6)], "no daemon runs", "it looked six minutes ago: it was killed, or hangs"),
        (vec![looked(6), looked(5)], "a daemon runs: see its log", "one of two"),
        (vec![looked(-60)], "a daemon runs: see its log", "an instant ahead of the clock counts as now"),
    ] {
        let facts = with(|it| {
            let unasked = Some(Unasked { companies: 1, since: at(8) });
            (it.unasked, it.missed, it.daemons) = (unasked, unasked, daemons);
        });
        let reason = problems(&facts, at(12))[0].reason(|at| at.to_rfc3339());
        assert!(reason.starts_with("1 company is due") && reason.ends_with(said), "{why}: {reason}");
    }
}
