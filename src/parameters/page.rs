//! Levels by which the report page names the phases of a course and chooses its closer look.

use super::{Grade, Parameter, entry};

/// The table of this room.
pub const TABLE: &[Parameter] = &[
    entry(
        "page.phase.established_grade",
        3.0,
        "1",
        1.0,
        5.0,
        Grade::Assumed,
        "Coffey 2002 sets hallucinations, seizures and rigidity apart as the advanced stage; grade 3 here",
        "grade of a sign from which withdrawal or overdose is called established",
    ),
    entry(
        "page.phase.established_index",
        0.6,
        "1",
        0.3,
        1.0,
        Grade::Assumed,
        "near the index at which the severe signs of the defaults come",
        "index of withdrawal or sedation from which it is called established",
    ),
    entry(
        "page.phase.turning",
        0.9,
        "1",
        0.5,
        1.0,
        Grade::Assumed,
        "a fall by a tenth is no fluctuation in a model without noise",
        "share of its peak below which the index is called falling",
    ),
    entry(
        "page.phase.relapse",
        0.15,
        "1",
        0.02,
        0.5,
        Grade::Assumed,
        "more than the ripple of a daily programme",
        "rise above its lowest value since by which recovery is called over",
    ),
    entry(
        "page.focus.before",
        12.0,
        "h",
        0.0,
        96.0,
        Grade::Assumed,
        "half a day of the steady state before, to compare with",
        "time before the trouble that the closer look shows",
    ),
    entry(
        "page.focus.after",
        96.0,
        "h",
        6.0,
        720.0,
        Grade::Assumed,
        "US label: abrupt withdrawal unfolds over 1 to 3 days",
        "time after the first sign that the closer look shows",
    ),
];
