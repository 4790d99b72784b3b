//! Storage of `account`.

use alloy_primitives::{Address, U256};
use capstan_state::{Layout, Map, Record, Transient, Value};
use capstan_units::{AccountId, AssetId, Assets, Bps, TimeMs, Usd};

/// Everything that `account` stores.
#[derive(Layout)]
pub(crate) struct AccountState {
    /// What stands on an account and when to look at it again: the words of its sheet (`sheet.rs`).
    #[tag(1)]
    pub(super) sheets: Map<(AccountId, u8), Value<U256>>,
    /// Until when an operator may act.
    #[tag(2)]
    pub(super) operators: Map<(AccountId, Address), Value<TimeMs>>,
    /// Batches of each account that ran by signature.
    #[tag(3)]
    pub(super) nonces: Map<AccountId, Value<U256>>,
    /// How much each asset counts as collateral.
    #[tag(4)]
    pub(super) ramps: Map<AssetId, Record<Ramp>>,
    /// What else is agreed about it as collateral.
    #[tag(5)]
    pub(super) terms: Map<AssetId, Record<Terms>>,
    /// Smallest debt that may stand in one asset, as value.
    #[tag(6)]
    pub(super) debt_min: Value<Usd>,
    /// Since when collateral of an account is on offer; zero is not.
    #[tag(7)]
    pub(super) offers: Map<AccountId, Value<TimeMs>>,
    /// Number of the latest liquidation.
    #[tag(8)]
    pub(super) last_liquidation: Value<u64>,
    /// Limits that an owner set himself.
    #[tag(9)]
    pub(super) limits: Map<AccountId, Record<Limits>>,
    /// The day of losses of each account that limits them.
    #[tag(16)]
    pub(super) days: Map<AccountId, Record<Day>>,
    /// What was put into each piece of liquidity that stands on an account, by the piece's key.
    #[tag(24)]
    pub(super) put_in: Map<(AccountId, u64), Record<PutIn>>,

    /// Batches that run inside each other now.
    #[tag(32)]
    pub(super) depth: Transient<u16>,
    /// Number of accounts in `touched`.
    #[tag(33)]
    pub(super) touched_count: Transient<u8>,
    /// Accounts that this batch changed (ACC-2).
    #[tag(34)]
    pub(super) touched: Map<u8, Transient<AccountId>>,
    /// Bit `n`: the health of `touched[n]` may have fallen, so it is checked when the outermost batch ends.
    #[tag(35)]
    pub(super) lowered: Transient<u32>,
    /// Whether `touched[n]` limits its losses, and was measured before this batch changed it.
    #[tag(48)]
    pub(super) started: Map<u8, Transient<bool>>,
    /// What its collateral was worth then.
    #[tag(49)]
    pub(super) started_collateral: Map<u8, Transient<Usd>>,
    /// What it owed then.
    #[tag(50)]
    pub(super) started_debt: Map<u8, Transient<Usd>>,
}

/// Factors on their way from one value to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Ramp {
    /// Initial factor until `start_ms`.
    pub(super) initial_from: Bps,
    /// Initial factor from `end_ms` on.
    pub(super) initial_to: Bps,
    /// Maintenance factor until `start_ms`.
    pub(super) maintenance_from: Bps,
    /// Maintenance factor from `end_ms` on.
    pub(super) maintenance_to: Bps,
    /// The initial factor against debts of the same category, until `start_ms`.
    pub(super) category_initial_from: Bps,
    /// The same from `end_ms` on.
    pub(super) category_initial_to: Bps,
    /// The maintenance factor against debts of the same category, until `start_ms`.
    pub(super) category_maintenance_from: Bps,
    /// The same from `end_ms` on.
    pub(super) category_maintenance_to: Bps,
    /// When the move begins.
    pub(super) start_ms: TimeMs,
    /// When it ends; zero is an asset that never was collateral.
    pub(super) end_ms: TimeMs,
}

/// What else is agreed about an asset as collateral.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Terms {
    /// Most units of it that may stand in the ledger.
    pub(super) deposit_cap: Assets,
    /// The largest part of its value that a liquidation costs.
    pub(super) discount_max: Bps,
    /// Assets whose prices move together; zero is none.
    pub(super) category: u8,
    /// Counts only where nothing else does.
    pub(super) is_isolated: bool,
}

/// Limits that an owner set himself. All zeros is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Limits {
    /// Most collateral per own capital, in hundredths of a percent; zero is any.
    pub(super) leverage_max_bps: u32,
    /// What follows, from `next_from_s` on.
    pub(super) next_leverage_max_bps: u32,
    /// When; zero if nothing follows.
    pub(super) next_from_s: u32,
    /// Most loss of a day, in whole dollars; zero is any.
    pub(super) loss_max_usd: u32,
    /// How long no new risk is taken after a day that lost more.
    pub(super) cooling_off_s: u32,
    /// What follows, from `next_from_s` on.
    pub(super) next_loss_max_usd: u32,
    /// What follows, from `next_from_s` on.
    pub(super) next_cooling_off_s: u32,
}

/// Units of each coin that went into liquidity, less the part of what was taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct PutIn {
    pub(super) coin0: Assets,
    pub(super) coin1: Assets,
    pub(super) coin2: Assets,
    pub(super) coin3: Assets,
}

/// A day of losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, capstan_state::Record)]
pub(crate) struct Day {
    /// When it began.
    pub(super) begun_s: u32,
    /// Whether it was seen to lose more than its owner allows himself.
    pub(super) is_passed: bool,
    /// Whether `mark` is known: a price that nobody knows loses it.
    pub(super) is_marked: bool,
    /// The equity that neither gains nor loses, in wad and two's complement.
    pub(super) mark: U256,
}
