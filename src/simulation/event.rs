//! What can happen in a run: the payload the engine carries.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::care::Place;
use crate::care::diagnostics::Outcome;
use crate::engine::{Event, Fingerprint};
use crate::pump::{AlarmName, PumpEvent, PumpNotice};
use crate::response::Crossed;

/// A name from the scenario file, shared by all events that carry it.
pub type Name = Arc<str>;

/// Part of an action that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// It begins; an act without length has only this part.
    Begin,
    /// The n-th repetition of a repeated dose, from 1.
    Repeat(u32),
    /// It is over.
    Finish,
    /// Another event made it needless, and it is not done.
    Dropped,
}

/// Stage of a fault's severity profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The trigger fired.
    Start,
    /// One step of a ramp.
    Progress,
    /// A ramp reached full severity.
    Full,
    /// Present again after an absence.
    On,
    /// Absent for a while.
    Off,
    /// Ended, by itself or by repair.
    End,
}

/// What a complication does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AilmentStep {
    /// A course of antibiotics is over.
    CourseOver,
    /// It was only held down and comes back.
    Relapsed,
    /// Left alone, it leads to another.
    Spread,
}

/// How what reaches the spinal fluid compares with what is programmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Delivery {
    /// Less than 2 % of the programmed dose.
    Stopped,
    /// Clearly less than programmed.
    Low,
    /// As programmed.
    Normal,
    /// Clearly more than programmed.
    High,
}

/// What happens between a policy and the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CareStep {
    /// The policy begins its work.
    Start,
    /// A reminder is due.
    Timer {
        /// Its name.
        name: String,
    },
    /// An appointment is kept.
    Seen {
        /// Its name.
        name: String,
        /// Where.
        place: Place,
    },
    /// An appointment is not kept.
    Missed {
        /// Its name.
        name: String,
    },
    /// Patient or carer gets in touch.
    Reported {
        /// How.
        place: Place,
        /// Names of symptoms told of.
        complaints: Vec<String>,
        /// Names of alarms told of.
        alarms: Vec<String>,
    },
    /// An act that the policy ordered could not be carried out.
    Refused {
        /// Id of the act.
        act: String,
        /// Why.
        reason: String,
    },
    /// A number goes into the chart.
    Charted {
        /// What it is.
        name: String,
        /// The number.
        value: f64,
    },
    /// A diagnostic test begins.
    Test {
        /// Its name.
        test: String,
        /// Whether drug is drawn out of the catheter before contrast goes in.
        careful: bool,
    },
    /// Hands are laid on in a test.
    Probe {
        /// Its name.
        test: String,
        /// Which of its kind, from 1.
        ordinal: u64,
    },
    /// A test is read.
    Read {
        /// Its name.
        test: String,
        /// Which of its kind, from 1.
        ordinal: u64,
    },
    /// Nobody has to lie any longer for a test that is over.
    Rise,
    /// Its result becomes known.
    Result {
        /// Its name.
        test: String,
        /// How it came out.
        outcome: Outcome,
        /// Name of the fault it shows.
        lesion: Option<String>,
        /// In words.
        detail: String,
    },
    /// An operation for a diagnosis.
    Operation {
        /// Name of the fault that is looked for.
        lesion: String,
        /// Whether a catheter that was opened is filled with drug again.
        prime: bool,
    },
    /// The policy makes something known.
    Flag {
        /// Which of its events.
        name: String,
        /// In words.
        note: String,
    },
}

