//! The kinetic figures the defaults must reproduce, simulated beside published.

use crate::response_driver::{at, csf};
use itbsim::kinetics::{Body, Kinetics, Reading, Site};
use itbsim::numerics::Scratch;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::model::Population;
use itbsim::signals::Level;

fn adult() -> Kinetics {
    Kinetics::new(Body::default(), &ParameterSet::default()).unwrap()
}

fn lumbar(r: &Reading) -> f64 {
    r.csf[Level::L3.index()]
}

/// Readings from 0 to `end` [h] every `step` [h].
fn course(k: &Kinetics, end: f64, step: f64) -> Vec<(f64, Reading)> {
    let mut scratch = Scratch::default();
    let n = (end / step).round() as usize;
    (0..=n)
        .map(|i| i as f64 * step)
        .map(|t| (t, k.reading(at(t), &mut scratch).unwrap()))
        .collect()
}

/// Half-life [h] by regression of the logarithm.
fn half_life(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1.ln() / n));
    let (sxy, sxx) = points.iter().fold((0.0, 0.0), |(xy, xx), p| {
        (xy + (p.0 - mx) * (p.1.ln() - my), xx + (p.0 - mx) * (p.0 - mx))
    });
    -std::f64::consts::LN_2 / (sxy / sxx)
}

fn on_infusion(level: Level, dose_per_day: f64) -> Reading {
    let mut k = adult();
    k.settle(at(0.0), &[(csf(level), dose_per_day / 24.0)]).unwrap();
    k.reading(at(0.0), &mut Scratch::default()).unwrap()
}

fn says(what: &str, published: &str, simulated: f64) {
    println!("{what:55} published {published:24} simulated {simulated:.3}");
}

#[test]
fn t01_half_life_in_fluid_after_a_lumbar_bolus() {
    for dose in [50.0, 100.0] {
        let mut k = adult();
        k.add(at(0.0), csf(Level::L3), dose).unwrap();
        let points: Vec<_> = course(&k, 4.0, 0.1)
            .iter()
            .filter(|p| p.0 >= 0.5)
            .map(|(t, r)| (*t, lumbar(r)))
            .collect();
        let t = half_life(&points);
        says("1 half-life in lumbar fluid, 0.5-4 h [h]", "1.5 (0.9-5)", t);
        assert!((1.3..=1.8).contains(&t), "{t}");
    }
}

#[test]
fn t02_apparent_clearance_of_bolus_and_infusion() {
    let mut k = adult();
    k.add(at(0.0), csf(Level::L3), 50.0).unwrap();
    let step = 0.02;
    let area: f64 = course(&k, 72.0, step)
        .windows(2)
        .map(|w| 0.5 * step * (lumbar(&w[0].1) + lumbar(&w[1].1)))
        .sum();
    let bolus = 50.0 / area;
    let infusion = 400.0 / 24.0 / lumbar(&on_infusion(Level::L2, 400.0));
    says("2 clearance, bolus at L3 [mL/h]", "30 (13-80)", bolus);
    says("2 clearance, infusion at L2 [mL/h]", "30 (13-80)", infusion);
    assert!((13.0..=80.0).contains(&bolus), "{bolus}");
    assert!((25.0..=36.0).contains(&infusion), "{infusion}");
}

#[test]
fn t03_lumbar_to_cisternal_ratio() {
    let r = on_infusion(Level::L2, 400.0);
    let ratio = lumbar(&r) / r.cisternal;
    says("3 lumbar : cisternal", "4", ratio);
    assert!((3.5..=4.6).contains(&ratio), "{ratio}");
}

#[test]
fn t04_lumbar_concentration_over_the_dose_range() {
    // Read pair by pair, 130 ng/mL at 50 and 1240 at 1200 ug/day mean clearances of 16 and 40 mL/h, and no
    // linear model has both. Held to: the middle of the dose range gives the middle of the level range, the ends
    // lie within a factor of two.
    for (dose, published, factor) in [(50.0, 130.0, 2.0), (245.0, 401.0, 1.5), (1200.0, 1240.0, 2.0)] {
        let level = 1000.0 * lumbar(&on_infusion(Level::L2, dose));
        says(
            &format!("4 lumbar fluid at {dose} ug/day [ng/mL]"),
            &format!("{published}"),
            level,
        );
        assert!(
            level < published * factor && level > published / factor,
            "{dose}: {level}"
        );
    }
}

