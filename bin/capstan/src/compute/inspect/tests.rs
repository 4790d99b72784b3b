//! What an auditor says of an answer that is right, and of those of each kind of cheat.

use alloy_primitives::Address;
use capstan_compute::{
    bundled::Bundled,
    receipt::{Machine, Outcome, Receipt, canonical_request, hash},
    testkit::tiny,
    upstream::{Aside, Ask, AskBounds, Kind, Object, Upstream as _},
};
use serde_json::{Value, json};

use super::*;

fn engine(seed: u64) -> Arc<Engine> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    tiny(seed, "Q4_1").write(&path).expect("written");
    Engine::load(&path, 1).expect("loaded")
}

fn object(value: Value) -> Object {
    value.as_object().cloned().expect("an object")
}

fn asked(words: &str) -> Object {
    object(json!({
        "model": "tiny", "max_tokens": 12, "seed": 7,
        "messages": [{"role": "user", "content": words}],
    }))
}

/// What a machine signs for an answer of its engine: the receipt names `program`, whatever it ran.
async fn sold(engine: &Arc<Engine>, program: B256, body: &Object) -> (Signed, Evidence) {
    let ask = Ask {
        kind: Kind::Chat,
        model: "tiny".to_owned(),
        body: body.clone(),
        aside: Aside::default(),
        bounds: AskBounds::default(),
    };
    let server = Bundled::new("tiny", Arc::clone(engine), 1);
    let parts = server.stream(&ask).await.expect("answers");
    let mut said = capstan_compute::upstream::Answer::default();
    let mut parts = std::pin::pin!(parts);
    while let Some(part) = futures::StreamExt::next(&mut parts).await {
        said.add(&part.expect("a part"));
    }
    let work = ask.aside.take().expect("work");
    let request = canonical_request(body);
    let evidence = Evidence { request, work };
    (signed(program, &evidence, said.hash()), evidence)
}

fn signed(program: B256, evidence: &Evidence, output: B256) -> Signed {
    let notes = object(json!({"kind": "chat", "evidence": evidence.hash()}));
    let tokens: usize = evidence
        .work
        .choices
        .iter()
        .map(|one| one.tokens.len())
        .sum();
    let receipt = Receipt {
        job: B256::repeat_byte(1),
        program,
        input: keccak256(&evidence.request),
        output,
        parents: Vec::new(),
        payer: B256::ZERO,
        machine: Address::ZERO,
        startedMs: 1,
        firstMs: 0,
        tookMs: 0,
        inputUnits: 1,
        outputUnits: tokens as u64,
        cost: 1,
        energyMj: 0,
        outcome: Outcome::Whole.number(),
        notes: B256::ZERO,
    };
    Machine::random().sign(receipt, notes).expect("signed")
}

fn verdict(seen: &Seen) -> Option<Fault> {
    match seen {
        Seen::Found { fault, .. } => *fault,
        other => panic!("nothing was found: {other:?}"),
    }
}

fn witness(seen: &Seen) -> B256 {
    match seen {
        Seen::Found { witness, .. } => *witness,
        other => panic!("nothing was found: {other:?}"),
    }
}

#[tokio::test]
async fn an_honest_answer_is_right_and_all_who_compute_have_one_witness() {
    let (model, again) = (engine(1), engine(1));
    let (signed, evidence) = sold(&model, B256::from(model.card().sha256), &asked("hello")).await;
    let (one, other) = (
        judged(&model, &signed, &evidence, false),
        judged(&again, &signed, &evidence, false),
    );
    assert_eq!(verdict(&one), None);
    assert_eq!(one, other);
}

#[tokio::test]
async fn other_weights_are_wrong_and_auditors_agree_on_it() {
    let (model, again, swapped) = (engine(1), engine(1), engine(2));
    let program = B256::from(model.card().sha256);
    let (signed, evidence) = sold(&swapped, program, &asked("hello")).await;
    let (one, other) = (
        judged(&model, &signed, &evidence, false),
        judged(&again, &signed, &evidence, false),
    );
    assert_eq!(verdict(&one), Some(Fault::Wrong), "{one:?}");
    assert_eq!(witness(&one), witness(&other));
}

