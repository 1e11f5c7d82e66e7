//! Batches: the same bytes however they are run, statistics with known answers, refusals.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use itbsim::batch::{self, Batch, BatchError, Settings, Shard, State, Watcher, tables};
use itbsim::hazards::{self, Bias};
use itbsim::scenario::model::{Fault, FaultKind, Story};
use itbsim::simulation::{FaultMechanism, Plant, Registry, RunOptions, SimError, simulate};

const STORY: &str = r#"
title = "Two weeks of many"
duration = "14 d"
sample = "1 d"
[population]
name = "adult-spinal"
[patient]
history = "established"
[hazards]
generation = "silicone"
scale = 400.0
[pump]
age = "90 d"
reservoir = { fill = "18 mL", concentration = "2 mg/mL" }
[[programme]]
at = "0 d"
simple_continuous = "300 ug/day"
"#;

const ARMS: &str = r#"
[[arm]]
id = "as-is"
[[arm]]
id = "higher"
set = { "programme.simple_continuous.simple_continuous" = "400 ug/day" }
"#;

fn story(text: &str) -> Story {
    itbsim::scenario::load_str("many", text, None, &Registry::builtin().catalog()).unwrap()
}

fn prepared(text: &str, settings: Settings) -> Batch {
    Batch::new(&story(text), Registry::builtin(), settings).unwrap()
}

fn many(n: u64) -> Settings {
    Settings {
        n,
        seed: Some(7),
        signals: vec!["spasm_score".to_owned(), "csf_l3_ng_per_ml".to_owned()],
        ..Settings::default()
    }
}

