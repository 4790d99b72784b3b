//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IMachines::{
    MachinesAskedLately, MachinesBadSignature, MachinesBeatRefused, MachinesBondTooSmall,
    MachinesChallengeOpen, MachinesCommitted, MachinesExpired, MachinesKeyUsed, MachinesLeft,
    MachinesLocked, MachinesNoSeed, MachinesNotAsker, MachinesNotCommitted, MachinesNotHolder,
    MachinesNotKey, MachinesNotLeaving, MachinesNotOpen, MachinesNotRipe, MachinesOwnAudit,
    MachinesPanelFull, MachinesParamOutOfRange, MachinesPaused, MachinesSequenceUsed,
    MachinesTelemetryInvalid, MachinesTelemetryLate, MachinesTooMany, MachinesUnknown,
    MachinesWrongPhase, MachinesZeroAmount,
};