#[tokio::test]
async fn a_cut_answer_is_cut_short() {
    let model = engine(1);
    let program = B256::from(model.card().sha256);
    let (_, mut evidence) = sold(&model, program, &asked("hello")).await;
    let cut = &mut evidence.work.choices[0];
    assert!(cut.tokens.len() > 2, "something to cut");
    cut.tokens.truncate(2);
    let signed = signed(program, &evidence, hash(&json!("whatever")));
    let seen = judged(&model, &signed, &evidence, false);
    assert_eq!(verdict(&seen), Some(Fault::CutShort), "{seen:?}");
}

#[tokio::test]
async fn an_answer_to_something_else_is_wrong_and_one_with_the_others_request_is_copied() {
    let model = engine(1);
    let program = B256::from(model.card().sha256);
    let (old_signed, old) = sold(&model, program, &asked("hello")).await;
    let request = canonical_request(&asked("something else"));
    let sold_again = Evidence {
        request: request.clone(),
        work: old.work.clone(),
    };
    let receipt = signed(program, &sold_again, old_signed.receipt.output);
    let seen = judged(&model, &receipt, &sold_again, false);
    assert_eq!(verdict(&seen), Some(Fault::Wrong), "{seen:?}");
    // The machine shows the other's evidence as it was: its request is not this receipt's.
    let mut receipt = signed(program, &old, old_signed.receipt.output);
    receipt.receipt.input = keccak256(&request);
    let seen = judged(&model, &receipt, &old, false);
    assert_eq!(verdict(&seen), Some(Fault::Copied), "{seen:?}");
}

#[tokio::test]
async fn evidence_that_was_changed_is_no_evidence() {
    let model = engine(1);
    let program = B256::from(model.card().sha256);
    let (signed, mut evidence) = sold(&model, program, &asked("hello")).await;
    evidence.work.max_tokens += 1;
    let seen = judged(&model, &signed, &evidence, false);
    assert!(matches!(seen, Seen::Silent(_)), "{seen:?}");
}

/// AUD-10: what kernels explain convicts nobody; what they do not explain does, whatever kernels are named.
#[tokio::test]
async fn aud_10_other_kernels_excuse_what_they_explain_and_nothing_else() {
    let (model, swapped) = (engine(1), engine(2));
    let program = B256::from(model.card().sha256);
    let (_, mut evidence) = sold(&swapped, program, &asked("hello")).await;
    evidence.work.kernels = "others".to_owned();
    let receipt = self::signed(program, &evidence, B256::ZERO);
    let seen = judged(&model, &receipt, &evidence, false);
    assert_eq!(
        verdict(&seen),
        Some(Fault::Wrong),
        "other weights: {seen:?}"
    );

    let (_, mut ended) = sold(&model, program, &asked("hello")).await;
    ended.work.kernels = "others".to_owned();
    let chosen = &mut ended.work.choices[0];
    // The model's end, which was not drawn: on other kernels it might have been.
    *chosen.tokens.last_mut().expect("tokens") = 0;
    chosen.finish = capstan_compute::engine::Finish::End;
    let receipt = self::signed(program, &ended, B256::ZERO);
    let seen = judged(&model, &receipt, &ended, false);
    assert!(matches!(seen, Seen::Unable(_)), "{seen:?}");
    // Where the class fixes the kernels nothing is excused.
    let seen = judged(&model, &receipt, &ended, true);
    assert_eq!(verdict(&seen), Some(Fault::Wrong), "{seen:?}");
}

#[test]
fn a_class_fixes_its_kernels_by_the_hash_of_both_names() {
    let model = engine(1);
    let card = model.card();
    let of = |name: String| ground(keccak256(name), &model);
    let format = card.quantisation;
    assert_eq!(of(format!("{format} exact-1")), Ground::Exact);
    assert_eq!(of(format.to_owned()), Ground::States);
    assert_eq!(of(format!("{format} exact-2")), Ground::States);
    assert_eq!(of(format!("{format} words-1")), Ground::Words);
}

/// AUD-11: a machine that says itself that four tokens were enough is not believed.
#[tokio::test]
async fn aud_11_the_length_is_the_requests_not_the_machines() {
    let model = engine(1);
    let program = B256::from(model.card().sha256);
    let mut short = asked("hello");
    short.insert("max_tokens".to_owned(), 4.into());
    let (cut, mut evidence) = sold(&model, program, &short).await;
    assert_eq!(evidence.work.choices[0].tokens.len(), 4);
    evidence.request = canonical_request(&asked("hello"));
    let receipt = signed(program, &evidence, cut.receipt.output);
    let seen = judged(&model, &receipt, &evidence, false);
    assert_eq!(verdict(&seen), Some(Fault::CutShort), "{seen:?}");
}
