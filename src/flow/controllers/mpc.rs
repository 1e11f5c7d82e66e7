//! Model-predictive control over a small horizon.
//!
//! At each step of its interval *T* it looks *N* steps ahead with the flows x_1 ... x_N (in
//! units of the programmed flow *r*), a gain *k* estimated from what the sensor says, and the
//! volume error e (in units of r T):
//!
//! ```text
//! e_j = e_0 + k (x_1 + ... + x_j) - j
//! minimise    sum of e_j^2 + w sum of (x_j - x_(j-1))^2
//! subject to  0 <= x_j <= top,   p_0 + s r T (x_1 + ... + x_j) <= p_max
//! ```
//!
//! with the outlet pressure p_0 and its rise s for each volume, where a pressure sensor shows
//! one. The first flow is used, then all is solved again. The quadratic programme goes to
//! `clarabel`, an interior-point solver in plain Rust. For a cone of inequalities its iterations
//! use sums, products, quotients and square roots alone, on one thread and in a fixed order, so
//! the same problem gives the same bits everywhere; its timer and its table of cone counts (a
//! hash map) feed its log, not its numbers.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};

use super::{Accumulator, Action, ControllerError, Cost, FlowController, LowPass, Seen, Tuning};
use crate::engine::SimTime;
use crate::signals::SensorKind;

/// Strokes of volume error that are made good at most: a long stop is not followed by a bolus.
const MOST_OWED: f64 = 4.0;
/// Bounds of the estimated gain.
const GAIN: (f64, f64) = (0.5, 1.5);
/// Rise of pressure for each volume below which the line counts as open \[kPa/mL\].
const OPEN: f64 = 100.0;

/// Plans the flow by a quadratic programme.
#[derive(Debug, Clone)]
pub struct Predictive {
    horizon: usize,
    interval: f64,
    move_weight: f64,
    filter_time: f64,
    ceiling: f64,
    pressure_limit: f64,
    accumulator: Accumulator,
    delivered: LowPass,
    /// Commanded flow through the same filter, for the gain.
    commanded: f64,
    begun: bool,
    number: u64,
    sampled: SimTime,
    /// Volume that the sensor has seen less what was asked for \[mL\].
    error: f64,
    /// Pressure at the last plan, and volume commanded since.
    before: Option<f64>,
    since: f64,
    planned: Option<SimTime>,
    request: f64,
    /// Planned flow \[mL/h\].
    flow: f64,
}

impl Predictive {
    pub(super) fn build(tuning: &Tuning) -> Result<Box<dyn FlowController>, ControllerError> {
        Ok(Box::new(Predictive {
            horizon: tuning.get("horizon")?.round() as usize,
            interval: tuning.get("interval")?,
            move_weight: tuning.get("move_weight")?,
            filter_time: tuning.get("filter_time")?,
            ceiling: tuning.get("ceiling")?,
            pressure_limit: tuning.get("pressure_limit")?,
            accumulator: Accumulator::default(),
            delivered: LowPass::default(),
            commanded: 0.0,
            begun: false,
            number: 0,
            sampled: SimTime::ZERO,
            error: 0.0,
            before: None,
            since: 0.0,
            planned: None,
            request: 0.0,
            flow: 0.0,
        }))
    }

    /// Takes the flow sensor's samples in, each once.
    fn observe(&mut self, seen: &Seen<'_>, cost: &mut Cost) {
        let Some(reading) = seen.readings.get(SensorKind::Flow) else {
            return;
        };
        cost.add(1);
        if reading.number == self.number {
            return;
        }
        cost.add(12);
        let hours = reading.sampled.hours_since(self.sampled);
        if !self.begun {
            self.begun = true;
            self.delivered.set(seen.request);
            self.commanded = seen.request;
        }
        let share = hours / (hours + self.filter_time);
        self.commanded += (self.flow - self.commanded) * share;
        self.delivered.take(reading, self.filter_time, cost);
        let most = MOST_OWED * seen.stroke;
        self.error = (self.error + (reading.value - seen.request) * hours).clamp(-most, most);
        (self.number, self.sampled) = (reading.number, reading.sampled);
    }

