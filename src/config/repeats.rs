//! One slip is one fault: what is said of one key in the same words, wherever in the file, is said once, with where else it
//! stands. Somebody who wrote `too` for `to` in 500 entries has made one mistake.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::fault::{Fault, Warning};

/// So many further lines are named; the rest is counted.
const LINES_NAMED_MAX: usize = 4;

/// Something that may be said of several places.
pub(super) trait Remark {
    fn key_and_message(&self) -> (&str, &str);
    fn line(&self) -> u32;
    /// It is said of so many more places, too; `remark` says where.
    fn add(&mut self, more: usize, remark: &str);
}

impl Remark for Fault {
    fn key_and_message(&self) -> (&str, &str) {
        (&self.key, &self.message)
    }

    fn line(&self) -> u32 {
        self.line
    }

    fn add(&mut self, more: usize, remark: &str) {
        self.more = more;
        self.message.push_str(remark);
    }
}

impl Remark for Warning {
    fn key_and_message(&self) -> (&str, &str) {
        (&self.key, &self.message)
    }

    fn line(&self) -> u32 {
        self.line
    }

    fn add(&mut self, more: usize, remark: &str) {
        self.more = more;
        self.message.push_str(remark);
    }
}

/// Leaves the first of each that are said alike, with how many more there are. They come in the order of the file.
pub(super) fn bring_together<T: Remark>(found: &mut Vec<T>) {
    let mut firsts: HashMap<(String, String), usize> = HashMap::new();
    let mut kept: Vec<(T, Vec<u32>, usize)> = Vec::new();
    for one in found.drain(..) {
        let (key, message) = one.key_and_message();
        match firsts.entry((key.to_owned(), message.to_owned())) {
            Entry::Occupied(first) => {
                let Some((_, lines, more)) = kept.get_mut(*first.get()) else { continue };
                *more += 1;
                if lines.len() < LINES_NAMED_MAX && lines.last() != Some(&one.line()) {
                    lines.push(one.line());
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
            first.add(more, &remark(more, &lines, first.line()));
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
