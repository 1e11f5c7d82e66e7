//! The clinical figures the defaults must reproduce, simulated beside published.

use crate::response_driver::{Patient, SPASTIC, csf};
use itbsim::kinetics::{Body, Site};
use itbsim::parameters::ParameterSet;
use itbsim::response::{Baseline, SYMPTOMS, Syndrome};
use itbsim::signals::{Destination, Level};

fn says(what: &str, published: &str, simulated: f64) {
    println!("{what:55} published {published:24} simulated {simulated:.3}");
}

fn stopped(dose_per_day: f64, hours: f64) -> Patient {
    let mut p = Patient::established(dose_per_day);
    p.infuse(Level::T10, 0.0);
    p.run_until(hours);
    p
}

#[test]
fn t07_onset_peak_and_duration_of_a_50_ug_bolus() {
    let mut p = Patient::naive();
    p.give(csf(Level::L3), 50.0);
    p.run_until(30.0);
    let (peak_at, peak) = p.peak(|s| s.signals.effect_legs);
    let onset = p.first(|s| s.signals.effect_legs > 0.05 * peak).unwrap();
    let from = p.first(|s| s.signals.effect_legs > 0.5 * peak).unwrap();
    let to = p.last(|s| s.signals.effect_legs > 0.5 * peak).unwrap();
    says("7 onset, 5 % of the peak effect [h]", "0.5-1", onset);
    says("7 peak [h]", "4", peak_at);
    says("7 duration above half the peak [h]", "4-8", to - from);
    says("7 above half the peak from [h]", "2", from);
    says("7 above half the peak to [h]", "8-8.5", to);
    assert!((0.5..=1.0).contains(&onset), "{onset}");
    assert!((3.5..=5.0).contains(&peak_at), "{peak_at}");
    assert!((4.0..=8.0).contains(&(to - from)), "{from} to {to}");
}

#[test]
fn t08_first_effect_and_maximum_of_an_infusion() {
    let mut p = Patient::naive();
    p.infuse(Level::T10, 100.0);
    p.run_until(72.0);
    let (_, top) = p.peak(|s| s.signals.effect_legs);
    let first = p.first(|s| s.signals.effect_legs > 0.1 * top).unwrap();
    let full = p.first(|s| s.signals.effect_legs > 0.95 * top).unwrap();
    says("8 first effect, 10 % of the maximum [h]", "6-8", first);
    says("8 maximum, 95 % [h]", "24-48", full);
    assert!((6.0..=8.0).contains(&first), "{first}");
    assert!((24.0..=48.0).contains(&full), "{full}");
}

#[test]
fn t09_ashworth_and_reflex_after_50_ug_in_brain_injury() {
    let baseline = Baseline {
        ashworth_legs: 2.4,
        ..SPASTIC
    };
    let mut p = Patient::with(Body::default(), baseline, &ParameterSet::default());
    p.give(csf(Level::L3), 50.0);
    p.run_until(8.0);
    for (t, published) in [(0.0, 2.4), (4.0, 1.5), (6.0, 1.4)] {
        let score = p.at(t).signals.ashworth_legs;
        says(&format!("9 Ashworth at {t} h"), &format!("{published}"), score);
        assert!((score - published).abs() < 0.2, "{t} h: {score}");
    }
    let reflex = p.at(5.0).signals.h_over_m_percent;
    says("9 H/M at 5 h [%]", "62 -> 14", reflex);
    assert!((reflex - 14.0).abs() < 4.0, "{reflex}");
}

#[test]
fn t10_scores_on_chronic_infusion() {
    // Published on the scale of 1 to 5; the model's scale begins at 0. Maintenance dose 500 ug/day.
    let mut p = Patient::established(500.0);
    let s = p.signals();
    says(
        "10 Ashworth, scale 1-5, from 4.0",
        "1.2 Penn, 1.7 Coffey",
        1.0 + s.ashworth_legs,
    );
    says("10 spasm score from 3.3", "0.4 Penn, 1.0 Coffey", s.spasm_score);
    assert!((1.2..=2.0).contains(&(1.0 + s.ashworth_legs)), "{}", s.ashworth_legs);
    assert!((0.3..=1.0).contains(&s.spasm_score), "{}", s.spasm_score);
}

