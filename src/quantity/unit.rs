//! The table of units, and the small grammar that combines them.
//!
//! `unit = ["1"] { ("/" | "·" | "*" | " ") factor }`, `factor = symbol \[exponent\]
//! | "(" unit ")"`. A slash binds only the factor that follows it, so
//! `mL/h/kPa` is mL h^-1 kPa^-1, and so is `mL/(h kPa)`.

/// Exponents of mass, length, time, pressure, temperature, magnetic field, charge, potential.
pub(super) type Powers = [i8; 8];

const MASS: Powers = [1, 0, 0, 0, 0, 0, 0, 0];
const LENGTH: Powers = [0, 1, 0, 0, 0, 0, 0, 0];
const VOLUME: Powers = [0, 3, 0, 0, 0, 0, 0, 0];
const TIME: Powers = [0, 0, 1, 0, 0, 0, 0, 0];
const RATE: Powers = [0, 0, -1, 0, 0, 0, 0, 0];
const PRESSURE: Powers = [0, 0, 0, 1, 0, 0, 0, 0];
const VISCOSITY: Powers = [0, 0, 1, 1, 0, 0, 0, 0];
const TEMPERATURE: Powers = [0, 0, 0, 0, 1, 0, 0, 0];
const FIELD: Powers = [0, 0, 0, 0, 0, 1, 0, 0];
const CHARGE: Powers = [0, 0, 0, 0, 0, 0, 1, 0];
const CURRENT: Powers = [0, 0, -1, 0, 0, 0, 1, 0];
const POTENTIAL: Powers = [0, 0, 0, 0, 0, 0, 0, 1];
const ENERGY: Powers = [0, 0, 0, 0, 0, 0, 1, 1];
const NONE: Powers = [0; 8];

/// A unit as exponents and an exact ratio to the coherent unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    pub(super) powers: Powers,
    /// Coherent units in one of this, numerator.
    pub(super) up: f64,
    /// Denominator.
    pub(super) down: f64,
}

impl Unit {
    pub(super) const ONE: Unit = Unit {
        powers: NONE,
        up: 1.0,
        down: 1.0,
    };

    /// This unit times `other` to the power `exponent`; `None` beyond what any real unit has.
    fn times(mut self, other: Unit, exponent: i8) -> Option<Unit> {
        if exponent.unsigned_abs() > 9 {
            return None;
        }
        for (p, q) in self.powers.iter_mut().zip(other.powers) {
            *p = p.checked_add(q.checked_mul(exponent)?)?;
        }
        for _ in 0..exponent.unsigned_abs() {
            let (up, down) = if exponent > 0 {
                (other.up, other.down)
            } else {
                (other.down, other.up)
            };
            self.up *= up;
            self.down *= down;
        }
        (self.up.is_finite() && self.down.is_finite()).then_some(self)
    }
}

