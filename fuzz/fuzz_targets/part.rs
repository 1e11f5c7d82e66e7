//! A part of a batch as `merge` reads it. The bytes get the seal that they should have, or
//! nothing behind the seal would ever be reached.
#![no_main]

use std::path::Path;

use itbsim::batch::{State, parse_part, tables, write_part};
use sha2::{Digest, Sha256};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let path = Path::new("part.json");
    let _ = parse_part(data, path);
    let seal: String = Sha256::digest(data).iter().map(|b| format!("{b:02x}")).collect();
    let mut sealed = data.to_vec();
    sealed.extend_from_slice(format!("sha256 {seal}\n").as_bytes());
    let Ok(part) = parse_part(&sealed, path) else { return };
    // What is read is written as it was, and read again as the same.
    let mut again = Vec::new();
    write_part(&part, &mut again).expect("memory takes what is written");
    assert_eq!(parse_part(&again, path).expect("own parts are read"), part);
    // A merge of one part, and of one that pretends to be two.
    let mut state = State::new(&part.identity);
    state.join(&part.state);
    tell(&part.identity, &state);
    state.join(&part.state);
    tell(&part.identity, &state);
});

fn tell(identity: &itbsim::batch::Identity, state: &State) {
    let mut sink = std::io::sink();
    let _ = tables::write_outcomes(identity, state, &mut sink);
    let _ = tables::write_bands(identity, state, &mut sink);
    let _ = tables::write_incidence(identity, state, &mut sink);
    let _ = tables::write_survival(identity, state, &mut sink);
    let _ = tables::write_times(identity, state, &mut sink);
    let _ = tables::write_differences(identity, state, &mut sink);
    let _ = tables::write_failures(state, &mut sink);
    let _ = tables::summary(identity, state, identity.n);
    let _ = itbsim::batch::matrix::write_matrix(identity, state, &mut sink);
    let _ = itbsim::batch::pictures::pictures(identity, state);
}
