//! Pump families, their faults and their surroundings in whole scenarios: what the loader
//! refuses, and that accounts, storage and order hold where the pump does unusual things.

use itbsim::scenario::load_str;
use itbsim::simulation::{LEDGER_LIMIT, Registry, Run, RunOptions, RunResult, simulate};

/// A file with a pump of a family and further blocks.
fn file(family: &str, pump: &str, more: &str) -> String {
    let programme = if family == "gas-pressure" {
        ""
    } else {
        "[[programme]]\nid = \"maintenance\"\nat = \"0 d\"\nsimple_continuous = \"400 ug/day\"\n"
    };
    let reservoir = if pump.contains("reservoir") {
        ""
    } else {
        "reservoir = { fill = \"15 mL\", concentration = \"1 mg/mL\" }\n"
    };
    format!(
        "title = \"A test\"\nduration = \"10 d\"\nsample = \"1 h\"\n[patient]\nhistory = \"established\"\n\
         [pump]\nfamily = \"{family}\"\ngain = 1.0\n{reservoir}{pump}\n{programme}{more}"
    )
}

fn refusal(text: &str) -> String {
    load_str("case.toml", text, None, &Registry::builtin().catalog())
        .expect_err("a mistake")
        .to_string()
}

fn run(text: &str) -> RunResult {
    let registry = Registry::builtin();
    let story = load_str("case.toml", text, None, &registry.catalog()).unwrap_or_else(|e| panic!("{e}"));
    let run = simulate(&story.arms[0].scenario, &registry, &RunOptions::default()).unwrap_or_else(|e| panic!("{e}"));
    assert!(run.ledger_residual <= LEDGER_LIMIT, "{:e}", run.ledger_residual);
    run
}

fn when(run: &RunResult, name: &str) -> Option<f64> {
    run.events.iter().find(|e| e.name() == name).map(|e| e.time_h)
}

fn column(run: &RunResult, name: &str, hours: f64) -> f64 {
    let index = run.columns.iter().position(|c| c == name).expect("a column");
    run.rows.iter().rfind(|r| r[0] <= hours).expect("a row")[index]
}

fn fault(kind: &str, lines: &str) -> String {
    format!("[[fault]]\nid = \"f\"\nkind = \"{kind}\"\nat = \"2 d\"\n{lines}\n")
}

fn act(id: &str, at: &str, line: &str) -> String {
    format!("[[action]]\nid = \"{id}\"\nat = \"{at}\"\n{line}\n")
}

mod the_loader {
    use super::*;

