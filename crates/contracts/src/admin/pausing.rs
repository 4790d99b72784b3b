//! Who may stop verbs of a room: its guards and its owner; the owner alone lets them go on.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};

use super::{expect_guard, expect_owner};

/// What somebody does to the set of stopped verbs.
#[derive(Clone, Copy, Debug)]
pub enum Pausing {
    /// The guards and the owner may.
    Stop(u8),
    /// The owner alone may.
    GoOn(u8),
}

impl Pausing {
    /// Refuses callers who may not, and verbs that the room does not have: `refuse` gets what was asked, and all there are.
    ///
    /// # Errors
    /// `AdminMissingRole` or `AdminNotOwner`, and what `refuse` says.
    pub fn check(
        self,
        cx: &mut Ctx<'_>,
        scope: Address,
        all: u8,
        refuse: impl FnOnce(U256, U256) -> Halt,
    ) -> Result<(), Halt> {
        let caller = cx.caller();
        let verbs = match self {
            Self::Stop(verbs) => {
                expect_guard(cx, scope, caller)?;
                verbs
            }
            Self::GoOn(verbs) => {
                expect_owner(cx, scope, caller)?;
                verbs
            }
        };
        if verbs == 0 || verbs & !all != 0 {
            return Err(refuse(U256::from(verbs), U256::from(all)));
        }
        Ok(())
    }

    /// The set afterwards.
    pub const fn after(self, paused: u8) -> u8 {
        match self {
            Self::Stop(verbs) => paused | verbs,
            Self::GoOn(verbs) => paused & !verbs,
        }
    }
}
