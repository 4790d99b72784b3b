//! A development chain in memory that makes blocks when told to, with its RPC server.

use std::net::SocketAddr;
use std::sync::Arc;

use alloy_consensus::{
    EthereumTypedTransaction, SignableTransaction, TxEip1559, TxEip4844, transaction::Recovered,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use capstan_chain::{Block, Chain, ChainConfig, Genesis, Mining};
use capstan_evm::Tx;
use capstan_rpc::{Limits, RpcConfig, ServerHandle, serve};
use serde_json::Value;

use crate::client::Client;
pub(crate) use crate::client::quantity;

/// A transaction of any type that is accepted.
pub(crate) type Unsigned = EthereumTypedTransaction<TxEip4844>;

/// Chain, server and client.
pub(crate) struct Node {
    pub(crate) chain: Chain,
    pub(crate) signers: Vec<PrivateKeySigner>,
    client: Client,
    _server: ServerHandle,
}

/// A transaction to be sent; what is not said is as wallets would fill it.
#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) from: usize,
    pub(crate) to: TxKind,
    pub(crate) value: u64,
    pub(crate) input: Bytes,
    pub(crate) gas: u64,
    pub(crate) tip_wei: u128,
}

impl Send {
    pub(crate) fn to(from: usize, to: Address) -> Self {
        Self {
            from,
            to: TxKind::Call(to),
            value: 0,
            input: Bytes::new(),
            gas: 1_000_000,
            tip_wei: 1_000,
        }
    }

    pub(crate) fn value(self, value: u64) -> Self {
        Self { value, ..self }
    }

    pub(crate) fn input(self, input: impl Into<Bytes>) -> Self {
        Self {
            input: input.into(),
            ..self
        }
    }

    pub(crate) fn gas(self, gas: u64) -> Self {
        Self { gas, ..self }
    }

    pub(crate) fn tip(self, tip_wei: u128) -> Self {
        Self { tip_wei, ..self }
    }
}

impl std::ops::Deref for Node {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Node {
    pub(crate) async fn start() -> Self {
        let chain = ChainConfig::dev(Genesis::dev(10, 0));
        Self::with(chain, RpcConfig::default()).await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        let chain = ChainConfig::dev(Genesis::dev(10, 0));
        let rpc = RpcConfig {
            limits,
            ..RpcConfig::default()
        };
        Self::with(chain, rpc).await
    }

    pub(crate) async fn with(chain: ChainConfig, rpc: RpcConfig) -> Self {
        Self::of_many(10, chain, rpc).await
    }

    /// With so many people who have coins.
    pub(crate) async fn of_many(people: u32, chain: ChainConfig, rpc: RpcConfig) -> Self {
        let config = ChainConfig {
            mining: Mining::Manual,
            ..chain
        };
        let signers = Genesis::dev_accounts(people, 0)
            .iter()
            .map(|account| PrivateKeySigner::from_bytes(&account.key).expect("a key"))
            .collect();
        let chain = Chain::open(config).expect("a chain in memory");
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = serve(RpcConfig { listen, ..rpc }, chain.clone());
        let server = server.await.expect("a free port");
        let client = Client::new(server.address());
        Self {
            chain,
            signers,
            client,
            _server: server,
        }
    }

    pub(crate) fn address(&self, index: usize) -> Address {
        self.signers[index].address()
    }

    /// Signs a transaction and gives it to the pool.
    pub(crate) fn send(&self, send: Send) -> B256 {
        let tx = self.sign(send);
        self.chain.submit(tx).expect("accepted")
    }

    pub(crate) fn sign(&self, send: Send) -> Recovered<Tx> {
        let signer = &self.signers[send.from];
        let nonce = self
            .chain
            .pool()
            .next_nonce(signer.address())
            .unwrap_or_else(|| {
                let state = self
                    .chain
                    .state_at(capstan_chain::At::Latest)
                    .expect("state");
                state
                    .account(signer.address())
                    .expect("account")
                    .map_or(0, |account| account.nonce)
            });
        let mut tx = TxEip1559 {
            chain_id: self.chain.rules().chain_id,
            nonce,
            gas_limit: send.gas,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: send.tip_wei,
            to: send.to,
            value: U256::from(send.value),
            access_list: Default::default(),
            input: send.input,
        };
        let signature = signer.sign_transaction_sync(&mut tx).expect("signed");
        Recovered::new_unchecked(tx.into_signed(signature).into(), signer.address())
    }

    /// A signed transaction in hex.
    pub(crate) fn raw(&self, from: usize, tx: impl Into<Unsigned>) -> String {
        let mut tx = tx.into();
        let signature = self.signers[from]
            .sign_transaction_sync(&mut tx)
            .expect("signed");
        let signed: Tx = tx.into_signed(signature).into();
        hex::encode_prefixed(signed.encoded_2718())
    }

    /// Makes a block from the pool.
    pub(crate) async fn mine(&self) -> Arc<Block> {
        let chain = self.chain.clone();
        let mined = move || {
            chain
                .dev()
                .expect("development")
                .mine(1, None)
                .expect("a block")
        };
        tokio::task::spawn_blocking(mined).await.expect("no panic");
        self.chain.head()
    }

    /// Puts code at a new address.
    pub(crate) async fn deploy(&self, runtime: &[u8]) -> Address {
        let deploy = Send {
            to: TxKind::Create,
            input: super::code::init_code(runtime).into(),
            ..Send::to(0, Address::ZERO)
        };
        let hash = self.send(deploy);
        let block = self.mine().await;
        let index = block.position(&hash).expect("mined");
        assert!(block.receipts[index].status(), "deployment failed");
        block.created_address(index).expect("a creation")
    }
}

/// Hex bytes.
pub(crate) fn bytes(value: &Value) -> Bytes {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{value}: not bytes"))
}
