//! A contract in a folder of its own, beside the chain's: what a stranger writes by `specs/adding-a-contract.md`
//! works through the framework alone, in memory and inside the EVM, with shares that are ERC-20 tokens.
//!
//! ```text
//!   vault.deposit(5) ──► 5 coins in ──► 5 shares, by the face that every token has (`erc20`)
//! ```

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolError, sol};
use capstan_contracts::{
    Contract, Entry, Interface, Kind, Place, SystemKind,
    contract::emit,
    erc20::{self, Book, Holdings, IErc20, Issued},
    invariant::{Broken, check_one, holds},
    native, refuse_delegated, revert,
};
use capstan_evm::{
    BlockContext, Natives, Rules,
    call::{Checks, Session},
    mem::MemState,
};
use capstan_state::{
    Balance, BlockInfo, Ctx, Halt, Layout, Map, ProtocolVersion, Store, Total, Value, View,
    mem::MemStore,
};
use revm::{
    context::TxEnv,
    context_interface::result::{ExecutionResult, Output},
    primitives::TxKind,
};

/// `vault/mod.rs`: the door.
const VAULT: Address = native(Kind::new(0x7000), 0);

static CONTRACT: Contract = Contract {
    name: "vault",
    doc: "Coins in, shares out.",
    place: Place::At(VAULT),
    entry: Entry::Verbs(VERBS),
    interfaces: &[
        Interface {
            name: "vault",
            abi: IVault::abi::contract,
            source: include_str!("example.rs"),
        },
        erc20::INTERFACE,
    ],
    errors_of: &[],
    system: &[],
    layout: VaultState::LAYOUT,
    genesis: |_, _| Ok(()),
    invariants: check,
};

// `vault/abi.rs`: interface and table.
use IVault::*;
sol! {
    /// Coins in, shares out.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IVault is IErc20 {
        /// Somebody put coins in.
        event Deposited(address indexed owner, uint256 amount);
        /// Nothing came with the call. Send coins.
        error VaultNothingSent();
        /// Makes a share for each coin that comes along.
        function deposit() external payable returns (uint256 shares);
        /// Pays out the coins of `shares` of the caller.
        function withdraw(uint256 shares) external;
    }
}

capstan_contracts::verbs! { IVaultCalls, and erc20::verbs::<ShareBook>();
    #[payable] depositCall: Write, 200 => |cx, _| deposit(cx);
    withdrawCall: Write, 200 => |cx, c| withdraw(cx, c.shares);
}

/// `vault/state.rs`: layout.
#[derive(Layout)]
struct VaultState {
    #[tag(1)]
    supply: Total,
    #[tag(2)]
    balances: Map<Address, Balance>,
    #[tag(3)]
    allowances: Map<(Address, Address), Value<U256>>,
    #[tag(4)]
    nonces: Map<Address, Value<U256>>,
}

const STATE: VaultState = VaultState::new();

struct ShareBook;

impl Book for ShareBook {
    fn balance_of(cx: &mut Ctx<'_>, owner: Address) -> Result<U256, Halt> {
        Self::holdings().balance_of(cx, owner)
    }

    fn shift(cx: &mut Ctx<'_>, from: Address, to: Address, amount: U256) -> Result<bool, Halt> {
        Self::holdings().shift(cx, from, to, amount)
    }

    fn total_supply(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
        Self::holdings().total(cx)
    }

    fn allowance(owner: Address, spender: Address) -> Value<U256> {
        STATE.allowances.at((owner, spender))
    }

    fn nonces() -> Map<Address, Value<U256>> {
        STATE.nonces
    }

    fn name(_: &mut Ctx<'_>) -> Result<String, Halt> {
        Ok("Vault share".to_owned())
    }

    fn symbol(_: &mut Ctx<'_>) -> Result<String, Halt> {
        Ok("VS".to_owned())
    }

    fn decimals(_: &mut Ctx<'_>) -> Result<u8, Halt> {
        Ok(18)
    }
}

impl Issued for ShareBook {
    fn holdings() -> Holdings {
        Holdings {
            supply: STATE.supply,
            balances: STATE.balances,
        }
    }
}

// `vault/actions.rs`: load, check, compute, write, event.
fn deposit(cx: &mut Ctx<'_>) -> Result<U256, Halt> {
    let (owner, amount) = (cx.caller(), cx.frame.value);
    if amount.is_zero() {
        return Err(revert(&VaultNothingSent {}));
    }
    erc20::mint::<ShareBook>(cx, owner, amount)?;
    emit(cx, &Deposited { owner, amount })?;
    Ok(amount)
}

fn withdraw(cx: &mut Ctx<'_>, shares: U256) -> Result<(), Halt> {
    let (this, owner) = (cx.this(), cx.caller());
    erc20::burn::<ShareBook>(cx, owner, shares)?;
    match cx.store.coin_move(this, owner, shares)? {
        true => Ok(()),
        false => Err(Halt::Fatal("the vault is short of coins".into())),
    }
}

/// `vault/invariants.rs`: every share has its coin.
fn check(world: &dyn View, cx: &mut Ctx<'_>) -> Result<(), Broken> {
    ShareBook::holdings().check(world, cx)?;
    let (shares, coins) = (ShareBook::total_supply(cx)?, world.coins_of(cx.this())?);
    holds(shares <= coins, "EXAMPLE-1", || {
        format!("{shares} shares, {coins} coins")
    })
}

/// `registry.rs`: one line. Here, a registry of one.
struct Registry;

impl Natives for Registry {
    fn owns(&self, at: Address) -> bool {
        at == VAULT
    }

