//! Auditors say what they saw before they see what the provider says: who has not computed has nothing to say.

use sha2::{Digest as _, Sha256};

use super::{
    proof::{Proof, Witness},
    verify::{Failure, Thresholds},
};

/// A witness that is not shown yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment([u8; 32]);

/// What opens a commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// What the auditor saw.
    pub witness: Witness,
    /// What hides it until then.
    pub nonce: [u8; 32],
}

impl Opening {
    /// Binds it to one auditor and one job.
    pub fn commit(&self, auditor: &[u8], job: &[u8; 32]) -> Commitment {
        let mut hasher = Sha256::new();
        hasher.update(b"capstan witness");
        hasher.update((auditor.len() as u64).to_le_bytes());
        hasher.update(auditor);
        hasher.update(job);
        hasher.update(self.nonce);
        hasher.update(self.witness.encode());
        Commitment(hasher.finalize().into())
    }

    /// Judges a provider's proof by it. No model is needed for that.
    pub fn judge(&self, proof: &Proof, thresholds: &Thresholds) -> Result<(), Failure> {
        let groups = proof.groups();
        if groups.len() != self.witness.groups().len() {
            return Err(Failure::Proof);
        }
        for (group, (said, saw)) in groups.iter().zip(self.witness.groups()).enumerate() {
            let measure = said.measure(saw);
            if !thresholds.admit(&measure) {
                return Err(Failure::States {
                    group,
                    disagree: measure.disagree,
                    entries: measure.entries,
                    mean: measure.mean,
                });
            }
        }
        Ok(())
    }
}

impl Commitment {
    /// Whether this opens it for this auditor and job.
    pub fn opens(&self, opening: &Opening, auditor: &[u8], job: &[u8; 32]) -> bool {
        *self == opening.commit(auditor, job)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
