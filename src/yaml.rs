//! YAML that people write for the tool: a tree with the exact place of every value, and a reader of its mappings
//! that collects all errors instead of stopping at the first.
//!
//! Facts do not come this way: they are data, read by `facts`.

use std::{collections::HashMap, str::FromStr};

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use serde_json::Value as Json;

use crate::{
    source::{Advice, At, Place, Related, SourceFile, Span},
    spelling::nearest,
};

/// Aliases may repeat a tree this often at most; a file for people needs a hundredth of it.
const MAX_NODES: usize = 100_000;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its bytes in the file. An alias stands where it is used.
    pub span: Span,
}

/// A YAML value; quoted scalars are text, others what YAML 1.2's core schema makes of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number.
    Number(serde_json::Number),
    /// Anything else that is not nested.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in its own order, merge keys applied, without duplicates.
    Map(Vec<(Key, Node)>),
}

/// A key with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key; numbers and booleans as they are written.
    pub name: String,
    /// Its bytes in the file.
    pub span: Span,
}

impl Node {
    /// Whether nothing stands here.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    #[must_use]
    pub fn as_entries(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value without places.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => Json::Number(number.clone()),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries.iter().map(|(key, node)| (key.name.clone(), node.to_json())).collect(),
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// What is wrong with a file in YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// It is no YAML.
    #[error("not valid YAML: {0}")]
    Syntax(String),
    /// It has several documents.
    #[error("the file has more than one YAML document")]
    SeveralDocuments,
    /// A key stands twice.
    #[error("the key `{0}` stands twice")]
    DuplicateKey(String),
    /// A key is a list or a mapping.
    #[error("a key must be text")]
    KeyNotText,
    /// Its aliases expand beyond all measure.
    #[error("the aliases of this file expand to more than {MAX_NODES} values")]
    TooManyNodes,
    /// A tag that says nothing to us; to read past it would be to read something else than what is written.
    #[error("the tag `{0}` is unknown")]
    UnknownTag(String),
    /// A value of another type than its tag says.
    #[error("this is not what its tag `!!{0}` says")]
    NotItsTag(&'static str),
    /// A key nobody reads.
    #[error("unknown key `{key}` in {what}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The mapping it stands in.
        what: String,
        /// What is known there.
        known: Vec<&'static str>,
    },
    /// A key that must be there is not.
    #[error("{what} has no `{key}`")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The mapping it should stand in.
        what: String,
        /// What to write there.
        help: Option<&'static str>,
    },
    /// Something else stands where a mapping belongs.
    #[error("{what} must be a mapping, not {found}")]
    NotAMapping {
        /// What should be a mapping.
        what: String,
        /// What it is.
        found: &'static str,
    },
    /// Another type was expected.
    #[error("`{name}` must be {expected}, not {found}")]
    WrongType {
        /// The key.
        name: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A value that does not do.
    #[error("{message}")]
    BadValue {
        /// What is wrong.
        message: String,
        /// What would do.
        help: Option<String>,
    },
}

impl Advice for YamlError {
    fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "yaml::syntax",
            Self::SeveralDocuments => "yaml::several_documents",
            Self::DuplicateKey(_) => "yaml::duplicate_key",
            Self::KeyNotText => "yaml::key_not_text",
            Self::TooManyNodes => "yaml::too_many_nodes",
            Self::UnknownTag(_) => "yaml::unknown_tag",
            Self::NotItsTag(_) => "yaml::not_its_tag",
            Self::UnknownKey { .. } => "yaml::unknown_key",
            Self::MissingKey { .. } => "yaml::missing_key",
            Self::NotAMapping { .. } => "yaml::not_a_mapping",
            Self::WrongType { .. } => "yaml::wrong_type",
            Self::BadValue { .. } => "yaml::bad_value",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Syntax(message) if message.contains("tab") => Some("indent with spaces".to_owned()),
            Self::DuplicateKey(_) => Some("keep one of them".to_owned()),
            Self::UnknownKey { key, known, .. } => Some(match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            }),
            Self::MissingKey { help: Some(help), .. } => Some((*help).to_owned()),
            Self::MissingKey { key, help: None, .. } => Some(format!("add `{key}:`")),
            Self::BadValue { help, .. } => help.clone(),
            Self::WrongType { expected, found: "text", .. } if expected.starts_with("a list") => {
                Some("put it in brackets: `[…]`".to_owned())
            }
            Self::SeveralDocuments => Some("keep the first and remove the `---` between them".to_owned()),
            Self::UnknownTag(_) => Some(KNOWN_TAGS.to_owned()),
            Self::Syntax(_)
            | Self::KeyNotText
            | Self::TooManyNodes
            | Self::NotItsTag(_)
            | Self::NotAMapping { .. }
            | Self::WrongType { .. } => None,
        }
    }
}

