//! From a scenario to a patient at rest.

use std::sync::Arc;

use crate::catheter::Catheter;
use crate::engine::{EventId, SimTime};
use crate::kinetics::{Blood, Body, Flows, Kinetics, KineticsError, Site};
use crate::numerics::Draws;
use crate::parameters::ParameterSet;
use crate::pump::{Command, PumpSetup};
use crate::response::{Baseline, Exposure, Phase, Response, Sites, SymptomState, watches, watches_with_drugs};
use crate::scenario::Contradiction;
use crate::scenario::model::{self, FlexStep, History, Moment, Population, Programme, Scenario};
use crate::signals::{Destination, Others};

use super::body::BodyRun;
use super::drive::Drives;
use super::drugs::{DrugRun, book};
use super::error::SimError;
use super::event::Delivery;
use super::fault_run::FaultRun;
use super::hearing::Alarms;
use super::ledger::Accounts;
use super::model::{Episode, Simulation};
use super::moments::WaitingList;
use super::observe::Recorder;
use super::patient::Patient;
use super::ranks::{Ids, Ranks};
use super::registry::Registry;
use super::run::RunOptions;
use super::system::SystemRecorder;

/// Builds all parts and puts an established patient into equilibrium.
pub(super) fn assemble(
    scenario: &Arc<Scenario>,
    registry: &Registry,
    options: &RunOptions,
) -> Result<Simulation, SimError> {
    let parameters = &scenario.parameters;
    let mut catheter = Catheter::filled(
        SimTime::ZERO,
        &scenario.catheter,
        parameters,
        if scenario.patient.implanted {
            scenario.pump.concentration
        } else {
            0.0
        },
        if scenario.patient.implanted {
            scenario.pump.others
        } else {
            Others::NONE
        },
    )?;
    // Nothing is stored behind a restriction yet, so nothing can leave.
    let _ = catheter.set_tip_pressure(SimTime::ZERO, super::tip_pressure(parameters, scenario.patient.posture))?;
    let mut pump = registry.pumps.build(
        &PumpSetup {
            device: if scenario.patient.implanted {
                scenario.pump.clone()
            } else {
                super::surgery::in_its_box(&scenario.pump)
            },
            dead_volume: match scenario.catheter.entered_length {
                // The programmer knows one bore: that of the catheter's spinal piece.
                Some(length) => {
                    parameters.get("catheter.tube_volume") + parameters.get("catheter.volume_per_length") * length
                }
                None => catheter.dead_volume(),
            },
            start: SimTime::ZERO,
        },
        parameters,
    )?;

    let p = &scenario.patient;
    let body = Body {
        depot_level: scenario.catheter.tip,
        ..body_of(p)
    };
    let flows = Flows {
        posture: p.posture,
        ..Flows::default()
    };
    let mut kinetics = Kinetics::under(body, parameters, flows)?;
    let mut drugs = scenario
        .drugs
        .iter()
        .map(|drug| DrugRun::new(drug, body, flows))
        .collect::<Result<Vec<_>, _>>()?;
    let baseline = Baseline {
        ashworth_legs: p.ashworth_legs,
        ashworth_arms: p.ashworth_arms,
        spasm_score: p.spasm_score,
        injury: p.injury,
    };
    let response = Response::new(
        baseline,
        registry.effects.build(&p.effect_model, parameters)?,
        parameters,
    )
    .under(&scenario.drugs);
    let mut y0 = response.naive();

    let mut initial = 0.0;
    // What the first programme really brings to the tip: its mean dose, times what the
    // pump makes of it. A pump without a programme brings what it was made for.
    let mut trial = pump.clone_box();
    let dosed = match first_rate(scenario) {
        _ if !trial.is_programmable() => true,
        None => false,
        Some(rate) => {
            let mode = Programme::SimpleContinuous { rate };
            let id = String::new();
            trial.command(SimTime::ZERO, &Command::Programme { id, mode }, &mut Vec::new())?;
            true
        }
    };
    if p.history == History::Established && dosed {
        let drive = trial.mean_drive();
        let flow = drive.flow - drive.droop * super::tip_pressure(parameters, p.posture);
        let delivered = flow.max(0.0) * trial.outlet_concentration();
        let tip = Site::Stream(Destination::Csf(scenario.catheter.tip));
        kinetics.settle(SimTime::ZERO, &[(tip, delivered)])?;
        kinetics.set_inputs(SimTime::ZERO, &[])?;
        let scratch = &mut kinetics.scratch();
        initial = kinetics.balance(SimTime::ZERO, scratch)?.0;
        let drive = kinetics.drive(SimTime::ZERO, scratch)?;
        let mut others = Sites::default();
        for (index, (drug, sites)) in drugs.iter_mut().zip(&mut others).enumerate() {
            let delivered = flow.max(0.0) * trial.outlet_others().get(index);
            *sites = drug.establish(tip, delivered)?;
        }
        y0 = response.equilibrium(&Exposure {
            effect: drive.effect,
            others,
            ..Exposure::default()
        });
    }
    // The patient is used to the mean pump; what this one does until the next fill is luck.
    let draws = Draws::new(
        options.seed.unwrap_or(scenario.seed),
        super::run::replicate_of(scenario, options),
    );
    super::luck::begin(&mut *pump, scenario, &registry.pumps, &draws)?;
    let watched = if drugs.is_empty() {
        watches(parameters)
    } else {
        watches_with_drugs(parameters)
    };
    let symptoms_watched = watched.len();
    let body = BodyRun::new(&response, &y0, symptoms_watched);

    let filled = pump.reservoir_drug(SimTime::ZERO) + catheter.drug(SimTime::ZERO);
    let others_filled = pump.reservoir_others(SimTime::ZERO) + catheter.others(SimTime::ZERO);
    book(&mut drugs, others_filled, |a| &mut a.filled);
    let mut patient = Patient::new(pump, catheter, kinetics, response, watched, body, p.posture);
    patient.drugs = drugs;
    // What is there at the start (relief, in an established patient) has no onset to report.
    patient.body.ailments.headache_share = Simulation::headache_share(parameters, p.posture);
    let p = &mut patient;
    p.implanted = scenario.patient.implanted;
    let drives = Drives {
        baclofen: &p.kinetics,
        others: &p.drugs,
    };
    let present = p.body.begin(&p.response, &p.watches, drives)?;
    let mut symptoms = vec![SymptomState::default(); symptoms_watched];
    let mut episodes = Vec::new();
    for (watch, value) in patient.watches.iter().zip(present) {
        if watch.is_in(value) {
            symptoms[watch.index] = SymptomState {
                phase: Phase::Present,
                severity: value,
            };
            episodes.push(Episode {
                symptom: watch.index,
                onset: SimTime::ZERO,
                resolved: None,
                severity: value,
                cause: EventId::START,
            });
        }
    }
    if options.record_system {
        let k = &patient.kinetics;
        patient.system = Some(SystemRecorder::new(k, k.amounts(SimTime::ZERO)?));
        for drug in &mut patient.drugs {
            drug.record_system()?;
        }
    }

    let ids = Ids::new(scenario);
    let ranks = Ranks::new(&ids);
    let faults = scenario
        .faults
        .iter()
        .map(|f| registry.mechanism(f).map(FaultRun::new))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Simulation {
        scenario: Arc::clone(scenario),
        ids,
        ranks,
        patient,
        pumps: Arc::new(registry.pumps.clone()),
        past_log: Vec::new(),
        faults,
        care: super::care_run::policies(scenario, registry)?,
        care_state: super::care_run::CareState::default(),
        left_out: options.without.clone(),
        risk: Arc::new(crate::complications::Risk::of(scenario)),
        counts: super::ailment_run::Counts::default(),
        facts: Arc::new(super::care_run::facts(scenario)),
        waiting: WaitingList::default(),
        draws,
        alarms: Alarms::default(),
        visits: Vec::new(),
        accounts: Accounts {
            filled,
            initial,
            ..Accounts::default()
        },
        recorder: Recorder {
            keep_jumps: options.keep_jumps,
            only: options.columns.clone(),
            ..Recorder::default()
        },
        sample: options.sample.unwrap_or(scenario.sample),
        observe: options.observe,
        symptoms,
        dwell: vec![None; symptoms_watched],
        episodes,
        delivery: Delivery::Normal,
        exposure_cause: EventId::START,
        fall: None,
        exposed: 0.0,
        exposed_others: Others::NONE,
        pump_cause: EventId::START,
        catheter_cause: EventId::START,
        sources: std::collections::BTreeMap::new(),
        pump_wake: None,
        catheter_wake: None,
        programmed: 0.0,
        death: None,
        only_told: false,
    })
}

