//! `itbsim run` as its users meet it: the folder, the summary, the exit codes.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::cli_common::{Desk, MET, QUIET, STALL, UNMET, stderr, stdout, table};
use itbsim::signals::Level;

const TABLES: [&str; 9] = [
    "timeseries.csv",
    "events.csv",
    "symptoms.csv",
    "ledger.csv",
    "alarms.csv",
    "device_log.csv",
    "visits.csv",
    "outcomes.csv",
    "summary.json",
];

#[test]
fn the_quick_start_works_and_tells_what_happened() {
    let desk = Desk::new();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/missed-refill.toml");
    let run = desk.run(&["run", scenario]).code(0);
    let told = stdout(&run);
    for part in [
        "A refill is missed",
        "reservoir empty at day 15",
        "after reservoir empty",
        "peaks",
        "4 of 4 met",
        "closed to",
        "fingerprint",
        "out/missed-refill",
        "not for treating a person",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    for file in TABLES {
        assert!(desk.at("out/missed-refill").join(file).is_file(), "{file}");
    }
    assert!(desk.at("out/missed-refill/scenario.toml").is_file());
    let plots: Vec<String> = desk
        .tree()
        .into_iter()
        .filter(|f| f.starts_with("out/missed-refill/plots/"))
        .collect();
    assert!(
        plots.iter().any(|f| f.ends_with(".png")) && plots.iter().any(|f| f.ends_with(".svg")),
        "{plots:?}"
    );
}

#[test]
fn the_tables_have_the_promised_columns() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    desk.run(&["run", "s.toml", "--out", "o", "--no-plots"]).code(0);
    assert!(!desk.at("o/plots").exists());

    let (header, rows) = table(&desk.read("o/timeseries.csv"));
    assert_eq!(header[0], "time_h");
    let mut wanted: Vec<String> = Level::ALL
        .iter()
        .map(|l| format!("csf_{}_ng_per_ml", l.lower()))
        .collect();
    assert_eq!(wanted.len(), 26);
    wanted.extend(
        [
            "programmed_ug_per_day",
            "delivered_ug_per_day",
            "flow_ml_per_day",
            "reservoir_ml",
            "believed_reservoir_ml",
            "delivered_ml",
            "believed_delivered_ml",
            "believed_low_alarm_in_h",
            "believed_service_left_h",
            "catheter_tip_ug_per_ml",
            "csf_cisternal_ng_per_ml",
            "plasma_ng_per_ml",
            "effect_legs",
            "effect_arms",
            "effect_brainstem",
            "ashworth_legs",
            "ashworth_arms",
            "spasm_score",
            "tolerance",
            "withdrawal_index",
            "sedation",
            "gcs",
            "heart_rate_per_min",
            "temperature_c",
            "resp_rate_per_min",
            "systolic_mmhg",
        ]
        .map(str::to_owned),
    );
    for name in wanted {
        assert!(header.contains(&name), "{name} is missing");
    }
    // Two days, a row an hour, both ends included; every cell a finite number.
    assert_eq!(rows.len(), 49);
    for (k, row) in rows.iter().enumerate() {
        assert_eq!(row[0].parse::<f64>().unwrap(), k as f64);
        assert!(row.iter().all(|c| c.parse::<f64>().unwrap().is_finite()));
    }

    let events = desk.read("o/events.csv");
    assert_eq!(
        events.lines().next(),
        Some("event_id,time_h,phase,component,kind,detail,caused_by")
    );
    let (_, rows) = table(&events);
    for (k, row) in rows.iter().enumerate() {
        let (id, cause): (u64, u64) = (row[0].parse().unwrap(), row[6].parse().unwrap());
        assert_eq!(id, k as u64 + 1);
        assert!(cause < id, "event {id} cannot be caused by {cause}");
    }
    let of = |component: &str, kind: &str| rows.iter().find(|r| r[3] == component && r[4] == kind).unwrap();
    assert_eq!(
        of("programme.maintenance", "start")[6],
        "0",
        "the scenario itself starts it"
    );
    assert_eq!(of("fault.stuck", "start")[6], "0", "the scenario itself starts it");
    assert_eq!(of("pump", "stalled")[6], of("fault.stuck", "start")[0]);

    let symptoms = desk.read("o/symptoms.csv");
    assert_eq!(
        symptoms.lines().next(),
        Some("symptom,syndrome,onset_h,resolved_h,severity,caused_by")
    );
    let (_, rows) = table(&symptoms);
    assert!(
        rows.iter().any(|r| r[0] == "spasms_increased" && r[1] == "withdrawal"),
        "{symptoms}"
    );

    let log = desk.read("o/device_log.csv");
    assert!(
        log.starts_with("time_h,entry,class,priority\n0,programme.maintenance,,\n"),
        "{log}"
    );
    assert!(log.contains(",alarm.motor_stall,critical,high\n"), "{log}");
    let (header, rows) = table(&desk.read("o/alarms.csv"));
    assert_eq!(
        header.join(","),
        "alarm,class,priority,raised_h,silenced_h,cleared_h,tones,heard_h,heard_tone"
    );
    assert_eq!(rows[0][..3], ["motor_stall", "critical", "high"]);
    assert_eq!(
        desk.read("o/visits.csv"),
        "time_h,visit,expected_ml,aspirated_ml,injected_ml,discrepancy_ml,percent,verdict\n"
    );

    let (header, rows) = table(&desk.read("o/ledger.csv"));
    assert_eq!(header[0], "time_h");
    let residual = header.iter().position(|c| c == "residual").unwrap();
    assert!(rows.iter().all(|r| r[residual].parse::<f64>().unwrap().abs() < 1e-9));
}

