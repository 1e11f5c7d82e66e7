//! Alarms in a run: how often they sound, when somebody hears them, what ends them, and what
//! people do because of them.

use crate::run_common::{count, event, head, listing, run, run_with, scenario, story, text, time};
use itbsim::engine::SimTime;
use itbsim::numerics::Draws;
use itbsim::parameters::ParameterSet;
use itbsim::pump::AlarmClass;
use itbsim::scenario::load_str;
use itbsim::simulation::{AlarmRow, Ears, Registry, Run, RunOptions, RunResult};

/// A pump whose low alarm is due after one day at 400 ug/day of 2 mg/mL.
fn nearly_low(days: f64, patient: &str, blocks: &str) -> String {
    text(days, blocks)
        .replace("fill = \"18 mL\"", "fill = \"2.2 mL\"")
        .replace("history = \"established\"", &format!("history = \"naive\"\n{patient}"))
}

fn of<'a>(run: &'a RunResult, alarm: &str) -> &'a AlarmRow {
    let mut rows = run.alarms.iter().filter(|a| a.alarm == alarm);
    let row = rows.next().unwrap_or_else(|| panic!("no {alarm} in\n{}", listing(run)));
    assert!(rows.next().is_none(), "{alarm} twice");
    row
}

/// Tones from the first up to and including `end` \[h\].
fn tones(row: &AlarmRow, end: f64) -> u64 {
    let every = if row.class == "critical" { 10.0 } else { 60.0 };
    ((end - row.raised_h) * 60.0 / every + 1e-6).floor() as u64 + 1
}

mod sounding {
    use super::*;

    #[test]
    fn a_low_reservoir_sounds_every_hour_until_the_refill() {
        let run = run_with(
            &scenario(&nearly_low(
                4.0,
                "",
                "[[action]]\nid = \"fill\"\nat = \"74.5 h\"\nrefill = { volume = \"10 mL\", concentration = \"2 mg/mL\" }",
            )),
            &RunOptions::default(),
        );
        let low = of(&run, "low_reservoir");
        assert!((low.raised_h - 24.0).abs() < 1e-6);
        assert_eq!((low.cleared_h, low.silenced_h), (Some(74.5), None));
        // 24, 25, ... 74 h.
        assert_eq!(low.tones, 51);
        assert_eq!((low.class.as_str(), low.priority.as_str()), ("non-critical", "medium"));
    }

    #[test]
    fn every_alarm_repeats_at_the_interval_of_its_class_to_the_end_of_the_run() {
        let days = 3.0;
        let stall = "[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nat = \"10 h\"";
        let memory = |critical: u8| {
            format!("[[fault]]\nid = \"f\"\nkind = \"pump.memory_error\"\nat = \"10 h\"\ncritical = {critical}")
        };
        let stop = "[[programme]]\nid = \"s\"\nat = \"10 h\"\nstopped = true";
        let old = |years: f64| {
            text(days, "").replace(
                "family = \"peristaltic\"",
                &format!("family = \"peristaltic\"\nage = \"{} d\"", years * 365.25),
            )
        };
        let empty = nearly_low(days, "", "").replace("fill = \"2.2 mL\"", "fill = \"0.2 mL\"");
        for (text, alarm, class, priority) in [
            (text(days, stall), "motor_stall", "critical", "high"),
            (text(days, &memory(1)), "memory_error", "critical", "high"),
            (text(days, &memory(0)), "memory_error", "non-critical", "low"),
            (text(days, stop), "stopped_too_long", "critical", "high"),
            (old(6.9), "eri", "non-critical", "low"),
            (old(6.999), "end_of_service", "critical", "high"),
            (empty, "empty_reservoir", "critical", "high"),
        ] {
            let run = run_with(&scenario(&text), &RunOptions::default());
            let row = of(&run, alarm);
            assert_eq!(
                (row.class.as_str(), row.priority.as_str()),
                (class, priority),
                "{alarm}"
            );
            assert_eq!((row.cleared_h, row.silenced_h), (None, None), "{alarm}");
            assert_eq!(row.tones, tones(row, days * 24.0), "{alarm}");
            // However often it sounds, the events show it raised and heard once.
            let name = format!("alarm.{alarm}");
            assert_eq!(
                run.events.iter().filter(|e| e.component == name).count(),
                2,
                "{}",
                listing(&run)
            );
            let logged: Vec<_> = run.device_log.iter().filter(|e| e.entry.starts_with(&name)).collect();
            assert_eq!(logged.len(), 1, "{alarm}");
            assert_eq!(
                (logged[0].class.as_str(), logged[0].priority.as_str()),
                (class, priority)
            );
            assert_eq!(logged[0].time_h, row.raised_h);
        }
    }

