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

    /// A spending key asks a machine for something: the hash of what it sends, when, and what the answer may cost at most.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Errand {
        bytes32 channel;
        bytes32 body;
        uint64 timeMs;
        uint128 most;
    }

    /// An auditor asks a machine for what it keeps of a receipt.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Inspection {
        bytes32 receipt;
        uint64 timeMs;
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

    /// What is signed of a voucher, or of what else is said under this court.
    pub fn digest(&self, said: &impl SolStruct) -> B256 {
        said.eip712_signing_hash(&self.domain())
    }

    /// A key's word for it.
    ///
    /// # Errors
    /// The key refused.
    pub fn sign(
        &self,
        said: &impl SolStruct,
        key: &PrivateKeySigner,
    ) -> Result<Signature, alloy_signer::Error> {
        key.sign_hash_sync(&self.digest(said))
    }

    /// Whether it is this key's word. A signature with a high s is nobody's.
    pub fn is_said(&self, said: &impl SolStruct, by: Address, signature: &Signature) -> bool {
        self.who_says(said, signature) == Some(by)
    }

    /// Whose word it is, if it is anybody's.
    pub fn who_says(&self, said: &impl SolStruct, signature: &Signature) -> Option<Address> {
        let signer = signature.recover_address_from_prehash(&self.digest(said));
        signer.ok().filter(|_| signature.normalize_s().is_none())
    }
}

/// The channel of a customer's key at a machine for a class of work.
pub fn channel_of(customer: Address, key: Address, machine_id: u64, class_id: u32) -> B256 {
    keccak256((customer, key, machine_id, U256::from(class_id)).abi_encode())
}
