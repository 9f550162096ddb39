//! `stillholds schema`: the JSON Schemas of what the tool reads and writes.

use clap::ValueEnum;
use stillholds::{model::ExitCode, schema};

use super::{Console, Failure};

/// Print the JSON Schema of a file the tool reads or writes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  stillholds schema project > project.schema.json   # for checks in an editor")]
pub(crate) struct Args {
    /// Of which file
    #[arg(value_enum, value_name = "FILE", default_value = "report")]
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// What `check -o json` writes
    Report,
    /// stillholds.yaml
    Project,
    /// waivers.yaml
    Waivers,
    /// snapshot.yaml
    Manifest,
    /// Facts that `kind: prometheus` collects
    Prometheus,
    /// Facts that `kind: kubernetes` collects
    Kubernetes,
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<ExitCode, Failure> {
        console.print(match self.of {
            Of::Report => schema::REPORT,
            Of::Project => schema::PROJECT,
            Of::Waivers => schema::WAIVERS,
            Of::Manifest => schema::MANIFEST,
            Of::Prometheus => schema::PROMETHEUS,
            Of::Kubernetes => schema::KUBERNETES,
        })?;
        Ok(ExitCode::Clean)
    }
}
