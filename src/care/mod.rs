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
//! | [`selection`] | who is a candidate |
//! | `trial`, `implant` | test doses, surgery, the first dose |
//! | `titration` | doses by what the examiner scores |
//! | `refills`, `concentration` | refills on the computed date, kept, late or missed; another strength |
//! | `mri`, `battery` | a scan and the look after it; a new pump in time |
//! | `holiday`, `taper`, `conversion` | the dose down and up again, down and out, tablets in its place |
//!
//! Policies tell one another by flags and by numbers in the chart: `running` begins
//! titration, refills and weaning, `explanted` ends them; `suspected`, `tapering`,
//! `holiday` and `bridging` hold the dose until `cleared` or `repaired`, `explanted`,
//! `resumed`, `bridged`.
//! | `complications` | antibiotics, blood patch, explantation with a bridge |
//! | `triage` | what a call to the clinic leads to |
//! | `workup` | who suspects a fault, which tests follow, repair |
//! | [`diagnostics`] | the tests: sensitivity, specificity, time, cost |
//! | `rescue` | hospital care of withdrawal and of overdose, with intensive care |
//! | [`signs`] | which symptoms belong to what, and how grave they are |
//!
//! A policy of your own implements [`Policy`] and is registered by one line,
//! [`PolicyRegistry::register`]; scenarios then name it in a `[[care]]` block.

mod battery;
mod complications;
mod concentration;
mod conversion;
pub mod diagnostics;
mod holiday;
mod implant;
mod mri;
pub mod news;
pub mod order;
mod people;
pub mod policy;
mod refills;
mod rescue;
pub mod selection;
pub mod signs;
mod taper;
mod titration;
mod triage;
mod trial;
mod workup;

pub use battery::BatteryReplacement;
pub use complications::Complications;
pub use concentration::ConcentrationChange;
pub use conversion::Conversion;
pub use holiday::DrugHoliday;
pub use implant::Implantation;
pub use mri::Mri;
pub use news::{Findings, News, Place, ReservoirCheck};
pub use order::Order;
pub use people::People;
pub use policy::{CareError, Desk, Facts, Policy, PolicyKind, PolicyRegistry, Role, RunningPolicy};
pub use refills::Refills;
pub(crate) use refills::VISIT as REFILL_VISIT;
pub use rescue::{RescueOverdose, RescueWithdrawal};
pub use taper::Taper;
pub use titration::Titration;
pub use triage::Triage;
pub use trial::Trial;
pub use workup::Workup;
pub(crate) use workup::reservoir_check;
