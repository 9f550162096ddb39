//! Documents that the command line names: further data, and an input.

use std::path::{Path, PathBuf};

use regorus::Value;

use super::{
    FactsError, Format,
    declared::{self, Documents, Tree},
};
use crate::{
    model::{self, Segment},
    source::{At, SourceFile},
};

/// A document of `data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// On disk.
    pub path: PathBuf,
    /// As messages show it.
    pub display: String,
    /// The keys below `data` under which it stands.
    pub below: Vec<String>,
}

/// Reads documents and merges them key by key into one `data`.
///
/// # Errors
/// All errors of all files: what cannot be read or is no mapping, and every key that two documents give a value.
pub fn data(files: &[DataFile]) -> Result<Value, Vec<At<FactsError>>> {
    let mut errors = Vec::new();
    let mut documents: Vec<(&DataFile, SourceFile, Value)> = Vec::new();
    for given in files {
        match document(given) {
            Ok((file, value)) => documents.push((given, file, value)),
            Err(error) => errors.push(*error),
        }
    }
    let mut merged = Tree::default();
    for (at, (given, _, value)) in documents.iter().enumerate() {
        let value = given.below.iter().rev().fold(value.clone(), |value, key| {
            let mut outer = Value::new_object();
            if let Ok(fields) = outer.as_object_mut() {
                fields.insert(key.as_str().into(), value);
            }
            outer
        });
        if let Value::Object(entries) = &value {
            merged.add(entries.iter_sorted(), at, &mut Vec::new(), &mut |path, first| {
                errors.push(two_values(path, &documents[first], &documents[at]));
            });
        }
    }
    if errors.is_empty() { Ok(merged.into_value()) } else { Err(errors) }
}

/// Reads an input: any document.
///
/// # Errors
/// That it cannot be read.
pub fn input(path: &Path, display: &str) -> Result<Value, Box<At<FactsError>>> {
    let Some(format) = Format::of(path) else {
        let message = format!("`{display}` cannot be an input: its name does not end in a known way");
        let help = Some("an input ends in `.json`, `.yaml`, `.yml`, `.toml`, `.ndjson` or `.csv`");
        return Err(At::nowhere(FactsError::Given { message, help }).into());
    };
    let (file, value) =
        declared::read_as(Documents::Data, format, path, display).map_err(|error| Box::new(error.map(given)))?;
    value.ok_or_else(|| {
        let message = format!("`{display}` holds no document");
        At::new(FactsError::Given { message, help: None }, file.at(0..0)).into()
    })
}

fn document(of: &DataFile) -> Result<(SourceFile, Value), Box<At<FactsError>>> {
    let Some(format) = declared::format_of(&of.path) else {
        let message = format!("`{}` is neither policy nor data: its name does not end in a known way", of.display);
        let help = Some("policies end in `.rego` or `.md`, data in `.json`, `.yaml` or `.yml`");
        return Err(At::nowhere(FactsError::Given { message, help }).into());
    };
    let (file, value) = declared::read_as(Documents::Data, format, &of.path, &of.display)
        .map_err(|error| Box::new(error.map(given)))?;
    let value = value.unwrap_or_else(Value::new_object);
    let Some(found) = declared::kind_of(&value) else { return Ok((file, value)) };
    let message = format!("a document of `data` must be a mapping, not {found}");
    let first = file.line(1);
    Err(At::new(FactsError::Given { message, help: Some("begin it with a key") }, file.at(first)).into())
}

/// What a design document would be told, said of another one.
fn given(error: FactsError) -> FactsError {
    match error {
        FactsError::Document { message, help, .. } => FactsError::Given { message, help },
        other => other,
    }
}

fn two_values(
    path: &[Segment],
    first: &(&DataFile, SourceFile, Value),
    second: &(&DataFile, SourceFile, Value),
) -> At<FactsError> {
    let place = |(given, file, _): &(&DataFile, SourceFile, Value)| {
        declared::place(file, path.get(given.below.len()..).unwrap_or_default())
    };
    let shown = model::Path::new([&[Segment::Key("data".to_owned())], path].concat());
    let message = format!("`{shown}` has two values: in `{}` and in `{}`", second.1.path(), first.1.path());
    let kind = FactsError::Given { message, help: Some("keep one of them") };
    At::new(kind, place(second)).and("first here", place(first))
}
