//! Python packages that tests need, each set in a virtual environment of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{Result, WrapErr, bail};

use crate::shell;

/// What the newest of the packages needs.
const PYTHON_MIN: (u32, u32) = (3, 11);

/// The Python of a virtual environment with the packages of a folder's requirements.txt, kept below the target folder.
pub(crate) fn environment(folder: &Path, name: &str) -> Result<PathBuf> {
    let requirements = folder.join("requirements.txt");
    let wanted = fs::read(&requirements).wrap_err("cannot read requirements.txt")?;
    let venv = shell::target_dir()?.join(name).join("venv");
    let python = venv.join("bin/python");
    let stamp = venv.join("installed-requirements.txt");
    if python.exists() && fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let Some(base) = ["python3", "python3.13", "python3.12", "python3.11"]
        .into_iter()
        .find(|name| is_new_enough(name))
    else {
        bail!(
            "Python {}.{} or newer is missing: install it",
            PYTHON_MIN.0,
            PYTHON_MIN.1
        );
    };
    shell::run(
        shell::program(base)
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
    )
    .wrap_err(
        "no virtual environment can be made: install Python's venv module (Debian: python3-venv)",
    )?;
    shell::run(
        shell::program(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(&requirements),
    )
    .wrap_err("Python packages cannot be installed: is the package index reachable?")?;
    fs::write(&stamp, wanted).wrap_err("cannot write the stamp of the environment")?;
    Ok(python)
}

fn is_new_enough(name: &str) -> bool {
    let code = format!("import sys; sys.exit(sys.version_info < {PYTHON_MIN:?})");
    Command::new(name)
        .args(["-c", &code])
        .output()
        .is_ok_and(|output| output.status.success())
}
