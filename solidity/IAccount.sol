// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// One balance sheet per account, one health factor, one check at the end of a batch.
interface IAccount {
    /// One of the up to 256 accounts of an owner.
    struct AccountRef {
        address owner;
        uint8 index;
    }

    /// One step of a batch: a verb's permanent number and its ABI-encoded arguments.
    struct Action {
        uint16 verb;
        bytes args;
    }

    /// What a signer demands of the end of his batch.
    struct Bounds {
        /// Least health at the initial factors, in wad.
        uint256 minHealth;
        /// Most that the account may owe in the end, in USD x 1e18.
        uint256 maxDebt;
    }

    /// How much an asset counts as collateral. Factors of zero: it does not.
    struct Collateral {
        /// Part of its value that may be borrowed against.
        uint16 initialBps;
        /// Part of its value that keeps a debt from being liquidated.
        uint16 maintenanceBps;
        /// The same where all debts are of its category.
        uint16 categoryInitialBps;
        /// The same where all debts are of its category.
        uint16 categoryMaintenanceBps;
        /// Largest part of its value that a liquidation costs.
        uint16 discountMaxBps;
        /// Assets whose prices move together; zero is none.
        uint8 category;
        /// Counts only where nothing else does.
        bool isolated;
        /// Most units of it that may stand in the ledger; zero is any.
        uint256 depositCap;
    }

    /// Limits that an owner sets himself; zeros are none.
    struct OwnLimits {
        /// Most collateral per own capital: 30000 is three-fold.
        uint32 leverageMaxBps;
        /// Most that a day may lose, in whole dollars.
        uint32 dailyLossMaxUsd;
        /// For how long after a day that lost more no new risk is taken, in seconds.
        uint32 coolingOffS;
    }

    /// What an account lost since `beganMs`, beside what its owner allows: values in USD x 1e18. While `coolingOff`, it
    /// takes no new risk until `endsMs`.
    struct DayOfLoss {
        uint64 beganMs;
        uint64 endsMs;
        /// Below zero is a profit.
        int256 loss;
        uint256 lossMax;
        bool coolingOff;
    }

    /// A balance sheet in one line. Values in USD x 1e18, ratios in wad.
    struct Report {
        /// What the collateral is worth.
        uint256 collateral;
        /// What may be borrowed against it.
        uint256 borrowable;
        /// What is owed.
        uint256 debt;
        /// `borrowable / debt` at the prices for borrowing: a batch that lowers it must end at one or more.
        uint256 healthInitial;
        /// Liquidated below one.
        uint256 healthMaintenance;
        /// How far all collateral may fall at once before it is liquidated.
        uint16 roomToFallBps;
    }

    /// One asset of a balance sheet, in smallest units and in USD x 1e18.
    struct Holding {
        uint32 assetId;
        uint256 units;
        uint256 supplied;
        uint256 owed;
        uint256 heldValue;
        uint256 owedValue;
        uint16 initialBps;
        uint16 maintenanceBps;
        /// Price at which the account is liquidated, everything else as it is; zero if none is.
        uint256 liquidationPrice;
    }

    /// Liquidity that stands on an account. Amounts are of each coin, in the pool's order; values in USD x 1e18.
    struct Piece {
        /// 0 for shares of a pool, 1 for a position of concentrated liquidity, 2 for a stake in a farm.
        uint8 kind;
        /// Number of the pool, the position or the farm.
        uint64 id;
        /// The pool; the largest number where units are staked.
        uint32 poolId;
        /// Shares, liquidity, or staked shares or units.
        uint256 amount;
        uint32[] assetIds;
        /// What taking it apart would give now, fees included.
        uint256[] amounts;
        /// What was put in, less the part of it that was taken out.
        uint256[] putIn;
        /// What `amounts` are worth.
        uint256 value;
        /// What counts as collateral: the least that its curve allows at the oracle's prices. Nobody moves it.
        uint256 fairValue;
        /// What `putIn` would be worth now.
        uint256 ifHeld;
        /// `ifHeld - value`: below zero where fees made up for it.
        int256 impermanentLoss;
        /// The lowest of its coins.
        uint16 initialBps;
        uint16 maintenanceBps;
    }

