//! Complications drawn more often than they come, with the weight that makes up for it.
//!
//! What can be biased is what is drawn before the run: the surgery of a fresh implant, and the first late
//! one. Operations within the run keep their own chance, since they depend on what happens; so the weights
//! stay right whatever happens.

use super::chance::{Chance, Risk, Surgery, onset_of, waiting};
use crate::hazards::{Bias, Biased};
use crate::numerics::Draws;
use crate::scenario::model::{Fault, Scenario};

/// Draws as [`draw`](super::draw) does, under a bias; kinds that the bias does not name are drawn as there.
///
/// A factor multiplies the hazard of the surgery and the late rate alike. A given kind shows itself within
/// the run in odd replicates, and in even ones neither surgery nor time at the start bring it.
pub fn draw_biased(scenario: &Scenario, draws: &Draws, bias: &Bias) -> Biased {
    let mut out = Biased::plain(Vec::new());
    let Some(risk) = Risk::of(scenario) else {
        return out;
    };
    for chance in risk.chances() {
        let kind = chance.kind.kind;
        if bias.given.as_ref().is_some_and(|g| g.kind == kind) {
            let (weight, wait) = given(scenario, chance, draws);
            out.stratum = Some(wait.is_some());
            out.weight *= weight;
            out.faults.push(fault(scenario, chance, wait, draws));
            continue;
        }
        let factor = bias.factor(kind);
        let (weight, wait) = if factor == 1.0 {
            (1.0, chance.first(scenario, draws))
        } else {
            tilted(scenario, chance, factor, draws)
        };
        out.weight *= weight;
        out.faults.push(fault(scenario, chance, wait, draws));
    }
    out
}

fn fault(scenario: &Scenario, chance: &Chance, wait: Option<f64>, draws: &Draws) -> Fault {
    waiting(chance.kind, onset_of(scenario, chance.kind, wait, draws), scenario)
}

/// Weight and wait \[h\] under `factor` times the hazard.
fn tilted(scenario: &Scenario, chance: &Chance, factor: f64, draws: &Draws) -> (f64, Option<f64>) {
    let duration = scenario.duration.hours();
    let mut moved = *chance;
    moved.shape = chance.shape.scaled(factor);
    let mut weight = 1.0;
    let early = Chance::fresh(scenario).then(|| {
        let wait = moved.strike(Surgery::Implant, 0, draws);
        let (true_chance, drawn_with) = (chance.at(Surgery::Implant), moved.at(Surgery::Implant));
        weight *= match wait {
            // Struck, so the chance it was drawn with is above zero.
            Some(_) => true_chance / drawn_with,
            None if drawn_with < 1.0 => (1.0 - true_chance) / (1.0 - drawn_with),
            None => 1.0,
        };
        wait
    });
    let late = scenario.patient.implanted.then(|| {
        let wait = moved.late(0, draws).filter(|w| *w <= duration);
        let ahead = (factor - 1.0) * chance.shape.constant;
        weight *= match wait {
            Some(wait) => libm::exp(ahead * wait) / factor,
            None => libm::exp(ahead * duration),
        };
        wait
    });
    let first = [early.flatten(), late.flatten()]
        .into_iter()
        .flatten()
        .min_by(f64::total_cmp);
    (weight, first)
}

