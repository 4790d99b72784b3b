//! Receipts under a root, made the other way round: by alloy's typed data, and level by level.

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};

use super::*;

/// The domain of receipts.
const DOMAIN: Eip712Domain = eip712_domain! { name: "Capstan Receipt", version: "1", };

pub(super) fn digest(receipt: &Receipt) -> B256 {
    receipt.eip712_signing_hash(&DOMAIN)
}

/// A tree of leaves, all levels of it.
pub(super) struct Tree(Vec<Vec<B256>>);

impl Tree {
    pub(super) fn of(mut leaves: Vec<B256>) -> Self {
        leaves.resize(leaves.len().next_power_of_two(), B256::ZERO);
        let mut levels = vec![leaves];
        while levels.last().expect("one").len() > 1 {
            let level = levels.last().expect("one").chunks_exact(2);
            let above: Vec<_> = level.map(|pair| keccak256(pair.concat_words())).collect();
            levels.push(above);
        }
        Self(levels)
    }

    pub(super) fn root(&self) -> B256 {
        self.0.last().expect("one")[0]
    }

    pub(super) fn proof(&self, index: usize) -> Vec<B256> {
        let below = &self.0[..self.0.len() - 1];
        let other = |(height, level): (usize, &Vec<B256>)| level[(index >> height) ^ 1];
        below.iter().enumerate().map(other).collect()
    }
}

trait Words {
    fn concat_words(&self) -> Vec<u8>;
}

impl Words for [B256] {
    fn concat_words(&self) -> Vec<u8> {
        self.iter().flat_map(|word| word.0).collect()
    }
}

sol! {
    struct Offer {
        uint64 machineId;
        uint32 classId;
        uint256 inputFloor;
        uint256 outputFloor;
        bool isOpen;
        uint64 sequence;
        string endpoint;
    }

    struct Close {
        bytes32 channel;
        uint64 sequence;
    }
}

#[test]
fn what_is_signed_is_typed_data() {
    let (mut world, ..) = start();
    let chain = world.store.block_mut().chain_id;
    let domain = eip712_domain! {
        name: "Capstan Jobs",
        version: "1",
        chain_id: chain,
        verifying_contract: ADDRESS,
    };
    let separator = world.view(ADDRESS, &DOMAIN_SEPARATORCall {});
    assert_eq!(separator, domain.hash_struct());
    let offer = terms(3, 4, (5, 6));
    let typed = Offer {
        machineId: offer.machineId,
        classId: offer.classId,
        inputFloor: offer.inputFloor,
        outputFloor: offer.outputFloor,
        isOpen: offer.isOpen,
        sequence: offer.sequence,
        endpoint: offer.endpoint.clone(),
    };
    let terms = hold_terms(&mut world, BOB, SPENDERS[0], 9, 10);
    let voucher = Voucher {
        channel: B256::repeat_byte(1),
        epoch: 2,
        cost: n(3),
        largest: n(4),
        inputUnits: 5,
        outputUnits: 6,
        receipts: 7,
        root: B256::repeat_byte(8),
    };
    let close = Close {
        channel: B256::repeat_byte(1),
        sequence: 2,
    };
    assert_eq!(Offer::eip712_encode_type(), OFFER_TYPE);
    assert_eq!(Hold::eip712_encode_type(), HOLD_TYPE);
    assert_eq!(Voucher::eip712_encode_type(), VOUCHER_TYPE);
    assert_eq!(Close::eip712_encode_type(), CLOSE_TYPE);
    let cx = &mut world.store.frame(ADDRESS, ADDRESS);
    use crate::jobs::signed::*;
    assert_eq!(
        offer_digest(cx, &offer).expect("hashes"),
        typed.eip712_signing_hash(&domain)
    );
    assert_eq!(
        hold_digest(cx, &terms).expect("hashes"),
        terms.eip712_signing_hash(&domain)
    );
    assert_eq!(
        voucher_digest(cx, &voucher).expect("hashes"),
        voucher.eip712_signing_hash(&domain)
    );
    assert_eq!(
        close_digest(cx, close.channel, close.sequence).expect("hashes"),
        close.eip712_signing_hash(&domain)
    );
}

#[test]
fn a_receipt_is_its_typed_data() {
    let (mut world, ..) = start();
    let plain = receipt(&mut world, KEYS[0], SPENDERS[0], 5);
    let filled = Receipt {
        parents: vec![B256::repeat_byte(1), B256::repeat_byte(2)],
        firstMs: 11,
        energyMj: 12,
        outcome: 3,
        notes: B256::repeat_byte(4),
        cost: u128::MAX,
        ..plain
    };
    assert_eq!(Receipt::eip712_encode_type(), RECEIPT_TYPE);
    for receipt in [plain, filled] {
        let expected = digest(&receipt);
        let found = world.view(ADDRESS, &receiptDigestCall { receipt });
        assert_eq!(found, expected);
    }
}

#[test]
fn a_receipt_lies_under_its_root_at_its_index_alone() {
    let (mut world, ..) = start();
    for count in [1_u32, 2, 3, 5, 8, 100] {
        let leaves: Vec<_> = (0..count)
            .map(|leaf| keccak256(leaf.to_be_bytes()))
            .collect();
        let tree = Tree::of(leaves.clone());
        let cx = &mut world.store.frame(ADDRESS, ADDRESS);
        let mut is_under = |index: u32, leaf: usize, proof: &[B256]| {
            let root = tree.root();
            crate::jobs::receipt::is_under(cx, root, count, index, leaves[leaf], proof)
                .expect("hashes")
        };
        for index in 0..count {
            let proof = tree.proof(index as usize);
            assert!(is_under(index, index as usize, &proof));
            let other = (index + 1) % count;
            if other != index {
                assert!(!is_under(other, index as usize, &proof));
                assert!(!is_under(index, other as usize, &proof));
                assert!(!is_under(index, index as usize, &proof[1..]));
            }
            let longer = [proof.as_slice(), &[B256::ZERO]].concat();
            assert!(!is_under(index, index as usize, &longer));
        }
        assert!(!is_under(count, 0, &tree.proof(0)));
    }
}

/// The roots that whoever writes a gateway compares with.
#[test]
fn roots_of_one_to_three_leaves() {
    let leaf = |byte: u8| B256::repeat_byte(byte);
    assert_eq!(Tree::of(vec![leaf(1)]).root(), leaf(1));
    let two = keccak256([leaf(1).0, leaf(2).0].concat());
    assert_eq!(Tree::of(vec![leaf(1), leaf(2)]).root(), two);
    let rest = keccak256([leaf(3).0, [0; 32]].concat());
    let three = keccak256([two.0, rest.0].concat());
    assert_eq!(Tree::of(vec![leaf(1), leaf(2), leaf(3)]).root(), three);
}
