//! `qualwatch sandbox`: an imitation of the provider's API on loopback.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use chrono_tz::Asia::Shanghai;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, QuickClock};
use crate::config::{self, Environment};
use crate::domain::text::displayable;
use crate::domain::wall_clock::hour_of_day;
use crate::sandbox::{OwnCompany, Sandbox, Scenario};

use super::arguments::SandboxArguments;
use super::context::{refuse, sandbox_clock};
use super::exit::{Exit, Refusal};
use super::print::{self, Reader};
use super::signals::cancelled_by_signals;

/// The most keywords that are named.
const KEYWORDS_MAX: usize = 20;

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// The scenario or the watchlist makes no sense (wrong use), or the address cannot be listened on.
pub(super) async fn sandbox(arguments: &SandboxArguments) -> anyhow::Result<Exit> {
    let mut clock = sandbox_clock(&Environment::of_this_process())?;
    if let Some(day_every) = arguments.day_every {
        clock = Arc::new(QuickClock::new(clock.now(), day_every));
    }
    let scenario = match (&arguments.scenario, &arguments.list) {
        (Some(path), _) => {
            let refused = || Refusal::wrong_use(format!("the scenario {} cannot be used", path.display()));
            let text = std::fs::read_to_string(path).with_context(refused)?;
            Scenario::parse(&text).with_context(refused)?
        }
        (None, Some(path)) => {
            let today = clock.now().with_timezone(&Shanghai).date_naive();
            Scenario::of_list(&companies_of(path)?, today)
        }
        (None, None) => Scenario::default_scenario(),
    };
    let keywords: Vec<String> = scenario.keywords().map(displayable).collect();
    // Listened for before anybody is told that we are ready.
    let ending = CancellationToken::new();
    let _signals = cancelled_by_signals(&ending)?;
    let sandbox = Sandbox::start(scenario, arguments.listen, Arc::clone(&clock)).await?;
    print::text(&greeting(&sandbox.url(), &keywords))?;
    tokio::select! {
        () = ending.cancelled() => {}
        told = tell_days(clock.as_ref()), if arguments.day_every.is_some() => told?,
    }
    print::complaint(&format!("{} requests were answered", sandbox.requests()));
    sandbox.stop().await;
    Ok(Exit::Done)
}

fn companies_of(path: &Path) -> anyhow::Result<Vec<OwnCompany>> {
    let text = config::read_text(path)?;
    let judgement = config::judge(&text, path);
    let Some(watchlist) = judgement.watchlist else {
        return Err(refuse(path, &text, &judgement, Reader::Person, &Environment::of_this_process()));
    };
    let companies = watchlist.companies.into_iter().map(|company| OwnCompany {
        keyword: company.keyword.as_str().to_owned(),
        id: company.id.map(String::from),
    });
    Ok(companies.collect())
}

/// Says each day of the clock when it begins, in the words that give a command the same day. Ends only where it cannot be said.
async fn tell_days(clock: &dyn Clock) -> anyhow::Result<()> {
    loop {
        let day = clock.now().with_timezone(&Shanghai).date_naive();
        print::text(&format!("{day}: QUALWATCH_NOW={day}T08:00:00+08:00 qualwatch check"))?;
        let Some(next) = day.succ_opt().and_then(|next| hour_of_day(Shanghai, next, 0)) else {
            return Ok(());
        };
        clock.sleep_until(next).await;
    }
}

fn greeting(url: &str, keywords: &[String]) -> String {
    let mut lines = vec![
        format!("[api].url = \"{url}\""),
        "Any API key is taken, unless the scenario names some. Ctrl-C ends it. Keywords to try:".to_owned(),
    ];
    lines.extend(keywords.iter().take(KEYWORDS_MAX).map(|keyword| format!("  {keyword}")));
    if let Some(left_out) = keywords.len().checked_sub(KEYWORDS_MAX).filter(|left_out| *left_out > 0) {
        lines.push(format!("  and {left_out} more"));
    }
    lines.join("\n")
}
