//! `stillholds init`: a small project that checks at once and holds, to change step by step into one's own.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use stillholds::{
    model::ExitCode,
    project::Project,
    source::{Advice, At},
};

use super::{Console, Failure};

/// Begin a project: a commented project file, one assumption in a page, its design and one file of facts
///
/// Nothing is ever overwritten; in a folder that has a project nothing changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stillholds init -C shop && stillholds check -C shop")]
pub(crate) struct Args {
    /// Write into this folder
    #[arg(short = 'C', value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<ExitCode, Failure> {
        let written = write(&self.dir)?;
        let is_here = self.dir == Path::new(".");
        let shown = |path: &str| if is_here { path.to_owned() } else { self.dir.join(path).display().to_string() };
        let mut text = String::new();
        for path in written {
            let _ = writeln!(text, "wrote {}", shown(path));
        }
        let dir = if is_here { String::new() } else { format!(" -C {}", self.dir.display()) };
        let _ = write!(
            text,
            "\nNow run `stillholds check{dir}`. Then change the number in {} and run it again.\n",
            shown("facts/load.json")
        );
        console.print(&text)?;
        Ok(ExitCode::Clean)
    }
}

/// The files of the example by their paths; the project file comes last, so that a folder is a project only once
/// everything else is there.
pub(crate) const FILES: [(&str, &str); 4] = [
    ("docs/architecture.md", include_str!("init/architecture.md")),
    ("design/services.yaml", include_str!("init/services.yaml")),
    ("facts/load.json", include_str!("init/load.json")),
    (Project::FILE, include_str!("init/stillholds.yaml")),
];

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InitError {
    /// There is nothing to begin.
    #[error("this folder already has a `stillholds.yaml`")]
    AlreadyAProject,
    /// Something stands where a file of the example would go.
    #[error("`{0}` is already there")]
    InTheWay(String),
    /// The file system says no.
    #[error("`{path}` cannot be written: {reason}")]
    Unwritable {
        /// What was to be written.
        path: String,
        /// Why not.
        reason: String,
    },
}

impl Advice for InitError {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyAProject => "init::already_a_project",
            Self::InTheWay(_) => "init::in_the_way",
            Self::Unwritable { .. } => "init::unwritable",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::AlreadyAProject => Some("nothing was changed; `stillholds check` checks it".to_owned()),
            Self::InTheWay(_) => Some(
                "nothing was changed; begin in another folder with `stillholds init -C DIR`, or write a \
                 `stillholds.yaml` of two lines: `version: 1` and `policies: [\"docs/**/*.md\"]`"
                    .to_owned(),
            ),
            Self::Unwritable { .. } => None,
        }
    }
}

/// Writes the example into `folder`, which is made if it is not there, and returns the paths of what was written.
///
/// # Errors
/// The folder has a project, or something else where the example would go, or cannot be written. Then it is as it was
/// before, but for folders that were made.
pub(crate) fn write(folder: &Path) -> Result<Vec<&'static str>, At<InitError>> {
    if exists(&folder.join(Project::FILE)) {
        return Err(At::nowhere(InitError::AlreadyAProject));
    }
    let in_the_way = FILES.iter().map(|(path, _)| *path).find(|path| exists(&folder.join(path)));
    // Whatever lies in the folder of facts is a source, so the example needs one of its own.
    let facts = fs::read_dir(folder.join("facts")).is_ok_and(|mut entries| entries.next().is_some());
    if let Some(path) = in_the_way.or(facts.then_some("facts")) {
        return Err(At::nowhere(InitError::InTheWay(path.to_owned())));
    }
    let mut written = Vec::new();
    for (path, text) in FILES {
        if let Err(error) = create(&folder.join(path), text, || written.push(path)) {
            for path in written {
                // Whatever cannot be taken back is left: the error that follows names the cause.
                let _ = fs::remove_file(folder.join(path));
            }
            let reason = error.to_string();
            return Err(At::nowhere(InitError::Unwritable { path: path.to_owned(), reason }));
        }
    }
    Ok(written)
}

