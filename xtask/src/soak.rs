//! `cargo xtask soak`: the same tests with seeds that nobody has tried yet, for as long as asked.
//!
//! What was run adds up in `testing/soak.json`, which is committed: the figure of a release is what all its
//! soaks together have seen.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use eyre::{OptionExt, Result, WrapErr, bail};

use crate::{dev, shell, statetests};

/// How long, from where, and how much of each.
#[derive(Args)]
pub(crate) struct Options {
    /// Minutes to run; the round that has begun is finished
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// First seed; each round takes the next. Default: from the clock
    #[arg(long)]
    seed: Option<u64>,
    /// Rounds at most
    #[arg(long)]
    rounds: Option<u64>,
    /// Random state tests of one round
    #[arg(long, default_value_t = 1_000)]
    statetests: u64,
    /// `kill -9` under load in one round; 1000 before a release
    #[arg(long, default_value_t = 20)]
    kills: u64,
    /// Seconds for each fuzz target in one round
    #[arg(long, default_value_t = 5)]
    fuzz_seconds: u64,
    /// Cases of each property test in one round
    #[arg(long, default_value_t = 1_000)]
    cases: u64,
    /// Steps of accounts, and of each room below them, beside their models in one round
    #[arg(long, default_value_t = 50_000)]
    steps: u64,
    /// Random blocks over each of two grounds that run under seeded schedules in one round
    #[arg(long, default_value_t = 60)]
    blocks: u64,
    /// Schedules of each of those blocks
    #[arg(long, default_value_t = 200)]
    schedules: u64,
    /// Orders of threads that the model checker tries of each of ten scenes of the window in one round
    #[arg(long, default_value_t = 20_000)]
    orders: u64,
    /// Broken requests to the front door in one round
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
}

/// Rooms below accounts that have a model: the other rows of the table in `testkit/steps.rs` of the contracts.
const ROOMS_BELOW: u64 = 10;

/// Grounds that blocks under seeded schedules stand on (`crates/evm/tests/it/parallel.rs`).
const GROUNDS: u64 = 2;
/// Scenes that the model checker tries (`crates/window/src/tests.rs`).
const SCENES: u64 = 10;

/// Runs rounds until the time is over or something fails; the failure prints the command that repeats it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .wrap_err("the clock is before 1970")?
        .as_secs();
    let first = options.seed.unwrap_or(clock);
    let end = Instant::now() + Duration::from_secs(60 * options.minutes);
    dev::build_tested()?;
    let python = statetests::environment()?;
    let mut seed = first;
    while Instant::now() < end && options.rounds.is_none_or(|rounds| seed - first < rounds) {
        println!(
            "== round with seed {seed}; repeat it with `cargo xtask soak --rounds 1 --seed {seed}` and the same numbers"
        );
        round(options, seed, &python)?;
        seed += 1;
    }
    println!(
        "soaked with {} seeds from {first}; the sums are in testing/soak.json",
        seed - first
    );
    Ok(())
}

/// Each part adds to the sums when it has passed.
fn round(options: &Options, seed: u64, python: &Path) -> Result<()> {
    if options.statetests > 0 {
        let report = statetests::run_seed(python, seed, options.statetests)?;
        let tally = report.tally;
        if !report.content || tally.failed > 0 {
            bail!("state tests of seed {seed}: {tally}");
        }
        add("state tests", tally.passed)?;
    }
    if options.fuzz_seconds > 0 {
        let watched = shell::watch(
            shell::program(shell::target_dir()?.join("debug/capstan-fuzz"))
                .args(["--seed", &seed.to_string()])
                .args(["--seconds", &options.fuzz_seconds.to_string()]),
        )?;
        if !watched.success {
            bail!("a fuzz target of seed {seed} broke a promise; what to run is above");
        }
        add("fuzz inputs", inputs(&watched.lines)?)?;
    }
    if options.kills > 0 {
        shell::run(
            shell::cargo()
                .args(["test", "--workspace", "--test", "process", "kill::"])
                .env("CAPSTAN_SEED", seed.to_string())
                .env("CAPSTAN_KILLS", options.kills.to_string()),
        )?;
        add("kills under load", options.kills)?;
    }
    // Settings of the tests themselves, which print how they are repeated.
    let settings = [
        ("CAPSTAN_SEED", seed),
        ("CAPSTAN_CASES", options.requests),
        ("CAPSTAN_STEPS", options.steps),
        ("CAPSTAN_BLOCKS", options.blocks),
        ("CAPSTAN_SCHEDULES", options.schedules),
        ("CAPSTAN_ORDERS", options.orders),
        ("PROPTEST_CASES", options.cases),
    ];
    // proptest takes a fresh seed by itself and writes a failing case beside its test.
    shell::run(
        shell::cargo()
            .args(["test", "--workspace", "--lib", "--bins", "--tests"])
            .envs(settings.map(|(name, value)| (name, value.to_string()))),
    )?;
    add("broken requests", options.requests)?;
    add("steps of accounts beside their model", options.steps)?;
    add(
        "steps of rooms below beside their models",
        options.steps * ROOMS_BELOW,
    )?;
    add(
        "blocks under a seeded schedule",
        GROUNDS * options.blocks * options.schedules,
    )?;
    add("orders of threads of the window", SCENES * options.orders)?;
    add("rounds of the workspace's tests", 1)
}

/// The count in the closing line of `capstan-fuzz`.
fn inputs(lines: &[String]) -> Result<u64> {
    let counts = lines
        .iter()
        .rev()
        .filter_map(|line| line.strip_suffix(" inputs"));
    let mut counts = counts.filter_map(|count| count.parse().ok());
    counts
        .next()
        .ok_or_eyre("capstan-fuzz did not say how many inputs it tried")
}

/// Adds to the committed sums.
fn add(what: &str, count: u64) -> Result<()> {
    let path = shell::root().join("testing/soak.json");
    let mut sums: BTreeMap<String, u64> = match fs::read_to_string(&path) {
        Ok(text) => {
            serde_json::from_str(&text).wrap_err("testing/soak.json is not a table of counts")?
        }
        Err(_) => BTreeMap::new(),
    };
    *sums.entry(what.to_owned()).or_default() += count;
    fs::write(&path, serde_json::to_string_pretty(&sums)? + "\n")
        .wrap_err("cannot write testing/soak.json")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_model_of_credit_is_counted() {
        let path = crate::shell::root().join("crates/contracts/src/testkit/steps.rs");
        let table = std::fs::read_to_string(path).expect("the table");
        let rows = table.matches("::tests::model\", ").count();
        assert_eq!(u64::try_from(rows), Ok(super::ROOMS_BELOW + 1));
    }

    #[test]
    fn the_closing_line_of_the_fuzzer_counts() {
        let lines = ["abi  12 inputs of", "513 inputs"].map(str::to_owned);
        assert_eq!(super::inputs(&lines).expect("a count"), 513);
        assert!(super::inputs(&[]).is_err());
    }
}
