//! A walk over rules that meets every reference, call and binding once.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Ref, Rule, RuleHead, Span};

use super::{
    builtins::arity_of_builtin,
    syntax::{Reference, Step},
};

/// What a walk over a rule meets.
pub(crate) enum Node<'a> {
    /// A reference that is no part of a longer one; also a bare variable.
    Reference(Reference<'a>, &'a Expr),
    /// A call: the whole, the function, the arguments.
    Call(&'a Expr, &'a Expr, &'a [Ref<Expr>]),
    /// An expression that is a statement of its own, also under `not`; the walk goes on in it.
    Statement(&'a Expr),
    /// Something that binds the variables in it.
    Pattern(&'a Expr),
    /// A name that is bound.
    Name(&'a str),
    /// A name that `some` declares.
    Declared(&'a Span),
    /// What stands under a `not`; the walk goes on in it.
    Not(&'a Expr),
    /// The body of a comprehension; the walk goes on in it.
    Query(&'a Query),
}

/// How many statements stand in a rule's bodies and in what is nested in them, at most on the way through one body.
pub(crate) fn statements(rule: &Rule) -> usize {
    let Rule::Spec { bodies, .. } = rule else { return 0 };
    let mut nested = 0;
    visit_rule(rule, &mut |node| {
        if let Node::Query(query) = node {
            nested += query.stmts.len();
        }
    });
    nested + bodies.iter().map(|body| body.query.stmts.len()).max().unwrap_or(0)
}

/// Collects the names that a node binds.
pub(crate) fn bind(node: &Node<'_>, bound: &mut BTreeSet<String>) {
    match node {
        Node::Pattern(expr) => variables(expr, bound),
        Node::Name(name) => {
            bound.insert((*name).to_owned());
        }
        Node::Declared(name) => {
            bound.insert(name.text().to_owned());
        }
        Node::Reference(..) | Node::Call(..) | Node::Statement(_) | Node::Not(_) | Node::Query(_) => {}
    }
}

/// Variables that only look-ups directly under `not` would bind, each where it first stands so: what the rest of the
/// rule would see of them is nothing, and OPA refuses them.
pub(crate) fn loose(rule: &Rule) -> BTreeMap<&str, &Expr> {
    let mut negated = Vec::new();
    let mut bound: BTreeMap<String, usize> = BTreeMap::new();
    visit_rule(rule, &mut |node| match node {
        Node::Not(expr) => negated.push(expr),
        other => count(&other, &mut bound),
    });
    let mut under_not: BTreeMap<String, usize> = BTreeMap::new();
    let mut first: BTreeMap<&str, &Expr> = BTreeMap::new();
    for expr in negated {
        // A comprehension binds for itself.
        let mut inside: BTreeMap<String, usize> = BTreeMap::new();
        visit(expr, &mut |node| {
            if let Node::Pattern(pattern @ Expr::Var { span, .. }) = &node {
                first.entry(span.text()).or_insert(pattern);
            }
            match node {
                Node::Query(query) => visit_query(query, &mut |node| count(&node, &mut inside)),
                other => count(&other, &mut under_not),
            }
        });
        for (name, count) in inside {
            if let Some(known) = under_not.get_mut(&name) {
                *known = known.saturating_sub(count);
            }
        }
    }
    first.retain(|name, _| {
        *name != "_" && under_not.get(*name).is_some_and(|count| *count > 0 && bound.get(*name) == Some(count))
    });
    first
}

/// Counts how often names are bound.
fn count(node: &Node<'_>, counts: &mut BTreeMap<String, usize>) {
    let mut bound = BTreeSet::new();
    bind(node, &mut bound);
    for name in bound {
        *counts.entry(name).or_default() += 1;
    }
}

/// The variables of a pattern.
pub(crate) fn variables(pattern: &Expr, bound: &mut BTreeSet<String>) {
    match pattern {
        Expr::Var { span, .. } if !matches!(span.text(), "input" | "data") => {
            bound.insert(span.text().to_owned());
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| variables(item, bound)),
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                variables(key, bound);
                variables(value, bound);
            }
        }
        _ => {}
    }
}

/// Walks a rule: heads, bodies, nested queries.
pub(crate) fn visit_rule<'a>(rule: &'a Rule, on: &mut dyn FnMut(Node<'a>)) {
    match rule {
        Rule::Default { args, value, .. } => {
            for arg in args {
                on(Node::Pattern(arg));
            }
            visit(value, on);
        }
        Rule::Spec { head, bodies, .. } => {
            let (refr, key, args, assign): (_, _, &[_], _) = match head {
                RuleHead::Compr { refr, assign, .. } => (refr, None, &[], assign.as_ref()),
                RuleHead::Set { refr, key, .. } => (refr, key.as_ref(), &[], None),
                RuleHead::Func { refr, args, assign, .. } => (refr, None, args, assign.as_ref()),
            };
            if let Some(reference) = Reference::of(refr) {
                reference.steps.iter().for_each(|step| visit_step(step, on));
            }
            for arg in args {
                on(Node::Pattern(arg));
                visit_pattern(arg, on);
            }
            if let Some(key) = key {
                visit(key, on);
            }
            if let Some(assign) = assign {
                visit(&assign.value, on);
            }
            for body in bodies {
                if let Some(assign) = &body.assign {
                    visit(&assign.value, on);
                }
                visit_query(&body.query, on);
            }
        }
    }
}

fn visit_query<'a>(query: &'a Query, on: &mut dyn FnMut(Node<'a>)) {
    query.stmts.iter().for_each(|statement| visit_statement(statement, on));
}

/// Walks a statement of a body and all that is nested in it.
pub(crate) fn visit_statement<'a>(statement: &'a LiteralStmt, on: &mut dyn FnMut(Node<'a>)) {
    {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => vars.iter().for_each(|name| on(Node::Declared(name))),
            Literal::SomeIn { key, value, collection, .. } => {
                for pattern in key.iter().chain([value]) {
                    on(Node::Pattern(pattern));
                    visit_pattern(pattern, on);
                }
                visit(collection, on);
            }
            Literal::Expr { expr, .. } => {
                on(Node::Statement(expr));
                visit(expr, on);
            }
            Literal::NotExpr { expr, .. } => {
                on(Node::Not(expr));
                on(Node::Statement(expr));
                visit(expr, on);
            }
            Literal::Every { key, value, domain, query, .. } => {
                key.iter().chain([value]).for_each(|name| on(Node::Name(name.text())));
                visit(domain, on);
                visit_query(query, on);
            }
        }
        for with in &statement.with_mods {
            visit(&with.r#as, on);
        }
    }
}

/// A pattern's own variables are bound by it; what else stands in it is read.
fn visit_pattern<'a>(pattern: &'a Expr, on: &mut dyn FnMut(Node<'a>)) {
    match pattern {
        Expr::Var { .. } => {}
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| visit_pattern(item, on)),
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                visit_pattern(key, on);
                visit_pattern(value, on);
            }
        }
        other => visit(other, on),
    }
}

fn visit_step<'a>(step: &Step<'a>, on: &mut dyn FnMut(Node<'a>)) {
    match step {
        Step::Key(_) | Step::Number(_) => {}
        // A variable in brackets is bound by the look-up unless something else binds it.
        Step::Variable(index, _) => on(Node::Pattern(index)),
        Step::Dynamic(index) => {
            on(Node::Pattern(index));
            visit_pattern(index, on);
        }
    }
}

fn visit<'a>(expr: &'a Expr, on: &mut dyn FnMut(Node<'a>)) {
    match expr {
        Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
            let Some(reference) = Reference::of(expr) else { return };
            reference.steps.iter().for_each(|step| visit_step(step, on));
            if reference.variable().is_none() {
                visit(reference.root, on);
            }
            on(Node::Reference(reference, expr));
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| visit(item, on)),
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                visit(key, on);
                visit(value, on);
            }
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            on(Node::Query(query));
            visit_query(query, on);
            visit(term, on);
        }
        Expr::ObjectCompr { key, value, query, .. } => {
            on(Node::Query(query));
            visit_query(query, on);
            visit(key, on);
            visit(value, on);
        }
        Expr::Call { fcn, params, .. } => {
            on(Node::Call(expr, fcn, params));
            for param in params {
                visit(param, on);
            }
            // `f(x, out)` binds its output; which calls have one is not known here, and a name too many does no harm.
            if let Some(last) = params.last().filter(|_| params.len() > 1)
                && matches!(last.as_ref(), Expr::Var { .. } | Expr::Array { .. })
                && !is_bound_elsewhere(fcn, params.len())
            {
                on(Node::Pattern(last));
            }
        }
        Expr::UnaryExpr { expr, .. } => visit(expr, on),
        Expr::AssignExpr { lhs, rhs, .. } => {
            on(Node::Pattern(lhs));
            visit_pattern(lhs, on);
            if matches!(expr, Expr::AssignExpr { op: AssignOp::Eq, .. }) {
                on(Node::Pattern(rhs));
            }
            visit(rhs, on);
        }
        Expr::BinExpr { lhs, rhs, .. } | Expr::BoolExpr { lhs, rhs, .. } | Expr::ArithExpr { lhs, rhs, .. } => {
            visit(lhs, on);
            visit(rhs, on);
        }
        Expr::Membership { key, value, collection, .. } => {
            if let Some(key) = key {
                visit(key, on);
            }
            visit(value, on);
            visit(collection, on);
        }
        Expr::String { .. } | Expr::RawString { .. } | Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. } => {}
    }
}

/// Whether a call with so many arguments has no output argument: the built-in takes just that many.
fn is_bound_elsewhere(function: &Expr, params: usize) -> bool {
    let Some(reference) = Reference::of(function) else { return false };
    let name = reference.full_path().join(".");
    arity_of_builtin(&name) == Some(params) || name == "print"
}
