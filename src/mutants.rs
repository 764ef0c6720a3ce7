//! Bugs that can be planted, so that the simulator's own test (`tests/it/simulation/mutants.rs`) proves that it finds
//! them. Only with the feature `mutants`, which no release is built with; without it [`planted`] is always false and the
//! planted code is gone. The switch is the thread's own: worlds on other threads are not concerned.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` plants bugs: it is for tests only");

/// A bug that the simulator must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// A loss is established by one look.
    OneLook,
    /// Looks that agree need not be consecutive.
    LooksWithGaps,
    /// A message is marked as sent before it is handed over.
    MarkedBeforeSent,
    /// Whoever asks for a company or a recipient has it.
    NoLock,
    /// Ends are judged only when an answer came.
    JudgedOnlyAfterAnswers,
    /// A page that is short is the last one, whatever `total` says.
    ShortPageIsAll,
    /// A threshold is reached only below it.
    LessForAtMost,
    /// A later end counts from its first look on.
    LaterEndTrusted,
    /// What was told of an end is remembered without its kind.
    ToldWithoutKind,
    /// What was told is forgotten after two months.
    ToldForgotten,
    /// A missing end takes the place of a readable one.
    MissingEndReplaces,
    /// What goes on its end day is told as removed.
    RemovedOnEndDay,
    /// A loss of many companies is told after two looks.
    MassAfterTwoLooks,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::OneLook,
        Self::LooksWithGaps,
        Self::MarkedBeforeSent,
        Self::NoLock,
        Self::JudgedOnlyAfterAnswers,
        Self::ShortPageIsAll,
        Self::LessForAtMost,
        Self::LaterEndTrusted,
        Self::ToldWithoutKind,
        Self::ToldForgotten,
        Self::MissingEndReplaces,
        Self::RemovedOnEndDay,
        Self::MassAfterTwoLooks,
    ];
}

#[cfg(feature = "mutants")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug for what this thread does from now on, or none.
#[cfg(feature = "mutants")]
pub fn plant(mutant: Option<Mutant>) {
    PLANTED.set(mutant);
}

/// Whether this bug is planted.
#[cfg(feature = "mutants")]
pub(crate) fn planted(mutant: Mutant) -> bool {
    PLANTED.get() == Some(mutant)
}

/// None is: there is no such feature in this build.
#[cfg(not(feature = "mutants"))]
pub(crate) const fn planted(_mutant: Mutant) -> bool {
    false
}
