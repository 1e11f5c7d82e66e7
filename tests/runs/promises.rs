//! The numbered promises of the engine, at the level of whole runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::run_common::{
    MAINTENANCE, bits, head, instants, label, load_shipped, run_with, scenario, shipped, story, text, time,
};
use itbsim::engine::{EventId, SimSpan, SimTime};
use itbsim::scenario::model::{
    Action, ActionStep, Fault, FaultKind, FlexStep, Moment, Profile, Programme, ProgrammeStep, Scenario, Trigger, Value,
};
use itbsim::signals::{Level, Posture};
use itbsim::simulation::{LEDGER_LIMIT, LedgerRow, Registry, RunError, RunOptions, RunResult, SimError, simulate};
use proptest::prelude::*;
use rayon::prelude::*;

/// Two faults that strike by chance; each is all but certain within the run.
const BY_CHANCE: &str = r#"
[[fault]]
id = "first"
kind = "pump.over_infusion"
hazard = "40 /year"
gain = 1.02
[[fault]]
id = "second"
kind = "catheter.leak"
hazard = "60 /year"
position = "30 cm"
conductance = "0.001 mL/h/kPa"
into = "subcutaneous"
"#;

fn without(elements: &[&str]) -> RunOptions {
    RunOptions {
        without: elements.iter().map(|e| (*e).to_owned()).collect(),
        ..RunOptions::default()
    }
}

// ---- 7: keyed draws

#[test]
fn promise_7_a_fault_added_or_removed_leaves_the_luck_of_the_others_unchanged() {
    let both = scenario(&text(60.0, BY_CHANCE));
    let run = run_with(&both, &RunOptions::default());
    let alone = run_with(&both, &without(&["fault.second"]));
    let other = run_with(&both, &without(&["fault.first"]));
    let name = "fault.first.start";
    assert_eq!(time(&run, name).to_bits(), time(&alone, name).to_bits());
    let name = "fault.second.start";
    assert_eq!(time(&run, name).to_bits(), time(&other, name).to_bits());

    let third = "[[fault]]\nid = \"another\"\nkind = \"pump.telemetry_hang\"\nhazard = \"90 /year\"\n";
    let more = run_with(
        &scenario(&text(60.0, &format!("{third}{BY_CHANCE}"))),
        &RunOptions::default(),
    );
    for name in ["fault.first.start", "fault.second.start"] {
        assert_eq!(time(&run, name).to_bits(), time(&more, name).to_bits(), "{name}");
    }
}

#[test]
fn promise_7_a_replicate_alone_is_the_replicate_of_the_batch() {
    let scenario = scenario(&text(20.0, BY_CHANCE));
    let registry = Registry::builtin();
    let options = |replicate| RunOptions {
        replicate,
        sample: SimSpan::from_hours(24.0).ok(),
        ..RunOptions::default()
    };
    let batch: Vec<RunResult> = (0..6_u64)
        .into_par_iter()
        .map(|i| simulate(&scenario, &registry, &options(i)).expect("a run"))
        .collect();
    let alone = simulate(&scenario, &registry, &options(4)).expect("a run");
    assert_eq!(alone, batch[4]);
    let mut fingerprints: Vec<u64> = batch.iter().map(|r| r.fingerprint).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 6, "replicates differ from one another");
}

#[test]
fn promise_7_seeds_differ_and_the_scenario_has_one_of_its_own() {
    let scenario = scenario(&text(60.0, BY_CHANCE));
    let with = |seed| {
        run_with(
            &scenario,
            &RunOptions {
                seed,
                ..RunOptions::default()
            },
        )
    };
    let own = with(None);
    assert_eq!(own, with(Some(7)), "the file says seed = 7");
    assert_ne!(
        time(&own, "fault.first.start"),
        time(&with(Some(8)), "fault.first.start")
    );
}

// ---- 8: bit identity

