//! Which element broke an `every`.

use regorus::Value;

use super::{
    super::{
        Told,
        place::concrete,
        program::{Hop, Kind, Operand, Origin, Root, Statement},
        trace::{Sample, Stop, bound},
    },
    is_evidence,
};
use crate::model::Path;

/// An element that broke an `every`.
pub(super) struct Broken<'t> {
    /// The body of the `every`.
    pub(super) body: usize,
    /// The statement that it did not pass.
    pub(super) statement: usize,
    /// Its binding there.
    pub(super) sample: &'t Sample,
    /// The element, or its key where only that has a name.
    pub(super) value: Option<&'t Value>,
    /// Where it stands.
    pub(super) path: Option<Path>,
}

/// The first element that did not pass the `every` of a statement: the evaluation ends there, and says nothing of those
/// behind it.
pub(super) fn broken<'t>(told: &'t Told, statement: &Statement, env: &Value) -> Option<Broken<'t>> {
    let program = &told.program;
    let body = *statement.nested.iter().rev().find(|nested| program.bodies[**nested].kind == Kind::Every)?;
    let inner = &program.bodies[body];
    let is_known = |value: &&Value| **value != Value::Undefined;
    let outer: Vec<_> = (0..inner.outer).map(|slot| bound(env, slot).filter(is_known).cloned()).collect();
    let Stop { statement: stop, sample } = told.stop(body, &outer)?;
    let given = inner.statements.first()?.bound - inner.outer;
    let last = given.checked_sub(1).map(|last| inner.outer + last);
    let path = last.and_then(|last| {
        let element = match statement.sides.first().map(|side| &side.operand) {
            // Only the key has a name.
            Some(Operand::Read(read)) if inner.slots[last].origin.is_none() => {
                let domain = &statement.reads[*read].origin;
                Origin { root: domain.root.clone(), hops: [domain.hops.as_slice(), &[Hop::Slot(last)]].concat() }
            }
            _ => Origin { root: Root::Slot(last), hops: Vec::new() },
        };
        concrete(program, body, &element, &sample.env, &told.trace.world).filter(is_evidence)
    });
    let value = last.and_then(|last| bound(&sample.env, last));
    Some(Broken { body, statement: *stop, sample, value, path })
}
