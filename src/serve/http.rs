//! HTTP/1.1 as far as a page on the same machine needs it: one request a connection, heads
//! parsed by `httparse`, every size and every wait bounded.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::ticks::{Deadline, TICK};

/// Largest head of a request \[bytes\].
pub(crate) const MOST_HEAD: usize = 16_384;
/// Most header fields of a request.
const MOST_FIELDS: usize = 64;
/// Largest body of a request \[bytes\].
pub const MOST_BODY: usize = 262_144;
/// Discarded of a request that was refused, so that the client can read why \[bytes\].
const MOST_DISCARDED: usize = 4_194_304;

/// A request that was read completely.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path without the query.
    pub(super) path: String,
    pub(super) host: String,
    pub(super) origin: Option<String>,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    /// Further header lines, each ending with a line break.
    pub(super) more: String,
}

impl Response {
    pub(super) fn new(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            content_type,
            body: body.into(),
            more: String::new(),
        }
    }

    /// Plain data with text keys: there is nothing in it that JSON cannot hold.
    pub(super) fn json(value: &impl serde::Serialize) -> Self {
        Self::new("application/json", serde_json::to_string(value).unwrap_or_default())
    }

    /// An error for programs and people: `{"error": {"kind", "message"}}`.
    pub(super) fn error(status: u16, kind: &str, message: &str) -> Self {
        let body = serde_json::json!({ "error": { "kind": kind, "message": message } });
        Self {
            status,
            ..Self::json(&body)
        }
    }
}

/// Why no request was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The client went away or never said anything; nobody is there to answer.
    Gone,
    /// To be answered so.
    Say(Response),
}

fn say(status: u16, kind: &str, message: &str) -> Refusal {
    Refusal::Say(Response::error(status, kind, message))
}

/// Reads a request before the deadline.
pub(super) fn read_request(stream: &mut impl Read, deadline: &Deadline) -> Result<Request, Refusal> {
    let mut bytes = Vec::new();
    let (mut request, length, head) = loop {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(&bytes) {
            Ok(httparse::Status::Complete(head)) => break take(&parsed, head)?,
            Ok(httparse::Status::Partial) => {}
            Err(httparse::Error::TooManyHeaders) => {
                return Err(say(431, "head", "the request has too many header fields"));
            }
            Err(_) => return Err(say(400, "malformed", "this is no HTTP request")),
        }
        if bytes.len() >= MOST_HEAD {
            return Err(say(431, "head", "the head of the request is too large"));
        }
        let room = MOST_HEAD - bytes.len();
        more(stream, &mut bytes, room, deadline)?;
    };
    request.body = bytes.split_off(head);
    while request.body.len() < length {
        let room = length - request.body.len();
        more(stream, &mut request.body, room, deadline)?;
    }
    request.body.truncate(length);
    Ok(request)
}

/// What matters of a parsed head, the length of the body, and where the head ends.
fn take(parsed: &httparse::Request<'_, '_>, head: usize) -> Result<(Request, usize, usize), Refusal> {
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        ..Request::default()
    };
    let target = parsed.path.unwrap_or_default();
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    request.path = path.to_owned();
    let mut length = None;
    let mut hosts = 0;
    for field in parsed.headers.iter() {
        let text = || {
            let text = std::str::from_utf8(field.value).map(str::trim);
            text.map_err(|_| say(400, "malformed", "a header field is no text"))
        };
        match field.name.to_ascii_lowercase().as_str() {
            "host" => {
                hosts += 1;
                request.host = text()?.to_owned();
            }
            "origin" => request.origin = Some(text()?.to_owned()),
            "content-type" => request.content_type = text()?.to_ascii_lowercase(),
            "content-length" => {
                let digits = text()?;
                let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                // So many digits are too large whatever they say.
                let n = match digits.parse::<usize>() {
                    Ok(n) if plain => n,
                    Err(_) if plain => usize::MAX,
                    _ => return Err(say(400, "malformed", "the length of the body is no number")),
                };
                if length.is_some_and(|known| known != n) {
                    return Err(say(400, "malformed", "the request states two lengths"));
                }
                length = Some(n);
            }
            "transfer-encoding" => {
                return Err(say(411, "length", "send the body in one piece, with its length"));
            }
            _ => {}
        }
    }
    if hosts != 1 {
        return Err(say(400, "malformed", "a request names its host once"));
    }
    let length = match length {
        Some(n) if n > MOST_BODY => {
            let text = format!("the body is larger than {MOST_BODY} bytes, the limit");
            return Err(say(413, "too-large", &text));
        }
        Some(n) => n,
        None if request.method == "POST" => {
            return Err(say(411, "length", "a request with a body states its length"));
        }
        None => 0,
    };
    Ok((request, length, head))
}

/// Reads some more, at most `room` bytes.
fn more(stream: &mut impl Read, bytes: &mut Vec<u8>, room: usize, deadline: &Deadline) -> Result<(), Refusal> {
    let mut buffer = [0_u8; 8_192];
    let room = room.min(buffer.len());
    loop {
        if deadline.passed() {
            return Err(say(408, "slow", "the request took too long to arrive"));
        }
        match stream.read(&mut buffer[..room]) {
            Ok(0) => return Err(Refusal::Gone),
            Ok(n) => {
                bytes.extend_from_slice(&buffer[..n]);
                return Ok(());
            }
            Err(e) if again(e.kind()) => {}
            Err(_) => return Err(Refusal::Gone),
        }
    }
}

/// Whether a read or write merely waited for its time.
fn again(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// Prepares a connection: waits are short, so that deadlines are looked at.
pub(super) fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TICK * 4))?;
    stream.set_write_timeout(Some(TICK * 4))?;
    stream.set_nodelay(true)
}

/// Whether the client has closed its side.
pub(super) fn gone(stream: &TcpStream) -> bool {
    let mut one = [0_u8; 1];
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let seen = stream.peek(&mut one);
    let back = stream.set_nonblocking(false).is_err();
    match seen {
        Ok(0) => true,
        Ok(_) => back,
        Err(e) => back || !again(e.kind()),
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

/// A response as it goes over the line.
pub(super) fn encode(response: &Response, without_body: bool) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\n{}Connection: close\r\n\r\n",
        response.status,
        reason(response.status),
        response.content_type,
        response.body.len(),
        response.more,
    );
    let mut bytes = head.into_bytes();
    if !without_body {
        bytes.extend_from_slice(&response.body);
    }
    bytes
}

/// Sends a response and closes. Errors are the client's: nobody is told.
pub(super) fn answer(stream: &mut TcpStream, response: &Response, without_body: bool, deadline: &Deadline) {
    let bytes = encode(response, without_body);
    let mut rest = bytes.as_slice();
    while !rest.is_empty() && !deadline.passed() {
        match stream.write(rest) {
            Ok(0) => return,
            Ok(n) => rest = &rest[n..],
            Err(e) if again(e.kind()) => {}
            Err(_) => return,
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    // Closing with unread bytes would reset the connection and could lose the answer.
    let mut buffer = [0_u8; 8_192];
    let mut discarded = 0;
    while discarded < MOST_DISCARDED && !deadline.passed() {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => discarded += n,
            Err(e) if again(e.kind()) => {}
            Err(_) => return,
        }
    }
}

/// Tells a client that too many others are there, without reading what it wants.
pub(super) fn turn_away(stream: &mut TcpStream) {
    let _ = stream.set_write_timeout(Some(Duration::from_millis(100)));
    let _ = stream.write_all(
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n",
    );
}
