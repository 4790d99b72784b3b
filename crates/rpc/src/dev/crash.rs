//! `dev_crash`: what a node does when it dies, or when a method of it fails, on demand.

use serde::Deserialize;

use super::verb;
use crate::{RpcContext, error::RpcResult, methods::Methods};

pub(crate) fn register(table: &mut Methods) {
    let about = "Ends the process at once, nothing flushed (\"abort\", the default); or fails inside the method (\"panic\").";
    verb(table, &["dev_crash"], ["how?"], about, crash);
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum How {
    /// As `kill -9` and power cuts do: what the block log holds is all that is left.
    #[default]
    Abort,
    /// As a bug in a method does: its caller is told, everybody else is served.
    Panic,
}

fn crash(_: &RpcContext, (how,): (Option<How>,)) -> RpcResult<bool> {
    match how.unwrap_or_default() {
        How::Abort => {
            tracing::error!("dev_crash: the process ends now");
            std::process::abort()
        }
        How::Panic => panic!("dev_crash asked for a panic"),
    }
}
