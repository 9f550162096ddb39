//! What people declare: design documents, and the documents that policies of others read; merged.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt, fs,
    path::{Path, PathBuf},
};

use regorus::Value;

use super::{
    FactsError, Format,
    document::{self, SEVERAL, Unreadable},
    locate::locate,
};
use crate::{
    model::{self, Segment},
    source::{At, Place, SourceFile},
};

/// Which documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Documents {
    /// Declared intent, below `data.design`.
    Design,
    /// What policies of others bring along, at the root of `data`.
    Data,
}

impl Documents {
    /// How many steps of a path of policies lead to the documents.
    #[must_use]
    pub fn depth(self) -> usize {
        match self {
            Self::Design => 2,
            Self::Data => 1,
        }
    }
}

impl fmt::Display for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Design => "design",
            Self::Data => "data",
        })
    }
}

/// Documents that were read.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Which ones.
    pub of: Documents,
    /// All of them, merged: an object.
    pub value: Value,
    /// The files, in their order, to show lines of.
    pub files: Vec<SourceFile>,
}

/// The roots of `data` that are not for documents of others.
const RESERVED: [&str; 4] = ["design", "reference", "snapshot", "stillholds"];

/// Reads documents, each a file on disk and its path as messages show it, and merges them key by key. A file without a
/// document, or with nothing but comments in it, adds nothing.
///
/// # Errors
/// All errors of all files: what cannot be read, is no mapping, or holds a number that is not what is written; a root
/// that is reserved; and every key that two documents give a value, whether or not it is the same, with both places.
pub fn declared(of: Documents, files: &[(PathBuf, String)]) -> Result<Declared, Vec<At<FactsError>>> {
    let mut errors = Vec::new();
    let mut documents = Vec::new();
    for (path, display) in files {
        match read(of, path, display) {
            Ok((file, value)) => {
                let is_there =
                    |root: &&&str| value.as_object().is_ok_and(|roots| roots.get(&Value::from(**root)).is_some());
                for root in RESERVED.iter().filter(|_| of == Documents::Data).filter(is_there) {
                    let place = place(&file, &[Segment::Key((*root).to_owned())]);
                    errors.push(At::new(FactsError::ReservedRoot((*root).to_owned()), place));
                }
                documents.push((file, value));
            }
            Err(error) => errors.push(*error),
        }
    }
    let mut merged = Tree::default();
    for (at, (_, value)) in documents.iter().enumerate() {
        if let Value::Object(entries) = value {
            merged.add(entries.iter_sorted(), at, &mut Vec::new(), &mut |path, first| {
                errors.push(two_values(of, path, &documents[first].0, &documents[at].0));
            });
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Declared { of, value: merged.into_value(), files: documents.into_iter().map(|(file, _)| file).collect() })
}

impl Declared {
    /// Where a path of policies stands in the documents, if it does: the key.
    #[must_use]
    pub fn place_of(&self, path: &[String]) -> Option<Place> {
        let path: Vec<Segment> = path.iter().cloned().map(Segment::Key).collect();
        self.files.iter().find_map(|file| found(file, &path))
    }
}

/// The format of such a document, which is a mapping.
pub(super) fn format_of(path: &Path) -> Option<Format> {
    Format::of(path).filter(|format| !format.is_list())
}

fn read(of: Documents, path: &Path, display: &str) -> Result<(SourceFile, Value), Box<At<FactsError>>> {
    let Some(format) = format_of(path) else {
        let message = format!("`{display}` is no {of} document: its name does not end in a known way");
        let help = Some(match of {
            Documents::Design => "design documents end in `.json`, `.yaml`, `.yml` or `.toml`",
            Documents::Data => "data documents end in `.json`, `.yaml`, `.yml` or `.toml`",
        });
        return Err(At::nowhere(FactsError::Document { of, message, help }).into());
    };
    let (file, value) = read_as(of, format, path, display)?;
    let value = value.unwrap_or_else(Value::new_object);
    match kind_of(&value) {
        None => Ok((file, value)),
        Some(found) => Err(At::new(FactsError::NotMapping { of, found }, file.at(file.line(1))).into()),
    }
}

/// What a document is that is no mapping.
pub(super) fn kind_of(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Object(_) => return None,
        Value::Array(_) => "a list",
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        _ => "text",
    })
}