/// The payload of one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SimEvent {
    /// The clinician sends a programme.
    Programme {
        /// Index in the scenario.
        index: usize,
        /// Its id.
        id: Name,
    },
    /// An act of the scenario, or one that a policy ordered.
    Action {
        /// Index in the scenario; orders follow its own acts.
        index: usize,
        /// Its id.
        id: Name,
        /// Which part of it.
        part: Part,
    },
    /// A policy and the world.
    Care {
        /// Place of the policy.
        index: usize,
        /// Id of its block.
        id: Name,
        /// What.
        step: CareStep,
    },
    /// A condition that a fault waits for came true.
    Condition {
        /// Index of the fault.
        index: usize,
        /// Its id.
        id: Name,
    },
    /// The hazard of a kind of fault strikes.
    Hazard {
        /// Index of the fault that was drawn.
        index: usize,
        /// Its id, which is its kind.
        id: Name,
    },
    /// A fault moves along its profile.
    Fault {
        /// Index of the fault.
        index: usize,
        /// Its id.
        id: Name,
        /// Stage of the profile.
        stage: Stage,
        /// Severity from now on \[0-1\].
        severity: f64,
    },
    /// A complication goes on by itself.
    Ailment {
        /// Index of the fault.
        index: usize,
        /// Its id.
        id: Name,
        /// What.
        step: AilmentStep,
    },
    /// The pump's own next event.
    Pump(PumpEvent),
    /// Something the pump reports or that happens to it.
    Notice(PumpNotice),
    /// Somebody hears an alarm for the first time since it was raised.
    AlarmHeard {
        /// Which.
        name: AlarmName,
        /// Which of its tones, from 1.
        tone: u64,
    },
    /// A concentration front or a pressure step in the catheter.
    Catheter,
    /// Delivery into the spinal fluid changed class.
    Delivery {
        /// Class from now on.
        class: Delivery,
        /// Class before.
        before: Delivery,
    },
    /// A symptom's signal crossed one of its levels.
    Threshold {
        /// Index in the symptom table.
        index: usize,
        /// Name of the symptom.
        name: Name,
        /// Which level, which way.
        crossed: Crossed,
    },

    /// A symptom appeared (`true`) or went.
    Symptom {
        /// Index in the symptom table.
        index: usize,
        /// Name of the symptom.
        name: Name,
        /// Onset or resolution.
        onset: bool,
        /// Whether it comes at the end of the time the signal had to stay beyond its level.
        dwelt: bool,
    },
    /// The patient died.
    Death {
        /// Cause in words.
        cause: Name,
    },
    /// An output row is due.
    Sample,
}

