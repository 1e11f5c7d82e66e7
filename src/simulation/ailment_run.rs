//! Complications as they run: course, remedies, what they lead to, and the surgery that
//! brings them.

use serde::{Deserialize, Serialize};

use crate::complications::{self, Ailment, Course, KINDS, Kind, SIGNS, Surgery};
use crate::engine::{Context, EventHandle, EventId, Phase, SimSpan, SimTime};
use crate::response::Syndrome;
use crate::scenario::model::{Fault, Profile, Trigger, Value};
use crate::signals::{Ailing, Posture, Remedy};

use super::error::SimError;
use super::event::{AilmentStep, SimEvent, Stage};
use super::model::Simulation;

type Cx<'a> = Context<'a, SimEvent>;

/// Share of a sign from which a complication is taken for the cause of a symptom that lack
/// or excess of drug brings as well \[0-1\].
const PLAIN: f64 = 0.1;

/// What a run counts, so that each draw has a key of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Surgeries so far.
    surgeries: u64,
    /// The last of them.
    last: Option<SimTime>,
    /// Remedies so far.
    remedies: u64,
}

/// Whether a fault is a complication and none of delivery.
pub(super) fn is_complication(kind: &str) -> bool {
    complications::of_fault(kind).is_some()
}

fn severity_of(fault: &Fault) -> f64 {
    match fault.values.get("severity") {
        Some(Value::Number(x)) => *x,
        _ => 1.0,
    }
}

impl Simulation {
    /// Share of the postural headache that is felt in a posture \[0-1\].
    pub(super) fn headache_share(parameters: &crate::parameters::ParameterSet, posture: Posture) -> f64 {
        match posture {
            Posture::Supine => parameters.get("complications.headache.supine"),
            Posture::Upright => 1.0,
        }
    }

    /// The body is held otherwise: headache comes or goes.
    pub(super) fn posture_ailments(&mut self, now: SimTime) {
        let share = Self::headache_share(&self.scenario.parameters, self.patient.posture);
        if !self.patient.body.ailments.is_empty() {
            self.patient.body.rebase(now);
        }
        self.patient.body.ailments.headache_share = share;
    }

    fn ailment_event(&self, index: usize, step: AilmentStep) -> SimEvent {
        let id = self.ids.fault(index);
        SimEvent::Ailment { index, id, step }
    }

    /// Schedules something of a complication, if the run lasts so long.
    fn later(
        &self,
        index: usize,
        after: f64,
        event: SimEvent,
        cx: &mut Cx<'_>,
    ) -> Result<Option<EventHandle>, SimError> {
        let at = cx.now().checked_add(SimSpan::from_hours(after)?)?;
        if at > self.scenario.duration {
            return Ok(None);
        }
        Ok(Some(cx.schedule_at(
            at,
            Phase::Fault,
            self.ranks.fault(index),
            event,
        )?))
    }

    /// A complication begins, moves along the profile of its block, or ends.
    pub(super) fn ailment_stage(
        &mut self,
        index: usize,
        stage: Stage,
        severity: f64,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        let fault = &self.scenario.faults[index];
        let Some(place) = complications::of_fault(&fault.kind) else {
            return Ok(());
        };
        let (kind, now) = (&KINDS[place], cx.now());
        let p = &self.scenario.parameters;
        let full = severity_of(fault);
        let (grow, heal) = (kind.hours(p, "grow"), kind.hours(p, "heal"));
        let (permanent, shows) = (kind.number(p, "permanent"), kind.shows(p));
        let own_course = fault.profile == Profile::Step;
        self.patient.body.rebase(now);
        match stage {
            Stage::Start => {
                let mut course = Course::still(now);
                course.turn(now, full * severity, grow);
                let natural = kind.hours(p, "natural");
                let mut turn = None;
                if own_course && natural > 0.0 {
                    let end = self.fault_event(index, Stage::End, None);
                    turn = self.later(index, natural, end, cx)?;
                }
                let spread = self.spread_later(index, kind, cx)?;
                self.patient.body.ailments.list.push(Ailment {
                    fault: index,
                    kind: place,
                    began: now,
                    severity: full,
                    permanent,
                    course,
                    shows,
                    over: false,
                    covered: false,
                    cleared: false,
                    turn,
                    spread,
                    course_over: None,
                });
            }
            Stage::End => self.ailment_ends(index, kind, heal, cx)?,
            Stage::Off => self.turn(index, now, 0.0, heal),
            Stage::On | Stage::Progress | Stage::Full => self.turn(index, now, full * severity, grow),
        }
        Ok(())
    }

    fn turn(&mut self, index: usize, now: SimTime, target: f64, time: f64) {
        if let Some(ailment) = self.patient.body.ailments.of_fault(index) {
            ailment.course.turn(now, target, time);
        }
    }

