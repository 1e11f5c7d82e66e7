//! Defaults of the population room: what is known of a patient beside the model's own numbers.
//! Spreads between patients stand in the populations themselves.

use super::Grade::{Assumed, Published};
use super::{Parameter, entry as p};

/// The table of this room.
#[rustfmt::skip] // one parameter per entry reads as a table
pub const TABLE: &[Parameter] = &[
    p("population.age", 45.0, "y", 0.5, 100.0, Assumed, "typical of series of spinal origin, recalled", "age"),
    p("population.height", 170.0, "cm", 50.0, 220.0, Assumed, "adult, recalled", "body height; no part of the model reads it"),
    p("population.female", 0.45, "1", 0.0, 1.0, Assumed, "injury mostly men, multiple sclerosis mostly women; recalled",
      "share of women; 1 or 0 for a single patient; no part of the model reads it"),
    p("population.gfr", 100.0, "mL/min", 2.0, 200.0, Assumed, "healthy adult, recalled", "glomerular filtration rate, per 1.73 m2 of surface"),
    p("population.gfr_normal", 100.0, "mL/min", 60.0, 140.0, Assumed, "healthy adult, recalled; renal function is 1 there",
      "filtration rate at which renal function is 100 %"),
    p("population.target.share_inside", 0.8, "1", 0.5, 1.0, Assumed,
      "a range seen in a handful of patients is narrower than the population",
      "least share of patients within a published range of a few patients"),
    p("population.target.span", 0.6, "1", 0.1, 1.0, Assumed, "see share_inside",
      "least part of a published range, on its logarithm, that the middle 95 % of patients span"),
    p("population.target.most", 0.5, "1", 0.5, 1.0, Assumed, "`most patients` of the labels is taken as more than half",
      "least share of patients within the range that holds `most`"),
    p("population.target.all", 0.98, "1", 0.9, 1.0, Assumed, "a range seen in some hundred patients holds nearly all",
      "least share of patients within the range of a large series"),
    p("population.target.middle", 1.25, "1", 1.05, 2.0, Assumed,
      "seven to ten people who differ by a factor of two give their middle to about a quarter",
      "largest factor between a simulated middle and a published one"),
    p("population.half_life.from", 0.5, "h", 0.0, 2.0, Assumed, "after the bolus has spread",
      "start of the time over which the half-life after a bolus is read"),
    p("population.half_life.until", 4.0, "h", 1.0, 12.0, Published, "US label: half-life over the first 4 h",
      "end of the time over which the half-life after a bolus is read"),
    p("population.elimination.from", 2.0, "h", 0.5, 8.0, Assumed,
      "after mixing along the canal, which takes some hours; Sallerin-Caute 1991 gives an elimination half-life without its times in the abstract",
      "start of the time over which the elimination half-life after a bolus is read"),
    p("population.elimination.until", 12.0, "h", 4.0, 24.0, Assumed,
      "two of the longest half-lives published; Sallerin-Caute 1991 gives an elimination half-life without its times in the abstract",
      "end of the time over which the elimination half-life after a bolus is read"),
];
