//! The bytes of an export: streamed, checksummed, and whole or refused. `specs/export.md` has the layout.
//!
//! ```text
//! header | block | block | ... | end: how many blocks, and the hash of the last
//! ```

use std::io::{self, ErrorKind, Read, Write};

use alloy_primitives::B256;

use crate::log::{
    PAYLOAD_BYTES_MAX,
    frame::{u32_at, u64_at},
};

const MAGIC: [u8; 8] = *b"CAPSTANE";
/// Version of the format that this code writes, and the only one that it reads.
pub const EXPORT_VERSION: u32 = 1;
const HEADER_BYTES: usize = 72;
const FRAME_HEADER_BYTES: usize = 52;
const KIND_BLOCK: u32 = 1;
const KIND_END: u32 = 2;

/// What failed in an export or an import.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file or pipe failed.
    #[error("cannot {operation} the export: {source}")]
    Io {
        /// "read" or "write".
        operation: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is something else.
    #[error("this is not a file that `capstan export` wrote: {0}")]
    NotAnExport(&'static str),
    /// Written by another version of this program.
    #[error(
        "the export has format {found}, this program knows format {known}: use the version that wrote it"
    )]
    Version {
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// It comes from another chain.
    #[error(
        "the export is of chain {found} with genesis block {found_genesis}, this one is chain {chain_id} with genesis block \
         {genesis}: import it into a folder that was made with its genesis"
    )]
    OtherChain {
        /// Its chain id.
        found: u64,
        /// Its genesis block.
        found_genesis: B256,
        /// Our chain id.
        chain_id: u64,
        /// Our genesis block.
        genesis: B256,
    },
    /// Blocks are missing between this chain and the file.
    #[error(
        "the export begins with block {first}, this chain ends with block {head}: import blocks {} to {} first",
        .head + 1,
        .first - 1
    )]
    Gap {
        /// First block of the export.
        first: u64,
        /// Newest block of this chain.
        head: u64,
    },
    /// Another block is final here at that height.
    #[error(
        "the export has block {height} with hash {found}, this chain has {known} there: the two went apart at or before \
         it, and a final block is never replaced; import into a new folder"
    )]
    Forked {
        /// Height.
        height: u64,
        /// Its hash.
        found: B256,
        /// Ours.
        known: B256,
    },
    /// The bytes are as they were written, but the block does not hold here.
    #[error(
        "block {height} ({hash}) of the export is refused: {reason}; the blocks before it were taken"
    )]
    Refused {
        /// Height.
        height: u64,
        /// Hash.
        hash: B256,
        /// What is wrong with it.
        reason: String,
    },
    /// It ends early.
    #[error(
        "the export is cut short: it ends in or before block {height} of {first} to {last}; the blocks before that one are \
         good and were taken, fetch the file again for the rest"
    )]
    Short {
        /// The first block that is not whole; one after the last if only the end is missing.
        height: u64,
        /// First block of the export.
        first: u64,
        /// Last block of the export.
        last: u64,
    },
    /// It was changed.
    #[error(
        "the export is damaged at block {height}: {reason}; the blocks before it are good and were taken, fetch the file \
         again for the rest"
    )]
    Damaged {
        /// The block that belongs there.
        height: u64,
        /// What is wrong.
        reason: String,
    },
}

/// What an export is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportHeader {
    /// Chain id.
    pub chain_id: u64,
    /// Hash of the genesis block.
    pub genesis: B256,
    /// Height of the first block; genesis itself is never in an export.
    pub first: u64,
    /// Height of the last block; below `first` if there is none.
    pub last: u64,
}

impl ExportHeader {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&EXPORT_VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.chain_id.to_be_bytes());
        bytes.extend_from_slice(self.genesis.as_slice());
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.last.to_be_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, ExportError> {
        if bytes[..8] != MAGIC {
            return Err(ExportError::NotAnExport("it does not start like one"));
        }
        let found = u32_at(bytes, 8);
        if u32_at(bytes, HEADER_BYTES - 4) != crc32fast::hash(&bytes[..HEADER_BYTES - 4]) {
            return Err(ExportError::NotAnExport(
                "the checksum of its header does not match",
            ));
        }
        if found != EXPORT_VERSION {
            return Err(ExportError::Version {
                found,
                known: EXPORT_VERSION,
            });
        }
        let header = Self {
            chain_id: u64_at(bytes, 12),
            genesis: B256::from_slice(&bytes[20..52]),
            first: u64_at(bytes, 52),
            last: u64_at(bytes, 60),
        };
        match (header.first, header.last) {
            (0, _) => Err(ExportError::NotAnExport("it claims to hold genesis")),
            (u64::MAX, _) | (_, u64::MAX) => {
                Err(ExportError::NotAnExport("no chain is as long as it claims"))
            }
            _ => Ok(header),
        }
    }
}

/// A block as an export holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedBlock {
    /// Its height.
    pub height: u64,
    /// Its hash.
    pub hash: B256,
    /// [`crate::RawBlock::encode`].
    pub payload: Vec<u8>,
}

/// Writes an export. Without [`ExportWriter::finish`] it is cut short, and a reader says so.
#[derive(Debug)]
pub struct ExportWriter<W> {
    out: W,
    next: u64,
    count: u64,
    newest: B256,
}

impl<W: Write> ExportWriter<W> {
    /// Writes the header.
    pub fn begin(mut out: W, header: &ExportHeader) -> Result<Self, ExportError> {
        out.write_all(&header.encode()).map_err(write_error)?;
        Ok(Self {
            out,
            next: header.first,
            count: 0,
            newest: B256::ZERO,
        })
    }

