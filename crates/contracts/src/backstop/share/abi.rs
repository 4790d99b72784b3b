//! What a stake's share token answers beside the faces of ERC-4626 and ERC-20.

use alloy_sol_types::sol;

use super::{ShareBook, exit};
use crate::{erc20, erc4626};
use IStakeShare::*;

sol! {
    /// Shares of a backstop stake as a token of the wallet (ERC-4626). Shares leave in two steps: request, and after the cooldown redeem or withdraw. Unsold goods and rewards that have not flowed count nothing in `totalAssets`.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IStakeShare is IErc4626 {
        /// All that an owner has requested by now, and when it can be taken.
        event UnstakeRequested(address indexed owner, uint256 shares, uint64 readyMs, uint64 untilMs);
        /// An owner took his request back.
        event UnstakeCancelled(address indexed owner, uint256 shares);

        /// Sets shares of the caller aside to leave after the cooldown. A second request adds to the first, and the wait begins again for both.
        function requestUnstake(uint256 shares) external returns (uint64 readyMs, uint64 untilMs);
        /// Takes back what the caller requested.
        function cancelUnstake() external returns (uint256 shares);
        /// What an owner requested, and when it can be taken.
        function requestOf(address owner) external view returns (uint256 shares, uint64 readyMs, uint64 untilMs);
    }
}

crate::verbs! { IStakeShareCalls, and erc4626::verbs::<ShareBook>(), erc20::verbs::<ShareBook>();
    requestUnstakeCall: Write, 200 => |cx, c| exit::request(cx, c.shares);
    cancelUnstakeCall: Write, 200 => |cx, _| exit::cancel(cx);
    requestOfCall: View, 60 => |cx, c| exit::request_of(cx, c.owner);
}
