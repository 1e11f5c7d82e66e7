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
//! # Faults
//! [`FAULT_KINDS`] is the table. Narrowings (kink, occlusion, mass, askew connector) are resistors
//! of the chain, holes (leak, disconnection) are outlets of it, and a fracture is both at one
//! place. A mass also keeps a share of what leaves the tip. Fluid that escapes beside the catheter
//! never was in it: it lowers the pressure of the spinal fluid ([`Catheter::csf_pressure`]), and
//! the spine loses it ([`Catheter::csf_loss`]). What runs back into the reservoir moves at once
//! ([`Catheter::run_back`]); a slow return is a ramp of small ones.
//!
//! # Limits
//! - Two near-total narrowings at once store their volume at one place only, before the narrower.
//!   When that place moves towards the pump, what the wall held beyond it leaves at once, where
//!   it can; between two closed narrowings it stays counted before the first.
//! - Faults have no memory: a mass that is removed leaves nothing, a fracture heals at its end.
//! - The pressure of a mass on the cord, and fluid that collects where spinal fluid escapes, are
//!   not modelled; what escapes is lost with the drug in it.
//! - Spinal fluid that enters the line is taken as free of drug.
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
mod table;

pub use fault::{CatheterError, CatheterFault};
pub use line::{Catheter, Drawn, Jump, PortView};
pub use table::FAULT_KINDS;
