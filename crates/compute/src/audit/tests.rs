use std::{ops::ControlFlow, sync::Arc};

use super::{
    field::{PRIME, through, value},
    *,
};
use crate::{
    engine::{Engine, Finish, Kernels, Piece, Request, Sampling, Seed, loaded_with},
    testkit::{Noise, tiny, tiny_with},
};

/// What an honest provider hands over.
fn work(engine: &Engine, request: &Request) -> (Transcript, Proof, Witness) {
    let mut witness = Witness::new(request.prompt.len(), engine.card().width);
    let answer = engine.generate(request, &mut |piece| {
        if let Piece::States { first, rows } = piece {
            witness.see(first, rows);
        }
        ControlFlow::Continue(())
    });
    let answer = answer.expect("answered");
    let transcript = Transcript {
        model: engine.card().sha256,
        request: request.clone(),
        answer: answer.tokens,
        finish: answer.finish,
    };
    (transcript, Proof::of(&witness), witness)
}

fn job(number: u8) -> Request {
    let mut random = Noise::new(u64::from(number));
    Request {
        prompt: (0..20 + random.below(60))
            .map(|_| 2 + random.below(250) as u32)
            .collect(),
        sampling: Sampling {
            temperature: 0.8,
            top_k: 50,
            top_p: 0.95,
            repetition_penalty: 1.1,
        },
        seed: Seed::of(&[number], b"randomness"),
        max_tokens: 40 + random.below(40) as usize,
        stop: Vec::new(),
    }
}

fn tiny_engine(threads: usize) -> Arc<Engine> {
    loaded_with(&tiny(1, "Q4_1"), threads, Kernels::Own)
}

#[track_caller]
fn check(
    engine: &Engine,
    transcript: &Transcript,
    proof: &Proof,
    thresholds: &Thresholds,
) -> String {
    let report = verify(engine, transcript, &proof.encode(), thresholds);
    report
        .failure
        .map_or_else(String::new, |failure| failure.to_string())
}

#[test]
fn aud_1_honest_work_passes_strictly_at_every_count_of_threads() {
    let provider = tiny_engine(1);
    for number in 0..12 {
        let (transcript, proof, witness) = work(&provider, &job(number));
        for threads in [1, 2, 5] {
            let report = verify(
                &tiny_engine(threads),
                &transcript,
                &proof.encode(),
                &Thresholds::STRICT,
            );
            assert!(report.passed(), "{:?}", report.failure);
            assert_eq!(report.missed(), 0);
            assert_eq!(
                report.witness, witness,
                "generation and prefill see the same bits"
            );
        }
    }
    let greedy = Request::greedy(job(1).prompt, 1);
    let (transcript, proof, _) = work(&provider, &greedy);
    assert_eq!(proof.groups().len(), 1, "the only token is never fed");
    assert_eq!(
        check(&provider, &transcript, &proof, &Thresholds::STRICT),
        ""
    );
}

/// AUD-2, and the size that the method promises.
#[test]
fn aud_2_a_proof_says_exactly_its_entries() {
    let mut random = Noise::new(2);
    for count in [1, 2, 3, 31, 127, 128] {
        let points: Vec<(u32, u32)> = (0..count)
            .map(|at| (at * 511 % PRIME, random.below(u64::from(PRIME)) as u32))
            .collect();
        let coefficients = through(&points);
        assert_eq!(coefficients.len(), points.len());
        for (place, expected) in points {
            assert_eq!(value(&coefficients, place), expected);
        }
    }
    let engine = tiny_engine(1);
    // Some answers end by themselves; the test wants one of whole groups.
    let mut works = (0..50).map(|number| work(&engine, &Request::greedy(job(number).prompt, 65)));
    let whole = works.find(|(transcript, ..)| transcript.answer.len() == 65);
    let (transcript, proof, witness) = whole.expect("one of fifty goes on");
    assert_eq!(proof.encode().len(), 3 * 258);
    for (said, saw) in proof.groups().iter().zip(witness.groups()) {
        let expected = Measure {
            entries: 128,
            ..Measure::default()
        };
        assert_eq!(said.measure(saw), expected);
    }
    let width = engine.card().width;
    let again = Proof::decode(&proof.encode(), transcript.request.prompt.len(), 65, width);
    assert_eq!(again, Some(proof));
}

