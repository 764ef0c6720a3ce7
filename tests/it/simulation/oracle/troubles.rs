//! What operators had to hear of stops, of whose answers came, and of what was not found: each cause once, and its end once.

use std::collections::BTreeSet;

use super::super::calendar::Day;
use super::super::registry::{Call, Gave};
use super::super::weather::Manner;
use super::dossier::Dossier;

/// One turn of a trouble.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TroubleLine {
    pub day: Day,
    pub kind: String,
    /// The code, where there is one.
    pub cause: String,
    pub company: Option<usize>,
    pub is_end: bool,
}

/// The kinds that are followed here.
pub const FOLLOWED: [&str; 5] =
    ["api_quota", "api_credential", "identity_changed", "company_not_found", "unreadable_item"];

/// What is open, and all turns so far.
#[derive(Debug, Default)]
pub struct Troubles {
    stop: Option<(&'static str, u32)>,
    disputed: BTreeSet<usize>,
    not_found: BTreeSet<usize>,
    unnumbered: BTreeSet<usize>,
    pub lines: Vec<TroubleLine>,
}

impl Troubles {
    fn turn(&mut self, day: Day, kind: &str, cause: String, company: Option<usize>, is_end: bool) {
        self.lines.push(TroubleLine { day, kind: kind.to_owned(), cause, company, is_end });
    }

    /// A refusal of everybody, or the end of one.
    pub fn called(&mut self, day: Day, call: &Call) {
        let stop = match call.gave {
            Gave::Amiss(Manner::Code(code @ 10_001)) => Some(("api_credential", code)),
            Gave::Amiss(Manner::Code(code @ 10_011..=10_013)) => Some(("api_quota", code)),
            // What cannot be read says nothing.
            Gave::Amiss(Manner::Status(_) | Manner::Portal) => return,
            _ => None,
        };
        if stop == self.stop {
            return;
        }
        if let Some((kind, code)) = self.stop {
            self.turn(day, kind, code.to_string(), None, true);
        }
        if let Some((kind, code)) = stop {
            self.turn(day, kind, code.to_string(), None, false);
        }
        self.stop = stop;
    }

    pub fn is_disputed(&mut self, day: Day, company: usize) {
        if self.disputed.insert(company) {
            self.turn(day, "identity_changed", String::new(), Some(company), false);
        }
    }

    /// A whole answer of the company, or that there is nothing.
    pub fn looked_at(
        &mut self,
        day: Day,
        company: usize,
        (is_empty, has_unnumbered): (bool, bool),
        dossier: &Dossier,
    ) {
        if !is_empty {
            let was_unnumbered = self.unnumbered.contains(&company);
            if has_unnumbered && self.unnumbered.insert(company)
                || !has_unnumbered && self.unnumbered.remove(&company)
            {
                self.turn(day, "unreadable_item", String::new(), Some(company), was_unnumbered);
            }
            if self.disputed.remove(&company) {
                self.turn(day, "identity_changed", String::new(), Some(company), true);
            }
            if self.not_found.remove(&company) {
                self.turn(day, "company_not_found", String::new(), Some(company), true);
            }
        } else if dossier.holds_nothing() && self.not_found.insert(company) {
            self.turn(day, "company_not_found", String::new(), Some(company), false);
        }
    }
}
