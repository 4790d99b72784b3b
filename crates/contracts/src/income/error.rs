//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IIncome::{
    IncomeBadLife, IncomeCap, IncomeMalformed, IncomeNoBook, IncomeNoDebt, IncomeNotForSale,
    IncomeNotHolder, IncomeNotIdle, IncomeOpenedAlready, IncomeOtherAsset, IncomeParamOutOfRange,
    IncomePaused, IncomePriceAbove, IncomeTakesFee, IncomeTooMany, IncomeTooManyDebtors,
    IncomeTooMuch, IncomeTooSmall, IncomeUnknownMarket, IncomeZeroAmount,
};
