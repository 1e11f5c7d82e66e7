//! Alarms as they sound, and who hears them.
//!
//! An alarm repeats its tone for days; only the first tone that somebody hears is an event.
//! It is found in closed form: one keyed uniform number, and a geometric wait within each
//! stretch of waking or sleep, in which every tone has the same chance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::{Context, EventHandle, Phase, SimSpan, SimTime};
use crate::parameters::ParameterSet;
use crate::pump::{Alarm, AlarmClass, AlarmName};
use crate::scenario::model::{Heard, Hearing};

use super::error::SimError;
use super::event::SimEvent;
use super::model::Simulation;
use super::result::AlarmRow;

/// A day \[ns\]; a run starts at midnight.
const DAY: i64 = 86_400_000_000_000;

/// Chance that somebody hears one tone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// While they are awake \[0-1\].
    pub awake: f64,
    /// While they sleep \[0-1\].
    pub asleep: f64,
}

/// A tone that sounds again and again, and when people are awake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ears {
    chance: Chance,
    repeat: i64,
    awake_from: i64,
    awake_to: i64,
}

impl Ears {
    /// The people of a scenario, for alarms of one class.
    ///
    /// # Errors
    /// [`SimError::Time`] if a parameter is no span.
    pub fn new(hearing: &Hearing, class: AlarmClass, parameters: &ParameterSet) -> Result<Self, SimError> {
        let sound = class.sound(parameters);
        let patient = hearing.hears.unwrap_or(sound.heard)
            * if hearing.impaired {
                parameters.get("alarm.impaired")
            } else {
                1.0
            };
        let carer = if hearing.carer {
            sound.heard * parameters.get("alarm.carer")
        } else {
            0.0
        };
        let asleep = parameters.get("alarm.asleep");
        let either = |a: f64, b: f64| a + b - a * b;
        let chance = match hearing.heard {
            Heard::Always => Chance {
                awake: 1.0,
                asleep: 1.0,
            },
            Heard::Never => Chance {
                awake: 0.0,
                asleep: 0.0,
            },
            Heard::Default => Chance {
                awake: either(patient, carer),
                asleep: either(patient * asleep, carer * asleep),
            },
        };
        Self::of(
            chance,
            sound.repeat,
            hearing.awake_from.unwrap_or_else(|| parameters.get("alarm.awake.from")),
            hearing.awake_to.unwrap_or_else(|| parameters.get("alarm.awake.to")),
        )
    }

    /// People awake between two times of day, who may hear a tone that comes every `repeat` \[h\].
    ///
    /// # Errors
    /// [`SimError::Time`] if a value is no span.
    pub fn of(chance: Chance, repeat: f64, awake_from: f64, awake_to: f64) -> Result<Self, SimError> {
        let of_day = |hours: f64| SimSpan::from_hours(hours).map(|s| s.as_nanos().rem_euclid(DAY));
        Ok(Self {
            chance,
            repeat: SimSpan::from_hours(repeat)?.as_nanos().max(1),
            awake_from: of_day(awake_from)?,
            awake_to: of_day(awake_to)?,
        })
    }

    /// Whether they are awake, and how long it stays so \[ns\].
    fn stretch(&self, at: i64) -> (bool, i64) {
        let (from, to) = (self.awake_from, self.awake_to);
        if from == to {
            return (true, i64::MAX);
        }
        let day = at.rem_euclid(DAY);
        let until = |edge: i64| (edge - day).rem_euclid(DAY);
        let awake = until(to) != 0 && (until(from) == 0 || until(to) < until(from));
        (awake, if awake { until(to) } else { until(from) })
    }

