//! What the owner and guards may do: open markets, set parameters, pause.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets, Ray};

use super::{
    ADDRESS,
    ILending::{MarketListed, MarketParams, MarketParamsSet, MarketPaused},
    Pause, actions,
    error::*,
    market::{self, SEED, STATE},
    params::{CHANGE_DELAY_MS, Params, SEED_MIN, refuse},
    rates::adaptive,
    share,
    state::Market,
};
use crate::{
    admin::{self, Pausing},
    contract::emit,
    ledger,
    mutant::mutant,
    revert,
};

/// Opens a market with a seed from a wallet. The caller checks who may; the wallet allowed the seed to the
/// contract whose frame this is.
///
/// # Errors
/// `LedgerUnknownAsset`, `LendingListedAlready`, `LendingSeedTooSmall`, and those of a pull and a supply.
pub fn list(
    cx: &mut Ctx<'_>,
    id: AssetId,
    params: Params,
    wallet: Address,
    seed: Assets,
) -> Result<Address, Halt> {
    ledger::asset(cx, id)?;
    let there = STATE.markets.at(id).load(&mut cx.enter(ADDRESS))?;
    if !market::is_none(&there) {
        return Err(revert(&LendingListedAlready { assetId: id.get() }));
    }
    let seed = ledger::pull(cx, id, wallet, SEED, seed)?;
    if seed.get() < SEED_MIN {
        return Err(revert(&LendingSeedTooSmall {
            seed: seed.to_u256(),
            min: U256::from(SEED_MIN),
        }));
    }
    let cx = &mut cx.enter(ADDRESS);
    let market = Market {
        supply_index: Ray::ONE,
        borrow_index: Ray::ONE,
        accrued_ms: cx.store.block().time_ms,
        target_rate: Ray::from_bps(adaptive::FIRST_BPS),
        paused: 0,
    };
    STATE.markets.at(id).save(cx, &market)?;
    let token = share::address_of(id);
    cx.store.deploy_marker(token)?;
    emit(
        cx,
        &MarketListed {
            assetId: id.get(),
            shareToken: token,
            seed: seed.to_u256(),
        },
    )?;
    set(cx, id, params)?;
    mutant!(
        NoSeed,
        actions::supply(cx, id, SEED, seed)?,
        capstan_units::Shares::ZERO
    );
    Ok(token)
}

/// Opens a market, for the owner.
///
/// # Errors
/// `AdminNotOwner`, `LendingParamOutOfRange`, and those of [`list`].
pub(super) fn list_market(
    cx: &mut Ctx<'_>,
    number: u32,
    params: &MarketParams,
    seed: U256,
) -> Result<Address, Halt> {
    let caller = cx.caller();
    admin::expect_owner(cx, ADDRESS, caller)?;
    let params = Params::checked(params)?;
    let seed = Assets::from_u256(seed)?;
    list(cx, AssetId::new(number), params, caller, seed)
}

/// Sets parameters, for the owner (LEND-12).
///
/// # Errors
/// `AdminNotOwner`, `LendingUnknownMarket`, `LendingParamOutOfRange`.
pub(super) fn set_params(cx: &mut Ctx<'_>, number: u32, params: &MarketParams) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let id = AssetId::new(number);
    let params = Params::checked(params)?;
    market::accrue(cx, id)?;
    if params.is_tighter(market::params(cx, id)?) {
        return set(cx, id, params);
    }
    let from_ms = cx.store.block().time_ms.saturating_add(CHANGE_DELAY_MS);
    STATE.next_configs.at(id).save(cx, &params.to_config())?;
    STATE.next_from_ms.at(id).save(cx, from_ms)?;
    say(cx, id, params, from_ms)
}

/// Puts parameters in force, and takes back what was announced. The frame is the market's, which has accrued.
fn set(cx: &mut Ctx<'_>, id: AssetId, params: Params) -> Result<(), Halt> {
    STATE.configs.at(id).save(cx, &params.to_config())?;
    STATE.next_from_ms.at(id).save(cx, 0)?;
    let now_ms = cx.store.block().time_ms;
    say(cx, id, params, now_ms)
}

fn say(cx: &mut Ctx<'_>, id: AssetId, params: Params, from_ms: u64) -> Result<(), Halt> {
    emit(
        cx,
        &MarketParamsSet {
            assetId: id.get(),
            params: params.to_abi(),
            fromMs: from_ms,
        },
    )
}

/// Stops verbs or lets them go on.
///
/// # Errors
/// `AdminMissingRole`, `AdminNotOwner`, `LendingUnknownMarket`, `LendingParamOutOfRange`.
pub(super) fn pause(cx: &mut Ctx<'_>, number: u32, change: Pausing) -> Result<(), Halt> {
    change.check(cx, ADDRESS, Pause::ALL, |verbs, all| {
        refuse("verbs", verbs, 1, all)
    })?;
    let id = AssetId::new(number);
    let market = market::stored(cx, id)?;
    let paused = change.after(market.paused);
    STATE
        .markets
        .at(id)
        .save(cx, &Market { paused, ..market })?;
    emit(
        cx,
        &MarketPaused {
            assetId: number,
            paused,
        },
    )
}
