//! What other drugs do: effects on named channels, joined with one another and with
//! baclofen's, tolerance, and what happens when one is taken away.

use serde::{Deserialize, Serialize};

use crate::numerics::collocation::{Filter, LANES, Row, error, integrated};
use crate::scenario::drugs::{Channel, Combination, Drug, DrugEffect};
use crate::signals::{MOST_OTHERS, Region};

use super::along::{ROUNDS, SETTLED, worse};

/// Effect-site concentrations of other drugs by drug and region \[ug/mL\].
pub type Sites = [[f64; 4]; MOST_OTHERS];

/// What other drugs bring about, as the time series show it; all zero without one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct DrugSignals {
    /// Relief of pain \[0-1\].
    pub analgesia: f64,
    /// Depression of consciousness by other drugs alone \[0-1\].
    pub drug_sedation: f64,
    /// Share of one's own breathing lost to other drugs, sedation apart \[0-1\].
    pub drug_breathing_loss: f64,
    /// Change of systolic pressure by other drugs, rebound included \[mmHg\].
    pub drug_systolic_mmhg: f64,
    /// Change of heart rate by other drugs, rebound included \[1/min\].
    pub drug_heart_rate_per_min: f64,
    /// Relief of the legs by other drugs alone \[0-1\].
    pub drug_relief_legs: f64,
    /// Relief of the arms by other drugs alone \[0-1\].
    pub drug_relief_arms: f64,
    /// Lack of a drug that the body is used to, of all other drugs \[0-1\].
    pub drug_withdrawal: f64,
}

impl DrugSignals {
    /// Column names, in the order of [`DrugSignals::values`]. A file without a drug has none of them.
    pub const COLUMNS: [&'static str; 8] = [
        "analgesia",
        "drug_sedation",
        "drug_breathing_loss",
        "drug_systolic_mmhg",
        "drug_heart_rate_per_min",
        "drug_relief_legs",
        "drug_relief_arms",
        "drug_withdrawal",
    ];

    /// All values, in the order of [`DrugSignals::COLUMNS`].
    pub fn values(&self) -> [f64; 8] {
        [
            self.analgesia,
            self.drug_sedation,
            self.drug_breathing_loss,
            self.drug_systolic_mmhg,
            self.drug_heart_rate_per_min,
            self.drug_relief_legs,
            self.drug_relief_arms,
            self.drug_withdrawal,
        ]
    }

    /// Whether no other drug does anything.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Shares of several drugs on one channel, ready to be joined with what is there already.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Blend {
    /// What the independent ones leave of the rest \[0-1\].
    left: f64,
    /// What the additive ones add \[1\].
    added: f64,
}

impl Blend {
    const NOTHING: Blend = Blend { left: 1.0, added: 0.0 };

    fn join(&mut self, how: Combination, share: f64) {
        match how {
            Combination::Bliss => self.left *= 1.0 - share,
            Combination::Additive => self.added += share,
        }
    }

    /// The whole share where `base` is there already \[0-1\].
    pub(super) fn on(self, base: f64) -> f64 {
        (1.0 - (1.0 - base) * self.left + self.added).clamp(0.0, 1.0)
    }

    fn alone(self) -> f64 {
        self.on(0.0)
    }
}

/// All that other drugs do at one instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    pub sedation: Blend,
    /// By region.
    pub relief: [Blend; 4],
    pub signals: DrugSignals,
}

/// One effect with the places of its slow states.
#[derive(Debug, Clone, PartialEq)]
struct Act {
    drug: usize,
    effect: DrugEffect,
    tolerance: Option<usize>,
    adaptation: Option<usize>,
}

impl Act {
    /// Share of the full effect \[0-1\]; `y` are the slow states of all drugs.
    fn share(&self, sites: &Sites, y: &[f64]) -> f64 {
        let tolerance = self.tolerance.map_or(0.0, |at| y[at].max(0.0));
        self.share_at(sites[self.drug][self.effect.region.index()], tolerance)
    }

    fn share_at(&self, c: f64, tolerance: f64) -> f64 {
        if c.is_nan() || c <= 0.0 {
            return 0.0;
        }
        // As one ratio, so that no power overflows before the quotient is formed.
        1.0 / (1.0 + libm::pow(self.effect.ec50 * (1.0 + tolerance) / c, self.effect.hill))
    }
}

/// The effects of all other drugs of one scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct DrugActs {
    acts: Vec<Act>,
    slow: usize,
}

impl DrugActs {
    pub(super) fn new(drugs: &[Drug]) -> Self {
        let mut slow = 0;
        let mut place = |there: bool| {
            there.then(|| {
                slow += 1;
                slow - 1
            })
        };
        let mut acts = Vec::new();
        for (drug, described) in drugs.iter().enumerate().take(MOST_OTHERS) {
            for effect in &described.effects {
                acts.push(Act {
                    drug,
                    effect: *effect,
                    tolerance: place(effect.tolerance.is_some()),
                    adaptation: place(effect.withdrawal.is_some()),
                });
            }
        }
        Self { acts, slow }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }

