//! The steps of a verdict, in the order of the contract.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use regorus::Value;

use super::{
    Run, Settings, Told, World,
    findings::{Findings, findings},
    inputs::Inputs,
    missing::{Gap, left_out, missing},
    outcome::{Element, Outcome, outcome},
    presence::{Presences, facts, reads, value_at},
    sampled::sampled,
    sources,
    told::Failed,
    vacuous::{Iterations, iterations},
    violations,
};
use crate::{
    model::{
        Assumption, Basis, Class, Json, Judged, Measure, Note, Path, Presence, Reason, Segment, Vacuous, Verdict,
        Violation, ViolationKind,
    },
    policy::{Group, Role, Use, Word},
    source::{Location, Place},
    text::{count, percent},
};

/// An assumption as it was judged, with what explains it.
pub(crate) struct Judgement {
    pub(crate) judged: Judged,
    /// Of the same order as the violations.
    pub(crate) elements: Vec<Element>,
    /// What the rules told; `None` where they could not be followed.
    pub(crate) told: Option<Told>,
    /// Examples of what is not as it should be.
    pub(crate) examples: Vec<Path>,
    /// What makes it unknown.
    pub(crate) undecided: Vec<Undecided>,
}

/// A statement that could not be decided, with a binding it was reached with.
pub(crate) struct Undecided {
    pub(crate) body: usize,
    pub(crate) statement: usize,
    pub(crate) env: Option<Value>,
}

/// Judges an assumption from the values of its rules and from what they told.
pub(super) fn judge(
    group: &Group,
    run: Run,
    told: Option<Told>,
    inputs: Option<&Inputs>,
    presences: &Presences,
    world: World<'_>,
    settings: &Settings,
) -> Judgement {
    let assumption = &group.assumption;
    let shaky = run.shaky.clone();
    let mut case = Case::new(group, &run, told.as_ref(), world, settings);
    let mut outcome = outcome(group, run, inputs, &settings.redact);
    // What keeps an element from counting has to be known before step 3.
    case.count(&mut outcome, &shaky);
    violations::fingerprint(assumption, &mut outcome.elements);
    // Only now: two subjects that differ in a secret alone are still two.
    outcome.withhold();
    let violations: Vec<Violation> = outcome.elements.iter().map(|element| element.violation.clone()).collect();
    let measures: Vec<Measure> = outcome.measures.iter().map(|(measure, ..)| measure.clone()).collect();
    let elements = std::mem::take(&mut outcome.elements);
    let of_inputs = inputs.filter(|inputs| inputs.is_each()).map(|inputs| inputs.len() as u64);
    let subjects = outcome.subjects.or_else(|| (!measures.is_empty()).then_some(measures.len() as u64)).or(of_inputs);

    let oldest_seconds = sources::oldest(&case.readings, settings.now);
    let facts = facts(&group.reads.uses, presences);
    let Steps { mut said, mut examples, undecided } = case.steps(outcome, &violations, &measures, facts);
    let reads = reads(&group.reads.uses, assumption, presences);
    let first = said.iter().position(|said| said.reason.verdict().is_some());
    if !matches!(first.and_then(|at| said[at].reason.verdict()), Some(Verdict::Unknown | Verdict::Decayed)) {
        said.extend(optional_absent(group, &reads, world.snapshot));
    }
    let verdict = first.and_then(|at| said[at].reason.verdict()).unwrap_or(Verdict::Holds);
    let provisional = matches!(first.map(|at| said[at].reason), Some(Reason::Stale | Reason::Partial))
        .then(|| provisional(&said, &violations))
        .flatten();
    let main = first.map(|at| said.remove(at));
    let mut judged = Judged {
        verdict,
        reason: main.as_ref().map(|said| said.reason),
        message: main.as_ref().map(|said| said.message.clone()),
        help: main.as_ref().and_then(|said| said.help.clone()),
        provisional,
        fails: false,
        notes: said,
        reads,
        subjects,
        facts,
        oldest_seconds,
        measures,
        conditions: Vec::new(),
        violations,
        evidence: Vec::new(),
        assumption: Assumption {
            eroding_under: Some(assumption.eroding_under.unwrap_or(settings.eroding_under)),
            ..assumption.clone()
        },
    };
    judged.fails = settings.gate.fails(&judged);
    examples.dedup();
    Judgement { judged, elements, told, examples, undecided }
}

