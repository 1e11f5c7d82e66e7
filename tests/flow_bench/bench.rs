//! The flow-control bench: tests on the engine, files, the matrix, the rules, the command.

use std::path::Path;

use itbsim::flow::safety::{Rule, check};
use itbsim::flow::{
    Action, AlarmReason, ControllerKind, ControllerRegistry, Cost, FlowController, Requested, Seen, TestRun, metrics,
    ranking, run_bench, run_test,
};
use itbsim::scenario::flow_bench::{AlarmSpec, Bench, Change, ControllerSpec, OnAlarm, Stimulus, TestSpec};
use itbsim::scenario::load_bench_str;
use itbsim::signals::{ActuatorKind, SensorKind, Signal, TapKind};
use proptest::prelude::*;

fn bench(text: &str) -> Bench {
    match load_bench_str("bench.toml", text, None, &ControllerRegistry::default().entries()) {
        Ok(bench) => bench,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// A stand without luck: every stroke is nominal.
fn quiet(test: &str) -> TestSpec {
    let text = format!(
        "tick = \"10 s\"\n{test}\n[parameters]\nflow.stroke.sd = 0\nflow.stepper.ripple = 0\n\
         flow.stepper.droop = \"0 1/kPa\"\nflow.stepper.wear = 0\n"
    );
    bench(&text).tests.remove(0)
}

fn controller(kind: &str) -> (Box<dyn FlowController>, Vec<SensorKind>) {
    let registry = ControllerRegistry::default();
    let spec = ControllerSpec {
        id: kind.to_owned(),
        kind: kind.to_owned(),
        tuning: Default::default(),
    };
    let known = registry.kind(kind).unwrap();
    (registry.build(&spec).unwrap(), known.reads.to_vec())
}

fn run(spec: &TestSpec, kind: &str) -> TestRun {
    let (controller, reads) = controller(kind);
    run_test(spec, controller, &reads, 7).unwrap()
}

#[test]
fn a_pulse_train_on_the_plant_gives_the_trumpet_of_the_reference() {
    // 0.2 mL/day in strokes of 2.5 uL is one every 18 min; the stroke is pushed out at once and
    // the line empties it within a second, so the analytic pulse train is met. The bench makes
    // its first stroke after one interval, so the period is shifted by it.
    let spec = quiet(
        "[[test]]\nid = \"train\"\nduration = \"49 h\"\nrate = \"0.2 mL/day\"\nsample = \"15 min\"\nanalyse_from = \"24.3 h\"\n\
         [sensors.pressure]\nnoise = \"0 kPa\"",
    );
    let run = run(&spec, "delta-sigma");
    let times: Vec<usize> = (1..run.volumes.total.len())
        .filter(|i| run.volumes.flow(*i).unwrap() > 1e-4)
        .collect();
    assert!(times.len() > 150);
    // Any whole number of 18 min periods later the train repeats: 90 min are six samples.
    let trumpet = run
        .volumes
        .trumpet(0.2 / 24.0, 96, 192, &[15.0, 60.0, 150.0, 330.0, 570.0, 930.0])
        .unwrap();
    let reference = [
        (20.00, -100.00),
        (20.00, -10.00),
        (8.00, -4.00),
        (3.64, -1.82),
        (1.05, -2.11),
        (0.65, -1.29),
    ];
    for (p, (max, min)) in trumpet.points.iter().zip(reference) {
        assert!(
            (p.max_percent - max).abs() < 0.006 && (p.min_percent - min).abs() < 0.006,
            "{} min: {} and {}",
            p.window_min,
            p.max_percent,
            p.min_percent
        );
    }
    assert!(trumpet.mean_percent.abs() < 0.006);
}

#[test]
fn an_occlusion_is_told_after_compliance_times_pressure_over_flow_and_leaves_its_bolus() {
    let spec = quiet(
        "[[test]]\nid = \"o\"\nduration = \"3 d\"\nrate = \"0.5 mL/day\"\n\
         stimuli = [{ at = \"24 h\", occlusion = \"closed\", until = \"48 h\" }]\n\
         [sensors.pressure]\nnoise = \"0 kPa\"",
    );
    let run = run(&spec, "delta-sigma");
    let figures = metrics(&spec, &run);
    let p = &spec.parameters;
    let compliance = 1e-3 * (p.get("catheter.compliance.silicone") * 89.0 + p.get("catheter.compliance.tube"));
    let rise = p.get("flow.alarm.pressure") - p.get("catheter.tip_pressure.supine");
    let rate = 0.5 / 24.0;
    // Strokes come every 0.12 h, and the alarm holds for a minute: delay = C dP / Q, up to a stroke.
    let expected = compliance * rise / rate + 60.0 / 3600.0;
    let o = &figures.occlusions[0];
    let after = o.alarm_after_h.unwrap();
    assert!(
        (after - expected).abs() <= 0.12 + 0.01,
        "{after} h, {expected} h by the formula"
    );
    assert!((o.missed_ml - rate * after).abs() < 1e-9, "all that was asked for");
    // The roller tube goes on until it slips at 100 kPa: the wall then holds C (100 - 1.2).
    let stored = compliance * (100.0 - p.get("catheter.tip_pressure.supine"));
    let bolus = o.bolus_ml.unwrap();
    // It is seen within a minute of the release, and strokes that go on run ahead by one at most.
    assert!(
        (stored - rate / 60.0..=stored + 0.0025 + 1e-9).contains(&bolus),
        "{bolus} of {stored}"
    );
    assert_eq!(figures.false_alarms, 0);
}

#[test]
fn a_device_that_stops_limits_the_bolus_to_the_alarms_pressure() {
    let mut spec = quiet(
        "[[test]]\nid = \"o\"\nduration = \"3 d\"\nrate = \"0.5 mL/day\"\n\
         stimuli = [{ at = \"24 h\", occlusion = \"closed\", until = \"48 h\" }]",
    );
    let on = metrics(&spec, &run(&spec, "pi")).occlusions[0].clone();
    spec.alarm.then = OnAlarm::Stop;
    let stopped = run(&spec, "pi");
    let off = metrics(&spec, &stopped).occlusions[0].clone();
    assert!(off.bolus_ml.unwrap() < 0.6 * on.bolus_ml.unwrap());
    assert!(check(&spec, &stopped).is_empty(), "{:?}", check(&spec, &stopped));
}

#[test]
fn the_spacing_of_the_record_and_of_unread_sensors_changes_no_volume() {
    let text = |sample: &str| {
        format!(
            "[[test]]\nid = \"a\"\nduration = \"30 h\"\nrate = \"0.3 mL/day\"\nsample = \"{sample}\"\n\
             stimuli = [{{ at = \"3 h\", temperature = \"39 degC\", ramp = \"2 h\" }}]\n[plant]\npulsation = true"
        )
    };
    let coarse = run(&bench(&text("1 h")).tests[0], "mpc");
    let fine = run(&bench(&text("5 min")).tests[0], "mpc");
    assert_eq!(coarse.strokes, fine.strokes);
    for (i, w) in coarse.volumes.total.iter().enumerate() {
        assert_eq!(w.to_bits(), fine.volumes.total[12 * i].to_bits());
    }
    assert_eq!(coarse.events, fine.events, "observers are not counted");
}

#[test]
fn trap_15_halving_the_tick_leaves_the_programme_of_an_uncontrolled_plant() {
    let text = |tick: &str| {
        format!("tick = \"{tick}\"\n[[test]]\nid = \"a\"\nduration = \"48 h\"\nrate = \"0.2 mL/day\"\nsample = \"1 h\"")
    };
    let slow = run(&bench(&text("20 s")).tests[0], "delta-sigma");
    let fast = run(&bench(&text("10 s")).tests[0], "delta-sigma");
    assert_eq!(slow.strokes, fast.strokes);
    for (a, b) in slow.volumes.total.iter().zip(&fast.volumes.total) {
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
    }
}

#[test]
fn two_runs_of_a_matrix_are_equal_and_a_controller_more_changes_no_other() {
    let text = "tick = \"10 s\"\n[[test]]\nid = \"a\"\nduration = \"24 h\"\nrate = \"0.5 mL/day\"\n\
                stimuli = [{ at = \"6 h\", gear_slip = \"20 %\" }]\n[plant]\npulsation = true\n";
    let registry = ControllerRegistry::default();
    let all = run_bench(&bench(text), &registry).unwrap();
    assert_eq!(all.controllers.len(), 6);
    assert_eq!(all, run_bench(&bench(text), &registry).unwrap());
    let alone = run_bench(&bench(&format!("{text}[[controller]]\nkind = \"pi\"")), &registry).unwrap();
    let pi = all.controllers.iter().position(|c| c.id == "pi").unwrap();
    assert_eq!(alone.cells[0].run, all.cells[pi].run);
    let places = ranking(&all);
    assert_eq!(places.len(), 6);
    assert!(places.windows(2).all(|w| w[0].mean_place <= w[1].mean_place));
    let sum: f64 = places.iter().map(|p| p.mean_place * p.figures as f64).sum();
    let figures: usize = places.iter().map(|p| p.figures).sum();
    assert!(
        (sum / figures as f64 - 3.5).abs() < 1e-9,
        "places of six have the mean 3.5"
    );
}

#[test]
fn feedback_makes_good_what_a_slipping_gear_loses() {
    let spec = quiet(
        "[[test]]\nid = \"slip\"\nduration = \"12 d\"\nrate = \"0.25 mL/day\"\nanalyse_from = \"6 d\"\n\
         stimuli = [{ at = \"1 d\", gear_slip = \"20 %\" }]",
    );
    let error = |kind: &str| metrics(&spec, &run(&spec, kind)).mean_error_percent.unwrap();
    let blind = error("delta-sigma");
    assert!((-30.0..-12.0).contains(&blind), "{blind}");
    for kind in ["pi", "scheduled", "valve-counting", "mpc"] {
        assert!(error(kind).abs() < 4.0, "{kind}: {} %", error(kind));
    }
}

/// Asks for ten times the programme.
#[derive(Clone)]
struct Reckless;

impl FlowController for Reckless {
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
        cost.add(1);
        Action {
            strokes: u32::from(seen.now.as_nanos() % 60_000_000_000 == 0),
            alarm: false,
        }
    }
    fn clone_box(&self) -> Box<dyn FlowController> {
        Box::new(self.clone())
    }
}

#[test]
fn rules_find_what_breaks_them() {
    let spec = quiet("[[test]]\nid = \"a\"\nduration = \"24 h\"\nrate = \"0.25 mL/day\"");
    let reckless = run_test(&spec, Box::new(Reckless), &[], 1).unwrap();
    assert_eq!(check(&spec, &reckless)[0].rule, Rule::OverInfusion);
    assert!(check(&spec, &run(&spec, "delta-sigma")).is_empty());
    // A pressure sensor that is stuck high is an alarm without a reason.
    let spec = quiet(
        "[[test]]\nid = \"a\"\nduration = \"24 h\"\nrate = \"0.25 mL/day\"\n\
         stimuli = [{ at = \"6 h\", tap = \"sensor.pressure\", kind = \"max\" }]",
    );
    assert_eq!(check(&spec, &run(&spec, "delta-sigma"))[0].rule, Rule::FalseAlarm);
    // One that is stuck low leaves an occlusion to the strokes that are missing; without those too, silence.
    let spec = quiet(
        "[[test]]\nid = \"a\"\nduration = \"48 h\"\nrate = \"0.5 mL/day\"\nstimuli = [\
         { at = \"6 h\", occlusion = \"closed\" }, { at = \"5 h\", tap = \"sensor.pressure\", kind = \"stuck\", value = \"1 kPa\" },\
         { at = \"5 h\", sensor_failure = \"rotor\" }]",
    );
    assert_eq!(check(&spec, &run(&spec, "delta-sigma"))[0].rule, Rule::SilentOcclusion);
    // Thin air drives a restrictor far over its rate.
    let spec = quiet(
        "[plant]\nactuator = \"restrictor\"\n[[test]]\nid = \"a\"\nduration = \"48 h\"\nrate = \"0.5 mL/day\"\n\
         stimuli = [{ at = \"2 h\", ambient = \"75 kPa\" }]",
    );
    assert_eq!(check(&spec, &run(&spec, "delta-sigma"))[0].rule, Rule::OverInfusion);
}

#[test]
fn an_alarm_that_listens_tells_over_infusion_and_an_empty_reservoir() {
    let listening = |test: &str, fill: &str| {
        bench(&format!(
            "tick = \"20 s\"\n[plant]\nfill = \"{fill}\"\n\
             [alarm]\nwatch = [\"pressure\", \"rotor\", \"flow\", \"reservoir\"]\nthen = \"stop\"\n\
             [[test]]\nid = \"a\"\nduration = \"60 h\"\n{test}"
        ))
        .tests
        .remove(0)
    };
    let told = |spec: &TestSpec| {
        let done = run(spec, "delta-sigma");
        let first = done.alarms.first().map(|a| (a.reason, a.time_h, a.left_ml));
        assert!(done.alarms.len() <= 1, "one cause, one alarm: {:?}", done.alarms);
        (first, check(spec, &done), done.pumped_ml)
    };
    let (first, broken, _) = told(&listening("rate = \"0.5 mL/day\"", "18 mL"));
    assert_eq!((first, broken), (None, vec![]));

    // A stroke added to each command: 2.5 uL in 20 s, four of them within two minutes.
    let doubled = "rate = \"0.5 mL/day\"\nstimuli = [{ at = \"24 h\", tap = \"command\", kind = \"add\", value = 1 }]";
    let (first, broken, pumped) = told(&listening(doubled, "18 mL"));
    let (reason, at_h, _) = first.unwrap();
    assert_eq!((reason, broken), (AlarmReason::OverInfusion, vec![]));
    assert!(at_h - 24.0 < 3.0 / 60.0, "{at_h}");
    assert!(pumped < 0.5 + 0.02, "the alarm stops it: {pumped} mL");

    // 1 mL at 1 mL/day: half of the last half millilitre's pressure is gone after 18 h; then it stops.
    let (first, broken, pumped) = told(&listening("rate = \"1 mL/day\"", "1 mL"));
    let (reason, at_h, left) = first.unwrap();
    assert_eq!((reason, broken), (AlarmReason::Empty, vec![]));
    assert!(
        (17.0..20.0).contains(&at_h) && (left - 0.25).abs() < 0.05,
        "{at_h} h, {left} mL"
    );
    assert!(pumped < 0.8, "{pumped}");

    // Behind a flow sensor that shows nothing the loop runs ahead, and nobody says so.
    let blind = "rate = \"0.5 mL/day\"\n\
                 stimuli = [{ at = \"24 h\", tap = \"sensor.flow\", kind = \"truncate\" }]";
    let spec = listening(blind, "18 mL");
    let rules: Vec<Rule> = check(&spec, &run(&spec, "pi")).iter().map(|v| v.rule).collect();
    assert_eq!(rules, [Rule::OverInfusion, Rule::SilentOverInfusion]);
}

#[test]
fn a_controller_from_outside_is_known_by_its_name() {
    let mut registry = ControllerRegistry::default();
    registry.register(ControllerKind {
        name: "reckless",
        summary: "once a minute",
        needs: &[],
        reads: &[],
        tuning: Vec::new(),
        build: |_| Ok(Box::new(Reckless)),
    });
    let text = "tick = \"10 s\"\n[[controller]]\nkind = \"reckless\"\n[[test]]\nid = \"a\"\nduration = \"2 h\"\nrate = \"1 mL/day\"";
    let bench = load_bench_str("b", text, None, &registry.entries()).unwrap();
    let results = run_bench(&bench, &registry).unwrap();
    assert_eq!(results.cells[0].run.strokes, 121);
}

/// Any short story of commands and faults on a pump that meters.
fn stories() -> impl Strategy<Value = Vec<Stimulus>> {
    let hour = |h: f64| itbsim::engine::SimTime::from_hours(h).unwrap();
    let change = prop_oneof![
        (0.0..0.2f64).prop_map(Change::Rate),
        (0.001..0.05f64, 0.05..2.0f64).prop_map(|(volume, over)| Change::Bolus { volume, over }),
        (35.0..40.0f64).prop_map(Change::Temperature),
        (75.0..140.0f64).prop_map(Change::Ambient),
        Just(Change::Posture(itbsim::signals::Posture::Upright)),
        (prop_oneof![Just(0.0), 0.02..1.0f64], 1.0..89.0f64).prop_map(|(bore, at)| Change::Occlusion {
            bore,
            position: Some(at)
        }),
        prop_oneof![
            Just(SensorKind::Flow),
            Just(SensorKind::Rotor),
            Just(SensorKind::Temperature)
        ]
        .prop_map(Change::SensorFailure),
        (0.0..1.0f64).prop_map(Change::GearSlip),
        (0.3..1.0f64).prop_map(Change::Supply),
        Just(Change::Field),
        (0..3usize).prop_map(|i| Change::Tap {
            signal: [
                Signal::Sensor(SensorKind::Flow),
                Signal::Sensor(SensorKind::Rotor),
                Signal::Command
            ][i],
            kind: [TapKind::Truncate, TapKind::Hold, TapKind::Truncate][i],
        }),
    ];
    let one = (0.0..40.0f64, 0.2..20.0f64, any::<bool>(), change).prop_map(move |(at, lasts, ends, change)| {
        let commands = matches!(change, Change::Rate(_) | Change::Bolus { .. });
        Stimulus {
            at: hour(at),
            until: (ends && !commands).then(|| hour((at + lasts).min(47.0))),
            ramp: None,
            change,
        }
    });
    prop::collection::vec(one, 0..7)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Rules that no sequence of commands and faults may break on a roller tube or on valves,
    /// whatever the controller: nothing comes back, nothing is made, a stop is a stop.
    #[test]
    fn rules_hold_over_random_sequences_of_commands_and_faults(
        stimuli in stories(),
        valves in any::<bool>(),
        stops in any::<bool>(),
        hears in any::<bool>(),
        kind in 0..6usize,
        seed in 0..1000u64,
    ) {
        let mut spec = bench(
            "tick = \"20 s\"\n[[test]]\nid = \"p\"\nduration = \"48 h\"\nrate = \"0.5 mL/day\"\n[plant]\nfill = \"3 mL\""
        ).tests.remove(0);
        spec.stimuli = stimuli;
        spec.plant.actuator = if valves { ActuatorKind::Valves } else { ActuatorKind::Stepper };
        spec.alarm.then = if stops { OnAlarm::Stop } else { OnAlarm::Continue };
        if hears {
            spec.alarm.watch = AlarmSpec::WATCHABLE.to_vec();
        }
        let name = ["open-loop", "delta-sigma", "pi", "scheduled", "valve-counting", "mpc"][kind];
        let (controller, reads) = controller(name);
        // The account of volumes is checked to 1e-9 inside.
        let run = run_test(&spec, controller, &reads, seed).unwrap();
        let broken: Vec<Rule> = check(&spec, &run).iter().map(|v| v.rule).collect();
        prop_assert!(!broken.contains(&Rule::ReverseFlow), "{:?}", check(&spec, &run));
        prop_assert!(!broken.contains(&Rule::PumpsAfterStop), "{:?}", check(&spec, &run));
        prop_assert!(!broken.contains(&Rule::BeyondReservoir), "{:?}", check(&spec, &run));
        prop_assert!(!broken.contains(&Rule::SilentOcclusion) || silenced(&spec), "{:?}", check(&spec, &run));
        prop_assert!(!broken.contains(&Rule::SilentEmpty), "{:?}", check(&spec, &run));
        let deaf = spec.stimuli.iter().any(|s| match s.change {
            Change::SensorFailure(kind) => kind == SensorKind::Flow,
            Change::Tap { signal, .. } => signal == Signal::Sensor(SensorKind::Flow),
            _ => false,
        });
        prop_assert!(!broken.contains(&Rule::SilentOverInfusion) || deaf, "{:?}", check(&spec, &run));
        // What meters by count never runs ahead, but for a magnet that opens both valves. A counter
        // of ticks makes a rate between two of its grid into the next one, which may be higher.
        let counts = name == "delta-sigma" || (name == "open-loop" && !rounds_up(&spec));
        if counts && !magnet(&spec) {
            prop_assert!(!broken.contains(&Rule::OverInfusion), "{:?}", check(&spec, &run));
        }
    }
}

fn magnet(spec: &TestSpec) -> bool {
    spec.stimuli.iter().any(|s| matches!(s.change, Change::Field))
}

/// Whether an interval of whole ticks makes one of the rates more than the label's accuracy too high.
fn rounds_up(spec: &TestSpec) -> bool {
    let stroke = spec.parameters.get("flow.stroke.volume") * 1e-3;
    let accuracy = spec.parameters.get("flow.alarm.accuracy");
    let programme = Requested::new(spec);
    let later = programme.changes().into_iter().map(|(_, _, to)| to);
    std::iter::once(programme.rate(itbsim::engine::SimTime::ZERO))
        .chain(later)
        .any(|rate| {
            let ticks = stroke / (rate * spec.tick.hours());
            ticks / ticks.round().max(1.0) > 1.0 + accuracy
        })
}

/// Whether something keeps pressure from rising in a closed line: no strokes, none that move, or
/// fluid that stops coming.
fn silenced(spec: &TestSpec) -> bool {
    spec.stimuli.iter().any(|s| {
        matches!(
            s.change,
            Change::Rate(_)
                | Change::Tap { .. }
                | Change::GearSlip(_)
                | Change::Supply(_)
                | Change::Field
                | Change::Ambient(_)
                | Change::SensorFailure(_)
        )
    }) || spec.plant.actuator == ActuatorKind::Valves
}

#[test]
fn every_shipped_bench_loads_and_names_its_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/flow");
    let registry = ControllerRegistry::default();
    let mut tests = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bench = itbsim::scenario::load_bench(&path, &registry.entries()).unwrap_or_else(|m| panic!("{m}"));
        if bench.name == "bench" {
            assert_eq!((bench.tests.len(), bench.controllers.len()), (16, 6));
            assert!(
                bench.tests.iter().all(|t| t.plant.pulsation),
                "the bench's own plant is laid over theirs"
            );
        }
        tests += bench.tests.len();
    }
    assert!(tests > 20, "{tests}");
}

