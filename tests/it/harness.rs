//! Projects in folders of their own, and the real program run on them.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The time of every check.
pub(crate) const NOW: &str = "2026-11-21T02:00:00Z";

/// The time at which examples and the README are checked.
pub(crate) const NOW_OF_EXAMPLES: &str = "2026-11-23T00:00:00Z";

/// The root of this repository.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a project by their paths.
#[derive(Clone)]
pub(crate) struct Project(BTreeMap<String, Vec<u8>>);

/// A project of one assumption that holds, so that a case states only what differs.
const GOOD: [(&str, &str); 5] = [
    ("stillholds.yaml", "version: 1\npolicies: [\"policies/*.rego\"]\ndesign: [\"design/*.yaml\"]\n"),
    (
        "policies/calls.rego",
        r#"package shop.calls

violation contains {"msg": sprintf("checkout calls %s", [edge.server]), "subject": edge.server} if {
	some edge in input.traces.edges
	edge.client == "checkout"
	not edge.server in data.design.services.checkout.calls
}
"#,
    ),
    ("design/services.yaml", "services:\n  checkout:\n    calls: [payments]\n"),
    ("facts/traces.json", r#"{"edges": [{"client": "checkout", "server": "payments"}]}"#),
    (
        "facts/snapshot.yaml",
        "version: 1\nsources:\n  traces: {file: traces.json, sha256: SHA256(traces.json), status: ok, \
         observed_to: 2026-11-21T01:00:00Z}\n",
    ),
];

impl Project {
    /// The project of one assumption that holds.
    pub(crate) fn good() -> Self {
        Self::empty().with_all(&GOOD)
    }

    /// A folder without anything in it.
    pub(crate) fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// With this file, instead of the one that was there. In a manifest, `SHA256(FILE)` stands for the digest of the
    /// file beside it.
    pub(crate) fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.to_owned(), content.into());
        self
    }

    /// With all of these files.
    pub(crate) fn with_all(self, files: &[(&str, &str)]) -> Self {
        files.iter().fold(self, |project, (path, text)| project.with(path, *text))
    }

    /// Without the files whose paths begin like this.
    pub(crate) fn without(mut self, start: &str) -> Self {
        self.0.retain(|path, _| !path.starts_with(start));
        self
    }

    /// Writes it, to run the program on it.
    pub(crate) fn write(&self) -> Written {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let written = Written { folder };
        for (path, content) in &self.0 {
            written.put(path, &self.digested(path, content));
        }
        written
    }

    /// Writes it and checks it once.
    pub(crate) fn check(&self, arguments: &[&str]) -> Run {
        self.write().check(arguments)
    }

    fn digested(&self, path: &str, content: &[u8]) -> Vec<u8> {
        let Some(folder) = path.strip_suffix("snapshot.yaml") else { return content.to_vec() };
        let Ok(mut manifest) = String::from_utf8(content.to_vec()) else { return content.to_vec() };
        for (path, content) in &self.0 {
            if let Some(name) = path.strip_prefix(folder) {
                let digest =
                    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
                manifest = manifest.replace(&format!("SHA256({name})"), &digest);
            }
        }
        manifest.into_bytes()
    }
}

/// A project on disk.
pub(crate) struct Written {
    folder: TempDir,
}

impl Written {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file; a path that ends in `/` is a folder.
    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        let full = self.path().join(path);
        let made = if path.ends_with('/') {
            fs::create_dir_all(full)
        } else {
            full.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(full, content))
        };
        made.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Every file by its path.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let pattern = format!("{}/**/*", self.path().display());
        let paths = glob::glob(&pattern).expect("the pattern is valid").map(|path| path.expect("the folder is read"));
        paths
            .filter(|path| path.is_file())
            .map(|path| {
                let content = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let inside = path.strip_prefix(self.path()).unwrap_or(&path);
                (inside.to_string_lossy().replace('\\', "/"), content)
            })
            .collect()
    }

    /// Runs the check at [`NOW`].
    pub(crate) fn check(&self, arguments: &[&str]) -> Run {
        self.run(&[&["check", "--now", NOW], arguments].concat())
    }

    /// Runs the program in the project's folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run_in(self.path(), arguments)
    }

    /// The same with these variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let output = command_in(self.path(), arguments).envs(variables.iter().copied()).output();
        Run::of(&output.expect("the program starts"), self.path())
    }
}

/// Runs the program in a folder, with nothing of the surroundings.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Run {
    Run::of(&command_in(folder, arguments).output().expect("the program starts"), folder)
}

/// The program in a folder, with nothing of the surroundings.
pub(crate) fn command_in(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stillholds"));
    command.current_dir(folder).args(arguments).env_clear();
    command.envs([("LANG", "C.UTF-8"), ("COLUMNS", "80"), ("NO_COLOR", "1")]);
    // Programs do not start without it on Windows.
    command.envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
    command
}

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    fn of(output: &Output, folder: &Path) -> Self {
        let folder = folder.to_string_lossy();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*folder, "[FOLDER]");
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// What it wrote, without blanks at the ends of lines, which nobody sees.
    fn trimmed(text: &str) -> String {
        text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    /// Standard output as a person reads it.
    pub(crate) fn shown(&self) -> String {
        Self::trimmed(&self.stdout)
    }

    /// Standard error as a person reads it.
    pub(crate) fn said(&self) -> String {
        Self::trimmed(&self.stderr)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        writeln!(f, "exit {code}")?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{}", Self::trimmed(text))?;
            }
        }
        Ok(())
    }
}

/// The runs of a table, each under its title.
pub(crate) fn table<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    rows.into_iter()
        .map(|(title, text)| format!("### {title}\n\n{}\n", text.trim_end_matches('\n')))
        .collect::<Vec<_>>()
        .join("\n")
}
