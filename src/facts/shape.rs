//! What a document looks like: which paths it has, of which types, how often.

use std::{collections::BTreeMap, fmt, sync::Arc};

use regorus::Value;

use crate::{
    model::{Path, Segment},
    secret::{is_secret_name, is_secret_text},
    source::escape,
    text::{ELLIPSIS, cut, cut_text},
};

/// The shape of a document: a row for every path it has, lists and dictionaries summarised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The document itself first, then what it holds, sorted by path.
    pub rows: Vec<Row>,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The path, below the document.
    pub path: ShapePath,
    /// How many values are of which type.
    pub types: BTreeMap<Type, u64>,
    /// How many places have the path.
    pub present: u64,
    /// How many places could have it: the objects above a key. Elements are as many as there are.
    pub of: u64,
    /// How many different keys a path that ends in `{_}` stands for; where that is within another dictionary, the most
    /// that one of them has.
    pub keys: Option<u64>,
    /// One of the values, where one is neither list nor object.
    pub example: Option<Example>,
}

/// One value of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Example {
    /// As JSON, safe to print, of more than 40 characters both ends and the length.
    Shown(String),
    /// It stands at a key that sounds like a secret.
    Withheld,
}

/// A type of Rego.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// Text.
    String,
    /// A list.
    Array,
    /// A mapping.
    Object,
}

impl Type {
    /// As Rego's `type_name` says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null | Value::Undefined => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) | Value::Set(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

/// A path below a document, in which lists and dictionaries have one step for all they hold.
///
/// Printed as `edges[_].p99_ms` and `services{_}.image`; the document itself is empty. Safe to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShapePath(pub Vec<Step>);

/// One step of such a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `[_]`: any element of a list.
    Element,
    /// `{_}`: any key of an object that is used as a dictionary.
    AnyKey,
    /// A key.
    Key(Arc<str>),
}

impl fmt::Display for ShapePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Element => f.write_str("[_]")?,
                Step::AnyKey => f.write_str("{_}")?,
                Step::Key(key) => {
                    let key = Path::new(vec![Segment::Key(key.as_ref().to_owned())]).to_string();
                    let dot = if at == 0 || key.starts_with('[') { "" } else { "." };
                    write!(f, "{dot}{}", escape(&key))?;
                }
            }
        }
        Ok(())
    }
}

/// An object with more keys than this may be a dictionary.
const MANY_KEYS: usize = 30;

/// The shape of a document.
///
/// An object with more than 30 different keys whose values look alike is a dictionary: its keys are data, not names.
#[must_use]
pub fn shape(value: &Value) -> Shape {
    let mut node = Node::default();
    node.add(value, false);
    node.find_dictionaries();
    let mut rows = Vec::new();
    let of = node.count();
    node.rows(&mut Vec::new(), of, None, &mut rows);
    Shape { rows }
}

/// Every value that a path or pattern names, with its own path; `value` is what the path's root names.
///
/// Takes paths as rules write them: with `input` as `value`, `input.traces.edges[_].server` names the servers of all
/// edges. `[_]` is any element of a list and any value of an object.
#[must_use]
pub fn values_at<'v>(value: &'v Value, path: &Path) -> Vec<(Path, &'v Value)> {
    let mut found: Vec<(Vec<Segment>, &Value)> = vec![(path.segments()[..1].to_vec(), value)];
    for segment in &path.segments()[1..] {
        let mut next = Vec::new();
        for (above, value) in found {
            let mut push = |segment: Segment, value| {
                let mut segments = above.clone();
                segments.push(segment);
                next.push((segments, value));
            };
            match (segment, value) {
                (Segment::Key(key), Value::Object(entries)) => {
                    if let Some(value) = entries.get(&Value::from(key.as_str())) {
                        push(segment.clone(), value);
                    }
                }
                (Segment::Index(at), Value::Array(items)) => {
                    if let Some(value) = items.get(*at) {
                        push(segment.clone(), value);
                    }
                }
                (Segment::Any, Value::Array(items)) => {
                    items.iter().enumerate().for_each(|(at, value)| push(Segment::Index(at), value));
                }
                (Segment::Any, Value::Object(entries)) => {
                    for (key, value) in entries.iter_sorted() {
                        if let Value::String(key) = key {
                            push(Segment::Key(key.as_ref().to_owned()), value);
                        }
                    }
                }
                _ => {}
            }
        }
        found = next;
    }
    found.into_iter().map(|(segments, value)| (Path::new(segments), value)).collect()
}

