//! Verbs that a guard can stop: one shape for every room that has such.
//!
//! A room keeps a set of bits, answers a stopped verb with its bit, and names each in one word for people.

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
