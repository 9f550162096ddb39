//! Where the facts that a report names stand in their files: each file is read once more, for all of them together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path as FilePath,
};

use regorus::Value;

use super::{
    Declared, Documents, Facts, Format,
    locate::{locate, locations},
};
use crate::{
    model::{Path, Segment},
    secret::{Secrets, is_secret_field, is_secret_text, names_secret},
    source::{Location, SourceFile},
};

/// Of larger files no lines are shown.
const SHOWN: usize = 64 << 20;

/// The places of paths, and the files to show lines of.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Where each path stands that was found.
    pub(crate) locations: BTreeMap<Path, Location>,
    /// The files of the facts among them.
    pub(crate) files: Vec<SourceFile>,
}

/// Finds paths of `input` in the files of their sources, those of `data.reference` in the files of the references, and
/// other paths of `data` in the documents that were declared. What cannot be found any more, because a file changed, has
/// no place.
///
/// In the files to show, every character of a value that is better not shown is a star, and so is every one of
/// `secrets` wherever it stands.
#[must_use]
pub(crate) fn places(
    facts: &Facts,
    references: &BTreeMap<String, Facts>,
    declared: &[&Declared],
    paths: &BTreeSet<Path>,
    secrets: &Secrets,
    redact: &[String],
) -> Places {
    let mut found = Places::default();
    found.add_facts(facts, None, paths, secrets, redact);
    for (name, facts) in references {
        found.add_facts(facts, Some(name), paths, secrets, redact);
    }
    for Declared { of, files, .. } in declared {
        let is_of = |path: &&Path| match of {
            Documents::Design => path.key(0) == Some("data") && path.key(1) == Some("design"),
            Documents::Data => path.key(0) == Some("data") && !matches!(path.key(1), Some("design" | "reference")),
        };
        let wanted: Vec<&Path> = paths.iter().filter(is_of).collect();
        for file in files.iter().filter(|_| !wanted.is_empty()) {
            if let Some(format) = Format::of(FilePath::new(file.path())) {
                let bytes = file.text().as_bytes();
                found.add(file.path(), bytes, format, false, &wanted, of.depth());
                let document = super::document::read(bytes, format, false).map(|document| document.value);
                if let Ok(document) = document
                    && let Some(text) = without_secrets(bytes.to_vec(), format, false, &document, secrets, redact)
                {
                    found.files.push(SourceFile::new(file.path(), text));
                }
            }
        }
    }
    found
}

/// The text of a file with stars for what is better not shown; `None` where it is no text.
fn without_secrets(
    bytes: Vec<u8>,
    format: Format,
    many: bool,
    document: &Value,
    secrets: &Secrets,
    redact: &[String],
) -> Option<String> {
    let mut found = Vec::new();
    secret_places(document, format, redact, &mut Vec::new(), &mut found);
    let wanted: Vec<&[Segment]> = found.iter().map(Vec::as_slice).collect();
    let mut ranges: Vec<_> =
        locate(&bytes, format, many, &wanted).into_iter().flatten().map(|found| found.value).collect();
    let text = String::from_utf8(bytes).ok()?;
    ranges.extend(secrets.places(&text)?);
    ranges.sort_by_key(|range| range.start);
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for mut range in ranges {
        // What an alias repeats is there once, and a secret may stand in another one.
        range.start = range.start.max(done);
        if range.is_empty() {
            continue;
        }
        shown.push_str(&text[done..range.start]);
        shown.extend(text[range.clone()].chars().map(|c| if matches!(c, '\n' | '\r') { c } else { '*' }));
        done = range.end;
    }
    shown.push_str(&text[done..]);
    Some(shown)
}

fn secret_places(
    value: &Value,
    format: Format,
    redact: &[String],
    way: &mut Vec<Segment>,
    found: &mut Vec<Vec<Segment>>,
) {
    match value {
        Value::Object(fields) => {
            let text = |key: &str| fields.get(&Value::from(key))?.as_string().ok().map(AsRef::as_ref);
            let names_secret = names_secret(text, redact);
            for (key, value) in fields.iter_sorted() {
                let Ok(key) = key.as_string() else { continue };
                way.push(Segment::Key(key.to_string()));
                if is_secret_field(key, names_secret, redact) {
                    secret_value(value, format, way, found);
                } else {
                    secret_places(value, format, redact, way, found);
                }
                way.pop();
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                way.push(Segment::Index(at));
                secret_places(item, format, redact, way, found);
                way.pop();
            }
        }
        Value::String(text) if is_secret_text(text) => found.push(way.clone()),
        _ => {}
    }
}

