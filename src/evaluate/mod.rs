//! Policies × facts → verdicts: a pure function, run for all assumptions in parallel.
//!
//! The steps of a verdict stand in [`judge`] in the order of the contract; each kind of gap has a file of its own.
//! What is judged here is judged from whole sources and from paths without iteration.

#[cfg_attr(not(test), expect(dead_code, reason = "asked once each statement's arriving bindings are known"))]
mod alike;
mod engine;
mod presence;
mod sources;
mod violations;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use rayon::prelude::*;
use regorus::Value;

use self::{
    engine::{Engine, Failure},
    presence::{Presences, value_at},
    violations::{BadValue, Measured},
};
use crate::{
    model::{
        Assumption, Basis, Class, Gate, Json, Judged, MaxAge, Measure, Note, Path, Presence, Reason, RuleRef, Segment,
        Snapshot, Vacuous, Verdict, Violation, ViolationKind,
    },
    policy::{Group, Module, Policies, PolicyError, Role, Use, Word},
    source::{Advice, At, Location},
};

/// What the project says of judging.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time of the check.
    pub now: Timestamp,
    /// How long one assumption may take.
    pub timeout: Duration,
    /// How old facts may be where neither source nor assumption says so.
    pub max_age: Option<MaxAge>,
    /// How old a source's facts may be.
    pub source_max_age: BTreeMap<String, MaxAge>,
    /// The margin under which an assumption erodes, as a ratio.
    pub eroding_under: f64,
    /// What an empty population means where the assumption does not say.
    pub vacuous: Vacuous,
    /// What fails the check.
    pub gate: Gate,
}

/// What there is to judge by.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// `input`: the sources' documents.
    pub input: &'a Value,
    /// `data`: design, snapshot and references.
    pub data: &'a Value,
    /// The provenance of `input`.
    pub snapshot: &'a Snapshot,
}

/// Judges assumptions. The result has them in the order given, each exactly once.
///
/// # Errors
/// What the engine finds wrong with the policies while it prepares them, module by module.
pub fn evaluate(
    policies: &Policies,
    groups: &[&Group],
    world: World<'_>,
    settings: &Settings,
) -> Result<Vec<Judged>, Vec<At<PolicyError>>> {
    let engine = Engine::new(&policies.modules, world.input, world.data, settings.now, settings.timeout)
        .map_err(|first| all_errors(&policies.modules, *first, settings))?;
    let paths = groups.iter().flat_map(|group| group.reads.uses.iter().map(|one| &one.path));
    let count = || Presences::of(paths, &[("input", world.input), ("data", world.data)]);
    let run = || groups.par_iter().map(|group| run(&engine, group)).collect::<Vec<_>>();
    Ok(in_pool(|| {
        let (presences, runs) = rayon::join(count, run);
        let judge = |(group, run): (&&Group, Run)| judge(group, run, &presences, world, settings);
        groups.par_iter().zip(runs).map(judge).collect()
    }))
}

/// The engine names one error and stops. The others show once the packages of those already named are left out.
fn all_errors(modules: &[Module], first: At<PolicyError>, settings: &Settings) -> Vec<At<PolicyError>> {
    let nothing = Value::new_object();
    let mut rest = modules.to_vec();
    let mut errors = vec![first];
    while let Some(place) = errors.last().and_then(|error| error.place.clone()) {
        let bad: Vec<_> = rest.iter().filter(|module| module.file == place.file).map(Module::package).collect();
        let before = rest.len();
        rest.retain(|module| !bad.contains(&module.package()));
        if rest.len() == before {
            break;
        }
        match Engine::new(&rest, &nothing, &nothing, settings.now, settings.timeout) {
            Ok(_) => break,
            Err(error) => errors.push(*error),
        }
    }
    errors
}

