//! From a snapshot folder to facts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use regorus::Value;
use sha2::{Digest, Sha256};

use super::{
    FactsError, Format,
    document::{self, Document, Unreadable},
    error::said,
    folder::{self, Folder, MANIFEST},
    manifest::{self, Manifest},
};
use crate::{
    model::{Finding, FindingSeverity, Snapshot, Source, Status},
    source::{At, Location, SourceFile, escape},
    text::{ELLIPSIS, cut, quoted},
};

/// What the project says about its facts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Sources whose file holds any number of documents (`documents: many`) and is always a list.
    pub documents_many: BTreeSet<String>,
}

/// What was collected.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Where it comes from. A source whose file cannot be used is `failed`, with the error and its place.
    pub snapshot: Snapshot,
    /// The `input` of policies: an object with the document of every source that did not fail.
    pub input: Value,
    /// What was noticed: names without alias, numbers that lost digits.
    pub findings: Vec<Finding>,
    /// The files by their source, to show lines of; also those that cannot be read.
    pub files: BTreeMap<String, FactFile>,
}

/// The file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactFile {
    /// On disk.
    pub path: PathBuf,
    /// Relative to the project's root, as messages and reports show it.
    pub display: String,
    /// How it is written.
    pub format: Format,
    /// Whether what is written is compressed with gzip. Places in the file are those in the text.
    pub is_compressed: bool,
    /// Whether the source is the list of the file's documents, so that the first index of a path is a document.
    pub many: bool,
}

impl FactFile {
    /// What is written in a file of these bytes.
    ///
    /// # Errors
    /// That they cannot be unpacked.
    pub(super) fn unpacked(&self, bytes: Vec<u8>) -> Result<Vec<u8>, Unreadable> {
        if self.is_compressed { document::gzip::unpack(&bytes) } else { Ok(bytes) }
    }
}

/// Reads the snapshot `folder`, a path relative to `root` as messages show it. Of a store that is the newest by name
/// which has a manifest.
///
/// A source is `failed` where its file cannot be read, holds no document or a duplicate key, differs from what the
/// manifest says of it, or is not there. Files that the manifest does not name are read, without an age.
///
/// # Errors
/// That there is no snapshot, what is wrong with the names of its files, and everything that is wrong with its
/// manifest.
pub fn load(root: &Path, folder: &str, settings: &Settings) -> Result<Facts, Vec<At<FactsError>>> {
    let shown = folder.trim_end_matches('/');
    let shown = if shown.is_empty() { folder } else { shown };
    let listed = folder::list(&root.join(folder), shown, |source| settings.documents_many.contains(source))?;
    let shown = listed.shown.as_str();
    let manifest = read_manifest(&listed, shown)?;
    let within = [root, &listed.path].map(fs::canonicalize).into_iter().flatten().collect::<Vec<_>>();

    let mut snapshot = Snapshot {
        path: shown.to_owned(),
        environment: manifest.as_ref().and_then(|manifest| manifest.environment.clone()),
        has_manifest: manifest.is_some(),
        sources: Vec::new(),
    };
    let mut findings = Vec::new();
    let mut jobs = Vec::new();
    let mut rest = listed.files.clone();
    for entry in manifest.unwrap_or_default().entries {
        let file = rest.remove(&entry.source.name);
        let mut source = entry.source;
        if let Some(place) = entry.unaliased.filter(|_| !source.unaliased.is_empty()) {
            findings.push(without_alias(&source, place.location()));
        }
        let named = source.file.take();
        source.file = named.as_ref().map(|named| format!("{shown}/{named}"));
        let error = match (&file, &source.file) {
            _ if source.status == Status::Failed => None,
            (Some(file), Some(named)) if file.display == *named => {
                jobs.push(Job { source, file: file.clone(), sha256: entry.sha256 });
                continue;
            }
            (Some(file), Some(named)) => {
                Some(format!("the manifest names `{named}`, which is not there; `{}` is", file.display))
            }
            (None, Some(named)) => Some(format!("the manifest names `{named}`, which is not there")),
            // The manifest's reader sees to it that what did not fail names its file.
            (_, None) => Some("the manifest names no file".to_owned()),
        };
        if let Some(error) = error {
            source.status = Status::Failed;
            source.error = Some(escape(&error).into_owned());
        }
        snapshot.sources.push(source);
    }
    jobs.extend(rest.into_iter().map(|(name, file)| Job { source: unknown(name, &file), file, sha256: None }));

    let mut input = BTreeMap::new();
    for (source, document, finding) in read_all(jobs, &within) {
        if let Some(document) = document {
            input.insert(Value::from(source.name.as_str()), document);
        }
        findings.extend(finding);
        snapshot.sources.push(source);
    }
    snapshot.sources.sort_by(|a, b| a.name.cmp(&b.name));
    findings.sort_by(|a: &Finding, b| (a.code, &a.message).cmp(&(b.code, &b.message)));
    Ok(Facts { snapshot, input: Value::from(input), findings, files: listed.files })
}

