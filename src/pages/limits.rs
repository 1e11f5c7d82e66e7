//! The page of limits, made from the constants that set them.

use std::fmt::Write;

use crate::batch::{MOST_DRAWS, MOST_REPLICATES, MOST_SAMPLES, sensitivity};
use crate::cli::{MOST_THREADS, MOST_VALUES};
use crate::kinetics::SYSTEM_LIMIT;
use crate::scenario::{FILE_LIMIT, MOST_ARMS, MOST_ROWS, most, steps};
use crate::serve::{Limits, MOST_BODY, MOST_HEAD, MOST_MOVES};
use crate::signals::MOST_OTHERS;
use crate::simulation::{CROWD_LIMIT, EVENT_LIMIT};
use crate::validate::room;

const BEFORE: &str = "\
<!-- Written by docs/update from the constants: change those. -->

# Limits

What is larger is refused with a message before anything is made in its size; nothing is cut short in silence. A file or a
request that is within them is read, run or refused in bounded time and memory; the folder `fuzz` of the sources puts that to
the test. A limit that is in the way of honest work is a mistake: please report it.
";

/// A number with its thousands apart.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The page as Markdown.
pub(super) fn page() -> String {
    let mut out = BEFORE.to_owned();
    let mut table = |title: &str, rows: &[(&str, u64, &str)]| {
        let _ = write!(
            out,
            "\n## {title}\n\n| what | most | why, and what then |\n|---|---|---|\n"
        );
        for (what, most, why) in rows {
            let _ = writeln!(out, "| {what} | {} | {why} |", grouped(*most));
        }
    };
    table(
        "Scenario files",
        &[
            (
                "length of a file \\[bytes\\]",
                FILE_LIMIT,
                "also of standard input; code `unreadable-file`",
            ),
            (
                "files that extend one another",
                most::FILES as u64,
                "code `long-extends`; a circle is told apart",
            ),
            (
                "blocks of one kind: programmes, faults, acts, expectations, ...",
                most::BLOCKS as u64,
                "code `too-many-blocks`",
            ),
            (
                "arms, or cells of a matrix",
                MOST_ARMS as u64,
                "each is a run of its own",
            ),
            (
                "values of a file times its arms, cells or choices",
                most::COPIED as u64,
                "code `too-many-values`",
            ),
            (
                "values that one arm or choice sets",
                most::SET as u64,
                "the same; there are some nine hundred parameters",
            ),
            (
                "blocks that wait for one another in a row",
                most::WAITING as u64,
                "`after`, `when`; a circle is told apart",
            ),
            ("length of a run \\[h\\]", most::HOURS as u64, "a hundred years"),
            (
                "rows of one run",
                MOST_ROWS as u64,
                "code `too-many-rows`; a spacing as small as that is a slip",
            ),
            (
                "times that one thing repeats in a run",
                most::REPEATS as u64,
                "code `too-often`",
            ),
            ("other drugs in the pump", MOST_OTHERS as u64, "beside baclofen"),
            ("steps of a work-up", steps::MOST as u64, ""),
            (
                "decisions, each with choices",
                most::DECISIONS as u64,
                "at the page of a lesson",
            ),
            ("choices of a decision", most::CHOICES as u64, ""),
            ("stages or questions of a lesson", most::STAGES as u64, ""),
            (
                "length of a name \\[characters\\]",
                most::NAME as u64,
                "ids of blocks and arms",
            ),
        ],
    );
    table(
        "Runs",
        &[
            (
                "events of one run",
                EVENT_LIMIT,
                "an error of the run, with time and last events; a year of stable therapy has some hundred",
            ),
            (
                "events within one second of simulated time",
                u64::from(CROWD_LIMIT),
                "a model that stands still is told, not waited for",
            ),
            (
                "flows of spinal fluid worked out in one run",
                u64::from(SYSTEM_LIMIT),
                "an error of the run; each is a system of its own to solve, a millisecond or two, and the last 64 are known",
            ),
            (
                "numbers in the rows of all arms of `run`",
                MOST_VALUES,
                "a gigabyte; `batch` keeps no rows",
            ),
        ],
    );
    table(
        "Evidence of `itbsim validate`",
        &[
            ("length of a file \\[bytes\\]", FILE_LIMIT, ""),
            (
                "figures, rows of tables among them; stories; limits; ...",
                room::MOST_ENTRIES as u64,
                "of each kind, the built-in ones among them",
            ),
            ("time courses", room::MOST_COURSES as u64, "each is drawn"),
            (
                "texts of a table, once for each figure; of all stories, filled in \\[bytes\\]",
                room::MOST_TEXT as u64,
                "",
            ),
            ("values that fill one story", room::MOST_WITH as u64, ""),
            ("replicates of one figure", room::MOST_REPLICATES, ""),
            (
                "numbers in the rows of all stories",
                room::MOST_NUMBERS,
                "a gigabyte; a story that a course draws counts twice",
            ),
            (
                "numbers in the rows of one replicate, or of a run behind an identity",
                room::MOST_AT_ONCE,
                "each thread holds one or two",
            ),
        ],
    );
    table(
        "Batches",
        &[
            (
                "replicates, of all draws together",
                MOST_REPLICATES,
                "counts are exact up to four times as many; memory does not grow with them",
            ),
            (
                "samples: signals x times x arms",
                MOST_SAMPLES,
                "some 2 kB of counts each",
            ),
            ("draws of the outer level", MOST_DRAWS, "of what is not known"),
            (
                "threads of one process",
                MOST_THREADS as u64,
                "`--threads`; more than cores gain nothing",
            ),
            (
                "parameters of a sensitivity study",
                sensitivity::MOST_PARAMETERS as u64,
                "of Sobol indices",
            ),
            ("runs of a sensitivity study", sensitivity::MOST_RUNS, ""),
            (
                "runs times parameters of a sensitivity study",
                sensitivity::MOST_NUMBERS,
                "400 MB of points",
            ),
        ],
    );
    table(
        "The test stand of flow controllers",
        &[
            (
                "ticks of a controller, samples of a sensor, in one test",
                most::FLOW_TICKS as u64,
                "code `too-often`",
            ),
            ("recorded samples of one test", most::FLOW_SAMPLES as u64, "the same"),
            (
                "readings of a sensor on their way, values that a tap holds back",
                most::FLOW_WAITING as u64,
                "the same",
            ),
            (
                "numbers recorded by all tests of all controllers",
                most::FLOW_RECORDED as u64,
                "a gigabyte",
            ),
        ],
    );
    let serve = Limits::default();
    table(
        "`itbsim serve`, of one request",
        &[
            ("head \\[bytes\\]", MOST_HEAD as u64, "status 431"),
            ("body \\[bytes\\]", MOST_BODY as u64, "status 413, before it is read"),
            ("text of a scenario \\[bytes\\]", serve.text as u64, "status 413"),
            ("arms", serve.arms as u64, "status 413"),
            ("moves of sliders and switches", MOST_MOVES as u64, "status 413"),
            ("events of a run", serve.events, "status 422"),
            ("rows of a run", u64::from(serve.rows), "the spacing grows instead"),
            ("seconds to arrive", serve.arrive.as_secs(), "status 408"),
            ("seconds to run", serve.run.as_secs(), "status 503"),
            ("connections at once", serve.connections as u64, "status 503"),
        ],
    );
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped_by_thousands() {
        let written: Vec<String> = [0, 64, 999, 1_000, 876_600, 1_000_000_000].map(super::grouped).into();
        assert_eq!(written, ["0", "64", "999", "1,000", "876,600", "1,000,000,000"]);
    }
}
