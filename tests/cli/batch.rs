//! `itbsim batch`, `merge` and `compare -n` at the command line.

use crate::cli_common::{Desk, QUIET};
use predicates::str::contains;

/// Chance for everything, in two days.
const CHANCE: &str = "\n[hazards]\nscale = 2000.0\n";
const ARMS: &str = "\n[[arm]]\nid = \"usual\"\n[[arm]]\nid = \"more\"\n\
    set = { \"programme.maintenance.simple_continuous\" = \"500 ug/day\" }\n";

fn desk(parts: &[&str]) -> Desk {
    let desk = Desk::new();
    desk.write("case.toml", parts);
    desk
}

#[test]
fn a_batch_leaves_tables_figures_and_nothing_else() {
    let desk = desk(&[QUIET, CHANCE, ARMS]);
    desk.run(&[
        "batch",
        "case.toml",
        "-n",
        "6",
        "--seed",
        "2",
        "--out",
        "done",
        "-j",
        "2",
    ])
    .success()
    .stdout(contains("6 of 6 replicates"))
    .stdout(contains("good_control_percent"));
    for file in [
        "outcomes.csv",
        "bands.csv",
        "incidence.csv",
        "survival.csv",
        "times.csv",
        "failures.csv",
        "differences.csv",
        "replicates.csv",
        "scenario.toml",
        "plots/bands_more.svg",
        "plots/ecdf.png",
    ] {
        assert!(desk.at("done").join(file).is_file(), "{file}");
    }
    let summary = desk.json("done/summary.json");
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["arms"][1]["done"], 6);
    assert!(!desk.at(".done.batch").exists(), "the working folder is gone");
    // The folder stands for its scenario, and a second batch replaces it.
    desk.run(&["batch", "done", "-n", "2", "--out", "done", "--no-plots"])
        .success();
}

#[test]
fn shards_merged_are_the_batch_file_by_file() {
    let desk = desk(&[QUIET, CHANCE]);
    let common = ["-n", "7", "--seed", "5"];
    desk.run(&[&["batch", "case.toml", "--out", "whole", "--no-plots"], &common[..]].concat())
        .success();
    for k in ["1", "2"] {
        let (shard, out) = (format!("{k}/2"), format!("part{k}"));
        desk.run(&[&["batch", "case.toml", "--shard", &shard, "--out", &out], &common[..]].concat())
            .success()
            .stdout(contains("`itbsim merge` joins the parts"));
    }
    desk.run(&["merge", "part2", "part1", "--out", "merged", "--no-plots"])
        .success();
    let mut compared = 0;
    for entry in std::fs::read_dir(desk.at("whole")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |folder: &str| std::fs::read(desk.at(folder).join(&name)).unwrap();
        assert!(read("whole") == read("merged"), "{name:?}");
        compared += 1;
    }
    assert!(compared >= 8);
    desk.run(&["merge", "part2", "--out", "half"])
        .code(2)
        .stderr(contains("replicates 0 to 2 of 7 are in none of the parts"));
    assert!(!desk.at("half").exists());
}

#[test]
fn arms_are_compared_in_pairs() {
    let desk = desk(&[QUIET, CHANCE, ARMS]);
    desk.run(&["compare", "case.toml", "-n", "6", "--csv", "pairs.csv"])
        .success()
        .stdout(contains("arm more: 6 of 6 replicates"));
    let table = desk.read("pairs.csv");
    assert!(table.starts_with("arm,against,outcome,n,of,mean_own,"));
    assert!(table.lines().skip(1).all(|l| l.starts_with("more,usual,")));
    desk.run(&["compare", "case.toml", "-n", "3", "--out", "pairs", "--json"])
        .success()
        .stdout(contains("\"against\": \"usual\""));
    assert!(desk.at("pairs").join("differences.csv").is_file());
}

#[test]
fn bad_requests_are_refused_and_nothing_is_written() {
    let desk = desk(&[QUIET]);
    for (args, words) in [
        (vec!["-n", "0"], "at least one replicate"),
        (vec!["-n", "-3"], "at least one replicate"),
        (vec!["-n", "2", "--shard", "5/4"], "shard 5/4 cannot be"),
        (vec!["-n", "2", "--shard", "x"], "write k/K"),
        (vec!["-n", "2", "--threads", "0"], "runs nothing"),
        (vec!["-n", "2", "--signals", "gsc"], "no signal is called `gsc`"),
        (vec!["-n", "2", "--sample", "0 h"], "above zero"),
        (
            vec!["-n", "2", "--sample", "1 s", "--signals", "gcs,flow_ml_per_day"],
            "wider --sample",
        ),
        (vec!["-n", "2", "--given", "catheter.kink"], "never comes by chance"),
        (vec!["-n", "2", "--tilt", "catheter.kink"], "no FAULT=FACTOR"),
    ] {
        desk.run(&[&["batch", "case.toml", "--out", "none"], &args[..]].concat())
            .code(2)
            .stderr(contains(words));
        assert!(
            !desk.at("none").exists() && !desk.at(".none.batch").exists(),
            "{args:?}"
        );
    }
}
