//! What pushes the drug: a stepper with gear and roller tube, two solenoid valves with an
//! accumulator, or a restrictor behind a valve.
//!
//! All three work in *strokes* of a nominal volume. What a stroke really brings depends on the
//! pressures before and behind it, on warmth, wear, supply, and on luck by keyed draws.

use serde::{Deserialize, Serialize};

use super::line::Line;
use crate::engine::SimTime;
use crate::numerics::draws::{Channel, Draws};
use crate::parameters::ParameterSet;
use crate::signals::ActuatorKind;

/// Strokes that may wait; more are refused.
const MOST_WAITING: u32 = 16;

/// What a stroke meets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    /// Gauge pressure in the reservoir \[kPa\].
    pub reservoir: f64,
    /// Warmth above body temperature \[degC\].
    pub warmer: f64,
    /// Volume left in the reservoir \[mL\].
    pub left: f64,
}

/// What a stroke does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stroke {
    /// Nothing moves.
    Dead,
    /// The mechanism moves and pushes a volume in a time \[mL, h\]; no time is at once.
    Push {
        /// Volume \[mL\].
        volume: f64,
        /// Length \[h\].
        hours: f64,
    },
    /// A valve to the reservoir opens for a time \[h\].
    Open {
        /// Length \[h\].
        hours: f64,
    },
}

/// An actuator and its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Actuator {
    kind: ActuatorKind,
    /// Nominal volume of a stroke \[mL\].
    stroke: f64,
    time: f64,
    /// Shortest time from one stroke to the next \[h\].
    spacing: f64,
    sd: f64,
    ripple: f64,
    ripple_strokes: f64,
    droop: f64,
    expansion: f64,
    wear: f64,
    max_pressure: f64,
    full_at: f64,
    least_supply: f64,
    energy: f64,
    /// Strokes tried, moved, and not taken because too many waited.
    commanded: u64,
    moved: u64,
    refused: u64,
    waiting: u32,
    /// Share of the strokes that the gear loses \[1\].
    pub(super) slip: f64,
    /// Whether a strong magnetic field is there.
    pub(super) field: bool,
    /// Supply over its nominal value \[1\].
    pub(super) supply: f64,
    /// Whether a safety valve has shut for good.
    pub(super) shut: bool,
    volume_luck: Channel,
    slip_luck: Channel,
}

impl Actuator {
    /// A sound actuator; `restrictor_flow` is what its restrictor lets through at body
    /// temperature and sea level with the valve open \[mL/h\].
    pub(super) fn new(
        kind: ActuatorKind,
        stroke: f64,
        restrictor_flow: f64,
        parameters: &ParameterSet,
        draws: &Draws,
    ) -> Self {
        let seconds = |key: &str| parameters.get(key) / 3600.0;
        let roller = |value: f64| if kind == ActuatorKind::Stepper { value } else { 0.0 };
        let time = match kind {
            ActuatorKind::Restrictor => stroke / restrictor_flow,
            _ => seconds("flow.stroke.time"),
        };
        Actuator {
            kind,
            stroke,
            time,
            spacing: (1.0 / (3600.0 * parameters.get("flow.stroke.most_per_second"))).max(time),
            sd: parameters.get("flow.stroke.sd"),
            ripple: roller(parameters.get("flow.stepper.ripple")),
            ripple_strokes: parameters.get("flow.stepper.ripple_strokes"),
            droop: roller(parameters.get("flow.stepper.droop")),
            expansion: roller(parameters.get("flow.stepper.expansion")),
            wear: roller(parameters.get("flow.stepper.wear")),
            max_pressure: parameters.get("pump.drive.max_pressure"),
            full_at: parameters.get("flow.valve.full_at"),
            least_supply: parameters.get("flow.supply.least"),
            energy: match kind {
                ActuatorKind::Stepper => parameters.get("flow.stepper.energy"),
                ActuatorKind::Valves => parameters.get("flow.valve.energy"),
                ActuatorKind::Restrictor => parameters.get("flow.restrictor.energy"),
            },
            commanded: 0,
            moved: 0,
            refused: 0,
            waiting: 0,
            slip: 0.0,
            field: false,
            supply: 1.0,
            shut: false,
            volume_luck: draws.channel("flow.actuator", "stroke volume"),
            slip_luck: draws.channel("flow.actuator", "gear slip"),
        }
    }

    /// How it works.
    pub fn kind(&self) -> ActuatorKind {
        self.kind
    }

    /// Nominal volume of a stroke \[mL\].
    pub fn stroke(&self) -> f64 {
        self.stroke
    }

    /// Largest flow it can follow \[mL/h\].
    pub fn most(&self) -> f64 {
        self.stroke / self.spacing
    }

    /// Strokes tried so far.
    pub fn strokes(&self) -> u64 {
        self.commanded
    }

    /// Strokes in which something moved; a position sensor counts these.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Commands not taken because too many strokes waited.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Energy of the strokes so far \[mJ\].
    pub fn energy(&self) -> f64 {
        self.energy * self.commanded as f64
    }

    /// Shortest time from one stroke to the next \[h\].
    pub(super) fn spacing(&self) -> f64 {
        self.spacing
    }

    pub(super) fn ask(&mut self, strokes: u32) {
        let taken = strokes.min(MOST_WAITING - self.waiting.min(MOST_WAITING));
        self.waiting += taken;
        self.refused += u64::from(strokes - taken);
    }

    pub(super) fn forget(&mut self) {
        self.waiting = 0;
    }

    pub(super) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Works out the next stroke against a line.
    pub(super) fn next(&mut self, now: SimTime, line: &Line, load: Load) -> Stroke {
        self.waiting = self.waiting.saturating_sub(1);
        let ordinal = self.commanded;
        self.commanded += 1;
        let power = (self.supply - self.least_supply) / (1.0 - self.least_supply);
        if self.shut || self.field || power <= 0.0 {
            return Stroke::Dead;
        }
        if self.slip > 0.0 && self.slip_luck.uniform(ordinal) < self.slip {
            return Stroke::Dead;
        }
        let pressure = line.at(now).pressure;
        let luck = if self.sd > 0.0 {
            self.sd * self.volume_luck.standard_normal(ordinal)
        } else {
            0.0
        };
        let (share, most) = match self.kind {
            ActuatorKind::Restrictor => {
                self.moved += 1;
                return Stroke::Open { hours: self.time };
            }
            ActuatorKind::Stepper => {
                let turn = (self.moved as f64 % self.ripple_strokes) / self.ripple_strokes;
                let share = (1.0 + luck)
                    * (1.0 + self.ripple * libm::sin(2.0 * std::f64::consts::PI * turn))
                    * (1.0 - self.droop * (pressure - load.reservoir))
                    * (1.0 + self.expansion * load.warmer)
                    * (1.0 - self.wear * self.moved as f64);
                (share, self.max_pressure * power.min(1.0))
            }
            ActuatorKind::Valves => {
                let fill = ((load.reservoir - pressure) / self.full_at).clamp(0.0, 1.0);
                ((1.0 + luck) * fill, load.reservoir)
            }
        };
        let wanted = (self.stroke * share).max(0.0).min(load.left);
        let volume = line.limited(now, wanted, self.time, most);
        if self.kind == ActuatorKind::Stepper && volume < 0.5 * wanted {
            // The motor stops against the pressure; the rotor does not reach its next place.
            return Stroke::Push {
                volume,
                hours: self.time,
            };
        }
        self.moved += 1;
        Stroke::Push {
            volume,
            hours: self.time,
        }
    }
}
