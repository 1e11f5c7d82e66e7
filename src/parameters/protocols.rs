//! Defaults of the protocols of care. Names under `care.<policy>.` are what a `[[care]]`
//! block of that policy may replace.

use super::{
    Grade::{Assumed, Derived, Published},
    Parameter, entry,
};

const LABEL: &str = "US label, Lioresal Intrathecal, dosage and administration";
const GUESS: &str = "no published figure";
const MRI: &str = "Medtronic MRI guideline for SynchroMed";
const ORAL: &str = "US label, oral baclofen: 5 mg three times a day more every 3 days, at most 80 mg/day";
const WEAN: &str = "Saulino and Gudesblatt 2015: 25-50 % of the oral dose a step";

/// The table of this room.
#[rustfmt::skip] // one line a number
pub const TABLE: &[Parameter] = &[
    entry("care.selection.kidney_function", 0.4, "1", 0.0, 1.0, Assumed, GUESS, "renal function taken where kidney disease is named without a figure"),
    entry("care.trial.start", 24.0, "h", 0.0, 8760.0, Assumed, GUESS, "from the start of the run to the first score and dose"),
    entry("care.trial.anticoagulant_pause", 120.0, "h", 0.0, 720.0, Assumed, "five days without warfarin before a neuraxial puncture is common practice, recalled", "how long a punctured patient on anticoagulants waits more"),
    entry("care.trial.first", 50.0, "ug", 1.0, 100.0, Published, LABEL, "first test dose (25 ug in very small children)"),
    entry("care.trial.second", 75.0, "ug", 1.0, 100.0, Published, LABEL, "second test dose"),
    entry("care.trial.third", 100.0, "ug", 1.0, 100.0, Published, LABEL, "third and last test dose"),
    entry("care.trial.interval", 24.0, "h", 24.0, 720.0, Published, LABEL, "time between test doses: at least a day"),
    entry("care.trial.over", 1.0 / 60.0, "h", 1.0 / 60.0, 1.0, Published, LABEL, "length of an injection: at least a minute"),
    entry("care.trial.look_1", 1.0, "h", 0.25, 24.0, Assumed, "onset within the hour (US label); looks in trials begin at 1-2 h, recalled", "first look after a dose"),
    entry("care.trial.look_2", 2.0, "h", 0.25, 24.0, Assumed, "onset within the hour (US label); looks in trials begin at 1-2 h, recalled", "second look"),
    entry("care.trial.look_3", 4.0, "h", 0.25, 24.0, Published, "Stokic 2005: scores at 4 and 6 h", "third look"),
    entry("care.trial.look_4", 6.0, "h", 0.25, 24.0, Published, "Stokic 2005: scores at 4 and 6 h", "fourth look"),
    entry("care.trial.look_5", 8.0, "h", 0.25, 24.0, Published, "US label: observed for 4-8 h", "fifth look"),
    entry("care.trial.look_6", 24.0, "h", 0.25, 48.0, Assumed, "the next morning", "last look, at which the dose is judged"),
    entry("care.trial.judged_within", 8.0, "h", 1.0, 48.0, Assumed, "US label: a response within 4-8 h, recalled", "until when a response counts"),
    entry("care.trial.ashworth_fall", 1.0, "1", 0.25, 4.0, Assumed, "mean fall of a point asked for in trials, recalled", "fall of the Ashworth score that is a response"),
    entry("care.trial.spasm_fall", 2.0, "1", 0.25, 4.0, Published, "Meythaler 2001: mean fall of 2 points", "fall of the spasm score that is a response"),
    entry("care.trial.relief", 0.5, "1", 0.1, 1.0, Assumed, "relief of half is asked for in some guidance", "share of relief that is a response where the rule is `relief`"),
    entry("care.trial.gcs_floor", 14.0, "1", 3.0, 15.0, Assumed, GUESS, "coma score below which the trial is stopped"),
    entry("care.implant.wait", 336.0, "h", 0.0, 8760.0, Assumed, GUESS, "from the end of the trial to surgery"),
    entry("care.implant.factor", 2.0, "1", 0.5, 4.0, Published, LABEL, "start dose a day over the effective test dose"),
    entry("care.implant.factor_long", 1.0, "1", 0.5, 4.0, Published, LABEL, "the same where the test dose helped for long"),
    entry("care.implant.long_effect", 8.0, "h", 1.0, 48.0, Published, "US label: 8 h (German label: 12 h)", "look at which a lasting effect counts as long"),
    entry("care.implant.start_dose", 100.0, "ug/day", 5.0, 1000.0, Derived, "twice the usual 50 ug test dose (US label)", "start dose without a trial"),
    entry("care.refills.wrong_strength", 0.0005, "1", 0.0, 1.0, Assumed, "no rate per refill was found; medication errors are 32 % of severe maintenance claims", "chance that the syringe holds another marketed strength than its label"),
    entry("care.refills.wrong_label", 0.0005, "1", 0.0, 1.0, Assumed, "no rate per refill was found; programming errors: ISMP case", "chance that another marketed strength is entered than the syringe holds"),
    entry("care.refills.pocket", 0.0001, "1", 0.0, 1.0, Assumed, "order of 1 in 10,000 refills, recalled; 2 with overdose in about 7000 (PM&R 2020)", "chance that a refill goes into the pocket"),
    entry("care.refills.unreliable_factor", 5.0, "1", 1.0, 50.0, Assumed, GUESS, "how much more often appointments are late or missed by those who follow up unreliably"),
    entry("care.refills.settle", 2.0, "h", 0.0, 168.0, Assumed, "past the priming bolus", "wait before the date is read from a pump just programmed"),
    entry("care.titration.initial_length", 504.0, "h", 24.0, 8760.0, Assumed, "dose finding of some weeks (Penn and Kroin 1985)", "how long the first phase of a course lasts at most"),
    entry("care.titration.down", 0.15, "1", 0.01, 0.5, Published, "Rote Liste, Lioresal Intrathekal: 10-20 %", "step down for side effects"),
    entry("care.concentration.at", 24.0, "h", 0.0, 87660.0, Assumed, GUESS, "date of the change"),
    entry("care.concentration.to", 1000.0, "ug/mL", 50.0, 4000.0, Published, "labels: 500, 1000 and 2000 ug/mL are marketed", "concentration from then on"),
    entry("care.concentration.min_interval", 720.0, "h", 24.0, 8760.0, Assumed, "refills every 1-6 months in practice (Gillette Children's)", "refills more often than this call for a stronger drug"),
    entry("care.concentration.wait", 168.0, "h", 0.0, 8760.0, Assumed, GUESS, "from that finding to the visit"),
    entry("care.concentration.line_volume", 0.42, "mL", 0.05, 2.0, Derived, "0.395 mL in tube and 89 cm of catheter, and a little more", "volume by which the end of a bridge is awaited"),
    entry("care.mri.at", 24.0, "h", 0.0, 87660.0, Assumed, GUESS, "date of the scan"),
    entry("care.mri.scan", 2.0 / 3.0, "h", 0.05, 4.0, Assumed, GUESS, "time in the field"),
    entry("care.mri.check_after", 0.5, "h", 0.0, 24.0, Published, MRI, "from the scan to the reading after it"),
    entry("care.mri.recheck", 2.0, "h", 0.25, 24.0, Derived, "recovery is detected within about 90 min", "from a reading with a stall to the next"),
    entry("care.mri.give_up", 24.0, "h", 1.0, 168.0, Published, "Medtronic, August 2008: gear binding delays the return of flow by 2-24 h", "how long a stall after a scan may last before a fault is suspected"),
    entry("care.battery.interval", 2160.0, "h", 24.0, 8760.0, Assumed, GUESS, "time between looks at the battery, where no other visit shows it"),
    entry("care.battery.lead", 2160.0, "h", 0.0, 8760.0, Published, "Medtronic: 90 days from the indicator to the end of service", "service left at which the replacement is planned"),
    entry("care.battery.wait", 504.0, "h", 0.0, 4320.0, Assumed, GUESS, "from planning to surgery"),
    entry("care.holiday.at", 24.0, "h", 0.0, 87660.0, Assumed, GUESS, "date on which it begins"),
    entry("care.holiday.dose_above", 1000.0, "ug/day", 50.0, 3000.0, Published, "more than 1000 ug/day counts as tolerance (Arch PMR 1994;75)", "dose above which it begins, where the rule is `dose`"),
    entry("care.holiday.step", 0.15, "1", 0.02, 1.0, Assumed, GUESS, "step down, as a share of the dose at the beginning"),
    entry("care.holiday.interval", 48.0, "h", 24.0, 720.0, Assumed, GUESS, "time between steps"),
    entry("care.holiday.floor", 25.0, "ug/day", 0.0, 500.0, Assumed, GUESS, "below this the pump pauses"),
    entry("care.holiday.length", 504.0, "h", 24.0, 2160.0, Assumed, "US label: 2-4 weeks, recalled", "how long the pump pauses"),
    entry("care.holiday.restart", 0.25, "1", 0.01, 1.0, Assumed, "about the first continuous dose", "dose afterwards, as a share of the dose before"),
    entry("care.taper.at", 24.0, "h", 0.0, 87660.0, Assumed, GUESS, "date on which it begins"),
    entry("care.taper.step", 0.1, "1", 0.02, 1.0, Assumed, GUESS, "step down, as a share of the dose at the beginning"),
    entry("care.taper.interval", 72.0, "h", 24.0, 720.0, Assumed, GUESS, "time between steps"),
    entry("care.taper.floor", 50.0, "ug/day", 0.0, 500.0, Assumed, "withdrawal after a last dose as low as 10 ug/day (SWJPCC 2012)", "below this the pump is stopped or taken out"),
    entry("care.conversion.oral", 60.0, "mg", 0.0, 200.0, Assumed, "within the 30-80 mg/day studied (Wuis 1990)", "tablets a day before the pump"),
    entry("care.conversion.times", 3.0, "1", 1.0, 12.0, Published, ORAL, "doses a day"),
    entry("care.conversion.wait", 72.0, "h", 0.0, 8760.0, Assumed, GUESS, "from the running pump to the first step down"),
    entry("care.conversion.step", 0.33, "1", 0.01, 1.0, Published, WEAN, "step down, as a share of the tablets taken"),
    entry("care.conversion.interval", 72.0, "h", 24.0, 2160.0, Published, ORAL, "time between steps"),
    entry("care.conversion.least", 5.0, "mg", 0.0, 30.0, Assumed, "half a tablet", "below this the tablets end"),
    entry("care.conversion.first", 15.0, "mg", 1.0, 200.0, Published, ORAL, "tablets of the first days on the way back"),
    entry("care.conversion.rise", 15.0, "mg", 1.0, 60.0, Published, ORAL, "rise a step on the way back"),
    entry("care.conversion.most", 80.0, "mg", 5.0, 200.0, Published, ORAL, "most tablets a day"),
];
