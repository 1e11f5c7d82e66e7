//! What a policy learns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::pump::LogEntry;

/// Where patient and clinician meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A call: nothing is examined, nothing is read.
    Phone,
    /// An appointment.
    Clinic,
    /// The emergency room.
    Emergency,
    /// A hospital bed.
    Hospital,
}

impl Place {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Place::Phone => "by phone",
            Place::Clinic => "in the clinic",
            Place::Emergency => "in the emergency room",
            Place::Hospital => "in hospital",
        }
    }

    /// Whether the patient can be examined and the pump be read.
    pub fn in_person(self) -> bool {
        self != Place::Phone
    }
}

/// What an examination and a reading of the pump show: scores as measured, with the
/// examiner's error, and what the device believes of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Modified Ashworth score of the legs as measured \[0-4\].
    pub ashworth_legs: f64,
    /// Modified Ashworth score of the arms as measured \[0-4\].
    pub ashworth_arms: f64,
    /// Penn spasm score as told \[0-4\].
    pub spasm_score: f64,
    /// Heart rate \[1/min\].
    pub heart_rate: f64,
    /// Systolic pressure \[mmHg\].
    pub systolic: f64,
    /// Body temperature \[degC\].
    pub temperature: f64,
    /// Breathing rate \[1/min\].
    pub resp_rate: f64,
    /// Glasgow coma score \[3-15\].
    pub gcs: f64,
    /// Names of the symptoms present, as an examiner would find them.
    pub symptoms: Vec<String>,
    /// Dose programmed, by the label \[ug/day\].
    pub dose: f64,
    /// Concentration entered \[ug/mL\].
    pub label: f64,
    /// Reservoir volume that the pump computes \[mL\].
    pub computed_volume: f64,
    /// Time to the low-reservoir alarm at the present rate \[h\].
    pub low_alarm_in: Option<f64>,
    /// Battery life left by the pump's reckoning \[h\]; `None` without a battery.
    pub battery_left: Option<f64>,
    /// Alarms that sound or are in the log as lasting.
    pub alarms: Vec<String>,
    /// Lines of the pump's log since the start.
    pub log: Arc<Vec<LogEntry>>,
    /// Where the pump's settings differ from the prescription in the notes, if whoever read
    /// the pump compared them; in words.
    pub slip: Option<String>,
}

/// What the syringe said at a refill or a check of the reservoir.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReservoirCheck {
    /// Volume the pump computed \[mL\].
    pub expected: f64,
    /// Volume read in the syringe \[mL\]; `None` if nothing was drawn.
    pub aspirated: Option<f64>,
    /// The verdict of the rule in force, in words.
    pub verdict: String,
}

/// One thing a policy learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum News {
    /// The run begins.
    Start,
    /// A reminder that this policy set.
    Timer {
        /// Its name.
        name: String,
    },
    /// A symptom begins or ends. Told to [`super::Role::Person`] only, who may or may
    /// not take notice.
    Felt {
        /// Name of the symptom.
        symptom: String,
        /// Begins, or ends.
        present: bool,
    },
    /// A monitor at the bed shows that a vital sign goes wrong or is right again. Told to a
    /// policy that asked for it with [`super::Order::Monitor`].
    Monitor {
        /// Name of the symptom.
        symptom: String,
        /// Begins, or ends.
        present: bool,
    },
    /// Somebody near the pump hears a tone. Told to [`super::Role::Person`] only.
    Heard {
        /// Name of the alarm.
        alarm: String,
    },
    /// Patient or carer got in touch.
    Reported {
        /// Id of the policy that speaks for them.
        by: String,
        /// How.
        place: Place,
        /// Names of symptoms they tell of.
        complaints: Vec<String>,
        /// Names of alarms they tell of.
        alarms: Vec<String>,
    },
    /// The patient was seen.
    Seen {
        /// Policy whose appointment it was.
        by: String,
        /// Its name.
        name: String,
        /// Where.
        place: Place,
        /// What was found; `None` by phone.
        findings: Option<Box<Findings>>,
    },
    /// An appointment that the patient did not keep.
    Missed {
        /// Policy whose appointment it was.
        by: String,
        /// Its name.
        name: String,
    },
    /// An act was carried out.
    Done {
        /// Id of the act: its own in a scenario, `policy.name` if ordered.
        act: String,
        /// What the syringe said, where one was used.
        reservoir: Option<ReservoirCheck>,
    },
    /// An act could not be carried out.
    Refused {
        /// Id of the act.
        act: String,
        /// Why.
        reason: String,
    },
    /// Another policy, or this one, made something known.
    Flag {
        /// Id of the policy.
        by: String,
        /// Name of the flag.
        name: String,
        /// In words.
        note: String,
    },
    /// A policy wrote a number into the chart.
    Charted {
        /// Id of the policy.
        by: String,
        /// What it is.
        name: String,
        /// The number.
        value: f64,
    },
    /// A test that this or another policy ordered has its result.
    Result {
        /// Policy that ordered it.
        by: String,
        /// Name of the test.
        test: String,
        /// How it came out.
        outcome: super::diagnostics::Outcome,
        /// Name of the fault that it shows, if it names one.
        lesion: Option<String>,
        /// In words.
        detail: String,
    },
    /// The operation for a diagnosis is over.
    Repaired {
        /// Policy that ordered it.
        by: String,
        /// Name of the fault that was looked for.
        lesion: String,
        /// Whether it was there.
        found: bool,
        /// Dose programmed at that time, by the label \[ug/day\].
        dose: f64,
    },
}
