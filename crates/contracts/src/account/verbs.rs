//! The verbs of a batch. Their numbers are permanent: wallets sign them.

use alloy_primitives::Bytes;
use alloy_sol_types::{SolStruct, SolValue, sol};
use capstan_state::Halt;
use capstan_units::{AccountId, AssetId, FarmId, PoolId};

use super::{
    CONTRACT,
    IAccount::Action,
    error::{AccountBadArguments, AccountUnknownVerb},
    sheet::Piece,
};
use crate::{Decoded, decode::decode_struct, exchange::IExchange, revert};

sol! {
    /// Arguments of `deposit`, `supply`, `redeem`, `borrow` and `repay`. The largest number is "all there is".
    #[derive(Debug, PartialEq, Eq)]
    struct AssetAmount {
        uint32 assetId;
        uint256 amount;
    }

    /// Arguments of `mint` and `burn`: dollars.
    #[derive(Debug, PartialEq, Eq)]
    struct Dollars {
        uint256 amount;
    }

    /// Arguments of `takeLoan` (an offer) and `repayLoan` (a loan).
    #[derive(Debug, PartialEq, Eq)]
    struct Loan {
        uint64 id;
        uint256 amount;
    }

    /// Arguments of `assign` and `collect`.
    #[derive(Debug, PartialEq, Eq)]
    struct Stream {
        uint64 id;
    }

    /// Arguments of `admit`.
    #[derive(Debug, PartialEq, Eq)]
    struct Admission {
        uint32 assetId;
    }

    /// Arguments of `withdraw`.
    #[derive(Debug, PartialEq, Eq)]
    struct Withdrawal {
        uint32 assetId;
        uint256 amount;
        address to;
    }

    /// Arguments of `transfer` (to the other account), `takeDebt` (from it) and `takeOver` (all of it).
    #[derive(Debug, PartialEq, Eq)]
    struct OtherAccount {
        uint32 assetId;
        uint256 amount;
        address owner;
        uint8 index;
    }

    /// Arguments of `call`.
    #[derive(Debug, PartialEq, Eq)]
    struct ForeignCall {
        address target;
        bytes input;
    }

    /// Arguments of `provide`: at most so much of each coin, in the pool's order. The largest number is all there is.
    #[derive(Debug, PartialEq, Eq)]
    struct Provision {
        uint32 poolId;
        uint256[] amountsMax;
        uint256 sharesMin;
    }

    /// Arguments of `remove`. The largest number is all shares.
    #[derive(Debug, PartialEq, Eq)]
    struct Removal {
        uint32 poolId;
        uint256 shares;
        uint256[] amountsMin;
    }

    /// Arguments of `openRange`. The largest amount is all there is.
    #[derive(Debug, PartialEq, Eq)]
    struct OpenRange {
        uint32 poolId;
        int32 lower;
        int32 upper;
        uint256[2] amountsMax;
        uint128 liquidityMin;
    }

    /// Arguments of `growRange`. The largest amount is all there is.
    #[derive(Debug, PartialEq, Eq)]
    struct GrowRange {
        uint64 positionId;
        uint256[2] amountsMax;
        uint128 liquidityMin;
    }

    /// Arguments of `shrinkRange`. Zero takes fees alone, the largest number all.
    #[derive(Debug, PartialEq, Eq)]
    struct ShrinkRange {
        uint64 positionId;
        uint128 liquidity;
        uint256[2] amountsMin;
    }

    /// Arguments of `movePiece`: `kind` is 0 for shares of pool `id`, 1 for a position, which moves whole, 2 for a stake in
    /// farm `id`. The largest amount is all of it.
    #[derive(Debug, PartialEq, Eq)]
    struct PieceTo {
        uint8 kind;
        uint64 id;
        uint256 amount;
        address owner;
        uint8 index;
    }

    /// Arguments of `depositPiece`: LP tokens of a pool (`kind` 0, `id` the pool, the largest amount all that the
    /// wallet has), or a position, which moves whole.
    #[derive(Debug, PartialEq, Eq)]
    struct PieceIn {
        uint8 kind;
        uint64 id;
        uint256 amount;
    }

    /// Arguments of `withdrawPiece`: the same, to a wallet.
    #[derive(Debug, PartialEq, Eq)]
    struct PieceOut {
        uint8 kind;
        uint64 id;
        uint256 amount;
        address to;
    }

    /// Arguments of `stake` and `unstake`. The largest amount is all there is.
    #[derive(Debug, PartialEq, Eq)]
    struct FarmAmount {
        uint32 farmId;
        uint256 amount;
    }

    /// Arguments of `claim`.
    #[derive(Debug, PartialEq, Eq)]
    struct FarmRewards {
        uint32 farmId;
    }

    /// Arguments of `bid`.
    #[derive(Debug, PartialEq, Eq)]
    struct Bid {
        address owner;
        uint8 index;
        uint32 debtAssetId;
        uint256 repayMax;
        uint32 collateralAssetId;
        uint256 takenMin;
    }
}

