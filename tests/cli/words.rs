//! What the program says: help, lists, the resolved scenario, causes, comparisons.

use crate::cli_common::{Desk, MET, QUIET, STALL, stderr, stdout, table};
use predicates::prelude::*;
use serde_json::Value;

const COMMANDS: [&str; 13] = [
    "run",
    "check",
    "new",
    "list",
    "calc",
    "parameters",
    "schema",
    "why",
    "compare",
    "system",
    "branch",
    "diff",
    "completions",
];

fn told(desk: &Desk, words: &[&str]) -> String {
    let run = desk.run(words).code(0);
    assert_eq!(stderr(&run), "", "{words:?}");
    stdout(&run)
}

fn json(desk: &Desk, words: &[&str]) -> Value {
    serde_json::from_str(&told(desk, words)).unwrap()
}

#[test]
fn help_has_examples_and_the_version_is_that_of_the_crate() {
    let desk = Desk::new();
    let help = told(&desk, &["--help"]);
    for word in COMMANDS
        .iter()
        .chain(&["Examples:", "Exit codes: 0", "never for treating a person"])
    {
        assert!(help.contains(word), "`{word}` is missing\n{help}");
    }
    for command in COMMANDS {
        let help = told(&desk, &[command, "--help"]);
        assert!(help.contains("Usage: itbsim "), "{help}");
        assert!(!help.contains('\\'), "markup of the source shows through\n{help}");
        if !matches!(command, "schema" | "completions") {
            assert!(help.contains(&format!("Examples:\n  itbsim {command}")), "{help}");
        }
        for version in ["--version", "-V"] {
            desk.run(&[command, version]).code(0);
        }
    }
    assert_eq!(
        told(&desk, &["--version"]),
        format!("itbsim {}\n", env!("CARGO_PKG_VERSION"))
    );
    // Without a command there is help, but no success.
    desk.run(&[]).code(2).stderr(predicate::str::contains("Usage:"));
    desk.run(&["chekc"]).code(2).stderr(predicate::str::contains("'check'"));
}

#[test]
fn completions_are_made_for_the_usual_shells() {
    let desk = Desk::new();
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef itbsim"),
        ("fish", "complete -c itbsim"),
    ] {
        let script = told(&desk, &["completions", shell]);
        assert!(script.contains(word) && script.contains("parameters"), "{shell}");
    }
}

#[test]
fn every_list_has_its_entries_and_its_json() {
    let desk = Desk::new();
    desk.write("one.toml", &["lesson = \"It rests.\"\n", QUIET])
        .write("broken.toml", &["title ="]);
    for (what, entry) in [
        ("faults", "catheter.leak"),
        ("hazards", "catheter.leak"),
        ("pumps", "peristaltic"),
        ("effect-models", "emax"),
        ("signals", "csf_l3_ng_per_ml"),
        ("symptoms", "spasms_increased"),
        ("events", "symptom.spasms_increased.onset"),
        ("actions", "lumbar_bolus"),
    ] {
        let text = told(&desk, &["list", what]);
        assert!(text.contains(entry), "{what}: {text}");
        let value = json(&desk, &["list", what, "--json"]);
        assert!(!value.as_array().unwrap().is_empty(), "{what}");
        assert!(value.to_string().contains(entry), "{what}");
    }
    let events = told(&desk, &["list", "events"]);
    assert!(
        events.contains("fault.ID.start") && events.contains("action.ID.done"),
        "{events}"
    );
    let faults = told(&desk, &["list", "faults"]);
    assert!(faults.contains("position") && faults.contains("distance from the pump") && faults.contains("[H-12]"));

    let text = told(&desk, &["list", "scenarios", "--dir", "."]);
    assert!(text.contains("one.toml\n    Two quiet days\n    It rests."), "{text}");
    assert!(text.contains("does not load; see `itbsim check`"), "{text}");
    let value = json(&desk, &["list", "scenarios", "--dir", ".", "--json"]);
    assert_eq!(value[1]["title"], "Two quiet days");
    assert_eq!(value[0]["title"], Value::Null);
}

