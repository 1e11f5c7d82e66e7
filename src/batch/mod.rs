//! Many lives of one story: virtual patients, drawn faults, care; their distribution to the
//! last bit, on one machine or many.
//!
//! A [`Batch`] is a story prepared once. [`Batch::replicate`] runs one replicate of all arms
//! with the same patient and the same luck and reduces it to outcomes, onsets and samples;
//! [`State`] folds what comes back; [`tables`] turns it into tables and a summary.
//!
//! ```text
//!  Story --> Batch --replicate(i)--> Replicate --fold--> State --join--> State --> tables
//!                    (threads)                   (rows)   parts of shards
//! ```
//!
//! # Why the same bytes come out
//! Everything a [`State`] keeps is added by integers: counts by [`Cells`], weights in fixed
//! units, and sums of doubles as long integers ([`ExactSum`]). Such sums do not depend on
//! order or grouping, so any number of threads, any split into shards, and any stop with a
//! later `--resume` give the state of one serial run, and the tables are a pure function of
//! it. Rows of single replicates are written in the order of their numbers.
//!
//! # What is known how well
//! Quantiles are off by less than the width of their cells ([`Scale`]), and exact where few values
//! share one; means are off by nothing but the last bit of a double; times to an event are kept in cells of [`Grid::cell_h`]. Intervals are at 95 %.
//!
//! # Example
//! ```
//! use itbsim::batch::{Batch, Settings, State};
//! use itbsim::simulation::Registry;
//!
//! let registry = Registry::builtin();
//! let text = itbsim::scenario::template();
//! let story = itbsim::scenario::load_str("demo", text, None, &registry.catalog()).unwrap();
//! let batch = Batch::new(&story, registry, Settings { n: 2, ..Settings::default() }).unwrap();
//! let mut state = State::new(batch.identity());
//! for i in 0..2 {
//!     state.fold(&batch.grid(), vec![batch.replicate(i)]);
//! }
//! assert_eq!(state.arms[0].done(), 2);
//! ```

mod cells;
mod error;
mod exact;
mod identity;
mod levels;
pub mod matrix;
mod moments;
mod order;
mod packed;
mod part;
pub mod pictures;
mod quantile;
mod replicate;
mod risk;
pub mod sensitivity;
mod state;
pub mod tables;
pub mod uncertainty;
pub mod vary;
mod work;

pub use cells::{Cells, Scale};
pub use error::BatchError;
pub use exact::ExactSum;
pub use identity::{Grid, Identity, MOST_REPLICATES, MOST_SAMPLES, Settings, Shard};
pub use levels::{DrawState, Levels, MOST_DRAWS, Outer};
pub use moments::{Estimate, Moments};
pub use part::{
    Joined, PART, Part, ROWS, copy_rows, join_parts, join_some, parse_part, part_of, read_part, write_part,
};
pub use quantile::{LEVELS, Quantile, RankTable, binomial_quantile, quantile, ranks};
pub use replicate::{Batch, Reduced, Replicate, SIGNALS};
pub use risk::{Competing, Heap, Point, Survival, Times, UNIT, aalen_johansen, kaplan_meier};
pub use state::{ArmState, Course, Failure, OutcomeState, PairState, State};
pub use work::{Watcher, header, save_shard, work, work_in_memory};
