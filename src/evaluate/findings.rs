//! What is needed and not there, statement by statement: what no binding found, what only looks like what was asked
//! for, what is of another type, and what was met but could not be said.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use super::{
    Told,
    alike::{Values, key_meant},
    judge::Undecided,
    place::concrete,
    program::{Form, Hop, Kind, Need, Operand, Origin, Read, Root},
    trace::{Met, StatementTrace, bound, meet},
};
use crate::{
    model::{Note, Path, Reason, Segment},
    policy::{DataPath, Group, Word},
    text::{count, value as shown},
};

/// What was found of one assumption.
#[derive(Default)]
pub(super) struct Findings {
    /// Step 4.
    pub(super) gaps: Vec<Finding>,
    /// What is said and not judged.
    pub(super) notes: Vec<Note>,
}

/// Something that keeps what rests on it from counting.
pub(super) struct Finding {
    body: usize,
    statement: usize,
    item: Item,
    /// The bindings it was met with.
    kept: Vec<Value>,
    pub(super) note: Note,
    /// An element with it.
    pub(super) example: Option<Path>,
    /// The path that is not there.
    pub(super) path: Option<Path>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Read(usize),
    Pair(usize),
    Constants(usize),
    Head,
}

/// Looks at all statements of an assumption. `left_out` are the paths that a collector left out, with why.
pub(super) fn findings(told: &Told, group: &Group, left_out: &[(Path, &'static str)]) -> Findings {
    let mut look = Look {
        told,
        group,
        left_out,
        read: group
            .reads
            .uses
            .iter()
            .flat_map(|one| one.path.segments())
            .filter_map(|segment| match segment {
                Segment::Key(key) => Some(key.as_str()),
                _ => None,
            })
            .collect(),
        constants: BTreeSet::new(),
        found: Findings::default(),
        said: BTreeSet::new(),
    };
    let bodies: Vec<usize> = told.bodies(group).collect();
    for body in &bodies {
        for statement in &told.program.bodies[*body].statements {
            look.constants.extend(
                statement.constants.iter().flat_map(|constants| constants.texts.iter().map(|text| text.text.as_str())),
            );
        }
    }
    for body in bodies {
        look.body(body);
    }
    look.found
}

struct Look<'a> {
    told: &'a Told,
    group: &'a Group,
    left_out: &'a [(Path, &'static str)],
    /// Every key that the assumption reads.
    read: BTreeSet<&'a str>,
    /// Every string it compares with.
    constants: BTreeSet<&'a str>,
    found: Findings,
    said: BTreeSet<String>,
}

