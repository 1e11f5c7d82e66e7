//! The assembled linear system of a run, so that anyone can check the kinetics
//! in another language: `x' = A x + b` on each segment, outputs rows times `x`.

use std::collections::BTreeMap;

use nalgebra::DMatrix;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::kinetics::{Kinetics, Layout};

/// One stretch with constant matrix and input.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemSegment {
    /// Start \[h\].
    pub t0_h: f64,
    /// End \[h\].
    pub t1_h: f64,
    /// Rate matrix \[1/h\]; `None` while it is that of the segment before.
    pub a: Option<DMatrix<f64>>,
    /// Input \[ug/h\].
    pub b: Vec<f64>,
    /// Added to the state at `t0_h` \[ug\]; `None` when nothing is.
    pub jump: Option<Vec<f64>>,
}

/// All segments of a run with names, start and outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemTrace {
    /// Names of the states.
    pub states: Vec<String>,
    /// Unit of each state.
    pub units: Vec<&'static str>,
    /// Volume in which each state is dissolved \[mL\]; `None` where there is none of its own.
    pub volumes: Vec<Option<f64>>,
    /// State at time zero, before the first jump \[ug\].
    pub x0: Vec<f64>,
    /// Segments in order, without gaps.
    pub segments: Vec<SystemSegment>,
    /// Weights of each output on the states.
    pub outputs: BTreeMap<String, Vec<f64>>,
    /// The systems of other drugs, by id; each is apart from the others.
    pub drugs: BTreeMap<String, SystemTrace>,
}

struct Rows<'a>(&'a DMatrix<f64>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.0.nrows()))?;
        for i in 0..self.0.nrows() {
            rows.serialize_element(&self.0.row(i).iter().map(|v| v + 0.0).collect::<Vec<f64>>())?;
        }
        rows.end()
    }
}

impl Serialize for SystemSegment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("t0_h", &self.t0_h)?;
        map.serialize_entry("t1_h", &self.t1_h)?;
        if let Some(a) = &self.a {
            map.serialize_entry("A", &Rows(a))?;
        }
        map.serialize_entry("b", &self.b)?;
        if let Some(jump) = &self.jump {
            map.serialize_entry("jump", jump)?;
        }
        map.end()
    }
}

impl Serialize for SystemTrace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("states", &self.states)?;
        map.serialize_entry("units", &self.units)?;
        map.serialize_entry("volumes_ml", &self.volumes)?;
        map.serialize_entry("x0", &self.x0)?;
        map.serialize_entry("segments", &self.segments)?;
        map.serialize_entry("outputs", &self.outputs)?;
        if !self.drugs.is_empty() {
            map.serialize_entry("drugs", &self.drugs)?;
        }
        map.end()
    }
}

/// Collects segments while a run goes on.
#[derive(Debug, Clone)]
pub struct SystemRecorder {
    trace: SystemTrace,
    current_a: DMatrix<f64>,
}

impl SystemRecorder {
    /// Starts with the state at time zero.
    pub fn new(kinetics: &Kinetics, x0: Vec<f64>) -> Self {
        let columns = kinetics.columns().iter();
        Self::of_outputs(
            kinetics,
            x0,
            columns.map(|c| (c.name.clone(), c.weights.clone())).collect(),
        )
    }

    /// The same with these outputs, by name: those of another drug.
    pub fn of_outputs(kinetics: &Kinetics, x0: Vec<f64>, outputs: BTreeMap<String, Vec<f64>>) -> Self {
        let a = kinetics.system().matrix().clone();
        let first = SystemSegment {
            t0_h: 0.0,
            t1_h: 0.0,
            a: Some(a.clone()),
            b: kinetics.state().inputs.clone(),
            jump: None,
        };
        Self {
            trace: SystemTrace {
                states: Layout::names(),
                units: (0..Layout::LEN).map(Layout::unit).collect(),
                volumes: (0..Layout::LEN).map(|i| kinetics.volumes().of(i)).collect(),
                x0,
                segments: vec![first],
                outputs,
                drugs: BTreeMap::new(),
            },
            current_a: a,
        }
    }

    /// The system as it stands from `t_h` on; several changes at one instant make one segment.
    pub fn change(&mut self, t_h: f64, a: &DMatrix<f64>, b: &[f64], jump: Option<&[(usize, f64)]>) {
        let n = self.trace.states.len();
        let at_start = self.trace.segments.last().is_some_and(|s| s.t0_h == t_h);
        if !at_start {
            if let Some(last) = self.trace.segments.last_mut() {
                last.t1_h = t_h;
            }
            self.trace.segments.push(SystemSegment {
                t0_h: t_h,
                t1_h: t_h,
                a: None,
                b: b.to_vec(),
                jump: None,
            });
        }
        let Some(last) = self.trace.segments.last_mut() else {
            return;
        };
        last.b = b.to_vec();
        if *a != self.current_a {
            last.a = Some(a.clone());
            self.current_a = a.clone();
        }
        if let Some(additions) = jump {
            let total = last.jump.get_or_insert_with(|| vec![0.0; n]);
            for (state, amount) in additions {
                total[*state] += amount;
            }
        }
    }

    /// Closes the last segment.
    pub fn finish(mut self, t_h: f64) -> SystemTrace {
        if let Some(last) = self.trace.segments.last_mut() {
            last.t1_h = t_h;
        }
        self.trace
    }
}
