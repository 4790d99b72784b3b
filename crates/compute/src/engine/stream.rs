//! Text as it comes: whole characters, and never a part of a stop sequence.

/// Bytes on their way to text.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// What was shown.
    shown: String,
    /// Text that may be the start of a stop sequence.
    held: String,
    /// Bytes of a character that is not whole yet.
    bytes: Vec<u8>,
    stops: Vec<String>,
    stopped: bool,
}

impl Stream {
    pub(crate) fn new(stops: &[String]) -> Self {
        Self {
            stops: stops
                .iter()
                .filter(|stop| !stop.is_empty())
                .cloned()
                .collect(),
            ..Self::default()
        }
    }

    /// Takes bytes of a token; gives what can be shown.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.bytes.extend_from_slice(bytes);
        let text = whole(&mut self.bytes);
        self.held.push_str(&text);
        self.release(false)
    }

    /// Shows what was held back, unless a stop sequence ended the answer.
    pub(crate) fn finish(&mut self) -> String {
        let rest = String::from_utf8_lossy(&std::mem::take(&mut self.bytes)).into_owned();
        self.held.push_str(&rest);
        self.release(true)
    }

    /// Whether a stop sequence ended the answer.
    pub(crate) const fn stopped(&self) -> bool {
        self.stopped
    }

    /// All that was shown.
    pub(crate) fn into_text(self) -> String {
        self.shown
    }

    fn release(&mut self, all: bool) -> String {
        if self.stopped {
            self.held.clear();
            return String::new();
        }
        let stop = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop))
            .min();
        if let Some(at) = stop {
            self.stopped = true;
            self.held.truncate(at);
        }
        let keep = if all || self.stopped {
            0
        } else {
            self.may_become_stop()
        };
        let out: String = self.held.drain(..self.held.len() - keep).collect();
        self.shown.push_str(&out);
        out
    }

    /// Bytes at the end of what is held that begin a stop sequence.
    fn may_become_stop(&self) -> usize {
        let longest = |stop: &String| {
            let ends = (1..=stop.len().min(self.held.len())).rev();
            let mut ends = ends.filter(|n| stop.is_char_boundary(*n));
            ends.find(|n| self.held.ends_with(&stop[..*n])).unwrap_or(0)
        };
        self.stops.iter().map(longest).max().unwrap_or(0)
    }
}

/// Takes all that is whole out of bytes: what cannot be text becomes U+FFFD, what may still become some stays.
fn whole(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    loop {
        match std::str::from_utf8(bytes) {
            Ok(rest) => {
                text.push_str(rest);
                bytes.clear();
                return text;
            }
            Err(error) => {
                let valid = error.valid_up_to();
                text.push_str(&String::from_utf8_lossy(&bytes[..valid]));
                match error.error_len() {
                    None => {
                        bytes.drain(..valid);
                        return text;
                    }
                    Some(bad) => {
                        text.push('\u{FFFD}');
                        bytes.drain(..valid + bad);
                    }
                }
            }
        }
    }
}
