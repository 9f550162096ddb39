//! TOML.
//!
//! Its types are those of JSON but for dates and times, which are text as RFC 3339 writes them, and for numbers that
//! are not finite, which are left out.

use std::{collections::BTreeMap, io, ops::Range, panic, sync::Arc, thread};

use regorus::Value;
use toml::{
    Spanned,
    de::{DeFloat, DeInteger, DeTable, DeValue, Error},
};

use super::{Document, Inexact, Keys, MAX_DEPTH, Step, Unreadable, number, path};

pub(super) fn read(text: &str, many: bool) -> Result<Document, Unreadable> {
    with_room(|| read_here(text, many)).map_err(|error| Unreadable::nowhere(error.to_string()))?
}

/// Does what is to be done with the tree of a document where there is room for it.
///
/// Dropping the tree takes a frame for each of its levels. The parser limits how deep brackets are nested, and how many
/// parts a key has, but each bracket may hold such a key, which makes for thousands.
pub(in crate::facts) fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    const STACK: usize = 64 << 20;
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        Ok(worker.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
    })
}

fn read_here(text: &str, many: bool) -> Result<Document, Unreadable> {
    let root = DeTable::parse(text).map_err(|error| unreadable(text, &error))?;
    if root.get_ref().is_empty() {
        return Err(Unreadable::empty());
    }
    let mut reading = Reading { text, keys: Keys::default(), path: Vec::new(), has_nonfinite: false, inexact: None };
    if many {
        reading.path.push(Step::Index(0));
    }
    let mut value = reading.table(root.get_ref(), 1)?;
    if many {
        value = Value::from(vec![value]);
    }
    let mut nonfinite = Vec::new();
    if reading.has_nonfinite {
        value = super::without_nonfinite(value, &mut nonfinite);
    }
    Ok(Document { value, nonfinite, inexact: reading.inexact })
}

struct Reading<'t> {
    text: &'t str,
    keys: Keys,
    path: Vec<Step>,
    has_nonfinite: bool,
    inexact: Option<Inexact>,
}

impl Reading<'_> {
    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Result<Value, Unreadable> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let key = self.keys.intern(key.get_ref());
            self.path.push(Step::Key(Arc::clone(&key)));
            entries.insert(Value::String(key), self.value(value, depth + 1)?);
            self.path.pop();
        }
        Ok(Value::from(entries))
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Result<Value, Unreadable> {
        let span = value.span();
        Ok(match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if depth > MAX_DEPTH => {
                return Err(Unreadable::new(format!("nested deeper than {MAX_DEPTH}"), span.start));
            }
            DeValue::Table(table) => self.table(table, depth)?,
            DeValue::Array(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    self.path.push(Step::Index(list.len()));
                    list.push(self.value(item, depth + 1)?);
                    self.path.pop();
                }
                Value::from(list)
            }
            DeValue::String(text) => Value::String(text.as_ref().into()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(time) => Value::String(time.to_string().into()),
            DeValue::Integer(integer) => {
                let read = self.integer(integer, span);
                read.ok_or_else(|| self.too_large(value))?
            }
            DeValue::Float(float) => {
                let read = self.float(float, span);
                read.ok_or_else(|| self.too_large(value))?
            }
        })
    }

    fn integer(&mut self, integer: &DeInteger<'_>, span: Range<usize>) -> Option<Value> {
        match integer.radix() {
            10 => number::integer(integer.as_str()).or_else(|| self.decimal(integer.as_str(), span)),
            radix => u64::from_str_radix(integer.as_str(), radix).ok().map(Value::from),
        }
    }

    fn float(&mut self, float: &DeFloat<'_>, span: Range<usize>) -> Option<Value> {
        if float.as_str().ends_with("inf") || float.as_str().ends_with("nan") {
            self.has_nonfinite = true;
            return Some(Value::Undefined);
        }
        self.decimal(float.as_str(), span)
    }

    /// The nearest number that can be held, if it is finite.
    fn decimal(&mut self, text: &str, span: Range<usize>) -> Option<Value> {
        let value = text.parse().ok().filter(|value: &f64| value.is_finite())?;
        if number::is_inexact(text) {
            let count = self.inexact.as_ref().map_or(0, |inexact| inexact.count);
            // Tables are read in the order of their keys; the first number is the one that stands first.
            if self.inexact.as_ref().is_none_or(|first| span.start < first.at) {
                let written = self.text.get(span.clone()).unwrap_or(text).to_owned();
                self.inexact = Some(Inexact { count, path: path(&self.path), text: written, at: span.start });
            }
            if let Some(inexact) = &mut self.inexact {
                inexact.count += 1;
            }
        }
        Some(super::float(value))
    }

    fn too_large(&self, value: &Spanned<DeValue<'_>>) -> Unreadable {
        let written = self.text.get(value.span()).unwrap_or_default();
        Unreadable::new(format!("`{written}` is a number that is too large to compute with"), value.span().start)
            .help("write it in quotes if it is not to be computed with")
    }
}

