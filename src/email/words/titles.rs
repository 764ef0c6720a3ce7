//! What the kinds of changes are called.

use super::phrasebook::Phrase;
use super::reader_words as w;
use crate::domain::event::Change;

/// What a kind is called, whatever it says in particular.
pub(super) fn title(change: Change) -> Phrase {
    match change {
        Change::CertificateAdded => w::CERTIFICATE_ADDED,
        Change::CertificateRemoved => w::CERTIFICATE_REMOVED,
        Change::CertificateRestored => w::CERTIFICATE_RESTORED,
        Change::CertificateReplaced => w::CERTIFICATE_REPLACED,
        Change::QualificationAdded => w::QUALIFICATION_ADDED,
        Change::QualificationRemoved => w::QUALIFICATION_REMOVED,
        Change::QualificationAbsorbed => w::QUALIFICATION_ABSORBED,
        Change::GradeRaised => w::GRADE_RAISED,
        Change::GradeLowered => w::GRADE_LOWERED,
        Change::GradeReworded => w::GRADE_REWORDED,
        Change::Renewed => w::RENEWED,
        Change::ValidityExtended => w::VALIDITY_EXTENDED,
        Change::ValidityShortened => w::VALIDITY_SHORTENED,
        Change::Reissued => w::REISSUED,
        Change::FilingDue => w::FILING_DUE,
        Change::Expiring => w::EXPIRING,
        Change::Expired => w::EXPIRED,
        Change::Watching => w::WATCHING,
        Change::Retracted => w::RETRACTED,
        Change::Unverified => w::UNVERIFIED,
        Change::VerifiedAgain => w::VERIFIED_AGAIN,
        Change::Briefing => w::BRIEFING,
        Change::WatchlistChanged => w::WATCHLIST_CHANGED,
    }
}
