// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// When the chain stood still, and what of a time counts.
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
