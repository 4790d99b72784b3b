//! A block in progress that is verified from its access list when it closes (PER-1): every test of blocks is one of
//! the verifier too.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use capstan_evm::call::Session;
use capstan_evm::trace::DynInspector;
use capstan_evm::verify::{Claim, VerifyError, verify_with};
use capstan_evm::{
    BlockContext, BlockOutcome, BlockRun, ExecError, Natives, Rules, StateRead, Tx, TxOutcome,
};
use revm::context_interface::result::ResultAndState;

/// See the module.
pub(crate) struct Judged {
    run: BlockRun,
    pub(crate) case: Case,
}

/// What a verifier is told, and the block's transactions so far.
pub(crate) struct Case {
    pub(crate) rules: Arc<Rules>,
    pub(crate) parent: Arc<dyn StateRead>,
    pub(crate) context: BlockContext,
    pub(crate) natives: &'static dyn Natives,
    pub(crate) transactions: Vec<Recovered<Tx>>,
}

impl Case {
    /// Verifies the block against any list.
    pub(crate) fn verify(
        &self,
        list: &[alloy_eip7928::AccountChanges],
        threads: usize,
    ) -> Result<BlockOutcome, VerifyError> {
        let mut bytes = Vec::new();
        alloy_rlp::encode_list(list, &mut bytes);
        self.verify_bytes(&bytes, threads)
    }

    pub(crate) fn verify_bytes(
        &self,
        bytes: &[u8],
        threads: usize,
    ) -> Result<BlockOutcome, VerifyError> {
        self.verify_named(bytes, alloy_primitives::keccak256(bytes), threads)
    }

    /// Where the header names the list by this hash.
    pub(crate) fn verify_named(
        &self,
        bytes: &[u8],
        hash: alloy_primitives::B256,
        threads: usize,
    ) -> Result<BlockOutcome, VerifyError> {
        let claim = Claim {
            rules: Arc::clone(&self.rules),
            parent: Arc::clone(&self.parent),
            context: self.context.clone(),
            transactions: &self.transactions,
            access_list: bytes,
            access_list_hash: hash,
        };
        Ok(verify_with(&claim, threads, self.natives)?.into_outcome())
    }
}

impl Judged {
    pub(crate) fn open(
        rules: Arc<Rules>,
        parent: Arc<dyn StateRead>,
        context: BlockContext,
        natives: &'static dyn Natives,
    ) -> Self {
        let run = BlockRun::open_with(
            Arc::clone(&rules),
            Arc::clone(&parent),
            context.clone(),
            natives,
        );
        Self {
            run: run.expect("opens"),
            case: Case {
                rules,
                parent,
                context,
                natives,
                transactions: Vec::new(),
            },
        }
    }

    pub(crate) fn user(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        let outcome = self.run.user(tx)?;
        self.case.transactions.push(tx.clone());
        Ok(outcome)
    }

    pub(crate) fn system(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        let outcome = self.run.system(tx)?;
        self.case.transactions.push(tx.clone());
        Ok(outcome)
    }

    pub(crate) fn any(&mut self, tx: &Recovered<Tx>) -> Result<TxOutcome, ExecError> {
        let outcome = self.run.any(tx)?;
        self.case.transactions.push(tx.clone());
        Ok(outcome)
    }

    pub(crate) fn traced<T>(
        &mut self,
        tx: &Recovered<Tx>,
        inspector: &mut DynInspector<'_>,
        after: impl FnOnce(&ResultAndState, &Session) -> T,
    ) -> Result<(TxOutcome, T), ExecError> {
        let ended = self.run.traced(tx, inspector, after)?;
        self.case.transactions.push(tx.clone());
        Ok(ended)
    }

    pub(crate) fn close(self) -> Result<BlockOutcome, ExecError> {
        Ok(self.finish()?.0)
    }

    /// Closes the block; one, two and three threads verify it.
    pub(crate) fn finish(self) -> Result<(BlockOutcome, Case), ExecError> {
        let outcome = self.run.close()?;
        for threads in 1..=3 {
            let verified = self.case.verify(&outcome.access_list, threads);
            let verified = verified.unwrap_or_else(|error| panic!("{threads} threads: {error}"));
            assert_eq!(verified, outcome, "{threads} threads");
        }
        Ok((outcome, self.case))
    }
}

impl Deref for Judged {
    type Target = BlockRun;

    fn deref(&self) -> &BlockRun {
        &self.run
    }
}

impl DerefMut for Judged {
    fn deref_mut(&mut self) -> &mut BlockRun {
        &mut self.run
    }
}