/// What to do about a tag that nobody knows.
pub(crate) const KNOWN_TAGS: &str =
    "write what it stands for: only `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!seq` and `!!map` are read";

/// The type that a tag says a value has: a name of YAML's core schema, if it says anything. `!` makes a scalar text
/// and says nothing of a collection.
///
/// # Errors
/// The tag is of no known type, or this is a collection of another one.
pub(crate) fn tagged(event: &Event<'_>) -> Result<Option<&'static str>, YamlError> {
    let is_scalar = matches!(event, Event::Scalar(..));
    let says =
        event.tag().map(tag_name).transpose()?.filter(|_| is_scalar || !event.tag().is_some_and(is_non_specific));
    match (event, says) {
        (Event::SequenceStart(..), Some(name)) if name != "seq" => Err(YamlError::NotItsTag(name)),
        (Event::MappingStart(..), Some(name)) if name != "map" => Err(YamlError::NotItsTag(name)),
        (Event::Scalar(..), Some(name @ ("seq" | "map"))) => Err(YamlError::NotItsTag(name)),
        _ => Ok(says),
    }
}

/// The name that a tag has in YAML's core schema; that of text where it is `!` alone.
///
/// # Errors
/// It has none.
pub(crate) fn tag_name(tag: &Tag) -> Result<&'static str, YamlError> {
    const CORE: [&str; 7] = ["str", "int", "float", "bool", "null", "seq", "map"];
    if is_non_specific(tag) {
        return Ok("str");
    }
    let known = CORE.into_iter().find(|name| tag.core_suffix() == Some(*name));
    known.ok_or_else(|| YamlError::UnknownTag(tag.original()))
}

fn is_non_specific(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!"
}

/// Parses a whole file of one document.
///
/// # Errors
/// What makes it unreadable, at its place.
pub fn parse(file: &SourceFile) -> Result<Node, At<YamlError>> {
    parse_at(file, file.text(), 0)
}

/// Parses `text`, which stands at byte `base` of the file, character by character.
///
/// # Errors
/// What makes it unreadable, at its place.
pub fn parse_at(file: &SourceFile, text: &str, base: usize) -> Result<Node, At<YamlError>> {
    let mut tree = Tree { file, base, end: base + text.len(), nodes: 0, anchors: HashMap::new() };
    let mut root = None;
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| tree.syntax(&error))?;
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Comment(..) => {}
            Event::DocumentStart(..) => {
                if root.is_some() {
                    return Err(At::new(YamlError::SeveralDocuments, file.at(tree.span(&span))));
                }
            }
            event => root = Some(tree.node(event, &span, &mut parser, 0)?),
        }
    }
    Ok(root.unwrap_or(Node { value: Value::Null, span: Span { start: base, end: base } }))
}

/// Parses `text`, which was gathered from pieces of the file (the comment lines of a block, say); `lead_back` says
/// where a span of the text stands in the file.
///
/// # Errors
/// What makes it unreadable, at its place in the file.
pub fn parse_gathered(file: &SourceFile, text: &str, lead_back: impl Fn(Span) -> Span) -> Result<Node, At<YamlError>> {
    fn walk(node: &mut Node, lead_back: &impl Fn(Span) -> Span) {
        node.span = lead_back(node.span);
        match &mut node.value {
            Value::List(items) => items.iter_mut().for_each(|item| walk(item, lead_back)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    key.span = lead_back(key.span);
                    walk(node, lead_back);
                }
            }
            _ => {}
        }
    }
    let gathered = SourceFile::new(file.path(), text);
    let place = |place: Place| file.at(lead_back(place.span));
    let mut node = parse(&gathered).map_err(|error| At {
        kind: error.kind,
        place: error.place.map(place),
        related: error
            .related
            .into_iter()
            .map(|related| Related { message: related.message, place: place(related.place) })
            .collect(),
    })?;
    walk(&mut node, &lead_back);
    Ok(node)
}

