//! Policies at work: what they are told, and what becomes of their orders.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::care::{Desk, Facts, Findings, News, Order, ReservoirCheck, Role, RunningPolicy};
use crate::engine::{Context, EventHandle, Phase, SimSpan, SimTime};
use crate::pump::{Command, PumpNotice};
use crate::scenario::model::{ActionStep, History, Moment, Scenario};

use super::diagnose::{Lying, Study};
use super::error::SimError;
use super::event::{CareStep, Name, Part, SimEvent};
use super::model::Simulation;
use super::notes::Notes;
use super::registry::Registry;
use super::words;

type Cx<'a> = Context<'a, SimEvent>;

/// Steps of the modified Ashworth and Penn scales; 1+ counts as 1.5.
const ASHWORTH: [f64; 6] = [0.0, 1.0, 1.5, 2.0, 3.0, 4.0];
const PENN: [f64; 5] = [0.0, 1.0, 2.0, 3.0, 4.0];

/// One policy of the run.
#[derive(Clone)]
pub(super) struct CareRun {
    /// Id of its block.
    pub id: Name,
    /// Whom it speaks for.
    pub role: Role,
    /// The policy with what it remembers.
    pub policy: Box<dyn RunningPolicy>,
}

/// Something ordered that still waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pending {
    policy: usize,
    name: String,
    handle: EventHandle,
}

/// What the policies of a run have set going.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CareState {
    /// Acts ordered, in the order of their orders; their indices follow those of the scenario's acts.
    pub orders: Vec<ActionStep>,
    pending: Vec<Pending>,
    /// Examinations so far: each has its own error of measurement.
    examined: u64,
    /// Diagnostic tests so far, by name.
    pub tests: BTreeMap<String, u64>,
    /// Tests under way.
    pub studies: Vec<Study>,
    /// Syringes drawn at the access port so far: each has its own luck.
    pub aspirations: u64,
    /// Who lies down for a test, and how he was before.
    pub lying: Option<Lying>,
    /// Policies that watch a monitor.
    monitored: BTreeSet<usize>,
    /// What the clinic believes it ordered.
    pub notes: Notes,
}

/// The policies of a scenario, by id, with nothing to remember.
pub(super) fn policies(scenario: &Scenario, registry: &Registry) -> Result<Vec<CareRun>, SimError> {
    let of = |block: &crate::scenario::model::CareBlock| {
        let unknown = || crate::care::CareError::Unknown {
            name: block.policy.clone(),
        };
        let kind = registry.policies.get(&block.policy).ok_or_else(unknown)?;
        Ok(CareRun {
            id: block.id.as_str().into(),
            role: kind.role,
            policy: (kind.build)(&block.settings),
        })
    };
    scenario.care.iter().map(of).collect()
}

/// What the records say.
pub(super) fn facts(scenario: &Scenario) -> Facts {
    Facts {
        population: scenario.patient.population,
        established: scenario.patient.history == History::Established,
        family: scenario.pump.family.clone(),
        reservoir_size: scenario.pump.reservoir_size,
        low_alarm: scenario.pump.low_reservoir_alarm,
        concentration: scenario.pump.label_concentration,
        end: scenario.duration.hours(),
        implanted: scenario.patient.implanted,
        selection: scenario.patient.selection,
    }
}

/// The step of a scale nearest to a value, the lower of two as near.
fn on_scale(scale: &[f64], value: f64) -> f64 {
    let mut best = scale[0];
    for step in scale {
        if (step - value).abs() < (best - value).abs() {
            best = *step;
        }
    }
    best
}

impl Simulation {
    /// The act of this index: the scenario's own first, then those ordered.
    pub(super) fn act_step(&self, index: usize) -> &ActionStep {
        let own = self.scenario.actions.len();
        self.scenario
            .actions
            .get(index)
            .unwrap_or_else(|| &self.care_state.orders[index - own])
    }

    /// Whether an act was ordered by a policy.
    pub(super) fn is_ordered(&self, index: usize) -> bool {
        index >= self.scenario.actions.len()
    }

    pub(super) fn care_event(&self, index: usize, step: CareStep) -> SimEvent {
        SimEvent::Care {
            index,
            id: self.care[index].id.clone(),
            step,
        }
    }

    /// The first event of each policy.
    pub(super) fn prime_care(&self, engine: &mut crate::engine::Engine<SimEvent>) -> Result<(), SimError> {
        for index in 0..self.care.len() {
            let event = self.care_event(index, CareStep::Start);
            engine.schedule(SimTime::ZERO, Phase::Clinician, self.ranks.care(index), event)?;
        }
        Ok(())
    }

