//! The protocols of care in whole runs: the label's rules as properties, each policy's path,
//! stores in mid-course, and independence of the order of blocks.

use crate::run_common::{column, count, event, listing, run_with, scenario, time};
use itbsim::engine::SimTime;
use itbsim::scenario::load_str;
use itbsim::simulation::{Registry, Run, RunOptions, RunResult};

/// A candidate without a pump.
fn candidate(days: f64, patient: &str, blocks: &str) -> String {
    format!(
        r#"
title = "candidate"
duration = "{days} d"
sample = "6 h"
[patient]
implanted = false
injury = "T4"
{patient}
[pump]
gain = 1.0
reservoir = {{ size = "20 mL", fill = "0 mL", concentration = "500 ug/mL", low_alarm = "2 mL" }}
[catheter]
length = "89 cm"
tip = "T10"
{blocks}"#
    )
}

/// An established patient on 400 ug/day of 2 mg/mL.
fn treated(days: f64, blocks: &str) -> String {
    crate::run_common::text(days, blocks)
}

const COURSE: &str = r#"
[[care]]
id = "trial"
policy = "trial"
[[care]]
id = "surgeon"
policy = "implant"
wait = "3 d"
[[care]]
id = "clinic"
policy = "titration"
phase = "course"
[[care]]
id = "refill"
policy = "refills"
[[care]]
id = "tablets"
policy = "conversion"
"#;

fn go(text: &str) -> RunResult {
    run_with(&scenario(text), &RunOptions::default())
}

fn seeded(text: &str, seed: u64) -> RunResult {
    let options = RunOptions {
        seed: Some(seed),
        observe: false,
        ..RunOptions::default()
    };
    run_with(&scenario(text), &options)
}

fn times(run: &RunResult, name: &str) -> Vec<f64> {
    run.events
        .iter()
        .filter(|e| e.name() == name)
        .map(|e| e.time_h)
        .collect()
}

/// Change of a dose step in percent, from the words of its event.
fn percent(detail: &str) -> f64 {
    let words: Vec<&str> = detail.split_whitespace().collect();
    let at = words.iter().position(|w| w.starts_with('%')).expect("a percentage");
    words[at - 1].parse().expect("a number")
}

#[test]
fn no_two_rises_within_a_day_and_no_step_above_the_limit_whoever_the_patient_and_the_luck() {
    for (patient, first, later) in [
        ("population = \"adult-spinal\"", 30.0, 40.0),
        ("population = \"adult-cerebral\"", 15.0, 20.0),
        ("population = \"child\"\nweight = \"30 kg\"", 15.0, 20.0),
    ] {
        for seed in 1..=4 {
            let run = seeded(&candidate(150.0, patient, COURSE), seed);
            if count(&run, "care.surgeon.running") == 0 {
                continue;
            }
            let start = time(&run, "care.surgeon.running");
            let settled = times(&run, "care.clinic.settled").first().copied().unwrap_or(f64::MAX);
            let mut last = start;
            for e in run
                .events
                .iter()
                .filter(|e| e.name() == "action.clinic.raise_dose.done")
            {
                assert!(
                    e.time_h - last >= 24.0 - 1e-9,
                    "{patient}, seed {seed}: {}",
                    listing(&run)
                );
                last = e.time_h;
                let limit = if e.time_h <= settled { first } else { later };
                let step = percent(&e.detail);
                assert!(
                    step > 0.0 && step <= limit + 1e-9,
                    "{patient}: {step} % at {} h",
                    e.time_h
                );
            }
            assert!(last > start, "{patient}, seed {seed}: nothing was ever raised");
        }
    }
}

