//! A file of blocks to carry from one node to another: [`Chain::export`] writes it, [`Chain::import`] executes
//! and checks every block of it as if a peer had sent it.
//!
//! A backup is another thing: it copies a data folder as it is, receipts and state included, so that nothing has
//! to be executed again, and it trusts itself no further than its own checksums and roots.

mod file;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};

pub use file::{
    EXPORT_VERSION, ExportError, ExportHeader, ExportReader, ExportWriter, ExportedBlock,
};

use crate::{Chain, ChainError, Progress, RawBlock, Verdict};

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Blocks that are new, each executed and found good.
    pub added: u64,
    /// Blocks that were there already.
    pub known: u64,
}

impl Chain {
    /// Writes blocks to a stream. Answers how many. Progress is in blocks.
    pub fn export(
        &self,
        out: &mut dyn Write,
        from: u64,
        to: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<u64, ChainError> {
        let first = from.max(1);
        let last = to.unwrap_or(u64::MAX).min(self.head().number());
        let header = ExportHeader {
            chain_id: self.genesis().chain_id,
            genesis: self.genesis_block_hash()?,
            first,
            last,
        };
        let mut writer = ExportWriter::begin(out, &header)?;
        for number in first..=last {
            let block = self.block(number)?;
            let block = block.ok_or_else(|| ChainError::UnknownBlock(number.to_string()))?;
            writer.push(block.hash(), &block.raw().encode())?;
            progress(number - first + 1, last - first + 1);
        }
        Ok(writer.finish()?)
    }

    /// Reads what [`Chain::export`] wrote; each block is executed, checked and made final. Blocks that are here
    /// already are passed over, so an import that was interrupted is simply repeated. After an error the blocks
    /// before the bad place stay.
    pub fn import(
        &self,
        input: &mut dyn Read,
        progress: Progress<'_>,
    ) -> Result<Imported, ChainError> {
        let reader = ExportReader::begin(input)?;
        let header = *reader.header();
        let (chain_id, genesis) = (self.genesis().chain_id, self.genesis_block_hash()?);
        if (header.chain_id, header.genesis) != (chain_id, genesis) {
            return Err(ExportError::OtherChain {
                found: header.chain_id,
                found_genesis: header.genesis,
                chain_id,
                genesis,
            }
            .into());
        }
        let head = self.head().number();
        if header.first > head + 1 {
            let first = header.first;
            return Err(ExportError::Gap { first, head }.into());
        }
        let total = header.last.saturating_add(1).saturating_sub(header.first);
        let mut imported = Imported::default();
        for block in reader {
            match self.adopt(&block?)? {
                true => imported.added += 1,
                false => imported.known += 1,
            }
            progress(imported.added + imported.known, total);
        }
        self.flush()?;
        Ok(imported)
    }

    fn genesis_block_hash(&self) -> Result<alloy_primitives::B256, ChainError> {
        let genesis = self.block(0)?;
        let genesis = genesis.ok_or_else(|| ChainError::UnknownBlock("0".into()))?;
        Ok(genesis.hash())
    }

    /// Makes a block of an export final. `false`: it was here.
    fn adopt(&self, block: &ExportedBlock) -> Result<bool, ChainError> {
        let &ExportedBlock { height, hash, .. } = block;
        if height <= self.head().number() {
            let known = self.block(height)?;
            let known = known.ok_or_else(|| ChainError::UnknownBlock(height.to_string()))?;
            let (found, known) = (hash, known.hash());
            return match found == known {
                true => Ok(false),
                false => Err(ExportError::Forked {
                    height,
                    found,
                    known,
                }
                .into()),
            };
        }
        let refused = |reason: String| ExportError::Refused {
            height,
            hash,
            reason,
        };
        let raw = RawBlock::decode(&block.payload).map_err(|error| refused(error.to_string()))?;
        let (number, made) = (raw.header.number, raw.header.hash_slow());
        if (number, made) != (height, hash) {
            return Err(refused(format!("its header is that of block {number} ({made})")).into());
        }
        match self.check_history(&raw)? {
            Verdict::Ok => self.finalize(hash).map(|_| true),
            Verdict::Bad(reason) | Verdict::NotYet(reason) => Err(refused(reason).into()),
        }
    }
}
