//! Redoing by hand: what a log that was tampered with says.

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, TxKind, U256};
use capstan_evm::Tx;

use super::*;
use crate::{BlockInputs, Chain, ChainConfig, GenesisAccount, Mining, impersonation_signature};

const PAYER: Address = Address::repeat_byte(0xa1);
const BLOCKS: u64 = 3;

fn genesis() -> Genesis {
    let mut genesis = Genesis::dev(0, 0);
    let account = GenesisAccount {
        balance: U256::from(10).pow(U256::from(21)),
        ..GenesisAccount::default()
    };
    genesis.alloc.insert(PAYER, account);
    genesis
}

fn payment(nonce: u64) -> Recovered<Tx> {
    let tx = TxEip1559 {
        chain_id: genesis().chain_id,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        to: TxKind::Call(Address::with_last_byte(7)),
        value: U256::from(5),
        ..TxEip1559::default()
    };
    let signature = impersonation_signature(PAYER);
    Recovered::new_unchecked(Tx::Eip1559(tx.into_signed(signature)), PAYER)
}

/// Blocks of a chain with one payment each, as its log has them, and a ledger at its genesis.
fn logged() -> (Arc<Ledger>, VecDeque<Logged>) {
    let chain = Chain::open(ChainConfig {
        mining: Mining::Manual,
        dev: false,
        ..ChainConfig::dev(genesis())
    })
    .unwrap();
    for nonce in 0..BLOCKS {
        let head = chain.head();
        let inputs = BlockInputs::at(head.time_ms() + 250).with(vec![payment(nonce)]);
        let built = chain.build(head.hash(), inputs).unwrap();
        chain.finalize(built.block.hash()).unwrap();
    }
    let log = chain.inner.log();
    let read = (1..=BLOCKS).map(|number| Logged::read(log, number).unwrap());
    let redo = Redo::from_genesis(&genesis(), &Storage::Memory, log, BLOCKS).unwrap();
    (redo.ledger, read.collect())
}

/// A header with another state root.
fn spoil(logged: &mut Logged) {
    let block = &*logged.block;
    let mut header = block.header.clone_inner();
    header.state_root = B256::repeat_byte(1);
    logged.block = Arc::new(Block::new(
        alloy_consensus::Sealed::new(header),
        block.transactions.clone(),
        block.receipts.clone(),
        block.access_list.clone(),
    ));
}

/// PER-14: one root stands for all blocks of a batch, and where it is not right the first block that differs is named.
#[test]
fn per_14_the_first_block_that_differs_is_named() {
    let (at_genesis, mut blocks) = logged();
    let done = redo(&at_genesis, &mut blocks).unwrap();
    assert_eq!((done.len(), blocks.len()), (3, 0));
    assert!(done[0].nodes.is_empty() && !done[2].nodes.is_empty());

    let (_, mut blocks) = logged();
    spoil(&mut blocks[2]);
    let ChainError::Diverged { number, reason, .. } = redo(&at_genesis, &mut blocks).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(number, 3, "{reason}");

    // The values of a list that no header names do not get so far; if they did, the block that they spoil is named.
    let (_, mut blocks) = logged();
    let account = blocks[1].list.iter_mut().find(|it| it.address == PAYER);
    let last = account.unwrap().nonce_changes.last_mut().unwrap();
    last.new_nonce += 7;
    blocks[2].list.retain(|account| account.address != PAYER);
    let ChainError::Diverged { number, reason, .. } = redo(&at_genesis, &mut blocks).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(number, 2, "{reason}");
    assert!(reason.contains("the state root is"), "{reason}");
}
