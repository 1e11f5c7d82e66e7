//! The report as a page: self-contained, light and dark, for screen and paper.

use std::fmt::Write;

use crate::parameters::{Grade, all};
#[cfg(feature = "plots")]
use crate::report::ReportError;

use super::evidence::{Evidence, Layer, Role};
#[cfg(feature = "plots")]
use super::report::Finding;
use super::report::{Report, Verdict, grade, shown};
use super::{agreement, sets};

const STYLE: &str = "\
:root{--paper:#fff;--ink:#222;--note:#666;--line:#ddd;--good:#00664a;--bad:#a33c00;--known:#7a5600;--shade:#f5f5f5}\
@media(prefers-color-scheme:dark){:root{--paper:#16181b;--ink:#e6e6e6;--note:#a5a5a5;--line:#3a3d42;--good:#4fd1a5;--bad:#ff9d6b;--known:#e6b84d;--shade:#202327}\
figure svg{background:#fff;border-radius:4px}}\
body{background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,sans-serif;max-width:76rem;margin:0 auto;padding:1rem}\
h1{font-size:1.5rem}h3{font-size:1rem;margin-top:1.4rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid var(--line)}\
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px}\
th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid var(--line)}\
td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}th{position:sticky;top:0;background:var(--paper)}\
.met{color:var(--good)}.missed{color:var(--bad);font-weight:600}.known{color:var(--known);font-weight:600}\
.assumed{font-style:italic}.note,small{color:var(--note)}details{margin:.15rem 0}summary{cursor:pointer}\
.warn{background:var(--shade);border-left:4px solid var(--known);padding:.5rem .8rem}\
.figures{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;max-width:24rem}figure svg{width:100%;height:auto}\
@media print{body{max-width:none;font-size:10pt}th{position:static}h2{break-after:avoid}tr,figure{break-inside:avoid}details>*{display:block}}";

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// SHA-256 of all the evidence and of the replaced parameters, hexadecimal: two reports with one
/// hash and version were made from the same files.
fn hash(evidence: &Evidence, report: &Report) -> String {
    use sha2::{Digest, Sha256};
    let text = format!("{evidence:?}{:?}", report.parameters);
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Missed => "missed",
        Verdict::KnownMiss | Verdict::Unexpected => "known",
    }
}

fn about(layer: Layer) -> &'static str {
    match layer {
        Layer::Verification => {
            "Is the arithmetic right? Closed forms, worked vectors, the drug ledger, an independent integrator, repetition. \
             Agreement here says nothing about people."
        }
        Layer::Validation => {
            "Does the model give what was measured? Figures marked <em>fit</em> or <em>input</em> had a part in choosing the defaults: \
             agreement there shows that one set of numbers can meet them together, no more. Only <em>check</em> is evidence from outside."
        }
        Layer::Plausibility => {
            "Does it go the way labels and single patients say, where there is an order or a direction but hardly a number? \
             What was not published about a patient is assumed, and said in the line."
        }
    }
}

/// The page, with the figures (name and SVG) in it.
///
/// It loads nothing from a network and holds no date, so equal reports are equal bytes.
pub fn page(evidence: &Evidence, report: &Report, figures: &[(String, String)]) -> String {
    let mut h = String::new();
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(
        h,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>itbsim {version}: simulated beside published</title><style>{STYLE}</style></head><body>\n\
         <h1>Simulated beside published</h1>\n<p>itbsim {version}, evidence <code>{}</code></p>\n<p class=\"warn\">{}. \
         Nothing on this page validates the model for an individual.</p>\n",
        &hash(evidence, report)[..16],
        crate::report::DISCLAIMER,
    );
    summary(&mut h, report);
    sets::section(&mut h, report);
    uses(&mut h, evidence, report);
    for layer in Layer::ALL {
        let name = layer.as_str();
        let _ = write!(
            h,
            "<h2 id=\"{name}\">{}{}</h2>\n<p>{}</p>\n",
            name[..1].to_uppercase(),
            &name[1..],
            about(layer)
        );
        table(&mut h, report, layer);
        if layer == Layer::Verification {
            agreement::section(&mut h);
        }
        if layer == Layer::Validation && !figures.is_empty() {
            h.push_str("<div class=\"figures\">\n");
            for (name, svg) in figures {
                let _ = writeln!(h, "<figure id=\"{}\">{svg}</figure>", escape(name));
            }
            h.push_str("</div>\n");
        }
    }
    conflicts(&mut h, report);
    h.push_str("<h2 id=\"limits\">Limits</h2>\n<p>What the model does not represent.</p>\n<table><tr><th>what<th>so<th>known from</tr>\n");
    for l in &evidence.limits {
        let _ = writeln!(
            h,
            "<tr><td>{}<td>{}<td><small>{}</small></tr>",
            escape(&l.what),
            escape(&l.so),
            escape(&l.source)
        );
    }
    h.push_str("</table>\n");
    assumed(&mut h, report);
    h.push_str("</body></html>\n");
    h
}

