//! Programmes at their edges: the instant at which a bolus ends, the slowest and the fastest
//! flow, doses of nothing, and which of two changes comes first.
//!
//! All flows are whole multiples of 1/1024 mL/h, so that every sum and quotient here is exact.

use itbsim::engine::SimTime;
use itbsim::pump::{FlowLimits, PumpError, Refusal, Schedule};
use itbsim::scenario::model::{FlexStep, Programme};

/// From 1/64 to 1 mL/h in steps of 1/256, idle at 1/1024 and primed at 1/2.
const LIMITS: FlowLimits = FlowLimits {
    min: 24.0 / 64.0,
    max: 24.0,
    idle: 24.0 / 1024.0,
    grid: 24.0 / 256.0,
    max_steps: 3,
    priming: 0.5,
};

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn earlier(time: SimTime) -> SimTime {
    SimTime::from_nanos(time.as_nanos() - 1)
}

fn stopped() -> Schedule {
    Schedule::new(SimTime::ZERO, 0.5, LIMITS)
}

/// A schedule that took `mode` as "base" at the hour given, by a label of 1 ug/mL.
fn since(hours: f64, mode: &Programme) -> Schedule {
    let mut schedule = stopped();
    schedule.programme(at(hours), "base", mode, 1.0).unwrap();
    schedule
}

fn continuous(rate: f64) -> Programme {
    Programme::SimpleContinuous { rate }
}

fn single(dose: f64, over: f64) -> Programme {
    Programme::SingleBolus { dose, over }
}

fn handset(dose: f64, over: f64, most_per_day: u32) -> Programme {
    Programme::PatientBolus {
        dose,
        over,
        lockout: 0.0,
        most_per_day,
    }
}

/// A quarter of a microgram within an hour, above a quarter an hour.
fn periodic(every: f64, over: f64) -> Programme {
    Programme::PeriodicBolus {
        dose: 0.25,
        every,
        over,
        basal: 0.25,
    }
}

/// Weekday, hour and rate of each step.
fn flex(steps: &[(Option<u8>, f64, f64)]) -> Programme {
    let step = |&(weekday, at, rate): &(Option<u8>, f64, f64)| FlexStep { weekday, at, rate };
    Programme::Flex {
        steps: steps.iter().map(step).collect(),
    }
}

/// An eighth of a microgram an hour, from 6 to 12 o'clock a quarter.
fn mornings() -> Programme {
    flex(&[(None, 6.0, 0.25), (None, 12.0, 0.125)])
}

fn too_fast(what: &'static str, requested: f64) -> PumpError {
    PumpError::FlowOutOfRange {
        what,
        requested,
        low: LIMITS.min,
        high: LIMITS.max,
    }
}

fn nonsense(what: &'static str, value: f64, expected: &'static str) -> PumpError {
    PumpError::Programme { what, value, expected }
}

/// Refused with `why`, and nothing has changed.
fn assert_refused(before: &Schedule, mode: &Programme, label: f64, why: &PumpError) {
    let mut schedule = before.clone();
    assert_eq!(schedule.programme(at(1.0), "new", mode, label).as_ref(), Err(why));
    assert_eq!(schedule, *before);
}

fn change(schedule: &Schedule, seen: f64) -> Option<(SimTime, Option<String>)> {
    schedule.next_change(at(seen), 1.0)
}

fn due(hours: f64, id: &str) -> Option<(SimTime, Option<String>)> {
    Some((at(hours), Some(id.to_owned())))
}

mod a_demand {
    use super::*;

    #[test]
    fn is_granted_with_its_dose_in_its_length_and_again_at_the_instant_the_bolus_ends() {
        // By a label of 2 ug/mL: 0.5 ug/h are 0.25 mL/h, and 0.125 ug in a quarter of an hour as much again.
        let mut schedule = stopped();
        schedule.programme(at(0.0), "base", &continuous(0.5), 2.0).unwrap();
        schedule
            .programme(at(0.0), "handset", &handset(0.125, 0.25, 9), 2.0)
            .unwrap();
        assert_eq!(schedule.demand(at(1.0), "first", 2.0), Ok(0.125));
        assert_eq!(schedule.flow(at(1.0), 2.0), 0.5);
        assert_eq!(schedule.next_change(at(1.0), 2.0), due(1.25, "first"));
        assert_eq!(schedule.demand(earlier(at(1.25)), "second", 2.0), Err(Refusal::Running));
        assert_eq!(schedule.flow(at(1.25), 2.0), 0.25);
        assert_eq!(schedule.demand(at(1.25), "second", 2.0), Ok(0.125));
        assert_eq!(schedule.next_change(at(1.25), 2.0), due(1.5, "second"));
    }

    #[test]
    fn counts_for_a_day_and_at_its_end_no_more() {
        let mut schedule = since(0.0, &continuous(0.25));
        schedule
            .programme(at(0.0), "handset", &handset(0.0625, 0.25, 1), 1.0)
            .unwrap();
        assert_eq!(schedule.demand(at(1.0), "first", 1.0), Ok(0.0625));
        assert_eq!(schedule.demand(earlier(at(25.0)), "second", 1.0), Err(Refusal::Most));
        assert_eq!(schedule.demand(at(25.0), "second", 1.0), Ok(0.0625));
    }

