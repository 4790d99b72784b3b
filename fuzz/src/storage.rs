//! What lies on the disk of a node: the log, blocks, trie nodes, the pool's journal, export files.

use std::sync::{Arc, OnceLock};

use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::Bytes;
use capstan_chain::{
    Block, Chain, RawBlock,
    disk::{Disk, MemDisk},
    log::{BlockLog, LogConfig},
    read_journal,
    trie::{Branch, Child, Leaf, Nibbles, Node},
};

use crate::world::{blocks, chain, config};

/// First byte of an input whose checksums are to be made good: without it, chance would never get past them.
const MENDED: u8 = 1;

/// Splits off the first byte, and mends the rest if it says so.
fn mended(input: &[u8], mend: fn(&mut [u8])) -> Vec<u8> {
    let Some((first, rest)) = input.split_first() else {
        return Vec::new();
    };
    let mut bytes = rest.to_vec();
    if *first == MENDED {
        mend(&mut bytes);
    }
    bytes
}

/// A seed as it is, and one whose checksums follow every edit.
fn both_ways(bytes: &[u8]) -> [Vec<u8>; 2] {
    [0, MENDED].map(|first| [&[first], bytes].concat())
}

// ---- the log

const SEGMENT: &str = "00000000000000000000.blocks";
const SEGMENT_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 56;
const LOG: LogConfig = LogConfig {
    segment_bytes: 1 << 20,
};
/// Entries that are read again after opening.
const READ_MAX: u64 = 64;

/// A log over one segment of these bytes: it opens with whole entries or refuses; what it opened with can be
/// read, extended and opened again.
pub(crate) fn log(input: &[u8]) -> String {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    let file = disk.create(SEGMENT).expect("a file in memory");
    let bytes = mended(input, mend_segment);
    file.write_at(0, &bytes).expect("memory");
    let (log, _) = match BlockLog::open(Arc::clone(&disk), LOG) {
        Ok(opened) => opened,
        Err(error) => return error.to_string(),
    };
    let read = |log: &BlockLog| -> Vec<_> {
        let (first, last) = log.heights().unwrap_or((1, 0));
        (first..=last)
            .take(usize::try_from(READ_MAX).unwrap_or(usize::MAX))
            .map(|height| log.read(height).map_err(|error| error.to_string()))
            .collect()
    };
    let entries = read(&log);
    let heights = log.heights();
    if let Some((_, last)) = heights
        && let Some(next) = last.checked_add(1)
    {
        let hash = alloy_primitives::keccak256(b"next");
        if let Err(error) = log.append(next, hash, b"next") {
            return format!("ok until the next append: {error}");
        }
        drop(log);
        let (again, _) = BlockLog::open(disk, LOG).expect("what was extended opens again");
        assert_eq!(again.heights().map(|(_, last)| last), Some(next));
        let entry = again.read(next).expect("readable").expect("there");
        assert_eq!(entry.payload, Bytes::from_static(b"next"));
        assert!(read(&again).starts_with(&entries), "old entries changed");
    }
    format!(
        "ok {}",
        if heights.is_some() {
            "entries"
        } else {
            "empty"
        }
    )
}

pub(crate) fn log_seeds() -> Vec<Vec<u8>> {
    let disk = Arc::new(MemDisk::new());
    let (log, _) = BlockLog::open(disk.clone(), LOG).expect("an empty folder");
    for block in blocks() {
        log.append(block.number(), block.hash(), &block.encode_frame())
            .expect("memory");
    }
    let file = disk.open(SEGMENT).expect("the first segment");
    let length = usize::try_from(file.len().expect("memory")).expect("a short file");
    let mut bytes = vec![0; length];
    file.read_at(0, &mut bytes).expect("memory");
    both_ways(&bytes).into()
}

/// Writes the checksums that specs/block-log.md describes.
fn mend_segment(bytes: &mut [u8]) {
    let Some((header, mut frames)) = bytes.split_at_mut_checked(SEGMENT_HEADER_BYTES) else {
        return;
    };
    put_crc(header, &[]);
    let salt = header[20..28].to_vec();
    while let Some((header, rest)) = frames.split_at_mut_checked(FRAME_HEADER_BYTES) {
        put_crc(header, &salt);
        let mut length = [0; 4];
        length.copy_from_slice(&header[8..12]);
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let Some((body, rest)) = rest.split_at_mut_checked(length.saturating_add(4)) else {
            return;
        };
        put_crc(body, &[]);
        frames = rest;
    }
}

/// Puts the checksum of everything before the last four bytes into them.
fn put_crc(bytes: &mut [u8], salt: &[u8]) {
    if let Some((content, crc)) = bytes.split_last_chunk_mut::<4>() {
        *crc = crc32fast::hash(&[salt, content].concat()).to_be_bytes();
    }
}

/// Frames of length and checksum, both little endian, as journals have them.
fn mend_frames(mut bytes: &mut [u8]) {
    while let Some((length, rest)) = bytes.split_first_chunk_mut::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((crc, rest)) = rest.split_first_chunk_mut::<4>() else {
            return;
        };
        let Some((body, rest)) = rest.split_at_mut_checked(length) else {
            return;
        };
        *crc = crc32fast::hash(body).to_le_bytes();
        bytes = rest;
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short");
    [&length.to_le_bytes()[..], &[0; 4], body].concat()
}

// ---- blocks

