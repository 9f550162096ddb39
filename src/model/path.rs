//! Paths into facts and design: `input.traces.edges[17].server`, and as patterns `input.traces.edges[_].server`.

use std::{fmt, str::FromStr};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A key of an object.
    Key(String),
    /// An element of a list.
    Index(usize),
    /// Any element or key.
    Any,
}

/// A path below `input` or `data`; the root is its first key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Segment>);

impl Path {
    /// A path of these steps.
    #[must_use]
    pub fn new(segments: Vec<Segment>) -> Self {
        Self(segments)
    }

    /// The steps, the root among them.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The path one step further.
    #[must_use]
    pub fn join(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// The key at a place, if there is one.
    #[must_use]
    pub fn key(&self, at: usize) -> Option<&str> {
        match self.0.get(at) {
            Some(Segment::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The source, where this is a path of `input`.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        (self.key(0) == Some("input")).then(|| self.key(1)).flatten()
    }

    /// The reference and the source, where this is a path of `data.reference`.
    #[must_use]
    pub fn reference(&self) -> Option<(&str, &str)> {
        let is_reference = self.key(0) == Some("data") && self.key(1) == Some("reference");
        is_reference.then_some(())?;
        Some((self.key(2)?, self.key(3)?))
    }

    /// Whether this pattern names `other` or something above it, so that `other` lies at or below it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len()
            && self.0.iter().zip(&other.0).all(|(mine, theirs)| mine == theirs || *mine == Segment::Any)
    }

    /// Whether one lies at or below the other.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .all(|(mine, theirs)| mine == theirs || *mine == Segment::Any || *theirs == Segment::Any)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if is_identifier(key) => {
                    if at > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Segment::Key(key) => write!(f, "[{}]", Json(key))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Any => f.write_str("[_]")?,
            }
        }
        Ok(())
    }
}

struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::Value::from(self.0).to_string())
    }
}

fn is_identifier(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What is wrong with the text of a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a path")]
pub struct PathError(pub String);

impl PathError {
    /// What a path looks like.
    pub const HELP: &str =
        "write it as a rule reads it, from `input` or `data`: `input.traces.edges[_].p99_ms`; `[_]` is any element";
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let error = || PathError(text.to_owned());
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                if let Some(after) = inner.strip_prefix("_]") {
                    segments.push(Segment::Any);
                    rest = after;
                } else if inner.starts_with('"') {
                    let mut keys = serde_json::Deserializer::from_str(inner).into_iter::<String>();
                    let key = keys.next().ok_or_else(error)?.map_err(|_| error())?;
                    rest = inner[keys.byte_offset()..].strip_prefix(']').ok_or_else(error)?;
                    segments.push(Segment::Key(key));
                } else {
                    let (index, after) = inner.split_once(']').ok_or_else(error)?;
                    segments.push(Segment::Index(index.parse().map_err(|_| error())?));
                    rest = after;
                }
            } else {
                let name = if segments.is_empty() { rest } else { rest.strip_prefix('.').ok_or_else(error)? };
                let end = name.find(['.', '[']).unwrap_or(name.len());
                let key = &name[..end];
                if !is_identifier(key) {
                    return Err(error());
                }
                segments.push(if key == "_" { Segment::Any } else { Segment::Key(key.to_owned()) });
                rest = &name[end..];
            }
        }
        match segments.first() {
            Some(Segment::Key(root)) if (root == "input" || root == "data") && segments.len() > 1 => Ok(Self(segments)),
            _ => Err(error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_path_lead_to_each_other() {
        for text in
            ["input.traces.edges[_].p99_ms", "data.design.services[\"a-b\"].calls", "input.a[0]", "input[\"a\\\"]\"].b"]
        {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
        for text in
            ["", "input", "traces.edges", "input.", "input..a", "input.a[", "input.a[x]", "input.a b", "input[\"a]"]
        {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_covers_what_lies_below_it() {
        let covers = |a: &str, b: &str| a.parse::<Path>().unwrap().covers(&b.parse().unwrap());
        assert!(covers("input.a[_]", "input.a[3].b"));
        assert!(covers("input.a", "input.a"));
        assert!(!covers("input.a.b", "input.a"));
        assert!(!covers("input.a[0]", "input.a[_]"));
    }
}