#[test]
fn a_witness_is_the_same_in_pieces_and_its_ties_are_settled() {
    let mut random = Noise::new(8);
    let (width, rows) = (24, 90);
    let states: Vec<f32> = (0..rows * width)
        .map(|_| (random.signed() * 8.0).round())
        .collect();
    let mut whole = Witness::new(30, width);
    whole.see(0, &states);
    for step in [1, 7, 32, 64] {
        let mut pieces = Witness::new(30, width);
        for (at, piece) in states.chunks(step * width).enumerate() {
            pieces.see(at * step, piece);
        }
        assert_eq!(pieces, whole);
    }
    assert_eq!(whole.groups().len(), 1 + 2);
    assert!(whole.groups().iter().all(|group| group.len() == TOP));
}

#[test]
fn aud_3_every_change_is_another_receipt() {
    let engine = tiny_engine(1);
    let (transcript, ..) = work(&engine, &job(4));
    let digest = transcript.digest();
    let changes: [&dyn Fn(&mut Transcript); 10] = [
        &|t| t.model[31] ^= 1,
        &|t| t.answer[3] ^= 1,
        &|t| t.request.prompt[0] ^= 1,
        &|t| t.request.prompt.push(t.answer[0]),
        &|t| t.request.seed = Seed::of(b"x", b"y"),
        &|t| t.request.sampling.temperature += 0.1,
        &|t| t.request.sampling.top_k += 1,
        &|t| t.request.max_tokens += 1,
        &|t| t.request.stop.push("a".to_owned()),
        &|t| t.finish = Finish::Stop,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut other = transcript.clone();
        change(&mut other);
        assert_ne!(other.digest(), digest, "change {number}");
    }
}

/// AUD-4, AUD-8: each cheat by name.
#[test]
fn aud_4_8_each_cheat_fails_for_its_own_reason() {
    let engine = tiny_engine(2);
    let request = job(5);
    let (honest, proof, _) = work(&engine, &request);
    assert_eq!(honest.finish, Finish::Length, "the test cuts it");
    let fails = |transcript: &Transcript, proof: &Proof, words: &str| {
        for thresholds in [Thresholds::STRICT, Thresholds::TOLERANT] {
            let said = check(&engine, transcript, proof, &thresholds);
            assert!(said.starts_with(words), "{said:?}, expected {words}");
        }
    };
    // Another model's answer under this one's name.
    let other = loaded_with(&tiny(2, "Q4_1"), 1, Kernels::Own);
    let (mut swapped, swapped_proof, _) = work(&other, &request);
    fails(&swapped, &swapped_proof, "MODEL");
    swapped.model = honest.model;
    fails(&swapped, &swapped_proof, "STATES");
    // Cut, and said to be whole.
    let short = Request {
        max_tokens: 20,
        ..request.clone()
    };
    let (mut cut, cut_proof, _) = work(&engine, &short);
    cut.request.max_tokens = request.max_tokens;
    for finish in [Finish::Length, Finish::End, Finish::Stop, Finish::Cancelled] {
        cut.finish = finish;
        fails(&cut, &cut_proof, "CUT");
    }
    // Cut, with an end token that was never drawn.
    *cut.answer.last_mut().expect("tokens") = 0;
    cut.finish = Finish::End;
    fails(&cut, &cut_proof, "TOKEN");
    // Another seed's answer.
    let lucky = Request {
        seed: Seed::of(b"chosen", b""),
        ..request.clone()
    };
    let (mut seeded, seeded_proof, _) = work(&engine, &lucky);
    seeded.request.seed = request.seed;
    // Where chances are steep most draws agree, and the tolerant limits may let the rest pass.
    let said = check(&engine, &seeded, &seeded_proof, &Thresholds::STRICT);
    assert!(said.starts_with("TOKEN"), "{said:?}");
    // Somebody else's answer to something else.
    let (copied, copied_proof, _) = work(
        &engine,
        &Request {
            max_tokens: honest.answer.len(),
            ..job(6)
        },
    );
    let mut copy = honest.clone();
    copy.answer.clone_from(&copied.answer);
    let said = check(&engine, &copy, &proof, &Thresholds::TOLERANT);
    assert!(said.starts_with("STATES"), "{said}");
    let said = check(&engine, &copy, &copied_proof, &Thresholds::TOLERANT);
    assert!(
        said.starts_with("STATES") || said.starts_with("PROOF"),
        "{said}"
    );
    // One token changed.
    let mut changed = honest.clone();
    changed.answer[10] = (changed.answer[10] + 1) % 200 + 2;
    let said = check(&engine, &changed, &proof, &Thresholds::STRICT);
    assert!(
        said.starts_with("STATES") || said.starts_with("TOKEN"),
        "{said}"
    );
    // More than was asked for, and beyond its end.
    let mut longer = honest.clone();
    longer.answer.push(5);
    fails(&longer, &proof, "LENGTH");
    let mut beyond = honest;
    beyond.answer[4] = 0;
    fails(&beyond, &proof, "BEYOND");
}

