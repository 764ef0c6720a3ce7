//! What things are called: companies, certificates, qualifications, grades. All of it is upstream's text, made inert here.

use crate::domain::event::{CertificateFacts, Elsewhere, Event, NamedQualification};
use crate::domain::grade::Grade;
use crate::domain::language::Language;
use crate::domain::number::Family;
use crate::domain::text::displayable;

/// The most characters of a company, number or type: longer than any that is real, short enough for a line.
const NAME_CHARACTERS_MAX: usize = 60;

/// The most characters of all qualifications of one certificate together.
const QUALIFICATIONS_CHARACTERS_MAX: usize = 1_500;

/// `text` inert and cut to the length of a name.
pub(in crate::email) fn name(text: &str) -> String {
    cut(&displayable(text), NAME_CHARACTERS_MAX)
}

/// The first `characters` of `text`, the last one `…` where it was longer.
pub(in crate::email) fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

/// What mails call the company of an event; `None` when it is about none.
pub(in crate::email) fn company(event: &Event) -> Option<String> {
    let own = event.company_name.as_deref().map(name).filter(|name| !name.is_empty());
    own.or_else(|| event.company.as_ref().map(|keyword| name(keyword.as_str())))
}

/// `设计资质证书（A141002510）`, `设计资质 (design) certificate No. A141002510`.
pub(super) fn certificate(facts: &CertificateFacts, language: Language) -> String {
    let (kind, number) = (name(&facts.kind), name(&facts.number));
    match language {
        Language::Chinese if kind.ends_with('证') => format!("{kind}（{number}）"),
        Language::Chinese => format!("{kind}证书（{number}）"),
        Language::English => {
            let family = english_family(facts.family).map(|family| format!("({family})"));
            let words = [kind, family.unwrap_or_default(), "certificate No.".to_owned(), number];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        }
    }
}

/// A qualification by the registry's own text; in English its grade is added.
pub(in crate::email) fn qualification(named: &NamedQualification, language: Language) -> String {
    let text = displayable(&named.text);
    let grade = named.grade.as_ref().and_then(english_grade);
    match (language, grade) {
        (Language::English, Some(grade)) => format!("{text} ({grade})"),
        _ => text,
    }
}

/// A qualification held in another certificate, by name and grade.
pub(in crate::email) fn elsewhere(place: &Elsewhere, language: Language) -> String {
    let text = format!("{}{}", place.name, place.grade.as_ref().map(ToString::to_string).unwrap_or_default());
    let named = NamedQualification { text, name: place.name.clone(), grade: place.grade.clone() };
    qualification(&named, language)
}

/// Names one after another, at most `count` of them, with what was left out counted.
pub(in crate::email) fn listed(names: &[String], count: usize, language: Language) -> String {
    let mut room = QUALIFICATIONS_CHARACTERS_MAX;
    let fits = |name: &&String| {
        let length = name.chars().count();
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    };
    let shown: Vec<&str> = names.iter().take(count).take_while(fits).map(String::as_str).collect();
    let is_whole = shown.len() == names.len();
    match language {
        Language::Chinese if is_whole => shown.join("；"),
        Language::Chinese if shown.is_empty() => format!("共 {} 项", names.len()),
        Language::Chinese => format!("{} 等 {} 项", shown.join("；"), names.len()),
        Language::English if is_whole => shown.join("; "),
        Language::English if shown.is_empty() => format!("{} in all", names.len()),
        Language::English => format!("{} and {} more", shown.join("; "), names.len() - shown.len()),
    }
}

/// Companies one after another, at most `count` of them; of `all` there are, so that whoever reads knows how many are not named.
pub(in crate::email) fn companies(names: &[String], count: usize, all: usize, language: Language) -> String {
    let shown = names.iter().take(count).map(String::as_str).collect::<Vec<_>>();
    let left_out = all.saturating_sub(shown.len());
    let shown = shown.join(comma(language));
    match language {
        _ if left_out == 0 => shown,
        Language::Chinese => format!("{shown} 等共 {all} 家"),
        Language::English => format!("{shown} and {left_out} more"),
    }
}

/// What stands between the items of a short list.
pub(in crate::email) fn comma(language: Language) -> &'static str {
    match language {
        Language::Chinese => "、",
        Language::English => ", ",
    }
}

/// What stands between the pieces of a line.
pub(in crate::email) fn semicolon(language: Language) -> &'static str {
    match language {
        Language::Chinese => "；",
        Language::English => "; ",
    }
}

/// Sentences one after another.
pub(in crate::email) fn sentences(sentences: &[String], language: Language) -> String {
    let between = match language {
        Language::Chinese => "",
        Language::English => " ",
    };
    let said: Vec<&str> = sentences.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
    said.join(between)
}

/// `text` with a full stop, where it has no end of its own: what others wrote may have one or not.
pub(in crate::email) fn sentence(text: &str, language: Language) -> String {
    let has_end = text.ends_with(['.', '。', '!', '！', '?', '？', '…']);
    match language {
        _ if has_end => text.to_owned(),
        Language::Chinese => format!("{text}。"),
        Language::English => format!("{text}."),
    }
}

/// All qualifications of a certificate, at most `count` of them; `None` when it names none.
pub(in crate::email) fn qualifications(
    facts: &CertificateFacts,
    count: usize,
    language: Language,
) -> Option<String> {
    let names: Vec<String> =
        facts.qualifications.iter().map(|named| qualification(named, language)).collect();
    (!names.is_empty()).then(|| listed(&names, count, language))
}

/// A grade as words need it; what has no translation stays.
pub(in crate::email) fn grade(grade: Option<&Grade>, language: Language) -> String {
    let Some(text) = grade.map(|grade| name(grade.text())).filter(|text| !text.is_empty()) else {
        return super::reader_words::NO_GRADE.text(language).to_owned();
    };
    match grade.filter(|_| language == Language::English).and_then(english_grade) {
        Some(translated) => format!("{translated} ({text})"),
        None => text,
    }
}

/// The glossary of domain.md 3.
fn english_grade(grade: &Grade) -> Option<&'static str> {
    Some(match grade.key().as_str() {
        "特级" => "Special Grade",
        "一级" => "Grade 1",
        "二级" => "Grade 2",
        "三级" => "Grade 3",
        "四级" => "Grade 4",
        "甲级" => "Grade A",
        "甲(I)级" => "Grade A(I)",
        "甲(II)级" => "Grade A(II)",
        "乙级" => "Grade B",
        "丙级" => "Grade C",
        "丁级" => "Grade D",
        "暂定级" => "provisional grade",
        "不分等级" | "不分级" => "ungraded",
        _ => return None,
    })
}

fn english_family(family: Family) -> Option<&'static str> {
    Some(match family {
        Family::Construction => "construction",
        Family::Design => "design",
        Family::Survey => "survey",
        Family::Supervision => "supervision",
        Family::Integrated => "design and construction",
        Family::BiddingAgency => "bidding agency",
        Family::CostConsulting => "cost consulting",
        Family::Other => return None,
    })
}
