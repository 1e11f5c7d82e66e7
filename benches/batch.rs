//! What a batch costs: per patient-year, per thread, per megabyte, and where the time goes.
//!
//! `cargo bench --bench batch` prints ratios measured in one run. Further words, after `--`:
//!
//! - `million`: the memory of a million short runs as well (minutes);
//! - `curves`: cost against levels, faults, samples and replicates, with the exponent;
//! - `profile`: cycles by module, if `perf` is installed;
//! - `page FILE`: all of that into FILE, between the marks `<!-- measured -->`;
//! - `run CASE N`: N replicates of `stable`, `simple`, `care` or `flex` on one thread, for a profiler.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use itbsim::batch::{Batch, Settings, Watcher, work_in_memory};
use itbsim::numerics::LinearSystem;
use itbsim::scenario::load_str;
use itbsim::simulation::Registry;
use nalgebra::DMatrix;

/// Where the marks of a page are.
const MARK: &str = "<!-- measured -->";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|w| w != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run", case, n] => {
            let n = n.parse().expect("a number of replicates");
            let batch = prepared(&text_of(case), n);
            let done = run(&batch, 1);
            println!("{} replicates", done.0);
        }
        ["memory", n] => {
            // A process of its own: the peak is that of the process.
            let n = n.parse().expect("a number of replicates");
            run(&prepared(SHORT, n), 2);
            println!("{:.1}", peak_megabytes());
        }
        ["curves"] => print!("{}", curves()),
        ["profile"] => print!("{}", profiles()),
        ["page", file] => page(Path::new(file)),
        ["million"] => print!("{}{}", table(), memory(&[1_000, 1_000_000])),
        _ => print!("{}{}", table(), memory(&[1_000, 100_000])),
    }
}

/// Half an hour of a patient, one signal every ten minutes: as little as a run can be.
const SHORT: &str = "extends = \"../scenarios/base/adult-spinal.toml\"\ntitle = \"Short\"\n\
    duration = \"30 min\"\nsample = \"10 min\"\n[population]\nname = \"adult-spinal\"\n";

/// Stable therapy without chance, virtual patients.
fn stable() -> String {
    let simple = include_str!("simple.toml");
    let (from, to) = (simple.find("[hazards]"), simple.find("[[action]]"));
    let (from, to) = (from.expect("it has hazards"), to.expect("it has refills"));
    format!("{}{}", &simple[..from], &simple[to..])
}

/// Simple therapy with faults by chance and all the people who care in the flex programme.
fn care() -> String {
    let (simple, flex) = (include_str!("simple.toml"), include_str!("flex.toml"));
    let policies = flex.split("\n\n").filter(|block| block.starts_with("[[care]]"));
    let refills = simple.find("[[action]]").expect("it has refills");
    policies.fold(simple[..refills].to_owned(), |text, policy| {
        format!("{text}{policy}\n\n")
    })
}

fn text_of(case: &str) -> String {
    match case {
        "stable" => stable(),
        "simple" => include_str!("simple.toml").to_owned(),
        "care" => care(),
        "flex" => include_str!("flex.toml").to_owned(),
        other => panic!("no case `{other}`; there are stable, simple, care, flex"),
    }
}

fn prepared(text: &str, n: u64) -> Batch {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    let registry = Registry::builtin();
    let story = load_str("bench.toml", text, Some(&folder), &registry.catalog()).unwrap_or_else(|e| panic!("{e}"));
    let settings = Settings {
        n,
        seed: Some(7),
        ..Settings::default()
    };
    Batch::new(&story, registry, settings).unwrap_or_else(|e| panic!("{e}"))
}

/// Runs a batch; gives the replicates done and the seconds it took.
fn run(batch: &Batch, threads: usize) -> (u64, f64) {
    let watcher = Watcher {
        stop: &AtomicBool::new(false),
        tick: &|_, _| {},
    };
    let start = Instant::now();
    let (done, state) = work_in_memory(batch, threads, &watcher).expect("threads start");
    assert_eq!(state.arms[0].failed, 0, "no replicate fails");
    (done, start.elapsed().as_secs_f64())
}

/// Milliseconds a replicate, the best of a few batches: what is left where others use the machine too.
fn milliseconds(text: &str, n: u64, threads: usize) -> f64 {
    let batch = prepared(text, n);
    let once = |_| 1e3 * run(&batch, threads).1 / n as f64;
    (0..3).map(once).fold(f64::INFINITY, f64::min)
}

