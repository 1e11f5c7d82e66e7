//! The battery and the reservoir by themselves, with numbers that binary fractions hold exactly.

use itbsim::engine::SimTime;
use itbsim::pump::{Battery, Endurance, PumpError, Refill, Reservoir};
use itbsim::signals::Others;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

mod a_battery {
    use super::*;

    /// 1024 h at rest, as much again used by 1 mL/h; 100 h of warning, 10,000 h of service.
    const ENDURANCE: Endurance = Endurance {
        idle_life: 1024.0,
        flow_cost: 1.0 / 1024.0,
        past_flow: 24.0,
        warning: 100.0,
        service_life: 10_000.0,
    };

    /// 256 h at twice the rate of rest: half is used.
    fn half_used() -> Battery {
        Battery::of(SimTime::ZERO, 256.0, ENDURANCE)
    }

    #[test]
    fn has_used_what_time_and_flow_took_before_the_start_and_since() {
        let mut battery = half_used();
        assert_eq!(battery.used(at(0.0)), 0.5);
        assert_eq!(battery.used(at(128.0)), 0.625);
        battery.set_flow(at(128.0), 1.0);
        assert_eq!(battery.used(at(192.0)), 0.75);
        battery.set_drain(at(192.0), 2.0);
        assert_eq!(battery.used(at(224.0)), 0.875);
    }

    #[test]
    fn indicates_when_its_charge_is_used_and_lasts_for_the_warning_after_it() {
        let battery = half_used();
        assert_eq!(battery.indicator_at(), Some(at(512.0)));
        assert_eq!(battery.left(at(0.0)), 612.0);
        assert_eq!(battery.left(at(128.0)), 484.0);
    }

    #[test]
    fn that_nothing_drains_lasts_for_its_service_however_much_is_used() {
        let mut battery = half_used();
        battery.set_drain(at(512.0), 0.0);
        // All is used just now, and nothing more is asked for.
        assert_eq!(battery.used(at(600.0)), 1.0);
        assert_eq!(battery.left(at(600.0)), 10_000.0 - 256.0 - 600.0);
        assert_eq!(battery.indicator_at(), Some(at(10_000.0 - 256.0 - 100.0)));
        let mut worn = half_used();
        worn.set_drain(at(1024.0), 0.0);
        assert_eq!(worn.left(at(1100.0)), 10_000.0 - 256.0 - 1100.0);
    }
}

mod a_reservoir {
    use super::*;

    /// 18 of 20 mL above 1 mL that stays, 2000 ug/mL.
    fn filled() -> Reservoir {
        Reservoir::new(SimTime::ZERO, 20.0, 18.0, 1.0, 2000.0).unwrap()
    }

    fn other(concentration: f64) -> Others {
        let mut others = Others::NONE;
        others.set(0, concentration);
        others
    }

    fn refill(volume: f64, concentration: f64, aspirate: bool) -> Refill {
        Refill {
            volume,
            entered_volume: volume,
            concentration,
            label: concentration,
            aspirate,
            others: Others::NONE,
        }
    }

    #[test]
    fn counts_what_was_programmed_whatever_leaves() {
        let mut reservoir = filled();
        reservoir.set_rates(at(0.0), 0.25, 0.5);
        assert_eq!(reservoir.counted(at(4.0)), 2.0);
        assert_eq!(reservoir.delivered(at(4.0)), 1.0);
        // The same flow leaves, and less is counted.
        reservoir.set_rates(at(4.0), 0.25, 0.125);
        assert_eq!(reservoir.counted(at(12.0)), 3.0);
        assert_eq!(reservoir.believed(at(12.0)), 15.0);
        assert_eq!(reservoir.usable(at(12.0)), 15.0);
    }

