//! Boluses on the patient's demand: what the pump was told to grant, and what it granted.
//!
//! The clinician sets a dose, its length, the shortest time between two boluses (the lockout) and
//! how many may be had in 24 hours. The patient presses the key of a handset; the pump grants or
//! refuses. Both limits are counted from the beginnings of boluses that were granted: a refused
//! demand costs nothing and starts no lockout.

use serde::{Deserialize, Serialize};

use super::messages::PumpError;
use crate::engine::SimTime;

/// The time in which boluses are counted \[ns\].
const WINDOW: i64 = 86_400_000_000_000;

/// Why a pump grants no bolus to its patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The handset gets no answer: a strong magnetic field, or a pump that hangs in telemetry.
    NoAnswer,
    /// The pump has shut down for good.
    OutOfService,
    /// No programme allows boluses on demand.
    NotAllowed,
    /// A damaged memory or a reset left the pump at its lowest rate.
    Upset,
    /// The pump knows that it stands still.
    Still,
    /// By the pump's own count the reservoir is empty.
    Empty,
    /// The programme is stopped, or runs at the minimum rate.
    Stopped,
    /// A bolus runs.
    Running,
    /// The last bolus began too short a time ago.
    Lockout,
    /// There were as many in 24 hours as are allowed.
    Most,
    /// The pump cannot flow as fast as the bolus needs at the present concentration.
    TooFast,
}

impl Refusal {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Refusal::NoAnswer => "the handset gets no answer",
            Refusal::OutOfService => "the pump is out of service",
            Refusal::NotAllowed => "no programme allows it",
            Refusal::Upset => "the pump waits to be programmed again",
            Refusal::Still => "the pump stands still",
            Refusal::Empty => "the reservoir is empty by the pump's count",
            Refusal::Stopped => "the pump is stopped",
            Refusal::Running => "a bolus runs",
            Refusal::Lockout => "too soon after the last bolus",
            Refusal::Most => "as many in 24 h as are allowed",
            Refusal::TooFast => "the flow is beyond the pump",
        }
    }
}

/// What the pump was told to grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Handset {
    /// Dose of one bolus \[ug\].
    pub(super) dose: f64,
    /// Length of one bolus \[h\].
    pub(super) over: f64,
    /// Shortest time from one beginning to the next \[ns\].
    lockout: i64,
    /// Most in 24 hours.
    most: u32,
    /// Beginnings of those granted in the last 24 hours, and of the last one.
    granted: Vec<SimTime>,
}

impl Handset {
    /// Checks what was programmed. Whether the pump can flow so fast is the schedule's to say.
    pub(super) fn new(dose: f64, over: f64, lockout: f64, most: u32) -> Result<Self, PumpError> {
        use super::schedule::{nanos, require};
        require("patient bolus dose", dose, dose > 0.0, "above zero")?;
        require("patient bolus length", over, over > 0.0, "above zero")?;
        require("lockout", lockout, lockout >= 0.0, "not below zero")?;
        require("most patient boluses a day", f64::from(most), most > 0, "at least one")?;
        Ok(Self {
            dose,
            over,
            lockout: nanos(lockout)?,
            most,
            granted: Vec::new(),
        })
    }

    /// Takes over what another handset has granted: a new setting gives nothing away.
    pub(super) fn after(self, before: Option<Handset>) -> Self {
        Self {
            granted: before.map_or(Vec::new(), |b| b.granted),
            ..self
        }
    }

    /// Whether another bolus may begin at `now`.
    pub(super) fn allows(&self, now: SimTime) -> Result<(), Refusal> {
        let since = |t: &SimTime| now.as_nanos() - t.as_nanos();
        if self.granted.last().is_some_and(|last| since(last) < self.lockout) {
            return Err(Refusal::Lockout);
        }
        let recent = self.granted.iter().filter(|t| since(t) < WINDOW).count();
        if recent >= self.most as usize {
            return Err(Refusal::Most);
        }
        Ok(())
    }

    /// One begins at `now`.
    pub(super) fn grant(&mut self, now: SimTime) {
        self.granted.retain(|t| now.as_nanos() - t.as_nanos() < WINDOW);
        self.granted.push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SimSpan;

    fn at(hours: f64) -> SimTime {
        SimTime::ZERO.checked_add(SimSpan::from_hours(hours).unwrap()).unwrap()
    }

    #[test]
    fn a_lockout_runs_from_beginning_to_beginning_and_ends_at_its_instant() {
        let mut handset = Handset::new(10.0, 0.1, 4.0, 24).unwrap();
        assert_eq!(handset.allows(at(0.0)), Ok(()));
        handset.grant(at(0.0));
        assert_eq!(handset.allows(at(3.999_999)), Err(Refusal::Lockout));
        assert_eq!(handset.allows(at(4.0)), Ok(()));
    }

    #[test]
    fn no_window_of_a_day_holds_more_than_the_most() {
        let mut handset = Handset::new(10.0, 0.1, 1.0, 3).unwrap();
        let mut granted: Vec<f64> = Vec::new();
        for k in 0..400 {
            let hour = f64::from(k) * 0.7;
            if handset.allows(at(hour)).is_ok() {
                handset.grant(at(hour));
                granted.push(hour);
            }
        }
        for (i, from) in granted.iter().enumerate() {
            let within = granted[i..].iter().filter(|t| **t < from + 24.0).count();
            assert!(within <= 3, "{within} from {from} h on");
        }
        // Three at the earliest demands behind the lockout, and the fourth a day after the first.
        assert_eq!(granted[..4], [0.0, 1.4, 2.8, 0.7 * 35.0]);
        assert_eq!(handset.granted.len(), 3);
    }

    #[test]
    fn a_bolus_a_day_old_is_forgotten_when_the_next_is_granted() {
        let mut handset = Handset::new(10.0, 0.1, 1.0, 3).unwrap();
        for hour in [0.0, 2.0, 24.0] {
            handset.grant(at(hour));
        }
        assert_eq!(handset.granted, [at(2.0), at(24.0)]);
    }

    #[test]
    fn a_new_setting_forgets_nothing_and_nonsense_is_refused() {
        let mut first = Handset::new(10.0, 0.1, 1.0, 1).unwrap();
        first.grant(at(0.0));
        let second = Handset::new(20.0, 0.1, 1.0, 1).unwrap().after(Some(first));
        assert_eq!(second.allows(at(23.0)), Err(Refusal::Most));
        for (dose, over, lockout, most) in [
            (0.0, 0.1, 1.0, 1),
            (1.0, 0.0, 1.0, 1),
            (1.0, 0.1, -1.0, 1),
            (1.0, 0.1, 1.0, 0),
        ] {
            assert!(Handset::new(dose, over, lockout, most).is_err());
        }
    }
}
