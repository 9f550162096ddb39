//! `stillholds test`: the tests of policies.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use jiff::Timestamp;
use regex::Regex;
use stillholds::{
    model::{TestExit, TestRun},
    report::{Look, TestFormat, render_tests},
    test::{Settings, test_files, test_project},
};

use super::{
    Console, Failure,
    args::ProjectArgs,
    args::{limit, now, time},
};

/// Run the tests of the policies
///
/// A test is a rule whose name begins with `test_`, in a file whose name ends with `_test.rego` or in a fence of a page
/// marked `rego test`. It passes if it is true. `todo_test_` is skipped; of `test_x[name]` every name is a case of its
/// own. Tests bring their facts and their design with them: `… with input as … with data.design as …`. Exit codes, as
/// of `opa test`: 0 all passed; 1 the policies cannot be loaded; 2 something failed or was skipped, or no test was
/// found.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "those of `opa test`, each a flag of its own")]
#[command(after_help = "Examples:
  stillholds test                        the tests of the project
  stillholds test policy -v              those in a folder, also what passes
  stillholds test -r 'checkout.*limit'   some
  stillholds test --threshold 90         and 90 % of the lines reached
  stillholds test -f junit > tests.xml   for a build server")]
pub(crate) struct Args {
    /// Test these files and folders instead of the project; documents called `data.json` or `data.yaml` are loaded too
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Show what passes too
    #[arg(short, long)]
    verbose: bool,
    /// Run only tests whose full name, as `data.shop_test.test_limit`, matches
    #[arg(short, long, value_name = "REGEX")]
    run: Option<Regex>,
    /// How to write the results
    #[arg(short, long, value_name = "FORMAT", default_value = "pretty")]
    format: Format,
    /// Say which lines and rules of the policies the tests reach; as JSON it is that instead of the results
    #[arg(short, long)]
    coverage: bool,
    /// Fail if less than so many percent of the lines are reached
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    threshold: Option<f64>,
    /// Pass with skipped tests
    #[arg(short = 'z', long)]
    exit_zero_on_skipped: bool,
    /// How long one test may take
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = limit)]
    timeout: Duration,
    /// The time it is, in RFC 3339 [default: the clock]
    #[arg(long, value_name = "TIME", value_parser = time, env = "STILLHOLDS_NOW")]
    now: Option<Timestamp>,
    /// Read Rego as it was before OPA 1.0; in a project its file says so
    #[arg(long, requires = "paths")]
    v0_compatible: bool,
    #[command(flatten)]
    project: ProjectArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Pretty,
    /// As `opa test` writes it
    Json,
    /// For build servers
    Junit,
}

impl Args {
    pub(crate) fn run(self, console: &Console) -> Result<TestExit, Failure> {
        let run = match self.tested() {
            Ok(run) => run,
            Err(failure) => {
                console.failure(&failure);
                return Ok(TestExit::Unloadable);
            }
        };
        let look = Look { verbose: self.verbose, ..console.look() };
        let format = match self.format {
            Format::Pretty => TestFormat::Pretty,
            Format::Json => TestFormat::Json,
            Format::Junit => TestFormat::Junit,
        };
        console.print(&render_tests(&run, format, look))?;
        let exit = run.exit(self.threshold, self.exit_zero_on_skipped);
        if let Some(failure) = self.said(&run) {
            console.failure(&failure);
        }
        Ok(exit)
    }

    fn tested(&self) -> Result<TestRun, Failure> {
        let coverage = self.coverage || self.threshold.is_some();
        let settings = Settings { now: now(self.now), timeout: self.timeout, coverage };
        Ok(if self.paths.is_empty() {
            test_project(&self.project.project()?, self.run.as_ref(), &settings)?
        } else {
            test_files(&self.paths, self.v0_compatible, self.run.as_ref(), &settings)?
        })
    }

    /// Why it fails, where no test does.
    fn said(&self, run: &TestRun) -> Option<Failure> {
        let counts = run.counts();
        if counts.total() == 0 {
            return Some(match &self.run {
                Some(only) => Failure::new(format!("no test matches `{only}`"), "`stillholds test -v` names them all"),
                None => Failure::new(
                    "no test was found",
                    "write rules whose names begin with `test_`, in a file `…_test.rego` or in a fence `rego test`",
                ),
            });
        }
        let (threshold, coverage) = (self.threshold?, run.coverage.as_ref()?);
        (coverage.percent() < threshold).then(|| {
            let reached = format!("{:.2} % of the lines are reached, and {threshold} % should be", coverage.percent());
            Failure::new(reached, "the lines that are not are named above")
        })
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("write a number from 0 to 100".to_owned()),
    }
}