impl<'a> Look<'a> {
    fn body(&mut self, at: usize) {
        let told = self.told;
        let body = &told.program.bodies[at];
        let trace = &told.trace.bodies[at];
        for (nth, (statement, said)) in
            body.statements.iter().chain([&body.head.statement]).zip(&trace.statements).enumerate()
        {
            if said.arrived == said.elsewhere {
                continue;
            }
            for (number, read) in statement.reads.iter().enumerate() {
                self.read(at, nth, number, read, said);
            }
            for (number, pair) in statement.pairs.iter().enumerate() {
                let told = &said.pairs[number];
                let kept = self.unexcused(at, &told.kept);
                let Some((left, right)) = told.example.as_ref().filter(|_| !kept.is_empty()) else { continue };
                let (side, other) =
                    if matches!(left, Value::Number(_)) { (&pair.right, right) } else { (&pair.left, left) };
                let origin = match &side.operand {
                    Operand::Read(read) => Some(statement.reads[*read].origin.clone()),
                    Operand::Slot(slot) => Some(Origin { root: Root::Slot(*slot), hops: Vec::new() }),
                    _ => None,
                };
                let example = origin
                    .as_ref()
                    .and_then(|origin| concrete(&self.told.program, at, origin, &kept[0], &self.told.trace.world));
                let named = origin
                    .as_ref()
                    .and_then(|origin| self.named(at, origin))
                    .map_or_else(|| side.text.clone(), |path| path.to_string());
                let times = if told.mistyped > 1 { format!(", {} times", told.mistyped) } else { String::new() };
                let at_example = example
                    .as_ref()
                    .filter(|path| path.to_string() != named)
                    .map(|path| format!(" (`{path}`)"))
                    .unwrap_or_default();
                let note = Note {
                    reason: Reason::Mistyped,
                    message: format!("`{named}` is {}, not a number{at_example}{times}", short(other)),
                    help: Some(
                        "in Rego text is greater than every number: convert it with `to_number`, or collect it as a number"
                            .to_owned(),
                    ),
                    location: Some(pair.place.location()),
                };
                self.push(Finding {
                    body: at,
                    statement: nth,
                    item: Item::Pair(number),
                    kept,
                    note,
                    path: example.clone(),
                    example,
                });
            }
            for (number, constants) in statement.constants.iter().enumerate() {
                let told = &said.constants[number];
                if told.met == 0 {
                    continue;
                }
                let missing = constants.texts.iter().zip(&told.matched).filter(|(_, matched)| !**matched);
                let missing: Vec<_> = missing.map(|(text, _)| text.text.as_str()).collect();
                if missing.is_empty() {
                    continue;
                }
                let values =
                    Values::new(told.values.iter().filter_map(|value| value.as_string().ok().map(AsRef::as_ref)));
                for text in missing {
                    let Some(meant) = values.meant(text, &self.constants) else { continue };
                    let read = &statement.reads[constants.read];
                    let named = self.named(at, &read.origin).map_or_else(|| read.text.clone(), |path| path.to_string());
                    if self.is_optional(at, &read.origin) {
                        continue;
                    }
                    let note = Note {
                        reason: Reason::Missing,
                        message: format!(
                            "nothing in `{named}` is {}, but {} stands there",
                            shown(&text.into()),
                            shown(&meant.into())
                        ),
                        help: Some(format!(
                            "did you mean {}? if both may occur, name {0} in the rule too",
                            shown(&meant.into())
                        )),
                        location: Some(constants.place.location()),
                    };
                    self.push(Finding {
                        body: at,
                        statement: nth,
                        item: Item::Constants(number),
                        kept: Vec::new(),
                        note,
                        example: None,
                        path: None,
                    });
                }
            }
        }
        self.lost(at);
    }

