//! The block log under damage and faults (specs/block-log.md).

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use capstan_chain::{
    disk::Disk,
    log::{BlockLog, Entry, LogConfig, LogError, Recovery},
};
use capstan_testing::fault_disk::{Fault, FaultDisk};
use rand::{Rng, SeedableRng, rngs::StdRng};

const ONE_SEGMENT: LogConfig = LogConfig {
    segment_bytes: 1 << 30,
};
const SMALL_SEGMENTS: LogConfig = LogConfig { segment_bytes: 900 };
const SEGMENT_HEADER: usize = 32;

fn entry(height: u64) -> Entry {
    let bytes = (height * 97 % 400) as usize;
    let payload: Vec<u8> = keccak256(height.to_be_bytes())
        .iter()
        .copied()
        .cycle()
        .take(bytes)
        .collect();
    Entry {
        height,
        hash: keccak256(&payload),
        payload: payload.into(),
    }
}

fn open(disk: &FaultDisk, config: LogConfig) -> Result<(BlockLog, Recovery), LogError> {
    BlockLog::open(Arc::new(disk.clone()), config)
}

fn append(log: &BlockLog, height: u64) -> Result<(), LogError> {
    let entry = entry(height);
    log.append(entry.height, entry.hash, &entry.payload)
}

/// A disk with `count` blocks from height 5, and where each frame ends.
fn filled(count: u64, config: LogConfig) -> (FaultDisk, Vec<usize>) {
    let disk = FaultDisk::new();
    let (log, _) = open(&disk, config).unwrap();
    let mut ends = vec![SEGMENT_HEADER];
    for height in 5..5 + count {
        append(&log, height).unwrap();
        ends.push(log.bytes() as usize);
    }
    (disk, ends)
}

fn first_file(disk: &FaultDisk) -> String {
    disk.list()
        .unwrap()
        .into_iter()
        .find(|name| name.ends_with(".blocks"))
        .unwrap()
}

fn check_blocks(log: &BlockLog, heights: impl IntoIterator<Item = u64>) {
    for height in heights {
        assert_eq!(
            log.read(height).unwrap(),
            Some(entry(height)),
            "block {height}"
        );
        assert_eq!(log.hash(height).unwrap(), Some(entry(height).hash));
    }
}

#[test]
fn log_1_one_sync_per_append_and_per_batch() {
    let (disk, _) = filled(1, ONE_SEGMENT);
    let (log, _) = open(&disk.kill(), ONE_SEGMENT).unwrap();
    append(&log, 6).unwrap();
    append(&log, 7).unwrap();
    log.append_all(&[entry(8), entry(9), entry(10)]).unwrap();
    assert_eq!(log.sync_count(), 3);
    check_blocks(&log, 5..=10);
    assert_eq!(log.read(11).unwrap(), None);
    assert_eq!(log.read(4).unwrap(), None);
    assert!(matches!(
        append(&log, 12),
        Err(LogError::Order {
            last: Some(10),
            height: 12
        })
    ));
}

/// LOG-2: cut at any byte without a note of what was saved, the log opens with every whole block before it.
#[test]
fn log_2_cut_at_every_byte() {
    let (disk, ends) = filled(8, ONE_SEGMENT);
    let name = first_file(&disk);
    let whole = disk.bytes(&name).unwrap();
    for cut in 0..=whole.len() {
        let torn = FaultDisk::new();
        torn.put(&name, whole[..cut].to_vec());
        let (log, recovery) = open(&torn, ONE_SEGMENT).unwrap_or_else(|e| panic!("cut {cut}: {e}"));
        let blocks = ends
            .iter()
            .filter(|end| **end <= cut)
            .count()
            .saturating_sub(1) as u64;
        assert_eq!(
            log.heights(),
            (blocks > 0).then(|| (5, 4 + blocks)),
            "cut {cut}"
        );
        check_blocks(&log, 5..5 + blocks);
        if cut >= SEGMENT_HEADER {
            let kept = ends.iter().rfind(|end| **end <= cut).unwrap();
            assert_eq!(recovery.cut_bytes, (cut - kept) as u64, "cut {cut}");
            append(&log, 5 + blocks).unwrap();
            drop(log);
            check_blocks(&open(&torn, ONE_SEGMENT).unwrap().0, 5..=5 + blocks);
        }
    }
}

/// LOG-3: cut at any byte below what the note says was saved, the log refuses and says what is missing.
#[test]
fn log_3_saved_blocks_never_vanish_silently() {
    let (disk, _) = filled(6, ONE_SEGMENT);
    let name = first_file(&disk);
    let whole = disk.bytes(&name).unwrap();
    for cut in 0..whole.len() {
        let short = disk.kill();
        short.put(&name, whole[..cut].to_vec());
        let error = open(&short, ONE_SEGMENT).map(drop).unwrap_err();
        assert!(
            matches!(error, LogError::Short { height: 10, .. }),
            "cut {cut}: {error}"
        );
        assert!(error.to_string().contains("tip"), "{error}");
        // What the message says works.
        short.delete("tip");
        open(&short, ONE_SEGMENT).unwrap();
    }
    disk.delete(&name);
    assert!(matches!(
        open(&disk, ONE_SEGMENT).map(drop),
        Err(LogError::Short { .. })
    ));
}

