//! Keyed random numbers: each is a pure function of
//! (seed, replicate, entity, purpose, ordinal).
//!
//! No stream is shared, so a fault that is added or removed leaves all other luck
//! unchanged, and replicate `i` can be computed alone. The generator is ChaCha8; its
//! 256-bit key is a SHA-256 of (seed, entity, purpose), its stream number is the
//! replicate, and the ordinal is the position in the stream. Transforms use `libm`.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A distribution that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// A mean or location is NaN or infinite.
    #[error("the location of a distribution must be finite, not {value}")]
    Location {
        /// The value given.
        value: f64,
    },
    /// A standard deviation is negative or not finite.
    #[error("a standard deviation must be finite and not negative, not {value}")]
    Spread {
        /// The value given.
        value: f64,
    },
    /// A scale, shape or rate is not positive and finite.
    #[error("the {name} of a distribution must be finite and positive, not {value}")]
    NotPositive {
        /// Which parameter.
        name: &'static str,
        /// The value given.
        value: f64,
    },
}

/// The luck of one replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draws {
    seed: u64,
    replicate: u64,
}

/// The draws of one entity for one purpose: the key is hashed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    key: [u8; 32],
    replicate: u64,
}

fn key(kind: &str, seed: u64, entity: &str, purpose: &str, ordinal: Option<u64>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    hash.update(seed.to_le_bytes());
    // Lengths keep ("ab", "c") and ("a", "bc") apart.
    for name in [entity, purpose] {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
    }
    if let Some(ordinal) = ordinal {
        hash.update(ordinal.to_le_bytes());
    }
    hash.finalize().into()
}

impl Draws {
    /// The draws of replicate `replicate` under `seed`.
    pub fn new(seed: u64, replicate: u64) -> Draws {
        Draws { seed, replicate }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of the replicate.
    pub fn replicate(&self) -> u64 {
        self.replicate
    }

    /// The numbers of one entity for one purpose, for many ordinals.
    pub fn channel(&self, entity: &str, purpose: &str) -> Channel {
        let key = key("itbsim-number-1", self.seed, entity, purpose, None);
        Channel {
            key,
            replicate: self.replicate,
        }
    }

    /// A generator of its own for distributions that use an unknown number of draws
    /// (Poisson, gamma of `rand_distr`). It overlaps no other generator or number.
    pub fn rng(&self, entity: &str, purpose: &str, ordinal: u64) -> ChaCha8Rng {
        let key = key("itbsim-stream-1", self.seed, entity, purpose, Some(ordinal));
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(self.replicate);
        rng
    }

    /// Uniform in the open interval (0, 1).
    pub fn uniform(&self, entity: &str, purpose: &str, ordinal: u64) -> f64 {
        self.channel(entity, purpose).uniform(ordinal)
    }

    /// Normal with the given mean and standard deviation.
    ///
    /// # Errors
    /// [`DrawError::Location`], [`DrawError::Spread`].
    pub fn normal(&self, entity: &str, purpose: &str, ordinal: u64, mean: f64, sd: f64) -> Result<f64, DrawError> {
        self.channel(entity, purpose).normal(ordinal, mean, sd)
    }

    /// `median exp(sd Z)`: log-normal with the given median and standard deviation of
    /// the logarithm.
    ///
    /// # Errors
    /// [`DrawError::NotPositive`], [`DrawError::Spread`].
    pub fn log_normal(
        &self,
        entity: &str,
        purpose: &str,
        ordinal: u64,
        median: f64,
        sd_log: f64,
    ) -> Result<f64, DrawError> {
        self.channel(entity, purpose).log_normal(ordinal, median, sd_log)
    }

    /// Exponential with the given rate; the mean is `1 / rate`.
    ///
    /// # Errors
    /// [`DrawError::NotPositive`].
    pub fn exponential(&self, entity: &str, purpose: &str, ordinal: u64, rate: f64) -> Result<f64, DrawError> {
        self.channel(entity, purpose).exponential(ordinal, rate)
    }

    /// Weibull with the given scale and shape.
    ///
    /// # Errors
    /// [`DrawError::NotPositive`].
    pub fn weibull(&self, entity: &str, purpose: &str, ordinal: u64, scale: f64, shape: f64) -> Result<f64, DrawError> {
        self.channel(entity, purpose).weibull(ordinal, scale, shape)
    }
}

impl Channel {
    /// The same numbers of another replicate; the key is not hashed again.
    pub fn of(self, replicate: u64) -> Channel {
        Channel { replicate, ..self }
    }

