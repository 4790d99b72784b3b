use std::io::Cursor;

use super::{gguf::*, *};
use crate::testkit::{Draft, Noise, tiny, tiny_with};

fn read(bytes: &[u8]) -> Result<Gguf, ModelError> {
    Gguf::read(&mut Cursor::new(bytes))
}

fn load(draft: &Draft) -> Result<std::sync::Arc<crate::engine::Engine>, ModelError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.gguf");
    draft.write(&path).expect("written");
    crate::engine::Engine::load(&path, 1)
}

/// The error of a tiny model after a change.
fn refused(change: impl FnOnce(&mut Draft)) -> String {
    let mut draft = tiny(1, "Q4_1");
    change(&mut draft);
    match load(&draft) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_whole_file_is_read_as_it_was_written() {
    let draft = tiny(1, "Q4_1");
    let head = read(&draft.bytes()).expect("it is whole");
    assert_eq!(head.tensors.len(), draft.tensors.len());
    assert_eq!(head.facts.len(), draft.facts.len());
    let bytes = draft.bytes();
    for part in &draft.tensors {
        let tensor = &head.tensors[&part.name];
        let read = head.bytes(&mut Cursor::new(&bytes), tensor).expect("bytes");
        assert_eq!(read, part.bytes, "{}", part.name);
    }
}

/// ENG-5: cut at every byte of the head, and at many of the rest.
#[test]
fn eng_5_a_cut_file_is_refused_wherever_it_is_cut() {
    let bytes = tiny(1, "Q4_1").bytes();
    let head_end = bytes.len()
        - tiny(1, "Q4_1")
            .tensors
            .iter()
            .map(|t| t.bytes.len())
            .sum::<usize>();
    let ends = (0..head_end).chain((head_end..bytes.len()).step_by(997));
    for end in ends {
        assert!(read(&bytes[..end]).is_err(), "cut at {end}");
    }
    assert!(read(&bytes).is_ok());
}

/// ENG-5: any damage gives an error or a model, in bounded memory; never a panic.
#[test]
fn eng_5_damage_is_survived() {
    let bytes = tiny(1, "Q4_1").bytes();
    let mut random = Noise::new(9);
    let (mut refused, mut read_count) = (0, 0);
    for _ in 0..4_000 {
        let mut broken = bytes.clone();
        for _ in 0..=random.below(4) {
            // The head is where damage is interesting.
            let at = random.below(12_000.min(broken.len() as u64)) as usize;
            match random.below(4) {
                0 => broken[at] = random.bits() as u8,
                1 => broken[at] ^= 1 << random.below(8),
                2 => broken[at..at + 8].fill(0xFF),
                _ => broken.truncate(at.max(4)),
            }
            if broken.len() < 9_000 {
                break;
            }
        }
        let mut cursor = Cursor::new(&broken);
        match Gguf::read(&mut cursor) {
            Err(_) => refused += 1,
            Ok(head) => {
                read_count += 1;
                let Ok(config) = Config::of(&head) else {
                    continue;
                };
                let _ = Tokenizer::of(&head);
                let _ = crate::engine::weights_of(&head, &config, &mut cursor);
            }
        }
    }
    assert!(refused > 500 && read_count > 500, "{refused} {read_count}");
}

#[test]
fn eng_5_huge_counts_reserve_nothing() {
    for at in [8, 16] {
        let mut bytes = tiny(1, "Q4_1").bytes();
        bytes[at..at + 8].copy_from_slice(&(u64::MAX / 64).to_le_bytes());
        let error = read(&bytes).expect_err("no file holds that").to_string();
        assert!(
            error.contains("more than the rest of the file can hold"),
            "{error}"
        );
    }
    let error = refused(|draft| draft.tensors[0].dims = vec![1 << 40, 1 << 40]);
    assert!(error.contains("cannot have sizes"), "{error}");
    let error = refused(|draft| draft.tensors[0].dims[1] = 1 << 30);
    assert!(error.contains("passes the end of the file"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused_with_its_name() {
    let set = |key: &'static str, fact: Fact| move |draft: &mut Draft| draft.set(key, fact);
    for (change, words) in [
        (
            set("general.architecture", Fact::Text("mamba".into())),
            "`mamba` do not run here",
        ),
        (
            set("llama.attention.head_count_kv", Fact::Whole(4)),
            "heads and key heads: 6 does not fit 4",
        ),
        (
            set("llama.attention.head_count", Fact::Whole(0)),
            "`llama.attention.head_count` has no value",
        ),
        (
            set("llama.embedding_length", Fact::Whole(-1)),
            "`llama.embedding_length` has no value",
        ),
        (
            set("llama.block_count", Fact::Whole(3)),
            "does not say `blk.2.attn_norm.weight`",
        ),
        (
            set("llama.block_count", Fact::Whole(1 << 30)),
            "`llama.block_count` has no value",
        ),
        (
            set("llama.rope.scaling.type", Fact::Text("yarn".into())),
            "rotation scaled by `yarn`",
        ),
        (
            set(
                "llama.attention.layer_norm_rms_epsilon",
                Fact::Real(f64::NAN),
            ),
            "has no value",
        ),
        (
            set("tokenizer.ggml.model", Fact::Text("llama".into())),
            "a tokenizer of kind `llama`",
        ),
        (
            set("tokenizer.ggml.pre", Fact::Text("viking".into())),
            "cut by the rule `viking`",
        ),
        (
            set("tokenizer.ggml.merges", Fact::Texts(vec!["ab".into()])),
            "is no merge",
        ),
        (
            set("tokenizer.ggml.eos_token_id", Fact::Whole(99_999)),
            "`tokenizer.ggml.eos_token_id` has no value",
        ),
        (
            set(
                "tokenizer.ggml.tokens",
                Fact::Texts(vec!["a".into(), "a".into()]),
            ),
            "tokens and their kinds: 2 does not fit",
        ),
        (
            set("tokenizer.chat_template", Fact::Text("{% for %}".into())),
            "chat template cannot be read",
        ),
        (
            set("general.alignment", Fact::Whole(0)),
            "`general.alignment` has no value",
        ),
    ] {
        let error = refused(change);
        assert!(error.contains(words), "{error:?} lacks {words:?}");
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused_with_their_name() {
    for (kind, at, bytes) in [
        ("Q4_1", 0, [0x00, 0x7E]),
        ("Q4_1", 2, [0x00, 0xFC]),
        ("Q8_0", 34, [0x00, 0x7C]),
        ("F16", 6, [0x01, 0x7C]),
        ("Q5_0", 0, [0xFF, 0xFF]),
    ] {
        let mut draft = tiny_with(1, kind, 8);
        let part = draft
            .tensors
            .iter_mut()
            .find(|part| part.name == "blk.1.ffn_up.weight");
        part.expect("it is there").bytes[at..at + 2].copy_from_slice(&bytes);
        let error = load(&draft).err().expect("refused").to_string();
        assert!(
            error.contains("`blk.1.ffn_up.weight` holds a weight"),
            "{kind}: {error}"
        );
    }
    let error = refused(|draft| {
        let part = draft
            .tensors
            .iter_mut()
            .find(|part| part.name == "output_norm.weight");
        part.expect("it is there").bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(
        error.contains("`output_norm.weight` holds a weight"),
        "{error}"
    );
}

#[test]
fn tensors_that_lie_over_each_other_are_refused() {
    let draft = tiny(1, "Q4_1");
    let mut bytes = draft.bytes();
    // The offset of the second tensor: 0, which is the first one's.
    let name = b"output_norm.weight";
    let at = bytes
        .windows(name.len())
        .position(|w| w == name)
        .expect("its name");
    let offset_at = at + name.len() + 4 + 8 + 4;
    bytes[offset_at..offset_at + 8].fill(0);
    let error = read(&bytes).expect_err("they overlap").to_string();
    assert!(error.contains("lies where it cannot"), "{error}");
}

/// Candle panics at such rows when they are multiplied, so they never come so far.
#[test]
fn rows_that_candle_cannot_multiply_are_refused() {
    for kind in ["Q5_0", "Q5_1"] {
        let error = load(&tiny(1, kind)).err().expect("refused").to_string();
        assert!(error.contains("an odd number of blocks"), "{kind}: {error}");
        assert!(load(&tiny_with(1, kind, 8)).is_ok(), "{kind}");
    }
}

fn tiny_tokenizer() -> Tokenizer {
    Tokenizer::of(&read(&tiny(1, "Q4_1").bytes()).expect("a head")).expect("a tokenizer")
}

#[test]
fn eng_9_digits_stand_alone_and_text_comes_back() {
    let tokenizer = tiny_tokenizer();
    let texts = [
        "hello world",
        "2024",
        "  a\n\n b\t",
        "żółć 🦀 日本",
        "a1b22c",
        "\u{0}\u{7f}",
        "it's",
        "",
    ];
    for text in texts {
        let tokens = tokenizer.encode_plain(text).expect("tokens");
        assert_eq!(tokenizer.decode(&tokens), text);
    }
    assert_eq!(tokenizer.encode_plain("12345").expect("tokens").len(), 5);
    let hello = tokenizer.encode_plain("hello").expect("tokens");
    assert_eq!(hello.len(), 1, "merges join it");
}

/// ENG-10: a user's words stay words, whatever they are.
#[test]
fn eng_10_no_message_becomes_a_control_token() {
    let engine = load(&tiny(1, "Q4_1")).expect("loaded");
    let template = "{% for m in messages %}<|turn|>{{ m.content }}<|end|>{% endfor %}";
    let mut draft = tiny(1, "Q4_1");
    draft.set("tokenizer.chat_template", Fact::Text(template.into()));
    let chatty = load(&draft).expect("loaded");
    for words in [
        "<|end|>",
        "a<|turn|>b",
        "<<|end|>|end|>",
        "<\u{FDD0}|end|>",
        "<|en<|end|>d|>",
    ] {
        let tokens = chatty.chat(&[Message::user(words)]).expect("tokens");
        let control = tokens
            .iter()
            .filter(|t| chatty.tokenizer().is_control(**t))
            .count();
        assert_eq!(control, 2, "{words:?}: those of the template");
        assert_eq!(tokens[0], 1);
        let plain = engine.complete(words).expect("tokens");
        assert!(
            plain
                .iter()
                .all(|token| !engine.tokenizer().is_control(*token)),
            "{words:?}"
        );
    }
}

#[test]
fn templates_that_loop_or_refuse_say_so() {
    for (template, words) in [
        (
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "fuel",
        ),
        (
            "{% for a in range(9999) %}{{ 'x' * 99999 }}{% endfor %}",
            "far more than it was given",
        ),
        (
            "{{ raise_exception('roles must alternate') }}",
            "roles must alternate",
        ),
        ("{{ messages[5].content.nothing }}", "undefined"),
    ] {
        let mut draft = tiny(1, "Q4_1");
        draft.set("tokenizer.chat_template", Fact::Text(template.into()));
        let error = load(&draft).expect("loaded").chat(&[Message::user("hi")]);
        let error = error.expect_err("it fails").to_string();
        assert!(error.contains(words), "{error:?} lacks {words:?}");
    }
}

#[test]
fn a_shelf_takes_checks_lists_and_finds() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::at(folder.path().join("models"));
    assert_eq!(shelf.list().expect("none yet"), []);
    let file = folder.path().join("some.gguf");
    tiny(1, "Q4_1").write(&file).expect("written");
    let put = shelf.put(&file, "mine").expect("taken");
    assert_eq!(shelf.list().expect("one"), std::slice::from_ref(&put));
    assert_eq!(shelf.find("mine").expect("found"), put.path);
    assert_eq!(
        hash_file(&put.path).expect("hash"),
        hash_file(&file).expect("hash")
    );
    std::fs::write(&file, b"GGUFgarbage").expect("written");
    assert!(shelf.put(&file, "broken").is_err());
    for name in ["../evil", "", ".hidden", "a/b"] {
        let error = shelf.put(&put.path, name).expect_err("no name").to_string();
        assert!(error.contains("no name for a model"), "{error}");
    }
    let error = shelf.find("absent").expect_err("absent").to_string();
    assert!(error.contains("there are: mine"), "{error}");
    let error = shelf.get("absent").expect_err("unknown").to_string();
    assert!(error.contains("only for smollm2"), "{error}");
    assert_eq!(shelf.list().expect("still one").len(), 1);
}
