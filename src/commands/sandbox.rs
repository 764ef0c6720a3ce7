//! `qualwatch sandbox`: an imitation of the provider's API on loopback.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Environment;
use crate::domain::text::displayable;
use crate::sandbox::{Sandbox, Scenario};

use super::arguments::SandboxArguments;
use super::context::sandbox_clock;
use super::exit::{Exit, Refusal};
use super::print;

/// The most keywords that are named.
const KEYWORDS_MAX: usize = 20;

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// The scenario makes no sense (wrong use), or the address cannot be listened on.
pub(super) async fn sandbox(arguments: &SandboxArguments) -> anyhow::Result<Exit> {
    let clock = sandbox_clock(&Environment::of_this_process())?;
    let scenario = match &arguments.scenario {
        None => Scenario::default_scenario(),
        Some(path) => {
            let refused = || Refusal::wrong_use(format!("the scenario {} cannot be used", path.display()));
            let text = std::fs::read_to_string(path).with_context(refused)?;
            Scenario::parse(&text).with_context(refused)?
        }
    };
    let keywords: Vec<String> = scenario.keywords().map(displayable).collect();
    // Both are asked for before anybody is told that we are ready.
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let sandbox = Sandbox::start(scenario, arguments.listen, clock).await?;
    print::text(&greeting(&sandbox.url(), &keywords))?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    print::complaint(&format!("{} requests were answered", sandbox.requests()));
    sandbox.stop().await;
    Ok(Exit::Done)
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