/// Runs in threads with room for deeply nested rules; the memory is only reserved until it is used.
fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const STACK: usize = 256 << 20;
    match rayon::ThreadPoolBuilder::new().stack_size(STACK).build() {
        Ok(pool) => pool.install(work),
        // Where so much address space cannot be reserved, the default has to do.
        Err(_) => work(),
    }
}

/// The values of a group's rules, and whether a built-in failed on the way.
struct Run {
    values: Result<Vec<Option<Value>>, Failure>,
    builtin: Option<Failure>,
    /// The rules whose values are those without the built-in that failed.
    shaky: BTreeSet<Location>,
}

/// Strictly first; only where that fails on a built-in, again as OPA does.
fn run(engine: &Engine<'_>, group: &Group) -> Run {
    let rules: Vec<String> = group.rules.iter().map(|rule| rule.reference()).collect();
    match engine.values(&rules, true) {
        Err(failure @ Failure::Error(_)) => {
            let alone = group.rules.iter().zip(&rules);
            let shaky = alone.filter(|(_, rule)| engine.values(std::slice::from_ref(rule), true).is_err());
            let shaky = shaky.map(|(rule, _)| rule.location.clone()).collect();
            Run { values: engine.values(&rules, false), builtin: Some(failure), shaky }
        }
        values => Run { values, builtin: None, shaky: BTreeSet::new() },
    }
}

/// One thing to be said of an assumption, as a reason or as a note.
#[derive(Debug, Clone)]
struct Said {
    reason: Reason,
    message: String,
    help: Option<String>,
    location: Option<Location>,
}

impl Said {
    fn verdict(&self) -> Option<Verdict> {
        match self.reason {
            Reason::Violated | Reason::Limit | Reason::NotHeld => Some(Verdict::Decayed),
            Reason::Error
            | Reason::Missing
            | Reason::Failed
            | Reason::Stale
            | Reason::Mistyped
            | Reason::Partial
            | Reason::Vacuous => Some(Verdict::Unknown),
            Reason::Warned | Reason::Margin | Reason::ReviewDue => Some(Verdict::Eroding),
            Reason::Absence | Reason::Sampled | Reason::Lost | Reason::NeverReached | Reason::NotExplained => None,
        }
    }
}

impl From<Said> for Note {
    fn from(said: Said) -> Self {
        Self { reason: said.reason, message: said.message, help: said.help, location: said.location }
    }
}

/// What the rules of a group gave.
#[derive(Default)]
struct Outcome {
    violations: Vec<Violation>,
    measures: Vec<Measure>,
    /// How many subjects, where the group has `subjects`.
    subjects: Option<u64>,
    /// Whether the group has only `measure`, and that yielded nothing.
    measured_nothing: bool,
    errors: Vec<Said>,
    /// A built-in that failed, without which the rest was evaluated.
    builtin: Option<Said>,
    /// Step 4, as far as the values show it.
    gaps: Vec<Said>,
}