    #[test]
    fn does_not_become_empty_again_when_all_of_it_is_out_of_reach() {
        let mut reservoir = filled();
        reservoir.set_rates(at(0.0), 0.25, 0.25);
        assert_eq!(reservoir.empty_at(), Some(at(72.0)));
        reservoir.trap(at(8.0), 20.0);
        assert!(reservoir.is_empty());
        assert_eq!(reservoir.empty_at(), None);
    }

    #[test]
    fn takes_no_drug_in_without_fluid_and_takes_back_what_it_had_delivered() {
        let mut reservoir = filled();
        reservoir.set_rates(at(0.0), 0.25, 0.25);
        let mut untouched = reservoir.clone();
        reservoir.take_in(at(8.0), 0.0, 500.0, Others::NONE);
        assert_eq!(reservoir.concentration(), 2000.0);
        assert_eq!(reservoir.drug(at(8.0)), 17.0 * 2000.0);
        reservoir.take_in(at(8.0), 1.0, 200.0, Others::NONE);
        assert_eq!(reservoir.delivered(at(8.0)), 1.0);
        assert_eq!(reservoir.delivered_drug(at(8.0)), 3800.0);
        untouched.take_in(at(8.0), 0.5, 0.0, Others::NONE);
        assert_eq!(untouched.delivered(at(8.0)), 1.5);
    }

    #[test]
    fn may_be_full_to_a_billionth_and_no_more() {
        let most = 20.0 * (1.0 + 1e-9);
        assert!(filled().refill(at(0.0), &refill(most, 500.0, true), 0.0).is_ok());
        let over = filled().refill(at(0.0), &refill(most + 1e-9, 500.0, true), 0.0);
        assert!(matches!(over, Err(PumpError::OverFill { .. })));
    }

    #[test]
    fn from_which_nothing_is_drawn_adds_the_refill_to_what_it_believed_and_mixes() {
        let mut reservoir = filled();
        reservoir.dissolve(other(8.0)).unwrap();
        reservoir.set_rates(at(0.0), 1.0, 0.5);
        // 3 mL and the one below them meet 4 mL without baclofen, with half as much of the other drug.
        let syringe = Refill {
            others: other(4.0),
            ..refill(4.0, 0.0, false)
        };
        let report = reservoir.refill(at(15.0), &syringe, 0.0).unwrap();
        assert_eq!((report.expected_volume, report.aspirated_volume), (10.5, 0.0));
        assert_eq!(reservoir.believed(at(15.0)), 14.5);
        assert_eq!(reservoir.concentration(), 1000.0);
        assert_eq!(reservoir.others(), other(6.0));
    }

    #[test]
    fn that_is_only_looked_into_keeps_its_mixture_to_the_last_bit() {
        // Volume times concentration, over volume or times its inverse, would be other numbers.
        for (fill, concentration) in [(3.0, 0.7), (2.3, 500.3)] {
            let mut reservoir = Reservoir::new(SimTime::ZERO, 20.0, fill, 0.0, concentration).unwrap();
            reservoir.dissolve(other(concentration)).unwrap();
            reservoir.refill(at(1.0), &refill(0.0, 500.0, false), 0.0).unwrap();
            assert_eq!(reservoir.concentration(), concentration);
            assert_eq!(reservoir.others(), other(concentration));
        }
    }

    #[test]
    fn in_which_a_refill_only_makes_up_what_lacked_has_no_new_mixture() {
        let mut reservoir = Reservoir::new(SimTime::ZERO, 20.0, 1.0, 0.0, 2000.0).unwrap();
        reservoir.dissolve(other(8.0)).unwrap();
        reservoir.set_rates(at(0.0), 1.0, 1.0);
        // Half an hour late: half a millilitre below nothing, which the refill brings to nothing.
        reservoir.mark_empty(at(1.5));
        reservoir.refill(at(2.0), &refill(0.5, 500.0, true), 0.0).unwrap();
        assert_eq!(reservoir.usable(at(2.0)), 0.0);
        assert_eq!(reservoir.concentration(), 2000.0);
        assert_eq!(reservoir.others(), other(8.0));
    }
}
