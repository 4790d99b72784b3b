//! Execution as its users see it: through `Session` and `BlockRun`, with native contracts made for the test, and with the real ones.

mod block;
mod dollar;
mod gas;
mod genesis;
mod hostile;
mod judged;
mod loans;
mod matrix;
mod parallel;
mod protocol;
mod trace;
mod uniswap;
mod verify;
mod world;
