//! How soon the packed program answers: from its start to its first answer over RPC.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use eyre::{Result, WrapErr, bail};

use crate::shell;

/// The promise of the README.
const WITHIN: Duration = Duration::from_secs(1);
/// The best counts: the machine may be busy.
const TRIES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes the program out of the package and starts it, with its chain in a folder. Fails when it is later than
/// promised.
pub(super) fn check(deb: &Path, scratch: &Path) -> Result<Duration> {
    let program = unpacked(deb, scratch)?;
    let mut best = Duration::MAX;
    for index in 0..TRIES {
        let data = scratch.join(format!("data-{index}"));
        best = best.min(first_answer(&program, &data)?);
    }
    if best > WITHIN {
        bail!("the packed program answers RPC only after {best:?}, promised is {WITHIN:?}");
    }
    Ok(best)
}

fn unpacked(deb: &Path, scratch: &Path) -> Result<PathBuf> {
    let tree = scratch.join("unpacked");
    shell::run(shell::program("dpkg-deb").arg("-x").args([deb, &tree]))
        .wrap_err("cannot unpack the package as its users will")?;
    Ok(tree.join("usr/bin/capstan"))
}

/// Ends the process with the measurement, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn first_answer(program: &Path, data: &Path) -> Result<Duration> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let begun = Instant::now();
    let child = shell::program(program)
        .args(["dev", "--port", &port.to_string(), "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .wrap_err_with(|| format!("cannot start {}", program.display()))?;
    let _running = Running(child);
    while begun.elapsed() < PATIENCE {
        if answers(port).unwrap_or(false) {
            return Ok(begun.elapsed());
        }
        thread::sleep(Duration::from_millis(2));
    }
    bail!("{} does not answer within {PATIENCE:?}", program.display())
}

fn answers(port: u16) -> Result<bool> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.contains(r#""result":"0x7a69""#))
}