/// What there is to judge by, beside the values of the rules.
struct Case<'a> {
    group: &'a Group,
    told: Option<&'a Told>,
    world: World<'a>,
    settings: &'a Settings,
    readings: Vec<sources::Reading<'a>>,
    /// Step 2.
    unusable: Vec<Note>,
    looked: Findings,
    iterations: Iterations,
    static_gaps: Vec<Gap<'a>>,
    /// Whether all statements were followed.
    is_explained: bool,
}

/// Everything that is said of an assumption, in the order of the steps.
struct Steps {
    said: Vec<Note>,
    examples: Vec<Path>,
    undecided: Vec<Undecided>,
}

impl<'a> Case<'a> {
    fn new(group: &'a Group, run: &Run, told: Option<&'a Told>, world: World<'a>, settings: &'a Settings) -> Self {
        let (assumption, uses) = (&group.assumption, &group.reads.uses);
        let readings = sources::readings(uses.iter(), assumption, world);
        let left_out = left_out_paths(&readings);
        let (mut looked, iterations, static_gaps) = match told {
            Some(told) => {
                let elsewhere = uses.iter().filter(|one| one.elsewhere);
                (findings(told, group, &left_out), iterations(told, group), static_gaps(elsewhere, assumption, world))
            }
            None if run.is_settled => (Findings::default(), Iterations::default(), Vec::new()),
            None => (Findings::default(), Iterations::default(), static_gaps(uses.iter(), assumption, world)),
        };
        looked.say_left_out(&left_out);
        let unusable = sources::unusable(&readings, assumption, world, settings);
        // Where nothing could be found, nothing is amiss if nothing was told.
        let is_explained = told.is_some() || run.is_settled || run.values.is_err();
        Self { group, told, world, settings, readings, unusable, looked, iterations, static_gaps, is_explained }
    }

    fn vacuous(&self) -> Vacuous {
        self.group.assumption.vacuous.unwrap_or(self.settings.vacuous)
    }

    /// Decides which elements count.
    fn count(&mut self, outcome: &mut Outcome<'_>, shaky: &BTreeSet<Location>) {
        let is_gone = self.unusable.iter().any(|said| said.reason != Reason::Stale);
        let is_allowed = self.vacuous() == Vacuous::Allowed;
        let is_empty = !is_allowed && (outcome.subjects == Some(0) || self.iterations.is_empty);
        // The absence of what was designed never refutes; of what was observed, where a rule asks for absence.
        let rests_on_absence = self.static_gaps.iter().any(|gap| gap.one.negated || gap.one.path.source().is_none())
            || is_gone && self.readings.iter().any(|reading| reading.negated && sources::is_gone(reading));
        let rests_on_part = definitions_over_parts(self.group, self.world);
        let rests_on_open_part = self.readings.iter().any(sources::is_open_in_part);
        let negates = self.group.reads.uses.iter().any(|one| one.negated);
        let holds_counts = self.static_gaps.is_empty()
            && self.looked.gaps.is_empty()
            && self.iterations.absent.is_empty()
            && outcome.gaps.is_empty()
            && !rests_on_open_part
            && !is_gone
            && !is_empty;
        for element in &mut outcome.elements {
            let violation = &element.violation;
            // Which element a built-in failed for is not known, and under a negation its failure makes a rule fire.
            let rests_on_failure =
                shaky.contains(&violation.rule.location) && (negates || violation.kind == ViolationKind::Holds);
            let rests = || match (self.told, &element.value) {
                (Some(told), Some(value)) => match told.of_input(element.input.as_ref()) {
                    Some(told) => self.looked.of_input(&told).rests_element(&told, &element.rule, value),
                    None => self.looked.rests_element(told, &element.rule, value),
                },
                _ => false,
            };
            element.violation.counts = !rests_on_failure
                && match violation.kind {
                    ViolationKind::Holds => holds_counts,
                    _ => !rests_on_absence && !is_over_part(element, self.told, &rests_on_part) && !rests(),
                };
        }
    }

