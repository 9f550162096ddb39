//! YAML, from the parser's events.
//!
//! Read from the events because a deserializer hides what matters here: how a number is written, that a tree under an
//! alias is the same tree (it is shared, not copied), and where a key stands. Scalars are those of YAML 1.2's core
//! schema, so `no` and `on` are text. An integer with a leading zero is text as well: YAML 1.1 reads `0644` in octal,
//! YAML 1.2 does not, and a number that two programs read differently is no fact.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    sync::Arc,
};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, StrInput, Tag};
use regorus::Value;

use super::{Document, Inexact, Keys, MAX_DEPTH, SEVERAL, Step, Unreadable, number};
use crate::yaml::{KNOWN_TAGS, YamlError, tag_name, tagged};

/// Aliases may repeat this many values. Sharing makes them cheap to hold, but whoever walks them visits each.
pub(in crate::facts) const MAX_EXPANDED: usize = 10_000_000;

pub(super) fn read(text: &str, many: bool) -> Result<Document, Unreadable> {
    let mut reading = Reading {
        text,
        parser: parser(text),
        keys: Keys::default(),
        anchors: HashMap::new(),
        expanded: 0,
        nodes: 0,
        path: Vec::new(),
        has_nonfinite: false,
        inexact: None,
    };
    let mut documents = Vec::new();
    while let Some((event, at)) = reading.next()? {
        match event {
            Event::StreamStart => {}
            Event::StreamEnd => break,
            Event::DocumentStart(..) => {
                // Aliases do not reach into other documents.
                reading.anchors.clear();
                if many {
                    reading.path.push(Step::Index(documents.len()));
                }
            }
            Event::DocumentEnd => reading.path.clear(),
            // A document of nothing: `---` at the end of a file, or before another.
            Event::Scalar(_, ScalarStyle::Plain, 0, None) if is_nothing(&at) => {}
            event => {
                if !many && !documents.is_empty() {
                    let at = byte(&at);
                    return Err(Unreadable::new("the file has more than one YAML document", at).help(SEVERAL));
                }
                documents.push(reading.node(event, &at, 1)?.value);
            }
        }
    }
    if documents.is_empty() {
        return Err(Unreadable::empty());
    }
    let mut value = match documents.pop() {
        Some(document) if !many => document,
        last => Value::from(documents.into_iter().chain(last).collect::<Vec<_>>()),
    };
    let mut nonfinite = Vec::new();
    if reading.has_nonfinite {
        if value == Value::Undefined {
            return Err(Unreadable::new("the document is a number that is not finite", 0));
        }
        value = super::without_nonfinite(value, &mut nonfinite);
    }
    Ok(Document { value, nonfinite, inexact: reading.inexact })
}

/// The events of a text, without its comments.
pub(in crate::facts) fn parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    Parser::new_from_str_with_options(text, options)
}

struct Reading<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    keys: Keys,
    anchors: HashMap<usize, Node>,
    /// How many values aliases have repeated.
    expanded: usize,
    /// How many values were read, those of aliases among them.
    nodes: usize,
    path: Vec<Step>,
    has_nonfinite: bool,
    inexact: Option<Inexact>,
}

/// A value, how many values it is made of, and how deep they are nested.
#[derive(Clone)]
struct Node {
    value: Value,
    nodes: usize,
    height: usize,
}

