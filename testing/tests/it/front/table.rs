//! The table of methods, its page, and its tests belong together.

use std::{fs, path::PathBuf};

use capstan_rpc::{Methods, methods::Offer};

const BEGIN: &str =
    "<!-- methods: CAPSTAN_BLESS=1 cargo nextest run -p capstan-testing rpc_15 writes them -->\n";
const END: &str = "<!-- end of methods -->\n";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn generated() -> String {
    let mut text = String::from("| method | arguments | what |\n|---|---|---|\n");
    let table = Methods::all();
    let mut rows: Vec<_> = table.rows().iter().collect();
    rows.sort_by_key(|row| row.name);
    for row in rows {
        let arguments = match row.params.as_slice() {
            [] => String::new(),
            params => format!("`{}`", params.join(", ")),
        };
        let marks = match (row.writes, row.offer) {
            (_, Offer::Dev) => " *(dev)*",
            (true, Offer::Always) => " *(writes)*",
            (false, Offer::Always) => "",
        };
        text.push_str(&format!(
            "| `{}` | {arguments} | {}{marks} |\n",
            row.name, row.about
        ));
    }
    text
}

/// RPC-15
#[test]
fn rpc_15_the_page_lists_exactly_the_table() {
    let path = root().join("specs/rpc.md");
    let page = fs::read_to_string(&path).expect("specs/rpc.md");
    let (head, rest) = page.split_once(BEGIN).expect("the page has the begin mark");
    let (listed, tail) = rest.split_once(END).expect("the page has the end mark");
    let fresh = generated();
    if std::env::var_os("CAPSTAN_BLESS").is_some() {
        fs::write(&path, format!("{head}{BEGIN}{fresh}{END}{tail}")).expect("written");
        return;
    }
    assert!(
        listed == fresh,
        "specs/rpc.md is stale: run the command in its comment"
    );
}

/// RPC-15
#[test]
fn rpc_15_every_method_is_called_by_a_test() {
    let mut sources = String::new();
    for folder in ["tests/it/front", "tests/it/methods"] {
        let folder = root().join("testing").join(folder);
        for file in fs::read_dir(&folder).expect("the suites are here") {
            let path = file.expect("readable").path();
            // This file and the fault tests name methods without looking at their answers.
            if path.ends_with("table.rs") || path.ends_with("faults.rs") {
                continue;
            }
            sources.push_str(&fs::read_to_string(&path).expect("text"));
        }
    }
    // A case of `testing/conformance` states the answer.
    for folder in fs::read_dir(root().join("testing/conformance")).expect("the cases are here") {
        let name = folder.expect("readable").file_name();
        sources.push_str(&format!("\"{}\"", name.to_string_lossy()));
    }
    let table = Methods::all();
    let untested: Vec<&str> = table
        .rows()
        .iter()
        .map(|row| row.name)
        .filter(|name| !sources.contains(&format!("\"{name}\"")))
        .collect();
    assert!(untested.is_empty(), "no test calls {untested:?}");
}

/// What MetaMask, viem, ethers, cast, Hardhat and Blockscout call, from their sources, and what Ethereum's
/// execution-apis list (the Engine API apart).
const EXPECTED: [&str; 79] = [
    "web3_clientVersion",
    "web3_sha3",
    "net_version",
    "net_listening",
    "net_peerCount",
    "eth_chainId",
    "eth_blockNumber",
    "eth_syncing",
    "eth_accounts",
    "eth_gasPrice",
    "eth_maxPriorityFeePerGas",
    "eth_feeHistory",
    "eth_blobBaseFee",
    "eth_getBalance",
    "eth_getCode",
    "eth_getStorageAt",
    "eth_getTransactionCount",
    "eth_getProof",
    "eth_call",
    "eth_estimateGas",
    "eth_createAccessList",
    "eth_simulateV1",
    "eth_sendRawTransaction",
    "eth_sendRawTransactionSync",
    "eth_sendTransaction",
    "eth_fillTransaction",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getBlockTransactionCountByHash",
    "eth_getBlockTransactionCountByNumber",
    "eth_getBlockReceipts",
    "eth_getUncleCountByBlockHash",
    "eth_getUncleCountByBlockNumber",
    "eth_getUncleByBlockHashAndIndex",
    "eth_getUncleByBlockNumberAndIndex",
    "eth_getTransactionByHash",
    "eth_getTransactionByBlockHashAndIndex",
    "eth_getTransactionByBlockNumberAndIndex",
    "eth_getTransactionReceipt",
    "eth_getLogs",
    "eth_newFilter",
    "eth_newBlockFilter",
    "eth_newPendingTransactionFilter",
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_uninstallFilter",
    "eth_subscribe",
    "eth_unsubscribe",
    "eth_getBlockAccessList",
    "eth_config",
    "eth_capabilities",
    "eth_coinbase",
    "eth_baseFee",
    "eth_getStorageValues",
    "debug_getBadBlocks",
    "debug_getRawBlockAccessList",
    "eth_sendUnsignedTransaction",
    "debug_traceTransaction",
    "debug_traceCall",
    "debug_traceBlockByNumber",
    "debug_traceBlockByHash",
    "debug_getRawBlock",
    "debug_getRawHeader",
    "debug_getRawReceipts",
    "debug_getRawTransaction",
    "txpool_status",
    "txpool_content",
    "txpool_contentFrom",
    "hardhat_getAutomine",
    "evm_snapshot",
    "evm_revert",
    "evm_mine",
    "evm_increaseTime",
    "evm_setNextBlockTimestamp",
    "hardhat_setBalance",
    "hardhat_setCode",
    "hardhat_setStorageAt",
    "hardhat_impersonateAccount",
    "capstan_contracts",
];

#[test]
fn every_method_that_clients_expect_is_there() {
    let table = Methods::all();
    let missing: Vec<&str> = EXPECTED
        .iter()
        .copied()
        .filter(|name| table.find(name).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
