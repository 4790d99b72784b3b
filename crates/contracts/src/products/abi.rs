//! The interface of `products` and its table of verbs.

use alloy_sol_types::sol;
use capstan_units::ProductId;

use super::{actions, views};
use IProducts::*;

sol! {
    /// Leveraged tokens and strategy vaults: accounts under a fixed policy that the block rebalances.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IProducts {
        /// What a product does for ever.
        struct Policy {
            /// 1 long, 2 short, 3 loop, 4 neutral.
            uint8 kind;
            /// What its account holds. The base asset of short and neutral products.
            uint32 collateralAssetId;
            /// What its account owes. The base asset of long products and loops.
            uint32 debtAssetId;
            /// What a rebalance restores, in hundredths of a percent. Long: collateral per equity, 30000 is three-fold. Short: debt per equity. Loop: health at the present factors. Neutral: debt per half of the liquidity, always 10000.
            uint32 targetBps;
            /// The lower end of its band, in the same measure.
            uint32 lowBps;
            /// The upper end.
            uint32 highBps;
            /// So far below its value at oracle prices a sale may stay, in hundredths of a percent: at most 500.
            uint16 limitBps;
            /// What stays with the other holders of a deposit or a redemption, in hundredths of a percent: at most 100.
            uint16 feeBps;
            /// Nobody deposits beyond this equity, in USD x 1e18.
            uint256 capUsd;
            /// Neutral: a pool of constant product of both assets, to which it provides. Else zero.
            uint32 poolId;
            /// Who may close it, and nothing else; zero is nobody, for ever.
            address owner;
        }

        /// A product as it stands. Values are at oracle prices, and zero while one of them may not be used.
        struct Standing {
            address token;
            Policy policy;
            /// Debt per collateral, in value x 1e18: what a rebalance restores, and the ends of the band.
            uint256 targetRatio;
            uint256 lowRatio;
            uint256 highRatio;
            /// The same now.
            uint256 ratio;
            /// Long and loop: collateral per equity. Short: debt per equity. Neutral: debt per half of the liquidity. In hundredths of a percent.
            uint256 leverageBps;
            /// Units of all wallets, with 18 digits.
            uint256 supply;
            /// Units of the collateral's asset, free units of the debt's asset, and what is owed.
            uint256 collateral;
            uint256 idle;
            uint256 debt;
            /// Neutral: shares of its pool.
            uint256 shares;
            /// Whether both prices may be used.
            bool priced;
            /// What belongs to the holders, in USD x 1e18.
            uint256 equity;
            /// What one whole unit is worth, in USD x 1e18, rounded down.
            uint256 unitValue;
            /// Coins that pay for the block's looks, in wei. Without any the block does not come.
            uint256 reserveWei;
            /// When the block comes at the latest, in milliseconds; zero is never.
            uint64 nextMs;
            /// Attempts that failed since one succeeded.
            uint8 failures;
            /// 0 open, 1 closing: no deposits, and the block turns its account into base units, 2 closed: each unit is its part of them.
            uint8 phase;
        }

        /// A product stands.
        event ProductCreated(uint32 indexed id, address indexed token, address indexed creator, Policy policy, uint256 seed, uint256 units);
        /// A product was brought towards its target: it borrowed, or sold collateral. Ratios are debt per collateral x 1e18.
        event ProductRebalanced(uint32 indexed id, bool borrowed, uint256 sold, uint256 received, uint256 ratioBefore, uint256 ratioAfter);
        /// It could not be; the block tries again at `retryMs` if it is outside its band then.
        event RebalanceFailed(uint32 indexed id, bytes reason, uint64 retryMs);
        /// Coins came for the block's looks.
        event ProductToppedUp(uint32 indexed id, address indexed from, uint256 sentWei, uint256 reserveWei);
        /// The coins are used up: the block does not come until somebody brings more.
        event ProductUnattended(uint32 indexed id);
        /// Its owner closes it: nobody deposits any more.
        event ProductClosing(uint32 indexed id);
        /// Base units are all that it has. The seed's units and the coins for looks went to its owner, and to his account 0 what was too little to be sold.
        event ProductClosed(uint32 indexed id, uint256 assets, uint256 supply, uint256 leftover, uint256 refundWei);
        /// The block had no gas for so many products; the next one goes on.
        event ProductsLeft(uint256 count);

        /// No product has this number.
        error ProductsUnknown(uint32 id);
        /// A part of the policy is out of its range.
        error ProductsInvalid(string what, uint256 value, uint256 least, uint256 most);
        /// The seed is worth too little, in USD x 1e18: a hundred units of it are locked for ever.
        error ProductsSeedTooSmall(uint256 value, uint256 least);
        /// The product is inside its band, so there is nothing to rebalance. Ratios are debt per collateral x 1e18.
        error ProductsInBand(uint256 ratio, uint256 low, uint256 high);
        /// The product owes as much as it holds, so units have no price. Wait, or redeem in kind.
        error ProductsWorthNothing(uint32 id);
        /// No pool gives so much for any part of it: the floor follows from oracle prices and the product's limit.
        error ProductsBelowFloor(uint256 units, uint256 receivedMin);
        /// Pools take only so much of it at the floor. Come or go in smaller parts, or redeem in kind.
        error ProductsPoolsTooThin(uint256 sold, uint256 wanted);
        /// Only the product's owner closes it; zero is nobody.
        error ProductsNotOwner(uint32 id, address owner, address caller);
        /// The product is closing or closed: units are redeemed, and none are made.
        error ProductsClosing(uint32 id);
        /// The pool is no constant product of the two assets and nothing else.
        error ProductsWrongPool(uint32 poolId);
        /// The pool stands so far from oracle prices that too little of what is added to it counts, in parts of 1e18. Wait until others have traded, or bring it there.
        error ProductsPoolAstray(uint32 poolId, uint256 kept, uint256 least);
        /// The amount is too small to be a unit of the other side.
        error ProductsTooSmall(uint256 amount);
        /// The product would be worth more than its cap, in USD x 1e18. Deposit less.
        error ProductsCapReached(uint256 equity, uint256 cap);
        /// It brings less than was asked for. Ask for less, or come back when pools are deeper.
        error ProductsTooLittle(uint256 got, uint256 least);
        /// These units' part of the debt is more than was offered.
        error ProductsDebtAbove(uint256 debt, uint256 most);
        /// Less arrived than these units' part of the debt: the token takes a fee, or another was faster.
        error ProductsPaidTooLittle(uint256 arrived, uint256 debt);
        /// What exactly comes of a trade is known only behind it: use `deposit` and `redeem`.
        error ProductsExactInOnly();
        /// Calldata is no list of products.
        error ProductsMalformed();
        /// More products than one transaction of the block may look at.
        error ProductsTooManyLooks(uint256 count, uint256 max);

        /// How many products there are; their numbers count from one.
        function productCount() external view returns (uint32);
        /// A product as it stands.
        function productOf(uint32 id) external view returns (Standing memory);
        /// Where the units of a product answer as a token.
        function tokenOf(uint32 id) external view returns (address);

        /// Makes a product of the caller's seed, which he allowed this contract to take: at least a hundred dollars of the base asset. A hundred units belong to nobody, the rest to `receiver`.
        function create(Policy calldata policy, uint256 seed, address receiver) external returns (uint32 id, address token, uint256 units);
        /// Brings a product that left its band back to its target, at the floor at which the block does. Anybody may.
        function rebalance(uint32 id) external returns (uint256 sold, uint256 received);
        /// Closes a product, by its owner: from now on nobody deposits, and the block sells what it has for base units and pays its debt, in as many steps as pools need. Units are redeemed all the while.
        function close(uint32 id) external;
        /// Brings coins for the block's looks. What is left when the product is closed goes to its owner.
        function topUp(uint32 id) external payable;
    }
}

crate::verbs! { IProductsCalls;
    productCountCall: View, 40 => |cx, _| views::product_count(cx);
    productOfCall: View, 600 => |cx, c| views::standing(cx, ProductId::new(c.id));
    tokenOfCall: View, 60 => |cx, c| views::token_of(cx, ProductId::new(c.id));
    createCall: Write, 1_500 => |cx, c| actions::create(cx, &c.policy, c.seed, c.receiver);
    rebalanceCall: Write, 1_000 => |cx, c| actions::rebalance(cx, ProductId::new(c.id));
    closeCall: Write, 300 => |cx, c| actions::close(cx, ProductId::new(c.id));
    #[payable] topUpCall: Write, 300 => |cx, c| actions::top_up(cx, ProductId::new(c.id));
}
