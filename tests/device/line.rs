//! The catheter against published and derived vectors.

use std::collections::BTreeMap;

use itbsim::catheter::{Catheter, CatheterError, CatheterFault, FAULT_KINDS, Jump};
use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::model::{self, FaultKind, Material, Value};
use itbsim::signals::{Destination, Drive, Level};

const DAY: f64 = 24.0;
const TIP: Destination = Destination::Csf(Level::T10);

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn setup_of(length: f64, material: Material) -> model::Catheter {
    model::Catheter::plain(length, 15.0, Level::T10, material)
}

fn line_of(length: f64, material: Material, parameters: &ParameterSet, concentration: f64) -> Catheter {
    Catheter::new(SimTime::ZERO, &setup_of(length, material), parameters, concentration).unwrap()
}

/// 89 cm, silicone, full of drug.
fn line(concentration: f64) -> Catheter {
    line_of(89.0, Material::Silicone, &ParameterSet::default(), concentration)
}

fn source(per_day: f64) -> Drive {
    Drive {
        flow: per_day / DAY,
        droop: 0.0,
        max_pressure: 100.0,
    }
}

/// What left, and what came in.
#[derive(Default)]
struct Books {
    tip: f64,
    elsewhere: f64,
    tip_volume: f64,
    into: f64,
}

impl Books {
    fn jumps(&mut self, jumps: &[Jump]) {
        for j in jumps {
            if matches!(j.to, Destination::Csf(_)) {
                self.tip += j.drug;
                self.tip_volume += j.volume;
            } else {
                self.elsewhere += j.drug;
            }
        }
    }

    fn flow(&mut self, line: &Catheter, inlet: f64, hours: f64) {
        self.into += line.inflow() * inlet * hours;
        for s in line.streams() {
            let drug = s.flow * s.concentration * hours;
            if matches!(s.to, Destination::Csf(_)) {
                self.tip += drug;
                self.tip_volume += s.flow * hours;
            } else {
                self.elsewhere += drug;
            }
        }
    }
}

/// Runs to an instant, keeping books; returns the number of changes on the way.
fn run(line: &mut Catheter, from: SimTime, to: SimTime, inlet: f64, books: &mut Books) -> usize {
    let mut now = from;
    let mut changes = 0;
    loop {
        let next = line.next_change().filter(|t| *t <= to);
        let until = next.unwrap_or(to);
        books.flow(line, inlet, until.hours_since(now));
        now = until;
        let Some(next) = next else { return changes };
        let jumps = line.on_change(next);
        books.jumps(&jumps);
        changes += 1;
        assert!(changes < 10_000, "changes never end");
    }
}

fn tip_flow(line: &Catheter) -> f64 {
    line.streams()[0].flow
}

#[track_caller]
fn close(a: f64, b: f64, relative: f64) {
    assert!((a - b).abs() <= relative * b.abs().max(1e-300), "{a} is not {b}");
}

mod column {
    use super::*;

    #[test]
    fn dead_volumes_are_the_published_ones() {
        for (length, volume) in [(60.0, 0.331), (89.0, 0.3948), (100.0, 0.419), (114.0, 0.4498)] {
            let line = line_of(length, Material::Braided, &ParameterSet::default(), 0.0);
            close(line.dead_volume(), volume, 1e-12);
        }
    }

    #[test]
    fn a_concentration_change_waits_for_the_dead_volume() {
        for (per_day, hours) in [
            (0.048, 197.40),
            (0.1, 94.752),
            (0.25, 37.9008),
            (0.5, 18.9504),
            (1.0, 9.4752),
        ] {
            let mut line = line(500.0);
            let _ = line.set_source(SimTime::ZERO, source(per_day), 2000.0);
            // The middle of the front is where half the change has come.
            let mut now = SimTime::ZERO;
            while line.tip_concentration() < 1250.0 {
                now = line.next_change().unwrap();
                let _ = line.on_change(now);
            }
            close(now.hours(), hours, 1e-9);
        }
    }

    #[test]
    fn what_stands_at_the_tip_is_told_before_it_flows() {
        let line = line(500.0);
        assert_eq!(tip_flow(&line), 0.0);
        assert_eq!(line.streams()[0].concentration, 500.0);
    }

