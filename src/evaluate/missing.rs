//! What is needed and not there, as far as whole sources and paths without iteration show it.

use std::collections::BTreeSet;

use regorus::Value;

use super::{World, presence::value_at, sources};
use crate::{
    model::{Assumption, Note, Path, Reason, Segment},
    policy::{Role, Use},
    spelling::nearest,
};

/// Something needed that is not there.
pub(super) struct Gap<'a> {
    pub(super) one: &'a Use,
    absent: Path,
    pub(super) said: Note,
}

impl Gap<'_> {
    /// Whether it is about one of these sources.
    pub(super) fn is_of(&self, sources: &BTreeSet<&str>) -> bool {
        self.absent.source().is_some_and(|source| sources.contains(source))
    }

    /// Whether another gap is this one, or below it.
    pub(super) fn explains(&self, other: &Self) -> bool {
        other.absent.segments().len() >= self.absent.segments().len() && self.absent.meets(&other.absent)
    }
}

/// Step 4, for paths without iteration: what is needed and absent from facts or design.
pub(super) fn missing<'a>(
    uses: impl Iterator<Item = &'a Use>,
    assumption: &Assumption,
    world: World<'_>,
) -> Vec<Gap<'a>> {
    let mut gaps: Vec<Gap<'a>> = Vec::new();
    for one in uses {
        let is_required = assumption.required.iter().any(|pattern| pattern.covers(&one.path));
        if !(one.is_needed() || is_required) || assumption.optional.iter().any(|pattern| pattern.covers(&one.path)) {
            continue;
        }
        let segments = one.path.segments();
        // A source that is not there is step 2's; `data.reference` and the like are documents as a whole.
        if segments.len() < 3 || segments.contains(&Segment::Any) {
            continue;
        }
        let document = if one.path.key(0) == Some("input") { world.input } else { world.data };
        if one.path.source().is_some_and(|source| input_lacks(world.input, source)) {
            continue;
        }
        let Some(absent) = first_absent(&one.path, document) else { continue };
        if gaps.iter().any(|gap| gap.absent == absent) {
            continue;
        }
        let said = Note {
            reason: Reason::Missing,
            message: if absent == one.path {
                format!("`{absent}` is not there")
            } else {
                format!("`{}` is not there, nor is `{absent}`", one.path)
            },
            help: Some(if is_required && !one.is_needed() {
                format!("`{}` is listed under `required`: see what is there with `stillholds facts`", one.path)
            } else {
                help_for_missing(&absent, document, assumption)
            }),
            location: Some(one.place.location()),
        };
        gaps.push(Gap { one, absent, said });
    }
    gaps
}

fn input_lacks(input: &Value, source: &str) -> bool {
    input.as_object().map_or(true, |sources| sources.get(&Value::from(source)).is_none())
}

/// The path up to the first step that does not exist.
fn first_absent(path: &Path, document: &Value) -> Option<Path> {
    let segments = path.segments();
    (2..=segments.len())
        .map(|end| Path::new(segments[..end].to_vec()))
        .find(|prefix| value_at(prefix, document).is_none())
}

/// Whether the program brought it, so that nobody can write into it.
pub(super) fn is_shipped(assumption: &Assumption) -> bool {
    assumption.rule.path.starts_with("stillholds:")
}

/// How to say that something may be absent.
pub(super) fn as_optional(absent: &str) -> String {
    if absent.starts_with("input.") || absent.starts_with("data.") {
        // A path with quotes of its own stands between the other ones, in which YAML doubles an apostrophe.
        let quoted =
            if absent.contains('"') { format!("'{}'", absent.replace('\'', "''")) } else { format!("\"{absent}\"") };
        format!("write `optional: [{quoted}]` under `custom.assumption` in its METADATA")
    } else {
        "take it with `object.get`, which brings a value where it is absent".to_owned()
    }
}

/// What to do about something that is not there.
pub(super) fn remedy(assumption: &Assumption, absent: &str) -> String {
    if is_shipped(assumption) {
        "mend what delivers it: `stillholds facts` shows what is there".to_owned()
    } else {
        format!("mend what delivers it; if it may be absent, {}", as_optional(absent))
    }
}

fn help_for_missing(absent: &Path, document: &Value, assumption: &Assumption) -> String {
    let parent = Path::new(absent.segments()[..absent.segments().len() - 1].to_vec());
    let siblings: Vec<String> = match value_at(&parent, document) {
        Some(Value::Object(fields)) => {
            fields.iter_sorted().filter_map(|(key, _)| key.as_string().ok().map(ToString::to_string)).collect()
        }
        _ => Vec::new(),
    };
    let key = match absent.segments().last() {
        Some(Segment::Key(key)) => key.as_str(),
        _ => "",
    };
    if let Some(near) = nearest(key, siblings.iter().map(String::as_str)) {
        return format!("did you mean `{}`?", parent.join(Segment::Key(near.to_owned())));
    }
    if absent.source().is_some() {
        remedy(assumption, &absent.to_string())
    } else if absent.key(1) == Some("design") {
        format!("declare it: write `{}` into a design document", design_key(absent))
    } else if let (Some("reference"), Some(name), 3) = (absent.key(1), absent.key(2), absent.segments().len()) {
        format!("name a snapshot under `references` in the project file: `references: {{{name}: {{facts: …}}}}`")
    } else if let (Some("snapshot"), Some("sources"), Some(source), Some(key)) =
        (absent.key(1), absent.key(2), absent.key(3), absent.key(4))
    {
        // The age is counted from when it was observed.
        let key = if key == "age_seconds" { "observed_to" } else { key };
        format!("say it in the snapshot's `snapshot.yaml`, under `sources`: `{source}: {{{key}: …}}`")
    } else {
        remedy(assumption, &absent.to_string())
    }
}

/// `data.design.services.checkout.calls` as the key to write.
fn design_key(path: &Path) -> String {
    let keys: Vec<_> = (2..path.segments().len()).filter_map(|at| path.key(at)).collect();
    let mut text = String::new();
    for key in &keys {
        text.push_str(key);
        text.push_str(": ");
    }
    text.trim_end().to_owned()
}

/// Step 4, for what a collector left out because it was not finite or secret.
pub(super) fn left_out<'a>(uses: &(impl Iterator<Item = &'a Use> + Clone), world: World<'_>) -> Vec<Gap<'a>> {
    let mut gaps: Vec<Gap<'a>> = Vec::new();
    let references = world.references.iter().map(|(name, snapshot)| (format!("data.reference.{name}"), snapshot));
    let snapshots: Vec<_> = std::iter::once(("input".to_owned(), world.snapshot)).chain(references).collect();
    let sources =
        snapshots.iter().flat_map(|(root, snapshot)| snapshot.sources.iter().map(move |source| (root, source)));
    for (root, source) in sources {
        for (path, why) in sources::left_out(source, root) {
            let Some(one) = uses.clone().find(|one| {
                let is_below = one.path.segments().len() >= path.segments().len();
                match one.role {
                    Role::Excused => false,
                    // What is taken as it is lacks what is left out of it.
                    Role::Value => one.path.meets(&path),
                    _ => is_below && one.path.meets(&path),
                }
            }) else {
                continue;
            };
            let said = Note {
                reason: Reason::Missing,
                message: format!("`{path}` was {why}"),
                help: Some("without it nobody can tell: mend what delivers it, or read something else".to_owned()),
                location: Some(one.place.location()),
            };
            gaps.push(Gap { one, absent: path, said });
        }
    }
    gaps
}