#[test]
fn promise_8_one_two_and_eight_threads_give_the_same_bits() {
    let story = story(&text(
        12.0,
        &format!(
            r#"{BY_CHANCE}
[[fault]]
id = "kink"
kind = "catheter.kink"
at = "1 d"
until = "2 d"
position = "40 cm"
bore = 0.005
[[arm]]
id = "all"
[[arm]]
id = "no-kink"
without = ["kink"]
[[arm]]
id = "no-luck"
without = ["first", "second"]
"#
        ),
    ));
    let registry = Registry::builtin();
    let on = |threads: usize| -> Vec<RunResult> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool");
        pool.install(|| {
            story
                .arms
                .par_iter()
                .map(|arm| simulate(&arm.scenario, &registry, &RunOptions::default()).expect("a run"))
                .collect()
        })
    };
    let one = on(1);
    for threads in [2, 8] {
        let many = on(threads);
        for (a, b) in one.iter().zip(&many) {
            assert_eq!(a, b, "{threads} threads");
            assert_eq!(bits(&a.rows), bits(&b.rows), "{threads} threads");
        }
    }
}

/// Blocks that meet at the same instants, with programmes, faults and acts of all sorts.
const BLOCKS: [&str; 10] = [
    "[[programme]]\nid = \"maintenance\"\nat = \"0 d\"\nsimple_continuous = \"400 ug/day\"\n",
    "[[programme]]\nid = \"later\"\nat = \"2 d\"\nsimple_continuous = \"300 ug/day\"\n",
    "[[programme]]\nid = \"again\"\nat = \"50 h\"\nsimple_continuous = \"350 ug/day\"\n",
    "[[fault]]\nid = \"kink\"\nkind = \"catheter.kink\"\nat = \"1 d\"\nuntil = \"36 h\"\nposition = \"40 cm\"\nbore = 0.005\n",
    "[[fault]]\nid = \"leak\"\nkind = \"catheter.leak\"\nat = \"1 d\"\nposition = \"60 cm\"\nconductance = \"0.005 mL/h/kPa\"\ninto = \"subcutaneous\"\nprofile = { ramp = \"1 d\" }\n",
    "[[fault]]\nid = \"chance\"\nkind = \"pump.over_infusion\"\nhazard = \"300 /year\"\ngain = 1.1\n",
    "[[action]]\nid = \"tablets\"\nat = \"1 d\"\noral_baclofen = { dose = \"20 mg\", every = \"6 h\", count = 4 }\n",
    "[[action]]\nid = \"needle\"\nat = \"1 d\"\nlumbar_bolus = { dose = \"20 ug\", level = \"L3\" }\n",
    "[[action]]\nid = \"mend\"\nat = \"kink.end + 12 h\"\nrepair = [\"leak\"]\n",
    "[[action]]\nid = \"up\"\nat = \"2 d\"\nraise_dose = \"10 %\"\n",
];

