//! What machines and customers signed, in the words of the contract of jobs.

use alloy_primitives::Signature;
use capstan_compute::{receipt::Receipt, tab::Voucher};
use capstan_contracts::jobs::IJobs;

/// A word in the contract's form.
pub(crate) fn signature(word: &Signature) -> IJobs::Signature {
    IJobs::Signature {
        v: 27 + u8::from(word.v()),
        r: word.r().into(),
        s: word.s().into(),
    }
}

/// A voucher in the contract's form.
pub(crate) fn voucher(voucher: &Voucher) -> IJobs::Voucher {
    IJobs::Voucher {
        channel: voucher.channel,
        epoch: voucher.epoch,
        cost: voucher.cost,
        largest: voucher.largest,
        inputUnits: voucher.inputUnits,
        outputUnits: voucher.outputUnits,
        receipts: voucher.receipts,
        root: voucher.root,
    }
}

/// A receipt in the contract's form.
pub(crate) fn receipt(receipt: Receipt) -> IJobs::Receipt {
    IJobs::Receipt {
        job: receipt.job,
        program: receipt.program,
        input: receipt.input,
        output: receipt.output,
        parents: receipt.parents,
        payer: receipt.payer,
        machine: receipt.machine,
        startedMs: receipt.startedMs,
        firstMs: receipt.firstMs,
        tookMs: receipt.tookMs,
        inputUnits: receipt.inputUnits,
        outputUnits: receipt.outputUnits,
        cost: receipt.cost,
        energyMj: receipt.energyMj,
        outcome: receipt.outcome,
        notes: receipt.notes,
    }
}