    /// The first tone that is heard, counted from 1, and its instant; `None` if none up to `limit` is.
    ///
    /// The chance that none of the first `k` tones is heard is the product of their single
    /// chances to be missed; the tone is the first at which that product falls below `luck`,
    /// uniform in (0, 1).
    pub fn first_heard(&self, since: SimTime, limit: SimTime, luck: f64) -> Option<(u64, SimTime)> {
        if self.chance.awake <= 0.0 && self.chance.asleep <= 0.0 {
            return None;
        }
        let mut missed = -libm::log(luck);
        let (mut tone, mut at) = (0_i64, since.as_nanos());
        while at <= limit.as_nanos() {
            let (awake, length) = self.stretch(at);
            let chance = if awake { self.chance.awake } else { self.chance.asleep };
            let tones = (length - 1) / self.repeat + 1;
            if chance > 0.0 {
                let each = -libm::log1p(-chance);
                // The wait is geometric; a certain tone has an infinite hazard, so the wait is none.
                let wait = libm::floor(missed / each).max(0.0);
                if wait < tones as f64 {
                    let skip = wait as i64;
                    let heard = skip.checked_mul(self.repeat).and_then(|s| at.checked_add(s))?;
                    let heard = SimTime::from_nanos(heard);
                    return (heard <= limit).then_some(((tone + skip + 1).unsigned_abs(), heard));
                }
                missed -= tones as f64 * each;
            }
            at = tones.checked_mul(self.repeat).and_then(|s| at.checked_add(s))?;
            tone += tones;
        }
        None
    }

    /// Number of tones from `since` until before `end`.
    fn tones(&self, since: SimTime, end: SimTime) -> u64 {
        let length = end.as_nanos().saturating_sub(since.as_nanos());
        if length <= 0 {
            0
        } else {
            ((length - 1) / self.repeat + 1).unsigned_abs()
        }
    }
}

/// One alarm from its first tone to its last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Episode {
    alarm: Alarm,
    raised: SimTime,
    silenced: Option<SimTime>,
    cleared: Option<SimTime>,
    heard: Option<(u64, SimTime)>,
    pending: Option<EventHandle>,
}

/// All alarms of a run, in the order in which they were raised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Alarms {
    episodes: Vec<Episode>,
    raised: BTreeMap<AlarmName, u64>,
}

impl Simulation {
    fn ears(&self, class: AlarmClass) -> Result<Ears, SimError> {
        Ears::new(&self.scenario.patient.alarm, class, &self.scenario.parameters)
    }

    /// An alarm begins to sound: finds the first tone that will be heard, if nothing ends it before.
    pub(super) fn alarm_raised(&mut self, alarm: Alarm, cx: &mut Context<'_, SimEvent>) -> Result<(), SimError> {
        // A memory error that turns critical sounds anew.
        self.alarm_cleared(alarm.name, cx);
        let now = cx.now();
        let name = alarm.name.as_str();
        let before = self.alarms.raised.entry(alarm.name).or_insert(0);
        let luck = self.draws.uniform(&format!("alarm.{name}"), "heard", *before);
        *before += 1;
        let pending = match self.ears(alarm.class)?.first_heard(now, self.scenario.duration, luck) {
            None => None,
            Some((tone, at)) => {
                let event = SimEvent::AlarmHeard { name: alarm.name, tone };
                Some(cx.schedule_at(at, Phase::Patient, self.ranks.patient(), event)?)
            }
        };
        self.alarms.episodes.push(Episode {
            alarm,
            raised: now,
            silenced: None,
            cleared: None,
            heard: None,
            pending,
        });
        Ok(())
    }

    /// An alarm ends.
    pub(super) fn alarm_cleared(&mut self, name: AlarmName, cx: &mut Context<'_, SimEvent>) {
        let now = cx.now();
        for e in self
            .alarms
            .episodes
            .iter_mut()
            .filter(|e| e.alarm.name == name && e.cleared.is_none())
        {
            e.cleared = Some(now);
            if let Some(handle) = e.pending.take() {
                cx.cancel(handle);
            }
        }
    }