    fn spread_later(&self, index: usize, kind: &Kind, cx: &mut Cx<'_>) -> Result<Option<EventHandle>, SimError> {
        if kind.leads_to.is_none() {
            return Ok(None);
        }
        let wait = kind.hours(&self.scenario.parameters, "leads_after");
        self.later(index, wait, self.ailment_event(index, AilmentStep::Spread), cx)
    }

    /// It is over: what it shows fades, and what has become permanent stays.
    fn ailment_ends(&mut self, index: usize, kind: &Kind, heal: f64, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let now = cx.now();
        let damage_time = kind.hours(&self.scenario.parameters, "damage");
        let mut episodes = 0;
        for other in &self.patient.body.ailments.list {
            episodes += u64::from(other.fault == index);
        }
        let Some(ailment) = self.patient.body.ailments.of_fault(index) else {
            return Ok(());
        };
        ailment.over = true;
        let stays = if damage_time > 0.0 {
            // Pressure on the cord: the longer, the more of the deficit is for good.
            ailment.course.at(now) * complications::damage(now.hours_since(ailment.began), damage_time)
        } else {
            ailment.severity * ailment.permanent
        };
        ailment.course.turn(now, stays, heal);
        let waiting = [ailment.turn.take(), ailment.spread.take(), ailment.course_over.take()];
        for handle in waiting.into_iter().flatten() {
            cx.cancel(handle);
        }
        if stays > 0.0 {
            cx.note(format!("{:.0} % of the deficit stays", 100.0 * stays));
        }
        // What came by chance may come again.
        if let (Trigger::Arises(_), Some(risk)) = (&self.scenario.faults[index].trigger, self.risk.as_ref().as_ref())
            && let Some(wait) = risk.chance(kind.kind).and_then(|c| c.late(episodes, &self.draws))
            && wait <= self.scenario.duration.hours()
        {
            let id = self.ids.fault(index);
            self.later(index, wait, SimEvent::Hazard { index, id }, cx)?;
        }
        Ok(())
    }

    /// Something of a complication that is due by itself.
    pub(super) fn ailment_step(
        &mut self,
        index: usize,
        step: AilmentStep,
        by: EventId,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        let now = cx.now();
        let Some(ailment) = self.patient.body.ailments.of_fault(index).filter(|a| !a.over) else {
            return Ok(());
        };
        let kind = &KINDS[ailment.kind];
        let p = &self.scenario.parameters;
        match step {
            AilmentStep::CourseOver => {
                ailment.course_over = None;
                ailment.covered = false;
                let (cure, cleared) = (kind.number(p, "cure"), kind.number(p, "cure_cleared"));
                let chance = if ailment.cleared { cleared.max(cure) } else { cure };
                let cured = self.lucky(index, chance);
                cx.note(if cured {
                    format!("{} is cured", kind.words)
                } else {
                    format!("{} was only held down", kind.words)
                });
                let event = if cured {
                    self.fault_event(index, Stage::End, None)
                } else {
                    self.ailment_event(index, AilmentStep::Relapsed)
                };
                self.later(index, 0.0, event, cx)?;
            }
            AilmentStep::Relapsed => {
                let (full, grow) = (ailment.severity, kind.hours(p, "grow"));
                self.patient.body.rebase(now);
                self.turn(index, now, full, grow);
                let spread = self.spread_later(index, kind, cx)?;
                if let Some(ailment) = self.patient.body.ailments.of_fault(index) {
                    ailment.spread = spread;
                }
                cx.note(kind.words);
            }
            AilmentStep::Spread => {
                ailment.spread = None;
                let Some(next) = kind.leads_to else { return Ok(()) };
                let wanted = |f: &Fault| f.id == next;
                if let Some(other) = self.scenario.faults.iter().position(wanted)
                    && !self.faults[other].state.active()
                {
                    cx.note(format!(
                        "left alone, it leads to {}",
                        KINDS.iter().find(|k| k.kind == next).map_or(next, |k| k.words)
                    ));
                    let event = self.fault_event(other, Stage::Start, None);
                    cx.schedule_caused_by(by, now, Phase::Fault, self.ranks.fault(other), event)?;
                }
            }
        }
        Ok(())
    }

    /// A draw about a remedy for one complication.
    fn lucky(&mut self, index: usize, chance: f64) -> bool {
        self.counts.remedies += 1;
        let entity = format!("remedy.{}", self.scenario.faults[index].id);
        self.draws.uniform(&entity, "works", self.counts.remedies) < chance
    }