/// Runs to the end, or until so many replicates are done.
fn run(batch: &Batch, shard: Shard, folder: &Path, threads: usize, stop_after: u64) -> Result<batch::Part, BatchError> {
    let stop = AtomicBool::new(false);
    let tick = |done: u64, _: u64| {
        if done >= stop_after {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let watcher = Watcher {
        stop: &stop,
        tick: &tick,
    };
    batch::work(batch, shard, folder, threads, true, &watcher)
}

/// Every table of a batch, as bytes.
fn all_tables(batch: &Batch, state: &State, rows: &Path) -> Vec<Vec<u8>> {
    let identity = batch.identity();
    let mut out = vec![fs::read(rows.join(batch::ROWS)).unwrap()];
    let mut table = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        write(&mut bytes);
        assert!(!bytes.is_empty());
        out.push(bytes);
    };
    table(&|b| tables::write_outcomes(identity, state, b).unwrap());
    table(&|b| tables::write_bands(identity, state, b).unwrap());
    table(&|b| tables::write_incidence(identity, state, b).unwrap());
    table(&|b| tables::write_survival(identity, state, b).unwrap());
    table(&|b| tables::write_times(identity, state, b).unwrap());
    table(&|b| tables::write_differences(identity, state, b).unwrap());
    table(&|b| {
        let summary = tables::summary(identity, state, identity.n);
        b.extend(serde_json::to_vec(&summary).unwrap());
    });
    out
}

#[test]
fn trap_05_threads_shards_and_a_stop_leave_the_same_bytes() {
    let desk = tempfile::tempdir().unwrap();
    let text = format!("{STORY}{ARMS}").replace("[[programme]]", "[[programme]]\nid = \"simple_continuous\"");
    let batch = prepared(&text, many(70));
    let at = |name: &str| desk.path().join(name);
    let serial = run(&batch, Shard::WHOLE, &at("one"), 1, u64::MAX).unwrap();
    assert!(serial.is_whole());
    let expected = all_tables(&batch, &serial.state, &at("one"));
    for threads in [2, 8] {
        let folder = at(&format!("threads-{threads}"));
        let part = run(&batch, Shard::WHOLE, &folder, threads, u64::MAX).unwrap();
        assert!(
            expected == all_tables(&batch, &part.state, &folder),
            "{threads} threads"
        );
    }
    // Stopped in the middle of the second chunk, then gone on with other threads.
    let stopped = run(&batch, Shard::WHOLE, &at("stopped"), 2, 66).unwrap();
    assert!(!stopped.is_whole() && stopped.next >= 64, "{}", stopped.next);
    let resumed = run(&batch, Shard::WHOLE, &at("stopped"), 1, u64::MAX).unwrap();
    assert!(expected == all_tables(&batch, &resumed.state, &at("stopped")));

    let parts: Vec<PathBuf> = (1..=3)
        .map(|number| {
            let folder = at(&format!("shard-{number}"));
            run(&batch, Shard { number, of: 3 }, &folder, 2, u64::MAX).unwrap();
            folder
        })
        .collect();
    let shuffled = [parts[2].clone(), parts[0].clone(), parts[1].clone()];
    let (identity, state, sorted) = batch::join_parts(&shuffled).unwrap();
    assert_eq!((&identity, &sorted), (batch.identity(), &parts));
    fs::create_dir(at("merged")).unwrap();
    batch::copy_rows(&sorted, &mut fs::File::create(at("merged").join(batch::ROWS)).unwrap()).unwrap();
    assert!(expected == all_tables(&batch, &state, &at("merged")));

    // What does not belong together, or is not whole, is refused.
    let missing = batch::join_parts(&[parts[0].clone(), parts[2].clone()]).unwrap_err();
    assert!(
        matches!(
            missing,
            BatchError::Missing {
                from: 23,
                to: 45,
                n: 70
            }
        ),
        "{missing}"
    );
    let twice = batch::join_parts(&[parts[0].clone(), parts[1].clone(), parts[1].clone(), parts[2].clone()]);
    assert!(matches!(twice.unwrap_err(), BatchError::Twice { from: 23, to: 45, .. }));
    let other = prepared(
        &text,
        Settings {
            seed: Some(8),
            ..many(70)
        },
    );
    run(&other, Shard { number: 2, of: 3 }, &at("other"), 2, u64::MAX).unwrap();
    let different = batch::join_parts(&[parts[0].clone(), at("other"), parts[2].clone()]).unwrap_err();
    assert!(
        different.to_string().contains("the seed is 7 here and 8 there"),
        "{different}"
    );
    let going_on = run(&other, Shard { number: 1, of: 3 }, &parts[0], 1, u64::MAX).unwrap_err();
    assert!(
        matches!(going_on, BatchError::Different { what: "the seed", .. }),
        "{going_on}"
    );

    let file = parts[1].join(batch::PART);
    let whole = fs::read(&file).unwrap();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..cut]).unwrap();
        let error = batch::join_parts(&parts).unwrap_err();
        assert!(matches!(error, BatchError::Damaged { .. }), "{cut}: {error}");
    }
    let mut bent = whole.clone();
    bent[whole.len() / 2] ^= 1;
    fs::write(&file, &bent).unwrap();
    assert!(matches!(batch::read_part(&parts[1]), Err(BatchError::Damaged { .. })));
    fs::write(&file, &whole).unwrap();
    let rows = parts[1].join(batch::ROWS);
    let length = fs::metadata(&rows).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&rows)
        .unwrap()
        .set_len(length - 3)
        .unwrap();
    let error = batch::copy_rows(&parts, &mut std::io::sink()).unwrap_err();
    assert!(matches!(error, BatchError::Damaged { .. }), "{error}");
}

/// Bands of a signal as `bands.csv` has them: time, level, value, low, high.
fn bands(batch: &Batch, state: &State, signal: &str) -> Vec<[Option<f64>; 5]> {
    let mut bytes = Vec::new();
    tables::write_bands(batch.identity(), state, &mut bytes).unwrap();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows = reader.records().map(Result::unwrap).filter(|r| &r[3] == signal);
    rows.map(|r| [0, 6, 7, 8, 9].map(|i| r[i].parse().ok())).collect()
}

