//! A file that is right becomes the story it describes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::scenario_common::{catalog, file, mistakes, story};
use itbsim::engine::{SimSpan, SimTime};
use itbsim::scenario::model::*;
use itbsim::scenario::{load, load_from, load_str, template};
use itbsim::signals::Others;
use itbsim::signals::{Level, Posture};

fn days(d: f64) -> SimTime {
    SimTime::from_hours(d * 24.0).unwrap()
}

fn span(h: f64) -> SimSpan {
    SimSpan::from_hours(h).unwrap()
}

fn only(text: &str) -> Scenario {
    let story = story(text);
    assert_eq!(story.arms.len(), 1);
    assert_eq!(story.arms[0].id, "");
    story.arms[0].scenario.clone()
}

#[test]
fn quantities_arrive_in_base_units() {
    let s = only(&file("seed = 7\nsample = \"30 min\"", ""));
    assert_eq!(s.duration, days(120.0));
    assert_eq!(s.seed, 7);
    assert_eq!(s.sample, span(0.5));
    assert_eq!(s.pump.concentration, 2000.0);
    assert_eq!(
        s.pump.label_concentration, 2000.0,
        "the label is the concentration unless the file says otherwise"
    );
    assert_eq!(s.programme[0].mode, Programme::SimpleContinuous { rate: 12.5 });
    assert_eq!(s.programme[0].at, Moment::At(SimTime::ZERO));
}

#[test]
fn what_the_file_leaves_out_takes_the_tabled_default() {
    let s = only(&file("", ""));
    assert_eq!(s.patient.weight, 70.0);
    assert_eq!(s.patient.history, History::Naive);
    assert_eq!(s.patient.renal_function, 1.0);
    assert_eq!(s.patient.effect_model, "emax");
    assert_eq!(s.catheter.length, 89.0);
    assert_eq!(s.catheter.tip, Level::T10);
    assert_eq!(s.pump.low_reservoir_alarm, 2.0);
    assert_eq!(s.pump.gain, None);
    assert!(s.pump.approved_drug);
}

#[test]
fn a_scenario_can_change_the_default_of_a_key_it_leaves_out() {
    let s = only(&file("[parameters]\n\"scenario.catheter.length\" = \"700 mm\"\n", ""));
    assert_eq!(s.catheter.length, 70.0);
    assert_eq!(s.parameters.get("scenario.catheter.length"), 70.0);
}

#[test]
fn parameters_may_be_quoted_dotted_or_nested() {
    for text in [
        "[parameters]\n\"scenario.patient.weight\" = \"60 kg\"",
        "[parameters]\nscenario.patient.weight = \"60 kg\"",
        "[parameters.scenario.patient]\nweight = \"60 kg\"",
    ] {
        assert_eq!(only(&file(text, "")).patient.weight, 60.0, "{text}");
    }
}

#[test]
fn the_patient_is_read_whole() {
    let s = only(&file(
        "[patient]\npopulation = \"child\"\nweight = \"20 kg\"\nrenal_function = \"50 %\"\ninjury = \"t4\"\n\
         ashworth_legs = 3.5\nashworth_arms = 1\nspasm_score = 2\nposture = \"upright\"\nhistory = \"established\"\n\
         effect_model = \"emax\"\nalarm = { heard = \"always\", hears = \"90 %\", impaired = true, carer = true, \
         awake_from = \"6 h\", awake_to = \"22 h\" }",
        "",
    ));
    assert_eq!(
        s.patient,
        Patient {
            population: Population::Child,
            weight: 20.0,
            renal_function: 0.5,
            injury: Some(Level::T4),
            ashworth_legs: 3.5,
            ashworth_arms: 1.0,
            spasm_score: 2.0,
            posture: Posture::Upright,
            history: History::Established,
            effect_model: "emax".to_owned(),
            alarm: Hearing {
                heard: Heard::Always,
                hears: Some(0.9),
                impaired: true,
                carer: true,
                awake_from: Some(6.0),
                awake_to: Some(22.0),
            },
            implanted: true,
            selection: Selection::default(),
        }
    );
}

