//! Steps of slow states by collocation at eight nodes.
//!
//! A right-hand side that is forced from outside is known at all nodes at once, so what costs
//! most, the effects of concentrations, is computed side by side; and a state that relaxes towards what
//! drives it, `y' = λ (u - y)`, is solved exactly at the nodes by one product of a matrix of
//! eight rows, however fast it is. The polynomial through the start and the nodes gives what lies
//! between them. The end of the step is a node, so that what has long decayed does not come back.
//!
//! Nodes lie near those of the eighth Radau rule (Hairer, Wanner, "Solving Ordinary Differential
//! Equations II", 2nd ed., IV.5), at whole 64ths of the step, so that exponentials at all of them
//! are powers of one.

use super::wide::{Kernel, wide};

/// Nodes of a step, side by side.
pub const LANES: usize = 8;

/// Where they lie, in parts of [`WHOLE`]; the start is none.
pub const PLACES: [u32; LANES] = [1, 7, 15, 26, 38, 49, 59, 64];

/// Parts of a step.
pub const WHOLE: u32 = 64;

/// One value at each node.
pub type Row = [f64; LANES];

/// Share of the step at each node.
pub const SHARES: Row = shares();

/// `INTEGRALS[k][j]`: what a slope of one at node `k`, by the polynomial through all of them, adds up to
/// at node `j` of a step of length one.
const INTEGRALS: [Row; LANES] = integrals();

/// What each node adds to the coefficient of the seventh Legendre polynomial of the step.
const TOP: Row = top();

/// Weights of the barycentric formula for start and nodes.
const BARYCENTRIC: [f64; LANES + 1] = barycentric();

/// Share of a step's slope, in terms of that coefficient, that is taken for its error: the integral of
/// the seventh polynomial reaches a fifteenth of it.
const ERROR: f64 = 1.0 / 15.0;

const fn shares() -> Row {
    let mut out = [0.0; LANES];
    let mut i = 0;
    while i < LANES {
        out[i] = PLACES[i] as f64 / WHOLE as f64;
        i += 1;
    }
    out
}

/// The polynomial that is one at node `k` and zero at all others.
const fn cardinal(k: usize, s: f64) -> f64 {
    let at = shares();
    let mut product = 1.0;
    let mut m = 0;
    while m < LANES {
        if m != k {
            product *= (s - at[m]) / (at[k] - at[m]);
        }
        m += 1;
    }
    product
}

/// Gauss-Legendre with four points is exact for the seventh degree.
const fn integrals() -> [Row; LANES] {
    const AT: [f64; 2] = [0.339_981_043_584_856_3, 0.861_136_311_594_052_6];
    const WEIGHT: [f64; 2] = [0.652_145_154_862_546_1, 0.347_854_845_137_453_85];
    let at = shares();
    let mut out = [[0.0; LANES]; LANES];
    let mut k = 0;
    while k < LANES {
        let mut j = 0;
        while j < LANES {
            let half = 0.5 * at[j];
            let mut sum = 0.0;
            let mut i = 0;
            while i < 2 {
                sum += WEIGHT[i] * (cardinal(k, half * (1.0 - AT[i])) + cardinal(k, half * (1.0 + AT[i])));
                i += 1;
            }
            out[k][j] = half * sum;
            j += 1;
        }
        k += 1;
    }
    out
}

/// The leading coefficient of the shifted Legendre polynomial of degree seven is 3432.
const fn top() -> Row {
    let at = shares();
    let mut out = [0.0; LANES];
    let mut k = 0;
    while k < LANES {
        let mut product = 3432.0;
        let mut m = 0;
        while m < LANES {
            if m != k {
                product *= at[k] - at[m];
            }
            m += 1;
        }
        out[k] = 1.0 / product;
        k += 1;
    }
    out
}

