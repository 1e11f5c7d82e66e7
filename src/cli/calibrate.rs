//! `itbsim calibrate`: fit assumed parameters to the figures set apart for it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::report::RunFolder;
use crate::report::folder::WRITER;
use crate::validate::calibrate::{Calibration, CalibrationError, Target, calibrate, verdicts};
use crate::validate::{Evidence, page, shown};

use super::{Failure, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim calibrate kinetics
  itbsim calibrate response --iterations 300 --out fitted
  itbsim calibrate kinetics --move kinetics.csf.loss_rate
  itbsim calibrate response --iterations 0
  itbsim validate --parameters fitted/parameters.toml

Only figures of the role `fit` that belong to the set enter the loss; figures kept for checking
are listed apart. The loss is the sum of squared errors in half widths of each figure's accepted
interval, with a weak pull to the defaults. The defaults of the program are not changed.")]
pub(crate) struct Args {
    /// Set of figures: kinetics, response or withdrawal
    set: String,
    /// Most iterations of the simplex; 0 only finds sensitivities at the defaults
    #[arg(long, default_value_t = 150)]
    iterations: u64,
    /// Move only this parameter; may be repeated
    #[arg(long = "move", value_name = "KEY")]
    keys: Vec<String>,
    /// Write the parameter file, tables and a page to this folder
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let evidence = Evidence::builtin().map_err(|e| Failure::Input(format!("error: {e}")))?;
    let folder = args.out.as_deref().map(RunFolder::create).transpose()?;
    let found = calibrate(&evidence, &args.set, &args.keys, args.iterations).map_err(|e| match e {
        CalibrationError::Failed { .. } => Failure::Model(format!("error: {e}")),
        _ => Failure::Input(format!("error: {e}")),
    })?;
    if let Some(mut folder) = folder {
        folder.write("parameters.toml", found.file().as_bytes())?;
        let csv = found.targets_csv().map_err(|e| Failure::Model(format!("error: {e}")))?;
        folder.write("targets.csv", &csv)?;
        let report = verdicts(&evidence, &found).map_err(|e| Failure::Model(format!("error: {e}")))?;
        folder.write("validation.html", page(&evidence, &report, &[]).as_bytes())?;
        let mut summary = serde_json::to_vec_pretty(&value(&found))?;
        summary.push(b'\n');
        folder.write("summary.json", &summary)?;
        folder.commit()?;
    }
    if args.json {
        print_json(&value(&found))
    } else {
        print(&text(&found, args.out.as_deref()))
    }
}

fn value(found: &Calibration) -> serde_json::Value {
    let mut value = json!(found);
    value["written_by"] = WRITER.into();
    value["version"] = env!("CARGO_PKG_VERSION").into();
    value["disclaimer"] = crate::report::DISCLAIMER.into();
    value
}

fn text(found: &Calibration, out: Option<&Path>) -> String {
    let mut t = format!(
        "{}\nloss {:.4} -> {:.4}, {} iterations, {} evaluations ({})\n\nPARAMETERS\n",
        found.set.title, found.loss_before, found.loss_after, found.iterations, found.evaluations, found.ended
    );
    for p in &found.parameters {
        let _ = writeln!(
            t,
            "{:<38} {:>10} -> {:<10} {}  [{} to {}]",
            p.key,
            shown(Some(p.default), &p.unit),
            shown(Some(p.found), &p.unit),
            if p.unit == "1" { "" } else { &p.unit },
            p.range[0],
            p.range[1],
        );
    }
    let list = |t: &mut String, head: &str, pick: &dyn Fn(&Target) -> bool| {
        let _ = writeln!(t, "\n{head}");
        for x in found.targets.iter().filter(|x| pick(x)) {
            let _ = writeln!(
                t,
                "{:<26} {:>10} -> {:<10} accepted {} to {} {}  {}",
                x.id,
                shown(x.before, &x.unit),
                shown(x.after, &x.unit),
                shown(Some(x.accept[0]), &x.unit),
                shown(Some(x.accept[1]), &x.unit),
                x.unit,
                if x.met { "met" } else { "MISSED" },
            );
        }
    };
    list(&mut t, "FITTED TO", &|x| x.in_loss);
    list(&mut t, "KEPT FOR CHECKING", &|x| x.role == crate::validate::Role::Check);
    list(&mut t, "NEITHER (input, or fitted elsewhere)", &|x| {
        !x.in_loss && x.role != crate::validate::Role::Check
    });
    t.push_str("\nSENSITIVITY: change in half widths of the interval when a parameter grows by a tenth\n");
    for (i, p) in found.parameters.iter().enumerate() {
        let mut strongest: Vec<(&str, f64)> = found
            .targets
            .iter()
            .filter_map(|x| Some((x.id.as_str(), (*x.sensitivity.get(i)?)?)))
            .filter(|(_, s)| s.abs() >= 0.05)
            .collect();
        strongest.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(b.0)));
        let words: Vec<String> = strongest
            .iter()
            .take(6)
            .map(|(id, s)| format!("{id} {s:+.2}"))
            .collect();
        let words = if words.is_empty() {
            "none above 0.05".to_owned()
        } else {
            words.join(", ")
        };
        let _ = writeln!(t, "{:<38} {words}", p.key);
    }
    if let Some(out) = out {
        let _ = writeln!(
            t,
            "\nwritten to {}: parameters.toml, targets.csv, validation.html",
            out.display()
        );
    }
    t.push_str("For teaching and research, never for treating a person.\n");
    t
}
