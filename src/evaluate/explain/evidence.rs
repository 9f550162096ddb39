//! The facts that an outcome rests on: what an expert would point at. Few paths, the most specific ones, all of them
//! needed.

use std::collections::BTreeSet;

use regorus::Value;

use super::{
    super::{
        Told,
        findings::argument_value,
        place::concrete,
        program::{Body, Form, Hop, Kind, Need, Origin, Read, Root, Statement},
        trace::{Met, bound, meet},
    },
    conditions::{holds_value, is_called_with, last_reached},
    is_evidence,
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
}

impl<'a> Gathered<'a> {
    pub(super) fn new(told: &'a Told) -> Self {
        Self { told, paths: Vec::new() }
    }

    /// The paths: none that lies on the way to another one.
    pub(super) fn finish(self) -> Vec<Path> {
        let unique: BTreeSet<Path> = self.paths.into_iter().filter(is_evidence).collect();
        let all: Vec<Path> = unique.into_iter().collect();
        let is_above =
            |path: &Path| all.iter().any(|other| other.segments().len() > path.segments().len() && path.covers(other));
        all.iter().filter(|path| !is_above(path)).cloned().collect()
    }

    /// What a binding that passed a body rests on.
    pub(super) fn passed(&mut self, body: usize, env: &Value, depth: usize) {
        let of = &self.told.program.bodies[body];
        let before = self.paths.len();
        for statement in of.statements.iter().filter(|statement| statement.form != Form::Some) {
            self.statement(body, statement, env, depth);
        }
        if of.kind != Kind::Elements && of.parent.is_none() {
            self.statement(body, &of.head.statement, env, depth);
        }
        // An element of which nothing was asked is evidence itself.
        for statement in of.statements.iter().filter(|statement| statement.form == Form::Some) {
            let Some(element) = self.element(body, statement, env) else {
                self.helpers(body, statement, env, depth);
                continue;
            };
            if !self.paths[before..].iter().any(|path| element.covers(path)) {
                self.paths.push(element);
            }
            self.helpers(body, statement, env, depth);
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
    fn statement(&mut self, body: usize, statement: &Statement, env: &Value, depth: usize) {
        for read in &statement.reads {
            self.read(body, statement, read, env);
        }
        for nested in &statement.nested {
            self.nested(body, *nested, env, depth);
        }
        self.helpers(body, statement, env, depth);
    }

    fn read(&mut self, body: usize, statement: &Statement, read: &Read, env: &Value) {
        if matches!(read.origin.root, Root::Rule(_) | Root::Unknown) {
            return;
        }
        // The whole of an element is evidence by what is asked of it, and a name alone asks nothing.
        let is_passed_on = !statement.calls.is_empty() && read.origin.hops.is_empty();
        if is_passed_on || read.need == Need::List && statement.form != Form::Every {
            return;
        }
        let mut value = None;
        let mut absent = None;
        meet(read, env, &self.told.trace.world, &mut |met| match met {
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
                self.paths.push(path);
                return;
            }
        }
        // What is not there is seen in what it should stand in; a look-up that found nothing, in where it looked.
        let hop = absent.unwrap_or_else(|| {
            read.origin.hops.iter().position(|hop| !matches!(hop, Hop::Key(_) | Hop::Index(_))).unwrap_or(0)
        });
        let origin = Origin { root: read.origin.root.clone(), hops: read.origin.hops[..hop].to_vec() };
        if let Some(path) = self.concrete(body, &origin, env) {
            self.paths.push(path);
        }
    }

    /// What a comprehension or `every` met with this binding.
    fn nested(&mut self, body: usize, nested: usize, env: &Value, depth: usize) {
        let inner = &self.told.program.bodies[nested];
        let trace = &self.told.trace.bodies[nested];
        let same = |other: &Value| {
            (0..inner.outer).all(|slot| bound(other, slot) == bound(env, slot) || bound(env, slot).is_none())
        };
        let before = self.paths.len();
        if depth < DEPTH {
            let passed: Vec<_> = trace.made.iter().filter(|made| same(&made.env)).take(COUNTED + 1).collect();
            if passed.len() <= COUNTED {
                passed.iter().for_each(|made| self.passed(nested, &made.env, depth + 1));
            }
        }
        if self.paths.len() > before {
            return;
        }
        // Nothing passed, or too much: the list is what was looked at.
        for statement in &inner.statements {
            for list in &statement.lists {
                let read = &statement.reads[*list];
                let hop = read
                    .origin
                    .hops
                    .iter()
                    .position(|hop| matches!(hop, Hop::Each(_)))
                    .unwrap_or(read.origin.hops.len());
                let origin = Origin { root: read.origin.root.clone(), hops: read.origin.hops[..hop].to_vec() };
                if let Some(path) = self.concrete(nested, &origin, env) {
                    self.paths.push(path);
                    return;
                }
            }
        }
        let _ = body;
    }

    /// What the rules and functions rest on that a statement uses.
    fn helpers(&mut self, body: usize, statement: &Statement, env: &Value, depth: usize) {
        if depth >= DEPTH {
            return;
        }
        for call in &statement.calls {
            let values: Vec<_> =
                call.arguments.iter().map(|argument| argument_value(argument, statement, env, self.told)).collect();
            let before = self.paths.len();
            let mut is_made = false;
            for other in self.told.program.bodies_of(&call.rule) {
                let of = &self.told.program.bodies[*other];
                let made = &self.told.trace.bodies[*other].made;
                let fits = |made: &&super::super::trace::Made| match of.kind {
                    Kind::Function => is_called_with(of, &made.env, &values),
                    Kind::Elements => holds_value(env, &made.value),
                    _ => true,
                };
                let limit = if of.kind == Kind::Elements { COUNTED } else { 1 };
                for made in made.iter().filter(fits).take(limit) {
                    is_made = true;
                    self.passed(*other, &made.env, depth + 1);
                }
            }
            if is_made && self.paths.len() > before {
                continue;
            }
            // What is in no set is seen in nothing of that set.
            let is_rule = call.arguments.is_empty();
            if is_rule && statement.form == Form::Not {
                continue;
            }
            // It made nothing: what it asked of its arguments, else the arguments themselves.
            for other in self.told.program.bodies_of(&call.rule) {
                self.asked(*other, &values, depth + 1);
            }
            if self.paths.len() == before {
                for argument in &call.arguments {
                    if let super::super::program::Operand::Read(read) = argument
                        && let Some(path) = self.concrete(body, &statement.reads[*read].origin, env)
                    {
                        self.paths.push(path);
                    }
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
        let slots = of.slots[..of.outer].iter().map(|slot| match &slot.origin {
            Some(super::super::program::Known::Argument(nth)) => values.get(*nth).cloned().flatten(),
            _ => None,
        });
        let env: Vec<Value> = std::iter::once(self.told.trace.world.input.clone())
            .chain(slots.map(|value| value.unwrap_or(Value::Undefined)))
            .collect();
        let env = Value::from(env);
        for statement in &of.statements {
            for read in statement.reads.iter().filter(|read| is_of_arguments(of, &read.origin)) {
                self.read(body, statement, read, &env);
            }
        }
    }

    /// What kept everything from passing a body.
    pub(super) fn stopped(&mut self, body: usize, depth: usize) {
        let of = &self.told.program.bodies[body];
        let trace = &self.told.trace.bodies[body];
        if let Some(made) = trace.made.iter().find(|made| made.value == Value::Bool(false)) {
            self.statement(body, &of.head.statement, &made.env, depth);
            return;
        }
        let Some(stop) = last_reached(self.told, body) else { return };
        let statement = &of.statements[stop];
        for sample in trace.statements[stop].samples.iter().take(EXAMPLES) {
            if depth < DEPTH {
                for nested in
                    statement.nested.iter().filter(|nested| self.told.program.bodies[**nested].kind == Kind::Every)
                {
                    self.stopped(*nested, depth + 1);
                }
                for call in statement.calls.iter().filter(|call| !call.negated) {
                    for other in self.told.program.bodies_of(&call.rule) {
                        if self.told.trace.bodies[*other].made_count == 0 {
                            self.stopped(*other, depth + 1);
                        }
                    }
                }
            }
            self.statement(body, statement, &sample.env, depth);
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

/// Whether an expression starts from a parameter.
fn is_of_arguments(of: &Body, origin: &Origin) -> bool {
    match &origin.root {
        Root::Slot(slot) => *slot < of.outer,
        Root::Input | Root::Data => true,
        _ => false,
    }
}
