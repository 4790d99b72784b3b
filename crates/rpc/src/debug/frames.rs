//! Call frames with native contracts by name.
//!
//! Two fields are added to geth's frames where a native contract was called: `contract`, its name, and `verb`,
//! the signature of the function. Clients that do not know them ignore them. What a native contract reverted with is spelled out
//! in `revertReason`, as `Error(string)` is for Solidity.

use alloy_rpc_types_trace::geth::CallFrame;
use serde::Serialize;

use crate::{labels, words};

/// A call frame and, if it is a native contract's, its name.
#[derive(Serialize)]
pub(super) struct NamedFrame {
    #[serde(flatten)]
    frame: CallFrame,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verb: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<Self>,
}

impl From<CallFrame> for NamedFrame {
    /// Frames nest at most 1,024 deep, and these threads have the stack for it.
    fn from(mut frame: CallFrame) -> Self {
        let calls = std::mem::take(&mut frame.calls)
            .into_iter()
            .map(Self::from)
            .collect();
        let Some((address, contract)) =
            frame.to.and_then(|to| Some((to, labels::contract_at(to)?)))
        else {
            return Self {
                frame,
                contract: None,
                verb: None,
                calls,
            };
        };
        if let Some(output) = frame.output.as_ref().filter(|_| frame.is_revert())
            && let Some(line) = words::revert_line(output)
        {
            frame.revert_reason = Some(line);
        }
        let verb = labels::verb(address, &frame.input);
        Self {
            frame,
            contract: Some(contract),
            verb,
            calls,
        }
    }
}
