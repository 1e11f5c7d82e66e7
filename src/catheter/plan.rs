//! How pressure and flows go on from a given state, for a while with constant flows.

use super::network::{Network, View, settle};
use crate::signals::Drive;

/// Steps that cover one exponential approach; each has the mean flow of the exact curve,
/// so that volumes are right at every step's end, and the last one lands on the limit.
const STEPS: u8 = 16;

/// Length of all steps but the last, in time constants.
const STEP: f64 = 0.5;

/// Length of the last step, in time constants.
const LANDING: f64 = 2.0;

/// How near a pressure counts as being at a limit, relative: a nanosecond's flow is less.
const NEAR: f64 = 1e-8;

/// Stored volume that no longer counts as a difference \[mL\].
const NOTHING: f64 = 1e-12;

/// Flows until the plan ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    /// Flow taken from the pump \[mL/h\].
    pub source: f64,
    /// Flow into the tip's side of the stored volume \[mL/h\].
    pub past_cut: f64,
    /// Flow out of each outlet of each leak, from the pump on \[mL/h\].
    pub leaks: Vec<Vec<f64>>,
    /// Pressure at the pump's outlet \[kPa\].
    pub pressure: f64,
    /// How long it holds \[h\]; `None` is until something changes.
    pub lasts: Option<f64>,
    /// Whether the volume stored in the wall leaves now, at once.
    pub releases: bool,
    /// Whether the wall takes part, so that flow before and after the cut differ.
    pub elastic: bool,
}

/// What a plan starts from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// Index of the station before which the wall stores volume.
    pub cut: usize,
    /// Widening of the wall before the cut \[mL/kPa\].
    pub compliance: f64,
    /// Volume stored there \[mL\].
    pub stored: f64,
    /// The pump.
    pub drive: Drive,
    /// Number of steps already made of the present approach.
    pub step: u8,
    /// Time constant below which all settles at once \[h\].
    pub instant: f64,
}

/// Plans the time from now on.
pub(super) fn plan(network: &Network, start: Start) -> Plan {
    let views = network.views();
    let ahead = views[start.cut];
    let stiff = network.supply(start.cut, 0.0);
    let time_constant = start.compliance / (stiff.slope + start.drive.droop + ahead.conductance());
    if start.compliance > 0.0 && time_constant >= start.instant {
        elastic(network, start, ahead, &views)
    } else {
        let (source, pressure) = settle(start.drive, network.seen_by_pump(&views));
        let at_first = pressure - source * network.per_length * network.stations.first().map_or(0.0, |s| s.0);
        Plan {
            source,
            past_cut: 0.0,
            leaks: network.leaks_after(0, at_first, &views),
            pressure,
            lasts: None,
            releases: true,
            elastic: false,
        }
    }
}

