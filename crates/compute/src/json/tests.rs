use super::{Weighed, weight};

/// GW-7: what is all structure is refused before it is read; what is text or a list of numbers is not.
#[test]
fn gw_7_structure_is_weighed_before_it_is_read() {
    let bomb = format!("[{}0]", "{\"\":0},".repeat(100_000));
    assert!(weight(bomb.as_bytes()) > 100_000_000);
    assert!(Weighed::of(bomb.as_bytes(), 16 << 20).is_none());
    let words = format!("[\"{}\"]", "{[,".repeat(1 << 20));
    assert_eq!(weight(words.as_bytes()), 128, "marks inside of a text");
    assert_eq!(weight(br#"["a\"{,", 1]"#), 128 + 48);
    let numbers = format!("[{}0]", "1.5,".repeat(300_000));
    let read =
        |text: &str| Weighed::of(text.as_bytes(), 16 << 20).map(|weighed| weighed.read().is_ok());
    assert_eq!(read(&numbers), Some(true));
    assert_eq!(weight(br#"{"a":1,"b":[1,2]}"#), 1_024 + 192 + 128 + 48);
    assert!(
        weight(&b"[".repeat(1 << 20)) < 1 << 20,
        "what is too deep is read no further"
    );
    assert_eq!(read("}]"), Some(false));
}