/// Mean dose rate of the programme in force at the start \[ug/h\].
fn first_rate(scenario: &Scenario) -> Option<f64> {
    scenario
        .programme
        .iter()
        .filter(|s| s.at == Moment::At(SimTime::ZERO))
        .find_map(|s| match &s.mode {
            Programme::SimpleContinuous { rate } => Some(*rate),
            Programme::PeriodicBolus { dose, every, basal, .. } => Some(basal + dose / every),
            Programme::Flex { steps } => weekly_mean(steps),
            Programme::BridgeBolus { bridge_rate, .. } => Some(*bridge_rate),
            Programme::SingleBolus { .. }
            | Programme::PrimingBolus { .. }
            | Programme::PatientBolus { .. }
            | Programme::NoPatientBolus
            | Programme::MinimumRate
            | Programme::Stopped => None,
        })
}

/// Mean dose rate of a flex programme over its week \[ug/h\]; `None` without steps.
fn weekly_mean(steps: &[FlexStep]) -> Option<f64> {
    const WEEK: f64 = 168.0;
    let mut week: Vec<(f64, f64)> = (0..7_u8)
        .flat_map(|day| {
            steps
                .iter()
                .filter(move |s| s.weekday.is_none_or(|d| d == day))
                .map(move |s| (f64::from(day) * 24.0 + s.at, s.rate))
        })
        .collect();
    week.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = week.first()?.0;
    // Each step lasts until the next; the last one runs into the next week.
    let ends = week.iter().skip(1).map(|s| s.0).chain([first + WEEK]);
    let total: f64 = week.iter().zip(ends).map(|((from, rate), to)| rate * (to - from)).sum();
    Some(total / WEEK)
}

