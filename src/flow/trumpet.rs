//! Accuracy of a pulsed flow after IEC 60601-2-24: start-up and trumpet curves.
//!
//! The standard does not cover implantable pumps, so what is computed here is an engineering
//! benchmark and no claim of compliance. With windows of minutes a pump that makes a stroke
//! every quarter of an hour shows hundreds of percent by construction; windows of hours say
//! more. The x-axis of a trumpet is the *length of the window*, not time.

use serde::Serialize;

/// Windows of the standard \[min\], for samples of half a minute.
pub const MINUTE_WINDOWS: [f64; 5] = [2.0, 5.0, 11.0, 19.0, 31.0];

/// Windows of the long form for ambulatory pumps, and beyond, for samples of 15 min \[min\].
pub const HOUR_WINDOWS: [f64; 9] = [15.0, 60.0, 150.0, 330.0, 570.0, 930.0, 1440.0, 2880.0, 5760.0];

/// Cumulative volume at equal intervals: sample 0 is the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Volumes {
    /// Interval between samples, *S* of the standard \[min\].
    pub interval_min: f64,
    /// Volume that has left since the start, at each sample \[mL\].
    pub total: Vec<f64>,
}

/// One window of a trumpet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TrumpetPoint {
    /// Length of the window, *P* \[min\].
    pub window_min: f64,
    /// Number of such windows in the period analysed, *m*.
    pub windows: usize,
    /// Largest mean error in a window, *Ep(max)* \[%\].
    pub max_percent: f64,
    /// Smallest mean error in a window, *Ep(min)* \[%\].
    pub min_percent: f64,
}

/// A trumpet curve with the mean error of its whole period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trumpet {
    /// Overall mean error of the period, *A* \[%\].
    pub mean_percent: f64,
    /// One point a window, in the order asked for.
    pub points: Vec<TrumpetPoint>,
}

/// Why there is no trumpet.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrumpetError {
    /// The set rate is not positive.
    #[error("a trumpet needs a set rate above zero, not {rate} mL/h")]
    Rate {
        /// Rate given \[mL/h\].
        rate: f64,
    },
    /// The period lies outside the samples or is empty.
    #[error("samples {from} to {to} are no period of {samples} samples")]
    Period {
        /// First sample.
        from: usize,
        /// Last sample.
        to: usize,
        /// Samples there are.
        samples: usize,
    },
}

impl Volumes {
    /// Mean flow in the interval that ends with sample `i`, for i from 1:
    /// Q_i = 60 (W_i - W_(i-1)) / S \[mL/h\]. The start-up curve is this over time.
    pub fn flow(&self, i: usize) -> Option<f64> {
        let (after, before) = (self.total.get(i)?, self.total.get(i.checked_sub(1)?)?);
        Some(60.0 * (after - before) / self.interval_min)
    }

    /// The start-up curve: end of each interval \[h\] and mean flow in it \[mL/h\].
    pub fn start_up(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        (1..self.total.len()).filter_map(|i| Some((i as f64 * self.interval_min / 60.0, self.flow(i)?)))
    }

