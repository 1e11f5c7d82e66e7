//! `itbsim export`: what other tools are given is the system of the run, all of it and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli_common::{Desk, QUIET, stderr, stdout, table};
use crate::run_common::{load_shipped, run_with, scenario, shipped, text};
use itbsim::export::{About, ExportError, nonmem_control, nonmem_table, sbml};
use itbsim::simulation::{RunOptions, RunResult, SystemTrace};
use nalgebra::DMatrix;
use roxmltree::{Document, Node};

/// A new dose, a bolus by needle, and a drain, which changes the matrix twice.
const BUSY: &str = r#"
[[programme]]
id = "more"
at = "8.3 h"
simple_continuous = "450 ug/day"
[[action]]
id = "needle"
at = "5 h"
lumbar_bolus = { dose = "30 ug", level = "L3", over = "2 min" }
[[action]]
id = "drain"
at = "12.5 h"
drain_csf = { volume = "30 mL", over = "40 min" }
"#;

fn about(hash: &str) -> About {
    About {
        title: "a < b & \"c\"".to_owned(),
        scenario: "test".to_owned(),
        arm: String::new(),
        hash: hash.to_owned(),
        seed: 7,
        fingerprint: "0123456789abcdef".to_owned(),
    }
}

fn recorded(scenario: &itbsim::scenario::model::Scenario) -> RunResult {
    run_with(
        scenario,
        &RunOptions {
            record_system: true,
            ..RunOptions::default()
        },
    )
}

fn busy() -> RunResult {
    recorded(&scenario(&text(1.0, BUSY)))
}

fn trace(run: &RunResult) -> &SystemTrace {
    run.system.as_ref().expect("it was asked for")
}

fn own<'a>(node: Node<'a, 'a>, name: &'static str) -> Node<'a, 'a> {
    let mut inside = node.descendants().filter(|n| n.tag_name().name() == name);
    inside.next().unwrap_or_else(|| panic!("no {name} in {node:?}"))
}

