//! The whole chain of one patient: pump, catheter, kinetics, response, joined.

use serde::{Deserialize, Serialize};

use crate::catheter::{Catheter, CatheterError, Jump};
use crate::engine::SimTime;
use crate::kinetics::{Flows, Kinetics, KineticsState, Layout, Outflow, Site};
use crate::numerics::Scratch;
use crate::pump::{Pump, PumpNotice};
use crate::response::{Response, Signals, Watch};
use crate::scenario::model::Exposure;
use crate::signals::{Destination, Level, Others, Posture, Surroundings};

use super::body::BodyRun;
use super::drive::Drives;
use super::drugs::DrugRun;
use super::error::SimError;
use super::ledger::Held;
use super::result::LedgerRow;
use super::system::SystemRecorder;

/// Drug on its way through a needle at constant rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Needle {
    /// Index of the action that gives it.
    pub action: usize,
    /// Where it ends.
    pub site: Site,
    /// Rate \[ug/h\]; of a benzodiazepine by vein \[mg/h\].
    pub rate: f64,
    /// Since when.
    pub since: SimTime,
    /// Which of the other drugs; `None` is baclofen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drug: Option<usize>,
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

impl Totals {
    /// Drug that left the catheter by `at`: into the spinal fluid, and elsewhere \[ug\].
    fn at(&self, at: SimTime) -> (f64, f64) {
        let dt = at.hours_since(self.since);
        (
            self.delivered + self.delivered_rate * dt,
            self.leaked + self.leaked_rate * dt,
        )
    }

    /// Takes over other rates \[ug/h\]; equal ones change nothing.
    fn set_rates(&mut self, now: SimTime, delivered_rate: f64, leaked_rate: f64) {
        if delivered_rate != self.delivered_rate || leaked_rate != self.leaked_rate {
            let (delivered, leaked) = self.at(now);
            *self = Totals {
                since: now,
                delivered,
                leaked,
                delivered_rate,
                leaked_rate,
            };
        }
    }

