//! What each command's help shows at its end: lines that work as they stand. A test parses every one of them.

use capstan_compute::gateway::PRICES_EXAMPLE;
use clap::{Command, CommandFactory as _};

use super::Cli;

/// How the program ends, for scripts.
const EXIT_CODES: &str = "Exit codes: 0 done; 1 refused or failed, and stderr says why; 2 words that are not \
                          understood; 130 stopped by force; 141 nobody reads on";

/// Lines in the order in which help shows them: of a command, those that begin with its words.
const EXAMPLES: &[&str] = &[
    "capstan dev",
    "capstan dev --feed fixed --bots 0",
    "capstan dev --data ./chain --port 9000",
    "capstan dev --model smollm2",
    "capstan dev crash --asset eth --to -40% --in 60s",
    "capstan dev crash --asset wbtc --to 52000 --in 5m",
    "capstan dev crash --asset eth --to +25% --in 10s --json",
    "capstan dev --machines 0",
    "capstan dev cheat --provider 2 --swap-model",
    "capstan dev cheat --provider 1 --truncate",
    "capstan dev cheat --provider 3 --replay",
    "capstan dev cheat --provider 3 --honest",
    "capstan dev cheat --provider 3 --go-dark --rpc http://127.0.0.1:8545",
    "capstan node --genesis genesis.json --data ./data",
    "capstan follow --rpc http://127.0.0.1:8545 --data ./second --port 8546",
    "capstan follow --rpc http://127.0.0.1:8545 --data ./second --port 8546 --verify-listen 127.0.0.1:9100 --verify-token ./token",
    "capstan verify-worker --connect 127.0.0.1:9100 --token-file ./token --threads 2",
    "capstan blocks analyse --from 1 --to 400",
    "capstan blocks analyse --from latest --svg lanes.svg",
    "capstan genesis init --out genesis.json --chain-id 4242",
    "capstan statetest fixtures/state_tests",
    "capstan replay --data ./data",
    "capstan replay --data ./data --from-records",
    "capstan db verify --data ./data",
    "capstan db compact --data ./data",
    "capstan db backup --data ./data --to ./backup",
    "capstan db restore --data ./again --from ./backup",
    "capstan export --data ./data --out blocks.capstan --from 1 --to 1000",
    "capstan import --data ./copy --genesis genesis.json blocks.capstan",
    "capstan feed file prices.csv --key-file reporter.key",
    "capstan feed web --config prices.toml --key-file reporter.key",
    "capstan feed market --setup --asset 1=2000 --dev-account 1",
    "capstan market list",
    "capstan market show usdc --json",
    "capstan account supply 2 eth --wallet alice",
    "capstan account borrow 1000 usdc --wallet alice",
    "capstan account preview \"supply 1 eth\" \"borrow 500 usdc\" --wallet alice",
    "capstan account lever 12000 usdc --buy eth --wallet alice",
    "capstan account close --swap eth --wallet alice",
    "capstan account explain --wallet alice",
    "capstan account show --wallet alice",
    "capstan account show 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --json",
    "capstan account run \"supply 1 eth\" \"borrow 500 usdc\" --wallet alice",
    "capstan account deposit 10 eth --wallet alice",
    "capstan account withdraw max eth --wallet alice",
    "capstan account withdraw 100 usdc --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet alice",
    "capstan account mint 200 usd --wallet alice",
    "capstan account repay max usdc --wallet alice",
    "capstan account unlever max usdc --sell eth --wallet alice",
    "capstan account refinance debt max usdc --into wbtc --wallet alice",
    "capstan account refinance collateral 1 eth --into usdc --wallet alice",
    "capstan account limits --leverage 3 --daily-loss 500 --wallet alice",
    "capstan account history --limit 5 --wallet alice",
    "capstan pool list",
    "capstan pool show 0",
    "capstan swap 1 eth usdc --wallet alice",
    "capstan swap 500 usdc eth --slippage 0.1% --preview --wallet alice",
    "capstan swap 0.25 usdc eth --exact-out --wallet alice",
    "capstan lp add 0 \"2 eth\" \"6000 usdc\" --wallet alice",
    "capstan lp remove 0 50% --wallet alice",
    "capstan lp deposit 0 50% --wallet alice",
    "capstan lp withdraw 0 max --wallet alice",
    "capstan lp show --wallet alice",
    "capstan trigger add max eth usdc --below 1950 --repay --wallet alice",
    "capstan trigger add 0.25 eth usdc --every 1h --times 24 --wallet alice",
    "capstan trigger list --wallet alice",
    "capstan trigger cancel 3 --wallet alice",
    "capstan machine leave 0 --wallet alice",
    "capstan machine withdraw 0 --wallet alice",
    "capstan machine bond 0 50 --wallet alice",
    "capstan loan offers",
    "capstan loan list --wallet alice",
    "capstan loan show 1",
    "capstan loan offer \"5000 usdc\" --rate 6% --instalments 12 --every 30days --wallet alice",
    "capstan loan take 1 2000 --wallet alice",
    "capstan loan repay 1 max --wallet alice",
    "capstan loan cancel 1 --wallet alice",
    "capstan loan hand-over 1 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet alice",
    "capstan stream list --wallet alice",
    "capstan stream show 0",
    "capstan stream open \"1200 usdc\" 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --lasts 30days --wallet alice",
    "capstan stream pay-in 0 600 --wallet alice",
    "capstan stream collect 0 --wallet alice",
    "capstan stream assign 0 --wallet alice",
    "capstan stream cancel 0 --wallet alice",
    "capstan stream hand-over 0 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet alice",
    "capstan farm list",
    "capstan farm show 0 --wallet alice",
    "capstan farm enter 0 \"3000 usdc\" --borrow \"1 eth\" --wallet alice",
    "capstan farm stake 1 50% --wallet alice",
    "capstan farm unstake 1 max --wallet alice",
    "capstan farm claim 1 --wallet alice",
    "capstan farm compound 0 --wallet alice",
    "capstan farm leave 0 --wallet alice",
    "capstan product list",
    "capstan product show 1",
    "capstan product mint 1 500 --wallet alice",
    "capstan product redeem 1 50% --wallet alice",
    "capstan product create long eth usdc 1000 --target 3 --wallet alice",
    "capstan product close 2 --wallet alice",
    "capstan product top-up 1 0.05 --wallet alice",
    "capstan admin list --example",
    "capstan admin list usdc.toml --wallet owner",
    "capstan admin dollar usd.toml --wallet owner",
    "capstan admin caps usdc --supply 2_000_000 --borrow 1_500_000 --wallet owner",
    "capstan admin pause usdc borrow flash --wallet guard",
    "capstan admin resume usdc borrow flash --wallet owner",
    "capstan admin factors eth --borrow 70% --stay 75% --over 14days --wallet owner",
    "capstan admin pool pause 3 --wallet guard",
    "capstan admin pool resume 3 --wallet owner",
    "capstan admin exchange show",
    "capstan admin exchange set --fee-share 10% --push 1% --through eth,usdc --wallet owner",
    "capstan admin exchange collect usdc --to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet owner",
    "capstan admin pending",
    "capstan admin reporters list",
    "capstan admin reporters add 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet owner",
    "capstan admin reporters remove 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet owner",
    "capstan admin roles list",
    "capstan admin roles grant lending guard 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --for 90days --wallet owner",
    "capstan admin roles revoke lending guard 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet owner",
    "capstan admin roles delay lending guard 1day --wallet owner",
    "capstan admin roles offer oracle 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet owner",
    "capstan admin roles accept oracle --wallet owner",
    "capstan watch 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --health 1.5,1.2 --webhook http://127.0.0.1:9000/warn",
    "capstan wallet new alice",
    "capstan wallet import bob --key-file key.txt",
    "capstan wallet list",
    "capstan wallet send 1.5 eth 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet alice",
    "capstan model get smollm2",
    "capstan model get mine --file ./some.gguf",
    "capstan model ask smollm2 \"Why is the sky blue?\"",
    "capstan model list",
    "capstan machine list",
    "capstan machine show 0",
    "capstan jobs classes",
    "capstan jobs offers 2977548626",
    "capstan jobs claims --machine 0",
    "capstan jobs claims --customer 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --limit 5",
    "capstan jobs balance 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "capstan jobs deposit 50 --wallet alice",
    "capstan jobs withdraw max --wallet alice",
    "capstan jobs keys 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "capstan jobs key add 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --total 20 --each 1 --period 1day --wallet alice",
    "capstan jobs key revoke 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --wallet alice",
    "capstan income show 0",
    "capstan income market",
    "capstan income cases --json",
    "capstan income borrow 0 max --wallet alice",
    "capstan income repay 0 100 --wallet alice",
    "capstan income supply 1000 usdc --wallet alice",
    "capstan income supply 100 usdc --tranche first-loss --wallet alice",
    "capstan income withdraw max usdc --wallet alice",
    "capstan income bid 0 --most 250 --wallet alice",
    "capstan provide start --model smollm2 --floor 0.06usd/h --class all --wallet alice",
    "capstan provide start --upstream http://127.0.0.1:8000/v1 --floor 0.5usd/h --alone",
    "capstan provide start --model smollm2 --floor 0.06usd/h --class 2977548626 --wallet alice",
    "capstan provide start --upstream http://127.0.0.1:8000/v1 --prices prices.toml --class all --wallet alice",
    "capstan provide start --upstream http://127.0.0.1:8080/v1 --runs llama=llama.gguf --floor 0.06usd/h --class all --wallet alice",
    "capstan provide pause",
    "capstan provide resume",
    "capstan provide status",
    "capstan provide stop",
    "capstan gateway --model smollm2",
    "capstan gateway --upstream http://127.0.0.1:8000/v1",
    "capstan gateway --upstream http://127.0.0.1:8000/v1 --upstream http://10.0.0.7:8000/v1 --prices prices.toml",
    "capstan gateway --upstream http://127.0.0.1:8000/v1 --upstream-key-env VLLM_API_KEY",
    "capstan gateway --network http://127.0.0.1:8545 --spend spend.json",
    "capstan spend open --deposit 20 --limit 5 --wallet alice",
    "capstan spend show",
    "capstan key new --total 5usd --day 1usd --name notebook",
    "capstan key list",
    "capstan key usage notebook",
    "capstan key revoke notebook",
    "capstan receipt show req_00112233445566778899aabbccddeeff",
    "capstan receipt verify req_00112233445566778899aabbccddeeff --output answer.json",
    "capstan receipt verify req_00112233445566778899aabbccddeeff --input request.json --output stream.txt",
    "capstan audit run --key-file auditor.key",
    "capstan audit earned 0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "capstan audit withdraw --wallet auditor",
    "capstan audit withdraw 5 --wallet auditor",
    "capstan audit run --rpc http://127.0.0.1:8545 --key-file auditor.key --model smollm2",
    "capstan provide scan --kwh 0.12 --watts 350",
    "capstan provide scan --kwh 0.12 --watts 350 --upstream http://127.0.0.1:8000/v1",
    "capstan completions bash",
];
/// Most lines below a command that has commands of its own: each of those shows all of its own.
const OVERVIEW: usize = 6;