#[test]
fn t14_dose_for_a_steady_effect_rises_for_18_months_to_a_plateau() {
    // At a constant effect E the dose is proportional to 1 + T, and T approaches Tmax E.
    let p = ParameterSet::default();
    let (top, time) = (
        p.get("response.tolerance.maximum"),
        p.get("response.tolerance.onset_time"),
    );
    let tolerance = |months: f64| top * 0.7 * (1.0 - (-months * 730.0 / time).exp());
    let late = (1.0 + tolerance(18.0)) / (1.0 + tolerance(1e3));
    says("14 dose at 18 months over plateau", "about 1", late);
    assert!(late > 0.95 && (1.0 + tolerance(3.0)) / (1.0 + tolerance(1e3)) < 0.8);
}

#[test]
fn pulsatile_dosing_tolerates_less_than_the_same_dose_spread_evenly() {
    let mut even = Patient::naive();
    even.infuse(Level::T10, 300.0);
    even.run_until(24.0 * 45.0);
    let mut pulsed = Patient::naive();
    for day in 0..45 {
        pulsed.run_until(24.0 * f64::from(day));
        pulsed.give(csf(Level::T10), 300.0);
    }
    pulsed.run_until(24.0 * 45.0);
    let (even, pulsed) = (even.signals().tolerance, pulsed.signals().tolerance);
    says(
        "14 tolerance, one bolus a day over even infusion",
        "less",
        pulsed / even,
    );
    assert!(pulsed < 0.8 * even, "{pulsed} {even}");
}

#[test]
fn a_drug_holiday_of_four_weeks_restores_much_of_the_effect() {
    let mut p = Patient::established(600.0);
    let before = p.signals().tolerance;
    p.infuse(Level::T10, 0.0);
    // Slowly weaned in life; here only the tolerance is looked at.
    p.run_until(24.0 * 28.0);
    let after = p.signals().tolerance;
    assert!(after < 0.5 * before, "{before} -> {after}");
}

#[test]
fn t15_withdrawal_after_400_ug_a_day_runs_in_the_published_order_and_time() {
    let p = stopped(400.0, 120.0);
    let t = |name: &str| p.onset(name).unwrap_or_else(|| panic!("no {name}: {:?}", p.events));
    says("15 first sign [h]", "hours to 2 days (6-12)", t("spasms_increased"));
    says("15 fever [h]", "about a day", t("fever"));
    says("15 seizures [h]", "about a day", t("seizures"));
    says("15 rhabdomyolysis [h]", "24-72", t("rhabdomyolysis"));
    says("15 organ failure [h]", "24-72", t("organ_failure"));
    says("15 death untreated [h]", "beyond 24-72", t("death_in_withdrawal"));
    assert!((6.0..=12.0).contains(&t("spasms_increased")));
    assert!((24.0..=72.0).contains(&t("rhabdomyolysis")));
    assert!((24.0..=72.0).contains(&t("organ_failure")));
    assert!((60.0..=120.0).contains(&t("death_in_withdrawal")));
    let order: Vec<f64> = SYMPTOMS
        .iter()
        .filter(|s| s.syndrome == Syndrome::Withdrawal && s.name != "autonomic_dysreflexia")
        .map(|s| t(s.name))
        .collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(p.onset("autonomic_dysreflexia"), None, "no injury, no dysreflexia");
    let (peak_at, _) = p.peak(|s| s.signals.withdrawal_index);
    assert!((12.0..=30.0).contains(&peak_at), "{peak_at}");
    let worst = p.peak(|s| s.signals.ashworth_legs).1;
    assert!(worst > SPASTIC.ashworth_legs + 0.3, "rebound above baseline, {worst}");
}

