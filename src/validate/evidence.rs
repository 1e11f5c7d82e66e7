//! The evidence files: cases, tables, courses, stories, limits, contexts of use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::parameters::Grade;

use super::ask::Ask;
use super::room;
use crate::scenario::{FILE_LIMIT, nearest};

/// The files of this crate: name and text.
const FILES: [(&str, &str); 9] = [
    ("stories.toml", include_str!("cases/stories.toml")),
    ("verification.toml", include_str!("cases/verification.toml")),
    ("vectors.toml", include_str!("cases/vectors.toml")),
    ("kinetics.toml", include_str!("cases/kinetics.toml")),
    ("response.toml", include_str!("cases/response.toml")),
    ("danger.toml", include_str!("cases/danger.toml")),
    ("device.toml", include_str!("cases/device.toml")),
    ("reports.toml", include_str!("cases/reports.toml")),
    ("limits.toml", include_str!("cases/limits.toml")),
];

/// Scenarios of the repository that cases run as they are, with the bases they extend.
const SHIPPED: [(&str, &str); 6] = [
    (
        "base/adult-spinal.toml",
        include_str!("../../scenarios/base/adult-spinal.toml"),
    ),
    (
        "base/candidate-spinal.toml",
        include_str!("../../scenarios/base/candidate-spinal.toml"),
    ),
    ("course-spinal.toml", include_str!("../../scenarios/course-spinal.toml")),
    (
        "course-cerebral.toml",
        include_str!("../../scenarios/course-cerebral.toml"),
    ),
    ("course-child.toml", include_str!("../../scenarios/course-child.toml")),
    (
        "concentration-change.toml",
        include_str!("../../scenarios/concentration-change.toml"),
    ),
];

/// What kind of question a case answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The program against mathematics: closed forms, ledger, repetition.
    Verification,
    /// The model against measurements in people and devices.
    Validation,
    /// The model against reports without numbers.
    Plausibility,
}

impl Layer {
    /// All layers in the order of a report.
    pub const ALL: [Layer; 3] = [Layer::Verification, Layer::Validation, Layer::Plausibility];

    /// Name as in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Verification => "verification",
            Layer::Validation => "validation",
            Layer::Plausibility => "plausibility",
        }
    }
}

/// Whether a figure had a part in choosing the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A default was taken from this very figure: agreement shows that it is used rightly.
    Input,
    /// Parameters or thresholds were fitted to it: agreement shows that one set of numbers can meet such figures together.
    Fit,
    /// Kept apart: no parameter was chosen by it.
    Check,
    /// Mathematics, to which nothing is fitted.
    None,
}

impl Role {
    /// Name as in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Input => "input",
            Role::Fit => "fit",
            Role::Check => "check",
            Role::None => "none",
        }
    }
}

/// What is taken over replicates of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// Mean.
    Mean,
    /// Median.
    Median,
    /// Sample standard deviation.
    Sd,
    /// Share of replicates in which the measure lies within `band`.
    Share,
}

