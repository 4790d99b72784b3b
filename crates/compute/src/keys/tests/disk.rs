//! A disk in memory that dies after so many operations, and then holds any part of what was not synced.

use std::{io, sync::Arc};

use parking_lot::Mutex;
use rand::{Rng as _, rngs::StdRng};

/// The smallest piece that is written whole.
const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Len(usize),
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
    operations_left: Option<u64>,
}

/// Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct CrashDisk(Arc<Mutex<State>>);

fn apply(bytes: &mut Vec<u8>, change: &Pending) {
    match change {
        Pending::Len(len) => bytes.resize(*len, 0),
        Pending::Write(at, data) => {
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}

impl CrashDisk {
    /// Every operation after so many fails.
    pub(super) fn fail_after(&self, operations: u64) {
        self.0.lock().operations_left = Some(operations);
    }

    /// What a power cut leaves: all that was synced, and of the rest any sectors.
    pub(super) fn after_power_cut(&self, rng: &mut StdRng) -> Self {
        let state = self.0.lock();
        let mut left = state.durable.clone();
        for change in &state.pending {
            match change {
                Pending::Len(_) if rng.random_bool(0.5) => apply(&mut left, change),
                Pending::Len(_) => {}
                Pending::Write(at, data) => {
                    for (number, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                        if rng.random_bool(0.5) {
                            let at = at + number * SECTOR_BYTES;
                            apply(&mut left, &Pending::Write(at, sector.to_vec()));
                        }
                    }
                }
            }
        }
        // A file that grew by a write that is there only in part still has the length that was synced at least.
        Self(Arc::new(Mutex::new(State {
            seen: left.clone(),
            durable: left,
            ..State::default()
        })))
    }

    fn step(state: &mut State) -> io::Result<()> {
        match &mut state.operations_left {
            Some(0) => Err(io::Error::other("the disk is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&self, change: Pending) -> io::Result<()> {
        let mut state = self.0.lock();
        Self::step(&mut state)?;
        apply(&mut state.seen, &change);
        state.pending.push(change);
        Ok(())
    }
}

fn index(value: u64) -> io::Result<usize> {
    usize::try_from(value).map_err(io::Error::other)
}

impl redb::StorageBackend for CrashDisk {
    fn len(&self) -> io::Result<u64> {
        u64::try_from(self.0.lock().seen.len()).map_err(io::Error::other)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock();
        let at = index(offset)?;
        let bytes = state.seen.get(at..at + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Pending::Len(index(len)?))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        Self::step(&mut state)?;
        state.durable = state.seen.clone();
        state.pending.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Pending::Write(index(offset)?, data.to_vec()))
    }
}