#[test]
fn bytes_that_are_no_proof_are_refused() {
    let engine = tiny_engine(1);
    let (transcript, proof, _) = work(&engine, &job(7));
    let bytes = proof.encode();
    let mut broken = vec![
        Vec::new(),
        bytes[..bytes.len() - 2].to_vec(),
        [&bytes[..], &[0, 0]].concat(),
    ];
    for (at, number) in [(0, 0_u16), (0, u16::MAX), (2, u16::MAX), (258, 0)] {
        let mut bytes = bytes.clone();
        bytes[at..at + 2].copy_from_slice(&number.to_le_bytes());
        broken.push(bytes);
    }
    for bytes in broken {
        let report = verify(&engine, &transcript, &bytes, &Thresholds::TOLERANT);
        assert_eq!(report.failure, Some(Failure::Proof));
    }
    let mut random = Noise::new(1);
    for _ in 0..50 {
        let mut bytes = bytes.clone();
        let at = random.below(bytes.len() as u64) as usize;
        if at % 258 < 2 {
            // A modulus above all indices says nothing, whichever it is.
            continue;
        }
        bytes[at] ^= 1 << random.below(8);
        let report = verify(&engine, &transcript, &bytes, &Thresholds::STRICT);
        assert!(!report.passed(), "bit of byte {at}");
    }
    let mut strange = transcript;
    strange.answer[0] = 1 << 30;
    let report = verify(&engine, &strange, &bytes, &Thresholds::TOLERANT);
    assert!(
        matches!(report.failure, Some(Failure::Job(_))),
        "{:?}",
        report.failure
    );
}

#[test]
fn other_kernels_pass_tolerantly_and_not_strictly() {
    let draft = tiny_with(1, "Q4_1", 8);
    let own = loaded_with(&draft, 1, Kernels::Own);
    let candle = loaded_with(&draft, 1, Kernels::Candle);
    let between = Thresholds::between(&own.card().kernels, &candle.card().kernels);
    assert_eq!(between, Thresholds::TOLERANT);
    assert_eq!(
        Thresholds::between("exact-1", "exact-1"),
        Thresholds::STRICT
    );
    let (transcript, proof, _) = work(&candle, &Request::greedy(job(8).prompt, 2));
    let report = verify(&own, &transcript, &proof.encode(), &Thresholds::STRICT);
    assert!(matches!(report.failure, Some(Failure::States { .. })));
    let report = verify(&own, &transcript, &proof.encode(), &Thresholds::TOLERANT);
    assert!(
        !matches!(report.failure, Some(Failure::States { .. })),
        "{:?} {:?}",
        report.failure,
        report.measures
    );
}

#[test]
fn aud_5_receipts_are_audited_at_the_stated_rate() {
    let mut random = Noise::new(5);
    let mut receipt = [0; 32];
    let (mut audited, mut again) = (0, 0);
    for _ in 0..20_000 {
        receipt[..8].copy_from_slice(&random.bits().to_le_bytes());
        audited += u32::from(is_audited(&receipt, &[1; 32], 50_000));
        again += u32::from(
            is_audited(&receipt, &[1; 32], 50_000) && is_audited(&receipt, &[2; 32], 50_000),
        );
        assert!(!is_audited(&receipt, &[1; 32], 0) && is_audited(&receipt, &[1; 32], 1_000_000));
    }
    assert!(
        (850..1_150).contains(&audited),
        "{audited} of 20,000 at 5 %"
    );
    assert!(
        (20..90).contains(&again),
        "{again}: other randomness chooses others"
    );
}

