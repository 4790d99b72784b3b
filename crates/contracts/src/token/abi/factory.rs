//! The factory's interface.

use alloy_sol_types::sol;

use super::super::factory;
use ITokenFactory::*;

sol! {
    /// Makes ERC-20 tokens at native addresses.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface ITokenFactory {
        /// A token was made.
        event TokenCreated(address indexed token, address indexed owner, string name, string symbol, uint8 decimals);

        /// A token needs a name and a symbol.
        error TokenTextEmpty();
        /// More decimals than amounts are wide for. Use at most `max`; 18 is usual.
        error TokenDecimalsTooMany(uint8 decimals, uint8 max);
        /// There is no token with this index.
        error TokenIndexOutOfRange(uint256 index, uint256 count);

        /// Makes a token. The owner may mint and burn at once; roles granted later count after `grantDelayMs`
        /// milliseconds, so that holders see them coming.
        function createToken(string calldata name, string calldata symbol, uint8 decimals, address owner, uint64 grantDelayMs) external returns (address token);
        /// How many tokens there are.
        function tokenCount() external view returns (uint256);
        /// Address of the token with this index, from zero.
        function tokenAt(uint256 index) external view returns (address token);
        /// Whether the factory made a token at this address.
        function isToken(address token) external view returns (bool);
    }
}

crate::verbs! { ITokenFactoryCalls;
    createTokenCall: Write, 500 => |cx, c| factory::create_token(cx, c);
    tokenCountCall: View, 60 => |cx, _| factory::token_count(cx);
    tokenAtCall: View, 60 => |cx, c| factory::token_at(cx, c.index);
    isTokenCall: View, 60 => |cx, c| factory::is_token(cx, c.token);
}
