//! `[matrix]`: every combination of some values of some fields, each an arm of the story.
//!
//! ```toml
//! [matrix]
//! "pump.reservoir.concentration" = ["500 ug/mL", "2 mg/mL"]
//! dose = { path = "programme.base.simple_continuous", values = ["200 ug/day", "400 ug/day"] }
//! ```
//!
//! Paths and values are those of `set` in an `[[arm]]`. Where the file has arms too, each of them is
//! combined with each cell, and `arm` is the first factor.

use super::arms::{self, Variant};
use super::diagnostics::{Diagnostic, Place, quoted};
use super::document::{Data, Entry, Node, Table};
use super::fields::{Context, Fields, Reported};
use super::names::ID_LIMIT;
use super::writing;

/// Most factors of a matrix.
const MOST_FACTORS: usize = 40;

/// A factorial over fields of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Matrix {
    /// What is varied, in file order; arms of the file come first.
    pub factors: Vec<Factor>,
    /// By cell: the place of each factor's value. The last factor runs fastest.
    pub cells: Vec<Vec<usize>>,
}

impl Matrix {
    /// The value of a factor in a cell, as the file has it.
    pub fn value(&self, cell: usize, factor: usize) -> &str {
        &self.factors[factor].values[self.cells[cell][factor]]
    }
}

/// One field and its values.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Factor {
    /// Column of tables: the path, unless the file gives a name.
    pub name: String,
    /// The field.
    pub path: String,
    /// As the file has them.
    pub values: Vec<String>,
}

/// Keys of a factor with a name of its own.
pub(super) const KEYS: &[&str] = &["path", "values"];
/// Columns of tables that a factor cannot be called.
pub(super) const RESERVED: &[&str] = &[
    "arm",
    "cell",
    "kind",
    "outcome",
    "n",
    "done",
    "of",
    "effective",
    "mean",
    "mean_error",
    "mean_low",
    "mean_high",
    "sd",
    "p05",
    "p25",
    "median",
    "median_low",
    "median_high",
    "p75",
    "p95",
    "value",
];

/// One factor as it stands in the file.
struct Axis<'t> {
    name: String,
    path: String,
    place: Place,
    values: &'t [Node],
}

/// The arms of a document, or the cells of its matrix, each with its changed document.
pub(super) fn variants(context: &Context<'_>, document: &Table) -> Result<(Vec<Variant>, Option<Matrix>), Reported> {
    let arms = arms::variants(context, document)?;
    Ok(match cells(context, document, &arms)? {
        Some((cells, matrix)) => (cells, Some(matrix)),
        None => (arms, None),
    })
}

/// The cells of a document: arms of the story, and which values each has. `None` without `[matrix]`.
fn cells(
    context: &Context<'_>,
    document: &Table,
    plain: &[Variant],
) -> Result<Option<(Vec<Variant>, Matrix)>, Reported> {
    let Some(entry) = document.get("matrix") else {
        return Ok(None);
    };
    let Data::Table(table) = &entry.node.data else {
        return Err(context.report(
            Diagnostic::new("wrong-type", "`matrix` must be a table")
                .at(entry.key_place, "not a table")
                .help("write [matrix] and below it \"pump.gain\" = [0.9, 1.1]"),
        ));
    };
    let axes = axes(context, table, entry)?;
    let few = plain.len().max(1);
    let many = axes.iter().try_fold(few, |n, axis| n.checked_mul(axis.values.len()));
    if many.is_none_or(|n| n > arms::MOST_ARMS) {
        let n = many.map_or("too many".to_owned(), |n| n.to_string());
        let sizes: Vec<String> = axes.iter().map(|a| a.values.len().to_string()).collect();
        return Err(context.report(
            Diagnostic::new("too-many-cells", format!("the matrix has {n} cells"))
                .at(entry.key_place, format!("at most {} are allowed", arms::MOST_ARMS))
                .note(format!(
                    "{}{}",
                    if plain.is_empty() {
                        String::new()
                    } else {
                        format!("{} arms x ", plain.len())
                    },
                    sizes.join(" x ")
                ))
                .help("leave out values, or split the factorial into several files that extend one base"),
        ));
    }
    arms::room(context, document, many.unwrap_or(few), entry.key_place)?;
    let nobody = Table::default();
    let fields = Fields::new(context, "[matrix]", &nobody, entry.key_place, &[]);
    let mut base = document.clone();
    base.remove("arm");
    base.remove("matrix");
    let starts: Vec<(&str, &Table, &[String])> = if plain.is_empty() {
        vec![("", &base, &[])]
    } else {
        plain
            .iter()
            .map(|v| (v.id.as_str(), &v.document, v.gone.as_slice()))
            .collect()
    };
    tried(&fields, &axes, &starts, document)?;
    let mut out = Vec::new();
    let mut places = Vec::new();
    for (i, (arm, start, gone)) in starts.iter().enumerate() {
        for cell in combinations(&axes) {
            let mut changed = (*start).clone();
            for (axis, k) in axes.iter().zip(&cell) {
                let change = change(axis, &axis.values[*k]);
                // It was tried before with the first value, and paths do not depend on values.
                if let Err(mistake) = arms::put(&mut changed, document, &fields, &axis.path, &change) {
                    return Err(context.report(*mistake));
                }
            }
            let words = axes.iter().zip(&cell).map(|(axis, k)| slug(&shown(&axis.values[*k])));
            let start = (!arm.is_empty()).then(|| (*arm).to_owned());
            out.push(Variant {
                id: start.into_iter().chain(words).collect::<Vec<_>>().join("--"),
                arm: (*arm).to_owned(),
                gone: gone.to_vec(),
                document: changed,
            });
            places.push(if plain.is_empty() {
                cell
            } else {
                [vec![i], cell].concat()
            });
        }
    }
    name(&mut out);
    let arms = (!plain.is_empty()).then(|| Factor {
        name: "arm".to_owned(),
        path: "arm".to_owned(),
        values: plain.iter().map(|v| v.id.clone()).collect(),
    });
    let own = axes.iter().map(|axis| Factor {
        name: axis.name.clone(),
        path: axis.path.clone(),
        values: axis.values.iter().map(shown).collect(),
    });
    let matrix = Matrix {
        factors: arms.into_iter().chain(own).collect(),
        cells: places,
    };
    Ok(Some((out, matrix)))
}

