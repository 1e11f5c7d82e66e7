//! Verdicts: simulated beside published.

use serde::Serialize;

use rayon::prelude::*;

use crate::parameters::Grade;

use super::evidence::{Case, Evidence, Layer, Role};
use super::fold::{bias, fold, gmfe};
use super::runs::Runs;

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the accepted interval.
    Met,
    /// Outside, and nobody has said why.
    Missed,
    /// Outside, and the file says why.
    KnownMiss,
    /// Within, although the file says it is missed: the file must be mended.
    Unexpected,
}

impl Verdict {
    /// Word for a reader.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::KnownMiss => "missed, known",
            Verdict::Unexpected => "met, said to be missed",
        }
    }

    /// Whether the simulated figure lies in the accepted interval.
    pub fn within(self) -> bool {
        matches!(self, Verdict::Met | Verdict::Unexpected)
    }
}

/// A case with what the model gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Name of the case.
    pub id: String,
    /// Number in the list of targets.
    pub target: Option<u32>,
    /// What is observed.
    pub title: String,
    /// Kind of question.
    pub layer: Layer,
    /// Part in choosing the defaults.
    pub role: Role,
    /// Published, in words.
    pub published: String,
    /// Published, as a number.
    pub value: Option<f64>,
    /// Simulated; `None` if what was looked for did not happen.
    pub simulated: Option<f64>,
    /// Unit of both.
    pub unit: String,
    /// Accepted interval.
    pub accept: [f64; 2],
    /// Fold error of a kinetic quantity.
    pub fold_error: Option<f64>,
    /// Verdict.
    pub verdict: Verdict,
    /// Why there is no number, if there is none.
    pub note: String,
    /// Argument for the interval.
    pub argument: String,
    /// Source of the published figure.
    pub source: String,
    /// How far the published figure can be trusted.
    pub grade: Grade,
    /// Why it is missed.
    pub known_miss: Option<String>,
    /// What it contradicts.
    pub conflict: Option<String>,
}

/// A simulated time course for drawing over published points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CourseLine {
    /// Name of the course.
    pub id: String,
    /// Times from the course's zero \[h\], and values.
    pub line: Vec<(f64, f64)>,
}

/// All findings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// In the order of layers, then of the files.
    pub findings: Vec<Finding>,
    /// Simulated courses.
    pub courses: Vec<CourseLine>,
    /// Parameters that were replaced, with their values.
    pub parameters: Vec<(String, f64)>,
}

/// Runs the cases that `wanted` picks, with parameters replaced, and judges them.
///
/// # Errors
/// The first question that could not be put, such as a story that does not load or a
/// model that stops: a mistake of the files or of the program, not a miss.
pub fn evaluate(
    evidence: &Evidence,
    wanted: impl Fn(&Case) -> bool,
    parameters: &[(String, f64)],
) -> Result<Report, String> {
    let mut cases: Vec<&Case> = evidence.cases.iter().filter(|c| wanted(c)).collect();
    cases.sort_by_key(|c| c.layer);
    // Courses belong to whole reports; a selection is about single cases.
    let whole = cases.len() == evidence.cases.len();
    let courses: Vec<&str> = if whole {
        evidence.courses.iter().map(|c| c.id.as_str()).collect()
    } else {
        Vec::new()
    };
    let runs = Runs::new(evidence, &cases, &courses, parameters);
    let findings: Vec<Result<Finding, String>> = cases.par_iter().map(|case| judge(case, &runs)).collect();
    let findings = findings.into_iter().collect::<Result<Vec<Finding>, String>>()?;
    let mut lines = Vec::new();
    for course in evidence.courses.iter().filter(|c| courses.contains(&c.id.as_str())) {
        let run = runs
            .run(&course.story, &course.with)
            .ok_or_else(|| format!("{}: its story could not be run", course.id))?;
        let column = run
            .columns
            .iter()
            .position(|c| *c == course.signal)
            .ok_or_else(|| format!("{}: there is no signal `{}`", course.id, course.signal))?;
        lines.push(CourseLine {
            id: course.id.clone(),
            line: run
                .rows
                .iter()
                .map(|r| (r[0] - course.from, r[column] + course.plus))
                .filter(|p| p.0 >= 0.0 && p.0 <= course.until)
                .collect(),
        });
    }
    Ok(Report {
        findings,
        courses: lines,
        parameters: parameters.to_vec(),
    })
}

