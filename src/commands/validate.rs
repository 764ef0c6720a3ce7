//! `qualwatch validate`: judges the watchlist and changes nothing, like `nginx -t`.

use crate::domain::text::displayable;

use super::arguments::{Places, Validate};
use super::ask::ask;
use super::context::Context;
use super::exit::Exit;
use super::print::{self, Reader};
use super::verdict::FileVerdict;

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
        (Reader::Program, _) => {
            print::document(&FileVerdict::of_a_good_file(&warnings, need, asked.as_ref()))?;
        }
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
