//! Plugs of drug in a stretch of tube.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::signals::Others;

/// Plugs below this volume are dissolved in their neighbour [mL]: more than a nanosecond
/// brings at any flow, far less than anyone can see.
pub(super) const SPECK: f64 = 1e-12;

/// Steps into which a front is smeared on each side.
const STEPS: usize = 4;

/// Fluid of one concentration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Plug {
    /// Its volume \[mL\].
    pub volume: f64,
    /// Its concentration \[ug/mL\].
    pub concentration: f64,
    /// Whether its downstream face is a front from the pump that is still sharp.
    pub fresh: bool,
    /// Concentrations of other drugs \[ug/mL\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    pub others: Others,
}

impl Plug {
    /// Fluid that brings no front.
    pub(super) fn of(volume: f64, mix: Mix) -> Self {
        Self {
            volume,
            concentration: mix.baclofen,
            fresh: false,
            others: mix.others,
        }
    }

    pub(super) fn mix(&self) -> Mix {
        Mix {
            baclofen: self.concentration,
            others: self.others,
        }
    }
}

/// What is dissolved in fluid \[ug/mL\].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Mix {
    pub baclofen: f64,
    pub others: Others,
}

impl Mix {
    /// Fluid without any drug.
    pub(super) const PLAIN: Mix = Mix {
        baclofen: 0.0,
        others: Others::NONE,
    };

    pub(super) fn is_plain(&self) -> bool {
        self.baclofen == 0.0 && self.others.is_none()
    }
}

/// A stretch of tube between two places where fluid can leave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Reach {
    /// Volume without elastic widening \[mL\].
    pub rigid: f64,
    /// Plugs; the first is the one nearest the tip.
    pub plugs: VecDeque<Plug>,
}

impl Reach {
    pub(super) fn filled(volume: f64, mix: Mix) -> Self {
        Self {
            rigid: volume,
            plugs: VecDeque::from([Plug::of(volume, mix)]),
        }
    }

    pub(super) fn volume(&self) -> f64 {
        self.plugs.iter().map(|p| p.volume).sum()
    }

    pub(super) fn drug(&self) -> f64 {
        drug_in(&self.plugs)
    }

    /// Other drugs inside \[ug\].
    pub(super) fn others(&self) -> Others {
        others_in(&self.plugs)
    }

    /// Volume beyond the rigid one \[mL\].
    pub(super) fn excess(&self) -> f64 {
        self.volume() - self.rigid
    }

    /// What lies at the end towards the tip.
    pub(super) fn tip_side(&self) -> Mix {
        self.plugs.front().map_or(Mix::PLAIN, Plug::mix)
    }

    /// What lies at the end towards the pump.
    pub(super) fn pump_side(&self) -> Mix {
        self.plugs.back().map_or(Mix::PLAIN, Plug::mix)
    }

    /// Fluid enters from the pump's side; `front` marks a new concentration to be smeared.
    pub(super) fn enter(&mut self, volume: f64, mix: Mix, front: bool) {
        match self.plugs.back_mut() {
            Some(last) if last.mix() == mix => last.volume += volume,
            last => {
                let fresh = front && last.is_some();
                self.plugs.push_back(Plug {
                    fresh,
                    ..Plug::of(volume, mix)
                });
            }
        }
    }

    /// Fluid enters from the tip's side.
    pub(super) fn enter_back(&mut self, volume: f64, mix: Mix) {
        match self.plugs.front_mut() {
            Some(first) if first.mix() == mix => first.volume += volume,
            first => {
                if let Some(first) = first {
                    first.fresh = false;
                }
                self.plugs.push_front(Plug::of(volume, mix));
            }
        }
    }

    /// Takes fluid out at the tip's side, nearest first.
    pub(super) fn leave(&mut self, volume: f64) -> Vec<Plug> {
        let mut left = volume;
        let mut out = Vec::new();
        while left > 0.0 {
            let Some(first) = self.plugs.front_mut() else {
                break;
            };
            if first.volume <= left {
                left -= first.volume;
                out.extend(self.plugs.pop_front());
            } else {
                first.volume -= left;
                first.fresh = false;
                out.push(Plug { volume: left, ..*first });
                left = 0.0;
            }
        }
        out
    }

