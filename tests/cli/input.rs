//! Bad and hostile input through the program: a clear message with a place, the
//! right exit code, nothing written, no panic and no endless run.

use std::fs;

use crate::cli_common::{Desk, QUIET, stderr};

/// Runs a scenario text that must be refused, and gives what was said.
fn refused(text: &str, code: i32) -> String {
    let desk = Desk::new();
    desk.write("bad.toml", &[text]);
    let run = desk.run(&["run", "bad.toml", "--out", "o", "--no-plots"]).code(code);
    let said = stderr(&run);
    assert!(!said.contains("panicked"), "{said}");
    assert!(run.get_output().stdout.is_empty(), "nothing but the error is printed");
    assert_eq!(desk.tree(), ["bad.toml"], "something was written\n{said}");
    said
}

/// A mistake in the file: exit code 2, the place as `file:line:column` with a caret, these words.
#[track_caller]
fn mistake(text: &str, marked: &str, words: &[&str]) {
    let said = refused(text, 2);
    let line = text.lines().position(|l| l.contains(marked)).unwrap() + 1;
    assert!(
        said.contains(&format!("bad.toml:{line}:")),
        "line {line} is not named\n{said}"
    );
    assert!(said.contains('^'), "no caret\n{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing\n{said}");
    }
}

fn with(block: &str) -> String {
    format!("{QUIET}{block}\n")
}

#[test]
fn an_unknown_key_is_named_with_a_suggestion() {
    mistake(
        &QUIET.replace("duration", "durration"),
        "durration",
        &["unknown key", "did you mean `duration`?"],
    );
    mistake(
        &QUIET.replace("fill =", "fil ="),
        "fil =",
        &["unknown key", "did you mean `fill`?"],
    );
}

#[test]
fn a_missing_or_wrong_unit_is_named_with_an_example() {
    mistake(
        &QUIET.replace("\"2 d\"", "\"2\""),
        "duration",
        &["has no unit", "\"2 d\""],
    );
    mistake(
        &QUIET.replace("300 ug/day", "300 ug"),
        "300 ug",
        &["is a mass, but a dose rate is needed"],
    );
    mistake(&QUIET.replace("\"18 mL\"", "18"), "fill", &["mL"]);
    mistake(&QUIET.replace("2 mg/mL", "2 mg/zL"), "mg/zL", &["unit"]);
}

#[test]
fn impossible_values_are_refused() {
    mistake(&QUIET.replace("18 mL", "-18 mL"), "-18 mL", &["cannot be negative"]);
    mistake(
        &QUIET.replace("300 ug", "100000 ug"),
        "100000",
        &["outside the pump's", "96 to 48000 ug/day"],
    );
    mistake(&QUIET.replace("300 ug", "nan ug"), "nan ug", &["not a finite number"]);
    mistake(&QUIET.replace("300 ug", "1e999 ug"), "1e999", &["not a finite number"]);
    mistake(&with("[catheter]\nlength = nan"), "length = nan", &["length"]);
    mistake(
        &QUIET.replace("gain = 1.0", "gain = nan"),
        "gain = nan",
        &["not a finite number"],
    );
    mistake(&QUIET.replace("\"2 d\"", "\"0 d\""), "duration", &["greater than zero"]);
    mistake(
        &with("[catheter]\ntip = \"T13\""),
        "T13",
        &["no spinal level", "did you mean `T12`?"],
    );
}