#[test]
fn t05_fluid_settles_within_two_days() {
    let mut k = adult();
    k.set_input(at(0.0), csf(Level::L2), 400.0 / 24.0).unwrap();
    let points = course(&k, 48.0, 0.25);
    let end = lumbar(&on_infusion(Level::L2, 400.0));
    let settled = points.iter().find(|p| lumbar(&p.1) > 0.99 * end).unwrap().0;
    says("5 lumbar fluid at 99 % of steady state [h]", "24-48", settled);
    // The published 1.5 h half-life and the published 1-2 days cannot both be exact; sooner is accepted.
    assert!((8.0..=48.0).contains(&settled), "{settled}");
}

#[test]
fn t06_plasma_stays_near_5_ng_per_ml() {
    let plasma = |dose: f64| 1000.0 * on_infusion(Level::T10, dose).plasma;
    says("6 plasma at 600 ug/day [ng/mL]", "<= 5", plasma(600.0));
    says("6 plasma at 900 ug/day [ng/mL]", "<= 5", plasma(900.0));
    assert!(plasma(600.0) > 1.0 && plasma(900.0) <= 5.0);
    // A child of 25 kg on 274 ug/day: "near or below 10".
    let body = Body {
        population: Population::Child,
        weight: 25.0,
        ..Body::default()
    };
    let mut k = Kinetics::new(body, &ParameterSet::default()).unwrap();
    k.settle(at(0.0), &[(csf(Level::T10), 274.0 / 24.0)]).unwrap();
    let child = 1000.0 * k.reading(at(0.0), &mut Scratch::default()).unwrap().plasma;
    says("6 plasma, child of 25 kg at 274 ug/day [ng/mL]", "near or < 10", child);
    assert!(child > 0.5 && child < 10.0, "{child}");
}

#[test]
fn t12_oral_half_life_clearance_availability_and_ratio() {
    let mut k = adult();
    k.add(at(0.0), Site::Oral, 20_000.0).unwrap();
    let points = course(&k, 240.0, 0.05);
    let late: Vec<_> = points
        .iter()
        .filter(|p| (8.0..=24.0).contains(&p.0))
        .map(|(t, r)| (*t, r.plasma))
        .collect();
    let t_half = half_life(&late);
    let peak = points.iter().max_by(|a, b| a.1.plasma.total_cmp(&b.1.plasma)).unwrap();
    let area: f64 = points.windows(2).map(|w| 0.025 * (w[0].1.plasma + w[1].1.plasma)).sum();
    let clearance = 20_000.0 / area / 60.0;
    let x = k.amounts(at(1000.0)).unwrap();
    let absorbed = 1.0 - x[itbsim::kinetics::Layout::UNABSORBED] / 20_000.0;
    says("12 oral half-life [h]", "4-7", t_half);
    says("12 oral tmax [h]", "1.9 +/- 0.7", peak.0);
    says("12 CL/F [mL/min]", "175-180", clearance);
    says("12 absorbed [1]", "0.74", absorbed);
    assert!((4.0..=7.0).contains(&t_half), "{t_half}");
    assert!((1.2..=2.6).contains(&peak.0), "{}", peak.0);
    assert!((175.0..=182.0).contains(&clearance), "{clearance}");
    assert!((absorbed - 0.74).abs() < 1e-9);

    let mut k = adult();
    k.settle(at(0.0), &[(Site::Oral, 5000.0)]).unwrap();
    let r = k.reading(at(0.0), &mut Scratch::default()).unwrap();
    says("12 lumbar fluid over plasma [1]", "0.12", lumbar(&r) / r.plasma);
    assert!(
        (lumbar(&r) / r.plasma - 0.12).abs() < 0.003,
        "{}",
        lumbar(&r) / r.plasma
    );
}

