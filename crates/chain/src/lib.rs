//! Blocks, block log, state, pool, build, check, finalize.

pub mod db;
pub mod disk;
pub mod kv;
pub mod log;
pub mod trie;
