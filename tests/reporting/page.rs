//! The report page: what it holds, what it hides, and that it needs nothing from anywhere.

use std::fs;

use crate::cli_common::{Desk, QUIET, STALL, stderr, stdout};
use itbsim::report::page::{
    BarKind, PageData, PageError, PageOptions, PhaseName, Role, SIZE_LIMIT, json, page_of_story, render,
};
use itbsim::scenario::model::Story;
use itbsim::simulation::Registry;

fn shipped(name: &str) -> Story {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    itbsim::scenario::load(path.as_ref(), &Registry::builtin().catalog()).unwrap()
}

fn written(text: &str) -> Story {
    itbsim::scenario::load_str("case", text, None, &Registry::builtin().catalog()).unwrap_or_else(|e| panic!("{e}"))
}

fn page(story: &Story) -> PageData {
    page_of_story(story, &Registry::builtin(), &PageOptions::default()).unwrap()
}

/// Six days with a kink on the second, and a stall if wanted.
fn week(more: &str) -> String {
    format!(
        r#"
title = "A week"
lesson = "What the teacher wants to say at the end."
duration = "6 d"
sample = "1 h"
[patient]
history = "established"
[pump]
gain = 1.0
reservoir = {{ fill = "18 mL", concentration = "2 mg/mL" }}
[[programme]]
id = "maintenance"
at = "0 d"
simple_continuous = "400 ug/day"
{more}
"#
    )
}

const KINK: &str = r#"
[[fault]]
id = "kink"
kind = "catheter.kink"
at = "24 h"
position = "40 cm"
length = "1 cm"
bore = 0.005
"#;

const STUCK: &str = r#"
[[fault]]
id = "stuck"
kind = "pump.stall"
at = "24 h"
"#;

const ASKED: &str = r#"
[[decision]]
id = "spasms"
at = "symptom.spasms_increased.onset + 2 h"
question = "Spasms are back. What do you do?"
reveal = "It was the catheter."
choice = [
  { text = "Wait", chosen = true, reason = "Hours count." },
  { text = "Open the kink", do = { repair = ["kink"] } },
  { text = "Give 50 ug by lumbar puncture", do = [{ lumbar_bolus = { dose = "50 ug", level = "L3" } }] },
]
"#;

