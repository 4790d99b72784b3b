// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Pools that swap assets, all in one contract: only net amounts cross its border.
interface IExchange {
    /// What a pool is. `curve` is 1 for constant product (two assets), 2 for stableswap (two to four, with an
    /// `amplification` from 1 to 10000, else 0), 3 for concentrated liquidity (two). `feePips` are parts of a
    /// million: 100, 500, 3000 or 10000; 0, for concentrated liquidity alone, is a fee that follows the price's swing.
    /// Assets are ledger numbers in rising order.
    struct Shape {
        uint8 curve;
        uint32 feePips;
        uint32 amplification;
        uint32[] assets;
    }
    /// A pool as it is now.
    struct Pool {
        Shape shape;
        uint256[] reserves;
        uint256 totalShares;
        address lpToken;
        bool paused;
    }
    /// A position of concentrated liquidity: what it would give now, and its fees.
    struct Range {
        uint32 poolId;
        int32 lower;
        int32 upper;
        uint128 liquidity;
        uint256[2] principal;
        uint256[2] fees;
    }
    /// One swap in one pool. With `exactOut` the pool gives `amount` of `assetOut`, else it takes `amount` of
    /// `assetIn`. Zero is all that there is to take of `assetIn`, or all that is owed of `assetOut`.
    struct Leg {
        uint32 poolId;
        uint32 assetIn;
        uint32 assetOut;
        bool exactOut;
        uint256 amount;
    }
    /// What a person agrees to: to pay at most `paidMax` of one asset and receive at least `receivedMin` of another.
    struct Bounds {
        uint32 assetIn;
        uint256 paidMax;
        uint32 assetOut;
        uint256 receivedMin;
    }

    /// A pool was opened.
    event PoolCreated(uint32 indexed poolId, uint8 curve, uint32 feePips, uint32 amplification, uint32[] assets, address lpToken);
    /// Assets became shares.
    event LiquidityAdded(uint32 indexed poolId, address indexed owner, uint8 index, uint256[] amounts, uint256 shares);
    /// Shares became assets.
    event LiquidityRemoved(uint32 indexed poolId, address indexed owner, uint8 index, uint256[] amounts, uint256 shares);
    /// Shares changed hands between accounts.
    event PoolSharesMoved(uint32 indexed poolId, address indexed from, uint8 fromIndex, address indexed to, uint8 toIndex, uint256 shares);
    /// One leg was swapped. `protocolFee` is part of `amountIn` and of no reserve.
    event Swapped(uint32 indexed poolId, uint32 assetIn, uint256 amountIn, uint32 assetOut, uint256 amountOut, uint256 protocolFee);
    /// Somebody paid and received what his legs came to.
    event Exchanged(address indexed payer, address indexed receiver, uint32 assetIn, uint256 paid, uint32 assetOut, uint256 received);
    /// The protocol's part of fees was set; it counts from `fromMs`.
    event ProtocolShareSet(uint16 shareBps, uint64 fromMs);
    /// The protocol's fees were sent.
    event ProtocolFeesCollected(uint32 indexed assetId, address indexed to, uint256 amount);
    /// A position was made.
    event RangeOpened(uint64 indexed positionId, uint32 indexed poolId, int32 lower, int32 upper);
    /// Liquidity was added to a position.
    event RangeGrown(uint64 indexed positionId, uint256 amount0, uint256 amount1, uint128 liquidity);
    /// Liquidity was taken out of a position.
    event RangeShrunk(uint64 indexed positionId, uint256 amount0, uint256 amount1, uint128 liquidity);
    /// Fees of a position were taken.
    event RangeCollected(uint64 indexed positionId, uint256 fee0, uint256 fee1);
    /// What holds for sales by the block was set.
    event SaleTermsSet(uint16 impactMaxBps, uint32[] commonCoins);
    /// A stable pool took the place of one that holds less in the list of a pair.
    event PoolReplaced(uint32 indexed poolId, uint32 indexed oldPoolId, uint32 assetA, uint32 assetB);
    /// Swaps and new liquidity of a pool were stopped, or let go on. Removing never stops.
    event PoolPaused(uint32 indexed poolId, bool paused);

