//! `cargo xtask readme`: what README.md shows as output is what the program says.
//!
//! A block that begins with ```` ```console ```` and `$ COMMAND` holds that command's output. Commands start with
//! `capstan`, or are `cargo xtask dev`, whose output is the banner.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use eyre::{OptionExt, Result, WrapErr, bail};

use crate::{dev, shell};

const FENCE: &str = "```console\n$ ";
/// The port that the README shows; the program that is asked takes a free one.
const SHOWN_PORT: &str = "127.0.0.1:8545";

/// Writes the output into README.md, or with `check` compares it.
pub(crate) fn run(check: bool) -> Result<()> {
    let path = shell::root().join("README.md");
    let text = fs::read_to_string(&path).wrap_err("cannot read README.md")?;
    dev::build_tested()?;
    let fresh = refresh(&text, &output_of)?;
    if fresh == text {
        println!("README.md shows what the program says");
        return Ok(());
    }
    if check {
        bail!(
            "README.md shows output that the program does not print any more: run `cargo xtask readme`"
        );
    }
    fs::write(&path, fresh).wrap_err("cannot write README.md")
}

/// Puts the output of each command into its block.
fn refresh(text: &str, output_of: &dyn Fn(&str) -> Result<String>) -> Result<String> {
    let mut fresh = String::new();
    let mut rest = text;
    while let Some((before, block)) = rest.split_once(FENCE) {
        let (block, after) = block
            .split_once("\n```\n")
            .ok_or_eyre("a block of README.md does not end")?;
        let command = block.lines().next().unwrap_or_default();
        let output = output_of(command)?;
        fresh += &format!("{before}{FENCE}{command}\n{}\n```\n", output.trim_end());
        rest = after;
    }
    Ok(fresh + rest)
}

fn output_of(command: &str) -> Result<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let output = match words.as_slice() {
        ["cargo", "xtask", "dev", flags @ ..] | ["capstan", "dev", flags @ ..] => banner(flags)?,
        ["capstan", flags @ ..] => shell::output(Command::new(binary()?).args(flags))?,
        _ => bail!("README.md: `{command}` is no command of ours"),
    };
    Ok(without_commit(&output))
}

fn binary() -> Result<std::path::PathBuf> {
    Ok(shell::target_dir()?.join("debug/capstan"))
}

/// What `capstan dev` says until it tells how to stop it.
fn banner(flags: &[&str]) -> Result<String> {
    let mut child = Command::new(binary()?)
        .arg("dev")
        .args(flags)
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .wrap_err("cannot start capstan")?;
    let stdout = child.stdout.take().ok_or_eyre("no stdout")?;
    let mut text = String::new();
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        text += &(line.clone() + "\n");
        if line.starts_with("Stop with") {
            break;
        }
    }
    child
        .kill()
        .and_then(|()| child.wait())
        .wrap_err("cannot stop capstan")?;
    let address = text
        .lines()
        .find_map(|line| line.split_once("http://"))
        .map(|(_, address)| address.to_owned());
    let address = address.ok_or_eyre("the banner names no address")?;
    Ok(text.replace(&address, SHOWN_PORT))
}

/// Versions carry the commit, which no committed text can know.
fn without_commit(text: &str) -> String {
    let plain = |line: &str| match line.split_once(" (") {
        Some((version, commit))
            if line.to_lowercase().starts_with("capstan ") && commit.ends_with(')') =>
        {
            version.to_owned()
        }
        _ => line.to_owned(),
    };
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_the_output_of_a_block_changes() {
        let text = "a\n```console\n$ capstan x\nold\nlines\n```\nb\n```sh\n$ other\n```\n";
        let fresh = super::refresh(text, &|command| Ok(format!("new {command}\n"))).expect("fresh");
        assert_eq!(
            fresh,
            "a\n```console\n$ capstan x\nnew capstan x\n```\nb\n```sh\n$ other\n```\n"
        );
    }

    #[test]
    fn the_commit_is_left_out() {
        assert_eq!(
            super::without_commit("Capstan 0.1.0 (abc)\nx (y)"),
            "Capstan 0.1.0\nx (y)"
        );
    }
}