/// One published figure with everything needed to judge the model by it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique name.
    pub id: String,
    /// Number in the list of targets, if it is one of them.
    #[serde(default)]
    pub target: Option<u32>,
    /// What is observed, in words.
    pub title: String,
    /// Kind of question.
    pub layer: Layer,
    /// Part in choosing the defaults.
    pub role: Role,
    /// Named subset for calibration, for cases with the role `fit` that an optimiser may use.
    #[serde(default)]
    pub set: Option<String>,
    /// The figure as published.
    pub published: String,
    /// The figure as a number, in `unit`.
    #[serde(default)]
    pub value: Option<f64>,
    /// Smallest and largest accepted simulated value, both included.
    pub accept: [f64; 2],
    /// Unit of value and interval; `"1"` for a pure number, `"yes"` for a truth (1 is yes).
    pub unit: String,
    /// Whether it is a kinetic quantity, whose error is a ratio.
    #[serde(default)]
    pub kinetic: bool,
    /// Why the interval is as wide as it is.
    pub argument: String,
    /// Where the figure comes from.
    pub source: String,
    /// `published`: read in the source. `derived`: our arithmetic. `assumed`: recalled, not read.
    #[serde(deserialize_with = "grade")]
    pub grade: Grade,
    /// Why the defaults miss it, if they do and the reason is understood.
    #[serde(default)]
    pub known_miss: Option<String>,
    /// What it contradicts.
    #[serde(default)]
    pub conflict: Option<String>,
    /// Why the interval could not be argued without looking at a result, if it was set after
    /// one had been seen. Such a figure is no evidence; the page says so.
    #[serde(default)]
    pub after_the_fit: Option<String>,
    /// What to measure.
    pub measure: Ask,
    /// Divides the measure.
    #[serde(default)]
    pub over: Option<Ask>,
    /// Is subtracted from the measure.
    #[serde(default)]
    pub less: Option<Ask>,
    /// Multiplies the result.
    #[serde(default)]
    pub times: Option<f64>,
    /// Is added at last, such as 1 for a scale that begins at 1.
    #[serde(default)]
    pub plus: Option<f64>,
    /// Number of replicates, each a virtual patient or refill; one run without it.
    #[serde(default)]
    pub replicates: Option<u64>,
    /// What is taken over the replicates.
    #[serde(default)]
    pub statistic: Option<Statistic>,
    /// Interval that [`Statistic::Share`] counts.
    #[serde(default)]
    pub band: Option<[f64; 2]>,
}

fn grade<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Grade, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "published" => Ok(Grade::Published),
        "derived" => Ok(Grade::Derived),
        "assumed" => Ok(Grade::Assumed),
        other => Err(serde::de::Error::custom(format!(
            "`{other}` is no grade: published, derived or assumed"
        ))),
    }
}

/// Many figures of one kind: each row and output is a case.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    id: String,
    #[serde(default)]
    target: Option<u32>,
    title: String,
    layer: Layer,
    role: Role,
    argument: String,
    source: String,
    #[serde(deserialize_with = "grade")]
    grade: Grade,
    /// Names of the inputs, the first columns of a row.
    inputs: Vec<String>,
    /// The outputs, the columns after them.
    outputs: Vec<Output>,
    rows: Vec<Vec<toml::Value>>,
    #[serde(default)]
    known_miss: Option<String>,
}

/// One output of a table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    name: String,
    unit: String,
    /// Half width of the accepted interval, in the unit.
    #[serde(default)]
    within: Option<f64>,
    /// The same as a share of the value.
    #[serde(default)]
    share: Option<f64>,
    measure: Ask,
    #[serde(default)]
    less: Option<Ask>,
    #[serde(default)]
    times: Option<f64>,
}

/// A published time course, drawn over the simulated one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Unique name, also of the figure.
    pub id: String,
    /// What is shown.
    pub title: String,
    /// The story.
    pub story: String,
    /// Substitutions in the story.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// Column.
    pub signal: String,
    /// Instant that counts as zero \[h\].
    #[serde(default)]
    pub from: f64,
    /// Added to the simulated values, such as 1 for a scale that begins at 1.
    #[serde(default)]
    pub plus: f64,
    /// End of the drawn time, counted from `from` \[h\].
    pub until: f64,
    /// Axis label with unit.
    pub axis: String,
    /// Published points: time \[h\], value, and standard deviation or 0.
    pub points: Vec<[f64; 3]>,
    /// Where the points come from.
    pub source: String,
    /// How far the points can be trusted.
    #[serde(deserialize_with = "grade")]
    pub grade: Grade,
}

/// A small scenario that cases run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// Unique name.
    pub id: String,
    /// TOML of a scenario; `{name}` is replaced by a case's `with.name`.
    #[serde(default)]
    pub text: String,
    /// Or the file name of a shipped scenario.
    #[serde(default)]
    pub shipped: Option<String>,
    /// Substitutions where a case gives none.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
}

/// What the model does not represent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Unique name.
    pub id: String,
    /// What is missing or contradicted.
    pub what: String,
    /// What follows for a user.
    pub so: String,
    /// Where that is known from.
    pub source: String,
}

