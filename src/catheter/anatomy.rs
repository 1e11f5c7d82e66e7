//! What the catheter is made of, and what its faults make of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::{CatheterError, CatheterFault};
use super::network::{Network, Outlet, Station};
use crate::parameters::ParameterSet;
use crate::scenario::model::{self, Material};
use crate::signals::{Destination, Level};

/// Places closer than this share one node \[cm\].
const SAME_PLACE: f64 = 0.05;

/// Resistance that counts as closed [kPa h/mL]: a pump at its limit would pass about a
/// nanolitre in ten years.
const CLOSED: f64 = 1e13;

/// Faults by their names.
pub(super) type Faults = BTreeMap<String, CatheterFault>;

/// Fixed properties of one implanted line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Build {
    /// Volume of the pump's own tube \[mL\].
    pub tube: f64,
    /// Volume of a centimetre \[mL/cm\].
    pub per_cm: f64,
    /// Length \[cm\].
    pub length: f64,
    /// Where the tip was put.
    pub tip: Level,
    /// Resistance of a sound centimetre \[kPa h/(mL cm)\].
    pub resistance: f64,
    /// Half width of a smeared front \[mL\].
    pub smear: f64,
    /// The same where drug follows water \[mL\].
    pub water_smear: f64,
    /// Time constant below which pressure settles at once \[h\].
    pub instant: f64,
    /// Widening of the tube \[mL/kPa\].
    tube_compliance: f64,
    /// Widening of a centimetre of catheter \[mL/(kPa cm)\].
    wall_compliance: f64,
    /// Pressure outside the spinal fluid \[kPa\].
    tissue_pressure: f64,
    /// Conductance of a disconnected end \[mL/(h kPa)\].
    open_end: f64,
    /// Length over which a plug narrows the bore \[cm\].
    occlusion_length: f64,
    /// Length over which a mass narrows the tip \[cm\].
    granuloma_length: f64,
    /// Length over which misaligned bores overlap \[cm\].
    connector_length: f64,
    /// Inner diameter at the connector \[mm\].
    bore: f64,
    /// The piece next to the pump, if it is another: length \[cm\] and volume \[mL/cm\].
    near: Option<(f64, f64)>,
    /// Fall of spinal fluid pressure per escaping flow \[kPa h/mL\].
    outflow_resistance: f64,
    /// Spinal fluid made, which bounds what can escape for long \[mL/h\].
    production: f64,
}

/// A place on the way where fluid can leave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    /// Where \[cm\].
    pub position: f64,
    /// Conductance \[mL/(h kPa)\] and end of each hole.
    pub outlets: Vec<(f64, Destination)>,
}

impl Build {
    pub(super) fn new(setup: &model::Catheter, parameters: &ParameterSet) -> Result<Self, CatheterError> {
        if !(setup.length.is_finite() && setup.length >= 1.0) {
            return Err(CatheterError::Value {
                what: "catheter length",
                value: setup.length,
                expected: "at least 1 cm",
            });
        }
        let tube = parameters.get("catheter.tube_volume");
        let per_cm = parameters.get("catheter.volume_per_length");
        let near = setup.pump_segment.map(|s| (s.length, s.volume / s.length));
        if let Some((length, volume)) = near {
            for (what, value, holds) in [
                (
                    "length of the pump segment",
                    length,
                    length > 0.0 && length < setup.length,
                ),
                ("volume of the pump segment", volume, volume > 0.0),
            ] {
                if !(value.is_finite() && holds) {
                    return Err(CatheterError::Value {
                        what,
                        value,
                        expected: "above zero, and shorter than the whole",
                    });
                }
            }
        }
        let catheter = match near {
            Some((length, volume)) => volume * length + per_cm * (setup.length - length),
            None => per_cm * setup.length,
        };
        let sigma = parameters.get("catheter.front.smear") * (tube + catheter);
        let in_tube = parameters.get("catheter.front.water_mixing") * tube;
        // Poiseuille: 128 viscosity length / (pi bore^4), with 1 cm, in Pa s/m3.
        let bore = parameters.get("catheter.bore") * 1e-3;
        let viscosity = parameters.get("catheter.viscosity") * 1e-3;
        let pascal = 128.0 * viscosity * 1e-2 / (std::f64::consts::PI * bore * bore * bore * bore);
        Ok(Self {
            tube,
            per_cm,
            length: setup.length,
            tip: setup.tip,
            // 1 Pa s/m3 = 1e-3 kPa (1/3600 h) / 1e6 mL.
            resistance: pascal * (1e-9 / 3600.0),
            smear: 2.0 * sigma,
            water_smear: 2.0 * (sigma * sigma + in_tube * in_tube).sqrt(),
            instant: parameters.get("catheter.instant_below") / 3600.0,
            tube_compliance: parameters.get("catheter.compliance.tube") * 1e-3,
            wall_compliance: 1e-3
                * parameters.get(match setup.material {
                    Material::Braided => "catheter.compliance.braided",
                    Material::Silicone => "catheter.compliance.silicone",
                }),
            tissue_pressure: parameters.get("catheter.pressure.tissue"),
            open_end: parameters.get("catheter.disconnection.conductance"),
            occlusion_length: parameters.get("catheter.occlusion.length"),
            granuloma_length: parameters.get("catheter.granuloma.length"),
            connector_length: parameters.get("catheter.connector.length"),
            bore: parameters.get("catheter.bore"),
            near,
            outflow_resistance: parameters.get("catheter.csf.outflow_resistance"),
            production: parameters.get("kinetics.csf.production"),
        })
    }

