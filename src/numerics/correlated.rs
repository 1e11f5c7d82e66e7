//! Correlated normal numbers from independent ones.

/// Row-wise lower factor of a correlation matrix, with the zeros left out.
///
/// Row `i` holds pairs (column, weight) with columns in rising order, the diagonal last. A
/// variable without correlation has the one pair (`i`, 1), so it is passed on bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    rows: Vec<Vec<(usize, f64)>>,
}

impl Factor {
    /// The Cholesky factor of the correlation matrix of `n` variables with the pairs
    /// (i, j, correlation) given and all others zero. `None` if a pair names no two different
    /// variables, or if the matrix is not positive definite: no variables are so correlated.
    ///
    /// A variable added at the end leaves the rows before it as they were.
    pub fn new(n: usize, pairs: &[(usize, usize, f64)]) -> Option<Factor> {
        let mut matrix = vec![vec![0.0; n]; n];
        for (i, row) in matrix.iter_mut().enumerate() {
            row[i] = 1.0;
        }
        for &(i, j, r) in pairs {
            if i == j || i >= n || j >= n || !(r > -1.0 && r < 1.0) {
                return None;
            }
            matrix[i][j] = r;
            matrix[j][i] = r;
        }
        let mut lower: Vec<Vec<f64>> = Vec::with_capacity(n);
        for (i, wanted) in matrix.iter().enumerate() {
            let mut row = vec![0.0; i + 1];
            for j in 0..i {
                let known: f64 = (0..j).map(|k| row[k] * lower[j][k]).sum();
                row[j] = (wanted[j] - known) / lower[j][j];
            }
            let left = 1.0 - row[..i].iter().map(|x| x * x).sum::<f64>();
            // A few units of rounding above zero is still no variance of its own.
            if left.is_nan() || left < 1e-12 {
                return None;
            }
            row[i] = left.sqrt();
            lower.push(row);
        }
        let sparse = |row: Vec<f64>| row.into_iter().enumerate().filter(|(_, w)| *w != 0.0).collect();
        Some(Factor {
            rows: lower.into_iter().map(sparse).collect(),
        })
    }

    /// Number of variables.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no variable.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Variable `i` from independent standard normal numbers, of which it reads those before
    /// it and its own; standard normal itself. Zero for a variable there is not.
    pub fn mix(&self, i: usize, independent: &[f64]) -> f64 {
        let Some(row) = self.rows.get(i) else { return 0.0 };
        row.iter()
            .map(|&(j, weight)| weight * independent.get(j).copied().unwrap_or(0.0))
            .sum()
    }
}

/// Probability that a standard normal number is below `z`.
pub fn normal_share(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_gives_the_matrix_back() {
        let pairs = [(0, 1, 0.5), (1, 2, -0.3), (0, 3, 0.7)];
        let f = Factor::new(5, &pairs).unwrap();
        let dense = |i: usize| {
            (0..5)
                .map(|j| f.mix(i, &std::array::from_fn::<_, 5, _>(|k| f64::from(k == j))))
                .collect::<Vec<_>>()
        };
        for i in 0..5 {
            for j in 0..5 {
                let product: f64 = dense(i).iter().zip(dense(j)).map(|(a, b)| a * b).sum();
                let wanted = pairs
                    .iter()
                    .find(|p| (p.0, p.1) == (i.min(j), i.max(j)))
                    .map_or(f64::from(i == j), |p| p.2);
                assert!((product - wanted).abs() < 1e-15, "{i} {j}: {product}");
            }
        }
    }

    #[test]
    fn a_variable_without_correlation_passes_bit_for_bit_and_one_added_last_moves_none() {
        let z = [0.123_456_789, -1.9, 0.77, 2.2];
        let three = Factor::new(3, &[(0, 1, 0.4)]).unwrap();
        let four = Factor::new(4, &[(0, 1, 0.4), (1, 3, 0.6)]).unwrap();
        assert_eq!(three.mix(2, &z).to_bits(), z[2].to_bits());
        for i in 0..3 {
            assert_eq!(three.mix(i, &z).to_bits(), four.mix(i, &z).to_bits());
        }
        assert_ne!(four.mix(3, &z), z[3]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(Factor::new(3, &[(0, 1, 0.9), (1, 2, 0.9), (0, 2, -0.9)]).is_none());
        assert!(Factor::new(2, &[(0, 1, 1.0)]).is_none());
        assert!(Factor::new(2, &[(0, 1, f64::NAN)]).is_none());
        assert!(Factor::new(2, &[(0, 0, 0.5)]).is_none() && Factor::new(2, &[(0, 2, 0.5)]).is_none());
    }

    #[test]
    fn the_share_below_inverts_the_quantile() {
        for z in [-6.0, -1.0, 0.0, 0.5, 3.0] {
            let back = super::super::draws::normal_quantile(normal_share(z));
            assert!((back - z).abs() < 1e-9, "{z} {back}");
        }
    }
}
