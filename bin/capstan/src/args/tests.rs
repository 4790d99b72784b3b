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
fn coins_are_wei_or_ether() {
    let someone = "0x00000000000000000000000000000000000000aa";
    let check = |amount: &str, expected: Option<u128>| {
        let funded = parse_funded(&format!("{someone}={amount}")).ok();
        assert_eq!(
            funded.map(|(_, wei)| wei),
            expected.map(U256::from),
            "{amount}"
        );
    };
    check("7", Some(7));
    check("0x10", Some(16));
    check("1000ether", Some(1_000 * 10_u128.pow(18)));
    check("1.5ether", Some(15 * 10_u128.pow(17)));
    check("-1ether", None);
    check("ether", None);
    check("1 ether", None);
    check("1eth", None);
}

#[test]
fn origins_are_what_browsers_send() {
    let check = |text: &str, good: bool| assert_eq!(parse_origin(text).is_ok(), good, "{text}");
    check("*", true);
    check("null", true);
    check("https://app.example", true);
    check("http://10.0.0.5:3000", true);
    check("chrome-extension://abcdef", true);
    check("https://app.example/", false);
    check("app.example", false);
    check("https://", false);
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
    check(&["capstan", "dev", "--chain-id", "0"], "--chain-id");
    check(&["capstan", "node"], "--data");
    check(
        &["capstan", "dev", "--cors", "app.example"],
        "is no origin: write https://",
    );
    check(
        &["capstan", "dev", "--mnemonic", "test test junk"],
        "12 to 24 words",
    );
    check(
        &["capstan", "genesis", "init", "--fund", "0x1"],
        "ADDRESS=WEI",
    );
    check(&["capstan", "statetest"], "<PATHS>");
}

#[test]
fn a_mistyped_address_is_no_address() {
    let check = |text: &str, word: Option<&str>| match (address(text), word) {
        (Ok(_), None) => {}
        (Err(why), Some(word)) => assert!(why.contains(word), "{why}"),
        (read, _) => panic!("{text}: {read:?}"),
    };
    check("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", None);
    check("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", None);
    check("0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266", None);
    check(
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267",
        Some("checksum"),
    );
    check(
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb9226",
        Some("no address"),
    );
    check("alice", Some("no address"));
}

#[test]
fn options_of_a_feed_stand_before_or_behind_its_source() {
    for words in [
        "capstan feed --dev-account 1 file prices.csv",
        "capstan feed file prices.csv --dev-account 1",
    ] {
        let Command::Feed(feed) = Cli::parse_from(words.split(' ')).command else {
            panic!("{words}");
        };
        assert_eq!(feed.dev_account, [1], "{words}");
    }
}

#[test]
fn a_wrong_length_of_time_is_told_its_form() {
    let line = "capstan key new --expires tomorrow";
    let error = Cli::try_parse_from(line.split_whitespace()).expect_err("no length");
    assert!(error.to_string().contains("write 30days"), "{error}");
    let line = "capstan key new --expires 30days";
    assert!(Cli::try_parse_from(line.split_whitespace()).is_ok());
}

#[test]
fn classes_to_sell_stand_with_commas_or_again_and_again() {
    let check = |words: &str, expected: &[ClassWish]| {
        let start = "capstan provide start --upstream http://h/v1 --floor 1usd/h";
        let line = format!("{start} {words}");
        let Command::Provide {
            command: ProvideCommand::Start(start),
        } = Cli::parse_from(line.split_whitespace()).command
        else {
            panic!("{line}");
        };
        assert_eq!(start.class, expected, "{line}");
    };
    let one = ClassWish::One;
    check("", &[]);
    check("--class 7", &[one(7)]);
    check("--class 7,9 --class 8", &[one(7), one(9), one(8)]);
    check("--class all", &[ClassWish::All]);
    check("--class all,7", &[ClassWish::All, one(7)]);
    for wrong in [
        "--class -7",
        "--class some",
        "--class 7, --wallet alice",
        "--class 7 --alone",
    ] {
        let line = format!("capstan provide start --upstream http://h/v1 --floor 1usd/h {wrong}");
        let read = Cli::try_parse_from(line.split_whitespace());
        assert!(read.is_err(), "{wrong}");
    }
}
