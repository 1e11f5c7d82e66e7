//! What drives the response through one stretch between two changes, for the many questions of
//! an integrator.

use crate::complications::Ailments;
use crate::engine::SimTime;
use crate::kinetics::{DriveCourse, Kinetics, SiteDrive};
use crate::numerics::Scratch;
use crate::numerics::stepper::{NODES, Slopes};
use crate::response::{Exposure, Response, Sites};

use super::drugs::DrugRun;
use super::error::SimError;

/// Kinetics of all drugs of one patient.
#[derive(Clone, Copy)]
pub struct Drives<'a> {
    /// Of baclofen.
    pub baclofen: &'a Kinetics,
    /// Of the others, in the order of the scenario.
    pub others: &'a [DrugRun],
}

/// Concentrations of all drugs at their effect sites.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Drive {
    /// Baclofen and the rescue drugs.
    pub baclofen: SiteDrive,
    /// The others \[ug/mL\].
    pub others: Sites,
}

impl Drive {
    /// Number of concentrations and amounts in it, with so many other drugs.
    fn channels(drugs: usize) -> usize {
        6 + 4 * drugs
    }

    /// One of them.
    fn channel(&self, place: usize) -> f64 {
        match place {
            0..4 => self.baclofen.effect[place],
            4 => self.baclofen.benzodiazepine,
            5 => self.baclofen.cyproheptadine,
            _ => self.others[(place - 6) / 4][(place - 6) % 4],
        }
    }
}

impl Drives<'_> {
    /// Concentrations at an instant not before the last change.
    pub fn at(&self, at: SimTime) -> Result<Drive, SimError> {
        let baclofen = self.baclofen.drive(at, &mut self.baclofen.scratch())?;
        let mut others = Sites::default();
        for (sites, drug) in others.iter_mut().zip(self.others) {
            *sites = drug.kinetics.drive(at, &mut drug.kinetics.scratch())?.effect;
        }
        Ok(Drive { baclofen, others })
    }
}

/// What drives the response through one stretch. Times are hours after the origin of baclofen's
/// kinetics.
pub(super) struct Driver<'a> {
    kinetics: &'a Kinetics,
    baclofen: Line<'a>,
    others: Vec<Line<'a>>,
    /// Answers known beforehand: those at the start and the nodes of the step tried last.
    nodes: [(f64, Drive); 1 + NODES.len()],
    /// The last answer that was not.
    last: (f64, Drive),
}

/// A difference between two nodes below this share of the larger is none: so small a hump is no sign
/// of anything.
const SAME: f64 = 1e-5;

/// The kinetics of one drug through one stretch.
struct Line<'a> {
    kinetics: &'a Kinetics,
    /// How long its origin lies after that of baclofen \[h\].
    behind: f64,
    /// The cheap form, where there is one.
    course: Option<&'a DriveCourse>,
    scratch: Scratch,
}

impl<'a> Line<'a> {
    fn new(kinetics: &'a Kinetics, reference: &Kinetics) -> Self {
        Line {
            kinetics,
            behind: kinetics.origin().hours_since(reference.origin()),
            course: kinetics.course(),
            scratch: kinetics.scratch(),
        }
    }

    fn after(&mut self, dt_h: f64) -> SiteDrive {
        let dt_h = dt_h - self.behind;
        match &self.course {
            Some(course) => course.at(dt_h),
            None => self.kinetics.drive_after(dt_h, &mut self.scratch),
        }
    }

    /// At the start and the nodes of a step, which lie at `instants`.
    fn along(&mut self, span: f64, instants: &[f64; 1 + NODES.len()]) -> [SiteDrive; 1 + NODES.len()] {
        match &self.course {
            Some(course) => course.along(instants[0] - self.behind, span),
            None => instants.map(|dt_h| self.after(dt_h)),
        }
    }

    fn settled(&self, dt_h: f64) -> bool {
        self.course
            .as_ref()
            .is_some_and(|c| c.settled_after() <= dt_h - self.behind)
    }
}

impl<'a> Driver<'a> {
    pub(super) fn new(drives: Drives<'a>) -> Self {
        let kinetics = drives.baclofen;
        Driver {
            kinetics,
            baclofen: Line::new(kinetics, kinetics),
            others: drives.others.iter().map(|d| Line::new(&d.kinetics, kinetics)).collect(),
            nodes: [(f64::NAN, Drive::default()); 1 + NODES.len()],
            last: (f64::NAN, Drive::default()),
        }
    }

    /// The drive at `dt_h` \[h\].
    pub(super) fn after(&mut self, dt_h: f64) -> &Drive {
        if let Some(place) = self.nodes.iter().rposition(|(at, _)| *at == dt_h) {
            return &self.nodes[place].1;
        }
        if self.last.0 != dt_h {
            self.last = (dt_h, self.ask(dt_h));
        }
        &self.last.1
    }

