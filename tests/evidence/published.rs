//! Evidence files: complete, unambiguous, and judged as they say.

use std::collections::BTreeSet;

use itbsim::parameters::{Grade, SETS};
use itbsim::validate::{Evidence, EvidenceError, Layer, Role, Verdict, evaluate, evaluate_under};

const CASE: &str = r#"
[[case]]
id = "X-one"
title = "Half-life"
layer = "validation"
role = "check"
published = "1.5 h"
value = 1.5
accept = [1.2, 1.8]
unit = "h"
kinetic = true
argument = "because"
source = "somebody"
grade = "published"
measure = { what = "half_life", signal = "csf_l3_ng_per_ml", from = 0.5, to = 4.0, story = "needle" }
"#;

fn evidence() -> Evidence {
    Evidence::builtin().expect("the files of this crate")
}

#[test]
fn every_target_of_the_list_has_a_case_with_argument_source_and_a_unique_id() {
    let evidence = evidence();
    let ids: BTreeSet<&str> = evidence.cases.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids.len(), evidence.cases.len());
    for case in &evidence.cases {
        assert!(case.argument.len() > 8 && case.source.len() > 3, "{}", case.id);
    }
    let targets: BTreeSet<u32> = evidence.cases.iter().filter_map(|c| c.target).collect();
    let missing: Vec<u32> = (1..=20).filter(|t| !targets.contains(t)).collect();
    assert!(missing.is_empty(), "targets without a case: {missing:?}");
}

#[test]
fn what_is_fitted_to_and_what_is_kept_apart_are_never_mixed() {
    let evidence = evidence();
    for set in &evidence.sets {
        let fitted: Vec<_> = evidence
            .cases
            .iter()
            .filter(|c| c.set.as_deref() == Some(&set.id))
            .collect();
        assert!(!fitted.is_empty(), "{} has no case", set.id);
        assert!(fitted.iter().all(|c| c.role == Role::Fit), "{}", set.id);
        for key in &set.parameters {
            let p = itbsim::parameters::all()
                .find(|p| p.key == *key)
                .expect("it is checked on reading");
            assert_ne!(
                p.grade,
                Grade::Published,
                "{key} was read in a source and may not be fitted"
            );
        }
    }
    let layers: BTreeSet<Layer> = evidence.cases.iter().map(|c| c.layer).collect();
    assert_eq!(layers.len(), 3);
    assert!(
        evidence
            .cases
            .iter()
            .filter(|c| c.layer == Layer::Verification)
            .all(|c| c.role == Role::None)
    );
}

#[test]
fn an_interval_holds_the_published_figure_itself() {
    for case in &evidence().cases {
        // A miss that is argued away by an interval beside the figure would be no evidence.
        if let Some(v) = case.value {
            assert!(
                case.accept[0] <= v && v <= case.accept[1],
                "{}: {v} not in {:?}",
                case.id,
                case.accept
            );
        }
    }
}

#[test]
fn a_known_miss_says_of_which_kind_it_is() {
    for case in &evidence().cases {
        if let Some(why) = &case.known_miss {
            let kinds = ["Model gap", "Reading", "Conflict", "Defect"];
            assert!(kinds.iter().any(|k| why.starts_with(k)), "{}: {why}", case.id);
        }
    }
}