/// The steps of a verdict, in their order.
fn judge(group: &Group, run: Run, presences: &Presences, world: World<'_>, settings: &Settings) -> Judged {
    let assumption = &group.assumption;
    let uses = &group.reads.uses;
    let readings = sources::readings(uses, assumption);
    let shaky = run.shaky.clone();
    let mut outcome = outcome(group, run);

    // What keeps an element from counting has to be known before step 3.
    let left_out = left_out(uses, world.snapshot);
    let mut missing = missing(uses, assumption, world);
    // What a collector left out is said as that, and not once more as something that is not there.
    missing.retain(|gap| !left_out.iter().any(|known| known.explains(gap)));
    let partial = sources::partial(&readings, world.snapshot);
    let unusable = sources::unusable(&readings, assumption, world.snapshot, settings);
    let is_gone = unusable.iter().any(|said| said.reason != Reason::Stale);
    let is_empty = outcome.subjects == Some(0) && vacuous(assumption, settings) != Vacuous::Allowed;
    // The absence of what was designed never refutes; of what was observed, where a rule asks for absence.
    let rests_on_absence =
        left_out.iter().chain(&missing).any(|gap| gap.one.negated || gap.one.path.source().is_none())
            || is_gone && readings.iter().any(|reading| reading.negated && sources::is_gone(reading, world.snapshot));
    let rests_on_part = readings.iter().any(|reading| sources::is_sought_in_part(reading, world.snapshot));
    let rests_on_open_part = readings.iter().any(|reading| sources::is_open_in_part(reading, world.snapshot));
    let negates = uses.iter().any(|one| one.negated);
    for violation in &mut outcome.violations {
        // Which element a built-in failed for is not known, and under a negation its failure is what makes a rule fire.
        let rests_on_failure =
            shaky.contains(&violation.rule.location) && (negates || violation.kind == ViolationKind::Holds);
        violation.counts = !rests_on_failure
            && match violation.kind {
                ViolationKind::Holds => {
                    missing.is_empty()
                        && left_out.is_empty()
                        && outcome.gaps.is_empty()
                        && !rests_on_open_part
                        && !is_gone
                        && !is_empty
                }
                _ => !rests_on_absence && !rests_on_part,
            };
    }
    violations::fingerprint(assumption, &mut outcome.violations);

    let refuted = refuted(&outcome.violations);
    let mut steps = Vec::new();
    // 1. An error of a built-in is only a note where something refutes the assumption all the same.
    steps.extend(outcome.errors);
    let mut builtin = outcome.builtin;
    if refuted.is_none() {
        steps.extend(builtin.take());
    }
    // 2.
    steps.extend(unusable);
    // 3.
    steps.extend(refuted);
    // 4.
    steps.extend(left_out.into_iter().chain(missing).map(|gap| gap.said));
    steps.extend(outcome.gaps);
    // 5.
    steps.extend(partial);
    // 6.
    steps.extend(looked_at_nothing(group, outcome.subjects, outcome.measured_nothing, settings));
    // 7.
    let margin = outcome.measures.iter().filter_map(Measure::margin).min_by(f64::total_cmp);
    steps.extend(eroding(assumption, &outcome.violations, &outcome.measures, margin, settings));
    steps.extend(builtin);
    steps.extend(also(group, &readings, world.snapshot));

    let first = steps.iter().position(|said| said.verdict().is_some());
    let verdict = first.and_then(|at| steps[at].verdict()).unwrap_or(Verdict::Holds);
    let provisional = matches!(first.map(|at| steps[at].reason), Some(Reason::Stale | Reason::Partial))
        .then(|| provisional(&steps, &outcome.violations))
        .flatten();
    let main = first.map(|at| steps.remove(at));
    let facts = facts(uses, presences);
    let mut judged = Judged {
        verdict,
        reason: main.as_ref().map(|said| said.reason),
        message: main.as_ref().map(|said| said.message.clone()),
        help: main.as_ref().and_then(|said| said.help.clone()),
        provisional,
        fails: false,
        notes: steps.into_iter().map(Note::from).collect(),
        reads: reads(uses, assumption, presences),
        subjects: outcome.subjects.or_else(|| (!outcome.measures.is_empty()).then_some(outcome.measures.len() as u64)),
        facts,
        oldest_seconds: sources::oldest(&readings, world.snapshot, settings.now),
        measures: outcome.measures,
        conditions: Vec::new(),
        violations: outcome.violations,
        evidence: Vec::new(),
        assumption: Assumption {
            eroding_under: Some(assumption.eroding_under.unwrap_or(settings.eroding_under)),
            ..assumption.clone()
        },
    };
    judged.fails = settings.gate.fails(&judged);
    judged
}

