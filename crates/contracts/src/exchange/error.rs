//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IExchange::{
    ExchangeAmountCount, ExchangeBadShape, ExchangeExpired, ExchangeFirstDepositTooSmall,
    ExchangeInsufficientShares, ExchangeLegCount, ExchangeNoHistory, ExchangeNoSolution,
    ExchangeNotInPool, ExchangePaidTooMuch, ExchangeParamOutOfRange, ExchangePaused,
    ExchangePoolExists, ExchangeReceivedTooLittle, ExchangeTooFewShares, ExchangeTooMuch,
    ExchangeTooSmall, ExchangeUnbalanced, ExchangeUnknownPool, ExchangeUnsettled,
    ExchangeZeroAmount,
};