fn table() -> String {
    let mut out = String::from(
        "| case, a year sampled daily | ms of a core | patient-years an hour on 2 cores | 2 threads over 1 |\n\
         |---|---|---|---|\n",
    );
    for (case, n) in [("stable", 400), ("simple", 400), ("care", 100), ("flex", 64)] {
        let text = text_of(case);
        let (one, two) = (milliseconds(&text, n, 1), milliseconds(&text, n, 2));
        let _ = writeln!(out, "| {case} | {one:.2} | {:.0} | {:.2} |", 3.6e6 / two, one / two);
    }
    out
}

/// Peak of this process \[MB\], where the system says it.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1024.0
}

fn memory(sizes: &[u64]) -> String {
    let mut out = String::from("\n| replicates, short runs with bands | peak memory [MB] |\n|---|---|\n");
    for n in sizes {
        let own = std::env::current_exe().expect("this program has a path");
        let child = Command::new(own).args(["memory", &n.to_string()]).output();
        let said = child.map(|c| String::from_utf8_lossy(&c.stdout).trim().to_owned());
        let _ = writeln!(out, "| {n} | {} |", said.unwrap_or_else(|e| e.to_string()));
    }
    out
}

/// Slope of `ln y` over `ln x`: the measured exponent.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.max(1e-12).ln())).collect();
    let n = logs.len() as f64;
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| logs.iter().map(f).sum::<f64>() / n;
    let (mx, my) = (mean(&|p| p.0), mean(&|p| p.1));
    let up: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    up / logs.iter().map(|(x, _)| (x - mx) * (x - mx)).sum::<f64>()
}

/// A canal of so many levels, each with its cord, all in exchange with one blood: the structure of
/// the kinetics.
fn canal(levels: usize) -> DMatrix<f64> {
    let n = 2 * levels + 1;
    let blood = 2 * levels;
    let mut a = DMatrix::zeros(n, n);
    let mut link = |i: usize, j: usize, there: f64, back: f64| {
        a[(j, i)] += there;
        a[(i, i)] -= there;
        a[(i, j)] += back;
        a[(j, j)] -= back;
    };
    for i in 0..levels {
        let vary = 1.0 + 0.02 * i as f64;
        if i + 1 < levels {
            link(i, i + 1, 3.0 * vary, 2.7 * vary);
        }
        link(i, levels + i, 0.6 * vary, 0.35);
        link(i, blood, 0.3, 1e-4 * vary);
    }
    a[(blood, blood)] -= 0.2;
    a
}

fn curves() -> String {
    let mut out = String::new();
    let mut curve = |what: &str, unit: &str, points: &[(f64, f64)], idle: f64| {
        let marginal: Vec<(f64, f64)> = points.iter().map(|(x, y)| (*x, y - idle)).collect();
        let _ = writeln!(out, "\n| {what} | {unit} |\n|---|---|");
        for (x, y) in points {
            let _ = writeln!(out, "| {x} | {y:.3} |");
        }
        let over = if idle > 0.0 {
            format!(" of what comes to the {idle:.3} without any")
        } else {
            String::new()
        };
        let _ = writeln!(out, "\nExponent{over}: {:.2}.", exponent(&marginal));
    };
    let levels = [6_usize, 13, 26, 52].map(|levels| {
        let a = canal(levels);
        let best = (0..15).map(|_| {
            let start = Instant::now();
            std::hint::black_box(LinearSystem::new(a.clone()).expect("finite"));
            1e3 * start.elapsed().as_secs_f64()
        });
        (levels as f64, best.fold(f64::INFINITY, f64::min))
    });
    curve("spinal levels", "ms a decomposition", &levels, 0.0);

    let faulty = |count: usize| {
        let mut text = stable();
        for i in 0..count {
            let day = 10 + 21 * i;
            let _ = write!(
                text,
                "[[fault]]\nid = \"kink{i}\"\nkind = \"catheter.kink\"\nat = \"{day} d\"\nuntil = \"{} h\"\n\
                 position = \"25 cm\"\nbore = 0.1\n",
                24 * day + 12
            );
        }
        milliseconds(&text, 48, 1)
    };
    let none = faulty(0);
    let faults = [1_usize, 2, 4, 8, 16].map(|n| (n as f64, faulty(n)));
    curve("faults of half a day", "ms a patient-year", &faults, none);

    let sampled = |every: &str| {
        milliseconds(
            &stable().replace("sample = \"1 d\"", &format!("sample = \"{every}\"")),
            48,
            1,
        )
    };
    let few = sampled("365 d");
    let samples = [("1 d", 365.0), ("6 h", 1_460.0), ("1 h", 8_760.0), ("30 min", 17_520.0)];
    let samples = samples.map(|(every, n)| (n, sampled(every)));
    curve("samples", "ms a patient-year", &samples, few);

    let simple = text_of("simple");
    let replicates = [50_u64, 100, 200, 400].map(|n| (n as f64, n as f64 * milliseconds(&simple, n, 1)));
    curve("replicates", "ms a batch", &replicates, 0.0);
    out
}