    fn run(&self, cx: &mut Ctx<'_>, input: &[u8]) -> Result<Bytes, Halt> {
        CONTRACT.run(cx, input)
    }

    fn serves_system(&self, at: Address) -> bool {
        SystemKind::of_target(at).is_some()
    }

    fn run_system(&self, _: &mut Ctx<'_>, _: &[u8]) -> Result<Bytes, Halt> {
        Err(Halt::Fatal("no system work".into()))
    }

    fn refuse_delegated(&self) -> Halt {
        refuse_delegated()
    }
}

const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);

fn n(value: u64) -> U256 {
    U256::from(value)
}

/// The same sequence for every store: (caller, coins that come along, calldata, what comes back).
fn sequence() -> Vec<(Address, u64, Vec<u8>, Result<Vec<u8>, Vec<u8>>)> {
    let word = |value: u64| n(value).to_be_bytes::<32>().to_vec();
    let to = BOB;
    let short = IErc20::ERC20InsufficientBalance {
        sender: BOB,
        balance: n(2),
        needed: n(3),
    };
    vec![
        (
            ALICE,
            0,
            depositCall {}.abi_encode(),
            Err(VaultNothingSent {}.abi_encode()),
        ),
        (ALICE, 5, depositCall {}.abi_encode(), Ok(word(5))),
        (
            ALICE,
            0,
            IErc20::transferCall { to, value: n(2) }.abi_encode(),
            Ok(word(1)),
        ),
        (
            BOB,
            0,
            withdrawCall { shares: n(3) }.abi_encode(),
            Err(short.abi_encode()),
        ),
        (
            BOB,
            0,
            withdrawCall { shares: n(2) }.abi_encode(),
            Ok(vec![]),
        ),
        (BOB, 0, IErc20::totalSupplyCall {}.abi_encode(), Ok(word(3))),
    ]
}

#[test]
fn a_contract_of_its_own_folder_runs_in_memory() {
    let mut store = MemStore::new();
    store.deploy_marker(VAULT).expect("deploys");
    store.set_coins(ALICE, n(10));
    for (caller, coins, input, expected) in sequence() {
        store.next_transaction(1_000_000);
        let answer = store.attempt(|store| {
            assert!(store.coin_move(caller, VAULT, n(coins))?);
            let mut cx = store.frame(VAULT, caller);
            cx.frame.value = n(coins);
            CONTRACT.run(&mut cx, &input)
        });
        let expected = expected.map(Bytes::from);
        assert_eq!(answer, expected.map_err(|error| Halt::Revert(error.into())));
        assert_eq!(check_one(&CONTRACT, &store, VAULT), Ok(()));
    }
    assert_eq!(
        (store.coins(ALICE), store.coins(BOB), store.coins(VAULT)),
        (n(5), n(2), n(3))
    );
    store.set_coins(VAULT, n(2));
    let broken = check_one(&CONTRACT, &store, VAULT).expect_err("a coin is missing");
    assert_eq!(broken.id, "EXAMPLE-1");
}

#[test]
fn a_contract_of_its_own_folder_runs_in_the_evm() {
    let rules = Rules::new(31_337);
    let info = BlockInfo {
        chain_id: 31_337,
        number: 1,
        time_ms: 1_700_000_000_000,
        beneficiary: Address::ZERO,
        base_fee_wei: 0,
        prevrandao: B256::ZERO,
        gas_limit: rules.gas_limit(),
        version: ProtocolVersion(1),
    };
    let block = BlockContext {
        info,
        parent_hash: B256::ZERO,
        parent_beacon_root: B256::ZERO,
    };
    let mut state = MemState::new();
    state.put(ALICE, n(10), 0, Bytes::new(), []);
    state.put(VAULT, U256::ZERO, 1, Bytes::from_static(&[0xfe]), []);
    let mut session =
        Session::open_with(Arc::new(rules), Arc::new(state), block, &Registry).expect("opens");
    for (caller, coins, input, expected) in sequence() {
        let tx = TxEnv {
            caller,
            kind: TxKind::Call(VAULT),
            value: n(coins),
            data: input.into(),
            gas_limit: 1_000_000,
            gas_price: 0,
            chain_id: None,
            ..TxEnv::default()
        };
        let ran = session.run(tx, Checks::NONE).expect("valid");
        session.commit(&ran.state);
        let answer = match ran.result {
            ExecutionResult::Success {
                output: Output::Call(output),
                ..
            } => Ok(output.to_vec()),
            ExecutionResult::Revert { output, .. } => Err(output.to_vec()),
            other => panic!("{other:?}"),
        };
        assert_eq!(answer, expected);
    }
}

/// What tools are told comes from the same lines: the face's verbs, the contract's own, and the errors of both.
#[test]
fn tools_are_told_everything() {
    let abi = CONTRACT.abi();
    let functions: Vec<_> = abi
        .functions()
        .map(|function| function.signature())
        .collect();
    for signature in [
        "deposit()",
        "withdraw(uint256)",
        "transfer(address,uint256)",
        "nonces(address)",
    ] {
        assert!(
            functions.iter().any(|known| known == signature),
            "{signature}: {functions:?}"
        );
    }
    for error in [
        "VaultNothingSent",
        "ERC20InsufficientBalance",
        "NativeUnknownVerb",
    ] {
        assert!(abi.errors.contains_key(error), "{error}");
    }
    assert_eq!(
        CONTRACT
            .verb(depositCall::SELECTOR)
            .map(|verb| verb.payable),
        Some(true)
    );
}