#[test]
fn both_named_sets_are_judged_side_by_side() {
    let e = evidence();
    let sets: Vec<_> = SETS.iter().collect();
    let report = evaluate_under(&e, |c| c.id.starts_with("T03") || c.id.starts_with("D72"), &[], &sets).unwrap();
    assert_eq!(report.sets, ["well-mixed", "steep-gradient"]);
    let ratio = report.findings.iter().find(|f| f.id == "T03-ratio").unwrap();
    let steep = &ratio.under[0];
    // Weak mixing keeps the drug low in the canal: the human ratio of about 4 is missed by far.
    assert!(
        steep.moved && !steep.within && steep.simulated.unwrap() > 40.0,
        "{steep:?}"
    );
    assert_eq!(ratio.verdict, Verdict::Met);
    // Arithmetic of the pump knows nothing of mixing.
    let pump = report.findings.iter().filter(|f| f.id.starts_with("D72"));
    assert!(pump.clone().count() > 10 && pump.clone().all(|f| !f.under[0].moved && f.under[0].within));
    assert_eq!(report.moved().count(), 1);
    assert_eq!(report.met_under(0, |_| true), report.met_under(1, |_| true) + 1);
    // Alone, a set gives the same number, and its miss is no known one.
    let alone = evaluate_under(&e, |c| c.id == "T03-ratio", &[], &sets[1..]).unwrap();
    assert_eq!(alone.findings[0].simulated, steep.simulated);
    assert_eq!(alone.findings[0].verdict, Verdict::Missed);
    // A replaced parameter has the last word over the set.
    let back: Vec<(String, f64)> = sets[1]
        .values
        .iter()
        .map(|p| p.key)
        .map(|key| (key.to_owned(), default(key)))
        .collect();
    let replaced = evaluate_under(&e, |c| c.id == "T03-ratio", &back, &sets).unwrap();
    assert!(!replaced.findings[0].under[0].moved);
    // The table has both.
    let table = String::from_utf8(report.csv().unwrap()).unwrap();
    let head = table.lines().next().unwrap();
    assert!(
        head.ends_with("set,simulated_steep_gradient,verdict_steep_gradient"),
        "{head}"
    );
}

fn default(key: &str) -> f64 {
    itbsim::parameters::all().find(|p| p.key == key).unwrap().value
}

#[test]
fn a_file_with_a_mistake_is_refused_by_name() {
    let read = |text: &str| Evidence::with("mine.toml", text).unwrap_err();
    assert!(matches!(read("[[case]]\nid = 1"), EvidenceError::Form { .. }));
    let twice = format!("{CASE}{CASE}");
    assert!(matches!(read(&twice), EvidenceError::Twice { id } if id == "X-one"));
    let nowhere = CASE.replace("needle", "nowhere");
    assert!(matches!(read(&nowhere), EvidenceError::Unknown { what: "story", .. }));
    let empty = CASE.replace("[1.2, 1.8]", "[1.8, 1.2]");
    assert!(matches!(read(&empty), EvidenceError::Senseless { .. }));
    let unargued = CASE.replace("because", " ");
    assert!(read(&unargued).to_string().contains("argument"));
    let fitted_check = CASE.replace("role = \"check\"", "role = \"check\"\nset = \"kinetics\"");
    assert!(read(&fitted_check).to_string().contains("`fit`"));
    let typo = CASE.replace("kinetic =", "kinetik =");
    assert!(matches!(read(&typo), EvidenceError::Form { .. }));
}

#[test]
fn a_question_that_cannot_be_put_is_an_error_and_not_a_miss() {
    for (from, to) in [
        ("half_life", "third_life"),
        ("csf_l3_ng_per_ml", "csf_l9_ng_per_ml"),
        ("signal = \"csf_l3_ng_per_ml\", ", ""),
        (
            "story = \"needle\"",
            "story = \"needle\", with = { dose = \"50 parsecs\" }",
        ),
    ] {
        let e = Evidence::with("mine.toml", &CASE.replace(from, to)).unwrap();
        let error = evaluate(&e, |c| c.id == "X-one", &[]).unwrap_err();
        assert_eq!(error.id, "X-one", "{from}: {error}");
    }
}