    /// Takes fluid out at the pump's side, nearest first.
    pub(super) fn leave_back(&mut self, volume: f64) -> Vec<Plug> {
        let mut left = volume;
        let mut out = Vec::new();
        while left > 0.0 {
            let Some(last) = self.plugs.back_mut() else {
                break;
            };
            if last.volume <= left {
                left -= last.volume;
                out.extend(self.plugs.pop_back());
            } else {
                last.volume -= left;
                out.push(Plug {
                    volume: left,
                    fresh: false,
                    ..*last
                });
                left = 0.0;
            }
        }
        out
    }

    /// Dissolves specks in their neighbours and returns the drugs that this displaced \[ug\].
    pub(super) fn tidy(&mut self) -> (f64, Others) {
        let mut displaced = 0.0;
        let mut others = Others::NONE;
        while self.plugs.len() > 1 {
            let Some(at) = self.plugs.iter().position(|p| p.volume < SPECK) else {
                break;
            };
            let Some(speck) = self.plugs.remove(at) else {
                break;
            };
            // The neighbour upstream inherits the face, or the last one's neighbour the volume.
            let last = self.plugs.len() - 1;
            let neighbour = &mut self.plugs[at.min(last)];
            neighbour.volume += speck.volume;
            neighbour.fresh |= speck.fresh && at <= last;
            displaced += speck.volume * (speck.concentration - neighbour.concentration);
            others += (speck.others - neighbour.others) * speck.volume;
        }
        (displaced, others)
    }

    /// Smears fronts that have fully entered, and returns the drugs that rounding displaced
    /// \[ug\]. `half_width` gives the reach of the smear to each side for what lies
    /// ahead of the front \[mL\].
    pub(super) fn smear(&mut self, half_width: impl Fn(&Mix) -> f64) -> (f64, Others) {
        let mut displaced = 0.0;
        let mut others_displaced = Others::NONE;
        while let Some(at) = self.plugs.iter().enumerate().position(|(i, p)| {
            p.fresh && (i == 0 || i + 1 < self.plugs.len() || p.volume >= half_width(&self.plugs[i - 1].mix()) - SPECK)
        }) {
            self.plugs[at].fresh = false;
            if at == 0 {
                continue;
            }
            let (ahead, behind) = (self.plugs[at - 1], self.plugs[at]);
            let half = half_width(&ahead.mix()).min(ahead.volume).min(behind.volume);
            if half <= SPECK {
                continue;
            }
            self.plugs[at - 1].volume -= half;
            self.plugs[at].volume -= half;
            let width = half / STEPS as f64;
            // Half the width is two standard deviations. Weights of opposite steps add up
            // to one, so that what one side gains the other loses.
            let weight = |k: usize| {
                let deviations = (k as f64 + 0.5) / STEPS as f64 * 2.0;
                0.5 * (1.0 - libm::erf(deviations * std::f64::consts::FRAC_1_SQRT_2))
            };
            let mut steps = [0.0; 2 * STEPS];
            let mut others = [Others::NONE; 2 * STEPS];
            for k in 0..STEPS {
                let w = weight(k);
                steps[STEPS - 1 - k] = ahead.concentration * (1.0 - w) + behind.concentration * w;
                steps[STEPS + k] = ahead.concentration * w + behind.concentration * (1.0 - w);
                others[STEPS - 1 - k] = ahead.others * (1.0 - w) + behind.others * w;
                others[STEPS + k] = ahead.others * w + behind.others * (1.0 - w);
            }
            displaced += half * (ahead.concentration + behind.concentration) - width * steps.iter().sum::<f64>();
            others_displaced += (ahead.others + behind.others) * half - others.into_iter().sum::<Others>() * width;
            for (concentration, others) in steps.into_iter().zip(others).rev() {
                self.plugs.insert(
                    at,
                    Plug {
                        volume: width,
                        concentration,
                        fresh: false,
                        others,
                    },
                );
            }
        }
        let (tidied, others_tidied) = self.tidy();
        (displaced + tidied, others_displaced + others_tidied)
    }

