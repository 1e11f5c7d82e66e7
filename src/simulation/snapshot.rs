//! A run at rest: everything that must be stored to go on with the same bits.
//!
//! What follows from the scenario alone (names, ranks, mechanisms, matrices) is
//! built again; the modes of a matrix come out the same, so coordinates in them
//! may be stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catheter::Catheter;
use crate::engine::{Engine, EventHandle, EventId, SimTime};
use crate::kinetics::{KineticsState, Outflow, Site};
use crate::pump::LogEntry;
use crate::response::SymptomState;
use crate::scenario::model::Exposure;
use crate::signals::{Others, Posture};

use super::body::BodyRun;
use super::care_run::CareState;
use super::drugs::{DrugRun, SavedDrug};
use super::error::SimError;
use super::event::{Delivery, Name, SimEvent};
use super::fault_run::FaultState;
use super::hearing::Alarms;
use super::ledger::Accounts;
use super::model::{Episode, Simulation, Wake};
use super::moments::WaitingList;
use super::observe::Recorder;
use super::patient::{Needle, Totals};
use super::registry::Registry;
use super::result::VisitRow;

#[derive(Serialize, Deserialize)]
struct Saved {
    engine: Engine<SimEvent>,
    pump_family: String,
    pump: Value,
    implanted: bool,
    past_log: Vec<LogEntry>,
    catheter: Catheter,
    kinetics: KineticsState,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drugs: Vec<SavedDrug>,
    body: BodyRun,
    posture: Posture,
    needles: Vec<Needle>,
    drain: Option<Outflow>,
    exposures: Vec<(usize, Exposure)>,
    totals: Totals,
    inputs: Vec<(Site, f64)>,
    faults: Vec<FaultState>,
    waiting: WaitingList,
    care: Vec<Value>,
    care_state: CareState,
    alarms: Alarms,
    visits: Vec<VisitRow>,
    accounts: Accounts,
    recorder: Recorder,
    symptoms: Vec<SymptomState>,
    dwell: Vec<Option<EventHandle>>,
    episodes: Vec<Episode>,
    delivery: Delivery,
    exposure_cause: EventId,
    fall: Option<(EventId, EventId)>,
    exposed: f64,
    #[serde(default, skip_serializing_if = "Others::is_none")]
    exposed_others: Others,
    pump_cause: EventId,
    catheter_cause: EventId,
    sources: BTreeMap<String, EventId>,
    pump_wake: Option<Wake>,
    catheter_wake: Option<Wake>,
    programmed: f64,
    death: Option<(SimTime, Name)>,
}

fn bad(error: impl std::fmt::Display) -> SimError {
    SimError::Snapshot(error.to_string())
}

/// The state as a value.
pub(super) fn save(engine: &Engine<SimEvent>, s: &Simulation) -> Result<Value, SimError> {
    if s.patient.system.is_some() {
        return Err(bad("a run that records its linear system cannot be stored"));
    }
    let p = &s.patient;
    serde_json::to_value(Saved {
        engine: engine.clone(),
        pump_family: p.pump.family().to_owned(),
        pump: p.pump.save(),
        implanted: p.implanted,
        past_log: s.past_log.clone(),
        catheter: p.catheter.clone(),
        kinetics: p.kinetics.state().clone(),
        drugs: p.drugs.iter().map(DrugRun::save).collect(),
        body: p.body.clone(),
        posture: p.posture,
        needles: p.needles.clone(),
        drain: p.drain,
        exposures: p.exposures.clone(),
        totals: p.totals,
        inputs: p.inputs.clone(),
        faults: s.faults.iter().map(|f| f.state.clone()).collect(),
        waiting: s.waiting.clone(),
        care: s.save_care()?,
        care_state: s.care_state.clone(),
        alarms: s.alarms.clone(),
        visits: s.visits.clone(),
        accounts: s.accounts,
        recorder: s.recorder.clone(),
        symptoms: s.symptoms.clone(),
        dwell: s.dwell.clone(),
        episodes: s.episodes.clone(),
        delivery: s.delivery,
        exposure_cause: s.exposure_cause,
        fall: s.fall,
        exposed: s.exposed,
        exposed_others: s.exposed_others,
        pump_cause: s.pump_cause,
        catheter_cause: s.catheter_cause,
        sources: s.sources.clone(),
        pump_wake: s.pump_wake,
        catheter_wake: s.catheter_wake,
        programmed: s.programmed,
        death: s.death.clone(),
    })
    .map_err(bad)
}

/// Puts a stored state into a freshly assembled simulation and gives its engine.
pub(super) fn restore(value: &Value, registry: &Registry, s: &mut Simulation) -> Result<Engine<SimEvent>, SimError> {
    let saved = Saved::deserialize(value).map_err(bad)?;
    if saved.faults.len() != s.faults.len() || saved.symptoms.len() != s.symptoms.len() {
        return Err(bad("the state belongs to another scenario"));
    }
    let p = &mut s.patient;
    p.pump = registry.pumps.restore(&saved.pump_family, &saved.pump)?;
    p.implanted = saved.implanted;
    s.past_log = saved.past_log;
    p.catheter = saved.catheter;
    p.restore_kinetics(saved.kinetics)?;
    if saved.drugs.len() != p.drugs.len() {
        return Err(bad("the state belongs to another scenario"));
    }
    for (drug, state) in p.drugs.iter_mut().zip(saved.drugs) {
        if !drug.restore(state)? {
            return Err(bad("the state belongs to another scenario"));
        }
    }
    p.body = saved.body;
    p.posture = saved.posture;
    p.needles = saved.needles;
    p.drain = saved.drain;
    p.exposures = saved.exposures;
    p.totals = saved.totals;
    p.inputs = saved.inputs;
    for (run, state) in s.faults.iter_mut().zip(saved.faults) {
        run.state = state;
    }
    s.waiting = saved.waiting;
    if saved.care.len() != s.care.len() {
        return Err(bad("the state belongs to another scenario"));
    }
    for (run, memory) in s.care.iter_mut().zip(&saved.care) {
        run.policy.load(memory)?;
    }
    s.care_state = saved.care_state;
    s.alarms = saved.alarms;
    s.visits = saved.visits;
    s.accounts = saved.accounts;
    s.recorder = saved.recorder;
    s.symptoms = saved.symptoms;
    s.dwell = saved.dwell;
    s.episodes = saved.episodes;
    s.delivery = saved.delivery;
    s.exposure_cause = saved.exposure_cause;
    s.fall = saved.fall;
    s.exposed = saved.exposed;
    s.exposed_others = saved.exposed_others;
    s.pump_cause = saved.pump_cause;
    s.catheter_cause = saved.catheter_cause;
    s.sources = saved.sources;
    s.pump_wake = saved.pump_wake;
    s.catheter_wake = saved.catheter_wake;
    s.programmed = saved.programmed;
    s.death = saved.death;
    Ok(saved.engine)
}