#[test]
fn verdicts_follow_the_interval_and_the_parameters() {
    let judge = |text: &str, parameters: &[(String, f64)]| {
        let e = Evidence::with("mine.toml", text).unwrap();
        evaluate(&e, |c| c.id == "X-one", parameters).unwrap()
    };
    let good = judge(CASE, &[]);
    assert_eq!(good.findings[0].verdict, Verdict::Met);
    assert!(good.all_met() && good.as_stated());
    let s = good.findings[0].simulated.unwrap();
    assert!((good.gmfe(Some(Role::Check)).unwrap() - (s / 1.5).max(1.5 / s)).abs() < 1e-12);

    let wrong = CASE
        .replace("value = 1.5", "value = 15.0")
        .replace("[1.2, 1.8]", "[12.0, 18.0]");
    let missed = judge(&wrong, &[]);
    assert_eq!(missed.findings[0].verdict, Verdict::Missed);
    assert!(!missed.all_met() && !missed.as_stated());

    let known = wrong.replace("kinetic = true", "kinetic = true\nknown_miss = \"wrong on purpose\"");
    let known = judge(&known, &[]);
    assert_eq!(known.findings[0].verdict, Verdict::KnownMiss);
    assert!(!known.all_met() && known.as_stated());

    let stale = CASE.replace("kinetic = true", "kinetic = true\nknown_miss = \"no longer\"");
    let stale = judge(&stale, &[]);
    assert_eq!(stale.findings[0].verdict, Verdict::Unexpected);
    assert!(stale.all_met() && !stale.as_stated());

    // Faster loss, shorter half-life: the replaced parameter reaches the run.
    let faster = judge(CASE, &[("kinetics.csf.loss_rate".to_owned(), 0.6)]);
    assert!(faster.findings[0].simulated.unwrap() < 0.8 * s);
}

#[test]
fn the_table_of_findings_reads_back() {
    let e = evidence();
    let report = evaluate(&e, |c| c.id.starts_with("D72") || c.id.starts_with("T01"), &[]).unwrap();
    assert!(report.findings.len() > 40);
    let bytes = report.csv().unwrap();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|h| h == name).expect("a column");
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.unwrap()).collect();
    assert_eq!(rows.len(), report.findings.len());
    for (row, finding) in rows.iter().zip(&report.findings) {
        assert_eq!(&row[column("id")], finding.id);
        assert_eq!(row[column("simulated")].parse::<f64>().ok(), finding.simulated);
        assert_eq!(row[column("argument")], finding.argument);
    }
}

#[test]
fn the_page_is_complete_and_loads_nothing() {
    let e = evidence();
    let report = evaluate(&e, |c| c.id.starts_with("D7") || c.id == "T01-half-life-50", &[]).unwrap();
    let page = itbsim::validate::page(&e, &report, &[]);
    assert_eq!(page, itbsim::validate::page(&e, &report, &[]), "the same bytes");
    assert!(!page.contains("id=\"sets\""), "one set alone has nothing beside it");
    let sets: Vec<_> = SETS.iter().collect();
    let both = evaluate_under(&e, |c| c.id == "T03-ratio" || c.id == "V15-walled-off", &[], &sets).unwrap();
    let beside = itbsim::validate::page(&e, &both, &[]);
    for part in [
        "id=\"sets\"",
        "Bernards 2006",
        "only well-mixed",
        "set after the fit",
        "1 of the accepted intervals",
    ] {
        assert!(beside.contains(part), "{part}");
    }
    for finding in &report.findings {
        assert!(page.contains(&format!("id=\"{}\"", finding.id)), "{}", finding.id);
    }
    for part in [
        "not for treating a person",
        "id=\"limits\"",
        "id=\"assumed\"",
        "id=\"use\"",
        "id=\"another-tool\"",
        "libRoadRunner 2",
        "prefers-color-scheme:dark",
        "@media print",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for limit in &e.limits {
        assert!(
            page.contains(&limit.id) || page.contains(&limit.so[..20]),
            "{}",
            limit.id
        );
    }
    for foreign in ["http-equiv", "src=", "href=\"http", "@import", "<script"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_wrong_figure_makes_the_exit_code_one_and_a_known_one_can_be_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.toml");
    let run = |text: &str, more: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let mut command = crate::cli_common::itbsim();
        command
            .args(["validate", "--only", "X-one", "--evidence"])
            .arg(&file)
            .args(more);
        command.assert()
    };
    run(CASE, &[]).code(0);
    let wrong = CASE
        .replace("value = 1.5", "value = 15.0")
        .replace("[1.2, 1.8]", "[12.0, 18.0]");
    run(&wrong, &[]).code(1);
    run(&wrong, &["--allow-known"]).code(1);
    let known = wrong.replace("kinetic = true", "kinetic = true\nknown_miss = \"on purpose\"");
    run(&known, &[]).code(1);
    run(&known, &["--allow-known"]).code(0);
    run(&CASE.replace("needle", "nowhere"), &[]).code(2);
    run(CASE, &["--only", "nothing-else", "--layer", "verification"]).code(2);
    run(CASE, &["--set", "steep-gradient"]).code(0);
    run(CASE, &["--set", "steep"]).code(2);
}

#[test]
fn the_folder_holds_page_table_and_summary_and_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("evidence");
    for _ in 0..2 {
        let mut command = crate::cli_common::itbsim();
        command.args(["validate", "--only", "D72", "--out"]).arg(&out);
        command.assert().code(0);
    }
    for name in ["validation.html", "validation.csv", "summary.json"] {
        assert!(out.join(name).metadata().unwrap().len() > 500, "{name}");
    }
}