    /// Volume of tube and sound catheter \[mL\].
    pub(super) fn dead_volume(&self) -> f64 {
        self.volume_to(self.length)
    }

    /// Volume from the reservoir to a place \[mL\]; the pieces of a two-piece catheter add up.
    pub(super) fn volume_to(&self, position: f64) -> f64 {
        match self.near {
            Some((length, volume)) if position > length => {
                self.tube + (volume * length + self.per_cm * (position - length))
            }
            Some((_, volume)) => self.tube + volume * position,
            None => self.tube + self.per_cm * position,
        }
    }

    /// Resistance of a sound centimetre at a place: a wider bore has the square of its area less
    /// \[kPa h/(mL cm)\].
    fn resistance_at(&self, position: f64) -> f64 {
        match self.near {
            Some((length, volume)) if position <= length => {
                let narrower = self.per_cm / volume;
                self.resistance * (narrower * narrower)
            }
            _ => self.resistance,
        }
    }

    /// Length of thin catheter with the same resistance as the way from the pump to a place \[cm\].
    pub(super) fn thin_length(&self, position: f64) -> f64 {
        match self.near {
            Some((length, volume)) => {
                let narrower = self.per_cm / volume;
                position.min(length) * (narrower * narrower) + (position - length).max(0.0)
            }
            None => position,
        }
    }

    /// Gauge pressure of the spinal fluid while some of it escapes, and the flow that does
    /// \[kPa, mL/h\]. What escapes lowers the pressure in proportion (Davson's equation: the
    /// pressure is what drives the rest out through its normal ways), and no more can escape
    /// for long than is made.
    pub(super) fn csf_under_leak(&self, faults: &Faults, undisturbed: f64) -> (f64, f64) {
        let open: f64 = self.csf_holes(faults).map(|(_, conductance)| conductance).sum();
        let drives = undisturbed - self.tissue_pressure;
        if open <= 0.0 || drives <= 0.0 {
            return (undisturbed, 0.0);
        }
        let flow = (open * drives / (1.0 + self.outflow_resistance * open)).min(self.production);
        (undisturbed - self.outflow_resistance * flow, flow)
    }

