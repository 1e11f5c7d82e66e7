//! Care: the people around the pump, as policies that react to what can be seen.
//!
//! A policy never reads the state of the body, the line or the pump. It learns
//! [`News`] (a symptom felt, a tone heard, scores measured at a visit, a syringe
//! read, a result) and answers with [`Order`]s (an act, an appointment, a call,
//! a reminder to itself). What the orders bring about is simulated like any act
//! of a scenario, and its result comes back as news. So a policy can be wrong in
//! the ways in which people are: late, misled by noise, blind to a silent leak.
//!
//! | file | what it holds |
//! |---|---|
//! | [`news`], [`order`] | what comes in, what goes out |
//! | [`policy`] | the [`Policy`] trait, its desk, and the registry |
//! | `people` | the patient and those around: what they notice, when they call |
//! | `refills` | refills on the computed date, kept, late or missed |
//! | `titration` | doses by what the examiner scores |
//! | `triage` | what a call to the clinic leads to |
//! | `workup` | who suspects a fault, which tests follow, repair |
//! | [`diagnostics`] | the tests: sensitivity, specificity, time, cost |
//! | `rescue` | hospital care of withdrawal and of overdose |
//! | [`signs`] | which symptoms belong to what, and how grave they are |
//!
//! A policy of your own implements [`Policy`] and is registered by one line,
//! [`PolicyRegistry::register`]; scenarios then name it in a `[[care]]` block.

pub mod diagnostics;
pub mod news;
pub mod order;
mod people;
pub mod policy;
mod refills;
mod rescue;
pub mod signs;
mod titration;
mod triage;
mod workup;

pub use news::{Findings, News, Place, ReservoirCheck};
pub use order::Order;
pub use people::People;
pub use policy::{CareError, Desk, Facts, Policy, PolicyKind, PolicyRegistry, Role, RunningPolicy};
pub use refills::Refills;
pub use rescue::{RescueOverdose, RescueWithdrawal};
pub use titration::Titration;
pub use triage::Triage;
pub use workup::Workup;
pub(crate) use workup::reservoir_check;
