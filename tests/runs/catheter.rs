//! Faults of the line in whole runs: the ledger under random combinations with repair, the
//! order of blocks, storage, wrong entries.

use std::fmt::Write as _;

use crate::run_common::{head, run, run_with, scenario, text};
use itbsim::engine::SimTime;
use itbsim::simulation::{LEDGER_LIMIT, Registry, Run, RunOptions, RunResult};
use proptest::prelude::*;

/// One block of each kind of fault of the line, with fields that act.
const KINDS: [&str; 10] = [
    "kind = \"catheter.kink\"\nposition = \"40 cm\"\nbore = 0.01",
    "kind = \"catheter.occlusion\"\nposition = \"70 cm\"",
    "kind = \"catheter.leak\"\nposition = \"25 cm\"\nconductance = \"0.003 mL/h/kPa\"\ninto = \"subcutaneous\"",
    "kind = \"catheter.disconnection\"\nposition = \"54 cm\"\ninto = \"epidural\"",
    "kind = \"catheter.migration\"\nto = \"subdural\"",
    "kind = \"catheter.granuloma\"\nbore = 0.02\nmass_share = 0.6",
    "kind = \"catheter.connector\"\noffset = \"0.53 mm\"",
    "kind = \"catheter.csf_leak\"\nlevel = \"L2\"\nconductance = \"2 mL/h/kPa\"",
    "kind = \"catheter.retrograde\"\nvolume = \"0.6 mL\"",
    "kind = \"catheter.fracture\"\nposition = \"60 cm\"\nconductance = \"0.01 mL/h/kPa\"\nbore = 0.02\ninto = \"subcutaneous\"",
];

const PROFILES: [&str; 4] = [
    "\"step\"",
    "{ ramp = \"20 h\" }",
    "{ intermittent = { on = \"7 h\", off = \"5 h\" } }",
    "{ in_posture = \"upright\" }",
];

fn block(id: usize, kind: usize, profile: usize, start: f64) -> String {
    format!(
        "[[fault]]\nid = \"f{id}\"\nat = \"{start} h\"\nprofile = {}\n{}\n",
        PROFILES[profile], KINDS[kind]
    )
}

/// Gets up and lies down, refills, draws from the port, mends everything.
fn acts(count: usize, repair: f64) -> String {
    let ids: Vec<String> = (0..count).map(|k| format!("\"f{k}\"")).collect();
    format!(
        r#"
[[action]]
id = "up"
at = "20 h"
posture = "upright"
[[action]]
id = "port"
at = "26 h"
aspirate_catheter = "0.3 mL"
[[action]]
id = "bed"
at = "33 h"
posture = "supine"
[[action]]
id = "refill"
at = "41 h"
refill = {{ volume = "17 mL", concentration = "1.5 mg/mL", label = "2 mg/mL" }}
[[action]]
id = "revision"
at = "{repair} h"
repair = [{}]
"#,
        ids.join(", ")
    )
}

fn column(run: &RunResult, name: &str, hours: f64) -> f64 {
    let index = run.columns.iter().position(|c| c == name).unwrap();
    let row = run.rows.iter().find(|r| (r[0] - hours).abs() < 1e-9).unwrap();
    row[index]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_closes_under_any_combination_of_faults_with_repair(
        faults in prop::collection::vec((0..KINDS.len(), 0..PROFILES.len(), 1.0..40.0_f64), 1..6),
        repair in 42.0..60.0_f64,
    ) {
        let mut blocks = String::new();
        for (id, (kind, profile, start)) in faults.iter().enumerate() {
            blocks.push_str(&block(id, *kind, *profile, *start));
        }
        blocks.push_str(&acts(faults.len(), repair));
        let run = run(4.0, &blocks);
        prop_assert!(run.ledger_residual <= LEDGER_LIMIT, "{:e}\n{}", run.ledger_residual, blocks);
    }
}

