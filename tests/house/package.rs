//! What goes into the package: all that it needs, nothing large, nothing of the workshop.

use std::path::Path;
use std::process::Command;

/// Largest file \[bytes\].
const LARGEST: u64 = 300_000;
/// Everything, before it is compressed \[bytes\]; a registry takes 10 MB compressed.
const ALL: u64 = 10_000_000;

#[test]
fn the_package_is_whole_and_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if root.join("Cargo.toml.orig").exists() {
        // These sources come out of a package, and cannot be packed once more.
        return;
    }
    let out = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .output()
        .expect("cargo runs this test");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let list = String::from_utf8(out.stdout).unwrap();
    let files: Vec<&str> = list.lines().collect();
    for needed in [
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "README.md",
        "src/lib.rs",
        "docs/templates/model.md",
        "scenarios/base/adult-spinal.toml",
    ] {
        assert!(files.contains(&needed), "{needed} is missing");
    }
    for other in ["fuzz/", "benches/peers/", "target/", ".ci/", "out/"] {
        assert!(!files.iter().any(|f| f.starts_with(other)), "{other} is in the package");
    }
    let mut all = 0;
    for file in &files {
        // The first two of these are made by cargo.
        if let Ok(about) = std::fs::metadata(root.join(file)) {
            assert!(about.len() <= LARGEST, "{file} has {} bytes", about.len());
            all += about.len();
        }
    }
    assert!(all <= ALL, "{all} bytes");
    assert!(files.len() > 300, "only {} files", files.len());
}
