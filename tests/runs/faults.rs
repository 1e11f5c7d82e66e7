//! Faults from a scenario text to what can be measured: triggers, profiles, repair, and
//! each kind doing what its mechanism says.

use crate::run_common::{at, column, count, event, head, listing, run, run_with, sampled, scenario, text, time};
use itbsim::simulation::{LEDGER_LIMIT, RAMP_STEPS, Registry, RunOptions, RunResult, simulate};

fn fault(kind: &str, rest: &str) -> String {
    format!("[[fault]]\nid = \"f\"\nkind = \"{kind}\"\n{rest}\n")
}

const DELIVERED: &str = "delivered_ug_per_day";

/// Leaked so far at the end \[ug\].
fn leaked(run: &RunResult) -> f64 {
    run.ledger.last().expect("rows").leaked_ug
}

// ---- triggers and profiles

#[test]
fn a_step_is_full_at_its_moment() {
    let run = run(2.0, &fault("pump.stall", "at = \"1 d\""));
    assert_eq!(time(&run, "fault.f.start"), 24.0);
    assert_eq!(at(&run, DELIVERED, 23.0), 400.0);
    assert_eq!(at(&run, DELIVERED, 24.0), 0.0);
    assert_eq!(count(&run, "fault.f.full"), 0);
    assert_eq!(count(&run, "fault.f.end"), 0);
}

#[test]
fn a_moment_can_be_counted_from_an_event() {
    let run = run(
        4.0,
        &format!(
            "{}[[fault]]\nid = \"g\"\nkind = \"pump.over_infusion\"\nat = \"f.start + 7 h\"\ngain = 1.2\nuntil = \"f.end + 2 h\"\n",
            fault(
                "catheter.migration",
                "at = \"1 d\"\nuntil = \"50 h\"\nto = \"epidural\""
            )
        ),
    );
    assert_eq!(time(&run, "fault.g.start"), 31.0);
    assert_eq!(time(&run, "fault.g.end"), 52.0);
}

#[test]
fn a_ramp_climbs_in_equal_steps_and_leaks_as_much_as_a_straight_line_would() {
    let leak = "at = \"1 d\"\nposition = \"30 cm\"\nconductance = \"0.0002 mL/h/kPa\"\ninto = \"subcutaneous\"\n";
    let ramp = run(
        5.0,
        &fault("catheter.leak", &format!("{leak}profile = {{ ramp = \"2 d\" }}")),
    );
    assert_eq!(count(&ramp, "fault.f.start"), 1);
    assert_eq!(count(&ramp, "fault.f.progress"), RAMP_STEPS as usize - 1);
    assert_eq!(count(&ramp, "fault.f.full"), 1);
    assert_eq!(time(&ramp, "fault.f.full"), 72.0);
    let steps: Vec<f64> = ramp
        .events
        .iter()
        .filter(|e| e.component == "fault.f")
        .map(|e| e.time_h)
        .collect();
    for pair in steps.windows(2) {
        assert!((pair[1] - pair[0] - 2.0).abs() < 1e-9, "{steps:?}");
    }
    let falling: Vec<f64> = column(&ramp, DELIVERED).into_iter().map(|(_, v)| v).collect();
    assert!(
        falling.windows(2).all(|w| w[1] <= w[0] + 1e-9),
        "delivery only falls while the leak grows"
    );

    // A small leak takes in proportion to its severity: half of it on average over the ramp.
    let step = run(5.0, &fault("catheter.leak", leak));
    let rate = leaked(&step) / 96.0;
    let expected = rate * (0.5 * 48.0 + 48.0);
    let found = leaked(&ramp);
    assert!(
        rate > 0.0 && (found / expected - 1.0).abs() < 0.01,
        "{found} ug, a line gives {expected} ug"
    );
}

