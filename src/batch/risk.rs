//! Time to an event: cumulative incidence of causes that compete (Aalen-Johansen), survival
//! from single causes (Kaplan-Meier), numbers at risk, restricted mean time.
//!
//! Times are kept in cells of one width; what falls into a cell counts at its end. Events of
//! a cell come before the censorings of the same cell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::quantile::z;

/// One replicate's weight of 1 in fixed units, so that sums of weights are exact.
pub const UNIT: u64 = 1 << 32;

/// Replicates in one cell of time: how many, and sums of their weights and squared weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Heap {
    /// Replicates.
    pub n: u64,
    /// Sum of weights, in [`UNIT`].
    pub w: u128,
    /// Sum of squared weights, in [`UNIT`].
    pub ww: u128,
}

impl Heap {
    /// Adds one replicate of a weight in fixed units.
    pub fn put(&mut self, units: u64) {
        let wide = u128::from(units);
        self.n += 1;
        self.w += wide;
        self.ww += (wide * wide) >> UNIT.trailing_zeros();
    }

    /// Adds all replicates of another heap.
    pub fn join(&mut self, other: &Heap) {
        self.n = self.n.saturating_add(other.n);
        self.w = self.w.saturating_add(other.w);
        self.ww = self.ww.saturating_add(other.ww);
    }

    /// Whether every weight is 1.
    pub fn is_plain(&self) -> bool {
        self.w == u128::from(self.n) * u128::from(UNIT) && self.ww == self.w
    }

    /// Whether at most so many replicates can have made it; false only for a damaged file. The sums
    /// leave room for all that may be joined.
    pub(super) fn is_sound(&self, most: u64) -> bool {
        self.n <= most && self.w < 1 << 96 && self.ww < 1 << 112
    }

    /// Whether it can be taken from another.
    fn is_within(&self, other: &Heap) -> bool {
        self.n <= other.n && self.w <= other.w && self.ww <= other.ww
    }

    fn weight(&self) -> f64 {
        self.w as f64 / UNIT as f64
    }

    fn squares(&self) -> f64 {
        self.ww as f64 / UNIT as f64
    }
}

/// Heaps by cell of time.
pub type Times = BTreeMap<u32, Heap>;

/// Adds one replicate to a cell.
pub fn put(times: &mut Times, cell: u32, units: u64) {
    times.entry(cell).or_default().put(units);
}

/// Whether at most so many replicates can have made them; false only for a damaged file.
pub(super) fn are_sound(times: &Times, most: u64) -> bool {
    times.values().all(|heap| heap.is_sound(most))
}

/// Whether they can be taken from others, cell by cell.
pub(super) fn are_within(times: &Times, others: &Times) -> bool {
    times
        .iter()
        .all(|(cell, heap)| others.get(cell).is_some_and(|other| heap.is_within(other)))
}

/// Adds all heaps of another collection.
pub fn join(times: &mut Times, other: &Times) {
    for (cell, heap) in other {
        times.entry(*cell).or_default().join(heap);
    }
}

/// What happened to the replicates with respect to causes that exclude one another.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Competing {
    /// First event of each replicate that had one, by cause.
    pub events: BTreeMap<String, Times>,
    /// End of observation of those that had none.
    pub censored: Times,
}

impl Competing {
    /// Adds all replicates of another collection.
    pub fn join(&mut self, other: &Competing) {
        for (cause, times) in &other.events {
            join(self.events.entry(cause.clone()).or_default(), times);
        }
        join(&mut self.censored, &other.censored);
    }

    /// Whether at most so many replicates can have made it.
    pub(super) fn is_sound(&self, most: u64) -> bool {
        self.events.values().all(|times| are_sound(times, most)) && are_sound(&self.censored, most)
    }
}

/// An estimate at one time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Time \[cells\].
    pub cell: u32,
    /// Replicates at risk just before.
    pub at_risk: u64,
    /// Events of the cause at this time.
    pub events: u64,
    /// Cumulative incidence, or survival \[0-1\].
    pub value: f64,
    /// Standard error \[1\].
    pub error: f64,
    /// Lower end of the 95 % interval \[0-1\].
    pub low: f64,
    /// Upper end of the 95 % interval \[0-1\].
    pub high: f64,
}

