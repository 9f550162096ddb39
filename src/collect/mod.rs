//! Collecting: the project's `collect` in, a snapshot out that a check can trust.
//!
//! Each source has a [`Collector`]; they run side by side, each with a deadline. What comes back is written into a store
//! as a snapshot that says of every source what was seen, when, how completely, and what could not be seen. A source
//! that cannot be had is `failed` with its error and never stops the others.
//!
//! Collecting reaches out, checking does not. What a pull request can edit chooses neither whom credentials go to nor
//! what is run: credentials belong to origins and stand outside of the project, and commands need the consent of
//! whoever starts the run.

mod alias;
mod command;
mod credentials;
mod deadline;
mod error;
mod file;
mod frame;
mod gathered;
mod http;
mod kubernetes;
mod manifest;
mod parallel;
mod program;
mod prometheus;
mod secrets;
mod shape;
mod store;
mod web;

pub use alias::{Aliases, TwoComponents};
pub use credentials::{Credential, Credentials};
pub use deadline::Deadline;
pub use error::CollectError;
pub use frame::{Collected, Collector, Event, Limits, Options, Outcome, Plan, Surroundings, Task, collect, plan};
pub use gathered::{Failed, Gathered};
pub use program::end_programs;
pub use shape::Shape;
pub use store::Keep;
