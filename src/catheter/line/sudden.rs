//! Fluid that moves at one instant: injected, let go by the wall, drawn back.

use serde::{Deserialize, Serialize};

use super::super::column::{Mix, Plug, SPECK, drug_in, others_in};
use super::super::fault::CatheterError;
use super::super::network::{Network, Station, View};
use super::{Catheter, MASS};
use crate::engine::SimTime;
use crate::signals::{Destination, Others};

/// Fluid that left the catheter at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Jump {
    /// Where it went.
    pub to: Destination,
    /// How much fluid; negative where fluid was drawn in \[mL\].
    pub volume: f64,
    /// Drug in it \[ug\].
    pub drug: f64,
    /// Other drugs in it \[ug\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    pub others: Others,
}

impl Jump {
    /// Fluid without drug that was drawn in from somewhere \[mL\].
    fn drawn(to: Destination, volume: f64) -> Self {
        Self {
            to,
            volume: -volume,
            drug: 0.0,
            others: Others::NONE,
        }
    }
}

/// Fluid that was drawn out of the line towards the pump, and what took its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// How much \[mL\].
    pub volume: f64,
    /// Drug in it \[ug\].
    pub drug: f64,
    /// Other drugs in it \[ug\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    pub others: Others,
    /// What entered at tip and holes, as negative volumes without drug.
    pub jumps: Vec<Jump>,
}

impl Catheter {
    /// Injects drug-free fluid at the catheter port, which pushes what the catheter holds
    /// out at once, shared between tip and leaks by their conductance \[mL\].
    ///
    /// # Errors
    /// [`CatheterError::Blocked`] if nothing is open, [`CatheterError::Value`] if the
    /// volume cannot be.
    pub fn inject(&mut self, now: SimTime, volume: f64) -> Result<Vec<Jump>, CatheterError> {
        if !(volume.is_finite() && volume >= 0.0) {
            return Err(CatheterError::Value {
                what: "injected volume",
                value: volume,
                expected: "finite and not below zero",
            });
        }
        let network = self.network();
        let views = network.views();
        if !network.seen_by_pump(&views).resistance.is_finite() {
            return Err(CatheterError::Blocked);
        }
        self.rebase(now);
        let mut jumps = Vec::new();
        if volume > 0.0 {
            self.reaches[0].insert(self.build.tube, volume, Mix::PLAIN);
            self.push_out(0, volume, &mut jumps);
            self.tidy();
        }
        self.restream();
        Ok(jumps)
    }

    /// Draws fluid out at the catheter port; it is replaced from tip and holes by conductance,
    /// free of drug \[mL\].
    ///
    /// # Errors
    /// [`CatheterError::Blocked`] if nothing is open, [`CatheterError::Value`] if the
    /// volume cannot be.
    pub fn aspirate(&mut self, now: SimTime, volume: f64) -> Result<Drawn, CatheterError> {
        self.draw(now, volume, self.build.tube)
    }

    /// Draws fluid back to the pump's own end of the line, as [`Catheter::aspirate`] does at
    /// the port; what comes out must be put into the pump by the caller \[mL\].
    ///
    /// # Errors
    /// As for [`Catheter::aspirate`].
    pub fn draw_back(&mut self, now: SimTime, volume: f64) -> Result<Drawn, CatheterError> {
        self.draw(now, volume, 0.0)
    }

    /// Lets fluid run back into the reservoir until `total` mL have done so under the fault
    /// `id`; what has run back already is not drawn again. `None` if nothing is left to draw. A
    /// total of zero forgets the fault, so that its next episode begins anew.
    ///
    /// What comes out must be put into the pump by the caller.
    ///
    /// # Errors
    /// As for [`Catheter::aspirate`].
    pub fn run_back(&mut self, now: SimTime, id: &str, total: f64) -> Result<Option<Drawn>, CatheterError> {
        if total <= 0.0 {
            self.run_back.remove(id);
            return Ok(None);
        }
        let done = self.run_back.get(id).copied().unwrap_or(0.0);
        if total - done <= SPECK {
            return Ok(None);
        }
        let drawn = self.draw(now, total - done, 0.0)?;
        self.run_back.insert(id.to_owned(), total);
        Ok(Some(drawn))
    }