    #[test]
    fn a_rate_change_reaches_the_tip_at_once() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        assert_eq!(tip_flow(&line), 0.25 / DAY);
        let _ = line.set_source(at(1.0), source(0.5), 500.0);
        assert_eq!(tip_flow(&line), 0.5 / DAY);
        assert_eq!(line.next_change(), None, "one drug, one rate: nothing to wait for");
        close(line.drug(at(50.0)), 500.0 * 0.3948, 1e-12);
    }

    #[test]
    fn a_front_is_smeared_by_one_to_two_percent_and_loses_nothing() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 2000.0);
        let (mut now, mut steps) = (SimTime::ZERO, Vec::new());
        let mut books = Books::default();
        while let Some(next) = line.next_change() {
            books.flow(&line, 2000.0, next.hours_since(now));
            now = next;
            let before = line.tip_concentration();
            let _ = line.on_change(now);
            let after = line.tip_concentration();
            if after != before {
                steps.push((now.hours() * 0.25 / DAY, (after - before) / 1500.0));
            }
        }
        let mean: f64 = steps.iter().map(|s| s.0 * s.1).sum();
        let variance: f64 = steps.iter().map(|s| (s.0 - mean) * (s.0 - mean) * s.1).sum();
        close(steps.iter().map(|s| s.1).sum(), 1.0, 1e-12);
        close(mean, 0.3948, 1e-9);
        let share = variance.sqrt() / 0.3948;
        assert!((0.010..0.020).contains(&share), "{share}");
        close(books.tip + line.drug(now), 500.0 * 0.3948 + books.into, 1e-12);
        // From now on the new drug alone.
        close(line.drug(now), 2000.0 * 0.3948, 1e-9);
    }

    #[test]
    fn drug_that_follows_water_mixes_more() {
        let width = |first: f64| {
            let mut line = line(first);
            let _ = line.set_source(SimTime::ZERO, source(0.25), 2000.0);
            let mut times = Vec::new();
            while let Some(next) = line.next_change() {
                let before = line.tip_concentration();
                let _ = line.on_change(next);
                if line.tip_concentration() != before {
                    times.push(next.hours());
                }
            }
            times[times.len() - 1] - times[0]
        };
        assert!(width(0.0) > 1.5 * width(500.0));
    }

    #[test]
    fn where_there_is_no_tube_what_it_would_hold_changes_nothing() {
        let mut parameters = ParameterSet::default();
        parameters.set("catheter.tube_volume", 0.0).unwrap();
        let course = |tube_concentration| {
            let setup = model::Catheter {
                tube_concentration,
                initial_concentration: Some(2000.0),
                ..setup_of(89.0, Material::Silicone)
            };
            let mut line = Catheter::new(SimTime::ZERO, &setup, &parameters, 500.0).unwrap();
            let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
            let mut seen = Vec::new();
            while let Some(next) = line.next_change() {
                let _ = line.on_change(next);
                seen.push((next, line.tip_concentration()));
            }
            seen
        };
        // The front that the pump begins is smeared whatever stood in no volume before.
        assert!(course(None).len() > 2);
        assert_eq!(course(Some(500.0)), course(None));
    }

    #[test]
    fn a_hole_that_heals_at_once_leaves_a_front_that_still_enters_as_it_was() {
        let mut parameters = ParameterSet::default();
        parameters.set("catheter.tube_volume", 0.0).unwrap();
        parameters.set("catheter.front.smear", 0.1).unwrap();
        let mut line = line_of(89.0, Material::Silicone, &parameters, 500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.8), 2000.0);
        // It is in after two standard deviations of a tenth of 0.1958 mL, at 1.17 h; after an hour it
        // has come 15 cm far, and the hole parts what is behind it.
        let sound = line.next_change().unwrap().hours();
        close(sound, 0.2 * 89.0 * 0.0022 / (0.8 / DAY), 1e-9);
        let leak = CatheterFault::Leak {
            position: 5.0,
            conductance: 0.01,
            into: Destination::Subcutaneous,
        };
        assert_eq!(line.set_fault(at(1.0), "hole", leak, 1.0).unwrap(), []);
        assert_eq!(line.clear_fault(at(1.0), "hole"), []);
        close(line.next_change().unwrap().hours(), sound, 1e-9);
        // The steps into which it is smeared lie on both sides of where it is when it is in: the first
        // of them begins at the old place less what has entered by then.
        let mut now = SimTime::ZERO;
        while line.tip_concentration() == 500.0 {
            now = line.next_change().unwrap();
            assert_eq!(line.on_change(now), []);
        }
        close(now.hours(), 0.8 * 89.0 * 0.0022 / (0.8 / DAY), 1e-9);
    }

    #[test]
    fn a_front_of_which_a_speck_has_entered_is_still_to_be_smeared() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.8), 2000.0);
        let whole = line.next_change().unwrap().hours();
        // In after two standard deviations of 1.5 percent of the dead volume.
        close(whole, 2.0 * 0.015 * 0.3948 / (0.8 / DAY), 1e-9);
        // A nanosecond brings 1e-14 mL, which dissolve in what is there.
        assert_eq!(line.set_tip_pressure(SimTime::from_nanos(1), 1.3).unwrap(), []);
        close(line.next_change().unwrap().hours(), whole, 1e-9);
    }

    #[test]
    fn the_rounding_of_many_steps_of_drug_is_no_store_that_a_new_rate_lets_go() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 2000.0);
        // The front is in after 1.1 h and out after 39 h, and is eight plugs between.
        for hour in 1..50_i32 {
            let now = at(f64::from(hour));
            while let Some(next) = line.next_change().filter(|t| *t <= now) {
                assert_eq!(line.on_change(next), []);
            }
            let rate = if hour % 2 == 0 { 0.25 } else { 0.26 };
            assert_eq!(line.set_source(now, source(rate), 2000.0), [], "at {hour} h");
        }
    }

    #[test]
    fn priming_water_out_delivers_no_drug_before_the_dead_volume() {
        let mut line = line(0.0);
        let _ = line.set_source(SimTime::ZERO, source(24.0), 500.0);
        let mut books = Books::default();
        let until = at(0.30 / 1.0);
        run(&mut line, SimTime::ZERO, until, 500.0, &mut books);
        assert_eq!(books.tip, 0.0);
        close(line.drug(until), 0.3 * 500.0, 1e-9);
    }

    #[test]
    fn contrast_pushes_the_catheter_out_and_leaves_the_tube() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let jumps = line.inject(at(1.0), 0.5).unwrap();
        assert_eq!(jumps.len(), 1);
        assert_eq!(jumps[0].to, TIP);
        close(jumps[0].drug, 500.0 * 0.0022 * 89.0, 1e-12);
        close(line.drug(at(1.0)), 500.0 * 0.199, 1e-12);
        close(line.volume(at(1.0)), 0.3948, 1e-12);
        let part = line.inject(at(1.0), 0.01).unwrap();
        assert_eq!(part[0].drug, 0.0, "contrast comes first now");
    }
}

