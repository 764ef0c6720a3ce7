//! The HTML part: tables and inline styles only, because webmail drops `<style>` and Outlook lays out with Word's engine
//! (domain.md 7). No element, attribute or address ever comes from what the registry says; nothing is fetched.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use minijinja::value::Serde;

use super::page::Page;

const TEMPLATE: &str = include_str!("../templates/digest.html");

/// Writes the HTML part of a page. A fault in the template must not keep anybody from being told: then the text part
/// stands there as it is.
pub(super) fn write(page: &Page, text: &str) -> String {
    render(page).unwrap_or_else(|error| {
        tracing::error!(%error, "the HTML part could not be written from its template; the text stands in for it");
        format!("<!DOCTYPE html><html><body><pre>{}</pre></body></html>", escaped(text))
    })
}

/// Strict: a name that the page does not have is an error, so that a test finds it.
pub(super) fn render(page: &Page) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("digest.html", TEMPLATE)?;
    environment.get_template("digest.html")?.render(context! { page => Serde(page) })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