    #[test]
    fn refuses_a_fault_that_the_family_cannot_have_with_place_and_families() {
        let text = refusal(&file("gas-pressure", "", &fault("pump.stall", "")));
        for part in [
            "error: a `gas-pressure` pump cannot have the fault `pump.stall`",
            "--> case.toml:13:8",
            "^^^^^^^^^^^^",
            "help: `peristaltic` can",
            "`pump.restrictor_blocked`",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let text = refusal(&file("peristaltic", "", &fault("pump.valve_stuck_shut", "")));
        assert!(text.contains("help: `valve-gated` can"), "{text}");
    }

    #[test]
    fn takes_every_fault_of_every_family_with_that_family() {
        let registry = Registry::builtin();
        let catalog = registry.catalog();
        for family in registry.pumps.families() {
            for name in family.faults {
                let kind = catalog.fault_kinds.iter().find(|k| k.kind == *name).expect("a kind");
                let fields: Vec<String> = kind
                    .fields
                    .iter()
                    .filter(|f| f.default.is_none())
                    .map(|f| match (f.words, f.unit) {
                        ([word, ..], _) => format!("{} = \"{word}\"", f.name),
                        (_, "1") => format!("{} = {}", f.name, f.low.max(1.2)),
                        (_, unit) => format!("{} = \"{} {unit}\"", f.name, f.low.max(0.01)),
                    })
                    .collect();
                run(&file(family.name, "", &fault(name, &fields.join("\n"))));
            }
        }
    }

    #[test]
    fn refuses_a_programme_and_a_change_of_dose_on_a_pump_without_one() {
        let programme = "[[programme]]\nat = \"1 d\"\nsimple_continuous = \"400 ug/day\"\n";
        let text = refusal(&file("gas-pressure", "", programme));
        for part in [
            "error: a `gas-pressure` pump cannot be programmed",
            "13 | simple_continuous = \"400 ug/day\"",
            "choose the dose by the concentration",
            "`peristaltic` and `valve-gated` can be programmed",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let text = refusal(&file("gas-pressure", "", &act("up", "1 d", "raise_dose = \"10 %\"")));
        assert!(text.contains("14 | raise_dose"), "{text}");
    }

    #[test]
    fn refuses_a_reset_of_a_valve_that_is_not_there() {
        let text = refusal(&file("peristaltic", "", &act("r", "1 d", "reset_valve = true")));
        assert!(
            text.contains("`reset_valve` means nothing to a `peristaltic` pump"),
            "{text}"
        );
        assert!(text.contains("help: `valve-gated` can"), "{text}");
    }

    #[test]
    fn knows_the_range_of_each_family() {
        // 27.5 mL/day: beyond the rotor, within the valves.
        let bolus = "[[programme]]\nat = \"1 d\"\nsingle_bolus = { dose = \"1130 ug\", over = \"1 h\" }\n";
        let text = refusal(&file("peristaltic", "", bolus));
        assert!(text.contains("outside the pump's 0.048 to 24 mL/day"), "{text}");
        run(&file("valve-gated", "", bolus));
    }

    #[test]
    fn lets_a_refill_beyond_capacity_happen_only_as_a_fault() {
        let refill = act(
            "r",
            "3 d",
            "refill = { volume = \"21 mL\", concentration = \"1 mg/mL\" }",
        );
        let text = refusal(&file("peristaltic", "", &refill));
        assert!(text.contains("add a [[fault]] of kind `pump.overfill`"), "{text}");
        let forced = fault("pump.overfill", "volume = \"2 mL\"");
        let run = run(&file("peristaltic", "", &format!("{forced}{refill}")));
        // 20 kPa past the rotor at first, against a programme of 0.4 mL/day.
        assert!(column(&run, "flow_ml_per_day", 73.0) > 0.8);
        assert!((column(&run, "flow_ml_per_day", 230.0) - 0.4).abs() < 1e-9);
        assert_eq!(when(&run, "delivery.rose"), Some(72.0));
    }

    #[test]
    fn refuses_air_and_warmth_that_cannot_be() {
        for line in [
            "altitude = { to = \"12 km\", over = \"1 h\" }",
            "altitude = { to = \"12000 m\", over = \"1 h\" }",
            "air_pressure = { to = \"1 kPa\", over = \"1 h\" }",
            "pump_temperature = { to = \"60 degC\", over = \"1 h\" }",
            "pump_temperature = { to = \"39 degC\" }",
        ] {
            refusal(&file("gas-pressure", "", &act("a", "1 d", line)));
        }
    }
}

mod accounts_hold {
    use super::*;

    #[test]
    fn when_the_reservoir_is_dumped_behind_a_front_of_concentration() {
        let generation = "[parameters]\n\"pump.valve.generation\" = 1\n";
        let refill = act(
            "r",
            "1 d",
            "refill = { volume = \"18 mL\", concentration = \"500 ug/mL\" }",
        );
        // Three hours on, the new drug has come a tenth of the way.
        let scan = act("scan", "27 h", "mri = \"30 min\"");
        let run = run(&file("valve-gated", "", &format!("{generation}{refill}{scan}")));
        assert!(when(&run, "pump.empty").is_some_and(|t| t < 27.2));
        assert!(when(&run, "catheter.front").is_some());
        // 18 mL at 500 on 1.2 mL at 1000 that stays below.
        let mixed = (18.0 * 500.0 + 1.2 * 1000.0) / 19.2;
        assert!((column(&run, "catheter_tip_ug_per_ml", 28.0) / mixed - 1.0).abs() < 1e-9);
    }

    #[test]
    fn when_a_leak_takes_part_of_what_is_dumped() {
        let generation = "[parameters]\n\"pump.valve.generation\" = 1\n";
        let leak = "[[fault]]\nid = \"leak\"\nkind = \"catheter.leak\"\nat = \"1 d\"\nposition = \"20 cm\"\n\
                    conductance = \"5 mL/h/kPa\"\ninto = \"subcutaneous\"\n";
        let scan = act("scan", "2 d", "mri = \"30 min\"");
        let run = run(&file("valve-gated", "", &format!("{generation}{leak}{scan}")));
        let last = run.ledger.last().expect("a row");
        assert!(last.leaked_ug > 1000.0 && last.delivered_ug > 1000.0, "{last:?}");
    }

    #[test]
    fn when_spinal_fluid_is_drawn_back_and_none_comes_through_a_closed_line() {
        let sessions: String = (1..5)
            .map(|d| {
                act(
                    &format!("s{d}"),
                    &format!("{d} d"),
                    "air_pressure = { to = \"2 ATA\", over = \"90 min\" }",
                )
            })
            .collect();
        let leaky = "[parameters]\n\"pump.hyperbaric.backflow\" = \"0.01 mL/(h kPa)\"\n";
        let open = run(&file("peristaltic", "", &format!("{leaky}{sessions}")));
        let gap = |run: &RunResult| column(run, "reservoir_ml", 119.0) - column(run, "believed_reservoir_ml", 119.0);
        // 0.01 mL/(h kPa) x 101.325 kPa x 90 min, four times; what the rotor does not bring
        // forward meanwhile comes on top of its own.
        assert!((gap(&open) - 4.0 * 1.5 * 1.01325).abs() < 1e-6, "{}", gap(&open));
        assert!(
            column(&open, "reservoir_ug_per_ml", 119.0) < 900.0,
            "spinal fluid dilutes it"
        );
        let plug = fault("catheter.occlusion", "position = \"80 cm\"").replace("2 d", "12 h");
        let closed = run(&file("peristaltic", "", &format!("{leaky}{plug}{sessions}")));
        assert_eq!(column(&closed, "reservoir_ug_per_ml", 119.0), 1000.0);
    }
}

#[test]
fn a_run_stored_in_the_middle_of_an_exposure_goes_on_with_the_same_bits() {
    let more = [
        act(
            "fever",
            "1 d",
            "pump_temperature = { to = \"40 degC\", over = \"5 d\" }",
        ),
        act("flight", "2 d", "altitude = { to = \"2400 m\", over = \"12 h\" }"),
        fault(
            "pump.restrictor_blocked",
            "resistance = 3\nprofile = { ramp = \"4 d\" }",
        ),
    ]
    .concat();
    let registry = Registry::builtin();
    let story = load_str("case.toml", &file("gas-pressure", "", &more), None, &registry.catalog()).unwrap();
    let scenario = &story.arms[0].scenario;
    let options = RunOptions::default();
    let whole = simulate(scenario, &registry, &options).unwrap();
    let mut first = Run::new(scenario, &registry, &options).unwrap();
    first
        .run_until(itbsim::engine::SimTime::from_hours(51.0).unwrap())
        .unwrap();
    let text = serde_json::to_string(&first.save().unwrap()).unwrap();
    let mut second = Run::restore(scenario, &registry, &options, &serde_json::from_str(&text).unwrap()).unwrap();
    second.run_until(scenario.duration).unwrap();
    let second = second.finish();
    assert_eq!(second.fingerprint, whole.fingerprint);
    assert_eq!(second.rows, whole.rows);
}

#[test]
fn of_two_exposures_the_later_holds_and_the_earlier_comes_back() {
    let more = [
        act(
            "fever",
            "1 d",
            "pump_temperature = { to = \"38 degC\", over = \"4 d\" }",
        ),
        act("bath", "2 d", "pump_temperature = { to = \"40 degC\", over = \"1 h\" }"),
    ]
    .concat();
    let run = run(&file("gas-pressure", "", &more));
    let flow = |h: f64| column(&run, "flow_ml_per_day", h);
    assert!(flow(48.5) > flow(47.0) && flow(47.0) > flow(20.0));
    assert_eq!(flow(50.0), flow(47.0));
    assert_eq!(flow(130.0), flow(20.0));
}

#[test]
fn an_established_patient_on_a_gas_pump_starts_in_balance_with_its_flow() {
    let run = run(&file("gas-pressure", "", ""));
    let level = |h: f64| column(&run, "csf_l3_ng_per_ml", h);
    assert!(
        (level(200.0) / level(0.0) - 1.0).abs() < 1e-3,
        "{} {}",
        level(0.0),
        level(200.0)
    );
    assert_eq!(when(&run, "pump.started"), Some(0.0));
}

#[test]
fn an_overdose_is_owed_to_the_rise_though_the_pump_is_empty_when_it_shows() {
    let generation = "[parameters]\n\"pump.valve.generation\" = 1\n";
    let scan = act("scan", "1 d", "mri = \"30 min\"");
    let run = run(&file("valve-gated", "", &format!("{generation}{scan}")));
    let chain = itbsim::simulation::why::chain(&run, "symptom.coma.onset").expect("a coma");
    let names: Vec<String> = chain.iter().map(itbsim::simulation::EventRow::name).collect();
    assert_eq!(
        names,
        [
            "action.scan.done",
            "delivery.rose",
            "symptom.coma.entered",
            "symptom.coma.onset"
        ]
    );
}

#[test]
fn a_chance_that_the_family_cannot_have_is_refused_unless_it_is_switched_off() {
    let rate = "[hazards]\n\"pump.stall\" = { constant = \"0.1 /year\" }\n";
    let text = refusal(&file("valve-gated", "", rate));
    assert!(
        text.contains("a `valve-gated` pump cannot have the fault `pump.stall`"),
        "{text}"
    );
    assert!(text.contains("help: `peristaltic` can"), "{text}");
    run(&file(
        "valve-gated",
        "",
        "[hazards]\n\"pump.stall\" = { enabled = false }\n",
    ));
    run(&file("peristaltic", "", rate));
}

#[test]
fn running_dry_is_owed_to_the_over_infusion_though_the_pump_was_refilled_since() {
    let more = [
        fault("pump.over_infusion", "gain = 6.0"),
        act(
            "refill",
            "3 d",
            "refill = { volume = \"12 mL\", concentration = \"1 mg/mL\" }",
        ),
    ]
    .concat();
    let run = run(&file("peristaltic", "", &more));
    let chain = itbsim::simulation::why::chain(&run, "pump.empty").expect("it runs dry");
    assert_eq!(chain[0].name(), "fault.f.start");
}
