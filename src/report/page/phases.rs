//! The phases of a course, named from the state by rules.
//!
//! ```text
//!            trouble            signs           severe            act
//!   (none) ----------> latent -------> early -----------> established ---> rescue
//!      ^                                 | act or fall of the index   |       | the index falls
//!      |                                 v                            v       v
//!      +------------- no sign ------------------------------------- recovery
//! ```
//!
//! - *Trouble* is a fault, an empty reservoir, a refill that is missed while the reservoir runs
//!   low, delivery off its course, or whatever act or programme stands at the root of the first
//!   sign, until that sign.
//! - Delivery is *off its course* when it differs by more than `page.phase.off_course` from what
//!   is programmed, and in the same direction from what arrived when it last was as programmed.
//!   So neither a bridge, whose label is not what arrives, nor the first hours of a new system,
//!   in which nobody is used to anything, nor a remainder of the old drug is trouble; nor is
//!   what amounts to less than `page.phase.amiss` of a day's dose.
//! - *Signs* are symptoms of withdrawal or overdose; damage that stays behind is none.
//! - *Severe* is a sign of `page.phase.established_grade`, or an index (the larger of withdrawal
//!   and sedation) at `page.phase.established_index`.
//! - An *act* is what people do while there are signs: a drug, a drain, a refill, a repair, a
//!   programme. Reading the pump or the reservoir is none.
//! - The index *falls* when it is below `page.phase.turning` of its peak; it *rises again* when
//!   it is `page.phase.relapse` above its lowest since.

use crate::care::signs;
use crate::report::{RunData, Table, column};
use crate::scenario::model::{Action, Scenario};
use crate::simulation::{EventRow, RunResult, why};

use super::data::{Phase, PhaseName};
use super::marks::is_refill;
use super::thin::time;
use super::words;

const HOURS_A_DAY: f64 = 24.0;

/// A sign: begin, end and grade.
struct Sign {
    from: f64,
    to: f64,
    grade: u8,
}

/// What the rules are read from.
struct Course {
    signs: Vec<Sign>,
    /// Spans in which something is wrong.
    trouble: Vec<(f64, f64)>,
    /// Acts, by time.
    acts: Vec<f64>,
    /// Time and index by sample.
    index: Vec<(f64, f64)>,
}

/// Levels of the rules.
struct Rules {
    grade: f64,
    index: f64,
    turning: f64,
    relapse: f64,
}

/// Phases of a run, in order, not overlapping.
pub(super) fn phases(scenario: &Scenario, run: &RunResult, data: &RunData) -> Vec<Phase> {
    let p = &scenario.parameters;
    let rules = Rules {
        grade: p.get("page.phase.established_grade"),
        index: p.get("page.phase.established_index"),
        turning: p.get("page.phase.turning"),
        relapse: p.get("page.phase.relapse"),
    };
    name(&course(scenario, run, data), &rules, run.outcome.ended_h)
}

/// The closer look \[h\]: from before the trouble that led to the first sign until after it.
pub(super) fn focus(scenario: &Scenario, run: &RunResult, phases: &[Phase]) -> Option<(f64, f64)> {
    let p = &scenario.parameters;
    let (before, after) = (p.get("page.focus.before"), p.get("page.focus.after"));
    let first_sign = phases.iter().find(|p| p.name != PhaseName::Latent).map(|p| p.from);
    let trouble = phases.first().map(|p| p.from);
    let centre = first_sign.or(trouble)?;
    // A trouble of weeks ago is not near the event.
    let near = trouble.filter(|t| centre - t <= after).unwrap_or(centre);
    let window = ((near - before).max(0.0), (centre + after).min(run.outcome.ended_h));
    (window.1 > window.0 && window.1 - window.0 < run.outcome.ended_h).then_some((time(window.0), time(window.1)))
}

