//! Ages: `90s`, `15m`, `24h`, `30d`, `2w`.

use std::{fmt, str::FromStr};

/// A length of time in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Age {
    seconds: u64,
}

const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Age {
    /// An age of so many seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self { seconds }
    }

    /// In whole seconds.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.seconds
    }
}

/// As a person says it: the two largest units of which the second is not zero, `1 h 30 min`.
impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
        let first = named.iter().position(|(_, unit)| self.seconds >= *unit).unwrap_or(named.len() - 1);
        let (name, unit) = named[first];
        write!(f, "{} {name}", self.seconds / unit)?;
        if let Some((name, next)) = named.get(first + 1) {
            let rest = self.seconds % unit / next;
            if rest > 0 && self.seconds / unit < 10 {
                write!(f, " {rest} {name}")?;
            }
        }
        Ok(())
    }
}

/// What is wrong with the text of an age.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration")]
pub struct AgeError(pub String);

impl AgeError {
    /// What a duration looks like.
    pub const HELP: &str = "write a whole number and one unit: `90s`, `15m`, `24h`, `30d`, `2w`";
}

impl FromStr for Age {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        let error = || AgeError(text.to_owned());
        let unit = text.chars().last().ok_or_else(error)?;
        let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
        let digits = &text[..text.len() - unit.len_utf8()];
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        let count: u64 = digits.parse().map_err(|_| error())?;
        Ok(Self { seconds: count.checked_mul(*seconds).ok_or_else(error)? })
    }
}

/// How old facts may be: a limit, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MaxAge {
    /// Any age will do.
    None,
    /// Older facts prove nothing.
    Limit(Age),
}

impl FromStr for MaxAge {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::Limit) }
    }
}

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Limit(age) => age.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_numbers_of_one_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("24h", 86_400), ("30d", 2_592_000), ("2w", 1_209_600)] {
            assert_eq!(text.parse(), Ok(Age::from_seconds(seconds)), "{text}");
        }
        for text in ["", "h", "1", "1.5h", "-1h", "1 h", "1y", "99999999999999999999w", "1é"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }

    #[test]
    fn is_said_in_two_units_at_most() {
        for (seconds, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (90, "1 min 30 s"),
            (3600, "1 h"),
            (5400, "1 h 30 min"),
            (172_800, "2 d"),
            (90_000, "1 d 1 h"),
            (864_000 + 3600, "10 d"),
        ] {
            assert_eq!(Age::from_seconds(seconds).to_string(), said);
        }
    }
}