/// The wall stores volume before the cut: one pressure that moves exponentially.
fn elastic(network: &Network, start: Start, ahead: View, views: &[View]) -> Plan {
    let Start {
        cut, compliance, drive, ..
    } = start;
    let onward = ahead.conductance();
    let pressure = network.tip_pressure + start.stored / compliance;
    let cap = drive.max_pressure;
    let closed = network.supply(cut, 0.0);
    let open = network.supply(cut, drive.droop);
    let taken = |p: f64| onward_flow(ahead, p);
    let net_open = open.fixed + open.per_source * drive.flow - open.slope * pressure - taken(pressure);

    // At its limit the pump delivers what leaves at that pressure, and no more than it can.
    let at_cap = (pressure - cap).abs() <= NEAR * cap;
    if at_cap && drive.flow > drive.droop * cap && net_open >= 0.0 {
        let needed = (closed.slope * pressure + taken(pressure) - closed.fixed) / closed.per_source;
        let source = needed.clamp(0.0, drive.flow);
        return Plan {
            source,
            past_cut: taken(pressure),
            leaks: join(network, cut, pressure, (source, 0.0), views),
            pressure,
            lasts: None,
            releases: false,
            elastic: true,
        };
    }

    // Above this pressure the pump delivers nothing, by its limit or by its weakness.
    // A weakness may be minus zero: that of a valve with nothing stuck.
    let open_below = if drive.droop > 0.0 {
        cap.min(drive.flow / drive.droop)
    } else {
        cap
    };
    let turns = drive.flow > 0.0 && pressure <= open_below * (1.0 + NEAR);
    let (supply, flow, droop) = if turns {
        (open, drive.flow, drive.droop)
    } else {
        (closed, 0.0, 0.0)
    };
    let arrives = |p: f64| supply.fixed + supply.per_source * flow - supply.slope * p;
    let net = arrives(pressure) - taken(pressure);
    let give = supply.slope + onward;
    // Between two closed ends it goes on for ever: both are infinite.
    let (target, tau) = (pressure + net / give, compliance / give);
    // A stiff pump gives its flow to the last bit; one that weakens gives what arrives at the
    // cut and what leaks before it.
    let source_at = |p: f64| {
        if drive.droop == 0.0 || !turns {
            flow
        } else {
            let lost: f64 = network.leaks_before(cut, p, flow, droop).iter().flatten().sum();
            (arrives(p) + lost).max(0.0)
        }
    };

    let settled = if give > 0.0 {
        (target - pressure).abs() * compliance < NOTHING
    } else {
        net == 0.0
    };
    if settled {
        return Plan {
            source: source_at(pressure),
            past_cut: taken(pressure),
            leaks: join(network, cut, pressure, (flow, droop), views),
            pressure,
            lasts: None,
            releases: false,
            elastic: true,
        };
    }

    // The way ends at the target, or where the pump begins or ends to slip.
    let (crosses, level) = if turns {
        (pressure < cap * (1.0 - NEAR) && cap < target, cap)
    } else {
        (drive.flow > 0.0 && target < open_below, open_below)
    };
    let end = if crosses { level } else { target };
    let to_end = if !crosses {
        f64::INFINITY
    } else if tau.is_finite() {
        -tau * libm::log1p(-(level - pressure) / (target - pressure))
    } else {
        compliance * (level - pressure) / net
    };
    let landing = start.step >= STEPS - 1;
    let step = tau * if landing { LANDING } else { STEP };
    let (lasts, reached) = if to_end <= step {
        (to_end, end)
    } else if landing {
        (step, end)
    } else {
        (step, pressure - (target - pressure) * libm::expm1(-STEP))
    };
    // Flows are linear in pressure, so the mean flow is the flow at the mean pressure, and
    // that is the one at which the net flow brings the pressure to `reached` in time. It
    // lies between both ends; far from its target rounding could put it beyond.
    let mean = if tau.is_finite() {
        let mean = pressure + (net - compliance * (reached - pressure) / lasts) / give;
        mean.clamp(pressure.min(reached), pressure.max(reached))
    } else {
        pressure
    };
    Plan {
        source: source_at(mean),
        past_cut: taken(mean),
        leaks: join(network, cut, mean, (flow, droop), views),
        pressure,
        lasts: Some(lasts),
        releases: false,
        elastic: true,
    }
}

fn onward_flow(ahead: View, pressure: f64) -> f64 {
    let conductance = ahead.conductance();
    if conductance > 0.0 {
        conductance * (pressure - ahead.pressure)
    } else {
        0.0
    }
}