mod hydraulics {
    use super::*;

    #[test]
    fn a_sound_catheter_costs_about_a_pascal() {
        let p = ParameterSet::default();
        for (per_day, pascal) in [(0.25, 0.9), (1.0, 3.6), (24.0, 86.0)] {
            let mut line = line_of(89.0, Material::Silicone, &p, 500.0);
            let _ = line.set_source(SimTime::ZERO, source(per_day), 500.0);
            let drop = (line.pressure(SimTime::ZERO) - p.get("catheter.tip_pressure.supine")) * 1000.0;
            assert!((drop - pascal).abs() < 0.05 * pascal, "{drop} Pa at {per_day} mL/day");
        }
    }

    #[test]
    fn kinks_raise_the_pressure_as_derived_and_starve_nothing_in_the_end() {
        let p = ParameterSet::default();
        for (bore, kilopascal) in [(0.1, 0.101), (0.05, 1.6), (0.02, 63.0)] {
            let mut line = line_of(89.0, Material::Silicone, &p, 500.0);
            let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
            let kink = CatheterFault::Kink {
                position: 50.0,
                length: 1.0,
                bore,
            };
            let jumps = line.set_fault(SimTime::ZERO, "k", kink, 1.0).unwrap();
            assert!(jumps.is_empty());
            run(&mut line, SimTime::ZERO, at(200.0), 500.0, &mut Books::default());
            let rise = line.pressure(at(200.0)) - p.get("catheter.tip_pressure.supine");
            assert!(
                (rise - kilopascal).abs() < 0.02 * kilopascal,
                "{rise} kPa at bore {bore}"
            );
            close(tip_flow(&line), 0.25 / DAY, 1e-9);
        }
    }

