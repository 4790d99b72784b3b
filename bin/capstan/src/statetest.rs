//! `capstan statetest`: official Ethereum tests through our own execution.

use capstan_evm::statetest;
use eyre::{Result, WrapErr, bail};

use crate::{args::StatetestOptions, progress::Progress};

/// Runs the tests, prints failures by name, and closes with one line that counts.
pub(crate) fn run(options: &StatetestOptions) -> Result<()> {
    for path in &options.paths {
        if !path.exists() {
            bail!(
                "{} does not exist: name fixture files, or folders that hold them",
                path.display()
            );
        }
    }
    let progress = std::sync::OnceLock::new();
    let report = |now: statetest::Progress| {
        let total = u64::try_from(now.files).unwrap_or(u64::MAX);
        let bar = progress.get_or_init(|| Progress::new("fixture files run", total));
        bar.at(u64::try_from(now.files_done).unwrap_or(u64::MAX));
    };
    let summary =
        statetest::run_paths(&options.paths, &report).wrap_err("the fixtures cannot be read")?;
    if let Some(bar) = progress.into_inner() {
        let total = bar.total();
        bar.finish(total);
    }
    for failure in &summary.failed {
        println!("FAILED {}: {}", failure.name, failure.why);
    }
    let failed = summary.failed.len();
    println!(
        "{} passed, {failed} failed, {} skipped",
        summary.passed, summary.skipped
    );
    if failed > 0 {
        bail!("{failed} state tests failed; their names are above");
    }
    if summary.passed == 0 {
        bail!(
            "no state test was run: are these GeneralStateTests of a fork that this program knows?"
        );
    }
    Ok(())
}
