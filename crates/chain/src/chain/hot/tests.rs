use capstan_evm::AccountDiff;

use super::*;

const ALICE: Address = Address::repeat_byte(1);

fn diff(balance: u64) -> StateDiff {
    let info = AccountInfo {
        balance: U256::from(balance),
        ..AccountInfo::default()
    };
    let account = AccountDiff {
        info: Some(info),
        storage: [(U256::from(1), U256::from(balance))].into(),
    };
    StateDiff {
        accounts: [(ALICE, account)].into(),
        ..StateDiff::default()
    }
}

fn balance(hot: &Hot, height: u64) -> Option<u64> {
    let info = hot.account(ALICE, height)?;
    Some(info.map_or(0, |info| info.balance.to()))
}

/// CHAIN-7: a reader at a height never sees a later value.
#[test]
fn chain_7_readers_stand_still() {
    let hot = Hot::new(10);
    for height in 11..=13 {
        hot.advance(height, &diff(height));
    }
    for (height, expected) in [
        (10, None),
        (11, Some(11)),
        (12, Some(12)),
        (13, Some(13)),
        (99, Some(13)),
    ] {
        assert_eq!(balance(&hot, height), expected, "at {height}");
        assert_eq!(
            hot.slot(ALICE, U256::from(1), height),
            expected.map(U256::from),
            "at {height}"
        );
    }
}

/// Values that the database holds go; the others stay, so a late reader is sent to history, not astray.
#[test]
fn flushed_versions_leave() {
    let hot = Hot::new(10);
    hot.advance(11, &diff(11));
    hot.advance(12, &diff(12));
    hot.flushed(11);
    hot.advance(13, &diff(13));
    assert_eq!(balance(&hot, 11), None, "history answers");
    assert_eq!(balance(&hot, 12), Some(12), "dirty");
    assert_eq!(balance(&hot, 13), Some(13));
}

/// A slow reader's value from the database must not hide what a block wrote meanwhile.
#[test]
fn late_fill_is_refused() {
    let hot = Hot::new(10);
    hot.advance(11, &StateDiff::default());
    hot.fill_account(ALICE, None, 10);
    assert_eq!(hot.account(ALICE, 11), None);
    hot.fill_account(ALICE, None, 11);
    assert_eq!(hot.account(ALICE, 11), Some(None));
    assert_eq!(hot.account(ALICE, 10), None, "known from 11 on only");
}
