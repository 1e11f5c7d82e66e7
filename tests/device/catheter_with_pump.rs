//! Pump and catheter joined as the simulation joins them.

use itbsim::catheter::{Catheter, CatheterFault};
use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{Command, Pump, PumpRegistry, PumpSetup, Refill};
use itbsim::scenario::model::{self, Material, Programme};
use itbsim::signals::{Destination, Level, Others};

const DAY: f64 = 24.0;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

struct Therapy {
    pump: Box<dyn Pump>,
    line: Catheter,
    now: SimTime,
    /// Drug out of the tip [ug].
    delivered: f64,
}

impl Therapy {
    /// Nothing is lost in the reservoir, so that the arithmetic of the table holds.
    fn new(length: f64, concentration: f64, dose: f64) -> Self {
        let mut parameters = ParameterSet::default();
        parameters.set("pump.reservoir.residual", 0.0).unwrap();
        let catheter = model::Catheter::plain(length, 15.0, Level::T10, Material::Braided);
        let line = Catheter::new(SimTime::ZERO, &catheter, &parameters, concentration).unwrap();
        let device = model::Pump {
            family: "peristaltic".to_owned(),
            reservoir_size: 20.0,
            fill: 20.0,
            concentration,
            others: Others::NONE,
            primary: None,
            label_concentration: concentration,
            low_reservoir_alarm: 2.0,
            gain: Some(1.0),
            age: 0.0,
            approved_drug: true,
        };
        let setup = PumpSetup {
            device,
            dead_volume: line.dead_volume(),
            start: SimTime::ZERO,
        };
        let pump = PumpRegistry::default().build(&setup, &parameters).unwrap();
        let mut therapy = Self {
            pump,
            line,
            now: SimTime::ZERO,
            delivered: 0.0,
        };
        therapy.programme(Programme::SimpleContinuous { rate: dose / DAY });
        therapy
    }

    fn join(&mut self) {
        let jumps = self
            .line
            .set_source(self.now, self.pump.drive(), self.pump.outlet_concentration());
        self.delivered += jumps.iter().map(|j| j.drug).sum::<f64>();
        self.pump.set_outflow(self.now, self.line.inflow());
    }

    fn programme(&mut self, mode: Programme) {
        let id = "p".to_owned();
        self.pump
            .command(self.now, &Command::Programme { id, mode }, &mut Vec::new())
            .unwrap();
        self.join();
    }

    fn refill(&mut self, concentration: f64) {
        let refill = Refill {
            volume: 20.0,
            entered_volume: 20.0,
            concentration,
            label: concentration,
            aspirate: true,
            others: Others::NONE,
        };
        self.pump.refill(self.now, &refill, &mut Vec::new()).unwrap();
        self.join();
    }

    fn tip_rate(&self) -> f64 {
        let s = self.line.streams()[0];
        s.flow * s.concentration
    }

    /// Runs to `until`, telling each change of the dose rate at the tip.
    fn run(&mut self, until: SimTime) -> Vec<(f64, f64)> {
        let mut rates = vec![(self.now.hours(), self.tip_rate())];
        loop {
            let pump = self.pump.next_event();
            let line = self.line.next_change();
            let next = pump.iter().map(|n| n.at).chain(line).min().filter(|t| *t <= until);
            let then = next.unwrap_or(until);
            self.delivered += self.tip_rate() * then.hours_since(self.now);
            self.now = then;
            if next.is_none() {
                return rates;
            }
            if line == Some(then) {
                let jumps = self.line.on_change(then);
                self.delivered += jumps.iter().map(|j| j.drug).sum::<f64>();
                self.pump.set_outflow(then, self.line.inflow());
            } else if let Some(event) = pump {
                self.pump.on_event(then, &event.event, &mut Vec::new()).unwrap();
                self.join();
            }
            rates.push((then.hours(), self.tip_rate()));
        }
    }
}

#[track_caller]
fn close(a: f64, b: f64, relative: f64) {
    assert!((a - b).abs() <= relative * b.abs(), "{a} is not {b}");
}

