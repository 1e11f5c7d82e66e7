//! Defects that other simulators had, shown absent at the level of whole runs. Each
//! test carries the number and the name of its trap.

use crate::run_common::{
    MAINTENANCE, assert_same_rows, at, bits, column, count, head, instants, listing, run, run_with, sampled, scenario,
    text, time,
};
use itbsim::engine::{SimSpan, SimTime};
use itbsim::simulation::{Registry, Run, RunOptions};

/// Something of everything: crossings of symptoms, sampled and certified conditions,
/// fronts, ramps, alarms.
const EVENTFUL: &str = r#"
[[fault]]
id = "stall"
kind = "pump.stall"
at = "1 d"
until = "60 h"
[[fault]]
id = "leak"
kind = "catheter.leak"
when = "csf_l3_ng_per_ml < 150"
position = "60 cm"
conductance = "0.002 mL/h/kPa"
into = "subcutaneous"
profile = { ramp = "7 h" }
[[fault]]
id = "gain"
kind = "pump.over_infusion"
when = "ashworth_legs > 2.5"
gain = 1.3
[[action]]
id = "refill"
at = "3 d"
refill = { volume = "18 mL", concentration = "1 mg/mL" }
[[action]]
id = "needle"
at = "77.77 h"
lumbar_bolus = { dose = "60 ug", level = "L3", over = "1 min" }
"#;

#[test]
fn trap_1_an_event_that_does_nothing_leaves_the_order_of_the_others_unchanged() {
    let plain = run(5.0, EVENTFUL);
    let nothing = "[[action]]\nid = \"a-nobody\"\nat = \"1 d\"\nmissed_refill = true\n";
    let more = run(5.0, &format!("{nothing}{EVENTFUL}"));
    let others: Vec<(i64, String)> = instants(&more)
        .into_iter()
        .filter(|(_, name)| name != "action.a-nobody.done")
        .collect();
    assert_eq!(instants(&plain), others);
    assert_eq!(more.events.len(), plain.events.len() + 1);
    assert_eq!(bits(&plain.rows), bits(&more.rows));
}

#[test]
fn trap_2_observing_changes_no_result() {
    let scenario = scenario(&text(5.0, EVENTFUL));
    let seen = run_with(&scenario, &RunOptions::default());
    let unseen = run_with(
        &scenario,
        &RunOptions {
            observe: false,
            ..RunOptions::default()
        },
    );
    let drawn = run_with(
        &scenario,
        &RunOptions {
            keep_jumps: true,
            record_system: true,
            ..RunOptions::default()
        },
    );
    assert!(unseen.rows.is_empty() && !drawn.trajectory.is_empty());
    for other in [&unseen, &drawn] {
        assert_eq!(seen.fingerprint, other.fingerprint);
        assert_eq!(seen.events, other.events);
        assert_eq!(seen.symptoms, other.symptoms);
        assert_eq!(seen.ledger_residual.to_bits(), other.ledger_residual.to_bits());
    }
    assert_eq!(bits(&seen.rows), bits(&drawn.rows));
}

#[test]
fn trap_3_the_output_grid_moves_no_event() {
    let scenario = scenario(&text(5.0, EVENTFUL));
    let hourly = run_with(&scenario, &sampled(60.0));
    for name in [
        "fault.leak.start",
        "fault.leak.full",
        "fault.gain.start",
        "symptom.spasms_increased.onset",
    ] {
        assert_eq!(count(&hourly, name), 1, "{name} in\n{}", listing(&hourly));
    }
    for minutes in [1.0, 15.0, 17.3] {
        let other = run_with(&scenario, &sampled(minutes));
        assert_eq!(instants(&hourly), instants(&other), "{minutes} min");
        assert_eq!(hourly.events, other.events, "{minutes} min");
        assert_eq!(hourly.symptoms, other.symptoms, "{minutes} min");
        assert_eq!(hourly.fingerprint, other.fingerprint, "{minutes} min");
        // Rows at the same instants carry the same bits.
        let every = (60.0 / minutes) as usize;
        if minutes * every as f64 == 60.0 {
            let same: Vec<Vec<f64>> = other.rows.iter().step_by(every).cloned().collect();
            assert_eq!(bits(&hourly.rows), bits(&same), "{minutes} min");
        }
    }
}

