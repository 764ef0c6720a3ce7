//! Mass losses: when many companies lose something at once, upstream is what is wrong (design 3).

/// Fewer companies than this are no mass, however few were observed, unless they are all of them.
const COMPANIES_LEAST: u64 = 5;
/// More than one in this many: 20 %.
const ONE_IN: u64 = 5;
/// "All of them" needs at least two.
const ALL_LEAST: u64 = 2;

/// Whether `losing` of the `observed` companies, both of the same 24 hours, say that upstream is what is wrong: more than
/// 20 % and at least 5, or all of them when they are two or more.
#[must_use]
pub fn is_mass_loss(losing: u64, observed: u64) -> bool {
    let many = losing >= COMPANIES_LEAST && losing * ONE_IN > observed;
    let all = losing >= ALL_LEAST && losing >= observed;
    many || all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mass_is_a_fifth_and_five_or_all_of_two() {
        for (losing, observed, mass, why) in [
            (12, 20, true, "12 of 20"),
            (5, 25, false, "exactly 20 %"),
            (5, 24, true, "more than 20 %"),
            (4, 5, false, "fewer than five, and not all"),
            (2, 2, true, "all of two"),
            (1, 1, false, "one company alone may well lose something"),
            (0, 0, false, "nothing"),
        ] {
            assert_eq!(is_mass_loss(losing, observed), mass, "{why}");
        }
    }
}
