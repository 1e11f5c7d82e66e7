//! What holds the rotor, and when the device notices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;
use crate::parameters::ParameterSet;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Hold {
    /// Stuck until repaired.
    Stall,
    /// Held by a field, and for `delay` hours after it.
    Magnet {
        field_end: Option<SimTime>,
        delay: f64,
        restart: Option<SimTime>,
    },
    /// Waiting in telemetry mode.
    Hang,
}

/// What the device knows about its rotor. It infers motion from missed volume, so it
/// learns of a stall late, the later the lower the rate, and not at all while stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Watch {
    Turning,
    Still { since: SimTime, count: Count },
    StillKnown { since: SimTime },
    Resumed { still_since: SimTime, count: Count },
}

/// Programmed volume since something began, linear from its origin \[mL, mL/h\].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Count {
    origin: SimTime,
    volume: f64,
    /// When it began, later by the time in which nothing was programmed.
    from: SimTime,
}

/// The rotor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rotor {
    holds: BTreeMap<String, Hold>,
    watch: Watch,
    flow: f64,
    missed_volume: f64,
    latency_min: f64,
    latency_max: f64,
}

impl Rotor {
    pub(super) fn new(parameters: &ParameterSet) -> Self {
        Self {
            holds: BTreeMap::new(),
            watch: Watch::Turning,
            flow: 0.0,
            missed_volume: parameters.get("pump.stall.missed_volume"),
            latency_min: parameters.get("pump.stall.latency_min"),
            latency_max: parameters.get("pump.stall.latency_max"),
        }
    }

    /// Whether something keeps the rotor from turning.
    pub(super) fn is_held(&self) -> bool {
        !self.holds.is_empty()
    }

    /// Whether a handset gets no answer: a field is there, or the pump waits in telemetry mode.
    pub(super) fn is_deaf(&self, now: SimTime) -> bool {
        self.holds.values().any(|hold| match hold {
            Hold::Stall => false,
            Hold::Hang => true,
            Hold::Magnet { field_end, .. } => field_end.is_none_or(|end| end > now),
        })
    }

    /// Name of what holds it (the first by name).
    pub(super) fn held_by(&self) -> Option<String> {
        self.holds.keys().next().cloned()
    }

    pub(super) fn stall(&mut self, now: SimTime, source: &str) {
        self.holds.insert(source.to_owned(), Hold::Stall);
        self.update(now);
    }

    pub(super) fn hang(&mut self, now: SimTime, source: &str) {
        self.holds.entry(source.to_owned()).or_insert(Hold::Hang);
        self.update(now);
    }

    /// A field begins; if the same source holds the rotor already, only its delay changes.
    pub(super) fn magnet(&mut self, now: SimTime, source: &str, field: Option<f64>, delay: f64) {
        if let Some(Hold::Magnet {
            field_end,
            delay: old,
            restart,
        }) = self.holds.get_mut(source)
        {
            *old = delay;
            *restart = field_end.and_then(|end| end.due_after(delay));
        } else {
            let field_end = field.and_then(|hours| now.due_after(hours));
            let restart = field_end.and_then(|end| end.due_after(delay));
            self.holds.insert(
                source.to_owned(),
                Hold::Magnet {
                    field_end,
                    delay,
                    restart,
                },
            );
        }
        self.update(now);
    }

    /// Ends a hold; a rotor that leaves a field still waits for its delay.
    pub(super) fn relieve(&mut self, now: SimTime, source: &str) {
        if let Some(Hold::Magnet {
            field_end,
            delay,
            restart,
        }) = self.holds.get_mut(source)
        {
            let end = field_end.unwrap_or(now).min(now);
            *field_end = Some(end);
            *restart = end.due_after(*delay);
            if restart.is_some_and(|at| at > now) {
                return;
            }
        }
        self.holds.remove(source);
        self.update(now);
    }