    /// The steps of a verdict, in their order.
    fn steps(self, outcome: Outcome<'_>, violations: &[Violation], measures: &[Measure], facts: u64) -> Steps {
        let (assumption, vacuous) = (&self.group.assumption, self.vacuous());
        let partial = sources::partial(&self.readings);
        let absent = sources::absent(&self.readings);
        let also = also(self.group, &self.readings, self.world);
        let refuted = refuted(violations);
        let mut steps = Steps { said: outcome.errors, examples: Vec::new(), undecided: Vec::new() };
        // 1. An error of a built-in is only a note where something refutes the assumption all the same.
        let mut builtin = outcome.builtin;
        if let Some((note, failed)) = builtin.as_mut().zip(self.told.and_then(|told| told.failed.as_ref())) {
            let (message, path) = failed.described(&note.message);
            note.message = message;
            note.location = Some(failed.location.clone());
            if refuted.is_none() {
                steps.examples.extend(path);
                let Failed { body, statement, env, .. } = failed;
                steps.undecided.push(Undecided { body: *body, statement: *statement, env: Some(env.clone()) });
            }
        }
        if refuted.is_none() {
            steps.said.extend(builtin.take());
        }
        // 2.
        steps.said.extend(self.unusable);
        // 3.
        steps.said.extend(refuted);
        // 4. What is not there because its source is not is said already.
        let gone = self.readings.iter().filter(|reading| reading.reference.is_none() && sources::is_unusable(reading));
        let gone: BTreeSet<&str> = gone.map(|reading| reading.name).collect();
        let static_gaps = self.static_gaps.into_iter().filter(|gap| !gap.is_of(&gone));
        steps.said.extend(static_gaps.map(|gap| gap.said));
        steps.add_gaps(&self.looked, &self.iterations, &gone);
        steps.said.extend(outcome.gaps);
        // 5.
        steps.said.extend(partial);
        // 6.
        let mut never_reached = self.iterations.never_reached;
        if vacuous != Vacuous::Allowed && gone.is_empty() {
            let empty = empty_population(self.group, outcome.subjects, outcome.measured_nothing);
            steps.said.extend(empty.or_else(|| self.iterations.empty.filter(|_| self.iterations.is_empty)));
            if vacuous == Vacuous::Strict {
                steps.said.extend(never_reached.drain(..).map(|note| Note { reason: Reason::Vacuous, ..note }));
            }
        }
        // 7.
        let margin = measures.iter().filter_map(Measure::margin).min_by(f64::total_cmp);
        steps.said.extend(eroding(assumption, violations, measures, margin, self.settings));
        steps.said.extend(builtin);
        // What a pass rests on is said where it passes.
        let is_against = |said: &Note| matches!(said.reason.verdict(), Some(Verdict::Decayed | Verdict::Unknown));
        let passes = !steps.said.iter().any(is_against);
        let of_a_pass = |note: &Note| passes || note.reason == Reason::Lost;
        steps.said.extend(self.looked.notes.into_iter().chain(absent).chain(never_reached).filter(of_a_pass));
        if !self.is_explained {
            steps.said.push(Note {
                reason: Reason::NotExplained,
                message: "its statements could not be followed: values that are not there may not have been noticed"
                    .to_owned(),
                help: None,
                location: Some(assumption.rule.clone()),
            });
        }
        steps.said.extend(also);
        // Whatever kept it from looking: a pass on nothing is none, unless it says itself what is not there.
        let is_excused = |one: &Use| {
            one.role == Role::Excused || assumption.optional.iter().any(|pattern| pattern.covers(&one.path))
        };
        let mut uses = self.group.reads.uses.iter();
        let reads_facts = uses.any(|one| one.path.key(0) == Some("input") && !is_excused(one));
        let says_absence = steps.said.iter().any(|said| said.reason == Reason::Absence);
        let has_elements = self.iterations.has_elements;
        if passes && facts == 0 && reads_facts && !has_elements && !says_absence && vacuous != Vacuous::Allowed {
            // It goes before what only erodes.
            let nothing = Note {
                reason: Reason::Vacuous,
                message: "it looked at nothing: none of the facts it reads is there".to_owned(),
                help: Some("see what was collected with `stillholds facts`, and by which names".to_owned()),
                location: Some(assumption.rule.clone()),
            };
            steps.said.insert(0, nothing);
        }
        steps
    }
}

