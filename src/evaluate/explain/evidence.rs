//! The facts that an outcome rests on: what an expert would point at. Few paths, the most specific ones, all of them
//! needed.

use std::collections::BTreeSet;

use regorus::Value;

use super::{
    super::{
        Told,
        place::{around, concrete, resolved, value_of},
        program::{Body, Call, Form, Hop, Kind, Need, Operand, Origin, Program, Read, Root, Side, Statement},
        trace::{Made, Met, Stop, bound, meet},
    },
    Asked, Rests,
    conditions::{last_reached, measuring},
    is_evidence,
    quantifier::{Broken, broken},
    witness::{
        Witnesses, arguments, called_with, is_among, is_only_for_the_head, looked_at, named_by, parameters, users,
        wanted, witnesses,
    },
};
use crate::model::Path;

/// Helpers are followed so deep.
const DEPTH: usize = 4;
/// Of what was counted so many elements are named; beyond them the list is.
const COUNTED: usize = 12;
/// So many elements show why nothing passed.
const EXAMPLES: usize = 3;

/// Collects the paths of facts.
pub(super) struct Gathered<'a> {
    told: &'a Told,
    paths: Vec<Path>,
    /// Those of them of which only the keys were asked.
    keys: BTreeSet<Path>,
    /// Whether `with` has replaced some of `data`.
    is_replaced: bool,
    /// The elements that are meant of the list that a helper gathers.
    meant: Option<BTreeSet<Value>>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(told: &'a Told) -> Self {
        Self { told, paths: Vec::new(), keys: BTreeSet::new(), is_replaced: false, meant: None }
    }

    /// The paths: none that lies on the way to another one.
    pub(super) fn finish(self) -> Rests {
        let mut unique: BTreeSet<Path> = self.paths.into_iter().filter(is_evidence).collect();
        // That a whole source lacks something says little beside anything that is nearer.
        if unique.iter().any(|path| path.segments().len() > 2) {
            unique.retain(|path| path.segments().len() > 2);
        }
        let all: Vec<Path> = unique.into_iter().collect();
        let is_above =
            |path: &Path| all.iter().any(|other| other.segments().len() > path.segments().len() && path.covers(other));
        let asked = |path: &Path| if self.keys.contains(path) { Asked::Keys } else { Asked::Value };
        all.iter().filter(|path| !is_above(path)).map(|path| (path.clone(), asked(path))).collect()
    }

    /// What a binding that passed a body rests on.
    pub(super) fn passed(&mut self, body: usize, env: &Value, seen: &[Option<Value>], depth: usize) {
        let of = &self.told.program.bodies[body];
        let before = self.paths.len();
        for statement in of.statements.iter().filter(|statement| statement.form != Form::Some) {
            // What only the message is made of is no evidence; what a helper hands on is.
            let is_handed_on =
                depth > 0 && matches!(statement.sides.as_slice(), [Side { operand: Operand::Read(_), .. }]);
            if is_handed_on || !is_only_for_the_head(&self.told.program, of, statement) {
                self.statement(body, statement, env, seen, depth);
            }
        }
        if of.kind != Kind::Elements && of.parent.is_none() {
            self.statement(body, &of.head.statement, env, seen, depth);
        }
        // Where nothing was asked of what was gathered, it is what was gathered that counts.
        if of.kind == Kind::Comprehension && self.paths.len() == before {
            self.statement(body, &of.head.statement, env, seen, depth);
        }
        // An element of which nothing was asked is evidence itself.
        for statement in of.statements.iter().filter(|statement| statement.form == Form::Some) {
            if let Some(element) = self.element(body, statement, env)
                && !self.paths[before..].iter().any(|path| element.covers(path))
            {
                self.paths.push(element);
            }
            for nested in &statement.nested {
                self.nested(body, statement, *nested, env, seen, depth);
            }
            self.helpers(body, statement, env, depth);
        }
        // Where nothing can be followed, what was handed over is all there is to show.
        if self.paths.len() == before && depth == 0 {
            let handed_over = |statement: &&Statement| statement.unfollowed.is_some();
            for statement in of.statements.iter().filter(handed_over) {
                let paths = statement.reads.iter().filter_map(|read| self.concrete(body, &read.origin, env));
                let paths: Vec<_> = paths.collect();
                self.paths.extend(paths);
            }
        }
    }

    /// The values that went into a measure.
    pub(super) fn measured(&mut self, body: usize, env: &Value, made: &Value, numbers: &[f64]) {
        let (_, statement) = measuring(&self.told.program.bodies[body], env, made);
        for nested in &statement.nested {
            self.nested(body, statement, *nested, env, &[], 0);
        }
        let value = |read: &Read| value_of(&read.origin, env, &self.told.trace.world);
        let is_number = |read: &Read| {
            value(read).and_then(|value| value.as_f64().ok()).is_some_and(|value| numbers.contains(&value))
        };
        let (measured, rest): (Vec<&Read>, Vec<&Read>) = statement.reads.iter().partition(|read| is_number(read));
        // What was computed rests on all that it was computed of.
        let subject = made.as_object().ok().and_then(|fields| fields.get(&"subject".into()));
        let computed = || rest.into_iter().filter(|read| value(read).as_ref() != subject).collect();
        let measured = if measured.is_empty() { computed() } else { measured };
        for read in measured {
            self.read(body, statement, read, env);
        }
    }

    /// The element that an iteration was at.
    fn element(&self, body: usize, statement: &Statement, env: &Value) -> Option<Path> {
        let of = &self.told.program.bodies[body];
        let end = of.statements.iter().map(|other| other.bound).filter(|bound| *bound > statement.bound).min();
        let slots = statement.bound..end.unwrap_or(of.slots.len());
        let element = slots.rev().find(|slot| !of.slots[*slot].hidden)?;
        self.concrete(body, &Origin { root: Root::Slot(element), hops: Vec::new() }, env)
    }

    fn concrete(&self, body: usize, origin: &Origin, env: &Value) -> Option<Path> {
        concrete(&self.told.program, body, origin, env, &self.told.trace.world).filter(is_evidence)
    }

    /// What one statement looked at.
    fn statement(&mut self, body: usize, statement: &Statement, env: &Value, seen: &[Option<Value>], depth: usize) {
        for read in &statement.reads {
            self.read(body, statement, read, env);
        }
        for nested in &statement.nested {
            self.nested(body, statement, *nested, env, seen, depth);
        }
        self.helpers(body, statement, env, depth);
    }

    fn read(&mut self, body: usize, statement: &Statement, read: &Read, env: &Value) {
        if matches!(read.origin.root, Root::Rule(_) | Root::Made(_) | Root::Unknown) {
            self.looked_up(body, read, env);
            return;
        }
        // The whole of an element is evidence by what is asked of it, and a name alone asks nothing.
        let mut arguments = statement.calls.iter().flat_map(|call| &call.arguments);
        let is_argument = arguments
            .any(|argument| matches!(argument, Operand::Read(nth) if statement.reads[*nth].place == read.place));
        let is_passed_on = is_argument && read.origin.hops.is_empty();
        if is_passed_on || read.need == Need::List && statement.form != Form::Every {
            return;
        }
        // What replaces the design by `with` stands in no file.
        if self.is_replaced && read.origin.root == Root::Data {
            return;
        }
        let world = around(env, &self.told.trace.world);
        let read = Read { origin: resolved(&read.origin, env, &world), ..read.clone() };
        let mut value = None;
        let mut absent = None;
        meet(&read, env, &world, &mut |met| match met {
            Met::Present(found) => value = Some(found.clone()),
            Met::Absent(hop, _) => absent = Some(hop),
            _ => {}
        });
        if value.is_some() {
            let is_container = matches!(value, Some(Value::Object(_) | Value::Array(_)));
            if statement.form == Form::Binds && is_container {
                return;
            }
            if let Some(path) = self.concrete(body, &read.origin, env) {
                if is_container && asks_for_keys(statement, &read) {
                    self.keys.insert(path.clone());
                }
                self.paths.push(path);
                return;
            }
        }
        // What is not there is seen in what it should stand in; a look-up that found nothing, in where it looked.
        let hop = absent.unwrap_or_else(|| {
            let is_found = |taken: usize| {
                let origin = Origin { root: read.origin.root.clone(), hops: read.origin.hops[..taken].to_vec() };
                value_of(&origin, env, &world).is_some()
            };
            (0..read.origin.hops.len()).rev().find(|taken| is_found(*taken)).unwrap_or(0)
        });
        let origin = Origin { root: read.origin.root.clone(), hops: read.origin.hops[..hop].to_vec() };
        if let Some(path) = self.concrete(body, &origin, env) {
            self.paths.push(path);
        }
    }

    /// What was read of an element that a rule hands on as it is.
    fn looked_up(&mut self, body: usize, read: &Read, env: &Value) {
        let Origin { root, hops } = &read.origin;
        let value = |taken: usize| {
            let origin = Origin { root: root.clone(), hops: hops[..taken].to_vec() };
            value_of(&origin, env, &self.told.trace.world)
        };
        let is_element = |taken: usize| matches!(value(taken), Some(Value::Object(_) | Value::Array(_)));
        if (1..hops.len()).any(is_element)
            && value(hops.len()).is_some()
            && let Some(path) = self.concrete(body, &read.origin, env)
        {
            self.paths.push(path);
        }
    }

    /// What a comprehension or `every` met with this binding.
    fn nested(
        &mut self,
        body: usize,
        statement: &Statement,
        nested: usize,
        env: &Value,
        seen: &[Option<Value>],
        depth: usize,
    ) {
        let inner = &self.told.program.bodies[nested];
        let same = |other: &Value| {
            (0..inner.outer).all(|slot| bound(other, slot) == bound(env, slot) || bound(env, slot).is_none())
        };
        let before = self.paths.len();
        if depth < DEPTH {
            let mut passed: Vec<&Made> = self.told.made_in(nested).filter(|made| same(&made.env)).collect();
            if let Some(extreme) = extreme(statement, seen) {
                passed.retain(|made| self.term(nested, &made.env).as_ref() == Some(extreme));
            }
            // Of what was gathered to choose from, what was chosen counts.
            let of = &self.told.program.bodies[body];
            if inner.kind == Kind::Comprehension && is_chosen_from(&self.told.program, of, statement) {
                let wanted = wanted(self.told, of.statements.iter(), env);
                passed.retain(|made| self.is_wanted(nested, &made.env, &wanted));
                if passed.is_empty() {
                    return;
                }
            }
            let mut is_some = false;
            if inner.kind == Kind::Comprehension
                && let Some(meant) = self.meant.take()
            {
                let is_meant = |made: &&Made| self.is_wanted(nested, &made.env, &meant);
                let of_meant: Vec<&Made> = passed.iter().copied().filter(is_meant).collect();
                is_some = !of_meant.is_empty();
                if is_some {
                    passed = of_meant;
                }
            }
            if passed.len() <= COUNTED && (is_some || !self.is_whole(nested, env, passed.len())) {
                for made in passed {
                    self.passed(nested, &made.env, &made.seen, depth + 1);
                }
            }
        }
        if self.paths.len() > before {
            return;
        }
        // Nothing passed, or too much: the list is what was looked at.
        self.lists(nested, env);
    }

    /// Whether a comprehension gathers all elements as they are: its list says the same in one line.
    fn is_whole(&self, nested: usize, env: &Value, passed: usize) -> bool {
        let inner = &self.told.program.bodies[nested];
        let takes_elements =
            matches!(&inner.head.origin, Some(Origin { root: Root::Slot(_), hops }) if hops.is_empty());
        let parent = inner.parent.map(|(parent, _)| &self.told.program.bodies[parent]);
        let is_chosen = inner.parent.zip(parent).is_some_and(|((_, nth), parent)| {
            parent.statements.get(nth).is_some_and(|statement| is_chosen_from(&self.told.program, parent, statement))
        });
        let list = inner.statements.first().and_then(|first| Some(&first.reads[*first.lists.first()?].origin));
        let list = list.and_then(|list| value_of(list, env, &self.told.trace.world));
        let is_all = list.is_some_and(|list| list.as_array().is_ok_and(|items| items.len() == passed));
        let asks_nothing = matches!(inner.statements.as_slice(), [only] if only.form == Form::Some);
        let leaves_out_nothing = asks_nothing || passed > 1 && is_all;
        inner.kind == Kind::Comprehension && takes_elements && leaves_out_nothing && !is_chosen
    }

    /// What a comprehension gathered with this binding.
    fn term(&self, nested: usize, env: &Value) -> Option<Value> {
        let origin = self.told.program.bodies[nested].head.origin.as_ref()?;
        value_of(origin, env, &self.told.trace.world)
    }

    /// Whether what a comprehension gathered with this binding is among these values, or all that it is made of.
    fn is_wanted(&self, nested: usize, env: &Value, wanted: &BTreeSet<Value>) -> bool {
        if let Some(term) = self.term(nested, env) {
            return is_among(&term, wanted);
        }
        let reads = &self.told.program.bodies[nested].head.statement.reads;
        reads.iter().all(|read| {
            value_of(&read.origin, env, &self.told.trace.world).is_some_and(|value| wanted.contains(&value))
        })
    }

    /// What the rules and functions rest on that a statement uses.
    fn helpers(&mut self, body: usize, statement: &Statement, env: &Value, depth: usize) {
        if depth >= DEPTH {
            return;
        }
        let was_replaced = self.is_replaced;
        self.is_replaced |= replaces_data(statement);
        for call in &statement.calls {
            self.helper(body, statement, call, env, depth);
        }
        self.is_replaced = was_replaced;
    }

    fn helper(&mut self, body: usize, statement: &Statement, call: &Call, env: &Value, depth: usize) {
        let before = self.paths.len();
        let Witnesses { made: witnesses, is_set } = witnesses(self.told, body, statement, call, env);
        // What is in no set is seen in nothing of that set.
        if is_set && statement.form == Form::Not {
            return;
        }
        if witnesses.len() <= COUNTED {
            // Of a list that a rule gathers, the elements count that the statement looks at.
            self.meant =
                (!is_set).then(|| looked_at(self.told, body, statement, env)).filter(|meant| !meant.is_empty());
            for (other, made) in &witnesses {
                self.passed(*other, &made.env, &made.seen, depth + 1);
            }
            self.meant = None;
        } else {
            // Too many to name: the list is what was looked at.
            for other in self.told.program.bodies_of(&call.rule) {
                self.lists(*other, &witnesses[0].1.env);
            }
        }
        if !witnesses.is_empty() && self.paths.len() > before {
            return;
        }
        // It made nothing: what it asked of its arguments, else the arguments themselves.
        let values = arguments(self.told, statement, call, env);
        for other in self.told.program.bodies_of(&call.rule) {
            self.asked(*other, &values, depth + 1);
        }
        if self.paths.len() == before {
            for argument in &call.arguments {
                if let Operand::Read(read) = argument
                    && let Some(path) = self.concrete(body, &statement.reads[*read].origin, env)
                {
                    self.paths.push(path);
                }
            }
        }
    }

    /// The lists that a body goes through.
    fn lists(&mut self, body: usize, env: &Value) {
        for statement in &self.told.program.bodies[body].statements {
            for list in &statement.lists {
                let hops = &statement.reads[*list].origin.hops;
                let hop = hops.iter().position(|hop| matches!(hop, Hop::Each(_))).unwrap_or(hops.len());
                let origin = Origin { root: statement.reads[*list].origin.root.clone(), hops: hops[..hop].to_vec() };
                if let Some(path) = self.concrete(body, &origin, env) {
                    self.paths.push(path);
                    return;
                }
            }
        }
    }

    /// What a function that came to nothing asked of these arguments: as far as it is there.
    fn asked(&mut self, body: usize, values: &[Option<Value>], depth: usize) {
        let of = &self.told.program.bodies[body];
        if of.kind != Kind::Function {
            // A rule that came to nothing: where its bindings stopped.
            self.stopped(body, depth);
            return;
        }
        let Some(Stop { statement, sample }) = self.told.stop(body, &parameters(of, values)) else { return };
        let before = &of.statements[..(*statement).min(of.statements.len())];
        // Where nothing among many was as it should be, all of them say so.
        if before.iter().any(|statement| !statement.lists.is_empty()) {
            self.lists(body, &called_with(self.told, of, values));
            return;
        }
        let statement = of.statements.get(*statement).unwrap_or(&of.head.statement);
        self.failed(body, statement, &sample.env, &sample.seen, depth);
    }

    /// What a statement looked at that a binding did not pass.
    fn failed(&mut self, body: usize, statement: &Statement, env: &Value, seen: &[Option<Value>], depth: usize) {
        if self.broke(statement, env, depth) {
            return;
        }
        if statement.form == Form::Not {
            // What is not so under `not` is so.
            self.statement(body, &Statement { form: Form::Test, ..statement.clone() }, env, seen, depth);
        } else {
            self.statement(body, statement, env, seen, depth);
        }
    }

    /// What the element that broke an `every` was asked; `false` where there is none.
    fn broke(&mut self, statement: &Statement, env: &Value, depth: usize) -> bool {
        if statement.form != Form::Every || depth >= DEPTH {
            return false;
        }
        let Some(Broken { body, statement: stop, sample, value, path }) = broken(self.told, statement, env) else {
            return false;
        };
        let before = self.paths.len();
        if let Some(inner) = self.told.program.bodies[body].statements.get(stop) {
            self.failed(body, inner, &sample.env, &sample.seen, depth + 1);
        }
        if self.paths.len() == before {
            self.paths.extend(path);
        }
        // An element that was put together stands nowhere: what it was made of does.
        let is_comprehension = |nested: &&usize| self.told.program.bodies[**nested].kind == Kind::Comprehension;
        if self.paths.len() == before
            && let Some(value) = value
            && let Some(made_by) = statement.nested.iter().find(is_comprehension)
        {
            let parts = std::iter::once(value.clone()).chain(match value {
                Value::Object(fields) => fields.iter().map(|(_, value)| value.clone()).collect(),
                Value::Array(items) => items.iter().cloned().collect(),
                _ => Vec::new(),
            });
            let parts: BTreeSet<Value> = parts.collect();
            let mut made = self.told.made_in(*made_by);
            if let Some(made) = made.find(|made| self.is_wanted(*made_by, &made.env, &parts)) {
                self.passed(*made_by, &made.env, &made.seen, depth + 1);
                let head = &self.told.program.bodies[*made_by].head.statement;
                self.statement(*made_by, head, &made.env, &made.seen, depth + 1);
            }
        }
        self.paths.len() > before
    }

    /// What kept everything from passing a body.
    pub(super) fn stopped(&mut self, body: usize, depth: usize) {
        let of = &self.told.program.bodies[body];
        let trace = &self.told.trace.bodies[body];
        if let Some(made) = self.told.made_in(body).find(|made| made.value == Value::Bool(false)) {
            self.statement(body, &of.head.statement, &made.env, &made.seen, depth);
            return;
        }
        let Some(stop) = last_reached(self.told, body) else { return };
        let statement = &of.statements[stop];
        let samples = trace.statements[stop].samples.iter().filter(|sample| self.told.tells_of(&sample.env));
        for sample in samples.take(EXAMPLES) {
            if depth < DEPTH && statement.form != Form::Every {
                for call in statement.calls.iter().filter(|call| !call.negated) {
                    for other in self.told.program.bodies_of(&call.rule) {
                        if self.told.trace.bodies[*other].made_count == 0 {
                            self.stopped(*other, depth + 1);
                        }
                    }
                }
            }
            self.failed(body, statement, &sample.env, &sample.seen, depth);
            if statement.form == Form::Some {
                for list in &statement.lists {
                    if let Some(path) = self.concrete(body, &statement.reads[*list].origin, &sample.env) {
                        self.paths.push(path);
                    }
                }
            }
        }
    }
}