    /// Tells all policies, or those of one role, in the order of their ids.
    pub(super) fn tell(&mut self, news: &News, role: Option<Role>, cx: &mut Cx<'_>) -> Result<(), SimError> {
        for index in 0..self.care.len() {
            if role.is_none_or(|r| r == self.care[index].role) {
                self.tell_one(index, news, cx)?;
            }
        }
        Ok(())
    }

    fn tell_one(&mut self, index: usize, news: &News, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let run = &mut self.care[index];
        let settings = &self.scenario.care[index].settings;
        let mut desk = Desk::new(cx.now(), &run.id, &self.facts, settings, &self.draws);
        desk.implanted = self.patient.implanted;
        run.policy.learn(news, &mut desk);
        for order in desk.into_orders() {
            self.carry_out(index, order, cx)?;
        }
        Ok(())
    }

    /// Turns an order into events.
    pub(super) fn carry_out(&mut self, index: usize, order: Order, cx: &mut Cx<'_>) -> Result<(), SimError> {
        match order {
            Order::Act { name, after, act } => {
                let place = self.scenario.actions.len() + self.care_state.orders.len();
                self.care_state.orders.push(ActionStep {
                    id: format!("{}.{name}", self.care[index].id),
                    at: Moment::At(cx.now()),
                    unless: None,
                    action: act,
                });
                let left_out = self
                    .left_out
                    .contains(&format!("action.{}.{name}", self.care[index].id));
                let part = if left_out { Part::Dropped } else { Part::Begin };
                let event = self.action_event(place, part);
                self.ordered(index, name, after, event, cx)
            }
            Order::See { name, after, place } => {
                let event = self.care_event(
                    index,
                    CareStep::Seen {
                        name: name.clone(),
                        place,
                    },
                );
                self.ordered(index, name, after, event, cx)
            }
            Order::Miss { name, after } => {
                let event = self.care_event(index, CareStep::Missed { name: name.clone() });
                self.ordered(index, name, after, event, cx)
            }
            Order::Report {
                after,
                place,
                complaints,
                alarms,
            } => {
                let event = self.care_event(
                    index,
                    CareStep::Reported {
                        place,
                        complaints,
                        alarms,
                    },
                );
                self.ordered(index, "report".to_owned(), after, event, cx)
            }
            Order::Timer { name, after } => {
                self.call_off(index, &name, cx);
                let event = self.care_event(index, CareStep::Timer { name: name.clone() });
                self.ordered(index, name, after, event, cx)
            }
            Order::Cancel { name } => {
                self.call_off(index, &name, cx);
                Ok(())
            }
            Order::Monitor { on } => {
                if on {
                    self.care_state.monitored.insert(index);
                } else {
                    self.care_state.monitored.remove(&index);
                }
                Ok(())
            }
            Order::Chart { name, value } => {
                let event = self.care_event(index, CareStep::Charted { name, value });
                let rank = self.ranks.care(index);
                cx.schedule_at(cx.now(), Phase::Clinician, rank, event)?;
                Ok(())
            }
            Order::Test { test, after, careful } => {
                let event = self.care_event(
                    index,
                    CareStep::Test {
                        test: test.clone(),
                        careful,
                    },
                );
                self.ordered(index, test, after, event, cx)
            }
            Order::Repair { lesion, prime, after } => {
                let event = self.care_event(index, CareStep::Operation { lesion, prime });
                self.ordered(index, "operation".to_owned(), after, event, cx)
            }
            Order::Flag { name, note } => {
                let name = name.to_owned();
                let event = self.care_event(index, CareStep::Flag { name, note });
                let rank = self.ranks.care(index);
                cx.schedule_at(cx.now(), Phase::Clinician, rank, event)?;
                Ok(())
            }
        }
    }

    fn ordered(
        &mut self,
        index: usize,
        name: String,
        after: f64,
        event: SimEvent,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        let at = cx.now().checked_add(SimSpan::from_hours(after.max(0.0))?)?;
        if at > self.scenario.duration {
            return Ok(());
        }
        let handle = cx.schedule_at(at, Phase::Clinician, self.ranks.care(index), event)?;
        self.care_state.pending.push(Pending {
            policy: index,
            name,
            handle,
        });
        Ok(())
    }

    /// Takes back what of this name waits.
    fn call_off(&mut self, index: usize, name: &str, cx: &mut Cx<'_>) {
        self.care_state.pending.retain(|p| {
            let meant = p.policy == index && p.name == name;
            if meant {
                cx.cancel(p.handle);
            }
            !meant
        });
    }

