use std::{ops::ControlFlow, path::PathBuf, sync::Arc};

use super::{half::*, sample::*, *};
use crate::testkit::{Draft, Noise, tiny, tiny_with};

/// A model and the folder that holds it.
pub(crate) fn loaded(draft: &Draft, threads: usize) -> Arc<Engine> {
    loaded_with(draft, threads, Kernels::Own)
}

pub(crate) fn loaded_with(draft: &Draft, threads: usize, kernels: Kernels) -> Arc<Engine> {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("m.gguf");
    draft.write(&path).expect("written");
    Engine::load_with(&path, threads, kernels).expect("loaded")
}

fn prompt(length: u32) -> Vec<u32> {
    (0..length).map(|at| 2 + at * 37 % 250).collect()
}

/// Bits of all states and logits, fed in pieces of these lengths.
fn bits(engine: &Engine, tokens: &[u32], pieces: usize) -> Vec<u32> {
    let mut sequence = Sequence::default();
    let mut bits = Vec::new();
    engine.threads.install(|| {
        for piece in tokens.chunks(pieces) {
            let rows = sequence.feed(&engine.config, &engine.weights, piece);
            let logits = engine.weights.head().products(&rows);
            bits.push(
                rows.iter()
                    .chain(&logits)
                    .map(|x| x.to_bits())
                    .collect::<Vec<_>>(),
            );
        }
    });
    // States and logits of a piece stand together, so pieces of other sizes would order them otherwise.
    let width = engine.config.width;
    let mut states = Vec::new();
    let mut logits = Vec::new();
    for (piece, tokens) in bits.iter().zip(tokens.chunks(pieces)) {
        let (a, b) = piece.split_at(tokens.len() * width);
        states.extend_from_slice(a);
        logits.extend_from_slice(b);
    }
    states.extend(logits);
    states
}

/// ENG-1, ENG-2
#[test]
fn eng_1_2_bits_do_not_depend_on_threads_or_pieces() {
    for weights in ["Q4_1", "Q4_0", "Q8_0", "F32", "F16", "BF16", "Q5_0", "Q5_1"] {
        // Candle wants whole pairs of blocks; ours are tried with an odd one.
        let heads = if weights.starts_with("Q5") { 8 } else { 6 };
        let draft = tiny_with(7, weights, heads);
        let tokens = prompt(70);
        let expected = bits(&loaded(&draft, 1), &tokens, 70);
        for threads in [1, 2, 3, 5] {
            let engine = loaded(&draft, threads);
            for pieces in [1, 2, 3, 4, 7, 64, 70] {
                let got = bits(&engine, &tokens, pieces);
                assert!(
                    got == expected,
                    "{weights}, {threads} threads, pieces of {pieces}"
                );
            }
        }
    }
}

/// The definition once more, in double precision and without blocks, pairs or lanes.
#[test]
fn the_forward_pass_is_that_of_the_formulas() {
    let draft = tiny(11, "F32");
    let engine = loaded(&draft, 2);
    let tokens = prompt(9);
    let mut got = Vec::new();
    let shown = engine.teach(&tokens, tokens.len(), &mut |taught| {
        got.extend_from_slice(taught.states);
        ControlFlow::Continue(())
    });
    shown.expect("taught");
    let expected = reference::states(&engine, &draft, &tokens);
    for (got, expected) in got.iter().zip(&expected) {
        assert!(
            (f64::from(*got) - expected).abs() < 2e-4,
            "{got} {expected}"
        );
    }
    assert_eq!(got.len(), expected.len());
}

/// A slow and plain forward pass over the same file.
mod reference {
    use super::*;

    fn tensor(draft: &Draft, name: &str) -> Vec<f64> {
        let part = draft.tensors.iter().find(|part| part.name == name);
        let part = part.expect("it is there");
        let kind = crate::model::gguf::KINDS
            .iter()
            .find(|kind| kind.id == part.kind);
        let kind = *kind.expect("known");
        let (columns, rows) = (part.dims[0], part.dims.get(1).copied().unwrap_or(1));
        if part.dims.len() == 1 {
            let words = part.bytes.as_chunks::<4>().0.iter();
            return words.map(|w| f64::from(f32::from_le_bytes(*w))).collect();
        }
        let (rows, columns) = (rows as usize, columns as usize);
        let matrix = linear::Matrix::of(name, kind, rows, columns, &part.bytes, true);
        let matrix = matrix.expect("a matrix");
        let mut out = vec![0.0; rows * columns];
        for (row, out) in out.chunks_mut(columns).enumerate() {
            matrix.row(row, out);
        }
        out.into_iter().map(f64::from).collect()
    }

