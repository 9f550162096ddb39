//! Whether it looked at nothing: the first iteration of every body, and the conditions that nothing reached.

use std::collections::BTreeSet;

use regorus::Value;

use super::{
    Told,
    inputs::Inputs,
    missing::{is_shipped, remedy},
    program::{Form, Kind, Need, Operand, Read, Root, Statement},
    trace::{Met, ReadTrace, StatementTrace, meet},
};
use crate::{
    model::{Assumption, Note, Path, Reason, Segment},
    policy::{DataPath, Group, Word},
    source::Location,
    text::{count, value as shown},
};

/// What the first iterations of an assumption came to.
#[derive(Default)]
pub(super) struct Iterations {
    /// Whether no body met an element, and none was stopped before by a false condition.
    pub(super) is_empty: bool,
    /// The first list that was empty.
    pub(super) empty: Option<Note>,
    /// The lists that are not there.
    pub(super) absent: Vec<(Note, Option<Path>)>,
    /// Whether a first iteration met an element.
    pub(super) has_yielded: bool,
    /// Whether there are elements that are looked at one by one.
    pub(super) has_elements: bool,
    /// Conditions that no binding reached.
    pub(super) never_reached: Vec<Note>,
}

/// The first iteration of one body.
struct First<'a> {
    yielded: bool,
    /// Whether a defined, false condition stood before it.
    stopped: bool,
    /// Whether nothing arrived at it.
    unreached: bool,
    body: usize,
    /// What is gone through.
    statement: &'a Statement,
    /// The list, where it is one that is read, and not made by a call.
    read: Option<(&'a Read, &'a ReadTrace)>,
}

/// Looks at the bodies that can refute or warn.
pub(super) fn iterations(told: &Told, group: &Group) -> Iterations {
    let mut out = Iterations::default();
    let of_word = |rule: &&crate::policy::GroupRule| rule.word != Word::Subjects;
    // The design is what is looked at only where nothing else is.
    let only_design =
        group.reads.uses.iter().all(|one| one.path.source().is_none() && one.path.key(1) != Some("reference"));
    let mut firsts: Vec<First<'_>> = Vec::new();
    let mut without = 0;
    for rule in group.rules.iter().filter(of_word) {
        for body in told.program.bodies_of(&rule.path) {
            let before = firsts.len();
            first(told, *body, only_design, &mut firsts, &mut BTreeSet::new());
            if firsts.len() == before {
                without += 1;
            }
            if matches!(rule.word, Word::Violation | Word::Deny | Word::Warn | Word::Holds) {
                out.never_reached.extend(never_reached(told, *body));
            }
        }
    }
    out.has_yielded = firsts.iter().any(|first| first.yielded);
    let each = told.trace.world.inputs.as_ref().filter(|inputs| inputs.is_each());
    out.is_empty = without == 0 && !firsts.is_empty() && firsts.iter().all(|first| !first.yielded && !first.stopped);
    let parent = |first: &First<'_>| {
        let (read, _) = first.read?;
        let path = told.program.paths(first.body, &read.origin).into_iter().next()?;
        let list = match each {
            Some(inputs) => inner_list_of(&path, inputs),
            None => list_of(&path),
        };
        Some(list.segments()[..list.segments().len() - 1].to_vec())
    };
    let there: BTreeSet<Vec<Segment>> =
        firsts.iter().filter(|first| first.read.is_some_and(|(_, told)| told.lists > 0)).filter_map(parent).collect();
    let rule_of = |first: &First<'_>| &told.program.bodies[first.body].rule;
    let yielding: BTreeSet<&DataPath> =
        firsts.iter().filter(|first| first.yielded && !is_own(group, rule_of(first))).map(rule_of).collect();
    let mut unreached = None;
    for first in &firsts {
        let Some((read, trace)) = first.read else {
            if !first.yielded && !first.unreached && out.empty.is_none() {
                out.empty = Some(made_nothing(first.statement, &group.assumption));
            }
            continue;
        };
        let named = told.program.paths(first.body, &read.origin).into_iter().next();
        let list = named.as_ref().map(|path| match each {
            Some(inputs) => inner_list_of(path, inputs),
            None => list_of(path),
        });
        let text = list.as_ref().map_or_else(|| read.text.clone(), Path::to_string);
        if first.unreached {
            unreached.get_or_insert_with(|| {
                let because = stop(told, first.body).map(|stop| format!(", as `{}` was not met", stop.text));
                let message = format!("`{text}` was never reached{}", because.unwrap_or_default());
                nothing(&message, read.place.location(), &group.assumption)
            });
            continue;
        }
        let is_excused = read.need == Need::Excused
            || list.as_ref().is_some_and(|list| group.assumption.optional.iter().any(|pattern| pattern.covers(list)));
        // That the source is not there is said of the source.
        let is_collected = list.as_ref().is_none_or(|list| list.segments().len() > 2);
        if trace.lists == 0 && trace.absent > 0 && !is_excused && is_collected {
            if parent(first).is_some_and(|parent| there.contains(&parent)) {
                continue;
            }
            // A rule that finds the same in elements of several kinds need not meet all kinds.
            if each.is_some() && yielding.contains(rule_of(first)) {
                continue;
            }
            let note = Note {
                reason: Reason::Missing,
                message: format!("`{text}` is not there"),
                help: Some(remedy(&group.assumption, &text)),
                location: Some(read.place.location()),
            };
            if out.absent.iter().all(|(known, _)| known.message != note.message) {
                out.absent.push((note, list));
            }
        } else if !first.yielded && out.empty.is_none() {
            let why = if trace.lists == 0 { "is not there" } else { "has no element" };
            out.empty = Some(nothing(&format!("`{text}` {why}"), read.place.location(), &group.assumption));
        }
    }
    out.empty = out.empty.or(unreached);
    // Where elements are looked at one by one, they are the first iteration.
    if let Some(inputs) = each {
        out.has_elements = inputs.len() > 0;
        out.has_yielded = out.has_elements;
        out.is_empty = !out.has_elements;
        out.empty = out.is_empty.then(|| {
            let why = format!("`{}` has no element", list_of(&inputs.base()));
            nothing(&why, group.assumption.rule.clone(), &group.assumption)
        });
    }
    out
}