#[test]
fn bands_of_a_steady_dose_are_that_dose_and_bands_of_any_are_those_of_the_sorted_values() {
    let text = STORY
        .replace("[hazards]\ngeneration = \"silicone\"\nscale = 400.0\n", "")
        .replace("[pump]\n", "[pump]\ngain = 1.0\n")
        .replace("300 ug/day", "400 ug/day");
    let names = ["delivered_ug_per_day", "spasm_score"];
    let settings = Settings {
        signals: names.map(str::to_owned).to_vec(),
        ..many(60)
    };
    let batch = prepared(&text, settings);
    let runs: Vec<batch::Replicate> = (0..60).map(|i| batch.replicate(i)).collect();
    let mut state = State::new(batch.identity());
    // The last ones first: order is not to be seen.
    state.fold(&batch.grid(), runs[30..].to_vec());
    state.fold(&batch.grid(), runs[..30].to_vec());
    for (signal, name) in names.into_iter().enumerate() {
        let found = bands(&batch, &state, name);
        assert_eq!(found.len(), 15 * 5, "{name}");
        for [time, level, value, low, high] in found {
            let (time, level, value) = (time.unwrap(), level.unwrap(), value.unwrap());
            let row = (time / 24.0).round() as usize;
            let mut values: Vec<f64> = runs
                .iter()
                .map(|r| r.arms[0].as_ref().unwrap().rows[row][signal + 1])
                .collect();
            values.sort_by(f64::total_cmp);
            let exact = values[(level * 60.0).ceil() as usize - 1];
            // `bands.csv` is written to nine digits.
            let width = (exact.abs() / 128.0).max(1.0 / 4096.0);
            assert!((value - exact).abs() <= width, "{name} {time} {level}: {value} {exact}");
            if values[0] == values[59] {
                let spread = [Some(value), low, high].into_iter().flatten();
                spread.for_each(|x| assert!((x - exact).abs() <= 1e-8 * exact, "{name} {time}: {x} {exact}"));
            }
        }
    }
    // The dose itself: once the pump flows it never moves.
    let steady = bands(&batch, &state, "delivered_ug_per_day");
    for [time, _, value, ..] in steady.into_iter().filter(|b| b[0] > Some(24.0)) {
        assert!((value.unwrap() - 400.0).abs() < 1e-6, "{time:?}: {value:?}");
    }
}

