//! What can be wrong with policies.

use crate::source::Advice;

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The engine's parser says so.
    #[error("{0}")]
    Syntax(String),
}

impl Advice for PolicyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "policy::syntax",
        }
    }
}
