//! Complications of surgery and hardware: chances against their closed forms, courses,
//! what ends them, what they are owed, and that nothing else moves.

use crate::run_common::{assert_same_rows, at, column, count, event, listing, run, run_with, scenario, text, time};
use itbsim::complications::{Chance, KINDS, Risk, Surgery, damage, named};
use itbsim::engine::SimTime;
use itbsim::numerics::Draws;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::load_str;
use itbsim::scenario::model::Material;
use itbsim::simulation::{Registry, Run, RunOptions};

/// Draws of each test of a chance.
const MANY: u64 = 20_000;

/// An infected pocket on the second day.
const POCKET: &str = "[[fault]]\nid = \"pocket\"\nkind = \"complication.pocket_infection\"\nat = \"1 d\"\n";

fn chance(kind: &str, material: Material) -> Chance {
    Chance::of(named(kind).unwrap(), material, &ParameterSet::default())
}

/// How often a surgery brings it in many replicates.
fn struck(chance: &Chance, surgery: Surgery) -> f64 {
    let hits = (0..MANY).filter(|i| chance.strike(surgery, 1, &Draws::new(5, *i)).is_some());
    hits.count() as f64 / MANY as f64
}

/// Five standard errors of a share.
fn wide(p: f64) -> f64 {
    5.0 * (p * (1.0 - p) / MANY as f64).sqrt()
}

fn risk(more: &str) -> Risk {
    Risk::of(&scenario(&text(
        5.0,
        &format!("[hazards]\ncomplications = true\n{more}"),
    )))
    .unwrap()
}

// ---- chances

#[test]
fn the_point_mass_at_each_surgery_comes_back_from_keyed_draws() {
    for kind in &KINDS {
        for surgery in Surgery::ALL {
            let mut c = chance(kind.kind, Material::Silicone);
            // Ten times the hazard, so that rare ones are counted too.
            c.shape = c.shape.scaled(10.0);
            let published = chance(kind.kind, Material::Silicone).shape.at_surgery;
            let factor = c.factors[surgery as usize];
            let expected = 1.0 - (1.0 - published).powi(10).powf(factor);
            assert!((c.at(surgery) - expected).abs() < 1e-12, "{} {surgery:?}", kind.kind);
            let share = struck(&c, surgery);
            assert!(
                (share - expected).abs() <= wide(expected),
                "{} {surgery:?}: {share} of {expected}",
                kind.kind
            );
        }
    }
}

#[test]
fn infections_at_an_implant_add_up_to_the_published_chance_of_any() {
    let all: f64 = KINDS
        .iter()
        .filter(|k| k.infection)
        .map(|k| chance(k.kind, Material::Braided).at(Surgery::Implant))
        .sum();
    assert!((all - 0.055).abs() < 1e-12, "{all}");
    // Motta and Antonello 2014: 10.6 % of replacements against 6 % of first implants.
    let pocket = chance("complication.pocket_infection", Material::Braided);
    let ratio = (1.0 - pocket.at(Surgery::Replacement)).ln() / (1.0 - pocket.at(Surgery::Implant)).ln();
    assert!((ratio - 10.6 / 6.0).abs() < 0.01, "{ratio}");
}

#[test]
fn the_first_sign_lies_in_its_window_with_a_uniform_logarithm() {
    let mut c = chance("complication.pocket_infection", Material::Braided);
    c.shape.at_surgery = 0.999;
    let waits: Vec<f64> = (0..MANY)
        .filter_map(|i| c.strike(Surgery::Implant, 2, &Draws::new(9, i)))
        .collect();
    let (low, high) = (7.0 * 24.0, 60.0 * 24.0);
    assert!(waits.iter().all(|w| (low * 0.999_999..=high * 1.000_001).contains(w)));
    let middle = (low * high).sqrt();
    let below = waits.iter().filter(|w| **w < middle).count() as f64 / waits.len() as f64;
    assert!((below - 0.5).abs() < wide(0.5), "{below}");
}

