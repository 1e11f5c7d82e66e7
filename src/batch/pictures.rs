//! What the figures of a batch show, as numbers.

use super::identity::Identity;
use super::quantile::RankTable;
use super::risk::{Times, aalen_johansen};
use super::state::{ArmState, State};
use super::tables;
use super::uncertainty;
use crate::report::matrix::SHOWN;
use crate::report::pictures::{BandPanel, Curve, Drawing, IntervalPanel, IntervalRow, LevelPanel, Picture, SharePanel};

/// Points along a band at most; print does not resolve more.
const MOST_POINTS: usize = 500;
/// Causes with a curve of their own.
const MOST_CURVES: usize = 7;
/// Outcomes with a panel of their own.
const MOST_OUTCOMES: usize = 6;
/// Numbers at risk below a figure.
const RISK_COLUMNS: u32 = 5;

/// All figures of a batch.
pub fn pictures(identity: &Identity, state: &State) -> Vec<Picture> {
    let mut out = Vec::new();
    let footer = format!(
        "itbsim {} · {} · seed {}",
        identity.version,
        identity.hash.get(..12).unwrap_or(&identity.hash),
        identity.seed
    );
    let picture = |name: String, subtitle: String, drawing: Drawing| Picture {
        name,
        title: identity.title.clone(),
        subtitle,
        footer: footer.clone(),
        drawing,
    };
    if let Some(matrix) = &identity.matrix {
        let done: u64 = state.whole().map(ArmState::done).sum();
        let of = identity.n * state.whole().count() as u64;
        let text = format!("Mean of each cell; {done} of {of} replicates");
        for (name, drawing) in super::matrix::drawings(matrix, state) {
            out.push(picture(format!("matrix_{name}"), text.clone(), drawing));
        }
    }
    for arm in &state.arms {
        if arm.done() == 0 {
            continue;
        }
        let mut suffix = String::new();
        for part in [&arm.arm, &arm.stratum] {
            if !part.is_empty() {
                suffix.push_str(&format!("_{part}"));
            }
        }
        let counted = counted(arm, identity);
        if let Some(drawing) = bands(identity, arm) {
            out.push(picture(format!("bands{suffix}"), survivors(&counted, arm), drawing));
        }
        // Cells are too many for figures of their own, but for signals that were asked for.
        if identity.matrix.is_some() {
            continue;
        }
        if let Some(drawing) = incidence(identity, arm) {
            out.push(picture(format!("incidence{suffix}"), counted.clone(), drawing));
        }
        if arm.levels.draws.is_empty() {
            continue;
        }
        let counted = format!("{counted}, {} draws of what is uncertain", identity.outer.draws);
        if let Some(drawing) = level_bands(identity, arm) {
            out.push(picture(
                format!("uncertainty_bands{suffix}"),
                survivors(&counted, arm),
                drawing,
            ));
        }
        if let Some(drawing) = sources_of_spread(arm) {
            out.push(picture(format!("levels{suffix}"), counted.clone(), drawing));
        }
    }
    if identity.matrix.is_some() {
        return out;
    }
    if let Some(drawing) = shares(state) {
        let text: Vec<String> = state.whole().map(|a| counted(a, identity)).collect();
        out.push(picture("ecdf".to_owned(), text.join("; "), drawing));
    }
    if let Some(drawing) = forest(state) {
        let against = identity.arms.first().map_or("", String::as_str);
        let text = format!("Difference to arm {against}, paired, 95 % intervals");
        out.push(picture("forest".to_owned(), text, drawing));
    }
    out
}

fn counted(arm: &ArmState, identity: &Identity) -> String {
    let mut text = String::new();
    for part in [&arm.arm, &arm.stratum] {
        if !part.is_empty() {
            text.push_str(&format!("{part}: "));
        }
    }
    format!("{text}{} of {} replicates", arm.done(), identity.n)
}

/// Says whom bands are of, where some have died: a spread that narrows may be theirs who are left.
fn survivors(counted: &str, arm: &ArmState) -> String {
    let last = arm.signals.first().and_then(|times| times.last());
    match last.map(|cells| tables::alive(arm, cells)) {
        Some(share) if share < 1.0 => format!("{counted}; of those alive, {:.1} % at the end", 100.0 * share),
        _ => counted.to_owned(),
    }
}