    /// Uniform in the open interval (0, 1): the midpoints of 2^52 equal cells.
    pub fn uniform(&self, ordinal: u64) -> f64 {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(self.replicate);
        rng.set_word_pos(2 * u128::from(ordinal));
        let cell = rng.next_u64() >> 12;
        (cell as f64 + 0.5) * libm::scalbn(1.0, -52)
    }

    /// Standard normal, by inversion: one uniform each, so neighbours stay in step.
    pub fn standard_normal(&self, ordinal: u64) -> f64 {
        normal_quantile(self.uniform(ordinal))
    }

    /// See [`Draws::normal`].
    ///
    /// # Errors
    /// [`DrawError::Location`], [`DrawError::Spread`].
    pub fn normal(&self, ordinal: u64, mean: f64, sd: f64) -> Result<f64, DrawError> {
        if !mean.is_finite() {
            return Err(DrawError::Location { value: mean });
        }
        spread(sd)?;
        Ok(mean + sd * self.standard_normal(ordinal))
    }

    /// See [`Draws::log_normal`].
    ///
    /// # Errors
    /// [`DrawError::NotPositive`], [`DrawError::Spread`].
    pub fn log_normal(&self, ordinal: u64, median: f64, sd_log: f64) -> Result<f64, DrawError> {
        positive("median", median)?;
        spread(sd_log)?;
        Ok(median * libm::exp(sd_log * self.standard_normal(ordinal)))
    }

    /// See [`Draws::exponential`].
    ///
    /// # Errors
    /// [`DrawError::NotPositive`].
    pub fn exponential(&self, ordinal: u64, rate: f64) -> Result<f64, DrawError> {
        positive("rate", rate)?;
        Ok(-libm::log(self.uniform(ordinal)) / rate)
    }

    /// See [`Draws::weibull`].
    ///
    /// # Errors
    /// [`DrawError::NotPositive`].
    pub fn weibull(&self, ordinal: u64, scale: f64, shape: f64) -> Result<f64, DrawError> {
        positive("scale", scale)?;
        positive("shape", shape)?;
        Ok(scale * libm::pow(-libm::log(self.uniform(ordinal)), 1.0 / shape))
    }
}

fn spread(value: f64) -> Result<(), DrawError> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(DrawError::Spread { value })
    }
}

fn positive(name: &'static str, value: f64) -> Result<(), DrawError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(DrawError::NotPositive { name, value })
    }
}

