use std::time::Duration;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use capstan_chain::{Budget, ChainError, LogQuery, LogRange};

use crate::world::{World, counter, plain};

const BOB: Address = Address::repeat_byte(0xb0);

/// A counter that was called `calls` times, one block each, half of it flushed.
fn counted(calls: u64) -> (World, Address) {
    let world = World::new();
    let at = world.address(0).create(0);
    world.chain.submit(world.create(0, 0, counter())).unwrap();
    world.mine();
    for nonce in 1..=calls {
        let input = Bytes::copy_from_slice(B256::from(U256::from(nonce * 10)).as_slice());
        let call = TxEip1559 {
            to: TxKind::Call(at),
            input,
            ..plain(nonce)
        };
        world.chain.submit(world.sign(0, call)).unwrap();
        world.mine();
        if nonce == calls / 2 {
            world.chain.flush().unwrap();
        }
    }
    (world, at)
}

#[test]
fn logs_by_index_and_by_looking() {
    let (world, at) = counted(10);
    let topic = |n: u64| B256::from(U256::from(n));
    let all = Budget::default();
    let ask = |query: LogQuery| {
        let found = world.chain.logs(&query, &all).unwrap();
        found
            .iter()
            .map(|entry| entry.block_number)
            .collect::<Vec<_>>()
    };
    let from_counter = LogQuery {
        addresses: vec![at],
        ..LogQuery::default()
    };
    let topics = [vec![topic(3), topic(9)], vec![], vec![], vec![]];
    let cases = [
        (LogQuery::default(), (2..=11).collect::<Vec<_>>()),
        (from_counter.clone(), (2..=11).collect()),
        (
            LogQuery {
                addresses: vec![BOB],
                ..LogQuery::default()
            },
            vec![],
        ),
        (
            LogQuery {
                topics: topics.clone(),
                ..LogQuery::default()
            },
            vec![4, 10],
        ),
        (
            LogQuery {
                range: LogRange::Numbers { from: 5, to: 7 },
                ..from_counter.clone()
            },
            vec![5, 6, 7],
        ),
        (
            LogQuery {
                range: LogRange::Block(world.hash_of(4)),
                ..from_counter.clone()
            },
            vec![4],
        ),
        (
            LogQuery {
                range: LogRange::Block(world.hash_of(4)),
                topics,
                ..from_counter
            },
            vec![4],
        ),
    ];
    for (query, expected) in cases {
        let words = format!("{query:?}");
        assert_eq!(ask(query), expected, "{words}");
    }
    let few = Budget { results: 3, ..all };
    match world.chain.logs(&LogQuery::default(), &few) {
        Err(ChainError::TooManyResults {
            limit: 3,
            last_block: 4,
        }) => {}
        other => panic!("{other:?}"),
    }
    let none = Budget {
        time: Duration::ZERO,
        ..all
    };
    let error = world.chain.logs(&LogQuery::default(), &none).unwrap_err();
    assert!(matches!(error, ChainError::QueryTimeout { .. }), "{error}");
}

#[test]
fn account_pages() {
    let (world, at) = counted(10);
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let page = world.chain.account_transactions(at, cursor, 4).unwrap();
        seen.extend(page.items.iter().map(|item| item.block_number));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(
        seen,
        (1..=11).rev().collect::<Vec<_>>(),
        "its creation, then each call"
    );
    assert!(
        world
            .chain
            .account_transactions(BOB, None, 4)
            .unwrap()
            .items
            .is_empty()
    );
}

#[test]
fn proofs_verify() {
    use alloy_consensus::constants::KECCAK_EMPTY;
    use alloy_trie::{Nibbles, proof::verify_proof};
    let (world, at) = counted(6);
    for number in [world.chain.head().number(), 3] {
        let root = world
            .chain
            .block(number)
            .unwrap()
            .unwrap()
            .header
            .state_root;
        let proof = world.chain.proof(number, at, &[B256::ZERO]).unwrap();
        let account = proof.account.expect("exists");
        assert_ne!(account.code_hash, KECCAK_EMPTY);
        let key = Nibbles::unpack(alloy_primitives::keccak256(at));
        verify_proof(root, key, Some(alloy_rlp::encode(account)), &proof.proof).unwrap();
        assert_eq!(proof.storage[0].value, U256::from(number - 1));
    }
}

#[test]
fn fee_history_adds_the_next_block() {
    let (world, _) = counted(4);
    let history = world.chain.fee_history(5, 3, &[0.0, 50.0, 100.0]).unwrap();
    assert_eq!(history.oldest_block, 3);
    assert_eq!(history.base_fee_wei.len(), 4);
    assert_eq!(history.tip_wei, vec![vec![crate::world::GWEI; 3]; 3]);
    let next = world.chain.next_context().info.base_fee_wei;
    assert_eq!(*history.base_fee_wei.last().unwrap(), next);
    assert!(world.chain.fee_history(99, 3, &[]).is_err());
}

#[test]
fn pending_shows_the_pool() {
    let world = World::new();
    world.chain.submit(world.transfer(0, 0, BOB, 4)).unwrap();
    let pending = world.chain.pending().unwrap();
    assert_eq!(
        (pending.block.number(), pending.block.transactions.len()),
        (1, 1)
    );
    let info = pending.state.account(BOB).unwrap().unwrap();
    assert_eq!(info.balance, U256::from(4));
    assert_eq!(world.chain.head().number(), 0);
    assert_eq!(
        world.chain.pool().status().pending,
        1,
        "looking takes nothing away"
    );
}