/// Turns the values of the rules into violations, subjects and measures.
fn outcome(group: &Group, run: Run) -> Outcome {
    // Where the second run fails too, its error is the one to show.
    let builtin = run.builtin.filter(|_| run.values.is_ok()).map(|failure| failed(&failure, group));
    let mut outcome = Outcome { builtin, ..Outcome::default() };
    let values = match run.values {
        Ok(values) => values,
        Err(failure) => {
            outcome.errors.push(failed(&failure, group));
            return outcome;
        }
    };
    let mut seen = BTreeSet::new();
    let mut has_others = false;
    let mut measures_at = None;
    for (rule, value) in group.rules.iter().zip(values) {
        let made_by = RuleRef { title: rule.title.clone(), location: rule.location.clone() };
        has_others |= !matches!(rule.word, Word::Measure | Word::Subjects);
        let result = match rule.word {
            Word::Violation => set(&rule.name, value, |element| {
                outcome.violations.push(violations::violation(
                    &rule.name,
                    ViolationKind::Violation,
                    element,
                    &made_by,
                )?);
                Ok(())
            }),
            Word::Deny => set(&rule.name, value, |element| {
                outcome.violations.push(violations::violation(&rule.name, ViolationKind::Deny, element, &made_by)?);
                Ok(())
            }),
            Word::Warn => set(&rule.name, value, |element| {
                outcome.violations.push(violations::violation(&rule.name, ViolationKind::Warn, element, &made_by)?);
                Ok(())
            }),
            Word::Subjects => {
                let mut count = 0;
                let result = set(&rule.name, value, |_| {
                    count += 1;
                    Ok(())
                });
                outcome.subjects = Some(count);
                result
            }
            Word::Holds => match value {
                Some(Value::Bool(true)) => Ok(()),
                None | Some(Value::Bool(false)) => {
                    outcome.violations.push(violations::not_held(&group.assumption, &made_by));
                    Ok(())
                }
                Some(other) => Err(BadValue {
                    message: format!("`{}` is {}, and must be true or false", rule.name, violations::describe(&other)),
                    help: format!("write `{} if {{ … }}`", rule.name),
                }),
            },
            Word::Measure => {
                measures_at = Some(made_by.clone());
                let elements = match &value {
                    None => Ok(Vec::new()),
                    Some(Value::Object(_)) => Ok(value.iter().collect()),
                    Some(value) => violations::measures(&rule.name, value),
                };
                elements.and_then(|elements| {
                    for element in elements {
                        match violations::measure(&rule.name, element)? {
                            Measured::Known(measure) => outcome.measures.push(measure),
                            Measured::Absent(key, subject) => outcome.gaps.push(Said {
                                reason: Reason::Missing,
                                message: format!("the `{key}` of {} is not there", named(&rule.name, subject.as_ref())),
                                help: Some(format!("a measure needs `value` and `limit`: add `{key}`")),
                                location: Some(rule.location.clone()),
                            }),
                            Measured::Mistyped(key, found, subject) => outcome.gaps.push(Said {
                                reason: Reason::Mistyped,
                                message: format!(
                                    "the `{key}` of {} is {}, not a number",
                                    named(&rule.name, subject.as_ref()),
                                    short(&found)
                                ),
                                help: Some(
                                    "numbers must arrive as numbers: convert it with `to_number`, or collect it as one"
                                        .to_owned(),
                                ),
                                location: Some(rule.location.clone()),
                            }),
                        }
                    }
                    Ok(())
                })
            }
        };
        if let Err(BadValue { message, help }) = result {
            if seen.insert(message.clone()) {
                let location = Some(rule.location.clone());
                outcome.errors.push(Said { reason: Reason::Error, message, help: Some(help), location });
            }
        }
    }
    outcome
        .measures
        .sort_by_cached_key(|measure| (measure.subject.as_ref().map(Json::to_string), measure.from.clone()));
    if let Some(made_by) = measures_at {
        for measure in outcome.measures.iter().filter(|measure| measure.is_breached()) {
            let is_said = |violation: &Violation| {
                violation.kind.class() == Class::Refutes
                    && violation.subject == measure.subject
                    && violation.subject.is_some()
            };
            if !outcome.violations.iter().any(is_said) {
                outcome.violations.push(violations::breach(measure, &made_by));
            }
        }
        let is_known = outcome.gaps.is_empty() && outcome.errors.is_empty();
        outcome.measured_nothing = outcome.measures.is_empty() && is_known && !has_others;
    }
    outcome
}

