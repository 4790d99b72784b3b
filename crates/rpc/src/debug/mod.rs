//! `debug_`: raw data and traces.

use crate::methods::Methods;

pub(crate) fn register(_table: &mut Methods) {}