/// LOG-4: any flipped bit is found: when opening, or in a sealed segment when its block is read.
#[test]
fn log_4_every_flipped_bit_is_found() {
    for (config, step) in [(ONE_SEGMENT, 1), (SMALL_SEGMENTS, 3)] {
        let (disk, _) = filled(7, config);
        for name in disk
            .list()
            .unwrap()
            .iter()
            .filter(|name| name.ends_with(".blocks"))
        {
            let whole = disk.bytes(name).unwrap();
            for bit in (0..whole.len() * 8).step_by(step) {
                let flipped = disk.kill();
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                flipped.put(name, bytes);
                let found = open(&flipped, config).and_then(|(log, _)| log.verify(&mut |_| {}));
                let error = found.expect_err(&format!("bit {bit} of {name}"));
                assert!(
                    error.to_string().contains(name.as_str()),
                    "bit {bit}: {error}"
                );
            }
        }
    }
}

/// LOG-4 without the note: damage before the last frame is told apart from a torn write.
#[test]
fn log_4_damage_in_the_middle_is_not_a_torn_write() {
    let (disk, ends) = filled(6, ONE_SEGMENT);
    let name = first_file(&disk);
    let whole = disk.bytes(&name).unwrap();
    disk.delete("tip");
    for at in SEGMENT_HEADER..ends[5] {
        let damaged = disk.kill();
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        damaged.put(&name, bytes);
        let error = open(&damaged, ONE_SEGMENT).map(drop).expect_err("refused");
        let LogError::Damaged { offset, height, .. } = &error else {
            panic!("{at}: {error}")
        };
        let frame = ends.iter().rposition(|end| *end <= at).unwrap();
        assert_eq!(
            (*offset as usize, *height),
            (ends[frame], 5 + frame as u64),
            "byte {at}"
        );
    }
}

/// LOG-4: a payload that imitates frames does not confuse recovery, since it cannot know the salt.
#[test]
fn log_4_counterfeit_frames_are_not_believed() {
    let disk = FaultDisk::new();
    let (log, _) = open(&disk, ONE_SEGMENT).unwrap();
    append(&log, 0).unwrap();
    let other = filled(7, ONE_SEGMENT).0;
    let fake = other.bytes(&first_file(&other)).unwrap()[SEGMENT_HEADER..].to_vec();
    log.append(1, B256::repeat_byte(1), &fake).unwrap();
    let name = first_file(&disk);
    let whole = disk.bytes(&name).unwrap();
    disk.delete("tip");
    disk.put(&name, whole[..whole.len() - 1].to_vec());
    let (log, recovery) = open(&disk, ONE_SEGMENT).unwrap();
    assert_eq!(log.heights(), Some((0, 0)));
    assert!(recovery.cut_bytes > fake.len() as u64);
}

/// LOG-5: what another version wrote is refused by name, wherever it stands.
#[test]
fn log_5_unknown_version_is_refused() {
    let (disk, _) = filled(2, ONE_SEGMENT);
    let name = first_file(&disk);
    let mut bytes = disk.bytes(&name).unwrap();
    bytes[8] = 9;
    let crc = crc32(&bytes[..28]);
    bytes[28..32].copy_from_slice(&crc.to_be_bytes());
    disk.put(&name, bytes);
    let error = open(&disk, ONE_SEGMENT).map(drop).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Version {
                found: 9,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
}

/// CRC-32 (IEEE), bit by bit: independent of the crate under test.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(crc & 1)))
        })
    })
}

/// LOG-6: segments roll, their indexes are made anew when missing, pruning drops whole ones, a hole refuses.
#[test]
fn log_6_segments() {
    let (disk, _) = filled(40, SMALL_SEGMENTS);
    let blocks = |disk: &FaultDisk| -> Vec<String> {
        disk.list()
            .unwrap()
            .into_iter()
            .filter(|name| name.ends_with(".blocks"))
            .collect()
    };
    assert!(blocks(&disk).len() > 5);
    for name in disk
        .list()
        .unwrap()
        .iter()
        .filter(|name| name.ends_with(".index"))
        .take(2)
    {
        disk.delete(name);
    }
    let (log, recovery) = open(&disk.kill(), SMALL_SEGMENTS).unwrap();
    assert_eq!(recovery.reindexed.len(), 2);
    check_blocks(&log, 5..45);
    drop(log);

    let holed = disk.kill();
    holed.delete(&blocks(&disk)[2]);
    assert!(matches!(
        open(&holed, SMALL_SEGMENTS).map(drop),
        Err(LogError::Gap { .. })
    ));

    let (log, _) = open(&disk, SMALL_SEGMENTS).unwrap();
    assert!(log.prune_below(20).unwrap() > 1);
    let (first, last) = log.heights().unwrap();
    assert!((6..=20).contains(&first) && last == 44, "{first}");
    check_blocks(&log, first..45);
    drop(log);
    assert_eq!(
        open(&disk, SMALL_SEGMENTS).unwrap().0.heights(),
        Some((first, 44))
    );
}

