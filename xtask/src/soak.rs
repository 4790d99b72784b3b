//! `cargo xtask soak`: the same tests with seeds that nobody has tried yet, for as long as asked.
//!
//! What was run adds up in `testing/soak.json`, which is committed: the figure of a release is what all its
//! soaks together have seen.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use eyre::{Result, WrapErr, bail};

use crate::{dev, shell, statetests};

/// How long and from where.
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
}

/// Random state tests of one round.
const STATETEST_COUNT: u64 = 5_000;
/// Kills of one round.
const KILL_COUNT: u64 = 100;
/// Cases of each property test in one round.
const PROPTEST_CASES: u64 = 20_000;

/// Runs rounds until the time is over or something fails; the failure prints the command that repeats it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .wrap_err("the clock is before 1970")?
        .as_secs();
    let first = options.seed.unwrap_or(clock);
    let end = Instant::now() + Duration::from_secs(60 * options.minutes);
    dev::build_all()?;
    let python = statetests::environment()?;
    let mut seed = first;
    while Instant::now() < end && options.rounds.is_none_or(|rounds| seed - first < rounds) {
        println!(
            "== round with seed {seed}; repeat it with `cargo xtask soak --rounds 1 --seed {seed}`"
        );
        let (tally, content) = statetests::run_seed(&python, seed, STATETEST_COUNT)?;
        add("state tests", tally.passed)?;
        if !content || tally.failed > 0 {
            bail!("state tests of seed {seed}: {tally}");
        }
        shell::run(
            shell::cargo()
                .args([
                    "test",
                    "--package",
                    "capstan",
                    "--test",
                    "process",
                    "kill::",
                    "--",
                    "--nocapture",
                ])
                .env("CAPSTAN_SEED", seed.to_string())
                .env("CAPSTAN_KILLS", KILL_COUNT.to_string()),
        )?;
        add("kills under load", KILL_COUNT)?;
        // proptest takes a fresh seed by itself and writes a failing case beside its test.
        shell::run(
            shell::cargo()
                .args(["test", "--workspace", "--lib", "--bins", "--tests"])
                .env("CAPSTAN_SEED", seed.to_string())
                .env("PROPTEST_CASES", PROPTEST_CASES.to_string()),
        )?;
        add("rounds of the workspace's tests", 1)?;
        seed += 1;
    }
    println!(
        "soaked with {} seeds from {first}; the sums are in testing/soak.json",
        seed - first
    );
    Ok(())
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
