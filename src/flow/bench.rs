//! One test of one controller, as discrete events on the crate's engine.
//!
//! Strokes, samples, ticks and stimuli are events; the plant between them is exact. Recorded
//! volumes are observers, so the spacing of the record changes nothing.

use std::borrow::Cow;

use serde::Serialize;

use super::controllers::{ControllerError, Cost, FlowController, Seen};
use super::plant::Plant;
use super::programme::Requested;
use super::sensors::{Readings, Sensor, SensorFigures};
use super::taps::Tap;
use super::trumpet::Volumes;
use super::watch::{AlarmReason, Watchman};
use crate::engine::{
    Context, Crossing, Engine, EngineError, EngineOptions, Event, EventHandle, Fingerprint, Fired, Model, Phase, Rank,
    RunError, SimSpan, SimTime, TimeError,
};
use crate::numerics::Draws;
use crate::scenario::flow_bench::{Change, OnAlarm, TestSpec};
use crate::signals::{SensorKind, Signal};

/// Steps in which a ramp is walked.
pub const RAMP_STEPS: u32 = 24;
/// Largest share of the moved volume that the account of the plant may be off by.
pub const LEDGER_LIMIT: f64 = 1e-9;
/// Most strokes in one command.
const MOST_STROKES: f64 = 16.0;

/// Why a test failed to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// A rule of the engine was broken.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Beyond the clock.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// There is no such controller.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// Volume was lost or made.
    #[error("the account of volumes is off by {residual:e} of what was moved")]
    Ledger {
        /// Residual, relative \[1\].
        residual: f64,
    },
    /// An error inside the run, with its place.
    #[error("test `{test}` with `{controller}`: {reason}")]
    Run {
        /// The test.
        test: String,
        /// The controller.
        controller: String,
        /// What the engine said, with time and event.
        reason: String,
    },
}

/// An event of the bench.
#[derive(Debug, Clone, Copy, PartialEq)]
enum FlowEvent {
    Begin(usize),
    Ramp(usize, u32),
    End(usize),
    Valve,
    Stroke,
    StrokeEnd,
    Sample(usize),
    Tick,
    Record,
}

impl Event for FlowEvent {
    fn component(&self) -> Cow<'_, str> {
        match self {
            FlowEvent::Begin(_) | FlowEvent::Ramp(..) | FlowEvent::End(_) => "stimulus",
            FlowEvent::Valve | FlowEvent::Stroke | FlowEvent::StrokeEnd => "actuator",
            FlowEvent::Sample(_) => "sensor",
            FlowEvent::Tick => "controller",
            FlowEvent::Record => "record",
        }
        .into()
    }

    fn kind(&self) -> Cow<'_, str> {
        match self {
            FlowEvent::Begin(_) => "begin",
            FlowEvent::Ramp(..) => "ramp",
            FlowEvent::End(_) => "end",
            FlowEvent::Valve => "valve_closes",
            FlowEvent::Stroke => "stroke",
            FlowEvent::StrokeEnd => "stroke_end",
            FlowEvent::Sample(_) => "sample",
            FlowEvent::Tick => "tick",
            FlowEvent::Record => "volume",
        }
        .into()
    }

    fn hash_into(&self, fingerprint: &mut Fingerprint) {
        match self {
            FlowEvent::Begin(i) | FlowEvent::End(i) | FlowEvent::Sample(i) => fingerprint.write_u64(*i as u64),
            FlowEvent::Ramp(i, step) => {
                fingerprint.write_u64(*i as u64);
                fingerprint.write_u64(u64::from(*step));
            }
            _ => {}
        }
    }
}

/// An alarm as it was raised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AlarmRow {
    /// When \[h\].
    pub time_h: f64,
    /// Why.
    pub reason: AlarmReason,
    /// Volume delivered by then \[mL\].
    pub delivered_ml: f64,
    /// Volume left in the reservoir at that time \[mL\].
    pub left_ml: f64,
}

/// Beginning or end of a stimulus, with the exact volume delivered by then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mark {
    /// Number of the stimulus in its test.
    pub stimulus: usize,
    /// Whether it ends here.
    pub ends: bool,
    /// When \[h\].
    pub time_h: f64,
    /// Volume delivered by then \[mL\].
    pub delivered_ml: f64,
}

