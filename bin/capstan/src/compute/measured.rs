//! What a gateway measured of its machine, for the machine's chain.

use std::sync::Arc;

use capstan_agents::provider::Gauge;
use capstan_compute::{
    gateway::Gateway,
    readings::{Batch, Board, Reading},
};
use capstan_contracts::machines::IMachines::Readings;
use parking_lot::Mutex;

/// The batch that is on its way.
type Sent = Option<(Batch, Vec<Reading>)>;

/// A gateway's board.
pub(crate) struct Measured {
    board: Option<Arc<Board>>,
    sent: Mutex<Sent>,
}

impl Measured {
    /// Of a gateway, which may measure nothing.
    pub(crate) fn of(gateway: &Gateway) -> Self {
        Self {
            board: gateway.board().map(Arc::clone),
            sent: Mutex::default(),
        }
    }
}

impl Gauge for Measured {
    fn batch(&self, last: &Readings, chain_ms: u64) -> Option<Readings> {
        let (batch, readings) = self
            .board
            .as_ref()?
            .batch((last.sequence, last.toMs), chain_ms)?;
        let told = Readings {
            sequence: batch.sequence,
            fromMs: batch.from_ms,
            toMs: batch.to_ms,
            root: batch.root,
            count: batch.count,
            watts: batch.watts,
            decikelvin: batch.decikelvin,
            utilisationBps: batch.utilisation_bps,
        };
        *self.sent.lock() = Some((batch, readings));
        Some(told)
    }

    fn taken(&self, told: &Readings) {
        let sent = self
            .sent
            .lock()
            .take()
            .filter(|(batch, _)| batch.root == told.root);
        if let (Some(board), Some((batch, readings))) = (&self.board, sent) {
            board.told(batch, readings);
        }
    }
}
