//! Names of events and acts that do not depend on a scenario's own ids.

use crate::pump::{self, AlarmName};
use crate::response::all_symptoms;

/// The acts a scenario can contain: key, form, meaning.
pub const ACTIONS: [(&str, &str, &str); 33] = [
    (
        "refill",
        r#"{ volume = "18 mL", concentration = "2 mg/mL", label = "2 mg/mL", pocket_share = "0 %", aspirate = true, syringe_error = "0.2 mL" }"#,
        "Draw the reservoir empty, then fill it; a wrong label or a share into the pocket is a fault of its own.",
    ),
    (
        "missed_refill",
        "true",
        "A planned refill at which nobody comes: nothing happens, and that is an event.",
    ),
    (
        "check_reservoir",
        r#"{ syringe_error = "0.2 mL", rule = "refill" }"#,
        "Read the pump, draw the reservoir out, compare, put it back; `true` is the usual check.",
    ),
    ("raise_dose", r#""10 %""#, "Raise the dose of the running programme."),
    ("lower_dose", r#""10 %""#, "Lower the dose of the running programme."),
    (
        "demand_bolus",
        r#"{ rate = "3 /week" }"#,
        "The patient asks for a bolus, by chance at this rate from then on; `true` is once. A programme with patient_bolus grants it.",
    ),
    (
        "interrogate",
        "true",
        "Read the pump; ends a telemetry hang and shows its log.",
    ),
    ("empty_pump", "true", "Draw the reservoir empty and stop the pump."),
    (
        "enter_volume",
        r#""18 mL""#,
        "Type a volume into the programmer as what the reservoir holds: a slip, or its correction.",
    ),
    (
        "correct_programme",
        "true",
        "Set dose, concentration and volume in the programmer to what the notes say was prescribed.",
    ),
    (
        "implant",
        r#"{ volume = "18 mL", concentration = "2 mg/mL", label = "2 mg/mL" }"#,
        "A new pump, filled and not programmed, in place of whatever is there.",
    ),
    ("explant", "true", "Take the pump out with what it holds."),
    (
        "lumbar_bolus",
        r#"{ dose = "50 ug", level = "L3", over = "1 min" }"#,
        "Drug by needle into the spinal fluid; `drug = \"morphine\"` for one that a [[drug]] block describes.",
    ),
    (
        "oral_baclofen",
        r#"{ dose = "20 mg", every = "6 h", count = 12 }"#,
        "Baclofen tablets.",
    ),
    (
        "benzodiazepine",
        r#"{ dose = "10 mg", every = "6 h", count = 12 }"#,
        "A benzodiazepine, as mg of diazepam.",
    ),
    (
        "benzodiazepine_infusion",
        r#"{ dose = "60 mg", over = "12 h" }"#,
        "A benzodiazepine by vein at a constant rate, as mg of diazepam.",
    ),
    ("cool", "true", "Cool the body, or stop doing so."),
    (
        "cyproheptadine",
        r#"{ dose = "4 mg", every = "6 h", count = 12 }"#,
        "Cyproheptadine by mouth.",
    ),
    (
        "drain_csf",
        r#"{ volume = "40 mL", over = "20 min" }"#,
        "Let spinal fluid out by lumbar puncture.",
    ),
    (
        "inject_contrast",
        r#""3 mL""#,
        "Contrast through the access port: pushes out what the catheter holds and flushes a subdural pocket.",
    ),
    (
        "aspirate_catheter",
        r#""1 mL""#,
        "Draw fluid through the access port: takes out what the catheter holds, if the way to the spine is open.",
    ),
    (
        "mri",
        r#""40 min""#,
        "A magnetic resonance scan: a rotor stops in the field, magnetic valves open.",
    ),
    (
        "altitude",
        r#"{ to = "2438 m", over = "8 h" }"#,
        "Thinner air, as on a mountain or in an aircraft cabin (2438 m): a gas-pressure pump flows faster.",
    ),
    (
        "air_pressure",
        r#"{ to = "2 ATA", over = "90 min" }"#,
        "Another pressure of the air, as in a hyperbaric chamber or under water.",
    ),
    (
        "pump_temperature",
        r#"{ to = "39.5 degC", over = "2 d" }"#,
        "Fever, a hot bath, a cold pack: warmth speeds a gas-pressure pump.",
    ),
    (
        "reset_valve",
        "true",
        "Open the safety valve of a valve-gated pump after it has shut.",
    ),
    ("ventilate", "true", "Breathe for the patient, or stop doing so."),
    (
        "antibiotics",
        r#""14 d""#,
        "A course of antibiotics, against the infections that are there.",
    ),
    (
        "blood_patch",
        "true",
        "Own blood beside the dura closes a leak, or does not.",
    ),
    (
        "evacuate_haematoma",
        "true",
        "Surgery that takes a haematoma off the cord.",
    ),
    (
        "revise_wound",
        "true",
        "Surgery at the pocket: the pump is moved under sound skin.",
    ),
    ("posture", r#""upright""#, "Change posture, `supine` or `upright`."),
    ("repair", r#"["leak"]"#, "Surgery or another remedy that ends faults."),
];

/// What goes wrong without a `[[fault]]` block: hazard id, what it is, how a scenario writes it.
pub const MISHAPS: [(&str, &str, &str); 13] = [
    ("H-20", "missed refill", "an action with missed_refill = true"),
    ("H-21", "late refill", "a refill after the computed date"),
    (
        "H-22",
        "programming error",
        "a [[programme]] with the wrong dose or unit",
    ),
    ("H-23", "pocket fill", "refill = { pocket_share = \"100 %\", ... }"),
    (
        "H-24",
        "wrong concentration or label",
        "refill = { concentration, label } that differ",
    ),
    (
        "H-25",
        "concentration change without a bridge",
        "a refill of another strength, no bridge_bolus",
    ),
    ("H-26", "abrupt end of therapy", "a [[programme]] with stopped = true"),
    (
        "H-27",
        "priming error",
        "priming_bolus = { volume } too small or twice; catheter.initial_concentration, tube_concentration",
    ),
    (
        "H-28",
        "wrong catheter entered in the programmer",
        "catheter.entered_length",
    ),
    (
        "H-29",
        "new pump primed through an old catheter",
        "catheter.tube_concentration beside initial_concentration",
    ),
    (
        "H-39",
        "fever or hot bath with a gas-pressure pump",
        "an action with pump_temperature",
    ),
    ("H-40", "altitude with a gas-pressure pump", "an action with altitude"),
    (
        "H-41",
        "hyperbaric pressure on a part-empty pump: fluid runs back, reservoir dented",
        "an action with air_pressure in ATA",
    ),
];

/// Events of a complication beside those of every fault.
pub(super) const AILMENT_EVENTS: [&str; 3] = ["course_over", "relapsed", "spread"];

/// Events that any run can show, `component.kind`.
pub fn fixed_events() -> Vec<String> {
    let mut names: Vec<String> = all_symptoms()
        .flat_map(|s| {
            ["onset", "resolved", "entered", "left", "cleared", "returned"]
                .into_iter()
                .map(move |kind| format!("symptom.{}.{kind}", s.name))
        })
        .collect();
    // The pump's own `emptied` is told as `pump.empty`, which a notice names too.
    names.extend(pump::event_names().into_iter().filter(|n| n != "pump.emptied"));
    names.extend(AlarmName::ALL.map(|alarm| format!("alarm.{}.heard", alarm.as_str())));
    // What [hazards] can draw; the id of such a fault is its kind.
    let complications = crate::complications::KINDS.map(|k| k.kind);
    names.extend(crate::hazards::KINDS.iter().chain(&complications).flat_map(|kind| {
        let of_fault = ["start", "full", "end"].map(|stage| format!("fault.{kind}.{stage}"));
        std::iter::once(format!("hazard.{kind}.struck")).chain(of_fault)
    }));
    names.extend(
        crate::complications::KINDS
            .iter()
            .flat_map(|k| AILMENT_EVENTS.map(|event| format!("fault.{}.{event}", k.kind))),
    );
    names.extend(
        [
            "delivery.stopped",
            "delivery.fell",
            "delivery.restored",
            "delivery.rose",
            "catheter.front",
            "patient.death",
        ]
        .map(str::to_owned),
    );
    names
}