impl<'t> Reading<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Unreadable> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
                Err(match error.kind() {
                    ErrorKind::RecursionLimitExceeded => too_deep(at),
                    _ => Unreadable::new(format!("not valid YAML: {}", error.info()), at),
                })
            }
        }
    }

    /// The next event inside a collection, which the parser always closes.
    fn inner(&mut self) -> Result<(Event<'t>, Span), Unreadable> {
        self.next()?.ok_or_else(|| Unreadable::new("not valid YAML: the file ends too early", self.text.len()))
    }

    fn node(&mut self, event: Event<'t>, at: &Span, depth: usize) -> Result<Node, Unreadable> {
        let start = byte(at);
        let anchor = event.anchor_id();
        let before = self.nodes;
        self.nodes += 1;
        let tag = type_of(&event, start)?;
        let (value, height) = match event {
            Event::Alias(id) => return self.alias(id, start, depth),
            Event::Scalar(text, style, ..) => (self.scalar(&text, style, tag, start)?, 0),
            Event::SequenceStart(..) | Event::MappingStart(..) if depth > MAX_DEPTH => {
                return Err(too_deep(start));
            }
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            other => return Err(Unreadable::new(format!("not valid YAML: unexpected {other:?}"), start)),
        };
        let node = Node { value, nodes: self.nodes - before, height };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, start: usize, depth: usize) -> Result<Node, Unreadable> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            return Err(Unreadable::new("this alias stands within what it repeats", start));
        };
        self.nodes += node.nodes;
        self.expanded += node.nodes;
        if self.expanded > MAX_EXPANDED {
            return Err(Unreadable::new("the aliases of this file expand to more than 10 million values", start));
        }
        if depth + node.height > MAX_DEPTH + 1 {
            return Err(too_deep(start));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<(Value, usize), Unreadable> {
        let mut items = Vec::new();
        let mut height = 0;
        loop {
            let (event, at) = self.inner()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok((Value::from(items), height + 1));
            }
            self.path.push(Step::Index(items.len()));
            let node = self.node(event, &at, depth + 1)?;
            self.path.pop();
            height = height.max(node.height);
            items.push(node.value);
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Value, usize), Unreadable> {
        let mut entries = BTreeMap::new();
        let mut merged = Vec::new();
        let mut height = 0;
        loop {
            let (event, at) = self.inner()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let start = byte(&at);
            let is_merge = is_merge(&event);
            let key = match event {
                // The parser says `~` for a key that is not written.
                Event::Scalar(_, _, 0, None) if is_nothing(&at) => self.keys.intern(""),
                event => self.key(event, start)?,
            };
            self.path.push(Step::Key(Arc::clone(&key)));
            let (event, at) = self.inner()?;
            if is_merge {
                let from = byte(&at);
                let node = self.node(event, &at, depth)?;
                height = height.max(node.height.saturating_sub(1));
                merged.push((node.value, from));
            } else {
                let Entry::Vacant(free) = entries.entry(Value::String(Arc::clone(&key))) else {
                    return Err(
                        Unreadable::new(format!("the key `{key}` stands twice"), start).help("keep one of them")
                    );
                };
                let node = self.node(event, &at, depth + 1)?;
                height = height.max(node.height);
                free.insert(node.value);
            }
            self.path.pop();
        }
        for (value, from) in &merged {
            merge(&mut entries, value, *from)?;
        }
        Ok((Value::from(entries), height + 1))
    }

    /// A key: text, and what else is written on one line as it is written, for keys of JSON are text.
    fn key(&mut self, event: Event<'t>, start: usize) -> Result<Arc<str>, Unreadable> {
        let tag = type_of(&event, start)?;
        match event {
            Event::Scalar(text, style, anchor, _) => {
                if anchor > 0 {
                    let value = self.scalar(&text, style, tag, start)?;
                    self.anchors.insert(anchor, Node { value, nodes: 1, height: 0 });
                }
                Ok(self.keys.intern(&text))
            }
            Event::Alias(id) => match as_key(&self.alias(id, start, 0)?.value) {
                Some(key) => Ok(self.keys.intern(&key)),
                None => Err(Unreadable::new("a key must be text", start)),
            },
            _ => Err(Unreadable::new("a key must be text", start)),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&str>, at: usize) -> Result<Value, Unreadable> {
        let scalar = Scalar::of(text, style, tag)
            .map_err(|tag| Unreadable::new(format!("`{text}` is not what its tag `!!{tag}` says"), at))?;
        Ok(match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Text => Value::String(text.into()),
            Scalar::Number { value, .. } => {
                if number::is_inexact(text) {
                    let path = &self.path;
                    let inexact = self.inexact.get_or_insert_with(|| Inexact {
                        count: 0,
                        path: super::path(path),
                        text: text.to_owned(),
                        at,
                    });
                    inexact.count += 1;
                }
                value
            }
            Scalar::TooLarge => {
                return Err(Unreadable::new(format!("`{text}` is a number that is too large to compute with"), at)
                    .help("write it in quotes if it is not to be computed with"));
            }
            // Taken out when the document is complete: aliases and merge keys carry it to further places.
            Scalar::Nonfinite => {
                self.has_nonfinite = true;
                Value::Undefined
            }
        })
    }
}

