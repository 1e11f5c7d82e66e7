//! `itbsim system`: whoever has the JSON alone gets the kinetics of the run again.

use crate::cli_common::{Desk, QUIET, stdout, table};
use nalgebra::{DMatrix, DVector};
use serde_json::Value;

/// A bolus by needle, a bolus by the pump, a new dose, a drain, a new posture.
const BUSY: &str = r#"
[[programme]]
id = "extra"
at = "3 h"
single_bolus = { dose = "20 ug", over = "10 min" }
[[programme]]
id = "more"
at = "8.3 h"
simple_continuous = "450 ug/day"
[[action]]
id = "needle"
at = "5 h"
lumbar_bolus = { dose = "30 ug", level = "L3", over = "2 min" }
[[action]]
id = "drain"
at = "12.5 h"
drain_csf = { volume = "30 mL", over = "40 min" }
"#;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// `x' = A x + b` for a time, through the exponential of the matrix with `b` as one more column.
fn forward(a: &DMatrix<f64>, b: &[f64], x: &DVector<f64>, hours: f64) -> DVector<f64> {
    let n = x.len();
    let mut whole = DMatrix::zeros(n + 1, n + 1);
    whole.view_mut((0, 0), (n, n)).copy_from(a);
    for (i, value) in b.iter().enumerate() {
        whole[(i, n)] = *value;
    }
    let step = (whole * hours).exp();
    let mut long = x.clone().insert_row(n, 1.0);
    long = step * long;
    long.remove_row(n)
}

#[test]
fn the_concentrations_of_a_run_follow_from_its_system_alone() {
    let desk = Desk::new();
    let day = QUIET.replace("\"2 d\"", "\"18 h\"").replace("\"1 h\"", "\"90 min\"");
    desk.write("s.toml", &[&day, BUSY]);
    desk.run(&["run", "s.toml", "--out", "o", "--no-plots"]).code(0);
    let system: Value = serde_json::from_str(&stdout(&desk.run(&["system", "s.toml"]).code(0))).unwrap();

    let states = system["states"].as_array().unwrap().len();
    let mut x = DVector::from_vec(numbers(&system["x0"]));
    assert_eq!(x.len(), states);
    let segments = system["segments"].as_array().unwrap();
    assert!(
        segments.len() >= 6,
        "boluses, a programme and a drain make segments: {}",
        segments.len()
    );
    assert!(
        segments.iter().filter(|s| s.get("A").is_some()).count() >= 2,
        "the drain changes the matrix"
    );
    assert!(
        segments.iter().any(|s| s.get("A").is_none()),
        "an unchanged matrix is left out"
    );

    let (header, rows) = table(&desk.read("o/timeseries.csv"));
    let outputs: Vec<(usize, DVector<f64>)> = system["outputs"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.starts_with("csf_") || name.starts_with("plasma"))
        .map(|(name, weights)| {
            let column = header
                .iter()
                .position(|c| c == name)
                .unwrap_or_else(|| panic!("no column {name}"));
            (column, DVector::from_vec(numbers(weights)))
        })
        .collect();
    assert!(outputs.len() >= 28, "26 levels, cisterns and plasma: {}", outputs.len());

    let mut a = DMatrix::zeros(states, states);
    let mut found: Vec<Vec<f64>> = Vec::new();
    let times: Vec<f64> = rows.iter().map(|r| r[0].parse().unwrap()).collect();
    let mut end = 0.0;
    for (k, segment) in segments.iter().enumerate() {
        let (t0, t1) = (segment["t0_h"].as_f64().unwrap(), segment["t1_h"].as_f64().unwrap());
        assert_eq!(t0, end, "segments leave no gap");
        if let Some(matrix) = segment.get("A") {
            let cells: Vec<f64> = matrix.as_array().unwrap().iter().flat_map(numbers).collect();
            a = DMatrix::from_row_slice(states, states, &cells);
        }
        let b = numbers(&segment["b"]);
        if let Some(jump) = segment.get("jump") {
            x += DVector::from_vec(numbers(jump));
        }
        let mut now = t0;
        let last = k + 1 == segments.len();
        for &t in times.iter().filter(|&&t| t >= t0 && (t < t1 || (last && t == t1))) {
            if t > now {
                x = forward(&a, &b, &x, t - now);
                now = t;
            }
            found.push(outputs.iter().map(|(_, w)| w.dot(&x)).collect());
        }
        if t1 > now {
            x = forward(&a, &b, &x, t1 - now);
        }
        end = t1;
    }
    assert_eq!(end, 18.0);
    assert_eq!(found.len(), rows.len());

    for (i, (column, _)) in outputs.iter().enumerate() {
        let told: Vec<f64> = rows.iter().map(|r| r[*column].parse().unwrap()).collect();
        let peak = told.iter().copied().fold(0.0, f64::max);
        assert!(peak > 0.0, "{} stays zero", header[*column]);
        for (k, value) in told.iter().enumerate() {
            let error = (value - found[k][i]).abs() / peak;
            assert!(
                error < 1e-8,
                "{} at {} h: {value} and {} ({error:e})",
                header[*column],
                times[k],
                found[k][i]
            );
        }
    }
}

#[test]
fn the_system_of_an_arm_is_that_arm() {
    let desk = Desk::new();
    let arms = "[[arm]]\nid = \"as-is\"\n[[arm]]\nid = \"dry\"\nwithout = [\"needle\"]\n";
    desk.write("s.toml", &[&QUIET.replace("2 d", "14 h"), BUSY, arms]);
    let system = |words: &[&str]| -> Value {
        serde_json::from_str(&stdout(&desk.run(&[&["system", "s.toml"], words].concat()).code(0))).unwrap()
    };
    let (first, named, other) = (system(&[]), system(&["--arm", "as-is"]), system(&["--arm", "dry"]));
    assert_eq!(first, named, "without a name it is the first arm");
    assert!(other["segments"].as_array().unwrap().len() < first["segments"].as_array().unwrap().len());
}
