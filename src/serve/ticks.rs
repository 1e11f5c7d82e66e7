//! Time as a count of ticks: the only clock of this room, and none that any result could see.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Length of a tick.
pub(super) const TICK: Duration = Duration::from_millis(25);

/// A counter that a thread of its own moves on, until all others have dropped it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ticks {
    count: Arc<AtomicU64>,
    stopped: Arc<AtomicBool>,
}

impl Ticks {
    /// Starts counting.
    pub(super) fn start() -> std::io::Result<Self> {
        let ticks = Ticks::default();
        let own = ticks.clone();
        std::thread::Builder::new().name("ticks".to_owned()).spawn(move || {
            while !own.stopped.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                own.count.fetch_add(1, Ordering::Relaxed);
            }
        })?;
        Ok(ticks)
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// An instant some time from now, to the length of a tick.
    pub(super) fn deadline(&self, after: Duration) -> Deadline {
        let ticks = after.as_millis().div_ceil(TICK.as_millis());
        Deadline {
            count: Arc::clone(&self.count),
            at: self
                .count
                .load(Ordering::Relaxed)
                .saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX)),
        }
    }
}

/// An instant.
#[derive(Debug, Clone)]
pub(super) struct Deadline {
    count: Arc<AtomicU64>,
    at: u64,
}

impl Deadline {
    /// Whether it lies behind us.
    pub(super) fn passed(&self) -> bool {
        self.count.load(Ordering::Relaxed) >= self.at
    }
}
