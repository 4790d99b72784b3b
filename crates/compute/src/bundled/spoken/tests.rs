use std::{ops::ControlFlow, sync::Arc};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;

use super::*;
use crate::{
    bundled::{Recital, Recited, question, recited, recited_at, recited_tokens},
    engine::{Finish, Kernels, loaded_with},
    receipt::{Machine, Outcome, Receipt, canonical_request},
    testkit::tiny_ascii,
};

fn engine(seed: u64) -> Arc<Engine> {
    loaded_with(&tiny_ascii(seed), 1, Kernels::Own)
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// What an engine answers to a request of one answer: its text, whether it ended by itself, and its tokens.
fn answered(engine: &Engine, body: &Object, drawn: u8) -> (String, bool, (usize, usize)) {
    let most = ask::max_tokens(body).expect("a length");
    let drawn = B256::repeat_byte(drawn);
    let jobs = ask::jobs(engine.reader(), Kind::Chat, body, most, &drawn).expect("jobs");
    let request = &jobs[0].request;
    let answer = engine.generate(request, &mut |_| ControlFlow::Continue(()));
    let answer = answer.expect("answered");
    let has_ended = answer.finish != Finish::Length;
    let counts = (request.prompt.len(), answer.tokens.len());
    (answer.text, has_ended, counts)
}

/// What a machine keeps that says that this model gave this answer.
fn kept(engine: &Engine, body: &Object, text: &str, finish: &str, counts: (usize, usize)) -> Kept {
    let request = canonical_request(body);
    let answer = json!([{"index": 0, "content": text, "finish_reason": finish}]);
    let receipt = Receipt {
        job: B256::ZERO,
        program: B256::from(engine.card().sha256),
        input: keccak256(&request),
        output: receipt::hash(&answer),
        parents: Vec::new(),
        payer: B256::ZERO,
        machine: Address::ZERO,
        startedMs: 0,
        firstMs: 0,
        tookMs: 0,
        inputUnits: counts.0 as u64,
        outputUnits: counts.1 as u64,
        cost: 0,
        energyMj: 0,
        outcome: Outcome::Whole.number(),
        notes: B256::ZERO,
    };
    let notes = object(json!({"kind": "chat"}));
    let machine = Machine::of(PrivateKeySigner::random());
    Kept {
        signed: machine.sign(receipt, notes).expect("signed"),
        request,
        answer,
        evidence: None,
    }
}

fn body(temperature: f64) -> Object {
    object(
        json!({"model": "any", "max_tokens": 60, "temperature": temperature,
                  "messages": [{"role": "user", "content": "hello there"}]}),
    )
}

const fn word(has_ended: bool) -> &'static str {
    if has_ended { "stop" } else { "length" }
}

/// AUD-16: what the weights would say is right by its words, and what others said is not; so are counts beyond it.
#[test]
fn aud_16_an_answer_is_judged_by_its_words() {
    let (own, other) = (engine(1), engine(2));
    for (drawn, temperature) in (0..).zip([0.0, 0.3, 0.6, 1.0]) {
        let body = body(temperature);
        let (text, has_ended, counts) = answered(&own, &body, drawn);
        let honest = kept(&own, &body, &text, word(has_ended), counts);
        let found = overheard(&own, &honest);
        assert!(found.outcome.is_ok(), "{temperature}: {:?}", found.outcome);
        assert_eq!(
            found.witness,
            overheard(&own, &honest).witness,
            "of all auditors"
        );

        let (text, has_ended, _) = answered(&other, &body, drawn);
        let lie = kept(&own, &body, &text, word(has_ended), counts);
        let found = overheard(&own, &lie).outcome;
        let is_short = text.len() < 40;
        let is_found = matches!(
            found,
            Err(Doubt::Failure {
                failure: Failure::Words { .. } | Failure::Cut { .. },
                ..
            })
        );
        assert!(is_found || is_short, "{temperature}: {found:?}");

        let dear = kept(&own, &body, &text, "length", (counts.0, 600));
        let found = overheard(&own, &dear).outcome;
        assert!(found.is_err(), "{found:?}");
        let greedy = (counts.0 + 1, 1);
        let (text, has_ended, _) = answered(&own, &body, drawn);
        let dear = kept(&own, &body, &text, word(has_ended), greedy);
        let found = overheard(&own, &dear).outcome;
        assert!(matches!(found, Err(Doubt::Usage { .. })), "{found:?}");
    }
}

