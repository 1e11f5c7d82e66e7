//! Slow states and signals through a whole step at once.
//!
//! The slow states are a cascade: effects drive tolerance and adaptation, these withdrawal, that
//! excitation and fever, these muscle and organs; only tolerance works back on the effects, and within
//! a step it hardly moves. So each state is solved at all nodes of a step
//! ([`crate::numerics::collocation`]) from those before it, and tolerance by going round a few times.
//! [`Response::derivative`] has the same solution; the tests compare them.

use serde::{Deserialize, Serialize};

use crate::numerics::Lanes;
use crate::numerics::collocation::{Corners, Filter, LANES, Row, error, integrated, relaxed};
use crate::numerics::wide::{Kernel, wide};
use crate::signals::Ailing;

use super::drugs::Sites;
use super::person::{Acute, Body, Ill, Outside, Response, Slow};
use super::source::Source;

/// Movement of tolerance between two rounds below which it is found \[1\].
pub(super) const SETTLED: f64 = 1e-9;

/// As [`SETTLED`], where what it does to the effects is taken from what the movement before did.
const NEARLY: f64 = 1e-5;

/// Rounds after which a step is too long.
pub(super) const ROUNDS: usize = 6;

/// What acts on a person at the nodes of a step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forces {
    /// Effective concentrations by region, in the order of [`crate::signals::Region::ALL`] \[ug/mL\].
    pub effect: [Row; 4],
    /// Benzodiazepine at its site, as diazepam \[mg\].
    pub benzodiazepine: Row,
    /// Cyproheptadine at its site \[mg\].
    pub cyproheptadine: Row,
    /// Effective concentrations of other drugs \[ug/mL\], where there are any.
    pub others: Option<Box<[Sites; LANES]>>,
    /// Signs of complications, where there are any.
    pub ailing: Option<Box<[Ailing; LANES]>>,
    /// Whether breathing is taken over.
    pub ventilated: bool,
    /// Whether the body is cooled from outside.
    pub cooled: bool,
}

/// Accuracy asked of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Relative tolerance \[1\].
    pub relative: f64,
    /// Absolute tolerance of each slow state, in its unit.
    pub absolute: Vec<f64>,
}

/// Slow states and driving signals at the nodes of a step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Path {
    /// By slow state.
    pub states: Vec<Row>,
    /// By [`Source`]; without complications and other drugs only those of the body itself.
    pub signals: Vec<Row>,
}

impl Path {
    /// A driving signal at the nodes.
    pub fn signal(&self, source: Source) -> &Row {
        self.signals.get(source as usize).unwrap_or(&[0.0; LANES])
    }
}

/// Matrices for steps of the lengths used last.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    kept: Vec<Relaxations>,
    next: usize,
}

/// Lengths kept: a day's programme has a few, which come again every day.
const KEPT: usize = 8;

/// Of one length of step.
#[derive(Debug, Clone)]
struct Relaxations {
    h: f64,
    adaptation: Filter,
    excitation: Filter,
    heat: Filter,
}

impl Filters {
    fn of(&mut self, response: &Response, h: f64) -> &Relaxations {
        let place = match self.kept.iter().position(|kept| kept.h == h) {
            Some(place) => place,
            None => {
                let f = &response.figures;
                let of = |time: f64| Filter::new(h / time);
                let made = Relaxations {
                    h,
                    adaptation: of(f.adaptation_time),
                    excitation: of(f.excitation_time),
                    heat: of(f.heat_time),
                };
                let place = self.next;
                self.next = (place + 1) % KEPT;
                match self.kept.get_mut(place) {
                    Some(oldest) => *oldest = made,
                    None => self.kept.push(made),
                }
                place
            }
        };
        &self.kept[place]
    }
}