    #[test]
    fn is_refused_in_words_of_its_own_for_every_reason() {
        use Refusal::*;
        let all = [
            NoAnswer,
            OutOfService,
            NotAllowed,
            Upset,
            Still,
            Empty,
            Stopped,
            Running,
            Lockout,
            Most,
            TooFast,
        ];
        let mut words = all.map(Refusal::words).to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all.len());
        assert!(words.iter().all(|w| !w.is_empty()), "{words:?}");
        assert_eq!(Lockout.words(), "too soon after the last bolus");
        assert_eq!(Running.words(), "a bolus runs");
    }

    #[test]
    fn that_alone_would_be_too_fast_cannot_be_programmed() {
        // 1 mL in a quarter of an hour: 96 mL a day.
        let why = too_fast("patient bolus", 96.0);
        assert_refused(&since(0.0, &continuous(0.25)), &handset(1.0, 0.25, 1), 1.0, &why);
    }

    #[test]
    fn that_alone_would_be_too_slow_can_be_programmed_in_a_narrow_range() {
        // At least 0.25 mL/h; 1/16 mL/h more than that can be delivered.
        let limits = FlowLimits { min: 6.0, ..LIMITS };
        let mut schedule = Schedule::new(SimTime::ZERO, 0.5, limits);
        schedule.programme(at(0.0), "base", &continuous(0.25), 1.0).unwrap();
        schedule
            .programme(at(0.0), "handset", &handset(0.0625, 1.0, 1), 1.0)
            .unwrap();
        assert_eq!(schedule.demand(at(1.0), "first", 1.0), Ok(0.0625));
        assert_eq!(schedule.flow(at(1.0), 1.0), 0.3125);
    }
}

mod a_programme {
    use super::*;

    #[test]
    fn with_a_dose_or_a_time_of_nothing_is_refused_by_name() {
        let before = since(0.0, &continuous(0.25));
        let refused = |mode: &Programme, what| assert_refused(&before, mode, 1.0, &nonsense(what, 0.0, "above zero"));
        refused(&single(0.0, 1.0), "bolus dose");
        refused(&periodic(4.0, 0.0), "bolus length");
        let bridge = Programme::BridgeBolus {
            old_concentration: 0.0,
            bridge_rate: 0.25,
            volume: None,
            then_rate: 0.25,
        };
        refused(&bridge, "old concentration");
    }

    #[test]
    fn is_refused_without_a_label_even_if_it_doses_nothing() {
        let why = nonsense("label concentration", 0.0, "above zero");
        assert_refused(&since(0.0, &continuous(0.25)), &Programme::Stopped, 0.0, &why);
    }

    #[test]
    fn of_a_bolus_below_one_step_of_the_grid_is_refused() {
        // 1/1024 mL/h more is a quarter of a step.
        let why = nonsense("bolus flow", 0.0, "at least one step of the flow grid");
        assert_refused(&since(0.0, &continuous(0.25)), &single(1.0 / 1024.0, 1.0), 1.0, &why);
    }

    #[test]
    fn of_boluses_as_long_as_their_interval_is_refused() {
        let why = nonsense("bolus interval", 1.0, "longer than the bolus");
        assert_refused(&stopped(), &periodic(1.0, 1.0), 1.0, &why);
    }

    #[test]
    fn beyond_the_range_by_a_new_label_runs_at_the_end_of_the_range() {
        let schedule = since(0.0, &continuous(0.5));
        assert_eq!(schedule.flow(at(1.0), 0.25), 1.0);
        assert_eq!(schedule.out_of_range(at(1.0), 0.25), Some(2.0));
        assert_eq!(schedule.out_of_range(at(1.0), 1.0), None);
    }

    #[test]
    fn may_pause_in_a_step_and_that_is_within_range_by_any_label() {
        let schedule = since(0.0, &flex(&[(None, 6.0, 0.0), (None, 12.0, 0.25)]));
        assert_eq!(schedule.flow(at(7.0), 0.125), 1.0 / 1024.0);
        assert_eq!(schedule.out_of_range(at(7.0), 0.125), None);
        assert_eq!(schedule.out_of_range(at(13.0), 0.125), Some(2.0));
        let why = too_fast("flex dose", 36.0);
        assert_refused(&schedule, &flex(&[(None, 6.0, 1.5)]), 1.0, &why);
    }

    #[test]
    fn cannot_be_scaled_to_nothing_though_its_steps_may_be_nothing() {
        let mut schedule = since(0.0, &mornings());
        let why = nonsense("dose factor", 0.0, "above zero");
        assert_eq!(schedule.scale("none", 0.0, 1.0), Err(why));
        assert_eq!(schedule, since(0.0, &mornings()));
    }

