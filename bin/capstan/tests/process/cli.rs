//! What every command has in common, as scripts meet it.

use capstan_testing::process::run;

/// CLI-18
#[test]
fn cli_18_exit_codes_and_plain_pipes() {
    let nowhere = "http://127.0.0.1:1";
    for (words, code) in [
        (&["--version"][..], 0),
        (&["help", "swap"], 0),
        (&["completions", "bash"], 0),
        (&["market", "list", "--rpc", nowhere], 1),
        (&["dev", "crash", "--rpc", nowhere], 1),
        (&["market", "lst"], 2),
        (&["account", "supply"], 2),
        (&["dev", "--feed", "wrong"], 2),
        (&["dev", "crash", "--in", "soon"], 2),
    ] {
        let said = run(words).expect("ran");
        assert_eq!(said.status.code(), Some(code), "{words:?}: {said:?}");
        assert_eq!(said.stderr.is_empty(), code == 0, "{words:?}: {said:?}");
        let both = said.stdout + &said.stderr;
        assert!(!both.contains('\x1b'), "{words:?} is coloured: {both}");
    }
}