fn summary(h: &mut String, report: &Report) {
    h.push_str("<h2>Summary</h2>\n<table><tr><th>layer<th>role<th>figures<th>met<th>missed</tr>\n");
    for layer in Layer::ALL {
        for role in [Role::None, Role::Input, Role::Fit, Role::Check] {
            let all: Vec<_> = report.layer(layer).filter(|f| f.role == role).collect();
            if all.is_empty() {
                continue;
            }
            let met = all.iter().filter(|f| f.verdict.within()).count();
            let missed = all.len() - met;
            let _ = writeln!(
                h,
                "<tr><td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{met}<td class=\"n {}\">{missed}</tr>",
                layer.as_str(),
                role.as_str(),
                all.len(),
                if missed > 0 { "missed" } else { "" },
            );
        }
    }
    h.push_str("</table>\n");
    let line = |name: &str, role: Role| {
        let n = report.kinetic_pairs(Some(role)).len();
        report.gmfe(Some(role)).map(|g| {
            let bias = report.bias(Some(role)).unwrap_or(1.0);
            format!("{name}: {g:.2} (bias {bias:.2}, {n} figures)")
        })
    };
    let folds: Vec<String> = [
        ("kept apart", Role::Check),
        ("fitted", Role::Fit),
        ("taken as input", Role::Input),
    ]
    .into_iter()
    .filter_map(|(n, r)| line(n, r))
    .collect();
    if !folds.is_empty() {
        let _ = writeln!(
            h,
            "<p>Geometric mean fold error of kinetic quantities (1 is perfect, 2 a factor of two): {}.</p>",
            folds.join("; ")
        );
    }
    let late = report.findings.iter().filter(|f| f.after_the_fit.is_some()).count();
    let _ = writeln!(
        h,
        "<p>{late} of the accepted intervals were set after a result had been seen; the lines say so, and such a figure is no evidence.</p>"
    );
    if !report.parameters.is_empty() {
        h.push_str("<p class=\"warn\">Not the defaults. Replaced: ");
        let all: Vec<String> = report.parameters.iter().map(|(k, v)| format!("{k} = {v}")).collect();
        let _ = writeln!(h, "{}.</p>", escape(&all.join(", ")));
    }
}

fn uses(h: &mut String, evidence: &Evidence, report: &Report) {
    h.push_str("<h2 id=\"use\">What may be concluded from what</h2>\n<div class=\"scroll\"><table><tr><th>feature<th>may be concluded<th>may not<th>rests on</tr>\n");
    for u in &evidence.uses {
        let behind: Vec<_> = report
            .findings
            .iter()
            .filter(|f| u.rests_on.iter().any(|s| f.id.starts_with(s.as_str())))
            .collect();
        let met = behind.iter().filter(|f| f.verdict.within()).count();
        let checks = behind.iter().filter(|f| f.role == Role::Check).count();
        let _ = writeln!(
            h,
            "<tr><td>{}<td>{}<td>{}<td>{met} of {} figures met, {checks} of them kept apart from fitting <small>({})</small></tr>",
            escape(&u.feature),
            escape(&u.may),
            escape(&u.may_not),
            behind.len(),
            escape(&u.rests_on.join(", ")),
        );
    }
    h.push_str("</table></div>\n");
}

fn table(h: &mut String, report: &Report, layer: Layer) {
    h.push_str("<div class=\"scroll\"><table><tr><th>observation<th>published<th>simulated<th>accepted<th>unit<th>verdict<th>role<th>grade<th>source</tr>\n");
    for f in report.layer(layer) {
        let target = f.target.map(|t| format!("#{t} ")).unwrap_or_default();
        let mut more = format!("<small>{target}{}</small>", escape(&f.id));
        let _ = write!(
            more,
            "<details><summary><small>why this interval</small></summary><small>{}</small></details>",
            escape(&f.argument)
        );
        if let Some(why) = &f.known_miss {
            let _ = write!(
                more,
                "<div class=\"known\"><small>Known miss: {}</small></div>",
                escape(why)
            );
        }
        if let Some(what) = &f.conflict {
            let _ = write!(more, "<div><small>Conflict: {}</small></div>", escape(what));
        }
        if let Some(why) = &f.after_the_fit {
            let _ = write!(
                more,
                "<div class=\"known\"><small>Interval set after the fit: {}</small></div>",
                escape(why)
            );
        }
        if !f.note.is_empty() {
            let _ = write!(more, "<div><small>{}</small></div>", escape(&f.note));
        }
        for u in f.under.iter().filter(|u| u.moved) {
            let (class, word) = if u.within { ("met", "met") } else { ("missed", "missed") };
            let _ = write!(
                more,
                "<div><small>Under {}: {}, <span class=\"{class}\">{word}</span> {}</small></div>",
                u.set,
                shown(u.simulated, &f.unit),
                escape(&u.note)
            );
        }
        let _ = writeln!(
            h,
            "<tr id=\"{}\"><td>{}<br>{more}<td>{}<td class=\"n\">{}<td class=\"n\">{} to {}<td>{}<td class=\"{}\">{}<td>{}<td class=\"{}\">{}<td><small>{}</small></tr>",
            escape(&f.id),
            escape(&f.title),
            escape(&f.published),
            shown(f.simulated, &f.unit),
            shown(Some(f.accept[0]), &f.unit),
            shown(Some(f.accept[1]), &f.unit),
            if f.unit == "yes" || f.unit == "1" {
                String::new()
            } else {
                escape(&f.unit)
            },
            class(f.verdict),
            f.verdict.as_str(),
            f.role.as_str(),
            grade(f.grade),
            grade(f.grade),
            escape(&f.source),
        );
    }
    h.push_str("</table></div>\n");
}

