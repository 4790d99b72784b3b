//! Locks and sleep: the standard library's. In this crate's own tests they are a model checker's, which runs one thread at a
//! time and tries orders of all their steps.

#[cfg(not(test))]
pub(crate) use std::hint::spin_loop;
#[cfg(not(test))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(test)]
pub(crate) use shuttle::hint::spin_loop;
#[cfg(test)]
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};

/// Looks at the window before a worker without work sleeps: an item takes microseconds, and waking a thread tens of them.
pub(crate) const LOOKS: u32 = if cfg!(test) { 1 } else { 200 };
/// Spins between two looks.
pub(crate) const SPINS: u32 = if cfg!(test) { 1 } else { 32 };