/// What a test left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct TestRun {
    /// Volume delivered at the outlet, at equal intervals.
    pub volumes: Volumes,
    /// Volume asked for at the same instants \[mL\].
    pub requested: Vec<f64>,
    /// Pressure at the actuator's outlet at the same instants \[kPa\].
    pub pressure: Vec<f64>,
    /// Alarms.
    pub alarms: Vec<AlarmRow>,
    /// Beginnings and ends of stimuli.
    pub marks: Vec<Mark>,
    /// Strokes tried.
    pub strokes: u64,
    /// Strokes in which something moved.
    pub moved: u64,
    /// Strokes not taken because too many waited.
    pub refused: u64,
    /// Samples of all sensors.
    pub samples: u64,
    /// Calls of the controller.
    pub ticks: u64,
    /// Operations of the controller in all.
    pub operations: u64,
    /// Operations of its dearest call.
    pub worst_operations: u64,
    /// Energy of strokes, samples and arithmetic \[mJ\].
    pub energy_mj: f64,
    /// When an alarm stopped the device, and the volume in its line by then, if one did \[h, mL\].
    pub stopped: Option<(f64, f64)>,
    /// Volume pushed into the line in all, by strokes and through open valves \[mL\].
    pub pumped_ml: f64,
    /// Volume left in the reservoir at the end \[mL\].
    pub left_ml: f64,
    /// Volume lost through leaks \[mL\].
    pub leaked_ml: f64,
    /// Events handled.
    pub events: u64,
    /// Fingerprint of the run.
    pub fingerprint: u64,
}

/// Runs one test with one controller.
///
/// `reads` are the sensors the controller looks at; others are not sampled, but for those that
/// the device's alarm uses. The luck depends on the seed alone, so controllers meet the same.
///
/// # Errors
/// [`FlowError`] if a rule of the engine is broken or volume is lost.
pub fn run_test(
    spec: &TestSpec,
    controller: Box<dyn FlowController>,
    reads: &[SensorKind],
    seed: u64,
) -> Result<TestRun, FlowError> {
    let mut stand = Stand::new(spec, controller, reads, seed);
    let mut engine = Engine::new(EngineOptions {
        trace: false,
        end: Some(spec.duration),
        ..EngineOptions::default()
    });
    for (i, stimulus) in spec.stimuli.iter().enumerate() {
        let rank = Rank(i as u32);
        engine.schedule(stimulus.at, Phase::Fault, rank, FlowEvent::Begin(i))?;
        if let Some(until) = stimulus.until {
            engine.schedule(until, Phase::Fault, rank, FlowEvent::End(i))?;
        }
    }
    for i in 0..stand.sensors.len() {
        let first = SimTime::ZERO.checked_add(stand.sensors[i].figures().period)?;
        engine.schedule(first, Phase::Device, sensor_rank(i), FlowEvent::Sample(i))?;
    }
    engine.schedule(SimTime::ZERO, Phase::Tick, Rank(0), FlowEvent::Tick)?;
    engine.schedule(SimTime::ZERO, Phase::Observer, Rank(0), FlowEvent::Record)?;
    engine.run(&mut stand, spec.duration).map_err(|error| match error {
        RunError::Model { source, time, .. } => FlowError::Run {
            test: spec.id.clone(),
            controller: String::new(),
            reason: format!("{source} at {time}"),
        },
        other => FlowError::Run {
            test: spec.id.clone(),
            controller: String::new(),
            reason: other.to_string(),
        },
    })?;
    Ok(stand.finish(&engine))
}

/// Strokes come before samples of the same instant.
fn sensor_rank(index: usize) -> Rank {
    Rank(1 + index as u32)
}

