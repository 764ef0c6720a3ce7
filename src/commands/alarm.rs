//! The operator's own command for what mail may be too broken to tell.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::exit::Refusal;
use crate::clock::within;

/// The most that the command may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Has `sh` run the command, with `text` on its standard input. Nothing of our environment but `PATH` goes with it: that may
/// hold the key.
///
/// # Errors
/// It cannot be started, does not end, or ends badly.
pub(super) async fn raise(command: &str, text: &str) -> anyhow::Result<()> {
    let refusal = |why: String| Refusal::failed(format!("the alarm command {why}"));
    let mut sh = Command::new("/bin/sh");
    sh.arg("-c").arg(command).env_clear().stdin(Stdio::piped()).kill_on_drop(true);
    sh.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
    let mut child = sh.spawn().with_context(|| refusal("cannot be started".to_owned()))?;
    let telling = async {
        if let Some(mut input) = child.stdin.take() {
            // A command that does not read it is as good.
            let _ = input.write_all(format!("{text}\n").as_bytes()).await;
        }
        child.wait().await
    };
    let Ok(ended) = within(LIMIT, telling).await else {
        return Err(refusal("has not ended after a minute".to_owned()).into());
    };
    let ended = ended.with_context(|| refusal("cannot be waited for".to_owned()))?;
    if ended.success() { Ok(()) } else { Err(refusal(format!("failed: {ended}")).into()) }
}
