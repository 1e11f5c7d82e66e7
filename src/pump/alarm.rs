//! Alarms by name, with the device's two classes and the grade of IEC 60601-1-8.

use serde::{Deserialize, Serialize};

/// The device's own two-level scheme (Gillette Children's, discharge information).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmClass {
    /// Two-tone alarm: therapy is or may be lost.
    Critical,
    /// Single-tone alarm: something is due.
    NonCritical,
}

/// Priority by IEC 60601-1-8: harm by how soon it comes.
///
/// Withdrawal can kill and comes on over hours, which is prompt: high. What is
/// still days away is delayed: medium. What is months away is low.
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
    /// The electronics have reset to the lowest rate.
    PumpReset,
}

impl AlarmName {
    /// All alarms.
    pub const ALL: [AlarmName; 8] = [
        AlarmName::LowReservoir,
        AlarmName::EmptyReservoir,
        AlarmName::Eri,
        AlarmName::EndOfService,
        AlarmName::MotorStall,
        AlarmName::StoppedTooLong,
        AlarmName::MemoryError,
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
            AlarmName::PumpReset => "pump_reset",
        }
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
        use AlarmClass::{Critical, NonCritical};
        let (class, grade) = match name {
            AlarmName::LowReservoir => (NonCritical, Grade::Medium),
            AlarmName::Eri => (NonCritical, Grade::Low),
            AlarmName::EmptyReservoir
            | AlarmName::EndOfService
            | AlarmName::MotorStall
            | AlarmName::StoppedTooLong
            | AlarmName::PumpReset => (Critical, Grade::High),
            AlarmName::MemoryError if critical => (Critical, Grade::High),
            AlarmName::MemoryError => (NonCritical, Grade::Low),
        };
        Alarm { name, class, grade }
    }
}

/// As in `motor_stall (critical, high priority)`.
impl std::fmt::Display for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let class = match self.class {
            AlarmClass::Critical => "critical",
            AlarmClass::NonCritical => "non-critical",
        };
        let grade = match self.grade {
            Grade::Low => "low",
            Grade::Medium => "medium",
            Grade::High => "high",
        };
        write!(f, "{} ({class}, {grade} priority)", self.name.as_str())
    }
}
