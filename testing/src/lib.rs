//! Dev-only: what tests of several rooms share. Nothing here ships.

pub mod db_model;
pub mod fault_disk;
pub mod process;
pub mod store_ops;
