//! Pumps that come and go: implant, replacement, explant.

use crate::engine::{Context, EventId, Phase, SimTime};
use crate::pump::PumpSetup;
use crate::scenario::model;
use crate::signals::Others;

use super::drugs::book;
use super::error::SimError;
use super::event::{SimEvent, Stage};
use super::model::Simulation;
use super::words;

/// A pump before it is filled and implanted.
pub(super) fn in_its_box(device: &model::Pump) -> model::Pump {
    model::Pump {
        fill: 0.0,
        concentration: 0.0,
        others: Others::NONE,
        age: 0.0,
        ..device.clone()
    }
}

impl Simulation {
    /// A new pump, filled but not programmed, takes the place of whatever was there. What
    /// the catheter holds stays in it; after an explantation the catheter is new and empty.
    ///
    /// # Errors
    /// [`SimError::Pump`] if the new pump cannot be filled so; nothing has changed then.
    pub(super) fn implant(
        &mut self,
        volume: f64,
        (concentration, others): (f64, Option<Others>),
        label: f64,
        by: EventId,
        cx: &mut Context<'_, SimEvent>,
    ) -> Result<(), SimError> {
        let (concentration, others) = self.syringe(concentration, label, others);
        let device = model::Pump {
            fill: volume,
            concentration,
            others,
            label_concentration: label,
            age: 0.0,
            ..self.scenario.pump.clone()
        };
        self.swap(device, by, cx)?;
        // A new pump has nothing to say yet.
        self.implant_luck(cx.now(), &mut Vec::new())?;
        if !self.patient.implanted {
            // Where no pump was, the line of an earlier one does not stay either.
            self.empty_catheter(cx.now());
        }
        self.patient.implanted = true;
        let before = self.facts.concentration;
        self.care_state.notes.programme(&model::Programme::Stopped, None);
        self.care_state.notes.filled(concentration, label, before);
        cx.note(format!(
            "new pump with {} mL of {}",
            words::number(volume),
            self.mixture_words(concentration, others)
        ));
        Ok(())
    }

    /// The pump is taken out with what it holds.
    ///
    /// # Errors
    /// [`SimError::Pump`] if the family makes no empty pump.
    pub(super) fn explant(&mut self, by: EventId, cx: &mut Context<'_, SimEvent>) -> Result<(), SimError> {
        let held = self.patient.pump.reservoir_drug(cx.now());
        self.swap(in_its_box(&self.scenario.pump), by, cx)?;
        self.patient.implanted = false;
        cx.note(format!("pump taken out with {}", words::dose(held)));
        Ok(())
    }

    /// What the catheter holds is drawn out.
    pub(super) fn empty_catheter(&mut self, now: SimTime) {
        let catheter = &mut self.patient.catheter;
        if catheter.drug(now) == 0.0 && catheter.others(now) == Others::NONE {
            return;
        }
        let (drawn, others) = catheter.empty(now);
        self.accounts.aspirated += drawn;
        book(&mut self.patient.drugs, others, |a| &mut a.aspirated);
    }

    fn swap(&mut self, device: model::Pump, by: EventId, cx: &mut Context<'_, SimEvent>) -> Result<(), SimError> {
        let now = cx.now();
        let setup = PumpSetup {
            device,
            dead_volume: self.patient.catheter.dead_volume(),
            start: now,
        };
        let fresh = self.pumps.build(&setup, &self.scenario.parameters)?;
        let old = std::mem::replace(&mut self.patient.pump, fresh);
        self.accounts.aspirated += old.reservoir_drug(now);
        self.accounts.filled += self.patient.pump.reservoir_drug(now);
        let (out, filled) = (old.reservoir_others(now), self.patient.pump.reservoir_others(now));
        book(&mut self.patient.drugs, out, |a| &mut a.aspirated);
        book(&mut self.patient.drugs, filled, |a| &mut a.filled);
        let told = old.telemetry(now);
        self.past_log.extend_from_slice(&told.log);
        for alarm in told.alarms {
            self.alarm_cleared(alarm.name, cx);
        }
        // What ailed the old pump goes with it.
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            if fault.kind.starts_with("pump.") && self.faults[index].state.active() {
                let event = self.fault_event(index, Stage::End, None);
                cx.schedule_at(now, Phase::Fault, self.ranks.fault(index), event)?;
            }
        }
        self.pump_cause = by;
        self.catheter_cause = by;
        self.exposure_cause = by;
        Ok(())
    }
}
