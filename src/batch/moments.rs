//! Means with their Monte Carlo error, from exact sums.

use serde::{Deserialize, Serialize};

use super::exact::ExactSum;
use super::quantile::t;
use super::risk::{Heap, UNIT};

/// Exact sums of a number over replicates, with weights.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    heap: Heap,
    wx: ExactSum,
    wxx: ExactSum,
    wwx: ExactSum,
    wwxx: ExactSum,
}

/// A mean and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Replicates behind it.
    pub n: u64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation between replicates; `None` of a single one.
    pub sd: Option<f64>,
    /// Monte Carlo standard error of the mean; `None` of a single one.
    pub error: Option<f64>,
    /// Lower end of the mean's 95 % interval, by Student's distribution with one degree of freedom
    /// fewer than the effective sample size.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Effective sample size: n without weights, fewer with unequal ones.
    pub effective: f64,
}

impl Moments {
    /// Adds one value with a weight in fixed units.
    pub fn put(&mut self, x: f64, units: u64) {
        let w = units as f64 / UNIT as f64;
        self.heap.put(units);
        self.wx.add(w * x);
        self.wxx.add(w * x * x);
        self.wwx.add(w * w * x);
        self.wwxx.add(w * w * x * x);
    }

    /// Adds all values of another collection.
    pub fn join(&mut self, other: &Moments) {
        self.heap.join(&other.heap);
        self.wx.join(&other.wx);
        self.wxx.join(&other.wxx);
        self.wwx.join(&other.wwx);
        self.wwxx.join(&other.wwxx);
    }

    /// Whether at most so many values can have made it; false only for a damaged file.
    pub(super) fn is_sound(&self, most: u64) -> bool {
        self.heap.is_sound(most)
    }

    /// Values put in.
    pub fn n(&self) -> u64 {
        self.heap.n
    }

    /// Sum of weights.
    pub fn weight(&self) -> f64 {
        self.heap.w as f64 / UNIT as f64
    }

    /// Effective sample size (Kish, Survey Sampling, 1965): square of the sum of weights over
    /// the sum of their squares.
    pub fn effective(&self) -> f64 {
        effective(&self.heap)
    }

    /// Mean and its error; `None` of nothing.
    ///
    /// With weights the error is that of a ratio of sums: the weights stand in both.
    pub fn estimate(&self) -> Option<Estimate> {
        let w = self.weight();
        if self.heap.n == 0 || w <= 0.0 {
            return None;
        }
        let n = self.heap.n as f64;
        let mean = self.wx.value() / w;
        // What differs by rounding only does not differ.
        let rounding = 4.0 * f64::EPSILON * mean * mean;
        let clean = |v: f64| if v <= rounding { 0.0 } else { v };
        let spread = clean(self.wxx.value() / w - mean * mean);
        let plain = self.heap.is_plain();
        let (variance, square) = if plain {
            let variance = spread * n / (n - 1.0);
            (variance, variance / n)
        } else {
            let ww = self.heap.ww as f64 / UNIT as f64;
            let all = self.wwxx.value() - 2.0 * mean * self.wwx.value() + mean * mean * ww;
            (spread, clean(all / (w * w)))
        };
        let several = self.heap.n > 1;
        let error = several.then(|| square.sqrt());
        let effective = self.effective();
        let reach = if several { t(effective - 1.0) } else { 0.0 };
        Some(Estimate {
            n: self.heap.n,
            mean: mean + 0.0,
            sd: several.then(|| variance.sqrt()),
            error,
            low: error.map(|e| mean - reach * e),
            high: error.map(|e| mean + reach * e),
            effective,
        })
    }
}

/// Effective number of replicates in a heap.
pub fn effective(heap: &Heap) -> f64 {
    if heap.ww == 0 {
        return 0.0;
    }
    let w = heap.w as f64 / UNIT as f64;
    // Squares of the smallest weights are rounded down, which must not make more of them.
    (w * w / (heap.ww as f64 / UNIT as f64)).min(heap.n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_spread_and_error_are_those_of_their_definitions() {
        let values = [3.0, 1.5, 8.25, -2.0, 4.0];
        let mut moments = Moments::default();
        values.iter().for_each(|x| moments.put(*x, UNIT));
        let found = moments.estimate().unwrap();
        let mean = 14.75 / 5.0;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 4.0;
        assert!((found.mean - mean).abs() < 1e-15);
        assert!((found.sd.unwrap() - variance.sqrt()).abs() < 1e-14);
        assert!((found.error.unwrap() - (variance / 5.0).sqrt()).abs() < 1e-14);
        assert_eq!(found.effective, 5.0);
    }

    #[test]
    fn what_never_changes_has_no_error_and_one_value_has_none_known() {
        let mut moments = Moments::default();
        moments.put(0.1, UNIT);
        assert_eq!(moments.estimate().unwrap().error, None);
        (0..99).for_each(|_| moments.put(0.1, UNIT));
        let found = moments.estimate().unwrap();
        assert_eq!((found.mean, found.error), (0.1, Some(0.0)));
        assert_eq!(Moments::default().estimate(), None);
    }

    #[test]
    fn a_weighted_share_has_the_error_of_a_ratio() {
        // Two strata of weight 0.2 and 1.8 by hand.
        let mut moments = Moments::default();
        for k in 0..10 {
            moments.put(1.0, UNIT / 5);
            moments.put(f64::from(k % 2), UNIT / 5 * 9);
        }
        let found = moments.estimate().unwrap();
        let (w, wx) = (20.0, 0.2 * 10.0 + 1.8 * 5.0);
        assert!((found.mean - wx / w).abs() < 1e-8);
        let mean = wx / w;
        let square = (10.0 * 0.04 * (1.0 - mean) * (1.0 - mean)
            + 5.0 * 3.24 * (1.0 - mean) * (1.0 - mean)
            + 5.0 * 3.24 * mean * mean)
            / (w * w);
        assert!((found.error.unwrap() - square.sqrt()).abs() < 1e-8);
        assert!((found.effective - w * w / (10.0 * 0.04 + 10.0 * 3.24)).abs() < 1e-6);
    }
}
