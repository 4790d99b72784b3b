//! A disk that fails: at a chosen operation, for good, by losing what was not synced, or by being full.
//!
//! It tells apart what the program sees from what a power cut would leave. [`FaultDisk::crash`] gives the
//! disk after one: everything synced, and of the rest any part, torn at sectors, in any order.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use capstan_chain::disk::{Disk, DiskFile};
use rand::{Rng, rngs::StdRng};

/// The smallest piece that a disk writes whole.
const SECTOR_BYTES: usize = 512;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails, later ones work. A failed sync forgets what it should have saved, as Linux does.
    Once,
    /// The operation and all later ones fail, reads too.
    Dead,
    /// Files may not grow in the operation or later: the disk is full.
    Full,
}

#[derive(Clone, Debug)]
enum Pending {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

#[derive(Clone, Debug, Default)]
struct FileState {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, FileState>,
    operations: u64,
    plan: Option<(u64, Fault)>,
    syncs: u64,
}

/// A disk in memory that fails as planned. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct FaultDisk(Arc<Mutex<State>>);

impl FaultDisk {
    /// A healthy, empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails at the n-th operation from now that changes or syncs something (counted from zero).
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        let mut state = self.state();
        state.plan = Some((state.operations + operation, fault));
    }

    /// Works again.
    pub fn heal(&self) {
        self.state().plan = None;
    }

    /// Operations so far that changed or synced something.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Syncs of files so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// The disk after a power cut.
    #[must_use]
    pub fn crash(&self, rng: &mut StdRng) -> Self {
        let mut files = self.state().files.clone();
        for file in files.values_mut() {
            let mut left = file.durable.clone();
            for pending in &file.pending {
                apply_part(&mut left, pending, rng);
            }
            *file = FileState {
                seen: left.clone(),
                durable: left,
                pending: Vec::new(),
            };
        }
        Self(Arc::new(Mutex::new(State {
            files,
            ..Default::default()
        })))
    }

    /// The disk after the process died and the operating system lived on.
    #[must_use]
    pub fn kill(&self) -> Self {
        let files = self.state().files.clone();
        Self(Arc::new(Mutex::new(State {
            files,
            ..Default::default()
        })))
    }

    /// The bytes of a file.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.state().files.get(name).map(|file| file.seen.clone())
    }

    /// Puts a file there, synced.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let file = FileState {
            seen: bytes.clone(),
            durable: bytes,
            pending: Vec::new(),
        };
        self.state().files.insert(name.to_owned(), file);
    }

    /// Removes a file from the outside.
    pub fn delete(&self, name: &str) {
        self.state().files.remove(name);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn apply_part(bytes: &mut Vec<u8>, pending: &Pending, rng: &mut StdRng) {
    match pending {
        Pending::SetLen(len) => {
            if rng.random_bool(0.5) {
                bytes.resize(*len as usize, 0);
            }
        }
        Pending::Write(offset, data) => {
            let keep = rng.random_range(0..4);
            let offset = *offset as usize;
            for (n, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                if keep == 0 || (keep < 3 && rng.random_bool(0.5)) {
                    continue;
                }
                let at = offset + n * SECTOR_BYTES;
                if bytes.len() < at + sector.len() {
                    bytes.resize(at + sector.len(), 0);
                }
                bytes[at..at + sector.len()].copy_from_slice(sector);
            }
        }
    }
}

impl State {
    /// Counts an operation, and says how it fails, if it does.
    fn begin(&mut self) -> Option<Fault> {
        let now = self.operations;
        self.operations += 1;
        match self.plan {
            Some((at, Fault::Once)) if now == at => Some(Fault::Once),
            Some((at, fault @ (Fault::Dead | Fault::Full))) if now >= at => Some(fault),
            _ => None,
        }
    }

    fn alive(&self) -> io::Result<()> {
        match self.plan {
            Some((at, Fault::Dead)) if self.operations > at => Err(broken()),
            _ => Ok(()),
        }
    }

    fn file(&mut self, name: &str) -> io::Result<&mut FileState> {
        self.files
            .get_mut(name)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn broken() -> io::Error {
    io::Error::other("simulated disk failure")
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "simulated full disk")
}

impl Disk for FaultDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.alive()?;
        state.file(name)?;
        Ok(Arc::new(FaultFile {
            disk: self.clone(),
            name: name.to_owned(),
        }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        if !state.files.contains_key(name) {
            match state.begin() {
                Some(Fault::Full) => return Err(full()),
                Some(_) => return Err(broken()),
                None => drop(state.files.insert(name.to_owned(), FileState::default())),
            }
        }
        drop(state);
        self.open(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.alive()?;
        Ok(state.files.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.file(name)?;
        if matches!(state.begin(), Some(Fault::Once | Fault::Dead)) {
            return Err(broken());
        }
        state.files.remove(name);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        match self.state().begin() {
            Some(Fault::Once | Fault::Dead) => Err(broken()),
            _ => Ok(()),
        }
    }

    fn label(&self, name: &str) -> String {
        format!("fault:{name}")
    }
}

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    name: String,
}

impl DiskFile for FaultFile {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.alive()?;
        Ok(state.file(&self.name)?.seen.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.alive()?;
        let file = state.file(&self.name)?;
        let offset = offset as usize;
        let end = offset
            .checked_add(out.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(
            file.seen
                .get(offset..end)
                .ok_or(io::ErrorKind::UnexpectedEof)?,
        );
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let fault = state.begin();
        let file = state.file(&self.name)?;
        let start = offset as usize;
        let grows = start + data.len() > file.seen.len();
        // A write that fails may have done a part of its work.
        let written = match fault {
            None => data.len(),
            Some(Fault::Full) if !grows => data.len(),
            Some(_) => data.len() / 2,
        };
        if file.seen.len() < start + written {
            file.seen.resize(start + written, 0);
        }
        file.seen[start..start + written].copy_from_slice(&data[..written]);
        file.pending
            .push(Pending::Write(offset, data[..written].to_vec()));
        match fault {
            Some(Fault::Full) if grows => Err(full()),
            Some(Fault::Once | Fault::Dead) => Err(broken()),
            _ => Ok(()),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let fault = state.begin();
        let file = state.file(&self.name)?;
        match fault {
            Some(Fault::Full) if len > file.seen.len() as u64 => return Err(full()),
            Some(Fault::Once | Fault::Dead) => return Err(broken()),
            _ => {}
        }
        file.seen.resize(len as usize, 0);
        file.pending.push(Pending::SetLen(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let fault = state.begin();
        state.syncs += 1;
        let file = state.file(&self.name)?;
        match fault {
            Some(Fault::Once) => {
                file.pending.clear();
                Err(broken())
            }
            Some(Fault::Dead) => Err(broken()),
            _ => {
                file.durable.clone_from(&file.seen);
                file.pending.clear();
                Ok(())
            }
        }
    }
}