/// Reads the factors; every mistake is reported.
fn axes<'t>(context: &Context<'_>, table: &'t Table, entry: &Entry) -> Result<Vec<Axis<'t>>, Reported> {
    let mut found = Vec::new();
    let mut flawed = gather(context, table, "", &mut found).is_err();
    if !flawed && found.is_empty() {
        return Err(context.report(
            Diagnostic::new("empty-matrix", "[matrix] names nothing to vary")
                .at(entry.key_place, "empty")
                .help("write for example \"pump.gain\" = [0.9, 1.1] below it"),
        ));
    }
    if found.len() > MOST_FACTORS {
        return Err(context.report(
            Diagnostic::new("too-many-cells", format!("[matrix] varies {} things", found.len()))
                .at(entry.key_place, format!("at most {MOST_FACTORS} are allowed"))
                .help("of so many values only few can have more than one; put the others into the file itself"),
        ));
    }
    for (i, axis) in found.iter().enumerate() {
        let mut refuse = |code, title: String, label: &str, help: &str| {
            flawed = true;
            context.report(Diagnostic::new(code, title).at(axis.place, label).help(help));
        };
        if axis.values.is_empty() {
            let title = format!("{} has no values", quoted(&axis.name));
            refuse(
                "empty-list",
                title,
                "an empty list",
                "give it at least one value, or leave it out",
            );
        }
        // More values than cells are refused below, whatever they are.
        let words: Vec<String> = axis.values.iter().take(arms::MOST_ARMS + 1).map(shown).collect();
        if let Some((_, twice)) = words.iter().enumerate().find(|(k, w)| words[..*k].contains(w)) {
            let title = format!("{} has the value {} twice", quoted(&axis.name), quoted(twice));
            refuse(
                "duplicate-value",
                title,
                "two cells would be the same",
                "keep one of the two",
            );
        }
        if RESERVED.contains(&axis.name.as_str()) {
            let title = format!("a factor cannot be called {}", quoted(&axis.name));
            refuse(
                "reserved-name",
                title,
                "a column of every table",
                "give it another name",
            );
        }
        if let Some(known) = found[..i].iter().find(|a| a.path == axis.path || a.name == axis.name) {
            let title = format!("{} is varied twice", quoted(&axis.path));
            refuse(
                "duplicate-factor",
                title,
                &format!("as {} before", quoted(&known.name)),
                "keep one of the two",
            );
        }
    }
    if flawed { Err(Reported) } else { Ok(found) }
}

