//! Programmes: which flow is due when, in the device's own arithmetic.

use serde::{Deserialize, Serialize};

use super::handset::{Handset, Refusal};
use super::messages::PumpError;
use crate::engine::{SimSpan, SimTime};
use crate::parameters::ParameterSet;
use crate::scenario::model::{FlexStep, Programme};

const DAY: i64 = 86_400_000_000_000;
const WEEK: i64 = 7 * DAY;

/// The flows a device can deliver.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FlowLimits {
    /// Smallest therapeutic flow \[mL/day\].
    pub min: f64,
    /// Largest flow \[mL/day\].
    pub max: f64,
    /// Flow of the minimum-rate mode \[mL/day\].
    pub idle: f64,
    /// Step of the grid on which flows are delivered \[mL/day\].
    pub grid: f64,
    /// Most flex steps a day.
    pub max_steps: usize,
    /// Flow of a priming bolus whose length is given as zero \[mL/h\].
    pub priming: f64,
}

impl FlowLimits {
    /// The limits of the parameter table.
    pub fn new(parameters: &ParameterSet) -> Self {
        Self {
            min: parameters.get("pump.rate.min"),
            max: parameters.get("pump.rate.max"),
            idle: parameters.get("pump.rate.idle"),
            grid: parameters.get("pump.rate.grid"),
            max_steps: parameters.get("pump.flex.max_steps_per_day") as usize,
            priming: parameters.get("pump.priming.rate"),
        }
    }

    /// The flow delivered when `flow` is asked for: the nearest on the grid \[mL/h\].
    ///
    /// # Errors
    /// [`PumpError::FlowOutOfRange`], with `what` in its message.
    pub fn deliver(&self, what: &'static str, flow: f64) -> Result<f64, PumpError> {
        let daily = flow * 24.0;
        // One part in 1e9 of grace, because a dose and a label divide with a rounding.
        if daily >= self.min * (1.0 - 1e-9) && daily <= self.max * (1.0 + 1e-9) {
            Ok(self.on_grid(flow))
        } else {
            Err(PumpError::FlowOutOfRange {
                what,
                requested: daily,
                low: self.min,
                high: self.max,
            })
        }
    }

    /// The nearest flow on the grid within the range \[mL/h\].
    fn nearest(&self, flow: f64) -> f64 {
        self.on_grid(flow.clamp(self.min / 24.0, self.max / 24.0))
    }

    fn on_grid(&self, flow: f64) -> f64 {
        (flow * 24.0 / self.grid).round() * self.grid / 24.0
    }

    fn idle_flow(&self) -> f64 {
        self.idle / 24.0
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct WeekStep {
    offset: i64,
    rate: f64,
}

/// What runs when no bolus is on top. Rates in ug/h, doses in ug.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Base {
    Stopped,
    MinimumRate,
    Continuous {
        rate: f64,
    },
    Flex {
        week: Vec<WeekStep>,
    },
    Periodic {
        dose: f64,
        every: i64,
        over: f64,
        basal: f64,
    },
}

/// A bolus that ends by itself. Flows in mL/h.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Overlay {
    id: String,
    end: SimTime,
    flow: OverlayFlow,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum OverlayFlow {
    /// On top of the base.
    Added(f64),
    /// Instead of the base, until the bolus ends.
    Priming(f64),
    /// Instead of the base, which is what follows; a new base ends it.
    Bridge(f64),
}

/// The running programme: a base and perhaps one bolus over it.
///
/// A new base leaves a single or priming bolus running and ends a bridge, which was
/// computed for the base it came with; `Stopped` ends every bolus. A new bolus replaces
/// the one that runs. What the patient may ask for stays until it is set anew.
///
/// Doses are kept, not flows: with another label the same dose becomes another flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    base: Base,
    id: Option<String>,
    since: SimTime,
    overlay: Option<Overlay>,
    /// What the patient may ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    handset: Option<Handset>,
    dead_volume: f64,
    limits: FlowLimits,
}

