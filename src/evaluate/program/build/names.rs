//! Which variables a body binds, and what an expression mentions.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, LiteralStmt, Query};

use super::{
    super::{super::selection::SEPARATOR, Need, order::Definitions},
    Builder, Context,
    numbers::{Demand, of_pattern},
};
use crate::policy::{
    arity_of_builtin,
    syntax::{Reference, Step, text_of},
    walk::variables,
};

/// The variables that a body itself binds.
#[derive(Default)]
pub(super) struct Names {
    pub(super) all: BTreeSet<String>,
    /// Those that nothing has bound yet.
    pub(super) unbound: BTreeSet<String>,
    /// Those that are declared with their values: a look-up by one of them waits for it.
    pub(super) declared: BTreeSet<String>,
    /// Those that something is ordered or computed with, directly or by what they hand on.
    pub(super) numbers: BTreeSet<(String, Demand)>,
    /// Those that the value or the limit of a measure is made of.
    pub(super) measured: BTreeSet<(String, Demand)>,
    /// The statements that go through a list of which the next one wants only the elements with a text below some keys.
    pub(super) selects: BTreeMap<usize, Selection>,
}

/// The keys, joined, and the text.
pub(super) struct Selection {
    pub(super) keys: String,
    pub(super) text: String,
}

impl Names {
    /// What the absence of what an expression reads means where a pattern is bound to it, or to each of its elements.
    pub(super) fn need(&self, pattern: &Expr, value: &Expr, is_element: bool) -> Need {
        let need = |of: &BTreeSet<(String, Demand)>| {
            let demands = of.iter().filter_map(|(name, demand)| of_pattern(pattern, name, *demand));
            let demands = demands.map(|demand| if is_element { demand.of_collection() } else { demand });
            demands.map(|demand| demand.need(value)).max().unwrap_or(Need::Value)
        };
        if need(&self.measured) == Need::Number { Need::Measured } else { need(&self.numbers) }
    }
}

