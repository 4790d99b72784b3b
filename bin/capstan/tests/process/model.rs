//! `capstan model`, with a tiny model that the test makes.

use capstan_compute::testkit::tiny;
use capstan_testing::process::{run, text};

use crate::said::{json_of, refuses, says};

#[test]
fn a_file_of_ones_own_is_checked_listed_and_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (shelf, file) = (folder.path().join("shelf"), folder.path().join("t.gguf"));
    let say = |words: &[&str]| {
        let words = [&["model"], words, &["--models", text(&shelf)]].concat();
        run(&words).expect("ran")
    };
    says(
        &say(&["list"]),
        &["no models in", "capstan model get smollm2"],
    );
    tiny(1, "Q4_1").write(&file).expect("written");
    says(
        &say(&["get", "mine", "--file", text(&file)]),
        &["mine is here", "sha256 "],
    );
    let listed = json_of(&say(&["list", "--json"]));
    assert_eq!(listed[0]["name"], "mine");
    assert_eq!(listed[0]["sha256"].as_str().map(str::len), Some(64));
    let ask = [
        "ask",
        "mine",
        "hello",
        "--max-tokens",
        "8",
        "--temperature",
        "1",
    ];
    let (once, again) = (say(&ask), say(&[&ask[..], &["--threads", "1"]].concat()));
    assert!(
        once.status.success() && once.stderr.contains("more at"),
        "{once:?}"
    );
    assert_eq!(
        once.stdout, again.stdout,
        "the same words give the same answer"
    );
    std::fs::write(&file, &std::fs::read(&file).expect("read")[..5_000]).expect("cut");
    refuses(
        &say(&["get", "cut", "--file", text(&file)]),
        &["more than the rest of the file can hold"],
    );
    refuses(
        &say(&["ask", "absent", "hello"]),
        &[
            "no model is called `absent`",
            "there are: mine",
            "--file PATH",
        ],
    );
    refuses(
        &say(&["ask", "smollm2", "hello"]),
        &["`capstan model get smollm2` fetches it"],
    );
    refuses(
        &say(&["ask", "./absent.gguf", "hello"]),
        &["there is no file ./absent.gguf"],
    );
    refuses(&say(&["get", "absent"]), &["only for smollm2", "--file"]);
}
