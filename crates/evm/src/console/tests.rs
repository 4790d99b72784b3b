use super::*;

/// ABI encoding of words and of trailing strings, by hand.
fn message(signature: &str, head: &[U256], tails: &[&[u8]]) -> Vec<u8> {
    let mut input = keccak256(signature)[..4].to_vec();
    for word in head {
        input.extend(word.to_be_bytes::<32>());
    }
    for tail in tails {
        input.extend(U256::from(tail.len()).to_be_bytes::<32>());
        input.extend_from_slice(tail);
        input.resize(input.len().next_multiple_of(32) + 4, 0);
    }
    input
}

/// EXEC-33: messages read as `console.log` of JavaScript writes them; what cannot be read is shown as it came.
#[test]
fn exec_33_messages_in_words() {
    let number = U256::from;
    let person = U256::from_be_slice(Address::repeat_byte(0xab).as_slice());
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (message("log()", &[], &[]), ""),
        (message("log(uint256)", &[U256::MAX], &[]), &MAX),
        (message("log(uint)", &[number(7)], &[]), "7"),
        (message("log(int256)", &[U256::MAX], &[]), "-1"),
        (message("log(bool)", &[number(1)], &[]), "true"),
        (
            message("log(address)", &[person], &[]),
            "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB",
        ),
        (message("log(string)", &[number(32)], &[b"hello"]), "hello"),
        (message("log(bytes)", &[number(32)], &[&[1, 2]]), "0x0102"),
        (
            message("log(bytes2)", &[number(0xabcd) << 240], &[]),
            "0xabcd",
        ),
        (
            message("log(string,uint256)", &[number(64), number(5)], &[b"x is"]),
            "x is 5",
        ),
        (
            message(
                "log(string,uint256)",
                &[number(64), number(5)],
                &[b"x=%d, 100%%"],
            ),
            "x=5, 100%",
        ),
        (
            message("log(string)", &[number(32)], &[b"%s stays, 5%"]),
            "%s stays, 5%",
        ),
        (
            message(
                "log(bool,address,uint256,uint)",
                &[number(0), person, number(1), number(2)],
                &[],
            ),
            "false 0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB 1 2",
        ),
        (
            message("log(string)", &[number(32)], &[b"a\n\x1b[2J"]),
            r"a\n\u{1b}[2J",
        ),
        // Nobody's selector, a string that begins behind the end, one that is too long, and no selector.
        (vec![1, 2, 3, 4], "0x01020304"),
        (
            message("log(string)", &[U256::MAX], &[])[..36].to_vec(),
            FAR,
        ),
        (vec![7], "0x07"),
    ];
    for (input, expected) in cases {
        assert_eq!(text(&input), expected, "{}", hex::encode(&input));
    }
}

static MAX: LazyLock<String> = LazyLock::new(|| U256::MAX.to_string());
const FAR: &str = "0x41304facffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// What a loop says is bounded, and that something is left out is said.
#[test]
fn a_loop_is_cut_short() {
    let mut console = Console::default();
    for _ in 0..MESSAGES_MAX + 3 {
        console.hear(message("log(uint256)", &[U256::from(1)], &[]).into());
    }
    let lines = console.take();
    assert_eq!(lines.len(), MESSAGES_MAX + 1);
    assert_eq!(
        lines.last().map(String::as_str),
        Some("(3 more messages are left out)")
    );
    assert!(console.take().is_empty());
    console.hear(vec![0; BYTES_MAX + 1].into());
    assert_eq!(console.take(), ["(1 more messages are left out)"]);
}