impl Response {
    /// Slow states and signals through a step of `h` \[h\] that begins with the slow states `y0`. Gives the
    /// error of the step in terms of `accuracy`: up to 1 it is good; infinite where the step is too long to be
    /// made at all, or something in it is no number. `y0` has [`Response::slow_states`] places, or this panics.
    pub fn along(
        &self,
        forces: &Forces,
        y0: &[f64],
        h: f64,
        accuracy: &Accuracy,
        filters: &mut Filters,
        path: &mut Path,
    ) -> f64 {
        path.states.resize(y0.len(), [0.0; LANES]);
        let Some((effect, slopes)) = self.used_to(forces, y0, h, path) else {
            return f64::INFINITY;
        };
        let (mut worst, mut drugs) = (0.0, None);
        if let Some(others) = &forces.others {
            let (y0, states) = (&y0[Slow::LEN..], &mut path.states[Slow::LEN..]);
            let scale = |state: usize, value: f64| accuracy.scale(Slow::LEN + state, value);
            worst = self.drugs.along(others, y0, h, scale, states);
            let levels = |node: usize| {
                let y: Vec<f64> = states.iter().map(|row| row[node]).collect();
                self.drugs.levels(&others[node], &y)
            };
            drugs = Some(std::array::from_fn(levels));
        }
        let healthy = [Ailing::default(); LANES];
        let ailing = forces.ailing.as_deref().unwrap_or(&healthy);
        let outside = Outside {
            benzodiazepine: Lanes(forces.benzodiazepine),
            cyproheptadine: Lanes(forces.cyproheptadine),
            ill: Ill::new(ailing),
            drugs,
        };
        let all = forces.ailing.is_some() || forces.others.is_some();
        path.signals
            .resize(if all { Source::LEN } else { Source::SIGNS }, [0.0; LANES]);
        wide(Cascade {
            response: self,
            relaxations: filters.of(self, h),
            effect: effect.map(Lanes),
            slopes: &slopes,
            outside: &outside,
            ventilated: forces.ventilated,
            cooled: forces.cooled,
            y0,
            h,
            accuracy,
            path,
            worst: &mut worst,
        });
        for node in 0..if all { LANES } else { 0 } {
            let others = outside.drugs.as_ref().map(|levels| levels[node].signals);
            let [withdrawal, analgesia] = others.map_or([0.0; 2], |o| [o.drug_withdrawal, o.analgesia]);
            path.signals[Source::Spasms as usize][node] += ailing[node].noxious;
            let signs = Source::signs(&ailing[node]).into_iter().chain([withdrawal, analgesia]);
            for (row, sign) in path.signals[Source::SIGNS..].iter_mut().zip(signs) {
                row[node] = sign;
            }
        }
        worst
    }

    /// Solves tolerance and gives the effects with it, by region, and its slopes \[1/h\]; `None` where it does
    /// not settle.
    fn used_to(&self, forces: &Forces, y0: &[f64], h: f64, path: &mut Path) -> Option<([Row; 4], [Row; 4])> {
        let effects = |tolerance: &[Row; 4]| {
            let tolerance = tolerance.map(|row| row.map(|t| t.max(0.0)));
            self.model.effects_along(&forces.effect, &tolerance)
        };
        let mut tolerance: [Row; 4] = std::array::from_fn(|r| [y0[Slow::TOLERANCE + r]; LANES]);
        let start = tolerance.map(|row| row[0]);
        let mut effect = effects(&tolerance);
        for _ in 0..ROUNDS {
            let first = self.grown(start, h, &effect, &tolerance);
            if first.moved <= SETTLED {
                path.states[Slow::TOLERANCE..Slow::ADAPTATION].copy_from_slice(&first.tolerance);
                return Some((effect, first.slopes));
            }
            let renewed = effects(&first.tolerance);
            let second = self.grown(start, h, &renewed, &first.tolerance);
            if second.moved <= NEARLY {
                // The effects with the last tolerance, along the line through the last two.
                let mut last = renewed;
                for (r, row) in last.iter_mut().enumerate() {
                    for (node, last) in row.iter_mut().enumerate() {
                        let (before, here) = (tolerance[r][node], first.tolerance[r][node]);
                        let share = (second.tolerance[r][node] - here) / (here - before);
                        let step = (*last - effect[r][node]) * share;
                        *last += if here == before { 0.0 } else { step };
                    }
                }
                path.states[Slow::TOLERANCE..Slow::ADAPTATION].copy_from_slice(&second.tolerance);
                return Some((last, second.slopes));
            }
            effect = effects(&second.tolerance);
            tolerance = second.tolerance;
        }
        None
    }

