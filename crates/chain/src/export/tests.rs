use alloy_primitives::B256;

use super::*;

const HEADER: ExportHeader = ExportHeader {
    chain_id: 31_337,
    genesis: B256::repeat_byte(7),
    first: 40,
    last: 45,
};

fn blocks() -> Vec<ExportedBlock> {
    (40..46u8)
        .map(|n| ExportedBlock {
            height: n.into(),
            hash: B256::repeat_byte(n),
            payload: vec![n; usize::from(n) - 38],
        })
        .collect()
}

fn write(header: &ExportHeader, blocks: &[ExportedBlock]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = ExportWriter::begin(&mut out, header).unwrap();
    for block in blocks {
        writer.push(block.hash, &block.payload).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), blocks.len() as u64);
    out
}

fn read(bytes: &[u8]) -> Result<Vec<ExportedBlock>, ExportError> {
    ExportReader::begin(bytes)?.collect()
}

#[test]
fn exp_1_what_goes_in_comes_out() {
    let bytes = write(&HEADER, &blocks());
    assert_eq!(read(&bytes).unwrap(), blocks());
    assert_eq!(ExportReader::begin(&*bytes).unwrap().header(), &HEADER);
    let nothing = ExportHeader { last: 39, ..HEADER };
    assert_eq!(read(&write(&nothing, &[])).unwrap(), []);
}

#[test]
fn exp_2_every_cut_is_refused() {
    let whole = write(&HEADER, &blocks());
    for cut in 0..whole.len() {
        let error = read(&whole[..cut]).expect_err("cut short").to_string();
        let named = ["cut short", "shorter than the header"];
        assert!(
            named.iter().any(|name| error.contains(name)),
            "{cut}: {error}"
        );
        // What comes before the cut is still given, block by block.
        if let Ok(reader) = ExportReader::begin(&whole[..cut]) {
            let good: Vec<_> = reader.map_while(Result::ok).collect();
            assert_eq!(good, blocks()[..good.len()]);
        }
    }
    let mut longer = whole;
    longer.push(0);
    let error = read(&longer).unwrap_err().to_string();
    assert!(error.contains("follows the end"), "{error}");
}

#[test]
fn exp_3_every_flipped_bit_is_refused() {
    let whole = write(&HEADER, &blocks());
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        read(&bytes).expect_err("changed");
    }
}

/// Whole frames, each with a good checksum, in another order or number than they were written.
#[test]
fn exp_4_frames_out_of_place_are_refused() {
    let frame = |n: usize| 56 + blocks()[n].payload.len();
    let starts: Vec<usize> = (0..=6)
        .map(|n| 72 + (0..n).map(frame).sum::<usize>())
        .collect();
    let whole = write(&HEADER, &blocks());
    let part = |n: usize| &whole[starts[n]..starts.get(n + 1).copied().unwrap_or(whole.len())];
    let order = |order: &[usize]| {
        let parts = order.iter().flat_map(|n| part(*n)).copied();
        [&whole[..72], &parts.collect::<Vec<u8>>()].concat()
    };
    assert_eq!(order(&[0, 1, 2, 3, 4, 5, 6]), whole);
    for (frames, height) in [
        (&[0, 2, 1, 3, 4, 5, 6][..], 41),
        (&[0, 1, 1, 2, 3, 4, 5, 6], 42),
        (&[1, 2, 3, 4, 5, 6], 40),
        (&[0, 1, 2, 3, 4, 6], 45),
        (&[6], 40),
        (&[0, 6, 1, 2, 3, 4, 5], 41),
    ] {
        let error = read(&order(frames)).unwrap_err();
        let found = match error {
            ExportError::Damaged { height, .. } => height,
            other => panic!("{frames:?}: {other}"),
        };
        assert_eq!(found, height, "{frames:?}");
    }
}

#[test]
fn exp_5_other_files_and_versions_are_refused_by_name() {
    let whole = write(&HEADER, &blocks());
    let check = |at: usize, bytes: &[u8], words: &str| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        let crc = crc32fast::hash(&changed[..68]).to_be_bytes();
        changed[68..72].copy_from_slice(&crc);
        let error = read(&changed).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    check(0, b"CAPSTBK1", "does not start like one");
    check(
        8,
        &9u32.to_be_bytes(),
        "has format 9, this program knows format 1",
    );
    check(52, &0u64.to_be_bytes(), "genesis");
    check(60, &[0xff; 8], "no chain is as long");
}
