//! Accounts, as `capstan_account` and `capstan_preview` answer them, and batches for them.

use alloy_primitives::{Address, Bytes, U64, U256};
use alloy_sol_types::{SolCall, SolValue};
use capstan_contracts::account::{
    ADDRESS, Admission, AssetAmount, Dollars,
    IAccount::{AccountRef, Action, executeCall},
    Loan, PieceIn, PieceOut, Stream, Swap, Verb, Withdrawal,
};
use capstan_units::{decimal, mul_div_down};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Call, ClientError, ErrorInWords, Fixed, Node, Way};

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountName {
    /// Whose it is.
    pub owner: Address,
    /// Which of the owner's.
    pub index: u8,
}

impl AccountName {
    fn to_json(self) -> Value {
        json!({"owner": self.owner, "index": self.index})
    }
}

/// A balance sheet, or why it cannot be valued.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Standing {
    pub report: Option<Report>,
    pub error: Option<ErrorInWords>,
    pub holdings: Vec<Holding>,
    pub pieces: Option<Vec<Piece>>,
}

/// Liquidity in a pool, or a stake in a farm.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Piece {
    pub kind: String,
    pub id: U64,
    pub pool_id: Option<u32>,
    pub amount: U256,
    pub coins: Vec<PieceCoin>,
    pub value: Fixed,
    pub fair_value: Fixed,
    pub if_held: Fixed,
}

/// One coin of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct PieceCoin {
    pub asset_id: u32,
    pub symbol: String,
    pub amount: Fixed,
    pub put_in: Fixed,
}

/// A balance sheet in one line.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Report {
    pub collateral: Fixed,
    pub borrowable: Fixed,
    pub debt: Fixed,
    pub health_initial: Option<Fixed>,
    pub health_maintenance: Option<Fixed>,
    pub room_to_fall_bps: u16,
    pub cost_per_day: Fixed,
}

/// One asset of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Holding {
    pub asset_id: u32,
    pub symbol: String,
    pub decimals: u8,
    pub units: Fixed,
    pub supplied: Fixed,
    pub owed: Fixed,
    pub held_value: Option<Fixed>,
    pub owed_value: Option<Fixed>,
    pub liquidation_price: Option<Fixed>,
    pub earns_per_day: Fixed,
    pub costs_per_day: Fixed,
}

impl Holding {
    /// The price of an owed asset at which health is one, everything else as it is, with the 18 digits of prices. None where
    /// it is held too, or nothing can be said.
    pub fn liquidated_above(&self, report: &Report) -> Option<Fixed> {
        let is_held = !self.units.amount.is_zero() || !self.supplied.amount.is_zero();
        if is_held || self.owed.amount.is_zero() {
            return None;
        }
        let health = report.health_maintenance.as_ref()?;
        let unit = |decimals: u8| U256::from(10).checked_pow(U256::from(decimals));
        // What the collateral carries, less what is owed of other assets, is what this debt may grow to.
        let carried =
            mul_div_down(report.debt.amount, health.amount, unit(health.decimals)?).ok()?;
        let others = report
            .debt
            .amount
            .saturating_sub(self.owed_value.as_ref()?.amount);
        let left = carried.checked_sub(others)?;
        let price = mul_div_down(left, unit(self.owed.decimals)?, self.owed.amount).ok()?;
        Some(Fixed {
            amount: price,
            decimals: report.debt.decimals,
            text: decimal(price, report.debt.decimals),
        })
    }
}

/// Collateral that is on offer to whoever pays the debt.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Offer {
    pub since_ms: U64,
    pub full_ms: U64,
}

/// An account now.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct AccountState {
    pub block_number: U64,
    pub time_ms: U64,
    pub offer: Option<Offer>,
    #[serde(flatten)]
    pub standing: Standing,
}

impl Standing {
    /// What stands there of an asset.
    pub fn holding(&self, asset_id: u32) -> Option<&Holding> {
        let mut holdings = self.holdings.iter();
        holdings.find(|holding| holding.asset_id == asset_id)
    }
}

/// What a batch would do.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are those of specs/rpc.md")]
pub struct Preview {
    pub before: Standing,
    pub after: Option<Standing>,
    pub error: Option<ErrorInWords>,
    pub revert: Option<Bytes>,
}

/// An account now: as the node wrote it, and read.
///
/// # Errors
/// The node does not answer.
pub async fn account(node: &Node, name: AccountName) -> Result<(Value, AccountState), ClientError> {
    let method = "capstan_account";
    let whole = node.call_in_words(method, json!([name.to_json()])).await?;
    Ok((whole.clone(), node.as_shape(method, whole)?))
}