/// Flows out of all leaks; the pump gives so much, and so much less per pressure.
fn join(network: &Network, cut: usize, pressure: f64, (source, droop): (f64, f64), views: &[View]) -> Vec<Vec<f64>> {
    let mut leaks = network.leaks_before(cut, pressure, source, droop);
    leaks.extend(network.leaks_after(cut, pressure, views));
    leaks
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::network::{Outlet, Station};

    /// A narrow place of some resistance before the tip, and before it perhaps a hole; 1 mL/kPa.
    fn planned(hole: Option<(f64, f64)>, resistance: f64, tip_pressure: f64, at: f64, drive: (f64, f64, f64)) -> Plan {
        let mut stations: Vec<_> = hole
            .map(|(conductance, pressure)| (0.0, Station::Leak(vec![Outlet { conductance, pressure }])))
            .into_iter()
            .collect();
        stations.push((0.0, Station::Narrow(resistance)));
        let network = Network {
            stations,
            length: 0.0,
            per_length: 0.0,
            tip_pressure,
        };
        let cut = network.stations.len() - 1;
        plan(&network, start(cut, 1.0, at - tip_pressure, drive, 0.0))
    }

    fn start(cut: usize, compliance: f64, stored: f64, drive: (f64, f64, f64), instant: f64) -> Start {
        let (flow, droop, max_pressure) = drive;
        let drive = Drive {
            flow,
            droop,
            max_pressure,
        };
        Start {
            cut,
            compliance,
            stored,
            drive,
            step: 0,
            instant,
        }
    }

    fn narrow() -> Network {
        Network {
            stations: vec![(0.0, Station::Narrow(1.0))],
            length: 0.0,
            per_length: 0.0,
            tip_pressure: 0.0,
        }
    }

    #[test]
    fn a_weak_pump_shortens_the_time_in_which_pressure_settles() {
        // 1 / (1 + 1) = 0.5 h is below 0.6 h.
        assert!(plan(&narrow(), start(0, 1.0, 0.0, (1.0, 1.0, 10.0), 0.6)).releases);
    }

    #[test]
    fn a_wall_that_does_not_give_stores_nothing_whatever_counts_as_instant() {
        let plan = plan(&narrow(), start(0, 0.0, 0.0, (1.0, 0.0, 10.0), 0.0));
        assert!(plan.releases);
        assert_eq!((plan.source, plan.pressure), (1.0, 1.0));
    }

    #[test]
    fn pressure_leaves_the_limit_of_a_pump_that_cannot_keep_it_there() {
        // 10 leave, and 5 come.
        assert!(planned(None, 1.0, 0.0, 10.0, (5.0, 0.0, 10.0)).lasts.is_some());
        // 10 / 4 leave, and 5 - 0.3 x 10 come.
        assert!(planned(None, 4.0, 0.0, 10.0, (5.0, 0.3, 10.0)).lasts.is_some());
    }

    #[test]
    fn a_pump_at_its_limit_delivers_what_leaves_there() {
        let plan = planned(None, 10.0, 0.0, 10.0, (5.0, 0.3, 10.0));
        assert_eq!((plan.source, plan.lasts), (1.0, None));
        // A hole brings 2 and takes 10, and 10 go on.
        let plan = planned(Some((1.0, 2.0)), 1.0, 0.0, 10.0, (20.0, 0.0, 10.0));
        assert_eq!((plan.source, plan.lasts), (18.0, None));
    }

    #[test]
    fn a_pump_too_weak_to_deliver_at_its_limit_does_not_keep_the_pressure_there() {
        // The spine presses with more than the limit.
        assert!(planned(None, 1.0, 12.0, 10.0, (5.0, 0.5, 10.0)).lasts.is_some());
        assert!(planned(None, 1.0, 16.0, 10.0, (2.0, 0.5, 10.0)).lasts.is_some());
    }

    #[test]
    fn a_pump_that_stands_has_no_limit_to_stop_at() {
        assert_eq!(planned(None, 1.0, 20.0, 5.0, (0.0, 0.0, 10.0)).lasts, Some(0.5));
    }

    #[test]
    fn a_stiff_pump_gives_its_flow_to_the_last_bit_beside_a_hole() {
        for k in 1..=20_i32 {
            let flow = 0.07 * f64::from(k);
            let plan = planned(Some((0.1, 0.3)), 3.0, 0.0, 0.7, (flow, 0.0, 100.0));
            assert_eq!(plan.source, flow);
        }
    }

    #[test]
    fn a_weakness_of_minus_zero_is_none() {
        // The sum over no stuck valve is minus zero.
        let plan = |droop| planned(None, 1.0, 0.0, 0.0, (1.0, droop, 10.0));
        assert_eq!(plan(-0.0).source, 1.0);
        assert_eq!(plan(-0.0), plan(0.0));
    }

    #[test]
    fn what_is_closed_in_stays_for_good_while_the_pump_stands() {
        let plan = planned(None, f64::INFINITY, 0.0, 5.0, (0.0, 0.0, 10.0));
        assert_eq!((plan.lasts, plan.pressure, plan.source), (None, 5.0, 0.0));
    }

    #[test]
    fn a_difference_of_just_what_counts_is_still_made_up() {
        assert!(planned(None, 1.0, 0.0, 0.0, (NOTHING, 0.0, 10.0)).lasts.is_some());
        assert_eq!(planned(None, 1.0, 0.0, 0.0, (0.5 * NOTHING, 0.0, 10.0)).lasts, None);
    }

    #[test]
    fn a_limit_as_near_as_counts_as_reached_is_not_met_again() {
        // A hole presses in; 1 + 1 + 1 give way, so that the first step is 0.5 / 3 h.
        let plan = planned(Some((1.0, 9.0)), 1.0, 0.0, 1.0 - NEAR, (1.0, 1.0, 1.0));
        assert_eq!(plan.lasts, Some(0.5 * (1.0 / 3.0)));
    }

    #[test]
    fn no_flow_through_a_closed_place_has_no_sign() {
        let closed = View {
            resistance: f64::INFINITY,
            pressure: 5.0,
        };
        assert!(onward_flow(closed, 2.0).is_sign_positive());
    }
}
