//! The access port between pump tube and catheter, as a syringe meets it.

use super::{Catheter, Station};
use crate::engine::SimTime;

/// What a syringe at the access port is connected to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PortView {
    /// Flow per pressure through the tip; zero if the way is closed \[mL/(h kPa)\].
    pub tip: f64,
    /// Flow per pressure of all leaks together \[mL/(h kPa)\].
    pub leaks: f64,
}

impl Catheter {
    /// What a syringe at the access port would be connected to now.
    pub fn port(&self) -> PortView {
        let network = self.network();
        let mut resistance = network.per_length * network.length;
        let mut leaks = 0.0;
        for (_, station) in &network.stations {
            match station {
                Station::Narrow(more) => resistance += more,
                Station::Leak(outlets) => leaks += outlets.iter().map(|o| o.conductance).sum::<f64>(),
            }
        }
        PortView {
            tip: 1.0 / resistance,
            leaks,
        }
    }

    /// Draws at the access port until everything between port and tip has been replaced by
    /// what lies outside, taken as free of drug; what the pump tube holds stays. Gives the
    /// drug drawn out \[ug\].
    pub fn aspirate(&mut self, now: SimTime) -> f64 {
        self.rebase(now);
        let tube = self.build.tube;
        let mut drawn = 0.0;
        for (index, reach) in self.reaches.iter_mut().enumerate() {
            let behind = if index == 0 {
                reach.volume() - tube
            } else {
                reach.volume()
            };
            if behind <= 0.0 {
                continue;
            }
            let plugs = reach.leave(behind);
            drawn += plugs.iter().map(|p| p.volume * p.concentration).sum::<f64>();
            reach.enter_back(behind, 0.0);
        }
        self.tidy();
        self.restream();
        drawn
    }
}
