use super::*;

fn report(collateral: u64, debt: u64) -> Report {
    let usd = |whole: u64| {
        let amount = dollars(whole);
        json!({"amount": amount, "decimals": 18, "text": whole.to_string()})
    };
    let whole = json!({
        "collateral": usd(collateral),
        "borrowable": usd(0),
        "debt": usd(debt),
        "healthInitial": null,
        "healthMaintenance": null,
        "roomToFallBps": 0,
        "costPerDay": usd(0),
    });
    serde_json::from_value(whole).expect("a report")
}

fn dollars(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10).pow(U256::from(18))
}

fn typed(unused: &[Address], stakes: &Stakes) -> Vec<String> {
    let asked = questions(unused, stakes);
    asked.into_iter().map(|one| one.typed).collect()
}

#[track_caller]
fn check(unused: &[Address], before: (u64, u64), after: (u64, u64), expected: &[&str]) {
    let (before, after) = (report(before.0, before.1), report(after.0, after.1));
    assert_eq!(
        typed(unused, &Stakes::of_reports(&before, &after)),
        expected
    );
}

/// CLI-16
#[test]
fn cli_16_new_addresses_and_large_amounts_are_asked_for_twice() {
    let new = Address::repeat_byte(0xab);
    let last = new.to_string();
    let last = &last[last.len() - 4..];
    check(&[], (30_000, 0), (30_000, 9_000), &[]);
    check(&[], (30_000, 0), (30_000, 15_000), &["15000"]);
    check(&[], (30_000, 0), (19_000, 0), &["11000"]);
    check(&[], (30_000, 20_000), (30_000, 0), &[]);
    check(&[new], (100, 0), (50, 0), &[last]);

    let swapped = |usd| Stakes::default().value(dollars(usd), "are swapped");
    assert_eq!(typed(&[], &swapped(10_000)), [] as [&str; 0]);
    assert_eq!(typed(&[], &swapped(10_001)), ["10001"]);
    assert_eq!(typed(&[new], &swapped(12_345)), [last, "12345"]);
}

/// CLI-16: each answer counts, in its turn, and the first wrong one ends it.
#[test]
fn cli_16_only_the_typed_words_agree() {
    let stakes = Stakes::default().value(dollars(12_345), "are swapped");
    let asked = questions(&[Address::repeat_byte(0xab)], &stakes);
    let last = asked[0].typed.clone();
    let outcome = |answers: &[&str]| {
        let mut left = answers.iter();
        let mut shown = Vec::new();
        let agreed = agrees(&asked, &mut |question| {
            shown.push(question.to_owned());
            Ok(left.next().expect("an answer").to_string())
        });
        (agreed.expect("asked"), shown.len())
    };
    assert_eq!(outcome(&["y", &last, "12345"]), (true, 3));
    assert_eq!(
        outcome(&["yes\n", &format!(" {last} "), "12345\n"]),
        (true, 3)
    );
    assert_eq!(outcome(&["n"]), (false, 1));
    assert_eq!(outcome(&[""]), (false, 1));
    assert_eq!(outcome(&["y", "y"]), (false, 2));
    assert_eq!(outcome(&["y", &last, "12346"]), (false, 3));
    let none = agrees(&[], &mut |_| Ok("Y".to_owned()));
    assert!(none.expect("asked"));
}
