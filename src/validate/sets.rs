//! The part of the page on named sets of parameters: where the literature disagrees, what each
//! answer meets.

use std::fmt::Write;

use crate::parameters::{NamedSet, all, named_set};

use super::evidence::{Layer, Role};
use super::page::escape;
use super::report::{Finding, Report, shown};

/// Verdict and number under the set of an index of [`Report::sets`].
pub(super) fn under(f: &Finding, index: usize) -> (Option<f64>, bool) {
    match index.checked_sub(1).and_then(|other| f.under.get(other)) {
        None => (f.simulated, f.verdict.within()),
        Some(u) => (u.simulated, u.within),
    }
}

/// Which sets meet a figure, in words.
pub(super) fn who_meets(f: &Finding, sets: &[&'static str]) -> String {
    let met: Vec<&str> = (0..sets.len()).filter(|&i| under(f, i).1).map(|i| sets[i]).collect();
    match met.len() {
        0 => "neither".to_owned(),
        n if n == sets.len() => "both".to_owned(),
        _ => format!("only {}", met.join(", ")),
    }
}

/// What a set stands for, and what speaks against it.
fn stands_for(h: &mut String, set: &NamedSet) {
    let values: Vec<String> = set
        .values
        .iter()
        .map(|p| {
            let default = all().find(|d| d.key == p.key).map_or(f64::NAN, |d| d.value);
            format!(
                "<code>{}</code> {} {} (default {default})",
                p.key,
                p.value,
                escape(p.unit)
            )
        })
        .collect();
    let _ = writeln!(
        h,
        "<tr><td><strong>{}</strong><td>{}<td>{}<td>{}<td><small>{}</small></tr>",
        set.name,
        escape(set.summary),
        escape(set.source),
        escape(set.against),
        if values.is_empty() {
            "the defaults".to_owned()
        } else {
            values.join("<br>")
        }
    );
}

/// Numbers beside one another, coloured by verdict.
fn cells(h: &mut String, f: &Finding, sets: usize) {
    for i in 0..sets {
        let (simulated, within) = under(f, i);
        let (class, word) = if within { ("met", "met") } else { ("missed", "missed") };
        let _ = write!(
            h,
            "<td class=\"n {class}\">{} <small>{word}</small>",
            shown(simulated, &f.unit)
        );
    }
}

/// The section, if more than one set was looked at.
pub(super) fn section(h: &mut String, report: &Report) {
    let sets = &report.sets;
    if sets.len() < 2 {
        return;
    }
    h.push_str(
        "<h2 id=\"sets\">Named sets of parameters: human and pig data disagree</h2>\n\
         <p>Taps in people say that drug given at the lumbar end mixes along the canal (lumbar over cisternal about 4, clearance \
         30 mL/h). Probes in pigs, and the model of Heetla 2016, say that most of it stays within centimetres of the tip. No one \
         value of axial mixing gives both, so both answers are shipped and every figure is simulated under both. Verdicts \
         elsewhere on this page are those of the first.</p>\n\
         <p>Response, withdrawal and thresholds were fitted under the first. What the second misses there (figures marked <em>fit</em>) \
         says that it was not fitted, and not that it is wrong; what speaks for or against it are the kinetic figures and the checks.</p>\n\
         <div class=\"scroll\"><table><tr><th>set<th>stands for<th>what speaks for it<th>what speaks against it<th>what differs</tr>\n",
    );
    for name in sets {
        if let Some(set) = named_set(name) {
            stands_for(h, set);
        }
    }
    h.push_str("</table></div>\n<h3>What each meets</h3>\n<table><tr><th>figures<th>number");
    for name in sets {
        let _ = write!(h, "<th>met by {name}");
    }
    h.push_str("</tr>\n");
    for layer in Layer::ALL {
        for role in [Role::None, Role::Input, Role::Fit, Role::Check] {
            tally(h, report, &format!("{}, {}", layer.as_str(), role.as_str()), |f| {
                f.layer == layer && f.role == role
            });
        }
    }
    let _ = write!(h, "<tr><td>all<td class=\"n\">{}", report.findings.len());
    for i in 0..sets.len() {
        let _ = write!(h, "<td class=\"n\">{}", report.met_under(i, |_| true));
    }
    h.push_str("</tr>\n<tr><td>geometric mean fold error of kinetic figures kept apart<td>");
    for i in 0..sets.len() {
        let gmfe = report.gmfe_under(i, Role::Check);
        let _ = write!(
            h,
            "<td class=\"n\">{}",
            gmfe.map_or("-".to_owned(), |g| format!("{g:.2}"))
        );
    }
    h.push_str("</tr>\n</table>\n<h3>By target of the list</h3>\n<table><tr><th>target<th>figures");
    for name in sets {
        let _ = write!(h, "<th>met by {name}");
    }
    h.push_str("</tr>\n");
    let mut targets: Vec<u32> = report.findings.iter().filter_map(|f| f.target).collect();
    targets.sort_unstable();
    targets.dedup();
    for target in targets {
        tally(h, report, &format!("#{target}"), |f| f.target == Some(target));
    }
    let moved: Vec<&Finding> = report.moved().collect();
    let _ = write!(
        h,
        "</table>\n<h3>Figures the sets move</h3>\n<p>{} of {}; the others are the same under each, in all digits shown.</p>\n\
         <div class=\"scroll\"><table><tr><th>observation<th>published<th>accepted<th>unit",
        moved.len(),
        report.findings.len()
    );
    for name in sets {
        let _ = write!(h, "<th>{name}");
    }
    h.push_str("<th>met by</tr>\n");
    for f in moved {
        let _ = write!(
            h,
            "<tr><td><a href=\"#{0}\">{1}</a><br><small>{0}, {2}</small><td>{3}<td class=\"n\">{4} to {5}<td>{6}",
            escape(&f.id),
            escape(&f.title),
            f.role.as_str(),
            escape(&f.published),
            shown(Some(f.accept[0]), &f.unit),
            shown(Some(f.accept[1]), &f.unit),
            if f.unit == "yes" || f.unit == "1" { "" } else { &f.unit },
        );
        cells(h, f, sets.len());
        let _ = writeln!(h, "<td>{}</tr>", who_meets(f, sets));
    }
    h.push_str("</table></div>\n");
}

/// A line of counts; nothing if there is no such figure.
fn tally(h: &mut String, report: &Report, name: &str, wanted: impl Fn(&Finding) -> bool) {
    let all = report.findings.iter().filter(|f| wanted(f)).count();
    if all == 0 {
        return;
    }
    let _ = write!(h, "<tr><td>{name}<td class=\"n\">{all}");
    for i in 0..report.sets.len() {
        let met = report.met_under(i, &wanted);
        let class = if met < all { "missed" } else { "met" };
        let _ = write!(h, "<td class=\"n {class}\">{met}");
    }
    h.push_str("</tr>\n");
}