#[test]
fn a_trial_never_repeats_a_dose_and_waits_a_day_between_doses() {
    // A rule that is hard to meet makes it go through all three.
    let blocks = r#"
[[care]]
id = "trial"
policy = "trial"
rule = "spasm"
spasm_fall = 3.9
"#;
    let run = go(&candidate(8.0, "", blocks));
    let doses: Vec<f64> = ["first", "second", "third"]
        .iter()
        .map(|d| {
            let name = format!("action.trial.{d}.done");
            assert_eq!(count(&run, &name), 1, "{}", listing(&run));
            time(&run, &name)
        })
        .collect();
    assert!(doses.windows(2).all(|w| w[1] - w[0] >= 24.0 - 1e-9), "{doses:?}");
    assert_eq!(count(&run, "care.trial.non_responder"), 1);
    assert_eq!(count(&run, "care.trial.responder"), 0);
    // Baseline and six looks a dose.
    assert_eq!(count(&run, "care.trial.seen"), 1 + 3 * 6);
}

#[test]
fn a_responder_is_implanted_primed_and_started_at_once_or_twice_the_test_dose() {
    let run = go(&candidate(12.0, "", COURSE));
    let charted: Vec<String> = run
        .events
        .iter()
        .filter(|e| e.name() == "care.trial.charted")
        .map(|e| e.detail.clone())
        .collect();
    let number = |i: usize| charted[i].rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    let (dose, lasted) = (number(0), number(1));
    let start = if lasted >= 8.0 { dose } else { 2.0 * dose };
    assert_eq!(event(&run, "care.surgeon.running").detail, format!("{start} ug/day"));
    let surgery = time(&run, "action.surgeon.implant.done");
    // No pump, no alarm of a pump, and no flow before surgery.
    assert!(run.alarms.iter().all(|a| a.raised_h >= surgery));
    for (t, flow) in column(&run, "flow_ml_per_day") {
        assert!(t >= surgery || flow == 0.0, "{flow} at {t}");
    }
    // Priming brings the drug to the tip within the hour, and nothing rises in the first day.
    let delivered = column(&run, "delivered_ug_per_day");
    for (t, rate) in delivered
        .iter()
        .filter(|(t, _)| (surgery + 2.0..surgery + 24.0).contains(t))
    {
        assert!(
            (rate / start - 1.0).abs() < 0.03,
            "{rate} ug/day at {t} h, start {start}"
        );
    }
}

#[test]
fn contraindications_decline_warn_or_pass_and_the_events_say_why() {
    let trial = |rule: &str| format!("[[care]]\nid = \"trial\"\npolicy = \"trial\"\ncontraindications = \"{rule}\"\n");
    let with =
        |selection: &str, rule: &str| go(&candidate(3.0, &format!("selection = {{ {selection} }}"), &trial(rule)));
    let declined = with("infection = true", "label");
    assert_eq!(event(&declined, "care.trial.declined").detail, "active infection");
    assert_eq!(count(&declined, "action.trial.first.done"), 0);
    let warned = with("pregnancy = true, vp_shunt = true", "label");
    assert_eq!(
        event(&warned, "care.trial.warned").detail,
        "pregnancy, ventriculoperitoneal shunt"
    );
    assert_eq!(time(&warned, "action.trial.first.done"), 24.0);
    assert_eq!(count(&with("pregnancy = true", "strict"), "action.trial.first.done"), 0);
    assert_eq!(count(&with("infection = true", "ignore"), "action.trial.first.done"), 1);
    // A puncture waits until anticoagulation is paused.
    let paused = go(&candidate(
        8.0,
        "selection = { anticoagulated = true }",
        &trial("label"),
    ));
    assert_eq!(time(&paused, "action.trial.first.done"), 24.0 + 120.0);
}

#[test]
fn who_is_declined_or_does_not_respond_gets_no_pump() {
    let run = go(&candidate(30.0, "selection = { coagulopathy = true }", COURSE));
    assert_eq!(event(&run, "care.surgeon.declined").detail, "no implant: coagulopathy");
    assert_eq!(count(&run, "action.surgeon.implant.done"), 0);
    assert_eq!(count(&run, "care.clinic.seen"), 0);
}

