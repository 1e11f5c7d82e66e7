//! What drives the response through one stretch between two changes, for the many questions of
//! an integrator.

use crate::engine::SimTime;
use crate::kinetics::{DriveAlong, DriveCourse, Kinetics, SiteDrive};
use crate::numerics::Scratch;
use crate::numerics::collocation::{LANES, SHARES};
use crate::response::{Exposure, Forces, Sites};

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
    /// The last answer.
    last: (f64, Drive),
}

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

    /// At the nodes of a step of `span` \[h\].
    fn along(&mut self, from: f64, span: f64) -> DriveAlong {
        match &self.course {
            Some(course) => course.along(from - self.behind, span),
            None => DriveAlong::from_nodes(&SHARES.map(|share| self.after(from + share * span))),
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
            last: (f64::NAN, Drive::default()),
        }
    }

    /// The drive at `dt_h` \[h\].
    pub(super) fn after(&mut self, dt_h: f64) -> &Drive {
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

    /// Computes the drive at the nodes of a step of `span` \[h\] that begins at `from` \[h\].
    pub(super) fn along(&mut self, from: f64, span: f64, forces: &mut Forces) {
        let drive = self.baclofen.along(from, span);
        forces.effect = drive.effect;
        (forces.benzodiazepine, forces.cyproheptadine) = (drive.benzodiazepine, drive.cyproheptadine);
        if self.others.is_empty() {
            forces.others = None;
            return;
        }
        let others = forces.others.get_or_insert_default();
        for (drug, line) in self.others.iter_mut().enumerate() {
            let drive = line.along(from, span);
            for node in 0..LANES {
                others[node][drug] = drive.effect.map(|row| row[node]);
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
