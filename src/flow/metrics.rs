//! The field's own figures of a test.
//!
//! A pulsed flow is never within ten percent of anything: it is nothing, and then a stroke. So
//! settling and the time within a band are judged on the mean over a moving window of so many
//! strokes at the lowest flow asked for (`flow.metric.window_strokes`), against the volume asked
//! for in the same window.

use serde::Serialize;

use super::bench::TestRun;
use super::programme::Requested;
use super::trumpet::{HOUR_WINDOWS, MINUTE_WINDOWS, Trumpet};
use super::watch::AlarmReason;
use crate::scenario::flow_bench::{Change, TestSpec};

/// A step of the programme.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepFigures {
    /// When \[h\].
    pub at_h: f64,
    /// Flow before \[mL/day\].
    pub from_ml_per_day: f64,
    /// Flow after \[mL/day\].
    pub to_ml_per_day: f64,
    /// Time until the moving mean stays within the band; `None` if it never does \[h\].
    pub settling_h: Option<f64>,
    /// How far the moving mean passes the new flow, over the step \[%\].
    pub overshoot_percent: f64,
    /// Error of the volume in the last third before the next step \[%\].
    pub steady_error_percent: f64,
}

/// An occluded line, a held rotor or the like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OcclusionFigures {
    /// What it was.
    pub stimulus: String,
    /// When it began \[h\].
    pub at_h: f64,
    /// Time until the first alarm; `None` if there was none \[h\].
    pub alarm_after_h: Option<f64>,
    /// Volume asked for and not delivered by the alarm, or by the end of the trouble \[mL\].
    pub missed_ml: f64,
    /// Most that was delivered beyond the programme after its release; `None` if it was not released \[mL\].
    pub bolus_ml: Option<f64>,
}

/// All figures of one test of one controller.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Length of the moving window \[h\].
    pub window_h: f64,
    /// Volume delivered in the period analysed \[mL\].
    pub delivered_ml: f64,
    /// Volume asked for in it \[mL\].
    pub requested_ml: f64,
    /// Error of that volume, *A* of the standard; `None` if nothing was asked for \[%\].
    pub mean_error_percent: Option<f64>,
    /// End of the first window whose mean is within the band, from the start \[h\].
    pub start_up_h: Option<f64>,
    /// Share of the windows within 5 % of what was asked for \[%\].
    pub within_5_percent: Option<f64>,
    /// The same for 10 % \[%\].
    pub within_10_percent: Option<f64>,
    /// The same for 15 % \[%\].
    pub within_15_percent: Option<f64>,
    /// Trumpet of the period analysed, if one flow is asked for all through it.
    pub trumpet: Option<Trumpet>,
    /// Steps of the programme.
    pub steps: Vec<StepFigures>,
    /// Occlusions and other stops.
    pub occlusions: Vec<OcclusionFigures>,
    /// Alarms without a reason.
    pub false_alarms: usize,
    /// The same for 1,000 days.
    pub false_alarms_per_1000_days: f64,
    /// Energy for each volume delivered in the whole test \[mJ/mL\].
    pub energy_mj_per_ml: Option<f64>,
    /// Strokes for each volume delivered in the whole test \[1/mL\].
    pub strokes_per_ml: Option<f64>,
    /// Operations of the controller for each call, in the mean.
    pub operations_per_tick: f64,
    /// Operations of its dearest call.
    pub worst_operations: u64,
}

/// After the end of its reason an alarm is still owed to it for so long \[h\].
const GRACE_H: f64 = 0.5;

