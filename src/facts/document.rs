//! Bytes of a fact file in, the value that policies see out.
//!
//! One result whatever the format: JSON, also line by line, by a visitor over `serde_json`, YAML from the events of its
//! parser, CSV cell by cell. None of them goes through a tree of its own, because building the value is most of the
//! work; TOML does, whose tables may stand in any order. All refuse a key that stands twice and notice numbers that
//! cannot be held as they are written; YAML and TOML leave out what is not finite.

pub(super) mod csv;
pub(super) mod gzip;
mod json;
mod number;
pub(super) mod toml;
pub(super) mod yaml;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use regorus::Value;

use crate::model::{self, Segment};

/// How a file writes its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.json`
    Json,
    /// `.yaml` or `.yml`
    Yaml,
    /// `.toml`: dates and times are text.
    Toml,
    /// `.ndjson`: a list, each line one element in JSON.
    Ndjson,
    /// `.csv`: a list of objects, whose keys the first line names.
    Csv,
}

impl Format {
    /// The format that the end of a file's name stands for.
    #[must_use]
    pub fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// Whether what is written so is always a list, of lines or rows.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Ndjson | Self::Csv)
    }
}

/// Values may be nested this deep: deeper ones exhaust the stack of whoever walks them.
pub(super) const MAX_DEPTH: usize = 127;

/// What a file says.
#[derive(Debug)]
pub(super) struct Document {
    /// The value; with `many` the list of all documents that are not empty.
    pub(super) value: Value,
    /// Paths of numbers that are not finite, below the value.
    pub(super) nonfinite: Vec<String>,
    /// Numbers that are not what is written.
    pub(super) inexact: Option<Inexact>,
}

/// Numbers that lost digits: a policy sees the nearest one that fits 64 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inexact {
    /// How many.
    pub(super) count: usize,
    /// Path of the first, below the value.
    pub(super) path: String,
    /// The first as it is written.
    pub(super) text: String,
    /// Its first byte.
    pub(super) at: usize,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// What is wrong; may hold text of the file.
    pub(super) message: String,
    /// What to do about it.
    pub(super) help: Option<&'static str>,
    /// The byte of the file it is about.
    pub(super) at: Option<usize>,
    /// Whether the only thing wrong is that there is nothing.
    pub(super) is_empty: bool,
}

impl Unreadable {
    fn new(message: impl Into<String>, at: usize) -> Self {
        Self { message: message.into(), help: None, at: Some(at), is_empty: false }
    }

    /// About a file as a whole.
    fn nowhere(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, at: None, is_empty: false }
    }

    fn empty() -> Self {
        Self { is_empty: true, ..Self::new("the file holds no document", 0) }
    }

    fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }

    /// In one sentence, about what messages call `shown` and what held these bytes.
    pub(super) fn said(self, shown: &str, bytes: &[u8]) -> String {
        let place = self.at.map_or_else(String::new, |at| {
            let (line, column) = line_column(bytes, at);
            format!(":{line}:{column}")
        });
        let help = self.help.map_or_else(String::new, |help| format!("; {help}"));
        format!("{shown}{place}: {}{help}", self.message)
    }
}

/// What was read outside of a snapshot, to be written into one.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The value; with `many` the list of all documents that are not empty.
    pub(crate) value: model::Json,
    /// Paths of numbers that are not finite and were left out, below the value.
    pub(crate) nonfinite: Vec<String>,
    /// How many numbers lost digits, and the path of the first.
    pub(crate) rounded: Option<(usize, String)>,
}

/// Reads what messages call `shown` as a fact file is read.
///
/// # Errors
/// Why it cannot be read, and where.
pub(crate) fn decode(bytes: Vec<u8>, format: Format, many: bool, shown: &str) -> Result<Decoded, String> {
    let bytes = if bytes.starts_with(&gzip::MAGIC) {
        gzip::unpack(&bytes).map_err(|error| error.said(shown, &[]))?
    } else {
        bytes
    };
    let document = read(&bytes, format, many).map_err(|mut error| {
        // It need not be a file.
        if let Some(rest) = error.message.strip_prefix("the file ") {
            error.message = format!("it {rest}");
        }
        error.said(shown, &bytes)
    })?;
    Ok(Decoded {
        value: as_json(&document.value),
        nonfinite: document.nonfinite,
        rounded: document.inexact.map(|inexact| (inexact.count, inexact.path)),
    })
}

