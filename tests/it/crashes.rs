//! A crash at any step loses nothing and repeats nothing but the same bytes (design 5, law L1 to L3): with a future that is
//! dropped there, and with a real kill -9.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::Arc;

use qualwatch::config::{self, Watchlist};
use qualwatch::daemon::{Beginning, Daemon, Surroundings};
use qualwatch::domain::secret::Secret;
use qualwatch::email::{Mailer, Ripe, Sweeping};
use qualwatch::store::Store;
use qualwatch::store::steps::{NoSteps, Step, Steps};
use qualwatch::sweep::{self, Mode, NoProgress, Sweep, Whom};
use tokio_util::sync::CancellationToken;

use crate::support::crashing::{DiesAt, run_until};
use crate::support::program::Program;
use crate::support::running::until;
use crate::support::scene::{BUYER, COMPANIES, DAYS, KEY, OPERATOR, READER, Scene};

/// Pages of the companies that can be in flight at once: two companies, one of them with two pages.
const PAGES_IN_FLIGHT_MAX: u64 = 3;

/// The steps that each day of the story reaches.
const OF_A_CHECK: [Step; 5] =
    [Step::Claimed, Step::BeforeCall, Step::AfterAnswer, Step::BeforeCommit, Step::AfterCommit];
const OF_A_MAILING: [Step; 6] =
    [Step::DigestBuilt, Step::Connected, Step::Offered, Step::Frozen, Step::HandedOver, Step::MarkedSent];

const OWED: &str = "SELECT count(*) FROM deliveries WHERE sent_at IS NULL OR cancelled_at IS NOT NULL OR dead_at IS NOT NULL";

/// What must come out the same, however often the work died.
struct Outcome {
    /// Kind, company, certificate, threshold: in any order.
    events: Vec<String>,
    /// For each recipient what they were sent, mail by mail.
    mails: Vec<(String, String, Vec<String>)>,
}

impl Outcome {
    /// Says what differs first, not everything.
    fn is(&self, expected: &Self, step: Step) {
        assert_eq!(self.events, expected.events, "{step:?}");
        let whose = |outcome: &Self| outcome.mails.iter().map(|(to, ..)| to.clone()).collect::<Vec<_>>();
        assert_eq!(whose(self), whose(expected), "{step:?}");
        for ((to, subject, told), (_, expected_subject, expected)) in self.mails.iter().zip(&expected.mails) {
            assert_eq!(subject, expected_subject, "{step:?}: to {to}");
            let other = told.iter().zip(expected).find(|(line, expected)| line != expected);
            assert_eq!((other, told.len()), (None, expected.len()), "{step:?}: to {to}: {subject}");
        }
    }
}

async fn outcome(scene: &Scene) -> Outcome {
    assert_eq!(scene.count(OWED).await, 0, "something is still owed");
    let letters = scene.letters();
    let ids = "SELECT count(*) FROM messages WHERE sent_at IS NULL";
    assert_eq!(scene.count(ids).await, 0);
    assert_eq!(
        scene.count("SELECT count(*) FROM messages").await,
        i64::try_from(letters.len()).unwrap(),
        "what the server took is what the rows say"
    );
    assert_eq!(scene.sink.violations(), Vec::<String>::new());
    let events = scene.texts(
        "SELECT concat_ws(' ', kind, event->>'company', event#>>'{certificate,number}', event->>'threshold', (at AT TIME ZONE 'UTC')::date)
         FROM events ORDER BY 1",
    );
    let mut mails: Vec<_> =
        letters.into_iter().map(|(to, letter)| (to, letter.subject(), letter.told())).collect();
    // By recipient; of each in the order of their coming.
    mails.sort_by(|one, other| one.0.cmp(&other.0));
    Outcome { events: events.await, mails }
}

/// One process's work of a day, as the daemon does it at a bell.
async fn day(scene: &Scene, store: &Store, watchlist: &Watchlist, steps: &dyn Steps) {
    let clock = Arc::new(scene.clock.clone());
    let sweep = || {
        let ending = CancellationToken::new();
        Sweep::new(store, watchlist, clock.clone(), steps, Mode::ForGood, &NoProgress, ending)
    };
    sweep().run(&Whom::Due, Secret::parse(KEY)).await.unwrap();
    sweep().judge_the_day().await.unwrap();
    let mailer = Mailer { store, watchlist, password: None, clock: &scene.clock, steps };
    mailer.send_owed(Ripe::Due(Sweeping::Idle)).await.unwrap();
}

async fn accepted(scene: &Scene) -> Watchlist {
    let watchlist = config::parse(&scene.watchlist(), Path::new("/nowhere/watchlist.toml")).unwrap().0;
    let store = Store::open(scene.database.options()).await.unwrap();
    sweep::accept(&store, &watchlist, scene.now_is()).await.unwrap();
    watchlist
}

