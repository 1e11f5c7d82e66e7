//! What the targets that read scenarios share.

use itbsim::engine::{SimSpan, SimTime};
use itbsim::scenario::model::Catalog;
use itbsim::scenario::{Diagnostics, FileProblem, Files, load_from};
use itbsim::simulation::{Registry, Run, RunOptions};
use std::path::Path;
use std::sync::OnceLock;

/// Simulated time of a run; whoever survives a month without a panic has met most events.
const SPAN_H: f64 = 1_000.0;
/// Events of a run.
const EVENTS: u64 = 3_000;

/// The text under test, and the files that it may extend.
struct Shipped<'a>(&'a str);

/// Where the text seems to stand.
const FUZZED: &str = "scenarios/fuzzed.toml";

impl Files for Shipped<'_> {
    fn read(&self, path: &Path) -> Result<String, FileProblem> {
        let text = match path.to_str() {
            Some(FUZZED) => self.0,
            Some("scenarios/base/adult-spinal.toml") => include_str!("../../scenarios/base/adult-spinal.toml"),
            Some("scenarios/base/candidate-spinal.toml") => include_str!("../../scenarios/base/candidate-spinal.toml"),
            Some("scenarios/base/gas-pump.toml") => include_str!("../../scenarios/base/gas-pump.toml"),
            Some("scenarios/base/drug-morphine.toml") => include_str!("../../scenarios/base/drug-morphine.toml"),
            Some("scenarios/base/drug-clonidine.toml") => include_str!("../../scenarios/base/drug-clonidine.toml"),
            _ => return Err(FileProblem::Missing),
        };
        Ok(text.to_owned())
    }

    fn siblings(&self, _: &Path) -> Vec<String> {
        vec!["fuzzed.toml".to_owned(), "stable-therapy.toml".to_owned()]
    }
}

fn registry() -> &'static (Registry, Catalog) {
    static ONCE: OnceLock<(Registry, Catalog)> = OnceLock::new();
    ONCE.get_or_init(|| {
        let registry = Registry::builtin();
        let catalog = registry.catalog();
        (registry, catalog)
    })
}

/// Loads a text; what is wrong with it is rendered in every form, what is right runs for a while.
pub fn load_and_run(text: &str) {
    let (registry, catalog) = registry();
    let story = match load_from(Path::new(FUZZED), &Shipped(text), catalog) {
        Ok(story) => story,
        Err(mistakes) => return tell(&mistakes),
    };
    for arm in story.arms.iter().take(2) {
        let scenario = &arm.scenario;
        // At most a thousand rows, whatever was asked for.
        let widest = SimSpan::from_nanos(scenario.duration.as_nanos() / 1_000 + 1);
        let options = RunOptions {
            sample: Some(scenario.sample.max(widest)),
            event_limit: Some(EVENTS),
            ..RunOptions::default()
        };
        // An error of a run is an answer; a panic or a hang is not.
        let Ok(mut run) = Run::new(scenario, registry, &options) else {
            continue;
        };
        let until = SimTime::from_hours(SPAN_H).expect("a thousand hours are in range");
        if run.run_until(until).is_ok() {
            let result = run.finish();
            assert!(
                result.ledger_residual < 1e-9,
                "the ledger is open by {}",
                result.ledger_residual
            );
        }
    }
}

fn tell(mistakes: &Diagnostics) {
    assert!(!mistakes.render(false).is_empty());
    let json = mistakes.to_json();
    serde_json::from_str::<serde_json::Value>(&json).expect("mistakes are told in JSON");
}
