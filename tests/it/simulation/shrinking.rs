//! A smaller world that fails alike: fewer days, fewer companies, fewer faults, as long as a law is still broken.

use std::collections::BTreeSet;

use super::judgement::Judgement;
use super::runs::live;
use super::world::World;

/// Worlds that are lived through at most while one is made smaller.
const TRIES_MAX: usize = 60;

/// Days that follow the first violation, so that it can come to light.
const AFTERMATH_DAYS: i32 = 4;

pub fn shrink(world: &World, judgement: &Judgement) -> (World, String) {
    let law = judgement.violations.first().map(|violation| law_of(violation)).unwrap_or_default();
    let mut search = Search { law, world: world.clone(), found: judgement.to_string(), tries: 0 };
    search.fewer_days();
    search.one_company();
    search.fewer_faults();
    search.fewer_days();
    (search.world, search.found)
}

/// Which law a violation is against; of a panic, how it begins.
fn law_of(violation: &str) -> String {
    let is_panic = violation.starts_with("panic:");
    violation.split(':').take(1 + usize::from(is_panic)).collect()
}

struct Search {
    law: String,
    world: World,
    found: String,
    tries: usize,
}

impl Search {
    /// Takes the other world when it fails, too.
    fn fails(&mut self, other: World) -> bool {
        if other == self.world || self.tries >= TRIES_MAX {
            return false;
        }
        self.tries += 1;
        let judgement = live(&other);
        let fails = judgement.violations.iter().any(|violation| law_of(violation) == self.law);
        if fails {
            (self.world, self.found) = (other, judgement.to_string());
        }
        fails
    }

    fn length(&self) -> i32 {
        let (truth, _) = self.world.make();
        truth.last.since(truth.first)
    }

    fn fewer_days(&mut self) {
        let mut step = self.length() / 2;
        while step >= AFTERMATH_DAYS {
            let mut other = self.world.clone();
            other.trim.days = Some(self.length() - step);
            if !self.fails(other) {
                step /= 2;
            }
        }
    }

    fn one_company(&mut self) {
        let count = self.world.make().0.companies.len();
        for company in 0..count {
            let mut other = self.world.clone();
            other.trim.companies = BTreeSet::from([company]);
            if self.fails(other) {
                return;
            }
        }
    }

    fn fewer_faults(&mut self) {
        let all = {
            let mut whole = self.world.clone();
            whole.trim.without.clear();
            whole.make().1.count()
        };
        let mut size = all.div_ceil(2).max(1);
        loop {
            let left: Vec<usize> =
                (0..all).filter(|fault| !self.world.trim.without.contains(fault)).collect();
            for some in left.chunks(size) {
                let mut other = self.world.clone();
                other.trim.without.extend(some);
                self.fails(other);
            }
            if size == 1 {
                return;
            }
            size = size.div_ceil(2);
        }
    }
}
