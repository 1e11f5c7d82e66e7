//! A made-up run with the shape of a real one: established therapy, a catheter
//! that leaks from day 30, withdrawal, a revision, recovery.
#![allow(dead_code)] // each test binary uses its own part

use itbsim::report::{EventRow, ExpectationRow, Marker, MarkerKind, Meta, RunData, SymptomRow, Table, column};
use itbsim::signals::Level;

/// Start of the fault [h].
pub const FAULT: f64 = 30.0 * 24.0;
/// Revision [h].
pub const REPAIR: f64 = 34.5 * 24.0;

fn step(t: f64, at: f64, rate: f64) -> f64 {
    if t < at { 0.0 } else { 1.0 - (-(t - at) * rate).exp() }
}

fn lost(t: f64) -> f64 {
    // Share of drug that no longer arrives.
    step(t, FAULT + 0.01, 0.08) * (if t < REPAIR { 1.0 } else { (-(t - REPAIR) * 0.25).exp() })
}

fn marker(time_h: f64, end_h: Option<f64>, label: &str, kind: MarkerKind) -> Marker {
    Marker {
        time_h,
        end_h,
        label: label.to_owned(),
        kind,
    }
}

fn symptom(name: &str, words: &str, onset: f64, resolved: Option<f64>) -> SymptomRow {
    SymptomRow {
        symptom: name.to_owned(),
        words: words.to_owned(),
        syndrome: "withdrawal".to_owned(),
        onset_h: onset,
        resolved_h: resolved,
        severity: "moderate".to_owned(),
        caused_by: Some(2),
    }
}

/// Columns and rows on a grid; a jump is doubled when `limits` is set.
fn table(hours: f64, every: f64, limits: bool) -> Table {
    let mut columns = vec![column::TIME.to_owned()];
    columns.extend(Level::ALL.map(column::csf));
    for name in [
        column::CISTERNAL,
        column::PLASMA,
        column::PROGRAMMED,
        column::DELIVERED,
        column::ASHWORTH_LEGS,
        column::ASHWORTH_ARMS,
        column::SPASM_SCORE,
        column::WITHDRAWAL,
        column::SEDATION,
        column::HEART_RATE,
        column::BLOOD_PRESSURE,
        column::TEMPERATURE,
        column::RESPIRATORY_RATE,
        column::GCS,
    ] {
        columns.push(name.to_owned());
    }
    let row = |t: f64, after: bool| -> Vec<f64> {
        let l = lost(t);
        let have = 1.0 - 0.999 * l;
        let mut row = vec![t];
        for level in Level::ALL {
            let distance = (level.index() as f64 - 9.0).abs();
            row.push(420.0 * (-distance / 9.0).exp() * have * (1.0 + 0.03 * (t / 3.0).sin()));
        }
        let w = (l * 0.9 - 0.05).clamp(0.0, 1.0) * (1.0 - step(t, REPAIR, 0.15));
        let delivered = if t > FAULT || (t == FAULT && after) {
            if t > REPAIR || (t == REPAIR && after) {
                300.0
            } else {
                18.0
            }
        } else {
            300.0
        };
        row.extend([
            40.0 * have,
            1.2 * have,
            300.0,
            delivered,
            1.2 + 2.5 * l,
            0.6 + 1.4 * l,
            0.4 + 3.1 * l,
            w,
            0.06 * have,
            72.0 + 55.0 * w,
            88.0 + 30.0 * w,
            36.8 + 3.1 * w,
            15.0 + 12.0 * w,
            15.0 - (3.0 * w).round(),
        ]);
        row
    };
    let mut rows = Vec::new();
    let n = (hours / every).round() as usize;
    for i in 0..=n {
        let t = every * i as f64;
        if limits && (t == FAULT || t == REPAIR) {
            rows.push(row(t, false));
        }
        rows.push(row(t, true));
    }
    Table { columns, rows }
}