#[test]
fn scenarios_are_held_to_their_own_expectations() {
    let desk = crate::cli_common::Desk::new();
    desk.write("good.toml", &[crate::cli_common::QUIET, crate::cli_common::MET]);
    desk.write("bad.toml", &[crate::cli_common::QUIET, crate::cli_common::UNMET]);
    desk.run(&["validate", "good.toml"]).code(0);
    let both = desk.run(&["validate", "good.toml", "bad.toml"]).code(1);
    let text = crate::cli_common::stdout(&both);
    assert!(
        text.contains("1 of 2 expectations met") && text.contains("MISSED"),
        "{text}"
    );
    desk.run(&["validate", "good.toml", "--only", "T01"]).code(2);
}

#[test]
fn evidence_that_asks_for_too_much_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.toml");
    let said = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = crate::cli_common::itbsim();
        command.args(["validate", "--only", "X", "--evidence"]).arg(&file);
        crate::cli_common::stderr(&command.assert().code(2))
    };
    let story = |body: &str| format!("{}[[story]]\nid = \"own\"\n{body}\n", CASE.replace("needle", "own"));
    let many = |n: &str, of: &str| {
        CASE.replace("kinetic = true", &format!("replicates = {n}\nstatistic = \"{of}\""))
            .replace("\nvalue = 1.5", "")
    };
    // Values that fill one another grow by powers.
    let marks: Vec<String> = (0..9)
        .map(|i| format!("v{i} = \"{}\"", format!("{{v{}}}", i + 1).repeat(10)))
        .collect();
    let powers = story(&format!("text = \"{{v0}}\"\nwith = {{ {} }}", marks.join(", ")));
    let table = |argument: &str, rows: usize| {
        format!(
            "[[table]]\nid = \"X\"\ntitle = \"t\"\nlayer = \"validation\"\nrole = \"check\"\nargument = \"{argument}\"\n\
             source = \"s\"\ngrade = \"assumed\"\ninputs = []\nrows = [{}]\n\
             outputs = [{{ name = \"y\", unit = \"1\", within = 1.0, measure = {{ what = \"alive\", story = \"needle\" }} }}]\n",
            "[1],".repeat(rows)
        )
    };
    let quiet = crate::cli_common::QUIET
        .replace("2 d", "36500 d")
        .replace("1 h", "53 min");
    let long = many("2", "mean").replace("needle", "own") + &format!("[[story]]\nid = \"own\"\ntext = {quiet:?}\n");
    for (text, words) in [
        (many("0", "median"), ["mine.toml:3:6", "1 to 10000"]),
        (many("100000000000000000", "mean"), ["mine.toml:3:6", "1 to 10000"]),
        (many("1", "sd"), ["mine.toml:3:6", "two replicates"]),
        (
            CASE.replace("value = 1.5", "value = inf"),
            ["mine.toml:3:6", "must be finite"],
        ),
        (powers, ["mine.toml:3:6", "longer than 1000000 bytes"]),
        (table("a", 10_001), ["mine.toml:2:6", "at most 10000"]),
        (table(&"a".repeat(9_000), 5_000), ["mine.toml:2:6", "at most 20000000"]),
        (long, ["mine.toml:3:6", "at most 15625000"]),
        (story("text = \"duration = 2\""), ["mine.toml:3:6", "story `own`"]),
        (story(""), ["mine.toml:17:6", "either a `text`"]),
        (
            CASE.replace("half_life", "half_live"),
            ["mine.toml:3:6", "did you mean `half_life`?"],
        ),
        (
            CASE.replace("\"needle\"", "\"nedle\""),
            ["mine.toml:3:6", "did you mean `needle`?"],
        ),
        (format!("{CASE}{CASE}"), ["mine.toml:18:6", "stands twice"]),
        (
            CASE.replace("kinetic =", "kinetik ="),
            ["mine.toml: line 11, column 1", "kinetik"],
        ),
        ("\0".to_owned(), ["mine.toml", "no text file"]),
        (" ".repeat(1_000_001), ["mine.toml", "1 MB"]),
    ] {
        let told = said(&text);
        for word in words {
            assert!(told.contains(word), "`{word}` is missing\n{told}");
        }
        assert!(!told.contains("panicked") && told.len() < 10_000, "{told}");
    }
}

