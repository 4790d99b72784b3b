//! Dev-only tools.

pub mod fault;
pub mod fault_disk;
pub mod store_ops;
