//! What machines earn and owe, as `capstan_income` answers it, and what holders, lenders and bidders say to the contract.

use alloy_primitives::{Address, U64, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::{
    erc4626::IErc4626,
    income::{
        ADDRESS,
        IIncome::{bidCall, borrowCall, previewBorrowCall, repayCall},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Call, ClientError, Fixed, MachineAsset, Node};

/// A market of machine loans.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeMarket {
    pub asset: MachineAsset,
    pub lender_share: Address,
    pub first_loss_share: Address,
    pub lenders: Fixed,
    pub first_loss: Fixed,
    pub idle: Fixed,
    pub lent: Fixed,
    pub uncovered: Fixed,
    pub coverage: Option<Fixed>,
    pub at_risk: Fixed,
    pub debtors: u32,
    pub largest: Fixed,
    pub largest_machine: Option<U64>,
    pub concentration: Option<Fixed>,
    pub defaults: u32,
    pub lost_first_loss: Fixed,
    pub lost_lenders: Fixed,
    pub recovered: Fixed,
    pub interest_paid: Fixed,
    pub rate_per_year: Fixed,
    pub instalments: u16,
    pub period_ms: U64,
    pub verified_days: u16,
    pub paused: Vec<String>,
}

/// What a machine earned, owes and can borrow.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeMachine {
    pub machine_id: U64,
    pub holder: Address,
    pub asset: MachineAsset,
    pub earned: Fixed,
    pub to_debt: Fixed,
    pub reserved: Fixed,
    pub to_holder: Fixed,
    pub principal: Fixed,
    pub due: Fixed,
    pub owed: Fixed,
    pub next_ms: Option<U64>,
    pub escrow: Fixed,
    pub kwh_price: Fixed,
    pub watts: u32,
    pub offer: IncomeOffer,
    pub security: IncomeSecurity,
    pub days: Vec<IncomeDay>,
    pub loans: Vec<IncomeLoan>,
    pub case: Option<IncomeCase>,
    pub title_price: Option<Fixed>,
}

/// What can be borrowed, and what binds it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeOffer {
    pub today: Fixed,
    pub later: Fixed,
    pub verified_days: u16,
    pub needed_days: u16,
    pub net_per_day: Fixed,
    pub by_income: Fixed,
    pub by_escrow: Fixed,
    pub by_bond_and_fees: Fixed,
    pub by_market: Fixed,
    pub bound: String,
}

/// What lenders can take, in this order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeSecurity {
    pub reserved: Fixed,
    pub bond: Fixed,
    pub first_loss: Fixed,
    pub lenders: Fixed,
}

/// A day.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeDay {
    pub start_ms: U64,
    pub gross: Fixed,
    pub counted: Fixed,
    pub power: Fixed,
    pub net: Fixed,
}

/// A loan.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeLoan {
    pub loan_id: U64,
    pub rate_per_year: Fixed,
    pub owed: Fixed,
    pub due: Fixed,
    pub next_due_ms: Option<U64>,
    pub next_payment: Option<Fixed>,
}

/// What happened when a machine did not pay.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeCase {
    pub case_id: U64,
    pub machine_id: U64,
    pub asset: MachineAsset,
    pub reason: String,
    pub stage: String,
    pub opened_ms: U64,
    pub until_ms: Option<U64>,
    pub closed_ms: Option<U64>,
    pub owed: Fixed,
    pub principal: Fixed,
    pub paid: Fixed,
    pub left: Fixed,
    pub steps: Vec<IncomeStep>,
    pub recovered: Fixed,
}

/// Who bore what.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeStep {
    pub tier: String,
    pub amount: Fixed,
}

/// Markets and cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct IncomeMarkets {
    pub time_ms: U64,
    pub markets: Vec<IncomeMarket>,
    pub cases: Vec<IncomeCase>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    time_ms: U64,
    machine: Option<Value>,
}

const METHOD: &str = "capstan_income";

/// All markets, and the newest cases: as the node wrote them, and read.
///
/// # Errors
/// The node does not answer.
pub async fn income_markets(node: &Node) -> Result<(Value, IncomeMarkets), ClientError> {
    let whole: Value = node.read(METHOD, json!([])).await?;
    Ok((whole.clone(), node.as_shape(METHOD, whole)?))
}

/// A machine's book, as the node wrote it, and read, and the time of its block; none where it has earned nothing yet.
///
/// # Errors
/// The node does not answer, or there is no such machine.
pub async fn income_of(
    node: &Node,
    machine: u64,
) -> Result<(Option<(Value, IncomeMachine)>, u64), ClientError> {
    let filter = json!([{"machine": U64::from(machine)}]);
    let one: One = node.read(METHOD, filter).await?;
    let read = match one.machine {
        None => None,
        Some(whole) => Some((whole.clone(), node.as_shape(METHOD, whole)?)),
    };
    Ok((read, one.time_ms.to()))
}

fn call(to: Address, verb: &impl SolCall) -> Call {
    Call {
        to,
        input: verb.abi_encode().into(),
        value_wei: U256::ZERO,
    }
}

/// Borrows against a machine, to the wallet of its holder.
pub fn borrow_on_income(machine: u64, amount: U256) -> Call {
    let verb = borrowCall {
        machineId: machine,
        amount,
    };
    call(ADDRESS, &verb)
}

/// What borrowing would answer.
///
/// # Errors
/// The node does not answer, or the contract refuses, in words.
pub async fn preview_borrow(
    node: &Node,
    machine: u64,
    amount: U256,
) -> Result<<previewBorrowCall as SolCall>::Return, ClientError> {
    let ask = previewBorrowCall {
        machineId: machine,
        amount,
    };
    node.view(ADDRESS, &ask).await
}

/// Pays on a machine's debt.
pub fn repay_income(machine: u64, amount: U256) -> Call {
    let verb = repayCall {
        machineId: machine,
        amount,
    };
    call(ADDRESS, &verb)
}

/// Buys a title that is for sale.
pub fn bid_for_title(machine: u64, most: U256) -> Call {
    let verb = bidCall {
        machineId: machine,
        priceMax: most,
    };
    call(ADDRESS, &verb)
}

/// Supplies a tranche of a market.
pub fn supply_income(share: Address, assets: U256, receiver: Address) -> Call {
    call(share, &IErc4626::depositCall { assets, receiver })
}

/// Takes units out of a tranche.
pub fn withdraw_income(share: Address, assets: U256, owner: Address) -> Call {
    let verb = IErc4626::withdrawCall {
        assets,
        receiver: owner,
        owner,
    };
    call(share, &verb)
}