#[test]
fn shunt_arachnoiditis_and_kidney_disease_change_the_model() {
    let with = |selection: &str, blocks: &str| {
        let text = treated(2.0, blocks).replace(
            "history = \"established\"",
            &format!("history = \"established\"\nselection = {{ {selection} }}"),
        );
        go(&text)
    };
    let last = |run: &RunResult, name: &str| column(run, name).last().unwrap().1;
    let plain = with("pregnancy = true", "");
    // Less fluid runs down the canal past the tip, so more drug reaches the neck.
    let shunt = with("vp_shunt = true", "");
    assert!(last(&shunt, "csf_c1_ng_per_ml") > 1.02 * last(&plain, "csf_c1_ng_per_ml"));
    let scarred = with("arachnoiditis = true", "");
    assert!(last(&scarred, "csf_c1_ng_per_ml") < 0.8 * last(&plain, "csf_c1_ng_per_ml"));
    assert!(last(&scarred, "csf_t10_ng_per_ml") > 1.2 * last(&plain, "csf_t10_ng_per_ml"));
    let tablets = "[[action]]\nid = \"tablets\"\nat = \"0 d\"\noral_baclofen = { dose = \"20 mg\", every = \"8 h\" }\n";
    let kidney = with("kidney_disease = true", tablets);
    let healthy = with("pregnancy = true", tablets);
    assert!(last(&kidney, "plasma_ng_per_ml") > 1.3 * last(&healthy, "plasma_ng_per_ml"));
}

const CHANGE: &str = r#"
[[care]]
id = "change"
policy = "concentration"
to = "500 ug/mL"
[[care]]
id = "refill"
policy = "refills"
missed = "0 %"
late = "0 %"
"#;

#[test]
fn a_bridge_keeps_the_dose_and_the_next_refill_has_the_new_strength() {
    let run = go(&treated(30.0, CHANGE));
    assert_eq!(time(&run, "action.change.refill.done"), 24.0);
    for (t, rate) in column(&run, "delivered_ug_per_day") {
        // The bridge lasts 47.4 h; the front that ends it is smeared.
        if (26.0..24.0 + 44.0).contains(&t) {
            assert!((rate - 400.0).abs() < 4.0, "{rate} at {t}");
        }
    }
    assert!(count(&run, "action.refill.refill.done") >= 1, "{}", listing(&run));
    let refill = event(&run, "action.refill.refill.done");
    assert!(refill.detail.contains("500 ug/mL"), "{}", refill.detail);
}

#[test]
fn refills_go_wrong_by_their_chances_and_nothing_else_changes() {
    let with = |wrong: &str| {
        let blocks =
            format!("[[care]]\nid = \"refill\"\npolicy = \"refills\"\nmissed = \"0 %\"\n{wrong} = \"100 %\"\n");
        go(&treated(90.0, &blocks))
    };
    let detail = |run: &RunResult| event(run, "action.refill.refill.done").detail.clone();
    let strength = detail(&with("wrong_strength"));
    assert!(strength.contains("labelled 2 mg/mL"), "{strength}");
    assert!(!strength.contains("at 2 mg/mL"), "{strength}");
    let label = detail(&with("wrong_label"));
    assert!(
        label.contains("labelled") && !label.contains("labelled 2 mg/mL"),
        "{label}"
    );
    let pocket = detail(&with("pocket"));
    assert!(pocket.contains("under the skin"), "{pocket}");
}

const SCAN: &str = r#"
[[care]]
id = "radiology"
policy = "mri"
at = "30 h"
"#;

#[test]
fn a_scan_stops_the_rotor_and_the_pump_is_read_until_it_turns() {
    let run = go(&treated(4.0, SCAN));
    assert_eq!(time(&run, "pump.stalled"), 30.0);
    assert!((time(&run, "pump.restarted") - 30.0 - 2.0 / 3.0).abs() < 1e-6);
    assert_eq!(count(&run, "care.radiology.turning"), 1, "{}", listing(&run));
    assert_eq!(count(&run, "care.radiology.suspected"), 0);
    // One that stays stuck is read again and again, and then somebody looks for the reason.
    let stuck = format!("{SCAN}\n[[fault]]\nid = \"stuck\"\nkind = \"pump.stall\"\nat = \"30.2 h\"\n");
    let run = go(&treated(4.0, &stuck));
    assert!(count(&run, "care.radiology.stalled") >= 5, "{}", listing(&run));
    let late = time(&run, "care.radiology.suspected") - 30.0;
    assert!((24.0..27.0).contains(&late), "{late}");
}

