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
        let arrives = closed.fixed + closed.per_source * source - closed.slope * pressure;
        return Plan {
            source,
            past_cut: arrives,
            leaks: join(network, cut, pressure, (source, 0.0), views),
            pressure,
            lasts: None,
            releases: false,
            elastic: true,
        };
    }

    // Above this pressure the pump delivers nothing, by its limit or by its weakness.
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
    let (target, tau) = if give > 0.0 {
        (pressure + net / give, compliance / give)
    } else {
        (f64::INFINITY.copysign(net), f64::INFINITY)
    };
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
            past_cut: arrives(pressure),
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
