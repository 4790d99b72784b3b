//! The actions of a batch: as the model takes them, and as the chain does.

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolValue};
use capstan_units::AccountId;

use super::{super::*, FOREIGN, offer::Offered};
use crate::account::{Admission, Dollars, Loan, PieceTo, Provision, Removal, Stream};

#[derive(Clone, Debug)]
pub(super) enum Act {
    Deposit(u32, U256),
    Withdraw(u32, U256, Address),
    Supply(u32, U256),
    Redeem(u32, U256),
    Borrow(u32, U256),
    Repay(u32, U256),
    Transfer(u32, U256, AccountId),
    TakeDebt(u32, U256, AccountId),
    CloseAll,
    /// A batch inside the batch, which [`FOREIGN`] runs on an account.
    Call(AccountId, Vec<Self>),
    Mint(U256),
    Burn(U256),
    TakeLoan(u64, U256),
    RepayLoan(u64, U256),
    Assign(u64),
    TakeOver(AccountId),
    Bid(Offered),
    Collect(u64),
    Admit(u32),
    /// Shares of a pool for at most so much of its two coins.
    Provide(u32, [U256; 2]),
    Remove(u32, U256),
    /// Shares of a pool to another account.
    GivePiece(u32, U256, AccountId),
    /// A verb that is none.
    Unknown(u16),
    /// A verb with a byte too much.
    Garbled(Verb),
}

impl Act {
    fn verb(&self) -> Option<Verb> {
        Some(match self {
            Self::Deposit(..) => Verb::Deposit,
            Self::Withdraw(..) => Verb::Withdraw,
            Self::Supply(..) => Verb::Supply,
            Self::Redeem(..) => Verb::Redeem,
            Self::Borrow(..) => Verb::Borrow,
            Self::Repay(..) => Verb::Repay,
            Self::Transfer(..) => Verb::Transfer,
            Self::TakeDebt(..) => Verb::TakeDebt,
            Self::CloseAll => Verb::CloseAll,
            Self::Call(..) => Verb::Call,
            Self::Mint(_) => Verb::Mint,
            Self::Burn(_) => Verb::Burn,
            Self::TakeLoan(..) => Verb::TakeLoan,
            Self::RepayLoan(..) => Verb::RepayLoan,
            Self::Assign(_) => Verb::Assign,
            Self::TakeOver(_) => Verb::TakeOver,
            Self::Bid(_) => Verb::Bid,
            Self::Collect(_) => Verb::Collect,
            Self::Admit(_) => Verb::Admit,
            Self::Provide(..) => Verb::Provide,
            Self::Remove(..) => Verb::Remove,
            Self::GivePiece(..) => Verb::MovePiece,
            Self::Unknown(_) => return None,
            Self::Garbled(verb) => *verb,
        })
    }

    /// Whether it, or what foreign code does in it, adds to a pool.
    pub(super) fn provides(&self) -> bool {
        match self {
            Self::Provide(..) => true,
            Self::Call(_, acts) => acts.iter().any(Self::provides),
            _ => false,
        }
    }

    pub(super) fn number(&self) -> u16 {
        match self {
            Self::Unknown(verb) => *verb,
            _ => self.verb().expect("known").number(),
        }
    }

    /// In one word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Garbled(_) => "garbled",
            _ => self.verb().map_or("unknown", Verb::name),
        }
    }

    /// Whether health may fall by it: what this says is the table of the specification, not the room's.
    pub(super) fn lowers(&self) -> bool {
        !matches!(
            self,
            Self::Deposit(..)
                | Self::Repay(..)
                | Self::CloseAll
                | Self::Call(..)
                | Self::Burn(_)
                | Self::RepayLoan(..)
                | Self::Assign(_)
                | Self::Collect(_)
                | Self::Admit(_)
                | Self::Garbled(Verb::Deposit)
        )
    }

    /// Whether foreign code may do it while a batch runs.
    pub(super) fn may_nest(&self) -> bool {
        matches!(
            self,
            Self::Deposit(..)
                | Self::Supply(..)
                | Self::Redeem(..)
                | Self::Borrow(..)
                | Self::Repay(..)
                | Self::Mint(_)
                | Self::Burn(_)
                | Self::TakeLoan(..)
                | Self::RepayLoan(..)
                | Self::Collect(_)
                | Self::Admit(_)
                | Self::Garbled(Verb::Supply)
        )
    }

    /// As the chain takes it.
    pub(super) fn action(&self) -> Action {
        let Some(verb) = self.verb() else {
            return Action {
                verb: self.number(),
                args: Default::default(),
            };
        };
        match *self {
            Self::Deposit(asset, units)
            | Self::Supply(asset, units)
            | Self::Redeem(asset, units)
            | Self::Borrow(asset, units)
            | Self::Repay(asset, units) => amount(verb, asset, units),
            Self::Withdraw(asset, units, to) => withdraw(asset, units, to),
            Self::Transfer(asset, units, of) | Self::TakeDebt(asset, units, of) => {
                other(verb, asset, units, of)
            }
            Self::TakeOver(from) => other(verb, 0, U256::ZERO, from),
            Self::CloseAll | Self::Unknown(_) => action(verb, Vec::new()),
            Self::Call(on, ref acts) => {
                let execute = executeCall {
                    account: reference(on),
                    actions: acts.iter().map(Self::action).collect(),
                };
                let call = ForeignCall {
                    target: FOREIGN,
                    input: execute.abi_encode().into(),
                };
                action(verb, call.abi_encode())
            }
            Self::Mint(amount) | Self::Burn(amount) => {
                action(verb, Dollars { amount }.abi_encode())
            }
            Self::TakeLoan(id, amount) | Self::RepayLoan(id, amount) => {
                action(verb, Loan { id, amount }.abi_encode())
            }
            Self::Assign(id) | Self::Collect(id) => action(verb, Stream { id }.abi_encode()),
            Self::Admit(asset) => action(verb, Admission { assetId: asset }.abi_encode()),
            Self::Provide(pool, most) => {
                let args = Provision {
                    poolId: pool,
                    amountsMax: most.to_vec(),
                    sharesMin: U256::ZERO,
                };
                action(verb, args.abi_encode())
            }
            Self::Remove(pool, shares) => {
                let args = Removal {
                    poolId: pool,
                    shares,
                    amountsMin: vec![U256::ZERO; 2],
                };
                action(verb, args.abi_encode())
            }
            Self::GivePiece(pool, amount, to) => {
                let args = PieceTo {
                    kind: 0,
                    id: pool.into(),
                    amount,
                    owner: to.owner,
                    index: to.index,
                };
                action(verb, args.abi_encode())
            }
            Self::Bid(bid) => {
                let args = crate::account::Bid {
                    owner: bid.account.owner,
                    index: bid.account.index,
                    debtAssetId: bid.debt,
                    repayMax: bid.most,
                    collateralAssetId: bid.collateral,
                    takenMin: bid.least,
                };
                action(verb, args.abi_encode())
            }
            Self::Garbled(_) => {
                let args = AssetAmount {
                    assetId: ETH,
                    amount: n(1),
                };
                let mut args = args.abi_encode();
                args.push(0);
                action(verb, args)
            }
        }
    }
}
