//! What is done about complications of surgery and hardware.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::diagnostics::{self, Lesion, Outcome};
use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::model::{Action, Programme};
use crate::scenario::settings::{Choice, PolicySpec};
use crate::signals::{Level, Remedy};

/// Antibiotics, blood patch, evacuation, explantation with a bridge, and a new pump later.
///
/// It treats what a test has shown, whoever ordered the test; with `tests = "own"` it also
/// orders the first test that signs call for. It never knows more than results and what an
/// examiner sees: a normal look after treatment can be wrong.
#[derive(Debug, Clone, Copy)]
pub struct Complications;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// When each test was ordered last \[h\].
    ordered: BTreeMap<String, f64>,
    /// Lesions under treatment, by name.
    treating: BTreeSet<String>,
    /// Blood patches given.
    patches: u32,
    /// Dose last seen above nothing \[ug/day\].
    dose: f64,
    /// An explantation is planned.
    planned: bool,
    /// The pump is out.
    out: bool,
    /// Steps of a taper taken.
    steps: u32,
    /// In hospital for it.
    admitted: bool,
}

const LOOK: &str = "look after treatment";
const HEAD: &str = "look at the headache";
const ADMISSION: &str = "reading before surgery";
const SURGERY: &str = "explant surgery";
const HOME: &str = "goes home";
const STEP: &str = "next step down";
const ANEW: &str = "new pump";
const EVACUATE: &str = "evacuation";
const WOUND: &str = "wound surgery";

/// Signs, and the test that each calls for.
const CALLS_FOR: &[(&str, &str)] = &[
    ("bare_hardware", "wound_inspection"),
    ("wound_signs", "wound_inspection"),
    ("new_weakness", "mri_spine"),
    ("stiff_neck", "csf_sample"),
    ("clouded", "csf_sample"),
    ("radicular_pain", "mri_spine"),
    ("back_pain", "mri_spine"),
    ("postural_headache", "history"),
];

/// Signs of a focus that is alive.
const FOCUS: &[&str] = &["wound_signs", "bare_hardware", "stiff_neck"];

const CHOICES: &[Choice] = &[
    Choice {
        name: "tests",
        words: &["own", "others"],
        meaning: "whether signs make it order a test itself, or it waits for results of others",
    },
    Choice {
        name: "infection",
        words: &["explant_if_it_returns", "explant", "antibiotics"],
        meaning: "pocket infection and meningitis: antibiotics and the pump out if that fails, at once, or never",
    },
    Choice {
        name: "erosion",
        words: &["explant", "revise", "watch"],
        meaning: "bare hardware: the pump out, under other skin, or nothing",
    },
    Choice {
        name: "patch",
        words: &["yes", "no"],
        meaning: "whether a headache that lasts is treated by blood patch",
    },
    Choice {
        name: "evacuate",
        words: &["yes", "no"],
        meaning: "whether a haematoma is taken out",
    },
    Choice {
        name: "pain",
        words: &["wait", "revise"],
        meaning: "pain at the catheter: it is given time, or the catheter another course",
    },
    Choice {
        name: "bridge",
        words: &["oral", "external", "taper", "none"],
        meaning: "what stands in for the pump: tablets, an external catheter with less every day and tablets, steps down \
                  before surgery and then tablets, nothing",
    },
    Choice {
        name: "reimplant",
        words: &["no", "yes"],
        meaning: "whether a new pump follows",
    },
];

/// ug in a mg.
const MG: f64 = 1000.0;

/// h in a day.
const DAY: f64 = 24.0;

fn act(desk: &mut Desk<'_>, name: &str, after: f64, act: Action) {
    let name = name.to_owned();
    desk.order(Order::Act { name, after, act });
}

fn timer(desk: &mut Desk<'_>, name: &str, after: f64) {
    let name = name.to_owned();
    desk.order(Order::Timer { name, after });
}

fn see(desk: &mut Desk<'_>, name: &str, after: f64, place: Place) {
    let name = name.to_owned();
    desk.order(Order::See { name, after, place });
}

