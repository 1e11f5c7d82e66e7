//! Verdicts: simulated beside published.

use serde::Serialize;

use rayon::prelude::*;

use crate::parameters::{Grade, NamedSet, SETS};

use super::ask::AskError;
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
    /// Whether it is a kinetic quantity, whose error is a ratio.
    pub kinetic: bool,
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
    /// Why the interval could not be argued without the result, if it was set after the fit.
    pub after_the_fit: Option<String>,
    /// The same under the other named sets, in the order of [`Report::sets`] without the first.
    pub under: Vec<Under>,
}

/// What the model gives for a case under another named set of parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Under {
    /// Name of the set.
    pub set: &'static str,
    /// Simulated; `None` if what was looked for did not happen.
    pub simulated: Option<f64>,
    /// Whether it lies in the accepted interval.
    pub within: bool,
    /// Whether the set moves it: another verdict, or, where it is no residual of verification,
    /// another number as shown to a reader.
    pub moved: bool,
    /// Why there is no number, if there is none.
    pub note: String,
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
    /// Names of the sets of parameters looked at; verdicts are those of the first.
    pub sets: Vec<&'static str>,
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
) -> Result<Report, Unanswered> {
    evaluate_under(evidence, wanted, parameters, &[&SETS[0]])
}

/// A question that got no answer: a mistake of the files or of the program, not a miss.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{id}: {why}")]
pub struct Unanswered {
    /// The case or course.
    pub id: String,
    /// Why.
    pub why: AskError,
}

/// The same under several named sets of parameters, side by side. Verdicts are those of the
/// first; what the files say about misses (`known_miss`) is about the defaults and counts only
/// where the first set is the defaults.
///
/// # Errors
/// As [`evaluate`]; and without any set.
pub fn evaluate_under(
    evidence: &Evidence,
    wanted: impl Fn(&Case) -> bool,
    parameters: &[(String, f64)],
    sets: &[&'static NamedSet],
) -> Result<Report, Unanswered> {
    let Some((first, others)) = sets.split_first() else {
        return Err(Unanswered {
            id: "sets".to_owned(),
            why: AskError::Value {
                what: "sets".to_owned(),
                problem: "no set of parameters to judge by".to_owned(),
            },
        });
    };
    let mut cases: Vec<&Case> = evidence.cases.iter().filter(|c| wanted(c)).collect();
    cases.sort_by_key(|c| c.layer);
    // A slip in the last question is told before the first is run.
    for case in &cases {
        let asks = [Some(&case.measure), case.over.as_ref(), case.less.as_ref()];
        for ask in asks.into_iter().flatten() {
            ask.known().map_err(|why| unanswered(&case.id, why))?;
        }
    }
    // Courses belong to whole reports; a selection is about single cases.
    let whole = cases.len() == evidence.cases.len();
    let courses: Vec<&str> = if whole {
        evidence.courses.iter().map(|c| c.id.as_str()).collect()
    } else {
        Vec::new()
    };
    let runs = Runs::under(first, evidence, &cases, &courses, parameters);
    let defaults = first.values.is_empty();
    let findings: Vec<Result<Finding, Unanswered>> =
        cases.par_iter().map(|case| judge(case, &runs, defaults)).collect();
    let mut findings = findings.into_iter().collect::<Result<Vec<Finding>, Unanswered>>()?;
    for set in others {
        let runs = Runs::under(set, evidence, &cases, &[], parameters);
        let figures: Vec<Result<Simulated, Unanswered>> = cases.par_iter().map(|case| figure(case, &runs)).collect();
        for (finding, figure) in findings.iter_mut().zip(figures) {
            let (simulated, note) = figure?;
            let within = inside(simulated, finding.accept);
            // Residuals of rounding differ and mean nothing.
            let counts = finding.layer != Layer::Verification;
            let moved = within != finding.verdict.within()
                || counts && shown(simulated, &finding.unit) != shown(finding.simulated, &finding.unit);
            finding.under.push(Under {
                set: set.name,
                simulated,
                within,
                moved,
                note,
            });
        }
    }
    let mut lines = Vec::new();
    for course in evidence.courses.iter().filter(|c| courses.contains(&c.id.as_str())) {
        let run = runs
            .run(&course.story, &course.with)
            .map_err(|why| unanswered(&course.id, why))?;
        let column = run.columns.iter().position(|c| *c == course.signal).ok_or_else(|| {
            let problem = format!("there is no signal `{}`", course.signal);
            let what = "signal".to_owned();
            unanswered(&course.id, AskError::Value { what, problem })
        })?;
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
        sets: sets.iter().map(|s| s.name).collect(),
    })
}

