//! Boluses on the patient's demand: what is granted, what is refused, and what that delivers.

use itbsim::scenario::load_str;
use itbsim::scenario::model::Scenario;
use itbsim::simulation::{LEDGER_LIMIT, Registry, Run, RunOptions, RunResult, simulate};

const HANDSET: &str = "[[programme]]\nid = \"handset\"\nat = \"0 d\"\n\
    patient_bolus = { dose = \"24 ug\", over = \"6 min\", lockout = \"4 h\", most_per_day = 3 }\n";

fn file(more: &str) -> String {
    format!(
        "title = \"A test\"\nduration = \"10 d\"\nsample = \"1 h\"\n[patient]\nhistory = \"established\"\n\
         [pump]\ngain = 1.0\nreservoir = {{ fill = \"15 mL\", concentration = \"1 mg/mL\" }}\n\
         [[programme]]\nid = \"base\"\nat = \"0 d\"\nsimple_continuous = \"400 ug/day\"\n{more}"
    )
}

fn demand(id: &str, at: &str) -> String {
    format!("[[action]]\nid = \"{id}\"\nat = \"{at}\"\ndemand_bolus = true\n")
}

fn scenario(text: &str) -> Scenario {
    let story = load_str("case.toml", text, None, &Registry::builtin().catalog()).unwrap_or_else(|e| panic!("{e}"));
    story.arms[0].scenario.clone()
}

fn run(more: &str, replicate: u64) -> RunResult {
    let options = RunOptions {
        replicate,
        ..RunOptions::default()
    };
    let run = simulate(&scenario(&file(more)), &Registry::builtin(), &options).unwrap_or_else(|e| panic!("{e}"));
    assert!(run.ledger_residual <= LEDGER_LIMIT, "{:e}", run.ledger_residual);
    run
}

/// Time of every answer of the pump, and the reason of a refusal.
fn answers(run: &RunResult) -> Vec<(f64, Option<String>)> {
    let of = |e: &itbsim::simulation::EventRow| match e.name().as_str() {
        "pump.bolus_granted" => Some((e.time_h, None)),
        "pump.bolus_refused" => Some((e.time_h, Some(e.detail.clone()))),
        _ => None,
    };
    run.events.iter().filter_map(of).collect()
}

fn column(run: &RunResult, name: &str, hours: f64) -> f64 {
    let index = run.columns.iter().position(|c| c == name).expect("a column");
    run.rows.iter().rfind(|r| r[0] <= hours).expect("a row")[index]
}

/// Delivered by the end \[ug\].
fn delivered(run: &RunResult) -> f64 {
    1000.0 * column(run, "delivered_ml", 240.0)
}

#[test]
fn lockout_and_most_in_a_day_refuse_and_a_refusal_delivers_nothing() {
    let times = ["24 h", "27.9 h", "28 h", "28.05 h", "33 h", "40 h", "47.9 h", "48 h"];
    let demands: String = times
        .iter()
        .enumerate()
        .map(|(i, t)| demand(&format!("d{i}"), t))
        .collect();
    let found = run(&format!("{HANDSET}{demands}"), 0);
    let told = answers(&found);
    let reasons: Vec<Option<&str>> = told.iter().map(|(_, why)| why.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            None,
            Some("too soon after the last bolus"),
            None,
            Some("a bolus runs"),
            None,
            Some("as many in 24 h as are allowed"),
            Some("as many in 24 h as are allowed"),
            // The first of them is a day old.
            None,
        ]
    );
    assert_eq!((found.outcomes.boluses_granted, found.outcomes.boluses_refused), (4, 4));
    let without = run(HANDSET, 0);
    assert_eq!(answers(&without), []);
    let more = delivered(&found) - delivered(&without);
    assert!((more - 4.0 * 24.0).abs() < 1e-6, "{more} ug");
    // While it runs the commanded rate is the old one and 240 ug/h.
    let during = column(&found, "programmed_ug_per_day", 24.0);
    assert!((during - (400.0 + 24.0 * 240.0)).abs() < 24.0, "{during}");
    let after = column(&found, "programmed_ug_per_day", 25.0);
    assert!((after - 400.0).abs() < 1e-9, "{after}");
}

