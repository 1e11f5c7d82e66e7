//! Defaults of complications of surgery and hardware.

use super::Grade::{Assumed, Derived};
use super::{Parameter, entry as p};

const GUESS: &str = "no published figure; clinical experience as textbooks tell it";
const LABEL: &str = "US label, Lioresal Intrathecal: 8 of 474 stopped for adverse events, pocket infection 3, meningitis 2, \
     dehiscence 1; shares by that ratio";
const MOTTA: &str = "Motta & Antonello 2014: infection in 10.6 % of replacements, 6 % of first implants";
const RECALL: &str = "recalled from reviews of spinal cord stimulation; no figure for intrathecal pumps at hand";
const TRYBA: &str = "Tryba 1993, recalled: 1 haematoma in 220,000 spinal anaesthetics";
const TURNBULL: &str =
    "Turnbull and Shepherd 2003, recalled: headache after 0 to 5 % of punctures with a 24 G pencil point";

/// The table of this room.
#[rustfmt::skip] // one parameter per entry reads as a table
pub const TABLE: &[Parameter] = &[
    p("complications.severity", 0.8, "1", 0.0, 1.0, Assumed, GUESS, "how bad a complication that comes by chance becomes"),
    p("complications.risk.anticoagulation", 20.0, "1", 1.0, 200.0, Derived,
        "Vandermeulen 1994, recalled: clotting impaired in 42 of 61 haematomas; odds against a tenth of all patients",
        "factor on the hazard of a haematoma under anticoagulation or with coagulopathy"),
    p("complications.risk.active_infection", 5.0, "1", 1.0, 50.0, Assumed, GUESS, "factor on infections if another is active at surgery"),
    p("complications.risk.diabetes", 2.0, "1", 1.0, 10.0, Assumed,
        "Meng 2015, recalled: odds ratio near 2 for infection after spinal surgery", "factor on infections with diabetes"),
    p("complications.risk.child_leak", 4.5, "1", 1.0, 25.0, Derived,
        "published ranges of leaks by procedure: 5-25 % in children, 1-11 % in adults", "factor on leaks in children"),
    p("complications.risk.child_erosion", 2.0, "1", 1.0, 20.0, Assumed, GUESS, "factor on erosion in children, who are thin"),
    p("complications.headache.supine", 0.1, "1", 0.0, 1.0, Assumed, "definition: the headache goes on lying down", "share of the postural headache felt when lying"),

    // -- infection of a wound ------------------------------------------------------------------------------------------
    p("complications.wound_infection.share", 0.35, "1", 0.0, 1.0, Assumed, LABEL, "share of infections after surgery"),
    p("complications.wound_infection.share_late", 0.05, "1", 0.0, 1.0, Assumed, LABEL, "share of late infections"),
    p("complications.wound_infection.revision", 1.0, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a revision, against a first implant"),
    p("complications.wound_infection.replacement", 1.77, "1", 0.0, 100.0, Derived, MOTTA, "hazard at an exchange of the pump, against a first implant"),
    p("complications.wound_infection.onset_low", 4.0, "day", 0.0, 365.0, Assumed, GUESS, "earliest sign after surgery"),
    p("complications.wound_infection.onset_high", 21.0, "day", 0.0, 365.0, Assumed, GUESS, "latest sign after surgery"),
    p("complications.wound_infection.grow", 2.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.wound_infection.heal", 3.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its fall once treated"),
    p("complications.wound_infection.cure", 0.95, "1", 0.0, 1.0, Assumed, GUESS, "chance that a course of antibiotics ends it"),
    p("complications.wound_infection.leads_after", 10.0, "day", 0.1, 3650.0, Assumed, GUESS, "time untreated after which the pocket is infected"),
    p("complications.wound_infection.shows_inflammation", 0.35, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: inflammation of the body"),
    p("complications.wound_infection.shows_noxious", 0.4, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: noxious stimulus"),
    p("complications.wound_infection.shows_wound", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: red and weeping wound"),

    // -- infection of the pocket ---------------------------------------------------------------------------------------
    p("complications.pocket_infection.share", 0.5, "1", 0.0, 1.0, Assumed, LABEL, "share of infections after surgery"),
    p("complications.pocket_infection.share_late", 0.8, "1", 0.0, 1.0, Assumed, LABEL, "share of late infections"),
    p("complications.pocket_infection.revision", 0.5, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a revision, against a first implant"),
    p("complications.pocket_infection.replacement", 1.77, "1", 0.0, 100.0, Derived, MOTTA, "hazard at an exchange of the pump, against a first implant"),
    p("complications.pocket_infection.onset_low", 7.0, "day", 0.0, 365.0, Assumed, "infections are counted as acute up to 60 or 90 days (Borowski 2010)", "earliest sign after surgery"),
    p("complications.pocket_infection.onset_high", 60.0, "day", 0.0, 365.0, Assumed, "infections are counted as acute up to 60 or 90 days (Borowski 2010)", "latest sign after surgery"),
    p("complications.pocket_infection.grow", 3.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.pocket_infection.heal", 4.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its fall once treated"),
    p("complications.pocket_infection.cure", 0.3, "1", 0.0, 1.0, Assumed, "salvage without explantation mostly fails; series from none to half", "chance that antibiotics end it with the pump in place"),
    p("complications.pocket_infection.cure_cleared", 0.98, "1", 0.0, 1.0, Assumed, GUESS, "the same once the hardware is out"),
    p("complications.pocket_infection.leads_after", 45.0, "day", 0.1, 3650.0, Assumed, GUESS, "time untreated after which it climbs along the catheter"),
    p("complications.pocket_infection.shows_inflammation", 0.75, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: inflammation of the body"),
    p("complications.pocket_infection.shows_noxious", 0.6, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: noxious stimulus"),
    p("complications.pocket_infection.shows_wound", 0.8, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: red and swollen pocket"),

    // -- meningitis ----------------------------------------------------------------------------------------------------
    p("complications.meningitis.share", 0.15, "1", 0.0, 1.0, Assumed, LABEL, "share of infections after surgery"),
    p("complications.meningitis.share_late", 0.15, "1", 0.0, 1.0, Assumed, LABEL, "share of late infections"),
    p("complications.meningitis.revision", 1.0, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a revision, against a first implant"),
    p("complications.meningitis.replacement", 0.2, "1", 0.0, 100.0, Assumed, GUESS, "hazard at an exchange of the pump, against a first implant"),
    p("complications.meningitis.puncture", 0.01, "1", 0.0, 100.0, Assumed, "rare case reports after lumbar puncture", "hazard at a puncture, against a first implant"),
    p("complications.meningitis.onset_low", 2.0, "day", 0.0, 365.0, Assumed, GUESS, "earliest sign after surgery"),
    p("complications.meningitis.onset_high", 30.0, "day", 0.0, 365.0, Assumed, GUESS, "latest sign after surgery"),
    p("complications.meningitis.grow", 0.5, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.meningitis.heal", 2.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its fall once treated"),
    p("complications.meningitis.cure", 0.6, "1", 0.0, 1.0, Assumed, GUESS, "chance that antibiotics end it with the pump in place"),
    p("complications.meningitis.cure_cleared", 0.98, "1", 0.0, 1.0, Assumed, GUESS, "the same once the hardware is out"),
    p("complications.meningitis.shows_inflammation", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: inflammation of the body"),
    p("complications.meningitis.shows_noxious", 0.5, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: noxious stimulus"),
    p("complications.meningitis.shows_headache", 0.5, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: headache"),
    p("complications.meningitis.shows_meningism", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: stiff neck"),
    p("complications.meningitis.shows_clouding", 0.5, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: clouded consciousness"),
    p("complications.meningitis.shows_sepsis", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: sepsis, deadly near 1"),

    // -- leak of spinal fluid ------------------------------------------------------------------------------------------
    p("complications.csf_leak.conductance", 2.0, "mL/(h kPa)", 0.0, 100.0, Assumed, GUESS, "flow through the hole per pressure of the spinal fluid"),
    p("complications.csf_leak.revision", 1.0, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a revision, against a first implant"),
    p("complications.csf_leak.puncture", 3.0, "1", 0.0, 100.0, Derived, TURNBULL, "hazard at a puncture, against a first implant"),
    p("complications.csf_leak.onset_low", 0.25, "day", 0.0, 365.0, Assumed, "headache within 72 h of puncture in nine of ten (Turnbull and Shepherd 2003, recalled)", "earliest sign after surgery"),
    p("complications.csf_leak.onset_high", 3.0, "day", 0.0, 365.0, Assumed, "headache within 72 h of puncture in nine of ten (Turnbull and Shepherd 2003, recalled)", "latest sign after surgery"),
    p("complications.csf_leak.grow", 0.5, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.csf_leak.heal", 0.25, "day", 0.01, 365.0, Assumed, "relief within hours of a patch", "time constant of the headache's fall once the hole is closed"),
    p("complications.csf_leak.natural", 10.0, "day", 0.0, 3650.0, Assumed, "most postural headaches end within a week or two; a catheter keeps the hole open", "time after which the hole closes by itself"),
    p("complications.csf_leak.cure", 0.75, "1", 0.0, 1.0, Assumed, "Safa-Tisseront 2001, recalled: complete relief after three in four patches", "chance that one blood patch closes the hole"),
    p("complications.csf_leak.shows_headache", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: headache on sitting up"),

    // -- spinal haematoma ----------------------------------------------------------------------------------------------
    p("complications.spinal_haematoma.at_surgery", 0.002, "1", 0.0, 0.5, Assumed, RECALL, "chance at a first implant"),
    p("complications.spinal_haematoma.revision", 1.0, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a revision, against a first implant"),
    p("complications.spinal_haematoma.puncture", 0.0023, "1", 0.0, 100.0, Derived, TRYBA, "hazard at a puncture, against a first implant"),
    p("complications.spinal_haematoma.onset_low", 0.1, "day", 0.0, 365.0, Assumed, GUESS, "earliest sign after surgery"),
    p("complications.spinal_haematoma.onset_high", 2.0, "day", 0.0, 365.0, Assumed, GUESS, "latest sign after surgery"),
    p("complications.spinal_haematoma.grow", 0.25, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.spinal_haematoma.heal", 10.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of recovery once relieved"),
    p("complications.spinal_haematoma.damage", 1.0, "day", 0.01, 100.0, Assumed, "Lawton 1995, recalled: better within 12 h of the first sign", "time of pressure on the cord in which two thirds of the deficit become permanent"),
    p("complications.spinal_haematoma.shows_noxious", 0.2, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: noxious stimulus"),
    p("complications.spinal_haematoma.shows_back_pain", 0.8, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: back pain"),
    p("complications.spinal_haematoma.shows_root_pain", 0.5, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: pain down a leg"),
    p("complications.spinal_haematoma.shows_weakness", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: new weakness"),

    // -- injury of a root ----------------------------------------------------------------------------------------------
    p("complications.root_injury.at_surgery", 0.005, "1", 0.0, 0.5, Assumed, RECALL, "chance at a first implant"),
    p("complications.root_injury.revision", 1.0, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a revision, against a first implant"),
    p("complications.root_injury.puncture", 0.02, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a puncture, against a first implant"),
    p("complications.root_injury.onset_low", 0.01, "day", 0.0, 365.0, Assumed, GUESS, "earliest sign after surgery"),
    p("complications.root_injury.onset_high", 0.1, "day", 0.0, 365.0, Assumed, GUESS, "latest sign after surgery"),
    p("complications.root_injury.grow", 0.05, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.root_injury.natural", 3.0, "day", 0.0, 3650.0, Assumed, GUESS, "time after which it begins to recover"),
    p("complications.root_injury.heal", 30.0, "day", 0.01, 3650.0, Assumed, GUESS, "time constant of recovery"),
    p("complications.root_injury.permanent", 0.1, "1", 0.0, 1.0, Assumed, GUESS, "share that never recovers"),
    p("complications.root_injury.shows_noxious", 0.2, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: noxious stimulus"),
    p("complications.root_injury.shows_root_pain", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: pain down a leg"),
    p("complications.root_injury.shows_weakness", 0.35, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: new weakness"),

    // -- injury of the cord --------------------------------------------------------------------------------------------
    p("complications.cord_injury.at_surgery", 0.001, "1", 0.0, 0.5, Assumed, RECALL, "chance at a first implant"),
    p("complications.cord_injury.revision", 1.0, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a revision, against a first implant"),
    p("complications.cord_injury.puncture", 0.002, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a puncture, against a first implant"),
    p("complications.cord_injury.onset_low", 0.01, "day", 0.0, 365.0, Assumed, GUESS, "earliest sign after surgery"),
    p("complications.cord_injury.onset_high", 0.1, "day", 0.0, 365.0, Assumed, GUESS, "latest sign after surgery"),
    p("complications.cord_injury.grow", 0.05, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.cord_injury.natural", 7.0, "day", 0.0, 3650.0, Assumed, GUESS, "time after which it begins to recover"),
    p("complications.cord_injury.heal", 90.0, "day", 0.01, 3650.0, Assumed, GUESS, "time constant of recovery"),
    p("complications.cord_injury.permanent", 0.5, "1", 0.0, 1.0, Assumed, GUESS, "share that never recovers"),
    p("complications.cord_injury.shows_noxious", 0.3, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: noxious stimulus"),
    p("complications.cord_injury.shows_back_pain", 0.3, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: back pain"),
    p("complications.cord_injury.shows_weakness", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: new weakness"),

    // -- pain at the catheter ------------------------------------------------------------------------------------------
    p("complications.catheter_pain.at_surgery", 0.02, "1", 0.0, 0.5, Assumed, GUESS, "chance at a first implant"),
    p("complications.catheter_pain.late", 0.002, "1/year", 0.0, 0.5, Assumed, GUESS, "rate later"),
    p("complications.catheter_pain.revision", 1.0, "1", 0.0, 100.0, Assumed, GUESS, "hazard at a revision, against a first implant"),
    p("complications.catheter_pain.onset_low", 1.0, "day", 0.0, 365.0, Assumed, GUESS, "earliest sign after surgery"),
    p("complications.catheter_pain.onset_high", 60.0, "day", 0.0, 365.0, Assumed, GUESS, "latest sign after surgery"),
    p("complications.catheter_pain.grow", 7.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.catheter_pain.natural", 60.0, "day", 0.0, 3650.0, Assumed, GUESS, "time after which it begins to settle"),
    p("complications.catheter_pain.heal", 5.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its fall"),
    p("complications.catheter_pain.shows_noxious", 0.35, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: noxious stimulus"),
    p("complications.catheter_pain.shows_back_pain", 0.8, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: back pain"),
    p("complications.catheter_pain.shows_root_pain", 0.5, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: pain down a leg"),

    // -- erosion of the skin -------------------------------------------------------------------------------------------
    p("complications.skin_erosion.late", 0.003, "1/year", 0.0, 0.5, Assumed, GUESS, "rate"),
    p("complications.skin_erosion.grow", 7.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of its rise"),
    p("complications.skin_erosion.heal", 7.0, "day", 0.01, 365.0, Assumed, GUESS, "time constant of healing"),
    p("complications.skin_erosion.cure", 0.6, "1", 0.0, 1.0, Assumed, GUESS, "chance that moving the pump under other skin ends it"),
    p("complications.skin_erosion.leads_after", 30.0, "day", 0.1, 3650.0, Assumed, GUESS, "time open after which the pocket is infected"),
    p("complications.skin_erosion.shows_noxious", 0.3, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: noxious stimulus"),
    p("complications.skin_erosion.shows_wound", 0.3, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: red skin"),
    p("complications.skin_erosion.shows_bare", 1.0, "1", 0.0, 1.0, Assumed, GUESS, "sign at full: hardware lies bare"),
];