/// AUD-17: an answer that was cut says neither that it ended nor that it is as long as was asked for.
#[test]
fn aud_17_a_text_that_was_cut_is_found() {
    let own = engine(1);
    let long = (0..40).find_map(|drawn| {
        let body = body(1.0);
        let (text, has_ended, counts) = answered(&own, &body, drawn);
        (!has_ended).then_some((body, text, counts))
    });
    let (body, text, counts) = long.expect("an answer as long as was asked for");
    let half = &text[..text.len() / 2];
    let cut = kept(&own, &body, half, "length", (counts.0, half.len()));
    let found = overheard(&own, &cut).outcome;
    let is_cut = |found: &Result<Again, Doubt>| {
        let failure = Failure::Cut { tokens: half.len() };
        *found == Err(Doubt::Failure { index: 0, failure })
    };
    assert!(is_cut(&found), "{found:?}");
}

/// NET-10: what a machine takes in, and what it says to its server.
#[test]
fn net_10_only_what_every_server_reads_alike_is_taken() {
    let own = engine(1);
    let reader = own.reader();
    let with = |name: &str, value: Value| {
        let mut body = body(0.7);
        body.insert(name.to_owned(), value);
        is_readable(reader, &body)
            .map(|_| ())
            .map_err(|(name, _)| name)
    };
    for (name, value) in [
        ("seed", json!(4)),
        ("stop", json!(["x"])),
        ("top_p", json!(1)),
        ("top_k", json!(-1)),
        ("top_k", json!(0)),
        ("temperature", json!(0)),
        ("temperature", json!(0.001)),
        ("tools", json!([])),
        ("logprobs", json!(false)),
        ("min_p", json!(0)),
        ("presence_penalty", Value::Null),
    ] {
        assert_eq!(with(name, value.clone()), Ok(()), "{name} {value}");
    }
    for (name, value) in [
        ("temperature", json!(0.0005)),
        ("temperature", json!(1.5)),
        ("temperature", json!(-1)),
        ("temperature", json!("0.5")),
        ("messages", json!([])),
        ("messages", json!([{"role": "assistant", "content": "so"}])),
        (
            "messages",
            json!([{"role": "tool", "content": "so"}, {"role": "user", "content": "so"}]),
        ),
        (
            "messages",
            json!([{"role": "user", "content": [{"type": "text", "text": "so"}]}]),
        ),
        (
            "messages",
            json!([{"role": "user", "content": "so", "name": "somebody"}]),
        ),
        (
            "messages",
            json!([{"role": "user", "content": "so <|end|> then"}]),
        ),
        ("messages", json!([{"role": "user", "content": ""}])),
        ("top_p", json!(0.9)),
        ("top_k", json!(40)),
        ("min_p", json!(0.05)),
        ("repetition_penalty", json!(1.1)),
        ("tools", json!([{"type": "function"}])),
        ("logit_bias", json!({"5": 1})),
        ("response_format", json!({"type": "json_object"})),
        ("best_of", json!(2)),
        ("anything", json!("else")),
    ] {
        assert_eq!(with(name, value.clone()), Err(name.to_owned()), "{value}");
    }
    let alone = |name: &str, value: Value| {
        let body = object(json!({"model": "any", name: value}));
        is_readable(reader, &body).map_err(|(name, _)| name)
    };
    assert_eq!(alone("prompt", json!("once")), Ok(Kind::Completion));
    assert_eq!(alone("prompt", json!([1, 2])), Err("prompt".to_owned()));
    assert_eq!(alone("input", json!("once")), Err("input".to_owned()));

    let mut said = object(
        json!({"temperature": 0.3, "min_p": null, "repeat_penalty": 0, "add_special_tokens": false}),
    );
    spell_out(&mut said);
    let expected = json!({"temperature": 0.3, "top_p": 1.0, "top_k": -1, "min_p": 0.0, "frequency_penalty": 0.0,
                          "presence_penalty": 0.0, "repetition_penalty": 1.0, "repeat_penalty": 1.0});
    assert_eq!(Value::Object(said), expected);
}

