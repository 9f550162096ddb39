//! CSV, as RFC 4180 has it: rows of as many cells as the header names, between commas.
//!
//! Read by hand because the same steps tell where a cell stands, and because what a lenient reader guesses at, such as
//! a quote that is never closed, would make facts of other rows vanish into one cell.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    ops::Range,
    sync::Arc,
};

use regorus::Value;

use super::{Document, Inexact, Step, Unreadable, number, path};

/// A list of the rows; without any, also without a header, the list is empty.
pub(super) fn read(text: &str) -> Result<Document, Unreadable> {
    let mut rows = Rows::new(text.as_bytes());
    let mut list = Vec::new();
    let mut inexact: Option<Inexact> = None;
    let mut cells = Vec::new();
    let names = match rows.next(&mut cells)? {
        Some(_) => names(text, &cells)?,
        None => Vec::new(),
    };
    while let Some(row) = rows.next(&mut cells)? {
        if cells.len() != names.len() {
            let message = format!("this row has {}, the header has {}", cells_of(cells.len()), names.len());
            let error = Unreadable::new(message, row.start);
            let has_more = cells.len() > names.len();
            return Err(if has_more { error.help("put cells that hold commas in quotes") } else { error });
        }
        let mut object = BTreeMap::new();
        for (name, cell) in names.iter().zip(&cells) {
            let written = &text[cell.clone()];
            let content = content(written);
            let value = match number::of_json(&content) {
                Some(value) => {
                    if (content.len() > 15 || content.contains(['e', 'E'])) && number::is_inexact(&content) {
                        let first = inexact.get_or_insert_with(|| Inexact {
                            count: 0,
                            path: path(&[Step::Index(list.len()), Step::Key(Arc::clone(name))]),
                            text: content.as_ref().to_owned(),
                            at: cell.start + usize::from(written.starts_with('"')),
                        });
                        first.count += 1;
                    }
                    value
                }
                None => Value::String(content.into()),
            };
            object.insert(Value::String(Arc::clone(name)), value);
        }
        list.push(Value::from(object));
    }
    Ok(Document { value: Value::from(list), nonfinite: Vec::new(), inexact })
}

/// The keys that the cells of the header name.
fn names(text: &str, cells: &[Range<usize>]) -> Result<Vec<Arc<str>>, Unreadable> {
    let mut names: Vec<Arc<str>> = Vec::with_capacity(cells.len());
    let mut known = HashSet::new();
    for cell in cells {
        let name: Arc<str> = content(&text[cell.clone()]).into();
        if !known.insert(Arc::clone(&name)) {
            let message = format!("the column `{name}` stands twice");
            return Err(Unreadable::new(message, cell.start).help("keep one of them"));
        }
        names.push(name);
    }
    if let [cell] = cells
        && let Some(at) = text[cell.clone()].find([';', '\t'])
        && !text[cell.clone()].starts_with('"')
    {
        let by = if text.as_bytes()[cell.start + at] == b';' { "semicolons" } else { "tabs" };
        return Err(Unreadable::new(format!("the cells seem to be separated by {by}"), cell.start + at)
            .help("separate them by commas"));
    }
    Ok(names)
}

fn cells_of(count: usize) -> String {
    if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") }
}

/// What a cell says, without the quotes it is written in.
pub(in crate::facts) fn content(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')) {
        Some(quoted) if quoted.contains('"') => Cow::Owned(quoted.replace("\"\"", "\"")),
        Some(quoted) => Cow::Borrowed(quoted),
        None => Cow::Borrowed(cell),
    }
}