#[test]
fn a_run_too_long_for_its_rows_is_refused_at_once() {
    let long = |sample: &str| QUIET.replace("\"2 d\"", "\"100 yr\"").replace("\"1 h\"", sample);
    mistake(&long("\"1 s\""), "sample", &["rows of output"]);
    mistake(
        &QUIET.replace("\"1 h\"", "\"0.000000001 s\""),
        "sample",
        &["rows of output"],
    );
    mistake(&QUIET.replace("\"2 d\"", "\"1e30 d\""), "duration", &["`duration`"]);

    let desk = Desk::new();
    desk.write("s.toml", &[&long("\"30 d\"")]);
    for (sample, word) in [
        ("1 s", "rows"),
        ("0.000001 ms", "rows"),
        ("0 h", "above zero"),
        ("-1 h", "above zero"),
        ("nan h", "finite"),
        ("3 kg", "time"),
        ("x", "--sample"),
    ] {
        let run = desk.run(&["run", "s.toml", "--out", "o", "--sample", sample]).code(2);
        assert!(stderr(&run).contains(word), "{sample}: {}", stderr(&run));
        assert!(!desk.at("o").exists());
    }
}

#[test]
fn blocks_that_do_not_fit_the_story_are_refused() {
    let fault = |kind: &str, rest: &str| {
        with(&format!(
            "[[fault]]\nid = \"f\"\nkind = \"{kind}\"\nat = \"1 h\"\n{rest}"
        ))
    };
    mistake(
        &fault("catheter.leek", ""),
        "leek",
        &["no fault kind", "did you mean `catheter.leak`?"],
    );
    mistake(
        &fault("balloon.leak", ""),
        "balloon",
        &["no fault kind", "`pump.stall`"],
    );
    let leak = "position = \"150 cm\"\nconductance = \"0.01 mL/h/kPa\"\ninto = \"subcutaneous\"";
    mistake(
        &fault("catheter.leak", leak),
        "150 cm",
        &["but the catheter is 89 cm long"],
    );
    mistake(&fault("pump.stall", "position = \"3 cm\""), "position", &["position"]);
    mistake(
        &with("[[programme]]\nat = \"0 d\" # again\nsimple_continuous = \"200 ug/day\""),
        "# again",
        &["two programmes start"],
    );
    mistake(
        &with("[[action]]\nat = \"-1 h\"\ninterrogate = true"),
        "-1 h",
        &["before the start", "time zero"],
    );
    mistake(
        &with("[[expect]]\nevent = \"symptom.spasm_increased.onset\"\nsource = \"x\""),
        "spasm_increased",
        &["unknown event", "did you mean `symptom.spasms_increased.onset`?"],
    );
    mistake(
        &with("[[action]]\nid = \"../x\"\nat = \"1 h\"\ninterrogate = true"),
        "../x",
        &["cannot be an id"],
    );
    mistake(
        &with("[[arm]]\nid = \"a\"\n[[arm]]\nid = \"a\" # again"),
        "# again",
        &["used twice"],
    );
    mistake(&with("[[arm]]\nid = \"a\"\nwithout = [\"leak\"]"), "without", &["leak"]);
}

#[test]
fn zero_lengths_and_floods_are_refused_with_their_place() {
    let stall = |profile: &str| {
        with(&format!(
            "[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nat = \"1 h\"\nprofile = {profile}"
        ))
    };
    mistake(&stall("{ ramp = \"0 d\" }"), "ramp", &["greater than zero"]);
    mistake(
        &stall("{ intermittent = { on = \"0 h\", off = \"1 h\" } }"),
        "intermittent",
        &["greater than zero"],
    );
    mistake(
        &stall("{ intermittent = { on = \"1 ms\", off = \"1 ms\" } }"),
        "intermittent",
        &["repeats too often"],
    );
    mistake(
        &stall("{ intermittent = { on = \"0.000000001 s\", off = \"0.000000001 s\" } }"),
        "intermittent",
        &["repeats too often", "longer `on`"],
    );
    mistake(
        &with("[[programme]]\nat = \"1 h\"\nsingle_bolus = { dose = \"5 ug\", over = \"0 min\" }"),
        "single_bolus",
        &["greater than zero"],
    );
    mistake(
        &with(
            "[[programme]]\nat = \"1 h\"\nperiodic_bolus = { dose = \"0.001 ug\", every = \"1 s\", over = \"0.5 s\", basal = \"100 ug/day\" }",
        ),
        "periodic_bolus",
        &["repeats too often"],
    );
    let act = |act: &str| with(&format!("[[action]]\nid = \"a\"\nat = \"1 h\"\n{act}"));
    mistake(
        &act("oral_baclofen = { dose = \"20 mg\", every = \"0 h\", count = 3 }"),
        "oral",
        &["greater than zero"],
    );
    mistake(
        &act("oral_baclofen = { dose = \"20 mg\", every = \"1 h\", count = 1000000000 }"),
        "oral",
        &["lies outside"],
    );
    mistake(
        &act("lumbar_bolus = { dose = \"50 ug\", level = \"L3\", over = \"0 min\" }"),
        "lumbar",
        &["greater than zero"],
    );
    mistake(
        &act("drain_csf = { volume = \"4000 mL\", over = \"20 min\" }"),
        "drain",
        &["cannot be drained", "97.3 mL"],
    );
    mistake(&act("raise_dose = \"100000 %\""), "raise_dose", &["lies outside"]);
}

