//! `itbsim list hazards`: how often faults come by chance, and who says so.

use std::fmt::Write;

use crate::hazards::{Hazard, Implant, defaults};
use crate::parameters::{Grade, ParameterSet};
use crate::scenario::model::{Material, PumpGeneration};
use crate::simulation::words::number;

use super::{Failure, print, print_json};

/// Hours of a year.
const YEAR: f64 = 8766.0;
/// Hours of a month.
const MONTH: f64 = YEAR / 12.0;
/// Ages of the table \[years\].
const AGES: [f64; 3] = [1.0, 5.0, 10.0];

/// What the rates depend on.
#[derive(Debug, clap::Args)]
pub(crate) struct Implanted {
    /// With `hazards` and `complications`: generation of the catheter, braided if not given
    #[arg(long, value_enum)]
    generation: Option<CatheterArg>,
    /// With `hazards`: which figures of motor stall hold, registry-2012 if not given
    #[arg(long, value_enum)]
    pump_generation: Option<PumpArg>,
    /// With `hazards`: the drug is not one the maker of the pump approved
    #[arg(long)]
    unapproved: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CatheterArg {
    Braided,
    Silicone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PumpArg {
    #[value(name = "registry-2012")]
    Registry,
    #[value(name = "letter-2017")]
    Letter,
    #[value(name = "redesigned-2017")]
    Redesigned,
}

impl Implanted {
    /// Whether any of the options was given.
    pub fn given(&self) -> bool {
        self.generation.is_some() || self.pump_generation.is_some() || self.unapproved
    }

    /// Generation of the catheter.
    pub fn material(&self) -> Material {
        self.implant().material
    }

    fn implant(&self) -> Implant {
        Implant {
            material: match self.generation {
                Some(CatheterArg::Silicone) => Material::Silicone,
                _ => Material::Braided,
            },
            pump: match self.pump_generation {
                Some(PumpArg::Letter) => PumpGeneration::Letter2017,
                Some(PumpArg::Redesigned) => PumpGeneration::Redesigned2017,
                _ => PumpGeneration::Registry2012,
            },
            approved_drug: !self.unapproved,
            peristaltic: true,
        }
    }
}

pub(crate) fn list(args: &Implanted, json: bool) -> Result<(), Failure> {
    let implant = args.implant();
    let all = defaults(&implant, &ParameterSet::default());
    if json {
        return print_json(&all.iter().map(row).collect::<Vec<_>>());
    }
    let mut text = format!(
        "Hazards by chance: {} catheter, pump {}, {} drug\n\n{:<22}{:>12}{:>11}{:>10}{:>10}{:>10}{:>12}\n",
        crate::hazards::material_word(implant.material),
        pump_word(implant.pump),
        if implant.approved_drug {
            "approved"
        } else {
            "unapproved"
        },
        "",
        "at surgery",
        "constant",
        "year 1",
        "5 years",
        "10 years",
        "free at 10",
    );
    for h in &all {
        let counts = AGES.map(|age| small(h.shape.cumulative(age * YEAR)));
        let _ = writeln!(
            text,
            "{:<22}{:>12}{:>11}{:>10}{:>10}{:>10}{:>12}",
            h.kind,
            percent(h.shape.at_surgery),
            small(h.shape.constant * YEAR),
            counts[0],
            counts[1],
            counts[2],
            percent(h.shape.survival(10.0 * YEAR)),
        );
    }
    text.push_str(
        "\nat surgery: chance; constant: events a year; then events expected up to that age, each repaired at once;\n\
         free at 10: chance of none in ten years.\n\n",
    );
    for h in &all {
        let _ = writeln!(
            text,
            "{}: {}{}",
            h.kind,
            form(h),
            if h.simulated {
                ""
            } else {
                "; in parts under `itbsim list complications`"
            }
        );
        let key = if h.key.is_empty() {
            String::new()
        } else {
            format!("  ({}, {})", h.key, grade(h.grade))
        };
        let _ = writeln!(text, "    source: {}{key}", h.source);
    }
    text.push_str(
        "\nSwitch them on with a [hazards] block; change one with [hazards.\"catheter.leak\"] constant = \"0.01 /y\",\n\
         or all by `scale`. For teaching and research, never for treating a person.\n",
    );
    print(&text)
}

fn row(h: &Hazard) -> serde_json::Value {
    let s = &h.shape;
    let expected: serde_json::Map<String, serde_json::Value> = AGES
        .iter()
        .map(|age| (format!("{age}_years"), s.cumulative(age * YEAR).into()))
        .collect();
    serde_json::json!({
        "kind": h.kind, "clock": h.clock, "simulated": h.simulated,
        "at_surgery": s.at_surgery, "early_per_year": s.early * YEAR, "early_months": s.early_for / MONTH,
        "constant_per_year": s.constant * YEAR, "wear_per_year2": s.wear * YEAR * YEAR,
        "not_before_months": s.not_before / MONTH, "expected": expected,
        "key": h.key, "grade": h.grade, "source": h.source,
    })
}

/// The terms of a hazard in words.
fn form(h: &Hazard) -> String {
    let s = &h.shape;
    let mut parts = Vec::new();
    if s.at_surgery > 0.0 {
        parts.push(format!("{} at surgery", percent(s.at_surgery)));
    }
    if s.early > 0.0 && s.early_for > 0.0 {
        parts.push(format!(
            "{} a year more for {} months",
            small(s.early * YEAR),
            number(s.early_for / MONTH)
        ));
    }
    if s.constant > 0.0 {
        parts.push(format!("{} a year", small(s.constant * YEAR)));
    }
    if s.wear > 0.0 {
        parts.push(format!(
            "growing by {} a year each year (wear)",
            small(s.wear * YEAR * YEAR)
        ));
    }
    if s.not_before > 0.0 {
        parts.push(format!("not before {} months", number(s.not_before / MONTH)));
    }
    if parts.is_empty() {
        return "none by default".to_owned();
    }
    parts.join(", ")
}

fn pump_word(pump: PumpGeneration) -> &'static str {
    match pump {
        PumpGeneration::Registry2012 => "registry-2012",
        PumpGeneration::Letter2017 => "letter-2017",
        PumpGeneration::Redesigned2017 => "redesigned-2017",
    }
}

fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Published => "published",
        Grade::Derived => "derived",
        Grade::Assumed => "assumed",
    }
}

/// Three significant digits also below a thousandth.
fn small(value: f64) -> String {
    if value == 0.0 || value >= 1e-4 {
        number(value)
    } else {
        format!("{value:.2e}")
    }
}

fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}