/// What may be concluded from a feature, and what may not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The feature.
    pub feature: String,
    /// What may be concluded.
    pub may: String,
    /// What may not.
    pub may_not: String,
    /// Cases (by the beginning of their ids) the first rests on.
    pub rests_on: Vec<String>,
}

/// A named subset for calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Name, as in `set = "..."` of a case.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Parameters an optimiser may move.
    pub parameters: Vec<String>,
}

/// One file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "case")]
    cases: Vec<Case>,
    #[serde(default, rename = "table")]
    tables: Vec<Table>,
    #[serde(default, rename = "course")]
    courses: Vec<Course>,
    #[serde(default, rename = "story")]
    stories: Vec<Story>,
    #[serde(default, rename = "limit")]
    limits: Vec<Limit>,
    #[serde(default, rename = "use")]
    uses: Vec<Use>,
    #[serde(default, rename = "set")]
    sets: Vec<Set>,
}

/// Everything the model is held to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// Cases in file order, tables expanded.
    pub cases: Vec<Case>,
    /// Time courses.
    pub courses: Vec<Course>,
    /// Stories that cases run.
    pub stories: Vec<Story>,
    /// Limits.
    pub limits: Vec<Limit>,
    /// Contexts of use.
    pub uses: Vec<Use>,
    /// Subsets for calibration.
    pub sets: Vec<Set>,
}

/// What is wrong with an evidence file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not as these files are written.
    #[error("{file}: {problem}")]
    Form {
        /// The file.
        file: String,
        /// What the reader said.
        problem: String,
    },
    /// Two entries of one name.
    #[error("`{id}` stands twice")]
    Twice {
        /// The name.
        id: String,
    },
    /// A name that nothing has.
    #[error("`{id}`: there is no {what} `{name}`")]
    Unknown {
        /// The entry.
        id: String,
        /// `story`, `set`, `parameter` or `case`.
        what: &'static str,
        /// The name.
        name: String,
        /// The name that was most likely meant.
        near: Option<String>,
    },
    /// An entry that contradicts itself.
    #[error("`{id}`: {problem}")]
    Senseless {
        /// The entry.
        id: String,
        /// What is wrong.
        problem: String,
    },
}

impl EvidenceError {
    /// Name of the entry that is wrong, if one is.
    pub fn id(&self) -> Option<&str> {
        match self {
            EvidenceError::Form { .. } => None,
            EvidenceError::Twice { id } | EvidenceError::Unknown { id, .. } | EvidenceError::Senseless { id, .. } => {
                Some(id)
            }
        }
    }

    /// What to write instead, where that can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            EvidenceError::Twice { .. } => Some("give one of the two another name".to_owned()),
            EvidenceError::Unknown { near, .. } => near.as_ref().map(|near| format!("did you mean `{near}`?")),
            _ => None,
        }
    }
}

impl Evidence {
    /// The evidence this crate ships.
    ///
    /// # Errors
    /// [`EvidenceError`] if a file is wrong; a test shows that none is.
    pub fn builtin() -> Result<Self, EvidenceError> {
        Self::read(FILES.iter().copied())
    }

    /// The evidence this crate ships and one more file, which may use its stories.
    ///
    /// # Errors
    /// As [`Evidence::read`].
    pub fn with(name: &str, text: &str) -> Result<Self, EvidenceError> {
        Self::read(FILES.iter().copied().chain([(name, text)]))
    }

