//! Dose records and a control stream in the form of NONMEM.
//!
//! A stretch of constant delivery is one infusion record with `AMT = RATE x duration`,
//! a dose at once is a bolus record. Compartments are numbered like the states of
//! `itbsim system`, from 1; only baclofen is written, not the effect sites and not the
//! rescue drugs. What was in the body at the start is a bolus at time zero.
//!
//! A column `MATRIX` is added where transfers change during the run (posture, drain,
//! leak). NONMEM applies what `$PK` computed at a record to the stretch that *ends*
//! there, so each record names the matrix of the stretch before it.

use std::fmt::Write;

use nalgebra::DMatrix;

use crate::simulation::SystemTrace;

use super::network::Network;
use super::{About, ExportError, decimal, is_amount};

/// Share of all drug at the start below which an amount is what rounding left of nothing.
const ROUNDING: f64 = 1e-12;

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Record {
    time: f64,
    amount: f64,
    rate: f64,
    state: usize,
    /// 1 for a dose, 2 for a marker of time.
    evid: u8,
}

/// The matrices of a run without repeats, and where each begins: (start \[h\], number).
struct Matrices<'a> {
    distinct: Vec<&'a DMatrix<f64>>,
    begins: Vec<(f64, usize)>,
}

impl<'a> Matrices<'a> {
    fn new(trace: &'a SystemTrace) -> Self {
        let mut all = Matrices {
            distinct: Vec::new(),
            begins: Vec::new(),
        };
        for segment in &trace.segments {
            let Some(a) = &segment.a else { continue };
            let known = all.distinct.iter().position(|d| *d == a);
            let number = known.unwrap_or(all.distinct.len());
            if known.is_none() {
                all.distinct.push(a);
            }
            all.begins.push((segment.t0_h, number));
        }
        all
    }

    /// Number of the matrix in force just before an instant, from 1.
    fn before(&self, time: f64) -> usize {
        let earlier = self.begins.iter().take_while(|(t, _)| *t < time).last();
        1 + earlier.or(self.begins.first()).map_or(0, |(_, n)| *n)
    }
}

/// The doses of a run as a table with header, values separated by commas.
///
/// # Errors
/// [`ExportError`] if the record is empty or is not made of transfers.
pub fn table(trace: &SystemTrace) -> Result<String, ExportError> {
    let network = Network::new(trace)?;
    let matrices = Matrices::new(trace);
    let with_matrix = matrices.distinct.len() > 1;
    let mut text = String::from("ID,TIME,AMT,RATE,CMT,EVID,MDV");
    text.push_str(if with_matrix { ",MATRIX\n" } else { "\n" });
    for r in records(trace, &network, &matrices) {
        // Writing into a String cannot fail.
        let _ = write!(
            text,
            "1,{},{},{},{},{},1",
            decimal(r.time),
            decimal(r.amount),
            decimal(r.rate),
            r.state + 1,
            r.evid
        );
        if with_matrix {
            let _ = write!(text, ",{}", matrices.before(r.time));
        }
        text.push('\n');
    }
    Ok(text)
}

