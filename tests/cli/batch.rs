//! `itbsim batch`, `merge` and `compare -n` at the command line.

use crate::cli_common::{Desk, QUIET};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

/// Chance for everything, in two days.
const CHANCE: &str = "\n[hazards]\nscale = 2000.0\n";
const ARMS: &str = "\n[[arm]]\nid = \"usual\"\n[[arm]]\nid = \"more\"\n\
    set = { \"programme.maintenance.simple_continuous\" = \"500 ug/day\" }\n";

fn desk(parts: &[&str]) -> Desk {
    let desk = Desk::new();
    desk.write("case.toml", parts);
    desk
}

#[test]
fn a_batch_leaves_tables_figures_and_nothing_else() {
    let desk = desk(&[QUIET, CHANCE, ARMS]);
    desk.run(&[
        "batch",
        "case.toml",
        "-n",
        "6",
        "--seed",
        "2",
        "--out",
        "done",
        "-j",
        "2",
    ])
    .success()
    .stdout(contains("6 of 6 replicates"))
    .stdout(contains("good_control_percent"));
    for file in [
        "outcomes.csv",
        "bands.csv",
        "incidence.csv",
        "survival.csv",
        "times.csv",
        "failures.csv",
        "differences.csv",
        "replicates.csv",
        "scenario.toml",
        "plots/bands_more.svg",
        "plots/ecdf.png",
    ] {
        assert!(desk.at("done").join(file).is_file(), "{file}");
    }
    let summary = desk.json("done/summary.json");
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["arms"][1]["done"], 6);
    assert!(!desk.at(".done.batch").exists(), "the working folder is gone");
    // The folder stands for its scenario, and a second batch replaces it.
    desk.run(&["batch", "done", "-n", "2", "--out", "done", "--no-plots"])
        .success();
}

#[test]
fn shards_merged_are_the_batch_file_by_file() {
    let desk = desk(&[QUIET, CHANCE]);
    let common = ["-n", "7", "--seed", "5"];
    desk.run(&[&["batch", "case.toml", "--out", "whole", "--no-plots"], &common[..]].concat())
        .success();
    for k in ["1", "2"] {
        let (shard, out) = (format!("{k}/2"), format!("part{k}"));
        desk.run(&[&["batch", "case.toml", "--shard", &shard, "--out", &out], &common[..]].concat())
            .success()
            .stdout(contains("`itbsim merge` joins the parts"));
    }
    desk.run(&["merge", "part2", "part1", "--out", "merged", "--no-plots"])
        .success();
    let mut compared = 0;
    for entry in std::fs::read_dir(desk.at("whole")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |folder: &str| std::fs::read(desk.at(folder).join(&name)).unwrap();
        assert!(read("whole") == read("merged"), "{name:?}");
        compared += 1;
    }
    assert!(compared >= 8);
    desk.run(&["merge", "part2", "--out", "half"])
        .code(2)
        .stderr(contains("replicates 0 to 2 of 7 are in none of the parts"));
    assert!(!desk.at("half").exists());
}

#[test]
fn arms_are_compared_in_pairs() {
    let desk = desk(&[QUIET, CHANCE, ARMS]);
    desk.run(&["compare", "case.toml", "-n", "6", "--csv", "pairs.csv"])
        .success()
        .stdout(contains("arm more: 6 of 6 replicates"));
    let table = desk.read("pairs.csv");
    assert!(table.starts_with("arm,against,outcome,n,of,mean_own,"));
    assert!(table.lines().skip(1).all(|l| l.starts_with("more,usual,")));
    desk.run(&["compare", "case.toml", "-n", "3", "--out", "pairs", "--json"])
        .success()
        .stdout(contains("\"against\": \"usual\""));
    assert!(desk.at("pairs").join("differences.csv").is_file());
}

