//! A run told in a few lines, for a terminal.

use std::fmt::Write as _;
use std::path::Path;

use crate::care::signs;

use super::{DISCLAIMER, Marker, MarkerKind, RunData, SymptomRow, column};

/// Symptoms named one by one before the rest are counted.
const SYMPTOMS_SHOWN: usize = 8;
/// Faults named one by one before the rest are counted.
const FAULTS_SHOWN: usize = 4;
/// Alarms named one by one before the rest are counted.
const ALARMS_SHOWN: usize = 4;
/// Indices below this print as 0.00 and are not worth a line.
const UNNOTICED: f64 = 0.005;

/// A span in the unit a reader would choose: minutes, hours, or days and hours.
///
/// ```
/// use itbsim::report::text::span;
/// assert_eq!(span(0.5), "30 min");
/// assert_eq!(span(14.0), "14 h");
/// assert_eq!(span(76.0), "3 d 4 h");
/// ```
pub fn span(hours: f64) -> String {
    if !hours.is_finite() {
        return "?".to_owned();
    }
    let sign = if hours < 0.0 { "-" } else { "" };
    let minutes = (hours.abs() * 60.0).round();
    let (h, d) = ((minutes / 60.0).round(), (minutes / 1440.0).floor());
    if minutes < 90.0 {
        format!("{sign}{minutes} min")
    } else if h < 48.0 {
        format!("{sign}{h} h")
    } else {
        let rest = ((minutes - d * 1440.0) / 60.0).round();
        match rest {
            0.0 => format!("{sign}{d} d"),
            24.0 => format!("{sign}{} d", d + 1.0),
            rest => format!("{sign}{d} d {rest} h"),
        }
    }
}

/// A moment of the run: hours up to four days, then days.
pub fn moment(hours: f64) -> String {
    if hours.abs() <= 96.0 {
        format!("{:.1} h", hours + 0.0)
    } else {
        format!("day {:.1}", hours / 24.0)
    }
}

