//! `itbsim sensitivity` at the command line.

use crate::cli_common::{Desk, QUIET, table};
use predicates::str::contains;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("case.toml", &[QUIET]);
    desk
}

#[test]
fn each_method_ranks_parameters_and_threads_change_no_byte() {
    let desk = desk();
    for (method, n, column) in [
        ("tornado", "2", "at_high"),
        ("morris", "3", "mean_size"),
        ("sobol", "4", "total"),
    ] {
        for (threads, out) in [("1", "one"), ("2", "two")] {
            desk.run(&[
                "sensitivity",
                "case.toml",
                "--method",
                method,
                "-n",
                n,
                "-j",
                threads,
                "--out",
                out,
                "--vary",
                "scenario.patient.weight,kinetics.csf.area_lumbar",
                "--outcome",
                "csf_l3_ng_per_ml.end,spasm_score.mean",
            ])
            .success()
            .stdout(contains(column));
        }
        assert_eq!(
            desk.read("one/sensitivity.csv"),
            desk.read("two/sensitivity.csv"),
            "{method}"
        );
        assert_eq!(desk.read("one/summary.json"), desk.read("two/summary.json"), "{method}");
        let (head, rows) = table(&desk.read("one/sensitivity.csv"));
        let place = |name: &str| head.iter().position(|h| h == name).unwrap();
        assert!(
            rows.len() >= 4 && rows.iter().all(|r| r[place("missing")] == "0"),
            "{method}: {rows:?}"
        );
        assert!(
            rows.iter().any(|r| r[place(column)] != "0"),
            "{method}: nothing matters"
        );
        assert!(
            desk.at("one")
                .join("plots/sensitivity_csf_l3_ng_per_ml_end.svg")
                .is_file()
        );
    }
}

#[test]
fn what_cannot_be_varied_or_asked_is_refused() {
    let desk = desk();
    for (vary, outcome, words) in [
        ("nothing.like.it", "died", "no parameter is called `nothing.like.it`"),
        ("scenario.catheter.length", "died", "used only while a scenario is read"),
        ("scenario.patient.weight=80..60", "died", "is no range of"),
        (
            "scenario.patient.weight,scenario.patient.weight",
            "died",
            "is named twice",
        ),
        (
            "scenario.patient.weight",
            "happiness",
            "no outcome is called `happiness`",
        ),
        ("scenario.patient.weight", "gcs.sum", "no outcome is called `gcs.sum`"),
    ] {
        desk.run(&[
            "sensitivity",
            "case.toml",
            "--vary",
            vary,
            "--outcome",
            outcome,
            "--out",
            "none",
        ])
        .code(2)
        .stderr(contains(words));
        assert!(!desk.at("none").exists());
    }
    let weight = ["sensitivity", "case.toml", "--vary", "scenario.patient.weight"];
    for (more, words) in [
        (vec!["-n", "1"], "too few"),
        (vec!["--method", "sobol", "-n", "4294967295"], "at most 1000000 runs"),
        (vec!["--method", "morris", "-n", "4294967295"], "at most 1000000 runs"),
        (vec!["-j", "0"], "runs nothing"),
        (vec!["-j", "100000"], "more than 1024, the limit"),
    ] {
        desk.run(&[&weight[..], &more, &["--out", "none"]].concat())
            .code(2)
            .stderr(contains(words));
        assert!(!desk.at("none").exists());
    }
}
