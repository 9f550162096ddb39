//! `stillholds explain`: everything known about one assumption.

use std::time::Duration;

use clap::ValueEnum;
use stillholds::{
    check::Options,
    explain::explain,
    model::ExitCode,
    report::{Format, Look, render, render_explained},
};

use super::{Console, Failure, args::FactsArgs, args::ProjectArgs, args::ReferenceArgs, args::limit};

/// Explain one assumption: its rules, its verdict and why, what it reads, what that rests on
///
/// Every violation is shown in full, with the values its conditions saw and the facts in their files. As JSON it is the
/// report of `check` about this assumption alone. Exit codes: 0, whatever the verdict is; 2 the tool could not do its
/// job.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  stillholds explain checkout-dependencies
  stillholds explain checkout-dependencies --facts facts-staging
  stillholds explain checkout-dependencies -o json | jq '.assumptions[0].reads'")]
pub(crate) struct Args {
    /// The assumption, or a pattern that names it alone
    #[arg(value_name = "ID")]
    id: String,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", default_value = "human")]
    output: Output,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    facts: FactsArgs,
    #[command(flatten)]
    references: ReferenceArgs,
    /// How long it may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = limit, env = "STILLHOLDS_TIMEOUT")]
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    Human,
    Json,
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<ExitCode, Failure> {
        let project = self.project.project()?;
        let options = Options {
            timeout: self.timeout,
            facts: self.facts.folder(&project),
            references: self.references.folders(&project),
            ..Options::new(self.facts.now())
        };
        let (report, written) = explain(&project, &options, &self.id)?;
        console.print(&match self.output {
            Output::Human => render_explained(&report, &written, console.look()),
            Output::Json => render(&report, Format::Json, Look::default()),
        })?;
        Ok(ExitCode::Clean)
    }
}
