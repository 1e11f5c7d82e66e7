//! Tests and operations that policies order, done on the patient as he really is.
//!
//! A test begins (the patient lies down, if it needs that), a little later hands are laid
//! on (a syringe, contrast, a needle), and after its time it is read. What is done acts
//! through the model: contrast pushes drug out of the catheter, a test bolus relieves.

use serde::{Deserialize, Serialize};

use crate::care::diagnostics::{self, DiagnosticTest, Lesion, Outcome, Present};
use crate::care::{News, Order};
use crate::complications::Surgery;
use crate::engine::{Context, EventId, Phase, SimSpan, SimTime};
use crate::pump::{Command, PumpError, PumpNotice};
use crate::scenario::model::{Action, Programme};
use crate::signals::{Destination, Level, Posture};

use super::ailment_run::is_complication;
use super::drugs::book;
use super::error::SimError;
use super::event::{CareStep, SimEvent};
use super::model::Simulation;
use super::words;

type Cx<'a> = Context<'a, SimEvent>;

/// ug in a mg.
const MG: f64 = 1000.0;

/// Tests in which something is done to patient or device before the result is read.
const HANDS_ON: &[&str] = &[
    "refill_check",
    "port_aspiration",
    "dye_study",
    "lumbar_bolus",
    "csf_sample",
    "mri_spine",
];

/// A test under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Study {
    policy: usize,
    test: String,
    /// Which of its kind in this run, from 1.
    ordinal: u64,
    careful: bool,
    /// Whether the patient lies down for it.
    lies: bool,
    /// Whether nothing could be aspirated.
    dry: bool,
    /// Ashworth score of the legs and spasm score before.
    scores: Option<(f64, f64)>,
    /// Event that began it.
    by: EventId,
}

/// A patient lies down for tests. The last of them that is over lets him up, into the posture
/// in which the first one found him.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Lying {
    /// Tests that need it.
    tests: u32,
    /// Posture to return to.
    before: Posture,
}

/// What a test shows.
struct Reading {
    outcome: Outcome,
    lesion: Option<Lesion>,
    detail: String,
}

impl Reading {
    fn normal(detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Normal,
            lesion: None,
            detail: detail.into(),
        }
    }

    fn abnormal(lesion: Option<Lesion>, detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Abnormal,
            lesion,
            detail: detail.into(),
        }
    }

    fn not_done(detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::NotDone,
            ..Self::normal(detail)
        }
    }
}

impl Simulation {
    fn number(&self, test: &str, name: &str) -> f64 {
        diagnostics::number(&self.scenario.parameters, test, name).unwrap_or_default()
    }

    fn do_act(&mut self, policy: usize, name: &str, act: Action, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let order = Order::Act {
            name: name.to_owned(),
            after: 0.0,
            act,
        };
        self.carry_out(policy, order, cx)
    }

    /// A test begins.
    pub(super) fn test_begins(
        &mut self,
        policy: usize,
        test: &str,
        careful: bool,
        by: EventId,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        self.happened(policy, test);
        let Some(known) = diagnostics::named(test) else {
            let reading = Reading::not_done("there is no such test");
            return self.tell_result(policy, test, reading, by, cx);
        };
        cx.note(known.words);
        let count = self.care_state.tests.entry(test.to_owned()).or_insert(0);
        *count += 1;
        let ordinal = *count;
        if known.supine {
            self.lie_down(policy, cx)?;
        }
        self.care_state.studies.push(Study {
            policy,
            test: test.to_owned(),
            ordinal,
            careful,
            lies: known.supine,
            dry: false,
            scores: None,
            by,
        });
        let settle = self.scenario.parameters.get("care.test.settle");
        let time = self.number(test, "time").max(settle);
        let mut steps = Vec::new();
        if HANDS_ON.contains(&test) {
            let test = test.to_owned();
            steps.push((settle, CareStep::Probe { test, ordinal }));
        }
        let test = test.to_owned();
        steps.push((time, CareStep::Read { test, ordinal }));
        for (after, step) in steps {
            let event = self.care_event(policy, step);
            cx.schedule_in(
                SimSpan::from_hours(after)?,
                Phase::Clinician,
                self.ranks.care(policy),
                event,
            )?;
        }
        Ok(())
    }

