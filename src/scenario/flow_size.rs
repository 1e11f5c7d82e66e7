//! How large a bench of flow controllers may be: what is more is a slip, and would take hours or
//! all memory.

use super::diagnostics::{Diagnostic, Place};
use super::fields::{Context, Reported};
use super::flow_bench::{Change, SensorSpec, TestSpec};
use crate::parameters::ParameterSet;
use crate::signals::TapKind;

/// Calls of a controller in one test, and samples of one of its sensors.
pub(crate) const MOST_TICKS: f64 = 1e8;
/// Recorded volumes of one test.
pub(crate) const MOST_SAMPLES: f64 = 2e6;
/// Readings of a sensor on their way at once, and values that a tap holds back.
pub(crate) const MOST_WAITING: f64 = 1e6;
/// Numbers recorded by all tests under all controllers: a gigabyte.
pub(crate) const MOST_RECORDED: f64 = 125e6;
/// Columns recorded of each test.
const COLUMNS: f64 = 3.0;

/// Refuses a test whose sensors or taps do too much; `place` is that of its duration.
pub(super) fn of_test(context: &Context<'_>, place: Place, test: &TestSpec) -> Result<(), Reported> {
    let duration = test.duration.hours();
    let tick = test.tick.hours();
    let check = |count: f64, most: f64, what: &str| {
        if count <= most {
            return Ok(());
        }
        Err(context.report(
            Diagnostic::new("too-often", format!("this makes {count:.0} {what}"))
                .at(place, format!("at most {most:.0} are allowed"))
                .help("shorten the test, or widen the steps"),
        ))
    };
    for sensor in &test.sensors {
        let word = sensor.kind.word();
        let period = period(sensor, &test.parameters);
        check(duration / period, MOST_TICKS, &format!("samples of the {word} sensor"))?;
        let late = tick + sensor.delay.unwrap_or(0.0);
        let what = format!("readings of the {word} sensor on their way at once");
        check(late / period, MOST_WAITING, &what)?;
    }
    for stimulus in &test.stimuli {
        if let Change::Tap {
            kind: TapKind::Delayed(by),
            ..
        } = stimulus.change
        {
            check(by.hours() / tick, MOST_WAITING, "values that the tap holds back")?;
        }
    }
    Ok(())
}

/// Time between samples \[h\].
fn period(sensor: &SensorSpec, parameters: &ParameterSet) -> f64 {
    let usual = || parameters.get(&format!("flow.sensors.{}.period", sensor.kind.word())) / 3600.0;
    sensor.period.unwrap_or_else(usual)
}

/// Refuses tests that are too many together, each under so many controllers.
pub(super) fn of_all(
    context: &Context<'_>,
    place: Place,
    tests: &[TestSpec],
    controllers: usize,
) -> Result<(), Reported> {
    let samples: f64 = tests.iter().map(|t| t.duration.hours() / t.sample.hours()).sum();
    let numbers = COLUMNS * samples * controllers as f64;
    if numbers <= MOST_RECORDED {
        return Ok(());
    }
    let (tests, most) = (tests.len(), MOST_RECORDED);
    let what = format!("{tests} tests of {controllers} controllers record {numbers:.0} numbers");
    Err(context.report(
        Diagnostic::new("too-often", what)
            .at(place, format!("at most {most:.0} are kept at once"))
            .help("widen `sample`, or put the tests into several files"),
    ))
}