const fn barycentric() -> [f64; LANES + 1] {
    let nodes = shares();
    let mut at = [0.0; LANES + 1];
    let mut i = 0;
    while i < LANES {
        at[i + 1] = nodes[i];
        i += 1;
    }
    let mut out = [0.0; LANES + 1];
    let mut k = 0;
    while k <= LANES {
        let mut product = 1.0;
        let mut m = 0;
        while m <= LANES {
            if m != k {
                // Four for the capacity of the interval, so that weights stay near one.
                product *= 4.0 * (at[k] - at[m]);
            }
            m += 1;
        }
        out[k] = 1.0 / product;
        k += 1;
    }
    out
}

/// Sums over nodes `k` of `columns[k][j] x[k]`, for all `j`.
#[inline(always)]
fn product(columns: &[Row; LANES], x: &Row) -> Row {
    let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
    for k in 0..LANES / 2 {
        for j in 0..LANES {
            even[j] += columns[2 * k][j] * x[2 * k];
            odd[j] += columns[2 * k + 1][j] * x[2 * k + 1];
        }
    }
    let mut out = [0.0; LANES];
    for j in 0..LANES {
        out[j] = even[j] + odd[j];
    }
    out
}

/// A state at the nodes of a step of `h` \[h\] from `y0`, with these slopes there \[unit/h\].
#[inline(always)]
pub fn integrated(y0: f64, h: f64, slopes: &Row) -> Row {
    product(&INTEGRALS, slopes).map(|sum| y0 + h * sum)
}

/// What a step of `h` \[h\] with these slopes \[unit/h\] may be wrong by \[unit\]: what their
/// polynomial of degree seven has that one of degree six has not.
#[inline(always)]
pub fn error(h: f64, slopes: &Row) -> f64 {
    let mut parts = [0.0; LANES];
    for k in 0..LANES {
        parts[k] = TOP[k] * slopes[k];
    }
    let [a, b, c, d, e, f, g, i] = parts;
    h * ERROR * (((a + e) + (c + g)) + ((b + f) + (d + i))).abs()
}

/// The weights of start and nodes in the value a share of the step after its start.
pub fn basis(share: f64) -> [f64; LANES + 1] {
    let mut weights = [0.0; LANES + 1];
    let at = |k: usize| if k == 0 { 0.0 } else { SHARES[k - 1] };
    let mut sum = 0.0;
    for (k, weight) in weights.iter_mut().enumerate() {
        let distance = share - at(k);
        if distance == 0.0 {
            weights = [0.0; LANES + 1];
            weights[k] = 1.0;
            return weights;
        }
        *weight = BARYCENTRIC[k] / distance;
        sum += *weight;
    }
    weights.map(|weight| weight / sum)
}

/// Relaxation at a constant rate through one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// `(I + λ h A)⁻¹` by columns.
    inverse: [Row; LANES],
}

impl Filter {
    /// For `z = λ h`, the rate times the length of the step \[1\], not negative.
    pub fn new(z: f64) -> Filter {
        let mut inverse = [[0.0; LANES]; LANES];
        wide(Invert {
            z,
            inverse: &mut inverse,
        });
        Filter { inverse }
    }

    /// `y' = λ (u - y)` at the nodes, from `y0` and `u` there.
    #[inline(always)]
    pub fn follow(&self, y0: f64, u: &Row) -> Row {
        let mut gap = [0.0; LANES];
        for k in 0..LANES {
            gap[k] = y0 - u[k];
        }
        let mut out = product(&self.inverse, &gap);
        for k in 0..LANES {
            out[k] += u[k];
        }
        out
    }
}

impl Filter {
    /// What corners in `u` add to what [`Filter::follow`] makes of it, for the `z` it was made for.
    #[inline(always)]
    pub fn turn(&self, z: f64, corners: &Corners) -> Row {
        let seen = integrated(0.0, 1.0, &corners.ramps);
        let mut missed = [0.0; LANES];
        for k in 0..LANES {
            missed[k] = z * (corners.exact[k] - seen[k]);
        }
        product(&self.inverse, &missed)
    }
}

/// Finds the matrix of a [`Filter`].
struct Invert<'a> {
    z: f64,
    inverse: &'a mut [Row; LANES],
}

