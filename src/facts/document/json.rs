//! JSON, and NDJSON: one document a line.

use std::{collections::BTreeMap, collections::btree_map::Entry, fmt, ops::Range, sync::Arc};

use regorus::Value;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{Document, Inexact, Keys, MAX_DEPTH, SEVERAL, Step, Unreadable, number, path};

pub(super) fn read(text: &str, many: bool) -> Result<Document, Unreadable> {
    let mut reading = Reading::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let mut documents = Vec::new();
    while json.end().is_err() {
        if !many && !documents.is_empty() {
            return Err(trailing(text, &mut json));
        }
        let value = Any(&mut reading).deserialize(&mut json).map_err(|error| unreadable(text, &error, &reading))?;
        documents.push(value);
    }
    if documents.is_empty() {
        return Err(Unreadable::empty());
    }
    // Whether a number is more than a float holds can be told from its text alone, which serde does not pass on.
    let inexact = if reading.has_floats { inexact(text, many.then_some(0)) } else { None };
    let value = match documents.pop() {
        Some(document) if !many => document,
        last => Value::from(documents.into_iter().chain(last).collect::<Vec<_>>()),
    };
    Ok(Document { value, nonfinite: Vec::new(), inexact })
}

/// A list of one document a line; lines without any are left out, and without any line the list is empty.
pub(super) fn read_lines(text: &str) -> Result<Document, Unreadable> {
    let mut reading = Reading::default();
    let mut documents = Vec::new();
    let mut found: Option<Inexact> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let line = line.trim_end_matches(SPACE);
        if line.is_empty() {
            continue;
        }
        let of_line = |error: Unreadable| Unreadable { at: error.at.map(|within| at + within), ..error };
        let mut json = serde_json::Deserializer::from_str(line);
        let value = Any(&mut reading).deserialize(&mut json).map_err(|error| {
            of_line(if error.is_eof() {
                Unreadable::new("not valid NDJSON: the line ends too early", line.len())
                    .help("write each document on one line, or let the name of the file end in `.json`")
            } else {
                unreadable(line, &error, &reading)
            })
        })?;
        if let Err(error) = json.end() {
            let at = offset(line, error.line(), error.column());
            return Err(of_line(
                Unreadable::new("not valid NDJSON: there is more on the line after the document", at)
                    .help("write each document on a line of its own"),
            ));
        }
        if std::mem::take(&mut reading.has_floats)
            && let Some(inexact) = inexact(line, Some(documents.len()))
        {
            match &mut found {
                Some(first) => first.count += inexact.count,
                None => found = Some(Inexact { at: at + inexact.at, ..inexact }),
            }
        }
        documents.push(value);
    }
    Ok(Document { value: Value::from(documents), nonfinite: Vec::new(), inexact: found })
}

/// White space.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// What the values of one file share while they are read.
#[derive(Default)]
struct Reading {
    keys: Keys,
    has_floats: bool,
    /// The key that ended the reading.
    duplicate: Option<Arc<str>>,
}

/// Any value. An object is what it is, also where it looks like serde's private way to pass numbers on.
struct Any<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        self.0.has_floats = true;
        Ok(super::float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Any(&mut *self.0))? {
            list.push(item);
        }
        Ok(Value::from(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(key) = entries.next_key_seed(Key(&mut *self.0))? {
            match map.entry(Value::String(Arc::clone(&key))) {
                Entry::Vacant(free) => {
                    free.insert(entries.next_value_seed(Any(&mut *self.0))?);
                }
                Entry::Occupied(_) => {
                    self.0.duplicate = Some(key);
                    return Err(A::Error::custom("duplicate key"));
                }
            }
        }
        Ok(Value::from(map))
    }
}

struct Key<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Arc<str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Arc<str>, E> {
        Ok(self.0.keys.intern(key))
    }
}