#[test]
fn t13_oral_120_mg_a_day_stands_for_20_to_40_ug_a_day_into_the_spine() {
    let mut k = adult();
    k.settle(at(0.0), &[(Site::Oral, 120_000.0 / 24.0)]).unwrap();
    let oral = lumbar(&k.reading(at(0.0), &mut Scratch::default()).unwrap());
    let per_dose = lumbar(&on_infusion(Level::L2, 100.0)) / 100.0;
    says("13 lumbar fluid on oral 120 mg/day [ng/mL]", "55", 1000.0 * oral);
    says("13 the same by pump [ug/day]", "20-40", oral / per_dose);
    assert!((20.0..=42.0).contains(&(oral / per_dose)), "{}", oral / per_dose);
}

#[test]
fn cord_gives_drug_back_as_fluid_falls() {
    let mut k = adult();
    k.settle(at(0.0), &[(csf(Level::L2), 10.0)]).unwrap();
    k.set_inputs(at(0.0), &[]).unwrap();
    let mut scratch = Scratch::default();
    let volumes = k.volumes().clone();
    let i = Level::L2.index();
    let tissue = |k: &Kinetics, t: f64| {
        k.amounts(at(t)).unwrap()[itbsim::kinetics::Layout::cord(Level::L2)] / volumes.canal.cord[i]
    };
    let fluid = |r: Reading| r.csf[i];
    let before = tissue(&k, 0.0) / fluid(k.reading(at(0.0), &mut scratch).unwrap());
    let after = tissue(&k, 2.0) / fluid(k.reading(at(2.0), &mut scratch).unwrap());
    assert!((before - 0.8).abs() < 1e-9, "partition at rest, {before}");
    assert!(after > 1.05 * before, "tissue lags behind falling fluid, {after}");
}

#[test]
fn weak_kidneys_slow_elimination_and_raise_plasma() {
    let plasma = |renal_function: f64| {
        let body = Body {
            renal_function,
            ..Body::default()
        };
        let mut k = Kinetics::new(body, &ParameterSet::default()).unwrap();
        k.settle(at(0.0), &[(Site::Oral, 1000.0)]).unwrap();
        k.reading(at(0.0), &mut Scratch::default()).unwrap().plasma
    };
    // Renal share 0.65: without kidneys 0.35 of the clearance is left.
    assert!((plasma(0.0) / plasma(1.0) - 1.0 / 0.35).abs() < 1e-6);
}

#[test]
fn a_subdural_depot_does_little_until_contrast_flushes_it() {
    let mut k = adult();
    let subdural = Site::Stream(itbsim::signals::Destination::Subdural);
    k.set_input(at(0.0), subdural, 400.0 / 24.0).unwrap();
    let mut scratch = Scratch::default();
    let month = k.reading(at(720.0), &mut scratch).unwrap();
    assert!(lumbar(&month) < 0.15 * lumbar(&on_infusion(Level::T10, 400.0)));
    let flushed = k.flush_depot(at(720.0), 0.8, Level::T10).unwrap();
    assert!(flushed > 1000.0, "stored {flushed} ug");
    assert!(lumbar(&k.reading(at(722.0), &mut scratch).unwrap()) > 10.0 * lumbar(&month));
}

#[test]
fn drawing_fluid_removes_drug_and_books_it() {
    let mut k = adult();
    k.add(at(0.0), csf(Level::L3), 10_000.0).unwrap();
    let drain = Some(itbsim::kinetics::Outflow {
        level: Level::L3,
        rate: 80.0,
    });
    k.set_flows(
        at(1.0),
        itbsim::kinetics::Flows {
            drain,
            ..Default::default()
        },
    )
    .unwrap();
    k.set_flows(at(1.5), Default::default()).unwrap();
    let lost = k.amounts(at(1.5)).unwrap()[itbsim::kinetics::Layout::LOST];
    // 40 mL of lumbar fluid at some 50 ug/mL.
    assert!(lost > 1000.0 && lost < 5000.0, "{lost}");
}
