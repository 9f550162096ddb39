//! Rules as they stand, whether or not they make an assumption: for queries.

use std::collections::BTreeSet;

use super::{Module, PolicyError, precheck, rules::Rules, sort, syntax, with_room};
use crate::source::At;

/// Loads the rules of modules. Documents are the roots below `data` that are no rules; a path below `data` that leads
/// nowhere is undefined.
///
/// # Errors
/// Everything that is wrong with them, in the order of files and lines.
pub(crate) fn any_rules(modules: &[Module], documents: &BTreeSet<String>) -> Result<Rules, Vec<At<PolicyError>>> {
    with_room(|| {
        let (mut errors, mut parsed, mut unreadable) = (Vec::new(), Vec::new(), BTreeSet::new());
        for module in modules {
            match syntax::parse(module.clone()) {
                Ok(module) => parsed.push(module),
                Err(error) => {
                    errors.push(*error);
                    unreadable.extend(Some(module.package()).filter(|package| !package.is_empty()));
                }
            }
        }
        let rules = Rules::new(parsed);
        precheck::check(&rules, documents, &unreadable, &mut errors);
        errors.retain(|error| !matches!(error.kind, PolicyError::Nowhere { .. }));
        if errors.is_empty() {
            return Ok(rules);
        }
        let files: Vec<_> = modules.iter().map(|module| &module.file).collect();
        sort(&mut errors, &files);
        Err(errors)
    })
}
