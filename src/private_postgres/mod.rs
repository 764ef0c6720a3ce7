//! The private PostgreSQL server: what the operator gets who names no database. It lives in the state directory, listens
//! on a Unix socket only, and runs exactly as long as some qualwatch process uses it.
//!
//! **Who starts, who stops.** Every process that uses the server holds a shared lock on `postgres.users`. Whoever finds no
//! server starts one, and whoever finds one (also one that outlived a kill -9) uses it. The server's parent is a small
//! *keeper* (`qualwatch __postgres`), which waits for the exclusive lock on that file: the kernel grants it when the last
//! user has stopped or died, in whatever way, and then the keeper shuts the server down. A parent-death signal was
//! rejected: it ties the server to the process that happened to start it, so a `check` that ends would take the database
//! from a daemon that has joined it meanwhile. Starting and stopping are serialised by an exclusive lock on
//! `postgres.start`.
//!
//! **Nothing is ever initialised over.** `initdb` works in `postgres.new`, under a marker file of ours, and the finished
//! directory is renamed to `postgres`. A directory that is neither empty nor a cluster is refused. `postmaster.pid` is
//! read, and whether it is stale is PostgreSQL's own judgement; but where no process of the server is alive, it is told which number
//! not to believe, and what it could never read is removed.
//!
//! **A version that is gone.** A cluster is run by the version that made it and no other. Where only a newer one is left, a new cluster is
//! made and filled beside it ([`Succession`]) and renamed into its place; the old one is kept aside.
//!
//! **Accounts.** PostgreSQL refuses to run as root. As root, the owner of an existing cluster runs it, else the owner of the
//! state directory, else the user `qualwatch`, else `postgres`; `nobody` only for what is thrown away. The directories
//! of the server are 0700 of that account; the state directory lets its group pass through, and no more.
//!
//! Imports `crate::clock` only. Deliberately absent: migrations and every table (`store`), downloads of binaries, TCP.

mod account;
mod binaries;
mod cluster;
mod error;
mod keeper;
mod layout;
mod locks;
mod postmaster;
mod server;
mod sockets;
mod succession;

pub use binaries::{can_follow, client_programs};
pub use error::PostgresError;
pub use keeper::run_child_if_asked;
pub use layout::Purpose;
pub use server::{Options, PrivatePostgres, Revival};
pub use succession::Succession;