#[test]
fn every_programme_mode_is_read() {
    let modes = [
        (
            "flex = [{ at = \"22:00\", rate = \"240 ug/day\" }, { at = \"06:30\", weekday = \"sun\", rate = \"480 ug/day\" }]",
            Programme::Flex {
                steps: vec![
                    FlexStep {
                        weekday: None,
                        at: 22.0,
                        rate: 10.0,
                    },
                    FlexStep {
                        weekday: Some(6),
                        at: 6.5,
                        rate: 20.0,
                    },
                ],
            },
        ),
        (
            "flex = { steps = [{ at = \"06:00\", rate = \"240 ug/day\" }] }",
            Programme::Flex {
                steps: vec![FlexStep {
                    weekday: None,
                    at: 6.0,
                    rate: 10.0,
                }],
            },
        ),
        (
            "periodic_bolus = { dose = \"50 ug\", every = \"6 h\", over = \"6 min\", basal = \"120 ug/day\" }",
            Programme::PeriodicBolus {
                dose: 50.0,
                every: 6.0,
                over: 0.1,
                basal: 5.0,
            },
        ),
        (
            "single_bolus = { dose = \"50 ug\", over = \"30 min\" }",
            Programme::SingleBolus { dose: 50.0, over: 0.5 },
        ),
        (
            "priming_bolus = { over = \"30 min\" }",
            Programme::PrimingBolus {
                volume: None,
                over: 0.5,
            },
        ),
        (
            "priming_bolus = { volume = \"0.4 mL\", over = \"30 min\" }",
            Programme::PrimingBolus {
                volume: Some(0.4),
                over: 0.5,
            },
        ),
        (
            "bridge_bolus = { old_concentration = \"500 ug/mL\", bridge_rate = \"240 ug/day\", then_rate = \"480 ug/day\" }",
            Programme::BridgeBolus {
                old_concentration: 500.0,
                bridge_rate: 10.0,
                volume: None,
                then_rate: 20.0,
            },
        ),
        ("minimum_rate = true", Programme::MinimumRate),
        ("stopped = true", Programme::Stopped),
    ];
    for (line, mode) in modes {
        let s = only(&file("", &format!("[[programme]]\nat = \"10 d\"\n{line}")));
        assert_eq!(s.programme[1].mode, mode, "{line}");
    }
}

#[test]
fn every_action_is_read() {
    let acts = [
        (
            "refill = { volume = \"18 mL\", concentration = \"500 ug/mL\", label = \"2 mg/mL\", pocket_share = \"25 %\", aspirate = false }",
            Action::Refill {
                volume: 18.0,
                concentration: 500.0,
                label: 2000.0,
                pocket_share: 0.25,
                aspirate: false,
                syringe_error: None,
                others: Some(Others::NONE),
            },
        ),
        (
            "refill = { volume = \"18 mL\", concentration = \"500 ug/mL\" }",
            Action::Refill {
                volume: 18.0,
                concentration: 500.0,
                label: 500.0,
                pocket_share: 0.0,
                aspirate: true,
                syringe_error: None,
                others: Some(Others::NONE),
            },
        ),
        (
            "refill = { volume = \"18 mL\", concentration = \"500 ug/mL\", syringe_error = \"0 mL\" }",
            Action::Refill {
                volume: 18.0,
                concentration: 500.0,
                label: 500.0,
                pocket_share: 0.0,
                aspirate: true,
                syringe_error: Some(0.0),
                others: Some(Others::NONE),
            },
        ),
        (
            "check_reservoir = true",
            Action::CheckReservoir {
                syringe_error: None,
                rule: VisitRule::Refill,
            },
        ),
        (
            "check_reservoir = { syringe_error = \"0.5 mL\", rule = \"implant\" }",
            Action::CheckReservoir {
                syringe_error: Some(0.5),
                rule: VisitRule::Implant,
            },
        ),
        ("missed_refill = true", Action::MissedRefill),
        ("raise_dose = \"10 %\"", Action::ScaleDose { factor: 1.1 }),
        ("lower_dose = \"10 %\"", Action::ScaleDose { factor: 0.9 }),
        ("interrogate = true", Action::Interrogate),
        ("empty_pump = true", Action::EmptyPump),
        (
            "lumbar_bolus = { dose = \"75 ug\", level = \"L3\" }",
            Action::LumbarBolus {
                dose: 75.0,
                level: Level::L3,
                over: 1.0 / 60.0,
                drug: None,
            },
        ),
        (
            "oral_baclofen = { dose = \"20 mg\", every = \"6 h\" }",
            Action::OralBaclofen {
                dose: 20_000.0,
                every: 6.0,
                count: None,
            },
        ),
        (
            "benzodiazepine = { dose = \"5 mg\", every = \"6 h\", count = 8 }",
            Action::Benzodiazepine {
                dose: 5.0,
                every: 6.0,
                count: Some(8),
            },
        ),
        (
            "cyproheptadine = { dose = \"4 mg\" }",
            Action::Cyproheptadine {
                dose: 4.0,
                every: 24.0,
                count: Some(1),
            },
        ),
        (
            "drain_csf = { volume = \"40 mL\", over = \"30 min\" }",
            Action::DrainCsf {
                volume: 40.0,
                over: 0.5,
            },
        ),
        ("inject_contrast = \"3 mL\"", Action::InjectContrast { volume: 3.0 }),
        ("mri = \"30 min\"", Action::MriScan { over: 0.5 }),
        ("ventilate = false", Action::Ventilate { on: false }),
        ("posture = \"upright\"", Action::Posture(Posture::Upright)),
        (
            "repair = [\"stall\"]",
            Action::Repair {
                faults: vec!["stall".to_owned()],
            },
        ),
    ];
    for (line, act) in acts {
        let more =
            format!("[[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"1 d\"\n[[action]]\nat = \"2 d\"\n{line}");
        assert_eq!(only(&file("", &more)).actions[0].action, act, "{line}");
    }
}