    /// Somebody hears a tone.
    pub(super) fn alarm_heard(&mut self, name: AlarmName, tone: u64, cx: &mut Context<'_, SimEvent>) {
        let now = cx.now();
        let sounding = |e: &&mut Episode| e.alarm.name == name && e.cleared.is_none();
        if let Some(e) = self.alarms.episodes.iter_mut().rev().find(sounding) {
            e.heard = Some((tone, now));
            e.pending = None;
            let sound = e.alarm.class.sound(&self.scenario.parameters);
            let after = super::expect::span(now.hours_since(e.raised));
            cx.note(format!(
                "tone {tone}, {after} after the first; {} of {} s every {}",
                sound.words,
                super::words::number(sound.length),
                super::expect::span(sound.repeat)
            ));
        }
    }

    /// A session with the programmer ends the tone of whatever sounds; the condition may last.
    pub(super) fn silence_alarms(&mut self, cx: &mut Context<'_, SimEvent>) {
        let now = cx.now();
        let sounding = |e: &&mut Episode| e.cleared.is_none() && e.silenced.is_none();
        for e in self.alarms.episodes.iter_mut().filter(sounding) {
            e.silenced = Some(now);
            if let Some(handle) = e.pending.take() {
                cx.cancel(handle);
            }
        }
    }

