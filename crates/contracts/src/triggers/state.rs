//! Storage of `triggers`.

use alloy_primitives::{Address, U256};
use capstan_state::{Halt, Layout, List, Map, Record, Value};
use capstan_units::{AccountId, AssetId, Assets, Bps, OrderId};

use super::params::ORDERS_MAX;

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A price.
    Price,
    /// A price that came back from its best.
    Trailing,
    /// Times.
    Slices,
    /// Health of its account.
    Health,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Price, Self::Trailing, Self::Slices, Self::Health];

    /// Its permanent number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Price => 1,
            Self::Trailing => 2,
            Self::Slices => 3,
            Self::Health => 4,
        }
    }

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// An order. Of one that does not exist, `kind` is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub(super) struct Order {
    /// On which account.
    pub(super) account: AccountId,
    /// What is sold.
    pub(super) sell: AssetId,
    /// What is bought.
    pub(super) buy: AssetId,
    /// What a sale may cost.
    pub(super) limit: Bps,
    /// Number of its [`Kind`].
    pub(super) kind: u8,
    /// Most units sold at once.
    pub(super) at_once: Assets,
    /// What is left to sell; the largest amount is all there is.
    pub(super) left: Assets,
    /// Whose price is watched.
    pub(super) watch: AssetId,
    /// What is left of what was prepaid, in wei.
    pub(super) prepaid_wei: u128,
    /// When it ends.
    pub(super) expires_s: u32,
    /// When the next slice is due.
    pub(super) next_s: u32,
    /// Seconds from one slice to the next.
    pub(super) interval_s: u32,
    /// How many times it fires still.
    pub(super) count: u32,
    /// Health at or below which it fires.
    pub(super) floor_bps: u32,
    /// Health that it restores.
    pub(super) target_bps: u32,
    /// Kind 1 its step; kind 2 the best one seen.
    pub(super) step: u16,
    /// Steps back from the best.
    pub(super) distance: u16,
    /// Whether it fires upward.
    pub(super) is_above: bool,
    /// Whether what is bought pays debts.
    pub(super) repays: bool,
    /// Attempts that failed since it last succeeded.
    pub(super) failures: u8,
}

/// What an order leaves behind: nothing.
pub(super) const NOTHING: Order = Order {
    account: AccountId::new(Address::ZERO, 0),
    sell: AssetId::new(0),
    buy: AssetId::new(0),
    limit: Bps::ZERO,
    kind: 0,
    at_once: Assets::ZERO,
    left: Assets::ZERO,
    watch: AssetId::new(0),
    prepaid_wei: 0,
    expires_s: 0,
    next_s: 0,
    interval_s: 0,
    count: 0,
    floor_bps: 0,
    target_bps: 0,
    step: 0,
    distance: 0,
    is_above: false,
    repays: false,
    failures: 0,
};

impl Order {
    /// # Errors
    /// No verb wrote it.
    pub(super) fn kind(&self) -> Result<Kind, Halt> {
        let kind = Kind::from_number(self.kind);
        kind.ok_or_else(|| {
            Halt::Fatal(format!(
                "corrupt storage: {} is no kind of order",
                self.kind
            ))
        })
    }
}

/// Everything that `triggers` stores.
#[derive(Layout)]
pub(crate) struct TriggersState {
    /// Orders placed so far.
    #[tag(1)]
    pub(super) order_count: Value<u64>,
    /// What each is.
    #[tag(2)]
    pub(super) orders: Map<OrderId, Record<Order>>,
    /// What calls the block to it, in the form of an account's sheet.
    #[tag(3)]
    pub(super) guards: Map<(OrderId, u8), Value<U256>>,
    /// Orders of an account.
    #[tag(4)]
    pub(super) lists: Map<AccountId, List<OrderId, ORDERS_MAX>>,
    /// Orders of kind 1 by asset, direction (upward if `true`) and step.
    #[tag(5)]
    pub(super) crowds: Map<((AssetId, bool), u16), Value<u32>>,
}
