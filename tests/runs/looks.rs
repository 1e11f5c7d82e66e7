//! No symptom comes and goes between two looks at the signal behind it.

use std::collections::BTreeMap;

use crate::run_common::{label, load_shipped, sampled, shipped};
use itbsim::response::{Watch, watches, watches_with_drugs};
use itbsim::simulation::{Registry, RunResult, simulate};

/// Days of a run that are looked at row by row.
const DAYS: f64 = 70.0;

/// Share of a level by which a signal may lie beyond it unseen. Withdrawal has kinks where another region
/// begins to lack the drug, and next to one it may turn back between two looks: by 0.51 % of its
/// level in one of these runs. Without looks where something turns round whole spells of drowsiness
/// and coma were missed.
const GRAZE: f64 = 0.01;

/// Rows in which the signal of a symptom lies beyond a level that it waits for: onset while it is
/// absent, resolution while it is present.
fn unseen(run: &RunResult, watches: &[Watch]) -> Vec<String> {
    let mut out = Vec::new();
    for watch in watches {
        // Its spasms add signs of complications to the column.
        if watch.symptom.name == "spasms_increased" {
            continue;
        }
        let Some(column) = run.columns.iter().position(|c| c == watch.symptom.signal) else {
            continue;
        };
        let component = format!("symptom.{}", watch.symptom.name);
        let turns: BTreeMap<u64, &str> = run
            .events
            .iter()
            .filter(|e| e.component == component)
            .map(|e| (e.time_h.to_bits(), e.kind.as_str()))
            .collect();
        // Present from the start: nothing says so.
        if watch.is_in(run.rows[0][column]) {
            continue;
        }
        for row in &run.rows {
            let (time, value) = (row[0], row[column]);
            // Times are not negative, so that their bits are in order.
            let phase = turns.range(..=time.to_bits()).next_back().map(|(_, kind)| *kind);
            let (level, hidden) = match phase {
                None | Some("left" | "resolved") => (watch.levels.onset, watch.is_in(value)),
                Some("onset" | "returned") => {
                    (watch.levels.resolution, !watch.symptom.lasting && watch.is_clear(value))
                }
                _ => continue,
            };
            let hidden = hidden && (value - level).abs() > GRAZE * level.abs();
            if hidden && !turns.contains_key(&time.to_bits()) {
                out.push(format!("{component} after {phase:?} at {time:.3} h: {value}"));
                break;
            }
        }
    }
    out
}

#[test]
fn no_row_lies_beyond_a_level_that_was_not_seen_to_be_crossed() {
    let registry = Registry::builtin();
    let mut all = Vec::new();
    let mut runs = 0;
    for path in shipped() {
        let story = load_shipped(&path);
        for arm in &story.arms {
            if arm.scenario.duration.hours() > 24.0 * DAYS {
                continue;
            }
            let run = simulate(&arm.scenario, &registry, &sampled(3.0)).unwrap();
            let watches = match arm.scenario.drugs.is_empty() {
                true => watches(&arm.scenario.parameters),
                false => watches_with_drugs(&arm.scenario.parameters),
            };
            let name = label(&story, &arm.id);
            all.extend(unseen(&run, &watches).into_iter().map(|line| format!("{name}: {line}")));
            runs += 1;
        }
    }
    assert!(runs > 50, "{runs}");
    assert!(all.is_empty(), "{}", all.join("\n"));
}
