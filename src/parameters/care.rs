//! Defaults of the care policies and of what examiners measure. Names under `care.<policy>.`
//! are what a `[[care]]` block of that policy may replace.

use super::{
    Grade::{Assumed, Derived, Published},
    Parameter, entry,
};

const LABEL: &str = "US label, Lioresal Intrathecal, dosage and administration";
const LEAFLET: &str = "Gillette Children's, refill leaflets: 3-5 and 7-10 days before the alarm date";
const MAS: &str =
    "Modified Ashworth: inter-rater ICC 0.61-0.87 (PMC2330046) with a standard deviation of 0.8 between patients";
const GUESS: &str = "no published figure";

/// The table of this room.
#[rustfmt::skip] // one line a number
pub const TABLE: &[Parameter] = &[
    entry("care.measure.ashworth_sd", 0.4, "1", 0.0, 2.0, Derived, MAS, "standard deviation of a measured Ashworth score about the true one, before it is put on the scale"),
    entry("care.measure.spasm_sd", 0.4, "1", 0.0, 2.0, Assumed, GUESS, "standard deviation of a Penn spasm score as told, before it is put on the scale"),
    entry("care.measure.compares", 0.3, "1", 0.0, 1.0, Assumed, "ISMP: errors were found on comparing settings and order; no rate", "chance that whoever reads the pump at a visit compares its settings with the prescription in the notes"),
    entry("care.people.notice", 4.0, "h", 0.0, 720.0, Assumed, GUESS, "median time from the onset of a symptom until somebody takes notice"),
    entry("care.people.notice_danger", 0.25, "h", 0.0, 48.0, Assumed, GUESS, "the same for a dangerous symptom"),
    entry("care.people.call_delay", 12.0, "h", 0.0, 720.0, Assumed, GUESS, "median time from noticing to a call"),
    entry("care.people.emergency_delay", 1.5, "h", 0.0, 72.0, Assumed, GUESS, "median time from noticing something dangerous to the emergency room"),
    entry("care.people.spread", 0.5, "1", 0.0, 3.0, Assumed, GUESS, "standard deviation of the logarithm of these times"),
    entry("care.people.repeat", 72.0, "h", 1.0, 2160.0, Assumed, GUESS, "time after which a report that changed nothing is repeated"),
    entry("care.people.found_alone", 8.0, "h", 0.0, 168.0, Assumed, GUESS, "median time until somebody helpless who lives alone is found"),
    entry("care.people.ignore", 0.1, "1", 0.0, 1.0, Assumed, GUESS, "chance that a symptom that is not dangerous is taken for something else"),
    entry("care.people.ignore_alarm", 0.05, "1", 0.0, 1.0, Assumed, GUESS, "chance that a tone that is heard leads to nothing"),
    entry("care.refills.lead", 168.0, "h", 0.0, 2160.0, Published, LEAFLET, "how long before the computed low-reservoir alarm the refill is planned"),
    entry("care.refills.soonest", 1.0, "h", 0.1, 168.0, Assumed, GUESS, "shortest time to a planned refill, also where the reservoir is lower than the lead asks"),
    entry("care.refills.missed", 0.02, "1", 0.0, 1.0, Assumed, "no rate per refill was found; missed refills lead the causes of withdrawal in case series", "chance that nobody comes to a planned refill"),
    entry("care.refills.rebook", 96.0, "h", 0.0, 2160.0, Assumed, GUESS, "time from a missed refill to the next date"),
    entry("care.refills.late", 0.1, "1", 0.0, 1.0, Assumed, GUESS, "chance that a refill comes late"),
    entry("care.refills.lateness", 48.0, "h", 0.0, 2160.0, Assumed, GUESS, "median lateness of a late refill"),
    entry("care.refills.spread", 0.7, "1", 0.0, 3.0, Assumed, GUESS, "standard deviation of the logarithm of the lateness"),
    entry("care.titration.initial_spinal", 0.2, "1", 0.0, 1.0, Published, LABEL, "step of the dose in the first weeks, spinal origin (10-30 % a day)"),
    entry("care.titration.initial_cerebral", 0.1, "1", 0.0, 1.0, Published, LABEL, "the same for cerebral origin and children (5-15 % a day)"),
    entry("care.titration.maintenance_spinal", 0.15, "1", 0.0, 0.4, Published, LABEL, "step at a maintenance visit, spinal origin (10-40 %)"),
    entry("care.titration.maintenance_cerebral", 0.1, "1", 0.0, 0.2, Published, LABEL, "the same for cerebral origin and children (5-20 %)"),
    entry("care.titration.initial_interval", 24.0, "h", 24.0, 2160.0, Published, LABEL, "time between steps in the first weeks: not within 24 h"),
    entry("care.titration.interval", 1440.0, "h", 24.0, 8760.0, Assumed, "visits every two to three months in practice", "time between maintenance visits"),
    entry("care.titration.ashworth_goal", 1.0, "1", 0.0, 4.0, Derived, "Ashworth of 0.2 to 0.7 (1.2 to 1.7 on 1-5) on therapy: Penn 1989, Coffey 1993", "measured Ashworth score of the legs above which the dose is raised"),
    entry("care.titration.spasm_goal", 1.0, "1", 0.0, 4.0, Published, "Coffey 1993: 3.1 to 1.0", "spasm score above which the dose is raised"),
    entry("care.titration.ashworth_floor", 0.25, "1", 0.0, 4.0, Assumed, GUESS, "measured Ashworth score below which the legs are too loose, if spasms are gone too"),
    entry("care.titration.spasm_floor", 0.25, "1", 0.0, 4.0, Assumed, GUESS, "spasm score below which spasms are gone"),
    entry("care.titration.gcs_floor", 14.0, "1", 3.0, 15.0, Assumed, GUESS, "coma score below which the dose is lowered"),
    entry("care.titration.ceiling", 1200.0, "ug/day", 50.0, 3000.0, Published, "label: little experience above 1000 ug/day; 12-2003 ug/day in trials", "dose that is not exceeded"),
];