#[test]
fn every_parameter_has_unit_range_source_and_grade() {
    let desk = Desk::new();
    let all = json(&desk, &["parameters", "--json"]);
    let all = all.as_array().unwrap();
    assert!(all.len() > 200);
    for p in all {
        for key in ["key", "unit", "source", "grade", "meaning"] {
            assert!(
                p[key].as_str().is_some_and(|s| !s.is_empty()),
                "{key} is missing in {p}"
            );
        }
        let number = |key: &str| p[key].as_f64().unwrap();
        assert!(
            number("low") <= number("value") && number("value") <= number("high"),
            "{p}"
        );
    }
    let text = told(&desk, &["parameters", "kinetics.csf.spinal_volume"]);
    assert!(
        text.contains("97.3 mL  [40 to 160]  (published)") && text.contains("Sass 2017"),
        "{text}"
    );
    let assumed = json(&desk, &["parameters", "kinetics.csf", "--grade", "assumed", "--json"]);
    for p in assumed.as_array().unwrap() {
        assert_eq!(p["grade"].as_str().unwrap().to_lowercase(), "assumed");
        assert!(p["key"].as_str().unwrap().contains("kinetics.csf"));
    }
    let (header, rows) = table(&told(&desk, &["parameters", "--csv"]));
    assert_eq!(header[0], "key");
    assert_eq!(rows.len(), all.len());
    desk.run(&["parameters", "--csv", "--json"]).code(2);
}

#[test]
fn the_schema_is_json_with_every_block() {
    let desk = Desk::new();
    let schema = json(&desk, &["schema"]);
    let properties = schema["properties"].as_object().unwrap();
    for key in [
        "title",
        "duration",
        "patient",
        "pump",
        "catheter",
        "programme",
        "fault",
        "action",
        "expect",
        "arm",
        "parameters",
    ] {
        assert!(properties.contains_key(key), "{key}");
    }
}

#[test]
fn a_new_scenario_is_understood_and_never_overwrites() {
    let desk = Desk::new();
    let said = told(&desk, &["new", "mine.toml"]);
    assert!(
        said.contains("itbsim check mine.toml") && said.contains("itbsim run mine.toml"),
        "{said}"
    );
    assert!(told(&desk, &["check", "mine.toml"]).contains("mine: understood"));
    assert_eq!(told(&desk, &["new", "-"]), desk.read("mine.toml"));
    desk.write("mine.toml", &["# my work"]);
    desk.run(&["new", "mine.toml"])
        .code(2)
        .stderr(predicate::str::contains("exists already"));
    assert_eq!(desk.read("mine.toml"), "# my work");
}

