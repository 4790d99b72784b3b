use std::ops::ControlFlow;

use super::*;
use crate::{
    audit::ODDS,
    engine::Kernels,
    engine::{Engine, Finish, Request, Seed, Taught, loaded_with},
    testkit::{Noise, tiny_ascii},
};

const ENDS: u32 = 0;

fn is_end(token: u32) -> bool {
    token == ENDS
}

/// Logits of a row, some near to each other and some far.
fn row(noise: &mut Noise, width: usize) -> Vec<f32> {
    (0..width).map(|_| noise.signed() * 6.0).collect()
}

/// AUD-14: whatever the chances are, each hand's factor is at most 1 in the mean of what the model itself draws.
#[test]
fn aud_14_no_hand_gains_in_the_mean_over_the_model_itself() {
    let mut noise = Noise::new(3);
    for temperature in [0.5_f32, 0.7, 1.0, 2.0] {
        for width in [2, 3, 40, 400] {
            let logits = row(&mut noise, width);
            let chances = Chances::of(&logits, temperature, &is_end);
            for hand in HANDS {
                let mean: f64 = (1_u32..)
                    .zip(&chances.heights[1..])
                    .map(|(token, height)| {
                        exp(*height) / chances.total * chances.odds_ln(token, hand).exp()
                    })
                    .sum();
                assert!(mean <= 1.0 + 1e-9, "{mean} at {temperature}, {hand:?}");
                assert!(mean > 0.5, "{mean} at {temperature}, {hand:?}");
            }
        }
    }
    // Where little is drawn, while no more is far than is taken to be.
    let (far, near) = (0.5 / 0.05, 0.5 / 0.95);
    assert!(0.05 * far + 0.95 * near <= 1.0 + 1e-12);
}

/// A token that the model knows not at all convicts nobody by itself.
#[test]
fn aud_14_one_token_convicts_nobody() {
    for temperature in [0.0, 0.3, 0.5, 1.0] {
        let mut logits = vec![0.0_f32; 50_000];
        logits[7] = 60.0;
        let mut heard = Heard::at(temperature);
        heard.token(&logits, 9, is_end);
        assert!(heard.foreign_ln() < ODDS.ln(), "{temperature}");
        assert!(heard.foreign_ln() > 0.0, "{temperature}");
    }
}

/// AUD-15: at the largest of all chances, and what is nearly as large, nothing is far; what is not is.
#[test]
fn aud_15_what_is_far_where_little_is_drawn() {
    let logits = [9.0, 10.0, 9.8, 9.6, 2.0, -30.0];
    for temperature in [0.0, 0.001, 0.1, 0.4] {
        assert!(!is_far(&logits, 1, temperature, &is_end));
        assert!(!is_far(&logits, 2, temperature, &is_end), "{temperature}");
        assert!(is_far(&logits, 4, temperature, &is_end), "{temperature}");
        assert!(is_far(&logits, 5, temperature, &is_end));
        assert!(is_far(&logits, 99, temperature, &is_end), "no such token");
    }
    // Warmth makes near what cold does not.
    assert!(is_far(&logits, 3, 0.0, &is_end));
    assert!(!is_far(&logits, 3, 0.4, &is_end));
}

/// What a model writes at a temperature, and how it is heard by another.
fn heard_by(writer: &Engine, hearer: &Engine, temperature: f32, own: f32, seed: u8) -> Heard {
    let prompt = writer.complete("once upon a time").expect("tokens");
    let request = Request {
        sampling: Heard::sampling(temperature),
        seed: Seed::of(&[seed], b"any"),
        ..Request::greedy(prompt.clone(), 120)
    };
    let answer = writer
        .generate(&request, &mut |_| ControlFlow::Continue(()))
        .expect("an answer");
    let text = answer.tokens.iter().filter(|token| !is_end(**token));
    let text: Vec<u32> = text.copied().collect();
    let mut fed = prompt.clone();
    fed.extend(&text);
    let mut heard = Heard::at(own);
    let vocabulary = hearer.card().vocabulary;
    let taught = hearer.teach(&fed, prompt.len() - 1, &mut |taught: Taught<'_>| {
        let rows = taught.logits.chunks_exact(vocabulary);
        for (position, logits) in (taught.logits_first..).zip(rows) {
            match text.get(position + 1 - prompt.len()) {
                Some(token) => heard.token(logits, *token, is_end),
                None if answer.finish == Finish::End => heard.end(logits, is_end),
                None => {}
            }
        }
        ControlFlow::Continue(())
    });
    taught.expect("heard");
    heard
}

/// AUD-14, AUD-16: the model's own texts pass at every temperature; another model's do not, nor those of one that was asked
/// for the likeliest instead.
#[test]
fn aud_16_another_hand_is_heard() {
    let own = loaded_with(&tiny_ascii(1), 1, Kernels::Own);
    let other = loaded_with(&tiny_ascii(2), 1, Kernels::Own);
    let (mut found, mut tries) = (0, 0);
    for seed in 0..6 {
        for temperature in [0.0, 0.2, 0.5, 0.7, 1.0, 1.5] {
            let heard = heard_by(&own, &own, temperature, temperature, seed);
            assert!(heard.foreign_ln() < 7.0, "{temperature}: {heard:?}");
            assert!(heard.cut_ln() < 7.0, "{temperature}: {heard:?}");
            let heard = heard_by(&other, &own, temperature, temperature, seed);
            if heard.tokens() > 40 {
                tries += 1;
                found += u32::from(heard.foreign_ln() > ODDS.ln());
            }
        }
        let steep = heard_by(&own, &own, 0.0, 1.0, seed);
        let is_heard = steep.foreign_ln() > ODDS.ln();
        assert!(is_heard || steep.tokens() < 40, "{steep:?}");
    }
    assert!(found * 10 >= tries * 9, "{found} of {tries}");
}

/// AUD-17: an end where the model would hardly ever end is a cut; where it would, it is none.
#[test]
fn aud_17_an_end_that_nobody_would_make_is_a_cut() {
    let mut likely = vec![0.0_f32; 100];
    let mut never = likely.clone();
    likely[ENDS as usize] = 3.0;
    never[ENDS as usize] = -25.0;
    for temperature in [0.0, 0.5, 1.0] {
        let mut heard = Heard::at(temperature);
        heard.token(&likely, 5, is_end);
        heard.end(&likely, is_end);
        assert!(heard.cut_ln() < 0.0, "{heard:?}");
        let mut heard = Heard::at(temperature);
        heard.token(&never, 5, is_end);
        heard.end(&never, is_end);
        assert!(heard.cut_ln() > ODDS.ln(), "{heard:?}");
    }
}
