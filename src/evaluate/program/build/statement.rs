//! Statements: what they ask, bind and go through.

use regorus::{
    Value,
    unstable::{AssignOp, BoolOp, Expr, Literal, LiteralStmt, Query},
};

use super::{
    super::{
        Constants, EACH, Form, Hop, Kind, Known, Need, Operand, Origin, Pair, PairKind, Pattern, Read, Root, SEEN,
        SELECT, Side, Slot, Statement, Text,
    },
    Builder, Compared, Context,
    expr::{literal, texts},
    names::{Names, has_wildcard, is_pattern},
    numbers::Demand,
    text::{Edit, insert, one_line, spliced},
};
use crate::{
    policy::{
        Piece,
        syntax::{Reference, text_of},
    },
    source::Span,
};

impl Builder<'_> {
    /// One statement: its table entry, and its text.
    pub(super) fn statement(
        &mut self,
        body: usize,
        literal: &LiteralStmt,
        written: usize,
        prefix: String,
        names: &mut Names,
    ) -> Vec<Piece> {
        let span = self.parsed().span(&literal.span);
        let mut statement = Statement::empty(self.parsed().module.place(span));
        statement.text = one_line(&self.text(span));
        statement.written = written;
        statement.bound = self.bodies[body].slots.len();
        let mut edits = Vec::new();
        let mut context = Context {
            body,
            statement: &mut statement,
            edits: &mut edits,
            negated: false,
            is_nested_head: false,
            prefix,
            names,
        };
        for with in &literal.with_mods {
            self.expr(&with.r#as, Need::Value, &mut context);
            if with.refr.span().text().starts_with("data") {
                context.statement.unfollowed = Some("`with data`");
            }
        }
        match &literal.literal {
            Literal::SomeVars { .. } => context.statement.form = Form::Binds,
            Literal::SomeIn { key, value, collection, .. } => {
                self.some(key.as_deref(), value, collection, &mut context);
            }
            Literal::Expr { expr, .. } => self.test(expr, &mut context),
            Literal::NotExpr { expr, .. } => {
                context.statement.form = Form::Not;
                context.negated = true;
                self.condition(expr, &mut context);
                if has_wildcard(expr) {
                    // The engine would ask of each element by itself; no element may be so.
                    context.edits.push(insert(span.start, span.start + "not".len(), "[1 |".to_owned()));
                    context.edits.push(insert(span.end, span.end, "] == []".to_owned()));
                }
            }
            Literal::Every { key, value, domain, query, .. } => {
                self.every(key.as_ref().map(regorus::unstable::Span::text), value, domain, query, &mut context);
            }
        }
        self.bodies[body].statements.push(statement);
        spliced(span, edits)
    }

    /// Makes a name for a place.
    pub(super) fn place_name(&mut self, prefix: &str) -> String {
        self.places += 1;
        format!("{prefix}__at{}", self.places)
    }

    pub(super) fn slot(&mut self, body: usize, name: &str, origin: Option<Known>, hidden: bool) -> usize {
        let slots = &mut self.bodies[body].slots;
        if let Some(at) = slots.iter().position(|slot| slot.name == name) {
            return at;
        }
        slots.push(Slot { name: name.to_owned(), origin, text: None, hidden });
        slots.len() - 1
    }

    /// The collection of an iteration; `need` is what its elements are needed for, where they are written there.
    pub(super) fn list(&mut self, collection: &Expr, need: Need, context: &mut Context<'_>) -> Option<Origin> {
        let span = self.parsed().span_of(collection);
        let is_collection = matches!(
            collection,
            Expr::Array { .. }
                | Expr::Set { .. }
                | Expr::Object { .. }
                | Expr::ArrayCompr { .. }
                | Expr::SetCompr { .. }
                | Expr::ObjectCompr { .. }
        );
        let (open, close) = match self.selection(collection, context) {
            Some(selection) => selection,
            None if is_collection => (String::new(), String::new()),
            None => (format!("{EACH}("), ")".to_owned()),
        };
        context.edits.push(insert(span.start, span.start, open));
        let operand = self.expr(collection, need, context);
        context.edits.push(insert(span.end, span.end, close));
        let side = Side { text: one_line(&self.text(span)), operand: operand.clone() };
        context.statement.sides.push(side);
        let read = match operand {
            Operand::Read(read) => Some(read),
            _ => self.got_list(collection, context),
        };
        match read {
            Some(read) => {
                if !context.statement.lists.contains(&read) {
                    context.statement.lists.push(read);
                }
                Some(context.statement.reads[read].origin.clone())
            }
            _ => None,
        }
    }

    /// What to write around a list of which only the elements with a text are wanted. What the rules tell is of all.
    fn selection(&self, collection: &Expr, context: &Context<'_>) -> Option<(String, String)> {
        let selection = context.names.selects.get(&context.statement.written).filter(|_| !self.probes)?;
        // A variable stands for another list each time.
        let root = Reference::of(collection)?.variable()?;
        if context.names.all.contains(root) || self.bodies[context.body].slots.iter().any(|slot| slot.name == root) {
            return None;
        }
        let text = |text: &str| Value::from(text).to_json_str().ok();
        Some((format!("{SELECT}("), format!(", {}, {})", text(&selection.keys)?, text(&selection.text)?)))
    }

    /// The read of an `object.get` that gives a list, or an empty one where there is none.
    pub(super) fn got_list(&self, expr: &Expr, context: &Context<'_>) -> Option<usize> {
        let Expr::Call { params, .. } = expr else { return None };
        let is_empty = match params.get(2)?.as_ref() {
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.is_empty(),
            Expr::Object { fields, .. } => fields.is_empty(),
            _ => false,
        };
        let text = one_line(&self.text(self.parsed().span_of(expr)));
        let is_it = |read: &Read| read.need == Need::Excused && read.text == text;
        context.statement.reads.iter().position(is_it).filter(|_| is_empty)
    }

    pub(super) fn some(&mut self, key: Option<&Expr>, value: &Expr, collection: &Expr, context: &mut Context<'_>) {
        context.statement.form = Form::Some;
        let need = context.names.need(value, collection, true);
        let list = self.list(collection, if need.is_computed_with() { need } else { Need::List }, context);
        let mut step = None;
        match key {
            Some(Expr::Var { span, .. }) if span.text() != "_" => {
                step = Some(span.text().to_owned());
                if self.probes {
                    self.slot(context.body, span.text(), None, false);
                }
            }
            Some(wild @ Expr::Var { .. }) if self.probes => {
                let name = self.place_name(&context.prefix);
                let span = self.parsed().span_of(wild);
                context.edits.push(insert(span.start, span.end, name.clone()));
                step = Some(name);
            }
            None if self.probes => {
                let name = self.place_name(&context.prefix);
                let start = self.parsed().span_of(value).start;
                context.edits.push(insert(start, start, format!("{name}, ")));
                step = Some(name);
            }
            Some(other) => {
                self.bind(other, None, context);
            }
            None => {}
        }
        let step = step.map(|name| {
            let hidden = name.contains("__at");
            context.names.unbound.remove(&name);
            self.slot(context.body, &name, None, hidden)
        });
        if let Some(list) = &list {
            // The pattern is what finds the element: before, it is any.
            let mut element = list.clone();
            element.hops.push(Hop::Each(step));
            self.fields_of(value, &element, context);
        }
        let element = list.map(|mut origin| {
            origin.hops.push(step.map_or(Hop::Each(None), Hop::Slot));
            origin
        });
        self.bind(value, element, context);
    }

    /// Reads the fields that a pattern asks for.
    fn fields_of(&mut self, pattern: &Expr, element: &Origin, context: &mut Context<'_>) {
        let mut given = Vec::new();
        literals(pattern, &mut Vec::new(), &mut given);
        let pattern_of = Pattern { element: element.hops.len(), given };
        self.fields_below(pattern, element, &pattern_of, context);
    }

    fn fields_below(&mut self, pattern: &Expr, origin: &Origin, of: &Pattern, context: &mut Context<'_>) {
        let Expr::Object { fields, .. } = pattern else { return };
        for (_, key, item) in fields {
            let Some(name) = text_of(key) else { continue };
            let mut origin = origin.clone();
            origin.hops.push(Hop::Key(Text::new(name)));
            if matches!(item.as_ref(), Expr::Object { .. }) {
                self.fields_below(item, &origin, of, context);
                continue;
            }
            let need = match item.as_ref() {
                // It only asks whether there is one.
                Expr::Var { span, .. } if span.text() == "_" => Need::Truth,
                Expr::Var { span, .. } if context.names.numbers.contains(&(span.text().to_owned(), Demand::Value)) => {
                    Need::Number
                }
                _ => Need::Value,
            };
            let place = self.parsed().place(key.span());
            let read = Read { origin, need, text: name.to_owned(), place, pattern: Some(of.clone()) };
            context.statement.reads.push(read);
            let side = Side { text: String::new(), operand: Operand::Read(context.statement.reads.len() - 1) };
            self.constants(item, &side, false, context);
        }
    }

    /// Gives the variables of a pattern their slots.
    fn bind(&mut self, pattern: &Expr, origin: Option<Origin>, context: &mut Context<'_>) {
        match pattern {
            Expr::Var { span, .. } if !matches!(span.text(), "_" | "input" | "data") => {
                let name = span.text();
                context.names.unbound.remove(name);
                self.slot(context.body, name, origin.map(Known::At), false);
            }
            Expr::Array { items, .. } => {
                for (at, item) in items.iter().enumerate() {
                    let origin = origin.clone().map(|mut origin| {
                        origin.hops.push(Hop::Index(at));
                        origin
                    });
                    self.bind(item, origin, context);
                }
            }
            Expr::Object { fields, .. } => {
                for (_, key, item) in fields {
                    let origin = origin.clone().zip(text_of(key)).map(|(mut origin, key)| {
                        origin.hops.push(Hop::Key(Text::new(key)));
                        origin
                    });
                    self.bind(item, origin, context);
                }
            }
            _ => {}
        }
    }

    pub(super) fn every(
        &mut self,
        key: Option<&str>,
        value: &regorus::unstable::Span,
        domain: &Expr,
        query: &Query,
        context: &mut Context<'_>,
    ) {
        context.statement.form = Form::Every;
        let list = self.list(domain, Need::List, context);
        let mut slots = self.bodies[context.body].slots.clone();
        let step = match key {
            Some(name) if name != "_" => Some(name.to_owned()),
            None if self.probes && value.text() != "_" => {
                let name = self.place_name(value.text());
                let start = self.parsed().span(value).start;
                context.edits.push(insert(start, start, format!("{name}, ")));
                Some(name)
            }
            _ => None,
        };
        let nth = self.bodies[context.body].statements.len();
        let place = self.parsed().place(&query.span);
        let outer = slots.len();
        let step = step.map(|name| {
            slots.push(Slot { hidden: name.contains("__at"), name, origin: None, text: None });
            slots.len() - 1
        });
        if value.text() != "_" {
            let origin = list.map(|mut origin| {
                origin.hops.push(step.map_or(Hop::Each(None), Hop::Slot));
                Known::At(origin)
            });
            slots.push(Slot { name: value.text().to_owned(), origin, text: None, hidden: false });
        }
        let inner = self.new_body(Kind::Every, Some((context.body, nth)), slots, place);
        self.bodies[inner].outer = outer;
        context.statement.nested.push(inner);
        let (pieces, _) = self.query(inner, query, None, &[]);
        let span = self.query_span(query);
        context.edits.push(Edit { start: span.start, end: span.end, pieces });
    }

    /// A statement that is an expression.
    fn test(&mut self, expr: &Expr, context: &mut Context<'_>) {
        match expr {
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                let (pattern, value): (&Expr, &Expr) = if *op == AssignOp::ColEq || is_pattern(lhs, context) {
                    (lhs, rhs)
                } else if is_pattern(rhs, context) {
                    (rhs, lhs)
                } else {
                    self.comparison(&BoolOp::Eq, lhs, rhs, context);
                    return;
                };
                context.statement.form = Form::Binds;
                if let Expr::RefBrack { refr, .. } = value
                    && let Some((open, close)) = self.selection(refr, context)
                {
                    let span = self.parsed().span_of(refr);
                    context.edits.push(insert(span.start, span.start, open));
                    context.edits.push(insert(span.end, span.end, close));
                }
                let need = context.names.need(pattern, value, false);
                let side = self.side(value, need, context);
                let origin = match &side.operand {
                    Operand::Read(read) => Some(context.statement.reads[*read].origin.clone()),
                    _ => None,
                };
                if !matches!(pattern, Expr::Var { .. }) {
                    context.statement.form = Form::Test;
                }
                context.statement.sides.push(side);
                if let Some(origin) = &origin {
                    self.fields_of(pattern, origin, context);
                }
                self.bind(pattern, origin, context);
                if let Expr::Var { span, .. } = pattern
                    && let Some(slot) = self.bodies[context.body].slots.iter().position(|slot| slot.name == span.text())
                {
                    self.bodies[context.body].slots[slot].text = text_of(value).map(Text::new);
                    if self.gives_number(value) {
                        context.statement.numbers.slots.push(slot);
                    }
                }
            }
            Expr::Call { .. } if self.output(expr).is_some() => {
                context.statement.form = Form::Binds;
                let Expr::Call { fcn, params, .. } = expr else { return };
                let last = params.len() - 1;
                self.call(expr, fcn, &params[..last], Need::Value, context);
                self.bind(&params[last], None, context);
            }
            _ => self.condition(expr, context),
        }
    }

    /// A test, also under `not`.
    pub(super) fn condition(&mut self, expr: &Expr, context: &mut Context<'_>) {
        match expr {
            Expr::BoolExpr { op, lhs, rhs, .. } => self.comparison(op, lhs, rhs, context),
            Expr::AssignExpr { lhs, rhs, .. } => self.comparison(&BoolOp::Eq, lhs, rhs, context),
            Expr::Membership { .. } => self.membership(expr, context),
            Expr::Call { fcn, params, .. } => {
                for param in params {
                    let text = one_line(&self.text(self.parsed().span_of(param)));
                    context.statement.sides.push(Side { text, operand: Operand::Unknown });
                }
                let operands = self.call(expr, fcn, params, Need::Truth, context);
                for (side, operand) in context.statement.sides.iter_mut().zip(operands) {
                    side.operand = operand;
                }
            }
            _ => {
                let need = if context.negated { Need::Absence } else { Need::Truth };
                if context.statement.text.contains(" with ") {
                    // What a rule comes to there, only the evaluation knows.
                    let side = self.side(expr, need, context);
                    context.statement.sides.push(side);
                    return;
                }
                let operand = self.expr(expr, need, context);
                let text = one_line(&self.text(self.parsed().span_of(expr)));
                context.statement.sides.push(Side { text, operand });
            }
        }
    }

    pub(super) fn comparison(&mut self, op: &BoolOp, lhs: &Expr, rhs: &Expr, context: &mut Context<'_>) {
        let against_true = is_true(lhs) || is_true(rhs);
        let need = match op {
            BoolOp::Eq if context.negated => Need::Absence,
            BoolOp::Eq if against_true => Need::Truth,
            BoolOp::Ne if context.negated => Need::Negated,
            BoolOp::Eq | BoolOp::Ne => Need::Value,
            _ => Need::Number,
        };
        let left = self.side(lhs, need, context);
        let right = self.side(rhs, need, context);
        let place = context.statement.place.clone();
        match op {
            BoolOp::Eq => {
                for (one, other) in [(lhs, &right), (rhs, &left)] {
                    self.constants(one, other, false, context);
                }
            }
            BoolOp::Ne => {}
            _ => context.statement.pairs.push(Pair {
                left: left.clone(),
                right: right.clone(),
                kind: PairKind::Order,
                place,
            }),
        }
        context.statement.sides.extend([left, right]);
    }

    /// Constants on one side, a read on the other.
    pub(super) fn constants(&mut self, constant: &Expr, other: &Side, in_list: bool, context: &mut Context<'_>) {
        let read = match other.operand {
            Operand::Read(read) => read,
            // What `object.get` gives is what it reads, where that is there.
            Operand::Seen(_) => {
                let is_same = |read: &Read| read.need == Need::Excused && read.text == other.text;
                let Some(read) = context.statement.reads.iter().position(is_same) else { return };
                read
            }
            Operand::Literal(_) | Operand::Unknown => return,
        };
        if let Some(texts) = self.strings(constant, context) {
            let place = self.parsed().place(constant.span());
            context.statement.constants.push(Constants { read, texts, in_list, argument: None, place });
        } else if let Expr::Var { span, .. } = constant
            && let Some(slot) = self.bodies[context.body].slots.iter().find(|slot| slot.name == span.text())
            && let Some(Known::Argument(nth)) = slot.origin
        {
            let statement = self.bodies[context.body].statements.len();
            self.compared.push(Compared { body: context.body, statement, read, nth, in_list });
        }
    }

    /// The string or strings that an expression stands for, where they are written there or are a rule of their own.
    pub(super) fn strings(&self, expr: &Expr, context: &Context<'_>) -> Option<Vec<Text>> {
        self.string(expr, context).map(|text| vec![text]).or_else(|| self.listed(expr))
    }

    fn string(&self, expr: &Expr, context: &Context<'_>) -> Option<Text> {
        if let Some(text) = text_of(expr) {
            return Some(Text::new(text));
        }
        let reference = Reference::of(expr)?;
        let name = reference.variable()?;
        if let Some(slot) = self.bodies[context.body].slots.iter().find(|slot| slot.name == name) {
            return slot.text.clone().filter(|_| reference.steps.is_empty());
        }
        let path = reference.full_path();
        let is_whole = path.len() == reference.steps.len() + 1;
        self.names.get(&self.function(&path).filter(|_| is_whole)?).cloned()
    }

    /// The strings of a list that is written there or is a rule of its own; `kinds[_]` is one of them.
    pub(super) fn listed(&self, expr: &Expr) -> Option<Vec<Text>> {
        if let Some(texts) = texts(expr) {
            return Some(texts);
        }
        let reference = Reference::of(expr)?;
        let path = reference.full_path();
        let rule = self.function(&path)?;
        self.constants.get(&rule).cloned()
    }

    pub(super) fn membership(&mut self, expr: &Expr, context: &mut Context<'_>) {
        let Expr::Membership { key, value, collection, .. } = expr else { return };
        let need = if context.negated { Need::Negated } else { Need::Value };
        if let Some(key) = key {
            self.expr(key, need, context);
        }
        let left = self.side(value, need, context);
        let right = self.side(collection, need, context);
        if self.string(value, context).is_some() || matches!(value.as_ref(), Expr::Var { .. }) {
            self.constants(value, &right, true, context);
        }
        self.constants(collection, &left, false, context);
        context.statement.sides.extend([left, right]);
    }

    /// One side of a condition: what is more than a look-up hands over its value.
    pub(super) fn side(&mut self, expr: &Expr, need: Need, context: &mut Context<'_>) -> Side {
        let span = self.parsed().span_of(expr);
        let text = one_line(&self.text(span));
        let is_look_up = |read: &Read| matches!(read.origin.root, Root::Input | Root::Data | Root::Slot(_));
        let first = context.edits.len();
        let operand = match self.expr(expr, need, context) {
            Operand::Unknown => None,
            Operand::Read(read) if !is_look_up(&context.statement.reads[read]) => None,
            operand => Some(operand),
        };
        let operand = operand.unwrap_or_else(|| {
            if !self.probes {
                return Operand::Unknown;
            }
            let number = self.hand_over(span, first, context);
            if self.gives_number(expr) {
                context.statement.numbers.seen.push(number);
            }
            Operand::Seen(number)
        });
        Side { text, operand }
    }

    /// Lets an expression hand over its value; `first` is the first of the edits in it. The number it does so by.
    pub(super) fn hand_over(&mut self, span: Span, first: usize, context: &mut Context<'_>) -> usize {
        let number = self.bodies[context.body].seen;
        self.bodies[context.body].seen += 1;
        let inner: Vec<Edit> = context.edits.drain(first..).collect();
        let mut pieces = vec![Piece::Insert(format!("{SEEN}({}, {number}, ", context.body))];
        pieces.extend(spliced(span, inner));
        pieces.push(Piece::Insert(")".to_owned()));
        context.edits.push(Edit { start: span.start, end: span.end, pieces });
        number
    }
}

/// What a pattern says must stand in an element, and where.
fn literals(pattern: &Expr, way: &mut Vec<Text>, out: &mut Vec<(Vec<Text>, Value)>) {
    let Expr::Object { fields, .. } = pattern else { return };
    for (_, key, item) in fields {
        let Some(key) = text_of(key) else { continue };
        way.push(Text::new(key));
        match literal(item) {
            Some(value) => out.push((way.clone(), value)),
            None => literals(item, way, out),
        }
        way.pop();
    }
}

pub(super) fn is_true(expr: &Expr) -> bool {
    matches!(expr, Expr::Bool { value: Value::Bool(true), .. })
}
