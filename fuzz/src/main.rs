//! `capstan-fuzz`: hunts in every target, or in those that are named.

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use capstan_fuzz::{Limit, TARGETS, Target, find, hunt, judge, memory::Counting};
use clap::Parser;
use eyre::{OptionExt, Result, WrapErr, bail};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Feed decoders with broken input.
#[derive(Parser)]
struct Cli {
    /// Targets; without any, all
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Inputs of each target at most
    #[arg(long, default_value_t = u64::MAX)]
    inputs: u64,
    /// Where to begin; the same seed gives the same inputs
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run the target on this file alone
    #[arg(long, value_name = "FILE", requires = "targets")]
    replay: Option<PathBuf>,
    /// Only print the names of the targets
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let mut targets: Vec<&Target> = Vec::new();
    for name in &cli.targets {
        let target = find(name)
            .ok_or_eyre("--list names the targets")
            .wrap_err_with(|| format!("`{name}` is no target"))?;
        targets.push(target);
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    if cli.list {
        for target in targets {
            println!("{:<12} {}", target.name, target.what);
        }
        return Ok(());
    }
    if let Some(path) = &cli.replay {
        let input = fs::read(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
        for target in targets {
            match judge(target, &input) {
                Ok((said, memory)) => println!("{}: {said}; {memory} bytes of memory", target.name),
                Err(why) => bail!("{}: {why}", target.name),
            }
        }
        return Ok(());
    }
    let limit = Limit {
        inputs: cli.inputs,
        time: Duration::from_secs(cli.seconds),
    };
    println!(
        "{:<12} {:>10} {:>10} {:>7} {:>12}",
        "target", "inputs", "accepted", "shapes", "memory"
    );
    let mut total = 0;
    let mut broken = Vec::new();
    for target in targets {
        let done = hunt(target, cli.seed, limit);
        total += done.inputs;
        println!(
            "{:<12} {:>10} {:>10} {:>7} {:>9} KB",
            target.name,
            done.inputs,
            done.accepted,
            done.shapes,
            done.memory_max / 1000
        );
        if let Some((why, input)) = done.finding {
            let path = keep(target, &input)?;
            println!(
                "FOUND {}: {why}\n  replay with: cargo run -p capstan-fuzz -- {} --replay {}",
                target.name,
                target.name,
                path.display()
            );
            broken.push(target.name);
        }
    }
    println!("{total} inputs");
    if !broken.is_empty() {
        bail!("broken promises in {}", broken.join(", "));
    }
    Ok(())
}

/// Writes what was found where git does not see it; what is mended moves to `fuzz/seeds`.
fn keep(target: &Target, input: &[u8]) -> Result<PathBuf> {
    let folder = capstan_fuzz::hunt::folder()
        .join("findings")
        .join(target.name);
    fs::create_dir_all(&folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(format!("{:08x}.bin", crc32fast::hash(input)));
    fs::write(&path, input).wrap_err_with(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