fn bands(identity: &Identity, arm: &ArmState) -> Option<Drawing> {
    let grid = identity.grid();
    let stride = grid.times.div_ceil(MOST_POINTS).max(1);
    let mut table = RankTable::default();
    let mut panels = Vec::new();
    for (i, signal) in identity.signals.iter().enumerate() {
        let mut panel = BandPanel {
            label: axis_label(signal),
            ..BandPanel::default()
        };
        for time in (0..grid.times).step_by(stride) {
            let (_, found) = tables::band(arm, i, time, &mut table);
            let values: Vec<f64> = found.into_iter().flatten().map(|q| q.value).collect();
            if let Ok(values) = <[f64; 5]>::try_from(values) {
                panel.time_h.push(time as f64 * grid.sample_h);
                panel.quantiles.push(values);
            }
        }
        for course in &arm.courses {
            let points = course
                .rows
                .iter()
                .enumerate()
                .map(|(t, row)| (t as f64 * grid.sample_h, row[i]));
            panel.courses.push(points.collect());
        }
        panels.push(panel);
    }
    (grid.times > 1 && !panels.is_empty()).then_some(Drawing::Bands {
        panels,
        end_h: grid.end_h,
    })
}

/// Quantiles between patients with their bands over the draws.
fn level_bands(identity: &Identity, arm: &ArmState) -> Option<Drawing> {
    let grid = identity.grid();
    let step = grid.kept().div_ceil(MOST_POINTS).max(1);
    let mut table = RankTable::default();
    let mut panels = Vec::new();
    for (i, signal) in identity.signals.iter().enumerate() {
        let mut panel = LevelPanel {
            label: axis_label(signal),
            ..LevelPanel::default()
        };
        for time in (0..grid.kept()).step_by(step) {
            let found = [0.05, 0.5, 0.95].map(|level| uncertainty::band(arm, (i, time), level, &mut table));
            if let [Some(low), Some(middle), Some(high)] = found {
                panel.time_h.push((time * grid.stride) as f64 * grid.sample_h);
                panel.edges.push([low, middle, high].map(|(_, q)| [q[0], q[2], q[4]]));
            }
        }
        panels.push(panel);
    }
    (grid.kept() > 1 && !panels.is_empty()).then_some(Drawing::Levels {
        panels,
        end_h: grid.end_h,
    })
}

/// For each outcome: how far patients spread, how far the mean moves with what is uncertain, and
/// how well the batch knows it.
fn sources_of_spread(arm: &ArmState) -> Option<Drawing> {
    let mut table = RankTable::default();
    let known = uncertainty::quantities(arm);
    let mut panels = Vec::new();
    for (name, label) in SHOWN {
        let Some(quantity) = known.iter().find(|q| q.kind == "outcome" && q.name == name) else {
            continue;
        };
        let Some(found) = uncertainty::split(&quantity.groups) else {
            continue;
        };
        let Some(place) = arm.outcomes.iter().position(|o| o.name == name) else {
            continue;
        };
        let Some(draws) = uncertainty::over_draws(quantity.groups.iter().map(|g| g.mean).collect()) else {
            continue;
        };
        let patients: Vec<f64> = tables::outcome_quantiles(arm, place, &mut table)
            .into_iter()
            .flatten()
            .map(|q| q.value)
            .collect();
        let [low, _, middle, _, high] = patients[..] else {
            continue;
        };
        if (found.patients == 0.0 && found.parameters == 0.0) || panels.len() == MOST_OUTCOMES {
            continue;
        }
        // The interval of a mean may reach beyond what an outcome can be; the figure does not.
        let most = if label.ends_with("(share)") { 1.0 } else { f64::MAX };
        let least = if low >= 0.0 { 0.0 } else { f64::MIN };
        let row = |name: &str, value: f64, low: f64, high: f64| IntervalRow {
            name: name.to_owned(),
            value,
            low: low.max(least),
            high: high.min(most),
        };
        panels.push(IntervalPanel {
            label: label.to_owned(),
            rows: vec![
                row("patients, 5–95 %", middle, low, high),
                row("parameters, 5–95 %", draws[2], draws[0], draws[4]),
                row("Monte Carlo, 95 %", found.mean, found.low, found.high),
            ],
            zero: found.mean,
        });
    }
    (!panels.is_empty()).then_some(Drawing::Intervals { panels })
}

