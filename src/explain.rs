//! Everything that is known about one assumption: its report, and what its author wrote.

use crate::{
    check::{Options, check, load_policies},
    model::{Report, matches},
    policy::{Group, Policies},
    project::Project,
    report::Written,
    source::{Advice, At, Location, Problem, escape},
};

/// So many of the assumptions that a pattern names are named.
const SHOWN: usize = 10;

/// What is wrong with the assumption that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// A pattern that is not about one.
    #[error("`{pattern}` names {count} assumptions, and one is explained at a time", count = .ids.len())]
    Several {
        /// As it was given.
        pattern: String,
        /// Those it names.
        ids: Vec<String>,
    },
}

impl Advice for ExplainError {
    fn code(&self) -> &'static str {
        "explain::several_selected"
    }

    fn help(&self) -> Option<String> {
        let Self::Several { ids, .. } = self;
        // In lines of their own they stay in one piece.
        let mut lines: Vec<_> = ids.iter().take(SHOWN).map(|id| format!("  `{}`", escape(id))).collect();
        lines.extend((ids.len() > SHOWN).then(|| format!("  and {} more", ids.len() - SHOWN)));
        Some(format!("choose one of\n{}", lines.join("\n")))
    }
}

/// Judges one assumption, by its id or a pattern that names it alone. The options' own selection is not asked.
///
/// # Errors
/// Everything that people wrote and that cannot be read; a pattern that names none or several.
pub fn explain(project: &Project, options: &Options, pattern: &str) -> Result<(Report, Written), Vec<Problem>> {
    let policies = load_policies(project)?;
    let named: Vec<&Group> = policies.groups.iter().filter(|group| matches(pattern, &group.assumption.id)).collect();
    let written = match named[..] {
        [group] => written(&policies, group),
        // The check says which one was probably meant.
        [] => Written::default(),
        _ => {
            let mut ids: Vec<_> = named.iter().map(|group| group.assumption.id.clone()).collect();
            ids.sort();
            let error = ExplainError::Several { pattern: pattern.to_owned(), ids };
            return Err(vec![Box::new(At::nowhere(error))]);
        }
    };
    let report = check(project, &Options { select: vec![pattern.to_owned()], ..options.clone() })?;
    Ok((report, written))
}

/// The rules of a group, every definition of them, in the order of their files and lines.
fn written(policies: &Policies, group: &Group) -> Written {
    let definitions = group.rules.iter().flat_map(|rule| policies.rules.definitions(&rule.path));
    let mut rules: Vec<Location> = definitions
        .map(|id| policies.rules.modules[id.module].place(policies.rules.rule(*id).span()).location())
        .collect();
    rules.sort();
    let not_followed = group.reads.not_followed.iter().map(|(what, place)| (what.clone(), place.location()));
    Written { rules, not_followed: not_followed.collect() }
}
