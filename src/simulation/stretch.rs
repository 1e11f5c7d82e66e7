//! Steps of the slow states through one stretch between two changes, and what was seen in them.

use serde::{Deserialize, Serialize};

use crate::complications::Ailments;
use crate::engine::SimTime;
use crate::numerics::collocation::{LANES, SHARES, basis};
use crate::numerics::{StepError, power};
use crate::response::{Accuracy, Filters, Forces, Path, Response, Source};

use super::drive::Driver;

/// Slow states up to which a look asks for no memory.
const FEW: usize = 16;

/// A step that hits its end by this share is cut there or stretched to it.
const CLOSE_SHARE: f64 = 1.01;

/// Share of what the error allows that the next step is given.
const SAFETY: f64 = 0.9;

/// Order in which errors fall with the step.
const ORDER: f64 = 8.0;

/// Most by which a step grows, and shrinks, against the last one.
const GROWTH: f64 = 5.0;

/// Share of a step that could not be made at all with which it is tried again.
const RETREAT: f64 = 0.25;

/// Steps shorter than this \[h\] are not made.
const SHORTEST: f64 = 1e-9;

/// One accepted step; times are hours after the origin of its stretch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Made {
    pub t0: f64,
    pub t1: f64,
    y0: Vec<f64>,
    pub path: Path,
    /// Driving signals at looks beside the nodes, in order of time.
    pub extra: Vec<(f64, Vec<f64>)>,
    /// Nodes and looks that were handed over.
    seen: (usize, usize),
    /// Up to here it came to pass.
    valid: f64,
}

impl Made {
    /// When a node is passed.
    pub fn node(&self, node: usize) -> f64 {
        // The end is the end.
        if node + 1 == LANES {
            return self.t1;
        }
        self.t0 + SHARES[node] * (self.t1 - self.t0)
    }

    /// The slow states at `t`; those of the nearest end outside.
    fn interpolate(&self, t: f64, out: &mut [f64]) {
        let share = ((t - self.t0) / (self.t1 - self.t0)).clamp(0.0, 1.0);
        let weights = basis(share);
        for ((out, y0), row) in out.iter_mut().zip(&self.y0).zip(&self.path.states) {
            let mut sum = weights[0] * y0;
            for (weight, y) in weights[1..].iter().zip(row) {
                sum += weight * y;
            }
            *out = sum;
        }
    }
}

/// Points passed that nobody looked at before.
pub struct Seen<'a> {
    made: &'a Made,
    nodes: std::ops::Range<usize>,
    looks: std::ops::Range<usize>,
}

impl Seen<'_> {
    /// A driving signal there.
    pub fn values(&self, source: Source) -> impl Iterator<Item = f64> {
        let looks = self.made.extra[self.looks.clone()].iter();
        let nodes = self.made.path.signal(source)[self.nodes.clone()].iter().copied();
        nodes.chain(looks.map(move |(_, values)| values[source as usize]))
    }
}

/// What acts beside the drugs.
pub(super) struct Around<'a> {
    pub ailments: &'a Ailments,
    pub ventilated: bool,
    pub cooled: bool,
}

/// The slow states as they run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stretch {
    pub origin: SimTime,
    /// Up to where steps were made \[h\] after the origin, and the slow states there.
    end: f64,
    state: Vec<f64>,
    /// Next step proposed \[h\].
    next: f64,
    accuracy: Accuracy,
    steps: Vec<Made>,
    /// Steps of stretches before, of which something was not handed over.
    past: Vec<Made>,
    /// Room, and matrices that are made again when they are missing; no part of the state.
    #[serde(skip)]
    spare: Vec<Made>,
    #[serde(skip)]
    filters: Filters,
    #[serde(skip)]
    forces: Forces,
}

impl Stretch {
    pub(super) fn new(y0: &[f64], accuracy: Accuracy, first: f64) -> Self {
        Stretch {
            origin: SimTime::ZERO,
            end: 0.0,
            state: y0.to_vec(),
            next: first,
            accuracy,
            steps: Vec::new(),
            past: Vec::new(),
            spare: Vec::new(),
            filters: Filters::default(),
            forces: Forces::default(),
        }
    }

    /// Up to where steps were made \[h\].
    pub(super) fn end(&self) -> f64 {
        self.end
    }

    /// The step made last.
    pub(super) fn last(&mut self) -> Option<&mut Made> {
        self.steps.last_mut()
    }

