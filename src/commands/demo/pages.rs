//! `index.html`: the story and all its mails, for a browser.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde::Serialize;

use super::story::CHAPTERS;
use crate::domain::language::Language;
use crate::domain::text::displayable;

const TEMPLATE: &str = include_str!("../templates/demo.html");

/// A mail of the story.
pub(super) struct DemoMail {
    pub day: NaiveDate,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Serialize)]
struct IndexPage<'a> {
    language: &'static str,
    title: &'static str,
    about: &'static str,
    text_part: &'static str,
    days: Vec<DayOfIndex<'a>>,
}

#[derive(Serialize)]
struct DayOfIndex<'a> {
    day: NaiveDate,
    chapter: &'static str,
    mails: Vec<MailOfIndex<'a>>,
}

#[derive(Serialize)]
struct MailOfIndex<'a> {
    number: usize,
    to: &'a str,
    subject: String,
    text: &'a str,
    html: &'a str,
}

/// Writes the page. `mails` are in their order.
///
/// # Errors
/// The template does not fit, which a test would have found.
pub(super) fn index(mails: &[DemoMail], language: Language) -> Result<String, minijinja::Error> {
    let mut days: BTreeMap<NaiveDate, DayOfIndex<'_>> = BTreeMap::new();
    for chapter in CHAPTERS {
        let chapter = DayOfIndex { day: chapter.day, chapter: chapter.words(language), mails: Vec::new() };
        days.insert(chapter.day, chapter);
    }
    for (number, mail) in (1..).zip(mails) {
        let day = mail.day;
        let of_day = days.entry(day).or_insert_with(|| DayOfIndex { day, chapter: "", mails: Vec::new() });
        let subject = displayable(&mail.subject);
        of_day.mails.push(MailOfIndex { number, to: &mail.to, subject, text: &mail.text, html: &mail.html });
    }
    let [language, title, about, text_part] = match language {
        Language::Chinese => [
            "zh-CN",
            "企业资质监测：一份演示",
            "qualwatch 按名单每天查询企业的建设工程资质证书，与此前的查询结果比对，只在有事时发邮件。下面是一段模拟的日子里它发出的全部邮件：左侧选择，右侧阅读。企业与证书均为虚构。",
            "纯文本部分",
        ],
        Language::English => [
            "en",
            "Qualification watch: a demonstration",
            "qualwatch asks for the construction qualification certificates of the companies on a list, compares them with what was established, and mails only when there is something to tell. These are all its mails of some simulated weeks: choose on the left, read on the right. Companies and certificates are invented.",
            "The text part",
        ],
    };
    let page = IndexPage { language, title, about, text_part, days: days.into_values().collect() };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("demo.html", TEMPLATE)?;
    environment.get_template("demo.html")?.render(context! { page => Serde(page) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_stands_in_a_frame_and_its_marks_are_escaped() {
        let mail = DemoMail {
            day: "2026-01-05".parse().unwrap(),
            to: "compliance@example.com".to_owned(),
            subject: "a < b".to_owned(),
            text: "text & more".to_owned(),
            html: "<p class=\"x\">mail</p>".to_owned(),
        };
        for language in [Language::Chinese, Language::English] {
            let page = index(std::slice::from_ref(&mail), language).unwrap();
            assert!(page.contains("a &lt; b") && page.contains("text &amp; more"), "{page}");
            assert!(page.contains("srcdoc=\"&lt;p class=&quot;x&quot;&gt;mail&lt;"), "{page}");
            assert!(page.contains("2026-01-17"), "a chapter without a mail stands there too");
        }
    }
}
