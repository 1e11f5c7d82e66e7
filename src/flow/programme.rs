//! What the programme asks for, as a function of time.

use crate::engine::SimTime;
use crate::scenario::flow_bench::{Change, TestSpec};

/// A staircase of flows with boluses on top.
#[derive(Debug, Clone, PartialEq)]
pub struct Requested {
    /// Since when, flow from then on, volume by then \[mL/h, mL\].
    steps: Vec<(SimTime, f64, f64)>,
}

impl Requested {
    /// The programme of a test.
    pub fn new(spec: &TestSpec) -> Self {
        let mut edges: Vec<SimTime> = vec![SimTime::ZERO];
        let mut boluses = Vec::new();
        for s in &spec.stimuli {
            match s.change {
                Change::Rate(_) => edges.push(s.at),
                Change::Bolus { volume, over } => {
                    // Beyond the clock it never ends, which is as good.
                    let end = s.at.due_after(over).unwrap_or(SimTime::MAX);
                    edges.extend([s.at, end]);
                    boluses.push((s.at, end, volume / over));
                }
                _ => {}
            }
        }
        edges.sort_unstable();
        edges.dedup();
        let base = |at: SimTime| {
            let mut last = (SimTime::ZERO, spec.rate);
            for s in &spec.stimuli {
                if let Change::Rate(rate) = s.change
                    && s.at <= at
                    && s.at >= last.0
                {
                    last = (s.at, rate);
                }
            }
            last.1
        };
        let mut steps: Vec<(SimTime, f64, f64)> = Vec::new();
        for at in edges {
            let volume = match steps.last() {
                Some((since, rate, volume)) => volume + rate * at.hours_since(*since),
                None => 0.0,
            };
            let extra: f64 = boluses
                .iter()
                .filter(|(from, to, _)| *from <= at && at < *to)
                .map(|b| b.2)
                .sum();
            steps.push((at, base(at) + extra, volume));
        }
        Requested { steps }
    }

    fn step(&self, at: SimTime) -> (SimTime, f64, f64) {
        let index = self.steps.partition_point(|s| s.0 <= at);
        // The first step is at time zero, before which nothing is asked.
        self.steps[index.max(1) - 1]
    }

    /// Flow asked for \[mL/h\].
    pub fn rate(&self, at: SimTime) -> f64 {
        self.step(at).1
    }

    /// Volume asked for since the start \[mL\].
    pub fn volume(&self, at: SimTime) -> f64 {
        let (since, rate, volume) = self.step(at);
        volume + rate * at.hours_since(since)
    }

    /// Lowest flow above zero that is ever asked for; infinite if none is \[mL/h\].
    pub fn lowest(&self) -> f64 {
        let flows = self.steps.iter().map(|s| s.1).filter(|q| *q > 0.0);
        flows.fold(f64::INFINITY, f64::min)
    }

    /// Changes of the flow: when, from what, to what \[h, mL/h\].
    pub fn changes(&self) -> Vec<(f64, f64, f64)> {
        self.steps
            .windows(2)
            .map(|w| (w[1].0.hours(), w[0].1, w[1].1))
            .collect()
    }
}