/// Arguments of `swap`: the exchange's own legs and bounds, and a deadline in milliseconds. The largest `paidMax` is all
/// there is.
pub type Swap = (Vec<IExchange::Leg>, IExchange::Bounds, u64);

/// Reads one action of a batch: its verb's name, and what it takes. Nothing for a verb that there is not, or arguments that
/// it does not take. For whoever shows a batch, never for execution.
pub fn decode_action(action: &Action) -> Option<Decoded> {
    let mut verbs = Verb::ALL.iter().copied();
    let verb = verbs.find(|verb| verb.number() == action.verb)?;
    let (name, about, form) = (verb.name(), verb.about(), verb.form());
    decode_struct(CONTRACT.name, name, about, &form, &action.args)
}

/// [`Swap`] is made of the exchange's structs, whose fields have no names here: legs of pool, asset in, asset out, exact
/// out, amount; bounds of asset in, most paid, asset out, least received.
const SWAP_FORM: &str = "Swap((uint32,uint32,uint32,bool,uint256)[] legs,\
                         (uint32,uint256,uint32,uint256) bounds,uint64 deadlineMs)";

impl PieceTo {
    pub(super) const fn account(&self) -> AccountId {
        AccountId::new(self.owner, self.index)
    }
}

impl OtherAccount {
    pub(super) const fn account(&self) -> AccountId {
        AccountId::new(self.owner, self.index)
    }

    pub(super) const fn asset(&self) -> AssetId {
        AssetId::new(self.assetId)
    }
}

/// What a verb may do to health, and when it may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// It may lower health, so its account is checked when the outermost batch ends (ACC-1).
    pub lowers: bool,
    /// It may run while foreign code of a batch runs (ACC-4).
    pub in_callback: bool,
    /// What it does can be told beforehand (ACC-5).
    pub previewable: bool,
}

/// One row per verb: number, name, sentence, and its rule. A verb without a rule cannot be written.
macro_rules! verbs {
    ($($number:literal $verb:ident $name:literal $doc:literal lowers=$lowers:literal callback=$callback:literal preview=$preview:literal;)*) => {
        /// What a batch can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Verb {
            $(#[doc = $doc] $verb,)*
        }

        impl Verb {
            /// Every verb, by number.
            pub const ALL: &[Self] = &[$(Self::$verb),*];

            /// Its permanent number.
            pub const fn number(self) -> u16 {
                match self { $(Self::$verb => $number,)* }
            }

            /// Its name in words.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$verb => $name,)* }
            }

            /// What it does, in a sentence.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$verb => $doc,)* }
            }

            /// What it may do to health, and when it may run.
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$verb => Rule { lowers: $lowers, in_callback: $callback, previewable: $preview },)*
                }
            }
        }
    };
}

verbs! {
    1 Deposit "deposit" "Wallet of whoever runs the batch -> units." lowers=false callback=true preview=true;
    2 Withdraw "withdraw" "Units -> a wallet." lowers=true callback=false preview=true;
    3 Supply "supply" "Units -> market." lowers=true callback=true preview=true;
    4 Redeem "redeem" "Market -> units." lowers=true callback=true preview=true;
    5 Borrow "borrow" "Market -> units, as debt." lowers=true callback=true preview=true;
    6 Repay "repay" "Units -> debt." lowers=false callback=true preview=true;
    7 Transfer "transfer" "Units -> another account." lowers=true callback=false preview=true;
    8 TakeDebt "takeDebt" "Another account's debt becomes this one's." lowers=true callback=false preview=true;
    9 CloseAll "closeAll" "Repays each debt from units and supplies of the same asset." lowers=false callback=false preview=true;
    10 Call "call" "Runs foreign code, from an address that holds nothing." lowers=false callback=false preview=false;
    11 Mint "mint" "New dollars -> units, as debt." lowers=true callback=true preview=true;
    12 Burn "burn" "Units -> debt in minted dollars." lowers=false callback=true preview=true;
    13 TakeLoan "takeLoan" "An offer of fixed terms -> units, as debt. Answers the loan's id." lowers=true callback=true preview=true;
    14 RepayLoan "repayLoan" "Units -> one fixed-term loan." lowers=false callback=true preview=true;
    15 Assign "assign" "A stream of the same owner pays this account's debt from now on." lowers=false callback=false preview=true;
    16 TakeOver "takeOver" "All that stands on another account, debts too, moves to this one." lowers=true callback=false preview=true;
    17 Bid "bid" "Pays a debt that is on offer with units, for collateral." lowers=true callback=false preview=true;
    18 Collect "collect" "What a stream owes this account -> its debt, then units." lowers=false callback=true preview=true;
    19 Admit "admit" "Units that others paid in count from now on." lowers=false callback=true preview=true;
    20 Swap "swap" "Units -> units, through pools." lowers=true callback=false preview=true;
    21 Provide "provide" "Units -> shares of a pool." lowers=true callback=false preview=true;
    22 Remove "remove" "Shares of a pool -> units." lowers=true callback=false preview=true;
    23 OpenRange "openRange" "Units -> a new position of concentrated liquidity. Answers its number and liquidity." lowers=true callback=false preview=true;
    24 GrowRange "growRange" "Units -> more liquidity of a position." lowers=true callback=false preview=true;
    25 ShrinkRange "shrinkRange" "Liquidity of a position, and its fees -> units." lowers=true callback=false preview=true;
    26 MovePiece "movePiece" "Shares of a pool, a position or a stake -> another account that the runner may act on." lowers=true callback=false preview=true;
    27 Stake "stake" "Units, or shares of a pool -> a stake in a farm." lowers=true callback=false preview=true;
    28 Unstake "unstake" "A stake in a farm -> units, or shares of a pool." lowers=true callback=false preview=true;
    29 Claim "claim" "What a farm owes this account -> units." lowers=false callback=false preview=true;
    30 DepositPiece "depositPiece" "LP tokens, or a position, of whoever runs the batch -> a piece." lowers=false callback=false preview=true;
    31 WithdrawPiece "withdrawPiece" "A piece, or some of its shares -> LP tokens, or a position, of a wallet." lowers=true callback=false preview=true;
}

