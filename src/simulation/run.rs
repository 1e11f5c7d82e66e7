//! Running: options in, result out, snapshots between.

// An error ends the run; its size is paid once.
#![allow(clippy::result_large_err)]

use std::sync::Arc;

use crate::engine::{Engine, EngineOptions, EventId, SimSpan, SimTime, Stop};
use crate::numerics::Draws;
use crate::pump::LogEntry;
use crate::scenario::model::{Action, Scenario};

use super::assemble::assemble;
use super::error::SimError;
use super::event::SimEvent;
use super::model::Simulation;
use super::registry::Registry;
use super::result::{DeviceLogRow, EventRow, Outcome, RunResult, SymptomRow};
use super::snapshot;

/// A failure of a run.
pub type RunError = crate::engine::RunError<SimError>;

/// Most events within one second of simulated time; a file that asks for more (a fault that
/// comes and goes every nanosecond) is refused instead of running for days.
pub(crate) const CROWD_LIMIT: u32 = 1_000;

/// Most events in one run; a busy patient-year has some ten thousand.
pub(crate) const EVENT_LIMIT: u64 = 1_000_000;

/// What a run is asked for beside its scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOptions {
    /// Seed, if not the scenario's own.
    pub seed: Option<u64>,
    /// Number of the replicate; draws depend on it. 0 takes the scenario's own, if it names one.
    pub replicate: u64,
    /// Spacing of output rows, if not the scenario's own.
    pub sample: Option<SimSpan>,
    /// Whether output rows are made at all.
    pub observe: bool,
    /// Which columns rows have, as places in [`columns`](super::columns); the time comes first
    /// whatever is asked for, and the ledger is not kept. `None` keeps everything.
    pub columns: Option<Arc<[usize]>>,
    /// Whether routine events and verdicts on expectations are left out of the result: outcomes
    /// and fingerprint do not need them.
    pub brief: bool,
    /// Whether both limits of jumps are kept for drawing.
    pub keep_jumps: bool,
    /// Whether the linear system is recorded.
    pub record_system: bool,
    /// Most events, if fewer than what every run is held to.
    pub event_limit: Option<u64>,
    /// Elements of the scenario to leave out, as `fault.leak` or `action.refill`.
    pub without: Vec<String>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            seed: None,
            replicate: 0,
            sample: None,
            observe: true,
            columns: None,
            brief: false,
            keep_jumps: false,
            record_system: false,
            event_limit: None,
            without: Vec::new(),
        }
    }
}

/// A run in progress; a clone goes on by itself.
#[derive(Clone)]
pub struct Run {
    engine: Engine<SimEvent>,
    simulation: Simulation,
}

impl Run {
    /// Assembles the patient and queues the first events.
    ///
    /// # Errors
    /// If a part refuses its configuration.
    pub fn new(scenario: &Scenario, registry: &Registry, options: &RunOptions) -> Result<Self, RunError> {
        let seed = options.seed.unwrap_or(scenario.seed);
        let draws = Draws::new(seed, replicate_of(scenario, options));
        let mut scenario = scenario.clone();
        let individual = Some(options.replicate).filter(|n| *n != 0).or(scenario.replicate);
        crate::population::uncertain::draw(&mut scenario, seed);
        crate::population::settle(&mut scenario, seed, individual);
        scenario.faults.extend(crate::hazards::draw(&scenario, &draws));
        scenario.faults.extend(crate::complications::draw(&scenario, &draws));
        scenario.faults.extend(crate::complications::followers(&scenario));
        Self::drawn(Arc::new(leave_out(&scenario, &options.without)), registry, options)
    }