    #[test]
    fn full_flow_returns_behind_a_kink_with_the_time_constant_of_the_wall() {
        let p = ParameterSet::default();
        let mut line = line_of(89.0, Material::Silicone, &p, 500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let kink = CatheterFault::Kink {
            position: 50.0,
            length: 1.0,
            bore: 0.02,
        };
        line.set_fault(SimTime::ZERO, "k", kink, 1.0).unwrap();
        let compliance = 1e-3 * (p.get("catheter.compliance.tube") + 50.0 * p.get("catheter.compliance.silicone"));
        let resistance = 63.0 / (0.25 / DAY);
        let tau = compliance * resistance;
        let mut books = Books::default();
        run(&mut line, SimTime::ZERO, at(tau), 500.0, &mut books);
        // Volume past the kink after one time constant: q (t - tau (1 - 1/e)).
        let exact = 0.25 / DAY * tau / std::f64::consts::E;
        close(books.tip_volume, exact, 0.01);
        assert!(tau > 0.5, "hours, not minutes: {tau}");
    }

    #[test]
    fn pressure_behind_an_occlusion_takes_hours_to_its_limit() {
        // 0.15-0.73 uL/kPa to 100 kPa at 0.25 mL/day: 85-420 min.
        for (total, minutes) in [(0.15, 86.4), (0.73, 420.5)] {
            let mut p = ParameterSet::default();
            p.set("catheter.compliance.silicone", total / 89.0).unwrap();
            p.set("catheter.compliance.tube", 0.0).unwrap();
            p.set("catheter.tip_pressure.supine", 0.0).unwrap();
            let mut line = line_of(89.0, Material::Silicone, &p, 500.0);
            let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
            let plug = CatheterFault::Occlusion {
                position: 89.0,
                bore: 0.0,
            };
            line.set_fault(SimTime::ZERO, "o", plug, 1.0).unwrap();
            assert_eq!(tip_flow(&line), 0.0);
            close(line.inflow(), 0.25 / DAY, 1e-12);
            let slip = line.next_change().unwrap();
            close(slip.hours() * 60.0, minutes, 1e-3);
            close(line.pressure(slip), 100.0, 1e-9);
            let _ = line.on_change(slip);
            assert_eq!(line.inflow(), 0.0);
            assert_eq!(line.next_change(), None);
        }
    }

    #[test]
    fn what_the_wall_stored_leaves_at_once_when_the_way_opens() {
        let p = ParameterSet::default();
        let mut line = line_of(89.0, Material::Silicone, &p, 500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let plug = CatheterFault::Occlusion {
            position: 80.0,
            bore: 0.0,
        };
        line.set_fault(SimTime::ZERO, "o", plug, 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(100.0), 500.0, &mut Books::default());
        let stored = line.volume(at(100.0)) - line.dead_volume();
        let compliance = 1e-3 * (p.get("catheter.compliance.tube") + 80.0 * p.get("catheter.compliance.silicone"));
        close(
            stored,
            compliance * (100.0 - p.get("catheter.tip_pressure.supine")),
            1e-8,
        );
        let jumps = line.clear_fault(at(100.0), "o");
        assert_eq!(jumps.len(), 1);
        close(jumps[0].volume, stored, 1e-9);
        close(jumps[0].drug, stored * 500.0, 1e-9);
        close(line.volume(at(100.0)), line.dead_volume(), 1e-12);
        assert_eq!(tip_flow(&line), 0.25 / DAY);
    }

    #[test]
    fn what_a_plug_held_back_leaves_through_a_hole_that_opens_before_it() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let plug = CatheterFault::Occlusion {
            position: 80.0,
            bore: 0.0,
        };
        line.set_fault(SimTime::ZERO, "o", plug, 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(1.0), 500.0, &mut Books::default());
        // All that the pump gave in an hour, as its limit is far.
        let stored = 0.25 / DAY;
        close(line.volume(at(1.0)) - line.dead_volume(), stored, 1e-9);
        let hole = CatheterFault::Leak {
            position: 30.0,
            conductance: 1e3,
            into: Destination::Subcutaneous,
        };
        let jumps = line.set_fault(at(1.0), "l", hole, 1.0).unwrap();
        assert_eq!(jumps.len(), 1);
        assert_eq!(jumps[0].to, Destination::Subcutaneous, "the tip is closed");
        close(jumps[0].volume, stored, 1e-9);
        close(jumps[0].drug, stored * 500.0, 1e-9);
    }

    #[test]
    fn a_second_plug_nearer_the_pump_presses_nothing_through_the_first() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let plug = |position: f64| CatheterFault::Occlusion { position, bore: 0.0 };
        line.set_fault(SimTime::ZERO, "far", plug(80.0), 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(1.0), 500.0, &mut Books::default());
        assert_eq!(line.set_fault(at(1.0), "near", plug(40.0), 1.0).unwrap(), []);
        close(line.volume(at(1.0)) - line.dead_volume(), 0.25 / DAY, 1e-9);
    }

