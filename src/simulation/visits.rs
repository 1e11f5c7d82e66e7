//! The arithmetic of a visit: what the syringe says against what the programmer says.

use crate::engine::SimTime;
use crate::scenario::model::VisitRule;

use super::error::SimError;
use super::model::Simulation;
use super::result::VisitRow;
use super::words;

/// What was found at a visit, before anybody reads a syringe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Finding {
    /// Volume the device computed \[mL\].
    pub expected: f64,
    /// Volume that really was drawn out \[mL\]; `None` if nothing was to be drawn.
    pub drawn: Option<f64>,
    /// Volume injected, wherever it went \[mL\].
    pub injected: f64,
    /// Standard deviation of the reading, if not the default \[mL\].
    pub error: Option<f64>,
    /// Which rule decides.
    pub rule: VisitRule,
}

/// Largest difference that a rule accepts \[mL\].
pub(super) fn accepted(
    rule: VisitRule,
    expected: f64,
    large: bool,
    parameters: &crate::parameters::ParameterSet,
) -> f64 {
    match rule {
        VisitRule::Implant => parameters.get("visit.discrepancy.implant") * expected,
        VisitRule::Refill if large => parameters.get("visit.discrepancy.large"),
        VisitRule::Refill => parameters.get("visit.discrepancy.small"),
    }
}

/// The verdict on a difference, aspirated less expected \[mL\].
pub(super) fn verdict(difference: f64, accepted: f64) -> &'static str {
    if difference > accepted {
        "more than expected"
    } else if difference < -accepted {
        "less than expected"
    } else {
        "as expected"
    }
}

/// What a verdict should make people think of (the two branches of every work-up).
fn hint(verdict: &str) -> &'static str {
    match verdict {
        "more than expected" => ": think of stall, occlusion, backflow",
        "less than expected" => ": think of over-infusion, or an earlier fill that missed the reservoir",
        _ => "",
    }
}

impl Simulation {
    /// Reads the syringe, compares, writes the visit down; gives it in words.
    pub(super) fn visit(&mut self, now: SimTime, id: &str, found: Finding) -> Result<String, SimError> {
        let parameters = &self.scenario.parameters;
        let error = found.error.unwrap_or_else(|| parameters.get("visit.syringe.error"));
        let aspirated = match found.drawn {
            None => None,
            // An empty syringe is not misread.
            Some(drawn) if drawn <= 0.0 => Some(0.0),
            Some(drawn) => {
                // A policy orders the same act again and again; each has its own luck.
                let before = self.visits.iter().filter(|v| v.visit == id).count() as u64;
                let read = self
                    .draws
                    .normal(&format!("action.{id}"), "syringe", before, drawn, error)?;
                Some(read.max(0.0))
            }
        };
        let large = self.scenario.pump.reservoir_size >= parameters.get("pump.gain.large_from");
        let limit = accepted(found.rule, found.expected, large, parameters);
        let difference = aspirated.map(|a| a - found.expected);
        let verdict = difference.map_or("not aspirated", |d| verdict(d, limit));
        self.visits.push(VisitRow {
            time_h: now.hours(),
            visit: id.to_owned(),
            expected_ml: found.expected,
            aspirated_ml: aspirated,
            injected_ml: found.injected,
            discrepancy_ml: difference,
            percent: difference
                .filter(|_| found.expected > 0.0)
                .map(|d| 100.0 * d / found.expected),
            verdict: verdict.to_owned(),
        });
        Ok(match aspirated {
            Some(volume) => format!(
                "{} mL expected, {} mL drawn out, {verdict}{}",
                words::number(found.expected),
                words::number(volume),
                hint(verdict)
            ),
            None => format!("{} mL expected, nothing drawn out", words::number(found.expected)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::ParameterSet;

    #[test]
    fn the_published_rules_decide() {
        let p = ParameterSet::default();
        let limit = |rule, expected, large| accepted(rule, expected, large, &p);
        assert_eq!(limit(VisitRule::Refill, 5.0, false), 1.0);
        assert_eq!(limit(VisitRule::Refill, 5.0, true), 2.0);
        assert_eq!(limit(VisitRule::Implant, 5.0, true), 1.0);
        // More than, not as much as.
        for (difference, limit, wanted) in [
            (1.0, 1.0, "as expected"),
            (1.01, 1.0, "more than expected"),
            (-1.0, 1.0, "as expected"),
            (-1.01, 1.0, "less than expected"),
            (1.9, 2.0, "as expected"),
        ] {
            assert_eq!(verdict(difference, limit), wanted, "{difference}");
        }
    }
}