    #[test]
    fn a_session_with_the_programmer_ends_the_tone_but_not_the_alarm() {
        let patient = "alarm = { hears = 0.000001 }";
        let asked = "[[action]]\nid = \"ask\"\nat = \"30.5 h\"\ninterrogate = true";
        let run = run_with(&scenario(&nearly_low(4.0, patient, asked)), &RunOptions::default());
        let low = of(&run, "low_reservoir");
        assert_eq!((low.silenced_h, low.cleared_h, low.tones), (Some(30.5), None, 7));
        assert!(
            event(&run, "action.ask.done").detail.contains("low_reservoir"),
            "{}",
            listing(&run)
        );
    }

    #[test]
    fn nobody_hears_what_was_silenced_before() {
        // Asleep from 24 h to 31 h, deaf asleep: the first tone heard would be the one at 31 h.
        let patient = "alarm = { hears = 1.0 }";
        let sleep = "[parameters]\n\"alarm.asleep\" = 0.0\n";
        let heard = run_with(&scenario(&nearly_low(4.0, patient, sleep)), &RunOptions::default());
        assert!((time(&heard, "alarm.low_reservoir.heard") - 31.0).abs() < 1e-6);
        assert_eq!(of(&heard, "low_reservoir").heard_tone, Some(8));
        let asked = format!("{sleep}[[action]]\nid = \"ask\"\nat = \"30 h\"\ninterrogate = true");
        let silent = run_with(&scenario(&nearly_low(4.0, patient, &asked)), &RunOptions::default());
        assert_eq!(count(&silent, "alarm.low_reservoir.heard"), 0);
        assert_eq!(of(&silent, "low_reservoir").heard_h, None);
    }

    #[test]
    fn a_blocked_catheter_is_silent_on_a_peristaltic_pump() {
        let block = "[[fault]]\nid = \"f\"\nkind = \"catheter.occlusion\"\nat = \"10 h\"\nposition = \"50 cm\"\n";
        let run = run(2.0, block);
        assert!(count(&run, "delivery.stopped") > 0, "{}", listing(&run));
        assert!(run.alarms.is_empty(), "{:?}", run.alarms);
    }
}

mod hearing {
    use super::*;

    #[test]
    fn the_instant_is_the_closed_form_under_the_key_of_the_alarm() {
        for (seed, patient) in [
            (7, ""),
            (8, "alarm = { impaired = true }"),
            (9, "alarm = { carer = true }"),
        ] {
            let s = scenario(&nearly_low(6.0, patient, "").replace("seed = 7", &format!("seed = {seed}")));
            let run = run_with(&s, &RunOptions::default());
            let row = of(&run, "low_reservoir");
            let ears = Ears::new(&s.patient.alarm, AlarmClass::NonCritical, &ParameterSet::default()).unwrap();
            let luck = Draws::new(seed, 0).uniform("alarm.low_reservoir", "heard", 0);
            let raised = SimTime::from_hours(row.raised_h).unwrap();
            let (tone, at) = ears.first_heard(raised, s.duration, luck).expect("six days are long");
            assert_eq!(row.heard_tone, Some(tone));
            assert!((row.heard_h.unwrap() - at.hours()).abs() < 1e-9);
            assert_eq!(time(&run, "alarm.low_reservoir.heard"), row.heard_h.unwrap());
            let cause = event(&run, "alarm.low_reservoir.heard").caused_by;
            assert_eq!(cause, event(&run, "alarm.low_reservoir.raised").event_id);
        }
    }

    #[test]
    fn hearing_changes_nothing_but_what_people_do() {
        let heard = |word: &str| {
            let text = nearly_low(4.0, &format!("alarm = {{ heard = \"{word}\" }}"), "");
            run_with(&scenario(&text), &RunOptions::default())
        };
        let (always, never) = (heard("always"), heard("never"));
        assert_eq!(
            time(&always, "alarm.low_reservoir.heard"),
            time(&always, "alarm.low_reservoir.raised")
        );
        assert_eq!(count(&never, "alarm.low_reservoir.heard"), 0);
        assert_eq!(always.rows, never.rows);
        assert_eq!(always.ledger, never.ledger);
        let symptoms = |run: &RunResult| {
            run.symptoms
                .iter()
                .map(|s| (s.symptom.clone(), s.onset_h))
                .collect::<Vec<_>>()
        };
        assert_eq!(symptoms(&always), symptoms(&never));
    }

    #[test]
    fn another_fault_leaves_the_luck_of_hearing_alone() {
        let plain = run_with(&scenario(&nearly_low(5.0, "", "")), &RunOptions::default());
        let fault = "[[fault]]\nid = \"k\"\nkind = \"catheter.kink\"\nhazard = \"0.2 /day\"\nposition = \"20 cm\"\nbore = \"50 %\"\n";
        let other = run_with(&scenario(&nearly_low(5.0, "", fault)), &RunOptions::default());
        assert_eq!(of(&plain, "low_reservoir").heard_h, of(&other, "low_reservoir").heard_h);
    }

    #[test]
    fn replicates_have_luck_of_their_own() {
        let s = scenario(&nearly_low(3.0, "", ""));
        let heard: Vec<Option<u64>> = (0..6)
            .map(|replicate| {
                let options = RunOptions {
                    replicate,
                    observe: false,
                    ..RunOptions::default()
                };
                of(&run_with(&s, &options), "low_reservoir").heard_tone
            })
            .collect();
        assert!(heard.iter().any(|h| *h != heard[0]), "{heard:?}");
    }
}

