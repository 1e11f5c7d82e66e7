//! The line from pump to spine: a column of drug, its hydraulics, and what goes wrong with it.
//!
//! Two delays are kept apart. The fluid is incompressible, so a **rate** change reaches
//! the tip at once; a **concentration** change must first push out what fills pump tube
//! and catheter (0.395 mL at 89 cm: 38 h at 0.25 mL/day). The column (`column`) is a queue
//! of plugs with a small smear at each front.
//!
//! The viscous pressure drop of a sound catheter is about 1 Pa, so a kink starves a
//! volumetric pump only when nearly total. What it does do is store volume in the wall
//! upstream of it, late in coming and released at once when it opens; the resistor chain
//! (`network`) and one elastic volume describe that.
//!
//! # Who calls what
//! 1. [`Catheter::set_source`], [`Catheter::set_fault`], [`Catheter::clear_fault`] and
//!    [`Catheter::set_tip_pressure`] when something really changed; the same value again
//!    changes nothing. Each returns the [`Jump`]s it caused.
//! 2. Between changes [`Catheter::streams`] are constant. Keep one pending event at
//!    [`Catheter::next_change`] and call [`Catheter::on_change`] when it is due.
//! 3. After any of these, [`Catheter::inflow`] is what really leaves the pump.
//!
//! # Accounting
//! drug put in = drug out by streams and jumps + [`Catheter::drug`], to rounding. An
//! instant is rounded up to a nanosecond, so a front is met up to 1e-12 mL late; the
//! difference is kept and counted in [`Catheter::drug`], which can leave a clean column
//! some 1e-8 ug below zero.

mod anatomy;
mod column;
mod fault;
mod line;
mod network;
mod plan;

pub use fault::{CatheterError, CatheterFault, FAULT_KINDS};
pub use line::{Catheter, Jump, PortView};