/// A column name as an axis shows it.
fn axis_label(column: &str) -> String {
    let units = [
        ("_ug_per_day", "ug/day"),
        ("_ml_per_day", "mL/day"),
        ("_ng_per_ml", "ng/mL"),
        ("_ug_per_ml", "ug/mL"),
        ("_per_min", "1/min"),
        ("_percent", "%"),
        ("_mmhg", "mmHg"),
        ("_kpa", "kPa"),
        ("_ml", "mL"),
        ("_ug", "ug"),
        ("_mg", "mg"),
        ("_in_h", "h"),
        ("_h", "h"),
    ];
    match units
        .iter()
        .find_map(|(end, unit)| Some((column.strip_suffix(end)?, unit)))
    {
        Some((name, unit)) => format!("{} ({unit})", in_words(name)),
        None => in_words(column),
    }
}

/// The name of a column without its unit, for a reader.
fn in_words(name: &str) -> String {
    let words = name.replace('_', " ");
    if let Some(place) = words.strip_prefix("csf ") {
        let level = place.len() <= 3 && place.ends_with(|c: char| c.is_ascii_digit());
        return format!("CSF, {}", if level { place.to_uppercase() } else { place.to_owned() });
    }
    match words.strip_prefix("ashworth ") {
        Some(limbs) => format!("Ashworth, {limbs}"),
        None => words,
    }
}

fn incidence(identity: &Identity, arm: &ArmState) -> Option<Drawing> {
    let grid = identity.grid();
    let mut curves: Vec<(f64, Curve)> = aalen_johansen(&arm.first)
        .into_iter()
        .filter_map(|(name, points)| {
            let last = points.last()?.value;
            let steps = points
                .iter()
                .map(|p| (grid.time(p.cell), p.value, p.low, p.high))
                .collect();
            Some((last, Curve { name, steps }))
        })
        .collect();
    if curves.is_empty() {
        return None;
    }
    curves.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    curves.truncate(MOST_CURVES);
    let left_before = |cell: u32| -> u64 {
        let gone = |times: &Times| -> u64 { times.range(..cell).map(|(_, heap)| heap.n).sum() };
        let events: u64 = arm.first.events.values().map(gone).sum();
        arm.done() - events - gone(&arm.first.censored)
    };
    let at_risk = (0..=RISK_COLUMNS)
        .map(|k| grid.end_h * f64::from(k) / f64::from(RISK_COLUMNS))
        .map(|time| (time, left_before(grid.cell(time))))
        .collect();
    Some(Drawing::Incidence {
        curves: curves.into_iter().map(|(_, c)| c).collect(),
        end_h: grid.end_h,
        at_risk,
    })
}

fn shares(state: &State) -> Option<Drawing> {
    let arms: Vec<&ArmState> = state.whole().filter(|a| a.done() > 0).collect();
    let mut panels = Vec::new();
    for (name, label) in SHOWN {
        let of = |arm: &&ArmState| arm.outcomes.iter().find(|o| o.name == name).map(|o| o.cells.clone());
        let cells: Vec<_> = arms.iter().filter_map(of).collect();
        let spread = cells.iter().filter_map(|c| c.range()).any(|(low, high)| high > low);
        if spread && panels.len() < MOST_OUTCOMES {
            panels.push(SharePanel {
                label: label.to_owned(),
                lines: cells.iter().map(|c| c.steps()).collect(),
            });
        }
    }
    (!panels.is_empty()).then(|| Drawing::Shares {
        panels,
        legend: arms.iter().map(|a| a.arm.clone()).collect(),
    })
}

fn forest(state: &State) -> Option<Drawing> {
    let mut panels = Vec::new();
    for (name, label) in SHOWN {
        let rows: Vec<IntervalRow> = state
            .whole()
            .filter_map(|arm| {
                let pair = arm.pairs.iter().find(|p| p.name == name)?;
                let found = pair.difference.estimate()?;
                Some(IntervalRow {
                    name: arm.arm.clone(),
                    value: found.mean,
                    low: found.low?,
                    high: found.high?,
                })
            })
            .collect();
        if rows.iter().any(|r| r.low != 0.0 || r.high != 0.0) && panels.len() < MOST_OUTCOMES {
            panels.push(IntervalPanel {
                label: format!("{label}, difference"),
                rows,
                zero: 0.0,
            });
        }
    }
    (!panels.is_empty()).then_some(Drawing::Intervals { panels })
}
