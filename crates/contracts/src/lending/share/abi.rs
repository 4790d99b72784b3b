//! What a share token answers beside the faces of ERC-4626 and ERC-20.

use alloy_sol_types::sol;

use super::ShareBook;
use crate::{erc20, erc4626};

sol! {
    /// Shares of a lending market as a token of the wallet (ERC-4626).
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface ISupplyShare is IErc4626 {
        /// The token kept a part of what it moved, so these shares would not be paid for. Use `deposit`.
        error ShareAssetTakesFee(uint256 wanted, uint256 arrived);
    }
}

crate::verbs! { faces erc4626::verbs::<ShareBook>(), erc20::verbs::<ShareBook>() }
