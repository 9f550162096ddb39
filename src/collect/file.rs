//! `file`: documents that lie in the project.

mod age;

use std::{fs, path::Path};

use super::{Collector, Failed, Gathered, Surroundings, Task};
use crate::{
    facts::{Decoded, Format, decode, said},
    model::{self, Json, Segment},
    project::{FileAge, FoundFile, Located},
    source::{Advice as _, escape},
};

pub(super) use age::{Aged, by_git};

/// Files of the project, by a pattern.
///
/// A pattern without wildcards gives the document of its file. One with wildcards gives a list, whatever it matches:
/// lists, as those of CSV and NDJSON, are joined in the order of their paths, and what is no list is one element.
#[derive(Debug)]
pub(super) struct File {
    pub(super) pattern: Located,
    pub(super) age: FileAge,
}

impl Collector for File {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn asks(&self, around: &Surroundings) -> Vec<String> {
        asks(&self.pattern, around)
    }

    fn collect(&self, task: &Task) -> Result<Gathered, Failed> {
        let files = find(&self.pattern, &task.around)?;
        let is_joined = self.pattern.path.contains(['*', '?', '[']) || task.many;
        let mut joined = Vec::new();
        let mut single = Json::Null;
        let mut nonfinite = Vec::new();
        let mut omitted = Vec::new();
        let mut documents = Vec::new();
        for file in &files {
            task.deadline.left()?;
            let decoded = read(&file.path, task.many, &task.around)?;
            omitted.extend(rounded(&file.path, &decoded));
            if matches!(self.age, FileAge::Field(_)) {
                documents.push(decoded.value.clone());
            }
            match decoded.value {
                Json::Array(items) if is_joined => {
                    nonfinite.extend(decoded.nonfinite.iter().map(|path| moved(path, joined.len(), false)));
                    joined.extend(items);
                }
                one if is_joined => {
                    nonfinite.extend(decoded.nonfinite.iter().map(|path| moved(path, joined.len(), true)));
                    joined.push(one);
                }
                one => {
                    nonfinite = decoded.nonfinite;
                    single = one;
                }
            }
        }
        let paths: Vec<_> = files.into_iter().map(|file| file.path).collect();
        let Aged { observed, notes } = match &self.age {
            FileAge::Field(field) => age::by_field(field, &paths, &documents)?,
            FileAge::Mtime => age::by_mtime(&task.around.project.root, &paths),
            FileAge::Git => age::by_git(&task.around.project.root, &paths, true, task.deadline)?,
            FileAge::Known => age::by_git(&task.around.project.root, &paths, false, task.deadline)?,
        };
        omitted.extend(notes);
        let document = if is_joined { Json::Array(joined) } else { single };
        Ok(Gathered { observed_from: None, observed_to: observed, omitted, nonfinite, ..Gathered::new(document) })
    }
}

/// What would be read.
pub(super) fn asks(pattern: &Located, around: &Surroundings) -> Vec<String> {
    match find(pattern, around) {
        Ok(files) => files.into_iter().map(|file| format!("reads {}", escape(&file.path))).collect(),
        Err(Failed(error)) => vec![error],
    }
}

/// The files that a pattern matches, none from outside of the project.
pub(super) fn find(pattern: &Located, around: &Surroundings) -> Result<Vec<FoundFile>, Failed> {
    around.project.expand(std::slice::from_ref(pattern)).map_err(|errors| {
        let said = errors.iter().flat_map(|error| [Some(error.to_string()), error.kind.help()]).flatten();
        Failed(said.collect::<Vec<_>>().join("; "))
    })
}

/// Reads a file as a fact file is read.
pub(super) fn read(path: &str, many: bool, around: &Surroundings) -> Result<Decoded, Failed> {
    let failed = |error: String| Failed(format!("{path}: {error}"));
    let unpacked = path.strip_suffix(".gz").unwrap_or(path);
    // Whoever exports lines of JSON calls them by either name; a snapshot knows one.
    let format = Format::of(Path::new(unpacked)).or_else(|| {
        let is_lines = Path::new(unpacked).extension().is_some_and(|extension| extension == "jsonl");
        is_lines.then_some(Format::Ndjson)
    });
    let format = format.ok_or_else(|| {
        failed("its name does not end in `.json`, `.yaml`, `.yml`, `.toml`, `.ndjson`, `.jsonl` or `.csv`".to_owned())
    })?;
    let full = around.project.root.join(path);
    let metadata = fs::metadata(&full).map_err(|error| failed(said(&error)))?;
    if !metadata.is_file() {
        // A pipe or a device would be waited for.
        return Err(failed("this is no ordinary file".to_owned()));
    }
    let bytes = fs::read(&full).map_err(|error| failed(said(&error)))?;
    decode(bytes, format, many, path).map_err(Failed)
}

/// That numbers are not what is written.
pub(super) fn rounded(what: &str, decoded: &Decoded) -> Option<String> {
    let (count, path) = decoded.rounded.as_ref()?;
    let numbers = if *count == 1 { "a number has" } else { "numbers have" };
    Some(format!(
        "{what}: {numbers} more digits than 64 bits hold and lost them, first `{path}`: write identifiers as text"
    ))
}

/// A path below a document that became element `first` of a list, or whose elements begin there.
fn moved(path: &str, first: usize, is_element: bool) -> String {
    let dot = if path.starts_with('[') { "" } else { "." };
    let Ok(parsed) = format!("input.x{dot}{path}").parse::<model::Path>() else { return path.to_owned() };
    let mut way = parsed.segments()[2..].to_vec();
    match way.first_mut() {
        Some(Segment::Index(at)) if !is_element => *at += first,
        _ => way.insert(0, Segment::Index(first)),
    }
    super::secrets::below(&way)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_what_was_joined() {
        assert_eq!(moved("[2].a[\"b c\"]", 3, false), "[5].a[\"b c\"]");
        assert_eq!(moved("a.b", 3, true), "[3].a.b");
        assert_eq!(moved("[0]", 3, true), "[3][0]");
    }
}
