//! Virtual patients: distributions against closed forms, independence of what else is drawn,
//! what a scenario does with them, mistakes, and the published spread.

use std::sync::Arc;

use crate::run_common::{MAINTENANCE, head, scenario, story, text};
use itbsim::kinetics::{Blood, Body};
use itbsim::numerics::correlated::normal_share;
use itbsim::parameters::{ParameterSet, named_set};
use itbsim::population::{Figures, Population, Setting, VirtualPatient, builtin, lines};
use itbsim::scenario::{load_str, population_from_str};
use itbsim::simulation::{Registry, RunOptions, simulate};
use rayon::prelude::*;

const DRAWS: u64 = 20_000;

fn population(text: &str) -> Population {
    match population_from_str("test.toml", text, builtin()) {
        Ok(spec) => Population::new(spec),
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn mistake(text: &str) -> String {
    population_from_str("test.toml", text, builtin())
        .unwrap_err()
        .to_string()
}

fn all(population: &Population, n: u64) -> Vec<VirtualPatient> {
    let cohort = population.cohort(3);
    (0..n).into_par_iter().map(|i| cohort.patient(i)).collect()
}

fn column(patients: &[VirtualPatient], key: &str) -> Vec<f64> {
    patients.iter().map(|p| p.value(key).unwrap()).collect()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn sd(x: &[f64]) -> f64 {
    let m = mean(x);
    (x.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / x.len() as f64).sqrt()
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    let cov: f64 = x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum();
    cov / (x.len() as f64 * sd(x) * sd(y))
}

/// Within four standard errors of a mean.
fn near(what: &str, simulated: f64, exact: f64, spread: f64) {
    let limit = 4.0 * spread / (DRAWS as f64).sqrt();
    assert!(
        (simulated - exact).abs() < limit,
        "{what}: {simulated} for {exact}, limit {limit}"
    );
}

/// Wide bounds, so that nothing is cut.
const SHAPES: &str = r#"
name = "shapes"
patient = "adult-spinal"
[distributions]
"population.age" = { shape = "normal", typical = "50 y", sd = "6 y", low = "20 y", high = "60 y", source = "test" }
"population.female" = { shape = "share", typical = 0.3, low = 0, high = 1, source = "test" }
"population.height" = { shape = "uniform", low = "150 cm", high = "190 cm", source = "test" }
"response.effect.ec50" = { typical = "0.15 ug/mL", sd_log = 0.2, source = "test" }
"response.effect.brain_ec50" = { typical = "0.07 ug/mL", cv = 0.2, source = "test" }
"kinetics.csf.spinal_absorption_share" = { shape = "logit-normal", typical = 0.25, sd_logit = 0.7, source = "test" }
"response.tolerance.onset_time" = { sd_log = 0, source = "test" }
[[correlation]]
of = ["response.effect.ec50", "response.effect.brain_ec50"]
r = 0.6
[[correlation]]
of = ["response.effect.ec50", "population.age"]
r = -0.4
[[origin]]
name = "injury"
share = 3
injury = { T4 = 1, T10 = 3 }
[[origin]]
name = "other"
share = 1
"#;

#[test]
fn moments_are_those_of_the_closed_forms() {
    let patients = all(&population(SHAPES), DRAWS);
    let ln = |key: &str| -> Vec<f64> { column(&patients, key).iter().map(|x| x.ln()).collect() };
    let standard_error_of_sd = |s: f64| s / 2f64.sqrt();

    let ec50 = ln("response.effect.ec50");
    near("log-normal, mean of ln", mean(&ec50), 0.15f64.ln(), 0.2);
    near("log-normal, sd of ln", sd(&ec50), 0.2, standard_error_of_sd(0.2));
    let brain = ln("response.effect.brain_ec50");
    let s = (1.0f64 + 0.04).ln().sqrt();
    near("cv 0.2 is this sd of ln", sd(&brain), s, standard_error_of_sd(s));
    let values = column(&patients, "response.effect.brain_ec50");
    let (m, cv) = (mean(&values), 0.2);
    near("mean of the log-normal", m, 0.07 * (s * s / 2.0).exp(), 0.07 * 0.25);
    assert!((sd(&values) / m - cv).abs() < 0.006, "{}", sd(&values) / m);

    // A normal cut at -5 and +10/6 standard deviations.
    let (a, b) = (-5.0f64, 10.0 / 6.0);
    let density = |z: f64| (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let share = normal_share(b) - normal_share(a);
    let shift = (density(a) - density(b)) / share;
    let variance = 1.0 + (a * density(a) - b * density(b)) / share - shift * shift;
    let age = column(&patients, "population.age");
    near("cut normal, mean", mean(&age), 50.0 + 6.0 * shift, 6.0);
    near("cut normal, sd", sd(&age), 6.0 * variance.sqrt(), 6.0);
    assert!(age.iter().all(|x| (20.0..=60.0).contains(x)));

    near(
        "share",
        mean(&column(&patients, "population.female")),
        0.3,
        0.21f64.sqrt(),
    );
    let height = column(&patients, "population.height");
    near("uniform, mean", mean(&height), 170.0, 40.0 / 12f64.sqrt());
    near("uniform, sd", sd(&height), 40.0 / 12f64.sqrt(), 40.0 / 12f64.sqrt());

    let logit: Vec<f64> = column(&patients, "kinetics.csf.spinal_absorption_share")
        .iter()
        .map(|x| ((x - 0.05) / (0.6 - x)).ln())
        .collect();
    near("logit-normal, mean", mean(&logit), (0.2f64 / 0.35).ln(), 0.7);
    near("logit-normal, sd", sd(&logit), 0.7, standard_error_of_sd(0.7));
    assert!(
        column(&patients, "response.tolerance.onset_time")
            .iter()
            .all(|x| *x == 4320.0)
    );

    let injured = patients
        .iter()
        .filter(|p| p.origin.as_deref() == Some("injury"))
        .count() as f64;
    near("origin", injured / DRAWS as f64, 0.75, (0.75f64 * 0.25).sqrt());
    let t10 = patients
        .iter()
        .filter(|p| p.injury == Some(itbsim::signals::Level::T10))
        .count() as f64;
    near("level", t10 / DRAWS as f64, 0.75 * 0.75, 0.5);
    assert!(
        patients
            .iter()
            .all(|p| p.injury.is_some() == (p.origin.as_deref() == Some("injury")))
    );
}

#[test]
fn correlations_are_those_asked_for_and_all_others_are_nothing() {
    let patients = all(&population(SHAPES), DRAWS);
    let ec50: Vec<f64> = column(&patients, "response.effect.ec50")
        .iter()
        .map(|x| x.ln())
        .collect();
    let brain: Vec<f64> = column(&patients, "response.effect.brain_ec50")
        .iter()
        .map(|x| x.ln())
        .collect();
    near("asked for", correlation(&ec50, &brain), 0.6, 1.0 - 0.36);
    near(
        "not asked for",
        correlation(&ec50, &column(&patients, "population.height")),
        0.0,
        1.0,
    );
    // A rank correlation is not changed by the cut: 6/pi asin(r/2) of a Gaussian copula.
    let ranks = |x: &[f64]| {
        let mut order: Vec<usize> = (0..x.len()).collect();
        order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
        let mut rank = vec![0.0; x.len()];
        for (r, i) in order.into_iter().enumerate() {
            rank[i] = r as f64;
        }
        rank
    };
    let spearman = correlation(&ranks(&ec50), &ranks(&column(&patients, "population.age")));
    near(
        "through a cut",
        spearman,
        6.0 / std::f64::consts::PI * (-0.2f64).asin(),
        1.0,
    );
}

#[test]
fn a_patient_does_not_depend_on_how_many_there_are_on_order_or_on_other_parameters() {
    let before = population(SHAPES);
    let last = "\"response.tolerance.onset_time\" = { sd_log = 0, source = \"test\" }";
    let hill = "\"response.effect.hill\" = { sd_log = 0.2, source = \"test\" }";
    let more = format!(
        "{}\n[[correlation]]\nof = [\"response.effect.hill\", \"response.effect.ec50\"]\nr = 0.5\n",
        SHAPES.replace(last, &format!("{last}\n{hill}"))
    );
    let after = population(&more);
    let cohort = before.cohort(9);
    let backwards: Vec<VirtualPatient> = (0..40).rev().map(|i| cohort.patient(i)).collect();
    for patient in &backwards {
        let alone = before.patient(9, patient.replicate);
        assert_eq!(&alone, patient);
        let with = after.patient(9, patient.replicate);
        for (key, value) in &alone.values {
            assert_eq!(with.value(key).unwrap().to_bits(), value.to_bits(), "{key}");
        }
        assert!(with.value("response.effect.hill").is_some());
        assert_eq!((with.origin, with.injury), (alone.origin, alone.injury));
    }
    assert_ne!(
        before.patient(9, 1),
        VirtualPatient {
            replicate: 1,
            ..before.patient(9, 2)
        }
    );
    assert_ne!(before.patient(9, 1).values, before.patient(8, 1).values);
}

#[test]
fn what_is_not_known_is_drawn_by_its_own_key() {
    let p = population(&SHAPES.replace(
        "sd_log = 0.2, source",
        "sd_log = 0.2, typical_uncertainty = 0.25, spread_uncertainty = 0.4, source",
    ));
    let key = "response.effect.ec50";
    let drawn: Vec<(f64, f64)> = (0..4000)
        .map(|outer| {
            let q = p.typical_uncertain(5, outer);
            let d = q.spec().distribution(key).unwrap().clone();
            assert_eq!(
                q.spec().distribution("population.age"),
                p.spec().distribution("population.age")
            );
            (d.typical, d.spread)
        })
        .collect();
    // The bounds of the parameter (0.02 to 1) lie eight standard deviations away.
    let typical: Vec<f64> = drawn.iter().map(|d| (d.0 / 0.15).ln()).collect();
    let spread: Vec<f64> = drawn.iter().map(|d| (d.1 / 0.2).ln()).collect();
    let error = 4.0 / 4000f64.sqrt();
    assert!(mean(&typical).abs() < 0.25 * error && (sd(&typical) / 0.25 - 1.0).abs() < error);
    assert!(mean(&spread).abs() < 0.4 * error && (sd(&spread) / 0.4 - 1.0).abs() < error);
    assert!(correlation(&typical, &spread).abs() < error);
    assert_eq!(p.typical_uncertain(5, 7).spec(), p.typical_uncertain(5, 7).spec());
    // Inner luck does not move with outer luck: the same normal scores, other middles.
    let (a, b) = (p.patient(5, 3), p.typical_uncertain(5, 7).patient(5, 3));
    assert_eq!(a.value("population.height"), b.value("population.height"));
    assert_ne!(a.value(key), b.value(key));
}

#[test]
fn typical_adults_of_spinal_origin_are_the_defaults() {
    let typical = Population::named("adult-spinal").unwrap().typical();
    let defaults = ParameterSet::default();
    for (key, value) in &typical.values {
        if *key != "population.female" {
            assert_eq!(value.to_bits(), defaults.get(key).to_bits(), "{key}");
        }
    }
    let plain = text(2.0, "");
    let run = |text: &str| simulate(&scenario(text), &Registry::builtin(), &RunOptions::default()).unwrap();
    let with = plain.replace("[patient]", "[population]\nname = \"adult-spinal\"\n[patient]");
    let (a, b) = (run(&plain), run(&with));
    assert_eq!(a.fingerprint, b.fingerprint);
    assert_eq!(a.rows, b.rows);
}

#[test]
fn a_replicate_is_a_patient_and_the_scenario_has_the_last_word() {
    let base = text(1.0, "")
        .replace("weight = \"70 kg\"\ninjury = \"T4\"\n", "spasm_score = 2.5\n")
        .replace(
            "[patient]",
            "replicate = 17\n[parameters]\n\"response.effect.ec50\" = \"0.2 ug/mL\"\n[population]\nname = \"adult-spinal\"\n[patient]",
        );
    let mut s = scenario(&base);
    assert_eq!((s.replicate, s.seed), (Some(17), 7));
    let drawn = Population::named("adult-spinal").unwrap().patient(7, 17);
    itbsim::population::settle(&mut s, 7, Some(17));
    assert!(s.population.is_none());
    assert_eq!(Some(s.patient.weight), drawn.weight());
    assert_eq!(
        Some(s.patient.ashworth_legs),
        drawn.value("scenario.patient.ashworth_legs")
    );
    assert_eq!(s.patient.renal_function, drawn.gfr().unwrap() / 100.0);
    assert_eq!(s.patient.injury, drawn.injury);
    assert_eq!(
        (s.patient.spasm_score, s.parameters.get("response.effect.ec50")),
        (2.5, 0.2)
    );
    for (key, value) in &drawn.values {
        if *key != "response.effect.ec50" && *key != "scenario.patient.spasm_score" {
            assert_eq!(s.parameters.get(key), *value, "{key}");
        }
    }
    // The run is that of the patient written out by hand.
    let registry = Registry::builtin();
    let by_block = simulate(&scenario(&base), &registry, &RunOptions::default()).unwrap();
    let by_hand = simulate(&s, &registry, &RunOptions::default()).unwrap();
    let by_option = RunOptions {
        replicate: 17,
        ..RunOptions::default()
    };
    let by_option = simulate(&scenario(&base.replace("replicate = 17\n", "")), &registry, &by_option).unwrap();
    assert_eq!(by_block.rows, by_hand.rows);
    assert_eq!(by_block.fingerprint, by_option.fingerprint);
    let other = simulate(
        &scenario(&base.replace("= 17\n", "= 18\n")),
        &registry,
        &RunOptions::default(),
    )
    .unwrap();
    assert_ne!(by_block.rows, other.rows);
}

#[test]
fn arms_share_their_patient_and_can_change_one_distribution() {
    let text = text(
        1.0,
        r#"
[[arm]]
id = "a"
[[arm]]
id = "b"
set = { "population.distributions.response.effect.ec50.sd_log" = 0.0, "pump.gain" = 1.1 }
[[arm]]
id = "c"
set = { "model.set" = "steep-gradient" }
"#,
    )
    .replace("[patient]", "[population]\nname = \"adult-spinal\"\n[patient]");
    let arms: Vec<_> = story(&text)
        .arms
        .into_iter()
        .map(|a| {
            let mut s = a.scenario;
            itbsim::population::settle(&mut s, 1, Some(4));
            s.parameters
        })
        .collect();
    let key = "response.effect.ec50";
    assert_eq!(arms[1].get(key), 0.135);
    assert_ne!(arms[0].get(key), 0.135);
    assert_eq!(
        arms[0].get("kinetics.csf.loss_rate"),
        arms[1].get("kinetics.csf.loss_rate")
    );
    // The same score around another middle; the cut at the bounds takes a little of the proportion.
    let moved = arms[2].get("kinetics.csf.dispersion_caudal") / arms[0].get("kinetics.csf.dispersion_caudal");
    let middles = named_set("steep-gradient")
        .unwrap()
        .value("kinetics.csf.dispersion_caudal")
        .unwrap()
        / 252.0;
    assert!(moved > 0.3 * middles && moved < 3.0 * middles, "{moved} {middles}");
    assert_eq!(
        arms[2].get("kinetics.csf.loss_rate"),
        arms[0].get("kinetics.csf.loss_rate")
    );
}

#[test]
fn a_named_set_without_a_population_is_its_parameters_and_the_file_has_the_last_word() {
    let with = |lines: &str| scenario(&text(1.0, "").replace("[patient]", &format!("{lines}\n[patient]")));
    let steep = named_set("steep-gradient").unwrap();
    let s = with("[model]\nset = \"steep-gradient\"");
    assert_eq!(s.parameters, steep.parameters());
    assert_eq!(s.set, Some("steep-gradient"));
    assert_eq!(
        with("[model]\nset = \"well-mixed\"").parameters,
        ParameterSet::default()
    );
    let s = with("[model]\nset = \"steep-gradient\"\n[parameters]\n\"kinetics.csf.dispersion_caudal\" = \"99 cm2/h\"");
    assert_eq!(s.parameters.get("kinetics.csf.dispersion_caudal"), 99.0);
    assert_eq!(
        Some(s.parameters.get("kinetics.csf.dispersion_rostral")),
        steep.value("kinetics.csf.dispersion_rostral")
    );
}

#[test]
fn mistakes_have_their_line_and_a_suggestion() {
    let refuse = |lines: &str| {
        let text = format!("{}{MAINTENANCE}", head(1.0)).replace("[patient]", &format!("{lines}\n[patient]"));
        load_str("test.toml", &text, None, &Registry::builtin().catalog())
            .unwrap_err()
            .to_string()
    };
    for (lines, parts) in [
        (
            "[population]\nname = \"adult-spinel\"",
            vec!["unknown `name` `adult-spinel`", "did you mean `adult-spinal`?"],
        ),
        ("[population]", vec!["lacks `name`"]),
        (
            "[population]\nname = \"child\"",
            vec!["name different populations", "leave `population` out"],
        ),
        (
            "[population]\nname = \"adult-spinal\"\n[population.distributions]\n\"response.effect.ec5\" = { sd_log = 0.1 }",
            vec![
                "unknown parameter `response.effect.ec5`",
                "did you mean `response.effect.ec50`?",
            ],
        ),
        (
            "[population]\nname = \"adult-spinal\"\n[population.distributions]\n\"response.effect.ec50\" = { typical = \"3 mL\" }",
            vec!["`typical`", "is a volume", "test.toml:9"],
        ),
        (
            "[population]\nname = \"adult-spinal\"\n[population.distributions]\n\"response.effect.ec50\" = { high = \"40 ug/mL\" }",
            vec!["must rise and lie within 0.02 to 1 ug/mL"],
        ),
        (
            "[population]\nname = \"adult-spinal\"\n[population.distributions]\n\"response.effect.ec50\" = { sd = \"1 ug/mL\" }",
            vec!["`sd` does not fit the shape `log-normal`", "its spread is `sd_log`"],
        ),
        (
            "[population]\nname = \"adult-spinal\"\n[population.distributions]\n\"response.effect.ec50\" = { spread = 1 }",
            vec!["unknown key `spread`"],
        ),
        (
            "[model]\nset = \"steep\"",
            vec!["unknown `set` `steep`", "steep-gradient"],
        ),
        ("replicate = -1", vec!["`replicate` = -1 lies outside"]),
    ] {
        let said = refuse(lines);
        for part in parts {
            assert!(said.contains(part), "`{part}` missing in:\n{said}");
        }
    }
    let contradiction = SHAPES.replace(
        "r = -0.4",
        "r = -0.9\n[[correlation]]\nof = [\"response.effect.brain_ec50\", \"population.age\"]\nr = 0.9",
    );
    for (text, part) in [
        (contradiction.as_str(), "the correlations contradict one another"),
        (
            &SHAPES.replace("\"population.age\"]", "\"kinetics.csf.loss_rate\"]"),
            "`kinetics.csf.loss_rate` has no distribution here",
        ),
        (&SHAPES.replace("patient = \"adult-spinal\"\n", ""), "lacks `patient`"),
        (
            &SHAPES
                .replace("share = 3", "share = 0")
                .replace("share = 1\n", "share = 0\n"),
            "not all zero",
        ),
        (
            &SHAPES.replace("typical = 0.3", "typical = 1.3"),
            "lies outside its bounds 0 to 1",
        ),
        (&SHAPES.replace("sd_log = 0, source", "source"), "lacks `sd_log`"),
        ("name = ", "must be in quotes"),
        ("[name", "TOML"),
    ] {
        let said = mistake(text);
        assert!(said.contains(part), "`{part}` missing in:\n{said}");
    }
}

#[test]
fn every_patient_of_every_population_is_a_possible_body() {
    let defaults = ParameterSet::default();
    for spec in builtin() {
        let population = Population::new(Arc::clone(spec));
        for d in population.spec().distributions() {
            assert!(!d.source.is_empty(), "{}", d.key);
        }
        let cohort = population.cohort(1);
        (0..3000_u64).into_par_iter().for_each(|i| {
            let patient = cohort.patient(i);
            let p = patient.parameters(&defaults);
            let body = Body {
                population: patient.group,
                weight: patient.weight().unwrap(),
                ..Body::default()
            };
            assert!(Blood::new(&body, &p).is_ok(), "{} {i}", population.spec().name());
            for (key, value) in patient.values.iter().filter(|_| i < 20) {
                let mut checked = defaults.clone();
                assert!(checked.set(key, *value).is_ok(), "{key} = {value}");
            }
        });
    }
}

/// The figures of some patients.
fn figures(name: &str, n: u64) -> (Population, Vec<Figures>, Setting) {
    let population = Population::named(name).unwrap();
    let setting = Setting::new(ParameterSet::default());
    let cohort = population.cohort(1);
    let all = (0..n)
        .into_par_iter()
        .map(|i| Figures::of(&cohort.patient(i), &setting).unwrap())
        .collect();
    (population, all, setting)
}

#[test]
fn the_spread_of_adults_of_spinal_origin_is_the_published_one() {
    let (population, all, setting) = figures("adult-spinal", 300);
    for line in lines(population.spec().patient(), &all, &setting.base) {
        assert!(line.met, "{line:?}");
    }
}

#[test]
fn the_spread_of_adults_of_cerebral_origin_is_the_published_one() {
    let (population, all, setting) = figures("adult-cerebral", 300);
    for line in lines(population.spec().patient(), &all, &setting.base) {
        assert!(line.met, "{line:?}");
    }
}

#[test]
fn the_doses_of_children_are_the_published_ones() {
    let (population, all, setting) = figures("child", 300);
    for line in lines(population.spec().patient(), &all, &setting.base) {
        assert!(line.met, "{line:?}");
    }
}

#[test]
fn the_dose_found_is_the_one_that_holds_both_scores() {
    // Closed form with Emax: E from the goal, T = Tmax E, c = EC50 (1 + T) (E / (1 - E))^(1 / g).
    let setting = Setting::new(ParameterSet::default());
    let typical = Population::named("adult-spinal").unwrap().typical();
    let f = Figures::of(&typical, &setting).unwrap();
    let p = &setting.base;
    let effect = ((1.0 - 1.0 / 3.0) / p.get("response.scale.ashworth_emax"))
        .max(1.0 - (1.0f64 / 3.3).powf(1.0 / p.get("response.scale.spasm_exponent")));
    let c = p.get("response.effect.ec50")
        * (1.0 + p.get("response.tolerance.maximum") * effect)
        * (effect / (1.0 - effect)).powf(1.0 / p.get("response.effect.hill"));
    let mut k = itbsim::kinetics::Kinetics::new(Body::default(), p).unwrap();
    let zero = itbsim::engine::SimTime::ZERO;
    let tip = itbsim::kinetics::Site::Stream(itbsim::signals::Destination::Csf(itbsim::signals::Level::T10));
    k.settle(zero, &[(tip, 1.0)]).unwrap();
    let unit = k.drive(zero, &mut Default::default()).unwrap().effect[0];
    let dose = 24.0 * c / unit;
    let found = f.maintenance_ug_per_day.unwrap();
    assert!((found / dose - 1.0).abs() < 1e-9, "{found} {dose}");
    // And the dose of a patient who reacts half as strongly is twice as high.
    let mut weak = typical;
    for (key, value) in &mut weak.values {
        if *key == "response.effect.ec50" {
            *value *= 2.0;
        }
    }
    let twice = Figures::of(&weak, &setting).unwrap().maintenance_ug_per_day.unwrap();
    assert!((twice / found - 2.0).abs() < 1e-9, "{twice}");
}

#[test]
fn a_population_file_says_nothing_twice_and_names_the_correlation_that_cannot_be() {
    const HEAD: &str = "name = \"x\"\nbase = \"adult-spinal\"\n";
    let pair = |a: &str, b: &str, r: f64| format!("[[correlation]]\nof = [\"{a}\", \"{b}\"]\nr = {r}\n");
    let (age, gfr) = ("population.age", "population.gfr");
    let spread = |key: &str| format!("[distributions.{key}]\nsource = \"s\"\nsd_log = 0.3\n");
    let loss = "kinetics.csf.loss_rate";
    let share = |x: &str| format!("[[origin]]\nname = \"a\"\nshare = {x}\n").repeat(2);
    for (text, line, words) in [
        (
            spread(&format!("{loss:?}")) + &spread(loss),
            6,
            vec!["`kinetics.csf.loss_rate` is given twice", "keep one"],
        ),
        (
            pair(age, gfr, 0.1) + &pair(gfr, age, 0.2),
            6,
            vec!["correlation of `population.gfr` with `population.age` is given twice"],
        ),
        (pair(age, age, 0.5), 4, vec!["correlated with itself"]),
        (share("1e308"), 3, vec!["finite, also in sum", "weights"]),
    ] {
        let said = mistake(&format!("{HEAD}{text}"));
        assert!(said.contains(&format!("test.toml:{line}:")), "{said}");
        for word in words {
            assert!(said.contains(word), "`{word}` is missing\n{said}");
        }
    }
}

#[test]
fn of_correlations_that_contradict_one_another_the_one_that_does_is_shown() {
    let pair = |a: &str, b: &str, r: f64| format!("[[correlation]]\nof = [\"{a}\", \"{b}\"]\nr = {r}\n");
    let (loss, ec50, gfr) = ("kinetics.csf.loss_rate", "response.effect.ec50", "population.gfr");
    let mut text = "name = \"x\"\npatient = \"child\"\n".to_owned();
    text += &(pair(loss, ec50, 0.6) + &pair(loss, gfr, 0.6) + &pair(ec50, gfr, -0.9));
    for key in [loss, ec50, gfr] {
        text += &format!("[distributions.{key}]\nsource = \"s\"\nsd_log = 0.3\n");
    }
    let said = mistake(&text);
    for word in ["test.toml:9:1", "contradict", "nearer to zero, now -0.9"] {
        assert!(said.contains(word), "`{word}` is missing\n{said}");
    }
}

#[test]
fn a_file_full_of_unknown_parameters_is_refused_soon() {
    let text: String = (0..20_000)
        .map(|i| format!("[distributions.\"k{i}\"]\nsd_log = 0.1\n"))
        .collect();
    let said = mistake(&format!("name = \"x\"\npatient = \"child\"\n{text}"));
    assert!(said.contains("unknown parameter `k0`"), "{said}");
}
