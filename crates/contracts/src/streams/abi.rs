//! The interface of `streams` and its table of verbs.

use alloy_sol_types::sol;
use capstan_units::StreamId;

use super::{views, wallet};
use IStreams::*;

sol! {
    /// Value that flows to an owner, or to a debt of his first. Verbs here pay from and to wallets; accounts act through `account`.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IStreams {
        /// A stream as it is now. `rate` units flow per `periodMs`, since `sinceMs`; all three are zero where amounts are settled or it was stopped. `assignedTo` is the zero address where it is not assigned.
        struct Stream {
            address owner;
            uint8 ownerIndex;
            address payer;
            uint8 payerIndex;
            address assignedTo;
            uint8 assignedIndex;
            uint32 assetId;
            bool isSettled;
            bool isFinal;
            bool isStopped;
            uint256 rate;
            uint64 periodMs;
            uint64 sinceMs;
            uint64 cliffMs;
            uint64 endMs;
            uint256 paid;
            uint256 flowed;
            uint256 collected;
        }

        /// A stream began: a timed one with all that was paid in, a settled one with nothing.
        event StreamOpened(uint64 indexed streamId, address indexed owner, address indexed payer, Stream stream);
        /// More was paid in; a timed stream now ends at `endMs`.
        event StreamPaid(uint64 indexed streamId, address indexed from, uint8 fromIndex, uint256 amount, uint64 endMs);
        /// What was due went to an account, or to the wallet of the owner.
        event StreamCollected(uint64 indexed streamId, address indexed to, uint8 index, bool toWallet, uint256 amount);
        /// The payer stopped a stream: `flowed` is the owner's, `returned` the payer's.
        event StreamStopped(uint64 indexed streamId, uint256 flowed, uint256 returned);
        /// A stream changed hands. Its assignment went along.
        event StreamTransferred(uint64 indexed streamId, address indexed from, uint8 fromIndex, address indexed to, uint8 toIndex);
        /// From now on a stream pays the debt of an account in its asset.
        event StreamAssigned(uint64 indexed streamId, address indexed account, uint8 index, uint32 assetId);
        /// A stream is its owner's again.
        event StreamReleased(uint64 indexed streamId, address indexed account, uint8 index);

        /// No stream has this number. Look at `streamCount`.
        error StreamsUnknown(uint64 streamId);
        /// An amount of zero does nothing.
        error StreamsZeroAmount();
        /// The zero address owns no stream. Name another.
        error StreamsBadOwner(address owner);
        /// Times are out of order: the start is not before now, the cliff between start and end, the end after the start and at most `maxMs` from it.
        error StreamsBadTimes(uint64 startMs, uint64 cliffMs, uint64 endMs, uint64 nowMs, uint64 maxMs);
        /// The stream was stopped. Open another.
        error StreamsStopped(uint64 streamId);
        /// The stream is final: its payer gave up the right to stop it.
        error StreamsFinal(uint64 streamId);
        /// Only the payer may do this. A wallet that paid calls here, an account acts through `account`.
        error StreamsNotPayer(uint64 streamId, address payer, uint8 payerIndex, address caller);
        /// Only the owner may do this.
        error StreamsNotOwner(uint64 streamId, address owner, uint8 ownerIndex, address caller);
        /// The stream pays the debt of an account. Collect it through `account`; it is released when that debt is gone.
        error StreamsAssigned(uint64 streamId, address account, uint8 index);
        /// The stream is assigned to nobody.
        error StreamsNotAssigned(uint64 streamId);
        /// A stream is assigned to accounts of its own owner. Transfer it to `account` first.
        error StreamsOtherOwner(uint64 streamId, address owner, address account);
        /// A stream pays a debt in its own asset. Assign one that flows in `debtAssetId`.
        error StreamsOtherAsset(uint64 streamId, uint32 assetId, uint32 debtAssetId);
        /// As many streams as may be are assigned to this account. Choose another account.
        error StreamsTooManyAssigned(address account, uint8 index, uint256 max);
        /// Nothing has flowed since it was collected last. Wait.
        error StreamsNothingDue(uint64 streamId);

        /// How many streams there ever were; their numbers count from zero.
        function streamCount() external view returns (uint64);
        /// A stream as it is now.
        function stream(uint64 streamId) external view returns (Stream memory);
        /// What has flowed and is not collected.
        function dueOf(uint64 streamId) external view returns (uint256);
        /// What a stopped stream still has to return to its payer's wallet: call `cancel`.
        function returnableOf(uint64 streamId) external view returns (uint256);
        /// Streams that pay the debts of an account.
        function assignedTo(address account, uint8 index) external view returns (uint64[] memory);

        /// Opens a timed stream with `amount` of the caller's wallet. A start of zero is now, a cliff of zero the start. A final stream is never stopped.
        function open(uint32 assetId, address owner, uint8 ownerIndex, uint256 amount, uint64 startMs, uint64 cliffMs, uint64 endMs, bool isFinal) external returns (uint64 streamId);
        /// Opens a stream into which the caller pays amounts as they fall due.
        function openSettled(uint32 assetId, address owner, uint8 ownerIndex) external returns (uint64 streamId);
        /// Pays in from the caller's wallet: a timed stream goes on for longer, a settled one passes it on at once. Answers what arrived.
        function payIn(uint64 streamId, uint256 amount) external returns (uint256);
        /// Stops a stream that the caller's wallet pays. What has not flowed waits for `cancel`.
        function stop(uint64 streamId) external;
        /// Stops a stream, if it is not, and sends what has not flowed to the caller, whose wallet paid it.
        function cancel(uint64 streamId) external returns (uint256);
        /// Sends what is due to the caller, who owns the stream. Not while it is assigned.
        function collect(uint64 streamId) external returns (uint256);
        /// Makes an account of `to` the owner; an assignment stays.
        function transfer(uint64 streamId, address to, uint8 index) external;
    }
}

crate::verbs! { IStreamsCalls;
    streamCountCall: View, 40 => |cx, _| views::stream_count(cx);
    streamCall: View, 200 => |cx, c| views::stream(cx, StreamId::new(c.streamId));
    dueOfCall: View, 100 => |cx, c| views::due_of(cx, StreamId::new(c.streamId));
    returnableOfCall: View, 60 => |cx, c| views::returnable_of(cx, StreamId::new(c.streamId));
    assignedToCall: View, 100 => |cx, c| views::assigned_to(cx, c.account, c.index);
    openCall: Write, 400 => |cx, c| wallet::open(cx, &c);
    openSettledCall: Write, 300 => |cx, c| wallet::open_settled(cx, &c);
    payInCall: Write, 300 => |cx, c| wallet::pay_in(cx, StreamId::new(c.streamId), c.amount);
    stopCall: Write, 200 => |cx, c| wallet::stop(cx, StreamId::new(c.streamId));
    cancelCall: Write, 300 => |cx, c| wallet::cancel(cx, StreamId::new(c.streamId));
    collectCall: Write, 300 => |cx, c| wallet::collect(cx, StreamId::new(c.streamId));
    transferCall: Write, 200 => |cx, c| wallet::transfer(cx, StreamId::new(c.streamId), c.to, c.index);
}