    fn times(matrix: &[f64], x: &[f64]) -> Vec<f64> {
        let rows = matrix.chunks(x.len());
        rows.map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum())
            .collect()
    }

    fn norm(x: &[f64], gain: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let scale = (mean + 1e-5).sqrt();
        x.iter().zip(gain).map(|(x, g)| x / scale * g).collect()
    }

    pub(super) fn states(engine: &Engine, draft: &Draft, tokens: &[u32]) -> Vec<f64> {
        let config = &engine.config;
        let (width, head) = (config.width, config.head_width);
        let table = tensor(draft, "token_embd.weight");
        let mut xs: Vec<Vec<f64>> = tokens
            .iter()
            .map(|token| table[*token as usize * width..][..width].to_vec())
            .collect();
        for layer in 0..config.layers {
            let w = |name: &str| tensor(draft, &format!("blk.{layer}.{name}.weight"));
            let gain = w("attn_norm");
            let turned = |matrix: &[f64], turn: bool| -> Vec<Vec<f64>> {
                let rows = xs.iter().enumerate().map(|(position, x)| {
                    let mut y = times(matrix, &norm(x, &gain));
                    for (at, pair) in y.chunks_mut(2).enumerate().filter(|_| turn) {
                        let exponent = -2.0 * (at % (head / 2)) as f64 / head as f64;
                        let angle = position as f64 * config.angle_base.powf(exponent);
                        let (a, b) = (pair[0], pair[1]);
                        pair[0] = a * angle.cos() - b * angle.sin();
                        pair[1] = a * angle.sin() + b * angle.cos();
                    }
                    y
                });
                rows.collect()
            };
            let (q, k, v) = (
                turned(&w("attn_q"), true),
                turned(&w("attn_k"), true),
                turned(&w("attn_v"), false),
            );
            let (out, shares) = (w("attn_output"), config.heads / config.key_heads);
            for position in 0..tokens.len() {
                let mut seen = vec![0.0; config.heads * head];
                for h in 0..config.heads {
                    let start = h / shares * head;
                    let scores: Vec<f64> = (0..=position)
                        .map(|at| {
                            let key = &k[at][start..start + head];
                            let query = &q[position][h * head..(h + 1) * head];
                            let dot: f64 = key.iter().zip(query).map(|(a, b)| a * b).sum();
                            (dot / (head as f64).sqrt()).exp()
                        })
                        .collect();
                    let sum: f64 = scores.iter().sum();
                    for (at, score) in scores.iter().enumerate() {
                        for i in 0..head {
                            seen[h * head + i] += score / sum * v[at][start + i];
                        }
                    }
                }
                for (x, y) in xs[position].iter_mut().zip(times(&out, &seen)) {
                    *x += y;
                }
            }
            let (gain, gate, up, down) = (w("ffn_norm"), w("ffn_gate"), w("ffn_up"), w("ffn_down"));
            for x in &mut xs {
                let m = norm(x, &gain);
                let inner: Vec<f64> = times(&gate, &m)
                    .iter()
                    .zip(times(&up, &m))
                    .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
                    .collect();
                for (x, y) in x.iter_mut().zip(times(&down, &inner)) {
                    *x += y;
                }
            }
        }
        let gain = tensor(draft, "output_norm.weight");
        xs.iter().flat_map(|x| norm(x, &gain)).collect()
    }
}

