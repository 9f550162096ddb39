//! What can be wrong with a project file.

use std::fmt;

use crate::{
    model::{AgeError, RatioError},
    source::Advice,
    spelling::nearest,
    yaml::YamlError,
};

/// What is wrong with a project file, or with what it names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// Its YAML, or the shape of it.
    #[error(transparent)]
    Yaml(YamlError),
    /// There is none.
    #[error("no `stillholds.yaml` in `{from}` or any folder above it")]
    NotFound {
        /// Where the search began.
        from: String,
        /// A file that was probably meant to be one.
        misnamed: Option<String>,
    },
    /// The file system says no.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// Why not.
        reason: String,
    },
    /// Nothing stands in it.
    #[error("the project file is empty")]
    Empty,
    /// It does not say which version of the format it is.
    #[error("the project file has no `version`")]
    NoVersion,
    /// A version of the format that nobody knows yet.
    #[error("version `{0}` of the project file is not known")]
    UnknownVersion(String),
    /// Neither policies nor shipped assumptions.
    #[error("the project names nothing to check")]
    NothingToCheck,
    /// Text that must not be empty.
    #[error("`{0}` must not be empty")]
    EmptyText(String),
    /// A name that could not stand in a path of facts.
    #[error("`{name}` cannot be the name of a {what}")]
    BadName {
        /// What it should name.
        what: &'static str,
        /// The name.
        name: String,
        /// A name that would do.
        suggestion: Option<String>,
    },
    /// A path that could leave the project, or means something else on another system.
    #[error("`{path}` {fault}")]
    BadPath {
        /// The path.
        path: String,
        /// What is wrong with it.
        fault: PathFault,
        /// The option of the command line that may name such a path.
        option: Option<&'static str>,
    },
    /// A pattern of files that cannot be read.
    #[error("`{pattern}` is not a pattern of files: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `!` where only `library` knows it.
    #[error("`{0}` takes files away, which only `library` can")]
    NegatedFiles(String),
    /// A duration that is none.
    #[error(transparent)]
    BadAge(AgeError),
    /// A ratio that is none.
    #[error(transparent)]
    BadRatio(RatioError),
    /// A date that is none.
    #[error("`{0}` is not a date")]
    BadDate(String),
    /// A word of a closed list that is not in it.
    #[error("`{word}` is not a known {what}")]
    UnknownWord {
        /// What the word should be.
        what: &'static str,
        /// The word.
        word: String,
        /// All that would do.
        known: Vec<&'static str>,
    },
    /// `vacuous: allowed` for a whole project.
    #[error("`vacuous: allowed` cannot be a default")]
    VacuousAllowed,
    /// A number outside its range.
    #[error("`{name}` must be {expected}")]
    OutOfRange {
        /// The key.
        name: &'static str,
        /// What would do.
        expected: &'static str,
    },
    /// An `input` that names no source.
    #[error("`{0}` is not a source to evaluate with")]
    BadInput(String),
    /// A library pattern with characters that no id has.
    #[error("`{0}` cannot match the id of a shipped assumption")]
    BadLibraryPattern(String),
    /// Settings for assumptions that are switched off.
    #[error("`{0}` switches assumptions off, so there is nothing to set")]
    NegatedSettings(String),
    /// A finding's code that cannot be one.
    #[error("`{0}` is not the code of a finding")]
    BadFindingCode(String),
    /// A pattern that stands under two components.
    #[error("`{0}` is an alias of two components")]
    AliasTwice(String),
    /// A key that belongs to another kind of source.
    #[error("`{key}` does not belong to a source of kind `{kind}`")]
    ForeignKey {
        /// The key.
        key: &'static str,
        /// The kind that stands there.
        kind: &'static str,
        /// The kinds that have it.
        owners: Vec<&'static str>,
    },
    /// Two keys of which one makes the other void.
    #[error("`{key}` has no meaning beside `{beside}`")]
    Excluded {
        /// The key.
        key: &'static str,
        /// The key it stands beside.
        beside: &'static str,
    },
    /// None of the keys of which one is needed.
    #[error("{what} has neither {}", list(.keys, "nor"))]
    Neither {
        /// What lacks them.
        what: String,
        /// Of which one would do.
        keys: Vec<&'static str>,
    },
    /// A `step` through a time that is not given.
    #[error("`step` has no meaning without `range`")]
    StepWithoutRange,
    /// A kind of Kubernetes objects that is not written as the API writes it.
    #[error("`{0}` is not the lower-case plural of a kind")]
    BadKubernetesKind(String),
    /// A source that is collected twice.
    #[error("the source `{0}` is collected twice")]
    SourceTwice(String),
    /// A query named like something Prometheus is asked for besides.
    #[error("`{0}` cannot be the name of a query")]
    ReservedQuery(String),
    /// An address that is none.
    #[error("`{0}` is not the address of a server")]
    BadUrl(String),
    /// User and password in an address. Without a place, because that would show them once more.
    #[error("an address with credentials stands in line {0} of the project file")]
    CredentialsInUrl(usize),
    /// A pointer that is none.
    #[error("`{0}` is not a JSON pointer")]
    BadPointer(String),
    /// A pattern without a file.
    #[error("`{pattern}` matches no file")]
    MatchesNothing {
        /// The pattern.
        pattern: String,
        /// What is there instead.
        nearby: String,
    },
    /// A file that lies elsewhere.
    #[error("`{0}` is a link that leads out of the project")]
    LeadsOut(String),
    /// A file that holds no policies.
    #[error("`{0}` is neither Rego nor Markdown")]
    NotAPolicy(String),
    /// A Markdown file in an entry of policies in Rego v0.
    #[error("`{0}` is Markdown, where Rego is always v1")]
    MarkdownV0(String),
    /// A file that two entries want to evaluate differently.
    #[error("two entries of `policies` differ over `{0}`")]
    EntriesDiffer(String),
}

