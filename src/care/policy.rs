//! The policy trait, its desk, and the registry.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::news::News;
use super::order::Order;
use crate::engine::SimTime;
use crate::numerics::Draws;
use crate::scenario::model::{Action, Population, Selection};
use crate::scenario::settings::{PolicySpec, Settings};

/// Whom a policy speaks for, which decides what it learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Patient or carer: feels symptoms and hears alarms.
    Person,
    /// Clinic or hospital: learns what it is told, sees and tests.
    Clinic,
}

/// What the records say about patient and device.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Population.
    pub population: Population,
    /// Whether the patient has been on therapy for long.
    pub established: bool,
    /// Registered name of the pump family.
    pub family: String,
    /// Reservoir capacity \[mL\].
    pub reservoir_size: f64,
    /// Volume of the low-reservoir alarm \[mL\].
    pub low_alarm: f64,
    /// Concentration on the vials in use \[ug/mL\].
    pub concentration: f64,
    /// End of the run \[h\].
    pub end: f64,
    /// Whether a pump was in the body when the run began.
    pub implanted: bool,
    /// What speaks against the therapy, as far as it is known.
    pub selection: Selection,
}

impl Facts {
    /// A refill as it should be: drawn out first, then filled to what the low-reservoir
    /// alarm counts on, with the drug on the vials, entered as it is.
    pub fn refill(&self) -> Action {
        self.refill_with(self.concentration, self.concentration, 0.0)
    }

    /// A refill of that volume with another drug \[ug/mL\], another entry in the programmer
    /// \[ug/mL\], or a share that goes into the pocket \[0-1\].
    pub fn refill_with(&self, concentration: f64, label: f64, pocket_share: f64) -> Action {
        Action::full_refill(self.reservoir_size, self.low_alarm, concentration, label, pocket_share)
    }
}

/// Where a policy works: it may look at the clock and the records, draw, and order.
pub struct Desk<'a> {
    /// The instant.
    pub now: SimTime,
    /// Id of the policy's block.
    pub id: &'a str,
    /// The records.
    pub facts: &'a Facts,
    /// Settings of the block.
    pub settings: &'a Settings,
    /// Whether the patient has a pump: nobody need look twice to know.
    pub implanted: bool,
    draws: &'a Draws,
    orders: Vec<Order>,
}

impl<'a> Desk<'a> {
    /// A desk without orders.
    pub fn new(now: SimTime, id: &'a str, facts: &'a Facts, settings: &'a Settings, draws: &'a Draws) -> Self {
        Desk {
            now,
            id,
            facts,
            settings,
            implanted: true,
            draws,
            orders: Vec::new(),
        }
    }

    /// Orders something.
    pub fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// Takes the orders off the desk.
    pub fn into_orders(self) -> Vec<Order> {
        self.orders
    }

    /// A uniform number in (0, 1) that depends on nothing but its name: `ordinal` tells
    /// draws of one purpose apart.
    pub fn uniform(&self, purpose: &str, ordinal: u64) -> f64 {
        self.draws.uniform(&format!("care.{}", self.id), purpose, ordinal)
    }

    /// Whether something of this chance \[0-1\] happens.
    pub fn chance(&self, purpose: &str, ordinal: u64, chance: f64) -> bool {
        self.uniform(purpose, ordinal) < chance
    }

    /// A waiting time with this median \[h\], log-normal with a standard deviation of the logarithm.
    pub fn wait(&self, purpose: &str, ordinal: u64, median: f64, sd_log: f64) -> f64 {
        let z = crate::numerics::draws::normal_quantile(self.uniform(purpose, ordinal));
        median * libm::exp(sd_log * z)
    }

    /// A number of the block in the unit of its parameter.
    pub fn number(&self, name: &str) -> f64 {
        self.settings.number(name)
    }
}

/// How people act on what they learn.
///
/// The policy itself is configuration; what it remembers is its `State`, which is stored
/// with a run. It must depend on nothing but its arguments.
///
/// Somebody who asks for help an hour after the second bout of itching:
///
/// ```
/// use itbsim::care::{News, Order, Place, Policy, PolicyKind, PolicyRegistry, Role};
/// use itbsim::care::policy::{Desk, running};
/// use itbsim::scenario::settings::PolicySpec;
/// use serde::{Deserialize, Serialize};
///
/// struct Patience;
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Bouts(u32);
///
/// impl Policy for Patience {
///     type State = Bouts;
///     fn learn(&self, bouts: &mut Bouts, news: &News, desk: &mut Desk<'_>) {
///         if let News::Felt { symptom, present: true } = news && symptom == "itch" {
///             bouts.0 += 1;
///             if bouts.0 == 2 {
///                 desk.order(Order::Report {
///                     after: 1.0,
///                     place: Place::Phone,
///                     complaints: vec![symptom.clone()],
///                     alarms: Vec::new(),
///                 });
///             }
///         }
///     }
/// }
///
/// /// From here on a scenario may say `policy = "patience"`.
/// const KIND: PolicyKind = PolicyKind {
///     spec: PolicySpec {
///         name: "patience",
///         summary: "calls at the second bout of itching",
///         source: "made up",
///         choices: &[],
///         acts: &[],
///         flags: &[],
///         check: |_| Ok(()),
///     },
///     role: Role::Person,
///     build: |_| running(Patience),
/// };
/// let mut registry = PolicyRegistry::default();
/// assert!(registry.register(KIND).is_none());
/// ```
pub trait Policy: Send + Sync + 'static {
    /// What it remembers.
    type State: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Takes a piece of news in, and may order.
    fn learn(&self, state: &mut Self::State, news: &News, desk: &mut Desk<'_>);
}