    /// The alarms as a table, counted up to the end of the run.
    pub(super) fn alarm_rows(&self, end: SimTime) -> Vec<AlarmRow> {
        let row = |e: &Episode| {
            let tones = match self.ears(e.alarm.class) {
                // The end of a run is part of it; a tone that is silenced there is not.
                Ok(ears) => match e.silenced.or(e.cleared) {
                    Some(stop) => ears.tones(e.raised, stop),
                    None => ears.tones(e.raised, SimTime::from_nanos(end.as_nanos().saturating_add(1))),
                },
                Err(_) => 0,
            };
            AlarmRow {
                alarm: e.alarm.name.as_str().to_owned(),
                class: e.alarm.class.as_str().to_owned(),
                priority: e.alarm.grade.as_str().to_owned(),
                raised_h: e.raised.hours(),
                // What clears an alarm in a session ends it; silence is for what lasts.
                silenced_h: e.silenced.filter(|s| e.cleared != Some(*s)).map(SimTime::hours),
                cleared_h: e.cleared.map(SimTime::hours),
                tones,
                heard_h: e.heard.map(|h| h.1.hours()),
                heard_tone: e.heard.map(|h| h.0),
            }
        };
        self.alarms.episodes.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::Draws;

    fn h(hours: f64) -> SimTime {
        SimTime::from_hours(hours).unwrap()
    }

    /// The same by asking tone after tone, without logarithms.
    fn one_by_one(ears: &Ears, since: SimTime, limit: SimTime, luck: f64) -> Option<(u64, SimTime)> {
        let mut missed = 1.0;
        for tone in 1.. {
            let at = SimTime::from_nanos(since.as_nanos() + (tone as i64 - 1) * ears.repeat);
            if at > limit {
                return None;
            }
            let (awake, _) = ears.stretch(at.as_nanos());
            missed *= 1.0 - if awake { ears.chance.awake } else { ears.chance.asleep };
            if missed < luck {
                return Some((tone, at));
            }
        }
        None
    }

    #[test]
    fn the_closed_form_is_the_same_as_asking_tone_after_tone() {
        let draws = Draws::new(11, 0);
        // The third interval divides neither the day nor the night.
        for (repeat, from, to) in [
            (1.0, 7.0, 23.0),
            (1.0 / 6.0, 22.0, 6.0),
            (0.7, 6.5, 21.25),
            (25.0, 7.0, 23.0),
        ] {
            let ears = Ears::of(
                Chance {
                    awake: 0.03,
                    asleep: 0.002,
                },
                repeat,
                from,
                to,
            )
            .unwrap();
            for k in 0..300 {
                let luck = draws.uniform("test", "luck", k);
                let since = h(100.0 * draws.uniform("test", "since", k));
                let limit = h(2000.0);
                assert_eq!(
                    ears.first_heard(since, limit, luck),
                    one_by_one(&ears, since, limit, luck),
                    "{repeat} {from} {to} {luck}"
                );
            }
        }
    }

    #[test]
    fn always_is_the_first_tone_and_never_is_none() {
        let p = ParameterSet::default();
        let of = |heard| {
            let hearing = Hearing {
                heard,
                ..Hearing::default()
            };
            Ears::new(&hearing, AlarmClass::Critical, &p).unwrap()
        };
        for luck in [1e-300, 0.5, 1.0 - 1e-16] {
            // Also in the middle of the night, and on the last instant.
            assert_eq!(of(Heard::Always).first_heard(h(3.0), h(3.0), luck), Some((1, h(3.0))));
            assert_eq!(of(Heard::Never).first_heard(h(3.0), h(1e5), luck), None);
        }
    }

    #[test]
    fn a_certain_tone_waits_for_the_morning() {
        let ears = Ears::of(
            Chance {
                awake: 1.0,
                asleep: 0.0,
            },
            1.0,
            7.0,
            23.0,
        )
        .unwrap();
        assert_eq!(ears.first_heard(h(23.0), h(100.0), 0.4), Some((9, h(31.0))));
        assert_eq!(ears.first_heard(h(22.5), h(100.0), 0.4), Some((1, h(22.5))));
        assert_eq!(ears.first_heard(h(23.0), h(30.0), 0.4), None);
        // Nobody sleeps.
        let ears = Ears::of(
            Chance {
                awake: 1.0,
                asleep: 0.0,
            },
            1.0,
            7.0,
            7.0,
        )
        .unwrap();
        assert_eq!(ears.first_heard(h(23.0), h(30.0), 0.4), Some((1, h(23.0))));
    }

    #[test]
    fn waits_for_the_first_heard_tone_are_geometric() {
        let ears = Ears::of(
            Chance {
                awake: 0.25,
                asleep: 0.25,
            },
            1.0,
            7.0,
            23.0,
        )
        .unwrap();
        let channel = Draws::new(5, 0).channel("test", "luck");
        let n = 20_000;
        let tones: Vec<u64> = (0..n)
            .map(|k| ears.first_heard(h(0.0), h(1e5), channel.uniform(k)).unwrap().0)
            .collect();
        let mean = tones.iter().sum::<u64>() as f64 / n as f64;
        // Mean 1/p = 4, standard deviation sqrt(1-p)/p = 3.46.
        assert!((mean - 4.0).abs() < 5.0 * 3.464 / (n as f64).sqrt(), "{mean}");
        let first = tones.iter().filter(|t| **t == 1).count() as f64 / n as f64;
        assert!((first - 0.25).abs() < 5.0 * (0.25 * 0.75 / n as f64).sqrt(), "{first}");
    }

    #[test]
    fn people_count_by_their_chances() {
        let p = ParameterSet::default();
        let of = |hearing: Hearing| Ears::new(&hearing, AlarmClass::NonCritical, &p).unwrap().chance;
        let alone = of(Hearing::default());
        assert_eq!(
            alone,
            Chance {
                awake: 0.2,
                asleep: 0.2 * 0.1
            }
        );
        let deaf = of(Hearing {
            impaired: true,
            ..Hearing::default()
        });
        assert!((deaf.awake - 0.06).abs() < 1e-15);
        let both = of(Hearing {
            carer: true,
            ..Hearing::default()
        });
        assert!((both.awake - (1.0 - 0.8 * 0.9)).abs() < 1e-15);
        let told = of(Hearing {
            hears: Some(0.9),
            ..Hearing::default()
        });
        assert!((told.awake - 0.9).abs() < 1e-15 && (told.asleep - 0.09).abs() < 1e-15);
    }

    #[test]
    fn tones_are_counted_up_to_the_end() {
        let ears = Ears::of(
            Chance {
                awake: 0.0,
                asleep: 0.0,
            },
            1.0,
            7.0,
            23.0,
        )
        .unwrap();
        assert_eq!(ears.tones(h(5.0), h(5.0)), 0);
        assert_eq!(ears.tones(h(5.0), h(5.5)), 1);
        assert_eq!(ears.tones(h(5.0), h(6.0)), 1);
        assert_eq!(ears.tones(h(5.0), h(6.1)), 2);
    }
}
