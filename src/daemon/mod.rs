//! The daemon: looks at the rows whenever a bell rings, sends what is owed, reads the file anew when told, and ends politely.
//!
//! Reading order: [`service`] starts and ends the loops, each a small struct with its own state: `sweep_loop` and `mail_loop`, which
//! know each other only by rows and by a bell; `reload`, told by `edits` that the file changed; `bell`, which rings and carries no
//! message; `database_care`, which removes what is old and starts a private server again; `heartbeat`, which looks whether we are
//! well; `board_loop`, which reads `figures` when a monitor asks and shows them on the `board`, in the words of `metrics`. `common` is what they can all reach; `condition` knows which work fails; `direct_mail` tells what the database cannot
//! hold; `silence` gives up work that waits for ever; `systemd` says how it stands.
//!
//! May import every room but `commands`. Deliberately absent: decisions. What is due is a pure function of the clock and
//! the rows (`domain::rhythm`), so a bell that rings twice, late or never does no harm: every loop also looks by itself once a
//! minute.

mod bell;
mod board;
mod condition;
mod database_care;
mod direct_mail;
mod edits;
mod figures;
mod heartbeat;
mod mail_loop;
mod metrics;
mod board_loop;
mod reload;
mod service;
mod common;
mod silence;
mod sweep_loop;
mod systemd;

pub use board::Board;
pub use common::Surroundings;
pub use direct_mail::{DirectMail, Sender};
pub use reload::{Beginning, Rejected, hang_ups};
pub use service::{Daemon, DaemonError};
pub use systemd::say_status;
