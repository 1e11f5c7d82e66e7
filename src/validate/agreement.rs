//! Another tool's answer: what libRoadRunner and a reader of NONMEM records found when they
//! solved the exported kinetics again.
//!
//! The table is written by `tests/external/roadrunner/run --update` and compiled in, so that the
//! page of evidence shows the last agreement that was measured, and says with which version.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use super::page::escape;

const TABLE: &str = include_str!("../../docs/data/roadrunner-agreement.csv");

/// One run that was solved again.
#[derive(Debug, Clone, PartialEq)]
pub struct AgreementRun {
    /// Scenario.
    pub scenario: String,
    /// Arm, or empty.
    pub arm: String,
    /// Instants compared.
    pub rows: u64,
    /// Concentrations compared at each.
    pub columns: u64,
    /// Changes of the system within the run, each an event of the exported document.
    pub changes: u64,
    /// Largest difference from the solver, relative to the peak of the column \[1\].
    pub solver: f64,
    /// The column it is in.
    pub column: String,
    /// Largest difference of the reader of dose records, relative to the peak \[1\].
    pub records: f64,
}

/// All of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Name and version of the solver.
    pub solver: String,
    /// Largest difference that is accepted, relative to the peak \[1\].
    pub accepted: f64,
    /// The runs, in the order of the table.
    pub runs: Vec<AgreementRun>,
}

/// The table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgreementError {
    /// A column is missing.
    #[error("no column {name}")]
    Column {
        /// Its name.
        name: &'static str,
    },
    /// A cell is no number.
    #[error("`{text}` is no number")]
    Number {
        /// What stands there.
        text: String,
    },
    /// Not a table.
    #[error("{problem}")]
    Form {
        /// What the reader said.
        problem: String,
    },
    /// No runs, or of several versions.
    #[error("it is empty, or of more than one version or bound")]
    Mixed,
}

impl Agreement {
    /// Reads the table.
    ///
    /// # Errors
    /// [`AgreementError`] for the first mistake.
    pub fn read(table: &str) -> Result<Self, AgreementError> {
        let form = |e: csv::Error| AgreementError::Form { problem: e.to_string() };
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let header = reader.headers().map_err(form)?.clone();
        let place = |name: &'static str| {
            let found = header.iter().position(|h| h == name);
            found.ok_or(AgreementError::Column { name })
        };
        let (scenario, arm, rows) = (place("scenario")?, place("arm")?, place("rows")?);
        let (columns, changes) = (place("columns")?, place("changes")?);
        let (worst, column) = (place("worst_relative")?, place("worst_column")?);
        let (records, solver, accepted) = (place("nonmem_relative")?, place("solver")?, place("accepted")?);
        let (mut runs, mut solvers, mut bounds) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for row in reader.records() {
            let row = row.map_err(form)?;
            let text = |at: usize| row.get(at).unwrap_or_default().to_owned();
            let number = |at: usize| {
                text(at)
                    .parse::<f64>()
                    .ok()
                    .filter(|v| v.is_finite())
                    .ok_or(AgreementError::Number { text: text(at) })
            };
            let count = |at: usize| {
                text(at)
                    .parse::<u64>()
                    .map_err(|_| AgreementError::Number { text: text(at) })
            };
            solvers.insert(text(solver));
            bounds.insert(text(accepted));
            number(accepted)?;
            runs.push(AgreementRun {
                scenario: text(scenario),
                arm: text(arm),
                rows: count(rows)?,
                columns: count(columns)?,
                changes: count(changes)?,
                solver: number(worst)?,
                column: text(column),
                records: number(records)?,
            });
        }
        match (solvers.pop_first(), bounds.pop_first()) {
            (Some(solver), Some(bound)) if solvers.is_empty() && bounds.is_empty() => Ok(Self {
                solver,
                accepted: bound.parse().map_err(|_| AgreementError::Number { text: bound })?,
                runs,
            }),
            _ => Err(AgreementError::Mixed),
        }
    }

    /// How many scenarios the runs are of.
    pub fn scenarios(&self) -> usize {
        let names: BTreeSet<&str> = self.runs.iter().map(|r| r.scenario.as_str()).collect();
        names.len()
    }

    /// Largest difference from the solver, relative to the peak \[1\].
    pub fn worst(&self) -> f64 {
        self.runs.iter().map(|r| r.solver).fold(0.0, f64::max)
    }

    /// Largest difference of the reader of dose records, relative to the peak \[1\].
    pub fn worst_records(&self) -> f64 {
        self.runs.iter().map(|r| r.records).fold(0.0, f64::max)
    }

    /// The result in a sentence.
    pub fn sentence(&self) -> String {
        format!(
            "{} solves the exported SBML of {} runs of {} scenarios; the worst column differs by {:.1e} \
             of its peak (accepted {:.0e}); a reader of the NONMEM records alone differs by {:.1e} at most.",
            self.solver,
            self.runs.len(),
            self.scenarios(),
            self.worst(),
            self.accepted,
            self.worst_records(),
        )
    }
}

