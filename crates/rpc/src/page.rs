//! Which part of a list: how many, and from where.

use alloy_primitives::U64;
use serde::{Deserialize, Serialize};

use crate::error::{RpcError, RpcResult};

/// Items of one page at most, and unless asked for fewer.
const LIMIT_MAX: usize = 1_000;
const LIMIT: usize = 100;

/// What is asked for: `{limit, cursor}`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageAsked {
    limit: Option<usize>,
    cursor: Option<U64>,
}

impl PageAsked {
    /// How many items, if that is within bounds.
    pub(crate) fn limit(&self) -> RpcResult<usize> {
        let limit = self.limit.unwrap_or(LIMIT);
        if limit == 0 || limit > LIMIT_MAX {
            return Err(RpcError::invalid_params(format!(
                "limit {limit} is not within 1 to {LIMIT_MAX}"
            )));
        }
        Ok(limit)
    }

    /// Where the page begins; the answer before it said so.
    pub(crate) fn cursor(&self) -> Option<u64> {
        self.cursor.map(|cursor| cursor.to())
    }
}

/// One page of a list.
#[derive(Serialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// What to pass for the next page; null at the end.
    pub(crate) cursor: Option<U64>,
}
