//! Measures, side by side with the peers.

use eyre::Result;

/// Runs the benches of the `testing` room with our own profile.
pub(crate) fn run(flags: &[String]) -> Result<()> {
    crate::shell::run(
        crate::shell::cargo()
            .args(["bench", "--profile", "dev", "--package", "capstan-testing"])
            .args(flags),
    )
}