    /// A batch was run.
    event Executed(address indexed owner, uint8 indexed index, address indexed caller, uint16[] verbs);
    /// An operator may act until `untilMs`; zero takes the right away.
    event OperatorSet(address indexed owner, uint8 indexed index, address indexed operator, uint64 untilMs);
    /// An owner limited himself; it counts from `fromMs`.
    event LimitsSet(address indexed owner, uint8 indexed index, OwnLimits limits, uint64 fromMs);
    /// An asset's factors move to these from `startMs` to `endMs`.
    event CollateralSet(uint32 indexed assetId, Collateral collateral, uint64 startMs, uint64 endMs);
    /// The smallest debt changed.
    event DebtMinSet(uint256 value);
    /// Collateral of an unhealthy account is on offer; the discount is largest at `fullMs`.
    event OfferOpened(address indexed owner, uint8 indexed index, uint256 health, uint64 fullMs);
    /// The account is healthy again, or clean.
    event OfferClosed(address indexed owner, uint8 indexed index);
    /// One step of a liquidation. Venues: 1 netting, 2 the exchange, 3 the offer, 4 the backstop, 5 another account that had
    /// to sell the opposite.
    event LiquidationStep(uint64 indexed id, uint8 venue, uint32 debtAssetId, uint256 paid, uint32 collateralAssetId, uint256 taken, uint256 toReserve, uint16 discountBps, address buyer, uint8 buyerIndex);
    /// An account was liquidated, in part or whole, at this round of the collateral's price.
    event Liquidated(uint64 indexed id, address indexed owner, uint8 indexed index, uint64 priceRound, uint256 healthBefore, uint256 healthAfter);
    /// A piece of an account became units of its coins, whole or in part: the block looked after the account, or it pays a redemption.
    event PieceTakenApart(address indexed owner, uint8 indexed index, uint8 kind, uint64 id, uint32[] assetIds, uint256[] amounts);
    /// A debt that nothing backed was borne. Tiers: 1 the reserve, 2 the backstop, 3 lenders.
    event LossRealised(uint64 indexed id, address indexed owner, uint8 indexed index, uint32 assetId, uint8 tier, uint256 amount);
    /// An account could not be looked at; the block tries again in a minute.
    event LookFailed(address indexed owner, uint8 indexed index, bytes reason);
    /// A debtor could not pay dollars that wait for redemption; another one does.
    event RedemptionFailed(address indexed owner, uint8 indexed index, bytes reason);
    /// The block had no gas for so many accounts; the next one goes on.
    event LooksLeft(uint256 count);

    /// The caller is neither the owner of the account nor an operator in his time.
    error AccountNotAuthorised(address owner, uint8 index, address caller);
    /// Accounts of this transaction are not checked yet. Ask again when the batch has ended.
    error AccountInFlight();
    /// The batch would leave the account with too little collateral. Borrow or withdraw less, or add collateral.
    error AccountUnhealthy(address owner, uint8 index, uint256 borrowable, uint256 debt);
    /// The health of the account cannot be told: this asset has no usable price now. Repaying and adding collateral work.
    error AccountPriceUnusable(address owner, uint8 index, uint32 assetId);
    /// No verb has this number.
    error AccountUnknownVerb(uint16 verb);
    /// The arguments do not decode, or are not encoded in the one canonical way.
    error AccountBadArguments(uint16 verb);
    /// Foreign code that a batch called may not do this.
    error AccountNotInCallback(uint16 verb);
    /// The account would hold or owe more different assets than a sheet has rows.
    error AccountTooManyAssets(address owner, uint8 index, uint32 assetId, uint256 max);
    /// The account would have liquidity in more pools and ranges than a sheet has places. Remove one first.
    error AccountTooManyPieces(address owner, uint8 index, uint256 max);
    /// The account has no such piece: kind 0 is shares of pool `id`, 1 position `id`, 2 a stake in farm `id`. Ask `piecesOf`.
    error AccountNoPiece(address owner, uint8 index, uint8 kind, uint64 id);
    /// One transaction changed more accounts than it may.
    error AccountTooManyTouched(uint256 max);
    /// More actions than a batch may have.
    error AccountTooManyActions(uint256 count, uint256 max);
    /// A debt this small is not worth liquidating. Borrow more, or repay all of it.
    error AccountDebtTooSmall(uint32 assetId, uint256 value, uint256 min);
    /// The account owes nothing of this asset, or holds nothing of it to sell.
    error AccountNothingOwed(uint32 assetId);
    /// Another account owes this loan.
    error AccountOtherLoan(uint64 id, address owner, uint8 index);
    /// The stream flows to another account.
    error AccountOtherStream(uint64 streamId, address owner, uint8 index);
    /// Both accounts are the same one.
    error AccountSameAccount(address owner, uint8 index);
    /// More of this asset would stand in the ledger than may. Deposit less.
    error AccountDepositCap(uint32 assetId, uint256 claims, uint256 cap);
    /// The batch ended outside what was signed.
    error AccountBoundsMissed(uint256 health, uint256 minHealth, uint256 debt, uint256 maxDebt);
    /// The signature's deadline has passed.
    error AccountSignatureExpired(uint64 deadlineMs, uint64 nowMs);
    /// The signature is not by the owner or an operator of the account, or for something else.
    error AccountSignatureInvalid(address signer);
    /// The batch was signed for another nonce.
    error AccountNonceUsed(uint256 nonce, uint256 next);
    /// The batch would pass the leverage that the owner allowed himself.
    error AccountLimitReached(address owner, uint8 index, uint256 leverageBps, uint32 maxBps);
    /// The account lost more in a day than its owner allows himself. Until `untilMs` it may repay and add collateral, and
    /// take no new risk.
    error AccountCoolingOff(address owner, uint8 index, int256 loss, uint256 lossMax, uint64 untilMs);
    /// A limit of one's own is out of its range.
    error AccountLimitOutOfRange(string what, uint256 value, uint256 max);
    /// A part of what was said about a collateral is out of its range.
    error AccountCollateralInvalid(string what, uint256 value, uint256 max);
    /// Discount, category and isolation of an asset that counts stay as they are.
    error AccountCollateralFixed(uint32 assetId);
    /// Factors that stand move slowly. Choose a longer time.
    error AccountRampTooShort(uint64 rampMs, uint64 minMs);
    /// The factors are moving. Wait until they have arrived.
    error AccountRampUnderWay(uint64 endMs);
    /// Nothing of the account is on offer.
    error AccountNotOffered(address owner, uint8 index);
    /// The account is healthy now; the offer is void.
    error AccountHealthy(address owner, uint8 index, uint256 health);
    /// The debt takes less than the price of what the bid would take. Bid for less.
    error AccountUnderpaid(uint32 assetId, uint256 paid, uint256 price);
    /// The bid pays nothing.
    error AccountBidEmpty(uint32 assetId);
    /// The bid would take less than its bidder asked for. Wait for a larger discount, or ask for less.
    error AccountBidTooDear(uint256 taken, uint256 takenMin);
    /// The account has no dollars to pay off, or nothing to pay with now.
    error AccountNotRedeemable(address owner, uint8 index);
    /// The calldata of a look is no list of accounts.
    error AccountLooksMalformed();
    /// More accounts than one block looks at.
    error AccountTooManyLooks(uint256 count, uint256 max);

