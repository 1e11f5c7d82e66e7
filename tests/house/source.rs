//! Rules of the house that are properties of the source text: what could make
//! two runs differ, what could let a test pass without testing, and file sizes.

use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "nothing found in {folder}");
    paths
        .into_iter()
        .map(|p| {
            let text = std::fs::read_to_string(&p).unwrap();
            (p, text)
        })
        .collect()
}

/// Lines of code, comments and unit tests (which stand last) left out, with their places.
fn code(folder: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (path, text) in files(folder) {
        for (n, line) in text.lines().enumerate() {
            if line.trim() == "#[cfg(test)]" {
                break;
            }
            if !line.trim_start().starts_with("//") {
                lines.push((format!("{}:{}", path.display(), n + 1), line.to_owned()));
            }
        }
    }
    lines
}

fn offenders(words: &[&str]) -> Vec<String> {
    code("src")
        .into_iter()
        .filter(|(_, line)| words.iter().any(|w| line.contains(w)))
        .map(|(place, line)| format!("{place}: {}", line.trim()))
        .collect()
}

#[test]
fn trap_06_nothing_iterates_in_hash_order_reads_a_clock_or_draws_unkeyed() {
    let found = offenders(&[
        "HashMap",
        "HashSet",
        "SystemTime",
        "Instant::now",
        "thread_rng",
        "rand::rng(",
        "from_os_rng",
    ]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_calls_the_platforms_own_transcendental_functions_or_a_fused_product() {
    // They differ in the last bit between platforms; `libm` does not.
    let found = offenders(&[
        ".exp()",
        ".exp_m1()",
        ".ln()",
        ".ln_1p()",
        ".log10()",
        ".log2()",
        ".powf(",
        ".sin()",
        ".cos()",
        ".tanh()",
        ".mul_add(",
    ]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn trap_22_what_runs_in_parallel_is_collected_in_order_and_never_folded_there() {
    let mut parallel = 0;
    for (path, text) in files("src") {
        for (at, _) in text.match_indices("par_iter") {
            parallel += 1;
            let statement = &text[at..text[at..].find(';').map_or(text.len(), |end| at + end)];
            for fold in [".sum()", ".sum::<", ".reduce(", ".fold("] {
                assert!(
                    !statement.contains(fold),
                    "{} folds in parallel: {statement}",
                    path.display()
                );
            }
        }
    }
    assert!(parallel > 0, "nothing runs in parallel: the search is broken");
}

#[test]
fn trap_19_every_test_file_asserts_something() {
    let asserts = ["assert", "proptest!", ".success()", ".failure()", ".code("];
    for (path, text) in files("tests") {
        if text.contains("#[test]") {
            assert!(
                asserts.iter().any(|a| text.contains(a)),
                "{} asserts nothing",
                path.display()
            );
        }
    }
}

#[test]
fn no_source_file_is_too_long_to_hold_in_the_head() {
    for (path, text) in files("src") {
        let lines = text.lines().count();
        assert!(lines <= 800, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_trait_to_implement_shows_how() {
    let mut traits = 0;
    for (path, text) in files("src") {
        let lines: Vec<&str> = text.lines().collect();
        for (n, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_with("pub trait "))
        {
            traits += 1;
            let shown = lines[..n]
                .iter()
                .rev()
                .take_while(|l| l.starts_with("///") || l.starts_with("#["))
                .any(|l| l.trim() == "/// ```");
            assert!(shown, "{}:{}: {line} has no example", path.display(), n + 1);
        }
    }
    assert!(traits > 8, "{traits}");
}
