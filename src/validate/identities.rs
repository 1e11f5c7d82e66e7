//! Identities of the program: what must hold whatever the parameters are.

use crate::engine::{SimSpan, SimTime};
use crate::kinetics::{Body, Kinetics, Layout, Site};
use crate::numerics::Scratch;
use crate::numerics::general::{LinearSegment, check_linear};
use crate::parameters::ParameterSet;
use crate::scenario::model::Scenario;
use crate::signals::{Destination, Level};
use crate::simulation::{Registry, Run, RunOptions, RunResult, simulate};

use super::ask::{Ask, AskError};
use super::room;

fn failed(problem: impl std::fmt::Display) -> AskError {
    AskError::Run {
        problem: problem.to_string(),
    }
}

/// An identity that needs no story.
pub(super) fn of_kinetics(ask: &Ask, p: &ParameterSet) -> Result<f64, AskError> {
    let mut k = Kinetics::new(Body::default(), p).map_err(failed)?;
    let now = SimTime::ZERO;
    let csf = |level| Site::Stream(Destination::Csf(level));
    // Dose rate [ug/h]; any would do, the system is linear.
    let rate = 1000.0;
    let bioavailability = p.get("kinetics.oral.bioavailability");
    // [mL/h] from [L/h]; apparent clearance is over bioavailability.
    let clearance = 1000.0 * p.get("kinetics.blood.apparent_clearance") * bioavailability;
    match ask.what.as_str() {
        "identity.exact" => {
            let n = Layout::LEN;
            let jump = |site: Site, amount: f64| {
                let mut all = vec![0.0; n];
                all[Layout::of(site)] = amount;
                all
            };
            let segments = [
                (jump(csf(Level::L3), 50.0), vec![0.0; n], 6.0),
                (vec![], jump(csf(Level::T10), 400.0 / 24.0), 24.0),
                (jump(Site::Oral, 20_000.0), jump(csf(Level::T10), 800.0 / 24.0), 48.0),
            ]
            .map(|(jump, input, duration_h)| LinearSegment {
                duration_h,
                input,
                jump,
            });
            let found = check_linear(k.system(), &vec![0.0; n], &segments).map_err(failed)?;
            Ok(found.worst)
        }
        "identity.steady_plasma" => {
            k.settle(now, &[(csf(Level::T10), rate)]).map_err(failed)?;
            let plasma = k.reading(now, &mut Scratch::default()).map_err(failed)?.plasma;
            Ok((plasma * clearance / rate - 1.0).abs())
        }
        "identity.steady_oral" => {
            k.settle(now, &[(Site::Oral, rate)]).map_err(failed)?;
            let plasma = k.reading(now, &mut Scratch::default()).map_err(failed)?.plasma;
            Ok((plasma * clearance / (bioavailability * rate) - 1.0).abs())
        }
        "identity.linear" => {
            let mut scratch = Scratch::default();
            let later = SimTime::from_hours(3.0).map_err(failed)?;
            let mut twice = k.clone();
            k.add(now, csf(Level::L3), 50.0).map_err(failed)?;
            twice.add(now, csf(Level::L3), 100.0).map_err(failed)?;
            let (one, two) = (
                k.reading(later, &mut scratch).map_err(failed)?,
                twice.reading(later, &mut scratch).map_err(failed)?,
            );
            let worst = one
                .csf
                .iter()
                .zip(&two.csf)
                .map(|(a, b)| (b / (2.0 * a) - 1.0).abs())
                .fold(0.0, f64::max);
            Ok(worst)
        }
        _ => Err(AskError::NoMeasure { what: ask.what.clone() }),
    }
}

/// Refuses a story whose rows are too many for a run that is made and dropped.
pub(super) fn fits(scenario: &Scenario, sample_h: f64) -> Result<(), AskError> {
    let numbers = room::numbers(scenario, sample_h);
    if numbers <= room::MOST_AT_ONCE {
        return Ok(());
    }
    Err(AskError::Story {
        problem: format!(
            "the rows of one run would hold {numbers} numbers; at most {} are allowed here",
            room::MOST_AT_ONCE
        ),
    })
}

/// An identity of the runs of one scenario; 1 if it holds.
pub(super) fn of_runs(ask: &Ask, scenario: &Scenario, registry: &Registry) -> Result<f64, AskError> {
    let run = |options: &RunOptions| simulate(scenario, registry, options).map_err(failed);
    let plain = RunOptions::default();
    let same_events = |a: &RunResult, b: &RunResult| {
        a.fingerprint == b.fingerprint && a.events == b.events && a.symptoms == b.symptoms
    };
    fits(scenario, scenario.sample.hours())?;
    let first = run(&plain)?;
    let holds = match ask.what.as_str() {
        "identity.repeat" => {
            let second = run(&plain)?;
            same_events(&first, &second) && first.rows == second.rows
        }
        "identity.sampling" => {
            let sampled = |minutes: f64| -> Result<RunResult, AskError> {
                fits(scenario, minutes / 60.0)?;
                run(&RunOptions {
                    sample: Some(SimSpan::from_hours(minutes / 60.0).map_err(failed)?),
                    ..plain.clone()
                })
            };
            same_events(&first, &sampled(7.0)?) && same_events(&first, &sampled(180.0)?)
        }
        "identity.observers" => {
            let blind = run(&RunOptions {
                observe: false,
                ..plain.clone()
            })?;
            same_events(&first, &blind)
        }
        "identity.restore" => {
            let mut begun = Run::new(scenario, registry, &plain).map_err(failed)?;
            let half = SimTime::from_hours(0.5 * scenario.duration.hours()).map_err(failed)?;
            begun.run_until(half).map_err(failed)?;
            let saved = begun.save().map_err(failed)?.to_string();
            let saved = serde_json::from_str(&saved).map_err(failed)?;
            let mut restored = Run::restore(scenario, registry, &plain, &saved).map_err(failed)?;
            restored.run_until(scenario.duration).map_err(failed)?;
            restored.fingerprint() == first.fingerprint
        }
        _ => {
            return Err(AskError::NoMeasure { what: ask.what.clone() });
        }
    };
    Ok(f64::from(holds))
}
