//! The commands: one file each, holding its arguments and its run. Clap and printing live here and nowhere else.

mod args;
mod check;
mod collect;
mod console;
mod eval;
mod explain;
mod facts;
mod init;
mod list;
mod schema;
mod test;
mod worker;

use std::env;

use clap::{
    Arg, ColorChoice, Command as Clap, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    builder::Resettable,
};

pub(crate) use self::console::{Console, Failure};

/// Says which assumptions of a design have decayed, and why.
///
/// Assumptions are Rego policies beside the architecture documents; facts are what was collected from the running
/// system. Missing, stale or empty facts never let an assumption hold: they give `unknown`, loudly.
#[derive(Debug, Parser)]
#[command(name = "stillholds", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  stillholds init -C shop && stillholds check -C shop    begin with an example
  stillholds check --help                                what a command can do")]
pub(crate) struct Cli {
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true, env = "STILLHOLDS_COLOR")]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Collect(collect::Args),
    Explain(explain::Args),
    Eval(eval::Args),
    Facts(facts::Args),
    List(list::Args),
    Test(test::Args),
    Init(init::Args),
    Schema(schema::Args),
}

impl Cli {
    /// What was asked for. An environment variable that is set to nothing is not set, as in other programs: that is how
    /// a pipeline unsets one.
    pub(crate) fn read() -> Self {
        let matches = without_empty_variables(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Where this run prints, and how.
    pub(crate) fn console(&self) -> Console {
        Console::new(self.color)
    }

    /// Runs the command, and says with which code the process ends.
    pub(crate) fn run(self, console: &Console) -> Result<u8, Failure> {
        let code = match self.command {
            Command::Check(args) => args.run(console),
            Command::Collect(args) => args.run(console),
            Command::Explain(args) => args.run(console),
            Command::Eval(args) => args.run(console),
            Command::Facts(args) => args.run(console),
            Command::List(args) => args.run(console),
            // It has codes of its own.
            Command::Test(args) => return args.run(console).map(|code| code as u8),
            Command::Init(args) => args.run(console),
            Command::Schema(args) => args.run(console),
        };
        code.map(|code| code as u8)
    }
}

fn without_empty_variables(command: Clap) -> Clap {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg })
        .mut_subcommands(without_empty_variables)
}