    fn read(&mut self, body: usize, nth: usize, number: usize, read: &Read, said: &StatementTrace) {
        let told = &said.reads[number];
        if told.absent == 0 && self.left_out.is_empty() {
            return;
        }
        let arrived = said.arrived - said.elsewhere;
        let every = told.present == 0 && told.lacking == arrived && arrived > 0;
        self.left_out(body, nth, number, read, said);
        if told.absent == 0 || self.is_optional(body, &read.origin) || self.is_not_collected(body, &read.origin) {
            return;
        }
        let kept = self.unexcused(body, &told.kept);
        let hop = told.hops.iter().copied().next().unwrap_or(0);
        let is_known = told.hops.len() == 1;
        // What was left out is said as that, and not once more as something that is not there.
        if self.found.gaps.iter().any(|gap| gap.body == body && gap.statement == nth && gap.item == Item::Read(number))
        {
            return;
        }
        if every
            && is_known
            && let Some(Hop::Key(key)) = read.origin.hops.get(hop)
        {
            let siblings = told.siblings.iter().filter_map(|key| key.as_string().ok().map(AsRef::as_ref));
            if let Some(meant) = key_meant(&key.text, siblings, &self.read, |_| false) {
                let absent = self.cut(body, &read.origin, hop);
                let note = Note {
                    reason: Reason::Missing,
                    message: format!("`{absent}` is nowhere there, but `{meant}` is"),
                    help: Some(format!(
                        "did you mean `{meant}`? if `{}` may really be absent, list `{absent}` under `optional`",
                        key.text
                    )),
                    location: Some(read.place.location()),
                };
                self.gap(body, nth, number, read, hop, told.kept.clone(), note);
                return;
            }
        }
        let is_required = self
            .paths(body, &read.origin)
            .iter()
            .any(|path| self.group.assumption.required.iter().any(|pattern| pattern.covers(path)));
        let first_variable = read.origin.hops.iter().position(|hop| !matches!(hop, Hop::Key(_) | Hop::Index(_)));
        let is_designed = read.origin.root == Root::Data
            || self
                .named(body, &read.origin)
                .is_some_and(|path| path.source().is_none() && path.key(0) == Some("data"));
        let by_name = read.origin.root == Root::Data && first_variable.is_none_or(|first| hop < first);
        let is_head = nth == self.told.program.bodies[body].statements.len();
        let is_lost = is_head && self.is_own(body);
        let needs = match read.need {
            Need::Excused => false,
            _ if is_lost => false,
            _ if is_designed && by_name => true,
            Need::Number | Need::Negated => true,
            Need::Value => every,
            Need::List | Need::Truth | Need::Absence => is_designed && every,
        };
        if !(needs || is_required) {
            if every && matches!(read.need, Need::Truth | Need::Absence) && !kept.is_empty() {
                self.rests_on_absence(body, read, told.absent);
            }
            return;
        }
        if kept.is_empty() {
            return;
        }
        let absent = self.cut(body, &read.origin, hop);
        let whole = self.named(body, &read.origin).map_or_else(|| read.text.clone(), |path| path.to_string());
        let some = told.present > 0 || told.lacking < arrived;
        let mut message = if whole == absent {
            format!("`{absent}` is not there")
        } else {
            format!("`{whole}` is not there, nor is `{absent}`")
        };
        let example = concrete(&self.told.program, body, &up_to(&read.origin, hop), &kept[0], &self.told.trace.world);
        if absent.contains("[_]") || some {
            let places = told.absent;
            let of = told.absent + told.present;
            let where_ = example.as_ref().map(|path| format!(": not in `{path}`")).unwrap_or_default();
            message.push_str(&format!(" in {places} of {}{where_}", count(of, "place")));
        }
        let help = if is_required && !needs {
            format!("it is listed under `required`: see what is there with `stillholds facts`")
        } else if is_designed {
            design_help(&absent)
        } else {
            format!("mend what delivers it, or list `{absent}` under `optional` if it may be absent")
        };
        let note = Note { reason: Reason::Missing, message, help: Some(help), location: Some(read.place.location()) };
        self.gap(body, nth, number, read, hop, kept, note);
    }

    #[expect(clippy::too_many_arguments, reason = "one finding with all that is known of it")]
    fn gap(&mut self, body: usize, nth: usize, number: usize, read: &Read, hop: usize, kept: Vec<Value>, note: Note) {
        let world = &self.told.trace.world;
        let example =
            kept.first().and_then(|env| concrete(&self.told.program, body, &up_to(&read.origin, hop), env, world));
        let path = self.named(body, &read.origin);
        self.push(Finding { body, statement: nth, item: Item::Read(number), kept, note, example, path });
    }

    fn push(&mut self, finding: Finding) {
        let is_said = !self.said.insert(finding.note.message.clone());
        // Said once, and kept for what rests on it.
        if is_said && let Some(known) = self.found.gaps.iter().find(|gap| gap.note.message == finding.note.message) {
            let note = known.note.clone();
            self.found.gaps.push(Finding { note, ..finding });
            return;
        }
        self.found.gaps.push(finding);
    }