#[test]
fn faults_carry_trigger_profile_and_physical_values() {
    let s = only(&file(
        "",
        r#"
[[fault]]
id = "kink"
kind = "catheter.kink"
when = "reservoir_ml < 2"
position = "25 cm"
bore = "5 %"
until = "kink.start + 1 d"
profile = { intermittent = { on = "6 h", off = "18 h" } }
[[fault]]
id = "leak"
kind = "catheter.leak"
hazard = "0.5 /year"
position = "0.1 m"
conductance = "0.02 mL/(h kPa)"
into = "l4"
profile = { ramp = "5 d" }
[[fault]]
id = "slip"
kind = "catheter.migration"
at = "leak.start + 2 h"
to = "epidural"
profile = { in_posture = "upright" }
"#,
    ));
    let [kink, leak, slip] = s.faults.as_slice() else {
        panic!("three faults")
    };
    let condition = Condition {
        signal: "reservoir_ml".to_owned(),
        rising: false,
        level: 2.0,
    };
    assert_eq!(kink.trigger, Trigger::When(condition));
    assert_eq!(
        kink.until,
        Some(Moment::After {
            event: "fault.kink.start".to_owned(),
            offset: span(24.0)
        })
    );
    assert_eq!(kink.profile, Profile::Intermittent { on: 6.0, off: 18.0 });
    assert_eq!(kink.values["bore"], Value::Number(0.05));
    assert_eq!(
        kink.values["length"],
        Value::Number(1.0),
        "defaults of the kind are filled in"
    );
    assert_eq!(leak.trigger, Trigger::Hazard { rate: 0.5 / 8766.0 });
    assert_eq!(leak.values["position"], Value::Number(10.0));
    assert_eq!(leak.values["conductance"], Value::Number(0.02));
    assert_eq!(leak.values["into"], Value::Text("L4".to_owned()));
    assert_eq!(leak.profile, Profile::Ramp { over: 120.0 });
    assert_eq!(
        slip.trigger,
        Trigger::At(Moment::After {
            event: "fault.leak.start".to_owned(),
            offset: span(2.0)
        })
    );
    assert_eq!(slip.profile, Profile::InPosture(Posture::Upright));
}

#[test]
fn blocks_without_an_id_are_named_after_their_verb() {
    let s = only(&file(
        "",
        "[[action]]\nat = \"1 d\"\ninterrogate = true\n[[action]]\nat = \"2 d\"\nid = \"interrogate2\"\nmissed_refill = true\n\
         [[action]]\nat = \"3 d\"\ninterrogate = true\n[[programme]]\nat = \"interrogate3 + 1 h\"\nstopped = true",
    ));
    let ids: Vec<&str> = s.actions.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(ids, ["interrogate1", "interrogate2", "interrogate3"]);
    assert_eq!(s.programme[1].id, "stopped1");
    assert_eq!(
        s.programme[1].at,
        Moment::After {
            event: "action.interrogate3.done".to_owned(),
            offset: span(1.0)
        }
    );
}

