//! One file of frames, and where its frames are.

use std::{io, sync::Arc};

use alloy_primitives::B256;

use super::{
    LogError,
    frame::{
        FORMAT_VERSION, FRAME_HEADER_BYTES, FRAME_MAGIC, FRAME_TRAILER_BYTES, Fault, FrameHeader,
        SEGMENT_HEADER_BYTES, SegmentHeader, frame_bytes, open_payload, u32_at, u64_at,
    },
};
use crate::disk::{Disk, DiskFile};

/// Name of the file of blocks that starts at a height.
pub(super) fn blocks_name(first_height: u64) -> String {
    format!("{first_height:020}.blocks")
}

/// Name of the file that says where the frames of a sealed segment are.
pub(super) fn index_name(first_height: u64) -> String {
    format!("{first_height:020}.index")
}

/// The first height of a segment by the name of its file.
pub(super) fn parse_blocks_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".blocks")?;
    (digits.len() == 20).then(|| digits.parse().ok())?
}

/// Where a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) payload_bytes: u32,
    pub(super) hash: B256,
}

impl Place {
    pub(super) fn end(&self) -> u64 {
        self.offset + frame_bytes(self.payload_bytes)
    }
}

/// A segment as it was found.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) first_height: u64,
    pub(super) salt: u64,
    /// Bytes up to the end of the last whole frame.
    pub(super) bytes: u64,
    pub(super) places: Places,
}

/// Places of a segment's frames: in memory while it grows, in its index file once sealed, so that a log
/// of any age opens at once and costs no memory.
#[derive(Clone, Debug)]
pub(super) enum Places {
    Open(Vec<Place>),
    Sealed { count: u64 },
}

impl Segment {
    pub(super) fn count(&self) -> u64 {
        match &self.places {
            Places::Open(places) => places.len() as u64,
            Places::Sealed { count } => *count,
        }
    }

    /// The height after the last one in this segment.
    pub(super) fn next_height(&self) -> u64 {
        self.first_height + self.count()
    }

    /// The place of a height, which must be in this segment.
    pub(super) fn place(&self, disk: &dyn Disk, height: u64) -> Result<Place, LogError> {
        let position = height - self.first_height;
        match &self.places {
            Places::Open(places) => Ok(usize::try_from(position)
                .ok()
                .and_then(|at| places.get(at))
                .copied()
                .ok_or(LogError::Order {
                    last: self.next_height().checked_sub(1),
                    height,
                })?),
            Places::Sealed { .. } => Index::open(disk, self.first_height)?.place(position),
        }
    }

    /// Reads and checks the frame at a place: its header and its payload.
    pub(super) fn read(
        &self,
        disk: &dyn Disk,
        file: &dyn DiskFile,
        height: u64,
        place: Place,
    ) -> Result<(FrameHeader, Vec<u8>), LogError> {
        let name = blocks_name(self.first_height);
        let damaged = |reason: String| LogError::Damaged {
            file: disk.label(&name),
            offset: place.offset,
            height,
            reason,
        };
        let bytes = usize::try_from(frame_bytes(place.payload_bytes))
            .map_err(|_| damaged("the frame does not fit into memory".into()))?;
        let mut frame = vec![0; bytes];
        file.read_at(place.offset, &mut frame)
            .map_err(io_error(disk, &name, "read a block"))?;
        let (head, body) = frame.split_at(FRAME_HEADER_BYTES);
        let mut fixed = [0; FRAME_HEADER_BYTES];
        fixed.copy_from_slice(head);
        let header = FrameHeader::decode(&fixed, self.salt)
            .and_then(|header| open_payload(body).map(|_| header))
            .map_err(|fault| fault_error(disk, &name, place.offset, height, &fault))?;
        if header.height != height || header.hash != place.hash {
            return Err(damaged(format!("it holds block {} there", header.height)));
        }
        frame.truncate(bytes - FRAME_TRAILER_BYTES);
        frame.drain(..FRAME_HEADER_BYTES);
        Ok((header, frame))
    }
}

/// What a scan of a segment found.
pub(super) struct Scan {
    pub(super) places: Vec<Place>,
    /// Where the last whole frame ends.
    pub(super) end: u64,
    /// What is wrong behind it, if the file goes on.
    pub(super) fault: Option<Fault>,
}

