//! Renders a finished report: one file per format, one match.
//!
//! Renderers evaluate, count and filter nothing; what they say is in the report. Text of policies and facts is data
//! in every format: nothing in it reaches a terminal or a build log as a command.

mod human;
mod json;
mod page;
mod quiet;
mod snippet;
mod testing;

#[cfg(test)]
mod fixture;

pub use self::quiet::{escape_json, quiet_line};
use std::{fmt, str::FromStr};

use crate::{
    model::{Report, TestRun},
    source::Location,
    spelling::nearest,
};

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// For people at a terminal.
    #[default]
    Human,
    /// For programs: version 1, described by [`schema::REPORT`](crate::schema::REPORT).
    Json,
}

impl Format {
    /// All, as they are written.
    pub const NAMES: [(&str, Self); 2] = [("human", Self::Human), ("json", Self::Json)];

    /// Those the command line promises and nobody has written yet.
    const NOT_WRITTEN: [&str; 7] = ["sarif", "junit", "github", "gitlab", "markdown", "html", "openmetrics"];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with the name of a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is planned.
    #[error("the format `{name}` is not written yet; there are {names}", name = .0, names = names())]
    NotWritten(&'static str),
    /// Nobody knows it.
    #[error("unknown format `{}`; {}", crate::source::escape(name), near.map_or_else(|| format!("there are {}", names()), |near| format!("did you mean `{near}`?")))]
    Unknown {
        /// The name.
        name: String,
        /// The one that was most likely meant.
        near: Option<&'static str>,
    },
}

fn names() -> String {
    Format::NAMES.map(|(name, _)| format!("`{name}`")).join(" and ")
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        if let Some((_, format)) = Self::NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*format);
        }
        Err(match Self::NOT_WRITTEN.iter().find(|name| **name == text) {
            Some(name) => FormatError::NotWritten(name),
            None => FormatError::Unknown {
                name: text.to_owned(),
                near: nearest(text, Self::NAMES.iter().map(|(name, _)| *name)),
            },
        })
    }
}

/// What the reader's terminal can show, and how much of it the reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// ANSI colours. Nothing is said by colour alone.
    pub color: bool,
    /// Lines, dots and crosses beyond ASCII. Names and values are shown as they are.
    pub unicode: bool,
    /// Columns to wrap at.
    pub width: usize,
    /// Also what holds, and every violation.
    pub verbose: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { color: false, unicode: true, width: 80, verbose: false }
    }
}

/// The report in a format, ending with a line end. The look concerns [`Format::Human`] only.
#[must_use]
pub fn render(report: &Report, format: Format, look: Look) -> String {
    match format {
        Format::Human => human::render(report, look),
        Format::Json => json::render(report),
    }
}

/// What an author wrote of one assumption, beyond what a report says of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// Its rules, every definition of them, sorted by file and line.
    pub rules: Vec<Location>,
    /// What its rules do that could not be followed, so that nobody knows what it reads there.
    pub not_followed: Vec<(String, Location)>,
}

/// The report about one assumption with everything that is known about it, for a person.
#[must_use]
pub fn render_explained(report: &Report, written: &Written, look: Look) -> String {
    human::explain(report, written, look)
}

/// What the results of tests are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestFormat {
    /// For people at a terminal.
    Pretty,
    /// As `opa test` writes it.
    Json,
    /// For build servers.
    Junit,
}

/// The results of tests in a format, ending with a line end. The look concerns [`TestFormat::Pretty`] only.
#[must_use]
pub fn render_tests(run: &TestRun, format: TestFormat, look: Look) -> String {
    match (format, &run.coverage) {
        (TestFormat::Pretty, _) => human::tests(run, look),
        (TestFormat::Json, Some(coverage)) => testing::coverage_json(coverage),
        (TestFormat::Json, None) => testing::json(run),
        (TestFormat::Junit, _) => testing::junit(run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_planned_or_unknown() {
        for (name, format) in Format::NAMES {
            assert_eq!(name.parse(), Ok(format));
            assert_eq!(format.to_string(), name);
        }
        let error = |name: &str| name.parse::<Format>().unwrap_err().to_string();
        insta::assert_snapshot!(
            [error("sarif"), error("jsno"), error("x\u{1b}")].join("\n"),
            @r"
        the format `sarif` is not written yet; there are `human` and `json`
        unknown format `jsno`; did you mean `json`?
        unknown format `x\u{1b}`; there are `human` and `json`
        "
        );
    }
}