#[test]
fn late_ones_come_at_a_constant_rate() {
    let c = chance("complication.pocket_infection", Material::Braided);
    let rate = 0.01 * 0.8;
    let years = 20.0;
    let free = (0..MANY)
        .filter(|i| c.late(0, &Draws::new(2, *i)).is_none_or(|w| w > years * 8766.0))
        .count() as f64
        / MANY as f64;
    let expected = (-rate * years).exp();
    assert!((free - expected).abs() < wide(expected), "{free} of {expected}");
    assert_eq!(
        chance("complication.root_injury", Material::Braided).late(0, &Draws::new(2, 0)),
        None
    );
}

#[test]
fn anticoagulation_multiplies_the_hazard_of_a_haematoma_and_of_nothing_else() {
    let patient = |flag: &str| {
        let body = text(5.0, "[hazards]\ncomplications = true\n");
        let selected = format!("[patient]\nselection = {{ {flag} = true }}\n");
        Risk::of(&scenario(&body.replace("[patient]\n", &selected))).unwrap()
    };
    let (plain, thinned) = (risk(""), patient("anticoagulated"));
    for (a, b) in plain.chances().iter().zip(thinned.chances()) {
        let factor = if a.kind.kind == "complication.spinal_haematoma" {
            20.0
        } else {
            1.0
        };
        assert!(
            (b.shape.mass() - factor * a.shape.mass()).abs() < 1e-12,
            "{}",
            a.kind.kind
        );
    }
    let haematoma = thinned.chance("complication.spinal_haematoma").unwrap();
    let expected = 1.0 - 0.998_f64.powi(20);
    assert!((struck(haematoma, Surgery::Implant) - expected).abs() < wide(expected));
    let sweet = patient("diabetes");
    let mass = |r: &Risk, k: &str| r.chance(k).unwrap().shape.mass();
    for kind in &KINDS {
        let ratio = mass(&sweet, kind.kind) / mass(&plain, kind.kind).max(1e-300);
        let wanted = if kind.infection { 2.0 } else { 1.0 };
        assert!(
            mass(&plain, kind.kind) == 0.0 || (ratio - wanted).abs() < 1e-9,
            "{}",
            kind.kind
        );
    }
}

#[test]
fn a_file_changes_scales_and_switches_off_single_kinds() {
    let own = risk("scale = 3\n[hazards.\"complication.csf_leak\"]\nat_surgery = \"20 %\"\n");
    let expected = 1.0 - 0.8_f64.powi(3);
    let leak = own.chance("complication.csf_leak").unwrap();
    assert!((leak.at(Surgery::Implant) - expected).abs() < 1e-12);
    let off = risk("[hazards.\"complication.csf_leak\"]\nenabled = false\n");
    assert!(off.chance("complication.csf_leak").is_none());
    assert_eq!(off.chances().len(), KINDS.len() - 1);
    let wrong = text(5.0, "[hazards.\"complication.csf_leak\"]\nwear = \"1 /year^2\"\n");
    let mistakes = load_str("x", &wrong, None, &Registry::builtin().catalog()).unwrap_err();
    assert!(mistakes.to_string().contains("`wear`"), "{mistakes}");
}

#[test]
fn a_surgery_of_the_run_brings_it_and_is_its_cause() {
    let blocks = r#"
[hazards]
complications = true
[hazards."complication.csf_leak"]
at_surgery = "99 %"
[parameters]
"complications.csf_leak.puncture" = 99
[[action]]
id = "needle"
at = "6 d"
lumbar_bolus = { dose = "25 ug", level = "L3" }
[[action]]
id = "patch"
at = "5 d"
repair = ["complication.csf_leak"]
"#;
    let run = run(15.0, blocks);
    // The pump is new at the start, so the first one is drawn for its implantation.
    let needle = event(&run, "action.needle.done");
    let struck: Vec<_> = run
        .events
        .iter()
        .filter(|e| e.name() == "hazard.complication.csf_leak.struck")
        .collect();
    assert_eq!(struck.len(), 2, "{}", listing(&run));
    assert_eq!(struck[0].caused_by, 0);
    assert_eq!(struck[1].caused_by, needle.event_id);
    let wait = struck[1].time_h - needle.time_h;
    assert!((6.0..=72.0).contains(&wait), "{wait}");
    assert_eq!(
        event(&run, "fault.complication.csf_leak.start").caused_by,
        struck[0].event_id
    );
    assert_eq!(
        count(&run, "fault.complication.csf_leak.start"),
        2,
        "closed, and torn again"
    );
}

