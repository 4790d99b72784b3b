//! Tests of several rooms together, inside this process. One program, because each one links the whole node.
//!
//! What starts `capstan` as a process of its own is in `bin/capstan/tests/process`.

mod architecture;
mod bytecode;
mod client;
mod credit_peers;
mod database;
mod differential;
mod example;
mod exchange_peers;
mod faults;
mod front;
mod lints;
mod log;
mod methods;
mod peers;
mod verify;