/// The body of a patient, with a depot at the usual level.
fn body_of(p: &model::Patient) -> Body {
    Body {
        weight: p.weight,
        renal_function: p.renal_function,
        population: p.population,
        shunt: p.selection.vp_shunt,
        arachnoiditis: p.selection.arachnoiditis,
        ..Body::default()
    }
}

/// Why no blood could be assembled for a patient with these parameters.
pub(super) fn contradiction(patient: &model::Patient, parameters: &ParameterSet) -> Option<Contradiction> {
    const ADULT: &[&str] = &[
        "kinetics.blood.apparent_clearance",
        "kinetics.blood.apparent_central_volume",
        "kinetics.blood.alpha",
        "kinetics.blood.half_life",
        "kinetics.blood.reference_weight",
    ];
    const CHILD: &[&str] = &[
        "kinetics.blood.apparent_clearance_child",
        "kinetics.blood.apparent_clearance",
        "kinetics.blood.apparent_central_volume",
        "kinetics.blood.alpha",
        "kinetics.blood.half_life",
        "kinetics.blood.reference_weight",
    ];
    let (out, alpha, beta) = match Blood::new(&body_of(patient), parameters) {
        Err(KineticsError::Blood { out, alpha, beta }) => (out, alpha, beta),
        _ => return None,
    };
    // Both compartments exist only if elimination lies between the two rates.
    let help = if out <= beta {
        "raise the clearance, or lower the central volume or the terminal rate (a longer half-life)"
    } else {
        "lower the clearance, or raise the central volume or `kinetics.blood.alpha`"
    };
    let keys = match patient.population {
        Population::Child => CHILD,
        _ => ADULT,
    };
    Some(Contradiction {
        problem: format!(
            "blood cannot have these rates: clearance over central volume is {out:.4} /h, and must lie between the \
             terminal rate of {beta:.4} /h and the fast rate of {alpha:.4} /h"
        ),
        help: help.to_owned(),
        keys,
    })
}
