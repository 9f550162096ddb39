//! Facts: a snapshot folder in, the documents that policies see out, with where they come from.
//!
//! What is wrong with the folder or its manifest stops the run, all of it at once. What is wrong with one fact file
//! makes its source failed and leaves the others to be judged.

mod declared;
mod document;
mod error;
mod folder;
mod given;
mod load;
mod locate;
mod manifest;
mod places;
mod provenance;
mod shape;

pub use declared::{Declared, Documents, declared};
pub use document::Format;
pub(crate) use document::{Decoded, decode};
pub use error::FactsError;
pub(crate) use error::said;
pub(crate) use folder::MANIFEST;
pub use folder::{Layout, is_snapshot_name, layout};
pub use given::{DataFile, data, input};
pub(crate) use load::digest;
pub use load::{FactFile, Facts, Settings, load};
pub use locate::{Found, locate, locations};
pub(crate) use places::places;
pub use provenance::provenance;
pub(crate) use provenance::unnamed;
pub use shape::{Example, Row, Shape, ShapePath, Step, Type, shape, values_at};
