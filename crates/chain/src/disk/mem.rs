//! A folder in memory.

use std::{collections::BTreeMap, io, sync::Arc};

use parking_lot::{Mutex, RwLock};

use super::{Disk, DiskFile};

/// Growing by whole chunks never copies what is already there, however large a file becomes.
const CHUNK_BYTES: usize = 64 * 1024;

/// A folder in memory. Files live as long as the folder.
#[derive(Debug, Default)]
pub struct MemDisk {
    files: Mutex<BTreeMap<String, Arc<MemFile>>>,
}

impl MemDisk {
    /// An empty folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Disk for MemDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        match self.files.lock().get(name) {
            Some(file) => Ok(Arc::clone(file) as Arc<dyn DiskFile>),
            None => Err(missing(name)),
        }
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::clone(self.files.lock().entry(name.to_owned()).or_default()) as Arc<dyn DiskFile>)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.lock().keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match self.files.lock().remove(name) {
            Some(_) => Ok(()),
            None => Err(missing(name)),
        }
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn label(&self, name: &str) -> String {
        format!("memory:{name}")
    }
}

#[derive(Debug, Default)]
struct MemFile(RwLock<Chunks>);

#[derive(Debug, Default)]
struct Chunks {
    len: u64,
    chunks: Vec<Box<[u8]>>,
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no file {name}"))
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))
}

impl Chunks {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let bytes = index(len)?;
        self.chunks
            .resize_with(bytes.div_ceil(CHUNK_BYTES), || vec![0; CHUNK_BYTES].into());
        if len < self.len
            && let Some(last) = self.chunks.last_mut()
            && !bytes.is_multiple_of(CHUNK_BYTES)
        {
            // What is cut off must read as zeros when the file grows again.
            last[bytes % CHUNK_BYTES..].fill(0);
        }
        self.len = len;
        Ok(())
    }

    /// The pieces of chunks that `len` bytes at `offset` lie in: (chunk, start in it, bytes).
    fn pieces(offset: usize, len: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let end = offset + len;
        let mut at = offset;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let start = at % CHUNK_BYTES;
            let bytes = (CHUNK_BYTES - start).min(end - at);
            let piece = (at / CHUNK_BYTES, start, bytes);
            at += bytes;
            Some(piece)
        })
    }
}

impl DiskFile for MemFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().len)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let this = self.0.read();
        if offset
            .checked_add(out.len() as u64)
            .is_none_or(|end| end > this.len)
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut done = 0;
        for (chunk, start, bytes) in Chunks::pieces(index(offset)?, out.len()) {
            out[done..done + bytes].copy_from_slice(&this.chunks[chunk][start..start + bytes]);
            done += bytes;
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut this = self.0.write();
        let end = offset
            .checked_add(data.len() as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        if end > this.len {
            this.set_len(end)?;
        }
        let mut done = 0;
        for (chunk, start, bytes) in Chunks::pieces(index(offset)?, data.len()) {
            this.chunks[chunk][start..start + bytes].copy_from_slice(&data[done..done + bytes]);
            done += bytes;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.write().set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