#[test]
fn the_order_of_fault_blocks_of_one_instant_changes_no_bit() {
    let make = |order: &mut dyn Iterator<Item = usize>| {
        let mut blocks = String::new();
        for kind in order {
            blocks.push_str(&block(kind, kind, kind % 2, 6.0));
        }
        blocks.push_str(&acts(KINDS.len(), 50.0));
        run(3.0, &blocks)
    };
    let one = make(&mut (0..KINDS.len()));
    let other = make(&mut (0..KINDS.len()).rev());
    assert_eq!(one.fingerprint, other.fingerprint);
    assert_eq!(one.rows, other.rows);
}

#[test]
fn stored_in_the_middle_of_every_fault_a_run_goes_on_with_the_same_bits() {
    let registry = Registry::builtin();
    for (kind, fields) in KINDS.iter().enumerate() {
        let blocks = format!("{}{}", block(0, kind, 1, 6.0), acts(1, 50.0));
        let scenario = scenario(&text(3.0, &blocks));
        let options = RunOptions::default();
        let end = scenario.duration;
        let whole = run_with(&scenario, &options);
        let mut first = Run::new(&scenario, &registry, &options).unwrap();
        first.run_until(SimTime::from_hours(30.5).unwrap()).unwrap();
        let stored = serde_json::to_string(&first.save().unwrap()).unwrap();
        let value = serde_json::from_str(&stored).unwrap();
        let mut rest = Run::restore(&scenario, &registry, &options, &value).unwrap();
        rest.run_until(end).unwrap();
        assert!(rest.finish() == whole, "{fields}");
    }
}

#[test]
fn the_length_entered_sets_the_bridge_and_nothing_else() {
    let bridge = |entered: &str| {
        let mut blocks = head(5.0);
        write!(
            blocks,
            "{entered}\n[[programme]]\nid = \"m\"\nat = \"0 d\"\nsimple_continuous = \"400 ug/day\"\n\
             [[action]]\nid = \"r\"\nat = \"12 h\"\nrefill = {{ volume = \"18 mL\", concentration = \"500 ug/mL\" }}\n\
             [[programme]]\nid = \"b\"\nat = \"12 h\"\n\
             bridge_bolus = {{ old_concentration = \"2 mg/mL\", bridge_rate = \"400 ug/day\", then_rate = \"400 ug/day\" }}\n"
        )
        .unwrap();
        let run = run_with(&scenario(&blocks), &RunOptions::default());
        let ends = run
            .events
            .iter()
            .filter(|e| e.name() == "pump.rate_step")
            .map(|e| e.time_h)
            .next()
            .unwrap();
        (ends - 12.0, run)
    };
    // V x 2000 ug/mL / 400 ug/day.
    for (entered, volume) in [
        ("", 0.199 + 89.0 * 0.0022),
        ("entered_length = \"114 cm\"", 0.199 + 114.0 * 0.0022),
        ("entered_length = \"30 cm\"", 0.199 + 30.0 * 0.0022),
        (
            "pump_segment = { length = \"30 cm\", volume = \"0.2 mL\" }",
            0.199 + 0.2 + 59.0 * 0.0022,
        ),
    ] {
        let (hours, run) = bridge(entered);
        let expected = volume * 2000.0 / 400.0 * 24.0;
        assert!(
            (hours - expected).abs() < 1e-6,
            "{entered}: {hours} h, not {expected} h"
        );
        assert!(run.ledger_residual <= LEDGER_LIMIT);
    }
}

#[test]
fn what_ran_back_is_found_at_the_refill() {
    let chamber = "[[fault]]\nid = \"f\"\nkind = \"catheter.retrograde\"\nvolume = \"1 mL\"\nat = \"1 d\"\n";
    let run = run(3.0, chamber);
    // 18 mL less 2 days of 0.2 mL, and one more.
    assert!((column(&run, "believed_reservoir_ml", 48.0) - 17.6).abs() < 1e-9);
    assert!((column(&run, "reservoir_ml", 48.0) - 18.6).abs() < 1e-9);
    // 0.3948 mL of drug and 0.6052 mL of spinal fluid went to 17.8 mL and the 1.4 mL below them.
    let held = 17.8 + 1.4;
    let mixed = 2000.0 * (held + 0.3948) / (held + 1.0);
    assert!((column(&run, "reservoir_ug_per_ml", 48.0) - mixed).abs() < 1e-6);
    assert_eq!(column(&run, "catheter_tip_ug_per_ml", 48.0), 0.0);
    assert!(run.ledger_residual <= LEDGER_LIMIT);
}

