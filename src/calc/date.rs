//! Calendar dates, so that a number of days can be said as a day. Nothing here reads a clock.

use std::fmt;
use std::str::FromStr;

/// A day of the Gregorian calendar, years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A text that is no date, or a day beyond the calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DateError {
    /// Not of the form YYYY-MM-DD.
    #[error("`{text}` is not a date of the form YYYY-MM-DD")]
    Form {
        /// The text.
        text: String,
    },
    /// No such day.
    #[error("there is no day {text}")]
    NoSuchDay {
        /// The text.
        text: String,
    },
    /// Before year 1 or after 9999.
    #[error("the day lies beyond the calendar")]
    Beyond,
}

fn leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn length(year: u16, month: u8) -> u8 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of all years before this one.
fn days_before(year: u16) -> i64 {
    let y = i64::from(year) - 1;
    365 * y + y / 4 - y / 100 + y / 400
}

impl Date {
    const LAST_YEAR: u16 = 9999;

    /// The day that begins a whole number of days later; a part of a day is dropped.
    ///
    /// # Errors
    /// [`DateError::Beyond`] if the calendar does not reach so far.
    pub fn plus_hours(self, hours: f64) -> Result<Self, DateError> {
        let days = libm::floor(hours / 24.0 + 1e-9);
        if !days.is_finite() || days.abs() > 4e6 {
            return Err(DateError::Beyond);
        }
        let before: u16 = (1..self.month).map(|m| u16::from(length(self.year, m))).sum();
        let mut left = days_before(self.year) + i64::from(before) + i64::from(self.day) - 1 + days as i64;
        if left < 0 {
            return Err(DateError::Beyond);
        }
        // A year has at least 365 days, so this is the year or a little late.
        let guess = (left / 365 + 1).min(i64::from(Self::LAST_YEAR) + 30);
        let mut year = u16::try_from(guess).map_err(|_| DateError::Beyond)?;
        while days_before(year) > left {
            year -= 1;
        }
        if year > Self::LAST_YEAR {
            return Err(DateError::Beyond);
        }
        left -= days_before(year);
        let mut month = 1;
        while left >= i64::from(length(year, month)) {
            left -= i64::from(length(year, month));
            month += 1;
        }
        Ok(Self {
            year,
            month,
            day: left as u8 + 1,
        })
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let form = || DateError::Form { text: text.to_owned() };
        let parts: Vec<&str> = text.trim().split('-').collect();
        let [y, m, d] = parts.as_slice() else {
            return Err(form());
        };
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        if !(digits(y, 4) && digits(m, 2) && digits(d, 2)) {
            return Err(form());
        }
        let (year, month, day): (u16, u8, u8) = (
            y.parse().map_err(|_| form())?,
            m.parse().map_err(|_| form())?,
            d.parse().map_err(|_| form())?,
        );
        if year == 0 || !(1..=12).contains(&month) || day == 0 || day > length(year, month) {
            return Err(DateError::NoSuchDay { text: text.to_owned() });
        }
        Ok(Self { year, month, day })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(from: &str, days: f64) -> String {
        from.parse::<Date>()
            .unwrap()
            .plus_hours(days * 24.0)
            .unwrap()
            .to_string()
    }

    #[test]
    fn days_are_counted_over_months_years_and_leap_years() {
        assert_eq!(after("2026-03-01", 0.0), "2026-03-01");
        assert_eq!(after("2026-03-01", 90.0), "2026-05-30");
        assert_eq!(after("2024-02-28", 1.0), "2024-02-29");
        assert_eq!(after("2023-02-28", 1.0), "2023-03-01");
        assert_eq!(after("1900-02-28", 1.0), "1900-03-01");
        assert_eq!(after("2000-02-28", 1.0), "2000-02-29");
        assert_eq!(after("1970-01-01", 20_000.0), "2024-10-04");
        assert_eq!(after("2026-12-31", 1.9), "2027-01-01");
        assert_eq!(after("0001-01-01", 3_652_058.0), "9999-12-31");
    }

    #[test]
    fn every_day_has_one_successor() {
        let mut day: Date = "1999-12-31".parse().unwrap();
        let first = day;
        for n in 1..3000 {
            let next = day.plus_hours(24.0).unwrap();
            assert!(next > day);
            assert_eq!(first.plus_hours(f64::from(n) * 24.0).unwrap(), next);
            assert_eq!(next.to_string().parse::<Date>().unwrap(), next);
            day = next;
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2026", "2026-1-1", "01.02.2026", "2026-01-01T00:00", "+202-01-01"] {
            assert!(matches!(text.parse::<Date>(), Err(DateError::Form { .. })), "{text}");
        }
        for text in ["2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "0000-01-01"] {
            assert!(
                matches!(text.parse::<Date>(), Err(DateError::NoSuchDay { .. })),
                "{text}"
            );
        }
        let last: Date = "9999-12-31".parse().unwrap();
        assert_eq!(last.plus_hours(24.0), Err(DateError::Beyond));
        assert_eq!(last.plus_hours(f64::INFINITY), Err(DateError::Beyond));
        assert_eq!(
            "0001-01-01".parse::<Date>().unwrap().plus_hours(-24.0),
            Err(DateError::Beyond)
        );
    }
}
