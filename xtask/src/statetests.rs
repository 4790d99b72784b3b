//! Random state tests: filled by the Python execution specification, run by `capstan statetest`.

use std::path::{Path, PathBuf};

use eyre::{Result, bail};

use crate::{dev, python, shell, tally::Report, test::Outcome};

/// Cases of one CI run; about 15 ms each to fill.
const CASE_COUNT: u64 = 1_000;
/// The seed of CI. Others are for soak.
const SEED: u64 = 1;

/// CI's part.
pub(crate) fn run() -> Result<Outcome> {
    let python = match environment() {
        Ok(python) => python,
        Err(error) => return Ok(Outcome::Skip(format!("{error:#}"))),
    };
    Ok(Outcome::Ran(run_seed(&python, SEED, CASE_COUNT)?))
}

/// Fills `count` cases from `seed` and runs them.
pub(crate) fn run_seed(python: &Path, seed: u64, count: u64) -> Result<Report> {
    let out = shell::target_dir()?.join(format!("statetests/{seed}"));
    shell::run(
        shell::program(python)
            .arg(folder().join("generate.py"))
            .arg("--out")
            .arg(&out)
            .args(["--seed", &seed.to_string(), "--count", &count.to_string()]),
    )?;
    let binary = dev::build_tested()?;
    let watched = shell::watch(shell::program(binary).arg("statetest").arg(&out))?;
    let report = Report::of(&watched);
    let tally = report.tally;
    if tally.run_count() + tally.skipped != count {
        bail!("{count} cases were filled, but `capstan statetest` counted {tally}");
    }
    Ok(report)
}

fn folder() -> PathBuf {
    shell::root().join("testing/statetests")
}

/// The Python that has the packages of requirements.txt.
pub(crate) fn environment() -> Result<PathBuf> {
    python::environment(&folder(), "statetests")
}