fn judge(case: &Case, runs: &Runs<'_>) -> Result<Finding, String> {
    let (simulated, note) = match runs.figure(case) {
        Ok(value) => (Some(value), String::new()),
        Err(e) if e.is_finding() => (None, e.to_string()),
        Err(e) => return Err(format!("{}: {e}", case.id)),
    };
    let [low, high] = case.accept;
    let within = simulated.is_some_and(|v| v >= low && v <= high);
    let verdict = match (within, case.known_miss.is_some()) {
        (true, false) => Verdict::Met,
        (true, true) => Verdict::Unexpected,
        (false, true) => Verdict::KnownMiss,
        (false, false) => Verdict::Missed,
    };
    Ok(Finding {
        id: case.id.clone(),
        target: case.target,
        title: case.title.clone(),
        layer: case.layer,
        role: case.role,
        published: case.published.clone(),
        value: case.value,
        simulated,
        unit: case.unit.clone(),
        accept: case.accept,
        fold_error: match (case.kinetic, simulated, case.value) {
            (true, Some(s), Some(p)) => fold(s, p),
            _ => None,
        },
        verdict,
        note,
        argument: case.argument.clone(),
        source: case.source.clone(),
        grade: case.grade,
        known_miss: case.known_miss.clone(),
        conflict: case.conflict.clone(),
    })
}

impl Report {
    /// Findings of a layer.
    pub fn layer(&self, layer: Layer) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| f.layer == layer)
    }

    /// How many findings have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|f| f.verdict == verdict).count()
    }

    /// Whether every figure lies in its interval.
    pub fn all_met(&self) -> bool {
        self.findings.iter().all(|f| f.verdict.within())
    }

    /// Whether every verdict is what the files say: met, or missed for a stated reason.
    pub fn as_stated(&self) -> bool {
        self.findings
            .iter()
            .all(|f| matches!(f.verdict, Verdict::Met | Verdict::KnownMiss))
    }

    /// Simulated and published values of the kinetic cases of a role.
    pub fn kinetic_pairs(&self, role: Option<Role>) -> Vec<(f64, f64)> {
        self.findings
            .iter()
            .filter(|f| f.fold_error.is_some() && role.is_none_or(|r| f.role == r))
            .filter_map(|f| Some((f.simulated?, f.value?)))
            .collect()
    }

    /// Geometric mean fold error of the kinetic cases of a role.
    pub fn gmfe(&self, role: Option<Role>) -> Option<f64> {
        gmfe(&self.kinetic_pairs(role))
    }

    /// Geometric mean ratio of the same.
    pub fn bias(&self, role: Option<Role>) -> Option<f64> {
        bias(&self.kinetic_pairs(role))
    }

    /// The findings as a table.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record([
            "id",
            "target",
            "layer",
            "role",
            "title",
            "published",
            "value",
            "simulated",
            "unit",
            "accept_low",
            "accept_high",
            "fold_error",
            "verdict",
            "note",
            "argument",
            "source",
            "grade",
            "known_miss",
            "conflict",
        ])?;
        let number = |v: Option<f64>| v.map(crate::report::tables::number).unwrap_or_default();
        for f in &self.findings {
            let target = f.target.map(|t| t.to_string()).unwrap_or_default();
            writer.write_record([
                f.id.as_str(),
                &target,
                f.layer.as_str(),
                f.role.as_str(),
                &f.title,
                &f.published,
                &number(f.value),
                &number(f.simulated),
                &f.unit,
                &number(Some(f.accept[0])),
                &number(Some(f.accept[1])),
                &number(f.fold_error),
                f.verdict.as_str(),
                &f.note,
                &f.argument,
                &f.source,
                grade(f.grade),
                f.known_miss.as_deref().unwrap_or_default(),
                f.conflict.as_deref().unwrap_or_default(),
            ])?;
        }
        writer.into_inner().map_err(|e| e.into_error().into())
    }
}

/// Word for a grade.
pub(super) fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Published => "published",
        Grade::Derived => "derived",
        Grade::Assumed => "assumed",
    }
}

/// A number for people: four significant digits, truths as words.
pub fn shown(value: Option<f64>, unit: &str) -> String {
    match value {
        None => "-".to_owned(),
        Some(v) if unit == "yes" => if v == 1.0 { "yes" } else { "no" }.to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(v) if v.abs() < 1e-3 || v.abs() >= 1e6 => format!("{v:.1e}"),
        Some(v) => {
            let places = (3.0 - libm::floor(libm::log10(v.abs()))).clamp(0.0, 6.0) as usize;
            let text = format!("{v:.places$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
    }
}
