//! Ids. Each is a type of its own, so a pool cannot be asked for by the id of a market.

use core::fmt;

use alloy_primitives::{Address, U256};

use crate::NumberError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($inner:ident);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($inner);

        impl $name {
            /// The id with this number.
            pub const fn new(number: $inner) -> Self {
                Self(number)
            }

            /// Its number.
            pub const fn get(self) -> $inner {
                self.0
            }

            /// The id after this one; `None` behind the last.
            pub const fn next(self) -> Option<Self> {
                match self.0.checked_add(1) {
                    Some(number) => Some(Self(number)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// An asset that the protocol lists. The gas coin and its ERC-20 face are one.
    AssetId(u32);
    /// A lending market.
    MarketId(u32);
    /// A pool of the exchange.
    PoolId(u32);
    /// A perpetual's order book.
    PerpMarketId(u32);
    /// A resting order.
    OrderId(u64);
    /// A leveraged token or a strategy vault.
    ProductId(u32);
    /// A stream of value.
    StreamId(u64);
    /// A farm.
    FarmId(u32);
    /// A liquidation: made by [`LiquidationId::at`] from where it happened.
    LiquidationId(u64);
}

impl LiquidationId {
    /// The `index`-th liquidation of the block at `height`, from zero.
    pub fn at(height: u64, index: u16) -> Result<Self, NumberError> {
        let shifted = height.checked_mul(0x1_0000);
        let number = shifted.ok_or(NumberError::TooLarge {
            kind: "height of a liquidation",
            value: U256::from(height),
            max: U256::from(u64::MAX >> 16),
        })?;
        Ok(Self(number | u64::from(index)))
    }

    /// Height of its block.
    pub const fn height(self) -> u64 {
        self.0 >> 16
    }
}

/// One of the up to 256 accounts of an owner. It is never an address: natives live at neighbouring addresses and
/// would own each other's accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    /// Who owns it.
    pub owner: Address,
    /// Which of the owner's.
    pub index: u8,
}

impl AccountId {
    /// Bytes of [`to_bytes`](Self::to_bytes).
    pub const BYTES: usize = 21;

    /// The owner's account with this index.
    pub const fn new(owner: Address, index: u8) -> Self {
        Self { owner, index }
    }

    /// Owner, then index.
    #[inline]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [self.index; Self::BYTES];
        let (owner, _) = bytes.split_at_mut(Address::len_bytes());
        owner.copy_from_slice(self.owner.as_slice());
        bytes
    }

    /// Reads [`to_bytes`](Self::to_bytes) back.
    #[inline]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [owner @ .., index] = bytes;
        Self::new(Address::new(owner), index)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.owner, self.index)
    }
}
