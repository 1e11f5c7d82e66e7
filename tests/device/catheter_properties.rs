//! Accounting, purity, order and storage of the catheter over random stories.

use itbsim::catheter::{Catheter, CatheterFault, Drawn, Jump};
use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::model::{self, Material};
use itbsim::signals::{Destination, Drive, Level};
use proptest::prelude::*;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn line(concentration: f64) -> Catheter {
    let setup = model::Catheter::plain(89.0, 15.0, Level::T10, Material::Silicone);
    Catheter::new(SimTime::ZERO, &setup, &ParameterSet::default(), concentration).unwrap()
}

/// Something done to a catheter.
#[derive(Debug, Clone)]
enum Act {
    /// Flow [mL/day], droop as a share of the flow per kPa, concentration.
    Source(f64, f64, f64),
    Fault(&'static str, CatheterFault, f64),
    Mend(&'static str),
    Pressure(f64),
    Inject(f64),
    Aspirate(f64),
    /// Run back to this total.
    Back(f64),
}

fn fault() -> impl Strategy<Value = CatheterFault> {
    let place = 0.0..89.0_f64;
    let space = prop_oneof![
        Just(Destination::Subcutaneous),
        Just(Destination::Epidural),
        Just(Destination::Subdural),
        Just(Destination::Csf(Level::L2)),
    ];
    prop_oneof![
        (place.clone(), 0.5..3.0_f64, 0.0..1.0_f64).prop_map(|(position, length, bore)| CatheterFault::Kink {
            position,
            length,
            bore: bore * bore * bore,
        }),
        place
            .clone()
            .prop_map(|position| CatheterFault::Occlusion { position, bore: 0.0 }),
        (place.clone(), -5.0..1.0_f64, space.clone()).prop_map(|(position, log, into)| CatheterFault::Leak {
            position,
            conductance: 10.0_f64.powf(log),
            into,
        }),
        (place.clone(), space.clone()).prop_map(|(position, into)| CatheterFault::Disconnection {
            position,
            opening: 1.0,
            into,
        }),
        space.clone().prop_map(|to| CatheterFault::Migration { to }),
        (0.0..1.0_f64, 0.0..=1.0_f64).prop_map(|(bore, share)| CatheterFault::Granuloma {
            bore: bore * bore * bore,
            share,
        }),
        (0.0..0.7_f64).prop_map(|offset| CatheterFault::Misalignment { offset }),
        (place, -5.0..1.0_f64, 0.0..1.0_f64, space).prop_map(|(position, log, bore, into)| CatheterFault::Fracture {
            position,
            conductance: 10.0_f64.powf(log),
            bore: bore * bore * bore,
            into,
        }),
        (-3.0..2.0_f64).prop_map(|log| CatheterFault::CsfLeak {
            level: Level::L3,
            conductance: 10.0_f64.powf(log),
        }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c")];
    let flow = prop_oneof![Just(0.0), 0.006..1.0_f64, 1.0..24.0_f64];
    let drug = prop_oneof![Just(0.0), Just(500.0), Just(2000.0), 50.0..4000.0_f64];
    // A stiff pump, and two that weaken against pressure.
    let droop = prop_oneof![Just(0.0), Just(0.002), Just(0.02)];
    prop_oneof![
        4 => (flow, droop, drug).prop_map(|(q, d, c)| Act::Source(q, d, c)),
        4 => (name.clone(), fault(), prop_oneof![Just(1.0), 0.0..1.0_f64]).prop_map(|(n, f, u)| Act::Fault(n, f, u)),
        2 => name.prop_map(Act::Mend),
        1 => (0.0..5.0_f64).prop_map(Act::Pressure),
        1 => (0.0..1.0_f64).prop_map(Act::Inject),
        1 => (0.0..1.0_f64).prop_map(Act::Aspirate),
        1 => (0.0..3.0_f64).prop_map(Act::Back),
    ]
}

#[derive(Debug, Clone, Copy, Default)]
struct Books {
    drug_in: f64,
    drug_out: f64,
    volume_in: f64,
    volume_out: f64,
    /// Of `drug_out`, what reached the spinal fluid.
    spine: f64,
}

impl Books {
    fn drawn(&mut self, drawn: Drawn) -> Vec<Jump> {
        self.drug_out += drawn.drug;
        self.volume_out += drawn.volume;
        drawn.jumps
    }

    fn jumps(&mut self, jumps: &[Jump]) {
        for j in jumps {
            self.drug_out += j.drug;
            self.volume_out += j.volume;
            if let Destination::Csf(_) = j.to {
                self.spine += j.drug;
            }
        }
    }
}

#[derive(Clone)]
struct Story {
    line: Catheter,
    drive: Drive,
    inlet: f64,
    now: SimTime,
    books: Books,
    changes: usize,
}

impl Story {
    fn new() -> Self {
        Self {
            line: line(500.0),
            drive: Drive {
                flow: 0.0,
                droop: 0.0,
                max_pressure: 100.0,
            },
            inlet: 500.0,
            now: SimTime::ZERO,
            books: Books::default(),
            changes: 0,
        }
    }

    fn apply(&mut self, act: &Act) {
        let (now, line) = (self.now, &mut self.line);
        let jumps = match act {
            Act::Source(flow, droop, concentration) => {
                self.drive.flow = flow / 24.0;
                self.drive.droop = flow / 24.0 * droop;
                self.inlet = *concentration;
                line.set_source(now, self.drive, *concentration)
            }
            Act::Fault(name, fault, u) => line.set_fault(now, name, *fault, *u).unwrap(),
            Act::Mend(name) => line.clear_fault(now, name),
            Act::Pressure(p) => line.set_tip_pressure(now, *p).unwrap(),
            Act::Inject(volume) => match line.inject(now, *volume) {
                Ok(jumps) => {
                    self.books.volume_in += volume;
                    jumps
                }
                Err(_) => Vec::new(),
            },
            Act::Aspirate(volume) => match line.aspirate(now, *volume) {
                Ok(drawn) => self.books.drawn(drawn),
                Err(_) => Vec::new(),
            },
            Act::Back(total) => match line.run_back(now, "back", *total) {
                Ok(Some(drawn)) => self.books.drawn(drawn),
                Ok(None) | Err(_) => Vec::new(),
            },
        };
        self.books.jumps(&jumps);
    }

    fn run(&mut self, until: SimTime) {
        loop {
            let next = self.line.next_change().filter(|t| *t <= until);
            let then = next.unwrap_or(until);
            let hours = then.hours_since(self.now);
            self.books.drug_in += self.line.inflow() * self.inlet * hours;
            self.books.volume_in += self.line.inflow() * hours;
            for s in self.line.streams() {
                assert!(
                    s.concentration >= 0.0 && s.concentration <= 4000.0 * (1.0 + 1e-9),
                    "{s:?}"
                );
                self.books.drug_out += s.flow * s.concentration * hours;
                if let Destination::Csf(_) = s.to {
                    self.books.spine += s.flow.max(0.0) * s.concentration * hours;
                }
                self.books.volume_out += s.flow * hours;
            }
            self.now = then;
            if next.is_none() {
                return;
            }
            let jumps = self.line.on_change(then);
            self.books.jumps(&jumps);
            self.changes += 1;
            assert!(self.changes < 20_000, "changes never end");
        }
    }
}

#[test]
fn a_line_at_rest_behind_an_all_but_closed_cut_stays_at_rest() {
    // Found by chance: rounding grew through the bore of a ten-thousandth, and 25 changes an hour followed for ever.
    let cut = |position, conductance, bore, into| CatheterFault::Fracture {
        position,
        conductance,
        bore,
        into,
    };
    let acts = [
        (
            0.0,
            Act::Fault("a", cut(0.0, 0.003, 1.3e-4, Destination::Subcutaneous), 1.0),
        ),
        (25.0, Act::Fault("b", cut(80.0, 0.013, 0.0, Destination::Subdural), 1.0)),
        (27.0, Act::Source(0.0, 0.0, 0.0)),
    ];
    let mut story = Story::new();
    let mut hours = 0.0;
    for (wait, act) in &acts {
        hours += wait;
        story.run(at(hours));
        story.apply(act);
    }
    story.run(at(10_000.0));
    assert!(story.changes <= 60, "{} changes", story.changes);
    assert_eq!(story.line.next_change(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn volume_and_drug_are_conserved(acts in prop::collection::vec((0.0..60.0_f64, act()), 1..40)) {
        let mut story = Story::new();
        let (drug, volume) = (story.line.drug(SimTime::ZERO), story.line.volume(SimTime::ZERO));
        let mut hours = 0.0;
        for (wait, act) in &acts {
            hours += wait;
            story.run(at(hours));
            story.apply(act);
            let b = story.books;
            let turnover = drug + b.drug_in;
            let off = drug + b.drug_in - b.drug_out - story.line.drug(story.now);
            prop_assert!(off.abs() <= 1e-11 * turnover, "drug off by {} of {}", off, turnover);
            // Through a big leak far more spinal fluid passes than the pump ever pumped.
            let passed = volume + b.volume_in + b.volume_out.abs() + 60.0 * 40.0;
            let off = volume + b.volume_in - b.volume_out - story.line.volume(story.now);
            prop_assert!(off.abs() <= 1e-12 * passed, "volume off by {}", off);
            // Each front is met up to a nanosecond late, at up to 60 mL/h through an open end, so a
            // clean column can owe this much.
            let owed = 60.0 / 3.6e12 * 4000.0 * (story.changes as f64 + 1.0);
            prop_assert!(story.line.drug(story.now) >= -owed);
            let widest = story.line.dead_volume() + 4.3e-4 * 100.0;
            prop_assert!(story.line.volume(story.now) <= widest + 1e-9, "{}", story.line.volume(story.now));
            prop_assert!(story.line.volume(story.now) >= story.line.dead_volume() - 0.01);
            // A weak pump gives a little more where the outlet is sucked at.
            let most = story.drive.flow * (1.0 + 1e-9) + story.drive.droop * 5.0;
            prop_assert!(
                story.line.inflow() >= 0.0 && story.line.inflow() <= most,
                "{} of {} mL/h at {} kPa",
                story.line.inflow(),
                most,
                story.line.pressure(story.now)
            );
            prop_assert!(story.line.pressure(story.now).is_finite());
        }
        // A front is a handful of changes, a transient at most sixteen.
        prop_assert!(story.changes <= 60 * (acts.len() + 1), "{} changes", story.changes);
    }

    #[test]
    fn looking_and_repeating_changes_nothing(acts in prop::collection::vec((0.0..60.0_f64, act()), 1..30)) {
        let mut plain = Story::new();
        let mut watched = Story::new();
        let mut hours = 0.0;
        for (wait, act) in &acts {
            hours += wait;
            plain.run(at(hours));
            watched.run(at(hours));
            plain.apply(act);
            watched.apply(act);
            if !matches!(act, Act::Inject(_) | Act::Aspirate(_)) {
                watched.apply(act);
            }
            for k in 0..5 {
                let t = at(hours + f64::from(k) * 0.01);
                let _ = (watched.line.drug(t), watched.line.pressure(t), watched.line.next_change());
            }
            prop_assert_eq!(&plain.line, &watched.line);
        }
    }

    #[test]
    fn a_restored_catheter_goes_on_with_the_same_bits(acts in prop::collection::vec((0.0..60.0_f64, act()), 1..30)) {
        let mut story = Story::new();
        let mut hours = 0.0;
        for (wait, act) in &acts {
            hours += wait;
            let mut restored = story.clone();
            restored.line = serde_json::from_str(&serde_json::to_string(&story.line).unwrap()).unwrap();
            for s in [&mut story, &mut restored] {
                s.run(at(hours));
                s.apply(act);
            }
            prop_assert_eq!(&story.line, &restored.line);
            prop_assert_eq!(story.line.drug(at(hours)).to_bits(), restored.line.drug(at(hours)).to_bits());
            prop_assert_eq!(story.books.drug_out.to_bits(), restored.books.drug_out.to_bits());
        }
    }

    #[test]
    fn faults_of_one_instant_come_out_the_same_in_any_order(
        faults in prop::collection::vec((fault(), prop_oneof![Just(1.0), 0.0..1.0_f64]), 1..6),
    ) {
        let ids = ["a", "b", "c", "d", "e"];
        let run = |order: Vec<usize>| {
            let mut story = Story::new();
            story.apply(&Act::Source(0.2, 0.0, 2000.0));
            story.run(at(24.0));
            for k in order {
                story.apply(&Act::Fault(ids[k], faults[k].0, faults[k].1));
            }
            let now: Vec<(Destination, f64)> = story.line.streams().iter().map(|s| (s.to, s.flow)).collect();
            story.run(at(90.0));
            (now, story)
        };
        let (a, one) = run((0..faults.len()).collect());
        let (b, other) = run((0..faults.len()).rev().collect());
        prop_assert_eq!(a.len(), b.len());
        for ((to_a, flow_a), (to_b, flow_b)) in a.iter().zip(&b) {
            prop_assert_eq!(to_a, to_b);
            prop_assert!((flow_a - flow_b).abs() <= 1e-12 * (1.0 + flow_a.abs()), "{} {}", flow_a, flow_b);
        }
        let (x, y) = (one.books, other.books);
        prop_assert!((x.drug_out - y.drug_out).abs() <= 1e-6 * x.drug_in.max(1.0), "{} {}", x.drug_out, y.drug_out);
        prop_assert!((one.line.drug(one.now) - other.line.drug(other.now)).abs() <= 1e-6 * x.drug_in.max(1.0));
    }

    #[test]
    fn a_larger_leak_never_brings_more_drug_to_the_spinal_fluid(
        position in 0.0..89.0_f64,
        log in -5.0..0.0_f64,
        more in 0.01..1.0_f64,
        other in fault(),
        flow in 0.05..2.0_f64,
    ) {
        let spine = |log: f64| {
            let mut story = Story::new();
            story.apply(&Act::Source(flow, 0.0, 500.0));
            story.run(at(1.0));
            let leak = CatheterFault::Leak {
                position,
                conductance: 10.0_f64.powf(log),
                into: Destination::Subcutaneous,
            };
            story.apply(&Act::Fault("leak", leak, 1.0));
            story.run(at(100.0));
            story.apply(&Act::Fault("other", other, 1.0));
            story.run(at(700.0));
            story.books.spine
        };
        let (small, large) = (spine(log), spine(log + more));
        prop_assert!(large <= small + 1e-9 * (500.0 * flow * 30.0), "{} of the larger, {} of the smaller", large, small);
    }
}