    /// Holes in the dura beside the catheter: level and conductance \[mL/(h kPa)\].
    pub(super) fn csf_holes<'a>(&self, faults: &'a Faults) -> impl Iterator<Item = (Level, f64)> + 'a {
        faults.values().filter_map(|fault| match *fault {
            CatheterFault::CsfLeak { level, conductance } => Some((level, conductance)),
            _ => None,
        })
    }

    /// Share of what leaves the tip that stays in masses round it \[0-1\].
    pub(super) fn mass_share(&self, faults: &Faults) -> f64 {
        let past: f64 = faults
            .values()
            .map(|fault| match *fault {
                CatheterFault::Granuloma { share, .. } => 1.0 - share,
                _ => 1.0,
            })
            .product();
        1.0 - past
    }

    /// Widening of the wall from the pump to a place \[mL/kPa\].
    pub(super) fn compliance(&self, position: f64) -> f64 {
        self.tube_compliance + self.wall_compliance * position
    }

    /// Pressure of a place \[kPa\].
    pub(super) fn pressure_in(&self, place: Destination, csf: f64) -> f64 {
        match place {
            Destination::Csf(_) | Destination::Subdural => csf,
            Destination::Epidural | Destination::Subcutaneous => self.tissue_pressure,
        }
    }

    /// The narrowest place: where, and its resistance; the one nearer the pump of equals.
    pub(super) fn narrowest(&self, faults: &Faults) -> Option<(f64, f64)> {
        let mut found: Option<(f64, f64)> = None;
        for (position, resistance) in self.narrows(faults) {
            let beats = found.is_none_or(|(at, r)| resistance > r || (resistance == r && position < at));
            if beats {
                found = Some((position, resistance));
            }
        }
        found
    }

    /// Narrow places and the resistance each adds to the sound line (bore to the fourth power).
    fn narrows(&self, faults: &Faults) -> impl Iterator<Item = (f64, f64)> {
        let extra = |position: f64, length: f64, bore: f64| {
            let square = bore * bore;
            let resistance = self.resistance_at(position) * length * (1.0 / (square * square) - 1.0);
            // A zero bore gives infinity or, over no length, no number.
            if resistance < CLOSED { resistance } else { f64::INFINITY }
        };
        faults.values().filter_map(move |fault| {
            let (position, length, bore) = match *fault {
                CatheterFault::Kink { position, length, bore } => (position, length, bore),
                CatheterFault::Occlusion { position, bore } => (position, self.occlusion_length, bore),
                CatheterFault::Granuloma { bore, .. } => (self.length, self.granuloma_length, bore),
                CatheterFault::Misalignment { offset } => (0.0, self.connector_length, self.overlap(offset)),
                // Behind its own hole, wherever that is kept clear of the ends.
                CatheterFault::Fracture { position, bore, .. } => (self.inner(position), self.occlusion_length, bore),
                _ => return None,
            };
            Some((position, extra(position, length, bore)))
        })
    }

    /// Bore of the same area as the overlap of two equal circles whose centres are `offset` mm
    /// apart, of their diameter \[0-1\]. The lens is more slender than a round hole, so its true
    /// resistance is somewhat higher.
    fn overlap(&self, offset: f64) -> f64 {
        let x = offset / self.bore;
        if x >= 1.0 {
            return 0.0;
        }
        let area = 2.0 / std::f64::consts::PI * (libm::acos(x) - x * (1.0 - x * x).sqrt());
        area.clamp(0.0, 1.0).sqrt()
    }

    /// A place kept clear of both ends, so that every reach between two holes has a volume \[cm\].
    fn inner(&self, position: f64) -> f64 {
        position.clamp(SAME_PLACE, self.length - SAME_PLACE)
    }

    /// Leaks by place. The ends of the catheter are kept clear, so that every reach between
    /// two nodes has a volume.
    pub(super) fn leak_nodes(&self, faults: &Faults) -> Vec<Node> {
        let mut leaks: Vec<(f64, f64, Destination)> = faults
            .values()
            .filter_map(|fault| match *fault {
                CatheterFault::Leak {
                    position,
                    conductance,
                    into,
                } => Some((position, conductance, into)),
                CatheterFault::Disconnection {
                    position,
                    opening,
                    into,
                } => Some((position, opening * self.open_end, into)),
                CatheterFault::Fracture {
                    position,
                    conductance,
                    into,
                    ..
                } => Some((position, conductance, into)),
                _ => None,
            })
            .filter(|(_, conductance, _)| *conductance > 0.0)
            .map(|(position, conductance, into)| (self.inner(position), conductance, into))
            .collect();
        leaks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut nodes: Vec<Node> = Vec::new();
        for (position, conductance, into) in leaks {
            match nodes.last_mut() {
                Some(node) if position - node.position < SAME_PLACE => node.outlets.push((conductance, into)),
                _ => nodes.push(Node {
                    position,
                    outlets: vec![(conductance, into)],
                }),
            }
        }
        nodes
    }

    /// The chain of resistors. The place of the cut is always a station of it.
    pub(super) fn network(&self, faults: &Faults, nodes: &[Node], cut: f64, csf: f64, tip: f64) -> Network {
        let mut stations: Vec<(f64, Station)> = nodes
            .iter()
            .map(|node| {
                let outlets = node.outlets.iter().map(|(conductance, to)| Outlet {
                    conductance: *conductance,
                    pressure: self.pressure_in(*to, csf),
                });
                (node.position, Station::Leak(outlets.collect()))
            })
            .collect();
        stations.extend(self.narrows(faults).map(|(at, r)| (at, Station::Narrow(r))));
        if self.narrowest(faults).is_none() {
            stations.push((cut, Station::Narrow(0.0)));
        }
        // Stable, so that at one place the leak lies before the narrow.
        stations.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Resistance alone counts from here on, so places become lengths of thin catheter.
        for (position, _) in &mut stations {
            *position = self.thin_length(*position);
        }
        Network {
            stations,
            length: self.thin_length(self.length),
            per_length: self.resistance,
            tip_pressure: tip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build() -> Build {
        let setup = model::Catheter::plain(89.0, 35.0, Level::T10, Material::Braided);
        Build::new(&setup, &ParameterSet::default()).unwrap()
    }

    fn faults(list: &[CatheterFault]) -> Faults {
        list.iter().enumerate().map(|(i, f)| (i.to_string(), *f)).collect()
    }

    fn holes(places: &[f64], conductance: f64) -> Vec<(f64, usize)> {
        let into = Destination::Epidural;
        let leaks: Vec<_> = places
            .iter()
            .map(|&position| CatheterFault::Leak {
                position,
                conductance,
                into,
            })
            .collect();
        let nodes = build().leak_nodes(&faults(&leaks));
        nodes.iter().map(|n| (n.position, n.outlets.len())).collect()
    }

    #[test]
    fn spinal_fluid_escapes_only_towards_a_lower_pressure() {
        let build = Build {
            tissue_pressure: 0.5,
            outflow_resistance: 0.5,
            production: 10.0,
            ..build()
        };
        let level = Level::T10;
        let hole = faults(&[CatheterFault::CsfLeak {
            level,
            conductance: 2.0,
        }]);
        // 2 x (1.5 - 0.5) / (1 + 0.5 x 2) = 1 mL/h, which takes 0.5 kPa off.
        assert_eq!(build.csf_under_leak(&hole, 1.5), (1.0, 1.0));
        assert_eq!(build.csf_under_leak(&hole, 0.25), (0.25, 0.0));
    }

    #[test]
    fn holes_within_half_a_millimetre_share_a_place_and_others_do_not() {
        assert_eq!(holes(&[10.0, 10.04], 1.0), [(10.0, 2)]);
        assert_eq!(holes(&[10.0, 10.06], 1.0), [(10.0, 1), (10.06, 1)]);
        assert_eq!(holes(&[0.05, 0.1], 1.0), [(0.05, 1), (0.1, 1)]);
    }

    #[test]
    fn holes_at_the_ends_are_kept_clear_of_them() {
        assert_eq!(holes(&[0.0, 89.0], 1.0), [(0.05, 1), (88.95, 1)]);
    }

    #[test]
    fn a_hole_through_which_nothing_passes_is_none() {
        assert_eq!(holes(&[10.0], 0.0), []);
    }

    #[test]
    fn a_resistance_that_counts_as_closed_is_closed() {
        // Half the bore adds 15 times the resistance of the length.
        let build = Build {
            resistance: CLOSED / 15.0,
            ..build()
        };
        let (position, length, bore) = (10.0, 1.0, 0.5);
        let kink = faults(&[CatheterFault::Kink { position, length, bore }]);
        assert_eq!(build.narrowest(&kink), Some((10.0, f64::INFINITY)));
    }
}
