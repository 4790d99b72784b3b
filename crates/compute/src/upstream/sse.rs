//! Server-sent events, as they come in pieces.

use bytes::{Buf as _, BytesMut};

/// An event that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {0} bytes")]
pub struct SseError(usize);

/// Puts events together. What is no `data:` line (comments, names, ids) is skipped.
#[derive(Debug)]
pub struct Sse {
    pending: BytesMut,
    data: Vec<u8>,
    has_data: bool,
    event_bytes_max: usize,
}

impl Sse {
    /// Events up to this length.
    pub fn new(event_bytes_max: usize) -> Self {
        Self {
            pending: BytesMut::new(),
            data: Vec::new(),
            has_data: false,
            event_bytes_max,
        }
    }

    /// Takes a piece, and gives what became complete with it.
    ///
    /// # Errors
    /// A line or event is too long; what comes after it is lost.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Vec<u8>>, SseError> {
        let mut events = Vec::new();
        let seen = self.pending.len();
        self.pending.extend_from_slice(piece);
        let mut from = seen;
        while let Some(at) = self.pending[from..].iter().position(|byte| *byte == b'\n') {
            let line = self.pending.split_to(from + at);
            self.pending.advance(1);
            from = 0;
            if let Some(event) = self.line(line.strip_suffix(b"\r").unwrap_or(&line))? {
                events.push(event);
            }
        }
        if self.pending.len() + self.data.len() > self.event_bytes_max {
            return Err(SseError(self.event_bytes_max));
        }
        Ok(events)
    }

    /// Whether an event was begun and not ended.
    pub fn is_in_the_middle(&self) -> bool {
        self.has_data || !self.pending.is_empty()
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, SseError> {
        if line.is_empty() {
            let had = std::mem::take(&mut self.has_data);
            return Ok(had.then(|| std::mem::take(&mut self.data)));
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data
                .extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            self.has_data = true;
        }
        if self.data.len() > self.event_bytes_max {
            return Err(SseError(self.event_bytes_max));
        }
        Ok(None)
    }
}