/// Plant, sensors, alarm and controller on the engine.
struct Stand<'a> {
    spec: &'a TestSpec,
    plant: Plant,
    sensors: Vec<Sensor>,
    taps: Vec<(usize, Tap)>,
    watch: Watchman,
    controller: Box<dyn FlowController>,
    requested: Requested,
    /// Values when the ramp of a stimulus began.
    from: Vec<f64>,
    last_tick: Option<SimTime>,
    stroke_due: bool,
    stroke_end: Option<EventHandle>,
    /// Earliest next stroke.
    ready: SimTime,
    stopped: bool,
    stopped_at: Option<(f64, f64)>,
    commanded: u64,
    cost: Cost,
    worst: u64,
    ticks: u64,
    total: Vec<f64>,
    pressure: Vec<f64>,
    asked: Vec<f64>,
    alarms: Vec<AlarmRow>,
    marks: Vec<Mark>,
}

type Cx<'a> = Context<'a, FlowEvent>;

impl<'a> Stand<'a> {
    fn new(spec: &'a TestSpec, controller: Box<dyn FlowController>, reads: &[SensorKind], seed: u64) -> Self {
        let draws = Draws::new(seed, 0);
        let watched = &spec.alarm.watch;
        let nominal = spec
            .plant
            .stroke
            .unwrap_or_else(|| spec.parameters.get("flow.stroke.volume") * 1e-3);
        let sensors = spec
            .sensors
            .iter()
            .filter(|s| reads.contains(&s.kind) || watched.contains(&s.kind))
            .map(|s| Sensor::new(s.kind, SensorFigures::of(s, &spec.parameters), &draws))
            .collect();
        Stand {
            spec,
            plant: Plant::new(&spec.plant, &spec.parameters, &draws),
            sensors,
            taps: Vec::new(),
            watch: Watchman::new(&spec.alarm, &spec.parameters, nominal),
            controller,
            requested: Requested::new(spec),
            from: vec![0.0; spec.stimuli.len()],
            last_tick: None,
            stroke_due: false,
            stroke_end: None,
            ready: SimTime::ZERO,
            stopped: false,
            stopped_at: None,
            commanded: 0,
            cost: Cost::default(),
            worst: 0,
            ticks: 0,
            total: Vec::new(),
            pressure: Vec::new(),
            asked: Vec::new(),
            alarms: Vec::new(),
            marks: Vec::new(),
        }
    }

    fn finish(self, engine: &Engine<FlowEvent>) -> TestRun {
        let end = self.spec.duration;
        let line = self.plant.line().at(end);
        let samples = self.sensors.iter().map(Sensor::samples).sum::<u64>();
        let p = &self.spec.parameters;
        let mut fingerprint = engine.fingerprint();
        // Events say when; these say how much.
        for value in self.total.iter().chain(&self.pressure) {
            fingerprint.write_f64(*value);
        }
        TestRun {
            volumes: Volumes {
                interval_min: self.spec.sample.hours() * 60.0,
                total: self.total,
            },
            requested: self.asked,
            pressure: self.pressure,
            alarms: self.alarms,
            marks: self.marks,
            strokes: self.plant.actuator().strokes(),
            moved: self.plant.actuator().moved(),
            refused: self.plant.actuator().refused(),
            samples,
            ticks: self.ticks,
            operations: self.cost.operations(),
            worst_operations: self.worst,
            energy_mj: self.plant.actuator().energy()
                + p.get("flow.sensors.energy") * samples as f64
                + p.get("flow.compute.energy") * self.cost.operations() as f64,
            stopped: self.stopped_at,
            pumped_ml: line.pumped + line.valve,
            left_ml: self.plant.left(end),
            leaked_ml: line.leaked,
            events: engine.events_run(),
            fingerprint: fingerprint.finish(),
        }
    }

    /// What a wire carries behind its taps.
    fn tapped(&mut self, now: SimTime, signal: Signal, mut value: f64) -> f64 {
        for (_, tap) in self.taps.iter_mut().filter(|(_, tap)| tap.signal == signal) {
            value = tap.pass(now, value);
        }
        value
    }

