//! One draw of what we do not know, written into a scenario.

use super::{Population, VirtualPatient};
use crate::numerics::Draws;
use crate::scenario::model::{Scenario, Uncertain};

/// Entity of the draws of parameters.
const UNCERTAINTY: &str = "uncertainty";

/// Ratio of the ends of a range from which it is walked by ratios.
const BY_RATIO: f64 = 10.0;

/// The value at a place from 0 to 1 of a range; one of a decade or more is walked by ratios.
pub fn between(low: f64, high: f64, place: f64) -> f64 {
    let place = place.clamp(0.0, 1.0);
    if low > 0.0 && high / low >= BY_RATIO {
        let value = low * libm::exp(place * libm::log(high / low));
        value.clamp(low, high)
    } else {
        low + (high - low) * place
    }
}

/// Writes the draw that a scenario's `[uncertain]` asks for into the scenario: another population,
/// other values of the parameters with a range. A pure function of seed and number. A scenario
/// without the block stays as it is; afterwards there is no block any more.
pub fn draw(scenario: &mut Scenario, seed: u64) {
    if let Some(uncertain) = scenario.uncertain.take() {
        put(scenario, seed, &uncertain);
    }
}

/// As [`draw`], for a draw that the scenario does not name itself.
pub fn put(scenario: &mut Scenario, seed: u64, uncertain: &Uncertain) {
    let population = scenario.population.take();
    let draws = Draws::new(seed, uncertain.draw);
    let values: Vec<(&'static str, f64)> = uncertain
        .ranges
        .iter()
        .filter_map(|(key, low, high)| {
            // Keys were checked when the ranges were read.
            let parameter = crate::parameters::named(key)?;
            let place = draws.channel(UNCERTAINTY, key).uniform(0);
            Some((parameter.key, between(*low, *high, place)))
        })
        .collect();
    if !values.is_empty() {
        let drawn = VirtualPatient {
            replicate: uncertain.draw,
            population: UNCERTAINTY.into(),
            group: scenario.patient.population,
            values,
            origin: None,
            injury: None,
        };
        drawn.apply(scenario);
    }
    let drawn = |spec| Population::new(spec).typical_uncertain(seed, uncertain.draw).share();
    scenario.population = population.map(drawn);
}
