//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IIncome::{
    IncomeBadLife, IncomeCap, IncomeNoBook, IncomeNoDebt, IncomeNotForSale, IncomeNotHolder,
    IncomeNotIdle, IncomeOpenedAlready, IncomeOtherAsset, IncomeParamOutOfRange, IncomePaused,
    IncomePriceAbove, IncomeTakesFee, IncomeTooManyDebtors, IncomeTooMuch, IncomeTooSmall,
    IncomeUnknownMarket, IncomeZeroAmount,
};
