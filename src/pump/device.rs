//! A chassis with the works of one family in it: the whole of a pump.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::chassis::{Chassis, Equipment, Took};
use super::handset::Refusal;
use super::interface::{NextEvent, Pump, PumpSetup};
use super::messages::{
    Belief, Command, Disturbance, PumpError, PumpEvent, PumpNotice, Refill, RefillReport, Telemetry,
};
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::signals::{Drive, Others, Surroundings};

/// What moves the drug in one family of pumps, and nothing else.
///
/// [`Device`] joins works with a [`Chassis`] and is a complete [`Pump`]: programme, reservoir,
/// battery, alarms, log, storage and accounting come with it. An implementation says what
/// the pump offers at its outlet ([`drive`](Works::drive)); every other method has a default
/// for a family without that trait.
///
/// # When methods are called
/// After any change the device brings the chassis up to date, asks for the drive, and calls
/// [`paced`](Works::paced). A change of what leaves comes as [`flowing`](Works::flowing). No
/// method may draw random numbers; queries may not depend on earlier queries.
///
/// # Example
/// ```
/// use itbsim::parameters::ParameterSet;
/// use itbsim::pump::{Chassis, Equipment, PumpError, PumpFamily, PumpRegistry, PumpSetup, Works};
/// use itbsim::signals::Drive;
/// use serde::{Deserialize, Serialize};
///
/// /// A spring that pushes 1 mL/day through a narrow tube.
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// struct Spring;
///
/// impl Works for Spring {
///     const FAMILY: PumpFamily = PumpFamily { summary: "a spring", ..PumpFamily::of::<Self>("spring") };
///
///     fn new(_: &PumpSetup, _: &ParameterSet) -> Result<(Self, Equipment), PumpError> {
///         let equipment = Equipment { residual: 0.0, limits: None, battery: None, fixed_flow: 1.0 / 24.0 };
///         Ok((Spring, equipment))
///     }
///
///     fn drive(&self, chassis: &Chassis) -> Drive {
///         let flow = if chassis.can_deliver() { chassis.programmed() } else { 0.0 };
///         Drive { flow, droop: flow / 50.0, max_pressure: 50.0 }
///     }
/// }
///
/// let mut registry = PumpRegistry::default();
/// registry.register(Spring::FAMILY);
/// ```
#[allow(unused_variables)] // defaults that look at nothing
pub trait Works: Clone + std::fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the registry and the loader know of the family.
    const FAMILY: super::PumpFamily;

    /// New works, and the chassis they want.
    ///
    /// # Errors
    /// [`PumpError::Value`] for a setup that cannot be.
    fn new(setup: &PumpSetup, parameters: &ParameterSet) -> Result<(Self, Equipment), PumpError>;

    /// What the pump offers at its outlet in the present state.
    fn drive(&self, chassis: &Chassis) -> Drive;

    /// A new programme or fill: what holds for one refill period is worked out again.
    fn period(&mut self, now: SimTime, chassis: &Chassis) {}

    /// More is within reach without a new fill: what was trapped came free, or fluid ran back.
    fn regained(&mut self, now: SimTime, chassis: &Chassis) {}

    /// Called at the end of each change, with the programmed flow in force.
    fn paced(&mut self, now: SimTime, chassis: &Chassis) {}

    /// What really leaves from `now` on \[mL/h\].
    fn flowing(&mut self, now: SimTime, outflow: f64) {}

    /// Since when the device knows that it stands still, for reasons of the works.
    fn known_still(&self) -> Option<SimTime> {
        None
    }

    /// Name of the fault that holds the works, if any does.
    fn held_by(&self) -> Option<String> {
        None
    }

    /// Whether a handset gets no answer: a strong magnetic field is there, or the pump hangs.
    fn is_deaf(&self, now: SimTime) -> bool {
        false
    }

    /// Offers the events of the works: when, what, and the name of the fault behind it.
    fn events(&self, chassis: &Chassis, offer: &mut dyn FnMut(Option<SimTime>, PumpEvent, Option<String>)) {}

    /// Handles an event of the works and says whether it was one.
    fn on_event(&mut self, now: SimTime, chassis: &mut Chassis, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> bool {
        false
    }

    /// Takes a disturbance and says whether the family can have it. Those that strike the
    /// chassis (gain, memory, battery, reservoir) have been taken before.
    ///
    /// # Errors
    /// [`PumpError::Value`] for impossible values.
    fn disturb(
        &mut self,
        now: SimTime,
        chassis: &mut Chassis,
        source: &str,
        disturbance: &Disturbance,
        out: &mut Vec<PumpNotice>,
    ) -> Result<bool, PumpError> {
        Ok(false)
    }

    /// Ends everything that goes on under the name `source`.
    fn relieve(&mut self, now: SimTime, source: &str, out: &mut Vec<PumpNotice>) {}

    /// A session with the programmer.
    fn answer(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) {}

    /// Resets a safety valve and says whether the family has one.
    fn reset_valve(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) -> bool {
        false
    }

    /// Pressure or warmth outside is about to change. Gives the volume that the reservoir has
    /// drawn back through the catheter since they changed last \[mL\]; the caller moves the
    /// column and answers with [`Pump::take_back`].
    fn surrounded(
        &mut self,
        now: SimTime,
        chassis: &mut Chassis,
        surroundings: Surroundings,
        out: &mut Vec<PumpNotice>,
    ) -> f64 {
        0.0
    }

    /// Adds what only this family shows.
    fn telemetry(&self, at: SimTime, chassis: &Chassis, telemetry: &mut Telemetry) {}
}