/// The type that the tag of a value says. A tag of an application is refused: `!Not true` without its tag is `true`.
fn type_of(event: &Event<'_>, at: usize) -> Result<Option<&'static str>, Unreadable> {
    tagged(event).map_err(|error| {
        let unreadable = Unreadable::new(error.to_string(), at);
        if matches!(error, YamlError::UnknownTag(_)) { unreadable.help(KNOWN_TAGS) } else { unreadable }
    })
}

fn too_deep(at: usize) -> Unreadable {
    Unreadable::new(format!("nested deeper than {MAX_DEPTH}"), at)
}

/// The first byte of an event.
fn byte(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.start)
}

/// Whether an event stands for something that is not written, such as the value of `a:`.
pub(in crate::facts) fn is_nothing(span: &Span) -> bool {
    span.byte_range().is_some_and(|range| range.is_empty())
}

/// Whether this key merges the mappings that are its value.
pub(in crate::facts) fn is_merge(key: &Event<'_>) -> bool {
    matches!(key, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<")
}

/// The key that an alias of this value is.
fn as_key(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(Arc::clone(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string().into()),
        _ => None,
    }
}

/// Entries of a mapping under `<<` count where the mapping itself has none; of several mappings the first.
fn merge(entries: &mut BTreeMap<Value, Value>, value: &Value, at: usize) -> Result<(), Unreadable> {
    match value {
        Value::Object(more) => {
            for (key, value) in more.iter_sorted() {
                if !entries.contains_key(key) {
                    entries.insert(key.clone(), value.clone());
                }
            }
            Ok(())
        }
        Value::Array(values) => values.iter().try_for_each(|value| match value {
            Value::Object(_) => merge(entries, value, at),
            _ => Err(Unreadable::new("`<<` merges mappings only", at)),
        }),
        _ => Err(Unreadable::new("`<<` merges mappings only", at)),
    }
}

/// What a scalar is.
enum Scalar {
    Null,
    Bool(bool),
    Number { value: Value, is_integer: bool },
    TooLarge,
    Nonfinite,
    Text,
}

impl Scalar {
    /// What a text is; the tag of the core schema that says otherwise is the error.
    fn of<'t>(text: &str, style: ScalarStyle, tag: Option<&'t str>) -> Result<Self, &'t str> {
        let scalar = match tag {
            Some("str") => Self::Text,
            None if style != ScalarStyle::Plain => Self::Text,
            _ => core(text),
        };
        let fits = match (tag, &scalar) {
            (Some("null"), scalar) => matches!(scalar, Self::Null),
            (Some("bool"), scalar) => matches!(scalar, Self::Bool(_)),
            (Some("int"), scalar) => matches!(scalar, Self::Number { is_integer: true, .. }),
            (Some("float"), scalar) => matches!(scalar, Self::Number { .. } | Self::Nonfinite),
            _ => true,
        };
        if fits { Ok(scalar) } else { Err(tag.unwrap_or_default()) }
    }
}