fn conflicts(h: &mut String, report: &Report) {
    h.push_str("<h2 id=\"conflicts\">Misses and conflicts</h2>\n<p>Where figures exclude one another, none was bent. A miss stays a miss: the exit code counts it.</p>\n<ul>\n");
    for f in report
        .findings
        .iter()
        .filter(|f| !f.verdict.within() || f.conflict.is_some() || f.verdict == Verdict::Unexpected)
    {
        let _ = write!(
            h,
            "<li><a href=\"#{}\">{}</a> <span class=\"{}\">{}</span>: published {}, simulated {}.",
            escape(&f.id),
            escape(&f.title),
            class(f.verdict),
            f.verdict.as_str(),
            escape(&f.published),
            shown(f.simulated, &f.unit),
        );
        for text in [&f.known_miss, &f.conflict].into_iter().flatten() {
            let _ = write!(h, " {}", escape(text));
        }
        h.push_str("</li>\n");
    }
    h.push_str("</ul>\n");
}

fn assumed(h: &mut String, report: &Report) {
    let figures = report.findings.iter().filter(|f| f.grade == Grade::Assumed).count();
    let list: Vec<_> = all().filter(|p| p.grade == Grade::Assumed).collect();
    let _ = write!(
        h,
        "<h2 id=\"assumed\">What is assumed</h2>\n<p>{figures} of the published figures above were recalled and not read in a source. \
         Of the {} default parameters, {} are assumed:</p>\n<details><summary>the assumed parameters</summary><div class=\"scroll\"><table>\
         <tr><th>parameter<th>default<th>range<th>unit<th>meaning<th>ground</tr>\n",
        all().count(),
        list.len()
    );
    for p in list {
        let _ = writeln!(
            h,
            "<tr><td><code>{}</code><td class=\"n\">{}<td class=\"n\">{} to {}<td>{}<td>{}<td><small>{}</small></tr>",
            p.key,
            p.value,
            p.low,
            p.high,
            escape(p.unit),
            escape(p.meaning),
            escape(p.source)
        );
    }
    h.push_str("</table></div></details>\n");
}

/// The figures of a report: fold errors, values against values, courses.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
#[cfg(feature = "plots")]
pub fn figures(evidence: &Evidence, report: &Report) -> Result<Vec<crate::report::plots::Figure>, ReportError> {
    use crate::report::plots::evidence::{Course, Mark, course, folds, scatter};
    let options = crate::report::plots::PlotOptions::default();
    let mark = |f: &Finding| {
        Some(Mark {
            label: f.id.clone(),
            published: f.value?,
            simulated: f.simulated?,
            fitted: matches!(f.role, Role::Fit | Role::Input),
        })
    };
    let kinetic: Vec<Mark> = report
        .findings
        .iter()
        .filter(|f| f.fold_error.is_some())
        .filter_map(mark)
        .collect();
    // What is off by more than this would squeeze all others into a corner; the table has it.
    const FARTHEST: f64 = 1000.0;
    let positive = |f: &&Finding| match (f.simulated, f.value) {
        (Some(s), Some(p)) => super::fold::fold(s, p).is_some_and(|fold| fold < FARTHEST),
        _ => false,
    };
    let measured: Vec<Mark> = report
        .findings
        .iter()
        .filter(|f| f.layer != Layer::Verification && f.unit != "yes")
        .filter(positive)
        .filter_map(mark)
        .collect();
    let mut done = Vec::new();
    if !kinetic.is_empty() {
        let of = |role| report.gmfe(Some(role)).map_or("-".to_owned(), |g| format!("{g:.2}"));
        let summary = format!(
            "Geometric mean fold error: {} kept apart, {} fitted, {} input",
            of(Role::Check),
            of(Role::Fit),
            of(Role::Input)
        );
        done.push(folds(
            "fold-errors",
            "Kinetic quantities, simulated over published",
            &summary,
            &kinetic,
            &options,
        )?);
    }
    if !measured.is_empty() {
        let foot = "Each figure in its own unit; thin lines: a factor of two";
        done.push(scatter(
            "observed-simulated",
            "Published against simulated",
            foot,
            &measured,
            &options,
        )?);
    }
    for line in &report.courses {
        let Some(c) = evidence.courses.iter().find(|c| c.id == line.id) else {
            continue;
        };
        let foot = format!("{} ({})", c.source, grade(c.grade));
        done.push(course(
            &Course {
                name: &c.id,
                title: &c.title,
                axis: &c.axis,
                foot: &foot,
                line: &line.line,
                points: &c.points,
            },
            &options,
        )?);
    }
    Ok(done)
}