impl Schedule {
    /// A stopped pump whose programmer was told this dead volume \[mL\].
    pub fn new(start: SimTime, dead_volume: f64, limits: FlowLimits) -> Self {
        Self {
            base: Base::Stopped,
            id: None,
            since: start,
            overlay: None,
            handset: None,
            dead_volume,
            limits,
        }
    }

    /// The flow limits.
    pub fn limits(&self) -> &FlowLimits {
        &self.limits
    }

    /// Whether the base is a flex programme (its accuracy differs).
    pub fn is_flex(&self) -> bool {
        matches!(self.base, Base::Flex { .. })
    }

    /// Takes a programme at `now`, by the label given \[ug/mL\].
    ///
    /// # Errors
    /// [`PumpError`] if the device cannot deliver it; the schedule is then as it was.
    pub fn programme(&mut self, now: SimTime, id: &str, mode: &Programme, label: f64) -> Result<(), PumpError> {
        match mode {
            Programme::SingleBolus { dose, over } => {
                require("bolus dose", *dose, *dose > 0.0, "above zero")?;
                require("bolus length", *over, *over > 0.0, "above zero")?;
                let under = self.base_flow(now, label);
                let total = self.limits.deliver("single bolus", under + dose / label / over)?;
                // The length follows from the flow on the grid, so that the dose is met.
                let added = total - under;
                require("bolus flow", added, added > 0.0, "at least one step of the flow grid")?;
                self.put(now, id, OverlayFlow::Added(added), dose / label / added)
            }
            Programme::PrimingBolus { volume, over } => {
                let volume = volume.unwrap_or(self.dead_volume);
                require("priming volume", volume, volume > 0.0, "above zero")?;
                require("priming length", *over, *over >= 0.0, "not below zero")?;
                let asked = if *over == 0.0 {
                    self.limits.priming
                } else {
                    volume / over
                };
                let flow = self.limits.deliver("priming bolus", asked)?;
                self.put(now, id, OverlayFlow::Priming(flow), volume / flow)
            }
            Programme::BridgeBolus {
                old_concentration,
                bridge_rate,
                volume,
                then_rate,
            } => {
                let volume = volume.unwrap_or(self.dead_volume);
                require("bridge volume", volume, volume > 0.0, "above zero")?;
                require(
                    "old concentration",
                    *old_concentration,
                    *old_concentration > 0.0,
                    "above zero",
                )?;
                let flow = self.limits.deliver("bridge bolus", bridge_rate / old_concentration)?;
                let base = Base::Continuous { rate: *then_rate };
                self.check(&base, label)?;
                let before = (self.base.clone(), self.id.clone(), self.since);
                self.base = base;
                self.id = Some(id.to_owned());
                self.since = now;
                let put = self.put(now, id, OverlayFlow::Bridge(flow), volume / flow);
                if put.is_err() {
                    (self.base, self.id, self.since) = before;
                }
                put
            }
            Programme::PatientBolus {
                dose,
                over,
                lockout,
                most_per_day,
            } => {
                let handset = Handset::new(*dose, *over, *lockout, *most_per_day)?;
                // Alone it must not be too fast; what it comes on top of is not known yet.
                let alone = (dose / label / over).max(self.limits.min / 24.0);
                self.limits.deliver("patient bolus", alone)?;
                self.handset = Some(handset.after(self.handset.take()));
                Ok(())
            }
            Programme::NoPatientBolus => {
                self.handset = None;
                Ok(())
            }
            mode => {
                let base = self.base_of(mode)?;
                self.check(&base, label)?;
                let ends_bolus = base == Base::Stopped;
                self.base = base;
                self.id = Some(id.to_owned());
                self.since = now;
                if ends_bolus || matches!(&self.overlay, Some(o) if matches!(o.flow, OverlayFlow::Bridge(_))) {
                    self.overlay = None;
                }
                Ok(())
            }
        }
    }