/// Spelling, exponents, numerator, denominator; the coherent units are ug, cm, h, kPa, degC, T, A h, V.
type Row = (&'static str, Powers, f64, f64);

/// Pressures by columns of liquid are conventional values (ISO 80000-4: 1 mmHg = 133.322 387 415 Pa,
/// 1 cmH2O = 98.0665 Pa); a year is the Julian year of 365.25 d, a month its twelfth.
const TABLE: &[Row] = &[
    ("ug", MASS, 1.0, 1.0),
    ("mcg", MASS, 1.0, 1.0),
    ("mg", MASS, 1e3, 1.0),
    ("ng", MASS, 1.0, 1e3),
    ("pg", MASS, 1.0, 1e6),
    ("g", MASS, 1e6, 1.0),
    ("kg", MASS, 1e9, 1.0),
    ("mL", VOLUME, 1.0, 1.0),
    ("ml", VOLUME, 1.0, 1.0),
    ("uL", VOLUME, 1.0, 1e3),
    ("ul", VOLUME, 1.0, 1e3),
    ("mcL", VOLUME, 1.0, 1e3),
    ("nL", VOLUME, 1.0, 1e6),
    ("nl", VOLUME, 1.0, 1e6),
    ("dL", VOLUME, 1e2, 1.0),
    ("L", VOLUME, 1e3, 1.0),
    ("l", VOLUME, 1e3, 1.0),
    ("cm", LENGTH, 1.0, 1.0),
    ("mm", LENGTH, 1.0, 10.0),
    ("um", LENGTH, 1.0, 1e4),
    ("m", LENGTH, 1e2, 1.0),
    ("h", TIME, 1.0, 1.0),
    ("hr", TIME, 1.0, 1.0),
    ("hour", TIME, 1.0, 1.0),
    ("hours", TIME, 1.0, 1.0),
    ("min", TIME, 1.0, 60.0),
    ("minute", TIME, 1.0, 60.0),
    ("minutes", TIME, 1.0, 60.0),
    ("s", TIME, 1.0, 3600.0),
    ("sec", TIME, 1.0, 3600.0),
    ("second", TIME, 1.0, 3600.0),
    ("seconds", TIME, 1.0, 3600.0),
    ("ms", TIME, 1.0, 3.6e6),
    ("d", TIME, 24.0, 1.0),
    ("day", TIME, 24.0, 1.0),
    ("days", TIME, 24.0, 1.0),
    ("week", TIME, 168.0, 1.0),
    ("weeks", TIME, 168.0, 1.0),
    ("wk", TIME, 168.0, 1.0),
    ("month", TIME, 8766.0, 12.0),
    ("months", TIME, 8766.0, 12.0),
    ("year", TIME, 8766.0, 1.0),
    ("years", TIME, 8766.0, 1.0),
    ("yr", TIME, 8766.0, 1.0),
    ("y", TIME, 8766.0, 1.0),
    ("Hz", RATE, 3600.0, 1.0),
    ("kPa", PRESSURE, 1.0, 1.0),
    ("Pa", PRESSURE, 1.0, 1e3),
    ("mPa", PRESSURE, 1.0, 1e6),
    ("ATA", PRESSURE, 101_325.0, 1e3),
    ("atm", PRESSURE, 101_325.0, 1e3),
    ("hPa", PRESSURE, 1.0, 10.0),
    ("mbar", PRESSURE, 1.0, 10.0),
    ("bar", PRESSURE, 1e2, 1.0),
    ("cmH2O", PRESSURE, 980_665.0, 1e7),
    ("mmH2O", PRESSURE, 980_665.0, 1e8),
    ("mmHg", PRESSURE, 133_322_387_415.0, 1e12),
    ("psi", PRESSURE, 6_894_757_293_168.0, 1e12),
    ("cP", VISCOSITY, 1.0, 3.6e9),
    ("degC", TEMPERATURE, 1.0, 1.0),
    ("°C", TEMPERATURE, 1.0, 1.0),
    ("T", FIELD, 1.0, 1.0),
    ("mT", FIELD, 1.0, 1e3),
    ("Ah", CHARGE, 1.0, 1.0),
    ("mAh", CHARGE, 1.0, 1e3),
    ("A", CURRENT, 1.0, 1.0),
    ("mA", CURRENT, 1.0, 1e3),
    ("uA", CURRENT, 1.0, 1e6),
    ("V", POTENTIAL, 1.0, 1.0),
    ("mV", POTENTIAL, 1.0, 1e3),
    ("J", ENERGY, 1.0, 3600.0),
    ("mJ", ENERGY, 1.0, 3.6e6),
    ("%", NONE, 1.0, 1e2),
    ("beat", NONE, 1.0, 1.0),
    ("beats", NONE, 1.0, 1.0),
    ("breath", NONE, 1.0, 1.0),
    ("breaths", NONE, 1.0, 1.0),
    ("stroke", NONE, 1.0, 1.0),
    ("strokes", NONE, 1.0, 1.0),
    ("point", NONE, 1.0, 1.0),
    ("points", NONE, 1.0, 1.0),
];

/// Reads a unit. The error is the part that is not understood.
pub(super) fn parse(text: &str) -> Result<Unit, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 64 {
        return Err(text.chars().take(64).collect());
    }
    let mut reader = Reader { text, at: 0 };
    let unit = reader
        .product(0)
        .map_err(|part| if part.is_empty() { text.to_owned() } else { part })?;
    if reader.at < text.len() {
        return Err(text[reader.at..].to_owned());
    }
    Ok(unit)
}

