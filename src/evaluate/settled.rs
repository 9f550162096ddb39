//! Whether a second look at an assumption could find anything: often the facts alone show that it has all it needs.
//!
//! The second look follows every binding, which costs several times what the evaluation costs. It is saved where the
//! values of the rules say that nothing speaks against the assumption, and one pass over the facts says more than the
//! bindings could: what every element has, no binding lacks; what is a number everywhere is one for every binding; and
//! what nothing at a place looks like, nothing that a binding meets there looks like. Whether the last condition of a
//! body is reached is asked beside its rule, of a function that the engine leaves at the first binding.
//!
//! Every doubt is a reason to look: this never says what an assumption is, only that looking is of no use.

use std::{collections::BTreeSet, sync::Arc};

use regorus::Value;

use super::{
    Run, World,
    alike::Values,
    presence::Presences,
    program::{Body, Form, Hop, Kind, Known, Need, Operand, Origin, Program, Read, Root, Side, Statement},
    sources,
    violations::{Measured, measure, measures},
};
use crate::{
    model::{Path, Segment},
    policy::{Group, Word},
};

/// What there is to know of all assumptions before any is evaluated.
pub(super) struct Look<'a> {
    program: &'a Arc<Program>,
    groups: &'a [&'a Group],
    world: World<'a>,
}

/// A look at one assumption.
struct One<'a> {
    program: &'a Program,
    presences: &'a Presences,
    group: &'a Group,
    run: &'a Run,
    /// Every string it compares with.
    constants: BTreeSet<&'a str>,
    /// The design is what is looked at only where nothing else is.
    only_design: bool,
}

impl<'a> Look<'a> {
    pub(super) fn new(program: &'a Arc<Program>, groups: &'a [&'a Group], world: World<'a>) -> Self {
        Self { program, groups, world }
    }

    /// The one pass over the facts, for all that is read.
    pub(super) fn presences(&self) -> Presences {
        let mut paths: BTreeSet<Path> =
            self.groups.iter().flat_map(|group| group.reads.uses.iter().map(|one| one.path.clone())).collect();
        let mut watched = BTreeSet::new();
        for (at, body) in self.program.bodies.iter().enumerate() {
            for statement in body.all() {
                paths.extend(statement.reads.iter().flat_map(|read| self.program.paths(at, &read.origin)));
                for read in &statement.lists {
                    paths.extend(self.program.paths(at, &statement.reads[*read].origin).iter().map(element_of));
                }
                for side in statement.pairs.iter().flat_map(|pair| [&pair.left, &pair.right]) {
                    if let Some(origin) = origin_of(side, statement) {
                        watched.extend(self.program.paths(at, &origin));
                    }
                }
                for constants in &statement.constants {
                    let found = self.program.paths(at, &statement.reads[constants.read].origin);
                    watched.extend(found.into_iter().flat_map(|path| [path.join(Segment::Any), path]));
                }
            }
        }
        Presences::of(paths.iter(), &watched, &[("input", self.world.input), ("data", self.world.data)])
    }

    /// Whether a second look at an assumption could find nothing.
    pub(super) fn settles(&self, group: &Group, run: &Run, presences: &Presences) -> bool {
        let bodies: Vec<(usize, &Body)> = self
            .program
            .bodies
            .iter()
            .enumerate()
            .filter(|(_, body)| group.reads.through.contains(&body.rule))
            .collect();
        let constants = bodies
            .iter()
            .flat_map(|(_, body)| &body.statements)
            .flat_map(|statement| &statement.constants)
            .flat_map(|constants| constants.texts.iter().map(|text| text.text.as_str()))
            .collect();
        let only_design =
            group.reads.uses.iter().all(|one| one.path.source().is_none() && one.path.key(1) != Some("reference"));
        let one = One { program: self.program, presences, group, run, constants, only_design };
        // What elements lack that one rule asks for shows in no path of all of them.
        group.input.is_none()
            && run.builtin.is_none()
            && one.speaks_for_it()
            && !self.is_something_left_out(group)
            && bodies.iter().all(|(at, body)| body.all().all(|statement| one.has_all(*at, statement)))
            && one
                .own()
                .all(|(word, at)| one.is_reached(word, at) && one.builds(word, at) && one.looks_at_something(word, at))
    }

    /// Whether a collector left anything out of a source that is read.
    fn is_something_left_out(&self, group: &Group) -> bool {
        let readings = sources::readings(group.reads.uses.iter(), &group.assumption, self.world);
        readings.iter().any(|reading| !sources::left_out_of(reading).is_empty())
    }
}

impl One<'_> {
    /// Whether the values of the rules hold nothing against it.
    fn speaks_for_it(&self) -> bool {
        let Ok(rows) = &self.run.values else { return false };
        let [values] = rows.as_slice() else { return false };
        let length = |value: &Option<Value>| Some(value.as_ref()?.as_set().ok()?.len());
        self.group.rules.iter().zip(values).all(|(rule, value)| match rule.word {
            Word::Violation | Word::Deny | Word::Warn => length(value) == Some(0),
            Word::Holds => *value == Some(Value::from(true)),
            Word::Subjects => length(value).is_some_and(|length| length > 0),
            Word::Measure => value.as_ref().is_some_and(|value| is_within_limits(&rule.name, value)),
        })
    }

