//! Work-up, rescue and outcomes in whole runs.

use crate::run_common::{at, count, event, listing, run, scenario, text, time};
use itbsim::care::diagnostics::{self, Lesion, Present};
use itbsim::engine::SimTime;
use itbsim::numerics::Draws;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::load_str;
use itbsim::simulation::{LEDGER_LIMIT, Registry, Run, RunOptions, RunResult, why};

const HOME: &str = r#"
[[care]]
id = "home"
policy = "people"
ignore = "0 %"
"#;

const BLOCKED: &str = r#"
[[fault]]
id = "block"
kind = "catheter.occlusion"
at = "2 d"
position = "55 cm"
"#;

fn workup(lines: &str) -> String {
    format!("{HOME}\n[[care]]\nid = \"workup\"\npolicy = \"workup\"\n{lines}\n")
}

fn sound(run: &RunResult) {
    assert!(run.ledger_residual < LEDGER_LIMIT, "{:e}", run.ledger_residual);
}

#[test]
fn published_sensitivity_and_specificity_are_recovered_by_twenty_thousand_draws() {
    const N: u64 = 20_000;
    let (p, draws) = (ParameterSet::default(), Draws::new(11, 0));
    // Delhaas 2020 (17/21, 27/29), Delhaas 2021 (20/21, 14/15), Saulino 2017 (16/18, 13/19).
    for (name, sensitivity, specificity) in [
        ("dye_study", 17.0 / 21.0, 27.0 / 29.0),
        ("scintigraphy", 20.0 / 21.0, 14.0 / 15.0),
        ("port_pressure", 16.0 / 18.0, 13.0 / 19.0),
    ] {
        let test = diagnostics::named(name).unwrap();
        let leak = [Present {
            lesion: Lesion::Leak,
            severity: 1.0,
        }];
        let seen = (0..N)
            .filter(|n| diagnostics::read(test, &leak, *n, &p, &draws) == Some(Lesion::Leak))
            .count();
        let normal = (0..N)
            .filter(|n| diagnostics::read(test, &[], *n, &p, &draws).is_none())
            .count();
        for (what, found, published) in [("sensitivity", seen, sensitivity), ("specificity", normal, specificity)] {
            let share = found as f64 / N as f64;
            let error = (published * (1.0 - published) / N as f64).sqrt();
            // The tables hold the published percentages, which are rounded to whole ones.
            assert!(
                (share - published).abs() < 4.0 * error + 0.005,
                "{name} {what}: {share} against {published}"
            );
        }
        // Half grown, seen half as often.
        let half = [Present {
            lesion: Lesion::Leak,
            severity: 0.5,
        }];
        let seen_half = (0..N)
            .filter(|n| diagnostics::read(test, &half, *n, &p, &draws) == Some(Lesion::Leak))
            .count();
        let share = seen_half as f64 / N as f64;
        let error = (0.25 / N as f64).sqrt();
        // A miss can still be a false alarm, which for these tests may look like a leak.
        let falsely = if test.typical == Lesion::Leak {
            (1.0 - sensitivity / 2.0) * (1.0 - specificity)
        } else {
            0.0
        };
        assert!(
            (share - sensitivity / 2.0 - falsely).abs() < 4.0 * error + 0.005,
            "{name}: {share}"
        );
    }
}

