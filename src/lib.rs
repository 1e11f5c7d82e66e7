//! Discrete-event simulation of intrathecal baclofen (ITB) therapy: an implanted
//! pump pushes baclofen through a catheter into the spinal fluid to treat severe
//! spasticity; when pump, catheter or clinic fail, the patient slides within
//! hours into withdrawal or overdose. itbsim simulates that whole chain, injects
//! faults into it, and says why what happened did happen.
//!
//! **For teaching and research, never for treating a person.**
//!
//! # The chain
//!
//! ```text
//!  scenario (TOML)                                        observers
//!     | programmes, faults, acts, expectations               ^ rows, events,
//!     v                                                      | symptoms, ledger
//!  +------+ flow  +----------+ streams +----------+ sites +----------+
//!  | pump |------>| catheter |-------->| kinetics |------>| response |
//!  +------+       +----------+         +----------+       +----------+
//!   reservoir      drug column          spinal fluid       effect, tolerance,
//!   programme      hydraulics           by level, cord,    withdrawal, sedation,
//!   battery        kink, leak,          blood, depots      vital signs, symptoms,
//!   alarms         migration, ...       (linear, exact)    death
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`engine`] | clock, event queue, state events, causes, trace, fingerprint; knows no medicine |
//! | [`numerics`] | exact propagation of linear systems, certified crossings, keyed draws; knows no medicine |
//! | [`quantity`] | text with units to numbers and back |
//! | [`parameters`] | every default with value, unit, range, source and grade |
//! | [`signals`] | the small types through which the rooms meet |
//! | [`scenario`] | scenario files: schema, loader, diagnostics |
//! | [`pump`] | the [`Pump`](pump::Pump) trait and its families |
//! | [`catheter`] | drug column, hydraulics, faults of the line |
//! | [`kinetics`] | where the drug goes |
//! | [`response`] | what it does; the [`EffectModel`](response::EffectModel) trait |
//! | [`hazards`] | how often faults come by chance, by generation of device; keyed draws of them |
//! | [`complications`] | of surgery and hardware: chance, course, signs, what ends them |
//! | [`care`] | patient, carers, clinic: policies that react to what can be seen; the [`Policy`](care::Policy) trait |
//! | [`population`] | virtual patients: drawn by key, with their published spread |
//! | [`simulation`] | assembles a patient and runs it; [`Registry`](simulation::Registry) for plug-ins |
//! | [`batch`] | many replicates: threads, shards, exact statistics |
//! | [`flow`] | a test stand for flow controllers; the [`FlowController`](flow::FlowController) trait |
//! | [`calc`] | the arithmetic of the clinic: refills, bridges, priming, valve pulses |
//! | [`report`] | tables, figures, summaries |
//! | [`validate`] | published figures beside simulated ones, with tolerance, source, grade and verdict |
//! | [`export`] | the kinetics of a run for other tools: SBML, NONMEM |
//! | [`pages`] | pages of the documentation that the program fills in |
//! | [`serve`] | a page on this machine: sliders, and the run again at once |
//! | [`cli`] | the command line |
//!
//! # Author, assemble, run
//!
//! ```
//! use itbsim::scenario::load_str;
//! use itbsim::simulation::{Registry, RunOptions, simulate};
//!
//! let text = r#"
//! title = "The pump stalls"
//! duration = "3 d"
//!
//! [patient]
//! history = "established"
//!
//! [pump]
//! reservoir = { fill = "18 mL", concentration = "2 mg/mL" }
//!
//! [[programme]]
//! at = "0 d"
//! simple_continuous = "400 ug/day"
//!
//! [[fault]]
//! id = "stall"
//! kind = "pump.stall"
//! at = "12 h"
//! "#;
//! let registry = Registry::builtin();
//! let story = load_str("stall", text, None, &registry.catalog()).expect("a scenario without mistakes");
//! let run = simulate(&story.arms[0].scenario, &registry, &RunOptions::default()).expect("a run");
//!
//! let spasms = run.symptoms.iter().find(|s| s.symptom == "spasms_increased").expect("withdrawal");
//! assert!((3.0..48.0).contains(&(spasms.onset_h - 12.0)), "hours to two days after the stall");
//! assert!(run.ledger_residual < 1e-9);
//! ```
//!
//! # Promises
//!
//! Each is tested under its number (`promise_01_...` in `tests/`).
//!
//! 1. **Time** is [`SimTime`](engine::SimTime), an integer count of nanoseconds. Propagators get
//!    the difference of two integers, never an accumulated float. Overflow is an error.
//! 2. **Order** is (time, phase, rank, sequence), the phases being those of
//!    [`Phase`](engine::Phase) in their order. Observers are last, so a sample sees the settled
//!    value; a jump is drawn with both limits. Ranks come from names, so the order of blocks in
//!    a file changes nothing.
//! 3. **Same-instant** events are counted and limited; the limit is a typed error that carries
//!    the last events.
//! 4. **Cancelling** goes by a handle with a generation, is idempotent, and says whether it did
//!    anything.
//! 5. **State events** are located on the far side of their level, re-armed only past their
//!    hysteresis, and all that are simultaneous are reported. Signals that are sums of
//!    exponentials are searched with certified isolation; the response's nonlinear signals are
//!    sampled within each error-controlled step ([`SCANS_PER_STEP`](simulation::SCANS_PER_STEP)).
//! 6. **Cause**: every event keeps its parent; the chain is in the output.
//! 7. **Keyed draws**: a random number is a function of (seed, replicate, entity, purpose,
//!    ordinal), never of a shared stream.
//! 8. **Bit identity**: no iteration over hash maps, `libm` or our own sums for transcendental
//!    functions, no fused or reordered sums whatever the vector width, no wall clock in an
//!    artefact. The same bytes for any number of threads.
//! 9. **Fingerprint**: a 64-bit hash over (time, component, kind, payload) of every event but
//!    observers, printed at the end of each run, with golden values in the tests.
//! 10. **Snapshot**: [`Run::save`](simulation::Run::save) and
//!     [`Run::restore`](simulation::Run::restore); going on gives the bits of not stopping.
//! 11. **Ledger**: filled = reservoir + catheter + delivered + leaked + aspirated, and what the
//!     body got = in body + eliminated, checked at every event to 1e-9 relative.
//! 12. **Errors, not panics**, in the run loop: typed, with simulation time, component and event
//!     number.
#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod batch;
pub mod calc;
pub mod care;
pub mod catheter;
pub mod cli;
pub mod complications;
pub mod engine;
pub mod export;
pub mod flow;
pub mod hazards;
pub mod kinetics;
pub mod numerics;
pub mod pages;
pub mod parameters;
pub mod population;
pub mod pump;
pub mod quantity;
pub mod report;
pub mod response;
pub mod scenario;
pub mod serve;
pub mod signals;
pub mod simulation;
pub mod validate;