/// The story without a crash, and the calls it takes.
async fn undisturbed() -> (Outcome, u64) {
    lived_through(Scene::set().await).await
}

async fn lived_through(scene: Scene) -> (Outcome, u64) {
    let watchlist = accepted(&scene).await;
    for now in DAYS {
        scene.at(now);
        let store = Store::open(scene.database.options()).await.unwrap();
        Box::pin(day(&scene, &store, &watchlist, &NoSteps)).await;
    }
    (outcome(&scene).await, scene.sandbox.requests())
}

#[tokio::test]
async fn the_story_brings_what_the_crash_tests_need() {
    let (outcome, calls) = Box::pin(undisturbed()).await;
    let kinds: Vec<_> = outcome.events.iter().map(|event| event.split(' ').next().unwrap()).collect();
    let expected = [
        ["certificate_added", "certificate_removed", "expired", "expiring", "expiring", "expiring"],
        ["expiring", "renewed", "unreadable_date", "watching", "watching", "watching"],
    ];
    assert_eq!(kinds, expected.concat());
    let days = |who: &str| outcome.mails.iter().filter(|(to, ..)| to == who).count();
    assert_eq!((days(READER), days(BUYER), days(OPERATOR)), (5, 2, 1));
    assert_eq!(calls, 20, "two companies of one page and one of two, on five days");
}

#[tokio::test]
async fn a_daemon_that_lives_through_the_story_tells_the_same() {
    let (expected, minimum) = Box::pin(undisturbed()).await;
    let scene = Scene::set().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watchlist.toml");
    let text = scene.watchlist();
    std::fs::write(&path, &text).unwrap();
    let store = Store::open(scene.database.options()).await.unwrap();
    let ending = CancellationToken::new();
    let surroundings = Surroundings {
        store: &store,
        private: None,
        clock: Arc::new(scene.clock.clone()),
        environment: [("QUALWATCH_API_KEY", KEY)].into_iter().collect(),
        path: path.clone(),
        state_dir: folder.path().join("state"),
        ending: ending.clone(),
    };
    let daemon = Daemon::new(surroundings, config::parse(&text, &path).unwrap().0);
    let all_days = async {
        for (day, mails) in DAYS.into_iter().zip([2, 3, 5, 7, 8]) {
            scene.at(day);
            let is_told = || async { scene.sink.mails().len() >= mails && scene.count(OWED).await == 0 };
            until(&format!("{mails} mails by {day}"), is_told).await;
        }
        ending.cancel();
    };
    let (lived, ()) = tokio::join!(Box::pin(daemon.live(Beginning::with(&text))), Box::pin(all_days));
    lived.unwrap();
    outcome(&scene).await.is(&expected, Step::MarkedSent);
    assert_eq!(scene.sandbox.requests(), minimum);
}

#[tokio::test]
async fn a_crash_at_any_time_of_a_check_changes_nothing_that_is_told() {
    Box::pin(crashes_change_nothing(&OF_A_CHECK)).await;
}

#[tokio::test]
async fn a_crash_at_any_time_of_a_mailing_changes_nothing_that_is_told() {
    Box::pin(crashes_change_nothing(&OF_A_MAILING)).await;
}

async fn crashes_change_nothing(which: &[Step]) {
    let (expected, minimum) = Box::pin(undisturbed()).await;
    for &step in which {
        let scene = Scene::set().await;
        let watchlist = accepted(&scene).await;
        let mut crashes = 0;
        for now in DAYS {
            scene.at(now);
            // The first time of the step, then by another process the second, and so on until one comes through.
            for nth in 1.. {
                let store = Store::open(scene.database.options()).await.unwrap();
                let dies = DiesAt::new(step, nth);
                let done = dies.or_done(Box::pin(day(&scene, &store, &watchlist, &dies))).await;
                drop(store);
                scene.until_nobody_claims().await;
                if done.is_some() {
                    break;
                }
                crashes += 1;
                assert!(crashes < 100, "{step:?}: it never comes through");
            }
        }
        assert!(crashes >= DAYS.len() as u64, "{step:?} was reached {crashes} times only");
        judge(&scene, step, crashes, &expected, minimum).await;
    }
}

async fn judge(scene: &Scene, step: Step, crashes: u64, expected: &Outcome, minimum: u64) {
    outcome(scene).await.is(expected, step);
    let calls = scene.sandbox.requests();
    let in_vain = if is_of_a_check(step) { crashes * PAGES_IN_FLIGHT_MAX } else { 0 };
    assert!(calls <= minimum + in_vain, "{step:?}: {calls} calls with {crashes} crashes");
    let counted = "SELECT sum(checks + pages + confirmations + repeats + probes)::bigint FROM call_days";
    let counted = u64::try_from(scene.count(counted).await).unwrap();
    assert!(counted >= calls, "{step:?}: {calls} calls, {counted} counted");
    let repeats = (scene.sink.mails().len() - expected.mails.len()) as u64;
    assert_eq!(repeats, if step == Step::HandedOver { crashes } else { 0 }, "{step:?}: mails sent twice");
}

