//! `itbsim list complications`: how likely, how long, what they show, what ends them.

use std::fmt::Write;

use super::hazards::Implanted;
use super::{Failure, print, print_json};
use crate::complications::{Chance, FAULT_KINDS, KINDS, Kind, Surgery};
use crate::parameters::ParameterSet;
use crate::signals::{Ailing, Remedy};
use crate::simulation::span;

/// Hours of a Julian year.
const YEAR: f64 = 8766.0;

/// The word under which an act gives a remedy.
fn act(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Antibiotics => "antibiotics",
        Remedy::BloodPatch => "blood_patch",
        Remedy::Evacuation => "evacuate_haematoma",
        Remedy::WoundRevision => "revise_wound",
    }
}

/// Signs at full, strongest first.
fn shown(kind: &Kind, p: &ParameterSet) -> Vec<(&'static str, f64)> {
    let mut signs: Vec<(&str, f64)> = Ailing::NAMES.into_iter().zip(kind.shows(p)).collect();
    signs.retain(|(_, share)| *share > 0.0);
    signs.sort_by(|a, b| b.1.total_cmp(&a.1));
    signs
}

/// Prints the table for a generation of catheter.
pub(crate) fn list(implant: &Implanted, json: bool) -> Result<(), Failure> {
    let p = ParameterSet::default();
    let material = implant.material();
    let all = KINDS.iter().map(|kind| (kind, Chance::of(kind, material, &p)));
    if json {
        let rows: Vec<serde_json::Value> = all
            .map(|(k, c)| {
                let at: serde_json::Map<String, serde_json::Value> = Surgery::ALL
                    .iter()
                    .map(|s| (s.as_str().to_owned(), c.at(*s).into()))
                    .collect();
                let signs: serde_json::Map<String, serde_json::Value> = shown(k, &p)
                    .into_iter()
                    .map(|(n, x)| (n.to_owned(), x.into()))
                    .collect();
                serde_json::json!({"kind": k.kind, "words": k.words, "at": at, "late_per_year": c.shape.constant * YEAR,
                    "onset_h": [c.onset.0, c.onset.1], "grow_h": k.hours(&p, "grow"), "heal_h": k.hours(&p, "heal"),
                    "natural_end_h": k.hours(&p, "natural"), "permanent": k.number(&p, "permanent"), "signs": signs,
                    "remedies": k.remedies.iter().map(|r| act(*r)).collect::<Vec<_>>(), "hardware": k.hardware,
                    "leads_to": k.leads_to, "leads_after_h": k.hours(&p, "leads_after")})
            })
            .collect();
        return print_json(&rows);
    }
    let mut text = String::from(
        "Complications of surgery and hardware. Write one as a [[fault]], or let them come by chance with\n\
         [hazards] complications = true. Every figure is a parameter: `itbsim parameters complications`.\n",
    );
    for (kind, chance) in all {
        let hazard = FAULT_KINDS
            .iter()
            .find(|k| k.kind == kind.kind)
            .map_or("", |k| k.hazard);
        let _ = writeln!(text, "\n{}  [{hazard}]\n    {}", kind.kind, kind.words);
        let risks: Vec<String> = Surgery::ALL
            .iter()
            .filter(|s| chance.at(**s) > 0.0)
            .map(|s| format!("{} {:.3} %", s.words(), 100.0 * chance.at(*s)))
            .collect();
        let mut line = risks.join(", ");
        if chance.shape.constant > 0.0 {
            let sep = if line.is_empty() { "" } else { "; " };
            let _ = write!(line, "{sep}{:.4} a year later", chance.shape.constant * YEAR);
        }
        let _ = writeln!(text, "    chance    {line}");
        let mut course = format!(
            "rises with {}, fades with {}",
            span(kind.hours(&p, "grow")),
            span(kind.hours(&p, "heal"))
        );
        if chance.onset.1 > 0.0 {
            let _ = write!(
                course,
                "; first sign {} to {} after surgery",
                span(chance.onset.0),
                span(chance.onset.1)
            );
        }
        let natural = kind.hours(&p, "natural");
        if natural > 0.0 {
            let _ = write!(course, "; turns by itself after {}", span(natural));
        }
        if let Some(next) = kind.leads_to {
            let _ = write!(
                course,
                "; untreated for {} it leads to {next}",
                span(kind.hours(&p, "leads_after"))
            );
        }
        let _ = writeln!(text, "    course    {course}");
        let signs: Vec<String> = shown(kind, &p).iter().map(|(n, x)| format!("{n} {x}")).collect();
        let _ = writeln!(text, "    signs     {}", signs.join(", "));
        let mut ends: Vec<&str> = kind.remedies.iter().map(|r| act(*r)).collect();
        if kind.hardware {
            ends.push(if kind.infection {
                "cured for good only with the hardware out"
            } else {
                "explantation"
            });
        }
        ends.push("repair");
        let _ = writeln!(text, "    ends by   {}", ends.join(", "));
    }
    text.push_str("\nFor teaching and research, never for treating a person.\n");
    print(&text)
}