#[test]
fn bad_requests_are_refused_and_nothing_is_written() {
    let desk = desk(&[QUIET]);
    for (args, words) in [
        (vec!["-n", "0"], "at least one replicate"),
        (vec!["-n", "-3"], "at least one replicate"),
        (vec!["-n", "2", "--shard", "5/4"], "shard 5/4 cannot be"),
        (vec!["-n", "2", "--shard", "x"], "write k/K"),
        (vec!["-n", "2", "--threads", "0"], "runs nothing"),
        (vec!["-n", "2", "-j", "100000"], "more than 1024, the limit"),
        (vec!["-n", "2", "--signals", "gsc"], "no signal is called `gsc`"),
        (vec!["-n", "2", "--sample", "0 h"], "above zero"),
        (
            vec!["-n", "2", "--sample", "1 s", "--signals", "gcs,flow_ml_per_day"],
            "wider --sample",
        ),
        (vec!["-n", "2", "--given", "catheter.kink"], "never comes by chance"),
        (vec!["-n", "2", "--tilt", "catheter.kink"], "no FAULT=FACTOR"),
    ] {
        desk.run(&[&["batch", "case.toml", "--out", "none"], &args[..]].concat())
            .code(2)
            .stderr(contains(words));
        assert!(
            !desk.at("none").exists() && !desk.at(".none.batch").exists(),
            "{args:?}"
        );
    }
}

#[test]
fn two_levels_have_tables_figures_and_replicates_that_run_alone() {
    let desk = desk(&[QUIET, "[population]\nname = \"adult-spinal\"\n", CHANCE]);
    desk.run(&["batch", "case.toml", "-n", "5", "--uncertainty", "3", "--out", "done"])
        .success()
        .stdout(contains("15 of 15 replicates"))
        .stdout(contains("parameters"));
    for file in [
        "levels.csv",
        "uncertainty.csv",
        "uncertainty_bands.csv",
        "plots/levels.svg",
        "plots/uncertainty_bands.svg",
    ] {
        assert!(desk.at("done").join(file).is_file(), "{file}");
    }
    assert_eq!(desk.json("done/summary.json")["uncertain"]["draws"], 3);
    let mut rows = csv::Reader::from_path(desk.at("done/replicates.csv")).unwrap();
    let place = rows.headers().unwrap().iter().position(|c| c == "fingerprint").unwrap();
    let eleventh = rows.records().nth(11).unwrap().unwrap();
    assert_eq!((&eleventh[0], &eleventh[1]), ("11", "2"));
    desk.run(&[
        "run",
        "case.toml",
        "--replicate",
        "11",
        "--draw",
        "2",
        "--json",
        "--no-plots",
    ])
    .success()
    .stdout(contains(&eleventh[place]));
    desk.run(&[
        "run",
        "case.toml",
        "--replicate",
        "11",
        "--draw",
        "1",
        "--json",
        "--no-plots",
    ])
    .success()
    .stdout(contains(&eleventh[place]).not());
    // The folder of such a run says which draw it is, and runs again without options.
    let named = ["--uncertain", "hazards.catheter.", "--replicate", "11", "--no-plots"];
    desk.run(&[&["run", "case.toml", "--draw", "2", "--out", "drawn"], &named[..]].concat())
        .success();
    desk.run(&["run", "drawn", "--out", "again", "--no-plots"]).success();
    desk.run(&[
        "run",
        "case.toml",
        "--replicate",
        "11",
        "--out",
        "without",
        "--no-plots",
    ])
    .success();
    let of = |folder: &str| desk.json(&format!("{folder}/summary.json"))["fingerprint"].clone();
    assert_eq!(of("drawn"), of("again"));
    assert_ne!(of("drawn"), of("without"));
    for folder in ["drawn", "again"] {
        let read = |file: &str| std::fs::read(desk.at(&format!("{folder}/{file}"))).unwrap();
        assert_eq!(desk.json(&format!("{folder}/summary.json"))["draw"], 2);
        assert_eq!(
            read("timeseries.csv"),
            std::fs::read(desk.at("drawn/timeseries.csv")).unwrap()
        );
    }
    // Another number replaces it.
    desk.run(&["run", "drawn", "--draw", "3", "--out", "third", "--no-plots"])
        .success();
    let text = std::fs::read_to_string(desk.at("third/scenario.toml")).unwrap();
    assert_eq!(text.matches("[uncertain]").count(), 1);
    assert!(text.contains("draw = 3"), "{text}");
    desk.run(&["patients", "-n", "2", "--draw", "2"]).success();
    desk.run(&["patients", "-n", "2", "--uncertain", "2"])
        .code(2)
        .stderr(contains("is now called --draw").and(contains("write --draw 2")));
    for (args, words) in [
        (vec!["--uncertainty", "0"], "draws nothing"),
        (vec!["--uncertainty", "1"], "take 2 to 500 draws"),
        (vec!["--uncertain", "response."], "not how often to draw them"),
        (
            vec!["--uncertainty", "3", "--uncertain", "response.effect.ec50"],
            "differs between patients",
        ),
        (
            vec!["--uncertainty", "3", "--uncertain", "respnse.x"],
            "no parameter is called",
        ),
    ] {
        desk.run(&[&["batch", "case.toml", "-n", "2", "--out", "none"], &args[..]].concat())
            .code(2)
            .stderr(contains(words));
    }
}

