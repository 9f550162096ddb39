//! What keeps a collection as a whole from being made.

use crate::source::Advice;

/// Why nothing could be collected. What is wrong with one source is no such error: it stands in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// The project names no source.
    #[error("there is nothing to collect: the project file has no `collect`")]
    NothingToCollect,
    /// A source that `collect` does not name.
    #[error("`collect` names no source `{name}`")]
    UnknownSource {
        /// As it was given.
        name: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// The facts are one snapshot, and a new one would overwrite it.
    #[error("`{folder}` is a snapshot and not a store of snapshots")]
    PlainSnapshot {
        /// The folder.
        folder: String,
        /// What the snapshot would be called in a store.
        name: String,
    },
    /// A snapshot of the store is named after a time to come.
    #[error("the newest snapshot of `{store}` is `{newest}`, which is still to come")]
    Ahead {
        /// The store.
        store: String,
        /// Its newest snapshot.
        newest: String,
    },
    /// The system refuses.
    #[error("`{path}` cannot be written: {reason}")]
    Unwritable {
        /// What was to be written.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A file that the environment names cannot be read.
    #[error("{what} `{path}` cannot be read: {reason}")]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// Others could read the credentials.
    #[error("the credentials in `{0}` can be read by others")]
    OpenCredentials(String),
    /// The credentials cannot be understood. The file is never shown.
    #[error("the credentials in `{path}`: {message}")]
    Credentials {
        /// The file, and the line in it where one is to blame.
        path: String,
        /// What is wrong, without anything secret.
        message: String,
    },
}

impl Advice for CollectError {
    fn code(&self) -> &'static str {
        match self {
            Self::NothingToCollect => "collect::nothing",
            Self::UnknownSource { .. } => "collect::unknown_source",
            Self::PlainSnapshot { .. } => "collect::plain_snapshot",
            Self::Ahead { .. } => "collect::ahead",
            Self::Unwritable { .. } => "collect::unwritable",
            Self::Unreadable { .. } => "collect::unreadable",
            Self::OpenCredentials(_) => "collect::open_credentials",
            Self::Credentials { .. } => "collect::credentials",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NothingToCollect => Some(
                "name sources under `collect` in `stillholds.yaml`, such as \
                 `{source: stock, kind: http, url: \"https://stock.example/levels\"}`"
                    .to_owned(),
            ),
            Self::UnknownSource { near, .. } => near.as_ref().map(|near| format!("did you mean `{near}`?")),
            Self::PlainSnapshot { folder, name } => Some(format!(
                "turn it into a store of which it is the first snapshot: `mv {folder} {folder}.old && mkdir {folder} \
                 && mv {folder}.old {folder}/{name}`; or name another folder under `facts`"
            )),
            Self::Ahead { .. } => Some(
                "a check would go on reading it: set the clock, or remove the snapshot if the clock was wrong"
                    .to_owned(),
            ),
            Self::Unwritable { .. } => Some("earlier snapshots are as they were".to_owned()),
            Self::Unreadable { .. } => None,
            Self::OpenCredentials(path) => Some(format!("take the right from them: `chmod 600 {path}`")),
            Self::Credentials { .. } => Some(
                "write `version: 1` and `origins: {\"https://prometheus.example:9090\": {bearer: TOKEN}}`; instead of \
                 `bearer` there can be `basic: {user: NAME, password: WORD}` or `header: {name: NAME, value: VALUE}`"
                    .to_owned(),
            ),
        }
    }
}