/// A pump of one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device<W> {
    chassis: Chassis,
    works: W,
    drive: Drive,
}

impl<W: Works> Device<W> {
    /// A pump as its setup describes it. A programmable one waits for its first programme,
    /// any other runs at once.
    ///
    /// # Errors
    /// [`PumpError::OverFill`] or [`PumpError::Value`].
    pub fn new(setup: &PumpSetup, parameters: &ParameterSet) -> Result<Self, PumpError> {
        let (works, equipment) = W::new(setup, parameters)?;
        let mut device = Self {
            chassis: Chassis::new(setup, equipment, parameters)?,
            works,
            drive: Drive {
                flow: 0.0,
                droop: 0.0,
                max_pressure: 0.0,
            },
        };
        device.update(setup.start, true, &mut Vec::new());
        Ok(device)
    }

    /// The works.
    pub fn works(&self) -> &W {
        &self.works
    }

    /// The parts all families share.
    pub fn chassis(&self) -> &Chassis {
        &self.chassis
    }

    /// Brings all rates in line with the state at `now`; rates that stay equal touch nothing.
    fn update(&mut self, now: SimTime, new_period: bool, out: &mut Vec<PumpNotice>) {
        self.chassis.begin(now, out);
        // A gain may depend on the battery life left, and that on the new flow.
        if new_period {
            self.works.period(now, &self.chassis);
        }
        let drive = self.works.drive(&self.chassis);
        let outflow = if drive == self.drive {
            self.chassis.reservoir().outflow()
        } else {
            drive.flow
        };
        self.drive = drive;
        self.chassis.set_outflow(now, outflow);
        self.works.flowing(now, outflow);
        self.works.paced(now, &self.chassis);
        self.chassis.settle_stopped(now, self.works.known_still(), out);
    }

    /// Tells the works if more is within reach than the `before` of this instant \[mL\].
    fn look_for_more(&mut self, now: SimTime, before: f64) {
        if self.chassis.reservoir().usable(now) > before {
            self.works.regained(now, &self.chassis);
        }
    }

    fn unsupported(what: &str) -> PumpError {
        PumpError::Unsupported {
            family: W::FAMILY.name.to_owned(),
            what: what.to_owned(),
        }
    }
}

impl<W: Works> Pump for Device<W> {
    fn family(&self) -> &str {
        W::FAMILY.name
    }

    fn clone_box(&self) -> Box<dyn Pump> {
        Box::new(self.clone())
    }

