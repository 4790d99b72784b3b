//! The handles over a store in memory.

use alloy_primitives::{Address, U256, address};
use capstan_units::Assets;

use crate::{
    Balance, Ctx, Halt, Layout, List, Lock, Map, Packed, Record, ReentrantCall, Store, Text, Total,
    Value, mem::MemStore, snapshot,
};

const THIS: Address = address!("00000000000000000000000000000000000000aa");
const ALICE: Address = address!("00000000000000000000000000000000000a11ce");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
struct Order {
    owner: Address,
    expiry_ms: u64,
    open: bool,
    amount: Assets,
}

#[derive(Layout)]
struct Everything {
    #[tag(1)]
    count: Value<u64>,
    #[tag(2)]
    supply: Total,
    #[tag(3)]
    balances: Map<Address, Balance>,
    #[tag(4)]
    allowances: Map<Address, Map<Address, Value<U256>>>,
    #[tag(5)]
    orders: Map<u64, Record<Order>>,
    #[tag(6)]
    queue: List<Order, 3>,
    #[tag(7)]
    name: Text<64>,
    #[tag(8)]
    lock: Lock,
    #[tag(9)]
    symbols: Map<U256, Text<31>>,
}

const LAYOUT: Everything = Everything::new();

fn with<R>(verb: impl FnOnce(&mut Ctx<'_>) -> Result<R, Halt>) -> Result<R, Halt> {
    let mut store = MemStore::new();
    verb(&mut store.frame(THIS, ALICE))
}

#[test]
fn layout_table_is_the_stored_format() {
    assert_eq!(
        snapshot(Everything::LAYOUT),
        "\
1 count: Value<u64>
2 supply: Total<Assets>
3 balances: Map<Address, Balance<Assets>>
4 allowances: Map<Address, Map<Address, Value<U256>>> (hashed keys)
5 orders: Map<u64, Record<Order>>
    owner: Address in word 0, bytes 0..20
    expiry_ms: u64 in word 0, bytes 20..28
    open: bool in word 0, bytes 28..29
    amount: Assets in word 1, bytes 0..14
6 queue: List<Order, 3>
7 name: Text<64>
8 lock: Lock
9 symbols: Map<U256, Text<31>> (hashed keys)
"
    );
}