    /// Values that a collector left out, where a binding reads them.
    fn left_out(&mut self, body: usize, nth: usize, number: usize, read: &Read, said: &StatementTrace) {
        if self.left_out.is_empty() || read.need == Need::Excused {
            return;
        }
        let patterns = self.paths(body, &read.origin);
        if !patterns.is_empty()
            && !patterns.iter().any(|pattern| self.left_out.iter().any(|(path, _)| pattern.meets(path)))
        {
            return;
        }
        let told = &said.reads[number];
        let world = &self.told.trace.world;
        let mut hit: BTreeMap<&Path, (&'static str, Vec<Value>)> = BTreeMap::new();
        for env in &told.kept {
            let Some(place) = concrete(&self.told.program, body, &read.origin, env, world) else { continue };
            for (path, why) in self.left_out {
                if path.segments().len() <= place.segments().len() && path.meets(&place) {
                    hit.entry(path).or_insert((why, Vec::new())).1.push(env.clone());
                }
            }
        }
        // In a list a null stands where the value was, and a document that is taken whole lacks it somewhere inside.
        if told.present > 0 && self.takes_whole(body, nth, read) {
            for pattern in &patterns {
                for (path, why) in self.left_out {
                    if pattern.covers(path) {
                        hit.entry(path).or_insert((why, Vec::new()));
                    }
                }
            }
        }
        for (path, (why, kept)) in hit {
            let note = Note {
                reason: Reason::Missing,
                message: format!("`{path}` was {why}"),
                help: Some("without it nobody can tell: mend what delivers it, or read something else".to_owned()),
                location: Some(read.place.location()),
            };
            let parent = Path::new(path.segments()[..path.segments().len() - 1].to_vec());
            self.push(Finding {
                body,
                statement: nth,
                item: Item::Read(number),
                kept,
                note,
                example: Some(parent),
                path: Some(path.clone()),
            });
        }
    }

    /// Whether a value is compared or handed to a built-in as it is; a name alone is none.
    fn takes_whole(&self, body: usize, nth: usize, read: &Read) -> bool {
        let of = &self.told.program.bodies[body];
        let Some(statement) = of.statements.get(nth) else { return true };
        statement.form != Form::Binds
            && !matches!(read.need, Need::List | Need::Truth | Need::Absence | Need::Excused)
            && statement.calls.iter().all(|call| call.arguments.is_empty())
    }

    fn rests_on_absence(&mut self, body: usize, read: &Read, absent: u64) {
        let path = self.named(body, &read.origin).map_or_else(|| read.text.clone(), |path| path.to_string());
        let note = Note {
            reason: Reason::Absence,
            message: format!("rests on absence: `{path}` is not set on {absent} of {}", count(absent, "element")),
            help: None,
            location: Some(read.place.location()),
        };
        if !self.found.notes.contains(&note) {
            self.found.notes.push(note);
        }
    }

    /// What met every condition and could not be said.
    fn lost(&mut self, at: usize) {
        let body = &self.told.program.bodies[at];
        let Some(word) = self.word(at) else { return };
        let trace = &self.told.trace.bodies[at];
        let nth = body.statements.len();
        let reached = &trace.statements[nth];
        let lost = (reached.arrived - reached.elsewhere).saturating_sub(trace.made_count);
        if lost == 0 {
            return;
        }
        let what = match word {
            Word::Violation | Word::Deny => "violation",
            Word::Warn => "warning",
            Word::Subjects => "subject",
            Word::Measure => "measure",
            Word::Holds => return,
        };
        let lacking = body.head.statement.reads.iter().zip(&reached.reads).find(|(_, told)| told.absent > 0);
        let (named, kept, example, place) = match lacking {
            Some((read, told)) => {
                let hop = told.hops.iter().copied().next().unwrap_or(0);
                let example =
                    concrete(&self.told.program, at, &up_to(&read.origin, hop), &told.kept[0], &self.told.trace.world);
                (
                    format!("`{}` is not there", self.cut(at, &read.origin, hop)),
                    told.kept.clone(),
                    example,
                    read.place.location(),
                )
            }
            None => ("something in it is undefined".to_owned(), Vec::new(), None, body.head.statement.place.location()),
        };
        let of = example.as_ref().map(|path| format!(" (in `{path}`)")).unwrap_or_default();
        let were = if lost == 1 { "was" } else { "were" };
        let message = format!("{} {were} met and could not be built: {named}{of}", count(lost, what));
        let help = Some("take what may be absent with `object.get`, which brings a value of its own".to_owned());
        self.found.notes.push(Note {
            reason: Reason::Lost,
            message: message.clone(),
            help: None,
            location: Some(place.clone()),
        });
        let note = Note { reason: Reason::Missing, message, help, location: Some(place) };
        self.push(Finding { body: at, statement: nth, item: Item::Head, kept, note, path: example.clone(), example });
    }

    /// The rule word of a body, where it is one of the assumption's own.
    fn word(&self, body: usize) -> Option<Word> {
        let body = &self.told.program.bodies[body];
        if body.parent.is_some() {
            return None;
        }
        self.group.rules.iter().find(|rule| rule.path == body.rule).map(|rule| rule.word)
    }

    fn is_own(&self, body: usize) -> bool {
        self.word(body).is_some_and(|word| word != Word::Holds)
    }

    /// The bindings for which no other body of the same rule came to an outcome.
    fn unexcused(&self, body: usize, kept: &[Value]) -> Vec<Value> {
        let program = &self.told.program;
        let mut top = body;
        while let Some((parent, _)) = program.bodies[top].parent {
            top = parent;
        }
        let of = &program.bodies[top];
        if of.kind == Kind::Elements {
            return kept.to_vec();
        }
        let others =
            program.bodies_of(&of.rule).iter().filter(|other| **other != top && !program.bodies[**other].is_fallback);
        let others: Vec<_> =
            others.map(|other| &self.told.trace.bodies[*other]).filter(|other| other.made_count > 0).collect();
        if others.is_empty() {
            return kept.to_vec();
        }
        if of.kind != Kind::Function {
            return Vec::new();
        }
        let arguments =
            |env: &Value| -> Vec<Value> { (0..of.outer).filter_map(|slot| bound(env, slot).cloned()).collect() };
        let known: BTreeSet<Vec<Value>> =
            others.iter().flat_map(|other| other.made.iter().map(|made| arguments(&made.env))).collect();
        kept.iter().filter(|env| !known.contains(&arguments(env))).cloned().collect()
    }

    fn paths(&self, body: usize, origin: &Origin) -> Vec<Path> {
        self.told.program.paths(body, origin)
    }

    fn named(&self, body: usize, origin: &Origin) -> Option<Path> {
        self.paths(body, origin).into_iter().next().filter(|path| path.segments().len() > 1)
    }

    /// The path up to and with a step, or what the author wrote.
    fn cut(&self, body: usize, origin: &Origin, hop: usize) -> String {
        let origin = Origin {
            root: origin.root.clone(),
            hops: origin.hops[..=hop.min(origin.hops.len().saturating_sub(1))].to_vec(),
        };
        match self.named(body, &origin) {
            Some(path) => path.to_string(),
            None => origin
                .hops
                .iter()
                .rev()
                .find_map(|hop| match hop {
                    Hop::Key(key) => Some(key.text.clone()),
                    _ => None,
                })
                .unwrap_or_default(),
        }
    }

    /// Whether the source itself is not there, which is said of the source.
    fn is_not_collected(&self, body: usize, origin: &Origin) -> bool {
        let paths = self.paths(body, origin);
        let input = self.told.trace.world.input.as_object();
        paths
            .iter()
            .filter_map(Path::source)
            .any(|source| input.as_ref().map_or(true, |sources| sources.get(&Value::from(source)).is_none()))
    }

    fn is_optional(&self, body: usize, origin: &Origin) -> bool {
        let optional = &self.group.assumption.optional;
        if optional.is_empty() {
            return false;
        }
        let paths = self.paths(body, origin);
        !paths.is_empty() && paths.iter().all(|path| optional.iter().any(|pattern| pattern.covers(path)))
    }
}

/// The origin without the step that is missing and what follows.
fn up_to(origin: &Origin, hop: usize) -> Origin {
    Origin { root: origin.root.clone(), hops: origin.hops[..hop.min(origin.hops.len())].to_vec() }
}

fn design_help(path: &str) -> String {
    let Some(rest) = path.strip_prefix("data.design.") else {
        return format!("see what is there, or list `{path}` under `optional` if it may be absent");
    };
    if rest.contains('[') {
        return format!("declare it in a design document, or list `{path}` under `optional` if it may be absent");
    }
    let keys: Vec<_> = rest.split('.').collect();
    format!("declare it: write `{}:` into a design document", keys.join(": "))
}

fn short(value: &Value) -> String {
    serde_json::to_value(value).map_or_else(|_| "a value".to_owned(), |json| crate::text::cut_value(&json, 60, "…"))
}

impl Finding {
    /// The statement, with the first binding.
    pub(super) fn undecided(&self) -> Undecided {
        Undecided { body: self.body, statement: self.statement, env: self.kept.first().cloned() }
    }
}

impl Findings {
    /// Whether every binding that made this element rests on something that was not there.
    pub(super) fn rests_element(&self, told: &Told, rule: &DataPath, value: &Value) -> bool {
        if self.gaps.is_empty() {
            return false;
        }
        let made = told.made(rule, value);
        !made.is_empty() && made.iter().all(|(body, made)| self.rests(told, *body, &made.env))
    }