/// Cycles by module of a case, from `perf`, where the compiler put them: what is inlined counts for its caller.
fn profile(case: &str, n: u64) -> Result<String, String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let data = std::env::temp_dir().join(format!("itbsim-profile-{}", std::process::id()));
    let said = |command: &mut Command| {
        let out = command.output().map_err(|e| format!("perf: {e}"))?;
        match out.status.success() {
            true => Ok(String::from_utf8_lossy(&out.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&out.stderr).into_owned()),
        }
    };
    let record = said(
        Command::new("perf")
            .args(["record", "-q", "-F", "4000", "-o"])
            .arg(&data)
            .arg("--")
            .arg(own)
            .args(["run", case, &n.to_string()]),
    );
    let report = record.and_then(|_| {
        said(
            Command::new("perf")
                .args(["report", "--stdio", "--no-children", "--sort", "symbol", "-i"])
                .arg(&data),
        )
    });
    let _ = std::fs::remove_file(&data);
    let mut modules: std::collections::BTreeMap<String, f64> = std::collections::BTreeMap::new();
    for line in report?.lines() {
        let Some((share, symbol)) = line.trim().split_once('%') else {
            continue;
        };
        let Ok(share) = share.parse::<f64>() else { continue };
        *modules.entry(module(symbol)).or_default() += share;
    }
    let mut modules: Vec<(String, f64)> = modules.into_iter().collect();
    modules.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut out = format!("\n| {case}: module | % of cycles |\n|---|---|\n");
    for (name, share) in modules.iter().filter(|m| m.1 >= 0.5) {
        let _ = writeln!(out, "| {name} | {share:.1} |");
    }
    Ok(out)
}

/// `itbsim::room` of a symbol, or whose it is otherwise.
fn module(symbol: &str) -> String {
    if let Some((_, rest)) = symbol.split_once("itbsim::") {
        let room = rest
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .next()
            .unwrap_or("");
        return room.to_owned();
    }
    for (part, name) in [
        // What is done side by side: exponentials, powers, products, all of `numerics`.
        ("pulp", "numerics"),
        ("nalgebra", "nalgebra"),
        ("chacha", "draws"),
        ("sha2", "draws"),
        ("alloc", "allocation"),
        ("malloc", "allocation"),
        ("free", "allocation"),
        ("libm", "libm"),
        ("mem", "copies and comparisons"),
        ("[k]", "kernel"),
    ] {
        if symbol.contains(part) {
            return name.to_owned();
        }
    }
    "other".to_owned()
}

fn profiles() -> String {
    let cases = [("stable", 1_000), ("simple", 1_000), ("care", 100), ("flex", 100)];
    let all = cases.map(|(case, n)| profile(case, n).unwrap_or_else(|e| format!("\nNo profile of {case}: {e}\n")));
    all.concat()
}

/// Writes all figures into a page, in place of what stands between its marks.
fn page(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let marks: Vec<usize> = text.match_indices(MARK).map(|m| m.0).collect();
    let &[from, to] = marks.as_slice() else {
        panic!("{} needs {MARK} twice", file.display())
    };
    let measured = format!("{}{}{}{}", table(), memory(&[1_000, 100_000]), curves(), profiles());
    let new = format!("{}{MARK}\n{measured}{}", &text[..from], &text[to..]);
    std::fs::write(file, new).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
}