    /// The patient asks for a bolus at `now`, under the name `id`; gives its dose by the label \[ug\].
    ///
    /// # Errors
    /// Why it is refused; the schedule is then as it was.
    pub fn demand(&mut self, now: SimTime, id: &str, label: f64) -> Result<f64, Refusal> {
        let Some(handset) = &self.handset else {
            return Err(Refusal::NotAllowed);
        };
        if matches!(self.base, Base::Stopped | Base::MinimumRate) {
            return Err(Refusal::Stopped);
        }
        if self.overlay.as_ref().is_some_and(|o| o.end > now) {
            return Err(Refusal::Running);
        }
        handset.allows(now)?;
        let (dose, over) = (handset.dose, handset.over);
        let under = self.base_flow(now, label);
        let total = self.limits.deliver("patient bolus", under + dose / label / over);
        let added = total.map_err(|_| Refusal::TooFast)? - under;
        if added <= 0.0 {
            return Err(Refusal::TooFast);
        }
        self.put(now, id, OverlayFlow::Added(added), dose / label / added)
            .map_err(|_| Refusal::TooFast)?;
        if let Some(handset) = &mut self.handset {
            handset.grant(now);
        }
        Ok(dose)
    }

    /// Multiplies every dose of the base; a bolus that runs stays as it is.
    ///
    /// # Errors
    /// [`PumpError`] if the result is out of range or nothing is dosed.
    pub fn scale(&mut self, id: &str, factor: f64, label: f64) -> Result<(), PumpError> {
        require("dose factor", factor, factor > 0.0, "above zero")?;
        let base = match &self.base {
            Base::Stopped | Base::MinimumRate => {
                return Err(PumpError::Programme {
                    what: "running dose",
                    value: 0.0,
                    expected: "above zero to be scaled",
                });
            }
            Base::Continuous { rate } => Base::Continuous { rate: rate * factor },
            Base::Flex { week } => Base::Flex {
                week: week
                    .iter()
                    .map(|s| WeekStep {
                        offset: s.offset,
                        rate: s.rate * factor,
                    })
                    .collect(),
            },
            Base::Periodic {
                dose,
                every,
                over,
                basal,
            } => Base::Periodic {
                dose: dose * factor,
                every: *every,
                over: *over,
                basal: basal * factor,
            },
        };
        self.check(&base, label)?;
        self.base = base;
        self.id = Some(id.to_owned());
        Ok(())
    }

    /// Flow due from `now` on \[mL/h\].
    pub fn flow(&self, now: SimTime, label: f64) -> f64 {
        match &self.overlay {
            Some(o) if o.end > now => match o.flow {
                OverlayFlow::Added(added) => self.limits.nearest(self.base_flow(now, label) + added),
                OverlayFlow::Priming(flow) | OverlayFlow::Bridge(flow) => flow,
            },
            _ => self.base_flow(now, label),
        }
    }

    /// The flow the base would need where the label puts it out of range \[mL/h\].
    pub fn out_of_range(&self, now: SimTime, label: f64) -> Option<f64> {
        let rate = match &self.base {
            Base::Continuous { rate } => *rate,
            Base::Flex { week } => active(week, now).rate,
            Base::Stopped | Base::MinimumRate | Base::Periodic { .. } => return None,
        };
        let flow = rate / label;
        (rate > 0.0 && self.limits.deliver("dose", flow).is_err()).then_some(flow)
    }

    /// The first change after `seen`, and the programme behind it.
    pub fn next_change(&self, seen: SimTime, label: f64) -> Option<(SimTime, Option<String>)> {
        let base = self.base_change(seen, label).map(|at| (at, self.id.clone()));
        match &self.overlay {
            Some(o) if o.end > seen => match base {
                // Under a priming or bridge bolus the base's steps are not delivered.
                Some(base) if base.0 < o.end && matches!(o.flow, OverlayFlow::Added(_)) => Some(base),
                _ => Some((o.end, Some(o.id.clone()))),
            },
            _ => base,
        }
    }

