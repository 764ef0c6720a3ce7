//! Whatever comes from outside: no panic, no hang, nothing without a limit, and what is kept is inert. Inputs are made by
//! structure (a good answer, a good watchlist, spoilt) and by no structure at all.
//!
//! By hand: `QUALWATCH_INPUTS=2000000 cargo test --profile sim --test it hostile_input::many -- --ignored --nocapture`.

mod answers;
mod replies;
mod texts;
mod watchlists;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use qualwatch::clock::{Clock as _, SystemClock};
use qualwatch::domain::text::displayable;

/// No input may keep us busy for longer: far beyond what any takes, as the machine may have other work.
const INPUT_MILLISECONDS_MAX: i64 = 5_000;

/// What is found of inputs of one kind.
pub type Found = Result<(), TestCaseError>;

/// Judges inputs of one kind.
type Judge = fn(u32);

/// Everything that is read, how much of the whole each gets, and in a run of the tests.
const SURFACES: [(&str, Judge, u32, u32); 7] = [
    ("answers, spoilt", answers::spoilt, 30, 1_500),
    ("answers, any bytes", answers::bytes, 15, 3_000),
    ("dates", texts::dates, 15, 8_000),
    ("names and numbers", texts::names, 20, 4_000),
    ("cron lines", texts::cron_lines, 10, 400),
    ("watchlists, spoilt", watchlists::spoilt, 7, 300),
    ("watchlists, any text", watchlists::texts, 3, 600),
];

/// Judges so many inputs of a strategy, each within its time.
fn judge<S: Strategy>(inputs: u32, strategy: &S, law: impl Fn(S::Value) -> Found)
where
    S::Value: Debug,
{
    let clock = SystemClock::default();
    let config = Config { cases: inputs, failure_persistence: None, ..Config::default() };
    let judged = TestRunner::new(config).run(strategy, |input| {
        let began = clock.now();
        law(input)?;
        let took = (clock.now() - began).num_milliseconds();
        prop_assert!(took < INPUT_MILLISECONDS_MAX, "it took {} ms", took);
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}

/// What nobody means: what moves, hides, ends, overflows; and what is nearly right.
pub fn hostile() -> BoxedStrategy<String> {
    let words = prop::sample::select(vec![
        "",
        " ",
        "-",
        "null",
        "0",
        "长期",
        "2028-02-30",
        "2028-02-29",
        "20280229",
        "2028年2月29日",
        "1830268800000",
        "甲级",
        "（",
        "）",
        "\0",
        "\u{202e}",
        "\u{200b}",
        "\u{feff}",
        "\r\n",
        "\u{2028}",
        "\u{1b}[2J",
        "\u{9b}31m",
        "\"",
        "\\",
        "\\u0000",
        "=cmd|'/c calc'!A1",
        "<script>",
        "{{7*7}}",
        "'; DROP TABLE told; --",
        "𠮷",
        "ﬁ",
        "ß",
        "İ",
        "Ⅰ",
        "壹级",
        "A141002510-6/3",
        "999999999999999999999999",
        "-1",
        "1e400",
        "%s%n",
        "../../etc/passwd",
    ]);
    prop_oneof![
        6 => words.prop_map(str::to_owned),
        3 => any::<String>(),
        3 => "[0-9０-９]{1,5}[-/.年][0-9]{1,3}[-/.月]?[0-9]{0,3}[日T ]?[0-9:.Z+]{0,9}",
        2 => "[工程设计市政行业专业承包（）()、Ⅰ甲乙一壹特级不分等 ,，;；\n]{0,30}",
        1 => (any::<char>(), 1..3_000_usize).prop_map(|(letter, times)| letter.to_string().repeat(times)),
    ]
    .boxed()
}

/// Text as it may be stored and shown: nothing that moves or hides, and not too long.
fn is_inert(text: &str) -> bool {
    displayable(text) == text && text.chars().count() <= 501
}

/// So many of the inputs that a strategy makes, for what cannot be asked quickly.
pub fn samples<S: Strategy>(count: usize, strategy: &S) -> Vec<S::Value> {
    let mut runner = TestRunner::default();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn answers_of_any_shape_are_read_within_their_limits_or_not_at_all() {
    few(&["answers, spoilt", "answers, any bytes"]);
}

#[test]
fn dates_names_numbers_and_cron_lines_of_any_text_are_read_or_refused() {
    few(&["dates", "names and numbers", "cron lines"]);
}

#[test]
fn watchlists_of_any_text_are_accepted_or_have_faults_that_can_be_drawn() {
    few(&["watchlists, spoilt", "watchlists, any text"]);
}

fn few(names: &[&str]) {
    let mut judged = 0;
    for (name, judge, _, inputs) in SURFACES {
        if names.contains(&name) {
            judge(inputs);
            judged += 1;
        }
    }
    assert_eq!(judged, names.len(), "all are known");
}

/// On all cores, in rounds: after each it is said how many inputs there were by then, and the most memory that the process ever
/// had.
#[test]
#[ignore = "by hand: see the module's words"]
fn many() {
    const ROUND: u32 = 20_000;
    let inputs = std::env::var("QUALWATCH_INPUTS").map_or(ROUND, |text| text.parse::<u32>().unwrap());
    let shares: u32 = SURFACES.iter().map(|(_, _, share, _)| share).sum();
    let clock = SystemClock::default();
    let began = clock.now();
    let (taken, done) = (AtomicU32::new(0), AtomicU32::new(0));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while taken.fetch_add(ROUND, Ordering::Relaxed) < inputs {
                    for (_, judge, share, _) in SURFACES {
                        judge(ROUND / shares * share);
                    }
                    let done =
                        done.fetch_add(ROUND / shares * shares, Ordering::Relaxed) + ROUND / shares * shares;
                    let seconds = (clock.now() - began).num_seconds();
                    println!("{done} inputs in {seconds} s, {}", peak_of_memory());
                }
            });
        }
    });
    let kinds = SURFACES.map(|(name, _, share, _)| format!("{name} {share}"));
    println!("of {shares} inputs: {}", kinds.join(", "));
}

fn peak_of_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown").to_owned()
}