#[test]
fn a_part_of_an_older_layout_is_refused_by_name_and_not_as_damaged() {
    use sha2::{Digest, Sha256};
    let batch = prepared(STORY, many(2));
    let desk = tempfile::tempdir().unwrap();
    run(&batch, Shard::WHOLE, desk.path(), 1, u64::MAX).unwrap();
    let file = desk.path().join(batch::PART);
    let body = fs::read_to_string(&file).unwrap();
    let body = body.split_inclusive('\n').next().unwrap();
    let seal = |body: &str| {
        let hash: String = Sha256::digest(body).iter().map(|b| format!("{b:02x}")).collect();
        format!("{body}sha256 {hash}\n")
    };
    let older = body.replacen("\"layout\":3", "\"layout\":2", 1);
    assert_ne!(older, body);
    // One whose counts still read, and one whose counts do not.
    for text in [
        older.clone(),
        older.replacen("\"state\":{", "\"state\":{\"arms\":7,\"was\":{", 1) + "}",
    ] {
        fs::write(&file, seal(&text)).unwrap();
        let error = batch::read_part(desk.path()).unwrap_err();
        assert!(
            matches!(
                error,
                BatchError::Layout {
                    found: 2,
                    needed: 3,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("run that shard again"), "{error}");
    }
    fs::write(&file, seal(body)).unwrap();
    assert!(batch::read_part(desk.path()).is_ok());
}

#[test]
fn trap_17_a_replicate_alone_is_the_replicate_of_the_batch() {
    let batch = prepared(STORY, many(40));
    let scenario = &story(STORY).arms[0].scenario;
    for index in [0, 1, 17, 39] {
        let among = batch.replicate(index).arms.remove(0).unwrap();
        let mut alone = scenario.clone();
        alone.replicate = Some(index);
        let options = RunOptions {
            seed: Some(7),
            ..RunOptions::default()
        };
        let run = simulate(&alone, &Registry::builtin(), &options).unwrap();
        assert_eq!(run.fingerprint, among.fingerprint, "replicate {index}");
        assert_eq!(run.outcomes.rows(), among.outcomes, "replicate {index}");
        // The few columns of a batch have the bits of the whole rows.
        let place = |name: &str| run.columns.iter().position(|c| c == name).unwrap();
        let places = [
            0,
            place("spasm_score"),
            place("csf_l3_ng_per_ml"),
            place("ashworth_legs"),
            place("gcs"),
        ];
        assert_eq!(run.rows.len(), among.rows.len());
        for (whole, few) in run.rows.iter().zip(&among.rows) {
            let picked: Vec<u64> = places.iter().map(|p| whole[*p].to_bits()).collect();
            let few: Vec<u64> = few.iter().map(|v| v.to_bits()).collect();
            assert_eq!(few, picked);
        }
    }
}

#[test]
fn every_column_alone_has_the_bits_it_has_in_the_row() {
    let scenario = &story(STORY).arms[0].scenario;
    let all = simulate(scenario, &Registry::builtin(), &RunOptions::default()).unwrap();
    let options = RunOptions {
        columns: Some((1..all.columns.len()).collect::<Vec<_>>().into()),
        ..RunOptions::default()
    };
    let each = simulate(scenario, &Registry::builtin(), &options).unwrap();
    assert_eq!(each.columns, all.columns);
    assert_eq!(each.rows, all.rows);
    assert_eq!(each.fingerprint, all.fingerprint);
    assert!(each.ledger.is_empty() && !all.ledger.is_empty());
}

#[test]
fn two_levels_are_the_same_bytes_however_they_are_run() {
    let desk = tempfile::tempdir().unwrap();
    let text = format!("{STORY}{ARMS}").replace("[[programme]]", "[[programme]]\nid = \"simple_continuous\"");
    let outer = batch::Outer {
        draws: 4,
        ranges: vec![("response.withdrawal.muscle_rate".to_owned(), 0.02, 2.0)],
    };
    let settings = Settings { outer, ..many(18) };
    let batch = prepared(&text, settings.clone());
    assert_eq!(batch.identity().n, 72);
    let at = |name: &str| desk.path().join(name);
    let tables = |state: &State, rows: &Path| {
        let mut all = all_tables(&batch, state, rows);
        for write in [
            batch::uncertainty::write_levels,
            batch::uncertainty::write_uncertainty,
            batch::uncertainty::write_bands,
        ] {
            let mut bytes = Vec::new();
            write(batch.identity(), state, &mut bytes).unwrap();
            assert!(bytes.iter().filter(|b| **b == b'\n').count() > 20);
            all.push(bytes);
        }
        all
    };
    let serial = run(&batch, Shard::WHOLE, &at("one"), 1, u64::MAX).unwrap();
    let expected = tables(&serial.state, &at("one"));
    let stopped = run(&batch, Shard::WHOLE, &at("stopped"), 2, 66).unwrap();
    assert!(!stopped.is_whole());
    let resumed = run(&batch, Shard::WHOLE, &at("stopped"), 2, u64::MAX).unwrap();
    assert!(expected == tables(&resumed.state, &at("stopped")));
    // A shard may end within a draw.
    let parts: Vec<PathBuf> = (1..=3)
        .map(|number| {
            let folder = at(&format!("shard-{number}"));
            run(&batch, Shard { number, of: 3 }, &folder, 2, u64::MAX).unwrap();
            folder
        })
        .collect();
    let (_, state, sorted) = batch::join_parts(&parts).unwrap();
    fs::create_dir(at("merged")).unwrap();
    batch::copy_rows(&sorted, &mut fs::File::create(at("merged").join(batch::ROWS)).unwrap()).unwrap();
    assert!(expected == tables(&state, &at("merged")));

    // What is counted by draw adds up to the whole, and the rows say which draw is whose.
    for arm in &serial.state.arms {
        assert_eq!(arm.levels.draws.len(), 4);
        assert!(arm.levels.draws.iter().all(|d| d.weights.n == 18));
        for (i, outcome) in arm.outcomes.iter().enumerate() {
            let n: u64 = arm.levels.draws.iter().map(|d| d.outcomes[i].moments.n()).sum();
            assert_eq!(n, outcome.moments.n());
        }
    }
    let rows = String::from_utf8(expected[0].clone()).unwrap();
    for (row, line) in csv::Reader::from_reader(rows.as_bytes()).records().enumerate() {
        assert_eq!(line.unwrap()[1], (row / 2 / 18).to_string());
    }

    // Another draw is another population, the same for both arms; and a replicate can be run alone.
    let scenario = &story(&text).arms[1].scenario;
    for index in [3_u64, 40, 71] {
        let among = batch.replicate(index).arms.remove(1).unwrap();
        let mut alone = scenario.clone();
        settings.outer.put(&mut alone, 7, index / 18);
        alone.replicate = Some(index);
        let options = RunOptions {
            seed: Some(7),
            ..RunOptions::default()
        };
        let run = simulate(&alone, &Registry::builtin(), &options).unwrap();
        assert_eq!(run.fingerprint, among.fingerprint, "replicate {index}");
    }
    let drawn = |draw: u64| {
        let mut moved = scenario.clone();
        settings.outer.put(&mut moved, 7, draw);
        let typical = |key: &str| {
            let spec = moved.population.as_ref().unwrap();
            spec.distributions().iter().find(|d| d.key == key).unwrap().typical
        };
        (
            typical("response.effect.ec50"),
            moved.parameters.get("response.withdrawal.muscle_rate"),
        )
    };
    assert!(drawn(0).0 != drawn(1).0 && drawn(0).1 != drawn(1).1);
    assert_eq!(drawn(2), drawn(2));
    assert!((0.02..=2.0).contains(&drawn(3).1));
}

#[test]
fn an_outer_level_needs_something_uncertain_and_a_number_of_draws_that_can_be() {
    let refuse = |text: &str, draws: u64, n: u64| {
        let outer = batch::Outer {
            draws,
            ranges: Vec::new(),
        };
        let settings = Settings { outer, ..many(n) };
        Batch::new(&story(text), Registry::builtin(), settings).err().unwrap()
    };
    for (draws, n) in [(1, 5), (501, 5)] {
        let error = refuse(STORY, draws, n);
        assert!(matches!(error, BatchError::Outer { .. }), "{error}");
    }
    for (draws, n) in [(0, batch::MOST_REPLICATES + 1), (2, u64::MAX), (500, 2_000_001)] {
        let error = refuse(STORY, draws, n);
        assert!(matches!(error, BatchError::Many { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("more than 1000000000, the limit of one batch"),
            "{error}"
        );
    }
    let certain = STORY.replace("[population]\nname = \"adult-spinal\"\n", "");
    assert!(matches!(refuse(&certain, 4, 5), BatchError::Certain { .. }));
}

#[test]
fn a_part_that_claims_a_size_no_batch_has_is_refused_before_memory_is_taken() {
    use sha2::{Digest, Sha256};
    let batch = Batch::new(&story(STORY), Registry::builtin(), many(2)).unwrap();
    let part = batch::Part {
        identity: batch.identity().clone(),
        from: 0,
        next: 0,
        to: 2,
        rows_length: 0,
        rows_hash: String::new(),
        state: State::new(batch.identity()),
    };
    let mut bytes = Vec::new();
    batch::write_part(&part, &mut bytes).unwrap();
    let whole = String::from_utf8(bytes).unwrap();
    let body = whole.split_once('\n').unwrap().0;
    let read = |body: &str| {
        let body = format!("{body}\n");
        let seal: String = Sha256::digest(&body).iter().map(|b| format!("{b:02x}")).collect();
        batch::parse_part(
            format!("{body}sha256 {seal}\n").as_bytes(),
            std::path::Path::new("part.json"),
        )
    };
    assert_eq!(read(body).unwrap(), part);
    let of = |key: &str| {
        let from = body.find(key).unwrap() + key.len();
        let to = from + body[from..].find([',', '}']).unwrap();
        move |value: &str| format!("{}{value}{}", &body[..from], &body[to..])
    };
    for (key, value) in [
        ("\"sample_ns\":", "1"),
        ("\"sample_ns\":", "0"),
        ("\"sample_ns\":", "-5"),
        ("\"duration_ns\":", "9223372036854775807"),
        ("\"duration_ns\":", "-1"),
        ("\"draws\":", "18446744073709551615"),
        ("\"n\":", "18446744073709551615"),
    ] {
        let error = read(&of(key)(value)).unwrap_err().to_string();
        assert!(error.contains("no batch can be as it says"), "{key}{value}: {error}");
    }
    // Nothing is sampled, but at as many instants as there are.
    let mut silent: serde_json::Value = serde_json::from_str(body).unwrap();
    silent["identity"]["signals"] = serde_json::json!([]);
    silent["identity"]["sample_ns"] = serde_json::json!(1);
    silent["state"]["arms"][0]["signals"] = serde_json::json!([]);
    let error = read(&silent.to_string()).unwrap_err().to_string();
    assert!(error.contains("no batch can be as it says"), "{error}");
    // Sums that would be taken from one another, rows of another shape, more than there can be.
    let heap = serde_json::json!({ "n": 1, "w": 4_294_967_296_u64, "ww": 4_294_967_296_u64 });
    let many = serde_json::json!({ "n": u64::MAX, "w": 1, "ww": 1 });
    for (key, value) in [
        ("courses", serde_json::json!([{ "replicate": 0, "rows": [[]] }])),
        ("weights", many.clone()),
        ("failed", serde_json::json!(u64::MAX)),
        ("ends", serde_json::json!({ "3": many })),
        (
            "clocks",
            serde_json::json!({ "death": { "events": { "3": heap }, "ends": { "3": heap } } }),
        ),
        ("hours", serde_json::json!([67, [i64::MAX]])),
    ] {
        let mut broken: serde_json::Value = serde_json::from_str(body).unwrap();
        broken["state"]["arms"][0][key] = value;
        let error = read(&broken.to_string()).unwrap_err().to_string();
        assert!(error.contains("does not"), "{key}: {error}");
    }
}

/// A fault that no model survives.
struct Trap;

impl FaultMechanism for Trap {
    fn apply(&self, id: &str, _: f64, _: &mut Plant<'_>) -> Result<(), SimError> {
        if id == "panics" {
            panic!("on purpose");
        }
        Err(SimError::FaultField {
            id: id.to_owned(),
            field: "sense".to_owned(),
        })
    }
}

fn trap(_: &Fault) -> Result<std::sync::Arc<dyn FaultMechanism>, SimError> {
    Ok(std::sync::Arc::new(Trap))
}

#[test]
fn trap_18_failed_replicates_are_counted_and_named_and_the_rest_goes_on() {
    let kind = FaultKind {
        kind: "pump.trap",
        hazard: "H-99",
        mechanism: "fails the run",
        fields: &[],
    };
    let with_trap = || {
        let mut registry = Registry::builtin();
        registry.add_fault(kind, trap);
        registry
    };
    let text = format!(
        "{}\n[[fault]]\nid = \"errs\"\nkind = \"pump.trap\"\nhazard = \"0.02 /d\"\n\
         [[fault]]\nid = \"panics\"\nkind = \"pump.trap\"\nhazard = \"0.01 /d\"\n",
        STORY.replace("scale = 400.0", "scale = 0.0")
    );
    let story = itbsim::scenario::load_str("many", &text, None, &with_trap().catalog()).unwrap();
    let batch = Batch::new(&story, with_trap(), many(60)).unwrap();
    let desk = tempfile::tempdir().unwrap();
    let part = run(&batch, Shard::WHOLE, desk.path(), 2, u64::MAX).unwrap();
    let arm = &part.state.arms[0];
    assert_eq!(arm.done() + arm.failed, 60);
    assert!(arm.failed > 5 && arm.failed < 45, "{}", arm.failed);
    assert_eq!(arm.failures.len() as u64, arm.failed);
    assert!(arm.failures.windows(2).all(|w| w[0].replicate < w[1].replicate));
    let said = |words: &str| arm.failures.iter().filter(|f| f.reason.contains(words)).count();
    assert!(said("`errs`") > 0 && said("on purpose") > 0, "{:?}", arm.failures);
    for failure in &arm.failures {
        let again = batch.replicate(failure.replicate).arms.remove(0).unwrap_err();
        assert_eq!(again, failure.reason, "it fails alone as it did");
    }
    // Every table says how many ran of how many.
    let mut bytes = Vec::new();
    tables::write_outcomes(batch.identity(), &part.state, &mut bytes).unwrap();
    let table = String::from_utf8(bytes).unwrap();
    assert!(
        table
            .lines()
            .skip(1)
            .all(|l| l.split(',').nth(4) == Some(&arm.done().to_string()))
    );
    assert!(table.lines().skip(1).all(|l| l.split(',').nth(5) == Some("60")));
    let rows = fs::read_to_string(desk.path().join(batch::ROWS)).unwrap();
    assert_eq!(
        rows.lines().filter(|l| l.contains(",failed,")).count() as u64,
        arm.failed
    );
    let cells = rows.lines().next().unwrap().split(',').count();
    for record in csv::Reader::from_reader(rows.as_bytes()).records() {
        assert_eq!(record.unwrap().len(), cells);
    }
}

#[test]
fn pairs_share_their_luck_and_need_fewer_replicates() {
    let text = format!("{STORY}{ARMS}").replace("[[programme]]", "[[programme]]\nid = \"simple_continuous\"");
    let batch = prepared(&text, many(50));
    let desk = tempfile::tempdir().unwrap();
    let part = run(&batch, Shard::WHOLE, desk.path(), 2, u64::MAX).unwrap();
    assert!(part.state.arms[0].pairs.is_empty());
    let pairs = &part.state.arms[1].pairs;
    let fault = pairs.iter().find(|p| p.name == "fault_h").unwrap();
    let found = fault.difference.estimate().unwrap();
    assert!(found.n > 10, "{}", found.n);
    assert_eq!((found.mean, found.error), (0.0, Some(0.0)), "a dose moves no fault");
    let control = pairs.iter().find(|p| p.name == "good_control_percent").unwrap();
    let ratio = tables::variance_ratio(control).unwrap();
    assert!(ratio > 1.5, "{ratio}");
    let mean = |m: &batch::Moments| m.estimate().unwrap().mean;
    let difference = mean(&control.own) - mean(&control.first);
    assert!((mean(&control.difference) - difference).abs() < 1e-10);
}

#[test]
fn a_rare_fault_has_its_known_incidence_under_tilted_draws() {
    let text = STORY.replace("scale = 400.0", "scale = 4.0").replace("14 d", "5 d");
    let scenario = &story(&text).arms[0].scenario;
    let kink = hazards::of_scenario(scenario)
        .into_iter()
        .find(|h| h.kind == "catheter.kink")
        .unwrap();
    let (age, days) = (scenario.pump.age, scenario.duration.hours());
    let truth = 1.0 - libm::exp(kink.shape.cumulative(age) - kink.shape.cumulative(age + days));
    assert!(truth < 2e-3, "{truth}");
    let estimate = |bias: Bias| {
        let batch = prepared(&text, Settings { bias, ..many(240) });
        let mut state = State::new(batch.identity());
        let replicates = (0..240).map(|i| batch.replicate(i)).collect();
        state.fold(&batch.grid(), replicates);
        state
    };
    let state = estimate(Bias {
        factors: vec![("catheter.kink".to_owned(), 300.0)],
        given: None,
    });
    let points = &batch::aalen_johansen(&state.arms[0].first)["catheter.kink"];
    let last = points.last().unwrap();
    // Others may come first; at these rates they take less than the error.
    assert!(
        (last.value - truth).abs() < 3.0 * last.error,
        "{} {truth} {}",
        last.value,
        last.error
    );
    let plain = (truth * (1.0 - truth) / 240.0).sqrt();
    assert!(last.error < 0.3 * plain, "{} against {plain}", last.error);
    assert!(state.arms[0].effective() < 240.0);

    let state = estimate(Bias {
        factors: Vec::new(),
        given: Some(hazards::Given {
            kind: "catheter.kink".to_owned(),
        }),
    });
    let [all, given, other] = &state.arms[..] else {
        panic!("three views");
    };
    assert_eq!((all.done(), given.done(), other.done()), (240, 120, 120));
    let share = 1.0
        - all
            .survival("fault.catheter.kink")
            .unwrap()
            .points
            .last()
            .unwrap()
            .value;
    assert!((share - truth).abs() < 1e-3 * truth, "{share} {truth}");
    assert_eq!(
        given
            .survival("fault.catheter.kink")
            .unwrap()
            .points
            .last()
            .unwrap()
            .value,
        0.0
    );
    assert!(other.survival("fault.catheter.kink").is_none());
}

#[test]
fn what_no_batch_can_be_is_refused_in_words() {
    let refuse = |settings: Settings| {
        Batch::new(&story(STORY), Registry::builtin(), settings)
            .map(drop)
            .unwrap_err()
    };
    assert!(matches!(refuse(Settings { n: 0, ..many(1) }), BatchError::Empty { .. }));
    let signal = refuse(Settings {
        signals: vec!["spasm_skore".to_owned()],
        ..many(1)
    });
    assert!(
        matches!(&signal, BatchError::Signal { near: Some(near), .. } if near == "spasm_score"),
        "{signal}"
    );
    let bias = refuse(Settings {
        bias: Bias {
            factors: vec![("pump.kink".to_owned(), 2.0)],
            given: None,
        },
        ..many(1)
    });
    assert!(bias.to_string().contains("`pump.kink` never comes by chance"), "{bias}");
}

#[test]
fn a_folder_that_cannot_be_written_stops_the_batch_and_keeps_what_was_saved() {
    let batch = prepared(STORY, many(70));
    let desk = tempfile::tempdir().unwrap();
    let blocked = desk.path().join("file");
    fs::write(&blocked, "in the way").unwrap();
    let error = run(&batch, Shard::WHOLE, &blocked, 1, u64::MAX).unwrap_err();
    assert!(matches!(error, BatchError::Io { .. }), "{error}");
    assert_eq!(fs::read_to_string(&blocked).unwrap(), "in the way");

    // The state cannot be replaced any more: a folder stands where its new version goes.
    let folder = desk.path().join("work");
    let stopped = run(&batch, Shard::WHOLE, &folder, 1, 20).unwrap();
    fs::create_dir(folder.join(".part.json.new")).unwrap();
    let error = run(&batch, Shard::WHOLE, &folder, 1, u64::MAX).unwrap_err();
    assert!(matches!(error, BatchError::Io { .. }), "{error}");
    let kept = batch::read_part(&folder).unwrap();
    assert_eq!(kept.next, stopped.next);
    fs::remove_dir(folder.join(".part.json.new")).unwrap();
    assert!(run(&batch, Shard::WHOLE, &folder, 1, u64::MAX).unwrap().is_whole());
}
