//! A development chain in memory with its server, and clients for it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, TxKind, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use capstan_chain::{Block, Chain, ChainConfig, Genesis, Mining, Solo};
use capstan_evm::Tx;
use capstan_rpc::{Limits, RpcConfig, ServerHandle, serve};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::client::{Client, unpack};
pub(crate) use crate::client::{Fault, quantity};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Chain, driver, server and client.
pub(crate) struct Node {
    pub(crate) chain: Chain,
    pub(crate) signers: Vec<PrivateKeySigner>,
    pub(crate) address: SocketAddr,
    client: Client,
    _server: ServerHandle,
    _solo: Solo,
}

/// The settings of tests: a free port, unlocked accounts.
pub(crate) fn config() -> RpcConfig {
    RpcConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..RpcConfig::dev(5)
    }
}

impl std::ops::Deref for Node {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Node {
    /// Blocks only when asked for.
    pub(crate) async fn start() -> Self {
        Self::with(
            config(),
            ChainConfig::dev(Genesis::dev(5, 0)),
            Mining::Manual,
        )
        .await
    }

    /// A block for each transaction.
    pub(crate) async fn instant() -> Self {
        Self::with(
            config(),
            ChainConfig::dev(Genesis::dev(5, 0)),
            Mining::Instant,
        )
        .await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        let config = RpcConfig { limits, ..config() };
        Self::with(config, ChainConfig::dev(Genesis::dev(5, 0)), Mining::Manual).await
    }

    pub(crate) async fn with(rpc: RpcConfig, chain: ChainConfig, mining: Mining) -> Self {
        let chain = Chain::open(ChainConfig { mining, ..chain }).expect("a chain in memory");
        let solo = Solo::start(&chain).expect("a driver");
        let server = serve(rpc, chain.clone()).await.expect("a free port");
        let signers = Genesis::dev_accounts(5, 0)
            .iter()
            .map(|account| PrivateKeySigner::from_bytes(&account.key).expect("a key"))
            .collect();
        let address = server.address();
        let client = Client::new(address);
        Self {
            chain,
            signers,
            address,
            client,
            _server: server,
            _solo: solo,
        }
    }

    pub(crate) fn account(&self, index: usize) -> Address {
        self.signers[index].address()
    }

    pub(crate) async fn mine(&self) -> Arc<Block> {
        self.ok("evm_mine", json!([])).await;
        self.chain.head()
    }

    /// A signed transfer in hex.
    pub(crate) fn transfer(&self, from: usize, nonce: u64) -> String {
        self.signed(
            from,
            TxEip1559 {
                nonce,
                ..self.transfer_of(1)
            },
        )
    }

    pub(crate) fn transfer_of(&self, wei: u64) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.chain.rules().chain_id,
            nonce: 0,
            gas_limit: 21_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(Address::repeat_byte(0x77)),
            value: U256::from(wei),
            access_list: Default::default(),
            input: Default::default(),
        }
    }

    pub(crate) fn signed(&self, from: usize, mut tx: TxEip1559) -> String {
        let signature = self.signers[from]
            .sign_transaction_sync(&mut tx)
            .expect("signed");
        hex::encode_prefixed(Tx::from(tx.into_signed(signature)).encoded_2718())
    }

    pub(crate) fn signed_legacy(&self, from: usize, mut tx: TxLegacy) -> String {
        let signature = self.signers[from]
            .sign_transaction_sync(&mut tx)
            .expect("signed");
        hex::encode_prefixed(Tx::from(tx.into_signed(signature)).encoded_2718())
    }

    pub(crate) async fn socket(&self) -> Socket {
        let (stream, _) = connect_async(format!("ws://{}", self.address))
            .await
            .expect("a socket");
        Socket {
            stream,
            next_id: 1,
            early: Vec::new(),
        }
    }
}

/// A WebSocket client.
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    next_id: u64,
    /// Notifications that came while an answer was awaited.
    early: Vec<Value>,
}

impl Socket {
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            match message
                .expect("a message in time")
                .expect("an open socket")
                .expect("readable")
            {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Fault> {
        let id = self.next_id;
        self.next_id += 1;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.stream
            .send(Message::text(request.to_string()))
            .await
            .expect("sent");
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                return unpack(message);
            }
            self.early.push(message);
        }
    }

    pub(crate) async fn ok(&mut self, method: &str, params: Value) -> Value {
        self.call(method, params)
            .await
            .unwrap_or_else(|fault| panic!("{method}: {fault:?}"))
    }

    /// The next notification of a subscription.
    pub(crate) async fn notification(&mut self, subscription: &Value) -> Value {
        let of = |message: &Value| message["params"]["subscription"] == *subscription;
        if let Some(index) = self.early.iter().position(of) {
            return self.early.remove(index)["params"]["result"].take();
        }
        loop {
            let mut message = self.receive().await;
            if of(&message) {
                assert_eq!(message["method"], "eth_subscription");
                return message["params"]["result"].take();
            }
            self.early.push(message);
        }
    }
}
