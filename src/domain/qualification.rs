//! Qualifications: the names that 资质名称 holds, split, with the grade parsed off.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::alias;
pub use super::grade::{Grade, GradeChange, grade_change, holds_at_least};
use super::grade::{unfold_numerals, unfolded};
use super::text::{displayable, normalised, plain, shows_nothing, without_escapes};

/// A qualification for comparison: its name without the grade, normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QualificationKey(String);

impl QualificationKey {
    /// A key as a row holds it.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The normalised name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QualificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One name of 资质名称.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Qualification {
    /// The registry's own text, made inert.
    pub text: String,
    /// The text without the grade.
    pub name: String,
    /// The grade, where the text states one.
    pub grade: Option<Grade>,
    /// What pairs it with another look at it.
    pub key: QualificationKey,
}

impl Qualification {
    /// The qualification of a certificate whose 资质名称 is blank: it is still watched for its end.
    #[must_use]
    pub fn unnamed() -> Self {
        Self { text: String::new(), name: String::new(), grade: None, key: QualificationKey(String::new()) }
    }

    /// Whether it has a name.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.text.is_empty()
    }

    /// Reads one name; `None` when nothing is left of it.
    fn read(text: &str) -> Option<Self> {
        let text = displayable(text);
        let name = without_escapes(&text);
        if shows_nothing(&name) {
            return None;
        }
        let (name, grade) = split_grade(&name);
        let key = QualificationKey(alias::official(unfold_numerals(normalised(&name))));
        Some(Self { name: name.into_owned(), grade: grade.map(Grade::new), key, text })
    }
}

/// Whether a name is that of 施工劳务, however it is written.
#[must_use]
pub(super) fn is_labour(name: &str) -> bool {
    alias::official(normalised(name)) == "施工劳务"
}

/// Splits 资质名称 into its qualifications. Separators are , ， ; ； and line breaks, and 、 / | right after a grade: elsewhere
/// official names contain them. They count outside brackets; a bracket that is never closed is none, and behind a grade a new
/// name begins whatever is open. The same key twice is one qualification, the higher grade kept.
#[must_use]
pub fn split(qualification_name: &str) -> Vec<Qualification> {
    let mut qualifications: Vec<Qualification> = Vec::new();
    for part in parts(qualification_name) {
        let Some(new) = Qualification::read(part) else {
            continue;
        };
        match qualifications.iter_mut().find(|known| known.key == new.key) {
            Some(known) => {
                // The text only makes the order of the names irrelevant.
                let standing = |of: &Qualification| (of.grade.as_ref().map(Grade::height), of.text.clone());
                if standing(&new) > standing(known) {
                    *known = new;
                }
            }
            None => qualifications.push(new),
        }
    }
    qualifications
}

fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    let mut opening = closed_brackets(text).into_iter().peekable();
    for (at, character) in text.char_indices() {
        let separates = match character {
            _ if is_opening(character) => {
                depth += usize::from(opening.next_if_eq(&at).is_some());
                false
            }
            _ if is_closing(character) => {
                depth = depth.saturating_sub(1);
                false
            }
            ',' | '，' | ';' | '；' | '﹐' | '﹔' => depth == 0 || states_grade(&text[start..at]),
            '、' | '/' | '／' | '|' | '｜' => states_grade(&text[start..at]),
            _ => is_line_break(character),
        };
        if separates {
            depth = 0;
            parts.push(&text[start..at]);
            start = at + character.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

fn is_opening(character: char) -> bool {
    matches!(character, '(' | '（' | '[' | '［' | '【' | '〔')
}

fn is_closing(character: char) -> bool {
    matches!(character, ')' | '）' | ']' | '］' | '】' | '〕')
}

fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}')
}

/// Where the brackets open that are closed in the same line, in order.
fn closed_brackets(text: &str) -> Vec<usize> {
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for (at, character) in text.char_indices() {
        if is_opening(character) {
            open.push(at);
        } else if is_closing(character) {
            closed.extend(open.pop());
        } else if is_line_break(character) {
            open.clear();
        }
    }
    closed.sort_unstable();
    closed
}

/// Whether the name that was begun ends in a grade.
fn states_grade(name: &str) -> bool {
    split_grade(&without_escapes(&displayable(name))).1.is_some()
}

/// Splits the grade off the end of one name: 二级, also in brackets, as 资质, with a full stop, or with a tail such as （暂定）.
fn split_grade(text: &str) -> (Cow<'_, str>, Option<&str>) {
    let text = text.trim();
    // Nearly all names end in their grade.
    if let Some(at) = grade_start(text).filter(|at| *at > 0) {
        return (Cow::Borrowed(text[..at].trim_end()), Some(text[at..].trim()));
    }
    let body = text.trim_end_matches(|end: char| end.is_whitespace() || ENDINGS.contains(&end));
    // A text that is nothing but a grade is kept whole as a name.
    without_tail(body).unwrap_or((Cow::Borrowed(body), None))
}

