//! From a call to a receipt: fills in what a transaction needs, signs it here, and waits for its block.

use std::{
    fmt,
    time::{Duration, Instant},
};

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_network::TxSignerSync as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use alloy_signer_local::PrivateKeySigner;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{ClientError, Node, node::refused};

/// Gas on top of the estimate, in percent: interest moves on until the block.
const GAS_ROOM_PERCENT: u64 = 20;
/// How many times the present base fee may be paid: it doubles at most within six full blocks.
const BASE_FEE_ROOM: u128 = 2;
/// How long a transaction is waited for, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Transactions of one sender that wait for a block together.
const AT_ONCE: usize = 16;

/// What a transaction is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Whom it calls.
    pub to: Address,
    /// With what.
    pub input: Bytes,
    /// Coins that go with it, in wei.
    pub value_wei: U256,
}

/// A transaction that was mined and did what it said.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Its hash.
    #[serde(rename = "transactionHash")]
    pub hash: B256,
    /// Where it is.
    pub block_number: U64,
    /// What it used.
    pub gas_used: U64,
    status: U64,
}

impl Sent {
    /// As the node's receipt names it.
    pub fn to_json(&self) -> Value {
        json!({
            "transactionHash": self.hash,
            "blockNumber": self.block_number,
            "gasUsed": self.gas_used,
        })
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (block, gas): (u64, u64) = (self.block_number.to(), self.gas_used.to());
        write!(f, "done in block {block}: {} ({gas} gas)", self.hash)
    }
}

impl Call {
    fn request(&self, from: Address) -> Value {
        json!({"from": from, "to": self.to, "input": self.input, "value": self.value_wei})
    }
}

/// Tries calls of one sender one after the other, each on what those before it leave; answers what each answers. Nothing
/// is signed.
///
/// # Errors
/// The first of them that would fail, or the node does not answer.
pub async fn try_in_turn(
    node: &Node,
    from: Address,
    calls: &[Call],
) -> Result<Vec<Bytes>, ClientError> {
    let method = "eth_simulateV1";
    let calls: Vec<_> = calls.iter().map(|call| call.request(from)).collect();
    let asked = json!([{"blockStateCalls": [{"calls": calls}]}, "latest"]);
    let blocks: Vec<TriedBlock> = node.read(method, asked).await?;
    let mut answers = Vec::with_capacity(calls.len());
    for tried in blocks.into_iter().flat_map(|block| block.calls) {
        if let Some(error) = tried.error {
            return Err(node.in_words(refused(method, &error)).await?);
        }
        answers.push(tried.return_data);
    }
    Ok(answers)
}

#[derive(Deserialize)]
struct TriedBlock {
    calls: Vec<Tried>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tried {
    return_data: Bytes,
    error: Option<Value>,
}

/// A key that several tasks of a program send with: one transaction at a time, so that no two take one number.
#[derive(Debug)]
pub struct Sender {
    key: PrivateKeySigner,
    turn: tokio::sync::Mutex<()>,
}

impl Sender {
    /// A key that nobody else sends with.
    pub fn new(key: PrivateKeySigner) -> Self {
        let turn = tokio::sync::Mutex::new(());
        Self { key, turn }
    }

    /// Who sends.
    pub const fn address(&self) -> Address {
        self.key.address()
    }

    /// What signs its words.
    pub const fn signer(&self) -> &PrivateKeySigner {
        &self.key
    }

    /// [`send`], once whoever came before is done.
    ///
    /// # Errors
    /// As [`send`].
    pub async fn send(&self, node: &Node, call: &Call) -> Result<Sent, ClientError> {
        let _turn = self.turn.lock().await;
        send(node, &self.key, call).await
    }

