//! Receipts: the record of one unit of work, signed by the machine that did it. specs/receipt.md.

mod canonical;

use std::{fs, io, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use alloy_primitives::{Address, B256, Signature, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use canonical::{canonical, canonical_request, hash, request_hash};

sol! {
    /// What a machine did for whom, and what it cost.
    #[derive(Debug, PartialEq, Eq)]
    struct Receipt {
        /// Random bytes of the request: a job has one receipt.
        bytes32 job;
        /// Hash of the model's weights, or of its name.
        bytes32 program;
        /// Hash of the canonical request.
        bytes32 input;
        /// Hash of the canonical answer.
        bytes32 output;
        /// Receipts whose outputs are this input.
        bytes32[] parents;
        /// Hash of the key that paid.
        bytes32 payer;
        /// Who signs.
        address machine;
        /// By the machine's clock.
        uint64 startedMs;
        /// Until the first part of the answer.
        uint64 firstMs;
        /// Until its last part.
        uint64 tookMs;
        /// Tokens read.
        uint64 inputUnits;
        /// Tokens written.
        uint64 outputUnits;
        /// What the key was charged, in 10^-18 dollars.
        uint128 cost;
        /// Millijoules; 0 is "not measured".
        uint64 energyMj;
        /// An [`Outcome`].
        uint8 outcome;
        /// Hash of the canonical notes.
        bytes32 notes;
    }
}

/// A receipt as JSON: its cost is text, for it may be more than a number of JSON's readers holds.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Receipt")]
#[allow(non_snake_case, reason = "named as in the struct that is signed")]
pub(crate) struct ReceiptJson {
    job: B256,
    program: B256,
    input: B256,
    output: B256,
    parents: Vec<B256>,
    payer: B256,
    machine: Address,
    startedMs: u64,
    firstMs: u64,
    tookMs: u64,
    inputUnits: u64,
    outputUnits: u64,
    #[serde(with = "digits")]
    cost: u128,
    energyMj: u64,
    outcome: u8,
    notes: B256,
}

/// Whole numbers as text.
pub(crate) mod digits {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// It is whole.
    Whole = 0,
    /// The client left.
    ClientLeft = 1,
    /// The upstream died or failed in the middle.
    UpstreamCut = 2,
    /// A limit of the gateway was reached.
    Limit = 3,
    /// The gateway was stopped in the middle.
    GatewayStopped = 4,
}

impl Outcome {
    /// Its number in a receipt.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// In words.
    pub const fn words(number: u8) -> &'static str {
        match number {
            0 => "whole",
            1 => "cut: the client left",
            2 => "cut: the upstream failed",
            3 => "cut: a limit was reached",
            4 => "cut: the gateway was stopped",
            _ => "unknown",
        }
    }
}

/// Why a receipt is not what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Another id than the fields have.
    #[error("the id {said} is not that of its fields, {is}")]
    Id {
        /// As stored.
        said: B256,
        /// As computed.
        is: B256,
    },
    /// Notes that were changed.
    #[error("the notes hash to {is}, not to {said}")]
    Notes {
        /// As signed.
        said: B256,
        /// As computed.
        is: B256,
    },
    /// No signature, or one that has a twin.
    #[error("the signature cannot be read, or is not the low one of its two forms")]
    Signature,
    /// Signed by somebody else.
    #[error("it is signed by {is}, not by the machine {said}")]
    Signer {
        /// Whom it names.
        said: Address,
        /// Who signed.
        is: Address,
    },
}

/// The note that says how many digits of a dollar the cost has, where they are not its 18: of what was sold to the network, which is
/// paid in an asset.
pub const COST_DECIMALS: &str = "cost_decimals";

/// A receipt with its notes and signature, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The EIP-712 digest.
    pub id: B256,
    /// What is signed.
    #[serde(with = "ReceiptJson")]
    pub receipt: Receipt,
    /// What people want to read; its hash is signed.
    pub notes: Map<String, Value>,
    /// r, s, v.
    pub signature: String,
}

fn domain() -> Eip712Domain {
    eip712_domain! { name: "Capstan Receipt", version: "1", }
}

impl Receipt {
    /// The EIP-712 digest.
    pub fn id(&self) -> B256 {
        self.eip712_signing_hash(&domain())
    }
}

impl Signed {
    /// Checks id, notes and signature; whether the work was done is another question.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn verify(&self) -> Result<(), ReceiptError> {
        let is = self.receipt.id();
        if is != self.id {
            return Err(ReceiptError::Id { said: self.id, is });
        }
        let is = hash(&Value::Object(self.notes.clone()));
        if is != self.receipt.notes {
            let said = self.receipt.notes;
            return Err(ReceiptError::Notes { said, is });
        }
        let bytes = hex::decode(&self.signature).map_err(|_| ReceiptError::Signature)?;
        let signature = Signature::from_raw(&bytes).map_err(|_| ReceiptError::Signature)?;
        if signature.normalize_s().is_some() {
            return Err(ReceiptError::Signature);
        }
        let is = signature
            .recover_address_from_prehash(&self.id)
            .map_err(|_| ReceiptError::Signature)?;
        if is != self.receipt.machine {
            let said = self.receipt.machine;
            return Err(ReceiptError::Signer { said, is });
        }
        Ok(())
    }
}

/// The key of a machine.
#[derive(Clone, Debug)]
pub struct Machine(PrivateKeySigner);

impl Machine {
    /// A new key.
    pub fn random() -> Self {
        Self(PrivateKeySigner::random())
    }

    /// The key in a file, for its owner's eyes only; made where there is none.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn in_file(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let key = text.trim().parse().map_err(|_| {
                    let what = "is no key of a machine: 64 hexadecimal digits belong there";
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("{} {what}", path.display()),
                    )
                })?;
                Ok(Self(key))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let new = Self::random();
                let mut options = fs::OpenOptions::new();
                let mut file = options
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)?;
                writeln!(file, "{}", hex::encode(new.0.to_bytes()))?;
                file.sync_all()?;
                Ok(new)
            }
            Err(error) => Err(error),
        }
    }

    /// The machine of a key.
    pub const fn of(key: PrivateKeySigner) -> Self {
        Self(key)
    }

    /// Who signs.
    pub const fn address(&self) -> Address {
        self.0.address()
    }

    /// The key itself, for what else a machine signs.
    pub const fn signer(&self) -> &PrivateKeySigner {
        &self.0
    }

    /// Completes a receipt with machine and notes, and signs it.
    ///
    /// # Errors
    /// The key refused: it never does.
    pub fn sign(
        &self,
        mut receipt: Receipt,
        notes: Map<String, Value>,
    ) -> Result<Signed, alloy_signer::Error> {
        receipt.machine = self.address();
        receipt.notes = hash(&Value::Object(notes.clone()));
        let id = receipt.id();
        let signature = self.0.sign_hash_sync(&id)?;
        Ok(Signed {
            id,
            receipt,
            notes,
            signature: hex::encode_prefixed(signature.as_bytes()),
        })
    }
}

#[cfg(test)]
mod tests;