/// Also a link that leads nowhere is something.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Creates a file; `created` is called once it is there, before it has its text.
fn create(path: &Path, text: &str, created: impl FnOnce()) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create_new(path)?;
    created();
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use regorus::{Engine, Value};

    use super::*;

    /// What the rules of the example give, by rule.
    fn evaluate(folder: &Path, rule: &str) -> Value {
        let read = |path: &str| fs::read_to_string(folder.join(path)).unwrap();
        let page = read("docs/architecture.md");
        let policy = page.split("```rego\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let design: serde_json::Value = serde_yaml::from_str(&read("design/services.yaml")).unwrap();
        let facts: serde_json::Value = serde_json::from_str(&read("facts/load.json")).unwrap();
        let mut engine = Engine::new();
        engine.add_policy("architecture.md".to_owned(), policy.to_owned()).unwrap();
        engine.add_data(Value::from(serde_json::json!({"design": design}))).unwrap();
        engine.set_input(Value::from(serde_json::json!({"load": facts})));
        engine.eval_rule(format!("data.architecture.latency.{rule}")).unwrap()
    }

    fn json(value: &Value) -> serde_json::Value {
        serde_json::from_str(&value.to_json_str().unwrap()).unwrap()
    }

    #[test]
    fn the_example_is_a_project_that_holds_until_one_number_changes() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("shop");
        assert_eq!(
            write(&root).unwrap(),
            ["docs/architecture.md", "design/services.yaml", "facts/load.json", "stillholds.yaml"]
        );
        let project = Project::load(&root).unwrap();
        assert_eq!(project.policy_files().unwrap().len(), 1);
        assert_eq!(project.expand(&project.design).unwrap().len(), 1);
        assert_eq!(project.facts, "facts");

        assert_eq!(json(&evaluate(&root, "subjects")), serde_json::json!(["checkout", "web"]));
        assert_eq!(json(&evaluate(&root, "violation")), serde_json::json!([]));
        for measure in json(&evaluate(&root, "measure")).as_array().unwrap() {
            let (value, limit) = (measure["value"].as_f64().unwrap(), measure["limit"].as_f64().unwrap());
            assert!((limit - value) / limit > project.defaults.eroding_under, "{measure}");
        }
        let facts = root.join("facts/load.json");
        let slow = fs::read_to_string(&facts).unwrap().replace("310", "450");
        fs::write(&facts, slow).unwrap();
        assert_eq!(
            json(&evaluate(&root, "violation")),
            serde_json::json!([
                {"msg": "checkout takes 450 ms at p99, but its design allows 400 ms", "subject": "checkout"}
            ])
        );
    }

    #[test]
    fn what_is_commented_out_can_be_used() {
        let text = FILES[3].1;
        let uncommented: String = text
            .lines()
            .map(|line| {
                let setting = ["# library", "# defaults"].iter().any(|start| line.starts_with(start));
                if setting { format!("{}\n", &line[2..]) } else { format!("{line}\n") }
            })
            .collect();
        let file = stillholds::source::SourceFile::new(Project::FILE, uncommented);
        let project = Project::parse(Path::new("shop"), &file).unwrap();
        assert_eq!(project.library.len(), 1);
        assert!(project.defaults.max_age.is_some());
    }

    #[test]
    fn nothing_is_ever_overwritten() {
        let said = |error: At<InitError>| format!("{error}: {}", error.kind.help().unwrap_or_default());
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        fs::write(folder.path().join("facts/load.json"), "mine").unwrap();
        insta::assert_snapshot!(said(write(folder.path()).unwrap_err()), @"this folder already has a `stillholds.yaml`: nothing was changed; `stillholds check` checks it");
        assert_eq!(fs::read_to_string(folder.path().join("facts/load.json")).unwrap(), "mine");

        fs::remove_file(folder.path().join(Project::FILE)).unwrap();
        fs::remove_file(folder.path().join("docs/architecture.md")).unwrap();
        let in_the_way = write(folder.path()).unwrap_err();
        assert_eq!(in_the_way.kind, InitError::InTheWay("design/services.yaml".to_owned()));
        assert!(!folder.path().join("docs/architecture.md").exists() && !folder.path().join(Project::FILE).exists());

        let other = tempfile::tempdir().unwrap();
        fs::create_dir(other.path().join("facts")).unwrap();
        fs::write(other.path().join("facts/stock.json"), "{}").unwrap();
        assert_eq!(write(other.path()).unwrap_err().kind, InitError::InTheWay("facts".to_owned()));

        let blocked = tempfile::tempdir().unwrap();
        fs::write(blocked.path().join("design"), "a file").unwrap();
        assert!(matches!(write(blocked.path()).unwrap_err().kind, InitError::Unwritable { .. }));
        assert!(!blocked.path().join("docs/architecture.md").exists(), "what was begun is taken back");
    }
}