    #[test]
    fn a_pump_at_its_limit_gives_a_stiff_line_what_the_limit_drives_through_it() {
        let mut p = ParameterSet::default();
        p.set("catheter.compliance.silicone", 0.0).unwrap();
        p.set("catheter.compliance.tube", 0.0).unwrap();
        let csf = p.get("catheter.tip_pressure.supine");
        let mut line = line_of(89.0, Material::Silicone, &p, 500.0);
        let kink = CatheterFault::Kink {
            position: 50.0,
            length: 1.0,
            bore: 0.01,
        };
        line.set_fault(SimTime::ZERO, "k", kink, 1.0).unwrap();
        // Forty kPa at a flow below the limit; 25 times that would be 1000.
        let _ = line.set_source(SimTime::ZERO, source(0.01), 500.0);
        let resistance = (line.pressure(SimTime::ZERO) - csf) / (0.01 / DAY);
        let _ = line.set_source(at(1.0), source(0.25), 500.0);
        assert_eq!(line.pressure(at(1.0)), 100.0);
        close(line.inflow(), (100.0 - csf) / resistance, 1e-9);
        assert_eq!(tip_flow(&line), line.inflow());
    }

    #[test]
    fn a_pump_that_slips_gives_hole_and_kink_what_its_limit_drives_through_each() {
        let mut line = line(500.0);
        let per_cm = 1.0 / line.port().tip / 89.0;
        let _ = line.set_source(SimTime::ZERO, source(4.8), 500.0);
        let kink = CatheterFault::Kink {
            position: 80.0,
            length: 1.0,
            bore: 0.02,
        };
        line.set_fault(SimTime::ZERO, "k", kink, 1.0).unwrap();
        let hole = CatheterFault::Leak {
            position: 25.0,
            conductance: 1e-4,
            into: Destination::Subcutaneous,
        };
        line.set_fault(SimTime::ZERO, "l", hole, 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(20.0), 500.0, &mut Books::default());
        // The limit holds at the kink: from there to the tip are the kink and 9 cm, from the hole
        // to there 55 cm.
        let csf = ParameterSet::default().get("catheter.tip_pressure.supine");
        let on = (100.0 - csf) / (1.0 / line.port().tip - 80.0 * per_cm);
        close(line.pressure(at(20.0)), 100.0, 1e-9);
        close(tip_flow(&line), on, 1e-9);
        close(line.streams()[1].flow, 1e-4 * (100.0 + on * 55.0 * per_cm), 1e-9);
    }

    #[test]
    fn a_pump_whose_limit_falls_below_the_pressure_waits_until_it_has_sunk_to_it() {
        let p = ParameterSet::default();
        let csf = p.get("catheter.tip_pressure.supine");
        let mut line = line(500.0);
        let per_cm = 1.0 / line.port().tip / 89.0;
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let kink = CatheterFault::Kink {
            position: 50.0,
            length: 1.0,
            bore: 0.015,
        };
        line.set_fault(SimTime::ZERO, "k", kink, 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(100.0), 500.0, &mut Books::default());
        close(line.pressure(at(100.0)), 100.0, 1e-9);
        let weaker = Drive {
            max_pressure: 50.0,
            ..source(0.25)
        };
        let _ = line.set_source(at(100.0), weaker, 500.0);
        let mut now = at(100.0);
        while line.inflow() == 0.0 {
            now = line.next_change().unwrap();
            assert_eq!(line.on_change(now), []);
        }
        // The wall empties through kink and 39 cm towards the spinal fluid.
        let compliance = 1e-3 * (p.get("catheter.compliance.tube") + 50.0 * p.get("catheter.compliance.silicone"));
        let resistance = 1.0 / line.port().tip - 50.0 * per_cm;
        let sinks = compliance * resistance * ((100.0 - csf) / (50.0 - csf)).ln();
        close(now.hours_since(at(100.0)), sinks, 1e-7);
        close(line.pressure(now), 50.0, 1e-7);
        close(line.inflow(), (50.0 - csf) / resistance, 1e-7);
    }

