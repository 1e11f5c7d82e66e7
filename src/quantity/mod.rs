//! Text to typed numbers and back: `"300 ug/day"` is 12.5 ug/h.
//!
//! Inside the crate a quantity is a bare `f64` in base units (ug, mL, h, cm,
//! ug/mL, ug/h, mL/h, kPa, degC, 1/h, mL/h/kPa); the unit exists only at the
//! edge, where a person writes or reads it. Three doors:
//!
//! - [`parse`]: text whose kind the program knows, such as a dose rate;
//! - [`convert`]: text into a unit that is itself text, for parameter tables;
//! - [`Quantity`]: a number with its kind, whose `Display` is the canonical spelling.
//!
//! ```
//! use itbsim::quantity::{parse, convert, Dimension, Quantity};
//!
//! assert_eq!(parse("300 ug/day", Dimension::DoseRate).unwrap(), 12.5);
//! assert_eq!(convert("0.35 mL/min", "mL/h").unwrap(), 21.0);
//! assert_eq!(Quantity::new(12.5, Dimension::DoseRate).to_string(), "12.5 ug/h");
//!
//! let wrong = parse("300 ug", Dimension::DoseRate).unwrap_err();
//! assert_eq!(wrong.to_string(), "`300 ug` is a mass, but a dose rate is needed here");
//! assert_eq!(wrong.help().unwrap(), "write a dose rate such as \"300 ug/day\"");
//! ```

mod unit;

use std::fmt;
use std::sync::OnceLock;

use unit::{Powers, Unit};

/// The kinds of quantity a scenario can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Dimension {
    /// Drug amount \[ug\].
    Mass,
    /// Drug amount in the larger unit of tablets and ampoules \[mg\].
    TabletMass,
    /// Fluid volume \[mL\].
    Volume,
    /// Length of time \[h\].
    Time,
    /// Length \[cm\].
    Length,
    /// Drug per fluid \[ug/mL\].
    Concentration,
    /// Drug per time \[ug/h\].
    DoseRate,
    /// Fluid per time \[mL/h\]; also a clearance.
    VolumeFlow,
    /// Pressure \[kPa\].
    Pressure,
    /// Temperature \[degC\].
    Temperature,
    /// Events or fraction per time \[1/h\].
    Rate,
    /// Flow per pressure \[mL/h/kPa\].
    Conductance,
    /// Volume per pressure \[mL/kPa\].
    Compliance,
    /// Dispersion or diffusion coefficient \[cm2/s\].
    Diffusivity,
    /// Mass of a person \[kg\].
    BodyWeight,
    /// Clearance per body weight \[mL/min/kg\].
    WeightedClearance,
    /// Distribution volume per body weight \[L/kg\].
    WeightedVolume,
    /// Magnetic flux density \[T\].
    Field,
    /// Area \[cm2\].
    Area,
    /// A share, written in percent \[1\].
    Fraction,
    /// A pure number, written bare or in percent \[1\].
    Number,
}

/// Name, base unit and example of one dimension.
struct Kind {
    noun: &'static str,
    base: &'static str,
    example: &'static str,
    /// Unit offered for a number that came without one.
    usual: &'static str,
}

impl Dimension {
    /// All dimensions, in the order in which a unit is given a name.
    pub const ALL: [Dimension; 21] = {
        use Dimension::*;
        [
            Mass,
            Volume,
            Time,
            Length,
            Concentration,
            DoseRate,
            VolumeFlow,
            Pressure,
            Temperature,
            Rate,
            Conductance,
            Compliance,
            Diffusivity,
            BodyWeight,
            WeightedClearance,
            WeightedVolume,
            Field,
            Area,
            Fraction,
            Number,
            TabletMass,
        ]
    };

