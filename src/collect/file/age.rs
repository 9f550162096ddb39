//! How old files are: by what they say, by their commit, or by their time of change.
//!
//! A time of change is a weak witness: a fresh checkout has changed everything just now. A commit is a better one, but
//! only if the history is there: of a shallow clone every file seems to come with its first commit, and then nobody
//! knows how old it is. Of several files the oldest counts.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::super::{Deadline, Failed, program};
use crate::model::Json;

/// What is known of the age of files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::collect) struct Aged {
    /// When the oldest was observed; `None` where one of them has no known age.
    pub(in crate::collect) observed: Option<Timestamp>,
    /// What a reader should know about it.
    pub(in crate::collect) notes: Vec<String>,
}

/// By a field of each document; of a list by that of each element.
pub(super) fn by_field(field: &str, paths: &[String], documents: &[Json]) -> Result<Aged, Failed> {
    let mut oldest: Option<Timestamp> = None;
    for (path, document) in paths.iter().zip(documents) {
        let elements = match document {
            Json::Array(elements) if elements.is_empty() => {
                return Err(Failed(format!("{path}: the list is empty, so that no `{field}` tells its age")));
            }
            Json::Array(elements) => elements.as_slice(),
            one => std::slice::from_ref(one),
        };
        for element in elements {
            let value = value_of(element, field).ok_or_else(|| Failed(format!("{path}: there is no `{field}`")))?;
            let time = time(value).ok_or_else(|| {
                Failed(format!(
                    "{path}: `{field}` is no time but {}: write it like `2026-11-21T01:00:00Z`",
                    crate::text::cut_value(value, 60, crate::text::ELLIPSIS)
                ))
            })?;
            oldest = Some(oldest.map_or(time, |oldest| oldest.min(time)));
        }
    }
    Ok(Aged { observed: oldest, notes: Vec::new() })
}

/// The value of a field, which may lie deeper: `meta.generated_at`.
fn value_of<'d>(document: &'d Json, field: &str) -> Option<&'d Json> {
    document.get(field).or_else(|| field.split('.').try_fold(document, |value, key| value.get(key)))
}

/// A time in RFC 3339, a day, which begins at midnight in UTC, or the seconds since 1970.
fn time(value: &Json) -> Option<Timestamp> {
    match value {
        Json::String(text) => text.parse().ok().or_else(|| {
            let day: Date = text.parse().ok()?;
            day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        }),
        Json::Number(number) => Timestamp::from_second(number.as_i64()?).ok(),
        _ => None,
    }
}

/// By the time of change.
pub(in crate::collect) fn by_mtime(root: &Path, paths: &[String]) -> Aged {
    let changed = |path: &String| {
        let modified = fs::metadata(root.join(path)).and_then(|metadata| metadata.modified()).ok()?;
        let time = Timestamp::try_from(modified).ok()?;
        // Whole seconds: a check a moment later must not find it in the future.
        Timestamp::from_second(time.as_second()).ok()
    };
    let times: Option<Vec<_>> = paths.iter().map(changed).collect();
    Aged { observed: times.and_then(|times| times.into_iter().min()), notes: Vec::new() }
}

/// By the commit where a file is tracked and unchanged, else by the time of change; where that was `asked` for, that it
/// could not be had is said.
pub(in crate::collect) fn by_git(
    root: &Path,
    paths: &[String],
    asked: bool,
    deadline: Deadline,
) -> Result<Aged, Failed> {
    let git = Git { root, deadline };
    let history = match git.history(paths) {
        Ok(history) => history,
        Err(Failed(error)) => {
            deadline.left()?;
            let is_expected = !asked && root.ancestors().all(|folder| !folder.join(".git").exists());
            let note = format!("age by the time of change, since there is none by commit: {error}");
            return Ok(Aged { notes: if is_expected { Vec::new() } else { vec![note] }, ..by_mtime(root, paths) });
        }
    };
    let mut aged = Aged::default();
    let mut times = Vec::new();
    for path in paths {
        if !history.unchanged.contains(path) {
            if asked {
                aged.notes.push(format!("{path}: age by the time of change, since it is not committed as it is"));
            }
            times.push(by_mtime(root, std::slice::from_ref(path)).observed);
            continue;
        }
        let time = git.commit(path)?.and_then(|(commit, time)| {
            let is_known = !history.shallow.contains(&commit);
            if !is_known {
                let advice = "fetch all of it, as with `fetch-depth: 0`";
                aged.notes.push(format!("{path}: age not known, since the history ends at its commit: {advice}"));
            }
            is_known.then_some(time)
        });
        times.push(time);
    }
    let times: Option<Vec<_>> = times.into_iter().collect();
    aged.observed = times.and_then(|times| times.into_iter().min());
    Ok(aged)
}

