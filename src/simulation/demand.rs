//! The patient asks the pump for a bolus: at a stated moment, or by chance.
//!
//! Waits between demands by chance are exponential, keyed by (seed, replicate, id of the act,
//! `demand`, number of demands before). So arms of one replicate share the demands, whatever
//! the pump answers in them, and a run that is resumed goes on with the same ones.

use crate::engine::{Context, EventId, Phase, SimSpan};
use crate::pump::PumpNotice;

use super::error::SimError;
use super::event::{Part, SimEvent};
use super::model::Simulation;

/// Purpose of the draws.
const DEMAND: &str = "demand";

impl Simulation {
    /// One part of the act: the demand itself, or where demands by chance begin.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn demand(
        &mut self,
        index: usize,
        id: &str,
        part: Part,
        rate: Option<f64>,
        by: EventId,
        cx: &mut Context<'_, SimEvent>,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<(), SimError> {
        let asks = rate.is_none() || part != Part::Begin;
        if asks && !self.patient.implanted {
            cx.note("no pump is implanted");
        } else if asks {
            let before = notices.len();
            self.patient.pump.demand(cx.now(), id, notices);
            let granted = |n: &PumpNotice| matches!(n, PumpNotice::BolusGranted { .. });
            // A refusal is no cause of what the pump does next.
            if notices[before..].iter().any(granted) {
                self.sources.insert(id.to_owned(), by);
                self.pump_cause = by;
            }
        }
        match rate {
            Some(rate) => self.next_demand(index, id, part, rate, cx),
            None => Ok(()),
        }
    }

    /// Schedules the next demand by chance.
    fn next_demand(
        &mut self,
        index: usize,
        id: &str,
        part: Part,
        rate: f64,
        cx: &mut Context<'_, SimEvent>,
    ) -> Result<(), SimError> {
        let before = match part {
            Part::Repeat(n) => n,
            _ => 0,
        };
        let wait = self.draws.exponential(id, DEMAND, u64::from(before), rate)?;
        let left = cx.now().checked_add(SimSpan::from_hours(wait)?);
        if let Some(at) = left.ok().filter(|at| *at <= self.scenario.duration) {
            let event = self.action_event(index, Part::Repeat(before + 1));
            cx.schedule_at(at, Phase::Clinician, self.act_rank(index), event)?;
        }
        Ok(())
    }
}