/// The symbol closest to a misspelt one: the same letters in other case, or at most one slip away.
pub(super) fn nearest(part: &str) -> Option<&'static str> {
    let symbols = || TABLE.iter().map(|row| row.0);
    let folded = part.to_lowercase();
    symbols().find(|s| s.to_lowercase() == folded).or_else(|| {
        symbols()
            .map(|s| (strsim::osa_distance(s, part), s))
            .filter(|(slips, s)| *slips == 1 && s.chars().count() > 1)
            .min_by_key(|(slips, _)| *slips)
            .map(|(_, s)| s)
    })
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_spaces(&mut self) -> bool {
        let before = self.at;
        while let Some(c) = self.peek().filter(|c| c.is_whitespace()) {
            self.at += c.len_utf8();
        }
        self.at > before
    }

    fn product(&mut self, depth: u8) -> Result<Unit, String> {
        let mut unit = Unit::ONE;
        let mut first = true;
        loop {
            let spaced = self.skip_spaces();
            let sign = match self.peek() {
                None | Some(')') if !first => return Ok(unit),
                Some('/') => {
                    self.at += 1;
                    -1
                }
                Some('*' | '·') if !first => {
                    self.at += self.peek().map_or(0, char::len_utf8);
                    1
                }
                _ if first || spaced => 1,
                _ => return Err(self.text[self.at..].to_owned()),
            };
            self.skip_spaces();
            let start = self.at;
            let (factor, exponent) = self.factor(depth)?;
            unit = unit
                .times(factor, sign * exponent)
                .ok_or_else(|| self.text[start..self.at].to_owned())?;
            first = false;
        }
    }

    fn factor(&mut self, depth: u8) -> Result<(Unit, i8), String> {
        let rest = &self.text[self.at..];
        if rest.starts_with('(') && depth < 4 {
            self.at += 1;
            let inner = self.product(depth + 1)?;
            if self.peek() != Some(')') {
                return Err(rest.to_owned());
            }
            self.at += 1;
            return Ok((inner, 1));
        }
        // The `1` of "1/h".
        if rest == "1" || rest.starts_with("1/") || rest.starts_with("1 ") {
            self.at += 1;
            return Ok((Unit::ONE, 1));
        }
        let length = rest
            .find(|c: char| c.is_whitespace() || "/*·()^-+²³".contains(c))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        let (unit, taken) = symbol(word)
            .map(|u| (u, length))
            .or_else(|| {
                // "cm2": a symbol and an exponent without a caret. "cmH2O" was found above.
                let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
                symbol(bare).map(|u| (u, bare.len()))
            })
            .ok_or_else(|| {
                if word.is_empty() {
                    rest.to_owned()
                } else {
                    word.to_owned()
                }
            })?;
        self.at += taken;
        Ok((unit, self.exponent()?))
    }

    fn exponent(&mut self) -> Result<i8, String> {
        let rest = &self.text[self.at..];
        for (sign, power) in [("²", 2), ("³", 3)] {
            if rest.starts_with(sign) {
                self.at += sign.len();
                return Ok(power);
            }
        }
        let caret = usize::from(rest.starts_with('^'));
        let minus = usize::from(rest[caret..].starts_with('-'));
        let digits = rest[caret + minus..].bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 && caret + minus == 0 {
            return Ok(1);
        }
        let end = caret + minus + digits;
        let power = rest[caret..end].parse::<i8>().map_err(|_| rest.to_owned())?;
        self.at += end;
        Ok(power)
    }
}

fn symbol(word: &str) -> Option<Unit> {
    // Both code points of micro: the micro sign U+00B5 and the Greek letter U+03BC.
    let plain = word.replace(['\u{b5}', '\u{3bc}'], "u");
    TABLE
        .iter()
        .find(|row| row.0 == plain)
        .map(|&(_, powers, up, down)| Unit { powers, up, down })
}