#[test]
fn aud_6_a_commitment_opens_for_one_auditor_job_and_witness() {
    let engine = tiny_engine(1);
    let (_, proof, witness) = work(&engine, &job(9));
    let (_, _, other) = work(&engine, &job(10));
    let opening = Opening {
        witness,
        nonce: [7; 32],
    };
    let commitment = opening.commit(b"alice", &[1; 32]);
    assert!(commitment.opens(&opening, b"alice", &[1; 32]));
    assert!(
        !commitment.opens(&opening, b"bob", &[1; 32]),
        "a copied commitment is useless"
    );
    assert!(!commitment.opens(&opening, b"alice", &[2; 32]));
    let else_seen = Opening {
        witness: other,
        ..opening
    };
    assert!(!commitment.opens(&else_seen, b"alice", &[1; 32]));
    assert!(!commitment.opens(
        &Opening {
            nonce: [8; 32],
            ..opening.clone()
        },
        b"alice",
        &[1; 32]
    ));
    assert_eq!(opening.judge(&proof, &Thresholds::STRICT), Ok(()));
    assert!(else_seen.judge(&proof, &Thresholds::TOLERANT).is_err());
    let nothing = Opening {
        witness: Witness::new(3, 96),
        nonce: [0; 32],
    };
    assert_eq!(
        nothing.judge(&proof, &Thresholds::TOLERANT),
        Err(Failure::Proof)
    );
}

#[test]
fn aud_7_the_slash_is_just_enough() {
    let million = 1_000_000_u128;
    for (gain, audited, caught) in [
        (1, 50_000, 1_000_000),
        (1_000_000, 10_000, 990_000),
        (7, 1_000_000, 1_000_000),
        (123_456_789, 333_333, 500_000),
    ] {
        let slash = slash_min(gain, audited, caught).expect("there is one");
        let q = u128::from(audited) * u128::from(caught);
        let rest = million * million - q;
        assert!(q * slash > rest * gain, "cheating loses");
        assert!(q * (slash - 1) <= rest * gain, "one less would not do");
    }
    assert_eq!(
        slash_min(100, 50_000, 1_000_000),
        Some(1_901),
        "5 %: nineteen times the gain, and one"
    );
    assert_eq!(slash_min(100, 10_000, 1_000_000), Some(9_901));
    assert_eq!(
        (slash_min(1, 0, 1_000_000), slash_min(u128::MAX, 1, 1)),
        (None, None)
    );
    assert!((caught_of(60, 50_000, 1_000_000) - 0.953_9).abs() < 1e-4);
}

/// AUD-12: of honest draws that are far as often as they may be, no more than one in x comes to odds of x.
#[test]
fn aud_12_odds_accuse_the_honest_as_seldom_as_they_say() {
    const ANSWERS: usize = 20_000;
    let mut random = Noise::new(12);
    let mut unit = || f64::from(random.signed()).abs();
    let mut beyond = [0_usize; 3];
    for _ in 0..ANSWERS {
        let draws: Vec<Draw> = (0..24)
            .map(|_| Draw {
                miss: if unit() < FAR_HONEST { 1.0 } else { 0.0 },
                // Steep and flat ones, and the likeliest.
                share: Some(unit()).filter(|share| *share > 0.2),
            })
            .collect();
        for (count, most) in beyond.iter_mut().zip([10.0_f64, 100.0, 1_000.0]) {
            *count += usize::from(odds_ln(&draws) > most.ln());
        }
    }
    for (count, most) in beyond.iter().zip([10, 100, 1_000]) {
        assert!(
            *count <= ANSWERS / most,
            "{count} of {ANSWERS} beyond {most} to 1"
        );
    }
    // Another hand's: as often right as chance has it.
    let mut caught = 0;
    for _ in 0..1_000 {
        let draws: Vec<Draw> = (0..24)
            .map(|_| {
                let share = unit() * 0.8;
                let miss = if unit() < share { 0.0 } else { 0.3 };
                Draw {
                    miss,
                    share: Some(share),
                }
            })
            .collect();
        caught += usize::from(odds_ln(&draws) > ODDS.ln());
    }
    assert!(caught > 900, "{caught} of 1,000");
}
