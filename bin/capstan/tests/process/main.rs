//! The program as people and operators meet it: started, asked, stopped, killed (`testing/src/process.rs`).
//!
//! These tests lie beside the program, so that cargo builds it before they run.

mod account;
mod admin;
mod agreement;
mod auditor;
mod cli;
mod complaint;
mod consent;
mod crash;
mod differential;
mod disk;
mod farm;
mod feed;
mod follow;
mod foreign;
mod gateway;
mod jobs;
mod journeys;
mod kill;
mod lp;
mod machines;
mod market;
mod model;
mod network;
mod own_chain;
mod page;
mod product;
mod provide;
mod quarter_hour;
mod said;
mod start;
mod swap;
mod tools;
mod trigger;
mod wallet;
mod words;