impl Kernel for Invert<'_> {
    #[inline(always)]
    fn run(self) {
        // Columns stand where rows should: the inverse of what is turned over is turned over too.
        let mut columns = INTEGRALS;
        let mut inverse = [[0.0; LANES]; LANES];
        for (k, (column, unit)) in columns.iter_mut().zip(&mut inverse).enumerate() {
            for place in column.iter_mut() {
                *place *= self.z;
            }
            column[k] += 1.0;
            unit[k] = 1.0;
        }
        eliminate(&mut columns, &mut inverse);
        *self.inverse = inverse;
    }
}

/// Corners of what a state follows, where a part of it that is smooth is cut off at nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Corners {
    /// What the corners add at the nodes: nothing before them, a parabola behind.
    ramps: Row,
    /// The integrals of these parabolas up to the nodes, of a step of length one.
    exact: Row,
}

impl Corners {
    /// Finds where a part `x` of what they follow is cut off: `max(x, 0)` is in it, `weight` times.
    #[inline(always)]
    pub fn find(&mut self, x: &Row, weight: impl Fn(usize) -> f64) {
        for k in 0..LANES - 1 {
            if (x[k] > 0.0) == (x[k + 1] > 0.0) {
                continue;
            }
            // The parabola through this node and those beside it, or the first three.
            let i = k.max(1);
            let [a, b, c] = [SHARES[i - 1], SHARES[i], SHARES[i + 1]];
            let (left, right) = ((x[i] - x[i - 1]) / (b - a), (x[i + 1] - x[i]) / (c - b));
            let bend = (right - left) / (c - a);
            let slope = |s: f64| left + bend * (2.0 * s - a - b);
            let mut root = SHARES[k] + (SHARES[k + 1] - SHARES[k]) * (x[k] / (x[k] - x[k + 1]));
            for _ in 0..3 {
                let value = x[i - 1] + (root - a) * (left + bend * (root - b));
                let next = root - value / slope(root);
                // A tangent that leads away is not followed.
                root = if next > SHARES[k] && next < SHARES[k + 1] {
                    next
                } else {
                    root
                };
            }
            // What falls below nothing is what it was and a part that rises there.
            let sign = if x[k + 1] > 0.0 { weight(k) } else { -weight(k) };
            self.add(root, sign * slope(root), sign * 2.0 * bend);
        }
    }

    /// Adds one a share of the step after its start, where slope and bend grow by so much \[unit/step,
    /// unit/step²\].
    #[inline(always)]
    fn add(&mut self, share: f64, slope: f64, bend: f64) {
        let rows = self.ramps.iter_mut().zip(&mut self.exact);
        for ((ramp, exact), node) in rows.zip(SHARES) {
            let behind = (node - share).max(0.0);
            *ramp += behind * (slope + 0.5 * behind * bend);
            *exact += behind * behind * (0.5 * slope + behind * bend / 6.0);
        }
    }

    /// What they follow without the corners.
    #[inline(always)]
    pub fn rounded(&self, u: &Row) -> Row {
        let mut out = *u;
        for (out, ramp) in out.iter_mut().zip(&self.ramps) {
            *out -= ramp;
        }
        out
    }
}

/// Turns `rows` into the unit matrix and does to `other` what that takes. No pivots are sought: for
/// rates that are not negative none is below one.
#[inline(always)]
fn eliminate<const M: usize>(rows: &mut [Row; LANES], other: &mut [[f64; M]; LANES]) {
    for pivot in 0..LANES {
        let scale = 1.0 / rows[pivot][pivot];
        let (row, right) = (rows[pivot].map(|x| x * scale), other[pivot].map(|x| x * scale));
        (rows[pivot], other[pivot]) = (row, right);
        for j in 0..LANES {
            if j == pivot {
                continue;
            }
            let factor = rows[j][pivot];
            for k in 0..LANES {
                rows[j][k] -= factor * row[k];
            }
            for k in 0..M {
                other[j][k] -= factor * right[k];
            }
        }
    }
}