    /// Number of slow states.
    pub(super) fn slow(&self) -> usize {
        self.slow
    }

    /// What all of them do; `y` are the slow states of the drugs.
    pub(super) fn levels(&self, sites: &Sites, y: &[f64]) -> Levels {
        let mut analgesia = Blend::NOTHING;
        let mut sedation = Blend::NOTHING;
        let mut breathing = Blend::NOTHING;
        let mut relief = [Blend::NOTHING; 4];
        let mut signals = DrugSignals::default();
        for act in &self.acts {
            let e = &act.effect;
            let share = act.share(sites, y);
            match e.channel {
                Channel::Analgesia => analgesia.join(e.combination, e.emax * share),
                Channel::Sedation => sedation.join(e.combination, e.emax * share),
                Channel::RespiratoryDepression => breathing.join(e.combination, e.emax * share),
                Channel::Spasticity => relief[e.region.index()].join(e.combination, e.emax * share),
                Channel::BloodPressure => signals.drug_systolic_mmhg += e.emax * share,
                Channel::HeartRate => signals.drug_heart_rate_per_min += e.emax * share,
            }
            if let (Some(withdrawal), Some(at)) = (e.withdrawal, act.adaptation) {
                let back = withdrawal.rebound * (y[at] - share).max(0.0);
                match e.channel {
                    Channel::BloodPressure => signals.drug_systolic_mmhg += back,
                    Channel::HeartRate => signals.drug_heart_rate_per_min += back,
                    _ => signals.drug_withdrawal += back,
                }
            }
        }
        signals.analgesia = analgesia.alone();
        signals.drug_sedation = sedation.alone();
        signals.drug_breathing_loss = breathing.alone();
        signals.drug_relief_legs = relief[Region::Legs.index()].alone();
        signals.drug_relief_arms = relief[Region::Arms.index()].alone();
        signals.drug_withdrawal = signals.drug_withdrawal.min(1.0);
        Levels {
            sedation,
            relief,
            signals,
        }
    }

    /// Slopes of the slow states \[1/h\].
    pub(super) fn derivative(&self, sites: &Sites, y: &[f64], dy: &mut [f64]) {
        for act in &self.acts {
            let share = act.share(sites, y);
            if let (Some(t), Some(at)) = (act.effect.tolerance, act.tolerance) {
                let gap = t.maximum * share - y[at];
                dy[at] = gap / if gap > 0.0 { t.onset } else { t.decay };
            }
            if let (Some(w), Some(at)) = (act.effect.withdrawal, act.adaptation) {
                dy[at] = (share - y[at]) / w.time;
            }
        }
    }

    /// The slow states at the nodes of a step of `h` \[h\] from `y0`. Gives the largest error of one in
    /// terms of `scale(state, value)`, infinite where tolerance does not settle.
    pub(super) fn along(
        &self,
        sites: &[Sites; LANES],
        y0: &[f64],
        h: f64,
        scale: impl Fn(usize, f64) -> f64,
        states: &mut [Row],
    ) -> f64 {
        let mut worst: f64 = 0.0;
        let mut keep = |at: usize, row: Row, slopes: &Row| {
            worst = worse(worst, error(h, slopes) / scale(at, row[LANES - 1]));
            states[at] = row;
        };
        for act in &self.acts {
            let c = |node: usize| sites[node][act.drug][act.effect.region.index()];
            let share = |tolerance: &Row| std::array::from_fn(|k| act.share_at(c(k), tolerance[k].max(0.0)));
            let mut tolerance = [act.tolerance.map_or(0.0, |at| y0[at]); LANES];
            let mut shares: Row = share(&tolerance);
            if let (Some(t), Some(at)) = (act.effect.tolerance, act.tolerance) {
                let mut rounds = 0..ROUNDS;
                loop {
                    let slope = |k: usize| {
                        let gap = t.maximum * shares[k] - tolerance[k];
                        gap / if gap > 0.0 { t.onset } else { t.decay }
                    };
                    let slopes: Row = std::array::from_fn(slope);
                    let next = integrated(y0[at], h, &slopes);
                    let moved = next
                        .iter()
                        .zip(&tolerance)
                        .all(|(next, last)| (next - last).abs() <= SETTLED);
                    (tolerance, shares) = (next, share(&next));
                    if moved {
                        keep(at, tolerance, &slopes);
                        break;
                    }
                    if rounds.next().is_none() {
                        return f64::INFINITY;
                    }
                }
            }
            if let (Some(w), Some(at)) = (act.effect.withdrawal, act.adaptation) {
                let row = Filter::new(h / w.time).follow(y0[at], &shares);
                let slopes: Row = std::array::from_fn(|k| (shares[k] - row[k]) / w.time);
                keep(at, row, &slopes);
            }
        }
        worst
    }

