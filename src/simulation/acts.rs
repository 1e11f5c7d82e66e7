//! What people do in a scenario, carried out on the parts.

use crate::catheter::CatheterError;
use crate::complications::Surgery;
use crate::engine::{Context, EventId, Phase, SimSpan};
use crate::kinetics::{Outflow, Site};
use crate::pump::{Command, Disturbance, PumpError, PumpNotice, Refill};
use crate::scenario::model::{Action, Exposure, Programme, VisitRule};
use crate::signals::{Destination, Level, Others, Surroundings};

use super::drugs::book;
use super::error::SimError;
use super::event::{Part, SimEvent, Stage};
use super::model::Simulation;
use super::patient::Needle;
use super::visits::Finding;
use super::words;

/// Longest injection that is one puncture \[h\]; beyond it a catheter was laid.
const ONE_NEEDLE: f64 = 1.0;

impl Simulation {
    /// Carries out one part of an act.
    pub(super) fn act(
        &mut self,
        index: usize,
        part: Part,
        by: EventId,
        cx: &mut Context<'_, SimEvent>,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<(), SimError> {
        let now = cx.now();
        let step = self.act_step(index);
        let (action, id) = (step.action.clone(), step.id.clone());
        if part == Part::Dropped {
            cx.note(match self.act_step(index).unless.as_deref() {
                Some(event) => format!("needless after {event}"),
                // Ordered by a policy, in a run that leaves it out.
                None => "left out".to_owned(),
            });
            return Ok(());
        }
        let session = matches!(
            action,
            Action::Refill { .. }
                | Action::CheckReservoir { .. }
                | Action::ScaleDose { .. }
                | Action::Interrogate
                | Action::EmptyPump
                | Action::EnterVolume { .. }
                | Action::CorrectProgramme
                | Action::Send { .. }
        );
        if (session || matches!(action, Action::MriScan { .. } | Action::Explant)) && !self.patient.implanted {
            return Err(SimError::NoPump);
        }
        if session {
            self.silence_alarms(cx);
        }
        match action {
            Action::Refill {
                volume,
                concentration,
                label,
                pocket_share,
                aspirate,
                syringe_error,
                others,
            } => {
                let (concentration, others) = self.syringe(concentration, label, others);
                let into_pocket = volume * pocket_share * concentration;
                let others_into_pocket = others * (volume * pocket_share);
                let report = self.patient.pump.refill(
                    now,
                    &Refill {
                        volume: volume * (1.0 - pocket_share),
                        entered_volume: volume,
                        concentration,
                        label,
                        aspirate,
                        others,
                    },
                    notices,
                )?;
                self.accounts.aspirated += report.aspirated_drug;
                self.accounts.filled += report.injected_drug;
                book(&mut self.patient.drugs, report.aspirated_others, |a| &mut a.aspirated);
                book(&mut self.patient.drugs, report.injected_others, |a| &mut a.filled);
                let before = self.facts.concentration;
                self.care_state.notes.filled(concentration, label, before);
                let visit = Finding {
                    expected: report.expected_volume,
                    drawn: aspirate.then_some(report.aspirated_volume),
                    injected: volume,
                    error: syringe_error,
                    rule: VisitRule::Refill,
                };
                let mut note = format!(
                    "{}; {} mL at {} put in",
                    self.visit(now, &id, visit)?,
                    words::number(volume * (1.0 - pocket_share)),
                    self.mixture_words(concentration, others)
                );
                book(&mut self.patient.drugs, others_into_pocket, |a| &mut a.given);
                self.patient
                    .deposit_others(now, Site::Stream(Destination::Subcutaneous), others_into_pocket)?;
                if !others_into_pocket.is_none() {
                    self.exposure_cause = by;
                }
                if into_pocket > 0.0 {
                    self.accounts.given += into_pocket;
                    self.patient
                        .deposit(now, Site::Stream(Destination::Subcutaneous), into_pocket)?;
                    self.exposure_cause = by;
                    note.push_str(&format!("; {} under the skin", words::dose(into_pocket)));
                }
                if label != self.counted(concentration, others) {
                    note.push_str(&format!("; labelled {}", words::concentration(label)));
                }
                cx.note(note);
                self.refill_luck(now, notices)?;
                self.touch_device(by);
            }
            Action::CheckReservoir { syringe_error, rule } => {
                // The computed volume is read with the programmer; a pump without one is only drawn out.
                match self.patient.pump.command(now, &Command::Interrogate, notices) {
                    Ok(()) | Err(PumpError::Unsupported { .. }) => {}
                    Err(other) => return Err(other.into()),
                }
                let pump = &self.patient.pump;
                let visit = Finding {
                    expected: pump.believed_volume(now),
                    drawn: Some(pump.reservoir_volume(now)),
                    injected: 0.0,
                    error: syringe_error,
                    rule,
                };
                let note = self.visit(now, &id, visit)?;
                cx.note(format!("{note}; put back"));
                if !notices.is_empty() {
                    self.pump_cause = by;
                }
            }
            Action::EnterVolume { volume } => {
                let before = self.patient.pump.believed_volume(now);
                self.patient
                    .pump
                    .command(now, &Command::SetVolume { volume }, notices)?;
                self.care_state.notes.volume_entered(volume - before);
                cx.note(format!(
                    "{} mL entered, {} mL computed before",
                    words::number(volume),
                    words::number(before)
                ));
                self.pump_cause = by;
            }
            Action::CorrectProgramme => self.correct(id, by, cx, notices)?,
            Action::Send { mode } => {
                cx.note(words::programme(&mode));
                self.care_state.notes.programme(&mode, None);
                self.sources.insert(id.clone(), by);
                self.patient
                    .pump
                    .command(now, &Command::Programme { id, mode }, notices)?;
                self.pump_cause = by;
            }
            Action::MissedRefill => {
                cx.note(format!(
                    "nobody came; {} mL left",
                    words::number(self.patient.pump.reservoir_volume(now))
                ));
                self.pump_cause = by;
            }
            Action::ScaleDose { factor } => {
                self.patient
                    .pump
                    .command(now, &Command::ScaleDose { id: id.clone(), factor }, notices)?;
                self.care_state.notes.scaled(factor);
                cx.note(format!(
                    "dose {} {} %, to {}",
                    if factor >= 1.0 { "up" } else { "down" },
                    words::number((factor - 1.0).abs() * 100.0),
                    words::dose_rate(self.patient.pump.programmed_dose_rate())
                ));
                self.pump_cause = by;
            }
            Action::DemandBolus { rate } => self.demand(index, &id, part, rate, by, cx, notices)?,
            Action::Interrogate => {
                self.patient.pump.command(now, &Command::Interrogate, notices)?;
                let t = self.patient.pump.telemetry(now);
                let alarms = if t.alarms.is_empty() {
                    "no alarm".to_owned()
                } else {
                    let names: Vec<&str> = t.alarms.iter().map(|a| a.name.as_str()).collect();
                    format!("alarms: {}", names.join(", "))
                };
                let strokes = t.actuations.map_or(String::new(), |a| {
                    let every = a.interval.map_or(String::new(), |h| {
                        format!(", one every {} min", words::number(h * 60.0))
                    });
                    format!(", {} strokes of {}{every}", a.count, words::dose(a.dose))
                });
                cx.note(format!(
                    "{}, {} mL computed{strokes}, {alarms}",
                    words::dose_rate(t.dose_rate),
                    words::number(t.reservoir_volume)
                ));
                // Reading alone is no cause of what the pump does next.
                if !notices.is_empty() {
                    self.pump_cause = by;
                }
            }
            Action::EmptyPump => {
                let report = self.patient.pump.refill(
                    now,
                    &Refill {
                        volume: 0.0,
                        entered_volume: 0.0,
                        concentration: 0.0,
                        label: self.patient.pump.telemetry(now).label_concentration,
                        aspirate: true,
                        others: Others::NONE,
                    },
                    notices,
                )?;
                self.accounts.aspirated += report.aspirated_drug;
                book(&mut self.patient.drugs, report.aspirated_others, |a| &mut a.aspirated);
                let visit = Finding {
                    expected: report.expected_volume,
                    drawn: Some(report.aspirated_volume),
                    injected: 0.0,
                    error: None,
                    rule: VisitRule::Refill,
                };
                let note = self.visit(now, &id, visit)?;
                let stops = self.patient.pump.is_programmable();
                if stops {
                    let mode = Programme::Stopped;
                    self.care_state.notes.programme(&mode, None);
                    let stop = Command::Programme { id, mode };
                    self.patient.pump.command(now, &stop, notices)?;
                }
                cx.note(format!("{note}{}", if stops { "; pump stopped" } else { "" }));
                self.touch_device(by);
                self.exposure_cause = by;
            }
            Action::LumbarBolus {
                dose,
                level,
                over,
                drug,
            } => self.needle(index, part, (dose, drug), level, over, by, cx)?,
            Action::OralBaclofen { dose, every, count } => {
                self.accounts.given += dose;
                self.patient.deposit(now, Site::Oral, dose)?;
                cx.note(words::dose(dose));
                if matches!(part, Part::Begin) {
                    self.exposure_cause = by;
                }
                self.repeat(index, part, every, count, cx)?;
            }
            Action::Benzodiazepine { dose, every, count } => {
                self.patient.deposit(now, Site::Benzodiazepine, dose)?;
                cx.note(format!("{} mg", words::number(dose)));
                self.repeat(index, part, every, count, cx)?;
            }
            Action::BenzodiazepineInfusion { dose, over } => {
                if part == Part::Finish {
                    self.patient.needles.retain(|n| n.action != index);
                    return Ok(());
                }
                cx.note(format!(
                    "{} mg/h for {} h",
                    words::number(dose / over),
                    words::number(over)
                ));
                let length = SimSpan::from_hours(over)?;
                if length.as_nanos() <= 0 {
                    return self.patient.deposit(now, Site::Benzodiazepine, dose);
                }
                self.patient.needles.push(Needle {
                    action: index,
                    site: Site::Benzodiazepine,
                    rate: dose / length.hours(),
                    since: now,
                    drug: None,
                });
                self.finish_after(index, over, cx)?;
            }
            Action::Cyproheptadine { dose, every, count } => {
                self.patient.deposit(now, Site::Cyproheptadine, dose)?;
                cx.note(format!("{} mg", words::number(dose)));
                self.repeat(index, part, every, count, cx)?;
            }
            Action::DrainCsf { volume, over } => {
                match part {
                    Part::Finish => self.patient.drain = None,
                    _ => {
                        self.surgery(Surgery::Puncture, cx)?;
                        self.patient.drain = Some(Outflow {
                            level: Level::L4,
                            rate: volume / over,
                        });
                        cx.note(format!("{} mL", words::number(volume)));
                        self.finish_after(index, over, cx)?;
                    }
                }
                self.exposure_cause = by;
            }
            Action::InjectContrast { volume } => {
                let level = self.scenario.catheter.tip;
                let subdural = self.patient.catheter.tip_destination() == Destination::Subdural;
                let jumps = self.patient.catheter.inject(now, volume)?;
                self.patient.ejected(now, &jumps)?;
                let pushed: f64 = jumps.iter().map(|j| j.drug).sum();
                let flushed = if subdural {
                    self.patient.flush_subdural(now, level)?
                } else {
                    0.0
                };
                cx.note(format!(
                    "{} pushed out of the catheter, {} flushed out of the subdural pocket",
                    words::dose(pushed),
                    words::dose(flushed)
                ));
                self.exposure_cause = by;
                self.catheter_cause = by;
            }
            Action::AspirateCatheter { volume } => {
                let drawn = match self.patient.catheter.aspirate(now, volume) {
                    Ok(drawn) => drawn,
                    Err(CatheterError::Blocked) => {
                        cx.note("nothing comes: the catheter is closed");
                        return Ok(());
                    }
                    Err(error) => return Err(error.into()),
                };
                self.accounts.aspirated += drawn.drug;
                book(&mut self.patient.drugs, drawn.others, |a| &mut a.aspirated);
                self.patient.ejected(now, &drawn.jumps)?;
                let spinal: f64 = drawn
                    .jumps
                    .iter()
                    .filter(|j| matches!(j.to, Destination::Csf(_)))
                    .map(|j| -j.volume)
                    .sum();
                cx.note(format!(
                    "{} mL drawn with {}, {} mL of spinal fluid follow",
                    words::number(drawn.volume),
                    words::dose(drawn.drug),
                    words::number(spinal)
                ));
                self.catheter_cause = by;
            }
            Action::MriScan { over } => {
                let on = part != Part::Finish;
                if on {
                    self.sources.insert(id.clone(), by);
                    let field = Disturbance::MriField {
                        field: None,
                        restart_delay: 0.0,
                    };
                    self.patient.pump.disturb(now, &id, &field, notices)?;
                } else {
                    self.patient.pump.relieve(now, &id, notices);
                }
                self.pump_cause = by;
                if on {
                    cx.note(format!("{} min in the field", words::number(over * 60.0)));
                    self.finish_after(index, over, cx)?;
                }
            }
            Action::Surround { exposure, over } => {
                let exposures = &mut self.patient.exposures;
                if part == Part::Finish {
                    exposures.retain(|e| e.0 != index);
                } else {
                    exposures.push((index, exposure));
                    cx.note(match exposure {
                        Exposure::Pressure(p) => format!("{} kPa for {} h", words::number(p), words::number(over)),
                        Exposure::Temperature(t) => format!("{} degC for {} h", words::number(t), words::number(over)),
                    });
                    self.finish_after(index, over, cx)?;
                }
                let p = &self.scenario.parameters;
                let normal = Surroundings {
                    pressure: p.get("pump.normal.pressure"),
                    temperature: p.get("pump.normal.temperature"),
                };
                let drawn = self.patient.surround(now, self.patient.surroundings(normal), notices)?;
                if drawn > 0.0 {
                    cx.note(format!("{} mL drawn back into the reservoir", words::number(drawn)));
                }
                self.touch_device(by);
            }
            Action::ResetValve => {
                self.patient.pump.command(now, &Command::ResetValve, notices)?;
                self.pump_cause = by;
            }
            Action::Ventilate { on } => {
                if self.patient.body.ventilated != on {
                    self.patient.body.rebase(now);
                    self.patient.body.ventilated = on;
                }
                cx.note(if on { "breathing is supported" } else { "support ends" });
            }
            Action::Cool { on } => {
                if self.patient.body.cooled != on {
                    self.patient.body.rebase(now);
                    self.patient.body.cooled = on;
                }
                cx.note(if on { "the body is cooled" } else { "cooling ends" });
            }
            Action::Posture(posture) if posture == self.patient.posture => {
                self.posture_changed_by(index, posture);
                cx.note("as before");
            }
            Action::Posture(posture) => {
                self.posture_changed_by(index, posture);
                self.patient.posture = posture;
                let pressure = super::tip_pressure(&self.scenario.parameters, posture);
                let jumps = self.patient.catheter.set_tip_pressure(now, pressure)?;
                self.patient.ejected(now, &jumps)?;
                self.posture_faults(cx)?;
                self.posture_ailments(now);
                self.catheter_cause = by;
            }
            Action::Implant {
                volume,
                concentration,
                label,
                others,
            } => {
                let surgery = if self.patient.implanted {
                    Surgery::Replacement
                } else {
                    Surgery::Implant
                };
                self.implant(volume, (concentration, others), label, by, cx)?;
                self.surgery(surgery, cx)?;
            }
            Action::Explant => {
                self.explant(by, cx)?;
                self.hardware_out(cx)?;
            }
            Action::Treat { remedy, over } => self.treat(remedy, over, cx)?,
            Action::Repair { faults } => {
                let opens = |id: &String| {
                    let of = |f: &&crate::scenario::model::Fault| f.id == *id && f.kind.starts_with("catheter.");
                    self.scenario
                        .faults
                        .iter()
                        .any(|f| of(&f) && f.kind != "catheter.csf_leak")
                };
                if faults.iter().any(opens) {
                    self.surgery(Surgery::Revision, cx)?;
                }
                for id in &faults {
                    let Some(fault) = self.scenario.faults.iter().position(|f| f.id == *id) else {
                        continue;
                    };
                    // What is not there cannot be repaired, and may still come.
                    if !self.faults[fault].state.active() {
                        continue;
                    }
                    let event = self.fault_event(fault, Stage::End, None);
                    cx.schedule_at(now, Phase::Fault, self.ranks.fault(fault), event)?;
                }
                cx.note(faults.join(", "));
            }
        }
        Ok(())
    }

