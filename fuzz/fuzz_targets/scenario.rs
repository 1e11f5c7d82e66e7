//! The text of a scenario: read, checked, its mistakes rendered, and run for a while if it has none.
#![no_main]

mod common;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(text) = itbsim::scenario::decode(data.to_vec()) {
        common::load_and_run(&text);
    }
});