/// One instant at which something happened.
struct Instant {
    cell: u32,
    at_risk: u64,
    /// Weight at risk.
    weight: f64,
    /// By cause, in order: replicates, weight, squared weight.
    events: Vec<Heap>,
}

fn instants(causes: &[&Times], censored: &Times) -> (Vec<Instant>, Heap) {
    let mut cells: Vec<u32> = causes
        .iter()
        .flat_map(|t| t.keys())
        .chain(censored.keys())
        .copied()
        .collect();
    cells.sort_unstable();
    cells.dedup();
    let mut all = Heap::default();
    for heap in causes.iter().flat_map(|t| t.values()).chain(censored.values()) {
        all.join(heap);
    }
    let mut left = all;
    let mut out = Vec::new();
    for cell in cells {
        let of = |times: &Times| times.get(&cell).copied().unwrap_or_default();
        let events: Vec<Heap> = causes.iter().map(|t| of(t)).collect();
        out.push(Instant {
            cell,
            at_risk: left.n,
            weight: left.weight(),
            events: events.clone(),
        });
        for gone in events.into_iter().chain([of(censored)]) {
            // Integers of one sum: nothing is taken that was not put in.
            left.n -= gone.n;
            left.w -= gone.w;
            left.ww -= gone.ww;
        }
    }
    (out, all)
}

/// Cumulative incidence of every cause, with the variance of Marubini and Valsecchi
/// (Analysing Survival Data, 1995, section 10.2) and intervals on the scale of
/// log(-log): they never leave 0 to 1.
///
/// With unequal weights the variance is that of a weighted share, which holds while nobody is
/// censored before the end.
pub fn aalen_johansen(data: &Competing) -> BTreeMap<String, Vec<Point>> {
    let causes: Vec<&Times> = data.events.values().collect();
    let (instants, all) = instants(&causes, &data.censored);
    let mut out = BTreeMap::new();
    for (k, cause) in data.events.keys().enumerate() {
        let mut points = Vec::new();
        let (mut survival, mut incidence) = (1.0, 0.0);
        let mut sums = Greenwood::default();
        let mut squares = 0.0;
        for instant in &instants {
            let here = &instant.events[k];
            let any: f64 = instant.events.iter().map(Heap::weight).sum();
            let happened: u64 = instant.events.iter().map(|h| h.n).sum();
            if happened == 0 {
                continue;
            }
            let before = survival;
            incidence += before * here.weight() / instant.weight;
            survival *= 1.0 - any / instant.weight;
            squares += here.squares();
            sums.add(instant.at_risk, happened, here.n, before, incidence);
            if here.n == 0 {
                continue;
            }
            let variance = if all.is_plain() {
                sums.variance(incidence)
            } else {
                weighted_variance(&all, squares, incidence)
            };
            points.push(point(instant, here.n, incidence, variance));
        }
        out.insert(cause.clone(), points);
    }
    out
}

/// Survival from one cause, the others censoring, with Greenwood's variance.
pub fn kaplan_meier(events: &Times, censored: &Times) -> Survival {
    let (instants, all) = instants(&[events], censored);
    let end = instants.last().map_or(0, |i| i.cell);
    let (mut survival, mut squares, mut sum) = (1.0, 0.0, 0.0);
    let mut points = Vec::new();
    let mut terms = Vec::new();
    for instant in instants.iter().filter(|i| i.events[0].n > 0) {
        let here = &instant.events[0];
        survival *= 1.0 - here.weight() / instant.weight;
        squares += here.squares();
        let (n, d) = (instant.at_risk as f64, here.n as f64);
        let term = if n > d { d / (n * (n - d)) } else { 0.0 };
        sum += term;
        terms.push(term);
        let variance = if all.is_plain() {
            survival * survival * sum
        } else {
            weighted_variance(&all, squares, 1.0 - survival)
        };
        points.push(point(instant, here.n, survival, variance));
    }
    let (mean, error) = restricted_mean(&points, &terms, end);
    Survival {
        points,
        end,
        mean,
        error,
    }
}

/// Survival from one cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Survival {
    /// At each time with an event.
    pub points: Vec<Point>,
    /// End of observation \[cells\].
    pub end: u32,
    /// Mean time free of the event within that end \[cells\].
    pub mean: f64,
    /// Standard error of the mean \[cells\].
    pub error: f64,
}