/// Whether a rule is one of the assumption's, and none that helps them.
fn is_own(group: &Group, rule: &DataPath) -> bool {
    group.rules.iter().any(|own| own.path == *rule)
}

/// That what a call makes of the facts has no element.
fn made_nothing(statement: &Statement, assumption: &Assumption) -> Note {
    let text = statement.sides.first().map_or(&statement.text, |side| &side.text);
    nothing(&format!("`{text}` has no element"), statement.place.location(), assumption)
}

/// That an assumption looked at nothing, and why.
fn nothing(why: &str, location: Location, assumption: &Assumption) -> Note {
    Note {
        reason: Reason::Vacuous,
        message: format!("it looked at nothing: {why}"),
        help: Some(help_for_nothing(assumption)),
        location: Some(location),
    }
}

fn help_for_nothing(assumption: &Assumption) -> String {
    let see = "see what was collected with `stillholds facts`";
    if is_shipped(assumption) {
        return see.to_owned();
    }
    format!(
        "{see}; if nothing to look at is an answer, write `vacuous: allowed` under `custom.assumption` in its METADATA"
    )
}

/// The statement beyond which nothing came.
fn stop(told: &Told, body: usize) -> Option<&Statement> {
    let reached = |(_, said): &(&Statement, &StatementTrace)| said.arrived > 0;
    let statements = told.program.bodies[body].statements.iter();
    statements.zip(&told.trace.bodies[body].statements).rfind(reached).map(|(statement, _)| statement)
}

/// The list that a path goes through first.
fn list_of(path: &Path) -> Path {
    let end = path.segments().iter().position(|segment| *segment == Segment::Any).unwrap_or(path.segments().len());
    Path::new(path.segments()[..end.max(1)].to_vec())
}

