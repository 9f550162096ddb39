//! Policies and data that the command line names, loaded as `opa` loads them: with or without a project around.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    facts::DataFile,
    policy::PolicyFile,
    source::{Advice, At, SourceFile},
};

/// What paths lead to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// Rego and Markdown.
    pub(crate) policies: Vec<PolicyFile>,
    /// Documents, each below the folders that lead to it.
    pub(crate) data: Vec<DataFile>,
}

/// Which documents in folders are data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Documents {
    /// All in JSON and YAML.
    All,
    /// Those that are called `data`: tests stand beside files of all kinds.
    CalledData,
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GivenError {
    /// The system refuses.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// As it was given.
        path: String,
        /// Why.
        reason: String,
    },
    /// A folder with nothing in it that could be loaded.
    #[error("there is neither policy nor data in `{path}`")]
    Nothing {
        /// As it was given.
        path: String,
    },
}

impl Advice for GivenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "given::unreadable",
            Self::Nothing { .. } => "given::nothing",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Nothing { .. } => Some("policies end in `.rego` or `.md`; hidden files are passed over".to_owned()),
        }
    }
}

/// Finds what paths lead to: files as they are, and everything known below folders, in the order of their names.
///
/// # Errors
/// Paths that cannot be read, and folders in which there is nothing.
pub(crate) fn given(paths: &[PathBuf], documents: Documents, v0: bool) -> Result<Given, Vec<At<GivenError>>> {
    let mut search = Search { given: Given::default(), documents, v0, errors: Vec::new() };
    for path in paths {
        let before = (search.given.policies.len(), search.given.data.len(), search.errors.len());
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                search.folder(path, &mut Vec::new());
                if before == (search.given.policies.len(), search.given.data.len(), search.errors.len()) {
                    search.errors.push(At::nowhere(GivenError::Nothing { path: shown(path) }));
                }
            }
            Ok(_) if is_policy(path) => search.policy(path),
            Ok(_) => search.data(path, &[]),
            Err(error) => search.unreadable(path, &error),
        }
    }
    if search.errors.is_empty() { Ok(search.given) } else { Err(search.errors) }
}

struct Search {
    given: Given,
    documents: Documents,
    v0: bool,
    errors: Vec<At<GivenError>>,
}

impl Search {
    fn folder(&mut self, folder: &Path, below: &mut Vec<String>) {
        let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder, &error),
        };
        let mut names: Vec<String> =
            entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            let path = folder.join(&name);
            // A link to a folder may lead back up.
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            if is_folder {
                below.push(name);
                self.folder(&path, below);
                below.pop();
            } else if is_policy(&path) {
                self.policy(&path);
            } else if self.is_data(&path) {
                self.data(&path, below);
            }
        }
    }

    fn policy(&mut self, path: &Path) {
        match fs::read_to_string(path) {
            // Fences are Rego v1.
            Ok(text) => self.given.policies.push(PolicyFile {
                file: SourceFile::new(shown(path), text),
                v0: self.v0 && path.extension().is_some_and(|extension| extension == "rego"),
                others: None,
            }),
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn data(&mut self, path: &Path, below: &[String]) {
        // The same file may be named twice, by itself and by its folder.
        if self.given.data.iter().all(|known| known.path != path) {
            self.given.data.push(DataFile { path: path.to_owned(), display: shown(path), below: below.to_vec() });
        }
    }

    fn is_data(&self, path: &Path) -> bool {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("json" | "yaml" | "yml"))
            && (self.documents == Documents::All || path.file_stem().is_some_and(|stem| stem == "data"))
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
            std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
            _ => error.to_string(),
        };
        self.errors.push(At::nowhere(GivenError::Unreadable { path: shown(path), reason }));
    }
}

fn is_policy(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("rego" | "md" | "markdown"))
}

/// A path as messages and reports show it.
fn shown(path: &Path) -> String {
    let shown = path.to_string_lossy().replace('\\', "/");
    shown.strip_prefix("./").map(str::to_owned).unwrap_or(shown)
}