/// Candle's arithmetic is another, and near.
#[test]
fn own_kernels_are_near_candles() {
    let draft = tiny_with(5, "Q4_1", 8);
    let own = loaded(&draft, 1);
    let candle = loaded_with(&draft, 1, Kernels::Candle);
    assert_eq!(own.card().kernels, "exact-1");
    assert!(candle.card().kernels.starts_with("exact-1+candle-0.11/"));
    assert_eq!(own.card().quantisation, "Q4_1");
    let tokens = prompt(20);
    let (a, b) = (bits(&own, &tokens, 20), bits(&candle, &tokens, 20));
    let width = own.config.width * 20;
    let float = |bits: &u32| f64::from(f32::from_bits(*bits));
    let distance: f64 = a[..width]
        .iter()
        .zip(&b[..width])
        .map(|(a, b)| (float(a) - float(b)).powi(2))
        .sum();
    let size: f64 = a[..width].iter().map(|a| float(a).powi(2)).sum();
    assert!(a != b, "they are not the same kernels");
    assert!(
        (distance / size).sqrt() < 0.05,
        "{}",
        (distance / size).sqrt()
    );
}

fn silent(_: Piece<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn sampled(seed: &[u8]) -> Request {
    Request {
        sampling: Sampling {
            temperature: 0.9,
            top_k: 40,
            top_p: 0.95,
            repetition_penalty: 1.1,
        },
        seed: Seed::of(b"job", seed),
        ..Request::greedy(prompt(20), 48)
    }
}

#[test]
fn eng_4_a_seed_decides_an_answer() {
    let draft = tiny(3, "Q4_1");
    let (one, three) = (loaded(&draft, 1), loaded(&draft, 3));
    let answer = one.generate(&sampled(b"a"), &mut silent).expect("answered");
    assert_eq!(
        answer,
        three
            .generate(&sampled(b"a"), &mut silent)
            .expect("answered")
    );
    let other = one.generate(&sampled(b"b"), &mut silent).expect("answered");
    assert_ne!(answer.tokens, other.tokens);
    assert_ne!(
        Seed::of(b"ab", b"c"),
        Seed::of(b"a", b"bc"),
        "parts do not run together"
    );
}

#[test]
fn eng_6_8_pieces_join_to_the_text_and_counts_are_true() {
    let engine = loaded(&tiny(3, "Q4_1"), 2);
    for seed in 0..20_u8 {
        let request = sampled(&[seed]);
        let (mut text, mut tokens, mut fed) = (String::new(), 0, 0);
        let answer = engine.generate(&request, &mut |piece| {
            match piece {
                Piece::Prompt { fed: n, .. } => fed = n,
                Piece::Text { text: more, .. } => {
                    tokens += 1;
                    text.push_str(more);
                }
                Piece::States { .. } => {}
            }
            ControlFlow::Continue(())
        });
        let answer = answer.expect("answered");
        assert_eq!(answer.text, text);
        assert_eq!((answer.prompt_tokens, fed), (20, 20));
        // What was held back comes as one piece more.
        assert!(tokens == answer.tokens.len() || tokens == answer.tokens.len() + 1);
        let ends = answer
            .tokens
            .iter()
            .filter(|token| engine.tokenizer().ends(**token))
            .count();
        assert_eq!(ends, usize::from(answer.finish == Finish::End));
    }
}

#[test]
fn eng_7_a_listener_who_has_enough_gets_no_more() {
    let engine = loaded(&tiny(3, "Q4_1"), 1);
    let mut request = Request::greedy(prompt(200), 50);
    let mut fed = 0;
    let answer = engine.generate(&request, &mut |piece| match piece {
        Piece::Prompt { fed: n, .. } => {
            fed = n;
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    let answer = answer.expect("answered");
    assert_eq!(
        (fed, answer.prompt_tokens, answer.finish),
        (64, 64, Finish::Cancelled)
    );
    assert!(answer.tokens.is_empty());
    request.prompt = prompt(5);
    let mut count = 0;
    let answer = engine.generate(&request, &mut |piece| {
        count += usize::from(matches!(piece, Piece::Text { .. }));
        if count == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert_eq!(answer.expect("answered").tokens.len(), 3);
}

#[test]
fn eng_8_a_stop_sequence_is_never_shown() {
    let mut stream = Stream::new(&["END".to_owned(), "né".to_owned()]);
    let mut shown = Vec::new();
    for bytes in [&b"abE"[..], b"N", b"x EN", b"D more"] {
        shown.push(stream.push(bytes));
    }
    assert_eq!(shown, ["ab", "", "ENx ", ""]);
    assert!(stream.stopped());
    assert_eq!(stream.finish(), "");
    assert_eq!(stream.into_text(), "abENx ");
    let mut stream = Stream::new(&["né".to_owned()]);
    assert_eq!(stream.push("n".as_bytes()), "");
    assert_eq!(stream.push(&"é".as_bytes()[..1]), "");
    assert_eq!(stream.push(&"é".as_bytes()[1..]), "");
    assert!(stream.stopped());
    let mut stream = Stream::new(&[]);
    assert_eq!(stream.push(&"🦀".as_bytes()[..2]), "");
    assert_eq!(stream.push(&"🦀".as_bytes()[2..]), "🦀");
    assert_eq!(stream.push(b"\xFFa\xE2\x82"), "\u{FFFD}a");
    assert_eq!(stream.finish(), "\u{FFFD}");
}

#[test]
fn a_stop_sequence_ends_an_answer() {
    let engine = loaded(&tiny(3, "Q4_1"), 1);
    let whole = engine
        .generate(&sampled(b"a"), &mut silent)
        .expect("answered");
    let middle: String = whole.text.chars().skip(5).take(2).collect();
    let request = Request {
        stop: vec![middle.clone()],
        ..sampled(b"a")
    };
    let answer = engine.generate(&request, &mut silent).expect("answered");
    assert_eq!(answer.finish, Finish::Stop);
    assert!(whole.text.starts_with(&answer.text) && !answer.text.contains(&middle));
    assert_eq!(whole.tokens[..answer.tokens.len()], answer.tokens);
}

#[test]
fn what_cannot_be_asked_is_refused_in_words() {
    let engine = loaded(&tiny(3, "Q4_1"), 1);
    let refused = |change: &dyn Fn(&mut Request)| {
        let mut request = Request::greedy(prompt(3), 5);
        change(&mut request);
        let error = engine.generate(&request, &mut silent).expect_err("refused");
        error.to_string()
    };
    for (change, words) in [
        (
            &(|r: &mut Request| r.prompt.clear()) as &dyn Fn(&mut Request),
            "the prompt is empty",
        ),
        (
            &|r| r.prompt = prompt(256),
            "the prompt has 256 tokens; the model takes 256",
        ),
        (&|r| r.prompt[1] = 9_999, "token 9999 does not exist"),
        (
            &|r| r.sampling.temperature = f32::NAN,
            "temperature must be",
        ),
        (&|r| r.sampling.temperature = -1.0, "temperature must be"),
        (&|r| r.sampling.top_p = 0.0, "top_p must be"),
        (
            &|r| r.sampling.repetition_penalty = 0.0,
            "repetition_penalty must be",
        ),
        (&|r| r.stop = vec!["x".to_owned(); 17], "stop must be"),
    ] {
        let said = refused(change);
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
    let long = "a".repeat(1 << 20);
    assert!(matches!(
        engine.complete(&long),
        Err(EngineError::TooLong { .. })
    ));
    let fits = engine.generate(&Request::greedy(prompt(250), 50), &mut silent);
    assert!(
        fits.expect("answered").tokens.len() <= 6,
        "the context bounds it"
    );
}

#[test]
fn an_embedding_has_length_one_and_knows_its_text() {
    let engine = loaded(&tiny(3, "Q4_1"), 2);
    let embed = |tokens: &[u32]| engine.embed(tokens).expect("embedded");
    let (a, b) = (embed(&prompt(70)), embed(&prompt(69)));
    let length: f32 = a.iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-4);
    assert_eq!(a.len(), engine.card().width);
    assert_ne!(a, b);
    assert_eq!(a, embed(&prompt(70)));
}

fn logits(weights: &[f32]) -> Vec<f32> {
    weights.iter().map(|weight| weight.ln()).collect()
}

fn shares(logits: &[f32], sampling: Sampling, count: u64) -> Vec<f64> {
    let mut counts = vec![0.0; logits.len()];
    let seed = Seed::of(b"shares", b"");
    for position in 0..count {
        let token = sample::next(logits, &[], &sampling, &seed, position);
        counts[token as usize] += 1.0 / count as f64;
    }
    counts
}

#[test]
fn draws_come_as_often_as_they_should() {
    let sampling = Sampling {
        temperature: 1.0,
        ..Sampling::GREEDY
    };
    let logits = logits(&[0.5, 0.2, 0.2, 0.1]);
    let check = |sampling: Sampling, expected: [f64; 4]| {
        for (got, expected) in shares(&logits, sampling, 40_000).iter().zip(expected) {
            assert!((got - expected).abs() < 0.01, "{got} {expected}");
        }
    };
    check(sampling, [0.5, 0.2, 0.2, 0.1]);
    check(
        Sampling {
            top_k: 2,
            ..sampling
        },
        [5.0 / 7.0, 2.0 / 7.0, 0.0, 0.0],
    );
    check(
        Sampling {
            top_p: 0.6,
            ..sampling
        },
        [5.0 / 7.0, 2.0 / 7.0, 0.0, 0.0],
    );
    check(
        Sampling {
            top_p: 0.4,
            ..sampling
        },
        [1.0, 0.0, 0.0, 0.0],
    );
    let cold = 0.25 + 0.04 + 0.04 + 0.01;
    check(
        Sampling {
            temperature: 0.5,
            ..sampling
        },
        [0.25 / cold, 0.04 / cold, 0.04 / cold, 0.01 / cold],
    );
    check(Sampling::GREEDY, [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_miss_is_how_far_a_draw_lies_outside() {
    let sampling = Sampling {
        temperature: 1.0,
        ..Sampling::GREEDY
    };
    let chances = Chances::of(&logits(&[0.25, 0.5, 0.25]), &sampling);
    let draw = |share: f64| (share * 2.0_f64.powi(64)) as u64;
    for (token, share, expected) in [
        (0, 0.1, 0.0),
        (1, 0.1, 0.15),
        (2, 0.1, 0.65),
        (0, 0.3, 0.05),
        (9, 0.3, 1.0),
    ] {
        let miss = chances.miss(token, draw(share));
        assert!((miss - expected).abs() < 1e-6, "{token} {share}: {miss}");
    }
    let mut random = Noise::new(1);
    for _ in 0..1_000 {
        let draw = random.bits();
        assert_eq!(chances.miss(chances.pick(draw), draw), 0.0);
    }
}

#[test]
fn a_penalty_makes_what_was_there_less_likely() {
    let logits = [2.0, -2.0, 1.0];
    assert_eq!(penalised(&logits, &[0, 1, 0, 77], 2.0), [1.0, -4.0, 1.0]);
    assert_eq!(likeliest(&[1.0, 3.0, 3.0]).0, 1);
}

#[test]
fn half_floats_are_exact() {
    for (half, expected) in [
        (0x0000, 0.0),
        (0x3C00, 1.0),
        (0xC000, -2.0),
        (0x0001, 2.0_f32.powi(-24)),
        (0x7BFF, 65_504.0),
        (0x83FF, -(1023.0 * 2.0_f32.powi(-24))),
    ] {
        assert_eq!(half_to_f32(half), expected);
    }
    assert!(half_to_f32(0x7C01).is_nan() && half_to_f32(0x7C00).is_infinite());
    for half in (0..=u16::MAX).filter(|half| half::is_finite(*half)) {
        match times_minus_eight(half) {
            Some(product) => {
                assert_eq!(half_to_f32(product), -8.0 * half_to_f32(half), "{half:#x}")
            }
            None => assert!(half_to_f32(half).abs() * 8.0 > 65_504.0, "{half:#x}"),
        }
    }
    let below = f32::from_bits(0x3F80_7FFF);
    assert_eq!(
        (
            to_bfloat16(below),
            to_bfloat16(f32::from_bits(0x3F80_8000)),
            to_bfloat16(f32::from_bits(0x3F81_8000))
        ),
        (0x3F80, 0x3F80, 0x3F82)
    );
    assert_eq!(
        (
            to_bfloat16(f32::MAX),
            to_bfloat16(-f32::MAX),
            to_bfloat16(-1.0)
        ),
        (0x7F7F, 0xFF7F, 0xBF80)
    );
}
