//! Random state tests: filled by the Python execution specification, run by `capstan statetest`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{Result, WrapErr, bail};

use crate::{dev, shell, tally::Report, test::Outcome};

/// Cases of one CI run; about 15 ms each to fill.
const CASE_COUNT: u64 = 1_000;
/// The seed of CI. Others are for soak.
const SEED: u64 = 1;
/// The specification needs it.
const PYTHON_MIN: (u32, u32) = (3, 11);

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

/// The Python of a virtual environment with the packages of requirements.txt.
pub(crate) fn environment() -> Result<PathBuf> {
    let requirements = folder().join("requirements.txt");
    let wanted = fs::read(&requirements).wrap_err("cannot read requirements.txt")?;
    let venv = shell::target_dir()?.join("statetests/venv");
    let python = venv.join("bin/python");
    let stamp = venv.join("installed-requirements.txt");
    if python.exists() && fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let Some(base) = ["python3", "python3.13", "python3.12", "python3.11"]
        .into_iter()
        .find(|name| is_new_enough(name))
    else {
        bail!(
            "Python {}.{} or newer is missing: install it",
            PYTHON_MIN.0,
            PYTHON_MIN.1
        );
    };
    shell::run(
        shell::program(base)
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
    )
    .wrap_err(
        "no virtual environment can be made: install Python's venv module (Debian: python3-venv)",
    )?;
    shell::run(
        shell::program(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(&requirements),
    )
    .wrap_err(
        "the execution specification cannot be installed: is the Python package index reachable?",
    )?;
    fs::write(&stamp, wanted).wrap_err("cannot write the stamp of the environment")?;
    Ok(python)
}

fn is_new_enough(name: &str) -> bool {
    let code = format!("import sys; sys.exit(sys.version_info < {PYTHON_MIN:?})");
    Command::new(name)
        .args(["-c", &code])
        .output()
        .is_ok_and(|output| output.status.success())
}
