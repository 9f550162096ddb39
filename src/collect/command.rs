//! `command`: what a program prints.

use std::{env, process::Command as Process};

use super::{Collector, Failed, Gathered, Surroundings, Task, file::rounded, program};
use crate::{
    facts::{Format, decode},
    project::{CollectEntry, CollectKind, CommandFormat},
    secret::is_secret_name,
    source::escape,
};

/// A program with its arguments, without a shell. It runs in the project's folder and sees of the environment what is
/// named, and `PATH`, without which few programs find what they need.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) run: Vec<String>,
    pub(super) format: CommandFormat,
    pub(super) env: Vec<String>,
}

impl Collector for Command {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn asks(&self, around: &Surroundings) -> Vec<String> {
        let quoted: Vec<_> = self.run.iter().map(|word| crate::model::Json::from(word.as_str()).to_string()).collect();
        let mut asks = vec![format!("runs [{}]", escape(&quoted.join(", ")))];
        if !self.env.is_empty() {
            asks.push(format!("which sees {}", escape(&self.env.join(", "))));
        }
        asks.extend(consent(around).err().map(|Failed(error)| error));
        asks
    }

    fn collect(&self, task: &Task) -> Result<Gathered, Failed> {
        consent(&task.around)?;
        let [program, arguments @ ..] = self.run.as_slice() else {
            // The project's reader sees to it that there is a program.
            return Err(Failed("there is no program to run".to_owned()));
        };
        let root = task.around.project.root.canonicalize().unwrap_or_else(|_| task.around.project.root.clone());
        // A path is one from the project's folder; a bare name is searched for as everywhere.
        let path = if program.contains('/') { root.join(program) } else { program.into() };
        let mut command = Process::new(path);
        command.args(arguments).current_dir(root).env_clear();
        // Programs do not start without the last one on Windows.
        let seen = self.env.iter().map(String::as_str).chain(["PATH", "SystemRoot"]);
        command.envs(seen.filter_map(|name| Some((name, env::var_os(name)?))));
        let observed = (task.around.clock)();
        let name = escape(program);
        let printed = program::run(command, &name, task.deadline, task.around.limits.decoded)?.success(&name)?;
        let what = "what it printed";
        let decoded = decode(printed, self.format.into(), task.many, what).map_err(Failed)?;
        Ok(Gathered {
            omitted: rounded(what, &decoded).into_iter().collect(),
            nonfinite: decoded.nonfinite,
            ..Gathered::new(decoded.value).observed(observed)
        })
    }
}

/// The values of variables that a program sees and that sound like secrets, which it could repeat.
pub(super) fn secrets(entry: &CollectEntry) -> Vec<String> {
    let CollectKind::Command { env: names, .. } = &entry.kind else { return Vec::new() };
    names.iter().filter(|name| is_secret_name(name)).filter_map(|name| env::var(name).ok()).collect()
}

/// Whether programs may be run, which the project cannot allow itself.
///
/// # Errors
/// They may not.
pub(super) fn consent(around: &Surroundings) -> Result<(), Failed> {
    if around.allow_commands {
        return Ok(());
    }
    Err(Failed(
        "this runs a program, which whoever edits the project file could choose: allow it with `--allow-commands` or \
         STILLHOLDS_ALLOW_COMMANDS=true"
            .to_owned(),
    ))
}

impl From<CommandFormat> for Format {
    fn from(format: CommandFormat) -> Self {
        match format {
            CommandFormat::Json => Self::Json,
            CommandFormat::Yaml => Self::Yaml,
            CommandFormat::Toml => Self::Toml,
            CommandFormat::Ndjson => Self::Ndjson,
            CommandFormat::Csv => Self::Csv,
        }
    }
}
