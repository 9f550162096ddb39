//! Expressions: what they read, call and make.

use regorus::{
    Value,
    unstable::{ArithOp, Expr, Query},
};

use super::{
    super::{Call, Constants, Hop, Kind, Need, Operand, Origin, Pair, PairKind, Read, Root, Side, Statement, Text},
    Builder, Context, HandedIn,
    numbers::Demand,
    text::{Edit, insert, one_line},
};
use crate::{
    policy::{
        DataPath,
        rules::Target,
        syntax::{Parsed, Reference, Step, text_of},
    },
    source::Span,
};

/// Further calls that give numbers.
const COUNTS: [&str; 5] = ["count", "indexof", "product", "strings.count", "sum"];

/// Calls that give a number of what they are given.
const CONVERSIONS: [&str; 9] = [
    "abs",
    "ceil",
    "floor",
    "round",
    "time.parse_duration_ns",
    "time.parse_rfc3339_ns",
    "to_number",
    "units.parse",
    "units.parse_bytes",
];

/// Calls whose reads cannot be followed.
const UNFOLLOWED: [&str; 5] = ["walk", "json.filter", "json.remove", "object.filter", "object.remove"];

impl Builder<'_> {
    /// Any expression.
    pub(super) fn expr(&mut self, expr: &Expr, need: Need, context: &mut Context<'_>) -> Operand {
        let inner = if context.negated { Need::Negated } else { Need::Value };
        match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(expr, need, context),
            Expr::String { value, .. }
            | Expr::RawString { value, .. }
            | Expr::Number { value, .. }
            | Expr::Bool { value, .. }
            | Expr::Null { value, .. } => Operand::Literal(value.clone()),
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                for item in items {
                    self.expr(item, of_part(item, need, inner), context);
                }
                literal(expr).map_or(Operand::Unknown, Operand::Literal)
            }
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expr(key, inner, context);
                    self.expr(value, of_part(value, need, inner), context);
                }
                Operand::Unknown
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.comprehension(expr, query, &[term], need, context);
                Operand::Unknown
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.comprehension(expr, query, &[key, value], need, context);
                Operand::Unknown
            }
            Expr::UnaryExpr { expr: inner, .. } => {
                self.expr(inner, Need::Number, context);
                literal(expr).map_or(Operand::Unknown, Operand::Literal)
            }
            Expr::BinExpr { lhs, rhs, .. } | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expr(lhs, inner, context);
                self.expr(rhs, inner, context);
                Operand::Unknown
            }
            Expr::ArithExpr { op, lhs, rhs, .. } => {
                let left = self.side(lhs, Need::Number, context);
                let right = self.side(rhs, Need::Number, context);
                let place = self.parsed().place(expr.span());
                let kind = if matches!(op, ArithOp::Sub) { PairKind::Arithmetic } else { PairKind::Order };
                context.statement.pairs.push(Pair { left, right, kind, place });
                Operand::Unknown
            }
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                let before = context.statement.sides.len();
                self.comparison(op, lhs, rhs, context);
                context.statement.sides.truncate(before);
                Operand::Unknown
            }
            Expr::Membership { .. } => {
                let before = context.statement.sides.len();
                self.membership(expr, context);
                context.statement.sides.truncate(before);
                Operand::Unknown
            }
            Expr::Call { fcn, params, .. } => {
                self.call(expr, fcn, params, need, context);
                Operand::Unknown
            }
        }
    }

    /// Whether it is a number wherever it has a value. What arithmetic computes with is looked at for itself.
    pub(super) fn gives_number(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Number { .. } | Expr::ArithExpr { .. } | Expr::UnaryExpr { .. } => true,
            Expr::Call { fcn, .. } => Reference::of(fcn).is_some_and(|reference| {
                let path = reference.full_path();
                let name = path.join(".");
                let is_known = CONVERSIONS.contains(&name.as_str()) || COUNTS.contains(&name.as_str());
                is_known && self.function(&path).is_none()
            }),
            _ => false,
        }
    }

    fn comprehension(
        &mut self,
        expr: &Expr,
        query: &Query,
        terms: &[&regorus::unstable::Ref<Expr>],
        need: Need,
        context: &mut Context<'_>,
    ) {
        let place = self.parsed().place(expr.span());
        let slots = self.bodies[context.body].slots.clone();
        let nth = self.bodies[context.body].statements.len();
        let outer = slots.len();
        let inner = self.new_body(Kind::Comprehension, Some((context.body, nth)), slots, place);
        self.bodies[inner].outer = outer;
        context.statement.nested.push(inner);
        let term = terms.last().map(AsRef::as_ref);
        let demands: &[Demand] = if need.is_computed_with() { &[Demand::Value] } else { &[] };
        let (pieces, _) = self.query(inner, query, term, demands);
        let span = self.query_span(query);
        context.edits.push(Edit { start: span.start, end: span.end, pieces });
    }

    pub(super) fn call(
        &mut self,
        whole: &Expr,
        function: &Expr,
        params: &[regorus::unstable::Ref<Expr>],
        need: Need,
        context: &mut Context<'_>,
    ) -> Vec<Operand> {
        let path = Reference::of(function).map(|reference| reference.full_path()).unwrap_or_default();
        let name = path.join(".");
        let inner = if context.negated { Need::Negated } else { Need::Value };
        if name == "object.get" && params.len() >= 2 {
            return self.object_get(whole, params, context);
        }
        if let Some(rule) = self.function(&path) {
            let arguments: Vec<_> =
                params.iter().map(|param| self.expr(param, of_part(param, need, inner), context)).collect();
            for (nth, param) in params.iter().enumerate() {
                if let (Some(texts), Some(value)) = (self.strings(param, context), literal(param)) {
                    let place = self.parsed().place(param.span());
                    self.handed_in.push(HandedIn { rule: rule.clone(), nth, texts, value, place });
                }
            }
            context.statement.calls.push(Call { rule, arguments: arguments.clone(), negated: context.negated });
            return arguments;
        }
        if UNFOLLOWED.contains(&name.as_str()) {
            context.statement.unfollowed = Some(match name.as_str() {
                "walk" => "`walk`",
                _ => "a call that takes paths out of a document",
            });
        }
        let need = if is_aggregate(&name) { inner } else { need };
        let operands: Vec<_> =
            params.iter().map(|param| self.expr(param, of_part(param, need, inner), context)).collect();
        if let ("to_number", [param], [operand]) = (name.as_str(), params, operands.as_slice()) {
            let text = one_line(&self.text(self.parsed().span_of(param)));
            let left = Side { text, operand: operand.clone() };
            let right = Side { text: String::new(), operand: Operand::Literal(Value::from(0_u64)) };
            let place = self.parsed().place(whole.span());
            context.statement.pairs.push(Pair { left, right, kind: PairKind::Conversion, place });
        }
        operands
    }

    fn object_get(
        &mut self,
        whole: &Expr,
        params: &[regorus::unstable::Ref<Expr>],
        context: &mut Context<'_>,
    ) -> Vec<Operand> {
        let object = self.expr(&params[0], Need::Excused, context);
        let keys: Vec<&Expr> = match params[1].as_ref() {
            Expr::Array { items, .. } => items.iter().map(AsRef::as_ref).collect(),
            one => vec![one],
        };
        let mut origin = match &object {
            Operand::Read(read) => Some(context.statement.reads[*read].origin.clone()),
            _ => None,
        };
        for key in keys {
            let hop = match text_of(key) {
                Some(key) => Hop::Key(Text::new(key)),
                None => match self.expr(key, Need::Value, context) {
                    Operand::Read(read) if context.statement.reads[read].origin.hops.is_empty() => {
                        match context.statement.reads[read].origin.root {
                            Root::Slot(slot) => Hop::Slot(slot),
                            _ => computed(&Operand::Read(read), context.statement),
                        }
                    }
                    operand => computed(&operand, context.statement),
                },
            };
            if let Some(origin) = &mut origin {
                origin.hops.push(hop);
            }
        }
        if let Some(origin) = origin {
            let place = self.parsed().place(whole.span());
            let text = one_line(&self.text(place_span(self.parsed(), whole)));
            context.statement.reads.push(Read { origin, need: Need::Excused, text, place, pattern: None });
        }
        for default in params.iter().skip(2) {
            self.expr(default, Need::Value, context);
        }
        // The value is that of the call, not of the read.
        vec![Operand::Unknown; params.len()]
    }

    pub(super) fn reference(&mut self, expr: &Expr, need: Need, context: &mut Context<'_>) -> Operand {
        let Some(reference) = Reference::of(expr) else { return Operand::Unknown };
        let (root, prefix, taken) = match reference.variable() {
            None => (self.made(reference.root, context), Vec::new(), 0),
            Some(name) => self.root(name, &reference, context),
        };
        let mut hops = prefix;
        let listed = match (&root, reference.root) {
            (Root::Rule(rule), _) => self.constants.get(rule).cloned(),
            (Root::Unknown, set @ Expr::Set { .. }) => texts(set),
            _ => None,
        };
        for (nth, step) in reference.steps[taken..].iter().enumerate() {
            let before = context.statement.reads.len();
            let hop = self.hop(step, context);
            if nth == 0
                && let Some(texts) = &listed
            {
                self.looked_up(step, &hop, before, texts, context);
            }
            hops.push(hop);
        }
        let iterates = hops.iter().any(|hop| matches!(hop, Hop::Each(_)));
        let span = self.parsed().span_of(expr);
        let read = Read {
            origin: Origin { root, hops },
            need,
            text: one_line(&self.text(span)),
            place: self.parsed().module.place(span),
            pattern: None,
        };
        let at = context.statement.reads.len();
        context.statement.reads.push(read);
        if iterates {
            // What `object.get` gives is gone through where it is there.
            let is_got = context.statement.reads[at].origin.root == Root::Unknown;
            let got = is_got.then(|| self.got_list(reference.root, context)).flatten();
            context.statement.lists.push(got.unwrap_or(at));
        }
        Operand::Read(at)
    }

    /// What a reference starts from that is no name. What a call gives is handed over; of `object.get`, which brings a
    /// value of its own, nothing more is asked.
    fn made(&mut self, root: &Expr, context: &mut Context<'_>) -> Root {
        let first = context.edits.len();
        self.expr(root, Need::Value, context);
        let Expr::Call { fcn, .. } = root else { return Root::Unknown };
        let name = Reference::of(fcn).map(|reference| reference.full_path().join("."));
        if !self.probes || context.is_nested_head || name.as_deref() == Some("object.get") {
            return Root::Unknown;
        }
        Root::Made(self.hand_over(self.parsed().span_of(root), first, context))
    }

    /// A look-up in a set of constants compares with them.
    fn looked_up(&self, step: &Step<'_>, hop: &Hop, before: usize, texts: &[Text], context: &mut Context<'_>) {
        let place = match step {
            Step::Variable(index, _) | Step::Dynamic(index) => self.parsed().place(index.span()),
            Step::Key(_) | Step::Number(_) => return,
        };
        let read = match hop {
            Hop::Slot(slot) => {
                let origin = Origin { root: Root::Slot(*slot), hops: Vec::new() };
                let text = self.bodies[context.body].slots[*slot].name.clone();
                context.statement.reads.push(Read {
                    origin,
                    need: Need::Value,
                    text,
                    place: place.clone(),
                    pattern: None,
                });
                context.statement.reads.len() - 1
            }
            // What stands in the brackets is the last that was read.
            Hop::Computed(_) if context.statement.reads.len() == before + 1 => before,
            _ => return,
        };
        context.statement.constants.push(Constants {
            read,
            texts: texts.to_vec(),
            in_list: false,
            argument: None,
            place,
        });
    }

    /// What a name stands for, with the steps an alias brings, and how many steps of the reference it takes.
    pub(super) fn root(
        &self,
        name: &str,
        reference: &Reference<'_>,
        context: &mut Context<'_>,
    ) -> (Root, Vec<Hop>, usize) {
        if let Some(slot) = self.bodies[context.body].slots.iter().position(|slot| slot.name == name) {
            return (Root::Slot(slot), Vec::new(), 0);
        }
        let keys: Vec<&str> = reference.keys().collect();
        let mut path: Vec<String> = Vec::new();
        let mut own = 0;
        match name {
            "input" => return (Root::Input, Vec::new(), 0),
            "data" => {}
            _ => {
                let import = self.parsed().imports().find(|(alias, ..)| alias == name).map(|(_, path, _)| path);
                match import {
                    Some(found) if found.first().is_some_and(|root| root == "input") => {
                        let hops = found[1..].iter().map(|key| Hop::Key(Text::new(key))).collect();
                        return (Root::Input, hops, 0);
                    }
                    Some(found) => path.extend(found.into_iter().skip(1)),
                    None => match self.rules.local(self.module, name) {
                        Some(found) => path.extend(found),
                        None => return (Root::Unknown, Vec::new(), 0),
                    },
                }
                own = path.len();
            }
        }
        path.extend(keys.iter().map(|key| (*key).to_owned()));
        let target = self.rules.resolve(&path);
        if target == Target::Package {
            // Which of its rules are meant is known only where they are evaluated.
            let below: Vec<_> =
                self.rules.paths().map(|(rule, _)| rule).filter(|rule| rule.starts_with(&path)).cloned().collect();
            for rule in below {
                uses(context, &rule);
            }
            return (Root::Unknown, Vec::new(), 0);
        }
        if let Target::Rule(rule, _) = target {
            let taken = rule.len().saturating_sub(own);
            let rest = path[..own].iter().skip(rule.len());
            let hops = rest.map(|key| Hop::Key(Text::new(key))).collect();
            uses(context, &rule);
            return (Root::Rule(rule), hops, taken);
        }
        let hops = path[..own].iter().map(|key| Hop::Key(Text::new(key))).collect();
        (Root::Data, hops, 0)
    }

    fn hop(&mut self, step: &Step<'_>, context: &mut Context<'_>) -> Hop {
        match step {
            Step::Key(key) => Hop::Key(Text::new(key)),
            Step::Number(Expr::Number { value, .. }) => {
                value.as_u64().ok().and_then(|at| usize::try_from(at).ok()).map_or(Hop::Computed(None), Hop::Index)
            }
            Step::Number(_) => Hop::Computed(None),
            Step::Variable(index, "_") => {
                if !self.probes || context.negated {
                    return Hop::Each(None);
                }
                let name = self.place_name(&context.prefix);
                let span = self.parsed().span_of(index);
                context.edits.push(insert(span.start, span.end, name.clone()));
                Hop::Each(Some(self.slot(context.body, &name, None, true)))
            }
            Step::Variable(index, name) => {
                if context.names.declared.contains(*name) {
                    // Else the engine would try every key before the variable has its value.
                    let span = self.parsed().span_of(index);
                    context.edits.push(insert(span.start, span.end, format!("[{name}][0]")));
                }
                if let Some(slot) = self.bodies[context.body].slots.iter().position(|slot| slot.name == *name) {
                    return Hop::Slot(slot);
                }
                if context.names.unbound.remove(*name) {
                    return Hop::Each(Some(self.slot(context.body, name, None, false)));
                }
                let operand = self.expr(index, Need::Value, context);
                computed(&operand, context.statement)
            }
            Step::Dynamic(index) => {
                let operand = self.expr(index, Need::Value, context);
                computed(&operand, context.statement)
            }
        }
    }
}

