//! `capstan_preview`: what a batch would make of an account, or why it would fail.
//!
//! The batch itself is run, by the owner, on the state of a block, and thrown away: what is answered is what `execute`
//! would do there, foreign tokens included.

use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes, U64, U256};
use alloy_sol_types::SolValue;
use capstan_contracts::{
    account::{
        self, Admission, AssetAmount, Dollars,
        IAccount::{self, AccountRef, Action},
        Loan, OtherAccount, Stream, Verb, Withdrawal,
    },
    ledger::{self, ILedger},
};
use serde::{Deserialize, Serialize};

use super::account::{AccountAsked, Standing, standing};
use crate::{
    RpcContext,
    error::{RpcError, RpcResult, shorten},
    fixed::Fixed,
    methods::Methods,
    views::Views,
    words::ErrorInWords,
};

pub(super) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_preview",
        ["account", "actions", "block?"],
        "What a batch would do: the account before and after, what each action answers, or the error in words.",
        preview,
    );
}

/// A verb by its permanent number or its name, with arguments encoded as the contract has them, or named.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ActionAsked {
    verb: VerbAsked,
    args: Option<Bytes>,
    asset_id: Option<u32>,
    amount: Option<AmountAsked>,
    to: Option<Address>,
    id: Option<u64>,
    owner: Option<Address>,
    index: Option<u8>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum VerbAsked {
    Number(u16),
    Name(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AmountAsked {
    Number(U256),
    Word(Max),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Max {
    Max,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    block_number: U64,
    time_ms: U64,
    owner: Address,
    index: u8,
    before: Standing,
    /// Null if the batch would fail.
    after: Option<Standing>,
    results: Vec<Done>,
    /// Why the batch would fail, in words and as it is.
    error: Option<ErrorInWords>,
    revert: Option<Bytes>,
}

/// What an action answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    verb: u16,
    name: Option<&'static str>,
    /// What moved, where the verb says that of one asset.
    amount: Option<Fixed>,
    output: Bytes,
}

fn preview(
    cx: &RpcContext,
    (asked, actions, id): (AccountAsked, Vec<ActionAsked>, Option<BlockId>),
) -> RpcResult<Preview> {
    let of = AccountRef::from(asked);
    let encoded = actions.iter().enumerate();
    let encoded: Vec<Action> = encoded
        .map(|(at, action)| action.encode(at, of.owner))
        .collect::<RpcResult<_>>()?;
    let mut views = Views::at(cx, id)?;
    let before = standing(&mut views, &of)?;
    let execute = IAccount::executeCall {
        account: of.clone(),
        actions: encoded.clone(),
    };
    let ran = views.pretend(of.owner, account::ADDRESS, &execute)?;
    let mut answer = Preview {
        block_number: U64::from(views.number),
        time_ms: U64::from(views.time_ms),
        owner: of.owner,
        index: of.index,
        before,
        after: None,
        results: Vec::new(),
        error: None,
        revert: None,
    };
    match ran {
        Err(output) => {
            answer.error = ErrorInWords::read(&mut views, &output)?;
            answer.revert = Some(output);
        }
        Ok(results) => {
            answer.after = Some(standing(&mut views, &of)?);
            for ((asked, action), output) in actions.iter().zip(&encoded).zip(results) {
                answer.results.push(Done {
                    verb: action.verb,
                    name: verb_of(action.verb).map(Verb::name),
                    amount: asked.moved(&mut views, &output)?,
                    output,
                });
            }
        }
    }
    Ok(answer)
}

fn verb_of(number: u16) -> Option<Verb> {
    Verb::ALL
        .iter()
        .copied()
        .find(|verb| verb.number() == number)
}

impl ActionAsked {
    fn number(&self) -> Option<u16> {
        match &self.verb {
            VerbAsked::Number(number) => Some(*number),
            VerbAsked::Name(name) => {
                let known = Verb::ALL.iter().find(|verb| verb.name() == name);
                known.map(|verb| verb.number())
            }
        }
    }

    fn encode(&self, at: usize, owner: Address) -> RpcResult<Action> {
        let wrong = |why: String| RpcError::invalid_params(format!("action {at}: {why}"));
        let number = self.number().ok_or_else(|| match &self.verb {
            VerbAsked::Name(name) => wrong(format!("no verb is called {}", shorten(name))),
            VerbAsked::Number(number) => wrong(format!("no verb {number}")),
        })?;
        if let Some(args) = &self.args {
            return Ok(Action {
                verb: number,
                args: args.clone(),
            });
        }
        let missing = |what: &str| wrong(format!("{what} is missing"));
        let asset_id = || self.asset_id.ok_or_else(|| missing("assetId"));
        let amount = || match &self.amount {
            Some(AmountAsked::Number(amount)) => Ok(*amount),
            Some(AmountAsked::Word(Max::Max)) => Ok(U256::MAX),
            None => Err(missing("amount")),
        };
        let id = || self.id.ok_or_else(|| missing("id"));
        let other = |asset_id, amount| {
            Ok::<_, RpcError>(OtherAccount {
                assetId: asset_id,
                amount,
                owner: self.owner.ok_or_else(|| missing("owner"))?,
                index: self.index.unwrap_or(0),
            })
        };
        let verb = verb_of(number);
        let args = match verb {
            Some(Verb::Deposit | Verb::Supply | Verb::Redeem | Verb::Borrow | Verb::Repay) => {
                AssetAmount {
                    assetId: asset_id()?,
                    amount: amount()?,
                }
                .abi_encode()
            }
            Some(Verb::Withdraw) => Withdrawal {
                assetId: asset_id()?,
                amount: amount()?,
                to: self.to.unwrap_or(owner),
            }
            .abi_encode(),
            Some(Verb::Transfer | Verb::TakeDebt) => other(asset_id()?, amount()?)?.abi_encode(),
            Some(Verb::Mint | Verb::Burn) => Dollars { amount: amount()? }.abi_encode(),
            Some(Verb::TakeLoan | Verb::RepayLoan) => Loan {
                id: id()?,
                amount: amount()?,
            }
            .abi_encode(),
            Some(Verb::Assign | Verb::Collect) => Stream { id: id()? }.abi_encode(),
            Some(Verb::Admit) => Admission {
                assetId: asset_id()?,
            }
            .abi_encode(),
            Some(Verb::TakeOver) => other(0, U256::ZERO)?.abi_encode(),
            Some(Verb::CloseAll) => Vec::new(),
            _ => return Err(missing("args")),
        };
        Ok(Action {
            verb: number,
            args: args.into(),
        })
    }

    /// The amount in an answer, if the action names the asset that it is of.
    fn moved(&self, views: &mut Views<'_>, output: &Bytes) -> RpcResult<Option<Fixed>> {
        let (Some(asset_id), Ok(amount)) = (self.asset_id, U256::abi_decode_validate(output))
        else {
            return Ok(None);
        };
        let asset = views.ask(ledger::ADDRESS, &ILedger::assetCall { assetId: asset_id })?;
        Ok(Some(Fixed::new(amount, asset.decimals)))
    }
}
