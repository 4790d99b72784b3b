//! What programs need to talk to a node from outside: questions, amounts in units, keys, signed transactions.
//!
//! ```text
//!   "75.5 usdc" ─► Asked ─► Assets: which asset, how many decimals ─► an integer of smallest units
//!   wallet file + password ─► keystore ─► signer ─► send: nonce, fees, gas ─► receipt, or why not
//! ```
//!
//! It knows contracts by their ABI alone, and no node trusts it.

mod account;
mod admin;
mod amount;
mod assets;
mod blocks;
mod channel;
mod error;
mod events;
mod exchange;
mod farm;
mod history;
mod income;
mod jobs;
pub mod keystore;
mod lever;
mod listing;
mod machine;
mod market;
mod node;
mod plan;
mod product;
mod send;
mod stream;
mod term;
mod trigger;

pub use account::{
    AccountName, AccountState, Batch, Holding, Offer, Piece, PieceCoin, Preview, Report, Standing,
    account, preview,
};
pub use admin::{
    Administration, Delay, Grant, Scope, administration, role_name, role_number, scope_address,
    scope_name,
};
pub use amount::{Amount, AmountError, Asked};
pub use assets::{Asset, AssetName, Assets};
pub use blocks::{BlockPage, BlockSource, GenesisPage, PageHead, PullError};
pub use channel::{
    job_channel, job_claim, job_hold, job_offer, job_offered, job_release, job_show,
};
pub use error::{ClientError, ErrorInWords};
pub use events::{events_in, events_of};
pub use exchange::{
    Pool, PoolAsset, PoolPrice, PoolRange, Quote, SwapAsked, Swapped, Way, pools, quote, swapped,
};
pub use farm::{Farm, FarmAsset, FarmBoost, FarmOwn, FarmReward, Outputs, farms, outputs};
pub use history::{Happening, HappeningArg, history};
pub use income::{
    IncomeCase, IncomeDay, IncomeLoan, IncomeMachine, IncomeMarket, IncomeMarkets, IncomeOffer,
    IncomeSecurity, IncomeStep, bid_for_title, borrow_on_income, income_markets, income_of,
    preview_borrow, repay_income, supply_income, withdraw_income,
};
pub use jobs::{
    JobClaim, JobClass, JobCustomer, JobKey, JobOffer, JobRecord, Jobs, JobsOf, deposit_for_jobs,
    jobs, revoke_job_key, set_job_key, withdraw_audit_pay, withdraw_from_jobs,
};
pub use lever::{lever, owed_with_growth, refinance_collateral, refinance_debt, unlever};
pub use listing::{AssetFile, DOLLAR_EXAMPLE, DollarFile, EXAMPLE, ListingError};
pub use machine::{
    Machine, MachineAsset, MachineChallenge, MachineReadings, Registering, machine_add_bond,
    machine_answer, machine_beat, machine_draw, machine_leave, machine_report, machine_withdraw,
    machines, registered_machine,
};
pub use market::{Fixed, Market, MarketParams, NextParams, Paused, PriceState, markets};
pub use node::Node;
pub use plan::{PlanError, There, Wish, plan};
pub use product::{
    Product, ProductAsset, close_product, create_product, deposit_product, products,
    redeem_product, redeem_product_in_kind, top_up_product,
};
pub use send::{Call, Sender, Sent, send, send_all, try_in_turn};
pub use stream::{
    Flow, Stream, cancel_stream, collect_stream, hand_over_stream, open_settled_stream,
    open_stream, opened_stream, pay_into_stream, stop_stream, stream, streams_of,
};
pub use term::{
    cancel_loan_offer, claims_of, hand_over_claim, loan, loan_offer, loan_offers, loan_payments,
    loan_plan, loans_of, made_loan_offer, offer_loan,
};
pub use trigger::{TriggerOrder, cancel_trigger, create_trigger, created_trigger, triggers};

#[cfg(test)]
mod tests;
