//! The clients of OpenAI as PyPI and npm have them, installed below the target folder, once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

pub(crate) fn run(command: &mut Command) -> Result<String, String> {
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
pub(crate) fn python() -> Result<PathBuf, String> {
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
pub(crate) fn javascript() -> Result<PathBuf, String> {
    let folder = folder("openai-javascript");
    let wanted = fs::read_to_string(sources().join("package-lock.json")).expect("a lockfile");
    let stamp = folder.join("installed.json");
    for name in [
        ".npmrc",
        "package.json",
        "package-lock.json",
        "chat.mjs",
        "model.mjs",
    ] {
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