/// Reads the header of a segment; `None` if the file is too short to have one.
pub(super) fn read_header(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    first_height: u64,
) -> Result<Option<SegmentHeader>, LogError> {
    let name = blocks_name(first_height);
    let len = file
        .len()
        .map_err(io_error(disk, &name, "find its length"))?;
    if len < SEGMENT_HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    file.read_at(0, &mut bytes)
        .map_err(io_error(disk, &name, "read its header"))?;
    match SegmentHeader::decode(&bytes) {
        Ok(header) if header.first_height == first_height => Ok(Some(header)),
        Ok(header) => Err(LogError::Damaged {
            file: disk.label(&name),
            offset: 0,
            height: first_height,
            reason: format!(
                "it starts with block {}: the file was renamed",
                header.first_height
            ),
        }),
        // Nothing but zeros, and no frame yet: creating the file was cut short.
        Err(Fault::Damaged(_)) if len == SEGMENT_HEADER_BYTES as u64 => Ok(None),
        Err(fault) => Err(fault_error(disk, &name, 0, first_height, &fault)),
    }
}

/// Reads all frames of a segment up to the first that is not whole.
pub(super) fn scan(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    header: SegmentHeader,
) -> Result<Scan, LogError> {
    let name = blocks_name(header.first_height);
    let len = file
        .len()
        .map_err(io_error(disk, &name, "find its length"))?;
    let mut found = Scan {
        places: Vec::new(),
        end: SEGMENT_HEADER_BYTES as u64,
        fault: None,
    };
    let mut height = header.first_height;
    let mut body = Vec::new();
    while found.end < len {
        let mut head = [0; FRAME_HEADER_BYTES];
        if found.end + FRAME_HEADER_BYTES as u64 > len {
            found.fault = Some(Fault::Damaged("the frame is cut short"));
            break;
        }
        file.read_at(found.end, &mut head)
            .map_err(io_error(disk, &name, "read a block"))?;
        let frame = match FrameHeader::decode(&head, header.salt) {
            Ok(frame) => frame,
            Err(fault @ Fault::Version(_)) => {
                return Err(fault_error(disk, &name, found.end, height, &fault));
            }
            Err(fault) => {
                found.fault = Some(fault);
                break;
            }
        };
        if frame.height != height {
            return Err(LogError::Damaged {
                file: disk.label(&name),
                offset: found.end,
                height,
                reason: format!("it holds block {} there", frame.height),
            });
        }
        let end = found.end + frame.frame_bytes();
        if end > len {
            found.fault = Some(Fault::Damaged("the frame is cut short"));
            break;
        }
        body.resize(frame.payload_bytes as usize + FRAME_TRAILER_BYTES, 0);
        file.read_at(found.end + FRAME_HEADER_BYTES as u64, &mut body)
            .map_err(io_error(disk, &name, "read a block"))?;
        if let Err(fault) = open_payload(&body) {
            found.fault = Some(fault);
            break;
        }
        found.places.push(Place {
            offset: found.end,
            payload_bytes: frame.payload_bytes,
            hash: frame.hash,
        });
        found.end = end;
        height += 1;
    }
    Ok(found)
}

/// Looks for a frame behind a faulty one at `from` that was written later than it. There is none behind
/// a torn write; where there is one, an acknowledged block was damaged.
pub(super) fn later_frame(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    header: SegmentHeader,
    from: u64,
    height: u64,
) -> Result<Option<FrameHeader>, LogError> {
    const WINDOW: usize = 1 << 20;
    let name = blocks_name(header.first_height);
    let len = file
        .len()
        .map_err(io_error(disk, &name, "find its length"))?;
    let mut window = Vec::new();
    let mut at = from + 1;
    while at + FRAME_HEADER_BYTES as u64 <= len {
        let bytes = usize::try_from(len - at).unwrap_or(usize::MAX).min(WINDOW);
        window.resize(bytes, 0);
        file.read_at(at, &mut window)
            .map_err(io_error(disk, &name, "search for blocks"))?;
        for candidate in window.windows(FRAME_HEADER_BYTES) {
            if candidate[..4] != FRAME_MAGIC {
                continue;
            }
            let mut head = [0; FRAME_HEADER_BYTES];
            head.copy_from_slice(candidate);
            // Frames of one batch may reach the disk in any order: only a batch begun later counts.
            // A batch that would have begun before the first block is no batch.
            if let Ok(frame) = FrameHeader::decode(&head, header.salt)
                && let Some(begun) = frame.height.checked_sub(u64::from(frame.batch_index))
                && begun > height
            {
                return Ok(Some(frame));
            }
        }
        at += (bytes - FRAME_HEADER_BYTES + 1) as u64;
    }
    Ok(None)
}

