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

/// What family of contracts an address belongs to. Numbers are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Kind {
    /// Targets of system transactions; the id is the [`crate::system::SystemKind`].
    System = 0x0000,
    /// The token factory (id 0).
    TokenFactory = 0x0001,
    /// ERC-20 tokens made by the factory; the id counts from 1.
    Token = 0x0002,
    /// The ERC-20 face of the gas coin (id 0).
    Ether = 0x0003,
    /// Roles (id 0).
    Admin = 0x0004,
    /// Flash mint of factory tokens (id 0).
    Flash = 0x0005,
}

impl Kind {
    /// Every kind, in order of number.
    pub const ALL: [Self; 6] = [
        Self::System,
        Self::TokenFactory,
        Self::Token,
        Self::Ether,
        Self::Admin,
        Self::Flash,
    ];

    /// The number inside an address.
    pub const fn number(self) -> u16 {
        match self {
            Self::System => 0x0000,
            Self::TokenFactory => 0x0001,
            Self::Token => 0x0002,
            Self::Ether => 0x0003,
            Self::Admin => 0x0004,
            Self::Flash => 0x0005,
        }
    }

    /// The kind with this number.
    pub const fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            0x0000 => Self::System,
            0x0001 => Self::TokenFactory,
            0x0002 => Self::Token,
            0x0003 => Self::Ether,
            0x0004 => Self::Admin,
            0x0005 => Self::Flash,
            _ => return None,
        })
    }
}

/// The native address of `(kind, id)`. Ids beyond [`ID_MAX`] do not exist; their high bytes are cut,
/// so callers that count ids check first.
pub const fn native(kind: Kind, id: u64) -> Address {
    let (k, i) = (kind.number().to_be_bytes(), id.to_be_bytes());
    let mut bytes = [0; 20];
    let mut n = 0;
    while n < 12 {
        bytes[n] = PREFIX[n];
        n += 1;
    }
    bytes[12] = k[0];
    bytes[13] = k[1];
    let mut n = 0;
    while n < 6 {
        bytes[14 + n] = i[2 + n];
        n += 1;
    }
    Address::new(bytes)
}

/// Whether the address begins with [`PREFIX`]: no EVM code may be created there, kind known or not.
#[inline]
pub fn has_prefix(address: &Address) -> bool {
    address.0.0.starts_with(&PREFIX)
}

/// Reads `(kind, id)` back; `None` for a foreign address or an unknown kind.
#[inline]
pub fn parse(address: Address) -> Option<(Kind, u64)> {
    if !has_prefix(&address) {
        return None;
    }
    let [.., k0, k1, i0, i1, i2, i3, i4, i5] = address.0.0;
    let kind = Kind::from_number(u16::from_be_bytes([k0, k1]))?;
    Some((kind, u64::from_be_bytes([0, 0, i0, i1, i2, i3, i4, i5])))
}

/// Batches reads and calls, where every library expects it.
pub const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// Deploys by CREATE2, where deployment tools expect it.
pub const CREATE2_PROXY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
/// Addresses that are native although they lack the prefix.
pub const CANONICAL: [Address; 2] = [MULTICALL3, CREATE2_PROXY];

/// Makes tokens.
pub const TOKEN_FACTORY: Address = native(Kind::TokenFactory, 0);
/// The ERC-20 face of the gas coin.
pub const ETHER: Address = native(Kind::Ether, 0);
/// Who may do what.
pub const ADMIN: Address = native(Kind::Admin, 0);
/// Flash mint.
pub const FLASH: Address = native(Kind::Flash, 0);

#[cfg(test)]
mod tests;
