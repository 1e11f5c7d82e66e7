//! Whole runs with drugs beside baclofen, and files that describe one wrongly.

use crate::run_common::{at, bits, column, event, run_with, scenario, time};
use itbsim::engine::SimTime;
use itbsim::scenario::load_str;
use itbsim::simulation::{LEDGER_LIMIT, Registry, Run, RunOptions, RunResult, simulate};
use proptest::prelude::*;

/// A hydrophilic drug, without effects.
const KINETICS: &str = r#"
[[drug]]
id = "morphine"
[drug.kinetics]
csf_loss = "0.3 /h"
csf_plasma_ratio = 0.2
cord_half_life = "0.5 h"
cord_partition = 0.9
effect_fast_half_life = "0.6 h"
effect_slow_half_life = "4 h"
plasma_clearance = "72 L/h"
plasma_volume = "25 L"
plasma_fast_rate = "12 /h"
plasma_half_life = "2.5 h"
renal_share = 0.1
"#;

/// An effect with every slow state there is.
const EFFECT: &str = r#"
[[drug.effect]]
channel = "analgesia"
region = "trunk"
emax = 0.9
ec50 = "0.35 ug/mL"
hill = 1.5
tolerance = { maximum = 2.0, onset = "20 d", decay = "10 d" }
withdrawal = { time = "3 d", rebound = 0.6 }
"#;

fn text(days: f64, concentration: &str, blocks: &str) -> String {
    format!(
        r#"
title = "test"
duration = "{days} d"
sample = "1 h"
[patient]
history = "established"
[pump]
gain = 1.0
reservoir = {{ size = "20 mL", fill = "18 mL", concentration = {concentration}, low_alarm = "2 mL" }}
[[programme]]
id = "maintenance"
at = "0 d"
simple_continuous = "400 ug/day"
{blocks}
"#
    )
}

const MIXED: &str = r#"{ baclofen = "2 mg/mL", morphine = "5 mg/mL" }"#;

fn run(text: &str) -> RunResult {
    run_with(&scenario(text), &RunOptions::default())
}

fn ledger_of(run: &RunResult) -> &[itbsim::simulation::LedgerRow] {
    assert_eq!(run.drug_ledgers[0].0, "morphine");
    &run.drug_ledgers[0].1
}