/// All values at one path, taken together.
#[derive(Default)]
struct Node {
    types: BTreeMap<Type, u64>,
    example: Option<Example>,
    element: Option<Box<Node>>,
    fields: BTreeMap<Arc<str>, Node>,
    /// The values of a dictionary, and how many different keys it has.
    dictionary: Option<(Box<Node>, u64)>,
}

impl Node {
    fn add(&mut self, value: &Value, is_secret: bool) {
        *self.types.entry(Type::of(value)).or_default() += 1;
        match value {
            Value::Array(items) => {
                let element = self.element.get_or_insert_default();
                items.iter().for_each(|item| element.add(item, is_secret));
            }
            Value::Object(entries) => {
                // `{name: DB_PASSWORD, value: …}`: the key that is a secret's name stands in a value.
                let names_secret = ["name", "key"].iter().any(|name| {
                    matches!(entries.get(&Value::from(*name)), Some(Value::String(name)) if is_secret_name(name))
                });
                for (key, value) in entries.iter_sorted() {
                    let Value::String(key) = key else { continue };
                    let is_secret = is_secret || is_secret_name(key) || names_secret && key.as_ref() == "value";
                    if !self.fields.contains_key(key) {
                        self.fields.insert(Arc::clone(key), Self::default());
                    }
                    if let Some(field) = self.fields.get_mut(key) {
                        field.add(value, is_secret);
                    }
                }
            }
            Value::Null | Value::Undefined => {}
            Value::String(text) if is_secret_text(text) => self.example = Some(Example::Withheld),
            _ if is_secret => self.example = Some(Example::Withheld),
            _ => {
                self.example.get_or_insert_with(|| Example::Shown(example(value)));
            }
        }
    }

    fn count(&self) -> u64 {
        self.types.values().sum()
    }

    /// Makes one node of the fields of what is used as a dictionary, from the inside out.
    fn find_dictionaries(&mut self) {
        if let Some(element) = &mut self.element {
            element.find_dictionaries();
        }
        self.fields.values_mut().for_each(Self::find_dictionaries);
        let is_one = match &self.dictionary {
            None => self.fields.len() > MANY_KEYS && look_alike(self.fields.values()),
            // Small ones beside large ones that were taken together.
            Some((values, _)) => look_alike(self.fields.values().chain([values.as_ref()])),
        };
        if is_one {
            let fields = std::mem::take(&mut self.fields);
            let (values, keys) = self.dictionary.get_or_insert_default();
            *keys = (*keys).max(fields.len() as u64);
            for field in fields.into_values() {
                values.unite(field);
            }
            // What was no dictionary in any one of them may be one in all of them.
            values.find_dictionaries();
        }
    }

    fn unite(&mut self, other: Self) {
        for (of_type, count) in other.types {
            *self.types.entry(of_type).or_default() += count;
        }
        match (&self.example, other.example) {
            // What is withheld once is withheld.
            (_, Some(Example::Withheld)) => self.example = Some(Example::Withheld),
            (None, example) => self.example = example,
            (Some(_), _) => {}
        }
        if let Some(element) = other.element {
            self.element.get_or_insert_default().unite(*element);
        }
        for (key, field) in other.fields {
            self.fields.entry(key).or_default().unite(field);
        }
        if let Some((values, keys)) = other.dictionary {
            let (mine, most) = self.dictionary.get_or_insert_default();
            mine.unite(*values);
            *most = keys.max(*most);
        }
    }

    /// The type of its values, null aside, where it is one.
    fn only_type(&self) -> Option<Type> {
        let mut types = self.types.keys().copied().filter(|of_type| *of_type != Type::Null);
        types.next().filter(|_| types.next().is_none())
    }