#[test]
fn t15_restored_delivery_ends_withdrawal_within_a_day() {
    let mut p = stopped(400.0, 36.0);
    p.infuse(Level::T10, 400.0);
    p.run_until(60.0);
    let s = &p.at(60.0).signals;
    says(
        "15 index a day after restoration",
        "better within 24 h",
        s.withdrawal_index,
    );
    says(
        "15 temperature a day after restoration [degC]",
        "better within 24 h",
        s.temperature_c,
    );
    assert!(p.at(36.0).signals.withdrawal_index > 0.5 && s.withdrawal_index < 0.02);
    assert!(p.at(36.0).signals.temperature_c > 39.5 && s.temperature_c < 38.0);
    assert_eq!(p.onset("death_in_withdrawal"), None);
}

#[test]
fn t15_withdrawal_is_worse_after_more_drug_and_longer_use() {
    let worst = |p: &Patient| p.peak(|s| s.signals.withdrawal_index).1;
    let by_dose: Vec<f64> = [100.0, 200.0, 400.0, 800.0].map(|d| worst(&stopped(d, 48.0))).to_vec();
    assert!(
        by_dose.is_sorted() && by_dose[0] < 0.2 && by_dose[3] > 0.8,
        "{by_dose:?}"
    );
    let after = |days: f64| {
        let mut p = Patient::naive();
        p.infuse(Level::T10, 400.0);
        p.run_until(24.0 * days);
        p.samples.clear();
        p.infuse(Level::T10, 0.0);
        p.run_until(24.0 * days + 36.0);
        worst(&p)
    };
    let by_time = [after(1.0), after(5.0), after(20.0)];
    assert!(by_time.is_sorted() && by_time[0] < 0.15, "{by_time:?}");
    let low = stopped(100.0, 96.0);
    assert_eq!(low.onset("hallucinations"), None, "a low dose stopped is mild");
}

#[test]
fn t15_a_high_injury_adds_autonomic_dysreflexia() {
    for (injury, expected) in [(Level::T4, true), (Level::T6, true), (Level::T8, false)] {
        let baseline = Baseline {
            injury: Some(injury),
            ..SPASTIC
        };
        let mut p = Patient::with(Body::default(), baseline, &ParameterSet::default())
            .settled(&[(csf(Level::T10), 400.0 / 24.0)]);
        p.infuse(Level::T10, 0.0);
        p.run_until(36.0);
        assert_eq!(p.onset("autonomic_dysreflexia").is_some(), expected, "{injury}");
    }
}

#[test]
fn rescue_drugs_ease_withdrawal_but_oral_baclofen_cannot_replace_the_pump() {
    let rescued = |dose: &dyn Fn(&mut Patient)| {
        let mut p = Patient::established(400.0);
        p.infuse(Level::T10, 0.0);
        for round in 1..=14 {
            p.run_until(6.0 * f64::from(round));
            dose(&mut p);
        }
        p
    };
    let none = rescued(&|_| {});
    let oral = rescued(&|p| p.give(Site::Oral, 30_000.0));
    let diazepam = rescued(&|p| p.give(Site::Benzodiazepine, 10.0));
    let cyproheptadine = rescued(&|p| p.give(Site::Cyproheptadine, 8.0));
    let top = |p: &Patient, f: &dyn Fn(&itbsim::response::Signals) -> f64| p.peak(|s| f(&s.signals)).1;
    let index = |p: &Patient| top(p, &|s| s.withdrawal_index);
    let heat = |p: &Patient| top(p, &|s| s.temperature_c);
    says("13 index at worst, nothing given", "-", index(&none));
    says("13 index at worst, oral 120 mg/day", "cannot cover", index(&oral));
    assert!(
        index(&oral) < index(&none) && index(&oral) > 0.8 * index(&none),
        "{}",
        index(&oral)
    );
    assert!(index(&diazepam) < 0.9 * index(&none));
    assert_eq!(diazepam.onset("death_in_withdrawal"), None);
    let fall = heat(&none) - heat(&cyproheptadine);
    says("fall of fever by cyproheptadine [degC]", ">= 1.5", fall);
    assert!(fall > 1.0, "{fall}");
    assert_eq!(oral.onset("apnoea"), None);
}