/// The rows of a text, the header first. Lines of nothing are none.
pub(in crate::facts) struct Rows<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Rows<'t> {
    pub(in crate::facts) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The place of the next row, and those of its cells, with their quotes.
    pub(in crate::facts) fn next(&mut self, cells: &mut Vec<Range<usize>>) -> Result<Option<Range<usize>>, Unreadable> {
        cells.clear();
        while self.ends_line() && self.at < self.text.len() {
            self.end_line();
        }
        if self.at == self.text.len() {
            return Ok(None);
        }
        let start = self.at;
        loop {
            let cell = if self.peek() == Some(b'"') { self.quoted()? } else { self.plain()? };
            cells.push(cell);
            if self.peek() == Some(b',') {
                self.at += 1;
            } else {
                let end = self.at;
                self.end_line();
                return Ok(Some(start..end));
            }
        }
    }

    fn quoted(&mut self) -> Result<Range<usize>, Unreadable> {
        let start = self.at;
        self.at += 1;
        loop {
            match memchr::memchr(b'"', &self.text[self.at..]) {
                Some(quote) => self.at += quote + 1,
                None => return Err(Unreadable::new("not valid CSV: this quote is never closed", start)),
            }
            if self.peek() != Some(b'"') {
                break;
            }
            self.at += 1;
        }
        if self.peek() != Some(b',') && !self.ends_line() {
            return Err(Unreadable::new("not valid CSV: there is more in the cell after the quote", self.at)
                .help("write a quote within quotes twice"));
        }
        Ok(start..self.at)
    }

    fn plain(&mut self) -> Result<Range<usize>, Unreadable> {
        let start = self.at;
        let rest = &self.text[start..];
        self.at = memchr::memchr3(b',', b'\n', b'"', rest).map_or(self.text.len(), |end| start + end);
        if self.peek() == Some(b'"') {
            return Err(Unreadable::new("not valid CSV: a quote in a cell that does not begin with one", self.at)
                .help("put the whole cell in quotes, and write each quote in it twice"));
        }
        if self.peek() != Some(b',') && self.at > start && self.text[self.at - 1] == b'\r' {
            self.at -= 1;
        }
        if let Some(at) = memchr::memchr(b'\r', &self.text[start..self.at]) {
            return Err(Unreadable::new("not valid CSV: a carriage return within a cell", start + at)
                .help("end lines with a line feed, and put cells of several lines in quotes"));
        }
        Ok(start..self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn ends_line(&self) -> bool {
        matches!(self.text[self.at..], [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n', ..])
    }

    fn end_line(&mut self) {
        self.at += usize::from(self.peek() == Some(b'\r'));
        self.at += usize::from(self.peek() == Some(b'\n'));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_objects_and_json_numbers_are_numbers() {
        for (text, list) in [
            ("", "[]"),
            ("\r\n\n", "[]"),
            ("a,b\n", "[]"),
            ("a,b", "[]"),
            ("a,b\n1,x", r#"[{"a":1,"b":"x"}]"#),
            ("b,a\r\n-1.5e3,\r\n\r\n,007\r\n", r#"[{"a":"","b":-1500},{"a":"007","b":""}]"#),
            (
                "a\n\"\"\n\"1\"\n\"say \"\"hi\"\",\r\nand more\"\n",
                r#"[{"a":""},{"a":1},{"a":"say \"hi\",\r\nand more"}]"#,
            ),
            ("a,b\ntrue,null\n1e400, 1\n", r#"[{"a":"true","b":"null"},{"a":"1e400","b":" 1"}]"#),
            ("\"a,\"\"b\"\"\",\n1,2\n", r#"[{"":2,"a,\"b\"":1}]"#),
            ("\"a;b\"\nx;y\n", r#"[{"a;b":"x;y"}]"#),
            ("größe\n日本\r", r#"[{"größe":"日本"}]"#),
        ] {
            assert_eq!(read(text).unwrap().value.to_string(), list, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_has_a_place() {
        for (text, message, at) in [
            ("a,b,a\n1,2,3\n", "the column `a` stands twice", 4),
            ("a,\"a\"\n", "the column `a` stands twice", 2),
            ("a,b\n1,2\n3\n", "this row has 1 cell, the header has 2", 8),
            ("a,b\n1,2,3\n", "this row has 3 cells, the header has 2", 4),
            ("a,b\n1,\"x\ny\n", "not valid CSV: this quote is never closed", 6),
            ("a,b\n1,\"x\" \n", "not valid CSV: there is more in the cell after the quote", 9),
            ("a,b\n1, \"x\"\n", "not valid CSV: a quote in a cell that does not begin with one", 7),
            ("a,b\r1,2\r", "not valid CSV: a carriage return within a cell", 3),
            ("a;b\n1;2\n", "the cells seem to be separated by semicolons", 1),
            ("a\tb\n1\t2\n", "the cells seem to be separated by tabs", 1),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.at), (message, Some(at)), "{text:?}");
        }
    }

    #[test]
    fn numbers_that_lose_digits_are_counted_and_the_first_is_named() {
        let text = "id,x y\n1,2\n\n3,\"123456789012345678901\"\n123456789012345678902,0.5\n";
        let inexact = read(text).unwrap().inexact.unwrap();
        assert_eq!((inexact.count, inexact.path.as_str()), (2, "[1][\"x y\"]"));
        assert_eq!(&text[inexact.at..][..inexact.text.len()], "123456789012345678901");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            rows in (1..5_usize).prop_flat_map(|columns| {
                let cell = ("[ -~é日\\n\\r\",;\\t]{0,6}", any::<bool>());
                prop::collection::vec(prop::collection::vec(cell, columns), 1..6)
            }),
            line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n\r\n")],
        ) {
            let mut text = String::new();
            for row in &rows {
                for (at, (cell, quoted)) in row.iter().enumerate() {
                    text.push_str(if at > 0 { "," } else { "" });
                    if *quoted || cell.contains(['"', ',', '\n', '\r', ';', '\t']) || cell.is_empty() {
                        text.extend(["\"", &cell.replace('"', "\"\""), "\""]);
                    } else {
                        text.push_str(cell);
                    }
                }
                text.push_str(line_end);
            }
            let twice = (0..rows[0].len()).any(|at| rows[0][..at].iter().any(|(name, _)| *name == rows[0][at].0));
            let document = read(&text);
            prop_assert_eq!(document.is_err(), twice, "{:?} of {:?}", document, text);
            if let Ok(document) = document {
                let list = document.value.as_array().unwrap().to_vec();
                prop_assert_eq!(list.len(), rows.len() - 1);
                for (row, value) in rows[1..].iter().zip(list) {
                    for ((cell, _), (name, _)) in row.iter().zip(&rows[0]) {
                        let expected = serde_json::from_str::<serde_json::Number>(cell.trim_matches(['\n', '\r', ' ', '\t']))
                            .ok()
                            .filter(|_| cell.trim() == cell)
                            .map_or_else(|| Value::from(cell.as_str()), |_| Value::from_json_str(cell).unwrap());
                        prop_assert_eq!(&value[name.as_str()], &expected, "{:?}", text);
                    }
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[ab1é\",\r\n;-]{0,40}") {
            let _ = read(&text);
        }
    }
}
