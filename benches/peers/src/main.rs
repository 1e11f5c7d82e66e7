//! The same work by itbsim and its peers; `run` calls it and makes the table. One JSON line a figure.

mod bare;
mod hold;
mod others;
mod ours;
mod task;

use std::fs;
use std::io::Write;
use std::path::Path;

use cpu_time::{ProcessTime, ThreadTime};

use task::{BOLUS, DAYS, N, ROWS, Subject};

/// CPU time of this thread \[s\], or of the whole process.
fn cpu(thread: bool) -> f64 {
    let spent = match thread {
        true => ThreadTime::now().as_duration(),
        false => ProcessTime::now().as_duration(),
    };
    spent.as_secs_f64()
}

/// Times each tool is measured; the least counts.
const ROUNDS: usize = 20;
/// Times each engine is measured in each case; the most events a second count.
const TURNS: usize = 7;

type Solve = fn(&Subject, bool, &mut [f64]);

const SOLVERS: &[(&str, Solve, u64)] = &[
    ("bare exact propagator", bare::solve, 400),
    ("itbsim Gridded", ours::gridded, 400),
    ("itbsim LinearSystem (as the simulator)", ours::modal, 40),
    ("itbsim Stepper (nonlinear path), 1e-6/1e-9", ours::stepper, 20),
    ("itbsim Stepper, 2.6e-6/2.6e-9", ours::looser_stepper, 20),
    ("ode_solvers Dopri5, 1e-6/1e-9", others::ode_solvers, 10),
    #[cfg(feature = "others")]
    ("diffsol TSIT45, 1e-6/1e-9", others::diffsol, 10),
    #[cfg(feature = "others")]
    ("pharmsol TSIT45, 1e-6/1e-9, 8 outputs", others::pharmsol, 2),
];

fn reference(folder: &Path, off: bool, subject: u64) -> Vec<f64> {
    let name = format!("reference-{}-{subject}.f64", if off { "off" } else { "on" });
    let bytes = fs::read(folder.join(&name)).unwrap_or_else(|e| panic!("{name}: {e}; the script makes it"));
    let all: Vec<f64> = bytes
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(b.try_into().expect("eight")))
        .collect();
    assert_eq!(all.len(), ROWS * N, "{name}");
    all
}

/// Largest error over states and rows, those at the instant of a bolus left out.
fn error(rows: &[f64], truth: &[f64], off: bool) -> f64 {
    let mut peak = [0.0_f64; N];
    for row in truth.chunks_exact(N) {
        for i in 0..N {
            peak[i] = peak[i].max(row[i].abs());
        }
    }
    let mut worst = 0.0_f64;
    for (k, (row, truth)) in rows.chunks_exact(N).zip(truth.chunks_exact(N)).enumerate() {
        if !off && k % 96 == BOLUS.0 as usize * 4 {
            continue;
        }
        for i in 0..N {
            let e = (row[i] - truth[i]).abs() / truth[i].abs().max(1e-6 * peak[i]);
            worst = if e.is_nan() { f64::INFINITY } else { worst.max(e) };
        }
    }
    worst
}

fn linear(folder: &Path) {
    let mut rows = vec![0.0; ROWS * N];
    let subject_years = DAYS as f64 / 365.25;
    for off in [false, true] {
        let mut found = Vec::new();
        for (_, solve, subjects) in SOLVERS {
            let mut worst = 0.0_f64;
            for subject in task::checked() {
                rows.fill(f64::NAN);
                solve(&Subject::new(subject), off, &mut rows);
                worst = worst.max(error(&rows, &reference(folder, off, subject), off));
            }
            let all: Vec<Subject> = (0..*subjects).map(Subject::new).collect();
            found.push((worst, f64::INFINITY, all));
        }
        // In turns, so that an hour's moods meet all tools alike.
        for _ in 0..ROUNDS {
            for ((_, solve, subjects), (_, best, all)) in SOLVERS.iter().zip(&mut found) {
                let start = cpu(true);
                for s in &*all {
                    solve(s, off, &mut rows);
                    std::hint::black_box(&rows);
                }
                *best = best.min((cpu(true) - start) / *subjects as f64 / subject_years);
            }
        }
        for ((name, ..), (worst, best, _)) in SOLVERS.iter().zip(found) {
            let line = serde_json::json!({
                "what": "linear", "tool": name, "off": off, "seconds": best, "error": worst,
            });
            println!("{line}");
            std::io::stdout().flush().expect("the script listens");
        }
    }
}

fn engine() {
    type Run = fn(usize, bool, u64, &mut dyn FnMut()) -> u64;
    let tools: &[(&str, Run)] = &[
        ("bare heap with a slab", hold::bare),
        ("itbsim engine", hold::ours),
        #[cfg(feature = "others")]
        ("nexosim, one thread", hold::nexosim),
    ];
    for cancelling in [false, true] {
        for pending in [10, 1_000, 100_000] {
            let mut best = vec![0.0_f64; tools.len()];
            for _ in 0..TURNS {
                for ((_, run), best) in tools.iter().zip(&mut best) {
                    // nexosim works on a thread of its own, so the process is timed.
                    let mut start = 0.0;
                    let fired = run(pending, cancelling, 1_000_000, &mut || start = cpu(false));
                    *best = best.max(fired as f64 / (cpu(false) - start) * 1e-6);
                }
            }
            for ((name, _), best) in tools.iter().zip(best) {
                let line = serde_json::json!({
                    "what": "engine", "tool": name, "pending": pending, "cancelling": cancelling, "rate": best,
                });
                println!("{line}");
            }
        }
    }
}

fn bands(threads: usize) {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .expect("threads");
    let kept = [24 * 3, 24 * 3 + 1, 3 * 1_000, 3 * 2_159 + 2];
    let wall = std::time::Instant::now();
    let start = cpu(false);
    let (bands, worst) = ours::bands(10_000, &kept);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .map(|l| l.trim().to_owned());
    let sum: f64 = bands.iter().flatten().sum();
    println!(
        "{}",
        serde_json::json!({
            "what": "bands", "threads": threads, "wall": wall.elapsed().as_secs_f64(), "cpu": cpu(false) - start,
            "memory": peak, "error": worst, "sum": sum,
        })
    );
}

fn subjects() {
    for n in task::checked() {
        let s = Subject::new(n);
        println!("{n},{:?},{:?},{:?},{:?},{:?}", s.q, s.d, s.v, s.ke, s.keo);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("subjects") => subjects(),
        Some("linear") => linear(Path::new(&args[1])),
        Some("engine") => engine(),
        Some("bands") => bands(args.get(1).and_then(|n| n.parse().ok()).unwrap_or(2)),
        _ => eprintln!("itbsim-peers subjects | linear FOLDER | engine | bands [THREADS]"),
    }
}