// ---- nothing else moves

#[test]
fn without_complications_not_a_bit_moves() {
    let plain = run(3.0, "");
    let far = run(
        3.0,
        "[[fault]]\nid = \"late\"\nkind = \"complication.pocket_infection\"\nhazard = \"0 /year\"\n",
    );
    let none = run(3.0, "[hazards]\nscale = 0\ncomplications = true\n");
    for other in [&far, &none] {
        assert_eq!(plain.fingerprint, other.fingerprint);
        assert_same_rows(&plain, other, "a complication that does not come");
    }
    assert!(plain.outcomes.complications == 0 && plain.outcomes.complication_h == 0.0);
}

#[test]
fn looking_more_often_changes_no_event_of_a_complication() {
    let scenario = scenario(&text(12.0, POCKET));
    let often = run_with(&scenario, &crate::run_common::sampled(10.0));
    let rarely = run_with(&scenario, &crate::run_common::sampled(24.0 * 60.0));
    let blind = run_with(
        &scenario,
        &RunOptions {
            observe: false,
            ..RunOptions::default()
        },
    );
    assert_eq!(often.fingerprint, rarely.fingerprint);
    assert_eq!(often.fingerprint, blind.fingerprint);
}

#[test]
fn a_run_stored_in_the_middle_of_an_infection_goes_on_with_the_same_bits() {
    let blocks = format!("{POCKET}[[action]]\nid = \"pills\"\nat = \"4 d\"\nantibiotics = \"3 d\"\n");
    let scenario = scenario(&text(15.0, &blocks));
    let (registry, options) = (Registry::builtin(), RunOptions::default());
    let whole = run_with(&scenario, &options);
    for hours in [50.0, 120.0, 200.0] {
        let mut first = Run::new(&scenario, &registry, &options).unwrap();
        first.run_until(SimTime::from_hours(hours).unwrap()).unwrap();
        let text = first.save().unwrap().to_string();
        let saved = serde_json::from_str(&text).unwrap();
        let mut rest = Run::restore(&scenario, &registry, &options, &saved).unwrap();
        rest.run_until(scenario.duration).unwrap();
        let rest = rest.finish();
        assert_eq!(rest.fingerprint, whole.fingerprint, "stored at {hours} h");
        assert_same_rows(&rest, &whole, "stored");
    }
}

// ---- courses and what ends them

#[test]
fn a_sign_follows_its_closed_form() {
    let run = run(12.0, POCKET);
    for (t, wound) in column(&run, "sign_wound") {
        // Severity and share of the sign 0.8 each, three days of time constant.
        let expected = 0.8 * 0.8 * (1.0 - (-(t - 24.0).max(0.0) / 72.0).exp());
        assert!((wound - expected).abs() < 1e-12, "{wound} and {expected} at {t} h");
    }
}

