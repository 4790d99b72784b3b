//! Lines without which the window is broken, and their broken twins.
//!
//! `mutant!(Name, safe, broken)`. In every build but that of this crate's own tests this *is* `safe`: no feature can
//! turn the broken twin on.

/// See the [module](self).
#[cfg(not(test))]
macro_rules! mutant {
    ($name:ident, $safe:expr, $broken:expr) => {
        $safe
    };
}

/// See the [module](self).
#[cfg(test)]
macro_rules! mutant {
    ($name:ident, $safe:expr, $broken:expr) => {
        if $crate::mutant::Mutant::$name.lives() {
            $broken
        } else {
            $safe
        }
    };
}

pub(crate) use mutant;

#[cfg(test)]
pub(crate) use alive::{Mutant, Twin};

#[cfg(test)]
mod alive {
    use std::cell::Cell;

    /// What goes without saying, until it is missing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Mutant {
        /// Items that somebody has begun are given to the next who asks, too.
        BegunTwice,
        /// Between the last look and falling asleep somebody else may get on.
        GapBeforeSleep,
        /// Who sleeps is not told that the work was stopped.
        SilentStop,
        /// Who sleeps is not told of what was settled, or that all is.
        SilentTurn,
        /// What was settled when the work was stopped stays in the window.
        SettledStays,
    }

    thread_local! {
        static ALIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    impl Mutant {
        pub(crate) const ALL: [Self; 5] = [
            Self::BegunTwice,
            Self::GapBeforeSleep,
            Self::SilentStop,
            Self::SilentTurn,
            Self::SettledStays,
        ];

        /// Whether the broken line runs.
        pub(crate) fn lives(self) -> bool {
            ALIVE.get() == Some(self)
        }
    }

    /// The broken twin: as long as this lives, so does its mutant, on this thread.
    pub(crate) struct Twin;

    impl Twin {
        pub(crate) fn with(mutant: Mutant) -> Self {
            ALIVE.set(Some(mutant));
            Self
        }
    }

    impl Drop for Twin {
        fn drop(&mut self) {
            ALIVE.set(None);
        }
    }
}