/// The short account of a run: what happened and when, relative to the fault
/// and the refill before it, how bad it got, whether the drug balance
/// closed, and where the files are.
///
/// Ends with a newline. `folder` is named if given.
pub fn summary(run: &RunData, folder: Option<&Path>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail, so the results are dropped.
    let meta = &run.meta;
    let title = if meta.title.is_empty() {
        &meta.scenario
    } else {
        &meta.title
    };
    if meta.arm.is_empty() {
        let _ = writeln!(out, "{title}");
    } else {
        let _ = writeln!(out, "{title} [arm {}]", meta.arm);
    }
    let mut line = |key: &str, text: &str| {
        let _ = writeln!(out, "  {key:<13}{text}");
    };

    let length = span(run.end_h());
    if meta.outcome.is_empty() {
        line("ran", &length);
    } else {
        line("outcome", &format!("{} (ran {length})", meta.outcome));
    }
    if let Some(hazard) = &meta.hazard {
        line("hazard", hazard);
    }

    let faults = faults(run);
    for (i, fault) in faults.iter().take(FAULTS_SHOWN).enumerate() {
        let mut text = format!("{} at {}", fault.label, moment(fault.time_h));
        match last_refill_before(run, fault.time_h) {
            Some(refill) => {
                let _ = write!(text, ", {} after the last refill", span(fault.time_h - refill));
            }
            None if i > 0 => {
                let _ = write!(text, " (+{})", span(fault.time_h - faults[0].time_h));
            }
            None => {}
        }
        line(if i == 0 { "fault" } else { "" }, &text);
    }
    if faults.len() > FAULTS_SHOWN {
        line("", &format!("and {} more in events.csv", faults.len() - FAULTS_SHOWN));
    }

    let alarms = alarms(run);
    for (i, text) in alarms.iter().take(ALARMS_SHOWN).enumerate() {
        line(if i == 0 { "alarms" } else { "" }, text);
    }
    if alarms.len() > ALARMS_SHOWN {
        line("", &format!("and {} more in alarms.csv", alarms.len() - ALARMS_SHOWN));
    }

    let firsts = run.first_symptoms();
    if firsts.is_empty() {
        line("symptoms", "none");
    }
    for (i, s) in worth_telling(&firsts).into_iter().enumerate() {
        let mut text = format!("{}: {}", moment(s.onset_h), words(&s.words, &s.symptom));
        // Of several faults the latest is the one to count from: a missed refill is no
        // news to the patient, an empty reservoir is.
        // Relief of spasticity is the therapy itself.
        let harm = s.syndrome != "therapy";
        if let Some(f) = faults.iter().rev().find(|f| harm && f.time_h <= s.onset_h) {
            let _ = write!(text, ", {} after {}", span(s.onset_h - f.time_h), f.label);
        }
        if let Some(end) = s.resolved_h {
            let _ = write!(text, ", for {}", span(end - s.onset_h));
        }
        let times = run.symptoms.iter().filter(|other| other.symptom == s.symptom).count();
        if times > 1 {
            let _ = write!(text, ", the first of {times}");
        }
        line(if i == 0 { "symptoms" } else { "" }, &text);
    }
    if firsts.len() > SYMPTOMS_SHOWN {
        line(
            "",
            &format!("and {} more in symptoms.csv", firsts.len() - SYMPTOMS_SHOWN),
        );
    }

    let peaks: Vec<String> = [
        ("legs Ashworth", column::ASHWORTH_LEGS),
        ("arms Ashworth", column::ASHWORTH_ARMS),
        ("spasm score", column::SPASM_SCORE),
        ("withdrawal", column::WITHDRAWAL),
        ("sedation", column::SEDATION),
    ]
    .into_iter()
    .filter_map(|(name, col)| {
        let (value, at) = run.series(col)?.peak()?;
        if value < UNNOTICED {
            return Some(format!("{name} none"));
        }
        Some(format!("{name} {value:.2} at {}", moment(at)))
    })
    .collect();
    for (i, pair) in peaks.chunks(2).enumerate() {
        line(if i == 0 { "peaks" } else { "" }, &pair.join(" · "));
    }

    for (i, text) in run
        .outcomes
        .as_ref()
        .map(outcomes)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        line(if i == 0 { "outcomes" } else { "" }, text);
    }

    let met = run.expectations.iter().filter(|e| e.met).count();
    if !run.expectations.is_empty() {
        line("expected", &format!("{met} of {} met", run.expectations.len()));
    }
    for e in run.expectations.iter().filter(|e| !e.met) {
        let wanted = if e.window.is_empty() {
            String::new()
        } else {
            format!("wanted {}, ", e.window)
        };
        line("  not met", &format!("{}: {wanted}found: {}", e.claim, e.found));
    }

    line(
        "ledger",
        &format!("closed to {:.1e} of the drug filled", meta.ledger_residual.abs()),
    );
    let mut identity = format!("itbsim {} · scenario {}", meta.version, short_hash(&meta.scenario_hash));
    let _ = write!(identity, " · seed {}", meta.seed);
    if meta.replicate > 0 {
        let _ = write!(identity, " · replicate {}", meta.replicate);
    }
    if let Some(draw) = meta.draw {
        let _ = write!(identity, " · draw {draw}");
    }
    line("run", &identity);
    line("fingerprint", &meta.fingerprint);
    if let Some(folder) = folder {
        line("files", &folder.display().to_string());
    }
    let _ = writeln!(out, "  {DISCLAIMER}.");
    out
}

/// The first eight characters of a hash, enough to tell scenarios apart.
pub fn short_hash(hash: &str) -> &str {
    hash.char_indices().nth(8).map_or(hash, |(i, _)| &hash[..i])
}

/// Words for a reader, made from the registered name when none were given.
pub(crate) fn words(words: &str, name: &str) -> String {
    if words.is_empty() {
        name.replace('_', " ")
    } else {
        words.to_owned()
    }
}