    /// There is no pool with this number. Ask `poolCount`.
    error ExchangeUnknownPool(uint32 poolId);
    /// A pool of this shape stands already. Use it.
    error ExchangePoolExists(uint32 poolId);
    /// The shape is not one that pools have: see `Shape` for what is wrong with `what`.
    error ExchangeBadShape(string what, uint256 value);
    /// The pool is paused for swaps and new liquidity. Use another; removing always works.
    error ExchangePaused(uint32 poolId);
    /// The pool does not swap these two assets. Ask `pool` for what it holds.
    error ExchangeNotInPool(uint32 poolId, uint32 assetIn, uint32 assetOut);
    /// The deadline has passed. Quote again.
    error ExchangeExpired(uint64 deadlineMs, uint64 nowMs);
    /// No legs, or more than `max`.
    error ExchangeLegCount(uint256 count, uint256 max);
    /// One amount for each asset of the pool is needed.
    error ExchangeAmountCount(uint256 count, uint256 assets);
    /// An amount of zero does nothing.
    error ExchangeZeroAmount();
    /// The amount is too small to get anything for it. Use more.
    error ExchangeTooSmall(uint32 poolId, uint256 amount);
    /// The pool's curve does not do this: shares are of pools of reserves, positions of concentrated liquidity.
    error ExchangeWrongCurve(uint32 poolId);
    /// There is no such position.
    error ExchangeUnknownPosition(uint64 positionId);
    /// The range is none: `lower` below `upper`, both multiples of `spacing` and at most 887272 from zero.
    error ExchangeBadTicks(int32 lower, int32 upper, int32 spacing);
    /// The price is beyond all ticks.
    error ExchangeBadPrice(uint256 sqrtPriceX96, uint256 min, uint256 max);
    /// The liquidity is more than there is, or than one end of ranges may have.
    error ExchangeTooMuchLiquidity(uint32 poolId, uint256 liquidity, uint256 most);
    /// No liquidity is left on the way. Swap at most what was `swapped` so far.
    error ExchangeDry(uint32 poolId, uint256 swapped);
    /// More ends of ranges lie on the way than one swap passes. Swap at most what was `swapped` so far, then go on.
    error ExchangeTooFar(uint32 poolId, uint256 swapped);
    /// The pool does not hold that much. Ask for less than `reserve`.
    error ExchangeTooMuch(uint32 poolId, uint32 assetId, uint256 wanted, uint256 reserve);
    /// The reserves would leave the range in which the curve is exact: each at least `least` and at most `most`, as 18 decimals.
    error ExchangeUnbalanced(uint32 poolId, uint256 least, uint256 most);
    /// The curve's iteration did not end. Use another amount.
    error ExchangeNoSolution(uint32 poolId);
    /// Too little would be received. Raise the tolerance, or swap less.
    error ExchangeReceivedTooLittle(uint32 assetId, uint256 received, uint256 receivedMin);
    /// Too much would be paid, or too little arrived. Allow more, or swap less.
    error ExchangePaidTooMuch(uint32 assetId, uint256 needed, uint256 paidMax);
    /// The legs do not come out even: of this asset they take or leave an amount that nobody agreed to.
    error ExchangeUnsettled(uint32 assetId, uint256 amount, bool isOwed);
    /// The pool was moved in this block, and depth counts as a block leaves it. Ask in a later block, before anybody moves the pool.
    error ExchangeMovedNow(uint32 poolId);
    /// Too few shares would be made. Lower the bound, or add in the pool's ratio.
    error ExchangeTooFewShares(uint32 poolId, uint256 shares, uint256 sharesMin);
    /// The account has fewer shares. Use at most `have`.
    error ExchangeInsufficientShares(uint32 poolId, address owner, uint8 index, uint256 have, uint256 need);
    /// The first deposit makes too few shares. Put in at least as much as makes more than `min`.
    error ExchangeFirstDepositTooSmall(uint256 shares, uint256 min);
    /// The pool has no prices as old as that. Ask for at most `have` milliseconds.
    error ExchangeNoHistory(uint32 poolId, uint64 wantedMs, uint64 have);
    /// A parameter is out of its range.
    error ExchangeParamOutOfRange(string what, uint256 value, uint256 min, uint256 max);

    /// How many pools there are; their numbers begin with zero.
    function poolCount() external view returns (uint32);
    /// A pool as it is now.
    function pool(uint32 poolId) external view returns (Pool memory);
    /// The pool of a shape, if there is one.
    function poolOf(Shape calldata shape) external view returns (bool exists, uint32 poolId);
    /// Pools that swap two assets; at most sixteen, of which seven are stable ones.
    function poolsOf(uint32 assetA, uint32 assetB) external view returns (uint32[] memory);
    /// Shares of an account, and what they would give now.
    function sharesOf(uint32 poolId, address owner, uint8 index) external view returns (uint256 shares, uint256[] memory amounts);
    /// What `swap` with these legs would pay and receive now, to the unit.
    function quote(Leg[] calldata legs, Bounds calldata bounds) external view returns (uint256 paid, uint256 received);
    /// Where a pool of concentrated liquidity stands, what a swap in it pays now, and where ranges may end.
    function rangePool(uint32 poolId) external view returns (uint256 sqrtPriceX96, int32 tick, uint128 liquidity, uint32 feePips, int32 tickSpacing);
    /// A position as it is now.
    function range(uint64 positionId) external view returns (Range memory);
    /// Units of `assetId` for one unit of the pool's first asset, times 2^96, as the geometric mean of the last `windowMs`.
    /// Nothing that happens in this block moves it.
    function twapX96(uint32 poolId, uint32 assetId, uint64 windowMs) external view returns (uint256);
    /// The same as an exponential mean with a half-life of ten minutes.
    function emaX96(uint32 poolId, uint32 assetId) external view returns (uint256);
    /// Units of `assetId` for one unit of the pool's first asset at this moment, times 2^96. Anybody can move it: never lend by it.
    function spotX96(uint32 poolId, uint32 assetId) external view returns (uint256);
    /// The protocol's part of fees in hundredths of a percent, the next one, and from when if that is not zero.
    function protocolShare() external view returns (uint16 presentBps, uint16 nextBps, uint64 nextFromMs);
    /// For sales by the block: the most by which those of one block lower the price of one pool, in hundredths of a percent,
    /// and the assets through which they may take two steps.
    function saleTerms() external view returns (uint16 impactMaxBps, uint32[] memory commonCoins);
    /// Fees that wait for the protocol.
    function protocolFees(uint32 assetId) external view returns (uint256);