#[test]
fn the_summary_names_run_outcome_symptoms_claims_and_files() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL, MET, UNMET]);
    let run = desk
        .run(&["run", "s.toml", "--out", "o", "--no-plots", "--json"])
        .code(1);
    let file = desk.json("o/summary.json");
    let printed: serde_json::Value = serde_json::from_str(&stdout(&run)).unwrap();
    assert_eq!(printed["folder"], "o");
    for key in [
        "version",
        "scenario",
        "scenario_hash",
        "seed",
        "fingerprint",
        "outcome",
        "ledger_residual",
        "first_symptoms",
        "expectations",
        "disclaimer",
    ] {
        assert!(!file[key].is_null(), "{key} is missing");
        assert_eq!(file[key], printed[key], "{key}");
    }
    assert_eq!(file["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(file["scenario_hash"].as_str().unwrap().len(), 64);
    assert_eq!(file["fingerprint"].as_str().unwrap().len(), 16);
    assert_eq!(file["outcome"], "alive");
    assert!(file["ledger_residual"].as_f64().unwrap().abs() < 1e-9);
    assert_eq!(
        (&file["expectations_met"], &file["expectations_total"]),
        (&1.into(), &2.into())
    );
    // 0.15 mL/day for 6 of the 48 h that the pump counts.
    let gap = |key: &str| file["belief"][key].as_f64().unwrap();
    assert_eq!(
        (gap("time_h"), file["belief"].clone()),
        (48.0, printed["belief"].clone())
    );
    assert!((gap("delivered_ml") - 0.0375).abs() < 1e-9 && (gap("believed_delivered_ml") - 0.3).abs() < 1e-9);
    assert!((gap("delivered_gap_ml") - 0.2625).abs() < 1e-9 && (gap("reservoir_gap_ml") + 0.2625).abs() < 1e-9);
    assert_eq!(file["expectations"][0]["met"], true);
    assert_eq!(file["expectations"][1]["met"], false);
    assert_eq!(file["first_fault_h"], 6.0);
    let first = file["first_symptoms"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["symptom"] == "spasms_increased")
        .unwrap();
    assert_eq!(
        first["hours_after_fault"].as_f64().unwrap(),
        first["onset_h"].as_f64().unwrap() - 6.0
    );
    let files: Vec<&str> = file["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f.as_str().unwrap())
        .collect();
    assert_eq!(files[0], "scenario.toml");
    assert_eq!(files[1..], TABLES);
}

#[test]
fn a_failed_claim_is_told_in_plain_words_and_ends_with_one() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, UNMET]);
    let run = desk.run(&["run", "s.toml", "--out", "o", "--no-plots"]).code(1);
    let told = stdout(&run);
    assert!(told.contains("0 of 1 met"), "{told}");
    assert!(
        told.contains("alarm.low_reservoir.raised between 1.0 h and 2.0 h: found: it never happened"),
        "{told}"
    );
    assert!(!told.contains("wanted ,"), "{told}");
    assert!(desk.at("o/summary.json").is_file(), "the run itself is complete");
}

