//! Every read, execute and trace method, over HTTP against a chain in this process.

mod accounts;
mod code;
mod conformance;
mod credit;
mod errors;
mod exchange;
mod execute;
mod explorer;
mod farms;
mod fees;
mod following;
mod jobs;
mod limits;
mod logs;
mod machines;
mod node;
mod prices;
mod products;
mod proof;
mod read;
mod risk;
mod simulate;
mod trace;
mod triggers;
mod whole;
