//! The drug state of one patient and every question about it.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;
use crate::numerics::collocation::{LANES, Row};
use crate::numerics::{
    Bundle, Coordinates, ExponentialSum, Forcing, LinearSystem, NumericsError, Rows, Scratch, steady,
};
use crate::parameters::ParameterSet;
use crate::signals::{Level, Region};

use super::columns::{Column, columns, place};
use super::layout::{LEVELS, Layout, Site};
use super::matrix::{Flows, Volumes, build};
use super::prepared::{Prepared, Solved, prepare, solved};
use super::rest::Rest;
use super::{Body, KineticsError, check_time};

/// Systems kept; a leak that grows in many steps does not fill the memory. A leak that comes and
/// goes passes through some thirty.
const KEPT: usize = 64;

/// Most systems made in one run. Each costs a millisecond or two, so a flow that never takes a value
/// twice would keep a run busy for longer than anybody waits.
pub(crate) const SYSTEM_LIMIT: u32 = 50_000;

/// What has to be stored to go on later; serialises to the same bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KineticsState {
    /// Instant of the last change.
    pub origin: SimTime,
    /// Flows in force.
    pub flows: Flows,
    /// Constant input to each state since the origin \[ug/h\], \[mg/h\].
    pub inputs: Vec<f64>,
    /// Baclofen put in up to the origin \[ug\].
    pub dosed: f64,
    /// State at the origin in the coordinates of the system of `flows`; empty at rest.
    pub coordinates: Coordinates,
    /// The same in its place, where nothing has moved since the patient was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

/// What drives the response, at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SiteDrive {
    /// Effective concentration by region, in the order of [`Region::ALL`] \[ug/mL\].
    pub effect: [f64; 4],
    /// Benzodiazepine at its site, as diazepam \[mg\].
    pub benzodiazepine: f64,
    /// Cyproheptadine at its site \[mg\].
    pub cyproheptadine: f64,
}

/// What drives the response, from effect sites \[ug/L\] and amounts of rescue drugs \[mg\]; an empty place
/// may come out as minus rounding.
fn site_drive(effect: [f64; 4], rescue: Option<[f64; 2]>) -> SiteDrive {
    let [benzodiazepine, cyproheptadine] = rescue.map_or([0.0; 2], |two| two.map(|v| v.max(0.0)));
    SiteDrive {
        effect: effect.map(|v| 1e-3 * v.max(0.0)),
        benzodiazepine,
        cyproheptadine,
    }
}

/// [`SiteDrive`] at the nodes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DriveAlong {
    /// Effective concentration by region \[ug/mL\].
    pub effect: [Row; 4],
    /// Benzodiazepine at its site, as diazepam \[mg\].
    pub benzodiazepine: Row,
    /// Cyproheptadine at its site \[mg\].
    pub cyproheptadine: Row,
}

impl DriveAlong {
    /// From the drive at each node.
    pub fn from_nodes(nodes: &[SiteDrive; LANES]) -> DriveAlong {
        let of = |select: &dyn Fn(&SiteDrive) -> f64| nodes.each_ref().map(select);
        DriveAlong {
            effect: std::array::from_fn(|region| of(&|node| node.effect[region])),
            benzodiazepine: of(&|node| node.benzodiazepine),
            cyproheptadine: of(&|node| node.cyproheptadine),
        }
    }
}

/// [`SiteDrive`] between two events as a function of time; see [`Kinetics::course`].
#[derive(Debug, Clone)]
pub struct DriveCourse {
    effect: Bundle<4>,
    /// Rescue drugs, where there are any.
    rescue: Option<Bundle<2>>,
}

impl DriveCourse {
    /// From here on nothing changes any more \[h\] after the origin.
    pub fn settled_after(&self) -> f64 {
        let rescue = self.rescue.as_ref().map_or(0.0, Bundle::settled_after);
        self.effect.settled_after().max(rescue)
    }

    /// The drive `dt_h` \[h\] after the origin.
    pub fn at(&self, dt_h: f64) -> SiteDrive {
        let dt_h = dt_h.max(0.0);
        let rescue = self.rescue.as_ref().map(|bundle| bundle.values(dt_h));
        site_drive(self.effect.values(dt_h), rescue)
    }