/// What an engine recites.
fn recital(engine: &Engine, seed: B256, units: u64, temperature: f32) -> Recital {
    let (mut recital, mut left) = (Recital::default(), units);
    while left > 0 {
        let body = question("any", seed, recital.texts.len(), temperature);
        let (text, has_ended, _) = answered(engine, &body, 1);
        let said = Recited { text, has_ended };
        let tokens = recited_tokens(engine.tokenizer(), &said).expect("tokens");
        left = left.saturating_sub(tokens);
        recital.texts.push(said);
    }
    recital
}

/// AUD-18, PROV-7
#[test]
fn aud_18_a_recital_is_of_its_seed_its_weights_and_its_length() {
    let (own, other) = (engine(1), engine(2));
    let (seed, units) = (B256::repeat_byte(7), 150);
    let right = recital(&own, seed, units, 0.0);
    assert_eq!(recited(&own, seed, units, &right), Ok(()));
    let warm = recital(&own, seed, units, 1.0);
    assert_eq!(recited_at(&own, seed, units, &warm, 1.0), Ok(()));
    let heard = |recital: &Recital, seed, units| recited(&own, seed, units, recital);
    assert!(heard(&right, B256::repeat_byte(8), units).is_err());
    assert!(heard(&recital(&other, seed, units, 0.0), seed, units).is_err());
    let short = heard(&right, seed, 2_000);
    assert!(matches!(short, Err(Doubt::Unreadable(_))), "{short:?}");
    let long = heard(&right, seed, 1);
    assert!(matches!(long, Err(Doubt::Unreadable(_))), "{long:?}");
    assert!(heard(&Recital::default(), seed, units).is_err());
    assert_ne!(right.output(seed), right.output(B256::repeat_byte(8)));
    // Texts without a word count for little, and are heard as cut.
    let mute = Recital {
        texts: vec![
            Recited {
                text: String::new(),
                has_ended: true,
            };
            150
        ],
    };
    assert!(heard(&mute, seed, units).is_err());
}

/// AUD-17: with a stop sequence, the end may be that of the text, and an answer that begins with nothing is judged all the same.
#[test]
fn aud_17_nothing_is_no_answer_to_a_stop() {
    let own = engine(1);
    let mut asked = body(0.0);
    asked.insert("stop".to_owned(), json!(["~~"]));
    let (_, _, counts) = answered(&own, &asked, 1);
    let likely = engine_end(&own, &asked);
    let empty = kept(&own, &asked, "", "stop", (counts.0, 1));
    let found = overheard(&own, &empty).outcome;
    assert_eq!(found.is_ok(), likely > 1e-7, "{likely}: {found:?}");
}

/// How likely the first token ends an answer here, or begins the stop.
fn engine_end(engine: &Engine, body: &Object) -> f64 {
    let most = ask::max_tokens(body).expect("a length");
    let jobs = ask::jobs(engine.reader(), Kind::Chat, body, most, &B256::ZERO).expect("jobs");
    let heard = listened(engine, &jobs[0].request, "", true).expect("heard");
    // At 1/8, 1/64 and 1/512 in the mean.
    (1.0 / 8.0 + 1.0 / 64.0 + 1.0 / 512.0) / 3.0 / heard.cut_ln().exp()
}

/// AUD-16: one answer that is said to be several.
#[test]
fn aud_16_an_answer_is_sold_once() {
    let own = engine(1);
    let mut asked = body(1.0);
    asked.insert("n".to_owned(), json!(2));
    let (text, has_ended, counts) = answered(&own, &asked, 3);
    let mut twice = kept(&own, &asked, &text, word(has_ended), (counts.0, 2));
    let choice = |index| json!({"index": index, "content": text, "finish_reason": word(has_ended)});
    twice.answer = json!([choice(0), choice(1)]);
    twice.signed.receipt.output = receipt::hash(&twice.answer);
    let found = overheard(&own, &twice).outcome;
    let failure = Failure::Twin;
    let twin = Err(Doubt::Failure { index: 1, failure });
    assert_eq!(found, twin);
    // A seed may make them equal.
    asked.insert("seed".to_owned(), json!(4));
    twice.request = canonical_request(&asked);
    twice.signed.receipt.input = keccak256(&twice.request);
    assert!(overheard(&own, &twice).outcome.is_ok());
}
