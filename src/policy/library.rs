//! The shipped assumptions, embedded, and which of them a project switches on.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Module, PolicyError};
use crate::{
    model::{MaxAge, Severity, matches},
    source::{At, Place, SourceFile},
};

macro_rules! shipped {
    ($($id:literal),+ $(,)?) => {
        [$(($id, concat!("policies/", $id, ".rego"), include_str!(concat!("../../policies/", $id, ".rego")))),+]
    };
}

/// Id, path and text of every shipped assumption.
pub const SHIPPED: [(&str, &str, &str); 3] =
    shipped!["dependencies/call-still-seen", "dependencies/no-shared-datastore", "dependencies/only-declared-calls",];

/// A line under `library:` in the project file.
#[derive(Debug, Clone, PartialEq)]
pub struct LibraryEntry {
    /// An id, or a pattern over ids.
    pub pattern: String,
    /// Whether it takes out what lines above it took in.
    pub negated: bool,
    /// Where it stands.
    pub place: Place,
    /// What it says otherwise than the assumption's own METADATA.
    pub overrides: Overrides,
}

/// What a project may say otherwise about a shipped assumption.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// How bad its decay is here.
    pub severity: Option<Severity>,
    /// Who answers for it here.
    pub owner: Option<String>,
    /// How old its facts may be here.
    pub max_age: Option<MaxAge>,
    /// The last day on which it stands without a look at it.
    pub review_by: Option<Date>,
    /// The margin under which it erodes here.
    pub eroding_under: Option<f64>,
}

impl Overrides {
    /// These, with `later` ones winning.
    fn with(self, later: &Self) -> Self {
        Self {
            severity: later.severity.or(self.severity),
            owner: later.owner.clone().or(self.owner),
            max_age: later.max_age.or(self.max_age),
            review_by: later.review_by.or(self.review_by),
            eroding_under: later.eroding_under.or(self.eroding_under),
        }
    }
}

/// A shipped assumption that is switched on.
pub(crate) struct Switched {
    pub(crate) place: Place,
    pub(crate) overrides: Overrides,
}

/// The shipped assumptions that the lines switch on, by id, with their modules.
pub(crate) fn switched_on(entries: &[LibraryEntry], errors: &mut Vec<At<PolicyError>>) -> Vec<(Module, Switched)> {
    let mut on: BTreeMap<usize, Switched> = BTreeMap::new();
    for entry in entries {
        let (mut found, mut takes_out) = (false, false);
        for (at, (id, ..)) in SHIPPED.iter().enumerate() {
            if !matches(&entry.pattern, id) {
                continue;
            }
            found = true;
            if entry.negated {
                takes_out |= on.remove(&at).is_some();
                continue;
            }
            let earlier = on.remove(&at).map(|switched| switched.overrides).unwrap_or_default();
            let overrides = earlier.with(&entry.overrides);
            on.insert(at, Switched { place: entry.place.clone(), overrides });
        }
        if !found {
            let known = SHIPPED.iter().map(|(id, ..)| (*id).to_owned()).collect();
            errors
                .push(At::new(PolicyError::NotShipped { pattern: entry.pattern.clone(), known }, entry.place.clone()));
        } else if entry.negated && !takes_out {
            let error = PolicyError::TakesNothingOut { pattern: entry.pattern.clone() };
            errors.push(At::new(error, entry.place.clone()));
        }
    }
    on.into_iter()
        .map(|(at, switched)| {
            let (_, path, text) = SHIPPED[at];
            (Module::of_file(SourceFile::new(format!("stillholds:{path}"), text), false), switched)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_under_policies_is_shipped_with_its_tests() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let files = glob::glob(&format!("{}/**/*.rego", root.display())).unwrap().map(Result::unwrap);
        let on_disk: BTreeSet<_> = files
            .map(|file| file.strip_prefix(&root).unwrap().with_extension("").to_string_lossy().replace('\\', "/"))
            .collect();
        let shipped: BTreeSet<_> =
            SHIPPED.iter().flat_map(|(id, ..)| [(*id).to_owned(), format!("{id}_test")]).collect();
        assert_eq!(on_disk, shipped);
    }
}
