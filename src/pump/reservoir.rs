//! What the reservoir really holds, and what the device computes that it holds.

use serde::{Deserialize, Serialize};

use super::messages::{PumpError, Refill, RefillReport};
use crate::engine::SimTime;
use crate::signals::Others;

/// Contents as a straight line in time: values at an origin and two constant rates.
///
/// The *usable* volume lies above a *residual* volume that can neither be pumped nor
/// aspirated; both hold the same mixture. Drug amounts are volume times concentration,
/// so they cannot drift apart from the volumes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reservoir {
    size: f64,
    residual: f64,
    /// Part of the residual that was usable once \[mL\].
    trapped: f64,
    origin: SimTime,
    usable: f64,
    believed: f64,
    concentration: f64,
    delivered: f64,
    counted: f64,
    delivered_drug: f64,
    outflow: f64,
    programmed: f64,
    empty: bool,
    /// Concentrations of other drugs \[ug/mL\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    others: Others,
}

impl Reservoir {
    /// A reservoir of `size` with `fill` above `residual`, all at one concentration; the
    /// device starts knowing its fill \[mL, ug/mL\].
    ///
    /// # Errors
    /// [`PumpError::OverFill`], or [`PumpError::Value`] if a number is negative or not finite.
    pub fn new(start: SimTime, size: f64, fill: f64, residual: f64, concentration: f64) -> Result<Self, PumpError> {
        positive("reservoir size", size)?;
        not_negative("reservoir fill", fill)?;
        not_negative("reservoir concentration", concentration)?;
        if fill > size * (1.0 + 1e-9) {
            return Err(PumpError::OverFill {
                volume: fill,
                present: 0.0,
                size,
            });
        }
        Ok(Self {
            size,
            residual,
            trapped: 0.0,
            origin: start,
            usable: fill,
            believed: fill,
            concentration,
            delivered: 0.0,
            counted: 0.0,
            delivered_drug: 0.0,
            outflow: 0.0,
            programmed: 0.0,
            empty: fill <= 0.0,
            others: Others::NONE,
        })
    }

    fn hours(&self, at: SimTime) -> f64 {
        at.hours_since(self.origin)
    }

    /// True usable volume \[mL\].
    pub fn usable(&self, at: SimTime) -> f64 {
        self.usable - self.outflow * self.hours(at)
    }

    /// All drug, residual included \[ug\].
    pub fn drug(&self, at: SimTime) -> f64 {
        (self.usable(at) + self.residual) * self.concentration
    }

    /// Other drugs inside, residual included \[ug\].
    pub fn others_inside(&self, at: SimTime) -> Others {
        self.others * (self.usable(at) + self.residual)
    }

    /// Volume by the device's arithmetic, which stops at zero \[mL\].
    pub fn believed(&self, at: SimTime) -> f64 {
        (self.believed - self.programmed * self.hours(at)).max(0.0)
    }

    /// Volume that has left since the start \[mL\].
    pub fn delivered(&self, at: SimTime) -> f64 {
        self.delivered + self.outflow * self.hours(at)
    }

    /// Volume the device counts as delivered since the start: the programmed flow, whatever
    /// really left \[mL\].
    pub fn counted(&self, at: SimTime) -> f64 {
        self.counted + self.programmed * self.hours(at)
    }

    /// Drug that has left since the start \[ug\].
    pub fn delivered_drug(&self, at: SimTime) -> f64 {
        self.delivered_drug + self.outflow * self.hours(at) * self.concentration
    }

    /// True concentration \[ug/mL\].
    pub fn concentration(&self) -> f64 {
        self.concentration
    }

    /// Concentrations of other drugs \[ug/mL\].
    pub fn others(&self) -> Others {
        self.others
    }

    /// Dissolves other drugs in all that is inside, in the place of those there were \[ug/mL\].
    ///
    /// # Errors
    /// [`PumpError::Value`] if a number is negative or not finite; nothing has changed then.
    pub fn dissolve(&mut self, others: Others) -> Result<(), PumpError> {
        sound("concentration of another drug", others)?;
        self.others = others;
        Ok(())
    }

    /// Capacity above the residual \[mL\].
    pub fn size(&self) -> f64 {
        self.size
    }

    /// Sets the capacity, as after a dent; what is inside stays inside \[mL\].
    pub fn set_size(&mut self, size: f64) {
        self.size = size;
    }

    /// True flow that leaves \[mL/h\].
    pub fn outflow(&self) -> f64 {
        self.outflow
    }

    /// Whether nothing more can be pumped.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// Sets both rates from `now` on; equal rates change nothing \[mL/h\].
    pub fn set_rates(&mut self, now: SimTime, outflow: f64, programmed: f64) {
        if outflow == self.outflow && programmed == self.programmed {
            return;
        }
        self.rebase(now);
        self.outflow = outflow;
        self.programmed = programmed;
    }

    /// When the usable volume will have left, if it leaves.
    pub fn empty_at(&self) -> Option<SimTime> {
        if self.empty || self.outflow <= 0.0 {
            None
        } else {
            self.origin.due_after(self.usable.max(0.0) / self.outflow)
        }
    }