    /// Whether a binding that came to the end of a body rests on something that was not there.
    pub(super) fn rests(&self, told: &Told, body: usize, env: &Value) -> bool {
        self.rests_within(told, body, env, 0)
    }

    fn rests_within(&self, told: &Told, body: usize, env: &Value, depth: usize) -> bool {
        if depth > 16 {
            return true;
        }
        let program = &told.program;
        let of = &program.bodies[body];
        let is_here = |gap: &&Finding| gap.body == body;
        for gap in self.gaps.iter().filter(is_here) {
            let statement = of.statements.get(gap.statement).unwrap_or(&of.head.statement);
            let lacks = match gap.item {
                Item::Read(read) => {
                    let read = &statement.reads[read];
                    let is_left_out = gap.path.as_ref().is_some_and(|path| {
                        gap.kept.is_empty()
                            && concrete(program, body, &read.origin, env, &told.trace.world)
                                .is_some_and(|place| place.covers(path))
                    });
                    is_left_out || is_absent(read, env, told)
                }
                Item::Pair(_) => gap.kept.iter().any(|kept| is_prefix(kept, env)),
                // No element has the constant, so what passed rests on its absence.
                Item::Constants(_) => true,
                Item::Head => false,
            };
            if lacks {
                return true;
            }
        }
        // Comprehensions and `every` in it.
        for (nested, inner) in program.bodies.iter().enumerate() {
            if inner.parent.is_some_and(|(parent, _)| parent == body) {
                let rests = |gap: &&Finding| {
                    gap.body == nested
                        && (gap.kept.is_empty()
                            || gap.kept.iter().any(|kept| {
                                (0..inner.outer.min(of.slots.len())).all(|slot| bound(kept, slot) == bound(env, slot))
                            }))
                };
                if self.gaps.iter().filter(|gap| gap.item != Item::Head).any(|gap| rests(&gap)) {
                    return true;
                }
                if self.calls_rest(told, nested, None, depth) {
                    return true;
                }
            }
        }
        self.calls_rest(told, body, Some(env), depth)
    }

