//! Every read, execute and trace method, over HTTP against a chain in this process.

mod code;
mod execute;
mod fees;
mod logs;
mod node;
mod proof;
mod read;
mod simulate;
mod trace;