    #[test]
    fn leaves_a_single_bolus_running_until_the_pump_is_stopped() {
        let mut schedule = since(0.0, &continuous(0.25));
        // A quarter of a mL/h more for four hours.
        schedule.programme(at(0.0), "bolus", &single(1.0, 4.0), 1.0).unwrap();
        schedule.programme(at(1.0), "less", &continuous(0.125), 1.0).unwrap();
        assert_eq!(schedule.flow(at(1.0), 1.0), 0.375);
        assert_eq!(change(&schedule, 1.0), due(4.0, "bolus"));
        schedule.programme(at(2.0), "stop", &Programme::Stopped, 1.0).unwrap();
        assert_eq!(schedule.flow(at(2.0), 1.0), 0.0);
        assert_eq!(change(&schedule, 2.0), None);
    }

    #[test]
    fn ends_a_bridge_that_belongs_to_the_one_before() {
        let bridge = Programme::BridgeBolus {
            old_concentration: 2.0,
            bridge_rate: 0.5,
            volume: Some(0.25),
            then_rate: 0.125,
        };
        let mut schedule = since(0.0, &bridge);
        assert_eq!(schedule.flow(at(0.5), 1.0), 0.25);
        assert_eq!(change(&schedule, 0.5), due(1.0, "base"));
        schedule.programme(at(0.5), "new", &continuous(0.5), 1.0).unwrap();
        assert_eq!(schedule.flow(at(0.5), 1.0), 0.5);
        assert_eq!(change(&schedule, 0.5), None);
    }
}

mod the_next_change {
    use super::*;

    /// Mornings, with a bolus at midnight.
    fn with_bolus(bolus: &Programme) -> Schedule {
        let mut schedule = since(0.0, &mornings());
        schedule.programme(at(0.0), "bolus", bolus, 1.0).unwrap();
        schedule
    }

    #[test]
    fn is_the_first_of_the_end_of_a_bolus_and_a_step_below_it() {
        // All at 0.25 mL/h more, for two, eight and six hours; the step comes at six.
        assert_eq!(change(&with_bolus(&single(0.5, 2.0)), 0.0), due(2.0, "bolus"));
        assert_eq!(change(&with_bolus(&single(2.0, 8.0)), 0.0), due(6.0, "base"));
        assert_eq!(change(&with_bolus(&single(1.5, 6.0)), 0.0), due(6.0, "bolus"));
    }

    #[test]
    fn is_the_end_of_a_priming_bolus_that_hides_a_step() {
        let priming = Programme::PrimingBolus {
            volume: Some(4.0),
            over: 8.0,
        };
        let schedule = with_bolus(&priming);
        assert_eq!(change(&schedule, 0.0), due(8.0, "bolus"));
        assert_eq!(schedule.flow(at(7.0), 1.0), 0.5);
    }

    #[test]
    fn of_boluses_in_a_row_counts_from_the_instant_they_were_programmed() {
        let schedule = since(3.0, &periodic(4.0, 1.0));
        let flows = [3.0, 3.25, 4.0, 7.0].map(|hour| schedule.flow(at(hour), 1.0));
        assert_eq!(flows, [0.5, 0.5, 0.25, 0.5]);
        assert_eq!(change(&schedule, 3.0), due(4.0, "base"));
        assert_eq!(change(&schedule, 3.25), due(4.0, "base"));
        assert_eq!(change(&schedule, 4.0), due(7.0, "base"));
    }

    #[test]
    fn stays_where_it_is_if_bolus_and_basal_dose_are_doubled() {
        let mut schedule = since(3.0, &periodic(4.0, 1.0));
        schedule.scale("double", 2.0, 1.0).unwrap();
        let flows = [3.0, 4.0].map(|hour| schedule.flow(at(hour), 1.0));
        assert_eq!(flows, [1.0, 0.5]);
        assert_eq!(change(&schedule, 3.0), due(4.0, "double"));
    }

    #[test]
    fn of_two_steps_a_week_comes_again_after_the_week_and_of_one_step_never() {
        // Day 1 at 6 is hour 30, day 3 at 0 is hour 72; a week after the first is hour 168 + 30.
        let schedule = since(0.0, &flex(&[(Some(1), 6.0, 0.25), (Some(3), 0.0, 0.5)]));
        assert_eq!(change(&schedule, 0.0), due(30.0, "base"));
        assert_eq!(change(&schedule, 30.0), due(72.0, "base"));
        assert_eq!(change(&schedule, 120.0), due(198.0, "base"));
        assert_eq!(schedule.flow(at(0.0), 1.0), 0.5);
        let once = since(0.0, &flex(&[(Some(2), 6.0, 0.25)]));
        assert_eq!(change(&once, 0.0), None);
    }

    #[test]
    fn at_the_last_instant_of_a_day_still_belongs_to_that_day() {
        // So close to 24 h that the nearest nanosecond is midnight.
        let late = 24.0 * (1.0 - f64::EPSILON);
        let schedule = since(0.0, &flex(&[(Some(0), 12.0, 0.25), (Some(0), late, 0.5)]));
        assert_eq!(
            schedule.next_change(at(12.0), 1.0),
            Some((earlier(at(24.0)), Some("base".to_owned())))
        );
    }
}
