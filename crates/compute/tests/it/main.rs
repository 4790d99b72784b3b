//! The gateway as its users meet it: over HTTP, before servers that fail in every way, in processes that are killed.

mod api;
mod bundled;
mod clients;
mod fake;
mod install;
mod kill;
mod network;
mod pace;
mod speed;
mod stream;
mod world;
