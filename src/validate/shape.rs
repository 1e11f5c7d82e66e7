//! Figures of a sampled curve.

/// Times \[h\] and values, in order of time.
pub type Points = Vec<(f64, f64)>;

/// Largest value with its first time: (time, value).
pub fn peak(points: &[(f64, f64)]) -> (f64, f64) {
    points
        .iter()
        .copied()
        .fold((0.0, f64::NEG_INFINITY), |best, p| if p.1 > best.1 { p } else { best })
}

/// Smallest value.
pub fn lowest(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min)
}

/// Value at an instant, linear between samples; `None` outside them.
pub fn at(points: &[(f64, f64)], t: f64) -> Option<f64> {
    const SLACK: f64 = 1e-9;
    let after = points.iter().position(|p| p.0 >= t - SLACK)?;
    let (t1, v1) = points[after];
    if (t1 - t).abs() <= SLACK {
        return Some(v1);
    }
    let (t0, v0) = *points.get(after.checked_sub(1)?)?;
    Some(v0 + (v1 - v0) * (t - t0) / (t1 - t0))
}

/// Area under the curve by trapezoids.
pub fn area(points: &[(f64, f64)]) -> f64 {
    points
        .windows(2)
        .map(|w| 0.5 * (w[1].0 - w[0].0) * (w[0].1 + w[1].1))
        .fold(0.0, |a, b| a + b)
}

/// Mean over time; of a single sample, its value.
pub fn mean(points: &[(f64, f64)]) -> f64 {
    match (points.first(), points.last()) {
        (Some(a), Some(b)) if b.0 > a.0 => area(points) / (b.0 - a.0),
        (Some(a), _) => a.1,
        _ => f64::NAN,
    }
}

fn crossing(a: (f64, f64), b: (f64, f64), level: f64) -> f64 {
    a.0 + (b.0 - a.0) * (level - a.1) / (b.1 - a.1)
}

/// First instant above a level, linear between samples.
pub fn first_above(points: &[(f64, f64)], level: f64) -> Option<f64> {
    let i = points.iter().position(|p| p.1 > level)?;
    Some(match i.checked_sub(1) {
        Some(before) => crossing(points[before], points[i], level),
        None => points[i].0,
    })
}

/// Last instant above a level, linear between samples.
pub fn last_above(points: &[(f64, f64)], level: f64) -> Option<f64> {
    let i = points.iter().rposition(|p| p.1 > level)?;
    Some(match points.get(i + 1) {
        Some(after) => crossing(points[i], *after, level),
        None => points[i].0,
    })
}

/// First sample from which on every value lies within a share of the last one.
pub fn settles(points: &[(f64, f64)], share: f64) -> f64 {
    let Some(&(end, last)) = points.last() else {
        return f64::NAN;
    };
    let off = points.iter().rposition(|p| (p.1 - last).abs() > share * last.abs());
    off.map_or_else(|| points[0].0, |i| points.get(i + 1).map_or(end, |p| p.0))
}

/// Half-life by least squares on the logarithm; `None` unless all values are positive and fall.
pub fn half_life(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 2 || points.iter().any(|p| p.1 <= 0.0) {
        return None;
    }
    let n = points.len() as f64;
    let (mx, my) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + libm::log(p.1) / n));
    let (sxy, sxx) = points.iter().fold((0.0, 0.0), |(xy, xx), p| {
        (xy + (p.0 - mx) * (libm::log(p.1) - my), xx + (p.0 - mx) * (p.0 - mx))
    });
    let slope = sxy / sxx;
    (slope < 0.0).then(|| -std::f64::consts::LN_2 / slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decline() -> Points {
        (0..=40)
            .map(|i| f64::from(i) * 0.1)
            .map(|t| (t, 8.0 * libm::exp2(-t / 1.5)))
            .collect()
    }

    #[test]
    fn a_pure_exponential_gives_its_half_life() {
        assert!((half_life(&decline()).unwrap() - 1.5).abs() < 1e-12);
        assert_eq!(half_life(&[(0.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(half_life(&[(0.0, 1.0), (1.0, 0.0)]), None);
    }

    #[test]
    fn levels_are_crossed_between_samples() {
        let hill = [(0.0, 0.0), (2.0, 4.0), (3.0, 4.0), (7.0, 0.0)];
        assert_eq!(first_above(&hill, 1.0), Some(0.5));
        assert_eq!(last_above(&hill, 1.0), Some(6.0));
        assert_eq!(first_above(&hill, 4.0), None);
        assert_eq!(peak(&hill), (2.0, 4.0));
        assert_eq!(area(&hill), 4.0 + 4.0 + 8.0);
        assert_eq!(mean(&hill), 16.0 / 7.0);
        assert_eq!(at(&hill, 1.0), Some(2.0));
        assert_eq!(at(&hill, 3.0), Some(4.0));
        assert_eq!(at(&hill, 8.0), None);
    }

    #[test]
    fn settling_is_for_good() {
        let curve = [(0.0, 0.0), (1.0, 0.999), (2.0, 0.9), (3.0, 0.995), (4.0, 1.0)];
        assert_eq!(settles(&curve, 0.01), 3.0);
        assert_eq!(settles(&curve[4..], 0.01), 4.0);
    }
}