    /// The bodies of its own rules.
    fn own(&self) -> impl Iterator<Item = (Word, usize)> {
        let rules = self.group.rules.iter();
        rules.flat_map(|rule| self.program.bodies_of(&rule.path).iter().map(|body| (rule.word, *body)))
    }

    /// Whether whatever a statement reads is there for every binding, of the type it needs, and as it is written.
    fn has_all(&self, body: usize, statement: &Statement) -> bool {
        // What another `input` lacks cannot be seen in the facts.
        if statement.text.contains(" with ") {
            return false;
        }
        let lists = &statement.lists;
        statement.reads.iter().enumerate().all(|(nth, read)| {
            let is_list = read.need == Need::List || lists.contains(&nth);
            self.is_met(body, read) && self.is_there(body, &read.origin, is_list)
        }) && statement
            .pairs
            .iter()
            .all(|pair| [&pair.left, &pair.right].into_iter().all(|side| self.is_number(body, statement, side)))
            && statement.constants.iter().all(|constants| {
                let paths = self.program.paths(body, &statement.reads[constants.read].origin);
                let there = paths.iter().flat_map(|path| [path.clone(), path.join(Segment::Any)]);
                let texts: Option<Vec<_>> =
                    there.map(|path| self.presences.kinds(&path).and_then(|kinds| kinds.texts.as_ref())).collect();
                let Some(texts) = texts.filter(|texts| !texts.is_empty()) else { return false };
                // What stands there for one element need not stand there for one that a binding meets.
                let is_constant = |text: &&str| constants.texts.iter().any(|constant| constant.text == *text);
                let values =
                    Values::new(texts.into_iter().flatten().map(String::as_str).filter(|text| !is_constant(text)));
                constants.texts.iter().all(|constant| values.meant(&constant.text, &self.constants).is_none())
            })
    }

    /// Whether it does not matter what look-ups find: among what was declared, and for a measure, it does.
    fn is_met(&self, body: usize, read: &Read) -> bool {
        let looks_up = read.origin.hops.iter().any(|hop| matches!(hop, Hop::Slot(_) | Hop::Computed(_)));
        let is_designed = || {
            let mut paths = self.program.paths(body, &read.origin).into_iter();
            paths.any(|path| path.source().is_none())
        };
        !looks_up || read.need != Need::Measured && !is_designed()
    }

    /// Whether no binding can lack what this leads to.
    fn is_there(&self, body: usize, origin: &Origin, is_list: bool) -> bool {
        // A variable has a value; a look-up by a variable is a test; the rest cannot be followed by bindings either.
        let is_plain = origin.hops.iter().all(|hop| matches!(hop, Hop::Slot(_)));
        if is_plain && !is_list || origin.hops.is_empty() || matches!(origin.root, Root::Unknown | Root::Elsewhere(..))
        {
            return true;
        }
        let paths = self.program.paths(body, origin);
        let optional = &self.group.assumption.optional;
        let is_everywhere = |path: &Path| {
            let counts = self.presences.counts(path);
            counts.absent == 0 && counts.present > 0
        };
        let is_optional = |path: &Path| optional.iter().any(|pattern| pattern.covers(path));
        !paths.is_empty() && (paths.iter().all(is_everywhere) || !is_list && paths.iter().all(is_optional))
    }

