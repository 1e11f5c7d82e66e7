//! The page of `itbsim serve`: the report page with sliders beside it.

use super::http::Response;
use crate::report::page::{Extras, PageData, render_with};

const CONTROLS: &str = include_str!("assets/serve.html");
const SCRIPT: &str = include_str!("assets/serve.js");
const STYLE: &str = include_str!("assets/serve.css");

/// What the page may load: what is in it, and answers of its own server.
const POLICY: &str = "Content-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
frame-ancestors 'none'\r\n";

/// The page with a run to begin with.
pub(super) fn shell(first: Option<&PageData>) -> Response {
    let Some(first) = first else {
        return Response::error(503, "empty", "no scenario on offer can be run");
    };
    let extras = Extras {
        controls: CONTROLS,
        script: SCRIPT,
        style: STYLE,
        connect: true,
    };
    Response {
        more: POLICY.to_owned(),
        ..Response::new("text/html; charset=utf-8", render_with(first, &extras))
    }
}