static BUILTIN: LazyLock<Result<Agreement, AgreementError>> = LazyLock::new(|| Agreement::read(TABLE));

/// The agreement that was measured last.
///
/// # Errors
/// [`AgreementError`] if the table of this crate is wrong; a test shows that it is not.
pub fn agreement() -> Result<&'static Agreement, AgreementError> {
    BUILTIN.as_ref().map_err(Clone::clone)
}

/// The part of the page, within the layer of code verification.
pub(super) fn section(h: &mut String) {
    h.push_str("<h3 id=\"another-tool\">Another tool's answer</h3>\n");
    let found = match agreement() {
        Ok(found) => found,
        Err(e) => {
            let _ = writeln!(
                h,
                "<p class=\"missed\">The table cannot be read: {}.</p>",
                escape(&e.to_string())
            );
            return;
        }
    };
    let within = found.runs.iter().filter(|r| r.solver <= found.accepted).count();
    let _ = write!(
        h,
        "<p class=\"{}\">{within} of {} runs within the bound.</p>\n<p>{} It shares no code with this program: it reads compartments, \
         transfers, delivery and events of the exported document and integrates them itself. That says that the linear kinetics are \
         computed as written down, and nothing about whether they are right. Response and symptoms are not exported. \
         To run it again: <code>tests/external/roadrunner/run --all</code>.</p>\n\
         <details><summary>every run</summary><div class=\"scroll\"><table><tr><th>scenario<th>arm<th>instants<th>columns<th>events\
         <th>largest error over peak<th>accepted<th>in column<th>dose records<th>version</tr>\n",
        if within == found.runs.len() { "met" } else { "missed" },
        found.runs.len(),
        escape(&found.sentence()),
    );
    for r in &found.runs {
        let _ = writeln!(
            h,
            "<tr><td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n {}\">{:.1e}<td class=\"n\">{:.0e}\
             <td>{}<td class=\"n\">{:.1e}<td>{}</tr>",
            escape(&r.scenario),
            escape(&r.arm),
            r.rows,
            r.columns,
            r.changes,
            if r.solver <= found.accepted { "met" } else { "missed" },
            r.solver,
            found.accepted,
            escape(&r.column),
            r.records,
            escape(&found.solver),
        );
    }
    h.push_str("</table></div></details>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "scenario,arm,rows,columns,changes,worst_relative,worst_column,nonmem_relative,solver,accepted\n";

    #[test]
    fn the_table_of_this_crate_is_complete_and_within_its_bound() {
        let found = agreement().unwrap();
        assert!(found.runs.len() > 90 && found.scenarios() > 50);
        assert!(found.worst() <= found.accepted && found.worst() > 0.0);
        assert!(found.accepted <= 1e-5, "the bound that was asked for");
        assert!(found.solver.starts_with("libRoadRunner "), "{}", found.solver);
    }

    #[test]
    fn the_worst_of_the_runs_is_told_and_one_over_the_bound_is_marked() {
        let text = format!("{HEAD}a,,10,4,1,2.0e-9,x,1.0e-11,S 1,1e-5\na,b,10,4,0,3.0e-4,y,2.0e-11,S 1,1e-5\n");
        let found = Agreement::read(&text).unwrap();
        assert_eq!(
            (found.worst(), found.worst_records(), found.scenarios()),
            (3e-4, 2e-11, 1)
        );
        assert!(found.sentence().contains("2 runs of 1 scenarios"));
        assert!(found.runs[1].solver > found.accepted);
    }

    #[test]
    fn a_table_with_a_mistake_is_refused() {
        let read = |rows: &str| Agreement::read(&format!("{HEAD}{rows}")).unwrap_err();
        assert_eq!(read(""), AgreementError::Mixed);
        assert_eq!(
            read("a,,1,1,1,nan,x,0,S 1,1e-5\n"),
            AgreementError::Number { text: "nan".into() }
        );
        let two = "a,,1,1,1,0,x,0,S 1,1e-5\na,,1,1,1,0,x,0,S 2,1e-5\n";
        assert_eq!(read(two), AgreementError::Mixed);
        let cut = Agreement::read("scenario,arm\na,b\n").unwrap_err();
        assert_eq!(cut, AgreementError::Column { name: "rows" });
    }
}