impl Steps {
    /// Step 4, statement by statement.
    fn add_gaps(&mut self, looked: &Findings, iterations: &Iterations, gone: &BTreeSet<&str>) {
        let is_gone = |path: Option<&Path>| path.and_then(Path::source).is_some_and(|source| gone.contains(source));
        for gap in looked.gaps.iter().filter(|gap| !is_gone(gap.path.as_ref())) {
            // The same may be met at several places; it is said at the first.
            if !self.said.iter().any(|step| (step.reason, &step.message) == (gap.note.reason, &gap.note.message)) {
                self.examples.extend(gap.example.clone());
                self.undecided.push(gap.undecided());
                self.said.push(gap.note.clone());
            }
        }
        for (note, path) in iterations.absent.iter().filter(|(_, path)| !is_gone(path.as_ref())) {
            // A list that is not there is said once.
            if !self.said.iter().any(|step| (step.reason, &step.location) == (note.reason, &note.location)) {
                self.examples.extend(path.clone());
                self.said.push(note.clone());
            }
        }
    }
}

/// The own definitions of an assumption that look for something where not everything was collected.
fn definitions_over_parts<'a>(group: &'a Group, world: World<'_>) -> Vec<&'a Place> {
    let is_over_part = |at: &usize| {
        let uses = group.reads.uses.iter().filter(|one| one.definitions.contains(at) && !is_all_there(one, world));
        let readings = sources::readings(uses, &group.assumption, world);
        readings.iter().any(sources::is_sought_in_part)
    };
    let definitions = group.reads.definitions.iter().enumerate();
    definitions.filter(|(at, _)| is_over_part(at)).map(|(_, place)| place).collect()
}

/// Whether what is looked for at one place is all there: a value of which `object.get` need not bring another, or one
/// that has no parts.
fn is_all_there(one: &Use, world: World<'_>) -> bool {
    if one.path.segments().contains(&Segment::Any) {
        return false;
    }
    value_at(&one.path, world.input).is_some_and(|value| match one.role {
        Role::Excused => true,
        Role::List => !matches!(value, Value::Array(_) | Value::Object(_) | Value::Set(_)),
        _ => false,
    })
}

/// Whether all that made an element look for something where not everything was collected.
fn is_over_part(element: &Element, told: Option<&Told>, over_parts: &[&Place]) -> bool {
    let (Some(told), Some(value)) = (told, &element.value) else { return !over_parts.is_empty() };
    let made = told.made(&element.rule, value);
    let is_over = |(body, _): &(usize, _)| over_parts.contains(&&told.program.bodies[*body].place);
    // Where it is not known which one made it, it may be any.
    if made.is_empty() { !over_parts.is_empty() } else { made.iter().all(is_over) }
}

/// What is not there as far as whole paths show it, where the statements could not be followed.
fn static_gaps<'a>(
    uses: impl Iterator<Item = &'a Use> + Clone,
    assumption: &Assumption,
    world: World<'_>,
) -> Vec<Gap<'a>> {
    let left_out = left_out(&uses, world);
    let mut missing = missing(uses, assumption, world);
    // What a collector left out is said as that, and not once more as something that is not there.
    missing.retain(|gap| !left_out.iter().any(|known| known.explains(gap)));
    left_out.into_iter().chain(missing).collect()
}

