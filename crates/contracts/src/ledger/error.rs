//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::ILedger::{
    LedgerBadWallet, LedgerFrozen, LedgerInsufficient, LedgerLimitOutOfRange, LedgerListedAlready,
    LedgerNotAToken, LedgerNothingArrived, LedgerOutflowLimit, LedgerRebasing, LedgerShort,
    LedgerSupplyTooLarge, LedgerTokenRefused, LedgerTooManyAssets, LedgerTooManyDecimals,
    LedgerUnknownAsset, LedgerUnknownToken, LedgerValueWithPull, LedgerWrongAmountLeft,
    LedgerZeroAmount,
};