/// Whether a statement asks only which keys there are of what it reads.
fn asks_for_keys(statement: &Statement, read: &Read) -> bool {
    let (text, name) = (statement.text.as_str(), read.text.as_str());
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[');
    let is_whole = |(at, _): &(usize, _)| {
        !text[..*at].ends_with(|c: char| joins(c) && c != '[') && !text[at + name.len()..].starts_with(joins)
    };
    let keys = text.matches(&format!("object.keys({name})")).count();
    keys > 0 && keys == text.match_indices(name).filter(is_whole).count()
}

/// The number that `max` or `min` chose of what a statement gathered.
fn extreme<'s>(statement: &Statement, seen: &'s [Option<Value>]) -> Option<&'s Value> {
    let is_extreme = |side: &&Side| ["max([", "max({", "min([", "min({"].iter().any(|call| side.text.starts_with(call));
    let [_] = statement.nested.as_slice() else { return None };
    match &statement.sides.iter().find(is_extreme)?.operand {
        Operand::Seen(number) => seen.get(*number)?.as_ref(),
        _ => None,
    }
}

/// Whether what a statement gathers is only there to choose from.
fn is_chosen_from(program: &Program, of: &Body, statement: &Statement) -> bool {
    let Some(slot) = named_by(of, statement) else {
        return statement.form == Form::Some && !statement.nested.is_empty();
    };
    let mut users = users(program, of, statement, slot).peekable();
    users.peek().is_some() && users.all(|other| other.form == Form::Some)
}

/// Whether a statement replaces some of `data` by `with`.
pub(super) fn replaces_data(statement: &Statement) -> bool {
    statement.unfollowed == Some("`with data`")
}
