//! The list that goes with a letter that cannot name everything: one line an event, in a form that spreadsheets open.

use super::selection::Shown;
use crate::domain::language::Language;
use crate::domain::text::spreadsheet_cell;
use crate::email::words::phrasebook::{Phrase, phrases};
use crate::email::words::{self, names};

phrases! {
    COMPANY = "企业" / "company";
    NUMBER = "证书编号" / "certificate";
    KIND = "资质类别" / "type";
    WHAT = "事项" / "what";
    BY = "期限或状态" / "by when";
    END = "有效期至" / "valid until";
    DETAILS = "说明" / "details";
    ACTION = "要做" / "to do";
}

/// One line an event; spreadsheets know by the mark at its beginning that it is UTF-8.
pub(super) fn write(shown: &[Shown<'_>], language: Language) -> String {
    let mut text = String::from('\u{feff}');
    let columns: [Phrase; 8] = [COMPANY, NUMBER, KIND, WHAT, BY, END, DETAILS, ACTION];
    line(&mut text, &columns.map(|column| column.text(language).to_owned()));
    for shown in shown {
        let facts = shown.event.certificate.as_ref();
        line(
            &mut text,
            &[
                shown.company.clone().unwrap_or_default(),
                shown.number().unwrap_or_default(),
                facts.map(|facts| names::name(&facts.kind)).unwrap_or_default(),
                shown.saying.title.clone(),
                shown.saying.badge.clone(),
                facts.and_then(|facts| facts.valid_until).map(|end| end.to_string()).unwrap_or_default(),
                names::sentences(
                    &[
                        shown.saying.lead.clone(),
                        words::open_ends(shown.event, language, shown.today).unwrap_or_default(),
                        shown.saying.notes.concat(),
                    ],
                    language,
                ),
                shown.saying.action.clone(),
            ],
        );
    }
    text
}

/// A field never begins a formula, whatever the registry says.
fn line(text: &mut String, fields: &[String; 8]) {
    let fields = fields.each_ref().map(|field| spreadsheet_cell(field).replace('"', "\"\""));
    text.extend(["\"", &fields.join("\",\""), "\"\r\n"]);
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_languages_have_the_same_places() {
        crate::email::words::phrasebook::assert_same_places(super::ALL);
    }

    #[test]
    fn a_field_is_never_a_formula() {
        let mut text = String::new();
        let mut fields: [String; 8] = Default::default();
        (fields[0], fields[1], fields[2]) = ("=cmd()".to_owned(), "a\"b".to_owned(), "＝1".to_owned());
        super::line(&mut text, &fields);
        assert_eq!(text, "\"'=cmd()\",\"a\"\"b\",\"'＝1\",\"\",\"\",\"\",\"\",\"\"\r\n");
    }
}