struct Git<'a> {
    root: &'a Path,
    deadline: Deadline,
}

struct History {
    /// Files that are committed as they are.
    unchanged: BTreeSet<String>,
    /// Commits whose parents were not fetched.
    shallow: BTreeSet<String>,
}

/// What git may print: the names of files and commits.
const MOST: u64 = 16 << 20;

impl Git<'_> {
    fn history(&self, paths: &[String]) -> Result<History, Failed> {
        let list = |printed: Vec<u8>| -> BTreeSet<String> {
            let printed = String::from_utf8_lossy(&printed).into_owned();
            printed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let tracked = list(self.run(&["ls-files", "-z"], paths)?);
        let options = ["diff", "--name-only", "--relative", "--no-ext-diff", "--no-textconv", "-z", "HEAD"];
        let changed = list(self.run(&options, paths)?);
        let shallow = match String::from_utf8(self.run(&["rev-parse", "--git-path", "shallow"], &[])?) {
            Ok(path) => fs::read_to_string(self.root.join(path.trim_end())).unwrap_or_default(),
            Err(_) => String::new(),
        };
        Ok(History {
            unchanged: tracked.difference(&changed).cloned().collect(),
            shallow: shallow.lines().map(str::to_owned).collect(),
        })
    }

    /// The last commit that changed a file, and its time.
    fn commit(&self, path: &str) -> Result<Option<(String, Timestamp)>, Failed> {
        let printed = self.run(&["log", "-1", "--no-show-signature", "--format=%H %ct"], &[path.to_owned()])?;
        let printed = String::from_utf8_lossy(&printed);
        let parsed = printed.trim().split_once(' ').and_then(|(commit, seconds)| {
            let time = Timestamp::from_second(seconds.parse().ok()?).ok()?;
            Some((commit.to_owned(), time))
        });
        Ok(parsed)
    }

    /// What git prints, with nothing of what a repository or the surroundings could make it do beside.
    fn run(&self, options: &[&str], paths: &[String]) -> Result<Vec<u8>, Failed> {
        let mut command = Command::new("git");
        command.current_dir(self.root).args(["-c", "core.fsmonitor=false", "--no-pager"]).args(options);
        if !paths.is_empty() {
            command.arg("--").args(paths);
        }
        command.envs([("GIT_LITERAL_PATHSPECS", "1"), ("GIT_OPTIONAL_LOCKS", "0"), ("GIT_TERMINAL_PROMPT", "0")]);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF"] {
            command.env_remove(name);
        }
        program::run(command, "git", self.deadline, MOST)?.success("git")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_oldest_element_counts() {
        let paths = ["a.json".to_owned(), "b.csv".to_owned()];
        let documents = [
            json!({"meta": {"at": "2026-11-21T01:00:00+01:00"}}),
            json!([{"meta.at": 1_763_600_000}, {"meta.at": "2026-11-20"}]),
        ];
        let aged = by_field("meta.at", &paths, &documents).unwrap();
        assert_eq!(aged.observed, Some(Timestamp::from_second(1_763_600_000).unwrap()));
        let error = |documents: &[Json]| by_field("at", &paths[..1], documents).unwrap_err().0;
        assert_eq!(error(&[json!({"a": 1})]), "a.json: there is no `at`");
        assert_eq!(error(&[json!([])]), "a.json: the list is empty, so that no `at` tells its age");
        assert_eq!(
            error(&[json!({"at": "yesterday"})]),
            "a.json: `at` is no time but \"yesterday\": write it like `2026-11-21T01:00:00Z`"
        );
    }
}