#[test]
fn intermittence_comes_and_goes_on_time() {
    let run = run(
        3.0,
        &fault(
            "pump.telemetry_hang",
            "at = \"1 d\"\nprofile = { intermittent = { on = \"3 h\", off = \"5 h\" } }",
        ),
    );
    let stages: Vec<(f64, &str)> = run
        .events
        .iter()
        .filter(|e| e.component == "fault.f")
        .map(|e| (e.time_h, e.kind.as_str()))
        .collect();
    let expected: [(f64, &str); 13] = [
        (24.0, "start"),
        (27.0, "off"),
        (32.0, "on"),
        (35.0, "off"),
        (40.0, "on"),
        (43.0, "off"),
        (48.0, "on"),
        (51.0, "off"),
        (56.0, "on"),
        (59.0, "off"),
        (64.0, "on"),
        (67.0, "off"),
        (72.0, "on"),
    ];
    assert_eq!(stages, expected);
    for (hours, flows) in [(25.0, false), (28.0, true), (33.0, false), (36.0, true)] {
        assert_eq!(at(&run, DELIVERED, hours) > 0.0, flows, "at {hours} h");
    }
}

#[test]
fn a_fault_in_a_posture_follows_the_body() {
    let run = run(
        3.0,
        &format!(
            "{}{}",
            fault(
                "catheter.disconnection",
                "at = \"12 h\"\nposition = \"20 cm\"\ninto = \"subcutaneous\"\nprofile = { in_posture = \"upright\" }"
            ),
            "[[action]]\nid = \"up\"\nat = \"1 d\"\nposture = \"upright\"\n\
             [[action]]\nid = \"down\"\nat = \"2 d\"\nposture = \"supine\"\n"
        ),
    );
    assert_eq!(time(&run, "fault.f.start"), 12.0);
    assert_eq!(time(&run, "fault.f.on"), 24.0);
    assert_eq!(time(&run, "fault.f.off"), 48.0);
    assert_eq!(at(&run, DELIVERED, 13.0), 400.0, "nothing happens lying down");
    assert!(at(&run, DELIVERED, 25.0) < 1.0, "all of it goes under the skin upright");
    let grown = |a: f64, b: f64| {
        let of = |h: f64| run.ledger.iter().rfind(|r| r.time_h <= h).expect("rows").leaked_ug;
        of(b) - of(a)
    };
    assert_eq!(grown(0.0, 24.0), 0.0);
    // The day's dose, and what spinal fluid on its way out pushes from the last 69 cm.
    let expected = 400.0 + 69.0 * 0.0022 * 2000.0;
    assert!((grown(24.0, 48.0) - expected).abs() < 0.1, "{} ug", grown(24.0, 48.0));
    assert!(grown(49.0, 72.0) < 1.0, "{} ug", grown(49.0, 72.0));
}

#[test]
fn a_fault_ends_by_itself_at_its_until_and_does_not_come_again() {
    let run = run(
        3.0,
        &fault(
            "pump.telemetry_hang",
            "at = \"1 d\"\nuntil = \"30 h\"\nprofile = { ramp = \"12 h\" }",
        ),
    );
    assert_eq!(time(&run, "fault.f.end"), 30.0);
    let after = run
        .events
        .iter()
        .filter(|e| e.component == "fault.f" && e.time_h > 30.0)
        .count();
    assert_eq!(after, 0, "{}", listing(&run));
    assert!(at(&run, DELIVERED, 31.0) > 0.0);
}

#[test]
fn a_repair_ends_what_is_there_and_nothing_else() {
    let run = run(
        4.0,
        &format!(
            "{}{}",
            fault("pump.stall", "at = \"1 d\""),
            "[[fault]]\nid = \"later\"\nkind = \"catheter.migration\"\nto = \"epidural\"\nat = \"3 d\"\n\
             [[action]]\nid = \"mend\"\nat = \"2 d\"\nrepair = [\"f\", \"later\"]\n"
        ),
    );
    assert_eq!(time(&run, "fault.f.end"), 48.0);
    let mend = event(&run, "action.mend.done").event_id;
    assert_eq!(event(&run, "fault.f.end").caused_by, mend);
    assert_eq!(at(&run, DELIVERED, 49.0), 400.0);
    assert_eq!(count(&run, "fault.later.end"), 0);
    assert_eq!(
        at(&run, DELIVERED, 73.0),
        0.0,
        "what was mended too early comes all the same"
    );
}

#[test]
fn a_condition_on_a_device_signal_is_met_where_arithmetic_says() {
    // 18 mL at 0.2 mL/day: 17.5 mL are left after 2.5 days.
    let run = run(4.0, &fault("pump.stall", "when = \"reservoir_ml < 17.5\""));
    let met = time(&run, "condition.f.met");
    assert!((met - 60.0).abs() < 1e-6, "{met} h");
    assert_eq!(time(&run, "fault.f.start"), met);
    assert_eq!(
        event(&run, "fault.f.start").caused_by,
        event(&run, "condition.f.met").event_id
    );
}

