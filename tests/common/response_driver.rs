//! A small closed loop of kinetics and response for tests: no pump, no catheter, and
//! symptoms looked at once per step instead of being located.
#![allow(dead_code)] // each test binary uses its part

use itbsim::engine::SimTime;
use itbsim::kinetics::{Body, Kinetics, Reading, Site};
use itbsim::numerics::{Scratch, Stepper, Tolerances};
use itbsim::parameters::ParameterSet;
use itbsim::response::{Baseline, EffectModels, Exposure, Response, Signals, Slow, Step, SymptomState, Watch, watches};
use itbsim::signals::{Destination, Level};

pub fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

pub fn csf(level: Level) -> Site {
    Site::Stream(Destination::Csf(level))
}

/// One sample: time [h], concentrations, signals.
pub struct Sample {
    pub t: f64,
    pub reading: Reading,
    pub signals: Signals,
}

/// A begin or an end of a symptom.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub t: f64,
    pub name: &'static str,
    pub onset: bool,
}

pub struct Patient {
    pub kinetics: Kinetics,
    pub response: Response,
    pub ventilated: bool,
    pub samples: Vec<Sample>,
    pub events: Vec<Event>,
    stepper: Stepper,
    scratch: Scratch,
    symptoms: Vec<(Watch, SymptomState, Option<f64>)>,
    now: f64,
}

pub const SPASTIC: Baseline = Baseline {
    ashworth_legs: 3.0,
    ashworth_arms: 2.0,
    spasm_score: 3.3,
    injury: None,
};

/// Longest step, which is also the resolution of the samples [h].
const STEP_H: f64 = 0.1;

impl Patient {
    pub fn with(body: Body, baseline: Baseline, parameters: &ParameterSet) -> Patient {
        let model = EffectModels::default().build("emax", parameters).unwrap();
        let response = Response::new(baseline, model, parameters);
        let tolerances = Tolerances {
            rtol: 1e-6,
            atol: response.absolute_tolerances(),
            max_steps: 10_000_000,
        };
        let mut stepper = Stepper::new(Slow::LEN, tolerances).unwrap();
        stepper.restart(0.0, &response.naive());
        Patient {
            kinetics: Kinetics::new(body, parameters).unwrap(),
            response,
            ventilated: false,
            samples: Vec::new(),
            events: Vec::new(),
            stepper,
            scratch: Scratch::default(),
            symptoms: watches(parameters)
                .into_iter()
                .map(|w| (w, SymptomState::default(), None))
                .collect(),
            now: 0.0,
        }
    }

    pub fn naive() -> Patient {
        Patient::with(Body::default(), SPASTIC, &ParameterSet::default())
    }

    /// Months of undisturbed inputs [ug/h].
    pub fn settled(mut self, inputs: &[(Site, f64)]) -> Patient {
        self.kinetics.settle(at(self.now), inputs).unwrap();
        let exposure = self.exposure(self.now);
        let y = self.response.equilibrium(&exposure);
        self.stepper.restart(self.now, &y);
        self
    }

    /// An established patient on so many ug/day through a tip at T10.
    pub fn established(dose_per_day: f64) -> Patient {
        Patient::naive().settled(&[(csf(Level::T10), dose_per_day / 24.0)])
    }

    pub fn infuse(&mut self, level: Level, dose_per_day: f64) {
        self.kinetics
            .set_input(at(self.now), csf(level), dose_per_day / 24.0)
            .unwrap();
        self.restart();
    }

    pub fn give(&mut self, site: Site, amount: f64) {
        self.kinetics.add(at(self.now), site, amount).unwrap();
        self.restart();
    }

    pub fn ventilate(&mut self, on: bool) {
        self.ventilated = on;
        self.restart();
    }

    fn restart(&mut self) {
        let y = self.stepper.state().to_vec();
        self.stepper.restart(self.now, &y);
    }

