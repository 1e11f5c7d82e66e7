//! The tests, run once for every mutant.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::list::Mutant;
use crate::rewrite::Id;

/// As many tests that caught a neighbour are tried before all are.
const RECENT: usize = 8;
/// A mutant that takes memory without end is stopped here \[KiB\].
const MEMORY: &str = "4194304";

/// Nor does one that stands still outlive this program for long, should that be stopped \[s\].
const PROCESSOR: &str = "900";

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// By which test, or how the program ended.
    Caught(String),
    Hung,
    Missed,
}

/// Which test of which program.
type Test = (usize, String);

/// Tests of one program.
struct Group {
    program: usize,
    names: Vec<String>,
}

/// Shares of the time of all tests at which the next group begins.
const STAGES: [f64; 3] = [0.1, 0.35, 1.0];

pub struct Runner {
    folder: PathBuf,
    programs: Vec<PathBuf>,
    /// All tests in the order in which a mutant meets them: a few slow ones take most of the time, and most
    /// mutants fall to a quick one.
    groups: Vec<Group>,
    /// How long each test takes without a mutant.
    times: BTreeMap<Test, Duration>,
    timeout: Option<Duration>,
    /// Tests that caught something lately, by function and by file.
    recent: Mutex<BTreeMap<String, VecDeque<Test>>>,
}

impl Runner {
    /// Runs the tests without a mutant: they must pass, and say how long they take.
    pub fn new(folder: &Path, programs: Vec<PathBuf>, timeout: Option<Duration>) -> Result<Runner> {
        let (folder, groups, times, recent) = (folder.to_owned(), Vec::new(), BTreeMap::new(), Mutex::default());
        let mut runner = Runner {
            folder,
            programs,
            groups,
            times,
            timeout,
            recent,
        };
        let mut timed: Vec<(Duration, Test)> = Vec::new();
        for program in 0..runner.programs.len() {
            let mut last = Instant::now();
            let verdict = runner.run(program, &[], 0, Duration::from_secs(600), |name| {
                timed.push((last.elapsed(), (program, name.to_owned())));
                last = Instant::now();
            });
            if verdict != Verdict::Missed {
                bail!("{} without a mutant: {verdict:?}", runner.programs[program].display());
            }
        }
        timed.sort();
        let all: Duration = timed.iter().map(|(time, _)| *time).sum();
        eprintln!(
            "without a mutant the {} tests take {:.2} s",
            timed.len(),
            all.as_secs_f64()
        );
        runner.times = timed.iter().map(|(time, test)| (test.clone(), *time)).collect();
        let (mut sum, mut stage) = (Duration::ZERO, 0);
        let mut stages: [Vec<(Duration, Test)>; STAGES.len()] = Default::default();
        for test in timed {
            sum += test.0;
            while stage + 1 < STAGES.len() && sum > all.mul_f64(STAGES[stage]) {
                stage += 1;
            }
            stages[stage].push(test);
        }
        for tests in stages {
            for program in 0..runner.programs.len() {
                let own = || tests.iter().filter(|(_, test)| test.0 == program);
                let names: Vec<String> = own().map(|(_, test)| test.1.clone()).collect();
                if !names.is_empty() {
                    runner.groups.push(Group { program, names });
                }
            }
        }
        Ok(runner)
    }