#[test]
fn files_that_are_no_scenarios_are_refused() {
    for text in ["", "\n\n", "# only\n# comments\n", "\u{feff}", "title"] {
        let said = refused(text, 2);
        assert!(said.contains("error:") && said.contains("bad.toml"), "{text:?}: {said}");
    }
    let said = refused(&format!("title = \"{}\"", "x".repeat(900_000)), 2);
    assert!(said.len() < 10_000, "a long line is cut in the message");
    let said = refused(&format!("a = {}{}", "[".repeat(20_000), "]".repeat(20_000)), 2);
    assert!(said.contains("recur"), "{said}");
    let said = refused(&format!("{}x = 1", "a.".repeat(100_000)), 2);
    assert!(said.contains("error:"), "{said}");
    let said = refused(&format!("a = {}1{}", "{ b = ".repeat(5_000), " }".repeat(5_000)), 2);
    assert!(said.contains("error:"), "{said}");
}

#[test]
fn a_circle_of_extends_is_told_file_by_file() {
    let desk = Desk::new();
    desk.write("a.toml", &["extends = \"b.toml\"\n"])
        .write("b.toml", &["extends = \"a.toml\"\n"]);
    let said = stderr(&desk.run(&["run", "a.toml"]).code(2));
    assert!(
        said.contains("runs in a circle") && said.contains("b.toml:1:11"),
        "{said}"
    );
    assert!(said.contains("`a.toml` extends `b.toml`"), "{said}");
    desk.write("c.toml", &["extends = \"c.toml\"\n"]);
    desk.run(&["check", "c.toml"]).code(2);
}

#[test]
fn huge_binary_and_odd_files_are_refused_quickly() {
    let desk = Desk::new();
    // Sparse: no byte of it is on the disk.
    fs::File::create(desk.at("huge.toml"))
        .unwrap()
        .set_len(100_000_000)
        .unwrap();
    fs::write(desk.at("binary.toml"), [b'a', b'=', 0, 1, 2, 0xff, 0xfe]).unwrap();
    fs::write(desk.at("latin.toml"), b"title = \"caf\xe9\"\n").unwrap();
    fs::create_dir(desk.at("folder.toml")).unwrap();
    let before = desk.tree();
    for (name, why) in [
        ("huge.toml", "larger than 1 MB"),
        ("binary.toml", "not UTF-8"),
        ("latin.toml", "byte 12 is not UTF-8"),
        ("folder.toml", "a folder, not a file"),
    ] {
        let said = stderr(&desk.run(&["run", name]).code(2));
        assert!(said.contains(why) && said.contains(name), "{said}");
    }
    #[cfg(target_os = "linux")]
    {
        // A device without end is read no further than the limit.
        let said = stderr(&desk.run(&["check", "/dev/zero"]).code(2));
        assert!(said.contains("1 MB") || said.contains("UTF-8"), "{said}");
    }
    assert_eq!(desk.tree(), before);
}

