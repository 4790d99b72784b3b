//! What a machine runs, without a chain: models and their audit, and the gateway in front of model servers.
//!
//! The chain only settles what happened here. Nothing in this room knows a block, an account or the EVM, so that a person who
//! has no chain can use it in front of a model server of his own.

pub mod audit;
pub mod bundled;
pub mod engine;
pub mod gateway;
mod json;
pub mod keys;
pub mod model;
pub mod money;
pub mod network;
pub mod readings;
pub mod receipt;
pub mod scan;
pub mod tab;
pub mod testkit;
mod tree;
pub mod upstream;