fn named(rule: &str, subject: Option<&Json>) -> String {
    match subject {
        Some(subject) => format!("`{rule}` for {}", short(subject)),
        None => format!("`{rule}`"),
    }
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(57).chain("…".chars()).collect() }
}

/// The elements of a rule that must be a set; one that is undefined has none.
fn set(rule: &str, value: Option<Value>, mut on: impl FnMut(&Value) -> Result<(), BadValue>) -> Result<(), BadValue> {
    let Some(value) = value else { return Ok(()) };
    violations::elements(rule, &value)?.into_iter().try_for_each(&mut on)
}

fn failed(failure: &Failure, group: &Group) -> Said {
    let at = group.assumption.rule.clone();
    let (message, help, location) = match failure {
        Failure::Error(error) => {
            let location = error.place.as_ref().map_or(at, |place| place.location());
            let help = error.kind.help();
            let help = help.unwrap_or_else(|| {
                "the facts are of another type than the rule supposes: see `stillholds facts`".to_owned()
            });
            (format!("evaluation failed: {}", error.kind), help, location)
        }
        Failure::Timeout(limit) => (
            format!("evaluation took longer than {} s", limit.as_secs_f64()),
            "make the rule look at less, or allow more time with `--timeout`".to_owned(),
            at,
        ),
        Failure::Limit(message) => {
            (format!("evaluation stopped: {message}"), "make the rule look at less".to_owned(), at)
        }
        Failure::Panic(message) => (
            format!("the evaluator broke: {message}"),
            "this is a defect of the engine: please report it with the rule that caused it".to_owned(),
            at,
        ),
    };
    Said { reason: Reason::Error, message, help: Some(help), location: Some(location) }
}

fn vacuous(assumption: &Assumption, settings: &Settings) -> Vacuous {
    assumption.vacuous.unwrap_or(settings.vacuous)
}

/// Step 3: what refutes it.
fn refuted(violations: &[Violation]) -> Option<Said> {
    let refuting = violations.iter().filter(|v| v.counts && v.kind.class() == Class::Refutes);
    // The author's own words come before a limit, and a limit before `holds`.
    let first = refuting.min_by_key(|violation| violation.kind)?;
    let reason = match first.kind {
        ViolationKind::Holds => Reason::NotHeld,
        ViolationKind::Measure => Reason::Limit,
        _ => Reason::Violated,
    };
    let message = if reason == Reason::NotHeld { "`holds` is not true".to_owned() } else { first.message.clone() };
    Some(Said { reason, message, help: None, location: Some(first.rule.location.clone()) })
}

/// Something needed that is not there.
struct Gap<'a> {
    one: &'a Use,
    absent: Path,
    said: Said,
}

impl Gap<'_> {
    /// Whether another gap is this one, or below it.
    fn explains(&self, other: &Self) -> bool {
        other.absent.segments().len() >= self.absent.segments().len() && self.absent.meets(&other.absent)
    }
}