    /// What has run back under a fault so far \[mL\].
    pub fn has_run_back(&self, id: &str) -> f64 {
        self.run_back.get(id).copied().unwrap_or(0.0)
    }

    /// Draws fluid out at a volume from the pump's end.
    fn draw(&mut self, now: SimTime, volume: f64, from_pump: f64) -> Result<Drawn, CatheterError> {
        if !(volume.is_finite() && volume >= 0.0) {
            return Err(CatheterError::Value {
                what: "volume drawn",
                value: volume,
                expected: "finite and not below zero",
            });
        }
        let network = self.network();
        let views = network.views();
        if !network.seen_by_pump(&views).resistance.is_finite() {
            return Err(CatheterError::Blocked);
        }
        self.rebase(now);
        // What each reach passes on: less and less, as holes give their share.
        let shares: Vec<f64> = (0..self.nodes.len())
            .map(|index| self.leak_share(&network, &views, index))
            .collect();
        let mut passes = vec![volume];
        for (index, share) in shares.iter().enumerate() {
            passes.push(passes[index] * (1.0 - share));
        }
        let last = self.reaches.len() - 1;
        let mut jumps = vec![Jump::drawn(self.tip_destination(), passes[last])];
        // From the tip on, each reach takes in first and gives then, so that it never runs dry.
        let mut comes = vec![Plug::of(passes[last], Mix::PLAIN)];
        for index in (0..=last).rev() {
            for plug in comes.iter().filter(|p| p.volume > 0.0) {
                self.reaches[index].enter_back(plug.volume, plug.mix());
            }
            let aside = if index == 0 {
                self.reaches[0].leave_back(from_pump)
            } else {
                Vec::new()
            };
            comes = self.reaches[index].leave_back(passes[index]);
            for plug in aside.into_iter().rev() {
                self.reaches[0].enter(plug.volume, plug.mix(), false);
            }
            if let Some(node) = index.checked_sub(1) {
                let entered = passes[node] - passes[index];
                let outlets = &self.nodes[node].outlets;
                let open: f64 = outlets.iter().map(|o| o.0).sum();
                for (conductance, to) in outlets {
                    jumps.push(Jump::drawn(*to, entered * (conductance / open)));
                }
                if passes[index] > 0.0 {
                    // Each drop meets its share of tissue fluid.
                    let thinner = passes[index] / passes[node];
                    for plug in &mut comes {
                        plug.volume /= thinner;
                        plug.concentration *= thinner;
                        plug.others = plug.others * thinner;
                    }
                } else {
                    comes = vec![Plug::of(entered, Mix::PLAIN)];
                }
            }
        }
        self.front_due = self.reaches[0].pump_side() != self.inlet_mix();
        self.tidy();
        self.restream();
        jumps.retain(|j| j.volume != 0.0);
        Ok(Drawn {
            volume: comes.iter().map(|p| p.volume).sum(),
            drug: drug_in(&comes),
            others: others_in(&comes),
            jumps,
        })
    }

    /// Part of what passes a hole that goes through it: its conductance in that of itself and
    /// all behind it.
    fn leak_share(&self, network: &Network, views: &[View], index: usize) -> f64 {
        let node = &self.nodes[index];
        let leaks: f64 = node.outlets.iter().map(|o| o.0).sum();
        let place = self.build.thin_length(node.position);
        let station = network
            .stations
            .iter()
            .position(|(at, s)| *at == place && matches!(s, Station::Leak(_)))
            .unwrap_or(0);
        (leaks / views[station].conductance()).min(1.0)
    }

