//! One front router: JSON-RPC over HTTP and WebSocket, metrics and health, on one port.

pub mod convert;