/// LOG-7: going back removes exactly the later blocks, over segment borders too, and others can follow.
#[test]
fn log_7_truncate() {
    for keep in 5..30 {
        let (disk, _) = filled(25, SMALL_SEGMENTS);
        let (log, _) = open(&disk, SMALL_SEGMENTS).unwrap();
        log.truncate_to(keep).unwrap();
        assert_eq!(log.heights(), Some((5, keep.min(29))));
        append(&log, keep.min(29) + 1).unwrap();
        drop(log);
        let (log, _) = open(&disk, SMALL_SEGMENTS).unwrap();
        assert_eq!(log.heights(), Some((5, keep.min(29) + 1)));
        check_blocks(&log, 5..=keep.min(29) + 1);
        assert!(log.truncate_to(4).is_err());
    }
}

/// Appends, going on after errors as a node would; returns the last acknowledged height.
fn work(disk: &FaultDisk) -> u64 {
    let mut acknowledged = 0;
    let Ok((log, _)) = open(disk, SMALL_SEGMENTS) else {
        return 0;
    };
    for height in 1..=16 {
        for _ in 0..2 {
            if append(&log, height).is_ok() {
                acknowledged = height;
                break;
            }
        }
        if acknowledged < height {
            break;
        }
    }
    acknowledged
}

/// LOG-8: with any operation failing, once or for good, and a power cut after it, every acknowledged block
/// is there, and the log goes on.
#[test]
fn log_8_every_operation_failing() {
    let healthy = FaultDisk::new();
    assert_eq!(work(&healthy), 16);
    let operations = healthy.operations();
    assert!(operations > 40);
    let mut interrupted = 0;
    for fault in [Fault::Once, Fault::Dead, Fault::Full] {
        for operation in 0..operations {
            for seed in 0..6 {
                let mut rng = StdRng::seed_from_u64(seed << 32 | operation);
                let disk = FaultDisk::new();
                disk.fail_at(operation, fault);
                let acknowledged = work(&disk);
                interrupted += u64::from(acknowledged < 16);
                let after = if seed == 0 {
                    disk.kill()
                } else {
                    disk.crash(&mut rng)
                };
                let (log, _) = open(&after, SMALL_SEGMENTS)
                    .unwrap_or_else(|e| panic!("{fault:?} at {operation}, seed {seed}: {e}"));
                let last = log.heights().map_or(0, |(_, last)| last);
                assert!(
                    last >= acknowledged,
                    "{fault:?} at {operation}, seed {seed}: lost {last}..{acknowledged}"
                );
                check_blocks(&log, 1..=last);
                append(&log, last + 1).unwrap();
            }
        }
    }
    assert!(
        interrupted > operations,
        "the faults did interrupt: {interrupted}"
    );
}

/// LOG-9: a full disk refuses the block, leaves the log valid, and takes the block once there is space.
#[test]
fn log_9_full_disk() {
    let (disk, _) = filled(3, ONE_SEGMENT);
    let (log, _) = open(&disk, ONE_SEGMENT).unwrap();
    disk.fail_at(0, Fault::Full);
    let error = append(&log, 8).unwrap_err();
    assert!(matches!(error, LogError::Full { height: 8, .. }), "{error}");
    check_blocks(&log, 5..=7);
    disk.heal();
    append(&log, 8).unwrap();
    drop(log);
    check_blocks(&open(&disk, ONE_SEGMENT).unwrap().0, 5..=8);
}

/// LOG-10: after a failed sync no more blocks are taken: the operating system may have dropped the data.
#[test]
fn log_10_failed_sync_stops_the_log() {
    let (disk, _) = filled(3, ONE_SEGMENT);
    let (log, _) = open(&disk, ONE_SEGMENT).unwrap();
    disk.fail_at(1, Fault::Once);
    assert!(matches!(append(&log, 8), Err(LogError::Io { .. })));
    assert!(matches!(append(&log, 8), Err(LogError::Stopped { .. })));
    check_blocks(&log, 5..=7);
    let mut rng = StdRng::seed_from_u64(rand::rng().random());
    let (log, _) = open(&disk.crash(&mut rng), ONE_SEGMENT).unwrap();
    append(&log, log.heights().unwrap().1 + 1).unwrap();
}