fn unreadable(text: &str, error: &serde_json::Error, reading: &Reading) -> Unreadable {
    let at = offset(text, error.line(), error.column());
    if let Some(key) = &reading.duplicate {
        return Unreadable::new(format!("the key `{key}` stands twice"), start_of_string(text, at))
            .help("keep one of them");
    }
    if let Some(word) = not_json(text, at) {
        return Unreadable::new(format!("not valid JSON: JSON has no `{}`", &text[word.clone()]), word.start)
            .help("leave out what is not known");
    }
    let message = error.to_string();
    let message = message.rfind(" at line ").map_or(message.as_str(), |place| &message[..place]);
    match message {
        "recursion limit exceeded" => Unreadable::new(format!("nested deeper than {MAX_DEPTH}"), at),
        "number out of range" => Unreadable::new("a number that is too large to compute with", at)
            .help("write it as text if it is not to be computed with"),
        _ if error.is_eof() => Unreadable::new("not valid JSON: the file ends too early", text.len()),
        _ => Unreadable::new(format!("not valid JSON: {message}"), at),
    }
}

/// After a document there may only be white space.
fn trailing(text: &str, json: &mut serde_json::Deserializer<serde_json::de::StrRead<'_>>) -> Unreadable {
    let at = json.end().err().map_or(text.len(), |error| offset(text, error.line(), error.column()));
    match text.as_bytes().get(at) {
        Some(b'{' | b'[' | b'"') => Unreadable::new("the file has more than one JSON document", at).help(SEVERAL),
        _ => Unreadable::new("not valid JSON: there is more after the document", at),
    }
}

/// The byte of a 1-based line and column as serde counts them: in bytes, at the byte that was looked at.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line.saturating_sub(2) {
        _ if line < 2 => 0,
        nth => {
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').nth(nth).map_or(text.len(), |(at, _)| at + 1)
        }
    };
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The opening quote of the string that ends with the quote at `end`.
fn start_of_string(text: &str, end: usize) -> usize {
    let bytes = text.as_bytes();
    let is_escaped = |at: usize| bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    (0..end).rev().find(|at| bytes[*at] == b'"' && !is_escaped(*at)).unwrap_or(end)
}

/// The word at a place, if it is one that other languages have and JSON has not.
fn not_json(text: &str, at: usize) -> Option<Range<usize>> {
    let is_word = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'-';
    let bytes = text.as_bytes();
    let start = at - bytes[..at].iter().rev().take_while(|byte| is_word(byte)).count();
    let end = start + bytes[start..].iter().take_while(|byte| is_word(byte)).count();
    let word = text.get(start..end)?;
    matches!(
        word.trim_start_matches('-').to_ascii_lowercase().as_str(),
        "nan" | "infinity" | "inf" | "undefined" | "none"
    )
    .then_some(start..end)
}

/// Where a scan over valid JSON is.
enum Frame {
    Object { key: Range<usize>, expects_key: bool },
    List { index: usize },
}

/// The numbers of valid JSON that are not held as they are written; `first` is the index of the first document, where
/// paths begin with one.
fn inexact(text: &str, first: Option<usize>) -> Option<Inexact> {
    let bytes = text.as_bytes();
    let mut stack: Vec<Frame> = Vec::new();
    let mut found: Option<Inexact> = None;
    let mut document = first.unwrap_or_default();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'"' => {
                while let Some(next) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
                    at += next + 1;
                    if bytes[at - 1] == b'"' {
                        break;
                    }
                    at += 1;
                }
                if let Some(Frame::Object { key, expects_key: expects_key @ true }) = stack.last_mut() {
                    *key = start..at;
                    *expects_key = false;
                }
                document += usize::from(stack.is_empty());
            }
            b'{' => stack.push(Frame::Object { key: 0..0, expects_key: true }),
            b'[' => stack.push(Frame::List { index: 0 }),
            b'}' | b']' => {
                stack.pop();
                document += usize::from(stack.is_empty());
            }
            b',' => match stack.last_mut() {
                Some(Frame::Object { expects_key, .. }) => *expects_key = true,
                Some(Frame::List { index }) => *index += 1,
                None => {}
            },
            b'-' | b'0'..=b'9' => {
                let is_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                at += bytes[at..].iter().take_while(is_number).count();
                let number = &text[start..at];
                if (number.len() > 15 || number.contains(['e', 'E'])) && number::is_inexact(number) {
                    let found = found.get_or_insert_with(|| {
                        let outer = first.map(|_| Step::Index(document));
                        let steps: Vec<_> =
                            outer.into_iter().chain(stack.iter().map(|frame| frame.step(text))).collect();
                        Inexact { count: 0, path: path(&steps), text: number.to_owned(), at: start }
                    });
                    found.count += 1;
                }
                document += usize::from(stack.is_empty());
            }
            // `true`, `false` and `null`, the only words there are.
            b't' | b'f' | b'n' => {
                at += bytes[at..].iter().take_while(|byte| byte.is_ascii_lowercase()).count();
                document += usize::from(stack.is_empty());
            }
            _ => {}
        }
    }
    found
}