const WORN: &str = r#"
[[care]]
id = "surgeon"
policy = "battery"
interval = "10 d"
lead = "30 d"
wait = "5 d"
"#;

fn worn(days: f64) -> String {
    treated(days, WORN).replace("family = \"peristaltic\"", "family = \"peristaltic\"\nage = \"2540 d\"")
}

#[test]
fn a_worn_pump_is_replaced_by_a_new_one_at_the_same_dose() {
    let run = go(&worn(40.0));
    let surgery = time(&run, "action.surgeon.implant.done");
    assert_eq!(count(&run, "pump.end_of_service"), 0);
    assert_eq!(count(&run, "symptom.spasms_increased.onset"), 0);
    for (t, rate) in column(&run, "programmed_ug_per_day") {
        assert!((rate - 400.0).abs() < 1e-6, "{rate} at {t}");
    }
    let left = column(&run, "believed_service_left_h");
    let before = left.iter().rev().find(|(t, _)| *t < surgery).unwrap().1;
    let after = left.iter().find(|(t, _)| *t > surgery).unwrap().1;
    assert!(
        before < 30.0 * 24.0 && after > 4.0 * 8766.0,
        "{before} h, then {after} h"
    );
    // The alarm of the old pump went with it.
    assert!(run.alarms.iter().all(|a| a.cleared_h.is_some()), "{:?}", run.alarms);
}

const PAUSE: &str = r#"
[[care]]
id = "pause"
policy = "holiday"
step = "25 %"
length = "14 d"
[[care]]
id = "clinic"
policy = "titration"
phase = "course"
"#;

#[test]
fn a_holiday_goes_down_pauses_and_begins_again_and_nobody_raises_the_dose_meanwhile() {
    let run = go(&treated(40.0, PAUSE));
    let (begun, back) = (time(&run, "care.pause.holiday"), time(&run, "care.pause.resumed"));
    assert!(back - begun > 14.0 * 24.0);
    let raised = times(&run, "action.clinic.raise_dose.done");
    assert!(raised.iter().all(|t| *t < begun || *t >= back + 24.0), "{raised:?}");
    assert!(count(&run, "care.clinic.held") > 0);
    assert!(
        column(&run, "programmed_ug_per_day").iter().all(|(_, d)| *d > 0.0),
        "the rotor turns"
    );
}

#[test]
fn after_a_holiday_the_pump_begins_with_the_least_it_can_deliver_if_less_was_meant() {
    let run = go(&treated(
        40.0,
        &PAUSE.replace("length =", "restart = \"10 %\"\nlength ="),
    ));
    // 40 ug/day of 2 mg/mL is 0.02 mL/day; the pump delivers 0.048.
    assert!(count(&run, "care.pause.refused") >= 1, "{}", listing(&run));
    let dose: f64 = event(&run, "care.pause.resumed")
        .detail
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!((96.0..=120.0).contains(&dose), "{dose} ug/day");
    assert_eq!(count(&run, "care.pause.resumed"), 1);
}

const OUT: &str = r#"
[[care]]
id = "doctor"
policy = "taper"
step = "20 %"
interval = "48 h"
[[care]]
id = "tablets"
policy = "conversion"
direction = "to_oral"
[[care]]
id = "refill"
policy = "refills"
"#;