#[test]
fn a_course_is_drawn_under_a_plain_name_and_with_finite_numbers() {
    let course = |id: &str, more: &str| {
        let text = format!(
            "[[course]]\nid = \"{id}\"\ntitle = \"t\"\nstory = \"needle\"\nsignal = \"csf_l3_ng_per_ml\"\naxis = \"a\"\n\
             source = \"s\"\ngrade = \"assumed\"\n{more}\n"
        );
        Evidence::with("mine.toml", &text)
    };
    course("mine-1", "until = 4.0\npoints = [[1.0, 2.0, 0.0]]").unwrap();
    for (id, more) in [
        ("../mine", "until = 4.0\npoints = []"),
        ("", "until = 4.0\npoints = []"),
        ("mine", "until = inf\npoints = []"),
        ("mine", "until = 0.0\npoints = []"),
        ("mine", "until = 4.0\npoints = [[1.0, nan, 0.0]]"),
    ] {
        let error = course(id, more).unwrap_err();
        assert!(matches!(error, EvidenceError::Senseless { .. }), "{id} {more}: {error}");
    }
}

#[test]
fn a_parameter_file_has_its_mistakes_shown_with_line_and_suggestion() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.toml");
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = crate::cli_common::itbsim();
        command.args(["validate", "--only", "T01", "--parameters"]).arg(&file);
        command.assert()
    };
    for (text, words) in [
        (
            "[parameters]\n\"kinetics.csf.loss_rat\" = \"1 1/h\"",
            ["mine.toml:2:1", "did you mean `kinetics.csf.loss_rate`?"],
        ),
        (
            "[parameters]\n\"kinetics.csf.loss_rate\" = nan",
            ["mine.toml:2:28", "0.1 to 0.9"],
        ),
        (
            "[parameters]\n\"kinetics.csf.loss_rate\" = [1]",
            ["mine.toml:2:28", "a quantity is needed"],
        ),
        (
            "[parameters]\n\"kinetics.csf.loss_rate\" = 0.3\nkinetics.csf.loss_rate = 0.4",
            ["mine.toml:3:14", "given twice"],
        ),
        ("parameters = 1", ["mine.toml:1:14", "a table is needed"]),
        ("", ["mine.toml:1:1", "no [parameters]"]),
    ] {
        let told = crate::cli_common::stderr(&run(text).code(2));
        for word in words {
            assert!(told.contains(word), "`{word}` is missing\n{told}");
        }
    }
    // A bare number counts in the unit of its parameter, quoted or dotted, with whatever line ends.
    let found = |text: &str| itbsim::scenario::parameters_from_str("mine.toml", text).unwrap();
    let expected = vec![("kinetics.csf.loss_rate".to_owned(), 0.6)];
    assert_eq!(found("[parameters]\n\"kinetics.csf.loss_rate\" = 0.6"), expected);
    assert_eq!(
        found("\u{feff}[parameters]\r\nkinetics.csf.loss_rate = \"0.01 1/min\"\r\n"),
        expected
    );
}
