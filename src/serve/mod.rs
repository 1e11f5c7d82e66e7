//! `itbsim serve`: a page on this machine where sliders change a scenario and the run is seen
//! again at once.
//!
//! The server listens on the loopback addresses only, refuses requests that name another host
//! or come from another page, never opens a file for a request, and bounds what one request
//! and all of them together may take ([`Limits`]). Heads are parsed by the crate `httparse`;
//! sockets and threads are those of the standard library, because the small server crates
//! leave waits and sizes of heads unbounded.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /api/scenarios` | what is on offer |
//! | `POST /api/run` | a scenario, changed by moves, and its run ([`Ask`]) |
//!
//! ```
//! use itbsim::serve::{Options, Server};
//!
//! let server = Server::bind(&Options { port: 0, ..Options::default() }).unwrap();
//! assert!(server.address().ip().is_loopback());
//! ```

mod answer;
mod builtin;
mod desk;
mod http;
mod library;
mod page;
mod rows;
pub mod sliders;
mod ticks;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

pub use answer::Ask;
pub(crate) use answer::MOST_MOVES;
pub use desk::Desk;
pub use http::MOST_BODY;
pub(crate) use http::MOST_HEAD;
pub use library::{Library, LibraryError, Offer};

use crate::report::page::PageData;
use crate::scenario::model::Catalog;
use crate::simulation::Registry;
use http::{Refusal, Request, Response};
use ticks::{Deadline, Ticks};

/// What one request and all of them together may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Length of a scenario's text \[bytes\].
    pub text: usize,
    /// Arms of a scenario.
    pub arms: usize,
    /// Events of one run.
    pub events: u64,
    /// Output rows of one run; the spacing grows where a scenario asks for more.
    pub rows: u32,
    /// Time in which a request must have arrived.
    pub arrive: Duration,
    /// Time after which the runs of a request are given up.
    pub run: Duration,
    /// Time in which an answer must have been taken.
    pub leave: Duration,
    /// Connections open at once; who comes then is turned away.
    pub connections: usize,
    /// Requests that run at once; others wait.
    pub runs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text: 65_536,
            arms: 24,
            events: 200_000,
            rows: 1_500,
            arrive: Duration::from_secs(5),
            run: Duration::from_secs(10),
            leave: Duration::from_secs(10),
            connections: 32,
            runs: std::thread::available_parallelism().map_or(2, |n| n.get().clamp(1, 4)),
        }
    }
}

/// What a server is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Port on the loopback addresses; 0 takes a free one.
    pub port: u16,
    /// Folder of scenarios to offer before the shipped ones.
    pub folder: Option<PathBuf>,
    /// What requests may take.
    pub limits: Limits,
}

/// A server that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The port is taken, or the system refuses.
    #[error("cannot listen on port {port} of this machine: {source}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder cannot be offered.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    shared: Arc<Shared>,
}

/// Ends a server from another thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    library: Library,
    catalog: Catalog,
    limits: Limits,
    ticks: Ticks,
    /// `Host` values that mean this server.
    hosts: Vec<String>,
    /// What the page begins with, computed when it is first asked for.
    first: OnceLock<Option<PageData>>,
    stop: AtomicBool,
    connections: AtomicUsize,
    running: Mutex<usize>,
    freed: Condvar,
}

impl Shared {
    fn new(library: Library, limits: Limits, hosts: Vec<String>) -> std::io::Result<Self> {
        Ok(Shared {
            library,
            catalog: Registry::builtin().catalog(),
            limits,
            ticks: Ticks::start()?,
            hosts,
            first: OnceLock::new(),
            stop: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            running: Mutex::new(0),
            freed: Condvar::new(),
        })
    }
}

impl Server {
    /// Listens on 127.0.0.1 and, where the machine has it, on ::1.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn bind(options: &Options) -> Result<Self, ServeError> {
        let library = match &options.folder {
            Some(folder) => Library::with_folder(folder)?,
            None => Library::shipped(),
        };
        let refused = |source| ServeError::Listen {
            port: options.port,
            source,
        };
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).map_err(refused)?;
        let port = first.local_addr().map_err(refused)?.port();
        let mut listeners = vec![first];
        // A machine without the newer protocol is served by the older alone.
        listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok());
        let hosts = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        Ok(Self {
            listeners,
            shared: Arc::new(Shared::new(library, options.limits, hosts.into()).map_err(refused)?),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        let unknown = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // A bound listener has an address; asking can only fail where the system is broken.
        self.listeners
            .first()
            .and_then(|l| l.local_addr().ok())
            .unwrap_or(unknown)
    }

    /// Number of scenarios on offer.
    pub fn offers(&self) -> usize {
        self.shared.library.offers().len()
    }

    /// What ends it.
    pub fn stopper(&self) -> Stopper {
        Stopper {
            addresses: self.listeners.iter().filter_map(|l| l.local_addr().ok()).collect(),
            shared: Arc::clone(&self.shared),
        }
    }

    /// Serves until it is stopped.
    pub fn run(self) {
        std::thread::scope(|scope| {
            for listener in &self.listeners {
                scope.spawn(|| accept(listener, &self.shared));
            }
        });
        self.shared.ticks.stop();
    }
}