    /// A remedy is given; it acts on what is there that it can act on.
    pub(super) fn treat(&mut self, remedy: Remedy, over: f64, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let now = cx.now();
        let open: Vec<(usize, usize)> = self
            .patient
            .body
            .ailments
            .list
            .iter()
            .filter(|a| !a.over && KINDS[a.kind].remedies.contains(&remedy))
            .map(|a| (a.fault, a.kind))
            .collect();
        cx.note(remedy.words());
        if open.is_empty() {
            cx.note("nothing is there that it could act on");
        }
        for (index, place) in open {
            let kind = &KINDS[place];
            if remedy == Remedy::Antibiotics {
                let heal = kind.hours(&self.scenario.parameters, "heal");
                self.patient.body.rebase(now);
                self.turn(index, now, 0.0, heal);
                let event = self.ailment_event(index, AilmentStep::CourseOver);
                let course_over = self.later(index, over, event, cx)?;
                if let Some(ailment) = self.patient.body.ailments.of_fault(index) {
                    ailment.covered = true;
                    for handle in [ailment.spread.take(), ailment.course_over.take()]
                        .into_iter()
                        .flatten()
                    {
                        cx.cancel(handle);
                    }
                    ailment.course_over = course_over;
                }
                continue;
            }
            let chance = match remedy {
                Remedy::BloodPatch | Remedy::WoundRevision => kind.number(&self.scenario.parameters, "cure"),
                _ => 1.0,
            };
            if self.lucky(index, chance) {
                let end = self.fault_event(index, Stage::End, None);
                self.later(index, 0.0, end, cx)?;
            } else {
                cx.note(format!("{} goes on", kind.words));
            }
        }
        Ok(())
    }

    /// The hardware is out: what it kept going can be cured, what it caused ends.
    pub(super) fn hardware_out(&mut self, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let mut ends = Vec::new();
        for ailment in self.patient.body.ailments.list.iter_mut() {
            let kind = &KINDS[ailment.kind];
            if ailment.over || !kind.hardware {
                continue;
            }
            if kind.infection {
                ailment.cleared = true;
            } else {
                ends.push(ailment.fault);
            }
        }
        for index in ends {
            let end = self.fault_event(index, Stage::End, None);
            self.later(index, 0.0, end, cx)?;
        }
        Ok(())
    }

    /// An operation or a puncture: what it brings by chance is drawn and waits for its time.
    pub(super) fn surgery(&mut self, surgery: Surgery, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let risk = std::sync::Arc::clone(&self.risk);
        let Some(risk) = risk.as_ref() else {
            return Ok(());
        };
        let now = cx.now();
        // Exploration and repair at one instant are one operation.
        if surgery != Surgery::Puncture && self.counts.last == Some(now) {
            return Ok(());
        }
        self.counts.last = Some(now);
        self.counts.surgeries += 1;
        let ordinal = self.counts.surgeries;
        for index in 0..self.scenario.faults.len() {
            let fault = &self.scenario.faults[index];
            if !matches!(fault.trigger, Trigger::Arises(_)) || fault.id != fault.kind {
                continue;
            }
            let Some(chance) = risk.chance(&fault.kind) else {
                continue;
            };
            if let Some(wait) = chance.strike(surgery, ordinal, &self.draws) {
                let id = self.ids.fault(index);
                self.later(index, wait, SimEvent::Hazard { index, id }, cx)?;
            }
        }
        Ok(())
    }

    /// Whether a complication that is due by chance can come: pocket and catheter need hardware.
    pub(super) fn can_arise(&self, index: usize) -> bool {
        let kind = complications::named(&self.scenario.faults[index].kind);
        self.patient.implanted || kind.is_none_or(|k| !k.hardware)
    }

    /// How far a complication shows, against its worst \[0-1\].
    pub(super) fn ailment_share(&self, index: usize, now: SimTime) -> f64 {
        let list = &self.patient.body.ailments.list;
        let newest = list.iter().rev().find(|a| a.fault == index && a.severity > 0.0);
        newest.map_or(0.0, |a| (a.course.at(now) / a.severity).clamp(0.0, 1.0))
    }

    /// The complication that a symptom is owed to, if it is one.
    pub(super) fn ailing_cause(&self, symptom: usize, at: SimTime) -> Option<EventId> {
        let ailments = &self.patient.body.ailments;
        if ailments.is_empty() {
            return None;
        }
        let known = self.patient.watches[symptom].symptom;
        let (_, sign) = SIGNS.iter().find(|(name, _)| *name == known.name)?;
        let place = Ailing::NAMES.iter().position(|n| n == sign)?;
        let chief = ailments.chief(place, at)?;
        if known.syndrome != Syndrome::Complication {
            let spasms = self
                .patient
                .watches
                .iter()
                .find(|w| w.symptom.name == "spasms_increased")?;
            let lack = self.patient.signals(at).ok()?.withdrawal_index;
            if chief.course.at(at) * chief.shows[place] < PLAIN || lack >= spasms.levels.onset {
                return None;
            }
        }
        self.faults[chief.fault].state.started
    }
}
