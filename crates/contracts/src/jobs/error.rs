//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IJobs::{
    JobsBadSignature, JobsBadVoucher, JobsBondAsset, JobsBondLeavesEarly, JobsClaimed,
    JobsClassClosed, JobsClassTaken, JobsCommitted, JobsFloorsChangedLately, JobsFull,
    JobsHoldOutOfRange, JobsHoldOver, JobsKeyInvalid, JobsKeyLimit, JobsMalformed, JobsNoChannel,
    JobsNoClaim, JobsNoOffer, JobsNoTwin, JobsNoVerdict, JobsNotCommitted, JobsNotEarned,
    JobsNotInClaim, JobsNotOpen, JobsNotPicked, JobsNotReleasable, JobsNotServing, JobsOverBond,
    JobsOverBound, JobsOverCapacity, JobsOverPriced, JobsOwnAudit, JobsPanelFull, JobsParamFixed,
    JobsParamOutOfRange, JobsPaused, JobsPoor, JobsSequenceUsed, JobsShown, JobsTooMany,
    JobsTooSmall, JobsUnknownClass, JobsWrongEpoch, JobsWrongPhase, JobsZeroAmount,
};