/// A number, or why there is none.
type Simulated = (Option<f64>, String);

fn unanswered(id: &str, why: AskError) -> Unanswered {
    Unanswered { id: id.to_owned(), why }
}

fn figure(case: &Case, runs: &Runs<'_>) -> Result<Simulated, Unanswered> {
    match runs.figure(case) {
        Ok(value) => Ok((Some(value), String::new())),
        Err(e) if e.is_finding() => Ok((None, e.to_string())),
        Err(e) => Err(unanswered(&case.id, e)),
    }
}

fn inside(simulated: Option<f64>, [low, high]: [f64; 2]) -> bool {
    simulated.is_some_and(|v| v >= low && v <= high)
}

fn judge(case: &Case, runs: &Runs<'_>, defaults: bool) -> Result<Finding, Unanswered> {
    let (simulated, note) = figure(case, runs)?;
    let within = inside(simulated, case.accept);
    let verdict = match (within, defaults && case.known_miss.is_some()) {
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
        kinetic: case.kinetic,
        fold_error: match (case.kinetic, simulated, case.value) {
            (true, Some(s), Some(p)) => fold(s, p),
            _ => None,
        },
        verdict,
        note,
        argument: case.argument.clone(),
        source: case.source.clone(),
        grade: case.grade,
        known_miss: case.known_miss.clone().filter(|_| defaults),
        conflict: case.conflict.clone(),
        after_the_fit: case.after_the_fit.clone(),
        under: Vec::new(),
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

    /// How many findings of a kind lie in their intervals under the set of a number, 0 being the
    /// first of [`Report::sets`].
    pub fn met_under(&self, set: usize, wanted: impl Fn(&Finding) -> bool) -> usize {
        let within = |f: &Finding| match set.checked_sub(1) {
            None => f.verdict.within(),
            Some(other) => f.under.get(other).is_some_and(|u| u.within),
        };
        self.findings.iter().filter(|f| wanted(f) && within(f)).count()
    }

    /// Findings that one of the other sets moves.
    pub fn moved(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.under.iter().any(|u| u.moved))
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

    /// Geometric mean fold error of the kinetic cases of a role under the set of a number, 0
    /// being the first of [`Report::sets`].
    pub fn gmfe_under(&self, set: usize, role: Role) -> Option<f64> {
        let Some(other) = set.checked_sub(1) else {
            return self.gmfe(Some(role));
        };
        let kinetic = self.findings.iter().filter(|f| f.kinetic && f.role == role);
        let pairs: Vec<(f64, f64)> = kinetic
            .filter_map(|f| Some((f.under.get(other)?.simulated?, f.value?)))
            .collect();
        gmfe(&pairs)
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
        let fixed = [
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
            "after_the_fit",
            "set",
        ];
        let more = |word: &str| -> Vec<String> {
            let others = self.sets.iter().skip(1);
            others.map(|set| format!("{word}_{}", set.replace('-', "_"))).collect()
        };
        let (values, verdicts) = (more("simulated"), more("verdict"));
        let pairs = values.into_iter().zip(verdicts).flat_map(|(a, b)| [a, b]);
        writer.write_record(fixed.into_iter().map(str::to_owned).chain(pairs))?;
        let number = |v: Option<f64>| v.map(crate::report::tables::number).unwrap_or_default();
        for f in &self.findings {
            let target = f.target.map(|t| t.to_string()).unwrap_or_default();
            let fixed = [
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
                f.after_the_fit.as_deref().unwrap_or_default(),
                self.sets.first().copied().unwrap_or_default(),
            ];
            let others = f.under.iter().flat_map(|u| {
                let verdict = if u.within { Verdict::Met } else { Verdict::Missed };
                [number(u.simulated), verdict.as_str().to_owned()]
            });
            writer.write_record(fixed.into_iter().map(str::to_owned).chain(others))?;
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