/// The document in a file that people wrote, all numbers of which are as they are written; `None` where there is none.
pub(super) fn read_as(
    of: Documents,
    format: Format,
    path: &Path,
    display: &str,
) -> Result<(SourceFile, Option<Value>), Box<At<FactsError>>> {
    let bytes = fs::read(path).map_err(|error| At::nowhere(FactsError::unreadable(display, &error)))?;
    let text = document::text(&bytes).map_err(|error| {
        At::nowhere(FactsError::Unreadable { path: display.to_owned(), error: error.message, help: error.help })
    })?;
    let file = SourceFile::new(display, text);
    let wrong = |error: Unreadable| {
        let start = error.at.unwrap_or_default();
        let help = error.help.map(|help| if help == SEVERAL { "write each into a file of its own" } else { help });
        let kind = FactsError::Document { of, message: error.message, help };
        At::new(kind, file.at(start..end_of_word(text, start)))
    };
    let document = match document::read(&bytes, format, false) {
        Ok(document) => document,
        Err(error) if error.is_empty => return Ok((file, None)),
        Err(error) => return Err(wrong(error).into()),
    };
    if let Some(inexact) = document.inexact {
        let message = "this number has more digits than 64 bits hold".to_owned();
        let place = file.at(inexact.at..inexact.at + inexact.text.len());
        let help = Some("write it as text, or with fewer digits");
        return Err(At::new(FactsError::Document { of, message, help }, place).into());
    }
    if let Some(path) = document.nonfinite.first() {
        let message = format!("the number `{path}` is not finite");
        let path = format!("data.{path}").parse::<model::Path>();
        let place = place(&file, path.as_ref().map_or(&[], |path| &path.segments()[1..]));
        return Err(At::new(FactsError::Document { of, message, help: Some("leave the key out") }, place).into());
    }
    Ok((file, Some(document.value)))
}

/// Merged documents, each value with the document that gave it.
#[derive(Default)]
pub(super) struct Tree(BTreeMap<Value, Branch>);

enum Branch {
    /// What several documents may add to, and the first that has it.
    Keys(Tree, usize),
    /// A value, and the document that has it.
    Value(Value, usize),
}

impl Tree {
    /// Adds the entries of the document `at`; `twice` is told the path of a key that has a value, and whose it is.
    pub(super) fn add<'v>(
        &mut self,
        entries: impl Iterator<Item = (&'v Value, &'v Value)>,
        at: usize,
        path: &mut Vec<Segment>,
        twice: &mut impl FnMut(&[Segment], usize),
    ) {
        for (key, value) in entries {
            // Keys of documents are text.
            let Value::String(name) = key else { continue };
            path.push(Segment::Key(name.as_ref().to_owned()));
            match (self.0.entry(key.clone()), value) {
                (Entry::Vacant(free), Value::Object(inner)) => {
                    let mut tree = Self::default();
                    tree.add(&mut inner.iter_sorted() as &mut dyn Iterator<Item = _>, at, path, twice);
                    free.insert(Branch::Keys(tree, at));
                }
                (Entry::Vacant(free), _) => {
                    free.insert(Branch::Value(value.clone(), at));
                }
                (Entry::Occupied(mut taken), _) => match (taken.get_mut(), value) {
                    (Branch::Keys(tree, _), Value::Object(inner)) => {
                        tree.add(&mut inner.iter_sorted() as &mut dyn Iterator<Item = _>, at, path, twice);
                    }
                    (Branch::Keys(_, first) | Branch::Value(_, first), _) => twice(path, *first),
                },
            }
            path.pop();
        }
    }

    pub(super) fn into_value(self) -> Value {
        let entries = self.0.into_iter().map(|(key, branch)| match branch {
            Branch::Keys(tree, _) => (key, tree.into_value()),
            Branch::Value(value, _) => (key, value),
        });
        Value::from(entries.collect::<BTreeMap<_, _>>())
    }
}