fn gather<'t>(context: &Context<'_>, table: &'t Table, prefix: &str, out: &mut Vec<Axis<'t>>) -> Result<(), Reported> {
    let mut flawed = false;
    for entry in &table.entries {
        let path = match prefix {
            "" => entry.key.clone(),
            prefix => format!("{prefix}.{}", entry.key),
        };
        match &entry.node.data {
            Data::Array(values) => out.push(Axis {
                name: path.clone(),
                path,
                place: entry.key_place,
                values,
            }),
            Data::Table(inner) if inner.get("values").is_some() || inner.get("path").is_some() => {
                match named(context, inner, &path, entry) {
                    Ok(axis) => out.push(axis),
                    Err(Reported) => flawed = true,
                }
            }
            Data::Table(inner) => flawed |= gather(context, inner, &path, out).is_err(),
            other => {
                flawed = true;
                context.report(
                    Diagnostic::new(
                        "wrong-type",
                        format!("{} must be a list of values, not {}", quoted(&path), other.noun()),
                    )
                    .at(entry.node.place, "one value")
                    .help(format!(
                        "write [{}]; what does not vary belongs into its own block",
                        writing::value(&entry.node)
                    )),
                );
            }
        }
    }
    if flawed { Err(Reported) } else { Ok(()) }
}

/// `dose = { path = "...", values = [...] }`.
fn named<'t>(context: &Context<'_>, table: &'t Table, name: &str, entry: &Entry) -> Result<Axis<'t>, Reported> {
    let example = "{ path = \"pump.gain\", values = [0.9, 1.1] }";
    let fields = Fields::new(context, "a factor of [matrix]", table, entry.key_place, KEYS);
    let path = match fields.text("path", "\"pump.gain\"") {
        Ok(Some(path)) => Ok(path.to_owned()),
        Ok(None) => Err(fields.missing("path", "\"pump.gain\"")),
        Err(reported) => Err(reported),
    };
    let values = match table.get("values") {
        None => Err(fields.missing("values", "[0.9, 1.1]")),
        Some(values) => match &values.node.data {
            Data::Array(values) => Ok(values.as_slice()),
            _ => Err(fields.wrong_type(values, "a list of values", example)),
        },
    };
    Ok(Axis {
        name: name.to_owned(),
        path: path?,
        place: fields.place_of("path"),
        values: values?,
    })
}

/// Tries each path once in each arm, so that a wrong one is reported once.
fn tried(
    fields: &Fields<'_, '_>,
    axes: &[Axis<'_>],
    starts: &[(&str, &Table, &[String])],
    original: &Table,
) -> Result<(), Reported> {
    let mut known: Vec<Diagnostic> = Vec::new();
    for (_, start, _) in starts {
        for axis in axes {
            let Some(first) = axis.values.first() else { continue };
            let mut trial = (*start).clone();
            if let Err(mistake) = arms::put(&mut trial, original, fields, &axis.path, &change(axis, first))
                && !known.contains(&mistake)
            {
                known.push(*mistake);
            }
        }
    }
    if known.is_empty() {
        return Ok(());
    }
    for mistake in known {
        fields.report(mistake);
    }
    Err(Reported)
}

fn change(axis: &Axis<'_>, value: &Node) -> Entry {
    Entry {
        key: axis.path.clone(),
        key_place: axis.place,
        node: value.clone(),
    }
}

/// Places of the values of every cell; the last factor runs fastest.
fn combinations(axes: &[Axis<'_>]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![Vec::new()], |cells, axis| {
        let longer = |cell: &Vec<usize>| -> Vec<Vec<usize>> {
            (0..axis.values.len())
                .map(|k| [cell.as_slice(), &[k]].concat())
                .collect()
        };
        cells.iter().flat_map(longer).collect()
    })
}

/// A value as tables show it.
fn shown(node: &Node) -> String {
    match &node.data {
        Data::Text(text) => text.clone(),
        _ => writing::value(node),
    }
}

/// A value as part of a folder's name: `2 mg/mL` is `2mg-mL`.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c),
            '.' | '_' => out.push('_'),
            _ if out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    out.trim_end_matches('-').to_owned()
}

