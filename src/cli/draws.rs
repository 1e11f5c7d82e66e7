//! What `batch`, `merge`, `compare` and `run` are told about draws and about the look of tables.

use crate::batch::{self, Batch, Outer, Settings};
use crate::engine::SimSpan;
use crate::hazards::{Bias, Given};
use crate::quantity::{self, Dimension};
use crate::report::format::Format;
use crate::scenario::model::Story;
use crate::simulation::Registry;

use super::Failure;

/// Replicates of a batch that does not say.
const USUAL: i64 = 1_000;

/// What a finished batch looks like; shared with `merge`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct LookArgs {
    /// Tables only
    #[arg(long)]
    pub no_plots: bool,
    /// Format of the tables
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum TableFormat {
    /// Text with a header line
    #[default]
    Csv,
    /// Typed columns, compressed; in programs built with the feature `parquet`
    Parquet,
}

impl LookArgs {
    /// Tables as CSV and figures.
    pub const USUAL: LookArgs = LookArgs {
        no_plots: false,
        format: TableFormat::Csv,
    };

    /// The format, if this program has it.
    pub fn format(self) -> Result<Format, Failure> {
        let format = match self.format {
            TableFormat::Csv => Format::Csv,
            TableFormat::Parquet => Format::Parquet,
        };
        if format.is_built_in() {
            return Ok(format);
        }
        Err(Failure::Input(
            "error: this itbsim was built without Parquet\n  help: build it with `cargo build --release --features parquet`, or leave --format out".into(),
        ))
    }
}

/// What a batch is drawn from; shared with `compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct DrawArgs {
    /// Number of replicates; a batch without it runs 1000
    #[arg(
        short = 'n',
        long = "replicates",
        id = "replicates",
        value_name = "N",
        allow_negative_numbers = true
    )]
    pub n: Option<i64>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads, all cores if not given; the results do not depend on it
    #[arg(long, short = 'j', value_name = "T")]
    threads: Option<usize>,
    /// Signals whose bands are kept, separated by commas (see `itbsim list signals`)
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    signals: Vec<String>,
    /// Spacing of samples, for example 1d or 6h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    sample: Option<String>,
    /// Let this fault strike in every other replicate, and weigh both halves by its true chance
    #[arg(long, value_name = "FAULT")]
    given: Option<String>,
    /// Draw a fault as if its hazard were so many times larger, and weigh by the true one
    #[arg(long, value_name = "FAULT=FACTOR")]
    tilt: Vec<String>,
    /// Draw what we do not know so many times, and run -n replicates for each draw
    #[arg(long, value_name = "DRAWS")]
    uncertainty: Option<u64>,
    #[command(flatten)]
    uncertain: UncertainArgs,
}

/// Parameters that are uncertain besides those of the population; shared with `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct UncertainArgs {
    /// Also draw these parameters evenly over their range: KEY, KEY=LOW..HIGH or the beginning of keys
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    uncertain: Vec<String>,
}

impl UncertainArgs {
    pub fn is_empty(&self) -> bool {
        self.uncertain.is_empty()
    }

    /// The ranges, in every arm of a story.
    pub fn ranges(&self, story: &Story) -> Result<Vec<(String, f64, f64)>, Failure> {
        let refused = |why: String| {
            Failure::Input(format!(
                "error: --uncertain: {why}\n  help: `itbsim parameters` lists them all, with their ranges"
            ))
        };
        let named = |key: &str| {
            self.uncertain
                .iter()
                .any(|p| p.split('=').next().map(str::trim) == Some(key))
        };
        let mut out: Option<Vec<(String, f64, f64)>> = None;
        for arm in &story.arms {
            let found = batch::vary::ranges(&self.uncertain, &arm.scenario).map_err(|e| refused(e.to_string()))?;
            let drawn = |key: &str| {
                let spec = arm.scenario.population.as_ref();
                spec.is_some_and(|s| s.distributions().iter().any(|d| d.key == key))
            };
            let mut ranges = Vec::new();
            for range in found {
                let key = range.parameter.key;
                match (drawn(key), named(key)) {
                    (true, true) => {
                        return Err(refused(format!(
                            "`{key}` differs between patients; what is uncertain about it stands in the population"
                        )));
                    }
                    (true, false) => {}
                    (false, _) => ranges.push((key.to_owned(), range.low, range.high)),
                }
            }
            if out.as_ref().is_some_and(|known| *known != ranges) {
                return Err(refused(format!(
                    "arm `{}` can move other parameters than the first arm; name them one by one",
                    arm.id
                )));
            }
            out = Some(ranges);
        }
        Ok(out.unwrap_or_default())
    }
}

