//! What runs beside a chain and talks to it over RPC. Nothing here is part of a node, and no node trusts it.

pub mod auditor;
pub mod feed;
pub mod jobs;
pub mod provider;
pub mod watch;