/// The list that a path goes through first inside of an element.
fn inner_list_of(path: &Path, inputs: &Inputs) -> Path {
    let base = inputs.base().segments().len();
    let inside = path.segments().iter().skip(base).position(|segment| *segment == Segment::Any);
    let end = inside.map_or(path.segments().len(), |at| base + at);
    Path::new(path.segments()[..end].to_vec())
}

/// The first iterations that a body reaches, in itself or in what it uses.
fn first<'a>(told: &'a Told, body: usize, only_design: bool, out: &mut Vec<First<'a>>, active: &mut BTreeSet<usize>) {
    if !active.insert(body) {
        return;
    }
    let of = &told.program.bodies[body];
    let trace = &told.trace.bodies[body];
    for (nth, statement) in of.all().enumerate() {
        let before = out.len();
        let said = &trace.statements[nth];
        for list in &statement.lists {
            let read = &statement.reads[*list];
            let is_rule = matches!(read.origin.root, Root::Rule(_));
            if !is_rule && is_of_facts(told, body, read, only_design) {
                let has_arrived = said.arrived > 0;
                out.push(First {
                    yielded: said.reads[*list].yielded,
                    stopped: !has_arrived && is_stopped(told, body, nth),
                    unreached: !has_arrived,
                    body,
                    statement,
                    read: Some((read, &said.reads[*list])),
                });
                break;
            }
        }
        if out.len() > before {
            break;
        }
        for nested in &statement.nested {
            first(told, *nested, only_design, out, active);
            if out.len() > before {
                break;
            }
        }
        if out.len() > before {
            note_stop(told, body, nth, said, &mut out[before..]);
            break;
        }
        for call in &statement.calls {
            for other in told.program.bodies_of(&call.rule) {
                first(told, *other, only_design, out, active);
            }
            if out.len() > before {
                break;
            }
        }
        if out.len() > before {
            note_stop(told, body, nth, said, &mut out[before..]);
            break;
        }
        // A list that only a rule knows: what it has is all there is to say.
        for list in &statement.lists {
            let read = &statement.reads[*list];
            if let Root::Rule(rule) = &read.origin.root
                && !told.program.bodies_of(rule).is_empty()
            {
                let reads_facts = told.program.bodies_of(rule).iter().any(|other| {
                    told.program.bodies[*other].all().any(|statement| {
                        statement.reads.iter().any(|read| is_of_facts(told, *other, read, only_design))
                    })
                });
                if reads_facts {
                    out.push(First {
                        yielded: said.reads[*list].yielded,
                        stopped: said.arrived == 0 && is_stopped(told, body, nth),
                        unreached: said.arrived == 0,
                        body,
                        statement,
                        read: Some((read, &said.reads[*list])),
                    });
                    break;
                }
            }
        }
        if out.len() == before
            && let Some(yielded) = yields(told, body, nth, statement)
            && statement.reads.iter().any(|read| is_of_facts(told, body, read, only_design))
        {
            out.push(First {
                yielded,
                stopped: said.arrived == 0 && is_stopped(told, body, nth),
                unreached: said.arrived == 0,
                body,
                statement,
                read: None,
            });
        }
        if out.len() > before {
            break;
        }
    }
    active.remove(&body);
}

/// Whether what a call made had an element, where a statement goes through that and takes each as it is.
fn yields(told: &Told, body: usize, nth: usize, statement: &Statement) -> Option<bool> {
    let of = &told.program.bodies[body];
    if !statement.lists.is_empty() || !matches!(statement.sides.first()?.operand, Operand::Seen(_) | Operand::Unknown) {
        return None;
    }
    match statement.form {
        Form::Some if !statement.text.starts_with("some {") && !statement.text.starts_with("some [") => {
            let next = &told.trace.bodies[body].statements[nth + 1];
            Some(next.arrived > 0 || nth + 1 == of.statements.len() && told.trace.bodies[body].made_count > 0)
        }
        Form::Every => {
            let inner = *statement.nested.iter().rev().find(|at| told.program.bodies[**at].kind == Kind::Every)?;
            Some(told.trace.bodies[inner].statements.first().is_some_and(|first| first.arrived > 0))
        }
        _ => None,
    }
}

