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
    let progress = Progress::new("state tests run");
    let count = |files: usize| u64::try_from(files).unwrap_or(u64::MAX);
    let report = |now: statetest::Progress| progress.at(count(now.files_done), count(now.files));
    let summary =
        statetest::run_paths(&options.paths, &report).wrap_err("the fixtures cannot be read")?;
    progress.finish(count(
        summary.passed + summary.failed.len() + summary.skipped,
    ));
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
