//! Fold errors of kinetic quantities.

/// Fold error of a simulated against a published value, at least 1: the ratio or its inverse.
///
/// `None` unless both are positive and finite.
pub fn fold(simulated: f64, published: f64) -> Option<f64> {
    let ratio = simulated / published;
    (simulated > 0.0 && published > 0.0 && ratio.is_finite() && ratio > 0.0).then(|| ratio.max(1.0 / ratio))
}

/// Geometric mean fold error: the exponential of the mean absolute logarithm of the ratios of
/// simulated to published; 1 is perfect, 2 is a factor of two on average.
///
/// Pairs that have no fold error are left out; `None` if none is left.
pub fn gmfe(pairs: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<f64> = pairs.iter().filter_map(|&(s, p)| fold(s, p)).map(libm::log).collect();
    let sum = logs.iter().fold(0.0, |a, b| a + b);
    (!logs.is_empty()).then(|| libm::exp(sum / logs.len() as f64))
}

/// Geometric mean ratio: as [`gmfe`] without the absolute value, so that errors of both
/// directions cancel; above 1 the model is high on average.
pub fn bias(pairs: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<f64> = pairs
        .iter()
        .filter(|&&(s, p)| fold(s, p).is_some())
        .map(|&(s, p)| libm::log(s / p))
        .collect();
    let sum = logs.iter().fold(0.0, |a, b| a + b);
    (!logs.is_empty()).then(|| libm::exp(sum / logs.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_fold_error_is_that_of_the_hand() {
        // Folds 2, 2 and 1: the cube root of 4, by hand 1.587401.
        let pairs = [(2.0, 1.0), (1.0, 2.0), (3.0, 3.0)];
        assert!((gmfe(&pairs).unwrap() - 1.587_401_051_968_199_4).abs() < 1e-14);
        // A factor up and the same factor down cancel in the bias.
        assert!((bias(&pairs).unwrap() - 1.0).abs() < 1e-15);
        assert!((bias(&[(8.0, 1.0), (1.0, 2.0)]).unwrap() - 2.0).abs() < 1e-14);
    }

    #[test]
    fn what_has_no_ratio_is_left_out() {
        assert_eq!(gmfe(&[(0.0, 1.0), (f64::NAN, 1.0), (1.0, -1.0)]), None);
        assert_eq!(gmfe(&[(0.0, 1.0), (4.0, 2.0)]), Some(2.0));
        assert_eq!(fold(1.0, 4.0), Some(4.0));
    }
}
