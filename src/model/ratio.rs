//! Ratios as people write them: `10%` or `0.1`.

use std::str::FromStr;

/// A share between nothing and all, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Ratio {
    /// A ratio, if it is one.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// From 0 to 1.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }
}

/// What is wrong with the text of a ratio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a ratio")]
pub struct RatioError(pub String);

impl RatioError {
    /// What a ratio looks like.
    pub const HELP: &str = "write a percentage up to `100%` or a number from 0 to 1: `10%`, `0.1`";
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let error = || RatioError(text.to_owned());
        // Only digits and one point: `f64` would also read `inf`, `+1` and `1e-1`.
        let plain = |number: &str| number.starts_with(|c: char| c.is_ascii_digit()) && !number.ends_with('.');
        let number = text.strip_suffix('%').unwrap_or(text);
        if !plain(number) || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(error());
        }
        let value: f64 = number.parse().map_err(|_| error())?;
        Self::new(if text.ends_with('%') { value / 100.0 } else { value }).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_percentages_and_shares() {
        for (text, value) in [("10%", 0.1), ("0.1", 0.1), ("0%", 0.0), ("100%", 1.0), ("2.5%", 0.025), ("1", 1.0)] {
            assert_eq!(text.parse(), Ok(Ratio(value)), "{text}");
        }
        for text in ["", "%", "10", "101%", "-1%", "1.%", ".5", "1e-1", "inf", "NaN", "10 %", "1.2.3%"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }
}
