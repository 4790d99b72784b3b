use super::*;

/// DB-14: every kind of call, at the ends of its range, is read as it was saved; other bytes are refused.
fn check<R: Saved>(ids: &[R::Id]) {
    let mut calls = vec![Call::Time(0), Call::Time(u32::MAX), Call::Redemption];
    for asset in [0, 1, u32::MAX].map(AssetId::new) {
        for tick in [i32::MIN, -1, 0, i32::MAX].map(PriceTick::new) {
            calls.push(Call::Rise(asset, tick));
            calls.extend([false, true].map(|supplied| Call::Fall(asset, supplied, Reverse(tick))));
        }
    }
    let all: CallIndex<R> = calls
        .iter()
        .flat_map(|call| ids.iter().map(|id| (*call, *id)))
        .collect();
    let saved = all.save();
    assert_eq!(saved.len(), all.len() * R::ROW_BYTES);
    let mut read = CallIndex::<R>::default();
    assert!(read.load(&saved));
    assert_eq!(read, all);
    assert!(!read.load(&saved[1..]), "a row is cut short");
    let mut unknown = saved;
    unknown[0] = 9;
    assert!(!read.load(&unknown), "a kind that nobody wrote");
    assert_eq!(read, all, "what cannot be read changes nothing");
}

#[test]
fn db_14_guards_are_read_as_they_were_saved() {
    check::<Sheets>(&[
        AccountId::new(Address::ZERO, 0),
        AccountId::new(Address::repeat_byte(0xa1), 7),
        AccountId::new(Address::repeat_byte(0xff), u8::MAX),
    ]);
    check::<Orders>(&[0, 1, u64::MAX].map(OrderId::new));
    check::<Products>(&[0, 1, u32::MAX].map(ProductId::new));
    check::<Claims>(&[0, 1, u64::MAX]);
}