    /// Ends every telemetry hang.
    pub(super) fn answer(&mut self, now: SimTime) {
        self.holds.retain(|_, hold| *hold != Hold::Hang);
        self.update(now);
    }

    /// The next rotor that comes free of a field by itself.
    pub(super) fn restart_at(&self) -> Option<(SimTime, String)> {
        self.holds
            .iter()
            .filter_map(|(source, hold)| match hold {
                Hold::Magnet { restart: Some(at), .. } => Some((*at, source.clone())),
                _ => None,
            })
            .min()
    }

    /// Lets go what is due.
    pub(super) fn restart(&mut self, now: SimTime) {
        self.holds
            .retain(|_, hold| !matches!(hold, Hold::Magnet { restart: Some(at), .. } if *at <= now));
        self.update(now);
    }

    /// Sets the programmed flow from `now` on \[mL/h\].
    pub(super) fn set_flow(&mut self, now: SimTime, flow: f64) {
        if flow == self.flow {
            return;
        }
        if let Watch::Still { count, .. } | Watch::Resumed { count, .. } = &mut self.watch {
            if self.flow <= 0.0 {
                let passed = count.origin.as_nanos() - count.from.as_nanos();
                count.from = SimTime::from_nanos(now.as_nanos() - passed);
            }
            count.volume += self.flow * now.hours_since(count.origin);
            count.origin = now;
        }
        self.flow = flow;
    }

    /// When the device will notice that the rotor stands still.
    pub(super) fn stall_detected_at(&self) -> Option<SimTime> {
        match &self.watch {
            Watch::Still { count, .. } => self.noticed(count),
            _ => None,
        }
    }

    /// When the device will notice that the rotor turns again.
    pub(super) fn recovery_detected_at(&self) -> Option<SimTime> {
        match &self.watch {
            Watch::Resumed { count, .. } => self.noticed(count),
            _ => None,
        }
    }

    /// Since when the rotor is known to stand still.
    pub(super) fn known_still_since(&self) -> Option<SimTime> {
        match &self.watch {
            Watch::StillKnown { since } => Some(*since),
            Watch::Resumed { still_since, .. } => Some(*still_since),
            _ => None,
        }
    }

    pub(super) fn detect_stall(&mut self) {
        if let Watch::Still { since, .. } = self.watch {
            self.watch = Watch::StillKnown { since };
        }
    }

    pub(super) fn detect_recovery(&mut self) {
        if let Watch::Resumed { .. } = self.watch {
            self.watch = Watch::Turning;
        }
    }

    fn noticed(&self, count: &Count) -> Option<SimTime> {
        if self.flow <= 0.0 {
            return None;
        }
        let by_volume = count
            .origin
            .due_after(((self.missed_volume - count.volume) / self.flow).max(0.0))?;
        let earliest = count.from.due_after(self.latency_min)?;
        let latest = count.from.due_after(self.latency_max)?.max(earliest);
        Some(by_volume.clamp(earliest, latest).max(count.origin))
    }

    /// Follows the holds with what the device may come to know. A hang is silent: it alone begins no
    /// watch for a loss of motion, and while it lasts no motion is seen to return; a watch that a real
    /// hold began goes on.
    fn update(&mut self, now: SimTime) {
        let still = self.holds.values().any(|hold| *hold != Hold::Hang);
        let hung = self.holds.values().any(|hold| *hold == Hold::Hang);
        let count = Count {
            origin: now,
            volume: 0.0,
            from: now,
        };
        let next = match (&self.watch, still) {
            (Watch::Turning, true) => Watch::Still { since: now, count },
            (Watch::Resumed { still_since, .. }, still) if still || hung => Watch::StillKnown { since: *still_since },
            (Watch::Still { .. }, false) => Watch::Turning,
            (Watch::StillKnown { since }, false) if !hung => Watch::Resumed {
                still_since: *since,
                count,
            },
            _ => return,
        };
        self.watch = next;
    }
}
