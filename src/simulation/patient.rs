//! The whole chain of one patient: pump, catheter, kinetics, response, joined.

use serde::{Deserialize, Serialize};

use crate::catheter::{Catheter, CatheterError, Jump};
use crate::engine::SimTime;
use crate::kinetics::{Flows, Kinetics, KineticsState, Layout, Outflow, Site};
use crate::pump::{Pump, PumpNotice};
use crate::response::{Response, Signals, Watch};
use crate::scenario::model::Exposure;
use crate::signals::{Destination, Level, Posture, Surroundings};

use super::body::BodyRun;
use super::error::SimError;
use super::system::SystemRecorder;

/// Drug on its way through a needle at constant rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Needle {
    /// Index of the action that gives it.
    pub action: usize,
    /// Where it ends.
    pub site: Site,
    /// Rate \[ug/h\].
    pub rate: f64,
    /// Since when.
    pub since: SimTime,
}

/// Streams integrated up to `since`, and their constant rates from then on.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Totals {
    since: SimTime,
    delivered: f64,
    leaked: f64,
    delivered_rate: f64,
    leaked_rate: f64,
}

/// All parts of one patient.
#[derive(Clone)]
pub struct Patient {
    /// The device.
    pub pump: Box<dyn Pump>,
    /// Whether it is in the body; one that is not lies in its box and does nothing.
    pub implanted: bool,
    /// The line to the spine.
    pub catheter: Catheter,
    /// Drug in the body.
    pub kinetics: Kinetics,
    /// The response model.
    pub response: Response,
    /// Levels of all symptoms.
    pub watches: Vec<Watch>,
    /// Its running state.
    pub body: BodyRun,
    /// How the body is held.
    pub posture: Posture,
    /// Needles at work.
    pub needles: Vec<Needle>,
    /// Extra flows of spinal fluid by acts (a drain).
    pub drain: Option<Outflow>,
    /// What is different around body and pump, by index of the action, in order of beginning.
    pub exposures: Vec<(usize, Exposure)>,
    /// Segments for `itbsim system`, if asked for.
    pub system: Option<SystemRecorder>,
    /// What left the catheter so far.
    pub totals: Totals,
    /// What the kinetics receive now.
    pub inputs: Vec<(Site, f64)>,
    flows: Flows,
}

impl Patient {
    /// Joins the parts; nothing flows before the first [`settle`](Self::settle).
    pub fn new(
        pump: Box<dyn Pump>,
        catheter: Catheter,
        kinetics: Kinetics,
        response: Response,
        watches: Vec<Watch>,
        body: BodyRun,
        posture: Posture,
    ) -> Self {
        let flows = kinetics.state().flows;
        Self {
            pump,
            implanted: true,
            catheter,
            kinetics,
            response,
            watches,
            body,
            posture,
            needles: Vec::new(),
            drain: None,
            exposures: Vec::new(),
            system: None,
            totals: Totals::default(),
            inputs: Vec::new(),
            flows,
        }
    }

    /// Rate of drug into the spinal fluid through the catheter now \[ug/h\].
    pub fn delivered_rate(&self) -> f64 {
        self.totals.delivered_rate
    }

    /// The same in the mean, where the pump works in strokes \[ug/h\].
    pub fn mean_rate(&self, now: SimTime) -> f64 {
        let mean = self.pump.mean_drive();
        if mean == self.pump.drive() {
            return self.delivered_rate();
        }
        let mut line = self.catheter.clone();
        let _ = line.set_source(now, mean, self.pump.outlet_concentration());
        line.streams()
            .iter()
            .filter(|s| s.flow > 0.0 && matches!(s.to, Destination::Csf(_)))
            .map(|s| s.flow * s.concentration)
            .sum()
    }

    /// Drug that left the catheter so far: into the spinal fluid, and elsewhere \[ug\].
    pub fn delivered_and_leaked(&self, at: SimTime) -> (f64, f64) {
        let dt = at.hours_since(self.totals.since);
        (
            self.totals.delivered + self.totals.delivered_rate * dt,
            self.totals.leaked + self.totals.leaked_rate * dt,
        )
    }

    /// Drug given by needles still at work \[ug\].
    pub fn infused(&self, at: SimTime) -> f64 {
        self.needles.iter().map(|n| n.rate * at.hours_since(n.since)).sum()
    }

    /// All response signals at a covered instant.
    pub fn signals(&self, at: SimTime) -> Result<Signals, SimError> {
        self.body.signals(&self.response, &self.kinetics, at)
    }

    /// Makes ready for a change of the kinetics or the modifiers at `now`.
    pub fn before_change(&mut self, now: SimTime) {
        self.body.rebase(now);
    }

    /// Air and warmth now: of exposures that overlap, the one that began last.
    pub fn surroundings(&self, normal: Surroundings) -> Surroundings {
        self.exposures
            .iter()
            .fold(normal, |now, (_, exposure)| match *exposure {
                Exposure::Pressure(pressure) => Surroundings { pressure, ..now },
                Exposure::Temperature(temperature) => Surroundings { temperature, ..now },
            })
    }

