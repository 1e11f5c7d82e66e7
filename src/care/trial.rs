//! The screening trial: single lumbar doses, each larger, until one helps.

use serde::{Deserialize, Serialize};

use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use super::selection::{Verdict, judge};
use crate::engine::SimTime;
use crate::scenario::model::Action;
use crate::scenario::settings::{Choice, PolicySpec, Settings};
use crate::signals::Level;

/// Name of the chart entry with the dose that helped.
pub const EFFECTIVE_DOSE: &str = "effective test dose [ug]";
/// Name of the chart entry with how long it was seen to help.
pub const EFFECT_LASTED: &str = "test effect seen for [h]";

/// Acts, dose settings and looks.
const DOSES: [&str; 3] = ["first", "second", "third"];
const LOOKS: [&str; 6] = ["look_1", "look_2", "look_3", "look_4", "look_5", "look_6"];
const BASELINE: &str = "baseline";

/// Lumbar test doses, at least a day apart, scored before and after.
#[derive(Debug, Clone, Copy)]
pub struct Trial;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Ashworth and spasm score before the first dose.
    baseline: Option<(f64, f64)>,
    given: usize,
    given_at: Option<SimTime>,
    /// Last look of this dose at which the response rule was met \[h\].
    met_until: Option<f64>,
    over: bool,
}

impl Trial {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "trial",
            summary: "screening trial: up to three lumbar doses, a day apart, until one helps",
            source: "label, Lioresal Intrathecal: 50, 75, 100 ug, each at least 24 h after the last, scored for 4-8 h",
            choices: &[
                Choice {
                    name: "rule",
                    words: &["either", "ashworth", "spasm", "relief"],
                    meaning: "what counts as a response: Ashworth or spasms, Ashworth, spasms, or a share of relief",
                },
                Choice {
                    name: "contraindications",
                    words: &["label", "strict", "ignore"],
                    meaning: "absolute ones decline and relative ones warn; any declines; any warns",
                },
            ],
            acts: &DOSES,
            flags: &["declined", "warned", "responder", "non_responder", "stopped"],
            check,
        },
        role: Role::Clinic,
        build: |_| running(Trial),
    };

    fn met(base: (f64, f64), found: &Findings, desk: &Desk<'_>) -> bool {
        let (legs, spasms) = (found.ashworth_legs, found.spasm_score);
        let ashworth = base.0 - legs >= desk.number("ashworth_fall");
        let spasm = base.1 - spasms >= desk.number("spasm_fall");
        let left = 1.0 - desk.number("relief");
        let relieved = |before: f64, after: f64| before > 0.0 && after <= left * before;
        match desk.settings.word("rule") {
            "ashworth" => ashworth,
            "spasm" => spasm,
            "relief" => relieved(base.0, legs) || relieved(base.1, spasms),
            _ => ashworth || spasm,
        }
    }

    fn give(state: &mut Memory, after: f64, desk: &mut Desk<'_>) {
        let Some(name) = DOSES.get(state.given) else { return };
        state.given += 1;
        state.met_until = None;
        desk.order(Order::Act {
            name: (*name).to_owned(),
            after,
            act: Action::LumbarBolus {
                dose: desk.number(name),
                level: Level::L3,
                over: desk.number("over"),
                drug: None,
            },
        });
    }

    fn end(state: &mut Memory, name: &'static str, note: String, desk: &mut Desk<'_>) {
        state.over = true;
        for look in LOOKS {
            desk.order(Order::Cancel { name: look.to_owned() });
        }
        desk.order(Order::Flag { name, note });
    }

    fn look(state: &mut Memory, name: &str, found: &Findings, desk: &mut Desk<'_>) {
        let (Some(base), Some(at)) = (state.baseline, state.given_at) else {
            return;
        };
        let since = desk.now.hours_since(at);
        let drowsy =
            found.gcs < desk.number("gcs_floor") || found.symptoms.iter().any(|s| SEDATION.contains(&s.as_str()));
        if drowsy {
            return Self::end(state, "stopped", format!("sedated {since:.1} h after the dose"), desk);
        }
        if since <= desk.number("judged_within") && Self::met(base, found, desk) {
            state.met_until = Some(since);
        }
        if name != LOOKS[LOOKS.len() - 1] {
            return;
        }
        let dose = desk.number(DOSES[state.given - 1]);
        if let Some(lasted) = state.met_until {
            for (name, value) in [(EFFECTIVE_DOSE, dose), (EFFECT_LASTED, lasted)] {
                desk.order(Order::Chart {
                    name: name.to_owned(),
                    value,
                });
            }
            Self::end(
                state,
                "responder",
                format!("{dose} ug helped, seen until {lasted:.1} h"),
                desk,
            );
        } else if state.given < DOSES.len() {
            Self::give(state, (desk.number("interval") - since).max(0.0), desk);
        } else {
            Self::end(state, "non_responder", format!("no response up to {dose} ug"), desk);
        }
    }
}

/// Signs of too much.
const SEDATION: &[&str] = &["somnolence", "respiratory_depression", "coma", "apnoea"];

/// Doses must rise, and looks must follow one another.
fn check(settings: &Settings) -> Result<(), String> {
    let rising = |names: &[&str], what: &str| {
        if names.windows(2).all(|w| settings.number(w[0]) < settings.number(w[1])) {
            Ok(())
        } else {
            Err(format!("its {what} must rise from {} on", names[0]))
        }
    };
    rising(&DOSES, "doses")?;
    rising(&LOOKS, "times of observation")?;
    let last = settings.number(LOOKS[LOOKS.len() - 1]);
    if last > settings.number("interval") {
        return Err("the last look comes after the next dose".to_owned());
    }
    Ok(())
}

impl Policy for Trial {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        if state.over {
            return;
        }
        match news {
            News::Start => {
                match judge(&desk.facts.selection, desk.settings.word("contraindications")) {
                    Verdict::Proceed => {}
                    Verdict::Warn(note) => desk.order(Order::Flag { name: "warned", note }),
                    Verdict::Decline(note) => return Self::end(state, "declined", note, desk),
                }
                // A puncture waits until the blood clots again.
                let pause = if desk.facts.selection.anticoagulated {
                    desk.number("anticoagulant_pause")
                } else {
                    0.0
                };
                desk.order(Order::See {
                    name: BASELINE.to_owned(),
                    after: desk.number("start") + pause,
                    place: Place::Hospital,
                });
            }
            News::Done { act, .. } => {
                let own = act.strip_prefix(desk.id).and_then(|rest| rest.strip_prefix('.'));
                if !own.is_some_and(|name| DOSES.contains(&name)) {
                    return;
                }
                state.given_at = Some(desk.now);
                for look in LOOKS {
                    desk.order(Order::See {
                        name: look.to_owned(),
                        after: desk.number(look),
                        place: Place::Hospital,
                    });
                }
            }
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id => {
                if name == BASELINE {
                    state.baseline = Some((found.ashworth_legs, found.spasm_score));
                    Self::give(state, 0.0, desk);
                } else {
                    Self::look(state, name, found, desk);
                }
            }
            _ => {}
        }
    }
}