    fn ask(&mut self, dt_h: f64) -> Drive {
        let mut drive = Drive {
            baclofen: self.baclofen.after(dt_h),
            others: Sites::default(),
        };
        for (sites, line) in drive.others.iter_mut().zip(&mut self.others) {
            *sites = line.after(dt_h).effect;
        }
        drive
    }

    /// Computes the drive at the start and at the nodes of a step of `span` \[h\], which lie at `instants`.
    fn along(&mut self, span: f64, instants: &[f64; 1 + NODES.len()]) {
        let baclofen = self.baclofen.along(span, instants);
        for (node, (at, baclofen)) in self.nodes.iter_mut().zip(instants.iter().zip(baclofen)) {
            (node.0, node.1.baclofen) = (*at, baclofen);
        }
        for (drug, line) in self.others.iter_mut().enumerate() {
            let sites = line.along(span, instants);
            for ((_, drive), sites) in self.nodes.iter_mut().zip(sites) {
                drive.others[drug] = sites.effect;
            }
        }
    }

    /// An instant inside the step made last \[h\] of which the drive is known.
    pub(super) fn inside(&self) -> f64 {
        self.nodes[2].0
    }

    /// Where in the step made last \[h\] a concentration at an effect site, or a rescue drug, turns
    /// round. A hump is seen by what its nodes show: two of them lie close together on either
    /// side of the middle, so that one cannot hide there; next to an end it may be missed by as
    /// much as it bends within a fifth of the step.
    pub(super) fn turns(&self, out: &mut Vec<f64>) {
        let drugs = self.others.len();
        for channel in 0..Drive::channels(drugs) {
            let nodes: [(f64, f64); 1 + NODES.len()] =
                std::array::from_fn(|i| (self.nodes[i].0, self.nodes[i].1.channel(channel)));
            let mut rising: Option<(usize, bool)> = None;
            for i in 1..nodes.len() {
                let (before, here) = (nodes[i - 1].1, nodes[i].1);
                if (here - before).abs() <= SAME * here.abs().max(before.abs()) {
                    continue;
                }
                let up = here > before;
                if let Some((since, was_up)) = rising
                    && was_up != up
                {
                    let bracket = [nodes[since - 1], nodes[since], nodes[i]];
                    out.push(vertex(bracket));
                }
                rising = Some((i, up));
            }
        }
    }

    pub(super) fn at(&mut self, time: SimTime) -> &Drive {
        self.after(time.hours_since(self.kinetics.origin()))
    }

    /// Whether the drive stands still from here on.
    pub(super) fn settled(&self, dt_h: f64) -> bool {
        self.baclofen.settled(dt_h) && self.others.iter().all(|line| line.settled(dt_h))
    }
}

/// The slopes of the slow states through one stretch; times are hours after `origin`.
pub(super) struct SlowSlopes<'r, 'a> {
    pub response: &'r Response,
    pub driver: &'r mut Driver<'a>,
    /// `origin` \[h\] for the driver.
    pub offset: f64,
    pub ailments: &'r Ailments,
    pub origin: SimTime,
    pub ventilated: bool,
    pub cooled: bool,
}

/// Where the parabola through three nodes turns round, of which the middle one is beyond both others.
fn vertex([(ta, a), (tb, b), (tc, c)]: [(f64, f64); 3]) -> f64 {
    let (left, right) = ((b - a) / (tb - ta), (c - b) / (tc - tb));
    // These are the slopes at the middles of both parts.
    let (from, to) = (0.5 * (ta + tb), 0.5 * (tb + tc));
    from + (to - from) * (left / (left - right))
}

impl Slopes for SlowSlopes<'_, '_> {
    fn ahead(&mut self, from: f64, span: f64, instants: &[f64; NODES.len()]) {
        let [a, b, c, d, e] = *instants;
        let instants = [from, a, b, c, d, e].map(|t| self.offset + t);
        self.driver.along(span, &instants);
    }

    fn slopes(&mut self, t: f64, y: &[f64], dy: &mut [f64]) {
        let ailing = self.ailments.signs_after(self.origin, t);
        let drive = self.driver.after(self.offset + t);
        let exposure = exposure(drive, self.ventilated, self.cooled, ailing);
        self.response.derivative(&exposure, y, dy);
    }
}

/// What the body is exposed to.
pub(super) fn exposure(drive: &Drive, ventilated: bool, cooled: bool, ailing: crate::signals::Ailing) -> Exposure {
    let d = &drive.baclofen;
    Exposure {
        effect: d.effect,
        benzodiazepine: d.benzodiazepine,
        cyproheptadine: d.cyproheptadine,
        ventilated,
        cooled,
        others: drive.others,
        ailing,
    }
}