#[test]
fn two_runs_leave_the_same_bytes_pictures_included() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    desk.run(&["run", "s.toml", "--out", "a"]).code(0);
    desk.command()
        .env("RAYON_NUM_THREADS", "1")
        .args(["run", "s.toml", "--out", "b"])
        .assert()
        .code(0);
    let names: Vec<String> = desk
        .tree()
        .into_iter()
        .filter_map(|f| f.strip_prefix("a/").map(str::to_owned))
        .collect();
    assert!(names.iter().filter(|f| f.ends_with(".png")).count() >= 5, "{names:?}");
    for name in names.iter().filter(|n| !n.is_empty() && !n.ends_with('/')) {
        let (a, b) = (
            fs::read(desk.at("a").join(name)).unwrap(),
            fs::read(desk.at("b").join(name)).unwrap(),
        );
        assert!(a == b, "{name} differs");
        assert!(!a.is_empty(), "{name} is empty");
    }
    // Every file is named in the summary, and nothing else.
    let mut listed: Vec<String> = desk.json("a/summary.json")["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f.as_str().unwrap().to_owned())
        .collect();
    listed.sort();
    let mut found: Vec<String> = names
        .into_iter()
        .filter(|n| !n.is_empty() && !n.ends_with('/'))
        .collect();
    found.sort();
    assert_eq!(listed, found);
}

