//! The yardstick: an exact propagator as one would write it for this task alone, without checks,
//! without a dosing layer, eight states known when it is compiled.

use crate::task::{BOLUS, INTO, N, RATES, ROWS, SHIFT_NS, STEP_H, Subject, hours};

type Matrix = [[f64; N]; N];

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let mut c = [[0.0; N]; N];
    for (c, b) in c.iter_mut().zip(b) {
        for (a, b) in a.iter().zip(b) {
            for i in 0..N {
                c[i] += a[i] * b;
            }
        }
    }
    c
}

/// Exponential by columns, and the integral of the column that the input enters.
fn exponential(s: &Subject, h: f64) -> (Matrix, [f64; N]) {
    let norm = (0..N)
        .map(|j| (0..N).map(|i| s.entry(i, j).abs()).sum::<f64>())
        .fold(0.0, f64::max);
    let mut doublings = 0;
    while norm * h / f64::from(1_u32 << doublings) > 0.5 {
        doublings += 1;
    }
    let small = h / f64::from(1_u32 << doublings);
    let mut a = [[0.0; N]; N];
    let mut one = [[0.0; N]; N];
    for j in 0..N {
        for i in 0..N {
            a[j][i] = s.entry(i, j) * small;
        }
        one[j][j] = 1.0;
    }
    // The integral over h, less its factor, by Horner.
    let mut series = one;
    for k in (1..=15).rev() {
        series = product(&a, &series);
        for j in 0..N {
            for i in 0..N {
                series[j][i] = series[j][i] / f64::from(k + 1) + one[j][i];
            }
        }
    }
    let mut phi = product(&a, &series);
    for j in 0..N {
        phi[j][j] += 1.0;
    }
    let mut gamma = series[INTO].map(|v| v * small);
    for _ in 0..doublings {
        let moved = times(&phi, &gamma);
        for i in 0..N {
            gamma[i] += moved[i];
        }
        phi = product(&phi, &phi);
    }
    (phi, gamma)
}

#[inline(always)]
fn times(m: &Matrix, x: &[f64; N]) -> [f64; N] {
    let mut y = [0.0; N];
    for j in 0..N {
        for i in 0..N {
            y[i] += m[j][i] * x[j];
        }
    }
    y
}

#[inline(always)]
fn step(phi: &Matrix, gamma: &[f64; N], rate: f64, x: &[f64; N]) -> [f64; N] {
    let mut y = times(phi, x);
    for i in 0..N {
        y[i] += gamma[i] * rate;
    }
    y
}

pub fn solve(s: &Subject, off: bool, rows: &mut [f64]) {
    let (phi, gamma) = exponential(s, STEP_H);
    let before = exponential(s, hours(SHIFT_NS));
    let behind = exponential(s, STEP_H - hours(SHIFT_NS));
    let mut x = [0.0; N];
    let mut rate = 0.0;
    for (k, row) in rows.chunks_exact_mut(N).enumerate() {
        let of_day = k % 96;
        let new = RATES.iter().find(|(hour, _)| *hour as usize * 4 == of_day);
        let bolus = of_day == BOLUS.0 as usize * 4;
        if off {
            row.copy_from_slice(&x);
            if new.is_some() || bolus {
                x = step(&before.0, &before.1, rate, &x);
                rate = new.map_or(rate, |n| n.1);
                x[INTO] += if bolus { BOLUS.1 } else { 0.0 };
                x = step(&behind.0, &behind.1, rate, &x);
                continue;
            }
        } else {
            rate = new.map_or(rate, |n| n.1);
            x[INTO] += if bolus { BOLUS.1 } else { 0.0 };
            row.copy_from_slice(&x);
        }
        x = step(&phi, &gamma, rate, &x);
    }
    debug_assert_eq!(rows.len(), ROWS * N);
}
