//! The interface of `income` and its table of verbs.

use alloy_sol_types::sol;

use super::{bank, book, listing, recover, views};
use crate::admin::Pausing;
use IIncome::*;

sol! {
    /// What machines verifiably earn, and the debt that it carries: income services a machine's debt before it reaches the holder of its title.
    #[sol(abi)]
    #[derive(Debug, Default, PartialEq, Eq)]
    interface IIncome {
        /// Everything that may be tuned in one market; see specs/income.md for units and ranges.
        struct IncomeParams {
            uint32 rateBps;
            uint32 lateBps;
            uint16 instalments;
            uint32 periodS;
            uint32 unpaidS;
            uint16 windowDays;
            uint16 verifiedDays;
            uint64 customerAgeMs;
            uint16 concentrationBps;
            uint16 fractionBps;
            uint16 escrowBps;
            uint16 bondBps;
            uint16 feeBps;
            uint16 lifeDays;
            uint256 kwhPriceMin;
            uint32 wattsMin;
            uint16 firstLossBps;
            uint16 firstLossCutBps;
            uint64 graceMs;
            uint64 auctionMs;
            uint16 auctionStartBps;
            uint16 auctionFloorBps;
            uint256 cap;
            uint256 loanMin;
        }

        /// A market of machine loans as it is now. `lenders` and `firstLoss` are what the two tranches own, interest that has not flowed (`unreleased`) included; `lent` is principal, `uncovered` the part of it that no bond stands for, `atRisk` the part whose machines are being recovered from. `largest` is the largest principal of one machine.
        struct Market {
            uint32 assetId;
            address lenderShare;
            address firstLossShare;
            uint256 idle;
            uint256 lent;
            uint256 lenders;
            uint256 firstLoss;
            uint256 unreleased;
            uint256 uncovered;
            uint256 atRisk;
            uint256 largest;
            uint64 largestMachine;
            uint32 debtors;
            uint32 defaults;
            uint256 lostFirstLoss;
            uint256 lostLenders;
            uint256 recovered;
            uint256 interestPaid;
            uint8 paused;
        }

        /// What a machine earned and owes. `earned` is all that its stream brought: `toDebt + reserved + toHolder`. `due` fell due and is unpaid, `owed` is all that would end the debt now, `nextMs` when there will be a step to take if nothing else happens: an instalment unpaid for too long, the machine dark, a stage over; zero where nothing is owed. The block takes it. `caseId` is zero while nothing is wrong.
        struct Book {
            uint64 machineId;
            uint32 assetId;
            uint64 streamId;
            address holder;
            uint256 earned;
            uint256 toDebt;
            uint256 reserved;
            uint256 toHolder;
            uint256 principal;
            uint256 due;
            uint256 owed;
            uint64 nextMs;
            uint256 escrow;
            uint256 kwhPrice;
            uint32 watts;
            uint64 lifeEndMs;
            uint32 defaults;
            uint64 caseId;
        }

        /// One day of a machine, from midnight UTC: what it was paid, what of it counts for borrowing before concentration, fees that settlement took, what its power cost, and what is left after concentration and power.
        struct Day {
            uint32 day;
            uint256 gross;
            uint256 counted;
            uint256 fees;
            uint256 power;
            uint256 net;
        }

        /// What a customer brought a machine in the present period of thirty days, of what counts.
        struct Customer {
            address customer;
            uint256 amount;
            uint256 shareBps;
        }

        /// What a machine can borrow. `today` is what is left of the least of three limits and of the market's; `later` is what it would be after `verifiedDays` days at the use of the days that counted so far. `bound` says which limit binds today: 1 too few verified days, 2 income, 3 bond and fees, 4 idle units, 5 the first-loss tranche, 6 the state of the machine, 7 a paused verb, 8 the least amount of a loan.
        struct Offer {
            uint256 today;
            uint256 later;
            uint16 verifiedDays;
            uint16 neededDays;
            uint256 netPerDay;
            uint256 byIncome;
            uint256 byEscrow;
            uint256 byBondAndFees;
            uint256 byMarket;
            uint8 bound;
        }

        /// What lenders can take where a machine does not pay, in this order: its stream, what is reserved, its title, its bond, the first-loss tranche. They can take nothing else: no wallet, no account, no other machine of the holder.
        struct Security {
            uint256 netPerDay;
            uint256 reserved;
            bool title;
            uint256 bond;
            uint256 firstLoss;
            uint256 lenders;
        }

        /// A loan as it would be taken, and as it was. `firstPayment` is the first instalment, `interest` that of the whole schedule if paid on time, `canBorrowAfter` what is left of the offer.
        struct Quote {
            uint256 amount;
            uint32 rateBps;
            uint16 instalments;
            uint32 periodS;
            uint64 firstDueMs;
            uint256 firstPayment;
            uint256 interest;
            uint256 canBorrowAfter;
        }

        /// What happened when a machine did not pay. `reason`: 1 unpaid, 2 dark, 3 barred, 4 leaving. `stage`: 1 the stream is redirected, 2 the title is at auction, 3 nobody bought it, 4 cured, 5 sold. What was owed when it began is `principal` and interest; principal was paid (`paid`), borne by the first-loss tranche and by lenders, or is owed still (`left`). The `from...` are amounts that came in from each, interest included. `recovered` is what an unsold title brought later.
        struct Case {
            uint64 caseId;
            uint64 machineId;
            uint32 assetId;
            uint8 reason;
            uint8 stage;
            uint64 openedMs;
            uint64 untilMs;
            uint64 closedMs;
            address holder;
            address buyer;
            uint256 owed;
            uint256 principal;
            uint256 paid;
            uint256 left;
            uint256 fromIncome;
            uint256 fromRepayment;
            uint256 fromTitle;
            uint256 fromBond;
            uint256 fromFirstLoss;
            uint256 fromLenders;
            uint256 recovered;
            uint256 toHolder;
        }

        /// A market was opened.
        event IncomeMarketOpened(uint32 indexed assetId, address lenderShare, address firstLossShare);
        /// Parameters count from `fromMs` on.
        event IncomeParamsSet(uint32 indexed assetId, IncomeParams params, uint64 fromMs);
        /// The set of stopped verbs.
        event IncomePausedSet(uint32 indexed assetId, uint8 verbs);
        /// A machine has a stream of its own.
        event BookOpened(uint64 indexed machineId, uint32 indexed assetId, uint64 streamId);
        /// The holder said what power costs.
        event PowerStated(uint64 indexed machineId, uint256 kwhPrice, uint32 watts);
        /// The holder said until when the machine will last.
        event LifeStated(uint64 indexed machineId, uint64 lifeEndMs);
        /// A customer paid. `counted` is what counts for borrowing, and `why` not: 0 counts, 1 related to the owner, 2 too new, 3 the machine is not live, 4 in another asset than its book.
        event IncomeEarned(uint64 indexed machineId, address indexed customer, uint256 amount, uint256 fee, uint256 counted, uint8 why);
        /// Income was shared out: to the debt, kept for the next instalment, to the holder. `reserved` is all that is kept now.
        event IncomeShared(uint64 indexed machineId, address indexed holder, uint256 toDebt, uint256 toHolder, uint256 reserved);
        /// Income could not be shared out now. It is in the machine's stream, counts nothing for borrowing, and the block shares it out when it can.
        event IncomeWaits(uint64 indexed machineId, uint256 amount, bytes reason);
        /// The block could not look at a machine, for this reason; nothing of that look stays. It tries again at `retryMs`.
        event MachineLookFailed(uint64 indexed machineId, bytes reason, uint64 retryMs);
        /// The block had no gas for so many more machines: they are looked at in the next one.
        event MachinesLeft(uint256 count);
        /// A machine borrowed.
        event MachineBorrowed(uint64 indexed machineId, address indexed holder, uint64 loanId, uint256 amount);
        /// A machine's debt was paid on; `principalLeft` is what remains.
        event MachineRepaid(uint64 indexed machineId, uint256 paid, uint256 interest, uint256 principalLeft);
        /// Something is wrong with a machine that owes: its stream is redirected whole, and after the grace its title is sold.
        event CaseOpened(uint64 indexed caseId, uint64 indexed machineId, uint8 reason, uint256 owed, uint64 untilMs);
        /// What was wrong is right again.
        event CaseCured(uint64 indexed caseId, uint64 indexed machineId);
        /// A title is at auction: its price falls from `start` to `floor` until `untilMs`.
        event TitleOffered(uint64 indexed caseId, uint64 indexed machineId, uint256 start, uint256 floor, uint64 untilMs);
        /// A step of the waterfall: tier 1 income, 2 repayment, 3 title, 4 bond, 5 first-loss tranche, 6 lenders. `left` is owed behind it.
        event CaseStep(uint64 indexed caseId, uint64 indexed machineId, uint8 tier, uint256 amount, uint256 left);
        /// A title was sold, with the machine's income.
        event TitleSold(uint64 indexed caseId, uint64 indexed machineId, address indexed buyer, uint256 price, uint256 toHolder);
        /// Nobody bought a title in time: it stays for sale at the floor.
        event TitleUnsold(uint64 indexed caseId, uint64 indexed machineId, uint256 floor);
        /// An unsold title brought something after all.
        event LossRecovered(uint64 indexed caseId, uint64 indexed machineId, uint256 toLenders, uint256 toFirstLoss);
        /// A tranche that had lost nearly all begins anew; older shares are void.
        event TrancheReopened(uint32 indexed assetId, uint8 tranche, uint32 generation, uint256 seed);

        /// There is no market of this asset. Look at `markets`.
        error IncomeUnknownMarket(uint32 assetId);
        /// The market is open already. Use `setParams`.
        error IncomeOpenedAlready(uint32 assetId);
        /// A parameter is out of its range.
        error IncomeParamOutOfRange(string what, uint256 value, uint256 min, uint256 max);
        /// The verb is stopped. Wait until the owner lets it go on; repaying is never stopped.
        error IncomePaused(uint32 assetId, uint8 verb);
        /// The machine has not earned anything yet. Call `open`, or wait for its first job.
        error IncomeNoBook(uint64 machineId);
        /// The machine's stream is in another asset.
        error IncomeOtherAsset(uint64 machineId, uint32 assetId);
        /// Only the holder of the machine's title may do this.
        error IncomeNotHolder(uint64 machineId, address holder, address caller);
        /// A machine lasts at most until the market's longest life, and what was said is only shortened.
        error IncomeBadLife(uint64 lifeEndMs, uint64 latestMs);
        /// An amount of zero does nothing.
        error IncomeZeroAmount();
        /// More than the machine can carry. Look at `offer`: `bound` says which limit binds.
        error IncomeTooMuch(uint64 machineId, uint256 amount, uint256 today, uint8 bound);
        /// Nothing is owed.
        error IncomeNoDebt(uint64 machineId);
        /// The title is not for sale.
        error IncomeNotForSale(uint64 machineId);
        /// The title costs more than that. Bid at least `price`, or wait: it falls.
        error IncomePriceAbove(uint64 machineId, uint256 price, uint256 priceMax);
        /// The token kept a part of what it moved, so this would not be paid for.
        error IncomeTakesFee(uint32 assetId, uint256 wanted, uint256 arrived);
        /// The tranche would hold more than its cap.
        error IncomeCap(uint32 assetId, uint256 assets, uint256 amount, uint256 cap);
        /// The amount is less than a share, or a share less than a unit.
        error IncomeTooSmall(uint32 assetId, uint256 amount);
        /// More than may leave now: what is lent is not here, and the first-loss tranche stays as large as its market needs it.
        error IncomeNotIdle(uint32 assetId, uint256 amount, uint256 free);
        /// Calldata of the block's own work that is not a list of machines.
        error IncomeMalformed();
        /// More machines than the block looks at in one transaction.
        error IncomeTooMany(uint256 count, uint256 max);
        /// The market has as many debtors as it may.
        error IncomeTooManyDebtors(uint32 assetId, uint256 max);

        /// Assets that have a market.
        function markets() external view returns (uint32[] memory);
        /// A market as it is now.
        function market(uint32 assetId) external view returns (Market memory);
        /// Parameters in force, those that follow, and when; zero if none do.
        function paramsOf(uint32 assetId) external view returns (IncomeParams memory current, IncomeParams memory next, uint64 nextFromMs);
        /// Machines that owe in a market, `count` of them from place `from` on.
        function debtors(uint32 assetId, uint64 from, uint64 count) external view returns (uint64[] memory machineIds);
        /// What a machine earned and owes.
        function book(uint64 machineId) external view returns (Book memory);
        /// The days of a machine's window, oldest first; those without income are left out.
        function daysOf(uint64 machineId) external view returns (Day[] memory);
        /// The largest customers of a machine in the present period of thirty days.
        function customersOf(uint64 machineId) external view returns (Customer[] memory customers, uint256 counted, uint256 excess);
        /// Whether income from this customer counts for borrowing, as far as the chain can tell now; `why` as in `IncomeEarned`. Its age is for whoever settles.
        function relationOf(uint64 machineId, address customer) external view returns (uint8 why);
        /// What a machine can borrow, today and later.
        function offer(uint64 machineId) external view returns (Offer memory);
        /// What lenders can take.
        function security(uint64 machineId) external view returns (Security memory);
        /// What `borrow` would answer, or the error with which it would refuse.
        function previewBorrow(uint64 machineId, uint256 amount) external view returns (Quote memory);
        /// How many cases there ever were; their numbers count from one.
        function caseCount() external view returns (uint64);
        /// What happened in a case, step by step.
        function caseOf(uint64 caseId) external view returns (Case memory);
        /// Cases from a number on, at most 100.
        function cases(uint64 from, uint64 count) external view returns (Case[] memory);
        /// What a title costs now that is for sale.
        function titlePrice(uint64 machineId) external view returns (uint256);

        /// Opens a machine's stream in the asset of a market, for its holder. Its first income does the same.
        function open(uint64 machineId, uint32 assetId) external returns (uint64 streamId);
        /// States what power costs the machine of the caller: a price per kWh in units of its asset, and watts. What counts is never less than the market's least, nor than the watts that the machine reports.
        function statePower(uint64 machineId, uint256 kwhPrice, uint32 watts) external;
        /// States until when the machine of the caller will last. It is only ever shortened.
        function stateLife(uint64 machineId, uint64 lifeEndMs) external;
        /// Borrows against the machine of the caller, to his wallet. The title is security until the debt is paid.
        function borrow(uint64 machineId, uint256 amount) external returns (Quote memory);
        /// Pays on a machine's debt with tokens of the caller, at most all of it. Answers what was paid. Never paused.
        function repay(uint64 machineId, uint256 amount) external returns (uint256 paid);
        /// Shares out what others paid into a machine's stream, and what was kept for an instalment that fell due. It is paid like any income, and counts nothing.
        function collect(uint64 machineId) external returns (uint256 toDebt, uint256 toHolder);
        /// Takes the next step with a machine that owes, if there is one. The block does so when `nextMs` of its book has come; anybody may before it. Answers the stage, zero if nothing is wrong.
        function advance(uint64 machineId) external returns (uint8 stage);
        /// Buys a title that is for sale, for at most `priceMax` of the caller's tokens, with the income that comes from now on.
        function bid(uint64 machineId, uint256 priceMax) external returns (uint256 price);

        /// Opens a market, for the owner of the scope.
        function openMarket(uint32 assetId, IncomeParams calldata params) external returns (address lenderShare, address firstLossShare);
        /// Sets parameters, for the owner of the scope.
        function setParams(uint32 assetId, IncomeParams calldata params) external;
        /// Stops verbs, for guards and the owner.
        function pause(uint32 assetId, uint8 verbs) external;
        /// Lets them go on, for the owner.
        function resume(uint32 assetId, uint8 verbs) external;
    }
}