    fn base_of(&self, mode: &Programme) -> Result<Base, PumpError> {
        Ok(match mode {
            Programme::SimpleContinuous { rate } => Base::Continuous { rate: *rate },
            Programme::Flex { steps } => Base::Flex {
                week: self.week(steps)?,
            },
            Programme::PeriodicBolus {
                dose,
                every,
                over,
                basal,
            } => {
                require("bolus dose", *dose, *dose > 0.0, "above zero")?;
                require("bolus length", *over, *over > 0.0, "above zero")?;
                Base::Periodic {
                    dose: *dose,
                    every: nanos(*every)?,
                    over: *over,
                    basal: *basal,
                }
            }
            Programme::MinimumRate => Base::MinimumRate,
            // Boluses were taken before this is called.
            Programme::Stopped
            | Programme::SingleBolus { .. }
            | Programme::PrimingBolus { .. }
            | Programme::BridgeBolus { .. }
            | Programme::PatientBolus { .. }
            | Programme::NoPatientBolus => Base::Stopped,
        })
    }

    fn week(&self, steps: &[FlexStep]) -> Result<Vec<WeekStep>, PumpError> {
        let week = week_of(steps)?;
        for day in 0..7_u8 {
            let count = week.iter().filter(|s| s.offset / DAY == i64::from(day)).count();
            if count > self.limits.max_steps {
                return Err(PumpError::FlexSteps {
                    weekday: day,
                    steps: count,
                    limit: self.limits.max_steps,
                });
            }
        }
        Ok(week)
    }

    /// Whether the device can deliver this base.
    fn check(&self, base: &Base, label: f64) -> Result<(), PumpError> {
        require("label concentration", label, label > 0.0, "above zero")?;
        let rate_ok = |what, rate: f64| {
            // No dose means the rotor idles; anything else must be within range.
            if rate == 0.0 {
                Ok(())
            } else {
                self.limits.deliver(what, rate / label).map(drop)
            }
        };
        match base {
            Base::Stopped | Base::MinimumRate => Ok(()),
            Base::Continuous { rate } => self.limits.deliver("continuous dose", rate / label).map(drop),
            Base::Flex { week } => week.iter().try_for_each(|s| rate_ok("flex dose", s.rate)),
            Base::Periodic {
                dose,
                every,
                over,
                basal,
            } => {
                rate_ok("basal dose", *basal)?;
                self.limits
                    .deliver("periodic bolus", self.basal_flow(*basal, label) + dose / label / over)?;
                let (_, length) = self.periodic(*dose, *over, *basal, label);
                let hours = SimSpan::from_nanos(*every).hours();
                require("bolus interval", hours, length < *every, "longer than the bolus")
            }
        }
    }

    fn basal_flow(&self, rate: f64, label: f64) -> f64 {
        if rate == 0.0 {
            self.limits.idle_flow()
        } else {
            self.limits.nearest(rate / label)
        }
    }

    /// Flow and length of one periodic bolus \[mL/h, ns\].
    fn periodic(&self, dose: f64, over: f64, basal: f64, label: f64) -> (f64, i64) {
        let under = self.basal_flow(basal, label);
        let total = self.limits.nearest(under + dose / label / over);
        let length = dose / label / (total - under).max(f64::MIN_POSITIVE);
        (total, nanos(length).unwrap_or(i64::MAX))
    }

    fn base_flow(&self, now: SimTime, label: f64) -> f64 {
        match &self.base {
            Base::Stopped => 0.0,
            Base::MinimumRate => self.limits.idle_flow(),
            Base::Continuous { rate } => self.basal_flow(*rate, label),
            Base::Flex { week } => self.basal_flow(active(week, now).rate, label),
            Base::Periodic {
                dose,
                every,
                over,
                basal,
            } => {
                let (total, length) = self.periodic(*dose, *over, *basal, label);
                let phase = (now.as_nanos() - self.since.as_nanos()).rem_euclid(*every);
                if phase < length {
                    total
                } else {
                    self.basal_flow(*basal, label)
                }
            }
        }
    }