/// The standard normal quantile of `p` in (0, 1), to about 1 part in 10^16:
/// Wichura, algorithm AS 241 (PPND16), Applied Statistics 37 (1988) 477-484.
/// NaN outside (0, 1).
#[allow(clippy::excessive_precision)] // the digits are those printed in the paper
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_608,
        133.141_667_891_784_377_45,
        1_971.590_950_306_551_442_7,
        13_731.693_765_509_461_125,
        45_921.953_931_549_871_457,
        67_265.770_927_008_700_853,
        33_430.575_583_588_128_105,
        2_509.080_928_730_122_672_7,
    ];
    const B: [f64; 8] = [
        1.0,
        42.313_330_701_600_911_252,
        687.187_007_492_057_908_3,
        5_394.196_021_424_751_107_7,
        21_213.794_301_586_595_867,
        39_307.895_800_092_710_610,
        28_729.085_735_721_942_674,
        5_226.495_278_852_854_561,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        0.241_780_725_177_450_611_77,
        0.022_723_844_989_269_184_583_3,
        7.745_450_142_783_414_076_4e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        0.689_767_334_985_100_004_55,
        0.148_103_976_427_480_074_59,
        0.015_198_666_563_616_457_196_6,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        0.296_560_571_828_504_891_23,
        0.026_532_189_526_576_123_093,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        0.599_832_206_555_887_937_69,
        0.136_929_880_922_735_805_31,
        0.014_875_361_290_850_614_852_5,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ];
    fn ratio(top: &[f64; 8], bottom: &[f64; 8], x: f64) -> f64 {
        let at = |c: &[f64; 8]| c.iter().rev().fold(0.0, |s, c| s * x + c);
        at(top) / at(bottom)
    }
    if !(p > 0.0 && p < 1.0) {
        return f64::NAN;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&A, &B, 0.180_625 - q * q);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-libm::log(tail)).sqrt();
    let z = if r <= 5.0 {
        ratio(&C, &D, r - 1.6)
    } else {
        ratio(&E, &F, r - 5.0)
    };
    if q < 0.0 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_distr::{Distribution, Gamma, Poisson};

    #[test]
    fn the_quantile_meets_its_published_values() {
        // Wichura 1988, table of test values.
        for (p, z) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813),
            (1e-20, -9.262_340_089_798_409),
        ] {
            let error: f64 = normal_quantile(p) - z;
            assert!(error.abs() < 4e-15 * z.abs(), "{p}: {error:e}");
        }
        assert_eq!(normal_quantile(0.5), 0.0);
        for outside in [0.0, -0.0, 1.0, -1.0, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(normal_quantile(outside).is_nan(), "{outside}");
        }
    }

    #[test]
    fn the_quantile_inverts_the_error_function_everywhere() {
        for k in 1..4000 {
            let p = f64::from(k) / 4000.0;
            let back = 0.5 * libm::erfc(-normal_quantile(p) / std::f64::consts::SQRT_2);
            assert!((back - p).abs() < 4e-16 + 2e-15 * p, "{p}");
        }
        for e in 2..300 {
            let p = libm::exp(-f64::from(e));
            let back = 0.5 * libm::erfc(-normal_quantile(p) / std::f64::consts::SQRT_2);
            // The relative slope of the tail is z^2.
            assert!((back / p - 1.0).abs() < 1e-15 * (4.0 + 4.0 * f64::from(e)), "{e}");
        }
    }

    #[test]
    fn adding_draws_of_another_entity_changes_nothing() {
        let d = Draws::new(42, 3);
        let alone: Vec<u64> = (0..20).map(|i| d.uniform("leak", "onset", i).to_bits()).collect();
        let mut among = Vec::new();
        for i in (0..20).rev() {
            d.uniform("kink", "onset", i);
            let _ = d.rng("leak", "onset", i).next_u64();
            among.push(d.uniform("leak", "onset", i).to_bits());
            d.uniform("leak", "site", i);
        }
        among.reverse();
        assert_eq!(alone, among);
    }

    #[test]
    fn every_part_of_the_name_matters() {
        let base = Draws::new(1, 2).uniform("a", "b", 3);
        for other in [
            Draws::new(2, 2).uniform("a", "b", 3),
            Draws::new(1, 3).uniform("a", "b", 3),
            Draws::new(1, 2).uniform("c", "b", 3),
            Draws::new(1, 2).uniform("a", "c", 3),
            Draws::new(1, 2).uniform("a", "b", 4),
        ] {
            assert_ne!(base.to_bits(), other.to_bits());
        }
        let d = Draws::new(1, 2);
        assert_eq!((d.seed(), d.replicate()), (1, 2));
        assert_eq!(Draws::new(9, 0).seed(), 9);
        assert_ne!(d.uniform("ab", "c", 0).to_bits(), d.uniform("a", "bc", 0).to_bits());
    }

    #[test]
    fn a_channel_handed_to_another_replicate_has_that_ones_luck() {
        let handed = Draws::new(7, 0).channel("leak", "onset").of(5);
        for ordinal in 0..10 {
            let own = Draws::new(7, 5).uniform("leak", "onset", ordinal);
            assert_eq!(handed.uniform(ordinal).to_bits(), own.to_bits());
        }
    }

    #[test]
    fn uniforms_are_uniform_and_neighbours_independent() {
        // Along ordinals, and along replicates: 20 000 numbers each, limits 4 sd.
        let n = 20_000u32;
        let by_ordinal = |i: u32| Draws::new(9, 0).uniform("x", "y", u64::from(i));
        let by_replicate = |i: u32| Draws::new(9, u64::from(i)).uniform("x", "y", 0);
        for draw in [&by_ordinal as &dyn Fn(u32) -> f64, &by_replicate] {
            let u: Vec<f64> = (0..n).map(draw).collect();
            let count = f64::from(n);
            let mean = u.iter().sum::<f64>() / count;
            assert!((mean - 0.5).abs() < 4.0 * (1.0 / 12.0 / count).sqrt(), "{mean}");
            let variance = u.iter().map(|v| (v - 0.5).powi(2)).sum::<f64>() / count;
            let sd = (1.0f64 / 180.0 / count).sqrt();
            assert!((variance - 1.0 / 12.0).abs() < 4.0 * sd, "{variance}");
            let lag: f64 = u.windows(2).map(|w| (w[0] - 0.5) * (w[1] - 0.5)).sum::<f64>();
            let correlation = 12.0 * lag / count;
            assert!(correlation.abs() < 4.0 / count.sqrt(), "{correlation}");
            // Chi-squared of 100 cells: mean 99, sd sqrt(198).
            let mut cells = [0.0; 100];
            for v in &u {
                cells[(v * 100.0) as usize] += 1.0;
            }
            let each = count / 100.0;
            let chi: f64 = cells.iter().map(|c| (c - each) * (c - each) / each).sum();
            assert!((chi - 99.0).abs() < 4.0 * 198f64.sqrt(), "{chi}");
        }
    }

    #[test]
    fn entities_are_uncorrelated() {
        let d = Draws::new(5, 1);
        let (a, b) = (d.channel("a", "p"), d.channel("b", "p"));
        let n = 20_000u64;
        let product = |i| a.standard_normal(i) * b.standard_normal(i);
        let correlation = (0..n).map(product).sum::<f64>() / n as f64;
        assert!(correlation.abs() < 4.0 / (n as f64).sqrt(), "{correlation}");
    }

    #[test]
    fn distributions_have_their_means() {
        let c = Draws::new(11, 0).channel("mean", "test");
        let n = 40_000u64;
        let count = n as f64;
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / count;
        let within = |got: f64, want: f64, sd: f64| {
            assert!((got - want).abs() < 4.0 * sd / count.sqrt(), "{got} {want}");
        };
        within(mean(&|i| c.normal(i, 3.0, 2.0).unwrap()), 3.0, 2.0);
        within(mean(&|i| c.exponential(i, 0.25).unwrap()), 4.0, 4.0);
        // E = m exp(s²/2), Var = E² (exp(s²) - 1).
        let e = 2.0 * (0.125f64).exp();
        let sd = e * 0.25f64.exp_m1().sqrt();
        within(mean(&|i| c.log_normal(i, 2.0, 0.5).unwrap()), e, sd);
        // Weibull of shape 2: E = λ sqrt(π)/2, Var = λ² (1 - π/4).
        let pi = std::f64::consts::PI;
        within(
            mean(&|i| c.weibull(i, 3.0, 2.0).unwrap()),
            1.5 * pi.sqrt(),
            3.0 * (1.0 - pi / 4.0).sqrt(),
        );
    }

    #[test]
    fn spreads_that_do_not_exist_are_refused() {
        let d = Draws::new(0, 0);
        assert_eq!(d.normal("e", "p", 0, 0.0, -1.0), Err(DrawError::Spread { value: -1.0 }));
        assert!(d.normal("e", "p", 0, f64::NAN, 1.0).is_err());
        assert!(d.log_normal("e", "p", 0, 1.0, -0.1).is_err());
        assert!(d.log_normal("e", "p", 0, 0.0, 0.1).is_err());
        assert!(d.exponential("e", "p", 0, 0.0).is_err());
        assert!(d.weibull("e", "p", 0, 1.0, f64::INFINITY).is_err());
        assert_eq!(d.normal("e", "p", 0, 4.0, 0.0), Ok(4.0));
    }

    #[test]
    fn golden_values() {
        // Promise 7: these numbers are part of the interface.
        let d = Draws::new(20_260_101, 7);
        let got = [
            d.uniform("pump", "stall", 0),
            d.uniform("pump", "stall", 1),
            d.uniform("catheter.leak", "onset", 1 << 40),
            Draws::new(u64::MAX, u64::MAX).uniform("", "", u64::MAX),
            d.normal("patient", "clearance", 0, 0.0, 1.0).unwrap(),
            d.exponential("pump", "stall", 2, 0.5).unwrap(),
            d.weibull("battery", "life", 0, 7.0, 3.0).unwrap(),
            d.log_normal("patient", "ke0", 0, 0.2, 0.4).unwrap(),
        ];
        // The first four were also computed by a separate program from the published
        // definitions of SHA-256 and ChaCha8 (64-bit counter and stream).
        let golden: [u64; 8] = [
            4_596_573_840_060_430_980,
            4_606_792_403_915_577_797,
            4_606_620_087_136_491_287,
            4_601_272_172_853_526_562,
            13_830_594_938_726_153_878,
            4_600_863_605_910_314_148,
            4_617_053_641_265_767_622,
            4_596_682_665_253_965_389,
        ];
        assert_eq!(got.map(f64::to_bits), golden);
        let mut rng = d.rng("patient", "spasms", 3);
        let poisson = Poisson::new(6.5).unwrap();
        let counts: Vec<f64> = (0..4).map(|_| poisson.sample(&mut rng)).collect();
        assert_eq!(counts, [3.0, 2.0, 6.0, 11.0]);
        let gamma: f64 = Gamma::new(2.5, 1.5).unwrap().sample(&mut rng);
        assert_eq!(gamma.to_bits(), 4_610_727_754_574_712_883);
    }
}
