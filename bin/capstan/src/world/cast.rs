//! Who sells, buys, audits and lends in the prepared world: ordinary keys that follow from the seed.

use alloy_primitives::{Address, keccak256};
use alloy_signer_local::PrivateKeySigner;
use eyre::{Result, WrapErr as _};

/// Most machines of a world.
pub(crate) const MACHINES_MAX: u32 = 3;
/// How many audit. Two of them decide.
const AUDITORS: u32 = 3;

/// A machine and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    /// From 1; machines count from 0, so that of a new chain has one less.
    pub(crate) number: u32,
    /// Who has its title, its income and its bond.
    pub(crate) holder: PrivateKeySigner,
    /// The machine's own key.
    pub(crate) key: PrivateKeySigner,
}

/// Everybody who has to do with machines.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    pub(crate) providers: Vec<Provider>,
    pub(crate) auditors: Vec<PrivateKeySigner>,
    /// Who pays, and the key with which his software buys.
    pub(crate) customer: PrivateKeySigner,
    pub(crate) spender: PrivateKeySigner,
    /// Who lends to machines, and who stands before him.
    pub(crate) lender: PrivateKeySigner,
    pub(crate) backer: PrivateKeySigner,
}

/// Those of a seed, with so many machines; none with none.
pub(crate) fn cast(seed: u64, machines: u32) -> Result<Option<Cast>> {
    if machines == 0 {
        return Ok(None);
    }
    let key = |who: String| {
        let bytes = keccak256(format!("capstan development {who} of seed {seed}"));
        PrivateKeySigner::from_bytes(&bytes).wrap_err("no key of the world")
    };
    let provider = |number| -> Result<Provider> {
        Ok(Provider {
            number,
            holder: key(format!("provider {number}"))?,
            key: key(format!("machine {number}"))?,
        })
    };
    let auditor = |number| key(format!("auditor {number}"));
    Ok(Some(Cast {
        providers: (1..=machines.min(MACHINES_MAX))
            .map(provider)
            .collect::<Result<_>>()?,
        auditors: (1..=AUDITORS).map(auditor).collect::<Result<_>>()?,
        customer: key("customer".to_owned())?,
        spender: key("customer's spending key".to_owned())?,
        lender: key("lender to machines".to_owned())?,
        backer: key("first loss of machines".to_owned())?,
    }))
}

impl Cast {
    /// With what pages call them.
    pub(crate) fn names(&self) -> Vec<(Address, String)> {
        let mut names = Vec::new();
        for Provider {
            number,
            holder,
            key,
        } in &self.providers
        {
            names.push((holder.address(), format!("provider {number}")));
            names.push((key.address(), format!("machine {number}")));
        }
        for (number, auditor) in (1..).zip(&self.auditors) {
            names.push((auditor.address(), format!("auditor {number}")));
        }
        names.push((self.customer.address(), "customer of machines".to_owned()));
        names.push((self.spender.address(), "customer's spending key".to_owned()));
        names.push((self.lender.address(), "lender to machines".to_owned()));
        names.push((self.backer.address(), "first loss of machines".to_owned()));
        names
    }

    /// Whose coins stand in the genesis.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Address> {
        self.names().into_iter().map(|(address, _)| address)
    }
}
