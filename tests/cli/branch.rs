//! `itbsim branch` and `itbsim diff`: another decision, the same past.

use crate::cli_common::{Desk, QUIET, STALL, stderr, stdout, table};

const RESCUE: &str = "lumbar_bolus = { dose = \"50 ug\", level = \"L3\" }";

#[test]
fn a_branch_shares_its_past_and_parts_at_the_decision() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    let run = desk
        .run(&[
            "branch",
            "s.toml",
            "--at",
            "20 h",
            "--do",
            RESCUE,
            "--out",
            "o",
            "--no-plots",
        ])
        .code(0);
    let told = stdout(&run);
    assert!(told.contains("action.decision1 done: 50 ug at L3"), "{told}");
    let rows = |arm: &str| table(&desk.read(&format!("o/{arm}/events.csv"))).1;
    let (past, branch) = (rows("as-it-was"), rows("branch"));
    let before = |rows: &[Vec<String>]| -> Vec<Vec<String>> {
        let early = rows.iter().filter(|r| r[1].parse::<f64>().unwrap() < 20.0);
        early.map(|r| r[1..6].to_vec()).collect()
    };
    assert!(before(&past).len() > 5);
    assert_eq!(before(&past), before(&branch));
    assert!(!past.iter().any(|r| r[3].contains("decision")));
    // The story as it was is the story run by itself.
    desk.run(&["run", "s.toml", "--out", "alone", "--no-plots"]).code(0);
    assert_eq!(
        desk.json("alone/summary.json")["fingerprint"],
        desk.json("o/as-it-was/summary.json")["fingerprint"]
    );
    assert_eq!(
        desk.read("alone/timeseries.csv"),
        desk.read("o/as-it-was/timeseries.csv")
    );
    // Diff of the folders says what branch said.
    let diff = stdout(&desk.run(&["diff", "o/as-it-was", "o/branch"]).code(0));
    assert!(diff.contains("action.decision1 done: 50 ug at L3"), "{diff}");
    let same = stdout(&desk.run(&["diff", "o/as-it-was", "alone"]).code(0));
    assert!(same.starts_with("the same "), "{same}");
}

#[test]
fn a_branch_can_leave_out_change_and_add() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    desk.write(
        "more.toml",
        &["[[programme]]\nid = \"off\"\nat = \"30 h\"\nstopped = true\n"],
    );
    let run = desk
        .run(&[
            "branch",
            "s.toml",
            "--at",
            "6 h",
            "--without",
            "stuck",
            "--with",
            "more.toml",
            "--out",
            "o",
            "--no-plots",
        ])
        .code(0);
    assert!(stdout(&run).contains("only in as-it-was"), "{}", stdout(&run));
    let events = desk.read("o/branch/events.csv");
    assert!(!events.contains("fault.stuck") && events.contains("programme.off"));
    assert!(desk.read("o/as-it-was/events.csv").contains("fault.stuck"));
    // What is set later than the decision is no change of the past.
    desk.run(&[
        "branch",
        "s.toml",
        "--at",
        "6 h",
        "--set",
        "fault.stuck.at=40 h",
        "--out",
        "p",
        "--no-plots",
    ])
    .code(0);
    let stuck = desk.read("p/branch/events.csv");
    assert!(
        stuck.lines().any(|l| l.contains(",40,fault,fault.stuck,start")),
        "{stuck}"
    );
}

#[test]
fn a_run_is_branched_by_its_folder_with_its_seed() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    desk.run(&["run", "s.toml", "--out", "r", "--seed", "9", "--no-plots"])
        .code(0);
    assert!(desk.read("r/scenario.toml").starts_with("seed = 9\n"));
    desk.run(&[
        "branch",
        "r",
        "--at",
        "20 h",
        "--do",
        RESCUE,
        "--out",
        "o",
        "--no-plots",
    ])
    .code(0);
    assert_eq!(desk.json("o/as-it-was/summary.json")["seed"], 9);
    // The folder is as good as the file.
    desk.run(&["run", "r", "--out", "again", "--no-plots"]).code(0);
    assert_eq!(
        desk.json("r/summary.json")["fingerprint"],
        desk.json("again/summary.json")["fingerprint"]
    );
    assert_eq!(desk.read("r/scenario.toml"), desk.read("again/scenario.toml"));
}

#[test]
fn what_is_no_branch_is_refused_and_leaves_nothing() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    desk.write(
        "arms.toml",
        &[
            QUIET,
            STALL,
            "[[arm]]\nid = \"a\"\n[[arm]]\nid = \"b\"\nwithout = [\"stuck\"]\n",
        ],
    );
    for (words, wanted) in [
        (vec!["s.toml", "--at", "20 h"], "nothing is decided"),
        (
            vec!["s.toml", "--at", "20 h", "--set", "pump.gain=1.1"],
            "changes what happened before 20 h",
        ),
        (
            vec!["s.toml", "--at", "20 h", "--without", "stuck"],
            "changes what happened before 20 h",
        ),
        (
            vec!["s.toml", "--at", "20 h", "--without", "stuk"],
            "did you mean `stuck`?",
        ),
        (vec!["s.toml", "--at", "20", "--do", RESCUE], "no unit"),
        (vec!["s.toml", "--at", "-1 h", "--do", RESCUE], "before the start"),
        (
            vec!["s.toml", "--at", "9 d", "--do", RESCUE],
            "after the end of the run",
        ),
        (
            vec!["s.toml", "--at", "20 h", "--do", "lumbar_bollus = true"],
            "lumbar_bolus",
        ),
        (vec!["s.toml", "--at", "20 h", "--set", "pump.gain"], "PATH=VALUE"),
        (vec!["s.toml", "--at", "20 h", "--with", "none.toml"], "none.toml"),
        (
            vec!["arms.toml", "--arm", "c", "--at", "20 h", "--do", RESCUE],
            "has no arm",
        ),
        (vec!["none.toml", "--at", "20 h", "--do", RESCUE], "none.toml"),
    ] {
        let words: Vec<&str> = ["branch"].into_iter().chain(words).chain(["--out", "o"]).collect();
        let run = desk.run(&words).code(2);
        assert!(stderr(&run).contains(wanted), "{words:?}\n{}", stderr(&run));
        assert!(!desk.at("o").exists(), "{words:?}");
    }
    desk.run(&[
        "branch",
        "arms.toml",
        "--arm",
        "a",
        "--at",
        "20 h",
        "--do",
        RESCUE,
        "--out",
        "o",
        "--no-plots",
    ])
    .code(0);
    let run = desk.run(&["diff", "o", "o/branch"]).code(2);
    assert!(stderr(&run).contains("an arm's own folder"), "{}", stderr(&run));
}
