//! What the verbs of `admin` do, and what other contracts ask it.
//!
//! Every function enters `admin`'s own frame, so a contract that calls one directly cannot write
//! into its own storage by mistake.

use alloy_primitives::Address;
use capstan_state::{Ctx, Halt};

use super::{
    ADDRESS as ADMIN,
    IAdmin::*,
    params::{DELAY_MS_MAX, GUARD, NEVER_MS},
    state::{AdminState, Delay, Grant},
};
use crate::{contract::emit, revert};

const STATE: AdminState = AdminState::new();

/// Gives a scope its first owner when a chain begins. A chain may begin without one: then nobody ever
/// administers it.
///
/// # Errors
/// `AdminScopeTaken`.
pub fn open_scope_at_genesis(cx: &mut Ctx<'_>, scope: Address, owner: Address) -> Result<(), Halt> {
    if owner.is_zero() {
        return Ok(());
    }
    open_scope(cx, scope, owner)
}

/// Gives a scope its first owner. For contracts, when they are made.
///
/// # Errors
/// `AdminScopeTaken`, `AdminZeroHolder`.
pub fn open_scope(cx: &mut Ctx<'_>, scope: Address, owner: Address) -> Result<(), Halt> {
    let cx = &mut cx.enter(ADMIN);
    let present = STATE.owners.at(scope).load(cx)?;
    if !present.is_zero() {
        return Err(revert(&AdminScopeTaken {
            scope,
            owner: present,
        }));
    }
    set_owner(cx, scope, present, owner)
}

/// Owner of a scope, or zero.
///
/// # Errors
/// The store's.
pub fn owner_of(cx: &mut Ctx<'_>, scope: Address) -> Result<Address, Halt> {
    STATE.owners.at(scope).load(&mut cx.enter(ADMIN))
}

/// Stops unless `account` owns the scope.
///
/// # Errors
/// `AdminNotOwner`.
pub fn expect_owner(cx: &mut Ctx<'_>, scope: Address, account: Address) -> Result<(), Halt> {
    let owner = owner_of(cx, scope)?;
    if owner == account {
        return Ok(());
    }
    Err(revert(&AdminNotOwner {
        scope,
        caller: account,
        owner,
    }))
}

/// Whether a role counts for an account now (ADM-1).
///
/// # Errors
/// The store's.
pub fn has_role(
    cx: &mut Ctx<'_>,
    scope: Address,
    role: u32,
    account: Address,
) -> Result<bool, Halt> {
    let now_ms = cx.store.block().time_ms;
    let grant = grant_of(cx, scope, role, account)?;
    Ok(grant.effective_ms <= now_ms && now_ms < grant.expires_ms)
}

/// Stops unless the role counts for the account now.
///
/// # Errors
/// `AdminMissingRole`.
pub fn expect_role(
    cx: &mut Ctx<'_>,
    scope: Address,
    role: u32,
    account: Address,
) -> Result<(), Halt> {
    if has_role(cx, scope, role, account)? {
        return Ok(());
    }
    Err(revert(&AdminMissingRole {
        scope,
        role,
        account,
    }))
}

/// Stops unless the account owns the scope or guards it: the two who may stop verbs of it.
///
/// # Errors
/// `AdminMissingRole`.
pub fn expect_guard(cx: &mut Ctx<'_>, scope: Address, account: Address) -> Result<(), Halt> {
    if owner_of(cx, scope)? == account {
        return Ok(());
    }
    expect_role(cx, scope, GUARD, account)
}

pub(super) fn grant_of(
    cx: &mut Ctx<'_>,
    scope: Address,
    role: u32,
    account: Address,
) -> Result<Grant, Halt> {
    STATE
        .grants
        .at((scope, (role, account)))
        .load(&mut cx.enter(ADMIN))
}

/// The delay of a role now.
///
/// # Errors
/// The store's.
pub fn role_delay_ms(cx: &mut Ctx<'_>, scope: Address, role: u32) -> Result<u64, Halt> {
    let now_ms = cx.store.block().time_ms;
    let delay = STATE.delays.at((scope, role)).load(&mut cx.enter(ADMIN))?;
    Ok(delay.at(now_ms))
}

pub(super) fn offered_to(cx: &mut Ctx<'_>, scope: Address) -> Result<Address, Halt> {
    STATE.offers.at(scope).load(cx)
}

pub(super) fn grant_role(
    cx: &mut Ctx<'_>,
    scope: Address,
    role: u32,
    holder: Address,
    expires_ms: u64,
) -> Result<(), Halt> {
    expect_owner(cx, scope, cx.caller())?;
    if holder.is_zero() {
        return Err(revert(&AdminZeroHolder {}));
    }
    let delay_ms = role_delay_ms(cx, scope, role)?;
    let effective_ms = cx.store.block().time_ms.saturating_add(delay_ms);
    let expires_ms = if expires_ms == 0 {
        NEVER_MS
    } else {
        expires_ms
    };
    if expires_ms <= effective_ms {
        return Err(revert(&AdminExpiryTooEarly {
            expiresMs: expires_ms,
            effectiveMs: effective_ms,
        }));
    }
    write_grant(
        cx,
        scope,
        role,
        holder,
        Grant {
            effective_ms,
            expires_ms,
        },
    )
}

