//! What anyone may ask. Streams are shown as of now: a view runs them over a scratch world.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt, Scratch};
use capstan_units::FarmId;

use super::{
    IFarms::{self, feeFarmReturn},
    actions::weight_of,
    fees,
    live::{Live, STATE, begins_ms},
    math::units_down,
    state::Farm,
    wallet::holder_of,
};

pub(super) fn farm(cx: &mut Ctx<'_>, id: FarmId) -> Result<IFarms::Farm, Halt> {
    let frame = cx.frame;
    let mut world = Scratch::new(cx.store);
    let cx = &mut Ctx::new(&mut world, frame);
    let live = Live::load(cx, id)?;
    let mut streams = Vec::with_capacity(live.flows.len());
    for ((place, asset), flow) in live.farm.rewards().zip(&live.flows) {
        streams.push(IFarms::RewardStream {
            assetId: asset.get(),
            left: units_down(flow.left_fine)?.to_u256(),
            leftMs: flow.left_ms,
            paidIn: flow.paid_in.to_u256(),
            held: STATE.held.at((id, place)).load(cx)?.to_u256(),
        });
    }
    let is_fed = match live.thing {
        super::Thing::Shares(pool) => fees::farm_of(cx, pool)? == Some(id),
        super::Thing::Units(_) => false,
    };
    let Farm {
        kind,
        thing,
        boost,
        lift_wad,
        ..
    } = live.farm;
    Ok(IFarms::Farm {
        kind,
        id: thing,
        boostAssetId: boost.get(),
        liftWad: U256::from(lift_wad),
        staked: U256::from(live.tally.staked),
        weight: U256::from(live.tally.weight),
        isFed: is_fed,
        streams,
    })
}

pub(super) fn stake_of(
    cx: &mut Ctx<'_>,
    id: FarmId,
    is_wallet: bool,
    owner: Address,
    index: u8,
) -> Result<IFarms::Stake, Halt> {
    let frame = cx.frame;
    let mut world = Scratch::new(cx.store);
    let cx = &mut Ctx::new(&mut world, frame);
    let live = Live::load(cx, id)?;
    let holder = holder_of(owner, is_wallet, index);
    let stake = live.settle(cx, holder)?;
    let mut due = Vec::with_capacity(live.flows.len());
    for (place, _) in live.farm.rewards() {
        let credit = STATE.dues.at(((id, place), holder.key())).load(cx)?;
        due.push(units_down(credit.credit_fine)?.to_u256());
    }
    Ok(IFarms::Stake {
        amount: U256::from(stake.amount),
        weight: weight_of(stake),
        locked: stake.locked.to_u256(),
        lockedUntilMs: begins_ms(stake.until_epoch),
        due,
    })
}

pub(super) fn fee_farm(cx: &mut Ctx<'_>, pool: u32) -> Result<feeFarmReturn, Halt> {
    let farm = fees::farm_of(cx, capstan_units::PoolId::new(pool))?;
    Ok(feeFarmReturn {
        isFed: farm.is_some(),
        farmId: farm.map_or(0, FarmId::get),
    })
}