    #[test]
    fn a_growing_occlusion_is_felt_only_near_its_end() {
        let plug = CatheterFault::Occlusion {
            position: 40.0,
            bore: 0.0,
        };
        for (u, passes) in [(0.5, true), (0.9, true), (1.0, false)] {
            let mut line = line(500.0);
            let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
            line.set_fault(SimTime::ZERO, "o", plug, u).unwrap();
            run(&mut line, SimTime::ZERO, at(50.0), 500.0, &mut Books::default());
            assert_eq!(tip_flow(&line) > 0.0, passes, "severity {u}");
        }
    }

    #[test]
    fn a_stopped_pump_lets_the_stored_volume_seep_out() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let kink = CatheterFault::Kink {
            position: 50.0,
            length: 1.0,
            bore: 0.02,
        };
        line.set_fault(SimTime::ZERO, "k", kink, 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(50.0), 500.0, &mut Books::default());
        let stored = line.volume(at(50.0)) - line.dead_volume();
        let _ = line.set_source(at(50.0), source(0.0), 500.0);
        assert_eq!(line.inflow(), 0.0);
        let mut books = Books::default();
        let changes = run(&mut line, at(50.0), at(100.0), 500.0, &mut books);
        close(books.tip_volume, stored, 1e-9);
        assert!(changes <= 16, "{changes}");
        assert_eq!(line.next_change(), None);
    }
}

mod leaks {
    use super::*;

    fn leak(conductance: f64) -> CatheterFault {
        CatheterFault::Leak {
            position: 25.0,
            conductance,
            into: Destination::Subcutaneous,
        }
    }

    #[test]
    fn a_small_leak_shares_the_flow_by_pressure() {
        let p = ParameterSet::default();
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        line.set_fault(SimTime::ZERO, "l", leak(0.002), 1.0).unwrap();
        let leaked = line.streams()[1];
        assert_eq!(leaked.to, Destination::Subcutaneous);
        close(leaked.flow, 0.002 * p.get("catheter.tip_pressure.supine"), 1e-2);
        close(leaked.flow + tip_flow(&line), 0.25 / DAY, 1e-12);
        close(line.inflow(), 0.25 / DAY, 1e-15);
        // Upright, the fluid at the tip presses harder and more is lost.
        line.set_tip_pressure(at(1.0), p.get("catheter.tip_pressure.upright"))
            .unwrap();
        assert!(line.streams()[1].flow > 3.0 * leaked.flow);
    }

    #[test]
    fn a_hole_in_a_line_of_one_fluid_loses_that_fluid_to_the_last_bit() {
        // A rounded concentration would be another fluid, whose front is waited for behind the hole.
        for tenths in 1..=100_i32 {
            let mut line = line(500.1);
            let _ = line.set_source(SimTime::ZERO, source(f64::from(tenths) / 10.0), 500.1);
            line.set_fault(SimTime::ZERO, "l", leak(0.002), 1.0).unwrap();
            assert!(tip_flow(&line) > 0.0);
            assert_eq!(line.streams()[1].concentration, 500.1, "{tenths}");
            assert_eq!(line.next_change(), None, "{tenths}");
        }
    }

