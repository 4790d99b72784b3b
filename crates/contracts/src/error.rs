//! What every native contract may answer: refusals of the framework, before any verb runs, and those of the
//! handles of `capstan_state`, which are declared there and repeated here so that tools can read them.

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
        error NativeNotDeployed(address account);
        /// The calldata is shorter than a selector. Coins cannot be sent to a native contract by themselves.
        error NativeShortCalldata(uint256 length);
        /// The contract has no verb with this selector. Check the ABI.
        error NativeUnknownVerb(bytes4 selector);
        /// The arguments of this verb are not encoded as Solidity's ABI says.
        error NativeBadCalldata(bytes4 selector);
        /// The verb takes no coins. Call it without value.
        error NativeNotPayable(uint256 value);
        /// No contract serves system transactions here.
        error NativeNoSystemWork(address account);

        /// The verb was entered again before it ended. Finish the first call before the next.
        error ReentrantCall();
        /// Work of the block itself never calls other code.
        error CallInSystemPhase(address target);
        /// The text is longer than its field, in bytes. Shorten it.
        error TextTooLong(uint256 length, uint256 max);
        /// The list holds as many items as it may. Remove one first.
        error ListFull(uint256 max);
        /// There is no such place in the list.
        error ListIndexOutOfRange(uint256 index, uint256 length);
    }
}