    /// A test needs the patient to lie.
    fn lie_down(&mut self, policy: usize, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let before = self.patient.posture;
        match &mut self.care_state.lying {
            Some(lying) => lying.tests += 1,
            none => *none = Some(Lying { tests: 1, before }),
        }
        if before == Posture::Supine {
            return Ok(());
        }
        self.do_act(policy, "lie_down", Action::Posture(Posture::Supine), cx)
    }

    /// A test needs it no longer; after the last one the patient is as he was.
    pub(super) fn rise(&mut self, policy: usize, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let Some(lying) = &mut self.care_state.lying else {
            return Ok(());
        };
        lying.tests = lying.tests.saturating_sub(1);
        if lying.tests > 0 {
            return Ok(());
        }
        let before = lying.before;
        self.care_state.lying = None;
        if before == Posture::Supine {
            return Ok(());
        }
        self.do_act(policy, "get_up", Action::Posture(before), cx)
    }

    /// Somebody else's change of posture is what a patient who lies for a test returns to.
    pub(super) fn posture_changed_by(&mut self, act: usize, posture: Posture) {
        if !self.is_ordered(act)
            && let Some(lying) = &mut self.care_state.lying
        {
            lying.before = posture;
        }
    }

    fn study(&self, test: &str, ordinal: u64) -> Option<usize> {
        let studies = &self.care_state.studies;
        studies.iter().position(|s| s.test == test && s.ordinal == ordinal)
    }