#[test]
fn a_path_that_does_not_exist_brings_near_names() {
    let desk = Desk::new();
    desk.write("missed-refill.toml", &[QUIET]);
    for wrong in ["mised-refil.toml", "missed-refill", "missed-refill.tml"] {
        let said = stderr(&desk.run(&["run", wrong]).code(2));
        assert!(
            said.contains("no such file") && said.contains("did you mean `missed-refill.toml`?"),
            "{said}"
        );
    }
    let said = stderr(&desk.run(&["run", "nowhere/x.toml"]).code(2));
    assert!(said.contains("no such file"), "{said}");
    // Other files of the same kind are no scenarios.
    desk.write("Cargo.toml", &["[package]\nname = \"x\"\ntitle = \"y\"\n"]);
    let said = stderr(&desk.run(&["run", "nothing-alike.toml"]).code(2));
    assert!(
        said.contains("missed-refill.toml") && !said.contains("Cargo.toml"),
        "{said}"
    );
    assert_eq!(desk.tree(), ["Cargo.toml", "missed-refill.toml"]);
}

#[test]
fn words_the_program_does_not_know_end_with_two() {
    let desk = Desk::new();
    desk.write("s.toml", &[QUIET]);
    for words in [
        &["rnu", "s.toml"][..],
        &["run"],
        &["run", "s.toml", "--seed", "-1"],
        &["run", "s.toml", "--seed", "18446744073709551616"],
        &["run", "s.toml", "--plot"],
        &["list", "pills"],
        &["completions", "cobol"],
        &["parameters", "no.such.key"],
        &["list", "scenarios", "--dir", "nowhere"],
        &["compare", "s.toml"],
        &["new", "s.toml"],
        &["new", "nowhere/s.toml"],
        &["why", "s.toml", "symptom.relief.onset", "--arm", "b"],
        &["system", "s.toml", "--arm", "b"],
    ] {
        let said = stderr(&desk.run(words).code(2));
        assert!(said.contains("error:"), "{words:?}: {said}");
    }
    assert_eq!(desk.tree(), ["s.toml"]);
    assert_eq!(desk.read("s.toml"), QUIET);
}

#[test]
fn what_only_the_run_can_find_ends_with_three_time_and_act() {
    let act = |acts: &str| refused(&with(acts), 3);
    let said = act(
        "[[action]]\nid = \"top-up\"\nat = \"1 h\"\nrefill = { volume = \"18 mL\", concentration = \"2 mg/mL\", aspirate = false }",
    );
    for part in ["at 1 h", "action.top-up", "18 mL do not fit", "20 mL"] {
        assert!(said.contains(part), "`{part}` is missing\n{said}");
    }
    assert_eq!(said.matches("do not fit").count(), 1, "the cause is told once\n{said}");

    let raise = |k: u32| format!("[[action]]\nid = \"r{k}\"\nat = \"{k} h\"\nraise_dose = \"900 %\"\n");
    let said = act(&[raise(1), raise(2), raise(3)].concat());
    for part in ["at 3 h", "action.r3", "this pump delivers 0.048 to 24 mL/day"] {
        assert!(said.contains(part), "`{part}` is missing\n{said}");
    }
}

#[test]
fn a_failure_in_one_arm_names_the_arm_and_writes_none() {
    let arms = "[[action]]\nid = \"top-up\"\nat = \"1 h\"\nrefill = { volume = \"18 mL\", concentration = \"2 mg/mL\", aspirate = false }\n\
        [[arm]]\nid = \"good\"\nwithout = [\"top-up\"]\n[[arm]]\nid = \"bad\"\n";
    let said = refused(&with(arms), 3);
    assert!(said.contains("in arm `bad`"), "{said}");
}