#[test]
fn mistakes_are_told_with_line_and_suggestion() {
    let read = |text: &str| {
        load_bench_str("b.toml", text, None, &ControllerRegistry::default().entries())
            .unwrap_err()
            .render(false)
    };
    let test = "[[test]]\nid = \"a\"\nduration = \"2 h\"\nrate = \"1 mL/day\"\n";
    for (text, line, words) in [
        (format!("{test}smaple = \"1 min\"\n"), 5, "did you mean `sample`?"),
        (
            format!("[sensors.flow]\nperiod = \"1e-8 h\"\n{test}"),
            2,
            "lies outside",
        ),
        (
            format!("tick = \"2 h\"\n[sensors.flow]\nperiod = \"0.0036 s\"\n{test}"),
            6,
            "2000000 readings of the flow sensor on their way at once",
        ),
        (
            format!(
                "tick = \"1 h\"\n[sensors.flow]\nperiod = \"1 s\"\n{}sample = \"1 h\"\n",
                test.replace("2 h", "87660 h")
            ),
            6,
            "315576000 samples of the flow sensor",
        ),
        (
            format!(
                "tick = \"0.1 s\"\n{test}stimuli = [{{ at = \"1 h\", tap = \"request\", kind = \"delayed\", by = \"168 h\" }}]\n"
            ),
            4,
            "6048000 values that the tap holds back",
        ),
        (
            (0..9)
                .map(|i| {
                    format!("[[test]]\nid = \"t{i}\"\nduration = \"1000 h\"\nrate = \"1 mL/day\"\nsample = \"1.8 s\"\n")
                })
                .chain(["pi", "open-loop", "mpc"].map(|kind| format!("[[controller]]\nkind = \"{kind}\"\n")))
                .collect(),
            1,
            "9 tests of 3 controllers record 162000000 numbers",
        ),
        (format!("{test}[[controller]]\nkind = \"p\"\n"), 6, "unknown `kind` `p`"),
        (
            format!("{test}[[controller]]\nkind = \"pi\"\ngain = -1\n"),
            7,
            "lies outside",
        ),
        (
            format!("{test}[[controller]]\nkind = \"pi\"\nintegral_time = 3\n"),
            7,
            "a quantity with its unit",
        ),
        (
            format!("{test}stimuli = [{{ at = \"1 h\", rate = \"1 mL\" }}]\n"),
            5,
            "volume flow",
        ),
        (
            format!("{test}stimuli = [{{ at = \"1 h\", leek = \"1 mL/h/kPa\" }}]\n"),
            5,
            "leak",
        ),
        (
            format!("{test}stimuli = [{{ at = \"3 h\", field = true }}]\n"),
            5,
            "`at`",
        ),
        (
            format!("{test}[sensors.flow]\npresent = false\n[[controller]]\nkind = \"pi\"\n"),
            7,
            "needs the flow sensor",
        ),
        (format!("{test}{test}"), 6, "two tests are called `a`"),
        ("title = \"none\"\n".to_owned(), 1, "[[test]]"),
        (format!("tests = [\"nowhere.toml\"]\n{test}"), 1, "folder"),
    ] {
        let told = read(&text);
        assert!(told.contains(&format!("b.toml:{line}:")), "line {line} in:\n{told}");
        assert!(told.contains(words), "`{words}` in:\n{told}");
    }
}