impl Frame {
    fn step(&self, text: &str) -> Step {
        match self {
            Self::Object { key, .. } => {
                Step::Key(serde_json::from_str::<String>(&text[key.clone()]).unwrap_or_default().into())
            }
            Self::List { index } => Step::Index(*index),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> (String, usize) {
        let error = read(text, false).unwrap_err();
        (error.message, error.at.unwrap())
    }

    #[test]
    fn what_cannot_be_read_has_a_place() {
        for (text, message, at) in [
            ("{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}", "the key `c` stands twice", 23),
            ("{\"a\\\"b\":1,\n \"a\\u0022b\":2}", "the key `a\"b` stands twice", 12),
            ("", "the file holds no document", 0),
            (" \n\t", "the file holds no document", 0),
            ("{\"a\": 1e400}", "a number that is too large to compute with", 10),
            ("{\"a\": NaN}", "not valid JSON: JSON has no `NaN`", 6),
            ("{\"a\": -Infinity}", "not valid JSON: JSON has no `-Infinity`", 6),
            ("{\"a\": None}", "not valid JSON: JSON has no `None`", 6),
            ("{\"a\": nan}", "not valid JSON: JSON has no `nan`", 6),
            ("{\"a\": nul}", "not valid JSON: expected ident", 9),
            ("{\n  \"a\": 1,\n}", "not valid JSON: trailing comma", 12),
            ("{\"é\": x}", "not valid JSON: expected value", 7),
            ("[1, 2", "not valid JSON: the file ends too early", 5),
            ("{} {}", "the file has more than one JSON document", 3),
            ("{}}", "not valid JSON: there is more after the document", 2),
        ] {
            assert_eq!(error(text), (message.to_owned(), at), "{text}");
        }
        assert_eq!(error(&"[".repeat(200)).0, "nested deeper than 127");
        assert!(read(&("[".repeat(127) + &"]".repeat(127)), false).is_ok());
    }

    #[test]
    fn the_same_key_in_two_objects_is_no_duplicate() {
        assert!(read("[{\"a\": {\"a\": 1}}, {\"a\": 2}]", false).is_ok());
    }

    #[test]
    fn what_looks_like_a_private_number_stays_an_object() {
        for text in [
            "{\"$serde_json::private::Number\":\"7\"}",
            "[{\"$serde_json::private::Number\":\"7\",\"b\":1}]",
            "{\"$serde_json::private::RawValue\":\"7\"}",
        ] {
            let value = read(text, false).unwrap().value;
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn a_negative_zero_is_a_zero() {
        assert_eq!(read("[-0, -0.0, 0, 0.0]", false).unwrap().value.to_string(), "[0,0,0,0]");
    }

    #[test]
    fn many_documents_are_a_list_also_if_there_is_one() {
        let many = |text: &str| read(text, true).unwrap().value.to_string();
        assert_eq!(many("{\"a\":1}\n{\"a\":2}\n"), "[{\"a\":1},{\"a\":2}]");
        assert_eq!(many("{\"a\":1}"), "[{\"a\":1}]");
        assert_eq!(many("[]"), "[[]]");
        assert_eq!(read(" ", true).unwrap_err().message, "the file holds no document");
    }

    #[test]
    fn numbers_that_lose_digits_are_counted_and_the_first_is_named() {
        let text = r#"{"x": "12345678901234567890123.5", "edges": [{"a": 0.5}, {"b-c": [1, 123456789012345678901]}], "z": 1e-400}"#;
        let inexact = read(text, false).unwrap().inexact.unwrap();
        assert_eq!((inexact.count, inexact.path.as_str()), (2, "edges[1][\"b-c\"][1]"));
        assert_eq!(&text[inexact.at..][..inexact.text.len()], "123456789012345678901");
        for (text, path) in [
            ("{\"a\": 1.5} {} 123456789012345678901", "[2]"),
            ("\"x\" true false null [] 1 123456789012345678901", "[6]"),
        ] {
            assert_eq!(read(text, true).unwrap().inexact.unwrap().path, path);
        }
        let inexact = read("123456789012345678901", false).unwrap().inexact.unwrap();
        assert_eq!(inexact.path, "");
        assert_eq!(read("{\"a\": [18446744073709551615, 0.1, 2.2055555555555557]}", false).unwrap().inexact, None);
    }

    #[test]
    fn lines_are_a_list() {
        for (text, list) in [
            ("", "[]"),
            ("\n \t\r\n", "[]"),
            ("{\"a\":1}", "[{\"a\":1}]"),
            ("\n{\"a\":1}\r\n  \n [2] \n\"x\"\nnull", "[{\"a\":1},[2],\"x\",null]"),
        ] {
            assert_eq!(read_lines(text).unwrap().value.to_string(), list, "{text:?}");
        }
        let text = "{\"a\":1.5}\n\n\"x\"\n{\"é\":1,\"b\":[0,123456789012345678901]}\n123456789012345678902\n";
        let inexact = read_lines(text).unwrap().inexact.unwrap();
        assert_eq!((inexact.count, inexact.path.as_str()), (2, "[2].b[1]"));
        assert_eq!(&text[inexact.at..][..inexact.text.len()], "123456789012345678901");
    }

    #[test]
    fn a_line_that_cannot_be_read_has_a_place() {
        for (text, message, at) in [
            ("{}\n{\"a\":1,\"a\":2}\n", "the key `a` stands twice", 10),
            ("{}\n\n{\n  \"a\": 1\n}\n", "not valid NDJSON: the line ends too early", 5),
            ("[1]\n[1, 2\n]\n", "not valid NDJSON: the line ends too early", 9),
            ("{}\n{} {}\n", "not valid NDJSON: there is more on the line after the document", 6),
            ("1\n2,\n3", "not valid NDJSON: there is more on the line after the document", 3),
            ("{}\n{\"a\": NaN}\n", "not valid JSON: JSON has no `NaN`", 9),
            ("{}\n{\"é\": x}", "not valid JSON: expected value", 10),
            ("1\n1e400\n", "a number that is too large to compute with", 6),
        ] {
            let error = read_lines(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.at), (message, Some(at)), "{text}");
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            (-1e9..1e9).prop_map(|float: f64| float.into()),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_value_is_the_one_the_engine_reads(json in any_json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
            let document = read(&text, false).unwrap();
            prop_assert_eq!(document.value, Value::from_json_str(&text).unwrap());
            prop_assert_eq!(document.inexact, None);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:0-9eE.+a-zé\\\\ \n-]{0,40}", many in any::<bool>()) {
            let engine = serde_json::from_str::<serde::de::IgnoredAny>(&text);
            let ours = read(&text, many);
            if !many && ours.is_ok() {
                prop_assert!(engine.is_ok());
            }
        }
    }
}