/// What is accepted is written as it was read.
pub(crate) fn block(input: &[u8]) -> String {
    match RawBlock::decode(input) {
        Ok(block) => {
            let bytes = block.encode();
            assert_eq!(RawBlock::decode(&bytes).as_ref(), Ok(&block));
            assert_eq!(bytes, input, "two writings of one block");
            "ok".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

pub(crate) fn block_seeds() -> Vec<Vec<u8>> {
    blocks().iter().map(|block| block.raw().encode()).collect()
}

/// What is accepted is written again as something that reads the same.
pub(crate) fn frame(input: &[u8]) -> String {
    match Block::decode_frame(input) {
        Ok(block) => {
            let bytes = block.encode_frame();
            let again = Block::decode_frame(&bytes).expect("what was written");
            assert_eq!(again.hash(), block.hash());
            assert_eq!(again.encode_frame(), bytes);
            "ok".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

pub(crate) fn frame_seeds() -> Vec<Vec<u8>> {
    blocks().iter().map(|block| block.encode_frame()).collect()
}

// ---- the trie

/// What is accepted is written again as something that reads the same, and has a root.
pub(crate) fn node(input: &[u8]) -> String {
    let Some(node) = Node::decode(input) else {
        return "no node".to_owned();
    };
    let bytes = node.encode();
    assert_eq!(Node::decode(&bytes).as_ref(), Some(&node));
    assert_eq!(node.root(), node.root());
    match node {
        Node::Leaf(_) => "ok leaf",
        Node::Branch(_) => "ok branch",
    }
    .to_owned()
}

pub(crate) fn node_seeds() -> Vec<Vec<u8>> {
    let leaf = |nibbles: &[u8], value: &[u8]| {
        Arc::new(Leaf {
            suffix: Nibbles::from_nibbles(nibbles),
            value: value.to_vec(),
        })
    };
    let reference =
        |byte| alloy_trie::nodes::RlpNode::word_rlp(&alloy_primitives::B256::repeat_byte(byte));
    let mut branch = Branch {
        prefix: Nibbles::from_nibbles([1, 2, 3]),
        ..Branch::default()
    };
    branch.children[0] = Child::Leaf(reference(1), leaf(&[4, 5], &[0x80]));
    branch.children[7] = Child::Branch(reference(2));
    branch.children[15] = Child::Branch(reference(3));
    let nodes = [
        Node::Leaf(leaf(&[1; 64], &[0x82, 1, 2])),
        Node::Branch(branch),
    ];
    nodes.iter().map(Node::encode).collect()
}

// ---- the journal

/// Whatever it is made of, transactions come out that can be written again.
pub(crate) fn journal(input: &[u8]) -> String {
    let bytes = mended(input, mend_frames);
    let found = read_journal(&bytes);
    let mut again: Vec<u8> = found
        .iter()
        .flat_map(|tx| framed(&tx.encoded_2718()))
        .collect();
    mend_frames(&mut again);
    assert_eq!(read_journal(&again), found);
    match found.len() {
        0 => "nothing".to_owned(),
        1 => "ok one".to_owned(),
        _ => "ok many".to_owned(),
    }
}

pub(crate) fn journal_seeds() -> Vec<Vec<u8>> {
    let transactions = crate::world::transactions();
    let mut bytes: Vec<u8> = transactions
        .iter()
        .flat_map(|tx| framed(&tx.encoded_2718()))
        .collect();
    mend_frames(&mut bytes);
    both_ways(&bytes).into()
}

// ---- exports

/// A chain takes the blocks that it finds good, and refuses the rest with a reason.
pub(crate) fn export(input: &[u8]) -> String {
    static READER: OnceLock<Chain> = OnceLock::new();
    let reader = READER.get_or_init(|| Chain::open(config()).expect("a chain in memory"));
    let bytes = mended(input, mend_export);
    let before = reader.head().number();
    let answer = reader.import(&mut bytes.as_slice(), &mut |_, _| {});
    let head = reader.head();
    assert!(head.number() >= before, "the chain became shorter");
    // Whoever signs can make other good blocks; a block that was taken has its parent.
    let parent = head.number().checked_sub(1);
    if let Some(parent) = parent {
        let parent = reader.block(parent).expect("readable").expect("there");
        assert_eq!(parent.hash(), head.header.parent_hash);
    }
    match answer {
        Ok(done) => format!("ok {}", if done.added > 0 { "new" } else { "known" }),
        Err(error) => error.to_string(),
    }
}

/// Makes the checksums of an export's header, frames and payloads fit.
fn mend_export(bytes: &mut [u8]) {
    let Some((header, mut rest)) = bytes.split_at_mut_checked(72) else {
        return;
    };
    mend_last(header);
    while let Some((head, after)) = rest.split_at_mut_checked(52) {
        mend_last(head);
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let Some((body, after)) = length
            .checked_add(4)
            .and_then(|length| after.split_at_mut_checked(length))
        else {
            return;
        };
        mend_last(body);
        rest = after;
    }
}

/// The last four bytes are the checksum of those before them.
fn mend_last(bytes: &mut [u8]) {
    if let Some((content, crc)) = bytes.split_last_chunk_mut::<4>() {
        *crc = crc32fast::hash(content).to_be_bytes();
    }
}

pub(crate) fn export_seeds() -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    chain()
        .export(&mut bytes, 1, None, &mut |_, _| {})
        .expect("memory");
    both_ways(&bytes).into()
}