    /// Device and line now stand as this event left them.
    fn touch_device(&mut self, by: EventId) {
        self.pump_cause = by;
        self.catheter_cause = by;
    }

    #[allow(clippy::too_many_arguments)] // the fields of one act and where it stands
    fn needle(
        &mut self,
        index: usize,
        part: Part,
        (dose, drug): (f64, Option<usize>),
        level: Level,
        over: f64,
        by: EventId,
        cx: &mut Context<'_, SimEvent>,
    ) -> Result<(), SimError> {
        let now = cx.now();
        if part == Part::Finish {
            *self.given(drug) += dose;
            self.patient.needles.retain(|n| n.action != index);
            return Ok(());
        }
        match drug.and_then(|d| self.patient.drugs.get(d)) {
            Some(other) => cx.note(format!("{} of {} at {level}", words::dose(dose), other.id)),
            None => cx.note(format!("{} at {level}", words::dose(dose))),
        }
        self.exposure_cause = by;
        // An infusion over hours goes through a catheter that lies there already.
        if over < ONE_NEEDLE {
            self.surgery(Surgery::Puncture, cx)?;
        }
        let length = SimSpan::from_hours(over)?;
        if length.as_nanos() <= 0 {
            *self.given(drug) += dose;
            let site = Site::Stream(Destination::Csf(level));
            return match drug {
                None => self.patient.deposit(now, site, dose),
                Some(index) => {
                    let mut amounts = Others::NONE;
                    amounts.set(index, dose);
                    self.patient.deposit_others(now, site, amounts)
                }
            };
        }
        // The rate belongs to the rounded length, so that the dose is exact.
        self.patient.needles.push(Needle {
            action: index,
            site: Site::Stream(Destination::Csf(level)),
            rate: dose / length.hours(),
            since: now,
            drug,
        });
        self.finish_after(index, over, cx)
    }