/// C_old, C_new, D_old, D_new, catheter length for the dead volume, wrong dose rate and for how long.
const TABLE: [(f64, f64, f64, f64, f64, f64, f64); 4] = [
    (500.0, 2000.0, 100.0, 100.0, 89.0, 25.0, 189.504),
    (2000.0, 500.0, 400.0, 400.0, 89.0, 1600.0, 11.844),
    (1000.0, 2000.0, 250.0, 250.0, 201.0 / 2.2, 125.0, 76.8),
    (2000.0, 3000.0, 600.0, 660.0, 201.0 / 2.2, 440.0, 480.0 / 11.0),
];

#[test]
fn without_a_bridge_the_old_drug_comes_at_the_new_rate_until_the_dead_volume_has_passed() {
    for (old, new, before, after, length, wrong, hours) in TABLE {
        let mut therapy = Therapy::new(length, old, before);
        therapy.run(at(100.0));
        therapy.refill(new);
        therapy.programme(Programme::SimpleContinuous { rate: after / DAY });
        close(therapy.tip_rate() * DAY, wrong, 1e-9);
        let rates = therapy.run(at(400.0));
        let half = 0.5 * (wrong + after) / DAY;
        let passed = |rate: f64| if after > wrong { rate > half } else { rate < half };
        let end = rates.iter().find(|r| passed(r.1)).unwrap().0 - 100.0;
        close(end, hours, 1e-9);
        close(therapy.tip_rate() * DAY, after, 1e-9);
    }
}

#[test]
fn with_a_bridge_the_dose_stays_but_for_the_smear_of_the_front() {
    for (old, new, before, after, length, _, _) in TABLE {
        let mut therapy = Therapy::new(length, old, before);
        therapy.run(at(100.0));
        therapy.refill(new);
        therapy.programme(Programme::BridgeBolus {
            old_concentration: old,
            bridge_rate: before / DAY,
            volume: None,
            then_rate: after / DAY,
        });
        let bridge = therapy.line.dead_volume() * old / (before / DAY);
        let start = therapy.delivered;
        // Up to where the smear begins the dose is the old one, exactly.
        therapy.run(at(100.0 + 0.95 * bridge));
        close(therapy.delivered - start, before / DAY * 0.95 * bridge, 1e-9);
        therapy.run(at(100.0 + 1.2 * bridge));
        close(therapy.tip_rate() * DAY, after, 1e-9);
    }
}

#[test]
fn drug_is_accounted_for_through_refills_and_a_kink_that_comes_and_goes() {
    let mut therapy = Therapy::new(89.0, 500.0, 125.0);
    let mut filled = therapy.pump.reservoir_drug(at(0.0)) + therapy.line.drug(at(0.0));
    therapy.run(at(200.0));
    let drawn = therapy.pump.reservoir_drug(therapy.now);
    therapy.refill(2000.0);
    filled += therapy.pump.reservoir_drug(therapy.now) - drawn;
    let kink = CatheterFault::Kink {
        position: 50.0,
        length: 1.0,
        bore: 0.01,
    };
    for round in 0..6 {
        let now = therapy.now;
        let jumps = if round % 2 == 0 {
            therapy.line.set_fault(now, "k", kink, 1.0).unwrap()
        } else {
            therapy.line.clear_fault(now, "k")
        };
        assert!(jumps.iter().all(|j| j.to == Destination::Csf(Level::T10)));
        therapy.delivered += jumps.iter().map(|j| j.drug).sum::<f64>();
        therapy.pump.set_outflow(now, therapy.line.inflow());
        therapy.run(at(now.hours() + 31.7));
        let now = therapy.now;
        let found = therapy.pump.reservoir_drug(now) + therapy.line.drug(now) + therapy.delivered;
        close(found, filled, 1e-12);
    }
}

#[test]
fn an_occluded_pump_stays_full_and_thinks_otherwise() {
    let mut therapy = Therapy::new(89.0, 2000.0, 400.0);
    let plug = CatheterFault::Occlusion {
        position: 80.0,
        bore: 0.0,
    };
    therapy.line.set_fault(SimTime::ZERO, "o", plug, 1.0).unwrap();
    therapy.join();
    therapy.run(at(50.0 * DAY));
    let now = therapy.now;
    assert!(therapy.pump.reservoir_volume(now) > 19.97);
    close(therapy.pump.believed_volume(now), 10.0, 1e-9);
}