#[test]
fn expectations_are_read_with_their_line() {
    let text = file(
        "",
        r#"
[[expect]]
event = "pump.empty"
between = ["50 d", "pump.stalled + 1 d"]
source = "a"
[[expect]]
event = "patient.death"
never = true
source = "b"
[[expect]]
event = "start.start"
before = "1 h"
source = "c"
[[expect]]
signal = "csf_l3_ng_per_ml"
at = "10 d"
within = [130, 1240.5]
source = "d"
[[expect]]
signal = "reservoir_ml"
statistic = "max"
after = "pump.empty - 1 h"
max = 2
source = "e"
"#,
    );
    let s = only(&text);
    let claims: Vec<&Claim> = s.expectations.iter().map(|e| &e.claim).collect();
    let after = |event: &str, hours: f64| Moment::After {
        event: event.to_owned(),
        offset: span(hours),
    };
    assert_eq!(
        claims[0],
        &Claim::Event {
            event: "pump.empty".to_owned(),
            from: Some(Moment::At(days(50.0))),
            to: Some(after("pump.stalled", 24.0)),
        }
    );
    assert_eq!(
        claims[1],
        &Claim::Never {
            event: "patient.death".to_owned()
        }
    );
    assert_eq!(
        claims[2],
        &Claim::Event {
            event: "programme.start.start".to_owned(),
            from: None,
            to: Some(Moment::At(days(1.0 / 24.0)))
        }
    );
    let Claim::Signal {
        statistic,
        from,
        to,
        low,
        high,
        ..
    } = claims[3]
    else {
        panic!()
    };
    assert_eq!((*statistic, from, *low, *high), (Statistic::All, to, 130.0, 1240.5));
    let Claim::Signal {
        statistic,
        from,
        to,
        low,
        high,
        ..
    } = claims[4]
    else {
        panic!()
    };
    assert_eq!((*statistic, *high), (Statistic::Max, 2.0));
    assert!(low.is_infinite(), "no lower bound was asked for");
    assert_eq!(from, &after("pump.empty", -1.0));
    assert_eq!(to, &Moment::At(days(120.0)));
    assert!(
        text.lines()
            .nth(s.expectations[0].line - 1)
            .unwrap()
            .starts_with("[[expect]]")
    );
    assert_eq!(s.expectations[0].source, "a");
}

const ARMS: &str = r#"
[[fault]]
id = "leak"
kind = "catheter.leak"
at = "30 d"
position = "25 cm"
conductance = "0.01 mL/h/kPa"
into = "subcutaneous"
[[action]]
id = "test"
at = "leak.start + 1 d"
lumbar_bolus = { dose = "50 ug", level = "L3" }
[[action]]
id = "revision"
at = "60 d"
repair = ["leak"]
[[expect]]
event = "symptom.spasms_increased.onset"
between = ["leak.start", "leak.start + 10 d"]
source = "x"
[[expect]]
event = "patient.death"
never = true
source = "x"
[[expect]]
event = "pump.empty"
source = "x"
arms = ["big"]
[[arm]]
id = "as-is"
[[arm]]
id = "no-leak"
without = ["leak"]
[[arm]]
id = "big"
set = { "fault.leak.conductance" = "0.1 mL/h/kPa", "action.test.lumbar_bolus.dose" = "75 ug", "programme.start.simple_continuous" = "600 ug/day", "pump.gain" = 1.1, "pump.reservoir.fill" = "10 mL", "parameters.scenario.patient.weight" = "60 kg", "patient.posture" = "upright", "duration" = "100 d" }
"#;

#[test]
fn arms_leave_out_and_change() {
    let story = story(&file("", ARMS));
    let ids: Vec<&str> = story.arms.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(ids, ["as-is", "no-leak", "big"]);
    let [same, less, more] = story.arms.as_slice() else {
        panic!()
    };
    assert_eq!(same.scenario.faults.len(), 1);
    assert_eq!(same.scenario.pump.gain, None);
    assert!(less.scenario.faults.is_empty());
    assert_eq!(less.scenario.actions[1].action, Action::Repair { faults: vec![] });
    assert_eq!(
        less.scenario.actions[0].at,
        Moment::After {
            event: "fault.leak.start".to_owned(),
            offset: span(24.0)
        },
        "an action that waits for a missing fault stays, and never happens"
    );
    let s = &more.scenario;
    assert_eq!(s.faults[0].values["conductance"], Value::Number(0.1));
    assert_eq!(
        s.actions[0].action,
        Action::LumbarBolus {
            dose: 75.0,
            level: Level::L3,
            over: 1.0 / 60.0,
            drug: None,
        }
    );
    assert_eq!(s.programme[0].mode, Programme::SimpleContinuous { rate: 25.0 });
    assert_eq!(s.pump.gain, Some(1.1));
    assert_eq!(s.pump.fill, 10.0);
    assert_eq!(s.patient.weight, 60.0);
    assert_eq!(s.patient.posture, Posture::Upright);
    assert_eq!(s.duration, days(100.0));
}

#[test]
fn an_expectation_applies_only_where_it_can_be_checked() {
    let story = story(&file("", ARMS));
    let counts: Vec<usize> = story.arms.iter().map(|a| a.scenario.expectations.len()).collect();
    // as-is: spasms and death; no-leak: death alone; big: those two and the one that names it.
    assert_eq!(counts, [2, 1, 3]);
}

