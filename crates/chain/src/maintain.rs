//! What an operator does with a chain besides running it: replay, export, import, verify, compact, back up,
//! restore. Each reports progress as `(done, total)`, in blocks or bytes.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{proofs, transaction::Recovered};
use alloy_primitives::B256;
use capstan_evm::{BlockRun, Tx};

use crate::{
    Chain, ChainConfig, ChainError, Genesis, RawBlock, Storage, Verdict,
    chain::{on_big_stack, open_database, open_log},
    db::{LOG_FOLDER, STATE_FILE},
    disk::FolderLock,
};

/// Hears how far a long work has come: done, of how many.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

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
    /// How long it took.
    pub elapsed: Duration,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Blocks that are new, each executed and found good.
    pub added: u64,
    /// Blocks that were there already.
    pub known: u64,
}

/// What a verification went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Blocks read and checked against their headers.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Height of the database.
    pub database_height: u64,
    /// State root there, made anew from the stored accounts and slots.
    pub state_root: B256,
    /// Accounts in the state.
    pub accounts: u64,
    /// Storage slots in the state.
    pub slots: u64,
}

/// First bytes of an export file: name and version of the format.
const EXPORT_MAGIC: &[u8; 8] = b"CAPSTBK1";
/// No block is larger.
const EXPORT_BLOCK_BYTES: u32 = 256 << 20;

fn io(path: &Path, doing: &str) -> impl FnOnce(std::io::Error) -> ChainError {
    let path = path.to_path_buf();
    let doing = doing.to_owned();
    move |error| ChainError::File {
        path,
        reason: format!("{doing}: {error}"),
    }
}

impl Chain {
    /// Executes blocks again and compares everything that execution makes with what is stored. From the
    /// first block on it also makes every state root anew, in memory.
    pub fn replay(&self, from: u64, progress: Progress<'_>) -> Result<Replayed, ChainError> {
        let started = Instant::now();
        let head = self.head().number();
        let mut done = Replayed {
            roots: from <= 1,
            ..Replayed::default()
        };
        let anew = match done.roots {
            true => Some(Self::open(ChainConfig {
                storage: Storage::Memory,
                history_blocks: Some(16),
                dev: false,
                ..self.config().clone()
            })?),
            false => None,
        };
        for number in from.max(1)..=head {
            let block = self.block(number)?;
            let block = block.ok_or_else(|| ChainError::UnknownBlock(number.to_string()))?;
            match &anew {
                Some(anew) => anew.adopt(&block.raw(), true).map(drop)?,
                None => on_big_stack(|| self.execute_again(&block))?,
            };
            done.blocks += 1;
            done.transactions += block.transactions.len() as u64;
            done.gas_used += block.header.gas_used;
            progress(number, head);
        }
        done.elapsed = started.elapsed();
        Ok(done)
    }

