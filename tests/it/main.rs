//! The program as people run it: its messages, verdicts, exit codes and files.

mod commands;
mod errors;
mod harness;
mod help;
mod literate;
mod metadata;
mod verdicts;
