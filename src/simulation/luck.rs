//! Luck of a refill period: how far a pump's gain lies from the mean of its kind until it is
//! filled again.
//!
//! The published scatter (Neuromodulation 2023;26:1240) is between refill periods, so one number
//! is drawn at the start and at each fill. It is keyed by (seed, replicate, `pump`, `refill
//! luck`, number of fills before), so that arms of one replicate share it whatever else happens
//! in them. A pump whose gain the scenario fixes, and a family whose figures name no scatter,
//! draw none.

use crate::engine::SimTime;
use crate::numerics::draws::Draws;
use crate::pump::{Disturbance, Pump, PumpNotice, PumpRegistry};
use crate::scenario::model::Scenario;

use super::error::SimError;
use super::model::Simulation;

const SCATTER: &str = "pump.gain.refill_sd";
/// Purpose of the draws, and name of the deviation in the pump; no id of a fault holds a space.
const REFILL: &str = "refill luck";
const IMPLANT: &str = "implant luck";

impl Simulation {
    /// A new refill period begins: the pump was filled.
    pub(super) fn refill_luck(&mut self, now: SimTime, notices: &mut Vec<PumpNotice>) -> Result<(), SimError> {
        let fills = self.visits.iter().filter(|v| v.injected_ml > 0.0).count() as u64;
        self.new_luck(now, (REFILL, fills), notices)
    }

    /// The first refill period of a new pump begins. An exchange is no fill and is not counted,
    /// so its instant is its number.
    pub(super) fn implant_luck(&mut self, now: SimTime, notices: &mut Vec<PumpNotice>) -> Result<(), SimError> {
        self.new_luck(now, (IMPLANT, now.as_nanos() as u64), notices)
    }

    fn new_luck(
        &mut self,
        now: SimTime,
        key: (&'static str, u64),
        notices: &mut Vec<PumpNotice>,
    ) -> Result<(), SimError> {
        let luck = deviation(&self.scenario, &self.pumps, &self.draws, key)?;
        give(&mut *self.patient.pump, now, luck, notices)
    }
}

/// The luck of the refill period a run begins in.
pub(super) fn begin(
    pump: &mut dyn Pump,
    scenario: &Scenario,
    families: &PumpRegistry,
    draws: &Draws,
) -> Result<(), SimError> {
    let luck = deviation(scenario, families, draws, (REFILL, 0))?;
    // Nobody is there yet to be told anything.
    give(pump, SimTime::ZERO, luck, &mut Vec::new())
}

/// Difference from the mean gain \[1\]; `None` where none is to be drawn.
fn deviation(
    scenario: &Scenario,
    families: &PumpRegistry,
    draws: &Draws,
    (purpose, number): (&str, u64),
) -> Result<Option<f64>, SimError> {
    let device = &scenario.pump;
    let sd = scenario.parameters.get(SCATTER);
    let family = families.families().find(|f| f.name == device.family);
    let scatters = family.is_some_and(|f| f.figures.iter().any(|begin| SCATTER.starts_with(begin)));
    if device.gain.is_some() || sd == 0.0 || !scatters {
        return Ok(None);
    }
    Ok(Some(draws.normal("pump", purpose, number, 0.0, sd)?))
}

fn give(pump: &mut dyn Pump, now: SimTime, luck: Option<f64>, notices: &mut Vec<PumpNotice>) -> Result<(), SimError> {
    if let Some(deviation) = luck {
        pump.disturb(now, REFILL, &Disturbance::GainDeviation { deviation }, notices)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::simulation::{Registry, RunOptions, simulate};

    /// Gains of the first and of the second refill period.
    fn gains(more: &str, replicate: u64) -> [f64; 2] {
        let text = format!(
            r#"
title = "Two refill periods"
duration = "40 d"
sample = "10 d"
[patient]
history = "naive"
[pump]
{}
[[programme]]
id = "maintenance"
at = "0 d"
simple_continuous = "10 ug/day"
[[action]]
id = "fill"
at = "20 d"
refill = {{ volume = "18 mL", concentration = "50 ug/mL" }}
"#,
            format_args!(
                "reservoir = {{ size = \"20 mL\", fill = \"18 mL\", concentration = \"50 ug/mL\", low_alarm = \"2 mL\" }}\n{more}"
            )
        );
        let registry = Registry::builtin();
        let story = crate::scenario::load_str("two", &text, None, &registry.catalog()).expect("it loads");
        let options = RunOptions {
            replicate,
            ..RunOptions::default()
        };
        let run = simulate(&story.arms[0].scenario, &registry, &options).expect("it runs");
        let column = |name: &str| run.columns.iter().position(|c| c == name).expect("a column");
        let (delivered, believed) = (column("delivered_ml"), column("believed_delivered_ml"));
        let at = |h: f64| run.rows.iter().find(|r| r[0] == h).expect("a sample");
        let gain = |from: f64, to: f64| {
            let (a, b) = (at(from), at(to));
            (b[delivered] - a[delivered]) / (b[believed] - a[believed])
        };
        [gain(0.0, 480.0), gain(480.0, 960.0)]
    }

    #[test]
    fn each_refill_period_has_luck_of_its_own_and_each_replicate() {
        let [first, second] = gains("", 1);
        assert!((first - second).abs() > 1e-3, "{first} {second}");
        assert!((gains("", 2)[0] - first).abs() > 1e-3);
        assert_eq!(gains("", 1), [first, second], "keyed, so repeated");
        for gain in [first, second] {
            assert!((gain - 0.995).abs() < 5.0 * 0.077, "{gain}");
        }
    }

    #[test]
    fn a_look_into_the_reservoir_shifts_no_luck() {
        let look = "[[action]]\nid = \"look\"\nat = \"10 d\"\ncheck_reservoir = { syringe_error = \"0 mL\" }\n";
        let (plain, looked) = (gains("", 3), gains(look, 3));
        for (a, b) in plain.iter().zip(looked) {
            // The look cuts a sum in two; the luck itself is that of the same key.
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn a_gain_that_is_fixed_and_a_scatter_of_zero_leave_nothing_to_luck() {
        assert_eq!(gains("gain = 1.0\n", 1), gains("gain = 1.0\n", 2));
        let none = "[parameters]\n\"pump.gain.refill_sd\" = 0.0\n";
        let [first, second] = gains(none, 1);
        assert!(
            (first - second).abs() < 2e-3,
            "the battery's age alone: {first} {second}"
        );
        assert_eq!(gains(none, 1), gains(none, 2));
    }
}
