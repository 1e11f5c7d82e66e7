//! The hazards themselves: published figures, the distribution of what is drawn, and
//! what a draw does and does not depend on.

use std::collections::BTreeMap;

use itbsim::hazards::{Clock, Hazard, Implant, KINDS, by_chance, defaults, draw, draw_from, of_scenario};
use itbsim::numerics::Draws;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::load_str;
use itbsim::scenario::model::{Fault, Material, PumpGeneration, Scenario, Trigger, Value};
use itbsim::simulation::Registry;

const YEAR: f64 = 8766.0;
const MONTH: f64 = YEAR / 12.0;

const NEW: Implant = Implant {
    material: Material::Braided,
    pump: PumpGeneration::Registry2012,
    approved_drug: true,
    peristaltic: true,
};

fn hazard(kind: &str, implant: Implant) -> Hazard {
    by_chance(kind, &implant, &ParameterSet::default())
}

fn silicone() -> Implant {
    Implant {
        material: Material::Silicone,
        ..NEW
    }
}

fn catheter(implant: Implant) -> Vec<Hazard> {
    let mut all = defaults(&implant, &ParameterSet::default());
    all.retain(|h| h.clock == Clock::Catheter);
    assert_eq!(all.len(), 5);
    all
}

/// Expected catheter events up to an age \[h\].
fn total(implant: Implant, age: f64) -> f64 {
    catheter(implant).iter().map(|h| h.shape.cumulative(age)).sum()
}