    fn plan(&mut self, seen: &Seen<'_>, cost: &mut Cost) {
        let (r, t) = (seen.request, self.interval);
        let pressure = seen.readings.get(SensorKind::Pressure).map(|p| p.value);
        let room = match (pressure, self.before) {
            (Some(now), Some(before)) if self.since > 0.0 => {
                let slope = (now - before) / self.since;
                (slope > OPEN || now > self.pressure_limit)
                    .then(|| ((self.pressure_limit - now) / slope.max(OPEN) / (r * t)).max(0.0))
            }
            _ => None,
        };
        self.before = pressure;
        self.since = 0.0;
        let delivered = self.delivered_flow();
        let gain = if self.commanded > 0.0 {
            (delivered / self.commanded).clamp(GAIN.0, GAIN.1)
        } else {
            1.0
        };
        let top = self.ceiling.min(seen.most / r);
        let last = self.flow / r;
        cost.add(12);
        // The part of a stroke that waits in the accumulator is as good as delivered.
        let owed = (self.error + self.accumulator.owed()) / (r * t);
        let x = solve(self.horizon, gain, self.move_weight, owed, last, top, room, cost);
        self.flow = r * x.unwrap_or(1.0);
    }

    fn delivered_flow(&self) -> f64 {
        // Reading the same sample again gives the filtered value; none has come means nothing known.
        self.delivered.value().unwrap_or(self.commanded)
    }
}

