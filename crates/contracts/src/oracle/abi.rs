//! The interfaces of `oracle`: its own, and the face of one feed. One file each, since each is a Solidity file too.

pub(super) mod feed;
pub(super) mod oracle;

pub use feed::IFeed;
pub use oracle::IOracle;