    /// Opens a pool with a first deposit from the caller's wallet. A thousand shares of it stay for ever.
    function createPool(Shape calldata shape, uint256[] calldata amounts, address to, uint64 deadlineMs) external returns (uint32 poolId, uint256 shares);
    /// Opens a pool of concentrated liquidity at a price: the root of `asset1` for one `asset0`, in smallest units, times 2^96.
    function createRangePool(uint32 feePips, uint32 asset0, uint32 asset1, uint256 sqrtPriceX96) external returns (uint32 poolId);
    /// Makes a position from the caller's wallet, as large as `amountsMax` allow, and gives its token to `to`.
    function openRange(uint32 poolId, int32 lower, int32 upper, uint256[2] calldata amountsMax, uint128 liquidityMin, address to, uint64 deadlineMs) external returns (uint64 positionId, uint128 liquidity, uint256[2] memory amounts);
    /// Adds to a position from the caller's wallet. Anybody may.
    function growRange(uint64 positionId, uint256[2] calldata amountsMax, uint128 liquidityMin, uint64 deadlineMs) external returns (uint128 liquidity, uint256[2] memory amounts);
    /// Takes liquidity out of a position, and all its fees, to `to`. Zero takes fees alone. Only who may move its token.
    function shrinkRange(uint64 positionId, uint128 liquidity, uint256[2] calldata amountsMin, address to, uint64 deadlineMs) external returns (uint256[2] memory principal, uint256[2] memory fees);
    /// Adds from the caller's wallet, at most `amountsMax`, and makes LP tokens for `to`.
    function addLiquidity(uint32 poolId, uint256[] calldata amountsMax, uint256 sharesMin, address to, uint64 deadlineMs) external returns (uint256[] memory amounts, uint256 shares);
    /// Burns the caller's LP tokens and sends what they are worth of each asset to `to`.
    function removeLiquidity(uint32 poolId, uint256 shares, uint256[] calldata amountsMin, address to, uint64 deadlineMs) external returns (uint256[] memory amounts);
    /// Burns the caller's LP tokens for units of his account with that number, where a coin that cannot leave now holds up
    /// no other: each is withdrawn by itself.
    function removeLiquidityToUnits(uint32 poolId, uint256 shares, uint256[] calldata amountsMin, uint8 index, uint64 deadlineMs) external returns (uint256[] memory amounts);
    /// The same for a position. Only who may move its token.
    function shrinkRangeToUnits(uint64 positionId, uint128 liquidity, uint256[2] calldata amountsMin, uint8 index, uint64 deadlineMs) external returns (uint256[2] memory principal, uint256[2] memory fees);
    /// Puts a stable pool into the lists of its pairs, in place of the one that holds least, if it holds more, both as the last
    /// block left them; answers whether a list changed. Anybody may.
    function listPool(uint32 poolId) external returns (bool);
    /// Swaps from the caller's wallet to `to`. Only what the legs come to together crosses the border.
    function swap(Leg[] calldata legs, Bounds calldata bounds, address to, uint64 deadlineMs) external returns (uint256 paid, uint256 received);
    /// Sets the protocol's part of fees, at most a quarter: less at once, more after a day. Only the owner of this contract's scope.
    function setProtocolShare(uint16 shareBps) external;
    /// Sends the protocol's fees of an asset. Only the owner.
    function collectProtocolFees(uint32 assetId, address to) external returns (uint256);
    /// Sets what holds for sales by the block: an impact of 10 to 1000, at most three coins. Only the owner.
    function setSaleTerms(uint16 impactMaxBps, uint32[] calldata commonCoins) external;
    /// Stops swaps and new liquidity of a pool. The owner, or a holder of the role GUARD (1).
    function pausePool(uint32 poolId) external;
    /// Lets them go on. Only the owner.
    function unpausePool(uint32 poolId) external;
}
