//! `stillholds list`: the register of assumptions.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs, io,
    path::{Path as FilePath, PathBuf},
};

use clap::ValueEnum;
use serde::Serialize;
use stillholds::{
    check::load_policies,
    model::{ExitCode, Path},
    policy::{self, Group},
    source::{self, Advice as _, Location, SourceFile, escape},
};

use super::{Console, Failure, args::ProjectArgs};

/// List the assumptions: what they say, who answers for them, where they stand, what they read
///
/// No facts are needed. Each one also says what cannot be seen from its rules: what was not followed, and violations
/// without a subject, whose fingerprints depend on their words.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stillholds list
  stillholds list --unsupported policy/    what of it would not load, and why
  stillholds list -o json | jq -r '.[] | [.id, .owner] | @tsv'")]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "human")]
    output: Output,
    /// Read the policies of others in these files and folders instead, and say what would not load, and why: exit code
    /// 1 where there is any. No project is needed
    #[arg(long, value_name = "PATH", num_args = 1..)]
    unsupported: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    Human,
    Json,
}

/// An assumption as `list -o json` writes it.
#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    severity: &'a str,
    owner: Option<&'a str>,
    location: Place<'a>,
    rule: Place<'a>,
    reads: Vec<ReadPath>,
    not_followed: Vec<NotFollowed<'a>>,
    without_subject: Vec<&'a str>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    line: usize,
}

#[derive(Serialize)]
struct ReadPath {
    path: String,
    needed: bool,
}

#[derive(Serialize)]
struct NotFollowed<'a> {
    what: &'a str,
    path: String,
    line: usize,
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<ExitCode, Failure> {
        if !self.unsupported.is_empty() {
            return unsupported(&self.unsupported, self.output, console);
        }
        let policies = load_policies(&self.project.project()?)?;
        let text = match self.output {
            Output::Human => policies.groups.iter().map(human).collect::<Vec<_>>().join("\n"),
            Output::Json => {
                let entries: Vec<_> = policies.groups.iter().map(entry).collect();
                // Structures of text and numbers always have a JSON form.
                serde_json::to_string_pretty(&entries).unwrap_or_default() + "\n"
            }
        };
        console.print(&text)?;
        Ok(ExitCode::Clean)
    }
}

/// Something in a policy of others, as `list --unsupported -o json` writes it.
#[derive(Serialize)]
struct Unsupported {
    path: String,
    line: usize,
    column: usize,
    code: &'static str,
    message: String,
    help: Option<String>,
}

fn unsupported(paths: &[PathBuf], output: Output, console: &Console) -> Result<ExitCode, Failure> {
    let files = rego_files(paths)?;
    let errors = policy::unsupported(&files);
    let mut found: Vec<Unsupported> = Vec::new();
    for error in &errors {
        let location = error.place.as_ref().map(source::Place::location);
        let (path, line, column) = location.map_or_else(Default::default, |at| (at.path, at.line, at.column));
        let (code, message, help) = (error.kind.code(), error.kind.to_string(), error.kind.help());
        found.push(Unsupported { path, line, column, code, message, help });
    }
    console.print(&match output {
        Output::Json => serde_json::to_string_pretty(&found).unwrap_or_default() + "\n",
        Output::Human => {
            let mut text = String::new();
            for one in &found {
                let Unsupported { path, line, column, message, .. } = one;
                let _ = writeln!(text, "{}:{line}:{column}: {}", escape(path), escape(message));
                if let Some(help) = &one.help {
                    let _ = writeln!(text, "  {}", escape(help));
                }
            }
            let bad: BTreeSet<&str> = found.iter().map(|one| one.path.as_str()).collect();
            let _ = writeln!(text, "{} files of policy, of which {} would not load", files.len(), bad.len());
            text
        }
    })?;
    Ok(if found.is_empty() { ExitCode::Clean } else { ExitCode::Failed })
}

/// The files of Rego in folders, also further in, sorted; hidden ones and tests are left out.
fn rego_files(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Failure> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<PathBuf> = paths.to_vec();
    let unreadable = |path: &FilePath, error: &io::Error| {
        Failure::new(format!("`{}` cannot be read: {error}", path.display()), "name files of Rego or folders with them")
    };
    while let Some(path) = waiting.pop() {
        if !path.is_dir() {
            found.insert(path);
            continue;
        }
        for entry in fs::read_dir(&path).map_err(|error| unreadable(&path, &error))? {
            let path = entry.map_err(|error| unreadable(&path, &error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // A link to a folder may lead back here.
            let is_folder = path.is_dir() && !path.is_symlink();
            let is_policy = path.extension().is_some_and(|extension| extension == "rego")
                && !name.ends_with("_test.rego")
                && path.is_file();
            if !name.starts_with('.') && (is_folder || is_policy) {
                waiting.push(path);
            }
        }
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        Ok(SourceFile::new(path.to_string_lossy().replace('\\', "/"), text))
    };
    found.into_iter().map(read).collect()
}

fn human(group: &Group) -> String {
    let assumption = &group.assumption;
    let mut text = format!("{}\n", escape(&assumption.id));
    if assumption.title != assumption.id {
        let _ = writeln!(text, "  {}", escape(&assumption.title));
    }
    let owner = assumption.owner.as_deref().map_or("no owner".into(), |owner| format!("owner {}", escape(owner)));
    let _ = writeln!(text, "  severity {}, {owner}, at {}", assumption.severity, at(&assumption.location));
    let roots: BTreeSet<String> = group.reads.uses.iter().map(|one| root(&one.path).to_string()).collect();
    let _ = writeln!(text, "  reads {}", escape(&roots.into_iter().collect::<Vec<_>>().join(", ")));
    for (what, place) in &group.reads.not_followed {
        let _ = writeln!(text, "  cannot be seen: what {} at {} reads", escape(what), at(&place.location()));
    }
    for rule in group.rules.iter().filter(|rule| rule.without_subject) {
        let _ = writeln!(
            text,
            "  without subject: {} at {}; give its violations a `subject`, so that waivers and baseline know them again",
            escape(&rule.name),
            at(&rule.location)
        );
    }
    text
}

fn at(location: &Location) -> String {
    format!("{}:{}", escape(&location.path), location.line)
}

/// The source, or the document and its first key.
fn root(path: &Path) -> Path {
    let steps = if path.key(0) == Some("input") { 2 } else { 3 };
    Path::new(path.segments().iter().take(steps).cloned().collect())
}

fn entry(group: &Group) -> Entry<'_> {
    let assumption = &group.assumption;
    Entry {
        id: &assumption.id,
        title: &assumption.title,
        description: assumption.description.as_deref(),
        severity: assumption.severity.as_str(),
        owner: assumption.owner.as_deref(),
        location: Place { path: &assumption.location.path, line: assumption.location.line },
        rule: Place { path: &assumption.rule.path, line: assumption.rule.line },
        reads: assumption
            .reads
            .iter()
            .map(|read| ReadPath { path: read.path.to_string(), needed: read.needed })
            .collect(),
        not_followed: group
            .reads
            .not_followed
            .iter()
            .map(|(what, place)| {
                let location = place.location();
                NotFollowed { what, path: location.path, line: location.line }
            })
            .collect(),
        without_subject: group
            .rules
            .iter()
            .filter(|rule| rule.without_subject)
            .map(|rule| rule.name.as_str())
            .collect(),
    }
}