/// What of a secret has a place of its own: the place of a table in TOML is not that of what it holds.
fn secret_value(value: &Value, format: Format, way: &mut Vec<Segment>, found: &mut Vec<Vec<Segment>>) {
    match value {
        Value::Object(fields) if format == Format::Toml => {
            for (key, value) in fields.iter_sorted() {
                let Ok(key) = key.as_string() else { continue };
                way.push(Segment::Key(key.to_string()));
                secret_value(value, format, way, found);
                way.pop();
            }
        }
        Value::Array(items) if format == Format::Toml => {
            for (at, item) in items.iter().enumerate() {
                way.push(Segment::Index(at));
                secret_value(item, format, way, found);
                way.pop();
            }
        }
        _ => found.push(way.clone()),
    }
}

impl Places {
    /// Finds the paths of a snapshot, which is that of the facts or of a reference.
    fn add_facts(
        &mut self,
        facts: &Facts,
        reference: Option<&str>,
        paths: &BTreeSet<Path>,
        secrets: &Secrets,
        redact: &[String],
    ) {
        for (source, file) in &facts.files {
            let is_of = |path: &&Path| match reference {
                None => path.source() == Some(source),
                Some(name) => path.reference() == Some((name, source)),
            };
            let wanted: Vec<&Path> = paths.iter().filter(is_of).collect();
            if wanted.is_empty() {
                continue;
            }
            let Ok(bytes) = fs::read(&file.path) else { continue };
            let Ok(bytes) = file.unpacked(bytes) else { continue };
            let steps = if reference.is_some() { 4 } else { 2 };
            self.add(&file.display, &bytes, file.format, file.many, &wanted, steps);
            let document = facts.input.as_object().ok().and_then(|sources| sources.get(&Value::from(source.as_str())));
            if bytes.len() <= SHOWN
                && let Some(document) = document
                && let Some(text) = without_secrets(bytes, file.format, file.many, document, secrets, redact)
            {
                self.files.push(SourceFile::new(file.display.clone(), text));
            }
        }
    }

    /// Finds paths in one file, without their first steps.
    fn add(&mut self, display: &str, bytes: &[u8], format: Format, many: bool, paths: &[&Path], steps: usize) {
        let below: Vec<&[Segment]> = paths.iter().map(|path| &path.segments()[steps..]).collect();
        let found = locate(bytes, format, many, &below);
        let there: Vec<_> = paths.iter().zip(found).filter_map(|(path, found)| Some((*path, found?))).collect();
        let ranges: Vec<_> = there.iter().map(|(_, found)| found.value.clone()).collect();
        let places = locations(display, bytes, &ranges);
        for ((path, _), location) in there.into_iter().zip(places) {
            self.locations.entry(path.clone()).or_insert(location);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_format_shows_what_is_secret() {
        for (format, text, expected) in [
            (Format::Json, "{\"a\": 1, \"password\": [\"x\", 1]}", "{\"a\": 1, \"password\": ********}"),
            (Format::Yaml, "a: 1\npassword:\n  is: x\n", "a: 1\npassword:\n  *****\n"),
            (Format::Ndjson, "{\"a\": 1}\n{\"password\": \"x\"}\n", "{\"a\": 1}\n{\"password\": ***}\n"),
            (Format::Csv, "password,a\n\"x\ny\",1\n", "password,a\n**\n**,1\n"),
            (
                Format::Toml,
                "a = 1\npassword.was = 'x'\n[b.password]\nis = [1, 'x']\n[[c]]\nname = 'PASSWORD'\nvalue = {x = 2026-11-21}\n\
                 [[b.password.old]]\nx = 'y'\n",
                "a = 1\npassword.was = ***\n[b.password]\nis = [*, ***]\n[[c]]\nname = 'PASSWORD'\nvalue = {x = **********}\n\
                 [[b.password.old]]\nx = ***\n",
            ),
        ] {
            let document = crate::facts::document::read(text.as_bytes(), format, false).unwrap().value;
            let secrets = Secrets::of(&[], &[]);
            let shown = without_secrets(text.as_bytes().to_vec(), format, false, &document, &secrets, &[]);
            assert_eq!(shown.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_known_secret_is_shown_nowhere_else() {
        let text = "password: hunter2hunter2\nargs: [--password=hunter2hunter2, -v]  # hunter2hunter2\n";
        let document = crate::facts::document::read(text.as_bytes(), Format::Yaml, false).unwrap().value;
        let secrets = Secrets::of(&[&document], &[]);
        let shown = without_secrets(text.as_bytes().to_vec(), Format::Yaml, false, &document, &secrets, &[]);
        let expected = "password: **************\nargs: [--password=**************, -v]  # **************\n";
        assert_eq!(shown.as_deref(), Some(expected));
    }
}