    /// The drive at the nodes of a step of `span` \[h\] that begins `dt_h` \[h\] after the origin.
    pub fn along(&self, dt_h: f64, span: f64) -> DriveAlong {
        let dt_h = dt_h.max(0.0);
        let effect = self.effect.along(dt_h, span);
        let rescue = self
            .rescue
            .as_ref()
            .map_or([[0.0; LANES]; 2], |bundle| bundle.along(dt_h, span));
        let [benzodiazepine, cyproheptadine] = rescue.map(|row| row.map(|v| v.max(0.0)));
        DriveAlong {
            effect: effect.map(|row| row.map(|v| 1e-3 * v.max(0.0))),
            benzodiazepine,
            cyproheptadine,
        }
    }
}

/// Concentrations and the ledger at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Spinal fluid by level, caudal to rostral \[ug/mL\].
    pub csf: [f64; LEVELS],
    /// Cisternal fluid \[ug/mL\].
    pub cisternal: f64,
    /// Cranial fluid \[ug/mL\].
    pub cranial: f64,
    /// Plasma \[ug/mL\].
    pub plasma: f64,
    /// Brain tissue \[ug/mL\].
    pub brain: f64,
    /// What drives the response.
    pub drive: SiteDrive,
    /// In the body, depots and gut included \[ug\].
    pub in_body: f64,
    /// Eliminated, never absorbed, or lost with fluid \[ug\].
    pub eliminated: f64,
    /// Put in so far \[ug\]; `in_body + eliminated` to rounding.
    pub dosed: f64,
}

/// The drug in one patient.
///
/// State is an origin, coordinates there, and constant inputs since. Questions
/// (`&self`) never move the origin; only a change that is one does, so that
/// looking, and setting what is set already, leave every later bit as it was.
#[derive(Debug, Clone)]
pub struct Kinetics {
    body: Body,
    parameters: Arc<ParameterSet>,
    volumes: Volumes,
    columns: Arc<Vec<Column>>,
    systems: Vec<Arc<Prepared>>,
    /// Systems made so far.
    made: u32,
    current: Arc<Prepared>,
    forcing: Forcing,
    state: KineticsState,
    /// What a patient at rest becomes once inputs differ, computed at the first question.
    woken: OnceLock<(Coordinates, Forcing)>,
    /// Replaced with every change, so that a look knows whether it is still true.
    stamp: Arc<()>,
    /// What drives the response from the origin on, computed at the first question.
    course: OnceLock<Option<DriveCourse>>,
    /// Room for the next inputs.
    spare: Vec<f64>,
}

impl Kinetics {
    /// A patient without drug at time zero, supine, nothing running.
    ///
    /// # Errors
    /// [`KineticsError`] if body and parameters contradict one another.
    pub fn new(body: Body, parameters: &ParameterSet) -> Result<Kinetics, KineticsError> {
        Self::under(body, parameters, Flows::default())
    }

    /// As [`Kinetics::new`], with the flows in force from the start: only their matrix is decomposed.
    ///
    /// # Errors
    /// As [`Kinetics::new`] and [`Kinetics::set_flows`].
    pub fn under(body: Body, parameters: &ParameterSet, flows: Flows) -> Result<Kinetics, KineticsError> {
        if !(body.weight.is_finite() && body.weight > 0.0) {
            return Err(KineticsError::Body {
                what: "body weight",
                value: body.weight,
            });
        }
        if !(body.renal_function.is_finite() && body.renal_function >= 0.0) {
            return Err(KineticsError::Body {
                what: "renal function",
                value: body.renal_function,
            });
        }
        let (matrix, volumes) = build(&body, parameters, &flows)?;
        let columns = Arc::new(columns(&volumes));
        let current = prepare(flows, matrix)?;
        let inputs = vec![0.0; Layout::LEN];
        Ok(Kinetics {
            body,
            parameters: Arc::new(parameters.clone()),
            volumes,
            columns,
            systems: vec![current.clone()],
            made: 1,
            forcing: Forcing::default(),
            state: KineticsState {
                origin: SimTime::ZERO,
                flows,
                coordinates: Coordinates::default(),
                // Nothing in a body without drug moves.
                rest: Some(Rest::empty()),
                inputs,
                dosed: 0.0,
            },
            woken: OnceLock::new(),
            stamp: Arc::default(),
            course: OnceLock::new(),
            spare: Vec::new(),
            current,
        })
    }