    fn kind(self) -> Kind {
        let (noun, base, example, usual) = match self {
            Dimension::Mass => ("a mass", "ug", "50 ug", "ug"),
            Dimension::TabletMass => ("a mass", "mg", "10 mg", "mg"),
            Dimension::Volume => ("a volume", "mL", "18 mL", "mL"),
            Dimension::Time => ("a time", "h", "90 d", "d"),
            Dimension::Length => ("a length", "cm", "89 cm", "cm"),
            Dimension::Concentration => ("a concentration", "ug/mL", "2 mg/mL", "ug/mL"),
            Dimension::DoseRate => ("a dose rate", "ug/h", "300 ug/day", "ug/day"),
            Dimension::VolumeFlow => ("a volume flow", "mL/h", "0.25 mL/day", "mL/day"),
            Dimension::Pressure => ("a pressure", "kPa", "10 cmH2O", "kPa"),
            Dimension::Temperature => ("a temperature", "degC", "37 degC", "degC"),
            Dimension::Rate => ("a rate", "1/h", "0.0044 /year", "/year"),
            Dimension::Conductance => ("a conductance", "mL/h/kPa", "0.02 mL/h/kPa", "mL/h/kPa"),
            Dimension::Compliance => ("a compliance", "mL/kPa", "0.001 mL/kPa", "mL/kPa"),
            Dimension::Diffusivity => ("a diffusivity", "cm2/s", "0.1 cm2/s", "cm2/s"),
            Dimension::BodyWeight => ("a body weight", "kg", "70 kg", "kg"),
            Dimension::WeightedClearance => ("a clearance per body weight", "mL/min/kg", "2.5 mL/min/kg", "mL/min/kg"),
            Dimension::WeightedVolume => ("a volume per body weight", "L/kg", "0.8 L/kg", "L/kg"),
            Dimension::Field => ("a magnetic field", "T", "1.5 T", "T"),
            Dimension::Area => ("an area", "cm2", "1.5 cm2", "cm2"),
            Dimension::Fraction => ("a share in percent", "1", "50 %", "%"),
            Dimension::Number => ("a pure number", "1", "0.5", "1"),
        };
        Kind {
            noun,
            base,
            example,
            usual,
        }
    }

    /// What it is, with its article: `"a dose rate"`.
    pub fn noun(self) -> &'static str {
        self.kind().noun
    }

    /// Spelling of the base unit: `"ug/h"`; `"1"` for a pure number.
    pub fn base_unit(self) -> &'static str {
        self.kind().base
    }

    /// A well-formed text of this dimension: `"300 ug/day"`.
    pub fn example(self) -> &'static str {
        self.kind().example
    }

    /// The unit people mostly write: `"ug/day"`.
    pub fn usual_unit(self) -> &'static str {
        self.kind().usual
    }

    /// The dimension whose powers a unit has, if one of ours.
    fn of(powers: Powers) -> Option<Dimension> {
        Self::ALL
            .into_iter()
            .find(|d| unit::parse(d.base_unit()).is_ok_and(|u| u.powers == powers))
    }
}

/// Why a text is no quantity of the wanted kind.
///
/// `Display` states what is wrong, [`QuantityError::help`] what to write instead.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// The text does not start with a number.
    #[error("`{text}` does not start with a number")]
    NoNumber {
        /// The text.
        text: String,
        /// What to write instead.
        advice: String,
    },
    /// A number without a unit.
    #[error("`{text}` has no unit")]
    NoUnit {
        /// The text.
        text: String,
        /// What to write instead.
        advice: String,
    },
    /// The unit is not in the table.
    #[error("unknown unit `{unit}`")]
    UnknownUnit {
        /// The part that is not understood.
        unit: String,
        /// The nearest known unit, if one is near.
        nearest: Option<&'static str>,
        /// A text that would be accepted.
        example: String,
    },
    /// The unit is of another kind.
    #[error("`{text}` is {is}, but {needed} is needed here")]
    WrongDimension {
        /// The text.
        text: String,
        /// What it is, with its article.
        is: String,
        /// What is needed, with its article.
        needed: String,
        /// A text that would be accepted.
        example: String,
    },
    /// Not a finite number, before or after scaling to the base unit.
    #[error("`{text}` is not a finite number")]
    NotFinite {
        /// The text.
        text: String,
        /// A text that would be accepted.
        example: String,
    },
}

impl QuantityError {
    /// What to write instead.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            QuantityError::NoNumber { advice, .. } | QuantityError::NoUnit { advice, .. } => advice.clone(),
            QuantityError::UnknownUnit {
                nearest: Some(unit), ..
            } => format!("did you mean `{unit}`?"),
            QuantityError::UnknownUnit { example, .. } => {
                format!("write for example \"{example}\"")
            }
            QuantityError::WrongDimension { needed, example, .. } => {
                format!("write {needed} such as \"{example}\"")
            }
            QuantityError::NotFinite { example, .. } => format!("write for example \"{example}\""),
        })
    }
}

