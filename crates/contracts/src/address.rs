//! Where native contracts live.
//!
//! ```text
//!   ca957a00 00000000 00000000 | kind u16 | id u48         20 bytes
//!   └────── PREFIX ──────────┘   0001       000000000000   = the token factory
//! ```
//!
//! A call goes to a native contract because of the *address*, never because of the code found there.
//! Nobody can put EVM code at a native address by CREATE or CREATE2 without a 96-bit hash collision,
//! and `evm` refuses even that. Two tools expect contracts at addresses of their own; those stand in
//! [`CANONICAL`] and are matched exactly.

use alloy_primitives::{Address, address};

/// First twelve bytes of every native address ("capsta" in hexadecimal letters, then zeros).
pub const PREFIX: [u8; 12] = [0xca, 0x95, 0x7a, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Largest id that an address holds.
pub const ID_MAX: u64 = (1 << 48) - 1;

/// What family of contracts an address belongs to. Each contract states its own, in its folder; numbers are
/// permanent, and a test refuses two contracts with one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(u16);

impl Kind {
    /// Targets of system transactions; the id is the [`crate::system::SystemKind`].
    pub const SYSTEM: Self = Self(0);

    /// The kind with this number. Zero is the system's.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number inside an address.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// The native address of `(kind, id)`. Ids beyond [`ID_MAX`] do not exist; their high bytes are cut,
/// so callers that count ids check first.
pub const fn native(kind: Kind, id: u64) -> Address {
    let [p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11] = PREFIX;
    let [k0, k1] = kind.number().to_be_bytes();
    let [_, _, i0, i1, i2, i3, i4, i5] = id.to_be_bytes();
    Address::new([
        p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, k0, k1, i0, i1, i2, i3, i4, i5,
    ])
}

/// Whether the address begins with [`PREFIX`]: no EVM code may be created there, kind known or not.
#[inline]
pub fn has_prefix(address: &Address) -> bool {
    address.0.0.starts_with(&PREFIX)
}

/// Reads `(kind, id)` back; `None` for a foreign address.
#[inline]
pub fn parse(address: Address) -> Option<(Kind, u64)> {
    if !has_prefix(&address) {
        return None;
    }
    let [.., k0, k1, i0, i1, i2, i3, i4, i5] = address.0.0;
    let kind = Kind(u16::from_be_bytes([k0, k1]));
    Some((kind, u64::from_be_bytes([0, 0, i0, i1, i2, i3, i4, i5])))
}

/// Batches reads and calls, where every library expects it.
pub const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// Deploys by CREATE2, where deployment tools expect it.
pub const CREATE2_PROXY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
/// Addresses that are native although they lack the prefix.
pub const CANONICAL: [Address; 2] = [MULTICALL3, CREATE2_PROXY];

#[cfg(test)]
mod tests;
