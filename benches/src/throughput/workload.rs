//! What is sent: the transactions, what prepares a node for them, and what they must have changed.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use alloy_sol_types::{SolCall, SolEvent};
use capstan_contracts::erc20::IErc20;
use capstan_contracts::token::{IToken, ITokenFactory};
use eyre::{OptionExt, ensure};
use rayon::prelude::*;

use super::client::{Client, Receipt};

const MNEMONIC: &str = "test test test test test test test test test test test junk";
const CHAIN_ID: u64 = 31337;

/// What the transactions do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    Transfers,
    Erc20Bytecode,
    NativeToken,
}

impl Workload {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Transfers => "transfers",
            Self::Erc20Bytecode => "ERC-20 in bytecode",
            Self::NativeToken => "native token",
        }
    }
}

/// The first accounts of the well-known development mnemonic.
pub(super) fn signers(count: usize) -> eyre::Result<Vec<PrivateKeySigner>> {
    // The seed costs thousands of hash rounds, so the children share a parent.
    let parent = MnemonicBuilder::from_phrase(MNEMONIC).build_parent_key()?;
    (0..count)
        .into_par_iter()
        .map(|index| Ok(parent.child(u32::try_from(index)?)?.signer()))
        .collect()
}

fn sign(
    signer: &PrivateKeySigner,
    nonce: u64,
    gas_limit: u64,
    to: TxKind,
    value: U256,
    input: Bytes,
) -> eyre::Result<Bytes> {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to,
        value,
        access_list: Default::default(),
        input,
    };
    let signature = signer.sign_hash_sync(&tx.signature_hash())?;
    Ok(TxEnvelope::from(tx.into_signed(signature))
        .encoded_2718()
        .into())
}

/// A node that is ready for a workload.
pub(super) struct Ready {
    /// The token to call, if the workload has one.
    pub(super) token: Option<Address>,
    /// The next nonce of each sender.
    pub(super) nonces: Vec<u64>,
}

/// Signs every transaction of a workload, and writes the bodies that carry them.
pub(super) struct Signed {
    /// One HTTP body for each batch.
    pub(super) bodies: Vec<bytes::Bytes>,
    /// Hash of each transaction, sorted.
    pub(super) hashes: Vec<B256>,
    /// What each account receives, less what it sends, in the unit that the workload moves.
    pub(super) net: Vec<i64>,
}

/// Sender `i` pays one unit to the account `1 + round` places further on.
pub(super) fn presign(
    signers: &[PrivateKeySigner],
    count: usize,
    batch: usize,
    ready: &Ready,
) -> eyre::Result<Signed> {
    let n = signers.len();
    let place = |index: usize| (index % n, (index % n + 1 + index / n) % n);
    let raw: Vec<Bytes> = (0..count)
        .into_par_iter()
        .map(|index| {
            let (sender, receiver) = place(index);
            let to = signers[receiver].address();
            let nonce = ready.nonces[sender] + (index / n) as u64;
            let signer = &signers[sender];
            match ready.token {
                None => sign(signer, nonce, 21_000, to.into(), U256::ONE, Bytes::new()),
                Some(token) => {
                    let input = transfer(to, 1);
                    sign(signer, nonce, 100_000, token.into(), U256::ZERO, input)
                }
            }
        })
        .collect::<eyre::Result<_>>()?;
    let mut net = vec![0; n];
    for (sender, receiver) in (0..count).map(place) {
        net[sender] -= 1;
        net[receiver] += 1;
    }
    let mut hashes: Vec<B256> = raw.iter().map(keccak256).collect();
    hashes.sort_unstable();
    let bodies = raw.chunks(batch).map(|chunk| {
        let entries: Vec<String> = chunk
            .iter()
            .enumerate()
            .map(|(id, tx)| {
                let params = format!("[\"{}\"]", hex::encode_prefixed(tx));
                super::client::request(id, "eth_sendRawTransaction", &params)
            })
            .collect();
        bytes::Bytes::from(format!("[{}]", entries.join(",")))
    });
    Ok(Signed {
        bodies: bodies.collect(),
        hashes,
        net,
    })
}

/// The bytes that recovery alone is measured with.
pub(super) fn samples(signers: &[PrivateKeySigner], count: usize) -> eyre::Result<Vec<Bytes>> {
    (0..count)
        .into_par_iter()
        .map(|nonce| {
            let signer = &signers[nonce % signers.len()];
            let to = Address::with_last_byte(1).into();
            sign(signer, nonce as u64, 21_000, to, U256::ONE, Bytes::new())
        })
        .collect()
}

fn transfer(to: Address, amount: u64) -> Bytes {
    let value = U256::from(amount);
    IErc20::transferCall { to, value }.abi_encode().into()
}

