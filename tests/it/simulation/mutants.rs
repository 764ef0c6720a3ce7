//! Bugs planted one at a time: the simulator must find each within 50 seeds. `cargo test --features mutants mutant`.

use qualwatch::mutants::{Mutant, plant};

use super::runs::live;
use super::world::{Size, World};

const SEEDS_MAX: u64 = 50;

/// Small worlds first: most bugs need no years.
fn is_found(mutant: Mutant) {
    for seed in 1..=SEEDS_MAX {
        let size = if seed <= SEEDS_MAX / 2 { Size::Small } else { Size::Full };
        let world = World::of(seed, size);
        plant(Some(mutant));
        let judgement = live(&world);
        plant(None);
        if let Some(violation) = judgement.violations.first() {
            println!("{mutant:?}: found at seed {world}: {violation}");
            return;
        }
    }
    panic!("{mutant:?} was not found within {SEEDS_MAX} seeds");
}

macro_rules! mutants {
    ($($name:ident: $mutant:ident,)*) => {
        $(#[test]
        fn $name() {
            is_found(Mutant::$mutant);
        })*

        #[test]
        fn every_mutant_has_its_test() {
            assert_eq!(Mutant::ALL, [$(Mutant::$mutant),*]);
        }
    };
}

mutants! {
    a_loss_established_by_one_look: OneLook,
    looks_that_need_not_be_consecutive: LooksWithGaps,
    marked_as_sent_before_sending: MarkedBeforeSent,
    the_companys_lock_not_taken: NoLock,
    ends_judged_only_after_a_good_answer: JudgedOnlyAfterAnswers,
    a_short_page_taken_as_complete: ShortPageIsAll,
    less_than_for_at_most_in_the_thresholds: LessForAtMost,
    a_later_end_trusted_at_once: LaterEndTrusted,
    what_was_told_keyed_without_its_kind: ToldWithoutKind,
    what_was_told_forgotten_by_retention: ToldForgotten,
    a_missing_end_replacing_a_readable_one: MissingEndReplaces,
    a_row_dropped_on_its_end_day_told_as_removed: RemovedOnEndDay,
    a_mass_loss_told_after_two_looks: MassAfterTwoLooks,
}