/// The run of `days` days.
pub fn withdrawal(days: f64) -> RunData {
    let hours = days * 24.0;
    let mut markers = vec![
        marker(FAULT, Some(REPAIR), "leak at the connector", MarkerKind::Fault),
        marker(FAULT + 26.0, None, "raise dose 10 %", MarkerKind::Action),
        marker(FAULT + 50.0, None, "lumbar bolus 50 µg", MarkerKind::Action),
        marker(REPAIR, None, "catheter revised", MarkerKind::Action),
        marker(FAULT + 62.0, None, "dye study: extravasation", MarkerKind::Action),
        marker(FAULT + 70.0, None, "low reservoir", MarkerKind::Alarm),
        marker(hours, None, "alive at the end", MarkerKind::Outcome),
    ];
    let mut t = 26.0 * 24.0;
    while t < hours {
        markers.push(marker(t, None, "refill 18 mL", MarkerKind::Refill));
        t += 40.0 * 24.0;
    }
    let after = |h: f64| FAULT + h;
    let symptoms = vec![
        symptom("spasms_increased", "spasms increased", after(14.0), Some(REPAIR + 20.0)),
        symptom("itch", "itch without rash", after(19.5), Some(REPAIR + 9.0)),
        symptom("paraesthesia", "", after(21.0), Some(REPAIR + 11.0)),
        symptom("anxiety", "anxiety", after(25.0), Some(REPAIR + 15.0)),
        symptom("tachycardia", "tachycardia", after(31.0), Some(REPAIR + 8.0)),
        symptom("fever", "fever", after(40.0), Some(REPAIR + 6.0)),
        symptom(
            "autonomic_dysreflexia",
            "autonomic dysreflexia",
            after(47.0),
            Some(after(58.0)),
        ),
        symptom(
            "autonomic_dysreflexia",
            "autonomic dysreflexia",
            after(70.0),
            Some(after(76.0)),
        ),
        symptom("hallucinations", "hallucinations", after(52.0), Some(REPAIR + 2.0)),
        symptom("seizures", "seizures", after(71.0), Some(after(71.4))),
        SymptomRow {
            syndrome: "overdose".to_owned(),
            ..symptom("drowsiness", "drowsiness", REPAIR + 30.0, Some(REPAIR + 55.0))
        },
        SymptomRow {
            resolved_h: None,
            ..symptom("insomnia", "insomnia", after(33.0), None)
        },
    ];
    let event = |id: u64, t: f64, kind: &str, cause: Option<u64>| EventRow {
        event_id: id,
        time_h: t,
        phase: "fault".to_owned(),
        component: "catheter".to_owned(),
        kind: kind.to_owned(),
        detail: "bore 20 %, \"connector\"".to_owned(),
        caused_by: cause,
    };
    RunData {
        records: Vec::new(),
        belief: None,
        outcomes: None,
        meta: Meta {
            title: "Slow connector leak, raised dose, found at the second refill".to_owned(),
            scenario: "slow-connector-leak".to_owned(),
            arm: String::new(),
            version: "0.1.0".to_owned(),
            scenario_hash: "3f2a9c1d77e0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f80".to_owned(),
            seed: 42,
            replicate: 0,
            draw: None,
            fingerprint: "9f3c0a1b2c3d4e5f".to_owned(),
            outcome: "withdrawal, recovered after revision".to_owned(),
            ledger_residual: 3.2e-13,
            hazard: Some("H-12".to_owned()),
            sources: vec!["US label, Lioresal Intrathecal".to_owned()],
            duration_h: hours,
            files: Vec::new(),
        },
        table: table(hours, 1.0, false),
        trajectory: table(hours, 0.25, true),
        events: vec![
            event(1, 0.0, "programme", None),
            event(2, FAULT, "leak.start", None),
            event(3, after(14.0), "symptom.onset", Some(2)),
        ],
        symptoms,
        ledger: Table {
            columns: ["time_h", "filled_ug", "reservoir_ug", "delivered_ug", "residual"]
                .map(str::to_owned)
                .to_vec(),
            rows: vec![
                vec![0.0, 36000.0, 36000.0, 0.0, -0.0],
                vec![720.0, 36000.0, 27000.0, 9000.0, 1.5e-12],
            ],
        },
        markers,
        drug_ledgers: Vec::new(),
        expectations: vec![
            ExpectationRow {
                claim: "symptom.spasms_increased.onset".to_owned(),
                met: true,
                found: "14 h after the leak".to_owned(),
                window: "6 h to 48 h after the leak".to_owned(),
                source: "US label, Lioresal Intrathecal".to_owned(),
            },
            ExpectationRow {
                claim: "alarm.low_reservoir".to_owned(),
                met: false,
                found: "day 32.9".to_owned(),
                window: "never".to_owned(),
                source: String::new(),
            },
        ],
    }
}

/// The same story without the leak, as another arm.
pub fn undisturbed(days: f64) -> RunData {
    let mut run = withdrawal(days);
    run.meta.arm = "no-leak".to_owned();
    run.symptoms.clear();
    run.markers.retain(|m| m.kind == MarkerKind::Refill);
    for table in [&mut run.table, &mut run.trajectory] {
        let first = table.rows[0].clone();
        for row in &mut table.rows {
            row.splice(1.., first[1..].iter().copied());
        }
    }
    run
}

/// A screening trial of eight hours: a bolus, from nothing.
pub fn bolus() -> RunData {
    let mut run = withdrawal(0.0);
    run.meta.title = "Screening bolus of 50 µg".to_owned();
    run.meta.duration_h = 8.0;
    run.symptoms.clear();
    run.markers = vec![marker(1.0, None, "bolus 50 µg", MarkerKind::Action)];
    let columns = run.table.columns.clone();
    let first = run.table.rows[0].clone();
    let rows = (0..=96)
        .map(|i| {
            let t = f64::from(i) / 12.0;
            let s = (t - 1.0).max(0.0);
            let mut row = first.clone();
            row[0] = t;
            for v in &mut row[1..29] {
                *v *= 3.0 * s * (-0.6 * s).exp();
            }
            row[29] = 0.0;
            row[30] = 0.0;
            row[31] = 3.6 - 2.2 * (1.0 - (-0.4 * s).exp());
            row
        })
        .collect();
    run.table = Table { columns, rows };
    run.trajectory = Table::default();
    run
}
