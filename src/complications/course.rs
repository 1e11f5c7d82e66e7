//! How bad a complication is over time.

use serde::{Deserialize, Serialize};

use crate::engine::{EventHandle, SimTime};
use crate::signals::Ailing;

/// A quantity that moves exponentially towards a level, known exactly from its origin.
///
/// # Example
/// ```
/// use itbsim::complications::Course;
/// use itbsim::engine::SimTime;
///
/// let mut course = Course::still(SimTime::ZERO);
/// course.turn(SimTime::ZERO, 0.8, 24.0);
/// assert!((course.after(24.0) - 0.8 * (1.0 - (-1.0f64).exp())).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Since when it moves so.
    pub origin: SimTime,
    /// Value then \[0-1\].
    pub value: f64,
    /// Level it moves to \[0-1\].
    pub target: f64,
    /// Time constant \[h\].
    pub time: f64,
}

/// Distance from its level at which a course counts as at rest \[1\].
const REST: f64 = 1e-9;

/// Time constants after which what is left, 4e-18, is below the rounding of one: most complications
/// have long settled whenever they are asked for.
const ARRIVED: f64 = 40.0;

impl Course {
    /// Nothing, at rest.
    pub fn still(origin: SimTime) -> Self {
        Self {
            origin,
            value: 0.0,
            target: 0.0,
            time: 1.0,
        }
    }

    /// The value this long after the origin \[h\] \[0-1\].
    pub fn after(&self, hours: f64) -> f64 {
        if hours <= 0.0 || self.value == self.target {
            return self.value;
        }
        let elapsed = hours / self.time;
        if elapsed >= ARRIVED {
            return self.target;
        }
        self.target + (self.value - self.target) * libm::exp(-elapsed)
    }

    /// The value at an instant \[0-1\].
    pub fn at(&self, now: SimTime) -> f64 {
        self.after(now.hours_since(self.origin))
    }

    /// From now on it moves to `target` with the time constant `time` \[h\].
    pub fn turn(&mut self, now: SimTime, target: f64, time: f64) {
        *self = Self {
            origin: now,
            value: self.at(now),
            target,
            time: time.max(1e-3),
        };
    }

    /// Whether it moves no more, this long after the origin \[h\].
    fn rests(&self, hours: f64) -> bool {
        (self.after(hours) - self.target).abs() < REST
    }
}

/// Share of a deficit that stays for good after pressure on the cord for this long \[0-1\]:
/// `1 - exp(-hours / time)`, so that twice the wait loses the same share of what was left.
pub fn damage(hours: f64, time: f64) -> f64 {
    -libm::expm1(-hours.max(0.0) / time)
}

/// One complication as it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ailment {
    /// Index of the fault.
    pub fault: usize,
    /// Place in [`KINDS`](super::KINDS).
    pub kind: usize,
    /// When it began.
    pub began: SimTime,
    /// How bad it becomes untreated \[0-1\].
    pub severity: f64,
    /// Share of it that never heals \[0-1\].
    pub permanent: f64,
    /// How bad it is.
    pub course: Course,
    /// What it shows at full, in the order of [`Ailing::NAMES`].
    pub shows: [f64; Ailing::LEN],
    /// Whether it has been ended; it may still fade.
    pub over: bool,
    /// Whether antibiotics are being given.
    pub covered: bool,
    /// Whether the hardware that keeps it going has been taken out.
    pub cleared: bool,
    /// Its natural end, waiting.
    pub turn: Option<EventHandle>,
    /// What it leads to, waiting.
    pub spread: Option<EventHandle>,
    /// The end of a course of antibiotics, waiting.
    pub course_over: Option<EventHandle>,
}

/// All complications of a person, those that fade and leave a deficit included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ailments {
    /// In the order in which they began.
    pub list: Vec<Ailment>,
    /// Share of the postural headache that is felt in the present posture \[0-1\].
    pub headache_share: f64,
}

/// Place of the headache in [`Ailing::NAMES`].
const HEADACHE: usize = 4;