    fn exposure(&mut self, t: f64) -> Exposure {
        let d = self.kinetics.drive(at(t), &mut self.scratch).unwrap();
        Exposure {
            effect: d.effect,
            benzodiazepine: d.benzodiazepine,
            cyproheptadine: d.cyproheptadine,
            ventilated: self.ventilated,
            ..Exposure::default()
        }
    }

    pub fn slow(&self) -> &[f64] {
        self.stepper.state()
    }

    pub fn signals(&mut self) -> Signals {
        let exposure = self.exposure(self.now);
        self.response.signals(&exposure, self.stepper.state())
    }

    pub fn reading(&mut self) -> Reading {
        self.kinetics.reading(at(self.now), &mut self.scratch).unwrap()
    }

    pub fn run_until(&mut self, end: f64) {
        self.sample();
        while self.now < end {
            let kinetics = &self.kinetics;
            let response = &self.response;
            let ventilated = self.ventilated;
            let scratch = &mut self.scratch;
            let origin = kinetics.origin().hours();
            // A sliver before the end would be below the resolution of time.
            let limit = if end - self.now < 1.001 * STEP_H {
                end
            } else {
                self.now + STEP_H
            };
            while self.stepper.last_step().t1 < limit {
                let rhs = |t: f64, y: &[f64], dy: &mut [f64]| {
                    let d = kinetics.drive_after(t - origin, scratch);
                    let exposure = Exposure {
                        effect: d.effect,
                        benzodiazepine: d.benzodiazepine,
                        cyproheptadine: d.cyproheptadine,
                        ventilated,
                        ..Exposure::default()
                    };
                    response.derivative(&exposure, y, dy);
                };
                self.stepper.step(rhs, limit, STEP_H).unwrap();
            }
            self.now = limit;
            self.sample();
        }
    }

    fn sample(&mut self) {
        let signals = self.signals();
        let reading = self.reading();
        let t = self.now;
        for (watch, state, timer) in &mut self.symptoms {
            let value = watch.symptom.select(&signals);
            state.observe(watch, value);
            let mut steps = Vec::new();
            if timer.is_some_and(|due| due <= t) {
                *timer = None;
                steps.push(state.dwell_over(watch, value));
            }
            if watch.has_crossed(state.phase, value)
                && let Some((_, what)) = watch.awaited(state.phase)
            {
                steps.push(state.crossed(watch, what, value));
            }
            for step in steps {
                match step {
                    Step::Nothing => {}
                    Step::StartDwell(h) => *timer = Some(t + h),
                    Step::CancelDwell => *timer = None,
                    Step::Onset => self.events.push(Event {
                        t,
                        name: watch.symptom.name,
                        onset: true,
                    }),
                    Step::Resolved { .. } => {
                        self.events.push(Event {
                            t,
                            name: watch.symptom.name,
                            onset: false,
                        });
                    }
                }
            }
        }
        self.samples.push(Sample { t, reading, signals });
    }

    pub fn onset(&self, name: &str) -> Option<f64> {
        self.events.iter().find(|e| e.onset && e.name == name).map(|e| e.t)
    }

    pub fn resolved(&self, name: &str) -> Option<f64> {
        self.events
            .iter()
            .rev()
            .find(|e| !e.onset && e.name == name)
            .map(|e| e.t)
    }

    /// The sample nearest to `t`.
    pub fn at(&self, t: f64) -> &Sample {
        self.samples
            .iter()
            .min_by(|a, b| (a.t - t).abs().total_cmp(&(b.t - t).abs()))
            .unwrap()
    }

    pub fn first(&self, test: impl Fn(&Sample) -> bool) -> Option<f64> {
        self.samples.iter().find(|s| test(s)).map(|s| s.t)
    }

    pub fn last(&self, test: impl Fn(&Sample) -> bool) -> Option<f64> {
        self.samples.iter().rev().find(|s| test(s)).map(|s| s.t)
    }

    pub fn peak(&self, value: impl Fn(&Sample) -> f64) -> (f64, f64) {
        let best = self
            .samples
            .iter()
            .max_by(|a, b| value(a).total_cmp(&value(b)))
            .unwrap();
        (best.t, value(best))
    }
}
