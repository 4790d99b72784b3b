//! Classes of work, and what they cost in each region.

use alloy_primitives::U256;
use capstan_state::{Ctx, Halt};
use capstan_units::Assets;

use super::{
    ADDRESS, CLASSES_MAX,
    IJobs::{ClassClosed, ClassOpened, PriceMoved, ServiceClass},
    LEVEL_ONE, STATE,
    error::*,
    late,
    params::{refuse, within},
    state::{Cell, Class},
};
use crate::{admin, contract::emit, revert};

/// Lowest and highest level that a class may have at all.
pub(super) const LEVEL: (u64, u64) = (LEVEL_ONE / 10, LEVEL_ONE * 10);
/// Least and most step of a level in an epoch, in hundredths of a percent.
pub(super) const STEP_BPS: (u64, u64) = (100, 1_250);
/// Least and most target, of what is offered.
pub(super) const TARGET_BPS: (u64, u64) = (1_000, 9_000);
/// Least and most units read that weigh one that is written.
pub(super) const INPUTS_PER_OUTPUT: (u64, u64) = (1, 1_000);
/// Highest price of a million units, in smallest units of the asset.
pub(super) const PRICE_MAX: u128 = Assets::MAX.get() / 1_000_000_000;
/// What one step of a level costs, beside storage.
pub(super) const STEP_GAS: u64 = 40;

/// A class that there is.
///
/// # Errors
/// `JobsUnknownClass`.
pub(super) fn known(cx: &mut Ctx<'_>, id: u32) -> Result<Class, Halt> {
    let class = STATE.classes.at(id).load(cx)?;
    if class.inputs_per_output == 0 {
        return Err(revert(&JobsUnknownClass { classId: id }));
    }
    Ok(class)
}

/// A class in which things begin.
///
/// # Errors
/// `JobsUnknownClass`, `JobsClassClosed`.
pub(super) fn open_one(cx: &mut Ctx<'_>, id: u32) -> Result<Class, Halt> {
    let class = known(cx, id)?;
    if class.is_closed {
        return Err(revert(&JobsClassClosed { classId: id }));
    }
    Ok(class)
}

impl Class {
    /// From the ABI, if every part is in its range.
    fn checked(class: &ServiceClass) -> Result<Self, Halt> {
        let ServiceClass {
            program,
            quantisation,
            inputPrice,
            outputPrice,
            levelMin,
            levelMax,
            stepBps,
            targetBps,
            inputsPerOutput,
            isClosed: _,
        } = *class;
        if program.is_zero() {
            return Err(refuse("program", U256::ZERO, 1, U256::MAX));
        }
        let price = |what, price: U256, min: u64| {
            let max = U256::from(PRICE_MAX);
            if price < U256::from(min) || price > max {
                return Err(refuse(what, price, min, max));
            }
            Ok(Assets::from_u256(price)?)
        };
        within("levelMin", levelMin, (LEVEL.0, LEVEL_ONE))?;
        within("levelMax", levelMax, (LEVEL_ONE, LEVEL.1))?;
        within("stepBps", stepBps.into(), STEP_BPS)?;
        within("targetBps", targetBps.into(), TARGET_BPS)?;
        within("inputsPerOutput", inputsPerOutput.into(), INPUTS_PER_OUTPUT)?;
        Ok(Self {
            program,
            quantisation,
            input_price: price("inputPrice", inputPrice, 0)?,
            output_price: price("outputPrice", outputPrice, 1)?,
            level_min: levelMin,
            level_max: levelMax,
            step_bps: stepBps,
            target_bps: targetBps,
            inputs_per_output: inputsPerOutput,
            is_closed: false,
        })
    }

    /// As the ABI has it.
    pub(super) fn to_abi(self) -> ServiceClass {
        ServiceClass {
            program: self.program,
            quantisation: self.quantisation,
            inputPrice: self.input_price.to_u256(),
            outputPrice: self.output_price.to_u256(),
            levelMin: self.level_min,
            levelMax: self.level_max,
            stepBps: self.step_bps,
            targetBps: self.target_bps,
            inputsPerOutput: self.inputs_per_output,
            isClosed: self.is_closed,
        }
    }

    /// Whether it could have been opened (JOB-12).
    pub(super) fn is_good(self) -> bool {
        let again = Self::checked(&self.to_abi());
        again.is_ok_and(|again| {
            again
                == Self {
                    is_closed: false,
                    ..self
                }
        })
    }
}

/// Opens a class, for the owner.
///
/// # Errors
/// `AdminNotOwner`, `JobsParamOutOfRange`, `JobsClassTaken`, `JobsFull`.
pub(super) fn open(cx: &mut Ctx<'_>, id: u32, class: &ServiceClass) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let class = Class::checked(class)?;
    let place = STATE.classes.at(id);
    if place.load(cx)?.inputs_per_output != 0 {
        return Err(revert(&JobsClassTaken { classId: id }));
    }
    if STATE.class_ids.len(cx)? >= CLASSES_MAX {
        return Err(full("classes", CLASSES_MAX));
    }
    STATE.class_ids.push(cx, id)?;
    place.save(cx, &class)?;
    emit(
        cx,
        &ClassOpened {
            classId: id,
            class: class.to_abi(),
        },
    )
}

/// Lets nothing new begin, for the owner. What stands goes on.
///
/// # Errors
/// `AdminNotOwner`, `JobsUnknownClass`, `JobsClassClosed`.
pub(super) fn close(cx: &mut Ctx<'_>, id: u32) -> Result<(), Halt> {
    admin::expect_owner(cx, ADDRESS, cx.caller())?;
    let class = Class {
        is_closed: true,
        ..open_one(cx, id)?
    };
    STATE.classes.at(id).save(cx, &class)?;
    emit(cx, &ClassClosed { classId: id })
}

pub(super) fn full(what: &str, max: u32) -> Halt {
    revert(&JobsFull {
        what: what.to_owned(),
        max: U256::from(max),
    })
}

/// The level of a class in a region, as it is in an epoch.
pub(super) fn cell(
    cx: &mut Ctx<'_>,
    class: (u32, &Class),
    region: u32,
    epoch: u64,
) -> Result<Cell, Halt> {
    let (id, class) = class;
    let (cell, steps) = STATE.cells.at((id, region)).load(cx)?.at(epoch, class);
    cx.store.charge(steps.saturating_mul(STEP_GAS))?;
    Ok(cell)
}

/// Changes it, and says so where the level moved meanwhile.
pub(super) fn change_cell(
    cx: &mut Ctx<'_>,
    class: (u32, &Class),
    region: u32,
    epoch: u64,
    change: impl FnOnce(&mut Cell),
) -> Result<(), Halt> {
    let place = STATE.cells.at((class.0, region));
    let stored = place.load(cx)?;
    late::keep_cell(cx, (class.0, region), &stored, epoch)?;
    let before = stored.level;
    let mut cell = cell(cx, class, region, epoch)?;
    change(&mut cell);
    place.save(cx, &cell)?;
    if cell.level == before {
        return Ok(());
    }
    emit(
        cx,
        &PriceMoved {
            classId: class.0,
            region,
            epoch,
            level: cell.level,
        },
    )
}