    /// Puts pump and line into other surroundings. Gives the volume drawn back into the pump \[mL\].
    pub fn surround(
        &mut self,
        now: SimTime,
        surroundings: Surroundings,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<f64, SimError> {
        let drawn = self.pump.surround(now, surroundings, notices);
        if drawn <= 0.0 {
            return Ok(0.0);
        }
        let mut line = self.catheter.clone();
        let back = match line.draw_back(now, drawn) {
            Ok(back) => back,
            // Through a closed line nothing comes back.
            Err(CatheterError::Blocked) => return Ok(0.0),
            Err(error) => return Err(error.into()),
        };
        if !self.pump.take_back(now, back.volume, back.drug) {
            return Ok(0.0);
        }
        self.catheter = line;
        self.ejected(now, &back.jumps)?;
        Ok(drawn)
    }

    /// Puts drug somewhere at once.
    pub fn deposit(&mut self, now: SimTime, at: Site, amount: f64) -> Result<(), SimError> {
        if amount == 0.0 {
            return Ok(());
        }
        self.before_change(now);
        self.kinetics.add(now, at, amount)?;
        self.record(now, Some(&[(Layout::of(at), amount)]));
        Ok(())
    }

    /// Books drug that left the catheter at once and puts it where it went.
    pub fn ejected(&mut self, now: SimTime, jumps: &[Jump]) -> Result<(), SimError> {
        for jump in jumps {
            match jump.to {
                Destination::Csf(_) => self.totals.delivered += jump.drug,
                _ => self.totals.leaked += jump.drug,
            }
            self.deposit(now, Site::Stream(jump.to), jump.drug)?;
        }
        Ok(())
    }

    /// Carries a change of any part through the chain: pump to catheter to kinetics.
    /// Says whether what reaches the body changed.
    pub fn settle(&mut self, now: SimTime) -> Result<bool, SimError> {
        let jumps = self
            .catheter
            .set_source(now, self.pump.drive(), self.pump.outlet_concentration());
        self.ejected(now, &jumps)?;
        self.pump.set_outflow(now, self.catheter.inflow());

        let mut inputs: Vec<(Site, f64)> = Vec::new();
        let (mut delivered, mut leaked) = (0.0, 0.0);
        let mut retrograde = None;
        for stream in self.catheter.streams() {
            if stream.flow < 0.0 {
                if let Destination::Csf(level) = stream.to {
                    retrograde = Some(Outflow {
                        level,
                        rate: -stream.flow,
                    });
                }
                continue;
            }
            let rate = stream.flow * stream.concentration;
            match stream.to {
                Destination::Csf(_) => delivered += rate,
                _ => leaked += rate,
            }
            if rate > 0.0 {
                inputs.push((Site::Stream(stream.to), rate));
            }
        }
        inputs.extend(self.needles.iter().map(|n| (n.site, n.rate)));
        if delivered != self.totals.delivered_rate || leaked != self.totals.leaked_rate {
            let (d, l) = self.delivered_and_leaked(now);
            self.totals = Totals {
                since: now,
                delivered: d,
                leaked: l,
                delivered_rate: delivered,
                leaked_rate: leaked,
            };
        }
        let flows = Flows {
            posture: self.posture,
            drain: self.drain,
            leak: retrograde,
            along: self.catheter.csf_loss().map(|(level, rate)| Outflow { level, rate }),
        };
        let changed = inputs != self.inputs || flows != self.flows;
        if changed {
            self.before_change(now);
            if flows != self.flows {
                self.kinetics.set_flows(now, flows)?;
                self.flows = flows;
            }
            if inputs != self.inputs {
                self.kinetics.set_inputs(now, &inputs)?;
                self.inputs = inputs;
            }
            self.record(now, None);
        }
        Ok(changed)
    }

    /// Adds the present system to the record, if one is kept.
    fn record(&mut self, now: SimTime, jump: Option<&[(usize, f64)]>) {
        if let Some(system) = &mut self.system {
            system.change(
                now.hours(),
                self.kinetics.system().matrix(),
                &self.kinetics.state().inputs,
                jump,
            );
        }
    }

    /// Continues with stored kinetics.
    pub fn restore_kinetics(&mut self, state: KineticsState) -> Result<(), SimError> {
        self.flows = state.flows;
        self.kinetics.restore(state)?;
        Ok(())
    }

    /// Flushes the subdural pocket into the spinal fluid.
    pub fn flush_subdural(&mut self, now: SimTime, level: Level) -> Result<f64, SimError> {
        self.before_change(now);
        let moved = self.kinetics.flush_depot(now, 1.0, level)?;
        let from = Layout::of(Site::Stream(Destination::Subdural));
        let to = Layout::of(Site::Stream(Destination::Csf(level)));
        self.record(now, Some(&[(from, -moved), (to, moved)]));
        Ok(moved)
    }
}