fn is_of_a_check(step: Step) -> bool {
    OF_A_CHECK.contains(&step) || step == Step::BetweenPages || step == Step::Judged
}

/// The kills of one step, a test each.
macro_rules! kills {
    ($(fn $name:ident() at $step:ident;)*) => {
        /// The steps that have a test here.
        const KILLED: &[Step] = &[$(Step::$step,)*];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                Box::pin(kills_change_nothing(Step::$step, KILLS)).await;
            }
        )*
    };
}

kills! {
    fn a_kill_while_a_watchlist_is_taken_into_force_changes_nothing_that_is_told() at Accepted;
    fn a_kill_after_a_claim_changes_nothing_that_is_told() at Claimed;
    fn a_kill_before_a_call_changes_nothing_that_is_told() at BeforeCall;
    fn a_kill_between_two_pages_changes_nothing_that_is_told() at BetweenPages;
    fn a_kill_after_an_answer_changes_nothing_that_is_told() at AfterAnswer;
    fn a_kill_before_a_commit_changes_nothing_that_is_told() at BeforeCommit;
    fn a_kill_after_a_commit_changes_nothing_that_is_told() at AfterCommit;
    fn a_kill_after_a_judging_changes_nothing_that_is_told() at Judged;
    fn a_kill_when_a_digest_is_built_changes_nothing_that_is_told() at DigestBuilt;
    fn a_kill_after_connecting_changes_nothing_that_is_told() at Connected;
    fn a_kill_after_a_recipient_was_taken_changes_nothing_that_is_told() at Offered;
    fn a_kill_before_data_changes_nothing_that_is_told() at Frozen;
    fn a_kill_after_the_server_took_the_mail_repeats_the_same_bytes() at HandedOver;
    fn a_kill_after_a_mail_was_marked_changes_nothing_that_is_told() at MarkedSent;
}

/// Real `kill -9` of one step in CI, and by hand.
const KILLS: usize = 5;
const KILLS_BY_HAND: usize = 20;

#[test]
fn every_step_has_kills_of_its_own() {
    assert_eq!(KILLED, Step::ALL, "a step that was added wants a line above");
    for step in Step::ALL {
        println!("crash point: {step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand: twenty kills at each of the steps take minutes"]
async fn twenty_kills_at_every_step_change_nothing_that_is_told() {
    for step in Step::ALL {
        let (kills, repeats) = Box::pin(kills_change_nothing(*step, KILLS_BY_HAND)).await;
        println!("{step:?}: {kills} kills, {repeats} mails repeated with the same bytes");
    }
}

/// So many real `kill -9` in one story or several: up to two a day, at different times of the step where it has several, then a process that comes
/// through. Gives how many there were, and how many mails were repeated.
async fn kills_change_nothing(step: Step, wanted: usize) -> (usize, usize) {
    let (expected, minimum) = Box::pin(lived_through(story_for(step).await)).await;
    let (mut all, mut repeats) = (0, 0);
    while all < wanted {
        let scene = story_for(step).await;
        let mut kills = 0;
        for now in DAYS {
            scene.at(now);
            let program = scene.program();
            for nth in [1, 2] {
                if all + kills < wanted && is_killed(&program, step, nth) {
                    kills += 1;
                    scene.until_nobody_claims().await;
                }
            }
            let ran = program.run(&["check", "--due", "--json"]);
            let is_good = ran.code == Some(0) || (step == Step::Judged && ran.code == Some(3));
            assert!(is_good, "{step:?} of {now}: {ran:?}");
        }
        assert!(kills > 0, "{step:?} is never reached");
        judge(&scene, step, kills as u64, &expected, minimum).await;
        all += kills;
        repeats += scene.sink.mails().len() - expected.mails.len();
    }
    (all, repeats)
}

/// Whether a process gets as far as the n-th time of the step; else it comes through, or is ended.
fn is_killed(program: &Program, step: Step, nth: usize) -> bool {
    // Only a daemon takes a watchlist into force in steps: at its start, and then at an edit.
    let (arguments, nth) = if step == Step::Accepted { ("run", 1) } else { ("check --due", nth) };
    run_until(program, arguments, step, nth).signal() == Some(9)
}

/// Ends are judged without an answer only where upstream is away.
async fn story_for(step: Step) -> Scene {
    let scene = Scene::set().await;
    if step == Step::Judged {
        scene.break_upstream(&away());
    }
    scene
}

/// From the second day on the first company cannot be asked for.
fn away() -> String {
    format!("[[fault]]\nkeyword = \"{}\"\nfrom = \"{}\"\nstatus = 503\n", COMPANIES[0], DAYS[1])
}
