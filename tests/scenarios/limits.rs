//! What is too large is refused by name, at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::scenario_common::{catalog, file, mistake, mistakes};
use itbsim::scenario::{FILE_LIMIT, load_from, load_str};

/// The only mistake of a text just above a limit, and that it does not take long to tell. The time
/// is that of a busy machine and a build without optimisation.
#[track_caller]
fn told(text: &str, code: &str, says: &str) {
    assert!(
        text.len() as u64 <= FILE_LIMIT,
        "{} bytes test another limit",
        text.len()
    );
    let start = Instant::now();
    let found = mistake(text);
    let took = start.elapsed();
    assert!(found.starts_with(code), "{found}");
    // What is allowed stands at the caret.
    let shown = mistakes(text).to_string();
    assert!(shown.contains(says), "{shown}");
    assert!(took < Duration::from_secs(20), "{code} took {took:?}");
}

#[test]
fn a_text_above_a_megabyte() {
    let text = format!("{}\n#{}", file("", ""), "x".repeat(FILE_LIMIT as usize));
    let found = load_str("long", &text, None, &catalog()).unwrap_err().to_string();
    assert!(found.contains("larger than 1 MB, the limit for a scenario"), "{found}");
}

#[test]
fn a_chain_of_files_that_has_no_end() {
    let mut files = BTreeMap::new();
    for k in 0..40 {
        files.insert(format!("s/{k}.toml"), format!("extends = \"{}.toml\"\n", k + 1));
    }
    files.insert("s/40.toml".to_owned(), file("", ""));
    let found = load_from(Path::new("s/0.toml"), &files, &catalog())
        .unwrap_err()
        .to_string();
    assert!(found.contains("more than 32 files extend one another"), "{found}");
}

#[test]
fn blocks_beyond_number() {
    let blocks = "[[expect]]\n".repeat(10_001);
    told(&file("", &blocks), "too-many-blocks", "at most 10000 are allowed");
}

#[test]
fn arms_beyond_number() {
    let arms: String = (0..201).map(|k| format!("[[arm]]\nid = \"a{k}\"\n")).collect();
    told(&file("", &arms), "too-many-arms", "at most 200 are allowed");
}

#[test]
fn a_factorial_with_more_cells_than_arms_may_be() {
    let values: Vec<String> = (1..=15).map(|k| k.to_string()).collect();
    let matrix = format!(
        "[matrix]\nseed = [{0}]\n\"pump.age\" = [{1}]\n",
        values.join(", "),
        values
            .iter()
            .map(|v| format!("\"{v} d\""))
            .collect::<Vec<_>>()
            .join(", ")
    );
    told(&file("", &matrix), "too-many-cells", "at most 200 are allowed");
}

#[test]
fn a_text_that_nests_without_end_or_repeats_one_mistake_is_refused_soon() {
    for text in [
        format!("x = {}", "[".repeat(400_000)),
        format!("x = {}", "{a=".repeat(200_000)),
        format!("[{}a]", "a.".repeat(400_000)),
        format!("{}\n", "a.b = 1\n".repeat(100_000)),
        "[[fault]]\nkind = \"nothing\"\n".repeat(9_000),
        "[[arm]]\n".repeat(120_000),
        "\"".repeat(900_000),
    ] {
        let start = Instant::now();
        let mistakes = load_str("bad", &text, None, &catalog()).unwrap_err();
        let shown = mistakes.render(false);
        let took = start.elapsed();
        assert!(shown.len() < 4_000_000, "{} bytes for {}", shown.len(), &text[..20]);
        assert!(took < Duration::from_secs(60), "{took:?} for {}", &text[..20]);
    }
}
