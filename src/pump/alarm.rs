//! Alarms by name, in two schemes: the device's two classes, and the priorities of
//! IEC 60601-1-8, derived from harm and onset.

use serde::{Deserialize, Serialize};

use crate::parameters::ParameterSet;

/// The device's own two-level scheme (Gillette Children's, discharge information).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmClass {
    /// Two-tone alarm: therapy is or may be lost.
    Critical,
    /// Single-tone alarm: something is due.
    NonCritical,
}

impl AlarmClass {
    /// As in tables: `critical` or `non-critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            AlarmClass::Critical => "critical",
            AlarmClass::NonCritical => "non-critical",
        }
    }

    /// How an alarm of this class sounds.
    pub fn sound(self, parameters: &ParameterSet) -> Sound {
        match self {
            AlarmClass::Critical => Sound {
                repeat: parameters.get("alarm.critical.repeat"),
                length: parameters.get("alarm.critical.tone"),
                heard: parameters.get("alarm.critical.heard"),
                words: "two-tone",
            },
            AlarmClass::NonCritical => Sound {
                repeat: parameters.get("alarm.non_critical.repeat"),
                length: parameters.get("alarm.non_critical.tone"),
                heard: parameters.get("alarm.non_critical.heard"),
                words: "single tone",
            },
        }
    }
}

/// How an alarm sounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sound {
    /// From the start of one tone to the start of the next \[h\].
    pub repeat: f64,
    /// Length of the tone \[s\].
    pub length: f64,
    /// Chance that an awake person beside the pump hears one tone \[0-1\].
    pub heard: f64,
    /// The tone in words.
    pub words: &'static str,
}

/// What may happen to the patient if nobody answers (IEC 60601-1-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Harm {
    /// Minor injury or discomfort.
    Minor,
    /// Reversible injury.
    Reversible,
    /// Death or irreversible injury.
    Death,
}

/// How soon that harm may come (IEC 60601-1-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Onset {
    /// Too late for anything but the next seconds.
    Immediate,
    /// There is time for a trained person, but not for an appointment.
    Prompt,
    /// There is time for an appointment.
    Delayed,
}

/// Priority by IEC 60601-1-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Low priority.
    Low,
    /// Medium priority.
    Medium,
    /// High priority.
    High,
}

impl Grade {
    /// The priority of a condition by the standard's table: harm by onset.
    ///
    /// ```
    /// use itbsim::pump::{Grade, Harm, Onset};
    /// // Withdrawal can kill and comes on over hours.
    /// assert_eq!(Grade::of(Harm::Death, Onset::Prompt), Grade::High);
    /// // With days in hand the same harm is delayed.
    /// assert_eq!(Grade::of(Harm::Death, Onset::Delayed), Grade::Medium);
    /// ```
    pub fn of(harm: Harm, onset: Onset) -> Grade {
        match (harm, onset) {
            (Harm::Death, Onset::Immediate | Onset::Prompt) | (Harm::Reversible, Onset::Immediate) => Grade::High,
            (Harm::Death, Onset::Delayed) | (Harm::Reversible, Onset::Prompt) | (Harm::Minor, Onset::Immediate) => {
                Grade::Medium
            }
            (Harm::Reversible, Onset::Delayed) | (Harm::Minor, Onset::Prompt | Onset::Delayed) => Grade::Low,
        }
    }

    /// As in tables: `low`, `medium` or `high`.
    pub fn as_str(self) -> &'static str {
        match self {
            Grade::Low => "low",
            Grade::Medium => "medium",
            Grade::High => "high",
        }
    }
}

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlarmName {
    /// The computed volume reached the alarm volume.
    LowReservoir,
    /// The computed volume reached zero.
    EmptyReservoir,
    /// Elective replacement indicator: 90 days of service left.
    Eri,
    /// The pump has shut down for good.
    EndOfService,
    /// The rotor does not turn although it is driven.
    MotorStall,
    /// The rotor has stood still, to the device's knowledge, for 48 h.
    StoppedTooLong,
    /// The memory that holds the programme is damaged.
    MemoryError,
    /// Pressure at the outlet shows that nothing leaves; only for families that measure it.
    Occlusion,
    /// The electronics have reset to the lowest rate.
    PumpReset,
}