    fn solved(&self) -> &Solved {
        solved(&self.current, &self.columns)
    }

    /// Whether the state is held as amounts that stay under the present inputs.
    fn resting(&self) -> Option<&Rest> {
        self.state.rest.as_ref().filter(|rest| rest.inputs == self.state.inputs)
    }

    /// State and inputs at the origin in modal coordinates.
    fn modal(&self) -> (&Coordinates, &Forcing) {
        let Some(rest) = &self.state.rest else {
            return (&self.state.coordinates, &self.forcing);
        };
        let (coordinates, forcing) = self.woken.get_or_init(|| {
            let system = &self.solved().system;
            (system.coordinates(&rest.amounts), system.forcing(&self.state.inputs))
        });
        (coordinates, forcing)
    }

    /// Says that what was seen or computed before holds no more.
    fn moved(&mut self) {
        self.stamp = Arc::default();
        self.course = OnceLock::new();
    }

    /// Gives up rest: from here on the state is held by its modes.
    fn wake(&mut self) {
        if self.state.rest.is_some() {
            let (coordinates, forcing) = self.modal();
            (self.state.coordinates, self.forcing) = (coordinates.clone(), forcing.clone());
            self.state.rest = None;
            self.woken = OnceLock::new();
        }
    }

    /// The system in force, with the matrix that is used; decomposed now, if that was not needed yet.
    pub fn system(&self) -> &LinearSystem {
        &self.solved().system
    }

    /// Whether the matrix in force was decomposed.
    #[cfg(test)]
    pub(super) fn is_decomposed(&self) -> bool {
        self.current.is_decomposed()
    }

    /// An empty scratch, to be reused.
    pub fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// Volumes behind the concentrations.
    pub fn volumes(&self) -> &Volumes {
        &self.volumes
    }

    /// All outputs with their weights.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What has to be stored.
    pub fn state(&self) -> &KineticsState {
        &self.state
    }

    /// Instant of the last change.
    pub fn origin(&self) -> SimTime {
        self.state.origin
    }

    /// Continues from a stored state of the same body and parameters.
    ///
    /// # Errors
    /// [`KineticsError`] if the flows in it are impossible.
    pub fn restore(&mut self, state: KineticsState) -> Result<(), KineticsError> {
        self.current = self.prepared(state.flows)?;
        self.forcing = match &state.rest {
            Some(_) => Forcing::default(),
            None => self.solved().system.forcing(&state.inputs),
        };
        self.woken = OnceLock::new();
        self.state = state;
        self.moved();
        Ok(())
    }

    /// Replaces all inputs at once: sites not listed get nothing from `now` on.
    ///
    /// Rates are in \[ug/h\], for rescue drugs in \[mg/h\]; a site listed twice gets the sum.
    ///
    /// # Errors
    /// [`KineticsError::Input`], [`KineticsError::Backwards`].
    pub fn set_inputs(&mut self, now: SimTime, inputs: &[(Site, f64)]) -> Result<(), KineticsError> {
        self.set_inputs_seen(now, inputs, &mut Scratch::default())
    }

    /// As [`Kinetics::set_inputs`], for a caller who has just looked at `now`: what
    /// the look computed is the new origin. The bits are the same.
    ///
    /// # Errors
    /// As [`Kinetics::set_inputs`].
    pub fn set_inputs_seen(
        &mut self,
        now: SimTime,
        inputs: &[(Site, f64)],
        seen: &mut Scratch,
    ) -> Result<(), KineticsError> {
        let mut rates = std::mem::take(&mut self.spare);
        rates.clear();
        rates.resize(Layout::LEN, 0.0);
        for &(site, rate) in inputs {
            check_input(Layout::of(site), rate)?;
            rates[Layout::of(site)] += rate;
        }
        self.set_rates(now, rates, seen)
    }

    /// Changes the input of one site and leaves the others.
    ///
    /// # Errors
    /// As [`Kinetics::set_inputs`].
    pub fn set_input(&mut self, now: SimTime, site: Site, rate: f64) -> Result<(), KineticsError> {
        check_input(Layout::of(site), rate)?;
        let mut rates = self.state.inputs.clone();
        rates[Layout::of(site)] = rate;
        self.set_rates(now, rates, &mut Scratch::default())
    }

