//! Defaults of the care of complications: treatment, and the tests that tell them apart.

use super::Grade::{Assumed, Published};
use super::{Parameter, entry};

const GUESS: &str = "no published figure";
const BOOK: &str = "textbook";
const TIMES: &str = "time from order to result";
const DAYS: &str = "days in hospital for it";
const SPEC: &str = "chance to be normal when nothing is wrong that it could see";

/// The table of this room.
#[rustfmt::skip] // one line a number
pub const TABLE: &[Parameter] = &[
    entry("care.workup.complication_rest", 504.0, "h", 24.0, 8760.0, Assumed, GUESS, "time after a complication was found in which signs raise no new suspicion of a fault"),
    entry("care.complications.again", 72.0, "h", 1.0, 2160.0, Assumed, GUESS, "shortest time between two tests of one kind"),
    entry("care.complications.test_wait", 4.0, "h", 0.0, 720.0, Assumed, GUESS, "time from signs told by phone to the first test"),
    entry("care.complications.antibiotics_wait", 1.0, "h", 0.0, 168.0, Assumed, GUESS, "time from diagnosis to antibiotics"),
    entry("care.complications.antibiotics_for", 14.0, "d", 1.0, 180.0, Assumed, BOOK, "length of a course of antibiotics"),
    entry("care.complications.look_after", 7.0, "d", 0.0, 90.0, Assumed, GUESS, "time from the end of a treatment to the look at what came of it"),
    entry("care.complications.explant_wait", 48.0, "h", 0.0, 2160.0, Assumed, GUESS, "time from the decision to take the pump out to surgery; a taper fills it"),
    entry("care.complications.evacuate_wait", 4.0, "h", 0.0, 168.0, Assumed, "Lawton 1995, recalled: within 12 h of the first sign", "time from finding a haematoma to its evacuation"),
    entry("care.complications.patch_wait", 48.0, "h", 0.0, 720.0, Assumed, "rest, fluid and caffeine first, as most guidelines ask", "time from the diagnosis of a leak, and from one patch, to the look that decides on the next patch"),
    entry("care.complications.patches", 3.0, "1", 0.0, 10.0, Assumed, GUESS, "most blood patches"),
    entry("care.complications.revision_wait", 336.0, "h", 0.0, 8760.0, Assumed, GUESS, "time from finding the catheter painful to another course for it"),
    entry("care.complications.wound_wait", 48.0, "h", 0.0, 720.0, Assumed, GUESS, "time from finding skin eroded to the operation"),
    entry("care.complications.oral_dose", 20.0, "mg", 0.0, 60.0, Published, "oral label: at most 80 mg a day in four doses", "one dose of baclofen by mouth while the pump is out"),
    entry("care.complications.oral_every", 6.0, "h", 2.0, 24.0, Published, "oral label: at most 80 mg a day in four doses", "time between these doses"),
    entry("care.complications.external_for", 14.0, "d", 1.0, 60.0, Assumed, "an external catheter is kept as short as may be", "length of an external infusion that falls day by day from the dose of the pump to nothing"),
    entry("care.complications.taper_steps", 4.0, "1", 1.0, 30.0, Assumed, GUESS, "equal steps down in the wait for surgery, if the bridge is a taper"),
    entry("care.complications.reimplant_after", 60.0, "d", 7.0, 720.0, Assumed, "weeks to months without infection before a new pump", "time from explantation to the new pump"),
    entry("care.complications.restart_share", 0.5, "1", 0.0, 1.0, Assumed, GUESS, "dose of the new pump, of the dose before"),
    entry("care.complications.stay", 5.0, "d", 0.0, 60.0, Assumed, GUESS, "days in hospital for an operation or for meningitis"),

    entry("care.test.history.sees_infection", 0.6, "1", 0.0, 1.0, Assumed, GUESS, "chance to hear or see of a wound"),
    entry("care.test.history.sees_erosion", 0.9, "1", 0.0, 1.0, Assumed, GUESS, "chance to hear or see of bare hardware"),
    entry("care.test.history.sees_meningitis", 0.6, "1", 0.0, 1.0, Assumed, GUESS, "chance to find a stiff neck"),
    entry("care.test.history.sees_csf_leak", 0.85, "1", 0.0, 1.0, Assumed, "the headache comes on sitting up: told, not tested", "chance to recognise a postural headache"),
    entry("care.test.history.sees_haematoma", 0.6, "1", 0.0, 1.0, Assumed, GUESS, "chance to find new weakness"),
    entry("care.test.history.sees_nerve_injury", 0.7, "1", 0.0, 1.0, Assumed, GUESS, "chance to find pain down a leg or weakness since surgery"),
    entry("care.test.history.sees_hardware_pain", 0.7, "1", 0.0, 1.0, Assumed, GUESS, "chance to hear of pain along the catheter"),
    entry("care.test.exploration.sees_infection", 0.95, "1", 0.0, 1.0, Assumed, GUESS, "chance to find pus"),
    entry("care.test.exploration.sees_erosion", 0.99, "1", 0.0, 1.0, Assumed, GUESS, "chance to see bare hardware"),
    entry("care.test.exploration.sees_csf_leak", 0.7, "1", 0.0, 1.0, Assumed, GUESS, "chance to see fluid beside the catheter"),
    entry("care.test.wound_inspection.time", 0.25, "h", 0.01, 2160.0, Assumed, GUESS, TIMES),
    entry("care.test.wound_inspection.days", 0.0, "d", 0.0, 30.0, Assumed, GUESS, DAYS),
    entry("care.test.wound_inspection.sees_infection", 0.85, "1", 0.0, 1.0, Assumed, GUESS, "chance to see an infected wound or pocket"),
    entry("care.test.wound_inspection.sees_erosion", 0.99, "1", 0.0, 1.0, Assumed, GUESS, "chance to see bare hardware"),
    entry("care.test.wound_inspection.specificity", 0.97, "1", 0.0, 1.0, Assumed, GUESS, SPEC),
    entry("care.test.blood_tests.time", 2.0, "h", 0.01, 2160.0, Assumed, GUESS, TIMES),
    entry("care.test.blood_tests.days", 0.0, "d", 0.0, 30.0, Assumed, GUESS, DAYS),
    entry("care.test.blood_tests.crp_usual", 5.0, "mg/L", 0.1, 50.0, Assumed, "many who sit in a wheelchair have a little", "C-reactive protein without infection, median"),
    entry("care.test.blood_tests.crp_spread", 0.7, "1", 0.0, 2.0, Assumed, GUESS, "standard deviation of its logarithm between measurements"),
    entry("care.test.blood_tests.crp_raised", 30.0, "mg/L", 1.0, 200.0, Assumed, BOOK, "level from which it counts as raised"),
    entry("care.test.csf_sample.time", 6.0, "h", 0.01, 2160.0, Assumed, "cells at once, culture later", TIMES),
    entry("care.test.csf_sample.days", 1.0, "d", 0.0, 30.0, Assumed, GUESS, DAYS),
    entry("care.test.csf_sample.sees_meningitis", 0.9, "1", 0.0, 1.0, Assumed, BOOK, "chance to show meningitis"),
    entry("care.test.csf_sample.sees_csf_leak", 0.4, "1", 0.0, 1.0, Assumed, BOOK, "chance of a low opening pressure that is believed"),
    entry("care.test.csf_sample.specificity", 0.97, "1", 0.0, 1.0, Assumed, BOOK, SPEC),
    entry("care.test.mri_spine.time", 6.0, "h", 0.01, 2160.0, Assumed, GUESS, TIMES),
    entry("care.test.mri_spine.days", 0.0, "d", 0.0, 30.0, Assumed, GUESS, DAYS),
    entry("care.test.mri_spine.field", 0.75, "h", 0.05, 3.0, Assumed, GUESS, "time in the field, in which a rotor stands still"),
    entry("care.test.mri_spine.sees_haematoma", 0.97, "1", 0.0, 1.0, Assumed, BOOK, "chance to see a haematoma"),
    entry("care.test.mri_spine.sees_nerve_injury", 0.5, "1", 0.0, 1.0, Assumed, GUESS, "chance to see a hurt root or cord"),
    entry("care.test.mri_spine.sees_hardware_pain", 0.6, "1", 0.0, 1.0, Assumed, GUESS, "chance to see the catheter against a root"),
    entry("care.test.mri_spine.sees_csf_leak", 0.7, "1", 0.0, 1.0, Assumed, BOOK, "chance to see fluid outside the dura"),
    entry("care.test.mri_spine.sees_infection", 0.4, "1", 0.0, 1.0, Assumed, GUESS, "chance to see an abscess"),
    entry("care.test.mri_spine.specificity", 0.97, "1", 0.0, 1.0, Assumed, GUESS, SPEC),
];
