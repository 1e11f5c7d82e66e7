//! Points in time: `"30 d"`, `"leak.start + 12 d"`, `"symptom.itch.onset + 1 h"`.

use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::{Data, Node};
use super::fields::{Fields, Reported, show};
use super::model::Moment;
use crate::engine::{SimSpan, SimTime};
use crate::quantity::{self, Dimension};

/// Whether a moment may lie before the event it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Something happens then, so it must be known then.
    Cause,
    /// It is only looked at afterwards.
    Claim,
}

impl Fields<'_, '_> {
    /// A moment that must be there.
    pub(super) fn need_moment(&self, key: &str, side: Side) -> Result<Moment, Reported> {
        match self.moment(key, side)? {
            Some(moment) => Ok(moment),
            None => Err(self.missing(key, "\"30 d\"")),
        }
    }

    /// A moment within the run.
    pub(super) fn moment(&self, key: &str, side: Side) -> Result<Option<Moment>, Reported> {
        match self.entry(key) {
            Some(entry) => self.moment_of(key, &entry.node, side).map(Some),
            None => Ok(None),
        }
    }

    /// A moment from any node.
    pub(super) fn moment_of(&self, key: &str, node: &Node, side: Side) -> Result<Moment, Reported> {
        let Data::Text(text) = &node.data else {
            let hours = self.measure(key, node, Dimension::Time)?;
            return self.instant(key, node.place, hours);
        };
        let text = text.trim();
        if !text.starts_with(|c: char| c.is_alphabetic()) || matches!(text.to_lowercase().as_str(), "nan" | "inf") {
            let hours = self.measure(key, node, Dimension::Time)?;
            return self.instant(key, node.place, hours);
        }
        let (event, sign, span) = match (text.split_once('+'), text.split_once(" -")) {
            (Some((event, span)), _) => (event, 1.0, Some(span)),
            (None, Some((event, span))) => (event, -1.0, Some(span)),
            (None, None) => (text, 1.0, None),
        };
        let event = event.trim();
        let Some(event) = self.context.names.event(event) else {
            return Err(self.unknown_event(event, node.place));
        };
        let hours = match span {
            None => 0.0,
            Some(span) => quantity::parse(span, Dimension::Time).map_err(|problem| {
                self.report(
                    Diagnostic::new("bad-moment", format!("`{key}`: {problem}"))
                        .at(node.place, "a time after the event is needed")
                        .help(format!("write for example \"{event} + 12 d\"")),
                )
            })?,
        };
        let offset = SimSpan::from_hours(sign * hours).map_err(|_| self.too_far(key, node.place))?;
        if offset < SimSpan::ZERO && side == Side::Cause {
            return Err(self.report(
                Diagnostic::new("before-event", format!("`{key}` lies before the event it waits for"))
                    .at(node.place, "nobody knows the event before it happens")
                    .help(format!("write \"{event} + 12 d\", or a time of its own")),
            ));
        }
        Ok(Moment::After { event, offset })
    }

    fn instant(&self, key: &str, place: Place, hours: f64) -> Result<Moment, Reported> {
        let at = SimTime::from_hours(hours).map_err(|_| self.too_far(key, place))?;
        if at < SimTime::ZERO {
            return Err(self.report(
                Diagnostic::new("before-start", format!("`{key}` lies before the start of the run"))
                    .at(place, "before time zero")
                    .help("the run starts at \"0 d\""),
            ));
        }
        self.within_run(key, place, at)?;
        Ok(Moment::At(at))
    }

    /// Refuses an instant after the end.
    pub(super) fn within_run(&self, key: &str, place: Place, at: SimTime) -> Result<(), Reported> {
        match self.context.duration.get() {
            Some(end) if at > end => Err(self.report(
                Diagnostic::new("after-end", format!("`{key}` lies after the end of the run"))
                    .at(place, format!("{} is after {}", days(at), days(end)))
                    .help("make `duration` longer, or this earlier"),
            )),
            _ => Ok(()),
        }
    }

    fn too_far(&self, key: &str, place: Place) -> Reported {
        self.report(
            Diagnostic::new(
                "time-too-large",
                format!("`{key}` is further away than the clock can count"),
            )
            .at(place, "beyond 290 years"),
        )
    }

    /// Reports an event name that nothing produces.
    pub(super) fn unknown_event(&self, event: &str, place: Place) -> Reported {
        let spellings = if self.context.suggests() {
            self.context.names.spellings()
        } else {
            Vec::new()
        };
        self.report(
            Diagnostic::new("unknown-event", format!("unknown event {}", quoted(event)))
                .at(place, "no component and no block of this file makes it")
                .maybe_help(did_you_mean(event, &spellings)),
        )
    }
}

/// An instant in the unit people think in.
pub(super) fn days(at: SimTime) -> String {
    let hours = at.hours();
    if hours >= 48.0 {
        format!("{} d", hours / 24.0)
    } else {
        show(hours, Dimension::Time)
    }
}
