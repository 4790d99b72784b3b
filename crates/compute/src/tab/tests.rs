use alloy_primitives::{Address, B256, U256, address, b256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolValue as _;
use proptest::prelude::*;

use super::*;
use crate::receipt::Receipt;

mod desk;
mod desks;

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

/// What a key signed before is known again from leaves and voucher, and from nothing that does not fit.
#[test]
fn a_tally_is_read_from_its_voucher_and_leaves() {
    for count in [1, 2, 5, 8, 13] {
        let tally = tally(count);
        let voucher = tally.voucher().expect("receipts").clone();
        let leaves = tally.leaves().to_vec();
        let read = Tally::of(voucher.clone(), leaves.clone()).expect("fits");
        assert_eq!(read.raised([&receipt(99)]), tally.raised([&receipt(99)]));
        let other = Voucher {
            root: B256::ZERO,
            ..voucher.clone()
        };
        assert_eq!(Tally::of(other, leaves.clone()), None);
        assert_eq!(Tally::of(voucher, leaves[1..].to_vec()), None);
    }
}

#[test]
fn rates_round_up_and_back_down() {
    let rate = Rate {
        input: 1_000_000,
        output: 4_000_001,
    };
    assert_eq!(rate.cost_up(5, 40), Some(166));
    assert_eq!(
        rate.cost_up(u64::MAX, u64::MAX).map(|cost| cost > 0),
        Some(true)
    );
    let most = Rate {
        input: u128::MAX,
        output: 0,
    };
    assert_eq!(most.cost_up(2, 0), None);
    assert_eq!(dollars_of(165, 6).to_string(), "0.000165usd");
    assert_eq!(units_up("0.0000001usd".parse().expect("an amount"), 6), 1);
    assert_eq!(units_down("0.0000019usd".parse().expect("an amount"), 6), 1);
}

/// NET-1, NET-3: whatever of a receipt is not as it was agreed, the key does not sign for.
#[test]
fn net_3_what_differs_from_what_was_agreed_is_not_signed_for() {
    let machine = crate::receipt::Machine::random();
    let key = Address::repeat_byte(9);
    let dealt = Dealt {
        machine: machine.address(),
        program: B256::repeat_byte(1),
        rate: Rate {
            input: 1_000_000,
            output: 4_000_000,
        },
        most: 500,
        input: B256::repeat_byte(2),
        input_max: 100,
        output_max: 100,
    };
    let got = Got {
        output: B256::repeat_byte(3),
        text_bytes: 60,
        n: 1,
    };
    let good = Receipt {
        program: dealt.program,
        input: dealt.input,
        output: got.output,
        payer: key.into_word(),
        inputUnits: 5,
        outputUnits: 40,
        cost: 165,
        ..receipt(1)
    };
    let of = |by: &crate::receipt::Machine, receipt: &Receipt| Owed {
        epoch: 9,
        signed: by
            .sign(receipt.clone(), serde_json::Map::new())
            .expect("signed"),
    };
    assert_eq!(dealt.check(key, &of(&machine, &good), Some(&got)), Ok(()));
    let other = crate::receipt::Machine::random();
    let doubt = dealt.check(key, &of(&other, &good), Some(&got));
    assert_eq!(doubt, Err(Doubt::Other("machine")));
    let lies: [(fn(&mut Receipt), Doubt); 10] = [
        (|it| it.program = B256::ZERO, Doubt::Other("program")),
        (|it| it.payer = B256::ZERO, Doubt::Other("payer")),
        (|it| it.input = B256::ZERO, Doubt::Other("request")),
        (|it| it.output = B256::ZERO, Doubt::Other("answer")),
        (|it| it.outcome = 1, Doubt::NotWhole(165)),
        (|it| it.outcome = 2, Doubt::NotWhole(165)),
        (|it| it.outcome = 3, Doubt::NotWhole(165)),
        (
            |it| it.inputUnits = 101,
            Doubt::Miscounted {
                input: 101,
                output: 40,
            },
        ),
        (
            |it| it.outputUnits = 77,
            Doubt::Miscounted {
                input: 5,
                output: 77,
            },
        ),
        (
            |it| it.cost = 166,
            Doubt::Overcharged {
                cost: 166,
                most: 165,
            },
        ),
    ];
    for (lie, doubt) in lies {
        let mut told = good.clone();
        lie(&mut told);
        assert_eq!(
            dealt.check(key, &of(&machine, &told), Some(&got)),
            Err(doubt)
        );
    }
    let mut changed = of(&machine, &good);
    changed.signed.receipt.cost = 1;
    let doubt = dealt.check(key, &changed, Some(&got));
    assert!(matches!(doubt, Err(Doubt::Receipt(_))), "{doubt:?}");
}

#[test]
fn an_errand_is_read_as_it_is_written() {
    let purse = Purse::new(Address::ZERO, PrivateKeySigner::random(), COURT);
    let channel = purse.channel(1, 2);
    let said = purse.errand(channel, b"body", 7, 1_000).expect("signed");
    assert_eq!(said.to_string().parse(), Ok(said.clone()));
    assert!(COURT.is_said(&said.errand(b"body"), purse.key().address(), &said.word));
    assert!(!COURT.is_said(&said.errand(b"else"), purse.key().address(), &said.word));
    // Times of a channel rise, whatever the clock does.
    let next = purse.errand(channel, b"body", 7, 10).expect("signed");
    assert_eq!(next.time_ms, 1_001);
    for wrong in ["", "1 2 3", "0x 1 2 3", "a b c d e"] {
        assert_eq!(wrong.parse::<Said>(), Err(()), "{wrong}");
    }
}

/// What a machine keeps is weighed before it is read: four megabytes of braces must not become half a gigabyte.
#[test]
fn evidence_that_is_all_structure_is_not_read() {
    let dense = format!("{{\"answer\":[{}0]}}", "{\"\":0},".repeat(500_000));
    let refused = Kept::read(dense.as_bytes());
    assert!(refused.is_err_and(|why| why.contains("more memory")));
    let none = Kept::read(b"{\"answer\":[]}");
    assert!(none.is_err_and(|why| why.contains("missing field")));
}