    /// Whether a rule or function that a body uses rests on something that was not there.
    fn calls_rest(&self, told: &Told, body: usize, env: Option<&Value>, depth: usize) -> bool {
        let program = &told.program;
        let of = &program.bodies[body];
        for statement in of.statements.iter().chain([&of.head.statement]) {
            for call in &statement.calls {
                for other in program.bodies_of(&call.rule) {
                    if !self.gaps_in(told, *other, &mut BTreeSet::new()) {
                        continue;
                    }
                    let inner = &program.bodies[*other];
                    if inner.kind != Kind::Function {
                        // Which of its elements was used is told by its value, if at all.
                        if inner.kind == Kind::Elements && env.is_some() {
                            let made = &told.trace.bodies[*other].made;
                            let used: Vec<_> = made.iter().filter(|made| uses(env, &made.value)).collect();
                            if !used.is_empty() && !call.negated {
                                if used.iter().all(|made| self.rests_within(told, *other, &made.env, depth + 1)) {
                                    return true;
                                }
                                continue;
                            }
                        }
                        return true;
                    }
                    let values: Vec<Option<Value>> = call
                        .arguments
                        .iter()
                        .map(|argument| env.and_then(|env| argument_value(argument, statement, env, told)))
                        .collect();
                    let same = |kept: &Value| {
                        inner.slots[..inner.outer].iter().enumerate().all(|(slot, of)| match &of.origin {
                            Some(super::program::Known::Argument(nth)) => match values.get(*nth) {
                                Some(Some(value)) => bound(kept, slot) == Some(value),
                                _ => true,
                            },
                            _ => true,
                        })
                    };
                    if self.gaps.iter().any(|gap| {
                        is_inside(told, gap.body, *other) && (gap.kept.is_empty() || gap.kept.iter().any(same))
                    }) || self.calls_rest(told, *other, None, depth + 1)
                    {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Whether something is missing in a body, or in what it uses.
    fn gaps_in(&self, told: &Told, body: usize, seen: &mut BTreeSet<usize>) -> bool {
        if !seen.insert(body) {
            return false;
        }
        let program = &told.program;
        self.gaps.iter().any(|gap| gap.item != Item::Head && is_inside(told, gap.body, body))
            || program
                .bodies
                .iter()
                .enumerate()
                .filter(|(at, _)| is_inside(told, *at, body))
                .flat_map(|(_, of)| of.statements.iter().chain([&of.head.statement]))
                .flat_map(|statement| &statement.calls)
                .any(|call| program.bodies_of(&call.rule).iter().any(|other| self.gaps_in(told, *other, seen)))
    }
}

/// Whether a body is another one or nested in it.
fn is_inside(told: &Told, mut body: usize, other: usize) -> bool {
    loop {
        if body == other {
            return true;
        }
        match told.program.bodies[body].parent {
            Some((parent, _)) => body = parent,
            None => return false,
        }
    }
}

/// Whether a binding holds this value in one of its variables.
fn uses(env: Option<&Value>, value: &Value) -> bool {
    env.and_then(|env| env.as_array().ok()).is_some_and(|env| env.iter().skip(1).any(|bound| bound == value))
}

pub(super) fn argument_value(
    argument: &Operand,
    statement: &super::program::Statement,
    env: &Value,
    told: &Told,
) -> Option<Value> {
    match argument {
        Operand::Literal(value) => Some(value.clone()),
        Operand::Slot(slot) => bound(env, *slot).cloned(),
        Operand::Read(read) => {
            let mut found = None;
            meet(&statement.reads[*read], env, &told.trace.world, &mut |met| {
                if let Met::Present(value) = met {
                    found = Some(value.clone());
                }
            });
            found
        }
        Operand::Seen(_) | Operand::Unknown => None,
    }
}

fn is_absent(read: &Read, env: &Value, told: &Told) -> bool {
    let mut absent = false;
    meet(read, env, &told.trace.world, &mut |met| absent |= matches!(met, Met::Absent(..)));
    absent
}

/// Whether a binding is an earlier state of another one.
fn is_prefix(earlier: &Value, later: &Value) -> bool {
    match (earlier.as_array(), later.as_array()) {
        (Ok(earlier), Ok(later)) => {
            earlier.len() <= later.len() && earlier.iter().zip(later.iter()).skip(1).all(|(a, b)| a == b)
        }
        _ => false,
    }
}