#[test]
fn trap_4_everything_at_the_last_instant_happens() {
    let end = "[[action]]\nid = \"last\"\nat = \"2 d\"\nlumbar_bolus = { dose = \"50 ug\", level = \"L3\", over = \"1 min\" }\n\
               [[action]]\nid = \"also\"\nat = \"2 d\"\nraise_dose = \"10 %\"\n\
               [[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"2 d\"\n";
    let run = run(2.0, end);
    for name in [
        "action.last.done",
        "action.also.done",
        "fault.stall.start",
        "pump.stalled",
    ] {
        assert_eq!(time(&run, name), 48.0, "{name}");
    }
    let last = run.rows.last().expect("rows");
    assert_eq!(last[0], 48.0);
    assert_eq!(
        at(&run, "delivered_ug_per_day", 48.0),
        0.0,
        "the last row sees the settled state"
    );
}

#[test]
fn trap_7_a_condition_that_becomes_true_at_an_event_strikes_once() {
    // The fall of delivery is a jump at the stall, not a slope.
    let run = run(
        3.0,
        "[[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"1 d\"\n\
         [[fault]]\nid = \"then\"\nkind = \"pump.telemetry_hang\"\nwhen = \"delivered_ug_per_day < 100\"\n",
    );
    assert_eq!(count(&run, "condition.then.met"), 1);
    assert_eq!(count(&run, "fault.then.start"), 1);
    let after = (time(&run, "fault.then.start") - 24.0) * 3.6e12;
    assert!((0.5..2.0).contains(&after), "{after} ns after the stall");
}

#[test]
fn trap_8_a_condition_holds_at_the_instant_it_is_met() {
    let watched = "[[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"1 d\"\n\
                   [[fault]]\nid = \"low\"\nkind = \"pump.telemetry_hang\"\nwhen = \"csf_l3_ng_per_ml < 150\"\n";
    let scenario = scenario(&text(4.0, watched));
    let met =
        SimTime::from_hours(time(&run_with(&scenario, &RunOptions::default()), "condition.low.met")).expect("a time");
    // One row at the instant and one a nanosecond before it.
    let value = |nanos: i64| {
        let options = RunOptions {
            sample: Some(SimSpan::from_nanos(nanos)),
            ..RunOptions::default()
        };
        let mut run = Run::new(&scenario, &Registry::builtin(), &options).expect("a run");
        run.run_until(SimTime::from_nanos(nanos)).expect("a part of it");
        at(&run.finish(), "csf_l3_ng_per_ml", 1e9)
    };
    assert!(value(met.as_nanos()) <= 150.0);
    assert!(value(met.as_nanos() - 1000) > 150.0, "a microsecond before");
}

#[test]
fn trap_10_two_faults_with_one_condition_strike_together_and_once() {
    let pair = "[[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"1 d\"\n\
                [[fault]]\nid = \"a\"\nkind = \"pump.over_infusion\"\ngain = 1.1\nwhen = \"csf_l3_ng_per_ml < 150\"\n\
                [[fault]]\nid = \"b\"\nkind = \"pump.over_infusion\"\ngain = 1.2\nwhen = \"csf_l3_ng_per_ml < 150\"\n";
    let run = run(4.0, pair);
    assert_eq!(count(&run, "fault.a.start"), 1);
    assert_eq!(count(&run, "fault.b.start"), 1);
    assert_eq!(
        time(&run, "fault.a.start").to_bits(),
        time(&run, "fault.b.start").to_bits()
    );
}

#[test]
fn trap_14_what_is_true_at_the_start_strikes_at_the_start() {
    let run = run(
        1.0,
        "[[fault]]\nid = \"at-once\"\nkind = \"pump.over_infusion\"\ngain = 1.1\nwhen = \"reservoir_ml < 19\"\n",
    );
    assert_eq!(count(&run, "fault.at-once.start"), 1);
    assert!(
        time(&run, "fault.at-once.start") * 3.6e12 < 2.0,
        "within two nanoseconds"
    );
}