/// All words of the program, with examples below them.
pub(crate) fn command() -> Command {
    with_examples(Cli::command(), "capstan").after_help(EXIT_CODES)
}

fn with_examples(command: Command, path: &str) -> Command {
    let has_commands = command.get_subcommands().next().is_some();
    let most = if has_commands { OVERVIEW } else { usize::MAX };
    let lines: Vec<_> = of(path).take(most).collect();
    let command = if lines.is_empty() {
        command
    } else {
        command.after_help(format!("Examples:\n  {}{}", lines.join("\n  "), more(path)))
    };
    command.mut_subcommands(|inner| {
        let path = format!("{path} {}", inner.get_name());
        with_examples(inner, &path)
    })
}

/// What stands below a command's examples.
fn more(path: &str) -> String {
    match path {
        "capstan gateway" => format!(
            "\n\nA file of prices:\n  {}",
            PRICES_EXAMPLE.trim_end().replace('\n', "\n  ")
        ),
        _ => String::new(),
    }
}

/// Examples of a command, and of those below it.
fn of(path: &str) -> impl Iterator<Item = &'static str> {
    EXAMPLES.iter().copied().filter(move |line| {
        let rest = line.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
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

    #[track_caller]
    fn each_has_an_example(command: &Command, path: &str) {
        for one in command.get_subcommands() {
            if one.is_hide_set() || one.get_name() == "help" {
                continue;
            }
            let path = format!("{path} {}", one.get_name());
            assert!(of(&path).next().is_some(), "{path} has no example");
            each_has_an_example(one, &path);
        }
    }

    /// CLI-17
    #[test]
    fn cli_17_every_command_has_examples_and_each_is_understood() {
        each_has_an_example(&Cli::command(), "capstan");
        for line in EXAMPLES {
            let parsed = command().try_get_matches_from(words(line));
            assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("wrong"));
        }
        let mut swap = command();
        let swap = swap.find_subcommand_mut("swap").expect("a command");
        let help = swap.render_help().to_string();
        assert!(
            help.contains("Examples:\n  capstan swap 1 eth usdc"),
            "{help}"
        );
    }
}
