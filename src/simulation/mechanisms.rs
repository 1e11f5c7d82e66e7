//! The shipped faults: each turns its fields and a severity into a change of
//! pump or catheter. What the change does is the part's own business.

use crate::catheter::{self, CatheterFault};
use crate::pump::{self, Disturbance};
use crate::scenario::model::{Fault, FaultKind, Value};
use crate::signals::{Destination, Level};

use super::error::SimError;
use super::registry::{BuildFault, FaultMechanism, Plant};

/// All shipped kinds with their builders.
pub fn builtin() -> Vec<(FaultKind, BuildFault)> {
    let mut all: Vec<(FaultKind, BuildFault)> = Vec::new();
    all.extend(pump::faults::KINDS.iter().map(|k| (*k, build_pump as BuildFault)));
    all.extend(catheter::faults::KINDS.iter().map(|k| (*k, build_catheter as BuildFault)));
    all
}

/// A number of the `[[fault]]` block.
fn number(fault: &Fault, field: &str) -> Result<f64, SimError> {
    match fault.values.get(field) {
        Some(Value::Number(v)) => Ok(*v),
        _ => Err(missing(fault, field)),
    }
}

/// A word of the `[[fault]]` block.
fn text<'a>(fault: &'a Fault, field: &str) -> Result<&'a str, SimError> {
    match fault.values.get(field) {
        Some(Value::Text(t)) => Ok(t),
        _ => Err(missing(fault, field)),
    }
}

fn missing(fault: &Fault, field: &str) -> SimError {
    SimError::FaultField {
        id: fault.id.clone(),
        field: field.to_owned(),
    }
}

/// A place where fluid can end, by name: a level, or a space.
fn destination(fault: &Fault, field: &str) -> Result<Destination, SimError> {
    let name = text(fault, field)?;
    Ok(match name {
        "epidural" => Destination::Epidural,
        "subdural" => Destination::Subdural,
        "subcutaneous" => Destination::Subcutaneous,
        level => Destination::Csf(level.parse::<Level>().map_err(|_| missing(fault, field))?),
    })
}

/// A fault of the pump.
struct PumpFault {
    disturbance: Disturbance,
}

impl FaultMechanism for PumpFault {
    fn apply(&self, _id: &str, severity: f64, plant: &mut Plant<'_>) -> Result<(), SimError> {
        let scaled = self.disturbance.at_severity(severity);
        plant.pump.disturb(plant.now, &scaled, plant.notices)?;
        Ok(())
    }
}

fn build_pump(fault: &Fault) -> Result<Box<dyn FaultMechanism>, SimError> {
    let disturbance = match fault.kind.as_str() {
        "pump.stall" => Disturbance::Stall { on: true },
        "pump.mri_stall" => Disturbance::LateRestart {
            field_time: number(fault, "field_time")?,
            delay: number(fault, "restart_delay")?,
        },
        "pump.over_infusion" => Disturbance::Gain {
            factor: number(fault, "gain")?,
        },
        _ => {
            return Err(SimError::UnknownFault {
                id: fault.id.clone(),
                kind: fault.kind.clone(),
            });
        }
    };
    Ok(Box::new(PumpFault { disturbance }))
}

/// A fault of the catheter.
struct LineFault {
    fault: CatheterFault,
}

impl FaultMechanism for LineFault {
    fn apply(&self, id: &str, severity: f64, plant: &mut Plant<'_>) -> Result<(), SimError> {
        plant.catheter.set_fault(plant.now, id, self.fault, severity)?;
        Ok(())
    }
}

fn build_catheter(fault: &Fault) -> Result<Box<dyn FaultMechanism>, SimError> {
    let line = match fault.kind.as_str() {
        "catheter.kink" => CatheterFault::Kink {
            position: number(fault, "position")?,
            length: number(fault, "length")?,
            bore: number(fault, "bore")?,
        },
        "catheter.occlusion" => CatheterFault::Occlusion {
            position: number(fault, "position")?,
        },
        "catheter.leak" => CatheterFault::Leak {
            position: number(fault, "position")?,
            conductance: number(fault, "conductance")?,
            into: destination(fault, "into")?,
        },
        "catheter.disconnection" => CatheterFault::Disconnection {
            position: number(fault, "position")?,
            into: destination(fault, "into")?,
        },
        "catheter.migration" => CatheterFault::Migration {
            to: destination(fault, "to")?,
        },
        _ => {
            return Err(SimError::UnknownFault {
                id: fault.id.clone(),
                kind: fault.kind.clone(),
            });
        }
    };
    Ok(Box::new(LineFault { fault: line }))
}