    /// As [`Run::new`] for a scenario that is complete: its patient and its faults by chance
    /// have been drawn and written into it, and nothing is left out any more. For many runs
    /// of one scenario, which then share it.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub fn drawn(scenario: Arc<Scenario>, registry: &Registry, options: &RunOptions) -> Result<Self, RunError> {
        let mut engine = Engine::new(EngineOptions {
            end: Some(scenario.duration),
            crowd_limit: CROWD_LIMIT,
            event_limit: options.event_limit.map_or(EVENT_LIMIT, |own| own.min(EVENT_LIMIT)),
            brief: options.brief,
            ..EngineOptions::default()
        });
        let mut simulation = assemble(&scenario, registry, options).map_err(at_start)?;
        simulation.prime(&mut engine).map_err(at_start)?;
        Ok(Self { engine, simulation })
    }

    /// Runs on until this instant or the end of the scenario, whichever comes first.
    ///
    /// # Errors
    /// If the model fails; the error names time, component and event.
    pub fn run_until(&mut self, until: SimTime) -> Result<Stop, RunError> {
        let until = until.min(self.simulation.scenario.duration);
        if let Some((time, cause)) = &self.simulation.death {
            // Nothing happens after death.
            return Ok(Stop::Requested {
                time: *time,
                reason: cause.to_string(),
            });
        }
        self.engine.run(&mut self.simulation, until)
    }

    /// Hash over all events so far.
    pub fn fingerprint(&self) -> u64 {
        self.engine.fingerprint().finish()
    }

    /// The complete state, for [`Run::restore`].
    ///
    /// # Errors
    /// [`SimError::Snapshot`] if the linear system is being recorded, which is not stored, or
    /// the state cannot be written.
    pub fn save(&self) -> Result<serde_json::Value, SimError> {
        snapshot::save(&self.engine, &self.simulation)
    }

    /// Goes on from a saved state of the same scenario and options; what follows has the
    /// bits, and the fingerprint, of not having stopped.
    ///
    /// # Errors
    /// If a part refuses its configuration or the state does not fit.
    pub fn restore(
        scenario: &Scenario,
        registry: &Registry,
        options: &RunOptions,
        saved: &serde_json::Value,
    ) -> Result<Self, RunError> {
        let mut run = Self::new(scenario, registry, options)?;
        run.engine = snapshot::restore(saved, registry, &mut run.simulation).map_err(at_start)?;
        Ok(run)
    }

    /// Ends the run and gives what it recorded.
    pub fn finish(self) -> RunResult {
        let Run { engine, simulation } = self;
        let scenario = Arc::clone(&simulation.scenario);
        let end = match &simulation.death {
            Some((time, _)) => *time,
            None => engine.now(),
        };
        let outcome = match &simulation.death {
            Some((time, cause)) => Outcome {
                status: "dead",
                cause: Some(cause.to_string()),
                ended_h: time.hours(),
            },
            None => Outcome {
                status: "alive",
                cause: None,
                ended_h: scenario.duration.hours(),
            },
        };
        let brief = engine.options().brief;
        let (fingerprint, event_count) = (engine.fingerprint().finish(), engine.events_run());
        let records = engine.into_trace().into_records().into_iter();
        let events: Vec<EventRow> = records
            .map(|r| EventRow {
                event_id: r.id.0,
                time_h: r.time.hours(),
                phase: format!("{:?}", r.phase).to_lowercase(),
                component: r.component,
                kind: r.kind,
                detail: r.detail,
                caused_by: r.cause.0,
            })
            .collect();
        let symptoms = simulation
            .episodes
            .iter()
            .map(|e| {
                let entry = simulation.patient.watches[e.symptom].symptom;
                SymptomRow {
                    symptom: entry.name.to_owned(),
                    words: entry.words.to_owned(),
                    syndrome: super::words::syndrome(entry.syndrome).to_owned(),
                    onset_h: e.onset.hours(),
                    resolved_h: e.resolved.map(SimTime::hours),
                    severity: match e.resolved {
                        Some(_) => e.severity,
                        None => simulation.symptoms[e.symptom].severity,
                    } + 0.0,
                    caused_by: e.cause.0,
                }
            })
            .collect();
        let alarms = simulation.alarm_rows(end);
        let log = simulation.patient.pump.telemetry(end).log;
        let device_log = simulation.past_log.iter().chain(log.iter()).map(log_row).collect();
        let columns = simulation.recorder.columns(&scenario.drugs);
        let drug_ledgers = scenario
            .drugs
            .iter()
            .map(|d| d.id.clone())
            .zip(simulation.recorder.drug_ledgers)
            .collect();
        let mut result = RunResult {
            columns,
            rows: simulation.recorder.rows,
            trajectory: simulation.recorder.trajectory,
            events,
            symptoms,
            alarms,
            device_log,
            visits: simulation.visits,
            ledger: simulation.recorder.ledger,
            drug_ledgers,
            outcome,
            outcomes: super::outcomes::Outcomes::default(),
            fingerprint,
            ledger_residual: simulation
                .patient
                .drugs
                .iter()
                .fold(simulation.accounts.worst, |worst, d| worst.max(d.accounts.worst)),
            expectations: Vec::new(),
            system: simulation.patient.system.map(|s| {
                let mut trace = s.finish(end.hours());
                for drug in simulation.patient.drugs {
                    trace
                        .drugs
                        .extend(drug.system.map(|s| (drug.id, s.finish(end.hours()))));
                }
                trace
            }),
            event_count,
        };
        result.outcomes = super::outcomes::count(&scenario, &simulation.care_state.orders, &result);
        if !brief {
            result.expectations = super::expect::verdicts(&scenario.expectations, &result, scenario.duration);
        }
        result
    }
}

