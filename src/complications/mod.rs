//! Complications of surgery and hardware: infection, meningitis, leak of spinal fluid with
//! headache, haematoma, injury of root or cord, pain at the catheter, erosion of the skin.
//!
//! A complication is a fault of kind `complication.NAME`: written as a `[[fault]]`, or come
//! by chance where `[hazards]` has `complications = true`. It is no fault of delivery; it acts on
//! the person through [`Ailing`](crate::signals::Ailing), and its signs overlap with those of
//! withdrawal. So a work-up has to tell them apart.
//!
//! ```text
//!  surgery --point mass--+                       +-- natural end, remedy, repair --> fades
//!  late rate ------------+--> starts --> course -+
//!  [[fault]] ------------+    (1 - e^-t/grow)    +-- untreated too long --> the next one
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `kind` | the kinds as data, and what ends each |
//! | `course` | how bad it is over time: an exponential between events, exact from its origin |
//! | `bias` | the same drawn more often than it comes, with weights |
//! | `chance` | at which surgery, how likely, after how long; who is more at risk |
//!
//! Figures are the parameters `complications.KIND.*`. Published are rates of infection and of
//! leaks by procedure; most of the rest is assumed with a range and says so.
//! `itbsim list complications` prints all of it.

mod bias;
mod chance;
mod course;
mod kind;

pub use bias::draw_biased;
pub use chance::{Chance, Risk, Surgery, draw, followers};
pub use course::{Ailment, Ailments, Course, damage};
pub use kind::{FAULT_KINDS, KINDS, Kind, SIGNS, named, of_fault};