fn unreadable(text: &str, error: &Error) -> Unreadable {
    let span = error.span().unwrap_or(text.len()..text.len());
    match error.message() {
        "duplicate key" => {
            let key = text.get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
            Unreadable::new(format!("the key `{key}` stands twice"), span.start).help("keep one of them")
        }
        "recursion limit" | "cannot recurse further; max recursion depth met" => {
            Unreadable::new("nested too deep", span.start)
        }
        message => Unreadable::new(format!("not valid TOML: {message}"), span.start.min(text.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        read(text, false).unwrap().value.to_string()
    }

    #[test]
    fn types_are_those_of_json() {
        for (text, expected) in [
            ("a = 1\n", r#"{"a":1}"#),
            ("a = [1, -2, 0x1f, 0o17, 0b11, 1_000, +5, -0]\r\n", r#"{"a":[1,-2,31,15,3,1000,5,0]}"#),
            ("a = [1.5, -0.0, 1e3, 6.25_1e-1]", r#"{"a":[1.5,0,1000,0.6251]}"#),
            ("a = true\nb = 'x\\n'\nc = \"\"\"\n\\u00e9\\\n   x\"\"\"\n", r#"{"a":true,"b":"x\\n","c":"éx"}"#),
            (
                "a.b.c = 1\na.\"d e\" = 2\n[x.y]\nz = {p = {}, q.r = []}\n",
                r#"{"a":{"b":{"c":1},"d e":2},"x":{"y":{"z":{"p":{},"q":{"r":[]}}}}}"#,
            ),
            ("[[e]]\na = 1\n[[e.f]]\n[[e]]\n[e.g]\nb = 2\n", r#"{"e":[{"a":1,"f":[{}]},{"g":{"b":2}}]}"#),
            ("a = 18446744073709551615", r#"{"a":18446744073709551615}"#),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        assert_eq!(read("a = 1\n", true).unwrap().value.to_string(), r#"[{"a":1}]"#);
    }

    #[test]
    fn dates_and_times_are_text() {
        let text =
            "a = [1979-05-27T07:32:00Z, 1979-05-27 00:32:00.999-07:00, 1979-05-27T07:32:00, 1979-05-27, 07:32:00]";
        assert_eq!(
            value(text),
            r#"{"a":["1979-05-27T07:32:00Z","1979-05-27T00:32:00.999-07:00","1979-05-27T07:32:00","1979-05-27","07:32:00"]}"#
        );
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let document = read("a = nan\nb = [1, -inf, {c = +inf, d = 1}]\n", false).unwrap();
        assert_eq!(document.value.to_string(), r#"{"b":[1,null,{"d":1}]}"#);
        assert_eq!(document.nonfinite, ["a", "b[1]", "b[2].c"]);
        assert_eq!(read("a = nan\n", true).unwrap().nonfinite, ["[0].a"]);
    }

    #[test]
    fn numbers_that_lose_digits_are_counted_and_the_first_is_named() {
        let text = "z = {y = 123_456789012345678901}\na = [1.5, 0.12345678901234567890]\n";
        let inexact = read(text, false).unwrap().inexact.unwrap();
        assert_eq!((inexact.count, inexact.path.as_str()), (2, "z.y"));
        assert_eq!(&text[inexact.at..][..inexact.text.len()], "123_456789012345678901");
        assert_eq!(read(text, true).unwrap().inexact.unwrap().path, "[0].z.y");
    }

    #[test]
    fn what_cannot_be_read_has_a_place() {
        let deep = format!("a = {}1{}", "[".repeat(100), "]".repeat(100));
        let dotted = format!("{} = 1", ["a"; 100].join("."));
        let both = format!("[{}]\n{} = 1", ["a"; 70].join("."), ["a"; 70].join("."));
        for (text, message, at) in [
            ("", "the file holds no document", 0),
            ("# nothing\n\n", "the file holds no document", 0),
            ("a = 1\n\"a\" = 2\n", "the key `a` stands twice", 6),
            ("[a]\n[b]\n[a]\n", "the key `a` stands twice", 9),
            ("a = {b = 1, b = 2}", "the key `b` stands twice", 12),
            ("a = 1\n[a]\n", "the key `a` stands twice", 7),
            ("a = 1e400", "`1e400` is a number that is too large to compute with", 4),
            ("a = 0xfffffffffffffffff", "`0xfffffffffffffffff` is a number that is too large to compute with", 4),
            ("a = [1", "not valid TOML: unclosed array, expected `]`", 6),
            ("é = \n", "not valid TOML: invalid unquoted key, expected letters, numbers, `-`, `_`", 0),
            (&deep, "nested too deep", 84),
            (&dotted, "nested too deep", 203),
            (&both, "nested deeper than 127", 254),
        ] {
            let error = read(text, false).unwrap_err();
            assert_eq!((error.message.as_str(), error.at), (message, Some(at)), "{text}");
        }
    }

    #[test]
    fn the_deepest_file_is_refused_on_the_stack_of_a_worker() {
        let key = ["a"; 79].join(".");
        let text = format!("[{key}]\n{key} = {}1{}", format!("[{{{key} = ").repeat(39), "}]".repeat(39));
        let read = std::thread::Builder::new().stack_size(2 << 20).spawn(move || read(&text, false).map(|_| ()));
        assert_eq!(read.unwrap().join().unwrap().unwrap_err().message, "nested deeper than 127");
    }
}