/// Works the figures of a test out.
pub fn metrics(spec: &TestSpec, run: &TestRun) -> Metrics {
    let p = &spec.parameters;
    let step_h = spec.sample.hours();
    let total = &run.volumes.total;
    let last = total.len().saturating_sub(1);
    let from = ((spec.analyse_from.hours() / step_h).ceil() as usize).min(last);
    let programme = Requested::new(spec);
    let stroke = spec.plant.stroke.unwrap_or_else(|| p.get("flow.stroke.volume") * 1e-3);
    let strokes = p.get("flow.metric.window_strokes") * stroke;
    let window = ((strokes / programme.lowest() / step_h).round()).clamp(1.0, last.max(1) as f64) as usize;
    let band = p.get("flow.metric.band");

    let delivered_ml = total[last] - total[from];
    let requested_ml = run.requested[last] - run.requested[from];
    // Error of the window that ends with a sample, where something is asked for in it.
    let error = |end: usize| -> Option<f64> {
        let start = end.checked_sub(window)?;
        let asked = run.requested[end] - run.requested[start];
        (asked > 0.0).then(|| (total[end] - total[start]) / asked - 1.0)
    };
    let judged: Vec<f64> = (from + window..=last).filter_map(error).collect();
    let within = |limit: f64| {
        let inside = judged.iter().filter(|e| e.abs() <= limit).count();
        (!judged.is_empty()).then(|| 100.0 * inside as f64 / judged.len() as f64)
    };
    let steps = steps(spec, run, &programme, window, band);
    let one_flow = programme
        .changes()
        .iter()
        .all(|(at, _, _)| *at < spec.analyse_from.hours());
    let rate = programme.rate(spec.duration);
    let mut windows: Vec<f64> = MINUTE_WINDOWS.into_iter().chain(HOUR_WINDOWS).collect();
    // A curve over window length: 15 min lies between the minute windows.
    windows.sort_by(f64::total_cmp);
    let trumpet = if one_flow {
        run.volumes.trumpet(rate, from, last, &windows).ok()
    } else {
        None
    };
    let (occlusions, false_alarms) = trouble(spec, run, &programme);
    let whole = total[last];
    let days = spec.duration.hours() / 24.0;
    Metrics {
        window_h: window as f64 * step_h,
        delivered_ml,
        requested_ml,
        mean_error_percent: (requested_ml > 0.0).then(|| 100.0 * (delivered_ml / requested_ml - 1.0)),
        start_up_h: (window..=last)
            .find(|end| error(*end).is_some_and(|e| e.abs() <= band))
            .map(|end| end as f64 * step_h),
        within_5_percent: within(0.05),
        within_10_percent: within(0.10),
        within_15_percent: within(0.15),
        trumpet,
        steps,
        occlusions,
        false_alarms,
        false_alarms_per_1000_days: 1000.0 * false_alarms as f64 / days,
        energy_mj_per_ml: (whole > 0.0).then(|| run.energy_mj / whole),
        strokes_per_ml: (whole > 0.0).then(|| run.strokes as f64 / whole),
        operations_per_tick: run.operations as f64 / (run.ticks.max(1)) as f64,
        worst_operations: run.worst_operations,
    }
}

fn steps(spec: &TestSpec, run: &TestRun, programme: &Requested, window: usize, band: f64) -> Vec<StepFigures> {
    let step_h = spec.sample.hours();
    let total = &run.volumes.total;
    let last = total.len() - 1;
    let changes = programme.changes();
    let sample = |h: f64| ((h / step_h).round() as usize).min(last);
    let mut out = Vec::new();
    for (i, &(at_h, from, to)) in changes.iter().enumerate() {
        if from == to || to <= 0.0 {
            continue;
        }
        let end_h = changes.get(i + 1).map_or(spec.duration.hours(), |c| c.0);
        let (start, end) = (sample(at_h), sample(end_h));
        let hours = window as f64 * step_h;
        // Windows that lie wholly after the step.
        let means: Vec<(usize, f64)> = (start + window..=end)
            .map(|k| (k, (total[k] - total[k - window]) / hours))
            .collect();
        let outside = means.iter().rposition(|(_, q)| (q / to - 1.0).abs() > band);
        let settled = match outside {
            None => means.first(),
            Some(k) => means.get(k + 1),
        };
        let beyond = means
            .iter()
            .map(|(_, q)| if to > from { q - to } else { to - q })
            .fold(0.0, f64::max);
        let third = end - (end - start) / 3;
        let asked = run.requested[end] - run.requested[third];
        out.push(StepFigures {
            at_h,
            from_ml_per_day: from * 24.0,
            to_ml_per_day: to * 24.0,
            settling_h: settled.map(|(k, _)| *k as f64 * step_h - at_h),
            overshoot_percent: 100.0 * beyond / (to - from).abs(),
            steady_error_percent: if asked > 0.0 {
                100.0 * ((total[end] - total[third]) / asked - 1.0)
            } else {
                0.0
            },
        });
    }
    out
}

