//! The access port between pump tube and catheter, as a syringe meets it.

use super::super::column::{Mix, drug_in, others_in};
use super::{Catheter, Station};
use crate::engine::SimTime;
use crate::signals::Others;

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

    /// Volume between the access port and the tip \[mL\].
    pub fn beyond_port(&self, at: SimTime) -> f64 {
        (self.volume(at) - self.build.tube).max(0.0)
    }

    /// Empties the catheter when it is opened at an operation: everything between port and
    /// tip is replaced by fluid free of drug; what the pump tube holds stays. Gives the drugs
    /// removed, baclofen and others \[ug\].
    pub fn empty(&mut self, now: SimTime) -> (f64, Others) {
        self.rebase(now);
        let tube = self.build.tube;
        let (mut drawn, mut others) = (0.0, Others::NONE);
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
            drawn += drug_in(&plugs);
            others += others_in(&plugs);
            reach.enter_back(behind, Mix::PLAIN);
        }
        self.tidy();
        self.restream();
        (drawn, others)
    }
}
