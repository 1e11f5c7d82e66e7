//! Patients as rows of a table: one column a number, the unit in its name.

use crate::parameters;
use crate::scenario::model;

use super::{Figures, Population, VirtualPatient};

/// Column names: who it is, every parameter of the population with its unit, then the figures
/// if there are any.
pub fn header(population: &Population, figures: bool) -> Vec<String> {
    let mut columns: Vec<String> = ["replicate", "population", "origin", "injury"]
        .map(str::to_owned)
        .to_vec();
    for d in population.spec().distributions() {
        let unit = parameters::all().find(|p| p.key == d.key).map_or("1", |p| p.unit);
        columns.push(column(d.key, unit));
    }
    if figures {
        columns.extend(FIGURES.map(str::to_owned));
    }
    columns
}

const FIGURES: [&str; 7] = [
    "half_life_h",
    "elimination_half_life_h",
    "clearance_ml_per_h",
    "lumbar_over_cisternal",
    "maintenance_ug_per_day",
    "plasma_ng_per_ml",
    "responds_at_ug",
];

/// The fields of one patient, in the order of [`header`]. Numbers are the shortest that read
/// back to the same bits; what there is not is empty.
pub fn row(patient: &VirtualPatient, figures: Option<&Figures>) -> Vec<String> {
    let mut fields = vec![
        patient.replicate.to_string(),
        group(patient.group).to_owned(),
        patient.origin.as_deref().unwrap_or_default().to_owned(),
        patient.injury.map(|level| level.to_string()).unwrap_or_default(),
    ];
    fields.extend(patient.values.iter().map(|(_, value)| value.to_string()));
    if let Some(f) = figures {
        let optional = |x: Option<f64>| x.map(|x| x.to_string()).unwrap_or_default();
        fields.extend([
            f.half_life_h.to_string(),
            f.elimination_half_life_h.to_string(),
            f.clearance_ml_per_h.to_string(),
            f.lumbar_over_cisternal.to_string(),
            optional(f.maintenance_ug_per_day),
            optional(f.plasma_ng_per_ml),
            optional(f.responds_at_ug),
        ]);
    }
    fields
}

fn group(population: model::Population) -> &'static str {
    match population {
        model::Population::AdultSpinal => "adult-spinal",
        model::Population::AdultCerebral => "adult-cerebral",
        model::Population::Child => "child",
    }
}

/// `kinetics.csf.loss_rate` in `1/h` is `kinetics_csf_loss_rate_per_h`.
fn column(key: &str, unit: &str) -> String {
    let mut name = key.replace('.', "_");
    if unit == "%" {
        name.push_str("_percent");
        return name;
    }
    for (i, part) in unit.split('/').enumerate() {
        if i > 0 {
            name.push_str("_per");
        }
        if part != "1" {
            name.push('_');
            name.push_str(&part.to_lowercase().replace('^', ""));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_in_the_names_of_columns() {
        for (key, unit, name) in [
            ("a.b", "1/h", "a_b_per_h"),
            ("a.b", "ug/mL", "a_b_ug_per_ml"),
            ("a.b", "L/h/kg", "a_b_l_per_h_per_kg"),
            ("a.b", "1", "a_b"),
            ("a.b", "%", "a_b_percent"),
            ("a.b", "cm2/h", "a_b_cm2_per_h"),
        ] {
            assert_eq!(column(key, unit), name);
        }
    }
}