#[test]
fn a_matrix_is_one_tidy_table_with_heat_maps() {
    let matrix = "[matrix]\ndose = { path = \"programme.maintenance.simple_continuous\", \
        values = [\"100 ug/day\", \"300 ug/day\", \"900 ug/day\"] }\n\"pump.gain\" = [0.9, 1.1]\n";
    let desk = desk(&[QUIET, CHANCE, matrix]);
    desk.run(&["batch", "case.toml", "-n", "4", "--out", "done"])
        .success()
        .stdout(contains("4 of 4"))
        .stdout(contains("900 ug/day"));
    let table = desk.read("done/matrix.csv");
    assert!(
        table.starts_with("cell,dose,pump.gain,kind,outcome,n,done,of,"),
        "{table}"
    );
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let control = |dose: &str, gain: &str| {
        let row = rows
            .iter()
            .find(|r| &r[1] == dose && &r[2] == gain && &r[4] == "good_control_percent")
            .unwrap();
        assert_eq!((&row[6], &row[7]), ("4", "4"));
        row[9].parse::<f64>().unwrap()
    };
    assert!(control("300 ug/day", "1.1") > control("100 ug/day", "0.9"));
    let outcomes = rows.iter().filter(|r| &r[3] == "outcome").count();
    assert_eq!(outcomes % 6, 0);
    assert!(desk.at("done/plots/matrix_good_control_percent.svg").is_file());
    assert!(!desk.at("done/plots/ecdf.svg").exists());
    // In two shards, byte by byte.
    for k in ["1/2", "2/2"] {
        desk.run(&[
            "batch",
            "case.toml",
            "-n",
            "4",
            "--shard",
            k,
            "--out",
            &k.replace('/', "-of-"),
        ])
        .success();
    }
    desk.run(&["merge", "1-of-2", "2-of-2", "--out", "merged"]).success();
    assert_eq!(desk.read("merged/matrix.csv"), table);

    desk.run(&["run", "case.toml", "--out", "runs"]).success();
    let single = desk.read("runs/matrix.csv");
    assert!(single.starts_with("cell,dose,pump.gain,outcome,value\n"), "{single}");
    assert_eq!(single.lines().count() - 1, outcomes);
    assert!(desk.at("runs/100ug-day--0_9/outcomes.csv").is_file());
    assert!(desk.at("runs/plots/matrix_good_control_percent.png").is_file());
}

/// Waits for a file that a running program is to make.
#[cfg(unix)]
fn wait_for(path: &std::path::Path, child: &mut std::process::Child) {
    let begin = std::time::Instant::now();
    while !path.exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before {}",
            path.display()
        );
        assert!(begin.elapsed().as_secs() < 100, "{} never came", path.display());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_cleanly_and_resume_gives_the_bytes_of_a_whole_run() {
    let desk = desk(&[QUIET, CHANCE]);
    let words = [
        "batch",
        "case.toml",
        "-n",
        "400",
        "--seed",
        "3",
        "--no-plots",
        "-j",
        "1",
        "--out",
    ];
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("itbsim"))
        .args(words)
        .arg("stopped")
        .current_dir(desk.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The state is put on disk after the first 64.
    wait_for(&desk.at(".stopped.batch/part.json"), &mut child);
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130));
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(
        said.contains("of 400 replicates are done") && said.contains("--resume"),
        "{said}"
    );
    // What is complete stands in whole tables that say so, and nothing half-written is left.
    let summary = desk.json("stopped/summary.json");
    let covered = summary["covered"].as_u64().unwrap();
    assert!((64..400).contains(&covered), "{covered}");
    assert_eq!((&summary["complete"], &summary["of"]), (&false.into(), &400.into()));
    assert_eq!(desk.read("stopped/replicates.csv").lines().count() as u64, covered + 1);
    assert!(
        desk.tree()
            .iter()
            .all(|name| !name.contains(".new") && !name.contains(".tmp"))
    );

    desk.run(&[&words[..], &["stopped"]].concat())
        .code(2)
        .stderr(contains("holds an unfinished batch"));
    desk.run(&[&words[..], &["stopped", "--resume"]].concat()).success();
    desk.run(&[&words[..8], &["2", "--out", "whole"]].concat()).success();
    for entry in std::fs::read_dir(desk.at("whole")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |folder: &str| std::fs::read(desk.at(folder).join(&name)).unwrap();
        assert!(read("whole") == read("stopped"), "{name:?}");
    }
    assert!(!desk.at(".stopped.batch").exists());
}

