//! What a node writes: bytes of the log and of the database for a block, empty and full, and what that is a day.
//!
//! The log grows for ever; the database grows until its window of history is full, and then by new state alone. Both
//! are measured on files after a clean stop, the database compacted, and carried to a day and a window of blocks.

use std::path::Path;

use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, TxKind, U256, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use capstan_chain::{
    Chain, ChainConfig, DEFAULT_HISTORY_BLOCKS, Genesis, Mining, PoolConfig, Storage,
    compact_folder,
    db::{LOG_FOLDER, STATE_FILE},
};
use capstan_evm::Tx;
use eyre::{OptionExt, ensure};

use crate::report::Table;

/// How much.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Blocks that are made for each row.
    #[arg(long, default_value_t = 2_000)]
    blocks: u64,
    /// Transfers in each block, each to an account of many: a table row for each.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 25])]
    transfers: Vec<u64>,
}

/// Accounts that transfers go to.
const RECIPIENTS: u64 = 10_000;

/// Prints the table.
pub(crate) fn run(options: &Options) -> eyre::Result<()> {
    let pace_ms = Genesis::dev(1, 0).pace_ms;
    let day = 86_400_000 / pace_ms;
    let mut table = Table::new(&[
        "transfers in a block",
        "log bytes a block",
        "log MB a day",
        "history bytes a block",
        "database GB at a full window",
    ]);
    for &transfers in &options.transfers {
        let (none, _) = grow(1, transfers)?;
        let (database, log) = grow(options.blocks, transfers)?;
        let per_block = |bytes: u64| bytes as f64 / options.blocks as f64;
        let (log, history) = (per_block(log), per_block(database.saturating_sub(none)));
        table.row(vec![
            transfers.to_string(),
            format!("{log:.0}"),
            format!("{:.0}", log * day as f64 / 1e6),
            format!("{history:.0}"),
            format!("{:.1}", history * DEFAULT_HISTORY_BLOCKS as f64 / 1e9),
        ]);
    }
    println!(
        "Growth at one block every {pace_ms} ms, {day} a day; history is kept for {DEFAULT_HISTORY_BLOCKS} blocks, {:.0} days",
        DEFAULT_HISTORY_BLOCKS as f64 / day as f64
    );
    table.print();
    Ok(())
}

/// Bytes of the compacted database and of the log after so many blocks.
fn grow(blocks: u64, transfers: u64) -> eyre::Result<(u64, u64)> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::open(ChainConfig {
        storage: Storage::Folder(folder.path().into()),
        mining: Mining::Manual,
        pool: PoolConfig::node(),
        ..ChainConfig::dev(Genesis::dev(1, 0))
    })?;
    let account = Genesis::dev_accounts(1, 0);
    let account = account.first().ok_or_eyre("no account")?;
    let signer = PrivateKeySigner::from_bytes(&account.key)?;
    let dev = chain.dev().ok_or_eyre("no development chain")?;
    let mut nonce = 0;
    for _ in 0..blocks {
        let mut batch = Vec::new();
        for _ in 0..transfers {
            batch.push(transfer(&signer, nonce)?);
            nonce += 1;
        }
        for entered in chain.submit_many(batch) {
            entered?;
        }
        dev.mine(1, None)?;
        let found = chain.head().transactions.len() as u64;
        ensure!(
            found == transfers,
            "{found} transactions in a block, not {transfers}"
        );
    }
    chain.close()?;
    drop(chain);
    let (_, database) = compact_folder(folder.path())?;
    ensure!(database == size(&folder.path().join(STATE_FILE))?);
    Ok((database, size(&folder.path().join(LOG_FOLDER))?))
}

fn transfer(signer: &PrivateKeySigner, nonce: u64) -> eyre::Result<Recovered<Tx>> {
    let recipient = keccak256((nonce % RECIPIENTS).to_be_bytes());
    let tx = TxEip1559 {
        chain_id: capstan_chain::DEV_CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::from_word(recipient)),
        value: U256::ONE,
        ..TxEip1559::default()
    };
    let signature = signer.sign_hash_sync(&tx.signature_hash())?;
    Ok(Recovered::new_unchecked(
        Tx::Eip1559(tx.into_signed(signature)),
        signer.address(),
    ))
}

fn size(path: &Path) -> eyre::Result<u64> {
    if !path.is_dir() {
        return Ok(std::fs::metadata(path)?.len());
    }
    let files = std::fs::read_dir(path)?;
    files.map(|entry| size(&entry?.path())).sum()
}
