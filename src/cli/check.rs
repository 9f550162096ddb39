//! `stillholds check`: judges the assumptions and reports.

use std::{env, mem::ManuallyDrop, path::PathBuf, str::FromStr, time::Duration};

use clap::{ValueEnum, builder::BoolishValueParser};
use stillholds::{
    check::{Options, judge, load},
    model::ExitCode,
    report::{Format, Look, render},
};

use super::{
    Console, Failure,
    args::{FactsArgs, ProjectArgs, ReferenceArgs, limit},
    collect::{ReachArgs, gather},
    console::write_file,
    worker,
};

/// Judge the assumptions against the facts
///
/// Exit codes, the same in every format: 0 nothing fails; 1 a decay fails; 2 the tool could not do its job; 3 nothing
/// fails, but nobody can tell about something that could.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stillholds check                       judge everything
  stillholds check 'checkout-*' -v       some, with what the passes rest on
  stillholds check -o json=report.json   for people, and into a file for programs
  stillholds check --allow-unknown       where facts may be old or incomplete
  stillholds check --collect             on facts that are collected first")]
pub(crate) struct Args {
    /// Only these assumptions; `*` stands for any run of characters
    #[arg(value_name = "ID|GLOB")]
    select: Vec<String>,
    /// Write the report as human or json; with =PATH into a file, and the human one stays on the terminal
    #[arg(short, long = "output", value_name = "FORMAT[=PATH]")]
    output: Vec<Output>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    facts: FactsArgs,
    #[command(flatten)]
    references: ReferenceArgs,
    /// Fail on erosions too
    #[arg(long, value_name = "WHAT", env = "STILLHOLDS_FAIL_ON")]
    fail_on: Option<FailOn>,
    /// Pass where nobody can tell, unless what is known so far would fail
    #[arg(long, env = "STILLHOLDS_ALLOW_UNKNOWN", value_parser = BoolishValueParser::new())]
    allow_unknown: bool,
    /// How long one assumption may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = limit, env = "STILLHOLDS_TIMEOUT")]
    timeout: Duration,
    /// Evaluate in a process of its own, so that a rule that ends it, or never ends, is one assumption's error [default:
    /// where `CI` is set]
    #[arg(
        long,
        value_name = "YES|NO",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        value_parser = BoolishValueParser::new(),
        env = "STILLHOLDS_ISOLATE"
    )]
    isolate: Option<bool>,
    /// Collect a new snapshot first, and judge that
    #[arg(long, help_heading = "Collecting")]
    collect: bool,
    /// How long collecting may take
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "60s",
        value_parser = limit,
        env = "STILLHOLDS_COLLECT_TIMEOUT",
        help_heading = "Collecting"
    )]
    collect_timeout: Duration,
    #[command(flatten)]
    reach: ReachArgs,
    /// Show every violation, and each pass with what it was examined on
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    Eroding,
}

/// A format, and where it goes.
#[derive(Debug, Clone)]
struct Output {
    format: Format,
    path: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = match text.split_once('=') {
            Some((_, "")) => return Err("there is no path behind the `=`".to_owned()),
            Some((format, path)) => (format, Some(PathBuf::from(path))),
            None => (text, None),
        };
        Ok(Self { format: format.parse().map_err(|error: stillholds::report::FormatError| error.to_string())?, path })
    }
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<ExitCode, Failure> {
        let to_terminal: Vec<_> =
            self.output.iter().filter(|output| output.path.is_none()).map(|output| output.format).collect();
        if to_terminal.len() > 1 {
            return Err(Failure::new(
                "two formats want the terminal",
                "give all but one a path: `-o json=report.json`",
            ));
        }
        // What came with this run is judged, whatever another run adds meanwhile; a worker is told.
        let mut collected = worker::facts();
        if self.collect && !worker::is_one() {
            let project = self.project.project()?;
            let reach = self.reach.options(self.facts.folder(&project), self.collect_timeout);
            collected = Some(gather(&project, &reach)?.snapshot);
        }
        if self.isolate.unwrap_or_else(in_ci) && !worker::is_one() {
            return worker::supervise(console, self.timeout, collected);
        }
        worker::limit_memory();
        let project = self.project.project()?;
        let options = Options {
            timeout: self.timeout,
            facts: collected.or_else(|| self.facts.folder(&project)),
            references: self.references.folders(&project),
            select: self.select,
            fail_on_eroding: self.fail_on.is_some(),
            allow_unknown: self.allow_unknown,
            watch: worker::watch(),
            ..Options::new(self.facts.now())
        };
        // Giving back the memory of large documents, piece by piece, only to end takes as long as an assumption.
        let loaded = ManuallyDrop::new(load(&project, &options)?);
        let report = judge(&project, &options, &loaded)?;
        let look = Look { verbose: self.verbose, ..console.look() };
        for Output { format, path } in &self.output {
            if let Some(path) = path {
                write_file(path, &render(&report, *format, Look::default()))?;
            }
        }
        console.print(&render(&report, to_terminal.first().copied().unwrap_or_default(), look))?;
        Ok(report.exit_code())
    }
}

/// Whether this runs where policies may come from a stranger.
fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !matches!(value.to_str(), Some("" | "0" | "false")))
}
