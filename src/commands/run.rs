//! `qualwatch run`: the daemon.

use tokio_util::sync::CancellationToken;

use crate::daemon::{Daemon, DirectMail, Rejected, Surroundings};
use crate::domain::display::displayable;
use crate::store::steps::Steps;

use super::arguments::Places;
use super::context::{Context, Origin};
use super::database::Database;
use super::ending::cancelled_by_signals;
use super::exit::Exit;

/// Runs until Ctrl-C or SIGTERM. With a faulty file it runs by the copy that was accepted last, and says so.
///
/// # Errors
/// There was never a good file, or the database cannot be used.
pub(super) async fn run(places: &Places, steps: &dyn Steps) -> anyhow::Result<Exit> {
    let (context, origin) = Context::load_or_accepted(places)?;
    for warning in context.all_warnings() {
        tracing::warn!(line = warning.line, key = warning.key, "{}", warning.message);
    }
    let rejected = match origin {
        Origin::File => None,
        Origin::AcceptedCopy { unreadable: Some(error), .. } => {
            let reason = displayable(&format!("{:#}", anyhow::Error::from(error)));
            Some(Rejected { reason, line: None })
        }
        Origin::AcceptedCopy { faults, unreadable: None } => Some(Rejected::of(&faults)),
    };
    let database = match Database::open_or_make(&context).await {
        Ok(database) => database.obeying(&context),
        Err(error) => {
            tell_directly(&context, &error).await;
            return Err(error);
        }
    };
    let Context { watchlist, path, text, state_dir, environment, clock, .. } = context;
    let ending = CancellationToken::new();
    let _signals = cancelled_by_signals(&ending)?;
    let surroundings = Surroundings {
        store: &database.store,
        private: database.private(),
        clock,
        environment,
        path,
        state_dir,
        ending,
    };
    let daemon = Daemon::new(surroundings, watchlist).in_steps(steps);
    // Its loops make a large future, which lives as long as the process.
    let lived = Box::pin(daemon.live(&text, rejected)).await;
    drop(daemon);
    database.close().await?;
    lived?;
    Ok(Exit::Done)
}

/// A daemon that cannot open its database is restarted again and again: its operators hear once.
async fn tell_directly(context: &Context, error: &anyhow::Error) {
    let direct_mail = DirectMail {
        watchlist: &context.watchlist,
        environment: &context.environment,
        clock: context.clock.as_ref(),
        state_dir: &context.state_dir,
    };
    direct_mail.database_failed(&format!("{error:#}")).await;
}
