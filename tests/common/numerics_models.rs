//! Models with known solutions, shared by the tests of every propagator, and the
//! synthetic neuraxis that the bench runs on. Nothing here is a number of the product.
#![allow(dead_code)]

use nalgebra::DMatrix;

/// `x' = a x + b` from `x0`, with its solution.
pub struct Model {
    pub name: &'static str,
    pub a: DMatrix<f64>,
    pub x0: Vec<f64>,
    pub b: Vec<f64>,
    pub exact: Box<dyn Fn(f64) -> Vec<f64>>,
    /// Whether the modal form is expected to be used.
    pub modal: bool,
}

/// All closed forms.
pub fn closed_forms() -> Vec<Model> {
    vec![
        one_compartment(),
        two_way_exchange(),
        chain_of_distinct_rates(),
        chain_of_equal_rates(),
        chain_of_nearly_equal_rates(),
        star_of_equal_leaves(),
        one_way_ring(),
        area_under_a_decay(),
    ]
}

/// Loss `k` into a sink, constant infusion: the textbook curve.
fn one_compartment() -> Model {
    let (k, rate, dose) = (0.3, 5.0, 20.0);
    Model {
        name: "one compartment, infusion, sink",
        a: DMatrix::from_row_slice(2, 2, &[-k, 0.0, k, 0.0]),
        x0: vec![dose, 0.0],
        b: vec![rate, 0.0],
        exact: Box::new(move |t| {
            let x = rate / k + (dose - rate / k) * (-k * t).exp();
            vec![x, dose + rate * t - x]
        }),
        modal: true,
    }
}

/// Two compartments that exchange unequally, one with loss (quadratic formula).
fn two_way_exchange() -> Model {
    let (k12, k21, k10) = (40.0, 3.0, 0.5);
    let sum: f64 = k12 + k21 + k10;
    let root = (sum * sum - 4.0 * k21 * k10).sqrt();
    let fast = 0.5 * (sum + root);
    let slow = k21 * k10 / fast;
    let dose = 10.0;
    Model {
        name: "two-way exchange with loss",
        a: DMatrix::from_row_slice(2, 2, &[-(k12 + k10), k21, k12, -k21]),
        x0: vec![dose, 0.0],
        b: vec![0.0, 0.0],
        exact: Box::new(move |t| {
            let (ef, es) = ((-fast * t).exp(), (-slow * t).exp());
            let central = dose * ((fast - k21) * ef + (k21 - slow) * es) / (fast - slow);
            vec![central, dose * k12 / (fast - slow) * (es - ef)]
        }),
        modal: true,
    }
}

/// Bateman's chain of three.
fn chain_of_distinct_rates() -> Model {
    let k = [2.0, 0.7, 0.1];
    let mut a = DMatrix::zeros(3, 3);
    for i in 0..3 {
        a[(i, i)] = -k[i];
        if i > 0 {
            a[(i, i - 1)] = k[i - 1];
        }
    }
    Model {
        name: "chain of distinct rates",
        a,
        x0: vec![1.0, 0.0, 0.0],
        b: vec![0.0; 3],
        exact: Box::new(move |t| {
            (0..3)
                .map(|n| {
                    let gain: f64 = k[..n].iter().product();
                    let term = |i: usize| {
                        let others = (0..=n).filter(|j| *j != i).map(|j| k[j] - k[i]);
                        (-k[i] * t).exp() / others.product::<f64>()
                    };
                    gain * (0..=n).map(term).sum::<f64>()
                })
                .collect()
        }),
        modal: true,
    }
}

/// An Erlang chain of five equal stages and its sink: Poisson probabilities.
fn chain_of_equal_rates() -> Model {
    let (k, n) = (1.7, 5);
    let mut a = DMatrix::zeros(n + 1, n + 1);
    for i in 0..n {
        a[(i, i)] = -k;
        a[(i + 1, i)] = k;
    }
    let mut x0 = vec![0.0; n + 1];
    x0[0] = 8.0;
    Model {
        name: "chain of equal rates",
        a,
        x0,
        b: vec![0.0; n + 1],
        exact: Box::new(move |t| {
            let mut p = 8.0 * (-k * t).exp();
            let mut x = Vec::new();
            for i in 0..n {
                x.push(p);
                p *= k * t / (i + 1) as f64;
            }
            // The sink as the tail of the Poisson series, which does not cancel.
            let mut tail = 0.0;
            for i in n..n + 400 {
                tail += p;
                p *= k * t / (i + 1) as f64;
            }
            x.push(tail);
            x
        }),
        modal: true,
    }
}

/// Rates 1e-9 apart: neither one mode nor two. Closed form by expm1.
fn chain_of_nearly_equal_rates() -> Model {
    let (k, d) = (1.0, 1e-9);
    Model {
        name: "chain of nearly equal rates",
        a: DMatrix::from_row_slice(2, 2, &[-k, 0.0, k, -(k + d)]),
        x0: vec![1.0, 0.0],
        b: vec![0.0, 0.0],
        exact: Box::new(move |t| {
            let e = (-k * t).exp();
            vec![e, -k * e * (-d * t).exp_m1() / d]
        }),
        modal: false,
    }
}