    /// Executes a final block over the state before it.
    fn execute_again(&self, block: &Arc<crate::Block>) -> Result<(), ChainError> {
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

    /// Takes a block that follows the newest one: checks it and makes it final. `false`: it was known.
    fn adopt(&self, raw: &RawBlock, again: bool) -> Result<bool, ChainError> {
        let hash = raw.header.hash_slow();
        if self.block(hash)?.is_some() {
            return Ok(false);
        }
        let number = raw.header.number;
        match self.check_history(raw)? {
            Verdict::Ok => self.finalize(hash).map(|_| true),
            Verdict::Bad(reason) if again => Err(ChainError::Diverged {
                number,
                hash,
                reason,
            }),
            Verdict::Bad(reason) | Verdict::NotYet(reason) => Err(ChainError::Inputs(format!(
                "block {number} ({hash}): {reason}"
            ))),
        }
    }

    /// Copies the data folder to an empty one while the chain runs. Progress counts the parts copied, of an
    /// unknown total.
    pub fn backup(&self, to: &Path, progress: Progress<'_>) -> Result<(), ChainError> {
        self.copy_to(to, &mut |done| progress(done, 0))
    }

    /// Writes blocks to a stream. Answers how many.
    pub fn export(
        &self,
        out: &mut dyn Write,
        from: u64,
        to: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<u64, ChainError> {
        let path = Path::new("export");
        let to = to.unwrap_or(u64::MAX).min(self.head().number());
        let genesis = self.block(0)?.map_or(B256::ZERO, |block| block.hash());
        out.write_all(EXPORT_MAGIC)
            .map_err(io(path, "cannot write"))?;
        out.write_all(genesis.as_slice())
            .map_err(io(path, "cannot write"))?;
        let mut count = 0;
        for number in from.max(1)..=to {
            let block = self.block(number)?;
            let block = block.ok_or_else(|| ChainError::UnknownBlock(number.to_string()))?;
            let body = block.raw().encode();
            let length = u32::try_from(body.len())
                .map_err(|_| ChainError::Internal(format!("block {number} is above 4 GiB")))?;
            for part in [
                &length.to_le_bytes()[..],
                &crc32fast::hash(&body).to_le_bytes(),
                &body,
            ] {
                out.write_all(part).map_err(io(path, "cannot write"))?;
            }
            count += 1;
            progress(number, to);
        }
        out.flush().map_err(io(path, "cannot write"))?;
        Ok(count)
    }

    /// Reads what [`Chain::export`] wrote; each block is executed, checked and made final.
    pub fn import(
        &self,
        input: &mut dyn Read,
        progress: Progress<'_>,
    ) -> Result<Imported, ChainError> {
        let path = Path::new("import");
        let bad = |reason: String| ChainError::File {
            path: path.into(),
            reason,
        };
        let mut start = [0; 40];
        input
            .read_exact(&mut start)
            .map_err(io(path, "cannot read the start of the export"))?;
        if !start.starts_with(EXPORT_MAGIC) {
            return Err(bad(
                "is not an export of blocks, or of a version that this program does not know"
                    .into(),
            ));
        }
        let (made_for, ours) = (
            B256::from_slice(&start[8..]),
            self.block(0)?.map_or(B256::ZERO, |block| block.hash()),
        );
        if made_for != ours {
            return Err(bad(format!(
                "holds blocks of the chain with genesis {made_for}; this one has {ours}"
            )));
        }
        let mut imported = Imported::default();
        while let Some(raw) = read_exported(input).map_err(bad)? {
            let number = raw.header.number;
            match self.adopt(&raw, false)? {
                true => imported.added += 1,
                false => imported.known += 1,
            }
            progress(number, number);
        }
        self.flush()?;
        Ok(imported)
    }
}

/// The next block of an export; `None` at its end.
fn read_exported(input: &mut dyn Read) -> Result<Option<RawBlock>, String> {
    let mut frame = [0; 8];
    let mut have = 0;
    while have < frame.len() {
        match input
            .read(&mut frame[have..])
            .map_err(|error| error.to_string())?
        {
            0 if have == 0 => return Ok(None),
            0 => return Err("ends in the middle of a block".into()),
            read => have += read,
        }
    }
    let [a, b, c, d, checksum @ ..] = frame;
    let length = u32::from_le_bytes([a, b, c, d]);
    if length > EXPORT_BLOCK_BYTES {
        return Err(format!(
            "a block of {length} bytes; the most is {EXPORT_BLOCK_BYTES}"
        ));
    }
    // What is read decides how much is held, not what the file claims.
    let mut body = Vec::new();
    let read = input
        .take(length.into())
        .read_to_end(&mut body)
        .map_err(|e| e.to_string())?;
    if read as u64 != u64::from(length) {
        return Err("ends in the middle of a block".into());
    }
    if crc32fast::hash(&body) != u32::from_le_bytes(checksum) {
        return Err("is damaged: the checksum of a block does not fit".into());
    }
    RawBlock::decode(&body)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// Takes a data folder that must be there: what only looks must not make one.
fn lock_existing(folder: &Path) -> Result<FolderLock, ChainError> {
    if !folder.join(LOG_FOLDER).is_dir() {
        let reason = "is not a data folder: it has no `blocks` folder".into();
        return Err(ChainError::File {
            path: folder.into(),
            reason,
        });
    }
    FolderLock::take(folder).map_err(|error| ChainError::Storage(error.to_string()))
}

/// Reads everything in a data folder and compares what must agree. The folder must not be in use.
pub fn verify_folder(folder: &Path, progress: Progress<'_>) -> Result<Verified, ChainError> {
    let storage = |error: &dyn std::fmt::Display| ChainError::Storage(error.to_string());
    let _lock = lock_existing(folder)?;
    let log = open_log(folder)?;
    let (first, last) = log.heights().ok_or_else(|| ChainError::File {
        path: folder.into(),
        reason: "holds no blocks".into(),
    })?;
    let db = open_database(folder, None)?;
    let view = db.view().map_err(|error| storage(&error))?;
    let mut verified = Verified::default();
    let mut parent: Option<B256> = None;
    for number in first..=last {
        let entry = log.read(number).map_err(|error| storage(&error))?;
        let entry = entry.ok_or_else(|| ChainError::UnknownBlock(number.to_string()))?;
        let bad = |reason: String| ChainError::Diverged {
            number,
            hash: entry.hash,
            reason,
        };
        let block =
            crate::Block::decode_frame(&entry.payload).map_err(|error| bad(error.to_string()))?;
        let bodies: Vec<&Tx> = block.transactions.iter().map(Recovered::inner).collect();
        let checks = [
            ("hash", block.hash() == entry.hash),
            (
                "parent",
                parent.is_none_or(|parent| block.header.parent_hash == parent),
            ),
            (
                "transactions",
                proofs::calculate_transaction_root(&bodies) == block.header.transactions_root,
            ),
            (
                "receipts",
                proofs::calculate_receipt_root(&block.receipts) == block.header.receipts_root,
            ),
            (
                "access list",
                Some(alloy_primitives::keccak256(&block.access_list))
                    == block.header.block_access_list_hash,
            ),
        ];
        if let Some((what, _)) = checks.iter().find(|(_, holds)| !holds) {
            return Err(bad(format!("the stored {what} does not fit the header")));
        }
        parent = Some(block.hash());
        verified.blocks += 1;
        verified.transactions += block.transactions.len() as u64;
        if let Some(tip) = view.tip()
            && tip.height == number
        {
            verified.database_height = number;
            verified.state_root = tip.state_root;
            let (header, made) = (block.header.state_root, tip.state_root);
            if (tip.hash, made) != (block.hash(), header) {
                return Err(bad(format!(
                    "the database has state root {made}, the header {header}"
                )));
            }
        }
        progress(number, last);
    }
    // The state root is made anew from the stored accounts and slots, and every table compared.
    let report = view
        .verify(&mut |_, done| progress(done, 0))
        .map_err(|error| storage(&error))?;
    verified.accounts = report.accounts;
    verified.slots = report.slots;
    Ok(verified)
}

/// Makes the database file of a folder as small as it can be. Answers its bytes before and after.
pub fn compact_folder(folder: &Path) -> Result<(u64, u64), ChainError> {
    let storage = |error: &dyn std::fmt::Display| ChainError::Storage(error.to_string());
    let _lock = lock_existing(folder)?;
    let path = folder.join(STATE_FILE);
    let size = || {
        fs::metadata(&path)
            .map(|file| file.len())
            .map_err(io(&path, "cannot be read"))
    };
    let before = size()?;
    let mut kv = crate::chain::open_kv(folder)?;
    while kv.compact().map_err(|error| storage(&error))? {}
    drop(kv);
    Ok((before, size()?))
}

/// Copies a data folder that is not in use to a new place, which must not exist or be empty. Progress
/// counts the parts copied, of an unknown total.
pub fn backup_folder(from: &Path, to: &Path, progress: Progress<'_>) -> Result<(), ChainError> {
    let _lock = lock_existing(from)?;
    let (log, db) = (open_log(from)?, open_database(from, None)?);
    let copied = crate::db::backup(&db, &log, to, &mut |done| progress(done, 0));
    copied.map_err(|error| ChainError::Storage(error.to_string()))
}

/// Makes a data folder, which must not exist or be empty, from a backup, and looks it through.
pub fn restore_folder(
    backup: &Path,
    to: &Path,
    progress: Progress<'_>,
) -> Result<Verified, ChainError> {
    crate::db::restore(backup, to, &mut |done| progress(done, 0))
        .map_err(|error| ChainError::Storage(error.to_string()))?;
    verify_folder(to, &mut |_, _| {})
}

/// Whether a data folder was made with this genesis; `None` if it holds no chain yet.
pub fn folder_genesis(folder: &Path, genesis: &Genesis) -> Result<Option<bool>, ChainError> {
    if !folder.join(LOG_FOLDER).exists() {
        return Ok(None);
    }
    let _lock = lock_existing(folder)?;
    let stored = open_log(folder)?
        .hash(0)
        .map_err(|e| ChainError::Storage(e.to_string()))?;
    let made = crate::chain::genesis_hash(genesis)?;
    Ok(stored.map(|stored| stored == made))
}