/// Prepares a fresh node for a workload. It does the same on every node, so that the same bytes fit.
pub(super) async fn set_up(
    client: &Client,
    signers: &[PrivateKeySigner],
    workload: Workload,
) -> eyre::Result<Ready> {
    let mut ready = Ready {
        token: None,
        nonces: vec![0; signers.len()],
    };
    let mut deployer = Deployer {
        client,
        signer: &signers[0],
        nonce: 0,
    };
    let token = match workload {
        Workload::Transfers => return Ok(ready),
        Workload::Erc20Bytecode => {
            let code = crate::erc20_init_code()?;
            let receipt = deployer.send(5_000_000, TxKind::Create, code).await?;
            receipt.contract_address.ok_or_eyre("not created")?
        }
        Workload::NativeToken => deployer.native_token().await?,
    };
    // Everyone holds some from the start, so that the measured writes are changes and not creations.
    let transfers = signers[1..]
        .iter()
        .map(|signer| {
            let raw =
                deployer.sign(100_000, token.into(), transfer(signer.address(), 1_000_000))?;
            Ok(format!("[\"{}\"]", hex::encode_prefixed(raw)))
        })
        .collect::<eyre::Result<Vec<_>>>()?;
    let hashes: Vec<B256> = client
        .read_many("eth_sendRawTransaction", &transfers)
        .await?;
    if let Some(last) = hashes.last() {
        client.receipt(&format!("\"{last}\"")).await?;
    }
    ready.nonces[0] = deployer.nonce;
    ready.token = Some(token);
    Ok(ready)
}

/// The first account, which prepares tokens.
struct Deployer<'a> {
    client: &'a Client,
    signer: &'a PrivateKeySigner,
    nonce: u64,
}

impl Deployer<'_> {
    fn sign(&mut self, gas_limit: u64, to: TxKind, input: Bytes) -> eyre::Result<Bytes> {
        let nonce = self.nonce;
        self.nonce += 1;
        sign(self.signer, nonce, gas_limit, to, U256::ZERO, input)
    }

    async fn send(&mut self, gas_limit: u64, to: TxKind, input: Bytes) -> eyre::Result<Receipt> {
        let raw = hex::encode_prefixed(self.sign(gas_limit, to, input)?);
        let params = format!("[\"{raw}\"]");
        let hash = self.client.call("eth_sendRawTransaction", &params).await?;
        self.client.receipt(&hash).await
    }

    /// Creates a native token whose whole supply belongs to the deployer.
    async fn native_token(&mut self) -> eyre::Result<Address> {
        let create = ITokenFactory::createTokenCall {
            name: "Bench".into(),
            symbol: "BENCH".into(),
            decimals: 18,
            owner: self.signer.address(),
            grantDelayMs: 0,
        };
        let factory = capstan_contracts::token::FACTORY_ADDRESS;
        let receipt = self
            .send(3_000_000, factory.into(), create.abi_encode().into())
            .await?;
        let mut topics = receipt.logs.iter().map(|log| &log.topics);
        let created = ITokenFactory::TokenCreated::SIGNATURE_HASH;
        let token = topics
            .find(|topics| topics.first() == Some(&created))
            .and_then(|topics| topics.get(1))
            .ok_or_eyre("the factory says nothing of a token")?;
        let token = Address::from_word(*token);
        let mint = IToken::mintCall {
            to: self.signer.address(),
            value: U256::from(10).pow(U256::from(24)),
        };
        self.send(300_000, token.into(), mint.abi_encode().into())
            .await?;
        Ok(token)
    }
}

/// What every account holds of what the workload moves: the coin, or the token.
pub(super) async fn balances(
    client: &Client,
    signers: &[PrivateKeySigner],
    token: Option<Address>,
) -> eyre::Result<Vec<U256>> {
    let owners = signers.iter().map(PrivateKeySigner::address);
    match token {
        None => {
            let params: Vec<String> = owners
                .map(|owner| format!("[\"{owner}\",\"latest\"]"))
                .collect();
            client.read_many("eth_getBalance", &params).await
        }
        Some(token) => {
            let params: Vec<String> = owners
                .map(|owner| {
                    let input =
                        hex::encode_prefixed(IErc20::balanceOfCall { account: owner }.abi_encode());
                    format!("[{{\"to\":\"{token}\",\"data\":\"{input}\"}},\"latest\"]")
                })
                .collect();
            let words: Vec<B256> = client.read_many("eth_call", &params).await?;
            Ok(words.into_iter().map(Into::into).collect())
        }
    }
}

/// Insists that the answers hold exactly the receipts of what was sent, each of a success, and that every
/// balance is what these receipts make it.
pub(super) fn verify(
    signers: &[PrivateKeySigner],
    token: Option<Address>,
    signed: &Signed,
    answers: &[String],
    (before, after): (&[U256], &[U256]),
) -> eyre::Result<()> {
    let mut hashes = Vec::with_capacity(signed.hashes.len());
    let mut fees_wei = std::collections::HashMap::<Address, U256>::new();
    for answer in answers {
        let receipts: Vec<Receipt> = serde_json::from_str(answer)?;
        for receipt in receipts {
            ensure!(receipt.status == "0x1", "a measured transaction failed");
            hashes.push(receipt.transaction_hash);
            *fees_wei.entry(receipt.from).or_default() +=
                receipt.gas_used * receipt.effective_gas_price;
        }
    }
    hashes.sort_unstable();
    ensure!(
        hashes == signed.hashes,
        "other receipts than those of what was sent"
    );
    for (index, signer) in signers.iter().enumerate() {
        let fees = match token {
            Some(_) => U256::ZERO,
            None => fees_wei.get(&signer.address()).copied().unwrap_or_default(),
        };
        let net = signed.net[index];
        let (gain, loss) = (net.max(0).unsigned_abs(), net.min(0).unsigned_abs());
        let expected = before[index] + U256::from(gain) - U256::from(loss) - fees;
        ensure!(
            after[index] == expected,
            "account {index} holds {} and should hold {expected}",
            after[index]
        );
    }
    Ok(())
}