#[test]
fn trap_15_acts_that_change_nothing_change_no_bit() {
    // Reading the pump ends the tone of an alarm, so somebody must have heard it before.
    let run = |days: f64, blocks: &str| {
        let heard = text(days, blocks).replace("[patient]", "[patient]\nalarm = { heard = \"always\" }");
        run_with(&scenario(&heard), &RunOptions::default())
    };
    let plain = run(5.0, EVENTFUL);
    for (id, act) in [
        ("read", "interrogate = true"),
        ("lie", "posture = \"supine\""),
        ("alone", "ventilate = false"),
        ("nobody", "missed_refill = true"),
        ("nothing", "repair = [\"leak\"]"),
    ] {
        // Off the grid of rows and steps, before anything happens, and in the fall.
        let acts = format!(
            "[[action]]\nid = \"{id}\"\nat = \"7.123 h\"\n{act}\n[[action]]\nid = \"{id}2\"\nat = \"25.37 h\"\n{act}\n"
        );
        let with = run(5.0, &format!("{EVENTFUL}{acts}"));
        assert_eq!(count(&with, &format!("action.{id}.done")), 1);
        assert_same_rows(&plain, &with, act);
        let others: Vec<(i64, String)> = instants(&with)
            .into_iter()
            .filter(|(_, name)| !name.starts_with(&format!("action.{id}")))
            .collect();
        assert_eq!(instants(&plain), others, "{act}");
    }
}

#[test]
fn trap_16_a_request_off_the_grid_of_the_pump_is_delivered_on_the_grid() {
    // 401 ug/day of 2 mg/mL is 0.2005 mL/day; the pump turns in steps of 0.001 mL/day.
    let odd = format!("{}{}", head(1.0), MAINTENANCE.replace("400 ug/day", "401 ug/day"));
    let run = run_with(&scenario(&odd), &RunOptions::default());
    let flow = at(&run, "flow_ml_per_day", 12.0);
    let steps = flow / 0.001;
    assert!((steps - steps.round()).abs() < 1e-9, "{flow} mL/day");
    assert!((flow - 0.2005).abs() > 4e-4, "{flow} mL/day is what was asked for");
    let delivered = at(&run, "delivered_ug_per_day", 12.0);
    assert!((delivered - 2000.0 * flow).abs() < 1e-9, "{delivered} ug/day");
}

#[test]
fn trap_17_cutting_a_run_into_pieces_changes_nothing() {
    let scenario = scenario(&text(5.0, EVENTFUL));
    let whole = run_with(&scenario, &RunOptions::default());
    let mut run = Run::new(&scenario, &Registry::builtin(), &RunOptions::default()).expect("a run");
    for k in 1..=40 {
        let until = SimTime::from_hours(f64::from(k) * 3.01).expect("a time");
        run.run_until(until).expect("a piece");
    }
    run.run_until(scenario.duration).expect("the rest");
    assert_eq!(whole, run.finish());
}

#[test]
fn trap_18_a_refused_run_is_an_error_and_never_an_empty_result() {
    let mut s = scenario(&text(1.0, ""));
    s.pump.fill = 25.0;
    let error = itbsim::simulation::simulate(&s, &Registry::builtin(), &RunOptions::default())
        .expect_err("25 mL do not go into 20 mL");
    assert!(error.to_string().contains("25"), "{error}");
}

#[test]
fn trap_20_two_runs_are_equal_in_everything() {
    let scenario = scenario(&text(5.0, EVENTFUL));
    let options = RunOptions {
        keep_jumps: true,
        record_system: true,
        ..RunOptions::default()
    };
    let (one, two) = (run_with(&scenario, &options), run_with(&scenario, &options));
    assert_eq!(one, two);
    assert_eq!(bits(&one.trajectory), bits(&two.trajectory));
}

/// A naive patient with a still pump and needles at T12 at 2 h and 40 h: the fluid at T5 sees
/// each go up and down again with no event between.
fn two_waves(faults: &str) -> String {
    format!(
        "{}{}{faults}",
        head(4.0).replace("established", "naive"),
        r#"
[[programme]]
id = "none"
at = "0 d"
stopped = true
[[action]]
id = "one"
at = "2 h"
lumbar_bolus = { dose = "50 ug", level = "T12", over = "1 min" }
[[action]]
id = "two"
at = "40 h"
lumbar_bolus = { dose = "80 ug", level = "T12", over = "1 min" }
"#
    )
}

