//! Other drugs that travel with baclofen.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// Drugs beside baclofen that one scenario may describe. Mixtures in use have two to four
/// drugs in all; a fixed number keeps plugs and streams plain values.
pub const MOST_OTHERS: usize = 3;

/// One number for each drug beside baclofen, in the order of the scenario's `[[drug]]` blocks:
/// concentrations \[ug/mL\], amounts \[ug\] or rates \[ug/h\].
///
/// Fluid moves all that is dissolved in it alike, so pump and catheter carry these along with
/// baclofen and never look at them one by one.
///
/// ```
/// use itbsim::signals::Others;
///
/// let mut syringe = Others::NONE;
/// syringe.set(0, 10_000.0); // 10 mg/mL of the first drug
/// assert_eq!((syringe * 2.0).get(0), 20_000.0);
/// assert!(Others::NONE.is_none() && !syringe.is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Others([f64; MOST_OTHERS]);

impl Others {
    /// Nothing but baclofen, or plain fluid.
    pub const NONE: Others = Others([0.0; MOST_OTHERS]);

    /// The number of one drug; zero for a drug that no scenario can have.
    pub fn get(&self, drug: usize) -> f64 {
        self.0.get(drug).copied().unwrap_or(0.0)
    }

    /// Sets the number of one drug; a place that no drug can have is left alone.
    pub fn set(&mut self, drug: usize, value: f64) {
        if let Some(place) = self.0.get_mut(drug) {
            *place = value;
        }
    }

    /// Whether there is none of any.
    pub fn is_none(&self) -> bool {
        self.0.iter().all(|v| *v == 0.0)
    }

    /// All numbers.
    pub fn values(&self) -> [f64; MOST_OTHERS] {
        self.0
    }

    /// Whether all numbers are finite and not below zero.
    pub fn is_sound(&self) -> bool {
        self.0.iter().all(|v| v.is_finite() && *v >= 0.0)
    }
}

impl Add for Others {
    type Output = Others;
    fn add(mut self, more: Others) -> Others {
        self += more;
        self
    }
}

impl AddAssign for Others {
    fn add_assign(&mut self, more: Others) {
        for (a, b) in self.0.iter_mut().zip(more.0) {
            *a += b;
        }
    }
}

impl Sub for Others {
    type Output = Others;
    fn sub(mut self, less: Others) -> Others {
        self -= less;
        self
    }
}

impl SubAssign for Others {
    fn sub_assign(&mut self, less: Others) {
        for (a, b) in self.0.iter_mut().zip(less.0) {
            *a -= b;
        }
    }
}

impl Mul<f64> for Others {
    type Output = Others;
    fn mul(self, factor: f64) -> Others {
        Others(self.0.map(|v| v * factor))
    }
}

impl Sum for Others {
    fn sum<I: Iterator<Item = Others>>(all: I) -> Others {
        all.fold(Others::NONE, Add::add)
    }
}
