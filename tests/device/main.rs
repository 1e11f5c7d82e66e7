//! Pump and catheter without a patient.

mod catheter_faults;
mod catheter_properties;
mod catheter_with_pump;
mod demand;
mod drug_line;
mod families;
mod fault_severity;
mod line;
mod line_fronts;
mod peristaltic;
mod programmes;
mod pump_chassis;
mod pump_parts;
mod pump_properties;
mod schedule_edges;
mod service;
mod stroke_edges;
mod strokes;
mod wall_store;
