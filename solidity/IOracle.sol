// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Prices in dollars, made by reporters, agreed before the first transaction of each block.
interface IOracle {
    /// What one reporter observed of one asset. `price` is dollars per whole token times 10^18.
    struct Entry { uint32 assetId; uint128 price; uint16 confidenceBps; }
    /// What a reporter signs (EIP-712). Entries stand in rising order of asset.
    struct Report { uint64 round; uint64 timeMs; Entry[] entries; }
    /// A report with its signature.
    struct SignedReport { address reporter; Report report; uint8 v; bytes32 r; bytes32 s; }
    /// What may be tuned per asset. Ranges are in specs/oracle.md.
    struct FeedParams {
        uint8 quorum;
        uint8 reacceptRounds;
        uint16 bandBps;
        uint16 bandWidenBpsPerMin;
        uint16 confidenceBpsMax;
        uint16 growthBpsPerYear;
        uint32 staleMs;
        uint32 smoothMs;
        uint32 outageMs;
        uint32 graceMs;
        uint32 stillMs;
    }
    /// All that is known of a price now. `reason` says why borrowing against it is refused; zero is usable.
    struct FeedState {
        string description;
        uint64 round;
        uint128 spot;
        uint128 smoothed;
        uint128 raw;
        uint64 timeMs;
        uint64 graceUntilMs;
        bool frozen;
        uint8 reason;
        uint256 detail;
        uint256 limit;
    }

    /// A price was accepted. `median` is above `spot` where the growth cap binds.
    event PriceAccepted(uint32 indexed assetId, uint64 indexed round, uint128 spot, uint128 smoothed, uint128 median, uint16 confidenceBps, uint64 timeMs);
    /// A round left the price in doubt; nothing was accepted.
    event PriceUnusable(uint32 indexed assetId, uint8 indexed reason, uint256 detail, uint256 limit);
    /// Alarm: the growth cap binds. Somebody should look at the source of this rate.
    event GrowthCapped(uint32 indexed assetId, uint128 median, uint128 spot);
    /// Neither borrowing nor liquidation against this price before `untilMs`.
    event GraceOpened(uint32 indexed assetId, uint64 untilMs);
    /// A report of a `Prices` transaction does not count. Reasons are in specs/oracle.md.
    event ReportRefused(address indexed reporter, uint8 indexed reason, uint256 detail, uint256 limit);
    /// An asset has a feed from now on.
    event FeedListed(uint32 indexed assetId, address indexed feed, string description, uint128 referencePrice);
    /// `current` counts now, `next` from `nextFromMs` on.
    event FeedParamsSet(uint32 indexed assetId, FeedParams current, FeedParams next, uint64 nextFromMs);
    /// The feed forgot its price and begins anew beside `referencePrice`.
    event FeedReset(uint32 indexed assetId, uint128 referencePrice);
    /// The price is unusable until the feed is unfrozen.
    event FeedFrozen(uint32 indexed assetId);
    /// The price may be used again.
    event FeedUnfrozen(uint32 indexed assetId);
    /// A reporter stands in the list.
    event ReporterAdded(address indexed reporter);
    /// A reporter left the list.
    event ReporterRemoved(address indexed reporter);

    /// The price cannot be used now. Wait for reports; repaying and adding collateral need no price.
    error OraclePriceUnusable(uint32 assetId, uint8 reason, uint256 detail, uint256 limit);
    /// There is no feed for this asset. The owner lists it first.
    error OracleFeedUnknown(uint32 assetId);
    /// The asset has a feed already.
    error OracleFeedListed(uint32 assetId);
    /// Assets are numbers up to `max`.
    error OracleAssetOutOfRange(uint32 assetId, uint32 max);
    /// A price is above zero and at most `max`.
    error OraclePriceOutOfRange(uint128 price, uint128 max);
    /// The parameter leaves its range.
    error OracleParamOutOfRange(string name, uint256 value, uint256 min, uint256 max);
    /// The change loosens the parameter too much at once. Go at most to `farthest`, and later on.
    error OracleParamStepTooLarge(string name, uint256 from, uint256 to, uint256 farthest);
    /// The reporter stands in the list already.
    error OracleReporterListed(address reporter);
    /// The reporter does not stand in the list.
    error OracleReporterUnknown(address reporter);
    /// The zero address cannot report.
    error OracleReporterZero();
    /// Calldata of `Prices` does not decode as `SignedReport[]`.
    error OracleReportsMalformed();
    /// More reports than reporters can stand in the list.
    error OracleTooManyReports(uint256 count, uint256 max);

    /// Lists a feed. It has no price until reporters agree on one within ten times `referencePrice`.
    function listFeed(uint32 assetId, string calldata description, uint128 referencePrice, FeedParams calldata params) external;
    /// Tunes a feed: what is stricter counts at once, what is looser after the delay of the role LOOSEN.
    function setFeedParams(uint32 assetId, FeedParams calldata params) external;
    /// Forgets a feed's price, which begins anew beside `referencePrice`: after a move by more than ten times.
    function resetFeed(uint32 assetId, uint128 referencePrice) external;
    /// Makes a price unusable at once.
    function freeze(uint32 assetId) external;
    /// Ends a freeze; a grace period begins.
    function unfreeze(uint32 assetId) external;
    /// Puts a reporter into the list. He needs the role REPORT of this scope too.
    function addReporter(address reporter) external;
    /// Takes a reporter out of the list.
    function removeReporter(address reporter) external;

    /// The price for a look, and when a quorum last spoke. Reverts while it is unusable.
    function priceOf(uint32 assetId) external view returns (uint128 price, uint64 timeMs);
    /// What a whole token counts as collateral, and as debt, when somebody borrows. Reverts while unusable.
    function borrowPriceOf(uint32 assetId) external view returns (uint128 collateral, uint128 debt);
    /// The same when somebody is liquidated.
    function liquidationPriceOf(uint32 assetId) external view returns (uint128 collateral, uint128 debt);
    /// All that is known, usable or not.
    function feedOf(uint32 assetId) external view returns (FeedState memory);
    /// Parameters that count now, those that replace them, and when (zero: nothing is planned).
    function feedParamsOf(uint32 assetId) external view returns (FeedParams memory current, FeedParams memory next, uint64 nextFromMs);
    /// Bit `n` is set if asset `n` has a feed.
    function feeds() external view returns (uint256);
    /// The list of reporters, those without the role too.
    function reporters() external view returns (address[] memory);
    /// Whether a reporter stands in the list and holds the role now.
    function isReporter(address account) external view returns (bool);
    /// The latest round that a reporter spoke, and when; zeros if never.
    function roundOf(address reporter) external view returns (uint64 round, uint64 timeMs);
    /// The latest observation of a reporter; zeros if there is none.
    function observationOf(uint32 assetId, address reporter) external view returns (uint128 price, uint16 confidenceBps, uint64 timeMs);
    /// What a report's signature covers besides the report (ERC-5267).
    function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);
}
