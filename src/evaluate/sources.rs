//! The state of the sources an assumption reads: collected or not, failed, too old, partial, with gaps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Settings;
use crate::{
    model::{Age, Assumption, MaxAge, Note, Path, Reason, Segment, Snapshot, Source, Status},
    policy::{Role, Use},
    source::Location,
};

/// A time may lie this far in the future before it counts as wrong.
const CLOCK_SKEW_SECONDS: i64 = 300;

/// How an assumption reads one source.
pub(super) struct Reading<'a> {
    pub(super) name: &'a str,
    /// What it reads of it.
    read: Parts<'a>,
    /// What it looks for in it under `not`, in a comprehension or in `every`: what was not collected can make it fire.
    sought: Parts<'a>,
    /// What it iterates over, or asks whether it is there: what was not collected can keep `holds` from being true.
    open: Parts<'a>,
    /// Whether absence is an answer for everything it reads of it.
    excused: bool,
    /// Whether it asks for absence in it, or counts: under `not`, in a comprehension or in `every`.
    pub(super) negated: bool,
    place: Location,
}

/// First segments of paths below a source.
#[derive(Default)]
struct Parts<'a> {
    /// The source is read as a whole, or through a variable.
    whole: bool,
    named: BTreeSet<&'a str>,
}

impl<'a> Parts<'a> {
    fn add(&mut self, path: &'a Path) {
        match path.segments().get(2) {
            Some(Segment::Key(part)) => {
                self.named.insert(part);
            }
            _ => self.whole = true,
        }
    }

    fn has(&self, part: &str) -> bool {
        self.whole || self.named.contains(part)
    }
}

/// The sources that an assumption reads, by name. One that reads `input` as a whole, or through a variable, reads all
/// that were collected.
pub(super) fn readings<'a>(
    uses: impl Iterator<Item = &'a Use>,
    assumption: &Assumption,
    snapshot: &'a Snapshot,
) -> Vec<Reading<'a>> {
    let mut readings: BTreeMap<&str, Reading<'a>> = BTreeMap::new();
    for one in uses {
        let names: Vec<&str> = match one.path.source() {
            Some(name) => vec![name],
            None if one.path.key(0) == Some("input") => snapshot.sources.iter().map(|s| s.name.as_str()).collect(),
            None => continue,
        };
        let excused = one.role == Role::Excused || assumption.optional.iter().any(|pattern| pattern.covers(&one.path));
        for name in names {
            let reading = readings.entry(name).or_insert_with(|| Reading {
                name,
                read: Parts::default(),
                sought: Parts::default(),
                open: Parts::default(),
                excused: true,
                negated: false,
                place: one.place.location(),
            });
            reading.read.add(&one.path);
            if one.sought {
                reading.sought.add(&one.path);
            }
            if one.sought
                || !matches!(one.role, Role::Value | Role::Name)
                || one.path.segments().contains(&Segment::Any)
            {
                reading.open.add(&one.path);
            }
            reading.excused &= excused;
            reading.negated |= one.negated;
        }
    }
    readings.into_values().collect()
}

