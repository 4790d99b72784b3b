//! Lists of numbered facts: where a claim is, and what was wrong with it.

use capstan_state::Halt;

/// Where a claim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Which receipts are audited is not known yet.
    Waiting,
    /// The machine shows those that were picked.
    Showing,
    /// Auditors commit.
    Committing,
    /// Auditors reveal.
    Revealing,
    /// The block settles it next.
    Ripe,
    /// It was paid.
    Paid,
    /// It was void: nothing of it was paid.
    Void,
}

impl Phase {
    /// The number under which it is stored and answered, for ever.
    pub const fn number(self) -> u8 {
        match self {
            Self::Waiting => 1,
            Self::Showing => 2,
            Self::Committing => 3,
            Self::Revealing => 4,
            Self::Ripe => 5,
            Self::Paid => 6,
            Self::Void => 7,
        }
    }

    /// Whether the claim is settled.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Paid | Self::Void)
    }
}

/// What was wrong with a claim. The first four auditors find, the others anybody can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The program answers something else.
    Wrong,
    /// The answer was cut without saying so.
    CutShort,
    /// The answer is another's, to something else.
    Copied,
    /// The machine gave auditors nothing to compute on.
    Withheld,
    /// A receipt that was picked was not shown in time.
    NotShown,
    /// A receipt of another program.
    OtherProgram,
    /// A receipt of another machine.
    OtherMachine,
    /// A receipt for another key.
    OtherPayer,
    /// A receipt of work that failed, and costs something.
    Failed,
    /// A receipt of work of another epoch.
    OtherEpoch,
    /// A receipt that costs more than its units, or than the dearest that the voucher knows.
    Overcharged,
    /// A job that has two receipts.
    Duplicate,
}

impl Fault {
    /// Each of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Wrong,
        Self::CutShort,
        Self::Copied,
        Self::Withheld,
        Self::NotShown,
        Self::OtherProgram,
        Self::OtherMachine,
        Self::OtherPayer,
        Self::Failed,
        Self::OtherEpoch,
        Self::Overcharged,
        Self::Duplicate,
    ];

    /// The number under which it is stored and answered, for ever. Zero is none.
    pub const fn number(self) -> u8 {
        match self {
            Self::Wrong => 1,
            Self::CutShort => 2,
            Self::Copied => 3,
            Self::Withheld => 4,
            Self::NotShown => 5,
            Self::OtherProgram => 6,
            Self::OtherMachine => 7,
            Self::OtherPayer => 8,
            Self::Failed => 9,
            Self::OtherEpoch => 10,
            Self::Overcharged => 11,
            Self::Duplicate => 12,
        }
    }

    /// What an auditor's verdict means: `None` is that the work is right.
    pub(super) fn of_verdict(number: u8) -> Result<Option<Self>, Halt> {
        match number {
            0 => Ok(None),
            1 => Ok(Some(Self::Wrong)),
            2 => Ok(Some(Self::CutShort)),
            3 => Ok(Some(Self::Copied)),
            4 => Ok(Some(Self::Withheld)),
            _ => Err(Halt::Fatal(format!(
                "corrupt storage: {number} is no verdict"
            ))),
        }
    }
}