/// Runs a scenario to its end.
///
/// # Errors
/// If a part refuses its configuration or the model fails; the error names time, component and event.
///
/// # Example
/// ```
/// use itbsim::simulation::{Registry, RunOptions, simulate};
///
/// let registry = Registry::builtin();
/// let text = itbsim::scenario::template();
/// let story = itbsim::scenario::load_str("demo", text, None, &registry.catalog()).unwrap();
/// let run = simulate(&story.arms[0].scenario, &registry, &RunOptions::default()).unwrap();
/// assert!(run.ledger_residual < itbsim::simulation::LEDGER_LIMIT);
/// ```
pub fn simulate(scenario: &Scenario, registry: &Registry, options: &RunOptions) -> Result<RunResult, RunError> {
    let mut run = Run::new(scenario, registry, options)?;
    run.run_until(scenario.duration)?;
    Ok(run.finish())
}

/// The replicate that is run: that of the options, or else the scenario's own.
pub fn replicate_of(scenario: &Scenario, options: &RunOptions) -> u64 {
    match options.replicate {
        0 => scenario.replicate.unwrap_or(0),
        own => own,
    }
}

/// A line of the pump's log with the priorities of an alarm.
fn log_row(entry: &LogEntry) -> DeviceLogRow {
    let alarm = entry.alarm();
    DeviceLogRow {
        time_h: entry.at.hours(),
        entry: entry.what.clone(),
        class: alarm.map_or("", |a| a.class.as_str()).to_owned(),
        priority: alarm.map_or("", |a| a.grade.as_str()).to_owned(),
    }
}

/// A failure before the first event.
fn at_start(source: SimError) -> RunError {
    RunError::Model {
        time: SimTime::ZERO,
        component: "assembly".to_owned(),
        kind: "start".to_owned(),
        event: EventId::START,
        source,
    }
}

/// The scenario without some of its faults, acts or programmes. Without a miss, the
/// missed refill is done: the pump is filled by what the alarm date counts on.
fn leave_out(scenario: &Scenario, without: &[String]) -> Scenario {
    let mut rest = scenario.clone();
    let pump = &scenario.pump;
    let refill = Action::full_refill(
        pump.reservoir_size,
        pump.low_reservoir_alarm,
        pump.concentration,
        pump.label_concentration,
        0.0,
    );
    for step in &mut rest.actions {
        if step.action == Action::MissedRefill && without.contains(&format!("action.{}", step.id)) {
            step.action = refill.clone();
        }
    }
    let kept = |kind: &str, id: &str| !without.iter().any(|w| *w == format!("{kind}.{id}"));
    rest.faults.retain(|f| kept("fault", &f.id));
    rest.actions
        .retain(|a| kept("action", &a.id) || (a.action == refill && is_miss(scenario, &a.id)));
    rest.programme.retain(|p| kept("programme", &p.id));
    rest.care.retain(|c| kept("care", &c.id));
    rest
}

/// Whether this act is a refill at which nobody came.
pub fn is_miss(scenario: &Scenario, action: &str) -> bool {
    scenario
        .actions
        .iter()
        .any(|a| a.id == action && a.action == Action::MissedRefill)
}
