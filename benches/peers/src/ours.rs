//! By itbsim's public interface.

use itbsim::batch::{Cells, LEVELS, RankTable, Scale, quantile};
use itbsim::engine::SimSpan;
use itbsim::numerics::{Gridded, LinearSystem, Stepper, Tolerances};
use rayon::prelude::*;

use crate::task::{DAYS, INTO, N, STEP_H, Subject, What, events, hours, inputs, quarter};

/// All states on the grid, inputs known beforehand.
pub fn gridded(s: &Subject, off: bool, rows: &mut [f64]) {
    let system = Gridded::new(&s.matrix(), quarter()).expect("a sound matrix");
    system.solve(&[0.0; N], &inputs(off), rows).expect("sound inputs");
}

/// The way of the simulator itself: modes, one look at each instant, a new origin at each event.
pub fn modal(s: &Subject, off: bool, rows: &mut [f64]) {
    let system = LinearSystem::new(s.matrix()).expect("a sound matrix");
    let outputs: Vec<_> = (0..N)
        .map(|i| {
            let mut w = [0.0; N];
            w[i] = 1.0;
            system.output(&w)
        })
        .collect();
    let mut c = system.coordinates(&[0.0; N]);
    let mut f = system.forcing(&[0.0; N]);
    let mut scratch = system.scratch();
    let mut origin = 0;
    let all = events(off);
    let mut next = all.iter().peekable();
    for (k, row) in rows.chunks_exact_mut(N).enumerate() {
        let now = k as i64 * 900_000_000_000;
        while let Some((at, what)) = next.next_if(|e| e.0 <= now) {
            system.look(&c, &f, hours(at - origin), &mut scratch);
            system.advance_to(&mut c, &scratch);
            origin = *at;
            match what {
                What::Rate(rate) => {
                    let mut b = [0.0; N];
                    b[INTO] = *rate;
                    system.force(&b, &mut f);
                }
                What::Bolus(amount) => system.add(&mut c, INTO, *amount),
            }
        }
        system.look(&c, &f, hours(now - origin), &mut scratch);
        for (y, output) in row.iter_mut().zip(&outputs) {
            *y = system.evaluate(output, &scratch);
        }
    }
}

/// The path of models that are not linear: the stepper with its dense output.
pub fn stepper(s: &Subject, off: bool, rows: &mut [f64]) {
    within(s, off, rows, Tolerances::uniform(N, 1e-6, 1e-9));
}

/// The same, asked for as much as an error of 5e-6 needs.
pub fn looser_stepper(s: &Subject, off: bool, rows: &mut [f64]) {
    within(s, off, rows, Tolerances::uniform(N, 2.6e-6, 2.6e-9));
}

fn within(s: &Subject, off: bool, rows: &mut [f64], tolerances: Tolerances) {
    let mut stepper = Stepper::new(N, tolerances).expect("sound tolerances");
    let end = DAYS as f64 * 24.0;
    let mut rate = 0.0;
    let mut x = [0.0; N];
    let mut row = 0;
    let last = rows.len() / N - 1;
    let all = events(off);
    for (i, (at, what)) in all.iter().enumerate() {
        match what {
            What::Rate(new) => rate = *new,
            What::Bolus(amount) => x[INTO] += amount,
        }
        let (from, to) = (hours(*at), all.get(i + 1).map_or(end, |e| hours(e.0)));
        if i == 0 {
            // Nothing before the first event.
            while (row as f64) * STEP_H < from {
                rows[row * N..][..N].fill(0.0);
                row += 1;
            }
        }
        stepper.restart_near(from, &x, 0.2);
        if (row as f64) * STEP_H == from {
            rows[row * N..][..N].copy_from_slice(&x);
            row += 1;
        }
        while stepper.interval().1 < to {
            let before = stepper
                .step(|_, x, dx| s.slope(x, rate, dx), to, 1e9)
                .expect("a smooth problem");
            stepper.recycle(before);
            while row <= last && (row as f64) * STEP_H <= stepper.interval().1 {
                // The row at the next event is that event's.
                if (row as f64) * STEP_H == to && i + 1 < all.len() {
                    break;
                }
                stepper.interpolate(row as f64 * STEP_H, &mut rows[row * N..][..N]);
                row += 1;
            }
        }
        x.copy_from_slice(stepper.state());
    }
}

/// Distributions of three outputs at every hour, for so many subjects, none of which is kept.
/// Gives the bands, and the largest relative difference to sorted values, where these were kept.
pub fn bands(subjects: u64, kept: &[usize]) -> (Vec<[f64; 5]>, f64) {
    const OUTPUTS: usize = 3;
    const BLOCK: u64 = 256;
    let hours = DAYS * 24 + 1;
    let hour = SimSpan::from_hours(1.0).expect("an hour");
    let all = inputs(false);
    type Counted = (Vec<Cells>, Vec<Vec<f64>>);
    let empty = || -> Counted { (vec![Cells::default(); hours * OUTPUTS], vec![Vec::new(); kept.len()]) };
    let chunk = subjects.div_ceil(4).max(1);
    let part = |number: u64| {
        let (mut cells, mut exact) = empty();
        let mut rows = vec![0.0; hours * N];
        let mut block = vec![0.0; BLOCK as usize * hours * OUTPUTS];
        let (from, to) = (number * chunk, ((number + 1) * chunk).min(subjects));
        let mut begin = from;
        while begin < to {
            let end = (begin + BLOCK).min(to);
            for (place, subject) in (begin..end).enumerate() {
                let s = Subject::new(subject);
                let system = Gridded::new(&s.matrix(), hour).expect("a sound matrix");
                system.solve(&[0.0; N], &all, &mut rows).expect("sound inputs");
                for (t, row) in rows.chunks_exact(N).enumerate() {
                    let three = [row[7], row[4] / s.v, row[0] / s.v];
                    for (k, y) in three.into_iter().enumerate() {
                        block[(t * OUTPUTS + k) * BLOCK as usize + place] = y;
                    }
                }
            }
            for (cells, values) in cells.iter_mut().zip(block.chunks_exact(BLOCK as usize)) {
                for y in &values[..(end - begin) as usize] {
                    cells.put(Scale::SIGNAL, *y, 1);
                }
            }
            for (exact, place) in exact.iter_mut().zip(kept) {
                exact.extend_from_slice(&block[place * BLOCK as usize..][..(end - begin) as usize]);
            }
            begin = end;
        }
        (cells, exact)
    };
    let parts: Vec<Counted> = (0..4_u64).into_par_iter().map(part).collect();
    let (mut cells, mut exact) = empty();
    for (more, values) in parts {
        cells.iter_mut().zip(&more).for_each(|(a, b)| a.join(b));
        exact.iter_mut().zip(values).for_each(|(a, b)| a.extend(b));
    }
    let mut table = RankTable::default();
    let bands: Vec<[f64; 5]> = cells
        .iter()
        .map(|c| LEVELS.map(|level| quantile(c, level, subjects, &mut table).map_or(0.0, |q| q.value)))
        .collect();
    let mut worst = 0.0_f64;
    for (values, place) in exact.iter_mut().zip(kept) {
        values.sort_by(f64::total_cmp);
        for (level, band) in LEVELS.iter().zip(bands[*place]) {
            let truth = values[(level * subjects as f64).ceil() as usize - 1];
            worst = worst.max((band / truth - 1.0).abs());
        }
    }
    (bands, worst)
}
