//! What the terminal can show, and errors on it.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{self, IsTerminal, Write as _},
    path::Path,
};

use super::worker;
use clap::ColorChoice;
use miette::{GraphicalReportHandler, GraphicalTheme, ThemeCharacters, ThemeStyles};
use stillholds::{
    report::Look,
    source::{Advice, At, Problem},
};

/// Where a run prints, and how.
#[derive(Debug)]
pub(crate) struct Console {
    out: Look,
    err: Look,
}

/// Why the tool could not do its job.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What people wrote cannot be read.
    Problems(Vec<Problem>),
    /// Something else, with what to do about it.
    Message { message: String, help: Option<String> },
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Message { message: message.into(), help: Some(help.into()) }
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Problems(problems)
    }
}

impl<K: Advice + Send + Sync + 'static> From<At<K>> for Failure {
    fn from(error: At<K>) -> Self {
        Self::Problems(vec![Box::new(error)])
    }
}

const WIDTH: usize = 80;
const WIDEST: usize = 110;

impl Console {
    pub(crate) fn new(color: ColorChoice) -> Self {
        if let Some([out, err]) = worker::looks() {
            return Self { out, err };
        }
        let dumb = env::var("TERM").is_ok_and(|term| term == "dumb");
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env::var(name).ok().filter(|l| !l.is_empty()));
        let utf8 = locale.map_or(cfg!(windows), |locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let width = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let look = |terminal: bool| Look {
            color: match color {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto => terminal && !dumb && !no_color,
            },
            unicode: utf8 && !dumb,
            width: match (width, terminal) {
                (Some(columns), _) => columns,
                (None, true) => terminal_size::terminal_size().map_or(WIDTH, |(columns, _)| usize::from(columns.0)),
                (None, false) => WIDTH,
            }
            .clamp(40, WIDEST),
            verbose: false,
        };
        Self { out: look(io::stdout().is_terminal()), err: look(io::stderr().is_terminal()) }
    }

    /// How standard output looks.
    pub(crate) fn look(&self) -> Look {
        self.out
    }

    /// How standard error looks.
    pub(crate) fn look_of_errors(&self) -> Look {
        self.err
    }

    /// Prints a result. A reader that went away has seen enough.
    #[expect(clippy::unused_self, reason = "whoever prints has a console, which knows how to look there")]
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        if worker::print(text) {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
                format!("standard output cannot be written: {error}"),
                "write to a file with `-o FORMAT=PATH`",
            )),
            _ => Ok(()),
        }
    }

    /// Says on standard error why the tool could not do its job.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut text = String::new();
        match failure {
            Failure::Problems(problems) => {
                let styles = if self.err.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
                let characters = if self.err.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
                let handler = GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
                    .with_links(false)
                    .with_width(self.err.width);
                for problem in problems {
                    // Writing to a string does not fail.
                    let _ = handler.render_report(&mut text, problem.as_ref());
                    text.push('\n');
                }
                let count = problems.len();
                let _ = writeln!(text, "{count} error{}", if count == 1 { "" } else { "s" });
            }
            Failure::Message { message, help } => {
                let _ = writeln!(text, "error: {message}");
                if let Some(help) = help {
                    let _ = writeln!(text, "help: {help}");
                }
            }
        }
        self.complain(&text);
    }

    /// Says something on standard error.
    #[expect(clippy::unused_self, reason = "whoever prints has a console, which knows how to look there")]
    pub(crate) fn complain(&self, text: &str) {
        if !worker::complain(text) {
            // There is nowhere left to say that standard error is gone.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }
}

/// Writes a file as a whole or not at all, as readable as any other that the user makes. What is no ordinary file, such
/// as a pipe, is written into; no folder is made, since a slip in its name would make one that nobody looks into.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    // A link is followed, not replaced.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::new(
            format!("`{}` cannot be written: the folder `{}` does not exist", path.display(), folder.display()),
            "create it, or choose another path",
        ));
    }
    let is_special = target.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    let write = || -> io::Result<()> {
        if is_special {
            return fs::OpenOptions::new().write(true).open(&target)?.write_all(text.as_bytes());
        }
        let mut file = new_file(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    };
    write().map_err(|error| {
        Failure::new(format!("`{}` cannot be written: {error}", path.display()), "choose another path")
    })
}

/// A temporary file is its owner's alone by default; this one becomes a result, which others may read.
fn new_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
