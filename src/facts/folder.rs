//! The files of a snapshot folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{FactFile, FactsError, document::Format};
use crate::source::At;

/// The manifest's name.
pub(crate) const MANIFEST: &str = "snapshot.yaml";

/// What a snapshot folder holds.
pub(super) struct Folder {
    /// On disk.
    pub(super) path: PathBuf,
    /// In messages.
    pub(super) shown: String,
    /// The manifest, where there is one.
    pub(super) manifest: Option<PathBuf>,
    /// Fact files by their source.
    pub(super) files: BTreeMap<String, FactFile>,
}

/// Lists a snapshot folder, of a store its newest; `shown` is its path in messages.
pub(super) fn list(path: &Path, shown: &str, many: impl Fn(&str) -> bool) -> Result<Folder, Vec<At<FactsError>>> {
    let listed = entries(path, shown).map_err(|error| vec![At::nowhere(error)])?;
    let Some(snapshots) = snapshots(&listed).filter(|snapshots| !snapshots.is_empty()) else {
        return snapshot(path, shown, &listed, many);
    };
    // A link could lead anywhere, and what the folder holds is its own.
    let is_finished = |folder: PathBuf| !folder.is_symlink() && folder.join(MANIFEST).is_file();
    let Some(newest) = snapshots.into_iter().rev().find(|name| is_finished(path.join(name))) else {
        return Err(vec![At::nowhere(FactsError::EmptyStore(shown.to_owned()))]);
    };
    let (path, shown) = (path.join(&newest), format!("{shown}/{newest}"));
    let listed = entries(&path, &shown).map_err(|error| vec![At::nowhere(error)])?;
    snapshot(&path, &shown, &listed, many)
}

/// What lies where facts are expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Nothing.
    Absent,
    /// A store with these snapshots, the oldest first; an empty folder is a store without any.
    Store(Vec<String>),
    /// One snapshot.
    Snapshot,
}

/// What lies in `folder`, which messages call `shown`.
///
/// # Errors
/// It is no folder, or cannot be read.
pub fn layout(folder: &Path, shown: &str) -> Result<Layout, FactsError> {
    match entries(folder, shown) {
        Ok(entries) => Ok(snapshots(&entries).map_or(Layout::Snapshot, Layout::Store)),
        Err(FactsError::NoFolder(_)) => Ok(Layout::Absent),
        Err(error) => Err(error),
    }
}

/// The snapshots of a store, the oldest first; `None` where other things lie in it.
fn snapshots(entries: &[Entry]) -> Option<Vec<String>> {
    let is_store = entries.iter().all(|entry| entry.is_folder && is_snapshot_name(&entry.name));
    is_store.then(|| entries.iter().map(|entry| entry.name.clone()).collect())
}

fn snapshot(
    path: &Path,
    shown: &str,
    entries: &[Entry],
    many: impl Fn(&str) -> bool,
) -> Result<Folder, Vec<At<FactsError>>> {
    let mut folder = Folder { path: path.to_owned(), shown: shown.to_owned(), manifest: None, files: BTreeMap::new() };
    let mut errors = Vec::new();
    for Entry { name, is_text, is_folder } in entries {
        let display = format!("{shown}/{name}");
        if name == MANIFEST && !is_folder {
            folder.manifest = Some(path.join(name));
            continue;
        }
        match fact_file(name, *is_text, *is_folder, &display) {
            Err(error) => errors.push(error),
            Ok(Parts { stem, format, is_compressed }) => {
                if let Some(first) = folder.files.get(stem) {
                    let first = first.display.clone();
                    errors.push(FactsError::TwoFiles { name: stem.to_owned(), first, second: display });
                    continue;
                }
                let file = FactFile { path: path.join(name), display, format, is_compressed, many: many(stem) };
                folder.files.insert(stem.to_owned(), file);
            }
        }
    }
    if entries.is_empty() {
        errors.push(FactsError::Empty(shown.to_owned()));
    }
    if errors.is_empty() { Ok(folder) } else { Err(errors.into_iter().map(At::nowhere).collect()) }
}

/// Whether this is the name of a source.
pub(super) fn is_source_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The name of a source that this was probably meant to be.
pub(super) fn source_name(name: &str) -> String {
    let mut suggested = String::new();
    for c in name.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).chars() {
        if c.is_ascii_alphanumeric() {
            suggested.push(c.to_ascii_lowercase());
        } else if !suggested.ends_with('_') {
            suggested.push('_');
        }
    }
    let suggested = suggested.trim_end_matches('_');
    if suggested.is_empty() { "facts".to_owned() } else { suggested.to_owned() }
}

