//! The page that leads from a genesis of one's own to a first loan is a script, and runs.

use std::{fs, net::TcpListener, path::Path, process::Command};

use capstan_testing::process::binary;

/// What stands between the fences of a page's shell examples.
fn commands(page: &str) -> String {
    let mut all = String::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => all = all + line + "\n",
            _ => {}
        }
    }
    all
}

#[test]
fn the_page_about_ones_own_chain_is_true() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/own-chain.md");
    let script = commands(&fs::read_to_string(page).expect("the page"));
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    assert_eq!(script.matches("8545").count(), 2, "{script}");
    let script = format!(
        "set -e\ntrap 'kill $(jobs -p)' EXIT\n{}",
        script.replace("8545", &port.to_string())
    );
    let folder = tempfile::tempdir().expect("a folder");
    let program = binary().expect("built");
    let path = std::env::var("PATH").unwrap_or_default();
    let beside = program.parent().expect("a folder").display();
    // What runs in the background holds no pipe of ours: its words go to a file.
    let log = folder.path().join("log");
    let out = fs::File::create(&log).expect("a log");
    let status = Command::new("timeout")
        .args(["60", "bash", "-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{beside}:{path}"))
        .stdout(out.try_clone().expect("a log"))
        .stderr(out)
        .status()
        .expect("bash");
    let said = fs::read_to_string(&log).expect("a log");
    assert!(status.success(), "{said}");
    for text in [
        "no asset has a market here",
        "#0 ETH",
        "#1 usd",
        "5000",
        "Minted  5000 usd",
    ] {
        assert!(said.contains(text), "no `{text}` in {said}");
    }
}
