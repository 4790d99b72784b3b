//! What a reporter signs, and whether a signed report counts.

use alloy_primitives::{Address, B256, U256, b256};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue};
use capstan_state::{Ctx, Halt};
use capstan_units::Price;

use super::ADDRESS as ORACLE;
use super::{
    abi::IOracle::{Report, SignedReport},
    error::Refusal,
    params::{ENTRIES_MAX, REPORT_AGE_MS_MAX},
    state::OracleState,
};

const STATE: OracleState = OracleState::new();

/// Name of the EIP-712 domain.
pub(super) const DOMAIN_NAME: &str = "Capstan Oracle";
/// Version of the EIP-712 domain.
pub(super) const DOMAIN_VERSION: &str = "1";

/// `keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")`.
const DOMAIN_TYPEHASH: B256 =
    b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");
/// `keccak256("Capstan Oracle")`.
const NAME_HASH: B256 = b256!("4a630b9cca78c279a4fbb4ca58f5a4a082bdc4d3686d91638773be59713a1f30");
/// `keccak256("1")`.
const VERSION_HASH: B256 =
    b256!("c89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6");
/// `keccak256("Report(uint64 round,uint64 timeMs,Entry[] entries)Entry(uint32 assetId,uint128 price,uint16 confidenceBps)")`.
const REPORT_TYPEHASH: B256 =
    b256!("62910e890f018965c03cdbbe1eef88af3adc9f6d6eb24cc1b207d7a4cc5001d1");
/// `keccak256("Entry(uint32 assetId,uint128 price,uint16 confidenceBps)")`.
const ENTRY_TYPEHASH: B256 =
    b256!("e82fe7e9fbb19e6b39d957d5525dc7de760dda18fcb97e1ed1af3b5c2d7bae14");

/// The digest that a reporter signs: for whoever signs, and for a node that checks before it passes a report on.
/// The contract computes the same with the store's metered hash; a test holds them together.
pub fn digest(chain_id: u64, report: &Report) -> B256 {
    let domain = Eip712Domain {
        name: Some(DOMAIN_NAME.into()),
        version: Some(DOMAIN_VERSION.into()),
        chain_id: Some(U256::from(chain_id)),
        verifying_contract: Some(ORACLE),
        salt: None,
    };
    report.eip712_signing_hash(&domain)
}

/// The same, metered. `cx` is the oracle's own frame.
fn metered_digest(cx: &mut Ctx<'_>, report: &Report) -> Result<B256, Halt> {
    let mut entries = Vec::new();
    for entry in &report.entries {
        let words = (
            ENTRY_TYPEHASH,
            entry.assetId,
            entry.price,
            U256::from(entry.confidenceBps),
        );
        entries.extend_from_slice(cx.store.keccak(&words.abi_encode())?.as_slice());
    }
    let entries_hash = cx.store.keccak(&entries)?;
    let words = (REPORT_TYPEHASH, report.round, report.timeMs, entries_hash);
    let report_hash = cx.store.keccak(&words.abi_encode())?;
    let chain_id = U256::from(cx.store.block().chain_id);
    let domain = (
        DOMAIN_TYPEHASH,
        NAME_HASH,
        VERSION_HASH,
        chain_id,
        cx.this(),
    );
    let domain_hash = cx.store.keccak(&domain.abi_encode())?;
    cx.store
        .keccak(&[b"\x19\x01".as_slice(), &domain_hash.0, &report_hash.0].concat())
}

/// What a report says by itself must be right, whoever signed it and whenever it is read.
pub fn check_form(report: &Report) -> Result<(), Refusal> {
    let count = u64::try_from(report.entries.len()).unwrap_or(u64::MAX);
    let malformed = |index| Err(Refusal::Malformed { index, count });
    if report.entries.is_empty() || report.entries.len() > ENTRIES_MAX {
        return malformed(0);
    }
    let mut last = None;
    for (index, entry) in (0..).zip(&report.entries) {
        let rising = last.is_none_or(|last| entry.assetId > last);
        let priced = Price::new(entry.price).is_ok_and(|price| price > Price::ZERO);
        if !rising || !priced {
            return malformed(index);
        }
        last = Some(entry.assetId);
    }
    Ok(())
}

/// Whether a report's time fits a block's.
pub fn check_time(report: &Report, now_ms: u64) -> Result<(), Refusal> {
    let time_ms = report.timeMs;
    let Some(age_ms) = now_ms.checked_sub(time_ms) else {
        return Err(Refusal::Early { time_ms, now_ms });
    };
    let max_ms = REPORT_AGE_MS_MAX;
    if age_ms > max_ms {
        return Err(Refusal::Expired { age_ms, max_ms });
    }
    Ok(())
}

/// Whether a report comes after another one of its reporter, which was of `latest` round and time.
pub fn check_order(report: &Report, latest: u64, latest_ms: u64) -> Result<(), Refusal> {
    let (round, time_ms) = (report.round, report.timeMs);
    if round <= latest {
        return Err(Refusal::OldRound { round, latest });
    }
    if time_ms < latest_ms {
        return Err(Refusal::TimeFell { time_ms, latest_ms });
    }
    Ok(())
}

/// Whether a report counts (ORC-2). Reads, writes nothing. `cx` is the oracle's own frame, `reporters` are those that
/// count now.
pub(super) fn check(
    cx: &mut Ctx<'_>,
    reporters: &[Address],
    signed: &SignedReport,
) -> Result<Result<(), Refusal>, Halt> {
    let SignedReport {
        reporter,
        report,
        v,
        r,
        s,
    } = signed;
    if !reporters.contains(reporter) {
        return Ok(Err(Refusal::NotAReporter));
    }
    let now_ms = cx.store.block().time_ms;
    let latest = STATE.spoken.at(*reporter).load(cx)?;
    let said = check_form(report)
        .and_then(|()| check_time(report, now_ms))
        .and_then(|()| check_order(report, latest.round, latest.time_ms));
    if let Err(refusal) = said {
        return Ok(Err(refusal));
    }
    let digest = metered_digest(cx, report)?;
    let signer = cx.store.recover(digest, *v, *r, *s)?;
    Ok(if signer == Some(*reporter) {
        Ok(())
    } else {
        Err(Refusal::WrongSigner)
    })
}
