//! Drawn faults in a run: events and their cause, what leaves other runs alone, and what a
//! file may say.

use crate::run_common::{count, event, run, run_with, scenario, story, text, time};
use itbsim::hazards::of_scenario;
use itbsim::numerics::Draws;
use itbsim::scenario::load_str;
use itbsim::simulation::{Registry, Run, RunOptions, why};

/// An occlusion within hours, and nothing else by chance.
const SOON: &str = r#"
[hazards]
scale = 1
[hazards."catheter.occlusion"]
constant = "500 /y"
[hazards."catheter.leak"]
enabled = false
"#;

#[test]
fn without_the_block_or_switched_off_nothing_changes() {
    let plain = run(2.0, "");
    let off = run(2.0, "[hazards]\nenabled = false\nscale = 9000\n");
    let nothing = run(2.0, "[hazards]\nscale = 0\n");
    assert_eq!(plain.fingerprint, off.fingerprint);
    assert_eq!(plain.fingerprint, nothing.fingerprint);
    assert_eq!(plain.rows, off.rows);
}

#[test]
fn a_drawn_fault_has_its_hazard_as_cause_and_all_that_repeats_it() {
    let scenario = scenario(&text(5.0, SOON));
    let options = RunOptions {
        seed: Some(12),
        replicate: 3,
        ..RunOptions::default()
    };
    let run = run_with(&scenario, &options);
    let struck = event(&run, "hazard.catheter.occlusion.struck");
    let start = event(&run, "fault.catheter.occlusion.start");
    assert_eq!(start.caused_by, struck.event_id);
    assert_eq!(start.time_h, struck.time_h);
    assert_eq!(struck.caused_by, 0);

    let u = Draws::new(12, 3).uniform("hazard.catheter.occlusion", "onset", 0);
    for part in [
        format!("u = {u} of (seed 12, replicate 3, hazard.catheter.occlusion, onset)"),
        "at age 0 d".to_owned(),
        "position ".to_owned(),
    ] {
        assert!(struck.detail.contains(&part), "`{part}` is not in {}", struck.detail);
    }
    let shape = of_scenario(&scenario)[0].shape;
    let wait = shape.wait(0.0, -libm::log(u)).unwrap();
    assert!((struck.time_h - wait).abs() < 1e-9, "to the nanosecond of the clock");
    assert!(count(&run, "delivery.stopped") == 1, "and the catheter is closed");
}

#[test]
fn another_replicate_is_another_life() {
    let scenario = scenario(&text(30.0, SOON));
    let at = |replicate| {
        let options = RunOptions {
            replicate,
            observe: false,
            ..RunOptions::default()
        };
        time(&run_with(&scenario, &options), "hazard.catheter.occlusion.struck")
    };
    assert_eq!(at(1), at(1));
    assert_ne!(at(1), at(2));
}

#[test]
fn the_run_without_a_drawn_fault_has_the_luck_of_the_others() {
    let both = format!("{SOON}[hazards.\"pump.stall\"]\nconstant = \"300 /y\"\n");
    let scenario = scenario(&text(5.0, &both));
    let whole = run_with(&scenario, &RunOptions::default());
    let stall = time(&whole, "hazard.pump.stall.struck");
    let chain = why::chain(&whole, "delivery.stopped").unwrap();
    let (kind, id) = why::removable_root(&chain).unwrap();
    let without = vec![format!("{kind}.{id}")];
    assert!(
        ["fault.catheter.occlusion", "fault.pump.stall"].contains(&without[0].as_str()),
        "{without:?}"
    );
    let less = run_with(
        &scenario,
        &RunOptions {
            without: vec!["fault.catheter.occlusion".to_owned()],
            ..RunOptions::default()
        },
    );
    assert_eq!(time(&less, "hazard.pump.stall.struck"), stall);
    assert_eq!(count(&less, "hazard.catheter.occlusion.struck"), 0);
}

#[test]
fn a_drawn_fault_can_be_waited_for_and_repaired_and_comes_once() {
    let blocks = format!(
        "{SOON}[[action]]\nid = \"revision\"\nat = \"fault.catheter.occlusion.start + 6 h\"\nrepair = [\"catheter.occlusion\"]\n"
    );
    let run = run(10.0, &blocks);
    let start = time(&run, "fault.catheter.occlusion.start");
    assert_eq!(time(&run, "fault.catheter.occlusion.end"), start + 6.0);
    assert_eq!(count(&run, "hazard.catheter.occlusion.struck"), 1);
    assert_eq!(count(&run, "delivery.restored"), 1);
}