#[test]
fn a_page_is_one_small_file_that_asks_for_nothing_and_comes_out_the_same_twice() {
    let story = shipped("overdose-rescue");
    let html = render(&page(&story));
    assert_eq!(html, render(&page(&story)), "the same bytes");
    assert!(html.len() < SIZE_LIMIT, "{}", html.len());
    assert!(html.contains("default-src 'none'") && !html.contains("connect-src"));
    // Only the name space of SVG and the library's own address stand in it, neither is fetched.
    for (at, _) in html.match_indices("http") {
        let rest = &html[at..];
        let known = [
            "http://www.w3.org/2000/svg",
            "https://github.com/leeoniya/uPlot",
            "http-equiv",
        ];
        assert!(known.iter().any(|k| rest.starts_with(k)), "{}", &rest[..60]);
    }
    for word in [
        " src=",
        "@import",
        "url(",
        "<link",
        "<img",
        "<iframe",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "import(",
    ] {
        assert!(!html.contains(word), "{word}");
    }
    assert_eq!(html.matches("<script").count(), html.matches("</script>").count());
    assert!(html.trim_end().ends_with("</html>") && html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    for part in ["itbsim-data", &story.hash, "not for treating a person", "MIT License"] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn a_title_that_ends_a_script_stays_text() {
    let evil = "</script><script>alert(1)</script><!-- & \u{2028}";
    let text = week("").replace("A week", evil);
    let data = page(&written(&text));
    let html = render(&data);
    assert!(!html.contains("<script>alert"), "it would run");
    let held = json(&data);
    assert!(!held.contains('<') && !held.contains('\u{2028}'));
    let back: serde_json::Value = serde_json::from_str(&held).unwrap();
    assert_eq!(back["manifest"]["title"], evil);
    assert!(html.contains("&lt;/script&gt;"), "the heading shows it");
}

#[test]
fn phases_are_named_from_the_state() {
    use PhaseName::{Early, Established, Latent, Recovery, Rescue};
    let names = |name: &str| -> Vec<PhaseName> { page(&shipped(name)).runs[0].phases.iter().map(|p| p.name).collect() };
    // It opens by itself: nobody rescues.
    assert_eq!(names("catheter-kink"), [Latent, Early, Established, Recovery]);
    // Nobody comes, and then somebody refills.
    assert_eq!(names("missed-refill"), [Latent, Early, Established, Rescue, Recovery]);
    let drained = names("overdose-rescue");
    assert_eq!(drained[..2], [Latent, Early]);
    assert!(drained.ends_with(&[Rescue, Recovery]), "{drained:?}");
    assert!(names("stable-therapy").is_empty());
    for page in [page(&shipped("missed-refill"))] {
        for pair in page.runs[0].phases.windows(2) {
            assert!(pair[0].to <= pair[1].from && pair[0].from < pair[0].to);
        }
    }
}

#[test]
fn what_is_over_or_has_not_begun_is_not_called_latent() {
    use PhaseName::{Early, Latent, Recovery};
    let options = PageOptions {
        but_for: false,
        decisions: false,
        ..PageOptions::default()
    };
    let lesson = |name: &str| page_of_story(&shipped(name), &Registry::builtin(), &options).unwrap();
    let names = |page: &PageData, arm: &str| -> Vec<PhaseName> {
        let run = page.runs.iter().find(|r| r.id == arm).unwrap();
        run.phases.iter().map(|p| p.name).collect()
    };
    // A catheter without drug in a patient who never had any, then its first drop.
    let first = lesson("lessons/1-what-itb-is");
    assert!(
        first.runs.iter().all(|r| r.phases.is_empty()),
        "{:?}",
        first.runs[0].phases
    );
    // The old drug has gone, and a fifth more than programmed is left of it in the reservoir.
    let other = lesson("lessons/5-concentration-without-bridge");
    assert_eq!(names(&other, "no-bridge"), [Latent, Early, Recovery]);
    assert!(
        names(&other, "bridge").is_empty(),
        "the label of a bridge is not what arrives"
    );
    for run in &other.runs {
        let last = run.phases.last().map_or(0.0, |p| p.to);
        assert!(last < 96.0, "{}: {:?}", run.id, run.phases);
    }
    // Somebody came half a day before the visit that nobody keeps.
    let called = lesson("lessons/2-missed-refill");
    assert!(names(&called, "alarm-answered").is_empty());
    assert_eq!(names(&called, "waited")[0], Latent);
}

#[test]
fn charts_keep_the_extremes_of_every_line_and_stay_in_order() {
    let story = shipped("catheter-kink");
    let registry = Registry::builtin();
    let options = itbsim::simulation::RunOptions {
        keep_jumps: true,
        ..Default::default()
    };
    let run = itbsim::simulation::simulate(&story.arms[0].scenario, &registry, &options).unwrap();
    let data = page(&story);
    for (spec, lane) in data.lanes.iter().zip(&data.runs[0].lanes) {
        assert!(lane.t.windows(2).all(|w| w[0] <= w[1]), "{}", spec.id);
        for (line, values) in spec.series.iter().zip(&lane.v) {
            assert_eq!(values.len(), lane.t.len());
            let Some(column) = run.columns.iter().position(|c| *c == line.column) else {
                assert_eq!(line.column, "lost_ug_per_day");
                continue;
            };
            // The first instant has states before its own events, which are not drawn.
            let all = || run.trajectory.iter().filter(|r| r[0] > 0.0).map(|r| r[column]);
            let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            let drawn = || values.iter().copied().filter(|v| v.is_finite());
            // So the highest of all lies on or above what is drawn, and the highest after the start on or below.
            let highest = run.trajectory.iter().map(|r| r[column]).fold(high, f64::max);
            let top = drawn().fold(f64::NEG_INFINITY, f64::max);
            let give = 1e-4 * high.abs().max(1e-9);
            assert!(
                (high - give..=highest + give).contains(&top),
                "{} {top}: {high} to {highest}",
                line.column
            );
            assert!(
                drawn().fold(f64::INFINITY, f64::min) <= low + 1e-4 * low.abs().max(1e-9),
                "{}",
                line.column
            );
        }
    }
}

#[test]
fn what_leaks_is_lost_and_what_the_kink_holds_back_is_not() {
    let lost = |name: &str| {
        let data = page(&shipped(name));
        let at = data.lanes[0]
            .series
            .iter()
            .position(|s| s.column == "lost_ug_per_day")
            .unwrap();
        data.runs[0].lanes[0].v[at].iter().copied().fold(0.0, f64::max)
    };
    assert_eq!(lost("catheter-kink"), 0.0);
    assert!(lost("connector-leak") > 10.0);
}

#[test]
fn a_cause_is_called_so_only_where_the_run_without_it_lacks_the_event() {
    let one = page(&written(&week(KINK)));
    assert!(one.why.iter().all(|w| w.verdict == "cause"), "{:?}", one.why);
    assert!(one.why[0].sentence.contains("without the catheter kink"));
    let ghost = one.runs.iter().find(|r| r.role == Role::ButFor).unwrap();
    assert_eq!(one.why[0].but_for[0].run.as_deref(), Some(ghost.id.as_str()));
    assert!(
        ghost
            .bars
            .iter()
            .all(|b| b.kind != BarKind::Symptom || b.group == "therapy")
    );

    // Each of two faults would have sufficed, so neither alone is a cause.
    let both = page(&written(&week(&format!("{KINK}{STUCK}"))));
    let first = &both.why[0];
    assert_eq!(first.verdict, "either suffices", "{first:?}");
    for part in [
        "without the catheter kink",
        "without the pump stall",
        "only without both",
    ] {
        assert!(first.sentence.contains(part), "{}", first.sentence);
    }
    assert!(
        first
            .but_for
            .iter()
            .any(|b| b.event_h.is_none() && b.without.contains(" and "))
    );
}

#[test]
fn without_paired_runs_nothing_is_explained() {
    let options = PageOptions {
        but_for: false,
        ..PageOptions::default()
    };
    let data = page_of_story(&written(&week(KINK)), &Registry::builtin(), &options).unwrap();
    assert!(data.why.is_empty());
    assert!(data.runs.iter().all(|r| r.role == Role::Arm));
}

#[test]
fn marks_say_what_when_since_what_and_because() {
    let data = page(&shipped("missed-refill"));
    let marks = &data.runs[0].marks;
    let find = |name: &str| {
        marks
            .iter()
            .find(|m| m.name == name)
            .unwrap_or_else(|| panic!("{name}"))
    };
    let first = find("symptom.spasms_increased.onset");
    // Past the level of its own signal, to what starved it; sourced by the scenario's claim.
    assert_eq!(first.because, "delivery stops");
    assert!(first.source.contains("label"), "{}", first.source);
    assert!((first.since_fault.unwrap() - (first.t - find("action.planned-refill.done").t)).abs() < 1e-3);
    assert_eq!(first.since_refill, None);
    let later = marks.iter().find(|m| m.t > find("action.late-refill.done").t).unwrap();
    assert!(later.since_refill.unwrap() > 0.0);
    assert_eq!(find("action.planned-refill.done").what, "planned refill: nobody comes");
}

#[test]
fn decisions_stop_at_their_moment_and_lead_to_runs_with_the_same_past() {
    let data = page(&written(&week(&format!("{KINK}{ASKED}"))));
    let [decision] = &data.decisions[..] else {
        panic!("{:?}", data.decisions)
    };
    let onset = data.runs[0]
        .marks
        .iter()
        .find(|m| m.name == "symptom.spasms_increased.onset")
        .unwrap();
    assert!((decision.t - onset.t - 2.0).abs() < 1e-3);
    assert_eq!(decision.choices.len(), 3);
    assert!(decision.choices[0].chosen && decision.choices[0].run == data.runs[0].id);
    for choice in &decision.choices[1..] {
        let run = data.runs.iter().find(|r| r.id == choice.run).unwrap();
        assert_eq!(run.role, Role::Branch);
        let past = |marks: &[itbsim::report::page::Mark]| marks.iter().filter(|m| m.t < decision.t).count();
        assert_eq!(past(&run.marks), past(&data.runs[0].marks));
        assert_ne!(run.fingerprint, data.runs[0].fingerprint);
    }
    assert!(
        decision.choices[0].followed.contains("not over at the end"),
        "{:?}",
        decision.choices
    );
    assert!(
        decision.choices[1].followed.contains("all over"),
        "{:?}",
        decision.choices
    );
    let told = &decision.debrief;
    assert!(
        told.happened.contains("kink") && told.seen.contains("spasms and tone return"),
        "{told:?}"
    );
    assert!(told.gap.contains("Open the kink"), "{told:?}");
    // A page that is asked not to stop has none.
    let options = PageOptions {
        decisions: false,
        ..PageOptions::default()
    };
    let whole = page_of_story(
        &written(&week(&format!("{KINK}{ASKED}"))),
        &Registry::builtin(),
        &options,
    )
    .unwrap();
    assert!(whole.decisions.is_empty() && whole.runs.iter().all(|r| r.role != Role::Branch));
}

#[test]
fn a_choice_that_changes_the_past_is_refused() {
    let late = ASKED.replace("do = { repair = [\"kink\"] }", "without = [\"kink\"]");
    let story = written(&week(&format!("{KINK}{late}")));
    let error = page_of_story(&story, &Registry::builtin(), &PageOptions::default()).unwrap_err();
    assert!(
        matches!(&error, PageError::ChangedPast { decision, choice, .. } if decision == "spasms" && choice == "Open the kink"),
        "{error}"
    );
}

#[test]
fn mistakes_in_a_decision_are_shown_in_their_place() {
    let catalog = Registry::builtin().catalog();
    for (from, to, line, says) in [
        ("question =", "qestion =", "qestion", "unknown key `qestion`"),
        (
            "at = \"symptom.spasms_increased.onset + 2 h\"",
            "at = \"symptom.spasm.onset\"",
            "symptom.spasm.onset",
            "unknown event",
        ),
        (
            "chosen = true, ",
            "",
            "text = \"Wait\"",
            "a choice must lead to exactly one course",
        ),
        (
            "{ text = \"Wait\"",
            "{ text = \"Wait\", arm = \"x\"",
            "text = \"Wait\"",
            "exactly one course",
        ),
        (
            "chosen = true, ",
            "arm = \"early\", ",
            "text = \"Wait\"",
            "no arm has the id `early`",
        ),
        ("repair = [\"kink\"]", "repaire = [\"kink\"]", "repaire", "repaire"),
        ("repair = [\"kink\"]", "raise_dose = \"20\"", "raise_dose", "no unit"),
        (
            "do = { repair = [\"kink\"] }",
            "without = [\"kinky\"]",
            "without",
            "nothing has the id `kinky`",
        ),
    ] {
        let text = week(&format!("{KINK}{}", ASKED.replace(from, to)));
        let mistakes = itbsim::scenario::load_str("case", &text, None, &catalog).unwrap_err();
        let told = mistakes.render(false);
        assert!(told.contains(says), "{told}");
        let number = text.lines().position(|l| l.contains(line)).unwrap() + 1;
        assert!(told.contains(&format!("case:{number}:")), "{number}: {told}");
    }
    let two = week(&format!(
        "{KINK}{}",
        ASKED.replace(
            "text = \"Open the kink\", do = { repair = [\"kink\"] }",
            "text = \"Hope\", chosen = true"
        )
    ));
    let told = itbsim::scenario::load_str("case", &two, None, &catalog)
        .unwrap_err()
        .render(false);
    assert!(told.contains("2 choices are marked as chosen"), "{told}");
}

#[test]
fn the_command_writes_a_page_for_a_scenario_a_run_and_nothing_else() {
    let desk = Desk::new();
    desk.write("stall.toml", &[QUIET, STALL]);
    let told = stdout(&desk.run(&["report", "stall.toml", "-o", "page.html"]).code(0));
    assert!(told.starts_with("page.html ("), "{told}");
    let first = fs::read_to_string(desk.at("page.html")).unwrap();
    assert!(first.contains("<title>Two quiet days</title>"));
    // The folder of a run gives the same page but for its name.
    desk.run(&["run", "stall.toml", "--out", "stall", "--no-plots", "--report"])
        .code(0);
    let in_folder = fs::read_to_string(desk.at("stall/report.html")).unwrap();
    assert_eq!(first, in_folder);
    desk.run(&["report", "stall", "-o", "again.html"]).code(0);
    assert_eq!(first, fs::read_to_string(desk.at("again.html")).unwrap());
    // The summary of another program is not passed off as this one's.
    let summary = fs::read_to_string(desk.at("stall/summary.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let print = value["fingerprint"].as_str().unwrap();
    fs::write(
        desk.at("stall/summary.json"),
        summary.replace(print, "0123456789abcdef"),
    )
    .unwrap();
    let refused = stderr(&desk.run(&["report", "stall", "-o", "third.html"]).code(2));
    assert!(
        refused.contains("0123456789abcdef") && refused.contains("run the scenario again"),
        "{refused}"
    );
    assert!(!desk.at("third.html").exists());
    let nowhere = stderr(&desk.run(&["report", "stall.toml", "-o", "no/such/place.html"]).code(2));
    assert!(nowhere.contains("cannot write"), "{nowhere}");
}

#[test]
fn a_batch_and_a_sensitivity_study_get_pages_with_m_of_n() {
    let desk = Desk::new();
    let arms = "[[arm]]\nid = \"stuck\"\n[[arm]]\nid = \"free\"\nwithout = [\"stuck\"]\n";
    desk.write("two.toml", &[QUIET, STALL, arms]);
    desk.run(&["batch", "two.toml", "-n", "3", "-o", "many", "--no-plots"])
        .code(0);
    desk.run(&["report", "many", "-o", "many.html"]).code(0);
    let html = fs::read_to_string(desk.at("many.html")).unwrap();
    assert!(html.len() < SIZE_LIMIT && html.contains("default-src 'none'"));
    let held = html
        .split("id=\"itbsim-data\">")
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let data: serde_json::Value = serde_json::from_str(held).unwrap();
    assert_eq!(data["kind"], "batch");
    assert_eq!(data["summary"]["of"], 3);
    let band = &data["bands"][0];
    assert_eq!(
        (&band["n"], &band["of"]),
        (&serde_json::json!(3.0), &serde_json::json!(3.0))
    );
    let times = band["t"].as_array().unwrap().len();
    assert!(
        band["v"]
            .as_array()
            .unwrap()
            .iter()
            .all(|v| v.as_array().unwrap().len() == times)
    );
    let files: Vec<&str> = data["sheets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["file"].as_str().unwrap())
        .collect();
    assert!(
        files.contains(&"outcomes.csv") && files.contains(&"differences.csv"),
        "{files:?}"
    );
    assert!(
        data["curves"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["at_risk"][0] == 3.0)
    );

    desk.run(&[
        "sensitivity",
        "two.toml",
        "--arm",
        "stuck",
        "--vary",
        "response.withdrawal.sensitivity",
        "--method",
        "tornado",
        "--outcome",
        "withdrawal_h",
        "-o",
        "what",
        "--no-plots",
    ])
    .code(0);
    desk.run(&["report", "what", "-o", "what.html"]).code(0);
    assert!(
        fs::read_to_string(desk.at("what.html"))
            .unwrap()
            .contains("sensitivity.csv")
    );
}