fn write_grant(
    cx: &mut Ctx<'_>,
    scope: Address,
    role: u32,
    holder: Address,
    grant: Grant,
) -> Result<(), Halt> {
    STATE.grants.at((scope, (role, holder))).save(cx, &grant)?;
    let event = RoleGranted {
        scope,
        role,
        holder,
        effectiveMs: grant.effective_ms,
        expiresMs: grant.expires_ms,
    };
    emit(cx, &event)
}

fn write_delay(cx: &mut Ctx<'_>, scope: Address, role: u32, delay: Delay) -> Result<(), Halt> {
    if delay.next_ms > DELAY_MS_MAX {
        return Err(revert(&AdminDelayTooLong {
            delayMs: delay.next_ms,
            maxMs: DELAY_MS_MAX,
        }));
    }
    STATE.delays.at((scope, role)).save(cx, &delay)?;
    emit(
        cx,
        &RoleDelaySet {
            scope,
            role,
            delayMs: delay.next_ms,
            fromMs: delay.next_from_ms,
        },
    )
}

/// First holder and first delay of a role, for contracts when they are made: no grant came before, so
/// nobody relies on a delay yet. `cx` is `admin`'s own frame.
pub(crate) fn found_role(
    cx: &mut Ctx<'_>,
    scope: Address,
    role: u32,
    holder: Address,
    delay_ms: u64,
) -> Result<(), Halt> {
    write_grant(
        cx,
        scope,
        role,
        holder,
        Grant {
            effective_ms: cx.store.block().time_ms,
            expires_ms: NEVER_MS,
        },
    )?;
    write_delay(
        cx,
        scope,
        role,
        Delay {
            current_ms: 0,
            next_ms: delay_ms,
            next_from_ms: 0,
        },
    )
}

pub(super) fn revoke_role(
    cx: &mut Ctx<'_>,
    scope: Address,
    role: u32,
    holder: Address,
) -> Result<(), Halt> {
    expect_owner(cx, scope, cx.caller())?;
    end_grant(cx, scope, role, holder)
}

pub(super) fn renounce_role(cx: &mut Ctx<'_>, scope: Address, role: u32) -> Result<(), Halt> {
    let holder = cx.caller();
    end_grant(cx, scope, role, holder)
}

fn end_grant(cx: &mut Ctx<'_>, scope: Address, role: u32, holder: Address) -> Result<(), Halt> {
    let never = Grant {
        effective_ms: 0,
        expires_ms: 0,
    };
    STATE.grants.at((scope, (role, holder))).save(cx, &never)?;
    emit(
        cx,
        &RoleRevoked {
            scope,
            role,
            holder,
        },
    )
}

pub(super) fn set_role_delay(
    cx: &mut Ctx<'_>,
    scope: Address,
    role: u32,
    delay_ms: u64,
) -> Result<(), Halt> {
    expect_owner(cx, scope, cx.caller())?;
    let now_ms = cx.store.block().time_ms;
    let present_ms = role_delay_ms(cx, scope, role)?;
    // A shorter delay would let its owner act before those who watch the present one expect it (ADM-4).
    let wait_ms = if delay_ms < present_ms { present_ms } else { 0 };
    let next_from_ms = now_ms.saturating_add(wait_ms);
    let delay = Delay {
        current_ms: present_ms,
        next_ms: delay_ms,
        next_from_ms,
    };
    write_delay(cx, scope, role, delay)
}

pub(super) fn offer_ownership(cx: &mut Ctx<'_>, scope: Address, to: Address) -> Result<(), Halt> {
    let owner = cx.caller();
    expect_owner(cx, scope, owner)?;
    STATE.offers.at(scope).save(cx, to)?;
    emit(
        cx,
        &OwnershipOffered {
            scope,
            owner,
            offeredTo: to,
        },
    )
}

pub(super) fn accept_ownership(cx: &mut Ctx<'_>, scope: Address) -> Result<(), Halt> {
    let caller = cx.caller();
    let offered_to = offered_to(cx, scope)?;
    if offered_to != caller || caller.is_zero() {
        return Err(revert(&AdminNotOffered {
            scope,
            caller,
            offeredTo: offered_to,
        }));
    }
    let previous = owner_of(cx, scope)?;
    STATE.offers.at(scope).save(cx, Address::ZERO)?;
    set_owner(cx, scope, previous, caller)
}

fn set_owner(
    cx: &mut Ctx<'_>,
    scope: Address,
    previous: Address,
    owner: Address,
) -> Result<(), Halt> {
    if owner.is_zero() {
        return Err(revert(&AdminZeroHolder {}));
    }
    STATE.owners.at(scope).save(cx, owner)?;
    emit(
        cx,
        &OwnershipTransferred {
            scope,
            previousOwner: previous,
            newOwner: owner,
        },
    )
}

impl Delay {
    /// The delay that counts at a time.
    fn at(&self, now_ms: u64) -> u64 {
        if now_ms < self.next_from_ms {
            self.current_ms
        } else {
            self.next_ms
        }
    }
}
