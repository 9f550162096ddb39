//! The program as people run it: its messages, verdicts, exit codes and files.

mod collect;
mod collect_commands;
mod commands;
mod errors;
mod eval;
mod examples;
mod formats;
mod harness;
mod help;
mod isolate;
mod literate;
mod metadata;
mod missing;
mod mutations;
mod opa;
mod others;
mod properties;
mod readme;
mod references;
mod shipped;
mod sources;
mod test;
mod verdicts;
mod walks;
mod why;
