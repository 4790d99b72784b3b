//! The nodes under test: processes, what they use of the machine, and what they say of themselves.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use eyre::{OptionExt, WrapErr, ensure};

use super::client::Client;

/// One node process, with its data in a fresh folder.
pub(super) struct Node {
    pub(super) name: &'static str,
    child: Child,
    pub(super) client: Client,
    _data: tempfile::TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        // A node that already ended is fine: the bench is over for it either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    /// Ours: every block is synced to a disk before it is reported.
    pub(super) async fn capstan(
        binary: &Path,
        accounts: usize,
        flags: &[String],
    ) -> eyre::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = Command::new(binary);
        command
            .args(["dev", "--empty", "--accounts", &accounts.to_string()])
            .arg("--data")
            .arg(data.path().join("chain"))
            .args(["--log-level", "warn"])
            .args(flags);
        Self::start("capstan", command, data).await
    }

    /// The peer: everything in memory.
    pub(super) async fn anvil(
        binary: &Path,
        accounts: usize,
        flags: &[String],
    ) -> eyre::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = Command::new(binary);
        command
            .args(["--silent", "--accounts", &accounts.to_string()])
            .args(flags);
        Self::start("anvil", command, data).await
    }

    async fn start(
        name: &'static str,
        mut command: Command,
        data: tempfile::TempDir,
    ) -> eyre::Result<Self> {
        let port = free_port()?;
        let child = command
            .args(["--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .wrap_err_with(|| format!("starting {name}"))?;
        let mut node = Self {
            name,
            child,
            client: Client::new(&format!("http://127.0.0.1:{port}")),
            _data: data,
        };
        let start = Instant::now();
        while node.client.call("eth_chainId", "[]").await.is_err() {
            let ended = node.child.try_wait()?;
            ensure!(ended.is_none(), "{name} ended at once: {ended:?}");
            ensure!(
                start.elapsed() < Duration::from_secs(30),
                "{name} does not answer"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(node)
    }

    /// What the process has used so far.
    pub(super) fn usage(&self) -> eyre::Result<Usage> {
        Usage::of(&self.child.id().to_string())
    }

    /// The figures of the node's metrics page, by name; labelled ones are left out. Empty for a peer.
    pub(super) async fn metrics(&self) -> BTreeMap<String, f64> {
        let Ok(page) = self.client.get("/metrics").await else {
            return BTreeMap::new();
        };
        page.lines()
            .filter_map(|line| {
                let (name, value) = line.split_once(' ')?;
                Some((name.to_owned(), value.parse().ok()?))
            })
            .collect()
    }
}

fn free_port() -> eyre::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

/// CPU seconds of a process, user and system together.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// All threads, ended ones included.
    pub(super) cpu_s: f64,
    /// The threads that live, by the name of their kind.
    pub(super) threads_s: BTreeMap<String, f64>,
}

impl Usage {
    /// Of a running process; `self` is this one.
    pub(super) fn of(process: &str) -> eyre::Result<Self> {
        let folder = PathBuf::from("/proc").join(process);
        let (_, cpu_s) = read_stat(&folder.join("stat"))?;
        let mut threads_s = BTreeMap::new();
        for thread in fs::read_dir(folder.join("task"))? {
            // A thread may end between being listed and being read.
            let Ok((name, cpu_s)) = read_stat(&thread?.path().join("stat")) else {
                continue;
            };
            let kind = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
            *threads_s.entry(kind.to_owned()).or_default() += cpu_s;
        }
        Ok(Self { cpu_s, threads_s })
    }

    /// What was used since an earlier look.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let threads = self.threads_s.iter().map(|(name, cpu_s)| {
            let before = earlier.threads_s.get(name).copied().unwrap_or_default();
            (name.clone(), cpu_s - before)
        });
        Self {
            cpu_s: self.cpu_s - earlier.cpu_s,
            threads_s: threads.collect(),
        }
    }
}

/// Name and CPU seconds of a process or thread.
fn read_stat(path: &Path) -> eyre::Result<(String, f64)> {
    let stat = fs::read_to_string(path)?;
    // A name may hold spaces and parentheses; fields are counted after the last one.
    let (name, fields) = stat.rsplit_once(')').ok_or_eyre("odd /proc stat")?;
    let name = name.split_once('(').ok_or_eyre("odd /proc stat")?.1;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<_, _>>()?;
    // SAFETY: sysconf reads a constant of the running kernel.
    #[allow(unsafe_code)]
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Ok((name.to_owned(), ticks as f64 / per_second as f64))
}

/// CPU seconds of this process, finer than the ticks of /proc.
pub(super) fn own_cpu_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime writes one timespec, which it is given.
    #[allow(unsafe_code)]
    unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time);
    }
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
