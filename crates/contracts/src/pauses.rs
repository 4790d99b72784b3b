//! Verbs that a guard can stop: one shape for every room that has such.
//!
//! A room keeps a set of bits, answers a stopped verb with its bit, and names each in one word for people. Its owner and its
//! guards stop verbs; the owner alone lets them go on.

use alloy_primitives::{Address, U256};
use capstan_state::{Ctx, Halt};

use crate::admin;

/// What somebody does to the set of stopped verbs.
#[derive(Clone, Copy)]
pub(crate) enum Pausing {
    Stop(u8),
    GoOn(u8),
}

impl Pausing {
    /// Refuses callers who may not, and verbs that the room does not have: `refuse` gets what was asked, and all there are.
    ///
    /// # Errors
    /// `AdminMissingRole` or `AdminNotOwner`, and what `refuse` says.
    pub(crate) fn check(
        self,
        cx: &mut Ctx<'_>,
        scope: Address,
        all: u8,
        refuse: impl FnOnce(U256, U256) -> Halt,
    ) -> Result<(), Halt> {
        let caller = cx.caller();
        let verbs = match self {
            Self::Stop(verbs) => {
                admin::expect_guard(cx, scope, caller)?;
                verbs
            }
            Self::GoOn(verbs) => {
                admin::expect_owner(cx, scope, caller)?;
                verbs
            }
        };
        if verbs == 0 || verbs & !all != 0 {
            return Err(refuse(U256::from(verbs), U256::from(all)));
        }
        Ok(())
    }

    /// The set afterwards.
    pub(crate) const fn after(self, paused: u8) -> u8 {
        match self {
            Self::Stop(verbs) => paused | verbs,
            Self::GoOn(verbs) => paused & !verbs,
        }
    }
}

/// Makes a room's `Pause`: a variant, its permanent bit and its word on each line.
macro_rules! pauses {
    ($($(#[$doc:meta])+ $name:ident = $bit:literal $word:literal,)+) => {
        /// Verbs that can be paused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Pause {
            $($(#[$doc])+ $name,)+
        }

        impl Pause {
            /// All of them: bit and word.
            pub(crate) const WORDS: &[(u8, &str)] = &[$(($bit, $word)),+];

            /// The set of all of them.
            pub(crate) const ALL: u8 = 0 $(| $bit)+;

            /// Its bit in the set of paused verbs.
            pub const fn bit(self) -> u8 {
                match self {
                    $(Self::$name => $bit,)+
                }
            }
        }
    };
}

pub(crate) use pauses;
