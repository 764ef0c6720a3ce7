//! A database that ends all connections at a named step.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use qualwatch::store::steps::{Step, Steps};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// Ends every connection at the n-th time of a step; the work goes on without them.
pub struct Cuts {
    step: Step,
    left: AtomicUsize,
    options: PgConnectOptions,
}

impl Cuts {
    pub fn new(step: Step, nth: usize, options: PgConnectOptions) -> Self {
        Self { step, left: AtomicUsize::new(nth), options }
    }
}

impl Steps for Cuts {
    fn reached(&self, step: Step) -> BoxFuture<'_, ()> {
        if step != self.step || self.left.fetch_sub(1, Ordering::Relaxed) != 1 {
            return futures_util::future::ready(()).boxed();
        }
        async {
            let mut own = self.options.connect().await.unwrap();
            // Waits for each to be gone, on a loaded machine, too: one that ends later would be cut from whoever has it then.
            let cut = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            sqlx::query(cut).execute(&mut own).await.unwrap();
            own.close().await.unwrap();
        }
        .boxed()
    }
}
