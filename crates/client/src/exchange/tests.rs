//! What a wallet checks before it signs a quote.

use capstan_contracts::exchange::IExchange::{Bounds, Leg};

use super::*;

const WALLET: Address = Address::repeat_byte(0x11);

fn fixed(amount: u64) -> Fixed {
    Fixed {
        amount: U256::from(amount),
        decimals: 6,
        text: String::new(),
    }
}

fn swap() -> swapCall {
    swapCall {
        legs: vec![Leg {
            poolId: 4,
            assetIn: 1,
            assetOut: 2,
            exactOut: false,
            amount: U256::ZERO,
        }],
        bounds: Bounds {
            assetIn: 1,
            paidMax: U256::from(1_000),
            assetOut: 2,
            receivedMin: U256::from(900),
        },
        to: WALLET,
        deadlineMs: 7,
    }
}

fn quote_of(swap: &swapCall) -> Quote {
    Quote {
        paid: fixed(1_000),
        received: fixed(905),
        paid_max: fixed(1_000),
        received_min: fixed(900),
        price: None,
        spot_price: None,
        price_impact_bps: 0,
        fee_pips: 0,
        route: String::new(),
        target: ADDRESS,
        spender: None,
        calldata: Some(swap.abi_encode().into()),
    }
}

fn asked(exact_out: bool) -> SwapAsked {
    SwapAsked {
        from: 1,
        to: 2,
        amount: U256::from(if exact_out { 900 } else { 1_000 }),
        exact_out,
        slippage_bps: 50,
        receiver: WALLET,
    }
}

/// CLI-10
#[test]
fn only_what_was_asked_is_signed() {
    let honest = quote_of(&swap());
    for exact_out in [false, true] {
        let call = honest.call(&asked(exact_out)).expect("what was asked");
        assert_eq!((call.to, call.value_wei), (ADDRESS, U256::ZERO));
        assert_eq!(call.input, swap().abi_encode());
    }
    let check = |what: &str, change: &dyn Fn(&mut swapCall)| {
        let mut other = swap();
        change(&mut other);
        assert_eq!(quote_of(&other).call(&asked(false)), None, "{what}");
    };
    check("another receiver", &|swap| {
        swap.to = Address::repeat_byte(0x22)
    });
    check("another asset is paid", &|swap| swap.bounds.assetIn = 3);
    check("another asset is received", &|swap| {
        swap.bounds.assetOut = 3
    });
    check("more is paid", &|swap| {
        swap.bounds.paidMax = U256::from(1_001)
    });
    check("less is received", &|swap| {
        swap.bounds.receivedMin = U256::from(899)
    });
    let elsewhere = Quote {
        target: WALLET,
        ..honest.clone()
    };
    assert_eq!(elsewhere.call(&asked(false)), None, "another contract");
    let garbage = Quote {
        calldata: Some(Bytes::from_static(b"swap")),
        ..honest.clone()
    };
    assert_eq!(garbage.call(&asked(false)), None, "no call at all");
    let nothing = Quote {
        calldata: None,
        ..honest
    };
    assert_eq!(nothing.call(&asked(false)), None);
}