#[test]
fn arms_get_a_folder_each_and_the_whole_can_be_replaced() {
    let desk = Desk::new();
    let arms = "[[arm]]\nid = \"stall\"\n[[arm]]\nid = \"sound\"\nwithout = [\"stuck\"]\n";
    desk.write("s.toml", &[QUIET, STALL, arms]);
    for _ in 0..2 {
        let run = desk
            .run(&["run", "s.toml", "--out", "o", "--no-plots", "--json"])
            .code(0);
        let printed: serde_json::Value = serde_json::from_str(&stdout(&run)).unwrap();
        assert_eq!(printed[0]["arm"], "stall");
        assert_eq!(printed[1]["arm"], "sound");
        for arm in ["stall", "sound"] {
            for file in TABLES {
                assert!(desk.at("o").join(arm).join(file).is_file(), "{arm}/{file}");
            }
        }
        assert_eq!(desk.json("o/summary.json")["arms"][1]["arm"], "sound");
    }
    // Same patient, same luck: up to the fault the arms agree to the last bit.
    let rows = |arm: &str| -> Vec<String> {
        desk.read(&format!("o/{arm}/timeseries.csv"))
            .lines()
            .take(7)
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(rows("stall"), rows("sound"));
}

#[test]
fn arms_that_would_share_a_folder_are_refused() {
    let desk = Desk::new();
    for (first, second) in [("a", "A"), ("plots", "b")] {
        let arms = format!("[[arm]]\nid = \"{first}\"\n[[arm]]\nid = \"{second}\"\n");
        desk.write("s.toml", &[QUIET, &arms]);
        let run = desk.run(&["run", "s.toml", "--out", "o"]).code(2);
        assert!(stderr(&run).contains("folder of its own"), "{}", stderr(&run));
        assert!(!desk.at("o").exists());
    }
}

#[test]
fn the_seed_of_the_command_line_wins_and_any_u64_will_do() {
    let desk = Desk::new();
    // Ten stalls a day on average: when the first comes is luck.
    desk.write(
        "s.toml",
        &[
            QUIET,
            "[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nhazard = \"3650 /year\"\n",
        ],
    );
    let print = |seed: &[&str]| {
        let run = desk
            .run(&[&["run", "s.toml", "--out", "o", "--no-plots", "--json"], seed].concat())
            .code(0);
        let value: serde_json::Value = serde_json::from_str(&stdout(&run)).unwrap();
        (
            value["seed"].as_u64().unwrap(),
            value["fingerprint"].as_str().unwrap().to_owned(),
        )
    };
    let own = print(&[]);
    assert_eq!(own.0, 1);
    assert_eq!(print(&["--seed", "1"]), own);
    let largest = print(&["--seed", "18446744073709551615"]);
    assert_eq!(largest.0, u64::MAX);
    assert_ne!(largest.1, own.1, "the stall comes by chance");
}

#[test]
fn the_spacing_of_rows_changes_no_result() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    desk.run(&["run", "s.toml", "--out", "fine", "--no-plots", "--sample", "15min"])
        .code(0);
    desk.run(&["run", "s.toml", "--out", "coarse", "--no-plots", "--sample", "6 h"])
        .code(0);
    let (fine, coarse) = (
        table(&desk.read("fine/timeseries.csv")).1,
        table(&desk.read("coarse/timeseries.csv")).1,
    );
    assert_eq!((fine.len(), coarse.len()), (193, 9));
    for (k, row) in coarse.iter().enumerate() {
        assert_eq!(*row, fine[24 * k]);
    }
    assert_eq!(desk.read("fine/events.csv"), desk.read("coarse/events.csv"));
}

#[test]
fn a_dash_reads_standard_input() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET]);
    desk.run(&["run", "s.toml", "--out", "file", "--no-plots"]).code(0);
    desk.command()
        .args(["run", "-", "--no-plots"])
        .write_stdin(QUIET)
        .assert()
        .code(0);
    assert_eq!(desk.read("out/stdin/timeseries.csv"), desk.read("file/timeseries.csv"));
    assert_eq!(desk.read("out/stdin/events.csv"), desk.read("file/events.csv"));

    // `extends` starts from the current folder; mistakes have a place here too.
    desk.command()
        .args(["check", "-"])
        .write_stdin("extends = \"s.toml\"\n")
        .assert()
        .code(0);
    let bad = desk
        .command()
        .args(["check", "-"])
        .write_stdin("extends = \"s.toml\"\nlenght = 3\n")
        .assert()
        .code(2);
    assert!(stderr(&bad).contains("stdin:2:1"), "{}", stderr(&bad));
    let endless = desk
        .command()
        .args(["check", "-"])
        .write_stdin(vec![b'#'; 2_000_000])
        .assert()
        .code(2);
    assert!(stderr(&endless).contains("larger than 1 MB"), "{}", stderr(&endless));
    desk.command()
        .args(["check", "-"])
        .write_stdin(vec![0xff, 0xfe, 0])
        .assert()
        .code(2);
}

#[test]
fn a_folder_of_an_earlier_run_is_replaced_whole() {
    let desk = Desk::new();
    desk.write("stall.toml", &[QUIET, STALL]).write("quiet.toml", &[QUIET]);
    desk.run(&["run", "stall.toml", "--out", "o"]).code(0);
    assert!(desk.at("o/plots").is_dir());
    desk.run(&["run", "quiet.toml", "--out", "o", "--no-plots"]).code(0);
    assert!(!desk.at("o/plots").exists(), "pictures of the earlier run would lie");
    assert_eq!(desk.json("o/summary.json")["scenario"], "quiet");
    assert!(desk.tree().iter().all(|f| !f.starts_with('.')), "{:?}", desk.tree());
}