    /// One round of tolerance: from these effects and what it was taken for.
    fn grown(&self, start: [f64; 4], h: f64, effect: &[Row; 4], from: &[Row; 4]) -> Growth {
        let mut out = Growth::default();
        wide(Grow {
            response: self,
            start,
            h,
            effect,
            from,
            out: &mut out,
        });
        out
    }
}

/// The larger of two, and of what is no number the infinite.
#[inline(always)]
pub(super) fn worse(a: f64, b: f64) -> f64 {
    if b <= a {
        a
    } else if b.is_nan() {
        f64::INFINITY
    } else {
        b
    }
}

impl Accuracy {
    /// What a state of this value may be wrong by.
    #[inline(always)]
    fn scale(&self, state: usize, value: f64) -> f64 {
        self.absolute[state] + self.relative * value.abs()
    }
}

/// Tolerance by region, as one round finds it.
#[derive(Default)]
struct Growth {
    tolerance: [Row; 4],
    slopes: [Row; 4],
    /// Largest distance from what it was taken for.
    moved: f64,
}

struct Grow<'a> {
    response: &'a Response,
    start: [f64; 4],
    h: f64,
    effect: &'a [Row; 4],
    from: &'a [Row; 4],
    out: &'a mut Growth,
}

impl Kernel for Grow<'_> {
    #[inline(always)]
    fn run(self) {
        let f = &self.response.figures;
        let (on, off) = (1.0 / f.tolerance_on, 1.0 / f.tolerance_off);
        for r in 0..4 {
            let gap = f.tolerance_max * Lanes(self.effect[r]) - Lanes(self.from[r]);
            let slopes = gap.map(|gap| gap * if gap > 0.0 { on } else { off });
            let tolerance = Lanes(integrated(self.start[r], self.h, &slopes.0));
            let moved = (tolerance - Lanes(self.from[r])).largest();
            self.out.moved = worse(self.out.moved, moved);
            (self.out.tolerance[r], self.out.slopes[r]) = (tolerance.0, slopes.0);
        }
    }
}

/// What follows from the effects.
struct Cascade<'a> {
    response: &'a Response,
    relaxations: &'a Relaxations,
    effect: [Lanes<LANES>; 4],
    /// Of tolerance.
    slopes: &'a [Row; 4],
    outside: &'a Outside<LANES>,
    ventilated: bool,
    cooled: bool,
    y0: &'a [f64],
    h: f64,
    accuracy: &'a Accuracy,
    path: &'a mut Path,
    worst: &'a mut f64,
}