/// `y' = source - rate y` at the nodes of a step of `h` \[h\] from `y0`, with sources \[unit/h\] and rates
/// \[1/h\], none negative, there.
pub fn relaxed(y0: f64, h: f64, rates: &Row, sources: &Row) -> Row {
    let mut rows = [[0.0; LANES]; LANES];
    for (j, row) in rows.iter_mut().enumerate() {
        for (k, place) in row.iter_mut().enumerate() {
            *place = h * INTEGRALS[k][j] * rates[k];
        }
        row[j] += 1.0;
    }
    let mut right = integrated(y0, h, sources).map(|y| [y]);
    eliminate(&mut rows, &mut right);
    right.map(|[y]| y)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A polynomial of degree seven, its slope, and a step.
    fn curve(s: f64) -> f64 {
        0.3 + s * (1.0 + s * (-2.0 + s * (0.5 + s * (3.0 + s * (-1.0 + s * (2.0 - 0.7 * s))))))
    }

    fn slope(s: f64) -> f64 {
        1.0 + s * (-4.0 + s * (1.5 + s * (12.0 + s * (-5.0 + s * (12.0 - 4.9 * s)))))
    }

    #[test]
    fn slopes_of_a_polynomial_are_integrated_to_rounding() {
        let h = 3.0;
        let y = integrated(curve(0.0), h, &SHARES.map(|s| slope(s) / h));
        for (y, s) in y.into_iter().zip(SHARES) {
            assert!((y - curve(s)).abs() < 2e-15, "{s}");
        }
    }

    #[test]
    fn what_lies_between_the_nodes_follows_the_polynomial_through_them() {
        // Degree eight: one more than the slopes need.
        let y = |s: f64| curve(s) + 0.4 * libm::pow(s, 8.0);
        for share in [0.0, 1e-9, 0.005, 1.0 / 64.0, 0.3, 0.77, 0.999, 1.0] {
            let weights = basis(share);
            let value = weights[0] * y(0.0) + (0..LANES).map(|k| weights[k + 1] * y(SHARES[k])).sum::<f64>();
            assert!((value - y(share)).abs() < 2e-15, "{share}");
        }
        assert_eq!(basis(0.0)[0], 1.0);
        assert_eq!(basis(1.0)[LANES], 1.0);
    }

    #[test]
    fn relaxation_is_followed_however_fast_it_is() {
        for (z, off) in [
            (0.0, 1e-15),
            (1e-9, 1e-15),
            (0.1, 1e-14),
            (0.5, 2e-13),
            (1.0, 5e-11),
            (3.0, 3e-7),
        ] {
            let y = Filter::new(z).follow(2.0, &[0.5; LANES]);
            for (y, s) in y.into_iter().zip(SHARES) {
                assert!((y - (0.5 + 1.5 * libm::exp(-z * s))).abs() < 1.5 * off, "{z} {s}");
            }
        }
        // What decays within a small part of the step is gone at its end.
        for z in [30.0, 1e3, 1e6, 1e12] {
            let end = Filter::new(z).follow(1.0, &[0.0; LANES])[LANES - 1];
            assert!(end.abs() < 0.15, "{z} {end}");
        }
        assert!(
            Filter::new(1e12)
                .follow(1.0, &[0.25; LANES])
                .map(|y| (y - 0.25).abs())
                .iter()
                .all(|e| *e < 1e-3)
        );
    }

    #[test]
    fn what_a_state_follows_may_move() {
        // y' = λ (s - y): y = s - 1/λ + (y0 + 1/λ) e^(-λ s).
        let (h, rate) = (1.0, 0.4);
        let y = Filter::new(rate * h).follow(0.7, &SHARES.map(|s| s * h));
        for (y, s) in y.into_iter().zip(SHARES) {
            let t = s * h;
            let exact = t - 1.0 / rate + (0.7 + 1.0 / rate) * libm::exp(-rate * t);
            assert!((y - exact).abs() < 1e-12, "{s}");
        }
    }

    #[test]
    fn a_corner_in_what_a_state_follows_is_followed() {
        // y' = λ (max(0, s - r) - y) from nothing: behind the corner y = s - r - (1 - e^(-z (s - r))) / z.
        let z = 0.6;
        let filter = Filter::new(z);
        for root in [0.05, 0.31, 0.5, 0.77, 0.95] {
            let u = SHARES.map(|s| (s - root).max(0.0));
            let mut corners = Corners::default();
            corners.find(&SHARES.map(|s| s - root), |_| 1.0);
            assert!(corners.rounded(&u).iter().all(|u| u.abs() < 1e-15));
            let plain = filter.follow(0.0, &u);
            let more = filter.turn(z, &corners);
            let (mut before, mut after): (f64, f64) = (0.0, 0.0);
            for k in 0..LANES {
                let t = (SHARES[k] - root).max(0.0);
                let exact = t - (1.0 - libm::exp(-z * t)) / z;
                before = before.max((plain[k] - exact).abs());
                after = after.max((plain[k] + more[k] - exact).abs());
            }
            // What is left is that y bends there, which it does less than what it follows.
            assert!(after < 0.1 * before, "{root}: {before:e} {after:e}");
        }
    }

    #[test]
    fn a_corner_is_found_where_a_curve_passes_nothing_either_way() {
        // 4 (s - 0.2)(s - 0.8) is cut off between its roots.
        let curve = |s: f64| 4.0 * (s - 0.2) * (s - 0.8);
        let mut corners = Corners::default();
        corners.find(&SHARES.map(curve), |_| 0.5);
        let u = SHARES.map(|s| 0.5 * curve(s).max(0.0));
        // Behind both corners the curve goes on as before them.
        for (u, s) in corners.rounded(&u).iter().zip(SHARES) {
            assert!((u - 0.5 * curve(s)).abs() < 1e-13, "{s}");
        }
        let none = |x: Row| {
            let mut corners = Corners::default();
            corners.find(&x, |_| 1.0);
            corners == Corners::default()
        };
        assert!(none([1.0; LANES]) && none([-1.0; LANES]) && none([0.0; LANES]));
    }

    #[test]
    fn rates_that_change_are_those_at_the_nodes() {
        // y' = 1 - (1 + t) y, of which y exp(t + t²/2) is the integral of that exponential.
        let h = 0.5;
        let y = relaxed(0.25, h, &SHARES.map(|s| 1.0 + s * h), &[1.0; LANES]);
        for (y, s) in y.into_iter().zip(SHARES) {
            let (t, steps) = (s * h, 2000);
            let grown = |t: f64| libm::exp(t + 0.5 * t * t);
            let middle = (0..steps).map(|i| grown(t * (f64::from(i) + 0.5) / f64::from(steps)));
            let exact = (0.25 + middle.sum::<f64>() * t / f64::from(steps)) / grown(t);
            assert!((y - exact).abs() < 1e-8, "{s}: {y} {exact}");
        }
        // Constant ones are a filter.
        let same = relaxed(2.0, 0.5, &[0.8; LANES], &[0.4; LANES]);
        let filter = Filter::new(0.4).follow(2.0, &[0.5; LANES]);
        assert!(same.iter().zip(filter).all(|(a, b)| (a - b).abs() < 1e-14));
    }

    #[test]
    fn the_error_is_that_of_the_highest_degree_alone() {
        let legendre = |s: f64| {
            let x = 2.0 * s - 1.0;
            let (mut before, mut here) = (1.0, x);
            for n in 1..7 {
                let n = f64::from(n);
                (before, here) = (here, ((2.0 * n + 1.0) * x * here - n * before) / (n + 1.0));
            }
            here
        };
        assert!((error(3.0, &SHARES.map(legendre)) - 0.2).abs() < 1e-13);
        assert!(error(3.0, &SHARES.map(slope)) < 1e-13);
    }
}