impl Stopper {
    /// No further request is taken; those that run are left alone.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for address in &self.addresses {
            // A connection wakes who waits for one.
            let _ = TcpStream::connect_timeout(address, Duration::from_millis(200));
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(mut stream) = stream else {
            // Out of files, perhaps: the others need time to end.
            std::thread::sleep(ticks::TICK);
            continue;
        };
        let Some(place) = Place::take(shared) else {
            http::turn_away(&mut stream);
            continue;
        };
        // Without a thread the connection is dropped, and its place with it.
        let _ = std::thread::Builder::new()
            .name("request".to_owned())
            .spawn(move || connection(stream, &place.0));
    }
}

/// One of the connections that may be open.
struct Place(Arc<Shared>);

impl Place {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let most = shared.limits.connections;
        let grown = |n: usize| (n < most).then_some(n + 1);
        shared
            .connections
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, grown)
            .ok()?;
        Some(Place(Arc::clone(shared)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
}

fn connection(mut stream: TcpStream, shared: &Shared) {
    if http::prepare(&stream).is_err() {
        return;
    }
    let arrived = http::read_request(&mut stream, &shared.ticks.deadline(shared.limits.arrive));
    let mut without_body = false;
    let response = match arrived {
        Err(Refusal::Gone) => return,
        Err(Refusal::Say(response)) => response,
        Ok(request) => {
            without_body = request.method == "HEAD";
            // A panic is a mistake of ours; it must not take the others with it.
            let safe = AssertUnwindSafe(|| respond(&request, &|| http::gone(&stream), shared));
            match std::panic::catch_unwind(safe) {
                Ok(Some(response)) => response,
                Ok(None) => return,
                Err(_) => Response::error(500, "internal", "the program failed on this request; please report it"),
            }
        }
    };
    let deadline = shared.ticks.deadline(shared.limits.leave);
    http::answer(&mut stream, &response, without_body, &deadline);
}

/// The answer to a request; `None` if the client has gone.
fn respond(request: &Request, gone: &dyn Fn() -> bool, shared: &Shared) -> Option<Response> {
    if let Some(refused) = foreign(request, shared) {
        return Some(refused);
    }
    let wanted: &[&str] = match request.path.as_str() {
        "/" | "/api/scenarios" => &["GET", "HEAD"],
        "/api/run" => &["POST"],
        _ => return Some(Response::error(404, "unknown-path", "there is nothing here")),
    };
    if !wanted.contains(&request.method.as_str()) {
        return Some(not_allowed(wanted));
    }
    match request.path.as_str() {
        "/" => {
            let first = shared.first.get_or_init(|| answer::first_page(shared));
            Some(page::shell(first.as_ref()))
        }
        "/api/scenarios" => Some(Response::json(
            &serde_json::json!({ "scenarios": shared.library.offers() }),
        )),
        _ => run(request, gone, shared),
    }
}

fn not_allowed(methods: &[&str]) -> Response {
    Response {
        more: format!("Allow: {}\r\n", methods.join(", ")),
        ..Response::error(405, "method", "this path is not used that way")
    }
}

/// A refusal of what was not meant for this server, or does not come from its page.
fn foreign(request: &Request, shared: &Shared) -> Option<Response> {
    // A name that an attacker lets point to 127.0.0.1 arrives here with that name.
    let host = request.host.to_ascii_lowercase();
    if !shared.hosts.contains(&host) {
        return Some(Response::error(
            403,
            "host",
            "this server answers to 127.0.0.1, [::1] and localhost only",
        ));
    }
    let own = |origin: &str| origin.to_ascii_lowercase().strip_prefix("http://") == Some(host.as_str());
    match &request.origin {
        Some(origin) if !own(origin) => Some(Response::error(403, "origin", "requests of other pages are refused")),
        _ => None,
    }
}

fn run(request: &Request, gone: &dyn Fn() -> bool, shared: &Shared) -> Option<Response> {
    // A form of another page cannot have this type without asking first.
    if request.content_type.split(';').next().map(str::trim) != Some("application/json") {
        return Some(Response::error(415, "type", "send application/json"));
    }
    let ask: Ask = match serde_json::from_slice(&request.body) {
        Ok(ask) => ask,
        Err(error) => return Some(Response::error(400, "json", &error.to_string())),
    };
    let deadline = shared.ticks.deadline(shared.limits.run);
    let _turn = match Turn::wait(shared, &deadline, gone) {
        Waited::Ready(turn) => turn,
        Waited::Gone => return None,
        Waited::Late => return Some(Response::error(503, "busy", "too many runs at once; try again")),
    };
    answer::run(&ask, shared, &|| deadline.passed(), gone)
}

/// One of the requests that may run.
struct Turn<'a>(&'a Shared);

enum Waited<'a> {
    Ready(Turn<'a>),
    Gone,
    Late,
}

impl<'a> Turn<'a> {
    fn wait(shared: &'a Shared, deadline: &Deadline, gone: &dyn Fn() -> bool) -> Waited<'a> {
        // The count is whole after every statement, so that a poisoned lock is as good as any.
        let mut running = shared.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= shared.limits.runs {
            if gone() {
                return Waited::Gone;
            }
            if deadline.passed() {
                return Waited::Late;
            }
            let waited = shared.freed.wait_timeout(running, 4 * ticks::TICK);
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *running += 1;
        Waited::Ready(Turn(shared))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = running.saturating_sub(1);
        self.0.freed.notify_one();
    }
}
