//! The interface of `listing` and its table of verbs.

use alloy_sol_types::sol;

use super::actions;
use IListing::*;

sol! {
    /// Lists an asset with everything that it needs, or nothing of it.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IListing {
        /// How much more may leave the ledger than comes: the larger of `floor` and a share of what was there before what came lately, per window.
        struct Border {
            uint32 windowS;
            uint16 shareBps;
            uint256 floor;
        }
        /// The feed of its price. Ranges are in specs/oracle.md.
        struct Feed {
            string description;
            /// Dollars of a whole token times 10^18; a first price lies within ten times of it.
            uint128 referencePrice;
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
        /// The lending market. `rateModel` is 0 for kinked, 1 for adaptive, which takes no slopes.
        struct Market {
            /// What stays in it for ever, from the caller's wallet, in smallest units.
            uint256 seed;
            uint16 reserveFactorBps;
            uint256 supplyCap;
            uint256 borrowCap;
            uint8 rateModel;
            uint32 baseBps;
            uint32 slope1Bps;
            uint32 slope2Bps;
            uint32 optimalBps;
        }
        /// How much it counts as collateral; zeros if it does not. Ranges are in specs/account.md.
        struct Collateral {
            uint16 initialBps;
            uint16 maintenanceBps;
            uint16 categoryInitialBps;
            uint16 categoryMaintenanceBps;
            uint16 discountMaxBps;
            uint8 category;
            bool isolated;
            /// Most units of it that may stand in the ledger; zero is any.
            uint256 depositCap;
        }
        /// All that an asset needs.
        struct Asset {
            address token;
            Border border;
            Feed feed;
            Market market;
            Collateral collateral;
        }

        /// An asset is listed, whole.
        event Listed(uint32 indexed assetId, address indexed token, address feed, address shareToken);

        /// Lists an asset, and seeds its market from the caller's wallet, which allowed a foreign token's seed to this
        /// contract. Only who owns the scopes of ledger, oracle, lending and account.
        function list(Asset calldata asset) external returns (uint32 assetId, address feed, address shareToken);
    }
}

crate::verbs! { IListingCalls;
    listCall: Write, 2000 => |cx, c| actions::list(cx, &c.asset);
}
