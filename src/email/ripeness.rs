//! Whose mail goes now: a pure function of the rows and the clock (design 5).

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::event::Audience;
use crate::domain::occurrences::CronLine;
use crate::domain::wall_clock::not_ahead;
use crate::store::asking::stops::Stop;
use crate::store::outbox::messages::Waiting;

/// News goes at the latest this long after its recipient's first event, sweep or not.
const PATIENCE: TimeDelta = TimeDelta::minutes(30);

/// What a mailing sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ripe {
    /// All that is owed, whatever its pauses: `check`.
    Everything,
    /// What is due: the daemon.
    Due(Sweeping),
}

/// Whether more news may come in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweeping {
    /// No sweep of this process runs: what is owed is complete.
    Idle,
    /// A sweep runs: news waits for its end, not for longer than 30 minutes.
    Running,
}

/// When readers get their digest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digest<'a> {
    /// `[email].digest`; `None` is after each sweep.
    pub line: Option<&'a CronLine>,
    /// The zone of the line.
    pub zone: Tz,
}

/// Whose share of what this recipient is owed goes now. `None`: nothing does. Of a share that is ripe all goes, what came
/// later too. A message whose DATA has begun goes whoever's it is.
pub(super) fn ripe_audiences(
    waiting: &Waiting,
    ripe: Ripe,
    digest: Digest<'_>,
    now: DateTime<Utc>,
) -> Option<Vec<Audience>> {
    let shares = [(Audience::Operator, waiting.operator_since), (Audience::Reader, waiting.reader_since)];
    let owed = shares.into_iter().filter_map(|(audience, since)| Some((audience, since?)));
    let Ripe::Due(sweeping) = ripe else {
        return Some(owed.map(|(audience, _)| audience).collect());
    };
    let audiences: Vec<Audience> = owed
        .filter(|(audience, since)| match (audience, digest.line) {
            (Audience::Reader, Some(line)) => {
                line.latest(digest.zone, now).is_some_and(|latest| latest >= not_ahead(*since, now))
            }
            _ => sweeping == Sweeping::Idle || now - *since >= PATIENCE,
        })
        .map(|(audience, _)| audience)
        .collect();
    (waiting.frozen_since.is_some() || !audiences.is_empty()).then_some(audiences)
}

/// What has been owed for so long is told to the operators, whoever is at fault (design 5).
pub(super) const LATE_AFTER: TimeDelta = TimeDelta::days(1);

/// Since when the oldest of what this recipient is owed could have gone, where that is a day ago or more. Readers' news waits
/// for their digest.
pub(super) fn late_since(waiting: &Waiting, digest: Digest<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let reader_since = waiting.reader_since.and_then(|since| match digest.line {
        Some(line) => line.next(digest.zone, since),
        None => Some(since),
    });
    let all = [waiting.operator_since, reader_since, waiting.frozen_since];
    all.into_iter().flatten().min().filter(|since| now - *since >= LATE_AFTER)
}

/// The sender's own fault allows one login an hour, by whatever command: more would get the account locked.
pub const LOGIN_PAUSE: TimeDelta = TimeDelta::hours(1);

/// Whether the hour since the last login is over.
#[must_use]
pub fn may_log_in(stop: &Stop, now: DateTime<Utc>) -> bool {
    is_over(stop.next_probe_at, LOGIN_PAUSE, now)
}

