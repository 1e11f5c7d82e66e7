//! The server's answers without its sockets.

use std::io;
use std::sync::Arc;

use super::http::{self, Refusal};
use super::{Library, Limits, Shared, respond};

/// The host that requests to a desk name.
const HOST: &str = "localhost:0";

/// What a server answers, without a server: bytes of a request in, bytes of the answer out.
///
/// For programs that have connections of their own, and for tests and fuzzing: a panic is not
/// caught here. Requests name the host `localhost:0`.
///
/// ```
/// use itbsim::serve::{Desk, Limits};
///
/// let desk = Desk::new(Limits::default()).unwrap();
/// let answer = desk.answer(b"GET /api/scenarios HTTP/1.1\r\nHost: localhost:0\r\n\r\n").unwrap();
/// assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
/// ```
#[derive(Debug)]
pub struct Desk {
    shared: Arc<Shared>,
}

impl Desk {
    /// A desk with the shipped scenarios.
    ///
    /// # Errors
    /// If the system has no thread for its clock.
    pub fn new(limits: Limits) -> io::Result<Self> {
        let shared = Shared::new(Library::shipped(), limits, vec![HOST.to_owned()])?;
        Ok(Desk {
            shared: Arc::new(shared),
        })
    }

    /// The answer to a request; `None` for one that is not whole, whose sender a server would
    /// wait for in vain.
    pub fn answer(&self, mut request: &[u8]) -> Option<Vec<u8>> {
        let deadline = self.shared.ticks.deadline(self.shared.limits.arrive);
        match http::read_request(&mut request, &deadline) {
            Err(Refusal::Gone) => None,
            Err(Refusal::Say(response)) => Some(http::encode(&response, false)),
            Ok(request) => {
                let response = respond(&request, &|| false, &self.shared)?;
                Some(http::encode(&response, request.method == "HEAD"))
            }
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.shared.ticks.stop();
    }
}
