//! The text of care: blocks put behind a patient who can be cared for, read, checked and run.
#![no_main]

mod common;

const CANDIDATE: &str = include_str!("../../scenarios/base/candidate-spinal.toml");
const IMPLANTED: &str = include_str!("../../scenarios/base/adult-spinal.toml");

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // The first byte chooses the patient.
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let Ok(care) = std::str::from_utf8(rest) else { return };
    let patient = if first % 2 == 0 { CANDIDATE } else { IMPLANTED };
    common::load_and_run(&format!("{patient}\n{care}"));
});
