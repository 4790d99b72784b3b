use alloy_eips::eip2718::{Decodable2718, Encodable2718};

use alloy_primitives::keccak256;

use super::*;

fn sample() -> SystemTx {
    SystemTx {
        number: 77,
        ordinal: 3,
        target: Address::repeat_byte(0x11),
        gas_limit: 2_000_000,
        input: Bytes::from_static(b"prices"),
    }
}

/// EXEC-5: encoding and decoding are inverse, and the sender is fixed.
#[test]
fn round_trip() {
    let tx = sample().into_tx();
    assert_eq!(tx.signer(), SYSTEM_SENDER);
    let bytes = tx.encoded_2718();
    let back = Tx::decode_2718_exact(&bytes).expect("decodes as an ordinary legacy transaction");
    assert_eq!(&back, tx.inner());
    assert_eq!(SystemTx::read(&back), Some(sample()));
    assert_eq!(back.nonce(), (77 << 16) | 3);
}

/// EXEC-5: hashes are unique because the nonce holds height and ordinal.
#[test]
fn hashes_differ_by_place() {
    let hash = |number, ordinal| {
        *SystemTx {
            number,
            ordinal,
            ..sample()
        }
        .into_tx()
        .tx_hash()
    };
    assert_ne!(hash(1, 0), hash(1, 1));
    assert_ne!(hash(1, 0), hash(2, 0));
}

/// EXEC-5: every deviation is refused, and still counts as the reserved shape.
#[test]
fn deviations_are_refused() {
    let base = TxLegacy {
        chain_id: None,
        nonce: 5 << 16,
        gas_price: 0,
        gas_limit: 1,
        to: TxKind::Call(Address::ZERO),
        value: U256::ZERO,
        input: Bytes::new(),
    };
    let zero = |v| Signature::new(U256::ZERO, U256::ZERO, v);
    let cases = [
        (
            TxLegacy {
                gas_price: 1,
                ..base.clone()
            },
            zero(false),
        ),
        (
            TxLegacy {
                value: U256::from(1),
                ..base.clone()
            },
            zero(false),
        ),
        (
            TxLegacy {
                to: TxKind::Create,
                ..base.clone()
            },
            zero(false),
        ),
        (
            TxLegacy {
                chain_id: Some(1),
                ..base.clone()
            },
            zero(false),
        ),
        (base.clone(), zero(true)),
    ];
    for (tx, signature) in cases {
        let tx = Tx::Legacy(tx.into_signed(signature));
        assert_eq!(SystemTx::read(&tx), None);
        assert!(SystemTx::has_shape(&tx));
    }
    let signed = Tx::Legacy(base.into_signed(Signature::new(U256::from(1), U256::from(1), false)));
    assert!(!SystemTx::has_shape(&signed));
    assert_eq!(SystemTx::read(&signed), None);
}

/// EXEC-12: the marker's hash is the hash of the marker.
#[test]
fn marker_hash_is_right() {
    assert_eq!(marker_hash(), keccak256(MARKER));
}
