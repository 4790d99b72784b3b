use super::*;

fn row(asset: u32, kinds: u8, trigger: Trigger) -> Row {
    Row {
        asset: AssetId::new(asset),
        kinds,
        trigger,
    }
}

#[test]
fn a_word_reads_back_as_it_was_written() {
    let triggers = [
        Trigger::Never,
        Trigger::Falls(PriceTick::OF_ZERO),
        Trigger::Falls(PriceTick::new(7_340_032)),
        Trigger::Rises(PriceTick::new(0)),
        Trigger::Rises(PriceTick::new(4_321_987)),
    ];
    for count in 0..=ROWS_MAX {
        let rows = (0..count).map(|n| {
            let asset = u32::try_from(n * 18).expect("small");
            row(asset, u8::MAX - 1, triggers[n % triggers.len()])
        });
        let sheet = Sheet {
            look_by_s: u32::MAX - 3,
            rows: rows.collect(),
        };
        let words: Vec<U256> = (0..WORDS).map(|part| sheet.word(part)).collect();
        let read: Vec<Row> = (0..WORDS)
            .zip(&words)
            .flat_map(|(part, word)| rows_of(part, *word))
            .collect();
        assert_eq!(read, sheet.rows);
        assert_eq!(usize::from(count_of(words[0])), count);
        assert_eq!(look_by_of(words[0]), sheet.look_by_s);
        let guards: Vec<Row> = (0..WORDS)
            .zip(&words)
            .flat_map(|(part, word)| guards_of(part, *word).rows)
            .collect();
        let expected = sheet
            .rows
            .iter()
            .filter(|row| row.trigger != Trigger::Never);
        assert_eq!(guards, expected.copied().collect::<Vec<_>>());
    }
}