    /// Puts fluid in at a volume from the pump's end, pushing what lies downstream of it on.
    pub(super) fn insert(&mut self, from_pump: f64, volume: f64, mix: Mix) {
        let upstream = self.leave_back(from_pump);
        self.enter(volume, mix, false);
        for plug in upstream.into_iter().rev() {
            self.enter(plug.volume, plug.mix(), false);
        }
    }
}

/// Baclofen in plugs \[ug\].
pub(super) fn drug_in<'a>(plugs: impl IntoIterator<Item = &'a Plug>) -> f64 {
    plugs.into_iter().map(|p| p.volume * p.concentration).sum()
}

/// Other drugs in plugs \[ug\].
pub(super) fn others_in<'a>(plugs: impl IntoIterator<Item = &'a Plug>) -> Others {
    plugs.into_iter().map(|p| p.others * p.volume).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dissolved_speck_displaces_is_told_for_every_drug() {
        let mix = |baclofen: f64, other: f64| {
            let mut others = Others::NONE;
            others.set(0, other);
            Mix { baclofen, others }
        };
        let mut reach = Reach {
            rigid: 0.0,
            plugs: VecDeque::from([
                Plug::of(3.0 * SPECK, mix(500.0, 20.0)),
                Plug::of(0.5 * SPECK, mix(2000.0, 7.0)),
                Plug::of(2.0 * SPECK, mix(0.0, 90.0)),
            ]),
        };
        let (drug, others, volume) = (reach.drug(), reach.others().get(0), reach.volume());
        let (displaced, others_displaced) = reach.tidy();
        assert_eq!(reach.plugs.len(), 2);
        assert!((reach.volume() - volume).abs() < 1e-12 * volume);
        assert!(displaced > 0.0, "the speck held more than its neighbour");
        assert!((reach.drug() + displaced - drug).abs() < 1e-12 * drug);
        let kept = reach.others().get(0) + others_displaced.get(0);
        assert!((kept - others).abs() < 1e-12 * others);
    }

    #[test]
    fn a_front_that_dissolves_leaves_its_face_to_what_comes_behind_it() {
        let mix = |baclofen: f64| Mix { baclofen, ..Mix::PLAIN };
        let speck = Plug {
            fresh: true,
            ..Plug::of(0.5 * SPECK, mix(1000.0))
        };
        let (ahead, behind) = (Plug::of(0.25, mix(500.0)), Plug::of(0.125, mix(2000.0)));
        let faces = |plugs: &[Plug]| {
            let mut reach = Reach {
                rigid: 0.375,
                plugs: plugs.iter().copied().collect(),
            };
            reach.tidy();
            reach.plugs.iter().map(|p| p.fresh).collect::<Vec<_>>()
        };
        assert_eq!(faces(&[ahead, speck, behind]), [false, true]);
        // With nothing behind it the face itself is gone.
        assert_eq!(faces(&[ahead, speck]), [false]);
    }

    #[test]
    fn what_the_rounding_of_a_smear_displaces_is_told_to_the_last_bit() {
        let mix = |baclofen: f64| {
            let mut others = Others::NONE;
            others.set(0, baclofen * 0.3);
            Mix { baclofen, others }
        };
        let (mut told, mut told_others) = (0, 0);
        for step in 1..=20_i32 {
            let (ahead, behind) = (mix(500.1), mix(500.1 + 70.7 * f64::from(step)));
            let mut reach = Reach {
                rigid: 1.0,
                plugs: VecDeque::from([
                    Plug::of(0.5, ahead),
                    Plug {
                        fresh: true,
                        ..Plug::of(0.5, behind)
                    },
                ]),
            };
            // All of both is smeared, and volumes are powers of two, so that nothing else rounds.
            let (drug, others) = (reach.drug(), reach.others().get(0));
            let (displaced, others_displaced) = reach.smear(|_| 0.5);
            assert_eq!(reach.plugs.len(), 2 * STEPS);
            assert_eq!(reach.drug() + displaced, drug, "{step}");
            assert_eq!(reach.others().get(0) + others_displaced.get(0), others, "{step}");
            told += u32::from(displaced != 0.0);
            told_others += u32::from(others_displaced.get(0) != 0.0);
        }
        assert!(told > 0 && told_others > 0, "nothing was rounded: {told} {told_others}");
    }

    fn baclofen(baclofen: f64) -> Mix {
        Mix { baclofen, ..Mix::PLAIN }
    }

    fn reach(plugs: &[Plug]) -> Reach {
        Reach {
            rigid: 1.0,
            plugs: plugs.iter().copied().collect(),
        }
    }

    fn front(volume: f64, mix: Mix) -> Plug {
        Plug {
            fresh: true,
            ..Plug::of(volume, mix)
        }
    }

    #[test]
    fn what_lies_at_the_end_towards_the_pump_is_what_entered_last() {
        let mut reach = Reach::filled(0.5, baclofen(500.0));
        reach.enter(0.25, baclofen(2000.0), false);
        assert_eq!(reach.pump_side(), baclofen(2000.0));
        assert!(!reach.plugs[1].fresh, "fluid that brings no front");
    }

    #[test]
    fn what_enters_an_empty_reach_has_no_front() {
        let mut reach = reach(&[]);
        reach.enter(0.25, baclofen(2000.0), true);
        assert!(!reach.plugs[0].fresh);
    }

    #[test]
    fn a_speck_alone_and_a_plug_as_large_as_a_speck_stay() {
        let mut alone = reach(&[Plug::of(0.5 * SPECK, baclofen(500.0))]);
        let _ = alone.tidy();
        assert_eq!(alone.plugs.len(), 1);
        let mut two = reach(&[Plug::of(0.5, baclofen(500.0)), Plug::of(SPECK, baclofen(2000.0))]);
        let _ = two.tidy();
        assert_eq!(two.plugs.len(), 2);
    }

    #[test]
    fn a_smear_also_tells_what_dissolved_specks_displace() {
        let others = |amount: f64| {
            let mut others = Others::NONE;
            others.set(0, amount);
            others
        };
        let plug = |volume, baclofen, other| {
            Plug::of(
                volume,
                Mix {
                    baclofen,
                    others: others(other),
                },
            )
        };
        let mut reach = reach(&[plug(0.5 * SPECK, 2000.0, 7.0), plug(0.5, 500.0, 4.0)]);
        let (displaced, others_displaced) = reach.smear(|_| 0.1);
        // Half a speck is 1500 and 3 ug/mL richer than what it becomes.
        assert_eq!(displaced, 0.5 * SPECK * 1500.0);
        assert_eq!(others_displaced.get(0), 0.5 * SPECK * 3.0);
    }

    #[test]
    fn a_front_with_nothing_ahead_of_it_is_no_longer_one() {
        let mut reach = reach(&[front(0.5, baclofen(500.0))]);
        let _ = reach.smear(|_| 0.1);
        assert_eq!(reach.plugs, [Plug::of(0.5, baclofen(500.0))]);
    }

    #[test]
    fn a_front_that_something_follows_is_smeared_as_far_as_it_goes() {
        let (ahead, short) = (Plug::of(0.5, baclofen(500.0)), front(0.125, baclofen(2000.0)));
        let mut reach = reach(&[ahead, short, Plug::of(0.25, baclofen(0.0))]);
        let _ = reach.smear(|_| 0.25);
        assert!(reach.plugs.iter().all(|p| !p.fresh));
        assert_eq!(reach.plugs[0].volume, 0.375);
    }

    #[test]
    fn a_front_waits_until_the_width_for_what_lies_ahead_has_entered() {
        let mut reach = reach(&[Plug::of(0.5, Mix::PLAIN), front(0.2, baclofen(2000.0))]);
        let _ = reach.smear(|ahead| if ahead.is_plain() { 0.4 } else { 0.1 });
        assert_eq!(reach.plugs.len(), 2);
        assert!(reach.plugs[1].fresh);
    }
}
