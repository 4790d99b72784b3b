//! One balance sheet, one health factor, one check at the end of a batch; and a block that liquidates by itself.
//!
//! ```text
//!  owner, operator, signature ─► batch ─► verb ─ verb ─ verb ─► check every account that may have lost health
//!                                          │                    └─► guard: how far until the block looks again
//!           ledger (units) · lending (shares, debts) · exchange (liquidity) · oracle (prices)
//!
//!  guard crossed ─► look (before the users of a block) ─► net ─► offer ─► bid, stake ─► waterfall
//! ```
//!
//! `health = Σ floor(value · factor) / Σ ceil(debt value)`, at the worse of spot and smoothed prices and the
//! initial factors when a batch ends; at prices for liquidation and the maintenance factors when the block looks.
//!
//! - ACC-1: when a batch ends, every account whose health it may have lowered is healthy, or it reverted.
//! - ACC-2: the set of accounts to check only grows while a batch runs.
//! - ACC-3: only the owner, an operator in his time, or a signature of either acts on an account.
//! - ACC-4: while a batch runs, health is not shown, and callbacks neither withdraw nor appoint operators.
//! - ACC-5: a preview answers what the batch would do, and changes nothing.
//! - ACC-6: the rows of a sheet are what stands on the account, and bounded; what others pay in waits to be admitted.
//! - ACC-7: no verb of a token's ERC-20 face changes any account's health.
//! - ACC-8: a signed batch runs once, until its deadline, on this chain, contract and account, within its bounds.
//! - ACC-9: what a verb leaves as debt is nothing, or worth a liquidation.
//! - ACC-10: a batch lowers the health of no account but those that its runner may act on, and of bids.
//! - ACC-11: limits that an owner set himself tighten at once, loosen after a day, and hold at the end of batches.
//! - ACC-21: an account that lost more in a day than its owner allows takes no new risk until it cooled off; deposits and
//!   withdrawals are no loss, repaying and adding are never refused.
//! - ACC-22: liquidity counts as the least that its curve allows at the oracle's prices; no swap moves that, and taking it
//!   apart gives that at least, but for a unit of each coin.
//! - ACC-23: the pieces of a sheet are what stands in pools for the account, bounded; each coin of them has its row.
//! - ACC-24: the block takes liquidity apart before it sells anything, and never for an account that it leaves alone.
//! - ACC-25: a stake counts what it is made of would count; the block takes it apart with the other pieces, and what it
//!   earned stays the account's.
//! - ACC-30: LP tokens and positions of wallets come in as pieces and leave as what they were, share for share.
//! - LIQ-1: an account whose guard is not crossed, nor due within a minute, is healthy.
//! - LIQ-2: the index of guards is a function of the stored sheets.
//! - LIQ-3: a sale takes no more than the target health needs, and never costs more than the largest discount.
//! - LIQ-4: nothing leaves an account before it is paid for, and nothing is sold below the floor.
//! - LIQ-5: a debt is forgiven only when all that is left beside it is dust with a price; tiers bear it in order.
//! - LIQ-6: an account that cannot be looked at changes nothing and holds up nobody.
//! - LIQ-7: nobody is liquidated at a price that may not be used, nor for want of one.
//! - LIQ-8: every liquidation leaves its record: round, health before and after, each step, amounts and tiers.
//! - LIQ-9: what is overdue is paid, or collateral is sold for it, however healthy the account is; and no more.
//! - LIQ-10: what nobody bought in time a stake buys, at the floor, for what it has beyond the loss that it would bear.
//! - LIQ-11: two accounts that must sell the opposite pay each other's debts first, value for value at the oracle's prices.
//! - LIQ-12: pools take no unit below the floor of their sale, and push no pool further in a block than it may be pushed.
//! - LIQ-13: what pools leave of the largest discount is shared between reserve and account, as with any bidder.
//! - LIQ-14: what an account must sell goes to venues in one order, and what one of them fails at holds up no other.
//! - RED-1: a redemption lifts the health of its debtor, leaves him no dust, and takes no more than it pays off.
//! - RED-2: which debtors pay follows from prices and stored guards alone, the riskiest first; no user chooses.
//! - RED-3: liquidity pays what other goods lack, and is never taken apart in vain.
//!
//! Imports: admin, backstop, dollar, exchange, farms, ledger, lending, oracle, streams, term.
//!
//! Trusts: the oracle's prices, and the owner of this contract's scope for factors, which only move slowly.
//!
//! Not here: where units are (`ledger`), interest (`lending`), prices (`oracle`).

