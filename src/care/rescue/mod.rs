//! Rescue: what the hospital does against withdrawal and against overdose.
//!
//! Both policies act when somebody comes to the emergency room, or is seen anywhere, with
//! signs of their syndrome. All they give works through the body: drug by pump, needle,
//! vein or mouth, spinal fluid let out, breath supported, heat taken away.
//!
//! On the ward somebody looks at the patient on rounds, and what happens between them is
//! noticed at the next one. Severe cases go to intensive care ([`intensive`]), where a
//! monitor calls at once.

mod intensive;
mod overdose;
mod withdrawal;

pub use overdose::RescueOverdose;
pub use withdrawal::RescueWithdrawal;

use super::news::{Findings, Place};
use super::order::Order;
use super::policy::Desk;
use super::signs;
use crate::response::Syndrome;
use crate::scenario::model::Action;

/// Appointments of both policies.
const ARRIVAL: &str = "arrival";
const ROUND: &str = "round";
/// A look because the monitor called.
const BEDSIDE: &str = "bedside";

const YES_NO: &[&str] = &["yes", "no"];
const NO_YES: &[&str] = &["no", "yes"];

/// Somebody is on the way: unless he is expected or there already, he is seen on arrival.
fn expect_arrival(expected: &mut bool, admitted: bool, desk: &mut Desk<'_>) {
    if *expected || admitted {
        return;
    }
    *expected = true;
    desk.order(Order::See {
        name: ARRIVAL.to_owned(),
        after: desk.number("delay"),
        place: Place::Emergency,
    });
}

/// The next round, in place of one that waits.
fn next_round(after: f64, desk: &mut Desk<'_>) {
    desk.order(Order::Cancel { name: ROUND.to_owned() });
    desk.order(Order::See {
        name: ROUND.to_owned(),
        after,
        place: Place::Hospital,
    });
}

/// Orders an act that is done now.
fn give(desk: &mut Desk<'_>, name: &str, act: Action) {
    desk.order(Order::Act {
        name: name.to_owned(),
        after: 0.0,
        act,
    });
}

/// Whether there are signs of too much drug. Weak legs alone are what the therapy does.
fn overdosed(found: &Findings) -> bool {
    let sign = |s: &&String| signs::syndrome(s) == Some(Syndrome::Overdose) && !s.starts_with("hypotonia");
    found.symptoms.iter().any(|s| sign(&s))
}
