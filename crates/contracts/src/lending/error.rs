//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::ILending::{
    LendingBorrowCap, LendingIndexTooLow, LendingInsufficientDebt, LendingInsufficientShares,
    LendingListedAlready, LendingNoCash, LendingNotPaidBack, LendingParamOutOfRange, LendingPaused,
    LendingSeedTooSmall, LendingSupplyCap, LendingTooSmall, LendingUnknownMarket,
    LendingZeroAmount,
};