#[test]
fn a_full_reservoir_takes_nothing_back_and_neither_does_a_closed_line() {
    let chamber = "[[fault]]\nid = \"f\"\nkind = \"catheter.retrograde\"\nvolume = \"5 mL\"\nat = \"1 d\"\n";
    let full = run(2.0, chamber);
    assert!((column(&full, "reservoir_ml", 48.0) - 17.6).abs() < 1e-9);
    let closed = format!(
        "{}[[fault]]\nid = \"g\"\nkind = \"catheter.occlusion\"\nat = \"12 h\"\nposition = \"60 cm\"\n",
        chamber.replace("5 mL", "1 mL")
    );
    let run = run(2.0, &closed);
    assert!(column(&run, "reservoir_ml", 48.0) < 18.0);
    assert!(run.ledger_residual <= LEDGER_LIMIT);
}

#[test]
fn what_escapes_beside_the_catheter_is_lost_with_the_drug_in_it() {
    let hole = "[[fault]]\nid = \"f\"\nkind = \"catheter.csf_leak\"\nat = \"1 d\"\nlevel = \"L2\"\nconductance = \"2 mL/h/kPa\"\n";
    let run = run(3.0, hole);
    let flow = 2.0 * 1.2 / (1.0 + 2.0 * 0.0178);
    assert!((column(&run, "csf_leak_ml_per_h", 48.0) - flow).abs() < 1e-9);
    assert_eq!(column(&run, "csf_leak_ml_per_h", 23.0), 0.0);
    // After a day the rate of loss is flow times concentration.
    let lost = column(&run, "lost_csf_ug", 72.0) - column(&run, "lost_csf_ug", 60.0);
    let mean = 0.5 * (column(&run, "csf_l2_ng_per_ml", 72.0) + column(&run, "csf_l2_ng_per_ml", 60.0)) / 1000.0;
    assert!((lost - flow * mean * 12.0).abs() < 0.002 * lost, "{lost} ug");
}

#[test]
fn a_hole_that_comes_and_goes_beside_a_cut_passes_through_the_same_flows_again() {
    let faults = "[[fault]]\nid = \"hole\"\nkind = \"catheter.csf_leak\"\nat = \"24 h\"\nlevel = \"L2\"\n\
        conductance = \"2 mL/h/kPa\"\nprofile = { intermittent = { on = \"20 min\", off = \"20 min\" } }\n\
        [[fault]]\nid = \"cut\"\nkind = \"catheter.fracture\"\nat = \"12 h\"\nposition = \"0 cm\"\n\
        conductance = \"0.01 mL/h/kPa\"\nbore = \"1 %\"\ninto = \"epidural\"\n";
    let flows = |days: f64| {
        let told = scenario(&text(days, faults));
        let run = run_with(
            &told,
            &RunOptions {
                record_system: true,
                ..RunOptions::default()
            },
        );
        let system = run.system.expect("it was asked for");
        let matrices: Vec<_> = system.segments.iter().filter_map(|segment| segment.a.clone()).collect();
        let mut known: Vec<_> = Vec::new();
        for matrix in &matrices {
            if !known.contains(matrix) {
                known.push(matrix.clone());
            }
        }
        (matrices.len(), known.len())
    };
    let (two, three) = (flows(2.0), flows(3.0));
    // Some 72 switches a day, each with a dozen flows until the line is at rest.
    assert!(three.0 > two.0 + 500, "{three:?} after {two:?}");
    assert!(three.1 < 64 && three.1 <= two.1 + 4, "{three:?} after {two:?}");
}
