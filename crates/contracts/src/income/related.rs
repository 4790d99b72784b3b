//! Who stands behind a customer, as far as the chain can know. Specified in words under "What counts" of specs/income.md;
//! nothing that is lent leans on it alone (INC-11).

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};
use capstan_units::AccountId;

use super::{ADDRESS, FUNDERS_MAX, market::STATE, params::Params};
use crate::{
    account,
    machines::{self, State},
    mutant::mutant,
};

/// Why income counts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It counts.
    Counts,
    /// Its customer is related to the owner.
    Related,
    /// Its customer is not known for long enough.
    New,
    /// The machine is not live.
    NotLive,
    /// It is in another asset than the machine's.
    OtherAsset,
}

impl Why {
    /// The number under which it is told, for ever.
    pub const fn number(self) -> u8 {
        match self {
            Self::Counts => 0,
            Self::Related => 1,
            Self::New => 2,
            Self::NotLive => 3,
            Self::OtherAsset => 4,
        }
    }
}

/// Notes who first topped up an address's balance with a room that sells work. For those rooms. Whoever did so himself is
/// his own first funder for ever: else anybody could make strangers of two who trade related, with a unit for each.
///
/// # Errors
/// The store's.
pub fn funded(cx: &mut Ctx<'_>, who: Address, by: Address) -> Result<(), Halt> {
    let place = STATE.funders.at(who);
    let cx = &mut cx.enter(ADDRESS);
    if by.is_zero() || !place.load(cx)?.is_zero() {
        return Ok(());
    }
    place.save(cx, by)
}

/// Whether income of a customer counts now.
pub(super) fn judge(
    cx: &mut Ctx<'_>,
    id: u64,
    params: &Params,
    customer: Address,
    first_seen_ms: u64,
) -> Result<Why, Halt> {
    let why = of_customer(cx, id, customer)?;
    if why != Why::Counts {
        return Ok(why);
    }
    let now_ms = cx.store.block().time_ms;
    let known_ms = now_ms.saturating_sub(first_seen_ms);
    if first_seen_ms == 0 || known_ms < params.customer_age_ms {
        return Ok(Why::New);
    }
    Ok(Why::Counts)
}

/// The same without his age.
pub(super) fn of_customer(cx: &mut Ctx<'_>, id: u64, customer: Address) -> Result<Why, Halt> {
    let state = machines::status(cx, id)?.state;
    if !matches!(state, State::Live | State::Late) {
        return Ok(Why::NotLive);
    }
    let related = is_related(cx, id, customer)?;
    Ok(if mutant!(RelatedCount, related, false) {
        Why::Related
    } else {
        Why::Counts
    })
}

/// The frame is that of `income`.
fn is_related(cx: &mut Ctx<'_>, id: u64, customer: Address) -> Result<bool, Halt> {
    let (holder, key) = (machines::holder_of(cx, id)?, machines::key_of(cx, id)?);
    if is_owner(cx, id, holder, customer)? || acts_for(cx, holder, customer)? {
        return Ok(true);
    }
    if acts_for(cx, key, customer)? {
        return Ok(true);
    }
    let mut ours = chain_of(cx, holder)?;
    ours.push(holder);
    for who in chain_of(cx, customer)? {
        if ours.contains(&who) || is_owner(cx, id, holder, who)? {
            return Ok(true);
        }
    }
    Ok(ours.contains(&customer))
}

/// Whether somebody is, or was, the holder or a key of this machine, or is the key of another machine of the holder.
fn is_owner(cx: &mut Ctx<'_>, id: u64, holder: Address, who: Address) -> Result<bool, Halt> {
    if who == holder || STATE.holders.at((id, who)).load(cx)? {
        return Ok(true);
    }
    match machines::of_key(cx, who)? {
        None => Ok(false),
        Some(other) => Ok(other == id || machines::holder_of(cx, other)? == holder),
    }
}

/// Whether one of two may act on account 0 of the other.
fn acts_for(cx: &mut Ctx<'_>, one: Address, other: Address) -> Result<bool, Halt> {
    Ok(account::may_act(cx, AccountId::new(one, 0), other)?
        || account::may_act(cx, AccountId::new(other, 0), one)?)
}

/// First funders, one behind the other.
fn chain_of(cx: &mut Ctx<'_>, who: Address) -> Result<Vec<Address>, Halt> {
    let (mut chain, mut at) = (Vec::new(), who);
    for _ in 0..FUNDERS_MAX {
        let by = STATE.funders.at(at).load(cx)?;
        if by.is_zero() || by == at {
            break;
        }
        at = by;
        chain.push(at);
    }
    Ok(chain)
}
