use alloy_primitives::b256;
use serde_json::json;

use super::*;

/// The example of EIP-712 itself.
fn mail() -> Value {
    json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"}
            ],
            "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
            "Mail": [
                {"name": "from", "type": "Person"},
                {"name": "to", "type": "Person"},
                {"name": "contents", "type": "string"}
            ]
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail",
            "version": "1",
            "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"
        },
        "message": {
            "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
            "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
            "contents": "Hello, Bob!"
        }
    })
}

const MAIL_HASH: B256 = b256!("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");

fn check(data: &Value, expect: Result<B256, &str>) {
    let hash = TypedData::read(&data.to_string()).and_then(|data| data.signing_hash());
    match expect {
        Ok(expect) => assert_eq!(hash, Ok(expect)),
        Err(part) => {
            let reason = hash.expect_err("the data is wrong");
            assert!(reason.contains(part), "{reason:?} does not say {part:?}");
        }
    }
}

#[test]
fn the_example_of_the_specification() {
    check(&mail(), Ok(MAIL_HASH));
}

#[test]
fn text_of_an_object_and_an_implied_domain_are_the_same() {
    check(&Value::String(mail().to_string()), Ok(MAIL_HASH));
    let mut implied = mail();
    implied["types"]
        .as_object_mut()
        .expect("an object")
        .remove("EIP712Domain");
    check(&implied, Ok(MAIL_HASH));
}

#[test]
fn numbers_in_every_notation_hash_alike() {
    for chain_id in [json!("1"), json!("0x1")] {
        let mut data = mail();
        data["domain"]["chainId"] = chain_id;
        check(&data, Ok(MAIL_HASH));
    }
}

#[test]
fn wrong_values_are_named() {
    let mut data = mail();
    data["message"]["from"]["wallet"] = json!("nobody");
    check(&data, Err("Person.wallet"));
    let mut data = mail();
    data["domain"]["chainId"] = json!(-1);
    check(&data, Err("EIP712Domain.chainId"));
    let mut data = mail();
    data["primaryType"] = json!("Letter");
    check(&data, Err("type Letter is not defined"));
}

#[test]
fn integers_keep_to_their_width() {
    let word = |kind: &str, value: Value| encode_atom(kind, &value).ok();
    assert_eq!(word("uint8", json!(255)), Some(U256::from(255).into()));
    assert_eq!(word("uint8", json!(256)), None);
    assert_eq!(
        word("int8", json!(-128)),
        Some((-I256::try_from(128).unwrap()).into_raw().into())
    );
    assert_eq!(word("int8", json!(-129)), None);
    assert_eq!(word("int8", json!(128)), None);
    assert_eq!(word("uint7", json!(1)), None);
    assert_eq!(
        word("bytes2", json!("0x1234")).map(|word| word[1]),
        Some(0x34)
    );
    assert_eq!(word("bytes2", json!("0x12")), None);
    assert_eq!(word("bytes33", json!("0x12")), None);
}

#[test]
fn endless_nesting_ends() {
    let mut data = json!({
        "types": {"Node": [{"name": "next", "type": "Node"}]},
        "primaryType": "Node",
        "domain": {},
        "message": {}
    });
    let mut node = json!({});
    for _ in 0..DEPTH_MAX + 2 {
        node = json!({ "next": node });
    }
    data["message"] = node;
    // serde_json refuses what is deeper than its own bound; ours is below it.
    check(&data, Err("nests deeper"));
}
