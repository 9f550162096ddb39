//! `stillholds collect`: gathers the project's sources into a new snapshot.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use clap::builder::BoolishValueParser;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use stillholds::{
    collect::{self, Collected, Event, Keep, Limits, Options, Outcome, Plan, collect, plan},
    model::{ExitCode, Status},
    project::Project,
    source::escape,
};

use super::{
    Console, Failure,
    args::{ProjectArgs, clock, limit, named},
};

/// Gather the sources that the project file names into a new snapshot
///
/// The snapshot says of every source what was seen, when and how completely; a source that cannot be had is in it as
/// failed. Exit codes: 0 all of it is there; 1 a source failed or is partial; 2 nothing could be collected.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stillholds collect                          every source of `collect`
  stillholds collect --only stock --dry-run   whom one would be asked, and with
                                              which credentials
  stillholds collect --keep 30d               without snapshots that are older")]
pub(crate) struct Args {
    /// Only this source; the others stay as the snapshot before has them, with the ages they have
    #[arg(long, value_name = "SOURCE")]
    only: Vec<String>,
    /// Say whom it would ask for what, ask nobody and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove snapshots but so many of the newest, or but those younger than that
    #[arg(long, value_name = "N|DURATION", env = "STILLHOLDS_KEEP")]
    keep: Option<Keep>,
    /// How long all of it may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = limit, env = "STILLHOLDS_COLLECT_TIMEOUT")]
    timeout: Duration,
    #[command(flatten)]
    reach: ReachArgs,
    #[command(flatten)]
    project: ProjectArgs,
    /// Write into this store instead of the project's
    #[arg(long, value_name = "DIR", env = "STILLHOLDS_FACTS", help_heading = "Project")]
    facts: Option<PathBuf>,
}

/// What collecting may reach.
#[derive(Debug, clap::Args)]
pub(crate) struct ReachArgs {
    /// Run the programs that the project file names
    #[arg(long, env = "STILLHOLDS_ALLOW_COMMANDS", value_parser = BoolishValueParser::new(), help_heading = "Collecting")]
    allow_commands: bool,
    /// Where credentials stand, by origin; others must not be able to read it
    #[arg(long, value_name = "FILE", env = "STILLHOLDS_CREDENTIALS", help_heading = "Collecting")]
    credentials: Option<PathBuf>,
    /// Trust the servers that these authorities vouch for, in PEM [default: those of browsers]
    #[arg(long, value_name = "FILE", env = "STILLHOLDS_CA_FILE", help_heading = "Collecting")]
    ca_file: Option<PathBuf>,
    /// What the place is called that facts are collected from, such as production
    #[arg(long, value_name = "NAME", env = "STILLHOLDS_ENVIRONMENT", help_heading = "Collecting")]
    environment: Option<String>,
}

impl ReachArgs {
    /// What the library is asked for.
    pub(crate) fn options(self, facts: Option<String>, timeout: Duration) -> Options {
        Options {
            facts,
            only: Vec::new(),
            keep: None,
            timeout,
            allow_commands: self.allow_commands,
            credentials: self.credentials,
            ca_file: self.ca_file,
            environment: self.environment,
            limits: Limits::default(),
            clock,
        }
    }
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<ExitCode, Failure> {
        let project = self.project.project()?;
        let facts = self.facts.as_ref().map(|given| named(given, &project));
        let options = Options { only: self.only, keep: self.keep, ..self.reach.options(facts, self.timeout) };
        if self.dry_run {
            console.print(&planned(&plan(&project, &options)?))?;
            return Ok(ExitCode::Clean);
        }
        let outcome = gather(&project, &options)?;
        console.print(&summary(&outcome))?;
        Ok(if outcome.is_complete() { ExitCode::Clean } else { ExitCode::Failed })
    }
}

/// Collects, and says on standard error how far it is.
pub(crate) fn gather(project: &Project, options: &Options) -> Result<Outcome, Failure> {
    end_programs_with_the_run();
    let mut progress = Progress::new();
    let outcome = collect(project, options, &mut |event| progress.tell(&event))?;
    Ok(outcome)
}

/// Programs run in groups of their own, which hear nothing of a `Ctrl-C`.
fn end_programs_with_the_run() {
    #[cfg(unix)]
    if let Ok(mut signals) = signal_hook::iterator::Signals::new(signal_hook::consts::TERM_SIGNALS) {
        std::thread::spawn(move || {
            for signal in signals.forever() {
                collect::end_programs();
                // It ends the run, as it would have without this.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        });
    }
}

/// How far it is: bars on a terminal, a line for each source elsewhere.
enum Progress {
    Bars { all: MultiProgress, bars: BTreeMap<String, ProgressBar> },
    Lines,
}

impl Progress {
    fn new() -> Self {
        if io::stderr().is_terminal() {
            Self::Bars { all: MultiProgress::new(), bars: BTreeMap::new() }
        } else {
            Self::Lines
        }
    }

    fn tell(&mut self, event: &Event<'_>) {
        match (self, event) {
            (Self::Bars { all, bars }, Event::Begin { sources }) => {
                for source in *sources {
                    let bar = all.add(ProgressBar::new_spinner()).with_prefix(source.clone());
                    // The template is known to be one.
                    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed}") {
                        bar.set_style(style);
                    }
                    bar.enable_steady_tick(Duration::from_millis(120));
                    bars.insert(source.clone(), bar);
                }
            }
            (Self::Bars { bars, .. }, Event::Note { source, text }) => {
                if let Some(bar) = bars.get(*source) {
                    bar.set_message(escape(text).into_owned());
                }
            }
            (Self::Bars { bars, .. }, Event::Done { source, .. }) => {
                // The summary tells the rest.
                if let Some(bar) = bars.get(&source.source) {
                    bar.finish_and_clear();
                }
            }
            (Self::Lines, Event::Done { source, took }) => {
                let error = source.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
                let (name, status) = (&source.source, source.status.as_str());
                // There is nowhere left to say that standard error is gone.
                let _ = writeln!(io::stderr(), "{name}: {status} after {:.1} s{error}", took.as_secs_f64());
            }
            (Self::Lines, _) => {}
        }
    }
}

fn planned(plans: &[Plan]) -> String {
    let mut text = String::new();
    for Plan { source, kind, asks } in plans {
        let _ = writeln!(text, "{source} ({kind})");
        for line in asks {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

fn summary(outcome: &Outcome) -> String {
    let width = outcome.sources.iter().map(|source| source.source.len()).max().unwrap_or_default();
    let mut text = format!("{}\n\n", escape(&outcome.snapshot));
    for Collected { source, status, error, omitted, taken_over } in &outcome.sources {
        let from = taken_over.as_ref().map(|from| format!("  as in {from}")).unwrap_or_default();
        let error = error.as_ref().map(|error| format!("  {error}")).unwrap_or_default();
        let line = format!("{source:<width$}  {:<7}{from}{error}", status.as_str());
        let _ = writeln!(text, "{}", line.trim_end());
        for note in omitted {
            let _ = writeln!(text, "{:width$}  {note}", "");
        }
    }
    let count = |status: Status| outcome.sources.iter().filter(|source| source.status == status).count();
    let _ = writeln!(
        text,
        "\n{} ok, {} partial, {} failed",
        count(Status::Ok),
        count(Status::Partial),
        count(Status::Failed)
    );
    if !outcome.removed.is_empty() {
        let _ = writeln!(text, "removed {}", outcome.removed.join(", "));
    }
    text
}