    /// Hands are laid on.
    pub(super) fn test_probes(
        &mut self,
        test: &str,
        ordinal: u64,
        by: EventId,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        let Some(place) = self.study(test, ordinal) else {
            return Ok(());
        };
        let (policy, careful) = {
            let s = &self.care_state.studies[place];
            (s.policy, s.careful)
        };
        match test {
            "refill_check" => self.do_act(policy, "check_reservoir", crate::care::reservoir_check(), cx)?,
            "port_aspiration" => {
                let dry = self.is_dry();
                self.care_state.studies[place].dry = dry;
                cx.note(if dry { "nothing comes" } else { "spinal fluid comes" });
            }
            "dye_study" => {
                let dry = self.is_dry();
                self.care_state.studies[place].dry = dry;
                if dry {
                    cx.note("nothing comes: no contrast is injected");
                    return Ok(());
                }
                if careful {
                    let line = &mut self.patient.catheter;
                    let volume = line.beyond_port(cx.now());
                    let out = line.aspirate(cx.now(), volume)?;
                    let drawn = out.drug;
                    self.patient.ejected(cx.now(), &out.jumps)?;
                    self.accounts.aspirated += drawn;
                    book(&mut self.patient.drugs, out.others, |a| &mut a.aspirated);
                    self.catheter_cause = by;
                    self.exposure_cause = by;
                    cx.note(format!("{} drawn out of the catheter", words::dose(drawn)));
                }
                let volume = self.number(test, "contrast");
                self.do_act(policy, "inject_contrast", Action::InjectContrast { volume }, cx)?;
            }
            "lumbar_bolus" => {
                let found = self.examine(cx.now())?;
                self.care_state.studies[place].scores = Some((found.ashworth_legs, found.spasm_score));
                cx.note(format!(
                    "Ashworth {} in the legs, spasms {} before",
                    found.ashworth_legs, found.spasm_score
                ));
                let act = Action::LumbarBolus {
                    dose: self.number(test, "dose") * MG,
                    level: Level::L3,
                    over: self
                        .scenario
                        .parameters
                        .get_as("scenario.lumbar_bolus.over", crate::quantity::Dimension::Time),
                    drug: None,
                };
                self.do_act(policy, "test_bolus", act, cx)?;
            }
            "csf_sample" => self.surgery(Surgery::Puncture, cx)?,
            "mri_spine" if self.patient.implanted => {
                let over = self.number(test, "field");
                self.do_act(policy, "scan", Action::MriScan { over }, cx)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The result is read, and told in an event of its own.
    pub(super) fn test_read(
        &mut self,
        test: &str,
        ordinal: u64,
        by: EventId,
        cx: &mut Cx<'_>,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<(), SimError> {
        let (Some(place), Some(known)) = (self.study(test, ordinal), diagnostics::named(test)) else {
            return Ok(());
        };
        let study = self.care_state.studies.remove(place);
        let reading = self.reading(known, &study, by, cx, notices)?;
        let mut lying = 0.0;
        if test == "dye_study" && study.careful && !study.dry {
            lying = self.scenario.parameters.get("care.test.priming_over");
            self.prime_catheter(study.policy, cx)?;
        }
        if study.lies && lying > 0.0 {
            // The line is filled again before anybody sits up.
            let event = self.care_event(study.policy, CareStep::Rise);
            let rank = self.ranks.care(study.policy);
            cx.schedule_in(SimSpan::from_hours(lying)?, Phase::Clinician, rank, event)?;
        } else if study.lies {
            self.rise(study.policy, cx)?;
        }
        self.tell_result(study.policy, test, reading, study.by, cx)
    }

    fn tell_result(
        &mut self,
        policy: usize,
        test: &str,
        reading: Reading,
        by: EventId,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        let event = self.care_event(
            policy,
            CareStep::Result {
                test: test.to_owned(),
                outcome: reading.outcome,
                lesion: reading.lesion.map(|l| l.as_str().to_owned()),
                detail: reading.detail,
            },
        );
        cx.schedule_caused_by(by, cx.now(), Phase::Clinician, self.ranks.care(policy), event)?;
        Ok(())
    }

    /// Everything wrong now. Surgeons also find what comes and goes.
    fn present(&self, laid_open: bool, now: SimTime) -> Vec<Present> {
        let mut found: Vec<Present> = Vec::new();
        for (index, (fault, run)) in self.scenario.faults.iter().zip(&self.faults).enumerate() {
            if run.state.active() {
                let shown = if is_complication(&fault.kind) {
                    self.ailment_share(index, now)
                } else {
                    run.state.severity
                };
                found.push(Present {
                    lesion: Lesion::of_kind(&fault.kind),
                    severity: if laid_open { 1.0 } else { shown },
                });
            }
        }
        if self.wrong_drug() {
            found.push(Present {
                lesion: Lesion::Drug,
                severity: 1.0,
            });
        }
        found
    }

    fn wrong_drug(&self) -> bool {
        let pump = &self.patient.pump;
        let flow = pump.programmed_flow();
        if flow <= 0.0 {
            return false;
        }
        // The label that the pump works with, and what really is in it.
        let label = pump.programmed_dose_rate() / flow;
        let error = (pump.outlet_concentration() - label).abs();
        error > label * self.scenario.parameters.get("care.test.history.label_error")
    }

    /// Whether a syringe at the access port draws nothing.
    fn is_dry(&mut self) -> bool {
        self.care_state.aspirations += 1;
        let ordinal = self.care_state.aspirations;
        let test = "port_aspiration";
        let port = self.patient.catheter.port();
        let in_csf = matches!(self.patient.catheter.tip_destination(), Destination::Csf(_));
        let open = in_csf
            && port.tip >= self.number(test, "conductance")
            && port.tip >= self.number(test, "tip_share") * (port.tip + port.leaks);
        !open || self.draws.uniform("test.port_aspiration", "dry", ordinal) < self.number(test, "dry")
    }

    fn reading(
        &mut self,
        test: &DiagnosticTest,
        study: &Study,
        by: EventId,
        cx: &mut Cx<'_>,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<Reading, SimError> {
        let now = cx.now();
        Ok(match test.name {
            "interrogation" => {
                self.silence_alarms(cx);
                match self.patient.pump.command(now, &Command::Interrogate, notices) {
                    Ok(()) => {}
                    Err(PumpError::Unsupported { .. }) => return Ok(Reading::not_done("the pump cannot be read")),
                    Err(other) => return Err(other.into()),
                }
                if !notices.is_empty() {
                    self.pump_cause = by;
                }
                let t = self.patient.pump.telemetry(now);
                let shown: Vec<&str> = t.alarms.iter().map(|a| a.name.as_str()).collect();
                let lesion = [
                    ("motor_stall", Lesion::Stall),
                    ("memory_error", Lesion::Memory),
                    ("empty_reservoir", Lesion::Empty),
                    ("occlusion", Lesion::Occlusion),
                ]
                .into_iter()
                .find(|(alarm, _)| shown.contains(alarm));
                let slip = self.compared(test.name, study.ordinal, now);
                match (lesion, slip) {
                    (Some((alarm, lesion)), _) => Reading::abnormal(Some(lesion), alarm.replace('_', " ")),
                    (None, Some(slip)) => Reading::abnormal(Some(Lesion::Programme), slip),
                    (None, None) if shown.is_empty() => Reading::normal("no alarm"),
                    (None, None) => Reading::abnormal(None, shown.join(", ").replace('_', " ")),
                }
            }
            "refill_check" => {
                let id = format!("{}.check_reservoir", self.care[study.policy].id);
                let Some(visit) = self.visits.iter().rev().find(|v| v.visit == id) else {
                    return Ok(Reading::not_done("the reservoir could not be drawn out"));
                };
                let drawn = visit.aspirated_ml.unwrap_or_default();
                let detail = format!(
                    "{} mL expected, {} mL drawn out",
                    words::number(visit.expected_ml),
                    words::number(drawn)
                );
                match visit.verdict.as_str() {
                    _ if drawn <= self.number(test.name, "empty") => Reading::abnormal(Some(Lesion::Empty), detail),
                    "more than expected" => Reading::abnormal(Some(Lesion::Stall), detail),
                    "less than expected" => Reading::abnormal(Some(Lesion::OverInfusion), detail),
                    _ => Reading::normal(detail),
                }
            }
            "rotor_study" => {
                let pump = &self.patient.pump;
                let told = pump.programmed_flow() > 0.0 && pump.reservoir_volume(now) > 0.0;
                if told && pump.mean_drive().flow <= 0.0 {
                    Reading::abnormal(Some(Lesion::Stall), "the rotor does not turn")
                } else {
                    Reading::normal("the rotor turns")
                }
            }
            "port_aspiration" if study.dry => Reading::abnormal(None, "nothing comes from the access port"),
            "port_aspiration" => Reading::normal("spinal fluid comes from the access port"),
            "dye_study" if study.dry => Reading::not_done("nothing could be aspirated"),
            "lumbar_bolus" => {
                let found = self.examine(now)?;
                let (legs, spasms) = study.scores.unwrap_or_default();
                let (fall, spasm_fall) = (legs - found.ashworth_legs, spasms - found.spasm_score);
                let detail = format!(
                    "Ashworth {legs} to {}, spasms {spasms} to {}",
                    found.ashworth_legs, found.spasm_score
                );
                let helped = fall >= self.number(test.name, "response")
                    || spasm_fall >= self.number(test.name, "spasm_response");
                if helped {
                    Reading::abnormal(None, format!("it helps: {detail}"))
                } else {
                    Reading::normal(format!("it does not help: {detail}"))
                }
            }
            "blood_tests" => {
                let full = self.scenario.parameters.get("response.ailing.crp");
                let truth =
                    self.number(test.name, "crp_usual") + full * self.patient.body.ailments.signs(now).inflammation;
                let spread = self.number(test.name, "crp_spread");
                let entity = "test.blood_tests";
                let crp = self.draws.log_normal(entity, "crp", study.ordinal, truth, spread)?;
                let detail = format!("C-reactive protein {} mg/L", words::number(crp));
                if crp >= self.number(test.name, "crp_raised") {
                    Reading::abnormal(Some(test.typical), detail)
                } else {
                    Reading::normal(detail)
                }
            }
            _ => {
                let laid_open = test.name == "exploration";
                if laid_open {
                    self.surgery(Surgery::Revision, cx)?;
                }
                let present = self.present(laid_open, now);
                let p = &self.scenario.parameters;
                match diagnostics::read(test, &present, study.ordinal, p, &self.draws) {
                    Some(lesion) => Reading::abnormal(Some(lesion), lesion.as_str().replace('_', " ")),
                    None => Reading::normal("nothing abnormal"),
                }
            }
        })
    }

    /// What the notes say against the pump, if whoever reads it compares them.
    fn compared(&self, test: &str, ordinal: u64, now: crate::engine::SimTime) -> Option<String> {
        let slip = self.slip(now)?;
        let compares = self.draws.uniform(&format!("test.{test}"), "compares", ordinal) < self.number(test, "compares");
        compares.then_some(slip)
    }

    /// Policies learn a result.
    pub(super) fn test_result(
        &mut self,
        policy: usize,
        (test, outcome): (&str, Outcome),
        lesion: Option<&str>,
        detail: &str,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        cx.note(detail);
        let news = News::Result {
            by: self.care[policy].id.to_string(),
            test: test.to_owned(),
            outcome,
            lesion: lesion.map(str::to_owned),
            detail: detail.to_owned(),
        };
        self.tell(&news, None, cx)
    }

    /// Fills the catheter beyond the access port from the pump tube.
    fn prime_catheter(&mut self, policy: usize, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let tube = self.scenario.parameters.get("catheter.tube_volume");
        let mode = Programme::PrimingBolus {
            volume: Some(self.patient.catheter.dead_volume() - tube),
            over: self.scenario.parameters.get("care.test.priming_over"),
        };
        self.do_act(policy, "prime", Action::Send { mode }, cx)
    }

    /// An operation for a diagnosis: what of that kind is there is mended. A catheter that
    /// is opened runs empty of drug.
    pub(super) fn operate(
        &mut self,
        policy: usize,
        lesion: &str,
        prime: bool,
        by: EventId,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        self.happened(policy, "operation");
        let faults: Vec<String> = self
            .scenario
            .faults
            .iter()
            .zip(&self.faults)
            .filter(|(fault, run)| run.state.active() && Lesion::of_kind(&fault.kind).as_str() == lesion)
            .map(|(fault, _)| fault.id.clone())
            .collect();
        let found = !faults.is_empty();
        let words = lesion.replace('_', " ");
        if !found {
            // Opened in vain is opened all the same.
            self.surgery(Surgery::Revision, cx)?;
        }
        cx.note(if found {
            format!("{words} found")
        } else {
            format!("no {words} found")
        });
        if found {
            let opened = Lesion::named(lesion).is_some_and(|l| !l.of_pump());
            let surgery = if opened {
                Surgery::Revision
            } else {
                Surgery::Replacement
            };
            self.surgery(surgery, cx)?;
            if opened {
                self.empty_catheter(cx.now());
                self.catheter_cause = by;
                self.exposure_cause = by;
            }
            self.do_act(policy, "repair", Action::Repair { faults }, cx)?;
            if opened && prime {
                self.prime_catheter(policy, cx)?;
            }
        }
        let news = News::Repaired {
            by: self.care[policy].id.to_string(),
            lesion: lesion.to_owned(),
            found,
            dose: self.patient.pump.programmed_dose_rate() * 24.0,
        };
        self.tell(&news, None, cx)
    }
}