    /// What was given straight to the body of one drug \[ug\].
    fn given(&mut self, drug: Option<usize>) -> &mut f64 {
        match drug.and_then(|index| self.patient.drugs.get_mut(index)) {
            Some(other) => &mut other.accounts.given,
            None => &mut self.accounts.given,
        }
    }

    /// What a syringe holds \[ug/mL\]. A policy names one concentration, that of the drug which
    /// doses are counted in; the rest then is as in the first fill, in proportion.
    pub(super) fn syringe(&self, concentration: f64, label: f64, others: Option<Others>) -> (f64, Others) {
        let pump = &self.scenario.pump;
        match (others, pump.primary) {
            (Some(others), _) => (concentration, others),
            (None, None) => (concentration, pump.others * (label / pump.label_concentration)),
            (None, Some(_)) => {
                let share = concentration / pump.label_concentration;
                (pump.concentration * share, pump.others * share)
            }
        }
    }

    /// Concentration of the drug that doses are counted in \[ug/mL\].
    fn counted(&self, concentration: f64, others: Others) -> f64 {
        self.scenario
            .pump
            .primary
            .map_or(concentration, |index| others.get(index))
    }

    /// A mixture in words.
    pub(super) fn mixture_words(&self, concentration: f64, others: Others) -> String {
        words::mixture(concentration, others, &self.scenario.drugs)
    }

    fn finish_after(&mut self, index: usize, hours: f64, cx: &mut Context<'_, SimEvent>) -> Result<(), SimError> {
        let event = self.action_event(index, Part::Finish);
        cx.schedule_in(
            SimSpan::from_hours(hours)?,
            Phase::Clinician,
            self.act_rank(index),
            event,
        )?;
        Ok(())
    }

    /// Schedules the next dose of a repeated act.
    fn repeat(
        &mut self,
        index: usize,
        part: Part,
        every: f64,
        count: Option<u32>,
        cx: &mut Context<'_, SimEvent>,
    ) -> Result<(), SimError> {
        let given = match part {
            Part::Repeat(n) => n + 1,
            _ => 1,
        };
        let length = SimSpan::from_hours(every)?;
        if count.is_some_and(|c| given >= c) || length.as_nanos() <= 0 {
            return Ok(());
        }
        let at = cx.now().checked_add(length)?;
        if at <= self.scenario.duration {
            let event = self.action_event(index, Part::Repeat(given));
            cx.schedule_at(at, Phase::Clinician, self.act_rank(index), event)?;
        }
        Ok(())
    }
}