    /// Reads evidence files: names for messages, and texts.
    ///
    /// # Errors
    /// [`EvidenceError`] for the first mistake.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, EvidenceError> {
        let mut all = Evidence::default();
        for (name, text) in files {
            let form = |problem: String| EvidenceError::Form {
                file: name.to_owned(),
                problem,
            };
            if text.len() as u64 > FILE_LIMIT {
                return Err(form(format!("it is longer than {FILE_LIMIT} bytes, the limit")));
            }
            let file: File = toml::from_str(text).map_err(|e| form(room::said(text, &e)))?;
            all.cases.extend(file.cases);
            for table in &file.tables {
                room_for(table, all.cases.len())?;
                all.cases.extend(expand(table)?);
            }
            all.courses.extend(file.courses);
            all.stories.extend(file.stories);
            all.limits.extend(file.limits);
            all.uses.extend(file.uses);
            all.sets.extend(file.sets);
        }
        all.check()?;
        Ok(all)
    }

    /// Scenario files that the stories may extend, by name.
    pub fn files() -> BTreeMap<String, String> {
        SHIPPED
            .iter()
            .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()))
            .collect()
    }

    /// So many entries, and so many words between them, that no check and no page takes long.
    fn check_size(&self) -> Result<(), EvidenceError> {
        let many = |id: &str, n: usize, what: &str, most: usize| {
            if n <= most {
                return Ok(());
            }
            Err(EvidenceError::Senseless {
                id: id.to_owned(),
                problem: format!("{n} {what}, at most {most} are allowed"),
            })
        };
        let most = room::MOST_ENTRIES;
        many("case", self.cases.len(), "figures", most)?;
        many("story", self.stories.len(), "stories", most)?;
        many("limit", self.limits.len(), "limits", most)?;
        many("course", self.courses.len(), "courses", room::MOST_COURSES)?;
        many("use", self.uses.len(), "contexts of use", most)?;
        many("set", self.sets.len(), "sets", most)?;
        let keys = self.sets.iter().map(|s| s.parameters.len()).sum();
        many("set", keys, "parameters of all sets", most)?;
        let rests = self.uses.iter().map(|u| u.rests_on.len()).sum();
        many("use", rests, "names in `rests_on`", most)?;
        let asked = |c: &Case| {
            let all = [Some(&c.measure), c.over.as_ref(), c.less.as_ref()];
            all.into_iter().flatten().map(|a| a.with.len()).max().unwrap_or(0)
        };
        let what = "values in `with`";
        for case in &self.cases {
            many(&case.id, asked(case), what, room::MOST_WITH)?;
        }
        for story in &self.stories {
            many(&story.id, story.with.len(), what, room::MOST_WITH)?;
        }
        for course in &self.courses {
            many(&course.id, course.with.len(), what, room::MOST_WITH)?;
        }
        Ok(())
    }

    /// Case, table and story names unique, references resolved, intervals sensible.
    fn check(&self) -> Result<(), EvidenceError> {
        self.check_size()?;
        let mut seen = std::collections::BTreeSet::new();
        let ids = self.cases.iter().map(|c| &c.id);
        for id in ids
            .chain(self.courses.iter().map(|c| &c.id))
            .chain(self.limits.iter().map(|l| &l.id))
        {
            if !seen.insert(id.as_str()) {
                return Err(EvidenceError::Twice { id: id.clone() });
            }
        }
        let mut stories = std::collections::BTreeSet::new();
        for story in &self.stories {
            if !stories.insert(story.id.as_str()) {
                return Err(EvidenceError::Twice { id: story.id.clone() });
            }
        }
        let unknown = |id: &str, what: &'static str, name: &str| {
            let known: Vec<&str> = match what {
                "story" => stories.iter().copied().collect(),
                "set" => self.sets.iter().map(|s| s.id.as_str()).collect(),
                "parameter" => crate::parameters::all().map(|p| p.key).collect(),
                _ => self.cases.iter().map(|c| c.id.as_str()).collect(),
            };
            EvidenceError::Unknown {
                id: id.to_owned(),
                what,
                name: name.to_owned(),
                near: nearest(name, known).map(str::to_owned),
            }
        };
        for story in &self.stories {
            if story.text.is_empty() == story.shipped.is_none() {
                return Err(EvidenceError::Senseless {
                    id: story.id.clone(),
                    problem: "a story has either a `text` or the name of a `shipped` scenario".to_owned(),
                });
            }
        }
        for course in &self.courses {
            if !stories.contains(course.story.as_str()) {
                return Err(unknown(&course.id, "story", &course.story));
            }
            if let Some(problem) = objection(course) {
                return Err(EvidenceError::Senseless {
                    id: course.id.clone(),
                    problem: problem.to_owned(),
                });
            }
        }
        for set in &self.sets {
            for key in &set.parameters {
                let Some(p) = crate::parameters::named(key) else {
                    return Err(unknown(&set.id, "parameter", key));
                };
                if p.grade == Grade::Published {
                    return Err(EvidenceError::Senseless {
                        id: set.id.clone(),
                        problem: format!("`{key}` is published and may not be fitted"),
                    });
                }
            }
        }
        for entry in &self.uses {
            for start in &entry.rests_on {
                if !self.cases.iter().any(|c| c.id.starts_with(start.as_str())) {
                    return Err(unknown(&entry.feature, "case", start));
                }
            }
        }
        for case in &self.cases {
            let senseless = |problem: &str| EvidenceError::Senseless {
                id: case.id.clone(),
                problem: problem.to_owned(),
            };
            for ask in [Some(&case.measure), case.over.as_ref(), case.less.as_ref()]
                .into_iter()
                .flatten()
            {
                if let Some(story) = &ask.story
                    && !stories.contains(story.as_str())
                {
                    return Err(unknown(&case.id, "story", story));
                }
            }
            if let Some(set) = &case.set {
                if !self.sets.iter().any(|s| s.id == *set) {
                    return Err(unknown(&case.id, "set", set));
                }
                if case.role != Role::Fit {
                    return Err(senseless("only cases of the role `fit` may be fitted to"));
                }
            }
            let [low, high] = case.accept;
            if !(low.is_finite() && high.is_finite() && low <= high) {
                return Err(senseless("the accepted interval is empty or infinite"));
            }
            for (text, name) in [
                (&case.argument, "argument"),
                (&case.source, "source"),
                (&case.published, "published figure"),
                (&case.title, "title"),
                (&case.unit, "unit"),
            ] {
                if text.trim().is_empty() {
                    return Err(senseless(&format!("its {name} is empty")));
                }
            }
            if case.kinetic && !case.value.is_some_and(|v| v > 0.0) {
                return Err(senseless("a kinetic case needs a positive value"));
            }
            let numbers = [case.value, case.times, case.plus];
            if numbers.iter().flatten().any(|x| !x.is_finite()) {
                return Err(senseless("`value`, `times` and `plus` must be finite"));
            }
            if (case.replicates.is_some()) != (case.statistic.is_some()) {
                return Err(senseless("replicates and statistic belong together"));
            }
            if let Some(n) = case.replicates
                && !(1..=room::MOST_REPLICATES).contains(&n)
            {
                return Err(senseless(&format!(
                    "replicates = {n} lies outside 1 to {}",
                    room::MOST_REPLICATES
                )));
            }
            if case.statistic == Some(Statistic::Sd) && case.replicates == Some(1) {
                return Err(senseless("a standard deviation needs at least two replicates"));
            }
            if case
                .band
                .is_some_and(|[low, high]| low.is_nan() || high.is_nan() || low > high)
            {
                return Err(senseless("the band is empty"));
            }
            if (case.statistic == Some(Statistic::Share)) != case.band.is_some() {
                return Err(senseless("a share needs a band, and only a share"));
            }
        }
        Ok(())
    }
}