/// What a text is measured against: the unit that is 1, and how to talk about it.
struct Wanted {
    unit: Unit,
    noun: String,
    example: String,
    /// Whether a number without a unit is right.
    bare: bool,
    usual: String,
}

/// Reads a quantity of a known kind.
///
/// The number may have a sign, a decimal point and an exponent; the unit
/// follows, with or without a space. Micro may be `u`, `µ` (either code point)
/// or `mc`. A year is 365.25 days.
///
/// # Errors
/// [`QuantityError`] if the text is no finite number with a unit of `dimension`.
/// Only [`Dimension::Number`] may stand without a unit.
pub fn parse(text: &str, dimension: Dimension) -> Result<f64, QuantityError> {
    let kind = dimension.kind();
    let unit = unit::parse(kind.base).unwrap_or(Unit::ONE);
    measure(
        text,
        &Wanted {
            unit,
            noun: kind.noun.to_owned(),
            example: kind.example.to_owned(),
            bare: dimension == Dimension::Number,
            usual: kind.usual.to_owned(),
        },
    )
}

/// Reads a quantity and expresses it in `unit`, which is itself a text such as
/// `"cm2/s"`; `"1"` is a pure number.
///
/// # Errors
/// As [`parse`]; also [`QuantityError::UnknownUnit`] if `unit` is not understood.
pub fn convert(text: &str, unit: &str) -> Result<f64, QuantityError> {
    let target = unit::parse(unit).map_err(|part| unknown(&part, "1 mg"))?;
    // `kg` is a body weight rather than any mass; otherwise the powers decide.
    let named = Dimension::ALL
        .into_iter()
        .find(|d| d.base_unit() == unit.trim())
        .or_else(|| Dimension::of(target.powers));
    let plain = unit.trim() == "1";
    measure(
        text,
        &Wanted {
            unit: target,
            noun: match named {
                Some(Dimension::Number | Dimension::Fraction) => Dimension::Number.noun().to_owned(),
                Some(d) => d.noun().to_owned(),
                None => format!("a quantity in {unit}"),
            },
            example: if plain { "0.5".to_owned() } else { format!("1 {unit}") },
            bare: plain,
            usual: unit.to_owned(),
        },
    )
}

/// A unit that was read once, for numbers that come without text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measure(Unit);

impl Measure {
    /// Reads a unit.
    pub(crate) fn of(unit: &str) -> Option<Measure> {
        unit::parse(unit).ok().map(Measure)
    }

    /// A number in this unit, expressed in the base unit of `dimension`; `None` if it is of
    /// another kind or not finite. The bits are those of [`convert`].
    pub(crate) fn in_base(self, value: f64, dimension: Dimension) -> Option<f64> {
        static BASES: OnceLock<Vec<(Dimension, Unit)>> = OnceLock::new();
        let bases = BASES.get_or_init(|| {
            let base = |d: Dimension| Some((d, unit::parse(d.base_unit()).ok()?));
            Dimension::ALL.into_iter().filter_map(base).collect()
        });
        let (_, base) = bases.iter().find(|(d, _)| *d == dimension)?;
        let there = scale(value, &self.0, base);
        (self.0.powers == base.powers && value.is_finite() && there.is_finite()).then_some(there + 0.0)
    }
}

/// Whether a text is a unit this module understands.
pub fn is_unit(text: &str) -> bool {
    unit::parse(text).is_ok()
}

fn unknown(part: &str, example: &str) -> QuantityError {
    QuantityError::UnknownUnit {
        unit: part.to_owned(),
        nearest: unit::nearest(part),
        example: example.to_owned(),
    }
}

