//! The worked vectors of the calculators, to the digits they are given with.

use itbsim::calc::{
    AlarmTiming, BridgeInput, CalcError, Dose, PrimeInput, RefillInput, ValveInput, bridge, dose, path_volume, prime,
    refill, transport, valve,
};
use itbsim::parameters::ParameterSet;

const DAY: f64 = 24.0;

/// The number as it is printed with so many decimals.
fn to(decimals: usize, value: f64) -> String {
    format!("{value:.decimals$}")
}

fn plan(fill: f64, alarm: f64, c: f64, d: f64, gain: f64) -> RefillInput {
    RefillInput {
        fill,
        alarm_volume: alarm,
        concentration: c,
        dose_rate: d / DAY,
        gain,
        lead: 7.0 * DAY,
    }
}

#[test]
fn refill_days_to_alarm_and_to_empty() {
    for (v, alarm, c, d, q, to_alarm, to_empty) in [
        (20.0, 2.0, 500.0, 100.0, "0.2000", "90.00", "100.00"),
        (20.0, 2.0, 2000.0, 400.0, "0.2000", "90.00", "100.00"),
        (40.0, 2.0, 2000.0, 400.0, "0.2000", "190.00", "200.00"),
        (20.0, 2.0, 500.0, 50.0, "0.1000", "180.00", "200.00"),
        (40.0, 2.0, 2000.0, 1000.0, "0.5000", "76.00", "80.00"),
        (20.0, 2.0, 1000.0, 600.0, "0.6000", "30.00", "33.33"),
        (18.0, 4.0, 500.0, 200.0, "0.4000", "35.00", "45.00"),
    ] {
        let r = refill(&plan(v, alarm, c, d, 1.0)).unwrap();
        assert_eq!(to(4, r.flow * DAY), q);
        assert_eq!(to(2, r.to_alarm / DAY), to_alarm);
        assert_eq!(to(2, r.to_empty / DAY), to_empty);
        assert_eq!(r.timing, AlarmTiming::OnTime);
        assert_eq!(to(2, (r.to_alarm - r.to_refill) / DAY), "7.00");
    }
}

#[test]
fn true_depletion_against_an_alarm_that_counts_the_programme() {
    for (gain, low, empty, kind, by) in [
        (0.855, "105.3", "117.0", "early", "15.3"),
        (1.000, "90.0", "100.0", "on time", "0.0"),
        (1.145, "78.6", "87.3", "after empty", "2.7"),
        (1.500, "60.0", "66.7", "after empty", "23.3"),
    ] {
        let r = refill(&plan(20.0, 2.0, 2000.0, 400.0, gain)).unwrap();
        assert_eq!(to(1, r.to_alarm / DAY), "90.0");
        assert_eq!(to(1, r.true_to_alarm_volume / DAY), low);
        assert_eq!(to(1, r.true_to_empty / DAY), empty);
        let found = match r.timing {
            AlarmTiming::OnTime => ("on time", 0.0),
            AlarmTiming::Early(h) => ("early", h),
            AlarmTiming::Late(h) => ("late", h),
            AlarmTiming::AfterEmpty(h) => ("after empty", h),
        };
        assert_eq!((found.0, to(1, found.1 / DAY).as_str()), (kind, by));
    }
    // Between the two: late, but the pump is not yet empty.
    let r = refill(&plan(20.0, 2.0, 2000.0, 400.0, 1.05)).unwrap();
    assert!(matches!(r.timing, AlarmTiming::Late(h) if (h / DAY - (90.0 - 90.0 / 1.05)).abs() < 1e-9));
}

#[test]
fn a_lead_longer_than_the_reservoir_lasts_means_now() {
    let mut input = plan(20.0, 2.0, 2000.0, 400.0, 1.0);
    input.lead = 100.0 * DAY;
    assert_eq!(refill(&input).unwrap().to_refill, 0.0);
}

fn volume(length: f64) -> f64 {
    let p = ParameterSet::default();
    path_volume(
        p.get("catheter.tube_volume"),
        length,
        p.get("catheter.volume_per_length"),
    )
    .unwrap()
}

#[test]
fn dead_volume_of_the_usual_lengths() {
    for (length, v) in [(60.0, "0.331"), (89.0, "0.395"), (100.0, "0.419"), (114.0, "0.450")] {
        assert_eq!(to(3, volume(length)), v);
    }
    assert_eq!(to(4, volume(89.0)), "0.3948");
}

