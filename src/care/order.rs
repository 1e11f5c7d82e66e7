//! What a policy orders.

use super::news::Place;
use crate::scenario::model::Action;

/// One order. Times are waits from now \[h\].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Order {
    /// Do an act of the vocabulary of scenarios. Its id becomes `policy.name`; what
    /// comes of it is told as [`super::News::Done`] or [`super::News::Refused`].
    Act {
        /// Name, unique enough for a reader; the same may be ordered again.
        name: String,
        /// Wait \[h\].
        after: f64,
        /// The act.
        act: Action,
    },
    /// See the patient; told as [`super::News::Seen`].
    See {
        /// Name of the appointment.
        name: String,
        /// Wait \[h\].
        after: f64,
        /// Where.
        place: Place,
    },
    /// The patient does not come; told as [`super::News::Missed`].
    Miss {
        /// Name of the appointment.
        name: String,
        /// Wait \[h\].
        after: f64,
    },
    /// Get in touch; told as [`super::News::Reported`].
    Report {
        /// Wait \[h\].
        after: f64,
        /// How.
        place: Place,
        /// Names of symptoms told of.
        complaints: Vec<String>,
        /// Names of alarms told of.
        alarms: Vec<String>,
    },
    /// Remind this policy; told to it alone as [`super::News::Timer`]. A reminder of the
    /// same name that still waits is replaced.
    Timer {
        /// Its name.
        name: String,
        /// Wait \[h\].
        after: f64,
    },
    /// Call off whatever of this name the policy ordered and still waits.
    Cancel {
        /// Name of the act, appointment or reminder.
        name: String,
    },
    /// Make something known to all policies and to the events table.
    Flag {
        /// One of the policy's own events, see [`flags`](crate::scenario::settings::PolicySpec::flags).
        name: &'static str,
        /// In words.
        note: String,
    },
    /// Write a number into the chart, for all policies; told as [`super::News::Charted`].
    Chart {
        /// What it is, with its unit, such as `effective dose \[ug\]`.
        name: String,
        /// The number.
        value: f64,
    },
    /// Watch the patient with a monitor, or no longer; told as [`super::News::Monitor`].
    Monitor {
        /// Which.
        on: bool,
    },
    /// Do a diagnostic test; told as [`super::News::Result`].
    Test {
        /// One of [`super::diagnostics::TESTS`].
        test: String,
        /// Wait \[h\].
        after: f64,
        /// Whether drug is drawn out of the catheter before contrast goes in, and the
        /// catheter primed again afterwards.
        careful: bool,
    },
    /// Operate for a diagnosis; told as [`super::News::Repaired`].
    Repair {
        /// Name of the fault that is looked for.
        lesion: String,
        /// Whether a catheter that was opened is filled with drug again.
        prime: bool,
        /// Wait \[h\].
        after: f64,
    },
}