/// What is wrong with a course in itself.
fn objection(course: &Course) -> Option<&'static str> {
    let finite = [course.from, course.plus, course.until].iter().all(|x| x.is_finite());
    if !finite || course.points.iter().flatten().any(|x| !x.is_finite()) {
        return Some("every number must be finite");
    }
    if course.until <= 0.0 {
        return Some("`until` must be greater than zero");
    }
    // The id becomes the name of a file.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let id = &course.id;
    if id.is_empty() || id.len() > 64 || id.starts_with('.') || !id.chars().all(plain) {
        return Some("the id of a course is letters, digits, `-`, `_` and `.`, at most 64 of them");
    }
    None
}

/// Refuses a table whose cases, each with its own copy of the texts, would not fit the memory.
fn room_for(table: &Table, before: usize) -> Result<(), EvidenceError> {
    let senseless = |problem: String| EvidenceError::Senseless {
        id: table.id.clone(),
        problem,
    };
    let cells = table.rows.len().saturating_mul(table.outputs.len());
    if before.saturating_add(cells) > room::MOST_ENTRIES {
        return Err(senseless(format!(
            "its rows make {cells} figures; all files together may hold at most {}",
            room::MOST_ENTRIES
        )));
    }
    let names: usize = table.inputs.iter().map(String::len).sum();
    let shared = table.argument.len()
        + table.source.len()
        + table.title.len()
        + table.known_miss.as_ref().map_or(0, String::len)
        + 4 * names;
    let own = |row: &Vec<toml::Value>| -> usize {
        let lengths = row.iter().map(|cell| cell.as_str().map_or(8, str::len));
        4 * lengths.sum::<usize>()
    };
    let rows: usize = table.rows.iter().map(|row| shared + own(row)).sum();
    let outputs: usize = table.outputs.iter().map(|o| format!("{o:?}").len()).sum();
    let bytes = rows.saturating_mul(table.outputs.len()) + outputs.saturating_mul(table.rows.len());
    if bytes > room::MOST_TEXT {
        return Err(senseless(format!(
            "its {cells} figures, each with the texts of the table, would hold {bytes} bytes; at most {} are allowed",
            room::MOST_TEXT
        )));
    }
    Ok(())
}

