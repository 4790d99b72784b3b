//! Which machines the block must look at: the second in which there is something to do with each, as [`CallIndex`].

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};
use capstan_units::{AssetId, PriceTick};

use super::{ADDRESS, market::STATE};
use crate::calls::{self, Call, CallIndex, Entry, Room};

/// What blocks changed of when there is something to do with machines.
pub type Changes = calls::Changes<Debts>;
/// Every machine with which there is something to do at some time, in a state.
pub type DebtIndex = CallIndex<Debts>;

/// Debts of machines call the block by time alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Debts;

impl Room for Debts {
    type Id = u64;
    const LOWEST: u64 = 0;
    const HIGHEST: u64 = u64::MAX;
    const ADDRESS: Address = ADDRESS;

    fn entries(slot: U256, word: U256) -> Vec<Entry<u64>> {
        let Some(machine) = STATE.dues.key_of(slot) else {
            return Vec::new();
        };
        match u32::try_from(word) {
            Ok(0) | Err(_) => Vec::new(),
            Ok(at_s) => vec![(Call::Time(at_s), machine)],
        }
    }

    fn has(slot: U256) -> bool {
        STATE.dues.key_of(slot).is_some()
    }

    fn fallen_to(_: &mut Ctx<'_>, _: AssetId, _: bool) -> Result<Option<PriceTick>, Halt> {
        Ok(None)
    }

    fn risen_to(_: &mut Ctx<'_>, _: AssetId) -> Result<Option<PriceTick>, Halt> {
        Ok(None)
    }
}