#[test]
fn a_condition_that_never_comes_true_never_strikes() {
    let run = run(3.0, &fault("pump.stall", "when = \"csf_l3_ng_per_ml > 100000\""));
    assert_eq!(count(&run, "condition.f.met"), 0);
    assert_eq!(count(&run, "fault.f.start"), 0);
}

#[test]
fn a_hazard_strikes_with_its_mean_waiting_time() {
    let scenario = scenario(&text(
        60.0,
        &fault("pump.over_infusion", "hazard = \"0.1 /d\"\ngain = 1.0"),
    ));
    let registry = Registry::builtin();
    let waits: Vec<f64> = (0..60)
        .map(|replicate| {
            let options = RunOptions {
                replicate,
                observe: false,
                ..Default::default()
            };
            let run = simulate(&scenario, &registry, &options).expect("a run");
            run.events
                .iter()
                .find(|e| e.name() == "fault.f.start")
                .map_or(1440.0, |e| e.time_h)
        })
        .collect();
    // Mean of an exponential of 240 h cut at 1440 h; three standard errors of 60 draws.
    let mean = waits.iter().sum::<f64>() / 60.0;
    let expected = 240.0 * (1.0 - (-6.0_f64).exp());
    assert!((mean - expected).abs() < 3.0 * 240.0 / 60.0_f64.sqrt(), "{mean} h");
    let never = run(60.0, &fault("pump.stall", "hazard = \"0 /d\""));
    assert_eq!(count(&never, "fault.f.start"), 0);
}

// ---- what each kind does

#[test]
fn every_registered_kind_runs_at_full_severity_and_after_its_repair() {
    let registry = Registry::builtin();
    let kinds = registry.catalog().fault_kinds;
    assert!(kinds.len() >= 10);
    for kind in kinds {
        let mut fields = String::new();
        for spec in kind.fields {
            let value = if spec.unit.is_empty() {
                // `level` stands for the name of any level.
                let word = spec.words.iter().find(|w| **w != "level");
                format!("\"{}\"", word.copied().unwrap_or("T10"))
            } else {
                let number = match spec.name {
                    "position" => 30.0,
                    "bore" => 0.0,
                    _ => spec.default.unwrap_or((0.5_f64).clamp(spec.low, spec.high)),
                };
                if spec.unit == "1" {
                    format!("{number}")
                } else {
                    format!("\"{number} {}\"", spec.unit.replace("mL/(h kPa)", "mL/h/kPa"))
                }
            };
            fields.push_str(&format!("{} = {value}\n", spec.name));
        }
        let block = fault(kind.kind, &format!("at = \"1 d\"\nuntil = \"60 h\"\n{fields}"));
        // The line's faults go with any pump; the pump's with one that can have it.
        let able = registry.pumps.families().find(|f| f.faults.contains(&kind.kind));
        let family = able.map_or("peristaltic", |f| f.name);
        let all = if registry.pumps.families().any(|f| f.name == family && f.rates.is_none()) {
            // 0.4 mL/day of 1 mg/mL is what its programme would be.
            format!("{}{block}", head(4.0)).replace("concentration = \"2 mg/mL\"", "concentration = \"1 mg/mL\"")
        } else {
            text(4.0, &block)
        };
        let text = all.replace("family = \"peristaltic\"", &format!("family = \"{family}\""));
        // A safety valve that has shut is no part of the fault and is not repaired with it.
        let reset = match family {
            "valve-gated" => "[[action]]\nat = \"61 h\"\nreset_valve = true\n",
            _ => "",
        };
        let run = run_with(&scenario(&format!("{text}{reset}")), &RunOptions::default());
        assert_eq!(count(&run, "fault.f.start"), 1, "{}", kind.kind);
        assert_eq!(count(&run, "fault.f.end"), 1, "{}", kind.kind);
        assert!(run.ledger_residual <= LEDGER_LIMIT, "{}", kind.kind);
        let end = at(&run, DELIVERED, 96.0);
        assert!(end > 300.0, "{} is gone, and {end} ug/day arrive", kind.kind);
    }
}