    /// Books what left at once \[ug\].
    fn book(&mut self, to: Destination, drug: f64) {
        match to {
            Destination::Csf(_) => self.delivered += drug,
            _ => self.leaked += drug,
        }
    }
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
    /// Baclofen in the body.
    pub kinetics: Kinetics,
    /// Other drugs, in the order of the scenario.
    pub drugs: Vec<DrugRun>,
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
    /// Room for the next look at the kinetics.
    scratch: Scratch,
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
            drugs: Vec::new(),
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
            scratch: Scratch::default(),
        }
    }

    /// Rate of drug into the spinal fluid through the catheter now \[ug/h\].
    pub fn delivered_rate(&self) -> f64 {
        self.totals.delivered_rate
    }

    /// Rates of baclofen and of the other drugs into the spinal fluid, in the mean where the pump
    /// works in strokes \[ug/h\].
    pub fn mean_rates(&self, now: SimTime) -> (f64, Others) {
        let mean = self.pump.mean_drive();
        if mean == self.pump.drive() {
            return (self.delivered_rate(), self.other_rates());
        }
        let mut line = self.catheter.clone();
        let (concentration, others) = (self.pump.outlet_concentration(), self.pump.outlet_others());
        let _ = line.set_mixture(now, mean, concentration, others);
        let (mut rate, mut rates) = (0.0, Others::NONE);
        let arriving = line.streams();
        for s in arriving
            .iter()
            .filter(|s| s.flow > 0.0 && matches!(s.to, Destination::Csf(_)))
        {
            rate += s.flow * s.concentration;
            for index in 0..self.drugs.len() {
                rates.set(index, rates.get(index) + s.flow * s.others.get(index));
            }
        }
        (rate, rates)
    }

    /// The one of them in which doses are counted; `None` is baclofen \[ug/h\].
    pub fn counted_rate(&self, drug: Option<usize>, now: SimTime) -> f64 {
        let (baclofen, others) = self.mean_rates(now);
        drug.map_or(baclofen, |index| others.get(index))
    }

    /// Drug that left the catheter so far: into the spinal fluid, and elsewhere \[ug\].
    pub fn delivered_and_leaked(&self, at: SimTime) -> (f64, f64) {
        self.totals.at(at)
    }

    /// Rate into the spinal fluid through the catheter now, of one drug \[ug/h\]; `None` is baclofen.
    pub fn delivered_rate_of(&self, drug: Option<usize>) -> f64 {
        match drug {
            None => self.delivered_rate(),
            Some(index) => self.drugs.get(index).map_or(0.0, |d| d.totals.delivered_rate),
        }
    }

    /// Rates of the other drugs into the spinal fluid \[ug/h\].
    pub fn other_rates(&self) -> Others {
        let mut rates = Others::NONE;
        for (index, drug) in self.drugs.iter().enumerate() {
            rates.set(index, drug.totals.delivered_rate);
        }
        rates
    }

    /// Baclofen given by needles still at work \[ug\].
    pub fn infused(&self, at: SimTime) -> f64 {
        self.infused_of(None, at)
    }

    fn infused_of(&self, drug: Option<usize>, at: SimTime) -> f64 {
        let own = self.needles.iter();
        let own = own.filter(|n| n.drug == drug && n.site != Site::Benzodiazepine);
        own.map(|n| n.rate * at.hours_since(n.since)).sum()
    }

    /// The accounts of another drug at an instant.
    pub fn drug_row(&self, index: usize, at: SimTime) -> Result<LedgerRow, SimError> {
        let drug = &self.drugs[index];
        let (delivered, leaked) = drug.totals.at(at);
        let held = Held {
            reservoir: self.pump.reservoir_others(at).get(index),
            catheter: self.catheter.others(at).get(index),
            delivered,
            leaked,
            infused: self.infused_of(Some(index), at),
        };
        let balance = drug.kinetics.balance(at, &mut drug.kinetics.scratch())?;
        Ok(drug.accounts.row_of(held, at, balance))
    }

    /// Checks the accounts of the other drugs.
    ///
    /// # Errors
    /// [`SimError::Ledger`] if one does not close.
    pub fn check_drugs(&mut self, at: SimTime) -> Result<(), SimError> {
        for index in 0..self.drugs.len() {
            let row = self.drug_row(index, at)?;
            self.drugs[index].accounts.accept(&row)?;
        }
        Ok(())
    }

    /// Kinetics of all drugs.
    pub fn drives(&self) -> Drives<'_> {
        Drives {
            baclofen: &self.kinetics,
            others: &self.drugs,
        }
    }

    /// All response signals at a covered instant.
    pub fn signals(&self, at: SimTime) -> Result<Signals, SimError> {
        self.body.signals(&self.response, self.drives(), at)
    }

    /// Makes ready for a change at once of amounts in the body at `now`.
    pub fn before_change(&mut self, now: SimTime) {
        self.body.put(now);
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
        if !self.pump.take_back(now, back.volume, back.drug, back.others) {
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
            self.totals.book(jump.to, jump.drug);
            self.deposit(now, Site::Stream(jump.to), jump.drug)?;
            for (index, drug) in self.drugs.iter_mut().enumerate() {
                drug.totals.book(jump.to, jump.others.get(index));
            }
            self.deposit_others(now, Site::Stream(jump.to), jump.others)?;
        }
        Ok(())
    }

    /// Puts other drugs somewhere at once \[ug\].
    pub fn deposit_others(&mut self, now: SimTime, at: Site, amounts: Others) -> Result<(), SimError> {
        if amounts.is_none() {
            return Ok(());
        }
        self.before_change(now);
        for (index, drug) in self.drugs.iter_mut().enumerate() {
            drug.add(now, at, amounts.get(index))?;
        }
        Ok(())
    }

    /// Carries a change of any part through the chain: pump to catheter to kinetics.
    pub fn settle(&mut self, now: SimTime) -> Result<(), SimError> {
        let (drive, pump) = (self.pump.drive(), &self.pump);
        let jumps = self
            .catheter
            .set_mixture(now, drive, pump.outlet_concentration(), pump.outlet_others());
        self.ejected(now, &jumps)?;
        self.pump.set_outflow(now, self.catheter.inflow());

        let mut inputs: Vec<(Site, f64)> = Vec::new();
        let (mut delivered, mut leaked) = (0.0, 0.0);
        let mut retrograde = None;
        for stream in self.catheter.streams() {
            if stream.flow < 0.0 {
                if let Destination::Csf(level) = stream.to {
                    retrograde = Some(Outflow::rounded(level, -stream.flow));
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
        let needles = self.needles.iter().filter(|n| n.drug.is_none());
        inputs.extend(needles.map(|n| (n.site, n.rate)));
        self.totals.set_rates(now, delivered, leaked);
        let flows = Flows {
            posture: self.posture,
            drain: self.drain,
            leak: retrograde,
            along: self.catheter.csf_loss().map(|(level, rate)| Outflow { level, rate }),
        };
        self.settle_drugs(now, flows)?;
        let changed = inputs != self.inputs || flows != self.flows;
        if changed {
            self.body.turn(now);
            if flows != self.flows {
                self.kinetics.set_flows(now, flows)?;
                self.flows = flows;
            }
            if inputs != self.inputs {
                self.kinetics.set_inputs_seen(now, &inputs, &mut self.scratch)?;
                self.inputs = inputs;
            }
            self.record(now, None);
        }
        Ok(())
    }

    /// Carries a change to the kinetics of the other drugs.
    fn settle_drugs(&mut self, now: SimTime, flows: Flows) -> Result<(), SimError> {
        for index in 0..self.drugs.len() {
            let arrivals = DrugRun::inputs_of(index, self.catheter.streams(), &self.needles);
            let drug = &mut self.drugs[index];
            drug.totals.set_rates(now, arrivals.delivered, arrivals.leaked);
            let turned = flows != drug.kinetics.state().flows;
            if !turned && arrivals.inputs == drug.inputs {
                continue;
            }
            self.body.turn(now);
            if turned {
                drug.kinetics.set_flows(now, flows)?;
            }
            if arrivals.inputs != drug.inputs {
                drug.kinetics.set_inputs(now, &arrivals.inputs)?;
                drug.inputs = arrivals.inputs;
            }
            drug.record(now, None);
        }
        Ok(())
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
        for drug in &mut self.drugs {
            drug.flush_subdural(now, level)?;
        }
        Ok(moved)
    }
}