    /// Something between a policy and the world happens.
    pub(super) fn care_step(
        &mut self,
        index: usize,
        step: &CareStep,
        by: crate::engine::EventId,
        cx: &mut Cx<'_>,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<(), SimError> {
        let id = self.care[index].id.to_string();
        match step {
            CareStep::Start => self.tell_one(index, &News::Start, cx),
            CareStep::Timer { name } => {
                cx.note(name);
                self.happened(index, name);
                self.tell_one(index, &News::Timer { name: name.clone() }, cx)
            }
            CareStep::Seen { name, place } => {
                self.happened(index, name);
                let findings = if place.in_person() {
                    self.silence_alarms(cx);
                    if self.patient.implanted {
                        self.patient.pump.command(cx.now(), &Command::Interrogate, notices)?;
                    }
                    if !notices.is_empty() {
                        self.pump_cause = by;
                    }
                    let mut found = self.examine(cx.now())?;
                    // Not everybody who reads a pump opens the notes.
                    let chance = self.scenario.parameters.get("care.measure.compares");
                    let ordinal = self.care_state.examined;
                    found.slip = self
                        .slip(cx.now())
                        .filter(|_| self.draws.uniform("examiner", "compares", ordinal) < chance);
                    Some(Box::new(found))
                } else {
                    None
                };
                cx.note(match &findings {
                    Some(f) if !self.patient.implanted => format!(
                        "{name} {}: Ashworth {} in the legs, spasms {}",
                        place.words(),
                        f.ashworth_legs,
                        f.spasm_score
                    ),
                    Some(f) => format!(
                        "{name} {}: Ashworth {} in the legs, spasms {}; {} by the label, {} mL computed",
                        place.words(),
                        f.ashworth_legs,
                        f.spasm_score,
                        words::dose_rate(f.dose / 24.0),
                        words::number(f.computed_volume)
                    ),
                    None => format!("{name} {}", place.words()),
                });
                let news = News::Seen {
                    by: id,
                    name: name.clone(),
                    place: *place,
                    findings,
                };
                self.tell(&news, None, cx)
            }
            CareStep::Missed { name } => {
                self.happened(index, name);
                cx.note(name);
                let news = News::Missed {
                    by: id,
                    name: name.clone(),
                };
                self.tell(&news, None, cx)
            }
            CareStep::Reported {
                place,
                complaints,
                alarms,
            } => {
                self.happened(index, "report");
                let told: Vec<String> = complaints.iter().chain(alarms).map(|s| s.replace('_', " ")).collect();
                cx.note(format!("{} {}", told.join(", "), place.words()));
                let news = News::Reported {
                    by: id,
                    place: *place,
                    complaints: complaints.clone(),
                    alarms: alarms.clone(),
                };
                self.tell(&news, Some(Role::Clinic), cx)
            }
            CareStep::Refused { act, reason } => {
                cx.note(format!("{act}: {reason}"));
                let news = News::Refused {
                    act: act.clone(),
                    reason: reason.clone(),
                };
                self.tell(&news, None, cx)
            }
            CareStep::Charted { name, value } => {
                cx.note(format!("{name}: {}", words::number(*value)));
                let news = News::Charted {
                    by: id,
                    name: name.clone(),
                    value: *value,
                };
                self.tell(&news, None, cx)
            }
            CareStep::Test { test, careful } => self.test_begins(index, test, *careful, by, cx),
            CareStep::Probe { test, ordinal } => self.test_probes(test, *ordinal, by, cx),
            CareStep::Read { test, ordinal } => self.test_read(test, *ordinal, by, cx, notices),
            CareStep::Rise => self.rise(index, cx),
            CareStep::Result {
                test,
                outcome,
                lesion,
                detail,
            } => self.test_result(index, (test, *outcome), lesion.as_deref(), detail, cx),
            CareStep::Operation { lesion, prime } => self.operate(index, lesion, *prime, by, cx),
            CareStep::Flag { name, note } => {
                cx.note(note);
                let news = News::Flag {
                    by: id,
                    name: name.clone(),
                    note: note.clone(),
                };
                self.tell(&news, None, cx)
            }
        }
    }

    /// What was ordered under a name has happened and waits no longer; of several, the first.
    pub(super) fn happened(&mut self, index: usize, name: &str) {
        let pending = &mut self.care_state.pending;
        if let Some(place) = pending.iter().position(|p| p.policy == index && p.name == name) {
            pending.remove(place);
        }
    }