/// Processes that were given one instant to start at differ by moments: that is no clock that ran ahead.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// Whether a pause is over. One that ends later than any pause can was stored by a clock that ran ahead: it is over too.
pub(super) fn is_over(pause_ends: Option<DateTime<Utc>>, longest: TimeDelta, now: DateTime<Utc>) -> bool {
    pause_ends.is_none_or(|ends| ends <= now || ends > now + longest + CLOCKS_DIFFER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::outbox::recipients::Recipient;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-24T{time}:00+08:00").parse().unwrap()
    }

    fn waiting(reader: Option<&str>, operator: Option<&str>) -> Waiting {
        Waiting {
            recipient: Recipient::new("one@example.com"),
            reader_since: reader.map(at),
            operator_since: operator.map(at),
            frozen_since: None,
            attempts: 0,
            next_attempt_at: None,
            is_apart: false,
        }
    }

    const IDLE: Ripe = Ripe::Due(Sweeping::Idle);
    const RUNNING: Ripe = Ripe::Due(Sweeping::Running);

    #[test]
    fn news_goes_when_the_sweep_has_ended_or_after_half_an_hour() {
        let digest = Digest { line: None, zone: Tz::Asia__Shanghai };
        let reader = Some(vec![Audience::Reader]);
        let operator = Some(vec![Audience::Operator]);
        for (reader_since, operator_since, ripe, now, expected, why) in [
            (Some("08:00"), None, IDLE, "08:00", reader.clone(), "no sweep runs"),
            (Some("08:00"), None, RUNNING, "08:29", None, "more may come"),
            (Some("08:00"), None, RUNNING, "08:30", reader.clone(), "long enough"),
            (None, Some("08:00"), RUNNING, "08:29", None, "operators wait too"),
            (Some("08:20"), Some("08:00"), RUNNING, "08:30", operator, "each share by itself"),
            (Some("09:00"), None, IDLE, "08:00", reader.clone(), "a clock ran ahead"),
            (Some("08:00"), None, Ripe::Everything, "08:00", reader, "check"),
        ] {
            let found = ripe_audiences(&waiting(reader_since, operator_since), ripe, digest, at(now));
            assert_eq!(found, expected, "{why}");
        }
        let frozen = Waiting { frozen_since: Some(at("08:00")), ..waiting(Some("08:00"), None) };
        assert_eq!(ripe_audiences(&frozen, RUNNING, digest, at("08:01")), Some(vec![]), "begun is begun");
    }

    #[test]
    fn with_a_digest_line_readers_wait_for_it_and_operators_do_not() {
        let line: CronLine = "0 9 * * *".parse().unwrap();
        let digest = Digest { line: Some(&line), zone: Tz::Asia__Shanghai };
        for (reader, operator, now, expected, why) in [
            (Some("08:00"), None, "08:59", None, "the line has not come"),
            (Some("08:00"), None, "09:00", Some(vec![Audience::Reader]), "it comes"),
            (Some("08:00"), None, "15:00", Some(vec![Audience::Reader]), "it came while nobody ran"),
            (Some("09:00"), None, "09:00", Some(vec![Audience::Reader]), "at that very moment"),
            (Some("10:00"), None, "15:00", None, "tomorrow's"),
            (Some("23:00"), None, "10:00", None, "owed by a clock that ran ahead: from now"),
            (Some("10:00"), Some("10:00"), "10:01", Some(vec![Audience::Operator]), "trouble does not wait"),
        ] {
            let found = ripe_audiences(&waiting(reader, operator), IDLE, digest, at(now));
            assert_eq!(found, expected, "{why}");
        }
    }

    #[test]
    fn what_could_have_gone_a_day_ago_is_late() {
        let line: CronLine = "0 9 * * *".parse().unwrap();
        let zone = Tz::Asia__Shanghai;
        let (at_once, daily) = (Digest { line: None, zone }, Digest { line: Some(&line), zone });
        let frozen = Waiting { frozen_since: Some(at("08:00")), ..waiting(None, None) };
        for (waiting, digest, hours_after_eight, expected, why) in [
            (waiting(Some("08:00"), None), at_once, 23, None, "not yet a day"),
            (waiting(Some("08:00"), None), at_once, 24, Some("08:00"), "a day"),
            (waiting(Some("08:30"), Some("08:00")), at_once, 24, Some("08:00"), "the oldest of all"),
            (frozen, at_once, 24, Some("08:00"), "begun, and not taken"),
            (waiting(Some("08:00"), None), daily, 24, None, "it had to wait for its digest"),
            (waiting(Some("08:00"), None), daily, 25, Some("09:00"), "a day after its digest"),
            (waiting(None, Some("08:00")), daily, 24, Some("08:00"), "operators have no digest"),
        ] {
            let now = at("08:00") + TimeDelta::hours(hours_after_eight);
            assert_eq!(late_since(&waiting, digest, now), expected.map(at), "{why}");
        }
    }

    #[test]
    fn a_pause_that_no_clock_can_have_meant_is_over() {
        let hour = TimeDelta::hours(1);
        for (ends, over, why) in [
            (None, true, "none"),
            (Some("09:00"), true, "passed"),
            (Some("10:00"), true, "just now"),
            (Some("11:00"), false, "the longest there is"),
            (Some("11:05"), false, "a process beside us"),
            (Some("11:06"), true, "a clock ran ahead"),
        ] {
            assert_eq!(is_over(ends.map(at), hour, at("10:00")), over, "{why}");
        }
    }
}