impl Cascade<'_> {
    /// Keeps a state and its error.
    #[inline(always)]
    fn keep(&mut self, state: usize, row: Row, slopes: &Row) {
        *self.worst = worse(
            *self.worst,
            error(self.h, slopes) / self.accuracy.scale(state, row[LANES - 1]),
        );
        self.path.states[state] = row;
    }

    /// A state that relaxes towards `u` in a constant time \[h\].
    #[inline(always)]
    fn follows(&mut self, state: usize, filter: &Filter, u: Lanes<LANES>, time: f64) -> Lanes<LANES> {
        let row = Lanes(filter.follow(self.y0[state], &u.0));
        self.keep(state, row.0, &((u - row) * (1.0 / time)).0);
        row
    }

    /// A state with a source \[unit/h\] and a rate of decay \[1/h\]; one that is nothing and gets nothing stays so.
    #[inline(always)]
    fn decays(&mut self, state: usize, source: Lanes<LANES>, rate: Lanes<LANES>) -> Lanes<LANES> {
        let y0 = self.y0[state];
        if y0 == 0.0 && source.every(|s| s == 0.0) {
            self.path.states[state] = [0.0; LANES];
            return Lanes::default();
        }
        let row = Lanes(relaxed(y0, self.h, &rate.0, &source.0));
        self.keep(state, row.0, &(source - rate * row).0);
        row
    }

    /// Excitation, which follows withdrawal. That has a corner wherever an effect passes what its region is
    /// used to, several times a day; found between its nodes and accounted for, it does not bound the step.
    #[inline(always)]
    fn excites(&mut self, a: &Acute<LANES>, adaptation: &[Lanes<LANES>; 4]) -> Lanes<LANES> {
        let f = &self.response.figures;
        let mut corners = Corners::default();
        for (weight, (adaptation, effect)) in f.weights.iter().zip(adaptation.iter().zip(&self.effect)) {
            let lack = *adaptation - *effect;
            corners.find(&lack.0, |node| weight * f.sensitivity * a.left.0[node]);
        }
        // Full withdrawal grows no more, whatever lacks.
        let full = !(a.withdrawal - a.left).every(|gap| gap < 0.0);
        if full || corners == Corners::default() {
            return self.follows(
                Slow::EXCITATION,
                &self.relaxations.excitation,
                a.withdrawal,
                f.excitation_time,
            );
        }
        let (filter, u) = (&self.relaxations.excitation, a.withdrawal.0);
        let row = Lanes(filter.follow(self.y0[Slow::EXCITATION], &u))
            + Lanes(filter.turn(self.h / f.excitation_time, &corners));
        let slopes = (Lanes(corners.rounded(&u)) - row) * (1.0 / f.excitation_time);
        self.keep(Slow::EXCITATION, row.0, &slopes.0);
        row
    }

    /// Body temperature, moving to `target` and cooled from outside.
    #[inline(always)]
    fn cools(&mut self, target: Lanes<LANES>) -> Lanes<LANES> {
        let f = &self.response.figures;
        let y0 = self.y0[Slow::TEMPERATURE];
        if !self.cooled {
            return self.follows(Slow::TEMPERATURE, &self.relaxations.heat, target, f.heat_time);
        }
        // Heat is taken away only while the body is too warm.
        let (mut warm, mut row) = ([y0 > f.cooling_to; LANES], [y0; LANES]);
        for _ in 0..ROUNDS {
            let taken = Lanes(warm.map(|warm| if warm { 1.0 / f.cooling_time } else { 0.0 }));
            let (rate, source) = (1.0 / f.heat_time + taken, target / f.heat_time + f.cooling_to * taken);
            row = relaxed(y0, self.h, &rate.0, &source.0);
            self.keep(Slow::TEMPERATURE, row, &(source - rate * Lanes(row)).0);
            let now = row.map(|t| t > f.cooling_to);
            if now == warm {
                return Lanes(row);
            }
            warm = now;
        }
        // A kink inside that moves with what is made of it: shorter steps find it.
        *self.worst = f64::INFINITY;
        Lanes(row)
    }
}

