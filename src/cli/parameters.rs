//! `itbsim parameters`: every default with unit, range, source and grade.

use std::fmt::Write;

use crate::parameters::{Grade, NamedSet, Parameter, all};

use super::{Failure, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim parameters
  itbsim parameters kinetics.csf --grade assumed
  itbsim parameters --set steep-gradient dispersion
  itbsim parameters --csv > parameters.csv")]
pub(crate) struct Args {
    /// Only keys that contain this text
    filter: Option<String>,
    /// With this named set applied (`itbsim list sets`)
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Only this grade
    #[arg(long, value_enum)]
    grade: Option<GradeArg>,
    /// Machine-readable output
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// As a table for spreadsheets
    #[arg(long)]
    csv: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum GradeArg {
    Published,
    Derived,
    Assumed,
}

/// The entry of a named set, if it has one of its own.
fn of_set(set: Option<&NamedSet>, default: &'static Parameter) -> &'static Parameter {
    let own = set.and_then(|s| s.values.iter().find(|p| p.key == default.key));
    own.unwrap_or(default)
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let set = args.set.as_deref().map(super::patients::known_set).transpose()?;
    let wanted: Vec<&Parameter> = all()
        .map(|p| of_set(set, p))
        .filter(|p| args.filter.as_ref().is_none_or(|f| p.key.contains(f.as_str())))
        .filter(|p| {
            args.grade.is_none_or(|g| {
                p.grade
                    == match g {
                        GradeArg::Published => Grade::Published,
                        GradeArg::Derived => Grade::Derived,
                        GradeArg::Assumed => Grade::Assumed,
                    }
            })
        })
        .collect();
    if wanted.is_empty() {
        return Err(Failure::Input(format!(
            "error: no parameter matches `{}`\n  help: `itbsim parameters` prints all {} of them",
            args.filter.as_deref().unwrap_or(""),
            all().count()
        )));
    }
    if args.json {
        return print_json(&wanted);
    }
    if args.csv {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for p in &wanted {
            writer.serialize(p).map_err(|e| Failure::Model(format!("error: {e}")))?;
        }
        let bytes = writer.into_inner().map_err(|e| Failure::Model(format!("error: {e}")))?;
        return print(&String::from_utf8_lossy(&bytes));
    }
    let mut text = String::new();
    for p in wanted {
        let unit = if p.unit == "1" {
            String::new()
        } else {
            format!(" {}", p.unit)
        };
        let _ = writeln!(
            text,
            "{} = {}{unit}  [{} to {}]  ({})\n    {}\n    source: {}",
            p.key,
            p.value,
            p.low,
            p.high,
            match p.grade {
                Grade::Published => "published",
                Grade::Derived => "derived",
                Grade::Assumed => "assumed",
            },
            p.meaning,
            p.source
        );
    }
    text.push_str("\nOverride one in a scenario: [parameters] \"key\" = \"value unit\". For teaching and research, never for treating a person.\n");
    print(&text)
}
