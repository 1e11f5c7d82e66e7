//! The shipped faults: each turns its fields and a severity into a change of
//! pump or catheter. What the change does is the part's own business.

use std::sync::Arc;

use crate::catheter::{self, CatheterFault};
use crate::pump;
use crate::scenario::model::{Fault, FaultKind};

use super::error::SimError;
use super::registry::{BuildFault, FaultMechanism, Plant};

/// All shipped kinds with their builders.
pub fn builtin() -> Vec<(FaultKind, BuildFault)> {
    let mut all: Vec<(FaultKind, BuildFault)> = Vec::new();
    all.extend(pump::FAULT_KINDS.iter().map(|k| (*k, build_pump as BuildFault)));
    all.extend(catheter::FAULT_KINDS.iter().map(|k| (*k, build_catheter as BuildFault)));
    all
}

/// A fault of the pump; what its kind means at a severity is told by the pump room.
struct PumpFault {
    fault: Fault,
}

impl FaultMechanism for PumpFault {
    fn apply(&self, id: &str, severity: f64, plant: &mut Plant<'_>) -> Result<(), SimError> {
        match pump::disturbance(&self.fault.kind, &self.fault.values, severity) {
            Some(disturbance) => plant.pump.disturb(plant.now, id, &disturbance, plant.notices)?,
            None => plant.pump.relieve(plant.now, id, plant.notices),
        }
        Ok(())
    }
}

fn build_pump(fault: &Fault) -> Result<Arc<dyn FaultMechanism>, SimError> {
    Ok(Arc::new(PumpFault { fault: fault.clone() }))
}

/// A fault of the line, at full severity.
struct LineFault {
    fault: CatheterFault,
}

impl FaultMechanism for LineFault {
    fn apply(&self, id: &str, severity: f64, plant: &mut Plant<'_>) -> Result<(), SimError> {
        if let CatheterFault::Retrograde { volume } = self.fault {
            return run_back(id, volume * severity, plant);
        }
        plant
            .jumps
            .extend(plant.catheter.set_fault(plant.now, id, self.fault, severity)?);
        Ok(())
    }
}

/// Moves fluid from the line into the reservoir, where nobody has entered it. A line that is
/// closed and a reservoir that is full let nothing in.
fn run_back(id: &str, total: f64, plant: &mut Plant<'_>) -> Result<(), SimError> {
    let mut line = plant.catheter.clone();
    let drawn = match line.run_back(plant.now, id, total) {
        Ok(drawn) => drawn,
        Err(catheter::CatheterError::Blocked) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if let Some(drawn) = drawn {
        if !plant.pump.take_back(plant.now, drawn.volume, drawn.drug, drawn.others) {
            return Ok(());
        }
        plant.jumps.extend(drawn.jumps);
    }
    *plant.catheter = line;
    Ok(())
}

fn build_catheter(fault: &Fault) -> Result<Arc<dyn FaultMechanism>, SimError> {
    let fault = CatheterFault::from_values(&fault.kind, &fault.values)?;
    Ok(Arc::new(LineFault { fault }))
}
