//! The face of one feed, as Chainlink's consumers expect it.

use alloy_sol_types::sol;

use super::super::face;
use IFeed::*;

sol! {
    /// One asset's price in dollars, read as Chainlink's AggregatorV3. Reverts instead of answering an old price.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IFeed {
        /// The price cannot be used now. Wait for reports; repaying and adding collateral need no price.
        error OraclePriceUnusable(uint32 assetId, uint8 reason, uint256 detail, uint256 limit);
        /// Only the latest round is kept. Ask for `latest`, or read the events of the oracle.
        error FeedNoRound(uint80 roundId, uint80 latest);
        /// The price is below what 8 decimals can say. Read `priceOf` of the oracle.
        error FeedAnswerTooSmall(uint32 assetId, uint128 price);

        /// Digits behind the point of an answer: 8.
        function decimals() external view returns (uint8);
        /// What is priced, for people.
        function description() external view returns (string memory);
        /// Version of this interface.
        function version() external view returns (uint256);
        /// The latest price; reverts while it is unusable.
        function latestRoundData() external view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
        /// A round by its number: only the latest is kept.
        function getRoundData(uint80 roundId) external view returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
        /// The latest answer alone; reverts while it is unusable.
        function latestAnswer() external view returns (int256);
    }
}

crate::verbs! { IFeedCalls;
    decimalsCall: View, 40 => |_, _| Ok(face::DECIMALS);
    descriptionCall: View, 100 => |cx, _| face::description(cx);
    versionCall: View, 40 => |_, _| Ok(face::VERSION);
    latestRoundDataCall: View, 200 => |cx, _| face::latest_round_data(cx);
    getRoundDataCall: View, 200 => |cx, c| face::round_data(cx, c.roundId);
    latestAnswerCall: View, 200 => |cx, _| Ok(face::latest_round_data(cx)?.answer);
}