fn course(scenario: &Scenario, run: &RunResult, data: &RunData) -> Course {
    let end = run.outcome.ended_h;
    let signs = run
        .symptoms
        .iter()
        .filter(|s| matches!(s.syndrome.as_str(), "withdrawal" | "overdose") && !signs::is_damage(&s.symptom))
        .map(|s| Sign {
            from: s.onset_h,
            to: s.resolved_h.unwrap_or(f64::INFINITY),
            grade: signs::grade(&s.symptom),
        })
        .collect::<Vec<_>>();
    let first_sign = signs.iter().map(|s| s.from).fold(f64::INFINITY, f64::min);
    let mut trouble = off_course(scenario, data, end);
    for (i, e) in run.events.iter().enumerate() {
        let later = |wanted: &dyn Fn(&EventRow) -> bool| {
            let found = run.events[i + 1..].iter().find(|o| wanted(o));
            found.map_or(end, |o| o.time_h)
        };
        let (room, id) = e.component.split_once('.').unwrap_or((e.component.as_str(), ""));
        let to = match (room, e.kind.as_str()) {
            ("fault", "start") => later(&|o| o.component == e.component && o.kind == "end"),
            ("pump", "empty") => later(&|o| filled(scenario, o)),
            ("action", "done") if words::missed(scenario, id) && runs_low(scenario, &run.events, i) => {
                later(&|o| filled(scenario, o))
            }
            _ => continue,
        };
        trouble.push((e.time_h, to));
    }
    // Whatever stands at the root of the first sign is trouble until then, as a wrong bolus is.
    let first = run
        .symptoms
        .iter()
        .find(|s| s.onset_h == first_sign && matches!(s.syndrome.as_str(), "withdrawal" | "overdose"));
    if let Some(chain) = first.and_then(|s| why::chain(run, &format!("symptom.{}.onset", s.symptom)))
        && let Some((kind, id)) = why::removable_root(&chain)
        && let Some(root) = chain.iter().find(|e| e.component == format!("{kind}.{id}"))
    {
        trouble.push((root.time_h, first_sign));
    }
    let acts = run
        .events
        .iter()
        .filter(|e| e.time_h >= first_sign && is_act(scenario, e))
        .map(|e| e.time_h)
        .collect();
    let column = |name: &str| data.table.series(name);
    let index = match (column(column::WITHDRAWAL), column(column::SEDATION)) {
        (Some(w), Some(s)) => w
            .time_h
            .iter()
            .zip(w.value.iter().zip(&s.value))
            .map(|(t, (w, s))| (*t, w.max(*s)))
            .collect(),
        _ => Vec::new(),
    };
    Course {
        signs,
        trouble,
        acts,
        index,
    }
}

/// Whether an event fills the reservoir.
fn filled(scenario: &Scenario, e: &EventRow) -> bool {
    let act = e.component.strip_prefix("action.").filter(|_| e.kind == "done");
    act.is_some_and(|id| is_refill(scenario, id) && !words::missed(scenario, id))
}

/// Whether the reservoir is low or empty at some time between the refills around an event.
fn runs_low(scenario: &Scenario, events: &[EventRow], at: usize) -> bool {
    let low = |e: &EventRow| e.component == "pump" && matches!(e.kind.as_str(), "low_reservoir" | "empty");
    let since = events[..at].iter().rposition(|e| filled(scenario, e)).unwrap_or(0);
    let until = events[at..]
        .iter()
        .position(|e| filled(scenario, e))
        .map_or(events.len(), |n| at + n);
    events[since..until].iter().any(low)
}

/// Spans in which delivery is off its course \[h\].
fn off_course(scenario: &Scenario, data: &RunData, end: f64) -> Vec<(f64, f64)> {
    let p = &scenario.parameters;
    let (ratio, share) = (p.get("page.phase.off_course"), p.get("page.phase.amiss"));
    let drawn = [&data.trajectory, &data.table].into_iter().find(|t| !t.rows.is_empty());
    let at = |table: &Table| {
        Some((
            table.position(column::TIME)?,
            table.position(column::PROGRAMMED)?,
            table.position(column::DELIVERED)?,
        ))
    };
    let Some((table, (t, programmed, delivered))) = drawn.and_then(|t| Some((t, at(t)?))) else {
        return Vec::new();
    };
    let cell = |row: &[f64], place: usize| row.get(place).copied().unwrap_or(f64::NAN);
    let rows = table
        .rows
        .iter()
        .map(|row| (cell(row, t), cell(row, programmed), cell(row, delivered)));
    spans_off_course(rows, ratio, share, end)
}

