//! What is needed and not there, statement by statement: what no binding found, what only looks like what was asked
//! for, what is of another type, and what was met but could not be said.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use regorus::Value;

use super::{
    Told,
    alike::{Values, key_meant},
    judge::Undecided,
    missing::{as_optional, is_shipped, remedy},
    place::{concrete, value_of},
    presence::value_at,
    program::{Body, Form, Hop, Kind, Need, Operand, Origin, PairKind, Read, Root, Side, Statement},
    trace::{Met, ReadTrace, StatementTrace, TraceWorld, bound, meet},
};
use crate::{
    model::{Assumption, Note, Path, Reason, Segment},
    policy::{DataPath, Group, Word},
    source::Location,
    text::{count, cut, value as shown},
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
    /// Where it is so only of calls with this argument: its number and value.
    argument: Option<(usize, Value)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Read(usize),
    /// A read of which a look-up found nothing.
    LookUp(usize),
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

impl Look<'_> {
    fn body(&mut self, at: usize) {
        let told = self.told;
        let body = &told.program.bodies[at];
        let trace = &told.trace.bodies[at];
        for (nth, (statement, said)) in body.all().zip(&trace.statements).enumerate() {
            if said.arrived == said.elsewhere {
                continue;
            }
            for (number, read) in statement.reads.iter().enumerate() {
                self.read(at, nth, number, read, said);
            }
            self.pairs(at, nth, statement, said);
            self.constants(at, nth, statement, said);
        }
        self.lost(at);
    }

    /// Operands of different kinds.
    fn pairs(&mut self, at: usize, nth: usize, statement: &Statement, said: &StatementTrace) {
        for (number, pair) in statement.pairs.iter().enumerate() {
            let told = &said.pairs[number];
            let Some((left, right)) = &told.example else { continue };
            let is_left = !matches!(left, Value::Number(_));
            // What the author wrote there is as it is meant: what came from the facts is not.
            let is_written = |side: &Side| matches!(side.operand, Operand::Literal(_));
            let blamed_left = if is_left { !is_written(&pair.left) } else { is_written(&pair.right) };
            let (side, other) = if blamed_left { (&pair.left, left) } else { (&pair.right, right) };
            let against = if blamed_left { right } else { left };
            let origin = match &side.operand {
                Operand::Read(read) => Some(statement.reads[*read].origin.clone()),
                _ => None,
            };
            let place = |env: &Value| {
                let world = &self.told.trace.world;
                origin.as_ref().and_then(|origin| concrete(&self.told.program, at, origin, env, world))
            };
            let mut kept = self.unexcused(at, &told.kept);
            // The null that stands where a value was left out is said as that.
            kept.retain(|env| place(env).is_none_or(|place| !self.left_out.iter().any(|(path, _)| *path == place)));
            let Some(example) = kept.first().map(place) else { continue };
            let named = example.as_ref().map_or_else(
                || {
                    let path = origin.as_ref().and_then(|origin| self.named(at, origin));
                    format!("`{}`", path.map_or_else(|| side.text.clone(), |path| path.to_string()))
                },
                |path| self.element(path),
            );
            let times = if told.mistyped > 1 { format!(" ({} times)", told.mistyped) } else { String::new() };
            let help = match other {
                Value::Null if pair.kind == PairKind::Conversion => {
                    "`to_number` makes null 0: collect it as a number, or leave out what has none"
                }
                Value::String(_) => {
                    "in Rego text is greater than every number: convert it with `to_number`, or collect it as a number"
                }
                Value::Number(_) => {
                    "compare like with like: collect it as text, or write a number; versions are compared by `semver.compare`"
                }
                Value::Null | Value::Bool(_) => {
                    "in Rego null, true and false are less than every number: collect it as a number, or leave out what has none"
                }
                _ => "in Rego lists and objects are greater than every number: compare what is in it, or its `count`",
            };
            let note = Note {
                reason: Reason::Mistyped,
                message: if blamed_left != is_left {
                    format!("{named} is a number, and is compared with {}{times}", short(against))
                } else if self.told.is_secret(&named) || self.told.is_secret(&side.text) {
                    format!("{named} is not a number{times}")
                } else {
                    format!("{named} is {}, not a number{times}", short(other))
                },
                help: Some(help.to_owned()),
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
                argument: None,
            });
        }
    }

    /// Constants that nothing is, where something looks like them.
    fn constants(&mut self, at: usize, nth: usize, statement: &Statement, said: &StatementTrace) {
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
            let values = Values::new(told.values.iter().filter_map(|value| value.as_string().ok().map(AsRef::as_ref)));
            for text in missing {
                let Some(meant) = values.meant(text, &self.constants) else { continue };
                let read = &statement.reads[constants.read];
                let named = self.named(at, &read.origin).map_or_else(|| read.text.clone(), |path| path.to_string());
                if self.is_optional(at, &read.origin) {
                    continue;
                }
                let is_secret = self.told.is_secret(&named) || self.told.is_secret(&read.text);
                let (text, meant) = (shown(&text.into()), shown(&meant.into()));
                let note = Note {
                    reason: Reason::Missing,
                    message: if is_secret {
                        format!("nothing in `{named}` is what it is compared with, but something looks like it")
                    } else {
                        format!("nothing in `{named}` is {text}, but {meant} stands there")
                    },
                    help: Some(if is_secret {
                        "see whether the rule means what stands there".to_owned()
                    } else {
                        format!("did you mean {meant}? if both may occur, name {meant} in the rule too")
                    }),
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
                    argument: constants.argument.clone(),
                });
            }
        }
    }

    fn read(&mut self, body: usize, nth: usize, number: usize, read: &Read, said: &StatementTrace) {
        let told = &said.reads[number];
        if told.absent == 0 && told.unmet == 0 && self.left_out.is_empty() {
            return;
        }
        let arrived = said.arrived - said.elsewhere;
        let every = told.present == 0 && told.lacking == arrived && arrived > 0;
        self.left_out(body, nth, number, read, said);
        if self.is_optional(body, &read.origin) || self.is_not_collected(body, &read.origin) {
            return;
        }
        self.look_up(body, nth, number, read, said);
        if told.absent == 0 {
            return;
        }
        let mut kept = self.unexcused(body, &told.kept);
        kept.retain(|env| !self.is_optional_there(body, &read.origin, env));
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
            let parents = self.paths(body, &up_to(&read.origin, hop));
            let is_beside = |there: &str| parents.iter().any(|parent| self.are_beside(parent, &key.text, there));
            if let Some(meant) = key_meant(&key.text, siblings, &self.read, is_beside) {
                let absent = self.cut(body, &read.origin, hop);
                let help = if is_shipped(&self.group.assumption) {
                    format!("was `{}` renamed? this assumption reads it by that name", key.text)
                } else {
                    format!("did you mean `{meant}`? if `{}` may really be absent, {}", key.text, as_optional(&absent))
                };
                let note = Note {
                    reason: Reason::Missing,
                    message: format!("`{absent}` is nowhere there, but `{meant}` is"),
                    help: Some(help),
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
        let is_designed = self.is_designed(body, read);
        let by_name = read.origin.root == Root::Data && first_variable.is_none_or(|first| hop < first);
        let is_lost = nth >= building(&self.told.program.bodies[body]) && self.is_own(body);
        let below = read.origin.hops.get(hop + 1..).unwrap_or_default();
        let iterates_below = below.iter().any(|hop| matches!(hop, Hop::Each(_)));
        let is_alternative = every && is_known && self.is_alternative(body, nth, number, told);
        let needs = match read.need {
            Need::Excused => false,
            _ if is_lost => false,
            _ if is_designed && by_name => true,
            Need::Defaulted => false,
            // A list further inside that is not there has no element; of the first one the iterations speak.
            Need::Value | Need::Number | Need::Measured if iterates_below && !is_designed => false,
            // Elements of a list of all kinds of things need not all have it.
            Need::Number if self.group.input.is_some() && !self.is_under_not(body, nth) => every,
            Need::Number | Need::Measured | Need::Negated => true,
            Need::Value => every && !is_alternative,
            Need::List if self.asks_every(body, nth, number) => true,
            Need::List | Need::Truth | Need::Absence => is_designed && every,
        };
        if !(needs || is_required) {
            let of = &self.told.program.bodies[body];
            // An element whose value is absent is left out of what is gathered, without a word.
            let is_named = of.statements.get(nth).is_none_or(|statement| statement.form == Form::Binds);
            let is_left_out = is_named && of.gathers() && self.word(body).is_none() && read.need == Need::Value;
            let is_unset = is_alternative || every && matches!(read.need, Need::Truth | Need::Absence);
            if (is_unset || is_left_out || read.need == Need::Defaulted) && !kept.is_empty() {
                self.rests_on_absence(body, read, told);
            }
            return;
        }
        if kept.is_empty() {
            return;
        }
        let (absent, message) = self.absence(body, read, said, told, hop, &kept);
        let help = if is_required && !needs {
            "it is listed under `required`: see what is there with `stillholds facts`".to_owned()
        } else if is_designed {
            design_help(&self.group.assumption, &absent)
        } else if read.need == Need::List {
            "`every` over a list that is absent is undefined: `object.get` with `[]` asks of an empty list".to_owned()
        } else {
            remedy(&self.group.assumption, &absent)
        };
        let note = Note { reason: Reason::Missing, message, help: Some(help), location: Some(read.place.location()) };
        self.gap(body, nth, number, read, hop, kept, note);
    }

    /// Whether a read is what an `every` goes over, whose answer is asked for: undefined, not true, without a list.
    fn asks_every(&self, body: usize, nth: usize, number: usize) -> bool {
        let program = &self.told.program;
        let mut top = body;
        while let Some((parent, _)) = program.bodies[top].parent {
            top = parent;
        }
        let statement = program.bodies[body].statements.get(nth);
        program.bodies[top].kind != Kind::Elements
            && statement.is_some_and(|statement| statement.form == Form::Every && statement.lists.contains(&number))
    }

    /// Whether what a read asks for is one of several alternatives, of which another one stands everywhere: of
    /// `c.state.waiting.reason == "CrashLoopBackOff"` every container runs, `state: {running: {…}}`.
    ///
    /// It is, if in every place the parent of the missing step holds one other key and nothing else, below which further
    /// things stand, as further steps stand below the missing one; and if the rule asks whether the value *is* a certain
    /// string, which what is not there is not. A limit that is not set, `resources: {requests: {…}}`, is of this shape
    /// and answers such a question too. Where the rule asks for anything else (`!=`, an order, `not`), or where `holds`
    /// is to be true of it, absence decides nothing, and it is missing.
    fn is_alternative(&self, body: usize, nth: usize, number: usize, told: &ReadTrace) -> bool {
        let Some(statement) = self.told.program.bodies[body].statements.get(nth) else { return false };
        let goes_on = told.hops.iter().all(|hop| hop + 1 < statement.reads[number].origin.hops.len());
        let asks_for_text = statement.constants.iter().any(|constants| constants.read == number);
        let demands = self.group.rules.iter().any(|rule| rule.word == Word::Holds);
        let hop = told.hops.first().copied().unwrap_or(0);
        let parents = self.paths(body, &up_to(&statement.reads[number].origin, hop));
        // A field of an element, and neither the element nor the source itself.
        let is_inside = |path: &Path| {
            path.segments().contains(&Segment::Any) && matches!(path.segments().last(), Some(Segment::Key(_)))
        };
        goes_on
            && asks_for_text
            && told.alternatives == told.absent
            && !demands
            && !parents.is_empty()
            && parents.iter().all(is_inside)
    }

    /// Whether it leads into what people declared, and not into what was observed.
    fn is_designed(&self, body: usize, read: &Read) -> bool {
        let is_of_data = |path: Path| path.source().is_none() && path.key(0) == Some("data");
        read.origin.root == Root::Data || self.named(body, &read.origin).is_some_and(is_of_data)
    }

    /// Look-ups by a variable. That one finds nothing is a test; that none does is a design that speaks of something
    /// else, unless whether there is something is all that is asked. What is measured is needed each time.
    fn look_up(&mut self, body: usize, nth: usize, number: usize, read: &Read, said: &StatementTrace) {
        let told = &said.reads[number];
        let hops = &read.origin.hops;
        let Some(hop) = told.tested.first().copied().filter(|_| told.unmet > 0) else { return };
        let ends_there = told.tested.iter().all(|hop| hop + 1 == hops.len());
        let is_lost = nth >= building(&self.told.program.bodies[body]) && self.is_own(body);
        let arrived = said.arrived - said.elsewhere;
        let needs = match read.need {
            Need::Excused => false,
            _ if is_lost => false,
            Need::Measured => true,
            Need::Truth | Need::Absence | Need::List if ends_there => false,
            _ => told.unmet == arrived && self.is_designed(body, read),
        };
        let mut kept = self.unexcused(body, &told.kept_unmet);
        kept.retain(|env| !self.is_optional_there(body, &read.origin, env));
        let (true, Some(first)) = (needs, kept.first()) else { return };
        let world = &self.told.trace.world;
        let key = match &hops[hop] {
            Hop::Slot(slot) | Hop::Each(Some(slot)) => bound(first, *slot).cloned(),
            Hop::Computed(Some(by)) => value_of(by, first, world),
            _ => None,
        };
        let absent = self.cut(body, &read.origin, hop);
        let is_secret = self.told.is_secret(&read.text) || self.told.is_secret(&absent);
        let key = key.filter(|_| !is_secret).map_or_else(|| "what is looked up".to_owned(), |key| short(&key));
        let message = if told.unmet < arrived {
            format!("`{absent}` is not there for {} of {}, such as {key}", told.unmet, count(arrived, "binding"))
        } else if arrived > 1 {
            format!("`{absent}` is there for none of {}, such as {key}", count(arrived, "binding"))
        } else {
            format!("`{absent}` is not there for {key}")
        };
        let help = if self.is_designed(body, read) {
            design_help(&self.group.assumption, &absent)
        } else {
            remedy(&self.group.assumption, &absent)
        };
        let note = Note { reason: Reason::Missing, message, help: Some(help), location: Some(read.place.location()) };
        let example = concrete(&self.told.program, body, &up_to(&read.origin, hop), first, world);
        let path = self.named(body, &read.origin);
        let item = Item::LookUp(number);
        self.push(Finding { body, statement: nth, item, kept, note, example, path, argument: None });
    }
    /// Whether a statement stands under `not`, itself or by what it is nested in.
    fn is_under_not(&self, mut body: usize, mut nth: usize) -> bool {
        loop {
            let of = &self.told.program.bodies[body];
            if of.statements.get(nth).is_some_and(|statement| statement.form == Form::Not) {
                return true;
            }
            match of.parent {
                Some(parent) => (body, nth) = parent,
                None => return false,
            }
        }
    }

    /// What is not there; and a sentence that says so, with the number of places and one of them.
    fn absence(
        &self,
        body: usize,
        read: &Read,
        said: &StatementTrace,
        told: &ReadTrace,
        hop: usize,
        kept: &[Value],
    ) -> (String, String) {
        let world = &self.told.trace.world;
        let example = kept
            .first()
            .and_then(|env| concrete(&self.told.program, body, &up_to(&read.origin, hop), env, world))
            .map(|path| self.lacking(path, read.origin.hops.get(hop)));
        let (absent, whole) = self.naming(body, read, hop, example.as_ref());
        let is_whole = whole == absent;
        let mut message = if is_whole {
            format!("`{absent}` is not there")
        } else {
            format!("`{whole}` is not there, nor is `{absent}`")
        };
        let some = told.present > 0 || told.lacking < said.arrived - said.elsewhere;
        if !(absent.contains("[_]") || some) {
            return (absent, message);
        }
        let of = told.absent + told.present;
        if of > 1 {
            let comma = if is_whole { "" } else { "," };
            let _ = write!(message, "{comma} in {} of {}", told.absent, count(of, "place"));
        }
        if let Some(path) = example {
            let before = if of > 1 { ", such as" } else { " in" };
            let _ = write!(message, "{before} {}", self.element(&path));
        }
        (absent, message)
    }

    /// How what is missing is called, and the whole of what was read: by the paths it may come from, of them the one of
    /// the example; else by the example itself.
    fn naming(&self, body: usize, read: &Read, hop: usize, example: Option<&Path>) -> (String, String) {
        if let Some(entry) = self.entry(&read.origin, hop) {
            return (entry.clone(), entry);
        }
        let paths = self.paths(body, &read.origin);
        let is_of_example = |path: &&Path| {
            example.is_some_and(|example| {
                path.segments().len() > example.segments().len()
                    && Path::new(path.segments()[..example.segments().len()].to_vec()).meets(example)
            })
        };
        let known = paths.iter().find(is_of_example).or(paths.first()).cloned();
        let whole = known.or_else(|| {
            let any = |segment: &Segment| match segment {
                Segment::Index(_) => Segment::Any,
                other => other.clone(),
            };
            let rest = read.origin.hops[hop.min(read.origin.hops.len())..].iter().map(Hop::segment);
            Some(Path::new(example?.segments().iter().map(any).chain(rest).collect()))
        });
        let Some(whole) = whole.filter(|path| path.segments().len() > 1) else {
            return (read.text.clone(), read.text.clone());
        };
        let behind = read.origin.hops.len().saturating_sub(hop + 1);
        let absent = Path::new(whole.segments()[..whole.segments().len().saturating_sub(behind).max(1)].to_vec());
        (absent.to_string(), whole.to_string())
    }

    /// The first place that lacks a key, where an example only says that some element does.
    fn lacking(&self, path: Path, hop: Option<&Hop>) -> Path {
        let Some(Hop::Key(key)) = hop else { return path };
        if !path.segments().contains(&Segment::Any) {
            return path;
        }
        let world = &self.told.trace.world;
        let root = if path.key(0) == Some("input") { &world.input } else { &world.data };
        let mut way = path.segments()[..1].to_vec();
        let lacks = |value: &Value| value.as_object().map_or(true, |fields| fields.get(&key.value).is_none());
        if first_at(root, &path.segments()[1..], &mut way, &lacks) { Path::new(way) } else { path }
    }

    /// The path of an element, and the name it goes by.
    fn element(&self, path: &Path) -> String {
        named(path, &self.told.trace.world)
    }

    /// Whether some element has two keys.
    fn are_beside(&self, parent: &Path, one: &str, other: &str) -> bool {
        let world = &self.told.trace.world;
        let root = if parent.key(0) == Some("input") { &world.input } else { &world.data };
        let (one, other) = (Value::from(one), Value::from(other));
        first_at(root, &parent.segments()[1..], &mut Vec::new(), &|value| {
            value.as_object().is_ok_and(|fields| fields.get(&one).is_some() && fields.get(&other).is_some())
        })
    }

    #[expect(clippy::too_many_arguments, reason = "one finding with all that is known of it")]
    fn gap(&mut self, body: usize, nth: usize, number: usize, read: &Read, hop: usize, kept: Vec<Value>, note: Note) {
        let world = &self.told.trace.world;
        let example =
            kept.first().and_then(|env| concrete(&self.told.program, body, &up_to(&read.origin, hop), env, world));
        let path = self.named(body, &read.origin);
        self.push(Finding {
            body,
            statement: nth,
            item: Item::Read(number),
            kept,
            note,
            example,
            path,
            argument: None,
        });
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
        for env in told.kept.iter().chain(&told.nulls) {
            let Some(place) = concrete(&self.told.program, body, &read.origin, env, world) else { continue };
            for (path, why) in self.left_out {
                if path.segments().len() <= place.segments().len() && path.meets(&place) {
                    hit.entry(path).or_insert((why, Vec::new())).1.push(env.clone());
                }
            }
        }
        // A document that is taken whole lacks it somewhere inside; and a rule that is satisfied looks no further.
        let of = &self.told.program.bodies[body];
        let stops = of.head.statement.reads.is_empty() && self.told.trace.bodies[body].made_count > 0;
        if told.present > 0 && self.takes_whole(body, nth, read) {
            for pattern in &patterns {
                for (path, why) in self.left_out {
                    if pattern.covers(path) && (stops || pattern.segments().len() < path.segments().len()) {
                        hit.entry(path).or_insert((why, Vec::new()));
                    }
                }
            }
        }
        for (path, (why, kept)) in hit {
            let note = Note {
                reason: Reason::Missing,
                message: match name_of(path, world) {
                    Some(name) => format!("`{path}` ({name}) was {why}"),
                    None => format!("`{path}` was {why}"),
                },
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
                argument: None,
            });
        }
    }

    /// Whether a value is compared or handed to a built-in as it is; a name alone is none.
    fn takes_whole(&self, body: usize, nth: usize, read: &Read) -> bool {
        let of = &self.told.program.bodies[body];
        let Some(statement) = of.statements.get(nth) else {
            // A rule that is but another name hands it on.
            let is_name =
                matches!(of.kind, Kind::Value | Kind::Function) && of.head.origin == Some(read.origin.clone());
            return !is_name;
        };
        statement.form != Form::Binds
            && !matches!(read.need, Need::List | Need::Truth | Need::Absence | Need::Excused)
            && statement.calls.iter().all(|call| call.arguments.is_empty())
    }

    fn rests_on_absence(&mut self, body: usize, read: &Read, told: &ReadTrace) {
        let (absent, of) = (told.absent, told.absent + told.present);
        let path = self.named(body, &read.origin).map_or_else(|| read.text.clone(), |path| path.to_string());
        let note = Note {
            reason: Reason::Absence,
            message: format!("rests on absence: `{path}` is not set on {absent} of {}", count(of, "element")),
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
        let what = match word {
            Word::Violation | Word::Deny => "violation",
            Word::Warn => "warning",
            Word::Subjects => "subject",
            Word::Measure => "measure",
            Word::Holds => return,
        };
        let trace = &self.told.trace.bodies[at];
        let start = building(body);
        let reached = &trace.statements[start];
        let lost = (reached.arrived - reached.elsewhere).saturating_sub(trace.made_count);
        if lost == 0 || self.unexcused(at, &[Value::Null]).is_empty() {
            return;
        }
        let statements = body.all().zip(&trace.statements);
        let lacking = statements.enumerate().skip(start).find_map(|(nth, (statement, said))| {
            let mut reads = statement.reads.iter().zip(&said.reads);
            let (read, told) = reads.find(|(read, told)| told.absent > 0 && read.need != Need::Excused)?;
            Some((nth, read, said, told))
        });
        let were = if lost == 1 { "was" } else { "were" };
        let lost = format!("{} {were} lost: every condition was met, but", count(lost, what));
        let Some((nth, read, said, told)) = lacking else {
            let place = body.head.statement.place.location();
            let note = Note {
                reason: Reason::Missing,
                message: format!("{lost} something in it is undefined"),
                help: Some("see which call in it gives nothing for these facts".to_owned()),
                location: Some(place),
            };
            let (item, kept) = (Item::Head, Vec::new());
            self.push(Finding {
                body: at,
                statement: start,
                item,
                kept,
                note,
                path: None,
                example: None,
                argument: None,
            });
            return;
        };
        let hop = told.hops.iter().copied().next().unwrap_or(0);
        let (absent, message) = self.absence(at, read, said, told, hop, &told.kept);
        let location = Some(read.place.location());
        self.found.notes.push(Note {
            reason: Reason::Lost,
            message: format!("{lost} `{absent}` is not there"),
            help: None,
            location: location.clone(),
        });
        let is_said = |gap: &Finding| gap.body == at && gap.statement == nth && gap.item != Item::Head;
        if self.found.gaps.iter().any(is_said) {
            return;
        }
        let help = if word == Word::Measure {
            remedy(&self.group.assumption, &absent)
        } else {
            format!(
                "without it a {what} cannot be built: take it with `object.get`, which brings a value where it is absent"
            )
        };
        let note = Note { reason: Reason::Missing, message, help: Some(help), location };
        let documents = &self.told.trace.world;
        let env = told.kept.first();
        let example = env.and_then(|env| concrete(&self.told.program, at, &up_to(&read.origin, hop), env, documents));
        let (path, kept) = (example.clone(), told.kept.clone());
        self.push(Finding { body: at, statement: nth, item: Item::Head, kept, note, path, example, argument: None });
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
        if of.keyed > 0 {
            // Another body is an answer for the entry that it makes.
            let world = &self.told.trace.world;
            let is_made = |env: &Value| {
                let entries = world.rule(&of.rule, env).and_then(|value| value.as_object().ok());
                let key = of.key.as_ref().and_then(|key| value_of(key, env, world));
                key.is_some_and(|key| entries.is_some_and(|entries| entries.get(&key).is_some()))
            };
            return kept.iter().filter(|env| !is_made(env)).cloned().collect();
        }
        let has_inputs = self.told.trace.world.inputs.is_some();
        if of.kind != Kind::Function && !has_inputs {
            return Vec::new();
        }
        let arguments = |env: &Value| -> (Option<usize>, Vec<Value>) {
            // Of several inputs each is a case of its own.
            let input = self.told.trace.world.which(env).filter(|_| has_inputs);
            let arguments = (0..of.outer).filter_map(|slot| bound(env, slot).cloned());
            (input, arguments.filter(|_| of.kind == Kind::Function).collect())
        };
        let known: BTreeSet<_> =
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
        if let Some(entry) = self.entry(origin, hop) {
            return entry;
        }
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

    /// An entry that a rule does not have: it is not in the facts that something is missing.
    fn entry(&self, origin: &Origin, hop: usize) -> Option<String> {
        let Root::Rule(rule) = &origin.root else { return None };
        let bodies = self.told.program.bodies_of(rule);
        let keyed = bodies.iter().map(|body| self.told.program.bodies[*body].keyed).max()?;
        let keys = origin.hops.get(..=hop).filter(|keys| keys.len() <= keyed)?;
        let name = Segment::Key(rule.last()?.clone());
        Some(Path::new(std::iter::once(name).chain(keys.iter().map(Hop::segment)).collect()).to_string())
    }

    /// Whether the source itself is not there, which is said of the source.
    fn is_not_collected(&self, body: usize, origin: &Origin) -> bool {
        let world = &self.told.trace.world;
        let lacks = |sources: &Value, source: &str| {
            sources.as_object().map_or(true, |sources| sources.get(&Value::from(source)).is_none())
        };
        self.paths(body, origin).iter().any(|path| match (path.source(), path.reference()) {
            (Some(source), _) => lacks(&world.input, source),
            // That there is no such reference is said of its path.
            (None, Some((_, source))) => {
                let reference = Path::new(path.segments()[..3].to_vec());
                value_at(&reference, &world.data).is_some_and(|sources| lacks(sources, source))
            }
            (None, None) => false,
        })
    }

    /// Whether what a binding lacks may be absent there, where an expression stands for several paths or none.
    fn is_optional_there(&self, body: usize, origin: &Origin, env: &Value) -> bool {
        let optional = &self.group.assumption.optional;
        !optional.is_empty()
            && concrete(&self.told.program, body, origin, env, &self.told.trace.world)
                .is_some_and(|path| optional.iter().any(|pattern| pattern.covers(&path)))
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

fn left_out_note(path: &Path, why: &str, location: Option<Location>) -> Note {
    Note {
        reason: Reason::Missing,
        message: format!("`{path}` was {why}"),
        help: Some("without it nobody can tell: mend what delivers it, or read something else".to_owned()),
        location,
    }
}

/// The origin without the step that is missing and what follows.
fn up_to(origin: &Origin, hop: usize) -> Origin {
    Origin { root: origin.root.clone(), hops: origin.hops[..hop.min(origin.hops.len())].to_vec() }
}

fn design_help(assumption: &Assumption, path: &str) -> String {
    if let Some(name) = path.strip_prefix("data.reference.").filter(|name| !name.contains(['.', '['])) {
        return format!(
            "name a snapshot under `references` in the project file: `references: {{{name}: {{facts: …}}}}`"
        );
    }
    if let Some((source, key)) = path.strip_prefix("data.snapshot.sources.").and_then(|rest| rest.split_once('.')) {
        // The age is counted from when it was observed.
        let key = if key == "age_seconds" { "observed_to" } else { key };
        return format!("say it in the snapshot's `snapshot.yaml`, under `sources`: `{source}: {{{key}: …}}`");
    }
    let Some(rest) = path.strip_prefix("data.design.") else {
        return remedy(assumption, path);
    };
    if rest.contains('[') {
        let otherwise = if is_shipped(assumption) {
            String::new()
        } else {
            format!("; if it may be absent, {}", as_optional(path))
        };
        return format!("declare it in a design document{otherwise}");
    }
    let keys: Vec<_> = rest.split('.').collect();
    format!("declare it: write `{}:` into a design document", keys.join(": "))
}

/// From which statement on a body only puts together what it makes.
fn building(body: &Body) -> usize {
    body.statements.iter().rposition(|statement| !statement.builds).map_or(0, |last| last + 1)
}

/// The path of an element, and the name it goes by.
pub(super) fn named(path: &Path, world: &TraceWorld) -> String {
    match name_of(path, world) {
        Some(name) => format!("`{path}` ({name})"),
        None => format!("`{path}`"),
    }
}

/// The name by which people know an element: that of the innermost element of a list on the way.
fn name_of(path: &Path, world: &TraceWorld) -> Option<String> {
    let root = if path.key(0) == Some("input") { &world.input } else { &world.data };
    (1..=path.segments().len()).rev().find_map(|end| {
        let prefix = Path::new(path.segments()[..end].to_vec());
        matches!(prefix.segments().last(), Some(Segment::Index(_))).then_some(())?;
        let fields = value_at(&prefix, root)?.as_object().ok()?;
        let field = |name: &str| fields.get(&Value::from(name));
        let metadata = field("metadata").and_then(|metadata| metadata.as_object().ok());
        let name = metadata.and_then(|metadata| metadata.get(&Value::from("name")));
        let name = name.or_else(|| ["name", "id", "service", "subject", "address", "host"].into_iter().find_map(field));
        name?.as_string().ok().map(|name| cut(name, 60, "…"))
    })
}

/// Goes to the first place that a path leads to at which something is so; says whether there is one.
fn first_at(value: &Value, rest: &[Segment], way: &mut Vec<Segment>, is_so: &dyn Fn(&Value) -> bool) -> bool {
    let Some((first, rest)) = rest.split_first() else { return is_so(value) };
    let mut go = |segment: Segment, value: &Value| {
        way.push(segment);
        let found = first_at(value, rest, way, is_so);
        if !found {
            way.pop();
        }
        found
    };
    match (first, value) {
        (Segment::Any, Value::Array(items)) => items.iter().enumerate().any(|(at, item)| go(Segment::Index(at), item)),
        (Segment::Any, Value::Object(fields)) => fields
            .iter_sorted()
            .any(|(key, item)| key.as_string().is_ok_and(|key| go(Segment::Key(key.to_string()), item))),
        (Segment::Key(key), Value::Object(fields)) => {
            fields.get(&Value::from(key.as_str())).is_some_and(|item| go(first.clone(), item))
        }
        (Segment::Index(at), Value::Array(items)) => items.get(*at).is_some_and(|item| go(first.clone(), item)),
        _ => false,
    }
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
    /// In a list a null stands for what was left out: it is said as that, not as something of another type.
    pub(super) fn say_left_out(&mut self, left_out: &[(Path, &'static str)]) {
        for gap in self.gaps.iter_mut().filter(|gap| gap.note.reason == Reason::Mistyped) {
            let why = left_out.iter().find(|(path, _)| gap.path.as_ref() == Some(path));
            if let Some((path, why)) = why {
                gap.note = left_out_note(path, why, gap.note.location.clone());
            }
        }
    }

    /// What was found of the one input that is told of.
    pub(super) fn of_input(&self, told: &Told) -> Self {
        let gaps = self.gaps.iter().filter_map(|gap| {
            let kept: Vec<Value> = gap.kept.iter().filter(|env| told.tells_of(env)).cloned().collect();
            let is_elsewhere = kept.is_empty() && !gap.kept.is_empty();
            (!is_elsewhere).then(|| Finding {
                kept,
                note: gap.note.clone(),
                example: gap.example.clone(),
                path: gap.path.clone(),
                argument: gap.argument.clone(),
                ..*gap
            })
        });
        Self { gaps: gaps.collect(), notes: Vec::new() }
    }

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
                    // What a call gave is known only to the binding that it was given to.
                    let is_of_call = matches!(read.origin.root, Root::Made(_));
                    is_left_out
                        || is_absent(read, env, told)
                        || is_of_call && gap.kept.iter().any(|kept| is_prefix(kept, env))
                }
                Item::LookUp(read) => is_unmet(&statement.reads[read], env, told),
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
        for statement in of.all() {
            for call in &statement.calls {
                for other in program.bodies_of(&call.rule) {
                    if !self.gaps_in(told, *other, &mut BTreeSet::new()) {
                        continue;
                    }
                    let inner = &program.bodies[*other];
                    if inner.kind != Kind::Function {
                        // Which of its elements was used is told by its value, if at all.
                        if inner.kind == Kind::Elements && env.is_some() {
                            let bound =
                                env.and_then(|env| env.as_array().ok()).into_iter().flat_map(|env| env.iter().skip(1));
                            let used = bound.flat_map(|value| told.made(&call.rule, value));
                            let used: Vec<_> = used.filter(|(body, _)| body == other).map(|(_, made)| made).collect();
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
                    let is_another_call = |gap: &Finding| {
                        gap.argument.as_ref().is_some_and(|(nth, with)| {
                            values.get(*nth).is_some_and(|value| value.as_ref().is_some_and(|value| value != with))
                        })
                    };
                    if self.gaps.iter().any(|gap| {
                        is_inside(told, gap.body, *other)
                            && !is_another_call(gap)
                            && (gap.kept.is_empty() || gap.kept.iter().any(same))
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
                .flat_map(|(_, of)| of.all())
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

pub(super) fn argument_value(argument: &Operand, statement: &Statement, env: &Value, told: &Told) -> Option<Value> {
    match argument {
        Operand::Literal(value) => Some(value.clone()),
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

/// Whether a look-up finds nothing.
fn is_unmet(read: &Read, env: &Value, told: &Told) -> bool {
    let (mut tested, mut found) = (false, false);
    meet(read, env, &told.trace.world, &mut |met| match met {
        Met::Tested(_) => tested = true,
        Met::Present(_) => found = true,
        _ => {}
    });
    tested && !found
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
