//! The project file `stillholds.yaml`: what people write, checked once into a [`Project`].
//!
//! Nothing behind this door sees the raw file: whoever holds a [`Project`] holds names that can stand in a path of
//! facts, paths that stay below the project's folder, and settings that make sense together.

mod collect;
mod error;
mod files;
mod path;
mod read;
mod reader;
mod settings;

#[cfg(test)]
mod tests;

pub use collect::{
    CollectEntry, CollectKind, CommandFormat, FileAge, OnEmpty, PrometheusList, Query, QueryRange, TraceApi,
};
pub use error::{PathFault, ProjectError};
pub use files::{FoundFile, PolicyFile};
pub use path::Located;
pub use reader::is_name;
pub use settings::{Alias, DefaultSettings, GateSettings, PolicyEntry, Project, Reference, SourceSettings};
