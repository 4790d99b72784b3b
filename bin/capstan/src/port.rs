//! Who holds a port that is wanted, as far as he says so.

use std::{io, net::SocketAddr, time::Duration};

use eyre::{Report, eyre};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Longest wait for who holds a port to say what he is.
const PATIENCE: Duration = Duration::from_millis(700);
/// So much of what he says is read.
const READ_MAX: u64 = 16 << 10;

/// Why nobody can listen there: who does, and which flag helps.
pub(crate) async fn taken(address: SocketAddr, error: &io::Error) -> Report {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let who = holder(address).await;
            eyre!(
                "cannot listen on {address}: {who} listens there; --port takes another, --port 0 a free one"
            )
        }
        io::ErrorKind::PermissionDenied => {
            eyre!(
                "cannot listen on {address}: {error}; ports below 1024 are the system's, --port takes another"
            )
        }
        _ => eyre!("cannot listen on {address}: {error}; --port and --host name another place"),
    }
}

/// Asks as a client would, at the path that nodes and gateways both answer.
async fn holder(address: SocketAddr) -> &'static str {
    let asked = timeout(PATIENCE, health(address)).await;
    match asked {
        Ok(Ok(said)) => named(&said),
        _ => "another program",
    }
}

fn named(said: &str) -> &'static str {
    if said.contains("\"upstreams\"") {
        "a gateway"
    } else if said.contains("\"chainId\"") {
        "a node (`capstan dev` or `capstan node`)"
    } else {
        "another program"
    }
}

async fn health(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let asked = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await?;
    let mut said = Vec::new();
    stream.take(READ_MAX).read_to_end(&mut said).await?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[cfg(test)]
mod tests;
