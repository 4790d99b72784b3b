use clap::CommandFactory;

use super::*;

#[test]
fn the_words_do_not_contradict_each_other() {
    Cli::command().debug_assert();
}

#[track_caller]
fn check_block_time(text: &str, expected: Option<BlockTime>) {
    assert_eq!(text.parse::<BlockTime>().ok(), expected, "{text}");
}

#[test]
fn block_times() {
    check_block_time("instant", Some(BlockTime::Instant));
    check_block_time("250ms", Some(BlockTime::Every(Duration::from_millis(250))));
    check_block_time("2s", Some(BlockTime::Every(Duration::from_secs(2))));
    check_block_time("0ms", None);
    check_block_time("2h", None);
    check_block_time("soon", None);
}

#[test]
fn wrong_flags_are_named() {
    let check = |flags: &[&str], expected: &str| {
        let error = Cli::try_parse_from(flags).expect_err("wrong").to_string();
        assert!(error.contains(expected), "{flags:?}: {error}");
    };
    check(
        &["capstan", "dev", "--block-time", "soon"],
        "write 250ms, 2s or instant",
    );
    check(
        &["capstan", "dev", "--memory", "--data", "x"],
        "cannot be used with",
    );
    check(&["capstan", "dev", "--chain-id", "0"], "--chain-id");
    check(&["capstan", "node"], "--genesis");
    check(
        &["capstan", "genesis", "init", "--fund", "0x1"],
        "ADDRESS=WEI",
    );
    check(&["capstan", "statetest"], "<PATHS>");
}
