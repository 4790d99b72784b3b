//! The interface of `term` and its table of verbs.

use alloy_sol_types::sol;

use super::{offers, views};
use crate::admin::Pausing;
use ITerm::*;

sol! {
    /// Fixed-term debt: offers, loans with a schedule, claims.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface ITerm {
        /// What an offer says. `amortisation` is 0 for equal principal, 1 for an annuity, 2 for a bullet. Rates are per year.
        struct OfferTerms {
            uint32 assetId;
            uint32 rateBps;
            uint16 instalments;
            uint32 periodS;
            uint8 amortisation;
            uint32 graceS;
            uint32 lateBps;
            uint16 earlyFeeBps;
            uint32 defaultS;
            uint256 least;
            uint64 expiresMs;
        }
        /// An offer and what is left of it. One that has nothing left is nobody's any more; its terms stay.
        struct Offer {
            uint64 id;
            address lender;
            uint8 lenderIndex;
            uint256 left;
            OfferTerms terms;
        }
        /// A loan as it stands now. `owed` is all that is owed; `balance`, on which interest of `rateBps` a year runs, has not fallen due; `due` fell due and is unpaid; `overdue` is beyond its grace and costs `lateBps` a year.
        struct Loan {
            uint64 id;
            uint64 offer;
            address lender;
            uint8 lenderIndex;
            address borrower;
            uint8 borrowerIndex;
            uint32 assetId;
            uint32 rateBps;
            uint32 lateBps;
            uint256 principal;
            uint64 startMs;
            uint16 done;
            uint256 owed;
            uint256 balance;
            uint256 accrued;
            uint256 due;
            uint256 overdue;
            uint256 late;
            uint64 defaultMs;
            bool inDefault;
        }
        /// One payment of a schedule; `balance` is what has not fallen due behind it.
        struct Instalment {
            uint64 dueMs;
            uint256 principal;
            uint256 interest;
            uint256 balance;
        }

        /// Units were offered.
        event Offered(uint64 indexed id, address indexed lender, uint8 lenderIndex, uint256 amount, OfferTerms terms);
        /// An offer was cancelled; what it had left went back.
        event OfferCancelled(uint64 indexed id, uint256 left);
        /// A loan was taken.
        event LoanTaken(uint64 indexed id, uint64 indexed offer, address indexed borrower, uint8 borrowerIndex, uint256 principal);
        /// A loan was paid on: late fees, instalments, and early running interest, principal and its fee.
        event LoanPaid(uint64 indexed id, address indexed payer, uint8 payerIndex, uint256 late, uint256 due, uint256 accrued, uint256 principal, uint256 fee);
        /// Nothing more is owed.
        event LoanEnded(uint64 indexed id);
        /// Another owes the loan now.
        event LoanMoved(uint64 indexed id, address indexed borrower, uint8 borrowerIndex);
        /// Another holds the claim now.
        event ClaimMoved(uint64 indexed id, address indexed lender, uint8 lenderIndex);
        /// A loan was written off: its lender lost what was owed.
        event TermLossRealised(uint64 indexed id, address indexed lender, uint8 lenderIndex, uint256 owed);
        /// Verbs were paused or unpaused: 1 offer, 2 take.
        event TermPaused(uint8 paused);

        /// The verb is paused: 1 offer, 2 take. Paying and cancelling never are.
        error TermPausedNow(uint8 verb);
        /// An amount of zero does nothing.
        error TermZeroAmount();
        /// A part of the terms is out of its range.
        error TermOutOfRange(string what, uint256 value, uint256 min, uint256 max);
        /// No such offer stands.
        error TermNoOffer(uint64 id);
        /// The offer expired. Take another.
        error TermExpired(uint64 id, uint64 expiresMs);
        /// The offer has less left. Take at most `left`.
        error TermOfferShort(uint64 id, uint256 left, uint256 wanted);
        /// The amount does nothing here. Use at least `least`.
        error TermTooSmall(uint64 id, uint256 amount, uint256 least);
        /// No such loan is owed.
        error TermNoLoan(uint64 id);
        /// The offer or claim is another's.
        error TermNotLender(uint64 id, address lender);
        /// The account has as many loans as it may. Repay one first.
        error TermTooManyLoans(address owner, uint8 index, uint256 max);

        /// An offer, whether or not anything is left of it.
        function offerOf(uint64 id) external view returns (Offer memory);
        /// Offers that stand, with ids above `behind`; at most 100 ids are looked at.
        function offers(uint64 behind) external view returns (Offer[] memory);
        /// A loan as it stands now.
        function loanOf(uint64 id) external view returns (Loan memory);
        /// The instalments of a loan behind those that are paid.
        function scheduleOf(uint64 id) external view returns (Instalment[] memory);
        /// The instalments that a loan on these terms would have if it were taken now.
        function plan(OfferTerms calldata terms, uint256 principal) external view returns (Instalment[] memory);
        /// Loans that an account owes.
        function loansOf(address owner, uint8 index) external view returns (uint64[] memory);

        /// Offers tokens of the caller's wallet; payments and what is cancelled go to his account `index`. The caller allows the token to this contract.
        function offer(OfferTerms calldata terms, uint256 amount, uint8 index) external returns (uint64 id);
        /// Takes back what an offer has left, into the account that offered it. Only that account's owner.
        function cancelOffer(uint64 id) external returns (uint256 left);
        /// Hands a claim to another account. Only the owner of the account that holds it.
        function transferClaim(uint64 id, address to, uint8 index) external;
        /// Pauses verbs besides those that are. The owner of this contract's scope, or a holder of the role GUARD (1).
        function pause(uint8 verbs) external;
        /// Lets verbs go on. Only the owner.
        function unpause(uint8 verbs) external;
    }
}

crate::verbs! { ITermCalls;
    offerOfCall: View, 100 => |cx, c| views::offer_of(cx, c.id);
    offersCall: View, 500 => |cx, c| views::offers(cx, c.behind);
    loanOfCall: View, 300 => |cx, c| views::loan_of(cx, c.id);
    scheduleOfCall: View, 300 => |cx, c| views::schedule_of(cx, c.id);
    planCall: View, 300 => |cx, c| views::plan(cx, &c.terms, c.principal);
    loansOfCall: View, 100 => |cx, c| views::loans_of(cx, c.owner, c.index);
    offerCall: Write, 500 => |cx, c| offers::offer_verb(cx, &c.terms, c.amount, c.index);
    cancelOfferCall: Write, 200 => |cx, c| offers::cancel_verb(cx, c.id);
    transferClaimCall: Write, 200 => |cx, c| offers::transfer_claim_verb(cx, c.id, c.to, c.index);
    pauseCall: Write, 100 => |cx, c| offers::pause(cx, Pausing::Stop(c.verbs));
    unpauseCall: Write, 100 => |cx, c| offers::pause(cx, Pausing::GoOn(c.verbs));
}
