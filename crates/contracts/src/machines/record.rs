//! Who a machine is, and what it says about itself.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, Assets};

use super::{
    ADDRESS,
    IMachines::{
        MachineRegistered, MachineRotated, MachineSpecified, Spec, registerCall, rotateCall,
        specifySignedCall,
    },
    POT, Pause,
    error::*,
    identity, listing,
    params::{self, Params},
    signed::{self, REGISTRATION_TYPE, ROTATION_TYPE, SPECIFICATION_TYPE},
    state::{Life, Machine, MachinesState},
    title,
};
use crate::{contract::emit, ledger, revert};

pub(super) const STATE: MachinesState = MachinesState::new();

/// A machine that exists. The frame is that of `machines`, as in all functions here but [`key_of`] and [`holder_of`].
pub(super) fn known(cx: &mut Ctx<'_>, id: u64) -> Result<Machine, Halt> {
    let machine = STATE.machines.at(id).load(cx)?;
    if machine.key.is_zero() {
        return Err(revert(&MachinesUnknown { machineId: id }));
    }
    Ok(machine)
}

pub(super) fn save(cx: &mut Ctx<'_>, id: u64, machine: &Machine) -> Result<(), Halt> {
    STATE.machines.at(id).save(cx, machine)
}

/// The key of a machine.
///
/// # Errors
/// `MachinesUnknown`.
pub fn key_of(cx: &mut Ctx<'_>, id: u64) -> Result<Address, Halt> {
    Ok(known(&mut cx.enter(ADDRESS), id)?.key)
}

/// What rooms above (`jobs`, `income`) ask of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Its key.
    pub key: Address,
    /// Where it says it stands.
    pub region: u32,
    /// In which asset its bond is.
    pub asset: AssetId,
    /// Its bond.
    pub bond: Assets,
}

/// What a machine is to rooms above (`jobs`, `income`).
///
/// # Errors
/// `MachinesUnknown`.
pub fn about(cx: &mut Ctx<'_>, id: u64) -> Result<About, Halt> {
    let machine = known(&mut cx.enter(ADDRESS), id)?;
    Ok(About {
        key: machine.key,
        region: machine.region,
        asset: machine.asset,
        bond: machine.bond,
    })
}

/// The machine whose key this is, or was: keys are one machine's for ever (MACH-2).
///
/// # Errors
/// The store's.
pub fn of_key(cx: &mut Ctx<'_>, key: Address) -> Result<Option<u64>, Halt> {
    let named = STATE.keys.at(key).load(&mut cx.enter(ADDRESS))?;
    Ok(named.checked_sub(1))
}

/// How long a bond stays after its holder began to leave.
///
/// # Errors
/// `MachinesNotOpen`.
pub fn unbond_ms(cx: &mut Ctx<'_>) -> Result<u64, Halt> {
    Ok(params::known(&mut cx.enter(ADDRESS))?.unbond_ms)
}

/// Who holds the title of a machine: its income and its bond are his.
///
/// # Errors
/// `ERC721NonexistentToken`.
pub fn holder_of(cx: &mut Ctx<'_>, id: u64) -> Result<Address, Halt> {
    title::owner_of(cx, id)
}

/// A machine whose title the caller holds.
pub(super) fn held_by_caller(cx: &mut Ctx<'_>, id: u64) -> Result<Machine, Halt> {
    let machine = known(cx, id)?;
    let (holder, caller) = (holder_of(cx, id)?, cx.caller());
    if holder == caller {
        return Ok(machine);
    }
    Err(revert(&MachinesNotHolder {
        machineId: id,
        holder,
        caller,
    }))
}

/// A machine whose key calls.
pub(super) fn of_caller(cx: &mut Ctx<'_>, id: u64) -> Result<Machine, Halt> {
    let (machine, caller) = (known(cx, id)?, cx.caller());
    if machine.key == caller {
        return Ok(machine);
    }
    Err(revert(&MachinesNotKey {
        machineId: id,
        key: machine.key,
        caller,
    }))
}

pub(super) fn refuse_gone(id: u64, machine: &Machine) -> Result<(), Halt> {
    if machine.gone_ms == 0 {
        return Ok(());
    }
    Err(revert(&MachinesLeft { machineId: id }))
}

/// Takes a key that never was any machine's (MACH-2).
fn take_key(cx: &mut Ctx<'_>, key: Address, id: u64) -> Result<(), Halt> {
    let place = STATE.keys.at(key);
    if let Some(machine) = place.load(cx)?.checked_sub(1) {
        return Err(revert(&MachinesKeyUsed {
            key,
            machineId: machine,
        }));
    }
    place.save(cx, id.checked_add(1).ok_or_else(Halt::overflow)?)
}

