//! The catheter as a chain of resistors: what flows where at a given pressure.
//!
//! Everything here is linear and holds no state. Pressures in kPa, flows in mL/h,
//! resistances in kPa h/mL (infinite where the bore is closed), places in cm from the pump.

use crate::signals::Drive;

/// Fluid can leave here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outlet {
    pub conductance: f64,
    pub pressure: f64,
}

/// Something on the way.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Station {
    Leak(Vec<Outlet>),
    Narrow(f64),
}

/// A linear source seen from a place: `pressure` behind `resistance`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    pub resistance: f64,
    pub pressure: f64,
}

impl View {
    pub(super) fn conductance(self) -> f64 {
        1.0 / self.resistance
    }

    /// Flow into it from a place at `pressure`.
    fn takes(self, pressure: f64) -> f64 {
        if self.resistance.is_finite() {
            (pressure - self.pressure) / self.resistance
        } else {
            0.0
        }
    }

    fn behind(self, resistance: f64) -> View {
        View {
            resistance: self.resistance + resistance,
            ..self
        }
    }

    fn beside(self, outlets: &[Outlet]) -> View {
        let mut conductance = self.conductance();
        let mut current = if conductance > 0.0 {
            self.pressure * conductance
        } else {
            0.0
        };
        for o in outlets {
            conductance += o.conductance;
            current += o.conductance * o.pressure;
        }
        if conductance > 0.0 {
            View {
                resistance: 1.0 / conductance,
                pressure: current / conductance,
            }
        } else {
            self
        }
    }
}

/// What arrives at a place from upstream: `fixed + per_source * source - slope * pressure`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Supply {
    pub fixed: f64,
    pub per_source: f64,
    pub slope: f64,
}

impl Supply {
    /// Pressure before a resistance behind which there is `after`, when the pump gives `source`.
    fn pressure_before(self, resistance: f64, after: f64, source: f64) -> f64 {
        let arrives = self.fixed + self.per_source * source;
        if resistance <= 1.0 {
            (after + resistance * arrives) / (1.0 + resistance * self.slope)
        } else {
            let conductance = 1.0 / resistance;
            (conductance * after + arrives) / (conductance + self.slope)
        }
    }
}

/// A chain of stations from the pump to the tip.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Network {
    /// Stations with their places, sorted from the pump.
    pub stations: Vec<(f64, Station)>,
    /// Length of the catheter.
    pub length: f64,
    /// Resistance of a sound centimetre.
    pub per_length: f64,
    /// Pressure at the tip.
    pub tip_pressure: f64,
}

impl Network {
    fn gap(&self, index: usize) -> f64 {
        let here = self.stations.get(index).map_or(self.length, |s| s.0);
        let before = index
            .checked_sub(1)
            .and_then(|i| self.stations.get(i))
            .map_or(0.0, |s| s.0);
        self.per_length * (here - before)
    }

    /// What each station sees downstream, itself included; the last entry is the tip alone.
    pub(super) fn views(&self) -> Vec<View> {
        let mut view = View {
            resistance: 0.0,
            pressure: self.tip_pressure,
        };
        let mut views = vec![view];
        for (index, (_, station)) in self.stations.iter().enumerate().rev() {
            view = view.behind(self.gap(index + 1));
            view = match station {
                Station::Leak(outlets) => view.beside(outlets),
                Station::Narrow(resistance) => view.behind(*resistance),
            };
            views.push(view);
        }
        views.reverse();
        views
    }

    /// For each leak, whether nothing can flow on behind it.
    pub(super) fn closed_after_leaks(&self) -> Vec<bool> {
        let views = self.views();
        self.stations
            .iter()
            .zip(&views[1..])
            .filter(|((_, station), _)| matches!(station, Station::Leak(_)))
            .map(|(_, behind)| behind.resistance.is_infinite())
            .collect()
    }

    /// What the pump sees.
    pub(super) fn seen_by_pump(&self, views: &[View]) -> View {
        // `views` has one entry more than there are stations.
        views[0].behind(self.gap(0))
    }

    /// What arrives at station `cut` from upstream, for a source of a given droop.
    pub(super) fn supply(&self, cut: usize, droop: f64) -> Supply {
        self.walk(cut, droop, |_, _| {})
    }

    /// As [`Network::supply`]; `before` is told each resistance on the way, with what arrives at it.
    fn walk(&self, cut: usize, droop: f64, mut before: impl FnMut(Supply, f64)) -> Supply {
        let mut supply = Supply {
            fixed: 0.0,
            per_source: 1.0,
            slope: droop,
        };
        let mut series = |s: Supply, resistance: f64| {
            before(s, resistance);
            let share = 1.0 / (1.0 + s.slope * resistance);
            Supply {
                fixed: s.fixed * share,
                per_source: s.per_source * share,
                slope: s.slope * share,
            }
        };
        for index in 0..cut {
            supply = series(supply, self.gap(index));
            match &self.stations[index].1 {
                Station::Leak(outlets) => {
                    for o in outlets {
                        supply.fixed += o.conductance * o.pressure;
                        supply.slope += o.conductance;
                    }
                }
                Station::Narrow(resistance) => supply = series(supply, *resistance),
            }
        }
        series(supply, self.gap(cut))
    }

