use alloy_consensus::Header;
use alloy_primitives::Bytes;

use super::*;

fn block(number: u64) -> RawBlock {
    RawBlock {
        header: Header {
            number,
            ..Header::default()
        },
        transactions: Vec::new(),
        access_list: Bytes::from_static(&[0xc0]),
    }
}

fn file() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(B256::repeat_byte(7).as_slice());
    for number in 1..=3 {
        write_frame(&mut bytes, &block(number).encode()).expect("written");
    }
    bytes
}

fn read(bytes: &[u8]) -> Result<Vec<RawBlock>> {
    let mut reader = Reader::new(bytes, "the file".to_owned(), u64::try_from(bytes.len())?)?;
    let mut blocks = Vec::new();
    while let Some(block) = reader.next()? {
        blocks.push(block);
    }
    Ok(blocks)
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(read(&file()).expect("read"), [block(1), block(2), block(3)]);
}

#[test]
fn a_file_cut_at_any_byte_gives_whole_blocks_or_is_refused() {
    let whole = file();
    let ends: Vec<usize> = (0..=3)
        .map(|count| {
            40 + (1..=count)
                .map(|number| 8 + block(number).encode().len())
                .sum::<usize>()
        })
        .collect();
    for cut in 0..whole.len() {
        let result = read(&whole[..cut]);
        match ends.iter().position(|end| *end == cut) {
            Some(count) => assert_eq!(result.expect("whole blocks").len(), count),
            None => drop(result.expect_err("a cut block")),
        }
    }
}

#[test]
fn a_changed_byte_is_noticed() {
    let whole = file();
    for at in 40..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(read(&changed).is_err(), "byte {at}");
    }
}
