//! What is signed between a customer's key and a machine: the words of specs/jobs.md, under the domain of its contract.

use alloy_primitives::{Address, B256, Signature, U256, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue as _, eip712_domain, sol};
use serde::{Deserialize, Serialize};

sol! {
    /// What a channel owes for one epoch: the sum of all its receipts of it, the dearest of them, and the root of their tree.
    #[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    struct Voucher {
        bytes32 channel;
        uint64 epoch;
        uint256 cost;
        uint256 largest;
        uint64 inputUnits;
        uint64 outputUnits;
        uint32 receipts;
        bytes32 root;
    }
}

/// Where vouchers are settled: a contract on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Court {
    /// The chain.
    pub chain_id: u64,
    /// The contract.
    pub contract: Address,
}

impl Court {
    fn domain(&self) -> Eip712Domain {
        eip712_domain! {
            name: "Capstan Jobs",
            version: "1",
            chain_id: self.chain_id,
            verifying_contract: self.contract,
        }
    }

    /// What is signed of a voucher.
    pub fn digest(&self, voucher: &Voucher) -> B256 {
        voucher.eip712_signing_hash(&self.domain())
    }

    /// A key's word for a voucher.
    ///
    /// # Errors
    /// The key refused.
    pub fn sign(
        &self,
        voucher: &Voucher,
        key: &PrivateKeySigner,
    ) -> Result<Signature, alloy_signer::Error> {
        key.sign_hash_sync(&self.digest(voucher))
    }

    /// Whether it is this key's word. A signature with a high s is nobody's.
    pub fn is_said(&self, voucher: &Voucher, by: Address, signature: &Signature) -> bool {
        let signer = signature.recover_address_from_prehash(&self.digest(voucher));
        signature.normalize_s().is_none() && signer.is_ok_and(|signer| signer == by)
    }
}

/// The channel of a customer's key at a machine for a class of work.
pub fn channel_of(customer: Address, key: Address, machine_id: u64, class_id: u32) -> B256 {
    keccak256((customer, key, machine_id, U256::from(class_id)).abi_encode())
}