/// The cases of a table.
fn expand(table: &Table) -> Result<Vec<Case>, EvidenceError> {
    let senseless = |problem: String| EvidenceError::Senseless {
        id: table.id.clone(),
        problem,
    };
    let mut cases = Vec::new();
    for (i, row) in table.rows.iter().enumerate() {
        if row.len() != table.inputs.len() + table.outputs.len() {
            return Err(senseless(format!("row {} has {} cells", i + 1, row.len())));
        }
        let inputs: BTreeMap<String, String> = table
            .inputs
            .iter()
            .zip(row)
            .map(|(name, cell)| {
                let text = match cell {
                    toml::Value::String(s) => s.clone(),
                    other => other.to_string(),
                };
                (name.clone(), text)
            })
            .collect();
        let given = table
            .inputs
            .iter()
            .filter_map(|n| Some(format!("{n} {}", inputs.get(n)?)))
            .collect::<Vec<_>>()
            .join(", ");
        for (output, cell) in table.outputs.iter().zip(&row[table.inputs.len()..]) {
            let value = match cell {
                toml::Value::Float(v) => *v,
                toml::Value::Integer(v) => *v as f64,
                // Not every row gives every figure.
                toml::Value::String(s) if s.is_empty() => continue,
                other => return Err(senseless(format!("row {}: {other} is no number", i + 1))),
            };
            let half = match (output.within, output.share) {
                (Some(w), None) => w,
                (None, Some(s)) => s * value.abs(),
                _ => return Err(senseless(format!("{} needs either `within` or `share`", output.name))),
            };
            let mut measure = output.measure.clone();
            measure.with.extend(inputs.clone());
            let mut less = output.less.clone();
            if let Some(less) = &mut less {
                less.with.extend(inputs.clone());
            }
            cases.push(Case {
                id: format!("{}.{}.{}", table.id, i + 1, output.name),
                target: table.target,
                title: format!("{}: {given}: {}", table.title, output.name.replace('-', " ")),
                layer: table.layer,
                role: table.role,
                set: None,
                published: format!("{value} {}", output.unit),
                value: Some(value),
                accept: [value - half, value + half],
                unit: output.unit.clone(),
                kinetic: false,
                argument: table.argument.clone(),
                source: table.source.clone(),
                grade: table.grade,
                known_miss: table.known_miss.clone(),
                conflict: None,
                after_the_fit: None,
                measure,
                over: None,
                less,
                times: output.times,
                plus: None,
                replicates: None,
                statistic: None,
                band: None,
            });
        }
    }
    Ok(cases)
}