    /// Slow states after months under constant concentrations.
    pub(super) fn settle(&self, sites: &Sites, y: &mut [f64]) {
        for act in &self.acts {
            let c = sites[act.drug][act.effect.region.index()];
            let mut tolerance = 0.0;
            if let (Some(t), Some(at)) = (act.effect.tolerance, act.tolerance) {
                tolerance = equilibrium(t.maximum, |middle| act.share_at(c, middle));
                y[at] = tolerance;
            }
            if let Some(at) = act.adaptation {
                y[at] = act.share_at(c, tolerance);
            }
        }
    }
}

/// The one solution of `T = maximum E(T)`, where E falls as T grows: bisection.
pub(super) fn equilibrium(maximum: f64, effect: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, maximum);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if maximum * effect(middle) > middle {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::ParameterSet;
    use crate::scenario::drugs::{DrugTolerance, DrugWithdrawal};

    fn effect(channel: Channel, region: Region, emax: f64) -> DrugEffect {
        DrugEffect {
            channel,
            region,
            emax,
            ec50: 0.1,
            hill: 2.0,
            combination: Combination::Bliss,
            tolerance: None,
            withdrawal: None,
        }
    }

    fn drug(effects: Vec<DrugEffect>) -> Drug {
        Drug {
            id: "other".to_owned(),
            name: "other".to_owned(),
            sources: Vec::new(),
            effects,
            figures: Vec::new(),
            parameters: ParameterSet::default(),
        }
    }

    fn sites(c: f64) -> Sites {
        [[c; 4]; MOST_OTHERS]
    }

    #[test]
    fn half_the_full_effect_stands_at_ec50_in_the_unit_of_the_channel() {
        let acts = DrugActs::new(&[drug(vec![
            effect(Channel::Analgesia, Region::Trunk, 0.8),
            effect(Channel::BloodPressure, Region::Brainstem, -30.0),
        ])]);
        let at = acts.levels(&sites(0.1), &[]);
        assert!((at.signals.analgesia - 0.4).abs() < 1e-15);
        assert!((at.signals.drug_systolic_mmhg + 15.0).abs() < 1e-14);
        assert!(acts.levels(&sites(0.0), &[]).signals.is_none());
    }

    #[test]
    fn independent_shares_multiply_what_is_left_and_additive_ones_add() {
        let mut additive = effect(Channel::Sedation, Region::Brainstem, 0.5);
        additive.combination = Combination::Additive;
        let bliss = effect(Channel::Sedation, Region::Brainstem, 0.5);
        // At EC50 each share is a quarter.
        let both = DrugActs::new(&[drug(vec![bliss, bliss])]).levels(&sites(0.1), &[]);
        assert!((both.signals.drug_sedation - (1.0 - 0.75 * 0.75)).abs() < 1e-15);
        assert!((both.sedation.on(0.5) - (1.0 - 0.5 * 0.75 * 0.75)).abs() < 1e-15);
        let added = DrugActs::new(&[drug(vec![additive, additive])]).levels(&sites(0.1), &[]);
        assert!((added.sedation.on(0.3) - 0.8).abs() < 1e-15);
        assert_eq!(added.sedation.on(0.7), 1.0, "never more than the whole");
    }

    #[test]
    fn what_the_body_is_used_to_comes_back_when_it_is_gone() {
        let mut lowers = effect(Channel::BloodPressure, Region::Brainstem, -30.0);
        lowers.withdrawal = Some(DrugWithdrawal {
            time: 48.0,
            rebound: 60.0,
        });
        lowers.tolerance = Some(DrugTolerance {
            maximum: 3.0,
            onset: 100.0,
            decay: 50.0,
        });
        let acts = DrugActs::new(&[drug(vec![lowers])]);
        let mut y = vec![0.0; acts.slow()];
        acts.settle(&sites(0.1), &mut y);
        // Tolerance solves T = 3 / (1 + (1 + T)^2).
        assert!((y[0] * (1.0 + (1.0 + y[0]) * (1.0 + y[0])) - 3.0).abs() < 1e-12);
        let share = y[0] / 3.0;
        assert!((y[1] - share).abs() < 1e-12);
        let mut dy = vec![0.0; 2];
        acts.derivative(&sites(0.1), &y, &mut dy);
        assert!(dy.iter().all(|d| d.abs() < 1e-12), "{dy:?}");
        let before = acts.levels(&sites(0.1), &y).signals.drug_systolic_mmhg;
        assert!((before + 30.0 * share).abs() < 1e-10);
        let gone = acts.levels(&sites(0.0), &y).signals.drug_systolic_mmhg;
        assert!((gone - 60.0 * share).abs() < 1e-10, "{gone}");
    }

    #[test]
    fn columns_name_the_values_in_order() {
        let s = DrugSignals {
            analgesia: 1.0,
            drug_systolic_mmhg: 2.0,
            drug_withdrawal: 3.0,
            ..DrugSignals::default()
        };
        let fields = serde_json::to_value(s).unwrap();
        for (name, value) in DrugSignals::COLUMNS.into_iter().zip(s.values()) {
            assert_eq!(fields[name].as_f64(), Some(value), "{name}");
        }
    }
}