#[test]
fn a_taper_goes_down_in_equal_steps_and_the_pump_comes_out() {
    let run = go(&treated(20.0, OUT));
    let out = time(&run, "action.doctor.explant.done");
    let doses: Vec<f64> = run
        .events
        .iter()
        .filter(|e| e.name() == "action.doctor.step_down.done")
        .map(|e| e.time_h)
        .collect();
    assert!(
        doses.len() >= 3 && doses.windows(2).all(|w| (w[1] - w[0] - 48.0).abs() < 1e-6),
        "{doses:?}"
    );
    for (t, rate) in column(&run, "programmed_ug_per_day").iter().filter(|(t, _)| *t > out) {
        assert_eq!(*rate, 0.0, "at {t}");
    }
    // Nobody comes for a refill of a pump that is not there, and no alarm sounds.
    assert!(times(&run, "care.refill.seen").iter().all(|t| *t <= out));
    assert!(run.alarms.iter().all(|a| a.raised_h <= out));
    assert!(count(&run, "action.tablets.oral_baclofen.done") > 10);
    assert_eq!(count(&run, "care.tablets.reached"), 1);
}

#[test]
fn refills_without_lead_are_planned_also_where_nothing_is_pumped() {
    let still = "[parameters]\ncare.refills.lead = \"0 h\"\n[[care]]\nid = \"refill\"\npolicy = \"refills\"\n";
    let text = treated(2.0, still)
        .replace("simple_continuous = \"400 ug/day\"", "stopped = true")
        .replace("established", "naive");
    let run = go(&text);
    assert_eq!(run.outcome.status, "alive");
    assert!(count(&run, "care.refill.timer") <= 2 * 48 + 2, "{}", listing(&run));
}

#[test]
fn tablets_are_weaned_once_the_pump_runs() {
    let run = go(&candidate(40.0, "", COURSE));
    let start = time(&run, "care.surgeon.running");
    assert!(time(&run, "care.tablets.weaning") >= start);
    let weaned = time(&run, "care.tablets.weaned");
    assert!(
        times(&run, "action.tablets.oral_baclofen.done")
            .iter()
            .all(|t| *t <= weaned)
    );
    // 60 mg less a third a step: seven steps to below 5 mg.
    assert!((weaned - start - 72.0 * 7.0).abs() < 1e-6, "{}", weaned - start);
}

#[test]
fn stored_in_mid_course_every_protocol_goes_on_with_the_same_bits() {
    let registry = Registry::builtin();
    let options = RunOptions::default();
    for (text, pauses) in [
        (candidate(14.0, "", COURSE), vec![30.0, 60.0, 150.0, 200.3]),
        (treated(10.0, CHANGE), vec![24.5, 60.0]),
        (treated(3.0, SCAN), vec![30.3, 31.0]),
        (worn(30.0), vec![250.0, 500.0]),
        (treated(20.0, PAUSE), vec![100.0, 300.0]),
        (treated(14.0, OUT), vec![60.0, 300.0]),
    ] {
        let scenario = scenario(&text);
        let end = scenario.duration;
        let mut straight = Run::new(&scenario, &registry, &options).unwrap();
        straight.run_until(end).unwrap();
        let expected = straight.finish();
        for pause in pauses {
            let mut first = Run::new(&scenario, &registry, &options).unwrap();
            first.run_until(SimTime::from_hours(pause).unwrap()).unwrap();
            let saved = serde_json::from_str(&first.save().unwrap().to_string()).unwrap();
            let mut second = Run::restore(&scenario, &registry, &options, &saved).unwrap();
            second.run_until(end).unwrap();
            assert!(second.finish() == expected, "stored at {pause} h of:\n{text}");
        }
    }
}

#[test]
fn the_order_of_blocks_changes_nothing_and_a_policy_can_be_left_out() {
    let blocks: Vec<&str> = COURSE.split("[[care]]").filter(|b| !b.trim().is_empty()).collect();
    let backwards: String = blocks.iter().rev().map(|b| format!("[[care]]{b}")).collect();
    let one = go(&candidate(20.0, "", COURSE));
    let other = go(&candidate(20.0, "", &backwards));
    assert_eq!(one.fingerprint, other.fingerprint);
    let options = RunOptions {
        without: vec!["care.clinic".to_owned()],
        ..RunOptions::default()
    };
    let without = run_with(&scenario(&candidate(20.0, "", COURSE)), &options);
    assert_eq!(count(&without, "care.clinic.seen"), 0);
    // The luck of the rest stays: the same doses and the same surgery.
    assert_eq!(
        time(&without, "action.surgeon.implant.done"),
        time(&one, "action.surgeon.implant.done")
    );
}

