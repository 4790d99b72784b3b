//! What the owner and guards may do: open stakes, set parameters, pause.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    ADDRESS,
    IBackstop::{StakeOpened, StakeParams, StakeParamsSet, StakePaused},
    POT, Pause,
    error::*,
    math::Pool,
    params::{CHANGE_DELAY_MS, Params, SEED_MIN, refuse},
    share,
    stake::{self, STATE},
    state::Stake,
};
use crate::{
    admin::{self, Pausing},
    contract::emit,
    ledger, revert,
};

/// Opens a stake with a seed from a wallet. The caller checks who may; the wallet allowed the seed to the contract
/// whose frame this is.
///
/// # Errors
/// `LedgerUnknownAsset`, `BackstopOpenedAlready`, `BackstopSeedTooSmall`, and those of a pull.
pub fn open(
    cx: &mut Ctx<'_>,
    id: AssetId,
    params: Params,
    wallet: Address,
    seed: Assets,
) -> Result<Address, Halt> {
    ledger::asset(cx, id)?;
    if stake::find(&mut cx.enter(ADDRESS), id)?.is_some() {
        return Err(revert(&BackstopOpenedAlready { assetId: id.get() }));
    }
    let seed = ledger::pull(cx, id, wallet, POT, seed)?;
    if seed.get() < SEED_MIN {
        return Err(revert(&BackstopSeedTooSmall {
            seed: seed.to_u256(),
            min: U256::from(SEED_MIN),
        }));
    }
    let cx = &mut cx.enter(ADDRESS);
    let stake = Stake {
        units: seed,
        generation: 1,
        ..Stake::default()
    };
    stake::save(cx, id, &stake)?;
    let token = share::address_of(id);
    cx.store.deploy_marker(token)?;
    emit(
        cx,
        &StakeOpened {
            assetId: id.get(),
            shareToken: token,
            seed: seed.to_u256(),
        },
    )?;
    set(cx, id, params)?;
    share::mint(&mut cx.enter(token), ADDRESS, Pool::of_seed(seed).shares)?;
    Ok(token)
}

/// Opens a stake, for the owner.
///
/// # Errors
/// `AdminNotOwner`, `BackstopParamOutOfRange`, and those of [`open`].
pub(super) fn open_stake(
    cx: &mut Ctx<'_>,
    number: u32,
    params: &StakeParams,
    seed: U256,
) -> Result<Address, Halt> {
    let caller = cx.caller();
    admin::expect_owner(cx, ADDRESS, caller)?;
    let params = Params::checked(params)?;
    open(
        cx,
        AssetId::new(number),
        params,
        caller,
        Assets::from_u256(seed)?,
    )
}

/// Sets parameters, for the owner (BACK-12).
///
/// # Errors
/// `AdminNotOwner`, `BackstopUnknownStake`, `BackstopParamOutOfRange`.
pub(super) fn set_params(cx: &mut Ctx<'_>, number: u32, params: &StakeParams) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let id = AssetId::new(number);
    let params = Params::checked(params)?;
    stake::known(cx, id)?;
    let present = stake::params(cx, id)?;
    if params.is_tighter(present) {
        return set(cx, id, params);
    }
    let from_ms = cx.store.block().time_ms.saturating_add(CHANGE_DELAY_MS);
    STATE.configs.at(id).save(cx, &present)?;
    STATE.next_configs.at(id).save(cx, &params)?;
    STATE.next_from_ms.at(id).save(cx, from_ms)?;
    say(cx, id, params, from_ms)
}

/// Puts parameters in force, and takes back what was announced.
fn set(cx: &mut Ctx<'_>, id: AssetId, params: Params) -> Result<(), Halt> {
    STATE.configs.at(id).save(cx, &params)?;
    STATE.next_from_ms.at(id).save(cx, 0)?;
    let now_ms = cx.store.block().time_ms;
    say(cx, id, params, now_ms)
}

fn say(cx: &mut Ctx<'_>, id: AssetId, params: Params, from_ms: u64) -> Result<(), Halt> {
    emit(
        cx,
        &StakeParamsSet {
            assetId: id.get(),
            params: params.to_abi(),
            fromMs: from_ms,
        },
    )
}

/// Stops verbs or lets them go on.
///
/// # Errors
/// `AdminMissingRole`, `AdminNotOwner`, `BackstopUnknownStake`, `BackstopParamOutOfRange`.
pub(super) fn pause(cx: &mut Ctx<'_>, number: u32, change: Pausing) -> Result<(), Halt> {
    change.check(cx, ADDRESS, Pause::ALL, |verbs, all| {
        refuse("verbs", verbs, 1, all)
    })?;
    let id = AssetId::new(number);
    let stake = stake::known(cx, id)?;
    let paused = change.after(stake.paused);
    stake::save(cx, id, &Stake { paused, ..stake })?;
    emit(
        cx,
        &StakePaused {
            assetId: number,
            paused,
        },
    )
}