    /// The trumpet of the samples `from` to `to` (both ends count) at a set rate \[mL/h\].
    ///
    /// For a window of *P* minutes there are m = (T - P)/S + 1 places in a period of *T*
    /// minutes; Ep(max) and Ep(min) are the extremes over them of
    /// (S/P) sum of 100 (Q_i - r)/r. A window that is no whole number of intervals, or longer than
    /// the period, is left out. A pulse on a sample's edge counts in the later sample.
    ///
    /// # Errors
    /// [`TrumpetError`] for an impossible rate or period.
    ///
    /// # Example
    /// ```
    /// use itbsim::flow::Volumes;
    /// // A pulse of 2.5 uL every 18 min, looked at every half minute for two hours.
    /// let total = (0..=240).map(|i| 0.0025 * (f64::from(i) / 36.0).ceil()).collect();
    /// let trumpet = Volumes { interval_min: 0.5, total }.trumpet(0.2 / 24.0, 120, 240, &[2.0])?;
    /// assert!((trumpet.points[0].max_percent - 800.0).abs() < 1e-9);
    /// # Ok::<(), itbsim::flow::TrumpetError>(())
    /// ```
    pub fn trumpet(&self, rate: f64, from: usize, to: usize, windows_min: &[f64]) -> Result<Trumpet, TrumpetError> {
        if rate.is_nan() || rate <= 0.0 {
            return Err(TrumpetError::Rate { rate });
        }
        let samples = self.total.len();
        if to >= samples || from >= to {
            return Err(TrumpetError::Period { from, to, samples });
        }
        // The sum of (S/P)(Q_i - r)/r over a window is the error of the volume in it.
        let error = |start: usize, end: usize| {
            let hours = (end - start) as f64 * self.interval_min / 60.0;
            100.0 * ((self.total[end] - self.total[start]) / (rate * hours) - 1.0) + 0.0
        };
        let mut points = Vec::new();
        for &window_min in windows_min {
            let length = window_min / self.interval_min;
            if length < 0.5 || (length - length.round()).abs() > 1e-9 * length || length > (to - from) as f64 + 0.5 {
                continue;
            }
            let length = length.round() as usize;
            let mut point = TrumpetPoint {
                window_min,
                windows: 0,
                max_percent: f64::NEG_INFINITY,
                min_percent: f64::INFINITY,
            };
            for start in from..=to - length {
                let e = error(start, start + length);
                point.windows += 1;
                point.max_percent = point.max_percent.max(e);
                point.min_percent = point.min_percent.min(e);
            }
            points.push(point);
        }
        Ok(Trumpet {
            mean_percent: error(from, to),
            points,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One pulse of 2.5 uL every 18 min, the first at once; a pulse on an edge is in the later sample.
    fn pulses(interval_min: f64, hours: f64) -> Volumes {
        let n = (hours * 60.0 / interval_min).round() as usize;
        let total = (0..=n)
            .map(|i| 0.0025 * (i as f64 * interval_min / 18.0).ceil())
            .collect();
        Volumes { interval_min, total }
    }

    fn hundredths(x: f64) -> i64 {
        (100.0 * x).round() as i64
    }

    #[test]
    fn the_vectors_with_samples_of_half_a_minute_come_out_to_the_digits_given() {
        let trumpet = pulses(0.5, 2.0).trumpet(0.2 / 24.0, 120, 240, &MINUTE_WINDOWS).unwrap();
        let found: Vec<(usize, i64, i64)> = trumpet
            .points
            .iter()
            .map(|p| (p.windows, hundredths(p.max_percent), hundredths(p.min_percent)))
            .collect();
        assert_eq!(
            found,
            [
                (117, 80000, -10000),
                (111, 26000, -10000),
                (99, 6364, -10000),
                (83, 8947, -526),
                (59, 1613, -4194)
            ]
        );
        assert_eq!(hundredths(trumpet.mean_percent), -1000);
    }

    #[test]
    fn the_vectors_with_samples_of_a_quarter_hour_come_out_to_the_digits_given() {
        let windows = [15.0, 60.0, 150.0, 330.0, 570.0, 930.0];
        let trumpet = pulses(15.0, 48.0).trumpet(0.2 / 24.0, 96, 192, &windows).unwrap();
        let found: Vec<(i64, i64)> = trumpet
            .points
            .iter()
            .map(|p| (hundredths(p.max_percent), hundredths(p.min_percent)))
            .collect();
        assert_eq!(
            found,
            [
                (2000, -10000),
                (2000, -1000),
                (800, -400),
                (364, -182),
                (105, -211),
                (65, -129)
            ]
        );
        assert_eq!(hundredths(trumpet.mean_percent), 0);
    }

    #[test]
    fn a_steady_flow_is_a_flat_trumpet_at_its_mean_error() {
        let total = (0..=240).map(|i| 1.03 * 0.01 * f64::from(i) / 120.0).collect();
        let steady = Volumes {
            interval_min: 0.5,
            total,
        };
        let trumpet = steady.trumpet(0.01, 0, 240, &MINUTE_WINDOWS).unwrap();
        assert!((trumpet.mean_percent - 3.0).abs() < 1e-9);
        for p in &trumpet.points {
            assert!(
                (p.max_percent - 3.0).abs() < 1e-9 && (p.min_percent - 3.0).abs() < 1e-9,
                "{p:?}"
            );
        }
        let curve: Vec<(f64, f64)> = steady.start_up().collect();
        assert_eq!(curve.len(), 240);
        assert!((curve[0].0 - 0.5 / 60.0).abs() < 1e-15 && (curve[0].1 - 0.0103).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_trumpet_is_a_typed_error() {
        let volumes = pulses(0.5, 1.0);
        assert_eq!(
            volumes.trumpet(0.0, 0, 10, &[2.0]),
            Err(TrumpetError::Rate { rate: 0.0 })
        );
        assert!(matches!(
            volumes.trumpet(0.1, 100, 121, &[2.0]),
            Err(TrumpetError::Period { samples: 121, .. })
        ));
        assert!(matches!(
            volumes.trumpet(0.1, 10, 10, &[2.0]),
            Err(TrumpetError::Period { .. })
        ));
        // Windows that do not fit are left out, not made up.
        let odd = volumes.trumpet(0.1, 0, 100, &[0.75, 51.0, 2.0]).unwrap();
        assert_eq!(odd.points.len(), 1);
    }
}