    fn set_rates(&mut self, now: SimTime, rates: Vec<f64>, seen: &mut Scratch) -> Result<(), KineticsError> {
        check_time(now, self.state.origin)?;
        let mut unused = rates;
        if unused != self.state.inputs {
            self.rebase_on(now, seen)?;
            if self.state.rest.is_none() {
                let system = &solved(&self.current, &self.columns).system;
                system.force(&unused, &mut self.forcing);
            }
            self.woken = OnceLock::new();
            std::mem::swap(&mut self.state.inputs, &mut unused);
            self.moved();
        }
        self.spare = unused;
        Ok(())
    }

    /// Puts an amount \[ug\], for a rescue drug \[mg\], into a site at once.
    ///
    /// # Errors
    /// As [`Kinetics::set_inputs`].
    pub fn add(&mut self, now: SimTime, site: Site, amount: f64) -> Result<(), KineticsError> {
        let index = Layout::of(site);
        check_input(index, amount)?;
        check_time(now, self.state.origin)?;
        if amount != 0.0 {
            self.rebase(now)?;
            self.wake();
            let system = &solved(&self.current, &self.columns).system;
            system.add(&mut self.state.coordinates, index, amount);
            self.moved();
            if Layout::is_ledger(index) {
                self.state.dosed += amount;
            }
        }
        Ok(())
    }

    /// Pushes a share of the subdural depot into the fluid at a level at once, as
    /// contrast through the catheter does (Lew 2005). Returns the amount \[ug\].
    ///
    /// # Errors
    /// As [`Kinetics::set_inputs`].
    pub fn flush_depot(&mut self, now: SimTime, share: f64, level: Level) -> Result<f64, KineticsError> {
        self.shift(now, Layout::SUBDURAL, Layout::csf(level), share)
    }

    /// Draws a share of a site's content out of the body, as when a pocket is
    /// aspirated; it is booked as lost with fluid. Returns the amount \[ug\].
    ///
    /// # Errors
    /// As [`Kinetics::set_inputs`].
    pub fn withdraw(&mut self, now: SimTime, site: Site, share: f64) -> Result<f64, KineticsError> {
        let from = Layout::of(site);
        if !Layout::is_ledger(from) {
            return Err(KineticsError::Input {
                site: Layout::names()[from].clone(),
                value: share,
            });
        }
        self.shift(now, from, Layout::LOST, share)
    }

    fn shift(&mut self, now: SimTime, from: usize, to: usize, share: f64) -> Result<f64, KineticsError> {
        check_input(from, share)?;
        if share > 1.0 {
            return Err(KineticsError::Input {
                site: Layout::names()[from].clone(),
                value: share,
            });
        }
        check_time(now, self.state.origin)?;
        let amount = share * self.amounts(now)?[from].max(0.0);
        if amount > 0.0 {
            self.rebase(now)?;
            self.wake();
            let system = &solved(&self.current, &self.columns).system;
            system.add(&mut self.state.coordinates, from, -amount);
            system.add(&mut self.state.coordinates, to, amount);
            self.moved();
        }
        Ok(amount)
    }

    /// Changes posture, drain or leak. The matrix is decomposed once per set of flows
    /// and kept.
    ///
    /// # Errors
    /// [`KineticsError::Outflow`], [`KineticsError::Backwards`], [`KineticsError::TooManyFlows`].
    pub fn set_flows(&mut self, now: SimTime, flows: Flows) -> Result<(), KineticsError> {
        check_time(now, self.state.origin)?;
        if flows == self.state.flows {
            return Ok(());
        }
        let next = self.prepared(flows)?;
        self.rebase(now)?;
        let x = match &self.state.rest {
            Some(rest) => rest.amounts.clone(),
            None => self.solved().system.physical(&self.state.coordinates),
        };
        let system = &solved(&next, &self.columns).system;
        self.state.coordinates = system.coordinates(&x);
        self.forcing = system.forcing(&self.state.inputs);
        self.state.rest = None;
        self.woken = OnceLock::new();
        self.state.flows = flows;
        self.current = next;
        self.moved();
        Ok(())
    }

