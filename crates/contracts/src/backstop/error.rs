//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IBackstop::{
    BackstopCap, BackstopDearer, BackstopNotRequested, BackstopNotRipe, BackstopNothingOnSale,
    BackstopOpenedAlready, BackstopParamOutOfRange, BackstopPaused, BackstopSaleOpen,
    BackstopSameAsset, BackstopSeedTooSmall, BackstopTakesFee, BackstopTooDear, BackstopTooLittle,
    BackstopTooSmall, BackstopUnknownStake, BackstopZeroAmount,
};