    /// When the usable volume will have fallen to `level`, if it falls \[mL\].
    pub fn level_at(&self, level: f64) -> Option<SimTime> {
        if self.outflow <= 0.0 {
            None
        } else {
            self.origin.due_after((self.usable - level).max(0.0) / self.outflow)
        }
    }

    /// When the computed volume will have reached `level` \[mL\].
    pub fn believed_at(&self, level: f64) -> Option<SimTime> {
        if self.believed <= level {
            Some(self.origin)
        } else if self.programmed <= 0.0 {
            None
        } else {
            self.origin.due_after((self.believed - level) / self.programmed)
        }
    }

    /// Marks the reservoir empty. The instant was rounded up, so up to a nanosecond's flow
    /// came out of the residual volume; it stays booked there, and no mass is lost.
    pub fn mark_empty(&mut self, now: SimTime) {
        self.rebase(now);
        self.outflow = 0.0;
        self.empty = true;
    }

    /// Makes `volume` of the contents unusable, on top of the residual volume, or as much of it
    /// as there is; zero gives it back \[mL\].
    pub fn trap(&mut self, now: SimTime, volume: f64) {
        if volume == self.trapped {
            return;
        }
        self.rebase(now);
        let more = (volume - self.trapped).min(self.usable.max(0.0));
        self.trapped += more;
        self.usable -= more;
        self.residual += more;
        self.empty = self.usable <= 0.0;
    }

    /// Takes fluid in at the outlet, which mixes with all that is inside \[mL, ug\].
    pub fn take_in(&mut self, now: SimTime, volume: f64, drug: f64, others: Others) {
        let before = self.drug(now);
        let others_before = self.others_inside(now);
        self.rebase(now);
        let total = self.usable + self.residual + volume;
        if volume <= 0.0 || total <= 0.0 {
            return;
        }
        self.concentration = (before + drug) / total;
        self.others = (others_before + others) * (1.0 / total);
        self.usable += volume;
        self.delivered -= volume;
        self.delivered_drug -= drug;
        self.empty = self.usable <= 0.0;
    }

    /// Draws and fills, with up to `forced` beyond the capacity; see [`super::Pump::refill`].
    ///
    /// # Errors
    /// [`PumpError::OverFill`] or [`PumpError::Value`].
    pub fn refill(&mut self, now: SimTime, refill: &Refill, forced: f64) -> Result<RefillReport, PumpError> {
        not_negative("refill volume", refill.volume)?;
        not_negative("entered refill volume", refill.entered_volume)?;
        not_negative("refill concentration", refill.concentration)?;
        sound("concentration of another drug in the refill", refill.others)?;
        let present = self.usable(now);
        let stays = if refill.aspirate { present.min(0.0) } else { present };
        if stays + refill.volume > (self.size + forced) * (1.0 + 1e-9) {
            return Err(PumpError::OverFill {
                volume: refill.volume,
                present: stays,
                size: self.size,
            });
        }
        self.rebase(now);
        let expected = self.believed(now);
        let drawn = present - stays;
        let old_drug = (stays + self.residual) * self.concentration;
        let injected_drug = refill.volume * refill.concentration;
        let total = stays + self.residual + refill.volume;
        let report = RefillReport {
            expected_volume: expected,
            aspirated_volume: drawn,
            aspirated_drug: drawn * self.concentration,
            injected_drug,
            aspirated_others: self.others * drawn,
            injected_others: refill.others * refill.volume,
            concentration: if total > 0.0 && refill.volume > 0.0 {
                (old_drug + injected_drug) / total
            } else {
                self.concentration
            },
        };
        if total > 0.0 && refill.volume > 0.0 {
            let held = self.others * (stays + self.residual);
            self.others = (held + report.injected_others) * (1.0 / total);
        }
        self.usable = stays + refill.volume;
        self.concentration = report.concentration;
        self.believed = refill.entered_volume + if refill.aspirate { 0.0 } else { expected };
        self.empty = self.usable <= 0.0;
        Ok(report)
    }

    fn rebase(&mut self, now: SimTime) {
        if now == self.origin {
            return;
        }
        let usable = self.usable(now);
        let believed = self.believed(now);
        let delivered = self.delivered(now);
        let counted = self.counted(now);
        let delivered_drug = self.delivered_drug(now);
        self.usable = usable;
        self.believed = believed;
        self.delivered = delivered;
        self.counted = counted;
        self.delivered_drug = delivered_drug;
        self.origin = now;
    }
}

pub(super) fn positive(what: &'static str, value: f64) -> Result<(), PumpError> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(PumpError::Value {
            what,
            value,
            expected: "finite and above zero",
        })
    }
}

fn sound(what: &'static str, others: Others) -> Result<(), PumpError> {
    let bad = others.values().into_iter().find(|v| !(v.is_finite() && *v >= 0.0));
    bad.map_or(Ok(()), |value| not_negative(what, value))
}

pub(super) fn not_negative(what: &'static str, value: f64) -> Result<(), PumpError> {
    if value >= 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(PumpError::Value {
            what,
            value,
            expected: "finite and not below zero",
        })
    }
}