    /// Looks at the slow states `t` \[h\] after the origin.
    pub(super) fn slow<R>(&self, t: f64, look: impl FnOnce(&[f64]) -> R) -> R {
        if t >= self.end {
            return look(&self.state);
        }
        let n = self.state.len();
        // A few states need no memory of their own.
        let (mut few, mut many) = ([0.0; FEW], Vec::new());
        let y = match n <= FEW {
            true => &mut few[..n],
            false => {
                many.resize(n, 0.0);
                &mut many[..]
            }
        };
        match self.steps.get(self.steps.partition_point(|s| s.t1 < t)) {
            Some(step) => step.interpolate(t, y),
            None => y.copy_from_slice(&self.state),
        }
        look(y)
    }

    /// Begins anew at `now` with the states there, the next step no longer than `longest` \[h\].
    pub(super) fn turn(&mut self, now: SimTime, longest: f64) {
        let t = now.hours_since(self.origin);
        if t != self.end {
            self.state = self.slow(t, <[f64]>::to_vec);
        }
        for mut made in self.steps.drain(..) {
            made.valid = t;
            match made.seen.0 < LANES && made.node(made.seen.0) <= t {
                true => self.past.push(made),
                false => self.spare.push(made),
            }
        }
        (self.origin, self.end, self.next) = (now, 0.0, self.next.min(longest));
    }

    /// Makes one step, no longer than `longest` \[h\] and not past `limit`; `offset` is the origin \[h\] for the driver.
    ///
    /// # Errors
    /// [`StepError`] where none can be made.
    pub(super) fn step(
        &mut self,
        response: &Response,
        driver: &mut Driver<'_>,
        offset: f64,
        around: &Around<'_>,
        (limit, longest): (f64, f64),
    ) -> Result<(), StepError> {
        let t = self.end;
        let room = limit - t;
        let proposed = self.next.min(longest);
        let mut h = proposed;
        let mut made = self.spare.pop().unwrap_or_default();
        made.y0.clone_from(&self.state);
        made.extra.clear();
        (made.t0, made.seen, made.valid) = (t, (0, 0), f64::MAX);
        (self.forces.ventilated, self.forces.cooled) = (around.ventilated, around.cooled);
        let mut refused = false;
        loop {
            // A hair's breadth before the limit would leave a useless last step.
            let cut = h * CLOSE_SHARE >= room;
            if cut {
                h = room;
            }
            made.t1 = if cut { limit } else { t + h };
            if h <= SHORTEST || made.t1 <= t {
                return Err(StepError::Underflow { t_h: t, step_h: h });
            }
            driver.along(offset + t, h, &mut self.forces);
            self.forces.ailing = (!around.ailments.is_empty()).then(|| {
                let signs = |share: f64| around.ailments.signs_after(self.origin, t + share * h);
                Box::new(SHARES.map(signs))
            });
            let (y0, path) = (&self.state, &mut made.path);
            let error = response.along(&self.forces, y0, h, &self.accuracy, &mut self.filters, path);
            if error <= 1.0 {
                let next = h * (SAFETY * power(error, -1.0 / ORDER)).clamp(1.0 / GROWTH, GROWTH);
                self.next = match (refused, cut) {
                    (true, _) => next.min(h),
                    (false, true) => next.max(proposed),
                    (false, false) => next,
                };
                break;
            }
            h *= if error.is_finite() {
                (SAFETY * power(error, -1.0 / ORDER)).max(1.0 / GROWTH)
            } else if h < CLOSE_SHARE * SHORTEST / RETREAT {
                let component = self.state.iter().position(|y| !y.is_finite()).unwrap_or_default();
                return Err(StepError::NotFinite { t_h: t, component });
            } else {
                RETREAT
            };
            refused = true;
        }
        for (state, row) in self.state.iter_mut().zip(&made.path.states) {
            *state = row[LANES - 1];
        }
        self.end = made.t1;
        self.steps.push(made);
        Ok(())
    }