/// A scenario of a hundred years with this `[pump]` line and this `[hazards]` text.
fn scenario_of(years: f64, pump: &str, hazards: &str) -> Scenario {
    let text = format!(
        "title = \"x\"\nduration = \"{years} y\"\nsample = \"30 d\"\n\
         [pump]\nreservoir = {{ fill = \"18 mL\", concentration = \"2 mg/mL\" }}\n{pump}\n\
         [[programme]]\nat = \"0 d\"\nsimple_continuous = \"300 ug/day\"\n{hazards}\n"
    );
    match load_str("x", &text, None, &Registry::builtin().catalog()) {
        Ok(mut story) => story.arms.remove(0).scenario,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn onset(fault: &Fault) -> f64 {
    match &fault.trigger {
        Trigger::Drawn(onset) => onset.at.hours(),
        other => panic!("{other:?}"),
    }
}

/// Onsets by kind of one replicate \[h\].
fn onsets(scenario: &Scenario, seed: u64, replicate: u64) -> BTreeMap<String, f64> {
    onsets_of(scenario, &of_scenario(scenario), seed, replicate)
}

/// The same from hazards read once.
fn onsets_of(scenario: &Scenario, hazards: &[Hazard], seed: u64, replicate: u64) -> BTreeMap<String, f64> {
    draw_from(scenario, hazards, &Draws::new(seed, replicate))
        .iter()
        .map(|f| (f.kind.clone(), onset(f)))
        .collect()
}

// ---- published figures

#[test]
fn cumulative_motor_stall_is_that_of_the_registry_and_of_the_letter() {
    for (pump, approved_drug, age, failed) in [
        (PumpGeneration::Registry2012, true, 78.0, 0.024),
        (PumpGeneration::Registry2012, false, 78.0, 0.07),
        (PumpGeneration::Letter2017, true, 72.0, 1.0 - 0.973),
        (PumpGeneration::Letter2017, false, 72.0, 1.0 - 0.911),
    ] {
        let implant = Implant {
            pump,
            approved_drug,
            ..NEW
        };
        let stall = hazard("pump.stall", implant).shape;
        assert!(
            (1.0 - stall.survival(age * MONTH) - failed).abs() < 1e-12,
            "{implant:?}"
        );
        // Shaft wear and corrosion make up 61 % by then and grow with age.
        let wear = 0.5 * stall.wear * (age * MONTH).powi(2) / stall.cumulative(age * MONTH);
        assert!((wear - 0.61).abs() < 1e-12);
        assert_eq!(stall.at_surgery, 0.0);
    }
}

#[test]
fn the_redesign_leaves_a_quarter_of_the_stalls_and_hardly_any_wear() {
    let old = hazard(
        "pump.stall",
        Implant {
            pump: PumpGeneration::Letter2017,
            ..NEW
        },
    )
    .shape;
    let new = hazard(
        "pump.stall",
        Implant {
            pump: PumpGeneration::Redesigned2017,
            ..NEW
        },
    )
    .shape;
    let six = 72.0 * MONTH;
    // 25 % from other causes, and 1 % of 59 %, 4 % of 14 %, 7 % of 2 %.
    let left = 0.25 + 0.01 * 0.59 + 0.04 * 0.14 + 0.07 * 0.02;
    assert!((new.cumulative(six) / old.cumulative(six) - left).abs() < 1e-12);
    assert!(new.wear < 0.02 * old.wear);
}

#[test]
fn braided_catheters_have_the_events_of_their_cohort() {
    // 126 patients over 43 months, 452 patient-years.
    for (kind, events) in [
        ("catheter.occlusion", 5.0),
        ("catheter.leak", 2.0),
        ("catheter.disconnection", 1.0),
        ("catheter.kink", 1.0),
    ] {
        let expected = 126.0 * hazard(kind, NEW).shape.cumulative(43.0 * MONTH);
        assert!((expected - events).abs() < 0.04, "{kind}: {expected}");
    }
    let migration = 126.0 * hazard("catheter.migration", NEW).shape.cumulative(43.0 * MONTH);
    assert!(
        migration < 3.0,
        "the rule of three allows three where none was seen: {migration}"
    );
    let all = 126.0 * total(NEW, 43.0 * MONTH) - migration;
    assert!((all - 9.0).abs() < 0.1, "{all}");
}

#[test]
fn silicone_catheters_have_the_first_events_of_the_children_s_series() {
    let chance = 1.0 - (-total(silicone(), 8.6 * YEAR)).exp();
    assert!((chance - 0.151).abs() < 0.0005, "{chance}");
    for years in [1.0, 5.0, 10.0] {
        assert!(total(silicone(), years * YEAR) > total(NEW, years * YEAR));
    }
}

#[test]
fn catheter_events_come_by_the_published_quartiles() {
    for implant in [NEW, silicone()] {
        for h in catheter(implant) {
            let at = |months: f64| h.shape.cumulative(months * MONTH);
            let third = at(57.0) / 0.75;
            assert!((at(1.0) / third - 0.25).abs() < 1e-12, "{}", h.kind);
            assert!((at(12.0) / third - 0.47).abs() < 1e-12, "{}", h.kind);
            // The published median, 18 months, was not used.
            assert!((at(18.0) / third - 0.5).abs() < 0.01, "{}", h.kind);
        }
    }
}

#[test]
fn over_infusion_comes_to_few_pumps_and_to_none_before_five_months() {
    let h = hazard("pump.over_infusion", NEW).shape;
    assert_eq!(h.cumulative(5.0 * MONTH), 0.0);
    assert!((1.0 - h.survival(84.0 * MONTH) - 0.0016).abs() < 1e-12);
    let scenario = scenario_of(100.0, "", "[hazards]\nscale = 10000");
    for replicate in 0..500 {
        let at = onsets(&scenario, 3, replicate)["pump.over_infusion"];
        assert!(at >= 5.0 * MONTH, "{at}");
    }
}

#[test]
fn other_pumps_have_no_published_figures_and_no_default() {
    let other = Implant {
        peristaltic: false,
        ..NEW
    };
    for h in defaults(&other, &ParameterSet::default()) {
        assert!(
            h.clock == Clock::Catheter || !h.simulated || h.shape.is_zero(),
            "{}",
            h.kind
        );
    }
    assert!(hazard("pump.memory_error", NEW).shape.is_zero());
    assert!(hazard("no.such.kind", NEW).shape.is_zero());
}

// ---- the distribution of what is drawn

/// Kolmogorov-Smirnov distance of onsets, some beyond the end, from a distribution, times sqrt(n).
fn distance(mut onsets: Vec<f64>, n: usize, chance: impl Fn(f64) -> f64) -> f64 {
    onsets.sort_by(f64::total_cmp);
    let count = n as f64;
    let worst = onsets.iter().enumerate().fold(0.0f64, |worst, (i, t)| {
        let f = chance(*t);
        worst
            .max((f - i as f64 / count).abs())
            .max(((i + 1) as f64 / count - f).abs())
    });
    worst * count.sqrt()
}

/// 1 % point of the Kolmogorov distribution.
const LIMIT: f64 = 1.628;
const N: usize = 20_000;

/// Onsets of one kind over many replicates \[h\].
fn sample(scenario: &Scenario, kind: &str) -> Vec<f64> {
    let hazards = of_scenario(scenario);
    (0..N as u64)
        .filter_map(|replicate| onsets_of(scenario, &hazards, 20_260, replicate).get(kind).copied())
        .collect()
}

fn only(kind: &str, more: &str) -> String {
    let off: String = KINDS
        .iter()
        .filter(|k| **k != kind)
        .map(|k| format!("[hazards.\"{k}\"]\nenabled = false\n"))
        .collect();
    format!("[hazards]\n{more}\n{off}")
}

#[test]
fn onsets_follow_the_closed_form_point_mass_early_term_and_all() {
    let scenario = scenario_of(100.0, "", &only("catheter.leak", "scale = 20"));
    let shape = of_scenario(&scenario)[0].shape;
    let times = sample(&scenario, "catheter.leak");
    let at_once = times.iter().filter(|t| **t == 0.0).count() as f64;
    let expected = shape.at_surgery * N as f64;
    assert!(shape.at_surgery > 0.1 && (at_once - expected).abs() < 4.0 * (expected * (1.0 - shape.at_surgery)).sqrt());
    // Beyond the point mass the distribution is continuous.
    let later: Vec<f64> = times.into_iter().filter(|t| *t > 0.0).collect();
    let new = shape.at_surgery;
    let of_the_rest = distance(later, N - at_once as usize, |t| {
        (1.0 - shape.survival(t) - new) / (1.0 - new)
    });
    assert!(of_the_rest < LIMIT, "{of_the_rest}");
}

#[test]
fn onsets_of_a_motor_that_wears_follow_the_closed_form() {
    let scenario = scenario_of(100.0, "", &only("pump.stall", "scale = 10"));
    let shape = of_scenario(&scenario)[0].shape;
    assert!(shape.wear > 0.0);
    let d = distance(sample(&scenario, "pump.stall"), N, |t| 1.0 - shape.survival(t));
    assert!(d < LIMIT, "{d}");
}

#[test]
fn what_has_survived_so_far_is_drawn_given_that() {
    let age = 3.0 * YEAR;
    let pump = "age = \"3 y\"";
    let scenario = scenario_of(60.0, pump, &only("pump.stall", "scale = 10"));
    let shape = of_scenario(&scenario)[0].shape;
    let given =
        |shape: itbsim::hazards::Shape, age: f64| move |t: f64| 1.0 - shape.survival(age + t) / shape.survival(age);
    let d = distance(sample(&scenario, "pump.stall"), N, given(shape, age));
    assert!(d < LIMIT, "{d}");

    // The catheter has an age of its own: the middle of its early term, surgery behind it.
    let own = only("catheter.leak", "scale = 20\ncatheter_age = \"6 months\"");
    let scenario = scenario_of(60.0, pump, &own);
    let shape = of_scenario(&scenario)[0].shape;
    let times = sample(&scenario, "catheter.leak");
    assert!(times.iter().all(|t| *t > 0.0));
    let d = distance(times, N, given(shape, 6.0 * MONTH));
    assert!(d < LIMIT, "{d}");
}

#[test]
fn the_kinds_are_independent_of_one_another() {
    let scenario = scenario_of(100.0, "", "[hazards]\nscale = 300");
    let shapes: BTreeMap<String, itbsim::hazards::Shape> =
        of_scenario(&scenario).into_iter().map(|h| (h.kind, h.shape)).collect();
    let (a, b) = ("pump.stall", "pump.over_infusion");
    let hazards = of_scenario(&scenario);
    let n = 4000;
    let mut product = 0.0;
    for replicate in 0..n {
        let found = onsets_of(&scenario, &hazards, 11, replicate);
        let share = |kind: &str| found.get(kind).map_or(1.0, |t| 1.0 - shapes[kind].survival(*t));
        product += (share(a) - 0.5) * (share(b) - 0.5);
    }
    let correlation = 12.0 * product / n as f64;
    assert!(correlation.abs() < 4.0 / (n as f64).sqrt(), "{correlation}");
}

// ---- what a draw depends on

#[test]
fn a_draw_does_not_depend_on_other_kinds_other_faults_or_the_length_of_the_run() {
    let all = scenario_of(50.0, "", "[hazards]\nscale = 40");
    let alone = scenario_of(80.0, "", &only("catheter.kink", "scale = 40"));
    let more = scenario_of(
        50.0,
        "",
        "[hazards]\nscale = 40\n[[fault]]\nid = \"own\"\nkind = \"catheter.kink\"\nhazard = \"2 /y\"\nposition = \"9 cm\"\nbore = 0",
    );
    let kink = |s: &Scenario, replicate| {
        draw(s, &Draws::new(5, replicate))
            .into_iter()
            .find(|f| f.kind == "catheter.kink")
    };
    let mut seen = 0;
    for replicate in 0..300 {
        let Some(fault) = kink(&all, replicate) else { continue };
        seen += 1;
        assert_eq!(kink(&alone, replicate).unwrap(), fault);
        assert_eq!(kink(&more, replicate).unwrap(), fault);
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn seed_and_replicate_each_change_the_luck_and_repeat_it() {
    let scenario = scenario_of(100.0, "", "[hazards]\nscale = 50");
    let once = onsets(&scenario, 1, 4);
    assert_eq!(onsets(&scenario, 1, 4), once);
    assert_ne!(onsets(&scenario, 1, 5), once);
    assert_ne!(onsets(&scenario, 2, 4), once);
}

#[test]
fn a_larger_scale_brings_every_fault_forward() {
    let one = scenario_of(100.0, "", "[hazards]\nscale = 5");
    let two = scenario_of(100.0, "", "[hazards]\nscale = 10");
    for replicate in 0..500 {
        let (early, late) = (onsets(&two, 7, replicate), onsets(&one, 7, replicate));
        for (kind, at) in late {
            assert!(early[&kind] <= at, "{kind}");
        }
    }
    assert!(draw(&scenario_of(100.0, "", "[hazards]\nscale = 0"), &Draws::new(1, 1)).is_empty());
}

#[test]
fn a_scenario_overrides_single_terms_and_keeps_the_rest() {
    let scenario = scenario_of(
        10.0,
        "",
        "[hazards]\nscale = 2\n[hazards.\"catheter.occlusion\"]\nconstant = \"0.05 /y\"\nat_surgery = \"1 %\"\n\
         [hazards.\"pump.memory_error\"]\nconstant = \"0.001 /y\"\n\
         [hazards.\"pump.stall\"]\nwear = \"0.002 /year^2\"\nnot_before = \"1 y\"\n\
         [hazards.\"catheter.leak\"]\nenabled = false",
    );
    let found = of_scenario(&scenario);
    let of = |kind: &str| found.iter().find(|h| h.kind == kind);
    let plain = hazard("catheter.occlusion", NEW).shape;
    let own = of("catheter.occlusion").unwrap();
    assert!((own.shape.constant * YEAR - 0.1).abs() < 1e-15);
    assert!((own.shape.at_surgery - (1.0 - 0.99f64.powi(2))).abs() < 1e-15);
    assert_eq!(own.shape.early, 2.0 * plain.early);
    assert_eq!(own.source, "this scenario");
    assert!((of("pump.memory_error").unwrap().shape.constant * YEAR - 0.002).abs() < 1e-15);
    let stall = of("pump.stall").unwrap().shape;
    assert!((stall.wear * YEAR * YEAR - 0.004).abs() < 1e-15 && stall.not_before == YEAR);
    assert!(of("catheter.leak").is_none() && of("pump.telemetry_hang").is_none());
    assert_ne!(of("catheter.kink").unwrap().source, "this scenario");
}

#[test]
fn rates_are_parameters_of_the_scenario_too() {
    let base = scenario_of(10.0, "", "[hazards]");
    let twice = scenario_of(
        10.0,
        "",
        "[hazards]\n[parameters]\n\"hazards.catheter.braided.kink\" = \"0.0044 /y\"",
    );
    let kink = |s: &Scenario| {
        of_scenario(s)
            .into_iter()
            .find(|h| h.kind == "catheter.kink")
            .unwrap()
            .shape
    };
    let ratio = kink(&twice).cumulative(YEAR) / kink(&base).cumulative(YEAR);
    assert!((ratio - 2.0).abs() < 1e-12);
}

#[test]
fn generation_follows_the_wall_unless_it_is_named_and_the_drug_counts() {
    let leak = |pump: &str, hazards: &str, kind: &str| {
        let s = scenario_of(10.0, pump, hazards);
        of_scenario(&s).into_iter().find(|h| h.kind == kind).unwrap().key
    };
    let wall = "[catheter]\nmaterial = \"silicone\"\n";
    let kind = "catheter.leak";
    assert_eq!(leak("", "[hazards]", kind), "hazards.catheter.braided.leak");
    assert_eq!(
        leak("", &format!("{wall}[hazards]"), kind),
        "hazards.catheter.silicone.leak"
    );
    let named = format!("{wall}[hazards]\ngeneration = \"braided\"");
    assert_eq!(leak("", &named, kind), "hazards.catheter.braided.leak");
    assert_eq!(
        leak(
            "approved_drug = false",
            "[hazards]\npump_generation = \"letter-2017\"",
            "pump.stall"
        ),
        "hazards.pump.stall.letter_2017.unapproved"
    );
}

#[test]
fn place_and_severity_lie_in_their_ranges_and_every_fault_can_be_built() {
    let scenario = scenario_of(
        100.0,
        "",
        "[hazards]\nscale = 1000\n[hazards.\"pump.telemetry_hang\"]\nconstant = \"1 /y\"",
    );
    let registry = Registry::builtin();
    let (length, spinal) = (scenario.catheter.length, scenario.catheter.spinal_length);
    let mut places: Vec<String> = Vec::new();
    for replicate in 0..400 {
        for fault in draw(&scenario, &Draws::new(1, replicate)) {
            registry.mechanism(&fault).unwrap();
            assert_eq!(fault.id, fault.kind);
            let number = |name: &str| match fault.values.get(name) {
                Some(Value::Number(x)) => Some(*x),
                _ => None,
            };
            let word = |name: &str| match fault.values.get(name) {
                Some(Value::Text(w)) => Some(w.as_str()),
                _ => None,
            };
            if let Some(position) = number("position") {
                assert!((0.05 * length..=0.95 * length).contains(&position));
                if let Some(into) = word("into") {
                    let outside = position < length - spinal;
                    assert_eq!(into, if outside { "subcutaneous" } else { "epidural" });
                }
            }
            assert!(number("bore").is_none_or(|b| (0.0..=0.05).contains(&b)));
            assert!(number("conductance").is_none_or(|c| (0.000_999..=0.100_1).contains(&c)));
            assert!(number("gain").is_none_or(|g| (1.145..=2.0).contains(&g)));
            places.extend(word("to").map(str::to_owned));
        }
    }
    let share = |w: &str| places.iter().filter(|p| *p == w).count() as f64 / places.len() as f64;
    assert!(places.len() > 300);
    // 4 sd of a share of 0.4 in 300.
    for (word, expected) in [("epidural", 0.4), ("subcutaneous", 0.3), ("subdural", 0.1)] {
        assert!((share(word) - expected).abs() < 0.11, "{word}: {}", share(word));
    }
    // The tip lies at T10; what stays in the fluid has slipped down by one to six levels.
    let lower = ["T11", "T12", "L1", "L2", "L3", "L4"];
    let inside: f64 = lower.iter().map(|l| share(l)).sum();
    assert!((inside - 0.2).abs() < 0.11);
    assert!((share("epidural") + share("subcutaneous") + share("subdural") + inside - 1.0).abs() < 1e-12);
}

#[test]
fn as_many_lives_meet_a_fault_in_six_years_as_the_table_says() {
    let scenario = scenario_of(6.0, "age = \"90 d\"", "[hazards]");
    let (age, end) = (90.0 * 24.0, 6.0 * YEAR);
    let n = 4000;
    let mut met: BTreeMap<String, f64> = BTreeMap::new();
    let hazards = of_scenario(&scenario);
    for replicate in 0..n {
        for kind in onsets_of(&scenario, &hazards, 8, replicate).into_keys() {
            *met.entry(kind).or_default() += 1.0;
        }
    }
    for h in of_scenario(&scenario) {
        let chance = 1.0 - h.shape.survival(age + end) / h.shape.survival(age);
        let expected = chance * n as f64;
        let found = met.get(&h.kind).copied().unwrap_or(0.0);
        assert!(
            (found - expected).abs() < 4.0 * expected.sqrt() + 1.0,
            "{}: {found} {expected}",
            h.kind
        );
    }
    // One seed a life, as scenario files have it, is as good as one replicate a life.
    let seeds = 2000;
    let any: f64 = (0..seeds)
        .map(|seed| onsets_of(&scenario, &hazards, seed, 0).len() as f64)
        .sum();
    let expected: f64 = of_scenario(&scenario)
        .iter()
        .map(|h| 1.0 - h.shape.survival(age + end) / h.shape.survival(age))
        .sum::<f64>()
        * seeds as f64;
    assert!((any - expected).abs() < 4.0 * expected.sqrt(), "{any} {expected}");
}
