//! The circuit breaker (design 2): how a sweep fares, in memory. After five companies in a row without one readable answer
//! nobody is asked any more; what that means for other processes is in rows (`stops`).

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use super::report::Halt;

/// Companies in a row without one readable answer that pause the sweep.
pub(super) const FAILURES_MAX: usize = 5;

/// When the breaker lets a single call pass, counted from the pause; after these, hourly.
const PROBES: [TimeDelta; 3] = [TimeDelta::minutes(15), TimeDelta::hours(1), TimeDelta::hours(3)];
pub(super) const HOURLY: TimeDelta = TimeDelta::hours(1);

/// The next time a single call may pass, for a pause that began at `since`.
pub(super) fn next_probe(since: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let early = PROBES.into_iter().map(|after| since + after).find(|at| *at > now);
    early.unwrap_or(now + HOURLY)
}

/// What a company's turn says of upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// All there is of a company: it is verified.
    Whole,
    /// Something that can be read, be it a refusal.
    Answer,
    /// Nothing that can be read, of the company at this place in the file.
    Silence { company: usize, is: SilenceIs },
    /// No call was made, or it says nothing of upstream.
    Nothing,
}

/// Whose fault it is that a company brings nothing that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SilenceIs {
    /// It may be upstream that is away: the company loses nothing by it.
    AnyonesFault,
    /// Others were verified since it began, or the company never had an answer: a dead entry.
    ItsOwn,
}

/// Whether a company that fails since `failing_since` failed already when anybody was last verified: that all were refused in
/// between makes nobody a dead entry.
pub(super) fn is_dead(failing_since: DateTime<Utc>, last_verified_at: Option<DateTime<Utc>>) -> bool {
    last_verified_at.is_some_and(|verified| failing_since < verified)
}

/// What hearing it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Circuit {
    /// Nothing new.
    Unchanged,
    /// The first answer of the sweep, or the first after a silence.
    AnswersAgain,
    /// Too many in a row were silent.
    Opens,
}