    fn rows(&self, path: &mut Vec<Step>, of: u64, keys: Option<u64>, rows: &mut Vec<Row>) {
        rows.push(Row {
            path: ShapePath(path.clone()),
            types: self.types.clone(),
            present: self.count(),
            of,
            keys,
            example: self.example.clone(),
        });
        let mut inner = |step: Step, node: &Self, of, keys| {
            path.push(step);
            node.rows(path, of, keys, rows);
            path.pop();
        };
        if let Some(element) = self.element.as_deref().filter(|element| element.count() > 0) {
            inner(Step::Element, element, element.count(), None);
        }
        if let Some((values, keys)) = &self.dictionary {
            inner(Step::AnyKey, values, values.count(), Some(*keys));
        }
        let objects = self.types.get(&Type::Object).copied().unwrap_or_default();
        for (key, field) in &self.fields {
            inner(Step::Key(Arc::clone(key)), field, objects, None);
        }
    }
}

/// Whether values could all be those of one dictionary: of one type and, where they are objects, with mostly the same
/// keys.
fn look_alike<'n>(nodes: impl Iterator<Item = &'n Node>) -> bool {
    let nodes: Vec<_> = nodes.collect();
    let mut types = nodes
        .iter()
        .filter(|node| node.types.keys().any(|of_type| *of_type != Type::Null))
        .map(|node| node.only_type());
    let Some(Some(first)) = types.next() else { return false };
    if !types.all(|of_type| of_type == Some(first)) {
        return false;
    }
    let objects: Vec<_> = nodes.iter().filter(|node| !node.fields.is_empty()).collect();
    if objects.is_empty() {
        return true;
    }
    let mut different: Vec<_> = objects.iter().flat_map(|node| node.fields.keys()).collect();
    let all = different.len();
    different.sort_unstable();
    different.dedup();
    // On average each has at least half of the keys that any of them has.
    all * 2 >= different.len() * objects.len()
}