impl Ailments {
    /// Whether there never was any.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The signs, `more` hours after `now`. Contributions to a sign add up to 1 at most.
    pub fn signs_after(&self, now: SimTime, more: f64) -> Ailing {
        if self.list.is_empty() {
            return Ailing::default();
        }
        let mut values = [0.0; Ailing::LEN];
        for ailment in &self.list {
            let level = ailment.course.after(now.hours_since(ailment.course.origin) + more);
            for (sum, share) in values.iter_mut().zip(ailment.shows) {
                *sum += level * share;
            }
        }
        values[HEADACHE] *= self.headache_share;
        Ailing::from_values(values.map(|v| v.clamp(0.0, 1.0)))
    }

    /// The signs at an instant.
    pub fn signs(&self, at: SimTime) -> Ailing {
        self.signs_after(at, 0.0)
    }

    /// Whether nothing moves any more, `more` hours after `now`.
    pub fn rest(&self, now: SimTime, more: f64) -> bool {
        let still = |a: &Ailment| a.course.rests(now.hours_since(a.course.origin) + more);
        self.list.iter().all(still)
    }

    /// The ailment that adds most to a sign (place in [`Ailing::NAMES`]) at an instant.
    pub fn chief(&self, sign: usize, at: SimTime) -> Option<&Ailment> {
        let part = |a: &Ailment| a.course.at(at) * a.shows[sign];
        let mut chief: Option<&Ailment> = None;
        for ailment in self.list.iter().filter(|a| part(a) > 0.0) {
            if chief.is_none_or(|c| part(ailment) > part(c)) {
                chief = Some(ailment);
            }
        }
        chief
    }

    /// The newest episode of a fault.
    pub fn of_fault(&mut self, fault: usize) -> Option<&mut Ailment> {
        self.list.iter_mut().rev().find(|a| a.fault == fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(h: f64) -> SimTime {
        SimTime::from_hours(h).unwrap()
    }

    #[test]
    fn a_course_turned_goes_on_from_where_it_is() {
        let mut c = Course::still(at(0.0));
        c.turn(at(10.0), 0.8, 20.0);
        let peak = 0.8 * (1.0 - libm::exp(-1.5));
        assert!((c.at(at(40.0)) - peak).abs() < 1e-15);
        c.turn(at(40.0), 0.0, 10.0);
        assert!((c.at(at(40.0)) - peak).abs() < 1e-15);
        assert!((c.at(at(60.0)) - peak * libm::exp(-2.0)).abs() < 1e-15);
    }

    #[test]
    fn asking_in_between_changes_nothing() {
        let mut c = Course::still(at(0.0));
        c.turn(at(1.0), 0.7, 33.0);
        let late = c.at(at(77.0)).to_bits();
        let _ = (c.at(at(5.0)), c.at(at(50.0)));
        assert_eq!(c.at(at(77.0)).to_bits(), late);
    }

    #[test]
    fn damage_by_pressure_follows_its_closed_form() {
        assert_eq!(damage(0.0, 24.0), 0.0);
        assert!((damage(24.0, 24.0) - (1.0 - libm::exp(-1.0))).abs() < 1e-15);
        let twice = 1.0 - (1.0 - damage(6.0, 24.0)) * (1.0 - damage(6.0, 24.0));
        assert!((damage(12.0, 24.0) - twice).abs() < 1e-15);
    }

    #[test]
    fn signs_of_two_add_up_and_headache_needs_an_upright_body() {
        let mut shows = [0.0; Ailing::LEN];
        shows[0] = 0.6;
        shows[HEADACHE] = 1.0;
        let mut course = Course::still(at(0.0));
        course.turn(at(0.0), 0.5, 1.0);
        let one = Ailment {
            fault: 0,
            kind: 0,
            began: at(0.0),
            severity: 0.5,
            permanent: 0.0,
            course,
            shows,
            over: false,
            covered: false,
            cleared: false,
            turn: None,
            spread: None,
            course_over: None,
        };
        let mut all = Ailments {
            list: vec![one.clone(), Ailment { fault: 1, ..one }],
            headache_share: 0.1,
        };
        let late = at(100.0);
        assert!((all.signs(late).inflammation - 0.6).abs() < 1e-12);
        assert!((all.signs(late).headache - 0.1).abs() < 1e-12);
        all.headache_share = 1.0;
        assert!((all.signs(late).headache - 1.0).abs() < 1e-12);
        assert!(all.rest(late, 0.0) && !all.rest(at(1.0), 0.0));
        assert_eq!(all.chief(0, late).map(|a| a.fault), Some(0));
        assert_eq!(all.chief(9, late), None);
    }
}