#[test]
fn in_steady_state_the_plasma_level_is_the_dose_over_the_clearance() {
    let blocks = format!("{KINETICS}{EFFECT}");
    // Programmed in morphine, since there is nothing else.
    let alone = run(&text(3.0, r#"{ morphine = "5 mg/mL" }"#, &blocks));
    let wanted = 400.0 / 24.0 / 72_000.0 * 1000.0; // ng/mL
    for (t, plasma) in column(&alone, "morphine_plasma_ng_per_ml") {
        assert!(
            (plasma - wanted).abs() < 1e-9 * wanted,
            "{plasma} at {t} h, not {wanted}"
        );
    }
    assert!(
        column(&alone, "plasma_ng_per_ml").iter().all(|(_, c)| *c == 0.0),
        "no baclofen"
    );
    assert!(column(&alone, "delivered_ug_per_day").iter().all(|(_, c)| *c == 0.0));
    let delivered = at(&alone, "morphine_delivered_ug_per_day", 24.0);
    assert!((delivered - 400.0).abs() < 1e-9, "{delivered}");
    // Adaptation and tolerance start settled, so nothing moves.
    let relief = column(&alone, "analgesia");
    assert!(relief[0].1 > 0.1);
    assert!(relief.iter().all(|(_, v)| (v - relief[0].1).abs() < 1e-6), "{relief:?}");
    assert!(column(&alone, "drug_withdrawal").iter().all(|(_, v)| *v < 1e-6));
}

#[test]
fn kinetics_of_each_drug_are_linear_and_apart() {
    let blocks = format!("{KINETICS}{EFFECT}");
    let mixed = run(&text(3.0, MIXED, &blocks));
    let without = run(&text(3.0, "\"2 mg/mL\"", ""));
    let csf = |run: &RunResult| column(run, "csf_l3_ng_per_ml");
    assert_eq!(
        csf(&mixed),
        csf(&without),
        "morphine changes nothing of baclofen's kinetics"
    );
    // 2.5 times the dose rate of the run in which it is alone.
    let alone = run(&text(3.0, r#"{ morphine = "5 mg/mL" }"#, &blocks));
    for level in ["s2", "l3", "t10", "c1"] {
        let name = format!("morphine_csf_{level}_ng_per_ml");
        let (a, b) = (at(&mixed, &name, 48.0), at(&alone, &name, 48.0));
        assert!((a - 2.5 * b).abs() < 1e-9 * a, "{name}: {a}, {b}");
    }
}

#[test]
fn a_bolus_by_needle_is_booked_for_its_own_drug() {
    let bolus = r#"
[[action]]
id = "needle"
at = "6 h"
lumbar_bolus = { dose = "300 ug", level = "L3", over = "10 min", drug = "morphine" }
"#;
    let with = run(&text(1.0, MIXED, &format!("{KINETICS}{bolus}")));
    let without = run(&text(1.0, MIXED, KINETICS));
    let last = ledger_of(&with).last().unwrap();
    assert!((last.given_ug - 300.0).abs() < 1e-9);
    assert_eq!(with.ledger.last().unwrap().given_ug, 0.0);
    assert_eq!(column(&with, "csf_l3_ng_per_ml"), column(&without, "csf_l3_ng_per_ml"));
    assert!(at(&with, "morphine_csf_l3_ng_per_ml", 7.0) > at(&without, "morphine_csf_l3_ng_per_ml", 7.0) + 1000.0);
    assert!(event(&with, "action.needle.done").detail.contains("of morphine at L3"));
}

#[test]
fn a_described_drug_that_is_nowhere_changes_no_bit() {
    let plain = run(&text(4.0, "\"2 mg/mL\"", STORY));
    let described = run(&text(4.0, "\"2 mg/mL\"", &format!("{KINETICS}{STORY}")));
    assert_eq!(plain.fingerprint, described.fingerprint);
    let shared = plain.columns.len();
    assert_eq!(plain.columns[..], described.columns[..shared]);
    let cut: Vec<Vec<f64>> = described.rows.iter().map(|r| r[..shared].to_vec()).collect();
    assert_eq!(bits(&plain.rows), bits(&cut));
    assert!(plain.drug_ledgers.is_empty());
}

/// A stall, a leak and a refill.
const STORY: &str = r#"
[[fault]]
id = "leak"
kind = "catheter.leak"
at = "6 h"
until = "30 h"
position = "25 cm"
conductance = "0.01 mL/h/kPa"
into = "subcutaneous"
[[fault]]
id = "stall"
kind = "pump.stall"
at = "40 h"
until = "60 h"
[[action]]
id = "refill"
at = "70 h"
refill = { volume = "18 mL", concentration = "1 mg/mL", label = "2 mg/mL" }
"#;

#[test]
fn a_restored_snapshot_goes_on_with_every_drug() {
    let s = scenario(&text(4.0, MIXED, &format!("{KINETICS}{EFFECT}{STORY}")));
    let (registry, options) = (Registry::builtin(), RunOptions::default());
    let mut whole = Run::new(&s, &registry, &options).unwrap();
    whole.run_until(s.duration).unwrap();
    let mut first = Run::new(&s, &registry, &options).unwrap();
    first.run_until(SimTime::from_hours(45.0).unwrap()).unwrap();
    let saved = serde_json::to_string(&first.save().unwrap()).unwrap();
    let back = serde_json::from_str(&saved).unwrap();
    let mut second = Run::restore(&s, &registry, &options, &back).unwrap();
    second.run_until(s.duration).unwrap();
    let (whole, second) = (whole.finish(), second.finish());
    assert_eq!(whole.fingerprint, second.fingerprint);
    assert_eq!(bits(&whole.rows), bits(&second.rows));
    assert_eq!(whole.drug_ledgers, second.drug_ledgers);
    let other = scenario(&text(4.0, "\"2 mg/mL\"", STORY));
    assert!(
        Run::restore(&other, &registry, &options, &back).is_err(),
        "a state without its drug"
    );
}

#[test]
fn a_condition_on_a_column_of_the_drug_is_met_where_it_crosses() {
    let blocks = format!(
        r#"{KINETICS}
[[action]]
id = "needle"
at = "6 h"
lumbar_bolus = {{ dose = "3 mg", level = "L3", drug = "morphine" }}
[[fault]]
id = "kink"
kind = "catheter.kink"
when = "morphine_csf_t6_ng_per_ml > 3000"
position = "20 cm"
length = "1 cm"
bore = 0.0
"#
    );
    let options = RunOptions {
        keep_jumps: true,
        ..RunOptions::default()
    };
    let run = run_with(&scenario(&text(1.0, MIXED, &blocks)), &options);
    let met = time(&run, "condition.kink.met");
    assert!(met > 6.0, "{met}");
    // Where the fault strikes both limits are kept; they stand at the level.
    let place = run
        .columns
        .iter()
        .position(|c| c == "morphine_csf_t6_ng_per_ml")
        .unwrap();
    let there: Vec<f64> = run
        .trajectory
        .iter()
        .filter(|r| r[0] == met)
        .map(|r| r[place])
        .collect();
    assert!(!there.is_empty());
    assert!(there.iter().all(|v| (v - 3000.0).abs() < 1e-3), "{there:?}");
}

#[test]
fn the_recorded_system_holds_each_drug_apart() {
    let s = scenario(&text(1.0, MIXED, KINETICS));
    let options = RunOptions {
        record_system: true,
        ..RunOptions::default()
    };
    let trace = run_with(&s, &options).system.expect("it was asked for");
    let drug = &trace.drugs["morphine"];
    assert!(drug.outputs.contains_key("morphine_csf_l3_ng_per_ml"));
    assert_ne!(trace.segments[0].a, drug.segments[0].a);
    let json = serde_json::to_value(&trace).unwrap();
    assert!(json["drugs"]["morphine"]["segments"].is_array());
}

#[test]
fn a_wrong_syringe_of_the_other_drug_alone_is_noticed_at_the_tip() {
    let blocks = format!(
        r#"{KINETICS}{EFFECT}
[[action]]
id = "refill"
at = "6 h"
refill = {{ volume = "18 mL", concentration = {{ baclofen = "2 mg/mL", morphine = "10 mg/mL" }} }}
"#
    );
    let run = run(&text(5.0, MIXED, &blocks));
    assert!(
        run.events.iter().all(|e| e.name() != "delivery.rose"),
        "the dose counts baclofen"
    );
    let (before, after) = (
        at(&run, "morphine_delivered_ug_per_day", 24.0),
        at(&run, "morphine_delivered_ug_per_day", 100.0),
    );
    assert!((before - 1000.0).abs() < 1e-6, "{before}");
    // 1.4 mL of the old mixture stay below what can be drawn.
    let wanted = 0.2 * (18.0 * 10_000.0 + 1.4 * 5000.0) / 19.4;
    assert!((after - wanted).abs() < 1.0, "{after}, {wanted}");
    assert!(event(&run, "action.refill.done").detail.contains("morphine 10 mg/mL"));
}

/// A fault block that lasts for a while.
fn block(kind: &str, (at, length): (f64, f64)) -> String {
    format!("[[fault]]\n{kind}\nat = \"{at} h\"\nuntil = \"{} h\"\n", at + length)
}

/// At most one fault of each kind, so that the loader refuses none.
fn faults() -> impl Strategy<Value = String> {
    let when = || (1.0..60.0_f64, 1.0..40.0_f64);
    let stall = when().prop_map(|w| block("id = \"stall\"\nkind = \"pump.stall\"", w));
    let leak = (5.0..60.0_f64, 0.001..0.05_f64, when()).prop_map(|(x, g, w)| {
        let kind = format!(
            "id = \"leak\"\nkind = \"catheter.leak\"\nposition = \"{x} cm\"\nconductance = \"{g} mL/h/kPa\"\ninto = \"subcutaneous\""
        );
        block(&kind, w)
    });
    let kink = (5.0..60.0_f64, 0.0..0.2_f64, when()).prop_map(|(x, b, w)| {
        let kind =
            format!("id = \"kink\"\nkind = \"catheter.kink\"\nposition = \"{x} cm\"\nlength = \"1 cm\"\nbore = {b:?}");
        block(&kind, w)
    });
    let maybe = |s: BoxedStrategy<String>| prop::option::of(s).prop_map(Option::unwrap_or_default);
    (maybe(stall.boxed()), maybe(leak.boxed()), maybe(kink.boxed())).prop_map(|(a, b, c)| a + &b + &c)
}

fn act() -> impl Strategy<Value = String> {
    let concentration = prop_oneof![
        Just("\"1 mg/mL\"".to_owned()),
        Just(MIXED.to_owned()),
        Just(r#"{ morphine = "10 mg/mL" }"#.to_owned()),
    ];
    prop_oneof![
        3 => (5.0..18.0_f64, concentration, 0.0..60.0_f64, any::<bool>()).prop_map(|(volume, c, pocket, draw)| {
            let volume = if draw { volume } else { volume.min(1.5) };
            format!("refill = {{ volume = \"{volume} mL\", concentration = {c}, label = \"2 mg/mL\", pocket_share = \"{pocket} %\", aspirate = {draw} }}")
        }),
        1 => (0.1..3.0_f64).prop_map(|v| format!("inject_contrast = \"{v} mL\"")),
        1 => (0.1..2.0_f64).prop_map(|v| format!("aspirate_catheter = \"{v} mL\"")),
        1 => (10.0..900.0_f64).prop_map(|d| format!("lumbar_bolus = {{ dose = \"{d} ug\", level = \"L3\", drug = \"morphine\" }}")),
        1 => Just("drain_csf = { volume = \"20 mL\", over = \"1 h\" }".to_owned()),
        1 => Just("posture = \"upright\"".to_owned()),
        1 => Just("empty_pump = true".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_accounts_of_every_drug_close_under_random_faults_and_acts(
        faults in faults(),
        acts in prop::collection::vec((act(), 1.0..90.0_f64), 0..5),
        rate in 100.0..1500.0_f64,
    ) {
        let mut blocks = format!("{KINETICS}{EFFECT}{faults}");
        for (i, (act, at)) in acts.iter().enumerate() {
            blocks.push_str(&format!("[[action]]\nid = \"a{i}\"\nat = \"{at} h\"\n{act}\n"));
        }
        let text = text(5.0, MIXED, &blocks).replace("400 ug/day", &format!("{rate} ug/day"));
        let run = simulate(&scenario(&text), &Registry::builtin(), &RunOptions::default());
        // An act that cannot be done (contrast into a closed line, too much into a full pump) ends
        // the run with an error of its own; a ledger that does not close is none of those.
        if let Err(error) = &run {
            prop_assert!(!error.to_string().contains("delivered"), "{error}");
        }
        prop_assume!(run.is_ok());
        let run = run.expect("just seen");
        prop_assert!(run.ledger_residual < LEDGER_LIMIT);
        for row in ledger_of(&run) {
            prop_assert!(row.residual < LEDGER_LIMIT, "{row:?}");
            for part in [row.reservoir_ug, row.catheter_ug, row.delivered_ug, row.leaked_ug, row.body_ug] {
                prop_assert!(part > -1e-6, "{row:?}");
            }
        }
        prop_assert!(run.rows.iter().flatten().all(|v| v.is_finite()));
    }
}

/// Titles and places of all mistakes in a file.
fn mistakes(text: &str) -> Vec<(String, usize, String)> {
    let found = load_str("test.toml", text, None, &Registry::builtin().catalog()).expect_err("a mistake");
    found
        .items()
        .iter()
        .map(|m| {
            let line = found.position(m).map_or(0, |p| p.0);
            (format!("{}: {}", m.code(), m.title()), line, m.helps().join("; "))
        })
        .collect()
}

fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|l| l.contains(part)).expect(part) + 1
}

#[test]
fn mistakes_in_a_drug_are_told_with_their_line_and_what_to_write() {
    let told = |text: &str, title: &str, part: &str, help: &str| {
        let all = mistakes(text);
        let found = all.iter().find(|(t, _, _)| t.contains(title));
        let (_, line, helps) = found.unwrap_or_else(|| panic!("no `{title}` in {all:?}"));
        assert_eq!(*line, line_of(text, part), "{title}");
        assert!(helps.contains(help), "{helps}");
    };
    let with = |concentration: &str, drug: &str| text(1.0, concentration, drug);
    let misspelt = with(r#"{ baclofen = "2 mg/mL", morfine = "5 mg/mL" }"#, KINETICS);
    told(
        &misspelt,
        "unknown-drug: no drug `morfine`",
        "morfine",
        "did you mean `morphine`?",
    );
    let missing = with(MIXED, &KINETICS.replace("csf_loss = \"0.3 /h\"\n", ""));
    told(&missing, "lacks `csf_loss`", "[drug.kinetics]", "add csf_loss =");
    let unit = with(MIXED, &KINETICS.replace("\"0.3 /h\"", "\"0.3 h\""));
    told(&unit, "wrong-dimension: `csf_loss`", "csf_loss", "such as");
    let bare = with(MIXED, &KINETICS.replace("\"0.3 /h\"", "0.3"));
    told(&bare, "no-unit: `csf_loss`", "csf_loss", "in quotes");
    let slip = with(MIXED, &KINETICS.replace("\"72 L/h\"", "\"72 mL/h\""));
    told(&slip, "out-of-range: `plasma_clearance`", "plasma_clearance", "");
    let key = with(MIXED, &KINETICS.replace("csf_loss", "csf_los"));
    told(&key, "unknown key `csf_los`", "csf_los ", "csf_loss");
    let unsourced = with(
        MIXED,
        &KINETICS.replace("\"0.3 /h\"", "{ value = \"0.3 /h\", grade = \"published\" }"),
    );
    told(
        &unsourced,
        "lacks `source`",
        "csf_loss",
        "only an assumed number has none",
    );
    let contradiction = with(MIXED, &KINETICS.replace("\"2.5 h\"", "\"0.1 h\""));
    told(
        &contradiction,
        "contradict one another",
        "plasma_half_life",
        "between the two rates",
    );
    let reserved = with("\"2 mg/mL\"", &KINETICS.replace("\"morphine\"", "\"baclofen\""));
    told(&reserved, "baclofen is built in", "id = \"baclofen\"", "another id");
    let capital = with("\"2 mg/mL\"", &KINETICS.replace("\"morphine\"", "\"Morphine\""));
    told(
        &capital,
        "cannot begin the name of a column",
        "id = \"Morphine\"",
        "small letters",
    );
    let channel = with(MIXED, &format!("{KINETICS}{}", EFFECT.replace("analgesia", "analgesy")));
    told(&channel, "unknown `channel` `analgesy`", "analgesy", "analgesia");
    let share = with(
        MIXED,
        &format!("{KINETICS}{}", EFFECT.replace("emax = 0.9", "emax = \"-20 mmHg\"")),
    );
    told(&share, "`emax`", "emax", "");
    let bolus = with(
        MIXED,
        &format!(
            "{KINETICS}[[action]]\nat = \"1 h\"\nlumbar_bolus = {{ dose = \"1 mg\", level = \"L3\", drug = \"morphin\" }}\n"
        ),
    );
    told(
        &bolus,
        "unknown `drug` `morphin`",
        "lumbar_bolus",
        "did you mean `morphine`?",
    );
    let signal = with(
        MIXED,
        &format!(
            "{KINETICS}[[expect]]\nsignal = \"morphine_plasma_ng_per_m\"\nat = \"1 h\"\nmax = 1\nsource = \"x\"\n"
        ),
    );
    told(
        &signal,
        "morphine_plasma_ng_per_m",
        "morphine_plasma_ng_per_m\"",
        "morphine_plasma_ng_per_ml",
    );
}

#[test]
fn two_drugs_without_baclofen_need_a_word_on_which_one_doses_count() {
    let second = KINETICS.replace("\"morphine\"", "\"clonidine\"");
    let both = r#"{ morphine = "5 mg/mL", clonidine = "1 mg/mL" }"#;
    let drugs = format!("{KINETICS}{second}");
    let all = mistakes(&text(1.0, both, &drugs));
    assert!(all[0].0.contains("lacks `dosed_by`"), "{all:?}");
    let said = text(1.0, &format!("{both}, dosed_by = \"clonidine\""), &drugs);
    let s = scenario(&said);
    assert_eq!(s.drugs[0].id, "clonidine", "sorted by id");
    assert_eq!((s.pump.primary, s.pump.label_concentration), (Some(0), 1000.0));
    let run = run_with(&s, &RunOptions::default());
    assert!((at(&run, "clonidine_delivered_ug_per_day", 12.0) - 400.0).abs() < 1e-9);
    assert!((at(&run, "morphine_delivered_ug_per_day", 12.0) - 2000.0).abs() < 1e-8);
}

#[test]
fn an_arm_can_change_one_number_of_a_drug() {
    let blocks = format!(
        "{KINETICS}[[arm]]\nid = \"as-is\"\n[[arm]]\nid = \"slow\"\nset = {{ \"drug.morphine.kinetics.csf_loss\" = \"0.1 /h\" }}\n"
    );
    let story = crate::run_common::story(&text(1.0, MIXED, &blocks));
    let level = |i: usize| {
        let run = run_with(&story.arms[i].scenario, &RunOptions::default());
        at(&run, "morphine_csf_l3_ng_per_ml", 0.0)
    };
    assert!(level(1) > 1.2 * level(0), "{} {}", level(1), level(0));
}