    fn base_change(&self, seen: SimTime, label: f64) -> Option<SimTime> {
        let wait = match &self.base {
            Base::Stopped | Base::MinimumRate | Base::Continuous { .. } => return None,
            Base::Flex { week } => {
                if week.len() < 2 {
                    return None;
                }
                let phase = seen.as_nanos().rem_euclid(WEEK);
                match week.iter().find(|s| s.offset > phase) {
                    Some(step) => step.offset - phase,
                    None => week.first()?.offset + WEEK - phase,
                }
            }
            Base::Periodic {
                dose,
                every,
                over,
                basal,
            } => {
                let (_, length) = self.periodic(*dose, *over, *basal, label);
                let phase = (seen.as_nanos() - self.since.as_nanos()).rem_euclid(*every);
                if phase < length.min(*every) {
                    length.min(*every) - phase
                } else {
                    every - phase
                }
            }
        };
        seen.checked_add(SimSpan::from_nanos(wait)).ok()
    }

    fn put(&mut self, now: SimTime, id: &str, flow: OverlayFlow, hours: f64) -> Result<(), PumpError> {
        let end = now.due_after(hours).ok_or(PumpError::Clock { hours })?;
        self.overlay = Some(Overlay {
            id: id.to_owned(),
            end,
            flow,
        });
        Ok(())
    }
}

/// The steps of a week by their time in it.
fn week_of(steps: &[FlexStep]) -> Result<Vec<WeekStep>, PumpError> {
    require(
        "number of flex steps",
        steps.len() as f64,
        !steps.is_empty(),
        "at least one",
    )?;
    let mut week: Vec<(i64, bool, f64)> = Vec::new();
    for step in steps {
        require(
            "time of a flex step",
            step.at,
            (0.0..24.0).contains(&step.at),
            "0 h to below 24 h",
        )?;
        let time = nanos(step.at)?.min(DAY - 1);
        match step.weekday {
            Some(day) => {
                require("weekday of a flex step", f64::from(day), day < 7, "0 to 6")?;
                week.push((i64::from(day) * DAY + time, true, step.rate));
            }
            None => week.extend((0..7).map(|day| (day * DAY + time, false, step.rate))),
        }
    }
    // A step for one weekday goes before a daily one at the same time of day.
    week.sort_by_key(|(offset, own, _)| (*offset, !*own));
    week.dedup_by_key(|(offset, _, _)| *offset);
    Ok(week
        .into_iter()
        .map(|(offset, _, rate)| WeekStep { offset, rate })
        .collect())
}

/// Mean dose rate of a flex programme over its week \[ug/h\]; zero without steps or if a step
/// is not within its day.
pub fn mean_rate(steps: &[FlexStep]) -> f64 {
    let Ok(week) = week_of(steps) else { return 0.0 };
    let mut sum = 0.0;
    for (index, step) in week.iter().enumerate() {
        let until = week.get(index + 1).map_or(week[0].offset + WEEK, |next| next.offset);
        sum += step.rate * SimSpan::from_nanos(until - step.offset).hours();
    }
    sum / SimSpan::from_nanos(WEEK).hours()
}

/// The step in force at `now`; before the first of the week it is the last one.
fn active(week: &[WeekStep], now: SimTime) -> &WeekStep {
    let phase = now.as_nanos().rem_euclid(WEEK);
    let past = week.partition_point(|s| s.offset <= phase);
    // `week` is never empty: a programme without steps is refused.
    &week[past.checked_sub(1).unwrap_or(week.len() - 1)]
}

pub(super) fn nanos(hours: f64) -> Result<i64, PumpError> {
    SimSpan::from_hours(hours)
        .map(SimSpan::as_nanos)
        .map_err(|_| PumpError::Clock { hours })
}

pub(super) fn require(what: &'static str, value: f64, holds: bool, expected: &'static str) -> Result<(), PumpError> {
    if holds && value.is_finite() {
        Ok(())
    } else {
        Err(PumpError::Programme { what, value, expected })
    }
}