/// Weight and wait \[h\] where every other replicate has it: two strata.
fn given(scenario: &Scenario, chance: &Chance, draws: &Draws) -> (f64, Option<f64>) {
    let duration = scenario.duration.hours();
    let (low, high) = chance.span();
    // Chances that it shows within the run: of the surgery, and by time.
    let surgery = if Chance::fresh(scenario) {
        chance.at(Surgery::Implant)
    } else {
        0.0
    };
    let seen = if duration >= high {
        1.0
    } else if duration <= low {
        0.0
    } else {
        libm::log(duration / low) / libm::log(high / low)
    };
    let early = surgery * seen;
    let rate = if scenario.patient.implanted {
        chance.shape.constant
    } else {
        0.0
    };
    let late = -libm::expm1(-rate * duration);
    let any = early + (1.0 - early) * late;
    if draws.replicate() % 2 == 0 || any <= 0.0 {
        return (2.0 * (1.0 - any), None);
    }
    let u = |purpose: &str| draws.uniform(&Chance::entity(chance.kind), purpose, 0);
    let by_surgery = u("surgery") * any < early;
    // Without the surgery it is time that brings it, within the run; with it, whichever comes first.
    let of_time = if by_surgery {
        (rate > 0.0).then(|| -libm::log(u("late")) / rate)
    } else {
        Some(-libm::log1p(-(1.0 - u("late")) * late) / rate)
    };
    let of_surgery = by_surgery.then(|| {
        let end = high.min(duration);
        libm::exp(libm::log(low) + u("wait") * (libm::log(end) - libm::log(low)))
    });
    let first = [of_time, of_surgery].into_iter().flatten().min_by(f64::total_cmp);
    (2.0 * any, first.map(|w| w.min(duration)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complications::draw;
    use crate::hazards::Given;
    use crate::scenario::model::Trigger;
    use crate::simulation::Registry;

    const KIND: &str = "complication.pocket_infection";

    /// A surgery with a chance of 2 % and a late rate of 1 % a year.
    fn scenario(age: &str, duration: &str) -> Scenario {
        let text = format!(
            r#"
            title = "By chance"
            duration = "{duration}"
            [hazards]
            complications = true
            "{KIND}" = {{ at_surgery = "2 %", constant = "0.01 /y" }}
            [pump]
            age = "{age}"
            reservoir = {{ fill = "18 mL", concentration = "2 mg/mL" }}
            [[programme]]
            at = "0 d"
            simple_continuous = "300 ug/day"
            "#
        );
        let story = crate::scenario::load_str("x", &text, None, &Registry::builtin().catalog())
            .unwrap_or_else(|e| panic!("{e}"));
        story.arms[0].scenario.clone()
    }

    fn onset(faults: &[Fault]) -> Option<f64> {
        let fault = faults.iter().find(|f| f.kind == KIND).unwrap();
        match &fault.trigger {
            Trigger::Arises(onset) => onset.as_ref().map(|o| o.at.hours()),
            other => panic!("{other:?}"),
        }
    }

    /// Chance that it shows before a time, in closed form.
    fn truth(scenario: &Scenario, time: f64) -> f64 {
        let risk = Risk::of(scenario).unwrap();
        let chance = risk.chance(KIND).unwrap();
        let (low, high) = chance.span();
        let seen = (libm::log(time / low) / libm::log(high / low)).clamp(0.0, 1.0);
        let early = if Chance::fresh(scenario) {
            chance.at(Surgery::Implant) * seen
        } else {
            0.0
        };
        1.0 - (1.0 - early) * libm::exp(-chance.shape.constant * time)
    }

    #[test]
    fn tilted_draws_meet_the_known_chance_with_less_error() {
        for (age, duration) in [("0 d", "2 y"), ("1 y", "2 y"), ("0 d", "20 d")] {
            let scenario = scenario(age, duration);
            let truth = truth(&scenario, scenario.duration.hours());
            let bias = Bias {
                factors: vec![(KIND.to_owned(), 20.0)],
                given: None,
            };
            let n = 4_000_u64;
            let (mut sum, mut squares, mut weights) = (0.0, 0.0, 0.0);
            for replicate in 0..n {
                let drawn = draw_biased(&scenario, &Draws::new(5, replicate), &bias);
                weights += drawn.weight;
                if onset(&drawn.faults).is_some() {
                    sum += drawn.weight;
                    squares += drawn.weight * drawn.weight;
                }
            }
            let n = n as f64;
            let mean = sum / n;
            let error = ((squares / n - mean * mean) / n).sqrt();
            assert!((weights / n - 1.0).abs() < 0.1, "{age} {duration}: {}", weights / n);
            assert!(
                (mean - truth).abs() < 4.0 * error,
                "{age} {duration}: {mean} {truth} {error}"
            );
            let plain = (truth * (1.0 - truth) / n).sqrt();
            assert!(error < 0.5 * plain, "{age} {duration}: {error} against {plain}");
        }
    }

    #[test]
    fn strata_have_the_known_chance_and_onsets_the_conditional_distribution() {
        for (age, duration) in [("0 d", "2 y"), ("1 y", "2 y"), ("0 d", "20 d")] {
            let scenario = scenario(age, duration);
            let end = scenario.duration.hours();
            let bias = Bias {
                factors: Vec::new(),
                given: Some(Given { kind: KIND.to_owned() }),
            };
            let all = truth(&scenario, end);
            let n = 1_500;
            let mut places: Vec<f64> = (0..n)
                .map(|k| {
                    let drawn = draw_biased(&scenario, &Draws::new(9, 2 * k + 1), &bias);
                    assert_eq!(drawn.stratum, Some(true));
                    assert!((drawn.weight - 2.0 * all).abs() < 1e-12);
                    truth(&scenario, onset(&drawn.faults).unwrap()) / all
                })
                .collect();
            places.sort_by(f64::total_cmp);
            let worst = places
                .iter()
                .enumerate()
                .map(|(i, place)| (place - (i as f64 + 0.5) / n as f64).abs())
                .fold(0.0, f64::max);
            // Kolmogorov: 1.63 / sqrt(n) at 1 %.
            assert!(worst < 1.63 / (n as f64).sqrt(), "{age} {duration}: {worst}");
            let other = draw_biased(&scenario, &Draws::new(9, 2), &bias);
            assert_eq!((other.stratum, onset(&other.faults)), (Some(false), None));
            assert!((other.weight - 2.0 * (1.0 - all)).abs() < 1e-12);
        }
    }

    #[test]
    fn without_a_bias_draws_are_the_plain_ones() {
        let scenario = scenario("0 d", "2 y");
        for replicate in 0..200 {
            let draws = Draws::new(2, replicate);
            let biased = draw_biased(&scenario, &draws, &Bias::default());
            assert_eq!(biased.faults, draw(&scenario, &draws));
            assert_eq!((biased.weight, biased.stratum), (1.0, None));
        }
    }
}