/// As [`off_course`], from time \[h\], programmed and delivered dose \[ug/day\], each row holding
/// until the next. What amounts to less than `share` of a day's dose is left out.
fn spans_off_course(rows: impl Iterator<Item = (f64, f64, f64)>, ratio: f64, share: f64, end: f64) -> Vec<(f64, f64)> {
    let mut spans = Vec::new();
    // Begin [h], what arrived amiss since then [ug], and a day's dose [ug].
    let mut open: Option<(f64, f64, f64)> = None;
    // What arrived when it last was as programmed: what the patient is used to.
    let mut used = 0.0;
    let mut before: Option<(f64, f64)> = None;
    let mut close = |(from, amiss, day): (f64, f64, f64), to: f64| {
        if to > from && amiss >= share * day {
            spans.push((from, to));
        }
    };
    for (t, programmed, delivered) in rows.filter(|r| r.1.is_finite() && r.2.is_finite()) {
        if let (Some(open), Some((since, rate))) = (&mut open, before) {
            open.1 += rate * (t - since) / HOURS_A_DAY;
        }
        if programmed > 0.0 && delivered <= ratio * programmed && programmed <= ratio * delivered {
            used = delivered;
        }
        let above = delivered > ratio * programmed && (programmed <= 0.0 || delivered > ratio * used);
        let below = ratio * delivered < programmed && ratio * delivered < used;
        if above || below {
            open.get_or_insert((t, 0.0, f64::max(used, programmed)));
        } else if let Some(span) = open.take() {
            close(span, t);
        }
        before = Some((t, (delivered - programmed).abs()));
    }
    if let (Some(mut span), Some((since, rate))) = (open, before) {
        span.1 += rate * (end - since) / HOURS_A_DAY;
        close(span, end);
    }
    spans
}

/// Whether somebody does something that can help.
fn is_act(scenario: &Scenario, e: &EventRow) -> bool {
    let (room, id) = e.component.split_once('.').unwrap_or((e.component.as_str(), ""));
    match (room, e.kind.as_str()) {
        ("programme", "start") => e.time_h > 0.0,
        ("action", "done") => match scenario.actions.iter().find(|a| a.id == id) {
            Some(step) => !matches!(
                step.action,
                Action::MissedRefill
                    | Action::DemandBolus { .. }
                    | Action::Interrogate
                    | Action::CheckReservoir { .. }
                    | Action::Posture(_)
                    | Action::Surround { .. }
                    | Action::MriScan { .. }
                    | Action::InjectContrast { .. }
            ),
            None => {
                let act = id.rsplit('.').next().unwrap_or(id);
                !["interrogate", "read", "check", "posture", "look"]
                    .iter()
                    .any(|w| act.starts_with(w))
            }
        },
        _ => false,
    }
}