/// A policy with its state, whatever its type; [`running`] makes it.
///
/// What one remembers can be saved, and another goes on from there:
///
/// ```
/// use itbsim::care::News;
/// use itbsim::care::policy::{Desk, Policy, running};
/// use serde_json::json;
///
/// struct Counts;
/// impl Policy for Counts {
///     type State = u32;
///     fn learn(&self, heard: &mut u32, _: &News, _: &mut Desk<'_>) { *heard += 1; }
/// }
///
/// let mut one = running(Counts);
/// assert_eq!(one.save()?, json!(0));
/// one.load(&json!(7))?;
/// assert_eq!(one.clone_box().save()?, json!(7));
/// assert!(one.load(&json!("many")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait RunningPolicy: Send + Sync {
    /// A copy that shares nothing that changes.
    fn clone_box(&self) -> Box<dyn RunningPolicy>;
    /// As [`Policy::learn`].
    fn learn(&mut self, news: &News, desk: &mut Desk<'_>);
    /// What it remembers.
    ///
    /// # Errors
    /// [`CareError::State`].
    fn save(&self) -> Result<Value, CareError>;
    /// Remembers what was saved.
    ///
    /// # Errors
    /// [`CareError::State`].
    fn load(&mut self, state: &Value) -> Result<(), CareError>;
}

impl Clone for Box<dyn RunningPolicy> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

struct Running<P: Policy> {
    policy: Arc<P>,
    state: P::State,
}

impl<P: Policy> RunningPolicy for Running<P> {
    fn clone_box(&self) -> Box<dyn RunningPolicy> {
        Box::new(Running {
            policy: Arc::clone(&self.policy),
            state: self.state.clone(),
        })
    }

    fn learn(&mut self, news: &News, desk: &mut Desk<'_>) {
        self.policy.learn(&mut self.state, news, desk);
    }

    fn save(&self) -> Result<Value, CareError> {
        serde_json::to_value(&self.state).map_err(|e| CareError::State { reason: e.to_string() })
    }

    fn load(&mut self, state: &Value) -> Result<(), CareError> {
        let read = serde_json::from_value(state.clone());
        self.state = read.map_err(|e| CareError::State { reason: e.to_string() })?;
        Ok(())
    }
}

/// A policy at work, from its settings.
pub type BuildPolicy = fn(&Settings) -> Box<dyn RunningPolicy>;

/// Starts a policy with nothing to remember.
pub fn running<P: Policy>(policy: P) -> Box<dyn RunningPolicy> {
    Box::new(Running {
        policy: Arc::new(policy),
        state: P::State::default(),
    })
}

/// A policy as scenarios name it.
#[derive(Debug, Clone, Copy)]
pub struct PolicyKind {
    /// What scenarios may say of it.
    pub spec: PolicySpec,
    /// Whom it speaks for.
    pub role: Role,
    /// Makes it.
    pub build: BuildPolicy,
}

/// The policies a simulation knows; [`PolicyRegistry::default`] has those of the crate.
#[derive(Debug, Clone)]
pub struct PolicyRegistry {
    kinds: BTreeMap<&'static str, PolicyKind>,
}

impl Default for PolicyRegistry {
    fn default() -> Self {
        let mut registry = Self { kinds: BTreeMap::new() };
        for kind in [
            super::People::KIND,
            super::Refills::KIND,
            super::Titration::KIND,
            super::Trial::KIND,
            super::Implantation::KIND,
            super::ConcentrationChange::KIND,
            super::Mri::KIND,
            super::BatteryReplacement::KIND,
            super::Complications::KIND,
            super::DrugHoliday::KIND,
            super::Taper::KIND,
            super::Conversion::KIND,
            super::Triage::KIND,
            super::Workup::KIND,
            super::RescueWithdrawal::KIND,
            super::RescueOverdose::KIND,
        ] {
            registry.register(kind);
        }
        registry
    }
}

impl PolicyRegistry {
    /// Adds a policy, or replaces the one of the same name, which is returned.
    pub fn register(&mut self, kind: PolicyKind) -> Option<PolicyKind> {
        self.kinds.insert(kind.spec.name, kind)
    }

    /// All policies by name.
    pub fn kinds(&self) -> impl Iterator<Item = &PolicyKind> {
        self.kinds.values()
    }

    /// The policy of this name.
    pub fn get(&self, name: &str) -> Option<&PolicyKind> {
        self.kinds.get(name)
    }
}

/// Why a policy cannot go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CareError {
    /// No policy of this name is registered.
    #[error("no policy is called `{name}`")]
    Unknown {
        /// Name asked for.
        name: String,
    },
    /// A stored memory does not fit.
    #[error("the stored memory does not fit the policy: {reason}")]
    State {
        /// What the reader said.
        reason: String,
    },
}
