//! The daemon: looks at the rows whenever a bell rings, sends what is owed, reads the file anew when told, and ends politely.
//!
//! Reading order: [`service`] is the whole life on one page; `bell` rings (and carries no message); `sweeping` and
//! `mailing` are the two loops, which know each other only by rows and by a bell; `edits` hears that the file changed, `reload`
//! takes it into force; `condition` knows which work fails; `heartbeat` tells a dead man's switch; `forgetting` removes what is old once a day;
//! `direct_mail` tells what the database cannot hold; `reviving` starts a private server again; `silence` gives up work that
//! waits for ever; `systemd` says how it stands.
//!
//! May import every room but `commands`. Deliberately absent: decisions. What is due is a pure function of the clock and
//! the rows (`domain::rhythm`), so a bell that rings twice, late or never does no harm: every loop also looks by itself once a
//! minute.

mod bell;
mod condition;
mod direct_mail;
mod edits;
mod forgetting;
mod heartbeat;
mod mailing;
mod reload;
mod reviving;
mod service;
mod silence;
mod sweeping;
mod systemd;

pub use direct_mail::{DirectMail, remembered_failure};
pub use reload::hang_ups;
pub use service::{Beginning, Daemon, DaemonError, Rejected, Surroundings};
