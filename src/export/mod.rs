//! The kinetic part of a run in the languages of other tools, so that what itbsim
//! computes can be computed again by programs that share no code with it.
//!
//! A run records the linear system it assembled ([`SystemTrace`]): matrix, input and
//! jumps of each stretch between two changes. The room turns that record into
//!
//! | function | what it writes | read by |
//! |---|---|---|
//! | [`sbml`] | compartments, transfers, delivery and changes as events, SBML Level 3 Version 2 | libRoadRunner, COPASI, Tellurium, ... |
//! | [`nonmem_table`] | doses: `ID TIME AMT RATE CMT EVID MDV` | NONMEM, Monolix, nlmixr2, mrgsolve, ... |
//! | [`nonmem_control`] | a control stream of the general linear model that goes with the table | NONMEM |
//!
//! What is exported is what the run did: pump, catheter, faults and acts have become
//! rates and doses by then. The response (effect, tolerance, symptoms) is not exported.
//!
//! ```
//! use itbsim::export::{About, sbml};
//! use itbsim::simulation::{Registry, RunOptions, simulate};
//!
//! let registry = Registry::builtin();
//! let text = itbsim::scenario::template();
//! let story = itbsim::scenario::load_str("demo", text, None, &registry.catalog()).unwrap();
//! let scenario = &story.arms[0].scenario;
//! let options = RunOptions { record_system: true, ..RunOptions::default() };
//! let run = simulate(scenario, &registry, &options).unwrap();
//!
//! let about = About::of(&story, &story.arms[0], scenario.seed, run.fingerprint);
//! let document = sbml(run.system.as_ref().unwrap(), &about).unwrap();
//! assert!(document.contains("level=\"3\" version=\"2\""));
//! ```

mod network;
mod nonmem;
mod sbml;
mod units;
mod xml;

pub use nonmem::{control as nonmem_control, table as nonmem_table};
pub use sbml::document as sbml;

use crate::scenario::model::{Arm, Story};
use crate::simulation::SystemTrace;

/// What every exported document says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// Title of the scenario.
    pub title: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Arm, or empty.
    pub arm: String,
    /// SHA-256 of the scenario, hexadecimal.
    pub hash: String,
    /// Seed of the run.
    pub seed: u64,
    /// Fingerprint of the run, hexadecimal.
    pub fingerprint: String,
}

impl About {
    /// The run of an arm with a seed and the fingerprint it gave.
    pub fn of(story: &Story, arm: &Arm, seed: u64, fingerprint: u64) -> About {
        About {
            title: plain(&arm.scenario.title),
            scenario: plain(&story.name),
            arm: plain(&arm.id),
            hash: story.hash.clone(),
            seed,
            fingerprint: format!("{fingerprint:016x}"),
        }
    }

    /// Sentences for the head of a document. No clock: two exports are the same bytes.
    pub fn lines(&self) -> Vec<String> {
        let arm = if self.arm.is_empty() {
            String::new()
        } else {
            format!(", arm {}", self.arm)
        };
        vec![
            self.title.clone(),
            format!("Scenario {}{arm}, seed {}.", self.scenario, self.seed),
            format!("Scenario hash {}, fingerprint {}.", self.hash, self.fingerprint),
            format!("Written by itbsim {}.", env!("CARGO_PKG_VERSION")),
            "For teaching and research, never for treating a person.".to_owned(),
        ]
    }
}

/// Why a run cannot be written in another tool's language.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A state loses or gains drug that no other state gets or gives, so transfers do not describe it.
    #[error("export: the transfers of `{state}` do not balance: {residual} /h are left over")]
    Unbalanced {
        /// The state.
        state: String,
        /// Sum of its column \[1/h\].
        residual: f64,
    },
    /// An amount of drug depends on a state that is none.
    #[error("export: the amount `{state}` depends on `{source_state}`, which is no amount of the drug")]
    NotTransfer {
        /// The amount.
        state: String,
        /// What it reads.
        source_state: String,
    },
    /// An output of the run is in a unit the writer does not know.
    #[error("export: no unit is known for output `{name}`")]
    Output {
        /// The output.
        name: String,
    },
    /// The record of the run holds no segment.
    #[error("export: the run recorded no system")]
    Empty,
    /// The text could not be put together.
    #[error("export: cannot write XML: {0}")]
    Xml(#[from] std::io::Error),
}

/// Text without what neither XML nor a line of a control stream can hold.
fn plain(text: &str) -> String {
    let fits = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if fits(&c) { c } else { ' ' }).collect()
}

/// A number in full, without exponent: shortest text that reads back to the same bits.
fn decimal(value: f64) -> String {
    format!("{}", value + 0.0)
}

/// Which states are amounts of the drug \[ug\], and so obey the ledger.
fn is_amount(trace: &SystemTrace, state: usize) -> bool {
    trace.units[state] == "ug"
}
