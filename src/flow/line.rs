//! The elastic line behind the actuator: one pressure, exact between events.
//!
//! Tube and catheter up to the narrowest place have a compliance *C* and one pressure *P*;
//! what lies beyond follows the outlet at once. With an inflow *u* (a stroke), a conductance *G*
//! to the outlet, a leak and perhaps an open valve to the reservoir,
//!
//! ```text
//! C dP/dt = u - G (P - p_out(t)) - G_leak (P - p_tissue) + G_valve (p_res - P)
//! p_out(t) = p0 + sum of a_k sin(w_k t + f_k)          posture, heartbeat, breathing
//! ```
//!
//! All coefficients are constant between events, so pressure and volumes are sums of an
//! exponential, a straight line and sines: nothing is integrated in steps, and a look at any
//! instant changes nothing.

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;

/// Conductance below which a place counts as closed \[mL/(h kPa)\]: at 100 kPa it lets 0.02 uL a day through.
const TIGHT: f64 = 1e-8;

/// One sine of the outlet pressure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// Half the swing \[kPa\].
    pub amplitude: f64,
    /// Angular frequency \[rad/h\].
    pub frequency: f64,
}

/// A way out of (or into) the line.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Branch {
    /// Conductance \[mL/(h kPa)\].
    pub conductance: f64,
    /// Pressure at its far end \[kPa\].
    pub pressure: f64,
}

/// Pressure and volumes at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LineState {
    /// Pressure at the actuator's outlet \[kPa\].
    pub pressure: f64,
    /// Volume pushed in by strokes so far \[mL\].
    pub pumped: f64,
    /// Volume that came through the open valve so far \[mL\].
    pub valve: f64,
    /// Volume that has left at the outlet so far \[mL\].
    pub out: f64,
    /// Volume that has left through the leak so far \[mL\].
    pub leaked: f64,
}

/// The line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    origin: SimTime,
    state: LineState,
    compliance: f64,
    /// Volume stored beyond a narrow place, not part of `compliance` \[mL\].
    beyond: f64,
    inflow: f64,
    outlet: Branch,
    waves: Vec<Wave>,
    leak: Branch,
    valve: Branch,
    /// What was stored at the start \[mL\].
    filled: f64,
}

impl Line {
    /// A line at rest with its outlet's pressure.
    pub fn new(start: SimTime, compliance: f64, outlet: Branch, waves: Vec<Wave>) -> Self {
        Line {
            origin: start,
            state: LineState {
                pressure: outlet.pressure,
                ..LineState::default()
            },
            compliance,
            beyond: 0.0,
            inflow: 0.0,
            outlet,
            waves,
            leak: Branch::default(),
            valve: Branch::default(),
            filled: compliance * outlet.pressure,
        }
    }

    /// Pressure beyond the outlet at an instant \[kPa\].
    pub fn outlet_pressure(&self, at: SimTime) -> f64 {
        let t = at.hours();
        self.waves.iter().fold(self.outlet.pressure, |p, w| {
            p + w.amplitude * libm::sin(w.frequency * t)
        })
    }

    /// Pressure and volumes at `at`, which is not before the last change.
    pub fn at(&self, at: SimTime) -> LineState {
        self.ahead(at.hours_since(self.origin), self.inflow)
    }

    /// The state `s` hours after the last change under an inflow.
    fn ahead(&self, s: f64, inflow: f64) -> LineState {
        let from = self.state;
        if s <= 0.0 {
            return from;
        }
        let open = |b: Branch| if b.conductance < TIGHT { 0.0 } else { b.conductance };
        let (g, g_leak, g_valve) = (open(self.outlet), open(self.leak), open(self.valve));
        let total = g + g_leak + g_valve;
        let p0 = self.outlet.pressure;
        // Everything relative to the mean pressure outside, where differences are small.
        let y0 = from.pressure - p0;
        let (to_leak, to_valve) = (self.leak.pressure - p0, self.valve.pressure - p0);
        let (y, integral, swung) = if total == 0.0 {
            let slope = inflow / self.compliance;
            (y0 + slope * s, y0 * s + 0.5 * slope * s * s, 0.0)
        } else {
            let settled = (inflow + g_leak * to_leak + g_valve * to_valve) / total;
            let tau = self.compliance / total;
            let (mut before, mut after, mut forced, mut swung) = (0.0, 0.0, 0.0, 0.0);
            if g > 0.0 {
                let t = self.origin.hours();
                for wave in &self.waves {
                    let (a, w) = (wave.amplitude, wave.frequency);
                    let lag = w * tau;
                    let share = a * g / total / (1.0 + lag * lag);
                    let (x0, x1) = (w * t, w * (t + s));
                    let (sin0, cos0, sin1, cos1) = (libm::sin(x0), libm::cos(x0), libm::sin(x1), libm::cos(x1));
                    before += share * (sin0 - lag * cos0);
                    after += share * (sin1 - lag * cos1);
                    forced += share * ((cos0 - cos1) / w - tau * (sin1 - sin0));
                    swung += a * (cos0 - cos1) / w;
                }
            }
            let d = y0 - settled - before;
            let x = s / tau;
            (
                settled + after + d * libm::exp(-x),
                settled * s + forced - d * tau * libm::expm1(-x),
                swung,
            )
        };
        LineState {
            pressure: p0 + y,
            pumped: from.pumped + inflow * s,
            valve: from.valve + g_valve * (to_valve * s - integral),
            out: from.out + g * (integral - swung),
            leaked: from.leaked + g_leak * (integral - to_leak * s),
        }
    }

