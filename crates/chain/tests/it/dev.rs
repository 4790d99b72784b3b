use std::time::Duration;

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use capstan_chain::{At, ChainConfig, Event, Mining, Solo, impersonation_signature, verify_folder};
use capstan_evm::Tx;

use crate::world::{World, config, plain};

const BOB: Address = Address::repeat_byte(0xb0);

/// DEV-1: an override shows at `latest` at once, is written by the next block, and replays.
#[test]
fn dev_1_overrides() {
    let world = World::new();
    let dev = world.chain.dev().unwrap();
    let code = Bytes::from_static(&[0x60, 0x01, 0x00]);
    let check = |when: &str| {
        let state = world.chain.state_at(At::Latest).unwrap();
        let info = state.account(BOB).unwrap().expect(when);
        assert_eq!((info.balance, info.nonce), (U256::from(123), 9), "{when}");
        assert_eq!(state.code(info.code_hash).unwrap(), code, "{when}");
        assert_eq!(
            state.storage(BOB, U256::from(4)).unwrap(),
            U256::from(5),
            "{when}"
        );
    };
    dev.set_balance(BOB, U256::from(123)).unwrap();
    dev.set_nonce(BOB, 9).unwrap();
    dev.set_code(BOB, code.clone()).unwrap();
    dev.set_storage_at(BOB, U256::from(4), U256::from(5))
        .unwrap();
    check("before the block");
    let block = world.mine();
    assert!(block.is_system(0) && block.receipts[0].status());
    check("after the block");
    assert_eq!(world.balance(0, BOB), U256::ZERO);
    assert!(world.mine().transactions.is_empty(), "written once");
    let replayed = world.chain.replay(0, &mut |_, _| {}).unwrap();
    assert_eq!((replayed.blocks, replayed.roots), (2, true));
}

/// DEV-2: many overrides are spread over transactions and blocks, and none is lost.
#[test]
fn dev_2_many_overrides() {
    let world = World::new();
    let dev = world.chain.dev().unwrap();
    for slot in 0..1_000u64 {
        dev.set_storage_at(BOB, U256::from(slot), U256::from(slot + 1))
            .unwrap();
    }
    for _ in 0..2 {
        let block = world.mine();
        assert!(block.receipts.iter().all(|receipt| receipt.status()));
        let state = world.chain.state_at(At::Latest).unwrap();
        for slot in [0, 500, 999u64] {
            assert_eq!(
                state.storage(BOB, U256::from(slot)).unwrap(),
                U256::from(slot + 1)
            );
        }
    }
    assert!(world.mine().transactions.is_empty());
}

/// DEV-3: a revert restores blocks, balances, overrides and the pool's view, and tells subscribers.
#[test]
fn dev_3_snapshot_and_revert() {
    let world = World::new();
    let dev = world.chain.dev().unwrap();
    world.chain.submit(world.transfer(0, 0, BOB, 1)).unwrap();
    world.mine();
    dev.set_balance(Address::repeat_byte(0xcc), U256::from(3))
        .unwrap();
    let first = dev.snapshot().unwrap();
    let second = dev.snapshot().unwrap();
    let root = world.chain.head().header.state_root;
    let mut events = world.chain.subscribe();
    for nonce in 1..4 {
        world
            .chain
            .submit(world.transfer(0, nonce, BOB, 1))
            .unwrap();
        world.mine();
    }
    let gone = world.chain.head();
    assert_eq!(world.balance(At::Latest, BOB), U256::from(4));
    assert!(dev.revert(first).unwrap());
    assert_eq!(world.chain.head().number(), 1);
    assert_eq!(world.chain.head().header.state_root, root);
    assert_eq!(world.balance(At::Latest, BOB), U256::from(1));
    assert_eq!(
        world.balance(At::Latest, Address::repeat_byte(0xcc)),
        U256::from(3)
    );
    assert!(world.chain.block(gone.hash()).unwrap().is_none());
    assert!(
        world
            .chain
            .transaction(*gone.transactions[0].tx_hash())
            .unwrap()
            .is_none()
    );
    for used_up in [first, second, 99] {
        assert!(!dev.revert(used_up).unwrap());
    }
    let told = std::iter::from_fn(|| events.try_recv().ok())
        .last()
        .unwrap();
    match told {
        Event::Rewound { to: 1, removed } => {
            let numbers: Vec<u64> = removed.iter().map(|block| block.number()).collect();
            assert_eq!(numbers, [4, 3, 2]);
        }
        other => panic!("{other:?}"),
    }
    // The same nonce again, and on from there: nothing of the undone blocks is in the way.
    world.chain.submit(world.transfer(0, 1, BOB, 5)).unwrap();
    let block = world.mine();
    assert_eq!(
        (block.number(), world.balance(At::Latest, BOB)),
        (2, U256::from(6))
    );
    world.chain.replay(0, &mut |_, _| {}).unwrap();
}

