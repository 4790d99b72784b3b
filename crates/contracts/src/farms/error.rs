//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IFarms::{
    FarmsBadKind, FarmsBadLift, FarmsBadLock, FarmsBadPeriod, FarmsBadRewards, FarmsInsufficient,
    FarmsLocked, FarmsNoBoost, FarmsNoReward, FarmsNotFed, FarmsNothingDue, FarmsOtherPool,
    FarmsTooMuch, FarmsUnknown, FarmsZeroAmount,
};