fn read_manifest(folder: &Folder, shown: &str) -> Result<Option<Manifest>, Vec<At<FactsError>>> {
    let Some(path) = &folder.manifest else { return Ok(None) };
    let display = format!("{shown}/{MANIFEST}");
    let bytes = fs::read(path).map_err(|error| vec![At::nowhere(FactsError::unreadable(&display, &error))])?;
    let text = document::text(&bytes).map_err(|error| {
        vec![At::nowhere(FactsError::Unreadable { path: display.clone(), error: error.message, help: error.help })]
    })?;
    manifest::read(&SourceFile::new(&*display, text))
        .map(Some)
        .map_err(|errors| errors.into_iter().map(|error| error.map(FactsError::Manifest)).collect())
}

/// A source of which nobody said where it comes from.
fn unknown(name: String, file: &FactFile) -> Source {
    Source { file: Some(file.display.clone()), ..Source::named(name) }
}

/// A file to be read.
struct Job {
    source: Source,
    file: FactFile,
    sha256: Option<String>,
}

/// A source, its document unless it failed, and what was noticed while that was read.
type Read = (Source, Option<Value>, Option<Finding>);

/// Reads all files, in no order.
fn read_all(mut jobs: Vec<Job>, within: &[PathBuf]) -> Vec<Read> {
    // The largest one is read here: allocators serve the main thread best, and a tree of values is all allocation.
    jobs.sort_by_cached_key(|job| fs::metadata(&job.file.path).map_or(0, |metadata| metadata.len()));
    let Some(largest) = jobs.pop() else { return Vec::new() };
    if jobs.is_empty() {
        return vec![largest.run(within)];
    }
    let mut read = Vec::new();
    let largest = rayon::in_place_scope(|scope| {
        scope.spawn(|_| read = jobs.into_par_iter().map(|job| job.run(within)).collect());
        largest.run(within)
    });
    read.push(largest);
    read
}

impl Job {
    fn run(self, within: &[PathBuf]) -> Read {
        let Self { mut source, file, sha256 } = self;
        match read(&file, sha256.as_deref(), within, &mut source.bytes) {
            Ok((document, lost)) => {
                let finding = lost.map(|(location, text)| digits_lost(&source.name, &document, location, &text));
                source.nonfinite.extend(document.nonfinite);
                (source, Some(document.value), finding)
            }
            Err(error) => {
                source.status = Status::Failed;
                source.error = Some(escape(&error).into_owned());
                (source, None, None)
            }
        }
    }
}