impl AlarmName {
    /// All alarms.
    pub const ALL: [AlarmName; 9] = [
        AlarmName::LowReservoir,
        AlarmName::EmptyReservoir,
        AlarmName::Eri,
        AlarmName::EndOfService,
        AlarmName::MotorStall,
        AlarmName::StoppedTooLong,
        AlarmName::MemoryError,
        AlarmName::Occlusion,
        AlarmName::PumpReset,
    ];

    /// Name as in events, such as `low_reservoir`.
    pub fn as_str(self) -> &'static str {
        match self {
            AlarmName::LowReservoir => "low_reservoir",
            AlarmName::EmptyReservoir => "empty_reservoir",
            AlarmName::Eri => "eri",
            AlarmName::EndOfService => "end_of_service",
            AlarmName::MotorStall => "motor_stall",
            AlarmName::StoppedTooLong => "stopped_too_long",
            AlarmName::MemoryError => "memory_error",
            AlarmName::Occlusion => "occlusion",
            AlarmName::PumpReset => "pump_reset",
        }
    }

    /// The alarm of this name.
    pub fn named(name: &str) -> Option<AlarmName> {
        AlarmName::ALL.into_iter().find(|a| a.as_str() == name)
    }
}

/// One alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it is about.
    pub name: AlarmName,
    /// The device's scheme.
    pub class: AlarmClass,
    /// The standard's scheme.
    pub grade: Grade,
}

impl Alarm {
    /// The alarm as the device raises it; `critical` matters for a memory error only,
    /// which exists in both classes.
    pub fn new(name: AlarmName, critical: bool) -> Self {
        let spec = AlarmSpec::of(name, critical);
        Alarm {
            name,
            class: spec.class,
            grade: spec.grade(),
        }
    }
}

/// As in `motor_stall (critical, high priority)`.
impl std::fmt::Display for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, class, grade) = (self.name.as_str(), self.class.as_str(), self.grade.as_str());
        write!(f, "{name} ({class}, {grade} priority)")
    }
}

/// Everything that is fixed about one alarm, with its derivation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AlarmSpec {
    /// What it is about.
    pub name: AlarmName,
    /// The device's scheme.
    pub class: AlarmClass,
    /// Harm if nobody answers.
    pub harm: Harm,
    /// How soon that harm may come.
    pub onset: Onset,
    /// Why harm and onset are what they are.
    pub because: &'static str,
    /// From the condition to the alarm.
    pub latency: &'static str,
    /// What ends the condition, and with it the alarm.
    pub ends: &'static str,
    /// Source of the class; priorities are our derivation.
    pub source: &'static str,
}

const GILLETTE: &str = "Gillette Children's, discharge information for intrathecal baclofen";
const AT_ONCE: &str = "none";

impl AlarmSpec {
    /// The alarms as listed: memory error stands twice, once a class.
    pub fn all() -> Vec<AlarmSpec> {
        let mut all = Vec::new();
        for name in AlarmName::ALL {
            if name == AlarmName::MemoryError {
                all.push(AlarmSpec::of(name, true));
            }
            all.push(AlarmSpec::of(name, false));
        }
        all
    }

