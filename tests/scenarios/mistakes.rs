//! Each mistake a person can make gets one message: what, where, what instead.

use crate::scenario_common::{file, mistake, mistakes};

/// Loads `text` and compares the only mistake: code, text under the caret, message, help.
#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(mistake(text), expected);
}

fn more(more: &str) -> String {
    file("", more)
}

/// A `[[fault]]` block of a kind with its required fields.
fn leak(lines: &str) -> String {
    let own = [
        ("position", "\"25 cm\""),
        ("conductance", "\"0.01 mL/h/kPa\""),
        ("into", "\"subcutaneous\""),
    ];
    let head = lines.split("[[").next().unwrap_or("");
    let rest: String = own
        .iter()
        .filter(|(k, _)| !head.contains(k))
        .map(|(k, v)| format!("{k} = {v}\n"))
        .collect();
    let at = if ["at =", "when =", "hazard ="].iter().any(|k| head.contains(k)) {
        ""
    } else {
        "at = \"30 d\"\n"
    };
    let id = if head.contains("id =") { "" } else { "id = \"leak\"\n" };
    more(&format!("[[fault]]\n{id}kind = \"catheter.leak\"\n{at}{rest}{lines}\n"))
}

#[test]
fn a_message_shows_file_line_caret_and_suggestion() {
    let text = file("", "").replace("concentration =", "concentraton =");
    let all = mistakes(&text).to_string();
    let expected = "\
error: unknown key `concentraton` in `reservoir`
 --> story.toml:6:47
  |
6 | reservoir = { size = \"20 mL\", fill = \"18 mL\", concentraton = \"2 mg/mL\" }
  |                                               ^^^^^^^^^^^^ not a key of `reservoir`
  |
  = help: did you mean `concentration`?
";
    assert!(all.starts_with(expected), "{all}");
    assert!(all.ends_with("\n\n1 error in the scenario; nothing was run\n"), "{all}");
}

#[test]
fn colours_are_used_only_when_asked_for() {
    let all = mistakes("title = 1");
    assert!(all.render(true).contains('\u{1b}'));
    assert!(!all.render(false).contains('\u{1b}'));
}

#[test]
fn all_independent_mistakes_are_reported_in_the_order_of_the_text() {
    let text = file("sample = \"1 kg\"", "")
        .replace("peristaltic", "peristatic")
        .replace("300 ug/day", "300");
    let all = mistakes(&text);
    let codes: Vec<_> = all.items().iter().map(|i| i.code()).collect();
    assert_eq!(codes, ["wrong-dimension", "unknown-word", "no-unit"]);
}

#[test]
fn unknown_key_at_the_top() {
    refused(
        &file("sed = 3", ""),
        "unknown-key | sed = 3 | unknown key `sed` in the file | did you mean `seed`?",
    );
}

#[test]
fn unknown_key_without_a_neighbour_lists_the_known_ones() {
    refused(
        &file("[catheter]\ncolour = 1", ""),
        "unknown-key | colour = 1 | unknown key `colour` in [catheter] | known here: `length`, `spinal_length`, `tip`, `material`, `initial_concentration`, `tube_concentration`, `pump_segment` or `entered_length`",
    );
}

#[test]
fn a_piece_longer_than_the_whole_catheter() {
    refused(
        &file(
            "[catheter]\npump_segment = { length = \"95 cm\", volume = \"0.2 mL\" }",
            "",
        ),
        "out-of-range | \"95 cm\", volume = \"0.2 mL\" } | the piece next to the pump is 95 cm long, but the whole catheter is 89 cm | `length` of [catheter] counts all pieces",
    );
}

#[test]
fn missing_duration() {
    let text = file("", "").replace("duration = \"120 d\"\n", "");
    refused(
        &text,
        "missing-key | title = \"Test\" | the file lacks `duration` | add duration = \"90 d\"",
    );
}

#[test]
fn missing_unit() {
    refused(
        &file("", "").replace("300 ug/day", "300"),
        "no-unit | \"300\" | `simple_continuous`: `300` has no unit | write a dose rate with its unit, such as \"300 ug/day\"",
    );
}

#[test]
fn bare_number() {
    refused(
        &file("", "").replace("\"300 ug/day\"", "300"),
        "no-unit | 300 | `simple_continuous` = 300 has no unit | write it in quotes with its unit, such as simple_continuous = \"300 ug/day\"",
    );
}

#[test]
fn wrong_dimension() {
    refused(
        &file("", "").replace("300 ug/day", "300 ug"),
        "wrong-dimension | \"300 ug\" | `simple_continuous`: `300 ug` is a mass, but a dose rate is needed here | write a dose rate such as \"300 ug/day\"",
    );
}

#[test]
fn unknown_unit() {
    refused(
        &file("", "").replace("300 ug/day", "300 ugg/day"),
        "unknown-unit | \"300 ugg/day\" | `simple_continuous`: unknown unit `ugg` | did you mean `ug`?",
    );
}

#[test]
fn share_without_percent() {
    refused(
        &more("[[action]]\nat = \"1 d\"\nraise_dose = 10"),
        "no-unit | 10 | `raise_dose` = 10 has no unit | write it in quotes with its unit, such as raise_dose = \"10 %\"",
    );
}

#[test]
fn negative_volume() {
    refused(
        &more("[[action]]\nat = \"1 d\"\ninject_contrast = \"-3 mL\""),
        "out-of-range | \"-3 mL\" | `inject_contrast` cannot be negative | write more than 0 mL",
    );
}

#[test]
fn zero_dose() {
    refused(
        &more("[[action]]\nat = \"1 d\"\nlumbar_bolus = { dose = \"0 ug\", level = \"L3\" }"),
        "out-of-range | \"0 ug\", level = \"L3\" } | `dose` must be greater than zero | write more than 0 ug",
    );
}

#[test]
fn a_text_as_long_as_a_book_is_not_repeated() {
    let text = file("", "").replace("\"20 mL\"", &format!("\"{} mL\"", "9".repeat(50_000)));
    let all = mistakes(&text).to_string();
    assert!(all.contains("size") && all.len() < 2_000, "{} bytes", all.len());
    let text = file("", "").replace("\"20 mL\"", &format!("\"{}\"", "9".repeat(50_000)));
    let all = mistakes(&text).to_string();
    assert!(all.contains("has no unit") && all.len() < 2_000, "{} bytes", all.len());
}

#[test]
fn nan_and_infinity() {
    refused(
        &more("[[action]]\nat = \"1 d\"\nmri = \"nan h\""),
        "not-finite | \"nan h\" | `mri`: `nan h` is not a finite number | write for example \"90 d\"",
    );
    refused(
        &file("[pump.reservoir]", "").replace("[pump.reservoir]", "[patient]\nashworth_legs = inf"),
        "not-finite | inf | `ashworth_legs` is not a finite number | ",
    );
    refused(
        &more("[[action]]\nat = \"1 d\"\nmri = \"1e308 year\""),
        "not-finite | \"1e308 year\" | `mri`: `1e308 year` is not a finite number | write for example \"90 d\"",
    );
    refused(
        &more("[[action]]\nat = \"1 d\"\nmri = nan"),
        "not-finite | nan | `mri` is not a finite number | write mri = \"90 d\"",
    );
}

#[test]
fn rate_below_and_above_the_range_of_the_pump() {
    refused(
        &file("", "").replace("300 ug/day", "60 ug/day"),
        "rate-out-of-range | \"60 ug/day\" | this is 0.03 mL/day, outside the pump's 0.048 to 24 mL/day | at 2000 ug/mL the pump can give 96 to 48000 ug/day",
    );
    refused(
        &file("", "").replace("300 ug/day", "300 mg/day"),
        "rate-out-of-range | \"300 mg/day\" | this is 150 mL/day, outside the pump's 0.048 to 24 mL/day | at 2000 ug/mL the pump can give 96 to 48000 ug/day",
    );
}

#[test]
fn rate_at_either_end_of_the_range_is_accepted() {
    for rate in ["96 ug/day", "48 mg/day"] {
        crate::scenario_common::story(&file("", "").replace("300 ug/day", rate));
    }
}

#[test]
fn rate_is_judged_by_the_label_in_force() {
    let refill = "[[action]]\nat = \"10 d\"\nrefill = { volume = \"18 mL\", concentration = \"500 ug/mL\" }\n";
    // 60 ug/day is too little at 2 mg/mL and fine after the refill with 0.5 mg/mL.
    let after = format!("{refill}[[programme]]\nat = \"11 d\"\nsimple_continuous = \"60 ug/day\"");
    crate::scenario_common::story(&more(&after));
    let before = format!("{refill}[[programme]]\nat = \"9 d\"\nsimple_continuous = \"60 ug/day\"");
    assert!(mistake(&more(&before)).starts_with("rate-out-of-range | \"60 ug/day\" | this is 0.03 mL/day"));
    // A running programme meets the new label too.
    let strong = refill.replace("500 ug/mL", "10 mg/mL");
    let found = mistakes(&more(&strong)).to_string();
    assert!(
        found.contains("at 10000 ug/mL, after the refill with that label"),
        "{found}"
    );
    // A refill at an instant nobody knows leaves the label open.
    let open = strong.replace("\"10 d\"", "\"pump.empty\"");
    crate::scenario_common::story(&more(&open));
}

#[test]
fn bolus_faster_than_the_pump() {
    let found = mistake(&more(
        "[[programme]]\nat = \"1 d\"\nsingle_bolus = { dose = \"5 mg\", over = \"1 min\" }",
    ));
    assert!(
        found.contains("this is 3600 mL/day, outside the pump's 0.048 to 24 mL/day"),
        "{found}"
    );
}

#[test]
fn fill_above_size() {
    let text = file("", "").replace("18 mL", "25 mL");
    refused(
        &text,
        &format!(
            "overfull | {} | the reservoir holds 20 mL, but `fill` is 25 mL | fill at most \"20 mL\", or write size = \"25 mL\"",
            "\"25 mL\", concentration = \"2 mg/mL\" }"
        ),
    );
    let found = mistakes(&text).to_string();
    assert!(
        found.contains("size of the reservoir"),
        "both places are shown: {found}"
    );
}

#[test]
fn refill_above_size() {
    let found = mistake(&more(
        "[[action]]\nat = \"1 d\"\nrefill = { volume = \"40 mL\", concentration = \"2 mg/mL\" }",
    ));
    assert!(
        found.contains("overfull") && found.contains("the reservoir holds 20 mL, but the refill is 40 mL"),
        "{found}"
    );
}

#[test]
fn tip_level_that_does_not_exist() {
    refused(
        &file("[catheter]\ntip = \"T13\"", ""),
        "unknown-level | \"T13\" | `tip`: there is no spinal level `T13` | did you mean `T12`?; levels run from S2 and S1 over L5-L1, T12-T1 to C7-C1",
    );
}

#[test]
fn fault_kind_that_is_not_there() {
    refused(
        &more("[[fault]]\nid = \"x\"\nkind = \"catheter.kinked\"\nat = \"1 d\""),
        "unknown-kind | \"catheter.kinked\" | there is no fault kind `catheter.kinked` | did you mean `catheter.kink`?",
    );
    refused(
        &more("[[fault]]\nid = \"x\"\nkind = \"leak\"\nat = \"1 d\""),
        "unknown-kind | \"leak\" | there is no fault kind `leak` | did you mean `catheter.leak`?",
    );
}

#[test]
fn field_the_kind_does_not_have() {
    refused(
        &leak("bore = 0.5"),
        "unknown-key | bore = 0.5 | unknown key `bore` in a `catheter.leak` fault | known here: `position`, `conductance`, `into`, `id`, `kind`, `at`, `when`, `hazard`, `until` or `profile`",
    );
}

#[test]
fn field_the_kind_needs() {
    let text = leak("").replace("conductance = \"0.01 mL/h/kPa\"\n", "");
    refused(
        &text,
        "missing-key | [[fault]] | a `catheter.leak` fault lacks `conductance` | add conductance = \"1 mL/h/kPa\" (flow per pressure through the hole)",
    );
}

#[test]
fn field_out_of_range_or_of_the_wrong_kind() {
    refused(
        &leak("conductance = \"20 mL/h/kPa\""),
        "out-of-range | \"20 mL/h/kPa\" | `conductance` = 20 mL/h/kPa lies outside 0 mL/h/kPa to 10 mL/h/kPa | ",
    );
    refused(
        &leak("conductance = \"20 %\""),
        "bad-quantity | \"20 %\" | `conductance`: `20 %` is a share, but a conductance is needed here | write a conductance such as \"1 mL/h/kPa\"",
    );
    refused(
        &leak("conductance = 0.01"),
        "no-unit | 0.01 | `conductance` = 0.01 has no unit | write it in quotes with its unit, such as conductance = \"0.01 mL/h/kPa\"",
    );
    refused(
        &leak("into = \"epidurel\""),
        "unknown-word | \"epidurel\" | unknown `into` `epidurel` | did you mean `epidural`?",
    );
}

#[test]
fn arms_cells_and_choices_of_a_very_large_file() {
    let ones = format!("x = [{}1]\n", "1,".repeat(30_000));
    let arms: String = (0..100).map(|i| format!("[[arm]]\nid = \"a{i}\"\n")).collect();
    let matrix = "[matrix]\n\"pump.gain\" = [0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99]\n\
                  \"catheter.length\" = [\"80 cm\", \"81 cm\", \"82 cm\", \"83 cm\", \"84 cm\", \"85 cm\", \"86 cm\", \"87 cm\"]\n";
    for (blocks, words) in [
        (arms.as_str(), "100 variants of a file with 30"),
        (matrix, "80 variants of a file with 30"),
    ] {
        let all = mistakes(&file(&ones, blocks)).to_string();
        assert!(all.contains(words), "{}", &all[all.len().saturating_sub(2000)..]);
        assert!(all.contains("together at most 2000000 are allowed"));
    }
}

#[test]
fn much_of_the_wrong_is_told_at_once() {
    let factors: String = (0..41).map(|i| format!("\"parameters.k{i}\" = [1]\n")).collect();
    let values: String = (0..100_000).map(|i| format!("{}.5,", 100_000 + i)).collect();
    let long = "a".repeat(300_000);
    // Each would take minutes if all were compared with all.
    for (blocks, words) in [
        (format!("[matrix]\n{factors}"), "at most 40 are allowed"),
        (
            format!("[matrix]\n\"pump.gain\" = [{values}]\n"),
            "the matrix has 100000 cells",
        ),
        (
            format!("[[fault]]\nid = \"{long}\"\nkind = \"pump.stall\"\nat = \"{long}b\"\n"),
            "errors in the scenario",
        ),
    ] {
        let all = mistakes(&file("", &blocks)).to_string();
        assert!(all.contains(words), "{}", &all[all.len().saturating_sub(2000)..]);
    }
}

#[test]
fn fault_beyond_the_catheter() {
    refused(
        &leak("position = \"95 cm\""),
        "beyond-catheter | \"95 cm\" | the fault lies at 95 cm, but the catheter is 89 cm long | positions are counted from the pump, 0 to 89 cm",
    );
    let kink = "[[fault]]\nid = \"k\"\nkind = \"catheter.kink\"\nat = \"1 d\"\nposition = \"1 cm\"\nlength = \"8 cm\"\nbore = 0.1\n";
    refused(
        &more(&format!(
            "[catheter]\nlength = \"5 cm\"\nspinal_length = \"2 cm\"\n{kink}"
        )),
        "beyond-catheter | \"8 cm\" | the fault is as long as 8 cm, but the catheter is 5 cm long | positions are counted from the pump, 0 to 5 cm",
    );
}

#[test]
fn two_triggers_or_none() {
    let both = mistakes(&leak("at = \"1 d\"\nhazard = \"0.1 /year\""));
    assert!(
        both.to_string().contains("has more than one of `at` or `hazard`"),
        "{both}"
    );
    let none = mistake(&more("[[fault]]\nid = \"x\"\nkind = \"pump.stall\""));
    assert!(
        none.ends_with("needs one of `at`, `when` or `hazard` | add for example at = \"30 d\""),
        "{none}"
    );
}

#[test]
fn condition_on_an_unknown_signal_or_with_a_unit() {
    refused(
        &leak("when = \"resevoir_ml < 2\""),
        "unknown-signal | \"resevoir_ml < 2\" | unknown signal `resevoir_ml` | did you mean `reservoir_ml`?",
    );
    refused(
        &leak("when = \"reservoir_ml < 2 mL\""),
        "bad-condition | \"reservoir_ml < 2 mL\" | `2 mL` is no level for `reservoir_ml` | the name of the column states the unit; write for example \"reservoir_ml < 2\"",
    );
    refused(
        &leak("when = \"soon\""),
        "bad-condition | \"soon\" | `soon` is no condition | write for example when = \"reservoir_ml < 2\"",
    );
}

#[test]
fn overlapping_programmes() {
    let same = mistakes(&more("[[programme]]\nat = \"0 h\"\nminimum_rate = true")).to_string();
    assert!(
        same.contains("two programmes start at 0 h") && same.contains("this one") && same.contains("and this one"),
        "{same}"
    );
    let during = "[[programme]]\nat = \"5 d\"\nsingle_bolus = { dose = \"50 ug\", over = \"2 h\" }\n\
                  [[programme]]\nat = \"121 h\"\nsimple_continuous = \"300 ug/day\"";
    let found = mistakes(&more(during)).to_string();
    assert!(
        found.contains("this programme starts while a bolus is still running"),
        "{found}"
    );
    crate::scenario_common::story(&more(&during.replace("121 h", "122 h")));
}

#[test]
fn time_before_zero() {
    refused(
        &leak("at = \"-1 d\""),
        "before-start | \"-1 d\" | `at` lies before the start of the run | the run starts at \"0 d\"",
    );
}

#[test]
fn time_after_the_end() {
    let help = "make `duration` longer, or this earlier";
    refused(
        &leak("at = \"121 d\""),
        &format!("after-end | \"121 d\" | `at` lies after the end of the run | {help}"),
    );
    refused(
        &more("[[action]]\nat = \"2881 h\"\ninterrogate = true"),
        &format!("after-end | \"2881 h\" | `at` lies after the end of the run | {help}"),
    );
    refused(
        &more("[[programme]]\nat = \"1 year\"\nstopped = true"),
        &format!("after-end | \"1 year\" | `at` lies after the end of the run | {help}"),
    );
    refused(
        &more("[[expect]]\nevent = \"pump.empty\"\nbetween = [\"1 d\", \"200 d\"]\nsource = \"x\""),
        &format!("after-end | \"200 d\"] | `between` lies after the end of the run | {help}"),
    );
    // Relative to an instant that the file fixes.
    refused(
        &leak("[[action]]\nid = \"late\"\nat = \"leak.start + 100 d\"\ninterrogate = true"),
        &format!("after-end | \"leak.start + 100 d\" | `late` lies after the end of the run | {help}"),
    );
}

#[test]
fn time_at_the_very_end_is_accepted() {
    crate::scenario_common::story(&leak("at = \"120 d\""));
}

#[test]
fn moment_on_an_unknown_event() {
    refused(
        &more(
            "[[action]]\nat = \"leek.start + 1 d\"\ninterrogate = true\n[[fault]]\nid = \"leak\"\nkind = \"pump.stall\"\nat = \"1 d\"",
        ),
        "unknown-event | \"leek.start + 1 d\" | unknown event `leek.start` | did you mean `leak.start`?",
    );
}

#[test]
fn moment_before_the_event_it_waits_for() {
    refused(
        &more("[[action]]\nat = \"pump.empty - 1 d\"\ninterrogate = true"),
        "before-event | \"pump.empty - 1 d\" | `at` lies before the event it waits for | write \"pump.empty + 12 d\", or a time of its own",
    );
}

#[test]
fn moment_without_a_time() {
    let found = mistake(&more("[[action]]\nat = \"pump.empty + 3\"\ninterrogate = true"));
    assert!(
        found.starts_with("bad-moment | \"pump.empty + 3\" | `at`: `3` has no unit"),
        "{found}"
    );
}

#[test]
fn blocks_that_wait_for_one_another() {
    let text = "[[fault]]\nid = \"a\"\nkind = \"pump.stall\"\nat = \"b.start + 1 d\"\n\
                [[fault]]\nid = \"b\"\nkind = \"pump.stall\"\nat = \"a.end + 1 d\"\n";
    let found = mistakes(&more(text)).to_string();
    assert!(found.contains("= note: `a` waits for `b` waits for `a`"), "{found}");
}

#[test]
fn expectation_on_an_unknown_event_or_signal() {
    refused(
        &more("[[expect]]\nevent = \"symptom.itchh.onset\"\nsource = \"x\""),
        "unknown-event | \"symptom.itchh.onset\" | unknown event `symptom.itchh.onset` | did you mean `symptom.itch.onset`?",
    );
    refused(
        &more("[[expect]]\nsignal = \"csf_l2_ng_per_ml\"\nat = \"1 d\"\nmax = 1\nsource = \"x\""),
        "unknown-signal | \"csf_l2_ng_per_ml\" | unknown signal `csf_l2_ng_per_ml` | did you mean `csf_l3_ng_per_ml`?",
    );
}

#[test]
fn expectation_without_source_or_bound() {
    refused(
        &more("[[expect]]\nevent = \"pump.empty\""),
        "missing-key | [[expect]] | [[expect]] lacks `source` | add source = \"Coffey 1993\" (who says that this must happen)",
    );
    refused(
        &more("[[expect]]\nsignal = \"reservoir_ml\"\nsource = \"x\""),
        "missing-key | [[expect]] | [[expect]] lacks `within` | add within = [1, 5]",
    );
}

#[test]
fn expectation_with_a_window_backwards() {
    refused(
        &more("[[expect]]\nevent = \"pump.empty\"\nbetween = [\"4 d\", \"3 d\"]\nsource = \"x\""),
        "backwards | \"3 d\"] | the window ends before it begins | ",
    );
    refused(
        &more("[[expect]]\nsignal = \"reservoir_ml\"\nwithin = [3, 2]\nsource = \"x\""),
        "backwards | 2] | the upper bound is less than the lower | ",
    );
}

#[test]
fn duplicate_ids() {
    let text = leak("[[action]]\nid = \"leak\"\nat = \"1 d\"\ninterrogate = true");
    refused(
        &text,
        "duplicate-id | \"leak\" | the id `leak` is used twice | ids of programmes, faults and actions must differ from one another",
    );
    assert!(mistakes(&text).to_string().contains("first used here"));
    assert!(mistake(&more("[[arm]]\nid = \"a\"\n[[arm]]\nid = \"a\"")).starts_with("duplicate-id"));
}

#[test]
fn ids_that_would_leave_the_folder() {
    for id in ["../x", "a/b", "", ".hidden", "a b", "a.b"] {
        let found = mistakes(&more(&format!("[[arm]]\nid = \"{id}\"")));
        assert_eq!(found.items()[0].code(), "bad-id", "{id}");
    }
}

#[test]
fn more_than_thirteen_flex_steps_a_day() {
    let steps = |n: usize, day: &str| {
        let list: Vec<String> = (0..n)
            .map(|i| format!("{{ at = \"{i:02}:00\", {day}rate = \"300 ug/day\" }}"))
            .collect();
        more(&format!("[[programme]]\nat = \"1 d\"\nflex = [{}]", list.join(", ")))
    };
    crate::scenario_common::story(&steps(13, ""));
    assert!(
        mistake(&steps(14, "")).contains("too-many-steps")
            && mistake(&steps(14, "")).contains("14 flex steps on one day (mon)")
    );
    assert!(mistake(&steps(14, "weekday = \"sun\", ")).contains("14 flex steps on one day (sun)"));
}

#[test]
fn flex_step_at_an_impossible_hour_or_twice() {
    for at in ["24:00", "6", "06:60", "6:5", "six"] {
        let found = mistake(&more(&format!(
            "[[programme]]\nat = \"1 d\"\nflex = [{{ at = \"{at}\", rate = \"300 ug/day\" }}]"
        )));
        assert!(
            found.contains("is no time of day | write hours and minutes, such as \"06:00\""),
            "{found}"
        );
    }
    let twice = "{ at = \"06:00\", rate = \"300 ug/day\" }";
    let found = mistake(&more(&format!(
        "[[programme]]\nat = \"1 d\"\nflex = [{twice}, {twice}]"
    )));
    assert!(found.contains("two flex steps start at the same time"), "{found}");
}

#[test]
fn two_modes_in_one_programme() {
    let found = mistake(&more(
        "[[programme]]\nat = \"1 d\"\nstopped = true\nminimum_rate = true",
    ));
    assert!(
        found.contains("[[programme]] has more than one of `minimum_rate` or `stopped`"),
        "{found}"
    );
}

#[test]
fn repair_or_arm_on_an_unknown_id() {
    refused(
        &leak("[[action]]\nat = \"50 d\"\nrepair = [\"leek\"]"),
        "unknown-id | \"leek\"] | no fault has the id `leek` | did you mean `leak`?",
    );
    refused(
        &leak("[[arm]]\nid = \"a\"\nwithout = [\"leek\"]"),
        "unknown-id | \"leek\"] | nothing has the id `leek` | did you mean `leak`?",
    );
    refused(
        &leak("[[arm]]\nid = \"a\"\nset = { \"fault.leek.conductance\" = \"1 mL/h/kPa\" }"),
        "unknown-id | \"fault.leek.conductance\" = \"1 mL/h/kPa\" } | no fault has the id `leek` | did you mean `leak`?",
    );
}

#[test]
fn arm_that_sets_a_wrong_value_points_at_the_arm() {
    refused(
        &leak("[[arm]]\nid = \"a\"\nset = { \"fault.leak.conductance\" = \"1 mL\" }"),
        "bad-quantity | \"1 mL\" } | `conductance`: `1 mL` is a volume, but a conductance is needed here | write a conductance such as \"1 mL/h/kPa\"",
    );
    let found = mistakes(&leak("[[arm]]\nid = \"a\"\nset = { \"pump.gian\" = 1.1 }")).to_string();
    assert!(
        found.contains("unknown key `gian` in [pump]") && found.contains("did you mean `gain`?"),
        "{found}"
    );
    let found = mistake(&leak("[[arm]]\nid = \"a\"\nset = { \"pmp.gain\" = 1.1 }"));
    assert!(
        found.contains("`pmp.gain` names nothing that can be set | did you mean `pump`?"),
        "{found}"
    );
}

#[test]
fn parameter_unknown_wrong_or_out_of_range() {
    refused(
        &file("[parameters]\n\"scenario.patient.wieght\" = \"60 kg\"", ""),
        "unknown-parameter | \"scenario.patient.wieght\" = \"60 kg\" | unknown parameter `scenario.patient.wieght` | did you mean `scenario.patient.weight`?",
    );
    refused(
        &file("[parameters]\n\"scenario.patient.weight\" = 60", ""),
        "bad-parameter | 60 | `scenario.patient.weight`: `60` has no unit | write a body weight with its unit, such as \"60 kg\"; the default is \"70 kg\"",
    );
    refused(
        &file("[parameters]\n\"scenario.patient.weight\" = \"600 kg\"", ""),
        "bad-parameter | \"600 kg\" | `scenario.patient.weight` = 600 kg lies outside its range 5 to 250 kg | ",
    );
}

#[test]
fn unquoted_value_with_a_unit() {
    refused(
        "duration = 90 d",
        "unquoted-value | 90 d | a value with a unit must be in quotes | write \"90 d\"",
    );
}

#[test]
fn syntax_mistakes_on_several_lines_are_all_reported() {
    let all = mistakes("title = \"x\ndur = = 3\nsample = 3 h\ntitle = \"y\"");
    assert!(all.items().len() >= 3, "{all}");
}

#[test]
fn key_written_twice() {
    refused(
        "title = \"x\"\ntitle = \"y\"",
        "invalid-toml | title = \"y\" | invalid TOML: this key appears twice | keep one of the two",
    );
}

#[test]
fn a_matrix_with_an_empty_list() {
    refused(
        &more("[matrix]\n\"pump.gain\" = []"),
        "empty-list | \"pump.gain\" = [] | `pump.gain` has no values | give it at least one value, or leave it out",
    );
}

#[test]
fn a_matrix_over_a_path_that_is_not_there() {
    refused(
        &more("[matrix]\n\"pmup.gain\" = [0.9, 1.1]"),
        "bad-path | \"pmup.gain\" = [0.9, 1.1] | `pmup.gain` names nothing that can be set | did you mean `pump`?; paths start with patient, pump, catheter, model, population, hazards, parameters, programme.<id>, fault.<id>, action.<id>, care.<id> or drug.<id>",
    );
}

#[test]
fn established_therapy_without_a_dose() {
    let text = file("[patient]\nhistory = \"established\"", "").replace("at = \"0 d\"", "at = \"1 d\"");
    refused(
        &text,
        "no-first-programme | \"established\" | established therapy needs a programme at the start | add a [[programme]] with at = \"0 d\" and simple_continuous, flex or periodic_bolus",
    );
}

#[test]
fn more_output_rows_than_anyone_wants() {
    let found = mistake(&file("sample = \"1 ms\"", ""));
    assert!(found.starts_with("too-many-rows | \"1 ms\""), "{found}");
}

#[test]
fn table_written_as_block_and_block_as_table() {
    let found = mistakes("title = \"x\"\nduration = \"1 d\"\n[[pump]]\nfamily = \"peristaltic\"\n[fault]\nid = \"x\"")
        .to_string();
    assert!(found.contains("`pump` is an array, but a table is needed"), "{found}");
    assert!(found.contains("`fault` must be written as [[fault]] blocks"), "{found}");
}
