//! The pace: at most so many requests a second, over all callers of one client.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::clock::{monotonic, pause};

/// From this gap on no start comes earlier than a whole gap after the one before it. Timers are 1 to 2 ms late, which costs
/// such a pace 2 % at most.
const STRICT_GAP: Duration = Duration::from_millis(100);

/// With shorter gaps a start that is late by no more than this does not move the later ones, so that the rate is held on
/// average although no timer is as fine as the gap. A longer lateness was no timer's, but a time without requests: it is
/// not made up for.
const LATENESS_MAX: Duration = Duration::from_millis(5);

/// A gate that lets one request pass, then stays shut for a while. Turns are in the order of asking.
///
/// It goes by the machine's own monotonic time and not by the process's [`Clock`](crate::clock::Clock): the provider counts
/// real seconds, and a simulated clock stands still between two steps, so that a gate on it would never open.
pub(super) struct Pacer {
    /// Held by the caller whose turn comes next while it waits; the others queue for it in their order.
    schedule: Mutex<Schedule>,
}

impl Pacer {
    pub(super) fn new(gap: Duration) -> Self {
        Self { schedule: Mutex::new(Schedule::new(gap, monotonic())) }
    }

    /// Completes when the next request may start. A caller that gives up while it waits takes no turn.
    pub(super) async fn turn(&self) {
        let mut schedule = self.schedule.lock().await;
        loop {
            let now = monotonic();
            let Some(left) = schedule.left(now) else { return schedule.start(now) };
            pause(left).await;
        }
    }
}

/// When the next request may start, apart from any clock.
struct Schedule {
    gap: Duration,
    next: Instant,
}

impl Schedule {
    fn new(gap: Duration, first: Instant) -> Self {
        Self { gap, next: first }
    }

    /// How long the next request has to wait at `now`; `None` when it may start.
    fn left(&self, now: Instant) -> Option<Duration> {
        self.next.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// A request starts at `now`, which it may.
    fn start(&mut self, now: Instant) {
        let late = now.saturating_duration_since(self.next);
        let counts_from = if self.gap < STRICT_GAP && late <= LATENESS_MAX { self.next } else { now };
        self.next = counts_from + self.gap;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::within;

    fn gate(requests_per_second: u32) -> Pacer {
        Pacer::new(Duration::from_secs(1) / requests_per_second)
    }

    #[tokio::test]
    async fn the_first_passes_at_once_and_the_next_waits() {
        let gate = gate(1);
        within(Duration::from_millis(500), gate.turn()).await.unwrap();
        within(Duration::from_millis(100), gate.turn()).await.unwrap_err();
    }

    #[tokio::test]
    async fn callers_that_gave_up_take_no_turn() {
        let gate = gate(4);
        gate.turn().await;
        for _ in 0..5 {
            within(Duration::from_millis(1), gate.turn()).await.unwrap_err();
        }
        within(Duration::from_millis(900), gate.turn()).await.unwrap();
    }

    /// The starts of callers that come as fast as they can, each woken by a timer that ticks each millisecond and is late by
    /// one of `lates`.
    fn starts(gap: Duration, span: Duration, lates: &[Duration]) -> Vec<Instant> {
        const TICK_NANOS: u64 = 1_000_000;
        let origin = monotonic();
        let mut schedule = Schedule::new(gap, origin);
        let mut lates = lates.iter().cycle();
        let (mut now, mut starts) = (origin, Vec::new());
        while now - origin < span {
            if let Some(left) = schedule.left(now) {
                let wake = u64::try_from((now + left - origin).as_nanos()).unwrap();
                let tick = Duration::from_nanos(wake.next_multiple_of(TICK_NANOS));
                now = origin + tick + *lates.next().unwrap();
            }
            assert_eq!(schedule.left(now), None, "who has waited may start");
            schedule.start(now);
            starts.push(now);
        }
        starts
    }

    #[test]
    fn the_rate_is_held_from_one_a_minute_to_100_000_a_second() {
        let a_tick_late = [Duration::from_millis(1)];
        for (gap, span, expected, why) in [
            (Duration::from_mins(1), Duration::from_mins(10), 10..=11, "one a minute"),
            (
                Duration::from_millis(500),
                Duration::from_mins(1),
                120..=121,
                "2 a second: as slow as timers are late",
            ),
            (Duration::from_millis(50), Duration::from_mins(1), 1200..=1201, "20 a second"),
            (Duration::from_millis(1), Duration::from_secs(10), 9_995..=10_005, "1,000 a second"),
            (Duration::from_micros(10), Duration::from_secs(1), 99_500..=100_500, "100,000 a second"),
        ] {
            let starts = starts(gap, span, &a_tick_late);
            assert!(expected.contains(&starts.len()), "{why}: {}", starts.len());
        }
    }

    #[test]
    fn after_an_idle_time_the_gap_holds_as_before() {
        for gap in [Duration::from_micros(10), Duration::from_millis(1), Duration::from_millis(500)] {
            let origin = monotonic();
            let mut schedule = Schedule::new(gap, origin);
            schedule.start(origin);
            let later = origin + Duration::from_hours(1);
            assert_eq!(schedule.left(later), None);
            schedule.start(later);
            assert_eq!(schedule.left(later), Some(gap), "{gap:?}: nothing has been saved up");
        }
    }

    proptest! {
        #[test]
        fn two_starts_are_never_nearer_than_a_long_gap(
            gap in 100..2000_u64,
            lates in prop::collection::vec(0..20_000_u64, 1..20),
        ) {
            let gap = Duration::from_millis(gap);
            let lates: Vec<_> = lates.into_iter().map(Duration::from_micros).collect();
            for pair in starts(gap, Duration::from_mins(1), &lates).windows(2) {
                prop_assert!(pair[1] - pair[0] >= gap, "only {:?} apart", pair[1] - pair[0]);
            }
        }

        #[test]
        fn no_span_has_more_starts_than_the_rate_and_what_a_late_timer_is_owed(
            gap in 10..99_999_u64,
            lates in prop::collection::vec(0..20_000_u64, 1..20),
            span in 1..100_usize,
        ) {
            let gap = Duration::from_micros(gap);
            let lates: Vec<_> = lates.into_iter().map(Duration::from_micros).collect();
            let starts = starts(gap, gap * 500, &lates);
            for window in starts.windows(span + 1) {
                let took = window[span] - window[0];
                let gaps = u32::try_from(span).unwrap();
                prop_assert!(took + LATENESS_MAX >= gap * gaps, "{} gaps within {:?}", gaps, took);
            }
        }
    }
}