#[test]
fn settings_that_contradict_one_another_are_refused_with_their_place() {
    let catalog = Registry::builtin().catalog();
    let text = candidate(3.0, "", "[[care]]\nid = \"t\"\npolicy = \"trial\"\nfirst = \"90 ug\"\n");
    let refused = load_str("test.toml", &text, None, &catalog).unwrap_err().render(false);
    assert!(refused.contains("doses must rise"), "{refused}");
    let text = candidate(3.0, "selection = { infecton = true }", "");
    let refused = load_str("test.toml", &text, None, &catalog).unwrap_err().render(false);
    assert!(refused.contains("infection"), "{refused}");
}

#[test]
fn a_sedated_patient_gets_no_further_dose_and_no_pump() {
    let text = candidate(6.0, "", COURSE)
        + r#"
[parameters]
"response.effect.brain_ec50" = "0.032 ug/mL"
"kinetics.effect.brain_cord_share" = 0.5
"kinetics.effect.brain_csf_share" = 0.4
"#;
    let run = go(&text);
    assert_eq!(count(&run, "symptom.somnolence.onset"), 1, "{}", listing(&run));
    let stopped = event(&run, "care.trial.stopped");
    assert!(stopped.detail.starts_with("sedated"), "{}", stopped.detail);
    assert_eq!(count(&run, "action.trial.second.done"), 0);
    assert!(times(&run, "care.trial.seen").iter().all(|t| *t <= stopped.time_h));
    assert_eq!(count(&run, "care.surgeon.declined"), 1);
    assert_eq!(count(&run, "care.surgeon.planned"), 0);
}

#[test]
fn a_pump_that_has_stopped_is_replaced_once_at_the_dose_it_gave() {
    let blocks = WORN
        .replace("interval = \"10 d\"", "interval = \"1 d\"")
        .replace("wait = \"5 d\"", "wait = \"2 d\"")
        + "[parameters]\n\"pump.battery.eri_to_eos\" = \"2 d\"\n";
    let text = treated(14.0, &blocks).replace(
        "family = \"peristaltic\"",
        "family = \"peristaltic\"\nage = \"2262.5 d\"",
    );
    let run = go(&text);
    let end = time(&run, "pump.end_of_service");
    let surgery = time(&run, "action.surgeon.implant.done");
    assert!(end < surgery, "{}", listing(&run));
    assert_eq!(count(&run, "action.surgeon.implant.done"), 1);
    assert_eq!(count(&run, "care.surgeon.planned"), 1);
    for (t, rate) in column(&run, "programmed_ug_per_day")
        .iter()
        .filter(|(t, _)| *t > surgery)
    {
        assert!((rate - 400.0).abs() < 1e-6, "{rate} at {t}");
    }
    // The log of the old pump is kept.
    assert!(
        run.device_log
            .iter()
            .any(|l| l.entry == "alarm.end_of_service" && l.time_h < surgery)
    );
    assert!(run.device_log.iter().any(|l| l.time_h >= surgery));
}

#[test]
fn without_a_pump_nothing_is_scanned_paused_tapered_or_replaced() {
    let blocks = [
        "mri",
        "holiday",
        "taper",
        "battery",
        "refills",
        "concentration",
        "titration",
    ]
    .map(|policy| format!("[[care]]\nid = \"{policy}\"\npolicy = \"{policy}\"\n"))
    .concat();
    let run = go(&candidate(20.0, "", &blocks));
    for flag in [
        "mri.turning",
        "mri.suspected",
        "holiday.holiday",
        "holiday.paused",
        "taper.tapering",
        "taper.explanted",
        "battery.planned",
        "refills.planned",
        "concentration.bridging",
        "titration.kept",
    ] {
        assert_eq!(count(&run, &format!("care.{flag}")), 0, "{flag}:\n{}", listing(&run));
    }
    assert!(run.alarms.is_empty() && run.device_log.is_empty());
}