#[test]
fn t16_a_day_s_dose_every_hour_makes_weak_within_hours() {
    let mut p = Patient::established(60.0);
    p.infuse(Level::T10, 1440.0);
    p.run_until(30.0);
    let weak = p.onset("hypotonia_legs").unwrap();
    says("16 weak legs [h]", "soon after getting home", weak);
    assert!((2.0..=8.0).contains(&weak), "{weak}");
    let [legs, trunk, arms] = ["hypotonia_legs", "hypotonia_trunk", "hypotonia_arms"].map(|n| p.onset(n).unwrap());
    assert!(legs < trunk && trunk < arms, "weakness climbs: {legs} {trunk} {arms}");
    assert_eq!(p.onset("apnoea"), None);
}

#[test]
fn t17_a_pocket_fill_makes_unresponsive_within_hours_and_passes() {
    let mut p = Patient::established(300.0);
    p.give(Site::Stream(Destination::Subcutaneous), 40_000.0);
    p.run_until(48.0);
    let coma = p.onset("coma").unwrap();
    let awake = p.resolved("coma").unwrap();
    says("17 unresponsive after 40 mg under the skin [h]", "within hours", coma);
    says("17 responsive again [h]", "full recovery", awake);
    assert!((1.0..=6.0).contains(&coma), "{coma}");
    assert!(awake < 72.0 && p.onset("death_in_overdose").is_none());
    assert!(p.onset("drowsiness").unwrap() <= coma && p.onset("hypotension").is_some());
    assert!(p.at(48.0).signals.gcs > 14.9);
}

#[test]
fn ten_milligrams_into_fluid_kill_in_minutes_of_apnoea_or_pass_under_ventilation() {
    let overdose = |ventilated: bool| {
        let mut p = Patient::established(300.0);
        p.ventilate(ventilated);
        p.give(csf(Level::T10), 10_000.0);
        p.run_until(72.0);
        p
    };
    let alone = overdose(false);
    let minutes = 60.0 * (alone.onset("death_in_overdose").unwrap() - alone.onset("apnoea").unwrap());
    says("death after apnoea [min]", "tens of minutes", minutes);
    assert!((10.0..=60.0).contains(&minutes), "{minutes}");
    let helped = overdose(true);
    let coma = helped.resolved("coma").unwrap() - helped.onset("coma").unwrap();
    says("coma after 10 mg, ventilated [h]", "up to 72", coma);
    assert!((8.0..=72.0).contains(&coma), "{coma}");
    assert_eq!(helped.onset("death_in_overdose"), None);
}

#[test]
fn undisturbed_therapy_stays_where_it_is() {
    let mut p = Patient::established(400.0);
    p.run_until(240.0);
    let (first, last) = (p.samples[0].signals, p.samples.last().unwrap().signals);
    for (name, (a, b)) in itbsim::response::Signals::COLUMNS
        .iter()
        .zip(first.values().into_iter().zip(last.values()))
    {
        assert!((a - b).abs() < 1e-6 * a.abs().max(1.0), "{name}: {a} -> {b}");
    }
    assert!(p.events.iter().all(|e| e.name == "relief"), "{:?}", p.events);
}

#[test]
fn every_parameter_at_either_end_of_its_range_gives_finite_signals_or_a_typed_error() {
    for q in itbsim::parameters::all() {
        if !(q.key.starts_with("kinetics.") || q.key.starts_with("response.")) {
            continue;
        }
        assert!(q.low <= q.value && q.value <= q.high, "{}", q.key);
        for value in [q.low, q.high] {
            let mut set = ParameterSet::default();
            set.set(q.key, value).unwrap();
            if let Err(error) = itbsim::kinetics::Kinetics::new(Body::default(), &set) {
                assert!(!error.to_string().is_empty());
                continue;
            }
            let mut p = Patient::with(Body::default(), SPASTIC, &set).settled(&[(csf(Level::T10), 20.0)]);
            p.infuse(Level::T10, 0.0);
            p.give(Site::Stream(Destination::Subcutaneous), 40_000.0);
            p.run_until(2.0);
            let s = p.signals();
            assert!(s.values().iter().all(|v| v.is_finite()), "{} = {value}: {s:?}", q.key);
        }
    }
}