impl Event for SimEvent {
    fn component(&self) -> Cow<'_, str> {
        match self {
            SimEvent::Programme { id, .. } => Cow::Owned(format!("programme.{id}")),
            SimEvent::Action { id, .. } => Cow::Owned(format!("action.{id}")),
            SimEvent::Care { id, .. } => Cow::Owned(format!("care.{id}")),
            SimEvent::Condition { id, .. } => Cow::Owned(format!("condition.{id}")),
            SimEvent::Hazard { id, .. } => Cow::Owned(format!("hazard.{id}")),
            SimEvent::Fault { id, .. } | SimEvent::Ailment { id, .. } => Cow::Owned(format!("fault.{id}")),
            SimEvent::Pump(_) => Cow::Borrowed("pump"),
            SimEvent::Notice(notice) => super::words::notice_name(notice).0,
            SimEvent::AlarmHeard { name, .. } => Cow::Owned(format!("alarm.{}", name.as_str())),
            SimEvent::Catheter => Cow::Borrowed("catheter"),
            SimEvent::Delivery { .. } => Cow::Borrowed("delivery"),
            SimEvent::Threshold { name, .. } | SimEvent::Symptom { name, .. } => Cow::Owned(format!("symptom.{name}")),
            SimEvent::Death { .. } => Cow::Borrowed("patient"),
            SimEvent::Sample => Cow::Borrowed("observer"),
        }
    }

    fn kind(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            SimEvent::Programme { .. } => "start",
            SimEvent::Care { step, .. } => match step {
                CareStep::Start => "start",
                CareStep::Timer { .. } => "timer",
                CareStep::Seen { .. } => "seen",
                CareStep::Missed { .. } => "missed",
                CareStep::Reported { .. } => "reported",
                CareStep::Refused { .. } => "refused",
                CareStep::Charted { .. } => "charted",
                CareStep::Test { .. } => "test",
                CareStep::Probe { .. } => "probe",
                CareStep::Read { .. } => "read",
                CareStep::Rise => "risen",
                CareStep::Result { test, outcome, .. } => {
                    return Cow::Owned(crate::scenario::steps::result_event(test, outcome.as_str()));
                }
                CareStep::Operation { .. } => "operation",
                CareStep::Flag { name, .. } => return Cow::Owned(name.clone()),
            },
            SimEvent::Action { part, .. } => match part {
                Part::Begin => "done",
                Part::Repeat(_) => "dose",
                Part::Finish => "over",
                Part::Dropped => "dropped",
            },
            SimEvent::Condition { .. } => "met",
            SimEvent::Hazard { .. } => "struck",
            SimEvent::Ailment { step, .. } => match step {
                AilmentStep::CourseOver => "course_over",
                AilmentStep::Relapsed => "relapsed",
                AilmentStep::Spread => "spread",
            },
            SimEvent::Fault { stage, .. } => match stage {
                Stage::Start => "start",
                Stage::Progress => "progress",
                Stage::Full => "full",
                Stage::On => "on",
                Stage::Off => "off",
                Stage::End => "end",
            },
            // What the pump reports of these, if it notices, is an alarm of its own.
            SimEvent::Pump(PumpEvent::Emptied) => "empty",
            SimEvent::Pump(event) => return Cow::Borrowed(event.name()),
            SimEvent::Notice(notice) => return super::words::notice_name(notice).1,
            SimEvent::AlarmHeard { .. } => "heard",
            SimEvent::Catheter => "front",
            SimEvent::Delivery { class, before } => match (class, before) {
                (Delivery::Stopped, _) => "stopped",
                (Delivery::Normal, _) => "restored",
                (after, before) if after < before => "fell",
                _ => "rose",
            },
            SimEvent::Threshold { crossed, .. } => super::words::crossing(*crossed),
            SimEvent::Symptom { onset: true, .. } => "onset",
            SimEvent::Symptom { onset: false, .. } => "resolved",
            SimEvent::Death { .. } => "death",
            SimEvent::Sample => "sample",
        })
    }

    /// What outcomes are never counted from: the pump's everyday work, which is most of a run.
    fn is_routine(&self) -> bool {
        match self {
            SimEvent::Pump(event) => *event != PumpEvent::Emptied,
            SimEvent::Notice(notice) => !matches!(
                notice,
                PumpNotice::Emptied | PumpNotice::BolusGranted { .. } | PumpNotice::BolusRefused { .. }
            ),
            SimEvent::Catheter | SimEvent::Delivery { .. } => true,
            _ => false,
        }
    }

    fn hash_into(&self, fp: &mut Fingerprint) {
        match self {
            // Ids are in the component; an index would tell the order of blocks in the file.
            SimEvent::Action { part, .. } => fp.write_u64(match part {
                Part::Begin => 0,
                Part::Finish => 1,
                Part::Repeat(n) => 2 + u64::from(*n),
                Part::Dropped => u64::MAX,
            }),
            SimEvent::Fault { severity, .. } => fp.write_f64(*severity),
            SimEvent::AlarmHeard { tone, .. } => fp.write_u64(*tone),
            SimEvent::Notice(notice) => match notice {
                PumpNotice::RateChanged { flow, dose_rate } => {
                    fp.write_f64(*flow);
                    fp.write_f64(*dose_rate);
                }
                PumpNotice::BolusGranted { dose } => fp.write_f64(*dose),
                PumpNotice::BolusRefused { why } => fp.write_str(why.words()),
                _ => {}
            },
            SimEvent::Care { step, .. } => match step {
                CareStep::Timer { name } | CareStep::Seen { name, .. } | CareStep::Missed { name } => {
                    fp.write_str(name)
                }
                CareStep::Flag { note, .. } => fp.write_str(note),
                CareStep::Charted { name, value } => {
                    fp.write_str(name);
                    fp.write_f64(*value);
                }
                CareStep::Test { test, .. } | CareStep::Probe { test, .. } | CareStep::Read { test, .. } => {
                    fp.write_str(test);
                }
                CareStep::Result { detail, .. } => fp.write_str(detail),
                CareStep::Operation { lesion, .. } => fp.write_str(lesion),
                CareStep::Start | CareStep::Rise | CareStep::Reported { .. } | CareStep::Refused { .. } => {}
            },
            SimEvent::Programme { .. }
            | SimEvent::Condition { .. }
            | SimEvent::Hazard { .. }
            | SimEvent::Ailment { .. }
            | SimEvent::Pump(_)
            | SimEvent::Catheter
            | SimEvent::Delivery { .. }
            | SimEvent::Threshold { .. }
            | SimEvent::Symptom { .. }
            | SimEvent::Sample => {}
            SimEvent::Death { cause } => fp.write_str(cause),
        }
    }
}