/// What stands deeper was not reached where this statement was not.
fn note_stop(told: &Told, body: usize, nth: usize, said: &StatementTrace, firsts: &mut [First<'_>]) {
    if said.arrived == 0 {
        let stopped = is_stopped(told, body, nth);
        for first in firsts {
            first.stopped |= stopped;
        }
    }
}

/// Whether an iteration goes over facts or a reference, or over the design where nothing else is read.
fn is_of_facts(told: &Told, body: usize, read: &Read, only_design: bool) -> bool {
    match &read.origin.root {
        Root::Input => true,
        Root::Data | Root::Slot(_) => {
            let paths = told.program.paths(body, &read.origin);
            // What a parameter stands for is not always known; it comes from the facts as a rule.
            (paths.is_empty() && matches!(read.origin.root, Root::Slot(_)))
                || paths.iter().any(|path| path.source().is_some() || path.key(1) == Some("reference") || only_design)
        }
        Root::Rule(_) | Root::Elsewhere(..) | Root::Made(_) | Root::Unknown => false,
    }
}

/// Whether the bindings that got furthest before a statement met a condition that is defined and false.
fn is_stopped(told: &Told, body: usize, before: usize) -> bool {
    let trace = &told.trace.bodies[body];
    let Some(last) = (0..before).rev().find(|nth| trace.statements[*nth].arrived > 0) else { return false };
    is_defined(told, &told.program.bodies[body].statements[last], &trace.statements[last])
}

/// Whether everything that a statement reads was there for an example.
fn is_defined(told: &Told, statement: &Statement, said: &StatementTrace) -> bool {
    let Some(sample) = said.samples.first() else { return false };
    statement.reads.iter().filter(|read| read.need != Need::Excused && read.pattern.is_none()).all(|read| {
        let mut absent = false;
        meet(read, &sample.env, &told.trace.world, &mut |met| absent |= matches!(met, Met::Absent(..)));
        !absent
    })
}

/// The last condition of a body, where no binding reached it: where they stopped, and what they had there.
fn never_reached(told: &Told, body: usize) -> Option<Note> {
    let of = &told.program.bodies[body];
    let trace = &told.trace.bodies[body];
    let is_condition = |statement: &Statement| matches!(statement.form, Form::Test | Form::Not | Form::Every);
    let last = of.statements.iter().rposition(is_condition)?;
    if trace.statements[last].arrived > 0 || trace.statements.first().is_none_or(|first| first.arrived == 0) {
        return None;
    }
    let stop = (0..last).rev().find(|nth| trace.statements[*nth].arrived > 0)?;
    let (at, said) = (&of.statements[stop], &trace.statements[stop]);
    let place = of.statements[last].place.location();
    let note = |message: String| Note { reason: Reason::NeverReached, message, help: None, location: Some(place) };
    let text = &of.statements[last].text;
    let lists = at.lists.iter().map(|list| (&at.reads[*list], &said.reads[*list]));
    if let Some((read, list)) = { lists }.find(|(_, list)| !list.yielded && list.absent + list.lists > 0) {
        let named = told.program.paths(body, &read.origin).into_iter().next();
        let named = named.as_ref().map_or_else(|| read.text.clone(), Path::to_string);
        let why = if list.lists == 0 { "is not there" } else { "has no element" };
        return Some(note(format!("`{text}` was never reached: `{named}` {why}")));
    }
    let mut seen = String::new();
    if let Some((constants, values)) =
        at.constants.iter().zip(&said.constants).find(|(_, values)| !values.values.is_empty())
    {
        let compared = &at.reads[constants.read].text;
        let some: Vec<_> = values.values.iter().take(5).map(plain).collect();
        let more = if values.values.len() > some.len() { ", …" } else { "" };
        if !told.is_secret(compared) {
            seen = format!("; `{compared}` was {}{more}", some.join(", "));
        }
    }
    Some(note(format!(
        "`{text}` was never reached: `{}` let none of {} pass{seen}",
        at.text,
        count(said.arrived, "binding")
    )))
}

fn plain(value: &Value) -> String {
    serde_json::to_value(value).map_or_else(|_| String::new(), |json| shown(&json))
}
