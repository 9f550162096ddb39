//! The command line of `stillholds`: says which assumptions of a design have decayed, and why.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::read();
    let console = cli.console();
    let code = match cli.run(&console) {
        Ok(code) => code,
        Err(failure) => {
            console.failure(&failure);
            stillholds::model::ExitCode::Unusable as u8
        }
    };
    ExitCode::from(code)
}
