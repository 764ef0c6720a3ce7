//! Grades that no longer exist, in one certificate: what holds them is exchanged (换领), the rest is renewed (延续).

use crate::domain::event::{CertificateFacts, NamedQualification};

/// How much of a certificate is of an abolished grade.
pub(super) enum Abolished<'a> {
    /// None of it.
    Nothing,
    /// These; others are of living grades.
    Some(Vec<&'a NamedQualification>),
    /// All of it.
    All,
}

/// How much of the certificate is of an abolished grade (国发〔2021〕7号).
pub(super) fn abolished(facts: &CertificateFacts) -> Abolished<'_> {
    let is_abolished = |named: &&NamedQualification| {
        named.grade.as_ref().is_some_and(|grade| grade.is_abolished(facts.family))
    };
    let found: Vec<&NamedQualification> = facts.qualifications.iter().filter(is_abolished).collect();
    if found.is_empty() {
        Abolished::Nothing
    } else if found.len() == facts.qualifications.len() {
        Abolished::All
    } else {
        Abolished::Some(found)
    }
}
