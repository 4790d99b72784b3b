//! The commit point: an append-only log of blocks.
//!
//! A block is final for this node when [`BlockLog::append`] returns: its frame is written and synced,
//! once. Everything else (state, trie, history, indexes) is derived from the log and may lag behind it.
//! The log does not look inside a payload. `specs/block-log.md` has the format and the invariants.
//!
//! ```text
//! 00000000000000000000.blocks   header | frame | frame | frame ...   sealed; its .index names each frame
//! 00000000000000004096.blocks   header | frame | frame |              the last one grows
//! tip                           how far the log was known to be synced
//! ```

mod error;
pub(crate) mod frame;
mod open;
mod segment;
#[cfg(test)]
mod tests;
mod tip;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy_primitives::{B256, Bytes};
use parking_lot::{Mutex, RwLock};

pub use self::{
    error::LogError,
    frame::{FORMAT_VERSION, PAYLOAD_BYTES_MAX},
};
use self::{
    frame::{FrameHeader, KIND_BLOCK, SEGMENT_HEADER_BYTES, SegmentHeader, frame_bytes},
    segment::{Index, Place, Places, Segment, blocks_name, index_name, io_error},
    tip::Tip,
};
use crate::disk::{Disk, DiskFile, MemDisk, is_full};

/// How a log is kept.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// A segment is sealed, and the next one begun, when it has grown to this size.
    pub segment_bytes: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 256 << 20,
        }
    }
}

/// A block as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Height of the block.
    pub height: u64,
    /// Hash of the block.
    pub hash: B256,
    /// Whatever the chain needs to have the block again.
    pub payload: Bytes,
}

/// What opening a log had to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes of an unfinished, never acknowledged frame that were cut off at the end.
    pub cut_bytes: u64,
    /// Indexes of sealed segments that were written anew.
    pub reindexed: Vec<String>,
}

/// An append-only log of blocks. Share it by reference: readers wait for the writer only while it notes
/// where the new frame is, never while it syncs.
#[derive(Debug)]
pub struct BlockLog {
    disk: Arc<dyn Disk>,
    config: LogConfig,
    writer: Mutex<Writer>,
    state: RwLock<State>,
    syncs: AtomicU64,
}

#[derive(Debug)]
struct Writer {
    tip: Arc<dyn DiskFile>,
    /// Set when a failure left it unknown what the disk holds.
    stopped: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    /// Ascending; only the last one grows.
    segments: Vec<Segment>,
    /// The file of the last segment.
    active: Option<Arc<dyn DiskFile>>,
}

impl BlockLog {
    /// Opens or creates a log in a folder. Take the folder's lock before.
    pub fn open(disk: Arc<dyn Disk>, config: LogConfig) -> Result<(Self, Recovery), LogError> {
        let opened = open::open(&*disk)?;
        let tip = disk
            .create(tip::NAME)
            .map_err(io_error(&*disk, tip::NAME, "create it"))?;
        let state = State {
            segments: opened.segments,
            active: opened.active,
        };
        if let Some(last) = state.segments.last()
            && last.count() > 0
        {
            let tip_now = tip_of(last);
            tip::write(&tip, tip_now).map_err(io_error(&*disk, tip::NAME, "write it"))?;
        }
        let log = Self {
            disk,
            config,
            writer: Mutex::new(Writer { tip, stopped: None }),
            state: RwLock::new(state),
            syncs: AtomicU64::new(0),
        };
        Ok((log, opened.recovery))
    }

    /// A log in memory.
    pub fn memory() -> Result<Self, LogError> {
        Ok(Self::open(Arc::new(MemDisk::new()), LogConfig::default())?.0)
    }

    /// Appends a block; it is durable on return. Heights are consecutive; the first one is free.
    pub fn append(&self, height: u64, hash: B256, payload: &[u8]) -> Result<(), LogError> {
        self.append_frames(&[(height, hash, payload)])
    }

    /// Appends blocks with one sync. All are durable on return; after an error none is in the log, and
    /// after a crash some of the first may be.
    pub fn append_all(&self, entries: &[Entry]) -> Result<(), LogError> {
        let frames: Vec<_> = entries
            .iter()
            .map(|entry| (entry.height, entry.hash, entry.payload.as_ref()))
            .collect();
        // The position in a batch has 16 bits.
        frames
            .chunks(1 << 15)
            .try_for_each(|frames| self.append_frames(frames))
    }