const INDEX_MAGIC: [u8; 8] = *b"CAPSTANX";
const INDEX_HEADER_BYTES: usize = 40;
const INDEX_RECORD_BYTES: usize = 48;

/// The file that says where the frames of a sealed segment are: a header, and one record for each.
pub(super) struct Index {
    label: String,
    file: Arc<dyn DiskFile>,
    pub(super) first_height: u64,
    pub(super) count: u64,
    pub(super) segment_bytes: u64,
}

impl Index {
    /// Writes and syncs the index of a segment.
    pub(super) fn write(
        disk: &dyn Disk,
        first_height: u64,
        segment_bytes: u64,
        places: &[Place],
    ) -> Result<(), LogError> {
        let name = index_name(first_height);
        let mut bytes = Vec::with_capacity(INDEX_HEADER_BYTES + places.len() * INDEX_RECORD_BYTES);
        bytes.extend_from_slice(&INDEX_MAGIC);
        bytes.extend_from_slice(&u32::from(FORMAT_VERSION).to_be_bytes());
        bytes.extend_from_slice(&first_height.to_be_bytes());
        bytes.extend_from_slice(&(places.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&segment_bytes.to_be_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        for place in places {
            let start = bytes.len();
            bytes.extend_from_slice(&place.offset.to_be_bytes());
            bytes.extend_from_slice(&place.payload_bytes.to_be_bytes());
            bytes.extend_from_slice(place.hash.as_slice());
            let crc = crc32fast::hash(&bytes[start..]);
            bytes.extend_from_slice(&crc.to_be_bytes());
        }
        let write = || -> io::Result<()> {
            let file = disk.create(&name)?;
            file.set_len(0)?;
            file.write_at(0, &bytes)?;
            file.sync()
        };
        write().map_err(io_error(disk, &name, "write it"))
    }

    /// Opens the index of a segment and checks its header.
    pub(super) fn open(disk: &dyn Disk, first_height: u64) -> Result<Self, LogError> {
        let name = index_name(first_height);
        let file = disk.open(&name).map_err(io_error(disk, &name, "open it"))?;
        let mut head = [0; INDEX_HEADER_BYTES];
        file.read_at(0, &mut head)
            .map_err(io_error(disk, &name, "read its header"))?;
        let index = Self {
            label: disk.label(&name),
            file,
            first_height: u64_at(&head, 12),
            count: u64_at(&head, 20),
            segment_bytes: u64_at(&head, 28),
        };
        let known = head[..8] == INDEX_MAGIC
            && u32_at(&head, 8) == u32::from(FORMAT_VERSION)
            && u32_at(&head, 36) == crc32fast::hash(&head[..36])
            && index.first_height == first_height;
        if known {
            Ok(index)
        } else {
            Err(index.damaged(0))
        }
    }

    /// The place of the n-th frame.
    pub(super) fn place(&self, position: u64) -> Result<Place, LogError> {
        let mut record = [0; INDEX_RECORD_BYTES];
        let offset = INDEX_HEADER_BYTES as u64 + position * INDEX_RECORD_BYTES as u64;
        self.file
            .read_at(offset, &mut record)
            .map_err(|_| self.damaged(position))?;
        if u32_at(&record, 44) != crc32fast::hash(&record[..44]) {
            return Err(self.damaged(position));
        }
        Ok(Place {
            offset: u64_at(&record, 0),
            payload_bytes: u32_at(&record, 8),
            hash: B256::from_slice(&record[12..44]),
        })
    }

    fn damaged(&self, position: u64) -> LogError {
        LogError::Index {
            file: self.label.clone(),
            position,
        }
    }
}

/// An I/O error with its file and what was tried.
pub(super) fn io_error<'a>(
    disk: &'a dyn Disk,
    name: &'a str,
    operation: &'static str,
) -> impl Fn(io::Error) -> LogError + 'a {
    move |source| LogError::Io {
        file: disk.label(name),
        operation,
        source,
    }
}

pub(super) fn fault_error(
    disk: &dyn Disk,
    name: &str,
    offset: u64,
    height: u64,
    fault: &Fault,
) -> LogError {
    let file = disk.label(name);
    match fault {
        Fault::Damaged(reason) => LogError::Damaged {
            file,
            offset,
            height,
            reason: (*reason).to_owned(),
        },
        Fault::Version(found) => LogError::Version {
            file,
            found: *found,
            known: FORMAT_VERSION,
        },
    }
}