/// Enough of a text to know it by.
fn abridged(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn measure(text: &str, wanted: &Wanted) -> Result<f64, QuantityError> {
    let trimmed = text.trim();
    let shown = || abridged(trimmed);
    let (digits, rest) = split_number(trimmed);
    let lower = trimmed.trim_start_matches(['+', '-']).to_lowercase();
    let word = lower.split(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    if matches!(word, "nan" | "inf" | "infinity") {
        return Err(QuantityError::NotFinite {
            text: shown(),
            example: wanted.example.clone(),
        });
    }
    let Ok(number) = digits.parse::<f64>() else {
        return Err(QuantityError::NoNumber {
            text: shown(),
            advice: format!("write {} such as \"{}\"", wanted.noun, wanted.example),
        });
    };
    if rest.starts_with([',', '_', '\'']) {
        return Err(QuantityError::NoNumber {
            text: shown(),
            advice: format!(
                "write numbers with a decimal point and no separators, as in \"{}\"",
                wanted.example
            ),
        });
    }
    let rest = rest.trim();
    if rest.is_empty() && !wanted.bare {
        return Err(QuantityError::NoUnit {
            text: shown(),
            advice: format!(
                "write {} with its unit, such as \"{} {}\"",
                wanted.noun,
                abridged(digits),
                wanted.usual
            ),
        });
    }
    let unit = if rest.is_empty() {
        Unit::ONE
    } else {
        unit::parse(rest).map_err(|part| unknown(&part, &wanted.example))?
    };
    if unit.powers != wanted.unit.powers {
        return Err(QuantityError::WrongDimension {
            text: shown(),
            is: Dimension::of(unit.powers).map_or_else(
                || format!("a quantity in {rest}"),
                |d| match d {
                    Dimension::Fraction | Dimension::Number if rest.is_empty() => "a bare number".to_owned(),
                    Dimension::Fraction | Dimension::Number => "a share".to_owned(),
                    d => d.noun().to_owned(),
                },
            ),
            needed: wanted.noun.clone(),
            example: wanted.example.clone(),
        });
    }
    let value = scale(number, &unit, &wanted.unit);
    if number.is_finite() && value.is_finite() {
        Ok(value + 0.0) // turns -0.0 into 0.0
    } else {
        Err(QuantityError::NotFinite {
            text: shown(),
            example: wanted.example.clone(),
        })
    }
}

/// `number` in `from`, expressed in `to`. Where the two units differ by a whole
/// factor the result has one rounding, and none if they are the same.
fn scale(number: f64, from: &Unit, to: &Unit) -> f64 {
    let up = from.up * to.down;
    let down = from.down * to.up;
    if up % down == 0.0 {
        number * (up / down)
    } else if down % up == 0.0 {
        number / (down / up)
    } else {
        number * (up / down)
    }
}

/// The longest prefix that is a decimal number, and what follows it.
fn split_number(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let digits = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let start = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let mut end = digits(start);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let after = digits(end + 1 + sign);
        if after > end + 1 + sign {
            end = after;
        }
    }
    // Every byte passed so far is ASCII, so this is a character boundary.
    text.split_at(end)
}

/// A number with its kind; prints in the canonical spelling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    value: f64,
    dimension: Dimension,
}

impl Quantity {
    /// From a value in the base unit of `dimension`.
    pub fn new(value: f64, dimension: Dimension) -> Self {
        Self { value, dimension }
    }

    /// Reads a text, as [`parse`].
    ///
    /// # Errors
    /// As [`parse`].
    pub fn parse(text: &str, dimension: Dimension) -> Result<Self, QuantityError> {
        parse(text, dimension).map(|value| Self { value, dimension })
    }

    /// The value in the base unit.
    pub fn value(self) -> f64 {
        self.value
    }

    /// The kind.
    pub fn dimension(self) -> Dimension {
        self.dimension
    }
}

impl fmt::Display for Quantity {
    /// Shortest digits that read back to the same bits, then the base unit. A
    /// share prints in percent, where the last bit can be lost.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dimension {
            Dimension::Number => write!(f, "{}", self.value + 0.0),
            Dimension::Fraction => {
                let percent = self.value * 100.0 + 0.0;
                write!(f, "{percent} %")
            }
            d => write!(f, "{} {}", self.value + 0.0, d.base_unit()),
        }
    }
}

/// A number for a message, without hundreds of zeros.
pub(crate) fn brief(x: f64) -> String {
    if x != 0.0 && x.is_finite() && !(1e-9..1e15).contains(&x.abs()) {
        format!("{x:e}")
    } else {
        format!("{x}")
    }
}