fn two_values(of: Documents, path: &[Segment], first: &SourceFile, second: &SourceFile) -> At<FactsError> {
    let kind = FactsError::TwoValues {
        of,
        path: model::Path::new(path.to_vec()).to_string(),
        first: first.path().to_owned(),
        second: second.path().to_owned(),
    };
    At::new(kind, place(second, path)).and("first here", place(first, path))
}

/// Where the key of a path stands.
pub(super) fn place(file: &SourceFile, path: &[Segment]) -> Place {
    found(file, path).unwrap_or_else(|| file.at(file.line(1)))
}

fn found(file: &SourceFile, path: &[Segment]) -> Option<Place> {
    let format = format_of(Path::new(file.path()))?;
    let found = locate(file.text().as_bytes(), format, false, &[path]).pop().flatten()?;
    Some(file.at(found.key.unwrap_or(found.value)))
}

/// The end of what stands at a place, on its line.
fn end_of_word(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | ']' | '}')).unwrap_or(rest.len());
    let least = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    start + end.max(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Advice as _;

    fn read(files: &[(&str, &str)]) -> Result<(String, Vec<String>), String> {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|(name, text)| {
                let path = folder.path().join(name);
                fs::write(&path, text).unwrap();
                (path, format!("design/{name}"))
            })
            .collect();
        match declared(Documents::Design, &paths) {
            Ok(Declared { value, files, .. }) => {
                Ok((value.to_string(), files.iter().map(|file| file.path().to_owned()).collect()))
            }
            Err(errors) => Err(errors
                .into_iter()
                .map(|error| {
                    let place = |place: &Place| format!("{} `{}`", place.location(), place.file.slice(place.span));
                    let at = error.place.as_ref().map_or_else(|| "nowhere".to_owned(), place);
                    let related =
                        |more: &crate::source::Related| format!("\n  {} {}", more.message, place(&more.place));
                    let related = error.related.iter().map(related).collect::<Vec<_>>().concat();
                    let help = error.kind.help().map_or_else(String::new, |help| format!("\n  help: {help}"));
                    format!("{at}: {error}{related}{help}")
                })
                .collect::<Vec<_>>()
                .join("\n")),
        }
    }

    #[test]
    fn documents_are_merged_key_by_key() {
        let (value, files) = read(&[
            ("a.yaml", "services: {checkout: {calls: [payments]}, web: {}}\n"),
            (
                "b.json",
                "{\"services\": {\"checkout\": {\"tier\": \"critical\"}, \"web\": {}}, \"slo\": {\"p99_ms\": 400}}",
            ),
            ("c.toml", "[services.web]\nsince = 2026-11-21\n"),
            ("empty.yml", "# later\n"),
            ("empty.toml", "# later\n"),
        ])
        .unwrap();
        assert_eq!(
            value,
            r#"{"services":{"checkout":{"calls":["payments"],"tier":"critical"},"web":{"since":"2026-11-21"}},"slo":{"p99_ms":400}}"#
        );
        assert_eq!(files, ["design/a.yaml", "design/b.json", "design/c.toml", "design/empty.yml", "design/empty.toml"]);
        assert_eq!(read(&[]).unwrap().0, "{}");
    }

    #[test]
    fn a_key_with_two_values_is_named_at_both_places() {
        insta::assert_snapshot!(read(&[
            ("a.yaml", "services:\n  checkout:\n    tier: critical\n    calls: [a]\n  web: 1\n"),
            ("b.yaml", "services:\n  checkout: {tier: critical, calls: [b]}\n  web: {a: 1}\n"),
            ("c.json", "{\"services\": {\"checkout\": 3, \"😀\": \"\\ud83d\\ude00\"}}"),
            ("d.toml", "[services]\nweb.a = 2\n[services.checkout]\n'tier' = \"critical\"\n"),
        ])
        .unwrap_err(), @r#"
        design/b.yaml:2:30 `calls`: the design has two values of `services.checkout.calls`: in `design/b.yaml` and in `design/a.yaml`
          first here design/a.yaml:4:5 `calls`
          help: keep one of them
        design/b.yaml:2:14 `tier`: the design has two values of `services.checkout.tier`: in `design/b.yaml` and in `design/a.yaml`
          first here design/a.yaml:3:5 `tier`
          help: keep one of them
        design/b.yaml:3:3 `web`: the design has two values of `services.web`: in `design/b.yaml` and in `design/a.yaml`
          first here design/a.yaml:5:3 `web`
          help: keep one of them
        design/c.json:1:15 `"checkout"`: the design has two values of `services.checkout`: in `design/c.json` and in `design/a.yaml`
          first here design/a.yaml:2:3 `checkout`
          help: keep one of them
        design/d.toml:4:1 `'tier'`: the design has two values of `services.checkout.tier`: in `design/d.toml` and in `design/a.yaml`
          first here design/a.yaml:3:5 `tier`
          help: keep one of them
        design/d.toml:2:1 `web`: the design has two values of `services.web`: in `design/d.toml` and in `design/a.yaml`
          first here design/a.yaml:5:3 `web`
          help: keep one of them
        "#);
    }

    #[test]
    fn all_errors_of_all_files_are_told_at_once() {
        insta::assert_snapshot!(read(&[
            ("several.yaml", "a: 1\n---\nb: 2\n"),
            ("list.yaml", "- 1\n"),
            ("twice.json", "{\"a\": 1, \"a\": 2}"),
            ("broken.yaml", "a: [1\n"),
            ("digits.yaml", "a: 12345678901234567890123\n"),
            ("infinite.yaml", "a:\n  b: [1, .inf]\n"),
            ("infinite.toml", "[[a.b]]\nc = inf\n"),
            ("twice.toml", "a = 1\n[a]\n"),
            ("design.ini", "a = 1\n"),
            ("rows.csv", "a\n1\n"),
            ("null.json", "null"),
            ("empty.json", ""),
        ])
        .unwrap_err(), @r#"
        design/several.yaml:3:1 `b`: the file has more than one YAML document
          help: write each into a file of its own
        design/list.yaml:1:1 `- 1`: a design document must be a mapping, not a list
          help: begin it with a key, such as `services:`
        design/twice.json:1:10 `"a"`: the key `a` stands twice
          help: keep one of them
        design/broken.yaml:1:4 `[1`: not valid YAML: unclosed bracket '['
        design/digits.yaml:1:4 `12345678901234567890123`: this number has more digits than 64 bits hold
          help: write it as text, or with fewer digits
        design/infinite.yaml:2:10 `.inf`: the number `a.b[1]` is not finite
          help: leave the key out
        design/infinite.toml:2:1 `c`: the number `a.b[0].c` is not finite
          help: leave the key out
        design/twice.toml:2:2 `a`: the key `a` stands twice
          help: keep one of them
        nowhere: `design/design.ini` is no design document: its name does not end in a known way
          help: design documents end in `.json`, `.yaml`, `.yml` or `.toml`
        nowhere: `design/rows.csv` is no design document: its name does not end in a known way
          help: design documents end in `.json`, `.yaml`, `.yml` or `.toml`
        design/null.json:1:1 `null`: a design document must be a mapping, not nothing
          help: begin it with a key, such as `services:`
        "#);
        let missing = [(PathBuf::from("/nowhere/a.yaml"), "a.yaml".to_owned())];
        let missing = declared(Documents::Design, &missing).unwrap_err();
        assert!(missing[0].to_string().starts_with("`a.yaml` cannot be read: "), "{}", missing[0]);
    }
}