#[test]
fn check_tells_the_scenario_in_words_and_runs_nothing() {
    let desk = Desk::new();
    let blocks = "[[fault]]\nid = \"leak\"\nkind = \"catheter.leak\"\nat = \"6 h\"\nposition = \"25 cm\"\n\
        conductance = \"0.01 mL/h/kPa\"\ninto = \"subcutaneous\"\nprofile = { ramp = \"5 h\" }\n\
        [[action]]\nid = \"raise\"\nat = \"leak.start + 12 h\"\nraise_dose = \"10 %\"\n\
        [[arm]]\nid = \"leak\"\n[[arm]]\nid = \"none\"\nwithout = [\"leak\", \"raise\"]\n";
    desk.write("s.toml", &[QUIET, blocks]);
    let text = told(&desk, &["check", "s.toml"]);
    for part in [
        "s: understood",
        "arm leak",
        "arm none",
        "duration  48.0 h, a row every 1.0 h",
        "maintenance at 0.0 h: simple continuous, 300 ug/day",
        "leak (catheter.leak) at 6.0 h, growing over 5.0 h, conductance 0.01 mL/(h kPa), into subcutaneous, position 25 cm",
        "raise at fault.leak.start + 12.0 h: raise the dose by 10 %",
        "18 mL of 20 mL at 2 mg/mL",
        "never for treating a person",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    assert!(!text.contains('{'), "the shape of the program shows through\n{text}");
    let value = json(&desk, &["check", "s.toml", "--json"]);
    assert_eq!(value["ok"], true);
    assert_eq!(value["arms"][0]["duration_h"], 48.0);
    assert_eq!(value["arms"][0]["faults"][0]["kind"], "catheter.leak");
    assert_eq!(value["arms"][1]["faults"], serde_json::json!([]));
    assert_eq!(desk.tree(), ["s.toml"]);
}

#[test]
fn why_tells_the_chain_and_the_run_without_its_root() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    let event = "symptom.spasms_increased.onset";
    let text = told(&desk, &["why", "s.toml", event]);
    for part in [
        "fault.stuck.start",
        "delivery.stopped",
        event,
        "Cause: without fault.stuck",
        "same luck",
        "never for treating",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    let value = json(&desk, &["why", "s.toml", event, "--json"]);
    assert_eq!(value["event"], event);
    assert_eq!(value["root"], "fault.stuck");
    assert_eq!(value["but_for"]["verdict"], "cause");
    let chain = value["chain"].as_array().unwrap();
    assert!(chain.len() >= 3);
    for pair in chain.windows(2) {
        assert_eq!(pair[1]["caused_by"], pair[0]["event_id"]);
        assert!(pair[0]["time_h"].as_f64() <= pair[1]["time_h"].as_f64());
    }
    assert_eq!(chain[0]["caused_by"], 0);

    // What the therapy does by itself has no fault at its root.
    let text = told(&desk, &["why", "s.toml", "programme.maintenance.start"]);
    assert!(text.contains("No fault or act"), "{text}");
    let wrong = desk.run(&["why", "s.toml", "symptom.spasm_increased.onset"]).code(2);
    assert!(
        stderr(&wrong).contains("did you mean `symptom.spasms_increased.onset`?"),
        "{}",
        stderr(&wrong)
    );
    let wrong = desk.run(&["why", "s.toml", "x"]).code(2);
    assert!(stderr(&wrong).contains("events of this run: "), "{}", stderr(&wrong));
    assert_eq!(desk.tree(), ["s.toml"]);
}

#[test]
fn compare_sets_arms_side_by_side() {
    let desk = Desk::new();
    let arms = "[[arm]]\nid = \"stall\"\n[[arm]]\nid = \"sound\"\nwithout = [\"stuck\"]\n";
    desk.write("s.toml", &[QUIET, STALL, MET, arms]);
    let text = told(&desk, &["compare", "s.toml", "--csv", "arms.csv"]);
    for part in [
        "Two quiet days",
        "stall",
        "sound",
        "largest withdrawal index",
        "spasms and tone return",
        "alive",
        "1 of 1",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    assert!(!text.contains("-0.0"), "{text}");
    let value = json(&desk, &["compare", "s.toml", "--json"]);
    let figure = |arm: usize, name: &str| {
        let figures = value["arms"][arm]["figures"].as_array().unwrap();
        figures.iter().find(|f| f["name"] == name).unwrap()["value"]
            .as_f64()
            .unwrap()
    };
    assert!(figure(0, "largest withdrawal index") > figure(1, "largest withdrawal index"));
    assert_eq!(value["arms"][1]["expectations_met"], true);
    assert_ne!(value["arms"][0]["fingerprint"], value["arms"][1]["fingerprint"]);
    let (header, rows) = table(&desk.read("arms.csv"));
    assert_eq!(header, ["arm", "figure", "unit", "value"]);
    assert_eq!(rows.iter().filter(|r| r[0] == "sound").count() * 2, rows.len());

    desk.write("alone.toml", &[QUIET]);
    desk.run(&["compare", "alone.toml"])
        .code(2)
        .stderr(predicate::str::contains("no arms to compare"));
    let wrong = desk.run(&["why", "s.toml", "pump.stalled", "--arm", "z"]).code(2);
    assert!(stderr(&wrong).contains("its arms: stall, sound"), "{}", stderr(&wrong));
}