/// A document's value as JSON.
fn as_json(value: &Value) -> model::Json {
    match value {
        Value::Bool(bool) => (*bool).into(),
        Value::String(text) => text.as_ref().into(),
        Value::Array(items) => items.iter().map(as_json).collect(),
        Value::Object(fields) => {
            let text = |key: &Value| key.as_string().map_or_else(|_| key.to_string(), ToString::to_string);
            fields.iter_sorted().map(|(key, value)| (text(key), as_json(value))).collect()
        }
        Value::Number(_) => value.to_json_str().ok().and_then(|text| text.parse().ok()).unwrap_or_default(),
        // A document holds neither sets nor what is not defined.
        Value::Null | Value::Set(_) | Value::Undefined => model::Json::Null,
    }
}

/// What to do about several documents in a fact file.
pub(super) const SEVERAL: &str = "if that is meant, say `documents: many` under `sources` in `stillholds.yaml`";

/// Reads a file; with `many` always a list, of all its documents that are not empty. Lines and rows are a list anyway.
pub(super) fn read(bytes: &[u8], format: Format, many: bool) -> Result<Document, Unreadable> {
    let whole = text(bytes)?;
    let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let before = whole.len() - text.len();
    let read = match format {
        Format::Json => json::read(text, many),
        Format::Yaml => yaml::read(text, many),
        Format::Toml => toml::read(text, many),
        Format::Ndjson => json::read_lines(text),
        Format::Csv => csv::read(text),
    };
    read.map(|mut document| {
        if let Some(inexact) = &mut document.inexact {
            inexact.at += before;
        }
        document
    })
    .map_err(|error| Unreadable { at: error.at.map(|at| at + before), ..error })
}

/// The text of a file.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Unreadable> {
    const HELP: &str = "save it as UTF-8";
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Unreadable::new("the file is UTF-16", 0).help(HELP));
    }
    if bytes.starts_with(&gzip::MAGIC) {
        return Err(Unreadable::nowhere("the file is compressed with gzip").help("let its name end in `.gz`"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Unreadable::new(format!("the file is not UTF-8: byte {} is {:#04x}", at + 1, bytes[at]), at).help(HELP)
    })
}

/// The 1-based line and column (in characters) of a byte, for files too large to index.
pub(super) fn line_column(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at.min(bytes.len())];
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}

/// Keys recur in every element of a list; each is kept once.
#[derive(Default)]
struct Keys {
    /// Where each stands in `followed`. A hash that an author of facts cannot foresee.
    known: HashMap<Arc<str>, usize>,
    /// Each with the key that followed it last. The elements of a list mostly have their keys in the same order, so
    /// this is a good guess, and cheaper than the hash.
    followed: Vec<(Arc<str>, usize)>,
    last: usize,
}

impl Keys {
    fn intern(&mut self, key: &str) -> Arc<str> {
        let guess = self.followed.get(self.last).map_or(0, |(_, next)| *next);
        if let Some((known, _)) = self.followed.get(guess)
            && known.as_ref() == key
        {
            self.last = guess;
            return Arc::clone(known);
        }
        let at = self.known.get(key).copied().unwrap_or_else(|| {
            let key: Arc<str> = key.into();
            self.followed.push((Arc::clone(&key), 0));
            self.known.insert(key, self.followed.len() - 1);
            self.followed.len() - 1
        });
        self.followed[self.last].1 = at;
        self.last = at;
        Arc::clone(&self.followed[at].0)
    }
}

/// A number that is no integer of 64 bits. A negative zero would print as `-0.0`.
fn float(value: f64) -> Value {
    Value::from(if value == 0.0 { 0.0 } else { value })
}

/// The value without numbers that are not finite, for which readers say undefined; their paths go into `found`.
///
/// A key is left out. In a list a null keeps the place, so that the other elements keep their paths.
fn without_nonfinite(value: Value, found: &mut Vec<String>) -> Value {
    replaced(&value, &mut Vec::new(), found).unwrap_or(value)
}