    /// One alarm; `critical` matters for a memory error only.
    pub fn of(name: AlarmName, critical: bool) -> AlarmSpec {
        use AlarmClass::{Critical, NonCritical};
        let spec = |class, harm, onset, because, latency, ends, source| AlarmSpec {
            name,
            class,
            harm,
            onset,
            because,
            latency,
            ends,
            source,
        };
        match name {
            AlarmName::LowReservoir => spec(
                NonCritical,
                Harm::Death,
                Onset::Delayed,
                "days of drug are left by the device's count; withdrawal follows if nobody refills",
                "none; but computed from the programmed rate, so early or late by what the pump delivers wrongly",
                "a refill",
                GILLETTE,
            ),
            AlarmName::EmptyReservoir => spec(
                Critical,
                Harm::Death,
                Onset::Prompt,
                "withdrawal can kill and comes on over hours to days",
                "none; but computed, so a pump that over-delivers is dry long before",
                "a refill",
                GILLETTE,
            ),
            AlarmName::Eri => spec(
                NonCritical,
                Harm::Reversible,
                Onset::Delayed,
                "90 days remain to plan a replacement",
                AT_ONCE,
                "replacement of the pump",
                GILLETTE,
            ),
            AlarmName::EndOfService => spec(
                Critical,
                Harm::Death,
                Onset::Prompt,
                "the pump has stopped for good: withdrawal over hours to days",
                AT_ONCE,
                "replacement of the pump",
                GILLETTE,
            ),
            AlarmName::MotorStall => spec(
                Critical,
                Harm::Death,
                Onset::Prompt,
                "nothing is delivered: withdrawal over hours to days",
                "inferred from missed motion: about 20 min at usual rates, up to 90 min at low rates, \
                 never while stopped",
                "the rotor turns again, and has been seen to",
                GILLETTE,
            ),
            AlarmName::StoppedTooLong => spec(
                Critical,
                Harm::Death,
                Onset::Prompt,
                "two days without drug, and the tube may be damaged by standing",
                "48 h from when the device knows its rotor to stand",
                "a programme that pumps, or the rotor turns again",
                GILLETTE,
            ),
            AlarmName::MemoryError if critical => spec(
                Critical,
                Harm::Death,
                Onset::Prompt,
                "the programme is lost and the pump runs at its minimum rate: withdrawal",
                AT_ONCE,
                "a new programme",
                GILLETTE,
            ),
            AlarmName::MemoryError => spec(
                NonCritical,
                Harm::Minor,
                Onset::Delayed,
                "delivery goes on; a log or a copy is damaged",
                AT_ONCE,
                "a new programme",
                GILLETTE,
            ),
            AlarmName::PumpReset => spec(
                Critical,
                Harm::Death,
                Onset::Prompt,
                "the electronics have reset to the lowest rate: withdrawal",
                AT_ONCE,
                "a new programme",
                "Medtronic, reduced battery performance notices of July 2009 and July 2011; the class is assumed",
            ),
            AlarmName::Occlusion => spec(
                Critical,
                Harm::Death,
                Onset::Prompt,
                "nothing reaches the spinal fluid: withdrawal over hours to days",
                "until the pressure behind the obstruction reaches the threshold",
                "the pressure falls",
                "families with an outlet pressure sensor; the peristaltic family has none, so a blocked catheter \
                 is silent",
            ),
        }
    }

    /// Priority by IEC 60601-1-8.
    pub fn grade(&self) -> Grade {
        Grade::of(self.harm, self.onset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_told_with_its_class_and_grade() {
        let told = |name, critical| Alarm::new(name, critical).to_string();
        assert_eq!(
            told(AlarmName::MotorStall, false),
            "motor_stall (critical, high priority)"
        );
        let low = told(AlarmName::LowReservoir, false);
        assert_eq!(low, "low_reservoir (non-critical, medium priority)");
        let grades = [Grade::Low, Grade::Medium, Grade::High].map(Grade::as_str);
        assert_eq!(grades, ["low", "medium", "high"]);
    }

    #[test]
    fn the_two_schemes_agree_on_what_is_urgent() {
        let critical: Vec<&str> = AlarmSpec::all()
            .iter()
            .filter(|s| s.class == AlarmClass::Critical)
            .map(|s| s.name.as_str())
            .collect();
        assert_eq!(
            critical,
            [
                "empty_reservoir",
                "end_of_service",
                "motor_stall",
                "stopped_too_long",
                "memory_error",
                "occlusion",
                "pump_reset"
            ]
        );
        for spec in AlarmSpec::all() {
            assert_eq!(
                spec.class == AlarmClass::Critical,
                spec.grade() == Grade::High,
                "{spec:?}"
            );
        }
    }

    #[test]
    fn priorities_follow_the_table_of_the_standard() {
        use Grade::{High, Low, Medium};
        let table: Vec<[Grade; 3]> = [Harm::Death, Harm::Reversible, Harm::Minor]
            .map(|harm| [Onset::Immediate, Onset::Prompt, Onset::Delayed].map(|onset| Grade::of(harm, onset)))
            .to_vec();
        assert_eq!(table, [[High, High, Medium], [High, Medium, Low], [Medium, Low, Low]]);
    }

    #[test]
    fn every_name_is_found_again() {
        for name in AlarmName::ALL {
            assert_eq!(AlarmName::named(name.as_str()), Some(name));
        }
        assert_eq!(AlarmName::named("none"), None);
    }
}