    /// Runs a batch on an account of the caller's, or of one whose operator he is. Checked once, at its end.
    function execute(AccountRef calldata account, Action[] calldata actions) external returns (bytes[] memory results);
    /// Runs a batch that the owner or an operator signed (EIP-712). Deposits come from the signer's wallet.
    function executeSigned(AccountRef calldata account, Action[] calldata actions, Bounds calldata bounds, uint256 nonce, uint64 deadlineMs, address signer, uint8 v, bytes32 r, bytes32 s) external returns (bytes[] memory results);
    /// What `execute` by the owner would do now, without doing it.
    function preview(AccountRef calldata account, Action[] calldata actions) external view returns (Report memory before, Report memory afterwards, bytes[] memory results, Piece[] memory pieces);
    /// Pays from the caller's wallet into an account in which the asset stands already, or which the caller may act on.
    function depositTo(AccountRef calldata account, uint32 assetId, uint256 amount) external returns (uint256 credited);

    /// Brings what a stream owes to the account to which it flows, by anybody, and pays that account's debt with it.
    function collect(uint64 streamId) external returns (uint256 amount);

    /// Lets `operator` act on an account of the caller's until `untilMs`; zero takes the right away.
    function setOperator(uint8 index, address operator, uint64 untilMs) external;
    /// Until when an operator may act; zero if he may not.
    function operatorUntilMs(AccountRef calldata account, address operator) external view returns (uint64);
    /// Limits the risk that the caller's account may take. Tighter at once, looser after a day.
    function setLimits(uint8 index, OwnLimits calldata limits) external;
    /// The limits of an account, and what follows from `fromMs`.
    function limitsOf(AccountRef calldata account) external view returns (OwnLimits memory now, OwnLimits memory next, uint64 fromMs);
    /// How the day of an account stands that limits its losses; zeros for one that does not.
    function dayOf(AccountRef calldata account) external view returns (DayOfLoss memory);
    /// Nonce of the next signed batch.
    function nonceOf(AccountRef calldata account) external view returns (uint256);
    /// EIP-712 domain separator.
    function DOMAIN_SEPARATOR() external view returns (bytes32);

    /// The balance sheet in one line.
    function reportOf(AccountRef calldata account) external view returns (Report memory);
    /// The balance sheet, asset by asset.
    function holdingsOf(AccountRef calldata account) external view returns (Holding[] memory);
    /// Liquidity of the account, piece by piece.
    function piecesOf(AccountRef calldata account) external view returns (Piece[] memory);
    /// Health at the maintenance factors, in wad; the largest number without debt.
    function healthOf(AccountRef calldata account) external view returns (uint256);
    /// Since when collateral of the account is on offer, and when its discount is largest; zeros if it is not.
    function offerOf(AccountRef calldata account) external view returns (uint64 sinceMs, uint64 fullMs);

    /// How much an asset counts as collateral now, and where its factors are going.
    function collateralOf(uint32 assetId) external view returns (Collateral memory now, Collateral memory next, uint64 startMs, uint64 endMs);
    /// Says how much an asset counts; factors that stand move over `rampMs`, after a day. Only the owner of this contract's scope.
    function setCollateral(uint32 assetId, Collateral calldata collateral, uint64 rampMs) external;
    /// Smallest debt that may stand in one asset, in USD x 1e18.
    function debtMin() external view returns (uint256);
    /// Sets it. Only the owner of this contract's scope.
    function setDebtMin(uint256 value) external;
}