#[test]
fn a_pump_that_cannot_or_must_not_deliver_refuses() {
    let of = |more: &str, at: &str| {
        let told = answers(&run(&format!("{HANDSET}{more}{}", demand("d", at)), 0));
        assert_eq!(told.len(), 1, "{more}");
        told[0].1.clone().unwrap_or_default()
    };
    let programme = |line: &str| format!("[[programme]]\nid = \"p\"\nat = \"2 d\"\n{line}\n");
    let fault = |line: &str| format!("[[fault]]\nid = \"f\"\nat = \"2 d\"\n{line}\n");
    let scan = "[[action]]\nid = \"scan\"\nat = \"2 d\"\nmri = \"1 h\"\n";
    assert_eq!(of(&programme("stopped = true"), "3 d"), "the pump is stopped");
    assert_eq!(of(&programme("minimum_rate = true"), "3 d"), "the pump is stopped");
    assert_eq!(
        of(&programme("no_patient_bolus = true"), "3 d"),
        "no programme allows it"
    );
    assert_eq!(of(scan, "48.5 h"), "the handset gets no answer");
    assert_eq!(of(&fault("kind = \"pump.stall\""), "60 h"), "the pump stands still");
    assert_eq!(
        of(&fault("kind = \"pump.telemetry_hang\""), "3 d"),
        "the handset gets no answer"
    );
    assert_eq!(
        of(&fault("kind = \"pump.battery_reset\""), "3 d"),
        "the pump waits to be programmed again"
    );
    let explant = "[[action]]\nid = \"out\"\nat = \"2 d\"\nexplant = true\n";
    let gone = run(&format!("{HANDSET}{explant}{}", demand("d", "3 d")), 0);
    assert_eq!(answers(&gone), []);
    let note = gone.events.iter().find(|e| e.name() == "action.d.done").unwrap();
    assert_eq!(note.detail, "no pump is implanted");
}

#[test]
fn a_stall_that_the_pump_has_not_noticed_is_granted_and_delivers_nothing() {
    let stall = "[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nat = \"2 d\"\n";
    let asked = run(&format!("{HANDSET}{stall}{}", demand("d", "48.1 h")), 0);
    assert_eq!(answers(&asked)[0].1, None);
    assert_eq!(delivered(&asked), delivered(&run(&format!("{HANDSET}{stall}"), 0)));
}

const BY_CHANCE: &str = "[[action]]\nid = \"wish\"\nat = \"0 d\"\ndemand_bolus = { rate = \"40 /week\" }\n";

/// Hours at which the patient asked.
fn asked(run: &RunResult) -> Vec<f64> {
    let of = |e: &&itbsim::simulation::EventRow| e.name() == "action.wish.dose";
    run.events.iter().filter(of).map(|e| e.time_h).collect()
}

#[test]
fn demands_by_chance_come_at_their_rate_and_are_the_same_in_every_arm() {
    let mut all = 0;
    let mut waits = Vec::new();
    for replicate in 0..30 {
        let found = run(&format!("{HANDSET}{BY_CHANCE}"), replicate);
        let times = asked(&found);
        assert_eq!(times.len(), answers(&found).len());
        waits.extend(times.iter().zip([0.0].iter().chain(&times)).map(|(a, b)| a - b));
        all += times.len();
        if replicate < 3 {
            // Another dose, limit and programme: other answers to the same demands.
            let other = HANDSET.replace("24 ug", "12 ug").replace("4 h", "1 h");
            let stop = "[[programme]]\nid = \"p\"\nat = \"5 d\"\nno_patient_bolus = true\n";
            let arm = run(&format!("{other}{stop}{BY_CHANCE}"), replicate);
            assert_eq!(asked(&arm), times);
            assert_ne!(answers(&arm), answers(&found));
        }
    }
    let mean = 40.0 / 168.0 * 240.0 * 30.0;
    assert!((all as f64 - mean).abs() < 4.0 * mean.sqrt(), "{all} of {mean}");
    // Exponential waits: as many are shorter than the median of 4.2 h ln 2 as are longer.
    let short = waits.iter().filter(|w| **w < 4.2 * std::f64::consts::LN_2).count() as f64;
    let n = waits.len() as f64;
    assert!((short / n - 0.5).abs() < 4.0 * 0.5 / n.sqrt(), "{short} of {n}");
}