#[test]
fn an_impossible_list_of_tests_is_refused_at_its_line() {
    let registry = Registry::builtin();
    let cases = [
        (r#"{ test = "x_rey" }"#, "unknown-test", "did you mean `x_ray`"),
        (
            r#"{ test = "dye_study", if = "aspirated" }"#,
            "dead-step",
            "`aspirated` needs `port_aspiration`",
        ),
        (
            r#"{ test = "x_ray", if = "abnormel" }"#,
            "unknown-condition",
            "did you mean `abnormal`",
        ),
        (
            r#"{ test = "refill_check", if = "normal", then = "interrogation" }"#,
            "endless-steps",
            "orders `interrogation` for ever",
        ),
        (r#"{ test = "x_ray", unless = "alarm" }"#, "unknown-key", "unknown key"),
    ];
    for (step, code, words) in cases {
        let list = format!("steps = [\n  {{ test = \"interrogation\" }},\n  {step},\n]");
        let whole = text(5.0, &workup(&list));
        let line = whole.lines().position(|l| l.contains(step)).unwrap() + 1;
        let mistakes = load_str("policy.toml", &whole, None, &registry.catalog()).expect_err(step);
        let shown = mistakes.render(false);
        let found = mistakes.items().iter().find(|m| m.code() == code);
        let Some(found) = found else {
            panic!("no {code} in:\n{shown}");
        };
        assert_eq!(mistakes.position(found).map(|(l, _)| l), Some(line), "{shown}");
        assert!(shown.contains(words), "{shown}");
    }
    let skipped = workup(
        r#"steps = [
  { test = "interrogation", then = "x_ray" },
  { test = "refill_check" },
  { test = "x_ray" },
]"#,
    );
    let mistakes = load_str("policy.toml", &text(5.0, &skipped), None, &registry.catalog()).unwrap_err();
    assert!(mistakes.render(false).contains("can never be taken"), "{mistakes}");
    let sound = workup(
        r#"steps = [
  { test = "interrogation" },
  { test = "refill_check", if = "normal", then = "interrogation", times = 3 },
  { test = "x_ray" },
]"#,
    );
    let _ = scenario(&text(5.0, &sound));
}

#[test]
fn a_list_is_followed_with_its_conditions_and_its_ways_back() {
    let list = r#"raises = 100
steps = [
  { test = "interrogation" },
  { test = "refill_check", if = "no_alarm", then = "interrogation", times = 2 },
  { test = "history", if = "discrepancy" },
  { test = "rotor_study", if = "no_discrepancy" },
]"#;
    // Apart at the pump: nothing arrives, the reservoir empties as it should.
    let fault = r#"
[[fault]]
id = "apart"
kind = "catheter.disconnection"
at = "1 d"
position = "0 cm"
into = "subcutaneous"
[[care]]
id = "hospital"
policy = "rescue_withdrawal"
restore = "external"
"#;
    let found = run(8.0, &format!("{}{fault}", workup(list)));
    sound(&found);
    let from = time(&found, "care.workup.suspected");
    let until = time(&found, "care.workup.cleared");
    let kinds: Vec<&str> = found
        .events
        .iter()
        .filter(|e| e.component == "care.workup" && (from..=until).contains(&e.time_h))
        .map(|e| e.kind.as_str())
        .filter(|k| k.ends_with("normal"))
        .collect();
    let pair = ["interrogation_normal", "refill_check_normal"];
    let wanted = [&pair[..], &pair[..], &pair[..], &["rotor_study_normal"]].concat();
    assert_eq!(kinds, wanted, "{}", listing(&found));
    assert_eq!(found.outcomes.tests as usize, count(&found, "care.workup.test"));
}

#[test]
fn a_stall_is_read_from_the_pump_and_ends_the_work_up() {
    let stall = "[[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"2 d\"\n";
    let found = run(9.0, &format!("{stall}{}", workup("repair_wait_urgent = \"2 h\"")));
    sound(&found);
    let diagnosed = event(&found, "care.workup.diagnosed");
    assert!(
        diagnosed.detail.contains("stall, by interrogation"),
        "{}",
        diagnosed.detail
    );
    assert_eq!(count(&found, "care.workup.dye_study_normal"), 0);
    let o = &found.outcomes;
    assert_eq!(o.fault_h, Some(48.0));
    assert_eq!(o.to_diagnosis_h, Some(diagnosed.time_h - 48.0));
    assert_eq!(o.to_repair_h, Some(time(&found, "fault.stall.end") - 48.0));
    assert!(o.to_symptom_h < o.to_suspicion_h && o.to_suspicion_h < o.to_diagnosis_h);
    assert_eq!(o.operations, 1);
    let mended = time(&found, "care.workup.repaired");
    let between = |e: &&itbsim::simulation::EventRow| {
        e.name() == "care.workup.test" && (diagnosed.time_h..mended).contains(&e.time_h)
    };
    assert_eq!(found.events.iter().filter(between).count(), 0, "{}", listing(&found));
}

