//! The chain from outside: blocks, forks, restarts, developer verbs. Invariants are in `specs/blocks.md`.

mod blocks;
mod dev;
mod durability;
mod liquidation;
mod queries;
mod solo;
mod still;
mod verified;
mod world;
