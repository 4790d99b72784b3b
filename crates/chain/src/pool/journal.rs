//! Waiting transactions over a restart.
//!
//! A frame for each: length (4 bytes, little endian) | CRC-32 of the body (4) | EIP-2718 bytes. It is a
//! convenience, not a promise: a crash may lose the last moments, and a damaged end is dropped.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::PathBuf,
    sync::Arc,
};

use alloy_consensus::transaction::Recovered;
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use capstan_evm::Tx;
use parking_lot::Mutex;
use rayon::prelude::*;

use super::Pooled;
use crate::block::recover;

/// The journal is written anew when it has this many bytes more than it needs.
const SLACK_BYTES: u64 = 64 << 20;

/// See the module. Its failures are logged and never stop the chain.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<Option<Writing>>,
}

#[derive(Debug)]
struct Writing {
    out: BufWriter<File>,
    bytes: u64,
}

impl Journal {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: Mutex::new(None),
        }
    }

    /// What was waiting; senders are recovered on all cores.
    pub(crate) fn load(&self, allow_impersonation: bool) -> Vec<Recovered<Tx>> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the pool's journal cannot be read");
                return Vec::new();
            }
        };
        read_journal(&bytes)
            .into_par_iter()
            .filter_map(|tx| recover(tx, allow_impersonation).ok())
            .collect()
    }

    /// Adds what has entered the pool.
    pub(crate) fn append(&self, entered: &[Arc<Pooled>]) {
        if let Some(writing) = &mut *self.file.lock()
            && let Err(error) = writing.add(entered)
        {
            tracing::warn!(path = %self.path.display(), %error, "the pool's journal cannot be written");
        }
    }

    /// Gives the operating system what was added.
    pub(crate) fn flush(&self) {
        if let Some(writing) = &mut *self.file.lock() {
            let _ = writing.out.flush();
        }
    }

    /// Whether it holds much that no longer waits.
    pub(crate) fn is_slack(&self, waiting_bytes: usize) -> bool {
        let file = self.file.lock();
        file.as_ref()
            .is_some_and(|writing| writing.bytes > waiting_bytes as u64 * 2 + SLACK_BYTES)
    }

    /// Starts anew with exactly these.
    pub(crate) fn rewrite(&self, waiting: &[Arc<Pooled>]) {
        let mut file = self.file.lock();
        let fresh = self.path.with_extension("new");
        let write = || -> std::io::Result<Writing> {
            let mut writing = Writing {
                out: BufWriter::new(File::create(&fresh)?),
                bytes: 0,
            };
            writing.add(waiting)?;
            writing.out.flush()?;
            std::fs::rename(&fresh, &self.path)?;
            Ok(writing)
        };
        match write() {
            Ok(writing) => *file = Some(writing),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the pool's journal cannot be written");
            }
        }
    }
}

impl Writing {
    fn add(&mut self, entered: &[Arc<Pooled>]) -> std::io::Result<()> {
        for pooled in entered {
            let body = pooled.tx.inner().encoded_2718();
            let length = u32::try_from(body.len()).map_err(std::io::Error::other)?;
            self.out.write_all(&length.to_le_bytes())?;
            self.out.write_all(&crc32fast::hash(&body).to_le_bytes())?;
            self.out.write_all(&body)?;
            self.bytes += 8 + u64::from(length);
        }
        Ok(())
    }
}

/// The transactions in the bytes of a journal, up to the first damage. What is no transaction is left out.
pub fn read_journal(bytes: &[u8]) -> Vec<Tx> {
    let frames: Vec<&[u8]> = Frames { rest: bytes }.collect();
    frames
        .into_par_iter()
        .filter_map(|frame| Tx::decode_2718_exact(frame).ok())
        .collect()
}

/// Whole, undamaged frames from the front.
struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let (checksum, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (body, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        (crc32fast::hash(body) == u32::from_le_bytes(*checksum)).then_some(body)
    }
}
