//! Work of many threads, handed over in the order of its numbers.
//!
//! Nobody waits for a group to be complete: a thread that finds enough results ready hands them
//! over while the others compute on. They may run ahead of what was handed over by a fixed
//! number, so that what is held does not grow with the work.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How far a number being computed may lie ahead of those handed over, with few threads.
pub(super) const AHEAD: u64 = 128;

/// How long a thread that may not run further ahead sleeps before it looks again.
const NAP: Duration = Duration::from_micros(200);

/// Results that wait for those before them.
struct Desk<T> {
    /// Number of the first result that was not handed over.
    first: u64,
    /// Results from that number on, where they are there.
    results: VecDeque<Option<T>>,
}

impl<T> Desk<T> {
    fn put(&mut self, number: u64, result: T) {
        let place = (number - self.first) as usize;
        if self.results.len() <= place {
            self.results.resize_with(place + 1, || None);
        }
        self.results[place] = Some(result);
    }

    /// Takes what is complete from the first number on, if that are at least so many.
    fn take(&mut self, least: usize) -> Option<Vec<T>> {
        let ready = self.results.iter().take_while(|r| r.is_some()).count();
        if ready < least.max(1) {
            return None;
        }
        self.first += ready as u64;
        Some(self.results.drain(..ready).flatten().collect())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the others when the thread that holds it panics: its result will never come.
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Computes `make` of each number on all threads of the pool and hands the results to `keep`, in
/// order and in groups, by one thread at a time. Gives the results that were not handed over: the
/// last ones, or, once `stop` is set, those up to the first that is missing.
///
/// # Errors
/// The first of `keep`; the others stop as soon as they have finished what they are at.
pub(super) fn in_order<T: Send, E: Send>(
    pool: &rayon::ThreadPool,
    numbers: Range<u64>,
    stop: &AtomicBool,
    make: impl Fn(u64) -> T + Sync,
    keep: impl FnMut(Vec<T>) -> Result<(), E> + Send,
) -> Result<Vec<T>, E> {
    let threads = pool.current_num_threads();
    let ahead = AHEAD.max(4 * threads as u64);
    let next = AtomicU64::new(numbers.start);
    let started = AtomicUsize::new(0);
    let broken = AtomicBool::new(false);
    let desk = Mutex::new(Desk {
        first: numbers.start,
        results: VecDeque::new(),
    });
    let keeper = Mutex::new((keep, Ok(())));
    let halted = || stop.load(Ordering::Relaxed) || broken.load(Ordering::Relaxed);
    // `keep` may split its work over the pool, and whoever waits there takes what it finds: it must
    // not be a thread's whole share of the numbers, which would then wait for itself.
    let all_started = || started.load(Ordering::Acquire) == threads;
    let hand_over = |least: usize| {
        if !all_started() {
            return false;
        }
        // Somebody else is at it, or broke off in the middle: then nobody goes on.
        let Ok(mut keeper) = keeper.try_lock() else {
            return false;
        };
        let Some(ready) = locked(&desk).take(least) else {
            return false;
        };
        let (keep, kept) = &mut *keeper;
        if kept.is_ok() {
            *kept = keep(ready);
            broken.fetch_or(kept.is_err(), Ordering::Relaxed);
        }
        true
    };
    let work = || {
        let _alarm = Alarm(&broken);
        started.fetch_add(1, Ordering::Release);
        while !halted() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                break;
            }
            // Once all stop, a number that was taken is made all the same: it must leave no gap.
            while number >= locked(&desk).first + ahead && !halted() {
                let helped = hand_over(1) || (all_started() && rayon::yield_now() == Some(rayon::Yield::Executed));
                if !helped {
                    std::thread::sleep(NAP);
                }
            }
            let result = make(number);
            locked(&desk).put(number, result);
            hand_over(ahead as usize / 2);
        }
    };
    pool.scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work())));
    let (_, kept) = keeper.into_inner().unwrap_or_else(PoisonError::into_inner);
    kept?;
    Ok(locked(&desk).take(1).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    /// Something to compute that takes longer for some numbers than for others.
    fn labour(number: u64) -> u64 {
        let rounds = if number.is_multiple_of(37) { 20_000 } else { 50 };
        (0..rounds).fold(number, |x, k| std::hint::black_box(x.wrapping_mul(31).wrapping_add(k)))
    }

    #[test]
    fn results_come_in_order_whatever_each_takes() {
        for threads in [1, 2, 3, 8] {
            let mut kept = Vec::new();
            let keep = |group: Vec<(u64, u64)>| {
                // Split over the pool, as a fold is.
                use rayon::prelude::*;
                let numbers: Vec<u64> = group.par_iter().map(|(n, _)| *n).collect();
                assert!(numbers.is_sorted());
                kept.extend(group);
                Ok::<_, ()>(())
            };
            let never = AtomicBool::new(false);
            let rest = in_order(&pool(threads), 5..1000, &never, |n| (n, labour(n)), keep).unwrap();
            kept.extend(rest);
            let expected: Vec<(u64, u64)> = (5..1000).map(|n| (n, labour(n))).collect();
            assert_eq!(kept, expected, "{threads} threads");
        }
    }

    #[test]
    fn nobody_runs_further_ahead_than_allowed() {
        let front = AtomicU64::new(0);
        let furthest = AtomicU64::new(0);
        let make = |n: u64| {
            furthest.fetch_max(n.saturating_sub(front.load(Ordering::SeqCst)), Ordering::SeqCst);
            // The first one of each hundred holds all the others up.
            if n.is_multiple_of(100) {
                std::thread::sleep(Duration::from_millis(10));
            }
            n
        };
        let keep = |group: Vec<u64>| {
            front.store(group.last().unwrap() + 1, Ordering::SeqCst);
            Ok::<_, ()>(())
        };
        let never = AtomicBool::new(false);
        let rest = in_order(&pool(4), 0..1000, &never, make, keep).unwrap();
        // One group is in the hands of `keep` while the desk is full again.
        assert!(furthest.load(Ordering::SeqCst) < 2 * AHEAD, "{furthest:?}");
        assert!(furthest.load(Ordering::SeqCst) >= AHEAD / 4, "{furthest:?}");
        assert_eq!(rest.last().copied().unwrap_or(front.load(Ordering::SeqCst) - 1), 999);
    }

    #[test]
    fn a_stop_leaves_no_gap_and_an_error_or_a_panic_ends_the_work() {
        let stop = AtomicBool::new(false);
        let mut kept = Vec::new();
        let make = |n: u64| {
            stop.fetch_or(n == 300, Ordering::SeqCst);
            n
        };
        let keep = |group: Vec<u64>| {
            kept.extend(group);
            Ok::<_, ()>(())
        };
        let rest = in_order(&pool(3), 0..100_000, &stop, make, keep).unwrap();
        kept.extend(rest);
        assert_eq!(kept, (0..kept.len() as u64).collect::<Vec<_>>());
        // All that was begun is there: at least up to the one that stopped, at most as far as three may run ahead.
        assert!((301..=304 + AHEAD as usize).contains(&kept.len()), "{}", kept.len());

        // Nobody waits for a result that will never come.
        let never = AtomicBool::new(false);
        let fails = |n: u64| assert!(n != 300, "this one is in the code");
        let work = || in_order(&pool(3), 0..100_000, &never, fails, |_| Ok::<_, ()>(()));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());

        let made = AtomicU64::new(0);
        let make = |_| made.fetch_add(1, Ordering::SeqCst);
        let full = in_order(&pool(3), 0..1_000_000, &never, make, |_| Err("no room"));
        assert_eq!(full.unwrap_err(), "no room");
        assert!(made.load(Ordering::SeqCst) < 4 * AHEAD);
    }
}
