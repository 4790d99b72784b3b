//! Work that the block does for itself: kinds, order, addresses, and the calldata that is fixed now.
//!
//! ```text
//!   pre:   Migrate · DevOverride · Wake · Prices · Liquidate · Redeem · Triggers · Rebalance · Epoch · Recover
//!   user:  what people signed
//!   post:  Match
//! ```
//!
//! A system transaction goes to [`SystemKind::target`] and carries its whole input as calldata, so that
//! executing it again needs nothing but the state. This room fixes names and numbers; a kind that no
//! contract serves yet is refused by `check` of the chain and never stands in a block.

use alloy_primitives::{Address, U256, address};
use alloy_sol_types::sol;

use crate::address::{Kind, native, parse};

/// Sender of every system transaction. No key can sign for it, and it differs from the system address
/// of EIP-7708.
pub const SYSTEM_SENDER: Address = address!("ca95ca95ca95ca95ca95ca9500000000000000ff");

/// Before or after the transactions of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before: prices are fixed and debts settled.
    Pre,
    /// After: what users asked for together is settled together.
    Post,
}

/// One kind of system work. The order of the variants is the order inside a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemKind {
    /// A bounded step of a layout migration.
    Migrate,
    /// What a developer asked for by `setBalance` and its like; refused outside development.
    DevOverride,
    /// That the chain stood still since the block before.
    Wake,
    /// Signed price reports.
    Prices,
    /// Accounts to liquidate.
    Liquidate,
    /// Debtors who pay dollars that wait for redemption.
    Redeem,
    /// Triggers to fire.
    Triggers,
    /// Products to bring back to their target.
    Rebalance,
    /// What machines claimed of an epoch, to draw audits and to settle.
    Epoch,
    /// Debts of machines: instalments that fell due, and the next step with those that do not pay.
    Recover,
    /// Matching and settlement.
    Match,
}

impl SystemKind {
    /// Every kind, in block order.
    pub const ALL: [Self; 11] = [
        Self::Migrate,
        Self::DevOverride,
        Self::Wake,
        Self::Prices,
        Self::Liquidate,
        Self::Redeem,
        Self::Triggers,
        Self::Rebalance,
        Self::Epoch,
        Self::Recover,
        Self::Match,
    ];

    /// Its permanent number, which is the id of its address.
    pub const fn number(self) -> u64 {
        match self {
            Self::Migrate => 1,
            Self::DevOverride => 2,
            Self::Prices => 3,
            Self::Liquidate => 4,
            Self::Triggers => 5,
            Self::Epoch => 6,
            Self::Match => 7,
            Self::Redeem => 8,
            Self::Rebalance => 9,
            Self::Recover => 10,
            Self::Wake => 11,
        }
    }

    /// Its name, in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Migrate => "Migrate",
            Self::DevOverride => "DevOverride",
            Self::Wake => "Wake",
            Self::Prices => "Prices",
            Self::Liquidate => "Liquidate",
            Self::Redeem => "Redeem",
            Self::Triggers => "Triggers",
            Self::Rebalance => "Rebalance",
            Self::Epoch => "Epoch",
            Self::Recover => "Recover",
            Self::Match => "Match",
        }
    }

    /// Where its transactions go.
    pub const fn target(self) -> Address {
        native(Kind::SYSTEM, self.number())
    }

    /// The kind whose transactions go to `target`.
    pub fn of_target(target: Address) -> Option<Self> {
        let (Kind::SYSTEM, number) = parse(target)? else {
            return None;
        };
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// When it runs.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Match => Phase::Post,
            _ => Phase::Pre,
        }
    }
}

sol! {
    /// One account as a developer wants it. An absent part (`has... = false`, an empty list) stays.
    #[derive(Debug, PartialEq, Eq)]
    struct AccountOverride {
        /// Whose state changes.
        address account;
        /// Whether `balance` counts.
        bool hasBalance;
        /// The new gas-coin balance, in wei.
        uint256 balance;
        /// Whether `nonce` counts.
        bool hasNonce;
        /// The new nonce.
        uint64 nonce;
        /// Whether `code` counts.
        bool hasCode;
        /// The new code; empty takes code away.
        bytes code;
        /// Storage words to set.
        SlotOverride[] slots;
    }

    /// One storage word.
    #[derive(Debug, PartialEq, Eq)]
    struct SlotOverride {
        /// Where.
        uint256 slot;
        /// The new word.
        uint256 word;
    }

    /// Calldata of a `DevOverride` transaction, ABI-encoded without a selector.
    #[derive(Debug, PartialEq, Eq, Default)]
    struct DevOverride {
        /// Accounts in the order in which they are applied.
        AccountOverride[] accounts;
    }
}

impl AccountOverride {
    /// Changes nothing of `account` yet.
    pub fn of(account: Address) -> Self {
        Self {
            account,
            hasBalance: false,
            balance: U256::ZERO,
            hasNonce: false,
            nonce: 0,
            hasCode: false,
            code: alloy_primitives::Bytes::new(),
            slots: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_phase_and_target_agree() {
        assert!(SystemKind::ALL.is_sorted());
        assert!(SystemKind::ALL.is_sorted_by_key(|kind| kind.phase()));
        for kind in SystemKind::ALL {
            assert_eq!(SystemKind::of_target(kind.target()), Some(kind));
            assert_eq!(kind.name(), format!("{kind:?}"));
        }
        assert_eq!(SystemKind::of_target(SYSTEM_SENDER), None);
    }
}
