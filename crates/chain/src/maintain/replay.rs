//! Executing blocks again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::proofs;
use capstan_evm::BlockRun;

use super::{Progress, io};
use crate::{
    Block, Chain, ChainConfig, ChainError, Storage, Verdict,
    chain::{Redo, on_big_stack},
};

/// Blocks between two clearings of the scratch chain.
const CLEAR_EVERY: u64 = 256;
/// Blocks that the scratch chain keeps: execution may ask for the hashes of the last 256.
const SCRATCH_BLOCKS: u64 = 512;
/// Heights at which the scratch chain can read state.
const SCRATCH_HISTORY: u64 = 16;
/// The folder of the scratch chain: its size is about that of the state.
const SCRATCH: &str = "replay.tmp";

/// What a replay went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Blocks executed again, each with the same outcome.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Gas in them.
    pub gas_used: u64,
    /// Whether state roots were made anew too: yes from genesis on.
    pub roots: bool,
    /// How long it took until every block stood there to be read; tables follow behind.
    pub elapsed: Duration,
    /// How long it took from there until the last blocks stood in tables.
    pub tables: Duration,
}

/// Where a second state is made; removed afterwards.
struct Scratch(Option<PathBuf>);

impl Scratch {
    /// A folder of its own in the one that is named, or beside the chain; none for a chain in memory or one that is only
    /// looked at.
    fn make(config: &ChainConfig, scratch: Option<&Path>) -> Result<Self, ChainError> {
        let own = match &config.storage {
            Storage::Memory | Storage::Looked(_) => None,
            Storage::Folder(folder) | Storage::Scratch(folder) => Some(folder.as_path()),
        };
        let folder = scratch.or(own).map(|folder| folder.join(SCRATCH));
        if let Some(folder) = &folder
            && folder.exists()
        {
            fs::remove_dir_all(folder).map_err(io(folder, "an older replay cannot be removed"))?;
        }
        Ok(Self(folder))
    }

    fn storage(&self) -> Storage {
        self.0.clone().map_or(Storage::Memory, Storage::Scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(folder) = &self.0
            && let Err(error) = fs::remove_dir_all(folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %folder.display(), "the scratch folder of the replay is left behind; remove it");
        }
    }
}

/// A second chain that is made anew beside the first.
struct Anew {
    chain: Chain,
    /// Removed when the chain is closed.
    _scratch: Scratch,
}

impl Anew {
    fn open(config: &ChainConfig, scratch: Option<&Path>) -> Result<Self, ChainError> {
        let scratch = Scratch::make(config, scratch)?;
        let chain = Chain::open(ChainConfig {
            storage: scratch.storage(),
            history_blocks: Some(SCRATCH_HISTORY),
            dev: false,
            ..config.clone()
        })?;
        Ok(Self {
            chain,
            _scratch: scratch,
        })
    }

    fn adopt(&self, block: &Block) -> Result<(), ChainError> {
        let chain = &self.chain;
        let (number, hash) = (block.number(), block.hash());
        match chain.check_history(&block.raw())? {
            Verdict::Ok => drop(chain.finalize(hash)?),
            Verdict::Bad(reason) | Verdict::NotYet(reason) => {
                return Err(ChainError::Diverged {
                    number,
                    hash,
                    reason,
                });
            }
        }
        match number % CLEAR_EVERY {
            0 => chain.forget_blocks_below(number.saturating_sub(SCRATCH_BLOCKS)),
            _ => Ok(()),
        }
    }
}

impl Chain {
    /// Executes blocks again and compares everything that execution makes with what is stored. From the first block
    /// on it also makes every state root anew, over a scratch chain of its own: in a folder that is removed
    /// afterwards, so memory does not grow with the chain; in memory for a chain that is kept there or only looked at.
    pub fn replay(&self, from: u64, progress: Progress<'_>) -> Result<Replayed, ChainError> {
        self.replay_in(from, None, progress)
    }

    /// The same with the scratch chain in a folder of the caller's, in which only `replay.tmp` is made and removed.
    pub fn replay_in(
        &self,
        from: u64,
        scratch: Option<&Path>,
        progress: Progress<'_>,
    ) -> Result<Replayed, ChainError> {
        let started = Instant::now();
        let head = self.head().number();
        let mut done = Replayed {
            roots: from <= 1,
            ..Replayed::default()
        };
        let anew = match done.roots {
            true => Some(Anew::open(self.config(), scratch)?),
            false => None,
        };
        for number in from.max(1)..=head {
            let block = self.block(number)?;
            let block = block.ok_or_else(|| ChainError::UnknownBlock(number.to_string()))?;
            match &anew {
                Some(anew) => anew.adopt(&block)?,
                None => on_big_stack(|| self.execute_again(&block))?,
            };
            done.blocks += 1;
            done.transactions += block.transactions.len() as u64;
            done.gas_used += block.header.gas_used;
            progress(number, head);
        }
        done.elapsed = started.elapsed();
        if let Some(anew) = &anew {
            anew.chain.flush()?;
        }
        done.tables = started.elapsed() - done.elapsed;
        Ok(done)
    }

    /// Makes the state of every block anew without executing any: from genesis on, by the values that access lists name, as
    /// a start does with blocks that the database lacks: every list is compared with the hash in its header, and the state
    /// root behind every batch of blocks with its header's.
    pub fn replay_records(
        &self,
        scratch: Option<&Path>,
        progress: Progress<'_>,
    ) -> Result<Replayed, ChainError> {
        let started = Instant::now();
        let scratch = Scratch::make(self.config(), scratch)?;
        let mut done = Replayed {
            roots: true,
            ..Replayed::default()
        };
        let head = self.head().number();
        let log = self.inner.log();
        let mut redo = Redo::from_genesis(self.genesis(), &scratch.storage(), log, head)?;
        while done.blocks < head {
            for executed in redo.next()? {
                done.blocks += 1;
                done.transactions += executed.block.transactions.len() as u64;
                done.gas_used += executed.block.header.gas_used;
            }
            progress(done.blocks, head);
        }
        done.elapsed = started.elapsed();
        redo.flush()?;
        done.tables = started.elapsed() - done.elapsed;
        Ok(done)
    }

    /// Executes a final block over the state before it.
    fn execute_again(&self, block: &Arc<Block>) -> Result<(), ChainError> {
        let failed = |error: capstan_evm::ExecError| ChainError::Execution(error.to_string());
        let state = self.final_state_at(block.number() - 1)?;
        let context = self.context_of(block);
        let mut run = BlockRun::open(Arc::clone(self.rules()), state, context).map_err(failed)?;
        for tx in &block.transactions {
            run.any(tx).map_err(failed)?;
        }
        let outcome = run.close().map_err(failed)?;
        let header = &block.header;
        let differs = |field: &str, made: String, stored: String| ChainError::Diverged {
            number: block.number(),
            hash: block.hash(),
            reason: format!("{field}: execution makes {made}, the block has {stored}"),
        };
        let pairs = [
            (
                "receiptsRoot",
                proofs::calculate_receipt_root(&outcome.receipts),
                header.receipts_root,
            ),
            (
                "blockAccessListHash",
                outcome.access_list_hash,
                header.block_access_list_hash.unwrap_or_default(),
            ),
        ];
        for (field, made, stored) in pairs {
            if made != stored {
                return Err(differs(field, made.to_string(), stored.to_string()));
            }
        }
        if outcome.gas_used != header.gas_used {
            let (made, stored) = (outcome.gas_used.to_string(), header.gas_used.to_string());
            return Err(differs("gasUsed", made, stored));
        }
        Ok(())
    }
}