#[test]
fn a_stalled_pump_delivers_nothing_and_keeps_its_reservoir() {
    let run = run(3.0, &fault("pump.stall", "at = \"1 d\""));
    assert_eq!(at(&run, DELIVERED, 30.0), 0.0);
    assert_eq!(at(&run, "reservoir_ml", 24.0), at(&run, "reservoir_ml", 72.0));
    assert!(at(&run, "believed_reservoir_ml", 72.0) < at(&run, "reservoir_ml", 72.0) - 0.3);
    let alarm = time(&run, "alarm.motor_stall.raised");
    assert!(alarm > 24.0 && alarm < 26.0, "{alarm} h");
}

#[test]
fn a_field_holds_the_rotor_and_gear_binding_delays_its_restart() {
    let run = run(
        3.0,
        &fault(
            "pump.mri_stall",
            "at = \"1 d\"\nfield = \"40 min\"\nrestart_delay = \"9 h\"",
        ),
    );
    assert_eq!(time(&run, "pump.stalled"), 24.0);
    let restart = time(&run, "pump.restarted");
    assert!((restart - (24.0 + 2.0 / 3.0 + 9.0)).abs() < 1e-9, "{restart} h");
    assert_eq!(at(&run, DELIVERED, 33.0), 0.0);
    assert_eq!(at(&run, DELIVERED, 34.0), 400.0);
}

#[test]
fn an_over_infusing_pump_empties_faster_than_it_believes() {
    let run = run(5.0, &fault("pump.over_infusion", "at = \"0 h\"\ngain = 2.0"));
    let used = 18.0 - at(&run, "reservoir_ml", 96.0);
    let believed = 18.0 - at(&run, "believed_reservoir_ml", 96.0);
    assert!((believed - 0.8).abs() < 1e-9, "{believed} mL");
    assert!((used - 1.6).abs() < 1e-9, "{used} mL");
    assert!((at(&run, DELIVERED, 48.0) - 800.0).abs() < 1e-9);
}

#[test]
fn a_lost_programme_leaves_the_minimum_rate_until_the_pump_is_programmed_again() {
    let run = run(
        4.0,
        &format!(
            "{}[[programme]]\nid = \"again\"\nat = \"2 d\"\nsimple_continuous = \"300 ug/day\"\n",
            fault("pump.memory_error", "at = \"1 d\"\ncritical = 1")
        ),
    );
    let flow = at(&run, "flow_ml_per_day", 30.0);
    assert!((flow - 0.006).abs() < 1e-12, "{flow} mL/day");
    assert_eq!(count(&run, "alarm.memory_error.raised"), 1);
    assert!((at(&run, DELIVERED, 49.0) - 300.0).abs() < 1e-9);
    let mild = run_mild();
    assert_eq!(
        at(&mild, DELIVERED, 30.0),
        400.0,
        "an error that is not critical leaves the programme"
    );
}

fn run_mild() -> RunResult {
    run(2.0, &fault("pump.memory_error", "at = \"1 d\"\ncritical = 0"))
}

#[test]
fn a_hang_in_telemetry_is_silent_and_ends_when_the_pump_is_read() {
    let run = run(
        3.0,
        &format!(
            "{}[[action]]\nid = \"read\"\nat = \"50 h\"\ninterrogate = true\n",
            fault("pump.telemetry_hang", "at = \"1 d\"")
        ),
    );
    assert_eq!(at(&run, DELIVERED, 49.0), 0.0);
    assert_eq!(at(&run, DELIVERED, 51.0), 400.0);
    assert_eq!(time(&run, "pump.restarted"), 50.0);
    let alarms = run
        .events
        .iter()
        .filter(|e| e.component.starts_with("alarm") && e.time_h < 50.0)
        .count();
    assert_eq!(alarms, 0, "{}", listing(&run));
}