impl Builder<'_> {
    /// Whether a name is a variable that the body itself binds.
    fn is_local(&self, body: usize, name: &str) -> bool {
        !matches!(name, "_" | "input" | "data")
            && self.rules.local(self.module, name).is_none()
            && !self.parsed().imports().any(|(alias, ..)| alias == name)
            && !self.bodies[body].slots.iter().any(|slot| slot.name == name)
    }

    pub(super) fn names(&self, body: usize, query: &Query, head: &[(&Expr, Demand)]) -> Names {
        let mut declared = BTreeSet::new();
        let mut used = BTreeSet::new();
        let mut named = BTreeSet::new();
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { vars, .. } => named.extend(vars.iter().map(|name| name.text().to_owned())),
                Literal::SomeIn { key, value, collection, .. } => {
                    key.iter().chain([value]).for_each(|pattern| variables(pattern, &mut declared));
                    indexes(collection, &mut used);
                }
                Literal::Expr { expr, .. } => {
                    indexes(expr, &mut used);
                    match expr.as_ref() {
                        Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } => variables(lhs, &mut declared),
                        Expr::AssignExpr { lhs, rhs, .. } => {
                            variables(lhs, &mut used);
                            variables(rhs, &mut used);
                        }
                        Expr::Call { .. } => {
                            if let Some(out) = self.output(expr) {
                                variables(out, &mut used);
                            }
                        }
                        _ => {}
                    }
                }
                Literal::NotExpr { .. } => {}
                Literal::Every { domain, .. } => indexes(domain, &mut used),
            }
        }
        declared.remove("_");
        used.retain(|name| self.is_local(body, name));
        used.extend(declared.iter().cloned().chain(named));
        Names {
            unbound: used.clone(),
            all: used,
            declared,
            numbers: self.numbers(query, head),
            measured: BTreeSet::new(),
            selects: selections(query),
        }
    }

    /// The argument of a call that takes its result.
    pub(super) fn output<'e>(&self, expr: &'e Expr) -> Option<&'e Expr> {
        let Expr::Call { fcn, params, .. } = expr else { return None };
        let reference = Reference::of(fcn)?;
        let path = reference.full_path();
        let arity = match self.function(&path) {
            Some(rule) => {
                let id = *self.rules.definitions(&rule).first()?;
                crate::policy::rules::arity(self.rules.rule(id))?
            }
            None => arity_of_builtin(&path.join("."))?,
        };
        (params.len() == arity + 1).then(|| params.last()).flatten().map(AsRef::as_ref)
    }

    /// What a statement defines, as the engine sees it.
    pub(super) fn definitions(&self, statement: &LiteralStmt, names: &Names) -> Definitions {
        let (locals, declared) = (&names.all, &names.declared);
        let used = |expr: &Expr| {
            let mut names = BTreeSet::new();
            mentioned(expr, &mut names);
            names.retain(|name| locals.contains(name));
            names
        };
        let mut with: BTreeSet<String> = BTreeSet::new();
        for one in &statement.with_mods {
            with.extend(used(&one.r#as));
        }
        let mut out: Definitions = Vec::new();
        let places = |expr: &Expr, out: &mut Definitions| {
            let mut names = BTreeSet::new();
            indexes(expr, &mut names);
            names.retain(|name| !declared.contains(name));
            for name in names.into_iter().filter(|name| locals.contains(name)) {
                let mut needs = used(expr);
                needs.remove(&name);
                // What else the same expression looks up by is found in it too.
                let mut others = BTreeSet::new();
                indexes(expr, &mut others);
                others.retain(|name| !declared.contains(name));
                needs.retain(|need| !others.contains(need));
                out.push((name, needs));
            }
        };
        match &statement.literal {
            Literal::SomeVars { .. } => out.push((String::new(), BTreeSet::new())),
            Literal::SomeIn { key, value, collection, .. } => {
                let mut names = BTreeSet::new();
                key.iter().chain([value]).for_each(|pattern| variables(pattern, &mut names));
                names.remove("_");
                places(collection, &mut out);
                let needs: BTreeSet<_> = used(collection).union(&with).cloned().collect();
                if names.is_empty() {
                    out.push((String::new(), needs));
                } else {
                    out.extend(names.into_iter().map(|name| (name, needs.clone())));
                }
            }
            Literal::Expr { expr, .. } => {
                places(expr, &mut out);
                match expr.as_ref() {
                    Expr::AssignExpr { lhs, rhs, .. } => {
                        for (pattern, other) in [(lhs, rhs), (rhs, lhs)] {
                            let mut names = BTreeSet::new();
                            if matches!(pattern.as_ref(), Expr::Var { .. } | Expr::Array { .. } | Expr::Object { .. }) {
                                variables(pattern, &mut names);
                            }
                            names.retain(|name| locals.contains(name));
                            let needs: BTreeSet<_> = used(other).union(&with).cloned().collect();
                            if names.is_empty() {
                                out.push((String::new(), needs));
                            } else {
                                out.extend(names.into_iter().map(|name| {
                                    let needs = needs.iter().filter(|need| **need != name).cloned().collect();
                                    (name, needs)
                                }));
                            }
                        }
                    }
                    Expr::Call { params, .. } if self.output(expr).is_some() => {
                        let mut names = BTreeSet::new();
                        if let Some(out) = self.output(expr) {
                            variables(out, &mut names);
                        }
                        names.retain(|name| locals.contains(name));
                        let mut needs = with.clone();
                        params[..params.len() - 1].iter().for_each(|param| needs.extend(used(param)));
                        if names.is_empty() {
                            out.push((String::new(), needs));
                        } else {
                            out.extend(names.into_iter().map(|name| (name, needs.clone())));
                        }
                    }
                    _ => out.push((String::new(), used(expr).union(&with).cloned().collect())),
                }
            }
            Literal::NotExpr { expr, .. } => {
                out.push((String::new(), used(expr).union(&with).cloned().collect()));
            }
            Literal::Every { domain, query, .. } => {
                let mut needs: BTreeSet<_> = used(domain).union(&with).cloned().collect();
                let mut inside = BTreeSet::new();
                mentioned_in(query, &mut inside);
                needs.extend(inside.into_iter().filter(|name| locals.contains(name)));
                out.push((String::new(), needs));
            }
        }
        out
    }
}

/// Which statements are followed by one that wants a text of their elements.
fn selections(query: &Query) -> BTreeMap<usize, Selection> {
    let pairs = query.stmts.iter().zip(query.stmts.iter().skip(1)).enumerate();
    pairs.filter_map(|(nth, (list, test))| Some((nth, selection(list, test)?))).collect()
}

fn selection(list: &LiteralStmt, next: &LiteralStmt) -> Option<Selection> {
    if !list.with_mods.is_empty() || !next.with_mods.is_empty() {
        return None;
    }
    let (element, collection): (&Expr, &Expr) = match &list.literal {
        Literal::SomeIn { key: None, value, collection, .. } => (value, collection),
        Literal::Expr { expr, .. } => match expr.as_ref() {
            Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => match rhs.as_ref() {
                Expr::RefBrack { refr, index, .. } if matches!(index.as_ref(), Expr::Var { span, .. } if span.text() == "_") => {
                    (lhs, refr)
                }
                _ => return None,
            },
            _ => return None,
        },
        _ => return None,
    };
    let Expr::Var { span: element, .. } = element else { return None };
    // Only what stands there for good is worth an index.
    let stays = Reference::of(collection)?;
    if stays.variable().is_none() || !stays.steps.iter().all(|step| matches!(step, Step::Key(_))) {
        return None;
    }
    let Literal::Expr { expr, .. } = &next.literal else { return None };
    let (Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. }) =
        expr.as_ref()
    else {
        return None;
    };
    let (asked, text) = match (text_of(lhs), text_of(rhs)) {
        (None, Some(text)) => (Reference::of(lhs)?, text),
        (Some(text), None) => (Reference::of(rhs)?, text),
        _ => return None,
    };
    let keys: Vec<_> = asked.keys().collect();
    let is_of_element = asked.variable() == Some(element.text()) && !keys.is_empty() && keys.len() == asked.steps.len();
    let is_plain = !keys.iter().any(|key| key.contains(SEPARATOR));
    (is_of_element && is_plain).then(|| Selection { keys: keys.join(&SEPARATOR.to_string()), text: text.to_owned() })
}

