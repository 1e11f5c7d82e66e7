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

#[test]
fn a_mistake_in_the_file_of_a_decision_is_shown_at_its_own_line() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET, STALL]);
    let said = |more: &str, words: &[&str]| {
        desk.write("more.toml", &[more]);
        let all = [
            &[
                "branch",
                "s.toml",
                "--at",
                "20 h",
                "--with",
                "more.toml",
                "--no-plots",
                "--out",
                "o",
            ],
            words,
        ]
        .concat();
        let said = stderr(&desk.run(&all).code(2));
        assert_eq!(desk.tree(), ["more.toml", "s.toml"], "{said}");
        said
    };
    let act = "\n[[action]]\nid = \"a\"\nat = \"30 h\"\n";
    // What else is decided does not move the lines.
    let unknown = said(&format!("{act}raise_dos = \"20 %\"\n"), &["--without", "stuck"]);
    assert!(
        unknown.contains("more.toml:5:1") && unknown.contains("did you mean `raise_dose`?"),
        "{unknown}"
    );
    let twice = said(
        &format!("{act}raise_dose = \"20 %\"\n").replace("\"a\"", "\"decision1\""),
        &["--do", RESCUE],
    );
    assert!(
        twice.contains("two blocks of the decision have the id `decision1`"),
        "{twice}"
    );
    let known = said("[set]\n\"patient.weight\" = 50\n", &["--set", "pump.gain=1.1"]);
    assert!(known.contains("more.toml:2:20") && known.contains("50 kg"), "{known}");
    let binary = said("\0", &[]);
    assert!(
        binary.contains("cannot read `more.toml`: byte 0 is not UTF-8"),
        "{binary}"
    );
    let paths: String = (0..3000).map(|i| format!("\"parameters.x{i}\" = 1\n")).collect();
    let flood = said(&format!("[set]\n{paths}"), &[]);
    assert!(
        flood.contains("more.toml:1:2") && flood.contains("at most 2000"),
        "{flood}"
    );
}

#[test]
fn what_both_file_and_options_leave_out_is_left_out() {
    let desk = Desk::new();
    desk.write(
        "s.toml",
        &[
            QUIET,
            STALL,
            "[[action]]\nid = \"look\"\nat = \"30 h\"\ninterrogate = true\n",
        ],
    );
    desk.write("more.toml", &["without = [\"look\"]\n"]);
    let words = [
        "branch",
        "s.toml",
        "--at",
        "1 h",
        "--with",
        "more.toml",
        "--without",
        "stuck",
        "--no-plots",
        "--out",
        "o",
    ];
    desk.run(&words).code(0);
    let events = desk.read("o/branch/events.csv");
    assert!(
        !events.contains("fault.stuck") && !events.contains("action.look"),
        "{events}"
    );
    assert!(desk.read("o/as-it-was/events.csv").contains("action.look"));
}

#[test]
fn a_folder_that_is_no_run_is_not_compared() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET]);
    desk.run(&["run", "s.toml", "--out", "good", "--no-plots"]).code(0);
    std::fs::create_dir(desk.at("bad")).unwrap();
    for (text, words) in [
        ("x\n", "it has no column `time_h`"),
        ("", "it has no column `time_h`"),
        (
            "event_id,time_h,phase,component,kind,detail,caused_by\n1,2\n",
            "line: 2",
        ),
    ] {
        desk.write("bad/events.csv", &[text]);
        let said = stderr(&desk.run(&["diff", "good", "bad"]).code(2));
        assert!(said.contains(words) && said.contains("help:"), "{said}");
    }
    let said = stderr(&desk.run(&["merge", "good", "--out", "m"]).code(2));
    assert!(said.contains("itbsim batch --shard"), "{said}");
}

#[test]
fn the_page_of_a_damaged_run_is_refused() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET]);
    desk.run(&["run", "s.toml", "--out", "r", "--no-plots"]).code(0);
    let whole = desk.read("r/summary.json");
    for text in [&whole[..whole.len() / 2], "[]", "{}"] {
        desk.write("r/summary.json", &[text]);
        let said = stderr(&desk.run(&["report", "r", "-o", "p.html"]).code(2));
        assert!(said.contains("is damaged") && said.contains("help:"), "{said}");
        assert!(!desk.tree().contains(&"p.html".to_owned()));
    }
    desk.write("r/summary.json", &[&whole]);
    desk.run(&["report", "r", "-o", "p.html", "--no-but-for"]).code(0);
}