/// First flow of the best plan, over the programmed flow; `None` if there is no solution.
#[allow(clippy::too_many_arguments)] // the figures of one problem
fn solve(
    n: usize,
    gain: f64,
    weight: f64,
    error: f64,
    last: f64,
    top: f64,
    room: Option<f64>,
    cost: &mut Cost,
) -> Option<f64> {
    // sum e_j^2: with L the lower triangle of ones, e = e_0 - j + k L x, so H = k^2 L'L + w D'D.
    let hessian = |row: usize, column: usize| {
        let moves = match column - row {
            0 if row + 1 < n => 2.0,
            0 => 1.0,
            1 => -1.0,
            _ => 0.0,
        };
        gain * gain * (n - column) as f64 + weight * moves
    };
    let mut q: Vec<f64> = (0..n)
        .map(|a| (a..n).map(|j| gain * (error - (j + 1) as f64)).sum())
        .collect();
    q[0] -= weight * last;
    // Upper triangle by columns.
    let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    for column in 0..n {
        for row in 0..=column {
            rows.push(row);
            values.push(hessian(row, column));
        }
        starts.push(rows.len());
    }
    let p = CscMatrix::new(n, n, starts, rows, values);
    // x <= top, -x <= 0, and the sums below the room for pressure.
    let extra = if room.is_some() { n } else { 0 };
    let m = 2 * n + extra;
    let (mut starts, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    for column in 0..n {
        rows.extend([column, n + column]);
        values.extend([1.0, -1.0]);
        if room.is_some() {
            for row in column..n {
                rows.push(2 * n + row);
                values.push(1.0);
            }
        }
        starts.push(rows.len());
    }
    let a = CscMatrix::new(m, n, starts, rows, values);
    let mut b = vec![top; n];
    b.extend(vec![0.0; n]);
    b.extend(vec![room.unwrap_or(0.0); extra]);
    let settings = DefaultSettings {
        verbose: false,
        max_iter: 50,
        ..DefaultSettings::default()
    };
    let cones = [SupportedConeT::NonnegativeConeT(m)];
    let mut solver = DefaultSolver::new(&p, &q, &a, &b, &cones, settings).ok()?;
    solver.solve();
    // One factorisation of the (n + m) system and four solves an iteration, in round numbers.
    let size = (n + m) as u64;
    cost.add(u64::from(solver.solution.iterations) * (size * (n as u64) * (n as u64) + 4 * size * n as u64));
    matches!(
        solver.solution.status,
        SolverStatus::Solved | SolverStatus::AlmostSolved
    )
    .then(|| solver.solution.x[0].clamp(0.0, top))
}

impl FlowController for Predictive {
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
        self.observe(seen, cost);
        cost.add(3);
        if seen.request <= 0.0 {
            (self.flow, self.request, self.planned) = (0.0, 0.0, None);
            return Action::default();
        }
        let due = self.planned.is_none_or(|t| seen.now.hours_since(t) >= self.interval);
        if due || seen.request != self.request {
            if seen.request != self.request {
                // A new programme: what is planned starts from it.
                (self.flow, self.request) = (seen.request.min(seen.most), seen.request);
            }
            self.planned = Some(seen.now);
            self.plan(seen, cost);
        }
        self.since += self.flow * seen.period;
        Action {
            strokes: self.accumulator.strokes(self.flow, seen.period, seen.stroke, cost),
            alarm: false,
        }
    }

    fn clone_box(&self) -> Box<dyn FlowController> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::ControllerRegistry;
    use super::super::testing::against_gain;
    use super::*;
    use crate::scenario::flow_bench::ControllerSpec;

    #[test]
    fn without_error_the_plan_is_the_programme() {
        let mut cost = Cost::default();
        let x = solve(8, 1.0, 0.5, 0.0, 1.0, 2.0, None, &mut cost).unwrap();
        assert!((x - 1.0).abs() < 1e-6, "{x}");
        assert!(cost.operations() > 0);
    }

    #[test]
    fn the_plan_of_two_steps_is_the_one_worked_out_by_hand() {
        // e1 = e + x1 - 1, e2 = e + x1 + x2 - 2, no cost of moves: x1 = 1 - e, x2 = 1.
        let x = solve(2, 1.0, 0.0, 0.25, 1.0, 2.0, None, &mut Cost::default()).unwrap();
        assert!((x - 0.75).abs() < 1e-6, "{x}");
        // With w = 1 and last = 1: d/dx1: 2 x1' + x2' + 2e + 2 x1' - x2' = 0 with x' = x - 1,
        // d/dx2: x1' + x2' + e - x1' + x2' = 0, so x1' = -e/2, x2' = -e/2.
        let x = solve(2, 1.0, 1.0, 0.25, 1.0, 2.0, None, &mut Cost::default()).unwrap();
        assert!((x - 0.875).abs() < 1e-6, "{x}");
    }

    #[test]
    fn limits_of_flow_and_pressure_hold() {
        let x = solve(6, 1.0, 0.0, -9.0, 1.0, 2.0, None, &mut Cost::default()).unwrap();
        assert!((x - 2.0).abs() < 1e-6, "{x}");
        let x = solve(6, 1.0, 0.5, -9.0, 1.0, 2.0, Some(0.0), &mut Cost::default()).unwrap();
        assert!(x < 1e-5, "{x}");
    }

    #[test]
    fn the_same_problem_gives_the_same_bits() {
        let run = |error: f64| solve(8, 0.93, 0.5, error, 1.1, 2.0, Some(3.0), &mut Cost::default()).unwrap();
        for i in 0..20 {
            let error = -2.0 + 0.21 * f64::from(i);
            assert_eq!(run(error).to_bits(), run(error).to_bits());
        }
    }

    #[test]
    fn it_takes_an_error_of_the_stroke_out() {
        let spec = ControllerSpec {
            id: "m".into(),
            kind: "mpc".into(),
            tuning: Default::default(),
        };
        for gain in [1.0, 0.85] {
            let mut c = ControllerRegistry::default().build(&spec).unwrap();
            let (_, flow) = against_gain(&mut *c, 0.5 / 24.0, gain, 72);
            assert!(
                (flow / (0.5 / 24.0) - 1.0).abs() < 0.03,
                "{gain}: {}",
                flow / (0.5 / 24.0)
            );
        }
    }
}