/// Whether `=` only gives names to what this pattern meets.
pub(super) fn is_pattern(expr: &Expr, context: &Context<'_>) -> bool {
    match expr {
        Expr::Var { span, .. } => span.text() == "_" || context.names.unbound.contains(span.text()),
        Expr::Array { items, .. } => items.iter().any(|item| is_pattern(item, context)),
        Expr::Object { fields, .. } => fields.iter().any(|(_, _, item)| is_pattern(item, context)),
        _ => false,
    }
}

/// Variables that stand in brackets, outside of comprehensions: what is not bound otherwise is bound there.
fn indexes(expr: &Expr, names: &mut BTreeSet<String>) {
    shallow(expr, &mut |expr| {
        if let Expr::RefBrack { index, .. } = expr {
            variables(index, names);
        }
    });
    names.remove("_");
}

/// Whether an expression looks up by `_`, outside of comprehensions.
pub(in crate::evaluate) fn has_wildcard(expr: &Expr) -> bool {
    let mut found = false;
    shallow(expr, &mut |expr| {
        if let Expr::RefBrack { index, .. } = expr {
            found |= matches!(index.as_ref(), Expr::Var { span, .. } if span.text() == "_");
        }
    });
    found
}

/// Whether an expression looks up by a variable, outside of comprehensions.
pub(in crate::evaluate) fn iterates(expr: &Expr) -> bool {
    let mut found = false;
    shallow(expr, &mut |expr| {
        found |= matches!(expr, Expr::RefBrack { index, .. } if matches!(index.as_ref(), Expr::Var { .. }));
    });
    found
}

/// Every name in an expression, those in comprehensions too.
pub(super) fn mentioned(expr: &Expr, names: &mut BTreeSet<String>) {
    shallow(expr, &mut |expr| match expr {
        Expr::Var { span, .. } => {
            names.insert(span.text().to_owned());
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            mentioned(term, names);
            mentioned_in(query, names);
        }
        Expr::ObjectCompr { key, value, query, .. } => {
            mentioned(key, names);
            mentioned(value, names);
            mentioned_in(query, names);
        }
        _ => {}
    });
}

fn mentioned_in(query: &Query, names: &mut BTreeSet<String>) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|expr| mentioned(expr, names));
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => mentioned(expr, names),
            Literal::Every { domain, query, .. } => {
                mentioned(domain, names);
                mentioned_in(query, names);
            }
        }
        statement.with_mods.iter().for_each(|with| mentioned(&with.r#as, names));
    }
}

/// Visits an expression and all in it, but not the queries of comprehensions.
fn shallow<'e>(expr: &'e Expr, on: &mut dyn FnMut(&'e Expr)) {
    on(expr);
    match expr {
        Expr::RefDot { refr, .. } => shallow(refr, on),
        Expr::RefBrack { refr, index, .. } => {
            shallow(refr, on);
            shallow(index, on);
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| shallow(item, on)),
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                shallow(key, on);
                shallow(value, on);
            }
        }
        Expr::Call { params, .. } => params.iter().for_each(|param| shallow(param, on)),
        Expr::UnaryExpr { expr, .. } => shallow(expr, on),
        Expr::AssignExpr { lhs, rhs, .. }
        | Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. } => {
            shallow(lhs, on);
            shallow(rhs, on);
        }
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).for_each(|expr| shallow(expr, on));
        }
        _ => {}
    }
}

/// What a visit to all of a statement meets.
#[derive(Clone, Copy)]
pub(super) enum Deep<'e> {
    Expr(&'e Expr),
    /// The pattern and the collection of a `some … in`.
    Some(&'e Expr, &'e Expr),
}

/// Visits every expression of a statement, those of comprehensions too.
pub(super) fn deep_statement<'e>(statement: &'e LiteralStmt, on: &mut dyn FnMut(Deep<'e>)) {
    match &statement.literal {
        Literal::SomeVars { .. } => {}
        Literal::SomeIn { value, collection, .. } => {
            on(Deep::Some(value, collection));
            deep(collection, on);
        }
        Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => deep(expr, on),
        Literal::Every { domain, query, .. } => {
            deep(domain, on);
            query.stmts.iter().for_each(|statement| deep_statement(statement, on));
        }
    }
}

/// The same of an expression.
pub(super) fn deep<'e>(expr: &'e Expr, on: &mut dyn FnMut(Deep<'e>)) {
    shallow(expr, &mut |expr| {
        on(Deep::Expr(expr));
        let (terms, query): (Vec<&'e Expr>, _) = match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => (vec![term], query),
            Expr::ObjectCompr { key, value, query, .. } => (vec![key, value], query),
            _ => return,
        };
        for term in terms {
            deep(term, on);
        }
        query.stmts.iter().for_each(|statement| deep_statement(statement, on));
    });
}
