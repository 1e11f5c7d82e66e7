//! The catheter of one patient.

mod port;
mod sudden;

pub use port::PortView;
pub use sudden::{Drawn, Jump};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::anatomy::{Build, Node};
use super::column::{Mix, Reach, SPECK, drug_in, others_in};
use super::fault::{CatheterError, CatheterFault};
use super::network::{Network, Station};
use super::plan::{Plan, Start, plan};
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::scenario::model;
use crate::signals::{Destination, Drive, Level, Others, Stream};

/// Where drug goes that a mass round the tip keeps. Like the epidural space it gives nearly all
/// to blood and a little to the spinal fluid beside it.
const MASS: Destination = Destination::Epidural;

/// Suction that a wall must be able to answer from one reach \[kPa\]: more than any difference
/// between spinal fluid and tissue.
const SUCTION: f64 = 10.0;

/// Constant flow through a reach: in at the pump's side, out at the tip's side \[mL/h\].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Through {
    enters: f64,
    leaves: f64,
}

/// The line from the pump's reservoir to the tip.
///
/// State is kept at the last change; everything flows at constant rates until
/// [`Catheter::next_change`], and queries compute from there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catheter {
    build: Build,
    faults: BTreeMap<String, CatheterFault>,
    csf_pressure: f64,
    drive: Drive,
    inlet: f64,
    /// Whether the inlet changed and nothing of the new has entered yet.
    front_due: bool,
    origin: SimTime,
    reaches: Vec<Reach>,
    nodes: Vec<Node>,
    /// Where the wall stores volume: just before this place \[cm\].
    cut: f64,
    elastic: bool,
    step: u8,
    step_end: Option<SimTime>,
    through: Vec<Through>,
    leaks: Vec<Vec<f64>>,
    pressure: f64,
    streams: Vec<Stream>,
    /// Drug displaced by rounding at fronts, still to be counted \[ug\].
    carry: f64,
    /// Other drugs that come with the inlet \[ug/mL\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    inlet_others: Others,
    /// Other drugs displaced by rounding \[ug\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    carry_others: Others,
    /// What has run back to the pump so far, by the fault behind it \[mL\].
    run_back: BTreeMap<String, f64>,
}

impl Catheter {
    /// A sound catheter, filled with `concentration` \[ug/mL\] if the scenario does not say with
    /// what, behind a pump that stands still.
    ///
    /// # Errors
    /// [`CatheterError::Value`] if a length or concentration cannot be.
    pub fn new(
        start: SimTime,
        setup: &model::Catheter,
        parameters: &ParameterSet,
        concentration: f64,
    ) -> Result<Self, CatheterError> {
        Self::filled(start, setup, parameters, concentration, Others::NONE)
    }