    /// Lets the stored volume go: to the tip and to leaks on either side, by conductance.
    pub(super) fn release(&mut self, network: &Network, cut: usize, reach: usize, stored: f64, jumps: &mut Vec<Jump>) {
        // Rounding of the sums is no store.
        if stored.abs() < SPECK {
            return;
        }
        if stored < 0.0 {
            self.draw_in(reach, -stored, jumps);
            return;
        }
        let ahead = network.views()[cut].conductance();
        let back = network.supply(cut, 0.0).slope;
        let total = ahead + back;
        if total <= 0.0 {
            return;
        }
        let backwards = stored * (back / total);
        // A store that lies before leaks of its own gives to them on the way on.
        if reach > 0 && reach == self.cut_reach() {
            let plugs = self.reaches[reach].leave_back(backwards);
            let outlets = self.nodes[reach - 1].outlets.clone();
            spread(&plugs, &outlets, jumps);
            self.push_out(reach, stored - backwards, jumps);
        } else {
            self.push_out(reach, stored, jumps);
        }
        self.tidy();
    }

    /// The wall springs back and draws in what lies at the tip.
    fn draw_in(&mut self, reach: usize, volume: f64, jumps: &mut Vec<Jump>) {
        let mut drawn = vec![Plug::of(volume, Mix::PLAIN)];
        for index in (reach..self.reaches.len()).rev() {
            for plug in drawn {
                self.reaches[index].enter_back(plug.volume, plug.mix());
            }
            drawn = if index > reach {
                self.reaches[index].leave_back(volume)
            } else {
                Vec::new()
            };
        }
        jumps.push(Jump::drawn(self.tip_destination(), volume));
        self.tidy();
    }

    /// Parts with what the wall held beyond a cut that has moved towards the pump, if it can go
    /// anywhere. `held` is the compliance before the old cut \[mL/kPa\]: what lies before the new
    /// one keeps its pressure.
    pub(super) fn part_with(&mut self, held: f64, jumps: &mut Vec<Jump>) {
        let holds = self.build.compliance(self.cut);
        let reach = self.store_reach();
        let stored = self.reaches[reach].excess();
        let rest = stored * (1.0 - holds / held);
        if holds >= held || rest.abs() < SPECK {
            return;
        }
        if rest < 0.0 {
            self.draw_in(reach, -rest, jumps);
            return;
        }
        let network = self.network();
        let views = network.views();
        let behind = self.cut_station(&network) + 1;
        if views[behind].conductance() > 0.0 {
            self.push_out(reach, rest, jumps);
            self.tidy();
        }
    }

    /// Pushes a volume out of a reach and on to leaks and tip.
    fn push_out(&mut self, reach: usize, volume: f64, jumps: &mut Vec<Jump>) {
        let network = self.network();
        let views = network.views();
        let mut plugs = self.reaches[reach].leave(volume);
        for index in reach..self.nodes.len() {
            let outlets = self.nodes[index].outlets.clone();
            let share = self.leak_share(&network, &views, index);
            let (mut lost, mut on) = (Vec::new(), 0.0);
            for plug in &plugs {
                let volume = plug.volume * share;
                lost.push(Plug { volume, ..*plug });
                let rest = plug.volume - volume;
                if rest > 0.0 {
                    on += rest;
                    self.reaches[index + 1].enter(rest, plug.mix(), false);
                }
            }
            spread(&lost, &outlets, jumps);
            plugs = self.reaches[index + 1].leave(on);
        }
        let kept = self.build.mass_share(&self.faults);
        if kept > 0.0 {
            spread(&plugs, &[(1.0 - kept, self.tip_destination()), (kept, MASS)], jumps);
        } else {
            spread(&plugs, &[(1.0, self.tip_destination())], jumps);
        }
    }
}

/// Shares what leaves between outlets by conductance.
fn spread(plugs: &[Plug], outlets: &[(f64, Destination)], jumps: &mut Vec<Jump>) {
    let volume: f64 = plugs.iter().map(|p| p.volume).sum();
    let (drug, others) = (drug_in(plugs), others_in(plugs));
    let total: f64 = outlets.iter().map(|o| o.0).sum();
    if volume <= 0.0 || total <= 0.0 {
        return;
    }
    for (conductance, to) in outlets {
        let share = conductance / total;
        jumps.push(Jump {
            to: *to,
            volume: volume * share,
            drug: drug * share,
            others: others * share,
        });
    }
}
