//! Calibration finds what was hidden, repeats itself, and looks only at what it may.

use itbsim::validate::calibrate::{CalibrationError, calibrate};
use itbsim::validate::{Case, Evidence, Role, evaluate};

/// A set of one parameter and one figure, whose value is filled in.
const SET: &str = r#"
[[set]]
id = "mine"
title = "Loss from fluid by half-life"
parameters = ["kinetics.csf.loss_rate"]

[[case]]
id = "X-half-life"
title = "Half-life"
layer = "validation"
role = "fit"
set = "mine"
published = "made up"
value = VALUE
accept = [LOW, HIGH]
unit = "h"
kinetic = true
argument = "one in a hundred"
source = "the model itself with another loss rate"
grade = "derived"
measure = { what = "half_life", signal = "csf_l3_ng_per_ml", from = 0.5, to = 4.0, story = "needle", with = { duration = "4 h" } }
"#;

fn hidden(value: f64) -> Evidence {
    let text = SET
        .replace("VALUE", &format!("{value:?}"))
        .replace("LOW", &format!("{:?}", 0.99 * value))
        .replace("HIGH", &format!("{:?}", 1.01 * value));
    Evidence::with("mine.toml", &text).expect("a set")
}

fn only(case: &Case) -> bool {
    case.id == "X-half-life"
}

#[test]
fn a_hidden_parameter_is_found_again_and_found_twice_alike() {
    let secret = 0.41;
    let parameters = [("kinetics.csf.loss_rate".to_owned(), secret)];
    let truth = evaluate(&hidden(1.0), only, &parameters).unwrap().findings[0]
        .simulated
        .unwrap();
    let evidence = small(hidden(truth));
    let found = calibrate(&evidence, "mine", &[], 60).unwrap();
    let value = found.parameters[0].found;
    assert!((value / secret - 1.0).abs() < 0.005, "{value}");
    assert!(found.loss_after < 0.01 * found.loss_before);
    assert!(found.targets[0].in_loss && found.targets[0].met);
    // More loss, shorter half-life.
    assert!(found.targets[0].sensitivity[0].unwrap() < 0.0);
    assert_eq!(found, calibrate(&evidence, "mine", &[], 60).unwrap());
}

/// Only what a test needs of the figures that are looked at besides.
fn small(mut evidence: Evidence) -> Evidence {
    evidence.cases.retain(|c| only(c) || c.id == "T12-oral-clearance");
    evidence
}

#[test]
fn figures_kept_for_checking_change_nothing_that_is_found() {
    let mut evidence = small(hidden(1.3));
    let with = calibrate(&evidence, "mine", &[], 15).unwrap();
    evidence.cases.retain(only);
    let without = calibrate(&evidence, "mine", &[], 15).unwrap();
    assert_eq!(with.parameters, without.parameters);
    assert_eq!((with.targets.len(), without.targets.len()), (2, 1));
    assert!(with.targets.iter().all(|t| t.in_loss == (t.role == Role::Fit)));
}

#[test]
fn without_a_search_the_defaults_stay_and_sensitivities_are_told() {
    let evidence = small(hidden(1.3));
    let found = calibrate(&evidence, "mine", &[], 0).unwrap();
    let p = &found.parameters[0];
    assert_eq!((p.found, found.loss_before), (p.default, found.loss_after));
    assert_eq!(found.targets[0].before, found.targets[0].after);
    assert!(found.targets[0].sensitivity[0].unwrap().abs() > 0.1);
    // What the blood does with tablets hangs on nothing in the spine.
    assert!(found.targets[1].sensitivity[0].unwrap().abs() < 0.05);
}

#[test]
fn published_parameters_and_unknown_sets_are_refused() {
    let evidence = Evidence::builtin().unwrap();
    let published = ["kinetics.oral.bioavailability".to_owned()];
    assert!(matches!(
        calibrate(&evidence, "kinetics", &published, 5),
        Err(CalibrationError::Published { .. })
    ));
    assert!(matches!(
        calibrate(&evidence, "kinetics", &["kinetics.none".to_owned()], 5),
        Err(CalibrationError::NoParameter { .. })
    ));
    let error = calibrate(&evidence, "none", &[], 5).unwrap_err();
    assert!(error.to_string().contains("kinetics, response"), "{error}");
}

#[test]
fn the_parameter_file_is_read_by_validate() {
    let evidence = small(hidden(1.3));
    let found = calibrate(&evidence, "mine", &[], 15).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("parameters.toml");
    std::fs::write(&file, found.file()).unwrap();
    let mut command = crate::cli_common::itbsim();
    command
        .args(["validate", "--only", "T01-half-life-50", "--json", "--parameters"])
        .arg(&file);
    let output = command.output().unwrap();
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        value["parameters"][0]["value"].as_f64(),
        Some(found.parameters[0].found)
    );
    let simulated = value["findings"][0]["simulated"].as_f64().unwrap();
    assert!(simulated < 1.45, "{simulated}");
    let mut command = crate::cli_common::itbsim();
    command.args(["calibrate", "none"]);
    command.assert().code(2);
}
