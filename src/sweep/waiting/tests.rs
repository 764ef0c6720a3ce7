use std::path::Path;

use futures_util::FutureExt as _;

use super::*;
use crate::config::{self, Watchlist};
use crate::store::asking::budget::Cause;

fn watchlist(companies: usize) -> Watchlist {
    use std::fmt::Write as _;
    let mut text = String::from(
        "[email]\nmaildir = \"mail\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]\noperators = [\"c@example.com\"]\n",
    );
    for number in 0..companies {
        writeln!(text, "[[company]]\nkeyword = \"{number}\"").unwrap();
    }
    config::parse(&text, Path::new("/nowhere/watchlist.toml")).unwrap().0
}

fn planned(watchlist: &Watchlist) -> Vec<Planned<'_>> {
    let company = |(place, entry)| Planned {
        id: None,
        entry,
        cause: Cause::Check,
        last_asked_at: None,
        order: (true, None, place),
    };
    watchlist.companies.iter().enumerate().map(company).collect()
}

fn begin_all(taken: &mut Taken<'_, '_>) -> Vec<String> {
    std::iter::from_fn(|| taken.begin()).map(|company| company.entry.keyword.as_str().to_owned()).collect()
}

#[test]
fn batches_shrink_towards_the_end_and_keep_the_order() {
    let watchlist = watchlist(40);
    let waiting = Waiting::new(planned(&watchlist), 2);
    let (mut sizes, mut order) = (Vec::new(), Vec::new());
    while let Some(mut taken) = waiting.next().now_or_never().unwrap() {
        let begun = begin_all(&mut taken);
        sizes.push(begun.len());
        order.extend(begun);
    }
    assert_eq!(sizes, [8, 8, 6, 5, 4, 3, 2, 1, 1, 1, 1]);
    assert_eq!(order, (0..40).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_a_worker_does_not_begin_with_goes_back_to_the_head() {
    let watchlist = watchlist(12);
    let waiting = Waiting::new(planned(&watchlist), 2);
    let mut taken = waiting.next().now_or_never().unwrap().unwrap();
    assert_eq!(taken.begin().unwrap().entry.keyword.as_str(), "0");
    drop(taken);
    let mut all = Vec::new();
    while let Some(mut taken) = waiting.next().now_or_never().unwrap() {
        all.extend(begin_all(&mut taken));
    }
    assert_eq!(all, (1..12).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_worker_without_work_waits_while_others_may_give_some_back() {
    let watchlist = watchlist(3);
    let waiting = Waiting::new(planned(&watchlist), 1);
    let mut taken = waiting.next().await.unwrap();
    taken.begin().unwrap();
    assert_eq!(begin_all(&mut waiting.next().await.unwrap()), ["2"]);
    let mut idle = Box::pin(waiting.next());
    assert!(idle.as_mut().now_or_never().is_none(), "one is still in a hand");
    drop(taken);
    assert_eq!(begin_all(&mut idle.await.unwrap()), ["1"]);
    assert!(waiting.next().await.is_none(), "everybody had their turn");
}