/// Step 4, for paths without iteration: what is needed and absent from facts or design.
fn missing<'a>(uses: &'a [Use], assumption: &Assumption, world: World<'_>) -> Vec<Gap<'a>> {
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
        let said = Said {
            reason: Reason::Missing,
            message: if absent == one.path {
                format!("`{absent}` is not there")
            } else {
                format!("`{}` is not there, nor is `{absent}`", one.path)
            },
            help: Some(if is_required && !one.is_needed() {
                format!("`{}` is listed under `required`: see what is there with `stillholds facts`", one.path)
            } else {
                help_for_missing(&absent, document)
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

fn help_for_missing(absent: &Path, document: &Value) -> String {
    let parent = Path::new(absent.segments()[..absent.segments().len() - 1].to_vec());
    let siblings: Vec<String> = match value_at(&parent, document) {
        Some(Value::Object(fields)) => {
            fields.iter_sorted().filter_map(|(key, _)| key.as_string().ok().map(|key| key.to_string())).collect()
        }
        _ => Vec::new(),
    };
    let key = match absent.segments().last() {
        Some(Segment::Key(key)) => key.as_str(),
        _ => "",
    };
    if let Some(near) = crate::yaml::nearest(key, siblings.iter().map(String::as_str)) {
        return format!("did you mean `{}`?", parent.join(Segment::Key(near.to_owned())));
    }
    if absent.source().is_some() {
        format!(
            "see what is there with `stillholds facts {}`, or list `{absent}` under `optional` if it may be absent",
            absent.source().unwrap_or_default()
        )
    } else if absent.key(1) == Some("design") {
        format!("declare it: write `{}` into a design document", design_key(absent))
    } else if let (Some("reference"), Some(name), 3) = (absent.key(1), absent.key(2), absent.segments().len()) {
        format!("name a snapshot under `references` in the project file: `references: {{{name}: {{facts: …}}}}`")
    } else if let (Some("snapshot"), Some("sources"), Some(source), Some(key)) =
        (absent.key(1), absent.key(2), absent.key(3), absent.key(4))
    {
        format!("say it in the snapshot's `snapshot.yaml`, under `sources`: `{source}: {{{key}: …}}`")
    } else {
        format!("list `{absent}` under `optional` if it may be absent")
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
fn left_out<'a>(uses: &'a [Use], snapshot: &Snapshot) -> Vec<Gap<'a>> {
    let mut gaps: Vec<Gap<'a>> = Vec::new();
    for source in &snapshot.sources {
        for (path, why) in sources::left_out(source) {
            let Some(one) = uses.iter().find(|one| {
                one.role != Role::Excused && one.path.meets(&path) && one.path.segments().len() >= path.segments().len()
            }) else {
                continue;
            };
            let said = Said {
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

/// Step 6: it looked at nothing.
fn looked_at_nothing(
    group: &Group,
    subjects: Option<u64>,
    measured_nothing: bool,
    settings: &Settings,
) -> Option<Said> {
    if vacuous(&group.assumption, settings) == Vacuous::Allowed {
        return None;
    }
    let (word, message) = if subjects == Some(0) {
        (Word::Subjects, "its `subjects` are empty: it looked at nothing")
    } else if measured_nothing {
        (Word::Measure, "it measured nothing")
    } else {
        return None;
    };
    let rule = group.rules.iter().find(|rule| rule.word == word)?;
    Some(Said {
        reason: Reason::Vacuous,
        message: message.to_owned(),
        help: Some("see whether the names it selects by are those in the facts (`stillholds facts`); if nothing to look at is an answer, say `vacuous: allowed`".to_owned()),
        location: Some(rule.location.clone()),
    })
}

/// Step 7: what erodes it.
fn eroding(
    assumption: &Assumption,
    violations: &[Violation],
    measures: &[Measure],
    margin: Option<f64>,
    settings: &Settings,
) -> Vec<Said> {
    let mut said = Vec::new();
    if let Some(first) = violations.iter().find(|v| v.counts && v.kind.class() == Class::Warns) {
        let location = Some(first.rule.location.clone());
        said.push(Said { reason: Reason::Warned, message: first.message.clone(), help: None, location });
    }
    let threshold = assumption.eroding_under.unwrap_or(settings.eroding_under);
    if let Some(margin) = margin.filter(|margin| (0.0..threshold).contains(margin)) {
        let narrowest = measures.iter().find(|measure| measure.margin() == Some(margin));
        let of = narrowest.map_or_else(String::new, |measure| {
            let unit = measure.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
            let subject = match &measure.subject {
                Some(Json::String(subject)) => format!("{subject}: "),
                Some(subject) => format!("{subject}: "),
                None => String::new(),
            };
            format!(" ({subject}{} against the limit of {}{unit})", measure.value, measure.limit)
        });
        said.push(Said {
            reason: Reason::Margin,
            message: format!("{} of margin left{of}, less than {}", percent(margin), percent(threshold)),
            help: None,
            location: Some(assumption.rule.clone()),
        });
    }
    let today = settings.now.to_zoned(TimeZone::UTC).date();
    if let Some(review_by) = assumption.review_by.filter(|date| *date < today) {
        said.push(Said {
            reason: Reason::ReviewDue,
            message: format!("its review was due by {review_by}"),
            help: Some("look whether the design still wants it, and set `review_by` anew".to_owned()),
            location: Some(assumption.rule.clone()),
        });
    }
    said
}

fn percent(ratio: f64) -> String {
    let percent = (ratio * 1000.0).round() / 10.0;
    format!("{percent} %")
}

/// What else is to be said: what it rests on, and what was not followed.
fn also(group: &Group, readings: &[sources::Reading<'_>], snapshot: &Snapshot) -> Vec<Said> {
    let mut said = Vec::new();
    for reading in readings {
        let Some(source) = snapshot.source(reading.name) else { continue };
        if source.basis == Some(Basis::Sample) {
            let share = source.sampling.map(|share| format!(" of {}", percent(share))).unwrap_or_default();
            said.push(Said {
                reason: Reason::Sampled,
                message: format!("the source `{}` is a sample{share}: what was not seen may still happen", source.name),
                help: None,
                location: None,
            });
        }
    }
    for (what, place) in &group.reads.not_followed {
        said.push(Said {
            reason: Reason::NotExplained,
            message: format!("{what} was not followed: what it reads was not looked at"),
            help: None,
            location: Some(place.location()),
        });
    }
    said
}

/// The verdict without what is stale or partial.
fn provisional(steps: &[Said], violations: &[Violation]) -> Option<Verdict> {
    let rest =
        steps.iter().filter(|said| !matches!(said.reason, Reason::Stale | Reason::Partial) || said.verdict().is_none());
    if steps.iter().any(|said| matches!(said.reason, Reason::Failed)) {
        return None;
    }
    // Set aside because something is partial, not because it is not there.
    let set_aside = steps.iter().any(|said| said.reason == Reason::Partial)
        && !steps.iter().any(|said| said.reason == Reason::Missing)
        && violations.iter().any(|violation| !violation.counts && violation.kind.class() == Class::Refutes);
    if set_aside {
        return Some(Verdict::Decayed);
    }
    match rest.filter_map(Said::verdict).next() {
        Some(Verdict::Unknown) => None,
        other => Some(other.unwrap_or(Verdict::Holds)),
    }
}

/// How many facts it looked at: the values at the ends of what it reads.
fn facts(uses: &[Use], presences: &Presences) -> u64 {
    let paths: BTreeSet<&Path> = uses.iter().map(|one| &one.path).filter(|path| path.source().is_some()).collect();
    paths
        .iter()
        // A path that another one goes through is a list or an object on the way.
        .filter(|path| {
            !paths.iter().any(|other| {
                other.segments().len() > path.segments().len() && other.segments().starts_with(path.segments())
            })
        })
        .map(|path| presences.counts(path).present)
        .sum()
}

/// What is read, by path.
fn reads(uses: &[Use], assumption: &Assumption, presences: &Presences) -> Vec<Presence> {
    let mut reads: BTreeMap<&Path, bool> = BTreeMap::new();
    for one in uses {
        let optional = assumption.optional.iter().any(|pattern| pattern.covers(&one.path));
        *reads.entry(&one.path).or_default() |= one.is_needed() && !optional;
    }
    reads
        .into_iter()
        .map(|(path, needed)| {
            let counts = presences.counts(path);
            Presence { path: path.clone(), needed, present: counts.present, absent: counts.absent }
        })
        .collect()
}
