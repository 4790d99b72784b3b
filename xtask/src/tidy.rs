//! Small rules about files, each with its reason.

use std::{fs, path::Path};

use eyre::{Result, bail};

use crate::shell;

/// A room that is longer is two rooms. Tests do not count: they lie in files of their own.
const LINES_MAX: usize = 900;

/// Starts of absolute paths that exist on somebody's machine only. Split, so that this file passes itself.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("C:", "\\"),
];

/// Words that promise what is not there.
const PROMISES: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("for ", "now,"),
];

/// Checks every file that git knows.
pub(crate) fn run() -> Result<()> {
    let mut complaints = Vec::new();
    for path in shell::tracked_files()? {
        let Ok(text) = fs::read_to_string(shell::root().join(&path)) else {
            continue;
        };
        complaints.extend(check(&path, &text));
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} files are untidy", complaints.len());
    }
    Ok(())
}

fn check(path: &Path, text: &str) -> Vec<String> {
    let name = path.display();
    let mut complaints = Vec::new();
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let is_lock = path
        .file_name()
        .is_some_and(|file| file == "package-lock.json");
    if is_rust && !is_test(path) {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            complaints.push(format!(
                "{name}: {lines} lines, more than {LINES_MAX}: split the room"
            ));
        }
    }
    if is_lock && text.contains("\"resolved\"") {
        complaints.push(format!(
            "{name}: names a registry host: install with omit-lockfile-registry-resolved=true"
        ));
    }
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        for prefix in MACHINE_PATHS {
            if mentions_path(line, prefix) {
                complaints.push(format!("{name}:{number}: an absolute path of one machine ({prefix}..): say it relative to something"));
            }
        }
        if is_rust {
            for promise in PROMISES {
                if line.contains(promise) {
                    complaints.push(format!("{name}:{number}: `{promise}`: do it, or write down why not in words that stay true"));
                }
            }
        }
    }
    complaints
}

/// Whether the path stands alone, not inside a longer one or an address of the web.
fn mentions_path(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '~' | '}' | '$' | '@')
        })
    })
}

fn is_test(path: &Path) -> bool {
    let file = path.file_stem().unwrap_or_default().to_string_lossy();
    file == "tests"
        || file.ends_with("_tests")
        || path.components().any(|part| {
            matches!(
                part.as_os_str().to_str(),
                Some("tests" | "testing" | "benches" | "fuzz")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn complaint_count(path: &str, text: &str, expected: usize) {
        let complaints = check(Path::new(path), text);
        assert_eq!(complaints.len(), expected, "{complaints:?}");
    }

    #[test]
    fn rules_catch_what_they_name_and_nothing_else() {
        complaint_count("a.md", &format!("see {}me/x", MACHINE_PATHS[0]), 1);
        complaint_count("a.md", &format!("https://x.y{}z", MACHINE_PATHS[0]), 0);
        complaint_count("a.rs", &format!("// {} later", PROMISES[0]), 1);
        complaint_count("a.rs", &"x\n".repeat(LINES_MAX + 1), 1);
        complaint_count("a/tests.rs", &"x\n".repeat(LINES_MAX + 1), 0);
        complaint_count("package-lock.json", "\"resolved\": 1", 1);
        complaint_count("a.rs", "fine\n", 0);
    }
}
