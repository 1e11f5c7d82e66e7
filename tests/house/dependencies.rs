//! What the crate stands on: licences, crates in two versions, crates that nothing uses, and the
//! oldest compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Licences that go with MIT OR Apache-2.0 in one program.
const ALLOWED: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "0BSD",
    "Zlib",
    "Unlicense",
    "Unicode-3.0",
    "ISC",
];

/// Crates that stand in the program in more than one version, and why that is borne.
const TWICE: &[(&str, &str)] = &[
    ("rand", "a crate of a dependency is one version behind"),
    ("rand_core", "with rand"),
    ("getrandom", "with rand"),
    ("thiserror", "a dependency is one version behind"),
    ("thiserror-impl", "with thiserror"),
    ("syn", "used while building only"),
    ("strsim", "used while building only"),
    ("miniz_oxide", "png and its compressor differ"),
    ("web-time", "not built for this platform"),
    ("r-efi", "not built for this platform"),
    ("glam", "optional conversions of nalgebra, none switched on"),
];

/// What cargo says about the locked crates. Those of other systems are not there on a machine that
/// only ever built this one: then, and only then, they are fetched.
fn cargo(words: &[&str]) -> Vec<u8> {
    let run = |offline: &[&str]| {
        Command::new(env!("CARGO"))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .args([words, &["--locked"], offline].concat())
            .output()
            .expect("cargo runs this test")
    };
    let mut out = run(&["--offline"]);
    if !out.status.success() {
        out = run(&[]);
    }
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

fn metadata() -> Value {
    serde_json::from_slice(&cargo(&["metadata", "--format-version", "1"])).unwrap()
}

/// Whether one of the alternatives of a licence expression is allowed in all its parts.
fn allowed(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], "").replace('/', " OR ");
    // None of the expressions met nests an OR inside an AND but for the first two words.
    flat.split(" AND ")
        .all(|part| part.split(" OR ").any(|one| ALLOWED.contains(&one.trim())))
}

#[test]
fn expressions_of_licences_are_judged() {
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "MIT/Apache-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
    ] {
        assert!(allowed(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "", "MPL-2.0 OR GPL-3.0"] {
        assert!(!allowed(bad), "{bad}");
    }
}

#[test]
fn every_crate_has_a_licence_that_goes_with_ours() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let bad: Vec<String> = packages
        .iter()
        .filter(|p| !allowed(p["license"].as_str().unwrap_or("")))
        .map(|p| format!("{} {}: {}", p["name"], p["version"], p["license"]))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn a_crate_in_two_versions_has_a_reason() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        versions
            .entry(name)
            .or_default()
            .insert(package["version"].as_str().unwrap());
    }
    // Crates for one system only, and the names of one macro's many faces.
    let system = |name: &str| name.starts_with("windows") || name.starts_with("wasi") || name.starts_with("wit-");
    let twice: BTreeSet<&str> = versions
        .iter()
        .filter(|(name, all)| all.len() > 1 && !system(name))
        .map(|(name, _)| *name)
        .collect();
    let known: BTreeSet<&str> = TWICE.iter().map(|t| t.0).collect();
    let new: Vec<_> = twice.difference(&known).collect();
    assert!(new.is_empty(), "in more than one version without a reason: {new:?}");
    let gone: Vec<_> = known.difference(&twice).collect();
    assert!(
        gone.is_empty(),
        "no longer in two versions, take the reason away: {gone:?}"
    );
}

#[test]
fn every_crate_that_is_asked_for_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let text = |folders: &[&str]| {
        let mut all = String::new();
        for folder in folders {
            let mut left = vec![root.join(folder)];
            while let Some(path) = left.pop() {
                if path.is_dir() {
                    left.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
                } else if path.extension().is_some_and(|e| e == "rs") {
                    all.push_str(&std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        all
    };
    for (table, folders) in [
        ("dependencies", &["src"][..]),
        ("dev-dependencies", &["src", "tests", "benches", "examples"][..]),
    ] {
        let text = text(folders);
        for name in manifest[table].as_table().unwrap().keys() {
            let module = name.replace('-', "_");
            // argmin reaches the traits of argmin-math by a feature, not by name.
            let used = text.contains(&format!("{module}::")) || (name == "argmin-math" && text.contains("argmin::"));
            assert!(used, "nothing uses `{name}` of [{table}]");
        }
    }
}

#[test]
fn the_oldest_compiler_is_stated_and_no_older_than_what_the_crates_need() {
    let metadata = metadata();
    let number = |text: &str| -> (u32, u32) {
        let mut parts = text.split('.').map(|p| p.parse().unwrap());
        (parts.next().unwrap(), parts.next().unwrap_or(0))
    };
    let packages = metadata["packages"].as_array().unwrap();
    let ours = packages.iter().find(|p| p["name"] == "itbsim").unwrap();
    let stated = number(ours["rust_version"].as_str().unwrap());
    // Only what is built with the crate counts, not what other systems would build.
    let tree = cargo(&["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let built: BTreeSet<String> = String::from_utf8(tree)
        .unwrap()
        .lines()
        .map(|l| l.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert!(built.len() > 50);
    for package in packages {
        let name = format!(
            "{} v{}",
            package["name"].as_str().unwrap(),
            package["version"].as_str().unwrap()
        );
        if let Some(needs) = package["rust_version"].as_str().filter(|_| built.contains(&name)) {
            assert!(number(needs) <= stated, "{name} needs {needs}");
        }
    }
}
