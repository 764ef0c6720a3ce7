//! The simulator: from one seed a world, its truth and its faults; the real sweep, store and mailer live through it in
//! simulated time, and an oracle that knows the truth judges.
//!
//! Reading order: [`truth`] and [`fates`] (what is so), [`weather`] (what upstream does to it), [`registry`] (the upstream
//! double), [`course`] (the days), [`oracle`] (what had to be told), [`ledgers`] (what was told), [`judgement`] (the laws).

mod calendar;
mod dice;
mod truth;
mod fates;
mod weather;
mod storms;
mod registry;
mod cuts;
mod course;
mod oracle;
mod ledgers;
mod sometimes;
mod judgement;

use dice::Dice;
use judgement::Judgement;

/// Lives through the world of a seed.
async fn world(seed: u64) -> Judgement {
    let mut dice = Dice::new(seed);
    let companies = match dice.between(0, 19) {
        0..16 => dice.between(5, 8),
        16..19 => dice.between(9, 15),
        _ => dice.between(16, 60),
    };
    let days =
        if companies < 10 && dice.chance(6) { dice.between(700, 1500) } else { dice.between(400, 450) };
    let truth = fates::truth(&mut dice, companies, days);
    let weather = storms::weather(&mut dice, &truth);
    let mut course = Box::pin(course::Course::begin(truth, weather)).await;
    Box::pin(course.run()).await;
    let judgement = judgement::judge(&course).await;
    course.database.drop().await;
    judgement
}

#[tokio::test]
#[ignore = "by hand"]
async fn one_seed() {
    let seed: u64 = std::env::var("QUALWATCH_SEED").map_or(1, |text| text.parse().unwrap());
    let judgement = Box::pin(world(seed)).await;
    println!("seed={seed} {judgement}");
    assert!(judgement.violations.is_empty(), "seed={seed}");
}