/// The key that an alias of this scalar is.
pub(in crate::facts) fn key_of_alias(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Arc<str>> {
    let tag = tag.map(tag_name).transpose().ok()?;
    match Scalar::of(text, style, tag).ok()? {
        Scalar::Null => as_key(&Value::Null),
        Scalar::Bool(value) => as_key(&Value::Bool(value)),
        Scalar::Number { value, .. } => as_key(&value),
        Scalar::Text => Some(text.into()),
        Scalar::TooLarge | Scalar::Nonfinite => None,
    }
}

fn core(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) => return Scalar::Text,
        ".nan" | ".NaN" | ".NAN" => return Scalar::Nonfinite,
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            // What is longer than a number can be is an address or a digest.
            return match u64::from_str_radix(digits, radix) {
                Ok(value) if !digits.starts_with('+') => Scalar::Number { value: Value::from(value), is_integer: true },
                _ => Scalar::Text,
            };
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Scalar::Nonfinite;
    }
    decimal(text, unsigned)
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, of which leading zeros are left to be text.
fn decimal(text: &str, unsigned: &str) -> Scalar {
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction, exponent) = number::parts(unsigned);
    let is_number = all_digits(whole)
        && fraction.is_none_or(all_digits)
        && exponent.is_none_or(|digits| !digits.is_empty() && all_digits(digits))
        && !(whole.is_empty() && fraction.is_none_or(str::is_empty))
        && !(whole.len() > 1 && whole.starts_with('0'));
    if !is_number {
        return Scalar::Text;
    }
    let is_integer = fraction.is_none() && exponent.is_none();
    if is_integer {
        if let Ok(value) = text.parse::<u64>() {
            return Scalar::Number { value: Value::from(value), is_integer };
        }
        if let Ok(value) = text.parse::<i64>() {
            return Scalar::Number { value: Value::from(value), is_integer };
        }
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Scalar::Number { value: super::float(value), is_integer },
        _ => Scalar::TooLarge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        match read(text, false) {
            Ok(document) => document.value.to_string(),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn scalars_are_those_of_the_core_schema() {
        for (text, expected) in [
            ("no", "\"no\""),
            ("on", "\"on\""),
            ("Yes", "\"Yes\""),
            ("True", "true"),
            ("~", "null"),
            ("12", "12"),
            ("-12", "-12"),
            ("+12", "12"),
            ("1.5", "1.5"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("18446744073709551615", "18446744073709551615"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("0", "0"),
            ("007", "\"007\""),
            ("0644", "\"0644\""),
            ("-01", "\"-01\""),
            ("0x", "\"0x\""),
            ("0x+1", "\"0x+1\""),
            ("0xdeadbeefdeadbeefdeadbeef", "\"0xdeadbeefdeadbeefdeadbeef\""),
            ("12:30:45", "\"12:30:45\""),
            ("1_000", "\"1_000\""),
            ("1.2.3", "\"1.2.3\""),
            ("1e", "\"1e\""),
            (".", "\".\""),
            ("+", "\"+\""),
            ("nan", "\"nan\""),
            ("2026-11-21T01:00:00Z", "\"2026-11-21T01:00:00Z\""),
            ("'1'", "\"1\""),
            ("\"true\"", "\"true\""),
            ("!!str 1", "\"1\""),
            ("! 1", "\"1\""),
            ("!!int '1'", "1"),
            ("!!float 1", "1"),
            ("!!bool 'true'", "true"),
            ("!!null", "null"),
            ("!!seq [1]", "[1]"),
            ("!!map {!!str a: 1}", "{\"a\":1}"),
            ("! [1]", "[1]"),
            ("|\n  a\n  b\n", "\"a\\nb\\n\""),
        ] {
            assert_eq!(json(&format!("- {text}\n")), format!("[{expected}]"), "{text}");
        }
    }

    #[test]
    fn keys_are_text() {
        assert_eq!(json("{1: a, true: b, 0x1: c, null: d}"), r#"{"0x1":"c","1":"a","null":"d","true":"b"}"#);
        assert_eq!(json("&k name: 1\nother: *k\n"), r#"{"name":1,"other":"name"}"#);
        assert_eq!(json("{: 1, ~: 2}"), r#"{"":1,"~":2}"#);
        assert_eq!(json("a: &k name\n*k : 1\n"), r#"{"a":"name","name":1}"#);
    }

    #[test]
    fn anchors_and_merge_keys_are_applied() {
        assert_eq!(
            json("base: &b {x: 1, y: 2}\nmore:\n  y: 3\n  <<: *b\nagain: *b\n"),
            r#"{"again":{"x":1,"y":2},"base":{"x":1,"y":2},"more":{"x":1,"y":3}}"#
        );
        assert_eq!(
            json("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n").split("\"c\":").nth(1),
            Some("{\"x\":1,\"y\":2}}")
        );
        assert_eq!(json("{'<<': 1}"), r#"{"<<":1}"#);
    }

    #[test]
    fn what_cannot_be_read_has_a_place() {
        for (text, message, at) in [
            ("a: 1\nb: {c: 1, c: 2}\n", "the key `c` stands twice", 15),
            ("a: 1\n\"a\": 2\n", "the key `a` stands twice", 5),
            ("a: 1\n---\nb: 2\n", "the file has more than one YAML document", 9),
            ("", "the file holds no document", 0),
            ("# nothing\n---\n...\n", "the file holds no document", 0),
            ("[a]: 1\n", "a key must be text", 0),
            ("? a: b\n: 1\n", "a key must be text", 2),
            ("? - b\n: 1\n", "a key must be text", 2),
            ("a: &x [*x]\n", "this alias stands within what it repeats", 7),
            ("a: {<<: 1}\n", "`<<` merges mappings only", 8),
            ("a: {<<: [{}, [{}]]}\n", "`<<` merges mappings only", 8),
            ("a: 1e400\n", "`1e400` is a number that is too large to compute with", 3),
            ("a: 12e0345\n", "`12e0345` is a number that is too large to compute with", 3),
            ("a: !!int x\n", "`x` is not what its tag `!!int` says", 9),
            ("a: !!int 1.5\n", "`1.5` is not what its tag `!!int` says", 9),
            ("a: !Ref Queue\n", "the tag `!Ref` is unknown", 8),
            ("a: !!binary aGk=\n", "the tag `!!binary` is unknown", 12),
            ("a: !If [b]\n", "the tag `!If` is unknown", 7),
            ("!x a: 1\n", "the tag `!x` is unknown", 3),
            ("a: !!map [b]\n", "this is not what its tag `!!map` says", 9),
            ("a: !!seq b\n", "this is not what its tag `!!seq` says", 9),
            (".nan\n", "the document is a number that is not finite", 0),
        ] {
            let error = read(text, false).unwrap_err();
            assert_eq!((error.message.as_str(), error.at), (message, Some(at)), "{text}");
        }
        for text in ["a: [1", "a: \"x", "a:\n\tb: 1", "*x", "a: b: c", "%"] {
            let error = read(text, false).unwrap_err();
            assert!(error.message.starts_with("not valid YAML: "), "{text}: {error:?}");
        }
    }

    #[test]
    fn nesting_ends_somewhere_also_through_aliases() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(&nested(127), false).is_ok());
        assert_eq!(read(&nested(128), false).unwrap_err().message, "nested deeper than 127");
        let mut chain = String::from("- &a0 []\n");
        for n in 1..200 {
            chain.extend([format!("- &a{n} [*a{}]\n", n - 1)]);
        }
        assert_eq!(read(&chain, false).unwrap_err().message, "nested deeper than 127");
        // 126 levels fit below the outer list, not one more.
        let chain = |n: usize| chain.lines().take(n).collect::<Vec<_>>().join("\n");
        assert!(read(&chain(126), false).is_ok());
        assert!(read(&chain(127), false).is_err());
    }

    #[test]
    fn aliases_may_repeat_ten_million_values_and_no_more() {
        let bomb = |last: &str| {
            let mut text = String::from("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
            for n in 1..=5 {
                let aliases = vec![format!("*a{}", n - 1); 10];
                text.extend([format!("a{n}: &a{n} [{}]\n", aliases.join(","))]);
            }
            text + last
        };
        // 1,2 million values by now; each further alias of the largest repeats 1.1 million.
        assert!(read(&bomb("b: [*a5,*a5,*a5,*a5,*a5,*a5]\n"), false).is_ok());
        let error = read(&bomb("b: [*a5,*a5,*a5,*a5,*a5,*a5,*a5,*a5]\n"), false).unwrap_err();
        assert_eq!(error.message, "the aliases of this file expand to more than 10 million values");
    }

    #[test]
    fn documents_are_a_list_where_many_are_expected() {
        let many = |text: &str| read(text, true).unwrap().value.to_string();
        assert_eq!(many("---\na: 1\n---\n# nothing\n---\nb: 2\n"), r#"[{"a":1},{"b":2}]"#);
        assert_eq!(many("a: 1\n"), r#"[{"a":1}]"#);
        assert_eq!(read("---\n---\n", true).unwrap_err().message, "the file holds no document");
        assert_eq!(json("---\na: 1\n---\n"), r#"{"a":1}"#);
        assert!(read("a: &x 1\n---\nb: *x\n", true).is_err());
    }

    #[test]
    fn what_is_not_finite_is_left_out_and_listed() {
        let read = |text: &str, many| {
            let document = super::read(text, many).unwrap();
            (document.value.to_string(), document.nonfinite.join(" "))
        };
        assert_eq!(
            read("edges: [{p: .nan, q: 1}, {p: -.INF}]\nmax: .inf\n", false),
            (r#"{"edges":[{"q":1},{}]}"#.to_owned(), "edges[0].p edges[1].p max".to_owned())
        );
        assert_eq!(read("[1, .nan, 3]", false), ("[1,null,3]".to_owned(), "[1]".to_owned()));
        assert_eq!(read("a: 1\n---\nb: .nan\n", true), (r#"[{"a":1},{}]"#.to_owned(), "[1].b".to_owned()));
        // What is written beside a merge key wins over it, also if it is not finite; aliases repeat it.
        assert_eq!(
            read("a: &a {p: 5, q: .nan}\nb: {p: .nan, <<: *a}\n", false),
            (r#"{"a":{"p":5},"b":{}}"#.to_owned(), "a.q b.p b.q".to_owned())
        );
        assert_eq!(read("a: '.nan'\n", false), (r#"{"a":".nan"}"#.to_owned(), String::new()));
    }

    #[test]
    fn numbers_that_lose_digits_are_counted_and_the_first_is_named() {
        let text = "a: 0.1\nedges:\n  - {id: 1}\n  - id: 123456789012345678901\n    p: 0.12345678901234567890\n";
        let inexact = read(text, false).unwrap().inexact.unwrap();
        assert_eq!((inexact.count, inexact.path.as_str(), inexact.at), (2, "edges[1].id", text.find("1234").unwrap()));
        assert_eq!(read("a: '123456789012345678901'", false).unwrap().inexact, None);
        let inexact = read("a: 1\n---\nb: 123456789012345678901\n", true).unwrap().inexact.unwrap();
        assert_eq!(inexact.path, "[1].b");
    }

    #[test]
    fn many_comments_are_no_trouble() {
        assert_eq!(json(&format!("a:\n{}  b: 1\n", "  # x\n".repeat(500))), r#"{"a":{"b":1}}"#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:0-9.&*a-c<!|>'#é \n-]{0,40}", many in proptest::bool::ANY) {
            let _ = read(&text, many);
        }
    }
}
