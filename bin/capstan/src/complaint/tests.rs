use super::*;

#[track_caller]
fn check(told: &Value, message: &str, hint: Option<&str>) {
    let expected = json!({ "error": { "message": message, "hint": hint } });
    assert_eq!(*told, expected);
}

#[test]
fn what_happened_and_what_to_do_stand_apart() {
    let said = of_command("no asset is called `gold`; there are: eth, usdc; or give its token");
    let hint = "there are: eth, usdc; or give its token";
    check(&said, "no asset is called `gold`", Some(hint));
    check(&of_command("block 7 failed"), "block 7 failed", None);
    let said = "error: these were not provided:\n  <AMOUNT>\n\nUsage: capstan swap <AMOUNT>\n\nFor more, try '--help'.\n";
    let hint = "Usage: capstan swap <AMOUNT>\n\nFor more, try '--help'.";
    check(
        &of_words(said),
        "these were not provided: <AMOUNT>",
        Some(hint),
    );
}