    /// [`send_all`]; whoever else sends has a turn between two blocks.
    pub async fn send_all(&self, node: &Node, calls: &[Call]) -> Vec<Result<Sent, ClientError>> {
        let mut done = Vec::with_capacity(calls.len());
        for some in calls.chunks(AT_ONCE) {
            let _turn = self.turn.lock().await;
            done.extend(send_block(node, &self.key, some).await);
        }
        done
    }
}

/// Signs, submits, and waits for the block.
///
/// # Errors
/// The node refuses, a contract refuses ([`ClientError::Reverted`] before anything is sent, [`ClientError::Failed`]
/// afterwards), or no block takes it in time.
pub async fn send(
    node: &Node,
    signer: &PrivateKeySigner,
    call: &Call,
) -> Result<Sent, ClientError> {
    let nonce = next_nonce(node, signer.address()).await?;
    let hash = submit(node, signer, call, nonce).await?;
    mined(node, signer.address(), call, hash, Instant::now()).await
}

/// Sends calls that do not build on each other, many to a block: none waits for another's. Answers what came of each; one that is
/// refused keeps no other back.
pub async fn send_all(
    node: &Node,
    signer: &PrivateKeySigner,
    calls: &[Call],
) -> Vec<Result<Sent, ClientError>> {
    let mut done = Vec::with_capacity(calls.len());
    for some in calls.chunks(AT_ONCE) {
        done.extend(send_block(node, signer, some).await);
    }
    done
}

/// Some of them, for one block. They are waited for together: what one waits for, all do.
async fn send_block(
    node: &Node,
    signer: &PrivateKeySigner,
    calls: &[Call],
) -> Vec<Result<Sent, ClientError>> {
    let from = signer.address();
    let mut nonce = None;
    let mut sent = Vec::with_capacity(calls.len());
    for call in calls {
        let hash = submit_next(node, signer, call, &mut nonce).await;
        sent.push((call, hash));
    }
    let begun = Instant::now();
    let mut done = Vec::with_capacity(calls.len());
    for (call, hash) in sent {
        done.push(match hash {
            Ok(hash) => mined(node, from, call, hash, begun).await,
            Err(error) => Err(error),
        });
    }
    done
}

/// Submits under the next number. What a contract refuses took none; after any other error it is asked for anew, since the node may
/// have taken what it did not answer.
async fn submit_next(
    node: &Node,
    signer: &PrivateKeySigner,
    call: &Call,
    next: &mut Option<u64>,
) -> Result<B256, ClientError> {
    let nonce = match *next {
        Some(nonce) => nonce,
        None => next_nonce(node, signer.address()).await?,
    };
    let hash = submit(node, signer, call, nonce).await;
    *next = match &hash {
        Ok(_) => nonce.checked_add(1),
        Err(error) if error.is_of_contract() => Some(nonce),
        Err(_) => None,
    };
    hash
}

async fn next_nonce(node: &Node, from: Address) -> Result<u64, ClientError> {
    node.quantity("eth_getTransactionCount", json!([from, "pending"]))
        .await
}

async fn submit(
    node: &Node,
    signer: &PrivateKeySigner,
    call: &Call,
    nonce: u64,
) -> Result<B256, ClientError> {
    let raw = sign(node, signer, call, nonce).await?;
    node.read("eth_sendRawTransaction", json!([raw])).await
}

/// Waits for the block.
async fn mined(
    node: &Node,
    from: Address,
    call: &Call,
    hash: B256,
    begun: Instant,
) -> Result<Sent, ClientError> {
    loop {
        let sent: Option<Sent> = node
            .read("eth_getTransactionReceipt", json!([hash]))
            .await?;
        match sent {
            Some(sent) if sent.status == U64::from(1) => return Ok(sent),
            Some(sent) => return Err(why_failed(node, call, from, &sent).await),
            None if begun.elapsed() > PATIENCE => {
                return Err(ClientError::NotMined {
                    hash,
                    seconds: PATIENCE.as_secs(),
                });
            }
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// The bytes of a signed transaction of type 2.
async fn sign(
    node: &Node,
    signer: &PrivateKeySigner,
    call: &Call,
    nonce: u64,
) -> Result<Bytes, ClientError> {
    let from = signer.address();
    let request = call.request(from);
    let gas = node.quantity("eth_estimateGas", json!([request])).await?;
    let base_fee: U256 = node.read("eth_baseFee", json!([])).await?;
    let tip: U256 = node.read("eth_maxPriorityFeePerGas", json!([])).await?;
    let tip_wei: u128 = tip.saturating_to();
    let cap_wei = base_fee
        .saturating_to::<u128>()
        .saturating_mul(BASE_FEE_ROOM)
        .saturating_add(tip_wei);
    let mut tx = TxEip1559 {
        chain_id: node.chain_id().await?,
        nonce,
        gas_limit: gas.saturating_add(gas.saturating_mul(GAS_ROOM_PERCENT) / 100),
        max_fee_per_gas: cap_wei,
        max_priority_fee_per_gas: tip_wei,
        to: TxKind::Call(call.to),
        value: call.value_wei,
        access_list: Default::default(),
        input: call.input.clone(),
    };
    let signature = signer
        .sign_transaction_sync(&mut tx)
        .map_err(|error| ClientError::Key(error.to_string()))?;
    let signed: EthereumTxEnvelope<TxEip4844> = tx.into_signed(signature).into();
    Ok(signed.encoded_2718().into())
}

/// A receipt does not say why: the same call on the state before the block mostly does.
async fn why_failed(node: &Node, call: &Call, from: Address, sent: &Sent) -> ClientError {
    let block: u64 = sent.block_number.to();
    let before = U64::from(block.saturating_sub(1));
    let asked = json!([call.request(from), before]);
    let why = match node.call_in_words("eth_call", asked).await {
        Err(why) => why.to_string(),
        Ok(_) => "what others did in the same block came in between".to_owned(),
    };
    ClientError::Failed {
        hash: sent.hash,
        block,
        why,
    }
}
