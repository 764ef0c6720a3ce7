//! `qualwatch validate`: judges the watchlist and changes nothing, like `nginx -t`.

use serde::Serialize;

use crate::config::{ConfigError, Fault, Warning};
use crate::domain::display::displayable;

use super::arguments::{Places, Validate};
use super::ask::{Asked, ask};
use super::context::Context;
use super::exit::Exit;
use super::print::{self, Reader};

/// What `validate --json` prints, and every other command where the watchlist has faults: a contract (design 7).
#[derive(Debug, Serialize)]
pub(super) struct Verdict<'a> {
    ok: bool,
    faults: &'a [Fault],
    warnings: &'a [Warning],
    calls_per_day: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<&'a Asked>,
}

impl<'a> Verdict<'a> {
    /// Of a file that is not used.
    pub fn of_faults(faults: &'a [Fault], warnings: &'a [Warning]) -> Self {
        Self { ok: false, faults, warnings, calls_per_day: None, ask: None }
    }
}

/// What cannot even be judged as one fault, so that a program meets one shape only.
pub(super) fn fault_of_unreadable(error: &anyhow::Error) -> Fault {
    let line = match error.downcast_ref() {
        Some(ConfigError::NotUtf8 { line, .. }) => u32::try_from(*line).unwrap_or(u32::MAX),
        _ => 1,
    };
    let message = displayable(&format!("{error:#}"));
    Fault {
        line,
        column: 1,
        key: String::new(),
        message,
        suggestion: None,
        more: 0,
        span: 0..0,
        beside: None,
    }
}

/// Judges the watchlist; on wish proves key and address by one call.
///
/// # Errors
/// There is no watchlist or it has faults (wrong use); or the call could not be made.
pub(super) async fn validate(places: &Places, arguments: &Validate) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    let warnings = context.all_warnings();
    let need = context.watchlist.calls_per_day(context.now());
    if reader == Reader::Person {
        context.draw_warnings(&warnings);
        print::text(&sentence(&context, need))?;
    }
    let asked = if arguments.ask { Some(ask(&context).await?) } else { None };
    match (reader, &asked) {
        (Reader::Program, _) => print::document(&Verdict {
            ok: true,
            faults: &[],
            warnings: &warnings,
            calls_per_day: Some(need),
            ask: asked.as_ref(),
        })?,
        (Reader::Person, Some(asked)) => print::text(&asked.to_string())?,
        (Reader::Person, None) => {}
    }
    Ok(asked.map_or(Exit::Done, |asked| asked.exit()))
}

fn sentence(context: &Context, need: u64) -> String {
    let counted = |count: u64, one: &str, more: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {more}"),
    };
    let companies = counted(context.watchlist.companies.len() as u64, "company", "companies");
    let calls = counted(need, "call", "calls");
    let budget = match context.watchlist.api.calls_per_day {
        Some(limit) => format!("the budget is {limit}"),
        None => "there is no limit".to_owned(),
    };
    let path = displayable(&context.path.display().to_string());
    format!("{path} is fine: {companies}, at least {calls} a day ({budget})")
}
