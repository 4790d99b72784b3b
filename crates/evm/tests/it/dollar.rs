//! The dollar is made, listed and read in the EVM: a native token that comes into being in the call that lists it.

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use capstan_contracts::dollar::{ADDRESS as DOLLAR, IDollar, savings};
use capstan_contracts::erc20::IErc20;
use capstan_contracts::ledger::{ADDRESS as LEDGER, ILedger};
use capstan_contracts::term::{ADDRESS as TERM, ITerm};

use crate::genesis::Chain;

fn ask<C: SolCall>(chain: &mut Chain, at: Address, call: &C) -> C::Return {
    let answer = chain.act(at, call);
    C::abi_decode_returns(&answer).expect("well-formed")
}

#[test]
fn the_dollar_opens_in_one_transaction() {
    let mut chain = Chain::new();
    let usd = U256::from(10).pow(U256::from(18));
    let params = IDollar::DollarParams {
        stabilityBps: 500,
        savingsBps: 400,
        redemptionFeeBps: 50,
        refillS: 3_600,
        ceiling: usd * U256::from(1_000_000),
        headroom: usd * U256::from(10_000),
        redemptionMin: usd,
        surplusFloor: U256::ZERO,
    };
    let token = ask(&mut chain, DOLLAR, &IDollar::openCall { params });
    let book = ask(&mut chain, DOLLAR, &IDollar::dollarCall {});
    assert_eq!(book.token, token);
    assert_eq!(book.mintable, usd * U256::from(10_000));
    let listed = ask(
        &mut chain,
        LEDGER,
        &ILedger::assetCall {
            assetId: book.assetId,
        },
    );
    assert_eq!((listed.token, listed.decimals, listed.kind), (token, 18, 1));
    assert_eq!(listed.symbol, "usd");
    assert_eq!(ask(&mut chain, token, &IErc20::symbolCall {}), "usd");
    let saved = ask(
        &mut chain,
        savings::ADDRESS,
        &capstan_contracts::erc4626::IErc4626::assetCall {},
    );
    assert_eq!(saved, token);
    // A schedule is read without any loan.
    let terms = ITerm::OfferTerms {
        assetId: book.assetId,
        rateBps: 600,
        instalments: 12,
        periodS: 2_628_000,
        amortisation: 1,
        graceS: 0,
        lateBps: 0,
        earlyFeeBps: 0,
        defaultS: 0,
        least: U256::ONE,
        expiresMs: u64::MAX,
    };
    let principal = U256::from(100_000_000_000_u64);
    let plan = ask(&mut chain, TERM, &ITerm::planCall { terms, principal });
    let sum: U256 = plan.iter().map(|one| one.principal).sum();
    assert_eq!((plan.len(), sum), (12, principal));
}
