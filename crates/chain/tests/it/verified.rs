//! Blocks judged from their access lists (PER-2, PER-4, PER-7), and their records (PER-8).

use alloy_eip7928::BlockAccessList;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_rlp::Decodable as _;
use capstan_chain::{ChainConfig, RawBlock, Verdict, Verify};
use capstan_evm::StateDiff;
use capstan_evm::record::{Access, Locations, Sidecar, analyse};

use crate::world::{World, config, counter, plain};

const BOB: Address = Address::repeat_byte(0xb0);

fn judge(threads: usize) -> World {
    World::open(ChainConfig {
        verify: Verify {
            threads,
            from_gas: 0,
        },
        ..config()
    })
}

/// A block in which everybody calls one contract, and one of them pays somebody twice.
fn made(maker: &World) -> RawBlock {
    let created = maker.address(0).create(0);
    maker.chain.submit(maker.create(0, 0, counter())).unwrap();
    for who in 1..4 {
        let call = alloy_consensus::TxEip1559 {
            to: alloy_primitives::TxKind::Call(created),
            input: Bytes::from(vec![7; 32]),
            ..plain(0)
        };
        maker.chain.submit(maker.sign(who, call)).unwrap();
        maker.chain.submit(maker.transfer(who, 1, BOB, 5)).unwrap();
    }
    maker.mine().raw()
}

/// PER-2, PER-4: a list with one wrong entry makes the block bad; the entry is named, in the same words by one thread and
/// by several.
#[test]
fn per_2_a_wrong_entry_is_named() {
    let maker = World::new();
    let good = made(&maker);
    let list = BlockAccessList::decode(&mut good.access_list.as_ref()).unwrap();
    let bob = list
        .iter()
        .position(|account| account.address == BOB)
        .unwrap();
    type Spoil = fn(&mut BlockAccessList, usize);
    let cases: [(&str, Spoil); 3] = [
        ("balance of", |list, bob| {
            list[bob].balance_changes[1].post_balance += U256::from(1);
        }),
        ("account of", |list, bob| drop(list.remove(bob))),
        ("nothing does it", |list, bob| {
            list[bob].storage_reads.push(U256::from(3));
        }),
    ];
    for (words, spoil) in cases {
        let mut wrong = list.clone();
        spoil(&mut wrong, bob);
        let mut raw = good.clone();
        raw.access_list = alloy_rlp::encode(&wrong).into();
        raw.header.block_access_list_hash = Some(keccak256(&raw.access_list));
        let verdicts: Vec<Verdict> = (1..4)
            .map(|threads| judge(threads).chain.check(&raw).unwrap())
            .collect();
        let Verdict::Bad(reason) = &verdicts[0] else {
            panic!("{words}: {verdicts:?}");
        };
        assert!(reason.starts_with("blockAccessListHash"), "{reason}");
        assert!(reason.contains(words), "{words}: {reason}");
        assert!(reason.contains(&BOB.to_string()), "{reason}");
        assert!(
            verdicts.iter().all(|verdict| *verdict == verdicts[0]),
            "{verdicts:?}"
        );
    }
    for threads in 1..4 {
        assert_eq!(judge(threads).chain.check(&good).unwrap(), Verdict::Ok);
    }
}

/// PER-13: the root that is made from the list while transactions run is the block's, block after block; a list that is wrong
/// is not saved by a root that fits it.
#[test]
fn per_13_a_root_made_ahead_is_the_blocks_root() {
    let (maker, judge) = (World::new(), judge(2));
    let mut blocks = vec![made(&maker)];
    for nonce in 2..5 {
        let paid = maker.transfer(1, nonce, BOB, 7);
        maker.chain.submit(paid).unwrap();
        blocks.push(maker.mine().raw());
    }
    let mut forged = blocks[0].clone();
    let mut list = BlockAccessList::decode(&mut forged.access_list.as_ref()).unwrap();
    let bob = list.iter_mut().find(|account| account.address == BOB);
    let last = bob.unwrap().balance_changes.last_mut().unwrap();
    last.post_balance += U256::from(1);
    let before = judge.chain.final_state_at(0).unwrap();
    let diff = StateDiff::from_access_list(&list, &*before).unwrap();
    forged.header.state_root = judge.chain.root_with(0_u64, &diff).unwrap();
    forged.access_list = alloy_rlp::encode(&list).into();
    forged.header.block_access_list_hash = Some(keccak256(&forged.access_list));
    let verdict = judge.chain.check(&forged).unwrap();
    let Verdict::Bad(reason) = verdict else {
        panic!("{verdict:?}");
    };
    assert!(reason.contains(&BOB.to_string()), "{reason}");
    for raw in &blocks {
        assert_eq!(judge.chain.check(raw).unwrap(), Verdict::Ok);
        let block = judge.chain.finalize(raw.header.hash_slow()).unwrap();
        assert_eq!(block.header.state_root, raw.header.state_root);
    }
    let redone = judge.chain.replay_records(None, &mut |_, _| {}).unwrap();
    assert_eq!(redone.blocks, blocks.len() as u64, "PER-14");
}

/// PER-8: a record says who looked, who wrote and who only added, in at most three bytes for each place.
#[test]
fn per_8_a_record_follows_from_the_block() {
    let maker = World::new();
    made(&maker);
    let block = maker.chain.head();
    let record = maker.chain.record(&block).unwrap();
    let places = Locations::of(&record.outcome.access_list);
    let bytes = record.sidecar.encode();
    let touches: usize = record
        .sidecar
        .rows
        .iter()
        .map(|row| row.accesses.len())
        .sum();
    assert!(
        bytes.len() <= 3 * touches,
        "{} bytes for {touches}",
        bytes.len()
    );
    let again = Sidecar::decode(&bytes, places.len());
    assert_eq!(again.as_ref(), Ok(&record.sidecar));
    assert_eq!(maker.chain.record(&block).unwrap().sidecar, record.sidecar);

    let gas: u64 = record.sidecar.rows.iter().map(|row| row.gas).sum();
    assert_eq!(gas, block.header.gas_used);
    // Whoever pays somebody with no code adds to his coins: three payments do not wait for each other.
    let bob = places.account(BOB).unwrap();
    let at_bob = record.sidecar.rows.iter().flat_map(|row| &row.accesses);
    let at_bob: Vec<Access> = at_bob
        .filter(|(id, _)| *id == bob)
        .map(|(_, access)| *access)
        .collect();
    assert_eq!(at_bob, [Access::Delta; 3]);
    // The contract is made in this block, and its counter is written by each: that is what they wait for.
    let counted = places.word(maker.address(0).create(0), U256::ZERO).unwrap();
    let found = analyse(&record.sidecar);
    let counter = found.hot.iter().find(|hot| hot.place == counted).unwrap();
    assert_eq!((counter.write_count, counter.wait_count), (3, 2));
    assert!(found.critical_gas < found.gas && found.parallelism_milli() > 1_000);
}
