use alloy_primitives::{Address, B256, U256, address, b256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolValue as _;
use proptest::prelude::*;

use super::*;
use crate::receipt::Receipt;

const COURT: Court = Court {
    chain_id: 31_337,
    contract: address!("0xca957a0000000000000000000020000000000000"),
};

fn receipt(number: u64) -> Receipt {
    Receipt {
        job: B256::from(U256::from(number)),
        program: B256::ZERO,
        input: B256::ZERO,
        output: B256::ZERO,
        parents: Vec::new(),
        payer: B256::ZERO,
        machine: Address::ZERO,
        startedMs: 1,
        firstMs: 1,
        tookMs: 1,
        inputUnits: number,
        outputUnits: 2 * number,
        cost: u128::from(number % 7) * 1_000,
        energyMj: 0,
        outcome: 0,
        notes: B256::ZERO,
    }
}

fn tally(count: u64) -> Tally {
    let channel = channel_of(Address::ZERO, Address::ZERO, 1, 2);
    let mut tally = Tally::new(channel, 9);
    for number in 0..count {
        let foreseen = tally.raised([&receipt(number)]);
        assert!(tally.push(&receipt(number)));
        assert_eq!(tally.voucher(), foreseen.as_ref());
    }
    tally
}

/// The root from all leaves at once.
fn naive(mut row: Vec<B256>) -> B256 {
    row.resize(row.len().next_power_of_two(), B256::ZERO);
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .map(|pair| keccak256([pair[0].0, pair[1].0].concat()))
            .collect();
    }
    row[0]
}

proptest! {
    /// TAB-1
    #[test]
    fn tab_1_root_and_proofs_are_those_of_all_leaves(count in 1_u64..140, at in 0_u64..140) {
        let tally = tally(count);
        let voucher = tally.voucher().expect("receipts");
        let leaves: Vec<_> = (0..count).map(|number| receipt(number).id()).collect();
        prop_assert_eq!(voucher.root, naive(leaves));
        prop_assert_eq!(u64::from(voucher.receipts), count);
        let numbers = 0..count;
        prop_assert_eq!(voucher.cost, numbers.clone().map(|n| U256::from(receipt(n).cost)).sum::<U256>());
        prop_assert_eq!(voucher.largest, numbers.map(|n| U256::from(receipt(n).cost)).max().expect("one"));
        let index = usize::try_from(at % count).expect("small");
        let proof = tally.proof(index);
        // As the contract walks it: bit i of the index says on which side the other stands.
        let up = proof.iter().enumerate().fold(receipt(at % count).id(), |node, (level, other)| {
            let pair = if index >> level & 1 == 1 { [other.0, node.0] } else { [node.0, other.0] };
            keccak256(pair.concat())
        });
        prop_assert_eq!(up, voucher.root);
        prop_assert_eq!(proof.len(), count.next_power_of_two().trailing_zeros() as usize);
    }
}

#[test]
fn nothing_is_no_voucher_and_sums_have_an_end() {
    let mut nothing = tally(0);
    assert_eq!(nothing.voucher(), None);
    assert_eq!(nothing.epoch(), 9);
    let mut huge = receipt(1);
    huge.inputUnits = u64::MAX;
    assert!(nothing.push(&huge));
    let before = nothing.clone();
    assert!(!nothing.push(&huge));
    assert_eq!((nothing.raised([&huge]), nothing), (None, before));
}

/// TAB-2
#[test]
fn tab_2_what_is_signed_binds_every_field() {
    let tally = tally(5);
    let voucher = tally.voucher().expect("receipts").clone();
    // By hand, as specs/jobs.md writes it.
    let kind = "Voucher(bytes32 channel,uint64 epoch,uint256 cost,uint256 largest,uint64 inputUnits,uint64 outputUnits,uint32 receipts,bytes32 root)";
    let fields = (
        voucher.channel,
        voucher.epoch,
        voucher.cost,
        voucher.largest,
        voucher.inputUnits,
        voucher.outputUnits,
        U256::from(voucher.receipts),
        voucher.root,
    );
    let message = keccak256([&keccak256(kind).0[..], &fields.abi_encode()].concat());
    let domain = (
        b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f"),
        keccak256("Capstan Jobs"),
        keccak256("1"),
        U256::from(COURT.chain_id),
        COURT.contract,
    );
    let domain = keccak256(domain.abi_encode());
    let digest = keccak256([b"\x19\x01".as_slice(), &domain.0, &message.0].concat());
    assert_eq!(COURT.digest(&voucher), digest);

    let key = PrivateKeySigner::random();
    let word = COURT.sign(&voucher, &key).expect("signed");
    assert!(COURT.is_said(&voucher, key.address(), &word));
    assert!(!COURT.is_said(&voucher, Address::ZERO, &word));
    let elsewhere = Court {
        chain_id: 1,
        ..COURT
    };
    assert!(!elsewhere.is_said(&voucher, key.address(), &word));
    let changes: [fn(&mut Voucher); 8] = [
        |it| it.channel = B256::ZERO,
        |it| it.epoch += 1,
        |it| it.cost += U256::ONE,
        |it| it.largest += U256::ONE,
        |it| it.inputUnits += 1,
        |it| it.outputUnits += 1,
        |it| it.receipts += 1,
        |it| it.root = B256::ZERO,
    ];
    for change in changes {
        let mut other = voucher.clone();
        change(&mut other);
        assert!(!COURT.is_said(&other, key.address(), &word), "{other:?}");
    }
}
