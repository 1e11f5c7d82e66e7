//! Rules that any infusion pump must keep, checked on what a test left behind.
//!
//! They are those of the generic infusion pump that can be judged from outside (UPenn/FDA hazard
//! analysis and safety requirements 2009; Open PCA Pump System Requirements 1.0.0, 2020, section
//! 6), with tolerances scaled to an implant. A rule that a fault may break by its nature (a magnet
//! opens both valves) is still reported: a bench says what happened, and a reader judges.

use serde::Serialize;

use super::bench::TestRun;
use super::programme::Requested;
use super::watch::AlarmReason;
use crate::scenario::flow_bench::{Change, OnAlarm, TestSpec};
use crate::signals::SensorKind;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Nothing flows back from the patient, but for what the wall of the line takes in when the
    /// pressure outside rises.
    ReverseFlow,
    /// What has been delivered never runs ahead of the programme by more than the tolerance.
    OverInfusion,
    /// After an alarm that stops the device nothing more is pushed.
    PumpsAfterStop,
    /// A closed line is told, once enough has been pushed against it.
    SilentOcclusion,
    /// No alarm without a reason.
    FalseAlarm,
    /// Not more leaves than was filled in.
    BeyondReservoir,
    /// Where an alarm listens to the flow, what runs ahead of the programme is told.
    SilentOverInfusion,
    /// Where an alarm listens to the reservoir, it is told when that is empty.
    SilentEmpty,
}

impl Rule {
    /// Name in tables.
    pub fn word(self) -> &'static str {
        match self {
            Rule::ReverseFlow => "reverse_flow",
            Rule::OverInfusion => "over_infusion",
            Rule::PumpsAfterStop => "pumps_after_stop",
            Rule::SilentOcclusion => "silent_occlusion",
            Rule::FalseAlarm => "false_alarm",
            Rule::BeyondReservoir => "beyond_reservoir",
            Rule::SilentOverInfusion => "silent_over_infusion",
            Rule::SilentEmpty => "silent_empty",
        }
    }
}

/// A rule that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// When it was first broken \[h\].
    pub at_h: f64,
    /// What was found, in millilitres; for alarms, how many, and for a silent line the hours.
    pub found: f64,
    /// What was allowed.
    pub allowed: f64,
}

/// Checks all rules and gives those that were broken, in the order of [`Rule`].
pub fn check(spec: &TestSpec, run: &TestRun) -> Vec<Violation> {
    let p = &spec.parameters;
    let programme = Requested::new(spec);
    let step_h = spec.sample.hours();
    let total = &run.volumes.total;
    let stroke = spec.plant.stroke.unwrap_or_else(|| p.get("flow.stroke.volume") * 1e-3);
    let mut out = Vec::new();

    // The line takes in its compliance times the swing of the pressure outside.
    let wave = if spec.plant.pulsation {
        p.get("flow.heart.amplitude") + p.get("flow.breath.amplitude")
    } else {
        0.0
    };
    let swing = p.get("catheter.tip_pressure.upright") - p.get("catheter.tip_pressure.supine") + 2.0 * wave;
    let compliance = compliance(spec);
    let leaks = spec.stimuli.iter().any(|s| matches!(s.change, Change::Leak { .. }));
    let allowed = compliance * swing.abs() * 1.01 + 1e-9;
    let mut most = f64::NEG_INFINITY;
    for (i, w) in total.iter().enumerate() {
        most = most.max(*w);
        // Through a hole spinal fluid runs out without the pump: that is a leak's own figure.
        if most - w > allowed && !leaks {
            out.push(Violation {
                rule: Rule::ReverseFlow,
                at_h: i as f64 * step_h,
                found: most - w,
                allowed,
            });
            break;
        }
    }

    // The label's 14.5 %, and what a stroke and the wall may be ahead by.
    let (accuracy, strokes) = (p.get("flow.alarm.accuracy"), p.get("flow.safety.strokes"));
    for (i, (w, asked)) in total.iter().zip(&run.requested).enumerate() {
        let allowed = asked * accuracy + strokes * stroke + compliance * swing.abs();
        if w - asked > allowed {
            out.push(Violation {
                rule: Rule::OverInfusion,
                at_h: i as f64 * step_h,
                found: w - asked,
                allowed,
            });
            break;
        }
    }

    if let (OnAlarm::Stop, Some((at_h, by_then))) = (spec.alarm.then, run.stopped) {
        // An open valve is no stroke; only a magnet opens one.
        let magnet = spec.stimuli.iter().any(|s| matches!(s.change, Change::Field));
        let after = run.pumped_ml - by_then;
        // An empty reservoir lets the stroke under way end.
        let empty = run
            .alarms
            .iter()
            .any(|a| a.time_h == at_h && a.reason == AlarmReason::Empty);
        let allowed = if empty { stroke * 2.0 } else { 1e-12 };
        if after > allowed && !magnet {
            out.push(Violation {
                rule: Rule::PumpsAfterStop,
                at_h,
                found: after,
                allowed,
            });
        }
    }

    if let Some(violation) = silent(spec, run, &programme, compliance) {
        out.push(violation);
    }
    let false_alarms = super::metrics::metrics(spec, run).false_alarms;
    if false_alarms > 0 {
        out.push(Violation {
            rule: Rule::FalseAlarm,
            at_h: run.alarms.first().map_or(0.0, |a| a.time_h),
            found: false_alarms as f64,
            allowed: 0.0,
        });
    }
    let fill = spec.plant.fill.unwrap_or_else(|| p.get("flow.reservoir.fill"));
    if run.pumped_ml > fill * (1.0 + 1e-6) {
        out.push(Violation {
            rule: Rule::BeyondReservoir,
            at_h: spec.duration.hours(),
            found: run.pumped_ml,
            allowed: fill,
        });
    }
    out.extend(silent_surplus(spec, run, stroke, compliance * swing.abs()));
    out.extend(silent_empty(spec, run));
    out
}