#[test]
fn bridge_and_what_happens_without_it() {
    for (v, old, new, d, then, hours, rate, entered, omitted, omitted_hours) in [
        (
            None, 500.0, 2000.0, 100.0, 100.0, "47.376", "0.2000", "789.6", "25", "189.5",
        ),
        (
            None, 2000.0, 500.0, 400.0, 400.0, "47.376", "0.2000", "197.4", "1600", "11.84",
        ),
        (
            Some(0.4),
            1000.0,
            2000.0,
            250.0,
            250.0,
            "38.400",
            "0.2500",
            "800.0",
            "125",
            "76.80",
        ),
        (
            Some(0.4),
            2000.0,
            3000.0,
            600.0,
            660.0,
            "32.000",
            "0.3000",
            "1200.0",
            "440",
            "43.64",
        ),
    ] {
        let b = bridge(&BridgeInput {
            volume: v.unwrap_or_else(|| volume(89.0)),
            old_concentration: old,
            new_concentration: new,
            bridge_rate: d / DAY,
            new_rate: then / DAY,
        })
        .unwrap();
        assert_eq!(to(3, b.duration), hours);
        assert_eq!(to(4, b.flow * DAY), rate);
        assert_eq!(to(1, b.entered_dose), entered);
        assert_eq!(to(0, b.omitted.dose_rate * DAY), omitted);
        let decimals = omitted_hours.len() - omitted_hours.find('.').unwrap() - 1;
        assert_eq!(to(decimals, b.omitted.duration), omitted_hours);
        // A quarter, and four times, in the first two.
        assert!((b.omitted.ratio - b.omitted.dose_rate * DAY / then).abs() < 1e-12);
    }
}

#[test]
fn valve_actuations() {
    for (d, c, each) in [(100.0, 500.0, "1.25"), (400.0, 2000.0, "5.00")] {
        let v = valve(&ValveInput {
            dose_rate: d / DAY,
            concentration: c,
            actuation: ParameterSet::default().get("calc.valve.actuation"),
            reservoir: 20.0,
        })
        .unwrap();
        assert_eq!(to(0, v.per_day), "80");
        assert_eq!(to(3, v.interval * 60.0), "18.000");
        assert_eq!(to(2, v.dose_each), each);
        assert_eq!(to(0, v.to_empty / DAY), "100");
    }
}

#[test]
fn transport_delays() {
    for (rate, hours) in [
        (0.048, "197.40"),
        (0.1, "94.75"),
        (0.25, "37.90"),
        (0.5, "18.95"),
        (1.0, "9.48"),
    ] {
        assert_eq!(to(2, transport(volume(89.0), rate / DAY).unwrap()), hours);
    }
}

#[test]
fn priming_fills_tube_and_catheter_or_the_tube_alone() {
    let mut input = PrimeInput {
        tube: 0.199,
        catheter: 0.1958,
        catheter_filled: false,
        flow: 1.0,
        concentration: Some(2000.0),
    };
    let new = prime(&input).unwrap();
    assert_eq!(to(4, new.volume), "0.3948");
    assert_eq!(to(4, new.duration), "0.3948");
    assert_eq!(to(1, new.dose.unwrap()), "789.6");
    input.catheter_filled = true;
    input.concentration = None;
    let tube = prime(&input).unwrap();
    assert_eq!((tube.volume, tube.dose), (0.199, None));
}

#[test]
fn dose_and_flow_are_one_another_s_inverse() {
    let d = dose(400.0 / DAY, 2000.0).unwrap();
    assert_eq!(to(4, d.flow * DAY), "0.2000");
    let back = Dose::of_flow(d.flow, 2000.0).unwrap();
    assert!((back.dose_rate - d.dose_rate).abs() < 1e-12);
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let ok = plan(20.0, 2.0, 2000.0, 400.0, 1.0);
    for (input, message) in [
        (
            RefillInput { fill: 0.0, ..ok },
            "the volume must be greater than zero, not 0 mL",
        ),
        (
            RefillInput { dose_rate: 0.0, ..ok },
            "the dose must be greater than zero, not 0 ug/day",
        ),
        (
            RefillInput { dose_rate: -1.0, ..ok },
            "the dose must be greater than zero, not -24 ug/day",
        ),
        (
            RefillInput {
                concentration: f64::NAN,
                ..ok
            },
            "the concentration must be greater than zero, not NaN ug/mL",
        ),
        (
            RefillInput {
                alarm_volume: -2.0,
                ..ok
            },
            "the alarm volume cannot be negative: -2 mL",
        ),
        (
            RefillInput {
                alarm_volume: 20.0,
                ..ok
            },
            "the low-reservoir alarm at 20 mL is not below the fill of 20 mL",
        ),
        (
            RefillInput { gain: 0.0, ..ok },
            "the gain must be greater than zero, not 0 times the programme",
        ),
        (
            RefillInput { lead: -24.0, ..ok },
            "the lead time cannot be negative: -1 days",
        ),
    ] {
        assert_eq!(refill(&input).unwrap_err().to_string(), message);
    }
    assert!(matches!(transport(1e300, 1e-300), Err(CalcError::NotFinite { .. })));
    assert!(path_volume(0.2, -1.0, 0.0022).is_err());
    let nothing = PrimeInput {
        tube: 0.0,
        catheter: 0.2,
        catheter_filled: true,
        flow: 1.0,
        concentration: None,
    };
    assert!(prime(&nothing).is_err());
}
