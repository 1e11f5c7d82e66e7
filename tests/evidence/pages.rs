//! The pages that the program fills in are those of this version.

use std::path::Path;

use itbsim::pages::Page;

fn check(page: Page, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let found = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let made = page.text().unwrap();
    let line = made.lines().zip(found.lines()).position(|(a, b)| a != b);
    assert!(
        made == found,
        "docs/{name} is not what this version prints, from line {}: run docs/update",
        line.map_or_else(|| made.lines().count().min(found.lines().count()) + 1, |l| l + 1)
    );
}

#[test]
fn the_model_page_is_that_of_this_version() {
    check(Page::Model, "model.md");
}

#[test]
fn the_credibility_page_is_that_of_this_version() {
    check(Page::Credibility, "credibility.md");
}

#[test]
fn the_reference_of_scenario_files_is_that_of_this_version() {
    check(Page::Scenario, "scenario.md");
}

#[test]
fn the_page_of_limits_is_that_of_this_version() {
    check(Page::Limits, "limits.md");
}

#[test]
fn links_between_pages_lead_to_files() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut links = 0;
    for page in [Page::Model, Page::Credibility] {
        let text = page.text().unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            assert!(docs.join(target).is_file(), "{target}");
            links += 1;
        }
    }
    assert!(links >= 5, "only {links} links found: the search is broken");
}