/// Step 2: what was not collected, failed, or is too old.
pub(super) fn unusable(
    readings: &[Reading<'_>],
    assumption: &Assumption,
    snapshot: &Snapshot,
    settings: &Settings,
) -> Vec<Note> {
    let mut said = Vec::new();
    for reading in readings {
        let Some(source) = snapshot.source(reading.name) else {
            if !reading.excused {
                said.push(not_collected(reading, snapshot));
            }
            continue;
        };
        let at = || Some(reading.place.clone());
        if source.status == Status::Failed {
            let why = source.error.as_deref().unwrap_or("the collector gave no reason");
            said.push(Note {
                reason: Reason::Failed,
                message: format!("the source `{}` failed: {why}", source.name),
                help: Some(if source.in_manifest && source.file.is_none() {
                    format!("mend what its collector met, then collect `{}` again", source.name)
                } else {
                    "mend the file or collect it again".to_owned()
                }),
                location: at(),
            });
            continue;
        }
        for (name, part) in parts(reading, source) {
            if part.status == Status::Failed {
                let why = part.error.as_deref().unwrap_or("the collector gave no reason");
                said.push(Note {
                    reason: Reason::Failed,
                    message: format!("the part `{name}` of the source `{}` failed: {why}", source.name),
                    help: Some(format!("mend what its collector met, then collect `{}` again", source.name)),
                    location: at(),
                });
            }
        }
        if let Some(MaxAge::Limit(limit)) = limit_of(source, assumption, settings) {
            let of_parts: Vec<_> = parts(reading, source).map(|(name, part)| (Some(name), part.observed_to)).collect();
            let ages = if of_parts.is_empty() { vec![(None, source.observed_to)] } else { of_parts };
            for (part, observed) in ages {
                // A part without a time of its own was observed with its source.
                let observed = observed.or(source.observed_to);
                let help = match observed {
                    None => say_observed(source),
                    Some(observed) if observed > settings.now => {
                        "set the clock of what collected it, then collect it again".to_owned()
                    }
                    Some(_) => "collect it again".to_owned(),
                };
                if let Some(message) = too_old(&source.name, part, observed, limit, settings.now) {
                    said.push(Note { reason: Reason::Stale, message, help: Some(help), location: at() });
                }
            }
        }
    }
    said.sort_by_key(|said| said.reason);
    said
}

/// How to say when a source was observed: with lines to paste, in which the time stays to be filled in.
fn say_observed(source: &Source) -> String {
    let name = &source.name;
    let file = source.file.as_deref().and_then(|file| file.rsplit('/').next()).unwrap_or_default();
    let otherwise = format!("or say `sources: {{{name}: {{max_age: none}}}}` in the project file");
    if source.in_manifest {
        format!(
            "say when it was observed, below `{name}` in the snapshot's `snapshot.yaml`; {otherwise}\n\
             observed_to: YYYY-MM-DDThh:mm:ssZ"
        )
    } else {
        format!(
            "name it below `sources` in the snapshot's `snapshot.yaml` (`version: 1`), with the SHA-256 of its file and \
             when it was observed; {otherwise}\n\
             {name}: {{file: {file}, sha256: HEX, status: ok, observed_to: YYYY-MM-DDThh:mm:ssZ}}"
        )
    }
}

/// What was not collected and need not be: a pass rests on its absence.
pub(super) fn absent(readings: &[Reading<'_>], snapshot: &Snapshot) -> Vec<Note> {
    let absent = readings.iter().filter(|reading| reading.excused && snapshot.source(reading.name).is_none());
    absent
        .map(|reading| Note {
            reason: Reason::Absence,
            message: format!("rests on absence: the source `{}` was not collected", reading.name),
            help: None,
            location: Some(reading.place.clone()),
        })
        .collect()
}

/// Whether a source, or a part of it, claims to be observed later than clocks differ; with the time it names.
pub(crate) fn ahead(source: &Source, now: Timestamp) -> Option<Timestamp> {
    let times = source.parts.values().filter_map(|part| part.observed_to).chain(source.observed_to);
    times.max().filter(|observed| observed.as_second() - now.as_second() > CLOCK_SKEW_SECONDS)
}

fn not_collected(reading: &Reading<'_>, snapshot: &Snapshot) -> Note {
    let known: Vec<_> = snapshot.sources.iter().map(|source| source.name.as_str()).collect();
    let near = crate::spelling::nearest(reading.name, known.iter().copied());
    let help = match (near, known.is_empty()) {
        (Some(near), _) => format!(
            "did you mean `input.{near}`? else collect it as `{0}`, or list `input.{0}` under `optional` if it may be absent",
            reading.name
        ),
        (None, true) => format!("the snapshot has no sources at all: put `{}.json` into it", reading.name),
        (None, false) => format!(
            "collected are {}: collect `{1}` too, or list `input.{1}` under `optional` if it may be absent",
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            reading.name
        ),
    };
    Note {
        reason: Reason::Missing,
        message: format!("the source `{}` was not collected", reading.name),
        help: Some(help),
        location: Some(reading.place.clone()),
    }
}

/// The parts of a source that are read: all of them where it is read as a whole.
fn parts<'a>(reading: &'a Reading<'_>, source: &'a Source) -> impl Iterator<Item = (&'a str, &'a crate::model::Part)> {
    source.parts.iter().map(|(name, part)| (name.as_str(), part)).filter(|(name, _)| reading.read.has(name))
}

fn limit_of(source: &Source, assumption: &Assumption, settings: &Settings) -> Option<MaxAge> {
    settings.source_max_age.get(&source.name).copied().or(assumption.max_age).or(settings.max_age)
}

fn too_old(
    source: &str,
    part: Option<&str>,
    observed: Option<Timestamp>,
    limit: Age,
    now: Timestamp,
) -> Option<String> {
    let what = match part {
        Some(part) => format!("the part `{part}` of the source `{source}`"),
        None => format!("the source `{source}`"),
    };
    let Some(observed) = observed else {
        return Some(format!("the age of {what} is not known, and it may be {limit} old at most"));
    };
    let age = now.as_second() - observed.as_second();
    if age < -CLOCK_SKEW_SECONDS {
        return Some(format!("{what} claims to be observed at {observed}, which is still to come"));
    }
    let age = Age::from_seconds(u64::try_from(age).unwrap_or(0));
    let over = age.seconds().checked_sub(limit.seconds()).filter(|over| *over > 0)?;
    // An age is shown in its largest units, in which it may be the same as the limit.
    Some(if age.to_string() == limit.to_string() {
        format!("{what} may be {limit} old at most, and is {} older", Age::from_seconds(over))
    } else {
        format!("{what} is {age} old, and may be {limit} old at most")
    })
}

/// Step 5: sources or parts that were collected in part.
pub(super) fn partial(readings: &[Reading<'_>], snapshot: &Snapshot) -> Vec<Note> {
    let mut said = Vec::new();
    for reading in readings {
        let Some(source) = snapshot.source(reading.name) else { continue };
        let partial_parts: Vec<_> = parts(reading, source).filter(|(_, part)| part.status == Status::Partial).collect();
        let whole = is_partial_beside_parts(&reading.read, source);
        let mut say = |what: String, why: Option<&str>| {
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            said.push(Note {
                reason: Reason::Partial,
                message: format!("{what} was collected in part{why}"),
                help: Some("what was not collected could speak against it: collect it again in full".to_owned()),
                location: Some(reading.place.clone()),
            });
        };
        if whole {
            say(format!("the source `{}`", source.name), source.error.as_deref());
        }
        for (name, part) in partial_parts {
            say(format!("the part `{name}` of the source `{}`", source.name), part.error.as_deref());
        }
    }
    said
}

/// Whether something is looked for where not everything was collected.
pub(super) fn is_sought_in_part(reading: &Reading<'_>, snapshot: &Snapshot) -> bool {
    is_partial(&reading.sought, reading, snapshot)
}

/// Whether something is iterated over, or asked for, where not everything was collected.
pub(super) fn is_open_in_part(reading: &Reading<'_>, snapshot: &Snapshot) -> bool {
    is_partial(&reading.open, reading, snapshot)
}

fn is_partial(which: &Parts<'_>, reading: &Reading<'_>, snapshot: &Snapshot) -> bool {
    snapshot.source(reading.name).is_some_and(|source| {
        is_partial_beside_parts(which, source)
            || source.parts.iter().any(|(name, part)| part.status == Status::Partial && which.has(name))
    })
}

/// Whether what is read lies in no part of a partial source, so that its own status counts.
fn is_partial_beside_parts(which: &Parts<'_>, source: &Source) -> bool {
    let is_beside = which.named.iter().any(|part| !source.parts.contains_key(*part));
    source.status == Status::Partial && (is_beside || which.whole && source.parts.is_empty())
}

/// Whether nothing that can be relied on is there of this source, or of a part that is read.
pub(super) fn is_gone(reading: &Reading<'_>, snapshot: &Snapshot) -> bool {
    snapshot.source(reading.name).is_none_or(|source| {
        source.status == Status::Failed || parts(reading, source).any(|(_, part)| part.status == Status::Failed)
    })
}

/// Whether step 2 says of this source, or of a part that is read, that nothing can be relied on.
pub(super) fn is_unusable(reading: &Reading<'_>, snapshot: &Snapshot) -> bool {
    is_gone(reading, snapshot) && !(reading.excused && snapshot.source(reading.name).is_none())
}

/// Paths of the facts that a collector left out: not finite, or secret.
pub(super) fn left_out(source: &Source) -> impl Iterator<Item = (Path, &'static str)> {
    let nonfinite = source.nonfinite.iter().map(|path| (path, "not a finite number when it was collected"));
    let withheld = source.withheld.iter().map(|path| (path, "withheld as secret"));
    nonfinite.chain(withheld).filter_map(|(path, why)| {
        let dot = if path.starts_with('[') { "" } else { "." };
        let path = format!("input.{}{dot}{path}", source.name).parse().ok()?;
        Some((path, why))
    })
}

/// The age of the oldest source that is read.
pub(super) fn oldest(readings: &[Reading<'_>], snapshot: &Snapshot, now: Timestamp) -> Option<i64> {
    readings.iter().filter_map(|reading| snapshot.source(reading.name)?.age_seconds(now)).max()
}