impl Survival {
    /// First time at which survival is at most `level` \[cells\].
    pub fn quantile(&self, level: f64) -> Option<u32> {
        self.points.iter().find(|p| p.value <= level).map(|p| p.cell)
    }
}

/// Area under the curve up to the end, and its standard error.
fn restricted_mean(points: &[Point], terms: &[f64], end: u32) -> (f64, f64) {
    let mut area = 0.0;
    let mut variance = 0.0;
    // From the end backwards, so that the area behind each event is at hand.
    let mut until = end;
    for (point, term) in points.iter().zip(terms).rev() {
        area += point.value * f64::from(until - point.cell);
        variance += area * area * term;
        until = point.cell;
    }
    (area + f64::from(until), variance.sqrt())
}

/// Variance of the weighted share `f`, `squares` being the squared weights of what counts.
fn weighted_variance(all: &Heap, squares: f64, f: f64) -> f64 {
    let total = all.weight();
    ((1.0 - 2.0 * f) * squares + f * f * all.squares()).max(0.0) / (total * total)
}

fn point(instant: &Instant, events: u64, value: f64, variance: f64) -> Point {
    let error = variance.max(0.0).sqrt();
    let (low, high) = if value > 0.0 && value < 1.0 {
        let log = libm::log(value);
        let spread = z() * error / (value * log.abs());
        let (a, b) = (libm::exp(-spread), libm::exp(spread));
        (libm::exp(log * b), libm::exp(log * a))
    } else {
        (value, value)
    };
    Point {
        cell: instant.cell,
        at_risk: instant.at_risk,
        events,
        value,
        error,
        low,
        high,
    }
}

/// Running sums of the variance of a cumulative incidence, so that each time costs the same.
#[derive(Default)]
struct Greenwood {
    a: f64,
    af: f64,
    aff: f64,
    b: f64,
    c: f64,
    cf: f64,
}

impl Greenwood {
    fn add(&mut self, at_risk: u64, any: u64, here: u64, before: f64, incidence: f64) {
        let (n, d, k) = (at_risk as f64, any as f64, here as f64);
        // When the last ones go, the curve ends: later times do not exist.
        let a = if n > d { d / (n * (n - d)) } else { 0.0 };
        self.a += a;
        self.af += a * incidence;
        self.aff += a * incidence * incidence;
        self.b += before * before * k * (n - k) / (n * n * n);
        let c = before * k / (n * n);
        self.c += c;
        self.cf += c * incidence;
    }