fn example(value: &Value) -> String {
    const SHOWN: usize = 40;
    // Text, the only scalar of any length, is not copied.
    match value {
        Value::String(text) => cut_text(text, SHOWN, ELLIPSIS),
        other => cut(&other.to_string(), SHOWN, ELLIPSIS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(value: &Value) -> String {
        shape(value)
            .rows
            .into_iter()
            .map(|row| {
                let types: Vec<_> = row.types.iter().map(|(of, count)| format!("{} {count}", of.as_str())).collect();
                let keys = row.keys.map_or_else(String::new, |keys| format!(" {keys} keys"));
                let example = match row.example {
                    None => String::new(),
                    Some(Example::Shown(text)) => format!(" {text}"),
                    Some(Example::Withheld) => " withheld".to_owned(),
                };
                format!("{}: {} of {} ({}){keys}{example}", row.path, row.present, row.of, types.join(", "))
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn json(text: &str) -> Value {
        Value::from_json_str(text).unwrap()
    }

    #[test]
    fn every_path_has_a_row() {
        let value = json(
            r#"{"edges": [{"client": "web", "p99_ms": 1.5}, {"client": "api", "p99_ms": null}, {"client": "x"}, 7],
                "a-b": {"c": [[true], []]}, "none": []}"#,
        );
        insta::assert_snapshot!(rows(&value), @r#"
        : 1 of 1 (object 1)
        ["a-b"]: 1 of 1 (object 1)
        ["a-b"].c: 1 of 1 (array 1)
        ["a-b"].c[_]: 2 of 2 (array 2)
        ["a-b"].c[_][_]: 1 of 1 (boolean 1) true
        edges: 1 of 1 (array 1)
        edges[_]: 4 of 4 (number 1, object 3) 7
        edges[_].client: 3 of 3 (string 3) "web"
        edges[_].p99_ms: 2 of 3 (null 1, number 1) 1.5
        none: 1 of 1 (array 1)
        "#);
        assert_eq!(rows(&json("3")), ": 1 of 1 (number 1) 3");
    }

    #[test]
    fn examples_are_short_safe_and_no_secrets() {
        let value = json(
            r#"{"long": "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeee", "odd": "\u001b[31m\u202e", "dbPassword": "x",
                "env": [{"name": "API_TOKEN", "value": "x"}, {"name": "PORT", "value": "80"}],
                "secrets": {"a": {"b": ["x"]}}, "apiKey": 1, "PRIVATE_KEY": "x", "token": null,
                "tokenizer": "y", "monkey": "y", "keyboard": "y"}"#,
        );
        insta::assert_snapshot!(rows(&value), @r#"
        : 1 of 1 (object 1)
        PRIVATE_KEY: 1 of 1 (string 1) withheld
        apiKey: 1 of 1 (number 1) withheld
        dbPassword: 1 of 1 (string 1) withheld
        env: 1 of 1 (array 1)
        env[_]: 2 of 2 (object 2)
        env[_].name: 2 of 2 (string 2) "API_TOKEN"
        env[_].value: 2 of 2 (string 2) withheld
        keyboard: 1 of 1 (string 1) "y"
        long: 1 of 1 (string 1) "aaaaaaaaaabbbbbbbbbbcccccccccc…dddddeeeee" (45 characters)
        monkey: 1 of 1 (string 1) "y"
        odd: 1 of 1 (string 1) "\u001b[31m\u{202e}"
        secrets: 1 of 1 (object 1)
        secrets.a: 1 of 1 (object 1)
        secrets.a.b: 1 of 1 (array 1)
        secrets.a.b[_]: 1 of 1 (string 1) withheld
        token: 1 of 1 (null 1)
        tokenizer: 1 of 1 (string 1) "y"
        "#);
    }

    #[test]
    fn objects_used_as_dictionaries_are_one_row() {
        let dictionary = |count: usize, value: &dyn Fn(usize) -> String| {
            let entries: Vec<_> = (0..count).map(|n| format!("\"k{n:03}\": {}", value(n))).collect();
            format!("{{{}}}", entries.join(", "))
        };
        let service = |n: usize| {
            if n == 0 { "{\"image\": \"a\", \"ports\": [1]}".to_owned() } else { "{\"image\": \"a\"}".to_owned() }
        };
        insta::assert_snapshot!(rows(&json(&dictionary(31, &service))), @r#"
        : 1 of 1 (object 1)
        {_}: 31 of 31 (object 31) 31 keys
        {_}.image: 31 of 31 (string 31) "a"
        {_}.ports: 1 of 31 (array 1)
        {_}.ports[_]: 1 of 1 (number 1) 1
        "#);
        // Few keys are names, and so are many whose values differ.
        assert_eq!(shape(&json(&dictionary(30, &service))).rows.len(), 1 + 30 + 30 + 2);
        let mixed = |n: usize| if n.is_multiple_of(2) { "1".to_owned() } else { "\"x\"".to_owned() };
        assert_eq!(shape(&json(&dictionary(31, &mixed))).rows.len(), 32);
        let apart = |n: usize| format!("{{\"own{n}\": 1, \"other{n}\": 2}}");
        assert_eq!(shape(&json(&dictionary(31, &apart))).rows.len(), 1 + 31 + 62);
        // Keys add up over the elements of a list, and dictionaries may hold dictionaries, large and small.
        let labels: Vec<_> = (0..40).map(|n| format!("{{\"labels\": {{\"l{n}\": \"x\"}}}}")).collect();
        assert_eq!(
            rows(&json(&format!("[{}]", labels.join(",")))).lines().last(),
            Some("[_].labels{_}: 40 of 40 (string 40) 40 keys \"x\"")
        );
        let inner = |n: usize| dictionary(if n == 0 { 50 } else { 2 }, &|_| "1".to_owned());
        assert_eq!(
            rows(&json(&dictionary(31, &inner))),
            ": 1 of 1 (object 1)\n{_}: 31 of 31 (object 31) 31 keys\n{_}{_}: 110 of 110 (number 110) 50 keys 1"
        );
    }

    #[test]
    fn values_are_found_by_pattern() {
        let input = json(r#"{"traces": {"edges": [{"server": "a"}, {}, {"server": "c"}], "a-b": {"x": 1, "y": 2}}}"#);
        let found = |path: &str| {
            values_at(&input, &path.parse().unwrap())
                .into_iter()
                .map(|(path, value)| format!("{path} {value}"))
                .collect::<Vec<_>>()
                .join("; ")
        };
        assert_eq!(
            found("input.traces.edges[_].server"),
            "input.traces.edges[0].server \"a\"; input.traces.edges[2].server \"c\""
        );
        assert_eq!(found("input.traces.edges[2]"), "input.traces.edges[2] {\"server\":\"c\"}");
        assert_eq!(found("input.traces[\"a-b\"][_]"), "input.traces[\"a-b\"].x 1; input.traces[\"a-b\"].y 2");
        for nothing in ["input.traces.edges[9]", "input.other", "input.traces.edges.server", "input.traces[\"a-b\"][0]"]
        {
            assert_eq!(found(nothing), "", "{nothing}");
        }
    }
}
