//! From patterns of files to files: the same ones in the same order on every system, none from outside the project.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    error::ProjectError,
    path::Located,
    settings::{PolicyEntry, Project, unreadable},
};
use crate::{
    source::{At, Place},
    spelling::nearest,
};

/// A file that a pattern matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Relative to the project's root, with `/`.
    pub path: String,
    /// Its path below the part of the pattern that has no wildcard; the bare name where there is none.
    pub below: String,
    /// Which of the patterns matched it first.
    pub pattern: usize,
}

/// A file of policies, and the entry of `policies` that says how to read it.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyFile<'a> {
    /// Relative to the project's root, with `/`.
    pub path: String,
    /// Its path below the fixed part of the entry's pattern: what names it among policies of others.
    pub below: String,
    /// The entry.
    pub entry: &'a PolicyEntry,
}

impl Project {
    /// The files that patterns match: those of the first pattern sorted by path, then what the next one adds.
    ///
    /// `*`, `?` and `[ab]` stand for characters of one name and `**` for any folders, also none; a `**` at the end is
    /// `**/*`. Wildcards skip hidden names. `**` does not follow links to folders, as a search that followed them
    /// might never end.
    ///
    /// # Errors
    /// A pattern without a file, a matched file that is a link out of the project, a folder that cannot be read; each
    /// at the pattern.
    pub fn expand(&self, patterns: &[Located]) -> Result<Vec<FoundFile>, Vec<At<ProjectError>>> {
        let mut files: Vec<FoundFile> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut errors = Vec::new();
        for (index, Located { path, place }) in patterns.iter().enumerate() {
            let found = self.matches(path, place, &mut errors);
            for path_of_file in found {
                if seen.insert(path_of_file.clone()) {
                    let below = path_of_file[fixed_part(path)..].to_owned();
                    files.push(FoundFile { path: path_of_file, below, pattern: index });
                }
            }
        }
        if errors.is_empty() { Ok(files) } else { Err(errors) }
    }

    /// The files of all policies, tests among them, each with its entry; one that several entries match comes once,
    /// with the first of them.
    ///
    /// # Errors
    /// As [`Project::expand`]; a file that is neither Rego nor Markdown, Markdown in an entry of Rego v0, and a file
    /// that two entries want to read differently.
    pub fn policy_files(&self) -> Result<Vec<PolicyFile<'_>>, Vec<At<ProjectError>>> {
        let mut files: Vec<PolicyFile<'_>> = Vec::new();
        let mut errors = Vec::new();
        for entry in &self.policies {
            for path in self.matches(&entry.pattern, &entry.place, &mut errors) {
                let extension = Path::new(&path).extension().and_then(|extension| extension.to_str());
                let error = match extension {
                    Some("rego") => None,
                    Some("md" | "markdown") => entry.v0.then(|| ProjectError::MarkdownV0(path.clone())),
                    _ => Some(ProjectError::NotAPolicy(path.clone())),
                };
                if let Some(error) = error {
                    errors.push(At::new(error, entry.place.clone()));
                    continue;
                }
                match files.iter().find(|known| known.path == path) {
                    None => {
                        let below = path[fixed_part(&entry.pattern)..].to_owned();
                        files.push(PolicyFile { path, below, entry });
                    }
                    Some(known) if (known.entry.v0, &known.entry.input) == (entry.v0, &entry.input) => {}
                    Some(known) => {
                        let error = At::new(ProjectError::EntriesDiffer(path), entry.place.clone());
                        errors.push(error.and("the first that matches it", known.entry.place.clone()));
                    }
                }
            }
        }
        if errors.is_empty() { Ok(files) } else { Err(errors) }
    }

    /// The file or folder at a path relative to the root, or `None` where a link on the way leads out of the root.
    /// What does not exist leads nowhere.
    #[must_use]
    pub fn inside(&self, path: &str) -> Option<PathBuf> {
        let full = self.root.join(path);
        let (Ok(root), Ok(resolved)) = (self.root.canonicalize(), full.canonicalize()) else { return Some(full) };
        resolved.starts_with(root).then_some(full)
    }

    fn matches(&self, pattern: &str, place: &Place, errors: &mut Vec<At<ProjectError>>) -> BTreeSet<String> {
        let mut search = Search { root: &self.root, found: BTreeSet::new(), unreadable: Vec::new() };
        let mut steps: Vec<_> = pattern.split('/').map(Step::of).collect();
        // Two of them find what one finds, and search every folder once more.
        steps.dedup_by(|next, last| matches!((next, last), (Step::Folders, Step::Folders)));
        if matches!(steps.last(), Some(Step::Folders)) {
            steps.push(Step::of("*"));
        }
        search.walk("", &steps);
        let Search { found, unreadable, .. } = search;
        let mut wrong: Vec<_> = unreadable;
        wrong.extend(found.iter().filter(|path| self.inside(path).is_none()).cloned().map(ProjectError::LeadsOut));
        if found.is_empty() && wrong.is_empty() {
            let nearby = nearby(&self.root, pattern);
            wrong.push(ProjectError::MatchesNothing { pattern: pattern.to_owned(), nearby });
        }
        errors.extend(wrong.into_iter().map(|error| At::new(error, place.clone())));
        found
    }
}

