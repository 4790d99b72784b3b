use alloy_json_abi::Function;
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolValue as _;

use super::*;

fn check_action(verb: Verb, args: Vec<u8>, shown: &str) {
    let args = args.into();
    let number = verb.number();
    let told = decode_action(&Action { verb: number, args }).map(|action| action.to_string());
    assert_eq!(told.as_deref(), Some(shown));
}

#[test]
fn actions_of_a_batch_read_as_words() {
    let amount = AssetAmount {
        assetId: 1,
        amount: U256::from(75),
    };
    check_action(
        Verb::Borrow,
        amount.abi_encode(),
        "borrow(assetId: 1, amount: 75)",
    );
    check_action(Verb::CloseAll, Vec::new(), "closeAll()");
    let call = ForeignCall {
        target: Address::ZERO,
        input: vec![1, 2].into(),
    };
    check_action(
        Verb::Call,
        call.abi_encode(),
        "call(target: 0x0000000000000000000000000000000000000000, input: 0x0102)",
    );
    let provision = Provision {
        poolId: 3,
        amountsMax: vec![U256::from(1), U256::from(2)],
        sharesMin: U256::from(9),
    };
    check_action(
        Verb::Provide,
        provision.abi_encode(),
        "provide(poolId: 3, amountsMax: [1, 2], sharesMin: 9)",
    );
    let leg = IExchange::Leg {
        poolId: 1,
        assetIn: 0,
        assetOut: 2,
        exactOut: false,
        amount: U256::from(5),
    };
    let bounds = IExchange::Bounds {
        assetIn: 0,
        paidMax: U256::from(5),
        assetOut: 2,
        receivedMin: U256::from(4),
    };
    let swap: Swap = (vec![leg], bounds, 7);
    check_action(
        Verb::Swap,
        swap.abi_encode(),
        "swap(legs: [(1, 0, 2, false, 5)], bounds: (0, 5, 2, 4), deadlineMs: 7)",
    );
}

#[test]
fn every_verb_says_what_it_takes() {
    for verb in Verb::ALL {
        let form = format!("function {}", verb.form());
        let parsed = Function::parse(&form).unwrap_or_else(|error| panic!("{form}: {error}"));
        let named = parsed.inputs.iter().all(|param| !param.name.is_empty());
        assert!(named && !verb.about().is_empty(), "{form}");
    }
    let number = Verb::Borrow.number();
    for (verb, args) in [(0, vec![]), (999, vec![]), (number, vec![1]), (9, vec![1])] {
        let args = args.into();
        assert_eq!(decode_action(&Action { verb, args }), None);
    }
}