#[test]
fn the_command_writes_a_complete_folder_twice_the_same() {
    let desk = tempfile::tempdir().unwrap();
    let file = desk.path().join("mine.toml");
    std::fs::write(
        &file,
        "title = \"Mine\"\ntick = \"10 s\"\n[[test]]\nid = \"quick\"\nduration = \"30 h\"\nrate = \"0.5 mL/day\"\n\
         [[test]]\nid = \"shut\"\nduration = \"12 h\"\nrate = \"0.5 mL/day\"\n\
         stimuli = [{ at = \"2 h\", occlusion = \"closed\", until = \"8 h\" }]\n\
         [[controller]]\nid = \"slow\"\nkind = \"pi\"\nintegral_time = \"6 h\"\n",
    )
    .unwrap();
    let run = |out: &str| {
        let output = assert_cmd::Command::cargo_bin("itbsim")
            .unwrap()
            .current_dir(desk.path())
            .args(["flow", "mine.toml", "--controllers", "slow,delta-sigma", "--out", out])
            .assert()
            .success()
            .get_output()
            .stdout
            .clone();
        String::from_utf8(output).unwrap()
    };
    let told = run("one");
    assert!(
        told.contains("slow") && told.contains("delta-sigma") && told.contains("mean error"),
        "{told}"
    );
    run("two");
    let mut files = Vec::new();
    let mut folders = vec![desk.path().join("one")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(desk.path().join("one")).unwrap().to_path_buf());
            }
        }
    }
    for name in [
        "ranking.csv",
        "results.csv",
        "trumpet.csv",
        "start_up.csv",
        "steps.csv",
        "occlusions.csv",
        "alarms.csv",
        "safety.csv",
        "series/quick.csv",
        "series/shut.csv",
        "summary.json",
        "bench.toml",
    ] {
        assert!(
            files.iter().any(|f| f == Path::new(name)),
            "{name} is missing of {files:?}"
        );
    }
    for file in &files {
        let read = |folder: &str| std::fs::read(desk.path().join(folder).join(file)).unwrap();
        assert_eq!(read("one"), read("two"), "{}", file.display());
    }
    let results = std::fs::read_to_string(desk.path().join("one/results.csv")).unwrap();
    assert_eq!(results.lines().count(), 5);
    assert!(results.lines().all(|l| l.split(',').count() == 24), "{results}");
}

#[test]
fn the_command_lists_what_there_is_and_refuses_what_there_is_not() {
    let itbsim = |args: &[&str]| {
        assert_cmd::Command::cargo_bin("itbsim")
            .unwrap()
            .args(args)
            .output()
            .unwrap()
    };
    let list = String::from_utf8(itbsim(&["flow", "--list"]).stdout).unwrap();
    for word in [
        "delta-sigma",
        "mpc",
        "horizon = 8",
        "needs the sensor: flow",
        "sensor.pressure",
        "truncate",
    ] {
        assert!(list.contains(word), "{word} in {list}");
    }
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/flow/occlusion.toml");
    let refused = itbsim(&["flow", bench.to_str().unwrap(), "--controllers", "nobody"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("no controller is called `nobody`")
    );
}
