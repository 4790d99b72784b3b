//! The gateway as its users meet it: over HTTP, before servers that fail in every way, in processes that are killed.

mod api;
mod clients;
mod fake;
mod kill;
mod speed;
mod stream;
mod world;
