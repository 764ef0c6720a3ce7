//! What is compared of a holding. Each field is described here, once: its name in rows, what of it differs, when two looks saw
//! the same of it, what a difference is told as, and how it is taken over.
//!
//! A new field is a line of [`Field`] and a variant of [`Difference`]; then the compiler asks for the rest.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::event::Change;
use super::holding::Holding;
use super::names::names;
use super::qualification::{GradeChange, grade_change};

names! {
    /// What of a holding a doubt is about. At most one doubt is open for each.
    Field {
        /// Whether it is there at all.
        Presence = "presence",
        /// Its grade.
        Grade = "grade",
        /// The end of validity.
        End = "end",
        /// The issue date.
        Issued = "issued",
        /// A grade that was told at its first look, or taken back since, while another one is seen.
        GradeOvertaken = "grade_overtaken",
        /// The same of an end.
        EndOvertaken = "end_overtaken",
        /// That it went without a word, because something else that is held covers it.
        Unsaid = "unsaid",
    }
}

/// A difference as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "seen")]
pub enum Difference {
    /// A holding that the snapshot has not.
    New(Holding),
    /// A holding of the snapshot is not shown.
    Gone,
    /// Another grade, with the registry's text of it.
    Grade {
        /// The holding as it was shown.
        shown: Holding,
        /// Raised, lowered or reworded.
        change: Change,
    },
    /// Another end.
    End {
        /// The holding as it was shown.
        shown: Holding,
        /// Renewed, extended or shortened.
        change: Change,
    },
    /// Another issue date, the end being the same.
    Issued {
        /// The issue date as it was shown.
        day: NaiveDate,
        /// Whether it was all that changed in its certificate: only then is it told.
        alone: bool,
    },
}

/// Whether the registry listed, at the look before, what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Was {
    Listed,
    /// It had gone on its end day or later.
    Unlisted,
}

impl Field {
    /// What is compared where something is both held and shown, in this order.
    pub(super) fn values() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|field| field.is_value())
    }

    fn is_value(self) -> bool {
        match self {
            Self::Grade | Self::End | Self::Issued => true,
            Self::Presence | Self::GradeOvertaken | Self::EndOvertaken | Self::Unsaid => false,
        }
    }

    /// Where a value that was told waits to be taken back, or is remembered because it was, while another one is seen.
    pub(super) fn overtaken(self) -> Option<Self> {
        match self {
            Self::Grade => Some(Self::GradeOvertaken),
            Self::End => Some(Self::EndOvertaken),
            Self::Presence | Self::Issued | Self::GradeOvertaken | Self::EndOvertaken | Self::Unsaid => None,
        }
    }

    /// How `shown` differs from what is `known`; `None`: not at all, or in nothing that could take its place.
    pub(super) fn difference(self, known: &Holding, shown: &Holding, was: Was) -> Option<Difference> {
        match self {
            Self::Grade => {
                let (old, new) = (known.qualification.grade.as_ref(), shown.qualification.grade.as_ref());
                let change = match grade_change(old, new) {
                    GradeChange::Same => return None,
                    // 换领 is neither a rise nor a renewal.
                    GradeChange::Raised if shown.is_exchange_of(known) => Change::GradeReworded,
                    GradeChange::Raised => Change::GradeRaised,
                    GradeChange::Lowered => Change::GradeLowered,
                    GradeChange::Reworded => Change::GradeReworded,
                };
                Some(Difference::Grade { shown: shown.clone(), change })
            }
            Self::End => {
                let change = match (known.last_day(), shown.last_day()?) {
                    (Some(old), new) if new == old => return None,
                    // Of two ends with no word neither replaces one that was clear (design 3).
                    (Some(_), _) if shown.states_two_ends() && !known.states_two_ends() => return None,
                    (Some(old), new) if new < old => Change::ValidityShortened,
                    // What had gone at its end and is back with a later one was renewed (design 3, "Ends").
                    (Some(_), _) if was == Was::Unlisted => Change::Renewed,
                    // An end that can be read where there was none needs a second look, too.
                    (_, _) => later_kind(known, shown),
                };
                Some(Difference::End { shown: shown.clone(), change })
            }
            // With another end it is that end's issue date.
            Self::Issued if known.last_day() == shown.last_day() => {
                let day = shown.issued.filter(|day| known.issued != Some(*day))?;
                Some(Difference::Issued { day, alone: known.issued.is_some() })
            }
            Self::Issued | Self::Presence | Self::GradeOvertaken | Self::EndOvertaken | Self::Unsaid => None,
        }
    }

    /// Takes over what differs in no way that counts: other letters of the same grade, another text that is no day.
    pub(super) fn refresh(self, known: &mut Holding, shown: &Holding) {
        match self {
            Self::Grade => self.take(known, shown),
            // An end that cannot be read never replaces one that could (design 3).
            Self::End if known.last_day().is_none() => {
                known.end = shown.end.clone();
                known.end_text.clone_from(&shown.end_text);
            }
            // The old end goes on being judged, and its words say what is stated instead.
            Self::End if shown.is_endless_registration() || known.is_endless_registration() => {
                known.end_text.clone_from(&shown.end_text);
            }
            Self::End
            | Self::Issued
            | Self::Presence
            | Self::GradeOvertaken
            | Self::EndOvertaken
            | Self::Unsaid => {}
        }
    }

    /// Takes over what is established.
    pub(super) fn take(self, known: &mut Holding, shown: &Holding) {
        match self {
            Self::Grade => known.qualification = shown.qualification.clone(),
            Self::End => {
                known.end = shown.end.clone();
                known.end_text.clone_from(&shown.end_text);
                known.issued = shown.issued.or(known.issued);
            }
            Self::Issued => known.issued = shown.issued.or(known.issued),
            Self::Presence | Self::GradeOvertaken | Self::EndOvertaken | Self::Unsaid => {}
        }
    }
}

