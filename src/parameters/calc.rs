//! Defaults of the calculators.

use super::{
    Grade::{Assumed, Published},
    Parameter, entry as p,
};

/// The table of this room.
#[rustfmt::skip]
pub const TABLE: &[Parameter] = &[
    p("calc.refill.lead", 7.0, "day", 0.0, 60.0, Assumed,
        "clinic leaflets: 3-5 and 7-10 days before the alarm date",
        "days from a planned refill to the low-reservoir alarm"),
    p("calc.valve.actuation", 0.0025, "mL", 0.0001, 0.1, Published,
        "pump maker's calculator for the valve-gated family: 2.5 uL an actuation",
        "volume of one actuation of a valve-gated pump"),
    p("calc.valve.reservoir", 20.0, "mL", 1.0, 100.0, Published,
        "pump maker's calculator for the valve-gated family: 20 mL",
        "reservoir of a valve-gated pump when none is named"),
];