/// Over-infusion that the flow sensor's alarm did not tell. The true flow is added up as the alarm
/// adds up the sensor's; at three times the alarm's level, or an hour after twice of it, it is late.
fn silent_surplus(spec: &TestSpec, run: &TestRun, stroke: f64, wall: f64) -> Option<Violation> {
    if !listens(spec, SensorKind::Flow) {
        return None;
    }
    let p = &spec.parameters;
    let level = p.get("flow.alarm.over_strokes") * stroke + wall;
    let band = p.get("flow.alarm.dead_band");
    let step_h = spec.sample.hours();
    let mut volume = 0.0f64;
    let mut since: Option<f64> = None;
    for i in 1..run.volumes.total.len() {
        let asked = run.requested[i] - run.requested[i - 1];
        let came = run.volumes.total[i] - run.volumes.total[i - 1];
        let allowed = asked * (1.0 + p.get("flow.alarm.accuracy")) + 2.0 * band * step_h;
        volume = (volume + came - allowed).max(0.0);
        let now = i as f64 * step_h;
        if volume <= 2.0 * level {
            since = None;
            continue;
        }
        let begun = *since.get_or_insert(now);
        let told = run.alarms.iter().any(|a| a.time_h <= now);
        if !told && (volume > 3.0 * level || now - begun > 1.0) {
            return Some(Violation {
                rule: Rule::SilentOverInfusion,
                at_h: now,
                found: volume,
                allowed: level,
            });
        }
    }
    None
}

/// An empty reservoir that was not told within the alarm's hold and an hour.
fn silent_empty(spec: &TestSpec, run: &TestRun) -> Option<Violation> {
    if !listens(spec, SensorKind::Reservoir) {
        return None;
    }
    let p = &spec.parameters;
    let fill = spec.plant.fill.unwrap_or_else(|| p.get("flow.reservoir.fill"));
    // The last tenth of the volume over which the pressure falls: well below the alarm's level.
    let dry = 0.1 * p.get("flow.alarm.empty_share") * p.get("flow.reservoir.near_empty");
    let empty_h = run
        .volumes
        .total
        .iter()
        .position(|out| fill - out <= dry)
        .map(|i| i as f64 * spec.sample.hours())?;
    let allowed = spec.alarm.hold.unwrap_or_else(|| p.get("flow.alarm.hold") / 3600.0) + 1.0;
    let told = run.alarms.iter().any(|a| a.time_h <= empty_h + allowed);
    (!told && spec.duration.hours() > empty_h + allowed).then_some(Violation {
        rule: Rule::SilentEmpty,
        at_h: empty_h,
        found: spec.duration.hours() - empty_h,
        allowed,
    })
}

/// Whether the alarm listens to a sensor that is there.
fn listens(spec: &TestSpec, kind: SensorKind) -> bool {
    spec.alarm.watch.contains(&kind) && spec.sensors.iter().any(|s| s.kind == kind)
}

/// Compliance of the whole line \[mL/kPa\].
fn compliance(spec: &TestSpec) -> f64 {
    use crate::scenario::model::Material;
    let p = &spec.parameters;
    let length = spec.plant.length.unwrap_or_else(|| p.get("scenario.catheter.length"));
    let wall = match spec.plant.material {
        Material::Silicone => p.get("catheter.compliance.silicone"),
        Material::Braided => p.get("catheter.compliance.braided"),
    };
    1e-3 * (wall * length + p.get("catheter.compliance.tube"))
}

/// A line that is closed for long enough without an alarm. Long enough is twice the time in which
/// the programme fills the line's compliance up to the alarm's pressure, or makes the strokes that
/// the other alarm waits for, plus the hold.
fn silent(spec: &TestSpec, run: &TestRun, programme: &Requested, compliance: f64) -> Option<Violation> {
    let p = &spec.parameters;
    if !listens(spec, SensorKind::Pressure) {
        return None;
    }
    let threshold = spec.alarm.pressure.unwrap_or_else(|| p.get("flow.alarm.pressure"));
    let hold = spec.alarm.hold.unwrap_or_else(|| p.get("flow.alarm.hold") / 3600.0);
    for (i, stimulus) in spec.stimuli.iter().enumerate() {
        let Change::Occlusion { bore: 0.0, .. } = stimulus.change else {
            continue;
        };
        let begin = run.marks.iter().find(|m| m.stimulus == i && !m.ends)?;
        let end = stimulus.until.unwrap_or(spec.duration);
        let needed = compliance * threshold / programme.lowest() * 2.0 + hold + 0.5;
        let lasts = end.hours() - begin.time_h;
        let heard = run
            .alarms
            .iter()
            .any(|a| a.time_h >= begin.time_h && a.time_h <= end.hours());
        // An alarm from before that still sounds says it already.
        let before = run.alarms.iter().any(|a| a.time_h < begin.time_h);
        if lasts > needed && !heard && !before {
            return Some(Violation {
                rule: Rule::SilentOcclusion,
                at_h: begin.time_h + needed,
                found: lasts,
                allowed: needed,
            });
        }
    }
    None
}