fn has<'a>(node: Node<'a, 'a>, attribute: &str) -> &'a str {
    node.attribute(attribute)
        .unwrap_or_else(|| panic!("{node:?} has no {attribute}"))
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

/// Texts of the elements of one name below a node.
fn texts<'a>(node: Node<'a, 'a>, name: &str) -> Vec<&'a str> {
    node.descendants()
        .filter(|n| n.tag_name().name() == name)
        .map(|n| n.text().expect("it holds text"))
        .collect()
}

#[test]
fn a_document_is_well_formed_its_ids_are_unique_and_every_reference_has_its_target() {
    let run = busy();
    let written = sbml(trace(&run), &about("h")).unwrap();
    let document = Document::parse(&written).expect("well-formed");
    let root = document.root_element();
    assert_eq!(
        root.tag_name().namespace(),
        Some("http://www.sbml.org/sbml/level3/version2/core")
    );
    assert_eq!((has(root, "level"), has(root, "version")), ("3", "2"));

    // Units have a name space of their own.
    let units: BTreeSet<&str> = document
        .descendants()
        .filter(|n| n.tag_name().name() == "unitDefinition")
        .map(|n| has(n, "id"))
        .chain(["dimensionless"])
        .collect();
    let mut ids = BTreeSet::new();
    let mut constant = BTreeSet::new();
    for node in document.descendants().filter(|n| n.is_element()) {
        if node.tag_name().name() == "unitDefinition" {
            continue;
        }
        if let Some(id) = node.attribute("id") {
            assert!(ids.insert(id), "`{id}` twice");
            let mut letters = id.chars();
            assert!(
                letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_'),
                "{id}"
            );
            assert!(letters.all(|c| c.is_ascii_alphanumeric() || c == '_'), "{id}");
            if node.attribute("constant") == Some("true") {
                constant.insert(id);
            }
        }
        for attribute in node.attributes().filter(|a| a.name().to_lowercase().ends_with("units")) {
            if attribute.name() != "hasOnlySubstanceUnits" {
                assert!(units.contains(attribute.value()), "unit {}", attribute.value());
            }
        }
    }
    assert!(ids.len() > 400, "only {} ids", ids.len());
    for node in document.descendants().filter(|n| n.is_element()) {
        let referred = match node.tag_name().name() {
            "ci" => node.text(),
            "speciesReference" => node.attribute("species"),
            "species" => node.attribute("compartment"),
            "eventAssignment" | "assignmentRule" | "rateRule" => {
                let variable = has(node, "variable");
                assert!(!constant.contains(variable), "{variable} is constant and changes");
                Some(variable)
            }
            _ => None,
        };
        if let Some(id) = referred {
            assert!(ids.contains(id), "nothing is called `{id}`");
        }
    }
}

/// The linear system as a reader of the document finds it.
struct Found {
    names: Vec<String>,
    a: DMatrix<f64>,
    b: Vec<f64>,
    x0: Vec<f64>,
    /// Value of each parameter.
    values: BTreeMap<String, f64>,
    /// Places of the matrix that a parameter stands in.
    places: BTreeMap<String, Vec<(usize, usize, f64)>>,
    inputs: BTreeMap<String, usize>,
}

impl Found {
    fn read(document: &Document<'_>, names: &[String]) -> Found {
        let n = names.len();
        let at = |name: &str| names.iter().position(|s| s == name);
        let mut f = Found {
            names: names.to_vec(),
            a: DMatrix::zeros(n, n),
            b: vec![0.0; n],
            x0: vec![f64::NAN; n],
            values: BTreeMap::new(),
            places: BTreeMap::new(),
            inputs: BTreeMap::new(),
        };
        for node in document.descendants().filter(|n| n.is_element()) {
            match node.tag_name().name() {
                "species" => f.x0[at(has(node, "id")).unwrap()] = number(has(node, "initialAmount")),
                "parameter" => {
                    let Some(value) = node.attribute("value") else { continue };
                    match at(has(node, "id")) {
                        Some(state) => f.x0[state] = number(value),
                        None => drop(f.values.insert(has(node, "id").to_owned(), number(value))),
                    }
                }
                "reaction" => {
                    let side = |list| {
                        let mut found = node.children().filter(|c| c.tag_name().name() == list);
                        let list = found.next()?;
                        at(has(own(list, "speciesReference"), "species"))
                    };
                    let law = texts(own(node, "kineticLaw"), "ci");
                    let to = side("listOfProducts").expect("all transfers arrive");
                    match side("listOfReactants") {
                        Some(from) => {
                            assert_eq!(law.len(), 2);
                            assert_eq!(law[1], names[from], "mass action");
                            let places = f.places.entry(law[0].to_owned()).or_default();
                            places.extend([(to, from, 1.0), (from, from, -1.0)]);
                        }
                        None => drop(f.inputs.insert(law[0].to_owned(), to)),
                    }
                }
                "rateRule" => {
                    let row = at(has(node, "variable")).unwrap();
                    let mut words = texts(node, "ci").into_iter().peekable();
                    while let Some(word) = words.next() {
                        match words.peek().and_then(|w| at(w)) {
                            Some(from) => {
                                words.next();
                                f.places.entry(word.to_owned()).or_default().push((row, from, 1.0));
                            }
                            None => drop(f.inputs.insert(word.to_owned(), row)),
                        }
                    }
                }
                _ => {}
            }
        }
        f.fill();
        f
    }

    fn fill(&mut self) {
        self.a.fill(0.0);
        for (parameter, places) in &self.places {
            for (i, j, sign) in places {
                self.a[(*i, *j)] += sign * self.values[parameter];
            }
        }
        for (parameter, state) in &self.inputs {
            self.b[*state] = self.values[parameter];
        }
    }

    /// Compares with what was recorded; the diagonal is a sum in another order.
    fn assert_is(&self, a: &DMatrix<f64>, b: &[f64], time: f64) {
        for i in 0..self.names.len() {
            assert_eq!(self.b[i], b[i], "input to {} at {time} h", self.names[i]);
            for j in 0..self.names.len() {
                let (told, found) = (a[(i, j)], self.a[(i, j)]);
                let same = if i == j {
                    (told - found).abs() <= 1e-12 * told.abs()
                } else {
                    told == found
                };
                assert!(
                    same,
                    "{} to {} at {time} h: {told}, {found}",
                    self.names[j], self.names[i]
                );
            }
        }
    }
}

#[test]
fn reactions_rules_and_events_are_the_recorded_matrix_input_and_jumps() {
    let run = busy();
    let t = trace(&run);
    let written = sbml(t, &about("h")).unwrap();
    let document = Document::parse(&written).unwrap();
    let mut found = Found::read(&document, &t.states);

    let mut a = t.segments[0].a.clone().unwrap();
    found.assert_is(&a, &t.segments[0].b, 0.0);
    let first = t.segments[0].jump.clone().unwrap_or_else(|| vec![0.0; t.x0.len()]);
    for (i, name) in t.states.iter().enumerate() {
        assert_eq!(found.x0[i], t.x0[i] + first[i], "{name} at the start");
    }

    let mut events = document.descendants().filter(|n| n.tag_name().name() == "event");
    let mut matrices = 0;
    let mut rank = 0.0;
    for segment in &t.segments[1..] {
        let same_matrix = segment.a.as_ref().is_none_or(|next| *next == a);
        if same_matrix && segment.b == found.b && segment.jump.is_none() {
            continue;
        }
        if let Some(next) = &segment.a {
            a = next.clone();
            matrices += 1;
        }
        let event = events.next().expect("every change has its event");
        let trigger = own(event, "trigger");
        assert_eq!(number(texts(trigger, "cn")[0]), segment.t0_h);
        assert_eq!(has(trigger, "initialValue"), "false");
        assert_eq!(has(trigger, "persistent"), "true");
        // A solver may find two events at once: they must still come one after the other.
        let next = number(texts(own(event, "priority"), "cn")[0]);
        assert!(next < rank, "{next} after {rank}");
        rank = next;
        assert_eq!(has(event, "useValuesFromTriggerTime"), "false");
        let mut jumped = vec![0.0; t.states.len()];
        for set in event.descendants().filter(|n| n.tag_name().name() == "eventAssignment") {
            let (variable, value) = (has(set, "variable"), number(texts(set, "cn")[0]));
            match t.states.iter().position(|s| s == variable) {
                Some(state) => {
                    assert_eq!(texts(set, "ci"), [variable], "a dose is added to what is there");
                    jumped[state] = value;
                }
                None => drop(
                    found
                        .values
                        .insert(variable.to_owned(), value)
                        .expect("a known parameter"),
                ),
            }
        }
        found.fill();
        found.assert_is(&a, &segment.b, segment.t0_h);
        assert_eq!(
            jumped,
            segment.jump.clone().unwrap_or_else(|| vec![0.0; t.states.len()])
        );
    }
    assert!(events.next().is_none(), "no event without a change");
    assert!(matrices >= 2, "the drain begins and ends");

    // Outputs: assignment rules whose numbers are the recorded weights.
    let rules: Vec<Node> = document
        .descendants()
        .filter(|n| n.tag_name().name() == "assignmentRule")
        .collect();
    assert_eq!(rules.len(), t.outputs.len());
    for rule in rules {
        let weights: Vec<f64> = t.outputs[has(rule, "variable")]
            .iter()
            .copied()
            .filter(|w| *w != 0.0)
            .collect();
        let numbers: Vec<f64> = texts(rule, "cn").into_iter().map(number).collect();
        let named = texts(rule, "ci").len();
        assert_eq!(named, weights.len(), "{}", has(rule, "variable"));
        assert_eq!(numbers, weights.into_iter().filter(|w| *w != 1.0).collect::<Vec<_>>());
    }
}

#[test]
fn notes_carry_title_version_hash_and_disclaimer_and_nothing_of_the_clock() {
    let run = busy();
    let (one, other) = (sbml(trace(&run), &about("feed")), sbml(trace(&busy()), &about("feed")));
    let one = one.unwrap();
    assert_eq!(one, other.unwrap(), "two exports are the same bytes");
    let document = Document::parse(&one).unwrap();
    let notes: Vec<&str> = texts(own(document.root_element(), "notes"), "p");
    let notes = notes.join("\n");
    for words in [
        "a < b & \"c\"",
        concat!("itbsim ", env!("CARGO_PKG_VERSION")),
        "Scenario hash feed, fingerprint 0123456789abcdef",
        "For teaching and research, never for treating a person.",
        "seed 7",
    ] {
        assert!(notes.contains(words), "{words} in {notes}");
    }
}

#[test]
fn compartments_have_the_volumes_that_turn_amounts_into_the_columns() {
    let run = busy();
    let t = trace(&run);
    let written = sbml(t, &about("h")).unwrap();
    let document = Document::parse(&written).unwrap();
    let mut seen = 0;
    let all = document.descendants().filter(|n| n.tag_name().name() == "compartment");
    for node in all.filter(|n| n.has_attribute("size")) {
        let (name, size) = (has(node, "id").strip_prefix("V_").unwrap(), number(has(node, "size")));
        let column = match name {
            "central" => "plasma_ng_per_ml".to_owned(),
            name => format!("{name}_ng_per_ml"),
        };
        let Some(weights) = t.outputs.get(&column) else {
            assert!(name.starts_with("cord_"), "{name} has no column");
            continue;
        };
        let state = t.states.iter().position(|s| s == name).unwrap();
        assert_eq!(weights[state], 1000.0 / size, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 26 + 4, "levels, cisterns, head, plasma, brain");
}

/// Sum of the doses of a table, by state.
fn doses(trace: &SystemTrace) -> Vec<f64> {
    let (header, rows) = table(&nonmem_table(trace).unwrap());
    assert_eq!(header[..7], ["ID", "TIME", "AMT", "RATE", "CMT", "EVID", "MDV"]);
    let mut sums = vec![0.0; trace.states.len()];
    let mut before = 0.0;
    let end = trace.segments.last().unwrap().t1_h;
    for row in &rows {
        let cells: Vec<f64> = row.iter().map(|c| number(c)).collect();
        let [id, time, amount, rate, cmt, evid, mdv] = cells[..7] else {
            panic!("{row:?}")
        };
        assert_eq!((id, mdv), (1.0, 1.0));
        assert!(time >= before && time <= end, "records are in order: {row:?}");
        before = time;
        let state = cmt as usize - 1;
        assert_eq!(trace.units[state], "ug");
        match evid as u8 {
            1 => {
                assert!(amount > 0.0 || (amount < 0.0 && rate == 0.0 && time > 0.0), "{row:?}");
                assert!(
                    rate == 0.0 || time + amount / rate <= end * (1.0 + 1e-12),
                    "an infusion ends with the run: {row:?}"
                );
                sums[state] += amount;
            }
            2 => assert_eq!((amount, rate), (0.0, 0.0)),
            other => panic!("EVID {other}"),
        }
    }
    sums
}

fn close(found: f64, told: f64, what: &str) {
    assert!(
        (found - told).abs() <= 1e-9 * told.abs().max(1.0),
        "{what}: {found} and {told}"
    );
}

#[test]
fn doses_add_up_to_what_the_ledger_says_the_body_got() {
    let (mut compared, mut infused) = (0, 0);
    for name in [
        "screening-bolus",
        "pocket-fill",
        "catheter-kink",
        "catheter-migration",
        "subdural-catheter",
        "overdose-rescue",
        "oral-cannot-replace",
        "withdrawal-rescue",
        "retrograde-flow",
        "valve-dump-mri",
    ] {
        let path = shipped()
            .into_iter()
            .find(|p| p.file_stem().is_some_and(|s| s == name))
            .unwrap_or_else(|| panic!("{name} is not shipped"));
        for arm in &load_shipped(&path).arms {
            let run = recorded(&arm.scenario);
            let end = run.ledger.last().expect("rows were made");
            if end.time_h != trace(&run).segments.last().map_or(0.0, |s| s.t1_h) {
                // A death between two rows: the ledger says nothing of its instant.
                continue;
            }
            compared += 1;
            let sums = doses(trace(&run));
            let got = end.initial_ug + end.given_ug + end.delivered_ug + end.leaked_ug;
            let what = format!("{name}/{}", arm.id);
            close(sums.iter().sum(), got, &what);
            let fluid: f64 = sums[..26].iter().sum();
            let at_start: f64 = trace(&run).x0[..26].iter().sum();
            let moved = run.system.as_ref().is_some_and(|t| {
                let negative = |j: &Vec<f64>| j.iter().any(|v| *v < 0.0);
                t.segments.iter().any(|s| s.jump.as_ref().is_some_and(negative))
            });
            if end.given_ug == 0.0 && !moved {
                close(fluid - at_start, end.delivered_ug, &format!("{what}, by catheter"));
                infused += 1;
            }
        }
    }
    assert!(compared >= 12, "only {compared} runs end on a row");
    assert!(infused >= 3, "only {infused} runs without needle or tablet");
}

#[test]
fn a_record_names_the_matrix_of_the_stretch_that_ends_there() {
    let run = busy();
    let t = trace(&run);
    let (header, rows) = table(&nonmem_table(t).unwrap());
    assert_eq!(header[7], "MATRIX");
    let starts: Vec<f64> = t.segments.iter().filter(|s| s.a.is_some()).map(|s| s.t0_h).collect();
    assert_eq!(starts.len(), 3, "before, during and after the drain");
    for row in &rows {
        let time = number(&row[1]);
        let during = time > starts[1] && time <= starts[2];
        assert_eq!(row[7], if during { "2" } else { "1" }, "{row:?}");
    }
    for start in &starts[1..] {
        assert!(
            rows.iter().any(|r| r[5] == "2" && number(&r[1]) == *start),
            "a stretch is closed at {start} h"
        );
    }
    let control = nonmem_control(t, &about("h"), "doses.csv").unwrap();
    assert!(control.contains("$INPUT ID TIME AMT RATE CMT EVID MDV MATRIX"));
    assert!(control.contains("$DATA doses.csv IGNORE=@"));
    assert_eq!(
        control.matches("IF (MATRIX.EQ.").count(),
        1,
        "the matrix after is the one before"
    );
    assert_eq!(
        control.matches("  COMP=(").count(),
        t.units.iter().filter(|u| **u == "ug").count()
    );
}

#[test]
fn what_is_no_network_of_transfers_is_refused_with_its_state() {
    let run = busy();
    let mut leaky = trace(&run).clone();
    if let Some(a) = &mut leaky.segments[0].a {
        a[(0, 0)] *= 1.01;
    }
    match sbml(&leaky, &about("h")) {
        Err(ExportError::Unbalanced { state, residual }) => {
            assert_eq!(state, "csf_s2");
            assert!(residual < 0.0);
        }
        other => panic!("{other:?}"),
    }
    let mut backwards = trace(&run).clone();
    let effect = backwards.states.iter().position(|s| s == "effect_fast_legs").unwrap();
    if let Some(a) = &mut backwards.segments[0].a {
        a[(3, effect)] = 1.0;
    }
    let error = nonmem_table(&backwards).unwrap_err().to_string();
    assert!(error.contains("`csf_l4` depends on `effect_fast_legs`"), "{error}");
    let mut nothing = trace(&run).clone();
    nothing.segments.clear();
    assert!(matches!(nonmem_table(&nothing), Err(ExportError::Empty)));
}

#[test]
fn the_command_writes_each_format_of_each_arm_and_refuses_what_it_does_not_know() {
    let desk = Desk::new();
    let arms = "[[arm]]\nid = \"as-is\"\n[[arm]]\nid = \"dry\"\nwithout = [\"needle\"]\n";
    let odd = QUIET
        .replace("Two quiet days", "x\\u0001 < & ]]>")
        .replace("2 d", "14 h");
    desk.write("s.toml", &[&odd, BUSY, arms]);
    let export = |words: &[&str]| stdout(&desk.run(&[&["export", "s.toml"], words].concat()).code(0));
    let (first, dry) = (
        export(&["--format", "sbml"]),
        export(&["--format", "sbml", "--arm", "dry"]),
    );
    let document = Document::parse(&first).expect("a title cannot break the document");
    assert!(texts(document.root_element(), "p").contains(&"x  < & ]]>"));
    assert!(first.matches("<event ").count() > dry.matches("<event ").count());
    assert!(dry.contains("Scenario s, arm dry, seed"));
    assert!(export(&["--format", "nonmem"]).starts_with("ID,TIME,AMT,RATE,CMT,EVID,MDV"));
    let control = export(&["--format", "nonmem-control"]);
    assert!(control.contains("$SUBROUTINES ADVAN5 TRANS1"));
    assert!(control.contains("never for treating a person"));
    let refused = stderr(&desk.run(&["export", "s.toml", "--format", "matlab"]).code(2));
    assert!(refused.contains("sbml"), "{refused}");
    let refused = stderr(
        &desk
            .run(&["export", "s.toml", "--format", "sbml", "--arm", "wet"])
            .code(2),
    );
    assert!(refused.contains("its arms: as-is, dry"), "{refused}");
}
