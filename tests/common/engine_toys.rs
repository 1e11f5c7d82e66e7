//! Toy models shared by the engine's tests.
#![allow(dead_code)] // each test binary uses a part

use std::borrow::Cow;

use itbsim::engine::*;
use serde::{Deserialize, Serialize};

pub fn ns(n: i64) -> SimTime {
    SimTime::from_nanos(n)
}

pub fn h(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

/// An event that carries what it sets off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Say {
    pub who: String,
    pub what: String,
    pub then: Vec<Then>,
}

/// What a [`Say`] does when it fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Then {
    Schedule {
        after: i64,
        phase: Phase,
        rank: u32,
        say: Box<Say>,
    },
    /// Every `after` nanoseconds for ever.
    Repeat {
        after: i64,
    },
    /// Again after half the time.
    Halve {
        after: i64,
    },
    Note(String),
    Stop(String),
    CancelLast,
    Fail,
    BreakInvariant,
}

impl Event for Say {
    fn component(&self) -> Cow<'_, str> {
        self.who.as_str().into()
    }
    fn kind(&self) -> Cow<'_, str> {
        self.what.as_str().into()
    }
    fn hash_into(&self, fp: &mut Fingerprint) {
        fp.write_u64(self.then.len() as u64);
    }
}

pub fn say(who: &str, what: &str) -> Say {
    Say {
        who: who.into(),
        what: what.into(),
        then: vec![],
    }
}

