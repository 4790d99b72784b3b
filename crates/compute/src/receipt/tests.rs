use alloy_primitives::{U256, b256, keccak256};
use alloy_sol_types::SolValue as _;
use serde_json::json;

use super::*;

fn filled() -> Receipt {
    Receipt {
        job: B256::repeat_byte(1),
        program: B256::repeat_byte(2),
        input: B256::repeat_byte(3),
        output: B256::repeat_byte(4),
        parents: vec![B256::repeat_byte(5), B256::repeat_byte(6)],
        payer: B256::repeat_byte(7),
        machine: Address::ZERO,
        startedMs: 8,
        firstMs: 9,
        tookMs: 10,
        inputUnits: 11,
        outputUnits: 12,
        cost: u128::MAX - 1,
        energyMj: 14,
        outcome: 0,
        notes: B256::ZERO,
    }
}

fn notes() -> Map<String, Value> {
    match json!({"model": "m", "attempts": 1}) {
        Value::Object(notes) => notes,
        _ => Map::new(),
    }
}

/// RCPT-1, RCPT-2
#[test]
fn rcpt_2_a_receipt_verifies_until_anything_in_it_changes() {
    let machine = Machine::random();
    let signed = machine.sign(filled(), notes()).expect("signs");
    assert_eq!(signed.verify(), Ok(()));
    let text = serde_json::to_value(&signed).expect("JSON");
    let back: Signed = serde_json::from_value(text.clone()).expect("reads");
    assert_eq!(back, signed);

    // Every field of the receipt, one at a time, by one digit or one step.
    let fields = text["receipt"].as_object().expect("fields");
    assert_eq!(fields.len(), 16);
    for (name, value) in fields {
        let mut broken = text.clone();
        broken["receipt"][name] = match value {
            Value::String(hex) if hex.starts_with("0x") => json!(flip_last(hex)),
            Value::Number(number) => json!(number.as_u64().expect("small") + 1),
            Value::String(_) => json!(u128::MAX.to_string()),
            Value::Array(_) => json!([B256::repeat_byte(5)]),
            other => panic!("{name}: {other}"),
        };
        let broken: Signed = serde_json::from_value(broken).expect("reads");
        let why = broken.verify().expect_err(name);
        assert!(matches!(why, ReceiptError::Id { .. }), "{name}: {why}");
        // With the id of what it says now, the signature is somebody else's.
        let renamed = Signed {
            id: broken.receipt.id(),
            ..broken
        };
        assert!(renamed.verify().is_err(), "{name}");
    }
    let mut other = signed.clone();
    other.notes.insert("model".into(), json!("dearer"));
    assert!(matches!(other.verify(), Err(ReceiptError::Notes { .. })));
    let mut other = signed;
    other.signature = "0x00".into();
    assert_eq!(other.verify(), Err(ReceiptError::Signature));
}

fn flip_last(hex: &str) -> String {
    let last = if hex.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &hex[..hex.len() - 1])
}

/// RCPT-2: the other form of a signature, which recovers the same signer, is refused.
#[test]
fn rcpt_2_a_signature_has_one_form() {
    let signed = Machine::random().sign(filled(), notes()).expect("signs");
    let bytes = hex::decode(&signed.signature).expect("hex");
    let order = U256::from_be_bytes(
        b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0,
    );
    let high = order - U256::from_be_slice(&bytes[32..64]);
    let mut twin = bytes;
    twin[32..64].copy_from_slice(&high.to_be_bytes::<32>());
    twin[64] = 55 - twin[64];
    let twin = Signed {
        signature: hex::encode_prefixed(twin),
        ..signed
    };
    assert_eq!(twin.verify(), Err(ReceiptError::Signature));
}

/// The digest, put together by hand as a contract would.
#[test]
fn rcpt_1_the_id_is_the_eip_712_digest() {
    let receipt = filled();
    let kind = "Receipt(bytes32 job,bytes32 program,bytes32 input,bytes32 output,bytes32[] parents,bytes32 payer,\
                address machine,uint64 startedMs,uint64 firstMs,uint64 tookMs,uint64 inputUnits,uint64 outputUnits,\
                uint128 cost,uint64 energyMj,uint8 outcome,bytes32 notes)";
    let word = |value: u64| B256::from(U256::from(value));
    let mut words = vec![
        keccak256(kind),
        receipt.job,
        receipt.program,
        receipt.input,
        receipt.output,
    ];
    words.push(keccak256(receipt.parents.concat_words()));
    words.extend([receipt.payer, B256::ZERO]);
    words.extend([8, 9, 10, 11, 12].map(word));
    words.push(B256::from(U256::from(receipt.cost)));
    words.extend([14, 0].map(word));
    words.push(receipt.notes);
    let inner = keccak256(words.concat_words());
    let domain = [
        keccak256("EIP712Domain(string name,string version)"),
        keccak256("Capstan Receipt"),
        keccak256("1"),
    ];
    let outer = keccak256(domain.to_vec().concat_words());
    let mut digest = vec![0x19, 0x01];
    digest.extend(outer.0);
    digest.extend(inner.0);
    assert_eq!(receipt.id(), keccak256(digest));
    // A contract packs static words the same way.
    assert_eq!(words[2].abi_encode(), words[2].to_vec());
}

trait ConcatWords {
    fn concat_words(&self) -> Vec<u8>;
}

impl ConcatWords for Vec<B256> {
    fn concat_words(&self) -> Vec<u8> {
        self.iter().flat_map(|word| word.0).collect()
    }
}

#[test]
fn canonical_text_has_one_form() {
    let check = |text: &str, expected: &str| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(canonical(&value), expected);
    };
    check(
        r#"{ "b": 1, "a": [true, null, "x\u00e9\n"] }"#,
        "{\"a\":[true,null,\"xé\\n\"],\"b\":1}",
    );
    check(
        r#"{"a":{"z":0.5,"y":1e3}}"#,
        r#"{"a":{"y":1000.0,"z":0.5}}"#,
    );
    check(r#""A""#, r#""A""#);
    check("[]", "[]");
}

#[test]
fn the_way_an_answer_travels_is_no_part_of_the_work() {
    let read = |value: Value| value.as_object().cloned().expect("object");
    let plain = read(json!({"model": "m", "messages": []}));
    let streamed = read(
        json!({"messages": [], "stream": true, "model": "m", "user": "u",
        "stream_options": {"include_usage": true}}),
    );
    let other = read(json!({"model": "m", "messages": [], "seed": 1}));
    assert_eq!(request_hash(&plain), request_hash(&streamed));
    assert_ne!(request_hash(&plain), request_hash(&other));
}

#[test]
fn a_machine_keeps_its_key_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("machine.key");
    let first = Machine::in_file(&path).expect("made");
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = Machine::in_file(&path).expect("read");
    assert_eq!(first.address(), again.address());
    fs::write(&path, "nonsense").expect("written");
    let why = Machine::in_file(&path).expect_err("no key").to_string();
    assert!(why.contains("64 hexadecimal digits"), "{why}");
}
