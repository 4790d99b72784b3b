//! What each command's help shows at its end: lines that work as they stand. A test parses every one of them.

use clap::{Command, CommandFactory as _};

use super::Cli;

/// How the program ends, for scripts.
const EXIT_CODES: &str = "Exit codes: 0 done; 1 refused or failed, and stderr says why; 2 words that are not \
                          understood; 130 stopped by force";

/// Commands, and lines below them.
const EXAMPLES: &[(&[&str], &[&str])] = &[
    (
        &["gateway"],
        &[
            "capstan gateway --upstream http://127.0.0.1:8000/v1",
            "capstan gateway --upstream http://127.0.0.1:8000/v1 --upstream http://10.0.0.7:8000/v1 --prices prices.toml",
        ],
    ),
    (
        &["key"],
        &[
            "capstan key new --total 5usd --day 1usd --name notebook",
            "capstan key usage notebook",
            "capstan key revoke notebook",
        ],
    ),
    (
        &["receipt"],
        &[
            "capstan receipt show req_00112233445566778899aabbccddeeff",
            "capstan receipt verify req_00112233445566778899aabbccddeeff --output answer.json",
        ],
    ),
    (
        &["provide"],
        &[
            "capstan provide scan --kwh 0.12 --watts 350",
            "capstan provide scan --kwh 0.12 --watts 350 --upstream http://127.0.0.1:8000/v1",
        ],
    ),
    (
        &["dev"],
        &[
            "capstan dev",
            "capstan dev --feed fixed --bots 0",
            "capstan dev --data ./chain --port 9000",
            "capstan dev crash --asset eth --to -40% --in 60s",
        ],
    ),
    (
        &["dev", "crash"],
        &[
            "capstan dev crash --asset eth --to -40% --in 60s",
            "capstan dev crash --asset wbtc --to 52000 --in 5m",
            "capstan dev crash --asset eth --to +25% --in 10s --json",
        ],
    ),
    (
        &["node"],
        &["capstan node --genesis genesis.json --data ./data"],
    ),
    (
        &["genesis"],
        &["capstan genesis init --out genesis.json --chain-id 4242"],
    ),
    (&["statetest"], &["capstan statetest fixtures/state_tests"]),
    (&["replay"], &["capstan replay --data ./data"]),
    (
        &["db"],
        &[
            "capstan db verify --data ./data",
            "capstan db backup --data ./data --to ./backup",
        ],
    ),
    (
        &["export"],
        &["capstan export --data ./data --out blocks.capstan --from 1 --to 1000"],
    ),
    (
        &["import"],
        &["capstan import --data ./copy --genesis genesis.json blocks.capstan"],
    ),
    (
        &["feed"],
        &[
            "capstan feed --key-file reporter.key web --config prices.toml",
            "capstan feed --dev-account 1 market --setup --asset 1=2000",
        ],
    ),
    (
        &["market"],
        &["capstan market list", "capstan market show usdc --json"],
    ),
    (
        &["account"],
        &[
            "capstan account supply 2 eth --wallet alice",
            "capstan account borrow 1000 usdc --wallet alice",
            "capstan account preview \"supply 1 eth\" \"borrow 500 usdc\" --wallet alice",
            "capstan account lever 12000 usdc --buy eth --wallet alice",
            "capstan account explain --wallet alice",
        ],
    ),
    (&["pool"], &["capstan pool list", "capstan pool show 0"]),
    (
        &["swap"],
        &[
            "capstan swap 1 eth usdc --wallet alice",
            "capstan swap 500 usdc eth --slippage 0.1% --preview --wallet alice",
            "capstan swap 0.25 usdc eth --exact-out --wallet alice",
        ],
    ),
    (
        &["lp"],
        &[
            "capstan lp add 0 \"2 eth\" \"6000 usdc\" --wallet alice",
            "capstan lp remove 0 50% --wallet alice",
            "capstan lp show --wallet alice",
        ],
    ),
    (
        &["trigger"],
        &[
            "capstan trigger add max eth usdc --below 1950 --repay --wallet alice",
            "capstan trigger add 0.25 eth usdc --every 1h --times 24 --wallet alice",
            "capstan trigger list --wallet alice",
        ],
    ),
    (
        &["farm"],
        &[
            "capstan farm list",
            "capstan farm enter 0 \"3000 usdc\" --borrow \"1 eth\" --wallet alice",
        ],
    ),
    (
        &["product"],
        &[
            "capstan product list",
            "capstan product mint 1 500 --wallet alice",
            "capstan product redeem 1 50% --wallet alice",
        ],
    ),
    (
        &["admin"],
        &[
            "capstan admin list usdc.toml --wallet owner",
            "capstan admin pending",
        ],
    ),
    (
        &["watch"],
        &[
            "capstan watch 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --health 1.5,1.2 --webhook http://127.0.0.1:9000/warn",
        ],
    ),
    (
        &["wallet"],
        &["capstan wallet new alice", "capstan wallet list"],
    ),
    (&["completions"], &["capstan completions bash"]),
];

/// All words of the program, with examples below them.
pub(crate) fn command() -> Command {
    let mut all = Cli::command().after_help(EXIT_CODES);
    for (path, lines) in EXAMPLES {
        all = with(all, path, &format!("Examples:\n  {}", lines.join("\n  ")));
    }
    all
}

fn with(command: Command, path: &[&str], text: &str) -> Command {
    match path.split_first() {
        None => command.after_help(text.to_owned()),
        Some((first, rest)) => command.mut_subcommand(*first, |inner| with(inner, rest, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line as a shell splits it: words in quotes stay together.
    fn words(line: &str) -> Vec<String> {
        let mut all = Vec::new();
        for (at, part) in line.split('"').enumerate() {
            match at % 2 {
                0 => all.extend(part.split_whitespace().map(str::to_owned)),
                _ => all.push(part.to_owned()),
            }
        }
        all
    }

    /// CLI-17
    #[test]
    fn cli_17_every_command_has_examples_and_each_is_understood() {
        for one in Cli::command().get_subcommands() {
            let has = EXAMPLES.iter().any(|(path, _)| *path == [one.get_name()]);
            assert!(
                has || one.is_hide_set(),
                "{} has no example",
                one.get_name()
            );
        }
        for line in EXAMPLES.iter().flat_map(|(_, lines)| *lines) {
            let parsed = command().try_get_matches_from(words(line));
            assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("wrong"));
        }
    }
}