#[test]
fn an_infected_pocket_looks_like_withdrawal_and_is_none() {
    let run = run(14.0, POCKET);
    for name in ["spasms_increased", "fever", "wound_signs"] {
        let onset = event(&run, &format!("symptom.{name}.onset"));
        let mut cause = onset;
        while cause.component.starts_with("symptom.") {
            cause = run.events.iter().find(|e| e.event_id == cause.caused_by).unwrap();
        }
        assert_eq!(cause.name(), "fault.pocket.start", "{name}");
    }
    assert_eq!(run.outcomes.withdrawal_h, 0.0, "no sign is owed to the drug");
    assert_eq!(run.outcomes.complications, 1);
    assert!((run.outcomes.complication_h - 13.0 * 24.0).abs() < 1e-9);
    let withdrawal = column(&run, "withdrawal_index");
    assert!(withdrawal.iter().all(|(_, w)| *w < 0.01));
    let delivered = column(&run, "delivered_ug_per_day");
    assert!(delivered.iter().skip(2).all(|(_, d)| (d - 400.0).abs() < 1.0));
    // Fever of infection: 2.6 degrees times 0.75 of inflammation times 0.8, not the drug's.
    let warm = at(&run, "temperature_c", 14.0 * 24.0);
    assert!((warm - (37.0 + 2.6 * 0.75 * 0.8)).abs() < 0.06, "{warm}");
}

#[test]
fn cyproheptadine_does_not_touch_the_fever_of_infection() {
    let pills = "[[action]]\nat = \"2 d\"\ncyproheptadine = { dose = \"8 mg\", every = \"6 h\", count = 40 }\n";
    let (without, with) = (run(10.0, POCKET), run(10.0, &format!("{POCKET}{pills}")));
    let (a, b) = (at(&without, "temperature_c", 220.0), at(&with, "temperature_c", 220.0));
    assert!((a - b).abs() < 1e-3, "{a} and {b}");
    assert!(a > 38.0);
}

#[test]
fn antibiotics_hold_a_pocket_down_and_only_explantation_makes_them_a_cure() {
    let pills = |cure: f64| {
        format!(
            "{POCKET}[[action]]\nid = \"pills\"\nat = \"6 d\"\nantibiotics = \"10 d\"\n\
             [parameters]\n\"complications.pocket_infection.cure\" = {cure}\n"
        )
    };
    let (kept, cured) = (run(40.0, &pills(0.0)), run(40.0, &pills(1.0)));
    for run in [&kept, &cured] {
        assert_eq!(time(run, "fault.pocket.course_over"), 16.0 * 24.0);
        // At the end of the course, ten days at a time constant of four.
        let start = 0.64 * (1.0 - (-5.0_f64 / 3.0).exp());
        let expected = start * (-10.0_f64 / 4.0).exp();
        assert!((at(run, "sign_wound", 384.0) - expected).abs() < 1e-12);
    }
    assert_eq!(time(&kept, "fault.pocket.relapsed"), 16.0 * 24.0);
    assert!(at(&kept, "sign_wound", 960.0) > 0.6);
    assert_eq!(count(&kept, "fault.pocket.end"), 0);
    assert_eq!(time(&cured, "fault.pocket.end"), 16.0 * 24.0);
    assert!(at(&cured, "sign_wound", 960.0) < 0.01);
    assert_eq!(count(&cured, "fault.pocket.relapsed"), 0);
}

#[test]
fn a_remedy_for_something_else_does_nothing() {
    let other = format!("{POCKET}[[action]]\nid = \"blood\"\nat = \"6 d\"\nblood_patch = true\n");
    let (plain, patched) = (run(12.0, POCKET), run(12.0, &other));
    assert_same_rows(&plain, &patched, "a blood patch against an infection");
    assert!(event(&patched, "action.blood.done").detail.contains("nothing is there"));
}

#[test]
fn left_alone_a_wound_reaches_the_pocket_and_the_pocket_the_meninges() {
    let run = run(
        70.0,
        "[[fault]]\nid = \"wound\"\nkind = \"complication.wound_infection\"\nat = \"1 d\"\n",
    );
    let pocket = event(&run, "fault.complication.pocket_infection.start");
    assert_eq!(pocket.time_h, 11.0 * 24.0);
    assert_eq!(pocket.caused_by, event(&run, "fault.wound.spread").event_id);
    assert_eq!(time(&run, "fault.complication.meningitis.start"), 56.0 * 24.0);
    assert!(count(&run, "symptom.stiff_neck.onset") == 1);
    assert!(count(&run, "patient.death") == 0, "of middling severity");
}

