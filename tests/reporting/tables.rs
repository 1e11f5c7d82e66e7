//! The tables, the folder and the summary of a run, read back as a user would.

use std::fs;
use std::path::Path;

use crate::report_fixture::{FAULT, undisturbed, withdrawal};
use itbsim::report::{ReportError, RunData, RunFolder, tables, text};

fn csv_of(write: impl Fn(&RunData, &mut dyn std::io::Write) -> Result<(), ReportError>, run: &RunData) -> String {
    let mut bytes = Vec::new();
    write(run, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn timeseries_reads_back_to_the_same_bits() {
    let run = withdrawal(2.0);
    let text = csv_of(tables::write_timeseries, &run);
    assert!(text.starts_with("time_h,csf_s2_ng_per_ml,csf_s1_ng_per_ml,"));
    assert!(!text.contains('\r') && text.ends_with('\n'));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut rows = 0;
    for (record, row) in reader.records().zip(&run.table.rows) {
        for (cell, value) in record.unwrap().iter().zip(row) {
            assert_eq!(cell.parse::<f64>().unwrap(), *value);
        }
        rows += 1;
    }
    assert_eq!(rows, run.table.rows.len());
}

#[test]
fn missing_values_are_empty_cells_and_zero_has_no_sign() {
    let mut run = withdrawal(0.0);
    run.table.columns = ["time_h", "a", "b"].map(str::to_owned).to_vec();
    run.table.rows = vec![vec![0.0, f64::NAN, -0.0], vec![1e-9, 2.5, 1e300]];
    assert_eq!(
        csv_of(tables::write_timeseries, &run),
        "time_h,a,b\n0,,0\n1e-9,2.5,1e300\n"
    );
    assert!(csv_of(tables::write_ledger, &run).contains("720,36000,27000,9000,1.5e-12\n"));
    assert!(!csv_of(tables::write_ledger, &run).contains("-0"));
}

#[test]
fn a_row_that_does_not_fit_its_columns_is_an_error() {
    let mut run = withdrawal(0.0);
    run.table.rows[0].pop();
    let error = tables::write_timeseries(&run, &mut Vec::new()).unwrap_err();
    assert!(
        matches!(
            error,
            ReportError::Ragged {
                row: 0,
                cells: 40,
                columns: 41,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn events_and_symptoms_have_the_promised_columns_and_quote_what_needs_it() {
    let run = withdrawal(45.0);
    let events = csv_of(tables::write_events, &run);
    assert_eq!(
        events.lines().next(),
        Some("event_id,time_h,phase,component,kind,detail,caused_by")
    );
    assert_eq!(
        events.lines().nth(1),
        Some("1,0,fault,catheter,programme,\"bore 20 %, \"\"connector\"\"\",0")
    );
    assert!(events.lines().nth(3).unwrap().ends_with(",2"));
    let symptoms = csv_of(tables::write_symptoms, &run);
    assert_eq!(
        symptoms.lines().next(),
        Some("symptom,syndrome,onset_h,resolved_h,severity,caused_by")
    );
    assert_eq!(
        symptoms.lines().nth(1),
        Some("spasms_increased,withdrawal,734,848,moderate,2")
    );
    assert!(
        symptoms.contains("insomnia,withdrawal,753,,moderate,2"),
        "open episodes have no end"
    );
}

#[test]
fn the_summary_tells_first_symptoms_and_expectations() {
    let json: serde_json::Value = serde_json::from_str(&csv_of(tables::write_summary, &withdrawal(45.0))).unwrap();
    assert_eq!(json["written_by"], "itbsim");
    assert_eq!(json["seed"], 42);
    assert_eq!(json["fingerprint"], "9f3c0a1b2c3d4e5f");
    assert_eq!(json["ledger_residual"], 3.2e-13);
    let firsts = json["first_symptoms"].as_array().unwrap();
    assert_eq!(firsts.len(), 11, "two episodes of dysreflexia are one symptom");
    assert_eq!(firsts[0]["symptom"], "spasms_increased");
    assert_eq!(firsts[0]["hours_after_fault"], 14.0);
    assert!(
        firsts
            .windows(2)
            .all(|w| w[0]["onset_h"].as_f64() <= w[1]["onset_h"].as_f64())
    );
    assert_eq!(
        (json["expectations_met"].as_u64(), json["expectations_total"].as_u64()),
        (Some(1), Some(2))
    );
    assert!(
        json["disclaimer"]
            .as_str()
            .unwrap()
            .contains("not for treating a person")
    );
    assert_eq!(
        csv_of(tables::write_summary, &withdrawal(45.0)),
        csv_of(tables::write_summary, &withdrawal(45.0))
    );
}

#[test]
fn a_closed_pipe_is_recognised_inside_csv_errors() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let run = withdrawal(45.0);
    assert!(
        tables::write_timeseries(&run, &mut Closed)
            .unwrap_err()
            .is_broken_pipe()
    );
    assert!(tables::write_summary(&run, &mut Closed).unwrap_err().is_broken_pipe());
}

fn names(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    all
}

fn write_run(target: &Path, run: &RunData) -> Result<(), ReportError> {
    let mut folder = RunFolder::create(target)?;
    tables::write_all(run, &mut folder)?;
    folder.commit().map(drop)
}

#[test]
fn a_folder_appears_complete_and_is_replaced_by_the_next_run() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("new/parent/run");
    let mut folder = RunFolder::create(&target).unwrap();
    tables::write_all(&withdrawal(1.0), &mut folder).unwrap();
    folder.write("plots/old.svg", b"<svg/>").unwrap();
    assert!(!target.exists(), "nothing is visible before it is complete");
    assert_eq!(folder.commit().unwrap(), target);
    let tables = [
        "events.csv",
        "ledger.csv",
        "summary.json",
        "symptoms.csv",
        "timeseries.csv",
    ];
    assert_eq!(names(&target)[..2], ["events.csv", "ledger.csv"]);
    write_run(&target, &withdrawal(2.0)).unwrap();
    assert_eq!(names(&target), tables, "no file of the earlier run is left");
    assert_eq!(names(target.parent().unwrap()), ["run"], "no temporary folder is left");
}

#[test]
fn an_empty_folder_is_used_and_a_foreign_one_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    write_run(&empty, &withdrawal(1.0)).unwrap();

    let foreign = place.path().join("thesis");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("chapter.csv"), "mine").unwrap();
    let error = write_run(&foreign, &withdrawal(1.0)).unwrap_err();
    assert!(matches!(error, ReportError::Occupied { .. }));
    assert!(error.to_string().contains("choose another folder"), "{error}");
    assert_eq!(fs::read_to_string(foreign.join("chapter.csv")).unwrap(), "mine");

    fs::write(foreign.join("summary.json"), "{}").unwrap();
    assert!(
        write_run(&foreign, &withdrawal(1.0)).is_err(),
        "somebody else's summary.json is no licence"
    );

    fs::write(empty.join("notes.txt"), "mine").unwrap();
    let error = write_run(&empty, &withdrawal(1.0)).unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");

    let file = place.path().join("file");
    fs::write(&file, "mine").unwrap();
    assert!(matches!(
        write_run(&file, &withdrawal(1.0)).unwrap_err(),
        ReportError::Occupied { .. }
    ));
    assert_eq!(names(place.path()), ["empty", "file", "thesis"]);
}

#[test]
fn a_failed_run_leaves_nothing_not_even_new_parents() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("a/b/run");
    let mut run = withdrawal(1.0);
    run.table.rows[3].pop();
    assert!(write_run(&target, &run).is_err());
    assert!(names(place.path()).is_empty(), "{:?}", names(place.path()));

    // A failure leaves the folder of the earlier run as it was.
    write_run(&target, &withdrawal(1.0)).unwrap();
    let before = fs::read(target.join("timeseries.csv")).unwrap();
    assert!(write_run(&target, &run).is_err());
    assert_eq!(fs::read(target.join("timeseries.csv")).unwrap(), before);
    assert_eq!(names(target.parent().unwrap()), ["run"]);
}

#[test]
fn a_place_that_cannot_be_written_is_a_typed_error() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let error = RunFolder::create(&file.join("run")).unwrap_err();
    assert!(matches!(error, ReportError::Io { .. }), "{error}");
    assert_eq!(names(place.path()), ["file"]);
    #[cfg(target_os = "linux")]
    assert!(matches!(
        RunFolder::create(Path::new("/proc/itbsim-run")).unwrap_err(),
        ReportError::Io { .. }
    ));
}

