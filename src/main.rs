//! The command `stillholds`.

mod cli;

fn main() {}
