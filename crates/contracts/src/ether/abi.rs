//! What the coin's face answers: the ERC-20 face, and one refusal of its own.

use alloy_sol_types::sol;

use super::actions::CoinBook;
use crate::{Verb, contract::sorted, erc20};

sol! {
    /// The gas coin as an ERC-20 token with permit. Balances are the accounts' own coins.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IEther is IErc20 {
        /// Coins are not counted all together: gas burns them outside this contract.
        error EtherSupplyUncounted();
    }
}

/// The face over coins, and nothing besides.
pub(super) static VERBS: &[Verb] = &sorted(erc20::verbs::<CoinBook>());