struct Tree<'a> {
    file: &'a SourceFile,
    base: usize,
    end: usize,
    nodes: usize,
    anchors: HashMap<usize, (Node, usize)>,
}

const MAX_DEPTH: usize = 64;

impl Tree<'_> {
    fn syntax(&self, error: &granit_parser::ScanError) -> At<YamlError> {
        let at = error.marker().byte_offset().map_or(self.end, |at| (self.base + at).min(self.end));
        let end = self.file.text()[at..].chars().next().filter(|c| *c != '\n').map_or(at, |c| at + c.len_utf8());
        At::new(YamlError::Syntax(error.info().clone()), self.file.at(at..end))
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or_default();
        Span { start: (self.base + range.start).min(self.end), end: (self.base + range.end).min(self.end) }
    }

    fn error(&self, error: YamlError, span: Span) -> At<YamlError> {
        At::new(error, self.file.at(span))
    }

    fn next<'t>(
        &self,
        parser: &mut Parser<'t, granit_parser::StrInput<'t>>,
    ) -> Result<(Event<'t>, granit_parser::Span), At<YamlError>> {
        loop {
            let event = parser.next_event().expect("a stream ends with its end event");
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            if !matches!(event, Event::Comment(..)) {
                return Ok((event, span));
            }
        }
    }

    fn node<'t>(
        &mut self,
        event: Event<'t>,
        at: &granit_parser::Span,
        parser: &mut Parser<'t, granit_parser::StrInput<'t>>,
        depth: usize,
    ) -> Result<Node, At<YamlError>> {
        let mut span = self.span(at);
        self.nodes += 1;
        let before = self.nodes;
        if self.nodes > MAX_NODES {
            return Err(self.error(YamlError::TooManyNodes, span));
        }
        if depth > MAX_DEPTH {
            return Err(self.error(YamlError::Syntax(format!("nested deeper than {MAX_DEPTH}")), span));
        }
        let anchor = event.anchor_id();
        let tag = tagged(&event).map_err(|error| self.error(error, span))?;
        let value = match event {
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id) else {
                    return Err(self.error(YamlError::Syntax("this alias has no anchor".to_owned()), span));
                };
                self.nodes += size;
                node.value.clone()
            }
            Event::Scalar(text, style, ..) => {
                scalar(text.into_owned(), style, tag).map_err(|error| self.error(error, span))?
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    let (event, at) = self.next(parser)?;
                    if matches!(event, Event::SequenceEnd) {
                        span.end = self.end_of(&at, items.last(), span);
                        break;
                    }
                    items.push(self.node(event, &at, parser, depth + 1)?);
                }
                Value::List(items)
            }
            Event::MappingStart(..) => {
                let mut entries: Vec<(Key, Node)> = Vec::new();
                let mut merged = Vec::new();
                loop {
                    let (event, at) = self.next(parser)?;
                    if matches!(event, Event::MappingEnd) {
                        span.end = self.end_of(&at, entries.last().map(|(_, node)| node), span);
                        break;
                    }
                    tagged(&event).map_err(|error| self.error(error, self.span(&at)))?;
                    let Event::Scalar(name, style, ..) = event else {
                        return Err(self.error(YamlError::KeyNotText, self.span(&at)));
                    };
                    let is_merge = name == "<<" && matches!(style, ScalarStyle::Plain);
                    let key = Key { name: name.into_owned(), span: self.span(&at) };
                    let (event, at) = self.next(parser)?;
                    let node = self.node(event, &at, parser, depth + 1)?;
                    if is_merge {
                        merged.push(node);
                    } else if let Some((first, _)) = entries.iter().find(|(known, _)| known.name == key.name) {
                        let error = YamlError::DuplicateKey(key.name.clone());
                        return Err(self.error(error, key.span).and("first here", self.file.at(first.span)));
                    } else {
                        entries.push((key, node));
                    }
                }
                for node in merged {
                    self.merge(&mut entries, node)?;
                }
                Value::Map(entries)
            }
            other => return Err(self.error(YamlError::Syntax(format!("unexpected {other:?}")), span)),
        };
        let node = Node { value, span };
        if let Some(id) = anchor {
            self.anchors.insert(id, (node.clone(), self.nodes - before + 1));
        }
        Ok(node)
    }

    /// Flow collections end with their bracket. Block collections end where the next token starts; what people see
    /// ends with their last value.
    fn end_of(&self, closing: &granit_parser::Span, last: Option<&Node>, opening: Span) -> usize {
        let closing = self.span(closing);
        if closing.end > closing.start { closing.end } else { last.map_or(opening.end, |node| node.span.end) }
    }

    fn merge(&self, entries: &mut Vec<(Key, Node)>, node: Node) -> Result<(), At<YamlError>> {
        match node.value {
            Value::Map(more) => {
                for (key, value) in more {
                    if !entries.iter().any(|(known, _)| known.name == key.name) {
                        entries.push((key, value));
                    }
                }
                Ok(())
            }
            Value::List(nodes) => nodes.into_iter().try_for_each(|node| self.merge(entries, node)),
            _ => Err(self.error(YamlError::Syntax("`<<` merges mappings only".to_owned()), node.span)),
        }
    }
}