/// What a batch would do: as the node wrote it, and read.
///
/// # Errors
/// The node does not answer.
pub async fn preview(
    node: &Node,
    name: AccountName,
    batch: &Batch,
) -> Result<(Value, Preview), ClientError> {
    let actions = batch.0.iter();
    let actions: Vec<_> = actions
        .map(|action| json!({"verb": action.verb, "args": action.args}))
        .collect();
    let method = "capstan_preview";
    let params = json!([name.to_json(), actions]);
    let whole = node.call_in_words(method, params).await?;
    Ok((whole.clone(), node.as_shape(method, whole)?))
}

/// Actions that are run together and checked once, at their end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(Vec<Action>);

impl Batch {
    /// One more action of an asset; the largest number is all there is.
    pub fn act(&mut self, verb: Verb, asset_id: u32, amount: U256) -> &mut Self {
        let args = AssetAmount {
            assetId: asset_id,
            amount,
        };
        self.push(verb, args.abi_encode())
    }

    /// Units leave for a wallet.
    pub fn withdraw(&mut self, asset_id: u32, amount: U256, to: Address) -> &mut Self {
        let args = Withdrawal {
            assetId: asset_id,
            amount,
            to,
        };
        self.push(Verb::Withdraw, args.abi_encode())
    }

    /// New dollars, as debt.
    pub fn mint(&mut self, amount: U256) -> &mut Self {
        self.push(Verb::Mint, Dollars { amount }.abi_encode())
    }

    /// Units pay what is owed in minted dollars.
    pub fn burn(&mut self, amount: U256) -> &mut Self {
        self.push(Verb::Burn, Dollars { amount }.abi_encode())
    }

    /// An offer of fixed terms, or a part of it, as debt.
    pub fn take_loan(&mut self, offer: u64, amount: U256) -> &mut Self {
        self.push(Verb::TakeLoan, Loan { id: offer, amount }.abi_encode())
    }

    /// Units pay a fixed-term loan.
    pub fn repay_loan(&mut self, id: u64, amount: U256) -> &mut Self {
        self.push(Verb::RepayLoan, Loan { id, amount }.abi_encode())
    }

    /// A stream pays this account's debt from now on.
    pub fn assign(&mut self, id: u64) -> &mut Self {
        self.push(Verb::Assign, Stream { id }.abi_encode())
    }

    /// What a stream owes this account pays its debt, then is units.
    pub fn collect(&mut self, id: u64) -> &mut Self {
        self.push(Verb::Collect, Stream { id }.abi_encode())
    }

    /// Units that others paid in count from now on.
    pub fn admit(&mut self, asset_id: u32) -> &mut Self {
        self.push(Verb::Admit, Admission { assetId: asset_id }.abi_encode())
    }

    /// Units of one asset become those of another, as a quote found it.
    pub fn swap(&mut self, way: &Way) -> &mut Self {
        let args: Swap = (way.legs.clone(), way.bounds.clone(), way.deadline_ms);
        self.push(Verb::Swap, args.abi_encode())
    }

    /// LP tokens of a pool, or a position, come from the wallet as they are.
    pub fn deposit_piece(&mut self, is_range: bool, id: u64, amount: U256) -> &mut Self {
        let args = PieceIn {
            kind: u8::from(is_range),
            id,
            amount,
        };
        self.push(Verb::DepositPiece, args.abi_encode())
    }

    /// Shares of a pool, or a position, leave for a wallet as they are.
    pub fn withdraw_piece(
        &mut self,
        is_range: bool,
        id: u64,
        amount: U256,
        to: Address,
    ) -> &mut Self {
        let args = PieceOut {
            kind: u8::from(is_range),
            id,
            amount,
            to,
        };
        self.push(Verb::WithdrawPiece, args.abi_encode())
    }

    /// Debts are paid from units and supplies of the same assets.
    pub fn close_all(&mut self) -> &mut Self {
        self.push(Verb::CloseAll, Vec::new())
    }

    pub(crate) fn push(&mut self, verb: Verb, args: Vec<u8>) -> &mut Self {
        self.0.push(Action {
            verb: verb.number(),
            args: args.into(),
        });
        self
    }

    /// What it does, step by step.
    pub fn actions(&self) -> &[Action] {
        &self.0
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The call that runs it.
    pub fn call(&self, name: AccountName) -> Call {
        let execute = executeCall {
            account: AccountRef {
                owner: name.owner,
                index: name.index,
            },
            actions: self.0.clone(),
        };
        Call {
            to: ADDRESS,
            input: execute.abi_encode().into(),
            value_wei: U256::ZERO,
        }
    }
}
