//! How many steps each model takes: the table of CI, and what `CAPSTAN_STEPS` asks for instead.
//!
//! A step is one random verb, batch, price, look or moment, of which the model predicts the whole outcome. Those of
//! accounts are the dearest by far, since each rests on all rooms below; so the rooms below take most steps by themselves.

use super::dice::Dice;

/// Steps of each model in CI.
pub(crate) const CI: [(&str, u32); 11] = [
    ("account::tests::model", 20_000),
    ("backstop::tests::model", 120_000),
    ("dollar::tests::model", 20_000),
    ("income::tests::model", 10_000),
    ("jobs::tests::model", 10_000),
    ("ledger::tests::model", 330_000),
    ("lending::tests::model", 180_000),
    ("machines::tests::model", 40_000),
    ("oracle::tests::model", 20_000),
    ("streams::tests::model", 270_000),
    ("term::tests::model", 40_000),
];

/// What the models of credit take together, at least.
pub(crate) const CI_SUM: u32 = 1_000_000;

/// Steps of every model, where somebody asks for a number of his own.
#[allow(
    clippy::disallowed_methods,
    reason = "how long a run is, is asked by its variable"
)]
pub(crate) fn asked() -> Option<u32> {
    let asked = std::env::var("CAPSTAN_STEPS").ok();
    asked.and_then(|steps| steps.parse().ok())
}

/// The stream of choices of a model, and how many steps it takes; prints both.
pub(crate) fn begin(model: &str) -> (Dice, u32) {
    let row = CI.iter().find(|(name, _)| *name == model);
    let (_, own) = row.unwrap_or_else(|| panic!("{model} is not in the table"));
    let steps = asked().unwrap_or(*own);
    let dice = Dice::new(model);
    println!("steps of {model}: {steps}");
    (dice, steps)
}

/// Plays so many steps, each world anew: a world in which everything has happened is a dull one.
pub(crate) fn in_plays(steps: u32, each: u32, mut play: impl FnMut(u32)) {
    let mut left = steps;
    while left > 0 {
        let now = left.min(each);
        play(now);
        left -= now;
    }
}

/// Whether a run is long enough to have met everything that it may meet.
pub(crate) fn is_whole(model: &str, steps: u32) -> bool {
    CI.iter().any(|(name, own)| *name == model && steps >= *own)
}

#[test]
fn the_models_of_credit_take_a_million_steps() {
    for (model, steps) in CI {
        println!("{steps:>9} {model}");
    }
    let sum: u32 = CI.iter().map(|(_, steps)| steps).sum();
    println!("{sum:>9} together");
    assert!(sum >= CI_SUM);
}
