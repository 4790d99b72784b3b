//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IExchange::{
    ExchangeAmountCount, ExchangeBadPrice, ExchangeBadShape, ExchangeBadTicks, ExchangeDry,
    ExchangeExpired, ExchangeFirstDepositTooSmall, ExchangeInsufficientShares, ExchangeLegCount,
    ExchangeMovedNow, ExchangeNoHistory, ExchangeNoSolution, ExchangeNotInPool,
    ExchangePaidTooMuch, ExchangeParamOutOfRange, ExchangePaused, ExchangePoolExists,
    ExchangeReceivedTooLittle, ExchangeTooFar, ExchangeTooFewShares, ExchangeTooMuch,
    ExchangeTooMuchLiquidity, ExchangeTooSmall, ExchangeUnbalanced, ExchangeUnknownPool,
    ExchangeUnknownPosition, ExchangeUnsettled, ExchangeWrongCurve, ExchangeZeroAmount,
};