    /// Shows what was passed by `now`, each point once. Steps that ended before are forgotten: nobody asks
    /// for the past of an event.
    pub(super) fn passed(&mut self, now: SimTime, mut look: impl FnMut(Seen<'_>)) {
        for mut made in self.past.drain(..) {
            let valid = made.valid;
            show(&mut made, valid, &mut look);
            self.spare.push(made);
        }
        let t = now.hours_since(self.origin);
        for made in self.steps.iter_mut().take_while(|made| made.t0 < t) {
            show(made, t, &mut look);
        }
        let over = self.steps.partition_point(|made| made.t1 < t);
        self.spare.extend(self.steps.drain(..over));
    }
}

/// Shows the points of a step up to `t` \[h\] that were not shown yet.
fn show(made: &mut Made, t: f64, look: &mut impl FnMut(Seen<'_>)) {
    let (mut nodes, mut looks) = made.seen;
    while nodes < LANES && made.node(nodes) <= t {
        nodes += 1;
    }
    while made.extra.get(looks).is_some_and(|(at, _)| *at <= t) {
        looks += 1;
    }
    let seen = std::mem::replace(&mut made.seen, (nodes, looks));
    if seen != (nodes, looks) {
        look(Seen {
            made,
            nodes: seen.0..nodes,
            looks: seen.1..looks,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::collocation::Row;

    /// A step from 2 to 10 h with the state `t²` and withdrawal `t`; a look beside the nodes at 5 h.
    fn made() -> Made {
        let mut made = Made {
            t0: 2.0,
            t1: 10.0,
            y0: vec![4.0],
            valid: f64::MAX,
            ..Made::default()
        };
        let nodes: Row = std::array::from_fn(|node| made.node(node));
        made.path.states = vec![nodes.map(|t| t * t)];
        made.path.signals = vec![nodes; Source::SIGNS];
        made.extra = vec![(5.0, vec![5.0; Source::LEN])];
        made
    }

    /// What is shown of withdrawal up to `t`.
    fn shown(made: &mut Made, t: f64) -> Vec<f64> {
        let mut values = Vec::new();
        show(made, t, &mut |seen| values.extend(seen.values(Source::Withdrawal)));
        values
    }

    #[test]
    fn between_its_nodes_a_step_follows_their_polynomial_and_outside_it_stands_still() {
        let step = made();
        let at = |t: f64| {
            let mut y = [0.0];
            step.interpolate(t, &mut y);
            y[0]
        };
        for t in [2.0, 2.001, 3.3, 7.0, 9.999, 10.0] {
            assert!((at(t) - t * t).abs() < 1e-12, "{t}");
        }
        assert_eq!((at(1.0), at(11.0)), (4.0, 100.0));
    }

    #[test]
    fn each_point_passed_is_shown_once_with_looks_beside_the_nodes() {
        let mut step = made();
        let nodes: Vec<f64> = (0..LANES).map(|node| step.node(node)).collect();
        assert!(shown(&mut step, 2.0).is_empty());
        assert_eq!(shown(&mut step, nodes[1]), nodes[..2]);
        assert!(shown(&mut step, nodes[1]).is_empty());
        let rest = shown(&mut step, 9.0);
        let passed = nodes.iter().filter(|t| **t <= 9.0).count();
        assert_eq!(rest[..rest.len() - 1], nodes[2..passed]);
        assert_eq!(rest.last(), Some(&5.0));
        assert_eq!(shown(&mut step, 10.0), nodes[passed..]);
    }

    #[test]
    fn what_was_passed_before_a_change_is_still_shown_and_what_was_not_never() {
        let accuracy = Accuracy {
            relative: 1e-7,
            absolute: vec![1e-7],
        };
        let mut stretch = Stretch::new(&[4.0], accuracy, 8.0);
        stretch.steps.push(made());
        (stretch.end, stretch.state, stretch.next) = (10.0, vec![100.0], 20.0);
        let now = SimTime::from_hours(6.0).unwrap();
        stretch.turn(now, 8.0);
        assert!((stretch.state[0] - 36.0).abs() < 1e-12);
        assert_eq!((stretch.origin, stretch.end, stretch.next), (now, 0.0, 8.0));
        let mut values = Vec::new();
        stretch.passed(now, |seen| values.extend(seen.values(Source::Withdrawal)));
        assert!(values.len() > 3 && values.iter().all(|t| *t <= 6.0));
        stretch.passed(now, |_| panic!("shown already"));
        // At the very end of a step its own state goes on.
        stretch.steps.push(made());
        (stretch.end, stretch.state) = (10.0, vec![99.0]);
        stretch.turn(SimTime::from_hours(16.0).unwrap(), 8.0);
        assert_eq!(stretch.state, [99.0]);
    }
}
