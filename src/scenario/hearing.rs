//! Who hears the pump's alarms.

/// Who hears the pump's alarms, as far as a scenario says so; the rest are defaults.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Hearing {
    /// By chance, or certainly.
    pub heard: Heard,
    /// Chance that the awake patient hears one tone, of either class \[0-1\].
    pub hears: Option<f64>,
    /// Whether the patient's hearing is impaired.
    pub impaired: bool,
    /// Whether a carer lives there, who may hear as well.
    pub carer: bool,
    /// Time of day from which they are awake \[h\].
    pub awake_from: Option<f64>,
    /// Time of day from which they sleep \[h\]; equal to `awake_from` if they never do.
    pub awake_to: Option<f64>,
}

/// Whether alarms are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Heard {
    /// Each tone by its chance.
    #[default]
    Default,
    /// The first tone of each alarm.
    Always,
    /// Never.
    Never,
}
