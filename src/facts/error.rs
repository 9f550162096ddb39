//! What can be wrong with a snapshot or a design, beyond what leaves one source unusable.

use std::io;

use super::Documents;
use crate::{source::Advice, yaml::YamlError};

/// What is wrong with facts or design.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// There is no snapshot.
    #[error("there are no facts: the folder `{0}` does not exist")]
    NoFolder(String),
    /// What should be a snapshot is something else.
    #[error("`{0}` is not a folder")]
    NotAFolder(String),
    /// The folder is there and holds nothing.
    #[error("there are no facts: the folder `{0}` is empty")]
    Empty(String),
    /// The system refuses.
    #[error("`{path}` cannot be read: {error}")]
    Unreadable {
        /// What.
        path: String,
        /// Why.
        error: String,
        /// What to do about it.
        help: Option<&'static str>,
    },
    /// A store of which no snapshot was finished.
    #[error("there are no facts: no snapshot of the store `{0}` has a manifest")]
    EmptyStore(String),
    /// A folder in a snapshot.
    #[error("`{0}` is a folder, and a snapshot has none")]
    Subfolder(String),
    /// A file whose name is no text.
    #[error("the name of `{0}` is not UTF-8")]
    NameNotText(String),
    /// A file whose name makes no source.
    #[error("`{file}` does not name a source")]
    SourceName {
        /// The file.
        file: String,
        /// A name that would do.
        suggested: String,
    },
    /// Two files of one source.
    #[error("the source `{name}` has two files: `{first}` and `{second}`")]
    TwoFiles {
        /// The source.
        name: String,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
    /// A file of a kind that no facts have.
    #[error("`{0}` is no fact file: its name does not end in a known way")]
    Extension(String),
    /// A file that looks like the manifest and is not.
    #[error("`{0}` would be taken for the manifest, which is `snapshot.yaml`")]
    NotTheManifest(String),
    /// Something in the manifest.
    #[error(transparent)]
    Manifest(YamlError),
    /// A document of people's own that is not valid.
    #[error("{message}")]
    Document {
        /// Which kind.
        of: Documents,
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<&'static str>,
    },
    /// A document of people's own that is a list or a scalar.
    #[error("a {of} document must be a mapping, not {found}")]
    NotMapping {
        /// Which kind.
        of: Documents,
        /// What it is.
        found: &'static str,
    },
    /// A key at the root of `data` that has a meaning of its own.
    #[error("`data.{0}` is no place for documents of others")]
    ReservedRoot(String),
    /// Two documents that say something about the same key.
    #[error("the {of} has two values of `{path}`: in `{second}` and in `{first}`")]
    TwoValues {
        /// Which kind.
        of: Documents,
        /// The key.
        path: String,
        /// The document that has it first.
        first: String,
        /// The other.
        second: String,
    },
    /// A document that the command line names.
    #[error("{message}")]
    Given {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<&'static str>,
    },
}

impl FactsError {
    pub(super) fn unreadable(path: &str, error: &io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), error: said(error), help: None }
    }
}

/// What the system says, in our words where they are clearer.
pub(crate) fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

impl Advice for FactsError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoFolder(_) => "facts::no_folder",
            Self::NotAFolder(_) => "facts::not_a_folder",
            Self::Empty(_) => "facts::empty",
            Self::Unreadable { .. } => "facts::unreadable",
            Self::EmptyStore(_) => "facts::empty_store",
            Self::Subfolder(_) => "facts::subfolder",
            Self::NameNotText(_) => "facts::name_not_text",
            Self::SourceName { .. } => "facts::source_name",
            Self::TwoFiles { .. } => "facts::two_files",
            Self::Extension(_) => "facts::extension",
            Self::NotTheManifest(_) => "facts::not_the_manifest",
            Self::Manifest(error) => error.code(),
            Self::Document { of: Documents::Design, .. } => "design::unreadable",
            Self::NotMapping { of: Documents::Design, .. } => "design::not_a_mapping",
            Self::TwoValues { of: Documents::Design, .. } => "design::two_values",
            Self::Document { .. } | Self::Given { .. } => "data::unreadable",
            Self::NotMapping { .. } => "data::not_a_mapping",
            Self::TwoValues { .. } => "data::two_values",
            Self::ReservedRoot(_) => "data::reserved",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoFolder(folder) | Self::Empty(folder) => Some(format!(
                "let `stillholds collect` gather them, or put fact files there, such as `{folder}/traces.json`; \
                 `stillholds init` in an empty folder shows how"
            )),
            Self::NotAFolder(_) => Some("name the folder that holds the fact files".to_owned()),
            Self::NameNotText(_) => None,
            Self::EmptyStore(_) => Some("`stillholds collect` makes one".to_owned()),
            Self::Subfolder(_) => {
                Some("put fact files directly into the snapshot, one a source; a hidden folder is ignored".to_owned())
            }
            Self::SourceName { suggested, .. } => Some(format!(
                "names of sources are lower-case letters, digits and `_`, a letter first: rename it to `{suggested}`"
            )),
            Self::TwoFiles { .. } | Self::TwoValues { .. } => Some("keep one of them".to_owned()),
            Self::Extension(file) if file.trim_end_matches(".gz").rsplit('.').next() == Some("jsonl") => {
                Some("lines of JSON end in `.ndjson`: rename it".to_owned())
            }
            Self::Extension(_) => Some(
                "fact files end in `.json`, `.yaml`, `.yml`, `.toml`, `.ndjson` or `.csv`, and those compressed with \
                 gzip in `.gz` behind it; hidden files and `README*` are ignored"
                    .to_owned(),
            ),
            Self::NotTheManifest(_) => Some("rename it".to_owned()),
            Self::Manifest(error) => error.help(),
            Self::Unreadable { help, .. } | Self::Document { help, .. } | Self::Given { help, .. } => {
                help.map(str::to_owned)
            }
            Self::NotMapping { .. } => Some("begin it with a key, such as `services:`".to_owned()),
            Self::ReservedRoot(root) if root == "design" => {
                Some("list the document under `design` in the project file, and begin it one key further in".to_owned())
            }
            Self::ReservedRoot(root) => {
                Some(format!("rename the key: `data.{root}` is what the tool itself says there"))
            }
        }
    }

    fn label(&self) -> Option<String> {
        match self {
            Self::Manifest(error) => error.label(),
            _ => None,
        }
    }
}
