//! What figures of many runs show, as plain numbers; [`plots`](super::plots) draws them.

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// File name without extension.
    pub name: String,
    /// Title.
    pub title: String,
    /// Line under it: arm, replicates.
    pub subtitle: String,
    /// Line at the foot: what made it.
    pub footer: String,
    /// What is drawn.
    pub drawing: Drawing,
}

/// Kinds of figures.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawing {
    /// Quantile bands of signals over time, with single courses over them.
    Bands {
        /// One signal each.
        panels: Vec<BandPanel>,
        /// End of the time axis \[h\].
        end_h: f64,
    },
    /// Quantiles between patients over time, each with its band by what is uncertain.
    Levels {
        /// One signal each.
        panels: Vec<LevelPanel>,
        /// End of the time axis \[h\].
        end_h: f64,
    },
    /// Steps over time with their intervals, and numbers at risk below.
    Incidence {
        /// One cause each.
        curves: Vec<Curve>,
        /// End of the time axis \[h\].
        end_h: f64,
        /// Time \[h\] and replicates at risk.
        at_risk: Vec<(f64, u64)>,
    },
    /// Distribution functions.
    Shares {
        /// One outcome each.
        panels: Vec<SharePanel>,
        /// Names of the lines, in the order in which panels have them.
        legend: Vec<String>,
    },
    /// Numbers in rows and columns of colour: a factorial.
    Grid {
        /// Quantity and unit.
        label: String,
        /// One combination of further factors each.
        panels: Vec<GridPanel>,
    },
    /// Points with intervals on an axis of their own unit: forest and tornado.
    Intervals {
        /// One unit each.
        panels: Vec<IntervalPanel>,
    },
}

/// Bands of one signal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BandPanel {
    /// Quantity and unit.
    pub label: String,
    /// Times \[h\].
    pub time_h: Vec<f64>,
    /// Quantiles at 5, 25, 50, 75 and 95 % for each time.
    pub quantiles: Vec<[f64; 5]>,
    /// Single courses: time \[h\] and value.
    pub courses: Vec<Vec<(f64, f64)>>,
}

/// Quantiles of one signal at two levels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LevelPanel {
    /// Quantity and unit.
    pub label: String,
    /// Times \[h\].
    pub time_h: Vec<f64>,
    /// For each time the quantiles between patients at 5, 50 and 95 %, and of each the 5th, 50th and 95th
    /// percentile over what is uncertain.
    pub edges: Vec<[[f64; 3]; 3]>,
}

/// A step function of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What it is of.
    pub name: String,
    /// Time \[h\], value, lower and upper end of its interval; each holds until the next.
    pub steps: Vec<Step>,
}

/// Time \[h\], value, lower and upper end of its interval.
pub type Step = (f64, f64, f64, f64);

/// Numbers by the values of two factors.
#[derive(Debug, Clone, PartialEq)]
pub struct GridPanel {
    /// Values of the other factors; empty without.
    pub title: String,
    /// Name of the factor along the rows, and its values from top to bottom.
    pub rows: (String, Vec<String>),
    /// Name of the factor along the columns, and its values from left to right.
    pub columns: (String, Vec<String>),
    /// Row by row; `None` where there is no number.
    pub values: Vec<Option<f64>>,
}

/// Distribution functions of one outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct SharePanel {
    /// Outcome with its unit.
    pub label: String,
    /// By line: value, and share of replicates up to it.
    pub lines: Vec<Vec<(f64, f64)>>,
}

/// Points with intervals in one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalPanel {
    /// Quantity and unit.
    pub label: String,
    /// From top to bottom.
    pub rows: Vec<IntervalRow>,
    /// Where a line marks no difference.
    pub zero: f64,
}

/// One point with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalRow {
    /// What it is of.
    pub name: String,
    /// The point.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}
