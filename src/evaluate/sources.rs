//! The state of the sources an assumption reads: collected or not, failed, too old, partial, with gaps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Settings, World};
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
    /// The reference it is a source of, where it is none of the facts.
    pub(super) reference: Option<&'a str>,
    /// The source, where it is there.
    pub(super) source: Option<&'a Source>,
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

/// First segments of paths below a source, which lies so deep.
#[derive(Default)]
struct Parts<'a> {
    depth: usize,
    /// The source is read as a whole, or through a variable.
    whole: bool,
    named: BTreeSet<&'a str>,
}

impl<'a> Parts<'a> {
    fn add(&mut self, path: &'a Path) {
        match path.segments().get(self.depth) {
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

/// A source by its name, and by that of the reference it is of.
type Name<'a> = (Option<&'a str>, &'a str);

/// The sources that a path leads into. One that takes `input` or a reference as a whole, or goes through a variable,
/// leads into all that were collected.
fn names<'a>(path: &'a Path, world: World<'a>) -> Vec<Name<'a>> {
    fn all<'a>(of: Option<&'a str>, snapshot: &'a Snapshot) -> impl Iterator<Item = Name<'a>> {
        snapshot.sources.iter().map(move |source| (of, source.name.as_str()))
    }
    match (path.key(0), path.key(1)) {
        (Some("input"), Some(name)) => vec![(None, name)],
        (Some("input"), None) => all(None, world.snapshot).collect(),
        (Some("data"), Some("reference")) => match (path.segments().get(2), path.key(3)) {
            // That a reference is not there at all is said of its path.
            (Some(Segment::Key(reference)), _) if !world.references.contains_key(reference) => Vec::new(),
            (Some(Segment::Key(reference)), Some(name)) => vec![(Some(reference), name)],
            (Some(Segment::Key(reference)), None) => all(Some(reference), &world.references[reference]).collect(),
            (_, name) => {
                let every = world.references.iter().flat_map(|(reference, snapshot)| all(Some(reference), snapshot));
                every.filter(|(_, source)| name.is_none_or(|name| name == *source)).collect()
            }
        },
        _ => Vec::new(),
    }
}

/// The sources that an assumption reads, those of the facts first, by name.
pub(super) fn readings<'a>(
    uses: impl Iterator<Item = &'a Use>,
    assumption: &Assumption,
    world: World<'a>,
) -> Vec<Reading<'a>> {
    let mut readings: BTreeMap<Name<'a>, Reading<'a>> = BTreeMap::new();
    for one in uses {
        let excused = one.role == Role::Excused || assumption.optional.iter().any(|pattern| pattern.covers(&one.path));
        for (reference, name) in names(&one.path, world) {
            let snapshot = reference.map_or(Some(world.snapshot), |reference| world.references.get(reference));
            let parts = || Parts { depth: if reference.is_some() { 4 } else { 2 }, ..Parts::default() };
            let reading = readings.entry((reference, name)).or_insert_with(|| Reading {
                name,
                reference,
                source: snapshot.and_then(|snapshot| snapshot.source(name)),
                read: parts(),
                sought: parts(),
                open: parts(),
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
    world: World<'_>,
    settings: &Settings,
) -> Vec<Note> {
    let mut said = Vec::new();
    for reading in readings {
        let called = reading.called();
        let Some(source) = reading.source else {
            if !reading.excused {
                said.push(not_collected(reading, world));
            }
            continue;
        };
        let at = || Some(reading.place.clone());
        if source.status == Status::Failed {
            let why = source.error.as_deref().unwrap_or("the collector gave no reason");
            said.push(Note {
                reason: Reason::Failed,
                message: format!("{called} failed: {why}"),
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
                    message: format!("the part `{name}` of {called} failed: {why}"),
                    help: Some(format!("mend what its collector met, then collect `{}` again", source.name)),
                    location: at(),
                });
            }
        }
        if let Some(MaxAge::Limit(limit)) = limit_of(reading, source, assumption, settings) {
            let of_parts: Vec<_> = parts(reading, source).map(|(name, part)| (Some(name), part.observed_to)).collect();
            let ages = if of_parts.is_empty() { vec![(None, source.observed_to)] } else { of_parts };
            for (part, observed) in ages {
                // A part without a time of its own was observed with its source.
                let observed = observed.or(source.observed_to);
                let help = match observed {
                    None if reading.reference.is_some() => format!(
                        "say when it was observed, below `{}` in its `snapshot.yaml`\nobserved_to: YYYY-MM-DDThh:mm:ssZ",
                        source.name
                    ),
                    None => say_observed(source),
                    Some(observed) if observed > settings.now => {
                        "set the clock of what collected it, then collect it again".to_owned()
                    }
                    Some(_) if reading.reference.is_some() => {
                        "compare with a newer snapshot, or allow it to be older under `references`".to_owned()
                    }
                    Some(_) => "collect it again".to_owned(),
                };
                if let Some(message) = too_old(&called, part, observed, limit, settings.now) {
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
pub(super) fn absent(readings: &[Reading<'_>]) -> Vec<Note> {
    let absent = readings.iter().filter(|reading| reading.excused && reading.source.is_none());
    absent
        .map(|reading| Note {
            reason: Reason::Absence,
            message: format!("rests on absence: {} was not collected", reading.called()),
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

impl Reading<'_> {
    /// Whether it is one of the facts, and not of a reference.
    pub(super) fn is_of_facts(&self) -> bool {
        self.reference.is_none()
    }

    /// The path below which it stands.
    fn root(&self) -> String {
        match self.reference {
            Some(reference) => format!("data.reference.{reference}"),
            None => "input".to_owned(),
        }
    }

    fn called(&self) -> String {
        match self.reference {
            Some(reference) => format!("the source `{}` of the reference `{reference}`", self.name),
            None => format!("the source `{}`", self.name),
        }
    }
}

fn not_collected(reading: &Reading<'_>, world: World<'_>) -> Note {
    let snapshot = reading.reference.map_or(world.snapshot, |reference| &world.references[reference]);
    let root = reading.root();
    let known: Vec<_> = snapshot.sources.iter().map(|source| source.name.as_str()).collect();
    let near = crate::spelling::nearest(reading.name, known.iter().copied());
    let help = match (near, known.is_empty()) {
        (Some(near), _) => format!(
            "did you mean `{root}.{near}`? else collect it as `{0}`, or list `{root}.{0}` under `optional` if it may be absent",
            reading.name
        ),
        (None, true) => format!("the snapshot has no sources at all: put `{}.json` into it", reading.name),
        (None, false) => format!(
            "collected are {}: collect `{1}` too, or list `{root}.{1}` under `optional` if it may be absent",
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            reading.name
        ),
    };
    Note {
        reason: Reason::Missing,
        message: format!("{} was not collected", reading.called()),
        help: Some(help),
        location: Some(reading.place.clone()),
    }
}

/// The parts of a source that are read: all of them where it is read as a whole.
fn parts<'a>(reading: &'a Reading<'_>, source: &'a Source) -> impl Iterator<Item = (&'a str, &'a crate::model::Part)> {
    source.parts.iter().map(|(name, part)| (name.as_str(), part)).filter(|(name, _)| reading.read.has(name))
}

fn limit_of(reading: &Reading<'_>, source: &Source, assumption: &Assumption, settings: &Settings) -> Option<MaxAge> {
    // What is compared with is older as a rule; only what is said of it counts.
    if let Some(reference) = reading.reference {
        return settings.reference_max_age.get(reference).copied();
    }
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
        Some(part) => format!("the part `{part}` of {source}"),
        None => source.to_owned(),
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
pub(super) fn partial(readings: &[Reading<'_>]) -> Vec<Note> {
    let mut said = Vec::new();
    for reading in readings {
        let Some(source) = reading.source else { continue };
        let called = reading.called();
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
            say(called.clone(), source.error.as_deref());
        }
        for (name, part) in partial_parts {
            say(format!("the part `{name}` of {called}"), part.error.as_deref());
        }
    }
    said
}

/// Whether something is looked for where not everything was collected.
pub(super) fn is_sought_in_part(reading: &Reading<'_>) -> bool {
    is_partial(&reading.sought, reading)
}

/// Whether something is iterated over, or asked for, where not everything was collected.
pub(super) fn is_open_in_part(reading: &Reading<'_>) -> bool {
    is_partial(&reading.open, reading)
}

fn is_partial(which: &Parts<'_>, reading: &Reading<'_>) -> bool {
    reading.source.is_some_and(|source| {
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
pub(super) fn is_gone(reading: &Reading<'_>) -> bool {
    reading.source.is_none_or(|source| {
        source.status == Status::Failed || parts(reading, source).any(|(_, part)| part.status == Status::Failed)
    })
}

/// Whether step 2 says of this source, or of a part that is read, that nothing can be relied on.
pub(super) fn is_unusable(reading: &Reading<'_>) -> bool {
    is_gone(reading) && !(reading.excused && reading.source.is_none())
}

/// Paths of a source, below `root`, that a collector left out: not finite, or secret.
pub(super) fn left_out<'a>(source: &'a Source, root: &'a str) -> impl Iterator<Item = (Path, &'static str)> + 'a {
    let nonfinite = source.nonfinite.iter().map(|path| (path, "not a finite number when it was collected"));
    let withheld = source.withheld.iter().map(|path| (path, "withheld as secret"));
    nonfinite.chain(withheld).filter_map(move |(path, why)| {
        let dot = if path.starts_with('[') { "" } else { "." };
        let path = format!("{root}.{}{dot}{path}", source.name).parse().ok()?;
        Some((path, why))
    })
}

/// What collectors left out of a source that is read.
pub(super) fn left_out_of(reading: &Reading<'_>) -> Vec<(Path, &'static str)> {
    let root = reading.root();
    reading.source.map(|source| left_out(source, &root).collect()).unwrap_or_default()
}

/// The age of the oldest source of the facts that is read.
pub(super) fn oldest(readings: &[Reading<'_>], now: Timestamp) -> Option<i64> {
    let of_facts = readings.iter().filter(|reading| reading.is_of_facts());
    of_facts.filter_map(|reading| reading.source?.age_seconds(now)).max()
}
