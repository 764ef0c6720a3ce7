//! A database that ends all connections at a named step.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use qualwatch::store::steps::{Step, Steps};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio_util::task::TaskTracker;

/// Ends every connection at the n-th time of a step; the work goes on without them.
pub struct Cuts {
    step: Step,
    left: AtomicUsize,
    options: PgConnectOptions,
    cutting: TaskTracker,
}

impl Cuts {
    pub fn new(step: Step, nth: usize, options: PgConnectOptions) -> Self {
        Self { step, left: AtomicUsize::new(nth), options, cutting: TaskTracker::new() }
    }

    /// Waits until each is gone. A sweep that loses its connections may end before, and one that is cut later would be cut from
    /// whoever has it then.
    pub async fn are_over(self) {
        self.cutting.close();
        self.cutting.wait().await;
    }
}

/// Waits for each to be gone, on a loaded machine, too.
async fn cut(options: PgConnectOptions) {
    let mut own = options.connect().await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&mut own).await.unwrap();
    own.close().await.unwrap();
}

impl Steps for Cuts {
    fn reached(&self, step: Step) -> BoxFuture<'_, ()> {
        if step != self.step || self.left.fetch_sub(1, Ordering::Relaxed) != 1 {
            return futures_util::future::ready(()).boxed();
        }
        let cutting = self.cutting.spawn(cut(self.options.clone()));
        async { cutting.await.unwrap() }.boxed()
    }
}
