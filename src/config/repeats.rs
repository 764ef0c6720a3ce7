//! One slip is one fault: what is said of one key in the same words, wherever in the file, is said once, with where else it
//! stands. Somebody who wrote `too` for `to` in 500 entries has made one mistake.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::fault::Fault;

/// So many further lines are named; the rest is counted.
const LINES_NAMED_MAX: usize = 4;

/// Leaves the first of each that are said alike, with how many more there are. They come in the order of the file.
pub(super) fn bring_together(found: &mut Vec<Fault>) {
    let mut firsts: HashMap<(String, String), usize> = HashMap::new();
    let mut kept: Vec<(Fault, Vec<u32>, usize)> = Vec::new();
    for one in found.drain(..) {
        match firsts.entry((one.key.clone(), one.message.clone())) {
            Entry::Occupied(first) => {
                let Some((_, lines, more)) = kept.get_mut(*first.get()) else { continue };
                *more += 1;
                if lines.len() < LINES_NAMED_MAX && lines.last() != Some(&one.line) {
                    lines.push(one.line);
                }
            }
            Entry::Vacant(unseen) => {
                unseen.insert(kept.len());
                kept.push((one, Vec::new(), 0));
            }
        }
    }
    found.extend(kept.into_iter().map(|(mut first, lines, more)| {
        if more > 0 {
            first.more = more;
            first.message.push_str(&remark(more, &lines, first.line));
        }
        first
    }));
}

fn remark(more: usize, lines: &[u32], first: u32) -> String {
    let places = if more == 1 { "1 more place".to_owned() } else { format!("{more} more places") };
    let named: Vec<String> = lines.iter().filter(|line| **line != first).map(u32::to_string).collect();
    let rest = if more > named.len() { ", …" } else { "" };
    match named.as_slice() {
        [] => format!(" (and the same in {places} of this line)"),
        [one] if more == 1 => format!(" (and the same in {places}: line {one})"),
        _ => format!(" (and the same in {places}: lines {}{rest})", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::remark;

    #[test]
    fn where_else_something_stands_is_named_briefly() {
        for (more, lines, expected, why) in [
            (1, &[12][..], " (and the same in 1 more place: line 12)", "one"),
            (2, &[12, 15], " (and the same in 2 more places: lines 12, 15)", "two"),
            (499, &[12, 15, 18, 21], " (and the same in 499 more places: lines 12, 15, 18, 21, …)", "many"),
            (1, &[9], " (and the same in 1 more place of this line)", "a list with two alike"),
        ] {
            assert_eq!(remark(more, lines, 9), expected, "{why}");
        }
    }
}
