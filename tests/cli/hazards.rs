//! `itbsim list hazards`: the table, its options, and what a scenario with hazards is told as.

use crate::cli_common::{Desk, QUIET, stderr, stdout};
use serde_json::Value;

fn told(words: &[&str]) -> String {
    let run = Desk::new().run(words).code(0);
    assert_eq!(stderr(&run), "", "{words:?}");
    stdout(&run)
}

fn rows(words: &[&str]) -> Vec<Value> {
    let text = told(&[&["list", "hazards", "--json"], words].concat());
    serde_json::from_str::<Value>(&text)
        .unwrap()
        .as_array()
        .unwrap()
        .clone()
}

fn row(words: &[&str], kind: &str) -> Value {
    rows(words).into_iter().find(|r| r["kind"] == kind).unwrap()
}

#[test]
fn the_table_has_rates_shape_expected_counts_source_and_grade() {
    let text = told(&["list", "hazards"]);
    for part in [
        "braided catheter, pump registry-2012, approved drug",
        "catheter.occlusion: 1.36 % at surgery, 0.00983 a year more for 12 months, 0.00444 a year",
        "growing by 0.000701 a year each year (wear)",
        "not before 5 months",
        "source: Feller 2021: 5 occlusions in 452 patient-years  (hazards.catheter.braided.occlusion, derived)",
        "pump.memory_error: none by default",
        "surgery.infection: 5.5 % at surgery, 0.01 a year; in parts under `itbsim list complications`",
        "never for treating a person",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    let stall = row(&[], "pump.stall");
    for key in ["expected", "source", "grade", "wear_per_year2", "constant_per_year"] {
        assert!(!stall[key].is_null(), "{key}");
    }
    let ten = stall["expected"]["10_years"].as_f64().unwrap();
    let expected =
        10.0 * stall["constant_per_year"].as_f64().unwrap() + 50.0 * stall["wear_per_year2"].as_f64().unwrap();
    assert!((ten - expected).abs() < 1e-12);
}

#[test]
fn generation_pump_and_drug_choose_the_figures() {
    let ten = |words: &[&str], kind: &str| row(words, kind)["expected"]["10_years"].as_f64().unwrap();
    let silicone = ten(&["--generation", "silicone"], "catheter.migration");
    assert!(silicone > 3.0 * ten(&["--generation", "braided"], "catheter.migration"));
    let stall = |words: &[&str]| ten(words, "pump.stall");
    assert!(stall(&["--unapproved"]) > 2.0 * stall(&[]));
    assert!(stall(&["--pump-generation", "letter-2017"]) > stall(&[]));
    assert!(stall(&["--pump-generation", "redesigned-2017"]) < 0.5 * stall(&[]));
}

#[test]
fn the_options_go_with_hazards_only() {
    for words in [
        ["list", "faults", "--generation", "silicone"],
        ["list", "pumps", "--pump-generation", "letter-2017"],
        ["list", "hazards", "--generation", "glass"],
    ] {
        let run = Desk::new().run(&words).code(2);
        assert!(stderr(&run).contains("error: "), "{words:?}");
    }
}

#[test]
fn rates_are_among_the_parameters_and_check_names_what_may_come() {
    let text = told(&["parameters", "hazards.pump"]);
    assert!(text.contains("hazards.pump.stall.registry_2012.approved = 0.024") && text.contains("(published)"));
    let desk = Desk::new();
    desk.write(
        "chance.toml",
        &[QUIET, "[hazards]\n[hazards.\"catheter.leak\"]\nenabled = false\n"],
    );
    let text = stdout(&desk.run(&["check", "chance.toml"]).code(0));
    assert!(
        text.contains("hazards   by chance: catheter.occlusion, catheter.disconnection"),
        "{text}"
    );
}
