//! Dev-only tools.

pub mod fault;
pub mod store_ops;
