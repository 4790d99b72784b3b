//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IStreams::{
    StreamsAssigned, StreamsBadOwner, StreamsBadTimes, StreamsFinal, StreamsNotAssigned,
    StreamsNotOwner, StreamsNotPayer, StreamsNothingDue, StreamsOtherAsset, StreamsOtherOwner,
    StreamsStopped, StreamsTooManyAssigned, StreamsUnknown, StreamsZeroAmount,
};