crate::verbs! { IIncomeCalls;
    marketsCall: View, 60 => |cx, _| views::markets(cx);
    marketCall: View, 400 => |cx, c| views::market(cx, c.assetId);
    paramsOfCall: View, 200 => |cx, c| views::params_of(cx, c.assetId);
    debtorsCall: View, 100 => |cx, c| views::debtors(cx, c.assetId, c.from, c.count);
    bookCall: View, 400 => |cx, c| views::book(cx, c.machineId);
    daysOfCall: View, 400 => |cx, c| views::days_of(cx, c.machineId);
    customersOfCall: View, 200 => |cx, c| views::customers_of(cx, c.machineId);
    relationOfCall: View, 200 => |cx, c| views::relation_of(cx, c.machineId, c.customer);
    offerCall: View, 600 => |cx, c| views::offer(cx, c.machineId);
    securityCall: View, 400 => |cx, c| views::security(cx, c.machineId);
    previewBorrowCall: View, 800 => |cx, c| bank::preview_borrow(cx, c.machineId, c.amount);
    caseCountCall: View, 40 => |cx, _| views::case_count(cx);
    caseOfCall: View, 200 => |cx, c| views::case_of(cx, c.caseId);
    casesCall: View, 200 => |cx, c| views::cases(cx, c.from, c.count);
    titlePriceCall: View, 200 => |cx, c| recover::title_price(cx, c.machineId);
    openCall: Write, 300 => |cx, c| book::open(cx, c.machineId, c.assetId);
    statePowerCall: Write, 200 => |cx, c| book::state_power(cx, c.machineId, c.kwhPrice, c.watts);
    stateLifeCall: Write, 200 => |cx, c| book::state_life(cx, c.machineId, c.lifeEndMs);
    borrowCall: Write, 1_000 => |cx, c| bank::borrow(cx, c.machineId, c.amount);
    repayCall: Write, 600 => |cx, c| bank::repay(cx, c.machineId, c.amount);
    collectCall: Write, 400 => |cx, c| book::collect(cx, c.machineId);
    advanceCall: Write, 600 => |cx, c| recover::advance(cx, c.machineId);
    bidCall: Write, 800 => |cx, c| recover::bid(cx, c.machineId, c.priceMax);
    openMarketCall: Write, 600 => |cx, c| listing::open_market(cx, c.assetId, &c.params);
    setParamsCall: Write, 300 => |cx, c| listing::set_params(cx, c.assetId, &c.params);
    pauseCall: Write, 200 => |cx, c| listing::pause(cx, c.assetId, Pausing::Stop(c.verbs));
    resumeCall: Write, 200 => |cx, c| listing::pause(cx, c.assetId, Pausing::GoOn(c.verbs));
}