    fn tick(&mut self, now: SimTime, cx: &mut Cx<'_>) -> Result<(), FlowError> {
        let period = self.last_tick.map_or(0.0, |before| now.hours_since(before));
        self.last_tick = Some(now);
        self.ticks += 1;
        let tapped = !self.taps.is_empty();
        let mut readings = Readings::default();
        for i in 0..self.sensors.len() {
            let kind = self.sensors[i].kind();
            let mut reading = self.sensors[i].reading(now);
            if let Some(r) = reading.as_mut().filter(|_| tapped) {
                r.value = self.tapped(now, Signal::Sensor(kind), r.value);
            }
            readings.set(kind, reading);
        }
        let programmed = self.requested.rate(now);
        let mut request = programmed;
        if tapped {
            request = self.tapped(now, Signal::Request, request);
        }
        let before = self.cost.operations();
        let action = self.controller.tick(
            &Seen {
                now,
                period,
                request,
                stroke: self.plant.actuator().stroke(),
                most: self.plant.actuator().most(),
                readings: &readings,
            },
            &mut self.cost,
        );
        self.worst = self.worst.max(self.cost.operations() - before);
        let mut strokes = action.strokes;
        if tapped {
            strokes = self.tapped(now, Signal::Command, f64::from(strokes)).round() as u32;
        }
        if strokes > 0 && !self.stopped {
            self.commanded += u64::from(strokes);
            self.plant.ask(strokes);
            self.arrange(now, cx)?;
        }
        if let Some(reason) = self.watch.look(programmed, self.commanded, action.alarm, &readings) {
            self.alarms.push(AlarmRow {
                time_h: now.hours(),
                reason,
                delivered_ml: self.plant.line().at(now).out,
                left_ml: self.plant.left(now),
            });
            if self.spec.alarm.then == OnAlarm::Stop {
                self.stopped = true;
                // An occlusion stops the stroke where it is, an empty reservoir lets it end (Open PCA
                // pump requirements, 6).
                let finishes = reason == AlarmReason::Empty && self.plant.is_busy();
                self.plant.halt(now, finishes);
                let line = self.plant.line().at(now);
                self.stopped_at.get_or_insert((now.hours(), line.pumped + line.valve));
                if !finishes && let Some(handle) = self.stroke_end.take() {
                    cx.cancel(handle);
                }
            }
        }
        let next = now.checked_add(self.spec.tick)?;
        if next <= self.spec.duration {
            cx.schedule_at(next, Phase::Tick, Rank(0), FlowEvent::Tick)?;
        }
        Ok(())
    }

    /// Sees to it that waiting strokes are made.
    fn arrange(&mut self, now: SimTime, cx: &mut Cx<'_>) -> Result<(), FlowError> {
        if !self.stroke_due && !self.plant.is_busy() && self.plant.actuator().waiting() > 0 {
            self.stroke_due = true;
            cx.schedule_at(now.max(self.ready), Phase::Device, Rank(0), FlowEvent::Stroke)?;
        }
        Ok(())
    }

    fn stroke(&mut self, now: SimTime, cx: &mut Cx<'_>) -> Result<(), FlowError> {
        self.stroke_due = false;
        let Some((length, spacing)) = self.plant.begin_stroke(now) else {
            return Ok(());
        };
        self.ready = now.checked_add(SimSpan::from_hours(spacing)?)?;
        if length > 0.0 {
            let end = now.checked_add(SimSpan::from_hours(length)?)?;
            self.stroke_end = Some(cx.schedule_at(end, Phase::Device, Rank(0), FlowEvent::StrokeEnd)?);
        } else {
            self.arrange(now, cx)?;
        }
        self.ledger(now)
    }

    fn ledger(&self, now: SimTime) -> Result<(), FlowError> {
        let residual = self.plant.residual(now);
        if residual > LEDGER_LIMIT {
            return Err(FlowError::Ledger { residual });
        }
        Ok(())
    }

