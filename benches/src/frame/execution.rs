//! Execution alone: signed transactions through `BlockRun`, on one core, without RPC, signatures, root or disk.
//!
//! ```text
//!   open ─► 1,000 senders, in turn, each to the next ─► close: receipts, access list, difference
//! ```

use std::{sync::Arc, time::Instant};

use alloy_consensus::{SignableTransaction, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::erc20::IErc20;
use capstan_evm::call::AccountOverride;
use capstan_evm::{BlockOutcome, BlockRun, StateRead, Tx};
use eyre::{OptionExt, ensure};

use super::World;
use crate::report::{Table, median};

const SENDERS: u64 = 1_000;
/// Transactions of one block: 1,500 token transfers of at most 60,000 gas fit the users' 100 million.
const TRANSACTIONS: u64 = 1_500;
const FUNDS_WEI: u128 = 1_000_000_000_000_000_000;

fn sender(index: u64) -> Address {
    let mut bytes = [0x5e; 20];
    bytes[12..].copy_from_slice(&(index % SENDERS).to_be_bytes());
    bytes.into()
}

/// The `index`-th transfer: of coins, or of a token. Recovery happens at the door, so nobody signs here.
fn transfer(chain_id: u64, index: u64, token: Option<Address>) -> Recovered<Tx> {
    let to = sender(index + 1);
    let (target, value, input) = match token {
        None => (to, U256::ONE, Bytes::new()),
        Some(token) => {
            let value = U256::ONE;
            let call = IErc20::transferCall { to, value }.abi_encode();
            (token, U256::ZERO, call.into())
        }
    };
    let tx = TxEip1559 {
        chain_id,
        nonce: index / SENDERS,
        gas_limit: if token.is_some() { 60_000 } else { 21_000 },
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(target),
        value,
        input,
        ..TxEip1559::default()
    };
    let signature = Signature::new(U256::ONE, U256::ONE, false);
    Recovered::new_unchecked(Tx::Eip1559(tx.into_signed(signature)), sender(index))
}

/// Gives every sender coins and tokens.
fn fund(world: &mut World, tokens: [Address; 2]) -> eyre::Result<()> {
    for index in 0..SENDERS {
        let funds = AccountOverride {
            balance: Some(U256::from(FUNDS_WEI)),
            ..Default::default()
        };
        world.session.override_account(sender(index), &funds)?;
        for token in tokens {
            world.send(token, sender(index), U256::from(1_000))?;
        }
    }
    Ok(())
}

/// Fails unless each transaction ended well and every sender paid.
fn check(outcome: &BlockOutcome) -> eyre::Result<()> {
    let failed = outcome.receipts.iter().filter(|r| !r.status()).count();
    ensure!(failed == 0, "{failed} transactions failed");
    for index in 0..SENDERS {
        let account = outcome.diff.accounts.get(&sender(index));
        let info = account.and_then(|account| account.info);
        let info = info.ok_or_eyre("a sender is not in the difference")?;
        let sent = TRANSACTIONS / SENDERS + u64::from(index < TRANSACTIONS % SENDERS);
        ensure!(info.nonce == sent && info.balance < U256::from(FUNDS_WEI));
    }
    Ok(())
}

/// Prints the table.
pub(super) fn run(world: &mut World, tokens: [Address; 2], blocks: usize) -> eyre::Result<()> {
    fund(world, tokens)?;
    let parent: Arc<dyn StateRead> = Arc::new(world.session.overlay().clone());
    let chain_id = world.chain.rules().chain_id;
    let mut table = Table::new(&[
        "execution only, one core",
        "transfers/s",
        "ns per transaction",
        "of that closing",
    ]);
    let [native, bytecode] = tokens;
    for (name, token) in [
        ("coins", None),
        ("native token", Some(native)),
        ("bytecode token", Some(bytecode)),
    ] {
        let txs: Vec<_> = (0..TRANSACTIONS)
            .map(|index| transfer(chain_id, index, token))
            .collect();
        let (mut whole, mut closing) = (Vec::new(), Vec::new());
        for _ in 0..blocks {
            let (rules, ctx) = (world.chain.rules(), world.chain.next_context());
            let start = Instant::now();
            let mut run = BlockRun::open(Arc::clone(rules), Arc::clone(&parent), ctx)?;
            for tx in &txs {
                run.user(tx)?;
            }
            let closes = Instant::now();
            let outcome = run.close()?;
            let end = Instant::now();
            check(&outcome)?;
            let per_tx = |from: Instant| (end - from).as_secs_f64() * 1e9 / TRANSACTIONS as f64;
            whole.push(per_tx(start));
            closing.push(per_tx(closes));
        }
        let (ns, closing_ns) = (median(&mut whole), median(&mut closing));
        table.row(vec![
            name.into(),
            format!("{:.0}", 1e9 / ns),
            format!("{ns:.0}"),
            format!("{closing_ns:.0}"),
        ]);
    }
    table.print();
    Ok(())
}