    /// Whether one side of a comparison or of arithmetic is a number for every binding.
    fn is_number(&self, body: usize, statement: &Statement, side: &Side) -> bool {
        match &side.operand {
            Operand::Literal(value) => matches!(value, Value::Number(_)),
            Operand::Seen(number) if statement.numbers.seen.contains(number) => true,
            // What a rule gives stands behind a read, which is the only one with this text.
            Operand::Seen(_) => statement
                .reads
                .iter()
                .find(|read| read.text == side.text)
                .is_some_and(|read| self.leads_to_number(body, &read.origin, 0)),
            Operand::Read(_) => origin_of(side, statement).is_some_and(|origin| self.leads_to_number(body, &origin, 0)),
            Operand::Unknown => false,
        }
    }

    fn leads_to_number(&self, body: usize, origin: &Origin, depth: usize) -> bool {
        if depth > 8 {
            return false;
        }
        let of = &self.program.bodies[body];
        match &origin.root {
            Root::Slot(slot) if origin.hops.is_empty() => {
                if self.binds_number(body, *slot) {
                    return true;
                }
                if let Some(Known::At(origin)) = of.slots.get(*slot).and_then(|slot| slot.origin.as_ref())
                    && let Root::Rule(_) = origin.root
                {
                    return self.leads_to_number(body, origin, depth + 1);
                }
            }
            // The rule's value, or that of one of its keys.
            Root::Rule(rule) if origin.hops.len() <= 1 => {
                let bodies = self.program.bodies_of(rule);
                return !bodies.is_empty()
                    && !self.program.defaults.contains(rule)
                    && bodies.iter().all(|other| self.makes_number(*other, depth));
            }
            _ => {}
        }
        let paths = self.program.paths(body, origin);
        !paths.is_empty() && paths.iter().all(|path| self.presences.kinds(path).is_some_and(|kinds| kinds.others == 0))
    }

    /// Whether a variable is bound to a number, in the body or in one around it.
    fn binds_number(&self, body: usize, slot: usize) -> bool {
        let of = &self.program.bodies[body];
        let is_here = of.statements.iter().any(|statement| statement.numbers.slots.contains(&slot));
        // What comes from outside has the same number there.
        is_here || slot < of.outer && of.parent.is_some_and(|(parent, _)| self.binds_number(parent, slot))
    }

    fn makes_number(&self, body: usize, depth: usize) -> bool {
        let of = &self.program.bodies[body];
        let head = &of.head.statement;
        of.kind == Kind::Value
            && (head.numbers.head
                || of.head.origin.as_ref().is_some_and(|origin| self.leads_to_number(body, origin, depth + 1)))
    }

    /// Whether a binding reaches the last condition of a body that can refute or warn.
    fn is_reached(&self, word: Word, body: usize) -> bool {
        if matches!(word, Word::Subjects | Word::Measure) {
            return true;
        }
        match self.program.bodies[body].last_condition() {
            None | Some(0) => true,
            Some(_) => self.run.reached.contains(&body),
        }
    }

    /// Whether whatever meets every condition of a body can be said: the head has all it needs, asks no rule, and calls
    /// nothing that may have no value for what is there.
    fn builds(&self, word: Word, body: usize) -> bool {
        let head = &self.program.bodies[body].head.statement;
        let is_test = |read: &Read| read.origin.hops.iter().any(|hop| !matches!(hop, Hop::Key(_) | Hop::Index(_)));
        let calls: usize = ["concat(", "count(", "sprintf("].map(|call| head.text.matches(call).count()).iter().sum();
        word == Word::Holds
            || head.calls.is_empty() && head.text.matches('(').count() == calls && !head.reads.iter().any(is_test)
    }

    /// Whether the first iteration of a body that is evaluated certainly meets an element; true where it has none.
    fn looks_at_something(&self, word: Word, body: usize) -> bool {
        word == Word::Subjects || self.yields(body, &mut BTreeSet::new()) != Some(false)
    }