    /// Sets a patient long under constant inputs, all amounts settled, nothing on the
    /// ledger but what is in the body. Inputs stay as given.
    ///
    /// # Errors
    /// [`KineticsError::Input`], or [`KineticsError::Numerics`] if nothing settles.
    pub fn settle(&mut self, now: SimTime, inputs: &[(Site, f64)]) -> Result<(), KineticsError> {
        check_time(now, self.state.origin)?;
        self.set_inputs(now, inputs)?;
        self.rebase(now)?;
        let mut x = steady(&self.current.matrix, &self.state.inputs)?;
        for (i, value) in x.iter_mut().enumerate() {
            *value = if Layout::is_cumulative(i) { 0.0 } else { value.max(0.0) };
        }
        self.state.dosed = x[..Layout::LEDGER].iter().sum();
        self.state.rest = Some(Rest::new(&self.current.matrix, x, self.state.inputs.clone()));
        self.state.coordinates = Coordinates::default();
        self.woken = OnceLock::new();
        self.moved();
        Ok(())
    }

    /// Everything there is to know at `t`.
    ///
    /// # Errors
    /// [`KineticsError::Backwards`].
    pub fn reading(&self, t: SimTime, scratch: &mut Scratch) -> Result<Reading, KineticsError> {
        let dt = check_time(t, self.state.origin)?;
        self.look(dt, scratch);
        let micro = |i: usize| 1e-3 * self.value(i, scratch);
        let ledger_input: f64 = self.state.inputs[..Layout::LEDGER].iter().sum();
        Ok(Reading {
            csf: std::array::from_fn(|i| micro(place::CSF + i)),
            cisternal: micro(place::CISTERNAL),
            cranial: micro(place::CRANIAL),
            plasma: micro(place::PLASMA),
            brain: micro(place::BRAIN),
            drive: self.prepared_drive(scratch),
            in_body: self.value(place::IN_BODY, scratch),
            eliminated: self.value(place::ELIMINATED, scratch),
            dosed: self.state.dosed + ledger_input * dt,
        })
    }

    /// What drives the response at `t`: six outputs, about a microsecond.
    ///
    /// # Errors
    /// [`KineticsError::Backwards`].
    pub fn drive(&self, t: SimTime, scratch: &mut Scratch) -> Result<SiteDrive, KineticsError> {
        let dt = check_time(t, self.state.origin)?;
        Ok(self.drive_after(dt, scratch))
    }

    /// As [`Kinetics::drive`], `dt_h` \[h\] after the origin: for right-hand sides, which
    /// are evaluated between the nanoseconds.
    pub fn drive_after(&self, dt_h: f64, scratch: &mut Scratch) -> SiteDrive {
        self.look(dt_h.max(0.0), scratch);
        self.prepared_drive(scratch)
    }

    /// What drives the response from [`Kinetics::origin`] on, for many questions; valid
    /// until the next change. `None` if it is not a sum of decaying exponentials.
    pub fn course(&self) -> Option<&DriveCourse> {
        let new = || {
            let columns = (
                std::array::from_fn(|region| place::EFFECT + region),
                [place::BENZODIAZEPINE, place::CYPROHEPTADINE],
            );
            let solved = || self.solved();
            let rescue = self.bundle(columns.1, || solved().rescue.as_ref())?;
            Some(DriveCourse {
                effect: self.bundle(columns.0, || solved().effect.as_ref())?,
                rescue: Some(rescue).filter(|bundle| !bundle.is_zero()),
            })
        };
        self.course.get_or_init(new).as_ref()
    }

