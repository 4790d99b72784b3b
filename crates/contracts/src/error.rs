//! What the framework itself refuses, before any verb runs.
pub use INative::*;
use alloy_sol_types::sol;

sol! {
    /// Errors that every native contract may answer with.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface INative {
        /// A native contract was reached by DELEGATECALL, CALLCODE or an EIP-7702 delegation. Use a plain call.
        error NativeDelegateCall();
        /// Nothing was made at this native address. Create it first, or check the address.
        error NativeNotDeployed(address at);
        /// The calldata is shorter than a selector. Coins cannot be sent to a native contract by themselves.
        error NativeShortCalldata(uint256 length);
        /// The contract has no verb with this selector. Check the ABI.
        error NativeUnknownVerb(bytes4 selector);
        /// The arguments of this verb are not encoded as Solidity's ABI says.
        error NativeBadCalldata(bytes4 selector);
        /// The verb takes no coins. Call it without value.
        error NativeNotPayable(uint256 value);
        /// No contract serves system transactions here.
        error NativeNoSystemWork(address at);
        /// The contract was entered again while it was at work. Finish the first call before the next.
        error NativeReentered(address at);
    }
}
