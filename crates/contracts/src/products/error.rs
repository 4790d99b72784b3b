//! One error per fact. They are declared beside the verbs, so that Solidity sees them too.

pub(super) use super::abi::IProducts::{
    ProductsBelowFloor, ProductsCapReached, ProductsClosing, ProductsDebtAbove,
    ProductsExactInOnly, ProductsInBand, ProductsInvalid, ProductsMalformed, ProductsNotOwner,
    ProductsPaidTooLittle, ProductsPoolAstray, ProductsPoolsTooThin, ProductsSeedTooSmall,
    ProductsTooLittle, ProductsTooManyLooks, ProductsTooSmall, ProductsUnknown,
    ProductsWorthNothing, ProductsWrongPool,
};