#[test]
fn contrast_through_a_loaded_catheter_gives_its_drug_and_aspiration_first_takes_it_away() {
    let list = |contrast: &str| {
        workup(&format!(
            "signs = 1\nphone_wait = \"1 h\"\ncontrast = \"{contrast}\"\nsteps = [{{ test = \"port_aspiration\" }}, {{ test = \"dye_study\", if = \"aspirated\" }}]\n"
        ))
    };
    // A dose cut to nothing brings somebody to call; the catheter is sound and full of drug.
    let cut = "[[programme]]\nid = \"cut\"\nat = \"1 d\"\nsimple_continuous = \"100 ug/day\"\n[parameters]\n\"care.test.port_aspiration.dry\" = 0.0\n\"care.test.dye_study.specificity\" = 1.0\n";
    let [careful, at_once] = ["after_aspiration", "at_once"].map(|c| run(4.0, &format!("{cut}{}", list(c))));
    for found in [&careful, &at_once] {
        sound(found);
        assert!(
            count(found, "action.workup.inject_contrast.done") >= 1,
            "{}",
            listing(found)
        );
    }
    let pushed = |found: &RunResult| event(found, "action.workup.inject_contrast.done").detail.clone();
    // Catheter beyond the port: 89 cm x 0.0022 mL/cm x 2000 ug/mL = 391.6 ug.
    assert!(
        pushed(&at_once).starts_with("391.6 ug") || pushed(&at_once).starts_with("392 ug"),
        "{}",
        pushed(&at_once)
    );
    assert!(pushed(&careful).starts_with("0 ug"), "{}", pushed(&careful));
    let when = time(&at_once, "action.workup.inject_contrast.done");
    let peak = |found: &RunResult| at(found, "csf_t10_ng_per_ml", when + 1.0);
    assert!(
        peak(&at_once) > 3.0 * peak(&careful),
        "{} {}",
        peak(&at_once),
        peak(&careful)
    );
    // What was drawn out is filled in again; nothing was there to fill in otherwise.
    assert!(count(&careful, "action.workup.prime.done") >= 1);
    assert_eq!(count(&at_once, "action.workup.prime.done"), 0);
}

#[test]
fn no_contrast_is_injected_where_nothing_can_be_aspirated() {
    let list = "steps = [{ test = \"dye_study\" }]\n";
    let found = run(6.0, &format!("{BLOCKED}{}", workup(list)));
    sound(&found);
    assert!(
        count(&found, "care.workup.dye_study_not_done") > 0,
        "{}",
        listing(&found)
    );
    assert_eq!(count(&found, "action.workup.inject_contrast.done"), 0);
}

#[test]
fn an_occlusion_of_the_upright_posture_is_invisible_to_a_supine_study() {
    let fault = "[[fault]]\nid = \"bend\"\nkind = \"catheter.occlusion\"\nat = \"2 d\"\nposition = \"55 cm\"\nprofile = { in_posture = \"upright\" }\n";
    let list = workup(
        "steps = [{ test = \"port_aspiration\" }, { test = \"dye_study\" }]\n[parameters]\n\"care.test.port_aspiration.dry\" = 0.0\n\"care.test.dye_study.specificity\" = 1.0\n\"care.test.dye_study.sees_occlusion\" = 1.0\n",
    );
    let head = crate::run_common::text(5.0, &format!("{fault}{list}")).replace(
        "history = \"established\"",
        "history = \"established\"\nposture = \"upright\"",
    );
    let found = crate::run_common::run_with(&scenario(&head), &RunOptions::default());
    sound(&found);
    assert!(
        count(&found, "care.workup.port_aspiration_normal") > 0,
        "{}",
        listing(&found)
    );
    assert!(count(&found, "care.workup.dye_study_normal") > 0, "{}", listing(&found));
    // Lying down for the study opened the line, getting up closed it.
    assert!(
        count(&found, "fault.bend.off") > 0 && count(&found, "fault.bend.on") > 0,
        "{}",
        listing(&found)
    );
}