/// DEV-4: the clock goes where it is told, for the next block and on from there.
#[test]
fn dev_4_time() {
    let world = World::new();
    let dev = world.chain.dev().unwrap();
    let now = world.mine().header.timestamp;
    dev.set_next_block_timestamp(now + 5_000).unwrap();
    assert_eq!(world.mine().header.timestamp, now + 5_000);
    let next = world.mine().header.timestamp;
    assert!(
        (now + 5_000..now + 5_010).contains(&next),
        "goes on from there"
    );
    dev.increase_time(Duration::from_secs(1_000)).unwrap();
    assert!(world.mine().header.timestamp >= next + 1_000);
    assert!(dev.set_next_block_timestamp(now).is_err(), "not back");
    let hashes = dev.mine(3, Some(Duration::from_secs(60))).unwrap();
    let times: Vec<u64> = hashes
        .iter()
        .map(|hash| world.chain.block(*hash).unwrap().unwrap().time_ms())
        .collect();
    assert_eq!((times[1] - times[0], times[2] - times[1]), (60_000, 60_000));
}

/// DEV-5: an impersonated sender needs no key, whether it is a person or a contract; others do.
#[test]
fn dev_5_impersonation() {
    let world = World::new();
    let dev = world.chain.dev().unwrap();
    let whale = Address::repeat_byte(0x77);
    dev.set_balance(whale, U256::from(10u128.pow(18))).unwrap();
    dev.set_code(whale, Bytes::from_static(&[0x00])).unwrap();
    let send = |nonce| {
        let tx = TxEip1559 {
            to: TxKind::Call(BOB),
            value: U256::from(2),
            ..plain(nonce)
        };
        let body = Tx::Eip1559(tx.into_signed(impersonation_signature(whale)));
        Recovered::new_unchecked(body, whale)
    };
    assert!(world.chain.submit(send(0)).is_err());
    dev.impersonate(whale);
    world.chain.submit(send(0)).unwrap();
    let block = world.mine();
    assert_eq!(world.balance(At::Latest, BOB), U256::from(2));
    assert_eq!(block.transactions.last().unwrap().signer(), whale);
    assert!(dev.stop_impersonating(whale));
    assert!(world.chain.submit(send(1)).is_err());
    world.chain.replay(0, &mut |_, _| {}).unwrap();
}

#[test]
fn wishes_hold_for_one_block() {
    let world = World::new();
    let dev = world.chain.dev().unwrap();
    let (word, miner) = (B256::repeat_byte(9), Address::repeat_byte(8));
    dev.set_prevrandao(word).unwrap();
    dev.set_next_base_fee(12_345).unwrap();
    dev.set_beneficiary(miner).unwrap();
    let block = world.mine();
    assert_eq!(
        (block.header.mix_hash, block.base_fee_wei()),
        (word, 12_345)
    );
    assert_eq!(block.header.beneficiary, miner);
    let next = world.mine();
    assert_ne!(next.header.mix_hash, word);
    assert_eq!(next.header.beneficiary, miner, "the beneficiary stays");
}