#[test]
fn promise_8_the_order_of_blocks_in_the_file_changes_nothing() {
    let of = |order: &[usize]| {
        let blocks: String = order.iter().map(|i| BLOCKS[*i]).collect();
        run_with(&scenario(&format!("{}{blocks}", head(3.0))), &RunOptions::default())
    };
    let forward = of(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for order in [[9, 8, 7, 6, 5, 4, 3, 2, 1, 0], [4, 9, 2, 7, 0, 5, 3, 8, 1, 6]] {
        let other = of(&order);
        assert_eq!(forward.events, other.events, "{order:?}");
        assert_eq!(forward.fingerprint, other.fingerprint, "{order:?}");
        assert_eq!(bits(&forward.rows), bits(&other.rows), "{order:?}");
        assert_eq!(forward.ledger, other.ledger, "{order:?}");
    }
}

// ---- 9: golden fingerprints

/// Fingerprints of all arms of all shipped scenarios, one a line: `scenario[/arm] fingerprint`.
///
/// `ITBSIM_BLESS=1 cargo test --test runs promise_9` writes the table anew;
/// do so only when results were meant to change, and say in the commit why they did.
#[test]
fn promise_9_shipped_scenarios_have_their_golden_fingerprints() {
    let registry = Registry::builtin();
    let mut table = String::new();
    for path in shipped() {
        let story = load_shipped(&path);
        for arm in &story.arms {
            let run = simulate(&arm.scenario, &registry, &RunOptions::default())
                .unwrap_or_else(|e| panic!("{}: {e}", label(&story, &arm.id)));
            let _ = writeln!(table, "{} {:016x}", label(&story, &arm.id), run.fingerprint);
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fingerprints.txt");
    if std::env::var_os("ITBSIM_BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&golden, &table).expect("the golden table can be written");
    }
    let known = std::fs::read_to_string(&golden).unwrap_or_default();
    let parse = |text: &str| -> BTreeMap<String, String> {
        text.lines()
            .filter(|l| !l.starts_with('#'))
            .filter_map(|l| l.split_once(' '))
            .map(|(a, b)| (a.to_owned(), b.trim().to_owned()))
            .collect()
    };
    assert!(
        parse(&known) == parse(&table),
        "the fingerprints differ from tests/golden/fingerprints.txt.\n\
         golden:\n{known}\nnow:\n{table}\n\
         If the change is meant: ITBSIM_BLESS=1 cargo test --test runs promise_9"
    );
}

// ---- 10: snapshots

#[test]
fn promise_10_a_restored_run_goes_on_to_the_fingerprint_of_not_stopping() {
    use itbsim::simulation::Run;
    let scenario = scenario(&format!("{}{}", head(3.0), BLOCKS.concat()));
    let registry = Registry::builtin();
    let options = RunOptions::default();
    let whole = run_with(&scenario, &options);
    for hours in [0.0, 24.0, 29.77, 48.0, 71.9] {
        let mut run = Run::new(&scenario, &registry, &options).expect("a run");
        run.run_until(SimTime::from_hours(hours).expect("a time"))
            .expect("a part of a run");
        let saved = serde_json::to_string(&run.save().expect("a snapshot")).expect("text");
        drop(run);
        let saved: serde_json::Value = serde_json::from_str(&saved).expect("the same text");
        let mut run = Run::restore(&scenario, &registry, &options, &saved).expect("a snapshot");
        run.run_until(scenario.duration).expect("the rest");
        let parts = run.finish();
        assert_eq!(whole.fingerprint, parts.fingerprint, "cut at {hours} h");
        assert_eq!(bits(&whole.rows), bits(&parts.rows), "cut at {hours} h");
        assert_eq!(whole, parts, "cut at {hours} h");
    }
}

// ---- 11: the ledger

fn value(spec: &itbsim::scenario::model::FieldSpec, share: f64) -> Value {
    if spec.unit.is_empty() {
        let words = if spec.words.is_empty() { &["T10"] } else { spec.words };
        let index = (share * words.len() as f64) as usize;
        Value::Text(words[index.min(words.len() - 1)].to_owned())
    } else {
        // Places must lie on the catheter.
        let high = if spec.name == "position" { 80.0 } else { spec.high };
        Value::Number(spec.low + share * (high - spec.low))
    }
}

fn any_profile() -> impl Strategy<Value = Profile> {
    prop_oneof![
        Just(Profile::Step),
        (0.5..40.0_f64).prop_map(|over| Profile::Ramp { over }),
        (0.2..9.0_f64, 0.2..9.0_f64).prop_map(|(on, off)| Profile::Intermittent { on, off }),
        Just(Profile::InPosture(Posture::Upright)),
    ]
}

fn any_moment() -> impl Strategy<Value = Moment> {
    (0.0..70.0_f64).prop_map(|h| Moment::At(SimTime::from_hours(h).expect("a time")))
}

fn any_fault(kinds: Vec<FaultKind>) -> impl Strategy<Value = Fault> {
    (
        0..kinds.len(),
        proptest::collection::vec(0.0..1.0_f64, 4),
        any_moment(),
        any_profile(),
        proptest::option::of(1.0..40.0_f64),
    )
        .prop_map(move |(kind, shares, at, profile, lasts)| {
            let kind = &kinds[kind];
            let until = match (&at, lasts) {
                (Moment::At(t), Some(h)) => Some(Moment::At(SimTime::from_hours(t.hours() + h).expect("a time"))),
                _ => None,
            };
            Fault {
                id: String::new(),
                kind: kind.kind.to_owned(),
                trigger: Trigger::At(at),
                profile,
                until,
                values: kind
                    .fields
                    .iter()
                    .zip(&shares)
                    .map(|(spec, share)| (spec.name.to_owned(), value(spec, *share)))
                    .collect(),
            }
        })
}

fn any_programme() -> impl Strategy<Value = Programme> {
    let rate = || 4.1..60.0_f64; // ug/h, within the pump's range at 2 mg/mL and at 1 mg/mL
    prop_oneof![
        rate().prop_map(|rate| Programme::SimpleContinuous { rate }),
        (rate(), rate(), 0.0..23.9_f64).prop_map(|(a, b, at)| Programme::Flex {
            steps: vec![
                FlexStep {
                    weekday: None,
                    at: 0.0,
                    rate: a
                },
                FlexStep {
                    weekday: None,
                    at: at.max(0.5),
                    rate: b
                },
            ],
        }),
        (5.0..40.0_f64, 2.0..12.0_f64, 0.1..1.0_f64, rate()).prop_map(|(dose, every, over, basal)| {
            Programme::PeriodicBolus {
                dose,
                every,
                over,
                basal,
            }
        }),
        (5.0..60.0_f64, 0.1..1.0_f64).prop_map(|(dose, over)| Programme::SingleBolus { dose, over }),
        (0.02..0.4_f64).prop_map(|volume| Programme::PrimingBolus {
            volume: Some(volume),
            over: 0.5
        }),
        (rate(), rate()).prop_map(|(bridge_rate, then_rate)| Programme::BridgeBolus {
            old_concentration: 2000.0,
            bridge_rate,
            volume: None,
            then_rate,
        }),
        Just(Programme::MinimumRate),
        Just(Programme::Stopped),
    ]
}

fn any_action(faults: usize) -> impl Strategy<Value = Action> {
    let refill = (5.0..18.0_f64, 0.0..1.0_f64, prop_oneof![Just(1000.0), Just(2000.0)]);
    prop_oneof![
        3 => (refill, 0.0..1.0_f64).prop_map(|((volume, share, concentration), mixed)| Action::Refill {
            volume,
            concentration,
            label: concentration,
            pocket_share: if mixed < 0.5 { 0.0 } else { share },
            aspirate: true,
            syringe_error: None,
            others: None,
        }),
        1 => Just(Action::MissedRefill),
        1 => (0.8..1.3_f64).prop_map(|factor| Action::ScaleDose { factor }),
        1 => Just(Action::Interrogate),
        1 => Just(Action::EmptyPump),
        2 => (1.0..80.0_f64, 0..Level::ALL.len(), 0.01..1.0_f64).prop_map(|(dose, level, over)| {
            Action::LumbarBolus { dose, level: Level::ALL[level], over, drug: None }
        }),
        1 => (1e3..3e4_f64, 2.0..9.0_f64).prop_map(|(dose, every)| {
            Action::OralBaclofen { dose, every, count: Some(5) }
        }),
        1 => Just(Action::Benzodiazepine { dose: 10.0, every: 6.0, count: Some(3) }),
        1 => Just(Action::Cyproheptadine { dose: 4.0, every: 6.0, count: Some(3) }),
        1 => (1.0..40.0_f64, 0.1..1.0_f64).prop_map(|(volume, over)| Action::DrainCsf { volume, over }),
        2 => (0.05..5.0_f64).prop_map(|volume| Action::InjectContrast { volume }),
        1 => (0.2..2.0_f64).prop_map(|over| Action::MriScan { over }),
        1 => any::<bool>().prop_map(|on| Action::Ventilate { on }),
        2 => any::<bool>().prop_map(|up| Action::Posture(if up { Posture::Upright } else { Posture::Supine })),
        2 => (0..faults).prop_map(|f| Action::Repair { faults: vec![format!("f{f}")] }),
    ]
}

const FAULTS: usize = 3;

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let kinds = Registry::builtin().catalog().fault_kinds;
    (
        proptest::collection::vec((any_moment(), any_programme()), 1..4),
        proptest::collection::vec(any_fault(kinds), FAULTS),
        proptest::collection::vec((any_moment(), any_action(FAULTS)), 0..6),
        2.0..19.0_f64,
    )
        .prop_map(|(programmes, faults, actions, fill)| {
            let mut s = scenario(&text(3.0, ""));
            s.pump.fill = fill;
            s.programme
                .extend(programmes.into_iter().enumerate().map(|(i, (at, mode))| ProgrammeStep {
                    id: format!("p{i}"),
                    at,
                    mode,
                    prescribed: None,
                }));
            s.faults = faults
                .into_iter()
                .enumerate()
                .map(|(i, f)| Fault {
                    id: format!("f{i}"),
                    ..f
                })
                .collect();
            s.actions = actions
                .into_iter()
                .enumerate()
                .map(|(i, (at, action))| ActionStep {
                    id: format!("a{i}"),
                    at,
                    unless: None,
                    action,
                })
                .collect();
            s
        })
}

/// Both balances, added up here from the table and not taken from its own column.
fn imbalance(row: &LedgerRow) -> f64 {
    let device =
        row.filled_ug - (row.reservoir_ug + row.catheter_ug + row.delivered_ug + row.leaked_ug + row.aspirated_ug);
    let come = row.initial_ug + row.given_ug + row.delivered_ug + row.leaked_ug;
    let person = come - (row.body_ug + row.eliminated_ug);
    (device / row.filled_ug.max(1.0))
        .abs()
        .max((person / come.max(1.0)).abs())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promise_11_the_ledger_closes_at_every_event_whatever_happens(s in any_scenario()) {
        match simulate(&s, &Registry::builtin(), &RunOptions::default()) {
            Ok(run) => {
                // The run itself looks at every event and keeps the worst it saw.
                prop_assert!(run.ledger_residual <= LEDGER_LIMIT, "{:e}", run.ledger_residual);
                for row in &run.ledger {
                    prop_assert!(imbalance(row) <= LEDGER_LIMIT, "{row:?}");
                    for amount in [row.reservoir_ug, row.catheter_ug, row.delivered_ug, row.leaked_ug, row.body_ug] {
                        prop_assert!(amount >= -LEDGER_LIMIT * row.filled_ug, "{row:?}");
                    }
                }
                for (k, name) in run.columns.iter().enumerate() {
                    if !name.ends_with("_ng_per_ml") {
                        continue;
                    }
                    let peak = run.rows.iter().map(|r| r[k]).fold(0.0, f64::max);
                    let least = run.rows.iter().map(|r| r[k]).fold(f64::INFINITY, f64::min);
                    // Rounding of a sum of exponentials, and nothing that anyone could call a concentration.
                    prop_assert!(least >= -1e-10 * peak.max(1.0), "{name}: {least:e} with a peak of {peak:e}");
                }
            }
            // A part may refuse a request; it must say which and when, and never lose drug.
            Err(RunError::Model { source: SimError::Pump(_) | SimError::Catheter(_), time, component, .. }) => {
                prop_assert!(time <= s.duration);
                prop_assert!(!component.is_empty());
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

// ---- 12: errors, not panics

#[test]
fn promise_12_a_part_that_refuses_gives_time_component_and_event_number() {
    let s = scenario(&text(
        3.0,
        "[[fault]]\nid = \"plug\"\nkind = \"catheter.occlusion\"\nat = \"1 d\"\nposition = \"40 cm\"\n\
         [[action]]\nid = \"study\"\nat = \"2 d\"\ninject_contrast = \"3 mL\"\n",
    ));
    let error = simulate(&s, &Registry::builtin(), &RunOptions::default()).expect_err("nothing goes through");
    match &error {
        RunError::Model {
            time,
            component,
            kind,
            event,
            source: SimError::Catheter(_),
        } => {
            assert_eq!(time.hours(), 48.0);
            assert_eq!((component.as_str(), kind.as_str()), ("action.study", "done"));
            assert!(*event > EventId::START);
            let message = error.to_string();
            assert!(message.contains("action.study.done"), "{message}");
            assert!(message.contains(&format!("event {event}")), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn promise_12_a_failure_of_assembly_is_an_error_at_time_zero() {
    let mut s = scenario(&text(1.0, ""));
    s.pump.family = "no such family".to_owned();
    let error = simulate(&s, &Registry::builtin(), &RunOptions::default()).expect_err("nobody makes it");
    assert!(
        matches!(&error, RunError::Model { time, event, .. } if *time == SimTime::ZERO && *event == EventId::START)
    );
    assert!(error.to_string().contains("no such family"), "{error}");

    let mut s = scenario(&text(
        1.0,
        "[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nat = \"1 h\"\n",
    ));
    s.faults[0].kind = "pump.unheard_of".to_owned();
    let error = simulate(&s, &Registry::builtin(), &RunOptions::default()).expect_err("nobody knows it");
    assert!(error.to_string().contains("pump.unheard_of"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Numbers no file should contain, but a file may: the loader is not asked here.
    #[test]
    fn promise_12_extreme_numbers_end_in_a_result_or_a_typed_error(
        rate in prop_oneof![Just(0.0), Just(f64::MIN_POSITIVE), Just(1e-9), Just(1e12), Just(-1.0), Just(f64::NAN)],
        conductance in prop_oneof![Just(0.0), Just(1e-300), Just(1e6), Just(1e300), Just(f64::NAN)],
        over in prop_oneof![Just(1e-13), Just(1e-6), Just(1e9), Just(-1.0), Just(f64::INFINITY)],
        dose in prop_oneof![Just(0.0), Just(1e-300), Just(1e9)],
        weight in prop_oneof![Just(0.1), Just(70.0), Just(1e6)],
    ) {
        let mut s = scenario(&text(1.0, "[[fault]]\nid = \"f\"\nkind = \"catheter.leak\"\nat = \"2 h\"\nposition = \"10 cm\"\nconductance = \"1 mL/h/kPa\"\ninto = \"epidural\"\n"));
        s.patient.weight = weight;
        s.faults[0].values.insert("conductance".to_owned(), Value::Number(conductance));
        s.faults[0].profile = Profile::Ramp { over };
        s.programme.push(ProgrammeStep {
            id: "odd".to_owned(),
            at: Moment::At(SimTime::from_hours(4.0).expect("a time")),
            mode: Programme::SimpleContinuous { rate },
            prescribed: None,
        });
        s.actions.push(ActionStep {
            id: "needle".to_owned(),
            at: Moment::At(SimTime::from_hours(5.0).expect("a time")),
            unless: None,
            action: Action::LumbarBolus { dose, level: Level::L3, over, drug: None },
        });
        match simulate(&s, &Registry::builtin(), &RunOptions::default()) {
            Ok(run) => prop_assert!(run.rows.iter().flatten().all(|v| v.is_finite())),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

#[test]
fn the_head_of_the_tests_is_the_patient_they_mean() {
    let s = scenario(&format!("{}{MAINTENANCE}", head(1.0)));
    let run = run_with(&s, &RunOptions::default());
    assert_eq!(run.rows.len(), 25);
    assert_eq!(instants(&run)[0].0, 0);
}