    /// Columns together as functions of the time since the origin, where they move from their rows.
    fn bundle<'a, const N: usize>(
        &self,
        columns: [usize; N],
        rows: impl FnOnce() -> Option<&'a Rows<N>>,
    ) -> Option<Bundle<N>> {
        if self.resting().is_some() {
            let still = |column| self.trajectory_of(column).unwrap_or_default();
            return Bundle::new(&columns.map(still));
        }
        let (state, forcing) = self.modal();
        LinearSystem::bundle(rows()?, state, forcing)
    }

    /// What drives the response, from what [`Kinetics::values`] gave.
    pub fn drive_of(values: &[f64]) -> SiteDrive {
        SiteDrive {
            effect: Region::ALL.map(|r| 1e-3 * values[place::EFFECT + r.index()]),
            benzodiazepine: values[place::BENZODIAZEPINE],
            cyproheptadine: values[place::CYPROHEPTADINE],
        }
    }

    /// Drug in the body and eliminated \[ug\], from what [`Kinetics::values`] gave.
    pub fn balance_of(values: &[f64]) -> (f64, f64) {
        (values[place::IN_BODY], values[place::ELIMINATED])
    }

    /// Drug in the body and eliminated at `t` \[ug\].
    ///
    /// # Errors
    /// [`KineticsError::Backwards`].
    pub fn balance(&self, t: SimTime, scratch: &mut Scratch) -> Result<(f64, f64), KineticsError> {
        let dt = check_time(t, self.state.origin)?;
        self.look(dt, scratch);
        let in_body = self.value(place::IN_BODY, scratch);
        Ok((in_body, self.value(place::ELIMINATED, scratch)))
    }

    fn prepared_drive(&self, scratch: &Scratch) -> SiteDrive {
        SiteDrive {
            effect: Region::ALL.map(|r| 1e-3 * self.value(place::EFFECT + r.index(), scratch)),
            benzodiazepine: self.value(place::BENZODIAZEPINE, scratch),
            cyproheptadine: self.value(place::CYPROHEPTADINE, scratch),
        }
    }

    /// One column at the prepared instant. An empty place may come out as minus
    /// rounding, and no amount is negative.
    fn value(&self, column: usize, scratch: &Scratch) -> f64 {
        let value = match scratch.is_plain() {
            true => scratch.weighed_by(&self.columns[column].sparse),
            false => scratch.weighed(self.solved().rows[column].weights()),
        };
        value.max(0.0)
    }

    /// Looks `dt_h` \[h\] after the origin, unless `scratch` did so last.
    fn look(&self, dt_h: f64, scratch: &mut Scratch) {
        if !scratch.is_of(&self.stamp, dt_h) {
            match &self.state.rest {
                Some(rest) if dt_h == 0.0 || self.resting().is_some() => {
                    rest.grow(scratch.take_plain(&rest.amounts), dt_h)
                }
                _ => {
                    let (state, forcing) = self.modal();
                    self.solved().system.look(state, forcing, dt_h, scratch);
                }
            }
            scratch.sign(&self.stamp, dt_h);
        }
    }

    /// All columns at `t`, in the order of [`Kinetics::columns`].
    ///
    /// # Errors
    /// [`KineticsError::Backwards`].
    pub fn values(&self, t: SimTime, scratch: &mut Scratch, out: &mut Vec<f64>) -> Result<(), KineticsError> {
        let dt = check_time(t, self.state.origin)?;
        self.look(dt, scratch);
        out.extend((0..self.columns.len()).map(|i| self.value(i, scratch)));
        Ok(())
    }

    /// One column at `t`, by its place in [`Kinetics::columns`]; the bits are those of
    /// [`Kinetics::values`].
    ///
    /// # Errors
    /// [`KineticsError::Backwards`]; [`KineticsError::UnknownColumn`] for a place beyond the last.
    pub fn value_at(&self, t: SimTime, column: usize, scratch: &mut Scratch) -> Result<f64, KineticsError> {
        let dt = check_time(t, self.state.origin)?;
        if column >= self.columns.len() {
            return Err(KineticsError::UnknownColumn {
                name: format!("number {column}"),
            });
        }
        self.look(dt, scratch);
        Ok(self.value(column, scratch))
    }

    /// A column as a function of the hours since [`Kinetics::origin`], for certified
    /// crossings; valid until the next change.
    ///
    /// # Errors
    /// [`KineticsError::UnknownColumn`]; [`KineticsError::Numerics`] if the system is
    /// run by the exponential.
    pub fn trajectory(&self, column: &str) -> Result<ExponentialSum, KineticsError> {
        let Some(i) = self.columns.iter().position(|c| c.name == column) else {
            return Err(KineticsError::UnknownColumn {
                name: column.to_owned(),
            });
        };
        Ok(self.trajectory_of(i)?)
    }

    fn trajectory_of(&self, column: usize) -> Result<ExponentialSum, NumericsError> {
        if let Some(rest) = self.resting() {
            return Ok(rest.trajectory(&self.columns[column].weights));
        }
        let (state, forcing) = self.modal();
        let Solved { system, rows, .. } = self.solved();
        system.trajectory(&rows[column], state, forcing)
    }

    /// The full state at `t` \[ug\], \[ug/mL\], \[mg\] by [`Layout`].
    ///
    /// # Errors
    /// [`KineticsError::Backwards`].
    pub fn amounts(&self, t: SimTime) -> Result<Vec<f64>, KineticsError> {
        let dt = check_time(t, self.state.origin)?;
        if let Some(rest) = &self.state.rest
            && (dt == 0.0 || self.resting().is_some())
        {
            return Ok(rest.amounts_after(dt));
        }
        let (state, forcing) = self.modal();
        let system = &self.solved().system;
        let here = system.advance(state, forcing, dt);
        Ok(system.physical(&here))
    }

    fn rebase(&mut self, now: SimTime) -> Result<(), KineticsError> {
        self.rebase_on(now, &mut Scratch::default())
    }

    fn rebase_on(&mut self, now: SimTime, seen: &mut Scratch) -> Result<(), KineticsError> {
        let dt = check_time(now, self.state.origin)?;
        if dt > 0.0 {
            let ledger_input: f64 = self.state.inputs[..Layout::LEDGER].iter().sum();
            self.state.dosed += ledger_input * dt;
            if self.resting().is_some() {
                if let Some(rest) = &mut self.state.rest {
                    rest.amounts = rest.amounts_after(dt);
                }
            } else {
                self.look(dt, seen);
                self.wake();
                seen.advance(&mut self.state.coordinates);
            }
            self.state.origin = now;
            self.moved();
        }
        Ok(())
    }

    fn prepared(&mut self, flows: Flows) -> Result<Arc<Prepared>, KineticsError> {
        if let Some(known) = self.systems.iter().find(|p| p.flows == flows) {
            return Ok(known.clone());
        }
        if self.made >= SYSTEM_LIMIT {
            return Err(KineticsError::TooManyFlows { limit: SYSTEM_LIMIT });
        }
        self.made += 1;
        let (matrix, _) = build(&self.body, &self.parameters, &flows)?;
        let new = prepare(flows, matrix)?;
        if self.systems.len() == KEPT {
            self.systems.remove(0);
        }
        self.systems.push(new.clone());
        Ok(new)
    }
}

