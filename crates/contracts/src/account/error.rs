//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IAccount::{
    AccountBadArguments, AccountBidEmpty, AccountBidTooDear, AccountBoundsMissed,
    AccountCollateralFixed, AccountCollateralInvalid, AccountCoolingOff, AccountDebtTooSmall,
    AccountDepositCap, AccountHealthy, AccountInFlight, AccountLimitOutOfRange,
    AccountLimitReached, AccountLooksMalformed, AccountNoPiece, AccountNonceUsed,
    AccountNotAuthorised, AccountNotInCallback, AccountNotOffered, AccountNotRedeemable,
    AccountNothingOwed, AccountOtherLoan, AccountOtherStream, AccountPriceUnusable,
    AccountRampTooShort, AccountRampUnderWay, AccountSameAccount, AccountSignatureExpired,
    AccountSignatureInvalid, AccountTooManyActions, AccountTooManyAssets, AccountTooManyLooks,
    AccountTooManyPieces, AccountTooManyTouched, AccountUnderpaid, AccountUnhealthy,
    AccountUnknownVerb,
};
