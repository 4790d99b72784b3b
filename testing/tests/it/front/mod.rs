//! The front door as clients meet it: over TCP and WebSocket, against a development chain in memory.
//! The invariants RPC-1.. are sentences of specs/rpc.md.

mod access;
mod accounts;
mod admin;
mod crash;
mod dev;
mod faults;
mod filters;
mod many;
mod node;
mod protocol;
mod sending;
mod sockets;
mod table;
mod world;