impl From<YamlError> for ProjectError {
    fn from(error: YamlError) -> Self {
        Self::Yaml(error)
    }
}

/// Why a path of the project file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFault {
    /// It starts at the root of a file system.
    Absolute,
    /// It names a drive.
    Drive,
    /// It has a `..`.
    Parent,
    /// It has a `\`.
    Backslash,
    /// It is the root itself.
    Root,
    /// It has a character that no path of a project needs and that a terminal might act upon.
    Unsafe,
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absolute => "is an absolute path",
            Self::Drive => "names a drive",
            Self::Parent => "leads out of the project",
            Self::Backslash => "has a backslash",
            Self::Root => "is the project's own folder",
            Self::Unsafe => "has a character that cannot be seen",
        })
    }
}

impl Advice for ProjectError {
    fn code(&self) -> &'static str {
        match self {
            Self::Yaml(error) => error.code(),
            Self::NotFound { .. } => "project::not_found",
            Self::Unreadable { .. } => "project::unreadable",
            Self::Empty => "project::empty",
            Self::NoVersion => "project::no_version",
            Self::UnknownVersion(_) => "project::unknown_version",
            Self::NothingToCheck => "project::nothing_to_check",
            Self::EmptyText(_) => "project::empty_text",
            Self::BadName { .. } => "project::bad_name",
            Self::BadPath { .. } => "project::bad_path",
            Self::BadPattern { .. } => "project::bad_pattern",
            Self::NegatedFiles(_) => "project::negated_files",
            Self::BadAge(_) => "project::bad_duration",
            Self::BadRatio(_) => "project::bad_ratio",
            Self::BadDate(_) => "project::bad_date",
            Self::UnknownWord { .. } => "project::unknown_word",
            Self::VacuousAllowed => "project::vacuous_allowed",
            Self::OutOfRange { .. } => "project::out_of_range",
            Self::BadInput(_) => "project::bad_input",
            Self::BadLibraryPattern(_) => "project::bad_library_pattern",
            Self::NegatedSettings(_) => "project::negated_settings",
            Self::BadFindingCode(_) => "project::bad_finding_code",
            Self::AliasTwice(_) => "project::alias_twice",
            Self::ForeignKey { .. } => "project::foreign_key",
            Self::Excluded { .. } => "project::excluded_key",
            Self::Neither { .. } => "project::missing_key",
            Self::StepWithoutRange => "project::step_without_range",
            Self::BadKubernetesKind(_) => "project::bad_kubernetes_kind",
            Self::SourceTwice(_) => "project::source_twice",
            Self::ReservedQuery(_) => "project::reserved_query",
            Self::BadUrl(_) => "project::bad_url",
            Self::CredentialsInUrl(_) => "project::credentials_in_url",
            Self::BadPointer(_) => "project::bad_pointer",
            Self::MatchesNothing { .. } => "project::matches_nothing",
            Self::LeadsOut(_) => "project::leads_out",
            Self::NotAPolicy(_) => "project::not_a_policy",
            Self::MarkdownV0(_) => "project::markdown_v0",
            Self::EntriesDiffer(_) => "project::entries_differ",
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Yaml(error) => return error.help(),
            Self::NotFound { misnamed: Some(path), .. } => format!("rename `{path}` to `stillholds.yaml`"),
            Self::NotFound { misnamed: None, .. } => {
                "`stillholds init` makes a project with an example; `-C DIR` looks elsewhere".to_owned()
            }
            Self::Empty => "the smallest one is `version: 1` and `policies: [\"docs/**/*.md\"]`".to_owned(),
            Self::NoVersion => "begin it with `version: 1`".to_owned(),
            Self::UnknownVersion(_) => "this release reads `version: 1`".to_owned(),
            Self::NothingToCheck => {
                "name files with Rego under `policies`, or switch shipped assumptions on under `library`".to_owned()
            }
            Self::EmptyText(_) => "write something, or remove it".to_owned(),
            Self::BadName { suggestion, .. } => {
                let rule = "lower-case letters, digits and `_`, a letter first";
                match suggestion {
                    Some(name) => format!("call it `{name}`: {rule}"),
                    None => format!("names are {rule}"),
                }
            }
            Self::BadPath { path, fault: PathFault::Backslash, .. } => {
                format!("write `{}`: paths have `/` on every system", path.replace('\\', "/"))
            }
            Self::BadPath { fault: PathFault::Root, .. } => "name a folder below it".to_owned(),
            Self::BadPath { fault: PathFault::Unsafe, .. } => "type the path anew".to_owned(),
            Self::BadPath { option, .. } => {
                let rule = "paths are relative to `stillholds.yaml` and stay below its folder, \
                            so that nobody can make a check read other files by editing it";
                match option {
                    Some(option) => format!("{rule}; on the command line `{option}` may name any path"),
                    None => rule.to_owned(),
                }
            }
            Self::BadPattern { .. } => {
                "`*` and `?` stand for characters of a name, `[ab]` for one of them, `**` for any folders".to_owned()
            }
            Self::NegatedFiles(_) => "name the files that are meant instead".to_owned(),
            Self::BadAge(_) => AgeError::HELP.to_owned(),
            Self::BadRatio(_) => RatioError::HELP.to_owned(),
            Self::BadDate(_) => "write year, month and day: `2027-03-01`".to_owned(),
            Self::UnknownWord { word, known, .. } => match nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write {}", list(known, "or")),
            },
            Self::VacuousAllowed => "whether an empty list is an answer differs from assumption to assumption: \
                 write `vacuous: allowed` into the METADATA of those that mean it"
                .to_owned(),
            Self::Unreadable { .. } | Self::OutOfRange { .. } => return None,
            Self::BadInput(_) => {
                "write `manifests[_]` for each element of the source `manifests`, or `manifests` for all of it"
                    .to_owned()
            }
            Self::BadLibraryPattern(_) => {
                "write an id or a pattern of ids such as `dependencies/*`; `*` is any run of characters; \
                 files of your own stand under `policies`"
                    .to_owned()
            }
            Self::NegatedSettings(pattern) => format!("write it as text: `\"{pattern}\"`"),
            Self::BadFindingCode(_) => "`stillholds findings` shows them; they look like `waiver-expired`".to_owned(),
            Self::AliasTwice(_) => "keep it under the one component it means".to_owned(),
            Self::ForeignKey { owners, .. } => {
                format!("it belongs to {}; remove it, or change `kind`", list(owners, "and"))
            }
            Self::Excluded { key, beside } => format!("keep `{key}` or `{beside}`"),
            Self::Neither { keys, .. } => format!("add {}", list(keys, "or")),
            Self::StepWithoutRange => "add `range`, as in `range: 30d`".to_owned(),
            Self::BadKubernetesKind(_) => "write it as `kubectl get` lists it: `deployments`".to_owned(),
            Self::SourceTwice(_) => "give one of them another name: a name is the key under `input`".to_owned(),
            Self::ReservedQuery(name) => {
                format!("`{name}` is where `include: [{name}]` puts what Prometheus says; give the query another name")
            }
            Self::BadUrl(_) => "write it in full: `https://prometheus.example:9090`".to_owned(),
            Self::CredentialsInUrl(_) => "remove them, and change them if the file was ever shared; the file named by \
                 `STILLHOLDS_CREDENTIALS` holds credentials by address"
                .to_owned(),
            Self::BadPointer(_) => "write it from the top, each key after a `/`: `/data/items`".to_owned(),
            Self::MatchesNothing { nearby, .. } => nearby.clone(),
            Self::LeadsOut(_) => {
                "replace the link by the file: only what lies in the project's own folder is read".to_owned()
            }
            Self::NotAPolicy(_) => "let the pattern end in `.rego` or `.md`".to_owned(),
            Self::MarkdownV0(_) => "give Markdown an entry without `rego: v0`".to_owned(),
            Self::EntriesDiffer(_) => {
                "let only one of them match it, or give both the same `rego` and `input`".to_owned()
            }
        };
        Some(help)
    }
}

/// Words in a sentence: `a`, `b` or `c`.
fn list(words: &[&'static str], last: &str) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