    #[test]
    fn a_front_reaches_a_hole_before_a_plug_when_the_volume_to_the_hole_has_been_pumped() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.2), 2000.0);
        let plug = CatheterFault::Occlusion {
            position: 80.0,
            bore: 0.0,
        };
        line.set_fault(SimTime::ZERO, "o", plug, 1.0).unwrap();
        line.set_fault(SimTime::ZERO, "l", leak(0.001), 1.0).unwrap();
        let mut now = SimTime::ZERO;
        while line.streams()[1].concentration < 1250.0 {
            now = line.next_change().unwrap();
            assert_eq!(line.on_change(now), []);
        }
        // What the wall stores meanwhile lies behind the hole, before the plug, and delays nothing.
        assert!(line.volume(now) - line.dead_volume() > 1e-3);
        close(now.hours(), (0.199 + 25.0 * 0.0022) / (0.2 / DAY), 1e-9);
    }

    #[test]
    fn a_syringe_at_the_port_meets_all_holes_together() {
        let mut p = ParameterSet::default();
        p.set("catheter.disconnection.conductance", 4.0).unwrap();
        let mut line = line_of(89.0, Material::Silicone, &p, 500.0);
        assert_eq!(line.port().leaks, 0.0);
        line.set_fault(SimTime::ZERO, "l", leak(0.25), 1.0).unwrap();
        assert_eq!(line.port().leaks, 0.25);
        // Half apart is half of an open end.
        let apart = CatheterFault::Disconnection {
            position: 60.0,
            opening: 1.0,
            into: Destination::Subcutaneous,
        };
        line.set_fault(SimTime::ZERO, "d", apart, 0.5).unwrap();
        assert_eq!(line.port().leaks, 0.25 + 0.5 * 4.0);
    }

    #[test]
    fn a_big_leak_takes_all_drug_and_spinal_fluid_too() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        line.set_fault(SimTime::ZERO, "l", leak(0.1), 1.0).unwrap();
        assert!(tip_flow(&line) < 0.0, "spinal fluid runs back");
        assert_eq!(line.streams()[0].concentration, 0.0);
        let mut books = Books::default();
        run(&mut line, SimTime::ZERO, at(200.0), 500.0, &mut books);
        assert_eq!(books.tip, 0.0);
        let leaked = line.streams()[1];
        // Drug diluted by what runs back, at the pump's rate.
        close(leaked.flow * leaked.concentration, 500.0 * 0.25 / DAY, 1e-9);
        close(
            books.elsewhere + line.drug(at(200.0)),
            500.0 * 0.3948 + books.into,
            1e-12,
        );
    }

    #[test]
    fn after_repair_spinal_fluid_comes_first_and_then_drug() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        line.set_fault(SimTime::ZERO, "l", leak(0.1), 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(100.0), 500.0, &mut Books::default());
        let _ = line.clear_fault(at(100.0), "l");
        let mut books = Books::default();
        let wait = 0.0022 * 64.0 / (0.25 / DAY);
        run(&mut line, at(100.0), at(100.0 + wait - 0.001), 500.0, &mut books);
        assert_eq!(books.tip, 0.0);
        run(
            &mut line,
            at(100.0 + wait - 0.001),
            at(100.0 + wait + 1.0),
            500.0,
            &mut books,
        );
        assert!(books.tip > 0.0);
    }

    #[test]
    fn a_kink_between_two_near_holes_does_not_run_dry_when_the_wall_springs_back() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        line.set_tip_pressure(SimTime::ZERO, 5.0).unwrap();
        let before = line.volume(SimTime::ZERO);
        let kink = CatheterFault::Kink {
            position: 85.0,
            length: 1.0,
            bore: 0.015,
        };
        line.set_fault(SimTime::ZERO, "k", kink, 1.0).unwrap();
        for (id, position) in [("before", 84.9), ("behind", 85.1)] {
            let hole = CatheterFault::Leak {
                position,
                conductance: 0.1,
                into: Destination::Subcutaneous,
            };
            assert!(line.set_fault(SimTime::ZERO, id, hole, 1.0).unwrap().is_empty());
        }
        // From 5 kPa of the spinal fluid to the tissue's none.
        let (mut now, mut passed, mut changes) = (SimTime::ZERO, 0.0, 0);
        while let Some(next) = line.next_change() {
            changes += 1;
            assert!(changes < 10_000, "changes never end");
            let net = line.inflow() - line.streams().iter().map(|s| s.flow).sum::<f64>();
            passed += net * next.hours_since(now);
            now = next;
            assert!(line.on_change(now).is_empty());
        }
        assert!(passed < -0.0015, "the wall gave {passed} mL");
        close(line.volume(now), before + passed, 1e-12);
    }

    #[test]
    fn a_leak_above_an_occlusion_takes_everything() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let plug = CatheterFault::Occlusion {
            position: 60.0,
            bore: 0.0,
        };
        line.set_fault(SimTime::ZERO, "o", plug, 1.0).unwrap();
        line.set_fault(SimTime::ZERO, "l", leak(0.01), 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(100.0), 500.0, &mut Books::default());
        assert_eq!(tip_flow(&line), 0.0);
        close(line.streams()[1].flow, 0.25 / DAY, 1e-9);
        close(line.pressure(at(100.0)), 0.25 / DAY / 0.01, 1e-2);
    }

    #[test]
    fn a_leak_below_an_occlusion_only_drains_the_spine() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let plug = CatheterFault::Occlusion {
            position: 10.0,
            bore: 0.0,
        };
        line.set_fault(SimTime::ZERO, "o", plug, 1.0).unwrap();
        line.set_fault(SimTime::ZERO, "l", leak(0.01), 1.0).unwrap();
        run(&mut line, SimTime::ZERO, at(200.0), 500.0, &mut Books::default());
        assert_eq!(line.inflow(), 0.0);
        let (tip, leaked) = (line.streams()[0], line.streams()[1]);
        assert!(tip.flow < 0.0);
        close(leaked.flow, -tip.flow, 1e-9);
    }

    #[test]
    fn a_disconnection_loses_all_drug_into_the_tissue() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        let apart = CatheterFault::Disconnection {
            position: 0.0,
            opening: 1.0,
            into: Destination::Subcutaneous,
        };
        line.set_fault(SimTime::ZERO, "d", apart, 1.0).unwrap();
        let mut books = Books::default();
        run(&mut line, SimTime::ZERO, at(48.0), 500.0, &mut books);
        assert_eq!(books.tip, 0.0);
        close(line.inflow(), 0.25 / DAY, 1e-15);
        assert!(tip_flow(&line) < -0.1);
    }
}

