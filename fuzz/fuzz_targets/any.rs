//! One target under libFuzzer: `CAPSTAN_FUZZ_TARGET=genesis cargo +nightly fuzz run any --features libfuzzer`.

#![no_main]

use std::sync::OnceLock;

use capstan_fuzz::{Target, find};
use libfuzzer_sys::fuzz_target;

fn target() -> &'static Target {
    static CHOSEN: OnceLock<&'static Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("CAPSTAN_FUZZ_TARGET").unwrap_or_default();
        find(&name).unwrap_or_else(|| panic!("CAPSTAN_FUZZ_TARGET={name} is no target"))
    })
}

fuzz_target!(|input: &[u8]| {
    (target().run)(input);
});
