//! `qualwatch run`: the daemon.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::{is_set, pause};
use crate::daemon::{Beginning, Board, Daemon, DirectMail, Sender, Surroundings, hang_ups, say_status};
use crate::http::listener;
use crate::store::steps::Steps;

use super::arguments::Places;
use super::backup;
use super::context::{Context, sandbox_clock, state_dir_of};
use super::exit::Exit;
use super::print::Reader;
use super::restarts::Restarts;
use super::signals::cancelled_by_signals;
use super::succession::open_or_make;

const LOOK_AT_THE_CLOCK_EVERY: Duration = Duration::from_secs(1);

/// Runs until Ctrl-C or SIGTERM. With a faulty file it runs by the copy that was accepted last, and says so.
///
/// # Errors
/// There was never a good file, or the database cannot be used.
pub(super) async fn run(places: &Places, steps: &dyn Steps) -> anyhow::Result<Exit> {
    let ending = CancellationToken::new();
    let _signals = cancelled_by_signals(&ending)?;
    // The daemon's first look finds what was edited before it listened itself.
    let _until_then = hang_ups().context("waiting for SIGHUP")?;
    let environment = places.environment();
    let restarts = Restarts::count(&state_dir_of(places)?, &environment);
    let clock = sandbox_clock(&environment)?;
    if unless_ended(&ending, restarts.wait(clock.as_ref())).await.is_none() {
        restarts.forget();
        return Ok(Exit::Done);
    }
    let lived = serve(places, steps, ending, &restarts).await;
    if lived.is_ok() {
        restarts.forget();
    }
    lived
}

async fn serve(
    places: &Places,
    steps: &dyn Steps,
    ending: CancellationToken,
    restarts: &Restarts,
) -> anyhow::Result<Exit> {
    let given = listener::given_by_manager();
    let in_force = Context::load_in_force(places, Reader::Person)?;
    in_force.draw_faults();
    let found = in_force.found().map(str::to_owned);
    let context = in_force.context;
    for warning in context.all_warnings() {
        tracing::warn!(line = warning.line, key = warning.key, "{}", warning.message);
    }
    let board = Board::new(Arc::clone(&context.clock), &context.watchlist);
    // A task of its own: it is answered from the beginning, and whatever a monitor does is no business of ours.
    let listening = tokio::spawn(listener::listen(given, board.http(), board.router()));
    let _listening = AbortOnDropHandle::new(listening);
    if unless_ended(&ending, until_the_clock_is_set(&context)).await.is_none() {
        tracing::info!("ended before the clock was set");
        return Ok(Exit::Done);
    }
    say_status("opening the database");
    let Some(opened) = unless_ended(&ending, open_or_make(&context)).await else {
        tracing::info!("ended before the database was open");
        return Ok(Exit::Done);
    };
    let database = match opened {
        Ok(database) => database.obeying(&context),
        Err(error) => {
            tell_directly(&context, &error).await;
            return Err(error);
        }
    };
    let Context { watchlist, path, text, rejected, state_dir, environment, clock, .. } = context;
    let lasting = Arc::clone(&clock);
    let surroundings = Surroundings {
        store: &database.store,
        private: database.private(),
        clock,
        environment,
        path,
        state_dir: state_dir.clone(),
        ending,
    };
    let daemon = Daemon::new(surroundings, watchlist).seen_on(board).in_steps(steps);
    // Its loops make a large future, which lives as long as the process.
    let lived = tokio::select! {
        lived = Box::pin(daemon.live(Beginning { accepted: &text, found, rejected })) => lived,
        () = restarts.forget_after_a_good_run(lasting.as_ref()) => Ok(()),
    };
    drop(daemon);
    if lived.is_ok() && database.private().is_some() {
        let kept = backup::keep_at_stop(&database, &state_dir, lasting.now()).await;
        if let Err(error) = kept {
            tracing::info!(error = error.to_string(), "no backup was kept at this stop");
        }
    }
    database.closed_after(lived.map_err(Into::into)).await?;
    Ok(Exit::Done)
}

/// A machine without a battery begins in 1970. Asked, judged or told by that clock, everything would be wrong for ever.
async fn until_the_clock_is_set(context: &Context) {
    let now = context.now();
    if is_set(now) {
        return;
    }
    tracing::error!(%now, "the clock of this machine is not set: nothing is asked, judged or told until it is");
    while !is_set(context.now()) {
        // Without this systemd would end a start that takes so long.
        let status = NotifyState::Status("waiting for the clock of this machine to be set");
        let _ = sd_notify::notify(&[status, NotifyState::ExtendTimeoutUsec(60_000_000)]);
        pause(LOOK_AT_THE_CLOCK_EVERY).await;
    }
    tracing::info!(now = %context.now(), "the clock is set");
}

/// A database may take minutes to open, after a crash or when nobody answers: whoever ends us meanwhile does not wait for it.
/// What is cut off is as after a crash.
async fn unless_ended<T>(ending: &CancellationToken, opening: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        opened = Box::pin(opening) => Some(opened),
        () = ending.cancelled() => None,
    }
}

/// A daemon that cannot open its database is restarted again and again: its operators hear once.
async fn tell_directly(context: &Context, error: &anyhow::Error) {
    let sender = Sender {
        watchlist: &context.watchlist,
        environment: &context.environment,
        clock: context.clock.as_ref(),
    };
    let mut direct_mail = DirectMail::remembered_in(&context.state_dir);
    direct_mail.database_failed(&sender, None, error.as_ref()).await;
}