    /// The same of any body; `None` where no iteration is found.
    fn yields(&self, body: usize, active: &mut BTreeSet<usize>) -> Option<bool> {
        if !active.insert(body) {
            return None;
        }
        let of = &self.program.bodies[body];
        // Which of a function's bodies a call goes through is not known.
        if of.kind == Kind::Function {
            return Some(false);
        }
        let mut arrives = true;
        for (nth, statement) in of.all().enumerate() {
            // A binding that reaches the last condition has met all statements before it.
            arrives |= self.run.reached.contains(&body) && of.last_condition().is_some_and(|last| nth <= last);
            for read in statement.lists.iter().map(|read| &statement.reads[*read]) {
                if matches!(read.origin.root, Root::Rule(_)) {
                    continue;
                }
                let paths = self.program.paths(body, &read.origin);
                if paths.is_empty() && matches!(read.origin.root, Root::Slot(_)) {
                    return Some(false);
                }
                let is_of_facts =
                    |path: &Path| path.source().is_some() || path.key(1) == Some("reference") || self.only_design;
                if paths.iter().any(is_of_facts) {
                    // Only the one list at a path without variables is certainly that which a binding meets.
                    let is_one = |path: &Path| {
                        if path.segments().contains(&Segment::Any) {
                            let mut variable =
                                read.origin.hops.iter().filter(|hop| !matches!(hop, Hop::Key(_) | Hop::Index(_)));
                            matches!(read.origin.root, Root::Input | Root::Data)
                                && matches!(variable.next(), Some(Hop::Each(_)))
                        } else {
                            read.need == Need::List
                        }
                    };
                    let is_full = |path: &Path| self.presences.counts(&element_of(path)).present > 0;
                    return Some(arrives && paths.iter().all(|path| is_one(path) && is_full(path)));
                }
            }
            let nested = statement.nested.iter().copied();
            let called = statement.calls.iter().flat_map(|call| self.program.bodies_of(&call.rule).iter().copied());
            let inner: Vec<_> = nested.chain(called).map(|other| self.yields(other, active)).collect();
            if inner.iter().any(Option::is_some) {
                // What stands before it in the statement may keep it from being asked at all.
                let is_alone = statement.calls.len() + statement.nested.len() == 1 && statement.reads.len() <= 1;
                return Some(arrives && is_alone && inner.into_iter().all(|yields| yields == Some(true)));
            }
            // What a call makes of the facts is told only by what goes through it.
            let goes_through = matches!(statement.form, Form::Some | Form::Every);
            if goes_through && statement.lists.is_empty() && !statement.reads.is_empty() {
                return Some(false);
            }
            arrives &= passes(statement);
        }
        active.remove(&body);
        None
    }
}

/// Whether a statement that has all it reads lets at least one binding pass.
fn passes(statement: &Statement) -> bool {
    let is_named = statement.form == Form::Binds
        && statement.calls.is_empty()
        && statement
            .reads
            .iter()
            .all(|read| read.origin.hops.iter().all(|hop| matches!(hop, Hop::Key(_) | Hop::Index(_))));
    let is_full = |side: &Side| match &side.operand {
        Operand::Literal(Value::Array(items)) => !items.is_empty(),
        Operand::Literal(Value::Set(items)) => !items.is_empty(),
        _ => false,
    };
    is_named || statement.form == Form::Some && statement.sides.iter().all(is_full)
}

/// Whether every measure is one, and not beyond its limit.
fn is_within_limits(rule: &str, value: &Value) -> bool {
    let is_within = |element: &Value| matches!(measure(rule, element), Ok(Measured::Known(one)) if !one.is_breached());
    match value {
        Value::Object(_) => is_within(value),
        many => measures(rule, many).is_ok_and(|elements| !elements.is_empty() && elements.into_iter().all(is_within)),
    }
}

/// Where the value of a side comes from, if it is one that is read.
fn origin_of(side: &Side, statement: &Statement) -> Option<Origin> {
    match &side.operand {
        Operand::Read(read) => Some(statement.reads[*read].origin.clone()),
        Operand::Literal(_) | Operand::Seen(_) | Operand::Unknown => None,
    }
}