fn name(course: &Course, rules: &Rules, end: f64) -> Vec<Phase> {
    use PhaseName::{Early, Established, Latent, Recovery, Rescue};
    let mut times: Vec<f64> = course.index.iter().map(|i| i.0).collect();
    times.extend(course.signs.iter().flat_map(|s| [s.from, s.to]));
    times.extend(course.trouble.iter().flat_map(|t| [t.0, t.1]));
    times.extend(&course.acts);
    times.retain(|t| t.is_finite() && *t <= end);
    times.sort_by(f64::total_cmp);
    times.dedup();

    let mut phases: Vec<Phase> = Vec::new();
    let mut now: Option<PhaseName> = None;
    let mut since = 0.0;
    let (mut peak, mut low) = (0.0_f64, f64::INFINITY);
    let (mut sample, mut act) = (0, 0);
    for &t in &times {
        while sample + 1 < course.index.len() && course.index[sample + 1].0 <= t {
            sample += 1;
        }
        let index = course.index.get(sample).map_or(0.0, |i| i.1);
        let mut acted = false;
        while act < course.acts.len() && course.acts[act] <= t {
            acted = true;
            act += 1;
        }
        let present = || course.signs.iter().filter(|s| s.from <= t && t < s.to);
        let any = present().next().is_some();
        let grade = present().map(|s| s.grade).max().unwrap_or(0);
        let severe = any && (f64::from(grade) >= rules.grade || index >= rules.index);
        let trouble = course.trouble.iter().any(|s| s.0 <= t && t < s.1);
        peak = peak.max(index);
        low = low.min(index);
        let falls = index < rules.turning * peak;
        let calm = trouble.then_some(Latent);
        let worse = if severe { Established } else { Early };
        let next = match now {
            _ if !any => calm,
            None | Some(Latent) => Some(if acted { Rescue } else { worse }),
            Some(Early | Established) if acted => Some(Rescue),
            Some(Early | Established) if falls && !trouble => Some(Recovery),
            Some(Early) => Some(worse),
            Some(Established) => Some(Established),
            Some(Rescue) if falls => Some(Recovery),
            Some(Rescue) => Some(Rescue),
            Some(Recovery) if index > low + rules.relapse => Some(worse),
            Some(Recovery) => Some(Recovery),
        };
        if next != now {
            if let Some(name) = now.filter(|_| t > since) {
                phases.push(Phase {
                    name,
                    from: time(since),
                    to: time(t),
                });
            }
            if !any {
                peak = 0.0;
            } else if now == Some(Recovery) || next == Some(Rescue) {
                // A relapse has a peak of its own, and a rescue is judged by what it found.
                peak = index;
            }
            low = index;
            now = next;
            since = t;
        }
    }
    if let Some(name) = now.filter(|_| end > since) {
        phases.push(Phase {
            name,
            from: time(since),
            to: time(end),
        });
    }
    phases
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        grade: 3.0,
        index: 0.5,
        turning: 0.9,
        relapse: 0.15,
    };

    fn told(course: &Course, end: f64) -> Vec<(PhaseName, f64, f64)> {
        name(course, &RULES, end)
            .iter()
            .map(|p| (p.name, p.from, p.to))
            .collect()
    }

    /// A rise to 0.8 at hour 20, level until 30, a fall to nothing at 40.
    fn hill() -> Vec<(f64, f64)> {
        (0..=50)
            .map(|t| {
                let t = f64::from(t);
                let up = (t - 10.0).clamp(0.0, 10.0) * 0.08;
                (t, (up - (t - 30.0).clamp(0.0, 10.0) * 0.08).max(0.0))
            })
            .collect()
    }

    #[test]
    fn a_fault_that_is_treated_goes_through_all_five_phases() {
        let course = Course {
            signs: vec![
                Sign {
                    from: 12.0,
                    to: 39.0,
                    grade: 1,
                },
                Sign {
                    from: 18.0,
                    to: 35.0,
                    grade: 3,
                },
            ],
            trouble: vec![(5.0, 28.0)],
            acts: vec![28.0],
            index: hill(),
        };
        use PhaseName::{Early, Established, Latent, Recovery, Rescue};
        // The index passes 0.5 at the sample of hour 17, and 0.9 x 0.8 at that of 32.
        assert_eq!(
            told(&course, 50.0),
            [
                (Latent, 5.0, 12.0),
                (Early, 12.0, 17.0),
                (Established, 17.0, 28.0),
                (Rescue, 28.0, 32.0),
                (Recovery, 32.0, 39.0),
            ]
        );
    }

    #[test]
    fn a_fault_that_ends_by_itself_has_no_rescue() {
        let course = Course {
            signs: vec![Sign {
                from: 12.0,
                to: 39.0,
                grade: 1,
            }],
            trouble: vec![(5.0, 30.0)],
            acts: Vec::new(),
            index: hill(),
        };
        let names: Vec<PhaseName> = told(&course, 50.0).iter().map(|p| p.0).collect();
        use PhaseName::{Early, Established, Latent, Recovery};
        assert_eq!(names, [Latent, Early, Established, Recovery]);
    }

    #[test]
    fn trouble_without_a_sign_stays_latent_and_nothing_wrong_has_no_phase() {
        let mut course = Course {
            signs: Vec::new(),
            trouble: vec![(5.0, 9.0)],
            acts: vec![7.0],
            index: vec![(0.0, 0.0), (20.0, 0.0)],
        };
        assert_eq!(told(&course, 20.0), [(PhaseName::Latent, 5.0, 9.0)]);
        course.trouble.clear();
        assert!(told(&course, 20.0).is_empty());
    }

    /// Rows of time, programmed and delivered dose, each holding until the next.
    fn off(rows: &[(f64, f64, f64)]) -> Vec<(f64, f64)> {
        spans_off_course(rows.iter().copied(), 1.3, 0.05, 100.0)
    }

    #[test]
    fn the_first_drop_of_a_new_system_is_no_trouble() {
        let rows = [
            (0.0, 100.0, 0.0),
            (0.6, 9475.0, 400.0),
            (0.7, 100.0, 60.0),
            (2.0, 100.0, 90.0),
        ];
        assert!(off(&rows).is_empty(), "{:?}", off(&rows));
        // Once it has been there, its lack is one.
        let stops = [
            (0.0, 100.0, 0.0),
            (2.0, 100.0, 90.0),
            (50.0, 100.0, 0.0),
            (60.0, 100.0, 95.0),
        ];
        assert_eq!(off(&stops), [(50.0, 60.0)]);
    }

    #[test]
    fn old_drug_at_the_new_rate_is_trouble_until_it_has_gone_and_what_remains_of_it_is_none() {
        let rows = [
            (0.0, 400.0, 400.0),
            (12.0, 400.0, 1600.0),
            (23.8, 400.0, 1348.0),
            (24.3, 400.0, 487.0),
        ];
        assert_eq!(off(&rows), [(12.0, 24.3)]);
        let lasting = [(0.0, 400.0, 400.0), (12.0, 400.0, 1600.0)];
        assert_eq!(off(&lasting), [(12.0, 100.0)]);
    }

    #[test]
    fn a_bridge_delivers_what_it_did_whatever_its_label_says() {
        let bridge = [
            (0.0, 400.0, 400.0),
            (12.0, 100.0, 400.0),
            (59.0, 400.0, 1170.0),
            (59.1, 400.0, 487.0),
        ];
        assert!(
            off(&bridge).is_empty(),
            "six minutes of old drug are a hundredth of a day's dose"
        );
        let stopped = [(0.0, 400.0, 400.0), (12.0, 0.0, 400.0), (20.0, 0.0, 0.0)];
        assert_eq!(
            off(&stopped),
            [(12.0, 20.0)],
            "a pump that is stopped should deliver nothing"
        );
    }

    #[test]
    fn a_relapse_in_recovery_is_early_or_established_again() {
        let mut index = hill();
        index.extend((51..=60).map(|t| (f64::from(t), 0.3)));
        let course = Course {
            signs: vec![Sign {
                from: 12.0,
                to: 70.0,
                grade: 1,
            }],
            trouble: vec![(5.0, 30.0), (48.0, 70.0)],
            acts: Vec::new(),
            index,
        };
        let all = told(&course, 60.0);
        assert_eq!(all.last().map(|p| p.0), Some(PhaseName::Early), "{all:?}");
        assert_eq!(all.iter().filter(|p| p.0 == PhaseName::Recovery).count(), 1);
    }
}
