//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IDollar::{
    DollarCeiling, DollarHeadroom, DollarInsufficientDebt, DollarNoPeg, DollarNoRequest,
    DollarNotFirst, DollarNotOpen, DollarNotRequester, DollarOffPeg, DollarOpenAlready,
    DollarParamOutOfRange, DollarPausedNow, DollarPegCap, DollarPegItself, DollarPegReserve,
    DollarRequestTooSmall, DollarSlippage, DollarTooSmall, DollarZeroAmount,
};
