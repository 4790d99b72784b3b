//! capstan
fn main() {}
