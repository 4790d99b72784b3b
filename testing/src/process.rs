//! A real node in a process of its own: started, asked, killed.
//!
//! The program is the one that `CAPSTAN_BIN` names; else the one that cargo built for the tests of
//! `bin/capstan`, which is never stale; else what lies in the test's own target folder.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use eyre::{OptionExt, Result, WrapErr, bail, eyre};
use serde_json::{Value, json};

/// Longest wait for a node to answer, and for one to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Where the program is.
pub fn binary() -> Result<PathBuf> {
    for name in ["CAPSTAN_BIN", "CARGO_BIN_EXE_capstan"] {
        if let Some(path) = std::env::var_os(name) {
            return Ok(path.into());
        }
    }
    // A test lies in <target>/debug/deps.
    let test = std::env::current_exe().wrap_err("a test does not know its own path")?;
    let beside = test.ancestors().nth(2).map(|folder| folder.join("capstan"));
    match beside {
        Some(path) if path.exists() => Ok(path),
        _ => bail!(
            "the capstan program is not built: run `cargo build -p capstan` first, or `cargo xtask test`"
        ),
    }
}

/// The program, to be started with some words.
pub fn capstan(words: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary()?);
    command.args(words);
    Ok(command)
}

/// What a program that ran to its end said.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Results.
    pub stdout: String,
    /// Logs and errors.
    pub stderr: String,
}

/// Runs the program to its end.
pub fn run(words: &[&str]) -> Result<Said> {
    let output = capstan(words)?
        .stdin(Stdio::null())
        .output()
        .wrap_err("capstan cannot be started")?;
    Ok(Said {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A running node. Dropping it kills the process.
#[derive(Debug)]
pub struct Node {
    child: Child,
    url: String,
    said: Arc<Mutex<String>>,
    http: reqwest::Client,
    /// From the start of the process to its first answer.
    pub answered_after: Duration,
}

impl Node {
    /// Starts `capstan WORDS --port P` on a free port and waits until it answers.
    pub async fn start(words: &[&str]) -> Result<Self> {
        Self::start_with(capstan(words)?).await
    }

    /// The same for a command that was prepared otherwise.
    pub async fn start_with(mut command: Command) -> Result<Self> {
        let port = free_port()?;
        let start = Instant::now();
        let mut child = command
            .args(["--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .wrap_err("capstan cannot be started")?;
        let said = Arc::new(Mutex::new(String::new()));
        keep(
            child.stdout.take().ok_or_eyre("no stdout")?,
            Arc::clone(&said),
        );
        keep(
            child.stderr.take().ok_or_eyre("no stderr")?,
            Arc::clone(&said),
        );
        let mut node = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            said,
            http: reqwest::Client::new(),
            answered_after: Duration::ZERO,
        };
        loop {
            if node.rpc("eth_chainId", json!([])).await.is_ok() {
                node.answered_after = start.elapsed();
                return Ok(node);
            }
            if let Some(status) = node.child.try_wait()? {
                // The threads that keep its words may be a moment behind.
                thread::sleep(Duration::from_millis(50));
                bail!(
                    "capstan ended ({status}) before it answered:\n{}",
                    node.said()
                );
            }
            if start.elapsed() > PATIENCE {
                bail!(
                    "capstan does not answer after {PATIENCE:?}:\n{}",
                    node.said()
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that it printed until now.
    pub fn said(&self) -> String {
        self.said
            .lock()
            .map(|said| said.clone())
            .unwrap_or_default()
    }

    /// Whether it prints these words, now or soon: it serves a moment before it has said all that it says at a start.
    pub async fn says(&self, words: &str) -> bool {
        let asked = Instant::now();
        while !self.said().contains(words) {
            if asked.elapsed() > PATIENCE {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// One request. An error of the node is an error here, with its code and words.
    pub async fn rpc(&self, method: &str, params: Value) -> Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer: Value = self
            .http
            .post(&self.url)
            .json(&request)
            .send()
            .await?
            .json()
            .await?;
        match answer.get("error") {
            Some(error) => Err(eyre!("{method}: {error}")),
            None => Ok(answer["result"].clone()),
        }
    }

    /// One request with a quantity as its answer.
    pub async fn quantity(&self, method: &str, params: Value) -> Result<u128> {
        let answer = self.rpc(method, params).await?;
        let text = answer
            .as_str()
            .and_then(|text| text.strip_prefix("0x"))
            .ok_or_eyre("no quantity")?;
        u128::from_str_radix(text, 16).wrap_err_with(|| format!("{method} answered {answer}"))
    }

    /// `kill -9`: no destructor runs, no buffer is flushed.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal and waits for the end.
    pub fn signal(&mut self, signal: &str) -> Result<ExitStatus> {
        self.tell(signal)?;
        self.wait()
    }

    /// Whether the process has not ended.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Sends a signal.
    pub fn tell(&self, signal: &str) -> Result<()> {
        let sent = Command::new("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .status()?;
        if !sent.success() {
            bail!("kill -s {signal} did not work");
        }
        Ok(())
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                thread::sleep(Duration::from_millis(50));
                return Ok(status);
            }
            if start.elapsed() > PATIENCE {
                bail!("capstan does not end within {PATIENCE:?}:\n{}", self.said());
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(stream: impl Read + Send + 'static, said: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Ok(mut said) = said.lock() {
                said.push_str(&line);
                said.push('\n');
            }
        }
    });
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A path as the text that a command line takes.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
