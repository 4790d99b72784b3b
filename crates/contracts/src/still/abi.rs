//! The interface of `still` and its table of verbs.

use alloy_sol_types::sol;

use super::actions;
use IStill::*;

sol! {
    /// When the chain stood still, and what of a time counts.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IStill {
        /// No block came between two times. Time counts again from `countsFromMs` on.
        event StoodStill(uint64 indexed number, uint64 fromMs, uint64 backMs, uint64 countsFromMs);

        /// The calldata of the block's work does not decode, or is of a time that is not before the block's.
        error StillMalformed();
        /// There is no stop of this number. They count from one to `stopCount`.
        error StillUnknown(uint64 number);

        /// A time that counts in no window, and the sum of all such times before it.
        struct Stop {
            uint64 fromMs;
            uint64 toMs;
            uint64 beforeMs;
        }

        /// How often the chain stood still.
        function stopCount() external view returns (uint64);
        /// One of the times at which it did; they count from one.
        function stop(uint64 number) external view returns (Stop memory);
        /// What of the time from one moment to another counts.
        function passedMs(uint64 fromMs, uint64 toMs) external view returns (uint64);
        /// The last moment of a window that began at `fromMs`, by what is known now.
        function untilMs(uint64 fromMs, uint64 windowMs) external view returns (uint64);
    }
}

crate::verbs! { IStillCalls;
    stopCountCall: View, 40 => |cx, _| actions::stop_count(cx);
    stopCall: View, 60 => |cx, c| actions::stop(cx, c.number);
    passedMsCall: View, 200 => |cx, c| actions::passed_ms(cx, c.fromMs, c.toMs);
    untilMsCall: View, 200 => |cx, c| actions::until_ms(cx, c.fromMs, c.windowMs);
}
