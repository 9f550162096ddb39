//! Policies: `.rego` and `.md` files in, assumptions out, with every error of the author's at its place.

mod annotation;
mod error;
mod markdown;
mod module;

pub use error::PolicyError;
pub use module::Module;