    /// Writes the next block.
    pub fn push(&mut self, hash: B256, payload: &[u8]) -> Result<(), ExportError> {
        self.frame(KIND_BLOCK, self.next, hash, payload)?;
        self.next += 1;
        self.count += 1;
        self.newest = hash;
        Ok(())
    }

    /// Writes the end, flushes, and answers how many blocks there are.
    pub fn finish(mut self) -> Result<u64, ExportError> {
        self.frame(KIND_END, self.count, self.newest, &[])?;
        self.out.flush().map_err(write_error)?;
        Ok(self.count)
    }

    fn frame(
        &mut self,
        kind: u32,
        number: u64,
        hash: B256,
        payload: &[u8],
    ) -> Result<(), ExportError> {
        let length = u32::try_from(payload.len()).ok();
        let Some(length) = length.filter(|bytes| *bytes <= PAYLOAD_BYTES_MAX) else {
            return Err(ExportError::Refused {
                height: number,
                hash,
                reason: format!(
                    "{} bytes, more than the {PAYLOAD_BYTES_MAX} that an export takes",
                    payload.len()
                ),
            });
        };
        let mut head = Vec::with_capacity(FRAME_HEADER_BYTES);
        head.extend_from_slice(&kind.to_be_bytes());
        head.extend_from_slice(&length.to_be_bytes());
        head.extend_from_slice(&number.to_be_bytes());
        head.extend_from_slice(hash.as_slice());
        head.extend_from_slice(&crc32fast::hash(&head).to_be_bytes());
        let crc = crc32fast::hash(payload).to_be_bytes();
        for part in [&head[..], payload, &crc] {
            self.out.write_all(part).map_err(write_error)?;
        }
        Ok(())
    }
}

/// Reads an export, block by block: an iterator that ends with the end of the export, or with an error.
#[derive(Debug)]
pub struct ExportReader<R> {
    input: R,
    header: ExportHeader,
    next: u64,
    count: u64,
    newest: B256,
    done: bool,
}

impl<R: Read> ExportReader<R> {
    /// Reads and checks the header.
    pub fn begin(mut input: R) -> Result<Self, ExportError> {
        let mut bytes = [0; HEADER_BYTES];
        input
            .read_exact(&mut bytes)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => {
                    ExportError::NotAnExport("it is shorter than the header of one")
                }
                _ => read_error(error),
            })?;
        let header = ExportHeader::decode(&bytes)?;
        Ok(Self {
            input,
            next: header.first,
            header,
            count: 0,
            newest: B256::ZERO,
            done: false,
        })
    }

    /// What the export is of.
    pub fn header(&self) -> &ExportHeader {
        &self.header
    }

    fn read(&mut self) -> Result<Option<ExportedBlock>, ExportError> {
        let mut head = [0; FRAME_HEADER_BYTES];
        self.fill(&mut head)?;
        if u32_at(&head, 48) != crc32fast::hash(&head[..48]) {
            return Err(self.damaged("the checksum of its frame does not match"));
        }
        let (kind, length, number) = (u32_at(&head, 0), u32_at(&head, 4), u64_at(&head, 8));
        let hash = B256::from_slice(&head[16..48]);
        if length > PAYLOAD_BYTES_MAX {
            return Err(self.damaged("its frame is longer than a block can be"));
        }
        // What is read decides how much is held, not what the file claims.
        let mut payload = Vec::new();
        let mut body = self.input.by_ref().take(length.into());
        let read = body.read_to_end(&mut payload).map_err(read_error)?;
        if read as u64 != u64::from(length) {
            return Err(self.short());
        }
        let mut crc = [0; 4];
        self.fill(&mut crc)?;
        if u32::from_be_bytes(crc) != crc32fast::hash(&payload) {
            return Err(self.damaged("the checksum of the block does not match"));
        }
        match kind {
            KIND_BLOCK => self.block(number, hash, payload).map(Some),
            KIND_END => self.end(number, hash, payload.is_empty()).map(|()| None),
            _ => Err(self.damaged("its frame is of no known kind")),
        }
    }

    fn block(
        &mut self,
        height: u64,
        hash: B256,
        payload: Vec<u8>,
    ) -> Result<ExportedBlock, ExportError> {
        if height != self.next || height > self.header.last {
            return Err(self.damaged(&format!("block {height} stands there")));
        }
        self.next += 1;
        self.count += 1;
        self.newest = hash;
        Ok(ExportedBlock {
            height,
            hash,
            payload,
        })
    }

    fn end(&mut self, count: u64, newest: B256, empty: bool) -> Result<(), ExportError> {
        let whole = self.next.checked_sub(1) == Some(self.header.last) || self.count == 0;
        if !empty || (count, newest) != (self.count, self.newest) || !whole {
            return Err(self.damaged(&format!(
                "its end comes here and speaks of {count} blocks, after {} of them",
                self.count
            )));
        }
        match self.input.read(&mut [0]).map_err(read_error)? {
            0 => Ok(()),
            _ => Err(self.damaged("something follows the end")),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ExportError> {
        self.input
            .read_exact(bytes)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => self.short(),
                _ => read_error(error),
            })
    }

    fn short(&self) -> ExportError {
        ExportError::Short {
            height: self.next,
            first: self.header.first,
            last: self.header.last,
        }
    }

    fn damaged(&self, reason: &str) -> ExportError {
        ExportError::Damaged {
            height: self.next,
            reason: reason.to_owned(),
        }
    }
}

impl<R: Read> Iterator for ExportReader<R> {
    type Item = Result<ExportedBlock, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.read().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}

fn write_error(source: io::Error) -> ExportError {
    ExportError::Io {
        operation: "write",
        source,
    }
}

fn read_error(source: io::Error) -> ExportError {
    ExportError::Io {
        operation: "read",
        source,
    }
}
