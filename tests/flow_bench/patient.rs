//! Device and patient together: a run in strokes tells the story that a run in segments tells.

use itbsim::scenario::load_str;
use itbsim::simulation::{Registry, Run, RunOptions, RunResult, simulate};

/// Strokes come every 12 min at 0.3 mL/day.
const STROKE_H: f64 = 0.0025 / 0.3 * 24.0;

fn story(fidelity: &str, more: &str) -> itbsim::scenario::model::Scenario {
    let text = format!(
        "title = \"x\"\nduration = \"6 d\"\nsample = \"1 h\"\n[patient]\nhistory = \"established\"\n[pump]\ngain = 1.0\n\
         {fidelity}\nreservoir = {{ fill = \"18 mL\", concentration = \"1 mg/mL\" }}\n\
         [[programme]]\nid = \"maintenance\"\nat = \"0 d\"\nsimple_continuous = \"300 ug/day\"\n{more}"
    );
    match load_str("x", &text, None, &Registry::builtin().catalog()) {
        Ok(story) => story.arms[0].scenario.clone(),
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn run(fidelity: &str, more: &str) -> RunResult {
    simulate(&story(fidelity, more), &Registry::builtin(), &RunOptions::default()).unwrap()
}

const STROKES: &str = "fidelity = \"strokes\"";

fn column(run: &RunResult, name: &str) -> Vec<f64> {
    let at = run
        .columns
        .iter()
        .position(|c| c == name)
        .unwrap_or_else(|| panic!("{name}"));
    run.rows.iter().map(|row| row[at]).collect()
}

#[test]
fn strokes_and_segments_agree_on_the_patient_within_a_stroke() {
    for more in [
        "",
        "[[fault]]\nid = \"stuck\"\nkind = \"pump.stall\"\nat = \"30 h\"\nuntil = \"4 d\"\n",
        "[[fault]]\nid = \"over\"\nkind = \"pump.over_infusion\"\nat = \"24 h\"\ngain = 4\n",
    ] {
        let (segments, strokes) = (run("", more), run(STROKES, more));
        assert!(strokes.event_count > segments.event_count + 100, "strokes are events");
        assert!(strokes.ledger_residual < 1e-9);
        // Never more than a stroke apart in what was delivered.
        let (a, b) = (column(&segments, "delivered_ml"), column(&strokes, "delivered_ml"));
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() <= 0.0025 + 1e-9, "{a} and {b} mL");
        }
        // The score is read to half a point by people; a fiftieth is nothing.
        for name in ["ashworth_legs", "withdrawal_index", "sedation"] {
            let (a, b) = (column(&segments, name), column(&strokes, name));
            let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 0.02, "{name} differs by {worst} in {more:?}");
        }
        // The same symptoms, each within four strokes' time of the other run's.
        let names = |run: &RunResult| run.symptoms.iter().map(|s| s.symptom.clone()).collect::<Vec<_>>();
        let (mut first, mut second) = (names(&segments), names(&strokes));
        first.sort();
        second.sort();
        assert_eq!(first, second, "{more:?}");
        for s in &segments.symptoms {
            let other = strokes
                .symptoms
                .iter()
                .filter(|o| o.symptom == s.symptom)
                .map(|o| (o.onset_h - s.onset_h).abs())
                .fold(f64::INFINITY, f64::min);
            assert!(other <= 4.0 * STROKE_H, "{}: {other} h apart in {more:?}", s.symptom);
        }
    }
}

#[test]
fn a_run_in_strokes_restores_to_the_same_bits() {
    let scenario = story(STROKES, "");
    let registry = Registry::builtin();
    let options = RunOptions::default();
    let whole = simulate(&scenario, &registry, &options).unwrap();
    let mut first = Run::new(&scenario, &registry, &options).unwrap();
    first
        .run_until(itbsim::engine::SimTime::from_hours(50.1).unwrap())
        .unwrap();
    let saved = first.save().unwrap();
    let mut second = Run::restore(&scenario, &registry, &options, &saved).unwrap();
    second.run_until(scenario.duration).unwrap();
    assert_eq!(second.finish().fingerprint, whole.fingerprint);
}

#[test]
fn strokes_follow_the_rate_and_a_pump_without_strokes_refuses_them() {
    let strokes = run(STROKES, "");
    let count = strokes
        .events
        .iter()
        .filter(|e| e.component == "pump" && e.kind == "stroke")
        .count();
    assert!((count as f64 - 6.0 * 24.0 / STROKE_H).abs() <= 1.0, "{count}");
    let text = "title = \"x\"\nduration = \"6 d\"\n[pump]\nfamily = \"gas-pressure\"\nfidelity = \"strokes\"\n\
                reservoir = { fill = \"18 mL\", concentration = \"1 mg/mL\" }\n";
    let told = load_str("x", text, None, &Registry::builtin().catalog())
        .unwrap_err()
        .to_string();
    assert!(told.contains("makes no strokes"), "{told}");
    let text = text
        .replace("gas-pressure", "peristaltic")
        .replace("fidelity = \"strokes\"", "stroke = \"1 uL\"");
    let told = load_str("x", &text, None, &Registry::builtin().catalog())
        .unwrap_err()
        .to_string();
    assert!(told.contains("without fidelity"), "{told}");
}