/// The document of a file, and where its first number stands that lost digits; or why it cannot be read, and where.
fn read(
    file: &FactFile,
    sha256: Option<&str>,
    within: &[PathBuf],
    size: &mut u64,
) -> Result<(Document, Option<(Location, String)>), String> {
    let of_file = |error: io::Error| format!("{}: {}", file.display, said(&error));
    let metadata = fs::metadata(&file.path).map_err(of_file)?;
    if !metadata.is_file() {
        // A pipe or a device would be waited for.
        return Err(format!("{}: this is no ordinary file", file.display));
    }
    let real = fs::canonicalize(&file.path).map_err(of_file)?;
    if !within.iter().any(|folder| real.starts_with(folder)) {
        return Err(format!("{}: this is a link that leads out of the project", file.display));
    }
    let bytes = fs::read(&file.path).map_err(of_file)?;
    *size = bytes.len() as u64;
    if let Some(expected) = sha256 {
        let found = digest(&bytes);
        if found != expected {
            return Err(format!(
                "{}: changed since it was collected: its checksum is not the `sha256` in {MANIFEST}; collect it again, \
                 or write `sha256: {found}` there if the change is meant",
                file.display
            ));
        }
    }
    let bytes = file.unpacked(bytes).map_err(|error| error.said(&file.display, &[]))?;
    let document = document::read(&bytes, file.format, file.many).map_err(|error| error.said(&file.display, &bytes))?;
    let lost = document.inexact.as_ref().map(|inexact| {
        let (line, column) = document::line_column(&bytes, inexact.at);
        let end_column = column + inexact.text.len();
        (Location { path: file.display.clone(), line, column, end_line: line, end_column }, inexact.text.clone())
    });
    Ok((document, lost))
}

/// The SHA-256 of bytes in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn digits_lost(source: &str, document: &Document, location: Location, text: &str) -> Finding {
    let (count, path) = document.inexact.as_ref().map_or((0, ""), |inexact| (inexact.count, inexact.path.as_str()));
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    let first = escape(path).into_owned();
    let text = cut(text, 40, ELLIPSIS);
    let what = if count == 1 {
        format!("a number has more digits than 64 bits hold and was rounded: `input.{source}{dot}{first}` is {text}")
    } else {
        format!(
            "{count} numbers have more digits than 64 bits hold and were rounded, the first is \
             `input.{source}{dot}{first}`, {text}"
        )
    };
    Finding {
        code: "number-rounded",
        severity: FindingSeverity::Warning,
        message: format!("{source}: {what}; write identifiers as text"),
        location: Some(location),
    }
}