/// What the run meant for the patient, in two or three lines.
fn outcomes(o: &crate::simulation::Outcomes) -> Vec<String> {
    let mut lines = Vec::new();
    let mut first = format!("good control {:.0} % of the time", o.good_control_percent);
    for (name, time, grade) in [
        ("withdrawal", o.withdrawal_h, o.worst_withdrawal_grade),
        ("overdose", o.overdose_h, o.worst_overdose_grade),
    ] {
        if time > 0.0 {
            let _ = write!(first, " · {name} for {}, grade {grade}", span(time));
        }
    }
    lines.push(first);
    if o.tests > 0 || o.hospital_days > 0.0 || o.operations > 0 || o.escalations_against_fault > 0 {
        lines.push(format!(
            "hospital {:.1} d{} · tests {} ({} needless) · operations {} · dose raised against a fault {} times",
            o.hospital_days,
            if o.icu_days > 0.0 {
                format!(" ({:.1} d of it in intensive care)", o.icu_days)
            } else {
                String::new()
            },
            o.tests,
            o.unnecessary_tests,
            o.operations,
            o.escalations_against_fault
        ));
    }
    if o.boluses_granted + o.boluses_refused > 0 {
        lines.push(format!(
            "boluses on demand: {} granted, {} refused",
            o.boluses_granted, o.boluses_refused
        ));
    }
    if o.complications > 0 {
        lines.push(format!(
            "complications {} for {} · operations against one in search of a fault {}",
            o.complications,
            span(o.complication_h),
            o.operations_against_complication
        ));
    }
    let delays: Vec<String> = [
        ("sign", o.to_symptom_h),
        ("suspicion", o.to_suspicion_h),
        ("diagnosis", o.to_diagnosis_h),
        ("repair", o.to_repair_h),
    ]
    .into_iter()
    .filter_map(|(name, time)| Some(format!("{name} {}", span(time?))))
    .collect();
    // Without anybody who looks there is no path to tell of.
    if o.to_suspicion_h.is_some() {
        lines.push(format!("from the fault to {}", delays.join(", ")));
    }
    lines
}

/// What went wrong, in order of time.
fn faults(run: &RunData) -> Vec<&Marker> {
    let mut faults: Vec<&Marker> = run
        .markers
        .iter()
        .filter(|m| m.kind == MarkerKind::Fault && m.time_h.is_finite())
        .collect();
    faults.sort_by(|a, b| a.time_h.total_cmp(&b.time_h));
    faults
}

/// The symptoms to name where not all can be: with which each syndrome began, then the gravest, and of
/// those as grave the first; in order of time, as they are given.
fn worth_telling<'a>(firsts: &[&'a SymptomRow]) -> Vec<&'a SymptomRow> {
    let begins = |i: usize| !firsts[..i].iter().any(|earlier| earlier.syndrome == firsts[i].syndrome);
    let mut places: Vec<usize> = (0..firsts.len()).collect();
    // Stable: what is equal stays in order of time.
    places.sort_by_key(|&i| std::cmp::Reverse((begins(i), signs::grade(&firsts[i].symptom))));
    places.truncate(SYMPTOMS_SHOWN);
    places.sort_unstable();
    places.into_iter().map(|i| firsts[i]).collect()
}

/// Each alarm: when it was raised, and whether anybody heard it before it ended.
fn alarms(run: &RunData) -> Vec<String> {
    let told = |(i, raised): (usize, &super::EventRow)| {
        let name = raised
            .component
            .strip_prefix("alarm.")
            .filter(|_| raised.kind == "raised")?;
        let next = run.events[i + 1..]
            .iter()
            .find(|e| e.component == raised.component && matches!(e.kind.as_str(), "heard" | "raised"));
        let heard = match next {
            Some(e) if e.kind == "heard" && e.time_h > raised.time_h => {
                format!("heard {} later", span(e.time_h - raised.time_h))
            }
            Some(e) if e.kind == "heard" => "heard at once".to_owned(),
            _ => "not heard".to_owned(),
        };
        Some(format!(
            "{} at {}, {heard}",
            name.replace('_', " "),
            moment(raised.time_h)
        ))
    };
    run.events.iter().enumerate().filter_map(told).collect()
}

fn last_refill_before(run: &RunData, time_h: f64) -> Option<f64> {
    run.markers
        .iter()
        .filter(|m| m.kind == MarkerKind::Refill && m.time_h <= time_h)
        .map(|m| m.time_h)
        .max_by(f64::total_cmp)
}