#[test]
fn trap_21_a_short_stay_beyond_a_level_within_one_long_step_is_found() {
    const SIGNAL: &str = "csf_t5_ng_per_ml";
    let quiet = run_with(&scenario(&two_waves("")), &sampled(1.0));
    let wave = |from: f64, to: f64| {
        column(&quiet, SIGNAL)
            .into_iter()
            .filter(|(t, _)| (from..to).contains(t))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .expect("rows")
    };
    let (first_peak, second_peak) = (wave(0.0, 40.0), wave(40.0, 96.0));
    assert!(second_peak.1 > 1.2 * first_peak.1);
    // Nothing happens around the first peak.
    let near = instants(&quiet)
        .into_iter()
        .filter(|(t, _)| (*t as f64 / 3.6e12 - first_peak.0).abs() < 0.02)
        .count();
    assert_eq!(near, 0, "{}", listing(&quiet));

    let low = first_peak.1 * (1.0 - 1e-5);
    let high = second_peak.1 * (1.0 - 1e-5);
    let faults = format!(
        "[[fault]]\nid = \"low\"\nkind = \"pump.telemetry_hang\"\nwhen = \"{SIGNAL} > {low}\"\n\
         [[fault]]\nid = \"high\"\nkind = \"pump.telemetry_hang\"\nwhen = \"{SIGNAL} > {high}\"\n"
    );
    let run = run_with(&scenario(&two_waves(&faults)), &sampled(60.0));
    for (name, peak, level) in [("low", first_peak, low), ("high", second_peak, high)] {
        let met = time(&run, &format!("condition.{name}.met"));
        assert_eq!(count(&run, &format!("fault.{name}.start")), 1);
        assert!(
            met < peak.0 && peak.0 - met < 0.2,
            "{name}: {met} h, the peak is at {} h",
            peak.0
        );
        let before = column(&quiet, SIGNAL)
            .into_iter()
            .filter(|(t, v)| *t < met && *v > level)
            .count();
        assert_eq!(before, 0, "{name} was beyond its level before {met} h");
    }
}

#[test]
fn trap_21_a_level_no_symptom_waits_for_does_not_hide_a_condition_behind_it() {
    // Levels that matter to no symptom in its phase are passed over by the search; a
    // condition behind one must still be met on time, whatever comes next.
    let faults = "[[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"1 d\"\n";
    let quiet = run_with(&scenario(&text(6.0, faults)), &sampled(1.0));
    for (signal, levels) in [
        ("csf_l3_ng_per_ml", [300.0, 150.0, 75.0, 30.0, 10.0, 3.0]),
        ("effect_legs", [0.8, 0.7, 0.5, 0.3, 0.2, 0.1]),
    ] {
        let values = column(&quiet, signal);
        let mut tested = 0;
        for level in levels {
            let Some((by, _)) = values.iter().find(|(_, v)| *v < level) else {
                continue;
            };
            if *by == 0.0 {
                continue;
            }
            tested += 1;
            let watched = format!(
                "{faults}[[fault]]\nid = \"then\"\nkind = \"pump.telemetry_hang\"\nwhen = \"{signal} < {level}\"\n"
            );
            let run = run_with(&scenario(&text(6.0, &watched)), &sampled(360.0));
            let met = time(&run, "condition.then.met");
            assert!(
                met <= *by && met >= by - 1.0 / 60.0 - 1e-9,
                "{signal} < {level}: met at {met} h, seen by {by} h"
            );
        }
        assert!(tested >= 3, "{signal} falls through {tested} levels");
    }
}

#[test]
fn support_counts_from_its_instant_also_where_a_step_of_the_slow_states_ends() {
    // The rate changes at 12 h, so a step ends there; the patient does not breathe enough by then.
    let run = |instant: &str| {
        let blocks = format!(
            r#"
[[programme]]
id = "flex"
at = "1 h"
flex = {{ steps = [ {{ at = "00:00", rate = "380 ug/day" }}, {{ at = "12:00", rate = "420 ug/day" }} ] }}
[[action]]
id = "slip"
at = "11.4 h"
lumbar_bolus = {{ dose = "4 mg", level = "T4", over = "1 min" }}
[[action]]
id = "air"
at = "{instant}"
ventilate = true
"#
        );
        run_with(&scenario(&text(1.0, &blocks)), &sampled(1.0))
    };
    let (there, behind) = (run("12 h"), run("12.000001 h"));
    let hypoxia = |run: &_, hours| at(run, "hypoxia", hours);
    assert!(hypoxia(&there, 12.0) > 0.01, "{}", hypoxia(&there, 12.0));
    for minutes in 1..=60 {
        let hours = 12.0 + f64::from(minutes) / 60.0;
        let (a, b) = (hypoxia(&there, hours), hypoxia(&behind, hours));
        assert!((a - b).abs() < 1e-5, "{a} and {b} at {hours} h");
        assert!(a < hypoxia(&there, 12.0));
    }
}
