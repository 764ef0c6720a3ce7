//! The words of events: one sentence each.

use crate::domain::event::Event;
use crate::domain::language::Language;

/// One sentence on `event`, inert, for lists and `--json` (`summary`).
#[must_use]
pub fn summary(event: &Event, _language: Language) -> String {
    event.kind.to_string()
}
