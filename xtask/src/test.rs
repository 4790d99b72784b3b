//! `cargo xtask test`: every test there is, in one command, with the minutes of each part.

use std::{thread, time::Instant};

use clap::Args;
use eyre::{Result, bail};

use crate::{
    budget::{self, Budget},
    clients, compute, dev, page, readme, shell, statetests,
    tally::{Report, Tally},
};

/// Which parts to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these parts; the build always
    #[arg(value_enum)]
    parts: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    Build,
    Rust,
    Clients,
    Page,
    Statetests,
    Compute,
}

/// One part of the tests.
struct Part {
    name: Name,
    what: &'static str,
    budget: Budget,
    run: fn() -> Result<Outcome>,
}

/// How a part ended.
pub(crate) enum Outcome {
    /// It ran.
    Ran(Report),
    /// It could not run; the words say what is missing and how to get it. Refused where `CI` is set.
    Skip(String),
}

/// In the order in which they run.
const PARTS: [Part; 6] = [
    Part {
        name: Name::Build,
        what: "build of everything that is tested",
        budget: budget::BUILD,
        run: build,
    },
    Part {
        name: Name::Rust,
        what: "Rust tests, process tests and documentation examples",
        budget: budget::RUST,
        run: rust,
    },
    Part {
        name: Name::Clients,
        what: "viem, ethers, cast, Hardhat and a wallet's methods",
        budget: budget::CLIENTS,
        run: clients::run,
    },
    Part {
        name: Name::Page,
        what: "the page: its own rooms, and a browser's journeys against a started node",
        budget: budget::PAGE,
        run: page::test,
    },
    Part {
        name: Name::Statetests,
        what: "random state tests filled by the execution specification",
        budget: budget::STATETESTS,
        run: statetests::run,
    },
    Part {
        name: Name::Compute,
        what: "a real language model: tokens, answers, audits",
        budget: budget::COMPUTE,
        run: compute::run,
    },
];

/// Runs the parts and closes with one line that adds them up.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut total = Tally::default();
    let mut complaints = Vec::new();
    let mut failed = Vec::new();
    let mut flaky = Vec::new();
    let mut table = String::new();
    for part in &PARTS {
        let wanted = options.parts.is_empty()
            || options.parts.contains(&part.name)
            || part.name == Name::Build;
        if !wanted {
            continue;
        }
        println!("== {:?}: {}", part.name, part.what);
        let start = Instant::now();
        let outcome = (part.run)();
        let spent = start.elapsed();
        let words = match outcome {
            Ok(Outcome::Ran(report)) => {
                let tally = report.tally;
                total = total.plus(tally);
                failed.extend(report.failed);
                flaky.extend(report.flaky);
                if !report.content || tally.failed > 0 {
                    complaints.push(format!("{:?} failed", part.name));
                } else if tally.run_count() == 0 && part.name != Name::Build {
                    complaints.push(format!("{:?} ran no test", part.name));
                }
                if part.name == Name::Build {
                    String::new()
                } else {
                    tally.to_string()
                }
            }
            Ok(Outcome::Skip(why)) => {
                total.skipped += 1;
                println!("SKIP {:?}: {why}", part.name);
                if shell::is_ci() {
                    complaints.push(format!(
                        "{:?} was skipped, which CI does not accept: {why}",
                        part.name
                    ));
                }
                format!("SKIP: {why}")
            }
            Err(error) => {
                total.failed += 1;
                complaints.push(format!("{:?}: {error:#}", part.name));
                "failed".to_owned()
            }
        };
        complaints.extend(part.budget.complain(spent));
        table += &format!(
            "{:<11} {:>5} of {:>2} minutes   {words}\n",
            part.budget.name,
            budget::minutes(spent),
            part.budget.minutes
        );
        if part.name == Name::Build && !complaints.is_empty() {
            break;
        }
    }
    println!("\n{table}");
    for name in &flaky {
        println!("flaky, passed at the second try: {name}");
    }
    for name in &failed {
        println!("failed: {name}");
    }
    for complaint in &complaints {
        println!("error: {complaint}");
    }
    println!("{total}");
    if !complaints.is_empty() {
        bail!("the tests did not pass: {}", complaints.join("; "));
    }
    Ok(())
}

fn build() -> Result<Outcome> {
    dev::build_tested()?;
    Ok(Outcome::Ran(Report {
        content: true,
        ..Report::default()
    }))
}

fn rust() -> Result<Outcome> {
    let mut report = Report {
        content: true,
        ..Report::default()
    };
    match readme::run(true) {
        Ok(()) => report.tally.passed += 1,
        Err(error) => {
            report.tally.failed += 1;
            report.failed.push(format!("{error:#}"));
        }
    }
    clients::compile_peers()?;
    let mut runs = Vec::new();
    if shell::cargo()
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        runs.push(words(&[
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--no-tests",
            "pass",
            "--profile",
            "whole",
            "--test-threads",
            &places()?.to_string(),
        ]));
    } else {
        runs.push(words(&[
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ]));
    }
    runs.push(words(&["test", "--workspace", "--doc", "--no-fail-fast"]));
    for flags in runs {
        let watched = shell::watch(shell::cargo().args(flags))?;
        report = report.plus(Report::of(&watched));
    }
    Ok(Outcome::Ran(report))
}

fn words(of: &[&str]) -> Vec<String> {
    of.iter().map(|&word| word.to_owned()).collect()
}

/// Two for each processor, of which a test takes two unless it mostly waits (`.config/nextest.toml`).
fn places() -> Result<usize> {
    Ok(2 * thread::available_parallelism()?.get())
}