#[allow(
    clippy::too_many_arguments,
    reason = "what is signed is passed field by field, as wallets and tools expect"
)]
mod abi;
mod assess;
mod batch;
mod desk;
mod dollars;
mod error;
mod farming;
mod goods;
mod guard;
pub(crate) mod guarded;
mod income;
pub mod index;
mod invariants;
mod last_buyer;
mod limits;
mod liquidity;
mod loans;
mod look;
mod managed;
mod matching;
mod math;
mod moves;
mod offer;
mod operators;
mod order;
mod params;
mod pieces;
mod pools;
mod preview;
mod redemption;
mod settings;
mod sheet;
mod signed;
mod state;
mod tokens;
mod venue;
mod verbs;
mod waterfall;

pub use abi::IAccount;
pub use guarded::Guarded;
pub use look::encode_accounts;
pub(crate) use managed::{Hands, factors_between, manage, split};
pub use operators::may_act;
pub(crate) use order::{Traded, Wish, expect_may_act, guard_above, health_down, trade};
pub use params::{
    ACTIONS_MAX, COOLING_OFF_S_MAX, COUNTED_AND_DISCOUNT_MAX, DEFER_MS, DISCOUNT_MAX, Factors,
    LAST_BUYER_MS, LOOK_GAS, LOOKS_MAX, NOTICE_MS, OFFER_MS, RAMP_MS_MIN, REDEMPTIONS_MAX,
    TOUCHED_MAX, UNWANTED_MS,
};
pub use settings::list;
pub use sheet::{
    ASSETS_MAX, Guards, PIECES_MAX, Piece, ROWS_MAX, Row, Sheet, Trigger, accounts, guards_of,
    sheet_slot,
};
pub use signed::{BATCH_TYPE, DOMAIN_NAME, DOMAIN_VERSION};
pub use verbs::{
    Admission, AssetAmount, Bid, Dollars, FarmAmount, FarmRewards, ForeignCall, GrowRange, Loan,
    OpenRange, OtherAccount, PieceIn, PieceOut, PieceTo, Provision, Removal, Rule, ShrinkRange,
    Stream, Swap, Verb, Withdrawal, decode_action,
};

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::AccountId;

use crate::{
    Contract, Entry, Interface, Kind, Place, SystemKind, admin, dollar, exchange, farms, ledger,
    lending, native, streams, term,
};

/// Where it answers.
pub const ADDRESS: Address = native(Kind::new(11), 0);
/// Who calls foreign code for a batch: an address that holds nothing and that nobody approved.
pub const CALLER: Address = native(Kind::new(11), 1);

/// Whether the block would sell an account's collateral now; `false` while that cannot be told.
///
/// # Errors
/// Storage failed.
pub fn is_unhealthy(cx: &mut Ctx<'_>, account: AccountId) -> Result<bool, Halt> {
    match assess::assess(&mut cx.enter(ADDRESS), account, assess::Question::Block) {
        Ok(sum) => Ok(!sum.is_healthy()),
        Err(Halt::Revert(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// The registry's line.
pub static CONTRACT: Contract = Contract {
    name: "account",
    doc: "Balance sheets, batches, health and liquidation.",
    place: Place::At(ADDRESS),
    entry: Entry::Verbs(abi::VERBS),
    interfaces: &[Interface {
        name: "account",
        abi: IAccount::abi::contract,
        source: include_str!("abi.rs"),
    }],
    errors_of: &[
        &admin::CONTRACT,
        &dollar::CONTRACT,
        &exchange::CONTRACT,
        &farms::CONTRACT,
        &ledger::CONTRACT,
        &lending::CONTRACT,
        &streams::CONTRACT,
        &term::CONTRACT,
    ],
    system: &[
        (SystemKind::Liquidate, look::looks),
        (SystemKind::Redeem, redemption::redemptions),
    ],
    layout: state::AccountState::LAYOUT,
    genesis: |cx, config| {
        admin::open_scope_at_genesis(cx, ADDRESS, config.owner)?;
        settings::found(cx)
    },
    invariants: invariants::check,
};

#[cfg(test)]
mod tests;