/// Most threads of one process: many more than cores only cost memory and time.
pub(crate) const MOST_THREADS: usize = 1024;

/// The threads asked for, or one for each core.
pub(super) fn threads(asked: Option<usize>) -> Result<usize, Failure> {
    match asked {
        Some(0) => Err(Failure::Input(
            "error: --threads 0 runs nothing\n  help: leave it out to use all cores".into(),
        )),
        Some(n) if n > MOST_THREADS => Err(Failure::Input(format!(
            "error: --threads {n} is more than {MOST_THREADS}, the limit\n  help: leave it out to use all cores"
        ))),
        Some(n) => Ok(n),
        None => Ok(std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MOST_THREADS)),
    }
}

impl DrawArgs {
    pub fn threads(&self) -> Result<usize, Failure> {
        threads(self.threads)
    }

    fn settings(&self, story: &Story) -> Result<Settings, Failure> {
        let asked = self.n.unwrap_or(USUAL);
        let Ok(n) = u64::try_from(asked) else {
            return Err(Failure::Input(format!(
                "error: a batch needs at least one replicate, not {asked}\n  help: write for example -n 1000"
            )));
        };
        let bare = |kind: &str| kind.strip_prefix("fault.").unwrap_or(kind).to_owned();
        let mut factors = Vec::new();
        for text in &self.tilt {
            let read = text
                .split_once('=')
                .and_then(|(k, f)| Some((bare(k), f.trim().parse::<f64>().ok()?)));
            factors.push(read.ok_or_else(|| {
                Failure::Input(format!(
                    "error: --tilt {text} is no FAULT=FACTOR\n  help: write for example --tilt catheter.kink=20"
                ))
            })?);
        }
        factors.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(pair) = factors.windows(2).find(|p| p[0].0 == p[1].0) {
            return Err(Failure::Input(format!("error: --tilt names `{}` twice", pair[0].0)));
        }
        Ok(Settings {
            n,
            seed: self.seed,
            sample: self.sample.as_deref().map(spacing).transpose()?,
            signals: self.signals.clone(),
            bias: Bias {
                factors,
                given: self.given.as_deref().map(|kind| Given { kind: bare(kind) }),
            },
            outer: match self.uncertainty {
                Some(0) => {
                    return Err(Failure::Input(
                        "error: --uncertainty 0 draws nothing\n  help: leave it out, or write for example --uncertainty 40"
                            .into(),
                    ));
                }
                Some(draws) => Outer {
                    draws,
                    ranges: self.uncertain.ranges(story)?,
                },
                None if self.uncertain.is_empty() => Outer::default(),
                None => {
                    return Err(Failure::Input(
                        "error: --uncertain names parameters, but not how often to draw them\n  help: add --uncertainty 40".into(),
                    ));
                }
            },
        })
    }

    /// The batch of a story.
    pub fn prepare(&self, story: &Story) -> Result<Batch, Failure> {
        Ok(Batch::new(story, Registry::builtin(), self.settings(story)?)?)
    }
}

fn spacing(text: &str) -> Result<SimSpan, Failure> {
    let bad = |why: String| {
        Failure::Input(format!(
            "error: --sample {text}: {why}\n  help: write a time such as 1d or 6h"
        ))
    };
    let hours = quantity::parse(text, Dimension::Time).map_err(|e| bad(e.to_string()))?;
    let span = SimSpan::from_hours(hours).map_err(|e| bad(e.to_string()))?;
    if span.as_nanos() <= 0 {
        return Err(bad("samples need a spacing above zero".into()));
    }
    Ok(span)
}