/// Whether a file, named without its folder, is of this source.
pub(super) fn is_file_of(source: &str, file: &str) -> bool {
    Parts::of(file).is_some_and(|parts| parts.stem == source)
}

/// What the name of a fact file is made of.
struct Parts<'n> {
    stem: &'n str,
    format: Format,
    is_compressed: bool,
}

impl<'n> Parts<'n> {
    /// `None` where the name does not end in a known way.
    fn of(name: &'n str) -> Option<Self> {
        let (unpacked, is_compressed) = name.strip_suffix(".gz").map_or((name, false), |name| (name, true));
        let (stem, _) = unpacked.rsplit_once('.')?;
        Some(Self { stem, format: Format::of(Path::new(unpacked))?, is_compressed })
    }
}

/// The parts of a file's name that names a source.
fn fact_file<'n>(name: &'n str, is_text: bool, is_folder: bool, display: &str) -> Result<Parts<'n>, FactsError> {
    let file = display.to_owned();
    if is_folder {
        return Err(FactsError::Subfolder(file));
    }
    if !is_text {
        return Err(FactsError::NameNotText(file));
    }
    let Some(parts) = Parts::of(name) else { return Err(FactsError::Extension(file)) };
    if parts.stem == "snapshot" {
        return Err(FactsError::NotTheManifest(file));
    }
    if !is_source_name(parts.stem) {
        let ending = &name[parts.stem.len()..];
        return Err(FactsError::SourceName { file, suggested: format!("{}{ending}", source_name(parts.stem)) });
    }
    Ok(parts)
}

struct Entry {
    name: String,
    is_text: bool,
    is_folder: bool,
}

/// What lies in the folder and is not ignored, sorted by name.
fn entries(path: &Path, shown: &str) -> Result<Vec<Entry>, FactsError> {
    let unreadable = |error: &io::Error| FactsError::unreadable(shown, error);
    let listing = fs::read_dir(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FactsError::NoFolder(shown.to_owned()),
        io::ErrorKind::NotADirectory => FactsError::NotAFolder(shown.to_owned()),
        _ => unreadable(&error),
    })?;
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.map_err(|error| unreadable(&error))?;
        let name = entry.file_name();
        let is_text = name.to_str().is_some();
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with('.') && !name.starts_with("README") {
            entries.push(Entry { name, is_text, is_folder: entry.path().is_dir() });
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// `2026-11-21T010000Z`, as a store names its snapshots.
#[must_use]
pub fn is_snapshot_name(name: &str) -> bool {
    let pattern = "dddd-dd-ddTddddddZ";
    name.len() == pattern.len()
        && name.bytes().zip(pattern.bytes()).all(|(byte, expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            _ => byte == expected,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sources_are_plain() {
        for name in ["traces", "a", "a1_b", "kubernetes_prod"] {
            assert!(is_source_name(name), "{name}");
        }
        for (name, suggested) in [
            ("Traces", "traces"),
            ("my-traces", "my_traces"),
            ("traces.prod", "traces_prod"),
            ("1traces", "traces"),
            ("a  b--c", "a_b_c"),
            ("_x_", "x"),
            ("日本", "facts"),
            ("", "facts"),
        ] {
            assert!(!is_source_name(name), "{name}");
            assert_eq!(source_name(name), suggested);
            assert!(is_source_name(suggested));
        }
    }

    #[test]
    fn a_file_belongs_to_the_source_it_is_named_after() {
        for file in ["traces.json", "traces.yml", "traces.yaml", "traces.toml.gz", "traces.ndjson", "traces.csv.gz"] {
            assert!(is_file_of("traces", file), "{file}");
        }
        for file in [
            "../traces.json",
            "a/traces.json",
            "traces2.json",
            "traces",
            "traces.exe",
            "traces.x.json",
            "/traces.json",
            "traces.gz",
            "traces.json.gz.gz",
        ] {
            assert!(!is_file_of("traces", file), "{file}");
        }
    }

    #[test]
    fn snapshots_of_a_store_are_named_by_time() {
        assert!(is_snapshot_name("2026-11-21T010000Z"));
        for name in ["2026-11-21", "2026-11-21T01:00:00Z", "2026-11-21T010000z", "x026-11-21T010000Z"] {
            assert!(!is_snapshot_name(name), "{name}");
        }
    }
}