impl Verb {
    /// The verb with this number.
    ///
    /// # Errors
    /// `AccountUnknownVerb`.
    pub fn from_number(number: u16) -> Result<Self, Halt> {
        let mut all = Self::ALL.iter().copied();
        let known = all.find(|verb| verb.number() == number);
        known.ok_or_else(|| revert(&AccountUnknownVerb { verb: number }))
    }

    /// Its arguments as Solidity writes those of a function: types and names, for whoever shows a batch to a person.
    pub fn form(self) -> String {
        fn of<T: SolStruct>() -> String {
            T::eip712_root_type().into_owned()
        }
        match self {
            Self::Deposit | Self::Supply | Self::Redeem | Self::Borrow | Self::Repay => {
                of::<AssetAmount>()
            }
            Self::Withdraw => of::<Withdrawal>(),
            Self::Transfer | Self::TakeDebt | Self::TakeOver => of::<OtherAccount>(),
            Self::CloseAll => "CloseAll()".to_owned(),
            Self::Call => of::<ForeignCall>(),
            Self::Mint | Self::Burn => of::<Dollars>(),
            Self::TakeLoan | Self::RepayLoan => of::<Loan>(),
            Self::Assign | Self::Collect => of::<Stream>(),
            Self::Bid => of::<Bid>(),
            Self::Admit => of::<Admission>(),
            Self::Swap => SWAP_FORM.to_owned(),
            Self::Provide => of::<Provision>(),
            Self::Remove => of::<Removal>(),
            Self::OpenRange => of::<OpenRange>(),
            Self::GrowRange => of::<GrowRange>(),
            Self::ShrinkRange => of::<ShrinkRange>(),
            Self::MovePiece => of::<PieceTo>(),
            Self::Stake | Self::Unstake => of::<FarmAmount>(),
            Self::Claim => of::<FarmRewards>(),
            Self::DepositPiece => of::<PieceIn>(),
            Self::WithdrawPiece => of::<PieceOut>(),
        }
    }

    /// The piece that arguments name.
    ///
    /// # Errors
    /// `AccountBadArguments`: no pool has such a number.
    pub(super) fn piece(self, kind: u8, id: u64) -> Result<Piece, Halt> {
        let short = u32::try_from(id).ok();
        let piece = match kind {
            0 => short.map(|pool| Piece::Shares(PoolId::new(pool))),
            1 => Some(Piece::Range(id)),
            2 => short.map(|farm| Piece::Stake(FarmId::new(farm))),
            _ => None,
        };
        piece.ok_or_else(|| self.bad_arguments())
    }

    /// What these arguments say, this verb cannot do.
    pub(super) fn bad_arguments(self) -> Halt {
        revert(&AccountBadArguments {
            verb: self.number(),
        })
    }

    /// Decodes the arguments: one encoding each, nothing behind it.
    ///
    /// # Errors
    /// `AccountBadArguments`.
    pub(super) fn arguments<T>(self, args: &Bytes) -> Result<T, Halt>
    where
        T: SolValue + From<<T::SolType as alloy_sol_types::SolType>::RustType>,
    {
        let decoded = T::abi_decode_validate(args).ok();
        let canonical = decoded.filter(|value| value.abi_encode() == args.as_ref());
        canonical.ok_or_else(|| {
            revert(&AccountBadArguments {
                verb: self.number(),
            })
        })
    }
}

#[cfg(test)]
mod tests;