    fn stimulus(&mut self, now: SimTime, i: usize, step: u32, cx: &mut Cx<'_>) -> Result<(), FlowError> {
        let stimulus = &self.spec.stimuli[i];
        let share = match stimulus.ramp {
            Some(ramp) if step < RAMP_STEPS => {
                // Each step stands at the middle of its part of the straight line.
                let whole = i128::from(ramp.as_nanos());
                let passed = whole * i128::from(step + 1) / i128::from(RAMP_STEPS);
                let next = stimulus.at.checked_add(SimSpan::from_nanos(passed as i64))?;
                if next <= self.spec.duration && stimulus.until.is_none_or(|until| next < until) {
                    cx.schedule_at(next, Phase::Fault, Rank(i as u32), FlowEvent::Ramp(i, step + 1))?;
                }
                (f64::from(step) + 0.5) / f64::from(RAMP_STEPS)
            }
            _ => 1.0,
        };
        if step == 0 {
            self.from[i] = self.plant.value_of(&stimulus.change);
        }
        match stimulus.change {
            Change::SensorFailure(kind) => {
                for sensor in self.sensors.iter_mut().filter(|s| s.kind() == kind) {
                    sensor.failed.push(i);
                }
            }
            Change::Tap { signal, kind } => {
                let (low, high) = self.range(signal);
                self.taps.push((i, Tap::new(signal, kind, low, high)));
            }
            ref change => self.plant.apply(now, i, change, self.from[i], share),
        }
        Ok(())
    }

    /// Ends of the range of a wire.
    fn range(&self, signal: Signal) -> (f64, f64) {
        match signal {
            Signal::Sensor(kind) => self
                .sensors
                .iter()
                .find(|s| s.kind() == kind)
                .map_or((0.0, 0.0), |s| (s.figures().low, s.figures().high)),
            Signal::Request => (0.0, self.spec.parameters.get("pump.rate.max") / 24.0),
            Signal::Command => (0.0, MOST_STROKES),
        }
    }

    fn mark(&mut self, now: SimTime, stimulus: usize, ends: bool) {
        self.marks.push(Mark {
            stimulus,
            ends,
            time_h: now.hours(),
            delivered_ml: self.plant.line().at(now).out,
        });
    }
}

impl Model for Stand<'_> {
    type Event = FlowEvent;
    type Error = FlowError;

    fn next_crossings(
        &mut self,
        now: SimTime,
        limit: SimTime,
        out: &mut Vec<Crossing<FlowEvent>>,
    ) -> Result<(), FlowError> {
        if let Some(time) = self.plant.valve_closes(now, limit) {
            out.push(Crossing {
                time,
                rank: Rank(0),
                cause: crate::engine::EventId::START,
                event: FlowEvent::Valve,
            });
        }
        Ok(())
    }

    fn handle(&mut self, fired: &Fired<FlowEvent>, cx: &mut Cx<'_>) -> Result<(), FlowError> {
        let now = fired.time;
        match fired.event {
            FlowEvent::Tick => self.tick(now, cx)?,
            FlowEvent::Sample(i) => {
                let truth = self.plant.truth(now);
                let sensor = &mut self.sensors[i];
                sensor.sample(now, &truth);
                let next = now.checked_add(sensor.figures().period)?;
                if next <= self.spec.duration {
                    cx.schedule_at(next, Phase::Device, sensor_rank(i), FlowEvent::Sample(i))?;
                }
            }
            FlowEvent::Stroke => self.stroke(now, cx)?,
            FlowEvent::StrokeEnd => {
                self.stroke_end = None;
                self.plant.end_stroke(now);
                self.arrange(now, cx)?;
                self.ledger(now)?;
            }
            FlowEvent::Begin(i) => {
                self.mark(now, i, false);
                self.stimulus(now, i, 0, cx)?;
            }
            FlowEvent::Ramp(i, step) => self.stimulus(now, i, step, cx)?,
            FlowEvent::End(i) => {
                self.mark(now, i, true);
                let change = &self.spec.stimuli[i].change;
                for sensor in &mut self.sensors {
                    sensor.failed.retain(|by| *by != i);
                }
                self.taps.retain(|(by, _)| *by != i);
                self.plant.relieve(now, i, change);
                self.ledger(now)?;
            }
            FlowEvent::Valve => self.plant.close_valve(now),
            FlowEvent::Record => {
                let line = self.plant.line().at(now);
                self.total.push(line.out);
                self.pressure.push(line.pressure);
                self.asked.push(self.requested.volume(now));
                let next = now.checked_add(self.spec.sample)?;
                if next <= self.spec.duration {
                    cx.schedule_at(next, Phase::Observer, Rank(0), FlowEvent::Record)?;
                }
            }
        }
        Ok(())
    }
}
