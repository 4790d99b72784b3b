//! Log lines, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::args::{LogFormat, LogOptions};

/// How the standard library's `print` ends where it cannot.
const NO_READER: &str = "failed printing to stdout";
/// What shells expect of a program whose reader left: 128 and the number of SIGPIPE.
const READER_LEFT: i32 = 141;

/// Starts logging. A filter that cannot be read is said and replaced by `info`: a node that starts with the
/// wrong verbosity is better than one that does not start.
pub(crate) fn start(options: &LogOptions) {
    let filter = match misspelt(&options.log_level) {
        Some(word) => Err(format!("`{word}` is no level")),
        None => EnvFilter::try_new(&options.log_level).map_err(|error| error.to_string()),
    };
    let (filter, complaint) = match filter {
        Ok(filter) => (filter, None),
        Err(complaint) => (EnvFilter::new("info"), Some(complaint)),
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
        if capstan_chain::kv::panic_is_answered() || capstan_compute::keys::panic_is_answered() {
            return;
        }
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let words = panic.payload_as_str().unwrap_or("no words");
        // `capstan market list | head -1`: who has read enough leaves, and nothing is wrong.
        if words.starts_with(NO_READER) && words.contains("Broken pipe") {
            std::process::exit(READER_LEFT);
        }
        tracing::error!(place, "internal error (please report): {words}");
    }));
}

/// A word of the filter that names neither a level nor a place in the code. Taken as a place, it would switch all other
/// logs off.
fn misspelt(filter: &str) -> Option<&str> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_known = |word: &str| {
        let is_place = word.contains("::") || word.contains(['=', '[', '_']);
        is_place || LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level))
    };
    let mut words = filter.split(',').map(str::trim);
    words.find(|word| !word.is_empty() && !is_known(word))
}

#[cfg(test)]
mod tests {
    use super::misspelt;

    #[test]
    fn a_slip_of_the_pen_is_no_filter() {
        let cases = [
            ("info", None),
            ("", None),
            ("WARN", None),
            ("capstan_chain=debug,info", None),
            ("capstan_chain", None),
            ("tokio::runtime=trace, off", None),
            ("inof", Some("inof")),
            ("info,vebrose", Some("vebrose")),
        ];
        for (filter, expected) in cases {
            assert_eq!(misspelt(filter), expected, "{filter}");
        }
    }
}
