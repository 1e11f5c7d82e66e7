//! The plant: actuator, reservoir, line and surroundings in one, at the level of strokes.

use serde::{Deserialize, Serialize};

use super::actuator::{Actuator, Load, Stroke};
use super::line::{Branch, Line, Wave};
use crate::engine::SimTime;
use crate::numerics::Draws;
use crate::parameters::ParameterSet;
use crate::scenario::flow_bench::{Change, PlantSpec};
use crate::scenario::model::Material;
use crate::signals::{ActuatorKind, Posture};

/// What a sensor can look at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Truth {
    /// Volume that has passed the flow sensor, before leak and outlet \[mL\].
    pub passed: f64,
    /// Pressure at the outlet of the actuator \[kPa\].
    pub pressure: f64,
    /// Strokes in which something moved.
    pub moved: f64,
    /// Temperature of the pump \[degC\].
    pub temperature: f64,
    /// Pressure in the reservoir above that of the air \[kPa\].
    pub reservoir: f64,
}

/// Figures of the line that do not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Geometry {
    length: f64,
    /// Conductance of a sound line at body temperature \[mL/(h kPa)\].
    conductance: f64,
    /// The same of the short piece that an occlusion narrows.
    narrow: f64,
    per_length: f64,
    tube: f64,
    supine: f64,
    upright: f64,
    tissue: f64,
}

/// Figures of the gas behind the drug.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Gas {
    /// Gauge pressure at sea level and body temperature \[kPa\].
    gauge: f64,
    air: f64,
    body: f64,
    vapour_slope: f64,
    viscosity_slope: f64,
    near_empty: f64,
    /// Conductance of the restrictor at body temperature \[mL/(h kPa)\].
    restrictor: f64,
    /// Conductance of both valves wide open \[mL/(h kPa)\].
    wide_open: f64,
    /// Volume that a safety valve lets pass, if there is one \[mL\].
    safety: Option<f64>,
}

/// One narrow place or hole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Place {
    stimulus: usize,
    position: f64,
    /// Bore left, or conductance of the hole.
    value: f64,
}

/// Actuator, reservoir, line and surroundings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plant {
    line: Line,
    actuator: Actuator,
    geometry: Geometry,
    gas: Gas,
    fill: f64,
    temperature: f64,
    ambient: f64,
    posture: Posture,
    narrowings: Vec<Place>,
    holes: Vec<Place>,
    /// A stroke is under way.
    busy: bool,
    /// Volume through the open valve at which it closes by itself \[mL\].
    valve_limit: Option<f64>,
}

impl Plant {
    /// A plant at rest.
    pub fn new(spec: &PlantSpec, parameters: &ParameterSet, draws: &Draws) -> Self {
        let length = spec
            .length
            .unwrap_or_else(|| parameters.get("scenario.catheter.length"));
        let geometry = Geometry {
            length,
            conductance: poiseuille(parameters, length),
            narrow: poiseuille(parameters, parameters.get("catheter.occlusion.length")),
            per_length: 1e-3
                * match spec.material {
                    Material::Silicone => parameters.get("catheter.compliance.silicone"),
                    Material::Braided => parameters.get("catheter.compliance.braided"),
                },
            tube: 1e-3 * parameters.get("catheter.compliance.tube"),
            supine: parameters.get("catheter.tip_pressure.supine"),
            upright: parameters.get("catheter.tip_pressure.upright"),
            tissue: parameters.get("catheter.pressure.tissue"),
        };
        let air = parameters.get("pump.normal.pressure");
        let gauge = match spec.actuator {
            ActuatorKind::Stepper => parameters.get("flow.stepper.reservoir_pressure"),
            ActuatorKind::Valves => parameters.get("pump.valve.pressure"),
            ActuatorKind::Restrictor => parameters.get("pump.gas.pressure"),
        };
        let restrictor_flow = parameters.get("flow.restrictor.flow") / 24.0;
        let second = parameters.get("pump.valve.generation") >= 1.5;
        let gas = Gas {
            gauge,
            air,
            body: parameters.get("pump.normal.temperature"),
            vapour_slope: parameters.get("pump.gas.vapour_slope"),
            viscosity_slope: parameters.get("pump.gas.viscosity_slope"),
            near_empty: parameters.get("flow.reservoir.near_empty"),
            restrictor: restrictor_flow / gauge,
            wide_open: parameters.get("pump.valve.conductance"),
            safety: second.then(|| parameters.get("pump.valve.safety_volume") * 1e-3),
        };
        let per_minute = |key: &str| 2.0 * std::f64::consts::PI * 60.0 * parameters.get(key);
        let waves = if spec.pulsation {
            vec![
                Wave {
                    amplitude: parameters.get("flow.heart.amplitude"),
                    frequency: per_minute("flow.heart.rate"),
                },
                Wave {
                    amplitude: parameters.get("flow.breath.amplitude"),
                    frequency: per_minute("flow.breath.rate"),
                },
            ]
        } else {
            Vec::new()
        };
        let stroke = spec
            .stroke
            .unwrap_or_else(|| parameters.get("flow.stroke.volume") * 1e-3);
        let outlet = Branch {
            conductance: geometry.conductance,
            pressure: geometry.supine,
        };
        Plant {
            line: Line::new(
                SimTime::ZERO,
                geometry.tube + geometry.per_length * length,
                outlet,
                waves,
            ),
            // The restrictor's stroke lasts as long as its nominal volume takes against a sound line.
            actuator: Actuator::new(
                spec.actuator,
                stroke,
                restrictor_flow * (gauge - geometry.supine) / gauge,
                parameters,
                draws,
            ),
            fill: spec.fill.unwrap_or_else(|| parameters.get("flow.reservoir.fill")),
            temperature: gas.body,
            ambient: air,
            posture: Posture::Supine,
            narrowings: Vec::new(),
            holes: Vec::new(),
            busy: false,
            valve_limit: None,
            geometry,
            gas,
        }
    }