/// Where values make no name, because it is too long or not the only one, cells are numbered.
fn name(cells: &mut [Variant]) {
    let plain = |id: &str| id.len() <= ID_LIMIT && id.starts_with(|c: char| c.is_ascii_alphanumeric());
    // Folders may not differ by case only, and one beside them is called `plots`.
    let mut ids: Vec<String> = cells.iter().map(|c| c.id.to_ascii_lowercase()).collect();
    ids.sort_unstable();
    if ids.windows(2).all(|w| w[0] != w[1]) && ids.iter().all(|id| plain(id) && id != "plots") {
        return;
    }
    let digits = cells.len().to_string().len();
    for (i, cell) in cells.iter_mut().enumerate() {
        cell.id = format!("cell-{:0digits$}", i + 1);
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::load_str;
    use crate::simulation::Registry;

    const CASE: &str = "title = \"x\"\nduration = \"2 d\"\n[pump]\nreservoir = { fill = \"18 mL\", concentration = \"2 mg/mL\" }\n\
        [[programme]]\nid = \"base\"\nat = \"0 d\"\nsimple_continuous = \"300 ug/day\"\n";

    fn load(more: &str) -> Result<crate::scenario::model::Story, String> {
        let text = format!("{CASE}{more}");
        load_str("x", &text, None, &Registry::builtin().catalog()).map_err(|d| d.render(false))
    }

    #[test]
    fn cells_are_all_combinations_in_the_order_of_the_file() {
        let story = load(
            "[matrix]\n\"pump.reservoir.concentration\" = [\"500 ug/mL\", \"2 mg/mL\"]\n\
             dose = { path = \"programme.base.simple_continuous\", values = [\"200 ug/day\", \"300 ug/day\", \"400 ug/day\"] }\n",
        )
        .unwrap();
        let matrix = story.matrix.as_ref().unwrap();
        assert_eq!(matrix.factors[1].name, "dose");
        assert_eq!(matrix.factors[1].values[2], "400 ug/day");
        assert_eq!(matrix.cells.len(), 6);
        assert_eq!((&matrix.cells[1], &matrix.cells[3]), (&vec![0, 1], &vec![1, 0]));
        let ids: Vec<&str> = story.arms.iter().map(|a| a.id.as_str()).collect();
        assert_eq!((ids[0], ids[5]), ("500ug-mL--200ug-day", "2mg-mL--400ug-day"));
        assert_eq!(story.arms[0].scenario.pump.concentration, 500.0);
        assert_eq!(story.arms[5].scenario.pump.concentration, 2000.0);
        // The text of the story is the story.
        let again = load_str("x", &story.text, None, &Registry::builtin().catalog()).unwrap();
        assert_eq!((&again.hash, again.arms.len()), (&story.hash, 6));
        assert_eq!(again.matrix, story.matrix);
    }

    #[test]
    fn arms_are_the_first_factor() {
        let story = load(
            "[matrix]\npump.gain = [0.9, 1.1]\n[[arm]]\nid = \"a\"\n[[arm]]\nid = \"b\"\n\
             set = { \"programme.base.simple_continuous\" = \"500 ug/day\" }\n",
        )
        .unwrap();
        let matrix = story.matrix.unwrap();
        assert_eq!(matrix.factors[0].values, ["a", "b"]);
        assert_eq!(matrix.factors[1].path, "pump.gain");
        assert_eq!(matrix.cells, [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(story.arms[2].id, "b--0_9");
        assert_eq!(story.arms[3].scenario.pump.gain, Some(1.1));
    }

    #[test]
    fn values_that_make_no_name_are_numbered() {
        let long = "a".repeat(80);
        let story = load(&format!("[matrix]\ntitle = [\"{long}\", \"+\"]\n")).unwrap();
        assert_eq!(story.arms[1].id, "cell-2");
    }

    #[test]
    fn mistakes_are_shown_where_they_stand() {
        let many: Vec<String> = (0..201).map(|i| format!("{}.5", i + 1)).collect();
        let many = format!("[matrix]\n\"patient.weight\" = [{}]\n", many.join(", "));
        for (text, words) in [
            ("[matrix]\n", "names nothing to vary"),
            ("[matrix]\n\"pump.gain\" = []\n", "has no values"),
            ("[matrix]\n\"pump.gain\" = 1.1\n", "must be a list of values"),
            ("[matrix]\n\"pmup.gain\" = [1.1]\n", "names nothing that can be set"),
            ("[matrix]\n\"pump.gain\" = [1.1, 1.1]\n", "has the value"),
            (
                "[matrix]\n\"programme.bsae.simple_continuous\" = [\"1 ug/day\"]\n",
                "no programme has the id",
            ),
            ("[matrix]\n\"pump.gian\" = [1.1, 1.2]\n", "gian"),
            (
                "[matrix]\n\"pump.reservoir.concentration\" = [\"2 mg/mL\", \"2 kg\"]\n",
                "2 kg",
            ),
            (
                "[matrix]\nmean = { path = \"pump.gain\", values = [1.1] }\n",
                "cannot be called",
            ),
            ("[matrix]\nx = { path = \"pump.gain\" }\n", "values"),
            (
                "[matrix]\nx = { path = \"pump.gain\", values = [1.1], other = 1 }\n",
                "other",
            ),
            (
                "[matrix]\n\"pump.gain\" = [1.1]\nx = { path = \"pump.gain\", values = [1.2] }\n",
                "varied twice",
            ),
            ("[[matrix]]\nx = 1\n", "must be a table"),
            (many.as_str(), "201 cells"),
        ] {
            let said = load(text).unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
            assert!(
                said.contains("x:") || said.contains("--> x"),
                "{text} names no line: {said}"
            );
        }
        let said = load("[matrix]\n\"pump.gain\" = [0.9, 1.1]\n\"pmup.gain\" = [1.1]\n").unwrap_err();
        assert!(said.contains("did you mean"), "{said}");
    }
}
