//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IProducts::{
    ProductsBelowFloor, ProductsCapReached, ProductsDebtAbove, ProductsExactInOnly, ProductsInBand,
    ProductsInvalid, ProductsMalformed, ProductsPaidTooLittle, ProductsPoolsTooThin,
    ProductsSeedTooSmall, ProductsTooLittle, ProductsTooManyLooks, ProductsTooSmall,
    ProductsUnknown, ProductsWorthNothing,
};
