//! Every shipped scenario keeps the promises that its own file makes.

use crate::run_common::{label, load_shipped, shipped};
use itbsim::scenario::load;
use itbsim::simulation::{LEDGER_LIMIT, Registry, RunOptions, simulate};

#[test]
fn every_arm_of_every_shipped_scenario_meets_its_expectations_and_closes_its_ledger() {
    let registry = Registry::builtin();
    let mut unmet = Vec::new();
    let mut claims = 0;
    for path in shipped() {
        let story = match load(&path, &registry.catalog()) {
            Ok(story) => story,
            Err(mistakes) => {
                unmet.push(mistakes.to_string());
                continue;
            }
        };
        for arm in &story.arms {
            let name = label(&story, &arm.id);
            let run = match simulate(&arm.scenario, &registry, &RunOptions::default()) {
                Ok(run) => run,
                Err(error) => {
                    unmet.push(format!("{name}: {error}"));
                    continue;
                }
            };
            if run.ledger_residual.is_nan() || run.ledger_residual > LEDGER_LIMIT {
                unmet.push(format!("{name}: the ledger is off by {:e}", run.ledger_residual));
            }
            claims += run.expectations.len();
            for verdict in run.expectations.iter().filter(|v| !v.met) {
                unmet.push(format!(
                    "{name}, line {}: {}\n    found: {}\n    source: {}",
                    verdict.line, verdict.claim, verdict.found, verdict.source
                ));
            }
        }
    }
    assert!(claims > 0, "no shipped scenario claims anything");
    assert!(
        unmet.is_empty(),
        "{} of {claims} expectations are not met:\n{}",
        unmet.len(),
        unmet.join("\n")
    );
}

#[test]
fn every_expectation_is_tested_in_at_least_one_arm() {
    for path in shipped() {
        let story = load_shipped(&path);
        let text = std::fs::read_to_string(&path).expect("a shipped file");
        let written = text.lines().filter(|l| l.trim() == "[[expect]]").count();
        let mut lines: Vec<usize> = story
            .arms
            .iter()
            .flat_map(|a| a.scenario.expectations.iter().map(|e| e.line))
            .collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), written, "{}", path.display());
    }
}
