//! A factorial as one tidy table and as heat maps; for single runs and for batches.

use super::pictures::{Drawing, GridPanel};
use crate::scenario::model::Matrix;

/// Outcomes with a heat map of their own.
const MOST_OUTCOMES: usize = 6;

/// Outcomes that figures of a factorial show first, with what stands over them.
pub const SHOWN: [(&str, &str); 8] = [
    ("good_control_percent", "Time in good control (%)"),
    ("withdrawal_h", "Time with withdrawal (h)"),
    ("overdose_h", "Time with overdose (h)"),
    ("hospital_days", "Days in hospital"),
    ("to_symptom_h", "From fault to symptom (h)"),
    ("to_diagnosis_h", "From fault to diagnosis (h)"),
    ("to_repair_h", "From fault to repair (h)"),
    ("died", "Died (share)"),
];

/// Names of the factors, as the first columns of a table.
pub fn columns(matrix: &Matrix) -> Vec<&str> {
    let factors = matrix.factors.iter().map(|f| f.name.as_str());
    std::iter::once("cell").chain(factors).collect()
}

/// Id of a cell and the values of its factors, as [`columns`] names them.
pub fn fields<'m>(matrix: &'m Matrix, cell: usize, id: &'m str) -> Vec<&'m str> {
    let values = (0..matrix.factors.len()).map(|factor| matrix.value(cell, factor));
    std::iter::once(id).chain(values).collect()
}

/// Heat maps of the outcomes that differ between cells, each with its name. `value` gives an outcome of a
/// cell, if it has one.
pub fn grids(matrix: &Matrix, value: impl Fn(usize, &str) -> Option<f64>) -> Vec<(&'static str, Drawing)> {
    let cells = matrix.cells.len();
    SHOWN
        .iter()
        .filter_map(|(name, label)| {
            let values: Vec<Option<f64>> = (0..cells).map(|cell| value(cell, name)).collect();
            let known = || values.iter().flatten().copied();
            let (low, high) = (known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max));
            (high > low).then(|| {
                let panels = panels(matrix, &values);
                let label = (*label).to_owned();
                (*name, Drawing::Grid { label, panels })
            })
        })
        .take(MOST_OUTCOMES)
        .collect()
}

/// The last factor runs along the columns, the one before along the rows; each combination of the others is
/// a panel.
fn panels(matrix: &Matrix, values: &[Option<f64>]) -> Vec<GridPanel> {
    let axis = |back: usize| {
        let factor = matrix
            .factors
            .len()
            .checked_sub(back)
            .and_then(|i| matrix.factors.get(i));
        factor.map_or((String::new(), vec![String::new()]), |f| {
            (f.name.clone(), f.values.clone())
        })
    };
    let (rows, columns) = (axis(2), axis(1));
    let size = (rows.1.len() * columns.1.len()).max(1);
    let others = matrix.factors.len().saturating_sub(2);
    values
        .chunks(size)
        .enumerate()
        .map(|(i, values)| {
            let words = (0..others).map(|k| format!("{} = {}", matrix.factors[k].name, matrix.value(i * size, k)));
            GridPanel {
                title: words.collect::<Vec<_>>().join(", "),
                rows: rows.clone(),
                columns: columns.clone(),
                values: values.to_vec(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Factor;

    #[test]
    fn every_value_stands_in_its_row_column_and_panel() {
        let factor = |name: &str, n: usize| Factor {
            name: name.to_owned(),
            path: name.to_owned(),
            values: (0..n).map(|i| format!("{name}{i}")).collect(),
        };
        let mut cells = Vec::new();
        for a in 0..2 {
            for b in 0..3 {
                for c in 0..2 {
                    cells.push(vec![a, b, c]);
                }
            }
        }
        let matrix = Matrix {
            factors: vec![factor("a", 2), factor("b", 3), factor("c", 2)],
            cells,
        };
        let value = |cell: usize, name: &str| {
            let place = &matrix.cells[cell];
            (name == "withdrawal_h" && cell != 5).then(|| (100 * place[0] + 10 * place[1] + place[2]) as f64)
        };
        let drawn = grids(&matrix, value);
        assert_eq!(drawn.len(), 1);
        let (name, Drawing::Grid { panels, .. }) = &drawn[0] else {
            panic!("a grid")
        };
        assert_eq!((*name, panels.len()), ("withdrawal_h", 2));
        assert_eq!(panels[1].title, "a = a1");
        assert_eq!((panels[1].rows.0.as_str(), panels[1].columns.1.len()), ("b", 2));
        // Row b2, column c1 of the second panel.
        assert_eq!(panels[1].values[2 * 2 + 1], Some(121.0));
        assert_eq!(panels[0].values[5], None);
        assert_eq!(fields(&matrix, 11, "x"), ["x", "a1", "b2", "c1"]);
        assert_eq!(columns(&matrix), ["cell", "a", "b", "c"]);
    }
}
