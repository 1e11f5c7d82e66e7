//! A patient in whom nothing moves.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::numerics::{ExponentialSum, Term};

use super::layout::Layout;

/// States that only accumulate.
const CUMULATIVE: usize = Layout::LOST + 1 - Layout::RENAL;

/// Amounts that stay as they are under their inputs: no modes are needed while nothing moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rest {
    /// Amounts at the origin by [`Layout`] \[ug\], \[ug/mL\], \[mg\].
    pub(super) amounts: Vec<f64>,
    /// Inputs under which they stay \[ug/h\], \[mg/h\].
    pub(super) inputs: Vec<f64>,
    /// How fast the cumulative states, from [`Layout::RENAL`] on, grow meanwhile \[ug/h\].
    growth: [f64; CUMULATIVE],
}

impl Rest {
    /// A body without drug and without inputs.
    pub(super) fn empty() -> Rest {
        Rest {
            amounts: vec![0.0; Layout::LEN],
            inputs: vec![0.0; Layout::LEN],
            growth: [0.0; CUMULATIVE],
        }
    }

    /// Amounts to which a matrix \[1/h\] brings a body under these inputs.
    pub(super) fn new(matrix: &DMatrix<f64>, amounts: Vec<f64>, inputs: Vec<f64>) -> Rest {
        let growth = std::array::from_fn(|k| {
            let row = matrix.row(Layout::RENAL + k);
            row.iter()
                .zip(&amounts)
                .fold(inputs[Layout::RENAL + k], |sum, (a, x)| sum + a * x)
        });
        Rest {
            amounts,
            inputs,
            growth,
        }
    }

    /// Brings amounts at the origin to `dt_h` \[h\] after it: only what accumulates grows.
    pub(super) fn grow(&self, amounts: &mut [f64], dt_h: f64) {
        for (x, growth) in amounts[Layout::RENAL..].iter_mut().zip(self.growth) {
            *x += growth * dt_h;
        }
    }

    /// Amounts `dt_h` \[h\] after the origin.
    pub(super) fn amounts_after(&self, dt_h: f64) -> Vec<f64> {
        let mut amounts = self.amounts.clone();
        self.grow(&mut amounts, dt_h);
        amounts
    }

    /// The output with these weights as a function of the time since the origin: a straight line.
    pub(super) fn trajectory(&self, weights: &[f64]) -> ExponentialSum {
        let grown = weights[Layout::RENAL..].iter().zip(self.growth);
        ExponentialSum::new(vec![Term {
            amplitude: self.amounts.iter().zip(weights).fold(0.0, |sum, (x, w)| sum + w * x),
            forcing: grown.fold(0.0, |sum, (w, g)| sum + w * g),
            rate: 0.0,
            power: 0,
        }])
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::SimTime;
    use crate::kinetics::{Body, Kinetics, Site};
    use crate::parameters::ParameterSet;
    use crate::signals::{Destination, Level};

    const TIP: Site = Site::Stream(Destination::Csf(Level::T10));

    fn at(hours: f64) -> SimTime {
        SimTime::from_hours(hours).unwrap()
    }

    fn settled() -> Kinetics {
        let mut k = Kinetics::new(Body::default(), &ParameterSet::default()).unwrap();
        k.settle(SimTime::ZERO, &[(TIP, 16.0)]).unwrap();
        k
    }

    #[test]
    fn amounts_at_rest_are_those_of_the_modes() {
        let k = settled();
        let system = k.system();
        let (x, b) = (k.amounts(SimTime::ZERO).unwrap(), &k.state().inputs);
        let (start, input) = (system.coordinates(&x), system.forcing(b));
        for hours in [0.0, 0.3, 24.0, 8_760.0] {
            let modal = system.physical(&system.advance(&start, &input, hours));
            let size = modal.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            for (plain, modal) in k.amounts(at(hours)).unwrap().iter().zip(modal) {
                assert!((plain - modal).abs() < 1e-11 * size, "{hours} h: {plain} for {modal}");
            }
            let now = k.reading(at(hours), &mut k.scratch()).unwrap();
            assert!((now.in_body + now.eliminated - now.dosed).abs() < 1e-12 * now.dosed.max(1.0));
        }
    }

    #[test]
    fn nothing_is_decomposed_until_something_moves_and_rest_goes_on_over_a_pause_of_no_time() {
        let mut k = settled();
        let before = k.drive(at(0.0), &mut k.scratch()).unwrap();
        k.set_inputs(at(0.0), &[]).unwrap();
        k.set_inputs(at(0.0), &[(TIP, 16.0)]).unwrap();
        assert_eq!(k.drive(at(4_000.0), &mut k.scratch()).unwrap(), before);
        assert_eq!(k.course().unwrap().settled_after(), 0.0);
        k.set_inputs(at(4_000.0), &[(TIP, 16.0)]).unwrap();
        assert!(!k.is_decomposed());
        k.set_inputs(at(4_000.0), &[(TIP, 8.0)]).unwrap();
        let later = k.drive(at(4_010.0), &mut k.scratch()).unwrap();
        assert!(k.is_decomposed() && later.effect[0] < before.effect[0]);
    }

    #[test]
    fn a_bolus_into_a_resting_patient_adds_to_what_is_there() {
        let (mut k, mut bare) = (
            settled(),
            Kinetics::new(Body::default(), &ParameterSet::default()).unwrap(),
        );
        let rest = k.drive(at(10.0), &mut k.scratch()).unwrap();
        k.add(at(10.0), TIP, 50.0).unwrap();
        bare.add(at(10.0), TIP, 50.0).unwrap();
        for hours in [10.0, 11.5, 30.0] {
            let both = k.drive(at(hours), &mut k.scratch()).unwrap();
            let alone = bare.drive(at(hours), &mut bare.scratch()).unwrap();
            for region in 0..4 {
                let sum = rest.effect[region] + alone.effect[region];
                // Modes are good to some 1e-12.
                assert!((both.effect[region] - sum).abs() < 1e-10 * sum.max(1e-3));
            }
        }
    }

    #[test]
    fn a_state_at_rest_is_stored_and_goes_on_with_the_same_bits() {
        let k = settled();
        let text = serde_json::to_string(k.state()).unwrap();
        let mut other = Kinetics::new(Body::default(), &ParameterSet::default()).unwrap();
        other.restore(serde_json::from_str(&text).unwrap()).unwrap();
        let change = |mut k: Kinetics| {
            k.set_inputs(at(7.0), &[(TIP, 3.0)]).unwrap();
            k.drive(at(9.0), &mut k.scratch()).unwrap()
        };
        assert_eq!(change(other), change(k));
    }
}