/// With a new issue date it was renewed; with the old one its validity was extended, as by decree (统一延期).
fn later_kind(known: &Holding, shown: &Holding) -> Change {
    match (known.issued, shown.issued) {
        (old, Some(new)) if old != Some(new) => Change::Renewed,
        _ => Change::ValidityExtended,
    }
}

impl Difference {
    /// Whether two looks saw the same of one field: the same value, whatever else its item says.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Grade { .. }, Self::Grade { shown, .. }) | (Self::End { .. }, Self::End { shown, .. }) => {
                self.is_stated_by(shown)
            }
            (Self::Issued { day: one, .. }, Self::Issued { day: other, .. }) => one == other,
            (Self::New(_) | Self::Gone | Self::Grade { .. } | Self::End { .. } | Self::Issued { .. }, _) => {
                false
            }
        }
    }

    /// Whether a holding is shown as this difference of one of its fields says.
    pub(super) fn is_stated_by(&self, holding: &Holding) -> bool {
        match self {
            Self::Grade { shown, .. } => {
                let (one, other) = (&shown.qualification.grade, &holding.qualification.grade);
                grade_change(one.as_ref(), other.as_ref()) == GradeChange::Same
            }
            Self::End { shown, .. } => shown.end == holding.end,
            Self::Issued { day, .. } => holding.issued == Some(*day),
            Self::New(_) | Self::Gone => false,
        }
    }

    /// What a field's difference is told as; `None`: it is not told.
    pub(super) fn told_as(&self, known: &Holding) -> Option<Change> {
        match self {
            Self::Grade { change, .. } => Some(*change),
            // Where no end could be judged the first one is told by its thresholds; a 换领 is told by its grade.
            Self::End { change, .. } => {
                known.last_day().filter(|_| !self.is_end_of_exchange(known)).map(|_| *change)
            }
            Self::Issued { alone, .. } => alone.then_some(Change::Reissued),
            Self::New(_) | Self::Gone => None,
        }
    }

    /// Whether it is the end that comes with a 换领: what is told of that is the grade.
    fn is_end_of_exchange(&self, known: &Holding) -> bool {
        matches!(self, Self::End { shown, .. } if shown.is_exchange_of(known))
    }

    /// Whether two looks that saw the same mean the same, now that this is known. A gain over what was known then may be a loss by
    /// now; and were the end of a 换领 established by a look that shows another grade, its grade would be told as raised later, and
    /// its end never.
    pub(super) fn means_the_same(&self, other: &Self, known: &Holding) -> bool {
        match self {
            Self::Grade { .. } => self.is_higher_grade(known) == other.is_higher_grade(known),
            _ => {
                self.is_gain(known) == other.is_gain(known)
                    && self.is_end_of_exchange(known) == other.is_end_of_exchange(known)
            }
        }
    }

    /// Whether it is a grade above what is known, by merit or by 换领: which of them is a matter of its end.
    fn is_higher_grade(&self, known: &Holding) -> bool {
        match self {
            Self::Grade { change: Change::GradeRaised, .. } => true,
            Self::Grade { shown, change: Change::GradeReworded } => shown.is_exchange_of(known),
            _ => false,
        }
    }

    /// Whether a field's difference is one that is told at its first look.
    pub(super) fn is_gain(&self, known: &Holding) -> bool {
        let gains = [Change::GradeRaised, Change::Renewed, Change::ValidityExtended];
        self.told_as(known).is_some_and(|change| gains.contains(&change))
    }

    /// The holding as it was shown, where the difference bears it.
    pub(super) fn shown(&self) -> Option<&Holding> {
        match self {
            Self::New(shown) | Self::Grade { shown, .. } | Self::End { shown, .. } => Some(shown),
            Self::Gone | Self::Issued { .. } => None,
        }
    }

    /// What is known with this difference of a field taken over.
    pub(super) fn over(&self, known: &Holding) -> Holding {
        match self {
            Self::New(shown) | Self::Grade { shown, .. } | Self::End { shown, .. } => shown.clone(),
            Self::Issued { day, .. } => Holding { issued: Some(*day), ..known.clone() },
            Self::Gone => known.clone(),
        }
    }

    /// The later end this is about, where it is about one.
    #[must_use]
    pub(super) fn later_end(&self) -> Option<NaiveDate> {
        match self {
            Self::End { shown, change: Change::Renewed | Change::ValidityExtended } => shown.last_day(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::UnknownName;

    #[test]
    fn every_field_is_read_back_from_its_name() {
        for field in Field::ALL {
            assert_eq!(field.as_str().parse(), Ok(field));
        }
        assert_eq!("organ".parse::<Field>(), Err(UnknownName("organ".to_owned())));
    }

    #[test]
    fn every_field_is_presence_a_value_where_one_waits_or_a_memory() {
        let places: Vec<Field> = Field::values().filter_map(Field::overtaken).collect();
        for field in Field::ALL {
            let is_memory = field == Field::Unsaid;
            let ways = [field == Field::Presence, field.is_value(), places.contains(&field), is_memory];
            assert_eq!(ways.iter().filter(|way| **way).count(), 1, "{field}");
        }
    }
}
