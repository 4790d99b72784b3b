use serde_json::{Value, json};

use super::{
    NoAnswer, PRICES_EXAMPLE,
    error::ApiError,
    prices::Prices,
    request::{Asked, STRUCTURE_BYTES_MAX},
    saved_answer,
    ticket::{Counted, Possible, counted},
};
use crate::{
    json::Weighed,
    upstream::{Claim, Kind},
};

/// RCPT-3: an answer has one hash, however a client kept it.
#[test]
fn rcpt_3_an_answer_is_the_same_however_it_was_kept() {
    let whole = json!({"id": "x", "choices": [{"index": 0, "finish_reason": "stop",
                       "message": {"role": "assistant", "content": "hello there"}}]});
    let parts = [
        json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}),
        json!({"choices": [{"index": 0, "delta": {"content": "hello "}, "finish_reason": null}]}),
        json!({"choices": [{"index": 0, "delta": {"content": "there"}, "finish_reason": "stop"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
    ];
    let stream: String = parts
        .iter()
        .map(|part| format!("data: {part}\n\n"))
        .collect();
    let end = ": x-capstan-receipt=0x00 x-capstan-cost=1usd\n\ndata: [DONE]\n\n";
    let kept = [
        whole.to_string(),
        json!([whole]).to_string(),
        json!(parts).to_string(),
        parts.map(|part| part.to_string()).join("\n"),
        format!("{stream}{end}"),
        format!("{stream}{end}").replace('\n', "\r\n"),
        stream.trim_end().to_owned(),
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{stream}{end}"),
    ];
    let hashes = kept.map(|text| saved_answer(&text).expect(&text).hash());
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    // An error event at the end of a cut stream is none of what was delivered.
    let cut = "data: {\"choices\": [{\"delta\": {\"content\": \"hel\"}}]}\n\ndata: {\"error\": {\"message\": \"cut\"}}\n\n";
    assert_eq!(saved_answer(cut).expect("a part").content(), "hel");
    for (text, why) in [
        ("", NoAnswer::Nothing),
        ("hello there", NoAnswer::Neither),
        ("data: hello", NoAnswer::Neither),
        ("data: [DONE]", NoAnswer::Nothing),
        ("{\"error\": {\"message\": \"no\"}}", NoAnswer::Nothing),
        ("[1, 2]", NoAnswer::Nothing),
        ("7", NoAnswer::Nothing),
    ] {
        assert_eq!(saved_answer(text), Err(why), "{text}");
    }
}

/// The file that help and pages show is one.
#[test]
fn the_example_of_prices_is_read() {
    let prices = Prices::from_toml(PRICES_EXAMPLE).expect("prices");
    assert_eq!(
        prices.of("any").map(|price| price.max_output_tokens),
        Some(4_096)
    );
    let named = prices.of("llama-3.1-8b").expect("a price");
    assert_eq!(named.quantisation.as_deref(), Some("q4_k_m"));
    assert_eq!(named.cost(1_000_000, 1_000_000).to_string(), "0.13usd");
}

/// GW-1: of two bounds the smaller holds under both names, and no other name for a bound reaches a server.
#[test]
fn gw_1_no_bound_of_an_answer_passes_another() {
    let price = Prices::from_toml(PRICES_EXAMPLE).expect("prices");
    let price = price.of("any").expect("a price").clone();
    let body = |more: &str| {
        let body =
            format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": "hi"}}]{more}}}"#);
        let mut asked = read_as(Kind::Chat, body.as_bytes()).expect(more);
        let most = asked.bound(&price, None);
        (most, asked.ask.body)
    };
    for more in [
        r#", "max_completion_tokens": 1, "max_tokens": 20000"#,
        r#", "max_completion_tokens": 20000, "max_tokens": 1"#,
    ] {
        let (most, body) = body(more);
        assert_eq!(most, 1);
        assert_eq!(
            (&body["max_tokens"], &body["max_completion_tokens"]),
            (&json!(1), &json!(1))
        );
    }
    let (most, said) = body(r#", "max_completion_tokens": null, "max_tokens": 100000"#);
    assert_eq!((most, &said["max_tokens"]), (4_096, &json!(4_096)));
    let (_, said) = body(r#", "max_completion_tokens": 7"#);
    assert_eq!(
        (said.get("max_tokens"), &said["max_completion_tokens"]),
        (None, &json!(7))
    );
    let (_, said) =
        body(r#", "n_predict": 9, "min_tokens": 9, "options": {"num_predict": 9, "top_k": 1}"#);
    assert_eq!(said["options"], json!({"top_k": 1}));
    assert!(said.get("n_predict").is_none() && said.get("min_tokens").is_none());
}

/// GW-1: text costs the same wherever a server may read it from.
#[test]
fn gw_1_a_prompt_weighs_the_same_wherever_it_stands() {
    let text = "x".repeat(10_000);
    let weigh = |body: serde_json::Value| {
        let read = read_as(Kind::Chat, body.to_string().as_bytes());
        read.expect("read").input_tokens_max
    };
    let messages = json!([{"role": "user", "content": "hi"}]);
    let plain = weigh(json!({"model": "m", "messages": [{"role": "user", "content": text}]}));
    let aside = [
        json!({"model": "m", "messages": [{"type": "image_url", "role": "user", "content": text}]}),
        json!({"model": "m", "messages": messages, "documents": [{"text": text}]}),
        json!({"model": "m", "messages": messages, "chat_template_kwargs": {"a": text}}),
        json!({"model": "m", "messages": messages, "prompt": text}),
    ];
    for body in aside {
        assert!(
            weigh(body.clone()) >= plain.min(10_000),
            "{}",
            body.to_string().split_at(80).0
        );
    }
    let picture =
        json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": text}}]}]);
    let drawn = weigh(json!({"model": "m", "messages": picture}));
    assert!((16_384..20_000).contains(&drawn), "{drawn}");
}

/// RCPT-3: one answer has one reading.
#[test]
fn rcpt_3_an_answer_says_its_words_once() {
    let twice = [
        json!({"choices": [{"delta": {"content": "real"}, "message": {"content": "forged"}}]}),
        json!({"choices": [{"text": "real", "message": {"content": "forged"}}]}),
    ];
    for answer in twice {
        assert_eq!(saved_answer(&answer.to_string()), Err(NoAnswer::Twice));
        let stream = format!("data: {answer}\n\ndata: {answer}\n\n");
        assert_eq!(saved_answer(&stream), Err(NoAnswer::Twice));
    }
    let said = |words: &str| json!({"choices": [{"message": {"content": words}}], "data": []});
    let hash = |words: &str| {
        saved_answer(&said(words).to_string())
            .expect("an answer")
            .hash()
    };
    assert_ne!(
        hash("real"),
        hash("forged"),
        "`data` beside choices hides nothing"
    );
}

/// As the door does.
fn read_as(kind: Kind, body: &[u8]) -> Result<Asked, ApiError> {
    let weighed = Weighed::of(body, STRUCTURE_BYTES_MAX).ok_or_else(ApiError::too_dense)?;
    Asked::read(kind, &weighed)
}

#[track_caller]
fn refused(kind: Kind, body: &[u8], code: &str, word: &str) {
    let error = read_as(kind, body).expect_err("refused");
    assert_eq!(error.code(), code, "{error:?}");
    assert!(error.message().contains(word), "{error:?}");
}

#[test]
fn requests_that_cannot_be_read_are_refused_by_name() {
    let chat = |body: &[u8], code, word| refused(Kind::Chat, body, code, word);
    chat(b"", "invalid_json", "no JSON");
    chat(b"{", "invalid_json", "no JSON");
    chat(b"[]", "invalid_json", "no JSON object");
    chat(b"{\"model\": \"\xff\xfe\"}", "invalid_json", "no JSON");
    chat(
        br#"{"model": "\ud800", "messages": [{}]}"#,
        "invalid_json",
        "no JSON",
    );
    chat(&b"[".repeat(100_000), "invalid_json", "recursion");
    chat(b"{}", "invalid_value", "`model` is missing");
    chat(br#"{"model": 1}"#, "invalid_value", "no text");
    chat(br#"{"model": "m"}"#, "invalid_value", "messages");
    chat(
        br#"{"model": "m", "messages": []}"#,
        "invalid_value",
        "messages",
    );
    chat(
        br#"{"model": "m", "messages": "hi"}"#,
        "invalid_value",
        "messages",
    );
    chat(
        br#"{"model": "m", "messages": [{}], "n": 0}"#,
        "invalid_value",
        "1 to 16",
    );
    chat(
        br#"{"model": "m", "messages": [{}], "n": 17}"#,
        "invalid_value",
        "1 to 16",
    );
    chat(
        br#"{"model": "m", "messages": [{}], "max_tokens": 0}"#,
        "invalid_value",
        "above 0",
    );
    chat(
        br#"{"model": "m", "messages": [{}], "max_tokens": -1}"#,
        "invalid_value",
        "above 0",
    );
    chat(
        br#"{"model": "m", "messages": [{}], "max_tokens": 1.5}"#,
        "invalid_value",
        "above 0",
    );
    chat(
        br#"{"model": "m", "messages": [{}], "stream": "yes"}"#,
        "invalid_value",
        "stream",
    );
    refused(
        Kind::Completion,
        br#"{"model": "m", "prompt": 5}"#,
        "invalid_value",
        "neither",
    );
    refused(
        Kind::Embedding,
        br#"{"model": "m", "input": []}"#,
        "invalid_value",
        "neither",
    );
}

#[track_caller]
fn read(kind: Kind, body: Value) -> Asked {
    read_as(kind, body.to_string().as_bytes()).expect("understood")
}

/// The bound of what will be read holds for any text: a token has a byte at least.
#[test]
fn prompts_weigh_what_they_hold() {
    for text in [
        "",
        "hello",
        "héllo wörld",
        "\u{1f980}\u{0}\n",
        "日本語",
        &"x".repeat(1 << 20),
    ] {
        let asked = read(
            Kind::Chat,
            json!({"model": "m", "messages": [{"role": "user", "content": text}]}),
        );
        let bytes = u64::try_from(text.len()).expect("small");
        let around = u64::try_from("role".len() + "user".len() + "content".len()).expect("small");
        assert_eq!(asked.prompt_bytes, bytes + around);
        assert_eq!(asked.input_tokens_max, bytes + around + 64 + 256);
    }
    let picture = json!({"type": "image_url", "image_url": {"url": "x".repeat(1 << 20)}});
    let asked = read(
        Kind::Chat,
        json!({"model": "m", "messages": [{"role": "user", "content": [picture]}]}),
    );
    assert!(asked.input_tokens_max < 20_000, "{asked:?}");
    let asked = read(
        Kind::Completion,
        json!({"model": "m", "prompt": [1, 2, 3], "n": 2}),
    );
    assert_eq!((asked.prompt_bytes, asked.n), (12, 2));
    let asked = read(
        Kind::Completion,
        json!({"model": "m", "prompt": ["a", "b"], "best_of": 3}),
    );
    assert_eq!(asked.n, 6);
}

#[test]
fn answers_are_bounded_by_model_and_key() {
    let prices = Prices::from_toml(
        "[default]\ninput = \"1usd\"\noutput = \"2usd\"\nmax_output_tokens = 100\n",
    );
    let prices = prices.expect("prices");
    let price = prices.of("m").expect("priced");
    let bound = |body: Value, payable: Option<&str>| {
        let mut asked = read(Kind::Completion, body);
        let payable = payable.map(|text| text.parse().expect("an amount"));
        (asked.bound(price, payable), asked.ask.body)
    };
    let (all, body) = bound(json!({"model": "m", "prompt": "hi"}), None);
    assert_eq!((all, &body["max_tokens"]), (100, &json!(100)));
    let (all, body) = bound(
        json!({"model": "m", "prompt": "hi", "max_tokens": 1000, "n": 2}),
        None,
    );
    assert_eq!((all, &body["max_tokens"]), (200, &json!(100)));
    let (all, body) = bound(
        json!({"model": "m", "prompt": "hi", "max_completion_tokens": 7}),
        None,
    );
    assert_eq!((all, &body["max_completion_tokens"]), (7, &json!(7)));
    assert!(!body.contains_key("max_tokens"));
    // 258 tokens of prompt at most cost 0.000258: 0.00002 are left, which pay ten tokens.
    let (all, _) = bound(json!({"model": "m", "prompt": "hi"}), Some("0.000278usd"));
    assert_eq!(all, 10);
    let (all, _) = bound(json!({"model": "m", "prompt": "hi"}), Some("0usd"));
    assert_eq!(all, 1);
}

/// Whatever the client said about counts, the server is asked for them.
#[test]
fn streams_are_asked_for_their_counts() {
    let asked = read(
        Kind::Chat,
        json!({"model": "m", "messages": [{}], "stream": true}),
    );
    assert!(asked.stream && !asked.wants_usage);
    assert_eq!(
        asked.ask.body["stream_options"],
        json!({"include_usage": true})
    );
    let options = json!({"include_usage": false});
    let asked = read(
        Kind::Chat,
        json!({"model": "m", "messages": [{}], "stream_options": options}),
    );
    assert!(!asked.stream && !asked.ask.body.contains_key("stream_options"));
}

/// GW-10
#[test]
fn gw_10_counts_are_believed_within_what_can_be() {
    let possible = Possible {
        input_tokens_max: 1_000,
        output_tokens_max: 50,
        prompt_bytes: 400,
        text_bytes: 80,
        n: 1,
    };
    let check = |claim: Option<(u64, u64)>, expected: (u64, u64), by: &str| {
        let claim = claim.map(|(input_tokens, output_tokens)| Claim {
            input_tokens,
            output_tokens,
        });
        let Counted {
            input_tokens,
            output_tokens,
            by: is,
        } = counted(claim, &possible);
        assert_eq!(
            (input_tokens, output_tokens, is),
            (expected.0, expected.1, by)
        );
    };
    check(Some((100, 20)), (100, 20), "upstream");
    check(Some((100, 51)), (100, 50), "bounded");
    check(Some((1_001, 20)), (1_000, 20), "bounded");
    check(Some((u64::MAX, u64::MAX)), (1_000, 50), "bounded");
    check(Some((0, 0)), (0, 0), "upstream");
    check(None, (100, 20), "estimated");
    let short = Possible {
        text_bytes: 3,
        ..possible
    };
    let claim = Some(Claim {
        input_tokens: 1,
        output_tokens: 40,
    });
    assert_eq!(counted(claim, &short).output_tokens, 19);
}

#[test]
fn prices_are_read_or_refused() {
    let good =
        Prices::from_toml("[models.\"a/b:c\"]\ninput = \"0.1usd\"\nquantisation = \"Q4_1\"\n");
    let good = good.expect("prices");
    assert!(good.of("a/b:c").is_some() && good.of("other").is_none());
    for bad in [
        "[default]\n",
        "[default]\ninput = 5\n",
        "[default]\ninput = \"5\"\n",
        "x = 1\n",
    ] {
        assert!(Prices::from_toml(bad).is_err(), "{bad}");
    }
}
