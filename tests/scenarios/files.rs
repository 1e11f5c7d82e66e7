//! Mistakes in where a file lies, how large it is, and what else is in it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::scenario_common::{catalog, file, mistake, mistakes};
use itbsim::scenario::{FILE_LIMIT, load, load_from, load_str};

fn chain(entries: &[(&str, &str)]) -> String {
    let files: BTreeMap<String, String> = entries
        .iter()
        .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()))
        .collect();
    load_from(Path::new(entries[0].0), &files, &catalog())
        .unwrap_err()
        .to_string()
}

#[test]
fn cyclic_extends_names_the_circle() {
    let found = chain(&[
        ("a.toml", "extends = \"base/b.toml\""),
        ("base/b.toml", "title = \"b\"\nextends = \"../base/../a.toml\""),
    ]);
    assert!(found.contains(" --> base/b.toml:2:11"), "{found}");
    assert!(
        found.contains("= note: `a.toml` extends `base/b.toml` extends `a.toml`"),
        "{found}"
    );
}

#[test]
fn missing_base_suggests_a_file_of_that_folder() {
    let found = chain(&[("a.toml", "extends = \"base/adlt.toml\""), ("base/adult.toml", "")]);
    assert!(
        found.contains("cannot read `base/adlt.toml`: there is no such file"),
        "{found}"
    );
    assert!(found.contains("did you mean `adult.toml`?"), "{found}");
}

#[test]
fn mistakes_point_into_the_file_they_are_in() {
    let base = file("", "").replace("300 ug/day", "300 ug");
    let found = chain(&[
        ("a.toml", "extends = \"b.toml\"\n[patient]\nweight = 70"),
        ("b.toml", &base),
    ]);
    assert!(
        found.contains(" --> a.toml:3:10") && found.contains("--> b.toml:10:21"),
        "{found}"
    );
}

#[test]
fn extends_must_be_relative_and_needs_a_folder() {
    assert!(chain(&[("a.toml", "extends = \"/b.toml\"")]).contains("`extends` must be relative to this file"));
    assert!(mistake("extends = \"b.toml\"").starts_with("no-folder"));
}

#[test]
fn missing_file_suggests_a_similar_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("catheter-leak.toml"), "").unwrap();
    let found = load(&dir.path().join("cateter-leak.toml"), &catalog())
        .unwrap_err()
        .to_string();
    assert!(
        found.contains("there is no such file") && found.contains("did you mean `catheter-leak.toml`?"),
        "{found}"
    );
    let found = load(&dir.path().join("catheter-leak"), &catalog())
        .unwrap_err()
        .to_string();
    assert!(found.contains("did you mean `catheter-leak.toml`?"), "{found}");
    let found = load(dir.path(), &catalog()).unwrap_err().to_string();
    assert!(found.contains("it is a folder, not a file"), "{found}");
}

#[test]
fn file_over_one_megabyte_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big.toml");
    // A sparse file: reading it all would need 100 GB.
    std::fs::File::create(&path).unwrap().set_len(100_000_000_000).unwrap();
    let found = load(&path, &catalog()).unwrap_err().to_string();
    assert!(
        found.contains("it is larger than 1 MB, the limit for a scenario"),
        "{found}"
    );
    let text = "#".repeat(FILE_LIMIT as usize + 1);
    assert!(
        load_str("x", &text, None, &catalog())
            .unwrap_err()
            .to_string()
            .contains("larger than 1 MB")
    );
}

#[test]
fn endless_and_binary_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.toml");
    for (bytes, offset) in [(&b"title = \"\xff\""[..], 9), (&b"ELF\0\0"[..], 3)] {
        std::fs::write(&path, bytes).unwrap();
        let found = load(&path, &catalog()).unwrap_err().to_string();
        assert!(
            found.contains(&format!("byte {offset} is not UTF-8, so this is no text file")),
            "{found}"
        );
    }
    #[cfg(unix)]
    assert!(
        load(Path::new("/dev/zero"), &catalog())
            .unwrap_err()
            .to_string()
            .contains("larger than 1 MB")
    );
}

#[test]
fn hostile_nesting_is_an_error_and_no_crash() {
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("{}b = 1", "a.".repeat(100_000)),
    ] {
        assert!(mistakes(&text).to_string().contains("invalid TOML"));
    }
}

#[test]
fn a_flood_of_mistakes_is_cut_short() {
    let flood: String = (0..500).map(|i| format!("zz{i} = 1\n")).collect();
    let all = mistakes(&flood);
    assert!(all.items().len() >= 500);
    let shown = all.to_string();
    assert!(
        shown.contains("... and") && shown.matches("error: ").count() == 50,
        "{}",
        shown.len()
    );
}

#[test]
fn control_characters_from_a_file_do_not_reach_the_terminal() {
    let found = mistakes("\"\\u001b[31mred\" = 1").to_string();
    assert!(!found.contains('\u{1b}'), "{found}");
}

#[test]
fn json_carries_code_place_and_help() {
    let json = mistakes(&file("", "").replace("300 ug/day", "300")).to_json();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value[0]["code"], "no-unit");
    assert_eq!(value[0]["file"], "story.toml");
    assert_eq!(
        (value[0]["line"].as_u64(), value[0]["column"].as_u64()),
        (Some(10), Some(21))
    );
    assert_eq!(
        value[0]["help"][0],
        "write a dose rate with its unit, such as \"300 ug/day\""
    );
}

#[test]
fn a_megabyte_of_anything_is_answered_quickly() {
    let repeat = |block: &str| {
        let mut text = file("", "");
        let mut n = 0;
        while text.len() + block.len() + 8 < 400_000 {
            text.push_str(&block.replace("N+1", &(n + 1).to_string()).replace('N', &n.to_string()));
            n += 1;
        }
        text
    };
    let started = std::time::Instant::now();
    for block in [
        "[[action]]\nat = \"1 d\"\ninterrogate = true\n",
        "[[action]]\nid = \"aN\"\nat = \"aN+1 + 1 s\"\ninterrogate = true\n",
        "[[action]]\nat = \"nothing + 1 s\"\ninterrogate = true\n",
        "[[arm]]\nid = \"aN\"\n",
        "[[expect]]\nevent = \"pump.empty\"\nsource = \"x\"\n",
        "zN = 90 d\n",
        "[zN]\n",
    ] {
        if let Err(all) = crate::scenario_common::read(&repeat(block)) {
            let _ = all.to_json().len() + all.to_string().len();
        }
    }
    // Generous for a busy machine: quadratic work takes minutes here.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