impl Say {
    pub fn then(mut self, then: Then) -> Self {
        self.then.push(then);
        self
    }
    pub fn schedules(self, after: i64, phase: Phase, rank: u32, say: Say) -> Self {
        self.then(Then::Schedule {
            after,
            phase,
            rank,
            say: Box::new(say),
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ToyError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the valve is stuck")]
    Stuck(#[source] std::num::ParseIntError),
    #[error("{0} mL are missing")]
    Ledger(f64),
}

/// Does what its events say and writes down what it saw.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Parrot {
    pub log: Vec<(i64, String)>,
    pub last: Option<EventHandle>,
    pub cancelled: Vec<bool>,
    pub broken: bool,
    pub checks: u64,
}

impl Model for Parrot {
    type Event = Say;
    type Error = ToyError;
    fn next_crossings(&mut self, _: SimTime, _: SimTime, _: &mut Vec<Crossing<Say>>) -> Result<(), ToyError> {
        Ok(())
    }
    fn handle(&mut self, fired: &Fired<Say>, cx: &mut Context<'_, Say>) -> Result<(), ToyError> {
        assert_eq!(cx.now(), fired.time);
        assert_eq!(cx.id(), fired.id);
        let Say { who, what, then } = &fired.event;
        self.log.push((fired.time.as_nanos(), format!("{who}.{what}")));
        for then in then {
            match then {
                Then::Schedule {
                    after,
                    phase,
                    rank,
                    say,
                } => {
                    let time = ns(fired.time.as_nanos() + after);
                    self.last = Some(cx.schedule_at(time, *phase, Rank(*rank), say.as_ref().clone())?);
                }
                Then::Repeat { after } => {
                    let span = SimSpan::from_nanos(*after);
                    cx.schedule_in(span, fired.phase, fired.rank, fired.event.clone())?;
                }
                Then::Halve { after } => {
                    let mut next = fired.event.clone();
                    next.then = vec![Then::Halve { after: after / 2 }];
                    cx.schedule_in(SimSpan::from_nanos(*after), fired.phase, fired.rank, next)?;
                }
                Then::Note(text) => cx.note(text),
                Then::Stop(reason) => cx.stop(reason),
                Then::CancelLast => {
                    let done = self.last.is_some_and(|handle| cx.cancel(handle));
                    self.cancelled.push(done);
                }
                Then::Fail => return Err(ToyError::Stuck("x".parse::<i32>().unwrap_err())),
                Then::BreakInvariant => self.broken = true,
            }
        }
        Ok(())
    }
    fn check(&mut self, _: SimTime) -> Result<(), ToyError> {
        self.checks += 1;
        if self.broken {
            return Err(ToyError::Ledger(0.5));
        }
        Ok(())
    }
}

impl Parrot {
    /// Names in the order they fired.
    pub fn names(&self) -> Vec<&str> {
        self.log.iter().map(|(_, name)| name.as_str()).collect()
    }
}

/// Straight lines between events, with watches on them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lines {
    pub lines: Vec<Line>,
    pub watched: Vec<Watched>,
    /// (time [ns], watch, direction) of every crossing handled.
    pub reached: Vec<(i64, usize, Direction)>,
    pub samples: Vec<f64>,
    /// Windows that were searched [ns].
    pub windows: Vec<(i64, i64)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    pub origin: SimTime,
    pub value: f64,
    /// Per hour.
    pub slope: f64,
}

impl Line {
    pub fn at(&self, t: SimTime) -> f64 {
        self.value + self.slope * t.hours_since(self.origin)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watched {
    pub line: usize,
    pub watch: Watch,
    /// Where a crossing puts the line.
    pub reset: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Bend {
    Slope { line: usize, slope: f64 },
    Jump { line: usize, value: f64 },
    Reached { watch: usize, direction: Direction },
    Sample { every: i64 },
    Idle,
}

impl Event for Bend {
    fn component(&self) -> Cow<'_, str> {
        match self {
            Bend::Reached { watch, .. } => format!("watch.{watch}").into(),
            Bend::Sample { .. } => "recorder".into(),
            _ => "line".into(),
        }
    }
    fn kind(&self) -> Cow<'_, str> {
        match self {
            Bend::Slope { .. } => "slope",
            Bend::Jump { .. } => "jump",
            Bend::Reached { .. } => "reached",
            Bend::Sample { .. } => "sample",
            Bend::Idle => "idle",
        }
        .into()
    }
    fn hash_into(&self, fp: &mut Fingerprint) {
        match self {
            Bend::Slope { line, slope: x } | Bend::Jump { line, value: x } => {
                fp.write_u64(*line as u64);
                fp.write_f64(*x);
            }
            Bend::Reached { watch, direction } => {
                fp.write_u64(*watch as u64);
                fp.write_u64(*direction as u64);
            }
            Bend::Sample { .. } | Bend::Idle => {}
        }
    }
}

impl Lines {
    pub fn add_line(&mut self, value: f64, slope: f64) -> usize {
        self.lines.push(Line {
            origin: SimTime::ZERO,
            value,
            slope,
        });
        self.lines.len() - 1
    }

    pub fn add_watch(&mut self, line: usize, level: f64, direction: Direction, band: f64) -> usize {
        let mut watch = Watch::new(level, direction, band).unwrap();
        watch.observe(self.lines[line].value);
        self.watched.push(Watched {
            line,
            watch,
            reset: None,
        });
        self.watched.len() - 1
    }

    /// Passes edges that only re-arm, up to the present.
    fn settle(&mut self, now: SimTime) {
        for w in &mut self.watched {
            let value = self.lines[w.line].at(now);
            if w.watch.edge().is_none_or(|e| e.reports.is_none() && e.passed(value)) {
                w.watch.observe(value);
            }
        }
    }

    fn rebase(&mut self, line: usize, now: SimTime) -> &mut Line {
        let line = &mut self.lines[line];
        line.value = line.at(now);
        line.origin = now;
        line
    }
}

impl Model for Lines {
    type Event = Bend;
    type Error = EngineError;
    fn next_crossings(
        &mut self,
        now: SimTime,
        limit: SimTime,
        out: &mut Vec<Crossing<Bend>>,
    ) -> Result<(), EngineError> {
        self.windows.push((now.as_nanos(), limit.as_nanos()));
        for (i, w) in self.watched.iter().enumerate() {
            let line = &self.lines[w.line];
            let Some(direction) = w.watch.edge().and_then(|e| e.reports) else {
                continue; // on a straight line nothing follows a re-arming
            };
            if let Some(time) = locate(|t| line.at(t), &w.watch, now, limit) {
                out.push(Crossing {
                    time,
                    rank: Rank(i as u32),
                    cause: EventId::START,
                    event: Bend::Reached { watch: i, direction },
                });
            }
        }
        Ok(())
    }
    fn handle(&mut self, fired: &Fired<Bend>, cx: &mut Context<'_, Bend>) -> Result<(), EngineError> {
        let now = fired.time;
        if let Bend::Sample { every } = fired.event {
            self.samples.extend(self.lines.iter().map(|l| l.at(now)));
            let span = SimSpan::from_nanos(every);
            cx.schedule_in(span, fired.phase, fired.rank, fired.event.clone())?;
            return Ok(());
        }
        self.settle(now);
        match fired.event {
            Bend::Slope { line, slope } => self.rebase(line, now).slope = slope,
            Bend::Jump { line, value } => self.rebase(line, now).value = value,
            Bend::Reached { watch, direction } => {
                let w = &mut self.watched[watch];
                assert_eq!(w.watch.cross(), Some(direction));
                self.reached.push((now.as_nanos(), watch, direction));
                let (line, reset) = (w.line, w.reset);
                if let Some(value) = reset {
                    self.rebase(line, now).value = value;
                }
            }
            Bend::Sample { .. } | Bend::Idle => {}
        }
        self.settle(now);
        Ok(())
    }
}