fn flag(desk: &mut Desk<'_>, name: &'static str, note: impl Into<String>) {
    desk.order(Order::Flag {
        name,
        note: note.into(),
    });
}

impl Complications {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "complications",
            summary: "treats infection, leak, haematoma, pain and erosion as tests show them: antibiotics, blood patch, \
                      evacuation, explantation with a bridge, a new pump later",
            source: "textbook; US label, Lioresal Intrathecal, for what stands in for the pump",
            choices: CHOICES,
            acts: &[
                "antibiotics",
                "patch",
                "evacuate",
                "revise_wound",
                "explant",
                "oral",
                "external_infusion",
                "step_down",
                "implant",
                "start",
                "prime",
                "scan",
                "lie_down",
                "get_up",
                "repair",
            ],
            flags: &[
                "treated",
                "bridging",
                "bridged",
                "explanted",
                "running",
                "admitted",
                "discharged",
                "healed",
                "relapse",
            ],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(Complications),
    };

    /// Orders the first test that signs call for, if none of its kind was ordered of late.
    fn test(state: &mut Memory, signs: &[String], wait: f64, desk: &mut Desk<'_>) {
        if desk.settings.word("tests") != "own" {
            return;
        }
        let now = desk.now.hours();
        for (sign, test) in CALLS_FOR {
            if !signs.iter().any(|s| s == sign) {
                continue;
            }
            // What is under treatment is not looked for again.
            let recent = |at: &f64| !state.treating.is_empty() || now - at < desk.number("again");
            if state.ordered.get(*test).is_some_and(recent) {
                continue;
            }
            state.ordered.insert((*test).to_owned(), now);
            desk.order(Order::Test {
                test: (*test).to_owned(),
                after: wait,
                careful: true,
            });
            return;
        }
    }

    fn admit(state: &mut Memory, why: &str, desk: &mut Desk<'_>) {
        if !state.admitted {
            state.admitted = true;
            flag(desk, "admitted", why);
        }
        timer(desk, HOME, desk.number("stay") * DAY);
    }

    fn antibiotics(desk: &mut Desk<'_>) {
        let over = desk.number("antibiotics_for") * DAY;
        let wait = desk.number("antibiotics_wait");
        let remedy = Remedy::Antibiotics;
        act(desk, "antibiotics", wait, Action::Treat { remedy, over });
        let look = wait + over + desk.number("look_after") * DAY;
        see(desk, LOOK, look, Place::Clinic);
    }

    /// Decides that the pump goes, and begins what stands in for it.
    fn plan_explant(state: &mut Memory, why: &str, desk: &mut Desk<'_>) {
        if state.planned || state.out {
            return;
        }
        state.planned = true;
        let wait = desk.number("explant_wait");
        let bridge = desk.settings.word("bridge").to_owned();
        flag(desk, "bridging", format!("{why}: the pump goes, bridged by {bridge}"));
        // Somebody reads the pump before it goes.
        see(desk, ADMISSION, 0.0, Place::Hospital);
        if bridge == "taper" {
            state.steps = 0;
            timer(desk, STEP, wait / (desk.number("taper_steps").max(1.0) + 1.0));
        }
        timer(desk, SURGERY, wait);
    }

    /// Tablets from the day of surgery: on top of a pump that runs they would be too much.
    fn tablets(desk: &mut Desk<'_>) {
        let every = desk.number("oral_every");
        let days = desk.number("reimplant_after");
        // A count fits for any interval and length in their ranges.
        let count = Some((days * DAY / every).max(1.0) as u32);
        let dose = desk.number("oral_dose") * MG;
        act(desk, "oral", 0.0, Action::OralBaclofen { dose, every, count });
    }

    fn treat(state: &mut Memory, lesion: Lesion, desk: &mut Desk<'_>) {
        if !state.treating.insert(lesion.as_str().to_owned()) {
            return;
        }
        let words = lesion.as_str().replace('_', " ");
        flag(desk, "treated", words.clone());
        match lesion {
            Lesion::Infection | Lesion::Meningitis => {
                Self::antibiotics(desk);
                if lesion == Lesion::Meningitis {
                    Self::admit(state, &words, desk);
                }
                if desk.settings.word("infection") == "explant" {
                    Self::plan_explant(state, &words, desk);
                }
            }
            Lesion::Erosion => match desk.settings.word("erosion") {
                "explant" => Self::plan_explant(state, &words, desk),
                "revise" => timer(desk, WOUND, desk.number("wound_wait")),
                _ => {}
            },
            Lesion::CsfLeak => see(desk, HEAD, desk.number("patch_wait"), Place::Clinic),
            Lesion::Haematoma if desk.settings.word("evacuate") == "yes" => {
                Self::admit(state, &words, desk);
                timer(desk, EVACUATE, desk.number("evacuate_wait"));
            }
            Lesion::HardwarePain if desk.settings.word("pain") == "revise" => desk.order(Order::Repair {
                lesion: lesion.as_str().to_owned(),
                prime: true,
                after: desk.number("revision_wait"),
            }),
            _ => {}
        }
    }

    /// What a look after treatment shows.
    fn look(state: &mut Memory, found: &Findings, desk: &mut Desk<'_>) {
        let alive: Vec<String> = FOCUS
            .iter()
            .filter(|s| found.symptoms.iter().any(|f| f == *s))
            .map(|s| s.replace('_', " "))
            .collect();
        if alive.is_empty() {
            // A deficit that stays is known, and nobody scans it again and again.
            let before = state.treating.len();
            let stays = [Lesion::Haematoma.as_str(), Lesion::NerveInjury.as_str()];
            state.treating.retain(|l| stays.contains(&l.as_str()));
            if state.treating.len() < before {
                flag(desk, "healed", "no sign of a focus");
            }
            return;
        }
        flag(desk, "relapse", alive.join(", "));
        let note = alive.join(", ");
        Self::antibiotics(desk);
        if desk.settings.word("infection") != "antibiotics" {
            Self::plan_explant(state, &note, desk);
        }
    }

    fn headache(state: &mut Memory, found: &Findings, desk: &mut Desk<'_>) {
        if !found.symptoms.iter().any(|s| s == "postural_headache") {
            state.treating.remove(Lesion::CsfLeak.as_str());
            return flag(desk, "healed", "no headache on sitting up");
        }
        if desk.settings.word("patch") == "yes" && f64::from(state.patches) < desk.number("patches") {
            state.patches += 1;
            let remedy = Remedy::BloodPatch;
            act(desk, "patch", 0.0, Action::Treat { remedy, over: 0.0 });
        }
        see(desk, HEAD, desk.number("patch_wait"), Place::Clinic);
    }

    fn explanted(state: &mut Memory, desk: &mut Desk<'_>) {
        state.planned = false;
        state.out = true;
        flag(desk, "explanted", format!("{} ug/day until then", state.dose.round()));
        let bridge = desk.settings.word("bridge").to_owned();
        if bridge == "external" {
            // Day by day less, from the dose of the pump to nothing.
            let days = desk.number("external_for").ceil().max(1.0);
            for day in 0..days as u32 {
                let external = Action::LumbarBolus {
                    dose: state.dose * (1.0 - f64::from(day) / days),
                    level: Level::L3,
                    over: DAY,
                    drug: None,
                };
                act(desk, "external_infusion", f64::from(day) * DAY, external);
            }
        }
        if bridge != "none" {
            Self::tablets(desk);
        }
        if desk.settings.word("reimplant") == "yes" {
            timer(desk, ANEW, desk.number("reimplant_after") * DAY);
        } else {
            flag(desk, "bridged", "no new pump");
        }
    }

    /// A new pump in a clean field.
    fn anew(state: &mut Memory, desk: &mut Desk<'_>) {
        let concentration = desk.facts.concentration;
        let volume = desk.facts.reservoir_size - desk.facts.low_alarm;
        let label = concentration;
        let pump = Action::Implant {
            volume,
            concentration,
            label,
            others: None,
        };
        act(desk, "implant", 0.0, pump);
        let rate = state.dose * desk.number("restart_share") / DAY;
        let mode = Programme::SimpleContinuous { rate };
        act(desk, "start", 0.0, Action::Send { mode });
        let mode = Programme::PrimingBolus {
            volume: None,
            over: 0.0,
        };
        act(desk, "prime", 0.0, Action::Send { mode });
    }

    fn due(state: &mut Memory, name: &str, desk: &mut Desk<'_>) {
        match name {
            HOME if state.admitted => {
                state.admitted = false;
                flag(desk, "discharged", "");
            }
            SURGERY => {
                Self::admit(state, "explantation", desk);
                act(desk, "explant", 0.0, Action::Explant);
            }
            EVACUATE => {
                let remedy = Remedy::Evacuation;
                act(desk, "evacuate", 0.0, Action::Treat { remedy, over: 0.0 });
                see(desk, LOOK, desk.number("look_after") * DAY, Place::Clinic);
            }
            WOUND => {
                Self::admit(state, "wound surgery", desk);
                let remedy = Remedy::WoundRevision;
                act(desk, "revise_wound", 0.0, Action::Treat { remedy, over: 0.0 });
                // A wound needs weeks, whatever was done.
                let look = (desk.number("antibiotics_for") + desk.number("look_after")) * DAY;
                see(desk, LOOK, look, Place::Clinic);
            }
            STEP if state.planned => {
                let steps = desk.number("taper_steps").max(1.0);
                let left = steps - f64::from(state.steps);
                if left >= 1.0 {
                    // Equal steps of the first dose, the last of which is the surgery.
                    let factor = left / (left + 1.0);
                    state.steps += 1;
                    act(desk, "step_down", 0.0, Action::ScaleDose { factor });
                    timer(desk, STEP, desk.number("explant_wait") / (steps + 1.0));
                }
            }
            ANEW => Self::anew(state, desk),
            _ => {}
        }
    }
}