/// Where the first name begins that a wildcard may have matched; the last name counts as one.
fn fixed_part(pattern: &str) -> usize {
    let wildcard = pattern.find(is_wildcard).unwrap_or(pattern.len());
    pattern[..wildcard].rfind('/').map_or(0, |slash| slash + 1)
}

fn is_wildcard(c: char) -> bool {
    matches!(c, '*' | '?' | '[')
}

/// One step of a pattern.
enum Step {
    /// A name.
    Name(String),
    /// Names with something in common.
    Names(glob::Pattern),
    /// Any folders, also none.
    Folders,
}

impl Step {
    fn of(text: &str) -> Self {
        match glob::Pattern::new(text) {
            _ if text == "**" => Self::Folders,
            Ok(pattern) if text.contains(is_wildcard) => Self::Names(pattern),
            // What is no pattern was refused when the file was read.
            _ => Self::Name(text.to_owned()),
        }
    }
}

/// The crate's own search follows what the system's order and separators are, and a root with `[` in its name would
/// be a pattern too, so the folders are walked here and only names are left to it.
struct Search<'a> {
    root: &'a Path,
    found: BTreeSet<String>,
    unreadable: Vec<ProjectError>,
}

const OPTIONS: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

impl Search<'_> {
    /// Finds what `steps` match below `folder`, a path relative to the root that is empty or ends with `/`.
    fn walk(&mut self, folder: &str, steps: &[Step]) {
        let Some((step, rest)) = steps.split_first() else { return };
        match step {
            Step::Name(name) => self.step_into(format!("{folder}{name}"), rest),
            Step::Names(pattern) => {
                for name in self.names(folder) {
                    if pattern.matches_with(&name, OPTIONS) {
                        self.step_into(format!("{folder}{name}"), rest);
                    }
                }
            }
            Step::Folders => {
                self.walk(folder, rest);
                for name in self.names(folder) {
                    let path = format!("{folder}{name}");
                    let is_folder = fs::symlink_metadata(self.root.join(&path)).is_ok_and(|found| found.is_dir());
                    if is_folder && !name.starts_with('.') {
                        self.walk(&format!("{path}/"), steps);
                    }
                }
            }
        }
    }

    fn step_into(&mut self, path: String, rest: &[Step]) {
        let Ok(found) = fs::metadata(self.root.join(&path)) else { return };
        if rest.is_empty() {
            if found.is_file() {
                self.found.insert(path);
            }
        } else if found.is_dir() {
            self.walk(&format!("{path}/"), rest);
        }
    }

    fn names(&mut self, folder: &str) -> Vec<String> {
        names(&self.root.join(folder)).unwrap_or_else(|error| {
            let shown = if folder.is_empty() { "." } else { folder.trim_end_matches('/') };
            let error = unreadable(shown, &error);
            if !self.unreadable.contains(&error) {
                self.unreadable.push(error);
            }
            Vec::new()
        })
    }
}

/// The names in a folder, sorted. One that is no Unicode cannot be written in a project file nor shown in a report;
/// with placeholders for what cannot be read it names no file, so it matches nothing.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries: Result<Vec<_>, _> = fs::read_dir(folder)?.collect();
    let mut names: Vec<_> = entries?.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// What stands where a pattern that matches nothing looks, as advice.
fn nearby(root: &Path, pattern: &str) -> String {
    let steps: Vec<_> = pattern.split('/').collect();
    let mut folder = String::new();
    for (at, step) in steps.iter().enumerate() {
        if step.contains(is_wildcard) {
            break;
        }
        let here = names(&root.join(&folder)).unwrap_or_default();
        let path = format!("{folder}{step}");
        let last = at + 1 == steps.len();
        if !root.join(&path).exists() {
            let kind = if last { "file" } else { "folder" };
            return match nearest(step, here.iter().map(String::as_str)) {
                Some(near) => format!("there is no {kind} `{path}`; did you mean `{folder}{near}`?"),
                None => format!("there is no {kind} `{path}`"),
            };
        }
        if last {
            return format!("`{path}` is a folder: write `{path}/**/*.md` for the Markdown files below it");
        }
        if !root.join(&path).is_dir() {
            return format!("`{path}` is a file, not a folder");
        }
        folder = format!("{path}/");
    }
    let shown = if folder.is_empty() {
        "the project's folder".to_owned()
    } else {
        format!("`{}`", folder.trim_end_matches('/'))
    };
    let here = names(&root.join(&folder)).unwrap_or_default();
    let (hidden, seen): (Vec<_>, Vec<_>) = here.iter().partition(|name| name.starts_with('.'));
    let some: Vec<_> = seen.iter().take(3).map(|name| format!("`{name}`")).collect();
    match seen.len() {
        0 if hidden.is_empty() => format!("{shown} is empty"),
        0 => format!("{shown} has hidden files only, which wildcards skip"),
        1..=3 => format!("{shown} has only {}", some.join(", ")),
        more => format!("{shown} has {} and {} more", some.join(", "), more - 3),
    }
}