/// What a scalar is; a tag goes before how it is written.
fn scalar(text: String, style: ScalarStyle, tag: Option<&'static str>) -> Result<Value, YamlError> {
    let value = match tag {
        Some("str") => Value::Text(text),
        None if !matches!(style, ScalarStyle::Plain) => Value::Text(text),
        _ => core(text),
    };
    let fits = match (tag, &value) {
        (Some("null"), value) => *value == Value::Null,
        (Some("bool"), value) => matches!(value, Value::Bool(_)),
        (Some("int"), value) => matches!(value, Value::Number(number) if !number.is_f64()),
        (Some("float"), value) => matches!(value, Value::Number(_)),
        _ => true,
    };
    if fits { Ok(value) } else { Err(YamlError::NotItsTag(tag.unwrap_or_default())) }
}

fn core(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        // JSON's numbers; what YAML adds to them (octal, `.inf`) has no use in these files and stays text.
        _ => match serde_json::Number::from_str(&text) {
            Ok(number) => Value::Number(number),
            Err(_) => Value::Text(text),
        },
    }
}

/// Reads the keys of one mapping. What is wrong goes into the errors; reading goes on.
pub struct Fields<'a> {
    file: &'a SourceFile,
    what: String,
    span: Span,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
}

/// The errors collected so far.
pub type Errors = Vec<At<YamlError>>;

impl<'a> Fields<'a> {
    /// The fields of a mapping that messages call `what`; none, with an error, if it is something else.
    pub fn of(file: &'a SourceFile, node: &'a Node, what: impl Into<String>, errors: &mut Errors) -> Option<Self> {
        let what = what.into();
        if let Value::Map(entries) = &node.value {
            Some(Self { file, what, span: node.span, entries, known: Vec::new() })
        } else {
            let error = YamlError::NotAMapping { what, found: node.describe() };
            errors.push(At::new(error, file.at(node.span)));
            None
        }
    }