impl Kernel for Cascade<'_> {
    #[inline(always)]
    fn run(mut self) {
        let response = self.response;
        let f = &response.figures;
        let relaxations = self.relaxations;
        let mut adaptation = [Lanes::default(); 4];
        for (r, adaptation) in adaptation.iter_mut().enumerate() {
            let tolerance = self.path.states[Slow::TOLERANCE + r];
            self.keep(Slow::TOLERANCE + r, tolerance, &self.slopes[r]);
            let filter = &relaxations.adaptation;
            *adaptation = self.follows(Slow::ADAPTATION + r, filter, self.effect[r], f.adaptation_time);
        }
        let outside = self.outside;
        let a: Acute<LANES> = response.acute(self.effect, adaptation, outside);
        let excitation = self.excites(&a, &adaptation);
        let temperature = self.cools(response.warmth(&a, &outside.ill));
        let breakdown = response.breakdown(excitation, temperature);
        let muscle = self.decays(Slow::MUSCLE, breakdown, breakdown + 1.0 / f.muscle_recovery);
        let recovery = Lanes::all(1.0 / f.organ_recovery);
        let organs = self.decays(Slow::ORGANS, response.failing(muscle), recovery);
        let short = response.short(&a, self.ventilated);
        let recovery = (1.0 - short) * (1.0 / f.hypoxia_recovery);
        let hypoxia = self.decays(Slow::HYPOXIA, short * (1.0 / f.hypoxia_time), recovery);
        let body = Body {
            excitation,
            muscle,
            organs,
            hypoxia,
        };
        let v = response.vital(&a, &body, outside);
        let [legs, trunk, arms, _] = a.relief;
        let own = [
            a.withdrawal,
            a.withdrawal,
            v.excitation,
            temperature,
            v.heart,
            v.systolic,
            v.dysreflexia,
            v.muscle,
            v.organs,
            a.sedation,
            legs,
            trunk,
            arms,
            a.breathing,
            v.gcs,
            v.hypoxia,
        ];
        for (row, signal) in self.path.signals.iter_mut().zip(own) {
            *row = signal.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::collocation::SHARES;
    use crate::numerics::{Stepper, Tolerances};
    use crate::parameters::ParameterSet;
    use crate::response::{Baseline, EffectModels, Exposure, Signals};
    use crate::scenario::drugs::{Channel, Combination, Drug, DrugEffect, DrugTolerance, DrugWithdrawal};
    use crate::signals::{Level, Region};

    fn person() -> Response {
        let p = ParameterSet::default();
        let baseline = Baseline {
            ashworth_legs: 3.5,
            ashworth_arms: 2.0,
            spasm_score: 3.0,
            injury: Some(Level::T4),
        };
        Response::new(baseline, EffectModels::default().build("emax", &p).unwrap(), &p)
    }

    /// A drug with tolerance and withdrawal.
    fn opioid() -> Drug {
        let effects = vec![DrugEffect {
            channel: Channel::Sedation,
            region: Region::Brainstem,
            emax: 0.4,
            ec50: 0.02,
            hill: 1.5,
            combination: Combination::Bliss,
            tolerance: Some(DrugTolerance {
                maximum: 2.0,
                onset: 400.0,
                decay: 500.0,
            }),
            withdrawal: Some(DrugWithdrawal {
                time: 50.0,
                rebound: 0.5,
            }),
        }];
        Drug {
            id: "opioid".into(),
            name: "an opioid".into(),
            sources: Vec::new(),
            effects,
            figures: Vec::new(),
            parameters: ParameterSet::default(),
        }
    }

    /// Concentrations that fall, rise and turn round, `t` \[h\] after the start; the rest as given.
    fn exposure(base: &Exposure, t: f64) -> Exposure {
        let fall = libm::exp(-t / 9.0);
        let rise = 1.0 - libm::exp(-t / 3.0);
        let mut x = *base;
        x.effect = [
            0.3 * base.effect[0] + 0.7 * base.effect[0] * fall,
            base.effect[1] * (1.0 + 0.5 * rise),
            base.effect[2] * (0.6 + 0.4 * fall + 0.3 * rise),
            base.effect[3] * (1.0 + rise),
        ];
        x.benzodiazepine = base.benzodiazepine * fall;
        x.others[0] = base.others[0].map(|c| c * (0.2 + 0.8 * fall));
        x
    }

    fn forces(response: &Response, base: &Exposure, from: f64, h: f64) -> Forces {
        let at = SHARES.map(|share| exposure(base, from + share * h));
        Forces {
            effect: std::array::from_fn(|r| at.map(|x| x.effect[r])),
            benzodiazepine: at.map(|x| x.benzodiazepine),
            cyproheptadine: at.map(|x| x.cyproheptadine),
            others: (response.slow_states() > Slow::LEN).then(|| Box::new(at.map(|x| x.others))),
            ailing: (base.ailing != Ailing::default()).then(|| Box::new([base.ailing; LANES])),
            ventilated: base.ventilated,
            cooled: base.cooled,
        }
    }

    fn accuracy(response: &Response) -> Accuracy {
        Accuracy {
            relative: 1e-7,
            absolute: response.absolute_tolerances(),
        }
    }

    /// The states after `h`, by another method and a thousand times as tight.
    fn other_way(response: &Response, base: &Exposure, y0: &[f64], h: f64) -> Vec<f64> {
        let mut stepper = Stepper::new(y0.len(), Tolerances::uniform(y0.len(), 1e-11, 1e-11)).unwrap();
        stepper.restart(0.0, y0);
        while stepper.interval().1 < h {
            let slopes = |t: f64, y: &[f64], dy: &mut [f64]| response.derivative(&exposure(base, t), y, dy);
            stepper.step(slopes, h, 0.1).unwrap();
        }
        stepper.state().to_vec()
    }

    /// Persons in whom all parts of the cascade move.
    fn cases() -> Vec<(&'static str, Response, Exposure, Vec<f64>)> {
        let calm = Exposure {
            effect: [0.25, 0.2, 0.15, 0.05],
            ..Exposure::default()
        };
        let person = person();
        let used = person.equilibrium(&calm);
        let mut ill = used.clone();
        for (state, value) in [
            (Slow::EXCITATION, 0.93),
            (Slow::TEMPERATURE, 40.5),
            (Slow::MUSCLE, 0.6),
            (Slow::ORGANS, 0.1),
        ] {
            ill[state] = value;
        }
        let withdrawn = Exposure {
            effect: [0.02, 0.01, 0.02, 0.01],
            ..calm
        };
        let cooled = Exposure {
            cooled: true,
            benzodiazepine: 12.0,
            cyproheptadine: 3.0,
            ailing: Ailing {
                inflammation: 0.4,
                noxious: 0.3,
                clouding: 0.2,
                sepsis: 0.1,
                ..Ailing::default()
            },
            ..withdrawn
        };
        let deep = Exposure {
            effect: [2.0, 2.0, 2.0, 2.5],
            ..calm
        };
        let mut drugged = calm;
        drugged.others[0] = [0.03; 4];
        let both = person.clone().under(&[opioid()]);
        let before = both.equilibrium(&drugged);
        drugged.others[0] = [0.06; 4];
        vec![
            ("calm", person.clone(), calm, used.clone()),
            ("withdrawn", person.clone(), withdrawn, ill.clone()),
            ("cooled and ill", person.clone(), cooled, ill),
            ("short of breath", person.clone(), deep, used.clone()),
            (
                "ventilated",
                person.clone(),
                Exposure {
                    ventilated: true,
                    ..deep
                },
                used,
            ),
            ("naive", person.clone(), calm, person.naive()),
            ("another drug", both, drugged, before),
        ]
    }

    /// Goes through `hours` in accepted steps; gives states, the last path and how many steps were made.
    fn run(response: &Response, base: &Exposure, y0: &[f64], hours: f64, first: f64) -> (Vec<f64>, Path, u32) {
        let (mut t, mut h, mut y, mut path, mut made) = (0.0, first, y0.to_vec(), Path::default(), 0);
        let (accuracy, mut filters) = (accuracy(response), Filters::default());
        while t < hours {
            h = f64::min(h, hours - t);
            let forces = forces(response, base, t, h);
            if response.along(&forces, &y, h, &accuracy, &mut filters, &mut path) > 1.0 {
                h *= 0.5;
                continue;
            }
            y = path.states.iter().map(|row| row[LANES - 1]).collect();
            (t, made, h) = (t + h, made + 1, 2.0 * h);
        }
        (y, path, made)
    }

    #[test]
    fn a_step_has_the_solution_of_the_slopes_in_every_part_of_the_cascade() {
        for (name, response, base, y0) in cases() {
            let (y, _, made) = run(&response, &base, &y0, 6.0, 6.0);
            let exact = other_way(&response, &base, &y0, 6.0);
            let scale = accuracy(&response);
            for (state, (y, exact)) in y.iter().zip(&exact).enumerate() {
                let off = (y - exact).abs() / scale.scale(state, *exact);
                assert!(off < 2.0, "{name} {state}: {y} {exact}, {off} of its tolerance");
            }
            assert!(made < 60, "{name}: {made} steps");
        }
    }

    #[test]
    fn signals_along_a_step_are_those_of_states_and_exposure_at_its_nodes() {
        for (name, response, base, y0) in cases() {
            let (h, mut path) = (0.25, Path::default());
            let forces = forces(&response, &base, 0.0, h);
            let error = response.along(
                &forces,
                &y0,
                h,
                &accuracy(&response),
                &mut Filters::default(),
                &mut path,
            );
            assert!(error <= 1.0, "{name} {error}");
            for (node, share) in SHARES.into_iter().enumerate() {
                let y: Vec<f64> = path.states.iter().map(|row| row[node]).collect();
                let signals: Signals = response.signals(&exposure(&base, share * h), &y);
                for source in Source::ALL {
                    let (here, there) = (path.signal(source)[node], source.of(&signals));
                    assert!(
                        (here - there).abs() < 1e-8 * there.abs().max(1.0),
                        "{name} {source:?} {node}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_a_step_is_said_to_be_wrong_by_it_is_not_wrong_by_more() {
        for (name, response, base, y0) in cases() {
            for h in [0.5, 1.0, 2.0, 4.0] {
                let mut path = Path::default();
                let forces = forces(&response, &base, 0.0, h);
                let scale = accuracy(&response);
                let error = response.along(&forces, &y0, h, &scale, &mut Filters::default(), &mut path);
                // What rounding and the other method do is not told.
                let exact = other_way(&response, &base, &y0, h);
                let off = |(state, exact): (usize, &f64)| {
                    (path.states[state][LANES - 1] - exact).abs() / scale.scale(state, *exact)
                };
                let worst = exact.iter().enumerate().map(off).fold(0.0, f64::max);
                assert!(
                    error > 1.0 || worst < error + 0.5,
                    "{name} {h}: {worst}, said to be {error}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_number_is_never_a_good_step() {
        let response = person();
        let calm = &cases()[0].2;
        let mut bad = forces(&response, calm, 0.0, 1.0);
        let mut y0 = response.naive();
        y0[Slow::TOLERANCE] = f64::NAN;
        let ask = |forces: &Forces, y0: &[f64]| {
            let accuracy = accuracy(&response);
            response.along(
                forces,
                y0,
                1.0,
                &accuracy,
                &mut Filters::default(),
                &mut Path::default(),
            )
        };
        assert_eq!(ask(&bad, &y0), f64::INFINITY);
        y0[Slow::TOLERANCE] = 0.0;
        assert!(ask(&bad, &y0) <= 1.0);
        y0[Slow::EXCITATION] = f64::NAN;
        assert_eq!(ask(&bad, &y0), f64::INFINITY);
        y0[Slow::EXCITATION] = 0.0;
        bad.benzodiazepine[3] = f64::NAN;
        // No amount of a rescue drug is nothing, as at one instant.
        assert!(ask(&bad, &y0) <= 1.0);
    }

    #[test]
    fn matrices_of_a_length_are_found_again_and_room_for_them_is_bounded() {
        let response = person();
        let mut filters = Filters::default();
        for k in 0..3 * KEPT {
            let h = 1.0 + (k % (KEPT + 1)) as f64;
            let made = filters.of(&response, h);
            assert_eq!(made.h, h);
            assert_eq!(made.heat, Filter::new(h / response.figures.heat_time));
            assert!(filters.kept.len() <= KEPT);
        }
    }
}