    fn append_frames(&self, frames: &[(u64, B256, &[u8])]) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check()?;
        self.check_order(frames)?;
        let Some(&(first_height, ..)) = frames.first() else {
            return Ok(());
        };
        self.roll(&mut writer, first_height)?;

        let (file, segment, salt, start) = {
            let state = self.state.read();
            match (&state.active, state.segments.last()) {
                (Some(file), Some(last)) => {
                    (Arc::clone(file), last.first_height, last.salt, last.bytes)
                }
                _ => {
                    return Err(LogError::Order {
                        last: None,
                        height: first_height,
                    });
                }
            }
        };
        let (bytes, places) = encode(frames, salt, start);
        self.write_frames(&mut writer, &*file, segment, first_height, start, &bytes)?;

        let mut state = self.state.write();
        if let Some(last) = state.segments.last_mut() {
            last.bytes = start + bytes.len() as u64;
            if let Places::Open(open) = &mut last.places {
                open.extend(places);
            }
            // An old note is safe, so failing to renew it is not a failure of the append.
            let _ = tip::write(&writer.tip, tip_of(last));
        }
        Ok(())
    }

    fn check_order(&self, frames: &[(u64, B256, &[u8])]) -> Result<(), LogError> {
        let mut last = self.heights().map(|(_, last)| last);
        for &(height, _, payload) in frames {
            if last.is_some_and(|last| last.checked_add(1) != Some(height)) {
                return Err(LogError::Order { last, height });
            }
            if payload.len() > PAYLOAD_BYTES_MAX as usize {
                return Err(LogError::TooLarge {
                    height,
                    bytes: payload.len(),
                    max: PAYLOAD_BYTES_MAX,
                });
            }
            last = Some(height);
        }
        Ok(())
    }

    /// Writes and syncs, or leaves the file as it was.
    fn write_frames(
        &self,
        writer: &mut Writer,
        file: &dyn DiskFile,
        segment: u64,
        height: u64,
        start: u64,
        bytes: &[u8],
    ) -> Result<(), LogError> {
        let name = blocks_name(segment);
        let undo = |writer: &mut Writer, cause: &io::Error| {
            if let Err(error) = file.set_len(start) {
                writer.stopped = Some(format!(
                    "block {height} failed ({cause}) and could not be cut off ({error})"
                ));
            }
        };
        if let Err(source) = file.write_at(start, bytes) {
            undo(writer, &source);
            return Err(if is_full(&source) {
                LogError::Full {
                    file: self.disk.label(&name),
                    height,
                    bytes: bytes.len() as u64,
                }
            } else {
                io_error(&*self.disk, &name, "append a block")(source)
            });
        }
        if let Err(source) = file.sync() {
            // After a failed sync nobody knows what is on the disk, and asking again may falsely succeed.
            undo(writer, &source);
            writer
                .stopped
                .get_or_insert_with(|| format!("syncing block {height} failed: {source}"));
            return Err(io_error(&*self.disk, &name, "sync a block")(source));
        }
        self.syncs.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("capstan_log_fsyncs_total").increment(1);
        Ok(())
    }

    /// Begins a new segment when there is none, or when the last one is large enough.
    fn roll(&self, writer: &mut Writer, first_height: u64) -> Result<(), LogError> {
        let sealed = {
            let state = self.state.read();
            match state.segments.last() {
                Some(last) if last.bytes < self.config.segment_bytes || last.count() == 0 => {
                    return Ok(());
                }
                last => last.cloned(),
            }
        };
        if let Some(Segment {
            first_height,
            bytes,
            places: Places::Open(places),
            ..
        }) = &sealed
        {
            Index::write(&*self.disk, *first_height, *bytes, places)?;
        }
        let header = SegmentHeader {
            first_height,
            salt: rand::random(),
        };
        let name = blocks_name(first_height);
        let create = || -> io::Result<Arc<dyn DiskFile>> {
            let file = self.disk.create(&name)?;
            file.set_len(0)?;
            file.write_at(0, &header.encode())?;
            file.sync()?;
            self.disk.sync_names()?;
            Ok(file)
        };
        let file = match create() {
            Ok(file) => file,
            Err(source) => {
                if let Err(error) = self.disk.remove(&name)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    writer.stopped = Some(format!(
                        "the new segment {name} could not be made ({source}) or removed ({error})"
                    ));
                }
                return Err(if is_full(&source) {
                    LogError::Full {
                        file: self.disk.label(&name),
                        height: first_height,
                        bytes: SEGMENT_HEADER_BYTES as u64,
                    }
                } else {
                    io_error(&*self.disk, &name, "create a segment")(source)
                });
            }
        };
        let mut state = self.state.write();
        if let Some(last) = state.segments.last_mut() {
            last.places = Places::Sealed {
                count: last.count(),
            };
        }
        state.segments.push(Segment {
            first_height,
            salt: header.salt,
            bytes: SEGMENT_HEADER_BYTES as u64,
            places: Places::Open(Vec::new()),
        });
        state.active = Some(file);
        Ok(())
    }

    /// The block at a height; `None` outside of what the log holds.
    pub fn read(&self, height: u64) -> Result<Option<Entry>, LogError> {
        let Some((segment, place, active)) = self.locate(height)? else {
            return Ok(None);
        };
        let name = blocks_name(segment.first_height);
        let file = match active {
            Some(file) => file,
            None => match self.disk.open(&name) {
                Ok(file) => file,
                // Pruned between looking and reading.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(io_error(&*self.disk, &name, "open it")(error)),
            },
        };
        let (header, payload) = segment.read(&*self.disk, &*file, height, place)?;
        Ok(Some(Entry {
            height,
            hash: header.hash,
            payload: payload.into(),
        }))
    }

    /// The hash at a height, without reading the payload.
    pub fn hash(&self, height: u64) -> Result<Option<B256>, LogError> {
        Ok(self.locate(height)?.map(|(_, place, _)| place.hash))
    }

    /// The segment that holds a height (without its places), the place, and its file if it is open.
    #[expect(clippy::type_complexity, reason = "one caller takes it apart at once")]
    fn locate(
        &self,
        height: u64,
    ) -> Result<Option<(Segment, Place, Option<Arc<dyn DiskFile>>)>, LogError> {
        let state = self.state.read();
        let at = state
            .segments
            .partition_point(|segment| segment.first_height <= height);
        let Some(segment) = at.checked_sub(1).map(|at| &state.segments[at]) else {
            return Ok(None);
        };
        if height >= segment.next_height() {
            return Ok(None);
        }
        let place = segment.place(&*self.disk, height)?;
        let bare = Segment {
            places: Places::Sealed {
                count: segment.count(),
            },
            ..*segment
        };
        let active = (at == state.segments.len())
            .then(|| state.active.clone())
            .flatten();
        Ok(Some((bare, place, active)))
    }

    /// Lowest and highest height; `None` when empty.
    pub fn heights(&self) -> Option<(u64, u64)> {
        let state = self.state.read();
        let first = state.segments.first()?.first_height;
        let next = state.segments.last()?.next_height();
        (next > first).then(|| (first, next - 1))
    }

    /// Removes every block above `height`, which must be in the log.
    pub fn truncate_to(&self, height: u64) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check()?;
        match self.heights() {
            Some((_, last)) if last <= height => return Ok(()),
            Some((first, _)) if height >= first => {}
            heights => {
                return Err(LogError::Order {
                    last: heights.map(|(first, _)| first),
                    height,
                });
            }
        }
        let mut state = self.state.write();
        let keep = state
            .segments
            .partition_point(|segment| segment.first_height <= height);
        let mut segment = state.segments[keep - 1].clone();
        let places = (segment.first_height..=height)
            .map(|height| segment.place(&*self.disk, height))
            .collect::<Result<Vec<_>, _>>()?;
        segment.bytes = places
            .last()
            .map_or(SEGMENT_HEADER_BYTES as u64, Place::end);
        segment.places = Places::Open(places);

        // The note goes first: a log longer than its note is whole, a shorter one has lost blocks.
        let name = blocks_name(segment.first_height);
        let cut = |removed: &[Segment]| -> io::Result<Arc<dyn DiskFile>> {
            tip::write(&writer.tip, tip_of(&segment))?;
            writer.tip.sync()?;
            for gone in removed.iter().rev() {
                self.remove_segment(gone.first_height)?;
            }
            remove_if_present(&*self.disk, &index_name(segment.first_height))?;
            self.disk.sync_names()?;
            let file = self.disk.open(&name)?;
            file.set_len(segment.bytes)?;
            file.sync()?;
            Ok(file)
        };
        match cut(&state.segments[keep..]) {
            Ok(file) => {
                state.active = Some(file);
                state.segments.truncate(keep - 1);
                state.segments.push(segment);
                Ok(())
            }
            Err(source) => {
                writer.stopped = Some(format!(
                    "cutting the log back to block {height} failed: {source}"
                ));
                Err(io_error(&*self.disk, &name, "cut it back")(source))
            }
        }
    }

    /// Removes whole segments that hold only blocks below `height`; returns how many.
    pub fn prune_below(&self, height: u64) -> Result<usize, LogError> {
        let writer = self.writer.lock();
        writer.check()?;
        let gone: Vec<Segment> = {
            let mut state = self.state.write();
            let last = state.segments.len().saturating_sub(1);
            let count = state.segments[..last]
                .iter()
                .take_while(|segment| segment.next_height() <= height)
                .count();
            state.segments.drain(..count).collect()
        };
        // Ascending, so that a crash in between leaves no gap.
        for segment in &gone {
            self.remove_segment(segment.first_height)
                .and_then(|()| self.disk.sync_names())
                .map_err(io_error(
                    &*self.disk,
                    &blocks_name(segment.first_height),
                    "remove it",
                ))?;
        }
        Ok(gone.len())
    }

    fn remove_segment(&self, first_height: u64) -> io::Result<()> {
        remove_if_present(&*self.disk, &index_name(first_height))?;
        remove_if_present(&*self.disk, &blocks_name(first_height))
    }

    /// Reads and checks every frame, calling `progress` with each height. Returns how many there are.
    pub fn verify(&self, progress: &mut dyn FnMut(u64)) -> Result<u64, LogError> {
        let Some((first, last)) = self.heights() else {
            return Ok(0);
        };
        for height in first..=last {
            self.read(height)?;
            progress(height);
        }
        Ok(last - first + 1)
    }

    /// Syncs of block data so far: one per append.
    pub fn sync_count(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.state
            .read()
            .segments
            .iter()
            .map(|segment| segment.bytes)
            .sum()
    }
}

