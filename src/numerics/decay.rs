//! The exponential that everything between two events is made of.
//!
//! Additions, multiplications and one shift, without a branch or a table, so that the
//! compiler may do several modes at once and the bits are the same wherever it does.

use super::wide::{Kernel, wide};

/// From here down `exp` is taken for zero: it would leave the range of normal numbers.
const LOWEST: f64 = -708.0;

/// Above this the reduction below would overflow.
const HIGHEST: f64 = 708.0;

/// `ln 2` in two parts, the first short enough that `k LN2_HIGH` is exact for every `k` here.
const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// `√½` as it lies in memory, rounded to where the mantissa's leading bits end.
const ROOT_HALF_BITS: i64 = 0x3fe6_a09e_0000_0000;
const MANTISSA: i64 = 0x000f_ffff_ffff_ffff;

/// Adding this leaves the nearest integer in the last bits of the sum.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// `1/2!` to `1/13!`: what follows is below 2e-17 of `expm1(r)` for `|r| <= ln 2 / 2`.
const INVERSE_FACTORIALS: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// `exp(x)` and `exp(x) - 1` for `|x| <= 708`, both to two units in the last place.
#[inline(always)]
fn kernel(x: f64) -> (f64, f64) {
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    // In pairs, so that no sum waits for all before it.
    let c = &INVERSE_FACTORIALS;
    let (r2, pair) = (r * r, |i: usize| c[i] + c[i + 1] * r);
    let r4 = r2 * r2;
    let four = |i: usize| pair(i) + pair(i + 2) * r2;
    let q = four(0) + (four(4) + four(8) * r4) * r4;
    let m = r + r2 * q;
    // 2^k: the last bits of the sum are k, moved to the exponent.
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0_f64.to_bits()));
    (scale + scale * m, scale * m + (scale - 1.0))
}

/// The larger of two, the second if one is no number: one instruction, for several at once too.
#[inline(always)]
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// `exp(x)` for `x <= 708`, zero from -708 down.
#[inline(always)]
pub(crate) fn decayed(x: f64) -> f64 {
    let (e, _) = kernel(larger(x, LOWEST));
    if x > LOWEST { e } else { 0.0 }
}

/// Natural logarithm of a positive normal number, to two units in the last place.
///
/// `x = 2^k m` with `m` between `√½` and `√2`, and `ln m = 2 artanh((m - 1) / (m + 1))`.
#[inline(always)]
fn ln(x: f64) -> f64 {
    let above = (x.to_bits() as i64).wrapping_sub(ROOT_HALF_BITS);
    let k = above >> 52;
    let m = f64::from_bits(((above & MANTISSA) + ROOT_HALF_BITS) as u64);
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let c = |n: i32| 2.0 / f64::from(2 * n + 1);
    let (z2, pair) = (z * z, |n: i32| c(n) + c(n + 1) * z);
    let z4 = z2 * z2;
    let four = |n: i32| pair(n) + pair(n + 2) * z2;
    let q = four(1) + (four(5) + (pair(9) + c(11) * z2) * z4) * z4;
    let k = k as f64;
    // `2 s` differs from `m - 1` by `(m - 1) s`, and `m - 1` is exact.
    let f = m - 1.0;
    k * LN2_HIGH + (f + (k * LN2_LOW + s * (z * q - f)))
}

/// `base^exponent` for a base that is not negative. Its relative error is a few roundings
/// for powers near one, and grows with `|exponent ln base|`: below 1e-14 up to 30.
///
/// About a third of the time of `libm::pow`, with which it agrees in all that is not
/// an ordinary number.
pub fn power(base: f64, exponent: f64) -> f64 {
    if !(f64::MIN_POSITIVE..=f64::MAX).contains(&base) {
        return libm::pow(base, exponent);
    }
    let x = exponent * ln(base);
    if !(x > LOWEST && x < HIGHEST) {
        return libm::pow(base, exponent);
    }
    kernel(x).0
}

/// [`power`] of several at once, with the bits of one alone.
pub fn powers<const N: usize>(bases: [f64; N], exponents: [f64; N]) -> [f64; N] {
    let mut out = [0.0; N];
    let mut ordinary = false;
    wide(Powers {
        bases: &bases,
        exponents: &exponents,
        out: &mut out,
        ordinary: &mut ordinary,
    });
    if !ordinary {
        for i in 0..N {
            out[i] = power(bases[i], exponents[i]);
        }
    }
    out
}