/// The same; `None` where there are none.
fn replaced(value: &Value, steps: &mut Vec<Step>, found: &mut Vec<String>) -> Option<Value> {
    let mut inner = |value: &Value, step: Step| {
        steps.push(step);
        let new = if *value == Value::Undefined {
            found.push(path(steps));
            Some(Value::Undefined)
        } else {
            replaced(value, steps, found)
        };
        steps.pop();
        new
    };
    match value {
        Value::Array(items) => {
            let new: Vec<_> =
                items.iter().enumerate().filter_map(|(at, item)| Some((at, inner(item, Step::Index(at))?))).collect();
            if new.is_empty() {
                return None;
            }
            let mut items = items.to_vec();
            for (at, value) in new {
                items[at] = if value == Value::Undefined { Value::Null } else { value };
            }
            Some(Value::from(items))
        }
        Value::Object(entries) => {
            let new: Vec<_> = entries
                .iter_sorted()
                .filter_map(|(key, value)| {
                    let Value::String(name) = key else { return None };
                    Some((key.clone(), inner(value, Step::Key(Arc::clone(name)))?))
                })
                .collect();
            if new.is_empty() {
                return None;
            }
            let mut entries: BTreeMap<_, _> =
                entries.iter_sorted().map(|(key, value)| (key.clone(), value.clone())).collect();
            for (key, value) in new {
                if value == Value::Undefined {
                    entries.remove(&key);
                } else {
                    entries.insert(key, value);
                }
            }
            Some(Value::from(entries))
        }
        _ => None,
    }
}

/// A step on the way to the value that is being read.
#[derive(Debug, Clone)]
enum Step {
    Key(Arc<str>),
    Index(usize),
}

fn path(steps: &[Step]) -> String {
    let segments = steps.iter().map(|step| match step {
        Step::Key(key) => Segment::Key(key.as_ref().to_owned()),
        Step::Index(index) => Segment::Index(*index),
    });
    model::Path::new(segments.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str, format: Format) -> Result<Document, Unreadable> {
        read(text.as_bytes(), format, false)
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_are_no_content() {
        for (text, format) in [("\u{feff}{\"a\":\r\n1}\r\n", Format::Json), ("\u{feff}a: 1\r\nb: x\r\n", Format::Yaml)]
        {
            let document = read_text(text, format).unwrap();
            assert_eq!(document.value["a"], Value::from(1u64), "{text:?}");
        }
        assert_eq!(read_text("a: x\r\n", Format::Yaml).unwrap().value["a"], Value::from("x"));
    }

    #[test]
    fn keys_are_kept_once_in_whatever_order_they_come() {
        let mut keys = Keys::default();
        let first: Vec<_> = ["a", "b", "c", ""].map(|key| keys.intern(key)).into();
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 1, 3, 0], [2, 0, 2, 0]] {
            for at in order {
                let key = keys.intern(["a", "b", "c", ""][at]);
                assert!(Arc::ptr_eq(&key, &first[at]), "{key} after {order:?}");
            }
        }
    }

    #[test]
    fn places_count_the_byte_order_mark() {
        let error = read_text("\u{feff}{\"a\":1,\"a\":2}", Format::Json).unwrap_err();
        assert_eq!(error.at, Some(3 + 7));
        let error = read_text("\u{feff}a: 1\na: 2\n", Format::Yaml).unwrap_err();
        assert_eq!(error.at, Some(3 + 5));
    }

    #[test]
    fn what_is_not_utf_8_is_named_by_its_byte() {
        let error = read(b"{\"a\": \"\xe9\"}", Format::Json, false).unwrap_err();
        assert_eq!(error.message, "the file is not UTF-8: byte 8 is 0xe9");
        assert_eq!(line_column(b"{\"a\": \"\xe9\"}", error.at.unwrap()), (1, 8));
        assert_eq!(read(b"\xff\xfea\0", Format::Yaml, false).unwrap_err().message, "the file is UTF-16");
    }

    #[test]
    fn lines_and_columns_count_characters() {
        let text = "é\n日本x".as_bytes();
        assert_eq!(line_column(text, 0), (1, 1));
        assert_eq!(line_column(text, text.len() - 1), (2, 3));
        assert_eq!(line_column(text, 999), (2, 4));
    }

    #[test]
    fn both_formats_agree_on_what_both_can_write() {
        let text = r#"{"a": [1, -2, 1.5, true, null, "x", {"b": {}}], "c": [], "😀": "\u00e9\n"}"#;
        let json = read_text(text, Format::Json).unwrap();
        let yaml = read_text(text, Format::Yaml).unwrap();
        assert_eq!(json.value, yaml.value);
        assert_eq!(json.value, Value::from_json_str(text).unwrap());
    }
}