#[test]
fn a_place_that_is_not_ours_is_left_alone() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET]);
    fs::create_dir(desk.at("thesis")).unwrap();
    desk.write("thesis/chapter.txt", &["mine"]);
    desk.write("file", &["mine"]);
    let before = desk.tree();
    for (target, why) in [
        ("thesis", "not empty"),
        ("file", "is a file"),
        ("file/below", "cannot"),
        ("s.toml", "is a file"),
    ] {
        let run = desk.run(&["run", "s.toml", "--out", target, "--no-plots"]).code(2);
        let said = stderr(&run);
        assert!(
            said.contains(why) && said.contains("nothing was written"),
            "{target}: {said}"
        );
        assert_eq!(desk.tree(), before);
    }
    assert_eq!(desk.read("thesis/chapter.txt"), "mine");
    // An empty folder is as good as none.
    fs::create_dir(desk.at("empty")).unwrap();
    desk.run(&["run", "s.toml", "--out", "empty", "--no-plots"]).code(0);
}

#[cfg(target_os = "linux")]
#[test]
fn an_unwritable_place_is_bad_input() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET]);
    // Not even the superuser can make a folder there.
    let run = desk
        .run(&["run", "s.toml", "--out", "/proc/itbsim-out", "--no-plots"])
        .code(2);
    assert!(stderr(&run).contains("/proc/itbsim-out"), "{}", stderr(&run));
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_leaves_nothing() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET]);
    // A limit on file size stands in for a full disk: the table does not fit.
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{}' run s.toml --out deep/o --no-plots",
        bin().display()
    );
    let run = assert_cmd::Command::new("sh")
        .current_dir(desk.path())
        .args(["-c", &script])
        .assert()
        .code(2);
    let said = stderr(&run);
    assert!(
        said.contains("deep/o/timeseries.csv") && said.contains("nothing was written"),
        "{said}"
    );
    assert_eq!(desk.tree(), ["s.toml"]);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_printed_is_an_error_but_a_closed_pipe_is_not() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, MET]).write("unmet.toml", &[QUIET, UNMET]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = std::process::Command::new(bin())
        .args(["schema"])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));

    for (words, code) in [
        (vec!["schema"], 0),
        (vec!["parameters"], 0),
        (vec!["list", "events"], 0),
        (vec!["completions", "bash"], 0),
        (vec!["system", "s.toml"], 0),
        (vec!["run", "s.toml", "--no-plots"], 0),
        (vec!["run", "unmet.toml", "--no-plots"], 1),
    ] {
        let mut child = std::process::Command::new(bin())
            .args(&words)
            .current_dir(desk.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{words:?}: {said}");
        assert_eq!(said, "", "{words:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing_or_the_earlier_run() {
    let desk = Desk::new();
    let long = QUIET
        .replace("2 d", "3 yr")
        .replace("1 h", "5 min")
        .replace("300 ug", "96 ug");
    desk.write("long.toml", &[&long]).write("short.toml", &[QUIET]);
    desk.run(&["run", "short.toml", "--out", "kept", "--no-plots"]).code(0);
    let before = desk.tree();
    for (signal, target) in [("INT", "new/o"), ("TERM", "new/o"), ("TERM", "kept")] {
        let mut child = std::process::Command::new(bin())
            .args(["run", "long.toml", "--no-plots", "--out", target])
            .current_dir(desk.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The folder in the making shows that the run is under way.
        let start = Instant::now();
        while !desk.tree().iter().any(|f| f.contains(".partial-")) {
            assert!(start.elapsed() < Duration::from_secs(60), "the run never began");
            assert_eq!(
                child.try_wait().unwrap(),
                None,
                "the run ended too early to be interrupted"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        let sent = std::process::Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(desk.tree(), before, "{signal}");
    }
}

fn bin() -> std::path::PathBuf {
    assert_cmd::cargo::cargo_bin("itbsim")
}
