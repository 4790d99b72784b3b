//! Execution as its users see it: through `Session` and `BlockRun`, with native contracts made for the test.

mod block;
mod gas;
mod matrix;
mod trace;
mod world;