    fn save(&self) -> serde_json::Value {
        // Every map is keyed by text and no number is NaN or infinite, so this cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }

    fn is_programmable(&self) -> bool {
        self.chassis.is_programmable()
    }

    fn drive(&self) -> Drive {
        self.drive
    }

    fn programmed_flow(&self) -> f64 {
        self.chassis.programmed()
    }

    fn programmed_dose_rate(&self) -> f64 {
        self.chassis.programmed() * self.chassis.label()
    }

    fn outlet_concentration(&self) -> f64 {
        self.chassis.reservoir().concentration()
    }

    fn outlet_others(&self) -> Others {
        self.chassis.reservoir().others()
    }

    fn set_outflow(&mut self, now: SimTime, outflow: f64) {
        self.chassis.set_outflow(now, outflow);
        self.works.flowing(now, outflow);
    }

    fn outflow(&self) -> f64 {
        self.chassis.reservoir().outflow()
    }

    fn reservoir_volume(&self, at: SimTime) -> f64 {
        self.chassis.reservoir().usable(at)
    }

    fn reservoir_drug(&self, at: SimTime) -> f64 {
        self.chassis.reservoir().drug(at)
    }

    fn reservoir_others(&self, at: SimTime) -> Others {
        self.chassis.reservoir().others_inside(at)
    }

    fn believed_volume(&self, at: SimTime) -> f64 {
        self.chassis.reservoir().believed(at)
    }

    fn delivered_volume(&self, at: SimTime) -> f64 {
        self.chassis.reservoir().delivered(at)
    }

    fn delivered_drug(&self, at: SimTime) -> f64 {
        self.chassis.reservoir().delivered_drug(at)
    }

    fn next_event(&self) -> Option<NextEvent> {
        let mut best: Option<NextEvent> = None;
        let mut offer = |at: Option<SimTime>, event: PumpEvent, source: Option<String>| {
            let Some(at) = at.map(|at| self.chassis.not_before_seen(at)) else {
                return;
            };
            // Of events at one instant the one offered first is handled first.
            if best.as_ref().is_none_or(|b| at < b.at) {
                best = Some(NextEvent { at, event, source });
            }
        };
        self.chassis.first_events(&mut offer);
        self.works.events(&self.chassis, &mut offer);
        self.chassis
            .last_events(self.works.known_still(), self.works.held_by(), &mut offer);
        best
    }

    fn on_event(&mut self, now: SimTime, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        if !self.chassis.on_event(now, event, out) && !self.works.on_event(now, &mut self.chassis, event, out) {
            return Err(Self::unsupported(event.name()));
        }
        self.update(now, false, out);
        Ok(())
    }

    fn command(&mut self, now: SimTime, command: &Command, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        let family = W::FAMILY.name;
        let mut new_period = false;
        match command {
            Command::Programme { id, mode } => {
                let set = |s: &mut super::Schedule, label: f64| s.programme(now, id, mode, label);
                self.chassis.programme(family, now, id, set, out)?;
                new_period = true;
            }
            Command::ScaleDose { id, factor } => {
                let set = |s: &mut super::Schedule, label: f64| s.scale(id, *factor, label);
                self.chassis.programme(family, now, id, set, out)?;
            }
            Command::SetLabel { concentration } => self.chassis.set_label(now, *concentration, out)?,
            Command::SetVolume { volume } => self.chassis.set_volume(now, *volume, out)?,
            Command::ResetValve => {
                if !self.works.reset_valve(now, out) {
                    return Err(Self::unsupported("a safety valve"));
                }
            }
            Command::Interrogate => {}
        }
        self.works.answer(now, out);
        self.update(now, new_period, out);
        Ok(())
    }

    fn demand(&mut self, now: SimTime, id: &str, out: &mut Vec<PumpNotice>) {
        if self.works.is_deaf(now) {
            // Nothing reaches the pump, so nothing is in its log.
            out.push(PumpNotice::BolusRefused { why: Refusal::NoAnswer });
            return;
        }
        match self.chassis.demand(now, id, self.works.known_still()) {
            Ok(dose) => {
                out.push(PumpNotice::BolusGranted { dose });
                self.update(now, false, out);
            }
            Err(why) => out.push(PumpNotice::BolusRefused { why }),
        }
    }

    fn refill(&mut self, now: SimTime, refill: &Refill, out: &mut Vec<PumpNotice>) -> Result<RefillReport, PumpError> {
        let report = self.chassis.refill(now, refill, out)?;
        self.update(now, true, out);
        Ok(report)
    }

    fn disturb(
        &mut self,
        now: SimTime,
        source: &str,
        disturbance: &Disturbance,
        out: &mut Vec<PumpNotice>,
    ) -> Result<(), PumpError> {
        let before = self.reservoir_volume(now);
        let took = self.chassis.disturb(now, source, disturbance, out)?;
        if took == Took::No && !self.works.disturb(now, &mut self.chassis, source, disturbance, out)? {
            return Err(Self::unsupported(disturbance.name()));
        }
        self.look_for_more(now, before);
        self.update(now, took == Took::NewGain, out);
        Ok(())
    }

    fn relieve(&mut self, now: SimTime, source: &str, out: &mut Vec<PumpNotice>) {
        let before = self.reservoir_volume(now);
        let new_gain = self.chassis.relieve(now, source, out);
        self.works.relieve(now, source, out);
        self.look_for_more(now, before);
        self.update(now, new_gain, out);
    }

    fn surround(&mut self, now: SimTime, surroundings: Surroundings, out: &mut Vec<PumpNotice>) -> f64 {
        if surroundings == self.chassis.surroundings() {
            return 0.0;
        }
        let drawn = self.works.surrounded(now, &mut self.chassis, surroundings, out);
        self.chassis.set_surroundings(surroundings);
        self.update(now, false, out);
        drawn
    }

    fn take_back(&mut self, now: SimTime, volume: f64, drug: f64, others: Others) -> bool {
        let before = self.reservoir_volume(now);
        let taken = self.chassis.take_back(now, volume, drug, others);
        if taken {
            self.look_for_more(now, before);
            self.update(now, false, &mut Vec::new());
        }
        taken
    }

    fn belief(&self, at: SimTime) -> Belief {
        self.chassis.belief(at)
    }

    fn telemetry(&self, at: SimTime) -> Telemetry {
        let mut telemetry = self.chassis.telemetry(at);
        self.works.telemetry(at, &self.chassis, &mut telemetry);
        telemetry
    }
}