    /// Volume that has come in and neither left nor is stored: zero but for rounding \[mL\].
    pub fn residual(&self, at: SimTime) -> f64 {
        let s = self.at(at);
        s.pumped + s.valve + self.filled - s.out - s.leaked - self.compliance * s.pressure - self.beyond
    }

    fn rebase(&mut self, now: SimTime) {
        self.state = self.at(now);
        self.origin = now;
    }

    /// Inflow of a stroke from `now` on \[mL/h\].
    pub fn set_inflow(&mut self, now: SimTime, inflow: f64) {
        self.rebase(now);
        self.inflow = inflow;
    }

    /// Puts a volume in at once \[mL\].
    pub fn push(&mut self, now: SimTime, volume: f64) {
        self.rebase(now);
        self.state.pumped += volume;
        self.state.pressure += volume / self.compliance;
    }

    /// Way to the outlet and mean pressure there.
    pub fn set_outlet(&mut self, now: SimTime, outlet: Branch) {
        self.rebase(now);
        self.outlet = outlet;
    }

    /// Way out through a hole.
    pub fn set_leak(&mut self, now: SimTime, leak: Branch) {
        self.rebase(now);
        self.leak = leak;
    }

    /// Open valve to the reservoir.
    pub fn set_valve(&mut self, now: SimTime, valve: Branch) {
        self.rebase(now);
        self.valve = valve;
    }

    /// Conductance of the open valve \[mL/(h kPa)\].
    pub fn valve(&self) -> Branch {
        self.valve
    }

    /// Part of the line before its narrowest place \[mL/kPa\]. What lies beyond relaxes to the
    /// pressure outside, or joins again.
    pub fn set_compliance(&mut self, now: SimTime, compliance: f64) {
        self.rebase(now);
        if compliance < self.compliance {
            let cut = self.compliance - compliance;
            let kept = cut * self.outlet.pressure;
            self.state.out += cut * self.state.pressure - kept;
            self.beyond += kept;
        } else if compliance > self.compliance {
            let stored = self.compliance * self.state.pressure + self.beyond;
            self.state.pressure = stored / compliance;
            self.beyond = 0.0;
        }
        self.compliance = compliance;
    }