/// All records in order of time.
fn records(trace: &SystemTrace, network: &Network, matrices: &Matrices<'_>) -> Vec<Record> {
    let bolus = |time: f64, state: usize, amount: f64| Record {
        time,
        amount,
        rate: 0.0,
        state,
        evid: 1,
    };
    let marker = |time: f64| Record {
        time,
        amount: 0.0,
        rate: 0.0,
        state: 0,
        evid: 2,
    };
    let mut all = Vec::new();
    let start = network.start.iter().copied().enumerate();
    let start: Vec<(usize, f64)> = start.filter(|(state, _)| is_amount(trace, *state)).collect();
    let total: f64 = start.iter().map(|(_, amount)| amount).sum();
    for (state, amount) in start {
        // A steady state that is nothing comes out as nothing or less by rounding.
        if amount > ROUNDING * total {
            all.push(bolus(0.0, state, amount));
        }
    }
    // An infusion runs from one change of its own rate to the next.
    for (&state, &first) in network.inputs.iter().filter(|(i, _)| is_amount(trace, **i)) {
        let mut steps = vec![(0.0, first)];
        for change in &network.changes {
            let own = change.inputs.iter().filter(|(i, _)| *i == state);
            steps.extend(own.map(|(_, rate)| (change.time_h, *rate)));
        }
        for (k, (time, rate)) in steps.iter().enumerate() {
            let until = steps.get(k + 1).map_or(network.end_h, |next| next.0);
            let amount = rate * (until - time);
            if amount > 0.0 {
                all.push(Record {
                    time: *time,
                    amount,
                    rate: *rate,
                    state,
                    evid: 1,
                });
            }
        }
    }
    for change in &network.changes {
        for (state, amount) in change.jumps.iter().filter(|(i, _)| is_amount(trace, *i)) {
            all.push(bolus(change.time_h, *state, *amount));
        }
    }
    let later = matrices.begins.iter().skip(1);
    all.extend(later.map(|(time, _)| marker(*time)));
    all.push(marker(network.end_h));
    // A marker closes the stretch before it, doses open the one after; the sort is stable.
    all.sort_by(|a, b| a.time.total_cmp(&b.time).then(b.evid.cmp(&a.evid)));
    all
}

/// A control stream of the general linear model (ADVAN5) that goes with [`table`],
/// which it expects in the file `data`.
///
/// It fixes everything and simulates, as a start for somebody's own work. NONMEM is
/// proprietary and not run by our tests; an interpreter of the same two files is.
///
/// # Errors
/// [`ExportError`] if the record is empty or is not made of transfers.
pub fn control(trace: &SystemTrace, about: &About, data: &str) -> Result<String, ExportError> {
    let network = Network::new(trace)?;
    let matrices = Matrices::new(trace);
    let amounts: Vec<usize> = (0..trace.states.len()).filter(|&i| is_amount(trace, i)).collect();
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(words);
        text.push('\n');
    };
    for words in about.lines() {
        line(&format!("; {}", words));
    }
    line("; Amounts in ug, time in h. A negative AMT is drug that was taken out at once.");
    line("$SIZES PC=100 PD=-100");
    line(&format!("$PROBLEM {}", about.scenario));
    let changing = matrices.distinct.len() > 1;
    let more = if changing { " MATRIX" } else { "" };
    line(&format!("$INPUT ID TIME AMT RATE CMT EVID MDV{more}"));
    line(&format!("$DATA {data} IGNORE=@"));
    line("$SUBROUTINES ADVAN5 TRANS1");
    line("$MODEL");
    for &i in &amounts {
        line(&format!("  COMP=({}) ; {}", trace.states[i].to_uppercase(), i + 1));
    }
    line("$PK");
    let constant = |(to, from): (usize, usize), value: f64| format!("K{}T{} = {}", from + 1, to + 1, decimal(value));
    for (&entry, &value) in &network.transfers {
        let names = format!("{} to {}", trace.states[entry.1], trace.states[entry.0]);
        line(&format!("  {} ; {names}", constant(entry, value)));
    }
    for (number, a) in matrices.distinct.iter().enumerate().skip(1) {
        line(&format!("  IF (MATRIX.EQ.{}) THEN", number + 1));
        for &entry in network.moving.iter().filter(|e| network.transfers.contains_key(e)) {
            if a[entry] != network.transfers[&entry] {
                line(&format!("    {}", constant(entry, a[entry])));
            }
        }
        line("  ENDIF");
    }
    line("$ERROR");
    for &i in &amounts {
        if let Some(volume) = trace.volumes[i] {
            let name = trace.states[i].to_uppercase();
            line(&format!(
                "  C{} = 1000*A({})/{} ; {name}, ng/mL",
                i + 1,
                i + 1,
                decimal(volume)
            ));
        }
    }
    line("  Y = A(1) + EPS(1)");
    line("$THETA 1 FIX ; nothing is estimated");
    line("$OMEGA 0 FIX");
    line("$SIGMA 0 FIX");
    line("$SIMULATION (1) ONLYSIMULATION");
    Ok(text)
}
