//! Bytes of a segment: its header, and the frame around each payload.
//!
//! Checksums of headers are salted by eight random bytes of their segment. Payloads are written by
//! strangers; without the salt one could hold a counterfeit frame, and a search for frames behind a
//! torn one would believe it.

use alloy_primitives::B256;

/// Version of the format that this code writes, and the only one that it reads.
pub const FORMAT_VERSION: u8 = 1;
/// Kind of a frame that holds a block.
pub(crate) const KIND_BLOCK: u8 = 1;
/// Largest payload of a frame.
pub const PAYLOAD_BYTES_MAX: u32 = 1 << 30;

/// Length of the header at the start of a segment.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 32;
/// Length of the header before each payload.
pub(crate) const FRAME_HEADER_BYTES: usize = 56;
/// Length of the checksum behind each payload.
pub(crate) const FRAME_TRAILER_BYTES: usize = 4;

const SEGMENT_MAGIC: [u8; 8] = *b"CAPSTANB";
/// Starts every frame.
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"CBLK";

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A checksum or a constant does not match.
    Damaged(&'static str),
    /// Intact, but of another version.
    Version(u8),
}

/// First bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) first_height: u64,
    pub(crate) salt: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = [0; SEGMENT_HEADER_BYTES];
        out[..8].copy_from_slice(&SEGMENT_MAGIC);
        out[8] = FORMAT_VERSION;
        out[12..20].copy_from_slice(&self.first_height.to_be_bytes());
        out[20..28].copy_from_slice(&self.salt.to_be_bytes());
        let crc = crc32fast::hash(&out[..28]);
        out[28..].copy_from_slice(&crc.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> Result<Self, Fault> {
        if bytes[..8] != SEGMENT_MAGIC {
            return Err(Fault::Damaged("it does not start like a block log"));
        }
        if u32_at(bytes, 28) != crc32fast::hash(&bytes[..28]) {
            return Err(Fault::Damaged("the checksum of its header does not match"));
        }
        if bytes[8] != FORMAT_VERSION {
            return Err(Fault::Version(bytes[8]));
        }
        Ok(Self {
            first_height: u64_at(bytes, 12),
            salt: u64_at(bytes, 20),
        })
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: u8,
    /// Position among the frames that were written and synced together.
    pub(crate) batch_index: u16,
    pub(crate) payload_bytes: u32,
    pub(crate) height: u64,
    pub(crate) hash: B256,
}

impl FrameHeader {
    /// Bytes of the whole frame.
    pub(crate) fn frame_bytes(&self) -> u64 {
        frame_bytes(self.payload_bytes)
    }

    pub(crate) fn encode(&self, salt: u64) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = [0; FRAME_HEADER_BYTES];
        out[..4].copy_from_slice(&FRAME_MAGIC);
        out[4] = FORMAT_VERSION;
        out[5] = self.kind;
        out[6..8].copy_from_slice(&self.batch_index.to_be_bytes());
        out[8..12].copy_from_slice(&self.payload_bytes.to_be_bytes());
        out[12..20].copy_from_slice(&self.height.to_be_bytes());
        out[20..52].copy_from_slice(self.hash.as_slice());
        let crc = salted_crc(salt, &out[..52]);
        out[52..].copy_from_slice(&crc.to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8; FRAME_HEADER_BYTES], salt: u64) -> Result<Self, Fault> {
        if bytes[..4] != FRAME_MAGIC {
            return Err(Fault::Damaged("no frame starts here"));
        }
        if u32_at(bytes, 52) != salted_crc(salt, &bytes[..52]) {
            return Err(Fault::Damaged(
                "the checksum of the frame's header does not match",
            ));
        }
        if bytes[4] != FORMAT_VERSION {
            return Err(Fault::Version(bytes[4]));
        }
        let header = Self {
            kind: bytes[5],
            batch_index: u16::from_be_bytes([bytes[6], bytes[7]]),
            payload_bytes: u32_at(bytes, 8),
            height: u64_at(bytes, 12),
            hash: B256::from_slice(&bytes[20..52]),
        };
        if header.payload_bytes > PAYLOAD_BYTES_MAX {
            return Err(Fault::Damaged("the frame is longer than a frame can be"));
        }
        Ok(header)
    }

    /// Appends the whole frame to `out`.
    pub(crate) fn write(&self, salt: u64, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.encode(salt));
        out.extend_from_slice(payload);
        out.extend_from_slice(&crc32fast::hash(payload).to_be_bytes());
    }
}

/// Bytes of a frame around a payload of this length.
pub(crate) const fn frame_bytes(payload_bytes: u32) -> u64 {
    (FRAME_HEADER_BYTES + FRAME_TRAILER_BYTES) as u64 + payload_bytes as u64
}

/// Splits what follows a header into the payload, if its checksum matches.
pub(crate) fn open_payload(body: &[u8]) -> Result<&[u8], Fault> {
    let (payload, crc) = body
        .split_last_chunk::<FRAME_TRAILER_BYTES>()
        .ok_or(Fault::Damaged("the frame is cut short"))?;
    if u32::from_be_bytes(*crc) == crc32fast::hash(payload) {
        Ok(payload)
    } else {
        Err(Fault::Damaged("the checksum of the block does not match"))
    }
}

fn salted_crc(salt: u64, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&salt.to_be_bytes());
    crc.update(bytes);
    crc.finalize()
}

/// A big-endian number inside fixed bytes.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_be_bytes(word)
}

/// A big-endian number inside fixed bytes.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_be_bytes(word)
}
