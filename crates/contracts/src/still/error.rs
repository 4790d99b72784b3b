//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IStill::{StillMalformed, StillUnknown};
