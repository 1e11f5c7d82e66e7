//! Accuracy over observation windows (trumpet curve) and the arithmetic of an occlusion.

use serde::Serialize;

use super::{CalcError, finite, not_negative, positive, positive_flow};

/// Most samples of all windows together; a day of half minutes with windows of an hour has a third of a million.
const MOST_WORK: usize = 100_000_000;

/// Volume of each sample interval from a train of equal pulses, the first at time zero.
///
/// A pulse on the edge of two intervals counts in the later one. Volumes in \[mL\], times in \[h\].
///
/// # Errors
/// [`CalcError`] unless all are positive, or for more than ten million samples.
pub fn pulse_train(stroke: f64, every: f64, sample: f64, until: f64) -> Result<Vec<f64>, CalcError> {
    let stroke = positive("the stroke", stroke, "mL")?;
    let every = positive("the time between strokes", every, "h")?;
    let sample = positive("the sample interval", sample, "h")?;
    let until = positive("the duration", until, "h")?;
    let n = libm::round(until / sample);
    if !(n < 1e7 && until / every < 1e7) {
        return Err(CalcError::NotFinite {
            what: "the number of samples",
        });
    }
    let mut volumes = vec![0.0; n as usize];
    let mut k = 0.0;
    loop {
        // A hair forward, so that an edge in decimal is one in binary.
        let place = libm::floor(k * every / sample + 1e-9);
        let Some(v) = volumes.get_mut(place as usize) else {
            return Ok(volumes);
        };
        *v += stroke;
        k += 1.0;
    }
}

/// Extremes of the flow error over one length of window, as in IEC 60601-2-24.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trumpet {
    /// Largest mean error over any window \[%\].
    pub largest: f64,
    /// Smallest mean error over any window \[%\].
    pub smallest: f64,
    /// Number of windows.
    pub windows: usize,
    /// Mean error over the whole analysis period \[%\].
    pub mean: f64,
}

/// One point of the trumpet curve: `volumes` \[mL\] per `sample` \[h\], flow asked for \[mL/h\],
/// analysis period \[h\], length of the window \[h\].
///
/// # Errors
/// [`CalcError`] if a length is not positive, no window fits in the period, or all windows together
/// have more than a hundred million samples.
pub fn trumpet(volumes: &[f64], sample: f64, flow: f64, period: (f64, f64), window: f64) -> Result<Trumpet, CalcError> {
    let sample = positive("the sample interval", sample, "h")?;
    let flow = positive_flow("the flow", flow)?;
    let window = positive("the window", window, "h")?;
    let no_window = CalcError::NotFinite {
        what: "the number of windows",
    };
    let index = |t: f64| libm::round(t / sample) as usize;
    let length = index(window);
    let Some(inside) = volumes.get(index(period.0)..index(period.1)) else {
        return Err(no_window);
    };
    if length == 0 || length > inside.len() {
        return Err(no_window);
    }
    // Each window is added up anew, so the work is their product.
    let work = (inside.len() - length + 1).saturating_mul(length);
    if work > MOST_WORK {
        return Err(CalcError::NotFinite {
            what: "the number of samples in all windows",
        });
    }
    let error = |part: &[f64]| {
        let volume = part.iter().fold(0.0, |a, b| a + b);
        100.0 * (volume / (flow * sample * part.len() as f64) - 1.0)
    };
    let errors: Vec<f64> = inside.windows(length).map(error).collect();
    let largest = errors.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = errors.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(Trumpet {
        largest: finite("the largest error", largest)?,
        smallest: finite("the smallest error", smallest)?,
        windows: errors.len(),
        mean: finite("the mean error", error(inside))?,
    })
}

/// What an occlusion is asked with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OcclusionInput {
    /// Flow \[mL/h\].
    pub flow: f64,
    /// Pressure before the occlusion \[kPa\].
    pub baseline: f64,
    /// Pressure at which the alarm is triggered \[kPa\].
    pub threshold: f64,
    /// Volume stored per pressure before the occlusion \[mL/kPa\].
    pub compliance: f64,
    /// From trigger to alarm \[h\].
    pub latency: f64,
}

/// An occlusion with its alarm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Occlusion {
    /// Volume stored until the alarm is triggered, released when the line opens \[mL\].
    pub stored: f64,
    /// From occlusion to alarm \[h\].
    pub to_alarm: f64,
    /// Flow \[mL/h\].
    pub flow: f64,
    /// Pressure before the occlusion \[kPa\].
    pub baseline: f64,
    /// Volume stored per pressure \[mL/kPa\].
    pub compliance: f64,
    /// From trigger to alarm \[h\].
    pub latency: f64,
}

/// Stored volume and time to alarm: `V = C dP`, `t = V / Q + latency`.
///
/// # Errors
/// [`CalcError`] unless flow, compliance and pressure rise are positive.
pub fn occlusion(input: &OcclusionInput) -> Result<Occlusion, CalcError> {
    let flow = positive_flow("the flow", input.flow)?;
    let compliance = positive("the compliance", input.compliance, "mL/kPa")?;
    let rise = positive("the rise of pressure", input.threshold - input.baseline, "kPa")?;
    let latency = not_negative("the latency", input.latency, "h")?;
    let stored = finite("the stored volume", compliance * rise)?;
    Ok(Occlusion {
        stored,
        to_alarm: finite("the time to the alarm", stored / flow + latency)?,
        flow,
        baseline: input.baseline,
        compliance,
        latency,
    })
}

impl Occlusion {
    /// Threshold \[kPa\] at which the alarm comes just within a time \[h\].
    pub fn threshold_for(&self, within: f64) -> f64 {
        self.baseline + self.flow * (within - self.latency) / self.compliance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_has_no_error_in_any_window() {
        let t = trumpet(&[0.5; 100], 0.01, 50.0, (0.2, 0.8), 0.05).unwrap();
        assert!(t.largest.abs() < 1e-9 && t.smallest.abs() < 1e-9 && t.mean.abs() < 1e-9);
        assert_eq!(t.windows, 56);
    }

    #[test]
    fn pulses_fall_where_they_belong() {
        let train = pulse_train(1.0, 0.3, 0.1, 1.0).unwrap();
        assert_eq!(train, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        assert!(pulse_train(1.0, 0.3, 1e-9, 1.0).is_err());
    }

    #[test]
    fn a_window_longer_than_the_period_is_refused() {
        assert!(trumpet(&[0.5; 100], 0.01, 50.0, (0.2, 0.8), 0.7).is_err());
        assert!(trumpet(&[0.5; 100], 0.01, 50.0, (0.2, 1.8), 0.1).is_err());
    }

    #[test]
    fn more_windows_than_can_be_added_up_are_refused_at_once() {
        let many = vec![1.0; 1_000_000];
        assert!(trumpet(&many, 1.0, 1.0, (0.0, 1e6), 5e5).is_err());
        assert!(trumpet(&many, 1.0, 1.0, (0.0, 1e6), 100.0).is_ok());
    }

    #[test]
    fn the_threshold_for_a_time_gives_that_time() {
        let mut input = OcclusionInput {
            flow: 12.0,
            baseline: 15.0,
            threshold: 85.0,
            compliance: 0.01,
            latency: 8.0 / 3600.0,
        };
        let o = occlusion(&input).unwrap();
        input.threshold = o.threshold_for(120.0 / 3600.0);
        assert!((occlusion(&input).unwrap().to_alarm * 3600.0 - 120.0).abs() < 1e-9);
        input.threshold = 15.0;
        assert!(occlusion(&input).is_err());
    }
}
