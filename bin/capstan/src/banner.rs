//! What a person sees when a chain has started. It goes to stdout; README.md shows it as it is.

use std::{
    fmt::Write as _,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use alloy_signer_local::PrivateKeySigner;
use capstan_chain::Chain;
use capstan_contracts::{Place, native};

use crate::{args::BlockTime, world};

/// What only a development chain has to say.
pub(crate) struct DevWorld {
    pub(crate) mnemonic: String,
    /// Whether the words are the user's, not of a number that everybody can try.
    pub(crate) own_words: bool,
    pub(crate) signers: Vec<PrivateKeySigner>,
    pub(crate) balance_eth: u64,
    pub(crate) block_time: BlockTime,
    pub(crate) data: Option<PathBuf>,
    /// Whether a prepared world stands.
    pub(crate) has_markets: bool,
    /// Whether machines live in it.
    pub(crate) has_machines: bool,
}

/// Accounts, contracts, addresses, and how to stop.
pub(crate) fn dev(chain: &Chain, address: SocketAddr, world: &DevWorld) {
    say(&dev_text(chain, address, world));
}

/// The few facts that an operator wants to see at once.
pub(crate) fn node(chain: &Chain, address: SocketAddr, data: &Path) {
    let head = chain.head();
    let mut text = format!("Capstan {}\n\n", crate::VERSION);
    row(&mut text, "Chain id", &chain.genesis().chain_id.to_string());
    row(
        &mut text,
        "Block",
        &format!("{} ({})", head.number(), head.hash()),
    );
    row(&mut text, "Data", &data.display().to_string());
    if chain.genesis().native.admin_owner.is_zero() {
        let nobody = "nobody, as its genesis says: no prices, no markets (genesis init --owner names somebody)";
        row(&mut text, "Admin", nobody);
    }
    addresses(&mut text, address);
    text += "\nStop with Ctrl-C or SIGTERM.\n";
    say(&text);
}

fn dev_text(chain: &Chain, address: SocketAddr, world: &DevWorld) -> String {
    let mut text = format!("Capstan {}\n", crate::VERSION);
    if !world.signers.is_empty() {
        let when = match chain.head().number() {
            0 => "",
            _ => " at the start",
        };
        let _ = writeln!(text, "\nAccounts, {} ETH each{when}", world.balance_eth);
        for (index, signer) in world.signers.iter().enumerate() {
            let _ = writeln!(
                text,
                "  ({index}) {}  key {}",
                signer.address(),
                signer.to_bytes()
            );
        }
        let _ = writeln!(text, "\nMnemonic: {}", world.mnemonic);
        text += match world.own_words {
            true => {
                "WARNING: whoever reaches this node spends from these accounts. Take words that hold nothing of value.\n"
            }
            false => {
                "WARNING: everybody knows these keys. Never send anything of value to these accounts.\n"
            }
        };
    }
    if world.has_markets && !world.signers.is_empty() {
        text += &world::words(world.has_machines);
        text += "The last account owns the protocol and signs the prices.\n";
    }
    text += "\nContracts\n";
    text += &contracts();
    text += "\n";
    row(&mut text, "Chain id", &chain.genesis().chain_id.to_string());
    row(&mut text, "Blocks", &world.block_time.to_string());
    let state = match &world.data {
        Some(folder) => format!(
            "in {}, at block {}",
            folder.display(),
            chain.head().number()
        ),
        None => "in memory, gone with the process (--data DIR keeps it)".to_owned(),
    };
    row(&mut text, "State", &state);
    addresses(&mut text, address);
    text += "\nStop with Ctrl-C.\n";
    text
}

/// One line for each native contract: where it is, and what it is for.
fn contracts() -> String {
    let mut text = String::new();
    for contract in capstan_contracts::all() {
        let place = match contract.place {
            Place::At(address) => address.to_string(),
            // Without a checksum, which would be wrong for every address of the kind.
            Place::Kind(kind) => format!("{:#x} + id", native(kind, 0)),
        };
        let _ = writeln!(text, "  {:<16}{place}  {}", contract.name, contract.doc);
    }
    text
}

fn addresses(text: &mut String, address: SocketAddr) {
    row(text, "Page", &format!("http://{address}"));
    row(text, "RPC", &format!("http://{address}"));
    row(text, "WebSocket", &format!("ws://{address}"));
}

fn row(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{name:<11}{value}");
}

/// A closed stdout is no reason not to serve.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
