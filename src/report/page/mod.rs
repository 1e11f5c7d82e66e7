//! The report page: one HTML file that opens anywhere and shows a run unfold, and why.
//!
//! [`page_of_story`] runs what the page needs (the arms, the runs without a suspected cause, the
//! branches of decisions) and gathers it in a [`PageData`]; [`page_of_run`] gathers one run that
//! was made elsewhere; [`render`] writes the page. A [`PageData`] is plain data and becomes the
//! JSON that the page's own script draws, so a program that serves pages can send the JSON of a
//! new run to a page that is open ([`json`], `itbsimPage.show(data)` in the page).
//!
//! Equal data give equal bytes: there is no clock, no path and no network in a page. Its content
//! security policy forbids any request.
//!
//! ```
//! use itbsim::report::page::{PageOptions, page_of_story, render};
//! use itbsim::simulation::Registry;
//!
//! let registry = Registry::builtin();
//! let text = itbsim::scenario::template();
//! let story = itbsim::scenario::load_str("demo", text, None, &registry.catalog()).unwrap();
//! let page = page_of_story(&story, &registry, &PageOptions::default()).unwrap();
//! let html = render(&page);
//! assert!(html.starts_with("<!DOCTYPE html>") && !html.contains("http-equiv=\"refresh\""));
//! ```

mod anatomy;
mod bars;
mod batch;
mod build;
mod data;
mod html;
mod lanes;
mod marks;
mod micro;
mod phases;
mod story;
mod teach;
mod thin;
mod words;

pub use batch::{BatchPageError, page_of_batch};
pub use build::{PageOptions, page_of_arms, page_of_run};
pub use data::{
    Anatomy, AnatomyFault, Bar, BarKind, ButForPage, ChoicePage, Debrief, DecisionPage, Explanation, Figure, LaneData,
    LaneSpec, Link, Manifest, Mark, PageData, Phase, PhaseName, Role, RunPage, SeriesSpec, StagePage, TeachingPage,
};
pub use html::{Extras, json, render, render_with};
pub use story::{PageError, page_of_story};

/// Size that a page must stay below \[bytes\].
pub const SIZE_LIMIT: usize = 1_500_000;