/// `part.json` with another version in it and a seal that fits, as another version would write it.
fn as_of_version(text: &str, version: &str) -> String {
    use sha2::{Digest, Sha256};
    let (body, _) = text.rsplit_once("sha256 ").unwrap();
    let own = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(body.contains(&own));
    let body = body.replace(&own, &format!("\"version\":\"{version}\""));
    let seal: String = Sha256::digest(&body).iter().map(|b| format!("{b:02x}")).collect();
    format!("{body}sha256 {seal}\n")
}

#[test]
fn parts_that_do_not_belong_together_are_refused_by_what_differs() {
    let desk = desk(&[QUIET, CHANCE]);
    desk.write("other.toml", &[&QUIET.replace("300 ug/day", "310 ug/day"), CHANCE]);
    let part = |case: &str, seed: &str, k: &str, out: &str| {
        desk.run(&["batch", case, "-n", "4", "--seed", seed, "--shard", k, "--out", out])
            .success();
    };
    part("case.toml", "1", "1/2", "a");
    part("case.toml", "1", "2/2", "b");
    part("case.toml", "2", "2/2", "of-seed");
    part("other.toml", "1", "2/2", "of-story");
    for (other, words) in [
        ("of-seed", "the seed is 1 here and 2 there"),
        ("of-story", "the hash of the scenario is"),
        ("a", "replicates 0 to 1 are in more than one part"),
        ("nowhere", "cannot read"),
    ] {
        desk.run(&["merge", "a", other, "--out", "none"])
            .code(2)
            .stderr(contains(words));
        assert!(!desk.at("none").exists(), "{other}");
    }
    let whole = desk.read("b/part.json");
    std::fs::write(desk.at("b/part.json"), as_of_version(&whole, "0.0.1")).unwrap();
    desk.run(&["merge", "a", "b", "--out", "none"])
        .code(2)
        .stderr(contains("the version of itbsim is").and(contains("0.0.1")));
    std::fs::write(desk.at("b/part.json"), &whole[..whole.len() / 3]).unwrap();
    desk.run(&["merge", "a", "b", "--out", "none"])
        .code(2)
        .stderr(contains("cut short or was changed").and(contains("run this shard again")));
    std::fs::write(desk.at("b/part.json"), &whole).unwrap();
    let rows = desk.read("b/replicates.csv");
    std::fs::write(desk.at("b/replicates.csv"), &rows[..rows.len() - 2]).unwrap();
    desk.run(&["merge", "a", "b", "--out", "none"])
        .code(2)
        .stderr(contains("its rows are not those"));
    assert!(!desk.at("none").exists());
    std::fs::write(desk.at("b/replicates.csv"), &rows).unwrap();
    desk.run(&["merge", "a", "b", "--out", "all"]).success();
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_the_cells_of_the_csv() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let desk = desk(&[QUIET, CHANCE, ARMS]);
    for format in ["csv", "parquet"] {
        desk.run(&[
            "batch",
            "case.toml",
            "-n",
            "3",
            "--no-plots",
            "--format",
            format,
            "--out",
            format,
        ])
        .success();
    }
    for table in [
        "replicates",
        "outcomes",
        "bands",
        "incidence",
        "survival",
        "times",
        "differences",
        "failures",
    ] {
        let file = std::fs::File::open(desk.at(&format!("parquet/{table}.parquet"))).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let mut csv = csv::Reader::from_path(desk.at(&format!("csv/{table}.csv"))).unwrap();
        let names: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
        let schema = reader.metadata().file_metadata().schema_descr();
        let own: Vec<&str> = schema.columns().iter().map(|c| c.name()).collect();
        assert_eq!(own, names, "{table}");
        assert_eq!(
            csv.records().count() as i64,
            reader.metadata().file_metadata().num_rows(),
            "{table}"
        );
        assert!(!desk.at(&format!("parquet/{table}.csv")).exists());
    }
    desk.run(&[
        "batch",
        "case.toml",
        "-n",
        "3",
        "--shard",
        "1/2",
        "--format",
        "parquet",
        "--out",
        "part",
    ])
    .code(2)
    .stderr(contains("a part has a format of its own"));
    for k in ["1", "2"] {
        desk.run(&[
            "batch",
            "case.toml",
            "-n",
            "3",
            "--shard",
            &format!("{k}/2"),
            "--out",
            k,
        ])
        .success();
    }
    desk.run(&[
        "merge",
        "1",
        "2",
        "--no-plots",
        "--format",
        "parquet",
        "--out",
        "merged",
    ])
    .success();
    for table in ["replicates", "outcomes"] {
        let read = |folder: &str| std::fs::read(desk.at(&format!("{folder}/{table}.parquet"))).unwrap();
        assert!(read("merged") == read("parquet"), "{table}");
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_program_without_parquet_says_how_to_get_it() {
    let desk = desk(&[QUIET]);
    desk.run(&["batch", "case.toml", "-n", "3", "--format", "parquet", "--out", "none"])
        .code(2)
        .stderr(contains("--features parquet"));
    assert!(!desk.at("none").exists());
}

#[test]
fn neighbouring_parts_become_a_part_on_the_way_to_the_whole() {
    let desk = desk(&[QUIET, CHANCE]);
    let common = ["-n", "9", "--seed", "5"];
    desk.run(&[&["batch", "case.toml", "--out", "whole", "--no-plots"], &common[..]].concat())
        .success();
    for k in 1..=4 {
        let (shard, out) = (format!("{k}/4"), format!("p{k}"));
        desk.run(&[&["batch", "case.toml", "--shard", &shard, "--out", &out], &common[..]].concat())
            .success();
    }
    desk.run(&["merge", "p3", "p2", "--part", "--out", "middle"])
        .success()
        .stdout(contains("replicates 2 to 5 of 9, one part"));
    desk.run(&["merge", "p1", "p3", "--part", "--out", "gap"])
        .code(2)
        .stderr(contains("replicates 2 to 3 of 9 are in none of the parts"));
    desk.run(&["merge", "p4", "middle", "p1", "--out", "merged", "--no-plots"])
        .success();
    for entry in std::fs::read_dir(desk.at("whole")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |folder: &str| std::fs::read(desk.at(folder).join(&name)).unwrap();
        assert!(read("whole") == read("merged"), "{name:?}");
    }
    desk.run(&["merge", "p4", "middle", "--out", "none"])
        .code(2)
        .stderr(contains("replicates 0 to 1 of 9 are in none of the parts"));
}

#[test]
fn bands_after_deaths_say_that_they_are_of_the_living() {
    let week = QUIET
        .replace("duration = \"2 d\"", "duration = \"8 d\"")
        .replace("sample = \"1 h\"", "sample = \"12 h\"");
    let without = "[population]\nname = \"adult-spinal\"\n[[fault]]\nid = \"apart\"\nkind = \"catheter.disconnection\"\n\
                   position = \"50 cm\"\ninto = \"epidural\"\nat = \"1 h\"\n";
    let desk = desk(&[&week, without]);
    desk.run(&["batch", "case.toml", "-n", "8", "--seed", "1", "--out", "done"])
        .success();
    let read = |file: &str| std::fs::read_to_string(desk.at("done").join(file)).unwrap();
    let replicates = read("replicates.csv");
    let mut rows = csv::Reader::from_reader(replicates.as_bytes());
    let died = rows.headers().unwrap().iter().position(|c| c == "died").unwrap();
    let dead = rows.records().filter(|row| &row.as_ref().unwrap()[died] == "1").count();
    assert!(dead > 0 && dead < 8, "{dead}");
    let bands = read("bands.csv");
    let last: Vec<&str> = bands.lines().filter(|line| line.starts_with("192,")).collect();
    assert!(!last.is_empty());
    for line in last {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[4..6], [(8 - dead).to_string(), "8".to_owned()], "{line}");
    }
    let share = 100.0 * (8 - dead) as f64 / 8.0;
    let words = format!("8 of 8 replicates; of those alive, {share:.1} % at the end");
    assert!(read("plots/bands.svg").contains(&words), "{words}");
    assert!(!read("plots/incidence.svg").contains("alive"));
}