/// A look-up by the value of this operand.
pub(super) fn computed(operand: &Operand, statement: &Statement) -> Hop {
    Hop::Computed(match operand {
        Operand::Read(read) => Some(Box::new(statement.reads[*read].origin.clone())),
        _ => None,
    })
}

fn place_span(parsed: &Parsed, expr: &Expr) -> Span {
    parsed.span_of(expr)
}

/// Whether a call speaks of what is there, so that an element that lacks something is as good as none.
pub(super) fn is_aggregate(name: &str) -> bool {
    COUNTS.contains(&name) || name == "object.get"
}

/// What is needed of a part of an expression. A comprehension leaves out what has no value, and so is never without one.
fn of_part(part: &Expr, of_whole: Need, otherwise: Need) -> Need {
    let is_comprehension = matches!(part, Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. });
    if of_whole.is_computed_with() && !is_comprehension { of_whole } else { otherwise }
}

/// A list or set of nothing but strings.
pub(super) fn texts(expr: &Expr) -> Option<Vec<Text>> {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } if !items.is_empty() => {
            items.iter().map(|item| text_of(item).map(Text::new)).collect()
        }
        _ => None,
    }
}

/// The value of a literal.
pub(super) fn literal(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::String { value, .. }
        | Expr::RawString { value, .. }
        | Expr::Number { value, .. }
        | Expr::Bool { value, .. }
        | Expr::Null { value, .. } => Some(value.clone()),
        Expr::UnaryExpr { expr, .. } => match expr.as_ref() {
            Expr::Number { value, .. } => Some(Value::from(-value.as_f64().ok()?)),
            _ => None,
        },
        Expr::Array { items, .. } => {
            items.iter().map(|item| literal(item)).collect::<Option<Vec<_>>>().map(Value::from)
        }
        Expr::Set { items, .. } => {
            let items = items.iter().map(|item| literal(item)).collect::<Option<std::collections::BTreeSet<_>>>()?;
            Some(Value::from(items))
        }
        _ => None,
    }
}

/// Notes that a statement uses the value of a rule.
fn uses(context: &mut Context<'_>, rule: &DataPath) {
    if !context.statement.calls.iter().any(|call| call.rule == *rule && call.arguments.is_empty()) {
        let call = Call { rule: rule.clone(), arguments: Vec::new(), negated: context.negated };
        context.statement.calls.push(call);
    }
}