/// Stops and occlusions with the alarms they set off, and the number of other alarms.
fn trouble(spec: &TestSpec, run: &TestRun, programme: &Requested) -> (Vec<OcclusionFigures>, usize) {
    let mut out = Vec::new();
    let mut owed = vec![false; run.alarms.len()];
    for (i, stimulus) in spec.stimuli.iter().enumerate() {
        if !stimulus.change.calls_for_alarm() {
            continue;
        }
        let mark = |ends: bool| run.marks.iter().find(|m| m.stimulus == i && m.ends == ends);
        let Some(begin) = mark(false) else { continue };
        let end = mark(true);
        let until_h = end.map_or(spec.duration.hours(), |m| m.time_h);
        let mut first = None;
        for (k, alarm) in run.alarms.iter().enumerate() {
            if alarm.time_h >= begin.time_h && alarm.time_h <= until_h + GRACE_H {
                owed[k] = true;
                if alarm.time_h <= until_h {
                    first = first.or(Some(alarm));
                }
            }
        }
        let asked = |h: f64| crate::engine::SimTime::from_hours(h).map_or(0.0, |t| programme.volume(t));
        let (stop_h, stop_ml) = match (first, end) {
            (Some(alarm), _) => (alarm.time_h, alarm.delivered_ml),
            (None, Some(end)) => (end.time_h, end.delivered_ml),
            (None, None) => (spec.duration.hours(), run.volumes.total.last().copied().unwrap_or(0.0)),
        };
        let missed_ml = (asked(stop_h) - asked(begin.time_h) - (stop_ml - begin.delivered_ml)).max(0.0);
        let bolus_ml = end
            .filter(|_| !matches!(stimulus.change, Change::Supply(_)))
            .map(|end| {
                let step_h = spec.sample.hours();
                let horizon = end.time_h + spec.parameters.get("flow.metric.bolus_window");
                run.volumes
                    .total
                    .iter()
                    .zip(&run.requested)
                    .enumerate()
                    .skip((end.time_h / step_h).ceil() as usize)
                    .take_while(|(k, _)| *k as f64 * step_h <= horizon)
                    .map(|(_, (w, asked_by))| (w - end.delivered_ml) - (asked_by - asked(end.time_h)))
                    .fold(0.0, f64::max)
            });
        out.push(OcclusionFigures {
            stimulus: stimulus.change.word().to_owned(),
            at_h: begin.time_h,
            alarm_after_h: first.map(|a| a.time_h - begin.time_h),
            missed_ml,
            bolus_ml,
        });
    }
    for (alarm, owed) in run.alarms.iter().zip(&mut owed) {
        *owed |= match alarm.reason {
            AlarmReason::Empty => alarm.left_ml <= spec.parameters.get("flow.reservoir.near_empty"),
            AlarmReason::OverInfusion => runs_ahead(spec, run, alarm.time_h),
            _ => false,
        };
    }
    (out, owed.iter().filter(|o| !**o).count())
}

/// Whether over some time up to an instant more was truly delivered than the label and a few
/// strokes allow.
fn runs_ahead(spec: &TestSpec, run: &TestRun, at_h: f64) -> bool {
    let p = &spec.parameters;
    let stroke = spec.plant.stroke.unwrap_or_else(|| p.get("flow.stroke.volume") * 1e-3);
    let last = ((at_h / spec.sample.hours()).ceil() as usize).min(run.volumes.total.len().saturating_sub(1));
    let ahead = |i: usize| run.volumes.total[i] - (1.0 + p.get("flow.alarm.accuracy")) * run.requested[i];
    let least = (0..=last).map(ahead).fold(f64::INFINITY, f64::min);
    ahead(last) - least > p.get("flow.safety.strokes") * stroke
}