#[test]
fn a_closed_kink_stops_delivery_and_gives_back_what_the_wall_stored() {
    let run = run_with(
        &scenario(&text(
            4.0,
            &fault(
                "catheter.kink",
                "at = \"1 d\"\nuntil = \"2 d\"\nposition = \"40 cm\"\nbore = 0.0",
            ),
        )),
        &sampled(5.0),
    );
    assert_eq!(at(&run, DELIVERED, 25.0), 0.0);
    assert!(
        at(&run, "catheter_pressure_kpa", 47.0) > 50.0,
        "the pump pushes against it"
    );
    let delivered = |h: f64| run.ledger.iter().rfind(|r| r.time_h <= h).expect("rows").delivered_ug;
    let stored = delivered(48.0 + 0.2) - delivered(48.0 - 0.01) - 0.2 * 400.0 / 24.0;
    assert!(stored > 0.1, "{stored} ug come at once");
    assert_eq!(at(&run, DELIVERED, 60.0), 400.0);
    let narrow = self::run(
        2.0,
        &fault("catheter.kink", "at = \"1 d\"\nposition = \"40 cm\"\nbore = 0.2"),
    );
    assert!(
        (at(&narrow, DELIVERED, 40.0) - 400.0).abs() < 1.0,
        "a fifth of the bore is enough"
    );
}

#[test]
fn an_occlusion_stops_delivery_at_full_pressure_and_the_reservoir_stays_full() {
    let run = run(4.0, &fault("catheter.occlusion", "at = \"1 d\"\nposition = \"60 cm\""));
    assert_eq!(at(&run, DELIVERED, 90.0), 0.0);
    assert!(count(&run, "delivery.stopped") == 1);
    let lost = at(&run, "reservoir_ml", 24.0) - at(&run, "reservoir_ml", 96.0);
    assert!(lost < 0.2, "{lost} mL left the pump");
    let pressure = at(&run, "catheter_pressure_kpa", 96.0);
    assert!((pressure - 100.0).abs() < 1e-6, "{pressure} kPa");
}

#[test]
fn a_leak_loses_drug_while_the_reservoir_empties_on_time() {
    let run = run(
        4.0,
        &fault(
            "catheter.leak",
            "at = \"1 d\"\nposition = \"25 cm\"\nconductance = \"0.05 mL/h/kPa\"\ninto = \"subcutaneous\"",
        ),
    );
    let ledger = |h: f64| run.ledger.iter().rfind(|r| r.time_h <= h).expect("rows").leaked_ug;
    assert_eq!(ledger(24.0), 0.0);
    assert!(
        ledger(48.0) > 50.0 && ledger(96.0) > 1.9 * ledger(48.0),
        "{} and {} ug",
        ledger(48.0),
        ledger(96.0)
    );
    assert!((at(&run, "reservoir_ml", 96.0) - (18.0 - 0.8)).abs() < 1e-6);
    assert!(at(&run, DELIVERED, 90.0) < 300.0);
    assert!(at(&run, "depot_subcutaneous_ug", 96.0) > 0.0);
}

#[test]
fn a_disconnected_catheter_gives_everything_to_the_tissue() {
    let run = run(
        3.0,
        &fault(
            "catheter.disconnection",
            "at = \"1 d\"\nposition = \"0 cm\"\ninto = \"subcutaneous\"",
        ),
    );
    assert!(at(&run, DELIVERED, 25.0) < 1e-9);
    let ledger = |h: f64| run.ledger.iter().rfind(|r| r.time_h <= h).expect("rows").leaked_ug;
    let day = ledger(72.0) - ledger(48.0);
    assert!((day - 400.0).abs() < 1.0, "{day} ug in a day");
    assert_eq!(count(&run, "delivery.stopped"), 1);
}

#[test]
fn a_tip_in_a_subdural_pocket_stores_the_dose() {
    let run = run(5.0, &fault("catheter.migration", "at = \"1 d\"\nto = \"subdural\""));
    assert_eq!(at(&run, DELIVERED, 25.0), 0.0);
    let depot: Vec<f64> = [24.0, 48.0, 72.0, 96.0]
        .into_iter()
        .map(|h| at(&run, "depot_subdural_ug", h))
        .collect();
    assert_eq!(depot[0], 0.0);
    assert!(depot.windows(2).all(|w| w[1] > w[0]), "{depot:?}");
    assert!(depot[1] > 50.0, "{depot:?}");
    let elsewhere = self::run(3.0, &fault("catheter.migration", "at = \"1 d\"\nto = \"L3\""));
    assert!(
        (at(&elsewhere, DELIVERED, 48.0) - 400.0).abs() < 1e-9,
        "another level is still the spine"
    );
    assert!(at(&elsewhere, "csf_l3_ng_per_ml", 60.0) > 1.2 * at(&elsewhere, "csf_l3_ng_per_ml", 20.0));
}
