//! `itbsim calc`: text with its steps, JSON, and every wrong word refused.

use crate::cli_common::{Desk, stderr, stdout};
use predicates::prelude::*;
use serde_json::Value;

const REFILL: [&str; 8] = [
    "calc",
    "refill",
    "--volume",
    "20 mL",
    "--concentration",
    "2000 ug/mL",
    "--dose",
    "400 ug/day",
];

fn told(words: &[&str]) -> String {
    let run = Desk::new().run(words).code(0);
    assert_eq!(stderr(&run), "", "{words:?}");
    stdout(&run)
}

fn json(words: &[&str]) -> Value {
    serde_json::from_str(&told(&[words, &["--json"]].concat())).unwrap()
}

#[test]
fn a_refill_shows_its_arithmetic_and_its_days() {
    let text = told(&[&REFILL[..], &["--gain", "1.145", "--filled", "2026-03-01"]].concat());
    for line in [
        "D / C = 400 ug/day / 2000 ug/mL = 0.2 mL/day",
        "(V - V_alarm) / Q = (20 - 2 mL) / 0.2 mL/day = 90 days, 2026-05-30",
        "alarm - lead = 90 - 7 = 83 days, 2026-05-23",
        "empty / gain = 100 / 1.145 = 87.3362 days, 2026-05-27",
        "the pump is empty 2.6638 days before the alarm",
        "never for treating a person",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    let value = json(&[&REFILL[..], &["--alarm", "2000 uL", "--lead", "1 week"]].concat());
    assert_eq!(value["result"]["days_to_alarm"], 90.0);
    assert_eq!(value["result"]["days_to_refill"], 83.0);
    assert_eq!(value["result"]["alarm"]["is"], "on_time");
    assert_eq!(value["result"]["alarm_date"], Value::Null);
    assert!(value["steps"].as_array().unwrap().len() >= 4);
}

#[test]
fn a_bridge_a_prime_a_valve_a_delay_and_a_dose_are_told_in_text_and_json() {
    let bridge = [
        "calc",
        "bridge",
        "--length",
        "89 cm",
        "--from",
        "500 ug/mL",
        "--to",
        "2 mg/mL",
        "--dose",
        "100 ug/day",
    ];
    let text = told(&bridge);
    assert!(
        text.contains("= 47.376 h") && text.contains("= 789.6 ug, in the new label"),
        "{text}"
    );
    assert!(
        text.contains("= 25 ug/day, 0.25 times what is meant, for V / Q = 189.504 h"),
        "{text}"
    );
    let value = json(&bridge);
    assert!((value["result"]["duration_h"].as_f64().unwrap() - 47.376).abs() < 1e-9);
    assert!((value["result"]["without"]["dose_ug_per_day"].as_f64().unwrap() - 25.0).abs() < 1e-9);

    let prime = ["calc", "prime", "--length", "89 cm"];
    assert!(told(&prime).contains("V_tube + V_catheter = 0.199 + 0.1958 mL = 0.3948 mL"));
    let filled = json(&[&prime[..], &["--filled-catheter"]].concat());
    assert_eq!(filled["result"]["volume_ml"], 0.199);

    let valve = ["calc", "valve", "--dose", "100 ug/day", "--concentration", "500 ug/mL"];
    assert!(told(&valve).contains("= 80 a day") && told(&valve).contains("= 18 min"));
    assert_eq!(json(&valve)["result"]["dose_each_ug"], 1.25);

    let transport = ["calc", "transport", "--length", "89 cm", "--rate", "0.25 mL/day"];
    assert!(told(&transport).contains("= 37.9008 h"));
    let dose = ["calc", "dose", "--flow", "0.2 mL/day", "--concentration", "2 mg/mL"];
    assert!(told(&dose).contains("Q C = 0.2 mL/day x 2000 ug/mL = 400 ug/day"));
    assert_eq!(json(&dose)["result"]["dose_ug_per_day"], 400.0);
}

#[test]
fn wrong_and_missing_words_are_named_and_end_with_code_2() {
    let with = |key: &str, value: &'static str| {
        let mut words = REFILL.to_vec();
        let at = words.iter().position(|w| *w == key).unwrap();
        words[at + 1] = value;
        words
    };
    for (words, message) in [
        (with("--dose", "400"), "`400` has no unit"),
        (
            with("--dose", "400 ug"),
            "`400 ug` is a mass, but a dose rate is needed here",
        ),
        (with("--dose", "400 ug/dya"), "unknown unit"),
        (with("--dose", "much"), "does not start with a number"),
        (
            with("--dose", "0 ug/day"),
            "the dose must be greater than zero, not 0 ug/day",
        ),
        (
            with("--dose", "-400 ug/day"),
            "the dose must be greater than zero, not -400 ug/day",
        ),
        (
            with("--volume", "-20 mL"),
            "the volume must be greater than zero, not -20 mL",
        ),
        (with("--volume", "inf mL"), "not a finite number"),
        (with("--volume", "1 mL"), "not below the fill of 1 mL"),
        (
            with("--concentration", "0 mg/mL"),
            "the concentration must be greater than zero",
        ),
        (
            [&REFILL[..], &["--gain", "0"]].concat(),
            "the gain must be greater than zero",
        ),
        (
            [&REFILL[..], &["--filled", "2026-02-30"]].concat(),
            "there is no day 2026-02-30",
        ),
        (REFILL[..6].to_vec(), "--dose"),
        (vec!["calc", "bridge", "--from", "1 mg/mL"], "--length"),
        (vec!["calc", "dose", "--concentration", "1 mg/mL"], "--dose"),
        (vec!["calc", "refil"], "refill"),
    ] {
        let run = Desk::new().run(&words).code(2);
        assert_eq!(stdout(&run), "", "{words:?}");
        assert!(stderr(&run).contains(message), "{words:?}: {}", stderr(&run));
    }
    let both = [
        "calc",
        "transport",
        "--length",
        "89 cm",
        "--path-volume",
        "0.4 mL",
        "--rate",
        "1 mL/day",
    ];
    Desk::new()
        .run(&both)
        .code(2)
        .stderr(predicate::str::contains("cannot be used with"));
}

#[test]
fn each_calculator_has_examples_and_is_completed_by_shells() {
    let desk = Desk::new();
    let script = stdout(&desk.run(&["completions", "bash"]).code(0));
    for what in ["refill", "bridge", "prime", "valve", "transport", "dose"] {
        let help = stdout(&desk.run(&["calc", what, "--help"]).code(0));
        assert!(help.contains(&format!("Examples:\n  itbsim calc {what}")), "{help}");
        assert!(!help.contains('\\'), "{help}");
        assert!(script.contains(what), "{what}");
    }
}

#[test]
fn outlandish_numbers_are_told_in_one_line() {
    let with = |volume: &str, dose: &str| {
        let words = [
            "calc",
            "refill",
            "--volume",
            volume,
            "--concentration",
            "2 mg/mL",
            "--dose",
            dose,
        ];
        let run = Desk::new().run(&words);
        let code = run.get_output().status.code();
        let told = format!("{}{}", stdout(&run), stderr(&run));
        assert!(matches!(code, Some(0 | 2)), "{told}");
        assert!(told.lines().all(|l| l.len() < 160), "{told}");
        told
    };
    assert!(with("1e200 mL", "400 ug/day").contains("e200"));
    assert!(with("1e-300 mL", "400 ug/day").contains("1e-300 mL"));
    assert!(with("20 mL", "1e-200 ug/day").contains("e-20"));
    with("1e308 mL", "1e308 ug/day");
}