    /// Sum of a (F - f)^2 + b - 2 c (F - f) over all times up to now.
    fn variance(&self, now: f64) -> f64 {
        let spread = now * now * self.a - 2.0 * now * self.af + self.aff;
        spread + self.b - 2.0 * (now * self.c - self.cf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(list: &[u32]) -> Times {
        let mut out = Times::new();
        list.iter().for_each(|t| put(&mut out, *t, UNIT));
        out
    }

    /// The 6-MP arm of Freireich (Blood 21, 1963), remission of acute leukaemia in weeks.
    fn six_mp() -> (Times, Times) {
        (
            times(&[6, 6, 6, 7, 10, 13, 16, 22, 23]),
            times(&[6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]),
        )
    }

    #[test]
    fn survival_of_the_textbook_has_the_printed_values() {
        let (events, censored) = six_mp();
        let curve = kaplan_meier(&events, &censored);
        // Collett, Modelling Survival Data in Medical Research; R survival, `survfit`.
        let printed = [
            (6, 21, 0.857, 0.0764),
            (7, 17, 0.807, 0.0869),
            (10, 15, 0.753, 0.0963),
            (13, 12, 0.690, 0.1068),
            (16, 11, 0.627, 0.1141),
            (22, 7, 0.538, 0.1282),
            (23, 6, 0.448, 0.1346),
        ];
        assert_eq!(curve.points.len(), printed.len());
        for (point, (week, at_risk, survival, error)) in curve.points.iter().zip(printed) {
            assert_eq!((point.cell, point.at_risk), (week, at_risk));
            assert!((point.value - survival).abs() < 5e-4, "{week}: {}", point.value);
            assert!((point.error - error).abs() < 5e-5, "{week}: {}", point.error);
            assert!(point.low < point.value && point.value < point.high);
        }
        assert_eq!(curve.quantile(0.5), Some(23));
        // R: print(survfit(...), rmean = 35) gives 23.29 with standard error 2.83.
        assert!((curve.mean - 23.29).abs() < 5e-3, "{}", curve.mean);
        assert!((curve.error - 2.83).abs() < 5e-3, "{}", curve.error);
    }

    #[test]
    fn one_cause_alone_is_the_complement_of_survival_with_its_error() {
        let (events, censored) = six_mp();
        let curve = kaplan_meier(&events, &censored);
        let data = Competing {
            events: BTreeMap::from([("relapse".to_owned(), events)]),
            censored,
        };
        let incidence = &aalen_johansen(&data)["relapse"];
        for (f, s) in incidence.iter().zip(&curve.points) {
            assert!((f.value + s.value - 1.0).abs() < 1e-14);
            assert!((f.error - s.error).abs() < 1e-12, "{}: {} {}", f.cell, f.error, s.error);
        }
    }

    #[test]
    fn without_censoring_incidence_is_the_share_with_the_error_of_a_share() {
        let data = Competing {
            events: BTreeMap::from([
                ("a".to_owned(), times(&[1, 4, 4, 9])),
                ("b".to_owned(), times(&[2, 3, 4, 8, 8, 8])),
            ]),
            censored: times(&[10; 10]),
        };
        let all = aalen_johansen(&data);
        for (cause, counts) in [("a", vec![1, 3, 4]), ("b", vec![1, 2, 3, 6])] {
            for (point, count) in all[cause].iter().zip(counts) {
                let share = f64::from(count) / 20.0;
                assert!((point.value - share).abs() < 1e-14, "{cause}");
                let error = (share * (1.0 - share) / 20.0).sqrt();
                assert!((point.error - error).abs() < 1e-12, "{cause}: {} {error}", point.error);
            }
        }
    }

    #[test]
    fn causes_that_compete_add_up_to_all_events() {
        // By hand: at risk 6, 5, 3, 2; one lost before the third event.
        let data = Competing {
            events: BTreeMap::from([("a".to_owned(), times(&[1, 5])), ("b".to_owned(), times(&[2, 4]))]),
            censored: times(&[3, 6]),
        };
        let all = aalen_johansen(&data);
        let (a, b) = (&all["a"], &all["b"]);
        let s = [5.0 / 6.0, 5.0 / 6.0 * 4.0 / 5.0];
        assert!((a[0].value - 1.0 / 6.0).abs() < 1e-15);
        assert!((b[0].value - s[0] / 5.0).abs() < 1e-15);
        let after = s[1] * 2.0 / 3.0;
        assert!((b[1].value - (s[0] / 5.0 + s[1] / 3.0)).abs() < 1e-15);
        assert!((a[1].value - (1.0 / 6.0 + after / 2.0)).abs() < 1e-15);
        let gone: f64 = a[1].value + b[1].value;
        assert!((1.0 - gone - after / 2.0).abs() < 1e-15);
    }

    #[test]
    fn equal_weights_other_than_one_change_no_share() {
        let data = |units: u64| {
            let mut events = Times::new();
            let mut censored = Times::new();
            (1..=5).for_each(|t| put(&mut events, t, units));
            (0..15).for_each(|_| put(&mut censored, 9, units));
            aalen_johansen(&Competing {
                events: BTreeMap::from([("a".to_owned(), events)]),
                censored,
            })["a"]
                .clone()
        };
        for (one, half) in data(UNIT).iter().zip(data(UNIT / 2)) {
            assert!((one.value - half.value).abs() < 1e-14);
            assert!((one.error - half.error).abs() < 1e-9, "{} {}", one.error, half.error);
        }
    }

    #[test]
    fn parts_joined_give_what_the_whole_gives() {
        let (events, censored) = six_mp();
        let whole = Competing {
            events: BTreeMap::from([("x".to_owned(), events.clone())]),
            censored: censored.clone(),
        };
        let mut joined = Competing {
            events: BTreeMap::new(),
            censored,
        };
        joined.join(&Competing {
            events: BTreeMap::from([("x".to_owned(), events)]),
            censored: Times::new(),
        });
        assert_eq!(joined, whole);
    }
}
