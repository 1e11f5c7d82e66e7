//! Evidence: what the model is held to, what it gives, and how far to trust it.
//!
//! Each piece of evidence is data: a `[[case]]` or a row of a `[[table]]` in
//! `cases/*.toml` with the published figure, the accepted interval, the argument
//! for that interval, source, grade, layer and role. A case names a small story
//! and a [measure](Ask); nothing in it can change the model, and no measure knows
//! which case it serves, so that no target can be met by a special case.
//!
//! ```text
//!  cases/*.toml --> Evidence --> Runs (each story once) --> Report --> text, CSV, JSON, page
//!                                     ^                        |
//!                         overrides of parameters <-- calibrate (fit cases only)
//! ```
//!
//! | layer | question |
//! |---|---|
//! | [`Layer::Verification`] | is the arithmetic right? closed forms, ledger, independent integration, repetition |
//! | [`Layer::Validation`] | does it give what was measured in people? |
//! | [`Layer::Plausibility`] | does it go the way case reports and labels say, where they give no number? |
//! | limits | what it does not represent, as text ([`Limit`]) |
//!
//! A case that fails is a failure. Where the reason is understood the file says it
//! (`known_miss`), the page shows it, and the verdict stays what it is.
//!
//! ```
//! let evidence = itbsim::validate::Evidence::builtin().expect("the files of this crate");
//! let case = evidence.cases.iter().find(|c| c.id == "T01-half-life-50").expect("the first target");
//! assert_eq!(case.role, itbsim::validate::Role::Fit);
//! assert!(!case.argument.is_empty() && !case.source.is_empty());
//! ```

mod agreement;
mod ask;
pub mod calibrate;
mod evidence;
pub mod fold;
mod identities;
mod page;
mod report;
pub(crate) mod room;
mod runs;
mod sets;
mod shape;
mod vectors;

pub use agreement::{Agreement, AgreementError, AgreementRun, agreement};
pub use ask::{Ask, AskError};
pub use evidence::{Case, Course, Evidence, EvidenceError, Layer, Limit, Role, Set, Statistic, Story, Use};
#[cfg(feature = "plots")]
pub use page::figures;
pub use page::page;
pub use report::{CourseLine, Finding, Report, Unanswered, Under, Verdict, evaluate, evaluate_under, shown};
pub use runs::Runs;