#[test]
fn two_programmes_at_one_instant_are_fine_in_arms_that_exclude_each_other() {
    let more = "[[programme]]\nid = \"a\"\nat = \"5 d\"\nstopped = true\n[[programme]]\nid = \"b\"\nat = \"5 d\"\nminimum_rate = true\n\
                [[arm]]\nid = \"one\"\nwithout = [\"a\"]\n[[arm]]\nid = \"two\"\nwithout = [\"b\"]\n";
    assert_eq!(story(&file("", more)).arms.len(), 2);
    let third = format!("{more}[[arm]]\nid = \"both\"\n");
    let found = mistakes(&file("", &third)).to_string();
    assert!(
        found.contains("two programmes start at 5 d") && found.contains("note: in arm `both`"),
        "{found}"
    );
}

#[test]
fn the_hash_sees_content_and_not_layout() {
    let text = file("", ARMS);
    let hash = |t: &str| story(t).hash;
    assert_eq!(hash(&text).len(), 64);
    assert_eq!(hash(&text), hash(&format!("# a comment\n{text}\n\n# another")));
    let moved = text.replace(
        "title = \"Test\"\nduration = \"120 d\"\n",
        "duration = \"120 d\"\ntitle = \"Test\"\n",
    );
    assert_ne!(moved, text);
    assert_eq!(hash(&text), hash(&moved));
    assert_ne!(hash(&text), hash(&text.replace("300 ug/day", "301 ug/day")));
}

#[test]
fn a_base_file_is_laid_under_key_by_key_and_blocks_by_id() {
    let files = BTreeMap::from([
        (
            "lib/base/adult.toml".to_owned(),
            file("seed = 3", "[[fault]]\nid = \"s\"\nkind = \"pump.stall\"\nat = \"1 d\""),
        ),
        (
            "lib/story.toml".to_owned(),
            "extends = \"base/adult.toml\"\ntitle = \"Own\"\n[pump]\nreservoir.fill = \"12 mL\"\n\
             [[programme]]\nid = \"start\"\nat = \"0 d\"\nsimple_continuous = \"600 ug/day\"\n\
             [[fault]]\nid = \"t\"\nkind = \"pump.stall\"\nat = \"2 d\""
                .to_owned(),
        ),
    ]);
    let story = load_from(Path::new("lib/story.toml"), &files, &catalog()).unwrap_or_else(|m| panic!("{m}"));
    assert_eq!(story.name, "story");
    let s = &story.arms[0].scenario;
    assert_eq!(
        (s.title.as_str(), s.seed, s.pump.fill, s.pump.reservoir_size),
        ("Own", 3, 12.0, 20.0)
    );
    assert_eq!(s.programme.len(), 1);
    assert_eq!(s.programme[0].mode, Programme::SimpleContinuous { rate: 25.0 });
    let ids: Vec<&str> = s.faults.iter().map(|f| f.id.as_str()).collect();
    assert_eq!(ids, ["s", "t"]);
}

#[test]
fn the_hash_covers_the_base_file() {
    let base = |rate: &str| {
        BTreeMap::from([
            ("base.toml".to_owned(), file("", "").replace("300 ug/day", rate)),
            ("story.toml".to_owned(), "extends = \"base.toml\"".to_owned()),
        ])
    };
    let hash = |rate| {
        load_from(Path::new("story.toml"), &base(rate), &catalog())
            .unwrap()
            .hash
    };
    assert_eq!(hash("300 ug/day"), hash("300 ug/day"));
    assert_ne!(hash("300 ug/day"), hash("400 ug/day"));
}

#[test]
fn a_file_is_loaded_from_disk_with_its_base() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("base")).unwrap();
    std::fs::write(dir.path().join("base/b.toml"), file("", "")).unwrap();
    let path = dir.path().join("s.toml");
    std::fs::write(&path, "extends = \"base/b.toml\"\nlesson = \"x\"").unwrap();
    let from_disk = load(&path, &catalog()).unwrap_or_else(|m| panic!("{m}"));
    assert_eq!(from_disk.arms[0].scenario.lesson, "x");
    let from_text = load_str(
        "s.toml",
        "extends = \"base/b.toml\"\nlesson = \"x\"",
        Some(dir.path()),
        &catalog(),
    )
    .unwrap();
    assert_eq!(from_disk.hash, from_text.hash);
}

#[test]
fn the_template_loads_as_it_stands() {
    let story = load_str("new.toml", template(), None, &catalog()).unwrap_or_else(|m| panic!("{m}"));
    assert_eq!(story.arms.len(), 3);
}