/// What may stand behind a name and says nothing.
const ENDINGS: [char; 7] = ['。', '．', '.', '、', '：', ':', '|'];

/// A name and its grade where the grade does not end the text.
fn without_tail(body: &str) -> Option<(Cow<'_, str>, Option<&str>)> {
    // 94号 turns 特级 into 综合: 建筑工程施工总承包综合资质. Elsewhere 综合资质 is a name of its own.
    let comprehensive =
        ["综合资质", "综合"].iter().find_map(|grade| Some((body.strip_suffix(grade)?, *grade)));
    if let Some((name, grade)) = comprehensive.filter(|(name, _)| name.ends_with("施工总承包")) {
        return Some((Cow::Borrowed(name), Some(&body[body.len() - grade.len()..])));
    }
    let graded = |text: &'_ str| grade_start(text).filter(|at| *at > 0);
    let named = |text: &'_ str| text.strip_suffix("资质").unwrap_or(text).trim_end().len();
    let whole = &body[..named(body)];
    if let Some(at) = graded(whole) {
        return Some((Cow::Borrowed(body[..at].trim_end()), Some(whole[at..].trim())));
    }
    let opens = body.char_indices().rfind(|(_, character)| is_opening(*character))?.0;
    let (before, bracket) = (body[..opens].trim_end(), &body[opens..]);
    let inner = bracket.trim_matches(|edge| is_opening(edge) || is_closing(edge)).trim();
    let inner = &inner[..named(inner)];
    if grade_start(inner) == Some(0) && !before.is_empty() {
        return Some((Cow::Borrowed(before), Some(inner)));
    }
    let before = &before[..named(before)];
    let at = graded(before)?;
    let (name, grade) = (before[..at].trim_end(), before[at..].trim());
    // What is no word on the grade belongs to the name: 特种工程专业承包不分等级（结构补强）.
    let name =
        if is_of_the_grade(inner) { Cow::Borrowed(name) } else { Cow::Owned(format!("{name}{bracket}")) };
    Some((name, Some(grade)))
}

/// Whether a bracket behind a grade says something of the grade, as 暂定, 临时, 增项 do, and nothing of the qualification.
fn is_of_the_grade(tail: &str) -> bool {
    const TAIL_CHARS_MAX: usize = 3;
    const WORDS: [&str; 8] = ["暂定", "临时", "有效", "延续", "标准", "主项", "增项", "过渡"];
    tail.chars().count() <= TAIL_CHARS_MAX || WORDS.iter().any(|word| tail.contains(word))
}

/// Grades of two characters.
const PLAIN: [&str; 10] = ["特级", "一级", "二级", "三级", "四级", "甲级", "乙级", "丙级", "丁级", "戊级"];

/// All other grades.
const LONGER: [&str; 5] = ["甲(I)级", "甲(II)级", "不分等级", "不分级", "暂定级"];

/// Where the grade at the end of `body` begins, in bytes.
fn grade_start(body: &str) -> Option<usize> {
    const GRADE_CHARS_MAX: usize = 6;
    // From the end, the blanks left out.
    let mut tail = [(0, '\0'); GRADE_CHARS_MAX];
    let visible = body.char_indices().rev().filter(|(_, character)| !character.is_whitespace());
    for (place, (at, character)) in tail.iter_mut().zip(visible) {
        let Some(plain) = plain(character) else { return grade_start_normalised(body) };
        *place = (at, plain);
    }
    if tail[0].1 != '级' {
        return None;
    }
    tail[1].1 = unfolded(tail[1].1);
    let ends_in = |grade: &str| grade.chars().rev().zip(tail).all(|(letter, (_, plain))| letter == plain);
    let grade = PLAIN.iter().chain(&LONGER).find(|grade| ends_in(grade))?;
    Some(tail[grade.chars().count() - 1].0)
}

/// [`grade_start`] where characters become others, or several, in comparison.
fn grade_start_normalised(body: &str) -> Option<usize> {
    let compact: Vec<(usize, char)> =
        body.char_indices().filter(|(_, character)| !character.is_whitespace()).collect();
    let last = |count: usize| compact.len().checked_sub(count).map(|from| &compact[from..]);
    let matches = |count: usize, accept: &dyn Fn(&str) -> bool| {
        let tail = last(count)?;
        let text: String = tail.iter().map(|(_, character)| *character).collect();
        accept(&unfold_numerals(normalised(&text))).then(|| tail.first().map(|(at, _)| *at)).flatten()
    };
    matches(4, &|tail| tail == "不分等级")
        .or_else(|| matches(6, &|tail| tail == "甲(II)级"))
        .or_else(|| matches(5, &|tail| matches!(tail, "甲(I)级" | "甲(II)级")))
        .or_else(|| matches(3, &|tail| matches!(tail, "暂定级" | "不分级")))
        .or_else(|| matches(2, &|tail| PLAIN.contains(&tail)))
}

#[cfg(test)]
mod tests;