    /// As [`Catheter::new`], behind a pump that holds other drugs as well \[ug/mL\].
    ///
    /// # Errors
    /// As [`Catheter::new`].
    pub fn filled(
        start: SimTime,
        setup: &model::Catheter,
        parameters: &ParameterSet,
        concentration: f64,
        others: Others,
    ) -> Result<Self, CatheterError> {
        let fill = setup.initial_concentration.unwrap_or(concentration);
        let in_tube = setup.tube_concentration.unwrap_or(fill);
        // What the file says of the fill, it says of all that is in it.
        let others_fill = match setup.initial_concentration {
            Some(_) => setup.initial_others,
            None => others,
        };
        let others_in_tube = match setup.tube_concentration {
            Some(_) => setup.tube_others,
            None => others_fill,
        };
        let (fill_mix, tube_mix) = (
            Mix {
                baclofen: fill,
                others: others_fill,
            },
            Mix {
                baclofen: in_tube,
                others: others_in_tube,
            },
        );
        if let Some(value) = [others_fill, others_in_tube]
            .iter()
            .flat_map(Others::values)
            .find(|v| !(v.is_finite() && *v >= 0.0))
        {
            return Err(CatheterError::Value {
                what: "concentration of another drug in the line",
                value,
                expected: "finite and not below zero",
            });
        }
        for (what, value) in [
            ("concentration in the catheter", fill),
            ("concentration in the pump tube", in_tube),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(CatheterError::Value {
                    what,
                    value,
                    expected: "finite and not below zero",
                });
            }
        }
        let build = Build::new(setup, parameters)?;
        let mut column = Reach::filled(build.dead_volume(), fill_mix);
        if tube_mix != fill_mix && build.tube > 0.0 {
            column.leave_back(build.tube);
            column.enter(build.tube, tube_mix, true);
        }
        // Where there is no tube, the catheter's fill stands before the pump.
        let entrance = column.pump_side();
        let mut catheter = Self {
            faults: BTreeMap::new(),
            csf_pressure: parameters.get("catheter.tip_pressure.supine"),
            drive: Drive {
                flow: 0.0,
                droop: 0.0,
                max_pressure: 0.0,
            },
            inlet: entrance.baclofen,
            front_due: false,
            origin: start,
            reaches: vec![column],
            build,
            nodes: Vec::new(),
            cut: 0.0,
            elastic: false,
            step: 0,
            step_end: None,
            through: Vec::new(),
            leaks: Vec::new(),
            pressure: 0.0,
            streams: Vec::new(),
            carry: 0.0,
            inlet_others: entrance.others,
            carry_others: Others::NONE,
            run_back: BTreeMap::new(),
        };
        catheter.replan(&mut Vec::new());
        Ok(catheter)
    }

    /// Volume of pump tube and sound catheter, all pieces of it \[mL\].
    pub fn dead_volume(&self) -> f64 {
        self.build.dead_volume()
    }

    /// What the pump offers from `now` on, and the concentration that comes with it \[ug/mL\].
    #[must_use]
    pub fn set_source(&mut self, now: SimTime, drive: Drive, concentration: f64) -> Vec<Jump> {
        self.set_mixture(now, drive, concentration, Others::NONE)
    }

    /// As [`Catheter::set_source`], with other drugs that come along \[ug/mL\].
    #[must_use]
    pub fn set_mixture(&mut self, now: SimTime, drive: Drive, concentration: f64, others: Others) -> Vec<Jump> {
        let mut jumps = Vec::new();
        let mix = Mix {
            baclofen: concentration,
            others,
        };
        if drive == self.drive && mix == self.inlet_mix() {
            return jumps;
        }
        self.rebase(now);
        self.front_due |= mix != self.inlet_mix();
        self.inlet = concentration;
        self.inlet_others = others;
        if drive == self.drive {
            self.restream();
        } else {
            self.drive = drive;
            self.step = 0;
            self.replan(&mut jumps);
        }
        jumps
    }

    /// Brings a fault to severity `u` in \[0, 1\]; the same again changes nothing, and a severity
    /// at which nothing is wrong ends it. How each fault scales is said at
    /// [`CatheterFault::at_severity`]. [`CatheterFault::Retrograde`] only is checked here, as it
    /// changes nothing of the line: call [`Catheter::run_back`] for it.
    ///
    /// # Errors
    /// [`CatheterError`] if it cannot be on this catheter; nothing has changed then.
    pub fn set_fault(
        &mut self,
        now: SimTime,
        id: &str,
        fault: CatheterFault,
        u: f64,
    ) -> Result<Vec<Jump>, CatheterError> {
        fault.check(self.build.length)?;
        let Some(fault) = fault.at_severity(u) else {
            return Ok(self.clear_fault(now, id));
        };
        let mut jumps = Vec::new();
        if let CatheterFault::Retrograde { .. } = fault {
            // Nothing of the line changes: see `run_back`.
            return Ok(jumps);
        }
        if self.faults.get(id) != Some(&fault) {
            self.rebase(now);
            self.faults.insert(id.to_owned(), fault);
            self.reshape(&mut jumps);
        }
        Ok(jumps)
    }

    /// Ends a fault; an unknown name changes nothing.
    #[must_use]
    pub fn clear_fault(&mut self, now: SimTime, id: &str) -> Vec<Jump> {
        let mut jumps = Vec::new();
        if self.faults.contains_key(id) {
            self.rebase(now);
            self.faults.remove(id);
            self.reshape(&mut jumps);
        }
        jumps
    }

    /// Sets the gauge pressure of the spinal fluid at the tip \[kPa\].
    ///
    /// # Errors
    /// [`CatheterError::Value`] if it is not finite.
    pub fn set_tip_pressure(&mut self, now: SimTime, pressure: f64) -> Result<Vec<Jump>, CatheterError> {
        if !pressure.is_finite() {
            return Err(CatheterError::Value {
                what: "pressure at the tip",
                value: pressure,
                expected: "finite",
            });
        }
        let mut jumps = Vec::new();
        if pressure != self.csf_pressure {
            self.rebase(now);
            self.csf_pressure = pressure;
            self.step = 0;
            self.replan(&mut jumps);
        }
        Ok(jumps)
    }

    /// What leaves, the tip first; constant until [`Catheter::next_change`].
    ///
    /// A negative flow at the tip is spinal fluid that runs back into the catheter. It is
    /// taken as free of drug; what the spine loses with it is the spine's to count.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// What the catheter takes from the pump \[mL/h\].
    pub fn inflow(&self) -> f64 {
        self.through[0].enters
    }

    /// When the streams change by themselves: a front reaches a place where fluid leaves,
    /// or pressure has moved on.
    pub fn next_change(&self) -> Option<SimTime> {
        self.fronts()
            .filter_map(|hours| self.origin.due_after(hours))
            .chain(self.step_end)
            .min()
    }

    /// Moves on at the instant of [`Catheter::next_change`].
    #[must_use]
    pub fn on_change(&mut self, now: SimTime) -> Vec<Jump> {
        let mut jumps = Vec::new();
        self.rebase(now);
        if self.step_end.is_some_and(|end| end <= now) {
            self.step = self.step.saturating_add(1);
            self.replan(&mut jumps);
        } else {
            self.restream();
        }
        jumps
    }

    /// Drug inside \[ug\].
    pub fn drug(&self, at: SimTime) -> f64 {
        let inside: f64 = self.reaches.iter().map(Reach::drug).sum();
        let mut rate = self.inlet * self.inflow();
        for s in &self.streams {
            rate -= s.flow * s.concentration;
        }
        inside + self.carry + rate * at.hours_since(self.origin)
    }

    /// Other drugs inside \[ug\].
    pub fn others(&self, at: SimTime) -> Others {
        let inside: Others = self.reaches.iter().map(Reach::others).sum();
        let mut rate = self.inlet_others * self.inflow();
        for s in &self.streams {
            rate -= s.others * s.flow;
        }
        inside + self.carry_others + rate * at.hours_since(self.origin)
    }

    fn inlet_mix(&self) -> Mix {
        Mix {
            baclofen: self.inlet,
            others: self.inlet_others,
        }
    }

    /// Fluid inside \[mL\].
    pub fn volume(&self, at: SimTime) -> f64 {
        let inside: f64 = self.reaches.iter().map(Reach::volume).sum();
        let mut rate = self.inflow();
        for s in &self.streams {
            rate -= s.flow;
        }
        inside + rate * at.hours_since(self.origin)
    }

    /// Pressure at the pump's outlet \[kPa\].
    pub fn pressure(&self, at: SimTime) -> f64 {
        match self.elastic.then(|| self.store_reach()) {
            Some(reach) => {
                let through = self.through[reach];
                let stored = (through.enters - through.leaves) * at.hours_since(self.origin);
                self.tip_pressure() + (self.reaches[reach].excess() + stored) / self.build.compliance(self.cut)
            }
            None => self.pressure,
        }
    }

    /// Concentration at the tip \[ug/mL\].
    pub fn tip_concentration(&self) -> f64 {
        self.at_tip().baclofen
    }

    /// Concentrations of other drugs at the tip \[ug/mL\].
    pub fn tip_others(&self) -> Others {
        self.at_tip().others
    }

    fn at_tip(&self) -> Mix {
        self.reaches.last().map_or(Mix::PLAIN, Reach::tip_side)
    }

    /// Where the tip lies.
    pub fn tip_destination(&self) -> Destination {
        self.faults
            .values()
            .rev()
            .find_map(|fault| match fault {
                CatheterFault::Migration { to } => Some(*to),
                _ => None,
            })
            .unwrap_or(Destination::Csf(self.build.tip))
    }

    /// Gauge pressure of the spinal fluid \[kPa\]: that of the posture, less what a leak beside
    /// the catheter takes away.
    pub fn csf_pressure(&self) -> f64 {
        self.build.csf_under_leak(&self.faults, self.csf_pressure).0
    }

    /// Spinal fluid that escapes beside the catheter, and the level of the largest hole
    /// \[mL/h\]; `None` where none does. It carries the concentration of that level, which is
    /// the spine's to count.
    pub fn csf_loss(&self) -> Option<(Level, f64)> {
        let (_, flow) = self.build.csf_under_leak(&self.faults, self.csf_pressure);
        let mut largest: Option<(Level, f64)> = None;
        for (level, conductance) in self.build.csf_holes(&self.faults) {
            if largest.is_none_or(|(_, most)| conductance > most) {
                largest = Some((level, conductance));
            }
        }
        largest.filter(|_| flow > 0.0).map(|(level, _)| (level, flow))
    }

    fn tip_pressure(&self) -> f64 {
        self.build.pressure_in(self.tip_destination(), self.csf_pressure())
    }

    /// Index of the reach that ends at the cut.
    fn cut_reach(&self) -> usize {
        self.nodes.iter().filter(|n| n.position <= self.cut).count()
    }

    /// Index of the reach that stores volume: the one before the cut, or the next towards the
    /// pump that can give what suction draws out of the wall and not run dry. The first always
    /// can, as it has the pump's tube.
    fn store_reach(&self) -> usize {
        let enough = SUCTION * self.build.compliance(self.build.length);
        let starts = |index: usize| match index.checked_sub(1) {
            Some(node) => self.build.volume_to(self.nodes[node].position),
            None => 0.0,
        };
        let mut index = self.cut_reach();
        let mut ends = match self.nodes.get(index) {
            Some(node) => self.build.volume_to(node.position),
            None => self.dead_volume(),
        };
        while index > 0 && ends - starts(index) < enough {
            ends = starts(index);
            index -= 1;
        }
        index
    }

    /// The chain as it is now; the place of the cut is always a station of it.
    fn network(&self) -> Network {
        self.build.network(
            &self.faults,
            &self.nodes,
            self.cut,
            self.csf_pressure(),
            self.tip_pressure(),
        )
    }

    /// Index of the station at which the wall stores volume.
    fn cut_station(&self, network: &Network) -> usize {
        let resistance = self.build.narrowest(&self.faults).map_or(0.0, |n| n.1);
        network
            .stations
            .iter()
            .position(|(at, s)| *at == self.build.thin_length(self.cut) && *s == Station::Narrow(resistance))
            // `network` puts this station in; without it the wall before the tip is as good.
            .unwrap_or(0)
    }

    /// Rebuilds reaches after faults changed, and plans anew.
    fn reshape(&mut self, jumps: &mut Vec<Jump>) {
        let held = self.build.compliance(self.cut);
        if let Some((position, _)) = self.build.narrowest(&self.faults) {
            self.cut = position;
        }
        let nodes = self.build.leak_nodes(&self.faults);
        let stored: f64 = self.reaches.iter().map(Reach::excess).sum();
        self.nodes = nodes;
        let mut column = Reach {
            rigid: self.dead_volume(),
            plugs: Default::default(),
        };
        for reach in &self.reaches {
            // From the pump's reach on: later reaches lie nearer the tip.
            for plug in reach.plugs.iter().rev() {
                match column.plugs.front_mut() {
                    Some(first) if first.mix() == plug.mix() && !first.fresh => {
                        first.volume += plug.volume;
                        first.fresh = plug.fresh;
                    }
                    _ => column.plugs.push_front(*plug),
                }
            }
        }
        let stores = self.store_reach();
        let mut reaches = Vec::new();
        let mut before = 0.0;
        for (index, node) in self.nodes.iter().enumerate() {
            let until = self.build.volume_to(node.position);
            let rigid = until - before;
            before = until;
            let volume = rigid + if index == stores { stored } else { 0.0 };
            let plugs = column.leave_back(volume).into_iter().rev().collect();
            reaches.push(Reach { rigid, plugs });
        }
        column.rigid = self.dead_volume() - before;
        reaches.push(column);
        self.reaches = reaches;
        self.step = 0;
        self.tidy();
        self.part_with(held, jumps);
        self.replan(jumps);
    }

    /// Works out flows from the state at the origin.
    fn replan(&mut self, jumps: &mut Vec<Jump>) {
        let network = self.network();
        let cut = self.cut_station(&network);
        let reach = self.store_reach();
        let stored = self.reaches[reach].excess();
        let plan = plan(
            &network,
            Start {
                cut,
                compliance: self.build.compliance(self.cut),
                stored,
                drive: self.drive,
                step: self.step,
                instant: self.build.instant,
            },
        );
        if plan.releases {
            self.release(&network, cut, reach, stored, jumps);
        }
        self.elastic = plan.elastic;
        self.pressure = plan.pressure;
        self.step_end = plan.lasts.and_then(|hours| self.origin.due_after(hours));
        let closed = network.closed_after_leaks();
        self.take_flows(plan, reach, &closed);
        self.restream();
    }

    /// Takes over the flows of a plan. All reaches but the one that stores volume pass on
    /// exactly what they receive, so that rounding cannot fill or empty them, and where the
    /// way on is closed the leaks before it take all.
    fn take_flows(&mut self, plan: Plan, stores: usize, closed: &[bool]) {
        let settled = plan.lasts.is_none();
        let cut_reach = self.cut_reach();
        let mut flow = plan.source;
        self.leaks = plan.leaks;
        self.through.clear();
        for (index, _) in self.reaches.iter().enumerate() {
            let enters = flow;
            if plan.elastic && index == stores && !settled {
                // What passes the cut, and what leaks between the store and the cut.
                let between = self.leaks.get(stores..cut_reach).unwrap_or_default();
                flow = plan.past_cut + between.iter().flatten().sum::<f64>();
            }
            self.through.push(Through { enters, leaves: flow });
            if let Some(leaks) = self.leaks.get_mut(index) {
                flow -= leaks.iter().sum::<f64>();
                let fills = plan.elastic && !settled && index < stores;
                if let (true, false, Some(last)) = (closed[index], fills, leaks.last_mut()) {
                    *last += flow;
                    flow = 0.0;
                }
            }
        }
    }

    /// Concentrations at nodes and the streams that follow from them.
    fn restream(&mut self) {
        let tip = self.tip_destination();
        let last = self.through.last().map_or(0.0, |t| t.leaves) + 0.0;
        let mix = if last < 0.0 { Mix::PLAIN } else { self.at_tip() };
        let (concentration, others) = (mix.baclofen, mix.others);
        let kept = last.max(0.0) * self.build.mass_share(&self.faults);
        let mut streams = vec![Stream {
            to: tip,
            flow: last - kept,
            concentration,
            others,
        }];
        if kept > 0.0 {
            streams.push(Stream {
                to: MASS,
                flow: kept,
                concentration,
                others,
            });
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let mix = self.node_mix(index);
            for (flow, (_, to)) in self.leaks[index].iter().zip(&node.outlets) {
                streams.push(Stream {
                    to: *to,
                    flow: flow + 0.0,
                    concentration: if *flow < 0.0 { 0.0 } else { mix.baclofen },
                    others: if *flow < 0.0 { Others::NONE } else { mix.others },
                });
            }
        }
        self.streams = streams;
    }

    /// What meets at a node; tissue fluid that enters there has no drug.
    fn node_mix(&self, index: usize) -> Mix {
        let from_pump = self.through[index].leaves;
        let from_tip = -self.through[index + 1].enters;
        let from_tissue: f64 = self.leaks[index].iter().map(|q| (-q).max(0.0)).sum();
        let (upper, lower) = (self.reaches[index].tip_side(), self.reaches[index + 1].pump_side());
        match (from_pump > 0.0, from_tip > 0.0) {
            (true, false) if from_tissue == 0.0 => upper,
            (false, true) if from_tissue == 0.0 => lower,
            (false, false) => Mix::PLAIN,
            _ => {
                let (a, b) = (from_pump.max(0.0), from_tip.max(0.0));
                Mix {
                    baclofen: (a * upper.baclofen + b * lower.baclofen) / (a + b + from_tissue),
                    others: (upper.others * a + lower.others * b) * (1.0 / (a + b + from_tissue)),
                }
            }
        }
    }

    /// What would enter a reach from the pump's side.
    fn entering(&self, reach: usize) -> Mix {
        match reach.checked_sub(1) {
            None => self.inlet_mix(),
            Some(node) => self.node_mix(node),
        }
    }

    /// What would enter a reach from the tip's side.
    fn entering_back(&self, reach: usize) -> Mix {
        if reach < self.nodes.len() {
            self.node_mix(reach)
        } else {
            Mix::PLAIN
        }
    }

    fn half_width(&self, ahead: &Mix) -> f64 {
        if ahead.is_plain() {
            self.build.water_smear
        } else {
            self.build.smear
        }
    }

    /// Hours from the origin to each front's arrival.
    fn fronts(&self) -> impl Iterator<Item = f64> {
        let arrivals = self
            .reaches
            .iter()
            .zip(&self.through)
            .enumerate()
            .flat_map(|(i, (reach, q))| {
                let alone = reach.plugs.len() == 1;
                let onward = (q.leaves > 0.0)
                    .then(|| reach.plugs.front())
                    .flatten()
                    .filter(|p| !alone || (q.enters > 0.0 && self.entering(i) != p.mix()))
                    .map(|p| p.volume / q.leaves);
                let back = (q.enters < 0.0)
                    .then(|| reach.plugs.back())
                    .flatten()
                    .filter(|p| !alone || (q.leaves < 0.0 && self.entering_back(i) != p.mix()))
                    .map(|p| p.volume / -q.enters);
                [onward, back]
            });
        arrivals.chain([self.smear_due()]).flatten()
    }

    /// Hours from the origin until the newest front has fully entered and can be smeared.
    fn smear_due(&self) -> Option<f64> {
        let plugs = &self.reaches[0].plugs;
        let flow = self.inflow();
        if flow <= 0.0 {
            return None;
        }
        let last = plugs.back()?;
        let left = if self.front_due {
            self.half_width(&last.mix())
        } else if last.fresh {
            let ahead = plugs.get(plugs.len().checked_sub(2)?)?;
            self.half_width(&ahead.mix()) - last.volume
        } else {
            return None;
        };
        (left > SPECK).then_some(left / flow)
    }

    fn tidy(&mut self) {
        for reach in &mut self.reaches {
            let (carry, others) = reach.tidy();
            self.carry += carry;
            self.carry_others += others;
        }
    }

    /// Moves the state to `now`.
    fn rebase(&mut self, now: SimTime) {
        if now == self.origin {
            return;
        }
        let hours = now.hours_since(self.origin);
        let ends: Vec<(Mix, Mix)> = (0..self.reaches.len())
            .map(|i| (self.entering(i), self.entering_back(i)))
            .collect();
        for (index, reach) in self.reaches.iter_mut().enumerate() {
            let q = self.through[index];
            let (from_pump, from_tip) = ends[index];
            // What was promised to leave, at the concentrations of the origin.
            let (onward, back) = (reach.tip_side(), reach.pump_side());
            if q.enters > 0.0 {
                let volume = q.enters * hours;
                reach.enter(volume, from_pump, index == 0 && self.front_due);
                // A speck dissolves, and then the front is still to come.
                self.front_due &= index > 0 || volume < SPECK;
            }
            if q.leaves < 0.0 {
                reach.enter_back(-q.leaves * hours, from_tip);
            }
            if q.leaves > 0.0 {
                let volume = q.leaves * hours;
                let taken = reach.leave(volume);
                self.carry += drug_in(&taken) - volume * onward.baclofen;
                self.carry_others += others_in(&taken) - onward.others * volume;
            }
            if q.enters < 0.0 {
                let volume = -q.enters * hours;
                let taken = reach.leave_back(volume);
                self.carry += drug_in(&taken) - volume * back.baclofen;
                self.carry_others += others_in(&taken) - back.others * volume;
            }
        }
        self.origin = now;
        let (plain, water) = (self.build.smear, self.build.water_smear);
        let (carry, others) = self.reaches[0].smear(|ahead| if ahead.is_plain() { water } else { plain });
        self.carry += carry;
        self.carry_others += others;
        self.tidy();
    }
}
