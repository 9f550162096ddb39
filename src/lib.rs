//! `stillholds` says which assumptions of a design have decayed, and why.
//!
//! ```text
//!  roof      main.rs  cli/                               the binary: clap and printing live here and nowhere else
//!            ───────────────────────────────────────── crate boundary, enforced by the compiler
//!  floor 3   check.rs   explain.rs   project/            the spine, and all of one assumption; the project file
//!            eval.rs    test.rs   given.rs               a query; the tests; files that the command line names
//!            collect/                                   sources → snapshot
//!  floor 2   evaluate/                                   policies × facts → verdicts
//!  floor 1   policy/   facts/   report/
//!  ground    model/   source.rs  yaml.rs  schema.rs      the nouns; files, spans and errors at places; schemas
//!            spelling.rs  text.rs  secret.rs           the word that was meant; values in messages, and which not to show
//!            quiet.rs                                   work that may break
//!
//!  sources ──collect──▶ snapshot folder
//!
//!  snapshot folder ──facts::load───▶ Facts ───┐
//!                                             ├─evaluate──▶ Judged ──check──▶ Report ──render──▶ bytes
//!  .rego, .md ──────policy::load───▶ Policies ┘
//! ```
//!
//! Imports point down only; `collect` alone reaches out. Evaluation is a pure function of policies, facts and `now`: no
//! network, no clock, no environment inside it.

pub mod check;
pub mod collect;
pub mod eval;
pub mod evaluate;
pub mod explain;
pub mod facts;
#[cfg(test)]
mod fuzz;
mod given;
pub mod model;
pub mod policy;
pub mod project;
mod quiet;
pub mod report;
pub mod schema;
pub mod secret;
pub mod source;
pub mod spelling;
pub mod test;
mod text;
pub mod yaml;