#[test]
fn dropped_transactions_do_not_enter() {
    let world = World::new();
    let dev = world.chain.dev().unwrap();
    let hash = world.chain.submit(world.transfer(0, 0, BOB, 1)).unwrap();
    assert!(dev.drop_transaction(hash));
    assert!(!dev.drop_transaction(hash));
    world.chain.submit(world.transfer(0, 0, BOB, 1)).unwrap();
    assert_eq!(dev.drop_all_transactions(), 1);
    assert!(world.mine().transactions.is_empty());
}

/// DEV-1: storage of an account that has nothing else outlives the block, and a restart.
#[test]
fn dev_1_storage_of_an_empty_account() {
    let place = tempfile::tempdir().unwrap();
    let slot = |world: &World| {
        let state = world.chain.state_at(At::Latest).unwrap();
        state.storage(BOB, U256::from(4)).unwrap()
    };
    let world = World::at(place.path());
    let dev = world.chain.dev().unwrap();
    dev.set_storage_at(BOB, U256::from(4), U256::from(5))
        .unwrap();
    assert_eq!(slot(&world), U256::from(5), "at once");
    world.mine();
    dev.set_code(BOB, Bytes::from_static(&[0x00])).unwrap();
    world.mine();
    assert_eq!(slot(&world), U256::from(5), "after the block");
    world.chain.close().unwrap();
    drop(world);
    let world = World::at(place.path());
    assert_eq!(slot(&world), U256::from(5), "after a restart");
    world.chain.replay(0, &mut |_, _| {}).unwrap();
    world.chain.close().unwrap();
    drop(world);
    verify_folder(place.path(), &mut |_, _| {}).unwrap();
}

/// DEV-3: going back while blocks are made as fast as they can: nothing is written twice, lost or torn.
#[test]
fn dev_3_revert_while_blocks_are_made() {
    let world = World::open(ChainConfig {
        mining: Mining::Interval(Duration::from_millis(1)),
        ..config()
    });
    let solo = Solo::start(&world.chain).unwrap();
    let dev = world.chain.dev().unwrap();
    for round in 0..60u64 {
        dev.set_balance(BOB, U256::from(round)).unwrap();
        let id = dev.snapshot().unwrap();
        for slot in 0..20 {
            dev.set_storage_at(BOB, U256::from(slot), U256::from(round + 1))
                .unwrap();
        }
        assert!(dev.revert(id).unwrap());
        assert_eq!(
            world.balance(At::Latest, BOB),
            U256::from(round),
            "round {round}"
        );
        let state = world.chain.state_at(At::Latest).unwrap();
        assert_eq!(
            state.storage(BOB, U256::from(3)).unwrap(),
            U256::ZERO,
            "round {round}"
        );
    }
    solo.stop().unwrap();
    assert!(world.chain.failure().is_none());
    world.chain.replay(0, &mut |_, _| {}).unwrap();
}

/// DEV-3: what is no longer kept cannot be gone back to, and asking does no harm.
#[test]
fn dev_3_rewind_below_history_is_refused() {
    let world = World::open(ChainConfig {
        history_blocks: Some(4),
        ..config()
    });
    let dev = world.chain.dev().unwrap();
    dev.mine(20, None).unwrap();
    let started = std::time::Instant::now();
    let error = loop {
        match world.chain.final_state_at(2).map(drop) {
            Err(_) => break dev.rewind_to(2).unwrap_err().to_string(),
            Ok(()) => assert!(
                started.elapsed() < Duration::from_secs(20),
                "nothing is pruned"
            ),
        }
        dev.mine(1, None).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(error.contains("state at block 2 is pruned"), "{error}");
    let head = world.chain.head().number();
    world.chain.submit(world.transfer(0, 0, BOB, 1)).unwrap();
    assert_eq!(world.mine().number(), head + 1);
    assert_eq!(world.balance(At::Latest, BOB), U256::ONE);
}
