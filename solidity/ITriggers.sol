// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Orders that the block executes: stop-loss, take-profit, trailing stop, sale in parts, deleverage of one's own account.
interface ITriggers {
    /// What an order is to do, and when. Parts that its kind does not use are zero.
    struct Order {
        /// 1 a price, 2 trailing, 3 slices, 4 health.
        uint8 kind;
        /// What is sold: free units of the account first, then what stands in its market.
        uint32 sellAssetId;
        /// What is bought.
        uint32 buyAssetId;
        /// Kind 3: most units sold in each slice. Else: most units sold in all. The largest number is all there is.
        uint256 amount;
        /// So far below its value at oracle prices a sale may stay, in hundredths of a percent.
        uint16 limitBps;
        /// Whether what is bought pays the account's debt in it. Kind 4 always does.
        bool repay;
        /// Kinds 1 and 2: whose price is watched.
        uint32 watchAssetId;
        /// Kinds 1 and 2: whether it fires when the price rises instead of falls.
        bool above;
        /// Kind 1: the price in USD x 1e18 per whole token; the step beyond it counts.
        uint256 price;
        /// Kind 2: so many steps of about 1.1 % back from the best price seen.
        uint16 distanceSteps;
        /// Kind 3: seconds from one slice to the next.
        uint32 intervalS;
        /// Kinds 3 and 4: how many times it fires.
        uint32 count;
        /// Kind 4: health, in hundredths of a percent, at or below which it fires.
        uint32 floorBps;
        /// Kind 4: health that it restores.
        uint32 targetBps;
        /// When it ends whatever happened, at the latest a year from now.
        uint64 expiresMs;
    }

    /// An order as it stands.
    struct Standing {
        address owner;
        uint8 index;
        Order order;
        /// Kind 1 the exact price at which it fires now, kind 2 the same; USD x 1e18, zero for the other kinds.
        uint256 firesAt;
        /// What is left to sell; the largest number is all there is.
        uint256 left;
        /// What is left of what was prepaid, in wei.
        uint256 prepaidWei;
        /// When the block comes at the latest, in milliseconds.
        uint64 nextMs;
        /// Attempts that failed since it last succeeded.
        uint8 failures;
    }

    /// An order stands.
    event TriggerCreated(uint64 indexed id, address indexed owner, uint8 index, Order order, uint256 prepaidWei);
    /// An order was executed, at these prices in USD x 1e18 of what was sold and bought.
    event TriggerFired(uint64 indexed id, address indexed owner, uint8 index, uint256 sellPrice, uint256 buyPrice, uint256 sold, uint256 received, uint256 repaid, uint256 healthBefore, uint256 healthAfter);
    /// An order could not be executed; the block tries again at `retryMs` if its condition still holds.
    event TriggerFailed(uint64 indexed id, bytes reason, uint64 retryMs);
    /// An order is gone, and what was left of its prepaid coins went to the owner. Reasons: 1 done, 2 cancelled, 3 expired, 4 its prepaid coins are used up.
    event TriggerEnded(uint64 indexed id, address indexed owner, uint8 index, uint8 reason, uint256 refundWei);
    /// The block had no gas for so many orders; the next one goes on.
    event TriggersLeft(uint256 count);

    /// No order has this number, or it ended.
    error TriggersUnknown(uint64 id);
    /// A part of the order is out of its range.
    error TriggersInvalid(string what, uint256 value, uint256 least, uint256 most);
    /// The condition holds already, at this price in USD x 1e18 or this health in wad: do it yourself now, or place the order elsewhere.
    error TriggersMetAlready(uint256 found);
    /// Too few coins come with the order. Send at least this.
    error TriggersPrepaidTooLittle(uint256 sentWei, uint256 leastWei);
    /// As many orders as may be stand on this account. Cancel one.
    error TriggersTooMany(address owner, uint8 index, uint256 max);
    /// As many orders as may be stand at this price. Choose one that is 1.1 % away.
    error TriggersStepFull(uint32 assetId, uint256 price, uint256 max);
    /// Nothing of what is to be sold stands on the account.
    error TriggersNothingToSell(uint32 assetId);
    /// No pool gives so much for any part of it: the floor follows from oracle prices and the order's limit.
    error TriggersBelowFloor(uint256 units, uint256 receivedMin);
    /// Calldata is no list of orders.
    error TriggersMalformed();
    /// More orders than one transaction of the block may look at.
    error TriggersTooManyLooks(uint256 count, uint256 max);

    /// How many orders there ever were; their numbers count from one.
    function orderCount() external view returns (uint64);
    /// An order as it stands.
    function orderOf(uint64 id) external view returns (Standing memory);
    /// Numbers of the orders of an account.
    function ordersOf(address owner, uint8 index) external view returns (uint64[] memory);
    /// The least that must be prepaid for an order of a kind that fires `count` times, at the present base fee.
    function prepaidMin(uint8 kind, uint32 count) external view returns (uint256);
    /// The exact price at which an order of kind 1 for `price` fires.
    function firesAt(uint256 price, bool above) external view returns (uint256);

    /// Places an order on an account of the caller's, or on which he may act. Coins that come with it pay for the block's work; what is left goes back to the account's owner.
    function create(address owner, uint8 index, Order calldata order) external payable returns (uint64 id);
    /// Ends an order and gives back what is left of its prepaid coins.
    function cancel(uint64 id) external;
    /// Reads anew what an order waits for, after its account changed: kind 4 needs it. Takes more coins in.
    function renew(uint64 id) external payable;
}
