use super::*;

#[track_caller]
fn check_amount(text: &str, expected: Result<u128, &str>) {
    match (text.parse::<Dollars>(), expected) {
        (Ok(amount), Ok(atto)) => assert_eq!(amount.atto(), atto, "{text}"),
        (Err(why), Err(word)) => assert!(why.to_string().contains(word), "{text}: {why}"),
        (read, _) => panic!("{text}: {read:?}"),
    }
}

#[test]
fn amounts_are_read_exactly_or_refused() {
    check_amount("5usd", Ok(5 * 10_u128.pow(18)));
    check_amount(" 0.25 usd ", Ok(25 * 10_u128.pow(16)));
    check_amount("0.000000000000000001usd", Ok(1));
    check_amount("0.0000000000000000001usd", Err("19 digits"));
    check_amount("5", Err("write 5usd"));
    check_amount("usd", Err("write digits"));
    check_amount("-1usd", Err("write digits"));
    check_amount("5eur", Err("write 5usd"));
    check_amount("99999999999999999999usd", Err("more dollars"));
}

#[test]
fn amounts_are_written_as_they_are_read() {
    for text in ["0usd", "5usd", "0.25usd", "0.000000000000000001usd"] {
        let amount: Dollars = text.parse().expect("an amount");
        assert_eq!(amount.to_string(), text);
        let json = serde_json::to_string(&amount).expect("JSON");
        assert_eq!(serde_json::from_str::<Dollars>(&json).ok(), Some(amount));
    }
}

#[test]
fn costs_are_exact() {
    let price: PerMillion = "0.15usd".parse().expect("a price");
    assert_eq!(price.cost(1_000_000).to_string(), "0.15usd");
    assert_eq!(price.cost(1).to_string(), "0.00000015usd");
    assert_eq!(
        price.tokens_down("0.00000044usd".parse().expect("an amount")),
        Some(2)
    );
    let finest: PerMillion = "0.000000000001usd".parse().expect("a price");
    assert_eq!(finest.cost(1).atto(), 1);
    assert!("0.0000000000001usd".parse::<PerMillion>().is_err());
    assert_eq!(PerMillion::default().tokens_down(Dollars::MAX), None);
    let dear: PerMillion = "1000000000usd".parse().expect("a price");
    assert_eq!(dear.cost(u64::MAX), Dollars::MAX);
}

/// PROV-4: whatever the floor and the rate, an hour of writing brings it in, and no smaller price would.
#[test]
fn prov_4_an_hour_of_writing_brings_in_the_floor() {
    for floor in ["0.06usd", "0.000001usd", "5usd", "123.456789usd"] {
        let floor: Dollars = floor.parse().expect("an amount");
        for tokens in [1, 7, 3_600, 151_200, 3_600_000_000] {
            let price = PerMillion::earning_up(floor, tokens).expect("a price");
            assert!(price.cost(tokens) >= floor, "{floor} {tokens}");
            let told: PerMillion = price.to_string().parse().expect("a price");
            assert_eq!(told, price);
            let read = price.part_up(4);
            assert!(read.cost(4) >= price.cost(1), "{floor} {tokens}");
        }
    }
    let floor: Dollars = "1usd".parse().expect("an amount");
    assert_eq!(PerMillion::earning_up(floor, 0), None);
    let price = PerMillion::earning_up(floor, 1_000_000).expect("a price");
    assert_eq!(price.to_string(), "1usd");
}
