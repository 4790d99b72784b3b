use super::*;

fn row(asset: u32, kinds: u8, trigger: Trigger) -> Row {
    Row {
        asset: AssetId::new(asset),
        kinds,
        trigger,
    }
}

fn leaves(low: i32, high: i32, now: i32) -> Trigger {
    let [low, high, now] = [low, high, now].map(PriceTick::new);
    Trigger::leaves(low, high, now)
}

fn both(low: i32, high: i32) -> Trigger {
    Trigger::Leaves(PriceTick::new(low), PriceTick::new(high))
}

const PIECES: [Piece; PIECES_MAX] = [
    Piece::Shares(PoolId::new(0)),
    Piece::Shares(PoolId::new(u32::MAX)),
    Piece::Range(0),
    Piece::Range((1 << 63) - 2),
];

#[test]
fn a_word_reads_back_as_it_was_written() {
    let triggers = [
        Trigger::Never,
        Trigger::Falls(PriceTick::OF_ZERO),
        Trigger::Falls(PriceTick::new(7_340_032)),
        Trigger::Rises(PriceTick::new(0)),
        Trigger::Rises(PriceTick::new(4_321_987)),
        leaves(-1, 7_340_032, 0),
        leaves(4_321_987, 4_322_000, 4_321_990),
        leaves(4_321_987, 4_399_000, 4_398_990),
        leaves(7_340_032, 7_340_032, 7_340_032),
    ];
    for count in 0..=ROWS_MAX {
        let rows = (0..count).map(|n| {
            let asset = u32::try_from(n * 18).expect("small");
            row(asset, u8::MAX - 1, triggers[n % triggers.len()])
        });
        let sheet = Sheet {
            look_by_s: u32::MAX - 3,
            rows: rows.collect(),
            pieces: PIECES[..count % (PIECES_MAX + 1)].to_vec(),
        };
        let words: Vec<U256> = (0..WORDS).map(|part| sheet.word(part)).collect();
        let pieces: Vec<Piece> = pieces_of(words[usize::from(PIECES_WORD)]).collect();
        assert_eq!(pieces, sheet.pieces);
        assert_eq!(usize::from(piece_count_of(words[0])), pieces.len());
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

#[test]
fn a_width_is_kept_as_close_as_seven_bits_allow_and_never_wider() {
    for width in (0..2_000).chain((0..24).map(|digits| 1_u32 << digits)) {
        let kept = width_of(code_down(width));
        let most = width_of(WIDTH_CODE_MAX);
        assert!(kept <= width, "{width} became {kept}");
        assert!(
            kept.saturating_mul(9) >= width.min(most).saturating_mul(8),
            "{width} became {kept}"
        );
        assert_eq!(width_of(code_down(kept)), kept);
    }
    // The lower one stays, and so does the upper one where the price is nearer to it.
    assert_eq!(leaves(100, 1_100, 600), both(100, 1_060));
    assert_eq!(leaves(100, 1_100, 601), both(140, 1_100));
    // An upper tick below the lower one calls at once.
    assert_eq!(leaves(1_100, 100, 600), both(1_100, 1_100));
}

/// However near one of the two is, and however far the other, the price in between calls nobody.
#[test]
fn both_ways_never_call_at_once() {
    for near in 1..40 {
        for far in (1..2_000).chain((11..23).map(|digits| 1 << digits)) {
            for (low, high) in [(-near, far), (-far, near)] {
                let now = 4_000_000;
                let Trigger::Leaves(low, high) = leaves(now + low, now + high, now) else {
                    panic!("not both");
                };
                let is_between = low.get() < now && now < high.get();
                assert!(is_between, "{near}, {far}: {low} {high}");
            }
        }
    }
}
