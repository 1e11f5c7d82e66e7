//! Bytes of a request to `serve`, answered without a socket.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use itbsim::serve::{Desk, Limits};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static DESK: OnceLock<Desk> = OnceLock::new();
    let desk = DESK.get_or_init(|| {
        let limits = Limits {
            events: 2_000,
            rows: 100,
            // Longer than the fuzzer's own limit: a run is ended by its events, or is a hang.
            run: Duration::from_secs(60),
            ..Limits::default()
        };
        Desk::new(limits).expect("a thread for the clock")
    });
    if let Some(answer) = desk.answer(data) {
        assert!(answer.starts_with(b"HTTP/1.1 "));
        assert!(!answer.starts_with(b"HTTP/1.1 500"), "the program failed on a request");
    }
});
