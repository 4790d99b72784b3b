//! What an auditor does next, whatever was done before him (AUD-13).

use alloy_primitives::B256;
use capstan_client::{ClientError, ErrorInWords};
use capstan_contracts::jobs::Fault;

use super::*;

fn case() -> Case {
    Case {
        claim_id: 7,
        pick: 1,
        receipt: B256::repeat_byte(3),
        machine_id: 2,
        class_id: 1,
        endpoint: "http://127.0.0.1:1/v1".to_owned(),
        program: B256::ZERO,
        quantisation: B256::ZERO,
    }
}

fn right() -> Seen {
    Seen::Found {
        fault: None,
        witness: B256::repeat_byte(9),
        words: String::new(),
    }
}

const RIGHT: Finding = Finding {
    fault: None,
    witness: B256::repeat_byte(9),
};

fn silent() -> Seen {
    Seen::Silent("nobody answers".to_owned())
}

fn no(name: &str) -> ClientError {
    ClientError::Reverted(ErrorInWords {
        name: name.to_owned(),
        message: name.to_owned(),
        help: String::new(),
    })
}

fn nobody() -> ClientError {
    ClientError::Node {
        url: "http://127.0.0.1:1".to_owned(),
        why: "refused".to_owned(),
    }
}

/// Asks, and hears this.
fn ask(look: &mut Look, when: When, seen: Seen) {
    assert_eq!(look.step(when), Step::Ask);
    look.standing = Standing::Looking;
    assert_eq!(look.step(when), Step::Wait, "he waits for what is computed");
    look.heard(seen);
}

/// What was found is committed to in its time, and shown in its time.
#[test]
fn what_is_found_is_said_and_shown() {
    let mut look = Look::new(case(), false);
    ask(&mut look, When::Show, right());
    assert_eq!(look.step(When::Show), Step::Wait);
    assert_eq!(look.step(When::Commit), Step::Say(Say::Commit(RIGHT)));
    look.said(Say::Commit(RIGHT));
    assert_eq!(look.step(When::CommitLast), Step::Wait);
    assert_eq!(look.step(When::Reveal), Step::Say(Say::Reveal(RIGHT)));
}

/// A machine is silent when it was asked until the last part of the window, and never because nobody asked.
#[test]
fn a_machine_is_asked_before_it_is_called_silent() {
    let mut look = Look::new(case(), false);
    ask(&mut look, When::CommitLast, silent());
    let withheld = Finding::withheld(&look.case);
    assert_eq!(withheld.fault, Some(Fault::Withheld));
    assert_eq!(
        look.step(When::Commit),
        Step::Ask,
        "it is asked as long as there is time"
    );
    assert_eq!(
        look.step(When::CommitLast),
        Step::Say(Say::Commit(withheld))
    );
    assert_eq!(
        look.step(When::Reveal),
        Step::Wait,
        "nothing was committed to"
    );
}

/// An auditor before him committed to what he finds as well.
#[test]
fn an_earlier_word_is_shown() {
    let mut look = Look::new(case(), true);
    ask(&mut look, When::Commit, right());
    assert_eq!(look.step(When::Commit), Step::Wait, "one word is enough");
    assert_eq!(look.step(When::Reveal), Step::Say(Say::Reveal(RIGHT)));
}

/// The one before heard nothing of a machine that answers now: what he said stands, and is shown.
#[test]
fn an_earlier_word_of_silence_is_shown_where_the_machine_answers_now() {
    let mut look = Look::new(case(), true);
    ask(&mut look, When::Reveal, right());
    look.refused(Say::Reveal(RIGHT), &no("JobsNotCommitted"));
    let withheld = Finding::withheld(&look.case);
    assert_eq!(look.step(When::Reveal), Step::Say(Say::Reveal(withheld)));
}

/// The one before found something in a machine that is silent now: it is asked until it answers.
#[test]
fn an_earlier_word_waits_for_a_machine_that_comes_back() {
    let mut look = Look::new(case(), true);
    ask(&mut look, When::Reveal, silent());
    let withheld = Finding::withheld(&look.case);
    assert_eq!(look.step(When::Reveal), Step::Say(Say::Reveal(withheld)));
    look.refused(Say::Reveal(withheld), &no("JobsNotCommitted"));
    ask(&mut look, When::Reveal, silent());
    ask(&mut look, When::Reveal, right());
    assert_eq!(look.step(When::Reveal), Step::Say(Say::Reveal(RIGHT)));
    // Shown before, or somebody else's: he does not try for ever.
    for _ in 0..REFUSED_MAX {
        assert_eq!(look.step(When::Reveal), Step::Say(Say::Reveal(RIGHT)));
        look.refused(Say::Reveal(RIGHT), &no("JobsNotCommitted"));
    }
    assert_eq!(look.standing, Standing::Done);
}

/// A word that was under way when he began is found when his own is refused.
#[test]
fn a_word_under_way_counts() {
    let mut look = Look::new(case(), false);
    ask(&mut look, When::Commit, right());
    look.refused(Say::Commit(RIGHT), &no("JobsCommitted"));
    assert_eq!(look.step(When::Commit), Step::Wait);
    assert_eq!(look.step(When::Reveal), Step::Say(Say::Reveal(RIGHT)));
}

/// A node that is away costs nothing; a contract that refuses is asked a few times.
#[test]
fn refusals_are_counted_and_absence_is_not() {
    let mut look = Look::new(case(), false);
    ask(&mut look, When::Commit, right());
    for _ in 0..100 {
        look.refused(Say::Commit(RIGHT), &nobody());
    }
    for _ in 0..REFUSED_MAX {
        assert_eq!(look.step(When::Commit), Step::Say(Say::Commit(RIGHT)));
        look.refused(Say::Commit(RIGHT), &no("JobsWrongPhase"));
    }
    assert_eq!(look.standing, Standing::Done);
}