#[test]
fn a_run_that_is_stored_between_demands_goes_on_with_the_same_bits() {
    let scenario = scenario(&file(&format!("{HANDSET}{BY_CHANCE}")));
    let registry = Registry::builtin();
    let options = RunOptions::default();
    let mut straight = Run::new(&scenario, &registry, &options).unwrap();
    straight.run_until(scenario.duration).unwrap();
    let expected = straight.finish();
    let granted = answers(&expected).into_iter().find(|a| a.1.is_none()).unwrap().0;
    // Within a bolus, within its lockout, and later.
    for pause in [granted + 0.05, granted + 2.0, 130.0] {
        let mut first = Run::new(&scenario, &registry, &options).unwrap();
        let pause = itbsim::engine::SimTime::from_hours(pause).unwrap();
        first.run_until(pause).unwrap();
        let text = first.save().unwrap().to_string();
        let saved: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut second = Run::restore(&scenario, &registry, &options, &saved).unwrap();
        second.run_until(scenario.duration).unwrap();
        assert!(second.finish() == expected, "stored at {pause:?}");
    }
}

#[test]
fn nonsense_is_refused_with_its_line_and_what_to_write() {
    let refusal = |text: &str| {
        load_str("case.toml", text, None, &Registry::builtin().catalog())
            .expect_err("a mistake")
            .to_string()
    };
    let with = |from: &str, to: &str| refusal(&file(&HANDSET.replace(from, to)));
    for (text, parts) in [
        (
            with("24 ug", "0 ug"),
            ["`dose` must be greater than zero", "16 | patient_bolus"],
        ),
        (
            with("\"4 h\"", "\"-4 h\""),
            ["`lockout` cannot be negative", "16 | patient_bolus"],
        ),
        (
            with("\"4 h\"", "\"1 min\""),
            [
                "the lockout ends before the bolus does",
                "make `lockout` at least as long",
            ],
        ),
        (
            with("most_per_day = 3", "most_per_day = 0"),
            ["`most_per_day` = 0 lies outside 1 to 288", "16 | patient_bolus"],
        ),
        (with(", most_per_day = 3", ""), ["most_per_day", "16 | patient_bolus"]),
        (
            with("24 ug", "24 mg"),
            ["outside the pump's 0.048 to 24 mL/day", "16 | patient_bolus"],
        ),
        (with("lockout", "lock_out"), ["lock_out", "`lockout`"]),
        (
            refusal(&file(&demand("d", "1 d"))),
            ["no programme allows the patient a bolus", "patient_bolus = { dose"],
        ),
        (
            refusal(&file(&format!("{HANDSET}{}", BY_CHANCE.replace("40 /week", "0 /week")))),
            ["`rate` must be greater than zero", "demand_bolus"],
        ),
        (
            refusal(&file(&format!("{HANDSET}{}", BY_CHANCE.replace("40 /week", "9 /s")))),
            ["this repeats too often", "a lower `rate`"],
        ),
    ] {
        for part in parts {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
    // An arm may take the handset away: its demands are refused, and that is what it shows.
    let arms = format!(
        "{HANDSET}{}[[arm]]\nid = \"with\"\n[[arm]]\nid = \"without\"\nwithout = [\"handset\"]\n",
        demand("d", "1 d")
    );
    let story = load_str("case.toml", &file(&arms), None, &Registry::builtin().catalog()).unwrap();
    let told = |arm: usize| {
        let run = simulate(&story.arms[arm].scenario, &Registry::builtin(), &RunOptions::default()).unwrap();
        answers(&run)[0].1.clone()
    };
    assert_eq!((told(0), told(1).as_deref()), (None, Some("no programme allows it")));
}