mod acts_that_depend {
    use super::*;

    const CALLED: &str = r#"
[[action]]
id = "called"
when = { event = "alarm.low_reservoir.heard", after = "2 h" }
refill = { volume = "10 mL", concentration = "2 mg/mL" }
[[action]]
id = "planned"
at = "60 h"
unless = "called"
refill = { volume = "10 mL", concentration = "2 mg/mL" }
[[action]]
id = "rescue"
when = { event = "delivery.stopped", after = "1 h" }
unless = "called"
interrogate = true
"#;

    #[test]
    fn an_alarm_that_is_heard_leads_to_a_refill_and_makes_others_needless() {
        let run = run_with(
            &scenario(&nearly_low(4.0, "alarm = { heard = \"always\" }", CALLED)),
            &RunOptions::default(),
        );
        assert!((time(&run, "action.called.done") - 26.0).abs() < 1e-6);
        let heard = event(&run, "alarm.low_reservoir.heard").event_id;
        assert_eq!(event(&run, "action.called.done").caused_by, heard);
        assert_eq!(time(&run, "action.planned.dropped"), time(&run, "action.called.done"));
        assert_eq!(
            count(&run, "action.planned.done") + count(&run, "action.rescue.done"),
            0
        );
        assert_eq!(count(&run, "action.rescue.dropped"), 1);
        assert_eq!(run.visits.len(), 1);
    }

    #[test]
    fn unheard_the_planned_act_is_done_and_nothing_is_dropped() {
        let run = run_with(
            &scenario(&nearly_low(4.0, "alarm = { heard = \"never\" }", CALLED)),
            &RunOptions::default(),
        );
        assert_eq!(count(&run, "action.called.done"), 0);
        assert_eq!(time(&run, "action.planned.done"), 60.0);
        assert_eq!(
            count(&run, "action.planned.dropped") + count(&run, "action.rescue.dropped"),
            0
        );
    }

    #[test]
    fn what_is_done_cannot_be_dropped() {
        let late = "[[action]]\nid = \"first\"\nat = \"5 h\"\nunless = \"second\"\ninterrogate = true\n\
                    [[action]]\nid = \"second\"\nat = \"6 h\"\ninterrogate = true\n";
        let run = run(1.0, late);
        assert_eq!(
            (count(&run, "action.first.done"), count(&run, "action.first.dropped")),
            (1, 0)
        );
    }

    #[test]
    fn when_says_the_same_as_a_time_after_an_event() {
        let with = |line: &str| {
            let act = format!("[[action]]\nid = \"a\"\n{line}\ninterrogate = true\n");
            let s = scenario(&nearly_low(3.0, "alarm = { heard = \"always\" }", &act));
            run_with(&s, &RunOptions::default()).fingerprint
        };
        assert_eq!(
            with("when = { event = \"alarm.low_reservoir.heard\", after = \"3 h\" }"),
            with("at = \"alarm.low_reservoir.heard + 3 h\"")
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (line, wanted) in [
            ("at = \"1 h\"\nwhen = { event = \"pump.empty\" }", "more than one of"),
            ("when = { event = \"pump.emptyy\" }", "unknown event"),
            ("when = { after = \"1 h\" }", "lacks `event`"),
            ("at = \"1 h\"\nunless = \"nothing.there\"", "unknown event"),
            ("unless = \"pump.empty\"", "lacks `at`"),
        ] {
            let text = text(1.0, &format!("[[action]]\nid = \"a\"\n{line}\ninterrogate = true\n"));
            let mistakes = load_str("t.toml", &text, None, &Registry::builtin().catalog()).unwrap_err();
            assert!(mistakes.to_string().contains(wanted), "{line}\n{mistakes}");
        }
        let deaf = head(1.0).replace("injury", "alarm = { hears = 1.5 }\ninjury");
        assert!(load_str("t.toml", &deaf, None, &Registry::builtin().catalog()).is_err());
    }

    #[test]
    fn a_snapshot_keeps_sounding_alarms_and_dependent_acts() {
        let story = story(&nearly_low(4.0, "", CALLED));
        let s = &story.arms[0].scenario;
        let (registry, options) = (Registry::builtin(), RunOptions::default());
        let whole = run_with(s, &options);
        assert!(
            of(&whole, "low_reservoir").heard_h.is_some_and(|h| h > 25.5),
            "heard too soon to be of use here"
        );
        let mut run = Run::new(s, &registry, &options).unwrap();
        run.run_until(SimTime::from_hours(25.25).unwrap()).unwrap();
        let saved: serde_json::Value = serde_json::from_str(&run.save().unwrap().to_string()).unwrap();
        let mut again = Run::restore(s, &registry, &options, &saved).unwrap();
        again.run_until(s.duration).unwrap();
        assert_eq!(again.finish(), whole);
    }
}