#[test]
fn an_act_that_waits_for_a_fault_that_never_strikes_never_comes() {
    let blocks = "[hazards]\nscale = 0\n[[action]]\nid = \"revision\"\nat = \"fault.pump.stall.start + 6 h\"\nrepair = [\"pump.stall\"]\n";
    assert_eq!(count(&run(2.0, blocks), "action.revision.done"), 0);
}

#[test]
fn a_restored_run_keeps_its_drawn_faults() {
    let scenario = scenario(&text(6.0, SOON));
    let registry = Registry::builtin();
    let options = RunOptions::default();
    let whole = run_with(&scenario, &options);
    let mut first = Run::new(&scenario, &registry, &options).unwrap();
    first
        .run_until(itbsim::engine::SimTime::from_hours(1.0).unwrap())
        .unwrap();
    let saved = first.save().unwrap();
    let mut second = Run::restore(&scenario, &registry, &options, &saved).unwrap();
    second.run_until(scenario.duration).unwrap();
    assert_eq!(second.finish().fingerprint, whole.fingerprint);
}

#[test]
fn arms_change_hazards_by_path() {
    let arms = format!(
        "{SOON}[[arm]]\nid = \"as-is\"\n[[arm]]\nid = \"off\"\nset = {{ \"hazards.enabled\" = false }}\n\
         [[arm]]\nid = \"rare\"\nset = {{ \"hazards.catheter.occlusion.constant\" = \"1e-9 /y\" }}\n\
         [[arm]]\nid = \"leak\"\nset = {{ \"hazards.catheter.leak.enabled\" = true }}\n"
    );
    let story = story(&text(5.0, &arms));
    let kinds = |arm: usize| -> Vec<String> {
        of_scenario(&story.arms[arm].scenario)
            .into_iter()
            .map(|h| h.kind)
            .collect()
    };
    assert!(kinds(0).contains(&"catheter.occlusion".to_owned()) && !kinds(0).contains(&"catheter.leak".to_owned()));
    assert!(kinds(1).is_empty());
    assert!(kinds(3).contains(&"catheter.leak".to_owned()));
    let run = run_with(&story.arms[2].scenario, &RunOptions::default());
    // Its early term and its surgery are left as they are, and strike rarely.
    assert_eq!(count(&run, "hazard.catheter.occlusion.struck"), 0);
}

#[test]
fn what_the_block_cannot_mean_is_refused() {
    for (block, message) in [
        ("[hazards]\ngeneration = \"brayded\"", "unknown `generation`"),
        ("[hazards]\npump_generation = \"2012\"", "unknown `pump_generation`"),
        ("[hazards]\nscale = -1", "`scale` cannot be negative"),
        ("[hazards]\nscal = 1", "did you mean `scale`?"),
        ("[hazards]\nenabled = 1", "`enabled` is a bare number"),
        (
            "[hazards]\n\"catheter.leek\" = { constant = \"1 /y\" }",
            "did you mean `catheter.leak`?",
        ),
        ("[hazards.\"catheter.leak\"]\nconstant = \"0.01\"", "`0.01` has no unit"),
        (
            "[hazards.\"catheter.leak\"]\nconstant = \"1 mL\"",
            "is a volume, but a rate is needed",
        ),
        (
            "[hazards.\"catheter.leak\"]\nconstant = \"-1 /y\"",
            "`constant` cannot be negative",
        ),
        (
            "[hazards.\"catheter.leak\"]\nat_surgery = \"100 %\"",
            "`at_surgery` = 100 %",
        ),
        (
            "[hazards.\"catheter.leak\"]\nwear = \"1 /y\"",
            "the growth of a rate with age is needed",
        ),
        ("[hazards.\"catheter.leak\"]\nwear = \"-1 /y^2\"", "`wear` lies outside"),
        ("[hazards.\"catheter.leak\"]\nwear = 1", "`wear` is a bare number"),
        ("[hazards.\"catheter.leak\"]\nrate = \"1 /y\"", "unknown key `rate`"),
        ("[hazards]\n\"catheter.leak\" = 3", "but a table is needed"),
        ("hazards = 3", "unknown key `hazards`"),
        (
            "[[action]]\nat = \"1 d\"\nrepair = [\"catheter.leek\"]",
            "did you mean `catheter.leak`?",
        ),
    ] {
        let all = load_str("x", &text(5.0, block), None, &Registry::builtin().catalog()).unwrap_err();
        assert!(all.to_string().contains(message), "{block}:\n{all}");
    }
    let top = format!("hazards = 3\n{}", text(5.0, ""));
    let all = load_str("x", &top, None, &Registry::builtin().catalog())
        .unwrap_err()
        .to_string();
    assert!(
        all.contains("`hazards` is a bare number, but a table is needed"),
        "{all}"
    );
}
