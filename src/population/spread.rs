//! The spread of simulated patients beside the published one.

use crate::parameters::ParameterSet;
use crate::scenario::model;

use super::Figures;

/// One published figure beside the simulated one.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Line {
    /// What was observed.
    pub what: &'static str,
    /// Published figure in words.
    pub published: String,
    /// Where.
    pub source: &'static str,
    /// Simulated figure in words.
    pub simulated: String,
    /// What has to hold, in words.
    pub rule: String,
    /// Whether it holds.
    pub met: bool,
}

/// A published range, with how it is to be read.
enum Range {
    /// Seen in a handful of patients: most lie inside, and they span most of it.
    Few,
    /// `most patients` of a label.
    Most,
    /// Seen in a large series: nearly all lie inside.
    Series,
    /// An upper limit from some patients: most lie below.
    Low,
}

/// Sets the figures of a group beside what was published for its population. `figures` are
/// those of all patients screened; maintenance doses are those of responders, who get pumps.
pub fn lines(group: model::Population, figures: &[Figures], p: &ParameterSet) -> Vec<Line> {
    let responders: Vec<&Figures> = figures.iter().filter(|f| f.responds_at_ug.is_some()).collect();
    let doses = sorted(responders.iter().filter_map(|f| f.maintenance_ug_per_day));
    let half_lives = sorted(figures.iter().map(|f| f.half_life_h));
    let eliminations = sorted(figures.iter().map(|f| f.elimination_half_life_h));
    let clearances = sorted(figures.iter().map(|f| f.clearance_ml_per_h));
    let near = p.get("population.target.middle");
    // These series were of adults.
    let in_adults = || {
        vec![
            range(
                p,
                "elimination half-life in lumbar fluid [h]",
                &eliminations,
                (0.9, 5.0),
                Range::Few,
                "Sallerin-Caute 1991, 4 patients",
            ),
            range(
                p,
                "clearance from lumbar fluid [mL/h]",
                &clearances,
                (13.0, 80.0),
                Range::Few,
                "Sallerin-Caute 1991, 4 patients",
            ),
            middle(
                "half-life in lumbar fluid over the first 4 h [h]",
                &half_lives,
                1.5,
                near,
                "US label, 7 patients",
            ),
            middle(
                "clearance from lumbar fluid [mL/h]",
                &clearances,
                30.0,
                near,
                "US label, 7 and 10 patients",
            ),
            middle(
                "lumbar over cisternal concentration [1]",
                &sorted(figures.iter().map(|f| f.lumbar_over_cisternal)),
                4.0,
                near,
                "US label, 5 patients",
            ),
        ]
    };
    let dose = "maintenance dose [ug/day]";
    let plasma = sorted(responders.iter().filter_map(|f| f.plasma_ng_per_ml));
    let low = |limit: f64, source| {
        range(
            p,
            "plasma on that dose [ng/mL]",
            &plasma,
            (0.0, limit),
            Range::Low,
            source,
        )
    };
    let mut out = match group {
        model::Population::Child => Vec::new(),
        _ => in_adults(),
    };
    match group {
        model::Population::AdultSpinal => out.extend([
            range(p, dose, &doses, (300.0, 800.0), Range::Most, "US label, spinal"),
            range(p, dose, &doses, (12.0, 2003.0), Range::Series, "US label, spinal"),
            share(figures, responders.len(), 88, 93, "Coffey 1993"),
            low(5.0, "US, Canadian and Swiss labels"),
        ]),
        model::Population::AdultCerebral => out.extend([
            range(p, dose, &doses, (90.0, 703.0), Range::Most, "US label, cerebral"),
            range(p, dose, &doses, (22.0, 1400.0), Range::Series, "US label, cerebral"),
            share(figures, responders.len(), 32, 37, "Yoon 2017: 86.5 % of 37"),
            low(5.0, "US, Canadian and Swiss labels"),
        ]),
        model::Population::Child => out.extend([
            range(
                p,
                dose,
                &doses,
                (24.0, 1199.0),
                Range::Series,
                "US label, under 12 years",
            ),
            mean(dose, &doses, 274.0, near, "US label, under 12 years"),
            low(10.0, "US label: near or below 10 in 6 children, recalled"),
        ]),
    }
    out
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Quantile by linear interpolation between order statistics; NaN of nobody.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = share * last as f64;
    let below = libm::floor(at) as usize;
    let above = (below + 1).min(last);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

fn range(
    p: &ParameterSet,
    what: &'static str,
    all: &[f64],
    (low, high): (f64, f64),
    kind: Range,
    source: &'static str,
) -> Line {
    let count = all.iter().filter(|x| (low..=high).contains(*x)).count();
    let inside = count as f64 / all.len().max(1) as f64;
    let (from, middle, to) = (quantile(all, 0.025), quantile(all, 0.5), quantile(all, 0.975));
    let span = libm::log(to / from) / libm::log(high / low);
    let simulated = format!(
        "median {}, middle 95 % {} to {}, all {} to {}; {:.1} % inside",
        short(middle),
        short(from),
        short(to),
        short(quantile(all, 0.0)),
        short(quantile(all, 1.0)),
        100.0 * inside
    );
    let (published, least, spans) = match kind {
        Range::Few => (
            format!("{low} to {high}"),
            p.get("population.target.share_inside"),
            Some(p.get("population.target.span")),
        ),
        Range::Low => (format!("at most {high}"), p.get("population.target.share_inside"), None),
        Range::Most => (format!("most {low} to {high}"), p.get("population.target.most"), None),
        Range::Series => (format!("all {low} to {high}"), p.get("population.target.all"), None),
    };
    let mut rule = format!("{} % or more inside", 100.0 * least);
    if let Some(spans) = spans {
        rule.push_str(&format!("; middle 95 % spans {} % or more of the range", 100.0 * spans));
    }
    Line {
        what,
        published,
        source,
        simulated,
        rule,
        met: inside >= least && spans.is_none_or(|least| span >= least),
    }
}

/// The median beside a published mean or median, within a factor.
fn middle(what: &'static str, all: &[f64], published: f64, factor: f64, source: &'static str) -> Line {
    let simulated = quantile(all, 0.5);
    Line {
        what,
        published: format!("typical {published}"),
        source,
        simulated: format!("median {}", short(simulated)),
        rule: format!("within a factor of {factor}"),
        met: simulated <= published * factor && simulated >= published / factor,
    }
}

/// The mean beside a published mean, within a factor.
fn mean(what: &'static str, all: &[f64], published: f64, factor: f64, source: &'static str) -> Line {
    let simulated = all.iter().sum::<f64>() / all.len().max(1) as f64;
    Line {
        what,
        published: format!("mean {published}"),
        source,
        simulated: format!("mean {}", short(simulated)),
        rule: format!("within a factor of {factor}"),
        met: simulated <= published * factor && simulated >= published / factor,
    }
}

/// Responders beside a published count: within its exact 95 % interval.
fn share(figures: &[Figures], responders: usize, published: u32, of: u32, source: &'static str) -> Line {
    let n = figures.len().max(1);
    let simulated = responders as f64 / n as f64;
    let (low, high) = clopper_pearson(published, of);
    let at = |dose: f64| {
        figures
            .iter()
            .filter(|f| f.responds_at_ug.is_some_and(|d| d <= dose))
            .count()
    };
    let first = figures
        .iter()
        .filter_map(|f| f.responds_at_ug)
        .fold(f64::INFINITY, f64::min);
    Line {
        what: "responders to the test doses [%]",
        published: format!(
            "{published} of {of}, {:.1}",
            100.0 * f64::from(published) / f64::from(of)
        ),
        source,
        simulated: if responders == 0 {
            "nobody".to_owned()
        } else {
            format!(
                "{:.1}; to {first} ug alone {:.1}",
                100.0 * simulated,
                100.0 * at(first) as f64 / n as f64
            )
        },
        rule: format!(
            "within the exact 95 % interval of the series, {:.1} to {:.1}",
            100.0 * low,
            100.0 * high
        ),
        met: (low..=high).contains(&simulated),
    }
}

/// Exact 95 % interval of a share (Clopper and Pearson 1934), by bisection on binomial tails.
fn clopper_pearson(k: u32, n: u32) -> (f64, f64) {
    const TAIL: f64 = 0.025;
    // Chance of at most `k` of `n` at share `q`.
    let at_most = |k: u32, q: f64| -> f64 {
        let mut sum = 0.0;
        let mut ways = 0.0;
        for i in 0..=k {
            if i > 0 {
                ways += libm::log(f64::from(n - i + 1) / f64::from(i));
            }
            sum += libm::exp(ways + f64::from(i) * libm::log(q) + f64::from(n - i) * libm::log(1.0 - q));
        }
        sum
    };
    let solve = |above: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if above(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        0.5 * (low + high)
    };
    let low = if k == 0 {
        0.0
    } else {
        solve(&|q| 1.0 - at_most(k - 1, q) > TAIL)
    };
    let high = if k == n { 1.0 } else { solve(&|q| at_most(k, q) < TAIL) };
    (low, high)
}

/// Three digits.
fn short(x: f64) -> String {
    if !x.is_finite() {
        return "none".to_owned();
    }
    match x.abs() {
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 10.0 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_interval_has_its_published_values() {
        // 0 of 10: 1 - 0.025^(1/10) = 0.3085; 5 of 10: 0.1871 to 0.8129 (textbook).
        let (low, high) = clopper_pearson(0, 10);
        assert!(
            low == 0.0 && (high - (1.0 - 0.025f64.powf(0.1))).abs() < 1e-12,
            "{high}"
        );
        let (low, high) = clopper_pearson(5, 10);
        assert!(
            (low - 0.1871).abs() < 1e-4 && (high - 0.8129).abs() < 1e-4,
            "{low} {high}"
        );
        assert_eq!(clopper_pearson(10, 10).1, 1.0);
    }

    #[test]
    fn quantiles_interpolate() {
        let all = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(quantile(&all, 0.5), 4.0);
        assert_eq!(quantile(&all, 0.125), 1.5);
        assert_eq!((quantile(&all, 0.0), quantile(&all, 1.0)), (1.0, 16.0));
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_spread_that_is_too_narrow_or_too_wide_misses_a_range_of_few() {
        let p = ParameterSet::default();
        let with = |sd: f64| -> bool {
            let all: Vec<f64> = (1..400)
                .map(|i| 32.0 * (sd * crate::numerics::draws::normal_quantile(f64::from(i) / 400.0)).exp())
                .collect();
            range(&p, "x", &all, (13.0, 80.0), Range::Few, "").met
        };
        assert!(with(0.45) && !with(0.1) && !with(0.9));
    }
}
