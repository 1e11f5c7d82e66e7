//! The page of `itbsim serve` and the files it is made of, compiled in.

use super::http::Response;

const SHELL: &str = include_str!("assets/serve.html");
const SCRIPT: &str = include_str!("assets/serve.js");
const STYLE: &str = include_str!("assets/serve.css");

/// What the page may load: its own files, its own server, nothing else.
const POLICY: &str = "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";

/// The page itself.
pub(super) fn shell() -> Response {
    Response {
        more: POLICY.to_owned(),
        ..Response::new(
            "text/html; charset=utf-8",
            SHELL.replace("{{version}}", env!("CARGO_PKG_VERSION")),
        )
    }
}

/// A file of the page.
pub(super) fn asset(path: &str) -> Option<Response> {
    Some(match path {
        "/serve.js" => Response::new("text/javascript; charset=utf-8", SCRIPT),
        "/serve.css" => Response::new("text/css; charset=utf-8", STYLE),
        _ => return None,
    })
}