mod migration {
    use super::*;

    #[test]
    fn a_moved_tip_changes_where_drug_goes_and_not_how_much() {
        let mut line = line(500.0);
        let _ = line.set_source(SimTime::ZERO, source(0.25), 500.0);
        for to in [
            Destination::Csf(Level::L4),
            Destination::Epidural,
            Destination::Subdural,
        ] {
            let jumps = line
                .set_fault(at(1.0), "m", CatheterFault::Migration { to }, 1.0)
                .unwrap();
            assert!(jumps.is_empty());
            assert_eq!(line.streams()[0].to, to);
            assert_eq!(tip_flow(&line), 0.25 / DAY);
            assert_eq!(line.tip_destination(), to);
        }
        line.set_fault(
            at(2.0),
            "m",
            CatheterFault::Migration {
                to: Destination::Epidural,
            },
            0.2,
        )
        .unwrap();
        assert_eq!(line.tip_destination(), TIP, "not yet moved at low severity");
    }
}

mod errors {
    use super::*;

    #[test]
    fn places_off_the_catheter_are_refused() {
        let mut line = line(500.0);
        let before = serde_json::to_value(&line).unwrap();
        let kink = CatheterFault::Kink {
            position: 90.0,
            length: 1.0,
            bore: 0.1,
        };
        let refused = line.set_fault(at(1.0), "k", kink, 1.0).unwrap_err();
        assert!(matches!(refused, CatheterError::Position { .. }));
        assert_eq!(serde_json::to_value(&line).unwrap(), before);
    }

    #[test]
    fn nothing_can_be_injected_into_a_closed_line() {
        let mut line = line(500.0);
        let plug = CatheterFault::Occlusion {
            position: 60.0,
            bore: 0.0,
        };
        line.set_fault(at(1.0), "o", plug, 1.0).unwrap();
        assert_eq!(line.inject(at(2.0), 1.0), Err(CatheterError::Blocked));
    }

    /// Every field of a kind, with its default where it has one.
    fn fields(kind: &FaultKind) -> BTreeMap<String, Value> {
        let all = kind.fields.iter().map(|f| {
            let value = match f.words.first() {
                Some(word) => Value::Text((*word).to_owned()),
                None => Value::Number(f.default.unwrap_or(0.1)),
            };
            (f.name.to_owned(), value)
        });
        all.collect()
    }

    #[test]
    fn every_fault_kind_is_built_from_its_fields() {
        for kind in FAULT_KINDS {
            let fault = CatheterFault::from_values(kind.kind, &fields(kind)).unwrap();
            line(500.0).set_fault(at(1.0), "f", fault, 1.0).unwrap();
            let nothing = CatheterFault::from_values(kind.kind, &Default::default()).unwrap_err();
            assert!(matches!(nothing, CatheterError::Field { .. }));
        }
    }

    #[test]
    fn a_field_left_out_has_its_own_default() {
        let mut left_out = Vec::new();
        for kind in FAULT_KINDS {
            let full = CatheterFault::from_values(kind.kind, &fields(kind)).unwrap();
            for field in kind.fields.iter().filter(|f| f.default.is_some()) {
                let mut fewer = fields(kind);
                fewer.remove(field.name);
                assert_eq!(
                    CatheterFault::from_values(kind.kind, &fewer),
                    Ok(full),
                    "{}",
                    field.name
                );
                left_out.push(field.name);
            }
        }
        assert_eq!(left_out, ["length", "mass_share"]);
    }
}