/// Registers a machine for the caller, with the word of its key.
///
/// # Errors
/// `MachinesPaused`, `MachinesNotOpen`, `MachinesExpired`, `MachinesBadSignature`, `MachinesBondTooSmall`,
/// `MachinesKeyUsed`, `TextTooLong`, and those of `ledger::pull`.
pub(super) fn register(cx: &mut Ctx<'_>, call: &registerCall) -> Result<u64, Halt> {
    listing::expect_not_paused(cx, Pause::Register)?;
    let params = params::known(cx)?;
    signed::expect_in_time(cx, call.deadlineMs)?;
    let holder = cx.caller();
    let fields = (holder, call.deadlineMs);
    signed::expect_signed(cx, call.key, REGISTRATION_TYPE, &fields, &call.consent)?;
    let asked = Assets::from_u256(call.bond)?;
    // Nothing here has changed yet: the token may run its payer's code.
    let bond = if asked.is_zero() {
        asked
    } else {
        ledger::pull(cx, params.asset, holder, POT, asked)?
    };
    if bond < params.bond_min {
        return Err(revert(&MachinesBondTooSmall {
            bond: bond.to_u256(),
            least: params.bond_min.to_u256(),
        }));
    }
    let id = add(cx, call, &params, bond)?;
    identity::mint(cx, call.key, id)?;
    title::mint(cx, holder, id)?;
    emit(
        cx,
        &MachineRegistered {
            machineId: id,
            key: call.key,
            holder,
            assetId: params.asset.get(),
            bond: bond.to_u256(),
        },
    )?;
    say_specified(cx, id, 0, &call.spec)?;
    Ok(id)
}

fn add(cx: &mut Ctx<'_>, call: &registerCall, params: &Params, bond: Assets) -> Result<u64, Halt> {
    let id = STATE.machine_count.load(cx)?;
    STATE
        .machine_count
        .save(cx, id.checked_add(1).ok_or_else(Halt::overflow)?)?;
    take_key(cx, call.key, id)?;
    let now_ms = cx.store.block().time_ms;
    let machine = Machine {
        key: call.key,
        kind: call.spec.kind,
        region: call.spec.region,
        asset: params.asset,
        spec_hash: call.spec.hash,
        bond,
        bond_min: params.bond_min,
        registered_ms: now_ms,
        ..Machine::default()
    };
    save(cx, id, &machine)?;
    STATE.uris.at(id).save(cx, &call.spec.uri)?;
    STATE.lives.at(id).save(cx, &Life::new(now_ms))?;
    Ok(id)
}

/// Gives a machine a new key, by the word of both.
///
/// # Errors
/// `MachinesUnknown`, `MachinesLeft`, `MachinesExpired`, `MachinesBadSignature`, `MachinesKeyUsed`.
pub(super) fn rotate(cx: &mut Ctx<'_>, call: &rotateCall) -> Result<(), Halt> {
    let (id, key) = (call.machineId, call.newKey);
    let machine = known(cx, id)?;
    refuse_gone(id, &machine)?;
    signed::expect_in_time(cx, call.deadlineMs)?;
    let fields = (id, key, call.deadlineMs);
    signed::expect_signed(cx, machine.key, ROTATION_TYPE, &fields, &call.byOld)?;
    signed::expect_signed(cx, key, ROTATION_TYPE, &fields, &call.byNew)?;
    take_key(cx, key, id)?;
    save(cx, id, &Machine { key, ..machine })?;
    identity::rotate(cx, machine.key, key, id)?;
    emit(
        cx,
        &MachineRotated {
            machineId: id,
            oldKey: machine.key,
            newKey: key,
        },
    )
}

/// Says something else about the machine whose key calls (MACH-7).
///
/// # Errors
/// `MachinesUnknown`, `MachinesNotKey`, `MachinesLeft`, `TextTooLong`.
pub(super) fn specify(cx: &mut Ctx<'_>, id: u64, spec: &Spec) -> Result<(), Halt> {
    let machine = of_caller(cx, id)?;
    let next = machine.sequence.checked_add(1);
    write_spec(cx, id, machine, next.ok_or_else(Halt::overflow)?, spec)
}

/// The same by a signed message that anybody carries.
///
/// # Errors
/// `MachinesUnknown`, `MachinesSequenceUsed`, `MachinesBadSignature`, `MachinesLeft`, `TextTooLong`.
pub(super) fn specify_signed(cx: &mut Ctx<'_>, call: &specifySignedCall) -> Result<(), Halt> {
    let (id, spec) = (call.machineId, &call.spec);
    let machine = known(cx, id)?;
    if call.sequence <= machine.sequence {
        return Err(revert(&MachinesSequenceUsed {
            sequence: call.sequence,
            last: machine.sequence,
        }));
    }
    let uri_hash = cx.store.keccak(spec.uri.as_bytes())?;
    let fields = (
        id,
        U256::from(spec.kind),
        U256::from(spec.region),
        spec.hash,
        uri_hash,
        call.sequence,
    );
    signed::expect_signed(
        cx,
        machine.key,
        SPECIFICATION_TYPE,
        &fields,
        &call.signature,
    )?;
    write_spec(cx, id, machine, call.sequence, spec)
}

fn write_spec(
    cx: &mut Ctx<'_>,
    id: u64,
    machine: Machine,
    sequence: u64,
    spec: &Spec,
) -> Result<(), Halt> {
    refuse_gone(id, &machine)?;
    let machine = Machine {
        kind: spec.kind,
        region: spec.region,
        spec_hash: spec.hash,
        sequence,
        ..machine
    };
    save(cx, id, &machine)?;
    STATE.uris.at(id).save(cx, &spec.uri)?;
    say_specified(cx, id, sequence, spec)
}

fn say_specified(cx: &mut Ctx<'_>, id: u64, sequence: u64, spec: &Spec) -> Result<(), Halt> {
    emit(
        cx,
        &MachineSpecified {
            machineId: id,
            sequence,
            spec: spec.clone(),
        },
    )
}
