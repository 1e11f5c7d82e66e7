//! Hazards: how often each kind of fault comes by chance, by generation of device.
//!
//! A scenario without `[hazards]` has none of this. With it, each kind draws one
//! onset from its [`Shape`], by a key of its own (seed, replicate, kind), from the
//! age of the implant at the start; place and severity are drawn from stated ranges
//! by keys of their own. So another fault, another kind
//! switched off leaves all other luck unchanged, and replicate `i` can be drawn alone.
//!
//! The kinds compete: each has its own clock, and the first to strike is whichever
//! clock runs out first. Each kind strikes at most once in a run; a repair ends the
//! fault and does not start the clock again.
//!
//! # Where the numbers come from
//! Catheters: mean rates over the follow-up of one study a generation, spread over
//! time by one shape that goes through three published points (a quarter of events
//! within the first month, 47 % within the first year, three quarters by 57 months);
//! it also meets the published median of 18 months, which is not used. Motors:
//! published cumulative failures at one age, split into a part that is constant and a
//! part (wear, corrosion) that grows with age by the causes found in returned pumps.
//! `itbsim list hazards` prints the table.

mod bias;
mod draw;
mod shape;
mod table;

pub use bias::{Bias, BiasError, Biased, Given, bias_own, draw_biased};
pub use draw::{draw, draw_from};
pub use shape::Shape;
pub(crate) use table::material_word;
pub use table::{Clock, Hazard, Implant, KINDS, by_chance, defaults, of_scenario};