/// Powers of ordinary numbers; says whether all were.
struct Powers<'a, const N: usize> {
    bases: &'a [f64; N],
    exponents: &'a [f64; N],
    out: &'a mut [f64; N],
    ordinary: &'a mut bool,
}

impl<const N: usize> Kernel for Powers<'_, N> {
    #[inline(always)]
    fn run(self) {
        let mut out = [0.0; N];
        let mut strange = [0_u64; N];
        // Without a branch, so that the compiler may do them side by side.
        for i in 0..N {
            let base = self.bases[i];
            let x = self.exponents[i] * ln(base);
            let above = larger(x, LOWEST);
            out[i] = kernel(if above < HIGHEST { above } else { HIGHEST }).0;
            let (normal, finite) = (base >= f64::MIN_POSITIVE, base <= f64::MAX);
            strange[i] = u64::from(!(normal & finite & (x > LOWEST) & (x < HIGHEST)));
        }
        *self.ordinary = strange.iter().fold(0, |any, one| any | one) == 0;
        *self.out = out;
    }
}

/// `exp(rate t)` and `∫₀ᵗ exp(rate s) ds`, both to rounding for every `rate t`.
pub(crate) fn exp_and_integral(rate: f64, t: f64) -> (f64, f64) {
    let x = rate * t;
    if x > HIGHEST {
        // Less one is the same number here.
        let e = libm::exp(x);
        return (e, e / rate);
    }
    one(rate, t)
}

#[inline(always)]
fn one(rate: f64, t: f64) -> (f64, f64) {
    let x = rate * t;
    let (e, m) = kernel(larger(x, LOWEST));
    let decay = if x > LOWEST { e } else { 0.0 };
    // A rate so small that it vanishes in `rate t` integrates to `t`.
    let integral = if x == 0.0 { t } else { m / rate };
    (decay, integral)
}

/// The same for many rates, none of them growing beyond `exp(708)`; appended.
pub(crate) fn exps_and_integrals(rates: &[f64], t: f64, decay: &mut Vec<f64>, integral: &mut Vec<f64>) {
    let start = decay.len();
    decay.resize(start + rates.len(), 0.0);
    integral.resize(start + rates.len(), 0.0);
    wide(Many {
        rates,
        t,
        decay: &mut decay[start..],
        integral: &mut integral[start..],
    });
}

struct Many<'a> {
    rates: &'a [f64],
    t: f64,
    decay: &'a mut [f64],
    integral: &'a mut [f64],
}