#[test]
fn extreme_but_possible_stories_come_to_an_end() {
    let desk = Desk::new();
    let ends = |block: &str| {
        desk.write("s.toml", &[QUIET, block]);
        let run = desk.run(&["run", "s.toml", "--out", "o", "--no-plots"]);
        let code = run.get_output().status.code();
        assert!(matches!(code, Some(0 | 3)), "{block}: {code:?} {}", stderr(&run));
        assert!(!stderr(&run).contains("panicked"));
    };
    ends("[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nhazard = \"1e9 /year\"\n");
    ends("[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nhazard = \"1e-300 /year\"\n");
    ends("[[fault]]\nid = \"f\"\nkind = \"pump.over_infusion\"\nat = \"0 h\"\ngain = 20\n");
    ends("[[fault]]\nid = \"f\"\nkind = \"pump.stall\"\nat = \"2 d\"\nprofile = { ramp = \"100 yr\" }\n");
    ends("[[action]]\nid = \"a\"\nat = \"2 d\"\nlumbar_bolus = { dose = \"1 kg\", level = \"L3\" }\n");
    ends(
        "[[action]]\nid = \"a\"\nat = \"1 h\"\noral_baclofen = { dose = \"1 ug\", every = \"1 min\", count = 100000 }\n",
    );
    ends("[[action]]\nid = \"a\"\nat = \"1 h\"\ndrain_csf = { volume = \"90 mL\", over = \"1 min\" }\n");
    ends("[[action]]\nid = \"a\"\nat = \"1 h\"\nempty_pump = true\n");
}

#[test]
fn rows_that_would_not_fit_the_memory_are_refused_before_anything_is_made() {
    let desk = Desk::new();
    // Two arms of 700,000 rows each; either of them alone would be let in.
    let arms = "[[arm]]\nid = \"a\"\n[[arm]]\nid = \"b\"\n";
    let week = QUIET.replace("\"2 d\"", "\"7 d\"");
    desk.write("s.toml", &[&week, arms]);
    let told = stderr(
        &desk
            .run(&["run", "s.toml", "--sample", "0.864 s", "--out", "o"])
            .code(2),
    );
    for part in ["the rows of 2 runs", "more than 125000000", "itbsim batch"] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    assert!(!desk.at("o").exists());
    desk.run(&["run", "s.toml", "--sample", "1 h", "--out", "o"]).code(0);
}

#[test]
fn parameters_that_do_not_allow_the_story_are_told_before_it_is_run() {
    let two =
        "flex = { steps = [{ at = \"00:00\", rate = \"300 ug/day\" }, { at = \"12:00\", rate = \"500 ug/day\" }] }";
    let flex = QUIET.replace("simple_continuous = \"300 ug/day\"", two);
    assert!(flex.contains(two));
    mistake(
        &format!("{flex}[parameters]\n\"pump.flex.max_steps_per_day\" = 1\n"),
        "flex =",
        &[
            "2 flex steps on one day (mon)",
            "the pump holds 1",
            "raise `pump.flex.max_steps_per_day`",
        ],
    );
    mistake(
        &with("[parameters]\n\"pump.rate.min\" = \"1 mL/day\""),
        "simple_continuous",
        &["0.15 mL/day", "1 to 24 mL/day", "2000 to 48000 ug/day"],
    );
    let blood = |key: &str, value: &str| {
        let text = with(&format!("[parameters]\n\"kinetics.blood.{key}\" = \"{value}\""));
        mistake(
            &text,
            key,
            &["blood cannot have these rates", "must lie between", "the clearance"],
        );
    };
    blood("apparent_clearance", "4 L/h");
    // In an arm it is the arm that is wrong.
    let arms = "[[arm]]\nid = \"good\"\n[[arm]]\nid = \"bad\"\nset = { \"parameters.kinetics.blood.apparent_clearance\" = \"4 L/h\" }";
    mistake(&with(arms), "set =", &["blood cannot have these rates", "in arm `bad`"]);
}
