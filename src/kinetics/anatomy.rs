//! The canal by level, and the body behind it.

use crate::parameters::ParameterSet;
use crate::scenario::model::Population;
use crate::signals::{Level, Posture};

use super::KineticsError;
use super::layout::LEVELS;

/// The person, as far as distribution and clearance depend on them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    /// Population; a child has a shorter canal and its own clearance.
    pub population: Population,
    /// Body weight \[kg\].
    pub weight: f64,
    /// Renal function relative to normal \[1\].
    pub renal_function: f64,
    /// Level at which an epidural or subdural depot lies: that of the catheter tip.
    pub depot_level: Level,
    /// Whether a ventriculoperitoneal shunt takes fluid out of the head.
    pub shunt: bool,
    /// Whether arachnoiditis hinders mixing along the canal.
    pub arachnoiditis: bool,
}

impl Default for Body {
    /// An adult of 70 kg with a lower thoracic catheter tip.
    fn default() -> Self {
        Body {
            population: Population::AdultSpinal,
            weight: 70.0,
            renal_function: 1.0,
            depot_level: Level::T10,
            shunt: false,
            arachnoiditis: false,
        }
    }
}

/// Lengths, cross-sections and volumes of the canal.
#[derive(Debug, Clone, PartialEq)]
pub struct Canal {
    /// Length of each level \[cm\].
    pub length: [f64; LEVELS],
    /// Fluid cross-section of each level \[cm2\].
    pub area: [f64; LEVELS],
    /// Fluid volume of each level \[mL\].
    pub volume: [f64; LEVELS],
    /// Cord and root volume of each level \[mL\].
    pub cord: [f64; LEVELS],
    /// Effective axial dispersion at the middle of each level \[cm2/h\].
    pub dispersion: [f64; LEVELS],
}

/// Volumes and rates of the blood compartments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blood {
    /// Volume of the central compartment \[mL\].
    pub central: f64,
    /// Rate from central to peripheral \[1/h\].
    pub to_peripheral: f64,
    /// Rate back \[1/h\].
    pub from_peripheral: f64,
    /// Renal elimination \[1/h\].
    pub renal: f64,
    /// Other elimination \[1/h\].
    pub other: f64,
}

fn segment(level: Level) -> &'static str {
    match level {
        l if l <= Level::S1 => "sacral",
        l if l <= Level::L1 => "lumbar",
        l if l <= Level::T1 => "thoracic",
        _ => "cervical",
    }
}

impl Canal {
    /// The canal of a body.
    ///
    /// A child's canal is shorter by the cube root of weight; cross-sections stay.
    /// The weight of an adult says nothing about the spine.
    pub fn new(body: &Body, parameters: &ParameterSet, posture: Posture) -> Canal {
        let scale = match body.population {
            Population::Child => libm::cbrt(body.weight / parameters.get("kinetics.blood.reference_weight")).min(1.0),
            _ => 1.0,
        };
        let mut length = [0.0; LEVELS];
        let mut area = [0.0; LEVELS];
        for (i, level) in Level::ALL.into_iter().enumerate() {
            length[i] = scale * parameters.get(&format!("kinetics.csf.length_{}", segment(level)));
            area[i] = parameters.get(&format!("kinetics.csf.area_{}", segment(level)));
        }
        let total_length: f64 = length.iter().sum();
        let raw: f64 = (0..LEVELS).map(|i| length[i] * area[i]).sum();
        let fit = scale * parameters.get("kinetics.csf.spinal_volume") / raw;
        let cord = scale * parameters.get("kinetics.cord.volume");
        let (caudal, rostral) = (
            parameters.get("kinetics.csf.dispersion_caudal"),
            parameters.get("kinetics.csf.dispersion_rostral"),
        );
        let factor = match posture {
            Posture::Supine => 1.0,
            Posture::Upright => parameters.get("kinetics.csf.dispersion_upright_factor"),
        };
        let factor = if body.arachnoiditis {
            factor * parameters.get("kinetics.csf.arachnoiditis_factor")
        } else {
            factor
        };
        let mut canal = Canal {
            length,
            area,
            volume: [0.0; LEVELS],
            cord: [0.0; LEVELS],
            dispersion: [0.0; LEVELS],
        };
        let mut start = 0.0;
        for (i, length) in length.into_iter().enumerate() {
            canal.area[i] *= fit;
            canal.volume[i] = canal.area[i] * length;
            canal.cord[i] = cord * length / total_length;
            let middle = (start + 0.5 * length) / total_length;
            canal.dispersion[i] = factor * (caudal + (rostral - caudal) * middle);
            start += length;
        }
        canal
    }

    /// Exchange flow by dispersion between a level and the next one up \[mL/h\].
    pub fn exchange(&self, lower: usize) -> f64 {
        let half = |i: usize| 0.5 * self.length[i] / (self.dispersion[i] * self.area[i]);
        1.0 / (half(lower) + half(lower + 1))
    }

    /// Length from S2 to C1 \[cm\].
    pub fn total_length(&self) -> f64 {
        self.length.iter().sum()
    }
}

impl Blood {
    /// The blood compartments of a body: volumes grow with weight, adult clearance
    /// with its power 3/4, a child's clearance is He 2014's.
    ///
    /// # Errors
    /// [`KineticsError::Blood`] if clearance, volume and half-life contradict one another.
    pub fn new(body: &Body, parameters: &ParameterSet) -> Result<Blood, KineticsError> {
        let available = parameters.get("kinetics.oral.bioavailability");
        let size = body.weight / parameters.get("kinetics.blood.reference_weight");
        let adult = parameters.get("kinetics.blood.apparent_clearance");
        let central = parameters.get("kinetics.blood.apparent_central_volume") * size;
        let apparent = match body.population {
            Population::Child => parameters.get("kinetics.blood.apparent_clearance_child") * body.weight,
            _ => adult * libm::pow(size, 0.75),
        };
        // alpha and the terminal rate are read at normal renal function, which fixes the exchange rates.
        let out = apparent / central;
        let adult_out = adult / parameters.get("kinetics.blood.apparent_central_volume");
        let alpha = parameters.get("kinetics.blood.alpha") * out / adult_out;
        let beta = std::f64::consts::LN_2 / parameters.get("kinetics.blood.half_life");
        let from_peripheral = alpha * beta / out;
        let to_peripheral = alpha + beta - out - from_peripheral;
        if to_peripheral.is_nan() || to_peripheral <= 0.0 {
            return Err(KineticsError::Blood { out, alpha, beta });
        }
        let renal = parameters.get("kinetics.blood.renal_share");
        Ok(Blood {
            central: 1000.0 * available * central,
            to_peripheral,
            from_peripheral,
            renal: out * renal * body.renal_function,
            other: out * (1.0 - renal),
        })
    }
}
