//! The interface of all pump families.

use serde::{Deserialize, Serialize};

use super::messages::{
    Belief, Command, Disturbance, PumpError, PumpEvent, PumpNotice, Refill, RefillReport, Telemetry,
};
use crate::engine::SimTime;
use crate::scenario::model;
use crate::signals::{Drive, Others, Surroundings};

/// What a family needs to build a pump.
#[derive(Debug, Clone, PartialEq)]
pub struct PumpSetup {
    /// The device as the scenario describes it.
    pub device: model::Pump,
    /// Volume of pump tube and catheter *as entered in the programmer*; boluses that fill
    /// the line are computed from it, and a wrong entry makes them wrong \[mL\].
    pub dead_volume: f64,
    /// When the pump starts.
    pub start: SimTime,
}

/// A pump's next own event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextEvent {
    /// When; never before the last change.
    pub at: SimTime,
    /// What.
    pub event: PumpEvent,
    /// Name of the programme or fault behind it, as the caller gave it; `None` if the
    /// event follows from the pump alone.
    pub source: Option<String>,
}

/// One implanted pump.
///
/// The simulation owns it, keeps exactly one pending event for it, and asks for that
/// event again after every call that takes `&mut self`. An implementation must not draw
/// random numbers, and its queries must not depend on earlier queries: a sample taken or
/// not taken may not change a bit.
///
/// # Time
/// Calls come with a `now` that never runs backwards. Between changes all flows are
/// constant. An event's instant is rounded *up* to the nanosecond, so that when it is
/// handled its cause has already happened.
///
/// # A family of your own
/// Write its physics as [`super::Works`]; [`super::Device`] makes a pump of it, and
/// [`super::PumpRegistry::register`] takes it. Nothing in the crate needs to change. This
/// trait itself is for pumps that share nothing with the chassis.
///
/// # A pump without a simulation
/// Whoever drives a pump asks for its next event, comes back at that instant, and asks again:
///
/// ```
/// use itbsim::engine::SimTime;
/// use itbsim::parameters::ParameterSet;
/// use itbsim::pump::{Command, Pump, PumpRegistry, PumpSetup};
/// use itbsim::scenario::model::{self, Programme};
/// use itbsim::signals::Others;
///
/// let device = model::Pump {
///     family: "peristaltic".to_owned(),
///     reservoir_size: 20.0,           // mL
///     fill: 18.0,                     // mL
///     concentration: 2000.0,          // ug/mL, as is the label
///     label_concentration: 2000.0,
///     low_reservoir_alarm: 2.0,       // mL
///     gain: Some(1.0),                // true flow over programmed flow
///     age: 0.0,                       // h
///     approved_drug: true,
///     others: Others::NONE,
///     primary: None,
/// };
/// let setup = PumpSetup { device, dead_volume: 0.4, start: SimTime::ZERO };
/// let mut pump: Box<dyn Pump> = PumpRegistry::default().build(&setup, &ParameterSet::default())?;
///
/// // 400 ug/day are 0.2 mL/day.
/// let mode = Programme::SimpleContinuous { rate: 400.0 / 24.0 };
/// let mut notices = Vec::new();
/// pump.command(SimTime::ZERO, &Command::Programme { id: "maintenance".to_owned(), mode }, &mut notices)?;
/// assert!((pump.drive().flow - 0.2 / 24.0).abs() < 1e-12);
///
/// // 16 mL last 80 days until the low-reservoir alarm.
/// let end = SimTime::from_hours(81.0 * 24.0)?;
/// let mut seen = Vec::new();
/// while let Some(next) = pump.next_event().filter(|next| next.at <= end) {
///     pump.on_event(next.at, &next.event, &mut notices)?;
///     seen.push((next.at.hours() / 24.0, next.event.name().to_owned()));
/// }
/// assert!(seen.iter().any(|(day, name)| (day - 80.0).abs() < 1e-6 && name.contains("low_reservoir")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Pump: Send + Sync {
    /// Registered name of the family.
    fn family(&self) -> &str;

    /// A copy that shares nothing.
    fn clone_box(&self) -> Box<dyn Pump>;

    /// The complete state, for the restorer registered under [`Pump::family`].
    fn save(&self) -> serde_json::Value;

    /// Whether a programme can be sent to it.
    fn is_programmable(&self) -> bool {
        true
    }

    /// The true source at the outlet; zero flow when stopped, stalled, empty or out of service.
    fn drive(&self) -> Drive;

    /// The source in the mean, where [`Pump::drive`] comes in strokes; what judges the delivery
    /// asks for this one.
    fn mean_drive(&self) -> Drive {
        self.drive()
    }

    /// Flow the device believes it delivers \[mL/h\].
    fn programmed_flow(&self) -> f64;

    /// The same by the label \[ug/h\].
    fn programmed_dose_rate(&self) -> f64;

    /// True concentration of what leaves the reservoir \[ug/mL\].
    fn outlet_concentration(&self) -> f64;

    /// True concentrations of other drugs in what leaves the reservoir \[ug/mL\]. A pump that
    /// carries no others need not say so.
    fn outlet_others(&self) -> Others {
        Others::NONE
    }

    /// Reports the flow that really leaves from `now` on, which an obstructed catheter
    /// may have limited \[mL/h\]. Until told otherwise after a change of its own, a pump
    /// assumes that its drive's flow leaves. The same flow again changes nothing.
    fn set_outflow(&mut self, now: SimTime, outflow: f64);

    /// True flow that leaves now \[mL/h\].
    fn outflow(&self) -> f64;

    /// True usable volume in the reservoir \[mL\].
    fn reservoir_volume(&self, at: SimTime) -> f64;

    /// All drug in the reservoir, with what lies below the usable volume \[ug\].
    fn reservoir_drug(&self, at: SimTime) -> f64;

    /// As [`Pump::reservoir_drug`], for other drugs \[ug\].
    fn reservoir_others(&self, at: SimTime) -> Others {
        let _ = at;
        Others::NONE
    }

    /// Reservoir volume the device computes from its programme \[mL\].
    fn believed_volume(&self, at: SimTime) -> f64;

    /// Volume that has left the outlet since the start \[mL\].
    fn delivered_volume(&self, at: SimTime) -> f64;

    /// Drug that has left the outlet since the start \[ug\].
    fn delivered_drug(&self, at: SimTime) -> f64;

    /// What the pump will do next by itself at its present rates, if anything.
    fn next_event(&self) -> Option<NextEvent>;

    /// Handles the event announced by [`Pump::next_event`], at its instant.
    ///
    /// # Errors
    /// [`PumpError::Unsupported`] for an event the family does not have.
    fn on_event(&mut self, now: SimTime, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> Result<(), PumpError>;

    /// Obeys the programmer.
    ///
    /// # Errors
    /// [`PumpError`] if the request is refused; the pump is then as it was.
    fn command(&mut self, now: SimTime, command: &Command, out: &mut Vec<PumpNotice>) -> Result<(), PumpError>;

    /// The patient asks for a bolus with the handset, under the name `id`, which later rate steps
    /// give as their cause. The answer is a notice, [`PumpNotice::BolusGranted`] or
    /// [`PumpNotice::BolusRefused`]; a refusal changes nothing but the pump's log.
    ///
    /// A pump refuses unless its family knows better.
    fn demand(&mut self, now: SimTime, id: &str, out: &mut Vec<PumpNotice>) {
        let _ = (now, id);
        out.push(PumpNotice::BolusRefused {
            why: super::Refusal::NotAllowed,
        });
    }

    /// Empties (if asked) and fills the reservoir, and enters the label.
    ///
    /// # Errors
    /// [`PumpError::OverFill`] or [`PumpError::Value`]; the pump is then as it was.
    fn refill(&mut self, now: SimTime, refill: &Refill, out: &mut Vec<PumpNotice>) -> Result<RefillReport, PumpError>;

    /// Begins or changes what happens to the pump under the name `source`.
    ///
    /// # Errors
    /// [`PumpError::Unsupported`] for a disturbance the family does not know, and
    /// [`PumpError::Value`] for impossible values.
    fn disturb(
        &mut self,
        now: SimTime,
        source: &str,
        disturbance: &Disturbance,
        out: &mut Vec<PumpNotice>,
    ) -> Result<(), PumpError>;

    /// Ends everything that happens to the pump under the name `source`; an unknown name
    /// changes nothing.
    fn relieve(&mut self, now: SimTime, source: &str, out: &mut Vec<PumpNotice>);

    /// What the device believes, in numbers: the part of [`Pump::telemetry`] that is written
    /// with every output row, beside the truth.
    ///
    /// A family that counts what it delivers overrides this; by default it is taken to count right.
    fn belief(&self, at: SimTime) -> Belief {
        let t = self.telemetry(at);
        Belief {
            reservoir_volume: t.reservoir_volume,
            counted_volume: self.delivered_volume(at),
            low_reservoir_in: t.low_reservoir_in,
            service_left: t.battery_left,
        }
    }

    /// Changes pressure and warmth around the pump. Gives the volume that the reservoir has
    /// drawn back through the catheter since they changed last \[mL\]; the caller moves the
    /// column and answers with [`Pump::take_back`].
    fn surround(&mut self, now: SimTime, surroundings: Surroundings, out: &mut Vec<PumpNotice>) -> f64 {
        let _ = (now, surroundings, out);
        0.0
    }

    /// Lets fluid that runs back through the line into the reservoir, unseen by the device
    /// \[mL, ug, ug\]. Says whether there was room; if not, nothing has changed.
    fn take_back(&mut self, now: SimTime, volume: f64, drug: f64, others: Others) -> bool {
        let _ = (now, volume, drug, others);
        false
    }

    /// What an interrogation would show.
    fn telemetry(&self, at: SimTime) -> Telemetry;
}

impl Clone for Box<dyn Pump> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

impl std::fmt::Debug for dyn Pump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pump").field(&self.save()).finish()
    }
}