impl Kernel for Many<'_> {
    #[inline(always)]
    fn run(self) {
        let out = self.decay.iter_mut().zip(self.integral);
        for (&rate, (decay, integral)) in self.rates.iter().zip(out) {
            (*decay, *integral) = one(rate, self.t);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(value: f64, exact: f64) -> f64 {
        ((value - exact) / exact).abs() / f64::EPSILON
    }

    #[test]
    fn exponential_and_integral_hold_to_rounding_over_the_whole_range() {
        let mut x = -1e-300;
        while x > -700.0 {
            for sign in [1.0, -1.0] {
                let x = x * sign;
                let (e, m) = kernel(x);
                assert!(off(e, libm::exp(x)) <= 2.0, "exp({x})");
                assert!(off(m, libm::expm1(x)) <= 3.0, "expm1({x})");
            }
            x *= 1.0 + 0.000_7 * (1.0 + 0.3 * libm::sin(x * 1e3));
            if x > -1e-12 {
                x *= 7.0;
            }
        }
    }

    #[test]
    fn the_logarithm_holds_to_two_units_at_the_ends_of_its_series_and_far_away() {
        // From the root of a half to that of two, and these times powers of two.
        for i in 0..=500 {
            let x = libm::exp2(-0.5 + f64::from(i) / 501.0);
            for k in [0, 1, -1, 40, -1000, 1000] {
                let x = libm::scalbn(x, k);
                assert!(off(ln(x), libm::log(x)) <= 2.0, "{x:e}");
            }
        }
    }

    #[test]
    fn a_power_agrees_with_libm_to_1e_14_over_what_the_response_asks() {
        let mut worst: f64 = 0.0;
        for i in 0..40_000 {
            let base = libm::exp(-12.0 + 24.0 * f64::from(i) / 40_000.0);
            for exponent in [0.3, 1.0, 1.7, 2.5] {
                let exact = libm::pow(base, exponent);
                worst = worst.max(((power(base, exponent) - exact) / exact).abs());
            }
        }
        assert!(worst < 1e-14, "{worst:e}");
        for base in [
            0.5,
            1.0 - f64::EPSILON,
            1.0,
            1.0 + f64::EPSILON,
            2.0,
            3.0,
            f64::MIN_POSITIVE,
        ] {
            assert!(off(power(base, 1.0), base) <= 400.0, "{base}");
        }
        assert!(off(power(1.0 + 1e-9, 1.0), 1.0 + 1e-9) <= 1.0);
        for (base, exponent) in [
            (0.0, 2.0),
            (0.0, 0.0),
            (f64::INFINITY, 1.5),
            (5e-324, 1.5),
            (1e300, 3.0),
            (1e-300, 3.0),
            (-1.0, 0.5),
            (f64::NAN, 1.0),
            (2.0, f64::NAN),
        ] {
            let (ours, exact) = (power(base, exponent), libm::pow(base, exponent));
            assert!(ours == exact || (ours.is_nan() && exact.is_nan()), "{base}^{exponent}");
        }
    }

    #[test]
    fn several_powers_have_the_bits_of_one_alone() {
        let odd = [
            0.0,
            5e-324,
            1e300,
            -1.0,
            f64::NAN,
            f64::INFINITY,
            1.0,
            0.7,
            1e-300,
            1e-210,
        ];
        for i in 0..2_000 {
            let base = libm::exp(-12.0 + 24.0 * f64::from(i) / 2_000.0);
            let bases = [base, 1.0 / base, odd[i as usize % odd.len()], 3.0];
            let exponents = [1.7, 2.5, 1.5, -0.3 * f64::from(i)];
            let alone: [u64; 4] = std::array::from_fn(|k| power(bases[k], exponents[k]).to_bits());
            assert_eq!(powers(bases, exponents).map(f64::to_bits), alone, "{bases:?}");
        }
    }

    #[test]
    fn many_at_once_have_the_bits_of_one_alone() {
        let rates: Vec<f64> = (0..83).map(|i| -libm::exp(0.4 * f64::from(i) - 20.0)).collect();
        for t in [0.0, 1e-9, 0.3, 17.0, 9_000.0] {
            let (mut decay, mut integral) = (vec![7.0], vec![7.0]);
            exps_and_integrals(&rates, t, &mut decay, &mut integral);
            for (i, &rate) in rates.iter().enumerate() {
                assert_eq!((decay[i + 1], integral[i + 1]), exp_and_integral(rate, t));
                assert_eq!(decay[i + 1], decayed(rate * t));
            }
        }
    }

    #[test]
    fn ends_of_the_range_are_what_they_tend_to() {
        assert_eq!(exp_and_integral(0.0, 3.0), (1.0, 3.0));
        assert_eq!(exp_and_integral(-2.0, 0.0), (1.0, 0.0));
        assert_eq!(exp_and_integral(-1.0, 800.0), (0.0, 1.0));
        assert_eq!(exp_and_integral(-1e-310, 1e-20).1, 1e-20);
        let (e, integral) = exp_and_integral(1.0, 709.0);
        assert!(off(e, libm::exp(709.0)) <= 1.0 && e == integral);
        // So large that two to the next whole power is no number.
        let (e, integral) = exp_and_integral(2.0, 354.85);
        assert!(off(e, libm::exp(709.7)) <= 1.0 && integral == e / 2.0);
        assert_eq!(decayed(-709.0), 0.0);
        assert_eq!(decayed(-708.0), 0.0);
        assert!(off(decayed(-707.9), libm::exp(-707.9)) <= 2.0);
        assert_eq!(exp_and_integral(-1.0, 708.0), (0.0, 1.0));
    }
}
