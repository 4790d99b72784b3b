use std::{
    sync::{Arc, Barrier},
    thread,
};

use alloy_consensus::{Header, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use capstan_chain::{
    At, Block, ChainConfig, ChainError, RawBlock, Refusal, Verdict, split_time_ms,
};
use capstan_contracts::{SystemKind, oracle::encode_reports};
use capstan_evm::SystemTx;

use crate::world::{World, config, counter, plain};

const BOB: Address = Address::repeat_byte(0xb0);

/// The shortest way: a transaction goes in, a block comes out, and `latest` shows it.
#[test]
fn a_transfer_arrives() {
    let world = World::new();
    let hash = world.chain.submit(world.transfer(0, 0, BOB, 7)).unwrap();
    assert_eq!(world.balance(At::Latest, BOB), U256::ZERO);
    let block = world.mine();
    assert_eq!((block.number(), block.transactions.len()), (1, 1));
    assert_eq!(world.balance(At::Latest, BOB), U256::from(7));
    assert_eq!(world.balance(0, BOB), U256::ZERO, "the past stays");
    let (found, index) = world.chain.transaction(hash).unwrap().unwrap();
    assert_eq!((found.hash(), index), (block.hash(), 0));
    assert!(block.receipts[0].status());
    assert_eq!(world.chain.pool().status().pending, 0);
    let fee = U256::from(block.gas_used_by(0)) * U256::from(block.effective_gas_price_wei(0));
    let start = world.balance(0, world.address(0));
    assert_eq!(
        world.balance(At::Latest, world.address(0)),
        start - fee - U256::from(7)
    );
}

/// CHAIN-1: a block that one node built is good for another, and leads to the same state root.
#[test]
fn chain_1_built_is_good() {
    let (maker, judge) = (World::new(), World::new());
    let created = maker.address(0).create(0);
    let mut nonce = 1;
    maker.chain.submit(maker.create(0, 0, counter())).unwrap();
    for round in 0..5 {
        for _ in 0..4 {
            let call = alloy_consensus::TxEip1559 {
                to: alloy_primitives::TxKind::Call(created),
                input: Bytes::copy_from_slice(B256::from(U256::from(nonce)).as_slice()),
                ..crate::world::plain(nonce)
            };
            maker.chain.submit(maker.sign(0, call)).unwrap();
            maker
                .chain
                .submit(maker.transfer(1, nonce - 1, BOB, 5))
                .unwrap();
            nonce += 1;
        }
        let block = maker.mine();
        let raw = RawBlock::decode(&block.raw().encode()).unwrap();
        assert_eq!(
            judge.chain.check(&raw).unwrap(),
            Verdict::Ok,
            "round {round}"
        );
        let same = judge.chain.finalize(block.hash()).unwrap();
        assert_eq!(
            (same.hash(), &same.receipts),
            (block.hash(), &block.receipts)
        );
    }
    let head = maker.chain.head();
    assert_eq!(maker.chain.head().hash(), judge.chain.head().hash());
    let state = judge.chain.state_at(At::Latest).unwrap();
    assert_eq!(
        state.storage(created, U256::ZERO).unwrap(),
        U256::from(nonce - 1)
    );
    assert!(head.receipts.iter().all(|receipt| receipt.status()));
}

/// CHAIN-2: of two siblings one becomes final; the other, and all that stands on it, is dropped.
#[test]
fn chain_2_siblings() {
    let world = World::new();
    let root = world.chain.head();
    let (a, b) = (Address::repeat_byte(0xaa), Address::repeat_byte(0xbb));
    let build = |parent: &Block, nonce, to| {
        let inputs = world.inputs(parent, vec![world.transfer(0, nonce, to, 9)]);
        world.chain.build(parent.hash(), inputs).unwrap().block
    };
    let left = build(&root, 0, a);
    let right = build(&root, 0, b);
    let left_child = build(&left, 1, a);
    let right_child = build(&right, 1, b);
    assert_ne!(left.header.state_root, right.header.state_root);
    let seen = |block: &Block, of| world.balance(At::Hash(block.hash()), of).to::<u64>();
    assert_eq!((seen(&left_child, a), seen(&left_child, b)), (18, 0));
    assert_eq!((seen(&right_child, a), seen(&right_child, b)), (0, 18));
    assert_eq!(
        world.balance(At::Latest, a),
        U256::ZERO,
        "nothing is final yet"
    );

    world.chain.finalize(right.hash()).unwrap();
    assert_eq!(world.balance(At::Latest, b), U256::from(9));
    for gone in [&left, &left_child] {
        assert!(world.chain.block(gone.hash()).unwrap().is_none());
        let error = world.chain.finalize(gone.hash()).unwrap_err();
        assert!(matches!(error, ChainError::UnknownBlock(_)), "{error}");
        assert!(matches!(
            world.chain.check(&gone.raw()).unwrap(),
            Verdict::NotYet(_)
        ));
    }
    assert_eq!(
        seen(&right_child, b),
        18,
        "what stands on the final block stays"
    );
    world.chain.finalize(right_child.hash()).unwrap();
    assert_eq!(world.chain.head().hash(), right_child.hash());
    world
        .chain
        .finalize(right.hash())
        .expect("doing it again is not an error");
    assert_eq!(world.chain.head().number(), 2);
}

/// CHAIN-3: a deep chain of candidates becomes final by its last block, ancestors first.
#[test]
fn chain_3_deep_candidates() {
    let world = World::new();
    let mut parent = world.chain.head();
    for nonce in 0..40 {
        let inputs = world.inputs(&parent, vec![world.transfer(0, nonce, BOB, 1)]);
        parent = world.chain.build(parent.hash(), inputs).unwrap().block;
    }
    assert_eq!(world.balance(At::Hash(parent.hash()), BOB), U256::from(40));
    world.chain.finalize(parent.hash()).unwrap();
    assert_eq!(world.chain.head().number(), 40);
    for number in [1, 7, 40] {
        assert_eq!(world.balance(number, BOB), U256::from(number));
    }
}

/// CHAIN-4: every header field and the body are what execution makes of them, or the block is bad by name.
#[test]
fn chain_4_bad_blocks() {
    let maker = World::new();
    let root = maker.chain.head();
    let transactions = vec![maker.transfer(0, 0, BOB, 1), maker.transfer(1, 0, BOB, 2)];
    let good = maker
        .chain
        .build(root.hash(), maker.inputs(&root, transactions))
        .unwrap()
        .block;
    type Spoil = fn(&mut RawBlock);
    fn header(raw: &mut RawBlock) -> &mut Header {
        &mut raw.header
    }
    let cases: Vec<(&str, Spoil)> = vec![
        ("number", |raw| header(raw).number += 1),
        ("stateRoot", |raw| header(raw).state_root.0[0] ^= 1),
        ("transactionsRoot", |raw| {
            header(raw).transactions_root.0[0] ^= 1
        }),
        ("receiptsRoot", |raw| header(raw).receipts_root.0[0] ^= 1),
        ("logsBloom", |raw| header(raw).logs_bloom.0[0] ^= 1),
        ("gasLimit", |raw| header(raw).gas_limit += 1),
        ("gasUsed", |raw| header(raw).gas_used += 1),
        ("difficulty", |raw| header(raw).difficulty = U256::from(1)),
        ("nonce", |raw| header(raw).nonce.0[0] = 1),
        ("sha3Uncles", |raw| header(raw).ommers_hash.0[0] ^= 1),
        ("withdrawalsRoot", |raw| header(raw).withdrawals_root = None),
        ("blobGasUsed", |raw| header(raw).blob_gas_used = Some(1)),
        ("excessBlobGas", |raw| header(raw).excess_blob_gas = Some(1)),
        ("parentBeaconBlockRoot", |raw| {
            header(raw).parent_beacon_block_root = Some(B256::repeat_byte(1));
        }),
        ("requestsHash", |raw| header(raw).requests_hash = None),
        ("blockAccessListHash", |raw| {
            header(raw).block_access_list_hash = Some(B256::repeat_byte(1));
        }),
        ("accessList", |raw| raw.access_list = vec![0xc0].into()),
        ("time", |raw| {
            (header(raw).timestamp, header(raw).extra_data) = split_time_ms(5)
        }),
        ("extraData", |raw| {
            header(raw).extra_data = vec![1, 2, 3].into()
        }),
        ("extraData", |raw| {
            header(raw).extra_data = 1000u16.to_be_bytes().into()
        }),
        ("transactionsRoot", |raw| drop(raw.transactions.pop())),
        ("transaction 0", |raw| raw.transactions.swap(0, 1)),
        ("transaction 2", |raw| {
            raw.transactions.push(raw.transactions[0].clone())
        }),
    ];
    for (field, spoil) in cases {
        let judge = World::new();
        let mut raw = good.raw();
        spoil(&mut raw);
        match judge.chain.check(&raw).unwrap() {
            // Two transfers of different senders stand in either order; the root still tells.
            Verdict::Bad(reason) if field == "transaction 0" => {
                assert!(reason.contains("Root"), "{reason}");
            }
            Verdict::Bad(reason) => assert!(reason.starts_with(field), "{field}: {reason}"),
            other => panic!("{field}: {other:?}"),
        }
        assert_eq!(
            judge.chain.check(&good.raw()).unwrap(),
            Verdict::Ok,
            "{field}: untouched"
        );
    }
}

/// CHAIN-11: a block may do each kind of system work once, with the gas that is left for it.
#[test]
fn chain_11_system_work_is_done_once() {
    let maker = World::new();
    let root = maker.chain.head();
    let inputs = maker.inputs(&root, vec![maker.transfer(0, 0, BOB, 1)]);
    let good = maker.chain.build(root.hash(), inputs).unwrap().block;
    let prices = |ordinal, gas_limit| {
        let tx = SystemTx {
            number: 1,
            ordinal,
            target: SystemKind::Prices.target(),
            gas_limit,
            input: encode_reports(&[]),
        };
        tx.into_tx().into_inner()
    };
    let all = maker.chain.rules().system_gas_limit;
    let cases = [
        (
            vec![prices(0, all), prices(1, all)],
            "transaction 1: a second Pre(Some(Prices)) in one block",
        ),
        (
            vec![prices(0, all - 1)],
            "transaction 0: gas limit of Prices is 59999999, must be 60000000",
        ),
        // As it should be: what is left to say is that this header is another block's.
        (vec![prices(0, all)], "transactionsRoot"),
    ];
    for (system, expected) in cases {
        let mut raw = good.raw();
        raw.transactions.splice(0..0, system);
        match maker.chain.check(&raw_of_another(raw)).unwrap() {
            Verdict::Bad(reason) => assert!(reason.starts_with(expected), "{reason}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

/// The same body under a header that this node has not seen.
fn raw_of_another(mut raw: RawBlock) -> RawBlock {
    raw.header.logs_bloom.0[0] ^= 1;
    raw
}

/// CHAIN-5: what a node cannot judge now is not bad: it may ask again.
#[test]
fn chain_5_not_yet() {
    let (maker, judge) = (World::new(), World::new());
    let root = maker.chain.head();
    let parent = maker
        .chain
        .build(root.hash(), maker.inputs(&root, vec![]))
        .unwrap()
        .block;
    let child = maker
        .chain
        .build(parent.hash(), maker.inputs(&parent, vec![]))
        .unwrap()
        .block;
    assert!(matches!(
        judge.chain.check(&child.raw()).unwrap(),
        Verdict::NotYet(_)
    ));
    assert_eq!(judge.chain.check(&parent.raw()).unwrap(), Verdict::Ok);
    assert_eq!(judge.chain.check(&child.raw()).unwrap(), Verdict::Ok);

    let far = capstan_chain::BlockInputs::at(u64::from(u32::MAX) * 1000);
    let far = maker.chain.build(root.hash(), far).unwrap().block;
    match judge.chain.check(&far.raw()).unwrap() {
        Verdict::NotYet(why) => assert!(why.contains("ahead"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// CHAIN-6: on a chain without development nobody chooses the fee or the randomness, names a sender, or
/// overrides state.
#[test]
fn chain_6_production_is_strict() {
    let mut genesis = capstan_chain::Genesis::dev(5, 0);
    genesis.development = false;
    let strict = || {
        World::open(capstan_chain::ChainConfig {
            genesis: genesis.clone(),
            dev: false,
            ..config()
        })
    };
    let error = capstan_chain::Chain::open(capstan_chain::ChainConfig {
        genesis: genesis.clone(),
        ..config()
    });
    assert!(error.is_err(), "developer verbs need a development genesis");
    let (maker, judge) = (strict(), strict());
    assert!(maker.chain.dev().is_none());
    let root = maker.chain.head();
    let inputs = || maker.inputs(&root, vec![]);
    let fee = capstan_chain::BlockInputs {
        base_fee_wei: Some(77),
        ..inputs()
    };
    let random = capstan_chain::BlockInputs {
        prevrandao: Some(B256::ZERO),
        ..inputs()
    };
    for (field, inputs) in [("baseFeePerGas", fee), ("mixHash", random)] {
        let block = maker.chain.build(root.hash(), inputs).unwrap().block;
        match judge.chain.check(&block.raw()).unwrap() {
            Verdict::Bad(reason) => assert!(reason.starts_with(field), "{reason}"),
            other => panic!("{field}: {other:?}"),
        }
    }
    let overrides = capstan_chain::BlockInputs {
        overrides: vec![Bytes::new()],
        ..inputs()
    };
    assert!(matches!(
        maker.chain.build(root.hash(), overrides),
        Err(ChainError::NotDev(_))
    ));
}

/// What cannot enter does not stop the block, and is told.
#[test]
fn refused_transactions_are_told() {
    let world = World::new();
    let root = world.chain.head();
    let gap = world.transfer(0, 5, BOB, 1);
    let good = world.transfer(1, 0, BOB, 1);
    let inputs = world.inputs(&root, vec![gap.clone(), good]);
    let built = world.chain.build(root.hash(), inputs).unwrap();
    assert_eq!(built.block.transactions.len(), 1);
    assert_eq!(built.refused.len(), 1);
    assert_eq!(built.refused[0].0, *gap.tx_hash());
    assert!(matches!(built.refused[0].1, Refusal::Invalid(_)));
}

#[test]
fn time_never_stands_still() {
    let world = World::new();
    let root = world.chain.head();
    let same = capstan_chain::BlockInputs::at(root.time_ms());
    assert!(matches!(
        world.chain.build(root.hash(), same),
        Err(ChainError::Inputs(_))
    ));
    let blocks: Vec<Arc<Block>> = (0..5).map(|_| world.mine()).collect();
    for pair in blocks.windows(2) {
        assert!(pair[1].time_ms() > pair[0].time_ms());
        assert!(pair[1].header.timestamp >= pair[0].header.timestamp);
    }
}

/// CHAIN-14: rules that genesis schedules and this program does not know stop it before their first block; a block of
/// somebody who knows them is not bad.
#[test]
fn chain_14_unknown_rules_stop_the_program() {
    let mut genesis = capstan_chain::Genesis::dev(5, 0);
    genesis.versions.push(capstan_chain::VersionAt {
        from: 3,
        version: 2,
    });
    let world = World::open(capstan_chain::ChainConfig {
        genesis,
        ..config()
    });
    world.mine();
    let parent = world.mine();
    let inputs = world.inputs(&parent, vec![]);
    let error = world.chain.build(parent.hash(), inputs).unwrap_err();
    assert!(
        matches!(
            error,
            ChainError::UnknownVersion {
                number: 3,
                version: 2,
                newest: 1
            }
        ),
        "{error}"
    );
    let mut raw = parent.raw();
    raw.header.parent_hash = parent.hash();
    raw.header.number = 3;
    match world.chain.check(&raw).unwrap() {
        Verdict::NotYet(why) => assert!(why.contains("install a newer capstan"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// POOL-11: what enters while the block before it becomes final is judged by the parent's accounts, and must not be left
/// behind the gap that they show. A hundred transactions that are refused late make the moment long enough to be hit.
#[test]
fn pool_11_nothing_is_left_behind_by_a_block_that_becomes_final() {
    const ROUNDS: u64 = 300;
    let world = World::new();
    let mut refused: Vec<_> = (0..100).map(|i| world.transfer(1, i, BOB, 1)).collect();
    world.chain.submit_many(refused.clone());
    world.mine();
    for nonce in 0..ROUNDS {
        let head = world.chain.head();
        let first = world.transfer(0, nonce * 2, BOB, 1);
        world.chain.submit(first.clone()).unwrap();
        let inputs = world.inputs(&head, vec![first]);
        let block = world.chain.build(head.hash(), inputs).unwrap().block;
        refused.push(world.transfer(0, nonce * 2 + 1, BOB, 1));
        let together = Barrier::new(2);
        let answers = thread::scope(|scope| {
            scope.spawn(|| {
                together.wait();
                world.chain.finalize(block.hash()).unwrap();
            });
            together.wait();
            world.chain.submit_many(refused.clone())
        });
        refused.pop();
        assert!(answers.last().is_some_and(Result::is_ok), "{answers:?}");
        let status = world.chain.pool().status();
        assert_eq!(
            (status.pending, status.queued),
            (1, 0),
            "round {nonce}: the second stands behind the first, which is final"
        );
        let block = world.mine();
        assert_eq!(block.transactions.len(), 1);
    }
}

/// PER-100: a block made on four threads is the block made on one, and another node finds it good. Later transactions of a
/// sender of whom one was refused are tried in both alike.
#[test]
fn per_100_threads_make_the_same_block() {
    let made = [1, 4].map(|threads| {
        let world = World::open(ChainConfig {
            threads,
            ..config()
        });
        let root = world.chain.head();
        let mut transactions = vec![world.create(0, 0, counter())];
        let deployed = world.address(0).create(0);
        for nonce in 0..40 {
            for who in 1..5 {
                let to = match nonce % 3 {
                    0 => world.address((who + 1) % 5),
                    1 => deployed,
                    _ => BOB,
                };
                // One nonce is missing, so what follows it of the same sender cannot enter.
                let nonce = nonce + u64::from(who == 4 && nonce > 20);
                transactions.push(world.transfer(who, nonce, to, 7));
            }
        }
        let inputs = world.inputs(&root, transactions);
        let built = world.chain.build(root.hash(), inputs).unwrap();
        let refused: Vec<_> = built.refused.iter().map(|(hash, _)| *hash).collect();
        (built.block, refused)
    });
    let [(plain, refused), (parallel, refused_parallel)] = made;
    assert!(plain.transactions.len() > 100 && refused.len() == 19);
    assert_eq!(plain.hash(), parallel.hash());
    assert_eq!(refused, refused_parallel);
    let judge = World::new();
    let verdict = judge.chain.check(&parallel.raw()).unwrap();
    assert_eq!(verdict, Verdict::Ok);
}

/// PER-15: a producer that makes its root while the block runs makes the same blocks, one upon the other, also where accounts come
/// and go meanwhile; and it did make it ahead.
#[test]
fn per_15_a_followed_root_makes_the_same_blocks() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let counted = recorder.snapshotter();
    recorder.install().expect("one test counts");
    let made = [1, 4].map(|threads| {
        let world = World::open(ChainConfig {
            threads,
            ..config()
        });
        let deployed = world.address(0).create(0);
        let mut nonces = [0_u64; 5];
        let mut hashes = Vec::new();
        let mut parent = world.chain.head();
        for round in 0_u64..4 {
            let mut transactions = Vec::new();
            // The first is too small to be followed; the others are a trial, and the second stands on a parent that is not final.
            for number in 0_u64..if round == 0 { 50 } else { 900 } {
                let who = (number % 5) as usize;
                let nonce = nonces[who];
                nonces[who] += 1;
                let fresh = Address::from_word(keccak256((round * 900 + number).to_be_bytes()));
                transactions.push(match (round, number, number % 7) {
                    (0, 0, _) => world.create(0, nonce, counter()),
                    // Creates a contract that goes in the same transaction, with what it stored.
                    (_, _, 1) => world.create(who, nonce, vec![0x60, 7, 0x60, 1, 0x55, 0x33, 0xff]),
                    (_, _, 2) => world.create(who, nonce, counter()),
                    (_, _, 3) => world.sign(
                        who,
                        TxEip1559 {
                            to: TxKind::Call(deployed),
                            input: fresh.into_word().to_vec().into(),
                            ..plain(nonce)
                        },
                    ),
                    // Nothing to somebody who is not there, who stays so.
                    (_, _, 4) => world.transfer(who, nonce, fresh, 0),
                    (_, _, 5) => world.transfer(who, nonce, BOB, 1),
                    _ => world.transfer(who, nonce, fresh, 3),
                });
            }
            let inputs = world.inputs(&parent, transactions);
            let built = world.chain.build(parent.hash(), inputs).unwrap();
            assert!(built.refused.is_empty(), "{:?}", built.refused.first());
            // Also over a parent that is not final yet.
            if round > 0 {
                world.chain.finalize(built.block.hash()).unwrap();
            }
            hashes.push(built.block.hash());
            parent = built.block;
        }
        hashes
    });
    assert_eq!(made[0], made[1]);
    let counts = counted.snapshot().into_vec();
    let ahead = counts
        .iter()
        .find(|(key, ..)| key.key().name() == "capstan_roots_ahead_total");
    let Some((.., metrics_util::debugging::DebugValue::Counter(ahead))) = ahead else {
        panic!("no root was made ahead");
    };
    assert_eq!(*ahead, 3, "roots were made ahead");
}