/// Whether companies may be begun. Each is entered for before it is asked, and heard of afterwards.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    halt: Option<Halt>,
    /// Companies in a row, by their places in the file: who is asked twice is still one.
    silent_in_row: BTreeSet<usize>,
    asking: usize,
    has_answered: bool,
    last_whole_at: Option<DateTime<Utc>>,
    /// Since the last answer.
    was_silent: bool,
    /// Who was silent while others were answered: it is not upstream that is away.
    silent_alone: BTreeSet<usize>,
    /// Silent tries of known dead entries.
    dead_tries: usize,
    /// It is the second turn of all companies, and they are too few for five in a row.
    are_few: bool,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_over(&self) -> bool {
        self.state().halt.is_some()
    }

    pub(super) fn halt(&self) -> Option<Halt> {
        self.state().halt.clone()
    }

    /// When all there is of a company came last, since the sweep began.
    pub(super) fn last_whole_at(&self) -> Option<DateTime<Utc>> {
        self.state().last_whole_at
    }

    /// Whether something readable came since the sweep began.
    pub(super) fn has_answered(&self) -> bool {
        self.state().has_answered
    }

    /// Whether something was silent since the sweep began.
    pub(super) fn was_silent(&self) -> bool {
        self.state().was_silent
    }

    /// Ends the asking; the first reason stays.
    pub(super) fn end(&self, halt: Halt) {
        self.state().halt.get_or_insert(halt);
        self.changed.notify_waiters();
    }

    /// Waits until a company may be begun; `false` when none may be any more. While calls fail, no more are under way than
    /// may still fail.
    pub(super) async fn enter(&self) -> bool {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.halt.is_some() {
                    return false;
                }
                let silent = state.silent_in_row.len();
                if silent == 0 || silent + state.asking < FAILURES_MAX {
                    state.asking += 1;
                    return true;
                }
            }
            changed.await;
        }
    }

    /// All companies of a file of a few are asked once more: when none of them answers, the sweep is paused at its end.
    pub(super) fn expect_a_few(&self) {
        self.state().are_few = true;
    }

    /// Whether who is silent may be so because upstream is away: asking is paused, or will be unless somebody answers.
    pub(super) fn is_in_question(&self) -> bool {
        let state = self.state();
        !state.has_answered && (state.are_few || state.halt.is_some())
    }

    /// Whether so many dead entries were tried that no further one is worth a second try.
    pub(super) fn spares_second_tries(&self) -> bool {
        self.state().dead_tries > FAILURES_MAX
    }

    /// A company that was entered for is done with.
    pub(super) fn heard(&self, heard: Heard, now: DateTime<Utc>) -> Circuit {
        let mut state = self.state();
        state.asking = state.asking.saturating_sub(1);
        let circuit = match heard {
            Heard::Whole | Heard::Answer => {
                let is_news = !state.has_answered || state.was_silent;
                let silent = std::mem::take(&mut state.silent_in_row);
                state.silent_alone.extend(silent);
                state.was_silent = false;
                state.has_answered = true;
                if heard == Heard::Whole {
                    state.last_whole_at = Some(now);
                }
                if is_news { Circuit::AnswersAgain } else { Circuit::Unchanged }
            }
            Heard::Silence { company, is } => {
                state.was_silent = true;
                // Who fails while others are answered says nothing of upstream. Dead entries come last in a sweep: five of them
                // would pause it every day, and all daemons would wait for probes and be said to be unwell.
                let is_dead = is == SilenceIs::ItsOwn;
                state.dead_tries += usize::from(is_dead);
                if is_dead && state.has_answered {
                    state.silent_alone.insert(company);
                }
                if !state.silent_alone.contains(&company) {
                    state.silent_in_row.insert(company);
                }
                if state.silent_in_row.len() >= FAILURES_MAX { Circuit::Opens } else { Circuit::Unchanged }
            }
            Heard::Nothing => Circuit::Unchanged,
        };
        drop(state);
        self.changed.notify_waiters();
        circuit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: Heard = Heard::Answer;

    fn silent(company: usize) -> Heard {
        Heard::Silence { company, is: SilenceIs::AnyonesFault }
    }

    fn dead(company: usize) -> Heard {
        Heard::Silence { company, is: SilenceIs::ItsOwn }
    }

    #[test]
    fn five_companies_in_a_row_open_it_while_nobody_else_is_answered() {
        let all =
            |heard: fn(usize) -> Heard, companies: &[usize]| companies.iter().copied().map(heard).collect();
        let after_an_answer = |turns: Vec<Heard>| [vec![ANSWER], turns].concat();
        let (few, five): (&[usize], &[usize]) = (&[1, 2, 3, 1, 2, 3], &[1, 2, 3, 4, 5]);
        for (turns, opens, why) in [
            (all(silent, five), true, "five in a row"),
            (all(silent, &five[..4]), false, "four"),
            (all(silent, few), false, "three, each twice"),
            (after_an_answer(all(silent, five)), true, "upstream was there, and is gone"),
            (all(dead, five), true, "nobody has been answered in this sweep"),
            (after_an_answer(all(dead, five)), false, "dead entries, and others were answered"),
            (after_an_answer([all(dead, five), all(silent, &[6, 7, 8, 9])].concat()), false, "four besides"),
            (
                [all(silent, few), vec![ANSWER], all(silent, five)].concat(),
                false,
                "three failed before others were answered",
            ),
        ] {
            let turns: Vec<Heard> = turns;
            let breaker = Breaker::default();
            let opened =
                turns.iter().any(|turn| breaker.heard(*turn, DateTime::UNIX_EPOCH) == Circuit::Opens);
            assert_eq!(opened, opens, "{why}");
        }
    }

    #[test]
    fn of_many_dead_entries_only_the_first_are_worth_a_second_try() {
        let breaker = Breaker::default();
        breaker.heard(ANSWER, DateTime::UNIX_EPOCH);
        let spared: Vec<bool> = (1..=7)
            .map(|company| {
                breaker.heard(dead(company), DateTime::UNIX_EPOCH);
                breaker.spares_second_tries()
            })
            .collect();
        assert_eq!(spared, [false, false, false, false, false, true, true]);
    }
}
