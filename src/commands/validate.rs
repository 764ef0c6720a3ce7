//! `qualwatch validate`: judges the watchlist and changes nothing, like `nginx -t`.

use crate::config::{self, EditEffect, Watchlist};
use crate::domain::certificates::{self, Owner};
use crate::domain::health::counted;
use crate::domain::text::displayable;
use crate::store::reports::snapshots;

use super::arguments::{Places, Validate};
use super::context::Context;
use super::database::OpenDatabase;
use super::exit::Exit;
use super::outlook::{CompanyToLeave, Outlook};
use super::paragraph::paragraphs;
use super::print::{self, Reader};
use super::trial_call::ask;
use super::verdict::FileVerdict;

/// Judges the watchlist; on wish proves key and address by one call.
///
/// # Errors
/// There is no watchlist or it has faults (wrong use); or the call could not be made.
pub(super) async fn validate(places: &Places, arguments: &Validate) -> anyhow::Result<Exit> {
    let reader = arguments.output.reader();
    let context = Context::load(places, reader)?;
    if arguments.quiet {
        return Ok(Exit::Done);
    }
    let warnings = context.all_warnings();
    let need = context.watchlist.calls_per_day(context.now());
    let effect = outlook(&context, need).await;
    if reader == Reader::Person {
        context.draw_warnings(&warnings);
        print::text(&paragraphs(&sentence(&context, need)))?;
        if let Some(effect) = &effect {
            print::text(&paragraphs(&effect.to_string()))?;
        }
    }
    let asked = if arguments.ask { Some(ask(&context).await?) } else { None };
    match (reader, &asked) {
        (Reader::Program, _) => {
            let verdict = FileVerdict::of_a_good_file(&warnings, need, asked.as_ref());
            print::document(&verdict.with_effect(effect.as_ref()))?;
        }
        (Reader::Person, Some(asked)) => print::text(&asked.to_string())?,
        (Reader::Person, None) => {}
    }
    Ok(asked.map_or(Exit::Done, |asked| asked.exit()))
}

fn sentence(context: &Context, need: u64) -> String {
    let companies = counted(context.watchlist.companies.len() as u64, "company", "companies");
    let calls = counted(need, "call", "calls");
    let budget = match context.watchlist.api.calls_per_day {
        Some(limit) => format!("the budget is {limit}"),
        None => "there is no limit".to_owned(),
    };
    let path = displayable(&context.path.display().to_string());
    format!("{path} is fine: {companies}, at least {calls} a day ({budget})")
}

/// What the file changes beside the copy that was accepted last; `None` where there is none, or nothing changes. Deadlines are read
/// only where companies leave: without a database they are left out.
async fn outlook(context: &Context, calls_per_day: u64) -> Option<Outlook> {
    let accepted = config::accepted(&context.state_dir).filter(|accepted| *accepted != context.text)?;
    let (old, _) = config::parse(&accepted, &context.path).ok()?;
    let EditEffect { left, joined, readers_gained, readers_lost } = EditEffect::of(&old, &context.watchlist);
    let calls_per_day_before = old.calls_per_day(context.now());
    let mut left: Vec<CompanyToLeave> = left
        .into_iter()
        .map(|named| CompanyToLeave { named, next_deadline: None, certificate_num: None })
        .collect();
    if !left.is_empty()
        && let Err(error) = add_deadlines(context, &old, &mut left).await
    {
        tracing::debug!("the deadlines of who leaves are not known: {error:#}");
    }
    left.sort_by_key(|leaving| (leaving.next_deadline.is_none(), leaving.next_deadline));
    let outlook = Outlook { left, joined, readers_gained, readers_lost, calls_per_day_before, calls_per_day };
    (!outlook.is_none()).then_some(outlook)
}

async fn add_deadlines(
    context: &Context,
    old: &Watchlist,
    left: &mut [CompanyToLeave],
) -> anyhow::Result<()> {
    let Ok(database) = OpenDatabase::open_if_there(context).await? else { return Ok(()) };
    let done = read_deadlines(context, &database, old, left).await;
    database.closed_after(done).await
}

async fn read_deadlines(
    context: &Context,
    database: &OpenDatabase,
    old: &Watchlist,
    left: &mut [CompanyToLeave],
) -> anyhow::Result<()> {
    let pool = database.store.pool();
    for batch in left.chunks_mut(snapshots::BATCH_ESTABLISHED_MAX) {
        let keywords: Vec<_> = batch.iter().map(|leaving| &leaving.named.company).collect();
        let ids = snapshots::ids_named(pool, &keywords).await?;
        for company in snapshots::established(pool, &ids, |_| true).await? {
            let owner = Owner {
                keyword: &company.keyword,
                name: &company.name,
                last_verified_at: company.last_verified_at,
                expiring_from_days: old.expiring_from_days(None),
            };
            let held = certificates::certificates(&company.snapshot, owner, context.today());
            let next = certificates::next_deadline(&held, context.today());
            let leaving = batch.iter_mut().find(|leaving| leaving.named.company == company.keyword);
            if let (Some(leaving), Some((day, certificate))) = (leaving, next) {
                leaving.next_deadline = Some(day);
                leaving.certificate_num = Some(certificate.certificate_num.clone());
            }
        }
    }
    Ok(())
}