/// Any element of the first list that a path goes through or, where it goes through none, that it leads to.
fn element_of(path: &Path) -> Path {
    let segments = path.segments();
    let end = segments.iter().position(|segment| *segment == Segment::Any).unwrap_or(segments.len());
    Path::new(segments[..end].to_vec()).join(Segment::Any)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{
        evaluate::{Judgement, Settings, evaluate},
        model::{Gate, Severity, Snapshot, Source, Vacuous},
        policy::{self, Policies, PolicyFile},
        source::SourceFile,
    };

    /// Each is an assumption of its own.
    const RULES: &str = r#"package p

big := {s.name | some s in input.svc.list; s.size > 3}

is_up(s) if s.state == "running"

limit := 100

size_of[name] := n if {
	some s in input.svc.list
	name := s.name
	n := count(s.tags)
}

default quota := "none"

quota := 5 if input.svc.list[0].size > 100

violation_order contains s.name if { some s in input.svc.list; s.size > 90 }

violation_rule_limit contains s.name if { some s in input.svc.list; s.size > limit }

violation_default_limit contains s.name if { some s in input.svc.list; s.size > quota }

violation_constant contains s.name if { some s in input.svc.list; s.state == "running"; s.size > 90 }

violation_constant_beyond contains s.name if { some s in input.svc.list; s.size > 3; s.state == "stopped"; s.owner == "nobody" }

violation_one_of contains s.name if { some s in input.svc.list; not s.state in {"running", "stopped"} }

violation_function contains s.name if { some s in input.svc.list; not is_up(s); s.size > 90 }

violation_flag contains s.name if { some s in input.svc.list; s.privileged; s.size > 90 }

violation_unset contains s.name if { some s in input.svc.list; not s.owner }

violation_default contains s.name if { some s in input.svc.list; object.get(s, "replicsa", 5) < 3 }

violation_nested contains msg if {
	some s in input.svc.list
	some tag in s.tags
	tag == "deprecated"
	msg := sprintf("%s is deprecated", [s.name])
}

violation_wild contains "wild" if input.svc.list[_].size > 90

violation_count contains s.name if { some s in input.svc.list; count([t | some t in s.tags; t == "a"]) > 4 }

violation_sizes contains name if { some name, n in size_of; n > 9 }

violation_lost contains {"msg": s.note, "subject": s.name} if { some s in input.svc.list; s.size > 1 }

violation_key contains s.name if { some i; s := input.svc.list[i]; s.limits[s.state] > 90 }

violation_every contains "all" if { every s in input.svc.list { s.size > 90 } }

violation_never contains s.name if { some s in input.svc.list; s.state == "paused"; s.size > 1 }

violation_with contains "with" if { is_up({"state": "runing"}) with input as {} ; input.svc.total > 1000 }

violation_minus contains s.name if { some s in input.svc.list; s.size - s.limits.running > 50 }

violation_design contains s.name if { some s in input.svc.list; s.size > data.design.most }

size_of_one(s) := s.size

violation_getter contains s.name if { some s in input.svc.list; size_of_one(s) > 90 }

violation_pattern contains name if { some {"name": name, "size": size} in input.svc.list; size > 90 }

violation_by_name contains s.name if { some s in input.svc.list; s.size > data.design.by_name[s.name] }

violation_got contains s.name if { some s in object.get(input.svc, "list", []); s.size > 90 }

violation_got_text contains s.name if { some s in input.svc.list; object.get(s, "state", "") == "paused"; s.size > 90 }

has_state(s, state) if s.state == state

violation_handed contains s.name if { some s in input.svc.list; has_state(s, "running"); s.size > 90 }

measure_by_name contains {"value": s.size, "limit": most, "subject": s.name} if {
	some s in input.svc.list
	most := data.design.by_name[s.name]
}

violation_empty contains s.name if { some s in input.svc.none; s.size > 90 }

warn_of contains s.name if { some s in input.svc.list; s.name in big; s.owner == "nobody" }

holds_every if { every s in input.svc.list { s.size < 90 } }

holds_either if input.svc.absent > 3

holds_either if input.svc.total < 90

holds_sum if sum([s.size | some s in input.svc.list]) < 900

subjects_of contains s.name if { some s in input.svc.list; s.state == "running" }

violation_of contains s.name if { some s in input.svc.list; s.size > 90 }

measure_size contains {"value": s.size, "limit": 90, "subject": s.name} if some s in input.svc.list

measure_most contains {"value": max(s.sizes), "limit": 90, "subject": s.name} if some s in input.svc.list
"#;

    fn facts() -> Json {
        let service = |name: &str, state: &str, size: u32| {
            json!({
                "name": name, "state": state, "size": size, "owner": "team", "tags": ["a", "b"], "note": "n",
                "limits": {"running": 1, "stopped": 2}, "sizes": [size], "privileged": true,
            })
        };
        let list = [service("web", "running", 4), service("api", "running", 7), service("job", "stopped", 2)];
        json!({"svc": {"list": list, "none": [], "total": 13}})
    }

    fn policies() -> Policies {
        let file = PolicyFile { file: SourceFile::new("p.rego", RULES), v0: false, others: None };
        policy::load(&[file], &[], &BTreeSet::new()).map_err(|errors| errors[0].kind.to_string()).unwrap()
    }

    fn judged(policies: &Policies, facts: &Json, vacuous: Vacuous, explain_all: bool) -> Vec<Judgement> {
        let source = Source { in_manifest: true, ..Source::named("svc") };
        let snapshot = Snapshot { has_manifest: true, sources: vec![source], ..Snapshot::default() };
        let settings = Settings {
            now: "2026-11-21T02:00:00Z".parse().unwrap(),
            timeout: std::time::Duration::from_mins(1),
            max_age: None,
            source_max_age: std::collections::BTreeMap::new(),
            reference_max_age: std::collections::BTreeMap::new(),
            eroding_under: 0.1,
            vacuous,
            redact: Vec::new(),
            gate: Gate { fail_severity: Severity::Error, fail_on_eroding: false, allow_unknown: false },
            explain_all,
            watch: crate::evaluate::Watch::default(),
        };
        let input = Value::from(facts.clone());
        let data = Value::from(
            json!({"design": {"most": 90, "by_name": {"web": 90, "api": 90, "job": 90}}, "snapshot": {}, "reference": {}}),
        );
        let groups: Vec<_> = policies.groups.iter().collect();
        let references = std::collections::BTreeMap::new();
        let world = World { input: &input, data: &data, snapshot: &snapshot, references: &references };
        evaluate(policies, &groups, world, &settings).map_err(|errors| errors[0].kind.to_string()).unwrap()
    }

    /// The assumptions that were not looked at twice, which give the same as if they were.
    fn saved(policies: &Policies, facts: &Json, vacuous: Vacuous) -> Vec<String> {
        let saving = judged(policies, facts, vacuous, false);
        let looking = judged(policies, facts, vacuous, true);
        for (one, other) in saving.iter().zip(&looking) {
            assert_eq!(one.judged, other.judged, "{facts}");
        }
        // What cannot be evaluated is not looked at either way.
        let both = saving.iter().zip(&looking);
        let saved = both.filter(|(one, other)| one.told.is_none() && other.told.is_some());
        saved.map(|(one, _)| one.judged.assumption.id["p/".len()..].to_owned()).collect()
    }

    #[test]
    fn what_has_all_it_needs_is_not_looked_at_twice() {
        let expected = [
            "constant",
            "count",
            "design",
            "every",
            "flag",
            "handed",
            "key",
            "minus",
            "nested",
            "of",
            "one_of",
            "order",
            "pattern",
            "rule_limit",
            "size",
            "sizes",
            "sum",
            "unset",
            "wild",
        ];
        let mut saved = saved(&policies(), &facts(), Vacuous::First);
        saved.sort();
        assert_eq!(saved, expected);
    }

    /// One change somewhere in the facts.
    fn change(facts: &mut Json, at: &[Index], how: u8) {
        let mut value = facts.get_mut("svc").unwrap();
        for (nth, step) in at.iter().enumerate() {
            let is_last = nth + 1 == at.len();
            let length = value.as_array().map(Vec::len).or_else(|| value.as_object().map(serde_json::Map::len));
            let Some(chosen) = length.filter(|length| *length > 0).map(|length| step.index(length)) else { break };
            let is_leaf = |value: &Json| !value.is_array() && !value.is_object();
            match value {
                Json::Array(items) if is_last || is_leaf(&items[chosen]) => {
                    match how % 3 {
                        0 => drop(items.remove(chosen)),
                        1 => items[chosen] = json!("running"),
                        _ => items.clear(),
                    }
                    return;
                }
                Json::Object(fields) => {
                    let key = fields.keys().nth(chosen).unwrap().clone();
                    if is_last || is_leaf(&fields[&key]) {
                        let old = fields.remove(&key).unwrap();
                        match how % 9 {
                            0 => {}
                            1 => drop(fields.insert(format!("{key}s"), old)),
                            2 => drop(fields.insert(key, json!("runing"))),
                            3 => drop(fields.insert(key, json!("paused"))),
                            4 => drop(fields.insert(key, json!(null))),
                            5 => drop(fields.insert(key, json!(95))),
                            6 => drop(fields.insert(key, json!("7"))),
                            7 => drop(fields.insert(key, json!([]))),
                            _ => drop(fields.insert(key, json!(false))),
                        }
                        return;
                    }
                    value = &mut fields[&key];
                }
                Json::Array(items) => value = &mut items[chosen],
                _ => return,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn saving_the_second_look_changes_nothing(
            changes in prop::collection::vec((prop::collection::vec(any::<Index>(), 1..5), any::<u8>()), 0..4),
            strict in any::<bool>(),
        ) {
            let mut facts = facts();
            for (at, how) in &changes {
                change(&mut facts, at, *how);
            }
            saved(&policies(), &facts, if strict { Vacuous::Strict } else { Vacuous::First });
        }
    }
}
