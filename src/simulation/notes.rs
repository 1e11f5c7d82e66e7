//! The notes: what the clinic believes it ordered, against what the pump was told.
//!
//! A slip at the programmer (a unit, a digit, the strength of another vial) leaves the notes
//! right and the pump wrong. Nobody sees it in the pump alone, which does as it is told;
//! whoever reads the pump *and* compares it with the notes can.

use serde::{Deserialize, Serialize};

use crate::engine::{Context, EventId, SimTime};
use crate::pump::{Command, Pump, PumpNotice};
use crate::scenario::model::Programme;

use super::error::SimError;
use super::event::SimEvent;
use super::model::Simulation;
use super::words;

/// What stands in the notes and differs from what was entered, as far as anything does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Notes {
    /// Dose rate ordered, where the programme in force is a slip \[ug/h\].
    dose: Option<f64>,
    /// Concentration ordered \[ug/mL\]; `None` is that of the start.
    concentration: Option<f64>,
    /// Volume in the notes less the volume entered \[mL\].
    volume: f64,
}

/// Relative difference of concentrations that is no rounding of the programmer.
const SAME: f64 = 1e-6;

fn differ(a: f64, b: f64) -> bool {
    (a - b).abs() > SAME * a.abs().max(b.abs())
}

impl Notes {
    /// A programme was sent; `ordered` is what should have been, if it is a slip \[ug/h\].
    pub fn programme(&mut self, mode: &Programme, ordered: Option<f64>) {
        // A bolus leaves the programme before it in force, and so does what the patient may ask for.
        let passing = matches!(
            mode,
            Programme::SingleBolus { .. }
                | Programme::PrimingBolus { .. }
                | Programme::PatientBolus { .. }
                | Programme::NoPatientBolus
        );
        if ordered.is_some() || !passing {
            self.dose = ordered;
        }
    }

    /// The dose was changed by a factor, and the notes with it.
    pub fn scaled(&mut self, factor: f64) {
        self.dose = self.dose.map(|dose| dose * factor);
    }

    /// The reservoir was filled with a drug, and another entered, or the same \[ug/mL\].
    /// `before` is the concentration at the start of the run.
    pub fn filled(&mut self, concentration: f64, label: f64, before: f64) {
        let noted = self.concentration.unwrap_or(before);
        // Of two that differ, the one that is new is the slip; if both are, what was entered.
        let slip_of_drug = !differ(label, noted);
        let ordered = if slip_of_drug || !differ(concentration, label) {
            label
        } else if concentration > 0.0 {
            concentration
        } else {
            noted
        };
        self.concentration = Some(ordered);
        self.volume = 0.0;
    }

    /// A volume was typed in by which the pump's reckoning moved \[mL\].
    pub fn volume_entered(&mut self, moved: f64) {
        self.volume -= moved;
    }

    /// Where pump and notes differ, in words; `before` as in [`filled`](Self::filled).
    pub fn against(&self, pump: &dyn Pump, now: SimTime, before: f64) -> Option<String> {
        let shown = pump.telemetry(now);
        let mut found = Vec::new();
        if let Some(dose) = self.dose {
            found.push(format!(
                "{} programmed, {} in the notes",
                words::dose_rate(shown.dose_rate),
                words::dose_rate(dose)
            ));
        }
        let noted = self.concentration.unwrap_or(before);
        if differ(shown.label_concentration, noted) {
            found.push(format!(
                "{} entered, {} in the notes",
                words::concentration(shown.label_concentration),
                words::concentration(noted)
            ));
        }
        if self.volume != 0.0 {
            found.push(format!(
                "{} mL computed, {} mL by the notes",
                words::number(shown.reservoir_volume),
                words::number((shown.reservoir_volume + self.volume).max(0.0))
            ));
        }
        (!found.is_empty()).then(|| found.join("; "))
    }
}

impl Simulation {
    /// Where pump and notes differ, if there is a pump to read.
    pub(super) fn slip(&self, now: SimTime) -> Option<String> {
        let notes = &self.care_state.notes;
        let before = self.facts.concentration;
        self.patient
            .implanted
            .then(|| notes.against(&*self.patient.pump, now, before))
            .flatten()
    }

    /// Sets the programmer to what the notes say, each setting that differs.
    ///
    /// # Errors
    /// [`SimError::Pump`] if the pump does not take one of them.
    pub(super) fn correct(
        &mut self,
        id: String,
        by: EventId,
        cx: &mut Context<'_, SimEvent>,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<(), SimError> {
        let now = cx.now();
        let Some(slip) = self.slip(now) else {
            cx.note("pump and notes agree");
            return Ok(());
        };
        let notes = self.care_state.notes.clone();
        let pump = &mut self.patient.pump;
        let noted = notes.concentration.unwrap_or(self.facts.concentration);
        if differ(pump.telemetry(now).label_concentration, noted) {
            pump.command(now, &Command::SetLabel { concentration: noted }, notices)?;
        }
        if notes.volume != 0.0 {
            let volume = (pump.believed_volume(now) + notes.volume).max(0.0);
            pump.command(now, &Command::SetVolume { volume }, notices)?;
        }
        if let Some(rate) = notes.dose {
            let mode = Programme::SimpleContinuous { rate };
            self.sources.insert(id.clone(), by);
            pump.command(now, &Command::Programme { id, mode }, notices)?;
        }
        self.care_state.notes = Notes {
            dose: None,
            concentration: Some(noted),
            volume: 0.0,
        };
        cx.note(format!("corrected: {slip}"));
        self.pump_cause = by;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_drug_and_entry_that_differ_the_new_one_is_the_slip() {
        let noted = |concentration, label| {
            let mut notes = Notes::default();
            notes.filled(concentration, label, 500.0);
            notes.concentration
        };
        // As ever; another strength on purpose; the wrong vial; the wrong entry; both new.
        assert_eq!(noted(500.0, 500.0), Some(500.0));
        assert_eq!(noted(2000.0, 2000.0), Some(2000.0));
        assert_eq!(noted(2000.0, 500.0), Some(500.0));
        assert_eq!(noted(500.0, 2000.0), Some(500.0));
        assert_eq!(noted(2000.0, 1000.0), Some(2000.0));
        // Water in the syringe is a slip whatever was entered.
        assert_eq!(noted(0.0, 1000.0), Some(500.0));
    }

    #[test]
    fn a_slip_lasts_until_another_programme_and_follows_the_dose() {
        let mut notes = Notes::default();
        let rate = Programme::SimpleContinuous { rate: 60.0 };
        notes.programme(&rate, Some(2.5));
        notes.scaled(1.2);
        assert_eq!(notes.dose, Some(3.0));
        let bolus = Programme::SingleBolus { dose: 1.0, over: 1.0 };
        notes.programme(&bolus, None);
        assert_eq!(notes.dose, Some(3.0));
        notes.programme(&rate, None);
        assert_eq!(notes.dose, None);
    }
}