    /// The largest volume that a stroke of `hours` may push in without passing a pressure, at
    /// most `volume` \[mL\]. The pressure is linear in the inflow, so this is exact at the
    /// stroke's end.
    pub fn limited(&self, now: SimTime, volume: f64, hours: f64, most: f64) -> f64 {
        let here = Line {
            state: self.at(now),
            origin: now,
            ..self.clone()
        };
        let (idle, full) = if hours > 0.0 {
            (
                here.ahead(hours, 0.0).pressure,
                here.ahead(hours, volume / hours).pressure,
            )
        } else {
            (here.state.pressure, here.state.pressure + volume / self.compliance)
        };
        if full <= most {
            volume
        } else if idle >= most {
            0.0
        } else {
            volume * (most - idle) / (full - idle)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(h: f64) -> SimTime {
        SimTime::from_hours(h).unwrap()
    }

    fn healthy() -> Line {
        let outlet = Branch {
            conductance: 11.6,
            pressure: 1.2,
        };
        Line::new(SimTime::ZERO, 4e-4, outlet, Vec::new())
    }

    #[test]
    fn a_stroke_decays_with_the_time_constant_of_line_and_outlet() {
        let mut line = healthy();
        line.push(SimTime::ZERO, 0.0025);
        let tau = 4e-4 / 11.6;
        let s = line.at(hours(2.0 * tau));
        let left = 0.0025 * (-2.0f64).exp();
        assert!((s.pressure - 1.2 - left / 4e-4).abs() < 1e-6, "{}", s.pressure);
        assert!((s.out - (0.0025 - left)).abs() < 1e-9);
        assert!(line.residual(hours(1.0)).abs() < 1e-15);
    }

    #[test]
    fn a_closed_line_rises_by_volume_over_compliance_and_gives_it_back_when_it_opens() {
        // Dead end at 45 of 89 cm: the bolus is the stored volume above the outlet's pressure.
        let mut line = healthy();
        line.set_compliance(SimTime::ZERO, 2e-4);
        line.set_outlet(
            SimTime::ZERO,
            Branch {
                conductance: 0.0,
                pressure: 1.2,
            },
        );
        line.set_inflow(SimTime::ZERO, 0.01);
        let s = line.at(hours(1.0));
        assert!((s.pressure - (1.2 + 0.01 / 2e-4)).abs() < 1e-9);
        assert_eq!(s.out, 0.0);
        line.set_inflow(hours(1.0), 0.0);
        line.set_outlet(
            hours(1.0),
            Branch {
                conductance: 11.6,
                pressure: 1.2,
            },
        );
        line.set_compliance(hours(1.0), 4e-4);
        assert!((line.at(hours(2.0)).out - 0.01).abs() < 1e-12);
        assert!(line.residual(hours(2.0)).abs() < 1e-15);
    }

    #[test]
    fn the_closed_form_agrees_with_an_integration_in_small_steps() {
        // All branches at once, slow enough that Runge-Kutta is exact to many digits.
        let mut line = Line::new(
            SimTime::ZERO,
            0.5,
            Branch {
                conductance: 0.8,
                pressure: 1.0,
            },
            vec![
                Wave {
                    amplitude: 0.4,
                    frequency: 7.0,
                },
                Wave {
                    amplitude: 0.2,
                    frequency: 23.0,
                },
            ],
        );
        line.set_leak(
            SimTime::ZERO,
            Branch {
                conductance: 0.3,
                pressure: 0.1,
            },
        );
        line.set_valve(
            SimTime::ZERO,
            Branch {
                conductance: 0.2,
                pressure: 9.0,
            },
        );
        line.set_inflow(SimTime::ZERO, 0.7);
        let outside = |t: f64| 1.0 + 0.4 * (7.0 * t).sin() + 0.2 * (23.0 * t).sin();
        let rates = |t: f64, p: f64| {
            let (out, leak, valve) = (0.8 * (p - outside(t)), 0.3 * (p - 0.1), 0.2 * (9.0 - p));
            [(0.7 - out - leak + valve) / 0.5, out, leak, valve]
        };
        let n = 4000;
        let h = 2.0 / f64::from(n);
        let mut y = [1.0, 0.0, 0.0, 0.0];
        for i in 0..n {
            let t = f64::from(i) * h;
            let k1 = rates(t, y[0]);
            let k2 = rates(t + 0.5 * h, y[0] + 0.5 * h * k1[0]);
            let k3 = rates(t + 0.5 * h, y[0] + 0.5 * h * k2[0]);
            let k4 = rates(t + h, y[0] + h * k3[0]);
            for (j, y) in y.iter_mut().enumerate() {
                *y += h / 6.0 * (k1[j] + 2.0 * k2[j] + 2.0 * k3[j] + k4[j]);
            }
        }
        let s = line.at(hours(2.0));
        for (name, exact, stepped) in [
            ("pressure", s.pressure, y[0]),
            ("out", s.out, y[1]),
            ("leak", s.leaked, y[2]),
            ("valve", s.valve, y[3]),
        ] {
            assert!((exact - stepped).abs() < 1e-9, "{name}: {exact} and {stepped}");
        }
        assert!(line.residual(hours(2.0)).abs() < 1e-12);
    }

    #[test]
    fn a_look_changes_nothing_and_splitting_a_segment_changes_only_rounding() {
        let mut whole = healthy();
        whole.waves = vec![Wave {
            amplitude: 0.1,
            frequency: 26389.0,
        }];
        whole.set_inflow(SimTime::ZERO, 0.02);
        let before = whole.clone();
        let far = whole.at(hours(3.3));
        assert_eq!(whole, before);
        let mut split = whole.clone();
        for i in 1..50 {
            split.set_inflow(hours(0.05 * f64::from(i)), 0.02);
        }
        let again = split.at(hours(3.3));
        assert!((far.out - again.out).abs() < 1e-10 && (far.pressure - again.pressure).abs() < 1e-6);
    }

    #[test]
    fn a_stroke_is_cut_at_the_pressure_that_stops_it() {
        let mut line = healthy();
        line.set_outlet(
            SimTime::ZERO,
            Branch {
                conductance: 1e-3,
                pressure: 0.0,
            },
        );
        for hours in [0.0, 0.01] {
            let v = line.limited(SimTime::ZERO, 0.1, hours, 50.0);
            assert!(v > 0.0 && v < 0.1);
            let end = if hours > 0.0 {
                line.ahead(hours, v / hours).pressure
            } else {
                1.2 + v / 4e-4
            };
            assert!((end - 50.0).abs() < 1e-9, "{end}");
        }
        assert_eq!(line.limited(SimTime::ZERO, 0.001, 0.0, 50.0), 0.001);
        assert_eq!(line.limited(SimTime::ZERO, 0.1, 0.0, 1.0), 0.0);
    }
}