#[test]
fn a_grave_meningitis_without_treatment_kills_and_with_it_does_not() {
    let grave = "[[fault]]\nid = \"m\"\nkind = \"complication.meningitis\"\nat = \"1 d\"\nseverity = 1\n";
    let pills =
        "[[action]]\nat = \"36 h\"\nantibiotics = \"21 d\"\n[parameters]\n\"complications.meningitis.cure\" = 1\n";
    let dead = run(10.0, grave);
    // 1 - exp(-t / 12 h) passes 0.93.
    let expected = 24.0 - 12.0 * 0.07_f64.ln();
    assert!((time(&dead, "patient.death") - expected).abs() < 1e-6);
    assert_eq!(count(&run(10.0, &format!("{grave}{pills}")), "patient.death"), 0);
}

#[test]
fn the_headache_of_a_leak_needs_an_upright_body_and_the_leak_takes_drug_along() {
    let leak = "[[fault]]\nid = \"hole\"\nkind = \"complication.csf_leak\"\nat = \"1 d\"\nlevel = \"L3\"\n\
                [[action]]\nid = \"up\"\nat = \"2 d\"\nposture = \"upright\"\n\
                [[action]]\nid = \"down\"\nat = \"3 d\"\nposture = \"supine\"\n";
    let run = run(5.0, leak);
    let onset = time(&run, "symptom.postural_headache.onset");
    assert!((48.0..49.0).contains(&onset), "{onset}");
    let gone = time(&run, "symptom.postural_headache.resolved");
    assert!((72.0..73.0).contains(&gone), "{gone}");
    assert_eq!(at(&run, "csf_leak_ml_per_h", 20.0), 0.0);
    // 2 x 1.2 / (1 + 2 x 0.0178), as for any hole.
    assert!((at(&run, "csf_leak_ml_per_h", 40.0) - 2.32).abs() < 0.01);
    assert!(run.ledger_residual < 1e-9);
}

#[test]
fn what_presses_on_the_cord_leaves_more_the_longer_it_stays() {
    let blocks = |hours: f64| {
        format!(
            "[[fault]]\nid = \"clot\"\nkind = \"complication.spinal_haematoma\"\nat = \"1 d\"\n\
             [[action]]\nid = \"out\"\nat = \"{} h\"\nevacuate_haematoma = true\n",
            24.0 + hours
        )
    };
    let mut before = 0.0;
    for hours in [6.0, 24.0, 96.0] {
        let run = run(80.0, &blocks(hours));
        let peak = 0.8 * (1.0 - (-hours / 6.0_f64).exp());
        let expected = peak * damage(hours, 24.0);
        let left = at(&run, "sign_weakness", 1900.0);
        let fading = (peak - expected) * (-(1900.0 - 24.0 - hours) / 240.0_f64).exp();
        assert!(
            (left - expected - fading).abs() < 1e-9,
            "{left} and {expected} after {hours} h"
        );
        assert!(left > before);
        before = left;
    }
}

#[test]
fn pain_at_the_catheter_ends_with_another_course_for_it() {
    let pain = "[[fault]]\nid = \"pain\"\nkind = \"complication.catheter_pain\"\nat = \"1 d\"\n";
    let fixed = format!("{pain}[[action]]\nid = \"moved\"\nat = \"20 d\"\nrepair = [\"pain\"]\n");
    let (left, moved) = (run(90.0, pain), run(90.0, &fixed));
    assert_eq!(time(&left, "fault.pain.end"), 61.0 * 24.0, "it settles by itself");
    assert_eq!(time(&moved, "fault.pain.end"), 20.0 * 24.0);
    let gone = |r| time(r, "symptom.back_pain.resolved");
    assert!(gone(&moved) < 30.0 * 24.0 && gone(&left) > 60.0 * 24.0);
}