impl Drop for BlockLog {
    fn drop(&mut self) {
        // With a synced note the next opening can tell damage from a torn write even after a power cut.
        let _ = self.writer.lock().tip.sync();
    }
}

impl Writer {
    fn check(&self) -> Result<(), LogError> {
        match &self.stopped {
            Some(reason) => Err(LogError::Stopped {
                reason: reason.clone(),
            }),
            None => Ok(()),
        }
    }
}

fn encode(frames: &[(u64, B256, &[u8])], salt: u64, start: u64) -> (Vec<u8>, Vec<Place>) {
    let bytes: usize = frames.iter().map(|(.., payload)| payload.len() + 64).sum();
    let mut out = Vec::with_capacity(bytes);
    let mut places = Vec::with_capacity(frames.len());
    for (batch_index, &(height, hash, payload)) in (0u16..).zip(frames) {
        // Checked against PAYLOAD_BYTES_MAX before.
        let payload_bytes = payload.len() as u32;
        places.push(Place {
            offset: start + out.len() as u64,
            payload_bytes,
            hash,
        });
        FrameHeader {
            kind: KIND_BLOCK,
            batch_index,
            payload_bytes,
            height,
            hash,
        }
        .write(salt, payload, &mut out);
    }
    debug_assert_eq!(
        out.len() as u64,
        places
            .iter()
            .map(|place| frame_bytes(place.payload_bytes))
            .sum::<u64>()
    );
    (out, places)
}

fn tip_of(segment: &Segment) -> Tip {
    Tip {
        segment: segment.first_height,
        bytes: segment.bytes,
        height: segment.next_height().saturating_sub(1),
    }
}

fn remove_if_present(disk: &dyn Disk, name: &str) -> io::Result<()> {
    match disk.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