    /// The actuator.
    pub fn actuator(&self) -> &Actuator {
        &self.actuator
    }

    /// The line.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Volume left in the reservoir \[mL\].
    pub fn left(&self, at: SimTime) -> f64 {
        let s = self.line.at(at);
        self.fill - s.pumped - s.valve
    }

    /// Gauge pressure in the reservoir \[kPa\].
    pub fn reservoir_pressure(&self, at: SimTime) -> f64 {
        let vapour = (self.gas.air + self.gas.gauge) * libm::exp(self.gas.vapour_slope * self.warmer());
        let full = (vapour - self.ambient).max(0.0);
        full * (self.left(at) / self.gas.near_empty).clamp(0.0, 1.0)
    }

    /// What the sensors look at.
    pub fn truth(&self, at: SimTime) -> Truth {
        let s = self.line.at(at);
        Truth {
            passed: s.out + s.leaked,
            pressure: s.pressure,
            moved: self.actuator.moved() as f64,
            temperature: self.temperature,
            reservoir: self.reservoir_pressure(at),
        }
    }

    fn warmer(&self) -> f64 {
        self.temperature - self.gas.body
    }

    /// Whether a stroke is under way.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Asks for strokes, which wait for their turn.
    pub fn ask(&mut self, strokes: u32) {
        self.actuator.ask(strokes);
    }

    /// Drops the strokes that wait, and the rest of the one under way unless it may `finish`.
    pub fn halt(&mut self, now: SimTime, finish: bool) {
        self.actuator.forget();
        if !finish && self.busy {
            self.end_stroke(now);
        }
    }

    /// Begins the next waiting stroke, if none is under way. Gives the time until its end and
    /// until the next may begin \[h\].
    pub fn begin_stroke(&mut self, now: SimTime) -> Option<(f64, f64)> {
        if self.busy || self.actuator.waiting() == 0 {
            return None;
        }
        let load = Load {
            reservoir: self.reservoir_pressure(now),
            warmer: self.warmer(),
            left: self.left(now).max(0.0),
        };
        let length = match self.actuator.next(now, &self.line, load) {
            Stroke::Dead => 0.0,
            Stroke::Push { volume, hours } if hours > 0.0 => {
                self.line.set_inflow(now, volume / hours);
                hours
            }
            Stroke::Push { volume, .. } => {
                self.line.push(now, volume);
                0.0
            }
            Stroke::Open { hours } => {
                self.open(now, self.restrictor());
                hours
            }
        };
        self.busy = length > 0.0;
        Some((length, self.actuator.spacing()))
    }

    /// Ends the stroke under way.
    pub fn end_stroke(&mut self, now: SimTime) {
        self.busy = false;
        self.line.set_inflow(now, 0.0);
        if self.actuator.kind() == ActuatorKind::Restrictor {
            self.shut(now);
        }
    }

