//! What every command has in common, as scripts meet it.

use std::process::Stdio;

use capstan_testing::process::{capstan, run};

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
        (&["dev", "crash", "--to", "40%"], 2),
    ] {
        let said = run(words).expect("ran");
        assert_eq!(said.status.code(), Some(code), "{words:?}: {said:?}");
        assert_eq!(said.stderr.is_empty(), code == 0, "{words:?}: {said:?}");
        let both = said.stdout + &said.stderr;
        assert!(!both.contains('\x1b'), "{words:?} is coloured: {both}");
    }
}

/// CLI-18: who pipes into `head` is no failure to be reported.
#[test]
fn cli_18_a_reader_that_leaves_is_no_error() {
    for words in [&["genesis", "init", "--dev"][..], &["completions", "bash"]] {
        let mut command = capstan(words).expect("built");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        drop(child.stdout.take());
        let said = child.wait_with_output().expect("ended");
        assert_eq!(said.status.code(), Some(141), "{words:?}: {said:?}");
        assert!(said.stderr.is_empty(), "{words:?}: {said:?}");
    }
}