/// A hub that exchanges with 12 equal leaves: the leaves together are one
/// compartment, and 11 rates coincide.
fn star_of_equal_leaves() -> Model {
    let (leaves, out, back) = (12, 0.4, 1.5);
    let n = leaves + 1;
    let mut a = DMatrix::zeros(n, n);
    a[(0, 0)] = -(out * leaves as f64);
    for i in 1..n {
        a[(i, 0)] = out;
        a[(0, i)] = back;
        a[(i, i)] = -back;
    }
    let mut x0 = vec![0.0; n];
    x0[0] = 6.0;
    x0[1] = 1.0;
    x0[2] = -1.0;
    let all_out = out * leaves as f64;
    Model {
        name: "star of equal leaves",
        a,
        x0,
        b: vec![0.0; n],
        exact: Box::new(move |t| {
            let rest = 6.0 * back / (all_out + back);
            let hub = rest + (6.0 - rest) * (-(all_out + back) * t).exp();
            let mut x = vec![(6.0 - hub) / leaves as f64; leaves + 1];
            x[0] = hub;
            let odd = (-back * t).exp();
            x[1] += odd;
            x[2] -= odd;
            x
        }),
        modal: true,
    }
}

/// A one-way ring of three has complex rates.
fn one_way_ring() -> Model {
    let k = 1.1;
    Model {
        name: "one-way ring",
        a: DMatrix::from_row_slice(3, 3, &[-k, 0.0, k, k, -k, 0.0, 0.0, k, -k]),
        x0: vec![3.0, 0.0, 0.0],
        b: vec![0.0; 3],
        exact: Box::new(move |t| {
            let w = 3.0f64.sqrt() / 2.0 * k * t;
            let e = 2.0 * (-1.5 * k * t).exp();
            let third = std::f64::consts::TAU / 3.0;
            (0..3).map(|i| 1.0 + e * (w - third * f64::from(i)).cos()).collect()
        }),
        modal: false,
    }
}

/// Decay, infusion, and the area of each: repeated zero rates that feed each other.
fn area_under_a_decay() -> Model {
    let (k, rate) = (0.8, 2.0);
    let mut a = DMatrix::zeros(3, 3);
    a[(0, 0)] = -k;
    a[(1, 0)] = k; // sink
    a[(2, 1)] = 1.0; // area under the sink
    Model {
        name: "area under a sink",
        a,
        x0: vec![4.0, 1.0, 0.0],
        b: vec![rate, 0.0, 0.0],
        exact: Box::new(move |t| {
            let d = 4.0 - rate / k;
            let fall = -(-k * t).exp_m1();
            let x = rate / k + d * (1.0 - fall);
            let sink = 1.0 + rate * t + d * fall;
            let area = t + 0.5 * rate * t * t + d * (t - fall / k);
            vec![x, sink, area]
        }),
        modal: true,
    }
}

/// Indices into the synthetic neuraxis.
pub struct Neuraxis {
    pub a: DMatrix<f64>,
    pub csf: std::ops::Range<usize>,
    pub tissue: std::ops::Range<usize>,
    pub blood: usize,
    pub oral: std::ops::Range<usize>,
    pub depots: std::ops::Range<usize>,
    pub effect: std::ops::Range<usize>,
    pub sink: usize,
}

/// 75 states with the structure, not the numbers, of the product: 28 CSF nodes in a
/// row, 27 tissues, blood and periphery, 5 equal oral stages, 3 depots, 8 effect
/// sites, a sink. `mixing` is the exchange between neighbours [1/h], `star` the
/// return from blood into each CSF node [1/h].
pub fn neuraxis(mixing: f64, star: f64) -> Neuraxis {
    let n = 75;
    let mut a = DMatrix::<f64>::zeros(n, n);
    let mut flow = |from: usize, to: usize, rate: f64| {
        a[(to, from)] += rate;
        a[(from, from)] -= rate;
    };
    let (blood, periphery, sink) = (55, 56, 74);
    for i in 0..27 {
        let x = i as f64;
        let narrow = 1.0 + 0.4 * (0.7 * x).sin();
        // Two-way exchange of unequal volumes, plus bulk flow one way.
        flow(i, i + 1, mixing * narrow + 2.0);
        flow(i + 1, i, mixing * narrow * (1.1 + 0.3 * (0.3 * x).cos()));
        flow(i, 28 + i, 0.9 + 0.02 * x);
        flow(28 + i, i, 0.35 + 0.01 * x);
    }
    for i in 0..28 {
        flow(i, blood, 0.25 + 0.1 * (0.5 * i as f64).sin());
        flow(blood, i, star * (1.0 + 0.2 * (i as f64).cos()));
    }
    flow(blood, periphery, 0.8);
    flow(periphery, blood, 0.5);
    flow(blood, sink, 0.25);
    for i in 57..62 {
        flow(i, if i == 61 { blood } else { i + 1 }, 2.5);
    }
    flow(62, 3, 0.02);
    flow(63, blood, 0.05);
    flow(64, 5, 0.3);
    flow(64, blood, 0.1);
    // An effect site follows its tissue without taking drug from it.
    for (i, site) in (66..74).enumerate() {
        let rate = 0.12 + 0.01 * i as f64;
        a[(site, 28 + 3 * i)] += rate;
        a[(site, site)] -= rate;
    }
    // A spare depot that empties slowly into the blood.
    a[(blood, 65)] += 0.003;
    a[(65, 65)] -= 0.003;
    Neuraxis {
        a,
        csf: 0..28,
        tissue: 28..55,
        blood,
        oral: 57..62,
        depots: 62..66,
        effect: 66..74,
        sink,
    }
}