    /// Conductance of the restrictor now \[mL/(h kPa)\].
    fn restrictor(&self) -> f64 {
        self.gas.restrictor * libm::exp(self.gas.viscosity_slope * self.warmer())
    }

    fn open(&mut self, now: SimTime, conductance: f64) {
        let pressure = self.reservoir_pressure(now);
        self.line.set_valve(now, Branch { conductance, pressure });
        let through = self.line.at(now).valve;
        self.valve_limit = Some(through + self.left(now).max(0.0));
    }

    fn shut(&mut self, now: SimTime) {
        self.line.set_valve(now, Branch::default());
        self.valve_limit = None;
    }

    /// The first instant after `now`, up to `limit`, at which an open valve closes by itself:
    /// the reservoir is empty, or a safety valve has felt the flow.
    pub fn valve_closes(&self, now: SimTime, limit: SimTime) -> Option<SimTime> {
        let level = self.valve_limit?;
        let over = |at: SimTime| self.line.at(at).valve >= level;
        if self.line.valve().conductance <= 0.0 || limit <= now || !over(limit) {
            return None;
        }
        // The volume only grows while the reservoir's pressure is above the line's.
        let (mut low, mut high) = (now, limit);
        while high.as_nanos() - low.as_nanos() > 1 {
            let middle = low.midpoint(high);
            if over(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }

    /// Closes a valve that has let through all it may.
    pub fn close_valve(&mut self, now: SimTime) {
        self.shut(now);
        if self.actuator.field {
            self.actuator.shut = true;
        }
    }

    /// Puts a change of the surroundings or a fault in place; `share` is how much of a ramp has
    /// passed, from what was there when it began to what the change asks for.
    pub fn apply(&mut self, now: SimTime, stimulus: usize, change: &Change, from: f64, share: f64) {
        let between = |to: f64| from + (to - from) * share;
        match *change {
            Change::Temperature(to) => self.temperature = between(to),
            Change::Ambient(to) => self.ambient = between(to),
            Change::Supply(to) => self.actuator.supply = between(to),
            Change::GearSlip(to) => self.actuator.slip = between(to),
            Change::Posture(posture) => self.posture = posture,
            Change::Field => self.field(now, true),
            Change::Occlusion { bore, position } => {
                let place = Place {
                    stimulus,
                    position: position.unwrap_or(self.geometry.length).min(self.geometry.length),
                    value: bore,
                };
                self.narrowings.retain(|p| p.stimulus != stimulus);
                self.narrowings.push(place);
            }
            Change::Leak { conductance, position } => {
                let place = Place {
                    stimulus,
                    position: position.unwrap_or(0.5 * self.geometry.length),
                    value: conductance,
                };
                self.holes.retain(|p| p.stimulus != stimulus);
                self.holes.push(place);
            }
            _ => return,
        }
        self.update(now);
    }

    /// Takes a change away again.
    pub fn relieve(&mut self, now: SimTime, stimulus: usize, change: &Change) {
        match *change {
            Change::Temperature(_) => self.temperature = self.gas.body,
            Change::Ambient(_) => self.ambient = self.gas.air,
            Change::Supply(_) => self.actuator.supply = 1.0,
            Change::GearSlip(_) => self.actuator.slip = 0.0,
            Change::Posture(_) => self.posture = Posture::Supine,
            Change::Field => self.field(now, false),
            Change::Occlusion { .. } => self.narrowings.retain(|p| p.stimulus != stimulus),
            Change::Leak { .. } => self.holes.retain(|p| p.stimulus != stimulus),
            _ => return,
        }
        self.update(now);
    }

    /// Present value of what a ramp moves.
    pub fn value_of(&self, change: &Change) -> f64 {
        match change {
            Change::Temperature(_) => self.temperature,
            Change::Ambient(_) => self.ambient,
            Change::Supply(_) => self.actuator.supply,
            Change::GearSlip(_) => self.actuator.slip,
            _ => 0.0,
        }
    }

    /// A magnetic field holds a rotor and opens both valves of an accumulator.
    fn field(&mut self, now: SimTime, on: bool) {
        self.actuator.field = on;
        if self.actuator.kind() != ActuatorKind::Valves || self.actuator.shut {
            // A piezo valve before a restrictor does not feel it.
            if self.actuator.kind() == ActuatorKind::Restrictor {
                self.actuator.field = false;
            }
            return;
        }
        if on {
            self.open(now, self.gas.wide_open);
            if let (Some(safety), Some(limit)) = (self.gas.safety, self.valve_limit) {
                self.valve_limit = Some(limit.min(self.line.at(now).valve + safety));
            }
        } else {
            self.shut(now);
        }
    }

    /// Carries temperature, posture and narrow places to the line.
    fn update(&mut self, now: SimTime) {
        let thinner = libm::exp(self.gas.viscosity_slope * self.warmer());
        let (mut resistance, mut nearest) = (1.0 / self.geometry.conductance, self.geometry.length);
        let mut closed = false;
        for place in &self.narrowings {
            nearest = nearest.min(place.position);
            if place.value <= 0.0 {
                closed = true;
            } else {
                resistance += (libm::pow(place.value, -4.0) - 1.0) / self.geometry.narrow;
            }
        }
        let wanted = Branch {
            conductance: if closed { 0.0 } else { thinner / resistance },
            pressure: match self.posture {
                Posture::Supine => self.geometry.supine,
                Posture::Upright => self.geometry.upright,
            },
        };
        let compliance = self.geometry.tube + self.geometry.per_length * nearest;
        self.line.set_compliance(now, compliance);
        self.line.set_outlet(now, wanted);
        // A hole beyond a closed place loses nothing.
        let open: f64 = self
            .holes
            .iter()
            .filter(|hole| !closed || hole.position <= nearest)
            .map(|hole| hole.value)
            .sum();
        self.line.set_leak(
            now,
            Branch {
                conductance: open,
                pressure: self.geometry.tissue,
            },
        );
        if self.line.valve().conductance > 0.0 {
            let pressure = self.reservoir_pressure(now);
            let conductance = match self.actuator.kind() {
                ActuatorKind::Restrictor => self.restrictor(),
                _ => self.line.valve().conductance,
            };
            self.line.set_valve(now, Branch { conductance, pressure });
        }
    }

    /// Rounding left in the account of all volumes, over what has been moved \[1\].
    pub fn residual(&self, at: SimTime) -> f64 {
        let s = self.line.at(at);
        self.line.residual(at).abs() / (s.pumped.abs() + s.valve.abs()).max(1.0)
    }
}

/// Conductance of a round bore (Hagen-Poiseuille), pi r^4 / (8 mu L) \[mL/(h kPa)\].
fn poiseuille(parameters: &ParameterSet, length_cm: f64) -> f64 {
    let radius = 0.5e-3 * parameters.get("catheter.bore");
    let viscosity = 1e-3 * parameters.get("catheter.viscosity");
    let r2 = radius * radius;
    let si = std::f64::consts::PI * r2 * r2 / (8.0 * viscosity * 1e-2 * length_cm);
    si * 1e6 * 3600.0 * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(actuator: ActuatorKind) -> Plant {
        let spec = PlantSpec {
            actuator,
            ..PlantSpec::default()
        };
        let mut parameters = ParameterSet::default();
        for key in ["flow.stroke.sd", "flow.stepper.ripple", "flow.stepper.droop"] {
            parameters.set(key, 0.0).unwrap();
        }
        Plant::new(&spec, &parameters, &Draws::new(1, 0))
    }

    fn strokes(plant: &mut Plant, n: u32, from: f64, every: f64) -> f64 {
        for i in 0..n {
            let start = SimTime::from_hours(from + every * f64::from(i)).unwrap();
            plant.ask(1);
            let (length, _) = plant.begin_stroke(start).unwrap();
            if length > 0.0 {
                plant.end_stroke(start.due_after(length).unwrap());
            }
        }
        from + every * f64::from(n)
    }

    #[test]
    fn the_sound_line_has_the_resistance_of_the_reference() {
        // 3.1e11 Pa s/m3 for 89 cm of 0.533 mm with water at 37 degC.
        let conductance = poiseuille(&ParameterSet::default(), 89.0);
        let resistance = 1e3 * 1e6 * 3600.0 / conductance;
        assert!((resistance / 3.1e11 - 1.0).abs() < 0.01, "{resistance:e}");
    }

    #[test]
    fn each_actuator_delivers_its_nominal_stroke_into_a_sound_line() {
        for kind in [ActuatorKind::Stepper, ActuatorKind::Valves, ActuatorKind::Restrictor] {
            let mut p = plant(kind);
            let end = strokes(&mut p, 40, 0.0, 0.25);
            let at = SimTime::from_hours(end).unwrap();
            let out = p.line().at(at).out;
            assert!((out / 0.1 - 1.0).abs() < 2e-3, "{kind:?}: {out}");
            assert!((p.left(at) - (18.0 - 0.1)).abs() < 1e-3);
            assert!(p.residual(at) < 1e-12);
            assert_eq!(p.actuator().moved(), 40);
        }
    }

    #[test]
    fn an_occluded_line_stops_a_roller_tube_at_its_pressure_and_valves_at_the_gas() {
        for (kind, most) in [(ActuatorKind::Stepper, 100.0), (ActuatorKind::Valves, 60.0)] {
            let mut p = plant(kind);
            let closed = Change::Occlusion {
                bore: 0.0,
                position: None,
            };
            p.apply(SimTime::ZERO, 0, &closed, 0.0, 1.0);
            let end = strokes(&mut p, 100, 0.1, 0.25);
            let at = SimTime::from_hours(end).unwrap();
            let reached = p.line().at(at).pressure;
            assert!(reached > 0.8 * most && reached <= most + 1e-9, "{kind:?}: {reached}");
            assert_eq!(p.line().at(at).out, 0.0);
            assert!(
                kind != ActuatorKind::Stepper || p.actuator().moved() < 100,
                "the rotor stalls"
            );
            // Released, the wall gives back what it took.
            let stored = p.line().at(at).pumped;
            p.relieve(at, 0, &closed);
            let later = SimTime::from_hours(end + 1.0).unwrap();
            assert!((p.line().at(later).out - stored).abs() < 1e-9);
        }
    }

    #[test]
    fn a_field_holds_a_rotor_opens_two_valves_and_leaves_a_restrictor_alone() {
        let hour = SimTime::from_hours(1.0).unwrap();
        let mut stepper = plant(ActuatorKind::Stepper);
        stepper.apply(SimTime::ZERO, 0, &Change::Field, 0.0, 1.0);
        strokes(&mut stepper, 3, 0.0, 0.25);
        assert_eq!((stepper.actuator().moved(), stepper.line().at(hour).out), (0, 0.0));
        let mut restrictor = plant(ActuatorKind::Restrictor);
        restrictor.apply(SimTime::ZERO, 0, &Change::Field, 0.0, 1.0);
        strokes(&mut restrictor, 3, 0.0, 0.25);
        assert_eq!(restrictor.actuator().moved(), 3);
        // The second generation's safety valve shuts after 20 uL, the first empties the reservoir.
        let mut valves = plant(ActuatorKind::Valves);
        valves.apply(SimTime::ZERO, 0, &Change::Field, 0.0, 1.0);
        let shuts = valves.valve_closes(SimTime::ZERO, hour).unwrap();
        valves.close_valve(shuts);
        assert!((valves.line().at(hour).valve - 0.02).abs() < 1e-6);
        let mut first = plant(ActuatorKind::Valves);
        first.gas.safety = None;
        first.apply(SimTime::ZERO, 0, &Change::Field, 0.0, 1.0);
        let empty = first.valve_closes(SimTime::ZERO, hour).unwrap();
        first.close_valve(empty);
        assert!((first.left(hour)).abs() < 1e-6 && first.left(hour) <= 0.0);
    }

    #[test]
    fn warmth_and_thin_air_move_a_restrictor_and_hardly_a_roller_tube() {
        let flow = |kind: ActuatorKind, change: &Change| {
            let mut p = plant(kind);
            p.apply(SimTime::ZERO, 0, change, 0.0, 1.0);
            let end = strokes(&mut p, 40, 0.0, 0.25);
            p.line().at(SimTime::from_hours(end).unwrap()).out / 0.1
        };
        let warm = flow(ActuatorKind::Restrictor, &Change::Temperature(38.0));
        // 3.4 % of 161 kPa over 60 kPa, and 2 % of viscosity: about a ninth.
        assert!((1.09..1.14).contains(&warm), "{warm}");
        let high = flow(ActuatorKind::Restrictor, &Change::Ambient(75.3));
        assert!((1.33..1.65).contains(&high), "{high}");
        assert!((flow(ActuatorKind::Stepper, &Change::Temperature(38.0)) - 1.002).abs() < 1e-3);
        assert!((flow(ActuatorKind::Stepper, &Change::Ambient(75.3)) - 1.0).abs() < 1e-3);
    }
}