#[test]
fn storing_in_the_middle_of_a_work_up_changes_no_bit() {
    let registry = Registry::builtin();
    let blocks = format!(
        "{BLOCKED}{}[[care]]\nid = \"hospital\"\npolicy = \"rescue_withdrawal\"\n",
        workup("")
    );
    let scenario = scenario(&text(12.0, &blocks));
    let options = RunOptions::default();
    let mut straight = Run::new(&scenario, &registry, &options).unwrap();
    straight.run_until(scenario.duration).unwrap();
    let expected = straight.finish();
    let begin = time(&expected, "care.workup.suspected");
    assert!(count(&expected, "care.workup.diagnosed") > 0, "{}", listing(&expected));
    for after in [0.2, 1.3, 4.0, 9.7, 30.0] {
        let mut first = Run::new(&scenario, &registry, &options).unwrap();
        first.run_until(SimTime::from_hours(begin + after).unwrap()).unwrap();
        let stored = first.save().unwrap().to_string();
        let value: serde_json::Value = serde_json::from_str(&stored).unwrap();
        let mut second = Run::restore(&scenario, &registry, &options, &value).unwrap();
        second.run_until(scenario.duration).unwrap();
        assert!(second.finish() == expected, "stored {after} h after suspicion");
    }
}

#[test]
fn why_a_fault_was_found_fits_on_a_screen() {
    let found = run(
        20.0,
        &format!(
            "{BLOCKED}{}[[care]]\nid = \"hospital\"\npolicy = \"rescue_withdrawal\"\nrestore = \"external\"\n",
            workup("signs = 2")
        ),
    );
    let chain = why::chain(&found, "care.workup.diagnosed").unwrap_or_else(|| panic!("{}", listing(&found)));
    assert!(chain.len() <= 40, "{} links", chain.len());
    assert_eq!(why::removable_root(&chain), Some(("fault", "block")));
    assert!(chain.iter().any(|e| e.component == "care.home" && e.kind == "reported"));
}

#[test]
fn one_report_is_open_at_a_time_and_is_repeated_if_nothing_is_done() {
    let tired = format!(
        "{HOME}repeat = \"48 h\"\n[[programme]]\nid = \"cut\"\nat = \"1 d\"\nsimple_continuous = \"250 ug/day\"\n"
    );
    let found = run(12.0, &tired);
    let calls: Vec<f64> = found
        .events
        .iter()
        .filter(|e| e.name() == "care.home.reported")
        .map(|e| e.time_h)
        .collect();
    assert!(calls.len() >= 2, "{}", listing(&found));
    // Two calls are a repetition apart, unless a dangerous sign came between.
    for pair in calls.windows(2) {
        assert!(pair[1] - pair[0] >= 48.0 - 1e-9, "{calls:?}");
    }
}

#[test]
fn outcomes_count_what_the_events_show() {
    let blocks = format!(
        "{BLOCKED}{HOME}[[action]]\nid = \"up\"\nat = \"2.2 d\"\nraise_dose = \"10 %\"\n[[action]]\nid = \"early-up\"\nat = \"1 d\"\nraise_dose = \"5 %\"\n[[action]]\nid = \"down\"\nat = \"2.3 d\"\nlower_dose = \"5 %\"\n[[action]]\nid = \"mend\"\nat = \"2.6 d\"\nrepair = [\"block\"]\n"
    );
    let found = run(6.0, &blocks);
    let o = &found.outcomes;
    assert_eq!(o.escalations_against_fault, 1);
    assert_eq!((o.tests, o.operations, o.died), (0, 0, false));
    assert_eq!(o.to_suspicion_h, None);
    assert!(
        (o.to_repair_h.unwrap() - (2.6 * 24.0 - 48.0)).abs() < 1e-9,
        "{:?}",
        o.to_repair_h
    );
    let first = found.symptoms.iter().find(|s| s.syndrome == "withdrawal").unwrap();
    assert_eq!(o.to_symptom_h, Some(first.onset_h - 48.0));
    assert!(o.worst_withdrawal_grade >= 1 && o.withdrawal_h > 0.0);
    assert!(o.good_control_h + 0.5 < 6.0 * 24.0 && o.good_control_h > 48.0);
    let rows = o.rows();
    assert_eq!(rows.len(), 23);
    assert!(
        rows.iter()
            .any(|(name, value)| *name == "to_suspicion_h" && value.is_none())
    );
}