fn without_alias(source: &Source, location: Location) -> Finding {
    const SHOWN: usize = 5;
    let names: Vec<_> = source.unaliased.iter().take(SHOWN).map(|name| quoted(name, 60)).collect();
    let more = match source.unaliased.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Finding {
        code: "name-without-alias",
        severity: FindingSeverity::Warning,
        message: format!(
            "{}: no alias matched {}{more}; add what belongs to a component under `aliases` in `stillholds.yaml`",
            source.name,
            names.join(", ")
        ),
        location: Some(location),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Advice as _;

    /// A project with these files; a path that ends in `/` is a folder.
    fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
        folder
    }

    fn loaded(files: &[(&str, &[u8])]) -> Facts {
        let settings = Settings { documents_many: BTreeSet::from(["manifests".to_owned()]) };
        load(project(files).path(), "facts", &settings).unwrap()
    }

    fn errors(files: &[(&str, &[u8])]) -> String {
        let errors = load(project(files).path(), "facts", &Settings::default()).unwrap_err();
        errors
            .into_iter()
            .map(|error| {
                let place = error.place.as_ref().map_or_else(String::new, |place| format!("{}: ", place.location()));
                let help = error.kind.help().map_or_else(String::new, |help| format!("\n  help: {help}"));
                format!("{place}{error}{help}")
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The sources in one line each.
    fn sources(facts: &Facts) -> String {
        facts
            .snapshot
            .sources
            .iter()
            .map(|source| {
                let error = source.error.as_deref().map_or_else(String::new, |error| format!(" {error}"));
                format!("{} {}{error}", source.name, source.status.as_str())
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn failure(name: &str, bytes: &[u8]) -> String {
        let facts = loaded(&[(&format!("facts/{name}"), bytes), ("facts/other.json", b"1")]);
        assert_eq!(facts.input.to_string(), "{\"other\":1}", "the rest is there");
        let source = &facts.snapshot.sources[usize::from(name > "other")];
        assert_eq!(source.status, Status::Failed);
        source.error.clone().unwrap()
    }

    #[test]
    fn a_folder_without_manifest_is_read_with_unknown_age() {
        let facts = loaded(&[
            ("facts/traces.json", b"{\"edges\": []}"),
            ("facts/git.yml", b"head: x\n"),
            ("facts/manifests.yaml", b"kind: A\n---\nkind: B\n"),
            ("facts/README.md", b"# hello"),
            ("facts/.hidden", b"x"),
            ("facts/.2026.partial/x", b"x"),
        ]);
        assert_eq!(
            facts.input.to_string(),
            r#"{"git":{"head":"x"},"manifests":[{"kind":"A"},{"kind":"B"}],"traces":{"edges":[]}}"#
        );
        assert!(!facts.snapshot.has_manifest);
        let traces = facts.snapshot.source("traces").unwrap();
        assert_eq!((traces.file.as_deref(), traces.in_manifest, traces.bytes), (Some("facts/traces.json"), false, 13));
        assert_eq!(traces.observed_to, None);
        let file = &facts.files["manifests"];
        assert_eq!((file.display.as_str(), file.format, file.many), ("facts/manifests.yaml", Format::Yaml, true));
        assert!(!file.is_compressed);
        assert_eq!(facts.findings, []);
    }

    #[test]
    fn the_manifest_says_where_facts_come_from() {
        let manifest = format!(
            "version: 1
environment: production
sources:
  traces: {{file: traces.json, sha256: {}, status: partial, observed_to: 2026-11-21T01:00:00Z, unaliased: [a, \"b\\e[31m\"]}}
  gone: {{file: gone.json, sha256: {}, status: ok}}
  moved: {{file: moved.json, sha256: {}, status: ok}}
  changed: {{file: changed.json, sha256: {}, status: ok}}
  refused: {{status: failed, error: connection refused}}
  stale: {{status: failed}}
",
            digest(b"{}"),
            digest(b""),
            digest(b""),
            digest(b"{}"),
        );
        let facts = loaded(&[
            ("facts/snapshot.yaml", manifest.as_bytes()),
            ("facts/traces.json", b"{}"),
            ("facts/moved.yaml", b"a: 1"),
            ("facts/changed.json", b"{ }"),
            ("facts/stale.json", b"{}"),
            ("facts/extra.json", b"{}"),
        ]);
        assert_eq!(facts.input.to_string(), r#"{"extra":{},"traces":{}}"#);
        insta::assert_snapshot!(sources(&facts), @r"
        changed failed facts/changed.json: changed since it was collected: its checksum is not the `sha256` in snapshot.yaml; collect it again, or write `sha256: 257c1be96ae69f4b01c2c69bdb6d78605f59175819fb007d0bf245bf48444c4a` there if the change is meant
        extra ok
        gone failed the manifest names `facts/gone.json`, which is not there
        moved failed the manifest names `facts/moved.json`, which is not there; `facts/moved.yaml` is
        refused failed connection refused
        stale failed
        traces partial
        ");
        assert_eq!(facts.snapshot.environment.as_deref(), Some("production"));
        assert!(facts.snapshot.has_manifest && !facts.snapshot.source("extra").unwrap().in_manifest);
        assert_eq!(facts.snapshot.source("traces").unwrap().file.as_deref(), Some("facts/traces.json"));
        let [finding] = facts.findings.as_slice() else { panic!("{:?}", facts.findings) };
        insta::assert_snapshot!(format!("{} {} {}", finding.code, finding.location.as_ref().unwrap(), finding.message), @r"name-without-alias facts/snapshot.yaml:4:168 traces: no alias matched `a`, `b\u{1b}[31m`; add what belongs to a component under `aliases` in `stillholds.yaml`");
    }

    #[test]
    fn a_file_that_cannot_be_read_fails_its_source_alone() {
        let cases: &[(&str, &[u8])] = &[
            ("traces.json", b"{\"a\": 1,\n \"a\": 2}"),
            ("traces.json", b"{\"a\":\n x}"),
            ("traces.json", b""),
            ("traces.json", b"{} {}"),
            ("traces.json", b"{\"a\": \"\xff\"}"),
            ("traces.yaml", b"a: 1\n---\nb: 1\n"),
            ("traces.yaml", b"a: 1\n\"a\": 2\n"),
            ("traces.yaml", b"\"\\e[31m\": 1\n\"\\e[31m\": 2\n"),
            ("traces.yaml", b"# nothing\n"),
            ("traces.yml", b"a: [1\n"),
            ("manifests.yaml", b"---\n---\n"),
        ];
        let said: Vec<_> = cases.iter().map(|(name, bytes)| failure(name, bytes)).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        facts/traces.json:2:2: the key `a` stands twice; keep one of them
        facts/traces.json:2:2: not valid JSON: expected value
        facts/traces.json:1:1: the file holds no document
        facts/traces.json:1:4: the file has more than one JSON document; if that is meant, say `documents: many` under `sources` in `stillholds.yaml`
        facts/traces.json:1:8: the file is not UTF-8: byte 8 is 0xff; save it as UTF-8
        facts/traces.yaml:3:1: the file has more than one YAML document; if that is meant, say `documents: many` under `sources` in `stillholds.yaml`
        facts/traces.yaml:2:1: the key `a` stands twice; keep one of them
        facts/traces.yaml:2:1: the key `\u{1b}[31m` stands twice; keep one of them
        facts/traces.yaml:1:1: the file holds no document
        facts/traces.yml:1:4: not valid YAML: unclosed bracket '['
        facts/manifests.yaml:1:1: the file holds no document
        ");
    }

    #[test]
    fn numbers_that_lose_digits_are_found_and_nonfinite_ones_listed() {
        let facts = loaded(&[
            ("facts/a.json", b"{\"ids\": [1, 123456789012345678901, 123456789012345678902]}"),
            ("facts/b.yaml", b"id: 123456789012345678901\nmax: .inf\n"),
        ]);
        let said: Vec<_> = facts
            .findings
            .iter()
            .map(|finding| format!("{} {} {}", finding.code, finding.location.as_ref().unwrap(), finding.message))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        number-rounded facts/a.json:1:13 a: 2 numbers have more digits than 64 bits hold and were rounded, the first is `input.a.ids[1]`, 123456789012345678901; write identifiers as text
        number-rounded facts/b.yaml:1:5 b: a number has more digits than 64 bits hold and was rounded: `input.b.id` is 123456789012345678901; write identifiers as text
        ");
        assert_eq!(facts.snapshot.source("b").unwrap().nonfinite, ["max"]);
        assert!(facts.snapshot.sources.iter().all(|source| source.status == Status::Ok));
    }

    #[test]
    fn the_deepest_file_is_read_on_the_stack_of_a_worker() {
        let nested = |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
        let facts = loaded(&[
            ("facts/a.json", nested("[", "]", 127).as_bytes()),
            ("facts/b.json", nested("{\"a\":", "}", 127).as_bytes()),
            ("facts/c.yaml", nested("[", "]", 127).as_bytes()),
            ("facts/d.yaml", nested("{a: ", "}", 127).as_bytes()),
            ("facts/e.json", nested("[", "]", 100_000).as_bytes()),
            ("facts/f.yaml", nested("[", "]", 100_000).as_bytes()),
        ]);
        insta::assert_snapshot!(sources(&facts), @r"
        a ok
        b ok
        c ok
        d ok
        e failed facts/e.json:1:128: nested deeper than 127
        f failed facts/f.yaml:1:256: nested deeper than 127
        ");
    }

    #[test]
    fn what_is_wrong_with_the_folder_is_told_at_once() {
        insta::assert_snapshot!(errors(&[
            ("facts/My-Traces.json", b"{}"),
            ("facts/a.json", b"{}"),
            ("facts/a.yaml", b""),
            ("facts/b.csv", b""),
            ("facts/b.json.gz", b""),
            ("facts/b.toml", b""),
            ("facts/c.exe.gz", b""),
            ("facts/d.jsonl", b""),
            ("facts/e-f.csv.gz", b""),
            ("facts/snapshot.csv.gz", b""),
            ("facts/notes.txt", b""),
            ("facts/noext", b""),
            ("facts/snapshot.json", b"{}"),
            ("facts/sub/", b""),
            ("facts/2026-11-21T010000Z/", b""),
        ]), @"
        `facts/2026-11-21T010000Z` is a folder, and a snapshot has none
          help: put fact files directly into the snapshot, one a source; a hidden folder is ignored
        `facts/My-Traces.json` does not name a source
          help: names of sources are lower-case letters, digits and `_`, a letter first: rename it to `my_traces.json`
        the source `a` has two files: `facts/a.json` and `facts/a.yaml`
          help: keep one of them
        the source `b` has two files: `facts/b.csv` and `facts/b.json.gz`
          help: keep one of them
        the source `b` has two files: `facts/b.csv` and `facts/b.toml`
          help: keep one of them
        `facts/c.exe.gz` is no fact file: its name does not end in a known way
          help: fact files end in `.json`, `.yaml`, `.yml`, `.toml`, `.ndjson` or `.csv`, and those compressed with gzip in `.gz` behind it; hidden files and `README*` are ignored
        `facts/d.jsonl` is no fact file: its name does not end in a known way
          help: lines of JSON end in `.ndjson`: rename it
        `facts/e-f.csv.gz` does not name a source
          help: names of sources are lower-case letters, digits and `_`, a letter first: rename it to `e_f.csv.gz`
        `facts/noext` is no fact file: its name does not end in a known way
          help: fact files end in `.json`, `.yaml`, `.yml`, `.toml`, `.ndjson` or `.csv`, and those compressed with gzip in `.gz` behind it; hidden files and `README*` are ignored
        `facts/notes.txt` is no fact file: its name does not end in a known way
          help: fact files end in `.json`, `.yaml`, `.yml`, `.toml`, `.ndjson` or `.csv`, and those compressed with gzip in `.gz` behind it; hidden files and `README*` are ignored
        `facts/snapshot.csv.gz` would be taken for the manifest, which is `snapshot.yaml`
          help: rename it
        `facts/snapshot.json` would be taken for the manifest, which is `snapshot.yaml`
          help: rename it
        `facts/sub` is a folder, and a snapshot has none
          help: put fact files directly into the snapshot, one a source; a hidden folder is ignored
        ");
    }

    #[test]
    fn without_facts_the_way_to_them_is_said() {
        insta::assert_snapshot!(errors(&[]), @r"
        there are no facts: the folder `facts` does not exist
          help: let `stillholds collect` gather them, or put fact files there, such as `facts/traces.json`; `stillholds init` in an empty folder shows how
        ");
        insta::assert_snapshot!(errors(&[("facts/README", b"")]), @r"
        there are no facts: the folder `facts` is empty
          help: let `stillholds collect` gather them, or put fact files there, such as `facts/traces.json`; `stillholds init` in an empty folder shows how
        ");
        insta::assert_snapshot!(errors(&[("facts", b"")]), @r"
        `facts` is not a folder
          help: name the folder that holds the fact files
        ");
        let store: &[(&str, &[u8])] =
            &[("facts/2026-11-21T010000Z/a.json", b"1"), ("facts/2026-11-20T010000Z/", b""), ("facts/README", b"")];
        insta::assert_snapshot!(errors(store), @r"
        there are no facts: no snapshot of the store `facts` has a manifest
          help: `stillholds collect` makes one
        ");
    }

    #[test]
    fn of_a_store_the_newest_finished_snapshot_counts() {
        let facts = loaded(&[
            ("facts/2026-11-20T010000Z/snapshot.yaml", b"version: 1\nenvironment: old\n"),
            ("facts/2026-11-21T010000Z/snapshot.yaml", b"version: 1\nenvironment: new\n"),
            ("facts/2026-11-21T010000Z/traces.json", b"{}"),
            ("facts/2026-11-22T010000Z/traces.json", b"{}"),
            ("facts/.2026-11-23T010000Z.partial/snapshot.yaml", b"version: 1\n"),
            ("facts/README.md", b""),
        ]);
        assert_eq!(facts.snapshot.path, "facts/2026-11-21T010000Z");
        assert_eq!(facts.snapshot.environment.as_deref(), Some("new"));
        let file = facts.snapshot.source("traces").unwrap().file.as_deref();
        assert_eq!(file, Some("facts/2026-11-21T010000Z/traces.json"));
    }

    #[test]
    fn a_manifest_that_is_wrong_stops_the_run() {
        insta::assert_snapshot!(errors(&[("facts/snapshot.yaml", b"version: 1\nsauces: {}\n"), ("facts/a.json", b"{")]), @r"
        facts/snapshot.yaml:2:1: unknown key `sauces` in the manifest
          help: did you mean `sources`?
        ");
        insta::assert_snapshot!(errors(&[("facts/snapshot.yaml", b"\xff\xfe")]), @r"
        `facts/snapshot.yaml` cannot be read: the file is UTF-16
          help: save it as UTF-8
        ");
        insta::assert_snapshot!(errors(&[("facts/snapshot.yaml/", b"")]), @r"
        `facts/snapshot.yaml` is a folder, and a snapshot has none
          help: put fact files directly into the snapshot, one a source; a hidden folder is ignored
        ");
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere_outside() {
        use std::os::unix::fs::symlink;
        let outside = project(&[("secret.json", b"{}")]);
        let root = project(&[("facts/.data/a.json", b"1"), ("build/b.json", b"2")]);
        symlink(".data/a.json", root.path().join("facts/a.json")).unwrap();
        symlink("../build/b.json", root.path().join("facts/b.json")).unwrap();
        symlink(outside.path().join("secret.json"), root.path().join("facts/c.json")).unwrap();
        symlink("nowhere", root.path().join("facts/d.json")).unwrap();
        symlink("/dev/null", root.path().join("facts/e.json")).unwrap();
        let facts = load(root.path(), "facts", &Settings::default()).unwrap();
        assert_eq!(facts.input.to_string(), r#"{"a":1,"b":2}"#);
        insta::assert_snapshot!(sources(&facts), @r"
        a ok
        b ok
        c failed facts/c.json: this is a link that leads out of the project
        d failed facts/d.json: it does not exist
        e failed facts/e.json: this is no ordinary file
        ");
        // Nor does a snapshot of a store.
        fs::write(outside.path().join("snapshot.yaml"), "version: 1\n").unwrap();
        fs::create_dir_all(root.path().join("store/2026-11-20T000000Z")).unwrap();
        fs::write(root.path().join("store/2026-11-20T000000Z/snapshot.yaml"), "version: 1\n").unwrap();
        symlink(outside.path(), root.path().join("store/2026-11-21T000000Z")).unwrap();
        let facts = load(root.path(), "store", &Settings::default()).unwrap();
        assert_eq!(facts.snapshot.path, "store/2026-11-20T000000Z");
        fs::remove_file(outside.path().join("snapshot.yaml")).unwrap();
        // A snapshot may lie outside of the project, if that is what was asked for.
        let elsewhere = load(root.path(), outside.path().to_str().unwrap(), &Settings::default()).unwrap();
        assert_eq!(elsewhere.input.to_string(), r#"{"secret":{}}"#);
    }
}
