//! `itbsim patients` and its neighbours on the command line.

use assert_cmd::Command;

fn itbsim(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("itbsim").unwrap();
    command.args(args);
    command
}

fn said(args: &[&str]) -> String {
    String::from_utf8(itbsim(args).assert().success().get_output().stdout.clone()).unwrap()
}

#[test]
fn the_table_is_the_same_on_one_thread_and_two_and_for_any_number() {
    let run = |threads: &str, n: &str, more: &[&str]| {
        let mut command = itbsim(&[&["patients", "-p", "adult-cerebral", "-n", n, "--seed", "5"], more].concat());
        command.env("RAYON_NUM_THREADS", threads);
        command.assert().success().get_output().stdout.clone()
    };
    let (one, two) = (run("1", "40", &["--figures"]), run("2", "40", &["--figures"]));
    assert_eq!(one, two);
    let (few, many) = (run("2", "7", &[]), run("2", "300", &[]));
    assert!(many.starts_with(&few));
    let text = String::from_utf8(few).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    assert_eq!(text.lines().count(), 8);
    for column in [
        "replicate",
        "population_age_y",
        "scenario_patient_weight_kg",
        "kinetics_csf_loss_rate_per_h",
    ] {
        assert!(header.contains(&column), "{header:?}");
    }
    assert!(text.lines().all(|l| l.split(',').count() == header.len()));
}

#[test]
fn a_table_goes_to_a_file_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("patients.csv");
    let shown = file.display().to_string();
    said(&["patients", "-n", "5", "--out", &shown]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), said(&["patients", "-n", "5"]));
    let nowhere = dir.path().join("none/patients.csv").display().to_string();
    let refused = itbsim(&["patients", "--out", &nowhere]).assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("nothing was written"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn the_summary_sets_published_beside_simulated() {
    let text = said(&["patients", "-n", "60", "--summary"]);
    for part in [
        "13 to 80",
        "Coffey 1993",
        "most 300 to 800",
        "maintenance dose",
        "never for treating a person",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&said(&["patients", "-n", "10", "--summary", "--json"])).unwrap();
    assert_eq!(json["patients"], 10);
    assert_eq!(json["lines"].as_array().unwrap().len(), 9);
}

#[test]
fn unknown_names_are_refused_with_those_there_are() {
    for (args, part) in [
        (
            vec!["patients", "-p", "adults"],
            "known are adult-spinal, adult-cerebral, child",
        ),
        (
            vec!["patients", "--set", "steep"],
            "known are well-mixed, steep-gradient",
        ),
        (
            vec!["parameters", "--set", "steep"],
            "known are well-mixed, steep-gradient",
        ),
        (vec!["patients", "-p", "none.toml"], "cannot read"),
        (vec!["patients", "-n", "0"], "1..=1000000"),
    ] {
        let out = itbsim(&args).assert().code(2);
        let said = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn lists_and_parameters_know_populations_and_sets() {
    assert!(said(&["list", "populations"]).contains("log-normal, median 0.135 ug/mL"));
    assert!(said(&["list", "sets"]).contains("steep-gradient"));
    let default = said(&["parameters", "dispersion_caudal", "--csv"]);
    let steep = said(&["parameters", "dispersion_caudal", "--csv", "--set", "steep-gradient"]);
    assert!(
        default.contains(",252.0,cm2/h") && steep.contains(",12.6,cm2/h"),
        "{default}{steep}"
    );
}

#[test]
fn a_run_of_a_replicate_keeps_its_number_in_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("s.toml"),
        r#"
title = "One of many"
duration = "6 h"
[population]
name = "adult-cerebral"
[patient]
history = "established"
[pump]
gain = 1.0
reservoir = { fill = "18 mL", concentration = "2 mg/mL" }
[[programme]]
at = "0 d"
simple_continuous = "300 ug/day"
"#,
    )
    .unwrap();
    let run = |args: &[&str]| -> serde_json::Value {
        let out = itbsim(args).current_dir(dir.path()).assert().success();
        serde_json::from_slice(&out.get_output().stdout).unwrap()
    };
    let first = run(&[
        "run",
        "s.toml",
        "--replicate",
        "12",
        "--no-plots",
        "--out",
        "a",
        "--json",
    ]);
    assert_eq!(first["replicate"], 12);
    let again = run(&["run", "a", "--no-plots", "--out", "b", "--json"]);
    assert_eq!(
        (&again["fingerprint"], &again["replicate"]),
        (&first["fingerprint"], &first["replicate"])
    );
    let rows = |folder: &str| std::fs::read(dir.path().join(folder).join("timeseries.csv")).unwrap();
    assert_eq!(rows("a"), rows("b"));
    run(&["run", "s.toml", "--no-plots", "--out", "c", "--json"]);
    assert_ne!(rows("a"), rows("c"));
    let check = itbsim(&["check", "s.toml"]).current_dir(dir.path()).assert().success();
    assert!(String::from_utf8_lossy(&check.get_output().stdout).contains("adult-cerebral: the typical patient"));
}

#[test]
fn a_table_of_many_is_written_piece_by_piece_without_a_seam() {
    let text = said(&["patients", "-n", "4100"]);
    let numbers: Vec<&str> = text.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
    let expected: Vec<String> = (0..4100).map(|i| i.to_string()).collect();
    assert_eq!(numbers, expected);
    // The figures of a patient stay beside him.
    let few = said(&["patients", "-n", "3", "--figures"]);
    assert!(
        few.lines()
            .all(|l| l.split(',').count() == few.lines().next().unwrap().split(',').count())
    );
}