impl Policy for Complications {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Timer { name } => Self::due(state, name, desk),
            News::Reported { place, complaints, .. } => {
                let wait = match place {
                    Place::Phone => desk.number("test_wait"),
                    _ => 0.0,
                };
                Self::test(state, complaints, wait, desk);
            }
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } => {
                // A dose on its way down is none to go back to.
                if found.dose > 0.0 && state.steps == 0 && !state.out {
                    state.dose = found.dose;
                }
                match name.as_str() {
                    LOOK if *by == desk.id => Self::look(state, found, desk),
                    HEAD if *by == desk.id => Self::headache(state, found, desk),
                    _ => Self::test(state, &found.symptoms, 0.0, desk),
                }
            }
            News::Result {
                test,
                outcome: Outcome::Abnormal,
                lesion: Some(lesion),
                ..
            } => {
                let Some(lesion) = Lesion::named(lesion).filter(|l| l.is_complication()) else {
                    return;
                };
                let settled = diagnostics::named(test).is_some_and(|t| t.decisive)
                    && (test != "history" || diagnostics::told(lesion));
                if settled {
                    Self::treat(state, lesion, desk);
                }
            }
            News::Done { act, .. } => match act.strip_prefix(desk.id) {
                Some(".explant") => Self::explanted(state, desk),
                Some(".start") => {
                    state.out = false;
                    state.steps = 0;
                    state.treating.clear();
                    flag(desk, "bridged", "a new pump");
                    let dose = state.dose * desk.number("restart_share");
                    flag(desk, "running", format!("{} ug/day", dose.round()));
                }
                _ => {}
            },
            News::Repaired { by, lesion, .. } if *by == desk.id => {
                state.treating.remove(lesion.as_str());
            }
            _ => {}
        }
    }
}
