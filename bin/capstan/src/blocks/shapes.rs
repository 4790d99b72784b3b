//! What the node answers, as far as it is told here; the whole is in specs/rpc.md.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Deserializer, de::Error as _};

/// A quantity that fits a u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = alloy_primitives::U64::deserialize(from)?;
        u64::try_from(number).map(Self).map_err(D::Error::custom)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contention {
    pub(super) from: Count,
    pub(super) to: Count,
    pub(super) next: Option<Count>,
    pub(super) transaction_count: Count,
    pub(super) gas_used: Count,
    pub(super) critical_gas: Count,
    pub(super) parallelism_milli: u64,
    pub(super) projected: Vec<Projected>,
    pub(super) runs: Option<Runs>,
    pub(super) hot: Vec<HotPlace>,
    pub(super) fields: Vec<HotField>,
    pub(super) blocks: Vec<BlockLine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Projected {
    pub(super) cores: u64,
    pub(super) produce_milli: u64,
    pub(super) verify_milli: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Runs {
    pub(super) block_count: Count,
    pub(super) transaction_count: Count,
    pub(super) run_count: Count,
    pub(super) in_vain_count: Count,
}

#[derive(Debug, Deserialize)]
pub(super) struct HotPlace {
    #[serde(flatten)]
    pub(super) place: PlaceName,
    #[serde(flatten)]
    pub(super) touches: Touches,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HotField {
    pub(super) contract: String,
    pub(super) field: String,
    pub(super) word_count: Count,
    #[serde(flatten)]
    pub(super) touches: Touches,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Touches {
    pub(super) block_count: Count,
    pub(super) read_count: Count,
    pub(super) write_count: Count,
    pub(super) delta_count: Count,
    pub(super) wait_count: Count,
}

#[derive(Debug, Deserialize)]
pub(super) struct PlaceName {
    pub(super) address: Address,
    pub(super) contract: Option<String>,
    pub(super) slot: Option<U256>,
    pub(super) name: Option<String>,
    /// Which of several it is about, in symbols.
    pub(super) which: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockLine {
    pub(super) hash: B256,
    pub(super) transaction_count: Count,
    pub(super) gas_used: Count,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) block_number: Count,
    pub(super) transactions: Vec<Row>,
    pub(super) record: Option<Made>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) index: Count,
    pub(super) title: String,
    pub(super) gas_used: Count,
    #[serde(default)]
    pub(super) core: usize,
    pub(super) start_gas: Option<Count>,
    #[serde(default)]
    pub(super) is_critical: bool,
    #[serde(default)]
    pub(super) waits_for: Vec<WaitsFor>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WaitsFor {
    /// Position in the places of the record.
    pub(super) place: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) critical_gas: Count,
    pub(super) parallelism_milli: u64,
    pub(super) schedule_cores: usize,
    pub(super) places: Vec<PlaceName>,
    pub(super) hot: Vec<Hot>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hot {
    pub(super) place: usize,
    pub(super) wait_count: Count,
}
