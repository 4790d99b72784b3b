//! The clients of OpenAI as PyPI and npm have them, unmodified.
//!
//! They are installed below the target folder, once. Where they cannot be installed the test says SKIP and why.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    fake::Fake,
    world::{World, limits},
};

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|why| format!("{command:?}: {why}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(format!(
            "{command:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// A Python with the client.
fn python() -> Result<PathBuf, String> {
    let venv = folder("openai-python");
    let python = venv.join("bin/python");
    let wanted = fs::read_to_string(sources().join("requirements.txt")).expect("a list");
    let stamp = venv.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv))?;
    let list = sources().join("requirements.txt");
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "-r"])
        .arg(list))?;
    fs::write(stamp, wanted).expect("written");
    Ok(python)
}

/// A folder with the JavaScript client.
fn javascript() -> Result<PathBuf, String> {
    let folder = folder("openai-javascript");
    let wanted = fs::read_to_string(sources().join("package-lock.json")).expect("a lockfile");
    let stamp = folder.join("installed.json");
    for name in [".npmrc", "package.json", "package-lock.json", "chat.mjs"] {
        fs::copy(sources().join(name), folder.join(name)).expect("copied");
    }
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        run(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder))?;
        fs::write(stamp, wanted).expect("written");
    }
    Ok(folder)
}

/// Runs a client's own checks against a gateway, outside of the runtime that serves it.
async fn drive(prepare: fn() -> Result<Command, String>) {
    let command = tokio::task::spawn_blocking(prepare).await.expect("ends");
    let mut command = match command {
        Ok(command) => command,
        Err(why) => return println!("SKIP: the client cannot be installed: {why}"),
    };
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let poor = world.new_key(limits("0.05usd")).await;
    command.args([format!("{}/v1", world.url), world.key.clone(), poor]);
    let said = tokio::task::spawn_blocking(move || run(&mut command))
        .await
        .expect("ends");
    match said {
        Ok(said) => println!("{said}"),
        Err(why) => panic!("{why}"),
    }
    assert!(world.settled().await.key.requests >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_works_unmodified() {
    drive(|| {
        let mut command = Command::new(python()?);
        command.arg(sources().join("chat.py"));
        Ok(command)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_javascript_client_works_unmodified() {
    drive(|| {
        let mut command = Command::new("node");
        command.arg("chat.mjs").current_dir(javascript()?);
        Ok(command)
    })
    .await;
}