    /// Tries mutants, several at a time.
    pub fn try_all(&self, chosen: &[(Id, &Mutant)], workers: usize) -> Vec<Verdict> {
        let next = AtomicUsize::new(0);
        let verdicts: Vec<Mutex<Verdict>> = chosen.iter().map(|_| Mutex::new(Verdict::Missed)).collect();
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let index = next.fetch_add(1, Ordering::Relaxed)
                        && let Some((id, mutant)) = chosen.get(index)
                    {
                        *verdicts[index].lock().unwrap() = self.try_one(*id, mutant);
                        if (index + 1) % 50 == 0 {
                            eprintln!(
                                "{} of {} in {:.0} s",
                                index + 1,
                                chosen.len(),
                                start.elapsed().as_secs_f64()
                            );
                        }
                    }
                });
            }
        });
        verdicts
            .into_iter()
            .map(|verdict| verdict.into_inner().unwrap())
            .collect()
    }

    fn try_one(&self, id: Id, mutant: &Mutant) -> Verdict {
        let near = [mutant.neighbourhood(), mutant.file.clone()];
        let likely = self.likely(&near);
        let recent = (0..self.programs.len()).map(|program| {
            let names = likely
                .iter()
                .filter(|test| test.0 == program)
                .map(|test| test.1.as_str())
                .collect();
            (program, names)
        });
        let groups = self.groups.iter().map(|group| {
            let names = group.names.iter().map(String::as_str);
            // Those that were tried at first have not failed.
            let names = names.filter(|name| !likely.iter().any(|test| test.0 == group.program && test.1 == *name));
            (group.program, names.collect())
        });
        for (program, names) in recent.chain(groups) {
            // Without a name all tests would run.
            let names: Vec<&str> = names;
            if !names.is_empty() {
                let times = names
                    .iter()
                    .filter_map(|name| self.times.get(&(program, (*name).to_owned())));
                let slowest = times.max().copied().unwrap_or_default();
                let timeout = self.timeout.unwrap_or((slowest * 8).max(Duration::from_secs(10)));
                match self.run(program, &names, id, timeout, |_| {}) {
                    Verdict::Missed => {}
                    verdict => return self.learn(&near, program, verdict),
                }
            }
        }
        Verdict::Missed
    }

    fn likely(&self, near: &[String]) -> Vec<Test> {
        let recent = self.recent.lock().unwrap();
        let mut tests = Vec::new();
        for test in near.iter().filter_map(|place| recent.get(place)).flatten() {
            if tests.len() < RECENT && !tests.contains(test) {
                tests.push(test.clone());
            }
        }
        tests
    }

    fn learn(&self, near: &[String], program: usize, verdict: Verdict) -> Verdict {
        if let Verdict::Caught(name) = &verdict
            && !name.starts_with(ENDED)
        {
            let test = (program, name.clone());
            let mut recent = self.recent.lock().unwrap();
            for place in near {
                let tests = recent.entry(place.clone()).or_default();
                tests.retain(|other| *other != test);
                tests.push_front(test.clone());
                tests.truncate(RECENT);
            }
        }
        verdict
    }

    /// Runs all tests of a program, or those named, until one fails; if none does, the mutant is missed.
    fn run(&self, program: usize, names: &[&str], id: Id, timeout: Duration, mut passed: impl FnMut(&str)) -> Verdict {
        // `exec` leaves a single process, so that it is what is stopped; the tests start none.
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                &format!("ulimit -v {MEMORY}; ulimit -t {PROCESSOR}; ulimit -c 0; exec \"$0\" \"$@\""),
            ])
            .arg(&self.programs[program])
            .args(names)
            .args(if names.is_empty() { &[][..] } else { &["--exact"] })
            .current_dir(&self.folder)
            .env("ITBSIM_MUTANT", id.to_string())
            .env("RUST_TEST_THREADS", "1")
            .env("RUST_BACKTRACE", "0")
            // That a case fails is enough: it need not be made small, nor kept for the next mutant.
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("a test program that was just built starts");
        let mut deadline = Instant::now() + timeout;
        let (send, lines) = mpsc::channel();
        let mut stdout = BufReader::new(child.stdout.take().expect("the output is a pipe"));
        thread::spawn(move || {
            let mut line = Vec::new();
            while stdout.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
                line.clear();
            }
        });
        let mut last = String::new();
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    // The time is a single test's: a mutant that stands still is not waited for as long as for all.
                    deadline = Instant::now() + timeout;
                    if let Some((name, result)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
                        let name = name.trim_end_matches(" - should panic");
                        if result.trim_end().ends_with("FAILED") {
                            stop(&mut child);
                            return Verdict::Caught(name.to_owned());
                        }
                        // Not what is ignored, which would be timed as if it were run.
                        if result.trim_end().ends_with("ok") {
                            passed(name);
                        }
                        last = name.to_owned();
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    stop(&mut child);
                    return Verdict::Hung;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        // The output is closed, so what is left is to end.
        match child.wait() {
            Ok(status) if status.success() => Verdict::Missed,
            Ok(status) => Verdict::Caught(format!("{ENDED}{status}, in or after {last}")),
            Err(error) => Verdict::Caught(format!("{ENDED}{error}")),
        }
    }
}

/// How the name of a test that was not told begins.
const ENDED: &str = "the program ended: ";

/// Ends a process and waits for it, so that no zombie is left.
fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