    /// An order that the device or the body refuses is no failure of the run.
    pub(super) fn refused(&mut self, index: usize, error: &SimError, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let act = self.act_step(index).id.clone();
        let owner = act.split_once('.').map_or("", |(id, _)| id);
        let policy = self.care.iter().position(|c| *c.id == *owner).unwrap_or_default();
        cx.note(format!("refused: {error}"));
        let reason = error.to_string();
        let event = self.care_event(policy, CareStep::Refused { act, reason });
        cx.schedule_at(cx.now(), Phase::Clinician, self.ranks.care(policy), event)?;
        Ok(())
    }

    /// Tells the policies of an act of anybody's.
    pub(super) fn act_done(&mut self, index: usize, visits_before: usize, cx: &mut Cx<'_>) -> Result<(), SimError> {
        if self.care.is_empty() {
            return Ok(());
        }
        let act = self.act_step(index).id.clone();
        if self.is_ordered(index)
            && let Some((id, name)) = act.split_once('.')
            && let Some(policy) = self.care.iter().position(|c| *c.id == *id)
        {
            self.happened(policy, name);
        }
        let reservoir = self.visits.get(visits_before).map(|v| ReservoirCheck {
            expected: v.expected_ml,
            aspirated: v.aspirated_ml,
            verdict: v.verdict.clone(),
        });
        self.tell(&News::Done { act, reservoir }, None, cx)
    }

    /// What an examiner finds and the programmer shows.
    pub(super) fn examine(&mut self, now: SimTime) -> Result<Findings, SimError> {
        let truth = self.patient.signals(now)?;
        self.care_state.examined += 1;
        let ordinal = self.care_state.examined;
        let p = &self.scenario.parameters;
        let (ashworth, spasm) = (p.get("care.measure.ashworth_sd"), p.get("care.measure.spasm_sd"));
        let measured = |purpose: &str, value: f64, sd: f64| self.draws.normal("examiner", purpose, ordinal, value, sd);
        let t = self.patient.pump.telemetry(now);
        let present = self.symptoms.iter().zip(&self.patient.watches);
        let present = present.filter(|(state, _)| {
            matches!(
                state.phase,
                crate::response::Phase::Present | crate::response::Phase::Fading
            )
        });
        Ok(Findings {
            ashworth_legs: on_scale(&ASHWORTH, measured("ashworth_legs", truth.ashworth_legs, ashworth)?),
            ashworth_arms: on_scale(&ASHWORTH, measured("ashworth_arms", truth.ashworth_arms, ashworth)?),
            spasm_score: on_scale(&PENN, measured("spasm_score", truth.spasm_score, spasm)?),
            heart_rate: truth.heart_rate_per_min,
            systolic: truth.systolic_mmhg,
            temperature: truth.temperature_c,
            resp_rate: truth.resp_rate_per_min,
            gcs: libm::round(truth.gcs),
            symptoms: present.map(|(_, watch)| watch.symptom.name.to_owned()).collect(),
            dose: t.dose_rate * 24.0,
            label: t.label_concentration,
            computed_volume: t.reservoir_volume,
            low_alarm_in: t.low_reservoir_in,
            battery_left: t.battery_left,
            alarms: t.alarms.iter().map(|a| a.name.as_str().to_owned()).collect(),
            log: t.log,
            slip: None,
        })
    }

    /// A symptom began or ended: those who live with it may notice.
    pub(super) fn felt(&mut self, symptom: &'static str, present: bool, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let news = News::Felt {
            symptom: symptom.to_owned(),
            present,
        };
        self.tell(&news, Some(Role::Person), cx)?;
        if !crate::care::signs::on_monitor(symptom) {
            return Ok(());
        }
        let news = News::Monitor {
            symptom: symptom.to_owned(),
            present,
        };
        for index in self.care_state.monitored.clone() {
            self.tell_one(index, &news, cx)?;
        }
        Ok(())
    }

    /// The handles and memories for a snapshot.
    pub(super) fn save_care(&self) -> Result<Vec<serde_json::Value>, SimError> {
        self.care.iter().map(|c| Ok(c.policy.save()?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_score_stands_on_its_scale() {
        assert_eq!(on_scale(&ASHWORTH, -0.7), 0.0);
        assert_eq!(on_scale(&ASHWORTH, 1.3), 1.5);
        assert_eq!(on_scale(&ASHWORTH, 2.5), 2.0);
        assert_eq!(on_scale(&ASHWORTH, 9.0), 4.0);
        assert_eq!(on_scale(&PENN, 0.6), 1.0);
    }
}
