//! Log lines, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::args::{LogFormat, LogOptions};

/// Starts logging. A filter that cannot be read is said and replaced by `info`: a node that starts with the
/// wrong verbosity is better than one that does not start.
pub(crate) fn start(options: &LogOptions) {
    let (filter, complaint) = match EnvFilter::try_new(&options.log_level) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error.to_string())),
    };
    let registry = tracing_subscriber::registry().with(filter);
    match options.log_format {
        LogFormat::Json => registry
            .with(fmt::layer().json().with_writer(std::io::stderr))
            .init(),
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            registry
                .with(
                    fmt::layer()
                        .with_ansi(colours)
                        .with_target(false)
                        .with_writer(std::io::stderr),
                )
                .init();
        }
    }
    if let Some(complaint) = complaint {
        tracing::warn!(filter = options.log_level, %complaint, "the log filter cannot be read; info is used");
    }
    // A panic is a bug; it is said once, in the form that logs have.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let words = panic.payload_as_str().unwrap_or("no words");
        tracing::error!(place, "internal error (please report): {words}");
    }));
}