/// What the collectors of the sources that are read left out.
fn left_out_paths(readings: &[sources::Reading<'_>]) -> Vec<(Path, &'static str)> {
    readings.iter().flat_map(sources::left_out_of).collect()
}

/// Step 3: what refutes it.
fn refuted(violations: &[Violation]) -> Option<Note> {
    let refuting = violations.iter().filter(|v| v.counts && v.kind.class() == Class::Refutes);
    // The author's own words come before a limit, and a limit before `holds`.
    let first = refuting.min_by_key(|violation| violation.kind)?;
    let reason = match first.kind {
        ViolationKind::Holds => Reason::NotHeld,
        ViolationKind::Measure => Reason::Limit,
        _ => Reason::Violated,
    };
    let message = if reason == Reason::NotHeld { "`holds` is not true".to_owned() } else { first.message.clone() };
    Some(Note { reason, message, help: None, location: Some(first.rule.location.clone()) })
}

/// Step 6: its population is empty.
fn empty_population(group: &Group, subjects: Option<u64>, measured_nothing: bool) -> Option<Note> {
    let (word, message) = if subjects == Some(0) {
        (Word::Subjects, "its `subjects` are empty: it looked at nothing")
    } else if measured_nothing {
        (Word::Measure, "it measured nothing")
    } else {
        return None;
    };
    let rule = group.rules.iter().find(|rule| rule.word == word)?;
    Some(Note {
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
) -> Vec<Note> {
    let mut said = Vec::new();
    if let Some(first) = violations.iter().find(|v| v.counts && v.kind.class() == Class::Warns) {
        let location = Some(first.rule.location.clone());
        said.push(Note { reason: Reason::Warned, message: first.message.clone(), help: None, location });
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
        said.push(Note {
            reason: Reason::Margin,
            message: format!("{} of margin left{of}, less than {}", percent(margin), percent(threshold)),
            help: None,
            location: Some(assumption.rule.clone()),
        });
    }
    let today = settings.now.to_zoned(TimeZone::UTC).date();
    if let Some(review_by) = assumption.review_by.filter(|date| *date < today) {
        said.push(Note {
            reason: Reason::ReviewDue,
            message: format!("its review was due by {review_by}"),
            help: Some("look whether the design still wants it, and set `review_by` anew".to_owned()),
            location: Some(assumption.rule.clone()),
        });
    }
    said
}

/// What else is to be said: what it rests on, and what was not followed.
fn also(group: &Group, readings: &[sources::Reading<'_>], world: World<'_>) -> Vec<Note> {
    let mut said = Vec::new();
    for reading in readings.iter().filter(|reading| reading.is_of_facts()) {
        let Some(source) = reading.source else { continue };
        if source.basis == Some(Basis::Sample) {
            said.push(sampled(source, &group.reads.uses, world.input));
        }
    }
    for (what, place) in &group.reads.not_followed {
        said.push(Note {
            reason: Reason::NotExplained,
            message: format!("{what} was not followed: what it reads was not looked at"),
            help: None,
            location: Some(place.location()),
        });
    }
    said
}

/// What may be absent, and is so everywhere: a pass rests on it.
fn optional_absent<'a>(
    group: &'a Group,
    reads: &'a [Presence],
    snapshot: &'a crate::model::Snapshot,
) -> impl Iterator<Item = Note> + 'a {
    let is_optional = |path: &Path| group.assumption.optional.iter().any(|pattern| pattern.covers(path));
    let is_collected = |path: &Path| path.source().is_none_or(|source| snapshot.source(source).is_some());
    let absent = reads.iter().filter(move |read| {
        read.present == 0 && read.absent > 0 && is_optional(&read.path) && is_collected(&read.path)
    });
    absent.map(|Presence { path, absent, .. }| Note {
        reason: Reason::Absence,
        message: if path.segments().contains(&Segment::Any) {
            format!("rests on absence: `{path}` is not set on {absent} of {}", count(*absent, "element"))
        } else {
            format!("rests on absence: `{path}` is not there")
        },
        help: None,
        location: group.reads.uses.iter().find(|one| one.path == *path).map(|one| one.place.location()),
    })
}

/// The verdict without what is stale or partial.
fn provisional(steps: &[Note], violations: &[Violation]) -> Option<Verdict> {
    let rest = steps
        .iter()
        .filter(|said| !matches!(said.reason, Reason::Stale | Reason::Partial) || said.reason.verdict().is_none());
    if steps.iter().any(|said| matches!(said.reason, Reason::Failed)) {
        return None;
    }
    // What was met and could not be said would be one more.
    if steps.iter().any(|said| said.reason == Reason::Lost) {
        return Some(Verdict::Decayed);
    }
    // Set aside because something is partial, not because it is not there.
    let set_aside = steps.iter().any(|said| said.reason == Reason::Partial)
        && !steps.iter().any(|said| said.reason == Reason::Missing)
        && violations.iter().any(|violation| !violation.counts && violation.kind.class() == Class::Refutes);
    if set_aside {
        return Some(Verdict::Decayed);
    }
    match { rest }.find_map(|said| said.reason.verdict()) {
        Some(Verdict::Unknown) => None,
        other => Some(other.unwrap_or(Verdict::Holds)),
    }
}
