//! What a share token answers beside the faces of ERC-4626 and ERC-20.

use alloy_sol_types::sol;

use super::{ShareBook, actions};
use crate::{erc20, erc4626};
use IMachineShare::*;

sol! {
    /// Shares of a tranche of a market of machine loans as a token of the wallet (ERC-4626). What is lent is not there to leave; who leaves while a machine is recovered from supposes that nothing comes of it.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IMachineShare is IErc4626 {
        /// What may leave the tranche now, all owners together.
        function free() external view returns (uint256);
    }
}

crate::verbs! { IMachineShareCalls, and erc4626::verbs::<ShareBook>(), erc20::verbs::<ShareBook>();
    freeCall: View, 100 => |cx, _| actions::free(cx);
}