    /// Flows out of the outlets at and after station `from`, which is at `pressure`, one
    /// list for each leak.
    pub(super) fn leaks_after(&self, from: usize, pressure: f64, views: &[View]) -> Vec<Vec<f64>> {
        let mut pressure = pressure;
        let mut leaks = Vec::new();
        for (index, ((_, station), view)) in self.stations.iter().zip(views).enumerate().skip(from) {
            if index > from {
                let gap = self.gap(index);
                pressure = drop_through(pressure, view.behind(gap), gap);
            }
            match station {
                Station::Leak(outlets) => leaks.push(outflows(outlets, pressure)),
                Station::Narrow(resistance) => pressure = drop_through(pressure, *view, *resistance),
            }
        }
        leaks
    }

    /// Flows out of the outlets before station `cut`, which is at `pressure`, under a pump that gives
    /// `source` and `droop` less per pressure; one list for each leak.
    pub(super) fn leaks_before(&self, cut: usize, pressure: f64, source: f64, droop: f64) -> Vec<Vec<f64>> {
        let mut way = Vec::new();
        self.walk(cut, droop, |arriving, resistance| way.push((arriving, resistance)));
        // Each pressure lies between those on both sides, so that no rounding grows on the way up, not
        // even through a bore that is all but closed.
        let mut pressure = pressure;
        let mut up = || {
            if let Some((arriving, resistance)) = way.pop() {
                pressure = arriving.pressure_before(resistance, pressure, source);
            }
            pressure
        };
        let mut leaks = Vec::new();
        let mut here = up();
        for (_, station) in self.stations[..cut].iter().rev() {
            if let Station::Leak(outlets) = station {
                leaks.push(outflows(outlets, here));
            } else {
                up();
            }
            here = up();
        }
        leaks.reverse();
        leaks
    }
}

/// Pressure after a resistance, given what is seen through it.
fn drop_through(pressure: f64, view: View, resistance: f64) -> f64 {
    if resistance.is_infinite() {
        view.pressure
    } else {
        pressure - view.takes(pressure) * resistance
    }
}

fn outflows(outlets: &[Outlet], pressure: f64) -> Vec<f64> {
    outlets
        .iter()
        .map(|o| o.conductance * (pressure - o.pressure))
        .collect()
}

/// Flow and outlet pressure of a pump that works on a view without delay.
pub(super) fn settle(drive: Drive, view: View) -> (f64, f64) {
    let conductance = view.conductance();
    let total = conductance + drive.droop;
    let free = drive.flow + conductance * view.pressure;
    if drive.flow <= 0.0 {
        return (0.0, view.pressure);
    }
    let pressure = if total > 0.0 { free / total } else { f64::INFINITY };
    if pressure > drive.max_pressure {
        let flow = view.takes(drive.max_pressure).min(drive.flow);
        if flow > 0.0 {
            (flow, drive.max_pressure)
        } else {
            (0.0, view.pressure.max(drive.max_pressure))
        }
    } else {
        let flow = drive.flow - drive.droop * pressure;
        if flow > 0.0 {
            (flow, pressure)
        } else {
            (0.0, pressure.max(view.pressure))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_get_the_pressure_that_the_way_to_them_leaves() {
        let hole = || {
            Station::Leak(vec![Outlet {
                conductance: 1.0,
                pressure: 0.0,
            }])
        };
        let network = Network {
            stations: vec![(1.0, hole()), (2.0, hole())],
            length: 3.0,
            per_length: 1.0,
            tip_pressure: 0.0,
        };
        // Behind the second hole 1 beside 1 is 0.5, before it another 1: 3 / 1.5 flow past the first.
        assert_eq!(network.leaks_after(0, 3.0, &network.views()), [[3.0], [1.0]]);
    }

    #[test]
    fn a_closed_bore_beside_nothing_is_what_it_was() {
        let closed = View {
            resistance: f64::INFINITY,
            pressure: 1.5,
        };
        assert_eq!(closed.beside(&[]), closed);
    }

    #[test]
    fn a_pump_before_a_closed_bore_presses_up_to_what_it_can() {
        let before = |droop, behind| {
            let drive = Drive {
                flow: 1.0,
                droop,
                max_pressure: 10.0,
            };
            let closed = View {
                resistance: f64::INFINITY,
                pressure: behind,
            };
            settle(drive, closed)
        };
        // Half of the flow is lost per pressure: nothing is left of it at 2, if nobody else presses more.
        assert_eq!(before(0.5, 1.2), (0.0, 2.0));
        assert_eq!(before(0.5, 3.0), (0.0, 3.0));
        // One that never weakens goes to its limit.
        assert_eq!(before(0.0, 1.2), (0.0, 10.0));
        assert_eq!(before(0.0, 12.0), (0.0, 12.0));
    }
}
