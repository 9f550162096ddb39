//! For whoever runs the evaluation in a process of its own: which assumption is being evaluated, and which are not to be.

use std::collections::{BTreeMap, BTreeSet};

/// What a process is told that evaluates for another one, and whom it tells.
///
/// Some rules end the process that evaluates them, or stay in one call of a built-in for hours: no limit inside can stop
/// them. The other process sees which it was, and starts the next one without it.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Told when an evaluation of an assumption begins (`true`) and when it has ended.
    pub notice: Option<fn(id: &str, begins: bool)>,
    /// The assumptions that are not evaluated, with what they did.
    pub stopped: BTreeMap<String, String>,
    /// The assumptions to evaluate one by one, before all others.
    pub suspects: BTreeSet<String>,
}

impl Watch {
    /// Evaluates something of an assumption.
    pub(super) fn over<T>(&self, id: &str, evaluate: impl FnOnce() -> T) -> T {
        let Some(notice) = self.notice else { return evaluate() };
        notice(id, true);
        let result = evaluate();
        notice(id, false);
        result
    }
}