#[cfg(unix)]
#[test]
fn a_read_only_parent_is_a_typed_error() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let parent = place.path().join("locked");
    fs::create_dir(&parent).unwrap();
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write anywhere; then there is nothing to test.
    let superuser = fs::create_dir(parent.join("probe")).is_ok();
    let result = RunFolder::create(&parent.join("run")).map(drop);
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o755)).unwrap();
    if !superuser {
        assert!(matches!(result.unwrap_err(), ReportError::Io { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied));
        assert!(names(&parent).is_empty());
    }
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(&place.path().join("run")).unwrap();
    for name in ["../x.csv", "/etc/x", "a/../../x", "", "."] {
        assert!(
            matches!(folder.write(name, b""), Err(ReportError::BadName { .. })),
            "{name}"
        );
    }
}

#[test]
fn the_terminal_hears_what_happened_when_and_how_bad() {
    let run = withdrawal(45.0);
    let told = text::summary(&run, Some(Path::new("out/leak")));
    for part in [
        "Slow connector leak",
        "withdrawal, recovered after revision",
        "leak at the connector at day 30.0, 4 d after the last refill",
        "spasms increased, 14 h after leak at the connector",
        "and 3 more in symptoms.csv",
        "legs Ashworth 3.70",
        "1 of 2 met",
        "alarm.low_reservoir: wanted never, found: day 32.9",
        "closed to 3.2e-13",
        "9f3c0a1b2c3d4e5f",
        "out/leak",
        "For teaching and research, not for treating a person.",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    // What is gravest is named though others came first, and so is the sign that each syndrome began
    // with; what comes again is counted; and all stand in order of time.
    let places: Vec<usize> = [
        "spasms increased, 14 h after",
        "autonomic dysreflexia, 47 h after leak at the connector, for 11 h, the first of 2",
        "hallucinations, 2 d 4 h after",
        "seizures, 2 d 23 h after",
        "drowsiness, ",
    ]
    .into_iter()
    .map(|part| {
        told.find(part)
            .unwrap_or_else(|| panic!("`{part}` is missing in\n{told}"))
    })
    .collect();
    assert!(places.is_sorted(), "{told}");
    let quiet = text::summary(&undisturbed(45.0), None);
    assert!(
        quiet.contains("[arm no-leak]") && quiet.contains("none") && !quiet.contains("fault"),
        "{quiet}"
    );
    assert!(run.first_fault_h() == Some(FAULT));
}