    /// The value of a key; `null` counts as absent.
    pub fn take(&mut self, name: &'static str) -> Option<&'a Node> {
        self.entry(name).map(|(_, node)| node).filter(|node| !node.is_null())
    }

    /// Key and value, also where the value is `null`.
    pub fn entry(&mut self, name: &'static str) -> Option<&'a (Key, Node)> {
        self.skip(&[name]);
        self.entries.iter().find(|(key, _)| key.name == name)
    }

    /// Whether a key has a value; unlike the other methods this does not count as reading it.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, node)| key.name == name && !node.is_null())
    }

    /// Counts keys as read whose values somebody else judges.
    pub fn skip(&mut self, names: &[&'static str]) {
        for name in names {
            if !self.known.contains(name) {
                self.known.push(name);
            }
        }
    }

    /// The value of a key that must be there.
    pub fn require(&mut self, name: &'static str, errors: &mut Errors) -> Option<&'a Node> {
        self.require_or(name, None, errors)
    }

    /// The value of a key that must be there, and what to write where it is not.
    pub fn require_or(
        &mut self,
        name: &'static str,
        help: Option<&'static str>,
        errors: &mut Errors,
    ) -> Option<&'a Node> {
        let node = self.take(name);
        if node.is_none() {
            let first = self.file.slice(self.span).lines().next().map_or(0, str::len);
            let span = Span { start: self.span.start, end: self.span.start + first };
            errors
                .push(At::new(YamlError::MissingKey { key: name, what: self.what.clone(), help }, self.file.at(span)));
        }
        node
    }

    /// Text.
    pub fn text(&mut self, name: &'static str, errors: &mut Errors) -> Option<String> {
        let node = self.take(name)?;
        expect(self.file, name, "text", node, errors, |node| node.as_text().map(str::to_owned))
    }

    /// A boolean.
    pub fn boolean(&mut self, name: &'static str, errors: &mut Errors) -> Option<bool> {
        let node = self.take(name)?;
        expect(self.file, name, "`true` or `false`", node, errors, |node| match node.value {
            Value::Bool(value) => Some(value),
            _ => None,
        })
    }

    /// A number.
    pub fn number(&mut self, name: &'static str, errors: &mut Errors) -> Option<f64> {
        let node = self.take(name)?;
        expect(self.file, name, "a number", node, errors, |node| match &node.value {
            Value::Number(number) => number.as_f64(),
            _ => None,
        })
    }

    /// A list of text.
    pub fn texts(&mut self, name: &'static str, errors: &mut Errors) -> Vec<(String, Span)> {
        let Some(node) = self.take(name) else { return Vec::new() };
        self.items(name, node, errors)
            .iter()
            .filter_map(|item| {
                expect(self.file, name, "a list of text", item, errors, |item| item.as_text().map(str::to_owned))
                    .map(|text| (text, item.span))
            })
            .collect()
    }

    /// The elements of a list.
    pub fn list(&mut self, name: &'static str, errors: &mut Errors) -> &'a [Node] {
        let Some(node) = self.take(name) else { return &[] };
        self.items(name, node, errors)
    }

    fn items(&self, name: &'static str, node: &'a Node, errors: &mut Errors) -> &'a [Node] {
        if let Value::List(items) = &node.value {
            items
        } else {
            errors.push(wrong_type(self.file, name, "a list", node));
            &[]
        }
    }

    /// Text that reads as a `T`; `help` says what would do.
    pub fn parse<T: FromStr>(&mut self, name: &'static str, help: &str, errors: &mut Errors) -> Option<T> {
        let node = self.take(name)?;
        let text = match &node.value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => {
                errors.push(wrong_type(self.file, name, "text", node));
                return None;
            }
        };
        let value = text.parse().ok();
        if value.is_none() {
            errors.push(self.bad(node, format!("`{text}` is no {name}"), Some(help.to_owned())));
        }
        value
    }

    /// An error about a value.
    #[must_use]
    pub fn bad(&self, node: &Node, message: impl Into<String>, help: Option<String>) -> At<YamlError> {
        At::new(YamlError::BadValue { message: message.into(), help }, self.file.at(node.span))
    }

    /// Whatever was not read is an error, with the key that was probably meant.
    pub fn finish(self, errors: &mut Errors) {
        for (key, _) in self.entries {
            if !self.known.contains(&key.name.as_str()) {
                let error =
                    YamlError::UnknownKey { key: key.name.clone(), what: self.what.clone(), known: self.known.clone() };
                errors.push(At::new(error, self.file.at(key.span)));
            }
        }
    }
}

fn expect<T>(
    file: &SourceFile,
    name: &str,
    expected: &'static str,
    node: &Node,
    errors: &mut Errors,
    read: impl FnOnce(&Node) -> Option<T>,
) -> Option<T> {
    let value = read(node);
    if value.is_none() {
        errors.push(wrong_type(file, name, expected, node));
    }
    value
}

/// An error that says which type was expected.
#[must_use]
pub fn wrong_type(file: &SourceFile, name: &str, expected: &'static str, node: &Node) -> At<YamlError> {
    let error = YamlError::WrongType { name: name.to_owned(), expected, found: node.describe() };
    At::new(error, file.at(node.span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<String> {
        fn walk(file: &SourceFile, node: &Node, out: &mut Vec<String>) {
            out.push(file.slice(node.span).to_owned());
            match &node.value {
                Value::List(items) => items.iter().for_each(|item| walk(file, item, out)),
                Value::Map(entries) => entries.iter().for_each(|(_, node)| walk(file, node, out)),
                _ => {}
            }
        }
        let file = SourceFile::new("a.yaml", text);
        let mut out = Vec::new();
        walk(&file, &parse(&file).unwrap(), &mut out);
        out
    }

    #[test]
    fn every_value_knows_its_bytes() {
        assert_eq!(spans("a: é\nb: [1, \"x\"]\n"), ["a: é\nb: [1, \"x\"]", "é", "[1, \"x\"]", "1", "\"x\""]);
        assert_eq!(spans("- {a: 1}\n- 2 # why\n"), ["- {a: 1}\n- 2", "{a: 1}", "1", "2"]);
    }

    #[test]
    fn anchors_and_merge_keys_are_applied() {
        let file = SourceFile::new("a.yaml", "base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\nagain: *b\n");
        let json = parse(&file).unwrap().to_json();
        assert_eq!(
            json,
            serde_json::json!({"base": {"x": 1, "y": 2}, "more": {"y": 3, "x": 1}, "again": {"x": 1, "y": 2}})
        );
    }

    #[test]
    fn what_cannot_be_read_has_a_place() {
        let cases = [
            ("a: 1\na: 2\n", "the key `a` stands twice", "a"),
            ("a: 1\n---\nb: 2\n", "the file has more than one YAML document", "---"),
            ("[a]: 1\n", "a key must be text", "["),
        ];
        for (text, message, at) in cases {
            let file = SourceFile::new("a.yaml", text);
            let error = parse(&file).unwrap_err();
            let place = error.place.clone().unwrap();
            assert_eq!((error.to_string().as_str(), file.slice(place.span)), (message, at), "{text}");
        }
        for text in ["a: [1", "a: \"x", "a:\n\tb: 1", "*x", "a: &x [*x]"] {
            let file = SourceFile::new("a.yaml", text);
            assert!(parse(&file).is_err(), "{text}");
        }
        let line = |n: usize| format!("a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(","));
        let lines: Vec<_> = std::iter::once("a0: &a0 [1]".to_owned()).chain((1..9).map(line)).collect();
        let bomb = lines.join("\n");
        let error = parse(&SourceFile::new("a.yaml", bomb)).unwrap_err();
        assert_eq!(error.kind, YamlError::TooManyNodes);
    }

    #[test]
    fn tags_of_the_core_schema_are_honoured_and_others_refused() {
        let read = |text: &str| parse(&SourceFile::new("a.yaml", text));
        for (text, json) in [
            ("!!str 1", "\"1\""),
            ("! 1", "\"1\""),
            ("!!int '1'", "1"),
            ("!!float 1", "1"),
            ("!!float 1.5", "1.5"),
            ("!!bool \"true\"", "true"),
            ("!!null ''", "null"),
            ("!!seq [1]", "[1]"),
            ("!!map {!!str a: 1}", "{\"a\":1}"),
            ("! [1]", "[1]"),
        ] {
            assert_eq!(read(text).unwrap().to_json().to_string(), json, "{text}");
        }
        for (text, message, at) in [
            ("a: !foo 1\n", "the tag `!foo` is unknown", "1"),
            ("a: !!binary aGk=\n", "the tag `!!binary` is unknown", "aGk="),
            ("a: !<tag:example.com,2026:x> b\n", "the tag `!<tag:example.com,2026:x>` is unknown", "b"),
            ("!foo a: 1\n", "the tag `!foo` is unknown", "a"),
            ("a: !foo [1]\n", "the tag `!foo` is unknown", "["),
            ("a: !!map [1]\n", "this is not what its tag `!!map` says", "["),
            ("a: !!seq {}\n", "this is not what its tag `!!seq` says", "{"),
            ("a: !!map b\n", "this is not what its tag `!!map` says", "b"),
            ("a: !!int 1.5\n", "this is not what its tag `!!int` says", "1.5"),
            ("a: !!bool 1\n", "this is not what its tag `!!bool` says", "1"),
            ("a: !!null x\n", "this is not what its tag `!!null` says", "x"),
        ] {
            let error = read(text).unwrap_err();
            let place = error.place.clone().unwrap();
            assert_eq!((error.to_string().as_str(), place.file.slice(place.span)), (message, at), "{text}");
        }
    }

    #[test]
    fn all_errors_of_a_mapping_are_collected() {
        let file = SourceFile::new("a.yaml", "nmae: x\nsize: big\nrest: 1\n");
        let node = parse(&file).unwrap();
        let mut errors = Vec::new();
        let mut fields = Fields::of(&file, &node, "the file", &mut errors).unwrap();
        assert_eq!(fields.text("name", &mut errors), None);
        assert_eq!(fields.number("size", &mut errors), None);
        assert!(fields.require("version", &mut errors).is_none());
        fields.finish(&mut errors);
        let said: Vec<_> = errors.iter().map(|error| (error.to_string(), error.kind.help())).collect();
        insta::assert_debug_snapshot!(said);
    }
}