fn check_input(index: usize, value: f64) -> Result<(), KineticsError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(KineticsError::Input {
        site: Layout::names()[index].clone(),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinetics::Outflow;

    #[test]
    fn the_drive_along_a_step_is_that_at_its_nodes() {
        use crate::numerics::collocation::SHARES;
        let mut kinetics = Kinetics::new(Body::default(), &ParameterSet::default()).unwrap();
        let t10 = Site::Stream(crate::signals::Destination::Csf(Level::T10));
        kinetics.add(SimTime::ZERO, t10, 80.0).unwrap();
        kinetics.add(SimTime::ZERO, Site::Benzodiazepine, 10.0).unwrap();
        let course = kinetics.course().unwrap();
        for (from, span) in [(0.0, 6.0), (3.0, 0.1), (40.0, 24.0)] {
            let along = course.along(from, span);
            let nodes = DriveAlong::from_nodes(&SHARES.map(|share| course.at(from + share * span)));
            let close = |a: &Row, b: &Row| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs());
            for (a, b) in along.effect.iter().zip(&nodes.effect) {
                assert!(close(a, b) && b[0] > 0.0, "{from} {span}");
            }
            assert!(close(&along.benzodiazepine, &nodes.benzodiazepine));
            assert!(nodes.benzodiazepine[7] > 0.0);
            assert_eq!(
                (along.cyproheptadine, nodes.cyproheptadine),
                ([0.0; LANES], [0.0; LANES])
            );
        }
    }

    #[test]
    fn flows_without_end_are_refused_and_known_ones_are_not() {
        let mut kinetics = Kinetics::new(Body::default(), &ParameterSet::default()).unwrap();
        let draining = |rate| Flows {
            drain: Some(Outflow { level: Level::L3, rate }),
            ..Flows::default()
        };
        kinetics.made = SYSTEM_LIMIT - 1;
        kinetics.set_flows(SimTime::ZERO, draining(1.0)).unwrap();
        let error = kinetics.set_flows(SimTime::ZERO, draining(2.0)).unwrap_err();
        assert_eq!(error, KineticsError::TooManyFlows { limit: SYSTEM_LIMIT });
        assert_eq!(kinetics.state().flows, draining(1.0));
        kinetics.set_flows(SimTime::ZERO, Flows::default()).unwrap();
        kinetics.set_flows(SimTime::ZERO, draining(1.0)).unwrap();
    }
}
