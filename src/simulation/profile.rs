//! The course of a fault: from a trigger to a sequence of severities.
//!
//! A ramp is a staircase of [`RAMP_STEPS`] equal steps, each at the mean of the
//! ramp over it, so that inputs stay constant between events and the total
//! effect is that of the straight line.

use crate::engine::{SimSpan, TimeError};
use crate::scenario::model::Profile;
use crate::signals::Posture;

use super::event::Stage;

/// Steps in which a ramp is walked; its halving changes no published comparison.
pub const RAMP_STEPS: u32 = 24;

/// One scheduled change of severity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// How long after the previous change.
    pub after: SimSpan,
    /// Stage it is.
    pub stage: Stage,
    /// Severity from then on \[0-1\].
    pub severity: f64,
}

/// Severity at the instant of the trigger.
pub fn first(profile: &Profile, posture: Posture) -> f64 {
    match profile {
        Profile::Step | Profile::Intermittent { .. } => 1.0,
        Profile::Ramp { .. } => 0.5 / f64::from(RAMP_STEPS),
        Profile::InPosture(needed) => f64::from(u8::from(*needed == posture)),
    }
}

/// What follows the `step`-th change (0 is the trigger), if anything does by time alone.
///
/// # Errors
/// If a length of the profile is beyond the clock.
pub fn following(profile: &Profile, step: u32) -> Result<Option<Planned>, TimeError> {
    Ok(match profile {
        Profile::Step | Profile::InPosture(_) => None,
        Profile::Ramp { over } => {
            let next = step + 1;
            if next > RAMP_STEPS {
                None
            } else {
                let (stage, severity) = if next == RAMP_STEPS {
                    (Stage::Full, 1.0)
                } else {
                    (Stage::Progress, (f64::from(next) + 0.5) / f64::from(RAMP_STEPS))
                };
                Some(Planned {
                    after: SimSpan::from_hours(over / f64::from(RAMP_STEPS))?,
                    stage,
                    severity,
                })
            }
        }
        Profile::Intermittent { on, off } => Some(if step.is_multiple_of(2) {
            Planned {
                after: SimSpan::from_hours(*on)?,
                stage: Stage::Off,
                severity: 0.0,
            }
        } else {
            Planned {
                after: SimSpan::from_hours(*off)?,
                stage: Stage::On,
                severity: 1.0,
            }
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_the_mean_of_a_straight_line_and_ends_full() {
        let ramp = Profile::Ramp { over: 48.0 };
        let mut total = first(&ramp, Posture::Supine) * 2.0;
        let mut step = 0;
        let mut last = 0.0;
        while let Some(p) = following(&ramp, step).unwrap() {
            assert_eq!(p.after, SimSpan::from_hours(2.0).unwrap());
            last = p.severity;
            if p.stage != Stage::Full {
                total += p.severity * 2.0;
            }
            step += 1;
        }
        assert_eq!(last, 1.0);
        assert!((total - 24.0).abs() < 1e-12, "mean severity {}", total / 48.0);
    }

    #[test]
    fn intermittence_alternates_for_ever() {
        let p = Profile::Intermittent { on: 1.0, off: 3.0 };
        let severities: Vec<f64> = (0..4).map(|k| following(&p, k).unwrap().unwrap().severity).collect();
        assert_eq!(severities, [0.0, 1.0, 0.0, 1.0]);
    }
}
